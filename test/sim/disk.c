/*
 * disk: see disk.h.
 */
#include "sim/disk.h"

#include <stdlib.h>

#include "komet/assert.h"
#include "sim/site.h"

#define DISK_TAGS_MAX 1024 /* of a simulated site */

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

static bool is_outgoing(const struct record *record)
{
    return record->kind == RECORD_EVENT && record->of.event.connection == 0 && record->of.event.frame > 0;
}

/* The output of the site that an event is of; NULL: it is none. */
static const struct tag *output_of(const struct site *site, const struct record *record)
{
    return is_outgoing(record) ? site_find_tag(site, record->of.event.tag) : NULL;
}

/* Where each output's newest value is: what stands before it is older. */
static void find_newest(const struct disk *disk, const struct site *site, size_t *newest)
{
    for (size_t i = 0; i < disk->count; i++) {
        const struct tag *output = output_of(site, &disk->records[i]);
        if (output != NULL && !disk->records[i].of.event.older) {
            newest[tag_site_number(output)] = i;
        }
    }
}

/* The newest values for masters and partners, as many as all lines keep, then how far these are. */
static void recover_outgoing(const struct disk *disk, struct server *server, bool taken_too)
{
    const struct site *site = server_site(server);
    size_t newest[DISK_TAGS_MAX] = {0};
    int64_t kept = 0;
    KOMET_ASSERT(site->tag_count <= DISK_TAGS_MAX);
    find_newest(disk, site, newest);
    for (unsigned p = 0; p < site->process_count; p++) {
        const struct process *process = &site->processes[p];
        for (unsigned i = 0; i < process->line_count; i++) {
            kept += (int64_t)line_outgoing_capacity(&process->lines[i]);
        }
    }
    size_t first = disk->count;
    while (first > 0 && kept > 0) {
        kept -= is_outgoing(&disk->records[--first]) ? 1 : 0;
    }
    for (; first < disk->count; first++) {
        const struct record *record = &disk->records[first];
        const struct tag *output = output_of(site, record);
        if (output != NULL) {
            server_recover_outgoing(server, record->of.event.tag, &record->of.event.value,
                                    record->of.event.frame, first < newest[tag_site_number(output)]);
        }
    }
    for (size_t i = 0; i < disk->count; i++) {
        const struct record_taken *taken = &disk->records[i].of.taken;
        if (disk->records[i].kind == RECORD_TAKEN && taken_too) {
            server_recover_taken(server, taken->line, taken->masters, disk->records[i].instance,
                                 taken->position);
        }
    }
}

void disk_recover(const struct disk *disk, struct server *server, bool grants, bool taken)
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
        } else if (record->kind == RECORD_LOAD_BALANCE) {
            server_recover_load_balance(server, record->process, record->of.load_balance);
        }
    }
    recover_outgoing(disk, server, taken);
}

void disk_free(struct disk *disk)
{
    free(disk->records);
    *disk = (struct disk){0};
}
