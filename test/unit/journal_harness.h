/*
 * journal_harness: a journal on a real disk, in a folder of its own that goes with the test, on a real loop.
 * Waiting is for a condition, with a deadline. The site, and the server that recovers, are server_harness's.
 */
#ifndef TEST_UNIT_JOURNAL_HARNESS_H
#define TEST_UNIT_JOURNAL_HARNESS_H

#include "server_harness.h"

#include "shell/journal.h"

#define WORLD_PATIENCE_NS UINT64_C(20000000000) /* until a condition that is waited for must have come */

struct world {
    struct harness harness; /* the site, and the server that recovers */
    uv_loop_t loop;
    uv_timer_t timer; /* wakes the loop, so that a condition is looked at again */
    struct journal *journal;
    char folder[256];
    char fault[JOURNAL_FAULT_SIZE];
    uint64_t ticket; /* of the newest group put in */
    uint64_t stored; /* the newest that was told */
    unsigned stored_count, failed_count;
    char why[JOURNAL_FAULT_SIZE];
};

int world_set_up(void **state);
int world_tear_down(void **state);

/* NULL: `fault` says why. */
struct journal *world_try_open(struct world *world, const char *folder);
void world_open(struct world *world);
/* Closes it and runs the loop until it is idle. */
void world_close(struct world *world);
/* A server finds the journal of the one before it: tickets begin anew. */
void world_reopen(struct world *world);

/* Runs the loop until `condition`, which must come. */
void world_run_until(struct world *world, bool (*condition)(const struct world *));
bool world_all_stored(const struct world *world);

/* The records put in from here on are of the next ticket. */
void world_next_ticket(struct world *world);
struct record world_record(struct world *world, enum record_kind kind, const char *process);
/* An event of a tag of SELF.KOM, time-tagged, with its number for raw element. */
void world_put_event(struct world *world, const char *name, double number, int64_t ms);
void world_commit(struct world *world);
void world_commit_and_wait(struct world *world);

/* A number from the file itself, past the journal. */
int64_t world_ask_file(const struct world *world, const char *text);

#endif
