/* Which lines, stations and tags a site that is read again has changed, and what a line makes of it. */
#include "site_edit.h"

#include <stdlib.h>

#include "model/site_difference.h"

static const char yaml[] = "site: test\n"
                           "group: {name: G, servers: [{name: A, listen: \"127.0.0.1:1\"}]}\n"
                           "processes:\n"
                           "  SELF.KOM:\n"
                           "    lines:\n"
                           "      L.A:\n"
                           "        protocol: iec104\n"
                           "        category: tcp\n"
                           "        number: 3\n"
                           "        hosts: [\"10.0.0.1:2404\", \"10.0.0.2:2404\"]\n"
                           "        reconnect: 1 s\n"
                           "        parameters: {K: 12, PSD: 5 ms}\n"
                           "        stations:\n"
                           "          B.A: {address: 1, tags: a.csv, time: utc}\n"
                           "          B.B: {address: 2, tags: b.csv, time: utc}\n"
                           "      L.C:\n"
                           "        protocol: iec104\n"
                           "        category: tcp\n"
                           "        number: 4\n"
                           "        hosts: [\"10.0.0.3:2405\"]\n"
                           "        stations:\n"
                           "          B.C: {address: 1, tags: c.csv, time: utc}\n"
                           "  OTHER.KOM:\n"
                           "    lines:\n"
                           "      L.O:\n"
                           "        protocol: iec104\n"
                           "        category: tcp\n"
                           "        number: 5\n"
                           "        hosts: [\"10.0.0.4:2405\"]\n"
                           "        stations:\n"
                           "          B.O: {address: 1, tags: o.csv, time: utc}\n";
#define HEAD "name,type,address,asdu,unit,processing\n"
static const char a_csv[] =
    HEAD "M.A1,Di,1,,,\nM.A2,Ai,2,,kV,\nM.A3,Ai,3,,kV,deadband=0.5\nM.SET,Ao,6,50,,\n";
static const char b_csv[] = HEAD "M.B1,Di,1,,,\nM.B2,Di,2,,,\n";
static const char c_csv[] = HEAD "M.C1,Di,1,,,\n";
static const char o_csv[] = HEAD "M.O1,Di,1,,,\n";

static const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                         {"a.csv", a_csv, sizeof a_csv - 1},
                                         {"b.csv", b_csv, sizeof b_csv - 1},
                                         {"c.csv", c_csv, sizeof c_csv - 1},
                                         {"o.csv", o_csv, sizeof o_csv - 1}};

struct two {
    struct site_result before, after;
    struct site_difference *difference;
};

static struct two edit(const struct site_edit *edits)
{
    struct two two = {site_edited(files, 5, NULL), site_edited(files, 5, edits), NULL};
    size_t size = site_difference_size(two.before.site, two.after.site);
    void *memory = malloc(size);
    assert_non_null(memory);
    two.difference = site_difference_make(memory, size, two.before.site, two.after.site);
    return two;
}

static void release(struct two *two)
{
    free(two->difference);
    site_result_release(&two->before);
    site_result_release(&two->after);
}

#define EDIT(...) edit((const struct site_edit[]){__VA_ARGS__, {NULL, NULL, NULL}})

static enum line_change line_change(const struct two *two, const char *name)
{
    return difference_line_change(two->difference, site_find_line(two->after.site, name));
}

static enum station_change station_change(const struct two *two, const char *name)
{
    return difference_station_change(two->difference, site_find_station(two->after.site, name));
}

static bool is_kept(const struct two *two, const char *name)
{
    return difference_tag_is_kept(two->difference, site_find_tag(two->after.site, name));
}

static void assert_counts(struct difference_counts counts, uint32_t added, uint32_t removed, uint32_t changed)
{
    assert_int_equal(counts.added, added);
    assert_int_equal(counts.removed, removed);
    assert_int_equal(counts.changed, changed);
}

/* What is found in one direction is found in the other. */
static void assert_matches(const struct two *two)
{
    const struct site *before = two->before.site, *after = two->after.site;
    for (uint32_t i = 0; i < before->tag_count; i++) {
        const struct tag *now = difference_tag(two->difference, before->tags[i]);
        if (now != NULL) {
            assert_int_equal(name_compare(now->name, before->tags[i]->name), 0);
            assert_ptr_equal(difference_tag_was(two->difference, now), before->tags[i]);
        }
    }
    for (unsigned p = 0; p < after->process_count; p++) {
        const struct process *process = &after->processes[p];
        for (unsigned i = 0; i < process->station_count; i++) {
            const struct station *was = difference_station_was(two->difference, process->stations[i]);
            if (was != NULL) {
                assert_ptr_equal(difference_station(two->difference, was), process->stations[i]);
            }
        }
        for (unsigned i = 0; i < process->line_count; i++) {
            const struct line *was = difference_line_was(two->difference, &process->lines[i]);
            if (was != NULL) {
                assert_ptr_equal(difference_line(two->difference, was), &process->lines[i]);
            }
        }
    }
}

static void test_the_same_site_has_no_difference(void **state)
{
    (void)state;
    struct two two = edit(NULL);
    assert_counts(difference_lines(two.difference), 0, 0, 0);
    assert_counts(difference_stations(two.difference), 0, 0, 0);
    assert_counts(difference_tags(two.difference), 0, 0, 0);
    assert_int_equal(line_change(&two, "L.A"), LINE_SAME);
    assert_int_equal(station_change(&two, "B.A"), STATION_SAME);
    assert_true(is_kept(&two, "M.A3"));
    assert_matches(&two);
    release(&two);
}

/* A row in front moves all numbers behind it: the names find each other. */
static void test_a_new_tag_is_asked_for_and_nothing_else_changes(void **state)
{
    (void)state;
    struct two two = EDIT({"a.csv", "M.A1,Di", "M.A0,Di,9,,,\nM.A1,Di"});
    assert_counts(difference_tags(two.difference), 1, 0, 0);
    assert_counts(difference_stations(two.difference), 0, 0, 1);
    assert_counts(difference_lines(two.difference), 0, 0, 1);
    assert_null(difference_tag_was(two.difference, site_find_tag(two.after.site, "M.A0")));
    assert_int_equal(station_change(&two, "B.A"), STATION_ASKS);
    assert_int_equal(station_change(&two, "B.B"), STATION_SAME);
    assert_int_equal(line_change(&two, "L.A"), LINE_IN_PLACE);
    assert_int_equal(line_change(&two, "L.C"), LINE_SAME);
    assert_true(is_kept(&two, "M.A3") && is_kept(&two, "M.B1") && !is_kept(&two, "M.A0"));
    assert_matches(&two);
    release(&two);
}

static void test_a_tag_that_went_asks_nothing(void **state)
{
    (void)state;
    struct two two = EDIT({"b.csv", "M.B1,Di,1,,,\n", ""});
    assert_counts(difference_tags(two.difference), 0, 1, 0);
    assert_null(difference_tag(two.difference, site_find_tag(two.before.site, "M.B1")));
    assert_int_equal(station_change(&two, "B.B"), STATION_CHANGED);
    assert_int_equal(line_change(&two, "L.A"), LINE_IN_PLACE);
    assert_matches(&two);
    release(&two);
}

static void test_what_a_line_knows_of_a_tag(void **state)
{
    (void)state;
    struct two two = EDIT({"a.csv", "M.A1,Di,1", "M.A1,Di,5"}, {"a.csv", "M.A2,Ai,2,,kV", "M.A2,Ai,2,,MV"},
                          {"a.csv", "deadband=0.5", "deadband=0.6"}, {"b.csv", "M.B1,Di,1", "M.B1,Ai,1"});
    assert_false(is_kept(&two, "M.A1")); /* other address */
    assert_true(is_kept(&two, "M.A2"));  /* units are for people */
    assert_false(is_kept(&two, "M.A3")); /* compared otherwise */
    assert_null(difference_tag_was(two.difference, site_find_tag(two.after.site, "M.B1"))); /* other type */
    assert_counts(difference_tags(two.difference), 1, 1, 2);
    release(&two);
}

static void test_facts_of_a_connection_open_it_anew(void **state)
{
    (void)state;
    static const struct site_edit edits[] = {{"site.yaml", "K: 12", "K: 11"},
                                             {"site.yaml", "number: 3", "number: 7"},
                                             {"site.yaml", "10.0.0.2:2404", "10.0.0.2:2405"},
                                             {"site.yaml", "K: 12", "WT1: 16 s"}};
    for (unsigned i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct two two = edit((const struct site_edit[]){edits[i], {NULL, NULL, NULL}});
        assert_int_equal(line_change(&two, "L.A"), LINE_RECONNECTS);
        assert_int_equal(line_change(&two, "L.C"), LINE_SAME);
        assert_int_equal(station_change(&two, "B.A"), STATION_SAME);
        release(&two);
    }
}

static void test_facts_that_are_read_at_use_keep_it(void **state)
{
    (void)state;
    static const struct site_edit edits[] = {
        {"site.yaml", "reconnect: 1 s", "reconnect: 2 s"},
        {"site.yaml", "PSD: 5 ms", "PSD: 6 ms"},
        {"site.yaml", "{address: 1, tags: a.csv, time: utc}", "{address: 7, tags: a.csv, time: utc}"},
        {"site.yaml", "tags: a.csv, time: utc}", "tags: a.csv, time: utc, clock_sync: 60 s}"}};
    for (unsigned i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct two two = edit((const struct site_edit[]){edits[i], {NULL, NULL, NULL}});
        assert_int_equal(line_change(&two, "L.A"), LINE_IN_PLACE);
        assert_int_equal(station_change(&two, "B.B"), STATION_SAME);
        release(&two);
    }
}

static void test_a_station_comes_and_another_goes(void **state)
{
    (void)state;
    struct two two = EDIT({"site.yaml", "          B.A: {address: 1, tags: a.csv, time: utc}\n", ""},
                          {"site.yaml", "B.C: {address: 1, tags: c.csv, time: utc}\n",
                           "B.N: {address: 9, tags: a.csv, time: utc}\n"
                           "          B.C: {address: 1, tags: c.csv, time: utc}\n"});
    assert_counts(difference_stations(two.difference), 1, 1, 0);
    assert_counts(difference_lines(two.difference), 0, 0, 2);
    assert_int_equal(station_change(&two, "B.N"), STATION_ASKS);
    assert_int_equal(station_change(&two, "B.C"), STATION_SAME);
    assert_int_equal(line_change(&two, "L.A"), LINE_IN_PLACE);
    assert_int_equal(line_change(&two, "L.C"), LINE_IN_PLACE);
    /* The tags are the same for the server, not for a line. */
    assert_non_null(difference_tag_was(two.difference, site_find_tag(two.after.site, "M.A1")));
    assert_false(is_kept(&two, "M.A1"));
    assert_matches(&two);
    release(&two);
}

static void test_lines_and_processes_come_and_go(void **state)
{
    (void)state;
    struct two two = EDIT({"site.yaml", "  OTHER.KOM:\n", "  THIRD.KOM:\n"},
                          {"site.yaml", "      L.C:\n", "      L.D:\n"});
    assert_null(difference_process(two.difference, site_find_process(two.before.site, "OTHER.KOM")));
    assert_null(difference_process_was(two.difference, site_find_process(two.after.site, "THIRD.KOM")));
    /* L.O and B.O are in another process now, which is another thing. */
    assert_counts(difference_lines(two.difference), 2, 2, 0);
    assert_null(difference_line(two.difference, site_find_line(two.before.site, "L.O")));
    assert_null(difference_tag(two.difference, site_find_tag(two.before.site, "M.O1")));
    /* B.C is the same station, on another line: that has to ask it. */
    assert_non_null(difference_station(two.difference, site_find_station(two.before.site, "B.C")));
    assert_int_equal(station_change(&two, "B.C"), STATION_ASKS);
    assert_matches(&two);
    release(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_site_has_no_difference),
        cmocka_unit_test(test_a_new_tag_is_asked_for_and_nothing_else_changes),
        cmocka_unit_test(test_a_tag_that_went_asks_nothing),
        cmocka_unit_test(test_what_a_line_knows_of_a_tag),
        cmocka_unit_test(test_facts_of_a_connection_open_it_anew),
        cmocka_unit_test(test_facts_that_are_read_at_use_keep_it),
        cmocka_unit_test(test_a_station_comes_and_another_goes),
        cmocka_unit_test(test_lines_and_processes_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
