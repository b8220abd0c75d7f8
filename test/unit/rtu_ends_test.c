/* A simulated station with several connections, of which one carries data: a redundancy group. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "partner/rtu.h"

enum { ENDS = 3 };

/* The controlling end of a connection. */
struct end {
    void *memory;
    struct komet_link *link; /* NULL: not connected */
    unsigned asdus;          /* that came */
    bool closed;
    enum komet_reason reason;
};

struct world {
    struct rtu_now now;
    struct rtu_plan plan;
    void *memory;
    struct rtu *rtu;
    struct end ends[ENDS];
};

static const struct rtu_point points[] = {{.ioa = 1001, .type = KOMET_M_SP_TB_1, .count = 2}};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    world->now = (struct rtu_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    world->plan = rtu_plan_standard();
    world->plan.points = points;
    world->plan.point_count = 1;
    world->plan.connections = ENDS;
    world->memory = malloc(rtu_size(&world->plan));
    world->rtu = rtu_init(world->memory, rtu_size(&world->plan), &world->plan, world->now);
    for (unsigned i = 0; i < ENDS; i++) {
        world->ends[i].memory = malloc(komet_link_size(&settings));
    }
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < ENDS; i++) {
        free(world->ends[i].memory);
    }
    free(world->memory);
    free(world);
    return 0;
}

/* What the controlling end wants; its octets go to `sent`, or wait where that is NULL. */
static size_t take_end(struct world *world, struct end *end, uint8_t *sent, size_t capacity)
{
    struct komet_link_output output;
    size_t size = 0;
    while (end->link != NULL && size == 0 && komet_link_next(end->link, world->now.instant, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND && sent == NULL) {
            return 0;
        }
        if (output.kind == KOMET_LINK_OUT_SEND) {
            assert_true(output.size <= capacity);
            memcpy(sent, output.octets, output.size);
            size = output.size;
            komet_link_written(end->link, size);
        } else if (output.kind == KOMET_LINK_OUT_ASDU) {
            end->asdus++;
        } else {
            assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
        }
    }
    return size;
}

static void hear(struct world *world, struct end *end, const uint8_t *octets, size_t size)
{
    for (size_t at = 0; at < size;) {
        at += komet_link_feed(end->link, world->now.instant, octets + at, size - at);
        take_end(world, end, NULL, 0);
    }
}

static void pump_station(struct world *world)
{
    struct rtu_output output;
    while (rtu_next(world->rtu, world->now, &output)) {
        struct end *end = &world->ends[output.connection];
        if (output.kind == RTU_OUT_SEND) {
            uint8_t octets[8192];
            assert_true(end->link != NULL && output.size <= sizeof octets);
            memcpy(octets, output.octets, output.size);
            size_t size = output.size;
            rtu_written(world->rtu, output.connection, size);
            hear(world, end, octets, size);
        } else if (output.kind == RTU_OUT_CLOSE) {
            end->closed = true;
            end->reason = output.reason;
            end->link = NULL;
        }
    }
}

static void pump(struct world *world)
{
    uint8_t octets[8192];
    pump_station(world);
    for (unsigned i = 0; i < ENDS; i++) {
        size_t size;
        while ((size = take_end(world, &world->ends[i], octets, sizeof octets)) > 0) {
            for (size_t at = 0; at < size;) {
                at += rtu_feed(world->rtu, world->now, i, octets + at, size - at);
                pump_station(world);
            }
        }
    }
}

static void come(struct world *world, unsigned number)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    settings.t3_us = 0; /* only the station tests */
    world->ends[number].closed = false;
    world->ends[number].link = komet_link_init(world->ends[number].memory, komet_link_size(&settings),
                                               &settings, world->now.instant);
    rtu_connected(world->rtu, world->now, number);
    pump(world);
}

static void start(struct world *world, unsigned number)
{
    komet_link_start(world->ends[number].link, world->now.instant);
    pump(world);
    assert_int_equal(komet_link_state(world->ends[number].link), KOMET_LINK_STARTED);
}

static void event(struct world *world, double number)
{
    world->now.utc.ms++;
    assert_true(rtu_event(world->rtu, world->now, 1001, number));
    pump(world);
}

static void all_come(struct world *world)
{
    for (unsigned i = 0; i < ENDS; i++) {
        come(world, i);
    }
}

static void test_data_goes_on_the_one_that_was_started(void **state)
{
    struct world *world = *state;
    all_come(world);
    event(world, 1);
    start(world, 1); /* not the first that came */
    event(world, 0);
    assert_int_equal(world->ends[1].asdus, 2);
    assert_true(world->ends[0].asdus == 0 && world->ends[2].asdus == 0);
    assert_false(world->ends[0].closed || world->ends[2].closed);
}

static void test_a_start_on_another_one_closes_it_and_repeats_what_was_not_acknowledged(void **state)
{
    struct world *world = *state;
    all_come(world);
    start(world, 0);
    event(world, 1);
    event(world, 0);
    komet_link_acknowledge(world->ends[0].link, world->now.instant, 0);
    start(world, 2);
    assert_true(world->ends[0].closed);
    assert_int_equal(world->ends[0].reason, KOMET_REPLACED);
    assert_false(world->ends[1].closed);
    assert_int_equal(world->ends[2].asdus, 1); /* both, in one frame */
    come(world, 0);                            /* it may stand by again */
    event(world, 1);
    assert_int_equal(world->ends[2].asdus, 2);
    assert_int_equal(world->ends[0].asdus, 2);
}

static void test_one_that_was_stopped_is_left_standing(void **state)
{
    struct world *world = *state;
    all_come(world);
    start(world, 0);
    komet_link_stop(world->ends[0].link, world->now.instant);
    pump(world);
    start(world, 1);
    assert_false(world->ends[0].closed);
    event(world, 1);
    assert_int_equal(world->ends[1].asdus, 1);
    start(world, 0);
    assert_true(world->ends[1].closed);
}

static void test_when_the_carrier_is_lost_another_one_is_started(void **state)
{
    struct world *world = *state;
    all_come(world);
    start(world, 0);
    world->ends[0].link = NULL;
    rtu_closed(world->rtu, world->now, 0);
    event(world, 1);
    assert_true(world->ends[1].asdus == 0 && world->ends[2].asdus == 0);
    start(world, 2);
    assert_int_equal(world->ends[2].asdus, 1);
}

static void test_those_that_wait_are_tested_and_closed_when_they_do_not_answer(void **state)
{
    struct world *world = *state;
    all_come(world);
    start(world, 0);
    world->now.instant = rtu_deadline(world->rtu);
    assert_int_equal(world->now.instant.us, KOMET_SECONDS(120)); /* t3 */
    rtu_tick(world->rtu, world->now);
    pump(world); /* all answer */
    world->now.instant = komet_after(world->now.instant, KOMET_SECONDS(20));
    rtu_tick(world->rtu, world->now);
    struct rtu_output output;
    while (rtu_next(world->rtu, world->now, &output)) { /* nobody does */
        rtu_written(world->rtu, output.connection, output.size);
    }
    world->now.instant = komet_after(world->now.instant, KOMET_SECONDS(15));
    rtu_tick(world->rtu, world->now);
    pump_station(world);
    for (unsigned i = 0; i < ENDS; i++) {
        assert_true(world->ends[i].closed);
        assert_int_equal(world->ends[i].reason, KOMET_T1_TEST);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_data_goes_on_the_one_that_was_started),
        TEST(test_a_start_on_another_one_closes_it_and_repeats_what_was_not_acknowledged),
        TEST(test_one_that_was_stopped_is_left_standing),
        TEST(test_when_the_carrier_is_lost_another_one_is_started),
        TEST(test_those_that_wait_are_tested_and_closed_when_they_do_not_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
