/* A description of a simulated Sinaut pair becomes a plan, or all its mistakes at once. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "program/sim_pair_plan.h"

static struct sim_pair_plan parse(const char *text, double speed)
{
    const struct site_file file = {"pair.yaml", text, strlen(text)};
    return sim_pair_plan_parse(&file, 1, NULL, speed);
}

static void assert_usable(const struct sim_pair_plan *plan)
{
    for (size_t i = 0; i < plan->fault_count; i++) {
        print_error("%d:%d: %s; %s\n", plan->faults[i].line, plan->faults[i].column, plan->faults[i].what,
                    plan->faults[i].right);
    }
    assert_true(plan->usable);
}

static void assert_faults(const char *text, const char *expected)
{
    char got[4096] = "";
    size_t used = 0;
    struct sim_pair_plan plan = parse(text, 1);
    for (size_t i = 0; i < plan.fault_count; i++) {
        const struct site_fault *fault = &plan.faults[i];
        used += (size_t)snprintf(got + used, sizeof got - used, "%d:%d: %s%s%s\n", fault->line, fault->column,
                                 fault->what, fault->right[0] != '\0' ? "; " : "", fault->right);
        assert_true(used < sizeof got);
    }
    assert_string_equal(got, expected);
    assert_false(plan.usable);
    sim_pair_plan_release(&plan);
}

#define STATIONS "stations:\n  - {ca: \"2,1\", points: [{ioa: 11, type: 30, toggle: {period: 2 s}}]}\n"

static void test_every_key(void **state)
{
    struct sim_pair_plan plan = parse("systems:\n"
                                      "  a: [127.1.0.1, 127.2.0.1]\n"
                                      "  b: [127.1.0.2, 127.2.0.2]\n"
                                      "partners:\n"
                                      "  - [\"10.1.0.11:2405\", \"10.2.0.11\"]\n"
                                      "  - [\"10.1.0.12:2405\", \"[::1]:2406\"]\n"
                                      "connects: true\n"
                                      "play: b\n"
                                      "hot: b\n"
                                      "originator: 9\n"
                                      "k: 20\n"
                                      "w: 10\n"
                                      "t0: 3 s\n"
                                      "t1: 4 s\n"
                                      "t2: 2 s\n"
                                      "t3: 8 s\n"
                                      "reconnect: 500 ms\n"
                                      "takeover: 0 s\n"
                                      "confirm: 1\n"
                                      "totals_with_interrogation: false\n"
                                      "standby_interrogates: true\n"
                                      "events: 77\n"
                                      "script:\n"
                                      "  - {at: 2 s, do: lose path b1}\n"
                                      "  - {at: 4 s, do: \"value 2,1 11 1\"}\n" STATIONS
                                      "  - {ca: 3, seed: 5, points: [{ioa: 1, type: 36, count: 3}]}\n",
                                      2);
    (void)state;
    assert_usable(&plan);
    assert_true(plan.plan.connects && plan.plan.standby_interrogates && !plan.plan.totals_with_interrogation);
    assert_int_equal(plan.plan.systems, 2);
    assert_int_equal(plan.plan.hot, 1);
    assert_int_equal(plan.plan.networks, 2);
    assert_int_equal(plan.plan.partners, 2);
    assert_int_equal(plan.plan.originator, 9);
    assert_int_equal(plan.plan.k, 20);
    assert_int_equal(plan.plan.w, 10);
    assert_true(plan.plan.t0_us == KOMET_SECONDS(3) && plan.plan.t1_us == KOMET_SECONDS(4));
    assert_true(plan.plan.t2_us == KOMET_SECONDS(2) && plan.plan.t3_us == KOMET_SECONDS(8));
    assert_true(plan.plan.reconnect_us == KOMET_MS(500) && plan.plan.takeover_us == 0);
    assert_int_equal(plan.plan.confirm, 1);
    assert_int_equal(plan.plan.events, 77);
    assert_int_equal(plan.plan.script_count, 2);
    assert_true(plan.plan.script[0].time_us == KOMET_SECONDS(1)); /* twice as fast */
    assert_int_equal(plan.plan.script[0].order.paths, 4);
    assert_int_equal(plan.plan.script[1].order.ca, 513);
    assert_int_equal(plan.plan.station_count, 2);
    assert_int_equal(plan.plan.stations[0].ca, 513);
    assert_true(plan.plan.stations[0].points[0].pattern.period_us == KOMET_SECONDS(1));
    assert_int_equal(plan.plan.stations[1].seed, 5);
    assert_int_equal(plan.point_count, 4);
    assert_string_equal(plan.systems[1][1].host, "127.2.0.2");
    assert_string_equal(plan.partners[1][1].host, "::1");
    assert_int_equal(plan.partners[1][1].port, 2406);
    assert_int_equal(plan.partners[0][1].port, 2404);
    sim_pair_plan_release(&plan);
}

static void test_the_least(void **state)
{
    struct sim_pair_plan plan = parse("partners: [[10.1.0.1]]\n" STATIONS, 1);
    (void)state;
    assert_usable(&plan);
    assert_true(plan.plan.connects);
    assert_int_equal(plan.plan.networks, 1);
    assert_null(plan.systems[0][0].host);
    sim_pair_plan_release(&plan);
    plan = parse("connects: false\nplay: a\nsystems: {a: [127.0.0.1, 127.0.0.2]}\n" STATIONS, 1);
    assert_usable(&plan);
    assert_int_equal(plan.plan.networks, 2);
    assert_int_equal(plan.plan.partners, 1);
    assert_null(plan.partners[0][0].host);
    sim_pair_plan_release(&plan);
}

static void test_mistakes_have_their_places(void **state)
{
    (void)state;
    assert_faults("partners: [[10.1.0.1]]\nhot: c\nstation: []\n" STATIONS,
                  "2:6: hot is 'c'; one of: a, b, none\n"
                  "3:1: unknown key 'station'; did you mean 'stations'?\n");
    assert_faults("partners: [[10.1.0.1]]\nstations:\n"
                  "  - {ca: 65535, points: [{ioa: 0, type: 30}]}\n"
                  "  - {ca: 3}\n",
                  "3:10: '65535' is no common address; 1 to 65534, or as 2,1\n"
                  "3:32: ioa is '0'; a whole number from 1 to 16777215\n"
                  "4:5: the station has no points; points: [{ioa: 1001, type: 30, constant: 0}]\n");
    assert_faults(
        "partners: [[10.1.0.1]]\nscript: [{at: 2 s, do: hot b}, {at: 1 s, do: hot a}, {do: wake "
        "up}]\n" STATIONS,
        "2:32: the time goes back; put the steps into their order\n"
        "2:54: a step has a time and an order; {at: 5 s, do: hot b}\n"
        "2:59: 'wake up' is no order: wake: an order begins with hot, lose, freeze, restore, misbehave, "
        "behave, value, command, interrogate\n");
}

static void test_addresses_that_do_not_fit(void **state)
{
    (void)state;
    assert_faults(STATIONS,
                  "1:1: the pair connects, and nothing says where to; partners: [[10.1.0.11, 10.2.0.11]]\n");
    assert_faults("connects: false\n" STATIONS,
                  "1:1: the pair is connected to, and nothing says where; systems: {a: [\"10.1.0.1:2404\", "
                  "\"10.2.0.1:2404\"], b: […]}\n");
    assert_faults(
        "connects: false\nsystems: {a: [10.1.0.1, 10.2.0.1], b: [10.1.0.2]}\n" STATIONS,
        "1:1: system b has addresses of 1 networks, and there are 2; an address a network for each\n");
    assert_faults(
        "partners: [[10.1.0.1], [10.1.0.2, 10.2.0.2]]\n" STATIONS,
        "1:1: partner 2 has addresses of 2 networks, and there are 1; an address a network for each\n");
    assert_faults("partners: [[10.1.0.1]]\nw: 13\n" STATIONS,
                  "1:1: w must be at least 1 and not above k; two thirds of k is recommended.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_the_least),
        cmocka_unit_test(test_mistakes_have_their_places),
        cmocka_unit_test(test_addresses_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
