/* A line is cut into words as a shell does for quotes. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "program/tell_words.h"

static char line[2048];
static struct tell_words words;
static char fault[TELL_WORDS_FAULT_SIZE];

static bool cut(const char *text)
{
    snprintf(line, sizeof line, "%s", text);
    fault[0] = '\0';
    return tell_words_cut(line, &words, fault);
}

/* The words, each between brackets. */
static const char *words_of(const char *text)
{
    static char joined[2048];
    size_t used = 0;
    assert_true(cut(text));
    joined[0] = '\0';
    for (size_t i = 0; i < words.count; i++) {
        used += (size_t)snprintf(joined + used, sizeof joined - used, "[%s]", words.word[i]);
    }
    return joined;
}

static void test_blanks(void **state)
{
    (void)state;
    assert_string_equal(words_of("SET M.X -5"), "[SET][M.X][-5]");
    assert_string_equal(words_of("  TAG\t M.*  \r\n"), "[TAG][M.*]");
    assert_string_equal(words_of(""), "");
    assert_string_equal(words_of(" \n"), "");
    assert_string_equal(words_of("STATUS"), "[STATUS]");
}

static void test_quotes(void **state)
{
    (void)state;
    assert_string_equal(words_of("TAG \"M a\" 'b  c'"), "[TAG][M a][b  c]");
    assert_string_equal(words_of("SET T ''"), "[SET][T][]");
    assert_string_equal(words_of("SET T \"\" A"), "[SET][T][][A]");
    assert_string_equal(words_of("a'b c'd\"e f\"g"), "[ab cde fg]");
    assert_string_equal(words_of("\"it's\" '\"'"), "[it's][\"]");
    assert_string_equal(words_of("\"a\\\"b\\\\c\\n\""), "[a\"b\\c\\n]");
    assert_string_equal(words_of("'a\\' b"), "[a\\][b]");
    assert_string_equal(words_of("a\\b"), "[a\\b]");
}

static void test_a_quote_that_is_not_closed(void **state)
{
    (void)state;
    assert_false(cut("TAG 'M"));
    assert_non_null(strstr(fault, "not closed"));
    assert_false(cut("TAG \"M\\\""));
    assert_false(cut("'"));
}

static void test_the_number_of_words_is_bounded(void **state)
{
    (void)state;
    char text[4 * TELL_WORDS_MAX] = "";
    for (size_t i = 0; i < TELL_WORDS_MAX; i++) {
        memcpy(text + 2 * i, "w ", 3);
    }
    assert_true(cut(text));
    assert_int_equal(words.count, TELL_WORDS_MAX);
    memcpy(text + 2 * TELL_WORDS_MAX, "w", 2);
    assert_false(cut(text));
    assert_non_null(strstr(fault, "too many words"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_a_quote_that_is_not_closed),
        cmocka_unit_test(test_the_number_of_words_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
