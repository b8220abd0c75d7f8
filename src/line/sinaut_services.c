/*
 * What a line that serves its stations (iec104 on tcp-redundant) does for them again and again, by the
 * partner that is HOT: services.h says when. With each partner that becomes HOT it begins anew.
 */
#include "line/sinaut_private.h"

#define CLOCK_RETRY_US KOMET_SECONDS(1) /* there was no room to set it */

/* What a station wants again and again begins: behind PSD, with the partner that is HOT. */
void sinaut_services_begin_one(struct sinaut *line, struct line_now now, unsigned station)
{
    unsigned hot = partners_hot(&line->partners);
    bool serves = line->manner->serves && line->stations[station].mode == 0 && hot != PARTNERS_NOBODY;
    line->stations[station].services =
        serves ? services_begin(&line->line->stations[station], now, line->partner[hot].start_at)
               : services_none();
}

void sinaut_services_begin(struct sinaut *line, struct line_now now)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        sinaut_services_begin_one(line, now, i);
    }
}

/* What is due becomes wanted of the partner that is HOT. */
static void watch(struct sinaut *line, struct line_now now, unsigned station, uint8_t *wanted)
{
    const struct station *of = &line->line->stations[station];
    unsigned due = services_take(&line->stations[station].services, of, now);
    *wanted = (uint8_t)(*wanted | ((due & DUE_GENERAL) != 0 ? WANT_NEXT_GENERAL : 0u) |
                        ((due & DUE_COUNTERS) != 0 ? WANT_NEXT_COUNTERS : 0u) |
                        ((due & DUE_FREEZE) != 0 ? WANT_NEXT_FREEZE : 0u));
    if ((due & DUE_UNFROZEN) != 0) {
        sinaut_note(line, "%s: %s did not confirm the freeze of its counters; they are not read",
                    line->line->name, of->name);
    }
}

/* False: no room. */
static bool send_freeze(struct sinaut *line, struct line_now now, unsigned partner, unsigned station)
{
    const struct station *of = &line->line->stations[station];
    struct sinaut_station *state = &line->stations[station];
    uint8_t freeze = (uint8_t)of->parameters.value[PARAMETER_CFRZ];
    if ((state->wanted[partner] & WANT_NEXT_FREEZE) == 0) {
        return true;
    }
    if (sinaut_interrogate(line, now, partner, KOMET_C_CI_NA_1, of->ca, freeze) == 0) {
        return false;
    }
    state->wanted[partner] = (uint8_t)(state->wanted[partner] & ~WANT_NEXT_FREEZE);
    state->services.frozen_by = sinaut_wtn(line, now);
    return true;
}

static void set_clock(struct sinaut *line, struct line_now now, unsigned partner, unsigned station)
{
    const struct station *of = &line->line->stations[station];
    struct station_services *services = &line->stations[station].services;
    if (komet_reached(now.instant, services->clock_due)) {
        bool sent = sinaut_set_clock(line, now, partner, of) != 0;
        services->clock_due = komet_after(now.instant, sent ? of->clock_sync_us : CLOCK_RETRY_US);
    }
}

void sinaut_services_work(struct sinaut *line, struct line_now now)
{
    unsigned hot = partners_hot(&line->partners);
    for (unsigned i = 0; i < line->line->station_count && hot != PARTNERS_NOBODY; i++) {
        uint8_t *wanted = &line->stations[i].wanted[hot];
        uint16_t ca = line->line->stations[i].ca;
        watch(line, now, i, wanted);
        if (send_freeze(line, now, hot, i) &&
            sinaut_send_wanted(line, now, hot, wanted, WANT_NEXT_COUNTERS, ca)) {
            sinaut_send_wanted(line, now, hot, wanted, WANT_NEXT_GENERAL, ca);
        }
        set_clock(line, now, hot, i);
    }
}

struct komet_instant sinaut_services_deadline(const struct sinaut *line)
{
    struct komet_instant deadline = KOMET_NEVER;
    bool served = partners_hot(&line->partners) != PARTNERS_NOBODY;
    for (unsigned i = 0; i < line->line->station_count && served; i++) {
        const struct station_services *services = &line->stations[i].services;
        deadline = komet_earlier(deadline, services_deadline(services));
        deadline = komet_earlier(deadline, services->clock_due);
    }
    return deadline;
}

void sinaut_services_frozen(struct sinaut *line, unsigned partner, const struct komet_asdu *asdu)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        struct sinaut_station *state = &line->stations[i];
        enum services_freeze freeze =
            line->line->stations[i].ca == asdu->ca ? services_frozen(&state->services, asdu) : FREEZE_NONE;
        if (freeze == FREEZE_CONFIRMED) {
            state->wanted[partner] = (uint8_t)(state->wanted[partner] | WANT_NEXT_COUNTERS);
        } else if (freeze == FREEZE_REFUSED) {
            sinaut_note(line, "%s: %s refused to freeze its counters; they are not read", line->line->name,
                        line->line->stations[i].name);
        }
    }
}
