/* Who keeps dying comes last for a while: a minute, doubling to sixteen. */
#include "support.h"

#include "role/damping.h"

static struct komet_instant at(int64_t seconds)
{
    return (struct komet_instant){KOMET_SECONDS(seconds)};
}

/* Lost at `seconds`: damped for so many more, 0 not at all. */
static void lose(struct damping *damping, int64_t seconds, int64_t damped)
{
    damping_tick(damping, at(seconds));
    damping_lost(damping, at(seconds));
    assert_int_equal(damping->holds, damped > 0);
    if (damped > 0) {
        assert_int_equal(damping_deadline(damping).us, at(seconds + damped).us);
    }
}

static void test_one_loss_is_none(void **state)
{
    (void)state;
    struct damping damping = {0};
    lose(&damping, 100, 0);
    assert_int_equal(damping_deadline(&damping).us, KOMET_NEVER.us);
    lose(&damping, 160, 0); /* a minute later: the first again */
    lose(&damping, 220, 0);
}

static void test_twice_within_a_minute_is_a_minute(void **state)
{
    (void)state;
    struct damping damping = {0};
    lose(&damping, 0, 0); /* at the very beginning of the clock, too */
    lose(&damping, 59, 60);
    damping_tick(&damping, at(118));
    assert_true(damping.holds);
    damping_tick(&damping, at(119));
    assert_false(damping.holds);
}

static void test_it_doubles_up_to_sixteen_minutes(void **state)
{
    (void)state;
    struct damping damping = {0};
    lose(&damping, 0, 0);
    int64_t now = 10;
    for (int64_t minutes = 1; minutes <= 16; minutes *= 2) {
        lose(&damping, now, minutes * 60);
        now += minutes * 60 + 59; /* within a minute of its end */
    }
    lose(&damping, now, 16 * 60);
    lose(&damping, now + 1, 16 * 60); /* also while it holds */
    lose(&damping, now + 1 + 17 * 60, 0);
    lose(&damping, now + 2 + 17 * 60, 60); /* and begins anew */
}

static void test_what_is_lifted_counts_on(void **state)
{
    (void)state;
    struct damping damping = {0};
    damping_lift(&damping, at(0));
    lose(&damping, 1, 0);
    lose(&damping, 2, 60);
    damping_lift(&damping, at(10));
    assert_false(damping.holds);
    lose(&damping, 69, 120);
    damping_lift(&damping, at(70));
    lose(&damping, 130, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_loss_is_none),
        cmocka_unit_test(test_twice_within_a_minute_is_a_minute),
        cmocka_unit_test(test_it_doubles_up_to_sixteen_minutes),
        cmocka_unit_test(test_what_is_lifted_counts_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
