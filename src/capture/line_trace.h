/*
 * Line trace: the records of LNTRACE, from any number of connections and sources, made into APDUs and into
 * packets.
 *
 *     line_trace_feed(trace, &connection, &record);
 *     while (line_trace_next(trace, &item)) { print it }
 *     size = line_trace_packets(trace, &record, out);           or: the same as packets of a capture file
 *
 * Octets that are missing between two records (the reader was too slow, or they made room) are reported as a
 * gap, and left out of the packets' sequence numbers, as where a capture has missed them.
 *
 * In packets the station's port is CAPTURE_PORT, whatever it really is, because that is how other programs
 * know 104; the other end's port is changed only where two connections would look the same.
 *
 * Bound: LINE_TRACE_CONNECTIONS; that whose last record is the oldest makes room.
 */
#ifndef KOMET_CAPTURE_LINE_TRACE_H
#define KOMET_CAPTURE_LINE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/apdu_stream.h"
#include "capture/packet_headers.h"
#include "komet/asdu.h"
#include "komet/time.h"

#define LINE_TRACE_CONNECTIONS 256
#define LINE_TRACE_RECORD_MAX  65536u /* octets of a record */
/* Room for the packets of a record. */
#define LINE_TRACE_PACKETS_SIZE (2 * LINE_TRACE_RECORD_MAX)

struct line_trace; /* opaque; lives in the caller's memory */

enum line_trace_kind { /* numbers as in komet.proto */
                       LINE_TRACE_OPENED = 1,
                       LINE_TRACE_RECEIVED = 2,
                       LINE_TRACE_SENT = 3,
                       LINE_TRACE_CLOSED = 4, /* by the other end, or by the network */
                       LINE_TRACE_ABORTED = 5 /* by us */
};

struct line_trace_connection {
    uint64_t source; /* the caller's: which run of which instance */
    uint32_t number; /* of that run */
    struct packet_endpoint local, remote;
    const struct komet_profile *profile; /* borrowed for ever */
};

struct line_trace_record {
    enum line_trace_kind kind;
    bool orderly; /* CLOSED: the other end closed it, rather than let go of it */
    struct komet_utc time;
    uint32_t received, sent; /* octets of the connection before this, modulo 2^32 */
    const uint8_t *octets;   /* borrowed until line_trace_next is false */
    size_t size;             /* 0..LINE_TRACE_RECORD_MAX */
};

enum line_trace_item_kind { LINE_TRACE_APDU, LINE_TRACE_MALFORMED, LINE_TRACE_CUT, LINE_TRACE_GAP };

struct line_trace_item {
    enum line_trace_item_kind kind;
    bool sent;                /* else received */
    enum komet_reason reason; /* MALFORMED */
    struct komet_apdu apdu;   /* APDU */
    const uint8_t *octets;    /* borrowed until the next feed; NULL for a GAP */
    size_t size;
    uint32_t missing; /* GAP */
    const struct komet_profile *profile;
};

size_t line_trace_size(void);
/* `memory`, `size`: taken until the caller drops the trace; aligned for any object. */
struct line_trace *line_trace_init(void *memory, size_t size);

/* Takes a record; `connection` is copied at its first one. line_trace_next is drained before. */
void line_trace_feed(struct line_trace *trace, const struct line_trace_connection *connection,
                     const struct line_trace_record *record);
bool line_trace_next(struct line_trace *trace, struct line_trace_item *item);

/* The packets of the record that was fed last, as they stand in a capture file behind its head. `out`:
 * LINE_TRACE_PACKETS_SIZE octets. Returns the octets written; `packets` counts them. */
size_t line_trace_packets(const struct line_trace *trace, uint8_t *out, unsigned *packets);

/* Octets that were missing so far. */
uint64_t line_trace_missing(const struct line_trace *trace);

#endif
