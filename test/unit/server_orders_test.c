/* Orders of people to the server: commands, interrogations, changes of role. Each is sent once or not at
 * all, each ends exactly once, and the journal knows of it before the field does (architecture 3.5). */
#include "server_values.h"

#include <string.h>

#define DEADLINE KOMET_SECONDS(1)

static const struct record_user alice = {"alice", true};

static void set(struct harness *harness, uint64_t token, const char *tag, double number)
{
    server_set(harness->server, harness->now, token, &alice, harness_tag(harness, tag), number, FLAG_A,
               DEADLINE);
    harness_drain(harness);
}

static void interrogate(struct harness *harness, uint64_t token, const char *station,
                        enum line_command_kind kind)
{
    const struct station *to = site_find_station(harness->site.site, station);
    assert_non_null(to);
    server_interrogate(harness->server, harness->now, token, &alice, to, kind);
    harness_drain(harness);
}

static void set_active(struct harness *harness, uint64_t token, uint8_t instance)
{
    server_set_active(harness->server, harness->now, token, &alice, harness_process(harness, "SELF.KOM"),
                      instance);
    harness_drain(harness);
}

/* Time passes while instance 1 says that it is alive. */
static void live(struct harness *harness, int64_t duration_us)
{
    while (duration_us > 0) {
        int64_t step = duration_us < KOMET_MS(100) ? duration_us : KOMET_MS(100);
        harness_heartbeat(harness, 1, 0);
        harness_advance(harness, step);
        duration_us -= step;
    }
}

static const struct sent *command(const struct harness *harness)
{
    return harness_sent(harness, 1, BODY(COMMAND));
}

/* A command that was stored and sent; returns the id that the instance ends it with. */
static uint64_t sent(struct harness *harness, uint64_t token, const char *tag, double number)
{
    unsigned before = harness_sent_count(harness, 1, BODY(COMMAND));
    set(harness, token, tag, number);
    harness_store(harness);
    assert_int_equal(harness_sent_count(harness, 1, BODY(COMMAND)), before + 1);
    return command(harness)->of.command.id;
}

/* Its end is told only when it is stored; then once, with this result and sentence. */
static void assert_ends(struct harness *harness, uint64_t token, enum command_result result,
                        const char *reason)
{
    assert_false(harness_has_ended(harness, token));
    harness_store(harness);
    const struct ended *ended = harness_ended(harness, token);
    assert_string_equal(command_result_name(ended->of.result), command_result_name(result));
    assert_string_equal(ended->reason, reason);
    const struct record_command *record = &harness_record(harness, RECORD_COMMAND_END)->of.command;
    assert_int_equal(record->id, ended->of.id);
    assert_int_equal(record->result, result);
    assert_string_equal(record->reason, reason);
}

/* ---- a command's way ---- */

static void test_a_command_is_sent_only_when_its_begin_is_stored(void **state)
{
    struct harness *harness = *state;
    set(harness, 71, "M.SET", 12.5);
    const struct record *begin = harness_record(harness, RECORD_COMMAND_BEGIN);
    assert_string_equal(begin->process, "SELF.KOM");
    assert_int_equal(begin->instance, 1);
    assert_string_equal(begin->of.command.tag, "M.SET");
    assert_string_equal(begin->of.command.user.name, "alice");
    assert_true(begin->of.command.user.authenticated);
    assert_true(begin->of.command.number == 12.5 && begin->of.command.flags == FLAG_A);
    assert_int_equal(begin->of.command.epoch, harness->epoch);
    assert_int_equal(begin->of.command.given.ms, harness->now.utc.ms);
    assert_int_equal(begin->of.command.result, 0);
    assert_null(command(harness));
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_UNKNOWN);
    harness_advance(harness, KOMET_MS(300));
    assert_null(command(harness));
    harness_store(harness);
    const Komet__Wire__Command *wire = &command(harness)->of.command;
    assert_int_equal(wire->id, begin->of.command.id);
    assert_int_equal(wire->kind, LINE_COMMAND_WRITE);
    assert_int_equal(wire->epoch, harness->epoch);
    assert_int_equal(wire->tag, harness_tag(harness, "M.SET")->number);
    assert_true(wire->number == 12.5 && wire->flags == FLAG_A);
    assert_int_equal(wire->deadline_ms, 700); /* what is left of it */
    assert_int_equal(harness->ended_count, 0);
}

/* Output mode `command`: no wish is shown, only what the device confirmed. */
static void test_a_command_output_is_never_transient(void **state)
{
    struct harness *harness = *state;
    uint64_t id = sent(harness, 71, "M.PULSE", 1);
    assert_int_equal(shown(harness, "M.PULSE")->status, STATUS_UNKNOWN);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1);
    assert_ends(harness, 71, COMMAND_DONE, "");
    assert_int_equal(shown(harness, "M.PULSE")->status, STATUS_VALID);
    assert_true(shown(harness, "M.PULSE")->number == 1);
    id = sent(harness, 72, "M.PULSE", 0);
    assert_int_equal(shown(harness, "M.PULSE")->status, STATUS_VALID);
    assert_true(shown(harness, "M.PULSE")->number == 1);
    harness_command_end(harness, 1, id, COMMAND_REFUSED, "no", 0);
    assert_ends(harness, 72, COMMAND_REFUSED, "no");
    assert_true(shown(harness, "M.PULSE")->number == 1);
}

static void test_a_done_command_ends_when_its_end_is_stored(void **state)
{
    struct harness *harness = *state;
    uint64_t id = sent(harness, 71, "M.SET", 12.5);
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_TRANSIENT);
    assert_true(shown(harness, "M.SET")->number == 12.5);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 12); /* what the station took over */
    assert_ends(harness, 71, COMMAND_DONE, "");
    const struct server_ended *ended = &harness_ended(harness, 71)->of;
    assert_int_equal(ended->id, id);
    assert_ptr_equal(ended->tag, harness_tag(harness, "M.SET"));
    assert_true(ended->number == 12);
    assert_int_equal(ended->epoch, harness->epoch);
    assert_true(harness_record(harness, RECORD_COMMAND_END)->of.command.number == 12);
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_VALID);
    assert_true(shown(harness, "M.SET")->number == 12);
    harness_command_end(harness, 1, id, COMMAND_REFUSED, "", 0); /* said twice: heard once */
    harness_store(harness);
    assert_int_equal(harness->ended_count, 1);
}

/* What a partner says of the object when it refuses is flags of the value that the tag keeps. */
static void test_a_negative_confirmation_has_the_flags(void **state)
{
    struct harness *harness = *state;
    harness_command_end(harness, 1, sent(harness, 71, "M.SET", 12.5), COMMAND_DONE, "", 12.5);
    harness_store(harness);
    uint64_t id = sent(harness, 72, "M.SET", 13);
    unsigned events = harness_records(harness, RECORD_EVENT);
    harness_command_answered(harness, 1, id, FLAG_A | FLAG_SUBSTITUTED | 0x100);
    assert_ends(harness, 72, COMMAND_REFUSED, "the partner refused");
    const struct value *value = shown(harness, "M.SET");
    assert_int_equal(value->status, STATUS_VALID);
    assert_true(value->number == 12.5 && value->flags == (FLAG_A | FLAG_SUBSTITUTED));
    assert_int_equal(harness_records(harness, RECORD_EVENT), events + 1); /* also after a restart */
    assert_true(harness_record(harness, RECORD_EVENT)->of.event.value.flags == value->flags);
    id = sent(harness, 73, "M.SET", 14);
    harness_command_end(harness, 1, id, COMMAND_REFUSED, "not connected", 0); /* nobody said anything */
    assert_ends(harness, 73, COMMAND_REFUSED, "not connected");
    assert_true(shown(harness, "M.SET")->flags == (FLAG_A | FLAG_SUBSTITUTED));
    assert_int_equal(harness_records(harness, RECORD_EVENT), events + 1);
    id = sent(harness, 74, "M.CMD", 1); /* never had a value */
    harness_command_answered(harness, 1, id, FLAG_A);
    assert_ends(harness, 74, COMMAND_REFUSED, "the partner refused");
    assert_int_equal(shown(harness, "M.CMD")->status, STATUS_UNKNOWN);
    assert_int_equal(harness_records(harness, RECORD_EVENT), events + 1);
}

static void test_only_its_own_ticket_ends_a_command(void **state)
{
    struct harness *harness = *state;
    uint64_t id = sent(harness, 71, "M.SET", 1);
    harness_give(harness, 1, (struct given){.tag = "M.P", .cot = 3, .tagged = true});
    uint64_t earlier = harness_record(harness, RECORD_BATCH)->ticket;
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1);
    server_stored(harness->server, harness->now, earlier);
    harness_drain(harness);
    assert_ends(harness, 71, COMMAND_DONE, "");
}

static void test_a_refused_command_leaves_the_tag_as_it_was(void **state)
{
    struct harness *harness = *state;
    uint64_t id = sent(harness, 71, "M.SET", 1);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1);
    harness_store(harness);
    id = sent(harness, 72, "M.SET", 2);
    harness_command_end(harness, 1, id, COMMAND_REFUSED, "the station refused", 2);
    assert_ends(harness, 72, COMMAND_REFUSED, "the station refused");
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_VALID);
    assert_true(shown(harness, "M.SET")->number == 1);
}

static void test_an_unknown_end_makes_the_tag_invalid(void **state)
{
    struct harness *harness = *state;
    uint64_t id = sent(harness, 71, "M.SET", 1);
    harness_command_end(harness, 1, id, COMMAND_UNKNOWN, "no confirmation within WTn", 1);
    assert_ends(harness, 71, COMMAND_UNKNOWN, "no confirmation within WTn");
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_INVALID);
    id = sent(harness, 72, "M.CMD", 1);
    harness_command_end(harness, 1, id, 77, "what?", 1); /* a result that nobody knows */
    assert_ends(harness, 72, COMMAND_UNKNOWN, "what?");
}

static void test_an_end_counts_only_from_who_got_the_command(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    harness_hello(harness, 8, "OTHER.KOM", 1, 5);
    uint64_t id = sent(harness, 71, "M.SET", 1);
    harness_command_end(harness, 2, id, COMMAND_DONE, "", 1);
    harness_command_end(harness, 8, id, COMMAND_DONE, "", 1);
    harness_command_end(harness, 1, id + 1, COMMAND_DONE, "", 1);
    harness_store(harness);
    assert_int_equal(harness->ended_count, 0);
    harness_command_end(harness, 1, id, COMMAND_EXPIRED, "not sent before its deadline", 1);
    assert_ends(harness, 71, COMMAND_EXPIRED, "not sent before its deadline");
}

static void test_a_command_that_is_not_stored_in_time_expires(void **state)
{
    struct harness *harness = *state;
    set(harness, 71, "M.SET", 1);
    live(harness, DEADLINE - 1);
    assert_int_equal(harness_records(harness, RECORD_COMMAND_END), 0);
    live(harness, 1);
    assert_int_equal(harness_records(harness, RECORD_COMMAND_END), 1);
    assert_ends(harness, 71, COMMAND_EXPIRED, "it could not be sent before its deadline");
    assert_null(command(harness));
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_UNKNOWN);
}

static void test_a_begin_that_is_stored_too_late_is_not_sent(void **state)
{
    struct harness *harness = *state;
    live(harness, KOMET_MS(500));
    server_set(harness->server, harness->now, 71, &alice, harness_tag(harness, "M.SET"), 1, 0, KOMET_MS(50));
    harness_drain(harness);
    harness->now.instant = komet_after(harness->now.instant, KOMET_MS(50)); /* nobody ticked */
    harness_store(harness);
    assert_null(command(harness));
    assert_ends(harness, 71, COMMAND_EXPIRED, "it could not be sent before its deadline");
}

static void test_an_instance_that_never_answers(void **state)
{
    struct harness *harness = *state;
    sent(harness, 71, "M.SET", 1);
    live(harness, DEADLINE + KOMET_SECONDS(2) + KOMET_SECONDS(5) - 1); /* WTn is 2 s here */
    assert_int_equal(harness_records(harness, RECORD_COMMAND_END), 0);
    live(harness, 1);
    assert_ends(harness, 71, COMMAND_UNKNOWN, "the instance did not say how it ended");
}

/* ---- what is refused at once ---- */

static void test_an_input_is_not_written(void **state)
{
    struct harness *harness = *state;
    set(harness, 71, "M.P", 1);
    assert_ends(harness, 71, COMMAND_REFUSED, "M.P is an input tag; only outputs are written");
    assert_int_equal(harness_records(harness, RECORD_COMMAND_BEGIN), 0);
    assert_null(command(harness));
    assert_int_equal(shown(harness, "M.P")->status, STATUS_UNKNOWN);
}

static void test_one_open_command_a_tag(void **state)
{
    struct harness *harness = *state;
    set(harness, 71, "M.SET", 1);
    set(harness, 72, "M.SET", 2); /* while the first is being stored */
    assert_ends(harness, 72, COMMAND_REFUSED, "another command of this tag is still open");
    uint64_t id = command(harness)->of.command.id;
    set(harness, 73, "M.SET", 3); /* while it is under way */
    set(harness, 74, "M.CMD", 1); /* another tag */
    assert_ends(harness, 73, COMMAND_REFUSED, "another command of this tag is still open");
    assert_false(harness_has_ended(harness, 74));
    assert_true(shown(harness, "M.SET")->number == 1);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1);
    set(harness, 75, "M.SET", 4); /* its end is not stored yet, but it has ended */
    assert_false(harness_has_ended(harness, 75));
    harness_store(harness);
    assert_int_equal(harness_sent_count(harness, 1, BODY(COMMAND)), 3);
}

static void test_without_an_active_instance_it_is_refused(void **state)
{
    struct harness *harness = *state;
    set(harness, 71, "M.O.CMD", 1);
    assert_ends(harness, 71, COMMAND_REFUSED, "no instance of OTHER.KOM is active");
    interrogate(harness, 72, "B.O", LINE_COMMAND_INTERROGATE);
    assert_string_equal(harness_ended(harness, 72)->reason, "no instance of OTHER.KOM is active");
    harness_close(harness, 1, false); /* it may still act, but nobody can reach it */
    set(harness, 73, "M.SET", 1);
    assert_ends(harness, 73, COMMAND_REFUSED, "no instance of SELF.KOM is active");
}

static void test_while_the_role_changes_it_is_refused(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    set_active(harness, 70, 2);
    set(harness, 71, "M.SET", 1);
    assert_ends(harness, 71, COMMAND_REFUSED, "no instance of SELF.KOM is active");
}

static void test_too_many_open_commands(void **state)
{
    struct harness *harness = *state;
    for (uint64_t i = 0; i < SERVER_COMMANDS_MAX; i++) {
        interrogate(harness, 1000 + i, "B.A", LINE_COMMAND_INTERROGATE);
    }
    assert_int_equal(harness->ended_count, 0);
    set(harness, 71, "M.SET", 1);
    interrogate(harness, 72, "B.A", LINE_COMMAND_CLOCK);
    set_active(harness, 73, 1);
    for (uint64_t token = 71; token <= 73; token++) {
        assert_int_equal(harness_ended(harness, token)->of.result, COMMAND_REFUSED);
        assert_string_equal(harness_ended(harness, token)->reason, "too many open commands; try again");
    }
    harness_command_end(harness, 1, harness->sent[0].of.command.id, COMMAND_DONE, "", 0);
    assert_int_equal(harness_ended(harness, 1000)->of.result, COMMAND_DONE);
    set(harness, 74, "M.SET", 1);
    assert_false(harness_has_ended(harness, 74));
    harness_close(harness, 1, true); /* all at once */
    harness_store(harness);
    assert_int_equal(harness->ended_count, 3 + SERVER_COMMANDS_MAX + 1);
}

/* ---- the instance is lost ---- */

static void test_an_instance_lost_before_sending_refuses(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    set(harness, 71, "M.SET", 1);
    harness_close(harness, 1, true);
    assert_ends(harness, 71, COMMAND_REFUSED, "the instance was lost before it could be sent");
    assert_null(command(harness));
    assert_null(harness_sent(harness, 2, BODY(COMMAND))); /* nothing repeats it by itself */
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_UNKNOWN);
}

static void test_an_instance_lost_after_sending_is_unknown(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    sent(harness, 71, "M.SET", 1);
    harness_close(harness, 1, true);
    assert_ends(harness, 71, COMMAND_UNKNOWN, "the instance was lost before it said how it ended");
    assert_null(harness_sent(harness, 2, BODY(COMMAND)));
    assert_int_equal(shown(harness, "M.SET")->status, STATUS_INVALID);
}

static void test_a_lease_that_runs_out_ends_commands(void **state)
{
    struct harness *harness = *state;
    sent(harness, 71, "M.SET", 1);
    set(harness, 72, "M.CMD", 1);
    harness_advance(harness, HARNESS_LEASE);
    harness_store(harness);
    const struct ended *under_way = harness_ended(harness, 71), *unsent = harness_ended(harness, 72);
    assert_int_equal(under_way->of.result, COMMAND_UNKNOWN);
    assert_string_equal(under_way->reason, "the instance was lost before it said how it ended");
    assert_int_equal(unsent->of.result, COMMAND_REFUSED);
    assert_string_equal(unsent->reason, "the instance was lost before it could be sent");
    assert_int_equal(harness_sent_count(harness, 1, BODY(COMMAND)), 1);
}

static void test_a_grant_that_was_given_up_ends_commands(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    sent(harness, 71, "M.SET", 1);
    harness_stopped(harness, 1, harness->epoch);
    assert_ends(harness, 71, COMMAND_UNKNOWN, "the instance was lost before it said how it ended");
}

static void test_a_word_about_an_old_grant_ends_nothing(void **state)
{
    struct harness *harness = *state;
    sent(harness, 71, "M.SET", 1);
    harness_stopped(harness, 1, harness->epoch + 1);
    harness_stopped(harness, 1, 0);
    harness_store(harness);
    assert_int_equal(harness->ended_count, 0);
}

/* ---- interrogations ---- */

static void test_interrogations_are_sent_at_once_and_not_journaled(void **state)
{
    struct harness *harness = *state;
    const enum line_command_kind kinds[] = {LINE_COMMAND_INTERROGATE, LINE_COMMAND_COUNTERS,
                                            LINE_COMMAND_CLOCK};
    for (unsigned i = 0; i < 3; i++) {
        interrogate(harness, 71 + i, "B.B", kinds[i]);
        assert_int_equal(harness_sent_count(harness, 1, BODY(COMMAND)), i + 1);
        assert_int_equal(command(harness)->of.command.kind, kinds[i]);
        assert_int_equal(command(harness)->of.command.station, 1);
        assert_int_equal(command(harness)->of.command.deadline_ms, 10000);
        harness_command_end(harness, 1, command(harness)->of.command.id, COMMAND_DONE, "", 0);
        assert_int_equal(harness_ended(harness, 71 + i)->of.result, COMMAND_DONE);
        assert_null(harness_ended(harness, 71 + i)->of.tag);
    }
    assert_int_equal(harness->record_count, 0);
}

/* ---- changes of role ---- */

static void test_set_active_is_done_when_the_grant_was_sent(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    harness_forget(harness);
    set_active(harness, 71, 2);
    assert_false(harness_sent(harness, 1, BODY(ROLE))->of.role.active);
    harness_stopped(harness, 1, harness->epoch);
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 2);
    assert_false(harness_has_ended(harness, 71)); /* not stored */
    assert_null(harness_sent(harness, 2, BODY(ROLE)));
    harness_store(harness);
    assert_true(harness_sent(harness, 2, BODY(ROLE))->of.role.active);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
    assert_int_equal(harness_ended(harness, 71)->of.epoch, harness->epoch + 1);
}

static void test_who_asked_is_in_the_journal(void **state)
{
    struct harness *harness = *state;
    harness_forget(harness);
    set_active(harness, 71, 7);
    const struct record *end = harness_record(harness, RECORD_COMMAND_END);
    assert_string_equal(end->of.command.tag, "SELF.KOM");
    assert_true(end->of.command.number == 7);
    assert_string_equal(end->of.command.user.name, "alice");
    assert_int_equal(end->of.command.result, COMMAND_REFUSED);
    assert_string_equal(end->of.command.reason, "SELF.KOM,7: this instance does not run");
    uint64_t id = sent(harness, 72, "M.SET", 12.5);
    harness_forget(harness);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 12.5);
    const struct record *event = harness_record(harness, RECORD_EVENT);
    assert_string_equal(event->of.event.tag, "M.SET");
    assert_true(event->of.event.value.number == 12.5 && event->of.event.user.authenticated);
    assert_string_equal(event->of.event.user.name, "alice");
    assert_int_equal(event->of.event.value.cot, KOMET_COT_ACTIVATION_CON);
    assert_int_equal(harness_records(harness, RECORD_COMMAND_END), 1);
    id = sent(harness, 73, "M.CMD", 1);
    harness_forget(harness);
    harness_command_end(harness, 1, id, COMMAND_REFUSED, "no", 1);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
}

static void test_set_active_of_the_active_one_is_done_at_once(void **state)
{
    struct harness *harness = *state;
    set_active(harness, 71, 1);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
    assert_int_equal(harness_ended(harness, 71)->of.epoch, harness->epoch);
    assert_int_equal(harness->sent_count, 0);
}

static void test_set_active_waits_for_a_grant_that_is_being_stored(void **state)
{
    struct harness *harness = *state;
    harness_close(harness, 1, true);
    harness_kom(harness, 2); /* its grant is on its way to the disk */
    set_active(harness, 71, 2);
    assert_false(harness_has_ended(harness, 71));
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
    assert_int_equal(harness_ended(harness, 71)->of.epoch, harness->epoch + 1);
}

static void test_set_active_of_one_that_does_not_run_is_refused(void **state)
{
    struct harness *harness = *state;
    set_active(harness, 71, 2);
    set_active(harness, 72, 16);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_REFUSED);
    assert_string_equal(harness_ended(harness, 71)->reason, "SELF.KOM,2: this instance does not run");
    assert_string_equal(harness_ended(harness, 72)->reason, "SELF.KOM,16: this instance does not run");
    assert_int_equal(harness->sent_count, 0);
}

static void test_the_newest_wish_counts(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    harness_kom(harness, 3);
    set_active(harness, 71, 2);
    set_active(harness, 72, 3);
    assert_string_equal(harness_ended(harness, 71)->reason, "another change of role was asked for");
    harness_stopped(harness, 1, harness->epoch);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 72)->of.result, COMMAND_DONE);
    assert_true(harness_sent(harness, 3, BODY(ROLE))->of.role.active);
}

static void test_a_wish_that_is_refused_takes_no_other_ones_place(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    set_active(harness, 71, 2);
    set_active(harness, 72, 9);
    assert_int_equal(harness_ended(harness, 72)->of.result, COMMAND_REFUSED);
    assert_false(harness_has_ended(harness, 71));
    harness_stopped(harness, 1, harness->epoch);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
}

static void test_another_one_became_active_instead(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    harness_kom(harness, 3);
    set_active(harness, 71, 2);
    harness_close(harness, 2, true);
    harness_close(harness, 1, true);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_REFUSED);
    assert_string_equal(harness_ended(harness, 71)->reason, "instance 3 became active instead");
}

static void test_a_change_of_role_that_cannot_be_stored_ends(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 2);
    set_active(harness, 71, 2);
    harness_close(harness, 1, true);
    for (int i = 0; i < 100; i++) { /* the disk takes nothing */
        harness_heartbeat(harness, 2, 0);
        assert_false(harness_has_ended(harness, 71));
        harness_advance(harness, KOMET_MS(100));
    }
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_REFUSED);
    assert_string_equal(harness_ended(harness, 71)->reason, "the change of role took too long");
}

/* ---- the journal fails ---- */

static void test_a_failed_journal_ends_what_is_open(void **state)
{
    struct harness *harness = *state;
    static const char fault[] = "the journal cannot write: disk full";
    sent(harness, 71, "M.SET", 1);
    uint64_t id = command(harness)->of.command.id;
    set(harness, 72, "M.CMD", 1); /* BEGIN is being stored */
    interrogate(harness, 73, "B.A", LINE_COMMAND_INTERROGATE);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1); /* END is being stored */
    server_journal_failed(harness->server, harness->now, "disk full");
    harness_drain(harness);
    /* COMMANDS will say unknown, since its END is not on disk: so does the answer. */
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_UNKNOWN);
    assert_string_equal(harness_ended(harness, 71)->reason,
                        "the journal failed before its end (done) was stored");
    assert_int_equal(harness_ended(harness, 72)->of.result, COMMAND_REFUSED);
    assert_string_equal(harness_ended(harness, 72)->reason, fault);
    assert_int_equal(harness_ended(harness, 73)->of.result, COMMAND_UNKNOWN); /* its instance is closed */
    unsigned records = harness->record_count;
    set(harness, 74, "M.SET", 1);
    interrogate(harness, 75, "B.A", LINE_COMMAND_CLOCK);
    set(harness, 76, "M.P", 1);
    assert_string_equal(harness_ended(harness, 74)->reason, fault);
    assert_string_equal(harness_ended(harness, 75)->reason, fault);
    assert_int_equal(harness_ended(harness, 76)->of.result, COMMAND_REFUSED);
    assert_int_equal(harness->record_count, records);
}

/* ---- what shows ---- */

static void test_a_watch_sees_a_command_come_and_go(void **state)
{
    struct harness *harness = *state;
    assert_true(server_watch(harness->server, 5, "M.SET"));
    uint64_t id = sent(harness, 71, "M.SET", 1);
    assert_int_equal(harness->changed_count, 1);
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1);
    assert_int_equal(harness->changed_count, 2);
    assert_ptr_equal(harness->changed[1].tag, harness_tag(harness, "M.SET"));
}

static void test_ids_grow_over_restarts(void **state)
{
    struct harness *harness = *state;
    uint64_t first = sent(harness, 71, "M.SET", 1);
    uint64_t second = sent(harness, 72, "M.CMD", 1);
    assert_true(second > first);
    harness->now.utc.ms += 1; /* a server cannot start again sooner */
    harness_restart(harness);
    server_recovered(harness->server, harness->now);
    harness_active(harness, 1);
    assert_true(sent(harness, 73, "M.SET", 1) > second);
}

/* Whatever happens in whatever order: every token comes back, once. */
static void test_every_order_ends_once(void **state)
{
    struct harness *harness = *state;
    static const char *const tags[] = {"M.SET", "M.CMD", "M.P", "M.O.CMD"};
    struct test_random random = {11};
    uint64_t token = 1, ended = 0;
    for (int round = 0; round < 5000; round++) {
        unsigned client = 1 + test_random_below(&random, 3);
        const struct sent *newest = harness_sent(harness, client, BODY(COMMAND));
        switch (test_random_below(&random, 10)) {
        case 0:
        case 1:
            set(harness, token++, tags[test_random_below(&random, 4)], 1);
            break;
        case 2:
            interrogate(harness, token++, "B.A", LINE_COMMAND_INTERROGATE);
            break;
        case 3:
            set_active(harness, token++, (uint8_t)client);
            break;
        case 4:
            if (harness->open[client]) {
                harness_close(harness, client, test_random_below(&random, 2) == 0);
            } else {
                harness_hello(harness, client, "SELF.KOM", client, (uint64_t)round);
            }
            break;
        case 5:
            if (newest != NULL && harness->open[client]) {
                harness_command_end(harness, client, newest->of.command.id, 1 + test_random_below(&random, 4),
                                    "", 1);
            }
            break;
        case 6:
            harness_advance(harness, test_random_below(&random, (uint32_t)KOMET_MS(200)));
            break;
        case 7:
            if (harness->open[client]) {
                harness_stopped(harness, client, 1 + test_random_below(&random, 40));
            }
            break;
        default:
            harness_store(harness);
            for (unsigned i = 1; i <= 3; i++) {
                if (harness->open[i]) {
                    harness_heartbeat(harness, i, 0);
                }
            }
        }
        if (harness->record_count > 0 && harness->sent_count > HARNESS_KEPT / 2) {
            harness_store(harness); /* else their tickets were forgotten */
            ended += harness->ended_count;
            harness_forget(harness);
        }
    }
    for (unsigned i = 1; i <= 3; i++) {
        if (harness->open[i]) {
            harness_close(harness, i, true);
        }
    }
    harness_advance(harness, KOMET_SECONDS(60));
    harness_store(harness);
    assert_true(token > 1000);
    assert_int_equal(ended + harness->ended_count, token - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, values_set_up, harness_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_a_command_is_sent_only_when_its_begin_is_stored),
    TEST(test_a_command_output_is_never_transient),
    TEST(test_a_done_command_ends_when_its_end_is_stored),
    TEST(test_a_negative_confirmation_has_the_flags),
    TEST(test_only_its_own_ticket_ends_a_command),
    TEST(test_a_refused_command_leaves_the_tag_as_it_was),
    TEST(test_an_unknown_end_makes_the_tag_invalid),
    TEST(test_an_end_counts_only_from_who_got_the_command),
    TEST(test_a_command_that_is_not_stored_in_time_expires),
    TEST(test_a_begin_that_is_stored_too_late_is_not_sent),
    TEST(test_an_instance_that_never_answers),
    TEST(test_an_input_is_not_written),
    TEST(test_one_open_command_a_tag),
    TEST(test_without_an_active_instance_it_is_refused),
    TEST(test_while_the_role_changes_it_is_refused),
    TEST(test_too_many_open_commands),
    TEST(test_an_instance_lost_before_sending_refuses),
    TEST(test_an_instance_lost_after_sending_is_unknown),
    TEST(test_a_lease_that_runs_out_ends_commands),
    TEST(test_a_grant_that_was_given_up_ends_commands),
    TEST(test_a_word_about_an_old_grant_ends_nothing),
    TEST(test_interrogations_are_sent_at_once_and_not_journaled),
    TEST(test_set_active_is_done_when_the_grant_was_sent),
    TEST(test_who_asked_is_in_the_journal),
    TEST(test_set_active_of_the_active_one_is_done_at_once),
    TEST(test_set_active_waits_for_a_grant_that_is_being_stored),
    TEST(test_set_active_of_one_that_does_not_run_is_refused),
    TEST(test_the_newest_wish_counts),
    TEST(test_a_wish_that_is_refused_takes_no_other_ones_place),
    TEST(test_another_one_became_active_instead),
    TEST(test_a_change_of_role_that_cannot_be_stored_ends),
    TEST(test_a_failed_journal_ends_what_is_open),
    TEST(test_a_watch_sees_a_command_come_and_go),
    TEST(test_ids_grow_over_restarts),
    TEST(test_every_order_ends_once),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
