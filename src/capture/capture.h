/*
 * Capture: the 104 traffic in a capture file, APDU by APDU.
 *
 * It joins the parts of this folder: packet file → headers → TCP streams → APDU streams. `komet dump` prints
 * what comes out; `komet sim --capture` plays the station's side of it again.
 *
 *     capture = capture_init(memory, capture_size(&settings), &settings);
 *     while (there is input) {
 *         taken = capture_feed(capture, octets, size);           any pieces
 *         while (capture_next(capture, &item)) { use it }
 *     }
 *     capture_end(capture);
 *     while (capture_next(capture, &item)) { use it }
 *     if (capture_fault(capture) != PACKET_FILE_OK) { say what, and where: capture_fault_offset(capture) }
 *
 * Items come in the order in which their octets could be put in order, which is that of the file but for
 * segments that overtook each other: their times may go back a little.
 *
 * Which connections are 104: those with the port of the settings at one end; without that setting those with
 * port 2404, and any other that begins, as far as captured, with a segment of nothing but whole APDUs.
 *
 * Which end is the station: the one with that port; if this does not tell, the one that accepted the TCP
 * connection; else the one that confirms STARTDT, or does not ask for it, or sends types of monitor
 * direction.
 */
#ifndef KOMET_CAPTURE_CAPTURE_H
#define KOMET_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/packet_file.h"
#include "capture/packet_headers.h"
#include "capture/tcp_stream.h"
#include "komet/apdu.h"
#include "komet/time.h"

#define CAPTURE_PORT 2404 /* registered for IEC 60870-5-104 */

struct capture_settings {
    uint16_t port;            /* the stations' TCP port; 0: 2404, and what looks like 104 */
    unsigned connections_max; /* 1..65535, see tcp_stream.h */
    unsigned segments_max;    /* 1..65534, see tcp_stream.h */
    size_t packet_size_max; /* longer records of the file are passed over; at least PACKET_FILE_BUFFER_MIN */
};

/* Port 0, 256 connections, 1024 waiting segments, records of 256 KiB: under 3 MB of memory. */
struct capture_settings capture_settings_standard(void);

enum capture_item_kind {
    CAPTURE_APDU,      /* `octets`, `apdu` */
    CAPTURE_MALFORMED, /* `octets`, `reason`: no APDU */
    CAPTURE_CUT,       /* `octets`: part of an APDU whose other part was not captured */
    CAPTURE_GAP        /* `missing` octets were not captured here */
};

enum capture_side { CAPTURE_SIDE_UNKNOWN, CAPTURE_SIDE_STATION, CAPTURE_SIDE_CENTRE };

struct capture_item {
    enum capture_item_kind kind;
    uint64_t packet;        /* number in the file, from 1, of the packet with the last of the octets */
    struct komet_utc time;  /* of that packet; may be KOMET_UTC_UNKNOWN */
    uint16_t microseconds;  /* 0..999 on top of its milliseconds */
    uint32_t connection;    /* the how-manieth TCP connection, from 1 */
    enum capture_side from; /* who sent it */
    char source[PACKET_ENDPOINT_TEXT_SIZE]; /* "10.0.0.1:2404", "[2001:db8::1]:2404" */
    char destination[PACKET_ENDPOINT_TEXT_SIZE];
    const uint8_t *octets;    /* borrowed until the next call; NULL for a GAP */
    size_t size;              /* 0..KOMET_APDU_SIZE_MAX */
    struct komet_apdu apdu;   /* CAPTURE_APDU */
    enum komet_reason reason; /* CAPTURE_MALFORMED: KOMET_BAD_START, _BAD_LENGTH or _BAD_CONTROL */
    uint64_t missing;         /* CAPTURE_GAP; 0 when it is not known how many */
};

struct capture_counters {
    struct packet_file_counters file;
    struct tcp_stream_counters streams;
    uint64_t results[PACKET_HEADERS_RESULT_COUNT]; /* packets by what their headers were */
    uint64_t other_connections;                    /* TCP segments that are not taken for 104 */
    uint64_t apdus;
    uint64_t malformed;
    uint64_t cut;
};

struct capture; /* opaque; lives in the caller's memory */

/* Octets of memory that a capture with these settings needs, all in. */
size_t capture_size(const struct capture_settings *settings);

/*
 * Makes a capture.
 *   memory, size  taken until the caller drops the capture; aligned for any object; size as capture_size
 *   settings      copied; out of range is the caller's mistake (asserted)
 */
struct capture *capture_init(void *memory, size_t size, const struct capture_settings *settings);

/*
 * Takes the next octets of the file: any number, borrowed for the call. Returns how many were taken: the
 * caller calls capture_next until it is false, then feeds the rest. After a fault all octets are taken and
 * dropped.
 */
size_t capture_feed(struct capture *capture, const uint8_t *octets, size_t size);

/* The file has ended: what is incomplete is handed out by the following capture_next. */
void capture_end(struct capture *capture);

/* Hands out the next item; false when more input is needed. */
bool capture_next(struct capture *capture, struct capture_item *item);

/* What is wrong with the file itself; its items up to there are good. Final after capture_end. */
enum packet_file_fault capture_fault(const struct capture *capture);
uint64_t capture_fault_offset(const struct capture *capture); /* octets from the start of the file */

void capture_counters(const struct capture *capture, struct capture_counters *counters);

#endif
