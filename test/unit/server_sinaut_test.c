/* What the server knows of a Sinaut line's outputs, and tells who comes to act. */
#include "server_harness.h"

#include <stdlib.h>

static const char site_text[] =
    "site: test\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.A: {protocol: iec104, category: tcp, number: 3, hosts: [\"127.0.0.1:2404\"], stations: {\n"
    "        B.A: {address: 1, tags: a.csv}}}\n"
    "      L.S: {protocol: iec104-sinaut, category: tcp-redundant, number: 7, partners: [[10.1.0.1], "
    "[10.1.0.2]],\n"
    "        parameters: {OBUF: 1000},\n"
    "        stations: {B.S: {address: 1, tags: s.csv}}}\n";
static const char a_csv[] = "name,type,address,asdu\nM.A,Ai,1,\n";
static const char s_csv[] = "name,type,address,asdu,source\nM.IN,Ai,1,\nM.CMD,Ao,1,50\nM.OUT,Ao,2,13\n"
                            "M.BIT,Dout,3,30\nM.TOO,Ao,4,13,M.A\n";
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

/* SET of an output, as it is sent; returns its id. */
static uint64_t set(struct harness *harness, uint64_t token, const char *tag, double number)
{
    server_set(harness->server, harness->now, token, &alice, harness_tag(harness, tag), number, FLAG_A,
               KOMET_SECONDS(10));
    harness_drain(harness);
    harness_store(harness);
    return harness_sent(harness, 1, BODY(COMMAND))->of.command.id;
}

static void assert_ends(struct harness *harness, uint64_t token, enum command_result result)
{
    harness_store(harness);
    assert_int_equal(harness_ended(harness, token)->of.result, result);
}

static void test_who_comes_to_act_is_told_what_outputs_have(void **state)
{
    struct harness *harness = *state;
    assert_true(
        harness_sent(harness, 1, BODY(OUTGOING))->of.outgoing.ready); /* and then values are answered */
    harness_command_end(harness, 1, set(harness, 71, "M.OUT", 12.5), COMMAND_DONE, "", 12.5);
    assert_ends(harness, 71, COMMAND_DONE);
    assert_int_equal(harness_sent_count(harness, 1, BODY(OUTGOING)), 3); /* stored: it is sent now */
    assert_int_equal(harness_sent(harness, 1, BODY(OUTGOING))->of.outgoing.first, 1);
    harness_kom(harness, 2);
    harness_close(harness, 1, true);
    harness_store(harness);
    assert_true(harness_sent(harness, 2, BODY(ROLE))->of.role.active);
    assert_int_equal(harness_sent_count(harness, 2, BODY(OUTGOING)), 2);
    const struct sent *values = harness_outgoing_begin(harness, 2);
    assert_int_equal(values->of.outgoing.count, 3); /* a command is none of them */
    assert_int_equal(values->of.outgoing.last, 0);
    const struct sent *events = harness_sent(harness, 2, BODY(OUTGOING));
    assert_true(events->of.outgoing.ready);
    assert_int_equal(events->of.outgoing.first, 1); /* nobody has acknowledged it */
    assert_int_equal(events->of.outgoing.last, 1);
}

/* Nobody got it, but it is what the tag has: also after a restart. */
static void test_a_value_that_nobody_got_is_an_event_all_the_same(void **state)
{
    struct harness *harness = *state;
    harness_command_current(harness, 1, set(harness, 71, "M.OUT", 3), COMMAND_REFUSED);
    assert_ends(harness, 71, COMMAND_REFUSED);
    assert_true(server_value(harness->server, harness_tag(harness, "M.OUT"))->number == 3);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
    const struct record_event *event = &harness_record(harness, RECORD_EVENT)->of.event;
    assert_string_equal(event->tag, "M.OUT");
    assert_true(event->value.number == 3 && event->value.flags == FLAG_A);
    assert_int_equal(event->frame, 1);
    harness_command_current(harness, 1, set(harness, 72, "M.CMD", 4), COMMAND_REFUSED);
    assert_ends(harness, 72, COMMAND_REFUSED);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1); /* a command that was not sent is nothing */
}

/* What the reason says is for people: without the mark the output keeps what it had. */
static void test_a_reason_alone_makes_no_value(void **state)
{
    struct harness *harness = *state;
    harness_command_end(harness, 1, set(harness, 71, "M.OUT", 3), COMMAND_REFUSED, "not connected", 3);
    assert_ends(harness, 71, COMMAND_REFUSED);
    assert_int_equal(server_value(harness->server, harness_tag(harness, "M.OUT"))->status, STATUS_UNKNOWN);
    harness_command_current(harness, 1, set(harness, 72, "M.OUT", 4), COMMAND_UNKNOWN); /* a mark too many */
    assert_ends(harness, 72, COMMAND_UNKNOWN);
    assert_int_equal(server_value(harness->server, harness_tag(harness, "M.OUT"))->status, STATUS_INVALID);
}

static void value(struct harness *harness, double number)
{
    harness_give(harness, 1,
                 (struct given){"M.A", number, 3, 30, .time_ms = harness->now.utc.ms, .tagged = true});
}

static void test_an_output_follows_its_source(void **state)
{
    struct harness *harness = *state;
    value(harness, 5);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 2);
    const struct record_event *event = &harness_record(harness, RECORD_EVENT)->of.event;
    assert_string_equal(event->tag, "M.TOO");
    assert_true(event->value.number == 5 && event->frame == 1);
    unsigned before = harness_sent_count(harness, 1, BODY(OUTGOING));
    harness_store(harness); /* told when it is on disk */
    assert_int_equal(harness_sent_count(harness, 1, BODY(OUTGOING)), before + 1);
    const struct sent *sent = harness_sent(harness, 1, BODY(OUTGOING));
    assert_true(sent->of.outgoing.count == 1 && sent->of.outgoing.number == 5 && sent->of.outgoing.last > 0);
    server_set(harness->server, harness->now, 71, &alice, harness_tag(harness, "M.TOO"), 6, 0,
               KOMET_SECONDS(10));
    harness_drain(harness);
    harness_store(harness);
    assert_string_equal(harness_ended(harness, 71)->reason, "it has the value of M.A, which it follows");
}

/* A partner has acknowledged events. */
static void taken(struct harness *harness, unsigned client, unsigned partner, uint64_t position)
{
    uint64_t epoch = harness_sent(harness, client, BODY(ROLE))->of.role.epoch;
    harness_taken(harness, client, epoch, 1, partner, position);
}

/* What the partners have not acknowledged to the instance that is lost, the next one is told. */
static void test_who_comes_to_act_is_told_what_partners_have_not(void **state)
{
    struct harness *harness = *state;
    for (unsigned i = 1; i <= 5; i++) {
        value(harness, i);
        harness_store(harness);
    }
    taken(harness, 1, 0, 3);
    taken(harness, 1, 1, 2);
    harness_store(harness);
    assert_int_equal(harness_records(harness, RECORD_TAKEN), 2);
    const struct record_taken *record = &harness_record(harness, RECORD_TAKEN)->of.taken;
    assert_string_equal(record->line, "L.S");
    assert_string_equal(record->masters, "B");
    assert_int_equal(record->position, 2);
    harness_kom(harness, 2);
    harness_close(harness, 1, true);
    harness_store(harness);
    harness_store(harness);
    const struct sent *begin = harness_outgoing_begin(harness, 2);
    const struct sent *events = harness_sent(harness, 2, BODY(OUTGOING));
    assert_int_equal(begin->of.outgoing.group[0], 3);
    assert_int_equal(begin->of.outgoing.group[1], 2);
    assert_int_equal(events->of.outgoing.first, 3);
    assert_int_equal(events->of.outgoing.last, 5);
    taken(harness, 2, 1, 6); /* which is not there */
    assert_true(harness->closed[2]);
}

/* Reference 3.4: what we send is not the partner's to make Invalid, also when nobody has reached him for long. */
static void test_a_hard_error_leaves_what_is_sent(void **state)
{
    struct harness *harness = *state;
    value(harness, 5);
    harness_command_end(harness, 1, set(harness, 71, "M.OUT", 12.5), COMMAND_DONE, "", 12.5);
    harness_command_end(harness, 1, set(harness, 72, "M.CMD", 3), COMMAND_DONE, "", 3);
    harness_store(harness);
    harness_forget(harness);
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__StationReport body = KOMET__WIRE__STATION_REPORT__INIT;
    body.station = site_find_station(harness->site.site, "B.S")->number;
    body.value = STATION_HARDERR;
    message.body_case = BODY(STATION_REPORT);
    message.station_report = &body;
    harness_feed(harness, 1, &message);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
    assert_int_equal(server_value(harness->server, harness_tag(harness, "M.CMD"))->status, STATUS_INVALID);
    assert_int_equal(server_value(harness->server, harness_tag(harness, "M.OUT"))->status, STATUS_VALID);
    assert_int_equal(server_value(harness->server, harness_tag(harness, "M.TOO"))->status, STATUS_VALID);
}

/* Names of a partner's systems are for people: what a system has stays. */
static void test_a_system_that_is_renamed_stays_where_it_is(void **state)
{
    struct harness *harness = *state;
    for (unsigned i = 1; i <= 3; i++) {
        value(harness, i);
        harness_store(harness);
    }
    taken(harness, 1, 0, 2);
    taken(harness, 1, 1, 3);
    harness_store(harness);
    harness_reload(
        harness, 72,
        (const struct site_edit[]){{"site.yaml", "[[10.1.0.1], [10.1.0.2]]",
                                    "[{name: MAIN, addresses: [10.1.0.1]}, {name: SPARE, addresses: "
                                    "[10.1.0.2]}]"},
                                   {NULL, NULL, NULL}});
    harness_configured(harness, 1);
    harness_store(harness);
    const struct sent *begin = harness_outgoing_begin(harness, 1);
    assert_int_equal(begin->of.outgoing.group[0], 2);
    assert_int_equal(begin->of.outgoing.group[1], 3);
}

/* Was the instance told anew what outputs have? */
static bool told_anew(const struct harness *harness)
{
    for (unsigned i = 0; i < harness->sent_count; i++) {
        const struct sent *sent = &harness->sent[i];
        if (sent->client == 1 && sent->kind == BODY(OUTGOING) && sent->of.outgoing.count > 0 &&
            sent->of.outgoing.last == 0) {
            return true;
        }
    }
    return false;
}

/* More events than are kept wait for the disk: the instance is told what there is, and goes on behind that.
 */
static void test_who_is_overtaken_is_told_what_there_is(void **state)
{
    struct harness *harness = *state;
    for (unsigned i = 0; i < 20; i++) {
        struct columns *columns = harness_batch(harness);
        harness_forget(harness); /* it keeps only so many outputs */
        for (unsigned k = 0; k < 60; k++) {
            harness_put(
                harness, columns,
                (struct given){"M.A", 60 * i + k, 3, 30, .time_ms = harness->now.utc.ms + k, .tagged = true});
        }
        harness_feed(harness, 1, &columns->message);
    }
    assert_false(told_anew(harness));
    harness_store(harness);
    assert_true(told_anew(harness));
    assert_true(harness_sent(harness, 1, BODY(OUTGOING))->of.outgoing.number == 20 * 60 - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_comes_to_act_is_told_what_outputs_have),
        TEST(test_a_value_that_nobody_got_is_an_event_all_the_same),
        TEST(test_a_reason_alone_makes_no_value),
        TEST(test_an_output_follows_its_source),
        TEST(test_who_comes_to_act_is_told_what_partners_have_not),
        TEST(test_a_hard_error_leaves_what_is_sent),
        TEST(test_a_system_that_is_renamed_stays_where_it_is),
        TEST(test_who_is_overtaken_is_told_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
