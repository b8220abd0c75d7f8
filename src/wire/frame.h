/*
 * frame: the stream between two programs cut into messages, and messages put into the stream.
 *
 * Every message is a length of four octets (high first) and a protobuf `komet.wire.Message`. Reading
 * unpacks into an arena of the caller's, bounded, reset for each message. A length above the limit, a
 * message that does not unpack or does not fit the arena ends the connection with its reason.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet.pb-c.h" /* generated from komet.proto */

#define WIRE_VERSION   1
#define WIRE_FRAME_MAX (8u * 1024 * 1024) /* a site's tables, sent to a KOM, are the largest */

/* Shorter names for the generated types. */
typedef Komet__Wire__Message wire_message;

enum wire_fault {
    WIRE_OK,
    WIRE_TOO_LONG,  /* length above WIRE_FRAME_MAX, or 0 */
    WIRE_MALFORMED, /* not a Message */
    WIRE_NO_SPACE   /* unpacked it is larger than the arena */
};
const char *wire_fault_name(enum wire_fault fault);

/* A bounded arena: unpacked messages live in it until the next wire_decode. */
struct wire_arena {
    uint8_t *memory; /* the caller's */
    size_t capacity;
    size_t used;
};

/*
 * Looks at the start of `octets` for one whole frame.
 *   size      octets at hand; borrowed
 *   arena     reset, then holds the message until the next call
 *   consumed  octets of the frame; 0 when more are needed (then *message is NULL and the result WIRE_OK)
 */
enum wire_fault wire_decode(const uint8_t *octets, size_t size, struct wire_arena *arena,
                            wire_message **message, size_t *consumed);

/* Octets that the frame of `message` takes, length included. */
size_t wire_encoded_size(const wire_message *message);
/* Writes the frame; `capacity` at least wire_encoded_size. Returns the octets written, 0 when too small. */
size_t wire_encode(const wire_message *message, uint8_t *octets, size_t capacity);

/* "batch", "hello", …; static storage. */
const char *wire_message_name(const wire_message *message);

#endif
