/* Joins packet file, headers, TCP streams and APDU streams. Each asks the one before it when it has nothing.
 */
#include "capture/capture.h"

#include <string.h>

#include "capture/apdu_stream.h"
#include "komet/asdu.h"
#include "komet/assert.h"

struct capture {
    struct capture_settings settings;
    struct packet_file file;
    struct tcp_streams *streams;
    struct apdu_stream *apdus; /* two a slot: one a direction */
    int8_t *stations;          /* one a slot: the direction that the station sends, -1 not known */
    bool ending;               /* the caller has no more input */
    bool streams_ended;

    /* The event of the streams under way. */
    struct tcp_event event;
    size_t fed;        /* octets of it that its APDU stream took */
    bool active;       /* it is not done */
    unsigned to_drain; /* ENDED: the direction to be asked for its rest */
    struct capture_counters counters;
};

struct capture_settings capture_settings_standard(void)
{
    return (struct capture_settings){
        .port = 0, .connections_max = 256, .segments_max = 1024, .packet_size_max = 256u << 10};
}

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static struct tcp_stream_settings stream_settings(const struct capture_settings *settings)
{
    return (struct tcp_stream_settings){.connections_max = settings->connections_max,
                                        .segments_max = settings->segments_max};
}

size_t capture_size(const struct capture_settings *settings)
{
    struct tcp_stream_settings streams = stream_settings(settings);

    KOMET_ASSERT(settings->packet_size_max >= PACKET_FILE_BUFFER_MIN);
    KOMET_ASSERT(settings->packet_size_max <= PACKET_FILE_RECORD_MAX);
    return aligned(sizeof(struct capture)) + aligned(tcp_streams_size(&streams)) +
           aligned(2 * settings->connections_max * sizeof(struct apdu_stream)) +
           aligned(settings->connections_max) + aligned(settings->packet_size_max);
}

struct capture *capture_init(void *memory, size_t size, const struct capture_settings *settings)
{
    struct tcp_stream_settings streams = stream_settings(settings);
    struct capture *capture = memory;
    uint8_t *at = memory;

    KOMET_ASSERT((uintptr_t)memory % 16 == 0);
    KOMET_ASSERT(size >= capture_size(settings));
    memset(capture, 0, sizeof *capture);
    capture->settings = *settings;
    at += aligned(sizeof *capture);
    capture->streams = tcp_streams_init(at, tcp_streams_size(&streams), &streams);
    at += aligned(tcp_streams_size(&streams));
    capture->apdus = (struct apdu_stream *)(void *)at;
    at += aligned(2 * settings->connections_max * sizeof(struct apdu_stream));
    capture->stations = (int8_t *)at;
    at += aligned(settings->connections_max);
    packet_file_init(&capture->file, at, settings->packet_size_max);
    return capture;
}

size_t capture_feed(struct capture *capture, const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(!capture->ending);
    KOMET_ASSERT(!capture->active); /* the caller has asked for all that was there */
    return packet_file_feed(&capture->file, octets, size);
}

void capture_end(struct capture *capture)
{
    KOMET_ASSERT(!capture->ending);
    capture->ending = true;
    packet_file_end(&capture->file);
}

/* True when the segment's payload is whole APDUs from its first octet to its last. */
static bool looks_like_apdus(const struct packet_segment *segment)
{
    struct komet_apdu apdu;
    size_t consumed = 1;
    size_t at = 0;

    while (at < segment->size && consumed > 0) {
        if (komet_apdu_decode(segment->payload + at, segment->size - at, true, &apdu, &consumed) !=
            KOMET_OK) {
            return false;
        }
        at += consumed;
    }
    return at > 0 && at == segment->size;
}

static bool is_wanted(const struct capture *capture, const struct packet_segment *segment)
{
    uint16_t port = capture->settings.port != 0 ? capture->settings.port : CAPTURE_PORT;

    if (segment->source.port == port || segment->destination.port == port) {
        return true;
    }
    if (capture->settings.port != 0) {
        return false;
    }
    return tcp_streams_known(capture->streams, segment) || looks_like_apdus(segment);
}

/* Takes packets from the file until one is for the streams; false when the file has none. */
static bool next_segment(struct capture *capture)
{
    struct packet packet;
    struct packet_segment segment;

    while (packet_file_next(&capture->file, &packet)) {
        enum packet_headers_result result =
            packet_headers_read(packet.link_type, packet.octets, packet.size, &segment);
        capture->counters.results[result]++;
        if (result != PACKET_TCP) {
            continue;
        }
        if (!is_wanted(capture, &segment)) {
            capture->counters.other_connections++;
            continue;
        }
        tcp_streams_feed(capture->streams, &segment, packet.time, packet.microseconds, packet.number);
        return true;
    }
    return false;
}

/* What the ports and the handshake say about who is the station. */
static int8_t station_of(const struct capture *capture, unsigned slot)
{
    const struct packet_endpoint *ends = tcp_streams_ends(capture->streams, slot);
    uint16_t port = capture->settings.port != 0 ? capture->settings.port : CAPTURE_PORT;
    int opener = tcp_streams_opener(capture->streams, slot);

    if ((ends[0].port == port) != (ends[1].port == port)) {
        return ends[0].port == port ? 0 : 1;
    }
    return (int8_t)(opener < 0 ? -1 : 1 - opener);
}

/* What an APDU says about it: true when its sender is the station, *known false when it says nothing. */
static bool sender_is_station(const struct komet_apdu *apdu, bool *known)
{
    const struct komet_type_row *row;

    *known = true;
    switch (apdu->function) {
    case KOMET_U_STARTDT_CON:
    case KOMET_U_STOPDT_CON:
        return true;
    case KOMET_U_STARTDT_ACT:
    case KOMET_U_STOPDT_ACT:
        return false;
    case KOMET_U_TESTFR_ACT:
    case KOMET_U_TESTFR_CON:
    case KOMET_U_NONE:
        break;
    }
    row = apdu->asdu_size > 0 ? komet_type_find(apdu->asdu[0]) : NULL;
    *known = row != NULL && row->direction == KOMET_MONITOR;
    return *known;
}

static enum capture_side side_of(const struct capture *capture, unsigned slot, unsigned direction)
{
    if (capture->stations[slot] < 0) {
        return CAPTURE_SIDE_UNKNOWN;
    }
    return capture->stations[slot] == (int8_t)direction ? CAPTURE_SIDE_STATION : CAPTURE_SIDE_CENTRE;
}

static void learn_station(struct capture *capture, unsigned slot, unsigned direction,
                          const struct komet_apdu *apdu)
{
    bool known;
    bool station = sender_is_station(apdu, &known);

    KOMET_ASSERT(direction < 2);
    if (capture->stations[slot] < 0 && known) {
        capture->stations[slot] = (int8_t)(station ? direction : 1 - direction);
    }
}

/* The members that every item has. */
static void begin_item(const struct capture *capture, unsigned direction, struct capture_item *item)
{
    const struct tcp_event *event = &capture->event;
    const struct packet_endpoint *ends = tcp_streams_ends(capture->streams, event->slot);

    memset(item, 0, sizeof *item);
    item->packet = event->packet;
    item->time = event->time;
    item->microseconds = event->microseconds;
    item->connection = event->connection;
    packet_endpoint_text(&ends[direction], item->source);
    packet_endpoint_text(&ends[1 - direction], item->destination);
}

/* The next item of one direction's APDU stream. */
static bool next_apdu(struct capture *capture, unsigned direction, struct capture_item *item)
{
    unsigned slot = capture->event.slot;
    struct apdu_stream_item cut;

    if (!apdu_stream_next(&capture->apdus[2 * slot + direction], &cut)) {
        return false;
    }
    begin_item(capture, direction, item);
    item->octets = cut.octets;
    item->size = cut.size;
    item->reason = cut.reason;
    switch (cut.kind) {
    case APDU_STREAM_APDU:
        item->kind = CAPTURE_APDU;
        item->apdu = cut.apdu;
        learn_station(capture, slot, direction, &cut.apdu);
        capture->counters.apdus++;
        break;
    case APDU_STREAM_MALFORMED:
        item->kind = CAPTURE_MALFORMED;
        capture->counters.malformed++;
        break;
    case APDU_STREAM_CUT:
        item->kind = CAPTURE_CUT;
        capture->counters.cut++;
        break;
    }
    item->from = side_of(capture, slot, direction);
    return true;
}

/* A new event of the streams: what has to be done once for it. */
static void begin_event(struct capture *capture)
{
    const struct tcp_event *event = &capture->event;
    struct apdu_stream *pair = &capture->apdus[2 * event->slot];

    capture->fed = 0;
    capture->to_drain = 0;
    capture->active = true;
    switch (event->kind) {
    case TCP_EVENT_OPENED:
        /* Known from the start is a direction whose SYN was seen: the other one may be too, and if not, the
         * search for its step ends at its first octet unless that is damaged. */
        apdu_stream_init(&pair[0], tcp_streams_opener(capture->streams, event->slot) >= 0);
        apdu_stream_init(&pair[1], tcp_streams_opener(capture->streams, event->slot) >= 0);
        capture->stations[event->slot] = station_of(capture, event->slot);
        break;
    case TCP_EVENT_OCTETS:
        break;
    case TCP_EVENT_GAP:
        apdu_stream_break(&pair[event->direction]);
        break;
    case TCP_EVENT_ENDED:
        apdu_stream_break(&pair[0]);
        apdu_stream_break(&pair[1]);
        break;
    }
}

/* Goes on with the event under way; false when it is done. */
static bool continue_event(struct capture *capture, struct capture_item *item)
{
    const struct tcp_event *event = &capture->event;
    unsigned direction = event->direction;

    switch (event->kind) {
    case TCP_EVENT_OPENED:
        return false;
    case TCP_EVENT_OCTETS:
        for (;;) {
            if (next_apdu(capture, direction, item)) {
                return true;
            }
            if (capture->fed == event->size) {
                return false;
            }
            capture->fed += apdu_stream_feed(&capture->apdus[2 * event->slot + direction],
                                             event->octets + capture->fed, event->size - capture->fed);
        }
    case TCP_EVENT_GAP:
        if (next_apdu(capture, direction, item)) {
            return true;
        }
        begin_item(capture, direction, item);
        item->kind = CAPTURE_GAP;
        item->missing = event->size;
        item->from = side_of(capture, event->slot, direction);
        capture->active = false;
        return true;
    case TCP_EVENT_ENDED:
        for (; capture->to_drain < 2; capture->to_drain++) {
            if (next_apdu(capture, capture->to_drain, item)) {
                return true;
            }
        }
        return false;
    }
    return false;
}

bool capture_next(struct capture *capture, struct capture_item *item)
{
    for (;;) {
        if (capture->active) {
            if (continue_event(capture, item)) {
                return true;
            }
            capture->active = false;
        }
        if (tcp_streams_next(capture->streams, &capture->event)) {
            begin_event(capture);
        } else if (!next_segment(capture)) {
            if (!capture->ending || capture->streams_ended) {
                return false;
            }
            capture->streams_ended = true;
            tcp_streams_end(capture->streams);
        }
    }
}

enum packet_file_fault capture_fault(const struct capture *capture)
{
    return packet_file_fault(&capture->file);
}

uint64_t capture_fault_offset(const struct capture *capture)
{
    return packet_file_offset(&capture->file);
}

void capture_counters(const struct capture *capture, struct capture_counters *counters)
{
    *counters = capture->counters;
    counters->file = packet_file_counters(&capture->file);
    counters->streams = tcp_streams_counters(capture->streams);
}
