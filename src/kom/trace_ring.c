/*
 * trace_ring: see trace_ring.h.
 *
 * Records lie one behind the other and never across the end of the memory: what is left there is filled up.
 * Positions count octets ever written and never go back, so that a cursor whose record has been written over
 * is known by its position alone.
 */
#include "kom/trace_ring.h"

#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "model/lay_out.h"

#define KIND_FILLER 0u

/* In front of a record's octets. */
struct stored {
    uint64_t sequence;
    int64_t time_ms;
    uint32_t slot, received, sent;
    uint16_t size;
    uint8_t kind, reason;
};

struct trace_ring {
    struct trace_connection *connections;
    unsigned connection_count;
    uint8_t *octets;
    size_t capacity;
    uint64_t head, tail;     /* positions: next to be written, oldest */
    uint64_t first_sequence; /* of the record at `tail`, or of the next one */
    uint64_t next_sequence;
    uint32_t next_number; /* of a connection */
    struct trace_ring_counters counters;
};

static size_t length_of(size_t size)
{
    return (sizeof(struct stored) + size + 7) / 8 * 8;
}

struct trace_ring *trace_ring_init(void *memory, size_t size)
{
    KOMET_ASSERT(size >= TRACE_RING_MIN);
    size_t used = 0;
    struct trace_ring *ring = lay_out_take(memory, &used, sizeof *ring);
    *ring = (struct trace_ring){.connection_count = (unsigned)(size / TRACE_PER_OCTETS),
                                .first_sequence = 1,
                                .next_sequence = 1,
                                .next_number = 1};
    ring->connections = lay_out_take(memory, &used, ring->connection_count * sizeof ring->connections[0]);
    memset(ring->connections, 0, ring->connection_count * sizeof ring->connections[0]);
    KOMET_ASSERT(used + 4 * length_of(TRACE_PIECE_MAX) <= size);
    ring->octets = (uint8_t *)memory + used;
    ring->capacity = (size - used) / 8 * 8;
    return ring;
}

/* Octets from a position to the end of the memory. */
static size_t to_end(const struct trace_ring *ring, uint64_t position)
{
    return ring->capacity - (size_t)(position % ring->capacity);
}

static struct stored stored_at(const struct trace_ring *ring, uint64_t position)
{
    struct stored stored;
    memcpy(&stored, ring->octets + position % ring->capacity, sizeof stored);
    return stored;
}

/* The position of the record at or behind `position`: fillers are passed over. */
static uint64_t record_at(const struct trace_ring *ring, uint64_t position)
{
    if (position != ring->head &&
        (to_end(ring, position) < sizeof(struct stored) || stored_at(ring, position).kind == KIND_FILLER)) {
        position += to_end(ring, position);
    }
    KOMET_ASSERT(position <= ring->head);
    return position;
}

/* ---- writing ---- */

static void drop_oldest(struct trace_ring *ring)
{
    ring->tail = record_at(ring, ring->tail);
    if (ring->tail == ring->head) {
        return; /* what was left was a filler */
    }
    struct stored oldest = stored_at(ring, ring->tail);
    KOMET_ASSERT(oldest.slot < ring->connection_count && ring->connections[oldest.slot].records > 0);
    ring->connections[oldest.slot].records--;
    ring->tail += length_of(oldest.size);
    ring->first_sequence = oldest.sequence + 1;
    ring->counters.dropped++;
}

static void make_room(struct trace_ring *ring, size_t size)
{
    while (ring->head + size - ring->tail > ring->capacity) {
        drop_oldest(ring);
    }
}

static void write_record(struct trace_ring *ring, struct trace_connection *connection, struct komet_utc time,
                         enum trace_kind kind, enum komet_reason reason, const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(size <= TRACE_PIECE_MAX);
    struct stored stored = {.sequence = ring->next_sequence++,
                            .time_ms = time.ms,
                            .slot = (uint32_t)(connection - ring->connections),
                            .received = connection->received,
                            .sent = connection->sent,
                            .size = (uint16_t)size,
                            .kind = (uint8_t)kind,
                            .reason = (uint8_t)reason};
    size_t length = length_of(size), left = to_end(ring, ring->head);
    if (length > left) {
        make_room(ring, left);
        if (left >= sizeof stored) {
            struct stored filler = {.kind = KIND_FILLER};
            memcpy(ring->octets + ring->head % ring->capacity, &filler, sizeof filler);
        }
        ring->head += left;
    }
    make_room(ring, length);
    uint8_t *place = ring->octets + ring->head % ring->capacity;
    memcpy(place, &stored, sizeof stored);
    if (size > 0) {
        memcpy(place + sizeof stored, octets, size);
    }
    ring->head += length;
    connection->records++;
    ring->counters.records++;
}

/* A place that no record names. Those of connections that have ended become free with their oldest records.
 */
static struct trace_connection *find_place(struct trace_ring *ring)
{
    for (;;) {
        for (unsigned i = 0; i < ring->connection_count; i++) {
            if (!ring->connections[i].open && ring->connections[i].records == 0) {
                return &ring->connections[i];
            }
        }
        if (ring->tail == ring->head) {
            return NULL;
        }
        drop_oldest(ring);
    }
}

struct trace_connection *trace_ring_open(struct trace_ring *ring, struct komet_utc time, const char *line,
                                         bool sinaut, const struct trace_end *local,
                                         const struct trace_end *remote)
{
    struct trace_connection *connection = find_place(ring);
    if (connection == NULL) {
        ring->counters.unkept++;
        return NULL;
    }
    *connection = (struct trace_connection){
        .number = ring->next_number++, .local = *local, .remote = *remote, .sinaut = sinaut, .open = true};
    snprintf(connection->line, sizeof connection->line, "%s", line);
    write_record(ring, connection, time, TRACE_OPENED, KOMET_OK, NULL, 0);
    return connection;
}

void trace_ring_octets(struct trace_ring *ring, struct trace_connection *connection, struct komet_utc time,
                       bool sent, const uint8_t *octets, size_t size)
{
    while (connection != NULL && size > 0) {
        size_t piece = size < TRACE_PIECE_MAX ? size : TRACE_PIECE_MAX;
        write_record(ring, connection, time, sent ? TRACE_SENT : TRACE_RECEIVED, KOMET_OK, octets, piece);
        *(sent ? &connection->sent : &connection->received) += (uint32_t)piece;
        octets += piece;
        size -= piece;
    }
}

void trace_ring_close(struct trace_ring *ring, struct trace_connection *connection, struct komet_utc time,
                      enum komet_reason reason, bool by_us)
{
    if (connection != NULL) {
        KOMET_ASSERT(connection->open);
        write_record(ring, connection, time, by_us ? TRACE_ABORTED : TRACE_CLOSED, reason, NULL, 0);
        connection->open = false;
    }
}

void trace_ring_close_all(struct trace_ring *ring, struct komet_utc time, enum komet_reason reason)
{
    for (unsigned i = 0; i < ring->connection_count; i++) {
        if (ring->connections[i].open) {
            trace_ring_close(ring, &ring->connections[i], time, reason, true);
        }
    }
}

/* ---- reading ---- */

struct trace_cursor trace_ring_oldest(const struct trace_ring *ring)
{
    return (struct trace_cursor){.position = ring->tail, .sequence = ring->first_sequence};
}

struct trace_cursor trace_ring_newest(const struct trace_ring *ring)
{
    return (struct trace_cursor){.position = ring->head, .sequence = ring->next_sequence};
}

bool trace_ring_has_next(const struct trace_ring *ring, const struct trace_cursor *cursor)
{
    return cursor->sequence < ring->next_sequence;
}

bool trace_ring_next(const struct trace_ring *ring, struct trace_cursor *cursor, struct trace_record *record)
{
    if (!trace_ring_has_next(ring, cursor)) {
        return false;
    }
    if (cursor->sequence < ring->first_sequence) {
        cursor->lost += ring->first_sequence - cursor->sequence;
        cursor->sequence = ring->first_sequence;
        cursor->position = ring->tail;
    }
    cursor->position = record_at(ring, cursor->position);
    KOMET_ASSERT(cursor->position != ring->head);
    struct stored stored = stored_at(ring, cursor->position);
    KOMET_ASSERT(stored.sequence == cursor->sequence);
    *record = (struct trace_record){
        .sequence = stored.sequence,
        .kind = (enum trace_kind)stored.kind,
        .reason = (enum komet_reason)stored.reason,
        .time = {stored.time_ms},
        .connection = &ring->connections[stored.slot],
        .received = stored.received,
        .sent = stored.sent,
        .octets = ring->octets + cursor->position % ring->capacity + sizeof stored,
        .size = stored.size,
    };
    cursor->position += length_of(stored.size);
    cursor->sequence++;
    return true;
}

struct trace_ring_counters trace_ring_counters(const struct trace_ring *ring)
{
    return ring->counters;
}
