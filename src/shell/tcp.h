/*
 * tcp: TCP connections and listeners on a libuv loop, with the reasons of Komet for their ends.
 *
 * A connection offers what it received until its owner took it: half a frame is offered again with what comes
 * behind it. An owner that can take no more pauses the connection and resumes it later, and meanwhile the
 * peer is held back by TCP itself. What the owner writes is bounded; a peer that does not read for so long
 * that the bound is reached is closed with KOMET_OUTPUT_FULL.
 */
#ifndef SHELL_TCP_H
#define SHELL_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "komet/reason.h"

struct tcp; /* one connection; opaque. Freed by itself some time after it was closed */

struct tcp_events {
    /* tcp_connect succeeded. NULL for accepted ones. */
    void (*connected)(void *context, struct tcp *tcp);
    /* Octets came; returns how many were taken. The rest is offered again with the next ones. */
    size_t (*received)(void *context, struct tcp *tcp, const uint8_t *octets, size_t size);
    /* Everything written has left; may be NULL. */
    void (*drained)(void *context, struct tcp *tcp);
    /* It has ended, by the peer or the network; `tcp` is not to be used any more. Not called after tcp_abort
     * or tcp_close. */
    void (*closed)(void *context, struct tcp *tcp, enum komet_reason reason);
    /* Asked right before octets are written that the socket had not taken when they were given: false, and
     * they wait on. The owner may close the connection in there. NULL: nobody asks, they leave as soon as
     * they can. */
    bool (*may_write)(void *context, struct tcp *tcp);
};

/*
 * Begins to connect to a name or address; the addresses of a name are tried in turn. Never NULL; a failure is
 * reported by `closed` later.
 *   local            an IP address of this machine to connect from; NULL: the system chooses. Borrowed as
 *                    events
 *   limit_ms         when the caller gives up, which is its own to do: until then each address has its part
 *   events, context  borrowed for the connection's life
 *   output_max       octets that may wait to be written
 */
struct tcp *tcp_connect(uv_loop_t *loop, const char *local, const char *host, uint16_t port,
                        uint64_t limit_ms, const struct tcp_events *events, void *context, size_t output_max);

/* Octets are copied, and written at once if the socket takes them. False: it is over its bound; `closed` with
 * KOMET_OUTPUT_FULL has been called, or it was closed before. */
bool tcp_write(struct tcp *tcp, const uint8_t *octets, size_t size);
/* Small pieces are sent at once (TCP_NODELAY), or gathered. An open connection begins with at once. */
void tcp_send_at_once(struct tcp *tcp, bool at_once);
/* Octets that wait to be written. */
size_t tcp_waiting(const struct tcp *tcp);
/* Reads no more until tcp_resume, which first offers what was not taken. */
void tcp_pause(struct tcp *tcp);
void tcp_resume(struct tcp *tcp);
/* Closes at once, with a reset: what is unwritten is discarded. */
void tcp_abort(struct tcp *tcp);
/* Closes after everything was written, at the latest after two seconds. */
void tcp_close(struct tcp *tcp);

struct tcp_listener;
/* A connection came; the owner calls tcp_adopt to take it, at once. */
typedef void tcp_accepted(void *context, struct tcp_listener *listener);
/* Listens. NULL: `fault` (of 200 octets) says why not ("address in use: …"). */
struct tcp_listener *tcp_listen(uv_loop_t *loop, const char *host, uint16_t port, tcp_accepted *accepted,
                                void *context, char *fault);
/* Takes the connection that `accepted` announced; NULL when it has gone already. */
struct tcp *tcp_adopt(struct tcp_listener *listener, const struct tcp_events *events, void *context,
                      size_t output_max);
/* "127.0.0.1:4711", "[::1]:4711": the other end, or "?:0". */
void tcp_peer(const struct tcp *tcp, char *text, size_t size);
/* The addresses of both ends; family AF_UNSPEC where it is not known. */
void tcp_ends(const struct tcp *tcp, struct sockaddr_storage *local, struct sockaddr_storage *remote);
/* The other end is on this machine: its address is one of loopback. */
bool tcp_is_local(const struct tcp *tcp);
/* The reason for a failure of libuv (UV_EOF, UV_ETIMEDOUT, …). KOMET_PEER_CLOSED and KOMET_CONNECTION_RESET
 * only when the other end itself has let go of the connection: the server then takes an instance for dead,
 * while one that the network merely hides may still act. */
enum komet_reason tcp_reason(int status);
void tcp_listener_close(struct tcp_listener *listener); /* NULL is allowed */

#endif
