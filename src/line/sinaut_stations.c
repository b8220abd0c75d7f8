/*
 * What stations behind a Sinaut line are, and the interrogations that the line gives of itself. Facts:
 * reference 1.6 (OIC, OCIC, SCE, SHE, PSD), 1.7, S2, S9, S11, S12, S18.
 *
 * When a partner is to be interrogated is role/partners.h's. With FFFF, all stations at once, where all that
 * are spoken with agree on the order; else each with its own address.
 */
#include "line/sinaut_private.h"

#include "model/station_time.h"

/* Where a station's values are not valid any more, its filters begin afresh. */
static void set_value(struct sinaut *line, unsigned station, enum station_value value)
{
    const struct station *of = &line->line->stations[station];
    struct sinaut_station *state = &line->stations[station];
    if (state->value == value) {
        return;
    }
    state->value = value;
    state->changed = true;
    if (value != STATION_ON && value != STATION_COMERR) {
        sinaut_forget_values(line, of->first_tag - line->line->stations[0].first_tag, of->tag_count);
    }
}

void sinaut_stations_init(struct sinaut *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->stations[i].services = services_none();
        line->stations[i].mode = line->line->stations[i].communication_disabled ? STATION_DISABLED : 0;
    }
}

bool sinaut_speaks(const struct sinaut *line, const struct station *station)
{
    return line->stations[station - line->line->stations].mode == 0;
}

bool sinaut_any_speaks(const struct sinaut *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->stations[i].mode == 0) {
            return true;
        }
    }
    return line->line->station_count == 0;
}

const struct station *sinaut_station(const struct sinaut *line, uint16_t ca)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->line->stations[i].ca == ca) {
            return &line->line->stations[i];
        }
    }
    return NULL;
}

void sinaut_stations_follow(struct sinaut *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const int64_t *value = line->line->stations[i].parameters.value;
        enum station_value before = line->stations[i].value;
        if (line->stations[i].mode != 0) {
            set_value(line, i, station_mode_value(line->stations[i].mode));
            continue;
        }
        switch (
            partners_reach(&line->partners, (unsigned)value[PARAMETER_SCE], (unsigned)value[PARAMETER_SHE])) {
        case REACH_ON:
            set_value(line, i, STATION_ON);
            break;
        case REACH_HARDERR:
            set_value(line, i, STATION_HARDERR);
            break;
        case REACH_COMERR:
            set_value(line, i, STATION_COMERR);
            break;
        case REACH_UNDECIDED:
            if (before != STATION_ON && before != STATION_HARDERR) {
                set_value(line, i, STATION_COMERR);
            }
            break;
        }
    }
}

void sinaut_stations_activate(struct sinaut *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->stations[i].value = STATION_COMERR;
        line->stations[i].changed = true;
    }
    sinaut_stations_follow(line);
}

/* ---- what is wanted ---- */

/* What a station is asked for of itself. */
static uint8_t wants_of(const struct station *station)
{
    const int64_t *value = station->parameters.value;
    return (uint8_t)((value[PARAMETER_OIC] > 0 ? WANT_GENERAL : 0u) |
                     (value[PARAMETER_OCIC] > 0 ? WANT_COUNTERS : 0u));
}

/* All stations that are spoken with have the same orders: they are asked at once. */
static bool stations_agree(const struct sinaut *line)
{
    const int64_t *first = NULL;
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const int64_t *value = line->line->stations[i].parameters.value;
        if (line->stations[i].mode != 0) {
            continue;
        }
        if (first != NULL && (first[PARAMETER_OIC] != value[PARAMETER_OIC] ||
                              first[PARAMETER_OCIC] != value[PARAMETER_OCIC])) {
            return false;
        }
        first = first != NULL ? first : value;
    }
    return true;
}

static const struct station *first_spoken_with(const struct sinaut *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->stations[i].mode == 0) {
            return &line->line->stations[i];
        }
    }
    return NULL;
}

static void want_all(struct sinaut *line, unsigned partner)
{
    bool agree = line->manner->asks_all && stations_agree(line);
    const struct station *first = first_spoken_with(line);
    line->partner[partner].wanted = agree && first != NULL ? wants_of(first) : 0;
    for (unsigned i = 0; i < line->line->station_count; i++) {
        bool alone = !agree && line->stations[i].mode == 0;
        line->stations[i].wanted[partner] = alone ? wants_of(&line->line->stations[i]) : 0;
    }
}

/* A station that nobody has asked for what it has. */
static void want_station(struct sinaut *line, unsigned index)
{
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        bool asked =
            line->stations[index].mode == 0 && line->active && sinaut_data_path(line, p) != PARTNERS_NO_PATH;
        line->stations[index].wanted[p] = asked ? wants_of(&line->line->stations[index]) : 0;
    }
}

/* What a station wants again and again may be other things now. */
static void follow_services(struct sinaut *line, struct line_now now, unsigned index,
                            const struct site_difference *difference)
{
    const struct station *station = &line->line->stations[index];
    bool served = line->manner->serves && line->stations[index].mode == 0 &&
                  partners_hot(&line->partners) != PARTNERS_NOBODY;
    if (served && difference_station_change(difference, station) != STATION_SAME) {
        services_follow(&line->stations[index].services, station, now);
    }
}

void sinaut_stations_move(struct sinaut *line, struct line_now now, const struct sinaut *before,
                          const struct site_difference *difference)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        const struct station *was = difference_station_was(difference, station);
        if (was != NULL && was->line == before->line) {
            line->stations[i] = before->stations[was - before->line->stations];
            follow_services(line, now, i, difference);
        } else {
            line->stations[i] =
                (struct sinaut_station){.mode = station->communication_disabled ? STATION_DISABLED : 0,
                                        .value = STATION_COMERR,
                                        .changed = line->active};
            sinaut_services_begin_one(line, now, i);
        }
    }
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        if (line->partner[p].wanted != 0) { /* of all at once: they may not agree any more */
            want_all(line, p);
        }
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *was = difference_station_was(difference, &line->line->stations[i]);
        bool stays = was != NULL && was->line == before->line;
        if (!stays || difference_station_change(difference, &line->line->stations[i]) == STATION_ASKS) {
            want_station(line, i);
        }
    }
}

bool sinaut_stations_set_mode(struct sinaut *line, struct line_now now, const struct station *station,
                              unsigned mode)
{
    unsigned index = (unsigned)(station - line->line->stations);
    KOMET_ASSERT(index < line->line->station_count && mode <= STATION_MODES);
    struct sinaut_station *state = &line->stations[index];
    if (state->mode == mode) {
        return false;
    }
    state->mode = mode;
    sinaut_services_begin_one(line, now, index);
    want_station(line, index);
    if (mode != 0) {
        sinaut_commands_withdraw(line, station, station_mode_refusal(mode));
    }
    return true;
}

void sinaut_stations_forget(struct sinaut *line)
{
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        line->partner[p].wanted = 0;
        line->partner[p].answer_by = KOMET_NEVER;
        for (unsigned i = 0; i < line->line->station_count; i++) {
            line->stations[i].wanted[p] = 0;
        }
    }
}

void sinaut_stations_initialized(struct sinaut *line, struct line_now now, unsigned partner, uint16_t ca)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        if ((station->ca == ca || ca == CA_GLOBAL) && line->stations[i].mode == 0) {
            line->stations[i].wanted[partner] = wants_of(station);
            sinaut_services_begin_one(line, now, i);
        }
    }
}

void sinaut_stations_answered(struct sinaut *line, unsigned partner)
{
    line->partner[partner].answer_by = KOMET_NEVER;
}

/* ---- sending ---- */

/* One ASDU to a station as a whole, or to all. Our frame's number; 0: no room now. */
static uint64_t send_system(struct sinaut *line, struct line_now now, unsigned partner, uint8_t type,
                            uint16_t ca, const struct komet_object *object)
{
    uint8_t *out = sinaut_reserve(line, partner);
    if (out == NULL) {
        return 0;
    }
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {
        .type = type, .cause = KOMET_COT_ACTIVATION, .oa = line->line->number, .ca = ca};
    bool begun = komet_asdu_begin(&writer, line->manner->profile, &header, out, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    bool added = komet_asdu_add(&writer, object);
    KOMET_ASSERT(added);
    return sinaut_commit(line, now, partner, komet_asdu_end(&writer));
}

uint64_t sinaut_interrogate(struct sinaut *line, struct line_now now, unsigned partner, uint8_t type,
                            uint16_t ca, uint8_t freeze)
{
    unsigned qualifier =
        type == KOMET_C_IC_NA_1 ? QOI_STATION : (QCC_GENERAL | (unsigned)freeze << QCC_FREEZE_SHIFT);
    struct komet_object object = {.qualifier = (uint8_t)qualifier};
    return send_system(line, now, partner, type, ca, &object);
}

uint64_t sinaut_set_clock(struct sinaut *line, struct line_now now, unsigned partner,
                          const struct station *station)
{
    struct komet_object object = {.time_size = KOMET_TIME_CP56};
    station_time_tag(station, now.utc, &object.time);
    return send_system(line, now, partner, KOMET_C_CS_NA_1, station->ca, &object);
}

bool sinaut_send_wanted(struct sinaut *line, struct line_now now, unsigned partner, uint8_t *wanted,
                        unsigned bit, uint16_t ca)
{
    bool general = bit == WANT_GENERAL || bit == WANT_NEXT_GENERAL;
    uint8_t type = general ? KOMET_C_IC_NA_1 : KOMET_C_CI_NA_1;
    if ((*wanted & bit) == 0) {
        return true;
    }
    if (sinaut_interrogate(line, now, partner, type, ca, 0) == 0) {
        return false;
    }
    *wanted = (uint8_t)(*wanted & ~bit);
    line->partner[partner].answer_by = sinaut_wtn(line, now);
    return true;
}

/* Those of one round: of order 1 before those of order 2; with equal orders the general one goes first. */
static bool send_pair(struct sinaut *line, struct line_now now, unsigned partner, uint8_t *wanted,
                      const struct station *by, int64_t round, uint16_t ca)
{
    const int64_t *value = by->parameters.value;
    return (value[PARAMETER_OIC] != round ||
            sinaut_send_wanted(line, now, partner, wanted, WANT_GENERAL, ca)) &&
           (value[PARAMETER_OCIC] != round ||
            sinaut_send_wanted(line, now, partner, wanted, WANT_COUNTERS, ca));
}

static bool send_round(struct sinaut *line, struct line_now now, unsigned partner, int64_t round)
{
    const struct station *first = first_spoken_with(line);
    if (first != NULL &&
        !send_pair(line, now, partner, &line->partner[partner].wanted, first, round, CA_GLOBAL)) {
        return false;
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        if (!send_pair(line, now, partner, &line->stations[i].wanted[partner], station, round, station->ca)) {
            return false;
        }
    }
    return true;
}

static bool may_ask(const struct sinaut *line, struct line_now now, unsigned partner)
{
    enum partners_interrogation when = partners_interrogates(&line->partners, partner);
    if (!komet_reached(now.instant, line->partner[partner].calm_at)) {
        return false;
    }
    return when == INTERROGATE_AT_ONCE ||
           (when == INTERROGATE_AFTER_START && komet_reached(now.instant, line->partner[partner].start_at));
}

/* S2: a standby answers nothing. Where one connection is started at a time, whose system does not answer is
 * given up for the other one, if that is there. */
static void unanswered(struct sinaut *line, struct line_now now, unsigned partner)
{
    unsigned path = sinaut_data_path(line, partner), other = (1 - partner) * PARTNERS_NETWORKS;
    line->partner[partner].answer_by = KOMET_NEVER;
    sinaut_note(line, "%s: %s has not answered its interrogation within WTn", line->line->name,
                line->line->partners[partner].name);
    if (line->settings.start_when_told && line->path[other].state == CONNECTION_STOPPED) {
        sinaut_drop(line, now, path, KOMET_CONFIRMATION_TIMEOUT, true);
    }
}

void sinaut_stations_work(struct sinaut *line, struct line_now now)
{
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        struct sinaut_partner *partner = &line->partner[p];
        if (may_ask(line, now, p)) {
            want_all(line, p);
            partners_interrogated(&line->partners, p);
            if (partner->calm_when_asked) {
                partner->calm_when_asked = false;
                partner->calm_at = komet_after(now.instant, line->line->reconnect_us);
            }
        }
        if (sinaut_data_path(line, p) != PARTNERS_NO_PATH && send_round(line, now, p, 1)) {
            send_round(line, now, p, 2);
        }
        if (komet_reached(now.instant, partner->answer_by)) {
            unanswered(line, now, p);
        }
    }
    sinaut_services_work(line, now);
}

struct komet_instant sinaut_stations_deadline(const struct sinaut *line)
{
    struct komet_instant deadline = sinaut_services_deadline(line);
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        enum partners_interrogation when = partners_interrogates(&line->partners, p);
        if (when == INTERROGATE_AFTER_START) {
            deadline = komet_earlier(deadline, line->partner[p].start_at);
        } else if (when == INTERROGATE_AT_ONCE) {
            deadline = komet_earlier(deadline, line->partner[p].calm_at);
        }
        deadline = komet_earlier(deadline, line->partner[p].answer_by);
    }
    return deadline;
}
