/*
 * disk: a simulated journal. Records are written at once and kept only when a sync has ended; a crash of the
 * server forgets what was not synced. It may be slow, and full. The checkers read it.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "komet/time.h"
#include "server/server.h"

struct disk {
    struct record *records;
    size_t count, capacity;
    size_t synced;  /* so many of them are safe */
    size_t syncing; /* the sync that runs will make so many safe; 0: none runs */
    struct komet_instant sync_ends;
    struct komet_instant full_until, slow_until; /* {0}: it has room, it is fast */
};

void disk_append(struct disk *disk, const struct record *record);
/* The same, but the record before it changes places with it: no journal of ours does that. That one is not
 * synced yet. */
void disk_append_before(struct disk *disk, const struct record *record);
/* Starts a sync of all that waits, if none runs; it takes `duration_us`. */
void disk_start_sync(struct disk *disk, struct komet_instant now, int64_t duration_us);
/* True when a sync ended by `now`: *ticket is the last that is safe. */
bool disk_synced(struct disk *disk, struct komet_instant now, uint64_t *ticket);
struct komet_instant disk_deadline(const struct disk *disk);
/* The machine lost its power: what was not synced is gone. */
void disk_crash(struct disk *disk);
/* A server starts on this disk; `grants`, `taken` false: which has lost them, or how far masters are. */
void disk_recover(const struct disk *disk, struct server *server, bool grants, bool taken);
void disk_free(struct disk *disk);

#endif
