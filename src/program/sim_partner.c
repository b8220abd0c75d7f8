/*
 * sim_partner: see sim_partner.h.
 */
#include "program/sim_partner.h"

#include <inttypes.h>
#include <stdio.h>

unsigned sim_partner_connections(const struct sim_partner *partner)
{
    return partner->rtu != NULL ? partner->connections : 1;
}

void sim_partner_connected(const struct sim_partner *partner, struct rtu_now now, unsigned connection)
{
    if (partner->rtu != NULL) {
        rtu_connected(partner->rtu, now, connection);
    } else {
        replay_connected(partner->replay, now);
    }
}

void sim_partner_closed(const struct sim_partner *partner, struct rtu_now now, unsigned connection)
{
    if (partner->rtu != NULL) {
        rtu_closed(partner->rtu, now, connection);
    } else {
        replay_closed(partner->replay, now);
    }
}

size_t sim_partner_feed(const struct sim_partner *partner, struct rtu_now now, unsigned connection,
                        const uint8_t *octets, size_t size)
{
    return partner->rtu != NULL ? rtu_feed(partner->rtu, now, connection, octets, size)
                                : replay_feed(partner->replay, now, octets, size);
}

void sim_partner_written(const struct sim_partner *partner, unsigned connection, size_t size)
{
    if (partner->rtu != NULL) {
        rtu_written(partner->rtu, connection, size);
    } else {
        replay_written(partner->replay, size);
    }
}

void sim_partner_tick(const struct sim_partner *partner, struct rtu_now now)
{
    if (partner->rtu != NULL) {
        rtu_tick(partner->rtu, now);
    } else {
        replay_tick(partner->replay, now);
    }
}

struct komet_instant sim_partner_deadline(const struct sim_partner *partner)
{
    return partner->rtu != NULL ? rtu_deadline(partner->rtu) : replay_deadline(partner->replay);
}

bool sim_partner_next(const struct sim_partner *partner, struct rtu_now now, struct rtu_output *output)
{
    return partner->rtu != NULL ? rtu_next(partner->rtu, now, output)
                                : replay_next(partner->replay, now, output);
}

void sim_partner_summary(const struct sim_partner *partner, char summary[SIM_PARTNER_SUMMARY_SIZE])
{
    if (partner->rtu != NULL) {
        struct rtu_counters c = rtu_counters(partner->rtu);
        snprintf(summary, SIM_PARTNER_SUMMARY_SIZE,
                 "%" PRIu64 " events, of which %" PRIu64 " acknowledged and %" PRIu64 " lost; %" PRIu64
                 " commands, %" PRIu64 " interrogations, %" PRIu64 " refused, %" PRIu64 " too old, %" PRIu64
                 " not answered",
                 c.events_generated, c.events_acknowledged, c.events_lost, c.commands, c.interrogations,
                 c.refused, c.too_old, c.answers_dropped);
    } else {
        struct replay_counters c = replay_counters(partner->replay);
        snprintf(summary, SIM_PARTNER_SUMMARY_SIZE,
                 "%s: %" PRIu64 " of %zu ASDUs; %" PRIu64 " requests confirmed, %" PRIu64 " not",
                 c.acknowledged == partner->asdus ? "all of the capture was sent and acknowledged"
                                                  : "sent and acknowledged",
                 c.acknowledged, partner->asdus, c.requests, c.answers_dropped);
    }
}
