/* An answer's rows as table, JSON and CSV: layout, quoting, and what a hostile server sends. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/tell_output.h"
#include "program/tell_text.h"

static struct tell_output output;
static FILE *file;
static char *text;
static size_t size;

static void begin(enum tell_format format, bool lasting)
{
    file = open_memstream(&text, &size);
    assert_non_null(file);
    tell_output_begin(&output, file, format, lasting);
}

static bool page(bool single, size_t count, const char *const *rows)
{
    return tell_output_page(&output, (char *const *)(uintptr_t)rows, count, single);
}

#define PAGE(single, ...)                                                                                    \
    page(single, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *),                          \
         (const char *const[]){__VA_ARGS__})

/* What was written so far. */
static const char *written(void)
{
    fflush(file);
    return text;
}

static int release(void **state)
{
    (void)state;
    if (file != NULL) {
        tell_output_free(&output);
        fclose(file);
        free(text);
        file = NULL;
    }
    return 0;
}

static void test_formats_by_name(void **state)
{
    (void)state;
    enum tell_format format = TELL_TABLE;
    assert_true(tell_format_parse("JSON", &format));
    assert_int_equal(format, TELL_JSON);
    assert_true(tell_format_parse("csv", &format));
    assert_int_equal(format, TELL_CSV);
    assert_false(tell_format_parse("xml", &format));
}

/* ---- table ---- */

static void test_the_first_page_decides_the_widths(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, "{\"name\":\"M.LONGER\",\"value\":1}", "{\"name\":\"M\",\"value\":12.50}"));
    assert_true(PAGE(false, "{\"name\":\"M.LONGER.STILL\",\"value\":true}", "{\"value\":null}"));
    assert_true(tell_output_end(&output));
    assert_string_equal(written(), "name      value\n"
                                   "M.LONGER  1\n"
                                   "M         12.50\n"
                                   "M.LONGER.STILL  true\n"
                                   "-         -\n");
}

static void test_characters_count_not_octets(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, "{\"a\":\"\xC3\xA9\xC3\xA9\xC3\xA9\",\"b\":1}", "{\"a\":\"xyz\",\"b\":2}"));
    assert_string_equal(written(), "a    b\n\xC3\xA9\xC3\xA9\xC3\xA9  1\nxyz  2\n");
}

static void test_an_empty_last_cell_leaves_no_blanks(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, "{\"a\":\"x\",\"b\":\"\",\"c\":\"\"}"));
    assert_string_equal(written(), "a  b  c\nx\n");
}

static void test_an_overlong_cell_widens_nothing(void **state)
{
    (void)state;
    char row[300], expected[200];
    memset(expected, 'x', 70);
    expected[70] = '\0';
    snprintf(row, sizeof row, "{\"a\":\"%s\",\"b\":1}", expected);
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, row, "{\"a\":\"y\",\"b\":2}"));
    strncat(expected, "  1\ny  2\n", 20);
    assert_string_equal(written() + strlen("a  b\n"), expected);
}

static void test_nested_arrays_are_summed_up(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, "{\"name\":\"P\",\"instances\":[{\"instance\":1,\"role\":\"active\",\"epoch\":3},"
                            "{\"instance\":2,\"role\":\"passive\",\"epoch\":0}],\"more\":[]}"));
    assert_true(PAGE(false, "{\"name\":\"L\",\"instances\":[{\"address\":\"h:1\",\"state\":\"closed\","
                            "\"reason\":\"t1-test\"},[1,2],7],\"more\":{\"a\":1}}"));
    assert_string_equal(written(), "name  instances            more\n"
                                   "P     1 active, 2 passive\n"
                                   "L     h:1 closed (t1-test), […], 7  1\n");
}

static void test_a_connection_of_a_partner_says_whose_it_is(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, "{\"name\":\"L\",\"connections\":[{\"address\":\"h:1\",\"state\":\"started\","
                            "\"reason\":\"\",\"partner\":\"B\",\"path\":\"1 data\",\"role\":\"HOT\"},"
                            "{\"address\":\"h:2\",\"state\":\"closed\",\"reason\":\"t1-test\","
                            "\"partner\":\"B\",\"path\":\"2\",\"role\":null},"
                            "{\"address\":\"h:3\",\"state\":\"started\",\"partner\":\"h\",\"path\":null}]}"));
    assert_string_equal(written(), "name  connections\n"
                                   "L     B 1 data HOT h:1 started, B 2 h:2 closed (t1-test), h:3 started\n");
}

static void test_one_object_is_a_line_a_member(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(true, "{\"program\":\"komet server\",\"messages\":1,\"reason\":\"\",\"ended\":null}"));
    assert_string_equal(written(), "program   komet server\nmessages  1\nreason\nended     -\n");
}

static void test_status_has_sections(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(true,
                     "{\"servers\":[{\"name\":\"A\",\"state\":\"HOT\"}],\"lines\":[{\"name\":\"L.1\","
                     "\"value\":true},{\"name\":\"L.22\",\"value\":false}],\"stations\":[],\"at\":\"now\"}"));
    assert_string_equal(written(), "servers\n"
                                   "  name  state\n"
                                   "  A     HOT\n"
                                   "\n"
                                   "lines\n"
                                   "  name  value\n"
                                   "  L.1   true\n"
                                   "  L.22  false\n"
                                   "\n"
                                   "stations: none\n"
                                   "at  now\n");
}

static void test_too_many_members_are_left_out(void **state)
{
    (void)state;
    char row[2000];
    size_t used = (size_t)snprintf(row, sizeof row, "{");
    for (int i = 0; i < TELL_COLUMNS_MAX + 9; i++) {
        used += (size_t)snprintf(row + used, sizeof row - used, "%s\"c%d\":%d", i > 0 ? "," : "", i, i);
    }
    snprintf(row + used, sizeof row - used, "}");
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, row));
    assert_non_null(strstr(written(), "c31"));
    assert_null(strstr(written(), "c32"));
}

/* ---- JSON ---- */

static void test_json_is_one_document(void **state)
{
    (void)state;
    begin(TELL_JSON, false);
    assert_true(PAGE(false, "{\"a\":1}", "{\"a\":12.30}"));
    assert_string_equal(written(), "[\n{\"a\":1},\n{\"a\":12.30}");
    assert_true(page(false, 0, NULL));
    assert_true(PAGE(false, "{\"a\":18446744073709551615}"));
    assert_true(tell_output_end(&output));
    assert_string_equal(written(), "[\n{\"a\":1},\n{\"a\":12.30},\n{\"a\":18446744073709551615}\n]\n");
}

static void test_json_of_one_object_is_no_array(void **state)
{
    (void)state;
    begin(TELL_JSON, false);
    assert_true(PAGE(true, "{\"a\":1}"));
    assert_true(tell_output_end(&output));
    assert_string_equal(written(), "{\"a\":1}\n");
}

static void test_json_of_nothing_is_an_empty_array(void **state)
{
    (void)state;
    begin(TELL_JSON, false);
    assert_true(page(false, 0, NULL));
    assert_string_equal(written(), "");
    assert_true(tell_output_end(&output));
    assert_string_equal(written(), "[]\n");
}

static void test_watch_is_one_object_a_line(void **state)
{
    (void)state;
    begin(TELL_JSON, true);
    assert_true(PAGE(false, "{\"a\":1}", "{\"a\":\n 2}"));
    assert_string_equal(text, "{\"a\":1}\n{\"a\":  2}\n"); /* flushed by the page itself */
    assert_true(PAGE(false, "{\"a\":3}"));
    assert_true(tell_output_end(&output));
    assert_string_equal(text, "{\"a\":1}\n{\"a\":  2}\n{\"a\":3}\n");
}

static void test_watch_as_a_table_has_one_header(void **state)
{
    (void)state;
    begin(TELL_TABLE, true);
    assert_true(PAGE(false, "{\"name\":\"M.1\",\"value\":1}"));
    assert_true(PAGE(false, "{\"name\":\"M.1\",\"value\":2}"));
    assert_string_equal(text, "name  value\nM.1   1\nM.1   2\n");
}

/* ---- CSV ---- */

static void test_csv_quotes_what_needs_it(void **state)
{
    (void)state;
    begin(TELL_CSV, false);
    assert_true(PAGE(false, "{\"plain\":\"a b\",\"comma\":\"a,b\",\"quote\":\"a\\\"b\",\"line\":\"a\\nb\"}"));
    assert_true(PAGE(false, "{\"line\":-1.50,\"plain\":null,\"extra\":1,\"quote\":true}"));
    assert_true(tell_output_end(&output));
    assert_string_equal(written(), "plain,comma,quote,line\n"
                                   "a b,\"a,b\",\"a\"\"b\",\"a\nb\"\n"
                                   ",,true,-1.50\n");
}

static void test_csv_has_nested_values_as_json(void **state)
{
    (void)state;
    begin(TELL_CSV, false);
    assert_true(PAGE(false, "{\"n\":\"P\",\"i\":[{\"a\":1,\"b\":\"x\"}],\"o\":{},\"c,d\":[]}"));
    assert_string_equal(written(), "n,i,o,\"c,d\"\nP,\"[{\"\"a\"\":1,\"\"b\"\":\"\"x\"\"}]\",{},[]\n");
}

static void test_csv_of_nothing_is_nothing(void **state)
{
    (void)state;
    begin(TELL_CSV, false);
    assert_true(page(false, 0, NULL));
    assert_true(tell_output_end(&output));
    assert_string_equal(written(), "");
}

/* ---- a hostile server ---- */

#define HOSTILE_ROW                                                                                          \
    "{\"na\\u001bme\":\"\\u001b[2J\\u0007\\u009b1m\\u202e\\r\\nx\\ty\\u007f\xC2\x9B\",\"b\":\"\\u0000\"}"

static void expect_no_control_characters(void)
{
    for (const char *at = written(); *at != '\0'; at++) {
        bool control = ((uint8_t)*at < 0x20 && *at != '\n') || *at == 0x7F;
        bool second_half = (uint8_t)at[0] == 0xC2 && (uint8_t)at[1] < 0xA0;
        assert_false(control || second_half);
    }
    assert_null(strstr(text, "\xE2\x80\xAE"));
}

static void test_control_characters_are_shown(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    assert_true(PAGE(false, HOSTILE_ROW));
    assert_string_equal(written(), "na\\x1bme                                     b\n"
                                   "\\x1b[2J\\x07\\u009b1m\\u202e\\r\\nx\\ty\\x7f\\u009b  \xEF\xBF\xBD\n");
    expect_no_control_characters();
}

static void test_control_characters_in_every_format(void **state)
{
    static const enum tell_format formats[] = {TELL_TABLE, TELL_JSON, TELL_CSV};
    for (unsigned i = 0; i < 6; i++) {
        begin(formats[i % 3], false);
        assert_true(PAGE(i >= 3, HOSTILE_ROW));
        assert_true(tell_output_end(&output));
        expect_no_control_characters();
        release(state);
    }
}

static void test_json_with_raw_control_characters_stays_json(void **state)
{
    (void)state;
    begin(TELL_JSON, false);
    assert_true(PAGE(true, "{\"a\":\"x\xC2\x9By\x7F\"}"));
    assert_string_equal(written(), "{\"a\":\"x\\u009by\\u007f\"}\n");
}

static void test_a_row_that_is_no_object_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "hello", "[1]", "\"x\"", "{\"a\":1", "{\"a\":\"\x1b[2J\"}", "{\"a\":\"\xFF\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        begin(TELL_JSON, false);
        assert_false(PAGE(false, "{\"a\":1}", wrong[i], "{\"a\":3}"));
        assert_non_null(strstr(output.fault, "no JSON object"));
        assert_string_equal(written(), "[\n{\"a\":1}");
        release(state);
    }
}

static void test_octets_that_are_not_text_are_shown(void **state)
{
    (void)state;
    begin(TELL_TABLE, false);
    tell_text_put(file, "a\xFF\xC0\x80\xE2\x82z\xED\xA0\x80\xF4\x90\x80\x80");
    assert_string_equal(written(), "a\\xff\\xc0\\x80\\xe2\\x82z\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
}

/* ---- the outcome of an order ---- */

static void test_outcomes(void **state)
{
    (void)state;
    begin(TELL_JSON, false);
    assert_true(PAGE(true, "{\"id\":1,\"result\":\"done\",\"reason\":\"\"}"));
    assert_null(tell_output_outcome(&output));
    assert_true(PAGE(true, "{\"id\":1,\"result\":\"refused\",\"reason\":\"negative confirmation\"}"));
    assert_string_equal(tell_output_outcome(&output), "refused: negative confirmation");
    assert_true(PAGE(true, "{\"id\":1,\"result\":\"expired\",\"reason\":\"\"}"));
    assert_string_equal(tell_output_outcome(&output), "expired");
    assert_true(PAGE(true, "{\"id\":1,\"result\":null}"));
    assert_null(tell_output_outcome(&output));
}

static void test_a_full_disk_is_said(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    struct tell_output failing;
    static char row[] = "{\"a\":1}";
    char *const rows[] = {row};
    tell_output_begin(&failing, full, TELL_JSON, true);
    assert_false(tell_output_page(&failing, rows, 1, false));
    assert_int_equal(failing.error, ENOSPC);
    assert_string_equal(failing.fault, "");
    tell_output_free(&failing);
    fclose(full);
}

#define TEST(name) cmocka_unit_test_teardown(name, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_formats_by_name),
        TEST(test_the_first_page_decides_the_widths),
        TEST(test_characters_count_not_octets),
        TEST(test_an_empty_last_cell_leaves_no_blanks),
        TEST(test_an_overlong_cell_widens_nothing),
        TEST(test_nested_arrays_are_summed_up),
        TEST(test_a_connection_of_a_partner_says_whose_it_is),
        TEST(test_one_object_is_a_line_a_member),
        TEST(test_status_has_sections),
        TEST(test_too_many_members_are_left_out),
        TEST(test_json_is_one_document),
        TEST(test_json_of_one_object_is_no_array),
        TEST(test_json_of_nothing_is_an_empty_array),
        TEST(test_watch_is_one_object_a_line),
        TEST(test_watch_as_a_table_has_one_header),
        TEST(test_csv_quotes_what_needs_it),
        TEST(test_csv_has_nested_values_as_json),
        TEST(test_csv_of_nothing_is_nothing),
        TEST(test_control_characters_are_shown),
        TEST(test_control_characters_in_every_format),
        TEST(test_json_with_raw_control_characters_stays_json),
        TEST(test_a_row_that_is_no_object_is_refused),
        TEST(test_octets_that_are_not_text_are_shown),
        TEST(test_outcomes),
        TEST(test_a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
