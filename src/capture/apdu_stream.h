/*
 * APDU stream: the octets of one direction of a captured connection, cut into APDUs.
 *
 * A station closes the connection when the framing is lost. Who looks at a capture wants to see the rest too:
 * so what does not decode is handed out as it stands, and the stream finds its step again, at the first place
 * from which whole APDUs follow each other up to the end of what is there. The same search begins a stream
 * whose start was not captured.
 *
 *     while (size > 0) {
 *         taken = apdu_stream_feed(&stream, octets, size);
 *         while (apdu_stream_next(&stream, &item)) { use it }
 *     }
 *     apdu_stream_break(&stream) where octets are missing or the stream ends, and apdu_stream_next again
 */
#ifndef KOMET_CAPTURE_APDU_STREAM_H
#define KOMET_CAPTURE_APDU_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/apdu.h"

/* Room for four APDUs of full size: what the search for the step looks at together. */
#define APDU_STREAM_BUFFER_SIZE 1024

enum apdu_stream_kind {
    APDU_STREAM_APDU,      /* a whole one */
    APDU_STREAM_MALFORMED, /* octets that are no APDU: `reason` */
    APDU_STREAM_CUT        /* part of an APDU: the stream began, or octets are missing, within it */
};

struct apdu_stream_item {
    enum apdu_stream_kind kind;
    enum komet_reason reason; /* MALFORMED: KOMET_BAD_START, _BAD_LENGTH, _BAD_CONTROL; else KOMET_OK */
    struct komet_apdu apdu;   /* APDU only */
    const uint8_t *octets;    /* borrowed until the next feed */
    size_t size;              /* 1..KOMET_APDU_SIZE_MAX; a longer run of malformed octets is several items */
};

/* Members are the stream's own. */
struct apdu_stream {
    uint8_t octets[APDU_STREAM_BUFFER_SIZE];
    size_t start;                    /* first octet that was not handed out */
    size_t filled;                   /* octets in the buffer, from 0 */
    size_t junk;                     /* so many from `start` are known to be no APDU */
    enum apdu_stream_kind junk_kind; /* MALFORMED or CUT, and why: for what is out of step */
    enum komet_reason junk_reason;
    bool in_step; /* `start` is where an APDU should begin */
    bool broken;  /* nothing follows: what is incomplete stays so */
};

/* Begins a stream. `from_start`: the first octet to come is the first of the connection. */
void apdu_stream_init(struct apdu_stream *stream, bool from_start);

/*
 * Takes the next octets; borrowed for the call. Returns how many were taken, at least one when `size` is not
 * 0: the caller calls apdu_stream_next until it is false, then feeds the rest.
 */
size_t apdu_stream_feed(struct apdu_stream *stream, const uint8_t *octets, size_t size);

/* Octets are missing from here on, or the stream ends: what is incomplete is handed out as APDU_STREAM_CUT.
 */
void apdu_stream_break(struct apdu_stream *stream);

/* Hands out the next item; false when more octets are needed. */
bool apdu_stream_next(struct apdu_stream *stream, struct apdu_stream_item *item);

#endif
