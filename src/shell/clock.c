/*
 * clock: see clock.h.
 */
#include "shell/clock.h"

#include <time.h>

#include "komet/assert.h"

#define TIMEOUT_MAX_MS INT64_C(3600000)

struct line_now clock_now(void)
{
    struct timespec boot, real;
    int failed = clock_gettime(CLOCK_BOOTTIME, &boot);
    failed |= clock_gettime(CLOCK_REALTIME, &real);
    KOMET_ASSERT(failed == 0);
    return (struct line_now){{(int64_t)boot.tv_sec * 1000000 + boot.tv_nsec / 1000},
                             {(int64_t)real.tv_sec * 1000 + real.tv_nsec / 1000000}};
}

uint64_t clock_timeout_ms(struct komet_instant now, struct komet_instant deadline)
{
    if (komet_reached(now, deadline)) {
        return 1; /* a timer of 0 that is set anew in its own callback keeps the loop from its sockets for
                     ever */
    }
    if (deadline.us == INT64_MAX) {
        return (uint64_t)TIMEOUT_MAX_MS;
    }
    int64_t left_ms = (komet_elapsed_us(deadline, now) + 999) / 1000;
    return (uint64_t)(left_ms < TIMEOUT_MAX_MS ? left_ms : TIMEOUT_MAX_MS);
}
