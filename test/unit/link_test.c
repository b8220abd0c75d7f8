/*
 * link: what the timelines cannot see: settings, memory, borrowed octets, partial writes, a full output
 * buffer.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/link.h"

static const struct komet_instant zero = {0};
static const uint8_t startdt_act[] = {0x68, 4, 0x07, 0, 0, 0};
static const uint8_t testfr_act[] = {0x68, 4, 0x43, 0, 0, 0};

static struct komet_link *make(const struct komet_link_settings *settings)
{
    size_t size = komet_link_size(settings);
    return komet_link_init(malloc(size), size, settings, zero);
}

/* Takes outputs up to the first of a kind; fails when it does not come. Writes what is to be sent. */
static struct komet_link_output take(struct komet_link *link, enum komet_link_output_kind kind)
{
    struct komet_link_output output;
    while (komet_link_next(link, zero, &output)) {
        if (output.kind == kind) {
            return output;
        }
        if (output.kind == KOMET_LINK_OUT_SEND) {
            komet_link_written(link, output.size);
        }
    }
    fail_msg("output %d did not come", (int)kind);
    return output;
}

static void drain(struct komet_link *link)
{
    struct komet_link_output output;
    while (komet_link_next(link, zero, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND) {
            komet_link_written(link, output.size);
        }
    }
}

static struct komet_link *make_started(const struct komet_link_settings *settings)
{
    struct komet_link *link = make(settings);
    assert_int_equal(komet_link_feed(link, zero, startdt_act, 6), 6);
    drain(link);
    assert_int_equal(komet_link_state(link), KOMET_LINK_STARTED);
    return link;
}

static void send_asdu(struct komet_link *link, size_t size)
{
    uint8_t *place = komet_link_reserve(link);
    assert_non_null(place);
    memset(place, 0xA5, size);
    komet_link_commit(link, zero, size);
}

static void test_settings(void **state)
{
    (void)state;
    const struct komet_link_settings good = komet_link_settings_standard(KOMET_CONTROLLED);
    assert_null(komet_link_settings_fault(&good));
    struct komet_link_settings bad[11];
    for (size_t i = 0; i < 11; i++) {
        bad[i] = good;
    }
    bad[0].k = 0;
    bad[1].k = 32768;
    bad[2].w = 0;
    bad[3].w = 13;
    bad[4].t1_us = 0;
    bad[5].t2_us = 0;
    bad[6].t2_us = good.t1_us;
    bad[7].t3_us = -1;
    bad[8].first_vs = 32768;
    bad[9].output_size = 1023;
    bad[10].role = (enum komet_link_role)2;
    for (size_t i = 0; i < 11; i++) {
        assert_non_null(komet_link_settings_fault(&bad[i]));
    }
}

static void test_memory_of_a_connection(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    assert_true(komet_link_size(&settings) <= 4096);
    struct komet_link *link = make_started(&settings);
    assert_int_equal(komet_link_room(link), 12); /* a whole window of full APDUs fits */
    for (int i = 0; i < 12; i++) {
        send_asdu(link, KOMET_ASDU_SIZE_MAX);
    }
    assert_null(komet_link_reserve(link));
    assert_int_equal(komet_link_feed(link, zero, testfr_act, 6), 6);
    struct komet_link_output output = take(link, KOMET_LINK_OUT_SEND);
    assert_int_equal(output.size, 12 * 255 + 6); /* one piece, with the con behind */
    assert_memory_equal(output.octets, "\x68\xFD\x00\x00\x00\x00\xA5", 7);
    free(link);
}

/* However TCP cuts the output, the stream is the same; the buffer moves its rest when it has to. */
static void test_partial_writes(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    settings.k = 32767;
    settings.output_size = 1100;
    struct komet_link *link = make_started(&settings);
    struct test_random random = {7};
    uint64_t place = 0;
    for (unsigned round = 0; round < 20000; round++) {
        while (komet_link_room(link) > 0 && test_random_below(&random, 4) > 0) {
            uint8_t *octets = komet_link_reserve(link);
            size_t size = 1 + test_random_below(&random, KOMET_ASDU_SIZE_MAX);
            memset(octets, (int)(size & 0xFF), size);
            komet_link_commit(link, zero, size);
        }
        struct komet_link_output output;
        if (komet_link_next(link, zero, &output)) {
            assert_int_equal(output.kind, KOMET_LINK_OUT_SEND);
            size_t written = 1 + test_random_below(&random, (uint32_t)output.size);
            komet_link_written(link, written);
            place += written;
        }
        struct komet_link_counters counters;
        komet_link_counters(link, &counters);
        assert_int_equal(counters.octets_sent, place + 6); /* and STARTDT con */
    }
    free(link);
}

/* Feeds one I format; the host acknowledges it when it `stored` it. */
static void feed_i(struct komet_link *link, uint16_t ns, bool stored)
{
    uint8_t octets[KOMET_APDU_HEADER_SIZE + 1] = {0};
    komet_apdu_encode_i(octets, ns, 0, 1);
    assert_int_equal(komet_link_feed(link, zero, octets, sizeof octets), sizeof octets);
    struct komet_link_output output = take(link, KOMET_LINK_OUT_ASDU);
    if (stored) {
        komet_link_acknowledge(link, zero, output.received);
    }
    drain(link);
}

static uint64_t above_k(const struct komet_link *link)
{
    struct komet_link_counters counters;
    komet_link_counters(link, &counters);
    return counters.i_above_k;
}

/* A peer that sends more than k is served; only what nobody acknowledged to it counts. */
static void test_i_formats_above_k_are_counted(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    struct komet_link *link = make_started(&settings);
    uint16_t ns = 0;
    for (unsigned i = 0; i < 40; i++) {
        feed_i(link, ns++, true);
    }
    assert_int_equal(above_k(link), 0); /* an S format went every w */
    for (unsigned i = 0; i < settings.k; i++) {
        feed_i(link, ns++, false);
    }
    assert_int_equal(above_k(link), 0);
    feed_i(link, ns++, false);
    feed_i(link, ns++, false);
    assert_int_equal(above_k(link), 2);
    assert_int_equal(komet_link_state(link), KOMET_LINK_STARTED);
    komet_link_acknowledge(link, zero, ns);
    drain(link);
    feed_i(link, ns++, true);
    assert_int_equal(above_k(link), 2);
    free(link);
}

/* A peer that sends TESTFR acts and reads nothing gets one con, and takes no room from I formats. */
static void test_flood_of_acts(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    struct komet_link *link = make_started(&settings);
    struct komet_link_output output;
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(komet_link_feed(link, zero, testfr_act, 6), 6);
        assert_true(komet_link_next(link, zero, &output));
        assert_int_equal(output.kind, KOMET_LINK_OUT_SEND);
        assert_int_equal(output.size, 6);
    }
    komet_link_written(link, 1); /* begun: the next act gets a con of its own */
    assert_int_equal(komet_link_feed(link, zero, testfr_act, 6), 6);
    output = take(link, KOMET_LINK_OUT_SEND);
    assert_int_equal(output.size, 11);
    static const uint8_t stopdt_act[] = {0x68, 4, 0x13, 0, 0, 0};
    for (int i = 0; i < 10000; i++) {
        const uint8_t *act = i % 2 == 0 ? stopdt_act : startdt_act;
        assert_int_equal(komet_link_feed(link, zero, act, 6), 6);
        assert_true(komet_link_next(link, zero, &output));
        while (output.kind != KOMET_LINK_OUT_SEND) {
            assert_true(komet_link_next(link, zero, &output));
        }
    }
    assert_int_equal(komet_link_state(link), KOMET_LINK_STARTED);
    drain(link); /* what waited as a flag follows: STOPDT con, then STARTDT con */
    struct komet_link_counters counters;
    komet_link_counters(link, &counters);
    assert_int_equal(counters.octets_sent, counters.u_sent * 6);
    free(link);
}

static void test_asdu_is_borrowed(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    struct komet_link *link = make_started(&settings);
    static const uint8_t two[] = {0x68, 5, 0, 0, 0, 0, 0x11, 0x68, 6, 2, 0, 0, 0, 0x22, 0x33};
    assert_int_equal(komet_link_feed(link, zero, two, sizeof two), 7);
    struct komet_link_output output = take(link, KOMET_LINK_OUT_ASDU);
    assert_ptr_equal(output.octets, two + 6);
    assert_int_equal(output.received, 1);
    drain(link);
    assert_int_equal(komet_link_feed(link, zero, two + 7, 5), 5);
    drain(link);
    assert_int_equal(komet_link_feed(link, zero, two + 12, 3), 3);
    output = take(link, KOMET_LINK_OUT_ASDU);
    assert_int_equal(output.received, 2);
    assert_int_equal(output.size, 2);
    assert_memory_equal(output.octets, "\x22\x33", 2);
    free(link);
}

static void test_a_closed_link_takes_everything(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    struct komet_link *link = make(&settings);
    komet_link_start(link, zero);
    komet_link_close(link, KOMET_SHUTDOWN);
    komet_link_close(link, KOMET_DISABLED);
    struct komet_link_output output = take(link, KOMET_LINK_OUT_CLOSE);
    assert_int_equal(output.reason, KOMET_SHUTDOWN);
    assert_false(komet_link_next(link, zero, &output));
    uint8_t octets[1000] = {0};
    assert_int_equal(komet_link_feed(link, zero, octets, sizeof octets), sizeof octets);
    assert_false(komet_link_next(link, zero, &output));
    assert_int_equal(komet_link_deadline(link).us, KOMET_NEVER.us);
    assert_int_equal(komet_link_room(link), 0);
    assert_string_equal(komet_link_state_name(komet_link_state(link)), "closed");
    free(link);
}

/* In the middle of everything: octets to be sent, half a frame received, frames that are not acknowledged. */
static void test_a_link_goes_on_where_it_was_moved_to(void **state)
{
    (void)state;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    struct komet_link *link = make_started(&settings);
    send_asdu(link, 10);
    struct komet_link_output output = take(link, KOMET_LINK_OUT_SEND);
    assert_int_equal(komet_link_feed(link, zero, testfr_act, 3), 3);
    size_t size = komet_link_size(&settings);
    uint8_t *expected = malloc(output.size);
    memcpy(expected, output.octets, output.size);
    struct komet_link *moved = komet_link_move(malloc(size), size, link);
    memset(link, 0xA5, size);
    free(link);
    output = take(moved, KOMET_LINK_OUT_SEND);
    assert_memory_equal(output.octets, expected, output.size);
    komet_link_written(moved, output.size);
    assert_int_equal(komet_link_feed(moved, zero, testfr_act + 3, 3), 3);
    output = take(moved, KOMET_LINK_OUT_SEND);
    assert_int_equal(output.octets[2], 0x83); /* TESTFR con */
    komet_link_written(moved, output.size);
    static const uint8_t supervisory[] = {0x68, 4, 0x01, 0, 0x02, 0};
    assert_int_equal(komet_link_feed(moved, zero, supervisory, 6), 6);
    assert_int_equal(take(moved, KOMET_LINK_OUT_ACKNOWLEDGED).acknowledged, 1);
    free(expected);
    free(moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_goes_on_where_it_was_moved_to),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_memory_of_a_connection),
        cmocka_unit_test(test_partial_writes),
        cmocka_unit_test(test_flood_of_acts),
        cmocka_unit_test(test_asdu_is_borrowed),
        cmocka_unit_test(test_a_closed_link_takes_everything),
        cmocka_unit_test(test_i_formats_above_k_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
