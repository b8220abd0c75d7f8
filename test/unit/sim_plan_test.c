/* A description of a simulated station becomes a plan, or all its mistakes at once. */
#include "support.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program/sim_plan.h"

static struct sim_plan parse(const char *text, double speed)
{
    const struct site_file file = {"rtu.yaml", text, strlen(text)};
    return sim_plan_parse(&file, 1, NULL, speed);
}

static void print_faults(const struct sim_plan *plan)
{
    for (size_t i = 0; i < plan->fault_count; i++) {
        print_error("%s:%d:%d: %s; %s\n", plan->faults[i].file, plan->faults[i].line, plan->faults[i].column,
                    plan->faults[i].what, plan->faults[i].right);
    }
}

/* All faults as text, as komet sim prints them but for the name of the first file. */
static void assert_faults_of(struct sim_plan *plan, const char *expected)
{
    char got[8192] = "";
    size_t used = 0;
    for (size_t i = 0; i < plan->fault_count; i++) {
        const struct site_fault *fault = &plan->faults[i];
        bool first = strcmp(fault->file, "rtu.yaml") == 0;
        int size = snprintf(got + used, sizeof got - used, "%s%s%d:%d: %s%s%s\n", first ? "" : fault->file,
                            first ? "" : ":", fault->line, fault->column, fault->what,
                            fault->right[0] != '\0' ? "; " : "", fault->right);
        used += (size_t)size;
        assert_true(used < sizeof got);
    }
    assert_string_equal(got, expected);
    assert_false(plan->usable);
    sim_plan_release(plan);
}

static void assert_faults(const char *text, const char *expected)
{
    struct sim_plan plan = parse(text, 1);
    assert_faults_of(&plan, expected);
}

/* Around rows of points. */
#define POINTS(rows) "points:\n" rows

/* ---- right ones ---- */

static const char every_key[] =
    "ca: 258\n"
    "events: 500\n"
    "k: 20\n"
    "w: 10\n"
    "t1: 30 s\n"
    "t2: 5\n"
    "t3: 2 min\n"
    "seed: 42\n"
    "select_time: 5 s\n"
    "command_age: 2500 ms\n"
    "too_old: discarded\n"
    "clock_sync: false\n"
    "broadcast_once: true\n"
    "limit_set_points: yes\n"
    "end_of_initialization: true\n"
    "connections: 4\n"
    "replay: day.csv\n"
    "points:\n"
    "  - {ioa: 1001, type: 30, count: 8, toggle: {period: 200 ms}, for: 60 s}\n"
    "  - {ioa: 3001, type: 36, walk: {period: 1 s, from: 108, to: 112, step: 0.5}}\n"
    "  - {ioa: 3002, type: 13, ramp: {period: 100, from: 5, to: -5, step: 2.5}}\n"
    "  - {ioa: 3003, type: 36, ramp: {period: 1 h, from: 0, to: 50}}\n"
    "  - {ioa: 3004, type: 9, constant: 0.5, cause: periodic, every: 10 s}\n"
    "  - {ioa: 1101, type: 30, constant: true, cause: spontaneous, groups: [1, 16]}\n"
    "  - {ioa: 2001, type: 31}\n"
    "  - {ioa: 5001, type: 45, follows: 1101, select: required}\n"
    "  - {ioa: 5002, type: 58, count: 2, select: never}\n"
    "  - {ioa: 5004, type: 50, minimum: -5, maximum: 5.5, select: either}\n"
    "  - {ioa: 5005, type: 48, minimum: 0}\n"
    "  - {ioa: 5006, type: 62, maximum: 0}\n";

static void test_every_key(void **state)
{
    static const char csv[] = "time_ms,ioa,value\r\n"
                              "# a day\r\n"
                              "\r\n"
                              "0,1101,0\r\n"
                              "1500.5,1003,1\r\n"
                              "1500.5,2001,2";
    const struct site_file files[] = {{"rtu.yaml", every_key, sizeof every_key - 1},
                                      {"day.csv", csv, sizeof csv - 1}};
    (void)state;
    struct sim_plan read = sim_plan_parse(files, 2, NULL, 1);
    print_faults(&read);
    assert_true(read.usable);
    assert_int_equal(read.point_count, 20);
    const struct rtu_plan *plan = &read.plan;
    assert_int_equal(plan->ca, 258);
    assert_int_equal(plan->events, 500);
    assert_int_equal(plan->k, 20);
    assert_int_equal(plan->w, 10);
    assert_int_equal(plan->t1_us, KOMET_SECONDS(30));
    assert_int_equal(plan->t2_us, KOMET_SECONDS(5));
    assert_int_equal(plan->t3_us, KOMET_SECONDS(120));
    assert_int_equal(plan->seed, 42);
    assert_int_equal(plan->station.select_us, KOMET_SECONDS(5));
    assert_int_equal(plan->station.command_age_ms, 2500);
    assert_int_equal(plan->station.too_old, KOMET_TOO_OLD_DISCARDED);
    assert_false(plan->station.clock_sync);
    assert_true(plan->station.broadcast_once && plan->station.limit_set_points);
    assert_true(plan->end_of_initialization);
    assert_int_equal(plan->connections, 4);
    assert_int_equal(plan->point_count, 12);
    const struct rtu_point *row = plan->points;
    assert_int_equal(row[0].ioa, 1001);
    assert_int_equal(row[0].type, 30);
    assert_int_equal(row[0].count, 8);
    assert_int_equal(row[0].pattern.kind, RTU_TOGGLE);
    assert_int_equal(row[0].pattern.period_us, KOMET_MS(200));
    assert_int_equal(row[0].pattern.for_us, KOMET_SECONDS(60));
    assert_int_equal(row[1].ioa, 1101); /* in order of address, not of the file */
    assert_true(row[1].number == 1);
    assert_int_equal(row[1].every_us, 0);
    assert_true(row[2].number == 0);
    assert_int_equal(row[3].pattern.kind, RTU_WALK);
    assert_true(row[3].pattern.from == 108 && row[3].pattern.to == 112 && row[3].pattern.step == 0.5);
    assert_int_equal(row[3].pattern.for_us, 0);
    assert_int_equal(row[4].pattern.kind, RTU_RAMP);
    assert_int_equal(row[4].pattern.period_us, KOMET_MS(100));
    assert_true(row[4].pattern.from == 5 && row[4].pattern.to == -5 && row[4].pattern.step == 2.5);
    assert_true(row[5].pattern.step == 0.5); /* a hundredth of the range */
    assert_int_equal(row[6].pattern.kind, RTU_CONSTANT);
    assert_true(row[6].number == 0.5);
    assert_int_equal(row[6].every_us, KOMET_SECONDS(10));
    assert_int_equal(row[7].follows, 1101);
    assert_int_equal(row[8].count, 2);
    assert_int_equal(row[0].groups, 0);
    assert_int_equal(row[1].groups, 1u << 15 | 1u << 0);
    assert_int_equal(row[7].select, KOMET_SELECT_REQUIRED);
    assert_int_equal(row[8].select, KOMET_SELECT_NEVER);
    assert_int_equal(row[9].select, KOMET_SELECT_EITHER);
    assert_true(row[8].minimum == 0 && row[8].maximum == 0); /* anything */
    assert_true(row[9].minimum == -5 && row[9].maximum == 5.5);
    assert_true(row[10].minimum == 0 && row[10].maximum == DBL_MAX);
    assert_true(row[11].minimum == -DBL_MAX && row[11].maximum == 0);
    assert_int_equal(plan->replay_count, 3);
    assert_int_equal(plan->replay[0].ioa, 1101);
    assert_int_equal(plan->replay[1].time_us, 1500500);
    assert_int_equal(plan->replay[1].ioa, 1003);
    assert_true(plan->replay[2].number == 2);
    sim_plan_release(&read);
}

static void test_what_is_left_out_is_the_standard(void **state)
{
    (void)state;
    struct sim_plan read = parse("points: [{ioa: 1, type: 1}]\n", 1);
    struct rtu_plan standard = rtu_plan_standard();
    assert_true(read.usable);
    assert_int_equal(read.plan.ca, 1);
    assert_int_equal(read.plan.events, standard.events);
    assert_int_equal(read.plan.k, 12);
    assert_int_equal(read.plan.w, 8);
    assert_int_equal(read.plan.t1_us, KOMET_SECONDS(15));
    assert_int_equal(read.plan.t2_us, KOMET_SECONDS(10));
    assert_int_equal(read.plan.t3_us, KOMET_SECONDS(20));
    assert_int_equal(read.plan.seed, standard.seed);
    assert_int_equal(read.plan.replay_count, 0);
    assert_int_equal(read.plan.station.select_us, KOMET_SECONDS(30));
    assert_int_equal(read.plan.station.command_age_ms, 0);
    assert_int_equal(read.plan.station.too_old, KOMET_TOO_OLD_REFUSED);
    assert_true(read.plan.station.clock_sync);
    assert_false(read.plan.station.broadcast_once || read.plan.station.limit_set_points);
    assert_false(read.plan.end_of_initialization);
    assert_int_equal(read.plan.connections, 1);
    assert_int_equal(read.plan.points[0].count, 1);
    sim_plan_release(&read);
}

static void test_speed_divides_the_times_of_the_process_only(void **state)
{
    static const char yaml[] = "t3: 30 s\nreplay: r.csv\npoints:\n"
                               "  - {ioa: 1, type: 30, toggle: {period: 10 s}, for: 100 s}\n"
                               "  - {ioa: 2, type: 13, constant: 1, cause: periodic, every: 5 s}\n"
                               "  - {ioa: 3, type: 30, toggle: {period: 1 h}, for: 1 ms}\n";
    static const char csv[] = "time_ms,ioa,value\n4000,1,1\n";
    const struct site_file files[] = {{"rtu.yaml", yaml, sizeof yaml - 1}, {"r.csv", csv, sizeof csv - 1}};
    (void)state;
    struct sim_plan read = sim_plan_parse(files, 2, NULL, 1000);
    print_faults(&read);
    assert_true(read.usable);
    assert_int_equal(read.plan.points[0].pattern.period_us, KOMET_MS(10));
    assert_int_equal(read.plan.points[0].pattern.for_us, KOMET_MS(100));
    assert_int_equal(read.plan.points[1].every_us, KOMET_MS(5));
    assert_int_equal(read.plan.replay[0].time_us, KOMET_MS(4));
    assert_int_equal(read.plan.t3_us, KOMET_SECONDS(30));
    sim_plan_release(&read);
    read = sim_plan_parse(files, 2, NULL, 100000);
    assert_true(read.usable);
    assert_int_equal(read.plan.points[2].pattern.for_us, 1); /* not 0, which means never */
    sim_plan_release(&read);
}

/* The demo's station has exactly what the demo's table names, in types that fit. */
static void test_the_demo_station_fits_the_demo_site(void **state)
{
    (void)state;
    struct sim_plan read = sim_plan_read("conf/demo/rtu.sim.yaml", 1);
    print_faults(&read);
    assert_true(read.usable);
    struct site_folder folder = site_folder_load("conf/demo");
    struct site_result result = site_read(folder.files, folder.count, NULL);
    assert_non_null(result.site);
    const struct station *station = site_find_station(result.site, "B.RTU");
    assert_non_null(station);
    assert_int_equal(read.plan.ca, station->ca);
    assert_int_equal(read.point_count, station->tag_count);
    for (uint32_t t = 0; t < station->tag_count; t++) {
        const struct tag *tag = &station->tags[t];
        const struct rtu_point *point = NULL;
        for (size_t i = 0; i < read.plan.point_count; i++) {
            const struct rtu_point *row = &read.plan.points[i];
            point = tag->ioa >= row->ioa && tag->ioa - row->ioa < row->count ? row : point;
        }
        if (point == NULL) {
            fail_msg("%s: the station has no address %u", tag->name, tag->ioa);
        } else if (tag_type_is_output(tag->type)) {
            assert_int_equal(point->type, tag->asdu);
            assert_int_not_equal(point->follows, 0);
            assert_non_null(station_find_input(station, point->follows));
        } else if (!tag_type_fits(tag->type, point->type)) {
            fail_msg("%s: type %u does not fit %s", tag->name, point->type, tag_type_name(tag->type));
        }
    }
    site_result_release(&result);
    site_folder_release(&folder);
    sim_plan_release(&read);
}

/* ---- wrong ones ---- */

static void test_mistakes_of_the_whole(void **state)
{
    (void)state;
    assert_faults("", "1:1: the file is empty; ca: and points: stand in it\n");
    assert_faults("ca: [1\n",
                  "2:1: not YAML: did not find expected ',' or ']'; check indentation, brackets and "
                  "quotes around this place\n");
    assert_faults("- 1\n", "1:1: the file is no mapping; 'key: value' pairs stand here\n");
    assert_faults("ca: 1\n",
                  "1:1: the station has no points; points: [{ioa: 1001, type: 30, constant: 0}]\n");
    assert_faults("points: 5\n",
                  "1:1: the station has no points; points: [{ioa: 1001, type: 30, constant: 0}]\n"
                  "1:9: points is no list; a list stands here, such as [\"10.3.0.5:2404\"]\n");
    assert_faults("ca: 0\nevents: 0\nk: 40000\nw: x\nt1: soon\nt2: -1\nt3: []\nseed: -1\nreplay: {}\n"
                  "pionts: []\npoints: [{ioa: 1, type: 1}]\nca: 2\n",
                  "1:5: ca is '0'; a whole number from 1 to 65534\n"
                  "2:9: events is '0'; a whole number from 1 to 10000000\n"
                  "3:4: k is '40000'; a whole number from 1 to 32767\n"
                  "4:4: w is 'x'; a whole number from 1 to 32767\n"
                  "5:5: t1 is 'soon'; a time with its unit, such as 500 ms, 5 s, 2 min, 1 h\n"
                  "6:5: t2 is '-1'; a time with its unit, such as 500 ms, 5 s, 2 min, 1 h\n"
                  "7:5: t3 is a list or a mapping; a single word or number stands here\n"
                  "8:7: seed is '-1'; a whole number from 0 to 2147483647\n"
                  "9:9: replay is a list or a mapping; a single word or number stands here\n"
                  "10:1: unknown key 'pionts'; did you mean 'points'?\n"
                  "12:1: 'ca' stands twice, first in line 1; leave one of them out\n");
}

static void test_mistakes_of_the_link(void **state)
{
    (void)state;
    assert_faults("points: [{ioa: 1, type: 1}]\nk: 4\n",
                  "2:4: w must be at least 1 and not above k; two thirds of k is recommended.\n");
    assert_faults("t2: 20 s\npoints: [{ioa: 1, type: 1}]\n",
                  "1:5: t2 must be above 0 and below t1; the standard value is 10 s.\n");
    assert_faults("points: [{ioa: 1, type: 1}]\nt1: 0\n",
                  "2:5: t1 must be above 0; the standard value is 15 s.\n");
}

static void test_mistakes_of_keys(void **state)
{
    (void)state;
    assert_faults(POINTS("  - 1001\n"), "2:5: a point is no mapping; 'key: value' pairs stand here\n");
    assert_faults(POINTS("  - {type: 30}\n  - {ioa: 1}\n  - {}\n"),
                  "2:5: 'ioa' is missing; such as {ioa: 1001, type: 30, constant: 0}\n"
                  "3:5: 'type' is missing; such as {ioa: 1001, type: 30, constant: 0}\n"
                  "4:5: 'ioa' is missing; such as {ioa: 1001, type: 30, constant: 0}\n");
    assert_faults(POINTS("  - {ioa: 0, type: 300, count: 0, follows: x}\n"),
                  "2:11: ioa is '0'; a whole number from 1 to 16777215\n"
                  "2:20: type is '300'; a whole number from 1 to 127\n"
                  "2:32: count is '0'; a whole number from 1 to 1000000\n"
                  "2:44: follows is 'x'; a whole number from 1 to 16777215\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, togle: {period: 1 s}}\n"),
                  "2:24: unknown key 'togle'; did you mean 'toggle'?\n");
    assert_faults(
        POINTS("  - {ioa: 1, type: 30, colour: red}\n"),
        "2:24: unknown key 'colour'; a point takes: ioa, type, count, constant, ramp, walk, toggle, for, "
        "follows, cause, every, groups, select, minimum, maximum\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, constant: 1, toggle: {period: 1 s}}\n"),
                  "2:5: the points have 2 patterns; one of constant, ramp, walk, toggle\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, constant: 1, for: 1 s}\n  - {ioa: 2, type: 30, for: 1 s}\n"),
                  "2:5: 'for' ends a ramp, walk or toggle; leave it out\n"
                  "3:5: 'for' ends a ramp, walk or toggle; leave it out\n");
    assert_faults(POINTS("  - {ioa: 1, type: 13, cause: periodic}\n  - {ioa: 2, type: 13, every: 1 s}\n"
                         "  - {ioa: 3, type: 13, cause: spontaneous, every: 1 s}\n"),
                  "2:5: cause: periodic and every: go together; cause: periodic, every: 10 s\n"
                  "3:5: cause: periodic and every: go together; cause: periodic, every: 10 s\n"
                  "4:5: cause: periodic and every: go together; cause: periodic, every: 10 s\n");
    assert_faults(POINTS("  - {ioa: 1, type: 13, cause: often}\n"),
                  "2:31: cause is 'often'; one of: spontaneous, periodic\n");
}

static void test_mistakes_of_patterns(void **state)
{
    (void)state;
    assert_faults(POINTS("  - {ioa: 1, type: 30, constant: much}\n  - {ioa: 2, type: 30, constant: nan}\n"),
                  "2:34: constant is 'much'; a number, such as 12.5\n"
                  "3:34: constant is 'nan'; a number, such as 12.5\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, toggle: 5 s}\n"),
                  "2:32: toggle is no mapping; 'key: value' pairs stand here\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, toggle: {}}\n"), "2:32: toggle: 'period' is missing\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, toggle: {period: 0}}\n"),
                  "2:41: period is not above 0; a time above 0\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, toggle: {period: 5 weeks}}\n"),
                  "2:41: period is '5 weeks'; a time with its unit, such as 500 ms, 5 s, 2 min, 1 h\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, toggle: {period: 1 s, from: 0}}\n"),
                  "2:46: unknown key 'from'; toggle takes: period\n");
    assert_faults(POINTS("  - {ioa: 1, type: 36, ramp: {step: 1}}\n"), "2:30: ramp: 'period' is missing\n"
                                                                       "2:30: ramp: 'from' is missing\n"
                                                                       "2:30: ramp: 'to' is missing\n");
    assert_faults(POINTS("  - {ioa: 1, type: 36, walk: {period: 1 s, from: a, to: 2}}\n"),
                  "2:50: from is 'a'; a number, such as 12.5\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, toggle: {period: 25 h}}\n"),
                  "2:5: the period of a pattern is above 0 and at most 24 hours\n");
    assert_faults(POINTS("  - {ioa: 1, type: 36, ramp: {period: 1 s, from: 0, to: 1, step: 2}}\n"
                         "  - {ioa: 2, type: 36, ramp: {period: 1 s, from: 1, to: 1}}\n"
                         "  - {ioa: 3, type: 36, walk: {period: 1 s, from: 2, to: 1}}\n"),
                  "2:5: the step of a pattern is above 0, at most the range, and at least a millionth of it\n"
                  "3:5: the step of a pattern is above 0, at most the range, and at least a millionth of it\n"
                  "4:5: a walk goes between a lower `from` and a higher `to`\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, count: 1000000, toggle: {period: 1 s}}\n"),
                  "2:5: the points of one row change at most 100,000 times a second together\n");
}

static void test_mistakes_of_types_and_addresses(void **state)
{
    (void)state;
    assert_faults(POINTS("  - {ioa: 1, type: 20}\n  - {ioa: 2, type: 100}\n"),
                  "2:5: types are 1 to 16, 21, 30 to 40, or a command: 45 to 51, 58 to 64\n"
                  "3:5: types are 1 to 16, 21, 30 to 40, or a command: 45 to 51, 58 to 64\n");
    assert_faults(POINTS("  - {ioa: 16777215, type: 30, count: 2}\n"),
                  "2:5: addresses go from 1 to 16777215, and a row has 1 to 1000000 points\n");
    /* 1 to 10, in it 5, and 8 and 10 behind that; at the end of it one that is told at its own place */
    assert_faults(
        POINTS("  - {ioa: 1, type: 30, count: 10}\n  - {ioa: 5, type: 30}\n  - {ioa: 10, type: 36}\n"
               "  - {ioa: 11, type: 36}\n  - {ioa: 11, type: 45}\n"),
        "3:5: address 5 is also one of line 2; give each point its own address\n"
        "4:5: address 10 is also one of line 2; give each point its own address\n"
        "6:5: address 11 is also one of line 5; give each point its own address\n");
    assert_faults(
        POINTS("  - {ioa: 1, type: 30, count: 600000}\n  - {ioa: 700000, type: 30, count: 400001}\n"),
        "3:5: a station has at most 1000000 points\n");
}

static void test_mistakes_of_commands(void **state)
{
    static const char follows[] =
        "`follows` names points of monitor direction, as many in one row as there are commands\n";
    char expected[1024];
    (void)state;
    assert_faults(POINTS("  - {ioa: 1, type: 45, toggle: {period: 1 s}}\n"
                         "  - {ioa: 2, type: 45, cause: periodic, every: 1 s}\n"),
                  "2:5: a command has no pattern of its own\n3:5: a command has no pattern of its own\n");
    assert_faults(POINTS("  - {ioa: 1, type: 30, follows: 2}\n  - {ioa: 2, type: 30}\n"),
                  "2:5: only a command has `follows`\n");
    snprintf(expected, sizeof expected, "2:5: %s3:5: %s4:5: %s", follows, follows, follows);
    assert_faults(POINTS("  - {ioa: 1, type: 45, follows: 99}\n"           /* nothing there */
                         "  - {ioa: 2, type: 45, follows: 1}\n"            /* a command */
                         "  - {ioa: 3, type: 45, count: 2, follows: 12}\n" /* one point too few */
                         "  - {ioa: 11, type: 30, count: 2}\n"),
                  expected);
    /* what follows a wrong point is told of no mistake of its own */
    assert_faults(POINTS("  - {ioa: 11, type: 30, constant: x}\n  - {ioa: 1, type: 45, follows: 11}\n"),
                  "2:35: constant is 'x'; a number, such as 12.5\n");
    assert_faults(POINTS("  - {ioa: 1, type: 45, follows: 13}\n  - {ioa: 11, type: 30, count: 5}\n"
                         "  - {ioa: 12, type: 45}\n"),
                  "4:5: address 12 is also one of line 3; give each point its own address\n");
}

static void test_mistakes_of_answering(void **state)
{
    (void)state;
    assert_faults("points: [{ioa: 1, type: 1}]\nselect_time: 0\ncommand_age: old\ntoo_old: ignored\n"
                  "clock_sync: maybe\nbroadcast_once: 2\nlimit_set_points: []\nend_of_initialization: x\n",
                  "2:14: select_time is not above 0; a time above 0\n"
                  "3:14: command_age is 'old'; a time with its unit, such as 500 ms, 5 s, 2 min, 1 h\n"
                  "4:10: too_old is 'ignored'; one of: refused, discarded\n"
                  "5:13: clock_sync is 'maybe'; one of: false, true, no, yes\n"
                  "6:17: broadcast_once is '2'; one of: false, true, no, yes\n"
                  "7:19: limit_set_points is a list or a mapping; a single word or number stands here\n"
                  "8:24: end_of_initialization is 'x'; one of: false, true, no, yes\n");
    assert_faults(POINTS("  - {ioa: 1, type: 1, groups: 3}\n  - {ioa: 2, type: 1, groups: [0, 17, x]}\n"),
                  "2:31: groups is no list; a list stands here, such as [\"10.3.0.5:2404\"]\n"
                  "3:32: a group is '0'; a whole number from 1 to 16\n"
                  "3:35: a group is '17'; a whole number from 1 to 16\n"
                  "3:39: a group is 'x'; a whole number from 1 to 16\n");
    assert_faults(POINTS("  - {ioa: 1, type: 37, groups: [4]}\n  - {ioa: 2, type: 15, groups: [5]}\n"
                         "  - {ioa: 3, type: 38, groups: [1]}\n  - {ioa: 4, type: 45, groups: [1]}\n"),
                  "3:5: counters have the groups 1 to 4\n"
                  "4:5: commands and events of protection equipment are in no group\n"
                  "5:5: commands and events of protection equipment are in no group\n");
    assert_faults(POINTS("  - {ioa: 1, type: 45, select: maybe}\n  - {ioa: 2, type: 30, select: never}\n"
                         "  - {ioa: 3, type: 64, select: required}\n"),
                  "2:32: select is 'maybe'; one of: either, required, never\n"
                  "3:5: only a command has `select`\n"
                  "4:5: a bit string has no select that could be required\n");
    assert_faults(
        POINTS("  - {ioa: 1, type: 50, minimum: 5, maximum: 5}\n  - {ioa: 2, type: 45, maximum: 1}\n"
               "  - {ioa: 3, type: 51, minimum: 1}\n  - {ioa: 4, type: 61, minimum: low}\n"),
        "2:5: `minimum` and `maximum` are a set point's, and the minimum is below the maximum\n"
        "3:5: `minimum` and `maximum` are a set point's, and the minimum is below the maximum\n"
        "4:5: `minimum` and `maximum` are a set point's, and the minimum is below the maximum\n"
        "5:33: minimum is 'low'; a number, such as 12.5\n");
}

static void assert_replay_faults(const char *csv, const char *expected)
{
    static const char yaml[] = "replay: r.csv\n"
                               "points:\n"
                               "  - {ioa: 1, type: 30}\n"
                               "  - {ioa: 2, type: 45}\n"
                               "  - {ioa: 3, type: 13, cause: periodic, every: 1 s}\n";
    const struct site_file files[] = {{"rtu.yaml", yaml, sizeof yaml - 1}, {"r.csv", csv, strlen(csv)}};
    struct sim_plan plan = sim_plan_parse(files, 2, NULL, 1);
    assert_faults_of(&plan, expected);
}

static void test_mistakes_of_a_replay(void **state)
{
    (void)state;
    assert_replay_faults("", "r.csv:1:1: the first row names the columns; time_ms,ioa,value\n");
    assert_replay_faults("time,ioa,value\n",
                         "r.csv:1:1: the first row names the columns; time_ms,ioa,value\n");
    assert_replay_faults(
        "time_ms,ioa,value\n5,1\n\nx,1,1\n5,1,1,1\n-1,1,1\n5,16777216,1\n5,1,inf\n",
        "r.csv:2:1: '5,1' is no timed event; such as 1500,1001,1: ms since the start, address, value\n"
        "r.csv:4:1: 'x,1,1' is no timed event; such as 1500,1001,1: ms since the start, address, value\n"
        "r.csv:5:1: '5,1,1,1' is no timed event; such as 1500,1001,1: ms since the start, address, value\n"
        "r.csv:6:1: '-1,1,1' is no timed event; such as 1500,1001,1: ms since the start, address, value\n"
        "r.csv:7:1: '5,16777216,1' is no timed event; such as 1500,1001,1: ms since the start, address, "
        "value\n"
        "r.csv:8:1: '5,1,inf' is no timed event; such as 1500,1001,1: ms since the start, address, value\n");
    assert_replay_faults(
        "time_ms,ioa,value\n5,1,1\n5,2,1\n5,3,1\n5,4,1\n4,1,0\n5,1,0\n",
        "r.csv:3:1: address 2 has no events; an address of `points`, of a spontaneous point\n"
        "r.csv:4:1: address 3 has no events; an address of `points`, of a spontaneous point\n"
        "r.csv:5:1: address 4 has no events; an address of `points`, of a spontaneous point\n"
        "r.csv:6:1: the time goes back; sort the rows by time_ms\n");
    assert_faults("points: [{ioa: 1, type: 30}]\nreplay: away.csv\n",
                  "2:9: away.csv: No such file or directory\n");
}

/* A mistake never hides the next one. */
static void test_mistakes_of_all_kinds_together(void **state)
{
    (void)state;
    assert_faults("ca: 70000\n"
                  "points:\n"
                  "  - {ioa: 1, type: 30, toggle: {period: 0 s}}\n"
                  "  - {ioa: 2, type: 77}\n"
                  "  - {ioa: 2, type: 30}\n"
                  "replay: away.csv\n",
                  "1:5: ca is '70000'; a whole number from 1 to 65534\n"
                  "3:41: period is not above 0; a time above 0\n"
                  "4:5: types are 1 to 16, 21, 30 to 40, or a command: 45 to 51, 58 to 64\n"
                  "5:5: address 2 is also one of line 4; give each point its own address\n"
                  "6:9: away.csv: No such file or directory\n");
}

/* ---- files ---- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_a_replay_is_looked_for_beside_its_file(void **state)
{
    char folder[] = "/tmp/komet-sim-plan-XXXXXX", path[256], expected[512];
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file(folder, "rtu.yaml", "points: [{ioa: 1, type: 30}]\nreplay: day.csv\n");
    snprintf(path, sizeof path, "%s/rtu.yaml", folder);
    struct sim_plan plan = sim_plan_read(path, 1);
    snprintf(expected, sizeof expected, "%s:2:9: %s/day.csv: No such file or directory\n", path, folder);
    assert_faults_of(&plan, expected);
    write_file(folder, "day.csv", "time_ms,ioa,value\n100,2,1\n");
    plan = sim_plan_read(path, 1);
    snprintf(expected, sizeof expected,
             "%s/day.csv:2:1: address 2 has no events; an address of `points`, of a spontaneous point\n",
             folder);
    assert_faults_of(&plan, expected);
    write_file(folder, "day.csv", "time_ms,ioa,value\n100,1,1\n");
    plan = sim_plan_read(path, 1);
    assert_true(plan.usable);
    assert_int_equal(plan.plan.replay_count, 1);
    sim_plan_release(&plan);
    plan = sim_plan_read(folder, 1); /* a folder */
    snprintf(expected, sizeof expected, "%s:0:0: Is a directory\n", folder);
    assert_faults_of(&plan, expected);
    assert_int_equal(remove(path), 0);
    plan = sim_plan_read(path, 1);
    snprintf(expected, sizeof expected, "%s:0:0: No such file or directory\n", path);
    assert_faults_of(&plan, expected);
    snprintf(path, sizeof path, "%s/day.csv", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_what_is_left_out_is_the_standard),
        cmocka_unit_test(test_speed_divides_the_times_of_the_process_only),
        cmocka_unit_test(test_the_demo_station_fits_the_demo_site),
        cmocka_unit_test(test_mistakes_of_the_whole),
        cmocka_unit_test(test_mistakes_of_the_link),
        cmocka_unit_test(test_mistakes_of_keys),
        cmocka_unit_test(test_mistakes_of_patterns),
        cmocka_unit_test(test_mistakes_of_types_and_addresses),
        cmocka_unit_test(test_mistakes_of_commands),
        cmocka_unit_test(test_mistakes_of_answering),
        cmocka_unit_test(test_mistakes_of_a_replay),
        cmocka_unit_test(test_mistakes_of_all_kinds_together),
        cmocka_unit_test(test_a_replay_is_looked_for_beside_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
