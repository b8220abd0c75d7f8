/* What masters are to have and command over a RELOAD. */
#include "masters_world.h"

#include <string.h>

#define TOKEN 7

/* RELOAD with these edits, on the way: no instance has applied it. */
#define RELOAD(...)                                                                                          \
    harness_reload(harness, TOKEN, (const struct site_edit[]){__VA_ARGS__, {NULL, NULL, NULL}})
#define NEW_TAG                                                                                              \
    {                                                                                                        \
        "c.csv", "M.UP.D,Dout", "M.UP.NEW,Dout,9,30,M.D\nM.UP.D,Dout"                                        \
    }
#define NO_M_UP_U                                                                                            \
    {                                                                                                        \
        "c.csv", "M.UP.U,Ao,2,36,M.U\n", ""                                                                  \
    }

/* The first message of a new reading. */
static const struct sent *begin_of(const struct harness *harness, unsigned client)
{
    for (unsigned i = 0; i < harness->sent_count; i++) {
        const struct sent *sent = &harness->sent[i];
        if (sent->client == client && sent->kind == BODY(OUTGOING) && sent->of.outgoing.begin) {
            return sent;
        }
    }
    fail_msg("nothing begins");
    return NULL;
}

static void test_events_go_on_without_those_of_removed_outputs(void **state)
{
    struct harness *harness = *state;
    masters_value(harness, "M.U", 1);
    masters_value(harness, "M.D", 1);
    masters_value(harness, "M.U", 2);
    harness_store(harness);
    harness_forget(harness);
    RELOAD(NEW_TAG, NO_M_UP_U);
    masters_value(harness, "M.D", 0);
    harness_store(harness);
    assert_int_equal(harness_sent_count(harness, MASTERS_SRV, BODY(OUTGOING)), 0); /* it has other numbers */
    harness_configured(harness, MASTERS_SRV);
    harness_store(harness);
    assert_int_equal(begin_of(harness, MASTERS_SRV)->of.outgoing.count, 3); /* values: NEW, D, OWN */
    const struct sent *events = masters_outgoing(harness, MASTERS_SRV);
    assert_int_equal(events->of.outgoing.first, 2);
    assert_int_equal(events->of.outgoing.last, 5); /* NEW and D */
    assert_int_equal(events->of.outgoing.count, 3);
    assert_true(events->of.outgoing.ready && events->of.outgoing.number == 0);
}

#define NO_GROUPS                                                                                            \
    {                                                                                                        \
        "site.yaml", " masters: [[10.9.0.1], [10.9.0.2]],", ""                                               \
    }

/* Masters without a memory stand over it, too: the line is told what it was not told before. */
static void test_what_came_meanwhile_is_told_where_nobody_has_a_memory(void **state)
{
    struct harness *harness = *state;
    RELOAD(NO_GROUPS);
    harness_store(harness);
    harness_configured(harness, MASTERS_SRV);
    harness_configured(harness, MASTERS_SELF);
    masters_value(harness, "M.U", 1);
    harness_store(harness);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.last, 1);
    RELOAD(NO_GROUPS, NEW_TAG);
    masters_value(harness, "M.U", 2);
    masters_value(harness, "M.U", 3);
    harness_store(harness);
    harness_forget(harness);
    harness_configured(harness, MASTERS_SRV);
    harness_configured(harness, MASTERS_SELF);
    harness_store(harness);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.first, 2);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.last, 3);
}

static void test_a_new_output_has_the_value_of_its_source(void **state)
{
    struct harness *harness = *state;
    masters_value(harness, "M.D", 1);
    harness_store(harness);
    RELOAD(NEW_TAG);
    assert_true(server_value(harness->server, harness_tag(harness, "M.UP.NEW"))->number == 1);
}

static void test_a_group_is_known_by_its_name(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < 4; i++) {
        masters_value(harness, "M.U", i);
    }
    harness_store(harness);
    masters_taken(harness, MASTERS_SRV, 1, 2);
    RELOAD({"site.yaml", "[10.9.0.1], [10.9.0.2]", "[10.9.0.2]"});
    harness_store(harness);
    harness_forget(harness);
    masters_taken(harness, MASTERS_SRV, 0, 4); /* of the one that is gone */
    masters_taken(harness, MASTERS_SRV, 1, 3);
    harness_store(harness);
    assert_string_equal(harness_record(harness, RECORD_TAKEN)->of.taken.masters, "10.9.0.2");
    assert_int_equal(harness_record(harness, RECORD_TAKEN)->of.taken.position, 3);
    assert_false(harness->closed[MASTERS_SRV]);
    harness_configured(harness, MASTERS_SRV);
    harness_store(harness);
    assert_int_equal(begin_of(harness, MASTERS_SRV)->of.outgoing.group[0], 3);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.first, 4);
    masters_taken(harness, MASTERS_SRV, 1, 4); /* which it has no more */
    assert_true(harness->closed[MASTERS_SRV]);
}

static void test_a_smaller_buffer_keeps_the_newest(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < 130; i++) {
        masters_value(harness, "M.U", i);
        harness_store(harness);
    }
    RELOAD({"site.yaml", "OBUF: 120", "OBUF: 100"});
    harness_configured(harness, MASTERS_SRV);
    harness_store(harness);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.first, 31);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.last, 130);
}

static void test_a_command_in_the_former_numbers_is_of_the_tag_it_meant(void **state)
{
    struct harness *harness = *state;
    RELOAD({"c.csv", "M.UP.D,Dout", "M.IN.NEW,Di,9,45,\nM.UP.D,Dout"}, {"c.csv", "M.IN.S,Di,5,45,\n", ""},
           {"s.csv", "M.IN.S", ""});
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN.FREE", 1, false);
    harness_store(harness);
    assert_string_equal(harness_record(harness, RECORD_EVENT)->of.event.tag, "M.IN.FREE");
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_DONE);
    harness_forget(harness);
    masters_command_of(harness, MASTERS_SRV, 2, "M.IN.S", 1, false);
    harness_store(harness);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_REFUSED);
    assert_false(harness->closed[MASTERS_SRV]);
}

static void test_a_command_under_way_is_answered(void **state)
{
    struct harness *harness = *state;
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN", 1, false);
    harness_store(harness);
    harness_store(harness);
    const struct sent *sent = harness_sent(harness, MASTERS_SELF, BODY(COMMAND));
    assert_non_null(sent);
    harness_forget(harness);
    RELOAD(NEW_TAG);
    harness_command_end(harness, MASTERS_SELF, sent->of.command.id, COMMAND_DONE, "", 1);
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_DONE);
}

static const char connecting[] =
    "    lines:\n      L.N: {protocol: iec104, category: tcp, number: 9, hosts: [\"127.0.0.1:2409\"], "
    "stations: {B.N: {address: 1, tags: s.csv}}}\n      L.C:";

static void test_a_line_that_connects_is_refused_where_all_act(void **state)
{
    struct harness *harness = *state;
    const struct record_user user = {"engineer", true};
    const struct process *process = harness_process(harness, "SRV.KOM");
    server_set_load_balance(harness->server, harness->now, 5, &user, process, true);
    harness_drain(harness);
    harness_store(harness);
    assert_true(server_instances(harness->server, process)->all_act);
    RELOAD({"site.yaml", "    lines:\n      L.C:", connecting},
           {"site.yaml", "B.S: {address: 2, tags: s.csv, parameters: {SBE: true}}", ""},
           {"site.yaml", "tags: a.csv},", "tags: a.csv}"});
    harness_store(harness);
    const struct ended *ended = harness_ended(harness, TOKEN);
    assert_non_null(ended);
    assert_int_equal(ended->of.result, COMMAND_REFUSED);
    assert_string_equal(ended->reason,
                        "line L.N connects, but all instances of its process act (SET_LOAD_BAL_MODE)");
    assert_int_equal(server_configuration(harness->server), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, masters_world_set_up, harness_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_events_go_on_without_those_of_removed_outputs),
        TEST(test_what_came_meanwhile_is_told_where_nobody_has_a_memory),
        TEST(test_a_new_output_has_the_value_of_its_source),
        TEST(test_a_group_is_known_by_its_name),
        TEST(test_a_smaller_buffer_keeps_the_newest),
        TEST(test_a_command_in_the_former_numbers_is_of_the_tag_it_meant),
        TEST(test_a_command_under_way_is_answered),
        TEST(test_a_line_that_connects_is_refused_where_all_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
