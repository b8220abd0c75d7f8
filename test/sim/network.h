/*
 * network: the TCP connections of a simulated site, to its server, its stations and its masters. Each
 * connection has two ends, and each end its own belief that it is open. An end that closes is told to the
 * other one when the network lets it through; until then the connection is half open, and another one may
 * exist beside it.
 *
 * Each instance has four ways: octets to the server and from it, to stations or masters and from them. Each
 * may be out alone. What was sent on one that is out arrives when it is back, as TCP would have it.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/time.h"
#include "sim/stream.h"
#include "support.h"

struct world;
struct sim_kom;
struct sim_station;
struct sim_master;

enum { NETWORK_CONNECTIONS_MAX = 128 };

enum sim_way {
    WAY_TO_SERVER = 1,
    WAY_FROM_SERVER = 2,
    WAY_TO_STATIONS = 4,
    WAY_FROM_STATIONS = 8,
    WAYS_OF_SERVER = WAY_TO_SERVER | WAY_FROM_SERVER,
    WAYS_OF_STATIONS = WAY_TO_STATIONS | WAY_FROM_STATIONS,
    WAYS_ALL = WAYS_OF_SERVER | WAYS_OF_STATIONS
};

struct sim_connection {
    bool used;
    bool here, there; /* open, as the instance believes; as the server or the station believes */
    bool flushes;     /* the instance has ended in order: what it had sent arrives before that */
    struct sim_kom *kom;
    struct sim_station *station; /* of these at most one; both NULL: it is to the server */
    struct sim_master *master;   /* it called, not the instance */
    unsigned client;             /* the server's number of it */
    uint16_t line;               /* the instance's line, and its number of the connection */
    uint32_t number;
    struct komet_instant told; /* when the end that is closed is told to the other one; KOMET_NEVER: not yet
                                  under way */
    struct stream out, in;     /* from the instance, and to it */
};

struct network {
    struct sim_connection connections[NETWORK_CONNECTIONS_MAX];
    uint32_t delay_us, jitter_us; /* of each piece of octets */
    uint32_t lost_in;             /* one of so many pieces is lost, and sent again after `again_us` */
    uint32_t again_us;
    uint32_t slow_us; /* more, for a while */
    struct komet_instant slow_until;
};

void network_init(struct network *network, struct test_random *random);
void network_free(struct network *network);
/* When octets sent now arrive. */
struct komet_instant network_arrival(struct world *world);
/* The longest that one piece of octets may be under way, when nothing is slow. */
int64_t network_delay_max(const struct network *network);

/* A connection that is open at both ends. */
struct sim_connection *network_open(struct world *world, struct sim_kom *kom, struct sim_station *station);
/* It is to the server. */
bool network_is_link(const struct sim_connection *connection);
/* Does the network bring octets to the other end of a connection; and to the instance? */
bool network_passes_out(const struct world *world, const struct sim_connection *connection);
bool network_passes_in(const struct world *world, const struct sim_connection *connection);
/* The instance's end is closed: what came and was not read is gone. */
void network_close_here(struct sim_connection *connection);
/* The other end is closed. */
void network_close_there(struct sim_connection *connection);
/* Tells ends of connections where it is time. */
void network_step(struct world *world);
struct komet_instant network_next(const struct world *world);

#endif
