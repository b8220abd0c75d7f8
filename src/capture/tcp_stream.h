/*
 * TCP streams: segments in, the octets of each direction in order out.
 *
 * A table of connections; each has two directions, 0 from `ends[0]` to `ends[1]` and 1 back. Segments that
 * come out of order wait in a common pool until the hole before them is filled. A hole that will not be
 * filled any more is reported as a gap, and the stream goes on behind it. It will not be filled when
 *   - the other side has acknowledged octets behind it: the receiver has them, the capture has not;
 *   - the connection ends (RST, both FIN, a new SYN, the end of the file), or
 *   - the pool has no room for another segment of this direction.
 * What comes twice (retransmissions, overlaps) is dropped: the first copy stands.
 *
 *     if (tcp_streams_known(streams, &segment) || you want it) {
 *         tcp_streams_feed(streams, &segment, time, microseconds, number);
 *         while (tcp_streams_next(streams, &event)) { use it }
 *     }
 *     tcp_streams_end(streams); while (tcp_streams_next(…)) …
 *
 * Bounds: `connections_max`, rule: the connection that was silent longest makes room for a new one, counted
 * in `evicted`. `segments_max` waiting pieces of TCP_PIECE_SIZE octets, rule as above, counted in
 * `pool_full`.
 */
#ifndef KOMET_CAPTURE_TCP_STREAM_H
#define KOMET_CAPTURE_TCP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/packet_headers.h"
#include "komet/time.h"

#define TCP_PIECE_SIZE                                                                                       \
    1460u /* the payload of a full Ethernet frame; a larger segment takes several pieces                     \
           */

struct tcp_stream_settings {
    unsigned connections_max; /* 1..65535 */
    unsigned segments_max;    /* 1..65534 */
};

enum tcp_event_kind {
    TCP_EVENT_OPENED, /* `slot` holds a new connection now */
    TCP_EVENT_OCTETS, /* octets of a direction, in order */
    TCP_EVENT_GAP,    /* octets of a direction are missing here */
    TCP_EVENT_ENDED   /* no more octets of this connection; it may come more than once */
};

struct tcp_event {
    enum tcp_event_kind kind;
    unsigned slot;         /* place in the table, 0..connections_max-1; another connection takes it later */
    uint32_t connection;   /* the how-manieth connection, from 1; never used again */
    unsigned direction;    /* OCTETS, GAP: 0 or 1, whose octets */
    const uint8_t *octets; /* OCTETS; borrowed until the next call */
    size_t size;           /* OCTETS: how many; GAP: how many are missing, 0 when that is not known */
    struct komet_utc time; /* when the packet with these octets was captured */
    uint16_t microseconds; /* 0..999 on top */
    uint64_t packet;       /* number of that packet in the file */
};

struct tcp_stream_counters {
    uint64_t segments;       /* fed */
    uint64_t connections;    /* opened */
    uint64_t evicted;        /* made room while not ended */
    uint64_t retransmitted;  /* segments or pieces dropped whole: all their octets had come before */
    uint64_t overlapped;     /* of which a first part had come before */
    uint64_t out_of_order;   /* segments that had to wait */
    uint64_t pool_full;      /* times a gap was declared because the pool was full */
    uint64_t gaps;           /* holes reported */
    uint64_t octets_missing; /* in these, as far as known */
};

struct tcp_streams; /* opaque; lives in the caller's memory */

/* Octets of memory that streams with these settings need, all in. */
size_t tcp_streams_size(const struct tcp_stream_settings *settings);

/*
 * Makes an empty table.
 *   memory, size  taken until the caller drops the streams; aligned for any object; size as tcp_streams_size
 *   settings      copied; out of range is the caller's mistake (asserted)
 */
struct tcp_streams *tcp_streams_init(void *memory, size_t size, const struct tcp_stream_settings *settings);

/* True when the segment's connection is in the table. */
bool tcp_streams_known(const struct tcp_streams *streams, const struct packet_segment *segment);

/*
 * Takes one segment; makes a connection for it when it has none.
 *   segment             its payload is borrowed until tcp_streams_next has returned false
 *   time, microseconds  when it was captured; packet: its number in the file
 * The caller calls tcp_streams_next until it is false before it feeds the next one (asserted).
 */
void tcp_streams_feed(struct tcp_streams *streams, const struct packet_segment *segment,
                      struct komet_utc time, uint16_t microseconds, uint64_t packet);

/* No more segments come: what waits is handed out, with the gaps before it, and every connection ends. */
void tcp_streams_end(struct tcp_streams *streams);

/* Hands out the next event; false when there is none. */
bool tcp_streams_next(struct tcp_streams *streams, struct tcp_event *event);

/* The two ends of the connection in a slot; borrowed until the next feed. */
const struct packet_endpoint *tcp_streams_ends(const struct tcp_streams *streams, unsigned slot);

/* Which direction's sender opened the connection (sent the SYN): 0, 1, or -1 when the capture began later. */
int tcp_streams_opener(const struct tcp_streams *streams, unsigned slot);

struct tcp_stream_counters tcp_streams_counters(const struct tcp_streams *streams);

#endif
