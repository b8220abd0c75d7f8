/* Capture files in every form we read, whole and in single octets, and what is wrong with damaged ones. */
#include "support.h"

#include <string.h>

#include "capture/packet_file.h"

struct octets {
    uint8_t at[4096];
    size_t size;
};

static void put(struct octets *o, uint64_t value, size_t size, bool high_first)
{
    for (size_t i = 0; i < size; i++) {
        o->at[o->size++] = (uint8_t)(value >> 8 * (high_first ? size - 1 - i : i));
    }
}

static void put_pcap_header(struct octets *o, bool high_first, bool nanoseconds)
{
    put(o, nanoseconds ? 0xA1B23C4D : 0xA1B2C3D4, 4, high_first);
    put(o, 2, 2, high_first);
    put(o, 4, 2, high_first);
    put(o, 0, 8, high_first);
    put(o, 65535, 4, high_first);
    put(o, 1, 4, high_first);
}

static void put_pcap_packet(struct octets *o, bool high_first, uint32_t fraction, const char *content)
{
    put(o, 1700000000, 4, high_first);
    put(o, fraction, 4, high_first);
    put(o, strlen(content), 4, high_first);
    put(o, strlen(content) + 3, 4, high_first);
    memcpy(o->at + o->size, content, strlen(content));
    o->size += strlen(content);
}

/* Reads a whole file in pieces of `step`; returns how many packets, the last one in *packet. */
static unsigned read_all(struct packet_file *file, const struct octets *o, size_t step, struct packet *last)
{
    static uint8_t buffer[PACKET_FILE_BUFFER_MIN];
    unsigned count = 0;

    packet_file_init(file, buffer, sizeof buffer);
    for (size_t at = 0; at < o->size;) {
        size_t piece = o->size - at < step ? o->size - at : step;
        at += packet_file_feed(file, o->at + at, piece);
        while (packet_file_next(file, last)) {
            count++;
        }
    }
    packet_file_end(file);
    return count;
}

static void reads_pcap_in_both_orders_and_both_resolutions(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        bool high_first = form & 1, nanoseconds = form & 2;
        for (size_t step = 1; step <= 4096; step += 4095) {
            struct octets o = {.size = 0};
            struct packet_file file;
            struct packet packet = {.size = 0};
            put_pcap_header(&o, high_first, nanoseconds);
            put_pcap_packet(&o, high_first, 0, "");
            put_pcap_packet(&o, high_first, nanoseconds ? 123456789 : 123456, "abc");
            assert_int_equal(read_all(&file, &o, step, &packet), 2);
            assert_int_equal(packet_file_fault(&file), PACKET_FILE_OK);
            assert_int_equal(packet.time.ms, INT64_C(1700000000123));
            assert_int_equal(packet.microseconds, 456);
            assert_int_equal(packet.link_type, 1);
            assert_int_equal(packet.number, 2);
            assert_int_equal(packet.size, 3);
            assert_int_equal(packet.original_size, 6);
            assert_memory_equal(packet.octets, "abc", 3);
        }
    }
}

static void says_where_a_pcap_ends_too_early(void **state)
{
    struct octets o = {.size = 0};
    struct packet_file file;
    struct packet packet;

    (void)state;
    put_pcap_header(&o, false, false);
    put_pcap_packet(&o, false, 0, "whole");
    put_pcap_packet(&o, false, 0, "not whole");
    o.size -= 1;
    assert_int_equal(read_all(&file, &o, 7, &packet), 1);
    assert_int_equal(packet_file_fault(&file), PACKET_FILE_TRUNCATED);
    assert_int_equal(packet_file_offset(&file), 24 + 16 + 5);
}

static void refuses_what_is_no_capture(void **state)
{
    struct octets o = {.size = 0};
    struct packet_file file;
    struct packet packet;

    (void)state;
    assert_int_equal(read_all(&file, &o, 1, &packet), 0);
    assert_int_equal(packet_file_fault(&file), PACKET_FILE_EMPTY);
    put(&o, 0x12345678, 4, false);
    assert_int_equal(read_all(&file, &o, 1, &packet), 0);
    assert_int_equal(packet_file_fault(&file), PACKET_FILE_UNKNOWN_FORMAT);
    o.size = 0;
    put_pcap_header(&o, false, false);
    put(&o, 0, 8, false);
    put(&o, 0xFFFFFFFF, 8, false);
    assert_int_equal(read_all(&file, &o, 1, &packet), 0);
    assert_int_equal(packet_file_fault(&file), PACKET_FILE_BAD_LENGTH);
    assert_int_equal(packet_file_offset(&file), 24);
    for (unsigned fault = 0; fault < PACKET_FILE_FAULT_COUNT; fault++) {
        assert_non_null(packet_file_fault_sentence((enum packet_file_fault)fault));
    }
}

static void passes_over_what_is_larger_than_the_buffer(void **state)
{
    static struct octets o;
    static uint8_t zeros[70000], buffer[PACKET_FILE_BUFFER_MIN];
    struct packet_file file;
    struct packet packet = {.size = 0};
    unsigned count = 0;

    (void)state;
    o.size = 0;
    put_pcap_header(&o, false, false);
    put(&o, 0, 8, false);
    put(&o, sizeof zeros, 4, false);
    put(&o, sizeof zeros, 4, false);
    packet_file_init(&file, buffer, sizeof buffer);
    assert_int_equal(packet_file_feed(&file, o.at, o.size), o.size);
    assert_int_equal(packet_file_feed(&file, zeros, sizeof zeros), sizeof zeros);
    o.size = 0;
    put_pcap_packet(&o, false, 0, "next");
    assert_int_equal(packet_file_feed(&file, o.at, o.size), o.size);
    count = packet_file_next(&file, &packet);
    assert_int_equal(count, 1);
    assert_int_equal(packet.number, 2);
    assert_memory_equal(packet.octets, "next", 4);
    assert_int_equal(packet_file_counters(&file).too_large, 1);
}

/* A pcapng block around `body`. */
static void put_block(struct octets *o, bool high_first, uint32_t type, const struct octets *body)
{
    size_t padded = (body->size + 3) & ~(size_t)3;

    put(o, type, 4, high_first);
    put(o, padded + 12, 4, high_first);
    memcpy(o->at + o->size, body->at, body->size);
    memset(o->at + o->size + body->size, 0, padded - body->size);
    o->size += padded;
    put(o, padded + 12, 4, high_first);
}

static void put_section(struct octets *o, bool high_first)
{
    struct octets body = {.size = 0};

    put(&body, 0x1A2B3C4D, 4, high_first);
    put(&body, 1, 2, high_first);
    put(&body, 0, 2, high_first);
    put(&body, UINT64_MAX, 8, high_first);
    put_block(o, high_first, 0x0A0D0D0A, &body);
}

/* resolution 0: no option. */
static void put_interface(struct octets *o, bool high_first, uint16_t link_type, uint8_t resolution,
                          int64_t offset)
{
    struct octets body = {.size = 0};

    put(&body, link_type, 2, high_first);
    put(&body, 0, 2, high_first);
    put(&body, 0, 4, high_first);
    if (resolution != 0) {
        put(&body, 2, 2, high_first); /* if_name, to be passed over */
        put(&body, 3, 2, high_first);
        put(&body, 0x65746830, 4, true);
        put(&body, 9, 2, high_first);
        put(&body, 1, 2, high_first);
        put(&body, resolution, 4, false);
        put(&body, 14, 2, high_first);
        put(&body, 8, 2, high_first);
        put(&body, (uint64_t)offset, 8, high_first);
        put(&body, 0, 4, high_first);
    }
    put_block(o, high_first, 1, &body);
}

static void put_packet(struct octets *o, bool high_first, uint32_t type, uint32_t interface, uint64_t time,
                       const char *content)
{
    struct octets body = {.size = 0};

    if (type == 2) {
        put(&body, interface, 2, high_first);
        put(&body, 0xFFFF, 2, high_first);
    } else if (type == 6) {
        put(&body, interface, 4, high_first);
    }
    if (type != 3) {
        put(&body, time >> 32, 4, high_first);
        put(&body, time & 0xFFFFFFFF, 4, high_first);
        put(&body, strlen(content), 4, high_first);
    }
    put(&body, strlen(content), 4, high_first);
    memcpy(body.at + body.size, content, strlen(content));
    body.size += strlen(content);
    put_block(o, high_first, type, &body);
}

static void reads_every_packet_block_in_both_orders(void **state)
{
    (void)state;
    for (int high_first = 0; high_first < 2; high_first++) {
        for (uint32_t type = 2; type <= 6; type += type == 3 ? 3 : 1) {
            for (size_t step = 1; step <= 4096; step += 4095) {
                struct octets o = {.size = 0}, unknown = {.at = "whatever", .size = 7};
                struct packet_file file;
                struct packet packet = {.size = 0};
                put_section(&o, high_first);
                put_interface(&o, high_first, 113, 0, 0);
                put_block(&o, high_first, 0x0BAD, &unknown);
                put_packet(&o, high_first, type, 0, UINT64_C(1700000000123456), "12345");
                assert_int_equal(read_all(&file, &o, step, &packet), 1);
                assert_int_equal(packet_file_fault(&file), PACKET_FILE_OK);
                assert_int_equal(packet.link_type, 113);
                assert_int_equal(packet.size, 5);
                assert_memory_equal(packet.octets, "12345", 5);
                if (type == 3) {
                    assert_false(komet_utc_known(packet.time));
                } else {
                    assert_int_equal(packet.time.ms, INT64_C(1700000000123));
                    assert_int_equal(packet.microseconds, 456);
                }
            }
        }
    }
}

static void reads_every_resolution_of_time(void **state)
{
    const struct {
        uint8_t resolution;
        int64_t offset;
        uint64_t count;
        int64_t ms;
        uint16_t us;
    } cases[] = {{9, 0, UINT64_C(1700000000123456789), INT64_C(1700000000123), 456},
                 {3, 0, UINT64_C(1700000000123), INT64_C(1700000000123), 0},
                 {6, 3600, UINT64_C(1700000000123456), INT64_C(1700003600123), 456},
                 {6, -3600, UINT64_C(1700000000123456), INT64_C(1699996400123), 456},
                 {0x80 | 1, 0, 1700000000u * UINT64_C(2) + 1, INT64_C(1700000000500), 0},
                 {0x80 | 32, 0, (UINT64_C(1700000000) << 32) | 0x40000000, INT64_C(1700000000250), 0},
                 {0x80 | 60, 0, (UINT64_C(5) << 60) | (UINT64_C(1) << 59), 5500, 0},
                 {0x80 | 70, 0, 1, INT64_MIN, 0},
                 {25, 0, 1, INT64_MIN, 0},
                 {1, 0, UINT64_MAX, INT64_MIN, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int high_first = 0; high_first < 2; high_first++) {
            struct octets o = {.size = 0};
            struct packet_file file;
            struct packet packet = {.size = 0};
            put_section(&o, high_first);
            put_interface(&o, high_first, 1, cases[i].resolution, cases[i].offset);
            put_packet(&o, high_first, 6, 0, cases[i].count, "x");
            assert_int_equal(read_all(&file, &o, 5, &packet), 1);
            assert_int_equal(packet.time.ms, cases[i].ms);
            assert_int_equal(packet.microseconds, cases[i].us);
        }
    }
}

static void a_new_section_forgets_interfaces_and_order(void **state)
{
    struct octets o = {.size = 0};
    struct packet_file file;
    struct packet packet = {.size = 0};

    (void)state;
    put_section(&o, false);
    put_interface(&o, false, 1, 0, 0);
    put_packet(&o, false, 6, 0, 1, "one");
    put_section(&o, true);
    put_packet(&o, true, 6, 0, 1, "no interface");
    put_packet(&o, true, 3, 0, 1, "no interface");
    put_interface(&o, true, 101, 0, 0);
    put_packet(&o, true, 6, 0, 1, "two");
    assert_int_equal(read_all(&file, &o, 11, &packet), 2);
    assert_int_equal(packet.link_type, 101);
    assert_int_equal(packet.number, 4);
    assert_int_equal(packet_file_counters(&file).without_interface, 2);
}

static void a_block_that_contradicts_itself_ends_the_file(void **state)
{
    struct octets o = {.size = 0};
    struct packet_file file;
    struct packet packet;

    (void)state;
    put_section(&o, false);
    put_interface(&o, false, 1, 0, 0);
    put_packet(&o, false, 6, 0, 1, "good");
    put_packet(&o, false, 6, 0, 1, "bad");
    o.at[o.size - 4] ^= 4; /* the length behind the body */
    assert_int_equal(read_all(&file, &o, 3, &packet), 1);
    assert_int_equal(packet_file_fault(&file), PACKET_FILE_BAD_BLOCK);
    assert_int_equal(packet_file_offset(&file), 28 + 20 + 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_pcap_in_both_orders_and_both_resolutions),
        cmocka_unit_test(says_where_a_pcap_ends_too_early),
        cmocka_unit_test(refuses_what_is_no_capture),
        cmocka_unit_test(passes_over_what_is_larger_than_the_buffer),
        cmocka_unit_test(reads_every_packet_block_in_both_orders),
        cmocka_unit_test(reads_every_resolution_of_time),
        cmocka_unit_test(a_new_section_forgets_interfaces_and_order),
        cmocka_unit_test(a_block_that_contradicts_itself_ends_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
