/*
 * wire_peer: one connection of the messages between the programs, on top of tcp.
 *
 * Received octets are cut into messages and handed over one at a time; a message lives until the callback
 * returns. A frame that is too long or malformed closes the connection.
 */
#ifndef SHELL_WIRE_PEER_H
#define SHELL_WIRE_PEER_H

#include "shell/tcp.h"
#include "wire/frame.h"

struct wire_peer; /* opaque */

struct wire_peer_events {
    void (*connected)(void *context, struct wire_peer *peer);
    void (*message)(void *context, struct wire_peer *peer, const wire_message *message);
    void (*drained)(void *context, struct wire_peer *peer);
    /* It has ended, for the reason given; `peer` is not to be used any more. */
    void (*closed)(void *context, struct wire_peer *peer, const char *reason);
};

#define WIRE_PEER_OUTPUT_MAX (32u * 1024 * 1024)
#define WIRE_PEER_INPUT_MAX  (1024u * 1024) /* a full batch of a KOM takes about half of it */

/* `limit_ms`: after which the caller gives up, see tcp_connect. */
struct wire_peer *wire_peer_connect(uv_loop_t *loop, const char *host, uint16_t port, uint64_t limit_ms,
                                    const struct wire_peer_events *events, void *context);
/* Takes what a listener announced; NULL when it has gone already. A peer that connects to us may not send
 * longer messages than WIRE_PEER_INPUT_MAX: it is closed for it, before we keep them. */
struct wire_peer *wire_peer_adopt(struct tcp_listener *listener, const struct wire_peer_events *events,
                                  void *context);
/* Encodes and writes. False: the peer was closed (`closed` has been called) or is closing. */
bool wire_peer_send(struct wire_peer *peer, const wire_message *message);
/* No message is handed over until wire_peer_resume; the peer is held back by TCP. */
void wire_peer_pause(struct wire_peer *peer);
/* Hands over what came meanwhile, also from within this call: not from within a callback of this peer. */
void wire_peer_resume(struct wire_peer *peer);
/* Octets that wait to be written. */
size_t wire_peer_waiting(const struct wire_peer *peer);
/* Closes after what was sent; or at once. `closed` is not called. */
void wire_peer_close(struct wire_peer *peer);
void wire_peer_abort(struct wire_peer *peer);

#endif
