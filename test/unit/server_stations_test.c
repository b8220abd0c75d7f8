/* Stations in the server: ENABLE, DISABLE, SIMULATE, control objects; their values and what becomes of their
 * tags. M.HALT controls B.O of OTHER.KOM. */
#include "server_values.h"

#include <stdlib.h>
#include <string.h>

static int set_up(void **state)
{
    struct harness *harness = malloc(sizeof *harness);
    harness_begin(harness, "600 ms");
    harness_active(harness, 1);
    harness_kom(harness, 2);
    *state = harness;
    return 0;
}

static const struct record_user alice = {"alice", true};

static const struct station *station(const struct harness *harness, const char *name)
{
    const struct station *found = site_find_station(harness->site.site, name);
    assert_non_null(found);
    return found;
}

static void control(struct harness *harness, uint64_t token, const char *name, enum station_order order)
{
    server_control(harness->server, harness->now, token, &alice, station(harness, name), order);
    harness_drain(harness);
}

static void report(struct harness *harness, const char *name, enum station_value value)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__StationReport body = KOMET__WIRE__STATION_REPORT__INIT;
    body.station = station(harness, name)->number;
    body.value = value;
    message.body_case = BODY(STATION_REPORT);
    message.station_report = &body;
    harness_feed(harness, 1, &message);
}

static enum station_value value_of(const struct harness *harness, const char *name)
{
    value_flags flags;
    return server_station_value(harness->server, station(harness, name), &flags);
}

static void give(struct harness *harness, const char *tag, double number)
{
    harness_give(harness, 1,
                 (struct given){.tag = tag, .number = number, .cot = 3, .type = 1, .arrival = true});
}

/* The newest modes that a client was told, a digit a station: B.A, B.B, B.OFF. */
static const char *told(const struct harness *harness, unsigned client)
{
    const struct sent *modes = harness_sent(harness, client, BODY(STATION_MODES));
    return modes != NULL ? modes->text : "";
}

static void set(struct harness *harness, uint64_t token, const char *tag, double number)
{
    server_set(harness->server, harness->now, token, &alice, harness_tag(harness, tag), number, FLAG_A,
               KOMET_SECONDS(1));
    harness_drain(harness);
}

/* ---- what people say ---- */

static void test_an_order_holds_from_when_it_is_stored_and_every_instance_is_told(void **state)
{
    struct harness *harness = *state;
    assert_string_equal(told(harness, 2), "001"); /* with its Welcome: what the site says */
    report(harness, "B.A", STATION_ON);
    harness_store(harness);
    harness_forget(harness);
    control(harness, 7, "B.A", STATION_DISABLE);
    assert_false(harness_has_ended(harness, 7));
    assert_string_equal(told(harness, 1), "");
    assert_int_equal(value_of(harness, "B.A"), STATION_ON);
    const struct record_station record = harness_record(harness, RECORD_STATION)->of.station;
    assert_int_equal(record.mode, STATION_DISABLED);
    assert_string_equal(record.command.tag, "B.A");
    assert_string_equal(record.command.user.name, "alice");
    assert_int_equal(record.command.result, COMMAND_DONE);
    assert_true(record.command.number == STATION_DISABLE);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 7)->of.result, COMMAND_DONE);
    assert_string_equal(told(harness, 1), "101"); /* the active and the passive one */
    assert_string_equal(told(harness, 2), "101");
    assert_int_equal(value_of(harness, "B.A"), STATION_OFF);
    assert_int_equal(harness_record(harness, RECORD_STATION_VALUE)->of.station_value.value, STATION_OFF);
    report(harness, "B.A", STATION_ON); /* was on its way */
    assert_int_equal(value_of(harness, "B.A"), STATION_OFF);
    control(harness, 8, "B.A", STATION_ENABLE);
    harness_store(harness);
    assert_string_equal(told(harness, 1), "001");
    assert_int_equal(value_of(harness, "B.A"), STATION_COMERR);
    report(harness, "B.A", STATION_OFF); /* of the time before */
    assert_int_equal(value_of(harness, "B.A"), STATION_COMERR);
    report(harness, "B.A", STATION_ON);
    assert_int_equal(value_of(harness, "B.A"), STATION_ON);
}

static void test_what_was_said_comes_back_with_the_server(void **state)
{
    struct harness *harness = *state;
    harness_restart(harness);
    server_recover_station(harness->server, "B.B", STATION_DISABLED | STATION_SIMULATED);
    server_recover_station(harness->server, "B.OFF", 0);
    server_recover_station(harness->server, "B.GONE", STATION_DISABLED);
    server_recover_station_value(harness->server, "B.A", STATION_ON);
    server_recovered(harness->server, harness->now);
    harness_drain(harness);
    assert_int_equal(value_of(harness, "B.B"), STATION_SIMUL);
    assert_int_equal(value_of(harness, "B.OFF"), STATION_COMERR);
    harness_kom(harness, 1);
    assert_string_equal(told(harness, 1), "030");
    assert_int_equal(harness_records(harness, RECORD_STATION_VALUE),
                     3); /* B.A is on no more, the others changed */
}

static void test_a_station_that_is_off_is_not_commanded(void **state)
{
    struct harness *harness = *state;
    control(harness, 7, "B.A", STATION_DISABLE);
    harness_store(harness);
    set(harness, 8, "M.SET", 1);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 8)->of.result, COMMAND_REFUSED);
    assert_string_equal(harness_ended(harness, 8)->reason, "station is disabled");
    server_interrogate(harness->server, harness->now, 9, &alice, station(harness, "B.OFF"),
                       LINE_COMMAND_INTERROGATE);
    harness_drain(harness);
    assert_string_equal(harness_ended(harness, 9)->reason, "station is disabled");
    assert_null(harness_sent(harness, 1, BODY(COMMAND)));
}

static void test_one_order_of_a_station_at_a_time(void **state)
{
    struct harness *harness = *state;
    control(harness, 7, "B.A", STATION_DISABLE);
    control(harness, 8, "B.A", STATION_ENABLE);
    assert_int_equal(harness_ended(harness, 8)->of.result, COMMAND_REFUSED);
    harness_store(harness);
    assert_int_equal(value_of(harness, "B.A"), STATION_OFF);
}

static void test_what_is_not_stored_is_not_told_as_done(void **state)
{
    struct harness *harness = *state;
    control(harness, 7, "B.A", STATION_DISABLE);
    server_journal_failed(harness->server, harness->now, "the disk is full");
    harness_drain(harness);
    assert_int_equal(harness_ended(harness, 7)->of.result, COMMAND_UNKNOWN);
    control(harness, 8, "B.A", STATION_ENABLE);
    assert_int_equal(harness_ended(harness, 8)->of.result, COMMAND_REFUSED);
}

/* ---- the tags ---- */

static void test_a_hard_error_makes_the_tags_invalid(void **state)
{
    struct harness *harness = *state;
    report(harness, "B.A", STATION_ON);
    give(harness, "M.D", 1);
    give(harness, "M.U", 12.5);
    give(harness, "M.B", 0);
    report(harness, "B.A", STATION_COMERR);
    assert_int_equal(shown(harness, "M.D")->status, STATUS_VALID);
    harness_store(harness);
    harness_forget(harness);
    report(harness, "B.A", STATION_HARDERR);
    assert_int_equal(harness_records(harness, RECORD_STATION_VALUE), 1);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 2);
    assert_int_equal(shown(harness, "M.D")->status, STATUS_INVALID);
    assert_true(shown(harness, "M.D")->number == 1);
    assert_int_equal(shown(harness, "M.U")->status, STATUS_INVALID);
    assert_int_equal(shown(harness, "M.B")->status, STATUS_VALID);   /* of another station */
    assert_int_equal(shown(harness, "M.P")->status, STATUS_UNKNOWN); /* it had nothing */
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.value.time.ms, harness->now.utc.ms);
    harness_forget(harness);
    report(harness, "B.A", STATION_ON);
    give(harness, "M.D", 1);
    assert_int_equal(shown(harness, "M.D")->status, STATUS_VALID);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1); /* it differs from the invalid one */
}

static void test_a_station_that_is_off_has_no_valid_values_unless_they_are_kept(void **state)
{
    struct harness *harness = *state;
    give(harness, "M.D", 1);
    give(harness, "M.B", 1);
    control(harness, 7, "B.A", STATION_DISABLE);
    control(harness, 8, "B.B", STATION_DISABLE); /* invalidate_when_off: false */
    harness_store(harness);
    assert_int_equal(shown(harness, "M.D")->status, STATUS_INVALID);
    assert_int_equal(shown(harness, "M.B")->status, STATUS_VALID);
}

static void test_the_tags_of_a_simulated_station_are_set_by_hand(void **state)
{
    struct harness *harness = *state;
    set(harness, 6, "M.D", 1);
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 6)->of.result, COMMAND_REFUSED); /* an input */
    give(harness, "M.U", 5);
    control(harness, 7, "B.A", STATION_SIMULATE_ON);
    harness_store(harness);
    assert_int_equal(value_of(harness, "B.A"), STATION_SIMUL);
    assert_int_equal(shown(harness, "M.U")->status, STATUS_VALID); /* as it was */
    harness_forget(harness);
    set(harness, 8, "M.U", 42);
    assert_int_equal(harness_record(harness, RECORD_EVENT)->of.event.value.status, STATUS_WEAK);
    assert_int_equal(shown(harness, "M.U")->flags, FLAG_A | FLAG_SUBSTITUTED);
    assert_true(shown(harness, "M.U")->number == 42);
    assert_false(harness_has_ended(harness, 8));
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 8)->of.result, COMMAND_DONE);
    assert_string_equal(harness_record(harness, RECORD_COMMAND_END)->of.command.user.name, "alice");
    set(harness, 9, "M.CMD", 1); /* an output as well, and nobody sends it */
    harness_store(harness);
    assert_int_equal(harness_ended(harness, 9)->of.result, COMMAND_DONE);
    assert_null(harness_sent(harness, 1, BODY(COMMAND)));
    control(harness, 10, "B.A", STATION_SIMULATE_OFF);
    harness_store(harness);
    assert_string_equal(told(harness, 1), "001");
    assert_int_equal(shown(harness, "M.U")->status, STATUS_WEAK); /* until telemetry brings another */
}

/* ---- the control object ---- */

static void test_a_control_object_stops_its_station(void **state)
{
    struct harness *harness = *state;
    harness_hello(harness, 9, "OTHER.KOM", 1, 77);
    assert_string_equal(told(harness, 9), "0");
    give(harness, "M.HALT", 1);
    assert_int_equal(value_of(harness, "B.O"), STATION_WAIT);
    assert_string_equal(told(harness, 9), "4");
    set(harness, 7, "M.O.CMD", 1);
    harness_store(harness);
    assert_string_equal(harness_ended(harness, 7)->reason, "station is stopped by its control object");
    report(harness, "B.B", STATION_ON);
    report(harness, "B.B", STATION_HARDERR); /* M.HALT is invalid: what was decided holds */
    assert_int_equal(shown(harness, "M.HALT")->status, STATUS_INVALID);
    assert_string_equal(told(harness, 9), "4");
    give(harness, "M.HALT", 0);
    assert_string_equal(told(harness, 9), "0");
    assert_int_equal(value_of(harness, "B.O"), STATION_COMERR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_order_holds_from_when_it_is_stored_and_every_instance_is_told),
        TEST(test_what_was_said_comes_back_with_the_server),
        TEST(test_a_station_that_is_off_is_not_commanded),
        TEST(test_one_order_of_a_station_at_a_time),
        TEST(test_what_is_not_stored_is_not_told_as_done),
        TEST(test_a_hard_error_makes_the_tags_invalid),
        TEST(test_a_station_that_is_off_has_no_valid_values_unless_they_are_kept),
        TEST(test_the_tags_of_a_simulated_station_are_set_by_hand),
        TEST(test_a_control_object_stops_its_station),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
