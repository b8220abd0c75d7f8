/*
 * kom_shell: see kom_shell.h.
 */
#include "sim/kom_shell.h"

#include <stdlib.h>

#include "sim/server_shell.h"
#include "sim/station.h"

#define ARENA_SIZE   (1u << 20)
#define FILES_MAX    4
#define RECONNECT_US KOMET_MS(200)

void kom_shell_init(struct sim_kom *kom, uint8_t instance)
{
    kom->identity = (struct kom_identity){"SELF.KOM", instance, 0, "simulated", instance};
    kom->memory = malloc(kom_size());
    kom->arena_memory = malloc(ARENA_SIZE);
    kom->traffic = malloc(TRACE_RING_MIN);
    KOMET_ASSERT(kom->memory != NULL && kom->arena_memory != NULL && kom->traffic != NULL);
    kom->arena = (struct wire_arena){kom->arena_memory, ARENA_SIZE, 0};
    kom->back = kom->retry = KOMET_NEVER;
}

void kom_shell_free(struct sim_kom *kom)
{
    if (kom->site.arena != NULL) {
        site_result_release(&kom->site);
    }
    free(kom->memory);
    free(kom->traffic);
    free(kom->lines_memory);
    free(kom->arena_memory);
    stream_free(&kom->to_server);
    stream_free(&kom->from_server);
    stream_free(&kom->to_rtu);
    stream_free(&kom->from_rtu);
}

void kom_shell_start(struct world *world, struct sim_kom *kom)
{
    kom->identity.run++;
    kom->runs = true;
    kom->flushes = false;
    kom->retry = world->now;
    kom->engine = kom_init(kom->memory, kom_size(), &kom->identity, world_time(world));
    kom_keep_traffic(kom->engine, kom->traffic, TRACE_RING_MIN);
    world_say(world, "instance %u starts", kom->identity.instance);
}

void kom_shell_kill(struct world *world, struct sim_kom *kom)
{
    (void)world;
    kom->runs = kom->paused = kom->flushes = false;
    kom->link_here = kom->line_here = kom->dialling = false;
    kom->retry = KOMET_NEVER;
    stream_clear(&kom->from_server);
}

static void configure(struct world *world, struct sim_kom *kom, const Komet__Wire__Welcome *welcome)
{
    struct site_file files[FILES_MAX];
    KOMET_ASSERT(welcome->n_files <= FILES_MAX);
    for (size_t i = 0; i < welcome->n_files; i++) {
        files[i] = (struct site_file){welcome->files[i]->name, (const char *)welcome->files[i]->text.data,
                                      welcome->files[i]->text.len};
    }
    if (kom->site.arena != NULL) {
        site_result_release(&kom->site);
    }
    free(kom->lines_memory);
    const struct site_wanted wanted = {.process = kom->identity.process, .instance = kom->identity.instance};
    kom->site = site_read_wanted(files, welcome->n_files, &wanted);
    KOMET_ASSERT(kom->site.site != NULL);
    const struct process *process = site_find_process(kom->site.site, kom->identity.process);
    size_t size = kom_lines_size(process);
    kom->lines_memory = malloc(size);
    KOMET_ASSERT(kom->lines_memory != NULL);
    kom_configure(kom->engine, kom->lines_memory, size, process, world_time(world));
}

static void close_link(struct world *world, struct sim_kom *kom)
{
    kom->link_here = false;
    stream_clear(&kom->from_server);
    kom_server_closed(kom->engine, world_time(world));
    kom->retry = komet_after(world->now, RECONNECT_US);
}

/* False: the process has ended by it. */
static bool act(struct world *world, struct sim_kom *kom, const struct kom_output *output)
{
    switch (output->kind) {
    case KOM_OUT_MESSAGE:
        if (kom->link_here) {
            shell_send(world, &kom->to_server, output->message);
        }
        return true;
    case KOM_OUT_CONFIGURE:
        configure(world, kom, output->welcome);
        return true;
    case KOM_OUT_REFUSED:
        world_say(world, "instance %u is refused: %s", kom->identity.instance, output->text);
        kom_shell_kill(world, kom);
        kom->back = komet_after(world->now, KOMET_MS(500)); /* its service starts it again */
        return false;
    case KOM_OUT_END:
        world_say(world, "instance %u ends", kom->identity.instance);
        kom_shell_kill(world, kom);
        kom->flushes = true;
        kom->back = komet_after(world->now, KOMET_MS(5 + test_random_below(&world->random, 3000)));
        return false;
    case KOM_OUT_RECONNECT:
        close_link(world, kom);
        return true;
    case KOM_OUT_LISTEN:
    case KOM_OUT_LISTEN_END:
        return true;
    case KOM_OUT_CONNECT:
        kom->line_here = false;
        kom->connection = output->connection;
        kom->dialling = true;
        kom->dialled = world_arrival(world);
        checkers_dials(world, kom);
        return true;
    case KOM_OUT_SEND:
        if (kom->line_here && kom->connection == output->connection) {
            checkers_sends(world, kom, output->octets, output->size);
            station_send(world, kom, output->octets, output->size);
        }
        kom_line_written(kom->engine, output->line, output->connection, output->size);
        return true;
    case KOM_OUT_ABORT:
        if (kom->connection == output->connection) {
            kom->line_here = kom->dialling = false;
        }
        return true;
    case KOM_OUT_NOTE:
        world_say(world, "instance %u: %s", kom->identity.instance, output->text);
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the KOM");
}

void kom_shell_drain(struct world *world, struct sim_kom *kom)
{
    struct kom_output output;
    while (world_runs(kom) && kom_next(kom->engine, world_time(world), &output)) {
        if (!act(world, kom, &output)) {
            return;
        }
    }
}

static void receive(struct world *world, struct sim_kom *kom)
{
    wire_message *message;
    size_t consumed, size;
    while (kom->link_here && world_runs(kom) && (size = stream_arrived(&kom->from_server, world->now)) > 0) {
        enum wire_fault fault = wire_decode(kom->from_server.octets, size, &kom->arena, &message, &consumed);
        KOMET_ASSERT(fault == WIRE_OK);
        if (consumed == 0) {
            break;
        }
        stream_take(&kom->from_server, consumed);
        kom_feed(kom->engine, world_time(world), message);
        kom_shell_drain(world, kom);
    }
}

/* An end that was closed is told to the other one, when the network lets it through. */
static void tell_ends(struct world *world, struct sim_kom *kom)
{
    if (!world_reaches(kom)) {
        return;
    }
    bool under_way = kom->flushes && kom->to_server.size > 0;
    if (!kom->link_here && kom->link_there && !world->server_cut && !under_way) {
        server_shell_hear_closed(world, kom);
    }
    /* What the server had sent before it closed is read first. */
    if (kom->link_here && !kom->link_there && !world->server_cut && world_runs(kom) &&
        kom->from_server.size == 0) {
        close_link(world, kom);
    }
    if (!kom->line_here && kom->line_there && world_reaches_station(kom)) {
        station_hear_closed(world, kom);
    }
    if (kom->line_here && !kom->line_there && !kom->dialling && world_runs(kom) && world_hears_station(kom)) {
        kom->line_here = false;
        kom_line_closed(kom->engine, world_time(world), 0, kom->connection, KOMET_CONNECTION_RESET);
    }
}

static void reach_out(struct world *world, struct sim_kom *kom)
{
    if (!kom->link_here && komet_reached(world->now, kom->retry)) {
        kom->retry = komet_after(world->now, RECONNECT_US);
        if (world_reaches(kom) && !kom->link_there && server_shell_accept(world, kom)) {
            kom->retry = KOMET_NEVER;
            kom->link_here = true;
            kom_server_connected(kom->engine, world_time(world));
        }
    }
    if (kom->dialling && komet_reached(world->now, kom->dialled) && world_reaches_station(kom) &&
        world_hears_station(kom)) {
        kom->dialling = false;
        station_accept(world, kom);
        kom->line_here = true;
        kom_line_connected(kom->engine, world_time(world), 0, kom->connection);
    }
}

/* The end of a fault. */
static void come_back(struct world *world, struct sim_kom *kom)
{
    kom->back = KOMET_NEVER;
    kom->cut = kom->deaf = kom->mute = false;
    kom->paused = false;
    tell_ends(world, kom);
    if (kom->runs) {
        world_say(world, "instance %u is back", kom->identity.instance);
    } else {
        kom_shell_start(world, kom);
    }
}

void kom_shell_step(struct world *world, struct sim_kom *kom)
{
    if (komet_reached(world->now, kom->back)) {
        come_back(world, kom);
    }
    tell_ends(world, kom);
    if (!world_runs(kom)) {
        return;
    }
    reach_out(world, kom);
    kom_tick(kom->engine, world_time(world));
    kom_shell_drain(world, kom);
    if (!kom->cut) {
        if (!world->server_cut) {
            receive(world, kom);
        }
        kom_shell_drain(world, kom);
    }
    if (world_hears_station(kom)) {
        station_receive(world, kom);
        kom_shell_drain(world, kom);
    }
    tell_ends(world, kom);
    kom_shell_drain(world, kom);
}

struct komet_instant kom_shell_next(const struct world *world, const struct sim_kom *kom)
{
    struct komet_instant next = kom->back;
    bool server_hears = world_reaches(kom) && world->server_runs && !world->server_cut;
    if (server_hears && kom->link_there) {
        next = komet_earlier(next, stream_next(&kom->to_server));
    }
    if (world_runs(kom)) {
        next = komet_earlier(next, kom_deadline(kom->engine));
        next = komet_earlier(next, kom->link_here ? KOMET_NEVER : kom->retry);
        if (!kom->cut) {
            bool hears = kom->link_here && !world->server_cut;
            next = komet_earlier(next, hears ? stream_next(&kom->from_server) : KOMET_NEVER);
            bool dials = kom->dialling && !kom->deaf && !kom->mute;
            next = komet_earlier(next, dials ? kom->dialled : KOMET_NEVER);
        }
    }
    return next;
}
