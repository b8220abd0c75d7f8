/* The replay of a capture's station against a controlling link, with the clock in the test. */
#include "support.h"

#include "centre.h"

#include <stdlib.h>
#include <string.h>

#include "partner/replay.h"

enum { ASDUS_MAX = 40 };

struct world {
    struct replay_plan plan;
    struct replay_asdu asdus[ASDUS_MAX];
    uint8_t octets[ASDUS_MAX][KOMET_ASDU_SIZE_MAX];
    void *memory;
    struct replay *replay;
    struct centre centre;
};

/* A captured ASDU: a single point of type 1, of `ioa`, at `time_ms`. */
static void add(struct world *world, int64_t time_ms, uint32_t ioa)
{
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = KOMET_M_SP_NA_1, .cause = KOMET_COT_SPONTANEOUS, .ca = 7};
    struct komet_object object = {.ioa = ioa, .value.single = true};
    size_t at = world->plan.count++;
    assert_true(at < ASDUS_MAX);
    assert_true(
        komet_asdu_begin(&writer, &komet_profile_104, &header, world->octets[at], KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    world->asdus[at] = (struct replay_asdu){
        .time_us = KOMET_MS(time_ms), .octets = world->octets[at], .size = (uint8_t)komet_asdu_end(&writer)};
}

static void setup(struct world *world, double speed)
{
    *world = (struct world){0};
    centre_begin(&world->centre);
    world->plan = (struct replay_plan){
        .asdus = world->asdus, .speed = speed, .k = 12, .w = 8, .profile = &komet_profile_104};
}

static void start(struct world *world)
{
    size_t size = replay_size(&world->plan);
    world->memory = malloc(size);
    assert_non_null(world->memory);
    world->replay = replay_init(world->memory, size, &world->plan);
    world->centre.station.replay = world->replay;
}

static void finish(struct world *world)
{
    free(world->memory);
    centre_end(&world->centre);
}

/* Time passes to the replay's own deadlines only, as in a host that sleeps between them. */
static void pass(struct world *world, int64_t ms)
{
    struct komet_instant end = komet_after(world->centre.now.instant, KOMET_MS(ms));
    int64_t begin_us = world->centre.now.instant.us, begin_ms = world->centre.now.utc.ms;
    for (unsigned turns = 0;; turns++) {
        assert_true(turns < 1000); /* else a deadline has come that nothing is done about */
        struct komet_instant next = komet_earlier(end, replay_deadline(world->replay));
        if (next.us > world->centre.now.instant.us) {
            world->centre.now.instant = next;
            world->centre.now.utc.ms = begin_ms + (next.us - begin_us) / 1000;
        }
        replay_tick(world->replay, world->centre.now);
        centre_pump(&world->centre);
        if (world->centre.now.instant.us >= end.us) {
            return;
        }
    }
}

static size_t write_request(uint8_t octets[KOMET_ASDU_SIZE_MAX], uint8_t type, uint8_t cause)
{
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = cause, .oa = 3, .ca = 7};
    struct komet_object object = {.ioa = type == KOMET_C_SC_NA_1 ? 5001 : 0, .qualifier = 20};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    return komet_asdu_end(&writer);
}

static void request(struct world *world, uint8_t type, uint8_t cause)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    centre_send(&world->centre, octets, write_request(octets, type, cause));
}

/* Frame `at` is ASDU `number` of the list, octet for octet. */
static void assert_captured(const struct world *world, unsigned at, unsigned number)
{
    assert_true(at < world->centre.frame_count);
    assert_int_equal(world->centre.frames[at].size, world->asdus[number].size);
    assert_memory_equal(world->centre.frames[at].octets, world->octets[number],
                        world->centre.frames[at].size);
}

static void assert_mirror(const struct world *world, unsigned at, uint8_t type, uint8_t cause)
{
    struct komet_asdu asdu;
    assert_true(at < world->centre.frame_count);
    assert_int_equal(komet_asdu_decode(&komet_profile_104, world->centre.frames[at].octets,
                                       world->centre.frames[at].size, &asdu),
                     KOMET_ASDU_OK);
    assert_int_equal(asdu.type, type);
    assert_int_equal(asdu.cause, cause);
    assert_false(asdu.negative);
    assert_int_equal(asdu.oa, 3);
    assert_int_equal(asdu.ca, 7);
}

static bool was_noted(const struct world *world, const char *text)
{
    for (unsigned i = 0; i < world->centre.note_count; i++) {
        if (strstr(world->centre.notes[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- order and time ---- */

static void test_all_is_sent_as_it_is_at_its_time(void **state)
{
    struct world world;
    static const int64_t times[] = {0, 0, 250, 1000, 1000, 5000};
    (void)state;
    setup(&world, 1);
    for (unsigned i = 0; i < 6; i++) {
        add(&world, times[i], 100 + i);
    }
    start(&world);
    assert_true(replay_deadline(world.replay).us == KOMET_NEVER.us);
    pass(&world, 60000); /* nobody is there: the list's clock has not begun */
    int64_t begin_ms = world.centre.now.utc.ms;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 2);
    pass(&world, 4999);
    assert_int_equal(world.centre.frame_count, 5);
    pass(&world, 1);
    assert_int_equal(world.centre.frame_count, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_captured(&world, i, i);
        assert_int_equal(world.centre.frames[i].ms - begin_ms, times[i]);
    }
    assert_int_equal(replay_counters(world.replay).acknowledged, 6);
    finish(&world);
}

static void test_speed_divides_the_time(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 20);
    add(&world, 0, 1);
    add(&world, 1000, 2);
    add(&world, 60000, 3);
    start(&world);
    int64_t begin_ms = world.centre.now.utc.ms;
    centre_start(&world.centre);
    pass(&world, 3000);
    assert_int_equal(world.centre.frame_count, 3);
    assert_int_equal(world.centre.frames[1].ms - begin_ms, 50);
    assert_int_equal(world.centre.frames[2].ms - begin_ms, 3000);
    finish(&world);
    setup(&world, 0.5);
    add(&world, 0, 1);
    add(&world, 1000, 2);
    start(&world);
    centre_start(&world.centre);
    pass(&world, 1999);
    assert_int_equal(world.centre.frame_count, 1);
    pass(&world, 1);
    assert_int_equal(world.centre.frame_count, 2);
    finish(&world);
}

static void test_a_time_that_goes_back_counts_as_the_one_before(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    add(&world, 0, 1);
    add(&world, 500, 2);
    add(&world, 100, 3);
    add(&world, 600, 4);
    start(&world);
    centre_start(&world.centre);
    pass(&world, 499);
    assert_int_equal(world.centre.frame_count, 1);
    pass(&world, 1);
    assert_int_equal(world.centre.frame_count, 3);
    pass(&world, 100);
    assert_int_equal(world.centre.frame_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_captured(&world, i, i);
    }
    finish(&world);
}

static void test_a_full_window_holds_the_list_back(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    for (unsigned i = 0; i < 30; i++) {
        add(&world, 0, 100 + i);
    }
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 12);
    pass(&world, 1000); /* no turn is lost on what cannot be sent, see pass */
    assert_int_equal(world.centre.frame_count, 12);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 5);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 17);
    assert_int_equal(replay_counters(world.replay).acknowledged, 5);
    world.centre.acknowledge = true;
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 17);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 30);
    for (unsigned i = 0; i < 30; i++) {
        assert_captured(&world, i, i);
    }
    finish(&world);
}

static void test_a_partner_that_never_acknowledges_is_left(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    add(&world, 0, 1);
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    pass(&world, 14999);
    assert_false(world.centre.closed);
    pass(&world, 1);
    assert_true(world.centre.closed);
    assert_int_equal(world.centre.reason, KOMET_T1_ACKNOWLEDGE);
    finish(&world);
}

/* ---- reconnects ---- */

static void test_unacknowledged_asdus_come_again(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    for (unsigned i = 0; i < 6; i++) {
        add(&world, i < 4 ? 0 : 2000, 100 + i);
    }
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 4);
    komet_link_acknowledge(world.centre.link, world.centre.now.instant, 2);
    centre_pump(&world.centre);
    assert_int_equal(replay_counters(world.replay).acknowledged, 2);
    centre_disconnect(&world.centre);
    pass(&world, 1000);
    centre_start(&world.centre); /* the two that were left, at once */
    assert_int_equal(world.centre.frame_count, 6);
    assert_captured(&world, 4, 2);
    assert_captured(&world, 5, 3);
    centre_disconnect(&world.centre); /* and again, since this one has not acknowledged them either */
    world.centre.acknowledge = true;
    centre_start(&world.centre);
    assert_int_equal(world.centre.frame_count, 8);
    assert_captured(&world, 6, 2);
    assert_captured(&world, 7, 3);
    pass(&world, 999); /* the list's clock ran on */
    assert_int_equal(world.centre.frame_count, 8);
    pass(&world, 1);
    assert_int_equal(world.centre.frame_count, 10);
    assert_captured(&world, 8, 4);
    assert_captured(&world, 9, 5);
    assert_int_equal(replay_counters(world.replay).acknowledged, 6);
    centre_disconnect(&world.centre);
    centre_start(&world.centre); /* nothing is left */
    pass(&world, 10000);
    assert_int_equal(world.centre.frame_count, 10);
    finish(&world);
}

static void test_nothing_is_sent_outside_data_transfer(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    add(&world, 0, 1);
    add(&world, 1000, 2);
    start(&world);
    centre_connect(&world.centre, 1);
    pass(&world, 5000);
    assert_int_equal(world.centre.frame_count, 0);
    assert_int_equal(world.centre.note_count, 0);
    komet_link_start(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 1);
    komet_link_stop(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    pass(&world, 5000);
    assert_int_equal(world.centre.frame_count, 1);
    komet_link_start(world.centre.link, world.centre.now.instant);
    centre_pump(&world.centre);
    assert_int_equal(world.centre.frame_count, 2);
    finish(&world);
}

/* ---- requests ---- */

static void test_requests_are_confirmed_between_the_list(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    add(&world, 0, 1);
    add(&world, 1000, 2);
    start(&world);
    centre_start(&world.centre);
    request(&world, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION);
    request(&world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION);
    request(&world, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION);
    request(&world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION);
    request(&world, KOMET_C_SC_NA_1, KOMET_COT_DEACTIVATION);
    pass(&world, 1000);
    assert_int_equal(world.centre.frame_count, 9);
    assert_captured(&world, 0, 0);
    assert_mirror(&world, 1, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_mirror(&world, 2, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION);
    assert_mirror(&world, 3, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_mirror(&world, 4, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_TERMINATION);
    assert_mirror(&world, 5, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_mirror(&world, 6, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_mirror(&world, 7, KOMET_C_SC_NA_1, KOMET_COT_DEACTIVATION_CON);
    assert_captured(&world, 8, 1);
    struct replay_counters counters = replay_counters(world.replay);
    assert_int_equal(counters.requests, 5);
    assert_int_equal(counters.acknowledged, 2); /* answers do not count */
    finish(&world);
}

/* Between frames of the list and answers: whoever waits gets every second frame. */
static void test_the_list_and_the_answers_take_turns(void **state)
{
    struct world world;
    unsigned captured = 0;
    (void)state;
    setup(&world, 1);
    world.plan.k = world.plan.w = 1;
    for (unsigned i = 0; i < 20; i++) {
        add(&world, 0, 100 + i);
    }
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < 4; i++) {
        request(&world, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION);
    }
    while (captured < 20) {
        assert_true(world.centre.frame_count < 40);
        captured += world.centre.frames[world.centre.frame_count - 1].octets[0] == KOMET_M_SP_NA_1;
        komet_link_acknowledge(world.centre.link, world.centre.now.instant, world.centre.frame_count);
        centre_pump(&world.centre);
    }
    assert_int_equal(world.centre.frame_count, 28);
    for (unsigned i = 2; i < 18; i++) { /* 8 answers, with one of the list behind each */
        bool answer = world.centre.frames[i].octets[0] == KOMET_C_IC_NA_1;
        bool before = world.centre.frames[i - 1].octets[0] == KOMET_C_IC_NA_1;
        assert_int_not_equal(answer, before);
    }
    finish(&world);
}

static void test_requests_above_the_bound_are_dropped_and_told(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    world.plan.k = world.plan.w = 1;
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    for (unsigned i = 0; i < REPLAY_ANSWERS_MAX + 3; i++) { /* the first is answered, and fills the window */
        request(&world, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION);
    }
    struct replay_counters counters = replay_counters(world.replay);
    assert_int_equal(counters.requests, REPLAY_ANSWERS_MAX + 1);
    assert_int_equal(counters.answers_dropped, 2);
    assert_true(was_noted(&world, "a request is dropped"));
    finish(&world);
}

static void test_answers_end_with_their_connection(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    world.plan.k = world.plan.w = 1;
    add(&world, 0, 1);
    start(&world);
    world.centre.acknowledge = false;
    centre_start(&world.centre);
    request(&world, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION);
    centre_disconnect(&world.centre);
    world.centre.acknowledge = true;
    centre_start(&world.centre);
    pass(&world, 1000);
    assert_int_equal(world.centre.frame_count, 2);
    assert_captured(&world, 1, 0);
    finish(&world);
}

static void test_octets_that_are_no_asdu_close_the_connection(void **state)
{
    struct world world;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    (void)state;
    setup(&world, 1);
    start(&world);
    centre_start(&world.centre);
    size_t size = write_request(octets, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION);
    centre_send(&world.centre, octets, size - 1);
    assert_true(world.centre.closed);
    assert_int_equal(world.centre.reason, KOMET_BAD_ASDU);
    finish(&world);
}

/* ---- notes ---- */

static void test_begin_and_end_are_told_once(void **state)
{
    struct world world;
    (void)state;
    setup(&world, 1);
    add(&world, 0, 1);
    add(&world, 1000, 2);
    start(&world);
    centre_start(&world.centre);
    assert_int_equal(world.centre.note_count, 1);
    assert_true(was_noted(&world, "the capture begins"));
    centre_disconnect(&world.centre);
    centre_start(&world.centre);
    assert_int_equal(world.centre.note_count, 1);
    pass(&world, 999);
    assert_false(was_noted(&world, "all of the capture was sent and acknowledged"));
    pass(&world, 1);
    assert_true(was_noted(&world, "all of the capture was sent and acknowledged"));
    request(&world, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION); /* is acknowledged too, and is no end */
    assert_int_equal(world.centre.note_count, 2);
    finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_sent_as_it_is_at_its_time),
        cmocka_unit_test(test_speed_divides_the_time),
        cmocka_unit_test(test_a_time_that_goes_back_counts_as_the_one_before),
        cmocka_unit_test(test_a_full_window_holds_the_list_back),
        cmocka_unit_test(test_a_partner_that_never_acknowledges_is_left),
        cmocka_unit_test(test_unacknowledged_asdus_come_again),
        cmocka_unit_test(test_nothing_is_sent_outside_data_transfer),
        cmocka_unit_test(test_requests_are_confirmed_between_the_list),
        cmocka_unit_test(test_the_list_and_the_answers_take_turns),
        cmocka_unit_test(test_requests_above_the_bound_are_dropped_and_told),
        cmocka_unit_test(test_answers_end_with_their_connection),
        cmocka_unit_test(test_octets_that_are_no_asdu_close_the_connection),
        cmocka_unit_test(test_begin_and_end_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
