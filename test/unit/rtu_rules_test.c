/* A simulated station against a controlling link: the rules of answering that its plan sets. */
#include "support.h"

#include "rtu_world.h"

#include <string.h>

enum { EITHER = 1, REQUIRED, NEVER, LIMITED, CLOSE_TO_ZERO };

static const struct rtu_point points[] = {
    {.ioa = EITHER, .type = 45, .count = 1, .follows = 101},
    {.ioa = REQUIRED, .type = 45, .count = 1, .follows = 102, .select = KOMET_SELECT_REQUIRED},
    {.ioa = NEVER, .type = 45, .count = 1, .follows = 103, .select = KOMET_SELECT_NEVER},
    {.ioa = LIMITED, .type = 50, .count = 1, .follows = 201, .minimum = -10, .maximum = 20},
    {.ioa = CLOSE_TO_ZERO, .type = 49, .count = 1, .follows = 202, .minimum = -0.5, .maximum = 1.5},
    {.ioa = 101, .type = 30, .count = 3, .groups = 1u << 0},
    {.ioa = 201, .type = 36, .count = 1, .groups = 1u << 0 | 1u << 15},
    {.ioa = 202, .type = 11, .count = 1},
    {.ioa = 301, .type = 37, .count = 2, .number = 7, .groups = 1u << 1},
    {.ioa = 303, .type = 37, .count = 1, .number = 8},
};

static void begin(struct world *world)
{
    world_begin(world, points, sizeof points / sizeof points[0]);
}

static const struct komet_asdu_header act = {
    .type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .oa = 3, .ca = 1};

/* Frame `at` confirms a command. */
static void assert_confirmed(const struct world *world, unsigned at, bool positive)
{
    struct komet_asdu asdu = world_frame(world, at);
    world_assert_frame(world, at, asdu.type, KOMET_COT_ACTIVATION_CON, !positive);
}

static double value(const struct world *world, uint32_t ioa)
{
    double number;
    assert_true(rtu_value(world->rtu, ioa, &number));
    return number;
}

/* ---- select before execute ---- */

static void test_a_select_may_be_required_or_refused(void **state)
{
    const struct komet_object select = {.value.single = true, .select = true},
                              execute = {.value.single = true};
    static const bool executes_at_once[] = {true, false, true}, selects[] = {true, true, false};
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world world;
        struct komet_object object = execute;
        begin(&world);
        world_start(&world);
        centre_start(&world.centre);
        object.ioa = EITHER + i;
        world_send(&world, act, object);
        assert_confirmed(&world, 0, executes_at_once[i]);
        assert_true((value(&world, 101 + i) == 1) == executes_at_once[i]);

        world.centre.frame_count = 0;
        object = select;
        object.ioa = EITHER + i;
        world_send(&world, act, object);
        assert_int_equal(world.centre.frame_count, 1);
        assert_confirmed(&world, 0, selects[i]);
        object = execute;
        object.ioa = EITHER + i;
        world_send(&world, act, object);
        assert_confirmed(&world, 1, true);
        assert_true(value(&world, 101 + i) == 1);
        world_assert_frame(&world, world.centre.frame_count - 1, KOMET_C_SC_NA_1,
                           KOMET_COT_ACTIVATION_TERMINATION, false);
        world_end(&world);
    }
}

static void test_a_selection_runs_out_and_can_be_taken_back(void **state)
{
    const struct komet_object select = {.ioa = REQUIRED, .value.single = true, .select = true};
    const struct komet_object execute = {.ioa = REQUIRED, .value.single = true};
    struct komet_asdu_header deactivation = act;
    struct world world;
    (void)state;
    begin(&world);
    world.plan.station.select_us = KOMET_SECONDS(2);
    world_start(&world);
    centre_start(&world.centre);
    world_send(&world, act, select);
    world_advance(&world, 1999);
    world_send(&world, act, execute);
    assert_confirmed(&world, 1, true);
    assert_true(value(&world, 102) == 1);

    world.centre.frame_count = 0;
    world_send(&world, act, select);
    world_advance(&world, 2000);
    world_send(&world, act, execute);
    assert_int_equal(world.centre.frame_count, 2);
    assert_confirmed(&world, 1, false);

    deactivation.cause = KOMET_COT_DEACTIVATION;
    world_send(&world, act, select);
    world_send(&world, deactivation, select);
    world_assert_frame(&world, 3, KOMET_C_SC_NA_1, KOMET_COT_DEACTIVATION_CON, false);
    world_send(&world, act, execute);
    assert_confirmed(&world, 4, false);
    assert_int_equal(rtu_counters(world.rtu).commands, 1);
    world_end(&world);
}

static void test_a_selection_ends_with_its_connection(void **state)
{
    const struct komet_object select = {.ioa = REQUIRED, .value.single = true, .select = true};
    const struct komet_object execute = {.ioa = REQUIRED, .value.single = true};
    struct world world;
    (void)state;
    begin(&world);
    world_start(&world);
    centre_start(&world.centre);
    world_send(&world, act, select);
    assert_confirmed(&world, 0, true);
    centre_disconnect(&world.centre);
    centre_start(&world.centre);
    world_send(&world, act, execute);
    assert_int_equal(world.centre.frame_count, 2);
    assert_confirmed(&world, 1, false);
    world_end(&world);
}

/* ---- set points ---- */

static void test_a_set_point_out_of_range_is_refused(void **state)
{
    struct komet_asdu_header set = act;
    struct world world;
    (void)state;
    begin(&world);
    world_start(&world);
    centre_start(&world.centre);
    set.type = KOMET_C_SE_NC_1;
    world_send(&world, set, (struct komet_object){.ioa = LIMITED, .value.real = 20.5f});
    assert_confirmed(&world, 0, false);
    world_send(&world, set, (struct komet_object){.ioa = LIMITED, .value.real = 20});
    assert_confirmed(&world, 1, true);
    assert_true(value(&world, 201) == 20);
    assert_int_equal(rtu_counters(world.rtu).refused, 1);
    world_end(&world);
}

static void test_a_set_point_out_of_range_is_limited(void **state)
{
    struct komet_asdu_header set = act;
    struct world world;
    (void)state;
    begin(&world);
    world.plan.station.limit_set_points = true;
    world_start(&world);
    centre_start(&world.centre);
    set.type = KOMET_C_SE_NC_1;
    world_send(&world, set, (struct komet_object){.ioa = LIMITED, .value.real = -10.5f});
    assert_confirmed(&world, 0, true);
    assert_true(world_object(&world, 0, 0).value.real == -10);
    assert_true(value(&world, 201) == -10);
    set.type = KOMET_C_SE_NB_1;
    world.centre.frame_count = 0;
    world_send(&world, set, (struct komet_object){.ioa = CLOSE_TO_ZERO, .value.number = 2});
    assert_int_equal(world_object(&world, 0, 0).value.number, 1);
    assert_true(value(&world, 202) == 1);
    world_end(&world);
}

/* ---- groups ---- */

static void test_groups_have_their_points(void **state)
{
    struct komet_asdu_header counters = act;
    struct world world;
    (void)state;
    begin(&world);
    world_start(&world);
    centre_start(&world.centre);
    world_interrogate(&world, 1, 21); /* group 1 */
    assert_int_equal(world.centre.frame_count, 4);
    world_assert_frame(&world, 1, 1, 21, false);
    assert_int_equal(world_frame(&world, 1).count, 3);
    world_assert_frame(&world, 2, 13, 21, false);
    world_interrogate(&world, 1, 36); /* group 16 */
    assert_int_equal(world.centre.frame_count, 7);
    world_assert_frame(&world, 5, 13, 36, false);
    world_interrogate(&world, 1, 20);
    assert_int_equal(world.centre.frame_count, 12); /* 1, 13 and 11 */
    counters.type = KOMET_C_CI_NA_1;
    world_send(&world, counters, (struct komet_object){.qualifier = 2});
    assert_int_equal(world.centre.frame_count, 15);
    world_assert_frame(&world, 13, 15, KOMET_COT_COUNTERS_GENERAL + 2, false);
    assert_int_equal(world_frame(&world, 13).count, 2);
    world_end(&world);
}

/* ---- the station ---- */

static void test_a_command_with_an_old_time_tag(void **state)
{
    struct komet_asdu_header timed = act;
    struct komet_object object = {.ioa = EITHER, .value.single = true};
    (void)state;
    timed.type = KOMET_C_SC_TA_1;
    for (unsigned discarded = 0; discarded < 2; discarded++) {
        struct world world;
        begin(&world);
        world.plan.station.command_age_ms = 5000;
        world.plan.station.too_old = discarded ? KOMET_TOO_OLD_DISCARDED : KOMET_TOO_OLD_REFUSED;
        world_start(&world);
        centre_start(&world.centre);
        komet_cp56_from_utc(&object.time, (struct komet_utc){world.centre.now.utc.ms - 5000}, 0);
        world_send(&world, timed, object);
        assert_confirmed(&world, 0, true);
        world.centre.frame_count = 0;
        world.centre.note_count = 0;
        world_advance(&world, 1);
        world_send(&world, timed, object);
        assert_int_equal(world.centre.frame_count, discarded ? 0 : 1);
        if (!discarded) {
            assert_confirmed(&world, 0, false);
        }
        assert_non_null(strstr(world.centre.notes[0], "time tag"));
        assert_int_equal(rtu_counters(world.rtu).too_old, 1);
        assert_int_equal(rtu_counters(world.rtu).commands, 1);
        world_end(&world);
    }
}

static void test_a_clock_that_is_not_set_from_outside(void **state)
{
    struct komet_asdu_header clock = act;
    struct world world;
    (void)state;
    begin(&world);
    world.plan.station.clock_sync = false;
    world_start(&world);
    centre_start(&world.centre);
    clock.type = KOMET_C_CS_NA_1;
    world_send(&world, clock, (struct komet_object){.time = {.day = 1, .month = 2, .year = 26}});
    assert_confirmed(&world, 0, false);
    world_end(&world);
}

static void test_the_global_address_in_the_answer(void **state)
{
    (void)state;
    for (unsigned once = 0; once < 2; once++) {
        struct world world;
        begin(&world);
        world.plan.station.broadcast_once = once != 0;
        world_start(&world);
        centre_start(&world.centre);
        world_interrogate(&world, 0xFFFF, 36);
        assert_int_equal(world.centre.frame_count, 3);
        assert_int_equal(world_frame(&world, 0).ca, once ? 0xFFFF : 1);
        assert_int_equal(world_frame(&world, 1).ca, 1);
        assert_int_equal(world_frame(&world, 2).ca, once ? 0xFFFF : 1);
        world_end(&world);
    }
}

static void test_the_end_of_initialization_is_first(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    world.plan.end_of_initialization = true;
    world_start(&world);
    rtu_event(world.rtu, world.centre.now, 101, 1);
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 2);
    world_assert_frame(&world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false);
    assert_int_equal(world_object(&world, 0, 0).qualifier, 0); /* power on */
    world_assert_frame(&world, 1, 30, KOMET_COT_SPONTANEOUS, false);
    centre_disconnect(&world.centre);
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 2); /* once, when it is acknowledged */
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_select_may_be_required_or_refused),
        cmocka_unit_test(test_a_selection_runs_out_and_can_be_taken_back),
        cmocka_unit_test(test_a_selection_ends_with_its_connection),
        cmocka_unit_test(test_a_set_point_out_of_range_is_refused),
        cmocka_unit_test(test_a_set_point_out_of_range_is_limited),
        cmocka_unit_test(test_groups_have_their_points),
        cmocka_unit_test(test_a_command_with_an_old_time_tag),
        cmocka_unit_test(test_a_clock_that_is_not_set_from_outside),
        cmocka_unit_test(test_the_global_address_in_the_answer),
        cmocka_unit_test(test_the_end_of_initialization_is_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
