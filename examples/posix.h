/*
 * posix: the clocks and sockets of the examples. On another system this is the file to write anew; libkomet
 * itself knows neither.
 */
#ifndef EXAMPLES_POSIX_H
#define EXAMPLES_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <komet/time.h>

/* For timers: a clock that is never set back. */
static inline struct komet_instant now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct komet_instant){(int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000};
}

/* For time tags. */
static inline struct komet_utc calendar_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct komet_utc){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

/* Until `instant`, as poll wants it: at most a minute, rounded up. */
static inline int milliseconds_until(struct komet_instant instant)
{
    int64_t us = komet_elapsed_us(instant, now());
    return us <= 0 ? 0 : us > KOMET_SECONDS(60) ? 60000 : (int)((us + 999) / 1000);
}

/* A TCP connection to a host by name or address, which does not block; -1 when none of its addresses answers.
 */
static inline int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int fd = -1;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -1;
    }
    for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd >= 0) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
}

/* True when a read of the polled socket would not wait. */
static inline bool readable(const struct pollfd *polled)
{
    return (polled->revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

/* Gives TCP as many of the octets as it takes without waiting: how many, 0 for none now, -1 for never again.
 */
static inline ssize_t send_octets(int fd, const uint8_t *octets, size_t size)
{
    ssize_t sent = send(fd, octets, size, MSG_NOSIGNAL);
    return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : sent;
}

#endif
