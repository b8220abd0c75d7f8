/*
 * bench_link_crowd: many links in one host: idle, with events now and then, and all anew at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "program/bench_link_ends.h"
#include "program/bench_process.h"
#include "program/bench_values.h"

#define CONNECTING_MAX 256 /* at a time, where it is not what is measured */
#define PATIENCE_S     5.0

/* How many are started: the mark of each connection that is. */
struct crowd {
    const struct bench_round *round;
    unsigned started;
    bool lost;
    /* Of the events. */
    struct bench_sender *senders; /* one a connection, by its number */
    struct bench_receiver *receivers;
    uint64_t events, events_max; /* given, or received; in all */
    double begin;
};

static void note_started(struct bench_connection *connection)
{
    struct crowd *crowd = bench_host_owner(connection->host);
    crowd->started++;
}

static void note_closed(struct bench_connection *connection, enum komet_reason reason)
{
    struct crowd *crowd = bench_host_owner(connection->host);
    (void)reason;
    crowd->lost = true;
}

static struct bench_host *make_crowd(struct crowd *crowd, const struct bench_round *round,
                                     enum komet_link_role role, const struct bench_behaviour *behaviour)
{
    struct komet_link_settings settings = bench_link_settings(role, round->k, round->w);
    *crowd = (struct crowd){.round = round};
    struct bench_host *host = bench_host_new(behaviour, &settings, round->connections, crowd);
    if (role == KOMET_CONTROLLED) {
        bench_host_listen(host, round->listener);
    }
    return host;
}

/* Connects all, no more than `at_once` of them before the ones before are started. */
static void connect_all(struct bench_host *host, unsigned at_once)
{
    struct crowd *crowd = bench_host_owner(host);
    const struct bench_round *round = crowd->round;
    double begin = bench_now();
    crowd->started = 0;
    for (unsigned asked = 0; crowd->started < round->connections;) {
        while (asked < round->connections && asked - crowd->started < at_once) {
            if (!bench_host_connect(host, (const struct sockaddr *)&round->address, sizeof round->address)) {
                bench_fail(round, "no socket for a connection");
            }
            asked++;
        }
        bench_host_turn(host);
        if (crowd->lost || bench_now() - begin > 4 * PATIENCE_S) {
            bench_fail(round, crowd->lost ? "a connection was lost" : "not all connections were started");
        }
    }
}

/* ---- idle ---- */

static const struct bench_behaviour quiet_behaviour = {.started = note_started};

void idle_station(const struct bench_round *round)
{
    struct crowd crowd;
    struct bench_host *host = make_crowd(&crowd, round, KOMET_CONTROLLED, &quiet_behaviour);
    while (crowd.started < round->connections) {
        bench_host_turn(host);
    }
    double used = bench_cpu_seconds(0), begin = bench_now(), now;
    bench_host_beat(host, round->seconds);
    do {
        bench_host_turn(host);
        now = bench_now();
    } while (now - begin < round->seconds);
    bench_say(round, (bench_cpu_seconds(0) - used) / (now - begin), 0);
}

/* ---- events ---- */

static bool send_events(struct bench_connection *connection)
{
    struct crowd *crowd = bench_host_owner(connection->host);
    while (connection->mark > 0 && komet_link_room(connection->link) > 0) {
        bench_send_values(&crowd->senders[connection->number], connection, 1);
        connection->mark--; /* the events that wait */
    }
    return connection->mark > 0;
}

/* Gives the connections their events in turn, as many as are due. */
static void give_events(struct bench_host *host)
{
    struct crowd *crowd = bench_host_owner(host);
    unsigned connections = crowd->round->connections;
    if (crowd->started < connections) {
        return;
    }
    crowd->begin = crowd->begin > 0 ? crowd->begin : bench_now();
    uint64_t due = (uint64_t)((bench_now() - crowd->begin) * connections * BENCH_EVENTS_A_SECOND);
    due = due < crowd->events_max ? due : crowd->events_max;
    for (; crowd->events < due; crowd->events++) {
        struct bench_connection *connection =
            bench_host_connection(host, (unsigned)(crowd->events % connections));
        if (connection != NULL) {
            connection->mark++;
            bench_host_send(connection);
        }
    }
}

static const struct bench_behaviour events_station_behaviour = {
    .started = note_started, .fill = send_events, .beat = give_events};

static uint64_t events_of(const struct bench_round *round)
{
    return (uint64_t)(round->seconds * BENCH_EVENTS_A_SECOND) * round->connections;
}

void events_station(const struct bench_round *round)
{
    struct crowd crowd;
    struct bench_host *host = make_crowd(&crowd, round, KOMET_CONTROLLED, &events_station_behaviour);
    crowd.events_max = events_of(round);
    crowd.senders = calloc(round->connections, sizeof crowd.senders[0]);
    KOMET_ASSERT(crowd.senders != NULL);
    for (unsigned i = 0; i < round->connections; i++) {
        crowd.senders[i].addresses = BENCH_EVENTS_MAX;
    }
    bench_host_beat(host, 1.0 / (BENCH_EVENTS_A_SECOND * round->connections));
    for (;;) {
        bench_host_turn(host);
    }
}

static void take_event(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    struct crowd *crowd = bench_host_owner(connection->host);
    bench_take_values(&crowd->receivers[connection->number], octets, size);
    crowd->lost |= crowd->receivers[connection->number].wrong;
    crowd->events++;
}

static const struct bench_behaviour events_client_behaviour = {
    .started = note_started, .asdu = take_event, .closed = note_closed};

void events_client(const struct bench_round *round)
{
    struct crowd crowd;
    struct bench_host *host = make_crowd(&crowd, round, KOMET_CONTROLLING, &events_client_behaviour);
    crowd.events_max = events_of(round);
    crowd.receivers = calloc(round->connections, sizeof crowd.receivers[0]);
    KOMET_ASSERT(crowd.receivers != NULL);
    for (unsigned i = 0; i < round->connections; i++) {
        crowd.receivers[i].addresses = BENCH_EVENTS_MAX;
    }
    connect_all(host, CONNECTING_MAX);
    double used = bench_cpu_seconds(0) + bench_cpu_seconds(round->partner);
    double begin = bench_now(), now = begin;
    bench_host_beat(host, PATIENCE_S);
    while (crowd.events < crowd.events_max && !crowd.lost && now - begin < round->seconds + PATIENCE_S) {
        bench_host_turn(host);
        now = bench_now();
    }
    if (crowd.events < crowd.events_max || crowd.lost) {
        char fault[BENCH_FAULT_SIZE];
        snprintf(fault, sizeof fault, "%llu of %llu events were delivered", (unsigned long long)crowd.events,
                 (unsigned long long)crowd.events_max);
        bench_fail(round, fault);
    }
    used = bench_cpu_seconds(0) + bench_cpu_seconds(round->partner) - used;
    bench_say(round, used / (now - begin), 0);
}

/* ---- all anew ---- */

void reconnect_station(const struct bench_round *round)
{
    struct crowd crowd;
    struct bench_host *host = make_crowd(&crowd, round, KOMET_CONTROLLED, &quiet_behaviour);
    for (;;) {
        bench_host_turn(host);
    }
}

static const struct bench_behaviour reconnect_client_behaviour = {.started = note_started,
                                                                  .closed = note_closed};

void reconnect_client(const struct bench_round *round)
{
    struct crowd crowd;
    struct bench_host *host = make_crowd(&crowd, round, KOMET_CONTROLLING, &reconnect_client_behaviour);
    connect_all(host, CONNECTING_MAX);
    double begin = bench_now();
    for (unsigned i = 0; i < round->connections; i++) {
        bench_host_close(bench_host_connection(host, i));
    }
    connect_all(host, round->connections);
    bench_say(round, bench_now() - begin, 0);
}
