/* What an instance that stands by is sent on a line that stays open (SKO): its events are stored without a
 * grant, once, and show nothing that is not newer for certain. */
#include "server_values.h"

#include <stdlib.h>
#include <string.h>

static const char site_text[] =
    "site: test\n"
    "group: {name: G, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:1\"}]}\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.S:\n"
    "        protocol: iec104-sinaut\n"
    "        category: tcp-redundant\n"
    "        number: 7\n"
    "        partners: [[10.1.0.1, 10.2.0.1], [10.1.0.2, 10.2.0.2]]\n"
    "        parameters: {SKO: yes}\n"
    "        stations:\n"
    "          B.S: {address: 1, tags: s.csv, time: utc}\n"
    "      L.CLOSED:\n"
    "        protocol: iec104-sinaut\n"
    "        category: tcp-redundant\n"
    "        number: 8\n"
    "        partners: [[10.1.0.3, 10.2.0.3], [10.1.0.4, 10.2.0.4]]\n"
    "        parameters: {SKO: no}\n"
    "        stations:\n"
    "          B.C: {address: 1, tags: c.csv, time: utc}\n";
static const char s_csv[] = "name,type,address,asdu\nM.P,Ai,1,\nM.D,Di,2,\n";
static const char c_csv[] = "name,type,address,asdu\nM.C,Ai,1,\n";
static const struct site_file files[] = {{"site.yaml", site_text, sizeof site_text - 1},
                                         {"s.csv", s_csv, sizeof s_csv - 1},
                                         {"c.csv", c_csv, sizeof c_csv - 1}};

enum { ACTIVE = 1, PASSIVE = 2 };

static int set_up(void **state)
{
    struct harness *harness = malloc(sizeof *harness);
    harness_begin_with(harness, files, 3);
    harness_active(harness, ACTIVE);
    harness_kom(harness, PASSIVE);
    harness_forget(harness);
    *state = harness;
    return 0;
}

static struct given asked(double number, int64_t ms, bool arrival)
{
    return (struct given){.tag = "M.P",
                          .number = number,
                          .cot = KOMET_COT_INTERROGATED_STATION,
                          .type = KOMET_M_ME_NC_1,
                          .time_ms = ms,
                          .arrival = arrival};
}

/* An instance that stands by brings it on that connection. */
static void give_standing_by(struct harness *harness, unsigned client, uint32_t connection,
                             struct given given)
{
    harness->connection = connection;
    struct columns *columns = harness_batch(harness);
    columns->body.standby = true;
    columns->body.epoch = 0;
    harness_put(harness, columns, given);
    harness_feed(harness, client, &columns->message);
}

static void give_acting(struct harness *harness, uint32_t connection, struct given given)
{
    harness->connection = connection;
    harness_give(harness, ACTIVE, given);
}

static void test_it_is_stored_without_a_grant(void **state)
{
    struct harness *harness = *state;
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1.5, 1000));
    const struct record *record = harness_record(harness, RECORD_EVENT);
    assert_int_equal(record->instance, PASSIVE);
    assert_true(record->of.event.standby && !record->of.event.older);
    assert_true(shown(harness, "M.P")->number == 1.5);
    assert_int_equal(harness_sent_count(harness, PASSIVE, BODY(STORED)), 0); /* N(R) waits for the disk */
    harness_store(harness);
    assert_int_equal(harness_sent(harness, PASSIVE, BODY(STORED))->of.stored.sequence, harness->sequence);
    assert_int_equal(server_counters(harness->server).standby, 1);
}

static void test_what_the_acting_one_brought_is_a_repeat(void **state)
{
    struct harness *harness = *state;
    give_acting(harness, 1, event("M.P", 1, 1000));
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
    harness_store(harness);
    assert_int_equal(harness_sent_count(harness, PASSIVE, BODY(STORED)),
                     1); /* it may acknowledge all the same */
    assert_int_equal(server_counters(harness->server).repeats, 1);
}

static void test_and_the_other_way_round(void **state)
{
    struct harness *harness = *state;
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    give_acting(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
}

/* The partner's clock stands still: each of the events is one, however the instances take turns. */
static void test_equal_events_are_matched_one_to_one(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < 3; i++) {
        give_acting(harness, 1, event("M.P", 1, 1000));
        give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
        give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
        give_acting(harness, 1, event("M.P", 1, 1000));
    }
    assert_int_equal(events(harness), 6);
}

/* One of them is far behind: its partner's path was slow. */
static void test_one_that_is_far_behind_brings_nothing_new(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < 300; i++) {
        give_acting(harness, 1, event("M.P", i, 1000 + i));
        harness_store(harness);
        harness_forget(harness);
    }
    for (int i = 0; i < 300; i++) {
        give_standing_by(harness, PASSIVE, 1, event("M.P", i, 1000 + i));
        harness_store(harness);
        assert_int_equal(events(harness), 0);
        harness_forget(harness);
    }
}

/* The path of the one that stands by fails: what was not acknowledged comes again on the other one. */
static void test_its_own_other_path_brings_repeats(void **state)
{
    struct harness *harness = *state;
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    give_standing_by(harness, PASSIVE, 2, event("M.P", 1, 1000));
    give_acting(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
}

/* A new run counts its connections from 1 again. */
static void test_a_connection_of_another_run_is_another_one(void **state)
{
    struct harness *harness = *state;
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    harness_close(harness, PASSIVE, true);
    harness_kom(harness, PASSIVE);
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
}

/* A line that does not stay open: the partner keeps for an instance what it has not got, and what the other
 * one has got meanwhile. */
static void test_a_stream_that_was_away_brings_what_the_other_one_has(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < 40; i++) {
        give_acting(harness, 1, event("M.C", i, 1000 + i));
    }
    harness_close(harness, ACTIVE, true);
    harness_store(harness);
    uint64_t epoch = harness_sent(harness, PASSIVE, BODY(ROLE))->of.role.epoch;
    harness_forget(harness);
    harness->epoch = epoch;
    harness->connection = 1;
    for (int i = 0; i < 40; i++) {
        harness_give(harness, PASSIVE, event("M.C", i, 1000 + i));
    }
    assert_int_equal(events(harness), 0);
    harness_give(harness, PASSIVE, event("M.C", 40, 1040));
    assert_int_equal(events(harness), 1);
}

/* The instance comes again, as the same run: its batches go on. */
static void come_again(struct harness *harness)
{
    uint64_t sequence = harness->sequence;
    harness_forget(harness);
    harness_active(harness, ACTIVE);
    harness->sequence = sequence;
}

/* Found by a simulated pair (33441): an instance of the partner's was cut off from its server, and what it had got rid of
 * was sent again by the next one, long after and from behind all windows. */
static void bring_again(struct harness *harness, struct given given, int64_t later_us, unsigned expected)
{
    come_again(harness);
    give_acting(harness, 1, given);
    for (int i = 0; i < 40; i++) {
        harness_store(harness);
        harness_forget(harness);
        give_acting(harness, 1, event("M.P", i, given.time_ms + i + 1));
        assert_int_equal(events(harness), 1);
    }
    harness_store(harness);
    harness_close(harness, ACTIVE, true);
    harness_advance(harness, later_us);
    come_again(harness);
    give_acting(harness, 1, given);
    harness_store(harness);
    assert_int_equal(events(harness), expected);
    harness_close(harness, ACTIVE, true);
}

static void test_a_time_tag_says_how_far_back_a_repeat_is_known(void **state)
{
    const int64_t hour = KOMET_SECONDS(3600), in_the_hour = KOMET_SECONDS(1740), silence = KOMET_SECONDS(30);
    struct harness *harness = *state;
    struct given given = event("M.P", 100, 1000);
    harness_close(harness, PASSIVE, true);
    harness_close(harness, ACTIVE, true);
    bring_again(harness, given, hour, 0);
    given.type = KOMET_M_ME_TC_1; /* minutes and milliseconds */
    given.time_ms = 2000;
    bring_again(harness, given, in_the_hour, 0);
    given.time_ms = 3000;
    bring_again(harness, given, hour, 1);
    given.arrival = true; /* the time tag is marked invalid */
    given.time_ms = 4000;
    bring_again(harness, given, silence, 0);
    given.time_ms = 5000;
    bring_again(harness, given, hour, 1);
    given.type = KOMET_M_ME_TF_1;
    given.time_ms = 6000; /* a clock that has never been set */
    bring_again(harness, given, hour, 1);
    given.time_ms = harness->now.utc.ms; /* one that goes */
    bring_again(harness, given, hour, 0);
}

static void test_an_older_one_is_recorded_and_not_shown(void **state)
{
    struct harness *harness = *state;
    give_acting(harness, 1, event("M.P", 9, 5000));
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 4000));
    assert_int_equal(events(harness), 2);
    assert_true(shown(harness, "M.P")->number == 9);
}

/* Whether it is newer than what was asked for nobody knows. The acting instance says so, when it brings it.
 */
static void test_what_is_not_newer_for_certain_the_acting_one_confirms(void **state)
{
    struct harness *harness = *state;
    give_acting(harness, 1, asked(9, harness->now.utc.ms, true));
    harness_forget(harness);
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, harness->now.utc.ms + 1000));
    assert_true(harness_record(harness, RECORD_EVENT)->of.event.older);
    assert_true(shown(harness, "M.P")->number == 9);
    harness_forget(harness);
    give_acting(harness, 1, event("M.P", 1, harness->now.utc.ms + 1000));
    assert_true(shown(harness, "M.P")->number == 1);
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.value.cot,
                     KOMET_COT_INTERROGATED_STATION);
    assert_false(harness_record(harness, RECORD_EVENT)->of.event.older);
}

static void test_recovery_shows_the_same_and_knows_the_repeats(void **state)
{
    struct harness *harness = *state;
    struct record acting, standing_by;
    give_acting(harness, 1, asked(9, harness->now.utc.ms, true));
    acting = *harness_record(harness, RECORD_EVENT);
    harness_forget(harness);
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, harness->now.utc.ms + 1000));
    standing_by = *harness_record(harness, RECORD_EVENT);
    int64_t ms = harness->now.utc.ms + 1000;
    harness_restart(harness);
    server_recover_event(harness->server, "SELF.KOM", acting.instance, &acting.of.event);
    server_recover_event(harness->server, "SELF.KOM", standing_by.instance, &standing_by.of.event);
    server_recovered(harness->server, harness->now);
    assert_true(shown(harness, "M.P")->number == 9);
    harness_kom(harness, PASSIVE);
    harness_forget(harness);
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, ms));
    assert_int_equal(events(harness), 0);
}

/* Connections are counted from 1 again with each life, and frames with each connection: those of one before
 * do not push this one's out of the window. */
static void test_recovery_knows_lives_apart(void **state)
{
    struct harness *harness = *state;
    struct record records[2];
    harness->frame = 200;
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    records[0] = *harness_record(harness, RECORD_EVENT);
    harness_close(harness, PASSIVE, true);
    harness_kom(harness, PASSIVE);
    harness_forget(harness);
    harness->frame = 0;
    give_standing_by(harness, PASSIVE, 1, event("M.P", 2, 2000));
    records[1] = *harness_record(harness, RECORD_EVENT);
    harness_restart(harness);
    for (int i = 0; i < 2; i++) {
        server_recover_event(harness->server, "SELF.KOM", PASSIVE, &records[i].of.event);
    }
    server_recovered(harness->server, harness->now);
    harness_kom(harness, PASSIVE);
    harness_forget(harness);
    give_standing_by(harness, PASSIVE, 1, event("M.P", 2, 2000));
    assert_int_equal(events(harness), 0);
}

/* What was asked for is no repeat, nor is it after a restart: the event itself may still come. */
static void test_an_answer_that_is_recovered_is_no_event(void **state)
{
    struct harness *harness = *state;
    struct given answer = asked(1, 1000, false);
    answer.tagged = true;
    give_acting(harness, 1, answer);
    struct record record = *harness_record(harness, RECORD_EVENT);
    harness_restart(harness);
    server_recover_event(harness->server, "SELF.KOM", ACTIVE, &record.of.event);
    server_recovered(harness->server, harness->now);
    harness_kom(harness, PASSIVE);
    harness_forget(harness);
    give_standing_by(harness, PASSIVE, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
}

/* ---- what it may not send ---- */

static void assert_wrong(struct harness *harness, struct given given)
{
    give_standing_by(harness, PASSIVE, 1, given);
    assert_true(harness->closed[PASSIVE]);
    assert_int_equal(events(harness), 0);
    assert_non_null(strstr(harness->notes, "an instance that stands by sends spontaneous values"));
}

static void test_a_line_that_does_not_stay_open_has_nothing_to_say(void **state)
{
    assert_wrong(*state, event("M.C", 1, 1000));
}

static void test_nor_has_a_value_without_a_time_tag(void **state)
{
    struct given given = event("M.P", 1, 1000);
    given.tagged = false;
    assert_wrong(*state, given);
}

static void test_nor_has_an_answer(void **state)
{
    struct given given = asked(1, 1000, false);
    given.tagged = true;
    assert_wrong(*state, given);
}

static void test_a_buffer_stands_not_by(void **state)
{
    struct harness *harness = *state;
    struct columns *columns = harness_batch(harness);
    columns->body.standby = true;
    columns->body.buffer = 7;
    harness_put(harness, columns, event("M.P", 1, 1000));
    harness_feed(harness, PASSIVE, &columns->message);
    assert_true(harness->closed[PASSIVE]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_stored_without_a_grant),
        TEST(test_what_the_acting_one_brought_is_a_repeat),
        TEST(test_and_the_other_way_round),
        TEST(test_equal_events_are_matched_one_to_one),
        TEST(test_one_that_is_far_behind_brings_nothing_new),
        TEST(test_its_own_other_path_brings_repeats),
        TEST(test_a_connection_of_another_run_is_another_one),
        TEST(test_a_stream_that_was_away_brings_what_the_other_one_has),
        TEST(test_a_time_tag_says_how_far_back_a_repeat_is_known),
        TEST(test_an_older_one_is_recorded_and_not_shown),
        TEST(test_what_is_not_newer_for_certain_the_acting_one_confirms),
        TEST(test_recovery_shows_the_same_and_knows_the_repeats),
        TEST(test_recovery_knows_lives_apart),
        TEST(test_an_answer_that_is_recovered_is_no_event),
        TEST(test_a_line_that_does_not_stay_open_has_nothing_to_say),
        TEST(test_nor_has_a_value_without_a_time_tag),
        TEST(test_nor_has_an_answer),
        TEST(test_a_buffer_stands_not_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
