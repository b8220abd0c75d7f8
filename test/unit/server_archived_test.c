/* What an instance kept while it had no server: taken late, once, under the grant that it came under, and
 * shown only where nothing newer is. */
#include "server_values.h"

#include <string.h>

#define BUFFER 77

/* A batch out of the buffer, of an older grant. */
static struct columns *archived(struct harness *harness, uint64_t sequence)
{
    struct columns *columns = harness_batch(harness);
    columns->body.buffer = BUFFER;
    columns->body.epoch = harness->epoch - 1;
    columns->body.sequence = sequence;
    return columns;
}

static void give_archived(struct harness *harness, uint64_t sequence, struct given given)
{
    struct columns *columns = archived(harness, sequence);
    harness_put(harness, columns, given);
    harness_feed(harness, 1, &columns->message);
}

static uint64_t told(const struct harness *harness)
{
    const struct sent *sent = harness_sent(harness, 1, BODY(STORED));
    return sent != NULL ? sent->of.stored.archived : 0;
}

static void test_it_is_an_event_that_says_so(void **state)
{
    struct harness *harness = *state;
    give_archived(harness, 3, event("M.P", 1.5, 1000));
    const struct record_event *record = &harness_record(harness, RECORD_EVENT)->of.event;
    assert_true(record->archived && !record->older);
    assert_int_equal(record->epoch, harness->epoch - 1);
    assert_int_equal(harness_record(harness, RECORD_ARCHIVED)->of.batch.run, BUFFER);
    assert_int_equal(harness_record(harness, RECORD_ARCHIVED)->of.batch.sequence, 3);
    assert_int_equal(harness_records(harness, RECORD_BATCH), 0);
    assert_int_equal(told(harness), 0);
    harness_store(harness);
    assert_int_equal(told(harness), 3);
    assert_int_equal(server_counters(harness->server).archived, 1);
}

static void test_the_run_s_own_batches_go_on_beside_it(void **state)
{
    struct harness *harness = *state;
    give_archived(harness, 50, event("M.P", 1, 1000));
    harness_give(harness, 1, event("M.P", 2, 2000));
    harness_store(harness);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 2);
    assert_int_equal(harness_sent_count(harness, 1, BODY(STORED)), 2);
    assert_false(harness_record(harness, RECORD_EVENT)->of.event.archived);
}

static void test_it_is_taken_once(void **state)
{
    struct harness *harness = *state;
    give_archived(harness, 3, event("M.P", 1, 1000));
    harness_store(harness);
    harness_forget(harness);
    give_archived(harness, 3, event("M.P", 1, 1000));
    harness_store(harness);
    assert_int_equal(harness->record_count, 0);
    assert_int_equal(told(harness), 3);
}

static void test_it_is_taken_once_over_a_restart(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    server_recover_archived(harness->server, "SELF.KOM", 1, BUFFER, 3);
    server_recovered(harness->server, harness->now);
    harness_kom(harness, 1);
    harness_forget(harness);
    give_archived(harness, 3, event("M.P", 1, 1000));
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
    give_archived(harness, 4, event("M.P", 2, 1001));
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
}

static void test_another_buffer_begins_anew(void **state)
{
    struct harness *harness = *state;
    give_archived(harness, 3, event("M.P", 1, 1000));
    struct columns *columns = archived(harness, 1);
    columns->body.buffer = BUFFER + 1;
    harness_put(harness, columns, event("M.P", 2, 1001));
    harness_feed(harness, 1, &columns->message);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 2);
    harness_forget(harness);
    give_archived(harness, 3, event("M.P", 1, 1000)); /* the instance is back on its first machine */
    assert_int_equal(harness->record_count, 0);
}

static void test_what_came_meanwhile_stays(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 9, 5000));
    give_archived(harness, 1, event("M.P", 1, 1000));
    assert_true(shown(harness, "M.P")->number == 9);
    assert_true(harness_record(harness, RECORD_EVENT)->of.event.older);
    give_archived(harness, 2, event("M.P", 2, 6000));
    assert_true(shown(harness, "M.P")->number == 2);
}

/* Of a value of our own clock nobody knows whether it is older. */
static void test_what_was_interrogated_stays(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1,
                 (struct given){.tag = "M.P",
                                .number = 9,
                                .cot = KOMET_COT_INTERROGATED_STATION,
                                .type = KOMET_M_ME_NC_1,
                                .time_ms = harness->now.utc.ms,
                                .arrival = true});
    give_archived(harness, 1, event("M.P", 1, harness->now.utc.ms + 1000));
    assert_true(shown(harness, "M.P")->number == 9);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 2);
}

static void test_recovery_shows_the_same(void **state)
{
    struct harness *harness = *state;
    struct record_event newest = {.tag = "M.P", .type = TAG_AI};
    newest.value = (struct value){.number = 9,
                                  .status = STATUS_VALID,
                                  .time_origin = TIME_OF_ARRIVAL,
                                  .time = {5000},
                                  .arrived = {5000}};
    struct record_event late = newest;
    late.archived = true;
    late.value.number = 1;
    late.value.time_origin = TIME_FROM_STATION;
    harness_restart(harness);
    server_recover_event(harness->server, "SELF.KOM", 1, &newest);
    server_recover_event(harness->server, "SELF.KOM", 1, &late);
    server_recovered(harness->server, harness->now);
    assert_true(shown(harness, "M.P")->number == 9);
}

/* The station had no acknowledgement, and told another connection, long ago: beyond the window of K frames.
 */
static void test_a_repeat_is_known_however_late(void **state)
{
    struct harness *harness = *state;
    harness->connection = 1;
    harness_give(harness, 1, event("M.P", 1, 1000));
    for (int i = 0; i < 100; i++) {
        harness_give(harness, 1, event("M.P", 2, 2000 + i));
        harness_store(harness);
    }
    harness_forget(harness);
    harness->connection = 7;
    give_archived(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
    assert_int_equal(server_counters(harness->server).repeats, 1);
}

static void test_a_passive_instance_may_bring_it(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    struct columns *columns = archived(harness, 1);
    harness_put(harness, columns, event("M.P", 1, 1000));
    harness_feed(harness, 2, &columns->message);
    assert_int_equal(harness_record(harness, RECORD_ARCHIVED)->instance, 2);
}

static void test_a_tag_that_is_gone_is_counted(void **state)
{
    struct harness *harness = *state;
    static char gone[] = "M.GONE", other[] = "M.O";
    struct columns *columns = archived(harness, 1);
    harness_put(harness, columns, event("M.P", 1, 1000));
    harness_put(harness, columns, event("M.D", 1, 1001));
    harness_put(harness, columns, event("M.D", 1, 1002));
    columns->name[0] = gone;
    columns->name[1] = other; /* of another process */
    columns->tag[2] = 1000;   /* numbers say nothing */
    columns->line[2] = 1000;
    harness_feed(harness, 1, &columns->message);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
    assert_string_equal(harness_record(harness, RECORD_EVENT)->of.event.tag, "M.D");
    assert_int_equal(server_counters(harness->server).unknown, 2);
    harness_store(harness);
    assert_int_equal(told(harness), 1);
}

static void test_what_the_buffer_dropped_is_told_once(void **state)
{
    struct harness *harness = *state;
    for (uint64_t sequence = 1; sequence <= 2; sequence++) {
        struct columns *columns = archived(harness, sequence);
        columns->body.dropped = 12;
        harness_put(harness, columns, event("M.P", 1, 1000 + (int64_t)sequence));
        harness_feed(harness, 1, &columns->message);
    }
    const char *note = strstr(harness->notes, "its buffer was full: 12 values made room for newer ones");
    assert_non_null(note);
    assert_null(strstr(note + 1, "its buffer was full"));
}

static void test_names_that_are_missing_close_the_client(void **state)
{
    struct harness *harness = *state;
    struct columns *columns = archived(harness, 1);
    harness_put(harness, columns, event("M.P", 1, 1000));
    columns->body.n_name = 0;
    harness_feed(harness, 1, &columns->message);
    assert_true(harness->closed[1]);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, values_set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_an_event_that_says_so),
        TEST(test_the_run_s_own_batches_go_on_beside_it),
        TEST(test_it_is_taken_once),
        TEST(test_it_is_taken_once_over_a_restart),
        TEST(test_another_buffer_begins_anew),
        TEST(test_what_came_meanwhile_stays),
        TEST(test_what_was_interrogated_stays),
        TEST(test_recovery_shows_the_same),
        TEST(test_a_repeat_is_known_however_late),
        TEST(test_a_passive_instance_may_bring_it),
        TEST(test_a_tag_that_is_gone_is_counted),
        TEST(test_what_the_buffer_dropped_is_told_once),
        TEST(test_names_that_are_missing_close_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
