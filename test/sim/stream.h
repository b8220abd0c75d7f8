/*
 * stream: one direction of a simulated TCP connection: octets arrive in order, after a delay.
 */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/time.h"

#define STREAM_CHUNKS_MAX 512

struct stream_chunk {
    struct komet_instant arrives;
    size_t size;
};

struct stream {
    uint8_t *octets;
    size_t size, capacity;
    struct stream_chunk chunks[STREAM_CHUNKS_MAX];
    unsigned chunk_count;
};

/* Puts octets under way; they arrive at `arrives`, never before what was sent earlier. */
void stream_send(struct stream *stream, const uint8_t *octets, size_t size, struct komet_instant arrives);
/* How many octets have arrived by `now`. */
size_t stream_arrived(const struct stream *stream, struct komet_instant now);
/* The receiver took the first `size` octets. */
void stream_take(struct stream *stream, size_t size);
/* When the next octets arrive; KOMET_NEVER when none are under way. */
struct komet_instant stream_next(const struct stream *stream);
/* The connection is gone: everything under way with it. */
void stream_clear(struct stream *stream);
void stream_free(struct stream *stream);

#endif
