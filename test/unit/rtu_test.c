/* A simulated station against a controlling link: its events, and the patterns that make them. */
#include "support.h"

#include "rtu_world.h"

static void test_rows_are_in_order_of_address(void **state)
{
    static const struct rtu_point turned[] = {{.ioa = 5, .type = 30, .count = 1},
                                              {.ioa = 1, .type = 30, .count = 1}};
    static const struct rtu_point overlapping[] = {{.ioa = 1, .type = 30, .count = 5},
                                                   {.ioa = 5, .type = 36, .count = 1}};
    struct rtu_plan plan = rtu_plan_standard();
    size_t row;
    (void)state;
    plan.points = turned;
    plan.point_count = 2;
    assert_non_null(rtu_plan_fault(&plan, &row));
    assert_int_equal(row, 1);
    plan.points = overlapping;
    assert_non_null(rtu_plan_fault(&plan, &row));
    plan.point_count = 1;
    assert_null(rtu_plan_fault(&plan, &row));
}

/* ---- events ---- */

static void test_nothing_is_sent_before_data_transfer(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    centre_connect(&world.centre, 1);
    assert_true(rtu_event(world.rtu, world.centre.now, 1001, 1));
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 0);
    komet_link_start(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 1);
    komet_link_stop(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    assert_int_equal(komet_link_state(world.centre.link), KOMET_LINK_STOPPED);
    assert_true(rtu_event(world.rtu, world.centre.now, 1001, 0));
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 1);
    komet_link_start(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 2); /* only the new one: the other was acknowledged */
    world_end(&world);
}

static void test_events_keep_their_order_and_time(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    int64_t first_ms = world.centre.now.utc.ms;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(rtu_event(world.rtu, world.centre.now, 1001 + i % 2, i % 3 == 0));
        world_advance(&world, 7);
    }
    assert_true(rtu_event(world.rtu, world.centre.now, 3002, 1.1));
    assert_true(rtu_event(world.rtu, world.centre.now, 1001, 1));
    assert_false(rtu_event(world.rtu, world.centre.now, 5001, 1)); /* a command is no point of the process */
    assert_false(rtu_event(world.rtu, world.centre.now, 9999, 1));
    centre_start(&world.centre);
    assert_int_equal(world.centre.event_count, 7);
    assert_true(world.centre.events[5].number == (double)1.1f);
    assert_int_equal(world.centre.frame_count, 3); /* 5 of type 30, 1 of 36, 1 of 30 */
    world_assert_frame(&world, 0, 30, KOMET_COT_SPONTANEOUS, false);
    assert_int_equal(world_frame(&world, 0).count, 5);
    for (unsigned i = 0; i < 5; i++) {
        struct komet_object got = world_object(&world, 0, i);
        assert_int_equal(got.ioa, 1001 + i % 2);
        assert_int_equal(got.value.single, i % 3 == 0);
        assert_true(komet_cp56_to_utc(&got.time, world.centre.now.utc).ms == first_ms + 7 * i);
    }
    world_assert_frame(&world, 1, 36, KOMET_COT_SPONTANEOUS, false);
    world_assert_frame(&world, 2, 30, KOMET_COT_SPONTANEOUS, false);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 7);
    world_end(&world);
}

static void test_unacknowledged_events_are_repeated_unchanged(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(rtu_event(world.rtu, world.centre.now, 1001, i % 2));
        centre_pump(&world.centre);
        world_advance(&world, 11);
    }
    assert_int_equal(world.centre.frame_count, 4);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 2); /* N(R) covers two of them */
    centre_pump(&world.centre);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 2);
    centre_disconnect(&world.centre);
    world_advance(&world, 100000);
    world.centre.acknowledge = true;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 5); /* both that were left, in one ASDU */
    assert_int_equal(world_frame(&world, 4).count, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct komet_object before = world_object(&world, 2 + i, 0), after = world_object(&world, 4, i);
        assert_int_equal(before.ioa, after.ioa);
        assert_int_equal(before.octets_size, after.octets_size);
        assert_memory_equal(before.octets, after.octets, after.octets_size);
    }
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 4);
    centre_disconnect(&world.centre);
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 5); /* nothing a second time */
    world_end(&world);
}

static void test_a_newer_connection_replaces_the_older(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    rtu_event(world.rtu, world.centre.now, 1001, 1);
    centre_pump(&world.centre);
    world.centre.acknowledge = true;
    centre_start(&world.centre); /* without a close before it */
    assert_int_equal(world.centre.frame_count, 2);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 1);
    world_end(&world);
}

static void test_the_window_holds_events_back(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.k = 3;
    world.plan.w = 2;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < 10; i++) {
        rtu_event(world.rtu, world.centre.now, 1001, i % 2);
        centre_pump(&world.centre);
    }
    assert_int_equal(world.centre.frame_count, 3);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 3);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 4);
    assert_int_equal(world_frame(&world, 3).count, 7);
    world_end(&world);
}

static void test_a_full_ring_drops_the_oldest_and_counts(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.events = 5;
    world_start(&world);
    for (unsigned i = 0; i < 8; i++) {
        rtu_event(world.rtu, world.centre.now, 3001, i);
        centre_pump(&world.centre);
    }
    centre_start(&world.centre);
    assert_int_equal(rtu_counters(world.rtu).events_lost, 3);
    assert_int_equal(rtu_counters(world.rtu).events_generated, 8);
    assert_int_equal(world_frame(&world, 0).count, 5);
    assert_true(world_object(&world, 0, 0).value.real == 3);
    assert_true(world_object(&world, 0, 4).value.real == 7);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 5);
    assert_true(world.centre.note_count > 0);
    world_end(&world);
}

/* Events that gave way although they were under way: the N(R) for them must not take others along. */
static void test_a_full_ring_while_frames_are_under_way(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.events = 4;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < 6; i++) {
        rtu_event(world.rtu, world.centre.now, 3001, i);
        centre_pump(&world.centre);
    }
    assert_int_equal(world.centre.frame_count, 6);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant,
                           3); /* of which the ring has only the third */
    centre_pump(&world.centre);
    assert_int_equal(rtu_counters(world.rtu).events_lost, 2);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 1);
    centre_disconnect(&world.centre);
    world.centre.acknowledge = true;
    centre_start(&world.centre);
    assert_int_equal(world_frame(&world, 6).count, 3);
    assert_true(world_object(&world, 6, 0).value.real == 3);
    world_end(&world);
}

/* ---- patterns in the station ---- */

static void test_toggling_points_are_spread_and_end(void **state)
{
    static const struct rtu_point points[] = {
        {.ioa = 1,
         .type = 30,
         .count = 10,
         .pattern = {RTU_TOGGLE, .period_us = KOMET_MS(100), .for_us = KOMET_MS(250)}}};
    struct world world;
    (void)state;
    world_begin(&world, points, 1);
    world_start(&world);
    int64_t start_ms = world.centre.now.utc.ms;
    for (unsigned i = 0; i < 200; i++) { /* never late: the deadline is the next change */
        struct komet_instant deadline = rtu_deadline(world.rtu);
        if (deadline.us == KOMET_NEVER.us) {
            break;
        }
        world_advance(&world, komet_elapsed_us(deadline, world.centre.now.instant) / 1000);
        world_tick(&world);
    }
    assert_int_equal(world.centre.event_count, 25);
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(world.centre.events[i].ioa, 1 + i % 10);
        assert_true(world.centre.events[i].number == (i / 10 % 2 == 0 ? 1 : 0));
        assert_true(world.centre.events[i].time.ms == start_ms + 10 * (i + 1));
    }
    world_end(&world);
}

static void test_a_late_tick_makes_the_same_events(void **state)
{
    static const struct rtu_point points[] = {
        {.ioa = 1, .type = 30, .count = 1, .pattern = {RTU_TOGGLE, .period_us = KOMET_MS(100)}},
        {.ioa = 2, .type = 30, .count = 1, .pattern = {RTU_TOGGLE, .period_us = KOMET_MS(70)}}};
    struct world world;
    (void)state;
    world_begin(&world, points, 2);
    world.plan.events = 3; /* they are told in portions, and none is lost untold */
    world_start(&world);
    int64_t start_ms = world.centre.now.utc.ms;
    world_advance(&world, 1000);
    for (unsigned i = 0; i < 10; i++) {
        world_tick(&world);
    }
    assert_int_equal(world.centre.event_count, 10 + 14);
    for (unsigned i = 1; i < world.centre.event_count; i++) {
        assert_true(world.centre.events[i].time.ms >= world.centre.events[i - 1].time.ms);
    }
    assert_true(world.centre.events[0].time.ms == start_ms + 70);
    assert_true(world.centre.events[23].time.ms == start_ms + 1000);
    world_end(&world);
}

static void test_a_replay_gives_its_events_at_their_times(void **state)
{
    static const struct rtu_timed timed[] = {
        {KOMET_MS(10), 3001, 1}, {KOMET_MS(10), 3002, 2}, {KOMET_MS(500), 3001, 3}};
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.replay = timed;
    world.plan.replay_count = 3;
    world_start(&world);
    world_advance(&world, 10);
    world_tick(&world);
    assert_int_equal(world.centre.event_count, 2);
    assert_true(rtu_deadline(world.rtu).us == world.centre.now.instant.us + KOMET_MS(490));
    world_advance(&world, 490);
    world_tick(&world);
    assert_int_equal(world.centre.event_count, 3);
    assert_true(world.centre.events[2].number == 3);
    assert_true(rtu_deadline(world.rtu).us == KOMET_NEVER.us);
    world_end(&world);
}

static void test_periodic_points_are_no_events(void **state)
{
    static const struct rtu_point points[] = {
        {.ioa = 1, .type = 13, .count = 60, .number = 4, .every_us = KOMET_SECONDS(1)}};
    struct world world;
    (void)state;
    world_begin(&world, points, 1);
    world_start(&world);
    world_advance(&world, 1000);
    world_tick(&world); /* nobody is there: nothing waits */
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 0);
    world_advance(&world, 1000);
    world_tick(&world);
    assert_int_equal(world.centre.frame_count, 2);
    world_assert_frame(&world, 0, 13, KOMET_COT_PERIODIC, false);
    assert_int_equal(world_frame(&world, 0).count + world_frame(&world, 1).count, 60);
    assert_int_equal(world.centre.event_count, 0);
    assert_false(rtu_event(world.rtu, world.centre.now, 1, 5));
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_in_order_of_address),
        cmocka_unit_test(test_nothing_is_sent_before_data_transfer),
        cmocka_unit_test(test_events_keep_their_order_and_time),
        cmocka_unit_test(test_unacknowledged_events_are_repeated_unchanged),
        cmocka_unit_test(test_a_newer_connection_replaces_the_older),
        cmocka_unit_test(test_the_window_holds_events_back),
        cmocka_unit_test(test_a_full_ring_drops_the_oldest_and_counts),
        cmocka_unit_test(test_a_full_ring_while_frames_are_under_way),
        cmocka_unit_test(test_toggling_points_are_spread_and_end),
        cmocka_unit_test(test_a_late_tick_makes_the_same_events),
        cmocka_unit_test(test_a_replay_gives_its_events_at_their_times),
        cmocka_unit_test(test_periodic_points_are_no_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
