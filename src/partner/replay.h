/*
 * replay: the station's side of a capture, played again to a live partner.
 *
 * The ASDUs go out as they are, octet for octet, with the time between them that the list says, divided by
 * `speed`. The clock of the list starts with the first data transfer and runs on. What the partner did not
 * acknowledge is sent again on the next connection. The partner's own requests are confirmed, since a line
 * waits for that; values are never made up.
 *
 * It is hosted like rtu.h, with the same outputs (of which EVENT never comes).
 */
#ifndef PARTNER_REPLAY_H
#define PARTNER_REPLAY_H

#include "partner/rtu.h"

#define REPLAY_ANSWERS_MAX 32

struct replay_asdu {
    int64_t time_us; /* since the first one's, 0 or more; a time that goes back counts as the one before */
    const uint8_t *octets; /* borrowed for the replay's life */
    uint8_t size;          /* 1..249 */
};

struct replay_plan {
    const struct replay_asdu *asdus; /* borrowed for the replay's life */
    size_t count;
    double speed; /* > 0; 1: as captured */
    uint16_t k, w;
    const struct komet_profile *profile;
};

struct replay; /* opaque; lives in the caller's memory */

/* Octets of memory for a replay, all in. */
size_t replay_size(const struct replay_plan *plan);

/* As rtu_init; the plan itself is copied. Out of range is the caller's mistake (asserted). */
struct replay *replay_init(void *memory, size_t size, const struct replay_plan *plan);

/* As the functions of these names in rtu.h. */
void replay_connected(struct replay *replay, struct rtu_now now);
void replay_closed(struct replay *replay, struct rtu_now now);
size_t replay_feed(struct replay *replay, struct rtu_now now, const uint8_t *octets, size_t size);
void replay_written(struct replay *replay, size_t size);
void replay_tick(struct replay *replay, struct rtu_now now);
struct komet_instant replay_deadline(const struct replay *replay);
bool replay_next(struct replay *replay, struct rtu_now now, struct rtu_output *output);

struct replay_counters {
    uint64_t acknowledged; /* ASDUs of the list that the partner has */
    uint64_t requests;     /* of the partner, confirmed */
    uint64_t answers_dropped;
};
struct replay_counters replay_counters(const struct replay *replay);

#endif
