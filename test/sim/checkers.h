/*
 * checkers: see check.h for what must always hold. Here is what they have to know for it: what the stations
 * did and what the journal has of that, the commands, and when each instance had the right to act, counted
 * without the engines' help.
 */
#ifndef SIM_CHECKERS_H
#define SIM_CHECKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/time.h"
#include "sim/check.h"
#include "sim/site.h"
#include "wire/frame.h"

struct world;
struct sim_kom;
struct sim_station;
struct server_ended;

enum { CHECK_BATCHES_MAX = 256, CHECK_SWITCH_MS_MAX = 4096 };

/* One event as the station generated it. */
struct truth {
    uint32_t ioa;
    int64_t time_ms;
    double number;
    size_t stored_at; /* where on the disk + 1; 0 not yet */
    bool kept;        /* on the synced part of an instance's own disk, once */
};

struct check_station {
    struct truth *truth;
    size_t count, capacity;
    size_t acknowledged; /* of them, by N(R) at the station */
    size_t complete;     /* so many are on the synced part of the disk */
    /* Of each point's events in the journal: of what came at once, and of what each instance had kept. */
    int64_t newest_ms[2 + SIM_INSTANCES_MAX][POINT_INPUTS + 1];
};

/* One command, by its number, which is also the value that it sets. */
struct sim_order {
    bool open;    /* no end yet */
    bool ended;   /* with `result` */
    bool by_hand; /* of a simulated station: it goes nowhere */
    uint8_t result;
    uint8_t executions;
    uint8_t station;
    struct komet_instant must_end;
};

/* Of one run: its right to act, from what it was told and when it had asked for it. */
struct check_kom {
    bool granted;
    bool may_be_alone; /* the newest thing that a server said of its role is that it acts */
    uint64_t epoch;
    struct komet_instant asked;          /* true time of the newest request that the server surely had */
    struct komet_instant lease_end;      /* true time */
    uint64_t batches[CHECK_BATCHES_MAX]; /* sent and not confirmed, by number */
    unsigned batch_count;
    bool forwards; /* a batch of its buffer is under way */
};

enum { CHECK_EPOCHS_MAX = 4096 };

/* SET_LOAD_BAL_MODE: each instance has grants of its own. */
struct check_modes {
    bool all_act;                              /* as the server has it, or had it when it ended */
    struct komet_instant ends;                 /* until then what was granted meanwhile may hold */
    bool of_all[CHECK_EPOCHS_MAX];             /* by epoch: it was granted in that mode */
    uint64_t newest_of[SIM_INSTANCES_MAX + 1]; /* epoch of each instance */
};

/* The grants of one process, as they were journaled; and a loss that is being watched. */
struct check_process {
    uint64_t newest_epoch;
    uint8_t holder; /* instance of the newest grant */
    struct check_modes modes;
    bool watches;
    bool silently;       /* the lease has to run out first */
    uint64_t lost_epoch; /* values under a larger one end the watch */
    size_t first_value;  /* its place on the disk + 1; 0 not yet */
    struct komet_instant lost, must_act;
};

/* How long switch-overs took: how many took so many milliseconds; the last place is for all that took longer.
 */
struct check_switches {
    uint32_t took_ms[CHECK_SWITCH_MS_MAX];
};

struct checkers {
    struct check_station stations[SIM_STATIONS_MAX];
    struct check_process processes[SIM_PROCESSES_MAX];
    struct check_switches told, silent; /* the server was told at once; or a lease had to run out */
    size_t looked_at;                   /* records of the disk that were looked at */
    struct sim_order *orders;           /* by number, from 1 */
    size_t order_count, order_capacity, order_first_open;
    uint64_t results[5]; /* how many ended so; by enum command_result */
    bool failed[CHECK_COUNT];
    bool any_failed;
    bool quiet; /* nothing is printed: the breach was asked for */
};

/* Prints and remembers a breach. */
void checkers_breach(struct world *world, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* checkers_events.c: a station generated an event; that of its feedback point is the execution of a command.
 */
void checkers_generated(struct world *world, struct sim_station *station, struct truth event);
/* A batch, as octets, is on the disk of an instance. */
void checkers_kept(struct world *world, const uint8_t *octets, size_t size);
void checkers_look_at_journal(struct world *world);
void checkers_look_at_acknowledged(struct world *world);
/* True when every generated event is on the synced part of the disk. */
bool checkers_complete(struct world *world);

/* checkers_orders.c: a command is given for a station; returns its number. A command or hand-over ended. */
uint32_t checkers_order(struct world *world, unsigned station, bool by_hand, int64_t deadline_us);
void checkers_executed(struct world *world, unsigned station, double number);
void checkers_ended(struct world *world, const struct server_ended *ended);
/* The server is lost: the ends of open commands are never told. */
void checkers_server_lost(struct world *world);
void checkers_look_at_orders(struct world *world);

/* checkers_roles.c: what an instance told the server, was told by it, and does on telemetry. */
void checkers_kom_connected(struct world *world, struct sim_kom *kom);
void checkers_kom_closed(struct world *world, struct sim_kom *kom);
void checkers_kom_says(struct world *world, struct sim_kom *kom, const wire_message *message);
void checkers_kom_hears(struct world *world, struct sim_kom *kom, const wire_message *message);
void checkers_kom_connects(struct world *world, const struct sim_kom *kom, const struct sim_station *station);
void checkers_kom_sends(struct world *world, const struct sim_kom *kom, const struct sim_station *station,
                        const uint8_t *octets, size_t size);
/* What it does for masters. */
void checkers_kom_serves(struct world *world, const struct sim_kom *kom, const char *what);
/* A grant was written to the disk; the disk forgot what was not synced. */
void checkers_granted(struct world *world, const char *process, uint8_t instance, uint64_t epoch);
void checkers_forgot(struct world *world);
void checkers_look_at_roles(struct world *world);
/* Who acts for the process of `kom`, if it is that one, is about to be lost, or is relieved (`silently`
 * false): when all else is well, the time until the next one's first value is measured. */
void checkers_watch_switch(struct world *world, const struct sim_kom *kom, bool silently);
/* Something else happens, or an instance of that process is back: what is being measured would say nothing.
 */
void checkers_disturbed(struct world *world);
void checkers_came_back(struct world *world, const struct sim_kom *kom);
/* A value came from under a grant, and is at that place of the disk. */
void checkers_value(struct world *world, const char *process, uint64_t epoch, size_t at);

/* After each step. */
void checkers_step(struct world *world);
/* True when the newest value of each process there says that all its instances run. */
bool checkers_all_run(const struct world *world);
void checkers_free(struct checkers *checkers);

#endif
