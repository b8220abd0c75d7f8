/* A simulated station against a controlling link: what it answers, and what a command does. */
#include "support.h"

#include "rtu_world.h"

static void test_an_interrogation_gives_all_but_counters(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.k = 2;
    world.plan.w = 1;
    world_start(&world);
    centre_start(&world.centre);
    world_interrogate(&world, 1, 20);
    assert_int_equal(world.centre.frame_count, 6);
    world_assert_frame(&world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(world_frame(&world, 0).oa, 3);
    world_assert_frame(&world, 1, 1, KOMET_COT_INTERROGATED_STATION, false);
    assert_true(world_frame(&world, 1).sq);
    assert_int_equal(world_frame(&world, 1).count, 3);
    assert_int_equal(world_object(&world, 2, 0).ioa, 1101);
    world_assert_frame(&world, 3, 3, KOMET_COT_INTERROGATED_STATION, false);
    world_assert_frame(&world, 4, 13, KOMET_COT_INTERROGATED_STATION, false);
    assert_true(world_object(&world, 4, 1).ioa == 3002 && world_object(&world, 4, 1).value.real == 12.5f);
    world_assert_frame(&world, 5, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    world_interrogate(&world, 0xFFFF, 25); /* a group, of any station: empty, answered in the own name */
    assert_int_equal(world.centre.frame_count, 8);
    world_assert_frame(&world, 6, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    world_assert_frame(&world, 7, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    world_interrogate(&world, 1, 99);
    world_assert_frame(&world, 8, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, true);
    world_end(&world);
}

static void test_answers_and_events_take_turns(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    world_interrogate(&world, 1, 20);
    rtu_event(world.rtu, world.centre.now, 1001, 1);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 1);
    for (unsigned i = 1; i < 7; i++) {
        komet_link_acknowledge(world.centre.link, world.centre.now.instant, i);
        centre_pump(&world.centre);
        assert_int_equal(world.centre.frame_count, i + 1);
    }
    world_assert_frame(&world, 1, 30, KOMET_COT_SPONTANEOUS, false);
    world_assert_frame(&world, 6, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    world_end(&world);
}

static void test_counters_clock_read_and_reset(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_CI_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    centre_start(&world.centre);
    world_send(&world, act, (struct komet_object){.qualifier = 5});
    assert_int_equal(world.centre.frame_count, 3);
    world_assert_frame(&world, 1, 15, KOMET_COT_COUNTERS_GENERAL, false);
    assert_int_equal(world_object(&world, 1, 1).value.number, 77);
    world_assert_frame(&world, 2, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    act.type = KOMET_C_CS_NA_1;
    world_send(&world, act, (struct komet_object){.time = {.day = 1, .month = 2, .year = 26, .minute = 7}});
    world_assert_frame(&world, 3, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION_CON, false);
    struct komet_object before = world_object(&world, 3, 0); /* the station's own time */
    assert_true(komet_cp56_to_utc(&before.time, world.centre.now.utc).ms == world.centre.now.utc.ms);
    act.type = KOMET_C_RP_NA_1;
    world_send(&world, act, (struct komet_object){.qualifier = 1});
    world_assert_frame(&world, 4, KOMET_C_RP_NA_1, KOMET_COT_ACTIVATION_CON, false);
    world_assert_frame(&world, 5, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false);
    act.type = KOMET_C_RD_NA_1;
    act.cause = KOMET_COT_REQUEST;
    world_send(&world, act, (struct komet_object){.ioa = 3002});
    world_assert_frame(&world, 6, 13, KOMET_COT_REQUEST, false);
    assert_int_equal(world_object(&world, 6, 0).ioa, 3002);
    assert_int_equal(world.centre.frame_count, 7);
    world_end(&world);
}

static void test_a_command_is_executed_and_its_feedback_is_an_event(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_SE_NC_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    double number;
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    centre_start(&world.centre);
    world_send(&world, act, (struct komet_object){.ioa = 5004, .value.real = 42.5f});
    assert_int_equal(world.centre.frame_count, 3);
    world_assert_frame(&world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, false);
    world_assert_frame(&world, 1, 36, KOMET_COT_SPONTANEOUS, false);
    assert_int_equal(world_object(&world, 1, 0).ioa, 3002);
    assert_true(world_object(&world, 1, 0).value.real == 42.5f);
    world_assert_frame(&world, 2, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_TERMINATION, false);

    act.type = KOMET_C_DC_TA_1; /* with a time tag: the same command */
    world_send(&world, act,
               (struct komet_object){.ioa = 5002, .value.number = 2, .time = {.day = 1, .month = 1}});
    assert_true(rtu_value(world.rtu, 2001, &number) && number == 2);
    act.type = KOMET_C_SC_NA_1;
    world.centre.frame_count = 0;
    world_send(&world, act, (struct komet_object){.ioa = 5001, .value.single = true, .select = true});
    assert_int_equal(world.centre.frame_count, 1); /* selected, not executed */
    assert_true(rtu_value(world.rtu, 1101, &number) && number == 0);
    world_send(&world, act, (struct komet_object){.ioa = 5001, .value.single = true});
    assert_true(rtu_value(world.rtu, 1101, &number) && number == 1);
    assert_int_equal(rtu_counters(world.rtu).commands, 3);
    act.type = KOMET_C_DC_NA_1;
    world.centre.frame_count = 0;
    world_send(&world, act, (struct komet_object){.ioa = 5002, .value.number = 3}); /* not permitted */
    assert_int_equal(world.centre.frame_count, 1);
    world_assert_frame(&world, 0, KOMET_C_DC_NA_1, KOMET_COT_ACTIVATION_CON, true);
    act.cause = KOMET_COT_DEACTIVATION;
    world_send(&world, act, (struct komet_object){.ioa = 5002, .value.number = 1}); /* nothing is selected */
    world_assert_frame(&world, 1, KOMET_C_DC_NA_1, KOMET_COT_DEACTIVATION_CON, true);
    world_end(&world);
}

/* What a command causes is seen behind its confirmation, also when both wait for the window. */
static void test_a_command_is_done_when_its_confirmation_leaves(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    double number;
    (void)state;
    world_begin_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    rtu_event(world.rtu, world.centre.now, 1001, 1);
    centre_pump(&world.centre);
    world_send(&world, act, (struct komet_object){.ioa = 5001, .value.single = true});
    assert_true(rtu_value(world.rtu, 1101, &number) && number == 0);
    assert_int_equal(world.centre.frame_count, 1);
    for (unsigned i = 1; i < 4; i++) {
        komet_link_acknowledge(world.centre.link, world.centre.now.instant, i);
        centre_pump(&world.centre);
    }
    assert_int_equal(world.centre.frame_count, 4);
    world_assert_frame(&world, 1, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    world_assert_frame(&world, 2, 30, KOMET_COT_SPONTANEOUS, false);
    world_assert_frame(&world, 3, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    world_end(&world);
}

static void test_a_command_does_not_wait_for_an_interrogation(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    world_begin_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    world_interrogate(&world, 1, 20);
    world_interrogate(&world, 1, 20); /* the same again is refused */
    world_send(&world, act, (struct komet_object){.ioa = 5001, .value.single = true});
    world.centre.acknowledge = true;
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 1);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 6 + 1 + 2 + 1);
    world_assert_frame(&world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    world_assert_frame(&world, 1, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, true);
    world_assert_frame(&world, 2, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    world_assert_frame(&world, 3, 30, KOMET_COT_SPONTANEOUS, false);
    world_assert_frame(&world, 4, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    world_assert_frame(&world, 5, 1, KOMET_COT_INTERROGATED_STATION, false);
    assert_int_equal(world_object(&world, 6, 0).ioa, 1101);
    assert_true(world_object(&world, 6, 0).value.single); /* as it is when it is sent */
    assert_int_equal(rtu_counters(world.rtu).interrogations, 1);
    world_end(&world);
}

static void test_what_is_unknown_is_mirrored(void **state)
{
    static const uint8_t type_200[] = {200, 1, 6, 0, 1, 0, 0, 0, 0, 9};
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    centre_start(&world.centre);
    world_send(&world, act, (struct komet_object){.ioa = 9999});
    world_assert_frame(&world, 0, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, true);
    world_send(&world, act, (struct komet_object){.ioa = 5002}); /* there, but of another type */
    world_assert_frame(&world, 1, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, true);
    act.cause = KOMET_COT_SPONTANEOUS;
    world_send(&world, act, (struct komet_object){.ioa = 5001});
    world_assert_frame(&world, 2, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_CAUSE, true);
    act.cause = KOMET_COT_ACTIVATION;
    act.ca = 7;
    world_send(&world, act, (struct komet_object){.ioa = 5001});
    assert_int_equal(world_frame(&world, 3).ca, 7);
    assert_int_equal(world_frame(&world, 3).cause, KOMET_COT_UNKNOWN_CA);
    act.ca = 1;
    act.type = 30; /* monitor direction */
    world_send(&world, act, (struct komet_object){.ioa = 1001, .time = {.day = 1, .month = 1}});
    world_assert_frame(&world, 4, 30, KOMET_COT_UNKNOWN_TYPE, true);
    centre_send(&world.centre, type_200, sizeof type_200);
    assert_int_equal(world.centre.frame_count, 6);
    assert_int_equal(world.centre.frames[5].octets[0], 200);
    assert_int_equal(world.centre.frames[5].octets[2], 0x40 | KOMET_COT_UNKNOWN_TYPE);
    assert_int_equal(rtu_counters(world.rtu).refused, 6);
    assert_int_equal(rtu_counters(world.rtu).commands, 0);
    world_end(&world);
}

static void test_a_malformed_asdu_closes(void **state)
{
    static const uint8_t short_one[] = {100, 1, 6, 0, 1, 0, 0};
    struct world world;
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    centre_start(&world.centre);
    centre_send(&world.centre, short_one, sizeof short_one);
    assert_true(world.centre.closed);
    assert_int_equal(world.centre.reason, KOMET_BAD_ASDU);
    centre_start(&world.centre);
    world_interrogate(&world, 1, 20);
    assert_true(world.centre.frame_count > 0);
    world_end(&world);
}

/* The centre, with `k`, sends `count` reads to a station that can send one frame; then it acknowledges. */
static void read_often(struct world *world, uint16_t k, unsigned count)
{
    const struct komet_asdu_header read = {.type = KOMET_C_RD_NA_1, .cause = KOMET_COT_REQUEST, .ca = 1};
    world_begin_station(world);
    world->plan.k = 1;
    world->plan.w = 1;
    world_start(world);
    world->centre.k = k;
    world->centre.acknowledge = false;
    centre_start(&world->centre);
    for (unsigned i = 0; i < count; i++) {
        world_send(world, read, (struct komet_object){.ioa = 1001 + i % 3});
    }
    assert_int_equal(world->centre.frame_count, 1);
    world->centre.acknowledge = true;
    komet_link_acknowledge(world->centre.link, world->centre.now.instant, 1);
    centre_pump(&world->centre);
    for (unsigned i = 0; i < world->centre.frame_count; i++) {
        world_assert_frame(world, i, 1, KOMET_COT_REQUEST, false);
        assert_int_equal(world_object(world, i, 0).ioa, 1001 + i % 3);
    }
    assert_true(komet_link_room(world->centre.link) > 0); /* what was held back is acknowledged */
}

/* They are not acknowledged, so a partner with the standard's k has no more to send. */
static void test_requests_beyond_the_answers_are_held_back(void **state)
{
    struct komet_link_settings standard = komet_link_settings_standard(KOMET_CONTROLLING);
    struct world world;
    (void)state;
    read_often(&world, standard.k, RTU_ANSWERS_MAX + standard.k);
    assert_int_equal(world.centre.frame_count, RTU_ANSWERS_MAX + standard.k);
    assert_int_equal(rtu_counters(world.rtu).answers_dropped, 0);
    world_end(&world);
}

static void test_requests_beyond_all_bounds_are_dropped_and_counted(void **state)
{
    struct world world;
    (void)state;
    read_often(&world, 200, RTU_ANSWERS_MAX + RTU_HELD_MAX + 4);
    assert_int_equal(world.centre.frame_count, RTU_ANSWERS_MAX + RTU_HELD_MAX);
    assert_int_equal(rtu_counters(world.rtu).answers_dropped, 4);
    world_end(&world);
}

static void test_what_is_held_back_ends_with_data_transfer(void **state)
{
    const struct komet_asdu_header read = {.type = KOMET_C_RD_NA_1, .cause = KOMET_COT_REQUEST, .ca = 1};
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < RTU_ANSWERS_MAX + 5; i++) {
        world_send(&world, read, (struct komet_object){.ioa = 1001});
    }
    world.centre.acknowledge = true;
    komet_link_stop(world.centre.link, world.centre.now.instant);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 1);
    centre_pump(&world.centre);
    assert_int_equal(komet_link_state(world.centre.link), KOMET_LINK_STOPPED);
    unsigned before = world.centre.frame_count;
    assert_true(before < 5);
    komet_link_start(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    world_send(&world, read, (struct komet_object){.ioa = 1002});
    assert_int_equal(world.centre.frame_count, before + 1);
    assert_int_equal(world_object(&world, before, 0).ioa, 1002);
    assert_int_equal(komet_link_room(world.centre.link),
                     komet_link_settings_standard(KOMET_CONTROLLING).k); /* all are acknowledged */
    world_end(&world);
}

static void test_a_reset_of_events_forgets_those_that_wait(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_RP_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    world_begin_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < 4; i++) {
        rtu_event(world.rtu, world.centre.now, 1001, i % 2);
        centre_pump(&world.centre);
    }
    world_send(&world, act, (struct komet_object){.qualifier = 2});
    rtu_event(world.rtu, world.centre.now, 1002, 1);
    world.centre.acknowledge = true;
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 1);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.event_count, 5); /* all are in the record */
    assert_int_equal(world.centre.frame_count, 3);
    assert_int_equal(world_object(&world, 0, 0).ioa, 1001); /* it was under way */
    bool first = world_frame(&world, 1).type == KOMET_C_RP_NA_1;
    world_assert_frame(&world, first ? 1 : 2, KOMET_C_RP_NA_1, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(world_object(&world, first ? 2 : 1, 0).ioa, 1002);
    assert_int_equal(world_frame(&world, first ? 2 : 1).count, 1);
    assert_int_equal(rtu_counters(world.rtu).events_lost, 3);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 2);
    world_end(&world);
}

/* "End of initialization" comes again until it is acknowledged. */
static void test_the_end_of_a_reset_is_told_until_it_is_known(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_RP_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    world_begin_station(&world);
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    world_send(&world, act, (struct komet_object){.qualifier = 1});
    assert_int_equal(world.centre.frame_count, 2);
    rtu_event(world.rtu, world.centre.now, 1001, 1);
    centre_disconnect(&world.centre);
    world.centre.acknowledge = true;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 4);
    world_assert_frame(&world, 2, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false); /* before any event */
    assert_int_equal(world_object(&world, 2, 0).qualifier, 2);
    world_assert_frame(&world, 3, 30, KOMET_COT_SPONTANEOUS, false);
    centre_disconnect(&world.centre);
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 4);
    act.type = KOMET_C_RP_NA_1;
    world_send(&world, act, (struct komet_object){.qualifier = 3});
    world_assert_frame(&world, 4, KOMET_C_RP_NA_1, KOMET_COT_ACTIVATION_CON, true);
    world_end(&world);
}

/* Events of protection equipment are no state. */
static void test_what_has_no_state_is_not_answered(void **state)
{
    static const struct rtu_point points[] = {{.ioa = 1, .type = 30, .count = 1},
                                              {.ioa = 2, .type = 38, .count = 2},
                                              {.ioa = 4, .type = 30, .count = 1}};
    const struct komet_asdu_header read = {.type = KOMET_C_RD_NA_1, .cause = KOMET_COT_REQUEST, .ca = 1};
    struct world world;
    (void)state;
    world_begin(&world, points, 3);
    world_start(&world);
    centre_start(&world.centre);
    assert_true(rtu_event(world.rtu, world.centre.now, 3, 2));
    assert_true(rtu_event(world.rtu, world.centre.now, 4, 1));
    centre_pump(&world.centre);
    world_assert_frame(&world, 0, 38, KOMET_COT_SPONTANEOUS, false);
    world_assert_frame(&world, 1, 30, KOMET_COT_SPONTANEOUS, false);
    world_interrogate(&world, 1, 20);
    assert_int_equal(world.centre.frame_count, 5);
    assert_int_equal(world_frame(&world, 3).count, 2);
    assert_true(world_object(&world, 3, 1).ioa == 4 && world_object(&world, 3, 1).value.single);
    world_send(&world, read, (struct komet_object){.ioa = 2});
    world_assert_frame(&world, 5, KOMET_C_RD_NA_1, KOMET_COT_UNKNOWN_IOA, true);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_interrogation_gives_all_but_counters),
        cmocka_unit_test(test_answers_and_events_take_turns),
        cmocka_unit_test(test_counters_clock_read_and_reset),
        cmocka_unit_test(test_a_command_is_executed_and_its_feedback_is_an_event),
        cmocka_unit_test(test_a_command_is_done_when_its_confirmation_leaves),
        cmocka_unit_test(test_a_command_does_not_wait_for_an_interrogation),
        cmocka_unit_test(test_what_is_unknown_is_mirrored),
        cmocka_unit_test(test_a_malformed_asdu_closes),
        cmocka_unit_test(test_requests_beyond_the_answers_are_held_back),
        cmocka_unit_test(test_requests_beyond_all_bounds_are_dropped_and_counted),
        cmocka_unit_test(test_what_is_held_back_ends_with_data_transfer),
        cmocka_unit_test(test_a_reset_of_events_forgets_those_that_wait),
        cmocka_unit_test(test_the_end_of_a_reset_is_told_until_it_is_known),
        cmocka_unit_test(test_what_has_no_state_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
