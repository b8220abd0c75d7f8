/* JSON from a server is read in its place, and what is none is refused whatever it looks like. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/tell_json.h"

static struct tell_json read_good(const char *text)
{
    struct tell_json value;
    if (!tell_json_read(text, &value)) {
        fail_msg("refused: %s", text);
    }
    return value;
}

static void test_documents(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       " { \"a\" : [ 1 , -2.5e+10 , true , false , null , \"x\" ] } \n",
                                       "0",
                                       "-0",
                                       "0.5",
                                       "1E9",
                                       "\"\\u00e9\\ud83d\\ude00\\\"\\/\"",
                                       "\"\xC3\xA9\"",
                                       "18446744073709551615"};
    static const char *const bad[] = {"",
                                      "{",
                                      "}",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "{,}",
                                      "[1 2]",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "-",
                                      "1e",
                                      "nul",
                                      "truex",
                                      "NaN",
                                      "\"",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u12",
                                      "\"a\nb\"",
                                      "\"\xC3\"",
                                      "\"\xFF\"",
                                      "\"\xC0\x80\"",
                                      "{} {}",
                                      "{\"a\":1,}",
                                      "[\"\\",
                                      "\"\xED\xA0\x80\""};
    struct tell_json value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        read_good(good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tell_json_read(bad[i], &value)) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

/* In a block of its own size, so that a step behind the end is seen by the sanitizer. */
static void test_every_beginning_of_a_document_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[1.5e3,\"\\u00e9\xC3\xA9\",{\"b\":null}],\"c\":true}";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *text = malloc(size + 1);
        struct tell_json value;
        assert_non_null(text);
        memcpy(text, whole, size);
        text[size] = '\0';
        assert_false(tell_json_read(text, &value));
        free(text);
    }
    read_good(whole);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * TELL_JSON_DEPTH_MAX + 8] = "";
    struct tell_json value;
    memset(text, '[', TELL_JSON_DEPTH_MAX);
    memset(text + TELL_JSON_DEPTH_MAX, ']', TELL_JSON_DEPTH_MAX);
    assert_true(tell_json_read(text, &value));
    memset(text, '[', TELL_JSON_DEPTH_MAX + 1);
    memset(text + TELL_JSON_DEPTH_MAX + 1, ']', TELL_JSON_DEPTH_MAX + 1);
    assert_false(tell_json_read(text, &value));
    char *endless = malloc(1000001);
    assert_non_null(endless);
    memset(endless, '[', 1000000);
    endless[1000000] = '\0';
    assert_false(tell_json_read(endless, &value));
    free(endless);
}

static void test_members_come_in_their_order(void **state)
{
    (void)state;
    static const char *const names[] = {"\"z\"", "\"a\"", "\"m\""};
    static const char *const values[] = {"1.50", "[1, {\"z\":2}]", "\"x,}\""};
    struct tell_json object = read_good("{ \"z\": 1.50 ,\"a\":[1, {\"z\":2}],\"m\":\"x,}\"}");
    struct tell_json name, value;
    unsigned count = 0;
    for (struct tell_json_walk walk = tell_json_walk(object); tell_json_next(&walk, &name, &value); count++) {
        char *text = tell_json_text(name);
        assert_true(count < 3);
        assert_string_equal(text, names[count]);
        free(text);
        text = tell_json_text(value);
        assert_string_equal(text, values[count]);
        free(text);
    }
    assert_int_equal(count, 3);
    assert_int_equal(tell_json_kind(tell_json_member(object, "a")), TELL_JSON_ARRAY);
    assert_null(tell_json_member(object, "b").at);
    assert_null(tell_json_member(read_good("[]"), "b").at);
}

static void expect_text(const char *json, const char *expected)
{
    char *text = tell_json_string(read_good(json));
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_strings(void **state)
{
    (void)state;
    expect_text("\"\"", "");
    expect_text("\"a\\\"b\\\\\\/\\n\\t\\u001b\"", "a\"b\\/\n\t\x1b");
    expect_text("\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    expect_text("\"\\ud83d!\\u0000\"", "\xEF\xBF\xBD!\xEF\xBF\xBD");
    expect_text("\"\\ud83d\\u0041\"", "\xEF\xBF\xBD\x41");
    assert_null(tell_json_string(read_good("12")));
    assert_null(tell_json_string((struct tell_json){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_every_beginning_of_a_document_is_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_members_come_in_their_order),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
