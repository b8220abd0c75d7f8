/*
 * clock: see clock.h.
 */
#include "sim/clock.h"

#define MILLION 1000000

/* 2026-01-01T00:00:00Z at the world's instant 0. */
#define BEGIN_MS INT64_C(1767225600000)

struct clock clock_started(int64_t up_us, int32_t ppm)
{
    return (struct clock){.since = {0}, .at = {up_us}, .ppm = ppm};
}

static struct komet_instant shows(const struct clock *clock, struct komet_instant now)
{
    int64_t passed = now.us - clock->since.us;
    return (struct komet_instant){clock->at.us + passed + passed * clock->ppm / MILLION};
}

void clock_set_rate(struct clock *clock, struct komet_instant now, int32_t ppm)
{
    clock->at = shows(clock, now);
    clock->since = now;
    clock->ppm = ppm;
}

struct line_now clock_read(const struct clock *clock, struct komet_instant now)
{
    return (struct line_now){shows(clock, now), {BEGIN_MS + now.us / 1000 + clock->jumped_ms}};
}

struct komet_instant clock_true(const struct clock *clock, struct komet_instant instant)
{
    if (instant.us == KOMET_NEVER.us) {
        return KOMET_NEVER;
    }
    int64_t passed = instant.us - clock->at.us;
    struct komet_instant now = {clock->since.us + passed - passed * clock->ppm / (MILLION + clock->ppm)};
    while (shows(clock, now).us < instant.us) { /* the division rounds */
        now.us++;
    }
    return now;
}
