/* One APDU as JSON and as a line: to the character, because others read it. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "capture/apdu_text.h"
#include "capture/text_writer.h"

static char text[APDU_TEXT_SIZE];

/* Formats the APDU given in hexadecimal, captured at 2024-05-01T12:00:00.123456Z. */
static const char *format(const char *hex, const struct komet_profile *profile, bool json)
{
    uint8_t octets[300];
    size_t size = strlen(hex) / 2, consumed = 0;
    struct komet_apdu apdu;
    struct apdu_text_item item = {.time = {INT64_C(1714564800123)},
                                  .microseconds = 456,
                                  .source = "10.0.0.1:2404",
                                  .destination = "10.0.0.2:40000",
                                  .apdu = &apdu,
                                  .octets = octets,
                                  .size = size,
                                  .profile = profile};

    for (size_t i = 0; i < size; i++) {
        unsigned value;
        sscanf(hex + 2 * i, "%2x", &value);
        octets[i] = (uint8_t)value;
    }
    assert_int_equal(komet_apdu_decode(octets, size, true, &apdu, &consumed), KOMET_OK);
    assert_int_equal(consumed, size);
    size = json ? apdu_text_json(&item, text, sizeof text) : apdu_text_line(&item, text, sizeof text);
    assert_int_equal(size, strlen(text));
    return text;
}

#define JSON_START                                                                                           \
    "{\"time\":\"2024-05-01T12:00:00.123Z\",\"source\":\"10.0.0.1:2404\",\"destination\":\"10.0.0.2:"        \
    "40000\","
#define LINE_START "2024-05-01T12:00:00.123456Z 10.0.0.1:2404 -> 10.0.0.2:40000 "

static void u_and_s_formats(void **state)
{
    (void)state;
    assert_string_equal(format("680407000000", &komet_profile_104, true),
                        JSON_START "\"format\":\"U\",\"function\":\"STARTDT act\"}");
    assert_string_equal(format("680407000000", &komet_profile_104, false), LINE_START "U STARTDT act");
    assert_string_equal(format("680401000600", &komet_profile_104, true),
                        JSON_START "\"format\":\"S\",\"nr\":3}");
    assert_string_equal(format("680401000600", &komet_profile_104, false), LINE_START "S 3");
}

static void single_points_in_both_orders(void **state)
{
    const char *hex = "680e0200060001010300010203040591";

    (void)state;
    assert_string_equal(
        format(hex, &komet_profile_104, true), JSON_START
        "\"format\":\"I\",\"ns\":1,\"nr\":3,\"asdu\":{\"type\":1,\"name\":\"M_SP_NA_1\",\"sq\":false,"
        "\"cot\":3,\"cause\":\"spontaneous\",\"negative\":false,\"test\":false,\"oa\":0,\"ca\":513,"
        "\"objects\":[{\"ioa\":328707,\"value\":true,\"quality\":[\"IV\",\"BL\"],\"time\":null}]}}");
    assert_string_equal(format(hex, &komet_profile_104, false),
                        LINE_START "I 1 3 M_SP_NA_1 spontaneous CA 513: 328707=on IV,BL");
    assert_string_equal(format(hex, &komet_profile_sinaut, false),
                        LINE_START "I 1 3 M_SP_NA_1 spontaneous CA 258: 197637=on IV,BL");
}

static void a_float_with_time(void **state)
{
    /* 36, 0.1, quality 0, 2024-05-01T11:59:58.500 */
    const char *hex = "6819000000002401030001000a0000"
                      "cdcccc3d00"
                      "84e43b0b01"
                      "0518";

    (void)state;
    assert_non_null(
        strstr(format(hex, &komet_profile_104, true),
               "{\"ioa\":10,\"value\":0.1,\"quality\":[],\"time\":\"2024-05-01T11:59:58.500Z\"}"));
    assert_non_null(strstr(format(hex, &komet_profile_104, false), ": 10=0.1 2024-05-01T11:59:58.500Z"));
}

static void a_time_that_is_no_date(void **state)
{
    /* 30, IV and an hour of 31, month 15, summer time */
    const char *hex = "6815000000001e0103000100010000"
                      "01"
                      "ffffbf9f010f18";

    (void)state;
    assert_non_null(strstr(format(hex, &komet_profile_104, true),
                           "\"time\":\"2024-15-01T31:63:65.535\",\"time_invalid\":true,\"summer_time\":true,"
                           "\"time_implausible\":true}"));
}

static void all_that_a_tag_has_beside_its_time(void **state)
{
    /* 30: 2026-11-21T23:59:59.999, a Saturday, IV, substituted, summer time */
    const char *point = "6815000000001e0103000100010000"
                        "01"
                        "5feafb97d50b1a";
    /* 127: from the same to nothing */
    const char *query = "681d000000007f010d0001000100000201"
                        "5feafb97d50b1a"
                        "00000000000000";

    (void)state;
    assert_non_null(strstr(format(point, &komet_profile_104, true),
                           "\"time\":\"2026-11-21T23:59:59.999Z\",\"time_invalid\":true,\"summer_time\":true,"
                           "\"time_substituted\":true,\"day_of_week\":6}"));
    assert_non_null(
        strstr(format(query, &komet_profile_104, true),
               "\"time\":null,\"file\":258,\"start\":\"2026-11-21T23:59:59.999Z\",\"start_invalid\":true,"
               "\"start_summer_time\":true,\"start_substituted\":true,\"start_day_of_week\":6,"
               "\"stop\":\"2000-00-00T00:00:00.000\",\"stop_implausible\":true}"));
}

static void a_command(void **state)
{
    const char *hex = "680e000000002d01460501000a000085";

    (void)state;
    assert_non_null(
        strstr(format(hex, &komet_profile_104, true),
               "\"cot\":6,\"cause\":\"activation\",\"negative\":true,\"test\":false,\"oa\":5,\"ca\":1,"
               "\"objects\":[{\"ioa\":10,\"value\":true,\"quality\":[],\"time\":null,\"qualifier\":1,"
               "\"select\":true}]"));
    assert_string_equal(format(hex, &komet_profile_104, false),
                        LINE_START "I 0 0 C_SC_NA_1 activation negative CA 1 OA 5: 10=on select qualifier 1");
}

static void an_asdu_that_does_not_decode(void **state)
{
    const char *json;

    (void)state;
    json = format("680d00000000010103000100010000", &komet_profile_104, true); /* an octet is missing */
    assert_non_null(strstr(json, "\"error\":\""));
    assert_non_null(strstr(json, "\"octets\":\"680d00000000010103000100010000\""));
    assert_null(strstr(json, "\"asdu\""));
    json = format("680f0000000001010300010001000000ff", &komet_profile_104, true); /* one too many */
    assert_non_null(strstr(json, "\"octets\":\"680f0000000001010300010001000000ff\",\"asdu\":{\"type\":1,"));
    assert_non_null(strstr(json, "\"objects\":[]"));
    json = format("680e00000000fa010300010001000000", &komet_profile_104, true); /* type 250 */
    assert_non_null(strstr(json, "\"asdu\":{\"type\":250,\"name\":null,"));
    json = format("680400000000", &komet_profile_104, true); /* no ASDU at all */
    assert_non_null(strstr(json, "\"error\":\""));
    json = format("680e00000000fa010300010001000000", &komet_profile_104, false);
    assert_non_null(strstr(json, " type 250 spontaneous CA 1 error "));
    assert_non_null(strstr(json, " [680e00000000fa010300010001000000]"));
}

static void octets_without_an_apdu(void **state)
{
    struct apdu_text_item item = {.time = KOMET_UTC_UNKNOWN,
                                  .source = "a",
                                  .destination = "b",
                                  .error = "bad-start: no",
                                  .octets = (const uint8_t *)"\x01\xfe",
                                  .size = 2,
                                  .profile = &komet_profile_104};

    (void)state;
    apdu_text_json(&item, text, sizeof text);
    assert_string_equal(text,
                        "{\"time\":null,\"source\":\"a\",\"destination\":\"b\",\"error\":\"bad-start: no\","
                        "\"octets\":\"01fe\"}");
    apdu_text_line(&item, text, sizeof text);
    assert_string_equal(text, "(no time) a -> b error bad-start: no [01fe]");
}

/* The longest: as many objects as an ASDU holds, with all that can stand in each. */
static void the_longest_fits(void **state)
{
    char hex[520];

    (void)state;
    strcpy(hex, "688c00000000"
                "01ff03000100ffff00");
    for (int i = 0; i < 127; i++) {
        strcat(hex, "f1");
    }
    assert_true(strlen(format(hex, &komet_profile_104, true)) < APDU_TEXT_SIZE / 2);
    strcpy(hex, "68fc00000000"
                "1e1603000100");
    for (int i = 0; i < 22; i++) {
        strcat(hex, "ffffff"
                    "f1"
                    "ffffffffffffff");
    }
    assert_true(strlen(format(hex, &komet_profile_104, true)) < APDU_TEXT_SIZE / 2);
}

static void numbers_are_as_short_as_they_can_be(void **state)
{
    const struct {
        float value;
        const char *out;
    } cases[] = {{0.1f, "0.1"}, {16777217.0f, "16777216"},        {1.17549435e-38f, "1.1754944e-38"},
                 {-0.0f, "-0"}, {3.4028235e38f, "3.4028235e+38"}, {230.5f, "230.5"}};
    char out[64];
    struct text_writer writer;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text_begin(&writer, out, sizeof out);
        text_float(&writer, cases[i].value, true);
        assert_string_equal(out, cases[i].out);
    }
    text_begin(&writer, out, sizeof out);
    text_float(&writer, -__builtin_inff(), true);
    text_float(&writer, __builtin_nanf(""), false);
    text_double(&writer, 1.0 / 32768);
    assert_string_equal(out, "\"-Infinity\"NaN3.0517578125e-05");
}

static void a_full_writer_says_so(void **state)
{
    char out[8];
    struct text_writer writer;

    (void)state;
    text_begin(&writer, out, sizeof out);
    text_print(&writer, "%s", "1234567");
    assert_false(writer.full);
    text_print(&writer, "%s", "8");
    assert_true(writer.full);
    assert_string_equal(out, "1234567");
    text_begin(&writer, text, sizeof text);
    text_json_string(&writer, "a\"\\\n");
    assert_string_equal(text, "\"a\\\"\\\\\\u000a\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u_and_s_formats),
        cmocka_unit_test(single_points_in_both_orders),
        cmocka_unit_test(a_float_with_time),
        cmocka_unit_test(a_time_that_is_no_date),
        cmocka_unit_test(all_that_a_tag_has_beside_its_time),
        cmocka_unit_test(a_command),
        cmocka_unit_test(an_asdu_that_does_not_decode),
        cmocka_unit_test(octets_without_an_apdu),
        cmocka_unit_test(the_longest_fits),
        cmocka_unit_test(numbers_are_as_short_as_they_can_be),
        cmocka_unit_test(a_full_writer_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
