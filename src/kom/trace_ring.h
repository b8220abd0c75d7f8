/*
 * trace_ring: the newest raw traffic of all lines of a process, both ways, in a bounded piece of memory.
 *
 * It is always written and costs a copy of the octets. When it is full, the oldest records make room, and are
 * counted. A reader has a cursor of its own: one that is too slow finds that records were dropped, and how
 * many; nobody ever waits for a reader.
 *
 *     trace_ring_open(ring, …);                             a connection begins
 *     trace_ring_octets(ring, connection, …);               what came and what was sent
 *     trace_ring_close(ring, connection, …);
 *     while (trace_ring_next(ring, &cursor, &record)) { use it }
 */
#ifndef KOM_TRACE_RING_H
#define KOM_TRACE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/reason.h"
#include "komet/time.h"

#define TRACE_RING_MIN   65536u /* octets of the smallest ring */
#define TRACE_PIECE_MAX  4096u  /* octets of one record; more become several */
#define TRACE_LINE_SIZE  128    /* name of a line, the closing zero included; a longer one is cut */
#define TRACE_PER_OCTETS 8192u  /* the ring has room for a connection for so many octets of its memory */

struct trace_ring; /* opaque; lives in the caller's memory */

/* One end of a TCP connection. */
struct trace_end {
    uint8_t family;      /* 4 or 6; 0: not known */
    uint8_t address[16]; /* IPv4: the first four */
    uint16_t port;
};

/* What all records of a connection have in common. */
struct trace_connection {
    uint32_t number; /* of this ring, from 1 */
    char line[TRACE_LINE_SIZE];
    struct trace_end local, remote;
    bool sinaut; /* order of the octets of addresses */
    /* The ring's own. */
    bool open;
    uint32_t received, sent; /* octets so far, modulo 2^32 */
    uint32_t records;        /* in the ring */
};

enum trace_kind { /* numbers as in komet.proto */
                  TRACE_OPENED = 1,
                  TRACE_RECEIVED = 2,
                  TRACE_SENT = 3,
                  TRACE_CLOSED = 4, /* by the other end, or by the network */
                  TRACE_ABORTED = 5 /* by us */
};

struct trace_record {
    uint64_t sequence; /* of this ring, from 1, without holes */
    enum trace_kind kind;
    enum komet_reason reason; /* CLOSED, ABORTED */
    struct komet_utc time;
    const struct trace_connection *connection; /* borrowed until the ring is written again, as the octets */
    uint32_t received, sent;                   /* octets of the connection before this record, modulo 2^32 */
    const uint8_t *octets;
    size_t size;
};

struct trace_cursor {
    uint64_t position, sequence; /* the ring's own */
    uint64_t lost;               /* records dropped before this reader took them */
};

struct trace_ring_counters {
    uint64_t records, dropped; /* written; of these made room */
    uint64_t unkept;           /* connections without a place: more are open than the ring has room for */
};

/* `memory`, `size`: taken until the caller drops the ring; aligned for any object, at least TRACE_RING_MIN
 * octets: all that it will ever take. */
struct trace_ring *trace_ring_init(void *memory, size_t size);

/* A connection begins. `line`, `local`, `remote` are copied. NULL: it has no place and is not kept; the
 * functions below then do nothing. */
struct trace_connection *trace_ring_open(struct trace_ring *ring, struct komet_utc time, const char *line,
                                         bool sinaut, const struct trace_end *local,
                                         const struct trace_end *remote);
/* Octets came (`sent` false) or were given to TCP. Copied. */
void trace_ring_octets(struct trace_ring *ring, struct trace_connection *connection, struct komet_utc time,
                       bool sent, const uint8_t *octets, size_t size);
/* It has ended; `connection` is not to be used any more. */
void trace_ring_close(struct trace_ring *ring, struct trace_connection *connection, struct komet_utc time,
                      enum komet_reason reason, bool by_us);

/* All that are open have ended, by us. */
void trace_ring_close_all(struct trace_ring *ring, struct komet_utc time, enum komet_reason reason);

/* A cursor in front of the oldest record, or behind the newest. */
struct trace_cursor trace_ring_oldest(const struct trace_ring *ring);
struct trace_cursor trace_ring_newest(const struct trace_ring *ring);
/* True when trace_ring_next has a record. */
bool trace_ring_has_next(const struct trace_ring *ring, const struct trace_cursor *cursor);
/* The record behind the cursor, which moves over it; false when there is none. */
bool trace_ring_next(const struct trace_ring *ring, struct trace_cursor *cursor, struct trace_record *record);

struct trace_ring_counters trace_ring_counters(const struct trace_ring *ring);

#endif
