/* What the server knows of a Sinaut line's outputs, and tells who comes to act. */
#include "server_harness.h"

#include <stdlib.h>

#define BODY(name) KOMET__WIRE__MESSAGE__BODY_##name

static const char site_text[] =
    "site: test\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.A: {protocol: iec104, category: tcp, number: 3, hosts: [\"127.0.0.1:2404\"], stations: {\n"
    "        B.A: {address: 1, tags: a.csv}}}\n"
    "      L.S: {protocol: iec104-sinaut, category: tcp-redundant, number: 7, partners: [[10.1.0.1]],\n"
    "        stations: {B.S: {address: 1, tags: s.csv}}}\n";
static const char a_csv[] = "name,type,address,asdu\nM.A,Ai,1,\n";
static const char s_csv[] =
    "name,type,address,asdu\nM.IN,Ai,1,\nM.CMD,Ao,1,50\nM.OUT,Ao,2,13\nM.BIT,Dout,3,30\n";
static const struct record_user alice = {"alice", true};

static int set_up(void **state)
{
    static const struct site_file files[] = {{"site.yaml", site_text, sizeof site_text - 1},
                                             {"a.csv", a_csv, sizeof a_csv - 1},
                                             {"s.csv", s_csv, sizeof s_csv - 1}};
    struct harness *harness = malloc(sizeof *harness);
    harness_begin_with(harness, files, 3);
    harness_active(harness, 1);
    *state = harness;
    return 0;
}

static int tear_down(void **state)
{
    harness_end(*state);
    free(*state);
    return 0;
}

/* SET of an output, which ends so. */
static void set(struct harness *harness, uint64_t token, const char *tag, double number,
                enum command_result result, const char *reason)
{
    server_set(harness->server, harness->now, token, &alice, harness_tag(harness, tag), number, FLAG_A,
               KOMET_SECONDS(10));
    harness_drain(harness);
    harness_store(harness);
    harness_command_end(harness, 1, harness_sent(harness, 1, BODY(COMMAND))->of.command.id, result, reason,
                        number);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, token)->of.result, result);
}

static void test_who_comes_to_act_is_told_what_outputs_have(void **state)
{
    struct harness *harness = *state;
    assert_true(
        harness_sent(harness, 1, BODY(OUTGOING))->of.outgoing.ready); /* and then values are answered */
    set(harness, 71, "M.OUT", 12.5, COMMAND_DONE, "");
    assert_int_equal(harness_sent_count(harness, 1, BODY(OUTGOING)), 2); /* who sent it knows it */
    harness_kom(harness, 2);
    harness_close(harness, 1, true);
    harness_store(harness);
    assert_true(harness_sent(harness, 2, BODY(ROLE))->of.role.active);
    assert_int_equal(harness_sent_count(harness, 2, BODY(OUTGOING)), 2);
    const struct sent *values = NULL;
    for (unsigned i = 0; i < harness->sent_count; i++) {
        const struct sent *sent = &harness->sent[i];
        values = sent->client == 2 && sent->kind == BODY(OUTGOING) && sent->of.outgoing.begin ? sent : values;
    }
    assert_non_null(values);
    assert_int_equal(values->of.outgoing.count, 2); /* M.OUT and M.BIT: a command is none */
    assert_int_equal(values->of.outgoing.last, 0);
    assert_true(harness_sent(harness, 2, BODY(OUTGOING))->of.outgoing.ready);
}

/* Nobody got it, but it is what the tag has: also after a restart. */
static void test_a_value_that_nobody_got_is_an_event_all_the_same(void **state)
{
    struct harness *harness = *state;
    set(harness, 71, "M.OUT", 3, COMMAND_REFUSED, LINE_NOT_CONNECTED);
    assert_true(server_value(harness->server, harness_tag(harness, "M.OUT"))->number == 3);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
    const struct record_event *event = &harness_record(harness, RECORD_EVENT)->of.event;
    assert_string_equal(event->tag, "M.OUT");
    assert_true(event->value.number == 3 && event->value.flags == FLAG_A);
    assert_int_equal(event->frame, 0); /* it is no position of masters */
    set(harness, 72, "M.CMD", 4, COMMAND_REFUSED, LINE_NOT_CONNECTED);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1); /* a command that was not sent is nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_comes_to_act_is_told_what_outputs_have, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_value_that_nobody_got_is_an_event_all_the_same, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
