/* The KOM's engine towards the server: what it says, when it acts, when it stops. What it does with its lines
 * is kom_lines_test's. */
#include "kom_harness.h"

#include <stdlib.h>
#include <string.h>

/* ---- greetings ---- */

static void test_hello_says_who_it_is(void **state)
{
    struct world *world = *state;
    world_pump(world);
    assert_int_equal(world->said_count, 0); /* nobody is there */
    assert_int_equal(kom_deadline(world->kom).us, INT64_MAX);
    world_connect(world);
    assert_int_equal(world->said_count, 1);
    const Komet__Wire__Hello *hello = world_newest(world, BODY(HELLO))->hello;
    assert_int_equal(hello->version, WIRE_VERSION);
    assert_string_equal(hello->program, "kom");
    assert_string_equal(hello->process, "SELF.KOM");
    assert_int_equal(hello->instance, 2);
    assert_int_equal(hello->run, 4711);
    assert_string_equal(hello->host, "host-a");
    assert_int_equal(hello->pid, 99);
}

static void test_nothing_is_said_before_the_welcome(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_advance(world, KOMET_MS(1900));
    assert_int_equal(world->said_count, 1);
    assert_null(strchr(world->outputs, 'C'));
    world_welcome(world, KOM_TEST_LEASE);
    assert_non_null(strchr(world->outputs, 'C'));
    assert_int_equal(world->said_count, 2);
    assert_int_equal(world->said[1].kind, BODY(HEARTBEAT)); /* at once: it is what the lease counts from */
}

static void test_a_refusal_is_told(void **state)
{
    struct world *world = *state;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Welcome welcome = KOMET__WIRE__WELCOME__INIT;
    welcome.refused = (char *)(uintptr_t) "SELF.KOM,2: an instance with this number already runs";
    message.body_case = BODY(WELCOME);
    message.welcome = &welcome;
    world_connect(world);
    kom_feed(world->kom, world->now, &message);
    world_pump(world);
    assert_string_equal(world->refusal, welcome.refused);
    assert_null(strchr(world->outputs, 'C'));
    assert_int_equal(world->said_count, 1);
}

static void test_a_second_welcome_is_not_heard(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_welcome(world, KOMET_MS(1)); /* which would configure the lines anew while they work */
    assert_null(strchr(world->outputs, 'C'));
    assert_true(kom_is_active(world->kom, world->now));
}

static void test_a_message_for_others_is_noted(void **state)
{
    struct world *world = *state;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    world_start(world);
    kom_feed(world->kom, world->now, &message); /* of a newer server, perhaps */
    world_pump(world);
    assert_non_null(strstr(world->notes, "the server sent a message that is not for a KOM"));
    assert_true(kom_is_active(world->kom, world->now));
}

/* ---- the role ---- */

static void test_active_connects_and_reports(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world_advance(world, KOMET_MS(100));
    assert_false(world->lines[LINE_A].asked || world->lines[LINE_B].asked); /* passive is silent */
    assert_false(kom_is_active(world->kom, world->now));
    assert_int_equal(kom_epoch(world->kom), 0);
    world_role(world, true, KOM_TEST_EPOCH);
    assert_true(kom_is_active(world->kom, world->now));
    assert_int_equal(kom_epoch(world->kom), KOM_TEST_EPOCH);
    assert_string_equal(world->lines[LINE_A].host, "10.0.0.1:2404");
    assert_string_equal(world->lines[LINE_B].host, "10.0.0.3:2405");
    assert_int_equal(world_said(world, BODY(LINE_REPORT)), 2);
    assert_int_equal(world_said(world, BODY(STATION_REPORT)), 2);
    world_accept(world, LINE_B);
    const Komet__Wire__LineReport *report = world_newest(world, BODY(LINE_REPORT))->line_report;
    assert_int_equal(report->line, LINE_B);
    assert_true(report->value);
    assert_int_equal(report->flags, FLAG_A);
    assert_int_equal(report->connection, 1);
    assert_int_equal(report->n_connections, 1);
    assert_string_equal(report->connections[0]->address, "10.0.0.3:2405");
    assert_int_equal(report->connections[0]->state, CONNECTION_STARTED);
    assert_string_equal(report->connections[0]->reason, "");
    const Komet__Wire__StationReport *station = world_newest(world, BODY(STATION_REPORT))->station_report;
    assert_int_equal(station->station, 1);
    assert_int_equal(station->value, STATION_ON);
}

static void test_a_lost_line_is_reported_with_its_reason(void **state)
{
    struct world *world = *state;
    world_start(world);
    kom_line_closed(world->kom, world->now, LINE_A, world->lines[LINE_A].connection, KOMET_CONNECTION_RESET);
    world->lines[LINE_A].link = NULL;
    world_pump(world);
    const Komet__Wire__LineReport *report = world_newest(world, BODY(LINE_REPORT))->line_report;
    assert_false(report->value);
    assert_int_equal(report->connections[0]->state, CONNECTION_CLOSED);
    assert_string_equal(report->connections[0]->reason, komet_reason_name(KOMET_CONNECTION_RESET));
    world_live(world, KOMET_SECONDS(1));
    assert_true(world->lines[LINE_A].asked);
    assert_string_equal(world->lines[LINE_A].host, "10.0.0.2:2404");
}

static void test_passive_aborts_sends_what_it_has_and_stops(void **state)
{
    struct world *world = *state;
    world_start(world);
    world->holds = true;
    world_change(world, LINE_A, 1);
    struct station_end *end = &world->lines[LINE_A];
    assert_int_equal(kom_line_feed(world->kom, world->now, LINE_A, end->connection, end->octets, end->size),
                     end->size); /* taken, and not sent yet */
    world_role(world, false, KOM_TEST_EPOCH);
    assert_true(end->aborted);
    assert_int_equal(end->reason, KOMET_BECAME_PASSIVE);
    assert_false(kom_is_active(world->kom, world->now));
    assert_int_equal(kom_epoch(world->kom), 0);
    assert_int_equal(world_said(world, BODY(BATCH)), 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->epoch, KOM_TEST_EPOCH);
    world_assert_stopped(world, KOM_TEST_EPOCH);
    world_role(world, false, KOM_TEST_EPOCH); /* said twice: it has stopped already */
    world_assert_stopped(world, KOM_TEST_EPOCH);
    world_live(world, KOMET_SECONDS(5));
    assert_false(world->lines[LINE_A].asked);
}

static void test_a_connection_that_was_only_wanted_is_not_opened(void **state)
{
    struct world *world = *state;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Role role = KOMET__WIRE__ROLE__INIT;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    message.body_case = BODY(ROLE);
    message.role = &role;
    role.epoch = KOM_TEST_EPOCH;
    role.active = true;
    kom_feed(world->kom, world->now, &message);
    role.active = false;
    kom_feed(world->kom, world->now, &message);
    world_pump(world);
    assert_null(strchr(world->outputs, 'T'));
    world_assert_stopped(world, KOM_TEST_EPOCH);
}

static void test_the_next_grant_keeps_the_lines(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_role(world, true, KOM_TEST_EPOCH + 1);
    assert_int_equal(kom_epoch(world->kom), KOM_TEST_EPOCH + 1);
    assert_null(strpbrk(world->outputs, "TA"));
    world_change(world, LINE_A, 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->epoch, KOM_TEST_EPOCH + 1);
}

static void test_active_again_begins_anew(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_role(world, false, KOM_TEST_EPOCH);
    world_forget(world);
    world_role(world, true, KOM_TEST_EPOCH + 1);
    assert_true(world->lines[LINE_A].asked);
    assert_int_equal(world->lines[LINE_A].connection, 2);
    world_accept(world, LINE_A);
    world_change(world, LINE_A, 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->connection[0], 2);
}

static void test_telemetry_of_an_old_connection_is_ignored(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_role(world, false, KOM_TEST_EPOCH);
    world_forget(world);
    const uint8_t startdt_con[] = {0x68, 4, 0x0B, 0, 0, 0};
    kom_line_connected(world->kom, world->now, LINE_A, 1);
    assert_int_equal(kom_line_feed(world->kom, world->now, LINE_A, 1, startdt_con, 6), 6);
    kom_line_written(world->kom, LINE_A, 1, 6);
    kom_line_closed(world->kom, world->now, LINE_A, 1, KOMET_PEER_CLOSED);
    world_pump(world);
    assert_null(strpbrk(world->outputs, "TSA"));
}

/* ---- the lease ---- */

static void test_the_lease_ends_by_its_own_clock(void **state)
{
    struct world *world = *state;
    world_start(world);
    world->holds = true;
    world_change(world, LINE_A, 1);
    struct station_end *end = &world->lines[LINE_A];
    kom_line_feed(world->kom, world->now, LINE_A, end->connection, end->octets, end->size);
    assert_true(kom_deadline(world->kom).us <= komet_after(world->now.instant, KOM_TEST_OWN).us);
    world_later(world, KOM_TEST_OWN - 1);
    assert_true(kom_is_active(world->kom, world->now));
    world_later(world, 1);
    assert_false(kom_is_active(world->kom, world->now)); /* nobody ticked */
    world_command(world, 9, KOM_TEST_EPOCH, LINE_COMMAND_WRITE, 2, 0);
    world_pump(world);
    assert_int_equal(world->outputs[0], 'A'); /* before all else */
    assert_null(strchr(world->outputs, 'S'));
    assert_int_equal(end->reason, KOMET_NO_SERVER);
    assert_int_equal(world_said(world, BODY(BATCH)), 0); /* nobody may take it: the station still has it */
    world_assert_stopped(world, KOM_TEST_EPOCH);
    world_assert_end(world, 9, COMMAND_REFUSED, "this instance is not active under that grant");
}

static void test_every_way_in_looks_at_the_clock(void **state)
{
    struct world *world = *state;
    struct kom_output output;
    const uint8_t nothing[] = {0x68, 4, 0x43, 0, 0, 0}; /* TESTFR act, which wants an answer */
    for (int way = 0; way < 3; way++) {
        world_connect(world);
        world_welcome(world, KOM_TEST_LEASE);
        world_role(world, true, KOM_TEST_EPOCH);
        world_accept(world, LINE_A);
        uint32_t connection = world->lines[LINE_A].connection;
        kom_line_feed(world->kom, world->now, LINE_A, connection, nothing, sizeof nothing);
        world_forget(world);
        world_later(world, KOM_TEST_OWN);
        if (way == 0) {
            kom_tick(world->kom, world->now);
        } else if (way == 1) {
            kom_line_feed(world->kom, world->now, LINE_A, connection, nothing, sizeof nothing);
        }
        assert_true(kom_next(world->kom, world->now, &output));
        assert_int_equal(output.kind, KOM_OUT_ABORT);
        assert_int_equal(output.connection, connection);
        world->lines[LINE_A].link = NULL;
        world_pump(world);
        assert_null(strchr(world->outputs, 'S'));
        kom_server_closed(world->kom, world->now);
    }
}

static void test_the_lease_counts_from_when_the_heartbeat_was_sent(void **state)
{
    struct world *world = *state;
    world_start(world);
    int64_t began = world->now.instant.us;
    world_advance(world, KOMET_MS(150));
    assert_int_equal(world_newest(world, BODY(HEARTBEAT))->heartbeat->sent_us, began + KOMET_MS(150));
    world_later(world, KOMET_MS(140)); /* the answer takes its time */
    world_reply(world, began + KOMET_MS(150), KOM_TEST_EPOCH);
    world_later(world, KOM_TEST_OWN - KOMET_MS(140) - 1);
    assert_true(kom_is_active(world->kom, world->now));
    world_later(world, 1);
    assert_false(kom_is_active(world->kom, world->now));
}

static void test_heartbeats_keep_it_active(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_live(world, KOMET_SECONDS(60));
    assert_true(kom_is_active(world->kom, world->now));
    assert_int_equal(world_said(world, BODY(STOPPED)), 0);
    assert_int_equal(world_said(world, BODY(HEARTBEAT)), 60 * 1000 / 150);
}

static void test_heartbeats_go_out_every_quarter_of_the_lease(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOMET_SECONDS(1));
    assert_int_equal(world_said(world, BODY(HEARTBEAT)), 1);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(kom_deadline(world->kom).us, komet_after(world->now.instant, KOMET_MS(250)).us);
        world_advance(world, KOMET_MS(249));
        assert_int_equal(world_said(world, BODY(HEARTBEAT)), i);
        world_advance(world, KOMET_MS(1));
        assert_int_equal(world_said(world, BODY(HEARTBEAT)), i + 1);
        const Komet__Wire__Heartbeat *heartbeat = world_newest(world, BODY(HEARTBEAT))->heartbeat;
        assert_int_equal(heartbeat->sent_us, world->now.instant.us);
        assert_false(heartbeat->reply);
    }
}

/* Whatever the reply, the lease ends as if it had not come. */
static void ignored(struct world *world, int64_t sent_us, uint64_t epoch)
{
    struct komet_instant end = komet_after(world->now.instant, KOM_TEST_OWN);
    world_start(world);
    world_advance(world, KOMET_MS(150));
    world_advance(world, KOMET_MS(150));
    world_reply(world, world->now.instant.us + sent_us, epoch);
    world->now.instant = (struct komet_instant){end.us - 1};
    assert_true(kom_is_active(world->kom, world->now));
    world->now.instant = end;
    assert_false(kom_is_active(world->kom, world->now));
}

static void test_a_reply_from_the_future_is_ignored(void **state)
{
    ignored(*state, KOMET_SECONDS(3600), KOM_TEST_EPOCH);
}

static void test_a_reply_to_a_heartbeat_that_is_still_to_come_is_ignored(void **state)
{
    ignored(*state, KOMET_MS(100), KOM_TEST_EPOCH);
}

static void test_a_reply_from_before_the_connection_is_ignored(void **state)
{
    ignored(*state, -KOMET_MS(301), KOM_TEST_EPOCH);
}

static void test_a_reply_that_renews_another_grant_is_ignored(void **state)
{
    ignored(*state, 0, KOM_TEST_EPOCH + 1);
}

static void test_a_reply_that_renews_nothing_is_ignored(void **state)
{
    ignored(*state, 0, 0);
}

static void test_a_late_reply_does_not_shorten_the_lease(void **state)
{
    struct world *world = *state;
    world_start(world);
    int64_t began = world->now.instant.us;
    world_advance(world, KOMET_MS(150));
    world_advance(world, KOMET_MS(150));
    world_reply(world, began + KOMET_MS(300), KOM_TEST_EPOCH);
    world_reply(world, began + KOMET_MS(150), KOM_TEST_EPOCH); /* overtaken */
    world_later(world, KOM_TEST_OWN - 1);
    assert_true(kom_is_active(world->kom, world->now));
}

static void test_a_heartbeat_of_the_server_itself_is_no_reply(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_advance(world, KOMET_MS(150));
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Heartbeat heartbeat = KOMET__WIRE__HEARTBEAT__INIT;
    heartbeat.sent_us = world->now.instant.us;
    heartbeat.epoch = KOM_TEST_EPOCH;
    message.body_case = BODY(HEARTBEAT);
    message.heartbeat = &heartbeat;
    kom_feed(world->kom, world->now, &message);
    world_later(world, KOM_TEST_OWN - KOMET_MS(150));
    assert_false(kom_is_active(world->kom, world->now));
}

static void test_a_grant_that_comes_too_late_is_not_used(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world_advance(world, KOM_TEST_OWN);
    world_role(world, true, KOM_TEST_EPOCH);
    assert_false(kom_is_active(world->kom, world->now));
    assert_null(strchr(world->outputs, 'T'));
    world_assert_stopped(world, KOM_TEST_EPOCH);
    world_forget(world);
    world_reply(world, world->now.instant.us, 0); /* the server has heard us since */
    world_role(world, true, KOM_TEST_EPOCH + 1);
    assert_true(kom_is_active(world->kom, world->now));
    assert_true(world->lines[LINE_A].asked);
}

static void test_a_grant_before_the_lines_are_known_is_given_back(void **state)
{
    struct world *world = *state;
    world_connect(world);
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Welcome welcome = KOMET__WIRE__WELCOME__INIT;
    welcome.lease_ms = 600;
    message.body_case = BODY(WELCOME);
    message.welcome = &welcome;
    kom_feed(world->kom, world->now, &message);
    Komet__Wire__Role role = KOMET__WIRE__ROLE__INIT;
    role.active = true;
    role.epoch = KOM_TEST_EPOCH;
    message.body_case = BODY(ROLE);
    message.role = &role;
    kom_feed(world->kom, world->now, &message); /* before the shell has read the site */
    assert_false(kom_is_active(world->kom, world->now));
    struct kom_output output;
    while (kom_next(world->kom, world->now, &output)) {
        if (output.kind == KOM_OUT_MESSAGE && output.message->body_case == BODY(STOPPED)) {
            assert_int_equal(output.message->stopped->epoch, KOM_TEST_EPOCH);
            return;
        }
    }
    fail_msg("the grant was not given back");
}

/* ---- the server is lost ---- */

static void silent_for(struct world *world, int64_t lease_us, int64_t limit_us)
{
    world_connect(world);
    world_welcome(world, lease_us);
    world_advance(world, limit_us - 1);
    assert_int_equal(world->reconnects, 0);
    world_advance(world, 1);
    assert_int_equal(world->reconnects, 1);
    world_advance(world, KOMET_SECONDS(60)); /* said once */
    assert_int_equal(world->reconnects, 1);
    kom_server_closed(world->kom, world->now);
    world_connect(world);
    world_advance(world, KOM_SERVER_SILENT_US - 1);
    world_reply(world, 0, 0); /* any word counts */
    world_advance(world, KOM_SERVER_SILENT_US - 1);
    assert_int_equal(world->reconnects, 1);
}

static void test_a_silent_server_is_left_after_2_s(void **state)
{
    silent_for(*state, KOM_TEST_LEASE, KOMET_SECONDS(2));
}

static void test_or_after_three_leases(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_welcome(world, KOMET_SECONDS(1));
    world_advance(world, KOMET_SECONDS(3) - 1);
    assert_int_equal(world->reconnects, 0);
    world_advance(world, 1);
    assert_int_equal(world->reconnects, 1);
}

static void test_a_server_that_never_greets_is_left(void **state)
{
    struct world *world = *state;
    world_connect(world);
    world_advance(world, KOMET_SECONDS(2) - 1);
    assert_int_equal(world->reconnects, 0);
    world_advance(world, 1);
    assert_int_equal(world->reconnects, 1);
}

static void test_a_lost_server_closes_the_lines_and_drops_what_is_not_stored(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_change(world, LINE_A, 1);
    world_change(world, LINE_A, 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->sequence, 2);
    world_forget(world);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_true(world->lines[LINE_A].aborted);
    assert_int_equal(world->lines[LINE_A].reason, KOMET_NO_SERVER);
    assert_false(kom_is_active(world->kom, world->now));
    assert_int_equal(world->said_count, 0); /* nobody hears it */
    world_activate(world);                  /* again, with the lines made anew */
    assert_int_equal(world_said(world, BODY(HELLO)), 1);
    assert_int_equal(world_newest(world, BODY(HELLO))->hello->run, 4711);
    assert_int_equal(world_said(world, BODY(BATCH)), 0);
    assert_int_equal(world_said(world, BODY(STOPPED)), 0); /* the end of the connection said it */
    world_accept(world, LINE_A);
    world_stored(world, 2); /* a word from the time before, perhaps */
    world_change(world, LINE_A, 1);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->sequence, 3);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->n_tag, 1);
    assert_int_equal(world->lines[LINE_A].acknowledged, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_hello_says_who_it_is),
    TEST(test_nothing_is_said_before_the_welcome),
    TEST(test_a_refusal_is_told),
    TEST(test_a_second_welcome_is_not_heard),
    TEST(test_a_message_for_others_is_noted),
    TEST(test_active_connects_and_reports),
    TEST(test_a_lost_line_is_reported_with_its_reason),
    TEST(test_passive_aborts_sends_what_it_has_and_stops),
    TEST(test_a_connection_that_was_only_wanted_is_not_opened),
    TEST(test_the_next_grant_keeps_the_lines),
    TEST(test_active_again_begins_anew),
    TEST(test_telemetry_of_an_old_connection_is_ignored),
    TEST(test_the_lease_ends_by_its_own_clock),
    TEST(test_every_way_in_looks_at_the_clock),
    TEST(test_the_lease_counts_from_when_the_heartbeat_was_sent),
    TEST(test_heartbeats_keep_it_active),
    TEST(test_heartbeats_go_out_every_quarter_of_the_lease),
    TEST(test_a_reply_from_the_future_is_ignored),
    TEST(test_a_reply_to_a_heartbeat_that_is_still_to_come_is_ignored),
    TEST(test_a_reply_from_before_the_connection_is_ignored),
    TEST(test_a_reply_that_renews_another_grant_is_ignored),
    TEST(test_a_reply_that_renews_nothing_is_ignored),
    TEST(test_a_late_reply_does_not_shorten_the_lease),
    TEST(test_a_heartbeat_of_the_server_itself_is_no_reply),
    TEST(test_a_grant_that_comes_too_late_is_not_used),
    TEST(test_a_grant_before_the_lines_are_known_is_given_back),
    TEST(test_a_silent_server_is_left_after_2_s),
    TEST(test_or_after_three_leases),
    TEST(test_a_server_that_never_greets_is_left),
    TEST(test_a_lost_server_closes_the_lines_and_drops_what_is_not_stored),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
