/*
 * world: one simulated site in one process, driven by a seed: a server with a disk that forgets what was not
 * synced, the instances of up to three processes, up to three stations and masters (masters.h), the network
 * between them, clocks that are not quite right, operators, and faults.
 *
 * The engines are the real ones; the world is their shell. Time is a number that jumps from one deadline to
 * the next, so an hour takes seconds, and the same seed always gives the same run. After each step the
 * checkers (checkers.h) look at what must always hold.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "kom/kom.h"
#include "komet/assert.h"
#include "partner/rtu.h"
#include "server/server.h"
#include "sim/breaks.h"
#include "sim/checkers.h"
#include "sim/checkers_masters.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/faults.h"
#include "sim/kept.h"
#include "sim/masters.h"
#include "sim/network.h"
#include "sim/site.h"
#include "site/reader.h"
#include "support.h"

enum {
    SIM_LINES_MAX = 2, /* of one process */
    /* Two of another process, those that masters connect to, and one that runs beside its number. */
    SIM_KOMS_MAX = SIM_INSTANCES_MAX + 2 + SIM_SERVING_MAX + 1,
    SIM_OUTPUTS_MIDWAY = 40 /* a program that dies midway has done up to so many things more */
};

/* One line of an instance. */
struct sim_line {
    bool dialling;
    struct komet_instant dialled;
    uint32_t number;                   /* the instance's newest number of a connection */
    struct sim_connection *connection; /* NULL: none is open here */
};

enum { SIM_WAYS = 4 }; /* in which people have written the site */

/* A RELOAD under way at the server. */
struct sim_reload {
    struct site_file files[SIM_WAYS][SIM_FILES_MAX];
    struct site_result sites[SIM_WAYS];
    unsigned written, runs;       /* what stands in the folder; what the server runs */
    unsigned next;                /* what a RELOAD is to bring; SIM_WAYS: something wrong */
    struct komet_instant read_by; /* when that is read; NEVER: it is not being read */
    bool read;                    /* and what goes away is ending */
    void *difference_memory, *former_difference;
    struct site_difference *difference;
};

/* One instance: a machine with a clock, and what runs on it. */
struct sim_kom {
    const struct sim_process *process; /* NULL: this one is not in the site */
    bool beside; /* a run beside that of its number, started by mistake; it is not started again */
    bool runs;
    bool paused;
    unsigned cut;              /* ways of the network that are out: bits of enum sim_way */
    struct komet_instant back; /* the end of its fault */
    unsigned dies_in;          /* outputs until it is killed; 0: it lives */
    bool touched;              /* something came to it: it is asked what it wants */
    struct komet_instant due;  /* else it is asked then, by the true clock */
    struct clock clock;
    struct kom_identity identity;
    void *memory, *lines_memory, *traffic;
    struct kom *engine;
    bool configured; /* it has lines */
    struct site_result site;
    struct site_result next_site;  /* of a Configuration that is being read; arena NULL: none */
    struct komet_instant reads_by; /* when it is */
    uint8_t *arena_memory;
    struct wire_arena arena;
    struct sim_connection *link; /* to the server; NULL: not open here */
    struct komet_instant retry;
    struct sim_line lines[SIM_LINES_MAX];
    bool listens; /* for masters */
    struct check_stream stream;
    struct check_kom check;
    struct kept kept;
};

/* One station. */
struct sim_station {
    unsigned number;
    void *memory;
    struct rtu_plan plan;
    struct rtu *rtu;
    bool warm, buffered;
    struct sim_connection *partners[SIM_KOMS_MAX]; /* by instance; NULL: none. Cold, one at a time */
    struct komet_instant next_event;
    bool touched;
};

struct world {
    struct komet_instant now; /* true */
    struct test_random random;
    uint64_t seed;
    bool verbose;
    bool calm; /* no more events, orders, faults */
    enum sim_break broken;
    uint64_t fault_counts[FAULT_COUNT];
    uint64_t steps;
    uint64_t by_lines; /* changes of role for a line's sake */
    uint64_t kept;     /* events that were kept without a server */

    struct sim_site plan;
    struct site_result site; /* that the server runs: one of those of `reload` */
    struct sim_reload reload;
    bool server_runs;
    bool server_cut; /* its machine is lost: nobody is told */
    bool disk_failed;
    bool server_touched;
    struct komet_instant server_due;
    unsigned server_dies_in;
    struct komet_instant server_back;
    struct clock server_clock;
    void *server_memory;
    struct server *server;
    bool client_used[SERVER_CLIENTS_MAX];
    uint8_t *server_arena_memory;
    struct wire_arena server_arena;
    struct disk disk;

    struct network network;
    struct sim_kom koms[SIM_KOMS_MAX];
    struct sim_station stations[SIM_STATIONS_MAX];
    struct komet_instant next_fault, next_order;
    struct sim_masters masters;
    struct checkers checkers;
    struct checkers_masters checkers_masters;
};

/* Makes a world from a seed; `verbose` prints a line an occurrence. `broken`: what the harness does wrong on
 * purpose. */
void world_init(struct world *world, uint64_t seed, bool verbose, enum sim_break broken);
/* Runs `duration_us` with events, orders and faults, then without until everything generated is stored and
 * every tag has the station's value. Returns false when a checker found a breach, or the end was not reached.
 */
bool world_run(struct world *world, int64_t duration_us);
void world_free(struct world *world);

/* ---- for the other files of the simulation ---- */

void world_say(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the clocks show: an instance's, the server's. Those of stations are true. */
struct line_now world_time(const struct world *world, const struct sim_kom *kom);
struct line_now world_server_time(const struct world *world);
/* The instance's engine can be called. */
bool world_runs(const struct sim_kom *kom);
const struct process *world_process(const struct world *world, const struct sim_kom *kom);
const struct station *world_station(const struct world *world, unsigned station);

#endif
