/* What instances say of their lines: which one acts for it, and what the console shows of those that stand
 * by. */
#include "server_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/json.h"
#include "console/rows.h"

static const struct process *self(const struct harness *harness)
{
    return harness_process(harness, "SELF.KOM");
}

/* Both lines are warm; instance 1 acts, 2 is passive. */
static int set_up(void **state)
{
    struct harness *harness = malloc(sizeof *harness);
    harness_begin(harness, "600 ms");
    for (unsigned i = 0; i < 2; i++) {
        self(harness)->lines[i].standby = STANDBY_WARM;
    }
    harness_restart(harness);
    server_recovered(harness->server, harness->now);
    harness_active(harness, 1);
    harness_kom(harness, 2);
    *state = harness;
    return 0;
}

static void report_all(struct harness *harness, unsigned client, uint32_t line, enum connection_state state,
                       uint32_t reach, size_t count)
{
    static const char *const partners[] = {"A", "A", "B", "B", "C"};
    static const char *const paths[] = {"1", "2 data", "1 data", "2", "3"};
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__LineReport body = KOMET__WIRE__LINE_REPORT__INIT;
    Komet__Wire__ConnectionReport connection[5], *connections[5];
    for (size_t i = 0; i < count; i++) {
        connections[i] = &connection[i];
        komet__wire__connection_report__init(connections[i]);
        connection[i].address = (char *)(uintptr_t) "10.0.0.1:2404";
        connection[i].state = state;
        connection[i].partner = (char *)(uintptr_t)partners[i];
        connection[i].path = (char *)(uintptr_t)paths[i];
    }
    body.line = line;
    body.value = state >= CONNECTION_STOPPED;
    body.connections = connections;
    body.n_connections = count;
    body.reach = reach;
    message.body_case = BODY(LINE_REPORT);
    message.line_report = &body;
    harness_feed(harness, client, &message);
}

static void report(struct harness *harness, unsigned client, uint32_t line, enum connection_state state,
                   uint32_t reach)
{
    report_all(harness, client, line, state, reach, 1);
}

/* Time passes, and instances 1 and 2 renew; who is told to be passive says that it has stopped. */
static void live(struct harness *harness, int64_t ms)
{
    for (; ms > 0; ms -= 100) {
        harness_advance(harness, KOMET_MS(100));
        for (unsigned client = 1; client <= 2; client++) {
            harness_heartbeat(harness, client, harness->now.instant.us);
        }
        harness_store(harness);
    }
}

static uint8_t acting(const struct harness *harness)
{
    return server_instances(harness->server, self(harness))->active;
}

static void test_a_lost_line_moves_the_role(void **state)
{
    struct harness *harness = *state;
    report(harness, 1, 0, CONNECTION_STARTED, REACH_YES);
    report(harness, 2, 0, CONNECTION_STOPPED, REACH_YES);
    live(harness, 1000);
    report(harness, 1, 0, CONNECTION_CLOSED, REACH_NO);
    harness_forget(harness);
    live(harness, 1900);
    assert_null(harness_sent(harness, 1, BODY(ROLE)));
    live(harness, 200);
    const struct sent *role = harness_sent(harness, 1, BODY(ROLE));
    assert_non_null(role);
    assert_false(role->of.role.active);
    harness_stopped(harness, 1, role->of.role.epoch);
    harness_store(harness);
    assert_int_equal(acting(harness), 2);
    assert_true(harness_sent(harness, 2, BODY(ROLE))->of.role.active);
    assert_non_null(
        strstr(harness->notes, "SELF.KOM,1 does not reach line L.A: the role goes to SELF.KOM,2"));
}

static void test_a_word_that_nobody_knows_is_none(void **state)
{
    struct harness *harness = *state;
    report(harness, 1, 0, CONNECTION_CLOSED, REACH_NO);
    report(harness, 2, 0, CONNECTION_STOPPED, 77); /* of a newer KOM */
    live(harness, 5000);
    assert_int_equal(acting(harness), 1);
    assert_false(harness->closed[2]);
}

static const char *line_row(const struct harness *harness, char *text, size_t size)
{
    struct json json;
    json_begin(&json, text, size);
    rows_line(&json, harness->server, &self(harness)->lines[0]);
    assert_true(json_end(&json));
    return text;
}

static void test_the_console_shows_who_stands_by(void **state)
{
    struct harness *harness = *state;
    char text[2048];
    report(harness, 1, 0, CONNECTION_STARTED, REACH_YES);
    report(harness, 2, 0, CONNECTION_STOPPED, REACH_YES);
    const char *row = line_row(harness, text, sizeof text);
    const char *acts = strstr(row, "\"state\":\"started\""), *stands = strstr(row, "\"state\":\"stopped\"");
    assert_true(acts != NULL && stands != NULL && acts < stands);
    assert_non_null(strstr(acts, "\"instance\":1"));
    assert_non_null(strstr(stands, "\"instance\":2"));
    report(harness, 2, 0, CONNECTION_CLOSED, REACH_NO); /* it tries to */
    assert_non_null(strstr(line_row(harness, text, sizeof text), "\"state\":\"closed\""));
    report(harness, 2, 0, CONNECTION_CLOSED, REACH_UNKNOWN);
    assert_null(strstr(line_row(harness, text, sizeof text), "\"state\":\"closed\""));
    report(harness, 2, 0, CONNECTION_STOPPED, REACH_YES);
    harness_close(harness, 2, true);
    assert_null(strstr(line_row(harness, text, sizeof text), "\"state\":\"stopped\""));
}

/* A Sinaut line with SKO: only the first of them was shown. */
static void test_the_console_shows_all_that_a_passive_instance_keeps(void **state)
{
    struct harness *harness = *state;
    char text[4096];
    report(harness, 1, 0, CONNECTION_STARTED, REACH_YES);
    report_all(harness, 2, 0, CONNECTION_STOPPED, REACH_YES, 5);
    static const char *const each[] = {
        "\"partner\":\"A\",\"path\":\"1\"", "\"partner\":\"A\",\"path\":\"2 data\"",
        "\"partner\":\"B\",\"path\":\"1 data\"", "\"partner\":\"B\",\"path\":\"2\""};
    const char *at = strstr(line_row(harness, text, sizeof text), "\"state\":\"stopped\"");
    for (unsigned i = 0; i < 4; i++) {
        assert_non_null(at);
        at = strstr(at, each[i]);
        assert_non_null(at);
        assert_non_null(strstr(at, "\"instance\":2"));
    }
    assert_null(strstr(text, "\"partner\":\"C\"")); /* more than any line of ours has */
    report_all(harness, 2, 0, CONNECTION_CLOSED, REACH_NO, 0);
    assert_null(strstr(line_row(harness, text, sizeof text), "\"instance\":2"));
}

/* ---- protocols that one instance alone can work ---- */

static void test_a_line_that_does_not_support_redundancy_refuses_numbers(void **state)
{
    struct harness *harness = *state;
    harness_close(harness, 1, true);
    harness_close(harness, 2, true);
    self(harness)->lines[1].protocol = PROTOCOL_IEC101; /* no site with it is read in this version */
    harness_hello(harness, 3, "SELF.KOM", 3, 7);
    const struct sent *welcome = harness_sent(harness, 3, BODY(WELCOME));
    assert_non_null(welcome);
    assert_string_equal(welcome->text,
                        "SELF.KOM,3: protocol iec101 of line L.B does not support redundancy: the "
                        "process runs without an instance number only");
    assert_true(harness->closed[3]);
    harness_hello(harness, 4, "SELF.KOM", 0, 8);
    assert_string_equal(harness_sent(harness, 4, BODY(WELCOME))->text, "");
    assert_false(harness->closed[4]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lost_line_moves_the_role),
        TEST(test_a_word_that_nobody_knows_is_none),
        TEST(test_the_console_shows_who_stands_by),
        TEST(test_the_console_shows_all_that_a_passive_instance_keeps),
        TEST(test_a_line_that_does_not_support_redundancy_refuses_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
