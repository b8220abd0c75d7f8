/*
 * bench_link: the group link: the table of its rows over TCP.
 */
#include <string.h>

#include "program/bench_bare.h"
#include "program/bench_link_ends.h"

/* clang-format off */
#define STREAM(NAME, K, W, WRITE, PLACEMENT)                                                                     \
    {.names = {NAME}, .unit = "1/s", .rate = true, .placement = PLACEMENT,                                 \
     .round = {.connections = 1, .k = K, .w = W, .bare_write = WRITE, .seconds = 0.4},                     \
     .komet = {stream_station, stream_client}, .bare = {bare_stream_station, bare_stream_client}}

#define TIMES(NAME, P99, WHAT, PLACEMENT)                                                                  \
    {.names = {NAME, P99}, .unit = "s", .placement = PLACEMENT,                                            \
     .round = {.connections = 1, .k = 12, .w = 8, .seconds = 0.4},                                         \
     .komet = {WHAT##_station, WHAT##_client}, .bare = {bare_##WHAT##_station, bare_##WHAT##_client}}

#define RECONNECT(NAME, CONNECTIONS)                                                                       \
    {.names = {NAME}, .unit = "s", .placement = BENCH_TWO_CORES,                                           \
     .round = {.connections = CONNECTIONS, .k = 12, .w = 8},                                               \
     .komet = {reconnect_station, reconnect_client},                                                       \
     .bare = {bare_reconnect_station, bare_reconnect_client}}

static const struct bench_contest contests[] = {
    STREAM("link_k12_1core", 12, 8, BARE_3_KIB, BENCH_ONE_CORE),
    STREAM("link_k12_2core", 12, 8, BARE_3_KIB, BENCH_TWO_CORES),
    STREAM("link_k100_1core", 100, 66, BARE_3_KIB, BENCH_ONE_CORE),
    STREAM("link_k100_2core", 100, 66, BARE_3_KIB, BENCH_TWO_CORES),
    STREAM("link_k10000_1core", 10000, 6000, BARE_64_KIB, BENCH_ONE_CORE),
    STREAM("link_k10000_2core", 10000, 6000, BARE_64_KIB, BENCH_TWO_CORES),
    TIMES("event_latency_1core", "event_latency_p99_1core", event, BENCH_ONE_CORE),
    TIMES("event_latency_2core", "event_latency_p99_2core", event, BENCH_TWO_CORES),
    TIMES("command_rtt_1core", "command_rtt_p99_1core", command, BENCH_ONE_CORE),
    TIMES("command_rtt_2core", "command_rtt_p99_2core", command, BENCH_TWO_CORES),
    {.names = {"idle_10000"}, .unit = "s", .placement = BENCH_ONE_CORE,
     .round = {.connections = 10000, .k = 12, .w = 8, .seconds = 2},
     .komet = {idle_client, idle_station}, .bare = {idle_client, bare_idle_station}},
    {.names = {"events_100x100"}, .unit = "s", .placement = BENCH_TWO_CORES,
     .round = {.connections = 100, .k = 12, .w = 8, .seconds = 1},
     .komet = {events_station, events_client}, .bare = {bare_events_station, bare_events_client}},
    {.names = {"stalled_peer"}, .unit = "s", .placement = BENCH_TWO_CORES,
     .round = {.connections = 1, .k = 12, .w = 8, .bare_write = BARE_3_KIB, .seconds = 1},
     .komet = {stalled_client, stalled_station}, .bare = {bare_stalled_client, bare_stalled_station}},
    RECONNECT("reconnect_100", 100),
    RECONNECT("reconnect_5000", 5000),
};
/* clang-format on */

#define CONTESTS (sizeof contests / sizeof contests[0])

int bench_link(struct bench_report *report)
{
    int status = bench_link_memory(report);
    for (size_t i = 0; i < CONTESTS; i++) {
        status |= bench_contest(report, &contests[i]) ? 0 : 1;
    }
    return status;
}

bool bench_link_row(const char *name, struct bench_report *report, int *status)
{
    for (size_t i = 0; i < CONTESTS; i++) {
        if (strcmp(contests[i].names[0], name) == 0) {
            if (report != NULL) {
                *status |= bench_contest(report, &contests[i]) ? 0 : 1;
            }
            return true;
        }
    }
    return false;
}
