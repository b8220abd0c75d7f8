/* Every link type and form of IP header that leads to TCP, and those that must not. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "capture/packet_headers.h"

struct octets {
    uint8_t at[512];
    size_t size;
};

static void put(struct octets *o, const char *hex)
{
    for (; *hex != '\0'; hex++) {
        static const char digits[] = "0123456789abcdef";
        if (*hex == ' ') {
            continue;
        }
        o->at[o->size++] =
            (uint8_t)((strchr(digits, hex[0]) - digits) << 4 | (strchr(digits, hex[1]) - digits));
        hex++;
    }
}

/* Port 2404 to 40000, sequence 0x01020304, acknowledgment 5, ACK, one NOP-padded option word, payload 68 04
 * 43 00. */
#define TCP_OCTETS     "0964 9c40 01020304 00000005 6010 ffff 0000 0000 01010101 68044300"
#define IPV4_OCTETS    "4500 0030 0001 4000 40 06 0000 0a000001 0a000002"
#define IPV4_OPTION    "4600 0034 0001 4000 40 06 0000 0a000001 0a000002 01010101"
#define IPV6_ADDRESSES "20010db8000000000000000000000001 fe800000000000000000000000000002"

static void check_tcp(uint32_t link_type, const char *headers, bool v6)
{
    struct octets o = {.size = 0};
    struct packet_segment segment;
    char text[PACKET_ENDPOINT_TEXT_SIZE];

    put(&o, headers);
    put(&o, TCP_OCTETS);
    put(&o, "0000"); /* padding of the frame */
    assert_int_equal(packet_headers_read(link_type, o.at, o.size, &segment), PACKET_TCP);
    assert_string_equal(packet_endpoint_text(&segment.source, text),
                        v6 ? "[2001:db8::1]:2404" : "10.0.0.1:2404");
    assert_string_equal(packet_endpoint_text(&segment.destination, text),
                        v6 ? "[fe80::2]:40000" : "10.0.0.2:40000");
    assert_int_equal(segment.sequence, 0x01020304);
    assert_int_equal(segment.acknowledgment, 5);
    assert_int_equal(segment.flags, PACKET_TCP_ACK);
    assert_int_equal(segment.size, 4);
    assert_int_equal(segment.cut, 0);
    assert_memory_equal(segment.payload, "\x68\x04\x43", 3);
    for (size_t size = 0; size < o.size - 6; size++) { /* cut within the headers */
        assert_int_not_equal(packet_headers_read(link_type, o.at, size, &segment), PACKET_TCP);
    }
    assert_int_equal(packet_headers_read(link_type, o.at, o.size - 3, &segment), PACKET_TCP);
    assert_int_equal(segment.size, 3);
    assert_int_equal(segment.cut, 1);
}

static void reads_every_link_type(void **state)
{
    (void)state;
    check_tcp(1, "020000000001 020000000002 0800" IPV4_OCTETS, false);
    check_tcp(1, "020000000001 020000000002 8100 0007 0800" IPV4_OCTETS, false);
    check_tcp(1, "020000000001 020000000002 88a8 0007 8100 0008 0800" IPV4_OCTETS, false);
    check_tcp(1, "020000000001 020000000002 86dd 60000000 001c 06 40" IPV6_ADDRESSES, true);
    check_tcp(113, "0000 0001 0006 0200000000010000 0800" IPV4_OCTETS, false);
    check_tcp(276, "0800 0000 00000001 0001 00 06 0200000000010000" IPV4_OCTETS, false);
    check_tcp(101, IPV4_OPTION, false);
    check_tcp(12, "60000000 001c 06 40" IPV6_ADDRESSES, true);
    check_tcp(14, IPV4_OCTETS, false);
    check_tcp(228, IPV4_OCTETS, false);
    check_tcp(229, "60000000 001c 06 40" IPV6_ADDRESSES, true);
    check_tcp(0, "02000000" IPV4_OCTETS, false);
    check_tcp(0, "00000002" IPV4_OCTETS, false);
    check_tcp(0, "18000000 60000000 001c 06 40" IPV6_ADDRESSES, true);
    check_tcp(108, "0000001e 60000000 001c 06 40" IPV6_ADDRESSES, true);
}

static void passes_ipv6_extension_headers(void **state)
{
    (void)state;
    check_tcp(229, "60000000 0024 00 40" IPV6_ADDRESSES "06 00 010400000000", true);
    check_tcp(229,
              "60000000 0034 3c 40" IPV6_ADDRESSES "2c 01 0104000000000104000000000000 06 00 0000 00000007",
              true);
    check_tcp(229, "60000000 0028 33 40" IPV6_ADDRESSES "06 01 0000 00000001 00000001", true);
}

static enum packet_headers_result result_of(uint32_t link_type, const char *hex)
{
    struct octets o = {.size = 0};
    struct packet_segment segment;

    put(&o, hex);
    put(&o, TCP_OCTETS);
    return packet_headers_read(link_type, o.at, o.size, &segment);
}

static void tells_what_it_cannot_use(void **state)
{
    (void)state;
    assert_int_equal(result_of(105, IPV4_OCTETS), PACKET_UNKNOWN_LINK);
    assert_int_equal(result_of(1, "020000000001 020000000002 0806"), PACKET_NOT_TCP);
    assert_int_equal(result_of(101, "4500 002c 0001 4000 40 11 0000 0a000001 0a000002"), PACKET_NOT_TCP);
    assert_int_equal(result_of(101, "4500 002c 0001 2000 40 06 0000 0a000001 0a000002"), PACKET_FRAGMENT);
    assert_int_equal(result_of(101, "4500 002c 0001 0010 40 06 0000 0a000001 0a000002"), PACKET_FRAGMENT);
    assert_int_equal(result_of(101, "4400 002c 0001 4000 40 06 0000 0a000001 0a000002"), PACKET_BAD_HEADER);
    assert_int_equal(result_of(101, "4500 0013 0001 4000 40 06 0000 0a000001 0a000002"), PACKET_BAD_HEADER);
    assert_int_equal(result_of(101, "5500 002c 0001 4000 40 06 0000 0a000001 0a000002"), PACKET_BAD_HEADER);
    assert_int_equal(result_of(101, "60000000 0024 2c 40" IPV6_ADDRESSES "06 00 0001 00000007"),
                     PACKET_FRAGMENT);
    assert_int_equal(result_of(101, "60000000 0024 32 40" IPV6_ADDRESSES), PACKET_NOT_TCP);
    assert_int_equal(result_of(101, "60000000 0024 00 40" IPV6_ADDRESSES "06 ff 010400000000"),
                     PACKET_BAD_HEADER);
    assert_int_equal(result_of(0, "07000000" IPV4_OCTETS), PACKET_NOT_TCP);
}

/* A machine that leaves cutting to its network card captures an IP length of 0. */
static void takes_a_missing_ip_length_from_the_capture(void **state)
{
    struct octets o = {.size = 0};
    struct packet_segment segment;

    (void)state;
    put(&o, "4500 0000 0001 4000 40 06 0000 0a000001 0a000002" TCP_OCTETS);
    assert_int_equal(packet_headers_read(101, o.at, o.size, &segment), PACKET_TCP);
    assert_int_equal(segment.size, 4);
}

static void writes_addresses_in_their_short_form(void **state)
{
    const struct {
        const char *hex;
        const char *text;
    } cases[] = {{"00000000000000000000000000000000", "[::]:1"},
                 {"00000000000000000000000000000001", "[::1]:1"},
                 {"20010db8000000010000000000000000", "[2001:db8:0:1::]:1"},
                 {"20010db8000000000001000000000001", "[2001:db8::1:0:0:1]:1"},
                 {"00010000000300040005000600070008", "[1:0:3:4:5:6:7:8]:1"},
                 {"ffffffffffffffffffffffffffffffff", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct octets o = {.size = 0};
        struct packet_endpoint endpoint = {.family = 6, .port = 1};
        char text[PACKET_ENDPOINT_TEXT_SIZE];
        put(&o, cases[i].hex);
        memcpy(endpoint.address, o.at, 16);
        assert_string_equal(packet_endpoint_text(&endpoint, text), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_link_type),
        cmocka_unit_test(passes_ipv6_extension_headers),
        cmocka_unit_test(tells_what_it_cannot_use),
        cmocka_unit_test(takes_a_missing_ip_length_from_the_capture),
        cmocka_unit_test(writes_addresses_in_their_short_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
