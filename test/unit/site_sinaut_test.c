/* What a site says of a Sinaut line: partners, instances, parameters that belong together. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/site_difference.h"
#include "site/reader.h"

/* One line `L.A` with station B.A, whose parameters are these. */
static struct site_result read_parameters(const char *parameters)
{
    static char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "site: s\nprocesses:\n  SELF.KOM:\n    lines:\n      L.A:\n        hosts: [\"10.1.0.1\"]\n"
             "        stations: {B.A: {address: 1, parameters: {%s}}}\n",
             parameters);
    const struct site_file file = {"site.yaml", yaml, strlen(yaml)};
    return site_read(&file, 1, NULL);
}

static void test_parameters_that_belong_together(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *fault, *warning;
    } cases[] = {
        {"K: 12, W: 8", NULL, NULL},
        {"K: 12, W: 9", NULL, "W is 9 and K is 12"},
        {"K: 9, W: 9", "W is 9 and K is 9", NULL},
        {"WT1: 10 s, WT2: 10 s", "WT2 is 10000 ms and WT1 is 10000 ms", NULL},
        {"SCE: 6", "SHE is 5 and SCE is 6", NULL},
        {"SCE: 5, SHE: 5", NULL, NULL},
        {"SH: \"10.1.0.11\", sh: \"10.1.0.12\"", "'sh' stands twice", "SH belongs to the whole line"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct site_result result = read_parameters(cases[i].parameters);
        assert_int_equal(result.fault_count, cases[i].fault != NULL);
        assert_int_equal(result.warning_count, cases[i].warning != NULL);
        if (cases[i].fault != NULL) {
            assert_non_null(strstr(result.faults[0].what, cases[i].fault));
        }
        if (cases[i].warning != NULL) {
            assert_non_null(strstr(result.warnings[0].what, cases[i].warning));
        }
        site_result_release(&result);
    }
}

static void test_the_parameters_of_a_sinaut_station(void **state)
{
    (void)state;
    struct site_result result =
        read_parameters("SP: 2405, Server Host: ALL, SKO: no, SRCS: 2, Tcp Keep Init: 20, PCNT: 4, "
                        "Ping TimeOut: 500, IT: true, ARMSD: 2, ICCI: false, ICCP: YES");
    assert_non_null(result.site);
    const struct station *station = site_find_station(result.site, "B.A");
    const int64_t *line = station->line->parameters.value, *own = station->parameters.value;
    assert_int_equal(line[PARAMETER_SP], 2405);
    assert_string_equal(station->line->parameters.server_host, "ALL");
    assert_int_equal(line[PARAMETER_SKO], 0);
    assert_int_equal(line[PARAMETER_SRCS], 2);
    assert_int_equal(line[PARAMETER_TKI], 20);
    assert_int_equal(line[PARAMETER_PCNT], 4);
    assert_int_equal(line[PARAMETER_PTO], 500);
    assert_int_equal(line[PARAMETER_IT], 1);
    assert_int_equal(line[PARAMETER_ARMSD], 2);
    assert_int_equal(own[PARAMETER_ICCI], 0);
    assert_int_equal(own[PARAMETER_ICCP], 1);
    site_result_release(&result);
}

static const char *const redundant =
    "site: s\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    instances:\n"
    "      1: {L.SPECTRUM: {local: [10.1.0.11, 10.2.0.11]}}\n"
    "      2: {L.SPECTRUM: {local: [10.1.0.12, 10.2.0.12]}, L.PEER: {parameters: {SP: 2405}}}\n"
    "    lines:\n"
    "      L.SPECTRUM:\n"
    "        protocol: iec104-sinaut\n"
    "        category: tcp-redundant\n"
    "        number: 7\n"
    "        partners:\n"
    "          - {name: SPECTRUM-A, addresses: [\"10.1.0.1:2404\", \"10.2.0.1\"]}\n"
    "          - {name: SPECTRUM-B, addresses: [\"10.1.0.2:2406\", \"[2001:db8::2]:2404\"]}\n"
    "        stations: {B.NORTH: {address: \"2,1\", parameters: {OIC: 1, OCIC: 2}}}\n"
    "      L.PEER:\n"
    "        protocol: iec104-sinaut\n"
    "        category: tcp-redundant\n"
    "        partners: [[\"10.1.0.21\", \"10.2.0.21\"], [\"10.1.0.22\", \"10.2.0.22\"]]\n"
    "        stations: {B.PEER: {address: 3, parameters: {SP: 2404, SH: ALL}}}\n";

static struct site_result read_for(const char *yaml, unsigned instance, bool not_built)
{
    const struct site_file file = {"site.yaml", yaml, strlen(yaml)};
    return site_read_wanted(&file, 1, &(struct site_wanted){"SELF.KOM", instance, not_built});
}

static void test_a_redundant_partner(void **state)
{
    (void)state;
    struct site_result result = read_for(redundant, 0, true);
    assert_non_null(result.site);
    const struct line *line = site_find_line(result.site, "L.SPECTRUM"),
                      *peer = site_find_line(result.site, "L.PEER");
    assert_int_equal(line->protocol, PROTOCOL_IEC104_SINAUT);
    assert_int_equal(line->category, CATEGORY_TCP_REDUNDANT);
    assert_string_equal(line_protocol_name(line->protocol), "iec104-sinaut");
    assert_string_equal(line_category_name(line->category), "tcp-redundant");
    assert_int_equal(line->number, 7);
    assert_int_equal(line->partner_count, 2);
    assert_string_equal(line->partners[0].name, "SPECTRUM-A");
    assert_string_equal(line->partners[0].addresses[1].host, "10.2.0.1");
    assert_int_equal(line->partners[0].addresses[1].port, 2404);
    assert_int_equal(line->partners[1].addresses[0].port, 2406);
    assert_string_equal(line->partners[1].addresses[1].host, "2001:db8::2");
    assert_int_equal(line->stations[0].ca, 513);
    assert_int_equal(line_connections(line), 4);
    assert_false(line_listens(line));
    assert_null(line->local[0]);
    assert_true(line_listens(peer));
    assert_string_equal(peer->listen.host, "0.0.0.0");
    assert_int_equal(peer->listen.port, 2404);
    assert_string_equal(peer->partners[1].name, "B");
    site_result_release(&result);
}

static void test_an_instance_has_its_own_addresses(void **state)
{
    (void)state;
    static const char *const local[3] = {NULL, "10.2.0.11", "10.2.0.12"};
    for (unsigned instance = 1; instance <= 2; instance++) {
        struct site_result result = read_for(redundant, instance, true);
        assert_non_null(result.site);
        assert_string_equal(site_find_line(result.site, "L.SPECTRUM")->local[1], local[instance]);
        const struct line *peer = site_find_line(result.site, "L.PEER");
        assert_int_equal(peer->parameters.value[PARAMETER_SP], 2403 + instance);
        assert_string_equal(peer->parameters.server_host, "ALL");
        site_result_release(&result);
    }
}

static void test_what_is_not_built_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"{hosts: [a], protocol: iec101}", "{hosts: [a], category: serial}"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "site: s\nprocesses: {SELF.KOM: {lines: {L.A: %s}}}\n", lines[i]);
        struct site_result result = read_for(yaml, 0, false);
        assert_null(result.site);
        assert_int_equal(result.fault_count, 1);
        assert_non_null(strstr(result.faults[0].what, "is not in this version"));
        site_result_release(&result);
    }
    struct site_result result = read_for(redundant, 0, false);
    assert_non_null(result.site);
    site_result_release(&result);
}

/* The keys of a Sinaut line in place of its partners, and what is said of them. */
static void test_mistakes_of_a_sinaut_line(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *what;
    } cases[] = {
        {"partners: [[10.1.0.1]]", NULL},
        {"partners: []", "has no partner"},
        {"category: tcp", "has no partner"},
        {"partners: [[]]", "partner A has no address"},
        {"partners: [{name: X}]", "partner X has no address"},
        {"partners: [[a, b, c]]", "more than 2 addresses of partner A"},
        {"partners: [[a], [b], [c]]", "more than 2 partners of line"},
        {"partners: [[a, b], [c, A]]", "two connections of line 'L.A' have the address A"},
        {"partners: [[\"a:1\", \"a:2\"]]", NULL},
        {"parameters: {SP: 2404, SH: ALL}, partners: [[\"a:1\", \"a:2\"]]", "two connections"},
        {"parameters: {SP: 2404}, partners: [[a]]", "has only one of SP and SH"},
        {"parameters: {SRCS: 3}, partners: [[a, b]]", "SRCS is 3, and line 'L.A' has 2 connections"},
        {"category: tcp, partners: [[a, b]]", "has 2 connections, and category tcp has one"},
        {"category: tcp, partners: [[a]]", NULL},
        {"hosts: [a], partners: [[a]]", "has hosts"},
        {"partners: [[a]], number: 256", "number is '256'"},
        {"partners: [[a]], local: [x, y, z]", "more than 2 local addresses"},
        {"protocol: iec104, partners: [[a]]", "has partners"},
        {"protocol: iec104, category: tcp, hosts: [a], local: [x]",
         "local is for a line of protocol iec104-sinaut"},
        {"partners: [[a]], stations: {B.A: {address: 1}, B.B: {address: \"0,1\"}}",
         "have the same address 1"},
        {"partners: [[a]], stations: {B.A: {address: \"#FFFF\"}}", "is no common address"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "site: s\nprocesses: {SELF.KOM: {lines: {L.A: {%s%s%s}}}}\n",
                 strstr(cases[i].keys, "protocol:") != NULL ? "" : "protocol: iec104-sinaut, ",
                 strstr(cases[i].keys, "category:") != NULL ? "" : "category: tcp-redundant, ",
                 cases[i].keys);
        struct site_result result = read_for(yaml, 0, true);
        assert_int_equal(result.fault_count > 0, cases[i].what != NULL);
        bool found = cases[i].what == NULL;
        for (unsigned k = 0; k < result.fault_count; k++) {
            found = found || strstr(result.faults[k].what, cases[i].what) != NULL;
        }
        assert_true(found);
        site_result_release(&result);
    }
}

/* The rows of a table of outputs and inputs on a line of a protocol, and what is said of them. */
static void test_outputs_and_inputs_on_one_address(void **state)
{
    (void)state;
    static const struct {
        const char *protocol, *rows, *what;
    } cases[] = {
        {"iec104-sinaut", "M.1,Di,1,\nM.2,Dout,1,1\nM.3,Dout,1,45\nM.4,Di,%IGNORE 1,\n", NULL},
        {"iec104-sinaut", "M.1,Dout,\"0,0,1\",45\nM.2,Dout,#1,45\n",
         "outputs 'M.1' and 'M.2' of station 'B.A' send type 45 to the same address 1"},
        {"iec104-sinaut", "M.1,Dout,1,45\nM.2,Dout,%IGNORE 1,45\n", NULL},
        {"iec104-sinaut", "M.1,Di,1,\nM.2,Di,1,\n", "have the same address 1"},
        {"iec104-sinaut", "M.1,Ao,1,1\n", "type 1 does not go with a tag of type Ao"},
        {"iec104", "M.1,Dout,1,1\n", "output 'M.1' would send type 1, and line 'L.A' gives commands only"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512], table[512];
        bool sinaut = strcmp(cases[i].protocol, "iec104-sinaut") == 0;
        snprintf(
            yaml, sizeof yaml,
            "site: s\nprocesses: {SELF.KOM: {lines: {L.A: {protocol: %s, %s, stations: {B.A: {address: 1, "
            "tags: a.csv}}}}}}\n",
            cases[i].protocol, sinaut ? "partners: [[a]]" : "hosts: [a]");
        snprintf(table, sizeof table, "name,type,address,asdu\n%s", cases[i].rows);
        const struct site_file files[] = {{"site.yaml", yaml, strlen(yaml)}, {"a.csv", table, strlen(table)}};
        struct site_result result = site_read_wanted(files, 2, &(struct site_wanted){.not_built = true});
        assert_int_equal(result.fault_count, cases[i].what != NULL);
        if (cases[i].what != NULL) {
            assert_non_null(strstr(result.faults[0].what, cases[i].what));
        }
        site_result_release(&result);
    }
}

static enum line_change changed_to(const char *name, const char *from, const char *to)
{
    static char yaml[4096];
    const char *at = strstr(redundant, from);
    assert_non_null(at);
    snprintf(yaml, sizeof yaml, "%.*s%s%s", (int)(at - redundant), redundant, to, at + strlen(from));
    struct site_result before = read_for(redundant, 2, true), after = read_for(yaml, 2, true);
    assert_non_null(after.site);
    size_t size = site_difference_size(before.site, after.site);
    void *memory = malloc(size);
    assert_non_null(memory);
    struct site_difference *difference = site_difference_make(memory, size, before.site, after.site);
    enum line_change change = difference_line_change(difference, site_find_line(after.site, name));
    free(memory);
    site_result_release(&before);
    site_result_release(&after);
    return change;
}

static void test_another_partner_or_address_of_ours_is_another_connection(void **state)
{
    (void)state;
    assert_int_equal(changed_to("L.SPECTRUM", "10.2.0.1", "10.2.0.1"), LINE_SAME);
    assert_int_equal(changed_to("L.SPECTRUM", "SPECTRUM-A", "OTHER"), LINE_SAME);
    assert_int_equal(changed_to("L.SPECTRUM", "10.2.0.1\"", "10.2.0.9\""), LINE_RECONNECTS);
    assert_int_equal(changed_to("L.SPECTRUM", "2406", "2407"), LINE_RECONNECTS);
    assert_int_equal(changed_to("L.SPECTRUM", "10.2.0.12", "10.2.0.13"), LINE_RECONNECTS);
    assert_int_equal(changed_to("L.SPECTRUM", "10.2.0.11", "10.2.0.13"), LINE_SAME); /* another instance's */
    assert_int_equal(changed_to("L.PEER", "SH: ALL", "SH: 10.1.0.5"), LINE_RECONNECTS);
}

static void test_mistakes_of_instances(void **state)
{
    (void)state;
    static const struct {
        const char *instances, *what;
    } cases[] = {
        {"{16: {L.A: {}}}", "'16' is no instance"},
        {"{x: {L.A: {}}}", "'x' is no instance"},
        {"{1: {L.B: {}}}", "process 'SELF.KOM' has no line 'L.B'"},
        {"{1: {L.A: {number: 3}}}", "unknown key 'number'"},
        {"{1: {L.A: {parameters: {K: 5}}}}", "W is 8 and K is 5"},
        {"{1: {L.A: {parameters: {OIC: 2}}}}", "OIC is a parameter of stations"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "site: s\nprocesses: {SELF.KOM: {instances: %s, lines: {L.A: {hosts: [a]}}}}\n",
                 cases[i].instances);
        struct site_result result = read_for(yaml, 0, true); /* told to all, not to that instance alone */
        assert_int_equal(result.fault_count, 1);
        assert_non_null(strstr(result.faults[0].what, cases[i].what));
        site_result_release(&result);
    }
}

/* One Sinaut line (or another protocol) with this table. */
static struct site_result read_table(const char *protocol, const char *table)
{
    static char yaml[512];
    bool sinaut = strcmp(protocol, "iec104-sinaut") == 0;
    snprintf(yaml, sizeof yaml,
             "site: s\nprocesses: {SELF.KOM: {lines: {L.A: {protocol: %s, %s, stations: {B.A: {address: 1, "
             "tags: a.csv}}}}}}\n",
             protocol, sinaut ? "partners: [[10.1.0.1]]" : "hosts: [10.1.0.1]");
    const struct site_file files[] = {{"site.yaml", yaml, strlen(yaml)}, {"a.csv", table, strlen(table)}};
    return site_read(files, 2, NULL);
}

#define TABLE "name,type,address,asdu,unit,source,destination,processing\n"

static void test_a_column_has_rows(void **state)
{
    (void)state;
    struct site_result result =
        read_table("iec104-sinaut",
                   TABLE "M.OUT,Ao,5,13,,M.ROW[2],,\nM.COL,Ai,10,,kV,,M.ROW(3),scale=2\nM.Z,Di,20,,,,,\n");
    assert_int_equal(result.fault_count, 0);
    const struct tag *master = site_find_tag(result.site, "M.COL");
    const struct tag *first = site_find_tag(result.site, "m.row[1]"),
                     *last = site_find_tag(result.site, "M.ROW[3]");
    assert_non_null(first);
    assert_non_null(last);
    assert_null(site_find_tag(result.site, "M.ROW[4]"));
    assert_true(first->type == TAG_AI && first->ioa == 10 && last->ioa == 12);
    assert_string_equal(last->unit, "kV");
    assert_ptr_equal(last->processing, master->processing);
    assert_ptr_equal(last->master, master);
    assert_ptr_equal(master->first_row, first);
    assert_ptr_equal(station_find_input(master->station, 10), master);
    assert_ptr_equal(station_find_input(master->station, 12), last);
    assert_ptr_equal(site_find_tag(result.site, "M.OUT")->source, site_find_tag(result.site, "M.ROW[2]"));
    assert_int_equal(master->station->tag_count, 6);
    site_result_release(&result);
}

static void test_mistakes_of_columns(void **state)
{
    (void)state;
    static const struct {
        const char *protocol, *row, *fault;
    } cases[] = {
        {"iec104-sinaut", "M.COL,Ai,10,,,,M.ROW,\n", "destination 'M.ROW' is no column"},
        {"iec104-sinaut", "M.COL,Ai,10,,,,(3),\n", "destination '(3)' is no column"},
        {"iec104-sinaut", "M.COL,Ai,10,,,,M.ROW(0),\n", "destination 'M.ROW(0)' is no column"},
        {"iec104-sinaut", "M.COL,Ai,10,,,,M.ROW(3)x,\n", "destination 'M.ROW(3)x' is no column"},
        {"iec104-sinaut", "M.COL,Ao,10,13,,,M.ROW(3),\n", "tag 'M.COL' has a destination"},
        {"iec104", "M.COL,Ai,10,,,,M.ROW(3),\n", "tag 'M.COL' has a destination"},
        {"iec104-sinaut", "M.COL,Ai,16777214,,,,M.ROW(3),\n", "tag 'M.COL' has a destination"},
        {"iec104-sinaut", "M.COL,Ai,10,,,,M.ROW(3),\nM.X,Ai,12,,,,,\n", "have the same address 12"},
        {"iec104-sinaut", "M.COL,Ai,10,,,,M.ROW(3),\nM.ROW[2],Ai,20,,,,,\n", "M.ROW[2]"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char table[256];
        snprintf(table, sizeof table, TABLE "%s", cases[i].row);
        struct site_result result = read_table(cases[i].protocol, table);
        assert_true(result.fault_count == 1);
        assert_non_null(strstr(result.faults[0].what, cases[i].fault));
        site_result_release(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_that_belong_together),
        cmocka_unit_test(test_the_parameters_of_a_sinaut_station),
        cmocka_unit_test(test_a_redundant_partner),
        cmocka_unit_test(test_an_instance_has_its_own_addresses),
        cmocka_unit_test(test_what_is_not_built_is_refused),
        cmocka_unit_test(test_mistakes_of_a_sinaut_line),
        cmocka_unit_test(test_outputs_and_inputs_on_one_address),
        cmocka_unit_test(test_another_partner_or_address_of_ours_is_another_connection),
        cmocka_unit_test(test_mistakes_of_instances),
        cmocka_unit_test(test_a_column_has_rows),
        cmocka_unit_test(test_mistakes_of_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
