/*
 * Puts TCP segments in order. The work of one feed is done in small steps by tcp_streams_next (`stage`), so
 * that each event can be handed out without a queue: at most one is under way.
 */
#include "capture/tcp_stream.h"

#include <string.h>

#include "komet/assert.h"

#define NO_PIECE 0xFFFFu
/* Sequence numbers further than this from the expected one belong to another connection on the same ports,
 * whose SYN was not captured: no window is larger than 2^30, few are larger than 2^24. */
#define SEQUENCE_JUMP (1 << 24)

/* A part of a segment that waits for the hole before it. */
struct piece {
    uint32_t sequence;
    uint16_t size;
    uint16_t next; /* in order of sequence; or the next free one */
    struct komet_utc time;
    uint16_t microseconds;
    uint64_t packet;
    uint8_t octets[TCP_PIECE_SIZE];
};

struct direction {
    bool started;   /* `expected` is known */
    bool isn_known; /* a SYN was seen */
    bool acked_known;
    bool fin;
    uint16_t first;    /* waiting pieces, or NO_PIECE */
    uint32_t isn;      /* sequence number of the SYN */
    uint32_t expected; /* of the next octet to hand out */
    uint32_t acked;    /* the other side has all before it */
};

struct connection {
    bool used;
    bool ended;
    int opener;
    uint32_t number;
    uint64_t last_fed; /* for the rule of eviction */
    struct packet_endpoint ends[2];
    struct direction directions[2];
};

enum stage {
    STAGE_IDLE,
    STAGE_RETIRE,  /* hand out what the old connection in the slot has left */
    STAGE_OPEN,    /* make the new one */
    STAGE_DELIVER, /* the segment itself */
    STAGE_DRAIN,   /* what waited for it */
    STAGE_CLOSE,   /* hand out the rest: the connection ends */
    STAGE_FINISH   /* the same for one connection after the other: the file ended */
};

struct tcp_streams {
    struct tcp_stream_settings settings;
    struct connection *connections;
    struct piece *pieces;
    uint16_t free_piece;
    unsigned hit; /* slot of the last segment: most packets belong to one connection */
    uint64_t fed; /* segments so far */
    uint32_t opened;

    /* The work under way. */
    enum stage stage;
    unsigned slot;
    unsigned direction;
    size_t cut; /* octets that the capture cut off the segment just handed out */
    struct packet_segment segment;
    struct komet_utc time;
    uint16_t microseconds;
    uint64_t packet;
    struct tcp_stream_counters counters;
};

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static bool usable(const struct tcp_stream_settings *settings)
{
    return settings->connections_max >= 1 && settings->connections_max <= 65535 &&
           settings->segments_max >= 1 && settings->segments_max <= 65534;
}

size_t tcp_streams_size(const struct tcp_stream_settings *settings)
{
    KOMET_ASSERT(usable(settings));
    return aligned(sizeof(struct tcp_streams)) +
           aligned(settings->connections_max * sizeof(struct connection)) +
           aligned(settings->segments_max * sizeof(struct piece));
}

struct tcp_streams *tcp_streams_init(void *memory, size_t size, const struct tcp_stream_settings *settings)
{
    struct tcp_streams *streams = memory;
    uint8_t *at = memory;

    KOMET_ASSERT((uintptr_t)memory % 16 == 0);
    KOMET_ASSERT(size >= tcp_streams_size(settings));
    memset(streams, 0, sizeof *streams);
    streams->settings = *settings;
    at += aligned(sizeof *streams);
    streams->connections = (struct connection *)(void *)at;
    memset(at, 0, settings->connections_max * sizeof(struct connection));
    at += aligned(settings->connections_max * sizeof(struct connection));
    streams->pieces = (struct piece *)(void *)at;
    for (unsigned i = 0; i < settings->segments_max; i++) {
        streams->pieces[i].next = (uint16_t)(i + 1 < settings->segments_max ? i + 1 : NO_PIECE);
    }
    return streams;
}

/* Which direction of the connection the segment belongs to, or -1. */
static int direction_of(const struct connection *connection, const struct packet_segment *segment)
{
    for (int d = 0; connection->used && d < 2; d++) {
        if (packet_endpoint_equal(&segment->source, &connection->ends[d]) &&
            packet_endpoint_equal(&segment->destination, &connection->ends[1 - d])) {
            return d;
        }
    }
    return -1;
}

/* The slot of the segment's connection, or connections_max. */
static unsigned find_slot(const struct tcp_streams *streams, const struct packet_segment *segment)
{
    unsigned slot;

    if (direction_of(&streams->connections[streams->hit], segment) >= 0) {
        return streams->hit;
    }
    for (slot = 0; slot < streams->settings.connections_max; slot++) {
        if (direction_of(&streams->connections[slot], segment) >= 0) {
            break;
        }
    }
    return slot;
}

bool tcp_streams_known(const struct tcp_streams *streams, const struct packet_segment *segment)
{
    return find_slot(streams, segment) < streams->settings.connections_max;
}

/* An unused slot, else the one that was silent longest. */
static unsigned choose_slot(struct tcp_streams *streams)
{
    unsigned oldest = 0;

    for (unsigned slot = 0; slot < streams->settings.connections_max; slot++) {
        const struct connection *connection = &streams->connections[slot];
        if (!connection->used) {
            return slot;
        }
        if (connection->last_fed < streams->connections[oldest].last_fed) {
            oldest = slot;
        }
    }
    streams->counters.evicted += !streams->connections[oldest].ended;
    return oldest;
}

static int32_t distance(uint32_t to, uint32_t from)
{
    return (int32_t)(to - from);
}

/* True when a SYN does not belong to the connection that is in the table: a new one begins on its ports. */
static bool begins_anew(const struct connection *connection, int direction,
                        const struct packet_segment *segment)
{
    const struct direction *mine = &connection->directions[direction];

    if ((segment->flags & PACKET_TCP_SYN) == 0) {
        return false;
    }
    if (mine->isn_known && mine->isn == segment->sequence) {
        return false; /* the same SYN again */
    }
    return mine->started;
}

/* What SYN, ACK, FIN and RST tell, before the payload. */
static void read_flags(struct tcp_streams *streams, struct connection *connection)
{
    struct packet_segment *segment = &streams->segment;
    struct direction *mine = &connection->directions[streams->direction];
    struct direction *other = &connection->directions[1 - streams->direction];

    if (segment->flags & PACKET_TCP_SYN) {
        bool answer = (segment->flags & PACKET_TCP_ACK) != 0;
        if (!mine->started) {
            mine->started = mine->isn_known = true;
            mine->isn = segment->sequence;
            mine->expected = segment->sequence + 1;
            connection->opener = (int)(answer ? 1 - streams->direction : streams->direction);
        }
        segment->sequence++; /* the SYN itself takes one number; payload may follow it */
    } else if (!mine->started && (segment->flags & PACKET_TCP_RST) == 0) {
        mine->started = true;
        mine->expected = segment->sequence;
    }
    if ((segment->flags & PACKET_TCP_ACK) && other->started &&
        (!other->acked_known || distance(segment->acknowledgment, other->acked) > 0)) {
        other->acked_known = true;
        other->acked = segment->acknowledgment;
    }
    mine->fin = mine->fin || (segment->flags & PACKET_TCP_FIN);
}

void tcp_streams_feed(struct tcp_streams *streams, const struct packet_segment *segment,
                      struct komet_utc time, uint16_t microseconds, uint64_t packet)
{
    struct connection *connection;
    int direction = 0;

    KOMET_ASSERT(streams->stage == STAGE_IDLE);
    streams->segment = *segment;
    streams->time = time;
    streams->microseconds = microseconds;
    streams->packet = packet;
    streams->cut = 0;
    streams->fed++;
    streams->counters.segments++;

    streams->slot = find_slot(streams, segment);
    streams->stage = STAGE_DELIVER;
    if (streams->slot == streams->settings.connections_max) {
        streams->slot = choose_slot(streams);
        connection = &streams->connections[streams->slot];
        streams->stage = connection->used ? STAGE_RETIRE : STAGE_OPEN;
    } else {
        connection = &streams->connections[streams->slot];
        direction = direction_of(connection, segment);
        KOMET_ASSERT(direction >= 0);
        if (begins_anew(connection, direction, segment)) {
            streams->stage = STAGE_RETIRE;
            direction = 0;
        }
    }
    streams->direction = (unsigned)direction;
    if (streams->stage == STAGE_DELIVER) {
        read_flags(streams, connection);
    }
    streams->hit = streams->slot;
    connection->last_fed = streams->fed;
}

static void fill_event(const struct tcp_streams *streams, enum tcp_event_kind kind, struct tcp_event *event)
{
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->slot = streams->slot;
    event->connection = streams->connections[streams->slot].number;
    event->direction = streams->direction;
    event->time = streams->time;
    event->microseconds = streams->microseconds;
    event->packet = streams->packet;
}

static void fill_gap(struct tcp_streams *streams, unsigned direction, size_t missing, struct tcp_event *event)
{
    fill_event(streams, TCP_EVENT_GAP, event);
    event->direction = direction;
    event->size = missing;
    streams->counters.gaps++;
    streams->counters.octets_missing += missing;
}

static void free_first(struct tcp_streams *streams, struct direction *direction)
{
    uint16_t index = direction->first;

    KOMET_ASSERT(index < streams->settings.segments_max);
    direction->first = streams->pieces[index].next;
    streams->pieces[index].next = streams->free_piece;
    streams->free_piece = index;
}

/* Hands out waiting pieces of one direction as far as they follow without a hole, or over holes with `force`.
 */
static bool drain_direction(struct tcp_streams *streams, unsigned d, bool force, struct tcp_event *event)
{
    struct direction *direction = &streams->connections[streams->slot].directions[d];

    while (direction->first != NO_PIECE) {
        const struct piece *piece = &streams->pieces[direction->first];
        int32_t ahead = distance(piece->sequence, direction->expected);
        bool given_up = force || (direction->acked_known && distance(direction->acked, piece->sequence) >= 0);

        if (ahead > 0) {
            if (!given_up) {
                return false;
            }
            direction->expected = piece->sequence;
            fill_gap(streams, d, (size_t)ahead, event);
            return true;
        }
        free_first(streams, direction); /* its octets stay until another piece is stored */
        if (-ahead >= (int32_t)piece->size) {
            streams->counters.retransmitted++;
            continue;
        }
        streams->counters.overlapped += ahead < 0;
        fill_event(streams, TCP_EVENT_OCTETS, event);
        event->direction = d;
        event->octets = piece->octets - ahead;
        event->size = (size_t)(piece->size + ahead);
        event->time = piece->time;
        event->microseconds = piece->microseconds;
        event->packet = piece->packet;
        direction->expected += (uint32_t)event->size;
        return true;
    }
    return false;
}

static bool drain(struct tcp_streams *streams, bool force, struct tcp_event *event)
{
    return drain_direction(streams, 0, force, event) || drain_direction(streams, 1, force, event);
}

static void open_connection(struct tcp_streams *streams)
{
    struct connection *connection = &streams->connections[streams->slot];

    KOMET_ASSERT(!connection->used || connection->directions[0].first == NO_PIECE);
    KOMET_ASSERT(!connection->used || connection->directions[1].first == NO_PIECE);
    memset(connection, 0, sizeof *connection);
    connection->used = true;
    connection->opener = -1;
    connection->number = ++streams->opened;
    connection->last_fed = streams->fed;
    connection->ends[0] = streams->segment.source;
    connection->ends[1] = streams->segment.destination;
    connection->directions[0].first = NO_PIECE;
    connection->directions[1].first = NO_PIECE;
    streams->direction = 0;
    streams->counters.connections++;
}

/* Pieces of the direction and of the pool that a segment of `size` octets takes. */
static bool pool_has(const struct tcp_streams *streams, size_t size)
{
    size_t needed = (size + TCP_PIECE_SIZE - 1) / TCP_PIECE_SIZE;

    for (uint16_t i = streams->free_piece; i != NO_PIECE && needed > 0; i = streams->pieces[i].next) {
        needed--;
    }
    return needed == 0;
}

/* Stores one piece in its place; a later copy of the same octets is dropped. */
static void store_piece(struct tcp_streams *streams, struct direction *direction, uint32_t sequence,
                        const uint8_t *octets, size_t size)
{
    uint16_t *link = &direction->first;
    uint16_t index = streams->free_piece;
    struct piece *piece;

    KOMET_ASSERT(size > 0 && size <= TCP_PIECE_SIZE);
    KOMET_ASSERT(index != NO_PIECE);
    while (*link != NO_PIECE && distance(streams->pieces[*link].sequence, sequence) <= 0) {
        const struct piece *before = &streams->pieces[*link];
        if (distance(before->sequence + before->size, sequence + (uint32_t)size) >= 0) {
            streams->counters.retransmitted++;
            return;
        }
        link = &streams->pieces[*link].next;
    }
    piece = &streams->pieces[index];
    streams->free_piece = piece->next;
    piece->next = *link;
    *link = index;
    piece->sequence = sequence;
    piece->size = (uint16_t)size;
    piece->time = streams->time;
    piece->microseconds = streams->microseconds;
    piece->packet = streams->packet;
    memcpy(piece->octets, octets, size);
}

static void store_segment(struct tcp_streams *streams, struct direction *direction)
{
    const struct packet_segment *segment = &streams->segment;

    streams->counters.out_of_order++;
    for (size_t at = 0; at < segment->size; at += TCP_PIECE_SIZE) {
        size_t size = segment->size - at < TCP_PIECE_SIZE ? segment->size - at : TCP_PIECE_SIZE;
        store_piece(streams, direction, segment->sequence + (uint32_t)at, segment->payload + at, size);
    }
}

/* The segment's payload. Returns true with an event; the stage says whether there is more of the segment. */
static bool deliver(struct tcp_streams *streams, struct tcp_event *event)
{
    struct packet_segment *segment = &streams->segment;
    struct direction *mine = &streams->connections[streams->slot].directions[streams->direction];
    int32_t ahead = distance(segment->sequence, mine->expected);

    if (segment->size == 0) {
        if (ahead == 0) { /* maybe the capture has nothing but the headers */
            streams->cut += segment->cut;
            segment->cut = 0;
        }
        return false;
    }
    if (ahead > SEQUENCE_JUMP || ahead < -SEQUENCE_JUMP) {
        if (drain_direction(streams, streams->direction, true, event)) {
            return true;
        }
        mine->expected = segment->sequence;
        mine->acked_known = false;
        fill_gap(streams, streams->direction, 0, event);
        return true;
    }
    if (-(int64_t)ahead >= (int64_t)segment->size) {
        streams->counters.retransmitted++;
        segment->size = segment->cut = 0;
        return false;
    }
    streams->connections[streams->slot].ended = false; /* octets behind the end: it will end again */
    if (ahead > 0) {
        if (pool_has(streams, segment->size)) {
            store_segment(streams, mine);
            segment->size = segment->cut = 0;
            return false;
        }
        if (!drain_direction(streams, streams->direction, true, event)) {
            mine->expected = segment->sequence;
            fill_gap(streams, streams->direction, (size_t)ahead, event);
        }
        streams->counters.pool_full += event->kind == TCP_EVENT_GAP;
        return true;
    }
    streams->counters.overlapped += ahead < 0;
    fill_event(streams, TCP_EVENT_OCTETS, event);
    event->octets = segment->payload - ahead;
    event->size = segment->size - (size_t)-ahead;
    mine->expected += (uint32_t)event->size;
    segment->sequence = mine->expected;
    segment->size = 0;
    return true;
}

/* After the payload: the hole that a short snapshot length left is known at once. */
static bool report_cut(struct tcp_streams *streams, struct tcp_event *event)
{
    struct direction *mine = &streams->connections[streams->slot].directions[streams->direction];

    if (streams->cut == 0) {
        return false;
    }
    mine->expected += (uint32_t)streams->cut;
    fill_gap(streams, streams->direction, streams->cut, event);
    streams->cut = 0;
    return true;
}

static bool is_over(const struct tcp_streams *streams)
{
    const struct connection *connection = &streams->connections[streams->slot];

    return (streams->segment.flags & PACKET_TCP_RST) ||
           (connection->directions[0].fin && connection->directions[1].fin && !connection->ended);
}

/* The end of the file: one connection after the other. */
static bool finish(struct tcp_streams *streams, struct tcp_event *event)
{
    while (streams->slot < streams->settings.connections_max) {
        struct connection *connection = &streams->connections[streams->slot];
        if (connection->used && drain(streams, true, event)) {
            return true;
        }
        if (connection->used && !connection->ended) {
            connection->ended = true;
            fill_event(streams, TCP_EVENT_ENDED, event);
            return true;
        }
        streams->slot++;
    }
    streams->slot = 0;
    streams->stage = STAGE_IDLE;
    return false;
}

void tcp_streams_end(struct tcp_streams *streams)
{
    KOMET_ASSERT(streams->stage == STAGE_IDLE);
    streams->stage = STAGE_FINISH;
    streams->slot = 0;
    streams->direction = 0;
}

bool tcp_streams_next(struct tcp_streams *streams, struct tcp_event *event)
{
    while (streams->stage != STAGE_IDLE) {
        struct connection *connection = &streams->connections[streams->slot];

        switch (streams->stage) {
        case STAGE_IDLE:
            break;
        case STAGE_RETIRE:
            if (drain(streams, true, event)) {
                return true;
            }
            streams->stage = STAGE_OPEN;
            if (!connection->ended) {
                connection->ended = true;
                fill_event(streams, TCP_EVENT_ENDED, event);
                return true;
            }
            break;
        case STAGE_OPEN:
            open_connection(streams);
            streams->stage = STAGE_DELIVER;
            read_flags(streams, connection);
            fill_event(streams, TCP_EVENT_OPENED, event);
            return true;
        case STAGE_DELIVER:
            if (deliver(streams, event) || report_cut(streams, event)) {
                return true;
            }
            streams->stage = STAGE_DRAIN;
            break;
        case STAGE_DRAIN:
            if (drain(streams, false, event)) {
                return true;
            }
            streams->stage = is_over(streams) ? STAGE_CLOSE : STAGE_IDLE;
            break;
        case STAGE_CLOSE:
            if (drain(streams, true, event)) {
                return true;
            }
            streams->stage = STAGE_IDLE;
            if (!connection->ended) {
                connection->ended = true;
                fill_event(streams, TCP_EVENT_ENDED, event);
                return true;
            }
            break;
        case STAGE_FINISH:
            return finish(streams, event);
        }
    }
    return false;
}

const struct packet_endpoint *tcp_streams_ends(const struct tcp_streams *streams, unsigned slot)
{
    KOMET_ASSERT(slot < streams->settings.connections_max);
    KOMET_ASSERT(streams->connections[slot].used);
    return streams->connections[slot].ends;
}

int tcp_streams_opener(const struct tcp_streams *streams, unsigned slot)
{
    KOMET_ASSERT(slot < streams->settings.connections_max);
    return streams->connections[slot].opener;
}

struct tcp_stream_counters tcp_streams_counters(const struct tcp_streams *streams)
{
    return streams->counters;
}
