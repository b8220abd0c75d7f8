/* time_tag: octets by hand, the calendar against timegm, centuries, implausible fields. */
#include "support.h"

#include <string.h>
#include <time.h>

#include "komet/time_tag.h"

static const struct komet_utc about_2026 = {INT64_C(1795219200000)}; /* 2026-11-21 */

static void test_cp56_by_hand(void **state)
{
    (void)state;
    /* 2026-11-21 (a Saturday) 23:59:59.999, summer time, invalid, substituted */
    static const uint8_t octets[7] = {0x5F, 0xEA, 0xFB, 0x97, 0xD5, 0x0B, 0x1A};
    struct komet_time_tag tag;
    komet_cp56_decode(octets, &tag);
    assert_int_equal(tag.milliseconds, 59999);
    assert_int_equal(tag.minute, 59);
    assert_int_equal(tag.hour, 23);
    assert_int_equal(tag.day, 21);
    assert_int_equal(tag.day_of_week, 6);
    assert_int_equal(tag.month, 11);
    assert_int_equal(tag.year, 26);
    assert_true(tag.invalid);
    assert_true(tag.summer_time);
    assert_true(tag.substituted);
    uint8_t written[7];
    komet_cp56_encode(written, &tag);
    assert_memory_equal(written, octets, 7);
    static const uint8_t reserved[7] = {0, 0, 0, 0x60, 0, 0xF0, 0x80};
    komet_cp56_decode(reserved, &tag);
    assert_int_equal(tag.hour + tag.month + tag.year, 0);
}

static void test_cp24_by_hand(void **state)
{
    (void)state;
    static const uint8_t octets[3] = {0x01, 0x80, 0x85}; /* 32.769 s, minute 5, invalid */
    struct komet_time_tag tag;
    komet_cp24_decode(octets, &tag);
    assert_int_equal(tag.milliseconds, 32769);
    assert_int_equal(tag.minute, 5);
    assert_true(tag.invalid);
    assert_false(tag.substituted);
    uint8_t written[3];
    komet_cp24_encode(written, &tag);
    assert_memory_equal(written, octets, 3);
}

static void test_calendar_against_the_c_library(void **state)
{
    (void)state;
    struct test_random random = {1};
    for (int i = 0; i < 200000; i++) {
        int64_t span = INT64_C(99) * 365 * 86400;
        int64_t second = (int64_t)(test_random_next(&random) % (uint64_t)span);
        struct komet_utc utc = {second * 1000 + test_random_below(&random, 1000)};
        struct komet_time_tag tag;
        komet_cp56_from_utc(&tag, utc, 0);
        time_t t = (time_t)second;
        struct tm tm;
        gmtime_r(&t, &tm);
        assert_int_equal(tag.year, tm.tm_year % 100);
        assert_int_equal(tag.month, tm.tm_mon + 1);
        assert_int_equal(tag.day, tm.tm_mday);
        assert_int_equal(tag.hour, tm.tm_hour);
        assert_int_equal(tag.minute, tm.tm_min);
        assert_int_equal(tag.milliseconds, tm.tm_sec * 1000 + (int)(utc.ms % 1000));
        assert_int_equal(tag.day_of_week, tm.tm_wday == 0 ? 7 : tm.tm_wday);
        assert_true(komet_time_tag_plausible(&tag));
        assert_int_equal(komet_cp56_to_utc(&tag, utc).ms, utc.ms);
    }
}

static void test_a_kept_minute_changes_nothing(void **state)
{
    (void)state;
    struct test_random random = {2};
    struct komet_calendar calendar = {0};
    static const int64_t steps_ms[] = {0,  1,      7,       999,       60000,
                                       -1, -60000, 3600000, -86400000, INT64_C(31536000000)};
    struct komet_utc utc = {INT64_C(1795219200000)};
    int offset = 0;
    for (int i = 0; i < 200000; i++) {
        struct komet_time_tag kept, plain;
        utc.ms += steps_ms[test_random_below(&random, i % 50 == 0 ? 10 : 4)];
        offset =
            test_random_below(&random, 1000) == 0 ? (int)test_random_below(&random, 2881) - 1440 : offset;
        memset(&kept, 0xAA, sizeof kept);
        memset(&plain, 0xAA, sizeof plain);
        komet_calendar_cp56(&calendar, &kept, utc, offset);
        komet_cp56_from_utc(&plain, utc, offset);
        uint8_t kept_octets[7], plain_octets[7];
        komet_cp56_encode(kept_octets, &kept);
        komet_cp56_encode(plain_octets, &plain);
        assert_memory_equal(kept_octets, plain_octets, 7);
    }
}

static void test_offset_of_a_zone(void **state)
{
    (void)state;
    struct komet_time_tag tag;
    komet_cp56_from_utc(&tag, (struct komet_utc){0}, -60);
    assert_int_equal(tag.year, 69);
    assert_int_equal(tag.month, 12);
    assert_int_equal(tag.day, 31);
    assert_int_equal(tag.hour, 23);
    assert_int_equal(tag.day_of_week, 3); /* Wednesday before Thursday 1970-01-01 */
    komet_cp56_from_utc(&tag, (struct komet_utc){0}, 330);
    assert_int_equal(tag.hour, 5);
    assert_int_equal(tag.minute, 30);
}

static void test_century(void **state)
{
    (void)state;
    struct komet_time_tag tag = {.day = 1, .month = 1, .year = 99};
    assert_int_equal(komet_cp56_to_utc(&tag, about_2026).ms, INT64_C(915148800000)); /* 1999 */
    tag.year = 70;
    assert_int_equal(komet_cp56_to_utc(&tag, about_2026).ms, INT64_C(3155760000000)); /* 2070 */
    assert_int_equal(komet_cp56_to_utc(&tag, KOMET_UTC_UNKNOWN).ms, 0);
    tag.year = 69;
    assert_int_equal(komet_cp56_to_utc(&tag, KOMET_UTC_UNKNOWN).ms, INT64_C(3124224000000));
    /* a few ms around a change of century */
    struct komet_utc before_2100 = {INT64_C(4102444799000)};
    tag.year = 0;
    assert_int_equal(komet_cp56_to_utc(&tag, before_2100).ms, INT64_C(4102444800000));
}

static void test_plausible(void **state)
{
    (void)state;
    const struct komet_time_tag good = {.day = 29, .month = 2, .year = 24};
    assert_true(komet_time_tag_plausible(&good));
    struct komet_time_tag bad[] = {good, good, good, good, good, good, good, good};
    bad[0].year = 23;
    bad[1].milliseconds = 60000;
    bad[2].minute = 60;
    bad[3].hour = 24;
    bad[4].day = 0;
    bad[5].month = 0;
    bad[6].month = 13;
    bad[7].year = 100;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(komet_time_tag_plausible(&bad[i]));
    }
}

static void test_cp24_takes_the_nearest_hour(void **state)
{
    (void)state;
    int64_t hour = INT64_C(3600000);
    struct komet_utc just_after = {1000 * hour + 60000}; /* xx:01 */
    struct komet_time_tag tag = {.minute = 59, .milliseconds = 1};
    assert_int_equal(komet_cp24_to_utc(&tag, just_after).ms, 999 * hour + 59 * 60000 + 1);
    struct komet_utc just_before = {1000 * hour + 59 * 60000};
    tag.minute = 0;
    assert_int_equal(komet_cp24_to_utc(&tag, just_before).ms, 1001 * hour + 1);
    tag.minute = 30;
    assert_int_equal(komet_cp24_to_utc(&tag, just_before).ms, 1000 * hour + 30 * 60000 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cp56_by_hand),
        cmocka_unit_test(test_cp24_by_hand),
        cmocka_unit_test(test_calendar_against_the_c_library),
        cmocka_unit_test(test_a_kept_minute_changes_nothing),
        cmocka_unit_test(test_offset_of_a_zone),
        cmocka_unit_test(test_century),
        cmocka_unit_test(test_plausible),
        cmocka_unit_test(test_cp24_takes_the_nearest_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
