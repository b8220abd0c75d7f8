/* Which values go on, row by row: bounds, bands, comparison with the last one, the trap and the way out. */
#include "steps.h"

#include <math.h>

#include "model/filter.h"

static const struct value reading = {.number = 10,
                                     .status = STATUS_VALID,
                                     .cot = KOMET_COT_SPONTANEOUS,
                                     .asdu_type = KOMET_M_ME_TF_1,
                                     .time_origin = TIME_FROM_STATION,
                                     .time = {1000000},
                                     .arrived = {1000005}};

/* The station says `number` at a time of its own. */
static struct value said(double number, int64_t time_ms)
{
    struct value value = reading;
    value.number = number;
    value.time.ms = time_ms;
    return value;
}

/* It comes without a time tag, with that cause. */
static struct value untagged(double number, uint8_t cot)
{
    struct value value = reading;
    value.number = number;
    value.cot = cot;
    value.time_origin = TIME_OF_ARRIVAL;
    value.time = value.arrived;
    return value;
}

/* What one instance remembers of a tag. */
struct instance {
    struct processing processing;
    struct value last;
};

static struct instance instance(enum tag_type type, const char *text)
{
    return (struct instance){steps(type, text), value_unknown()};
}

static enum filter_verdict give(struct instance *instance, struct value value)
{
    return filter_value(&instance->processing, &instance->last, &value);
}

/* The number that goes on; NAN with a verdict that none does. */
static double number_of(struct instance *instance, double number)
{
    struct value value = said(number, 0);
    enum filter_verdict verdict = filter_value(&instance->processing, &instance->last, &value);
    return verdict == FILTER_PASSES ? value.number : NAN;
}

static void test_without_steps_everything_goes_on(void **state)
{
    (void)state;
    struct value last = value_unknown(), value = said(1, 1);
    assert_int_equal(filter_value(NULL, &last, &value), FILTER_PASSES);
    assert_int_equal(filter_value(NULL, &last, &value), FILTER_PASSES);
    struct instance plain = instance(TAG_AI, "scale=2; new-time");
    assert_int_equal(give(&plain, said(1, 1)), FILTER_PASSES);
    assert_int_equal(give(&plain, said(1, 1)), FILTER_PASSES); /* an event is an event, also when equal */
}

static void test_discard(void **state)
{
    (void)state;
    struct instance bounded = instance(TAG_AI, "discard=-5 105");
    assert_true(number_of(&bounded, -5) == -5 && number_of(&bounded, 105) == 105);
    assert_int_equal(give(&bounded, said(-5.001, 1)), FILTER_DISCARDS);
    assert_int_equal(give(&bounded, said(105.001, 1)), FILTER_DISCARDS);
    assert_int_equal(give(&bounded, said(INFINITY, 1)), FILTER_DISCARDS);
    struct value invalid = said(9999, 1);
    invalid.status = STATUS_INVALID; /* what it says is that it is invalid */
    assert_int_equal(give(&bounded, invalid), FILTER_PASSES);
    struct value weak = said(9999, 1);
    weak.status = STATUS_WEAK;
    assert_int_equal(give(&bounded, weak), FILTER_DISCARDS);
    struct instance open = instance(TAG_AI, "discard=-inf 0");
    assert_true(number_of(&open, -1e300) == -1e300 && isnan(number_of(&open, 1e-300)));
}

static void test_limit(void **state)
{
    (void)state;
    struct instance limited = instance(TAG_AI, "limit=0 100");
    assert_true(number_of(&limited, -1) == 0 && number_of(&limited, 0) == 0);
    assert_true(number_of(&limited, 100) == 100 && number_of(&limited, 100.5) == 100);
    assert_true(number_of(&limited, 50) == 50);
    struct value weak = said(101, 1);
    weak.status = STATUS_WEAK;
    weak.flags = FLAG_A;
    assert_int_equal(filter_value(&limited.processing, &limited.last, &weak), FILTER_PASSES);
    assert_true(weak.number == 100 && weak.status == STATUS_WEAK && weak.flags == FLAG_A);
    struct value invalid = said(NAN, 1);
    invalid.status = STATUS_INVALID;
    assert_int_equal(filter_value(&limited.processing, &limited.last, &invalid), FILTER_PASSES);
    assert_true(isnan(invalid.number));
    struct instance open = instance(TAG_AI, "limit=0 inf");
    assert_true(number_of(&open, 1e300) == 1e300 && number_of(&open, -1e300) == 0);
}

static void test_discard_comes_before_limit_and_limit_before_the_zero_band(void **state)
{
    (void)state;
    struct instance all = instance(TAG_AI, "zero-band=1 99.5; limit=0 100; discard=-5 105");
    assert_true(isnan(number_of(&all, 106)));
    assert_true(number_of(&all, 105) == 99.5); /* 100 by the limit, which is near 99.5 */
    assert_true(number_of(&all, -5) == 0);
}

static void test_zero_band(void **state)
{
    (void)state;
    struct instance zero = instance(TAG_AI, "zero-band=0.25");
    assert_true(number_of(&zero, 0.25) == 0 && number_of(&zero, -0.25) == 0 && number_of(&zero, 0.1) == 0);
    assert_true(number_of(&zero, 0.2500001) == 0.2500001);
    struct instance nominal = instance(TAG_AI, "zero-band=0.5 50");
    assert_true(number_of(&nominal, 49.5) == 50 && number_of(&nominal, 49.4) == 49.4);
    struct instance exact = instance(TAG_AI, "zero-band=0 7");
    assert_true(number_of(&exact, 7) == 7 && number_of(&exact, 7.1) == 7.1);
}

static void test_dead_band_is_measured_from_what_went_on(void **state)
{
    (void)state;
    struct instance banded = instance(TAG_AI, "deadband=0.5");
    assert_int_equal(give(&banded, said(10, 1)), FILTER_PASSES);
    assert_int_equal(give(&banded, said(10, 2)), FILTER_UNCHANGED);
    assert_int_equal(give(&banded, said(10.4, 3)), FILTER_UNCHANGED);
    assert_int_equal(give(&banded, said(9.6, 4)), FILTER_UNCHANGED);
    assert_int_equal(give(&banded, said(10.5, 5)), FILTER_PASSES);    /* 0.5 is not below it */
    assert_int_equal(give(&banded, said(10.9, 6)), FILTER_UNCHANGED); /* else small steps were never one */
    assert_int_equal(give(&banded, said(11.1, 7)), FILTER_PASSES);
    assert_int_equal(give(&banded, untagged(11.2, KOMET_COT_INTERROGATED_STATION)), FILTER_UNCHANGED);
    assert_int_equal(give(&banded, untagged(11.2, KOMET_COT_PERIODIC)), FILTER_UNCHANGED);
}

static void test_quality_passes_a_dead_band(void **state)
{
    (void)state;
    struct instance banded = instance(TAG_AI, "deadband=0.5");
    struct value value = said(10, 1);
    assert_int_equal(give(&banded, value), FILTER_PASSES);
    value.status = STATUS_WEAK;
    assert_int_equal(give(&banded, value), FILTER_PASSES);
    assert_int_equal(give(&banded, value), FILTER_UNCHANGED);
    value.flags = FLAG_A;
    assert_int_equal(give(&banded, value), FILTER_PASSES);
    value.status = STATUS_INVALID;
    value.number = NAN;
    assert_int_equal(give(&banded, value), FILTER_PASSES);
    assert_int_equal(give(&banded, value), FILTER_UNCHANGED); /* no number, twice */
    assert_int_equal(give(&banded, said(10, 2)), FILTER_PASSES);
}

static void test_infinities_and_a_band_of_zero(void **state)
{
    (void)state;
    struct instance banded = instance(TAG_AI, "deadband=0.5");
    struct value huge = said(INFINITY, 1);
    huge.status = STATUS_INVALID;
    assert_int_equal(give(&banded, huge), FILTER_PASSES);
    assert_int_equal(give(&banded, huge), FILTER_UNCHANGED);
    huge.number = -INFINITY;
    assert_int_equal(give(&banded, huge), FILTER_PASSES);
    struct instance none = instance(TAG_AI, "deadband=0");
    assert_int_equal(give(&none, said(10, 1)), FILTER_PASSES);
    assert_int_equal(give(&none, said(10, 1)), FILTER_PASSES); /* 0: there is none */
}

static void test_changes_only(void **state)
{
    (void)state;
    struct instance digital = instance(TAG_DI, "changes-only");
    assert_int_equal(give(&digital, said(0, 1)), FILTER_PASSES);
    assert_int_equal(give(&digital, said(0, 2)), FILTER_UNCHANGED);
    assert_int_equal(give(&digital, said(1, 3)), FILTER_PASSES);
    struct value blocked = said(1, 4);
    blocked.flags = 0x10;
    assert_int_equal(give(&digital, blocked), FILTER_PASSES);
    blocked.status = STATUS_WEAK;
    assert_int_equal(give(&digital, blocked), FILTER_PASSES);
    assert_int_equal(give(&digital, blocked), FILTER_UNCHANGED);
    assert_int_equal(give(&digital, untagged(0, KOMET_COT_INTERROGATED_STATION)), FILTER_PASSES);
}

/* The seed's scenario: both instances know FALSE; one gets TRUE, the other FALSE again, which to it is no
 * change though the tag is TRUE by now. Tagged or not. */
static void test_the_trap_and_the_way_out(void **state)
{
    (void)state;
    for (unsigned out = 0; out < 2; out++) {
        for (unsigned tagged = 0; tagged < 2; tagged++) {
            const char *text = out == 0 ? "changes-only" : "changes-only; new-time";
            struct instance first = instance(TAG_DI, text), second = instance(TAG_DI, text);
            struct value off = said(0, 1000), on = said(1, 2000), off_again = said(0, 3000);
            if (!tagged) {
                off = off_again = untagged(0, KOMET_COT_ACTIVATION);
                on = untagged(1, KOMET_COT_ACTIVATION);
            }
            assert_int_equal(give(&first, off), FILTER_PASSES);
            assert_int_equal(give(&second, off), FILTER_PASSES);
            assert_int_equal(give(&first, on), FILTER_PASSES);
            assert_int_equal(give(&second, off_again), out == 0 ? FILTER_UNCHANGED : FILTER_PASSES);
        }
    }
}

static void test_what_a_new_time_is(void **state)
{
    (void)state;
    struct instance timed = instance(TAG_DI, "changes-only; new-time");
    assert_int_equal(give(&timed, said(1, 1000)), FILTER_PASSES);
    assert_int_equal(give(&timed, said(1, 1000)), FILTER_UNCHANGED); /* the same time */
    assert_int_equal(give(&timed, said(1, 1001)), FILTER_PASSES);
    /* What was asked for is as old as the question. */
    assert_int_equal(give(&timed, untagged(1, KOMET_COT_INTERROGATED_STATION)), FILTER_UNCHANGED);
    assert_int_equal(give(&timed, untagged(1, KOMET_COT_SPONTANEOUS)), FILTER_PASSES);
    assert_int_equal(give(&timed, untagged(1, KOMET_COT_SPONTANEOUS)), FILTER_PASSES);
    assert_int_equal(give(&timed, said(1, 1)), FILTER_PASSES); /* clocks that are not compared */
    struct instance banded = instance(TAG_AI, "deadband=5; new-time");
    assert_int_equal(give(&banded, said(10, 1000)), FILTER_PASSES);
    assert_int_equal(give(&banded, said(11, 1000)), FILTER_UNCHANGED);
    assert_int_equal(give(&banded, said(11, 1001)), FILTER_PASSES);
}

/* Time goes back: what is older than the last one is history. It is kept, and nothing is measured against
 * it, as the server's current value stays too. */
static void test_an_older_value_is_compared_with_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"changes-only", "deadband=0.5", "changes-only; new-time"};
    for (unsigned i = 0; i < 3; i++) {
        struct instance digital = instance(TAG_AI, texts[i]);
        assert_int_equal(give(&digital, said(1, 2000)), FILTER_PASSES);
        assert_int_equal(give(&digital, said(1, 1000)), FILTER_PASSES);
        assert_int_equal(give(&digital, said(0, 1500)), FILTER_PASSES);
        assert_int_equal(give(&digital, said(1, 2000)), FILTER_UNCHANGED);
        assert_int_equal(give(&digital, said(0, 2500)), FILTER_PASSES);
    }
}

/* What was held back leaves no trace: else the server would keep another value than is remembered here. */
static void test_what_is_held_back_is_not_remembered(void **state)
{
    (void)state;
    struct instance digital = instance(TAG_DI, "changes-only");
    assert_int_equal(give(&digital, said(1, 1000)), FILTER_PASSES);
    assert_int_equal(give(&digital, said(1, 3000)), FILTER_UNCHANGED);
    assert_int_equal(give(&digital, said(0, 2000)), FILTER_PASSES); /* newer than what went on */
    assert_int_equal(give(&digital, said(1, 4000)), FILTER_PASSES);
    struct instance bounded = instance(TAG_AI, "discard=0 100; deadband=5");
    assert_int_equal(give(&bounded, said(50, 1)), FILTER_PASSES);
    assert_int_equal(give(&bounded, said(500, 2)), FILTER_DISCARDS);
    assert_int_equal(give(&bounded, said(51, 3)), FILTER_UNCHANGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_steps_everything_goes_on),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_discard_comes_before_limit_and_limit_before_the_zero_band),
        cmocka_unit_test(test_zero_band),
        cmocka_unit_test(test_dead_band_is_measured_from_what_went_on),
        cmocka_unit_test(test_quality_passes_a_dead_band),
        cmocka_unit_test(test_infinities_and_a_band_of_zero),
        cmocka_unit_test(test_changes_only),
        cmocka_unit_test(test_the_trap_and_the_way_out),
        cmocka_unit_test(test_what_a_new_time_is),
        cmocka_unit_test(test_an_older_value_is_compared_with_nothing),
        cmocka_unit_test(test_what_is_held_back_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
