/* What the console writes is one valid JSON document, or it says that it is not whole. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "console/json.h"
#include "console/moment.h"

static void test_commas_and_names(void **state)
{
    (void)state;
    char text[256];
    struct json json;
    json_begin(&json, text, sizeof text);
    json_open(&json, NULL, '{');
    json_bool(&json, "a", true);
    json_open(&json, "b", '[');
    json_unsigned(&json, NULL, UINT64_MAX);
    json_open(&json, NULL, '{');
    json_close(&json, '}');
    json_open(&json, NULL, '[');
    json_close(&json, ']');
    json_null(&json, NULL);
    json_close(&json, ']');
    json_string(&json, "c", NULL);
    json_close(&json, '}');
    assert_true(json_end(&json));
    assert_string_equal(text, "{\"a\":true,\"b\":[18446744073709551615,{},[],null],\"c\":null}");
}

static const char *string_of(const char *value)
{
    static char text[128];
    struct json json;
    json_begin(&json, text, sizeof text);
    json_string(&json, NULL, value);
    assert_true(json_end(&json));
    return text;
}

static void test_strings_are_valid_utf8(void **state)
{
    (void)state;
    assert_string_equal(string_of("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
    assert_string_equal(string_of("stanica \xC4\x8D. \xF0\x9F\x94\x8C"),
                        "\"stanica \xC4\x8D. \xF0\x9F\x94\x8C\"");
    /* Latin-1, a character cut in two, an overlong slash, half a surrogate, above U+10FFFF. */
    assert_string_equal(string_of("\xE8"), "\"\xEF\xBF\xBD\"");
    assert_string_equal(string_of("x\xC4"), "\"x\xEF\xBF\xBD\"");
    assert_string_equal(string_of("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_string_equal(string_of("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_string_equal(string_of("\xF4\x90\x80\x80"),
                        "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static const char *number_of(double value)
{
    static char text[64];
    struct json json;
    json_begin(&json, text, sizeof text);
    json_number(&json, NULL, value);
    assert_true(json_end(&json));
    return text;
}

static void test_numbers_have_the_digits_they_need(void **state)
{
    (void)state;
    assert_string_equal(number_of(42.5), "42.5");
    assert_string_equal(number_of((double)12.3f), "12.3");
    assert_string_equal(number_of(0.1), "0.1");
    assert_string_equal(number_of(0.12345678901234), "0.12345678901234");
    assert_string_equal(number_of(2147483648.0), "2147483648");
    assert_string_equal(number_of(-0.0), "0");
    assert_string_equal(number_of(1e300), "1e+300");
    assert_string_equal(number_of((double)NAN), "null");
    assert_string_equal(number_of((double)INFINITY), "null");
}

static void test_what_does_not_fit_is_said(void **state)
{
    (void)state;
    char text[16];
    struct json json;
    for (size_t capacity = 1; capacity <= sizeof text; capacity++) {
        memset(text, 'x', sizeof text);
        json_begin(&json, text, capacity);
        json_string(&json, NULL, "12345678");
        assert_int_equal(json_end(&json), capacity >= 11);
        for (size_t i = capacity; i < sizeof text; i++) {
            assert_int_equal(text[i], 'x');
        }
    }
}

static void test_moments_there_and_back(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {-1, "1969-12-31T23:59:59.999Z"},
                 {1709164799999, "2024-02-28T23:59:59.999Z"},
                 {1709164800000, "2024-02-29T00:00:00.000Z"},
                 {4102444800000, "2100-01-01T00:00:00.000Z"},
                 {-62167219200000, "0000-01-01T00:00:00.000Z"},
                 {253402300799999, "9999-12-31T23:59:59.999Z"}};
    char text[MOMENT_TEXT_SIZE];
    struct moment moment;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(moment_text((struct komet_utc){cases[i].ms}, text));
        assert_string_equal(text, cases[i].text);
        assert_true(moment_parse(text, &moment));
        assert_int_equal(moment.time.ms, cases[i].ms);
    }
    assert_false(moment_text(KOMET_UTC_UNKNOWN, text));
    assert_false(moment_text((struct komet_utc){253402300800000}, text));
    struct test_random random = {7};
    for (int i = 0; i < 20000; i++) {
        int64_t ms = (int64_t)(test_random_next(&random) % 315569520000000u) - 62167219200000;
        assert_true(moment_text((struct komet_utc){ms}, text));
        assert_true(moment_parse(text, &moment));
        assert_int_equal(moment.time.ms, ms);
    }
}

static void test_moments_as_people_write_them(void **state)
{
    (void)state;
    struct moment moment;
    assert_true(moment_parse("2026-11-21 10:00", &moment));
    assert_int_equal(moment.time.ms, 1795255200000);
    assert_int_equal(moment.span_ms, 60000);
    assert_true(moment_parse("2026-11-21t11:00:00.25+01:00", &moment));
    assert_int_equal(moment.time.ms, 1795255200250);
    assert_int_equal(moment.span_ms, 1);
    assert_true(moment_parse("2026-11-21", &moment));
    assert_true(moment.day_only);
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-13-01",
                                        "2026-02-29",
                                        "2026-11-21 24:00",
                                        "2026-11-21 10",
                                        "2026-11-2x",
                                        "10:00",
                                        "21.11.2026",
                                        "2026-11-21 10:00:00.",
                                        "2026-11-21 10:00 CET",
                                        "2026-11-21x10:00",
                                        "2026-00-10",
                                        "2026-11-00",
                                        "2026-11-21 ",
                                        "2026-11-21 10:60",
                                        "2026-11-21T10:00Zx"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(moment_parse(wrong[i], &moment));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commas_and_names),
        cmocka_unit_test(test_strings_are_valid_utf8),
        cmocka_unit_test(test_numbers_have_the_digits_they_need),
        cmocka_unit_test(test_what_does_not_fit_is_said),
        cmocka_unit_test(test_moments_there_and_back),
        cmocka_unit_test(test_moments_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
