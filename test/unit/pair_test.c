/* A simulated Sinaut pair against the other ends of its connections: who sends what, on which of them. */
#include "support.h"

#include "pair_world.h"

enum { A1 = 0, A2 = 1, B1 = 4, B2 = 5 };

#define assert_frame(world, at, text) assert_string_equal(world_frame(world, at), text)

static void begin(struct pair_world *world)
{
    world_begin(world);
    world_start(world);
    world_forget(world);
}

/* The first frame on a connection. */
static unsigned frame_on(const struct pair_world *world, unsigned connection)
{
    unsigned at = 0;
    while (at < world->frame_count && world->frames[at].connection != connection) {
        at++;
    }
    return at;
}

static void interrogate(struct pair_world *world, unsigned connection, uint16_t ca)
{
    world_send(
        world, connection,
        (struct komet_asdu_header){.type = KOMET_C_IC_NA_1, .cause = KOMET_COT_ACTIVATION, .oa = 7, .ca = ca},
        (struct komet_object){.qualifier = 20});
}

static void command(struct pair_world *world, unsigned connection, uint16_t ca, uint32_t ioa, bool on)
{
    world_send(
        world, connection,
        (struct komet_asdu_header){.type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .oa = 7, .ca = ca},
        (struct komet_object){.ioa = ioa, .value.single = on});
}

/* ---- connections ---- */

static void test_four_connections_are_started_and_hot_interrogates(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world_start(&world);
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        bool there = c == A1 || c == A2 || c == B1 || c == B2;
        assert_int_equal(world.ends[c].link != NULL, there);
        assert_true(!there || komet_link_state(world.ends[c].link) == KOMET_LINK_STARTED);
    }
    assert_int_equal(world.frame_count, 1);
    assert_frame(&world, 0, "a1 100 6 65535 0=0");
    world_end(&world);
}

static void test_it_is_connected_to(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.plan.connects = false;
    world.plan.partners = 2;
    world_start(&world);
    assert_true(pair_listens(world.pair, 0, 0) && pair_listens(world.pair, 1, 1));
    world_connect(&world, PAIR_CONNECTION(0, 1, 1));
    assert_int_equal(world.frame_count, 1);
    assert_frame(&world, 0, "a2 100 6 65535 0=0");
    world_connect(&world, PAIR_CONNECTION(1, 0, 0));
    assert_int_equal(world.frame_count, 1); /* a standby is silent */
    world_obey(&world, "lose path a2");
    assert_null(world.ends[PAIR_CONNECTION(0, 1, 1)].link);
    assert_false(pair_listens(world.pair, 0, 1));
    world_obey(&world, "lose all");
    assert_false(pair_listens(world.pair, 1, 0));
    world_obey(&world, "restore all");
    assert_true(pair_listens(world.pair, 0, 1) && pair_listens(world.pair, 1, 0));
    world_end(&world);
}

static void test_attempts_are_repeated(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.refused = 1u << A1;
    world_start(&world);
    assert_null(world.ends[A1].link);
    world.refused = 0;
    world_advance(&world, 4990);
    assert_null(world.ends[A1].link);
    world_advance(&world, 20);
    assert_non_null(world.ends[A1].link);
    world_end(&world);
}

/* ---- events ---- */

static void test_events_go_to_the_partner_from_hot_only(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "value 2,1 0,0,11 1");
    world_obey(&world, "value 3 5 2.5");
    assert_int_equal(world.frame_count, 2);
    assert_frame(&world, 0, "a1 30 3 513 11=1");
    assert_frame(&world, 1, "a1 36 3 3 5=2.5");
    assert_int_equal(world.event_count, 2);
    assert_int_equal(pair_counters(world.pair).events_acknowledged, 2);
    world_obey(&world, "value 4 5 1");
    assert_true(world_said(&world, "4, 5 is no point"));
    world_end(&world);
}

static void test_what_is_not_acknowledged_goes_again_over_the_other_path(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "value 513 11 1");
    world.acknowledge = false;
    world_obey(&world, "value 513 11 0");
    world_obey(&world, "value 513 12 1");
    world_forget(&world);
    world_obey(&world, "lose path a1");
    assert_int_equal(world.frame_count, 2);
    assert_frame(&world, 0, "a2 100 6 65535 0=0");
    assert_frame(&world, 1, "a2 30 3 513 11=0,12=1");
    world_obey(&world, "restore path a1");
    world_obey(&world, "value 513 11 1");
    assert_int_equal(world.frame_count, 3); /* no way back */
    assert_frame(&world, 2, "a2 30 3 513 11=1");
    world_end(&world);
}

static void test_who_becomes_hot_sends_what_the_other_one_did_not(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world.acknowledge = false;
    world_obey(&world, "value 513 11 1");
    world_forget(&world);
    world.acknowledge = true;
    world_obey(&world, "hot b");
    assert_int_equal(world.frame_count, 2);
    assert_frame(&world, 0, "b1 100 6 65535 0=0");
    assert_frame(&world, 1, "b1 30 3 513 11=1");
    assert_int_equal(pair_counters(world.pair).events_acknowledged, 1);
    world_obey(&world, "value 513 11 0");
    assert_frame(&world, 2, "b1 30 3 513 11=0");
    world_end(&world);
}

static void test_events_wait_while_both_are_lost(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "lose all");
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        assert_null(world.ends[c].link);
    }
    world_obey(&world, "value 513 11 1");
    world_obey(&world, "value 513 12 1");
    world_advance(&world, 6000);
    world_forget(&world);
    world_obey(&world, "restore all");
    assert_frame(&world, 0, "a1 100 6 65535 0=0");
    assert_frame(&world, 1, "a1 30 3 513 11=1,12=1");
    world_end(&world);
}

static void test_a_partner_that_is_not_there_is_not_waited_for(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.plan.partners = 2;
    world.refused = 1u << PAIR_CONNECTION(0, 1, 0) | 1u << PAIR_CONNECTION(0, 1, 1);
    world_start(&world);
    world_obey(&world, "value 513 11 1");
    world.acknowledge = false;
    world_obey(&world, "value 513 12 1");
    world.refused = 0;
    world_forget(&world);
    world_advance(&world, 5100); /* not what the other one has; what it may not have */
    assert_frame(&world, 0, "a1 100 6 65535 0=0");
    assert_int_equal(world.frames[0].connection, PAIR_CONNECTION(0, 1, 0));
    assert_frame(&world, 1, "a1 30 3 513 12=1");
    assert_int_equal(world.frame_count, 2);
    world_end(&world);
}

static void test_the_oldest_events_give_way(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.plan.events = 2;
    world_start(&world);
    world_obey(&world, "lose all");
    world_obey(&world, "value 513 11 1");
    world_obey(&world, "value 513 11 0");
    world_obey(&world, "value 513 12 1");
    assert_int_equal(pair_counters(world.pair).events_lost, 1);
    world_forget(&world);
    world_obey(&world, "restore all");
    assert_frame(&world, 1, "a1 30 3 513 11=0,12=1");
    assert_int_equal(pair_counters(world.pair).events_acknowledged, 2);
    world_end(&world);
}

/* ---- who is HOT ---- */

static void test_the_standby_takes_over(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "lose system a");
    world_advance(&world, 1990);
    assert_int_equal(pair_hot(world.pair), 0);
    world_advance(&world, 20);
    assert_int_equal(pair_hot(world.pair), 1);
    world_obey(&world, "restore all");
    world_advance(&world, 10000);
    assert_int_equal(pair_hot(world.pair), 1);
    world_obey(&world, "lose path b1 b2"); /* nobody reaches it, and the other one is reached */
    world_advance(&world, 2100);
    assert_int_equal(pair_hot(world.pair), 0);
    world_end(&world);
}

static void test_nobody_takes_over_where_it_would_not_help(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "lose path a1 a2 b1 b2");
    world_advance(&world, 5000);
    assert_int_equal(pair_hot(world.pair), 0);
    world_obey(&world, "hot none");
    world_obey(&world, "lose system a");
    world_advance(&world, 5000);
    assert_int_equal(pair_hot(world.pair), PAIR_NOBODY);
    world_end(&world);
}

static void test_of_one_system_alone_only_hot_has_events(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.plan.systems = 2;
    world_start(&world);
    assert_null(world.ends[A1].link);
    world_obey(&world, "value 513 11 1");
    assert_int_equal(world.event_count, 0);
    world_obey(&world, "hot b");
    world_obey(&world, "value 513 11 0");
    assert_int_equal(world.event_count, 1);
    assert_frame(&world, world.frame_count - 1, "b1 30 3 513 11=0");
    world_end(&world);
}

/* ---- what is asked ---- */

static void test_an_interrogation_is_answered_by_hot(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    interrogate(&world, A1, 65535);
    assert_int_equal(world.frame_count, 6);
    assert_frame(&world, 0, "a1 100 7 65535 0=0");
    assert_frame(&world, 1, "a1 30 20 513 11=0,12=0");
    assert_frame(&world, 2, "a1 13 20 513 21=12.5");
    assert_frame(&world, 3, "a1 15 20 513 31=77");
    assert_frame(&world, 4, "a1 36 20 3 5=1");
    assert_frame(&world, 5, "a1 100 10 65535 0=0");
    world_forget(&world);
    interrogate(&world, A1, 3);
    assert_int_equal(world.frame_count, 3);
    assert_frame(&world, 1, "a1 36 20 3 5=1");
    interrogate(&world, A1, 9);
    assert_frame(&world, 3, "a1 100 46- 9 0=0");
    world_forget(&world);
    interrogate(&world, A2, 3); /* on the other path: answered on that which carries data */
    assert_frame(&world, 0, "a1 100 7 3 0=0");
    world_forget(&world);
    interrogate(&world, B1, 65535);
    assert_int_equal(world.frame_count, 0);
    assert_int_equal(pair_counters(world.pair).ignored, 1);
    world_end(&world);
}

static void test_a_command_is_executed_and_confirmed(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    command(&world, A1, 513, 41, true);
    assert_int_equal(world.frame_count, 3);
    assert_frame(&world, 0, "a1 45 7 513 41=1");
    assert_frame(&world, 1, "a1 45 10 513 41=1");
    assert_frame(&world, 2, "a1 30 3 513 11=1");
    assert_int_equal(world.frames[0].octets[3], 7); /* with the originator that it had */
    world_forget(&world);
    command(&world, A1, 513, 42, true);
    assert_frame(&world, 0, "a1 45 47- 513 42=1");
    command(&world, A1, 514, 41, true);
    assert_frame(&world, 1, "a1 45 46- 514 41=1");
    command(&world, B1, 513, 41, false);
    assert_int_equal(world.frame_count, 2);
    world_end(&world);
}

static void test_values_and_answers_of_the_other_end_are_told(void **state)
{
    struct pair_world world;
    struct komet_object value = {.ioa = 7, .value.real = 1.5f, .quality = KOMET_QUALITY_IV};
    (void)state;
    begin(&world);
    world_send(&world, B2,
               (struct komet_asdu_header){.type = 13, .cause = KOMET_COT_SPONTANEOUS, .oa = 7, .ca = 513},
               value);
    assert_int_equal(world.got_count, 1);
    assert_int_equal(world.got[0].connection, B2);
    assert_int_equal(world.got[0].ioa, 7);
    assert_true(world.got[0].number == 1.5);
    assert_int_equal(world.got[0].status, KOMET_QUALITY_IV);
    world_obey(&world, "command 513 77 50 2.5");
    assert_frame(&world, 0, "a1 50 6 513 77=2.5");
    world_send(&world, A1,
               (struct komet_asdu_header){
                   .type = 50, .cause = KOMET_COT_ACTIVATION_CON, .negative = true, .ca = 513},
               (struct komet_object){.ioa = 77, .value.real = 2.5f});
    assert_true(world_said(&world, "type 50 to 513, 77: activation confirmation, negative"));
    assert_true(world.got[1].negative);
    world_obey(&world, "interrogate b 513");
    assert_frame(&world, 1, "b1 100 6 513 0=0");
    world_end(&world);
}

/* ---- misbehaviour ---- */

static void test_late_confirmation(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "misbehave late-confirmation 3 s");
    command(&world, A1, 513, 41, true);
    assert_int_equal(world.frame_count, 1);
    assert_frame(&world, 0, "a1 30 3 513 11=1");
    assert_int_equal(komet_elapsed_us(pair_deadline(world.pair), world.now.instant), KOMET_SECONDS(3));
    world_advance(&world, 2990);
    assert_int_equal(world.frame_count, 1);
    world_advance(&world, 10);
    assert_frame(&world, 1, "a1 45 7 513 41=1");
    assert_frame(&world, 2, "a1 45 10 513 41=1");
    world_end(&world);
}

static void test_other_misbehaviour(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "misbehave no-confirmation a");
    command(&world, A1, 513, 41, true);
    interrogate(&world, A1, 65535);
    assert_int_equal(world.frame_count, 0);
    world_obey(&world, "behave");
    world_obey(&world, "misbehave no-termination");
    command(&world, A1, 513, 41, true);
    assert_int_equal(world.frame_count, 2);
    interrogate(&world, A1, 3);
    assert_int_equal(world.frame_count, 4);
    world_obey(&world, "behave no-termination");
    world_forget(&world);
    world_obey(&world, "misbehave negative");
    command(&world, A1, 513, 41, false);
    assert_int_equal(world.frame_count, 1);
    assert_frame(&world, 0, "a1 45 7- 513 41=0");
    world_obey(&world, "behave");
    world_forget(&world);
    world_obey(&world, "misbehave wrong-ca a");
    command(&world, A1, 513, 41, false);
    assert_frame(&world, 0, "a1 45 7 65534 41=0");
    assert_frame(&world, 2, "a1 30 3 65534 11=0");
    world_end(&world);
}

static void test_a_standby_that_sends_and_marks(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "value 513 11 1");
    world_obey(&world, "misbehave standby-sends b");
    world_obey(&world, "misbehave mark-cf3 b");
    world_forget(&world);
    world_obey(&world, "value 513 11 0");
    assert_int_equal(world.frame_count, 2); /* not what was before */
    unsigned b = frame_on(&world, B1);
    assert_frame(&world, frame_on(&world, A1), "a1 30 3 513 11=0");
    assert_frame(&world, b, "b1 30 3 513 11=0");
    assert_false(world.frames[1 - b].marked);
    assert_true(world.frames[b].marked);
    assert_int_equal(pair_counters(world.pair).events_acknowledged, 2);
    world_obey(&world, "behave mark-cf3");
    world_obey(&world, "misbehave mark-test b");
    world_forget(&world);
    world_obey(&world, "value 513 11 1");
    b = frame_on(&world, B1);
    assert_frame(&world, b, "b1 30 3T 513 11=1");
    assert_false(world.frames[b].marked);
    world_end(&world);
}

/* ---- frozen, blocked ---- */

static void test_a_frozen_path_is_left_after_t1(void **state)
{
    struct pair_world world;
    (void)state;
    begin(&world);
    world_obey(&world, "freeze path a1");
    world_obey(&world, "value 513 11 1");
    assert_int_equal(world.frame_count, 0);
    world_advance(&world, 14990);
    assert_int_equal(world.frame_count, 0);
    world_advance(&world, 20);
    assert_frame(&world, 0, "a2 100 6 65535 0=0");
    assert_frame(&world, 1, "a2 30 3 513 11=1");
    assert_non_null(world.ends[A1].link); /* the other end has seen nothing */
    world_obey(&world, "restore path a1");
    assert_non_null(world.ends[A1].link); /* a new one */
    assert_int_equal(world.ends[A1].reason, KOMET_CONNECTION_RESET);
    world_end(&world);
}

static void test_a_blocked_path_holds_up_no_other(void **state)
{
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.plan.partners = 2;
    world_start(&world);
    world_forget(&world);
    world.blocked = 1u << A1;
    world_obey(&world, "value 513 11 1");
    assert_int_equal(world.frame_count, 1);
    assert_int_equal(world.frames[0].connection, PAIR_CONNECTION(0, 1, 0));
    world.blocked = 0;
    pair_writable(world.pair, A1);
    world_pump(&world);
    assert_int_equal(world.frame_count, 2);
    assert_int_equal(world.frames[1].connection, A1);
    world_end(&world);
}

/* ---- script, patterns ---- */

static void test_a_script_is_obeyed_in_its_time(void **state)
{
    static const struct pair_step script[] = {
        {KOMET_MS(500), {.kind = PAIR_ORDER_VALUE, .ca = 513, .ioa = 11, .number = 1}},
        {KOMET_SECONDS(1), {.kind = PAIR_ORDER_HOT, .system = 1}},
    };
    struct pair_world world;
    (void)state;
    world_begin(&world);
    world.plan.script = script;
    world.plan.script_count = 2;
    world_start(&world);
    assert_int_equal(komet_elapsed_us(pair_deadline(world.pair), world.now.instant), KOMET_MS(500));
    world_advance(&world, 500);
    assert_frame(&world, 1, "a1 30 3 513 11=1");
    world_advance(&world, 500);
    assert_int_equal(pair_hot(world.pair), 1);
    world_end(&world);
}

static void test_patterns_make_events(void **state)
{
    static const struct rtu_point points[] = {
        {.ioa = 1, .type = 30, .count = 4, .pattern = {.kind = RTU_TOGGLE, .period_us = KOMET_MS(4)}}};
    struct rtu_plan station = rtu_plan_standard();
    struct pair_world world;
    (void)state;
    world_begin(&world);
    station.points = points;
    station.point_count = 1;
    world.plan.stations = &station;
    world.plan.station_count = 1;
    world_start(&world);
    world_advance(&world, 100);
    assert_int_equal(world.event_count, 100);
    assert_int_equal(pair_counters(world.pair).events_acknowledged, 100);
    world_end(&world);
}

/* ---- plans ---- */

static void test_impossible_plans_are_refused(void **state)
{
    struct pair_world world;
    struct rtu_plan twice[2];
    (void)state;
    world_begin(&world);
    struct pair_plan plan = world.plan;
    plan.partners = 3;
    assert_non_null(pair_plan_fault(&plan));
    plan = world.plan;
    plan.w = 13;
    assert_non_null(pair_plan_fault(&plan));
    plan = world.plan;
    plan.station_count = 0;
    assert_non_null(pair_plan_fault(&plan));
    twice[0] = twice[1] = world.plan.stations[0];
    plan.station_count = 2;
    plan.stations = twice;
    assert_non_null(pair_plan_fault(&plan));
    plan = world.plan;
    plan.hot = 2;
    assert_non_null(pair_plan_fault(&plan));
    plan.hot = PAIR_NOBODY;
    assert_null(pair_plan_fault(&plan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_connections_are_started_and_hot_interrogates),
        cmocka_unit_test(test_it_is_connected_to),
        cmocka_unit_test(test_attempts_are_repeated),
        cmocka_unit_test(test_events_go_to_the_partner_from_hot_only),
        cmocka_unit_test(test_what_is_not_acknowledged_goes_again_over_the_other_path),
        cmocka_unit_test(test_who_becomes_hot_sends_what_the_other_one_did_not),
        cmocka_unit_test(test_events_wait_while_both_are_lost),
        cmocka_unit_test(test_a_partner_that_is_not_there_is_not_waited_for),
        cmocka_unit_test(test_the_oldest_events_give_way),
        cmocka_unit_test(test_the_standby_takes_over),
        cmocka_unit_test(test_nobody_takes_over_where_it_would_not_help),
        cmocka_unit_test(test_of_one_system_alone_only_hot_has_events),
        cmocka_unit_test(test_an_interrogation_is_answered_by_hot),
        cmocka_unit_test(test_a_command_is_executed_and_confirmed),
        cmocka_unit_test(test_values_and_answers_of_the_other_end_are_told),
        cmocka_unit_test(test_late_confirmation),
        cmocka_unit_test(test_other_misbehaviour),
        cmocka_unit_test(test_a_standby_that_sends_and_marks),
        cmocka_unit_test(test_a_frozen_path_is_left_after_t1),
        cmocka_unit_test(test_a_blocked_path_holds_up_no_other),
        cmocka_unit_test(test_a_script_is_obeyed_in_its_time),
        cmocka_unit_test(test_patterns_make_events),
        cmocka_unit_test(test_impossible_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
