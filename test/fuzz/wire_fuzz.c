/* Any octets as a stream between the programs: messages that unpack are packed again to what unpacks the same. */
#include <stdlib.h>

#include "komet/assert.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 18];
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed;
    while (wire_decode(data, size, &arena, &message, &consumed) == WIRE_OK && consumed > 0) {
        KOMET_ASSERT(consumed <= size && message != NULL && wire_message_name(message) != NULL);
        size_t again = wire_encoded_size(message);
        uint8_t *octets = malloc(again);
        KOMET_ASSERT(octets != NULL && wire_encode(message, octets, again) == again);
        free(octets);
        data += consumed;
        size -= consumed;
    }
    return 0;
}
