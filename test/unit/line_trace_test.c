/* Records of traffic as APDUs and as packets: what is written as a capture file reads back as the same
 * octets, connection by connection. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/line_trace.h"
#include "capture/packet_writer.h"

#define CONNECTIONS 6
#define RECORDS     4000
#define STREAM_MAX  (RECORDS * 320)
#define FILE_MAX    (8u << 20)

static const uint8_t startdt_act[] = {0x68, 4, 7, 0, 0, 0};
static const uint8_t startdt_con[] = {0x68, 4, 11, 0, 0, 0};

struct bench {
    struct line_trace *trace;
    uint8_t *file;
    size_t size;
    char items[4096];
};

static struct bench bench;

static int set_up(void **state)
{
    (void)state;
    bench.trace = line_trace_init(malloc(line_trace_size()), line_trace_size());
    bench.file = malloc(FILE_MAX);
    assert_non_null(bench.file);
    bench.size = packet_writer_begin(bench.file);
    bench.items[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(bench.trace);
    free(bench.file);
    return 0;
}

static struct packet_endpoint ipv4(uint8_t last, uint16_t port)
{
    return (struct packet_endpoint){4, {10, 0, 0, last}, port};
}

static struct packet_endpoint ipv6(uint8_t last, uint16_t port)
{
    struct packet_endpoint end = {6, {0x20, 0x01, 0x0D, 0xB8}, port};
    end.address[15] = last;
    return end;
}

static void note_items(void)
{
    static const char *const kinds[] = {[LINE_TRACE_APDU] = "apdu",
                                        [LINE_TRACE_MALFORMED] = "malformed",
                                        [LINE_TRACE_CUT] = "cut",
                                        [LINE_TRACE_GAP] = "gap"};
    struct line_trace_item item;
    while (line_trace_next(bench.trace, &item)) {
        size_t used = strlen(bench.items);
        snprintf(bench.items + used, sizeof bench.items - used, "%s%s %u\n", item.sent ? ">" : "<",
                 kinds[item.kind], item.kind == LINE_TRACE_GAP ? item.missing : (unsigned)item.size);
    }
}

static void feed(const struct line_trace_connection *connection, enum line_trace_kind kind, uint32_t received,
                 uint32_t sent, const void *octets, size_t size)
{
    const struct line_trace_record record = {.kind = kind,
                                             .orderly = true,
                                             .time = {1700000000000},
                                             .received = received,
                                             .sent = sent,
                                             .octets = octets,
                                             .size = size};
    unsigned packets;
    line_trace_feed(bench.trace, connection, &record);
    note_items();
    assert_true(FILE_MAX - bench.size >= LINE_TRACE_PACKETS_SIZE);
    bench.size += line_trace_packets(bench.trace, bench.file + bench.size, &packets);
}

/* Reads the file back, item by item. */
static void read_back(void (*take)(const struct capture_item *item))
{
    struct capture_settings settings = capture_settings_standard();
    struct capture *capture =
        capture_init(malloc(capture_size(&settings)), capture_size(&settings), &settings);
    struct capture_item item;
    for (size_t at = 0; at < bench.size;) {
        at += capture_feed(capture, bench.file + at, bench.size - at);
        while (capture_next(capture, &item)) {
            take(&item);
        }
    }
    capture_end(capture);
    while (capture_next(capture, &item)) {
        take(&item);
    }
    assert_int_equal(capture_fault(capture), PACKET_FILE_OK);
    struct capture_counters counters;
    capture_counters(capture, &counters);
    assert_int_equal(counters.results[PACKET_BAD_HEADER], 0);
    assert_int_equal(counters.streams.retransmitted + counters.streams.overlapped, 0);
    free(capture);
}

/* ---- any traffic ---- */

struct stream {
    uint8_t written[STREAM_MAX], read[STREAM_MAX];
    size_t written_size, read_size;
    size_t recorded; /* of what was written, in records */
};

static struct stream *streams; /* two a connection: received, sent */

static void put_apdu(struct test_random *random, struct stream *stream, unsigned number)
{
    uint8_t *apdu = stream->written + stream->written_size;
    size_t size = 4 + 6 + test_random_below(random, 240);
    apdu[0] = 0x68;
    apdu[1] = (uint8_t)size;
    apdu[2] = (uint8_t)(number << 1);
    apdu[3] = (uint8_t)(number >> 7);
    apdu[4] = apdu[5] = 0;
    for (size_t i = 6; i < size + 2; i++) {
        apdu[i] = (uint8_t)test_random_next(random);
    }
    stream->written_size += size + 2;
}

static const struct packet_endpoint *station_of(unsigned connection)
{
    static struct packet_endpoint ends[CONNECTIONS];
    ends[connection] = connection % 3 == 2 ? ipv6(1, 2404) : ipv4((uint8_t)(1 + connection % 2), 20000);
    return &ends[connection];
}

/* All of them have the same port at our end: on different machines that is nothing special. */
static struct line_trace_connection connection_of(unsigned connection)
{
    bool six = connection % 3 == 2;
    return (struct line_trace_connection){.source = connection,
                                          .number = 1,
                                          .local = six ? ipv6(9, 40000) : ipv4(9, 40000),
                                          .remote = *station_of(connection),
                                          .profile = &komet_profile_104};
}

/* Connections are numbered as they were opened. */
static void take(const struct capture_item *item)
{
    assert_int_equal(item->kind, CAPTURE_APDU);
    assert_true(item->connection >= 1 && item->connection <= CONNECTIONS);
    bool sent = strstr(item->destination, ":2404") != NULL;
    struct stream *stream = &streams[2 * (item->connection - 1) + sent];
    memcpy(stream->read + stream->read_size, item->octets, item->size);
    stream->read_size += item->size;
    assert_int_equal(item->time.ms, 1700000000000);
}

static void record_some(struct test_random *random, unsigned connection)
{
    struct line_trace_connection of = connection_of(connection);
    struct stream *received = &streams[2 * connection], *sent = &streams[2 * connection + 1];
    bool out = test_random_below(random, 2) != 0;
    struct stream *stream = out ? sent : received;
    size_t left = stream->written_size - stream->recorded;
    size_t size = 1 + test_random_below(random, left < 4096 ? (uint32_t)left : 4096);
    feed(&of, out ? LINE_TRACE_SENT : LINE_TRACE_RECEIVED, (uint32_t)received->recorded,
         (uint32_t)sent->recorded, stream->written + stream->recorded, size);
    stream->recorded += size;
}

static void test_any_traffic_reads_back(void **state)
{
    struct test_random random = {104};
    (void)state;
    streams = calloc(2 * CONNECTIONS, sizeof *streams);
    assert_non_null(streams);
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        struct line_trace_connection of = connection_of(c);
        feed(&of, LINE_TRACE_OPENED, 0, 0, NULL, 0);
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        unsigned connection = test_random_below(&random, CONNECTIONS);
        put_apdu(&random, &streams[2 * connection], i);
        put_apdu(&random, &streams[2 * connection + 1], i);
        record_some(&random, connection);
        bench.items[0] = '\0';
    }
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        struct line_trace_connection of = connection_of(c);
        for (unsigned d = 0; d < 2; d++) { /* what is left */
            struct stream *stream = &streams[2 * c + d];
            while (stream->recorded < stream->written_size) {
                size_t left = stream->written_size - stream->recorded;
                size_t size = left < LINE_TRACE_RECORD_MAX ? left : LINE_TRACE_RECORD_MAX;
                feed(&of, d == 0 ? LINE_TRACE_RECEIVED : LINE_TRACE_SENT, (uint32_t)streams[2 * c].recorded,
                     (uint32_t)streams[2 * c + 1].recorded, stream->written + stream->recorded, size);
                stream->recorded += size;
                bench.items[0] = '\0';
            }
        }
        feed(&of, c % 2 == 0 ? LINE_TRACE_CLOSED : LINE_TRACE_ABORTED, (uint32_t)streams[2 * c].recorded,
             (uint32_t)streams[2 * c + 1].recorded, NULL, 0);
    }
    assert_int_equal(line_trace_missing(bench.trace), 0);
    read_back(take);
    for (unsigned i = 0; i < 2 * CONNECTIONS; i++) {
        assert_int_equal(streams[i].read_size, streams[i].written_size);
        assert_memory_equal(streams[i].read, streams[i].written, streams[i].written_size);
    }
    free(streams);
}

/* ---- one by one ---- */

static char seen[4096];

static void see(const struct capture_item *item)
{
    size_t used = strlen(seen);
    snprintf(seen + used, sizeof seen - used, "%u %c %s>%s %u\n", item->connection, "AMCG"[item->kind],
             item -> source, item -> destination,
             item -> kind == CAPTURE_GAP ? (unsigned)item -> missing : (unsigned)item -> size);
}

static void test_a_gap(void **state)
{
    (void)state;
    const struct line_trace_connection of = {1, 1, ipv4(9, 40000), ipv4(1, 2404), &komet_profile_104};
    feed(&of, LINE_TRACE_OPENED, 0, 0, NULL, 0);
    feed(&of, LINE_TRACE_SENT, 0, 0, startdt_act, 6);
    feed(&of, LINE_TRACE_RECEIVED, 0, 6, startdt_con, 3);
    feed(&of, LINE_TRACE_RECEIVED, 103, 6, startdt_con, 6);
    feed(&of, LINE_TRACE_CLOSED, 109, 6, NULL, 0);
    assert_string_equal(bench.items, ">apdu 6\n<cut 3\n<gap 100\n<apdu 6\n");
    assert_int_equal(line_trace_missing(bench.trace), 100);
    seen[0] = '\0';
    read_back(see);
    assert_string_equal(seen, "1 A 10.0.0.9:40000>10.0.0.1:2404 6\n"
                              "1 C 10.0.0.1:2404>10.0.0.9:40000 3\n"
                              "1 G 10.0.0.1:2404>10.0.0.9:40000 100\n"
                              "1 A 10.0.0.1:2404>10.0.0.9:40000 6\n");
}

/* The beginning made room: no SYN, and octets from somewhere within an APDU. */
static void test_without_the_beginning(void **state)
{
    (void)state;
    const struct line_trace_connection of = {1, 7, ipv4(9, 40000), ipv4(1, 2404), &komet_profile_104};
    uint8_t octets[9] = {0, 0, 0};
    memcpy(octets + 3, startdt_con, 6);
    feed(&of, LINE_TRACE_RECEIVED, 1000, 50, octets, sizeof octets);
    assert_string_equal(bench.items, "<cut 3\n<apdu 6\n");
    seen[0] = '\0';
    read_back(see);
    assert_string_equal(seen, "1 C 10.0.0.1:2404>10.0.0.9:40000 3\n"
                              "1 A 10.0.0.1:2404>10.0.0.9:40000 6\n");
}

/* Two that look the same while both are open; and a third one when these are closed, with its own port. */
static void test_connections_that_look_the_same(void **state)
{
    (void)state;
    for (uint32_t source = 1; source <= 2; source++) {
        const struct line_trace_connection of = {source, 1, ipv4(9, 40000), ipv4(1, 2404),
                                                 &komet_profile_104};
        feed(&of, LINE_TRACE_OPENED, 0, 0, NULL, 0);
        feed(&of, LINE_TRACE_SENT, 0, 0, startdt_act, 6);
    }
    for (uint32_t source = 1; source <= 2; source++) {
        const struct line_trace_connection of = {source, 1, ipv4(9, 40000), ipv4(1, 2404),
                                                 &komet_profile_104};
        feed(&of, LINE_TRACE_CLOSED, 0, 6, NULL, 0);
    }
    const struct line_trace_connection third = {1, 2, ipv4(9, 40000), ipv4(1, 2405), &komet_profile_104};
    feed(&third, LINE_TRACE_OPENED, 0, 0, NULL, 0);
    feed(&third, LINE_TRACE_SENT, 0, 0, startdt_act, 6);
    seen[0] = '\0';
    read_back(see);
    assert_string_equal(seen, "1 A 10.0.0.9:40000>10.0.0.1:2404 6\n"
                              "2 A 10.0.0.9:40001>10.0.0.1:2404 6\n"
                              "3 A 10.0.0.9:40000>10.0.0.1:2404 6\n");
}

/* More connections than it keeps: the one that was silent longest begins anew. */
static void test_more_connections_than_places(void **state)
{
    (void)state;
    for (uint32_t number = 1; number <= LINE_TRACE_CONNECTIONS + 1; number++) {
        const struct line_trace_connection of = {1, number, ipv4(9, (uint16_t)(20000 + number)),
                                                 ipv4(1, 2404), &komet_profile_104};
        feed(&of, LINE_TRACE_RECEIVED, 0, 0, startdt_con, 3);
    }
    assert_string_equal(bench.items, "");
    for (uint32_t number = 2; number <= LINE_TRACE_CONNECTIONS + 1; number++) {
        const struct line_trace_connection of = {1, number, ipv4(9, (uint16_t)(20000 + number)),
                                                 ipv4(1, 2404), &komet_profile_104};
        bench.items[0] = '\0';
        feed(&of, LINE_TRACE_RECEIVED, 3, 0, startdt_con + 3, 3);
        assert_string_equal(bench.items, "<apdu 6\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_traffic_reads_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_the_beginning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_connections_that_look_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_connections_than_places, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
