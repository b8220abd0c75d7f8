/*
 * server_shell: see server_shell.h.
 */
#include "sim/server_shell.h"

#include <stdlib.h>
#include <string.h>

#include "sim/kom_wire.h"
#include "sim/reload.h"
#include "sim/station.h"

#define SYNC_MIN_US    200
#define SYNC_JITTER_US 3000 /* SIM_SYNC_MAX_US in checkers_roles.c is their sum */
#define SYNC_SLOW_US   KOMET_SECONDS(2)
#define LATE_US        KOMET_SECONDS(3)

void shell_send(struct world *world, struct stream *stream, const wire_message *message)
{
    size_t size = wire_encoded_size(message);
    uint8_t *octets = malloc(size);
    KOMET_ASSERT(octets != NULL);
    size_t written = wire_encode(message, octets, size);
    KOMET_ASSERT(written == size);
    stream_send(stream, octets, size, network_arrival(world));
    free(octets);
}

void server_shell_start(struct world *world)
{
    world->server_runs = world->server_touched = true;
    world->server_cut = false;
    world->disk_failed = false;
    world->server_dies_in = 0;
    world->server_back = KOMET_NEVER;
    reload_restart(world);
    world->server = server_init(world->server_memory, server_size(world->site.site), world->site.site, "A",
                                world_server_time(world));
    disk_recover(&world->disk, world->server, world->broken != BREAK_OLD_EPOCH,
                 world->broken != BREAK_TAKEN_FORGOTTEN);
    server_recovered(world->server, world_server_time(world));
    world_say(world, "server starts, %zu records on disk", world->disk.count);
}

static struct sim_connection *link_of(struct world *world, unsigned client)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (connection->used && connection->there && network_is_link(connection) &&
            connection->client == client) {
            return connection;
        }
    }
    return NULL;
}

/* What no server of ours does. */
static void tell_all(struct world *world, const struct sim_connection *link, const wire_message *message)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *other = &world->network.connections[i];
        if (other->used && other->there && network_is_link(other) && other != link &&
            other->kom->process == link->kom->process) {
            shell_send(world, &other->in, message);
        }
    }
}

static void send_to_client(struct world *world, const struct server_output *output)
{
    struct sim_connection *link = link_of(world, output->client);
    wire_message *message = output->message;
    if (link == NULL) {
        return;
    }
    reload_add_files(world, message);
    checkers_masters_told(world, link->kom, message);
    masters_break_told(world, message);
    shell_send(world, &link->in, message);
    if (world->broken == BREAK_ROLE_TO_ALL && message->body_case == KOMET__WIRE__MESSAGE__BODY_ROLE &&
        message->role->active) {
        tell_all(world, link, message);
    }
}

/* The server closes its end. */
static void close_client(struct world *world, unsigned client)
{
    struct sim_connection *link = link_of(world, client);
    if (link != NULL) {
        network_close_there(link);
    }
    world->client_used[client] = false;
    server_closed(world->server, world_server_time(world), client, false);
}

static void append(struct world *world, const struct record *record)
{
    bool event = record->kind == RECORD_EVENT;
    if (world->broken == BREAK_DROPS_RECORD && event && test_random_below(&world->random, 200) == 0) {
        return;
    }
    if (world->broken == BREAK_REORDERS && event && world->disk.count > world->disk.synced + 1) {
        disk_append_before(&world->disk, record);
    } else {
        disk_append(&world->disk, record);
    }
}

static void write_record(struct world *world, const struct record *record)
{
    if (world->disk_failed) {
        return;
    }
    if (!komet_reached(world->now, world->disk.full_until)) {
        world_say(world, "the disk is full");
        world->disk_failed = true;
        world->server_back = komet_after(world->now, KOMET_SECONDS(1)); /* five in production */
        return;
    }
    append(world, record);
    if (record->kind == RECORD_GRANT) {
        checkers_granted(world, record->process, record->instance, record->of.grant.epoch);
    } else if (record->kind == RECORD_EVENT) {
        checkers_value(world, record->process, record->of.event.epoch, world->disk.count);
    }
}

static void end_order(struct world *world, const struct server_ended *ended)
{
    bool lost = world->broken == BREAK_END_LOST && test_random_below(&world->random, 2) == 0;
    bool twice = world->broken == BREAK_END_TWICE && test_random_below(&world->random, 20) == 0;
    for (int times = lost ? 0 : twice ? 2 : 1; times > 0; times--) {
        checkers_ended(world, ended);
    }
}

static void act(struct world *world, const struct server_output *output)
{
    switch (output->kind) {
    case SERVER_OUT_SEND:
        send_to_client(world, output);
        break;
    case SERVER_OUT_CLOSE:
        close_client(world, output->client);
        break;
    case SERVER_OUT_RECORD:
        write_record(world, output->record);
        break;
    case SERVER_OUT_TRACE:
    case SERVER_OUT_CHANGE:
        break;
    case SERVER_OUT_ENDED:
        end_order(world, &output->ended);
        break;
    case SERVER_OUT_NOTE:
        world_say(world, "server: %s", output->text);
        checkers_masters_noted(world, output->text);
        world->by_lines += strstr(output->text, "does not reach line") != NULL ? 1 : 0;
        break;
    }
}

/* kill -9 in the midst of what it does. */
static bool dies_now(struct world *world)
{
    if (world->server_dies_in == 0 || --world->server_dies_in > 0) {
        return false;
    }
    world_say(world, "the server dies");
    faults_lose_server(world, KOMET_MS(5 + test_random_below(&world->random, 3000)), false);
    return true;
}

static void drain(struct world *world)
{
    struct server_output output;
    while (world->server_runs && server_next(world->server, world_server_time(world), &output)) {
        act(world, &output);
        if (dies_now(world)) {
            return;
        }
    }
    world->server_due = clock_true(&world->server_clock, server_deadline(world->server));
}

void server_shell_drain(struct world *world)
{
    bool failed = world->disk_failed;
    drain(world);
    if (world->disk_failed && !failed) { /* it was full */
        disk_crash(&world->disk);
        checkers_forgot(world);
        server_journal_failed(world->server, world_server_time(world), "simulated: no space left");
        drain(world);
    }
    if (!world->server_runs || world->disk_failed) {
        return;
    }
    bool early = world->broken == BREAK_STORED_EARLY || world->broken == BREAK_VALUE_EARLY;
    if (early && world->disk.count > world->disk.synced) {
        server_stored(world->server, world_server_time(world),
                      world->disk.records[world->disk.count - 1].ticket);
        drain(world);
    }
    bool slow = !komet_reached(world->now, world->disk.slow_until);
    int64_t sync_us = SYNC_MIN_US + test_random_below(&world->random, SYNC_JITTER_US);
    if (slow) { /* drawn behind it, whichever compiler: a seed is one site */
        sync_us += test_random_below(&world->random, SYNC_SLOW_US);
    }
    disk_start_sync(&world->disk, world->now, sync_us);
}

/* The engine's connections are gone with it. */
static void restart_engine(struct world *world)
{
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (connection->used && network_is_link(connection)) {
            network_close_there(connection);
        }
    }
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        world->client_used[i] = false;
    }
    checkers_server_lost(world);
    server_shell_start(world);
}

static bool is_late(const struct world *world)
{
    return world->broken == BREAK_SLOW_SERVER && world->now.us % LATE_US > KOMET_MS(10);
}

/* What no KOM of ours sends. */
static void damage(struct world *world, Komet__Wire__Batch *batch)
{
    for (size_t i = 0; i < batch->n_tag; i++) {
        bool answer = (batch->cause[i] >> 8 & 0xFF) == KOMET_COT_INTERROGATED_STATION;
        if (world->broken == BREAK_NO_OCTETS) {
            batch->octets_size[i] = 0;
            batch->octets.len = 0;
        } else if (world->broken == BREAK_WRONG_ANSWER && answer) {
            batch->number[i] = 1 - batch->number[i];
        }
    }
}

static void receive(struct world *world, struct sim_connection *link)
{
    wire_message *message;
    while (world->server_runs && link->there && network_passes_out(world, link) &&
           (message = kom_wire_next(&link->out, world->now, &world->server_arena)) != NULL) {
        if (message->body_case == KOMET__WIRE__MESSAGE__BODY_BATCH) {
            damage(world, message->batch);
        }
        server_feed(world->server, world_server_time(world), link->client, message);
        server_shell_drain(world);
        if (world->server_runs && link->there && masters_break_again(world, message)) {
            server_feed(world->server, world_server_time(world), link->client, message);
            server_shell_drain(world);
        }
        world->server_touched = true;
    }
}

void server_shell_step(struct world *world)
{
    uint64_t ticket;
    if (komet_reached(world->now, world->server_back)) {
        restart_engine(world);
    }
    if (!world->server_runs) {
        return;
    }
    if (disk_synced(&world->disk, world->now, &ticket)) {
        server_stored(world->server, world_server_time(world), ticket);
        world->server_touched = true;
    }
    if (world->server_touched || komet_reached(world->now, world->server_due)) {
        world->server_touched = false;
        if (!is_late(world)) {
            server_tick(world->server, world_server_time(world));
        }
        server_shell_drain(world);
    }
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (connection->used && network_is_link(connection)) {
            receive(world, connection);
        }
    }
    reload_follow(world);
}

struct sim_connection *server_shell_accept(struct world *world, struct sim_kom *kom)
{
    unsigned client = 0;
    while (client < SERVER_CLIENTS_MAX && world->client_used[client]) {
        client++;
    }
    if (!world->server_runs || client == SERVER_CLIENTS_MAX) {
        return NULL;
    }
    struct sim_connection *link = network_open(world, kom, NULL);
    world->client_used[client] = true;
    link->client = client;
    server_opened(world->server, world_server_time(world), client);
    world->server_touched = true;
    return link;
}

void server_shell_hear_closed(struct world *world, struct sim_connection *connection)
{
    network_close_there(connection);
    KOMET_ASSERT(world->server_runs);
    world->client_used[connection->client] = false;
    server_closed(world->server, world_server_time(world), connection->client, true);
    server_shell_drain(world);
    world->server_touched = true;
}

struct komet_instant server_shell_next(const struct world *world)
{
    if (!world->server_runs) {
        return world->server_back;
    }
    if (world->server_touched) {
        return world->now;
    }
    struct komet_instant next = komet_earlier(world->server_back, disk_deadline(&world->disk));
    next = komet_earlier(next, world->reload.read_by);
    if (is_late(world)) { /* not before it looks again */
        return komet_earlier(next, (struct komet_instant){(world->now.us / LATE_US + 1) * LATE_US});
    }
    return komet_earlier(next, world->server_due);
}
