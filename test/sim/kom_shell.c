/*
 * kom_shell: see kom_shell.h.
 */
#include "sim/kom_shell.h"

#include <stdlib.h>

#include "sim/kom_wire.h"
#include "sim/reload.h"
#include "sim/server_shell.h"
#include "sim/station.h"

#define ARENA_SIZE   (1u << 20)
#define RECONNECT_US KOMET_MS(200)

void kom_shell_init(struct sim_kom *kom, const struct sim_process *process, uint8_t instance)
{
    kom->process = process;
    kom->identity = (struct kom_identity){process->name, instance, 0, "simulated", instance};
    kom->memory = malloc(kom_size());
    kom->arena_memory = malloc(ARENA_SIZE);
    kom->traffic = malloc(TRACE_RING_MIN);
    KOMET_ASSERT(kom->memory != NULL && kom->arena_memory != NULL && kom->traffic != NULL);
    kom->arena = (struct wire_arena){kom->arena_memory, ARENA_SIZE, 0};
    kom->back = kom->retry = kom->reads_by = KOMET_NEVER;
}

void kom_shell_free(struct sim_kom *kom)
{
    reload_forget_reading(kom);
    if (kom->site.arena != NULL) {
        site_result_release(&kom->site);
    }
    free(kom->memory);
    free(kom->traffic);
    free(kom->lines_memory);
    free(kom->arena_memory);
    kept_free(&kom->kept);
}

/* The number of a run is the time of day, as in production: a clock that jumps back makes it smaller. */
void kom_shell_start(struct world *world, struct sim_kom *kom)
{
    struct line_now now = world_time(world, kom);
    kom->identity.run = (uint64_t)now.utc.ms * 1000 + (uint64_t)(world->now.us % 1000);
    kom->runs = kom->touched = true;
    kom->configured = false;
    kom->dies_in = 0;
    kom->retry = world->now;
    kom->engine = kom_init(kom->memory, kom_size(), &kom->identity, now);
    kom_keep_traffic(kom->engine, kom->traffic, TRACE_RING_MIN);
    if (!kom->beside) { /* its folder is that of the other run of its number: it would not start */
        kom_use_buffer(kom->engine, kept_start(world, &kom->kept));
    }
    world_say(world, "%s starts", run_name(kom->process->name, kom->identity.instance).text);
}

static void close_lines(struct world *world, struct sim_kom *kom)
{
    masters_line_close(world, kom);
    for (unsigned i = 0; i < SIM_LINES_MAX; i++) {
        struct sim_line *line = &kom->lines[i];
        line->dialling = false;
        if (line->connection != NULL) {
            network_close_here(line->connection);
            line->connection = NULL;
        }
    }
}

void kom_shell_kill(struct world *world, struct sim_kom *kom)
{
    kom->runs = kom->paused = false;
    kom->retry = KOMET_NEVER;
    reload_forget_reading(kom);
    checkers_kom_closed(world, kom);
    kept_crash(&kom->kept);
    if (kom->link != NULL) {
        network_close_here(kom->link);
        kom->link = NULL;
    }
    close_lines(world, kom);
}

void kom_shell_leave(struct world *world, struct sim_kom *kom)
{
    kom_leave(kom->engine, world_time(world, kom));
    kom->touched = true;
}

static void configure(struct world *world, struct sim_kom *kom, const Komet__Wire__Welcome *welcome)
{
    reload_forget_reading(kom);
    close_lines(world, kom);
    kom_wire_configure(kom->engine, world_time(world, kom), &kom->identity, welcome, &kom->site,
                       &kom->lines_memory);
    kom->configured = true;
}

static void close_link(struct world *world, struct sim_kom *kom)
{
    if (kom->link != NULL) {
        network_close_here(kom->link);
        kom->link = NULL;
    }
    checkers_kom_closed(world, kom);
    reload_forget_reading(kom);
    kom_server_closed(kom->engine, world_time(world, kom));
    kom->touched = true;
    kom->retry = komet_after(world->now, RECONNECT_US);
}

static void send_message(struct world *world, struct sim_kom *kom, wire_message *message)
{
    bool batch = message->body_case == KOMET__WIRE__MESSAGE__BODY_BATCH;
    unsigned times = world->broken == BREAK_BATCH_FLOOD && batch ? 3 : 1;
    if (world->broken == BREAK_END_WRONG && message->body_case == KOMET__WIRE__MESSAGE__BODY_COMMAND_END &&
        message->command_end->result == COMMAND_DONE) {
        message->command_end->result = COMMAND_REFUSED;
    }
    while (kom->link != NULL && times-- > 0) {
        checkers_kom_says(world, kom, message);
        shell_send(world, &kom->link->out, message);
    }
    if (world->broken == BREAK_KEPT_TWICE && batch && message->batch->buffer != 0 && kom->link != NULL) {
        for (size_t i = 0; i < message->batch->n_octets_size; i++) {
            message->batch->octets_size[i] = 0; /* so that it is no repeat either */
        }
        message->batch->octets.len = 0;
        message->batch->buffer++;
        shell_send(world, &kom->link->out, message);
    }
}

static void abort_line(struct sim_kom *kom, uint16_t line, uint32_t number)
{
    struct sim_line *state = &kom->lines[line];
    if (state->number != number) {
        return;
    }
    state->dialling = false;
    if (state->connection != NULL) {
        network_close_here(state->connection);
        state->connection = NULL;
    }
}

static void dial(struct world *world, struct sim_kom *kom, uint16_t line, uint32_t number)
{
    struct sim_line *state = &kom->lines[line];
    KOMET_ASSERT(line < SIM_LINES_MAX);
    KOMET_ASSERT(state->connection == NULL || world->broken == BREAK_PASSIVE_CONNECTS);
    /* Its SYN leaves now, and is the kernel's to send again. */
    checkers_kom_connects(world, kom, &world->stations[kom->process->first_station + line]);
    abort_line(kom, line, state->number);
    state->number = number;
    state->dialling = true;
    state->dialled = network_arrival(world);
}

static void send_octets(struct world *world, struct sim_kom *kom, const struct kom_output *output)
{
    struct sim_line *line = &kom->lines[output->line];
    if (line->connection != NULL && line->number == output->connection) {
        checkers_kom_sends(world, kom, line->connection->station, output->octets, output->size);
        stream_send(&line->connection->out, output->octets, output->size, network_arrival(world));
    }
    kom_line_written(kom->engine, output->line, output->connection, output->size);
}

/* False: the process has ended by it. */
static bool act(struct world *world, struct sim_kom *kom, const struct kom_output *output)
{
    const struct run_name name = run_name(kom->process->name, kom->identity.instance);
    switch (output->kind) {
    case KOM_OUT_MESSAGE:
        send_message(world, kom, output->message);
        return true;
    case KOM_OUT_CONFIGURE:
        configure(world, kom, output->welcome);
        return true;
    case KOM_OUT_RECONFIGURE:
        reload_begin_reading(world, kom, output->configuration);
        return true;
    case KOM_OUT_REFUSED:
        world_say(world, "%s is refused: %s", name.text, output->text);
        kom_shell_kill(world, kom);
        kom->back = komet_after(world->now, KOMET_MS(500)); /* its service starts it again */
        return false;
    case KOM_OUT_END:
        world_say(world, "%s ends", name.text);
        if (kom->link != NULL) {
            kom->link->flushes = true;
        }
        kom_shell_kill(world, kom);
        kom->back = komet_after(world->now, KOMET_MS(5 + test_random_below(&world->random, 3000)));
        return false;
    case KOM_OUT_RECONNECT:
        close_link(world, kom);
        return true;
    case KOM_OUT_LISTEN:
    case KOM_OUT_LISTEN_END:
        masters_line_listen(world, kom, output->kind == KOM_OUT_LISTEN);
        return true;
    case KOM_OUT_PING: /* no line of the site sets PTO, */
    case KOM_OUT_FIND: /* or names a partner that connects */
        return true;
    case KOM_OUT_CONNECT:
        dial(world, kom, output->line, output->connection);
        return true;
    case KOM_OUT_SEND:
        kom->process->serves ? masters_line_send(world, kom, output) : send_octets(world, kom, output);
        return true;
    case KOM_OUT_ABORT:
        kom->process->serves ? masters_line_abort(world, kom, output->connection)
                             : abort_line(kom, output->line, output->connection);
        return true;
    case KOM_OUT_KEEP:
        kept_keep(world, kom, output->message, output->sequence);
        return true;
    case KOM_OUT_RECALL:
        kept_recall(&kom->kept, output->sequence);
        return true;
    case KOM_OUT_FORGET:
        kept_forget(&kom->kept, output->sequence);
        return true;
    case KOM_OUT_NOTE:
        world_say(world, "%s: %s", name.text, output->text);
        checkers_masters_noted(world, output->text);
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the KOM");
}

/* kill -9 in the midst of what it does. */
static bool dies_now(struct world *world, struct sim_kom *kom)
{
    if (kom->dies_in == 0 || --kom->dies_in > 0) {
        return false;
    }
    world_say(world, "%s dies", run_name(kom->process->name, kom->identity.instance).text);
    kom_shell_kill(world, kom);
    kom->back = komet_after(world->now, KOMET_MS(5 + test_random_below(&world->random, 3000)));
    return true;
}

void kom_shell_drain(struct world *world, struct sim_kom *kom)
{
    struct kom_output output;
    while (world_runs(kom) && kom_next(kom->engine, world_time(world, kom), &output)) {
        if (!act(world, kom, &output) || dies_now(world, kom)) {
            return;
        }
    }
    kom->due = clock_true(&kom->clock, kom_deadline(kom->engine));
}

static void hear_message(struct world *world, struct sim_kom *kom, const wire_message *message)
{
    bool command = message->body_case == KOMET__WIRE__MESSAGE__BODY_COMMAND;
    checkers_kom_hears(world, kom, message);
    if (masters_break_unheard(world, kom, message)) {
        return;
    }
    kom_feed(kom->engine, world_time(world, kom), message);
    if (world->broken == BREAK_COMMAND_TWICE && command) {
        kom_feed(kom->engine, world_time(world, kom), message);
    }
    kom_shell_drain(world, kom);
}

static void read_link(struct world *world, struct sim_kom *kom)
{
    wire_message *message;
    while (kom->link != NULL && network_passes_in(world, kom->link) &&
           (message = kom_wire_next(&kom->link->in, world->now, &kom->arena)) != NULL) {
        kom->touched = true;
        hear_message(world, kom, message);
    }
}

static void read_line(struct world *world, struct sim_kom *kom, uint16_t index)
{
    struct sim_line *line = &kom->lines[index];
    size_t size;
    while (line->connection != NULL && network_passes_in(world, line->connection) && kom_takes(kom->engine) &&
           (size = stream_arrived(&line->connection->in, world->now)) > 0) {
        kom->touched = true;
        size_t taken = kom_line_feed(kom->engine, world_time(world, kom), index, line->number,
                                     line->connection->in.octets, size);
        if (taken == 0) {
            break;
        }
        stream_take(&line->connection->in, taken);
    }
}

void kom_shell_hear_closed(struct world *world, struct sim_connection *connection)
{
    struct sim_kom *kom = connection->kom;
    network_close_here(connection);
    if (network_is_link(connection)) {
        KOMET_ASSERT(kom->link == connection);
        close_link(world, kom);
    } else if (connection->master != NULL) {
        kom_line_closed(kom->engine, world_time(world, kom), connection->line, connection->number,
                        KOMET_CONNECTION_RESET);
        kom->touched = true;
    } else {
        struct sim_line *line = &kom->lines[connection->line];
        KOMET_ASSERT(line->connection == connection);
        line->connection = NULL;
        kom_line_closed(kom->engine, world_time(world, kom), connection->line, connection->number,
                        KOMET_CONNECTION_RESET);
        kom->touched = true;
    }
}

static void reach_out(struct world *world, struct sim_kom *kom)
{
    if (kom->link == NULL && komet_reached(world->now, kom->retry)) {
        kom->retry = komet_after(world->now, RECONNECT_US);
        bool passes = (kom->cut & WAYS_OF_SERVER) == 0 && !world->server_cut;
        kom->link = passes ? server_shell_accept(world, kom) : NULL;
        if (kom->link != NULL) {
            kom->retry = KOMET_NEVER;
            checkers_kom_connected(world, kom);
            kom_server_connected(kom->engine, world_time(world, kom));
            kom->touched = true;
        }
    }
    for (uint16_t i = 0; i < kom->process->station_count; i++) {
        struct sim_line *line = &kom->lines[i];
        if (line->dialling && komet_reached(world->now, line->dialled) &&
            (kom->cut & WAYS_OF_STATIONS) == 0) {
            line->dialling = false;
            line->connection =
                station_accept(world, &world->stations[kom->process->first_station + i], kom, i);
            kom_line_connected(kom->engine, world_time(world, kom), i, line->number);
            kom->touched = true;
        }
    }
}

/* What no engine of ours does: a passive instance opens a connection. */
static void connect_though_passive(struct world *world, struct sim_kom *kom)
{
    struct sim_line *line = &kom->lines[0];
    if (world->broken == BREAK_PASSIVE_CONNECTS && kom->configured && kom->link != NULL &&
        line->connection == NULL && !kom_is_active(kom->engine, world_time(world, kom)) &&
        test_random_below(&world->random, 1000) == 0) {
        dial(world, kom, 0, line->number);
    }
}

/* The end of a fault. */
static void come_back(struct world *world, struct sim_kom *kom)
{
    const struct run_name name = run_name(kom->process->name, kom->identity.instance);
    kom->back = KOMET_NEVER;
    kom->cut = 0;
    kom->paused = false;
    kom->touched = true;
    checkers_came_back(world, kom);
    if (kom->beside) {
        world_say(world, "the run of %s that was too many is killed", name.text);
        kom_shell_kill(world, kom);
    } else if (kom->runs) {
        world_say(world, "%s is back", name.text);
    } else {
        kom_shell_start(world, kom);
    }
}

void kom_shell_step(struct world *world, struct sim_kom *kom)
{
    if (komet_reached(world->now, kom->back)) {
        come_back(world, kom);
    }
    if (!world_runs(kom)) {
        return;
    }
    reach_out(world, kom);
    kept_step(world, kom);
    connect_though_passive(world, kom);
    reload_apply(world, kom);
    if (!world_runs(kom)) {
        return;
    }
    if (kom->touched || komet_reached(world->now, kom->due)) {
        kom_tick(kom->engine, world_time(world, kom));
        kom_shell_drain(world, kom);
        kom->touched = false;
    }
    if (world_runs(kom)) {
        read_link(world, kom);
    }
    for (uint16_t i = 0; world_runs(kom) && i < kom->process->station_count; i++) {
        read_line(world, kom, i);
    }
    masters_line_read(world, kom);
    if (world_runs(kom) && kom->touched) {
        kom_shell_drain(world, kom);
        kom->touched = false;
    }
}

bool kom_shell_reads(const struct sim_connection *connection)
{
    const struct sim_kom *kom = connection->kom;
    return world_runs(kom) && (network_is_link(connection) || kom_takes(kom->engine));
}

struct komet_instant kom_shell_next(const struct world *world, const struct sim_kom *kom)
{
    struct komet_instant next = kom->back;
    if (!world_runs(kom)) {
        return next;
    }
    if (kom->touched) {
        return world->now;
    }
    next = komet_earlier(next, komet_earlier(kom->due, kom->reads_by));
    next = komet_earlier(next, kept_next(world, &kom->kept));
    next = komet_earlier(next, kom->link != NULL ? KOMET_NEVER : kom->retry);
    for (unsigned i = 0; i < SIM_LINES_MAX; i++) {
        const struct sim_line *line = &kom->lines[i];
        if (line->dialling && (kom->cut & WAYS_OF_STATIONS) == 0) {
            next = komet_earlier(next, line->dialled);
        }
    }
    return next;
}
