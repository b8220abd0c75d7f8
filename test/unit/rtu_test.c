/* A simulated station against a controlling link, with the clock in the test. */
#include "support.h"

#include "centre.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partner/rtu.h"

struct world {
    struct rtu_plan plan;
    void *memory;
    struct rtu *rtu;
    struct centre centre;
};

static void advance(struct world *world, int64_t ms)
{
    world->centre.now.instant = komet_after(world->centre.now.instant, KOMET_MS(ms));
    world->centre.now.utc.ms += ms;
}

static void setup(struct world *world, const struct rtu_point *points, size_t count)
{
    *world = (struct world){0};
    centre_begin(&world->centre);
    world->plan = rtu_plan_standard();
    world->plan.points = points;
    world->plan.point_count = count;
}

static void start(struct world *world)
{
    size_t size = rtu_size(&world->plan);
    world->memory = malloc(size);
    assert_non_null(world->memory);
    world->rtu = rtu_init(world->memory, size, &world->plan, world->centre.now);
    world->centre.station.rtu = world->rtu;
}

static void finish(struct world *world)
{
    free(world->memory);
    centre_end(&world->centre);
}

static void tick(struct world *world)
{
    rtu_tick(world->rtu, world->centre.now);
    if (world->centre.link != NULL) {
        komet_link_tick(world->centre.link, world->centre.now.instant);
    }
    centre_pump(&world->centre);
}

static void send(struct world *world, struct komet_asdu_header header, struct komet_object object)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    assert_true(komet_asdu_begin(&writer, world->plan.profile, &header, octets, sizeof octets));
    assert_true(komet_asdu_add(&writer, &object));
    centre_send(&world->centre, octets, komet_asdu_end(&writer));
}

static struct komet_asdu frame(const struct world *world, unsigned at)
{
    struct komet_asdu asdu;
    assert_true(at < world->centre.frame_count);
    assert_int_equal(komet_asdu_decode(world->plan.profile, world->centre.frames[at].octets,
                                       world->centre.frames[at].size, &asdu),
                     KOMET_ASDU_OK);
    return asdu;
}

static struct komet_object object(const struct world *world, unsigned at, unsigned index)
{
    struct komet_asdu asdu = frame(world, at);
    struct komet_object found;
    assert_true(index < asdu.count);
    komet_asdu_object(&asdu, index, &found);
    return found;
}

static void assert_frame(const struct world *world, unsigned at, uint8_t type, uint8_t cause, bool negative)
{
    struct komet_asdu asdu = frame(world, at);
    assert_int_equal(asdu.type, type);
    assert_int_equal(asdu.cause, cause);
    assert_int_equal(asdu.negative, negative);
    assert_int_equal(asdu.ca, world->plan.ca);
}

static const struct rtu_point station[] = {
    {.ioa = 1001, .type = 30, .count = 3},
    {.ioa = 1101, .type = 30, .count = 1},
    {.ioa = 2001, .type = 31, .count = 1, .number = 1},
    {.ioa = 3001, .type = 36, .count = 2, .number = 12.5},
    {.ioa = 4001, .type = 37, .count = 2, .number = 77},
    {.ioa = 5001, .type = 45, .count = 1, .follows = 1101},
    {.ioa = 5002, .type = 46, .count = 1, .follows = 2001},
    {.ioa = 5003, .type = 50, .count = 2, .follows = 3001},
};

static void setup_station(struct world *world)
{
    setup(world, station, sizeof station / sizeof station[0]);
}

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
    setup_station(&world);
    start(&world);
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
    finish(&world);
}

static void test_events_keep_their_order_and_time(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    start(&world);
    int64_t first_ms = world.centre.now.utc.ms;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(rtu_event(world.rtu, world.centre.now, 1001 + i % 2, i % 3 == 0));
        advance(&world, 7);
    }
    assert_true(rtu_event(world.rtu, world.centre.now, 3002, 1.1));
    assert_true(rtu_event(world.rtu, world.centre.now, 1001, 1));
    assert_false(rtu_event(world.rtu, world.centre.now, 5001, 1)); /* a command is no point of the process */
    assert_false(rtu_event(world.rtu, world.centre.now, 9999, 1));
    centre_start(&world.centre);
    assert_int_equal(world.centre.event_count, 7);
    assert_true(world.centre.events[5].number == (double)1.1f);
    assert_int_equal(world.centre.frame_count, 3); /* 5 of type 30, 1 of 36, 1 of 30 */
    assert_frame(&world, 0, 30, KOMET_COT_SPONTANEOUS, false);
    assert_int_equal(frame(&world, 0).count, 5);
    for (unsigned i = 0; i < 5; i++) {
        struct komet_object got = object(&world, 0, i);
        assert_int_equal(got.ioa, 1001 + i % 2);
        assert_int_equal(got.value.single, i % 3 == 0);
        assert_true(komet_cp56_to_utc(&got.time, world.centre.now.utc).ms == first_ms + 7 * i);
    }
    assert_frame(&world, 1, 36, KOMET_COT_SPONTANEOUS, false);
    assert_frame(&world, 2, 30, KOMET_COT_SPONTANEOUS, false);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 7);
    finish(&world);
}

static void test_unacknowledged_events_are_repeated_unchanged(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(rtu_event(world.rtu, world.centre.now, 1001, i % 2));
        centre_pump(&world.centre);
        advance(&world, 11);
    }
    assert_int_equal(world.centre.frame_count, 4);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 2); /* N(R) covers two of them */
    centre_pump(&world.centre);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 2);
    centre_disconnect(&world.centre);
    advance(&world, 100000);
    world.centre.acknowledge = true;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 5); /* both that were left, in one ASDU */
    assert_int_equal(frame(&world, 4).count, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct komet_object before = object(&world, 2 + i, 0), after = object(&world, 4, i);
        assert_int_equal(before.ioa, after.ioa);
        assert_int_equal(before.octets_size, after.octets_size);
        assert_memory_equal(before.octets, after.octets, after.octets_size);
    }
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 4);
    centre_disconnect(&world.centre);
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 5); /* nothing a second time */
    finish(&world);
}

static void test_a_newer_connection_replaces_the_older(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    rtu_event(world.rtu, world.centre.now, 1001, 1);
    centre_pump(&world.centre);
    world.centre.acknowledge = true;
    centre_start(&world.centre); /* without a close before it */
    assert_int_equal(world.centre.frame_count, 2);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 1);
    finish(&world);
}

static void test_the_window_holds_events_back(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.k = 3;
    world.plan.w = 2;
    start(&world);
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
    assert_int_equal(frame(&world, 3).count, 7);
    finish(&world);
}

static void test_a_full_ring_drops_the_oldest_and_counts(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.events = 5;
    start(&world);
    for (unsigned i = 0; i < 8; i++) {
        rtu_event(world.rtu, world.centre.now, 3001, i);
        centre_pump(&world.centre);
    }
    centre_start(&world.centre);
    assert_int_equal(rtu_counters(world.rtu).events_lost, 3);
    assert_int_equal(rtu_counters(world.rtu).events_generated, 8);
    assert_int_equal(frame(&world, 0).count, 5);
    assert_true(object(&world, 0, 0).value.real == 3);
    assert_true(object(&world, 0, 4).value.real == 7);
    assert_int_equal(rtu_counters(world.rtu).events_acknowledged, 5);
    assert_true(world.centre.note_count > 0);
    finish(&world);
}

/* Events that gave way although they were under way: the N(R) for them must not take others along. */
static void test_a_full_ring_while_frames_are_under_way(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.events = 4;
    start(&world);
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
    assert_int_equal(frame(&world, 6).count, 3);
    assert_true(object(&world, 6, 0).value.real == 3);
    finish(&world);
}

/* ---- answers ---- */

static void interrogate(struct world *world, uint16_t ca, uint8_t qualifier)
{
    send(
        world,
        (struct komet_asdu_header){.type = KOMET_C_IC_NA_1, .cause = KOMET_COT_ACTIVATION, .oa = 3, .ca = ca},
        (struct komet_object){.qualifier = qualifier});
}

static void test_an_interrogation_gives_all_but_counters(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.k = 2;
    world.plan.w = 1;
    start(&world);
    centre_start(&world.centre);
    interrogate(&world, 1, 20);
    assert_int_equal(world.centre.frame_count, 6);
    assert_frame(&world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(frame(&world, 0).oa, 3);
    assert_frame(&world, 1, 1, KOMET_COT_INTERROGATED_STATION, false);
    assert_true(frame(&world, 1).sq);
    assert_int_equal(frame(&world, 1).count, 3);
    assert_int_equal(object(&world, 2, 0).ioa, 1101);
    assert_frame(&world, 3, 3, KOMET_COT_INTERROGATED_STATION, false);
    assert_frame(&world, 4, 13, KOMET_COT_INTERROGATED_STATION, false);
    assert_true(object(&world, 4, 1).ioa == 3002 && object(&world, 4, 1).value.real == 12.5f);
    assert_frame(&world, 5, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    interrogate(&world, 0xFFFF, 25); /* a group, of any station: empty, answered in the own name */
    assert_int_equal(world.centre.frame_count, 8);
    assert_frame(&world, 6, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, false);
    assert_frame(&world, 7, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    interrogate(&world, 1, 99);
    assert_frame(&world, 8, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, true);
    finish(&world);
}

static void test_answers_and_events_take_turns(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    interrogate(&world, 1, 20);
    rtu_event(world.rtu, world.centre.now, 1001, 1);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 1);
    for (unsigned i = 1; i < 7; i++) {
        komet_link_acknowledge(world.centre.link, world.centre.now.instant, i);
        centre_pump(&world.centre);
        assert_int_equal(world.centre.frame_count, i + 1);
    }
    assert_frame(&world, 1, 30, KOMET_COT_SPONTANEOUS, false);
    assert_frame(&world, 6, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    finish(&world);
}

static void test_counters_clock_read_and_reset(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_CI_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    setup_station(&world);
    start(&world);
    centre_start(&world.centre);
    send(&world, act, (struct komet_object){.qualifier = 5});
    assert_int_equal(world.centre.frame_count, 3);
    assert_frame(&world, 1, 15, KOMET_COT_COUNTERS_GENERAL, false);
    assert_int_equal(object(&world, 1, 1).value.number, 77);
    assert_frame(&world, 2, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false);
    act.type = KOMET_C_CS_NA_1;
    send(&world, act, (struct komet_object){.time = {.day = 1, .month = 2, .year = 26, .minute = 7}});
    assert_frame(&world, 3, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(object(&world, 3, 0).time.minute, 7);
    act.type = KOMET_C_RP_NA_1;
    send(&world, act, (struct komet_object){.qualifier = 1});
    assert_frame(&world, 4, KOMET_C_RP_NA_1, KOMET_COT_ACTIVATION_CON, false);
    assert_frame(&world, 5, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false);
    act.type = KOMET_C_RD_NA_1;
    act.cause = KOMET_COT_REQUEST;
    send(&world, act, (struct komet_object){.ioa = 3002});
    assert_frame(&world, 6, 13, KOMET_COT_REQUEST, false);
    assert_int_equal(object(&world, 6, 0).ioa, 3002);
    assert_int_equal(world.centre.frame_count, 7);
    finish(&world);
}

static void test_a_command_is_executed_and_its_feedback_is_an_event(void **state)
{
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_SE_NC_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    double number;
    (void)state;
    setup_station(&world);
    start(&world);
    centre_start(&world.centre);
    send(&world, act, (struct komet_object){.ioa = 5004, .value.real = 42.5f});
    assert_int_equal(world.centre.frame_count, 3);
    assert_frame(&world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, false);
    assert_frame(&world, 1, 36, KOMET_COT_SPONTANEOUS, false);
    assert_int_equal(object(&world, 1, 0).ioa, 3002);
    assert_true(object(&world, 1, 0).value.real == 42.5f);
    assert_frame(&world, 2, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_TERMINATION, false);

    act.type = KOMET_C_DC_TA_1; /* with a time tag: the same command */
    send(&world, act, (struct komet_object){.ioa = 5002, .value.number = 2, .time = {.day = 1, .month = 1}});
    assert_true(rtu_value(world.rtu, 2001, &number) && number == 2);
    act.type = KOMET_C_SC_NA_1;
    world.centre.frame_count = 0;
    send(&world, act, (struct komet_object){.ioa = 5001, .value.single = true, .select = true});
    assert_int_equal(world.centre.frame_count, 1); /* selected, not executed */
    assert_true(rtu_value(world.rtu, 1101, &number) && number == 0);
    send(&world, act, (struct komet_object){.ioa = 5001, .value.single = true});
    assert_true(rtu_value(world.rtu, 1101, &number) && number == 1);
    assert_int_equal(rtu_counters(world.rtu).commands, 3);
    act.type = KOMET_C_DC_NA_1;
    world.centre.frame_count = 0;
    send(&world, act, (struct komet_object){.ioa = 5002, .value.number = 3}); /* not permitted */
    assert_int_equal(world.centre.frame_count, 1);
    assert_frame(&world, 0, KOMET_C_DC_NA_1, KOMET_COT_ACTIVATION_CON, true);
    act.cause = KOMET_COT_DEACTIVATION;
    send(&world, act, (struct komet_object){.ioa = 5002, .value.number = 1});
    assert_frame(&world, 1, KOMET_C_DC_NA_1, KOMET_COT_DEACTIVATION_CON, false);
    finish(&world);
}

static void test_what_is_unknown_is_mirrored(void **state)
{
    static const uint8_t type_200[] = {200, 1, 6, 0, 1, 0, 0, 0, 0, 9};
    struct world world;
    struct komet_asdu_header act = {.type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    (void)state;
    setup_station(&world);
    start(&world);
    centre_start(&world.centre);
    send(&world, act, (struct komet_object){.ioa = 9999});
    assert_frame(&world, 0, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, true);
    send(&world, act, (struct komet_object){.ioa = 5002}); /* there, but of another type */
    assert_frame(&world, 1, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, true);
    act.cause = KOMET_COT_SPONTANEOUS;
    send(&world, act, (struct komet_object){.ioa = 5001});
    assert_frame(&world, 2, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_CAUSE, true);
    act.cause = KOMET_COT_ACTIVATION;
    act.ca = 7;
    send(&world, act, (struct komet_object){.ioa = 5001});
    assert_int_equal(frame(&world, 3).ca, 7);
    assert_int_equal(frame(&world, 3).cause, KOMET_COT_UNKNOWN_CA);
    act.ca = 1;
    act.type = 30; /* monitor direction */
    send(&world, act, (struct komet_object){.ioa = 1001, .time = {.day = 1, .month = 1}});
    assert_frame(&world, 4, 30, KOMET_COT_UNKNOWN_TYPE, true);
    centre_send(&world.centre, type_200, sizeof type_200);
    assert_int_equal(world.centre.frame_count, 6);
    assert_int_equal(world.centre.frames[5].octets[0], 200);
    assert_int_equal(world.centre.frames[5].octets[2], 0x40 | KOMET_COT_UNKNOWN_TYPE);
    assert_int_equal(rtu_counters(world.rtu).refused, 6);
    assert_int_equal(rtu_counters(world.rtu).commands, 0);
    finish(&world);
}

static void test_a_malformed_asdu_closes(void **state)
{
    static const uint8_t short_one[] = {100, 1, 6, 0, 1, 0, 0};
    struct world world;
    (void)state;
    setup_station(&world);
    start(&world);
    centre_start(&world.centre);
    centre_send(&world.centre, short_one, sizeof short_one);
    assert_true(world.centre.closed);
    assert_int_equal(world.centre.reason, KOMET_BAD_ASDU);
    centre_start(&world.centre);
    interrogate(&world, 1, 20);
    assert_true(world.centre.frame_count > 0);
    finish(&world);
}

static void test_requests_beyond_the_queue_are_dropped_and_counted(void **state)
{
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.k = 1;
    world.plan.w = 1;
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < RTU_ANSWERS_MAX + 4; i++) {
        interrogate(&world, 1, 21);
    }
    assert_int_equal(rtu_counters(world.rtu).answers_dropped, 4);
    world.centre.acknowledge = true;
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, world.centre.received);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 2 * RTU_ANSWERS_MAX);
    finish(&world);
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
    setup(&world, points, 1);
    start(&world);
    int64_t start_ms = world.centre.now.utc.ms;
    for (unsigned i = 0; i < 200; i++) { /* never late: the deadline is the next change */
        struct komet_instant deadline = rtu_deadline(world.rtu);
        if (deadline.us == KOMET_NEVER.us) {
            break;
        }
        advance(&world, komet_elapsed_us(deadline, world.centre.now.instant) / 1000);
        tick(&world);
    }
    assert_int_equal(world.centre.event_count, 25);
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(world.centre.events[i].ioa, 1 + i % 10);
        assert_true(world.centre.events[i].number == (i / 10 % 2 == 0 ? 1 : 0));
        assert_true(world.centre.events[i].time.ms == start_ms + 10 * (i + 1));
    }
    finish(&world);
}

static void test_a_late_tick_makes_the_same_events(void **state)
{
    static const struct rtu_point points[] = {
        {.ioa = 1, .type = 30, .count = 1, .pattern = {RTU_TOGGLE, .period_us = KOMET_MS(100)}},
        {.ioa = 2, .type = 30, .count = 1, .pattern = {RTU_TOGGLE, .period_us = KOMET_MS(70)}}};
    struct world world;
    (void)state;
    setup(&world, points, 2);
    world.plan.events = 3; /* they are told in portions, and none is lost untold */
    start(&world);
    int64_t start_ms = world.centre.now.utc.ms;
    advance(&world, 1000);
    for (unsigned i = 0; i < 10; i++) {
        tick(&world);
    }
    assert_int_equal(world.centre.event_count, 10 + 14);
    for (unsigned i = 1; i < world.centre.event_count; i++) {
        assert_true(world.centre.events[i].time.ms >= world.centre.events[i - 1].time.ms);
    }
    assert_true(world.centre.events[0].time.ms == start_ms + 70);
    assert_true(world.centre.events[23].time.ms == start_ms + 1000);
    finish(&world);
}

static void test_a_replay_gives_its_events_at_their_times(void **state)
{
    static const struct rtu_timed timed[] = {
        {KOMET_MS(10), 3001, 1}, {KOMET_MS(10), 3002, 2}, {KOMET_MS(500), 3001, 3}};
    struct world world;
    (void)state;
    setup_station(&world);
    world.plan.replay = timed;
    world.plan.replay_count = 3;
    start(&world);
    advance(&world, 10);
    tick(&world);
    assert_int_equal(world.centre.event_count, 2);
    assert_true(rtu_deadline(world.rtu).us == world.centre.now.instant.us + KOMET_MS(490));
    advance(&world, 490);
    tick(&world);
    assert_int_equal(world.centre.event_count, 3);
    assert_true(world.centre.events[2].number == 3);
    assert_true(rtu_deadline(world.rtu).us == KOMET_NEVER.us);
    finish(&world);
}

static void test_periodic_points_are_no_events(void **state)
{
    static const struct rtu_point points[] = {
        {.ioa = 1, .type = 13, .count = 60, .number = 4, .every_us = KOMET_SECONDS(1)}};
    struct world world;
    (void)state;
    setup(&world, points, 1);
    start(&world);
    advance(&world, 1000);
    tick(&world); /* nobody is there: nothing waits */
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 0);
    advance(&world, 1000);
    tick(&world);
    assert_int_equal(world.centre.frame_count, 2);
    assert_frame(&world, 0, 13, KOMET_COT_PERIODIC, false);
    assert_int_equal(frame(&world, 0).count + frame(&world, 1).count, 60);
    assert_int_equal(world.centre.event_count, 0);
    assert_false(rtu_event(world.rtu, world.centre.now, 1, 5));
    finish(&world);
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
        cmocka_unit_test(test_an_interrogation_gives_all_but_counters),
        cmocka_unit_test(test_answers_and_events_take_turns),
        cmocka_unit_test(test_counters_clock_read_and_reset),
        cmocka_unit_test(test_a_command_is_executed_and_its_feedback_is_an_event),
        cmocka_unit_test(test_what_is_unknown_is_mirrored),
        cmocka_unit_test(test_a_malformed_asdu_closes),
        cmocka_unit_test(test_requests_beyond_the_queue_are_dropped_and_counted),
        cmocka_unit_test(test_toggling_points_are_spread_and_end),
        cmocka_unit_test(test_a_late_tick_makes_the_same_events),
        cmocka_unit_test(test_a_replay_gives_its_events_at_their_times),
        cmocka_unit_test(test_periodic_points_are_no_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
