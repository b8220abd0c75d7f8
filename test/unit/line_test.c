/* A line against a station: connection, values, commands. */
#include "line_harness.h"

#include <stdio.h>
#include <string.h>

#include "steps.h"

static void test_a_full_window_is_no_matter_of_time(void **state)
{
    struct world *world = *state;
    world->site.parameters.value[PARAMETER_K] = 1;
    world->site.parameters.value[PARAMETER_W] = 1;
    world->stations[0].clock_sync_us = KOMET_SECONDS(3600);
    line_again(world);
    line_start(world);
    assert_int_equal(world->asdu_count, 1); /* the interrogation; the clock waits for its acknowledgement */
    assert_true(line_deadline(world->line).us > world->now.instant.us);
    line_tick(world->line, world->now);
    assert_true(line_deadline(world->line).us > world->now.instant.us);
    /* Initialized: its N(R) makes room for one, the clock; the new interrogation waits. */
    line_station_sends(world, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false, 1, (struct komet_object){0});
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[1][0], KOMET_C_CS_NA_1);
    assert_true(line_deadline(world->line).us > world->now.instant.us);
    line_advance(world, 10000); /* the station's t2 */
    line_pump(world);
    assert_int_equal(world->asdu_count, 3);
    assert_int_equal(world->asdus[2][0], KOMET_C_IC_NA_1);
    assert_true(line_deadline(world->line).us > world->now.instant.us);
}

static void test_it_starts_and_interrogates(void **state)
{
    struct world *world = *state;
    line_pump(world);
    assert_false(world->asked); /* passive is silent */
    line_start(world);
    assert_string_equal(world->address->host, "10.0.0.1");
    assert_int_equal(world->station_value, STATION_ON);
    assert_int_equal(world->asdu_count, 1);
    const uint8_t interrogation[] = {100, 1, 6, 3, 1, 0, 0, 0, 0, 20};
    assert_int_equal(world->asdu_sizes[0], sizeof interrogation);
    assert_memory_equal(world->asdus[0], interrogation, sizeof interrogation);
    assert_true(line_report(world->line).value);
    assert_int_equal(line_report(world->line).flags, 1);
}

static void test_values_go_to_their_tags(void **state)
{
    struct world *world = *state;
    line_start(world);
    struct komet_object object = {.ioa = 1, .value.single = true};
    komet_cp56_from_utc(&object.time, world->now.utc, 0);
    line_station_sends(world, KOMET_M_SP_TB_1, KOMET_COT_SPONTANEOUS, false, 1, object);
    line_station_sends(world, KOMET_M_ME_NC_1, KOMET_COT_INTERROGATED_STATION, false, 1,
                       (struct komet_object){.ioa = 2, .value.real = 12.5f});
    assert_int_equal(world->value_count, 2);
    assert_ptr_equal(world->values[0].tag, &world->tags[0]);
    assert_true(world->values[0].value.number == 1 && world->values[0].octets_size == 8);
    assert_true(world->values[0].value.time.ms == world->now.utc.ms);
    assert_true(world->values[1].value.number == 12.5 && world->values[1].octets_size == 0);
    assert_int_equal(world->values[1].value.cot, 20);
}

static void test_unknown_addresses_are_told_once(void **state)
{
    struct world *world = *state;
    line_start(world);
    for (int i = 0; i < 5; i++) {
        line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                           (struct komet_object){.ioa = 77});
        line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 9,
                           (struct komet_object){.ioa = 1});
    }
    assert_int_equal(world->note_count, 2);
    assert_int_equal(line_counters(world->line).unknown_address, 10);
    assert_int_equal(world->value_count, 0);
    assert_int_equal(world->frame, 10); /* they are acknowledged all the same */
}

static void test_nothing_is_acknowledged_before_it_is_stored(void **state)
{
    struct world *world = *state;
    line_start(world);
    world->store = false;
    for (int i = 0; i < 9; i++) {
        line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                           (struct komet_object){.ioa = 1});
    }
    line_advance(world, 9900);
    line_pump(world);
    assert_int_equal(world->acknowledged, 0);
    line_stored(world->line, world->now, world->connection, 8);
    line_pump(world);
    assert_int_equal(world->acknowledged, 8); /* w = 8 may be acknowledged: an S format */
    line_advance(world, 101);
    line_pump(world);
    assert_true(world->aborted); /* the ninth was not stored within store_limit */
    assert_int_equal(world->abort_reason, KOMET_NOT_STORED);
}

/* K is 4 here and the station's k 12: it may repeat more than the server looks at. */
static void test_a_larger_k_of_the_station_is_told_once_a_connection(void **state)
{
    struct world *world = *state;
    world->site.parameters.value[PARAMETER_K] = 4;
    world->site.parameters.value[PARAMETER_W] = 2;
    line_again(world);
    line_start(world);
    for (unsigned connection = 1; connection <= 2; connection++) {
        for (unsigned i = 0; i < 12; i++) { /* what is stored and acknowledged counts no more */
            line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                               (struct komet_object){.ioa = 1});
        }
        world->store = false;
        for (unsigned i = 0; i < 12; i++) {
            assert_int_equal(world->note_count, connection - (i > 4 ? 0 : 1));
            line_station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                               (struct komet_object){.ioa = 1});
        }
        assert_int_equal(line_counters(world->line).larger_k, connection);
        line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
        world->store = true;
        line_advance(world, 1000);
        line_pump(world);
        line_accept(world);
    }
    assert_non_null(
        strstr(world->note, "L.RTU: the station leaves more than K = 4 frames open; set K to its k"));
}

static void test_hosts_are_tried_in_turn(void **state)
{
    struct world *world = *state;
    line_activate(world->line, world->now);
    line_pump(world);
    for (int attempt = 1; attempt <= 5; attempt++) {
        assert_true(world->asked);
        assert_string_equal(world->address->host, attempt % 2 == 1 ? "10.0.0.1" : "10.0.0.2");
        world->asked = false;
        line_closed(world->line, world->now, world->connection, KOMET_CONNECT_REFUSED);
        line_pump(world);
        assert_false(world->asked);
        assert_int_equal(world->station_value, attempt < 5 ? STATION_COMERR : STATION_HARDERR);
        line_advance(world, 1000);
        line_pump(world);
    }
    assert_int_equal(line_report(world->line).connections[0].reason, KOMET_CONNECT_REFUSED);
    line_advance(world, 30000); /* t0: nobody answers at all */
    line_pump(world);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_T0_EXPIRED);
}

static void test_a_command_is_done_when_confirmed(void **state)
{
    struct world *world = *state;
    line_start(world);
    line_give(world, 41, 3, 1200);
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[1][0], KOMET_C_SE_NC_1);
    assert_int_equal(world->asdus[1][2], KOMET_COT_ACTIVATION);
    assert_int_equal(world->end_count, 0);
    line_give(world, 42, 3, 7);
    assert_int_equal(world->end_count, 1); /* one open command a tag */
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    line_station_sends(world, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, false, 1,
                       (struct komet_object){.ioa = 6, .value.real = 999});
    assert_int_equal(world->end_count, 2);
    assert_true(world->end.id == 41 && world->end.result == COMMAND_DONE);
    assert_true(world->end.number == 999); /* the value in the confirmation counts */
}

static void test_a_command_is_refused(void **state)
{
    struct world *world = *state;
    line_give(world, 1, 2, 1);
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    assert_string_equal(world->end_text, "not connected");
    line_start(world);
    line_give(world, 2, 2, 1);
    line_station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, true, 1,
                       (struct komet_object){.ioa = 5});
    assert_true(world->end.id == 2 && world->end.result == COMMAND_REFUSED);
    assert_non_null(strstr(world->end_text, "information object address"));
    assert_int_equal(world->end.cause, KOMET_COT_UNKNOWN_IOA);
    line_give(world, 3, 2, 1);
    line_station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, true, 1,
                       (struct komet_object){.ioa = 5});
    assert_true(world->end.id == 3 && world->end.result == COMMAND_REFUSED && world->end.cause == 0);
    line_give(world, 4, 2, 7);
    assert_true(world->end.id == 4 && world->end.result == COMMAND_REFUSED); /* does not fit the type */
}

static void test_a_command_without_confirmation_is_unknown(void **state)
{
    struct world *world = *state;
    line_start(world);
    line_give(world, 5, 2, 1);
    line_advance(world, 59999);
    line_tick(world->line, world->now); /* t3 and t1 are the link's matter: keep the peer alive */
    world->site.parameters.value[PARAMETER_WT3] = 0;
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    line_pump(world);
    assert_true(world->end.id == 5 && world->end.result == COMMAND_UNKNOWN);
    assert_true(world->aborted);
    assert_int_equal(world->end_count, 1);
    line_advance(world, 100000);
    line_pump(world);
    assert_false(world->asked); /* passive again */
}

static void test_wtn_closes_the_connection(void **state)
{
    struct world *world = *state;
    world->site.parameters.value[PARAMETER_WTN] = 2000;
    line_start(world);
    line_give(world, 6, 2, 1);
    line_advance(world, 2000);
    line_pump(world);
    assert_true(world->end.id == 6 && world->end.result == COMMAND_UNKNOWN);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_CONFIRMATION_TIMEOUT);
}

static void test_cmdc_decides_what_confirms(void **state)
{
    struct world *world = *state;
    world->stations[0].parameters.value[PARAMETER_CMDC] = 2;
    line_start(world);
    line_give(world, 7, 2, 1);
    line_station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, false, 1,
                       (struct komet_object){.ioa = 5, .value.single = true});
    assert_int_equal(world->end_count, 0);
    line_station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false, 1,
                       (struct komet_object){.ioa = 5, .value.single = true});
    assert_true(world->end_count == 1 && world->end.result == COMMAND_DONE);
    world->stations[0].parameters.value[PARAMETER_CMDC] = 0;
    line_give(world, 8, 2, 0);
    line_advance(world, 10000); /* t2 of the station: its S format acknowledges the command's frame */
    line_pump(world);
    assert_true(world->end_count == 2 && world->end.id == 8 && world->end.result == COMMAND_DONE);
}

static void answer(struct world *world, uint8_t cause, bool negative, bool value)
{
    line_station_sends(world, KOMET_C_SC_NA_1, cause, negative, 1,
                       (struct komet_object){.ioa = 5, .value.single = value});
}

/* Found by the simulated site: the station's full window held the termination back until the next command was
 * on its way, and that one ended as done. */
static void test_an_answer_to_a_command_before_ends_no_other(void **state)
{
    struct world *world = *state;
    line_start(world);
    line_give(world, 7, 2, 1);
    answer(world, KOMET_COT_ACTIVATION_CON, false, true);
    assert_true(world->end_count == 1 && world->end.id == 7 && world->end.result == COMMAND_DONE);
    line_give(world, 8, 2, 0);
    answer(world, KOMET_COT_ACTIVATION_TERMINATION, false, true);
    assert_int_equal(world->end_count, 1);
    answer(world, KOMET_COT_ACTIVATION_CON, false, false);
    assert_true(world->end_count == 2 && world->end.id == 8 && world->end.number == 0);
    answer(world, KOMET_COT_ACTIVATION_TERMINATION, false, false);
    line_give(world, 9, 2, 1); /* a station that sends only terminations is heard, too */
    answer(world, KOMET_COT_ACTIVATION_TERMINATION, false, true);
    assert_true(world->end_count == 3 && world->end.id == 9 && world->end.result == COMMAND_DONE);
}

static void test_a_command_towards_us_is_mirrored(void **state)
{
    struct world *world = *state;
    line_start(world);
    line_station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, false, 1,
                       (struct komet_object){.ioa = 5});
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[1][2], 0x40 | KOMET_COT_UNKNOWN_TYPE);
}

static void test_a_short_asdu_closes(void **state)
{
    struct world *world = *state;
    line_start(world);
    uint8_t *out = komet_link_reserve(world->link);
    const uint8_t octets[] = {1, 2, 3, 0, 1, 0, 1, 0, 0, 1};
    memcpy(out, octets, sizeof octets);
    komet_link_commit(world->link, world->now.instant, sizeof octets);
    line_pump(world);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_BAD_ASDU);
    line_advance(world, 1000);
    line_pump(world);
    assert_true(world->asked); /* and the next attempt comes */
}

/* A connection that ends while a frame's values wait to be taken: they are gone, and the station sends them
 * again. They must not be measured against themselves. */
static void test_values_that_nobody_took_hold_nothing_back(void **state)
{
    struct world *world = *state;
    struct processing changes_only = steps(TAG_DI, "changes-only");
    world->tags[0].processing = &changes_only;
    line_start(world);
    for (int i = 0; i < 3; i++) {
        uint8_t *out = komet_link_reserve(world->link);
        struct komet_asdu_writer writer;
        struct komet_asdu_header header = {
            .type = KOMET_M_SP_NA_1, .cause = KOMET_COT_SPONTANEOUS, .oa = 3, .ca = 1};
        world->cut_at_note = i == 0; /* of the address that no tag has */
        assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX));
        assert_true(komet_asdu_add(&writer, &(struct komet_object){.ioa = 1, .value.single = true}));
        assert_true(komet_asdu_add(&writer, &(struct komet_object){.ioa = 77}));
        komet_link_commit(world->link, world->now.instant, komet_asdu_end(&writer));
        line_pump(world);
        assert_int_equal(world->value_count, i == 0 ? 0 : 1);
        if (i == 0) {
            line_advance(world, 1000);
            line_pump(world);
            line_accept(world);
        }
    }
    assert_int_equal(line_counters(world->line).unchanged, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_set_up, line_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_starts_and_interrogates),
        TEST(test_a_full_window_is_no_matter_of_time),
        TEST(test_values_go_to_their_tags),
        TEST(test_unknown_addresses_are_told_once),
        TEST(test_nothing_is_acknowledged_before_it_is_stored),
        TEST(test_a_larger_k_of_the_station_is_told_once_a_connection),
        TEST(test_hosts_are_tried_in_turn),
        TEST(test_a_command_is_done_when_confirmed),
        TEST(test_a_command_is_refused),
        TEST(test_a_command_without_confirmation_is_unknown),
        TEST(test_wtn_closes_the_connection),
        TEST(test_cmdc_decides_what_confirms),
        TEST(test_an_answer_to_a_command_before_ends_no_other),
        TEST(test_a_command_towards_us_is_mirrored),
        TEST(test_a_short_asdu_closes),
        TEST(test_values_that_nobody_took_hold_nothing_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
