/*
 * A centre under any sequence of calls and any ASDUs: no assertion fails, each request ends exactly once, and
 * a command is executed at most once, before its deadline, and never behind an end that says it was not.
 *
 * Octet 0 chooses settings; then each operation is one octet, with its arguments behind it. Beside raw octets
 * the script can answer what was written, rightly or nearly so. The property test of unit/centre runs scripts
 * from a seed through here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/centre.h"

enum { IDS_MAX = 600, WRITTEN_MAX = 16 };

/* One request, as its host sees it. */
struct asked {
    bool open, ended;
    bool command; /* one that executes, and whose address is its number */
    uint8_t type;
    uint16_t ca;
    unsigned selects, executes; /* written */
    struct komet_instant deadline;
};

struct written {
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    size_t size;
};

struct host {
    const uint8_t *script;
    size_t size;
    struct komet_centre *centre;
    struct komet_centre_settings settings;
    struct komet_profile profile;
    uint16_t stations[KOMET_CENTRE_STATIONS_MAX];
    struct komet_instant now;
    bool connected;
    uint64_t taken, ended;
    struct asked asked[IDS_MAX];
    struct written written[WRITTEN_MAX]; /* a ring */
    unsigned written_count;
};

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static uint8_t take_octet(struct host *host)
{
    if (host->size == 0) {
        return 0;
    }
    host->size--;
    return *host->script++;
}

/* ---- what the engine says ---- */

static void check_end(struct host *host, struct asked *asked, const struct komet_centre_event *event)
{
    asked->ended = true;
    asked->open = false;
    host->ended++;
    if (!asked->command) {
        return;
    }
    if (event->kind == KOMET_CENTRE_EXPIRED || event->select_only) {
        check(asked->executes == 0);
    } else if (event->kind != KOMET_CENTRE_STOPPED) {
        check(asked->executes == 1);
    }
    check(event->kind != KOMET_CENTRE_STOPPED);
}

static void drain(struct host *host)
{
    struct komet_centre_event event;
    while (komet_centre_next(host->centre, &event)) {
        check(komet_centre_kind_name(event.kind)[0] != '\0');
        check(event.object.octets == NULL && event.delay_us >= 0);
        check(event.confirmed <= KOMET_CENTRE_STATIONS_MAX && event.terminated <= event.confirmed);
        if (event.kind == KOMET_CENTRE_INITIALIZED) {
            check(event.id == 0);
            continue;
        }
        check(event.id >= 1 && event.id <= host->taken);
        struct asked *asked = &host->asked[event.id];
        check(asked->open && !asked->ended);
        if (event.kind >= KOMET_CENTRE_DONE) {
            check_end(host, asked, &event);
        }
    }
}

/* ---- what the host does ---- */

static struct komet_centre_request make_request(struct host *host)
{
    static const uint8_t types[] = {45,  46,  47,  48,  49,  50,  51,  58,  59,  60,  61,  62,  63,  64,
                                    100, 100, 100, 101, 101, 102, 103, 104, 105, 106, 107, 110, 112, 113};
    uint8_t choice = take_octet(host), more = take_octet(host);
    struct komet_centre_request request = {.type = types[choice % sizeof types],
                                           .procedure = (enum komet_centre_procedure)(more % 4),
                                           .ca = (uint16_t)(1 + (more >> 2) % 3),
                                           .test = (more & 0x30) == 0x30,
                                           .terminates = (more & 0x40) != 0,
                                           .waits = (more & 0x80) != 0,
                                           .deadline = KOMET_NEVER};
    const struct komet_type_row *row = komet_type_find(request.type);
    uint8_t rest = take_octet(host);
    if (rest & 0x80 && row->direction == KOMET_SYSTEM_CONTROL) {
        request.ca = host->profile.ca_size == 1 ? KOMET_CA_BROADCAST_1 : KOMET_CA_BROADCAST_2;
    }
    if (rest & 0x40) {
        request.deadline = komet_after(host->now, KOMET_MS(100) * (rest & 0x3F));
    }
    request.object.qualifier = (uint8_t)(rest & 0x3F);
    if (row->direction == KOMET_CONTROL) {
        /* Its address is its number, so that what is written can be told apart. */
        request.object.ioa = (uint32_t)(host->taken + 1);
        request.object.qualifier %= 32;
        if (request.object.ioa > 1 && rest % 8 == 7) {
            request.object.ioa--; /* perhaps busy */
        }
    } else if (row->direction == KOMET_PARAMETER || request.type == KOMET_C_RD_NA_1) {
        request.object.ioa = rest % 4;
    } else if (row->type == KOMET_C_IC_NA_1) {
        request.object.qualifier = (uint8_t)(19 + rest % 4);
        request.procedure = more & 1 ? KOMET_CENTRE_ACTIVATE : KOMET_CENTRE_DEACTIVATE;
    } else if (row->type == KOMET_C_CI_NA_1) {
        request.object.qualifier = (uint8_t)(rest % 8);
        request.procedure = more & 1 ? KOMET_CENTRE_ACTIVATE : KOMET_CENTRE_DEACTIVATE;
    }
    if (row->element == KOMET_ELEMENT_DOUBLE || row->element == KOMET_ELEMENT_REGULATING) {
        request.object.value.number = 1 + rest % 2;
    } else if (row->element == KOMET_ELEMENT_SINGLE) {
        request.object.value.single = rest % 2 != 0;
    } else {
        request.object.value.number = rest;
    }
    return request;
}

static void ask(struct host *host)
{
    struct komet_centre_request request = make_request(host);
    uint64_t id = 0;
    if (host->taken + 1 >= IDS_MAX || komet_centre_request_fault(host->centre, &request) != NULL) {
        return;
    }
    const struct komet_type_row *row = komet_type_find(request.type);
    bool told_apart = request.object.ioa == host->taken + 1;
    enum komet_centre_result result = komet_centre_request(host->centre, host->now, &request, &id);
    if (result == KOMET_CENTRE_NOT_CONNECTED) {
        check(!host->connected && !request.waits);
    } else if (result == KOMET_CENTRE_FULL) {
        check(host->taken - host->ended >= host->settings.requests);
    } else if (result == KOMET_CENTRE_TAKEN) {
        check(id == ++host->taken);
        check(host->taken - host->ended <= host->settings.requests);
        host->asked[id] = (struct asked){
            .open = true,
            .command = row->direction == KOMET_CONTROL && told_apart &&
                       (request.procedure == KOMET_CENTRE_ACTIVATE ||
                        request.procedure == KOMET_CENTRE_SELECT_EXECUTE),
            .type = request.type,
            .ca = request.ca,
            .deadline = request.deadline,
        };
    }
}

static void check_written(struct host *host, const struct written *written)
{
    struct komet_asdu asdu;
    struct komet_object object;
    check(komet_asdu_decode(&host->profile, written->octets, written->size, &asdu) == KOMET_ASDU_OK);
    check(asdu.count == 1 && !asdu.negative && asdu.oa == host->settings.oa);
    komet_asdu_object(&asdu, 0, &object);
    if (asdu.row->direction != KOMET_CONTROL || asdu.cause != KOMET_COT_ACTIVATION) {
        return;
    }
    check(object.ioa <= host->taken);
    struct asked *asked = &host->asked[object.ioa];
    if (asked->command && asked->open && asked->type == asdu.type && asked->ca == asdu.ca) {
        asked->selects += object.select;
        asked->executes += !object.select;
        check(asked->selects <= 1 && asked->executes <= 1);
        check(!komet_reached(host->now, asked->deadline));
    }
}

static void write(struct host *host)
{
    struct komet_utc utc =
        take_octet(host) % 8 == 0 ? KOMET_UTC_UNKNOWN : (struct komet_utc){host->now.us / 1000};
    struct written *written = &host->written[host->written_count % WRITTEN_MAX];
    struct written next = {.size = 0};
    next.size = komet_centre_write(host->centre, host->now, utc, next.octets);
    if (next.size > 0) {
        check(host->connected && next.size <= sizeof next.octets);
        check_written(host, &next);
        *written = next;
        host->written_count++;
    }
}

static void receive(struct host *host, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(&host->profile, octets, size, &asdu);
    if (result == KOMET_ASDU_OK || result == KOMET_ASDU_UNKNOWN_TYPE) {
        bool answer = komet_centre_receive(host->centre, host->now, &asdu);
        check(!answer || (asdu.row != NULL && asdu.row->direction != KOMET_MONITOR));
    }
}

static void receive_raw(struct host *host)
{
    size_t size = take_octet(host) % 64;
    size = size < host->size ? size : host->size;
    const uint8_t *octets = host->script;
    host->script += size;
    host->size -= size;
    receive(host, octets, size);
}

/* What was written comes back with another cause; sometimes an octet of it is another one, too. */
static void receive_answer(struct host *host)
{
    static const uint8_t causes[] = {7, 7, 7, 9, 10, 10, 44, 45, 46, 47, 7, 3, 6, 8, 9, 10};
    unsigned kept = host->written_count < WRITTEN_MAX ? host->written_count : WRITTEN_MAX;
    uint8_t choice = take_octet(host), what = take_octet(host);
    if (kept == 0) {
        return;
    }
    struct written answer = host->written[(host->written_count - 1 - choice % 8 % kept) % WRITTEN_MAX];
    komet_asdu_mirror(answer.octets, causes[what % 16], (what & 0x30) == 0x30);
    if ((what & 0xC0) == 0xC0) {
        uint8_t place = take_octet(host);
        answer.octets[place % answer.size] ^= take_octet(host);
    }
    if ((what & 0xC0) == 0x80) { /* a station of its own */
        answer.octets[2 + host->profile.cot_size] = (uint8_t)(1 + choice / 16 % 4);
        answer.octets[1 + host->profile.cot_size + host->profile.ca_size] =
            host->profile.ca_size == 1 ? (uint8_t)(1 + choice / 16 % 4) : 0;
    }
    receive(host, answer.octets, answer.size);
}

static void receive_value(struct host *host)
{
    static const uint8_t causes[] = {20, 5, 37, 38, 3, 21, 22, 36};
    uint8_t choice = take_octet(host);
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = choice & 0x40 ? KOMET_M_EI_NA_1 : KOMET_M_SP_NA_1,
                                       .cause = causes[choice % 8],
                                       .oa = host->settings.oa,
                                       .ca = (uint16_t)(1 + choice / 8 % 3)};
    struct komet_object object = {.ioa = choice / 32 % 4};
    check(komet_asdu_begin(&writer, &host->profile, &header, octets, sizeof octets));
    check(komet_asdu_add(&writer, &object));
    receive(host, octets, komet_asdu_end(&writer));
}

static void pass_time(struct host *host)
{
    struct komet_instant deadline = komet_centre_deadline(host->centre);
    unsigned choice = take_octet(host);
    if (choice % 8 == 0 && deadline.us != KOMET_NEVER.us) {
        host->now = komet_earlier(host->now, deadline).us == host->now.us ? deadline : host->now;
    } else {
        host->now = komet_after(host->now, KOMET_MS(choice) * 2);
    }
    komet_centre_tick(host->centre, host->now);
    check(komet_centre_deadline(host->centre).us > host->now.us); /* what was due is done: no busy loop */
}

static void operate(struct host *host)
{
    switch (take_octet(host) % 16) {
    case 0:
    case 1:
    case 2:
        ask(host);
        break;
    case 3:
    case 4:
    case 5:
        write(host);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        receive_answer(host);
        break;
    case 10:
        receive_value(host);
        break;
    case 11:
        receive_raw(host);
        break;
    case 12:
        pass_time(host);
        break;
    case 13: /* in the place of another connection, too, but seldom */
        if (!host->connected || take_octet(host) % 8 == 0) {
            komet_centre_connected(host->centre, host->now);
            host->connected = true;
        }
        break;
    case 14:
        if (take_octet(host) % 8 == 0) {
            komet_centre_disconnected(host->centre, host->now);
            host->connected = false;
        }
        break;
    default:
        write(host);
        receive_answer(host);
        break;
    }
    drain(host);
}

/* In the end all that was sent has ended, and what was not waits without a limit. */
static void finish(struct host *host)
{
    komet_centre_disconnected(host->centre, host->now);
    drain(host);
    komet_centre_connected(host->centre, host->now);
    while (komet_centre_deadline(host->centre).us != KOMET_NEVER.us) {
        host->now = komet_centre_deadline(host->centre);
        komet_centre_tick(host->centre, host->now);
        drain(host);
    }
    struct komet_centre_counters counters = komet_centre_counters(host->centre);
    check(counters.requests == host->taken && counters.ended == host->ended);
    uint64_t open = 0;
    for (uint64_t id = 1; id <= host->taken; id++) {
        check(host->asked[id].open != host->asked[id].ended);
        open += host->asked[id].open;
        check(!host->asked[id].open || (host->asked[id].selects == 0 && host->asked[id].executes == 0));
    }
    check(open == host->taken - host->ended);
}

static void choose_settings(struct host *host)
{
    unsigned choice = take_octet(host);
    host->profile = choice & 1 ? komet_profile_104 : komet_profile_sinaut;
    if (choice & 2) {
        host->profile = (struct komet_profile){.cot_size = 1, .ca_size = 1, .ioa_size = 2};
    }
    host->settings = komet_centre_settings_standard();
    host->settings.profile = &host->profile;
    host->settings.oa = choice & 2 || choice & 4 ? 0 : 7;
    host->settings.requests = choice & 8 ? 2 : 12;
    host->settings.confirm_us = KOMET_SECONDS(1);
    host->settings.terminate_us = KOMET_SECONDS(2);
    host->settings.select_us = KOMET_SECONDS(1);
    host->settings.stations = host->stations;
    host->settings.station_count = choice & 16 ? 3 : choice & 32 ? KOMET_CENTRE_STATIONS_MAX : 0;
    for (unsigned i = 0; i < KOMET_CENTRE_STATIONS_MAX; i++) {
        host->stations[i] = (uint16_t)(1 + i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(max_align_t) uint8_t memory[8192];
    static struct host host;
    host = (struct host){.script = data, .size = size};
    choose_settings(&host);
    check(komet_centre_settings_fault(&host.settings) == NULL);
    check(komet_centre_size(&host.settings) <= sizeof memory);
    host.centre = komet_centre_init(memory, sizeof memory, &host.settings);
    while (host.size > 0) {
        operate(&host);
    }
    finish(&host);
    return 0;
}
