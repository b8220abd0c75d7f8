/*
 * sim_capture: the ASDUs that one station sent in a capture file, with their times: what a replay plays.
 *
 * A station is an address and port; all its connections in the file count as one, in the order of the file.
 * Which end of a connection is the station: see capture/capture.h.
 */
#ifndef PROGRAM_SIM_CAPTURE_H
#define PROGRAM_SIM_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/packet_headers.h"
#include "partner/replay.h"

struct sim_capture_station {
    char name[PACKET_ENDPOINT_TEXT_SIZE]; /* "10.0.0.1:2404", "[2001:db8::1]:2404" */
    size_t asdus;                         /* that it sent */
    size_t holes;  /* places where the capture lacks octets of it, or has damaged ones */
    bool sure;     /* some item of the capture said that it is a station */
    size_t number; /* among the senders of the file, from 0 */
};

struct sim_capture {
    bool usable;
    struct replay_asdu *asdus;            /* of the chosen station; usable only */
    size_t count;                         /* at least 1 when usable */
    struct sim_capture_station *stations; /* most ASDUs first */
    size_t station_count;
    size_t chosen;            /* of `stations`; usable only */
    char fault[256];          /* why it is not usable */
    char warning[256];        /* not "": the file is not whole; what came before that is used */
    struct site_arena *arena; /* owns the ASDUs */
};

/*
 * Reads a capture file, pcap or pcapng.
 *   wanted  the station, "ADDRESS:PORT" or "ADDRESS" as a capture names it; NULL: the one with most ASDUs
 * Release the result with sim_capture_release in any case.
 */
struct sim_capture sim_capture_read(const char *path, const char *wanted);

void sim_capture_release(struct sim_capture *capture);

#endif
