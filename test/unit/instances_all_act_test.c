/* Active-active: all instances that can act do, each under a grant of its own, and the way back to one. */
#include "roles.h"

/* Instances 1, 2 and 3 act under the epochs 1, 2 and 3. */
static void all(struct instances *instances)
{
    instances_init(instances, LEASE, 0, at(0));
    for (uint8_t i = 1; i <= 3; i++) {
        assert_null(instances_connect(instances, at(0), i, false));
    }
    expect(instances, true, 1, 1);
    expect(instances, false, 2, 0);
    expect(instances, false, 3, 0);
    instances_set_all_act(instances, at(10), true);
    expect(instances, true, 2, 2);
    expect(instances, true, 3, 3);
    expect_nothing(instances);
}

static void test_each_acts_under_its_own_grant(void **state)
{
    (void)state;
    struct instances instances;
    all(&instances);
    for (uint8_t i = 1; i <= 3; i++) {
        assert_int_equal(instances_renew(&instances, at(100), i), i);
        assert_true(instances_valid(&instances, at(100), i, i));
    }
    assert_false(instances_valid(&instances, at(100), 1, 2)); /* another one's */
    assert_int_equal(instances.active, 1);
    assert_string_equal(instances_set_active(&instances, at(100), 2),
                        "all instances act (SET_LOAD_BAL_MODE ON)");
}

static void test_one_that_is_lost_is_no_matter_of_the_others(void **state)
{
    (void)state;
    struct instances instances;
    all(&instances);
    instances_lost(&instances, at(100), 1, true);
    expect_nothing(&instances);
    assert_false(instances_valid(&instances, at(100), 1, 1));
    assert_true(instances_valid(&instances, at(100), 2, 2) && instances_valid(&instances, at(100), 3, 3));
    assert_int_equal(instances.active, 2); /* which leads now */
    assert_null(instances_connect(&instances, at(200), 1, false));
    expect(&instances, true, 1, 4);
    assert_int_equal(instances.active, 2);
}

static void test_each_lease_ends_by_itself(void **state)
{
    (void)state;
    struct instances instances;
    all(&instances);
    for (int64_t ms = 100; ms <= 800; ms += 100) {
        instances_renew(&instances, at(ms), 1);
        instances_renew(&instances, at(ms), 3);
        instances_tick(&instances, at(ms));
    }
    expect(&instances, false, 2, 2);
    expect_nothing(&instances);
    assert_false(instances_valid(&instances, at(800), 2, 2));
    assert_true(instances_valid(&instances, at(800), 1, 1));
    instances_renew(&instances, at(900), 2); /* heard again */
    expect(&instances, true, 2, 4);
}

static void test_back_to_one(void **state)
{
    (void)state;
    struct instances instances;
    all(&instances);
    assert_null(instances_set_preferred(&instances, 3));
    instances_set_all_act(&instances, at(100), false);
    expect(&instances, false, 1, 1);
    expect(&instances, false, 2, 2);
    expect_nothing(&instances);
    assert_int_equal(instances.active, 3); /* it goes on, under the grant that it has */
    assert_true(instances_valid(&instances, at(100), 3, 3));
    instances_lost(&instances, at(110), 3, true);
    expect_nothing(&instances); /* two still hold theirs */
    instances_stopped(&instances, at(120), 1, 1);
    expect_nothing(&instances);
    instances_stopped(&instances, at(130), 2, 2);
    expect(&instances, true, 1, 4);
    instances_tick(&instances, at(140));
    expect_nothing(&instances);
}

static void test_it_holds_over_a_restart_after_one_lease(void **state)
{
    (void)state;
    struct instances instances;
    instances_init(&instances, LEASE, 0, at(0));
    instances_recover_all_act(&instances, true);
    instances_recovered(&instances, 7, at(0));
    assert_null(instances_connect(&instances, at(10), 1, false));
    assert_null(instances_connect(&instances, at(10), 2, false));
    expect(&instances, false, 1, 0);
    expect(&instances, false, 2, 0);
    assert_int_equal(instances_deadline(&instances).us, KOMET_MS(600));
    instances_tick(&instances, at(600));
    expect(&instances, true, 1, 8);
    expect(&instances, true, 2, 9);
}

/* Whatever happens in whatever order: in the mode of one nobody is granted while another one holds; epochs
 * only grow; and whoever can act while all do, does. */
static void test_any_order_keeps_to_the_mode(void **state)
{
    (void)state;
    struct test_random random = {11};
    struct instances instances;
    uint64_t epoch = 0;
    unsigned most = 0;
    int64_t ms = 0;
    instances_init(&instances, LEASE, 0, at(0));
    for (int i = 0; i < 200000; i++) {
        ms += test_random_below(&random, 100);
        if (test_random_below(&random, 12) == 0) {
            instances_tick(&instances, at(ms));
            instances_set_all_act(&instances, at(ms), test_random_below(&random, 2) == 0);
            instances_tick(&instances, at(ms));
        } else {
            happen(&instances, ms, &random, 11);
        }
        unsigned active = 0, valid = holders(&instances, ms);
        for (uint8_t k = 0; k <= ROLE_INSTANCE_MAX; k++) {
            active += instances.member[k].standing == ROLE_ACTIVE ? 1 : 0;
        }
        assert_true(active <= 1 || instances.all_act);
        struct instances_output output;
        const uint64_t before = epoch;
        while (instances_next(&instances, at(ms), &output)) {
            if (output.active) {
                assert_true(output.epoch > before);
                assert_true(instances.all_act || valid == 1);
                epoch = output.epoch > epoch ? output.epoch : epoch;
            }
        }
        most = valid > most ? valid : most;
    }
    assert_true(epoch > 1000);
    assert_true(most >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_acts_under_its_own_grant),
        cmocka_unit_test(test_one_that_is_lost_is_no_matter_of_the_others),
        cmocka_unit_test(test_each_lease_ends_by_itself),
        cmocka_unit_test(test_back_to_one),
        cmocka_unit_test(test_it_holds_over_a_restart_after_one_lease),
        cmocka_unit_test(test_any_order_keeps_to_the_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
