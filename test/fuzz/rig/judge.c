/*
 * judge: what has to become of an ASDU of the peer, in the order of the manual: is it one at all, its type,
 * cause, common address, object address, and then what it asks for. What the station does is compared with
 * it.
 */
#include "rig.h"

#include "komet/time_tag.h"

enum { SELECTABLE_ANSWERS = 2, PATTERN = 0x55AA, BROADCAST = 0xFFFF, CP56_IN_ASDU = 7, MINUTE_MS = 60000 };

static void confirm(struct rig *rig, const struct request *request, bool positive)
{
    answers_mirror(rig, request, KOMET_COT_ACTIVATION_CON, !positive);
}

/* ---- services of the station ---- */

static void judge_interrogation(struct rig *rig, const struct request *request,
                                struct komet_station_event *want)
{
    bool counters = request->asdu->type == KOMET_C_CI_NA_1;
    uint8_t qualifier = request->object->qualifier;
    unsigned group = counters ? qualifier & 0x3F : qualifier;
    unsigned freeze = counters ? qualifier >> 6 : 0;
    struct long_answer *running = answers_running(rig, request);
    if (request->asdu->cause == KOMET_COT_DEACTIVATION) {
        if (running != NULL) {
            answers_drop_long(&rig->answers[request->c], running);
        }
        answers_mirror(rig, request, KOMET_COT_DEACTIVATION_CON, running == NULL);
        return;
    }
    if (running != NULL || (counters ? group < 1 || group > 5 : group < 20 || group > 36)) {
        confirm(rig, request, false);
        return;
    }
    unsigned number = counters ? group % 5 : group - 20; /* 0: all */
    struct long_answer *answer = answers_long(rig, request);
    answer->counters = counters;
    answer->values = freeze == 0;
    answer->cause =
        (uint8_t)((counters ? KOMET_COT_COUNTERS_GENERAL : KOMET_COT_INTERROGATED_STATION) + number);
    answer->groups = (uint16_t)(number == 0 ? 0 : 1u << (number - 1));
    rig->counters.interrogations++;
    if (freeze != 0 && !request->asdu->test) {
        want->kind = KOMET_STATION_FREEZE;
        want->group = number;
        want->object.qualifier = (uint8_t)freeze;
    }
}

static void judge_clock(struct rig *rig, const struct request *request, struct komet_station_event *want)
{
    struct komet_time_tag before;
    if (request->object->time.invalid || !komet_time_tag_plausible(&request->object->time)) {
        confirm(rig, request, false);
        return;
    }
    unsigned first = rig->answers[request->c].short_count;
    confirm(rig, request, true);
    komet_cp56_from_utc(&before, rig->utc, 0);
    for (unsigned i = first; i < rig->answers[request->c].short_count; i++) {
        struct message *message = &rig->answers[request->c].shorts[i].message;
        komet_cp56_encode(message->octets + message->size - CP56_IN_ASDU, &before);
    }
    if (request->asdu->test) {
        return;
    }
    if (rig->settings.clock_event) {
        answers_mirror(rig, request, KOMET_COT_SPONTANEOUS, false);
    }
    want->kind = KOMET_STATION_CLOCK;
    want->utc = komet_cp56_to_utc(&request->object->time, rig->utc);
    want->utc.ms += rig->answers[request->c].delay_ms;
}

static void judge_delay(struct rig *rig, const struct request *request)
{
    bool out_of_range = request->object->elapsed_ms >= MINUTE_MS;
    if (request->asdu->cause == KOMET_COT_SPONTANEOUS) {
        uint16_t *delay_ms = &rig->answers[request->c].delay_ms;
        rig->counters.ignored += out_of_range;
        *delay_ms = request->asdu->test || out_of_range ? *delay_ms : request->object->elapsed_ms;
        return;
    }
    if (out_of_range) {
        confirm(rig, request, false);
        return;
    }
    struct short_answer *answer = answers_mirror(rig, request, KOMET_COT_ACTIVATION_CON, false);
    answer->is = ANSWER_IS_DELAY;
    answer->received = rig->now;
}

static void judge_system(struct rig *rig, const struct request *request, struct komet_station_event *want)
{
    uint8_t qualifier = request->object->qualifier;
    switch (request->asdu->type) {
    case KOMET_C_IC_NA_1:
    case KOMET_C_CI_NA_1:
        judge_interrogation(rig, request, want);
        return;
    case KOMET_C_CS_NA_1:
        judge_clock(rig, request, want);
        return;
    case KOMET_C_TS_NA_1:
        confirm(rig, request, request->object->test_pattern == PATTERN);
        return;
    case KOMET_C_TS_TA_1:
        confirm(rig, request, true);
        return;
    case KOMET_C_CD_NA_1:
        judge_delay(rig, request);
        return;
    default:
        check(request->asdu->type == KOMET_C_RP_NA_1);
        confirm(rig, request, qualifier == 1 || qualifier == 2);
        if ((qualifier == 1 || qualifier == 2) && !request->asdu->test) {
            want->kind = KOMET_STATION_RESET;
            want->object.qualifier = qualifier;
        }
    }
}

/* ---- what is wrong ---- */

static bool is_control(uint8_t type)
{
    return (type >= 45 && type <= 51) || (type >= 58 && type <= 64);
}

static bool is_taken(uint8_t type)
{
    return is_control(type) || (type >= 100 && type <= 107) || (type >= 110 && type <= 113);
}

static bool is_cause_allowed(uint8_t type, uint8_t cause)
{
    switch (cause) {
    case KOMET_COT_ACTIVATION:
        return type != KOMET_C_RD_NA_1;
    case KOMET_COT_DEACTIVATION:
        return is_control(type) || type == KOMET_C_IC_NA_1 || type == KOMET_C_CI_NA_1 ||
               type == KOMET_P_AC_NA_1;
    case KOMET_COT_REQUEST:
        return type == KOMET_C_RD_NA_1;
    case KOMET_COT_SPONTANEOUS:
        return type == KOMET_C_CD_NA_1;
    default:
        return false;
    }
}

static bool find_address(const struct rig *rig, struct request *request)
{
    uint8_t type = request->asdu->type;
    bool for_all = type == KOMET_C_IC_NA_1 || type == KOMET_C_CI_NA_1 || type == KOMET_C_CS_NA_1 ||
                   type == KOMET_C_RP_NA_1;
    if (request->asdu->ca == BROADCAST && for_all) {
        request->last = ADDRESSES - 1;
        request->each = !rig->settings.broadcast_once;
        return true;
    }
    for (unsigned i = 0; i < ADDRESSES; i++) {
        if (rig_addresses[i] == request->asdu->ca) {
            request->first = request->last = i;
            return true;
        }
    }
    return false;
}

static void judge_request(struct rig *rig, struct request *request, struct komet_station_event *want)
{
    uint8_t type = request->asdu->type;
    if (!is_taken(type)) {
        answers_mirror(rig, request, KOMET_COT_UNKNOWN_TYPE, true);
    } else if (!is_cause_allowed(type, request->asdu->cause)) {
        answers_mirror(rig, request, KOMET_COT_UNKNOWN_CAUSE, true);
    } else if (!find_address(rig, request)) {
        answers_mirror(rig, request, KOMET_COT_UNKNOWN_CA, true);
    } else if (is_control(type) || type >= KOMET_P_ME_NA_1 || type == KOMET_C_RD_NA_1) {
        judge_point(rig, request, want);
    } else if (request->object->ioa != 0) {
        answers_mirror(rig, request, KOMET_COT_UNKNOWN_IOA, true);
    } else {
        judge_system(rig, request, want);
    }
}

/* ---- the host ---- */

static void compare(const struct request *request, const struct komet_station_event *want,
                    const struct komet_station_event *event)
{
    check(event->kind == want->kind);
    if (event->kind == KOMET_STATION_NOTHING) {
        return;
    }
    check(event->connection == request->c && event->ca == request->asdu->ca);
    check(event->type == request->asdu->type && event->oa == request->asdu->oa);
    check(event->point == want->point && event->group == want->group && event->activate == want->activate);
    check(event->object.qualifier == want->object.qualifier && event->object.octets == NULL);
    check((event->id != 0) ==
          (event->kind == KOMET_STATION_COMMAND || event->kind == KOMET_STATION_PARAMETER ||
           event->kind == KOMET_STATION_PARAMETER_ACTIVATION));
    if (event->id != 0) {
        check(event->object.value.bits == want->object.value.bits &&
              event->object.select == want->object.select);
    }
}

static void do_event(struct rig *rig, const struct komet_station_event *want,
                     const struct komet_station_event *event)
{
    if (event->id != 0) {
        for (unsigned i = 0; i < rig->settings.commands; i++) {
            struct open_command *command = &rig->commands[i];
            check(command->is == COMMAND_IS_FREE || command->id != event->id);
            if (command->is != COMMAND_IS_FREE && command->id == 0) {
                command->id = event->id;
            }
        }
    } else if (event->kind == KOMET_STATION_CLOCK) {
        check(event->utc.ms == want->utc.ms);
        rig->utc = event->utc;
    } else if (event->kind == KOMET_STATION_RESET) {
        rig->reset_asked = true;
    }
}

static void take(struct rig *rig, unsigned c, const uint8_t *octets, size_t size, uint64_t received)
{
    struct komet_asdu asdu;
    struct komet_object object = {0};
    struct komet_station_event event, want = {.connection = c};
    enum komet_asdu_result decoded = komet_asdu_decode(rig->settings.profile, octets, size, &asdu);
    enum komet_station_result result =
        komet_station_receive(rig->station, rig->now, rig->utc, c, octets, size, &event);
    if (decoded != KOMET_ASDU_OK && decoded != KOMET_ASDU_UNKNOWN_TYPE) {
        check(result == KOMET_STATION_BAD_ASDU && event.kind == KOMET_STATION_NOTHING);
        rig_disconnect(rig, c);
        return;
    }
    if (result == KOMET_STATION_FULL) {
        unsigned used = answers_waiting(rig, c) + command_promises(rig, c);
        check(used + SELECTABLE_ANSWERS > rig->settings.answers || answers_large_waits(rig, c));
        check(event.kind == KOMET_STATION_NOTHING);
        rig->held[c] = (struct held){.is = true, .received = received};
        rig->held[c].message.size = (uint8_t)size;
        memcpy(rig->held[c].message.octets, octets, size);
        return;
    }
    check(result == KOMET_STATION_TAKEN);
    wire_taken(&rig->wires[c], rig->now, received);
    komet_group_acknowledge(rig->group, rig->now, c, received);
    if (asdu.cause >= KOMET_COT_UNKNOWN_TYPE && asdu.cause <= KOMET_COT_UNKNOWN_IOA) {
        check(event.kind == KOMET_STATION_NOTHING);
        rig->counters.ignored++;
        return;
    }
    if (decoded == KOMET_ASDU_OK) {
        komet_asdu_object(&asdu, 0, &object);
    }
    struct request request = {.c = c, .asdu = &asdu, .object = &object};
    want.point = KOMET_POINT_NONE;
    rig->counters.requests++;
    judge_request(rig, &request, &want);
    compare(&request, &want, &event);
    do_event(rig, &want, &event);
}

void judge_asdu(struct rig *rig, unsigned c, const uint8_t *octets, size_t size, uint64_t received)
{
    struct wire *wire = &rig->wires[c];
    check(wire->has_asdu && received == wire->said && size == wire->asdu.size);
    check(memcmp(octets, wire->asdu.octets, size) == 0);
    wire->has_asdu = false;
    if (rig->held[c].is) { /* one more than a centre has reason to send */
        rig_disconnect(rig, c);
    } else {
        take(rig, c, octets, size, received);
    }
}

void judge_held(struct rig *rig, unsigned c)
{
    if (rig->held[c].is) {
        const struct held held = rig->held[c];
        rig->held[c].is = false;
        take(rig, c, held.message.octets, held.message.size, held.received);
    }
}

void judge_drop_held(struct rig *rig, unsigned c)
{
    if (rig->held[c].is && rig->wires[c].up) {
        wire_taken(&rig->wires[c], rig->now, rig->held[c].received);
        komet_group_acknowledge(rig->group, rig->now, c, rig->held[c].received);
    }
    rig->held[c].is = false;
}
