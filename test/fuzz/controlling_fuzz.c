/*
 * A controlled peer that knows the rules and breaks them where the script says so, against a link in the
 * controlling role; rig/wire.h holds what the link has to do.
 *
 * Octet 0 chooses settings; then each step is one octet, with its choices behind it. A step by itself is
 * legal: a deviation spoils the frame that is sent next, or says octets as they stand in the script.
 */
#include <string.h>

#include "rig/spoil.h"
#include "rig/wire.h"

enum { HEADER = KOMET_APDU_HEADER_SIZE };

struct host {
    struct script script;
    struct komet_instant now;
    struct komet_link_settings settings;
    struct komet_link *link;
    struct wire wire;
    uint64_t handed_out, committed;
    struct spoil spoil; /* of the next frame */
    size_t piece;       /* frames come in pieces of so many octets; 0: whole */
};

static uint8_t take_octet(struct host *host)
{
    return script_octet(&host->script);
}

/* ---- the link and its host ---- */

/* Each I format holds its own number. */
static void hear(void *context, uint64_t heard, const uint8_t *octets, size_t size)
{
    (void)context;
    check(size >= sizeof heard && memcmp(octets, &heard, sizeof heard) == 0);
}

static void connect(struct host *host)
{
    static _Alignas(max_align_t) uint8_t memory[8192];
    check(komet_link_size(&host->settings) <= sizeof memory);
    host->link = komet_link_init(memory, sizeof memory, &host->settings, host->now);
    wire_begin(&host->wire, &host->settings, host->now, hear, NULL);
    host->handed_out = host->committed = 0;
}

static bool do_output(struct host *host, const struct komet_link_output *out)
{
    struct wire *wire = &host->wire;
    size_t part;
    check(wire->up);
    switch (out->kind) {
    case KOMET_LINK_OUT_STATE:
        check(out->old_state != out->state);
        check(out->state == KOMET_LINK_CLOSED || out->state == wire->state);
        return true;
    case KOMET_LINK_OUT_ASDU:
        check(wire->has_asdu && out->received == ++host->handed_out && out->received == wire->said);
        check(out->size == wire->asdu.size && memcmp(out->octets, wire->asdu.octets, out->size) == 0);
        wire->has_asdu = false;
        return true;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        check(out->acknowledged == wire->confirmed);
        return true;
    case KOMET_LINK_OUT_SEND:
        part = wire_offered(wire, host->now, out->octets, out->size);
        if (part > 0) {
            komet_link_written(host->link, part);
        }
        return part > 0;
    case KOMET_LINK_OUT_CLOSE:
        wire_closing(wire, host->now, out->reason);
        check(komet_link_state(host->link) == KOMET_LINK_CLOSED);
        return true;
    }
    check(false);
    return false;
}

static void drain(struct host *host)
{
    struct komet_link_output out;
    struct wire *wire = &host->wire;
    wire->may_take = wire->stalled ? wire->trickle : SIZE_MAX;
    while (komet_link_next(host->link, host->now, &out) && do_output(host, &out)) {
    }
    wire_settled(wire);
    if (wire->up) {
        bool open = wire->state == KOMET_LINK_STARTED && wire->heard - wire->confirmed < host->settings.k;
        check(komet_link_state(host->link) == wire->state);
        check(wire->heard == host->committed && wire->said == host->handed_out);
        check(open ? wire->shown > 0 || komet_link_room(host->link) > 0 : komet_link_room(host->link) == 0);
    }
}

static void send(struct host *host, unsigned count)
{
    uint8_t *place;
    uint8_t size = take_octet(host);
    while (count-- > 0 && (place = komet_link_reserve(host->link)) != NULL) {
        check(host->wire.state == KOMET_LINK_STARTED);
        memset(place, size, KOMET_ASDU_SIZE_MAX);
        memcpy(place, &host->committed, sizeof host->committed);
        host->committed++;
        size_t whole = sizeof host->committed + size % (KOMET_ASDU_SIZE_MAX - sizeof host->committed + 1);
        check(komet_link_commit(host->link, host->now, whole) == host->committed);
    }
}

/* The host has stored some of what came, or all. */
static void acknowledge(struct host *host, uint8_t fewer)
{
    uint64_t open = host->handed_out - host->wire.taken;
    uint64_t to = host->handed_out - fewer % (open + 1);
    if (host->wire.up && to > host->wire.taken) {
        wire_taken(&host->wire, host->now, to);
        komet_link_acknowledge(host->link, host->now, to);
    }
}

static void ask(struct host *host, uint8_t choice)
{
    switch (choice % 4) {
    case 0:
    case 1:
        wire_start(&host->wire, host->now);
        komet_link_start(host->link, host->now);
        return;
    case 2:
        wire_stop(&host->wire, host->now);
        komet_link_stop(host->link, host->now);
        return;
    default:
        wire_test(&host->wire, host->now);
        komet_link_test(host->link, host->now);
    }
}

/* ---- the peer ---- */

static void say(struct host *host, const uint8_t *octets, size_t size)
{
    for (size_t at = 0; at < size && host->wire.up;) {
        size_t part = komet_link_feed(host->link, host->now, octets + at, size - at);
        check(part > 0 && part <= size - at);
        wire_said(&host->wire, host->now, octets + at, part);
        at += part;
        drain(host);
    }
}

static void deliver(struct host *host, const uint8_t *octets, size_t size)
{
    size_t piece = host->piece == 0 ? size : host->piece;
    for (size_t at = 0; at < size; at += piece) {
        say(host, octets + at, piece < size - at ? piece : size - at);
    }
}

static void send_frame(struct host *host, uint8_t *frame, size_t size)
{
    bool twice = host->spoil.kind == SPOIL_TWICE;
    size = spoil_frame(&host->spoil, frame, size);
    host->spoil.kind = SPOIL_NOTHING;
    deliver(host, frame, size);
    if (twice) {
        deliver(host, frame, size);
    }
}

/* Up to 16 I formats; choice: so many, and from bit 4 on their size, 15: also where none may be sent. */
static void send_values(struct host *host, uint8_t choice)
{
    const struct wire *wire = &host->wire;
    for (unsigned i = 0; i <= choice % 16 && wire->up; i++) {
        uint8_t frame[KOMET_APDU_SIZE_MAX];
        size_t size = 1 + (size_t)(choice >> 4) * 16;
        if (choice < 0xF0 && wire->state != KOMET_LINK_STARTED && wire->state != KOMET_LINK_STOPPING) {
            return;
        }
        komet_apdu_encode_i(frame, (uint16_t)(wire->said % KOMET_SEQUENCE_MODULUS),
                            wire_nr(wire, wire->heard_whole), size);
        memset(frame + HEADER, (int)i, size);
        send_frame(host, frame, HEADER + size);
    }
}

static void send_supervisory(struct host *host, uint8_t fewer)
{
    const struct wire *wire = &host->wire;
    uint8_t frame[KOMET_APDU_SIZE_MAX];
    uint64_t open = wire_unconfirmed(wire);
    if (wire->state == KOMET_LINK_STARTED || wire->state == KOMET_LINK_STOPPING) {
        komet_apdu_encode_s(frame, wire_nr(wire, wire->heard_whole - fewer % (open + 1)));
        send_frame(host, frame, HEADER);
    }
}

/* Any function: acts that the controlling side does not obey, cons that nobody asked for. */
static void send_function(struct host *host, uint8_t choice)
{
    static const enum komet_u_function functions[] = {KOMET_U_STARTDT_ACT, KOMET_U_STARTDT_CON,
                                                      KOMET_U_STOPDT_ACT,  KOMET_U_STOPDT_CON,
                                                      KOMET_U_TESTFR_ACT,  KOMET_U_TESTFR_CON};
    uint8_t frame[KOMET_APDU_SIZE_MAX];
    komet_apdu_encode_u(frame, functions[choice % 6]);
    send_frame(host, frame, HEADER);
}

static void settle(struct host *host)
{
    uint8_t frame[HEADER];
    host->wire.stalled = false;
    acknowledge(host, 0);
    drain(host);
    for (unsigned rounds = 0; wire_owes(&host->wire, frame); rounds++) {
        check(rounds < 100);
        say(host, frame, sizeof frame);
    }
    const struct wire *wire = &host->wire;
    if (wire->up && wire->partial_size == 0) {
        check(wire->state == KOMET_LINK_STOPPED || wire->state == KOMET_LINK_STARTED);
        check(wire->state == KOMET_LINK_STOPPED || wire->heard == wire->confirmed);
    }
}

static void pass(struct host *host, int64_t us)
{
    host->now.us += us;
    komet_link_tick(host->link, host->now);
    drain(host);
    if (host->wire.up) {
        check(komet_link_deadline(host->link).us > host->now.us);
        wire_ticked(&host->wire, host->now);
    }
}

/* Time passes for a peer that does what it owes as soon as it can. */
static void pass_attentively(struct host *host, int64_t us)
{
    struct komet_instant end = komet_after(host->now, us);
    settle(host);
    while (host->now.us < end.us && host->wire.up) {
        pass(host, komet_earlier(komet_link_deadline(host->link), end).us - host->now.us);
        settle(host);
    }
}

static void pass_silently(struct host *host, uint8_t choice)
{
    struct komet_instant deadline = komet_link_deadline(host->link);
    if (choice % 4 == 3) {
        host->now.us += KOMET_MS(choice >> 2) * 50; /* and nobody ticks: what comes next, comes late */
    } else if (choice % 4 == 2 && deadline.us != KOMET_NEVER.us && deadline.us > host->now.us) {
        pass(host, deadline.us - host->now.us);
    } else {
        pass(host, KOMET_MS(choice >> 2) * 50);
    }
}

static void deviate(struct host *host)
{
    uint8_t frame[HEADER];
    uint8_t choice = take_octet(host);
    if (choice < 192) {
        host->spoil = spoil_of(&host->script, choice);
    } else if (choice < 224) {
        spoil_u(&host->script, frame);
        deliver(host, frame, sizeof frame);
    } else {
        size_t size = choice - 224u < host->script.size ? choice - 224u : host->script.size;
        deliver(host, host->script.octets, size);
        host->script.octets += size;
        host->script.size -= size;
    }
}

static void change_path(struct host *host, uint8_t choice)
{
    host->wire.stalled = choice % 4 == 1;
    host->wire.trickle = choice >> 2;
    if (choice % 4 >= 2) {
        host->piece = choice >> 2;
    }
    drain(host);
}

static void step(struct host *host)
{
    uint8_t operation = take_octet(host);
    uint8_t choice = operation >> 4;
    switch (operation % 16) {
    case 0:
        connect(host);
        return;
    case 1:
    case 2:
        ask(host, choice);
        break;
    case 3:
        send(host, 1u + choice);
        break;
    case 4:
        acknowledge(host, choice);
        break;
    case 5:
        settle(host);
        return;
    case 6:
    case 7:
        send_values(host, take_octet(host));
        return;
    case 8:
        send_supervisory(host, choice);
        return;
    case 9:
        send_function(host, choice);
        return;
    case 10:
        pass_attentively(host, KOMET_MS(take_octet(host)) * 40);
        return;
    case 11:
        pass_silently(host, take_octet(host));
        return;
    case 12:
        change_path(host, take_octet(host));
        return;
    default:
        deviate(host);
        return;
    }
    drain(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host host = {.script = {data, size}, .now = {KOMET_SECONDS(1000)}};
    uint8_t choice = take_octet(&host);
    host.settings = komet_link_settings_standard(KOMET_CONTROLLING);
    host.settings.k = choice & 1 ? 1 : 12;
    host.settings.w = choice & 1 ? 1 : choice & 2 ? 12 : 8;
    host.settings.t1_us = KOMET_SECONDS(2);
    host.settings.t2_us = KOMET_SECONDS(1);
    host.settings.t3_us = choice & 4 ? 0 : KOMET_SECONDS(3);
    host.settings.output_size = choice & 8 ? KOMET_LINK_OUTPUT_MIN : 3264;
    host.settings.first_vs = choice & 16 ? 32760 : 0;
    host.settings.tolerate_cf3_mark = (choice & 32) != 0;
    connect(&host);
    while (host.script.size > 0 && (host.wire.up || host.script.octets[0] % 16 == 0)) {
        step(&host);
    }
    settle(&host);
    return 0;
}
