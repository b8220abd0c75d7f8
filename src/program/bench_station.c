/*
 * bench_station: see bench_station.h.
 */
#include "program/bench_station.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "komet/asdu.h"
#include "komet/assert.h"
#include "komet/link.h"
#include "shell/clock.h"

#define FAULT_SIZE  200
#define BEGIN_LIMIT KOMET_SECONDS(20)
#define ADDRESSES   1600 /* as many tags as the site of the bench has */

struct bench_station {
    int socket;
    struct komet_link *link;
    uint16_t k;
    double *due;    /* when each frame of the window was due, by number modulo k */
    double *waited; /* of the load: how long each value took */
    size_t waited_count, waited_capacity;
    uint64_t acknowledged;
    uint32_t address;
    bool interrogated, ended;
    uint8_t request[KOMET_ASDU_SIZE_MAX]; /* an interrogation that is to be answered */
    size_t request_size;
    unsigned answers; /* 2: confirm and terminate; 1: terminate */
    uint8_t input[65536];
    size_t input_size;
};

static double seconds_of(struct komet_instant instant)
{
    return (double)instant.us / 1e6;
}

static void take_time(struct bench_station *station, double seconds)
{
    if (station->waited_count == station->waited_capacity) {
        station->waited_capacity = station->waited_capacity == 0 ? 65536 : station->waited_capacity * 2;
        station->waited = realloc(station->waited, station->waited_capacity * sizeof station->waited[0]);
        KOMET_ASSERT(station->waited != NULL);
    }
    station->waited[station->waited_count++] = seconds;
}

static void answer(struct bench_station *station, struct komet_instant now)
{
    while (station->answers > 0 && komet_link_room(station->link) > 0) {
        uint8_t *octets = komet_link_reserve(station->link);
        memcpy(octets, station->request, station->request_size);
        komet_asdu_mirror(octets,
                          station->answers == 2 ? KOMET_COT_ACTIVATION_CON : KOMET_COT_ACTIVATION_TERMINATION,
                          false);
        uint64_t number = komet_link_commit(station->link, now, station->request_size);
        station->due[number % station->k] = seconds_of(now);
        station->interrogated = --station->answers == 0;
    }
}

static void take_output(struct bench_station *station, struct komet_instant now,
                        const struct komet_link_output *output)
{
    switch (output->kind) {
    case KOMET_LINK_OUT_ASDU:
        komet_link_acknowledge(station->link, now, output->received);
        if (output->size > 0 && output->octets[0] == KOMET_C_IC_NA_1 && station->answers == 0) {
            memcpy(station->request, output->octets, output->size);
            station->request_size = output->size;
            station->answers = 2;
        }
        return;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        for (; station->acknowledged < output->acknowledged; station->acknowledged++) {
            double due = station->due[(station->acknowledged + 1) % station->k];
            take_time(station, seconds_of(now) - due);
        }
        return;
    case KOMET_LINK_OUT_SEND: {
        ssize_t written = send(station->socket, output->octets, output->size, MSG_NOSIGNAL);
        if (written > 0) {
            komet_link_written(station->link, (size_t)written);
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            station->ended = true;
        }
        return;
    }
    case KOMET_LINK_OUT_CLOSE:
        station->ended = true;
        return;
    case KOMET_LINK_OUT_STATE:
        return;
    }
}

static void drain(struct bench_station *station, struct komet_instant now)
{
    struct komet_link_output output;
    uint64_t sent = 0;
    while (!station->ended && komet_link_next(station->link, now, &output)) {
        struct komet_link_counters counters;
        take_output(station, now, &output);
        komet_link_counters(station->link, &counters);
        if (output.kind == KOMET_LINK_OUT_SEND && counters.octets_sent == sent) {
            return; /* the socket is full */
        }
        sent = counters.octets_sent;
    }
}

static void receive(struct bench_station *station, struct komet_instant now)
{
    ssize_t got = recv(station->socket, station->input + station->input_size,
                       sizeof station->input - station->input_size, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        station->ended = true;
    }
    station->input_size += got > 0 ? (size_t)got : 0;
    size_t at = 0, taken = 1;
    while (at < station->input_size && taken > 0 && !station->ended) {
        taken = komet_link_feed(station->link, now, station->input + at, station->input_size - at);
        at += taken;
        drain(station, now);
    }
    memmove(station->input, station->input + at, station->input_size - at);
    station->input_size -= at;
}

static void send_values(struct bench_station *station, struct line_now now, unsigned objects, double due)
{
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = KOMET_M_ME_TF_1, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    komet_asdu_begin(&writer, &komet_profile_104, &header, komet_link_reserve(station->link),
                     KOMET_ASDU_SIZE_MAX);
    for (unsigned i = 0; i < objects; i++) {
        struct komet_object object = {.ioa = 1 + station->address};
        object.value.real = (float)(now.instant.us % 1000);
        komet_cp56_from_utc(&object.time, now.utc, 0);
        komet_asdu_add(&writer, &object);
        station->address = (station->address + 1) % ADDRESSES;
    }
    uint64_t number = komet_link_commit(station->link, now.instant, komet_asdu_end(&writer));
    station->due[number % station->k] = due;
}

/* Waits for octets, room in the socket, or `seconds`. */
static void wait_for(struct bench_station *station, double seconds)
{
    struct komet_link_output output;
    bool more = komet_link_next(station->link, clock_now().instant, &output);
    struct pollfd set = {.fd = station->socket, .events = POLLIN};
    set.events |= more ? POLLOUT : 0;
    struct timespec limit = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    ppoll(&set, 1, &limit, NULL);
    if (more) {
        take_output(station, clock_now().instant, &output);
    }
}

static bool ended(const struct bench_station *station, char *fault)
{
    if (station->ended) {
        snprintf(fault, FAULT_SIZE, "the connection of the bench's station ended: %s",
                 komet_reason_sentence(komet_link_reason(station->link)));
    }
    return station->ended;
}

struct bench_station *bench_station_accept(int listener, uint16_t k, char *fault)
{
    struct pollfd set = {.fd = listener, .events = POLLIN};
    if (poll(&set, 1, (int)(BEGIN_LIMIT / 1000)) != 1) {
        snprintf(fault, FAULT_SIZE, "nobody connected to the bench's station");
        return NULL;
    }
    struct bench_station *station = calloc(1, sizeof *station);
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    settings.k = k;
    settings.output_size = 65536;
    KOMET_ASSERT(station != NULL);
    station->k = k;
    station->socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int at_once = 1; /* a small frame must not wait for the acknowledgement of the one before */
    setsockopt(station->socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    station->due = calloc(k, sizeof station->due[0]);
    void *memory = malloc(komet_link_size(&settings));
    KOMET_ASSERT(station->due != NULL && memory != NULL);
    struct komet_instant now = clock_now().instant, end = komet_after(now, BEGIN_LIMIT);
    station->link = komet_link_init(memory, komet_link_size(&settings), &settings, now);
    while (!station->interrogated && !ended(station, fault)) {
        now = clock_now().instant;
        if (komet_reached(now, end)) {
            snprintf(fault, FAULT_SIZE, "the partner of the bench's station did not interrogate it");
            break;
        }
        receive(station, now);
        answer(station, now);
        drain(station, now);
        wait_for(station, 0.01);
    }
    if (!station->interrogated) {
        bench_station_free(station);
        return NULL;
    }
    return station;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

/* Sends what is due and fits; returns how long nothing will be due, in seconds. */
static double send_due(struct bench_station *station, const struct bench_load *load, double start,
                       uint64_t *sent, bool over)
{
    while (!over && komet_link_room(station->link) > 0) {
        struct line_now now = clock_now();
        double due = load->rate > 0 ? start + (double)*sent / load->rate : seconds_of(now.instant);
        if (due > seconds_of(now.instant)) {
            return due - seconds_of(now.instant);
        }
        send_values(station, now, load->objects, due);
        ++*sent;
    }
    return 0.01;
}

bool bench_station_run(struct bench_station *station, const struct bench_load *load,
                       struct bench_load_result *result, char *fault)
{
    KOMET_ASSERT(load->objects >= 1 && load->objects <= 16);
    double start = seconds_of(clock_now().instant), end = start + load->seconds, now = start;
    uint64_t sent = 0;
    station->waited_count = 0;
    /* After the end what is still on its way is awaited: it counts. */
    while (!ended(station, fault) && (now < end || station->waited_count < sent)) {
        double pause = send_due(station, load, start, &sent, now >= end);
        drain(station, clock_now().instant);
        wait_for(station, pause);
        receive(station, clock_now().instant);
        komet_link_tick(station->link, clock_now().instant);
        drain(station, clock_now().instant);
        now = seconds_of(clock_now().instant);
    }
    if (station->ended || sent == 0) {
        return false;
    }
    qsort(station->waited, station->waited_count, sizeof station->waited[0], by_size);
    result->values_per_second = (double)(sent * load->objects) / (now - start);
    result->p50 = station->waited[station->waited_count / 2];
    result->p99 = station->waited[station->waited_count * 99 / 100];
    return true;
}

void bench_station_free(struct bench_station *station)
{
    if (station != NULL) {
        close(station->socket);
        free(station->link);
        free(station->due);
        free(station->waited);
        free(station);
    }
}
