/*
 * world: one simulated site in one process, driven by a seed: a server with a disk that forgets what was not
 * synced, three instances of SELF.KOM, one station, the network between them, an operator, and faults.
 *
 * The engines are the real ones; the world is their shell. Time is a number that jumps from one deadline to
 * the next, so an hour takes seconds, and the same seed always gives the same run. After each step the
 * checkers (checkers.h) look at what must always hold.
 *
 * Each TCP connection has two ends, and each end its own belief that it is open. An end that closes is told
 * to the other one when the network lets it through.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kom/kom.h"
#include "komet/assert.h"
#include "partner/rtu.h"
#include "server/server.h"
#include "sim/checkers.h"
#include "sim/disk.h"
#include "sim/stream.h"
#include "site/reader.h"
#include "support.h"

enum { SIM_KOMS = 3 };

enum sim_fault {
    FAULT_KILL_KOM,        /* kill -9 of an instance: its connections end at once */
    FAULT_PAUSE_KOM,       /* it does not run for a while, its connections stay: SIGSTOP, a paused machine */
    FAULT_CUT_KOM,         /* its cables are out for a while: it runs, nothing goes in or out */
    FAULT_LOSE_KOM,        /* its machine loses power: nobody is told */
    FAULT_CUT_PATH,        /* nothing comes through between it and the station, the server is reached */
    FAULT_DEAFEN_PATH,     /* the same, one way only: from the station */
    FAULT_MUTE_PATH,       /* to the station */
    FAULT_RESET_TELEMETRY, /* RST between station and instance */
    FAULT_RESET_LINK,      /* RST between instance and server */
    FAULT_KILL_SERVER,     /* what was not synced is gone, connections end at once */
    FAULT_LOSE_SERVER,     /* its machine loses power: what was not synced is gone, nobody is told */
    FAULT_FAIL_DISK,       /* the journal cannot write: the engine is made anew after a while */
    FAULT_RESTART_CUT,     /* the server restarts at once, and the active instance is cut off meanwhile */
    FAULT_HAND_OVER,       /* no fault: SET_ACT_INST */
    FAULT_PREFER,          /* no fault: SET_PREFERRED_INST, also of nobody */
    FAULT_LEAVE,           /* no fault: SIGTERM to an instance, which is started again */
    FAULT_STOP,            /* no fault: STOP of an instance, or of all; they are started again */
    FAULT_COUNT
};
const char *sim_fault_name(enum sim_fault fault);

/* One instance. */
struct sim_kom {
    bool runs;
    bool paused;
    bool cut;                  /* nothing comes through to it or from it */
    bool deaf, mute;           /* nothing comes through from the station; to it */
    struct komet_instant back; /* the end of its fault */
    struct kom_identity identity;
    void *memory, *lines_memory, *traffic;
    struct kom *engine;
    struct site_result site;
    bool flushes;               /* its process has ended; what it had sent still arrives, and then the end */
    bool link_here, link_there; /* connection to the server, as each end believes */
    unsigned client;            /* number at the server */
    struct komet_instant retry;
    struct stream to_server, from_server;
    uint8_t *arena_memory;
    struct wire_arena arena;
    bool dialling;
    struct komet_instant dialled;
    bool line_here, line_there; /* telemetry connection, as instance and station believe */
    uint32_t connection;        /* the instance's number of it */
    struct stream to_rtu, from_rtu;
};

struct world {
    struct komet_instant now;
    struct test_random random;
    uint64_t seed;
    bool verbose;
    uint64_t fault_counts[FAULT_COUNT];
    uint64_t steps;

    struct site_result site;
    bool server_runs;
    bool server_cut; /* its machine is lost: nobody is told */
    bool disk_failed;
    struct komet_instant server_back;
    void *server_memory;
    struct server *server;
    bool client_used[SERVER_CLIENTS_MAX];
    uint8_t *server_arena_memory;
    struct wire_arena server_arena;
    struct disk disk;

    struct sim_kom koms[SIM_KOMS];

    void *rtu_memory;
    struct rtu *rtu;
    bool warm;         /* the line stands by at passive instances; the station has a connection for each */
    uint64_t by_lines; /* changes of role for a line's sake */
    struct komet_instant next_event, next_fault, next_order;
    struct checkers checkers;
};

/* Makes a world from a seed; `verbose` prints a line an occurrence. */
void world_init(struct world *world, uint64_t seed, bool verbose);
/* Runs `duration_us` with events, orders and faults, then without until everything generated is stored and
 * every tag has the station's value. Returns false when a checker found a breach (it was printed), or the end
 * was not reached. */
bool world_run(struct world *world, int64_t duration_us);
void world_free(struct world *world);

/* ---- for the other files of the simulation ---- */

void world_say(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct line_now world_time(const struct world *world);
/* When octets sent now arrive. */
struct komet_instant world_arrival(struct world *world);
/* Can the network bring something to this instance, or from it? */
bool world_reaches(const struct sim_kom *kom);
/* Between it and the station, in one direction. */
bool world_reaches_station(const struct sim_kom *kom);
bool world_hears_station(const struct sim_kom *kom);
/* The instance's engine can be called. */
bool world_runs(const struct sim_kom *kom);
/* It believes that it holds a grant. */
bool world_acts(const struct world *world, const struct sim_kom *kom);

#endif
