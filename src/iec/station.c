/*
 * station: its settings, its life, and what is asked of its table of points.
 */
#include <stdalign.h>
#include <string.h>

#include "station_private.h"

#define MINUTE_MS  INT64_C(60000)
#define HOUR_MS    (60 * MINUTE_MS)
#define ALIGNMENT  ((size_t)16)                                 /* enough for any object */
#define IN_2035    ((struct komet_utc){INT64_C(2051222400000)}) /* puts the years 0 to 84 after 2000 */
#define NOT_SORTED "points are not in ascending order of common address, then object address, each pair once"

struct komet_station_settings komet_station_settings_standard(void)
{
    return (struct komet_station_settings){
        .profile = &komet_profile_104,
        .connections = 1,
        .answers = 20,
        .commands = 16,
        .select_us = KOMET_SECONDS(30),
        .clock_sync = true,
    };
}

/* ---- types with and without time tag (7.2.1) ---- */

uint8_t komet_type_without_time(uint8_t type)
{
    if (type >= KOMET_M_SP_TB_1 && type <= KOMET_M_BO_TB_1) { /* 30 to 33: every second one of 1 to 7 */
        return (uint8_t)(KOMET_M_SP_NA_1 + 2 * (type - KOMET_M_SP_TB_1));
    }
    if (type >= KOMET_M_ME_TD_1 && type <= KOMET_M_IT_TB_1) {
        return (uint8_t)(KOMET_M_ME_NA_1 + 2 * (type - KOMET_M_ME_TD_1));
    }
    if (type >= KOMET_C_SC_TA_1 && type <= KOMET_C_BO_TA_1) {
        return (uint8_t)(type - (KOMET_C_SC_TA_1 - KOMET_C_SC_NA_1));
    }
    bool second = type >= KOMET_M_SP_TA_1 && type <= KOMET_M_IT_TA_1 && type % 2 == 0;
    return second ? (uint8_t)(type - 1) : type;
}

uint8_t komet_type_with_time(uint8_t type)
{
    uint8_t bare = komet_type_without_time(type);
    if (bare >= KOMET_M_SP_NA_1 && bare <= KOMET_M_BO_NA_1) {
        return (uint8_t)(KOMET_M_SP_TB_1 + (bare - KOMET_M_SP_NA_1) / 2);
    }
    if (bare >= KOMET_M_ME_NA_1 && bare <= KOMET_M_IT_NA_1) {
        return (uint8_t)(KOMET_M_ME_TD_1 + (bare - KOMET_M_ME_NA_1) / 2);
    }
    if (bare >= KOMET_C_SC_NA_1 && bare <= KOMET_C_BO_NA_1) {
        return (uint8_t)(bare + (KOMET_C_SC_TA_1 - KOMET_C_SC_NA_1));
    }
    return type;
}

/* ---- settings ---- */

static bool is_answered_value(uint8_t type)
{
    return (type <= KOMET_M_IT_NA_1 && type % 2 == 1) || type == KOMET_M_PS_NA_1 || type == KOMET_M_ME_ND_1;
}

static const char *point_fault(const struct komet_station_settings *settings, size_t i)
{
    const struct komet_point *point = &settings->points[i];
    const struct komet_type_row *row = komet_type_find(point->type);
    bool known = false;
    for (unsigned n = 0; n < settings->address_count; n++) {
        known = known || settings->addresses[n] == point->ca;
    }
    if (!known) {
        return "a point's common address is none of the station's";
    }
    if (point->ioa == 0 || point->ioa >> (8 * settings->profile->ioa_size) != 0) {
        return "a point's object address is 0 or more than the profile's ioa_size holds";
    }
    if (i > 0 && (point[-1].ca > point->ca || (point[-1].ca == point->ca && point[-1].ioa >= point->ioa))) {
        return NOT_SORTED;
    }
    bool command = row != NULL && row->direction == KOMET_CONTROL && row->time == KOMET_TIME_NONE;
    bool parameter = row != NULL && row->direction == KOMET_PARAMETER && row->type != KOMET_P_AC_NA_1;
    if (!command && !parameter && !is_answered_value(point->type)) {
        return "a point's type is one without time tag: 1 to 15, 20, 21, 45 to 51, 110 to 112";
    }
    if (point->type == KOMET_C_BO_NA_1 && point->select == KOMET_SELECT_REQUIRED) {
        return "a bit string has no select";
    }
    if (!(point->minimum <= point->maximum)) {
        return "a point's minimum is above its maximum";
    }
    return NULL;
}

static const char *addresses_fault(const struct komet_station_settings *settings)
{
    uint32_t global = settings->profile->ca_size == 2 ? KOMET_CA_BROADCAST_2 : KOMET_CA_BROADCAST_1;
    if (settings->address_count == 0 || settings->addresses == NULL) {
        return "a station has one common address or more";
    }
    for (unsigned i = 0; i < settings->address_count; i++) {
        uint16_t ca = settings->addresses[i];
        if (ca == 0 || ca >= global) {
            return "a common address is 1 up to one below the global address";
        }
        for (unsigned other = 0; other < i; other++) {
            if (settings->addresses[other] == ca) {
                return "a common address is named twice";
            }
        }
    }
    return NULL;
}

const char *komet_station_settings_fault(const struct komet_station_settings *settings)
{
    if (settings->profile == NULL || !profile_usable(settings->profile)) {
        return "profile: widths are 1 or 2, 1 or 2, 1 to 3 octets";
    }
    const char *addresses = addresses_fault(settings);
    if (addresses != NULL) {
        return addresses;
    }
    if (settings->connections == 0 || settings->connections > KOMET_STATION_CONNECTIONS_MAX) {
        return "connections: 1 to 8";
    }
    if (settings->answers < 4 || settings->answers > 1000) {
        return "answers: 4 to 1000";
    }
    if (settings->commands < 1 || settings->commands > settings->answers - ANSWERS_OF_A_REQUEST) {
        return "commands: 1 up to two below answers, of which each may keep one while it is executed";
    }
    if (settings->select_us <= 0 || settings->command_age_ms < 0) {
        return "select_us is above 0, command_age_ms 0 or more";
    }
    if (settings->zone_minutes < -1440 || settings->zone_minutes > 1440) {
        return "zone_minutes: -1440 to 1440";
    }
    if (settings->points == NULL && settings->point_count > 0) {
        return "points: none are given, but point_count is not 0";
    }
    for (size_t i = 0; i < settings->point_count; i++) {
        const char *fault = point_fault(settings, i);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

/* ---- memory ---- */

static size_t rounded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t answers_size(const struct komet_station_settings *settings)
{
    return rounded(settings->answers * sizeof(struct answer));
}

size_t komet_station_size(const struct komet_station_settings *settings)
{
    return rounded(sizeof(struct komet_station)) + rounded(settings->commands * sizeof(struct command)) +
           settings->connections * answers_size(settings);
}

void station_place_pieces(struct komet_station *station)
{
    const struct komet_station_settings *settings = &station->settings;
    uint8_t *rest = (uint8_t *)station + rounded(sizeof *station);
    station->commands = (struct command *)(void *)rest;
    rest += rounded(settings->commands * sizeof(struct command));
    for (unsigned c = 0; c < settings->connections; c++) {
        station->connections[c].answers = (struct answer *)(void *)rest;
        rest += answers_size(settings);
    }
}

struct komet_station *komet_station_init(void *memory, size_t size,
                                         const struct komet_station_settings *settings)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_station) == 0);
    KOMET_ASSERT(komet_station_settings_fault(settings) == NULL);
    KOMET_ASSERT(size >= komet_station_size(settings));
    memset(memory, 0, komet_station_size(settings));
    struct komet_station *station = memory;
    station->settings = *settings;
    station->next_id = 1;
    station_place_pieces(station);
    return station;
}

void komet_station_started(struct komet_station *station, unsigned c)
{
    komet_station_stopped(station, c);
    station->connections[c].started = true;
}

void komet_station_stopped(struct komet_station *station, unsigned c)
{
    KOMET_ASSERT(c < station->settings.connections);
    struct connection *connection = &station->connections[c];
    connection->started = false;
    connection->answer_count = 0;
    connection->large_taken = false;
    connection->delay_ms = 0;
    station_forget_commands(station, c);
}

struct komet_station_counters komet_station_counters(const struct komet_station *station)
{
    return station->counters;
}

/* ---- time ---- */

struct komet_utc station_utc_of(const struct komet_station *station, const struct komet_time_tag *tag,
                                struct komet_utc about)
{
    struct komet_utc utc = komet_cp56_to_utc(tag, komet_utc_known(about) ? about : IN_2035);
    utc.ms -= station->settings.zone_minutes * MINUTE_MS;
    if (station->settings.summer_time && tag->summer_time) {
        utc.ms -= HOUR_MS;
    }
    return utc;
}

struct komet_time_tag station_tag_of(const struct komet_station *station, struct komet_utc utc)
{
    struct komet_time_tag tag = {.day = 1, .month = 1, .invalid = true};
    if (komet_utc_known(utc)) {
        komet_cp56_from_utc(&tag, utc, station->settings.zone_minutes);
    }
    return tag;
}

/* ---- points ---- */

size_t station_point_from(const struct komet_station *station, uint16_t ca, uint32_t ioa)
{
    size_t low = 0, high = station->settings.point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct komet_point *point = &station->settings.points[middle];
        bool before = point->ca < ca || (point->ca == ca && point->ioa < ioa);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

size_t station_first_point(const struct komet_station *station, uint16_t ca)
{
    return station_point_from(station, ca, 0);
}

size_t komet_station_find(const struct komet_station *station, uint16_t ca, uint32_t ioa)
{
    size_t i = station_point_from(station, ca, ioa);
    if (i == station->settings.point_count) {
        return KOMET_POINT_NONE;
    }
    const struct komet_point *point = &station->settings.points[i];
    return point->ca == ca && point->ioa == ioa ? i : KOMET_POINT_NONE;
}

/* An ASDU of one object. */
static size_t write_one(const struct komet_station *station, const struct komet_asdu_header *header,
                        const struct komet_object *object, uint8_t *octets)
{
    struct komet_asdu_writer writer;
    bool begun = komet_asdu_begin(&writer, station->settings.profile, header, octets, KOMET_ASDU_SIZE_ONE);
    bool added = begun && komet_asdu_add(&writer, object);
    KOMET_ASSERT(added);
    return komet_asdu_end(&writer);
}

size_t komet_station_event(const struct komet_station *station, size_t point, enum komet_cause cause,
                           struct komet_utc utc, uint8_t *octets)
{
    KOMET_ASSERT(point < station->settings.point_count);
    const struct komet_point *row = &station->settings.points[point];
    struct komet_object object = row->object;
    const struct komet_asdu_header header = {
        .type = komet_type_with_time(row->type), .cause = (uint8_t)cause, .ca = row->ca};
    KOMET_ASSERT(komet_type_find(row->type)->direction != KOMET_CONTROL);
    object.ioa = row->ioa;
    object.time = station_tag_of(station, utc);
    return write_one(station, &header, &object, octets);
}

size_t komet_station_initialized(const struct komet_station *station, unsigned address, uint8_t coi,
                                 uint8_t *octets)
{
    KOMET_ASSERT(address < station->settings.address_count);
    const struct komet_asdu_header header = {
        .type = KOMET_M_EI_NA_1, .cause = KOMET_COT_INITIALIZED, .ca = station->settings.addresses[address]};
    const struct komet_object object = {.qualifier = coi};
    return write_one(station, &header, &object, octets);
}
