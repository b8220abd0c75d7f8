/* Cuts a stream into APDUs and finds the step again where it was lost. */
#include "capture/apdu_stream.h"

#include <string.h>

#include "komet/assert.h"

void apdu_stream_init(struct apdu_stream *stream, bool from_start)
{
    stream->start = stream->filled = stream->junk = 0;
    stream->junk_kind = APDU_STREAM_CUT;
    stream->junk_reason = KOMET_OK;
    stream->in_step = from_start;
    stream->broken = false;
}

size_t apdu_stream_feed(struct apdu_stream *stream, const uint8_t *octets, size_t size)
{
    size_t room;

    KOMET_ASSERT(stream->start <= stream->filled);
    KOMET_ASSERT(stream->junk == 0); /* the caller has asked for all that was there */
    stream->filled -= stream->start;
    memmove(stream->octets, stream->octets + stream->start, stream->filled);
    stream->start = 0;
    stream->broken = false;
    room = sizeof stream->octets - stream->filled;
    KOMET_ASSERT(room > 0); /* less than one APDU is ever left over */
    if (size > room) {
        size = room;
    }
    memcpy(stream->octets + stream->filled, octets, size);
    stream->filled += size;
    return size;
}

void apdu_stream_break(struct apdu_stream *stream)
{
    stream->broken = true;
}

/* The marked bit of Sinaut stations is accepted here: who decodes further says that it was set. */
static enum komet_reason decode(const uint8_t *octets, size_t size, struct komet_apdu *apdu, size_t *consumed)
{
    return komet_apdu_decode(octets, size, true, apdu, consumed);
}

/* True when at least one whole APDU stands at the start, and only whole ones follow up to the end, of which
 * the last may be incomplete. */
static bool is_chain(const uint8_t *octets, size_t size)
{
    size_t at = 0;
    size_t consumed = 1;
    struct komet_apdu apdu;

    while (at < size && consumed > 0) {
        if (decode(octets + at, size - at, &apdu, &consumed) != KOMET_OK) {
            return false;
        }
        at += consumed;
    }
    return at > 0;
}

/* The first place from `from` on where an APDU seems to begin; `size` when there is none. */
static size_t find_step(const uint8_t *octets, size_t from, size_t size)
{
    struct komet_apdu apdu;
    size_t consumed;

    for (size_t at = from; at < size; at++) {
        if (octets[at] == KOMET_APDU_START && is_chain(octets + at, size - at)) {
            return at;
        }
    }
    for (size_t at = from; at < size; at++) {
        if (decode(octets + at, size - at, &apdu, &consumed) == KOMET_OK) {
            return at;
        }
    }
    return size;
}

/* The step is lost: all from here up to the next place, `from` on, that looks like an APDU is junk. */
static void seek_step(struct apdu_stream *stream, size_t from)
{
    const uint8_t *octets = stream->octets + stream->start;
    size_t size = stream->filled - stream->start;

    stream->junk = find_step(octets, from, size);
    stream->in_step = stream->junk < size;
}

/* What comes next may begin within an APDU. */
static void out_of_step(struct apdu_stream *stream)
{
    stream->in_step = false;
    stream->junk_kind = APDU_STREAM_CUT;
    stream->junk_reason = KOMET_OK;
}

static void take(struct apdu_stream *stream, enum apdu_stream_kind kind, enum komet_reason reason,
                 size_t size, struct apdu_stream_item *item)
{
    KOMET_ASSERT(size > 0 && size <= KOMET_APDU_SIZE_MAX);
    KOMET_ASSERT(size <= stream->filled - stream->start);
    item->kind = kind;
    item->reason = reason;
    item->octets = stream->octets + stream->start;
    item->size = size;
    stream->start += size;
}

/* A control field that is wrong leaves the length to be trusted: the whole frame is one item, if it is there.
 */
static size_t frame_size(const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(size >= 2);
    return 2u + octets[1] <= size ? 2u + octets[1] : 0;
}

/* Returns true with an item; sets *again when the caller must look once more. */
static bool next_frame(struct apdu_stream *stream, struct apdu_stream_item *item, bool *again)
{
    const uint8_t *octets = stream->octets + stream->start;
    size_t size = stream->filled - stream->start;
    size_t consumed;
    enum komet_reason reason = decode(octets, size, &item->apdu, &consumed);

    if (reason == KOMET_OK && consumed > 0) {
        take(stream, APDU_STREAM_APDU, KOMET_OK, consumed, item);
        return true;
    }
    if (reason == KOMET_BAD_CONTROL && frame_size(octets, size) > 0) {
        take(stream, APDU_STREAM_MALFORMED, reason, frame_size(octets, size), item);
        return true;
    }
    if (reason == KOMET_OK || reason == KOMET_BAD_CONTROL) {
        if (!stream->broken) {
            return false;
        }
        out_of_step(stream);
        take(stream, APDU_STREAM_CUT, KOMET_OK, size, item);
        return true;
    }
    stream->junk_kind = APDU_STREAM_MALFORMED;
    stream->junk_reason = reason;
    seek_step(stream, 1);
    *again = true;
    return false;
}

bool apdu_stream_next(struct apdu_stream *stream, struct apdu_stream_item *item)
{
    bool again = true;

    memset(item, 0, sizeof *item);
    while (again) {
        again = false;
        if (stream->junk > 0) {
            size_t size = stream->junk < KOMET_APDU_SIZE_MAX ? stream->junk : KOMET_APDU_SIZE_MAX;
            stream->junk -= size;
            take(stream, stream->junk_kind, stream->junk_reason, size, item);
            return true;
        }
        if (stream->start == stream->filled) {
            if (stream->broken) {
                out_of_step(stream);
            }
            return false;
        }
        if (!stream->in_step) {
            seek_step(stream, 0);
            again = true;
        } else if (next_frame(stream, item, &again)) {
            return true;
        }
    }
    return false;
}
