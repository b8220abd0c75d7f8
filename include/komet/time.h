/*
 * Instants, durations and calendar time: the types of every clock reading in Komet.
 *
 * Nothing in libkomet reads a clock. The caller reads its own once, hands the reading in as a
 * parameter, and everything that happens in that call happens at that instant. Three types keep three
 * things from being mixed up, because the compiler refuses to add one to another:
 *
 *   - `komet_instant`: a point on a clock that only runs forward (CLOCK_BOOTTIME in production, a
 *     number in a test). Only differences mean anything. Timers use nothing else, so a wall clock
 *     that is set back an hour disturbs no connection.
 *   - an `int64_t …_us`: a duration in microseconds.
 *   - `komet_utc`: milliseconds since 1970-01-01T00:00:00Z, for time stamps only, never for timers.
 */
#ifndef KOMET_TIME_H
#define KOMET_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* A point on a monotonic clock, in microseconds since that clock's own zero. */
struct komet_instant {
    int64_t us;
};

/* A point in calendar time, in milliseconds since 1970-01-01T00:00:00Z. */
struct komet_utc {
    int64_t ms;
};

/* Later than every instant: a deadline that will not come. */
#define KOMET_NEVER ((struct komet_instant){INT64_MAX})

/* No calendar time is known. */
#define KOMET_UTC_UNKNOWN ((struct komet_utc){INT64_MIN})

#define KOMET_MS(ms) ((int64_t)(ms) * 1000)
#define KOMET_SECONDS(s) ((int64_t)(s) * 1000000)

/* The instant `duration_us` after `t`; KOMET_NEVER stays KOMET_NEVER. */
static inline struct komet_instant komet_after(struct komet_instant t, int64_t duration_us)
{
    if (t.us >= INT64_MAX - duration_us) {
        return KOMET_NEVER;
    }
    return (struct komet_instant){t.us + duration_us};
}

/* How long after `earlier` the instant `later` is, in microseconds; negative if it is before. */
static inline int64_t komet_elapsed_us(struct komet_instant later, struct komet_instant earlier)
{
    return later.us - earlier.us;
}

/* True when `t` has come: `now` is at or after it. KOMET_NEVER never comes. */
static inline bool komet_reached(struct komet_instant now, struct komet_instant t)
{
    return t.us != INT64_MAX && now.us >= t.us;
}

/* The earlier of two instants: how the deadlines of several engines become one. */
static inline struct komet_instant komet_earlier(struct komet_instant a, struct komet_instant b)
{
    return a.us <= b.us ? a : b;
}

static inline bool komet_utc_known(struct komet_utc t)
{
    return t.ms != INT64_MIN;
}

#endif
