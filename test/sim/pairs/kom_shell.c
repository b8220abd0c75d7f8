/*
 * An instance of one of two simulated sites: what its engine wants is done in the simulated world. See
 * world.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/kom_wire.h"
#include "sim/pairs/world.h"

#define ARENA_SIZE   (1u << 20)
#define RECONNECT_US KOMET_MS(200)
#define PROCESS      "SELF.KOM"

void kom_init_shell(struct world *world, struct world_site *site, unsigned side, unsigned instance)
{
    struct world_kom *kom = &site->koms[instance - 1];
    (void)world;
    kom->side = (uint8_t)side;
    kom->instance = (uint8_t)instance;
    kom->exists = true;
    kom->identity = (struct kom_identity){PROCESS, (uint8_t)instance, 0, "simulated", (uint32_t)instance};
    kom->memory = malloc(kom_size());
    kom->arena_memory = malloc(ARENA_SIZE);
    KOMET_ASSERT(kom->memory != NULL && kom->arena_memory != NULL);
    kom->arena = (struct wire_arena){kom->arena_memory, ARENA_SIZE, 0};
    kom->back = kom->retry = kom->healed = KOMET_NEVER;
    for (unsigned path = 0; path < PATHS; path++) {
        kom->dials[path].at = KOMET_NEVER;
    }
}

void kom_free_shell(struct world_kom *kom)
{
    if (kom->site.arena != NULL) {
        site_result_release(&kom->site);
    }
    free(kom->memory);
    free(kom->lines_memory);
    free(kom->arena_memory);
}

void kom_start(struct world *world, struct world_kom *kom)
{
    struct line_now now = world_time(world, kom);
    kom->identity.run = (uint64_t)now.utc.ms * 1000 + (uint64_t)(world->now.us % 1000);
    kom->runs = kom->touched = true;
    kom->dies_in = 0;
    kom->retry = world->now;
    kom->check = (struct check_kom){0};
    kom->engine = kom_init(kom->memory, kom_size(), &kom->identity, now);
    world_say(world, "%s,%u starts", world_side_name(kom->side), kom->instance);
}

/* The end of a connection that is this instance's; 2: it has none. */
static unsigned end_of(const struct tcp *tcp, const struct world_kom *kom)
{
    return tcp->kom[0] == kom ? 0 : tcp->kom[1] == kom ? 1 : 2;
}

static void close_lines(struct world *world, struct world_kom *kom)
{
    kom->listens = false;
    for (unsigned path = 0; path < PATHS; path++) {
        kom->dials[path].at = KOMET_NEVER;
    }
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        unsigned end = tcp->used && tcp->kom[1] != NULL ? end_of(tcp, kom) : 2;
        if (end < 2) {
            tcp_close(tcp, end);
        }
    }
}

void kom_kill(struct world *world, struct world_kom *kom, int64_t back_us)
{
    kom->runs = kom->paused = false;
    kom->retry = KOMET_NEVER;
    kom->back = komet_after(world->now, back_us);
    if (kom->link != NULL) {
        tcp_close(kom->link, 0);
        kom->link = NULL;
    }
    close_lines(world, kom);
}

static void configure(struct world *world, struct world_kom *kom, const Komet__Wire__Welcome *welcome)
{
    close_lines(world, kom);
    kom_wire_configure(kom->engine, world_time(world, kom), &kom->identity, welcome, &kom->site,
                       &kom->lines_memory);
}

static void close_link(struct world *world, struct world_kom *kom)
{
    if (kom->link != NULL) {
        tcp_close(kom->link, 0);
        kom->link = NULL;
    }
    kom_server_closed(kom->engine, world_time(world, kom));
    kom->touched = true;
    kom->retry = komet_after(world->now, RECONNECT_US);
}

/* ---- what it wants ---- */

static struct tcp *find_line(struct world *world, const struct world_kom *kom, uint32_t number)
{
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        unsigned end = tcp->used && tcp->kom[1] != NULL ? end_of(tcp, kom) : 2;
        if (end < 2 && tcp->open[end] && tcp->number[end] == number) {
            return tcp;
        }
    }
    return NULL;
}

/* "10.N.0.2I": which path that is. */
static unsigned path_to(const struct address *address)
{
    unsigned network, instance;
    int read = sscanf(address->host, "10.%u.0.2%u", &network, &instance);
    KOMET_ASSERT(read == 2 && network >= 1 && network <= NETWORKS && instance >= 1 && instance <= INSTANCES);
    return (instance - 1) * NETWORKS + network - 1;
}

static void dial(struct world *world, struct world_kom *kom, const struct kom_output *output)
{
    unsigned path = path_to(output->address);
    kom->dials[path].at = tcp_arrival(world);
    kom->dials[path].number = output->connection;
}

static void abort_line(struct world *world, struct world_kom *kom, uint32_t number)
{
    struct tcp *tcp = find_line(world, kom, number);
    for (unsigned path = 0; path < PATHS; path++) {
        if (kom->dials[path].number == number) {
            kom->dials[path].at = KOMET_NEVER;
        }
    }
    if (tcp != NULL) {
        tcp_reset(world, tcp, end_of(tcp, kom));
    }
}

/* The same partner's connection on the other network; NULL: there is none. */
static struct tcp *other_path(struct world *world, const struct tcp *tcp)
{
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *other = &world->tcps[i];
        if (other->used && other != tcp && other->kom[0] == tcp->kom[0] && other->kom[1] == tcp->kom[1] &&
            other->open[0] && other->open[1]) {
            return other;
        }
    }
    return NULL;
}

/* What no engine of ours does: the octets leave on the other path, or from an instance that stands by. */
static bool misroute(struct world *world, struct world_kom *kom, struct tcp *tcp, const uint8_t *octets,
                     size_t size)
{
    bool data = (octets[2] & 1) == 0;
    struct tcp *other = other_path(world, tcp);
    if (world->broken == BREAK_OTHER_PATH && data && other != NULL &&
        test_random_below(&world->random, 100) == 0) {
        checks_sends(world, other, end_of(other, kom), octets, size);
        tcp_send(world, other, end_of(other, kom), octets, size);
        return true;
    }
    if (world->broken == BREAK_STANDBY_SENDS && data && test_random_below(&world->random, 100) == 0) {
        for (unsigned i = 0; i < TCP_MAX; i++) {
            struct tcp *standby = &world->tcps[i];
            unsigned end = end_of(tcp, kom);
            if (standby->used && standby->kom[1] != NULL && standby->kom[end]->side == kom->side &&
                standby->kom[end] != kom && standby->open[end]) {
                checks_sends(world, standby, end, octets, size);
                tcp_send(world, standby, end, octets, size);
                return false;
            }
        }
    }
    return false;
}

static void send_octets(struct world *world, struct world_kom *kom, const struct kom_output *output)
{
    struct tcp *tcp = find_line(world, kom, output->connection);
    if (tcp != NULL && !misroute(world, kom, tcp, output->octets, output->size)) {
        checks_sends(world, tcp, end_of(tcp, kom), output->octets, output->size);
        tcp_send(world, tcp, end_of(tcp, kom), output->octets, output->size);
    }
    kom_line_written(kom->engine, output->line, output->connection, output->size);
}

static void send_message(struct world *world, struct world_kom *kom, wire_message *message)
{
    if (world->broken == BREAK_COMMAND_FORGED &&
        message->body_case == KOMET__WIRE__MESSAGE__BODY_COMMAND_END &&
        message->command_end->result != COMMAND_DONE) {
        message->command_end->result = COMMAND_DONE;
    }
    if (kom->link != NULL) {
        message_send(world, kom->link, 0, message);
    }
}

/* False: the process has ended by it. */
static bool act(struct world *world, struct world_kom *kom, const struct kom_output *output)
{
    switch (output->kind) {
    case KOM_OUT_MESSAGE:
        send_message(world, kom, output->message);
        return true;
    case KOM_OUT_CONFIGURE:
        configure(world, kom, output->welcome);
        return true;
    case KOM_OUT_REFUSED:
    case KOM_OUT_END:
        world_say(world, "%s,%u ends", world_side_name(kom->side), kom->instance);
        kom_kill(world, kom, KOMET_MS(500));
        return false;
    case KOM_OUT_RECONNECT:
        close_link(world, kom);
        return true;
    case KOM_OUT_LISTEN:
        kom->listens = true;
        kom_line_listening(kom->engine, world_time(world, kom), output->line, NULL);
        return true;
    case KOM_OUT_LISTEN_END:
        kom->listens = false;
        return true;
    case KOM_OUT_CONNECT:
        dial(world, kom, output);
        return true;
    case KOM_OUT_SEND:
        send_octets(world, kom, output);
        return true;
    case KOM_OUT_ABORT:
        abort_line(world, kom, output->connection);
        return true;
    case KOM_OUT_NOTE:
        world_say(world, "%s,%u: %s", world_side_name(kom->side), kom->instance, output->text);
        return true;
    case KOM_OUT_RECONFIGURE: /* no RELOAD, no names, no pings, no buffer */
    case KOM_OUT_FIND:
    case KOM_OUT_PING:
    case KOM_OUT_KEEP:
    case KOM_OUT_RECALL:
    case KOM_OUT_FORGET:
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the KOM");
}

static void drain(struct world *world, struct world_kom *kom)
{
    struct kom_output output;
    while (world_kom_runs(kom) && kom_next(kom->engine, world_time(world, kom), &output)) {
        if (!act(world, kom, &output)) {
            return;
        }
        if (kom->dies_in > 0 && --kom->dies_in == 0) {
            world_say(world, "%s,%u dies", world_side_name(kom->side), kom->instance);
            kom_kill(world, kom, KOMET_MS(5 + test_random_below(&world->random, 3000)));
            return;
        }
    }
    kom->due = clock_true(&kom->clock, kom_deadline(kom->engine));
}

/* ---- what comes to it ---- */

static void read_link(struct world *world, struct world_kom *kom)
{
    wire_message *message;
    while (kom->link != NULL && tcp_passes(world, kom->link, 0) &&
           (message = kom_wire_next(&kom->link->to[0], world->now, &kom->arena)) != NULL) {
        kom_feed(kom->engine, world_time(world, kom), message);
        drain(world, kom);
    }
}

static void read_line(struct world *world, struct world_kom *kom, struct tcp *tcp, unsigned end)
{
    size_t size;
    while (tcp->used && tcp->open[end] && tcp->kom[end] == kom && tcp_passes(world, tcp, end) &&
           kom_takes(kom->engine) && (size = stream_arrived(&tcp->to[end], world->now)) > 0) {
        kom->touched = true;
        size_t taken = kom_line_feed(kom->engine, world_time(world, kom), 0, tcp->number[end],
                                     tcp->to[end].octets, size);
        if (taken == 0) {
            break;
        }
        stream_take(&tcp->to[end], taken);
    }
}

void kom_hear_closed(struct world *world, struct tcp *tcp, unsigned end)
{
    struct world_kom *kom = tcp->kom[end];
    tcp_close(tcp, end);
    if (tcp->kom[1] == NULL) {
        KOMET_ASSERT(kom->link == tcp);
        close_link(world, kom);
    } else {
        kom_line_closed(kom->engine, world_time(world, kom), 0, tcp->number[end], KOMET_CONNECTION_RESET);
        kom->touched = true;
    }
}

bool kom_reads(const struct tcp *tcp, unsigned end)
{
    const struct world_kom *kom = tcp->kom[end];
    return world_kom_runs(kom) && (tcp->kom[1] == NULL || kom_takes(kom->engine));
}

static void refused(struct world *world, struct world_kom *kom, unsigned path)
{
    kom_line_closed(kom->engine, world_time(world, kom), 0, kom->dials[path].number, KOMET_CONNECT_REFUSED);
    kom->touched = true;
}

/* Its SYN arrives. */
static void arrive(struct world *world, struct world_kom *kom, unsigned path)
{
    unsigned to = path / NETWORKS, network = path % NETWORKS;
    struct world_kom *east = &world->sites[EAST].koms[to];
    struct network_address peer = {.family = 4,
                                   .octets = {10, (uint8_t)(network + 1), 0, (uint8_t)(10 + kom->instance)}};
    kom->dials[path].at = KOMET_NEVER;
    if (!east->exists || !east->runs || !east->listens) {
        refused(world, kom, path);
        return;
    }
    uint32_t serial = kom_line_accepted(east->engine, world_time(world, east), 0, &peer, 49152);
    east->touched = true;
    if (serial == 0) {
        refused(world, kom, path);
        return;
    }
    struct tcp *tcp = tcp_open(world, kom, east, network);
    tcp->number[0] = kom->dials[path].number;
    tcp->number[1] = serial;
    kom_line_connected(kom->engine, world_time(world, kom), 0, tcp->number[0]);
    kom->touched = true;
}

static bool can_arrive(const struct world *world, const struct world_kom *kom, unsigned path)
{
    const struct world_kom *east = &world->sites[EAST].koms[path / NETWORKS];
    return tcp_ways_out(world, kom->instance - 1u, path / NETWORKS, path % NETWORKS) == 0 &&
           !(east->runs && east->paused); /* nobody accepts */
}

static void reach_out(struct world *world, struct world_kom *kom)
{
    if (kom->link == NULL && komet_reached(world->now, kom->retry)) {
        kom->retry = komet_after(world->now, RECONNECT_US);
        kom->link = kom->cut == 0 ? server_accept(world, kom) : NULL;
        if (kom->link != NULL) {
            kom->retry = KOMET_NEVER;
            kom_server_connected(kom->engine, world_time(world, kom));
            kom->touched = true;
        }
    }
    for (unsigned path = 0; path < PATHS && kom->side == WEST; path++) {
        if (komet_reached(world->now, kom->dials[path].at) && can_arrive(world, kom, path)) {
            arrive(world, kom, path);
        }
    }
}

void kom_step(struct world *world, struct world_kom *kom)
{
    if (komet_reached(world->now, kom->back)) {
        kom->back = KOMET_NEVER;
        kom->paused = false;
        kom->touched = true;
        if (!kom->runs) {
            kom_start(world, kom);
        }
    }
    if (!world_kom_runs(kom)) {
        return;
    }
    reach_out(world, kom);
    if (kom->touched || komet_reached(world->now, kom->due)) {
        kom->touched = false;
        kom_tick(kom->engine, world_time(world, kom));
        drain(world, kom);
    }
    if (world_kom_runs(kom)) {
        read_link(world, kom);
    }
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        unsigned end = tcp->used && tcp->kom[1] != NULL ? end_of(tcp, kom) : 2;
        if (end < 2 && world_kom_runs(kom)) {
            read_line(world, kom, tcp, end);
        }
    }
    if (world_kom_runs(kom) && kom->touched) {
        kom->touched = false;
        drain(world, kom);
    }
}

struct komet_instant kom_next_instant(const struct world *world, const struct world_kom *kom)
{
    struct komet_instant next = kom->back;
    if (!world_kom_runs(kom)) {
        return next;
    }
    if (kom->touched) {
        return world->now;
    }
    next = komet_earlier(next, kom->due);
    next = komet_earlier(next, kom->link != NULL ? KOMET_NEVER : kom->retry);
    for (unsigned path = 0; path < PATHS && kom->side == WEST; path++) {
        if (can_arrive(world, kom, path)) {
            next = komet_earlier(next, kom->dials[path].at);
        }
    }
    return next;
}
