/* Any octets as a stream between the programs: messages that unpack are packed again to what unpacks the
 * same. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Packed into memory of its own; the caller frees it. */
static uint8_t *pack(const wire_message *message, size_t *size)
{
    *size = wire_encoded_size(message);
    uint8_t *octets = malloc(*size);
    KOMET_ASSERT(octets != NULL);
    size_t written = wire_encode(message, octets, *size);
    KOMET_ASSERT(written == *size);
    return octets;
}

static bool has_unknown_fields(const ProtobufCMessage *message)
{
    const uint8_t *octets = (const uint8_t *)message;
    if (message->n_unknown_fields > 0) {
        return true;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
        uint32_t present;
        size_t count = 1;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            continue;
        }
        if (repeated) {
            memcpy(&count, octets + field->quantifier_offset, sizeof count);
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            memcpy(&present, octets + field->quantifier_offset, sizeof present);
            count = present == field->id ? 1 : 0;
        }
        const void *value;
        memcpy(&value, octets + field->offset, sizeof value);
        ProtobufCMessage *const *parts = repeated ? value : (ProtobufCMessage *const *)(const void *)&value;
        for (size_t n = 0; n < count; n++) {
            if (parts[n] != NULL && has_unknown_fields(parts[n])) {
                return true;
            }
        }
    }
    return false;
}

/* What was packed unpacks, and packs to the same octets. */
static void check_again(const uint8_t *first, size_t size)
{
    static uint8_t memory[1 << 19];
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed, second_size;
    enum wire_fault fault = wire_decode(first, size, &arena, &message, &consumed);
    KOMET_ASSERT(fault == WIRE_OK && consumed == size && message != NULL);
    uint8_t *second = pack(message, &second_size);
    KOMET_ASSERT(second_size == size && memcmp(first, second, size) == 0);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 18];
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed, packed_size;
    while (wire_decode(data, size, &arena, &message, &consumed) == WIRE_OK && consumed > 0) {
        KOMET_ASSERT(consumed <= size && message != NULL && wire_message_name(message) != NULL);
        uint8_t *packed = pack(message, &packed_size);
        if (packed_size <= WIRE_FRAME_MAX && !has_unknown_fields(&message->base)) {
            check_again(packed, packed_size);
        }
        free(packed);
        data += consumed;
        size -= consumed;
    }
    return 0;
}
