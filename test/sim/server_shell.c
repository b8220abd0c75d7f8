/*
 * server_shell: see server_shell.h.
 */
#include "sim/server_shell.h"

#include <stdlib.h>
#include <string.h>

#include "sim/station.h"

void shell_send(struct world *world, struct stream *stream, const wire_message *message)
{
    size_t size = wire_encoded_size(message);
    uint8_t *octets = malloc(size);
    KOMET_ASSERT(octets != NULL);
    size_t written = wire_encode(message, octets, size);
    KOMET_ASSERT(written == size);
    stream_send(stream, octets, size, world_arrival(world));
    free(octets);
}

void server_shell_start(struct world *world)
{
    world->server_runs = true;
    world->server_cut = false;
    world->disk_failed = false;
    world->server_back = KOMET_NEVER;
    world->server = server_init(world->server_memory, server_size(world->site.site), world->site.site, "A",
                                world_time(world));
    disk_recover(&world->disk, world->server);
    server_recovered(world->server, world_time(world));
    world_say(world, "server starts, %zu records on disk", world->disk.count);
}

static struct sim_kom *kom_of_client(struct world *world, unsigned client)
{
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        if (world->koms[i].link_there && world->koms[i].client == client) {
            return &world->koms[i];
        }
    }
    return NULL;
}

static void send_to_client(struct world *world, const struct server_output *output)
{
    struct sim_kom *kom = kom_of_client(world, output->client);
    if (kom == NULL) {
        return;
    }
    Komet__Wire__SiteFile files[STATION_FILES], *list[STATION_FILES];
    const struct site_file *of_site = station_files(world);
    wire_message *message = output->message;
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_WELCOME && message->welcome->refused[0] == '\0') {
        for (size_t i = 0; i < STATION_FILES; i++) {
            komet__wire__site_file__init(&files[i]);
            files[i].name = (char *)(uintptr_t)of_site[i].name;
            files[i].text.data = (uint8_t *)(uintptr_t)of_site[i].text;
            files[i].text.len = of_site[i].size;
            list[i] = &files[i];
        }
        message->welcome->n_files = STATION_FILES;
        message->welcome->files = list;
    }
    shell_send(world, &kom->from_server, message);
}

/* The server closes its end. */
static void close_client(struct world *world, unsigned client)
{
    struct sim_kom *kom = kom_of_client(world, client);
    if (kom != NULL) {
        kom->link_there = false;
        stream_clear(&kom->to_server);
    }
    world->client_used[client] = false;
    server_closed(world->server, world_time(world), client, false);
}

void server_shell_drain(struct world *world)
{
    struct server_output output;
    while (world->server_runs && server_next(world->server, world_time(world), &output)) {
        switch (output.kind) {
        case SERVER_OUT_SEND:
            send_to_client(world, &output);
            break;
        case SERVER_OUT_CLOSE:
            close_client(world, output.client);
            break;
        case SERVER_OUT_RECORD:
            if (!world->disk_failed) {
                disk_append(&world->disk, output.record);
            }
            break;
        case SERVER_OUT_TRACE:
            break;
        case SERVER_OUT_ENDED:
            checkers_ended(world, &output.ended);
            break;
        case SERVER_OUT_NOTE:
            world_say(world, "server: %s", output.text);
            world->by_lines += strstr(output.text, "does not reach line") != NULL ? 1 : 0;
            break;
        case SERVER_OUT_CHANGE:
            break;
        }
    }
    if (world->server_runs && !world->disk_failed) {
        disk_start_sync(&world->disk, world->now, 200 + test_random_below(&world->random, 3000));
    }
}

void server_shell_step(struct world *world)
{
    uint64_t ticket;
    if (komet_reached(world->now, world->server_back)) {
        if (world->server_runs) { /* the disk had failed: all who are connected are disconnected */
            for (unsigned i = 0; i < SIM_KOMS; i++) {
                world->koms[i].link_there = false;
                stream_clear(&world->koms[i].to_server);
            }
            for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
                world->client_used[i] = false;
            }
        }
        checkers_server_lost(world);
        server_shell_start(world);
    }
    if (!world->server_runs) {
        return;
    }
    if (disk_synced(&world->disk, world->now, &ticket)) {
        server_stored(world->server, world_time(world), ticket);
    }
    server_tick(world->server, world_time(world));
    server_shell_drain(world);
}

void server_shell_receive(struct world *world, struct sim_kom *kom)
{
    wire_message *message;
    size_t consumed, size;
    while (kom->link_there && world->server_runs &&
           (size = stream_arrived(&kom->to_server, world->now)) > 0) {
        enum wire_fault fault =
            wire_decode(kom->to_server.octets, size, &world->server_arena, &message, &consumed);
        KOMET_ASSERT(fault == WIRE_OK);
        if (consumed == 0) {
            break;
        }
        stream_take(&kom->to_server, consumed); /* the message is in the arena */
        server_feed(world->server, world_time(world), kom->client, message);
        server_shell_drain(world);
    }
}

bool server_shell_accept(struct world *world, struct sim_kom *kom)
{
    unsigned client = 0;
    while (client < SERVER_CLIENTS_MAX && world->client_used[client]) {
        client++;
    }
    if (!world->server_runs || client == SERVER_CLIENTS_MAX) {
        return false;
    }
    stream_clear(&kom->to_server);
    stream_clear(&kom->from_server);
    world->client_used[client] = true;
    kom->client = client;
    kom->link_there = true;
    server_opened(world->server, world_time(world), client);
    return true;
}

void server_shell_hear_closed(struct world *world, struct sim_kom *kom)
{
    kom->link_there = false;
    stream_clear(&kom->to_server);
    if (world->server_runs) {
        world->client_used[kom->client] = false;
        server_closed(world->server, world_time(world), kom->client, true);
        server_shell_drain(world);
    }
}
