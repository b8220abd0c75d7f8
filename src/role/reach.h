/*
 * reach: which lines each instance of a process reaches, by its own word, and since when the active one does
 * not.
 *
 * Pure. Only lines on which also passive instances say something (`standby: warm`) are compared; of others
 * nobody knows whether a passive instance would reach them.
 */
#ifndef ROLE_REACH_H
#define ROLE_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "komet/time.h"
#include "model/site.h"

/* What is known of one line. The caller's memory; `loss_us` and `compared` are its to set. */
struct reach_line {
    int64_t loss_us; /* missed by the active one for so long: lost */
    bool compared;
    bool excused; /* the active one was chosen although it did not reach it */
    uint16_t yes, no;
    struct komet_instant missed; /* by the active one, since; KOMET_NEVER not */
};

/* All zero: no lines. */
struct reach {
    struct reach_line *lines;
    uint16_t line_count;
    uint16_t missed_count; /* lines that the active one misses */
    uint8_t active;        /* whose misses count; 0xFF none */
    uint16_t count[INSTANCE_MAX + 1];
};

/* `lines`: borrowed for the life of `reach`; nothing is known of them yet. */
void reach_init(struct reach *reach, struct reach_line *lines, uint16_t line_count);
/* RELOAD: the lines are others; what is known of each is in `lines` already, which is borrowed from now on. */
void reach_move(struct reach *reach, struct reach_line *lines, uint16_t line_count);
/* An instance says what it reaches. */
void reach_take(struct reach *reach, struct komet_instant now, uint8_t instance, uint16_t line,
                enum line_reach fact);
/* It has gone, or begins anew. */
void reach_forget(struct reach *reach, struct komet_instant now, uint8_t instance);
/* It has become the active one; 0xFF: nobody is. `by_hand`: lines that it does not reach now are held against
 * it only after it has reached them once. */
void reach_follow(struct reach *reach, struct komet_instant now, uint8_t active, bool by_hand);

/* How many of the lines that are compared an instance reaches. */
unsigned reach_count(const struct reach *reach, uint8_t instance);
/* A line that the active one has lost and the other one reaches; -1: there is none, or the other one reaches
 * no more lines than the active one does. */
int reach_better(const struct reach *reach, struct komet_instant now, uint8_t other);
/* When the next line that is missed is lost; KOMET_NEVER. Lines that are lost already do not count. */
struct komet_instant reach_deadline(const struct reach *reach, struct komet_instant now);

#endif
