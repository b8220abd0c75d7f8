/*
 * bench_bare_crowd: the bare ends of many connections.
 */
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "komet/apdu.h"
#include "komet/assert.h"
#include "program/bench_bare.h"
#include "program/bench_process.h"

#define EVENTS     64
#define PATIENCE_S 5.0
#define ACK_EVENTS 8 /* w */

/* What an end of many connections has. */
struct bare_crowd {
    const struct bench_round *round;
    int poll, listener, timer;
    unsigned count;
    int *sockets;        /* `count` of them, in the order of connecting */
    unsigned *by_socket; /* their places here, by socket */
};

static struct bare_crowd make_crowd(const struct bench_round *round)
{
    unsigned files = round->connections + 1024;
    struct bare_crowd crowd = {
        .round = round,
        .poll = epoll_create1(EPOLL_CLOEXEC),
        .listener = round->listener,
        .timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
        .sockets = calloc(round->connections, sizeof crowd.sockets[0]),
        .by_socket = calloc(files, sizeof crowd.by_socket[0]),
    };
    KOMET_ASSERT(crowd.poll >= 0 && crowd.timer >= 0 && crowd.sockets != NULL && crowd.by_socket != NULL);
    return crowd;
}

static void watch(const struct bare_crowd *crowd, int file, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = file};
    epoll_ctl(crowd->poll, EPOLL_CTL_ADD, file, &event);
}

static void add_socket(struct bare_crowd *crowd, int file, uint32_t events)
{
    int at_once = 1;
    if (file < 0) {
        bench_fail(crowd->round, "no socket for a bare connection");
    }
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    crowd->by_socket[file] = crowd->count;
    crowd->sockets[crowd->count++] = file;
    watch(crowd, file, events);
}

static void connect_one(struct bare_crowd *crowd, int flags, uint32_t events)
{
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (file >= 0) {
        connect(file, (const struct sockaddr *)&crowd->round->address, sizeof crowd->round->address);
    }
    add_socket(crowd, file, events);
}

/* Answers what came with as many octets, and takes new connections: one turn. Returns how many answers. */
static unsigned answer_turn(struct bare_crowd *crowd)
{
    struct epoll_event events[EVENTS];
    uint8_t octets[64];
    unsigned answered = 0;
    int count = epoll_wait(crowd->poll, events, EVENTS, (int)(PATIENCE_S * 1000));
    for (int i = 0; i < count; i++) {
        int file = events[i].data.fd;
        if (file == crowd->listener) {
            file = accept4(crowd->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (file >= 0) {
                crowd->count = crowd->count < crowd->round->connections ? crowd->count : 0;
                add_socket(crowd, file, EPOLLIN);
            }
            continue;
        }
        ssize_t got = recv(file, octets, sizeof octets, 0);
        if (got > 0) {
            send(file, octets, (size_t)got, MSG_NOSIGNAL);
            answered++;
        } else {
            close(file);
        }
    }
    return answered;
}

/* ---- idle ---- */

/* A U format there and back. */
static void exchange(const struct bare_crowd *crowd, int file, enum komet_u_function function)
{
    uint8_t octets[KOMET_APDU_HEADER_SIZE];
    komet_apdu_encode_u(octets, function);
    if (send(file, octets, sizeof octets, MSG_NOSIGNAL) != sizeof octets ||
        recv(file, octets, sizeof octets, MSG_WAITALL) != sizeof octets) {
        bench_fail(crowd->round, "a connection that was idle was lost");
    }
}

void idle_client(const struct bench_round *round)
{
    struct bare_crowd crowd = make_crowd(round);
    while (crowd.count < round->connections) {
        connect_one(&crowd, 0, EPOLLIN);
        exchange(&crowd, crowd.sockets[crowd.count - 1], KOMET_U_STARTDT_ACT);
    }
    long gap = (long)(1e9 * BENCH_T3_S / round->connections);
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (unsigned i = 0;; i = (i + 1) % round->connections) {
        next.tv_nsec += gap;
        next.tv_sec += next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        exchange(&crowd, crowd.sockets[i], KOMET_U_TESTFR_ACT);
    }
}

void bare_idle_station(const struct bench_round *round)
{
    struct bare_crowd crowd = make_crowd(round);
    watch(&crowd, crowd.listener, EPOLLIN);
    for (unsigned answered = 0; answered < round->connections;) {
        answered += answer_turn(&crowd);
    }
    double used = bench_cpu_seconds(0), begin = bench_now(), now;
    do {
        answer_turn(&crowd);
        now = bench_now();
    } while (now - begin < round->seconds);
    bench_say(round, (bench_cpu_seconds(0) - used) / (now - begin), 0);
}

/* ---- all anew ---- */

void bare_reconnect_station(const struct bench_round *round)
{
    struct bare_crowd crowd = make_crowd(round);
    watch(&crowd, crowd.listener, EPOLLIN);
    for (;;) {
        answer_turn(&crowd);
    }
}

/* Six octets to each socket that has connected, and back, until all have theirs. */
static void exchange_all(struct bare_crowd *crowd)
{
    struct epoll_event events[EVENTS];
    uint8_t octets[BARE_CONTROL] = {0};
    for (unsigned answered = 0; answered < crowd->round->connections;) {
        int count = epoll_wait(crowd->poll, events, EVENTS, (int)(PATIENCE_S * 1000));
        if (count <= 0) {
            bench_fail(crowd->round, "bare sockets did not connect in time");
        }
        for (int i = 0; i < count; i++) {
            int file = events[i].data.fd;
            if ((events[i].events & EPOLLIN) != 0) {
                answered += recv(file, octets, sizeof octets, 0) == sizeof octets;
            } else {
                struct epoll_event connected = {.events = EPOLLIN, .data.fd = file};
                epoll_ctl(crowd->poll, EPOLL_CTL_MOD, file, &connected);
                send(file, octets, sizeof octets, MSG_NOSIGNAL);
            }
        }
    }
}

void bare_reconnect_client(const struct bench_round *round)
{
    struct bare_crowd crowd = make_crowd(round);
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    while (crowd.count < round->connections) {
        connect_one(&crowd, 0, EPOLLIN | EPOLLOUT);
    }
    exchange_all(&crowd);
    double begin = bench_now();
    for (unsigned i = 0; i < crowd.count; i++) {
        setsockopt(crowd.sockets[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(crowd.sockets[i]);
    }
    crowd.count = 0;
    while (crowd.count < round->connections) {
        connect_one(&crowd, SOCK_NONBLOCK, EPOLLIN | EPOLLOUT);
    }
    exchange_all(&crowd);
    bench_say(round, bench_now() - begin, 0);
}

/* ---- events ---- */

static uint64_t events_of(const struct bench_round *round)
{
    return (uint64_t)(round->seconds * BENCH_EVENTS_A_SECOND) * round->connections;
}

/* Sends the events that are due, each at once, to the sockets in turn. */
static void send_due(const struct bare_crowd *crowd, double begin, uint64_t *sent)
{
    static const uint8_t event[BARE_EVENT];
    uint64_t due = (uint64_t)((bench_now() - begin) * crowd->round->connections * BENCH_EVENTS_A_SECOND);
    due = due < events_of(crowd->round) ? due : events_of(crowd->round);
    for (; *sent < due; ++*sent) {
        send(crowd->sockets[*sent % crowd->round->connections], event, sizeof event, MSG_NOSIGNAL);
    }
}

void bare_events_station(const struct bench_round *round)
{
    struct bare_crowd crowd = make_crowd(round);
    struct pollfd set = {.fd = crowd.listener, .events = POLLIN};
    while (crowd.count < round->connections) {
        poll(&set, 1, -1);
        add_socket(&crowd, accept4(crowd.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), EPOLLIN);
    }
    long gap = (long)(1e9 / (BENCH_EVENTS_A_SECOND * round->connections));
    struct itimerspec beat = {.it_interval = {.tv_nsec = gap}, .it_value = {.tv_nsec = gap}};
    timerfd_settime(crowd.timer, 0, &beat, NULL);
    watch(&crowd, crowd.timer, EPOLLIN);
    double begin = bench_now();
    for (uint64_t sent = 0;;) {
        struct epoll_event events[EVENTS];
        uint8_t octets[64];
        int count = epoll_wait(crowd.poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == crowd.timer) {
                uint64_t beats;
                KOMET_ASSERT(read(crowd.timer, &beats, sizeof beats) == sizeof beats);
                send_due(&crowd, begin, &sent);
            } else {
                recv(events[i].data.fd, octets, sizeof octets, 0);
            }
        }
    }
}

/* Takes what came, acknowledges every w-th. Returns how many events. */
static uint64_t take_events(const struct bare_crowd *crowd, uint64_t *octets_of)
{
    struct epoll_event events[EVENTS];
    uint8_t octets[4096];
    uint64_t taken = 0;
    int count = epoll_wait(crowd->poll, events, EVENTS, (int)(PATIENCE_S * 1000));
    for (int i = 0; i < count; i++) {
        int file = events[i].data.fd;
        ssize_t got = recv(file, octets, sizeof octets, 0);
        if (got <= 0) {
            bench_fail(crowd->round, "a bare connection was lost");
        }
        uint64_t *all = &octets_of[crowd->by_socket[file]];
        uint64_t before = *all / BARE_EVENT;
        *all += (uint64_t)got;
        taken += *all / BARE_EVENT - before;
        if (*all / BARE_EVENT / ACK_EVENTS != before / ACK_EVENTS) {
            send(file, octets, BARE_CONTROL, MSG_NOSIGNAL);
        }
    }
    return taken;
}

void bare_events_client(const struct bench_round *round)
{
    struct bare_crowd crowd = make_crowd(round);
    uint64_t *octets_of = calloc(round->connections, sizeof octets_of[0]);
    KOMET_ASSERT(octets_of != NULL);
    while (crowd.count < round->connections) {
        connect_one(&crowd, 0, EPOLLIN);
    }
    double used = bench_cpu_seconds(0) + bench_cpu_seconds(round->partner);
    double begin = bench_now(), now = begin;
    for (uint64_t events = 0; events < events_of(round);) {
        events += take_events(&crowd, octets_of);
        now = bench_now();
        if (now - begin > round->seconds + PATIENCE_S) {
            bench_fail(round, "bare events were not delivered in time");
        }
    }
    used = bench_cpu_seconds(0) + bench_cpu_seconds(round->partner) - used;
    bench_say(round, used / (now - begin), 0);
}
