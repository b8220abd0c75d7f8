/* Any octets as a stream between the programs: messages that unpack are packed again to what unpacks the
 * same. */
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
        if (packed_size <= WIRE_FRAME_MAX) {
            check_again(packed, packed_size);
        }
        free(packed);
        data += consumed;
        size -= consumed;
    }
    return 0;
}
