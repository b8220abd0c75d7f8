/*
 * disk: see disk.h.
 */
#include "sim/disk.h"

#include <stdlib.h>

#include "komet/assert.h"

void disk_append(struct disk *disk, const struct record *record)
{
    if (disk->count == disk->capacity) {
        disk->capacity = disk->capacity == 0 ? 4096 : disk->capacity * 2;
        disk->records = realloc(disk->records, disk->capacity * sizeof disk->records[0]);
        KOMET_ASSERT(disk->records != NULL);
    }
    disk->records[disk->count++] = *record;
}

void disk_append_before(struct disk *disk, const struct record *record)
{
    disk_append(disk, record);
    KOMET_ASSERT(disk->count > disk->synced + 1);
    struct record *last = &disk->records[disk->count - 1];
    struct record moved = last[-1];
    last[-1] = *last;
    last[0] = moved;
}

void disk_start_sync(struct disk *disk, struct komet_instant now, int64_t duration_us)
{
    if (disk->syncing == 0 && disk->synced < disk->count) {
        disk->syncing = disk->count;
        disk->sync_ends = komet_after(now, duration_us);
    }
}

bool disk_synced(struct disk *disk, struct komet_instant now, uint64_t *ticket)
{
    if (disk->syncing == 0 || !komet_reached(now, disk->sync_ends)) {
        return false;
    }
    /* A ticket is safe when all its records are: the next record, if any, has another one. */
    disk->synced = disk->syncing;
    disk->syncing = 0;
    *ticket = disk->records[disk->synced - 1].ticket;
    return true;
}

struct komet_instant disk_deadline(const struct disk *disk)
{
    return disk->syncing > 0 ? disk->sync_ends : KOMET_NEVER;
}

void disk_crash(struct disk *disk)
{
    disk->count = disk->synced;
    disk->syncing = 0;
}

void disk_recover(const struct disk *disk, struct server *server, bool grants)
{
    for (size_t i = 0; i < disk->count; i++) {
        const struct record *record = &disk->records[i];
        if (record->kind == RECORD_GRANT && grants) {
            server_recover_grant(server, record->process, record->of.grant.epoch);
        } else if (record->kind == RECORD_BATCH) {
            server_recover_batch(server, record->process, record->instance, record->of.batch.run,
                                 record->of.batch.sequence);
        } else if (record->kind == RECORD_ARCHIVED) {
            server_recover_archived(server, record->process, record->instance, record->of.batch.run,
                                    record->of.batch.sequence);
        } else if (record->kind == RECORD_EVENT) {
            server_recover_event(server, record->process, record->instance, &record->of.event);
        } else if (record->kind == RECORD_PREFERRED) {
            server_recover_preferred(server, record->process, record->instance);
        } else if (record->kind == RECORD_VALUE) {
            server_recover_value(server, record->process, record->instance, &record->of.value);
        } else if (record->kind == RECORD_STATION) {
            server_recover_station(server, record->of.station.command.tag, record->of.station.mode);
        } else if (record->kind == RECORD_STATION_VALUE) {
            server_recover_station_value(server, record->of.station_value.station,
                                         (enum station_value)record->of.station_value.value);
        }
    }
}

void disk_free(struct disk *disk)
{
    free(disk->records);
    *disk = (struct disk){0};
}
