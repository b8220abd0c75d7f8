/*
 * bench_bare: see bench_bare.h. An end that loses its connection ends: the round is over then, or failed.
 */
#include "program/bench_bare.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/bench_process.h"

#define BUFFER_SIZE 65536

static uint8_t buffer[BUFFER_SIZE];

static int with_no_delay(const struct bench_round *round, int file)
{
    int at_once = 1;
    if (file < 0 || setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) != 0) {
        bench_fail(round, "bare sockets do not connect on the loopback");
    }
    return file;
}

/* Waits for the client. The listener does not block, since Komet's ends share it. */
static int accept_client(const struct bench_round *round)
{
    struct pollfd set = {.fd = round->listener, .events = POLLIN};
    poll(&set, 1, -1);
    return with_no_delay(round, accept4(round->listener, NULL, NULL, SOCK_CLOEXEC));
}

static int connect_client(const struct bench_round *round)
{
    int file = with_no_delay(round, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(file, (const struct sockaddr *)&round->address, sizeof round->address) != 0) {
        bench_fail(round, "bare sockets do not connect on the loopback");
    }
    return file;
}

static void send_octets(int file, const void *octets, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t part = send(file, (const uint8_t *)octets + sent, size - sent, MSG_NOSIGNAL);
        if (part < 0 && errno != EINTR) {
            _exit(0);
        }
        sent += part > 0 ? (size_t)part : 0;
    }
}

static void receive_octets(int file, void *octets, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t part = recv(file, (uint8_t *)octets + got, size - got, 0);
        if (part == 0 || (part < 0 && errno != EINTR)) {
            _exit(0);
        }
        got += part > 0 ? (size_t)part : 0;
    }
}

/* ---- a stream ---- */

/* An acknowledgement: how many APDUs came in all. */
struct bare_acknowledge {
    uint8_t octets[BARE_CONTROL];
};

static uint32_t count_of(const struct bare_acknowledge *acknowledge)
{
    uint32_t count;
    memcpy(&count, acknowledge->octets, sizeof count);
    return count;
}

/* Sends what the window of k lets go. */
static void fill_window(const struct bench_round *round, int client, uint32_t *sent, uint32_t acknowledged)
{
    KOMET_ASSERT(round->bare_write > 0 && round->bare_write <= BUFFER_SIZE / BARE_APDU);
    while (*sent - acknowledged < round->k) {
        uint32_t room = round->k - (*sent - acknowledged);
        uint32_t some = room < round->bare_write ? room : round->bare_write;
        send_octets(client, buffer, (size_t)some * BARE_APDU);
        *sent += some;
    }
}

void bare_stream_station(const struct bench_round *round)
{
    int client = accept_client(round);
    uint32_t sent = 0, acknowledged = 0;
    for (;;) {
        struct bare_acknowledge acknowledge;
        fill_window(round, client, &sent, acknowledged);
        receive_octets(client, acknowledge.octets, sizeof acknowledge.octets);
        acknowledged = count_of(&acknowledge);
    }
}

void bare_stream_client(const struct bench_round *round)
{
    int station = connect_client(round);
    struct bench_meter meter = {.seconds = round->seconds};
    uint64_t octets = 0;
    uint32_t acknowledged = 0;
    double rate;
    do {
        ssize_t got = recv(station, buffer, sizeof buffer, 0);
        if (got <= 0) {
            bench_fail(round, "the bare station ended");
        }
        octets += (size_t)got;
        uint32_t count = (uint32_t)(octets / BARE_APDU);
        if (count - acknowledged >= round->w) {
            struct bare_acknowledge acknowledge = {{0}};
            memcpy(acknowledge.octets, &count, sizeof count);
            send_octets(station, acknowledge.octets, sizeof acknowledge.octets);
            acknowledged = count;
        }
    } while (!bench_meter_over(&meter, bench_now(), octets / BARE_APDU, &rate));
    bench_say(round, rate, 0);
}

/* ---- a stream that stands ---- */

void bare_stalled_client(const struct bench_round *round)
{
    connect_client(round);
    for (;;) {
        pause();
    }
}

void bare_stalled_station(const struct bench_round *round)
{
    int client = accept_client(round);
    uint32_t sent = 0;
    fill_window(round, client, &sent, 0);
    double used = bench_cpu_seconds(0), begin = bench_now();
    struct pollfd set = {.fd = client, .events = POLLIN};
    poll(&set, 1, (int)(round->seconds * 1000));
    bench_say(round, (bench_cpu_seconds(0) - used) / (bench_now() - begin), 0);
}

/* ---- events ---- */

void bare_event_station(const struct bench_round *round)
{
    int client = accept_client(round);
    const struct timespec gap = {.tv_nsec = (long)(BENCH_EVENT_GAP_S * 1e9)};
    for (uint32_t number = 0; number < BENCH_EVENTS_MAX; number++) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, NULL);
        round->shared->given[number] = bench_now();
        send_octets(client, buffer, BARE_EVENT);
    }
}

void bare_event_client(const struct bench_round *round)
{
    static double taken[BENCH_EVENTS_MAX];
    int station = connect_client(round);
    double begin = bench_now();
    uint32_t count = 0;
    while (count < BENCH_EVENTS_MAX && bench_now() - begin < round->seconds) {
        receive_octets(station, buffer, BARE_EVENT);
        taken[count] = bench_now() - round->shared->given[count];
        count++;
    }
    bench_sort(taken, count);
    bench_say(round, bench_quantile(taken, count, 0.5), bench_quantile(taken, count, 0.99));
}

/* ---- commands ---- */

void bare_command_station(const struct bench_round *round)
{
    int client = accept_client(round);
    for (;;) {
        receive_octets(client, buffer, BARE_COMMAND);
        send_octets(client, buffer, BARE_COMMAND);
    }
}

void bare_command_client(const struct bench_round *round)
{
    static double taken[BENCH_EVENTS_MAX];
    int station = connect_client(round);
    double begin = bench_now(), now = begin;
    uint32_t count = 0;
    while (count < BENCH_EVENTS_MAX && now - begin < round->seconds) {
        double sent = now;
        send_octets(station, buffer, BARE_COMMAND);
        receive_octets(station, buffer, BARE_COMMAND);
        now = bench_now();
        taken[count++] = now - sent;
    }
    bench_sort(taken, count);
    bench_say(round, bench_quantile(taken, count, 0.5), bench_quantile(taken, count, 0.99));
}
