/* RELOAD at the server: what both sites have keeps all that is known of it, and what an instance says in the
 * numbers of the site before is found by name. */
#include "server_harness.h"

#include <string.h>

#define RELOAD(...) harness_reload(harness, 77, (const struct site_edit[]){__VA_ARGS__, {NULL, NULL, NULL}})

static const struct record_user user = {"operator", true};

static struct given event(const char *tag, double number, int64_t time_ms)
{
    return (struct given){
        tag,           number, KOMET_COT_SPONTANEOUS, KOMET_M_SP_TB_1, INT64_C(1782648000000) + time_ms,
        .tagged = true};
}

static double value_of(const struct harness *harness, const char *tag)
{
    return server_value(harness->server, harness_tag(harness, tag))->number;
}

static void test_values_roles_and_grants_stay(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness_active(harness, 1);
    harness_kom(harness, 2);
    harness_give(harness, 1, event("M.P", 5, 1));
    harness_give(harness, 1, event("M.B", 1, 2));
    harness_store(harness);
    harness_forget(harness);
    RELOAD({"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"});
    assert_true(value_of(harness, "M.P") == 5 && value_of(harness, "M.B") == 1);
    assert_int_equal(server_value(harness->server, harness_tag(harness, "M.NEW"))->status, STATUS_UNKNOWN);
    const struct instances *instances =
        server_instances(harness->server, harness_process(harness, "SELF.KOM"));
    assert_int_equal(instances->active, 1);
    assert_int_equal(instances->member[1].epoch, epoch);
    assert_null(harness_sent(harness, 1, BODY(ROLE)));
    assert_int_equal(harness_sent(harness, 1, BODY(CONFIGURATION))->of.configuration.number, 1);
    assert_string_equal(harness_sent(harness, 2, BODY(CONFIGURATION))->process->name, "SELF.KOM");
    assert_int_equal(harness_records(harness, RECORD_SITE), 1);
    /* It is done when both have applied it, and on disk. */
    harness_configured(harness, 1);
    harness_store(harness);
    assert_false(harness_has_ended(harness, 77));
    harness_configured(harness, 2);
    assert_false(harness_has_ended(harness, 77));
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 77)->of.result, COMMAND_DONE);
    assert_false(server_reloads(harness->server));
    const struct record_command *command = &harness_record(harness, RECORD_COMMAND_END)->of.command;
    assert_string_equal(command->word, "RELOAD");
    assert_string_equal(command->user.name, "engineer");
    assert_string_equal(command->tag, "test");
    assert_true(command->number == 1);
}

static void test_a_batch_in_the_former_numbers_is_taken_by_name(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    RELOAD({"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"}, {"a.csv", "M.U,Ai,2,,deadband=0.5\n", ""});
    harness_give(harness, 1, event("M.N", 3, 1));
    harness_give(harness, 1, event("M.B", 1, 2));
    assert_true(value_of(harness, "M.N") == 3 && value_of(harness, "M.B") == 1);
    assert_string_equal(harness_record(harness, RECORD_BATCH)->process, "SELF.KOM");
    harness_configured(harness, 1);
    harness_give(harness, 1, event("M.N", 4, 3));
    assert_true(value_of(harness, "M.N") == 4 && value_of(harness, "M.B") == 1);
    assert_false(harness->closed[1]);
}

static void test_an_event_of_a_removed_tag_is_recorded_under_its_name_and_confirmed(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    RELOAD({"a.csv", "M.P,Ai,4,,\n", ""});
    harness_forget(harness);
    harness_give(harness, 1, event("M.P", 7, 1));
    const struct record_event *record = &harness_record(harness, RECORD_EVENT)->of.event;
    assert_string_equal(record->tag, "M.P");
    assert_int_equal(record->tag_number, RECORD_TAG_GONE);
    assert_true(record->value.number == 7);
    harness_store(harness);
    assert_int_equal(harness_sent(harness, 1, BODY(STORED))->of.stored.sequence, harness->sequence);
    /* The station repeats it on another connection: once. */
    harness_forget(harness);
    harness->connection = 2;
    harness->frame = 0;
    harness_give(harness, 1, event("M.P", 7, 1));
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
    /* An answer to an interrogation tells the state of something that is no more. */
    struct given asked = event("M.P", 8, 3);
    asked.cot = KOMET_COT_INTERROGATED_STATION;
    harness_give(harness, 1, asked);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
}

/* What a line's connections delivered before is still known under the new numbers. */
static void test_a_repeat_over_a_reload_is_no_event(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_give(harness, 1, event("M.D", 1, 1));
    harness_give(harness, 1, event("M.N", 2, 2));
    RELOAD({"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"}, {"site.yaml", "{WTN: 2 s}", "{WTN: 2 s, K: 30}"});
    harness_configured(harness, 1);
    harness_forget(harness);
    harness->connection = 2;
    harness->frame = 0;
    harness_give(harness, 1, event("M.D", 1, 1));
    harness_give(harness, 1, event("M.N", 2, 2));
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
    harness_give(harness, 1, event("M.N", 2, 2)); /* twice on one connection: two events */
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
}

static void test_the_batch_says_whose_numbers_it_has(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    RELOAD({"a.csv", "M.P,Ai,4,,\n", ""});
    harness->configuration = 1; /* without having said Configured */
    harness_give(harness, 1, event("M.D", 1, 1));
    assert_true(harness->closed[1]);
    assert_non_null(strstr(harness->notes, "another configuration"));
}

static void test_a_command_waits_until_the_instance_has_applied_the_site(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    RELOAD({"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"});
    server_set(harness->server, harness->now, 5, &user, harness_tag(harness, "M.SET"), 12, 0,
               KOMET_SECONDS(10));
    harness_drain(harness);
    harness_store(harness);
    assert_null(harness_sent(harness, 1, BODY(COMMAND)));
    harness_configured(harness, 1);
    const struct sent *command = harness_sent(harness, 1, BODY(COMMAND));
    assert_non_null(command);
    assert_int_equal(command->of.command.tag, harness_tag(harness, "M.SET")->number);
    assert_string_equal(harness_sent(harness, 1, BODY(STATION_MODES))->text, "001");
}

static uint64_t give_command(struct harness *harness, uint64_t token, const char *tag)
{
    harness_forget(harness);
    server_set(harness->server, harness->now, token, &user, harness_tag(harness, tag), 1, 0,
               KOMET_SECONDS(10));
    harness_drain(harness);
    harness_store(harness);
    return harness_sent(harness, 1, BODY(COMMAND))->of.command.id;
}

static void test_a_command_under_way_ends_as_if_nothing_had_been(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    uint64_t id = give_command(harness, 5, "M.SET");
    RELOAD({"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"});
    assert_false(harness_has_ended(harness, 5));
    harness_command_end(harness, 1, id, COMMAND_DONE, "", 1);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 5)->of.result, COMMAND_DONE);
    assert_ptr_equal(harness_ended(harness, 5)->of.tag, harness_tag(harness, "M.SET"));
    assert_true(value_of(harness, "M.SET") == 1);
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.tag_number,
                     tag_site_number(harness_tag(harness, "M.SET")));
}

static void test_commands_of_what_goes_away_end_before(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    give_command(harness, 5, "M.SET");
    give_command(harness, 6, "M.PULSE");
    harness_forget(harness);
    server_set(harness->server, harness->now, 7, &user, harness_tag(harness, "M.CMD"), 1, 0,
               KOMET_SECONDS(10));
    harness_drain(harness); /* journaled, and not sent yet */
    RELOAD({"a.csv", "M.SET,Ao,11,50,\n", ""}, {"a.csv", "M.CMD,Dout,10,45,\n", ""});
    assert_int_equal(harness_ended(harness, 5)->of.result, COMMAND_UNKNOWN);
    assert_int_equal(harness_ended(harness, 7)->of.result, COMMAND_REFUSED);
    assert_false(harness_has_ended(harness, 6));
    assert_non_null(strstr(harness_ended(harness, 5)->reason, "removed"));
}

static void test_instances_of_a_removed_process_are_disconnected_with_a_reason(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_hello(harness, 9, "OTHER.KOM", 0, 5);
    harness_store(harness);
    uint64_t epoch = harness_sent(harness, 9, BODY(ROLE))->of.role.epoch;
    harness_forget(harness);
    RELOAD({"site.yaml", "  OTHER.KOM:\n", "  THIRD.KOM:\n"});
    assert_true(harness->closed[9] && !harness->closed[1]);
    assert_non_null(strstr(harness_sent(harness, 9, BODY(WELCOME))->text, "no such process any more"));
    const struct record *value = NULL;
    for (unsigned i = 0; i < harness->record_count; i++) {
        const struct record *record = &harness->records[i];
        value = record->kind == RECORD_VALUE && strcmp(record->process, "OTHER.KOM") == 0 ? record : value;
    }
    assert_non_null(value);
    assert_int_equal(value->of.value.value, PROCESS_STOP);
    harness_configured(harness, 1);
    harness_store(harness);
    /* It comes again, under a larger epoch, and not before a lease is over. */
    harness_reload(harness, 78, NULL);
    harness_configured(harness, 1);
    harness_forget(harness);
    harness_hello(harness, 10, "OTHER.KOM", 0, 6);
    harness_store(harness);
    assert_false(harness_sent(harness, 10, BODY(ROLE))->of.role.active);
    harness_heartbeat(harness, 1, 1);
    harness_advance(harness, KOMET_MS(300));
    harness_heartbeat(harness, 1, 1);
    harness_heartbeat(harness, 10, 1);
    harness_advance(harness, KOMET_MS(301));
    harness_store(harness);
    assert_true(harness_sent(harness, 10, BODY(ROLE))->of.role.active);
    assert_true(harness_sent(harness, 10, BODY(ROLE))->of.role.epoch > epoch);
}

static void test_watches_see_new_tags(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    assert_true(server_watch(harness->server, 3, "M.N*"));
    RELOAD({"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"});
    harness_configured(harness, 1);
    harness_give(harness, 1, event("M.NEW", 1, 1));
    harness_give(harness, 1, event("M.N", 1, 1));
    harness_give(harness, 1, event("M.D", 1, 1));
    assert_int_equal(harness->changed_count, 2);
    assert_ptr_equal(harness->changed[0].tag, harness_tag(harness, "M.NEW"));
    assert_ptr_equal(harness->changed[1].tag, harness_tag(harness, "M.N"));
}

static unsigned mode_of(const struct harness *harness, const char *name)
{
    return server_station_mode(harness->server, site_find_station(harness->site.site, name));
}

static void test_what_people_said_of_a_station_stays_and_the_site_speaks_for_the_others(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    server_control(harness->server, harness->now, 4, &user, site_find_station(harness->site.site, "B.A"),
                   STATION_DISABLE);
    harness_drain(harness);
    harness_store(harness);
    RELOAD({"site.yaml", ", communication: disabled}", "}"}, {"a.csv", "M.D,Di,1", "M.NEW,Di,9,,\nM.D,Di,1"});
    assert_int_equal(mode_of(harness, "B.A"), STATION_DISABLED);
    assert_int_equal(mode_of(harness, "B.OFF"), 0);
}

static void test_reports_in_the_former_numbers_are_of_the_right_lines(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    RELOAD({"site.yaml", "      L.A:\n", "      L.X:\n"});
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__LineReport report = KOMET__WIRE__LINE_REPORT__INIT;
    message.body_case = BODY(LINE_REPORT);
    message.line_report = &report;
    report.value = true;
    report.line = 0; /* L.A, which is gone */
    harness_feed(harness, 1, &message);
    report.line = 1; /* L.B */
    harness_feed(harness, 1, &message);
    assert_false(server_line_state(harness->server, site_find_line(harness->site.site, "L.X"))->value);
    assert_true(server_line_state(harness->server, site_find_line(harness->site.site, "L.B"))->value);
}

static void test_one_at_a_time_and_whoever_does_not_apply_it_is_disconnected(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    RELOAD({"a.csv", "M.P,Ai,4,,\n", ""});
    const struct line *line = site_find_line(harness->site.site, "L.A");
    assert_true(server_line_is_outdated(harness->server, line, 1));
    assert_false(server_line_is_outdated(harness->server, site_find_line(harness->site.site, "L.B"), 1));
    server_reload_begin(harness->server, harness->now, 78, &user);
    harness_drain(harness);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 78)->of.result, COMMAND_REFUSED);
    assert_non_null(strstr(harness_ended(harness, 78)->reason, "another RELOAD"));
    for (unsigned i = 0; i < 40 && !harness->closed[1]; i++) {
        harness_heartbeat(harness, 1, harness->now.instant.us);
        harness_advance(harness, KOMET_MS(300));
    }
    assert_true(harness->closed[1]);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 77)->of.result, COMMAND_DONE);
    assert_false(server_line_is_outdated(harness->server, line, 1));
}

static void test_a_wrong_site_changes_nothing(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_forget(harness);
    server_reload_begin(harness->server, harness->now, 77, &user);
    harness_drain(harness);
    server_reload_refuse(harness->server, harness->now, "the site is wrong (2): site.yaml:3:4: no");
    harness_drain(harness);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 77)->of.result, COMMAND_REFUSED);
    assert_false(server_reloads(harness->server));
    assert_int_equal(harness->sent_count, 0);
    assert_int_equal(server_configuration(harness->server), 0);
    assert_int_equal(harness_record(harness, RECORD_COMMAND_END)->of.command.result, COMMAND_REFUSED);
}

static void test_who_connects_later_gets_the_number_and_the_lease_stays(void **state)
{
    struct harness *harness = *state;
    RELOAD({"site.yaml", "lease: 600 ms", "lease: 900 ms"});
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 77)->of.result, COMMAND_DONE);
    harness_kom(harness, 1);
    const struct sent *welcome = harness_sent(harness, 1, BODY(WELCOME));
    assert_int_equal(welcome->of.welcome.configuration, 1);
    assert_int_equal(welcome->of.welcome.lease_ms, 600);
    assert_int_equal(server_lease_us(harness->server), HARNESS_LEASE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_set_up, harness_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_values_roles_and_grants_stay),
        TEST(test_a_batch_in_the_former_numbers_is_taken_by_name),
        TEST(test_an_event_of_a_removed_tag_is_recorded_under_its_name_and_confirmed),
        TEST(test_a_repeat_over_a_reload_is_no_event),
        TEST(test_the_batch_says_whose_numbers_it_has),
        TEST(test_a_command_waits_until_the_instance_has_applied_the_site),
        TEST(test_a_command_under_way_ends_as_if_nothing_had_been),
        TEST(test_commands_of_what_goes_away_end_before),
        TEST(test_instances_of_a_removed_process_are_disconnected_with_a_reason),
        TEST(test_watches_see_new_tags),
        TEST(test_what_people_said_of_a_station_stays_and_the_site_speaks_for_the_others),
        TEST(test_reports_in_the_former_numbers_are_of_the_right_lines),
        TEST(test_one_at_a_time_and_whoever_does_not_apply_it_is_disconnected),
        TEST(test_a_wrong_site_changes_nothing),
        TEST(test_who_connects_later_gets_the_number_and_the_lease_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
