/*
 * A link under any sequence of calls and any octets: no assertion fails, and what it does keeps its promises.
 *
 * Octet 0 chooses settings; then each operation is one octet, with its arguments behind it. Beside raw octets
 * the script can send frames with right numbers, so that the fuzzer gets beyond the first check.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/link.h"

struct host {
    const uint8_t *script;
    size_t size;
    struct komet_link *link;
    struct komet_link_settings settings;
    struct komet_instant now;
    enum komet_link_state state; /* as reported */
    bool closed;
    uint64_t handed_out, acknowledged, committed;
    uint64_t peer_sent;
    uint64_t acknowledged_to_peer; /* highest N(R) seen on the wire, as a count */
    uint64_t allowed;
    uint8_t frame[KOMET_APDU_SIZE_MAX]; /* a sent frame that is not complete yet */
    size_t frame_size;
    uint64_t i_on_wire;
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

/* What leaves must be well formed, numbered without a gap, and acknowledge no more than the host allowed. */
static void check_frame(struct host *host, const struct komet_apdu *apdu)
{
    if (apdu->format == KOMET_FORMAT_U) {
        return;
    }
    uint64_t steps =
        (apdu->nr + KOMET_SEQUENCE_MODULUS - host->acknowledged_to_peer % KOMET_SEQUENCE_MODULUS) %
        KOMET_SEQUENCE_MODULUS;
    host->acknowledged_to_peer += steps;
    check(host->acknowledged_to_peer <= host->allowed);
    if (apdu->format == KOMET_FORMAT_S) {
        check(steps > 0);
        return;
    }
    check(apdu->ns == (host->settings.first_vs + host->i_on_wire) % KOMET_SEQUENCE_MODULUS);
    host->i_on_wire++;
    check(host->i_on_wire <= host->committed);
}

static void check_written(struct host *host, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        struct komet_apdu apdu;
        size_t consumed;
        host->frame[host->frame_size++] = octets[i];
        check(komet_apdu_decode(host->frame, host->frame_size, false, &apdu, &consumed) == KOMET_OK);
        if (consumed > 0) {
            check_frame(host, &apdu);
            host->frame_size = 0;
        }
    }
}

/* Takes outputs; writes as much of the octets as `writes` says: 0 none, else a part of 255. */
static void drain(struct host *host, unsigned writes)
{
    struct komet_link_output output;
    while (komet_link_next(host->link, host->now, &output)) {
        check(!host->closed);
        switch (output.kind) {
        case KOMET_LINK_OUT_STATE:
            check(output.old_state == host->state && output.state != host->state);
            host->state = output.state;
            break;
        case KOMET_LINK_OUT_ASDU:
            host->handed_out++;
            check(output.received == host->handed_out && output.size >= 1);
            check(output.size <= KOMET_ASDU_SIZE_MAX);
            break;
        case KOMET_LINK_OUT_ACKNOWLEDGED:
            check(output.acknowledged > host->acknowledged && output.acknowledged <= host->committed);
            host->acknowledged = output.acknowledged;
            break;
        case KOMET_LINK_OUT_SEND: {
            size_t part = output.size * writes / 255;
            check(output.size <= host->settings.output_size);
            if (part == 0) {
                return;
            }
            check_written(host, output.octets, part);
            komet_link_written(host->link, part);
            break;
        }
        case KOMET_LINK_OUT_CLOSE:
            check(output.reason != KOMET_OK && host->state == KOMET_LINK_CLOSED);
            host->closed = true;
            break;
        }
    }
}

static void feed(struct host *host, const uint8_t *octets, size_t size, unsigned writes)
{
    for (size_t taken = 0; taken < size;) {
        size_t part = komet_link_feed(host->link, host->now, octets + taken, size - taken);
        check(part > 0 && part <= size - taken);
        taken += part;
        drain(host, writes);
    }
}

static void feed_raw(struct host *host, unsigned writes)
{
    size_t size = take_octet(host) % 64;
    size = size < host->size ? size : host->size;
    const uint8_t *octets = host->script;
    host->script += size;
    host->size -= size;
    feed(host, octets, size, writes);
}

/* A frame with the right numbers of a peer that acknowledges what it likes. */
static void feed_frame(struct host *host, unsigned writes)
{
    static const enum komet_u_function functions[] = {KOMET_U_STARTDT_ACT, KOMET_U_STARTDT_CON,
                                                      KOMET_U_STOPDT_ACT,  KOMET_U_STOPDT_CON,
                                                      KOMET_U_TESTFR_ACT,  KOMET_U_TESTFR_CON};
    uint8_t octets[KOMET_APDU_HEADER_SIZE + 2] = {0};
    unsigned choice = take_octet(host);
    uint64_t open =
        host->i_on_wire - (host->acknowledged < host->i_on_wire ? host->acknowledged : host->i_on_wire);
    uint64_t count = host->i_on_wire - (open == 0 ? 0 : choice / 8 % (open + 1));
    uint16_t nr = (uint16_t)((host->settings.first_vs + count) % KOMET_SEQUENCE_MODULUS);
    size_t size = KOMET_APDU_HEADER_SIZE;
    if (choice % 8 < 6) {
        komet_apdu_encode_u(octets, functions[choice % 8]);
    } else if (choice % 8 == 6) {
        komet_apdu_encode_s(octets, nr);
    } else {
        size += 2;
        komet_apdu_encode_i(octets, (uint16_t)(host->peer_sent++ % KOMET_SEQUENCE_MODULUS), nr, 2);
    }
    feed(host, octets, size, writes);
}

static void send_one(struct host *host)
{
    unsigned room = komet_link_room(host->link);
    size_t size = 1 + take_octet(host) % KOMET_ASDU_SIZE_MAX;
    uint8_t *place = komet_link_reserve(host->link);
    check((place != NULL) == (room > 0));
    if (place != NULL) {
        check(komet_link_state(host->link) == KOMET_LINK_STARTED);
        memset(place, 0xAA, size);
        host->committed++;
        check(komet_link_commit(host->link, host->now, size) == host->committed);
        check(host->committed - host->acknowledged <= host->settings.k);
    }
}

static void pass_time(struct host *host)
{
    struct komet_instant deadline = komet_link_deadline(host->link);
    unsigned choice = take_octet(host);
    if (choice % 4 == 0 && deadline.us != KOMET_NEVER.us) {
        host->now = komet_earlier(host->now, deadline).us == host->now.us ? deadline : host->now;
    } else {
        host->now = komet_after(host->now, KOMET_MS(choice) * 20);
    }
    komet_link_tick(host->link, host->now);
    check(komet_link_deadline(host->link).us > host->now.us); /* what was due is done: no busy loop */
}

static void operate(struct host *host)
{
    unsigned operation = take_octet(host);
    unsigned writes = operation & 0x10 ? 255 : operation & 0x20 ? 100 : 0;
    bool controlling = host->settings.role == KOMET_CONTROLLING;
    switch (operation % 16) {
    case 0:
        feed_raw(host, writes);
        break;
    case 1:
    case 2:
    case 3:
        feed_frame(host, writes);
        break;
    case 4:
    case 5:
        send_one(host);
        break;
    case 6:
        pass_time(host);
        break;
    case 7: {
        uint64_t open = host->handed_out - host->allowed;
        uint64_t to = host->allowed + (open == 0 ? 0 : take_octet(host) % (open + 1));
        host->allowed = to;
        komet_link_acknowledge(host->link, host->now, to);
        break;
    }
    case 8:
        if (controlling) {
            komet_link_start(host->link, host->now);
        }
        break;
    case 9:
        if (controlling) {
            komet_link_stop(host->link, host->now);
        }
        break;
    case 10:
        komet_link_test(host->link, host->now);
        break;
    case 11:
        if (take_octet(host) == 0x77) {
            komet_link_close(host->link, KOMET_SHUTDOWN);
        }
        break;
    default:
        break;
    }
    drain(host, writes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(max_align_t) uint8_t memory[16384];
    struct host host = {.script = data, .size = size};
    unsigned choice = take_octet(&host);
    host.settings = komet_link_settings_standard(choice & 1 ? KOMET_CONTROLLING : KOMET_CONTROLLED);
    host.settings.k = choice & 2 ? 12 : choice & 4 ? 1 : 100;
    host.settings.w = choice & 8 ? 1 : host.settings.k;
    host.settings.t1_us = KOMET_SECONDS(2);
    host.settings.t2_us = KOMET_SECONDS(1);
    host.settings.t3_us = choice & 16 ? 0 : KOMET_SECONDS(3);
    host.settings.first_vs = choice & 32 ? 32760 : 0;
    host.settings.tolerate_cf3_mark = (choice & 64) != 0;
    host.settings.output_size = choice & 128 ? KOMET_LINK_OUTPUT_MIN : 3264;
    check(komet_link_size(&host.settings) <= sizeof memory);
    host.link = komet_link_init(memory, sizeof memory, &host.settings, host.now);
    while (host.size > 0 && !host.closed) {
        operate(&host);
    }
    return 0;
}
