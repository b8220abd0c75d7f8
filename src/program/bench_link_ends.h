/*
 * bench_link_ends: the ends of the bench's rounds that are made of libkomet, beside those of bench_bare.
 */
#ifndef KOMET_PROGRAM_BENCH_LINK_ENDS_H
#define KOMET_PROGRAM_BENCH_LINK_ENDS_H

#include "program/bench_ends.h"
#include "program/bench_host.h"

/* A stream of full ASDUs as fast as k allows; the client decodes all, checks that each object is the next
 * one, and says ASDUs a second. */
bench_end stream_station, stream_client;
/* The same station; its client starts data transfer and then neither reads nor acknowledges. Says seconds of
 * CPU a second, from when the window is full. */
bench_end stalled_station, stalled_client;
/* One event every BENCH_EVENT_GAP_S: from when it is given to the sender until it is decoded. */
bench_end event_station, event_client;
/* Single commands, one after the other: from giving it until its activation confirmation is decoded. */
bench_end command_station, command_client;

/* Connections that say nothing but test frames: seconds of CPU a second of the station. */
bench_end idle_station;
/* BENCH_EVENTS_A_SECOND on each connection, each sent at once: seconds of CPU a second of both ends. */
bench_end events_station, events_client;
/* Clients that lose all connections and connect again: seconds until data transfer is started on the last. */
bench_end reconnect_station, reconnect_client;

#endif
