/*
 * bench_alone_station: a station for a controlling station that is another program.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/bench.h"
#include "program/bench_alone.h"
#include "program/bench_answers.h"
#include "program/bench_host.h"
#include "program/bench_values.h"

#define TIMES_MAX 1048576 /* of a connection; what comes later is not in the figures */
#define ADDRESSES 65536
#define BEAT_S    0.01

struct alone_station {
    const struct alone_options *options;
    struct bench_answers answers;
    struct bench_sender sender;
    double begin;          /* of data transfer */
    uint64_t acknowledged; /* frames of the connection */
    uint64_t events;       /* given */
    double *given;         /* when each frame of the window was, by number modulo k */
    double times[TIMES_MAX];
    size_t count;
};

static struct alone_station station;
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    stopped = number;
}

static void begin(struct bench_connection *connection)
{
    (void)connection;
    station.answers = (struct bench_answers){0};
    station.sender = (struct bench_sender){.addresses = ADDRESSES};
    station.begin = bench_now();
    station.acknowledged = station.events = 0;
    station.count = 0;
    memset(station.given, 0, station.options->link.k * sizeof station.given[0]);
    puts("data transfer started");
}

static void print_figures(const char *end)
{
    double seconds = bench_now() - station.begin;
    double frames = (double)station.acknowledged;
    if (station.options->measure == ALONE_THROUGHPUT) {
        printf("%.3f s: %.0f ASDUs acknowledged, %.5g a second, %.5g values a second; %s\n", seconds, frames,
               frames / seconds, frames * BENCH_OBJECTS / seconds, end);
    } else if (station.options->measure == ALONE_EVENTS) {
        bench_sort(station.times, station.count);
        printf("%.3f s: %zu events acknowledged, after %.6f s (median), %.6f s (p99); %s\n", seconds,
               station.count, bench_quantile(station.times, station.count, 0.5),
               bench_quantile(station.times, station.count, 0.99), end);
    } else {
        printf("%.3f s: %llu commands confirmed, %.5g a second; %s\n", seconds,
               (unsigned long long)station.answers.commands, (double)station.answers.commands / seconds, end);
    }
    station.begin = 0;
}

static void take_end(struct bench_connection *connection, enum komet_reason reason)
{
    (void)connection;
    if (station.begin > 0) {
        print_figures(komet_reason_name(reason));
    }
}

static void take_asdu(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    (void)connection;
    bench_answers_take(&station.answers, octets, size);
}

static void take_acknowledged(struct bench_connection *connection, uint64_t count)
{
    (void)connection;
    while (station.acknowledged < count) {
        double *given = &station.given[++station.acknowledged % station.options->link.k];
        if (*given > 0 && station.count < TIMES_MAX) {
            station.times[station.count++] = bench_now() - *given;
        }
        *given = 0; /* an answer that stands here next was not given */
    }
}

/* Events that are due by now; those for which there is no room wait. */
static bool send_events(struct bench_connection *connection)
{
    double now = bench_now();
    uint64_t due = (uint64_t)((now - station.begin) * station.options->rate);
    for (; station.events < due; station.events++) {
        if (komet_link_room(connection->link) == 0) {
            return true;
        }
        uint64_t number = bench_send_values(&station.sender, connection, 1);
        station.given[number % station.options->link.k] = now;
    }
    return false;
}

static bool fill(struct bench_connection *connection)
{
    if (komet_link_state(connection->link) != KOMET_LINK_STARTED || station.begin == 0) {
        return false;
    }
    if (!bench_answers_send(&station.answers, connection)) {
        return true;
    }
    switch (station.options->measure) {
    case ALONE_THROUGHPUT:
        for (unsigned room = komet_link_room(connection->link); room > 0; room--) {
            bench_send_values(&station.sender, connection, BENCH_OBJECTS);
        }
        return true;
    case ALONE_EVENTS:
        return send_events(connection);
    case ALONE_COMMANDS:
        return false;
    }
    return false;
}

static void beat(struct bench_host *host)
{
    struct bench_connection *connection = bench_host_connection(host, 0);
    if (connection != NULL) {
        bench_host_send(connection);
    }
}

static const struct bench_behaviour behaviour = {.started = begin,
                                                 .closed = take_end,
                                                 .asdu = take_asdu,
                                                 .acknowledged = take_acknowledged,
                                                 .fill = fill,
                                                 .beat = beat};

static int listen_at(const struct alone_options *options)
{
    int again = 1;
    int listener = socket(options->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again) == 0 &&
        bind(listener, (const struct sockaddr *)&options->address, options->address_size) == 0 &&
        listen(listener, 1) == 0) {
        return listener;
    }
    fprintf(stderr, "komet bench station: it cannot listen: %s\n", strerror(errno));
    if (listener >= 0) {
        close(listener);
    }
    return -1;
}

int bench_alone_station(int argc, char **argv)
{
    struct alone_options options;
    bool done = false;
    int status = alone_read_options(KOMET_CONTROLLED, argc, argv, &options, &done);
    if (status != 0 || done) {
        return status;
    }
    int listener = listen_at(&options);
    if (listener < 0) {
        return 1;
    }
    const struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines at once, into pipes too */
    station.options = &options;
    station.given = calloc(options.link.k, sizeof station.given[0]);
    KOMET_ASSERT(station.given != NULL);
    struct bench_host *host = bench_host_new(&behaviour, &options.link, 1, NULL);
    bench_host_beat(host, options.measure == ALONE_EVENTS ? 1 / options.rate : BEAT_S);
    bench_host_listen(host, listener);
    puts("listening");
    while (stopped == 0) {
        bench_host_turn(host);
    }
    if (station.begin > 0) {
        print_figures("stopped by a signal");
    }
    bench_host_free(host);
    close(listener);
    free(station.given);
    return 0;
}
