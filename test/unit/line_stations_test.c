/* What a line does for its stations of itself: interrogations, periods, the freeze of counters, clocks. */
#include "line_harness.h"

#include <string.h>

#include "steps.h"

#define DAY_MS   INT64_C(86400000)
#define HOUR_MS  INT64_C(3600000)
#define FREEZE   0x45 /* QCC: FRZ 1, all counters */
#define COUNTERS 0x05
#define GENERAL  20

static struct world *begin(void **state, unsigned stations)
{
    struct world *world = *state;
    world->now.utc.ms = 1782648000000 / DAY_MS * DAY_MS + 10 * HOUR_MS + 60 * 1000; /* 10:01 */
    world->site.station_count = (uint16_t)stations;
    line_again(world);
    return world;
}

static void set(struct world *world, unsigned station, enum parameter_id id, int64_t value)
{
    world->stations[station].parameters.value[id] = value;
}

/* The station got exactly one more ASDU, of that type, common address and qualifier. */
static void assert_asked(struct world *world, uint8_t type, uint8_t ca, uint8_t qualifier)
{
    assert_int_equal(world->asdu_count, 1);
    assert_int_equal(world->asdus[0][0], type);
    assert_int_equal(world->asdus[0][4], ca);
    assert_int_equal(world->asdus[0][9], qualifier);
    world->asdu_count = 0;
}

/* Time passes up to the next deadline of the line, which is beyond now, and no further than `limit_ms`. */
static void live(struct world *world, int64_t limit_ms)
{
    int64_t end_us = world->now.instant.us + limit_ms * 1000;
    while (world->now.instant.us < end_us) {
        int64_t next_us = line_deadline(world->line).us;
        struct komet_instant of_link =
            world->link != NULL ? komet_link_deadline(world->link) : (struct komet_instant){INT64_MAX};
        next_us = of_link.us < next_us ? of_link.us : next_us;
        assert_true(next_us > world->now.instant.us); /* it is never asked to be ticked again at once */
        next_us = next_us < end_us ? next_us : end_us;
        line_advance(world, (next_us - world->now.instant.us + 999) / 1000);
        line_pump(world);
    }
}

static void initialized(struct world *world, uint16_t ca)
{
    line_station_sends(world, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false, ca, (struct komet_object){0});
}

/* ---- end of initialization ---- */

static void test_a_station_that_began_anew_is_asked_as_after_the_start(void **state)
{
    struct world *world = begin(state, 2);
    set(world, 1, PARAMETER_OIC, 2);
    set(world, 1, PARAMETER_OCIC, 1);
    world->stations[1].clock_sync_us = KOMET_SECONDS(3600);
    line_start(world);
    assert_int_equal(world->asdu_count, 4); /* IC of the first, CIC and IC of the second, its clock */
    world->asdu_count = 0;
    initialized(world, 1);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
    initialized(world, 2);
    assert_int_equal(world->asdu_count, 3);
    const uint8_t types[] = {KOMET_C_CI_NA_1, KOMET_C_IC_NA_1, KOMET_C_CS_NA_1};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world->asdus[i][0], types[i]);
        assert_int_equal(world->asdus[i][4], 2);
    }
}

static void test_all_stations_that_began_anew_are_asked(void **state)
{
    struct world *world = begin(state, 2);
    line_start(world);
    world->asdu_count = 0;
    initialized(world, 0xFFFF);
    assert_int_equal(world->asdu_count, 2);
    initialized(world, 9);
    assert_int_equal(world->asdu_count, 2); /* nobody has that address */
    assert_non_null(strstr(world->note, "which the line has not"));
}

/* ---- periods ---- */

static void test_a_period_is_aligned_to_the_clock(void **state)
{
    struct world *world = begin(state, 1);
    set(world, 0, PARAMETER_ICP, 15 * 60 * 1000);
    set(world, 0, PARAMETER_ICO, 5000);
    line_start(world);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
    live(world, 14 * 60 * 1000 + 4999);
    assert_int_equal(world->asdu_count, 0);
    live(world, 1); /* 10:15:05 */
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
    live(world, 15 * 60 * 1000 - 1);
    assert_int_equal(world->asdu_count, 0);
    live(world, 1);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
}

static void test_a_clock_that_is_set_asks_nothing_twice(void **state)
{
    struct world *world = begin(state, 1);
    set(world, 0, PARAMETER_ICP, 60 * 1000);
    set(world, 0, PARAMETER_OIC, 0);
    line_start(world);
    world->now.utc.ms -= 100; /* set back a little before the full minute */
    live(world, 60 * 1000);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
    live(world, 60 * 1000);
    assert_int_equal(world->asdu_count, 0); /* the next is at 10:03 by the clock as it is now */
    live(world, 100);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
    world->now.utc.ms += HOUR_MS + 20 * 1000;
    live(world, 60 * 1000);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL);
    live(world, 40 * 1000);
    assert_asked(world, KOMET_C_IC_NA_1, 1, GENERAL); /* aligned anew: never two within half a period */
}

static void test_counters_are_read_when_their_freeze_is_confirmed(void **state)
{
    struct world *world = begin(state, 1);
    set(world, 0, PARAMETER_OIC, 0);
    set(world, 0, PARAMETER_CICP, HOUR_MS);
    set(world, 0, PARAMETER_CFRZ, 1);
    line_start(world);
    live(world, 59 * 60 * 1000);
    assert_asked(world, KOMET_C_CI_NA_1, 1, FREEZE); /* at the full hour */
    live(world, 1000);
    assert_int_equal(world->asdu_count, 0);
    const struct komet_object frozen = {.qualifier = FREEZE};
    line_station_sends(world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_CON, false, 1, frozen);
    assert_asked(world, KOMET_C_CI_NA_1, 1, COUNTERS);
    line_station_sends(world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false, 1, frozen);
    assert_int_equal(world->asdu_count, 0);
    live(world, HOUR_MS - 1000);
    assert_asked(world, KOMET_C_CI_NA_1, 1, FREEZE);
}

static void test_a_freeze_that_fails_reads_nothing(void **state)
{
    struct world *world = begin(state, 1);
    set(world, 0, PARAMETER_OIC, 0);
    set(world, 0, PARAMETER_CICP, HOUR_MS);
    set(world, 0, PARAMETER_CFRZ, 2);
    line_start(world);
    live(world, 59 * 60 * 1000);
    assert_asked(world, KOMET_C_CI_NA_1, 1, 0x85);
    line_station_sends(world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_CON, true, 1,
                       (struct komet_object){.qualifier = 0x85});
    assert_int_equal(world->asdu_count, 0);
    assert_non_null(strstr(world->note, "B.RTU refused to freeze its counters"));
    live(world, HOUR_MS);
    assert_asked(world, KOMET_C_CI_NA_1, 1, 0x85);
    live(world, 60 * 1000); /* WTn */
    assert_non_null(strstr(world->note, "B.RTU did not confirm the freeze"));
    line_station_sends(world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_CON, false, 1,
                       (struct komet_object){.qualifier = 0x85});
    assert_int_equal(world->asdu_count, 0); /* too late */
}

/* A counter interrogation that somebody asked for ends with its own termination, not with the freeze's. */
static void test_the_answer_to_a_freeze_ends_no_command(void **state)
{
    struct world *world = begin(state, 1);
    set(world, 0, PARAMETER_OIC, 0);
    set(world, 0, PARAMETER_CICP, HOUR_MS);
    set(world, 0, PARAMETER_CFRZ, 1);
    line_start(world);
    live(world, 59 * 60 * 1000);
    struct line_command order = {.id = 7,
                                 .kind = LINE_COMMAND_COUNTERS,
                                 .station = world->stations,
                                 .deadline = komet_after(world->now.instant, KOMET_SECONDS(5))};
    line_command(world->line, world->now, &order);
    line_pump(world);
    line_station_sends(world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false, 1,
                       (struct komet_object){.qualifier = FREEZE});
    assert_int_equal(world->end_count, 0);
    line_station_sends(world, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false, 1,
                       (struct komet_object){.qualifier = COUNTERS});
    assert_int_equal(world->end_count, 1);
    assert_int_equal(world->end.result, COMMAND_DONE);
}

static void test_the_clock_is_set_after_the_start_and_periodically(void **state)
{
    struct world *world = begin(state, 1);
    world->stations[0].clock_sync_us = KOMET_SECONDS(3600);
    set(world, 0, PARAMETER_OIC, 0);
    line_start(world);
    assert_int_equal(world->asdu_count, 1);
    assert_int_equal(world->asdus[0][0], KOMET_C_CS_NA_1);
    world->asdu_count = 0;
    live(world, HOUR_MS - 1);
    assert_int_equal(world->asdu_count, 0);
    live(world, 1);
    assert_int_equal(world->asdu_count, 1);
    assert_int_equal(world->asdus[0][0], KOMET_C_CS_NA_1);
}

/* ---- modes and values ---- */

static void mode(struct world *world, unsigned station, unsigned bits)
{
    line_set_mode(world->line, world->now, &world->stations[station], bits);
    line_pump(world);
}

static void spontaneous(struct world *world, uint16_t ca)
{
    line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, ca,
                       (struct komet_object){.ioa = 1});
}

static void test_a_disabled_station_is_not_spoken_with(void **state)
{
    struct world *world = begin(state, 2);
    set(world, 0, PARAMETER_ICP, 60 * 1000);
    world->stations[0].clock_sync_us = KOMET_SECONDS(60);
    line_start(world);
    assert_int_equal(world->station_value, STATION_ON);
    mode(world, 0, STATION_DISABLED);
    assert_int_equal(world->station_value, STATION_OFF);
    assert_int_equal(world->second_value, STATION_ON);
    world->asdu_count = 0;
    spontaneous(world, 1);
    assert_int_equal(world->value_count, 0);
    assert_int_equal(world->frame, 1); /* it is acknowledged all the same */
    initialized(world, 1);
    live(world, 3 * 60 * 1000);
    assert_int_equal(world->asdu_count, 0);
    line_give(world, 7, 3, 1);
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    assert_string_equal(world->end_text, "station is disabled");
    mode(world, 0, 0);
    assert_int_equal(world->station_value, STATION_ON);
    assert_int_equal(world->asdu_count, 2); /* interrogated as after the start, and its clock is set */
    assert_int_equal(world->asdus[0][0], KOMET_C_IC_NA_1);
    spontaneous(world, 1);
    assert_int_equal(world->value_count, 1);
    world->asdu_count = 0;
    live(world, 60 * 1000); /* the clock is set again, and the next period has come */
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[0][0] + world->asdus[1][0], KOMET_C_IC_NA_1 + KOMET_C_CS_NA_1);
}

static void test_a_line_without_a_station_to_speak_with_closes_and_comes_back(void **state)
{
    struct world *world = begin(state, 2);
    line_start(world);
    mode(world, 0, STATION_DISABLED);
    assert_false(world->aborted);
    mode(world, 1, STATION_SIMULATED);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_DISABLED);
    assert_int_equal(world->second_value, STATION_SIMUL);
    assert_int_equal(line_report(world->line).connections[0].reason, KOMET_DISABLED);
    assert_int_equal(line_deadline(world->line).us, INT64_MAX);
    line_give(world, 8, 3, 1);
    assert_string_equal(world->end_text, "station is disabled");
    assert_false(world->asked);
    mode(world, 0, STATION_WAITS); /* still none */
    assert_false(world->asked);
    assert_int_equal(world->station_value, STATION_WAIT);
    mode(world, 1, 0);
    assert_int_equal(world->second_value, STATION_COMERR);
    world->asdu_count = 0;
    line_accept(world);
    assert_int_equal(world->second_value, STATION_ON);
    assert_asked(world, KOMET_C_IC_NA_1, 2, GENERAL);
}

static void test_what_the_site_disables_is_not_connected(void **state)
{
    struct world *world = begin(state, 1);
    world->stations[0].communication_disabled = true;
    line_again(world);
    line_activate(world->line, world->now);
    line_pump(world);
    assert_false(world->asked);
    assert_int_equal(world->station_value, STATION_OFF);
    assert_int_equal(line_report(world->line).connections[0].reason, KOMET_DISABLED);
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    mode(world, 0, 0); /* a passive one remembers */
    assert_false(world->asked);
    line_start(world);
    assert_int_equal(world->station_value, STATION_ON);
}

static void test_a_command_that_was_not_sent_is_refused(void **state)
{
    struct world *world = begin(state, 2);
    world->site.parameters.value[PARAMETER_K] = world->site.parameters.value[PARAMETER_W] = 1;
    line_again(world);
    line_start(world); /* the interrogation fills the window */
    line_give(world, 9, 3, 1);
    assert_int_equal(world->end_count, 0);
    mode(world, 0, STATION_DISABLED);
    assert_int_equal(world->end_count, 1);
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    assert_string_equal(world->end_text, "station is disabled");
}

static void fail_once(struct world *world)
{
    line_closed(world->line, world->now, world->connection, KOMET_CONNECT_REFUSED);
    line_advance(world, 1000);
    line_pump(world);
}

static void test_a_station_is_in_error_after_so_many_failures(void **state)
{
    struct world *world = begin(state, 2);
    set(world, 0, PARAMETER_SCE, 3);
    set(world, 0, PARAMETER_SHE, 4);
    set(world, 1, PARAMETER_SCE, 1);
    set(world, 1, PARAMETER_SHE, 6);
    line_start(world);
    const enum station_value first[] = {STATION_ON, STATION_ON, STATION_COMERR, STATION_HARDERR};
    for (unsigned i = 0; i < 4; i++) {
        fail_once(world);
        assert_int_equal(world->station_value, first[i]);
        assert_int_equal(world->second_value, STATION_COMERR);
    }
    line_accept(world);
    assert_int_equal(world->station_value, STATION_ON);
    assert_int_equal(world->second_value, STATION_ON);
}

/* After a hard error the tags are invalid: a filter that drops what has not changed must let the same value
 * go on again. */
static void test_filters_begin_afresh_after_a_hard_error(void **state)
{
    struct world *world = begin(state, 1);
    struct processing changes = steps(TAG_DI, "changes-only");
    world->tags[0].processing = &changes;
    set(world, 0, PARAMETER_SHE, 3);
    line_start(world);
    spontaneous(world, 1);
    spontaneous(world, 1);
    assert_int_equal(world->value_count, 1);
    fail_once(world);
    line_accept(world);
    spontaneous(world, 1);
    assert_int_equal(world->value_count, 1); /* no error: the tag has it still */
    for (unsigned i = 0; i < 3; i++) {
        fail_once(world);
    }
    assert_int_equal(world->station_value, STATION_HARDERR);
    line_accept(world);
    spontaneous(world, 1);
    assert_int_equal(world->value_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_set_up, line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_station_that_began_anew_is_asked_as_after_the_start),
        TEST(test_all_stations_that_began_anew_are_asked),
        TEST(test_a_period_is_aligned_to_the_clock),
        TEST(test_a_clock_that_is_set_asks_nothing_twice),
        TEST(test_counters_are_read_when_their_freeze_is_confirmed),
        TEST(test_a_freeze_that_fails_reads_nothing),
        TEST(test_the_answer_to_a_freeze_ends_no_command),
        TEST(test_the_clock_is_set_after_the_start_and_periodically),
        TEST(test_a_disabled_station_is_not_spoken_with),
        TEST(test_a_line_without_a_station_to_speak_with_closes_and_comes_back),
        TEST(test_what_the_site_disables_is_not_connected),
        TEST(test_a_command_that_was_not_sent_is_refused),
        TEST(test_a_station_is_in_error_after_so_many_failures),
        TEST(test_filters_begin_afresh_after_a_hard_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
