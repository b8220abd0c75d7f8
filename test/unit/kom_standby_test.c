/* The KOM's engine with a line that stands by: when it is connected, and what it sends in which role. */
#include "kom_harness.h"

#include <string.h>

/* Line A is warm, line B is cold; the server has told us that we are passive. */
static struct world *passive(void **state)
{
    struct world *world = *state;
    world->process->lines[LINE_A].standby = STANDBY_WARM;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    assert_false(world->lines[LINE_A].asked); /* nobody has said what we are */
    world_role(world, false, 0);
    return world;
}

static struct world *standing_by(void **state)
{
    struct world *world = passive(state);
    world_accept(world, LINE_A);
    return world;
}

static struct komet_link_counters at_station(const struct world *world)
{
    struct komet_link_counters counters;
    assert_non_null(world->lines[LINE_A].link);
    komet_link_counters(world->lines[LINE_A].link, &counters);
    return counters;
}

/* Whatever came to the station was a test frame. */
static void assert_only_test_frames(const struct world *world)
{
    struct komet_link_counters got = at_station(world);
    assert_true(got.i_received == 0 && got.s_received == 0 && got.octets_received == 6 * got.u_received);
    assert_int_equal(komet_link_state(world->lines[LINE_A].link), KOMET_LINK_STOPPED);
}

static uint32_t newest_reach(struct world *world)
{
    return world_newest(world, BODY(LINE_REPORT))->line_report->reach;
}

static void test_passive_the_warm_line_connects_and_the_cold_one_does_not(void **state)
{
    struct world *world = passive(state);
    assert_true(world->lines[LINE_A].asked);
    assert_false(world->lines[LINE_B].asked);
    world_accept(world, LINE_A);
    assert_int_equal(newest_reach(world), REACH_YES);
    assert_int_equal(world_newest(world, BODY(LINE_REPORT))->line_report->connections[0]->state,
                     CONNECTION_STOPPED);
    world_live(world, KOMET_SECONDS(60));
    assert_only_test_frames(world);
    assert_true(at_station(world).u_received > 0);
    assert_int_equal(world_said(world, BODY(BATCH)), 0);
    assert_int_equal(world_said(world, BODY(STATION_REPORT)), 0);
}

static void test_a_warm_take_over_is_startdt_at_once(void **state)
{
    struct world *world = standing_by(state);
    world_live(world, KOMET_SECONDS(5));
    world_forget(world);
    world_role(world, true, KOM_TEST_EPOCH);
    assert_false(world->lines[LINE_A].asked);
    assert_true(world->lines[LINE_B].asked);
    assert_int_equal(komet_link_state(world->lines[LINE_A].link), KOMET_LINK_STARTED);
    assert_int_equal(world->lines[LINE_A].asdu[0], KOMET_C_IC_NA_1);
    world_change(world, LINE_A, 1);
    assert_int_equal(world_said(world, BODY(BATCH)), 1);
}

static void test_a_hand_over_resets_and_stands_by_anew(void **state)
{
    struct world *world = standing_by(state);
    world_role(world, true, KOM_TEST_EPOCH);
    world_change(world, LINE_A, 1);
    world_role(world, false, 0);
    assert_true(world->lines[LINE_A].aborted);
    assert_int_equal(world->lines[LINE_A].reason, KOMET_BECAME_PASSIVE);
    assert_int_equal(world->lines[LINE_A].acknowledged, 0); /* not stored: the station sends it to the next */
    world_assert_stopped(world, KOM_TEST_EPOCH);
    world_live(world, KOMET_MS(900));
    assert_false(world->lines[LINE_A].asked); /* the next one comes first */
    world_live(world, KOMET_MS(200));
    world_accept(world, LINE_A);
    world_live(world, KOMET_SECONDS(30));
    assert_only_test_frames(world);
}

static void test_without_a_server_it_goes_on_standing_by(void **state)
{
    struct world *world = standing_by(state);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_non_null(world->lines[LINE_A].link);
    for (int i = 0; i < 1200; i++) {
        world_advance(world, KOMET_MS(50));
    }
    assert_only_test_frames(world);
    assert_true(at_station(world).u_received > 0);
}

static void test_who_acted_is_silent_until_a_server_says_what_it_is(void **state)
{
    struct world *world = standing_by(state);
    world_role(world, true, KOM_TEST_EPOCH);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_true(world->lines[LINE_A].aborted);
    for (int i = 0; i < 1200; i++) {
        world_advance(world, KOMET_MS(50));
    }
    assert_false(world->lines[LINE_A].asked);
}

static void test_a_lease_that_ran_out_resets_and_stands_by_when_that_is_said(void **state)
{
    struct world *world = standing_by(state);
    world_role(world, true, KOM_TEST_EPOCH);
    world_change(world, LINE_A, 1);
    world->lines[LINE_A].aborted = false;
    world_advance(world, KOM_TEST_OWN);
    assert_true(world->lines[LINE_A].aborted);
    assert_int_equal(world->lines[LINE_A].reason, KOMET_NO_SERVER); /* a reset, and no STOPDT */
    assert_null(world->lines[LINE_A].link);
    assert_int_equal(world_newest(world, BODY(STOPPED))->stopped->epoch, KOM_TEST_EPOCH);
    world_live(world, KOMET_MS(1100));
    world_accept(world, LINE_A);
    assert_only_test_frames(world);
}

static void test_data_to_a_passive_instance_goes_nowhere(void **state)
{
    struct world *world = standing_by(state);
    static const uint8_t i_format[] = {0x68, 0x0E, 0, 0, 0, 0, 1, 1, 3, 0, 1, 0, 1, 0, 0, 1};
    world_forget(world);
    size_t taken = kom_line_feed(world->kom, world->now, LINE_A, world->lines[LINE_A].connection, i_format,
                                 sizeof i_format);
    assert_int_equal(taken, sizeof i_format);
    world_pump(world);
    assert_true(world->lines[LINE_A].aborted);
    assert_int_equal(world->lines[LINE_A].reason, KOMET_NOT_STARTED);
    assert_int_equal(world_said(world, BODY(BATCH)), 0);
    assert_int_equal(newest_reach(world), REACH_NO);
}

static void test_an_instance_that_ends_stands_by_no_more(void **state)
{
    struct world *world = passive(state);
    world_accept(world, LINE_A);
    world_role(world, true, KOM_TEST_EPOCH);
    kom_leave(world->kom, world->now);
    world_pump(world);
    world_role(world, false, 0);
    assert_int_equal(world->ends, 1);
    world_live(world, KOMET_SECONDS(5));
    assert_false(world->lines[LINE_A].asked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_passive_the_warm_line_connects_and_the_cold_one_does_not),
        TEST(test_a_warm_take_over_is_startdt_at_once),
        TEST(test_a_hand_over_resets_and_stands_by_anew),
        TEST(test_without_a_server_it_goes_on_standing_by),
        TEST(test_who_acted_is_silent_until_a_server_says_what_it_is),
        TEST(test_a_lease_that_ran_out_resets_and_stands_by_when_that_is_said),
        TEST(test_data_to_a_passive_instance_goes_nowhere),
        TEST(test_an_instance_that_ends_stands_by_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
