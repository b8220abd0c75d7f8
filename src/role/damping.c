/*
 * damping: see damping.h.
 */
#include "role/damping.h"

void damping_lost(struct damping *damping, struct komet_instant now)
{
    if (!damping->watched || komet_reached(now, damping->watched_until)) {
        *damping = (struct damping){.watched = true, .watched_until = komet_after(now, DAMPING_WINDOW_US)};
        return;
    }
    int64_t twice_us = 2 * damping->span_us;
    damping->span_us = damping->span_us == 0        ? DAMPING_FIRST_US
                       : twice_us < DAMPING_MOST_US ? twice_us
                                                    : DAMPING_MOST_US;
    damping->holds = true;
    damping->until = komet_after(now, damping->span_us);
    damping->watched_until = komet_after(damping->until, DAMPING_WINDOW_US);
}

void damping_lift(struct damping *damping, struct komet_instant now)
{
    if (damping->holds) {
        damping->holds = false;
        damping->watched_until = komet_after(now, DAMPING_WINDOW_US);
    }
}

void damping_tick(struct damping *damping, struct komet_instant now)
{
    damping->holds = damping->holds && !komet_reached(now, damping->until);
}

struct komet_instant damping_deadline(const struct damping *damping)
{
    return damping->holds ? damping->until : KOMET_NEVER;
}
