/*
 * rig: the station under test with its host, who does what the manuals say and no more.
 */
#include "rig.h"

const uint16_t rig_addresses[ADDRESSES] = {1, 515, 4660};

/* clang-format off */
static const struct komet_point points[] = {
    {.ca = 1, .ioa = 1, .type = KOMET_M_SP_NA_1, .groups = 1},
    {.ca = 1, .ioa = 2, .type = KOMET_M_BO_NA_1, .groups = 1},
    {.ca = 1, .ioa = 3, .type = KOMET_M_BO_NA_1, .groups = 3},
    {.ca = 1, .ioa = 4, .type = KOMET_M_ME_NC_1, .groups = 2},
    {.ca = 1, .ioa = 5, .type = KOMET_M_IT_NA_1, .groups = 1},
    {.ca = 1, .ioa = 6, .type = KOMET_M_IT_NA_1, .groups = 2},
    {.ca = 1, .ioa = 7, .type = KOMET_P_ME_NA_1},
    {.ca = 1, .ioa = 8, .type = KOMET_P_ME_NC_1, .groups = 4},
    {.ca = 1, .ioa = 10, .type = KOMET_C_SC_NA_1},
    {.ca = 1, .ioa = 11, .type = KOMET_C_DC_NA_1, .select = KOMET_SELECT_REQUIRED},
    {.ca = 1, .ioa = 12, .type = KOMET_C_RC_NA_1, .select = KOMET_SELECT_NEVER},
    {.ca = 1, .ioa = 13, .type = KOMET_C_SE_NA_1, .minimum = -0.3, .maximum = 0.3},
    {.ca = 1, .ioa = 14, .type = KOMET_C_SE_NB_1, .minimum = -5, .maximum = 5},
    {.ca = 1, .ioa = 15, .type = KOMET_C_SE_NC_1, .minimum = -0.1, .maximum = 0.1},
    {.ca = 1, .ioa = 16, .type = KOMET_C_BO_NA_1},
    {.ca = 515, .ioa = 4, .type = KOMET_M_ME_NC_1, .groups = 2},
    {.ca = 515, .ioa = 6, .type = KOMET_M_IT_NA_1, .groups = 4},
    {.ca = 515, .ioa = 10, .type = KOMET_C_SC_NA_1, .select = KOMET_SELECT_REQUIRED},
    {.ca = 515, .ioa = 15, .type = KOMET_C_SE_NC_1},
    {.ca = 515, .ioa = 66051, .type = KOMET_M_ME_NC_1, .groups = 0x8000},
};
/* clang-format on */
_Static_assert(sizeof points / sizeof *points == POINTS, "rig.h says how many");

static void begin_group(struct rig *rig, uint8_t choice)
{
    static _Alignas(max_align_t) uint8_t memory[32768];
    struct komet_link_settings link = komet_link_settings_standard(KOMET_CONTROLLED);
    link.t1_us = T1_US;
    link.t2_us = T2_US;
    link.t3_us = choice & 1 ? 0 : T3_US;
    link.k = choice & 2 ? 1 : 12;
    link.w = choice & 2 ? 1 : 8;
    link.output_size = choice & 4 ? KOMET_LINK_OUTPUT_MIN : OUTPUT_SIZE;
    link.first_vs = choice & 8 ? 32760 : 0;
    link.tolerate_cf3_mark = (choice & 16) != 0;
    rig->group_settings = (struct komet_group_settings){
        .link = link,
        .connections = CONNECTIONS,
        .mode = choice & 32 ? KOMET_GROUP_ALL_STARTED : KOMET_GROUP_ONE_STARTED,
        .full = choice & 64 ? KOMET_GROUP_REFUSE : KOMET_GROUP_DROP_OLDEST,
        .buffer_size = choice & 128 ? KOMET_GROUP_BUFFER_MIN : 8192,
    };
    check(komet_group_size(&rig->group_settings) <= sizeof memory);
    rig->group = komet_group_init(memory, sizeof memory, &rig->group_settings);
    rig->events.carrier = CONNECTIONS;
}

static void begin_station(struct rig *rig, uint8_t choice)
{
    static _Alignas(max_align_t) uint8_t memory[32768];
    struct komet_station_settings *settings = &rig->settings;
    *settings = komet_station_settings_standard();
    memcpy(rig->points, points, sizeof points);
    settings->profile = choice & 1 ? &komet_profile_sinaut : &komet_profile_104;
    settings->addresses = rig_addresses;
    settings->address_count = ADDRESSES;
    settings->points = rig->points;
    settings->point_count = POINTS;
    settings->connections = CONNECTIONS;
    settings->answers = choice & 2 ? 4 : ANSWERS;
    settings->commands = choice & 6 ? 2 : COMMANDS; /* two below the answers at most */
    settings->select_us = SELECT_US;
    settings->command_age_ms = choice & 8 ? 2000 : 0;
    settings->too_old = choice & 16 ? KOMET_TOO_OLD_DISCARDED : KOMET_TOO_OLD_REFUSED;
    settings->clock_event = (choice & 16) != 0;
    settings->broadcast_once = (choice & 32) != 0;
    settings->limit_set_points = (choice & 64) != 0;
    rig->host_is_slow = (choice & 128) != 0;
    check(komet_station_settings_fault(settings) == NULL);
    check(komet_station_size(settings) <= sizeof memory);
    rig->station = komet_station_init(memory, sizeof memory, settings);
}

void rig_begin(struct rig *rig, uint8_t group_choice, uint8_t station_choice)
{
    memset(rig, 0, sizeof *rig);
    rig->now = (struct komet_instant){KOMET_SECONDS(1000)};
    rig->utc = (struct komet_utc){INT64_C(1790000000000)};
    begin_group(rig, group_choice);
    begin_station(rig, station_choice);
    events_initialized(rig);
}

/* ---- connections ---- */

/* Data transfer has ended, or begins anew: what was open on the connection is forgotten. */
static void forget(struct rig *rig, unsigned c)
{
    answers_begin(rig, c);
    command_forget(rig, c);
    judge_drop_held(rig, c);
}

/* The connection is no more; the group knows. */
static void ended(struct rig *rig, unsigned c)
{
    rig->wires[c].up = false;
    komet_station_stopped(rig->station, c);
    forget(rig, c);
    events_dropped(rig, c);
}

/* An I format of the station is an answer that is due, or the next event. */
static void hear(void *host, uint64_t heard, const uint8_t *octets, size_t size)
{
    const struct rig_connection *connection = host;
    struct rig *rig = connection->rig;
    unsigned c = connection->c;
    if (!answers_heard(rig, c, octets, size)) {
        events_heard(rig, c, octets, size);
    }
    rig->events_behind[c][heard % WINDOW] = events_behind(rig, c);
}

void rig_connect(struct rig *rig, unsigned c)
{
    komet_group_connected(rig->group, rig->now, c);
    ended(rig, c);
    rig->connections[c] = (struct rig_connection){rig, c};
    wire_begin(&rig->wires[c], &rig->group_settings.link, rig->now, hear, &rig->connections[c]);
    rig->answers[c].given = rig->answers[c].given_heard = 0;
    rig_drain(rig);
}

void rig_disconnect(struct rig *rig, unsigned c)
{
    komet_group_closed(rig->group, rig->now, c);
    ended(rig, c);
}

static void state_changed(struct rig *rig, const struct komet_group_output *out)
{
    unsigned c = out->connection;
    check(out->old_state != out->state);
    check(out->state == KOMET_LINK_CLOSED || out->state == rig->wires[c].state);
    if (out->state == KOMET_LINK_STARTED) {
        komet_station_started(rig->station, c);
    } else {
        komet_station_stopped(rig->station, c);
    }
    forget(rig, c);
    events_state(rig, c, out->state);
}

/* ---- the loop ---- */

/* Writes what the peer takes. True when something was new. */
static bool send_octets(struct rig *rig, const struct komet_group_output *out)
{
    struct wire *wire = &rig->wires[out->connection];
    bool more = out->size > wire->shown;
    size_t part = wire_offered(wire, rig->now, out->octets, out->size);
    if (part > 0) {
        komet_group_written(rig->group, out->connection, part);
    }
    return more || part > 0;
}

static bool do_output(struct rig *rig, const struct komet_group_output *out)
{
    check(rig->wires[out->connection].up);
    switch (out->kind) {
    case KOMET_GROUP_OUT_STATE:
        state_changed(rig, out);
        return true;
    case KOMET_GROUP_OUT_ASDU:
        judge_asdu(rig, out->connection, out->octets, out->size, out->received);
        return true;
    case KOMET_GROUP_OUT_ACKNOWLEDGED:
        return true;
    case KOMET_GROUP_OUT_SEND:
        return send_octets(rig, out);
    case KOMET_GROUP_OUT_CLOSE:
        wire_closing(&rig->wires[out->connection], rig->now, out->reason);
        ended(rig, out->connection);
        return true;
    }
    check(false);
    return false;
}

static bool turn(struct rig *rig)
{
    struct komet_group_output out;
    bool any = false;
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        any = answers_give(rig, c) || any;
        komet_group_writable(rig->group, c); /* perhaps */
    }
    while (komet_group_next(rig->group, rig->now, &out)) {
        any = do_output(rig, &out) || any;
        any = answers_give(rig, out.connection) || any;
    }
    if (any) {
        return true;
    }
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        unsigned before = answers_waiting(rig, c) + command_promises(rig, c);
        bool held = rig->held[c].is;
        judge_held(rig, c);
        any = any || held != rig->held[c].is || before != answers_waiting(rig, c) + command_promises(rig, c);
    }
    return command_do(rig) || any;
}

void rig_drain(struct rig *rig)
{
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        rig->wires[c].may_take = rig->wires[c].stalled ? rig->wires[c].trickle : SIZE_MAX;
    }
    for (unsigned turns = 0; turn(rig); turns++) {
        check(turns < 5000); /* it comes to rest */
    }
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        const struct wire *wire = &rig->wires[c];
        wire_settled(&rig->wires[c]);
        check(komet_group_state(rig->group, c) == (wire->up ? wire->state : KOMET_LINK_CLOSED));
    }
    events_settled(rig);
    struct komet_station_counters counters = komet_station_counters(rig->station);
    check(memcmp(&counters, &rig->counters, sizeof counters) == 0);
}

void rig_say(struct rig *rig, unsigned c, const uint8_t *octets, size_t size)
{
    struct wire *wire = &rig->wires[c];
    for (size_t at = 0; at < size && wire->up;) {
        size_t part = komet_group_feed(rig->group, rig->now, c, octets + at, size - at);
        check(part > 0 && part <= size - at);
        uint64_t confirmed = wire->confirmed;
        wire_said(wire, rig->now, octets + at, part);
        if (wire->confirmed > confirmed) {
            events_acknowledged(rig, rig->events_behind[c][(wire->confirmed - 1) % WINDOW]);
        }
        at += part;
        rig_drain(rig);
    }
}

void rig_pass(struct rig *rig, int64_t us, bool tick)
{
    rig->now.us += us;
    rig->utc.ms += us / 1000;
    if (tick) {
        komet_group_tick(rig->group, rig->now);
        rig_drain(rig);
        check(komet_group_deadline(rig->group).us > rig->now.us);
        for (unsigned c = 0; c < CONNECTIONS; c++) {
            wire_ticked(&rig->wires[c], rig->now);
        }
    }
}

bool rig_scan(struct rig *rig, unsigned c, unsigned address, uint16_t groups, enum komet_cause cause)
{
    struct request request = {.c = c, .first = address, .last = address};
    if (rig->wires[c].state != KOMET_LINK_STARTED || !rig->wires[c].up) {
        return false;
    }
    if (!komet_station_scan(rig->station, c, rig_addresses[address], groups, cause)) {
        check(answers_waiting(rig, c) + command_promises(rig, c) + 1 > rig->settings.answers);
        return false;
    }
    struct long_answer *answer = answers_long(rig, &request);
    answer->scan = answer->values = true;
    answer->stage = LONG_VALUES;
    answer->cause = (uint8_t)cause;
    answer->groups = groups;
    rig_drain(rig);
    return true;
}
