/* Any records of traffic as APDUs and as packets: what the packets are is read back by our own reader. */
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/line_trace.h"
#include "capture/packet_writer.h"
#include "komet/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(struct capture *capture, const uint8_t *octets, size_t size)
{
    struct capture_item item;
    for (size_t at = 0; at < size;) {
        at += capture_feed(capture, octets + at, size - at);
        while (capture_next(capture, &item)) {
            KOMET_ASSERT(item.size <= KOMET_APDU_SIZE_MAX);
        }
    }
}

/* Ten octets of a record, then its own: connection, kind, offsets, size. */
static size_t take_record(struct line_trace *trace, const uint8_t *data, size_t size)
{
    struct line_trace_item item;
    struct line_trace_connection connection = {.source = data[0] >> 6,
                                               .number = data[0] & 7,
                                               .local = {(data[0] & 8) != 0 ? 6 : 4, {10}, data[1]},
                                               .remote = {(data[0] & 8) != 0 ? 6 : 4, {11}, 2404},
                                               .profile = &komet_profile_sinaut};
    struct line_trace_record record = {.kind = (enum line_trace_kind)(1 + data[2] % 5),
                                       .orderly = data[2] >= 128,
                                       .time = {(int64_t)data[3] << data[4] % 56},
                                       .received = (uint32_t)data[5] << data[6] % 32,
                                       .sent = (uint32_t)data[7] << data[8] % 32,
                                       .octets = data + 10,
                                       .size = data[9] < size - 10 ? data[9] : size - 10};
    line_trace_feed(trace, &connection, &record);
    while (line_trace_next(trace, &item)) {
        KOMET_ASSERT(item.kind == LINE_TRACE_GAP ? item.missing > 0 : item.size > 0);
    }
    return 10 + record.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t packets[LINE_TRACE_PACKETS_SIZE];
    struct capture_settings settings = capture_settings_standard();
    settings.connections_max = settings.segments_max = 16;
    settings.packet_size_max = PACKET_FILE_BUFFER_MIN;
    void *memory = malloc(line_trace_size()), *reader = malloc(capture_size(&settings));
    KOMET_ASSERT(memory != NULL && reader != NULL);
    struct line_trace *trace = line_trace_init(memory, line_trace_size());
    struct capture *capture = capture_init(reader, capture_size(&settings), &settings);
    unsigned count;
    read_back(capture, packets, packet_writer_begin(packets));
    while (size >= 10) {
        size_t taken = take_record(trace, data, size);
        data += taken;
        size -= taken;
        read_back(capture, packets, line_trace_packets(trace, packets, &count));
    }
    capture_end(capture);
    KOMET_ASSERT(capture_fault(capture) == PACKET_FILE_OK);
    struct capture_counters counters;
    capture_counters(capture, &counters);
    KOMET_ASSERT(counters.results[PACKET_BAD_HEADER] == 0 && counters.results[PACKET_FRAGMENT] == 0);
    free(memory);
    free(reader);
    return 0;
}
