/*
 * frame: see frame.h. protobuf-c unpacks through an allocator that takes from the caller's arena and gives
 * back nothing, so one message can never take more than the arena has.
 */
#include "wire/frame.h"

#include <string.h>

#include "komet/assert.h"

#define LENGTH_SIZE     4u
#define ARENA_ALIGNMENT 16u

/* One unpacking: protobuf-c says only that it failed, so the arena notes whether it was for want of space. */
struct unpacking {
    struct wire_arena *arena;
    bool full;
};

static void *arena_allocate(void *context, size_t size)
{
    struct unpacking *unpacking = context;
    struct wire_arena *arena = unpacking->arena;
    size_t start = (arena->used + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (start > arena->capacity || size > arena->capacity - start) {
        unpacking->full = true;
        return NULL;
    }
    arena->used = start + size;
    return arena->memory + start;
}

static void arena_free(void *context, void *pointer)
{
    (void)context; /* the whole arena is reset before the next message */
    (void)pointer;
}

const char *wire_fault_name(enum wire_fault fault)
{
    switch (fault) {
    case WIRE_OK:
        return "ok";
    case WIRE_TOO_LONG:
        return "message too long";
    case WIRE_MALFORMED:
        return "malformed message";
    case WIRE_NO_SPACE:
        return "message larger than its space";
    }
    KOMET_ASSERT_NEVER("a wire fault without a name");
}

enum wire_fault wire_decode(const uint8_t *octets, size_t size, struct wire_arena *arena,
                            wire_message **message, size_t *consumed)
{
    KOMET_ASSERT(arena->memory != NULL);
    *message = NULL;
    *consumed = 0;
    arena->used = 0;
    if (size < LENGTH_SIZE) {
        return WIRE_OK;
    }
    size_t length = (size_t)octets[0] << 24 | (size_t)octets[1] << 16 | (size_t)octets[2] << 8 | octets[3];
    if (length == 0 || length > WIRE_FRAME_MAX) {
        return WIRE_TOO_LONG;
    }
    if (size - LENGTH_SIZE < length) {
        return WIRE_OK;
    }
    struct unpacking unpacking = {arena, false};
    ProtobufCAllocator allocator = {arena_allocate, arena_free, &unpacking};
    *message = komet__wire__message__unpack(&allocator, length, octets + LENGTH_SIZE);
    if (*message == NULL) {
        return unpacking.full ? WIRE_NO_SPACE : WIRE_MALFORMED;
    }
    if ((*message)->body_case == KOMET__WIRE__MESSAGE__BODY__NOT_SET) {
        *message = NULL;
        return WIRE_MALFORMED;
    }
    *consumed = LENGTH_SIZE + length;
    return WIRE_OK;
}

size_t wire_encoded_size(const wire_message *message)
{
    return LENGTH_SIZE + komet__wire__message__get_packed_size(message);
}

size_t wire_encode(const wire_message *message, uint8_t *octets, size_t capacity)
{
    size_t size = wire_encoded_size(message);
    KOMET_ASSERT(size > LENGTH_SIZE);
    if (size > capacity) {
        return 0;
    }
    size_t length = size - LENGTH_SIZE;
    octets[0] = (uint8_t)(length >> 24);
    octets[1] = (uint8_t)(length >> 16);
    octets[2] = (uint8_t)(length >> 8);
    octets[3] = (uint8_t)length;
    size_t packed = komet__wire__message__pack(message, octets + LENGTH_SIZE);
    KOMET_ASSERT(packed == length);
    return size;
}

const char *wire_message_name(const wire_message *message)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        &komet__wire__message__descriptor, (unsigned)message->body_case);
    return field != NULL ? field->name : "nothing";
}
