/*
 * bench_host: links on TCP sockets, as a program that uses libkomet has them. One thread, one epoll. For a
 * connection on which something came: read all there is, decode it where it stands, encode straight into
 * the link's output, one write for all that may go.
 *
 * What a host does with its ASDUs is its behaviour: functions that a turn calls.
 */
#ifndef KOMET_PROGRAM_BENCH_HOST_H
#define KOMET_PROGRAM_BENCH_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "komet/link.h"
#include "line/line.h"

struct bench_host; /* opaque */

struct bench_connection {
    struct bench_host *host;
    unsigned number;         /* from 0; of another connection after it was closed */
    struct komet_link *link; /* NULL until TCP has connected */
    uint64_t mark;           /* the owner's, 0 to begin with */
    /* The host's own. */
    int socket;        /* -1: closed */
    uint64_t received; /* I formats handed out */
    bool full;         /* TCP took less than it was given */
};

/* The standard's settings with another k and w, and as much output as is well used. */
struct komet_link_settings bench_link_settings(enum komet_link_role role, uint16_t k, uint16_t w);

/* Each may be NULL. */
struct bench_behaviour {
    /* Data transfer was started; or the connection ended, and is nobody's after this call. */
    void (*started)(struct bench_connection *connection);
    void (*closed)(struct bench_connection *connection, enum komet_reason reason);
    /* An ASDU came, and is acknowledged after the call. */
    void (*asdu)(struct bench_connection *connection, const uint8_t *octets, size_t size);
    /* The partner has so many of ours. */
    void (*acknowledged)(struct bench_connection *connection, uint64_t count);
    /* There may be room: the place to reserve and commit. True: there is more to send than had room. */
    bool (*fill)(struct bench_connection *connection);
    /* The beat of bench_host_beat. */
    void (*beat)(struct bench_host *host);
};

/*
 *   behaviour  borrowed for the host's life
 *   settings   of each link; copied
 *   owner      what bench_host_owner returns
 * NULL: errno says why.
 */
struct bench_host *bench_host_new(const struct bench_behaviour *behaviour,
                                  const struct komet_link_settings *settings, unsigned connections_max,
                                  void *owner);
void bench_host_free(struct bench_host *host); /* closes all; NULL is allowed */

void *bench_host_owner(const struct bench_host *host);
struct line_now bench_host_now(const struct bench_host *host); /* read once a turn */

/* Takes the connections of a listening, non-blocking socket; when it has as many as it may, the next ones
 * wait until one was closed. The socket stays the caller's. */
void bench_host_listen(struct bench_host *host, int listener);

/* Connects; and starts data transfer, in a host of controlling links. A failure is told by `closed`. False:
 * there is no room, or no socket. */
bool bench_host_connect(struct bench_host *host, const struct sockaddr *address, socklen_t size);

/* Calls `beat` every `seconds`, from now on. */
void bench_host_beat(struct bench_host *host, double seconds);

/* Waits for anything that is to be done, and does it. */
void bench_host_turn(struct bench_host *host);

/* Fills and writes now, not only after something came. */
void bench_host_send(struct bench_connection *connection);

/* The connection with this number; NULL when there is none. */
struct bench_connection *bench_host_connection(struct bench_host *host, unsigned number);

/* Closes with RST, so that no port is kept in TIME_WAIT. `closed` is not called. */
void bench_host_close(struct bench_connection *connection);

#endif
