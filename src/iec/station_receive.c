/*
 * station_receive: a request is taken apart and either answered or handed to the host.
 *
 * What is wrong is looked for in the order of the header: type, cause, common address, object address, and
 * only then is the request itself looked at (-5-101 7.2.3, causes 44 to 47).
 */
#include <string.h>

#include "station_private.h"

static uint16_t broadcast_address(const struct komet_profile *profile)
{
    return profile->ca_size == 2 ? KOMET_CA_BROADCAST_2 : KOMET_CA_BROADCAST_1;
}

void station_mirror(struct request *request, uint8_t cause, bool negative)
{
    request->station->counters.refused += negative;
    station_enqueue(request, ANSWER_MIRROR, cause, negative);
}

static void confirm(struct request *request, bool positive)
{
    station_mirror(request, KOMET_COT_ACTIVATION_CON, !positive);
}

/* An event for the host, with what all have in common. */
static void raise_event(struct request *request, enum komet_station_event_kind kind)
{
    *request->event = (struct komet_station_event){
        .kind = kind,
        .connection = request->c,
        .ca = request->asdu->ca,
        .type = request->asdu->type,
        .oa = request->asdu->oa,
        .point = KOMET_POINT_NONE,
        .object = *request->object,
    };
    request->event->object.octets = NULL; /* they are the caller's */
}

/* Group 1 to 16 as its bit; 0, all groups, as none. */
static uint16_t bit_of_group(unsigned group)
{
    return (uint16_t)(group == 0 ? 0u : 1u << (group - 1));
}

/* ---- the services that are addressed to the station ---- */

static void take_interrogation(struct request *request)
{
    uint8_t qualifier = request->object->qualifier;
    if (request->asdu->cause == KOMET_COT_DEACTIVATION) {
        station_mirror(request, KOMET_COT_DEACTIVATION_CON, !station_drop_interrogation(request));
        return;
    }
    if (qualifier < QOI_STATION || qualifier > QOI_GROUP_16 || station_is_interrogating(request)) {
        confirm(request, false);
        return;
    }
    struct answer *answer = station_enqueue(request, ANSWER_INTERROGATION, KOMET_COT_ACTIVATION_CON, false);
    answer->values = true;
    answer->value_cause = qualifier;
    answer->groups = bit_of_group((unsigned)qualifier - QOI_STATION);
    request->station->counters.interrogations++;
}

/* Freezing and resetting is the host's; values are sent when neither is asked for (7.2.6.23). */
static void take_counters(struct request *request)
{
    unsigned asked = request->object->qualifier & QCC_REQUEST;
    unsigned freeze = request->object->qualifier >> QCC_FREEZE_SHIFT;
    unsigned group = asked == QCC_GENERAL ? 0 : asked;
    if (request->asdu->cause == KOMET_COT_DEACTIVATION) {
        station_mirror(request, KOMET_COT_DEACTIVATION_CON, !station_drop_interrogation(request));
        return;
    }
    if (asked < 1 || asked > QCC_GENERAL || station_is_interrogating(request)) {
        confirm(request, false);
        return;
    }
    struct answer *answer = station_enqueue(request, ANSWER_COUNTERS, KOMET_COT_ACTIVATION_CON, false);
    answer->values = freeze == 0;
    answer->value_cause = (uint8_t)(KOMET_COT_COUNTERS_GENERAL + group);
    answer->groups = bit_of_group(group);
    request->station->counters.interrogations++;
    if (freeze != 0 && !request->asdu->test) {
        raise_event(request, KOMET_STATION_FREEZE);
        request->event->group = group;
        request->event->object.qualifier = (uint8_t)freeze;
    }
}

/* The confirmation carries the station's time before it is set (-5-101 7.4.6). A centre that does not trust
 * its own clock sets none. */
static void take_clock(struct request *request)
{
    struct komet_station *station = request->station;
    const struct komet_time_tag *tag = &request->object->time;
    if (!station->settings.clock_sync || tag->invalid || !komet_time_tag_plausible(tag)) {
        confirm(request, false);
        return;
    }
    struct komet_time_tag before = station_tag_of(station, request->utc);
    struct answer *answer = station_enqueue(request, ANSWER_MIRROR, KOMET_COT_ACTIVATION_CON, false);
    komet_cp56_encode(answer->octets + answer->size - KOMET_CP56_SIZE, &before);
    if (request->asdu->test) {
        return;
    }
    if (station->settings.clock_event) {
        station_enqueue(request, ANSWER_MIRROR, KOMET_COT_SPONTANEOUS, false);
    }
    raise_event(request, KOMET_STATION_CLOCK);
    request->event->utc = station_utc_of(station, tag, request->utc);
    request->event->utc.ms += station->connections[request->c].delay_ms;
}

/* A delay that is loaded is not confirmed (7.4.7), so one that is out of range can only be left alone. */
static void take_delay(struct request *request)
{
    bool in_range = request->object->elapsed_ms <= DELAY_MAX_MS;
    if (request->asdu->cause == KOMET_COT_SPONTANEOUS) {
        request->station->counters.ignored += !in_range;
        if (in_range && !request->asdu->test) {
            request->station->connections[request->c].delay_ms = request->object->elapsed_ms;
        }
        return;
    }
    if (!in_range) {
        confirm(request, false);
        return;
    }
    struct answer *answer = station_enqueue(request, ANSWER_DELAY, KOMET_COT_ACTIVATION_CON, false);
    answer->received = request->now;
}

static void take_reset(struct request *request)
{
    uint8_t qualifier = request->object->qualifier;
    bool known = qualifier >= 1 && qualifier <= QRP_EVENTS;
    confirm(request, known);
    if (known && !request->asdu->test) {
        raise_event(request, KOMET_STATION_RESET);
    }
}

static void take_read(struct request *request, size_t point)
{
    struct answer *answer = station_enqueue(request, ANSWER_READ, KOMET_COT_REQUEST, false);
    answer->point = point;
}

static void take_system(struct request *request)
{
    switch (request->asdu->type) {
    case KOMET_C_IC_NA_1:
        take_interrogation(request);
        return;
    case KOMET_C_CI_NA_1:
        take_counters(request);
        return;
    case KOMET_C_CS_NA_1:
        take_clock(request);
        return;
    case KOMET_C_TS_NA_1:
        confirm(request, request->object->test_pattern == TEST_PATTERN);
        return;
    case KOMET_C_RP_NA_1:
        take_reset(request);
        return;
    case KOMET_C_CD_NA_1:
        take_delay(request);
        return;
    case KOMET_C_TS_TA_1:
        confirm(request, true);
        return;
    default: /* a number of the wire: is_taken left no other */
        KOMET_ASSERT_NEVER("a type that is not addressed to the station");
    }
}

/* ---- what is wrong ---- */

static bool is_taken(const struct komet_asdu *asdu)
{
    return asdu->row != NULL &&
           (asdu->row->direction == KOMET_CONTROL || asdu->row->direction == KOMET_SYSTEM_CONTROL ||
            asdu->row->direction == KOMET_PARAMETER);
}

static bool is_cause_of_type(const struct komet_asdu *asdu)
{
    return (komet_causes_to_station(asdu->type) >> asdu->cause & 1) != 0;
}

/* Interrogations, clock and reset may be for all (7.2.4). */
static bool may_be_broadcast(uint8_t type)
{
    return type == KOMET_C_IC_NA_1 || type == KOMET_C_CI_NA_1 || type == KOMET_C_CS_NA_1 ||
           type == KOMET_C_RP_NA_1;
}

/* Which of the station's addresses the request is for; false for none. */
static bool find_addresses(struct request *request)
{
    const struct komet_station_settings *settings = &request->station->settings;
    const struct komet_asdu *asdu = request->asdu;
    if (asdu->ca == broadcast_address(settings->profile) && may_be_broadcast(asdu->type)) {
        request->first = 0;
        request->last = settings->address_count - 1;
        request->own_name = !settings->broadcast_once;
        return true;
    }
    for (unsigned i = 0; i < settings->address_count; i++) {
        if (settings->addresses[i] == asdu->ca) {
            request->first = request->last = i;
            return true;
        }
    }
    return false;
}

/* The point that a request is for; KOMET_POINT_NONE when there is none or its type is another. */
static size_t find_point(const struct request *request)
{
    const struct komet_asdu *asdu = request->asdu;
    size_t i = komet_station_find(request->station, asdu->ca, request->object->ioa);
    if (i == KOMET_POINT_NONE) {
        return i;
    }
    uint8_t type = request->station->settings.points[i].type;
    bool command = komet_type_find(type)->direction == KOMET_CONTROL;
    bool any_value = asdu->type == KOMET_C_RD_NA_1 || asdu->type == KOMET_P_AC_NA_1;
    bool fits = any_value ? !command : type == komet_type_without_time(asdu->type);
    return fits ? i : KOMET_POINT_NONE;
}

static void take_of_point(struct request *request)
{
    size_t point = find_point(request);
    bool general =
        request->asdu->type == KOMET_P_AC_NA_1 && request->object->ioa == 0; /* QPA 1: all that was loaded */
    if (point == KOMET_POINT_NONE && !general) {
        station_mirror(request, KOMET_COT_UNKNOWN_IOA, true);
    } else if (request->asdu->type == KOMET_C_RD_NA_1) {
        take_read(request, point);
    } else if (request->asdu->row->direction == KOMET_PARAMETER) {
        station_take_parameter(request, point);
    } else if (request->asdu->cause == KOMET_COT_DEACTIVATION) {
        station_take_deactivation(request, point);
    } else {
        station_take_command(request, point);
    }
}

static void take(struct request *request)
{
    const struct komet_asdu *asdu = request->asdu;
    if (!is_taken(asdu)) {
        station_mirror(request, KOMET_COT_UNKNOWN_TYPE, true);
    } else if (!is_cause_of_type(asdu)) {
        station_mirror(request, KOMET_COT_UNKNOWN_CAUSE, true);
    } else if (!find_addresses(request)) {
        station_mirror(request, KOMET_COT_UNKNOWN_CA, true);
    } else if (asdu->row->direction != KOMET_SYSTEM_CONTROL || asdu->type == KOMET_C_RD_NA_1) {
        take_of_point(request);
    } else if (request->object->ioa != 0) {
        station_mirror(request, KOMET_COT_UNKNOWN_IOA, true);
    } else {
        take_system(request);
    }
}

static bool is_large(const struct komet_asdu *asdu)
{
    return asdu->size > KOMET_ASDU_SIZE_ONE;
}

enum komet_station_result komet_station_receive(struct komet_station *station, struct komet_instant now,
                                                struct komet_utc utc, unsigned c, const uint8_t *octets,
                                                size_t size, struct komet_station_event *event)
{
    KOMET_ASSERT(c < station->settings.connections);
    struct komet_asdu asdu;
    struct komet_object object = {0};
    *event = (struct komet_station_event){.kind = KOMET_STATION_NOTHING};
    enum komet_asdu_result result = komet_asdu_decode(station->settings.profile, octets, size, &asdu);
    if ((result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) || size > KOMET_ASDU_SIZE_MAX) {
        return KOMET_STATION_BAD_ASDU;
    }
    if (asdu.cause >= KOMET_COT_UNKNOWN_TYPE && asdu.cause <= KOMET_COT_UNKNOWN_IOA) {
        station->counters.ignored++; /* two stations would tell each other for ever */
        return KOMET_STATION_TAKEN;
    }
    if (!station_has_room(station, c, ANSWERS_OF_A_REQUEST) ||
        (is_large(&asdu) && station->connections[c].large_taken)) {
        return KOMET_STATION_FULL;
    }
    if (result == KOMET_ASDU_OK) {
        komet_asdu_object(&asdu, 0, &object);
    }
    struct request request = {
        .station = station, .now = now, .utc = utc, .c = c, .asdu = &asdu, .object = &object, .event = event};
    station->counters.requests++;
    take(&request);
    return KOMET_STATION_TAKEN;
}
