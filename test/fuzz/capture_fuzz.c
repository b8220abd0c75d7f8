/*
 * Any octets as a capture file, in pieces of any size: file reader, headers, TCP streams, APDU streams, both
 * texts.
 *
 * The first octet chooses the size of the pieces, the port and the tables' size; the file follows it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/apdu_text.h"
#include "capture/capture.h"

static char text[APDU_TEXT_SIZE];

static void print(const struct capture_item *item, const struct komet_profile *profile)
{
    struct apdu_text_item line = {.time = item->time,
                                  .microseconds = item->microseconds,
                                  .source = item->source,
                                  .destination = item->destination,
                                  .apdu = item->kind == CAPTURE_APDU ? &item->apdu : NULL,
                                  .error = item->kind == CAPTURE_APDU ? NULL : "error",
                                  .octets = item->octets,
                                  .size = item->size,
                                  .profile = profile};

    if (apdu_text_json(&line, text, sizeof text) != strlen(text) ||
        apdu_text_line(&line, text, sizeof text) != strlen(text)) {
        abort();
    }
}

static size_t read_all(const uint8_t *data, size_t size, size_t step, const struct capture_settings *settings)
{
    static void *memory;
    static size_t memory_size;
    struct capture_item item;
    struct capture *capture;
    size_t items = 0;

    if (memory_size < capture_size(settings)) {
        free(memory);
        memory_size = capture_size(settings);
        memory = malloc(memory_size);
    }
    capture = capture_init(memory, memory_size, settings);
    for (size_t at = 0; at < size;) {
        size_t piece = size - at < step ? size - at : step;
        size_t taken = capture_feed(capture, data + at, piece);
        bool any = false;
        at += taken;
        while (capture_next(capture, &item)) {
            print(&item, step == 1 ? &komet_profile_sinaut : &komet_profile_104);
            any = true;
            items++;
        }
        if (taken == 0 && !any) {
            abort(); /* it would hang */
        }
    }
    capture_end(capture);
    while (capture_next(capture, &item)) {
        print(&item, &komet_profile_104);
        items++;
    }
    return items;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture_settings settings = {.packet_size_max = PACKET_FILE_BUFFER_MIN};
    size_t items;

    if (size == 0) {
        return 0;
    }
    settings.port = data[0] & 1 ? CAPTURE_PORT : 0;
    settings.connections_max = data[0] & 2 ? 2 : 16;
    settings.segments_max = data[0] & 4 ? 3 : 64;
    items = read_all(data + 1, size - 1, size, &settings);
    /* The pieces must make no difference. */
    if (read_all(data + 1, size - 1, 1 + (data[0] >> 3), &settings) != items) {
        abort();
    }
    return 0;
}
