/* RELOAD at the KOM: a line that did not change notices nothing, and what changed is applied as far as its
 * connection allows. */
#include "kom_harness.h"

#include <string.h>

#define RELOAD(...) world_reload(world, (const struct site_edit[]){__VA_ARGS__, {NULL, NULL, NULL}})

#define TAG_IN_FRONT                                                                                         \
    {                                                                                                        \
        "a.csv", "M.D,Di,1", "M.NEW,Di,9,\nM.D,Di,1"                                                         \
    }

#define SELECTS                                                                                              \
    {                                                                                                        \
        "site.yaml", "B.A: {address: 1, tags: a.csv, time: utc}",                                            \
            "B.A: {address: 1, tags: a.csv, time: utc, parameters: {SBE: true}}"                             \
    }

/* Both stations are there, and all that they sent so far is stored. */
static void begin(struct world *world)
{
    world_activate(world);
    world_accept(world, LINE_A);
    world_accept(world, LINE_B);
    world_forget(world);
}

static void change(struct world *world, uint16_t line, uint32_t ioa, bool single)
{
    world_send(world, line, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS,
               (struct komet_object){.ioa = ioa, .value.single = single});
}

static void test_a_line_that_did_not_change_notices_nothing(void **state)
{
    struct world *world = *state;
    begin(world);
    for (int i = 0; i < 5; i++) {
        world_change(world, LINE_B, 1);
    }
    unsigned asked = world->lines[LINE_B].asdu_count;
    RELOAD(TAG_IN_FRONT);
    assert_false(world->lines[LINE_B].aborted || world->lines[LINE_B].asked);
    assert_false(world->lines[LINE_A].aborted || world->lines[LINE_A].asked);
    assert_int_equal(world->lines[LINE_B].asdu_count, asked); /* nobody asks its station */
    assert_int_equal(world_newest(world, BODY(CONFIGURED))->configured->number, 1);
    /* What waited for the disk then is acknowledged now, on the same connection. */
    for (int i = 0; i < 3; i++) {
        world_change(world, LINE_B, 1);
    }
    assert_int_equal(world->lines[LINE_B].acknowledged, 0);
    world_stored(world, 8);
    assert_int_equal(world->lines[LINE_B].acknowledged, 8);
    const Komet__Wire__Batch *batch = world_newest(world, BODY(BATCH))->batch;
    assert_int_equal(batch->sequence, 8);
    assert_int_equal(batch->configuration, 1);
    assert_int_equal(batch->tag[0], 4); /* M.B: one was put in front */
    assert_int_equal(batch->frame[0], 8);
    assert_int_equal(batch->connection[0], 1);
    assert_int_equal(world_nth(world, BODY(BATCH), 4)->batch->configuration, 0);
    assert_int_equal(world_nth(world, BODY(BATCH), 4)->batch->tag[0], 3);
}

static void test_nothing_is_said_in_new_numbers_before_configured(void **state)
{
    struct world *world = *state;
    begin(world);
    world_send_configuration(world);
    world_change(world, LINE_A, 1); /* while it is being read */
    world_forget(world);
    world->holds = true;
    world_queue(world, LINE_A, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS,
                (struct komet_object){.ioa = 1, .value.single = true});
    world->holds = false;
    world_apply(world, (const struct site_edit[]){TAG_IN_FRONT,
                                                  {"site.yaml", "10.0.0.3:2405", "10.0.0.3:2406"},
                                                  {NULL, NULL, NULL}});
    bool configured = false;
    for (unsigned i = 0; i < world->said_count; i++) {
        configured = configured || world->said[i].kind == BODY(CONFIGURED);
        bool numbered = world->said[i].kind == BODY(BATCH) || world->said[i].kind == BODY(STATION_REPORT);
        assert_true(configured || !numbered);
    }
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->tag[0], 1);
}

static void test_a_station_with_new_tags_is_asked_and_one_that_lost_some_is_not(void **state)
{
    struct world *world = *state;
    begin(world);
    unsigned a = world->lines[LINE_A].asdu_count, b = world->lines[LINE_B].asdu_count;
    RELOAD(TAG_IN_FRONT, {"b.csv", "M.BAND,Ai,4,,discard=0 100; deadband=0.5\n", ""});
    assert_int_equal(world->lines[LINE_A].asdu_count, a + 1);
    assert_int_equal(world->lines[LINE_A].asdu[0], KOMET_C_IC_NA_1);
    assert_int_equal(world->lines[LINE_B].asdu_count, b);
    world_send(world, LINE_A, KOMET_M_SP_NA_1, KOMET_COT_INTERROGATED_STATION,
               (struct komet_object){.ioa = 9, .value.single = true});
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->tag[0], 0);
}

/* B.B moves from its line, which goes, to L.A: a station that L.A has not asked yet. */
static void test_a_new_station_on_a_line_is_interrogated(void **state)
{
    struct world *world = *state;
    begin(world);
    unsigned asked = world->lines[LINE_A].asdu_count;
    RELOAD({"site.yaml",
            "      L.B:\n        protocol: iec104\n        category: tcp\n        number: 4\n"
            "        hosts: [\"10.0.0.3:2405\"]\n        reconnect: 1 s\n        stations:\n",
            ""},
           {"site.yaml", "B.B: {address: 1,", "B.B: {address: 2,"});
    assert_false(world->lines[LINE_A].aborted);
    assert_true(world->lines[LINE_B].aborted);
    assert_int_equal(world->lines[LINE_A].asdu_count, asked + 1);
    assert_int_equal(world->lines[LINE_A].asdu[0], KOMET_C_IC_NA_1);
    assert_int_equal(world->lines[LINE_A].asdu[4], 2); /* its common address */
    const Komet__Wire__StationReport *report = world_newest(world, BODY(STATION_REPORT))->station_report;
    assert_true(report->station == 1 && report->value == STATION_ON);
}

static void test_other_facts_of_a_connection_open_it_anew(void **state)
{
    struct world *world = *state;
    begin(world);
    world_change(world, LINE_A, 1);
    RELOAD({"site.yaml", "hosts: [\"10.0.0.1:2404\", ",
            "parameters: {K: 20}\n        hosts: [\"10.0.0.1:2404\", "});
    assert_true(world->lines[LINE_A].aborted && world->lines[LINE_A].asked);
    assert_int_equal(world->lines[LINE_A].reason, KOMET_RECONFIGURED);
    assert_int_equal(world->lines[LINE_A].connection, 2); /* a number is never used twice under a grant */
    assert_false(world->lines[LINE_B].aborted);
    world_stored(world, 1); /* of the connection before: nothing is acknowledged on this one */
    world_accept(world, LINE_A);
    world_change(world, LINE_A, 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->connection[0], 2);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->frame[0], 1);
}

static void test_a_line_that_is_removed_closes_and_the_others_go_on_under_other_numbers(void **state)
{
    struct world *world = *state;
    begin(world);
    for (int i = 0; i < 7; i++) {
        world_change(world, LINE_B, 1);
    }
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    world_forget(world);
    RELOAD({"site.yaml",
            "      L.A:\n        protocol: iec104\n        category: tcp\n        number: 3\n"
            "        hosts: [\"10.0.0.1:2404\", \"10.0.0.2:2404\"]\n        reconnect: 1 s\n        "
            "without_server: buffer\n"
            "        stations:\n          B.A: {address: 1, tags: a.csv, time: utc}\n",
            ""});
    /* L.B is the first line now. */
    const Komet__Wire__CommandEnd *end = world_newest(world, BODY(COMMAND_END))->command_end;
    assert_true(end->id == 9 && end->result == COMMAND_UNKNOWN);
    assert_string_equal(end->reason, "reconfigured");
    world_change(world, 0, 1);
    world_stored(world, 8);
    assert_int_equal(world->lines[0].acknowledged, 8);
    const Komet__Wire__Batch *batch = world_newest(world, BODY(BATCH))->batch;
    assert_true(batch->line[0] == 0 && batch->tag[0] == 0 && batch->frame[0] == 8);
}

static void test_commands_go_on_unless_what_they_go_to_changed(void **state)
{
    struct world *world = *state;
    begin(world);
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    uint8_t sent[KOMET_ASDU_SIZE_MAX];
    memcpy(sent, world->lines[LINE_A].asdu, sizeof sent);
    RELOAD(TAG_IN_FRONT);
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 0);
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, (struct komet_object){.ioa = 6});
    world_assert_end(world, 9, COMMAND_DONE, "");
    world_command(world, 10, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 3, 0); /* its number now */
    world_pump(world);
    RELOAD({"a.csv", "M.SET,Ao,6,50", "M.SET,Ao,7,50"});
    const Komet__Wire__CommandEnd *end = world_newest(world, BODY(COMMAND_END))->command_end;
    assert_true(end->id == 10 && end->result == COMMAND_UNKNOWN);
    assert_non_null(strstr(end->reason, "RELOAD"));
    assert_false(world->lines[LINE_A].aborted);
}

/* The termination of a command that its confirmation had ended comes after the RELOAD. */
static void test_a_late_answer_is_still_that_of_the_command_before(void **state)
{
    struct world *world = *state;
    begin(world);
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, (struct komet_object){.ioa = 6});
    world_assert_end(world, 9, COMMAND_DONE, "");
    RELOAD(TAG_IN_FRONT);
    world_forget(world);
    world_command(world, 10, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 3, 0);
    world_pump(world);
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_TERMINATION,
               (struct komet_object){.ioa = 6});
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 0);
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, (struct komet_object){.ioa = 6});
    world_assert_end(world, 10, COMMAND_DONE, "");
}

/* Selections are by tag, whose number is another one now; a select that is on its way is a command. */
static void test_selections_go_on_unless_what_they_go_to_changed(void **state)
{
    struct world *world = *state;
    struct komet_object selected = {.ioa = 6, .value.real = 12.5F, .select = true};
    begin(world);
    RELOAD(SELECTS);
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_SELECT, 2, 0);
    world_pump(world);
    RELOAD(SELECTS, TAG_IN_FRONT);
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 0);
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, selected);
    world_assert_end(world, 9, COMMAND_DONE, "");
    RELOAD(SELECTS);
    unsigned asked = world->lines[LINE_A].asdu_count;
    world_command(world, 10, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    assert_int_equal(world->lines[LINE_A].asdu_count, asked + 1);
    selected.select = false; /* it is executed at once */
    world_send(world, LINE_A, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, selected);
    world_assert_end(world, 10, COMMAND_DONE, "");
    world_command(world, 11, KOM_TEST_EPOCH, LINE_COMMAND_SELECT, 2, 0);
    world_pump(world);
    RELOAD(SELECTS, {"a.csv", "M.SET,Ao,6,50", "M.OTHER,Ao,6,50"});
    const Komet__Wire__CommandEnd *end = world_newest(world, BODY(COMMAND_END))->command_end;
    assert_true(end->id == 11 && end->result == COMMAND_REFUSED); /* it would only have selected */
}

static void test_filters_remember_tags_that_did_not_change(void **state)
{
    struct world *world = *state;
    begin(world);
    change(world, LINE_B, 2, true);
    change(world, LINE_B, 3, true);
    RELOAD({"b.csv", "M.B,Di,1,,\n", "M.X,Di,8,,\nM.B,Di,1,,\n"}, {"b.csv", "M.TIMED,Di,3", "M.TIMED,Di,5"});
    world_forget(world);
    change(world, LINE_B, 2, true);
    assert_int_equal(world_said(world, BODY(BATCH)), 0); /* M.TRAP has that value */
    change(world, LINE_B, 5, true);
    assert_int_equal(world_said(world, BODY(BATCH)), 1); /* of M.TIMED it is another point now */
}

static void test_a_passive_instance_applies_it_and_acts_by_it(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    RELOAD(TAG_IN_FRONT);
    assert_int_equal(world_newest(world, BODY(CONFIGURED))->configured->number, 1);
    assert_false(world->lines[LINE_A].asked);
    world_role(world, true, KOM_TEST_EPOCH);
    world_accept(world, LINE_A);
    world_change(world, LINE_A, 9);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->tag[0], 0);
}

static void test_one_that_was_sent_by_a_server_that_is_lost_is_forgotten(void **state)
{
    struct world *world = *state;
    begin(world);
    world_send_configuration(world);
    assert_true(world->reconfigures);
    world->reconfigures = false;
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world->configuration = 0;
    RELOAD(TAG_IN_FRONT);
    assert_int_equal(world_newest(world, BODY(CONFIGURED))->configured->number, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_that_did_not_change_notices_nothing),
        TEST(test_nothing_is_said_in_new_numbers_before_configured),
        TEST(test_a_station_with_new_tags_is_asked_and_one_that_lost_some_is_not),
        TEST(test_a_new_station_on_a_line_is_interrogated),
        TEST(test_other_facts_of_a_connection_open_it_anew),
        TEST(test_a_line_that_is_removed_closes_and_the_others_go_on_under_other_numbers),
        TEST(test_commands_go_on_unless_what_they_go_to_changed),
        TEST(test_a_late_answer_is_still_that_of_the_command_before),
        TEST(test_selections_go_on_unless_what_they_go_to_changed),
        TEST(test_filters_remember_tags_that_did_not_change),
        TEST(test_a_passive_instance_applies_it_and_acts_by_it),
        TEST(test_one_that_was_sent_by_a_server_that_is_lost_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
