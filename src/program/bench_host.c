/*
 * bench_host: see bench_host.h.
 *
 * Time. The deadlines of all links stand in one array. One timer of the kernel rings at the earliest, or
 * before it: links mostly move theirs to later, and then the timer is left alone until it rings. So time
 * costs a comparison a turn, and a look through the array now and then, LOOK_US apart at least.
 */
#include "program/bench_host.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "komet/assert.h"
#include "shell/clock.h"

#define INPUT_SIZE 65536
/* Of output: more than this in one write leaves the other core waiting for it, and the first cache. */
#define OUTPUT_MAX 16384
#define EVENTS     64
#define ACCEPTS    64 /* in one turn */
#define LOOK_US    KOMET_MS(10)

struct bench_host {
    const struct bench_behaviour *behaviour;
    struct komet_link_settings settings;
    void *owner;
    struct line_now now;
    int poll, timer, beat, listener;
    struct komet_instant rings; /* the timer */
    unsigned count;
    struct bench_connection *connections; /* `count` of them */
    struct komet_instant *deadlines;      /* of each */
    unsigned *unused;                     /* stack of their numbers */
    unsigned unused_count;
    uint8_t input[INPUT_SIZE];
};

struct komet_link_settings bench_link_settings(enum komet_link_role role, uint16_t k, uint16_t w)
{
    struct komet_link_settings settings = komet_link_settings_standard(role);
    size_t window = (size_t)k * KOMET_APDU_SIZE_MAX + KOMET_LINK_OUTPUT_MIN;
    settings.k = k;
    settings.w = w;
    if (window > settings.output_size) {
        settings.output_size = window < OUTPUT_MAX ? window : OUTPUT_MAX;
    }
    return settings;
}

void *bench_host_owner(const struct bench_host *host)
{
    return host->owner;
}

struct line_now bench_host_now(const struct bench_host *host)
{
    return host->now;
}

struct bench_connection *bench_host_connection(struct bench_host *host, unsigned number)
{
    KOMET_ASSERT(number < host->count);
    return host->connections[number].socket >= 0 ? &host->connections[number] : NULL;
}

/* ---- time ---- */

static void ring_at(struct bench_host *host, struct komet_instant instant)
{
    struct itimerspec when = {
        .it_value = {(time_t)(instant.us / 1000000), (long)(instant.us % 1000000) * 1000}};
    if (instant.us == KOMET_NEVER.us) {
        when = (struct itimerspec){0};
    }
    host->rings = instant;
    timerfd_settime(host->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void note_deadline(struct bench_connection *connection)
{
    struct bench_host *host = connection->host;
    struct komet_instant deadline =
        connection->link == NULL ? KOMET_NEVER : komet_link_deadline(connection->link);
    host->deadlines[connection->number] = deadline;
    if (deadline.us < host->rings.us) {
        ring_at(host, deadline);
    }
}

void bench_host_beat(struct bench_host *host, double seconds)
{
    struct timespec period = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    struct itimerspec when = {.it_interval = period, .it_value = period};
    timerfd_settime(host->beat, 0, &when, NULL);
}

/* ---- connections ---- */

static void watch(const struct bench_host *host, int file, uint32_t events, void *of)
{
    struct epoll_event event = {.events = events, .data.ptr = of};
    epoll_ctl(host->poll, EPOLL_CTL_ADD, file, &event);
}

/* Whether the socket is watched for room, beside for octets. */
static void watch_room(struct bench_connection *connection, bool full)
{
    if (connection->full != full) {
        struct epoll_event event = {.events = full ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = connection};
        epoll_ctl(connection->host->poll, EPOLL_CTL_MOD, connection->socket, &event);
        connection->full = full;
    }
}

void bench_host_close(struct bench_connection *connection)
{
    struct bench_host *host = connection->host;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    KOMET_ASSERT(connection->socket >= 0);
    setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(connection->socket);
    free(connection->link);
    connection->socket = -1;
    connection->link = NULL;
    host->deadlines[connection->number] = KOMET_NEVER;
    host->unused[host->unused_count++] = connection->number;
    if (host->unused_count == 1 && host->listener >= 0) {
        watch(host, host->listener, EPOLLIN, &host->listener);
    }
}

static void end(struct bench_connection *connection, enum komet_reason reason)
{
    const struct bench_host *host = connection->host;
    bench_host_close(connection);
    if (host->behaviour->closed != NULL) {
        host->behaviour->closed(connection, reason);
    }
}

/* `full`: until it has connected. */
static struct bench_connection *add_connection(struct bench_host *host, int file, bool full)
{
    int at_once = 1; /* a small frame must not wait for the acknowledgement of the one before */
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    KOMET_ASSERT(host->unused_count > 0);
    unsigned number = host->unused[--host->unused_count];
    struct bench_connection *connection = &host->connections[number];
    *connection = (struct bench_connection){.host = host, .number = number, .socket = file, .full = full};
    watch(host, file, full ? EPOLLIN | EPOLLOUT : EPOLLIN, connection);
    return connection;
}

/* TCP is there. */
static void begin_link(struct bench_connection *connection)
{
    struct bench_host *host = connection->host;
    size_t size = komet_link_size(&host->settings);
    void *memory = malloc(size);
    KOMET_ASSERT(memory != NULL);
    connection->link = komet_link_init(memory, size, &host->settings, host->now.instant);
    if (host->settings.role == KOMET_CONTROLLING) {
        komet_link_start(connection->link, host->now.instant);
    }
}

static void take_connections(struct bench_host *host)
{
    for (unsigned i = 0; i < ACCEPTS && host->unused_count > 0; i++) {
        int file = accept4(host->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (file < 0) {
            return;
        }
        begin_link(add_connection(host, file, false));
    }
    if (host->unused_count == 0) { /* until one is closed */
        epoll_ctl(host->poll, EPOLL_CTL_DEL, host->listener, NULL);
    }
}

bool bench_host_connect(struct bench_host *host, const struct sockaddr *address, socklen_t size)
{
    if (host->unused_count == 0) {
        return false;
    }
    int file = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return false;
    }
    connect(file, address, size); /* how it went is asked when the socket is ready */
    add_connection(host, file, true);
    return true;
}

/* Something came of connecting. What, is asked of the socket itself: the event may be an old one, of another
 * socket that was in this place. */
static void end_connecting(struct bench_connection *connection)
{
    int fault = 0;
    socklen_t fault_size = sizeof fault;
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &fault, &fault_size);
    if (fault != 0) {
        end(connection, KOMET_CONNECT_REFUSED);
        return;
    }
    if (getpeername(connection->socket, (struct sockaddr *)&peer, &peer_size) == 0) {
        begin_link(connection);
    }
}

/* ---- octets ---- */

/* Does one thing that the link wants done, save writing. */
static void take_output(struct bench_connection *connection, const struct komet_link_output *output)
{
    const struct bench_behaviour *behaviour = connection->host->behaviour;
    switch (output->kind) {
    case KOMET_LINK_OUT_ASDU:
        connection->received = output->received;
        if (behaviour->asdu != NULL) {
            behaviour->asdu(connection, output->octets, output->size);
        }
        return;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        if (behaviour->acknowledged != NULL) {
            behaviour->acknowledged(connection, output->acknowledged);
        }
        return;
    case KOMET_LINK_OUT_STATE:
        if (output->state == KOMET_LINK_STARTED && behaviour->started != NULL) {
            behaviour->started(connection);
        }
        return;
    case KOMET_LINK_OUT_CLOSE:
        end(connection, output->reason);
        return;
    case KOMET_LINK_OUT_SEND:
        return;
    }
}

static void write_output(struct bench_connection *connection, const struct komet_link_output *output)
{
    ssize_t sent = send(connection->socket, output->octets, output->size, MSG_NOSIGNAL);
    if (sent > 0) {
        komet_link_written(connection->link, (size_t)sent);
        watch_room(connection, (size_t)sent < output->size);
    } else if (errno == EAGAIN || errno == EINTR) {
        watch_room(connection, true);
    } else {
        end(connection, KOMET_CONNECTION_RESET);
    }
}

/* One write takes all that was filled in; more is filled in only when TCP took it all. */
static void fill_and_write(struct bench_connection *connection)
{
    struct bench_host *host = connection->host;
    struct komet_link_output output;
    bool more = true;
    while (more && connection->socket >= 0 && !connection->full) {
        more = host->behaviour->fill != NULL && host->behaviour->fill(connection);
        while (connection->socket >= 0 && !connection->full &&
               komet_link_next(connection->link, host->now.instant, &output)) {
            if (output.kind == KOMET_LINK_OUT_SEND) {
                write_output(connection, &output);
            } else {
                take_output(connection, &output);
            }
        }
        more = more && connection->socket >= 0 && komet_link_room(connection->link) > 0;
    }
}

static void feed(struct bench_connection *connection, size_t size)
{
    struct bench_host *host = connection->host;
    struct komet_link_output output;
    for (size_t at = 0; at < size && connection->socket >= 0;) {
        at += komet_link_feed(connection->link, host->now.instant, host->input + at, size - at);
        while (connection->socket >= 0 && komet_link_next(connection->link, host->now.instant, &output) &&
               output.kind != KOMET_LINK_OUT_SEND) {
            take_output(connection, &output);
        }
    }
    if (connection->socket >= 0) {
        komet_link_acknowledge(connection->link, host->now.instant, connection->received);
    }
}

static void receive(struct bench_connection *connection)
{
    struct bench_host *host = connection->host;
    ssize_t got = recv(connection->socket, host->input, INPUT_SIZE, 0);
    if (got > 0) {
        feed(connection, (size_t)got);
    } else if (got == 0) {
        end(connection, KOMET_PEER_CLOSED);
    } else if (errno != EAGAIN && errno != EINTR) {
        end(connection, KOMET_CONNECTION_RESET);
    }
}

void bench_host_send(struct bench_connection *connection)
{
    if (connection->link != NULL) {
        fill_and_write(connection);
    }
    if (connection->socket >= 0) {
        note_deadline(connection);
    }
}

/* ---- a turn ---- */

static void take_event(struct bench_connection *connection, uint32_t events)
{
    if (connection->socket < 0) {
        return; /* closed earlier in this turn */
    }
    if (connection->link == NULL) {
        end_connecting(connection);
        if (connection->link == NULL) {
            return;
        }
    }
    if ((events & EPOLLOUT) != 0) {
        watch_room(connection, false);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        receive(connection);
    }
    if (connection->socket >= 0) {
        bench_host_send(connection);
    }
}

/* Ticks the links whose time has come, and finds when to look again. */
static void take_time(struct bench_host *host)
{
    struct komet_instant earliest = KOMET_NEVER;
    for (unsigned i = 0; i < host->count; i++) {
        struct bench_connection *connection = &host->connections[i];
        if (komet_reached(host->now.instant, host->deadlines[i])) {
            komet_link_tick(connection->link, host->now.instant);
            fill_and_write(connection);
            host->deadlines[i] = connection->socket < 0 ? KOMET_NEVER : komet_link_deadline(connection->link);
        }
        earliest = komet_earlier(earliest, host->deadlines[i]);
    }
    struct komet_instant soonest = komet_after(host->now.instant, LOOK_US);
    ring_at(host, earliest.us < soonest.us ? soonest : earliest); /* which also takes back the ring heard */
}

void bench_host_turn(struct bench_host *host)
{
    struct epoll_event events[EVENTS];
    uint64_t beats;
    int count = epoll_wait(host->poll, events, EVENTS, -1);
    host->now = clock_now();
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &host->timer) {
            take_time(host);
        } else if (events[i].data.ptr == &host->listener) {
            take_connections(host);
        } else if (events[i].data.ptr != &host->beat) {
            take_event(events[i].data.ptr, events[i].events);
        } else if (read(host->beat, &beats, sizeof beats) == sizeof beats && host->behaviour->beat != NULL) {
            host->behaviour->beat(host);
        }
    }
}

/* ---- life ---- */

void bench_host_listen(struct bench_host *host, int listener)
{
    host->listener = listener;
    watch(host, listener, EPOLLIN, &host->listener);
}

struct bench_host *bench_host_new(const struct bench_behaviour *behaviour,
                                  const struct komet_link_settings *settings, unsigned connections_max,
                                  void *owner)
{
    struct bench_host *host = malloc(sizeof *host);
    KOMET_ASSERT(host != NULL);
    *host = (struct bench_host){
        .behaviour = behaviour,
        .settings = *settings,
        .owner = owner,
        .now = clock_now(),
        .poll = epoll_create1(EPOLL_CLOEXEC),
        .timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC),
        .beat = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC),
        .listener = -1,
        .rings = KOMET_NEVER,
        .count = connections_max,
        .connections = calloc(connections_max, sizeof host->connections[0]),
        .deadlines = calloc(connections_max, sizeof host->deadlines[0]),
        .unused = calloc(connections_max, sizeof host->unused[0]),
    };
    KOMET_ASSERT(host->poll >= 0 && host->timer >= 0 && host->beat >= 0);
    KOMET_ASSERT(host->connections != NULL && host->deadlines != NULL && host->unused != NULL);
    for (unsigned i = 0; i < connections_max; i++) {
        host->connections[i].socket = -1;
        host->deadlines[i] = KOMET_NEVER;
        host->unused[host->unused_count++] = connections_max - 1 - i;
    }
    watch(host, host->timer, EPOLLIN, &host->timer);
    watch(host, host->beat, EPOLLIN, &host->beat);
    return host;
}

void bench_host_free(struct bench_host *host)
{
    if (host == NULL) {
        return;
    }
    for (unsigned i = 0; i < host->count; i++) {
        if (host->connections[i].socket >= 0) {
            close(host->connections[i].socket);
            free(host->connections[i].link);
        }
    }
    close(host->beat);
    close(host->timer);
    close(host->poll);
    free(host->unused);
    free(host->deadlines);
    free(host->connections);
    free(host);
}
