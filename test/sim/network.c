/*
 * network: see network.h.
 */
#include "sim/network.h"

#include "komet/assert.h"
#include "sim/kom_shell.h"
#include "sim/server_shell.h"
#include "sim/station.h"
#include "sim/world.h"

/* Mostly one room, seldom two towns. Where pieces are lost, the next one waits until TCP has sent it again.
 */
void network_init(struct network *network, struct test_random *random)
{
    bool far = test_random_below(random, 4) == 0;
    *network = (struct network){.delay_us = far ? 2000 + test_random_below(random, 8000) : 100,
                                .jitter_us = far ? 3000 : 200,
                                .lost_in = 100,
                                .again_us = far ? 60000 : 20000,
                                .slow_until = KOMET_NEVER};
}

void network_free(struct network *network)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        stream_free(&network->connections[i].out);
        stream_free(&network->connections[i].in);
    }
}

struct komet_instant network_arrival(struct world *world)
{
    const struct network *network = &world->network;
    uint32_t delay_us =
        network->delay_us + network->slow_us + test_random_below(&world->random, network->jitter_us);
    if (test_random_below(&world->random, network->lost_in) == 0) {
        delay_us += test_random_below(&world->random, network->again_us);
    }
    return komet_after(world->now, delay_us);
}

int64_t network_delay_max(const struct network *network)
{
    return network->delay_us + network->jitter_us + network->again_us;
}

struct sim_connection *network_open(struct world *world, struct sim_kom *kom, struct sim_station *station)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (!connection->used) {
            struct stream out = connection->out, in = connection->in; /* their memory goes on */
            stream_clear(&out);
            stream_clear(&in);
            *connection = (struct sim_connection){.used = true,
                                                  .here = true,
                                                  .there = true,
                                                  .kom = kom,
                                                  .station = station,
                                                  .told = KOMET_NEVER,
                                                  .out = out,
                                                  .in = in};
            return connection;
        }
    }
    KOMET_ASSERT_NEVER("more connections than a site can have");
}

bool network_is_link(const struct sim_connection *connection)
{
    return connection->station == NULL && connection->master == NULL;
}

static bool passes(const struct world *world, const struct sim_connection *connection, enum sim_way server,
                   enum sim_way stations)
{
    enum sim_way way = network_is_link(connection) ? server : stations;
    bool there = network_is_link(connection)  ? !world->server_cut
                 : connection->master != NULL ? !connection->master->cut
                                              : true;
    return there && (connection->kom->cut & (unsigned)way) == 0;
}

bool network_passes_out(const struct world *world, const struct sim_connection *connection)
{
    return passes(world, connection, WAY_TO_SERVER, WAY_TO_STATIONS);
}

bool network_passes_in(const struct world *world, const struct sim_connection *connection)
{
    return passes(world, connection, WAY_FROM_SERVER, WAY_FROM_STATIONS);
}

void network_close_here(struct sim_connection *connection)
{
    connection->here = false;
    stream_clear(&connection->in);
}

void network_close_there(struct sim_connection *connection)
{
    connection->there = false;
    stream_clear(&connection->out);
}

/* Nothing stands before the news that one end is closed. */
static bool can_tell(const struct world *world, const struct sim_connection *connection)
{
    if (connection->here == connection->there) {
        return false;
    }
    if (connection->here) { /* what was sent before is read first; a station closes with a reset */
        return network_passes_in(world, connection) && world_runs(connection->kom) &&
               connection->in.size == 0;
    }
    if (connection->master != NULL && !masters_reads(connection->master)) {
        return false;
    }
    return network_passes_out(world, connection) && (!connection->flushes || connection->out.size == 0);
}

static void tell(struct world *world, struct sim_connection *connection)
{
    if (connection->here) {
        kom_shell_hear_closed(world, connection);
    } else if (connection->station != NULL) {
        station_hear_closed(world, connection);
    } else if (connection->master != NULL) {
        masters_hear_closed(world, connection);
    } else {
        server_shell_hear_closed(world, connection);
    }
}

void network_step(struct world *world)
{
    if (komet_reached(world->now, world->network.slow_until)) {
        world->network.slow_until = KOMET_NEVER;
        world->network.slow_us = 0;
    }
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (!connection->used) {
            continue;
        }
        if (can_tell(world, connection)) {
            if (connection->told.us == KOMET_NEVER.us) {
                connection->told = network_arrival(world);
            }
            if (komet_reached(world->now, connection->told)) {
                tell(world, connection);
                KOMET_ASSERT(!connection->here && !connection->there);
            }
        }
        connection->used = connection->here || connection->there;
    }
}

struct komet_instant network_next(const struct world *world)
{
    struct komet_instant next = world->network.slow_until;
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        const struct sim_connection *connection = &world->network.connections[i];
        if (!connection->used) {
            continue;
        }
        if (connection->there && network_passes_out(world, connection) &&
            (!network_is_link(connection) || world->server_runs) &&
            (connection->master == NULL || masters_reads(connection->master))) {
            next = komet_earlier(next, stream_next(&connection->out));
        }
        if (connection->here && network_passes_in(world, connection) && kom_shell_reads(connection)) {
            next = komet_earlier(next, stream_next(&connection->in));
        }
        if (can_tell(world, connection)) {
            next = komet_earlier(next, connection->told.us == KOMET_NEVER.us ? world->now : connection->told);
        }
    }
    return next;
}
