/*
 * services: see services.h.
 */
#include "line/services.h"

/* The next full period of the wall clock, shifted by the offset, behind `from_ms`. */
static struct komet_instant next_period(struct line_now now, int64_t from_ms, int64_t period_ms,
                                        int64_t offset_ms)
{
    if (period_ms == 0) {
        return KOMET_NEVER;
    }
    int64_t into_ms = (from_ms - offset_ms) % period_ms;
    int64_t at_ms = from_ms - into_ms + (into_ms >= 0 ? period_ms : 0);
    return komet_after(now.instant, KOMET_MS(at_ms - now.utc.ms));
}

static void set_periods(struct station_services *services, const struct station *station, struct line_now now,
                        int64_t from_ms)
{
    const int64_t *value = station->parameters.value;
    services->general_due = next_period(now, from_ms, value[PARAMETER_ICP], value[PARAMETER_ICO]);
    services->counters_due = next_period(now, from_ms, value[PARAMETER_CICP], value[PARAMETER_CICO]);
}

struct station_services services_none(void)
{
    return (struct station_services){KOMET_NEVER, KOMET_NEVER, KOMET_NEVER, KOMET_NEVER};
}

struct station_services services_begin(const struct station *station, struct line_now now,
                                       struct komet_instant start)
{
    struct station_services services = services_none();
    int64_t wait_us = komet_elapsed_us(start, now.instant); /* below 0: of a station that is enabled later */
    set_periods(&services, station, now, now.utc.ms + (wait_us > 0 ? wait_us / 1000 : 0));
    services.clock_due = station->clock_sync_us > 0 ? start : KOMET_NEVER;
    return services;
}

void services_follow(struct station_services *services, const struct station *station, struct line_now now)
{
    set_periods(services, station, now, now.utc.ms);
    services->clock_due =
        station->clock_sync_us > 0
            ? komet_earlier(services->clock_due, komet_after(now.instant, station->clock_sync_us))
            : KOMET_NEVER;
}

/* Becomes due: the next one is at a full period again, the one that is nearest to a whole period from now, so
 * that a clock that was set a little back asks for none twice. */
static bool take_period(struct line_now now, struct komet_instant *due, int64_t period_ms, int64_t offset_ms)
{
    if (!komet_reached(now.instant, *due)) {
        return false;
    }
    *due = next_period(now, now.utc.ms + period_ms / 2, period_ms, offset_ms);
    return true;
}

unsigned services_take(struct station_services *services, const struct station *station, struct line_now now)
{
    const int64_t *value = station->parameters.value;
    unsigned due = 0;
    if (take_period(now, &services->general_due, value[PARAMETER_ICP], value[PARAMETER_ICO])) {
        due |= DUE_GENERAL;
    }
    if (take_period(now, &services->counters_due, value[PARAMETER_CICP], value[PARAMETER_CICO])) {
        due |= value[PARAMETER_CFRZ] != 0 ? DUE_FREEZE : DUE_COUNTERS;
    }
    if (komet_reached(now.instant, services->frozen_by)) {
        services->frozen_by = KOMET_NEVER;
        due |= DUE_UNFROZEN;
    }
    return due;
}

enum services_freeze services_frozen(struct station_services *services, const struct komet_asdu *asdu)
{
    if (services->frozen_by.us == KOMET_NEVER.us) {
        return FREEZE_NONE;
    }
    services->frozen_by = KOMET_NEVER;
    return asdu->negative || asdu->cause >= KOMET_COT_UNKNOWN_TYPE ? FREEZE_REFUSED : FREEZE_CONFIRMED;
}

struct komet_instant services_deadline(const struct station_services *services)
{
    struct komet_instant deadline = komet_earlier(services->general_due, services->counters_due);
    return komet_earlier(deadline, services->frozen_by);
}
