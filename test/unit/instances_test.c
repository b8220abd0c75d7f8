/* Who is active: every way in which the role begins, moves and ends. */
#include "roles.h"

/* Instances 1 and 2 connected, 1 active under epoch 1. */
static void two(struct instances *instances)
{
    instances_init(instances, LEASE, 0, at(0));
    assert_null(instances_connect(instances, at(0), 1, false));
    expect(instances, true, 1, 1);
    assert_null(instances_connect(instances, at(10), 2, false));
    expect(instances, false, 2, 0);
    expect_nothing(instances);
}

static void test_the_first_to_connect_is_active(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    assert_true(instances_valid(&instances, at(10), 1, 1));
    assert_false(instances_valid(&instances, at(10), 2, 1));
    assert_false(instances_valid(&instances, at(10), 1, 0));
    assert_int_equal(instances_value(&instances), PROCESS_RUN);
    assert_int_equal(instances_flags(&instances), 0x6); /* B and C */
}

static void test_a_dead_one_is_replaced_at_once(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    instances_lost(&instances, at(20), 1, true);
    expect(&instances, true, 2, 2);
    assert_int_equal(instances_flags(&instances), 0x4);
    assert_false(instances_valid(&instances, at(20), 1, 1));
}

static void test_a_vanished_one_keeps_its_lease(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    assert_int_equal(instances_renew(&instances, at(100), 1), 1);
    instances_lost(&instances, at(200), 1, false);
    expect_nothing(&instances);
    assert_int_equal(instances_deadline(&instances).us, KOMET_MS(700));
    instances_tick(&instances, at(699));
    expect_nothing(&instances);
    instances_tick(&instances, at(700));
    expect(&instances, true, 2, 2);
}

static void test_a_silent_one_is_told_and_not_chosen_until_heard(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    assert_null(instances_connect(&instances, at(0), 1, false));
    expect(&instances, true, 1, 1);
    instances_tick(&instances, at(600));
    expect(&instances, false, 1, 1);
    instances_tick(&instances, at(5000));
    expect_nothing(&instances);
    assert_int_equal(instances_deadline(&instances).us, INT64_MAX);
    assert_int_equal(instances_renew(&instances, at(6000), 1), 2); /* heard: it gets a new grant */
    expect(&instances, true, 1, 2);
}

static void test_set_active_waits_for_the_old_one(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    assert_non_null(instances_set_active(&instances, at(50), 3));
    assert_null(instances_set_active(&instances, at(50), 2));
    expect(&instances, false, 1, 1);
    expect_nothing(&instances);
    assert_true(instances_valid(&instances, at(60), 1, 1)); /* what it had under way still counts */
    instances_stopped(&instances, at(60), 1, 7);            /* not its grant */
    expect_nothing(&instances);
    instances_stopped(&instances, at(60), 1, 1);
    expect(&instances, true, 2, 2);
    assert_false(instances_valid(&instances, at(60), 1, 1));
}

static void test_set_active_goes_on_when_the_old_one_never_answers(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    assert_null(instances_set_active(&instances, at(50), 2));
    expect(&instances, false, 1, 1);
    assert_int_equal(instances_renew(&instances, at(100), 1), 0); /* told to stop: nothing is renewed */
    instances_tick(&instances, at(600));
    expect(&instances, false, 1, 1);
    expect(&instances, true, 2, 2);
}

static void test_numbered_and_unnumbered_exclude_each_other(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    assert_non_null(instances_connect(&instances, at(20), 1, false));
    assert_non_null(instances_connect(&instances, at(20), 0, false));
    instances_lost(&instances, at(30), 1, true);
    instances_lost(&instances, at(30), 2, true);
    assert_int_equal(instances_value(&instances), PROCESS_CRASH);
    assert_null(instances_connect(&instances, at(40), 0, false));
    assert_non_null(instances_connect(&instances, at(50), 1, false));
    assert_int_equal(instances_flags(&instances), 0);
}

static void test_after_a_restart_one_lease_is_waited(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 41, at(1000));
    assert_null(instances_connect(&instances, at(1100), 2, false));
    expect(&instances, false, 2, 0);
    expect_nothing(&instances);
    assert_int_equal(instances_deadline(&instances).us, KOMET_MS(1600));
    instances_tick(&instances, at(1600));
    expect(&instances, true, 2, 42);
}

static void test_the_longest_connected_comes_next(void **state)
{
    (void)state;
    struct instances instances;
    two(&instances);
    assert_null(instances_connect(&instances, at(10), 3, false));
    expect(&instances, false, 3, 0);
    instances_lost(&instances, at(20), 2, true);
    assert_null(instances_connect(&instances, at(30), 2, false));
    expect(&instances, false, 2, 0);
    instances_lost(&instances, at(40), 1, true);
    expect(&instances, true, 3, 2);
}

/* Whatever happens in whatever order: never two, and epochs only grow. */
static void test_any_order_keeps_one_holder(void **state)
{
    (void)state;
    struct test_random random = {7};
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    uint64_t epoch = 0;
    int64_t ms = 0;
    for (int i = 0; i < 200000; i++) {
        ms += test_random_below(&random, 100);
        happen(&instances, ms, &random, 9);
        struct instances_output output;
        while (instances_next(&instances, at(ms), &output)) {
            if (output.active) {
                assert_true(output.epoch > epoch);
                const struct role_member *chosen = &instances.member[output.instance];
                assert_false(chosen->leaving || chosen->silent);
                epoch = output.epoch;
            }
        }
        assert_true(holders(&instances, ms) <= 1);
    }
    assert_true(epoch > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_to_connect_is_active),
        cmocka_unit_test(test_a_dead_one_is_replaced_at_once),
        cmocka_unit_test(test_a_vanished_one_keeps_its_lease),
        cmocka_unit_test(test_a_silent_one_is_told_and_not_chosen_until_heard),
        cmocka_unit_test(test_set_active_waits_for_the_old_one),
        cmocka_unit_test(test_set_active_goes_on_when_the_old_one_never_answers),
        cmocka_unit_test(test_numbered_and_unnumbered_exclude_each_other),
        cmocka_unit_test(test_after_a_restart_one_lease_is_waited),
        cmocka_unit_test(test_the_longest_connected_comes_next),
        cmocka_unit_test(test_any_order_keeps_one_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
