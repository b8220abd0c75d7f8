/*
 * A simulated station under any octets of its partner and any order of what its host does: no assertion
 * fails, and what leaves can be read.
 *
 * Octet 0 chooses the plan; then each operation is one octet, with its arguments behind it. Beside raw octets
 * the script can send frames with right numbers, so that the fuzzer gets as far as the answers.
 *
 * The station has several connections, of which the script speaks on one at a time. Only one that was started
 * last carries data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/apdu.h"
#include "partner/rtu.h"

enum { CONNECTIONS = 3 };

/* One connection, as the partner sees it. */
struct end {
    uint64_t sent, received; /* I formats */
    bool started;
};

struct host {
    const uint8_t *script;
    size_t size;
    struct rtu_plan plan;
    struct rtu *rtu;
    struct rtu_now now;
    bool blocked; /* TCP takes nothing */
    struct end ends[CONNECTIONS];
    unsigned current; /* on which the script speaks */
};

static const struct rtu_point points[] = {
    {.ioa = 1, .type = 30, .count = 3, .groups = 1, .pattern = {RTU_TOGGLE, .period_us = KOMET_MS(300)}},
    {.ioa = 4, .type = 36, .count = 1, .groups = 2},
    {.ioa = 5, .type = 37, .count = 1, .groups = 1},
    {.ioa = 6, .type = 38, .count = 1},
    {.ioa = 7, .type = 13, .count = 1, .every_us = KOMET_SECONDS(1)},
    {.ioa = 8, .type = 45, .count = 1, .follows = 1},
    {.ioa = 9, .type = 46, .count = 1, .follows = 2, .select = KOMET_SELECT_REQUIRED},
    {.ioa = 10, .type = 47, .count = 1, .follows = 4, .select = KOMET_SELECT_NEVER},
    {.ioa = 11, .type = 63, .count = 1, .follows = 4, .minimum = -1e30, .maximum = 2},
    {.ioa = 12, .type = 51, .count = 1, .follows = 6},
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

static struct rtu_plan plan_of(uint8_t choice)
{
    struct rtu_plan plan = rtu_plan_standard();
    plan.points = points;
    plan.point_count = sizeof points / sizeof *points;
    plan.connections = CONNECTIONS;
    plan.k = choice & 1 ? 1 : 12;
    plan.w = choice & 1 ? 1 : 8;
    plan.events = choice & 2 ? 3 : 100;
    plan.profile = choice & 4 ? &komet_profile_sinaut : &komet_profile_104;
    plan.station.command_age_ms = choice & 8 ? 1000 : 0;
    plan.station.too_old = choice & 16 ? KOMET_TOO_OLD_DISCARDED : KOMET_TOO_OLD_REFUSED;
    plan.station.broadcast_once = (choice & 32) != 0;
    plan.station.limit_set_points = (choice & 64) != 0;
    plan.end_of_initialization = (choice & 128) != 0;
    return plan;
}

/* Data transfer begins or ends: it begins on one, and then is on no other. */
static void follow(struct host *host, unsigned connection, enum komet_u_function function)
{
    if (function == KOMET_U_STARTDT_CON) {
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            host->ends[i].started = i == connection;
        }
    } else if (function == KOMET_U_STOPDT_CON) {
        host->ends[connection].started = false;
    }
}

/* What leaves is whole frames, since TCP takes all or nothing here. */
static void hear(struct host *host, unsigned connection, const uint8_t *octets, size_t size)
{
    struct end *end = &host->ends[connection];
    for (size_t at = 0, consumed; at < size; at += consumed) {
        struct komet_apdu apdu;
        struct komet_asdu asdu;
        check(komet_apdu_decode(octets + at, size - at, false, &apdu, &consumed) == KOMET_OK && consumed > 0);
        if (apdu.format == KOMET_FORMAT_I) {
            enum komet_asdu_result result =
                komet_asdu_decode(host->plan.profile, apdu.asdu, apdu.asdu_size, &asdu);
            check(result == KOMET_ASDU_OK || result == KOMET_ASDU_UNKNOWN_TYPE);
            check(end->started);
            end->received++;
        } else if (apdu.format == KOMET_FORMAT_U) {
            follow(host, connection, apdu.function);
        }
    }
}

static void drain(struct host *host)
{
    struct rtu_output output;
    while (rtu_next(host->rtu, host->now, &output)) {
        switch (output.kind) {
        case RTU_OUT_EVENT:
            check(rtu_plan_find(&host->plan, output.ioa) != NULL);
            break;
        case RTU_OUT_NOTE:
            check(strlen(output.text) > 0);
            break;
        case RTU_OUT_SEND:
            if (host->blocked) {
                return;
            }
            hear(host, output.connection, output.octets, output.size);
            rtu_written(host->rtu, output.connection, output.size);
            break;
        case RTU_OUT_CLOSE:
            break;
        }
    }
}

static void feed(struct host *host, const uint8_t *octets, size_t size)
{
    for (size_t at = 0; at < size;) {
        at += rtu_feed(host->rtu, host->now, host->current, octets + at, size - at);
        drain(host);
    }
}

static void feed_u(struct host *host, enum komet_u_function function)
{
    uint8_t octets[KOMET_APDU_HEADER_SIZE];
    komet_apdu_encode_u(octets, function);
    feed(host, octets, sizeof octets);
}

static void feed_s(struct host *host)
{
    uint8_t octets[KOMET_APDU_HEADER_SIZE];
    komet_apdu_encode_s(octets, (uint16_t)(host->ends[host->current].received % KOMET_SEQUENCE_MODULUS));
    feed(host, octets, sizeof octets);
}

static void feed_i(struct host *host, bool acknowledges)
{
    struct end *end = &host->ends[host->current];
    uint8_t octets[KOMET_APDU_SIZE_MAX];
    size_t size = take_octet(host);
    size = size < host->size ? size : host->size;
    size = size < KOMET_ASDU_SIZE_MAX ? size : KOMET_ASDU_SIZE_MAX;
    uint16_t nr = (uint16_t)((acknowledges ? end->received : 0) % KOMET_SEQUENCE_MODULUS);
    komet_apdu_encode_i(octets, (uint16_t)(end->sent++ % KOMET_SEQUENCE_MODULUS), nr, size);
    memcpy(octets + KOMET_APDU_HEADER_SIZE, host->script, size);
    host->script += size;
    host->size -= size;
    feed(host, octets, KOMET_APDU_HEADER_SIZE + size);
}

static void operate(struct host *host)
{
    uint8_t operation = take_octet(host);
    size_t raw;
    switch (operation % 10) {
    case 0:
        host->current = operation / 10 % CONNECTIONS;
        host->ends[host->current] = (struct end){.sent = 0};
        rtu_connected(host->rtu, host->now, host->current);
        feed_u(host, KOMET_U_STARTDT_ACT);
        return;
    case 1:
        host->current = operation / 10 % CONNECTIONS;
        host->ends[host->current] = (struct end){.sent = 0};
        rtu_closed(host->rtu, host->now, host->current);
        drain(host);
        return;
    case 2:
        host->current = operation / 64 % CONNECTIONS;
        feed_u(host, operation & 16 ? KOMET_U_STOPDT_ACT : KOMET_U_STARTDT_ACT);
        return;
    case 3:
        feed_s(host);
        return;
    case 4:
        host->now.instant.us += (int64_t)operation * 10000;
        host->now.utc.ms += (int64_t)operation * 10;
        rtu_tick(host->rtu, host->now);
        drain(host);
        return;
    case 5:
        rtu_event(host->rtu, host->now, operation / 10, operation % 3);
        drain(host);
        return;
    case 6:
        raw = host->size < operation ? host->size : operation;
        host->script += raw;
        host->size -= raw;
        feed(host, host->script - raw, raw);
        return;
    case 7:
        host->blocked = !host->blocked;
        drain(host);
        return;
    default:
        feed_i(host, operation % 10 == 9);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host host = {.script = data, .size = size, .now = {{5000000}, {INT64_C(1795264496789)}}};
    size_t row;
    host.plan = plan_of(take_octet(&host));
    check(rtu_plan_fault(&host.plan, &row) == NULL);
    size_t needed = rtu_size(&host.plan);
    void *memory = malloc(needed);
    check(memory != NULL);
    host.rtu = rtu_init(memory, needed, &host.plan, host.now);
    while (host.size > 0) {
        operate(&host);
    }
    struct rtu_counters counters = rtu_counters(host.rtu);
    check(counters.events_acknowledged + counters.events_lost <= counters.events_generated);
    free(memory);
    return 0;
}
