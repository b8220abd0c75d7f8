/* A line that stands by, cold and warm: what it does passive, and how it begins to act. */
#include "line_harness.h"

/* Standing by warm, nothing connected yet. */
static struct world *warm(void **state)
{
    struct world *world = *state;
    world->site.standby = STANDBY_WARM;
    line_again(world);
    line_stand_by(world->line, world->now);
    line_pump(world);
    return world;
}

/* The same, with the connection. */
static struct world *warm_connected(void **state)
{
    struct world *world = warm(state);
    line_accept(world);
    return world;
}

/* Time passes in steps of 100 ms. */
static void live(struct world *world, int64_t ms)
{
    for (; ms > 0; ms -= 100) {
        line_advance(world, 100);
        line_pump(world);
    }
}

static struct komet_link_counters at_station(const struct world *world)
{
    struct komet_link_counters counters;
    komet_link_counters(world->link, &counters);
    return counters;
}

static void assert_report(const struct world *world, enum connection_state state, enum line_reach reach)
{
    assert_int_equal(line_report(world->line).connections[0].state, state);
    assert_int_equal(line_report(world->line).reach, reach);
}

/* ---- passive ---- */

static void test_a_cold_line_connects_only_to_act(void **state)
{
    struct world *world = *state;
    line_stand_by(world->line, world->now);
    live(world, 60000);
    assert_false(world->asked);
    assert_report(world, CONNECTION_CLOSED, REACH_UNKNOWN);
    line_start(world);
    assert_report(world, CONNECTION_STARTED, REACH_YES);
}

static void test_a_warm_line_does_nothing_before_it_stands_by(void **state)
{
    struct world *world = *state;
    world->site.standby = STANDBY_WARM;
    line_again(world);
    live(world, 60000);
    assert_false(world->asked);
}

static void test_a_warm_line_sends_test_frames_only(void **state)
{
    struct world *world = warm_connected(state);
    assert_report(world, CONNECTION_STOPPED, REACH_YES);
    assert_int_equal(at_station(world).octets_received, 0); /* nothing at once */
    live(world, 120000);
    struct komet_link_counters got = at_station(world);
    assert_true(got.i_received == 0 && got.s_received == 0);
    assert_int_equal(got.octets_received, 6 * got.u_received);
    assert_in_range(got.u_received, 6, 12); /* TESTFR act and con, by t3 of 20 s on both ends */
    assert_int_equal(komet_link_state(world->link), KOMET_LINK_STOPPED); /* none of them was STARTDT act */
    assert_report(world, CONNECTION_STOPPED, REACH_YES);
    assert_int_equal(world->asdu_count, 0);
    assert_int_equal(world->station_value, 0); /* and has nothing to say of stations */
}

static void test_data_on_a_connection_that_was_not_started_closes_it(void **state)
{
    struct world *world = warm_connected(state);
    /* A station that began data transfer by itself. */
    static const uint8_t startdt_act[] = {0x68, 0x04, 0x07, 0, 0, 0};
    komet_link_feed(world->link, world->now.instant, startdt_act, sizeof startdt_act);
    line_pump(world);
    assert_report(world, CONNECTION_STOPPED, REACH_YES); /* its con is no data */
    line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                       (struct komet_object){.ioa = 1, .value.single = true});
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_NOT_STARTED);
    assert_int_equal(world->value_count, 0);
    assert_report(world, CONNECTION_CLOSED, REACH_NO);
}

static void test_a_warm_line_connects_again_to_its_hosts_in_turn(void **state)
{
    struct world *world = warm_connected(state);
    assert_string_equal(world->address->host, "10.0.0.1");
    line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
    world->link = NULL;
    line_pump(world);
    assert_report(world, CONNECTION_CLOSED, REACH_NO);
    live(world, 900);
    assert_false(world->asked);
    live(world, 200);
    assert_true(world->asked);
    assert_string_equal(world->address->host, "10.0.0.2");
    assert_report(world, CONNECTION_CONNECTING, REACH_NO);
    live(world, 31000); /* t0 */
    assert_int_equal(world->abort_reason, KOMET_T0_EXPIRED);
}

static void test_a_station_that_is_not_spoken_with_gets_no_warm_connection(void **state)
{
    struct world *world = warm_connected(state);
    line_set_mode(world->line, world->now, world->stations, STATION_DISABLED);
    line_pump(world);
    assert_true(world->aborted);
    assert_report(world, CONNECTION_CLOSED, REACH_UNKNOWN);
    live(world, 60000);
    assert_false(world->asked);
    line_set_mode(world->line, world->now, world->stations, 0);
    line_pump(world);
    assert_true(world->asked);
}

/* ---- into the role and out of it ---- */

static void test_to_act_is_to_start_the_connection_that_stands(void **state)
{
    struct world *world = warm_connected(state);
    uint32_t connection = world->connection;
    live(world, 5000);
    line_activate(world->line, world->now);
    line_pump(world);
    assert_false(world->asked);
    assert_int_equal(world->connection, connection);
    assert_report(world, CONNECTION_STARTED, REACH_YES);
    assert_int_equal(world->asdu_count, 1); /* and it interrogates */
    assert_int_equal(world->asdus[0][0], KOMET_C_IC_NA_1);
    assert_int_equal(world->station_value, STATION_ON);
}

static void test_to_act_while_it_connects_starts_when_it_has_connected(void **state)
{
    struct world *world = warm(state);
    line_activate(world->line, world->now);
    line_pump(world);
    assert_report(world, CONNECTION_CONNECTING, REACH_NO);
    line_accept(world);
    assert_report(world, CONNECTION_STARTED, REACH_YES);
}

static void test_to_act_waits_for_no_pause(void **state)
{
    struct world *world = warm_connected(state);
    line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
    world->link = NULL;
    line_pump(world);
    assert_false(world->asked);
    line_activate(world->line, world->now);
    line_pump(world);
    assert_true(world->asked);
}

static void test_a_started_connection_is_reset_and_a_new_one_stands_by(void **state)
{
    struct world *world = warm_connected(state);
    line_activate(world->line, world->now);
    line_pump(world);
    world->store = false;
    line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                       (struct komet_object){.ioa = 1, .value.single = true});
    uint32_t connection = world->connection;
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    line_stand_by(world->line, world->now);
    line_pump(world);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_BECAME_PASSIVE);
    assert_int_equal(world->acknowledged, 0); /* what is not stored stays with the station */
    assert_report(world, CONNECTION_CLOSED, REACH_NO);
    assert_false(world->asked); /* whoever acts now comes first */
    live(world, 1000);
    line_stored(world->line, world->now, connection, 1); /* too late: of a connection that is gone */
    line_accept(world);
    assert_true(world->connection > connection);
    assert_report(world, CONNECTION_STOPPED, REACH_YES);
    assert_int_equal(at_station(world).octets_received, 0);
}

static void test_silent_it_closes_what_stood_by(void **state)
{
    struct world *world = warm_connected(state);
    line_deactivate(world->line, world->now, KOMET_NO_SERVER);
    line_pump(world);
    assert_true(world->aborted);
    assert_report(world, CONNECTION_CLOSED, REACH_UNKNOWN);
    live(world, 60000);
    assert_false(world->asked);
}

static void test_a_command_is_not_taken_while_it_stands_by(void **state)
{
    struct world *world = warm_connected(state);
    line_give(world, 7, 2, 1);
    assert_int_equal(world->end_count, 1);
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    assert_int_equal(at_station(world).octets_received, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_set_up, line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_cold_line_connects_only_to_act),
        TEST(test_a_warm_line_does_nothing_before_it_stands_by),
        TEST(test_a_warm_line_sends_test_frames_only),
        TEST(test_data_on_a_connection_that_was_not_started_closes_it),
        TEST(test_a_warm_line_connects_again_to_its_hosts_in_turn),
        TEST(test_a_station_that_is_not_spoken_with_gets_no_warm_connection),
        TEST(test_to_act_is_to_start_the_connection_that_stands),
        TEST(test_to_act_while_it_connects_starts_when_it_has_connected),
        TEST(test_to_act_waits_for_no_pause),
        TEST(test_a_started_connection_is_reset_and_a_new_one_stands_by),
        TEST(test_silent_it_closes_what_stood_by),
        TEST(test_a_command_is_not_taken_while_it_stands_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
