/*
 * What `komet kom` does for a line that listens, in the simulated world.
 */
#include "sim/masters.h"

#include "sim/checkers_masters.h"
#include "sim/kom_shell.h"
#include "sim/world.h"

static struct sim_connection *connection_of(struct world *world, const struct sim_kom *kom, uint32_t number)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (connection->used && connection->here && connection->kom == kom && connection->master != NULL &&
            connection->number == number) {
            return connection;
        }
    }
    return NULL;
}

void masters_line_listen(struct world *world, struct sim_kom *kom, bool listens)
{
    if (listens) {
        checkers_kom_serves(world, kom, "listens");
    }
    bool taken = listens && !world->calm && test_random_below(&world->random, 10) == 0;
    kom->listens = listens && !taken;
    if (listens) {
        kom_line_listening(kom->engine, world_time(world, kom), 0,
                           taken ? "simulated: the address is in use" : NULL);
    }
}

void masters_line_send(struct world *world, struct sim_kom *kom, const struct kom_output *output)
{
    struct sim_connection *connection = connection_of(world, kom, output->connection);
    if (connection != NULL) {
        checkers_kom_serves(world, kom, "sends to a master");
        checkers_masters_sent(world, connection, output->octets, output->size);
        stream_send(&connection->out, output->octets, output->size, network_arrival(world));
    }
    kom_line_written(kom->engine, output->line, output->connection, output->size);
}

void masters_line_abort(struct world *world, struct sim_kom *kom, uint32_t number)
{
    struct sim_connection *connection = connection_of(world, kom, number);
    if (connection != NULL) {
        network_close_here(connection);
    }
}

void masters_line_close(struct world *world, struct sim_kom *kom)
{
    struct sim_connection *connection;
    kom->listens = false;
    while ((connection = masters_line_connection(world, kom)) != NULL) {
        network_close_here(connection);
    }
}

static struct sim_kom *listener(struct world *world, unsigned instance)
{
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        struct sim_kom *kom = &world->koms[i];
        if (kom->process != NULL && kom->process->serves && kom->identity.instance == instance &&
            world_runs(kom) && kom->listens && (kom->cut & WAYS_OF_STATIONS) == 0) {
            return kom;
        }
    }
    return NULL;
}

struct sim_connection *masters_line_accept(struct world *world, struct sim_call *call)
{
    const struct sim_master *master = call->master;
    struct sim_kom *kom = listener(world, call->instance);
    struct network_address peer = {4, {10, 9, master->group, (uint8_t)(1 + master->number)}};
    if (kom == NULL) {
        return NULL;
    }
    uint16_t port = (uint16_t)(40000 + test_random_below(&world->random, 20000));
    kom->touched = true;
    uint32_t number = kom_line_accepted(kom->engine, world_time(world, kom), 0, &peer, port);
    if (number == 0) {
        return NULL;
    }
    struct sim_connection *connection = network_open(world, kom, NULL);
    connection->master = call->master;
    connection->number = number;
    checkers_masters_connected(world, connection);
    return connection;
}

void masters_line_read(struct world *world, struct sim_kom *kom)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX && kom->process->serves; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        size_t size;
        while (world_runs(kom) && connection->used && connection->here && connection->kom == kom &&
               connection->master != NULL && network_passes_in(world, connection) &&
               (size = stream_arrived(&connection->in, world->now)) > 0) {
            size_t taken = kom_line_feed(kom->engine, world_time(world, kom), connection->line,
                                         connection->number, connection->in.octets, size);
            kom->touched = true;
            checkers_masters_read(world, connection, connection->in.octets, taken);
            stream_take(&connection->in, taken);
            if (taken == 0) {
                break;
            }
            kom_shell_drain(world, kom);
        }
    }
}

struct sim_connection *masters_line_connection(struct world *world, const struct sim_kom *kom)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (connection->used && connection->here && connection->kom == kom && connection->master != NULL) {
            return connection;
        }
    }
    return NULL;
}
