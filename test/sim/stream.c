/*
 * stream: see stream.h. A flat buffer of octets, and the times at which its parts arrive.
 */
#include "sim/stream.h"

#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

void stream_send(struct stream *stream, const uint8_t *octets, size_t size, struct komet_instant arrives)
{
    if (size == 0) {
        return;
    }
    if (stream->size + size > stream->capacity) {
        stream->capacity = (stream->size + size) * 2;
        stream->octets = realloc(stream->octets, stream->capacity);
        KOMET_ASSERT(stream->octets != NULL);
    }
    memcpy(stream->octets + stream->size, octets, size);
    stream->size += size;
    struct stream_chunk *last = stream->chunk_count > 0 ? &stream->chunks[stream->chunk_count - 1] : NULL;
    if (last != NULL && last->arrives.us >= arrives.us) {
        last->size += size; /* what was sent earlier is not overtaken */
        return;
    }
    if (stream->chunk_count == STREAM_CHUNKS_MAX) {
        last->size += size;
        last->arrives = arrives;
        return;
    }
    stream->chunks[stream->chunk_count++] = (struct stream_chunk){.arrives = arrives, .size = size};
}

size_t stream_arrived(const struct stream *stream, struct komet_instant now)
{
    size_t size = 0;
    for (unsigned i = 0; i < stream->chunk_count && komet_reached(now, stream->chunks[i].arrives); i++) {
        size += stream->chunks[i].size;
    }
    return size;
}

void stream_take(struct stream *stream, size_t size)
{
    KOMET_ASSERT(size <= stream->size);
    memmove(stream->octets, stream->octets + size, stream->size - size);
    stream->size -= size;
    unsigned gone = 0;
    while (size > 0) {
        struct stream_chunk *chunk = &stream->chunks[gone];
        size_t part = size < chunk->size ? size : chunk->size;
        chunk->size -= part;
        size -= part;
        gone += chunk->size == 0 ? 1 : 0;
    }
    memmove(stream->chunks, stream->chunks + gone, (stream->chunk_count - gone) * sizeof stream->chunks[0]);
    stream->chunk_count -= gone;
}

struct komet_instant stream_next(const struct stream *stream)
{
    return stream->chunk_count > 0 ? stream->chunks[0].arrives : KOMET_NEVER;
}

void stream_clear(struct stream *stream)
{
    stream->size = 0;
    stream->chunk_count = 0;
}

void stream_free(struct stream *stream)
{
    free(stream->octets);
    *stream = (struct stream){0};
}
