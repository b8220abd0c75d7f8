/*
 * A sender and a receiver of files under any sequence of calls and any ASDUs: no assertion fails, what leaves
 * is well formed, and what is handed out is in order, within its bounds, and ends exactly once.
 *
 * Octet 0 chooses settings; then each operation is one octet, with its arguments behind it. Beside ASDUs made
 * of the script's octets, the two can be let talk to each other, so that the fuzzer gets beyond the first
 * step.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/file_transfer.h"

enum { FILES = 5, CONNECTIONS = 2, LENGTH_MAX = 300 };

struct host {
    const uint8_t *script;
    size_t size;
    struct komet_file_settings settings;
    struct komet_file_sender *sender;
    struct komet_file_receiver *receiver;
    struct komet_instant now;
    bool up[CONNECTIONS];
    struct komet_file files[FILES];
    size_t file_count;
    uint32_t question;
    /* What the receiver has begun: its end must come, once. */
    bool wants;
    uint32_t got_to, section_begin;
    uint8_t got[LENGTH_MAX];
    bool pristine; /* all of it came from the sender, as it was */
};

/* Each of exactly its length, so that a read beyond it is seen. */
static uint8_t *data[FILES];
static const uint32_t lengths[FILES] = {0, 1, 20, 255, LENGTH_MAX};

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

/* ---- what the engines hand out ---- */

static void take_data(struct host *host, const struct komet_file_event *event)
{
    check(host->wants && event->section > 0 && event->size > 0);
    check(event->offset == host->got_to || event->offset == host->section_begin);
    check(event->offset + event->size <= host->settings.length_max);
    memcpy(host->got + event->offset, event->octets, event->size);
    host->got_to = event->offset + (uint32_t)event->size;
}

static void take_end(struct host *host, const struct komet_file_event *event)
{
    check(host->wants);
    host->wants = false;
    if (event->kind != KOMET_FILE_EVENT_DONE) {
        return;
    }
    check(event->length == host->got_to && event->length == host->section_begin);
    for (size_t i = 0; i < FILES && host->pristine; i++) {
        if (lengths[i] == event->length) {
            check(memcmp(host->got, data[i], event->length) == 0);
        }
    }
}

static void drain_receiver(struct host *host)
{
    struct komet_file_event event;
    while (komet_file_receiver_next(host->receiver, &event)) {
        switch (event.kind) {
        case KOMET_FILE_EVENT_DATA:
            take_data(host, &event);
            break;
        case KOMET_FILE_EVENT_SECTION_DONE:
            check(event.offset == host->section_begin);
            check(event.length == 0 || event.offset + event.length == host->got_to);
            host->section_begin += event.length;
            break;
        case KOMET_FILE_EVENT_DONE:
        case KOMET_FILE_EVENT_DELETED:
            take_end(host, &event);
            break;
        case KOMET_FILE_EVENT_FAILED:
            host->wants = host->wants || event.end == KOMET_FILE_END_TOO_LONG; /* announced, and refused */
            take_end(host, &event);
            break;
        case KOMET_FILE_EVENT_ANNOUNCED:
            check(!host->wants && event.length <= host->settings.length_max);
            host->wants = host->pristine = true;
            host->got_to = host->section_begin = 0;
            break;
        case KOMET_FILE_EVENT_ENTRY:
            check(event.ioa <= 0xFFFFFF);
            break;
        case KOMET_FILE_EVENT_DIRECTORY_FAILED:
            break;
        case KOMET_FILE_EVENT_DELETE:
        case KOMET_FILE_EVENT_QUERY:
            abort();
        }
    }
}

static void drain(struct host *host)
{
    struct komet_file_event event;
    drain_receiver(host);
    while (komet_file_sender_next(host->sender, &event)) {
        bool question = event.kind == KOMET_FILE_EVENT_DELETE || event.kind == KOMET_FILE_EVENT_QUERY;
        check(question || event.kind == KOMET_FILE_EVENT_DONE || event.kind == KOMET_FILE_EVENT_FAILED);
        host->question = question ? event.question : host->question;
    }
}

/* ---- ASDUs ---- */

static void receive(struct host *host, unsigned c, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    if (!host->up[c] || komet_asdu_decode(host->settings.profile, octets, size, &asdu) != KOMET_ASDU_OK) {
        return;
    }
    bool taken = komet_file_sender_receive(host->sender, host->now, c, &asdu);
    bool taken_too = komet_file_receiver_receive(host->receiver, host->now, c, &asdu);
    check(!(taken && taken_too));
    drain(host);
}

/* An ASDU in the script's words: one object, or octets as they are. */
static void receive_any(struct host *host)
{
    static uint8_t segment[KOMET_SEGMENT_SIZE_MAX];
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    unsigned choice = take_octet(host), marks = take_octet(host);
    struct komet_asdu_writer writer;
    const struct komet_asdu_header header = {
        .type = (uint8_t)(KOMET_F_FR_NA_1 + choice % 8),
        .cause = marks & 1 ? take_octet(host) & 0x3F : KOMET_COT_FILE,
        .negative = (marks & 2) != 0,
        .test = (marks & 4) != 0,
        .ca = marks & 8 ? 2 : 1,
    };
    struct komet_file_object object = {
        .ioa = take_octet(host) % 4, .name = take_octet(host) % FILES, .section = take_octet(host)};
    object.qualifier = take_octet(host);
    object.checksum = take_octet(host);
    object.length = marks & 16 ? KOMET_FILE_LENGTH_MAX : (uint32_t)take_octet(host);
    object.segment = segment;
    object.segment_size = (uint8_t)(take_octet(host) % (KOMET_SEGMENT_SIZE_MAX + 1U));
    check(komet_asdu_begin(&writer, host->settings.profile, &header, octets, sizeof octets));
    check(komet_asdu_add_file(&writer, &object));
    host->pristine = false;
    receive(host, choice / 8 % CONNECTIONS, octets, komet_asdu_end(&writer));
}

static void receive_raw(struct host *host)
{
    unsigned c = take_octet(host) % CONNECTIONS;
    size_t size = take_octet(host) % 64;
    size = size < host->size ? size : host->size;
    const uint8_t *octets = host->script;
    host->script += size;
    host->size -= size;
    host->pristine = false;
    receive(host, c, octets, size);
}

/* Up to `count` ASDUs of one side go to the other, on the connection of the same number. */
static void talk(struct host *host, unsigned c, unsigned count, bool spoil)
{
    for (unsigned n = 0; n < count; n++) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        struct komet_asdu asdu;
        size_t size = n % 2 == 0 ? komet_file_sender_write(host->sender, host->now, c, octets)
                                 : komet_file_receiver_write(host->receiver, host->now, c, octets);
        check(size <= sizeof octets && (size == 0 || host->up[c]));
        if (size == 0) {
            continue;
        }
        check(komet_asdu_decode(host->settings.profile, octets, size, &asdu) == KOMET_ASDU_OK);
        check(asdu.ca == host->settings.ca && asdu.type >= KOMET_F_FR_NA_1);
        if (spoil) {
            octets[take_octet(host) % size] ^= take_octet(host);
            host->pristine = false;
        }
        receive(host, c, octets, size);
    }
}

/* ---- what the host does ---- */

static void begun(struct host *host, bool taken)
{
    check(!(taken && host->wants)); /* one at a time */
    if (taken) {
        host->wants = host->pristine = true;
        host->got_to = host->section_begin = 0;
    }
}

static void want(struct host *host)
{
    unsigned choice = take_octet(host), c = choice / 8 % CONNECTIONS;
    uint32_t ioa = take_octet(host) % 4;
    uint16_t name = take_octet(host) % FILES;
    struct komet_time_tag time = {.minute = 1};
    switch (choice % 4) {
    case 0:
        komet_file_receiver_directory(host->receiver, host->now, c, ioa);
        return;
    case 1:
        begun(host, komet_file_receiver_delete(host->receiver, host->now, c, ioa, name));
        return;
    case 2:
        begun(host, komet_file_receiver_query(host->receiver, host->now, c, ioa, name, &time, &time));
        return;
    default:
        begun(host, komet_file_receiver_get(host->receiver, host->now, c, ioa, name));
        return;
    }
}

static void decide(struct host *host)
{
    unsigned choice = take_octet(host);
    switch (choice % 8) {
    case 0:
        komet_file_receiver_accept(host->receiver, host->now);
        break;
    case 1:
        komet_file_receiver_decline(host->receiver, host->now);
        break;
    case 2:
        komet_file_receiver_abort(host->receiver, host->now);
        break;
    case 3:
        komet_file_receiver_abort_section(host->receiver, host->now);
        break;
    case 4:
        komet_file_sender_abort(host->sender, host->now);
        break;
    case 5:
        komet_file_sender_abort_section(host->sender, host->now);
        break;
    case 6:
        komet_file_sender_answer(host->sender, host->now, host->question, choice & 8);
        break;
    default:
        host->file_count = choice / 8 % (FILES + 1);
        komet_file_sender_files(host->sender, host->files, host->file_count);
        break;
    }
}

static void connect(struct host *host)
{
    unsigned choice = take_octet(host), c = choice % CONNECTIONS;
    host->up[c] = (choice & 2) != 0;
    if (host->up[c]) {
        komet_file_sender_connected(host->sender, host->now, c);
        komet_file_receiver_connected(host->receiver, host->now, c);
    } else {
        komet_file_sender_disconnected(host->sender, host->now, c);
        komet_file_receiver_disconnected(host->receiver, host->now, c);
    }
}

static void pass_time(struct host *host)
{
    unsigned choice = take_octet(host);
    struct komet_instant deadline =
        komet_earlier(komet_file_sender_deadline(host->sender), komet_file_receiver_deadline(host->receiver));
    bool to_deadline = choice % 2 == 0 && deadline.us != KOMET_NEVER.us;
    host->now = to_deadline ? deadline : komet_after(host->now, KOMET_MS(choice) * 100);
    komet_file_sender_tick(host->sender, host->now);
    komet_file_receiver_tick(host->receiver, host->now);
    check(komet_file_sender_deadline(host->sender).us > host->now.us);
    check(komet_file_receiver_deadline(host->receiver).us > host->now.us);
}

static void operate(struct host *host)
{
    unsigned operation = take_octet(host), c = operation / 16 % CONNECTIONS;
    switch (operation % 16) {
    case 0:
    case 1:
        receive_any(host);
        break;
    case 2:
        receive_raw(host);
        break;
    case 3:
        talk(host, c, 2, true);
        break;
    case 4:
        talk(host, c, 1, false);
        break;
    case 5:
        talk(host, c, 40, false);
        break;
    case 6:
        want(host);
        break;
    case 7:
        decide(host);
        break;
    case 8:
        connect(host);
        break;
    case 9:
        pass_time(host);
        break;
    case 10:
        komet_file_sender_announce(host->sender, host->now, c, 1 + take_octet(host) % 3,
                                   take_octet(host) % FILES);
        break;
    default:
        talk(host, c, operation / 16, false);
        break;
    }
    drain(host);
}

static void make_files(struct host *host)
{
    for (size_t i = 0; i < FILES; i++) {
        if (data[i] == NULL) {
            data[i] = malloc(lengths[i] > 0 ? lengths[i] : 1);
            for (uint32_t at = 0; at < lengths[i]; at++) {
                data[i][at] = (uint8_t)(at * 7 + i);
            }
        }
        host->files[i] = (struct komet_file){
            .ioa = 1 + (uint32_t)i % 3,
            .name = (uint16_t)i,
            .length = lengths[i],
            .section_size = i % 2 == 0 ? 100 : 1,
            .data = data[i],
        };
    }
    host->file_count = FILES;
    komet_file_sender_files(host->sender, host->files, FILES);
}

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size)
{
    static _Alignas(max_align_t) uint8_t sender[4096], receiver[4096];
    struct host host = {.script = script, .size = size};
    unsigned choice = take_octet(&host);
    host.settings = komet_file_settings_standard(1);
    host.settings.connections = CONNECTIONS;
    host.settings.segment_size = choice & 1 ? KOMET_SEGMENT_SIZE_MAX : choice & 2 ? 1 : 50;
    host.settings.repeats = choice / 4 % 4;
    host.settings.length_max = choice & 16 ? LENGTH_MAX : 200;
    host.settings.time_limit_us = KOMET_SECONDS(10);
    check(komet_file_sender_size(&host.settings) <= sizeof sender);
    check(komet_file_receiver_size(&host.settings) <= sizeof receiver);
    host.sender = komet_file_sender_init(sender, sizeof sender, &host.settings);
    host.receiver = komet_file_receiver_init(receiver, sizeof receiver, &host.settings);
    make_files(&host);
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        host.up[c] = true;
        komet_file_sender_connected(host.sender, host.now, c);
        komet_file_receiver_connected(host.receiver, host.now, c);
    }
    while (host.size > 0) {
        operate(&host);
    }
    return 0;
}
