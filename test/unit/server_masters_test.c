/* What masters are to have and command, on the server: positions, cursors, journal, orders; and
 * active-active. */
#include "masters_world.h"

#include <string.h>

/* ---- values out ---- */

static void test_a_new_grant_begins_with_what_the_tags_have(void **state)
{
    struct harness *harness = *state;
    assert_int_equal(harness_sent_count(harness, MASTERS_SRV, BODY(OUTGOING)), 2);
    const struct sent *sent = masters_outgoing(harness, MASTERS_SRV);
    assert_true(sent->of.outgoing.ready && sent->of.outgoing.count == 0); /* no event waits */
}

static void test_an_event_goes_on_when_it_is_on_disk(void **state)
{
    struct harness *harness = *state;
    harness_forget(harness);
    masters_value(harness, "M.D", 1);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 2); /* of the source and of what follows it */
    const struct record *record = harness_record(harness, RECORD_EVENT);
    assert_string_equal(record->of.event.tag, "M.UP.D");
    assert_int_equal(record->of.event.frame, 1); /* its position */
    assert_int_equal(record->of.event.connection, 0);
    assert_int_equal(record->ticket, harness->records[0].ticket);
    assert_int_equal(harness_sent_count(harness, MASTERS_SRV, BODY(OUTGOING)), 0);
    harness_store(harness);
    const struct sent *sent = masters_outgoing(harness, MASTERS_SRV);
    assert_int_equal(sent->of.outgoing.count, 1);
    assert_int_equal(sent->of.outgoing.first, 1);
    assert_true(sent->of.outgoing.number == 1 && !sent->of.outgoing.begin);
    assert_true(server_value(harness->server, harness_tag(harness, "M.UP.D"))->number == 1);
}

static void test_another_instance_goes_on_where_the_masters_are(void **state)
{
    struct harness *harness = *state;
    for (unsigned i = 0; i < 5; i++) {
        masters_value(harness, "M.U", i);
    }
    harness_store(harness);
    masters_taken(harness, MASTERS_SRV, 0, 4);
    masters_taken(harness, MASTERS_SRV, 1, 2);
    harness_store(harness);
    assert_int_equal(harness_records(harness, RECORD_TAKEN), 2);
    masters_connect(harness, 2);
    harness_forget(harness);
    harness_close(harness, MASTERS_SRV, true);
    harness_store(harness);
    const struct sent *begin = NULL;
    for (unsigned i = 0; i < harness->sent_count; i++) {
        const struct sent *sent = &harness->sent[i];
        if (sent->client == MASTERS_SRV + 1 && sent->kind == BODY(OUTGOING) && sent->of.outgoing.begin) {
            begin = sent;
        }
    }
    assert_non_null(begin);
    assert_int_equal(begin->of.outgoing.group[0], 4);
    assert_int_equal(begin->of.outgoing.group[1], 2);
    assert_int_equal(begin->of.outgoing.first, 0); /* values, no events */
    const struct sent *events = masters_outgoing(harness, MASTERS_SRV + 1);
    assert_int_equal(events->of.outgoing.first, 3);
    assert_int_equal(events->of.outgoing.last, 5);
    assert_true(events->of.outgoing.ready);
}

/* All that it was given was on disk. */
static void restore(struct harness *harness)
{
    static struct record kept[HARNESS_KEPT];
    unsigned count = harness->record_count;
    memcpy(kept, harness->records, sizeof kept);
    masters_replay(harness, kept, count);
}

static void test_a_restarted_server_goes_on_where_the_masters_are(void **state)
{
    struct harness *harness = *state;
    for (unsigned i = 0; i < 5; i++) {
        masters_value(harness, "M.U", i);
        harness_store(harness);
    }
    masters_taken(harness, MASTERS_SRV, 0, 4);
    harness_store(harness);
    restore(harness);
    masters_connect(harness, 1);
    harness_advance(harness, KOMET_SECONDS(1)); /* a lease */
    harness_store(harness);
    const struct sent *events = masters_outgoing(harness, MASTERS_SRV);
    assert_int_equal(events->of.outgoing.first, 1); /* the second group has had nothing */
    assert_int_equal(events->of.outgoing.last, 5);
    harness_hello(harness, MASTERS_SELF, "SELF.KOM", 1, 1002);
    harness_store(harness);
    harness->epoch = masters_epoch(harness, MASTERS_SELF);
    harness->sequence = 0;
    masters_value(harness, "M.U", 9);
    harness_store(harness);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.last, 6); /* positions go on */
}

static unsigned told(const struct harness *harness, const char *what)
{
    unsigned count = 0;
    for (const char *at = harness->notes; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void values(struct harness *harness, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        masters_value(harness, "M.U", i);
        harness_store(harness);
    }
}

/* It was told again with the first one lost after each acknowledgement. */
static void test_a_loss_is_told_once_and_again_when_the_masters_have_what_waited(void **state)
{
    static const char begins[] = "L.C: masters 10.9.0.1 do not take their values: the oldest of 120 are lost";
    struct harness *harness = *state;
    values(harness, 123);
    assert_int_equal(told(harness, begins), 1);
    masters_taken(harness, MASTERS_SRV, 0, 60);
    values(harness, 60);
    assert_int_equal(told(harness, begins), 1);
    assert_int_equal(told(harness, "again"), 0);
    masters_taken(harness, MASTERS_SRV, 0, 182); /* what waited when the newest was lost */
    assert_int_equal(told(harness, "L.C: masters 10.9.0.1 take their values again: 6 are lost"), 1);
    assert_int_equal(told(harness, "do not take their values"), 2); /* the others still do not */
    values(harness, 120);
    assert_int_equal(told(harness, begins), 2);
}

static void test_a_full_buffer_drops_the_oldest_and_says_so(void **state)
{
    struct harness *harness = *state;
    harness_close(harness, MASTERS_SRV, true);
    values(harness, 123);
    assert_non_null(
        strstr(harness->notes, "L.C: masters 10.9.0.1 do not take their values: the oldest of 120 are lost"));
    masters_connect(harness, 1);
    harness_store(harness);
    const struct sent *events = masters_outgoing(harness, MASTERS_SRV);
    assert_int_equal(events->of.outgoing.first, 4);
    assert_int_equal(events->of.outgoing.last, 123);
}

/* The simulated site found it: a disk that held up more events than OBUF has room for left the instance with
 * the value before, and masters that asked were answered with that. */
static void test_what_made_room_before_it_was_told_is_told_as_what_the_outputs_have(void **state)
{
    struct harness *harness = *state;
    harness_forget(harness);
    masters_value(harness, "M.D", 1);
    for (unsigned batch = 0; batch < 5; batch++) {
        struct columns *columns = harness_batch(harness);
        for (unsigned i = 0; i < 26; i++) {
            harness_put(harness, columns,
                        (struct given){"M.U", batch * 100 + i, 3, 30, harness->now.utc.ms, .tagged = true});
        }
        harness_feed(harness, MASTERS_SELF, &columns->message);
    }
    assert_int_equal(harness_sent_count(harness, MASTERS_SRV, BODY(OUTGOING)), 0);
    harness_store(harness);
    assert_int_equal(harness_sent_count(harness, MASTERS_SRV, BODY(OUTGOING)), 2);
    const struct sent *events = masters_outgoing(harness, MASTERS_SRV), *values = harness->sent;
    while (values->client != MASTERS_SRV || values->kind != BODY(OUTGOING)) {
        values++;
    }
    assert_true(!values->of.outgoing.begin && !values->of.outgoing.ready);
    assert_int_equal(values->of.outgoing.count, 3); /* of all outputs, once, and no event */
    assert_int_equal(values->of.outgoing.first, 0);
    assert_int_equal(events->of.outgoing.first, 12);
    assert_int_equal(events->of.outgoing.last, 131);
}

static void test_what_masters_cannot_have_closes_the_instance(void **state)
{
    struct harness *harness = *state;
    masters_taken(harness, MASTERS_SRV, 0, 7);
    assert_true(harness->closed[MASTERS_SRV]);
}

static void test_set_of_a_value_for_masters(void **state)
{
    struct harness *harness = *state;
    const struct record_user anna = {.name = "anna"};
    server_set(harness->server, harness->now, 1, &anna, harness_tag(harness, "M.UP.D"), 1, 0,
               KOMET_SECONDS(1));
    harness_drain(harness);
    harness_store(harness);
    assert_string_equal(harness_ended(harness, 1)->reason, "it has the value of M.D, which it follows");
    server_set(harness->server, harness->now, 2, &anna, harness_tag(harness, "M.UP.OWN"), 2.5, 0,
               KOMET_SECONDS(1));
    harness_drain(harness);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 2)->of.result, COMMAND_REFUSED); /* no master is there */
    assert_non_null(strstr(harness_ended(harness, 2)->reason, "not connected"));
    assert_true(server_value(harness->server, harness_tag(harness, "M.UP.OWN"))->number == 2.5);
    assert_true(masters_outgoing(harness, MASTERS_SRV)->of.outgoing.number == 2.5);
}

/* ---- commands in ---- */

static void test_a_command_of_a_master_that_goes_nowhere(void **state)
{
    struct harness *harness = *state;
    harness_forget(harness);
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN.FREE", 1, false);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
    const struct record *record = harness_record(harness, RECORD_EVENT);
    assert_string_equal(record->of.event.user.name, "L.C 10.9.0.1");
    assert_int_equal(record->of.event.value.cot, KOMET_COT_ACTIVATION);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), 99);
    harness_store(harness);
    assert_int_equal(harness_sent_count(harness, MASTERS_SRV, BODY(MASTER_ANSWER)), 2); /* on disk; done */
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_DONE);
}

static void test_a_command_that_is_given_on_ends_with_the_stations(void **state)
{
    static const struct {
        uint32_t result;
    } ends[] = {{COMMAND_DONE}, {COMMAND_REFUSED}, {COMMAND_EXPIRED}, {COMMAND_UNKNOWN}};
    struct harness *harness = *state;
    for (unsigned i = 0; i < 4; i++) {
        harness_forget(harness);
        masters_command_of(harness, MASTERS_SRV, i + 1, "M.IN", 1, false);
        harness_store(harness);
        const struct sent *given = harness_sent(harness, MASTERS_SELF, BODY(COMMAND));
        assert_non_null(given);
        assert_int_equal(given->of.command.tag, harness_tag(harness, "M.D.CMD")->number);
        assert_int_equal(given->of.command.flags, 4); /* QU goes with it, the value's bit does not */
        assert_int_equal(masters_answer(harness, MASTERS_SRV), 0);
        harness_command_end(harness, MASTERS_SELF, given->of.command.id, ends[i].result, "why", 1);
        harness_store(harness);
        assert_int_equal(masters_answer(harness, MASTERS_SRV), ends[i].result);
        const struct record *end = harness_record(harness, RECORD_COMMAND_END);
        assert_string_equal(end->of.command.user.name, "L.C 10.9.0.1");
        assert_int_equal(harness_records(harness, RECORD_COMMAND_END), 1);
        assert_int_equal(harness->ended_count, 0); /* no console's */
    }
}

static void test_the_cause_with_which_a_station_refuses_goes_back(void **state)
{
    struct harness *harness = *state;
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN", 1, false);
    harness_store(harness);
    const struct sent *given = harness_sent(harness, MASTERS_SELF, BODY(COMMAND));
    harness_command_refused(harness, MASTERS_SELF, given->of.command.id, KOMET_COT_UNKNOWN_IOA);
    harness_store(harness);
    const struct sent *answer = harness_sent(harness, MASTERS_SRV, BODY(MASTER_ANSWER));
    assert_int_equal(answer->of.master_answer.result, COMMAND_REFUSED);
    assert_int_equal(answer->of.master_answer.cause, KOMET_COT_UNKNOWN_IOA);
}

static void test_a_command_that_cannot_be_given_on_is_refused(void **state)
{
    struct harness *harness = *state;
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN", 1, false);
    masters_command_of(harness, MASTERS_SRV, 2, "M.IN", 0, false); /* the one before is still open */
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_REFUSED);
    harness_close(harness, MASTERS_SELF, true);
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_UNKNOWN); /* it had been sent */
    masters_command_of(harness, MASTERS_SRV, 3, "M.IN", 1, false);
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_REFUSED); /* no instance is active */
}

static void test_a_selection_goes_on_only_where_it_means_something(void **state)
{
    struct harness *harness = *state;
    harness_forget(harness);
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN", 1, true);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_DONE);
    assert_null(harness_sent(harness, MASTERS_SELF, BODY(COMMAND)));
    masters_command_of(harness, MASTERS_SRV, 2, "M.IN.S", 1, true);
    harness_store(harness);
    const struct sent *given = harness_sent(harness, MASTERS_SELF, BODY(COMMAND));
    assert_non_null(given);
    assert_int_equal(given->of.command.kind, LINE_COMMAND_SELECT);
    assert_int_equal(harness->record_count, 0); /* nothing has changed */
    harness_command_end(harness, MASTERS_SELF, given->of.command.id, COMMAND_REFUSED, "no", 1);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_REFUSED);
}

static void test_an_instance_that_is_lost_is_not_answered(void **state)
{
    struct harness *harness = *state;
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN", 1, false);
    harness_store(harness);
    const struct sent *given = harness_sent(harness, MASTERS_SELF, BODY(COMMAND));
    uint64_t id = given->of.command.id;
    harness_close(harness, MASTERS_SRV, true);
    masters_connect(harness, 1);
    harness_forget(harness);
    harness_command_end(harness, MASTERS_SELF, id, COMMAND_DONE, "", 1);
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), 99);
    assert_int_equal(harness_record(harness, RECORD_COMMAND_END)->of.command.result, COMMAND_DONE);
}

static void test_a_command_under_an_old_grant_has_no_effect(void **state)
{
    struct harness *harness = *state;
    masters_epochs[MASTERS_SRV] += 100;
    harness_forget(harness);
    masters_command_of(harness, MASTERS_SRV, 1, "M.IN", 1, false);
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV), COMMAND_REFUSED);
    assert_int_equal(harness->record_count, 0);
}

/* ---- active-active ---- */

static void set_mode(struct harness *harness, uint64_t token, const char *process, bool on)
{
    const struct record_user anna = {.name = "anna"};
    server_set_load_balance(harness->server, harness->now, token, &anna, harness_process(harness, process),
                            on);
    harness_drain(harness);
    harness_store(harness); /* what was ordered */
    harness_store(harness); /* the grants that it led to */
}

static void test_only_where_masters_connect_may_all_act(void **state)
{
    struct harness *harness = *state;
    set_mode(harness, 1, "SELF.KOM", true);
    assert_int_equal(harness_ended(harness, 1)->of.result, COMMAND_REFUSED);
    assert_non_null(strstr(harness_ended(harness, 1)->reason, "line L.A connects (iec104)"));
    assert_int_equal(harness_records(harness, RECORD_LOAD_BALANCE), 0);
}

static void test_each_instance_has_values_masters_and_commands_of_its_own(void **state)
{
    struct harness *harness = *state;
    masters_value(harness, "M.U", 1);
    harness_store(harness);
    masters_taken(harness, MASTERS_SRV, 0, 1);
    masters_taken(harness, MASTERS_SRV, 1, 1);
    masters_connect(harness, 2);
    assert_int_equal(masters_epochs[MASTERS_SRV + 1], 0);
    set_mode(harness, 1, "SRV.KOM", true);
    assert_int_equal(harness_ended(harness, 1)->of.result, COMMAND_DONE);
    assert_int_equal(harness_records(harness, RECORD_LOAD_BALANCE), 1);
    masters_epochs[MASTERS_SRV + 1] = masters_epoch(harness, MASTERS_SRV + 1);
    assert_true(masters_epochs[MASTERS_SRV + 1] > masters_epochs[MASTERS_SRV]);
    harness_forget(harness);
    masters_value(harness, "M.U", 2);
    harness_store(harness);
    for (unsigned client = MASTERS_SRV; client <= MASTERS_SRV + 1; client++) {
        assert_int_equal(masters_outgoing(harness, client)->of.outgoing.first, 2);
        masters_taken(harness, client, 0, client == MASTERS_SRV ? 2 : 1);
    }
    masters_command_of(harness, MASTERS_SRV + 1, 1, "M.IN.FREE", 1, false);
    harness_store(harness);
    assert_int_equal(masters_answer(harness, MASTERS_SRV + 1),
                     COMMAND_DONE); /* by the one that it was given to */
    assert_int_equal(masters_answer(harness, MASTERS_SRV), 99);
    /* One that comes again goes on with its own masters. */
    harness_close(harness, MASTERS_SRV + 1, true);
    harness_forget(harness);
    masters_connect(harness, 2);
    assert_int_equal(masters_outgoing(harness, MASTERS_SRV + 1)->of.outgoing.first, 2);
}

static void test_the_mode_holds_over_a_restart_and_ends_with_a_hand_over(void **state)
{
    struct harness *harness = *state;
    set_mode(harness, 1, "SRV.KOM", true);
    restore(harness);
    masters_connect(harness, 1);
    masters_connect(harness, 2);
    harness_advance(harness, KOMET_SECONDS(1));
    harness_store(harness);
    masters_epochs[MASTERS_SRV] = masters_epoch(harness, MASTERS_SRV);
    masters_epochs[MASTERS_SRV + 1] = masters_epoch(harness, MASTERS_SRV + 1);
    assert_true(masters_epochs[MASTERS_SRV] != 0 && masters_epochs[MASTERS_SRV + 1] != 0);
    harness_forget(harness);
    set_mode(harness, 2, "SRV.KOM", false);
    assert_int_equal(harness_ended(harness, 2)->of.result, COMMAND_DONE);
    assert_null(harness_sent(harness, MASTERS_SRV, BODY(ROLE)));
    const struct sent *role = harness_sent(harness, MASTERS_SRV + 1, BODY(ROLE));
    assert_true(role != NULL && !role->of.role.active);
}

static void report(struct harness *harness, unsigned client, bool listens, uint32_t flags)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__LineReport body = KOMET__WIRE__LINE_REPORT__INIT;
    Komet__Wire__ConnectionReport connection = KOMET__WIRE__CONNECTION_REPORT__INIT, *list[] = {&connection};
    connection.address = (char *)(uintptr_t) "10.9.0.1:40000";
    connection.partner = (char *)(uintptr_t) "10.9.0.1";
    connection.state = flags != 0 ? CONNECTION_STARTED : CONNECTION_CLOSED;
    body.value = listens;
    body.flags = flags;
    body.n_connections = 1;
    body.connections = list;
    message.body_case = BODY(LINE_REPORT);
    message.line_report = &body;
    harness_feed(harness, client, &message);
}

static void test_a_line_shows_what_all_that_act_say(void **state)
{
    struct harness *harness = *state;
    const struct line *line = site_find_line(harness->site.site, "L.C");
    value_flags flags;
    masters_connect(harness, 2);
    set_mode(harness, 1, "SRV.KOM", true);
    report(harness, MASTERS_SRV, true, 0);
    assert_int_equal(server_station_value(harness->server, &line->stations[0], &flags), STATION_COMERR);
    report(harness, MASTERS_SRV + 1, true, 2);
    const struct server_line_state *shown = server_line_state(harness->server, line);
    assert_true(shown->value);
    assert_int_equal(shown->flags, 2);
    assert_int_equal(shown->connection_count, 2);
    assert_int_equal(shown->connections[1].instance, 2);
    assert_string_equal(shown->connections[1].partner, "10.9.0.1");
    assert_int_equal(server_station_value(harness->server, &line->stations[0], &flags), STATION_ON);
    harness_close(harness, MASTERS_SRV + 1, true);
    assert_int_equal(shown->flags, 0);
    assert_int_equal(shown->connection_count, 1);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, masters_world_set_up, harness_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_new_grant_begins_with_what_the_tags_have),
        CASE(test_an_event_goes_on_when_it_is_on_disk),
        CASE(test_another_instance_goes_on_where_the_masters_are),
        CASE(test_a_restarted_server_goes_on_where_the_masters_are),
        CASE(test_a_full_buffer_drops_the_oldest_and_says_so),
        CASE(test_a_loss_is_told_once_and_again_when_the_masters_have_what_waited),
        CASE(test_what_made_room_before_it_was_told_is_told_as_what_the_outputs_have),
        CASE(test_what_masters_cannot_have_closes_the_instance),
        CASE(test_set_of_a_value_for_masters),
        CASE(test_a_command_of_a_master_that_goes_nowhere),
        CASE(test_a_command_that_is_given_on_ends_with_the_stations),
        CASE(test_the_cause_with_which_a_station_refuses_goes_back),
        CASE(test_a_command_that_cannot_be_given_on_is_refused),
        CASE(test_a_selection_goes_on_only_where_it_means_something),
        CASE(test_an_instance_that_is_lost_is_not_answered),
        CASE(test_a_command_under_an_old_grant_has_no_effect),
        CASE(test_only_where_masters_connect_may_all_act),
        CASE(test_each_instance_has_values_masters_and_commands_of_its_own),
        CASE(test_the_mode_holds_over_a_restart_and_ends_with_a_hand_over),
        CASE(test_a_line_shows_what_all_that_act_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
