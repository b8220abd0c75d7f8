/*
 * What a line does for its stations of itself: their values, the interrogations after the start and
 * periodically, the freeze of counters, clock synchronisation. Facts: reference 1.6 (OIC, OCIC, PSD, SCE,
 * SHE), 7.2 (values of stations, periods with an offset from the clock).
 *
 * What is due (services.h) becomes a bit of `wanted`, and goes out when the window has room.
 */
#include "line/iec104_private.h"

/* Where a station's values are not valid any more, its filters begin afresh: the next value goes on, whatever
 * the one before it was. */
static void set_value(struct iec104 *line, unsigned station, enum station_value value)
{
    KOMET_ASSERT(station < line->line->station_count);
    const struct station *of = &line->line->stations[station];
    struct station_state *state = &line->stations[station];
    if (state->value == value) {
        return;
    }
    state->value = value;
    state->changed = true;
    if (value != STATION_ON && value != STATION_COMERR) {
        iec104_forget_values(line, of->first_tag - line->line->stations[0].first_tag, of->tag_count);
    }
}

void iec104_stations_init(struct iec104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->stations[i].mode = line->line->stations[i].communication_disabled ? STATION_DISABLED : 0;
    }
}

bool iec104_stations_speaks(const struct iec104 *line, const struct station *station)
{
    return line->stations[station - line->line->stations].mode == 0;
}

bool iec104_stations_any_speaks(const struct iec104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->stations[i].mode == 0) {
            return true;
        }
    }
    return line->line->station_count == 0;
}

/* On with data transfer, in error after SCE and SHE failed attempts. */
void iec104_stations_follow(struct iec104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        unsigned mode = line->stations[i].mode;
        enum station_value before = line->stations[i].value;
        if (mode != 0) {
            set_value(line, i, station_mode_value(mode));
        } else if (line->state == CONNECTION_STARTED) {
            set_value(line, i, STATION_ON);
        } else if (line->failures >= (unsigned)station->parameters.value[PARAMETER_SHE]) {
            set_value(line, i, STATION_HARDERR);
        } else if (line->failures >= (unsigned)station->parameters.value[PARAMETER_SCE] ||
                   (before != STATION_ON && before != STATION_HARDERR)) {
            set_value(line, i, STATION_COMERR);
        }
    }
}

void iec104_stations_activate(struct iec104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->stations[i].value = STATION_COMERR;
        line->stations[i].changed = true;
    }
    iec104_stations_follow(line);
}

/* ---- what is wanted ---- */

static void want(struct iec104 *line, unsigned station, unsigned bits)
{
    line->stations[station].wanted |= bits;
    line->wanted = line->wanted || bits != 0;
}

static void start_station(struct iec104 *line, struct line_now now, unsigned index)
{
    const int64_t *value = line->line->stations[index].parameters.value;
    struct station_state *state = &line->stations[index];
    state->wanted = 0;
    state->services = services_none();
    if (state->mode != 0) {
        return;
    }
    want(line, index, value[PARAMETER_OIC] != 0 ? WANT_START_GENERAL : 0);
    want(line, index, value[PARAMETER_OCIC] != 0 ? WANT_START_COUNTERS : 0);
    state->services = services_begin(&line->line->stations[index], now, line->start_at);
}

static void init_station(struct iec104 *line, unsigned index)
{
    line->stations[index] = (struct station_state){
        .mode = line->line->stations[index].communication_disabled ? STATION_DISABLED : 0,
        .value = STATION_COMERR,
        .changed = line->active};
}

void iec104_stations_move(struct iec104 *line, struct line_now now, const struct iec104 *before,
                          const struct site_difference *difference)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        const struct station *was = difference_station_was(difference, station);
        bool stays = was != NULL && was->line == before->line;
        enum station_change change = difference_station_change(difference, station);
        if (stays) {
            line->stations[i] = before->stations[was - before->line->stations];
        } else {
            init_station(line, i);
        }
        if (line->state != CONNECTION_STARTED) {
            continue;
        }
        if (!stays || change == STATION_ASKS) {
            start_station(line, now, i);
        } else if (change == STATION_CHANGED && line->stations[i].mode == 0) {
            services_follow(&line->stations[i].services, station, now);
        }
    }
}

bool iec104_stations_set_mode(struct iec104 *line, struct line_now now, const struct station *station,
                              unsigned mode)
{
    unsigned index = (unsigned)(station - line->line->stations);
    KOMET_ASSERT(index < line->line->station_count && mode <= STATION_MODES);
    bool spoke = line->stations[index].mode == 0;
    if (line->stations[index].mode == mode) {
        return false;
    }
    line->stations[index].mode = mode;
    if (line->state == CONNECTION_STARTED && spoke != (mode == 0)) {
        start_station(line, now, index); /* what was wanted is forgotten, or begins */
    }
    if (mode != 0) {
        iec104_commands_withdraw(line, station, station_mode_refusal(mode));
    }
    return true;
}

void iec104_stations_start(struct iec104 *line, struct line_now now)
{
    line->wanted = false;
    for (unsigned i = 0; i < line->line->station_count; i++) {
        start_station(line, now, i);
    }
}

void iec104_stations_initialized(struct iec104 *line, struct line_now now, uint16_t ca)
{
    bool found = false;
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->line->stations[i].ca == ca || ca == CA_GLOBAL) {
            found = true;
            if (line->state == CONNECTION_STARTED) {
                start_station(line, now, i);
            }
        }
    }
    iec104_note(line,
                found ? "%s: the station with common address %u has initialized; it is interrogated"
                      : "%s: a station with common address %u has initialized, which the line has not",
                line->line->name, ca);
}

void iec104_stations_frozen(struct iec104 *line, const struct komet_asdu *asdu)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->line->stations[i].ca != asdu->ca) {
            continue;
        }
        switch (services_frozen(&line->stations[i].services, asdu)) {
        case FREEZE_REFUSED:
            iec104_note(line, "%s: %s refused to freeze its counters; they are not read", line->line->name,
                        line->line->stations[i].name);
            break;
        case FREEZE_CONFIRMED:
            want(line, i, WANT_COUNTERS);
            break;
        case FREEZE_NONE:
            break;
        }
    }
}

static void watch_periods(struct iec104 *line, struct line_now now, unsigned index)
{
    unsigned due = services_take(&line->stations[index].services, &line->line->stations[index], now);
    want(line, index, (due & DUE_GENERAL) != 0 ? WANT_GENERAL : 0);
    want(line, index, (due & DUE_COUNTERS) != 0 ? WANT_COUNTERS : 0);
    want(line, index, (due & DUE_FREEZE) != 0 ? WANT_FREEZE : 0);
    if ((due & DUE_UNFROZEN) != 0) {
        iec104_note(line, "%s: %s did not confirm the freeze of its counters; they are not read",
                    line->line->name, line->line->stations[index].name);
    }
}

/* ---- sending ---- */

/* Sends what `bit` stands for, when it is wanted. False: no room. */
static bool send_wanted(struct iec104 *line, struct line_now now, unsigned index, unsigned bit)
{
    const struct station *station = &line->line->stations[index];
    struct station_state *state = &line->stations[index];
    bool general = bit == WANT_START_GENERAL || bit == WANT_GENERAL;
    uint8_t freeze = bit == WANT_FREEZE ? (uint8_t)station->parameters.value[PARAMETER_CFRZ] : 0;
    if ((state->wanted & bit) == 0) {
        return true;
    }
    if (!iec104_commands_send_system(line, now, station,
                                     general ? LINE_COMMAND_INTERROGATE : LINE_COMMAND_COUNTERS, freeze)) {
        return false;
    }
    state->wanted &= ~bit;
    if (bit == WANT_FREEZE) {
        state->services.frozen_by = komet_after(now.instant, KOMET_MS(iec104_parameter(line, PARAMETER_WTN)));
    }
    return true;
}

/* Those after the start: stations in order, those of order 1 before those of order 2; with equal orders the
 * general one goes first (S18). */
static bool send_start_round(struct iec104 *line, struct line_now now, int64_t round)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const int64_t *value = line->line->stations[i].parameters.value;
        if ((value[PARAMETER_OIC] == round && !send_wanted(line, now, i, WANT_START_GENERAL)) ||
            (value[PARAMETER_OCIC] == round && !send_wanted(line, now, i, WANT_START_COUNTERS))) {
            return false;
        }
    }
    return true;
}

static bool send_all_wanted(struct iec104 *line, struct line_now now)
{
    if (!send_start_round(line, now, 1) || !send_start_round(line, now, 2)) {
        return false;
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (!send_wanted(line, now, i, WANT_FREEZE) || !send_wanted(line, now, i, WANT_COUNTERS) ||
            !send_wanted(line, now, i, WANT_GENERAL)) {
            return false;
        }
    }
    return true;
}

static void synchronise_clocks(struct iec104 *line, struct line_now now)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        struct station_services *services = &line->stations[i].services;
        if (komet_reached(now.instant, services->clock_due) &&
            iec104_commands_send_system(line, now, station, LINE_COMMAND_CLOCK, 0)) {
            services->clock_due = komet_after(now.instant, station->clock_sync_us);
        }
    }
}

void iec104_stations_work(struct iec104 *line, struct line_now now)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        watch_periods(line, now, i);
    }
    if (line->wanted && send_all_wanted(line, now)) {
        line->wanted = false;
    }
    synchronise_clocks(line, now);
}

struct komet_instant iec104_stations_deadline(const struct iec104 *line)
{
    struct komet_instant deadline = KOMET_NEVER;
    if (line->state != CONNECTION_STARTED || line->read_only) {
        return deadline;
    }
    /* What the full window holds back is no matter of time: an acknowledgement makes it go on. */
    bool may_send = komet_link_room(line->link) > 0;
    if (may_send && line->wanted) {
        deadline = line->start_at;
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station_services *services = &line->stations[i].services;
        deadline = komet_earlier(deadline, services_deadline(services));
        deadline = may_send ? komet_earlier(deadline, services->clock_due) : deadline;
    }
    return deadline;
}
