/* Who gets the role when there is a choice: the preferred one, who leaves, who keeps dying; and the value of
 * the process. */
#include "roles.h"

#include <string.h>

static void forget(struct instances *instances)
{
    struct instances_output output;
    while (instances_next(instances, at(0), &output)) {
    }
}

static void come(struct instances *instances, int64_t ms, uint8_t instance)
{
    assert_null(instances_connect(instances, at(ms), instance, false));
    forget(instances);
}

/* All that are connected renew every 100 ms until then. */
static void live(struct instances *instances, int64_t from, int64_t to)
{
    for (int64_t ms = from; ms <= to; ms += 100) {
        for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
            if (instances_connected(instances, i)) {
                instances_renew(instances, at(ms), i);
            }
        }
        instances_tick(instances, at(ms));
    }
}

/* Instances 1, 2 and 3 connected in this order, loaded; 1 active under epoch 1. */
static void three(struct instances *instances)
{
    instances_init(instances, LEASE, 0, at(0));
    come(instances, 0, 1);
    come(instances, 10, 2);
    come(instances, 20, 3);
    live(instances, 20, 20);
    forget(instances);
}

static void lose_and_return(struct instances *instances, int64_t ms, uint8_t instance)
{
    instances_lost(instances, at(ms), instance, true);
    come(instances, ms + 1, instance);
    live(instances, ms + 2, ms + 2);
    forget(instances);
}

/* ---- preferred ---- */

static void test_the_preferred_one_takes_over_when_its_lines_are_loaded(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    assert_null(instances_set_preferred(&instances, 2));
    come(&instances, 0, 1);
    come(&instances, 10, 2);
    instances_renew(&instances, at(20), 1);
    expect_nothing(&instances);
    instances_renew(&instances, at(30), 2); /* loaded */
    expect(&instances, false, 1, 1);
    expect_nothing(&instances);
    assert_true(instances_valid(&instances, at(30), 1, 1));
    instances_stopped(&instances, at(31), 1, 1);
    expect(&instances, true, 2, 2);
}

static void test_the_preferred_one_waits_for_the_lease_of_a_mute_holder(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    assert_null(instances_set_preferred(&instances, 2));
    come(&instances, 0, 1);
    come(&instances, 10, 2);
    instances_renew(&instances, at(10), 1);
    instances_renew(&instances, at(30), 2);
    expect(&instances, false, 1, 1);
    instances_renew(&instances, at(600), 2);
    instances_tick(&instances, at(609));
    expect_nothing(&instances);
    instances_tick(&instances, at(610));
    expect(&instances, false, 1, 1);
    expect(&instances, true, 2, 2);
}

static void test_only_its_coming_moves_the_role(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_null(instances_set_preferred(&instances, 2));
    live(&instances, 100, 2000);
    expect_nothing(&instances);
    assert_null(instances_set_active(&instances, at(2000), 3)); /* by hand: until the preferred one comes */
    expect(&instances, false, 1, 1);
    instances_stopped(&instances, at(2001), 1, 1);
    expect(&instances, true, 3, 2);
    live(&instances, 2100, 3000);
    expect_nothing(&instances);
    instances_lost(&instances, at(3000), 2, true);
    come(&instances, 3001, 2);
    instances_renew(&instances, at(3002), 2);
    expect(&instances, false, 3, 2);
}

static void test_the_preferred_one_follows_the_lost_one(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_null(instances_set_preferred(&instances, 3));
    instances_lost(&instances, at(30), 1, true);
    expect(&instances, true, 3, 2);
    assert_null(instances_set_preferred(&instances, 0));
    instances_lost(&instances, at(40), 3, true);
    expect(&instances, true, 2, 3);
}

static void test_a_preferred_one_that_gives_up_does_not_get_the_role_at_once(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_null(instances_set_preferred(&instances, 1));
    instances_stopped(&instances, at(30), 1, 1);
    expect(&instances, true, 2, 2);
    live(&instances, 100, 200);
    instances_lost(&instances, at(200), 2, true); /* another time, it does */
    expect(&instances, true, 1, 3);
}

static void test_what_cannot_be_preferred_or_made_active(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_non_null(instances_set_preferred(&instances, 16));
    assert_non_null(instances_set_active(&instances, at(30), 7));
    assert_non_null(instances_set_active(&instances, at(30), 200));
    assert_null(instances_leave(&instances, at(30), 3));
    assert_string_equal(instances_set_active(&instances, at(30), 3), "this instance is ending");
    live(&instances, 100, 100);
    instances_renew(&instances, at(700), 1);
    instances_tick(&instances, at(700)); /* 2 said nothing for a lease */
    assert_non_null(strstr(instances_set_active(&instances, at(700), 2), "silent"));
    instances_init(&instances, LEASE, 0, at(0));
    come(&instances, 0, 0);
    assert_non_null(instances_set_preferred(&instances, 1));
    assert_null(instances_set_preferred(&instances, 0));
}

static void test_preferred_comes_back_after_a_restart(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    instances_recover_preferred(&instances, 2);
    instances_recovered(&instances, 41, at(0));
    come(&instances, 10, 1);
    come(&instances, 500, 2);
    live(&instances, 500, 500);
    forget(&instances);
    live(&instances, 600, 600);
    expect(&instances, true, 2, 42);
}

/* ---- leaving ---- */

static void test_one_that_leaves_is_relieved_first(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_null(instances_leave(&instances, at(30), 1));
    expect(&instances, false, 1, 1);
    expect_nothing(&instances);
    instances_stopped(&instances, at(31), 1, 1);
    expect(&instances, true, 2, 2);
    instances_lost(&instances, at(32), 1, true);
    expect_nothing(&instances);
    assert_int_equal(instances.member[1].value, PROCESS_STOP);
    assert_false(instances.member[1].damping.watched); /* which is no loss */
}

static void test_one_that_leaves_gets_no_role_any_more(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_null(instances_set_active(&instances, at(30), 2));
    expect(&instances, false, 1, 1);
    assert_null(instances_leave(&instances, at(31), 2)); /* which was on the way to it */
    expect(&instances, false, 2, 0);
    instances_stopped(&instances, at(32), 1, 1);
    expect(&instances, true, 3, 2);
    assert_null(instances_leave(&instances, at(40), 1));
    assert_null(instances_leave(&instances, at(40), 3));
    forget(&instances);
    instances_stopped(&instances, at(41), 3, 2);
    expect_nothing(&instances); /* nobody is left */
    for (uint8_t i = 1; i <= 3; i++) {
        instances_lost(&instances, at(42), i, true);
    }
    assert_int_equal(instances_value(&instances), PROCESS_STOP);
    come(&instances, 50, 1); /* a new run */
    assert_true(instances_valid(&instances, at(50), 1, 3));
}

/* ---- damping ---- */

static void test_one_that_was_lost_twice_comes_behind_the_others(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    assert_null(instances_set_preferred(&instances, 1));
    lose_and_return(&instances, 100, 1); /* 2 takes over, 1 takes it back */
    instances_stopped(&instances, at(110), 2, 2);
    expect(&instances, true, 1, 3);
    lose_and_return(&instances, 200, 1);
    assert_true(instances.member[1].damping.holds);
    live(&instances, 300, 60100);
    expect_nothing(&instances);
    assert_int_equal(instances.member[1].standing, ROLE_PASSIVE);
    live(&instances, 60200, 60200); /* its minute is over: it came, and is preferred */
    expect(&instances, false, 2, 4);
}

static void test_by_hand_a_damped_one_gets_the_role(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    lose_and_return(&instances, 100, 3);
    lose_and_return(&instances, 200, 3);
    assert_true(instances.member[3].damping.holds);
    assert_null(instances_set_active(&instances, at(300), 3));
    expect(&instances, false, 1, 1);
    instances_stopped(&instances, at(301), 1, 1);
    expect(&instances, true, 3, 2);
    assert_false(instances.member[3].damping.holds);
}

static void test_a_damped_one_acts_when_nobody_else_can(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    come(&instances, 0, 1);
    lose_and_return(&instances, 1000, 1);
    lose_and_return(&instances, 2000, 1);
    assert_true(instances.member[1].damping.holds);
    assert_int_equal(instances.member[1].standing, ROLE_ACTIVE);
}

/* ---- numbers ---- */

static void test_a_new_run_of_a_lost_number_waits_for_the_lease_of_the_old_one(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    come(&instances, 0, 1);
    instances_renew(&instances, at(100), 1);
    instances_lost(&instances, at(150), 1, false); /* it may still act, until 700 */
    assert_null(instances_connect(&instances, at(200), 1, false));
    expect(&instances, false, 1, 1);
    live(&instances, 200, 699);
    expect_nothing(&instances);
    live(&instances, 700, 700);
    expect(&instances, true, 1, 2);
    instances_renew(&instances, at(800), 1);
    instances_lost(&instances, at(850), 1, false);
    assert_null(instances_connect(&instances, at(900), 1, true)); /* the same run: it has given up */
    expect(&instances, true, 1, 3);
}

static void test_all_fifteen_have_a_flag(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    for (uint8_t i = 1; i <= ROLE_INSTANCE_MAX; i++) {
        come(&instances, i, i);
    }
    assert_int_equal(instances_flags(&instances), 0xFFFE); /* B to P, not A */
}

/* ---- the value ---- */

static void test_the_value_of_the_process(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    assert_int_equal(instances_value(&instances), PROCESS_STOP);
    come(&instances, 0, 1);
    come(&instances, 0, 2);
    live(&instances, 0, 0);
    assert_int_equal(instances_value(&instances), PROCESS_RUN);
    instances_renew(&instances, at(500), 2);
    instances_tick(&instances, at(600)); /* 1 renewed nothing for a lease */
    assert_int_equal(instances.member[1].value, PROCESS_WDERR);
    assert_int_equal(instances_value(&instances), PROCESS_RUN);
    assert_int_equal(instances_flags(&instances), 0x4);
    instances_lost(&instances, at(700), 2, true);
    assert_int_equal(instances_value(&instances), PROCESS_WDERR);
    instances_lost(&instances, at(800), 1, false);
    assert_int_equal(instances_value(&instances), PROCESS_CRASH);
    come(&instances, 900, 0);
    assert_int_equal(instances_value(&instances), PROCESS_RUN);
    assert_int_equal(instances_flags(&instances), 0);
    assert_null(instances_leave(&instances, at(910), 0));
    instances_lost(&instances, at(911), 0, true);
    assert_int_equal(instances_value(&instances), PROCESS_STOP); /* of the one that ended last */
}

static void test_a_passive_one_that_is_silent_is_not_chosen(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    instances_renew(&instances, at(500), 1);
    instances_renew(&instances, at(500), 3);
    instances_tick(&instances, at(620));
    assert_int_equal(instances.member[2].value, PROCESS_WDERR);
    instances_lost(&instances, at(630), 1, true);
    expect(&instances, true, 3, 2);
    instances_renew(&instances, at(640), 2);
    assert_int_equal(instances.member[2].value, PROCESS_RUN);
}

/* The server did not run for a while: nobody is blamed before what waits could be read. */
static void test_a_pause_of_ours_is_not_their_silence(void **state)
{
    (void)state;
    struct instances instances;
    three(&instances);
    instances_tick(&instances, at(5000));
    assert_int_equal(instances_flags(&instances), 0xE);
    instances_renew(&instances, at(5001), 2);
    instances_tick(&instances, at(5150));
    assert_int_equal(instances_flags(&instances), 0x4); /* the others are silent all the same */
}

static void test_who_ran_before_a_restart_may_come_again(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    instances_recover_value(&instances, 3, PROCESS_STOP);
    instances_recover_value(&instances, 1, PROCESS_RUN);
    instances_recover_value(&instances, 2, PROCESS_RUN);
    instances_recovered(&instances, 5, at(0));
    assert_int_equal(instances_flags(&instances), 0x6);
    come(&instances, 100, 1);
    assert_int_equal(instances.changes, 0); /* it ran all the time */
    live(&instances, 100, 2900);
    assert_int_equal(instances.changes, 0);
    live(&instances, 3000, 3000);
    assert_int_equal(instances.member[2].value, PROCESS_CRASH);
    assert_false(instances.member[2].damping.watched); /* nobody knows when, nor why */
    assert_int_equal(instances_flags(&instances), 0x2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_preferred_one_takes_over_when_its_lines_are_loaded),
        cmocka_unit_test(test_the_preferred_one_waits_for_the_lease_of_a_mute_holder),
        cmocka_unit_test(test_only_its_coming_moves_the_role),
        cmocka_unit_test(test_the_preferred_one_follows_the_lost_one),
        cmocka_unit_test(test_a_preferred_one_that_gives_up_does_not_get_the_role_at_once),
        cmocka_unit_test(test_what_cannot_be_preferred_or_made_active),
        cmocka_unit_test(test_preferred_comes_back_after_a_restart),
        cmocka_unit_test(test_one_that_leaves_is_relieved_first),
        cmocka_unit_test(test_one_that_leaves_gets_no_role_any_more),
        cmocka_unit_test(test_one_that_was_lost_twice_comes_behind_the_others),
        cmocka_unit_test(test_by_hand_a_damped_one_gets_the_role),
        cmocka_unit_test(test_a_damped_one_acts_when_nobody_else_can),
        cmocka_unit_test(test_a_new_run_of_a_lost_number_waits_for_the_lease_of_the_old_one),
        cmocka_unit_test(test_all_fifteen_have_a_flag),
        cmocka_unit_test(test_the_value_of_the_process),
        cmocka_unit_test(test_a_passive_one_that_is_silent_is_not_chosen),
        cmocka_unit_test(test_a_pause_of_ours_is_not_their_silence),
        cmocka_unit_test(test_who_ran_before_a_restart_may_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
