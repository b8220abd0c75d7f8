/* What people and instances ask about roles: SET_PREFERRED_INST, STOP, an end that is said; and the values of
 * processes in the journal. The choice itself is instances_choice_test's. */
#include "server_harness.h"

#include <stdio.h>
#include <string.h>

static const struct process *self(const struct harness *harness)
{
    return harness_process(harness, "SELF.KOM");
}

static const struct record_user alice = {"alice", true};

static void prefer(struct harness *harness, uint64_t token, uint8_t instance)
{
    server_set_preferred(harness->server, harness->now, token, &alice, self(harness), instance);
    harness_drain(harness);
}

static void stop(struct harness *harness, uint64_t token, uint8_t instance)
{
    server_stop(harness->server, harness->now, token, &alice, self(harness), instance);
    harness_drain(harness);
}

static void leave(struct harness *harness, unsigned client)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Leave body = KOMET__WIRE__LEAVE__INIT;
    message.body_case = BODY(LEAVE);
    message.leave = &body;
    harness_feed(harness, client, &message);
}

static void assert_role(const struct harness *harness, unsigned client, bool active, uint64_t epoch)
{
    const struct sent *role = harness_sent(harness, client, BODY(ROLE));
    assert_non_null(role);
    assert_int_equal(role->of.role.active, active);
    assert_int_equal(role->of.role.epoch, epoch);
}

/* The value records since the last harness_forget, as text: "1:Run SELF.KOM:Run/B ". */
static const char *values(const struct harness *harness)
{
    static char text[1024];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < harness->record_count; i++) {
        const struct record *record = &harness->records[i];
        if (record->kind != RECORD_VALUE || record->of.value.user.name[0] != '\0') { /* not: who asked */
            continue;
        }
        const char *value = process_value_name(record->of.value.value);
        char flags[FLAGS_TEXT_SIZE];
        value_flags_text(record->of.value.flags, flags);
        int written =
            record->of.value.of_process
                ? snprintf(text + used, sizeof text - used, "%s:%s/%s ", record->process, value, flags)
                : snprintf(text + used, sizeof text - used, "%u:%s ", record->instance, value);
        used += (size_t)written;
    }
    return text;
}

/* ---- preferred ---- */

static void test_preferred_is_done_when_it_is_stored(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    prefer(harness, 71, 2);
    assert_false(harness_has_ended(harness, 71));
    assert_int_equal(harness_record(harness, RECORD_PREFERRED)->instance, 2);
    assert_string_equal(harness_record(harness, RECORD_PREFERRED)->process, "SELF.KOM");
    assert_string_equal(harness_record(harness, RECORD_VALUE)->of.value.user.name, "alice");
    const struct record_command *end = &harness_record(harness, RECORD_COMMAND_END)->of.command;
    assert_string_equal(end->word, "SET_PREFERRED_INST");
    assert_string_equal(end->tag, "SELF.KOM");
    assert_string_equal(end->user.name, "alice");
    assert_true(end->number == 2 && end->result == COMMAND_DONE);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
    assert_int_equal(server_instances(harness->server, self(harness))->preferred, 2);
}

static void test_preferred_that_cannot_be_is_refused_and_not_stored(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 0);
    prefer(harness, 71, 1);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_REFUSED);
    assert_string_equal(harness_ended(harness, 71)->reason,
                        "SELF.KOM: the process runs without an instance number");
    assert_int_equal(harness_records(harness, RECORD_PREFERRED), 0);
}

static void test_preferred_that_the_journal_lost_is_unknown(void **state)
{
    struct harness *harness = *state;
    prefer(harness, 71, 2);
    server_journal_failed(harness->server, harness->now, "disk full");
    harness_drain(harness);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_UNKNOWN);
    prefer(harness, 72, 1);
    assert_int_equal(harness_ended(harness, 72)->of.result, COMMAND_REFUSED);
}

static void test_preferred_comes_back_with_the_server(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    server_recover_grant(harness->server, "SELF.KOM", 4);
    server_recover_preferred(harness->server, "SELF.KOM", 2);
    server_recover_preferred(harness->server, "GONE.KOM", 2);
    server_recovered(harness->server, harness->now);
    harness_kom(harness, 1);
    harness_kom(harness, 2);
    harness_advance(harness, HARNESS_LEASE);
    harness_store(harness);
    assert_role(harness, 2, true, 5);
}

/* ---- leaving ---- */

static void test_one_that_leaves_is_relieved_and_then_ends(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness_active(harness, 1);
    harness_kom(harness, 2);
    harness_store(harness);
    leave(harness, 1);
    assert_role(harness, 1, false, epoch);
    harness_forget(harness);
    harness_stopped(harness, 1, epoch);
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 2);
    harness_store(harness);
    assert_role(harness, 2, true, epoch + 1);
    harness_forget(harness);
    harness_close(harness, 1, true);
    assert_string_equal(values(harness), "1:Stop SELF.KOM:Run/C ");
    assert_non_null(strstr(harness->notes, "SELF.KOM,1 has ended"));
}

static void test_a_passive_one_that_leaves_is_told_so(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_kom(harness, 2);
    harness_forget(harness);
    leave(harness, 2);
    assert_role(harness, 2, false, 0);
    assert_null(harness_sent(harness, 1, BODY(ROLE)));
}

/* ---- STOP ---- */

static void test_stop_is_done_when_the_instance_has_ended(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness_active(harness, 1);
    harness_kom(harness, 2);
    stop(harness, 71, 1);
    assert_int_equal(harness_sent_count(harness, 1, BODY(LEAVE)), 1);
    assert_int_equal(harness_sent_count(harness, 2, BODY(LEAVE)), 0);
    assert_role(harness, 1, false, epoch);
    harness_stopped(harness, 1, epoch);
    assert_false(harness_has_ended(harness, 71));
    harness_close(harness, 1, true);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
    assert_non_null(strstr(harness->notes, "SELF.KOM,1 is told to end by alice"));
}

static void test_stop_of_all_moves_the_role_nowhere(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness_active(harness, 1);
    harness_kom(harness, 2);
    harness_store(harness);
    harness_forget(harness);
    stop(harness, 71, 0);
    assert_int_equal(harness_sent_count(harness, 1, BODY(LEAVE)), 1);
    assert_int_equal(harness_sent_count(harness, 2, BODY(LEAVE)), 1);
    harness_stopped(harness, 1, epoch);
    harness_close(harness, 1, true);
    assert_false(harness_has_ended(harness, 71));
    harness_close(harness, 2, true);
    assert_int_equal(harness_ended(harness, 71)->of.result, COMMAND_DONE);
    assert_int_equal(harness_records(harness, RECORD_GRANT), 0);
    assert_string_equal(values(harness), "1:Stop SELF.KOM:Run/C 2:Stop SELF.KOM:Stop/ ");
}

static void test_stop_that_cannot_be_or_takes_too_long(void **state)
{
    struct harness *harness = *state;
    stop(harness, 71, 0);
    assert_string_equal(harness_ended(harness, 71)->reason, "SELF.KOM: it does not run");
    stop(harness, 72, 3);
    assert_string_equal(harness_ended(harness, 72)->reason, "SELF.KOM,3: it does not run");
    harness_active(harness, 1);
    stop(harness, 73, 1);
    for (int i = 0; i < 100; i++) {
        harness_advance(harness, KOMET_MS(100));
        harness_heartbeat(harness, 1, i);
    }
    assert_int_equal(harness_ended(harness, 73)->of.result, COMMAND_UNKNOWN);
}

static void test_a_wish_for_one_that_ends_is_refused(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_kom(harness, 2);
    leave(harness, 2);
    server_set_active(harness->server, harness->now, 71, &alice, self(harness), 2);
    harness_drain(harness);
    assert_string_equal(harness_ended(harness, 71)->reason, "SELF.KOM,2: this instance is ending");
}

/* ---- values ---- */

static void test_each_change_of_a_value_is_a_record(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    assert_string_equal(values(harness), "1:Run SELF.KOM:Run/B ");
    harness_kom(harness, 15);
    harness_heartbeat(harness, 1, 1);
    harness_heartbeat(harness, 15, 1);
    harness_forget(harness);
    harness_advance(harness, HARNESS_LEASE / 2);
    harness_heartbeat(harness, 15, 2);
    harness_advance(harness, HARNESS_LEASE / 2);
    assert_string_equal(values(harness), "1:WDErr SELF.KOM:Run/P ");
    harness_forget(harness);
    harness_heartbeat(harness, 1, 3);
    assert_string_equal(values(harness), "1:Run SELF.KOM:Run/BP ");
    harness_forget(harness);
    harness_close(harness, 1, true);
    harness_close(harness, 15, false);
    assert_string_equal(values(harness), "1:Crash SELF.KOM:Run/P 15:Crash SELF.KOM:Crash/ ");
    assert_int_equal(harness_record(harness, RECORD_VALUE)->of.value.time.ms, harness->now.utc.ms);
}

static void test_a_run_without_number_is_the_process(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 0);
    leave(harness, 0);
    harness_close(harness, 0, true);
    assert_string_equal(values(harness), "SELF.KOM:Run/ SELF.KOM:Stop/ ");
    assert_int_equal(harness_record(harness, RECORD_VALUE)->instance, 0);
}

static void test_the_same_run_again_is_no_change(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    harness_forget(harness);
    harness_hello(harness, 7, "SELF.KOM", 1, 1001);
    assert_true(harness->closed[1]);
    assert_string_equal(values(harness), "");
}

static void recover(struct harness *harness, uint8_t instance, bool of_process, enum process_value value,
                    value_flags flags)
{
    const struct record_value recovered = {of_process, value, flags, {1000}, {"", false}};
    server_recover_value(harness->server, "SELF.KOM", instance, &recovered);
}

static void test_values_come_back_with_the_server(void **state)
{
    struct harness *harness = *state;
    value_flags flags;
    struct komet_utc time;
    harness_restart(harness);
    recover(harness, 3, false, PROCESS_STOP, 0);
    recover(harness, 1, false, PROCESS_RUN, 0);
    recover(harness, 2, false, PROCESS_RUN, 0);
    recover(harness, 2, true, PROCESS_RUN, 0x6);
    server_recovered(harness->server, harness->now);
    assert_int_equal(server_process_value(harness->server, self(harness), &flags, &time), PROCESS_RUN);
    assert_int_equal(flags, 0x6);
    assert_int_equal(time.ms, 1000);
    harness_kom(harness, 1);
    assert_string_equal(values(harness), ""); /* it ran all the time */
    for (int i = 1; i <= 10; i++) {
        harness_heartbeat(harness, 1, i);
        harness_advance(harness, ROLE_RETURN_US / 10);
    }
    assert_string_equal(values(harness), "2:Crash SELF.KOM:Run/B ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_set_up, harness_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_preferred_is_done_when_it_is_stored),
    TEST(test_preferred_that_cannot_be_is_refused_and_not_stored),
    TEST(test_preferred_that_the_journal_lost_is_unknown),
    TEST(test_preferred_comes_back_with_the_server),
    TEST(test_one_that_leaves_is_relieved_and_then_ends),
    TEST(test_a_passive_one_that_leaves_is_told_so),
    TEST(test_stop_is_done_when_the_instance_has_ended),
    TEST(test_stop_of_all_moves_the_role_nowhere),
    TEST(test_stop_that_cannot_be_or_takes_too_long),
    TEST(test_a_wish_for_one_that_ends_is_refused),
    TEST(test_each_change_of_a_value_is_a_record),
    TEST(test_a_run_without_number_is_the_process),
    TEST(test_the_same_run_again_is_no_change),
    TEST(test_values_come_back_with_the_server),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
