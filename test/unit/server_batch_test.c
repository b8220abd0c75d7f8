/* Values on their way through the server: which batches are taken, what of them becomes an event, what the
 * tags show, who is told, and when it is confirmed (architecture 3.2, 3.3). */
#include "server_values.h"

#include <math.h>
#include <string.h>

static const struct sent *stored(const struct harness *harness)
{
    return harness_sent(harness, 1, BODY(STORED));
}

/* The batch at hand was refused with a sentence; nothing of it is known or recorded. */
static void assert_batch_refused(const struct harness *harness)
{
    assert_non_null(stored(harness));
    assert_string_equal(stored(harness)->text, "its grant is not valid any more");
    assert_int_equal(stored(harness)->of.stored.sequence, harness->sequence);
    assert_int_equal(harness->record_count, 0);
    assert_false(harness->closed[1]);
}

/* ---- when it is confirmed ---- */

static void test_a_batch_is_one_group_of_records(void **state)
{
    struct harness *harness = *state;
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, event("M.P", 1.5, 1000));
    harness_put(harness, columns, event("M.D", 1, 1001));
    harness_put(harness, columns, event("M.B", 1, 999));
    harness_feed(harness, 1, &columns->message);
    assert_int_equal(harness->record_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(harness->records[i].kind, i < 3 ? RECORD_EVENT : RECORD_BATCH);
        assert_int_equal(harness->records[i].ticket, harness->records[0].ticket);
        assert_string_equal(harness->records[i].process, "SELF.KOM");
        assert_int_equal(harness->records[i].instance, 1);
    }
    assert_int_equal(harness->records[3].of.batch.run, 1001);
    assert_int_equal(harness->records[3].of.batch.sequence, 1);
    harness_give(harness, 1, event("M.P", 2.5, 2000));
    assert_int_equal(harness->record_count, 6);
    assert_int_equal(harness->records[4].ticket, harness->records[3].ticket + 1);
}

static void test_an_event_has_all_that_came(void **state)
{
    struct harness *harness = *state;
    harness->connection = 4;
    harness->frame = 99;
    struct given given = event("M.B", 1, INT64_C(-5));
    given.flags = 0x8001;
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, event("M.P", 1.5, 1000));
    harness_put(harness, columns, given);
    harness_feed(harness, 1, &columns->message);
    const struct record_event *record = &harness_record(harness, RECORD_EVENT)->of.event;
    assert_string_equal(record->tag, "M.B");
    assert_int_equal(record->tag_number, tag_site_number(harness_tag(harness, "M.B")));
    assert_int_equal(record->type, TAG_DI);
    assert_int_equal(record->epoch, harness->epoch);
    assert_int_equal(record->connection, 4);
    assert_int_equal(record->line, 1);
    assert_int_equal(record->frame, 101);
    assert_int_equal(record->octets_size, 15);
    assert_memory_equal(record->octets, columns->octets + 15, 15);
    assert_true(record->value.number == 1 && record->value.status == STATUS_VALID);
    assert_int_equal(record->value.flags, 0x8001);
    assert_int_equal(record->value.cot, KOMET_COT_SPONTANEOUS);
    assert_int_equal(record->value.asdu_type, KOMET_M_ME_TF_1);
    assert_int_equal(record->value.time_origin, TIME_FROM_STATION);
    assert_int_equal(record->value.time.ms, -5);
    assert_int_equal(record->value.arrived.ms, harness->now.utc.ms);
}

static void test_a_batch_is_confirmed_when_its_ticket_is_stored(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    uint64_t first = harness_record(harness, RECORD_BATCH)->ticket;
    harness_give(harness, 1, event("M.P", 2, 2000));
    harness_give(harness, 1, event("M.P", 3, 3000));
    assert_null(stored(harness));
    server_stored(harness->server, harness->now, first - 1);
    harness_drain(harness);
    assert_null(stored(harness));
    server_stored(harness->server, harness->now, first);
    harness_drain(harness);
    assert_int_equal(stored(harness)->of.stored.sequence, 1);
    assert_string_equal(stored(harness)->text, "");
    harness_store(harness);
    assert_int_equal(stored(harness)->of.stored.sequence, 3);
    assert_int_equal(harness_sent_count(harness, 1, BODY(STORED)), 2); /* 2 and 3 in one word */
}

static void test_a_batch_without_news_is_confirmed_after_those_before_it(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    harness_give(harness, 1, answer(harness, "M.P", 1)); /* nothing to record */
    struct columns *empty = harness_batch(harness);
    harness_feed(harness, 1, &empty->message);
    assert_int_equal(harness_records(harness, RECORD_BATCH), 1);
    assert_null(stored(harness));
    harness_store(harness);
    assert_int_equal(stored(harness)->of.stored.sequence, 3);
    harness_give(harness, 1, answer(harness, "M.P", 1)); /* nothing waits any more: at once */
    assert_int_equal(stored(harness)->of.stored.sequence, 4);
}

static void test_a_batch_taken_before_is_confirmed_and_not_recorded(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    harness_give(harness, 1, event("M.P", 2, 2000));
    unsigned count = harness->record_count;
    harness->sequence = 0;
    harness_give(harness, 1, event("M.P", 7, 9000));
    assert_int_equal(harness->record_count, count);
    assert_true(shown(harness, "M.P")->number == 2);
    assert_null(stored(harness)); /* what was taken is not on disk yet */
    harness_store(harness);
    assert_non_null(stored(harness));
    assert_int_equal(events(harness), 2);
}

static void test_sequences_go_on_after_a_restart_and_begin_anew_with_a_run(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    server_recover_batch(harness->server, "SELF.KOM", 1, 1001, 5);
    server_recover_batch(harness->server, "SELF.KOM", 2, 7, 5); /* a run that has ended */
    server_recover_batch(harness->server, "GONE.KOM", 1, 1001, 5);
    server_recovered(harness->server, harness->now);
    harness_active(harness, 1);
    harness_forget(harness);
    harness->sequence = 4;
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(harness->record_count, 0);
    assert_int_equal(stored(harness)->of.stored.sequence, 5); /* it is on disk */
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(harness_record(harness, RECORD_BATCH)->of.batch.sequence, 6);
    harness_close(harness, 1, true);
    harness_active(harness, 2);
    harness_give(harness, 2, event("M.P", 3, 3000));
    assert_int_equal(harness_record(harness, RECORD_BATCH)->of.batch.sequence, 1);
    assert_int_equal(harness_record(harness, RECORD_BATCH)->of.batch.run, 1002);
    assert_int_equal(events(harness), 2);
}

static void test_sequences_go_on_in_a_run_that_reconnects(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    harness_give(harness, 1, event("M.P", 2, 2000));
    harness_close(harness, 1, true);
    harness_active(harness, 1);
    harness->sequence = 1;
    harness_give(harness, 1, event("M.P", 7, 3000)); /* 2: had before */
    assert_int_equal(events(harness), 2);
    harness_give(harness, 1, event("M.P", 8, 4000));
    assert_int_equal(events(harness), 3);
}

/* ---- which batches are not taken ---- */

enum spoil {
    SPOIL_SHORT_NUMBER,
    SPOIL_SHORT_STATUS,
    SPOIL_SHORT_CAUSE,
    SPOIL_SHORT_TIME,
    SPOIL_SHORT_ARRIVED,
    SPOIL_SHORT_FRAME,
    SPOIL_SHORT_CONNECTION,
    SPOIL_SHORT_OCTETS_SIZE,
    SPOIL_SHORT_LINE,
    SPOIL_SHORT_TAG,
    SPOIL_TAG,
    SPOIL_LINE,
    SPOIL_STATUS,
    SPOIL_OCTETS_SIZE,
    SPOIL_OCTETS_SIZE_WRAPS,
    SPOIL_OCTETS_MISSING,
    SPOIL_OCTETS_TOO_MANY,
    SPOIL_COUNT
};

static void spoil(struct columns *columns, enum spoil how)
{
    Komet__Wire__Batch *body = &columns->body;
    size_t *const counts[] = {
        &body->n_number, &body->n_status_flags, &body->n_cause,       &body->n_time_ms, &body->n_arrived_ms,
        &body->n_frame,  &body->n_connection,   &body->n_octets_size, &body->n_line,    &body->n_tag};
    switch (how) {
    case SPOIL_SHORT_NUMBER:
    case SPOIL_SHORT_STATUS:
    case SPOIL_SHORT_CAUSE:
    case SPOIL_SHORT_TIME:
    case SPOIL_SHORT_ARRIVED:
    case SPOIL_SHORT_FRAME:
    case SPOIL_SHORT_CONNECTION:
    case SPOIL_SHORT_OCTETS_SIZE:
    case SPOIL_SHORT_LINE:
    case SPOIL_SHORT_TAG:
        (*counts[how])--;
        break;
    case SPOIL_TAG:
        columns->tag[1] = 11; /* of SELF.KOM there are 0 to 10 */
        break;
    case SPOIL_LINE:
        columns->line[1] = 2;
        break;
    case SPOIL_STATUS:
        columns->status_flags[1] = (uint32_t)STATUS_COUNT << 16;
        break;
    case SPOIL_OCTETS_SIZE:
        columns->octets_size[1] = RECORD_OCTETS_MAX + 1;
        body->octets.len += RECORD_OCTETS_MAX + 1 - 16;
        break;
    case SPOIL_OCTETS_SIZE_WRAPS:
        columns->octets_size[1] = 0x100 + 16;
        body->octets.len += 0x100;
        break;
    case SPOIL_OCTETS_MISSING:
        body->octets.len--;
        break;
    case SPOIL_OCTETS_TOO_MANY:
        body->octets.len++;
        break;
    case SPOIL_COUNT:
        break;
    }
}

static void test_a_wrong_batch_closes_and_nothing_of_it_is_taken(void **state)
{
    struct harness *harness = *state;
    assert_int_equal(harness_process(harness, "SELF.KOM")->tag_count, 11);
    for (enum spoil how = 0; how <= SPOIL_COUNT; how++) {
        if (harness->closed[1]) {
            harness_active(harness, 1);
        }
        harness_forget(harness);
        struct columns *columns = harness_batch(harness);
        harness_put(harness, columns, event("M.P", 1, 1000 + (int)how));
        harness_put(harness, columns, event("M.D", 1, 1000 + (int)how));
        spoil(columns, how);
        harness_feed(harness, 1, &columns->message);
        bool wrong = how < SPOIL_COUNT; /* the last one shows that it is the spoiling that closes */
        assert_int_equal(harness->closed[1], wrong);
        assert_int_equal(events(harness), wrong ? 0 : 2);
        assert_int_equal(harness_records(harness, RECORD_BATCH), wrong ? 0 : 1);
        assert_int_equal(shown(harness, "M.P")->status, wrong ? STATUS_UNKNOWN : STATUS_VALID);
        assert_int_equal(strstr(harness->notes, "SELF.KOM,1 sent a wrong batch: ") != NULL, wrong);
    }
}

static void test_too_many_batches_without_confirmation_close(void **state)
{
    struct harness *harness = *state;
    for (int i = 0; i < SERVER_BATCHES_MAX; i++) {
        harness_give(harness, 1, event("M.P", i, 1000 + i));
    }
    assert_false(harness->closed[1]);
    harness_store(harness); /* confirmed: as many again, over the end of the ring */
    for (int i = 0; i < SERVER_BATCHES_MAX; i++) {
        harness_give(harness, 1, event("M.P", i, 2000 + i));
    }
    assert_false(harness->closed[1]);
    assert_int_equal(stored(harness)->of.stored.sequence, SERVER_BATCHES_MAX);
    harness_give(harness, 1, event("M.P", 7, 3000));
    assert_true(harness->closed[1]);
    assert_int_equal(events(harness), 2 * SERVER_BATCHES_MAX);
    assert_non_null(strstr(harness->notes, "more batches wait for their confirmation than allowed"));
}

static void test_a_batch_under_another_epoch_is_refused(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness->epoch;
    harness->epoch = epoch + 1;
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_batch_refused(harness);
    harness->epoch = 0;
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_batch_refused(harness);
    assert_int_equal(server_counters(harness->server).refused_batches, 2);
    struct server_late late = server_late(harness->server, harness_process(harness, "SELF.KOM"));
    assert_true(late.batches == 2 && late.values == 2);
    assert_int_equal(server_late(harness->server, harness_process(harness, "OTHER.KOM")).batches, 0);
    assert_int_equal(shown(harness, "M.P")->status, STATUS_UNKNOWN);
    harness->epoch = epoch;
    harness->sequence = 0; /* the refused ones count for nothing */
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
}

static void test_a_batch_of_a_passive_one_is_refused(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    harness_forget(harness);
    harness_give(harness, 2, event("M.P", 1, 1000)); /* under the grant of the other */
    assert_non_null(harness_sent(harness, 2, BODY(STORED)));
    assert_string_equal(harness_sent(harness, 2, BODY(STORED))->text, "its grant is not valid any more");
    assert_int_equal(harness->record_count, 0);
}

static void test_a_batch_after_the_lease_is_refused(void **state)
{
    struct harness *harness = *state;
    harness->now.instant = komet_after(harness->now.instant, HARNESS_LEASE); /* and nobody ticked */
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_batch_refused(harness);
}

static void test_what_was_under_way_when_told_to_stop_is_taken(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    harness_forget(harness);
    server_set_active(harness->server, harness->now, 1, &(struct record_user){"eva", false},
                      harness_process(harness, "SELF.KOM"), 2);
    harness_drain(harness);
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
    harness_stopped(harness, 1, harness->epoch);
    harness_forget(harness);
    harness_give(harness, 1, event("M.P", 2, 2000));
    assert_batch_refused(harness);
}

static void test_values_are_dropped_when_the_journal_has_failed(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    harness_forget(harness);
    server_journal_failed(harness->server, harness->now, "no space");
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, event("M.P", 2, 2000));
    server_feed(harness->server, harness->now, 1, &columns->message); /* it was on its way */
    harness_drain(harness);
    assert_true(harness->closed[1]);
    assert_null(stored(harness));
    assert_int_equal(harness->record_count, 0);
    assert_true(shown(harness, "M.P")->number == 1);
}

/* ---- what is an event ---- */

static void test_a_spontaneous_tagged_value_is_an_event_also_when_equal(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 5, 1000));
    harness_give(harness, 1, event("M.P", 5, 1000)); /* the same octets on the same connection: two events */
    harness_give(harness, 1, event("M.P", 5, 2000));
    harness_give(harness, 1, untagged(harness, "M.P", 5, KOMET_COT_ACTIVATION)); /* a master's command */
    harness_give(harness, 1, untagged(harness, "M.P", 5, KOMET_COT_ACTIVATION));
    assert_int_equal(events(harness), 5);
    assert_int_equal(server_counters(harness->server).repeats, 0);
}

static void test_an_interrogated_value_is_an_event_when_it_differs(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, answer(harness, "M.P", 5)); /* from unknown */
    assert_int_equal(events(harness), 1);
    harness_advance(harness, KOMET_MS(100));
    harness_give(harness, 1, answer(harness, "M.P", 5));
    assert_int_equal(events(harness), 1);
    assert_int_equal(shown(harness, "M.P")->time.ms, harness->now.utc.ms); /* known to be so now */
    harness_give(harness, 1, answer(harness, "M.P", 6));
    assert_int_equal(events(harness), 2);
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.value.cot, 20);
    struct given flagged = answer(harness, "M.P", 6);
    flagged.flags = FLAG_A;
    flagged.cot = 36; /* of a group */
    harness_give(harness, 1, flagged);
    assert_int_equal(events(harness), 3);
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.value.cot, 36);
}

static void test_a_tagged_answer_is_no_event_when_equal(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 5, 1000));
    struct given given = event("M.P", 5, 2000);
    given.cot = KOMET_COT_INTERROGATED_STATION;
    harness_give(harness, 1, given);
    assert_int_equal(events(harness), 1);
    assert_int_equal(shown(harness, "M.P")->time.ms, 2000);
}

static void test_untagged_spontaneous_and_periodic_values(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, untagged(harness, "M.P", 5, KOMET_COT_SPONTANEOUS));
    harness_give(harness, 1, untagged(harness, "M.P", 5, KOMET_COT_SPONTANEOUS));
    assert_int_equal(events(harness), 2); /* spontaneous: the station says that something was */
    harness_give(harness, 1, untagged(harness, "M.P", 5, KOMET_COT_PERIODIC));
    assert_int_equal(events(harness), 2);
    harness_give(harness, 1, untagged(harness, "M.P", 6, KOMET_COT_PERIODIC));
    assert_int_equal(events(harness), 3);
    harness_give(harness, 1, untagged(harness, "M.P", NAN, KOMET_COT_PERIODIC));
    harness_give(harness, 1, untagged(harness, "M.P", NAN, KOMET_COT_PERIODIC)); /* the same, for once */
    assert_int_equal(events(harness), 4);
}

static void test_an_older_event_is_recorded_and_does_not_overwrite(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 5, 2000));
    harness_give(harness, 1, event("M.P", 4, 1999));
    assert_int_equal(events(harness), 2);
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.value.time.ms, 1999);
    assert_true(shown(harness, "M.P")->number == 5);
    harness_give(harness, 1, event("M.P", 6, 2000)); /* equally old: the later one counts */
    assert_true(shown(harness, "M.P")->number == 6);
}

static void test_times_of_different_clocks_are_not_compared(void **state)
{
    struct harness *harness = *state;
    int64_t now = harness->now.utc.ms;
    harness_give(harness, 1, answer(harness, "M.P", 5)); /* at our time */
    harness_give(harness, 1, event("M.P", 6, now - 3600000));
    assert_true(shown(harness, "M.P")->number == 6); /* the station's clock is an hour behind */
    harness_give(harness, 1, event("M.P", 7, now + 3600000));
    harness_give(harness, 1, answer(harness, "M.P", 8));
    assert_true(shown(harness, "M.P")->number == 8);
    assert_int_equal(events(harness), 4);
}

/* The KOM has the filters and their memory: what it let go on is not filtered again. */
static void test_the_dead_band_is_the_koms(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, untagged(harness, "M.U", 10, KOMET_COT_PERIODIC));
    harness_give(harness, 1, untagged(harness, "M.U", 10.4, KOMET_COT_PERIODIC));
    harness_give(harness, 1, untagged(harness, "M.U", 10.4, KOMET_COT_PERIODIC));
    assert_int_equal(events(harness), 2);
    assert_true(shown(harness, "M.U")->number == 10.4);
}

static void test_new_time_makes_a_newer_time_an_event(void **state)
{
    struct harness *harness = *state;
    const char *const tags[] = {"M.N", "M.P"};
    for (unsigned i = 0; i < 2; i++) {
        harness_forget(harness);
        struct given given = event(tags[i], 5, 1000);
        harness_give(harness, 1, given);
        given.cot = KOMET_COT_INTERROGATED_STATION;
        harness_give(harness, 1, given); /* the same time */
        assert_int_equal(events(harness), 1);
        given.time_ms = 1001;
        harness_give(harness, 1, given);
        assert_int_equal(events(harness), i == 0 ? 2 : 1);
        harness_give(harness, 1, answer(harness, tags[i], 5)); /* our time is no news of the station's */
        assert_int_equal(events(harness), i == 0 ? 2 : 1);
    }
}

static void test_a_repeat_on_another_connection_is_no_event(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    harness_give(harness, 1, event("M.P", 2, 2000));
    harness_give(harness, 1, event("M.P", 3, 3000));
    harness->connection = 2;
    harness->frame = 0;
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, event("M.P", 2, 2000)); /* 1 was acknowledged */
    harness_put(harness, columns, event("M.P", 3, 3000));
    harness_put(harness, columns, event("M.P", 3, 3000)); /* and this one is new */
    harness_put(harness, columns, event("M.D", 1, 4000));
    harness_feed(harness, 1, &columns->message);
    assert_int_equal(events(harness), 5);
    assert_int_equal(server_counters(harness->server).repeats, 2);
    assert_int_equal(server_counters(harness->server).values, 7);
}

/* An answer to an interrogation repeats nothing, whatever its octets, and takes no event's place. */
static void test_an_answer_is_no_repeat(void **state)
{
    struct harness *harness = *state;
    struct given given = event("M.P", 1, 1000);
    harness_give(harness, 1, given);
    harness->connection = 2;
    harness->frame = 0;
    given.cot = KOMET_COT_INTERROGATED_STATION;
    harness_give(harness, 1, given);
    assert_int_equal(server_counters(harness->server).repeats, 0);
    given.cot = KOMET_COT_SPONTANEOUS;
    harness_give(harness, 1, given);
    assert_int_equal(server_counters(harness->server).repeats, 1);
    assert_int_equal(events(harness), 1);
}

static void test_lines_repeat_for_themselves(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.D", 1, 1000));
    harness->connection = 2;
    harness_give(harness, 1, event("M.B", 1, 1000)); /* the same octets, on line L.B */
    assert_int_equal(events(harness), 2);
}

static void test_a_repeat_to_the_next_instance_after_a_restart_is_no_event(void **state)
{
    struct harness *harness = *state;
    harness_give(harness, 1, event("M.P", 1, 1000));
    struct record_event before = harness_record(harness, RECORD_EVENT)->of.event;
    harness_restart(harness);
    server_recover_grant(harness->server, "SELF.KOM", 1);
    server_recover_event(harness->server, "SELF.KOM", 1, &before);
    server_recovered(harness->server, harness->now);
    harness_advance(harness, HARNESS_LEASE);
    assert_int_equal(harness_active(harness, 2), 2);
    harness_forget(harness);
    harness_give(harness, 2, event("M.P", 1, 1000)); /* connection 1 of the new run */
    assert_int_equal(harness->record_count, 0);
    assert_int_equal(server_counters(harness->server).repeats, 1);
    assert_int_equal(harness_sent(harness, 2, BODY(STORED))->of.stored.sequence, 1); /* it is on disk */
    harness_give(harness, 2, event("M.P", 1, 1000));
    assert_int_equal(events(harness), 1);
}

/* ---- watches ---- */

static void test_a_watch_hears_of_tags_that_match(void **state)
{
    struct harness *harness = *state;
    assert_true(server_watch(harness->server, 71, "m.p"));
    assert_true(server_watch(harness->server, 72, "M.?"));
    assert_true(server_watch(harness->server, 73, "X*"));
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, event("M.P", 1, 1000));
    harness_put(harness, columns, event("M.D", 1, 1000));
    harness_put(harness, columns, event("M.BACK", 1, 1000));
    harness_feed(harness, 1, &columns->message);
    assert_int_equal(harness->changed_count, 3);
    assert_true(harness->changed[0].token == 71 && harness->changed[1].token == 72);
    assert_ptr_equal(harness->changed[0].tag, harness_tag(harness, "M.P"));
    assert_true(harness->changed[2].token == 72);
    assert_ptr_equal(harness->changed[2].tag, harness_tag(harness, "M.D"));
    server_unwatch(harness->server, 72);
    harness_give(harness, 1, event("M.D", 0, 2000));
    assert_int_equal(harness->changed_count, 3);
}

static void test_a_watch_does_not_hear_what_does_not_show(void **state)
{
    struct harness *harness = *state;
    assert_true(server_watch(harness->server, 71, ""));
    harness_give(harness, 1, event("M.P", 1, 2000));
    assert_int_equal(harness->changed_count, 1);
    harness_give(harness, 1, event("M.P", 1, 1000)); /* older */
    harness->connection = 2;
    harness->frame = 0;
    harness_give(harness, 1, event("M.P", 1, 2000)); /* a repeat */
    assert_int_equal(harness->changed_count, 1);
}

static void test_too_many_watches(void **state)
{
    struct harness *harness = *state;
    for (uint64_t i = 0; i < SERVER_WATCHES_MAX; i++) {
        assert_true(server_watch(harness->server, 100 + i, "M.P"));
    }
    assert_false(server_watch(harness->server, 999, "M.P"));
    harness_give(harness, 1, event("M.P", 1, 1000));
    assert_int_equal(harness->changed_count, SERVER_WATCHES_MAX);
    server_unwatch(harness->server, 999); /* never was */
    server_unwatch(harness->server, 100);
    assert_true(server_watch(harness->server, 999, "M.D"));
    harness_give(harness, 1, event("M.P", 2, 2000));
    assert_int_equal(harness->changed_count, 2 * SERVER_WATCHES_MAX - 1); /* not its predecessor's tag */
}

/* ---- the client goes while its batch is being taken apart ---- */

static void test_a_batch_that_is_cut_short_holds_up_nobody(void **state)
{
    struct harness *harness = *state;
    struct server_output output;
    harness_give(harness, 1, event("M.P", 5, 1000));
    harness_hello(harness, 8, "OTHER.KOM", 1, 1);
    harness->epoch = 1;
    harness_give(harness, 8, answer(harness, "M.O", 1));
    harness_store(harness);
    harness->sequence = 1;
    assert_true(server_watch(harness->server, 71, "M.P"));
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, answer(harness, "M.P", 5)); /* a change of time, no event */
    server_feed(harness->server, harness->now, 1, &columns->message);
    assert_true(server_next(harness->server, harness->now, &output));
    assert_int_equal(output.kind, SERVER_OUT_CHANGE);
    harness_close(harness, 1, true);
    harness_store(harness); /* that instance 1 has crashed */
    harness->sequence = 2;
    harness_give(harness, 8, answer(harness, "M.O", 1)); /* no news, and nothing waits for the disk */
    assert_int_equal(harness_sent(harness, 8, BODY(STORED))->of.stored.sequence, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, values_set_up, harness_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_a_batch_is_one_group_of_records),
    TEST(test_an_event_has_all_that_came),
    TEST(test_a_batch_is_confirmed_when_its_ticket_is_stored),
    TEST(test_a_batch_without_news_is_confirmed_after_those_before_it),
    TEST(test_a_batch_taken_before_is_confirmed_and_not_recorded),
    TEST(test_sequences_go_on_after_a_restart_and_begin_anew_with_a_run),
    TEST(test_sequences_go_on_in_a_run_that_reconnects),
    TEST(test_a_wrong_batch_closes_and_nothing_of_it_is_taken),
    TEST(test_too_many_batches_without_confirmation_close),
    TEST(test_a_batch_under_another_epoch_is_refused),
    TEST(test_a_batch_of_a_passive_one_is_refused),
    TEST(test_a_batch_after_the_lease_is_refused),
    TEST(test_what_was_under_way_when_told_to_stop_is_taken),
    TEST(test_values_are_dropped_when_the_journal_has_failed),
    TEST(test_a_spontaneous_tagged_value_is_an_event_also_when_equal),
    TEST(test_an_interrogated_value_is_an_event_when_it_differs),
    TEST(test_a_tagged_answer_is_no_event_when_equal),
    TEST(test_untagged_spontaneous_and_periodic_values),
    TEST(test_an_older_event_is_recorded_and_does_not_overwrite),
    TEST(test_times_of_different_clocks_are_not_compared),
    TEST(test_the_dead_band_is_the_koms),
    TEST(test_new_time_makes_a_newer_time_an_event),
    TEST(test_a_repeat_on_another_connection_is_no_event),
    TEST(test_an_answer_is_no_repeat),
    TEST(test_lines_repeat_for_themselves),
    TEST(test_a_repeat_to_the_next_instance_after_a_restart_is_no_event),
    TEST(test_a_watch_hears_of_tags_that_match),
    TEST(test_a_watch_does_not_hear_what_does_not_show),
    TEST(test_too_many_watches),
    TEST(test_a_batch_that_is_cut_short_holds_up_nobody),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
