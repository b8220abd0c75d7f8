/*
 * kept: the buffer of a simulated instance on its own disk, for the time without a server. The book is the
 * real one (kom/buffer_book.h); the disk forgets what was not synced when the process dies, and may be full.
 */
#ifndef SIM_KEPT_H
#define SIM_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kom/buffer_book.h"
#include "komet/time.h"
#include "wire/frame.h"

struct world;
struct sim_kom;

#define KEPT_OCTETS_MAX (1u << 20)

struct kept_record {
    uint8_t *octets;
    size_t size;
    uint64_t number, sequence;
};

struct kept {
    uint64_t buffer; /* its number; drawn anew when it is begun empty */
    struct buffer_book book;
    struct kept_record *records; /* on the disk, oldest first */
    size_t count, synced, syncing, capacity;
    struct komet_instant sync_ends, full_until;
    bool recalls;
    uint64_t recall_after;
};

/* The process starts: what was synced is there. True: something is. */
bool kept_start(struct world *world, struct kept *kept);
/* The process dies. */
void kept_crash(struct kept *kept);
void kept_free(struct kept *kept);

/* KOM_OUT_KEEP, _RECALL, _FORGET. */
void kept_keep(struct world *world, struct sim_kom *kom, const wire_message *batch, uint64_t sequence);
void kept_recall(struct kept *kept, uint64_t after);
void kept_forget(struct kept *kept, uint64_t number);
/* Syncs end, questions are answered. */
void kept_step(struct world *world, struct sim_kom *kom);
struct komet_instant kept_next(const struct world *world, const struct kept *kept);

#endif
