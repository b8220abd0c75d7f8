/*
 * bench_bare: ends that move the octets of 104 with its turns and know nothing of it: what TCP and the
 * machine allow. One connection, sockets that block.
 */
#ifndef KOMET_PROGRAM_BENCH_BARE_H
#define KOMET_PROGRAM_BENCH_BARE_H

#include "program/bench_ends.h"

enum {
    BARE_APDU = 252,   /* 16 M_ME_TF_1 */
    BARE_EVENT = 27,   /* one M_ME_TF_1 */
    BARE_COMMAND = 16, /* C_SC_NA_1 */
    BARE_CONTROL = 6,  /* an S or U format */
    BARE_3_KIB = 12,   /* APDUs in a write of about 3 KiB */
    BARE_64_KIB = 260  /* the same of 64 KiB */
};

/* A stream in turns of k APDUs, acknowledged by six octets when w are open. */
bench_end bare_stream_station, bare_stream_client;
/* The same station, whose client acknowledges nothing: what waiting costs. */
bench_end bare_stalled_station, bare_stalled_client;
/* An event, then nothing for BENCH_EVENT_GAP_S. */
bench_end bare_event_station, bare_event_client;
/* Sixteen octets there and back. */
bench_end bare_command_station, bare_command_client;

/* Of bench_bare_crowd: many connections, one thread, one epoll. */

/* Of every kind of station: connects, starts data transfer on each connection, then tests them in turn, each
 * every BENCH_T3_S. */
bench_end idle_client;
/* Answers what comes with as many octets; says what it costs. */
bench_end bare_idle_station;
/* The same, for the clients of bare_reconnect_client, and says nothing. */
bench_end bare_reconnect_station, bare_reconnect_client;
/* BENCH_EVENTS_A_SECOND on each connection. */
bench_end bare_events_station, bare_events_client;

#endif
