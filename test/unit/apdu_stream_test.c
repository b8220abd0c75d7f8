/* Octets into APDUs: any split, malformed ones, lost steps. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "capture/apdu_stream.h"

/* What came out, as text: A, M or C, and the octets in hexadecimal. */
struct bench {
    struct apdu_stream stream;
    char out[8192];
    size_t used;
};

static void collect(struct bench *bench)
{
    struct apdu_stream_item item;

    while (apdu_stream_next(&bench->stream, &item)) {
        assert_true(item.size > 0 && item.size <= KOMET_APDU_SIZE_MAX);
        bench->out[bench->used++] = "AMC"[item.kind];
        for (size_t i = 0; i < item.size; i++) {
            bench->used += (size_t)sprintf(bench->out + bench->used, "%02x", item.octets[i]);
        }
        bench->out[bench->used++] = ' ';
    }
    bench->out[bench->used] = '\0';
}

/* Feeds hexadecimal octets in pieces of `step`. */
static void feed(struct bench *bench, const char *hex, size_t step)
{
    uint8_t octets[2048];
    size_t size = strlen(hex) / 2;

    for (size_t i = 0; i < size; i++) {
        unsigned value;
        sscanf(hex + 2 * i, "%2x", &value);
        octets[i] = (uint8_t)value;
    }
    for (size_t at = 0; at < size;) {
        size_t taken = apdu_stream_feed(&bench->stream, octets + at, size - at < step ? size - at : step);
        assert_true(taken > 0);
        at += taken;
        collect(bench);
    }
}

static void begin(struct bench *bench, bool from_start)
{
    memset(bench, 0, sizeof *bench);
    apdu_stream_init(&bench->stream, from_start);
}

static void cut(struct bench *bench)
{
    apdu_stream_break(&bench->stream);
    collect(bench);
}

#define STARTDT       "680407000000"
#define TESTFR        "680443000000"
#define ACKNOWLEDGE   "680401000200"
#define INTERROGATION "680e0000000064010600010000000014"

static void any_split_gives_the_same(void **state)
{
    (void)state;
    for (size_t step = 1; step <= 60; step++) {
        struct bench b;
        begin(&b, true);
        feed(&b, STARTDT INTERROGATION ACKNOWLEDGE TESTFR, step);
        cut(&b);
        assert_string_equal(b.out, "A" STARTDT " A" INTERROGATION " A" ACKNOWLEDGE " A" TESTFR " ");
    }
}

static void a_bad_control_field_keeps_the_step(void **state)
{
    struct bench b;

    (void)state;
    for (size_t step = 1; step <= 60; step++) {
        begin(&b, true);
        feed(&b, "68040f000000" TESTFR, step); /* two functions at once */
        assert_string_equal(b.out, "M68040f000000 A" TESTFR " ");
    }
}

static void finds_the_step_again(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, true);
    feed(&b, STARTDT "0102036868ff" TESTFR ACKNOWLEDGE, 100);
    assert_string_equal(b.out, "A" STARTDT " M0102036868ff A" TESTFR " A" ACKNOWLEDGE " ");
    begin(&b, true);
    feed(&b, "6803070000" TESTFR, 100);
    assert_string_equal(b.out, "M6803070000 A" TESTFR " ");
    begin(&b, true);
    feed(&b, "68fe070000" TESTFR, 100);
    assert_string_equal(b.out, "M68fe070000 A" TESTFR " ");
}

static void begins_in_the_middle_of_an_apdu(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, false);
    feed(&b, "00000014" TESTFR, 100);
    assert_string_equal(b.out, "C00000014 A" TESTFR " ");
    begin(&b, false);
    feed(&b, TESTFR, 1);
    assert_string_equal(b.out, "A" TESTFR " ");
}

static void a_break_hands_out_what_is_incomplete(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, true);
    feed(&b, STARTDT "680e000000006401", 100);
    cut(&b);
    assert_string_equal(b.out, "A" STARTDT " C680e000000006401 ");
    feed(&b, "0014" TESTFR, 100); /* behind a gap of unknown content */
    assert_string_equal(b.out, "A" STARTDT " C680e000000006401 C0014 A" TESTFR " ");
}

/* No octet is lost or doubled, whatever comes. */
static void every_octet_comes_out_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct test_random random = {seed};
        struct apdu_stream stream;
        struct apdu_stream_item item;
        uint8_t in[3000], out[3000];
        size_t size = 0, used = 0;

        while (size < 2700) {
            static const uint8_t frame[] = {0x68, 0x04, 0x43, 0x00, 0x00, 0x00};
            if (test_random_below(&random, 3) > 0) {
                memcpy(in + size, frame, sizeof frame);
                size += sizeof frame;
            } else {
                for (uint32_t n = test_random_below(&random, 300); n > 0 && size < 2700; n--) {
                    in[size++] =
                        (uint8_t)(test_random_below(&random, 3) == 0 ? 0x68 : test_random_next(&random));
                }
            }
        }
        apdu_stream_init(&stream, true);
        for (size_t at = 0; at <= size;) {
            size_t step = 1 + test_random_below(&random, 2000);
            if (at == size) {
                apdu_stream_break(&stream);
                at++;
            } else {
                at += apdu_stream_feed(&stream, in + at, step < size - at ? step : size - at);
            }
            while (apdu_stream_next(&stream, &item)) {
                memcpy(out + used, item.octets, item.size);
                used += item.size;
            }
        }
        assert_int_equal(used, size);
        assert_memory_equal(out, in, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_gives_the_same),
        cmocka_unit_test(a_bad_control_field_keeps_the_step),
        cmocka_unit_test(finds_the_step_again),
        cmocka_unit_test(begins_in_the_middle_of_an_apdu),
        cmocka_unit_test(a_break_hands_out_what_is_incomplete),
        cmocka_unit_test(every_octet_comes_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
