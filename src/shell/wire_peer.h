/*
 * wire_peer: one connection of the messages between the programs, on top of tcp.
 *
 * Received octets are cut into messages and handed over one at a time; a message lives until the callback
 * returns. A frame that is too long or malformed closes the connection.
 *
 * With credentials the connection speaks TLS (shell/tls.h), and nothing is handed over before both ends have
 * shown their certificates. Without, it is plain, and one that we make goes no further than this machine.
 */
#ifndef SHELL_WIRE_PEER_H
#define SHELL_WIRE_PEER_H

#include "shell/tcp.h"
#include "shell/tls.h"
#include "wire/frame.h"

struct wire_peer; /* opaque */

struct wire_peer_events {
    /* It is ready for messages, in TLS with the handshake done; not called for adopted plain ones. */
    void (*connected)(void *context, struct wire_peer *peer);
    void (*message)(void *context, struct wire_peer *peer, const wire_message *message);
    void (*drained)(void *context, struct wire_peer *peer);
    /* It has ended; `peer` is not to be used any more.
     *   reason  what became of the connection; KOMET_OK: nothing, it is closed for what was said on it
     *   text    for people: a word, of TLS with a sentence behind it ("tls-expired: …"), borrowed for the call */
    void (*closed)(void *context, struct wire_peer *peer, enum komet_reason reason, const char *text);
};

#define WIRE_PEER_OUTPUT_MAX (32u * 1024 * 1024)
#define WIRE_PEER_INPUT_MAX  (1024u * 1024) /* a full batch of a KOM takes about half of it */

/* `limit_ms`: after which the caller gives up, see tcp_connect. `credentials`: of TLS, borrowed for the
 * connection's life; NULL: plain, and closed with tls-required when the other end is on another machine. */
struct wire_peer *wire_peer_connect(uv_loop_t *loop, const char *host, uint16_t port, uint64_t limit_ms,
                                    const struct tls_credentials *credentials,
                                    const struct wire_peer_events *events, void *context);
/* Takes what a listener announced; NULL when it has gone already. A peer that connects to us may not send
 * longer messages than WIRE_PEER_INPUT_MAX: it is closed for it, before we keep them. */
struct wire_peer *wire_peer_adopt(struct tcp_listener *listener, const struct tls_credentials *credentials,
                                  const struct wire_peer_events *events, void *context);
/* Who the other end is, once it is connected; role NONE when it is plain. */
struct identity wire_peer_identity(const struct wire_peer *peer);
/* Whole days until its certificate ends; 0 when it is plain. */
long wire_peer_days_left(const struct wire_peer *peer);
/* Its address, as tcp_peer writes it. */
void wire_peer_address(const struct wire_peer *peer, char *text, size_t size);
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
