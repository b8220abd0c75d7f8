/*
 * clock: the clocks of one simulated machine: one that counts from its boot and runs a little fast or slow,
 * and one that shows the time of day and may jump. The world's own time is true.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

#include "komet/time.h"
#include "line/line.h"

/* What an oscillator and its correction may be wrong by together: parts per million. */
#define CLOCK_PPM_MAX 1000

struct clock {
    struct komet_instant since; /* true time from which `ppm` holds */
    struct komet_instant at;    /* what it showed then */
    int32_t ppm;                /* above 0: it runs fast */
    int64_t jumped_ms;          /* the time of day is wrong by so much */
};

/* A machine that was started `up_us` before the world. */
struct clock clock_started(int64_t up_us, int32_t ppm);
/* From `now` on it runs at another rate. */
void clock_set_rate(struct clock *clock, struct komet_instant now, int32_t ppm);
/* What it shows at a true instant. */
struct line_now clock_read(const struct clock *clock, struct komet_instant now);
/* The true instant from which on it shows `instant` or more; KOMET_NEVER stays. */
struct komet_instant clock_true(const struct clock *clock, struct komet_instant instant);

#endif
