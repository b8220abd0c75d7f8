/*
 * kept: see kept.h.
 */
#include "sim/kept.h"

#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

#define SYNC_MIN_US    200
#define SYNC_JITTER_US 5000

static void drop_front(struct kept *kept, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(kept->records[i].octets);
    }
    memmove(kept->records, kept->records + count, (kept->count - count) * sizeof kept->records[0]);
    kept->count -= count;
    kept->synced -= count < kept->synced ? count : kept->synced;
    kept->syncing -= count < kept->syncing ? count : kept->syncing;
}

static void cut(struct kept *kept, size_t count)
{
    while (kept->count > count) {
        free(kept->records[--kept->count].octets);
    }
    kept->syncing = 0;
}

/* As the shell finds it: each record a segment of its own would do, too, but the book shall be small. */
static void find_again(struct kept *kept)
{
    if (kept->count > 0) {
        struct buffer_segment all = {.number = 1,
                                     .first = kept->records[0].number,
                                     .last = kept->records[kept->count - 1].number,
                                     .octets = BUFFER_SEGMENT_HEAD};
        for (size_t i = 0; i < kept->count; i++) {
            all.octets += kept->records[i].size;
        }
        bool found = buffer_book_found(&kept->book, &all);
        KOMET_ASSERT(found);
    }
}

bool kept_start(struct world *world, struct kept *kept)
{
    if (kept->count == 0) {
        kept->buffer = 1 + (test_random_next(&world->random) >> 2);
    }
    buffer_book_begin(&kept->book, KEPT_OCTETS_MAX);
    find_again(kept);
    return kept->count > 0;
}

void kept_crash(struct kept *kept)
{
    cut(kept, kept->synced);
    kept->recalls = false;
}

void kept_free(struct kept *kept)
{
    cut(kept, 0);
    free(kept->records);
}

/* A whole segment gives way, or is at the server. */
static void drop_before(struct kept *kept)
{
    uint64_t first = kept->book.count > 0 ? kept->book.segments[0].first : UINT64_MAX;
    size_t count = 0;
    while (count < kept->count && kept->records[count].number < first) {
        count++;
    }
    drop_front(kept, count);
}

void kept_keep(struct world *world, struct sim_kom *kom, const wire_message *batch, uint64_t sequence)
{
    struct kept *kept = &kom->kept;
    size_t size = wire_encoded_size(batch);
    uint64_t segment;
    bool begins;
    if (!komet_reached(world->now, kept->full_until)) {
        cut(kept, kept->synced); /* nobody knows what of it is on disk */
        buffer_book_begin_again(&kept->book);
        find_again(kept);
        kom_keep_failed(kom->engine, world_time(world, kom), "simulated: no space left");
        kom->touched = true;
        return;
    }
    while (buffer_book_drop(&kept->book, size, &segment)) {
        drop_before(kept);
    }
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity == 0 ? 64 : kept->capacity * 2;
        kept->records = realloc(kept->records, kept->capacity * sizeof kept->records[0]);
        KOMET_ASSERT(kept->records != NULL);
    }
    struct kept_record *record = &kept->records[kept->count++];
    *record = (struct kept_record){.octets = malloc(size), .size = size, .sequence = sequence};
    KOMET_ASSERT(record->octets != NULL);
    record->number = buffer_book_keep(&kept->book, size, batch->batch->n_tag, &segment, &begins);
    size_t written = wire_encode(batch, record->octets, size);
    KOMET_ASSERT(written == size);
    if (world->broken == BREAK_KEPT_EARLY) {
        kom_kept(kom->engine, world_time(world, kom), sequence);
    }
}

void kept_recall(struct kept *kept, uint64_t after)
{
    kept->recalls = true;
    kept->recall_after = after;
}

void kept_forget(struct kept *kept, uint64_t number)
{
    uint64_t segment;
    buffer_book_at_server(&kept->book, number);
    while (buffer_book_forget(&kept->book, &segment)) {
    }
    drop_before(kept);
}

static void answer(struct world *world, struct sim_kom *kom)
{
    struct kept *kept = &kom->kept;
    wire_message *message = NULL;
    size_t consumed, at = 0;
    while (at < kept->synced && kept->records[at].number <= kept->recall_after) {
        at++;
    }
    if (at < kept->synced) {
        enum wire_fault fault =
            wire_decode(kept->records[at].octets, kept->records[at].size, &kom->arena, &message, &consumed);
        KOMET_ASSERT(fault == WIRE_OK && consumed == kept->records[at].size);
        message->batch->buffer = kept->buffer;
        message->batch->sequence = kept->records[at].number;
        message->batch->dropped = kept->book.dropped;
    }
    kom_recalled(kom->engine, world_time(world, kom), message);
}

void kept_step(struct world *world, struct sim_kom *kom)
{
    struct kept *kept = &kom->kept;
    if (kept->syncing > 0 && komet_reached(world->now, kept->sync_ends)) {
        for (size_t i = kept->synced; i < kept->syncing; i++) {
            checkers_kept(world, kept->records[i].octets, kept->records[i].size);
        }
        kept->synced = kept->syncing;
        kept->syncing = 0;
        kom_kept(kom->engine, world_time(world, kom), kept->records[kept->synced - 1].sequence);
        kom->touched = true;
    }
    if (kept->syncing == 0 && kept->synced < kept->count) {
        kept->syncing = kept->count;
        kept->sync_ends =
            komet_after(world->now, SYNC_MIN_US + test_random_below(&world->random, SYNC_JITTER_US));
    }
    if (kept->recalls) {
        kept->recalls = false;
        answer(world, kom);
        kom->touched = true;
    }
}

struct komet_instant kept_next(const struct world *world, const struct kept *kept)
{
    if (kept->recalls || (kept->syncing == 0 && kept->synced < kept->count)) {
        return world->now;
    }
    return kept->syncing > 0 ? kept->sync_ends : KOMET_NEVER;
}
