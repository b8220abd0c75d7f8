/* Segments in every order: what comes out is the stream, and what is missing is reported. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/tcp_stream.h"

/* What came out, as text: "O" opened, octets of direction 0 as they are, of 1 in upper case, "(n)" a gap,
 * "E". */
struct bench {
    struct tcp_streams *streams;
    void *memory;
    uint64_t packet;
    char out[65536];
    size_t used;
};

static void begin(struct bench *bench, unsigned connections, unsigned segments)
{
    struct tcp_stream_settings settings = {.connections_max = connections, .segments_max = segments};

    memset(bench, 0, sizeof *bench);
    bench->memory = malloc(tcp_streams_size(&settings));
    assert_non_null(bench->memory);
    bench->streams = tcp_streams_init(bench->memory, tcp_streams_size(&settings), &settings);
}

static void collect(struct bench *bench)
{
    struct tcp_event event;

    while (tcp_streams_next(bench->streams, &event)) {
        switch (event.kind) {
        case TCP_EVENT_OPENED:
            bench->out[bench->used++] = 'O';
            break;
        case TCP_EVENT_OCTETS:
            assert_true(event.size > 0);
            for (size_t i = 0; i < event.size; i++) {
                bench->out[bench->used++] = (char)(event.octets[i] - (event.direction == 1 ? 'a' - 'A' : 0));
            }
            break;
        case TCP_EVENT_GAP:
            bench->used += (size_t)sprintf(bench->out + bench->used, "(%zu)", event.size);
            break;
        case TCP_EVENT_ENDED:
            bench->out[bench->used++] = 'E';
            break;
        }
    }
    bench->out[bench->used] = '\0';
}

/* One segment: `from` 0 is the client on port `port`, 1 the station. */
static void feed_port(struct bench *bench, uint16_t port, int from, unsigned flags, uint32_t sequence,
                      uint32_t ack, const char *payload, size_t cut)
{
    struct packet_endpoint client = {.family = 4, .address = {10, 0, 0, 2}, .port = port};
    struct packet_endpoint station = {.family = 4, .address = {10, 0, 0, 1}, .port = 2404};
    struct packet_segment segment = {.source = from == 0 ? client : station,
                                     .destination = from == 0 ? station : client,
                                     .sequence = sequence,
                                     .acknowledgment = ack,
                                     .flags = (uint8_t)flags,
                                     .payload = (const uint8_t *)payload,
                                     .size = strlen(payload),
                                     .cut = cut};
    tcp_streams_feed(bench->streams, &segment, (struct komet_utc){(int64_t)bench->packet}, 0,
                     bench->packet + 1);
    bench->packet++;
    collect(bench);
}

static void feed(struct bench *bench, int from, unsigned flags, uint32_t sequence, uint32_t ack,
                 const char *payload)
{
    feed_port(bench, 40000, from, flags, sequence, ack, payload, 0);
}

static void finish(struct bench *bench, const char *expected)
{
    tcp_streams_end(bench->streams);
    collect(bench);
    assert_string_equal(bench->out, expected);
    free(bench->memory);
}

#define SYN PACKET_TCP_SYN
#define ACK PACKET_TCP_ACK
#define FIN PACKET_TCP_FIN
#define RST PACKET_TCP_RST

static void handshake(struct bench *bench, uint32_t client, uint32_t station)
{
    feed(bench, 0, SYN, client, 0, "");
    feed(bench, 1, SYN | ACK, station, client + 1, "");
    feed(bench, 0, ACK, client + 1, station + 1, "");
}

static void hands_out_both_directions(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 4);
    handshake(&b, 0xFFFFFFFE, 7); /* the client's numbers wrap */
    assert_int_equal(tcp_streams_opener(b.streams, 0), 0);
    feed(&b, 0, ACK, 0xFFFFFFFF, 8, "abc");
    feed(&b, 1, ACK, 8, 2, "xy");
    feed(&b, 0, ACK, 2, 10, "def");
    feed(&b, 0, FIN | ACK, 5, 10, "");
    feed(&b, 1, FIN | ACK, 10, 6, "");
    assert_string_equal(b.out, "OabcXYdefE");
    finish(&b, "OabcXYdefE");
}

static void puts_segments_in_order_and_drops_copies(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    handshake(&b, 100, 200);
    feed(&b, 0, ACK, 107, 201, "ghi");
    feed(&b, 0, ACK, 104, 201, "def");
    feed(&b, 0, ACK, 107, 201, "ghi");
    feed(&b, 0, ACK, 104, 201, "d");
    assert_string_equal(b.out, "O");
    feed(&b, 0, ACK, 101, 201, "abc");
    assert_string_equal(b.out, "Oabcdefghi");
    feed(&b, 0, ACK, 101, 201, "abc");   /* again */
    feed(&b, 0, ACK, 107, 201, "ghijk"); /* again, and more */
    feed(&b, 0, ACK, 111, 201, "k");     /* a probe of a kept-open connection */
    feed(&b, 0, ACK, 112, 201, "l");
    assert_int_equal(tcp_streams_counters(b.streams).gaps, 0);
    finish(&b, "OabcdefghijklE");
}

static void an_acknowledged_hole_is_a_gap(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    handshake(&b, 100, 200);
    feed(&b, 0, ACK, 101, 201, "abc");
    feed(&b, 0, ACK, 109, 201, "ijk");
    feed(&b, 1, ACK, 201, 104, "");
    assert_string_equal(b.out, "Oabc");
    feed(&b, 1, ACK, 201, 112, "x");
    assert_string_equal(b.out, "OabcX(5)ijk");
    assert_int_equal(tcp_streams_counters(b.streams).octets_missing, 5);
    finish(&b, "OabcX(5)ijkE");
}

static void what_waits_comes_out_at_the_end(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    handshake(&b, 100, 200);
    feed(&b, 0, ACK, 105, 201, "ef");
    feed(&b, 1, RST, 201, 0, "");
    assert_string_equal(b.out, "O(4)efE");
    feed(&b, 0, ACK, 109, 201, "i");
    finish(&b, "O(4)efE(2)iE");
}

static void a_full_pool_gives_the_hole_up(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 2);
    handshake(&b, 100, 200);
    feed(&b, 0, ACK, 103, 201, "c");
    feed(&b, 0, ACK, 105, 201, "e");
    feed(&b, 0, ACK, 107, 201, "g");
    assert_string_equal(b.out, "O(2)c");
    assert_int_equal(tcp_streams_counters(b.streams).pool_full, 1);
    feed(&b, 0, ACK, 106, 201, "f");
    assert_int_equal(tcp_streams_counters(b.streams).pool_full, 2);
    finish(&b, "O(2)c(1)efgE");
}

static void a_segment_larger_than_a_piece_waits_whole(void **state)
{
    struct bench b;
    static char large[5001], expected[6000];

    (void)state;
    memset(large, 'z', 5000);
    begin(&b, 4, 4);
    handshake(&b, 100, 200);
    feed(&b, 0, ACK, 102, 201, large);
    assert_string_equal(b.out, "O");
    feed(&b, 0, ACK, 101, 201, "a");
    sprintf(expected, "Oa%sE", large);
    finish(&b, expected);
}

static void a_new_syn_begins_anew(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    handshake(&b, 100, 200);
    feed(&b, 0, SYN, 100, 0, ""); /* the same SYN again changes nothing */
    feed(&b, 0, ACK, 101, 201, "a");
    feed(&b, 0, ACK, 104, 201, "d");
    handshake(&b, 5000, 6000);
    feed(&b, 0, ACK, 5001, 6001, "b");
    feed(&b, 1, ACK, 6001, 5002, "c");
    assert_int_equal(tcp_streams_counters(b.streams).connections, 2);
    finish(&b, "Oa(2)dEObCE");
}

static void begins_in_the_middle(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    feed(&b, 1, ACK, 777, 5, "b");
    assert_int_equal(tcp_streams_opener(b.streams, 0), -1);
    feed(&b, 0, ACK, 5, 778, "c"); /* direction 0 is that of the first segment */
    feed(&b, 1, ACK, 778, 6, "d");
    finish(&b, "ObCdE");
}

static void numbers_out_of_reach_are_another_stream(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    handshake(&b, 100, 200);
    feed(&b, 0, ACK, 101, 201, "a");
    feed(&b, 0, ACK, 0x60000000, 201, "b");
    feed(&b, 0, ACK, 0x60000001, 201, "c");
    finish(&b, "Oa(0)bcE");
}

static void what_the_capture_cut_off_is_a_gap(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 4, 8);
    handshake(&b, 100, 200);
    feed_port(&b, 40000, 0, ACK, 101, 201, "ab", 3);
    feed(&b, 0, ACK, 106, 201, "f");
    feed_port(&b, 40000, 0, ACK, 107, 201, "", 4); /* nothing but headers */
    feed(&b, 0, ACK, 111, 201, "k");
    finish(&b, "Oab(3)f(4)kE");
}

static void the_most_silent_connection_makes_room(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 2, 8);
    feed_port(&b, 1, 0, ACK, 1, 1, "a", 0);
    feed_port(&b, 2, 0, ACK, 1, 1, "b", 0);
    feed_port(&b, 1, 0, ACK, 2, 1, "c", 0);
    feed_port(&b, 2, 0, ACK, 5, 1, "e", 0); /* waits */
    feed_port(&b, 1, 0, ACK, 3, 1, "d", 0);
    feed_port(&b, 3, 0, ACK, 1, 1, "f", 0);
    assert_int_equal(tcp_streams_counters(b.streams).evicted, 1);
    finish(&b, "OaObcd(3)eEOfEE");
}

/* Any order of cut and repeated pieces of one stream gives the stream, when nothing is lost. */
static void any_order_gives_the_stream(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct test_random random = {seed};
        struct bench b;
        char stream[301] = "", expected[310];
        size_t at[200], size[200], count = 0;

        for (size_t i = 0; i < 300; i++) {
            stream[i] = (char)('a' + test_random_below(&random, 26));
        }
        for (size_t i = 0; i < 300;) {
            size_t n = 1 + test_random_below(&random, 9);
            n = n > 300 - i ? 300 - i : n;
            for (unsigned copies = 1 + (test_random_below(&random, 4) == 0); copies > 0; copies--) {
                size_t before = test_random_below(&random, 5);
                before = before > i ? i : before;
                at[count] = i - before;
                size[count++] = n + before;
            }
            i += n;
        }
        for (size_t i = count - 1; i > 0; i--) {
            size_t other = test_random_below(&random, (uint32_t)i + 1);
            size_t t = at[i], u = size[i];
            at[i] = at[other];
            size[i] = size[other];
            at[other] = t;
            size[other] = u;
        }
        begin(&b, 1, 200);
        handshake(&b, 0xFFFFFF80, 1);
        for (size_t i = 0; i < count; i++) {
            char piece[20] = "";
            memcpy(piece, stream + at[i], size[i]);
            feed(&b, 0, ACK, 0xFFFFFF81 + (uint32_t)at[i], 2, piece);
        }
        snprintf(expected, sizeof expected, "O%sE", stream);
        finish(&b, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_both_directions),
        cmocka_unit_test(puts_segments_in_order_and_drops_copies),
        cmocka_unit_test(an_acknowledged_hole_is_a_gap),
        cmocka_unit_test(what_waits_comes_out_at_the_end),
        cmocka_unit_test(a_full_pool_gives_the_hole_up),
        cmocka_unit_test(a_segment_larger_than_a_piece_waits_whole),
        cmocka_unit_test(a_new_syn_begins_anew),
        cmocka_unit_test(begins_in_the_middle),
        cmocka_unit_test(numbers_out_of_reach_are_another_stream),
        cmocka_unit_test(what_the_capture_cut_off_is_a_gap),
        cmocka_unit_test(the_most_silent_connection_makes_room),
        cmocka_unit_test(any_order_gives_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
