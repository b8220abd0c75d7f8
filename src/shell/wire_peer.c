/*
 * wire_peer: see wire_peer.h.
 *
 * All peers of a program share one arena for the message at hand: a message is dealt with before the next one
 * is unpacked.
 */
#include "shell/wire_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

#define ARENA_SIZE (64u * 1024 * 1024) /* pages that are never touched cost nothing */
#define CHUNK_SIZE (32u * 1024)

struct wire_peer {
    struct tcp *tcp; /* NULL: closed */
    struct tls *tls; /* NULL: plain */
    const struct wire_peer_events *events;
    void *context;
    bool busy; /* within a callback: not freed there */
    bool paused, accepted;
    bool open;        /* TLS: `connected` was called */
    size_t input_max; /* octets of a message */
    uint8_t *output;
    size_t output_capacity;
    uint8_t *input; /* TLS: deciphered and not handed over */
    size_t input_size, input_capacity;
};

static struct wire_arena arena;

static void free_peer(struct wire_peer *peer)
{
    if (!peer->busy) {
        tls_free(peer->tls);
        free(peer->input);
        free(peer->output);
        free(peer);
    }
}

static void end(struct wire_peer *peer, const char *reason)
{
    tcp_abort(peer->tcp);
    peer->tcp = NULL;
    peer->events->closed(peer->context, peer, KOMET_OK, reason);
}

/* Ends for a fault of TLS; what is still to be said to the other end is sent before. */
static void end_tls(struct wire_peer *peer, enum tls_fault fault, const char *sentence)
{
    char reason[TLS_TEXT_SIZE + 160], address[80];
    tcp_peer(peer->tcp, address, sizeof address);
    snprintf(reason, sizeof reason, "%s: %s%s%s%s", tls_fault_name(fault), sentence,
             peer->accepted ? " (from " : "", peer->accepted ? address : "", peer->accepted ? ")" : "");
    tcp_close(peer->tcp);
    peer->tcp = NULL;
    peer->events->closed(peer->context, peer, KOMET_OK, reason);
}

/* ---- receiving ---- */

/* Four octets of length, high octet first: a message that is too long is not waited for. */
static bool is_too_long(const struct wire_peer *peer, const uint8_t *octets, size_t size)
{
    return size >= 4 && ((size_t)octets[0] << 24 | (size_t)octets[1] << 16 | (size_t)octets[2] << 8 |
                         octets[3]) > peer->input_max;
}

/* Hands over the whole messages in `octets`; returns what they took. The peer may have ended meanwhile. */
static size_t take_messages(struct wire_peer *peer, const uint8_t *octets, size_t size)
{
    size_t taken = 0;
    while (peer->tcp != NULL && !peer->paused && taken < size) {
        if (is_too_long(peer, octets + taken, size - taken)) {
            end(peer, wire_fault_name(WIRE_TOO_LONG));
            break;
        }
        wire_message *message;
        size_t consumed;
        enum wire_fault fault = wire_decode(octets + taken, size - taken, &arena, &message, &consumed);
        if (fault != WIRE_OK) {
            end(peer, wire_fault_name(fault));
            break;
        }
        if (consumed == 0) {
            break;
        }
        taken += consumed;
        peer->events->message(peer->context, peer, message);
    }
    return taken;
}

static size_t receive_plain(struct wire_peer *peer, const uint8_t *octets, size_t size)
{
    if (tls_looks_like(octets, size)) {
        end_tls(
            peer, TLS_REQUIRED,
            peer->accepted
                ? "the client speaks TLS, and this server does not; right would be tls: in its site.yaml, "
                  "or no --tls there"
                : "the server speaks TLS; right would be --tls DIR, with a certificate of its site's CA");
        return size;
    }
    return take_messages(peer, octets, size);
}

/* Sends what TLS has for the other end. False: the peer has ended, or is ending. */
static bool flush(struct wire_peer *peer)
{
    uint8_t octets[CHUNK_SIZE];
    size_t size;
    while ((size = tls_output(peer->tls, octets, sizeof octets)) > 0) {
        if (!tcp_write(peer->tcp, octets, size)) {
            return false;
        }
    }
    return true;
}

static void decipher(struct wire_peer *peer)
{
    size_t size;
    do {
        if (peer->input_capacity - peer->input_size < CHUNK_SIZE) {
            peer->input_capacity = peer->input_size * 2 + CHUNK_SIZE;
            peer->input = realloc(peer->input, peer->input_capacity);
            KOMET_ASSERT(peer->input != NULL);
        }
        size = tls_read(peer->tls, peer->input + peer->input_size, peer->input_capacity - peer->input_size);
        peer->input_size += size;
    } while (size > 0);
}

static void take_deciphered(struct wire_peer *peer)
{
    size_t taken = take_messages(peer, peer->input, peer->input_size);
    peer->input_size -= taken;
    if (peer->input_size > 0) {
        memmove(peer->input, peer->input + taken, peer->input_size);
    }
}

static void receive_tls(struct wire_peer *peer, const uint8_t *octets, size_t size)
{
    const char *sentence;
    tls_feed(peer->tls, octets, size);
    decipher(peer);
    flush(peer);
    if (peer->tcp != NULL && !peer->open && tls_is_open(peer->tls)) {
        peer->open = true;
        peer->events->connected(peer->context, peer);
    }
    take_deciphered(peer);
    enum tls_fault fault = tls_failure(peer->tls, &sentence);
    if (peer->tcp != NULL && fault != TLS_OK) {
        end_tls(peer, fault, sentence);
    }
}

static size_t on_received(void *context, struct tcp *tcp, const uint8_t *octets, size_t size)
{
    struct wire_peer *peer = context;
    size_t taken = size;
    (void)tcp;
    peer->busy = true;
    if (peer->tls != NULL) {
        receive_tls(peer, octets, size);
    } else {
        taken = receive_plain(peer, octets, size);
    }
    peer->busy = false;
    if (peer->tcp == NULL) {
        free_peer(peer);
    }
    return taken;
}

static void on_connected(void *context, struct tcp *tcp)
{
    struct wire_peer *peer = context;
    peer->busy = true;
    if (peer->tls != NULL) {
        flush(peer); /* the first words of the handshake */
    } else if (tcp_is_local(tcp)) {
        peer->events->connected(peer->context, peer);
    } else {
        end_tls(peer, TLS_REQUIRED,
                "the server is on another machine, where only TLS is spoken; right would be --tls DIR");
    }
    peer->busy = false;
    if (peer->tcp == NULL) {
        free_peer(peer);
    }
}

static void on_drained(void *context, struct tcp *tcp)
{
    struct wire_peer *peer = context;
    (void)tcp;
    if (peer->events->drained != NULL) {
        peer->events->drained(peer->context, peer);
    }
}

static void on_closed(void *context, struct tcp *tcp, enum komet_reason reason)
{
    struct wire_peer *peer = context;
    char text[TLS_TEXT_SIZE];
    const char *sentence;
    (void)tcp;
    peer->tcp = NULL;
    snprintf(text, sizeof text, "%s", komet_reason_name(reason));
    if (peer->tls != NULL && !peer->open && !peer->accepted &&
        (reason == KOMET_PEER_CLOSED || reason == KOMET_CONNECTION_RESET)) {
        enum tls_fault fault = tls_silence(peer->tls, &sentence);
        snprintf(text, sizeof text, "%s: %s", tls_fault_name(fault), sentence);
    }
    peer->events->closed(peer->context, peer, reason, text);
    free_peer(peer);
}

static const struct tcp_events events_of_tcp = {on_connected, on_received, on_drained, on_closed, NULL};

static struct wire_peer *peer_new(const struct wire_peer_events *events, void *context)
{
    if (arena.memory == NULL) {
        arena = (struct wire_arena){malloc(ARENA_SIZE), ARENA_SIZE, 0};
    }
    struct wire_peer *peer = calloc(1, sizeof *peer);
    KOMET_ASSERT(peer != NULL && arena.memory != NULL);
    peer->events = events;
    peer->context = context;
    peer->input_max = WIRE_FRAME_MAX;
    return peer;
}

struct wire_peer *wire_peer_connect(uv_loop_t *loop, const char *host, uint16_t port, uint64_t limit_ms,
                                    const struct tls_credentials *credentials,
                                    const struct wire_peer_events *events, void *context)
{
    struct wire_peer *peer = peer_new(events, context);
    peer->tls = credentials != NULL ? tls_new(credentials, TLS_CLIENT) : NULL;
    peer->tcp = tcp_connect(loop, NULL, host, port, limit_ms, &events_of_tcp, peer, WIRE_PEER_OUTPUT_MAX);
    return peer;
}

struct wire_peer *wire_peer_adopt(struct tcp_listener *listener, const struct tls_credentials *credentials,
                                  const struct wire_peer_events *events, void *context)
{
    struct wire_peer *peer = peer_new(events, context);
    peer->tls = credentials != NULL ? tls_new(credentials, TLS_SERVER) : NULL;
    peer->accepted = true;
    peer->input_max = WIRE_PEER_INPUT_MAX;
    peer->tcp = tcp_adopt(listener, &events_of_tcp, peer, WIRE_PEER_OUTPUT_MAX);
    if (peer->tcp == NULL) {
        free_peer(peer);
        return NULL;
    }
    return peer;
}

struct identity wire_peer_identity(const struct wire_peer *peer)
{
    return peer->tls != NULL ? *tls_peer(peer->tls) : (struct identity){IDENTITY_NONE, ""};
}

long wire_peer_days_left(const struct wire_peer *peer)
{
    return peer->tls != NULL ? tls_peer_days_left(peer->tls) : 0;
}

void wire_peer_address(const struct wire_peer *peer, char *text, size_t size)
{
    if (peer->tcp != NULL) {
        tcp_peer(peer->tcp, text, size);
    } else {
        snprintf(text, size, "?:0");
    }
}

bool wire_peer_send(struct wire_peer *peer, const wire_message *message)
{
    size_t size = wire_encoded_size(message);
    if (peer->tcp == NULL) {
        return false;
    }
    if (size > peer->output_capacity) {
        free(peer->output);
        peer->output_capacity = size * 2;
        peer->output = malloc(peer->output_capacity);
        KOMET_ASSERT(peer->output != NULL);
    }
    size_t written = wire_encode(message, peer->output, peer->output_capacity);
    KOMET_ASSERT(written == size);
    if (peer->tls == NULL) {
        return tcp_write(peer->tcp, peer->output, size);
    }
    tls_write(peer->tls, peer->output, size);
    return flush(peer);
}

void wire_peer_pause(struct wire_peer *peer)
{
    if (peer->tcp != NULL) {
        peer->paused = true;
        tcp_pause(peer->tcp);
    }
}

void wire_peer_resume(struct wire_peer *peer)
{
    if (peer->tcp == NULL || !peer->paused) {
        return;
    }
    peer->paused = false;
    peer->busy = true;
    take_deciphered(peer);
    peer->busy = false;
    if (peer->tcp == NULL) {
        free_peer(peer);
    } else if (!peer->paused) {
        tcp_resume(peer->tcp);
    }
}

size_t wire_peer_waiting(const struct wire_peer *peer)
{
    return peer->tcp != NULL ? tcp_waiting(peer->tcp) : 0;
}

static void on_closed_unheard(void *context, struct wire_peer *peer, enum komet_reason reason,
                              const char *text)
{
    (void)context, (void)peer, (void)reason, (void)text;
}

/* Says in TLS that it ends, whatever becomes of that. */
static void take_leave(struct wire_peer *peer)
{
    static const struct wire_peer_events nobody = {.closed = on_closed_unheard};
    bool busy = peer->busy;
    peer->events = &nobody;
    peer->busy = true;
    tls_shutdown(peer->tls);
    flush(peer);
    peer->busy = busy;
}

void wire_peer_close(struct wire_peer *peer)
{
    if (peer->tcp == NULL) {
        return;
    }
    if (peer->tls != NULL) {
        take_leave(peer);
    }
    if (peer->tcp != NULL) {
        tcp_close(peer->tcp);
        peer->tcp = NULL;
    }
    free_peer(peer);
}

void wire_peer_abort(struct wire_peer *peer)
{
    if (peer->tcp != NULL) {
        tcp_abort(peer->tcp);
        peer->tcp = NULL;
        free_peer(peer);
    }
}
