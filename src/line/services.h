/*
 * services: when a line that controls does what a station wants of it again and again: interrogations at the
 * full periods of UTC (ICP, CICP, with their offsets), the freeze of counters in front of them (CFRZ), the
 * setting of its clock. One of these a station; the line sends what is due. Facts: reference 7.2.
 *
 * A period is counted by the instant, and each time aligned to the wall clock anew. Pure.
 */
#ifndef LINE_SERVICES_H
#define LINE_SERVICES_H

#include "line/line.h"

/* The qualifier of interrogation of the whole station; that of counter interrogation: which counters, and in
 * its two high bits FRZ. */
#define QOI_STATION      20u
#define QCC_GENERAL      5u
#define QCC_FREEZE_SHIFT 6

struct station_services {
    struct komet_instant clock_due;                 /* next clock synchronisation */
    struct komet_instant general_due, counters_due; /* next periodic interrogations */
    struct komet_instant frozen_by; /* a freeze was sent: its confirmation comes until then; else NEVER */
};

/* Nothing of it is due, ever. */
struct station_services services_none(void);

/* Data transfer with the station begins at `start`, now or later: its clock is set then. */
struct station_services services_begin(const struct station *station, struct line_now now,
                                       struct komet_instant start);

/* They are other ones from now on (RELOAD). */
void services_follow(struct station_services *services, const struct station *station, struct line_now now);

/* What has become due, as bits; each is told once. UNFROZEN: the freeze was not confirmed in its time, and
 * the counters are not read. */
enum { DUE_GENERAL = 1, DUE_COUNTERS = 2, DUE_FREEZE = 4, DUE_UNFROZEN = 8 };
unsigned services_take(struct station_services *services, const struct station *station, struct line_now now);

/* An answer to a counter interrogation with FRZ came. NONE: no freeze was open. */
enum services_freeze { FREEZE_NONE, FREEZE_CONFIRMED, FREEZE_REFUSED };
enum services_freeze services_frozen(struct station_services *services, const struct komet_asdu *asdu);

/* The next thing but the clock. */
struct komet_instant services_deadline(const struct station_services *services);

#endif
