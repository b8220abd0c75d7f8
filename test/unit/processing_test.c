/* The table of steps, and what becomes of the column `processing`: a step, or a mistake with what would be
 * right. */
#include "steps.h"

#include <stdio.h>
#include <string.h>

static void assert_mistake(enum tag_type type, const char *text, const char *mistake)
{
    assert_string_equal(steps_mistake(type, text), mistake);
}

static void test_every_row_says_what_it_is(void **state)
{
    (void)state;
    unsigned numbers = 0;
    struct processing none = processing_none();
    for (unsigned i = 0; i < PROCESSING_COUNT; i++) {
        const struct processing_row *row = processing_row((enum processing_step)i);
        char text[PROCESSING_TEXT_SIZE];
        assert_ptr_equal(processing_find(row->word), row);
        assert_true(strlen(row->sentence) > 5 && row->sentence[strlen(row->sentence) - 1] == '.');
        assert_true(row->types != 0 && row->needed <= row->count);
        assert_true(row->count == 0 || row->first == numbers); /* each number belongs to one step */
        numbers += row->count;
        processing_usage(row, text);
        assert_memory_equal(text, row->word, strlen(row->word));
        processing_types(row, text);
        assert_true(strlen(text) >= 2);
        assert_false(processing_has(&none, row->id) || processing_has(NULL, row->id));
        for (unsigned k = 0; k < row->count; k++) {
            const struct processing_argument *argument = processing_argument(row->first + k);
            assert_true(none.number[row->first + k] == argument->initial);
            assert_true(strlen(number_kind_text(argument->kind)) > 5);
        }
    }
    assert_int_equal(numbers, NUMBER_COUNT);
    assert_ptr_equal(processing_find("LIMIT"), processing_row(PROCESSING_LIMIT));
    assert_null(processing_find("limits"));
}

static void test_usage(void **state)
{
    (void)state;
    char text[PROCESSING_TEXT_SIZE];
    processing_usage(processing_row(PROCESSING_INVERT), text);
    assert_string_equal(text, "invert");
    processing_usage(processing_row(PROCESSING_ZERO_BAND), text);
    assert_string_equal(text, "zero-band=RANGE [VALUE]");
    processing_usage(processing_row(PROCESSING_POLYNOMIAL), text);
    assert_string_equal(text, "polynomial=C0 C1 [C2 C3 C4 C5]");
    processing_types(processing_row(PROCESSING_LIMIT), text);
    assert_string_equal(text, "Ai, Ao, Ci, Co, TiR");
}

static void assert_text(const struct processing *processing, enum processing_step step, const char *expected)
{
    char text[PROCESSING_TEXT_SIZE];
    assert_true(processing_has(processing, step));
    processing_text(processing_row(step), processing, text);
    assert_string_equal(text, expected);
}

static void test_steps_are_read_and_written(void **state)
{
    (void)state;
    struct processing all = steps(TAG_AI, " Scale = 0.1 ;offset=-2.5;; discard=-inf 1e3; limit=0  100;"
                                          "zero-band=0.2; deadband=0.5; changes-only; NEW-TIME ; ");
    assert_text(&all, PROCESSING_SCALE, "0.1");
    assert_text(&all, PROCESSING_OFFSET, "-2.5");
    assert_text(&all, PROCESSING_DISCARD, "-inf 1000");
    assert_text(&all, PROCESSING_LIMIT, "0 100");
    assert_text(&all, PROCESSING_ZERO_BAND, "0.2");
    assert_text(&all, PROCESSING_DEADBAND, "0.5");
    assert_text(&all, PROCESSING_CHANGES_ONLY, "");
    assert_text(&all, PROCESSING_NEW_TIME, "");
    assert_false(processing_has(&all, PROCESSING_POLYNOMIAL) || processing_has(&all, PROCESSING_INVERT));
    struct processing some = steps(TAG_CI, "polynomial=1 0 3; zero-band=2.5 50; limit=-5 inf");
    assert_text(&some, PROCESSING_POLYNOMIAL, "1 0 3");
    assert_text(&some, PROCESSING_ZERO_BAND, "2.5 50");
    assert_text(&some, PROCESSING_LIMIT, "-5 inf");
    struct processing output = steps(TAG_AO, "range=-1 1; limit=0 0; command");
    assert_text(&output, PROCESSING_RANGE, "-1 1");
    assert_text(&output, PROCESSING_LIMIT, "0 0");
    assert_true(processing_has(&output, PROCESSING_COMMAND));
    struct processing fine = steps(TAG_AI, "scale=0.30000000000000004");
    assert_text(&fine, PROCESSING_SCALE, "0.30000000000000004");
    assert_int_equal(steps(TAG_DI, " ; ").given, 0);
    assert_int_equal(steps(TAG_DI, "").given, 0);
}

static void test_words_that_are_none(void **state)
{
    (void)state;
    assert_mistake(TAG_DI, "inverted", "1: processing 'inverted' is not known; did you mean 'invert'?");
    assert_mistake(TAG_AI, "scale=1; dead-band=1",
                   "10: processing 'dead-band' is not known; did you mean 'deadband'?");
    assert_mistake(TAG_AI, "=1",
                   "1: processing '' is not known; steps are scale, offset, polynomial, invert, discard, "
                   "range, limit, zero-band, deadband, changes-only, new-time, command");
}

static void test_steps_that_do_not_go(void **state)
{
    (void)state;
    assert_mistake(TAG_DI, "limit=0 1",
                   "1: limit does not go with a tag of type Di; it is for Ai, Ao, Ci, Co, TiR");
    assert_mistake(TAG_AO, "scale=2; deadband=1",
                   "10: deadband does not go with a tag of type Ao; it is for Ai, Ci, TiR");
    assert_mistake(TAG_AO, "polynomial=1 2",
                   "1: polynomial does not go with a tag of type Ao; it is for Ai, Ci, TiR");
    assert_mistake(TAG_QI, "invert", "1: invert does not go with a tag of type Qi; it is for Di, Dout");
    assert_mistake(TAG_AI, "range=0 1", "1: range does not go with a tag of type Ai; it is for Ao, Co");
    assert_mistake(TAG_DI, "new-time; new-time", "11: new-time stands twice; leave one of them out");
    assert_mistake(TAG_AI, "offset=1; polynomial=0 1",
                   "11: polynomial does not go with offset; one conversion: scale and offset, or polynomial");
    assert_mistake(TAG_AI, "polynomial=0 1; scale=2",
                   "17: scale does not go with polynomial; one conversion: scale and offset, or polynomial");
}

static void test_numbers_that_are_missing_or_too_many(void **state)
{
    (void)state;
    assert_mistake(TAG_AI, "scale", "1: scale takes 1 number; scale=N");
    assert_mistake(TAG_AI, "scale=", "1: scale takes 1 number; scale=N");
    assert_mistake(TAG_AI, "scale=1 2", "9: scale takes 1 number; scale=N");
    assert_mistake(TAG_DI, "invert=1", "1: invert takes no number; invert");
    assert_mistake(TAG_AI, "limit=5", "1: limit takes 2 numbers; limit=MIN MAX, blanks between the numbers");
    assert_mistake(TAG_AI, "zero-band=1 2 3",
                   "15: zero-band takes 1 to 2 numbers; zero-band=RANGE [VALUE], blanks between the numbers");
}

static void test_numbers_that_do_not_go(void **state)
{
    (void)state;
    static const char *const none[] = {"0,1", "nan", "inf", "-inf", "1e999", "x", "1x", "--1"};
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
        static const char *const words[] = {"scale", "offset", "deadband", "zero-band", "polynomial=0"};
        for (unsigned k = 0; k < sizeof words / sizeof words[0]; k++) {
            char text[64];
            snprintf(text, sizeof text, "%s%s%s", words[k], k == 4 ? " " : "=", none[i]);
            assert_string_not_equal(steps_mistake(TAG_AI, text), "");
        }
    }
    assert_mistake(TAG_AI, "scale=0", "7: scale: N is '0'; a number that is not 0");
    assert_mistake(TAG_AI, "offset=0,5", "8: offset: N is '0,5'; any number");
    assert_mistake(TAG_AI, "deadband=-0.1", "10: deadband: N is '-0.1'; a number, 0 or more");
    assert_mistake(TAG_AI, "zero-band=-1", "11: zero-band: RANGE is '-1'; a number, 0 or more");
    assert_mistake(TAG_AI, "limit = 1 x", "11: limit: MAX is 'x'; a number, inf for no bound");
    assert_mistake(TAG_AI, "limit=nan 1", "7: limit: MIN is 'nan'; a number, -inf for no bound");
    assert_mistake(TAG_AI, "limit=inf inf", "7: limit: MIN is 'inf'; a number, -inf for no bound");
    assert_mistake(TAG_AI, "discard=0 -inf", "11: discard: MAX is '-inf'; a number, inf for no bound");
    assert_mistake(TAG_AI, "discard=10 5", "1: discard: MIN 10 is above MAX 5; the lower bound first");
    assert_mistake(TAG_CI, "limit=0.5 5", "7: limit: MIN is '0.5'; a whole number, as the tag's value is");
    assert_mistake(TAG_CO, "limit=0 5.5", "9: limit: MAX is '5.5'; a whole number, as the tag's value is");
    assert_mistake(TAG_CI, "zero-band=0.5 0.5",
                   "15: zero-band: VALUE is '0.5'; a whole number, as the tag's value is");
    assert_mistake(TAG_CI, "discard=0.5 5.5; deadband=0.5; scale=0.5", "");
}

/* A tag whose type is none is told once, and its steps are only looked up. */
static void test_without_a_type_words_are_looked_up(void **state)
{
    (void)state;
    assert_mistake(TAG_TYPE_COUNT, "limit=x", "");
    assert_mistake(TAG_TYPE_COUNT, "limit=0 1; limt=2",
                   "12: processing 'limt' is not known; did you mean 'limit'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_says_what_it_is),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_steps_are_read_and_written),
        cmocka_unit_test(test_words_that_are_none),
        cmocka_unit_test(test_steps_that_do_not_go),
        cmocka_unit_test(test_numbers_that_are_missing_or_too_many),
        cmocka_unit_test(test_numbers_that_do_not_go),
        cmocka_unit_test(test_without_a_type_words_are_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
