/* The KOM's engine towards its lines: what becomes of received frames and which of them it acknowledges,
 * commands, and the end. The columns and the ledger by themselves are batch_test's. */
#include "kom_harness.h"

#include <stdlib.h>
#include <string.h>

static const struct komet_object unknown_object = {.ioa = 777};

/* ---- values ---- */

static void test_a_batch_has_what_the_line_received(void **state)
{
    struct world *world = *state;
    world_activate(world);
    world_accept(world, LINE_A);
    world_accept(world, LINE_B);
    world_forget(world);
    struct komet_object tagged = {.ioa = 1, .value.single = true, .quality = KOMET_QUALITY_BL};
    komet_cp56_from_utc(&tagged.time, (struct komet_utc){world->now.utc.ms - 1000}, 0);
    world_queue(world, LINE_A, KOMET_M_SP_TB_1, KOMET_COT_SPONTANEOUS, tagged);
    world_queue(world, LINE_A, KOMET_M_ME_NC_1, KOMET_COT_INTERROGATED_STATION,
                (struct komet_object){.ioa = 2, .value.real = 12.5f});
    tagged.quality = 0;
    world_queue(world, LINE_B, KOMET_M_SP_TB_1, KOMET_COT_SPONTANEOUS, tagged);
    world_pump(world);
    assert_int_equal(world_said(world, BODY(BATCH)), 1);
    const Komet__Wire__Batch *batch = world_newest(world, BODY(BATCH))->batch;
    assert_int_equal(batch->epoch, KOM_TEST_EPOCH);
    assert_int_equal(batch->n_tag, 3);
    assert_true(batch->tag[0] == 0 && batch->tag[1] == 1 && batch->tag[2] == 3);
    assert_true(batch->line[0] == LINE_A && batch->line[1] == LINE_A && batch->line[2] == LINE_B);
    assert_true(batch->number[0] == 1 && batch->number[1] == 12.5 && batch->number[2] == 1);
    assert_int_equal(batch->cause[0], KOMET_COT_SPONTANEOUS << 8 | KOMET_M_SP_TB_1);
    assert_int_equal(batch->cause[1], 0x10000 | KOMET_COT_INTERROGATED_STATION << 8 | KOMET_M_ME_NC_1);
    assert_int_equal(batch->time_ms[0], world->now.utc.ms - 1000);
    assert_int_equal(batch->time_ms[1], 1000); /* differences */
    assert_int_equal(batch->time_ms[2], -1000);
    assert_int_equal(batch->arrived_ms[0], world->now.utc.ms);
    assert_true(batch->arrived_ms[1] == 0 && batch->arrived_ms[2] == 0);
    assert_true(batch->frame[0] == 1 && batch->frame[1] == 1 && batch->frame[2] == -1);
    assert_true(batch->connection[0] == 1 && batch->connection[2] == 1);
    assert_true(batch->octets_size[0] == 8 && batch->octets_size[1] == 0 && batch->octets_size[2] == 8);
    assert_int_equal(batch->octets.len, 16);
    assert_int_equal(batch->octets.data[0], 0x01 | KOMET_QUALITY_BL); /* SIQ, then the time tag */
    assert_int_equal(batch->octets.data[8], 0x01);
    assert_memory_equal(batch->octets.data + 1, batch->octets.data + 9, 7);
    assert_true(batch->status_flags[0] != batch->status_flags[2]); /* blocked says something */
}

static void test_nothing_is_acknowledged_before_it_is_stored(void **state)
{
    struct world *world = *state;
    world_start(world);
    for (int i = 0; i < 20; i++) {
        world_change(world, LINE_A, 1);
    }
    world_live(world, KOMET_SECONDS(9));
    assert_int_equal(world->lines[LINE_A].acknowledged, 0); /* neither by w = 8 nor by time */
    world_stored(world, 7);
    assert_int_equal(world->lines[LINE_A].acknowledged, 0); /* seven wait for w or t2 */
    world_stored(world, 8);
    assert_int_equal(world->lines[LINE_A].acknowledged, 8);
    world_stored(world, 20);
    assert_int_equal(world->lines[LINE_A].acknowledged, 20);
}

/* Octets of ours carry N(R) too: a command while values wait for the disk. */
static void test_an_i_format_does_not_acknowledge_more(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_change(world, LINE_A, 1);
    world_change(world, LINE_A, 1);
    world_stored(world, 1);
    unsigned before = world->lines[LINE_A].asdu_count;
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    assert_int_equal(world->lines[LINE_A].asdu_count, before + 1);
    assert_int_equal(world->lines[LINE_A].acknowledged, 1);
}

static void test_frames_without_values_are_acknowledged_when_nothing_waits(void **state)
{
    struct world *world = *state;
    world_start(world);
    for (int i = 0; i < 8; i++) {
        world_send(world, LINE_A, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, unknown_object);
    }
    assert_int_equal(world_said(world, BODY(BATCH)), 0);
    assert_int_equal(world->lines[LINE_A].acknowledged, 8);
}

static void test_frames_without_values_wait_for_those_before_them(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_change(world, LINE_A, 1);
    for (int i = 0; i < 8; i++) {
        world_send(world, LINE_A, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, unknown_object);
    }
    assert_int_equal(world->lines[LINE_A].acknowledged, 0);
    world_stored(world, 1);
    assert_int_equal(world->lines[LINE_A].acknowledged, 9);
}

static void test_lines_are_acknowledged_for_themselves(void **state)
{
    struct world *world = *state;
    world_activate(world);
    world_accept(world, LINE_A);
    world_accept(world, LINE_B);
    for (int i = 0; i < 8; i++) {
        world_change(world, LINE_A, 1);
        world_send(world, LINE_B, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, unknown_object);
    }
    for (int i = 0; i < 8; i++) {
        world_change(world, LINE_B, 1);
    }
    world_stored(world, 8);
    assert_int_equal(world->lines[LINE_A].acknowledged, 8);
    assert_int_equal(world->lines[LINE_B].acknowledged, 8);
    world_stored(world, 16);
    assert_int_equal(world->lines[LINE_B].acknowledged, 16);
}

static void test_full_it_takes_no_more(void **state)
{
    struct world *world = *state;
    assert_false(kom_takes(world->kom)); /* there are no lines */
    world_start(world);
    for (unsigned i = 1; i <= KOM_BATCHES_MAX; i++) {
        assert_true(kom_takes(world->kom));
        world_change(world, LINE_A, 1);
        assert_int_equal(world_said(world, BODY(BATCH)), i);
    }
    assert_false(kom_takes(world->kom));
    world_change(world, LINE_A, 1);
    struct station_end *end = &world->lines[LINE_A];
    assert_true(end->size > 0);
    assert_int_equal(kom_line_feed(world->kom, world->now, LINE_A, end->connection, end->octets, end->size),
                     0);
    assert_int_equal(world_said(world, BODY(BATCH)), KOM_BATCHES_MAX);
    world_stored(world, 1);
    assert_int_equal(end->size, 0); /* what waited in the socket has come */
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->sequence, KOM_BATCHES_MAX + 1);
    assert_false(kom_takes(world->kom));
    world_stored(world, KOM_BATCHES_MAX + 1);
    assert_true(kom_takes(world->kom));
    assert_int_equal(end->acknowledged, KOM_BATCHES_MAX + 1);
}

static void test_a_refused_batch_makes_passive(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_change(world, LINE_A, 1);
    world_change(world, LINE_A, 1);
    world->holds = true;
    world_change(world, LINE_A, 1);
    struct station_end *end = &world->lines[LINE_A];
    kom_line_feed(world->kom, world->now, LINE_A, end->connection, end->octets, end->size);
    world->holds = false;
    world_refuse_batch(world, 1);
    assert_false(kom_is_active(world->kom, world->now));
    assert_int_equal(world_said(world, BODY(BATCH)), 2); /* what came since would be refused too */
    assert_int_equal(world->lines[LINE_A].reason, KOMET_NOT_STORED);
    world_assert_stopped(world, KOM_TEST_EPOCH);
    assert_non_null(strstr(world->notes, "the server refused values: its grant is not valid any more"));
    world_forget(world);
    world_role(world, true, KOM_TEST_EPOCH + 1);
    world_accept(world, LINE_A);
    world_change(world, LINE_A, 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->sequence, 3);
    world_stored(world, 2);
    assert_int_equal(world->lines[LINE_A].acknowledged, 0);
}

/* ---- modes of stations ---- */

static void test_what_a_passive_one_was_told_holds_when_it_acts(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_modes(world, STATION_DISABLED, 0); /* before the site: it cannot be meant */
    assert_non_null(strstr(world->notes, "for another site"));
    world_welcome(world, KOM_TEST_LEASE);
    world_modes(world, STATION_DISABLED, 0);
    assert_false(world->lines[LINE_B].asked);
    world_role(world, true, KOM_TEST_EPOCH);
    assert_false(world->lines[LINE_A].asked);
    assert_true(world->lines[LINE_B].asked);
    world_accept(world, LINE_B);
    world_modes(world, 0, STATION_SIMULATED);
    assert_true(world->lines[LINE_A].asked);
    assert_true(world->lines[LINE_B].aborted);
    assert_int_equal(world->lines[LINE_B].reason, KOMET_DISABLED);
    const Komet__Wire__StationReport *report = world_newest(world, BODY(STATION_REPORT))->station_report;
    assert_int_equal(report->station, 1);
    assert_int_equal(report->value, STATION_SIMUL);
}

/* ---- commands ---- */

static void test_commands_that_are_refused_at_once(void **state)
{
    struct world *world = *state;
    static const char passive[] = "this instance is not active under that grant";
    static const char unknown[] = "this instance has no such tag or station";
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world_forget(world);
    world_command(world, 1, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    world_assert_end(world, 1, COMMAND_REFUSED, passive);
    world_role(world, true, KOM_TEST_EPOCH);
    world_accept(world, LINE_A);
    unsigned asdus = world->lines[LINE_A].asdu_count;
    const struct {
        uint64_t epoch;
        enum line_command_kind kind;
        uint32_t tag, station;
        const char *reason;
    } wrong[] = {{KOM_TEST_EPOCH - 1, LINE_COMMAND_WRITE, 2, 0, passive},
                 {KOM_TEST_EPOCH + 1, LINE_COMMAND_INTERROGATE, 0, 0, passive},
                 {KOM_TEST_EPOCH, LINE_COMMAND_WRITE, world->process->tag_count, 0, unknown},
                 {KOM_TEST_EPOCH, LINE_COMMAND_INTERROGATE, 0, 2, unknown},
                 {KOM_TEST_EPOCH, (enum line_command_kind)0, 2, 0, unknown},
                 {KOM_TEST_EPOCH, (enum line_command_kind)6, 2, 0, unknown},
                 {KOM_TEST_EPOCH, LINE_COMMAND_INTERROGATE, 0, 1, "not connected"}};
    world_forget(world);
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        world_command(world, 10 + i, wrong[i].epoch, wrong[i].kind, wrong[i].tag, wrong[i].station);
        world_pump(world);
        world_assert_end(world, 10 + i, COMMAND_REFUSED, wrong[i].reason);
    }
    assert_int_equal(world->lines[LINE_A].asdu_count, asdus);
}

static void test_a_command_is_sent_and_its_end_is_told_once(void **state)
{
    struct world *world = *state;
    world_start(world);
    unsigned asdus = world->lines[LINE_A].asdu_count;
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    assert_int_equal(world->lines[LINE_A].asdu_count, asdus + 1);
    assert_int_equal(world->lines[LINE_A].asdu[0], KOMET_C_SE_NC_1);
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 0);
    const struct komet_object confirmed = {.ioa = 6, .value.real = 11};
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, confirmed);
    assert_true(world_newest(world, BODY(COMMAND_END))->command_end->number == 11);
    world_assert_end(world, 9, COMMAND_DONE, "");
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, confirmed);
    world_role(world, false, KOM_TEST_EPOCH);
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 0);
}

static void test_a_command_under_way_is_unknown_when_the_role_ends(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    world_role(world, false, KOM_TEST_EPOCH);
    world_assert_stopped(world, KOM_TEST_EPOCH); /* behind the end of the command */
    world_assert_end(world, 9, COMMAND_UNKNOWN, komet_reason_name(KOMET_BECAME_PASSIVE));
}

/* However many the server sends in one piece. */
static void test_a_flood_of_commands(void **state)
{
    struct world *world = *state;
    world_activate(world);
    world_forget(world);
    for (uint64_t id = 1; id <= 400; id++) {
        world_command(world, id, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    }
    world_pump(world);
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 400);
    assert_int_equal(world_nth(world, BODY(COMMAND_END), 0)->command_end->id, 1);
    assert_int_equal(world_newest(world, BODY(COMMAND_END))->command_end->id, 400);
    world_forget(world);
    for (uint64_t id = 1; id <= 600; id++) {
        world_command(world, id, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    }
    world_pump(world);
    unsigned told = world_said(world, BODY(COMMAND_END));
    assert_true(told >= 256 && told < 600); /* what the server has open at a time is always answered */
    assert_non_null(strstr(world->notes, "a command was dropped"));
    world_forget(world);
    world_command(world, 1000, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    world_assert_end(world, 1000, COMMAND_REFUSED, "not connected");
}

/* ---- the end ---- */

static void test_shutdown_closes_the_lines_and_sends_what_it_has(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    world->holds = true;
    world_change(world, LINE_A, 1);
    struct station_end *end = &world->lines[LINE_A];
    kom_line_feed(world->kom, world->now, LINE_A, end->connection, end->octets, end->size);
    kom_shutdown(world->kom, world->now);
    world_pump(world);
    assert_true(end->aborted);
    assert_int_equal(end->reason, KOMET_SHUTDOWN);
    assert_int_equal(world_said(world, BODY(BATCH)), 1);
    assert_int_equal(world_said(world, BODY(STOPPED)), 0); /* which would ask for the next grant */
    world_assert_end(world, 9, COMMAND_UNKNOWN, komet_reason_name(KOMET_SHUTDOWN));
}

static void test_shutdown_of_a_passive_one(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world_forget(world);
    kom_shutdown(world->kom, world->now);
    world_pump(world);
    assert_int_equal(world->said_count, 0);
}

static void leave(struct world *world)
{
    kom_leave(world->kom, world->now);
    world_pump(world);
}

static void test_one_that_leaves_acts_until_it_is_relieved(void **state)
{
    struct world *world = *state;
    world_start(world);
    leave(world);
    assert_int_equal(world_said(world, BODY(LEAVE)), 1);
    world_live(world, KOMET_MS(300));
    assert_true(kom_is_active(world->kom, world->now));
    assert_int_equal(world->ends, 0);
    struct station_end *end = &world->lines[LINE_A];
    world_change(world, LINE_A, 1); /* which still goes out, in front of Stopped */
    world_role(world, false, KOM_TEST_EPOCH);
    world_pump(world);
    assert_true(end->aborted);
    assert_int_equal(end->reason, KOMET_SHUTDOWN);
    world_assert_stopped(world, KOM_TEST_EPOCH);
    assert_int_equal(world->ends, 1);
    assert_int_equal(world->outputs[strlen(world->outputs) - 1], 'E');
    leave(world); /* again: no more */
    assert_int_equal(world_said(world, BODY(LEAVE)), 1);
}

static void test_one_that_leaves_ends_by_itself_when_nobody_relieves_it(void **state)
{
    struct world *world = *state;
    world_start(world);
    leave(world);
    world_live(world, KOM_LEAVE_LIMIT_US - KOMET_MS(50));
    assert_int_equal(world->ends, 0);
    world_live(world, KOMET_MS(100));
    assert_int_equal(world->lines[LINE_A].reason, KOMET_SHUTDOWN);
    world_assert_stopped(world, KOM_TEST_EPOCH);
    assert_int_equal(world->ends, 1);
}

static void test_one_that_leaves_takes_no_grant(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    leave(world);
    world_role(world, true, KOM_TEST_EPOCH);
    world_pump(world);
    assert_false(kom_is_active(world->kom, world->now));
    world_assert_stopped(world, KOM_TEST_EPOCH);
    assert_int_equal(world->ends, 0);
    world_role(world, false, KOM_TEST_EPOCH);
    world_pump(world);
    assert_int_equal(world->ends, 1);
}

static void test_a_grant_that_ended_on_its_way_is_said_to_have_stopped(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world_role(world, false, 0); /* the first word to everybody: nothing to say */
    world_pump(world);
    assert_int_equal(world_said(world, BODY(STOPPED)), 0);
    world_role(world, false, KOM_TEST_EPOCH);
    world_pump(world);
    world_assert_stopped(world, KOM_TEST_EPOCH);
}

static void test_without_a_server_it_ends_at_once(void **state)
{
    struct world *world = *state;
    leave(world);
    assert_int_equal(world->ends, 1);
    assert_int_equal(world->said_count, 0);
}

static void test_it_ends_when_the_server_is_lost_meanwhile(void **state)
{
    struct world *world = *state;
    world_start(world);
    leave(world);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_true(world->lines[LINE_A].aborted);
    assert_int_equal(world->ends, 1);
}

static void test_the_server_can_tell_it_to_end(void **state)
{
    struct world *world = *state;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Leave body = KOMET__WIRE__LEAVE__INIT;
    message.body_case = BODY(LEAVE);
    message.leave = &body;
    world_start(world);
    kom_feed(world->kom, world->now, &message);
    world_pump(world);
    assert_int_equal(world_said(world, BODY(LEAVE)), 1);
    world_role(world, false, KOM_TEST_EPOCH);
    world_pump(world);
    assert_int_equal(world->ends, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_a_batch_has_what_the_line_received),
    TEST(test_nothing_is_acknowledged_before_it_is_stored),
    TEST(test_an_i_format_does_not_acknowledge_more),
    TEST(test_frames_without_values_are_acknowledged_when_nothing_waits),
    TEST(test_frames_without_values_wait_for_those_before_them),
    TEST(test_lines_are_acknowledged_for_themselves),
    TEST(test_full_it_takes_no_more),
    TEST(test_a_refused_batch_makes_passive),
    TEST(test_commands_that_are_refused_at_once),
    TEST(test_a_command_is_sent_and_its_end_is_told_once),
    TEST(test_a_command_under_way_is_unknown_when_the_role_ends),
    TEST(test_a_flood_of_commands),
    TEST(test_shutdown_closes_the_lines_and_sends_what_it_has),
    TEST(test_shutdown_of_a_passive_one),
    TEST(test_one_that_leaves_acts_until_it_is_relieved),
    TEST(test_one_that_leaves_ends_by_itself_when_nobody_relieves_it),
    TEST(test_one_that_leaves_takes_no_grant),
    TEST(test_a_grant_that_ended_on_its_way_is_said_to_have_stopped),
    TEST(test_without_a_server_it_ends_at_once),
    TEST(test_what_a_passive_one_was_told_holds_when_it_acts),
    TEST(test_it_ends_when_the_server_is_lost_meanwhile),
    TEST(test_the_server_can_tell_it_to_end),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
