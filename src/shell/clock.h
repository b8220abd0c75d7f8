/*
 * clock: the one place where Komet reads clocks.
 */
#ifndef SHELL_CLOCK_H
#define SHELL_CLOCK_H

#include "line/line.h"

/* Both clocks, read now. The instant is CLOCK_BOOTTIME, which goes on while the machine sleeps: a lease must
 * not seem younger after a suspend (architecture 3.7). */
struct line_now clock_now(void);

/* Milliseconds from `now` to `deadline`, rounded up, for a timer of the loop: 0 when it has come, at most an
 * hour, also when it never comes. */
uint64_t clock_timeout_ms(struct komet_instant now, struct komet_instant deadline);

#endif
