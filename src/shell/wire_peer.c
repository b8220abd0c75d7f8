/*
 * wire_peer: see wire_peer.h.
 *
 * All peers of a program share one arena for the message at hand: a message is dealt with before the next one
 * is unpacked.
 */
#include "shell/wire_peer.h"

#include <stdlib.h>

#include "komet/assert.h"

#define ARENA_SIZE (64u * 1024 * 1024) /* pages that are never touched cost nothing */

struct wire_peer {
    struct tcp *tcp; /* NULL: closed */
    const struct wire_peer_events *events;
    void *context;
    bool busy; /* within a callback: not freed there */
    bool paused;
    size_t input_max; /* octets of a message */
    uint8_t *output;
    size_t output_capacity;
};

static struct wire_arena arena;

static void free_peer(struct wire_peer *peer)
{
    if (!peer->busy) {
        free(peer->output);
        free(peer);
    }
}

static void end(struct wire_peer *peer, const char *reason)
{
    tcp_abort(peer->tcp);
    peer->tcp = NULL;
    peer->events->closed(peer->context, peer, reason);
}

/* Four octets of length, high octet first: a message that is too long is not waited for. */
static bool is_too_long(const struct wire_peer *peer, const uint8_t *octets, size_t size)
{
    return size >= 4 && ((size_t)octets[0] << 24 | (size_t)octets[1] << 16 | (size_t)octets[2] << 8 |
                         octets[3]) > peer->input_max;
}

static size_t on_received(void *context, struct tcp *tcp, const uint8_t *octets, size_t size)
{
    struct wire_peer *peer = context;
    size_t taken = 0;
    (void)tcp;
    peer->busy = true;
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
    peer->busy = false;
    if (peer->tcp == NULL) {
        free_peer(peer);
    }
    return taken;
}

static void on_connected(void *context, struct tcp *tcp)
{
    struct wire_peer *peer = context;
    (void)tcp;
    peer->events->connected(peer->context, peer);
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
    (void)tcp;
    peer->tcp = NULL;
    peer->events->closed(peer->context, peer, komet_reason_name(reason));
    free_peer(peer);
}

static const struct tcp_events events_of_tcp = {on_connected, on_received, on_drained, on_closed};

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
                                    const struct wire_peer_events *events, void *context)
{
    struct wire_peer *peer = peer_new(events, context);
    peer->tcp = tcp_connect(loop, host, port, limit_ms, &events_of_tcp, peer, WIRE_PEER_OUTPUT_MAX);
    return peer;
}

struct wire_peer *wire_peer_adopt(struct tcp_listener *listener, const struct wire_peer_events *events,
                                  void *context)
{
    struct wire_peer *peer = peer_new(events, context);
    peer->input_max = WIRE_PEER_INPUT_MAX;
    peer->tcp = tcp_adopt(listener, &events_of_tcp, peer, WIRE_PEER_OUTPUT_MAX);
    if (peer->tcp == NULL) {
        free_peer(peer);
        return NULL;
    }
    return peer;
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
    return tcp_write(peer->tcp, peer->output, size);
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
    if (peer->tcp != NULL && peer->paused) {
        peer->paused = false;
        tcp_resume(peer->tcp);
    }
}

size_t wire_peer_waiting(const struct wire_peer *peer)
{
    return peer->tcp != NULL ? tcp_waiting(peer->tcp) : 0;
}

void wire_peer_close(struct wire_peer *peer)
{
    if (peer->tcp != NULL) {
        tcp_close(peer->tcp);
        peer->tcp = NULL;
        free_peer(peer);
    }
}

void wire_peer_abort(struct wire_peer *peer)
{
    if (peer->tcp != NULL) {
        tcp_abort(peer->tcp);
        peer->tcp = NULL;
        free_peer(peer);
    }
}
