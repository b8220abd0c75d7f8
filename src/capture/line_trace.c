/* Keeps, for each connection, where both directions are; cuts them into APDUs, or wraps them into packets. */
#include "capture/line_trace.h"

#include <string.h>

#include "capture/capture.h"
#include "capture/packet_writer.h"
#include "komet/assert.h"

#define SEGMENT_MAX   1460u
#define PORTS_FROM    1024
#define SEQUENCE_STEP 16777619u /* between the first sequence numbers of two connections */

enum { RECEIVED, SENT };

struct entry {
    bool used, open;
    struct line_trace_connection of;
    uint16_t port;           /* of our end, in packets */
    uint32_t next[2];        /* octets of each direction so far */
    uint32_t first_sequence; /* of both sides: another one for each, so that none is taken for another */
    uint64_t touched;        /* when it had its last record */
    struct apdu_stream stream[2];
};

struct line_trace {
    struct entry entries[LINE_TRACE_CONNECTIONS];
    uint64_t clock;
    uint32_t first_sequence; /* of the newest connection */
    uint64_t missing;
    struct entry *entry; /* of the record that was fed last */
    struct line_trace_record record;
    uint32_t gap;    /* in front of the record's octets, not handed out yet */
    bool draining;   /* what is incomplete before a gap is still to come */
    size_t fed;      /* octets of the record that its stream took */
    unsigned broken; /* CLOSED, ABORTED: the direction that is drained; 2: none is left */
};

size_t line_trace_size(void)
{
    return sizeof(struct line_trace);
}

struct line_trace *line_trace_init(void *memory, size_t size)
{
    KOMET_ASSERT(size >= line_trace_size());
    struct line_trace *trace = memory;
    memset(trace, 0, sizeof *trace);
    trace->broken = 2;
    return trace;
}

static bool port_is_taken(const struct line_trace *trace, const struct entry *entry, uint16_t port)
{
    for (unsigned i = 0; i < LINE_TRACE_CONNECTIONS; i++) {
        const struct entry *other = &trace->entries[i];
        if (other != entry && other->open && other->port == port &&
            memcmp(other->of.local.address, entry->of.local.address, sizeof other->of.local.address) == 0 &&
            memcmp(other->of.remote.address, entry->of.remote.address, sizeof other->of.remote.address) ==
                0) {
            return true;
        }
    }
    return false;
}

/* Our end's own port, or the next one with which the connection looks like no other. */
static uint16_t choose_port(const struct line_trace *trace, const struct entry *entry)
{
    uint16_t port = entry->of.local.port;
    while (port == 0 || port == CAPTURE_PORT || port_is_taken(trace, entry, port)) {
        port = (uint16_t)(port == 0 || port == UINT16_MAX ? PORTS_FROM : port + 1);
    }
    return port;
}

static struct entry *find_entry(struct line_trace *trace, const struct line_trace_connection *connection,
                                const struct line_trace_record *record)
{
    struct entry *oldest = &trace->entries[0];
    for (unsigned i = 0; i < LINE_TRACE_CONNECTIONS; i++) {
        struct entry *entry = &trace->entries[i];
        if (entry->used && entry->of.source == connection->source && entry->of.number == connection->number) {
            return entry;
        }
        if (!entry->used || (oldest->used && entry->touched < oldest->touched)) {
            oldest = oldest->used ? entry : oldest;
        }
    }
    *oldest = (struct entry){
        .used = true, .open = true, .of = *connection, .next = {record->received, record->sent}};
    oldest->port = choose_port(trace, oldest);
    oldest->first_sequence = trace->first_sequence += SEQUENCE_STEP;
    apdu_stream_init(&oldest->stream[RECEIVED], record->received == 0);
    apdu_stream_init(&oldest->stream[SENT], record->sent == 0);
    return oldest;
}

static unsigned direction_of(const struct line_trace_record *record)
{
    return record->kind == LINE_TRACE_SENT ? SENT : RECEIVED;
}

static bool has_octets(const struct line_trace_record *record)
{
    return record->kind == LINE_TRACE_RECEIVED || record->kind == LINE_TRACE_SENT;
}

void line_trace_feed(struct line_trace *trace, const struct line_trace_connection *connection,
                     const struct line_trace_record *record)
{
    KOMET_ASSERT(record->size <= LINE_TRACE_RECORD_MAX);
    struct entry *entry = find_entry(trace, connection, record);
    unsigned direction = direction_of(record);
    entry->touched = ++trace->clock;
    trace->entry = entry;
    trace->record = *record;
    trace->fed = 0;
    trace->gap = 0;
    trace->draining = false;
    trace->broken = 2;
    if (has_octets(record)) {
        uint32_t at = direction == SENT ? record->sent : record->received;
        trace->gap = at - entry->next[direction];
        trace->missing += trace->gap;
        trace->draining = trace->gap > 0;
        entry->next[direction] = at + (uint32_t)record->size;
        if (trace->draining) {
            apdu_stream_break(&entry->stream[direction]);
        }
    } else if (record->kind != LINE_TRACE_OPENED) {
        trace->broken = 0;
        entry->open = false;
        apdu_stream_break(&entry->stream[RECEIVED]);
        apdu_stream_break(&entry->stream[SENT]);
    }
}

static bool next_of_stream(struct line_trace *trace, unsigned direction, struct line_trace_item *item)
{
    static const enum line_trace_item_kind kinds[] = {[APDU_STREAM_APDU] = LINE_TRACE_APDU,
                                                      [APDU_STREAM_MALFORMED] = LINE_TRACE_MALFORMED,
                                                      [APDU_STREAM_CUT] = LINE_TRACE_CUT};
    struct apdu_stream_item cut;
    if (!apdu_stream_next(&trace->entry->stream[direction], &cut)) {
        return false;
    }
    *item = (struct line_trace_item){.kind = kinds[cut.kind],
                                     .sent = direction == SENT,
                                     .reason = cut.reason,
                                     .apdu = cut.apdu,
                                     .octets = cut.octets,
                                     .size = cut.size,
                                     .profile = trace->entry->of.profile};
    return true;
}

bool line_trace_next(struct line_trace *trace, struct line_trace_item *item)
{
    for (; trace->broken < 2; trace->broken++) {
        if (next_of_stream(trace, trace->broken, item)) {
            return true;
        }
    }
    if (trace->entry == NULL || !has_octets(&trace->record)) {
        return false;
    }
    const struct line_trace_record *record = &trace->record;
    unsigned direction = direction_of(record);
    for (;;) {
        if (next_of_stream(trace, direction, item)) {
            return true;
        }
        if (trace->draining) {
            trace->draining = false;
            *item = (struct line_trace_item){
                .kind = LINE_TRACE_GAP, .sent = direction == SENT, .missing = trace->gap};
            return true;
        }
        if (trace->fed == record->size) {
            return false;
        }
        trace->fed += apdu_stream_feed(&trace->entry->stream[direction], record->octets + trace->fed,
                                       record->size - trace->fed);
    }
}

/* ---- packets ---- */

struct packets {
    const struct entry *entry;
    const struct line_trace_record *record;
    uint8_t *out;
    size_t size;
    unsigned count;
};

/* A segment at `offset` behind the octets that its direction had before the record. */
static void put_segment(struct packets *packets, unsigned direction, uint8_t flags, size_t offset,
                        size_t size)
{
    const struct entry *entry = packets->entry;
    const struct line_trace_record *record = packets->record;
    struct packet_endpoint local = entry->of.local, remote = entry->of.remote;
    uint32_t sent = entry->first_sequence + record->sent;
    uint32_t received = entry->first_sequence + record->received;
    local.port = entry->port;
    remote.port = CAPTURE_PORT;
    struct packet_segment segment = {.source = direction == SENT ? local : remote,
                                     .destination = direction == SENT ? remote : local,
                                     .sequence = (direction == SENT ? sent : received) + (uint32_t)offset,
                                     .acknowledgment = (flags & PACKET_TCP_ACK) == 0 ? 0
                                                       : direction == SENT           ? received
                                                                                     : sent,
                                     .flags = flags,
                                     .payload = size > 0 ? record->octets + offset : NULL,
                                     .size = size};
    packets->size += packet_writer_packet(&segment, record->time, packets->out + packets->size);
    packets->count++;
}

static void put_opening(struct packets *packets)
{
    put_segment(packets, SENT, PACKET_TCP_SYN, (size_t)-1, 0); /* the SYN is one in front of the octets */
    put_segment(packets, RECEIVED, PACKET_TCP_SYN | PACKET_TCP_ACK, (size_t)-1, 0);
    put_segment(packets, SENT, PACKET_TCP_ACK, 0, 0);
}

static void put_end(struct packets *packets)
{
    if (packets->record->kind == LINE_TRACE_ABORTED) {
        put_segment(packets, SENT, PACKET_TCP_RST | PACKET_TCP_ACK, 0, 0);
    } else if (!packets->record->orderly) {
        put_segment(packets, RECEIVED, PACKET_TCP_RST | PACKET_TCP_ACK, 0, 0);
    } else {
        put_segment(packets, RECEIVED, PACKET_TCP_FIN | PACKET_TCP_ACK, 0, 0);
        put_segment(packets, SENT, PACKET_TCP_FIN | PACKET_TCP_ACK, 0, 0);
    }
}

size_t line_trace_packets(const struct line_trace *trace, uint8_t *out, unsigned *packets)
{
    KOMET_ASSERT(trace->entry != NULL);
    const struct line_trace_record *record = &trace->record;
    struct packets made = {.entry = trace->entry, .record = record, .out = out};
    if (record->kind == LINE_TRACE_OPENED) {
        put_opening(&made);
    } else if (!has_octets(record)) {
        put_end(&made);
    } else {
        for (size_t at = 0; at < record->size; at += SEGMENT_MAX) {
            size_t left = record->size - at;
            put_segment(&made, direction_of(record), PACKET_TCP_ACK, at,
                        left < SEGMENT_MAX ? left : SEGMENT_MAX);
        }
    }
    *packets = made.count;
    return made.size;
}

uint64_t line_trace_missing(const struct line_trace *trace)
{
    return trace->missing;
}
