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
    assert_int_equal(world_object(&world, 3, 0).time.minute, 7);
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
    world_send(&world, act, (struct komet_object){.ioa = 5002, .value.number = 1});
    world_assert_frame(&world, 1, KOMET_C_DC_NA_1, KOMET_COT_DEACTIVATION_CON, false);
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

static void test_requests_beyond_the_queue_are_dropped_and_counted(void **state)
{
    struct world world;
    (void)state;
    world_begin_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    world_start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < RTU_ANSWERS_MAX + 4; i++) {
        world_interrogate(&world, 1, 21);
    }
    assert_int_equal(rtu_counters(world.rtu).answers_dropped, 4);
    world.centre.acknowledge = true;
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, world.centre.received);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 2 * RTU_ANSWERS_MAX);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_interrogation_gives_all_but_counters),
        cmocka_unit_test(test_answers_and_events_take_turns),
        cmocka_unit_test(test_counters_clock_read_and_reset),
        cmocka_unit_test(test_a_command_is_executed_and_its_feedback_is_an_event),
        cmocka_unit_test(test_what_is_unknown_is_mirrored),
        cmocka_unit_test(test_a_malformed_asdu_closes),
        cmocka_unit_test(test_requests_beyond_the_queue_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
