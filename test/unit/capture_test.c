/* Whole capture files: from octets of the file to APDUs with their ends, sides and times. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"

struct bench {
    uint8_t file[65536];
    size_t size;
    char out[65536];
    size_t used;
    uint32_t us;
};

static void put(struct bench *b, uint64_t value, size_t size, bool high_first)
{
    for (size_t i = 0; i < size; i++) {
        b->file[b->size++] = (uint8_t)(value >> 8 * (high_first ? size - 1 - i : i));
    }
}

static void begin(struct bench *b)
{
    memset(b, 0, sizeof *b);
    put(b, 0xA1B2C3D4, 4, false);
    put(b, 2, 2, false);
    put(b, 4, 2, false);
    put(b, 0, 8, false);
    put(b, 65535, 4, false);
    put(b, 101, 4, false); /* raw IP */
}

/* A packet from 10.0.0.`from`:`from_port` with payload in hexadecimal. */
static void packet(struct bench *b, uint8_t from, uint16_t from_port, uint8_t to, uint16_t to_port,
                   unsigned flags, uint32_t sequence, uint32_t ack, const char *hex)
{
    size_t size = strlen(hex) / 2;

    put(b, 1700000000, 4, false);
    put(b, ++b->us, 4, false);
    put(b, 40 + size, 4, false);
    put(b, 40 + size, 4, false);
    put(b, 0x4500, 2, true);
    put(b, 40 + size, 2, true);
    put(b, 0x00014000, 4, true);
    put(b, 0x4006, 2, true);
    put(b, 0, 2, true);
    put(b, 0x0A000000u + from, 4, true);
    put(b, 0x0A000000u + to, 4, true);
    put(b, from_port, 2, true);
    put(b, to_port, 2, true);
    put(b, sequence, 4, true);
    put(b, ack, 4, true);
    put(b, 0x5000u | flags, 2, true);
    put(b, 0xFFFF, 2, true);
    put(b, 0, 4, true);
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        sscanf(hex + 2 * i, "%2x", &value);
        put(b, value, 1, true);
    }
}

static void collect(struct bench *b, struct capture *capture)
{
    struct capture_item item;

    while (capture_next(capture, &item)) {
        b->used += (size_t)sprintf(b->out + b->used, "%u%c%c%s>%s ", item.connection, "?SC"[item.from],
                                   "AMCG"[item.kind], item.source, item.destination);
        for (size_t i = 0; i < item.size; i++) {
            b->used += (size_t)sprintf(b->out + b->used, "%02x", item.octets[i]);
        }
        if (item.kind == CAPTURE_GAP) {
            b->used += (size_t)sprintf(b->out + b->used, "%u", (unsigned)item.missing);
        }
        b->used += (size_t)sprintf(b->out + b->used, " @%u\n", item.microseconds);
        assert_int_equal(item.time.ms, INT64_C(1700000000000));
    }
}

/* Reads the file in pieces of `step`; the text of its items. */
static const char *read_all(struct bench *b, uint16_t port, size_t step, enum packet_file_fault fault)
{
    struct capture_settings settings = capture_settings_standard();
    struct capture *capture;
    void *memory;

    settings.port = port;
    settings.packet_size_max = PACKET_FILE_BUFFER_MIN;
    memory = malloc(capture_size(&settings));
    assert_non_null(memory);
    capture = capture_init(memory, capture_size(&settings), &settings);
    b->used = 0;
    b->out[0] = '\0';
    for (size_t at = 0; at < b->size;) {
        at += capture_feed(capture, b->file + at, b->size - at < step ? b->size - at : step);
        collect(b, capture);
    }
    capture_end(capture);
    collect(b, capture);
    assert_int_equal(capture_fault(capture), fault);
    free(memory);
    return b->out;
}

#define SYN         PACKET_TCP_SYN
#define ACK         PACKET_TCP_ACK
#define STARTDT_ACT "680407000000"
#define STARTDT_CON "68040b000000"
#define TESTFR      "680443000000"
#define POINT       "680e0000000001010300010001000001"

static void a_connection_in_pieces_of_any_size(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    packet(&b, 2, 40000, 1, 2404, SYN, 99, 0, "");
    packet(&b, 1, 2404, 2, 40000, SYN | ACK, 499, 100, "");
    packet(&b, 2, 40000, 1, 2404, ACK, 100, 500, STARTDT_ACT);
    packet(&b, 1, 2404, 2, 40000, ACK, 500, 106, STARTDT_CON POINT "6804");
    packet(&b, 1, 2404, 2, 40000, ACK, 524, 106, "43000000");
    for (size_t step = 1; step < 1000; step += 37) {
        assert_string_equal(read_all(&b, 0, step, PACKET_FILE_OK),
                            "1CA10.0.0.2:40000>10.0.0.1:2404 " STARTDT_ACT " @3\n"
                            "1SA10.0.0.1:2404>10.0.0.2:40000 " STARTDT_CON " @4\n"
                            "1SA10.0.0.1:2404>10.0.0.2:40000 " POINT " @4\n"
                            "1SA10.0.0.1:2404>10.0.0.2:40000 " TESTFR " @5\n");
    }
    assert_string_equal(read_all(&b, 2405, 100, PACKET_FILE_OK), "");
}

static void segments_of_one_octet_out_of_order(void **state)
{
    static struct bench b;
    static const int order[] = {3, 1, 0, 2, 5, 4};

    (void)state;
    begin(&b);
    packet(&b, 2, 40000, 1, 2404, SYN, 99, 0, "");
    for (size_t i = 0; i < 6; i++) {
        char octet[3] = {TESTFR[2 * order[i]], TESTFR[2 * order[i] + 1], '\0'};
        packet(&b, 2, 40000, 1, 2404, ACK, 100 + (uint32_t)order[i], 500, octet);
    }
    assert_string_equal(read_all(&b, 0, 100, PACKET_FILE_OK),
                        "1CA10.0.0.2:40000>10.0.0.1:2404 " TESTFR " @6\n");
}

static void a_gap_cuts_an_apdu_and_is_reported(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    packet(&b, 1, 2404, 2, 40000, ACK, 500, 106, "680e0000");
    packet(&b, 1, 2404, 2, 40000, ACK, 516, 106, TESTFR "6804");
    packet(&b, 2, 40000, 1, 2404, ACK, 106, 522, "");
    assert_string_equal(read_all(&b, 0, 100, PACKET_FILE_OK),
                        "1SC10.0.0.1:2404>10.0.0.2:40000 680e0000 @3\n"
                        "1SG10.0.0.1:2404>10.0.0.2:40000 12 @3\n"
                        "1SA10.0.0.1:2404>10.0.0.2:40000 " TESTFR " @2\n"
                        "1SC10.0.0.1:2404>10.0.0.2:40000 6804 @3\n");
}

static void finds_104_and_the_station_on_other_ports(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    packet(&b, 2, 50000, 1, 80, ACK, 1, 1, "474554202f20485454502f312e310d0a");
    packet(&b, 2, 40000, 1, 19998, ACK, 100, 500, TESTFR);
    packet(&b, 1, 19998, 2, 40000, ACK, 500, 106, POINT);
    packet(&b, 2, 40000, 1, 19998, ACK, 106, 516, TESTFR);
    packet(&b, 1, 7777, 2, 40001, ACK, 1, 1, STARTDT_ACT);
    assert_string_equal(read_all(&b, 0, 100, PACKET_FILE_OK),
                        "1?A10.0.0.2:40000>10.0.0.1:19998 " TESTFR " @2\n"
                        "1SA10.0.0.1:19998>10.0.0.2:40000 " POINT " @3\n"
                        "1CA10.0.0.2:40000>10.0.0.1:19998 " TESTFR " @4\n"
                        "2CA10.0.0.1:7777>10.0.0.2:40001 " STARTDT_ACT " @5\n");
    assert_string_equal(read_all(&b, 7777, 100, PACKET_FILE_OK),
                        "1SA10.0.0.1:7777>10.0.0.2:40001 " STARTDT_ACT " @5\n");
}

static void who_accepts_is_the_station(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b); /* both ports are 2404, so the handshake decides */
    packet(&b, 2, 2404, 1, 2404, SYN, 99, 0, "");
    packet(&b, 1, 2404, 2, 2404, SYN | ACK, 499, 100, "");
    packet(&b, 2, 2404, 1, 2404, ACK, 100, 500, TESTFR);
    packet(&b, 1, 2404, 2, 2404, ACK, 500, 106, TESTFR);
    assert_string_equal(read_all(&b, 0, 100, PACKET_FILE_OK),
                        "1CA10.0.0.2:2404>10.0.0.1:2404 " TESTFR " @3\n"
                        "1SA10.0.0.1:2404>10.0.0.2:2404 " TESTFR " @4\n");
}

static void a_malformed_apdu_is_listed(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    packet(&b, 2, 40000, 1, 2404, SYN, 99, 0, "");
    packet(&b, 2, 40000, 1, 2404, ACK, 100, 500, "1603030100");
    packet(&b, 2, 40000, 1, 2404, ACK, 105, 500, TESTFR);
    assert_string_equal(read_all(&b, 0, 100, PACKET_FILE_OK),
                        "1CM10.0.0.2:40000>10.0.0.1:2404 1603030100 @2\n"
                        "1CA10.0.0.2:40000>10.0.0.1:2404 " TESTFR " @3\n");
}

static void a_truncated_file_gives_what_was_whole(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b);
    packet(&b, 2, 40000, 1, 2404, ACK, 100, 500, STARTDT_ACT);
    packet(&b, 2, 40000, 1, 2404, ACK, 106, 500, TESTFR);
    b.size--;
    assert_string_equal(read_all(&b, 0, 13, PACKET_FILE_TRUNCATED),
                        "1CA10.0.0.2:40000>10.0.0.1:2404 " STARTDT_ACT " @1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_in_pieces_of_any_size),
        cmocka_unit_test(segments_of_one_octet_out_of_order),
        cmocka_unit_test(a_gap_cuts_an_apdu_and_is_reported),
        cmocka_unit_test(finds_104_and_the_station_on_other_ports),
        cmocka_unit_test(who_accepts_is_the_station),
        cmocka_unit_test(a_malformed_apdu_is_listed),
        cmocka_unit_test(a_truncated_file_gives_what_was_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
