/*
 * sim_partner: what `komet sim` plays, a station of its own (rtu.h) or that of a capture (replay.h), behind
 * one set of verbs. They mean what they mean there.
 */
#ifndef PROGRAM_SIM_PARTNER_H
#define PROGRAM_SIM_PARTNER_H

#include "partner/replay.h"
#include "partner/rtu.h"

/* Exactly one of the two is not NULL. */
struct sim_partner {
    struct rtu *rtu;
    unsigned connections; /* of the station of its own */
    struct replay *replay;
    size_t asdus; /* of the replay's list */
};

/* How many connections it has at a time; that of a capture has one. */
unsigned sim_partner_connections(const struct sim_partner *partner);
void sim_partner_connected(const struct sim_partner *partner, struct rtu_now now, unsigned connection);
void sim_partner_closed(const struct sim_partner *partner, struct rtu_now now, unsigned connection);
size_t sim_partner_feed(const struct sim_partner *partner, struct rtu_now now, unsigned connection,
                        const uint8_t *octets, size_t size);
void sim_partner_written(const struct sim_partner *partner, unsigned connection, size_t size);
void sim_partner_tick(const struct sim_partner *partner, struct rtu_now now);
struct komet_instant sim_partner_deadline(const struct sim_partner *partner);
bool sim_partner_next(const struct sim_partner *partner, struct rtu_now now, struct rtu_output *output);

#define SIM_PARTNER_SUMMARY_SIZE 256
/* What it did, for the last line of the log. */
void sim_partner_summary(const struct sim_partner *partner, char summary[SIM_PARTNER_SUMMARY_SIZE]);

#endif
