/*
 * checkers: what must always hold (doc/architecture.md), tested after each step of a simulated site.
 *
 *   - one acts: at most one instance believes that it holds a valid grant, whatever the server thinks;
 *   - epochs grow: each grant in the journal is larger than the one before;
 *   - acknowledged means stored: what the station got an N(R) for is on the synced part of the disk;
 *   - once: no event of the station is in the journal twice, and their order for each tag is kept;
 *   - passive is silent: an instance without a grant opens no connection, or sends nothing but test frames
 * where its line is warm;
 *   - commands at most once: the station executes each at most once, none that ended as refused or expired,
 * and every one that ended as done; each ends at most once.
 */
#ifndef SIM_CHECKERS_H
#define SIM_CHECKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;
struct sim_kom;
struct server_ended;

/* One event as the station generated it. */
struct truth {
    uint32_t ioa;
    int64_t time_ms;
    double number;
};

/* One command, by its number, which is also the value that it sets. */
struct sim_order {
    bool open;  /* no end yet */
    bool ended; /* with `result` */
    uint8_t result;
    uint8_t executions;
};

struct checkers {
    struct truth *truth;
    size_t truth_count, truth_capacity;
    size_t acknowledged; /* of them, by N(R) at the station */
    size_t *stored_at;   /* for each: where on the disk + 1; 0 not yet */
    size_t looked_at;    /* records of the disk that were looked at */
    uint64_t newest_epoch;
    struct sim_order *orders; /* by number, from 1 */
    size_t order_count, order_capacity;
    uint64_t results[5]; /* how many ended so; by enum command_result */
    bool failed;
};

/* The station generated an event; that of its feedback point is the execution of a command. */
void checkers_generated(struct world *world, struct truth event);
/* A command is given; returns its number. */
uint32_t checkers_order(struct checkers *checkers);
/* A command or hand-over ended. */
void checkers_ended(struct world *world, const struct server_ended *ended);
/* An instance opens a connection to the station; it sends octets on it. */
void checkers_dials(struct world *world, const struct sim_kom *kom);
void checkers_sends(struct world *world, const struct sim_kom *kom, const uint8_t *octets, size_t size);
/* The server is lost: the ends of open commands are never told. */
void checkers_server_lost(struct world *world);
/* After each step: prints and remembers a breach. */
void checkers_step(struct world *world);
/* True when every generated event is on the synced part of the disk. */
bool checkers_complete(const struct world *world);
/* True when the newest value of SELF.KOM there says that all instances run. */
bool checkers_all_run(const struct world *world);
void checkers_free(struct checkers *checkers);

#endif
