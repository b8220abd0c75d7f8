/*
 * world: two simulated sites in one process, driven by a seed, with a Sinaut line between them: each has a
 * server with a disk that forgets what was not synced, and one or two instances of a process; between them
 * are two networks, so up to eight TCP connections. WEST connects, EAST is connected to. Both send values
 * with a time tag and without, and commands; what EAST sends on one tag WEST sends back, since an output
 * follows it.
 *
 * The engines are the real ones; the world is their shell, as in sim/world.h, whose clocks, streams and disk
 * these are. After each step the checkers (check.h) look at what must always hold.
 */
#ifndef PAIRS_WORLD_H
#define PAIRS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kom/kom.h"
#include "komet/assert.h"
#include "server/server.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/pairs/check.h"
#include "sim/pairs/faults.h"
#include "sim/stream.h"
#include "site/reader.h"
#include "support.h"

enum { WEST, EAST, SIDES };
enum { INSTANCES = 2, NETWORKS = 2, PATHS = INSTANCES * NETWORKS, TCP_MAX = 64 };

/* What one site sends to the other. */
enum channel { CHANNEL_EVENT, CHANNEL_EVENT_2, CHANNEL_VALUE, CHANNEL_COMMAND, CHANNELS };

struct world_kom;

/* One TCP connection; end 0 is who connected. Each end has its own belief that it is open; an end that closes
 * is told to the other one when the network lets it through. */
struct tcp {
    bool used;
    uint64_t serial; /* from 1; grows */
    bool open[2];
    struct world_kom *kom[2]; /* [1] NULL: the server of that instance */
    unsigned network;
    uint32_t number[2]; /* serial in each instance's line */
    unsigned client;    /* the server's number of it */
    struct komet_instant told;
    struct stream to[2]; /* to each end */
    struct check_tcp check;
};

struct world_kom {
    uint8_t side, instance; /* instance from 1 */
    bool exists, runs, paused;
    unsigned cut;                      /* of the way to its server: bits of enum way */
    struct komet_instant back, healed; /* it runs again; its ways to the server are whole again */
    unsigned dies_in;                  /* outputs until it is killed; 0: it lives */
    bool touched;
    struct komet_instant due;
    struct clock clock;
    struct kom_identity identity;
    void *memory, *lines_memory;
    struct kom *engine;
    struct site_result site;
    uint8_t *arena_memory;
    struct wire_arena arena;
    struct tcp *link;
    struct komet_instant retry;
    struct {
        struct komet_instant at; /* KOMET_NEVER: not dialling */
        uint32_t number;
    } dials[PATHS]; /* WEST */
    bool listens;   /* EAST */
    struct check_kom check;
};

struct world_site {
    char text[2048], tags[1024];
    struct site_file files[2];
    struct site_result site;
    unsigned instances;
    bool stays_open; /* SKO */
    bool runs, touched, disk_failed;
    struct komet_instant due, back;
    unsigned dies_in;
    struct clock clock;
    void *memory;
    struct server *server;
    bool client_used[SERVER_CLIENTS_MAX];
    uint8_t *arena_memory;
    struct wire_arena arena;
    struct disk disk;
    struct world_kom koms[INSTANCES];
    struct komet_instant next_order;
    struct check_site check;
};

/* A way of a path, or of an instance to its server, that is out. */
enum way { WAY_OUT = 1, WAY_BACK = 2 }; /* from end 0 to end 1, and back */

struct world {
    struct komet_instant now; /* true */
    struct test_random random;
    uint64_t seed;
    bool verbose, calm;
    enum pair_break broken;
    uint64_t steps;
    uint32_t delay_us, jitter_us;
    struct world_site sites[SIDES];
    struct tcp tcps[TCP_MAX];
    uint64_t newest_tcp;
    struct {
        unsigned ways; /* that are out */
        struct komet_instant until;
    } paths[INSTANCES][INSTANCES][NETWORKS]; /* WEST's instance, EAST's, network */
    struct komet_instant next_fault;
    uint64_t fault_counts[FAULT_COUNT];
    struct checks checks;
};

void world_init(struct world *world, uint64_t seed, bool verbose, enum pair_break broken);
/* Runs with orders and faults, then without until all has come right. False: a checker found a breach. */
bool world_run(struct world *world, int64_t duration_us);
void world_free(struct world *world);

/* ---- for the other files ---- */

void world_say(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *world_side_name(unsigned side);
struct line_now world_time(const struct world *world, const struct world_kom *kom);
struct line_now world_server_time(const struct world *world, const struct world_site *site);
bool world_kom_runs(const struct world_kom *kom); /* its engine can be called */
struct world_site *world_site_of(struct world *world, const struct world_kom *kom);
/* The instance that acts by its own clock; NULL: none. */
struct world_kom *world_acting(struct world *world, unsigned side);
const char *world_tag_name(enum channel channel, bool input);

/* tcp.c */
struct komet_instant tcp_arrival(struct world *world);
struct tcp *tcp_open(struct world *world, struct world_kom *from, struct world_kom *to, unsigned network);
/* Octets from an end; they arrive after the network's delay. */
void tcp_send(struct world *world, struct tcp *tcp, unsigned end, const uint8_t *octets, size_t size);
/* Does the network bring octets to that end? */
bool tcp_passes(const struct world *world, const struct tcp *tcp, unsigned to);
unsigned tcp_ways_out(const struct world *world, unsigned west, unsigned east, unsigned network);
/* An end is closed: by a process that ended, whose kernel still brings what it had sent; or by a reset. */
void tcp_close(struct tcp *tcp, unsigned end);
void tcp_reset(struct world *world, struct tcp *tcp, unsigned end);
void tcp_step(struct world *world);
struct komet_instant tcp_next(const struct world *world);

/* kom_shell.c */
void kom_init_shell(struct world *world, struct world_site *site, unsigned side, unsigned instance);
void kom_start(struct world *world, struct world_kom *kom);
void kom_kill(struct world *world, struct world_kom *kom, int64_t back_us);
void kom_step(struct world *world, struct world_kom *kom);
void kom_hear_closed(struct world *world, struct tcp *tcp, unsigned end);
bool kom_reads(const struct tcp *tcp, unsigned end);
struct komet_instant kom_next_instant(const struct world *world, const struct world_kom *kom);
void kom_free_shell(struct world_kom *kom);

/* server_shell.c */
void server_start(struct world *world, struct world_site *site);
void server_lose(struct world *world, struct world_site *site, int64_t back_us);
void server_step(struct world *world, struct world_site *site);
bool server_reads(const struct world *world, const struct world_site *site);
struct tcp *server_accept(struct world *world, struct world_kom *kom);
void server_hear_closed(struct world *world, struct tcp *tcp);
struct komet_instant server_next_instant(const struct world *world, const struct world_site *site);
void message_send(struct world *world, struct tcp *tcp, unsigned end, const wire_message *message);

#endif
