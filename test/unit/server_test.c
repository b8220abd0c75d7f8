/* The server's clients: who is let in, who is put out, who gets the grant and when, what the KOMs report,
 * and what is left after a restart. Values are server_batch_test's, orders server_orders_test's. */
#include "server_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_refused(const struct harness *harness, unsigned client, const char *sentence)
{
    const struct sent *welcome = harness_sent(harness, client, BODY(WELCOME));
    assert_non_null(welcome);
    assert_string_equal(welcome->text, sentence);
    assert_true(harness->closed[client]);
}

static void assert_role(const struct harness *harness, unsigned client, bool active, uint64_t epoch)
{
    const struct sent *role = harness_sent(harness, client, BODY(ROLE));
    assert_non_null(role);
    assert_int_equal(role->of.role.active, active);
    assert_int_equal(role->of.role.epoch, epoch);
}

/* ---- Hello ---- */

static void test_welcome_says_the_server_and_its_lease(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    const struct sent *welcome = harness_sent(harness, 1, BODY(WELCOME));
    assert_string_equal(welcome->of.welcome.server, "A");
    assert_int_equal(welcome->of.welcome.version, WIRE_VERSION);
    assert_int_equal(welcome->of.welcome.lease_ms, 600);
    assert_ptr_equal(welcome->process, harness_process(harness, "SELF.KOM"));
    assert_string_equal(server_instance_host(harness->server, welcome->process, 1), "host-1");
}

static void test_an_unknown_process_is_refused_with_those_that_exist(void **state)
{
    struct harness *harness = *state;
    harness_hello(harness, 7, "SELV.KOM", 1, 1);
    assert_refused(harness, 7, "SELV.KOM,1: the site has no such process; it has SELF.KOM, OTHER.KOM");
    harness_hello(harness, 7, "self.kom", 1, 1); /* names are without regard to case */
    assert_string_equal(harness_sent(harness, 7, BODY(WELCOME))->text, "");
}

static void test_the_number_16_is_refused(void **state)
{
    struct harness *harness = *state;
    harness_hello(harness, 7, "SELF.KOM", 16, 1);
    assert_refused(harness, 7, "SELF.KOM,16: instances have the numbers 1 to 15");
    harness_hello(harness, 7, "SELF.KOM", 256 + 1, 1); /* which is 1 in eight bits */
    assert_refused(harness, 7, "SELF.KOM,257: instances have the numbers 1 to 15");
    assert_false(instances_flags(server_instances(harness->server, harness_process(harness, "SELF.KOM"))));
}

static void test_a_second_run_of_an_instance_is_refused(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_hello(harness, 7, "SELF.KOM", 1, 4711);
    assert_refused(
        harness, 7,
        "SELF.KOM,1: an instance with this number already runs; stop it first or take another number");
    assert_false(harness->closed[1]);
    harness_heartbeat(harness, 1, 5); /* and the first keeps its grant */
    assert_int_equal(harness_sent(harness, 1, BODY(HEARTBEAT))->of.heartbeat.epoch, harness->epoch);
}

static void test_numbered_and_unnumbered_refuse_each_other(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    harness_hello(harness, 7, "SELF.KOM", 0, 1);
    assert_refused(harness, 7, "SELF.KOM: numbered instances of it run; start it with an instance number");
    harness_hello(harness, 8, "OTHER.KOM", 0, 1);
    assert_string_equal(harness_sent(harness, 8, BODY(WELCOME))->text, "");
    harness_hello(harness, 9, "OTHER.KOM", 2, 1);
    assert_refused(harness, 9, "OTHER.KOM,2: it runs without an instance number; stop that run first");
}

static void hello_with_version(struct harness *harness, unsigned client, const char *program,
                               uint32_t version)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    hello.version = version;
    hello.program = (char *)(uintptr_t)program;
    hello.process = (char *)(uintptr_t) "SELF.KOM";
    message.body_case = BODY(HELLO);
    message.hello = &hello;
    harness_open(harness, client);
    harness_feed(harness, client, &message);
}

static void test_another_version_is_refused(void **state)
{
    struct harness *harness = *state;
    hello_with_version(harness, 7, "kom", WIRE_VERSION + 1);
    assert_refused(harness, 7,
                   "kom speaks version 2 of the messages, this server version 1; update the older one");
    hello_with_version(harness, 8, "", 0);
    assert_refused(
        harness, 8,
        "the program speaks version 0 of the messages, this server version 1; update the older one");
    hello_with_version(harness, 9, "tell", WIRE_VERSION); /* a console */
    assert_string_equal(harness_sent(harness, 9, BODY(WELCOME))->text, "");
    assert_null(harness_sent(harness, 9, BODY(WELCOME))->process);
}

static void test_the_same_run_again_replaces_its_old_connection(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness_active(harness, 1);
    harness_hello(harness, 7, "SELF.KOM", 1, 1001);
    assert_string_equal(harness_sent(harness, 7, BODY(WELCOME))->text, "");
    assert_true(harness->closed[1]);
    assert_false(harness->closed[7]);
    assert_null(harness_sent(harness, 7, BODY(ROLE))); /* not before the new grant is stored */
    harness_store(harness);
    assert_role(harness, 7, true, epoch + 1);
}

static void test_a_refused_one_is_not_heard_any_more(void **state)
{
    struct harness *harness = *state;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    struct server_output output;
    hello.version = 9;
    message.body_case = BODY(HELLO);
    message.hello = &hello;
    harness_open(harness, 7);
    server_feed(harness->server, harness->now, 7, &message);
    while (server_next(harness->server, harness->now, &output) && output.kind != SERVER_OUT_SEND) {
    }
    hello.version = WIRE_VERSION; /* a second Hello, before the shell has closed it */
    server_feed(harness->server, harness->now, 7, &message);
    harness_drain(harness);
    assert_true(harness->closed[7]);
    assert_int_equal(harness->sent_count, 0);
}

/* ---- who is put out ---- */

static void test_a_client_that_says_nothing_is_closed_after_5_s(void **state)
{
    struct harness *harness = *state;
    harness_open(harness, 3);
    assert_int_equal(server_deadline(harness->server).us,
                     komet_after(harness->now.instant, KOMET_SECONDS(5)).us);
    harness_advance(harness, KOMET_SECONDS(5) - 1);
    assert_false(harness->closed[3]);
    harness_advance(harness, 1);
    assert_true(harness->closed[3]);
    assert_int_equal(server_deadline(harness->server).us, INT64_MAX);
}

static void feed_empty(struct harness *harness, unsigned client, Komet__Wire__Message__BodyCase kind)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    Komet__Wire__Welcome welcome = KOMET__WIRE__WELCOME__INIT;
    Komet__Wire__Heartbeat heartbeat = KOMET__WIRE__HEARTBEAT__INIT;
    Komet__Wire__Role role = KOMET__WIRE__ROLE__INIT;
    Komet__Wire__Batch batch = KOMET__WIRE__BATCH__INIT;
    Komet__Wire__Ask ask = KOMET__WIRE__ASK__INIT;
    message.body_case = kind;
    if (kind == BODY(HELLO)) {
        message.hello = &hello;
    } else if (kind == BODY(WELCOME)) {
        message.welcome = &welcome;
    } else if (kind == BODY(HEARTBEAT)) {
        message.heartbeat = &heartbeat;
    } else if (kind == BODY(ROLE)) {
        message.role = &role;
    } else if (kind == BODY(BATCH)) {
        message.batch = &batch;
    } else if (kind == BODY(ASK)) {
        message.ask = &ask;
    } else {
        assert_int_equal(kind, BODY(_NOT_SET)); /* what a newer program may send */
    }
    harness_feed(harness, client, &message);
}

static void test_a_message_out_of_place_closes(void **state)
{
    struct harness *harness = *state;
    harness_open(harness, 20);
    feed_empty(harness, 20, BODY(HEARTBEAT)); /* before Hello */
    assert_true(harness->closed[20]);
    const Komet__Wire__Message__BodyCase of_kom[] = {BODY(HELLO), BODY(WELCOME), BODY(ROLE), BODY(ASK),
                                                     BODY(_NOT_SET)};
    for (unsigned i = 0; i < sizeof of_kom / sizeof of_kom[0]; i++) {
        harness_kom(harness, 1 + i);
        feed_empty(harness, 1 + i, of_kom[i]);
        assert_true(harness->closed[1 + i]);
    }
    const Komet__Wire__Message__BodyCase of_console[] = {BODY(HELLO), BODY(HEARTBEAT), BODY(BATCH)};
    for (unsigned i = 0; i < sizeof of_console / sizeof of_console[0]; i++) {
        hello_with_version(harness, 30 + i, "tell", WIRE_VERSION);
        feed_empty(harness, 30 + i, of_console[i]);
        assert_true(harness->closed[30 + i]);
    }
    assert_non_null(strstr(harness->notes, "client 20 sent a message that it may not send: heartbeat"));
}

static void silent_for(const char *lease, int64_t limit_us)
{
    struct harness *harness = malloc(sizeof *harness);
    harness_begin(harness, lease);
    harness_kom(harness, 1);
    harness_advance(harness, limit_us - 1);
    assert_false(harness->closed[1]);
    harness_advance(harness, 1);
    assert_true(harness->closed[1]);
    assert_false(instances_flags(server_instances(harness->server, harness_process(harness, "SELF.KOM"))));
    harness_end(harness);
    free(harness);
}

static void test_a_silent_kom_is_closed(void **state)
{
    (void)state;
    silent_for("600 ms", KOMET_SECONDS(2)); /* three leases are less */
    silent_for("1 s", KOMET_SECONDS(3));
}

static void test_consoles_may_be_silent(void **state)
{
    struct harness *harness = *state;
    hello_with_version(harness, 9, "tell", WIRE_VERSION);
    harness_advance(harness, KOMET_SECONDS(3600));
    assert_false(harness->closed[9]);
}

static void test_consoles_leave_places_for_instances(void **state)
{
    struct harness *harness = *state;
    for (unsigned i = 0; i < SERVER_CONSOLES_MAX + 1; i++) {
        hello_with_version(harness, i, "tell", WIRE_VERSION);
    }
    for (unsigned i = 0; i < SERVER_CONSOLES_MAX; i++) {
        assert_int_equal(harness_sent_count(harness, i, BODY(WELCOME)), 1);
        assert_false(harness->closed[i]);
    }
    assert_true(harness->closed[SERVER_CONSOLES_MAX]);
    const struct sent *refusal = harness_sent(harness, SERVER_CONSOLES_MAX, BODY(WELCOME));
    assert_non_null(strstr(refusal->text, "consoles are connected already"));
    harness_hello(harness, SERVER_CLIENTS_MAX - 1, "SELF.KOM", 1, 1);
    assert_false(harness->closed[SERVER_CLIENTS_MAX - 1]);
}

/* ---- heartbeats and the grant ---- */

static void test_a_grant_is_told_only_when_it_is_stored(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    const struct record *grant = harness_record(harness, RECORD_GRANT);
    assert_string_equal(grant->process, "SELF.KOM");
    assert_int_equal(grant->instance, 1);
    assert_int_equal(grant->of.grant.epoch, 1);
    assert_null(harness_sent(harness, 1, BODY(ROLE)));
    harness_advance(harness, KOMET_MS(100));
    assert_null(harness_sent(harness, 1, BODY(ROLE)));
    harness_store(harness);
    assert_role(harness, 1, true, 1);
    assert_int_equal(server_counters(harness->server).grants, 1);
}

static void test_a_grant_that_ended_meanwhile_is_not_told(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    harness_advance(harness, HARNESS_LEASE); /* the disk took longer than the lease */
    harness_store(harness);
    assert_role(harness, 1, false, 1);
    assert_int_equal(harness_sent_count(harness, 1, BODY(ROLE)), 1);
    harness_heartbeat(harness, 1, 1); /* it is alive: the next grant */
    harness_store(harness);
    assert_role(harness, 1, true, 2);
}

static void test_a_grant_that_was_given_back_is_not_told(void **state)
{
    struct harness *harness = *state;
    harness_kom(harness, 1);
    harness_kom(harness, 2);
    harness_advance(harness, KOMET_MS(1)); /* from here on 2 is connected for longer */
    harness_stopped(harness, 1, 1);        /* while its grant is being stored */
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 2);
    harness_store(harness);
    assert_null(harness_sent(harness, 1, BODY(ROLE)));
    assert_role(harness, 2, true, 2);
}

static void test_a_heartbeat_is_answered_with_its_time_and_the_grant(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_kom(harness, 2);
    harness_heartbeat(harness, 1, INT64_C(123456789012345));
    harness_heartbeat(harness, 2, 7);
    const Komet__Wire__Heartbeat *active = &harness_sent(harness, 1, BODY(HEARTBEAT))->of.heartbeat;
    assert_true(active->reply);
    assert_int_equal(active->sent_us, INT64_C(123456789012345));
    assert_int_equal(active->epoch, harness->epoch);
    const Komet__Wire__Heartbeat *passive = &harness_sent(harness, 2, BODY(HEARTBEAT))->of.heartbeat;
    assert_true(passive->reply);
    assert_int_equal(passive->sent_us, 7);
    assert_int_equal(passive->epoch, 0);
}

static void test_heartbeats_keep_the_grant(void **state)
{
    struct harness *harness = *state;
    uint64_t epoch = harness_active(harness, 1);
    for (int i = 0; i < 20; i++) {
        harness_advance(harness, HARNESS_LEASE - 1);
        harness_heartbeat(harness, 1, i);
        assert_int_equal(harness_sent(harness, 1, BODY(HEARTBEAT))->of.heartbeat.epoch, epoch);
    }
    assert_int_equal(server_counters(harness->server).grants, 1);
}

static void test_a_dead_instance_is_replaced_at_once_a_silent_one_after_its_lease(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_kom(harness, 2);
    harness_kom(harness, 3);
    harness_close(harness, 1, true);
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 2);
    harness_store(harness);
    harness_close(harness, 2, false); /* nobody knows whether it still runs */
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 2);
    harness_advance(harness, HARNESS_LEASE - 1);
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 2);
    harness_advance(harness, 1);
    assert_int_equal(harness_record(harness, RECORD_GRANT)->instance, 3);
    assert_int_equal(harness_record(harness, RECORD_GRANT)->of.grant.epoch, 3);
}

static void test_processes_have_grants_of_their_own(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_hello(harness, 8, "OTHER.KOM", 1, 5);
    assert_string_equal(harness_record(harness, RECORD_GRANT)->process, "OTHER.KOM");
    harness_store(harness);
    assert_role(harness, 8, true, 1);
    harness_heartbeat(harness, 1, 1);
    assert_int_equal(harness_sent(harness, 1, BODY(HEARTBEAT))->of.heartbeat.epoch, 1);
}

/* ---- the journal fails ---- */

static void test_a_failed_journal_disconnects_the_koms(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    harness_kom(harness, 2);
    hello_with_version(harness, 9, "tell", WIRE_VERSION);
    harness_forget(harness);
    server_journal_failed(harness->server, harness->now, "database or disk is full");
    server_journal_failed(harness->server, harness->now, "again");
    harness_drain(harness);
    assert_true(harness->closed[1] && harness->closed[2]);
    assert_false(harness->closed[9]);
    assert_non_null(strstr(harness->notes, "the journal cannot write: database or disk is full"));
    assert_null(strstr(harness->notes, "again"));
    assert_int_equal(harness->record_count, 0); /* no grant for 2, which could not be stored */
    harness_hello(harness, 3, "SELF.KOM", 3, 1);
    assert_true(harness->closed[3]);
    assert_null(harness_sent(harness, 3, BODY(WELCOME))); /* it tries again, which a refusal would end */
}

/* ---- reports ---- */

static void report_line(struct harness *harness, unsigned client, uint32_t line, uint32_t state,
                        size_t connections)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__LineReport report = KOMET__WIRE__LINE_REPORT__INIT;
    Komet__Wire__ConnectionReport connection = KOMET__WIRE__CONNECTION_REPORT__INIT;
    Komet__Wire__ConnectionReport *list[SERVER_CONNECTIONS_MAX + 1];
    assert_true(connections <= sizeof list / sizeof list[0]);
    for (size_t i = 0; i < connections; i++) {
        list[i] = &connection;
    }
    connection.address = (char *)(uintptr_t) "10.1.2.3:2404";
    connection.state = state;
    connection.reason = (char *)(uintptr_t) "t1-expired";
    report.line = line;
    report.value = true;
    report.flags = FLAG_A;
    report.n_connections = connections;
    report.connections = list;
    message.body_case = BODY(LINE_REPORT);
    message.line_report = &report;
    harness_feed(harness, client, &message);
}

static void report_station(struct harness *harness, unsigned client, uint32_t station, uint32_t value)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__StationReport report = KOMET__WIRE__STATION_REPORT__INIT;
    report.station = station;
    report.value = value;
    report.flags = 5;
    message.body_case = BODY(STATION_REPORT);
    message.station_report = &report;
    harness_feed(harness, client, &message);
}

static const struct server_line_state *line_b(const struct harness *harness)
{
    return server_line_state(harness->server, &harness_process(harness, "SELF.KOM")->lines[1]);
}

static enum station_value station_value(const struct harness *harness, const char *name, value_flags *flags)
{
    const struct station *station = site_find_station(harness->site.site, name);
    assert_non_null(station);
    return server_station_value(harness->server, station, flags);
}

static void test_lines_and_stations_show_what_the_active_one_reports(void **state)
{
    struct harness *harness = *state;
    value_flags flags;
    harness_active(harness, 1);
    report_line(harness, 1, 1, CONNECTION_STARTED, 1);
    report_station(harness, 1, 1, STATION_ON);
    assert_true(line_b(harness)->value);
    assert_int_equal(line_b(harness)->flags, FLAG_A);
    assert_int_equal(line_b(harness)->instance, 1);
    assert_int_equal(line_b(harness)->connection_count, 1);
    assert_string_equal(line_b(harness)->connections[0].address, "10.1.2.3:2404");
    assert_int_equal(line_b(harness)->connections[0].state, CONNECTION_STARTED);
    assert_string_equal(line_b(harness)->connections[0].reason, "t1-expired");
    assert_int_equal(station_value(harness, "B.B", &flags), STATION_ON);
    assert_int_equal(flags, 5);
    assert_int_equal(station_value(harness, "B.A", &flags), STATION_COMERR); /* nothing said yet */
    assert_int_equal(station_value(harness, "B.OFF", &flags), STATION_OFF);  /* disabled in the site */
    harness_close(harness, 1, true); /* whatever it reported is not true any more */
    assert_false(line_b(harness)->value);
    assert_int_equal(line_b(harness)->instance, 0);
    assert_int_equal(line_b(harness)->connections[0].state, CONNECTION_CLOSED);
    assert_int_equal(station_value(harness, "B.B", &flags), STATION_COMERR);
}

static void test_a_passive_one_does_not_report(void **state)
{
    struct harness *harness = *state;
    value_flags flags;
    harness_active(harness, 1);
    harness_kom(harness, 2);
    report_line(harness, 1, 1, CONNECTION_STARTED, 1);
    report_line(harness, 2, 1, CONNECTION_CLOSED, 0);
    report_station(harness, 2, 1, STATION_HARDERR);
    assert_int_equal(line_b(harness)->connection_count, 1);
    assert_int_equal(line_b(harness)->instance, 1);
    assert_int_equal(station_value(harness, "B.B", &flags), STATION_COMERR);
}

static void test_reports_out_of_range_do_no_harm(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 1);
    report_line(harness, 1, 1, 77, SERVER_CONNECTIONS_MAX + 1);
    assert_int_equal(line_b(harness)->connection_count, SERVER_CONNECTIONS_MAX);
    assert_int_equal(line_b(harness)->connections[3].state, CONNECTION_CLOSED);
    report_line(harness, 1, 2, CONNECTION_CLOSED, 0);
    assert_true(harness->closed[1]);
    harness_kom(harness, 2);
    report_station(harness, 2, 3, STATION_ON);
    assert_true(harness->closed[2]);
    harness_kom(harness, 3);
    report_station(harness, 3, 0, STATION_WAIT + 1);
    assert_true(harness->closed[3]);
}

static void test_a_run_without_a_number_is_named_without_one(void **state)
{
    struct harness *harness = *state;
    harness_active(harness, 0);
    report_line(harness, 0, 2, CONNECTION_CLOSED, 0);
    harness_active(harness, 0);
    report_station(harness, 0, 3, STATION_ON);
    harness_active(harness, 0);
    struct columns *wrong = harness_batch(harness);
    wrong->body.n_line++;
    harness_feed(harness, 0, &wrong->message);
    harness_active(harness, 0);
    harness_advance(harness, HARNESS_LEASE);
    const char *const notes[] = {
        "SELF.KOM is connected from ",
        "SELF.KOM is active under epoch ",
        "SELF.KOM is lost ",
        "SELF.KOM reports a line that the site has not",
        "SELF.KOM sent a wrong batch: ",
        "SELF.KOM reports a station that the site has not",
        "SELF.KOM let its lease run out",
    };
    for (unsigned i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        assert_non_null(strstr(harness->notes, notes[i]));
    }
    assert_null(strstr(harness->notes, "SELF.KOM,"));
    server_set_active(harness->server, harness->now, 7, &(struct record_user){"eva", false},
                      harness_process(harness, "OTHER.KOM"), 0);
    harness_drain(harness);
    assert_string_equal(harness_ended(harness, 7)->reason, "OTHER.KOM: this instance does not run");
}

/* ---- after a restart ---- */

static void recover_event(struct harness *harness, const char *name, enum tag_type type, double number,
                          int64_t time_ms, int64_t arrived_ms)
{
    const struct record_event event = {.tag = name,
                                       .type = type,
                                       .value = {.number = number,
                                                 .status = STATUS_VALID,
                                                 .cot = KOMET_COT_SPONTANEOUS,
                                                 .time_origin = TIME_FROM_STATION,
                                                 .time = {time_ms},
                                                 .arrived = {arrived_ms}}};
    server_recover_event(harness->server, "SELF.KOM", 1, &event);
}

static double number_of(const struct harness *harness, const char *name)
{
    return server_value(harness->server, harness_tag(harness, name))->number;
}

static void test_the_next_grant_is_larger_and_waits_one_lease(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    server_recover_grant(harness->server, "SELF.KOM", 41);
    server_recover_grant(harness->server, "SELF.KOM", 40);
    server_recover_grant(harness->server, "GONE.KOM", 99); /* the site has it no more */
    server_recovered(harness->server, harness->now);
    harness_kom(harness, 1);
    harness_hello(harness, 8, "OTHER.KOM", 1, 5); /* nobody ever had a grant of it */
    assert_string_equal(harness_record(harness, RECORD_GRANT)->process, "OTHER.KOM");
    assert_int_equal(server_deadline(harness->server).us,
                     komet_after(harness->now.instant, HARNESS_LEASE).us);
    harness_advance(harness, HARNESS_LEASE - 1);
    assert_int_equal(harness_records(harness, RECORD_GRANT), 1);
    harness_advance(harness, 1);
    assert_string_equal(harness_record(harness, RECORD_GRANT)->process, "SELF.KOM");
    assert_int_equal(harness_record(harness, RECORD_GRANT)->of.grant.epoch, 42);
    harness_store(harness);
    assert_role(harness, 1, true, 42);
}

static void test_values_are_there_after_a_restart(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    recover_event(harness, "M.P", TAG_AI, 1.5, 1000, 1001);
    recover_event(harness, "M.P", TAG_AI, 2.5, 2000, 2001);
    recover_event(harness, "M.D", TAG_AI, 7, 2000, 2001);    /* the site had another type then */
    recover_event(harness, "M.GONE", TAG_AI, 7, 2000, 2001); /* or another tag */
    recover_event(harness, "M.O", TAG_DI, 1, 2000, 2001);    /* or it in another process */
    server_recovered(harness->server, harness->now);
    const struct value *value = server_value(harness->server, harness_tag(harness, "M.P"));
    assert_true(value->number == 2.5 && value->status == STATUS_VALID && value->time.ms == 2000);
    const char *const unknown[] = {"M.D", "M.O", "M.U"};
    for (unsigned i = 0; i < 3; i++) {
        value = server_value(harness->server, harness_tag(harness, unknown[i]));
        assert_int_equal(value->status, STATUS_UNKNOWN);
    }
}

/* What was recorded and did not overwrite does not overwrite now. */
static void test_an_older_event_does_not_overwrite_at_a_restart(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    recover_event(harness, "M.P", TAG_AI, 2.5, 2000, 2001);
    recover_event(harness, "M.P", TAG_AI, 1.5, 1000, 2002);
    server_recovered(harness->server, harness->now);
    assert_true(number_of(harness, "M.P") == 2.5);
}

/* The order of the journal counts, not our clock, which may have been set back between two events. */
static void test_the_journals_order_counts_at_a_restart(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    recover_event(harness, "M.P", TAG_AI, 1.5, 1000, 5000);
    recover_event(harness, "M.P", TAG_AI, 2.5, 2000, 4000);
    server_recovered(harness->server, harness->now);
    assert_true(number_of(harness, "M.P") == 2.5);
}

static void test_what_a_server_says_about_itself(void **state)
{
    struct harness *harness = *state;
    struct line_now began = harness->now;
    harness_advance(harness, KOMET_SECONDS(90));
    assert_string_equal(server_name(harness->server), "A");
    assert_ptr_equal(server_site(harness->server), harness->site.site);
    assert_int_equal(server_since(harness->server).ms, began.utc.ms);
    assert_int_equal(server_utc_of(harness->server, harness->now.instant).ms, began.utc.ms + 90000);
    assert_string_equal(server_instance_host(harness->server, harness_process(harness, "SELF.KOM"), 15), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_set_up, harness_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_welcome_says_the_server_and_its_lease),
    TEST(test_an_unknown_process_is_refused_with_those_that_exist),
    TEST(test_the_number_16_is_refused),
    TEST(test_a_second_run_of_an_instance_is_refused),
    TEST(test_numbered_and_unnumbered_refuse_each_other),
    TEST(test_another_version_is_refused),
    TEST(test_the_same_run_again_replaces_its_old_connection),
    TEST(test_a_refused_one_is_not_heard_any_more),
    TEST(test_a_client_that_says_nothing_is_closed_after_5_s),
    TEST(test_a_message_out_of_place_closes),
    TEST(test_a_silent_kom_is_closed),
    TEST(test_consoles_may_be_silent),
    TEST(test_consoles_leave_places_for_instances),
    TEST(test_a_grant_is_told_only_when_it_is_stored),
    TEST(test_a_grant_that_ended_meanwhile_is_not_told),
    TEST(test_a_grant_that_was_given_back_is_not_told),
    TEST(test_a_heartbeat_is_answered_with_its_time_and_the_grant),
    TEST(test_heartbeats_keep_the_grant),
    TEST(test_a_dead_instance_is_replaced_at_once_a_silent_one_after_its_lease),
    TEST(test_processes_have_grants_of_their_own),
    TEST(test_a_failed_journal_disconnects_the_koms),
    TEST(test_lines_and_stations_show_what_the_active_one_reports),
    TEST(test_a_passive_one_does_not_report),
    TEST(test_reports_out_of_range_do_no_harm),
    TEST(test_a_run_without_a_number_is_named_without_one),
    TEST(test_the_next_grant_is_larger_and_waits_one_lease),
    TEST(test_values_are_there_after_a_restart),
    TEST(test_an_older_event_does_not_overwrite_at_a_restart),
    TEST(test_the_journals_order_counts_at_a_restart),
    TEST(test_what_a_server_says_about_itself),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
