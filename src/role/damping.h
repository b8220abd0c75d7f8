/*
 * damping: an instance that keeps dying comes last in the choice of the active one for a while: a minute
 * after two losses within a minute, twice as long with each further one, up to 16 minutes. A loss is a
 * further one within a minute of the loss before, or of the end of the damping before.
 */
#ifndef ROLE_DAMPING_H
#define ROLE_DAMPING_H

#include <stdbool.h>
#include <stdint.h>

#include "komet/time.h"

#define DAMPING_WINDOW_US KOMET_SECONDS(60)
#define DAMPING_FIRST_US  KOMET_SECONDS(60)
#define DAMPING_MOST_US   KOMET_SECONDS(16 * 60)

/* All zero: never lost. */
struct damping {
    bool holds;                 /* until `until` */
    bool watched;               /* a loss before `watched_until` is a further one */
    struct komet_instant until; /* while it holds */
    struct komet_instant watched_until;
    int64_t span_us; /* of the newest damping; 0 none */
};

void damping_lost(struct damping *damping, struct komet_instant now);
/* Somebody wants the instance in spite of it. */
void damping_lift(struct damping *damping, struct komet_instant now);
void damping_tick(struct damping *damping, struct komet_instant now);
/* When it wants to be ticked; KOMET_NEVER. */
struct komet_instant damping_deadline(const struct damping *damping);

#endif
