/* A site's files become a site, or all their mistakes at once. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "site/file_text.h"
#include "site/reader.h"

static void test_the_demo_site(void **state)
{
    (void)state;
    struct site_folder folder = site_folder_load("conf/demo");
    assert_string_equal(folder.fault, "");
    struct site_result result = site_read(folder.files, folder.count, NULL);
    assert_non_null(result.site);
    assert_int_equal(result.warning_count, 0);
    const struct site *site = result.site;
    assert_string_equal(site->name, "demo");
    assert_int_equal(site->servers[0].listen.port, 3119);
    const struct tag *tag = site_find_tag(site, "m.rtu.u");
    assert_non_null(tag);
    assert_int_equal(tag->type, TAG_AI);
    assert_string_equal(tag->unit, "kV");
    assert_ptr_equal(station_find_input(tag->station, 3001), tag);
    assert_null(station_find_input(tag->station, 5001)); /* an output */
    assert_string_equal(tag_process(tag)->name, "SELF.KOM");
    assert_int_equal(site_find_tag(site, "M.RTU.P.SET")->asdu, 50);
    assert_int_equal(site_find_line(site, "L.RTU")->number, 3);
    assert_int_equal(site_find_station(site, "B.RTU")->ca, 1);
    assert_null(site_find_tag(site, "M.RTU.NONE"));
    for (uint32_t i = 0; i < site->tag_count; i++) {
        assert_int_equal(tag_site_number(site->tags[i]), i);
        assert_ptr_equal(site_find_tag(site, site->tags[i]->name), site->tags[i]);
    }
    const struct site_file *files[4];
    assert_int_equal(site_files_of_process(site, &folder, &site->processes[0], files, 4), 3);
    assert_string_equal(files[1]->name, "pair.csv");
    assert_string_equal(files[2]->name, "rtu.csv");
    site_result_release(&result);
    site_folder_release(&folder);
}

/* Every mistake of a folder of test/data/site, as komet check prints it. */
static void expect_mistakes(const char *name)
{
    char path[128], want[1024], got[1024];
    snprintf(path, sizeof path, "test/data/site/%s", name);
    struct site_folder folder = site_folder_load(path);
    assert_string_equal(folder.fault, "");
    struct site_result result = site_read(folder.files, folder.count, NULL);
    assert_null(result.site);
    snprintf(path, sizeof path, "test/data/site/%s/expected.txt", name);
    FILE *expected = fopen(path, "r");
    assert_non_null(expected);
    for (size_t i = 0; i < result.fault_count; i++) {
        const struct site_fault *fault = &result.faults[i];
        snprintf(got, sizeof got, "%s/%s:%d:%d: %s%s%s\n", name, fault->file, fault->line, fault->column,
                 fault->what, fault->right[0] != '\0' ? "; " : "", fault->right);
        assert_non_null(fgets(want, sizeof want, expected));
        assert_string_equal(got, want);
    }
    snprintf(got, sizeof got, "%zu mistakes\n", result.fault_count);
    assert_non_null(fgets(want, sizeof want, expected));
    assert_string_equal(got, want);
    fclose(expected);
    site_result_release(&result);
    site_folder_release(&folder);
}

static void test_all_mistakes_at_once(void **state)
{
    (void)state;
    expect_mistakes("wrong");
    expect_mistakes("wrong-server"); /* of lines that listen */
}

static void test_the_site_of_a_centre(void **state)
{
    (void)state;
    struct site_folder folder = site_folder_load("conf/centre");
    assert_string_equal(folder.fault, "");
    struct site_result result = site_read(folder.files, folder.count, NULL);
    assert_non_null(result.site);
    const struct line *line = site_find_line(result.site, "L.CENTRE");
    assert_true(line_is_server(line) && !line_is_server(site_find_line(result.site, "L.RTU")));
    assert_int_equal(line->master_count, 2);
    assert_int_equal(line->masters[0].address_count, 2);
    assert_string_equal(line->masters[0].name, "127.0.0.1");
    assert_int_equal(line->masters[1].addresses[0].octets[3], 12);
    assert_string_equal(line->listen.host, "127.0.0.1");
    assert_int_equal(line->stations[0].parameters.value[PARAMETER_CMDC], 3);
    assert_int_equal(line->parameters.value[PARAMETER_OBUF], 10000);
    assert_ptr_equal(site_find_tag(result.site, "M.UP.U")->source, site_find_tag(result.site, "M.RTU.U"));
    assert_ptr_equal(site_find_tag(result.site, "M.RTU.P.SET")->source, site_find_tag(result.site, "M.IN.P"));
    assert_int_equal(site_find_tag(result.site, "M.UP.U")->groups, 2);
    const struct site_wanted wanted = {.process = "SRV.KOM", .instance = 2}; /* as that KOM reads it */
    struct site_result part = site_read_wanted(folder.files, folder.count, &wanted);
    assert_non_null(part.site);
    assert_string_equal(site_find_line(part.site, "L.CENTRE")->listen.host, "127.0.0.2");
    site_result_release(&part);
    site_result_release(&result);
    site_folder_release(&folder);
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    struct site_folder folder = site_folder_load("test/data/site/nowhere");
    assert_non_null(strstr(folder.fault, "nowhere/site.yaml"));
    site_folder_release(&folder);
}

/* Tables as spreadsheets write them: semicolons, CR LF, a byte order mark, quotes, %IGNORE, columns in any
 * order. */
static void test_a_file_into_memory(void **state)
{
    (void)state;
    struct site_arena *arena = arena_new();
    char path[] = "/tmp/komet-file-text-XXXXXX";
    int file = mkstemp(path);
    size_t size = 1;
    assert_true(file >= 0);
    assert_string_equal(file_text_read(arena, path, 0, &size), "");
    assert_int_equal(size, 0);
    char text[9001]; /* longer than what is read at once */
    memset(text, 'x', sizeof text);
    assert_int_equal(write(file, text, sizeof text), sizeof text);
    const char *read = file_text_read(arena, path, sizeof text, &size);
    assert_non_null(read);
    assert_int_equal(size, sizeof text);
    assert_memory_equal(read, text, sizeof text);
    assert_int_equal(read[size], '\0');
    assert_null(file_text_read(arena, path, sizeof text - 1, &size));
    assert_int_equal(errno, EFBIG);
    close(file);
    unlink(path);
    assert_null(file_text_read(arena, path, 10, &size));
    assert_int_equal(errno, ENOENT);
    assert_null(file_text_read(arena, "test", 10, &size));
    assert_int_equal(errno, EISDIR);
    arena_free(arena);
}

static void test_tables_of_spreadsheets(void **state)
{
    (void)state;
    static const char yaml[] =
        "site: s\nlocal_time: \"+01:00\"\nprocesses:\n  SELF.KOM:\n    lines:\n      L.R:\n"
        "        hosts: [\"[2001:db8::2]:2405\", rtu.example]\n        stations:\n"
        "          B.R: {address: \"2,1\", tags: r.csv, time: local, parameters: {K: 20}}\n";
    static const char table[] = "\xEF\xBB\xBFtype;address;name;description\r\n"
                                "Di;1,2,3;M.A;\"a \"\"quoted\"\" word; and more\"\r\n\r\n"
                                "Di;%IGNORE 1,2,3;M.B;\r\nAi;#0A;M.C;\r\n";
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                      {"r.csv", table, sizeof table - 1}};
    struct site_result result = site_read(files, 2, NULL);
    for (size_t i = 0; i < result.fault_count; i++) {
        print_error("%s:%d: %s\n", result.faults[i].file, result.faults[i].line, result.faults[i].what);
    }
    assert_non_null(result.site);
    const struct station *station = site_find_station(result.site, "B.R");
    assert_int_equal(station->ca, 513);
    assert_int_equal(station->zone, STATION_ZONE_LOCAL);
    assert_int_equal(station->zone_offset_minutes, 60);
    assert_true(station->summer_time);
    assert_int_equal(station->line->parameters.value[PARAMETER_K],
                     20); /* S8: given at a station, it counts for the line */
    assert_string_equal(station->line->hosts[0].host, "2001:db8::2");
    assert_int_equal(station->line->hosts[0].port, 2405);
    assert_int_equal(station->line->hosts[1].port, 2404);
    assert_int_equal(station->tag_count, 3);
    assert_string_equal(station->tags[0].description, "a \"quoted\" word; and more");
    assert_string_equal(station_find_input(station, 66051)->name, "M.A");
    assert_string_equal(station_find_input(station, 10)->name, "M.C");
    assert_true(station->tags[1].ignored);
    site_result_release(&result);
}

static void test_a_kom_reads_only_its_own_part(void **state)
{
    (void)state;
    static const char yaml[] =
        "site: s\nprocesses:\n"
        "  A.KOM: {lines: {L.A: {hosts: [h], stations: {B.A: {address: 1, tags: a.csv}}}}}\n"
        "  B.KOM: {lines: {L.B: {hosts: [h], stations: {B.B: {address: 1, tags: b.csv}}}}}\n";
    static const char table[] = "name,type,address\nM.B,Di,1\n";
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                      {"b.csv", table, sizeof table - 1}};
    struct site_result result = site_read(files, 2, "B.KOM");
    assert_non_null(result.site);
    assert_int_equal(site_find_process(result.site, "b.kom")->tag_count, 1);
    site_result_release(&result);
    result = site_read(files, 2, NULL);
    assert_null(result.site);
    assert_int_equal(result.fault_count, 1);
    site_result_release(&result);
}

static void test_a_control_object_is_a_boolean_of_another_station(void **state)
{
    (void)state;
    static const char yaml[] =
        "site: s\nprocesses:\n"
        "  A.KOM: {lines: {L.A: {hosts: [h], stations: {\n"
        "    B.A: {address: 1, tags: a.csv, control_object: m.on, invalidate_when_off: false}}}}}\n"
        "  B.KOM: {lines: {L.B: {hosts: [h], stations: {%s B.B: {address: 2, tags: b.csv}}}}}\n";
    static const char a[] = "name,type,address\nM.OWN,Di,1\n",
                      b[] = "name,type,address\nM.ON,Di,1\nM.U,Ai,2\n";
    static const char wrong[] = "B.X: {address: 3, tags: x.csv, control_object: M.U},"
                                "B.Y: {address: 4, tags: x.csv, control_object: M.NONE},"
                                "B.Z: {address: 5, tags: z.csv, control_object: M.Z},";
    static const char x[] = "name,type,address\n", z[] = "name,type,address\nM.Z,Di,1\n";
    char text[1024];
    snprintf(text, sizeof text, yaml, "");
    const struct site_file files[] = {
        {"site.yaml", text, strlen(text)}, {"a.csv", a, sizeof a - 1}, {"b.csv", b, sizeof b - 1}};
    struct site_result result = site_read(files, 3, NULL);
    assert_non_null(result.site);
    const struct station *station = site_find_station(result.site, "B.A");
    assert_ptr_equal(station->control_object, site_find_tag(result.site, "M.ON"));
    assert_true(station->keep_when_off);
    assert_null(site_find_station(result.site, "B.B")->control_object);
    site_result_release(&result);
    result = site_read(files, 2, "A.KOM"); /* a KOM's part has the tag not */
    assert_non_null(result.site);
    site_result_release(&result);
    snprintf(text, sizeof text, yaml, wrong);
    const struct site_file more[] = {{"site.yaml", text, strlen(text)},
                                     {"a.csv", a, sizeof a - 1},
                                     {"b.csv", b, sizeof b - 1},
                                     {"x.csv", x, sizeof x - 1},
                                     {"z.csv", z, sizeof z - 1}};
    result = site_read(more, 5, NULL);
    assert_null(result.site);
    assert_int_equal(result.fault_count, 3);
    site_result_release(&result);
}

static void test_a_period_of_interrogation_has_a_second_at_least(void **state)
{
    (void)state;
    static const char yaml[] =
        "site: s\nprocesses:\n  A.KOM: {lines: {L.A: {hosts: [h], stations: {\n"
        "    B.A: {address: 1, tags: a.csv, parameters: {ICP: 1 s, CICP: 15 min, CICO: 5 s, CFRZ: 1}},\n"
        "    B.B: {address: 2, tags: a.csv, parameters: {CICP: 999}}}}}}\n";
    static const char table[] = "name,type,address\n";
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                      {"a.csv", table, sizeof table - 1}};
    struct site_result result = site_read(files, 2, NULL);
    assert_null(result.site);
    assert_int_equal(result.fault_count, 1);
    assert_string_equal(result.faults[0].what, "CICP is 999 ms at station 'B.B'");
    site_result_release(&result);
}

/* A site of one process, whose lines are text, and which may say more of itself. */
static struct site_result read_lines(const char *of_process, const char *of_line)
{
    static char yaml[512];
    static const char table[] = "name,type,address\n";
    int size =
        snprintf(yaml, sizeof yaml,
                 "site: s\nprocesses:\n  A.KOM:\n    lines:\n      L.A: {hosts: [h], %s stations: {B.A: "
                 "{address: 1, tags: a.csv}}}\n%s",
                 of_line, of_process);
    assert_true(size > 0 && (size_t)size < sizeof yaml);
    const struct site_file files[] = {{"site.yaml", yaml, (size_t)size}, {"a.csv", table, sizeof table - 1}};
    return site_read(files, 2, NULL);
}

static void test_how_a_line_stands_by(void **state)
{
    (void)state;
    struct site_result result = read_lines("", "");
    assert_int_equal(result.site->processes[0].lines[0].standby, STANDBY_COLD);
    assert_int_equal(result.site->processes[0].lines[0].line_loss_us, KOMET_SECONDS(2));
    site_result_release(&result);
    result = read_lines("", "standby: warm, line_loss: 500 ms,");
    assert_int_equal(result.site->processes[0].lines[0].standby, STANDBY_WARM);
    assert_int_equal(result.site->processes[0].lines[0].line_loss_us, KOMET_MS(500));
    site_result_release(&result);
    result = read_lines("", "standby: hot, line_loss: 99 ms,");
    assert_int_equal(result.fault_count, 2);
    assert_string_equal(result.faults[1].what, "line_loss is out of range");
    site_result_release(&result);
}

static void test_a_redundant_process_has_only_lines_that_support_it(void **state)
{
    (void)state;
    struct site_result result = read_lines("    redundant: true\n", "protocol: iec104,");
    assert_non_null(result.site);
    assert_true(result.site->processes[0].redundant);
    site_result_release(&result);
    result = read_lines("    redundant: true\n", "protocol: iec101,"); /* which this version has not either */
    assert_int_equal(result.fault_count, 2);
    assert_string_equal(
        result.faults[1].what,
        "process 'A.KOM' is redundant, and protocol iec101 of line 'L.A' does not support it");
    site_result_release(&result);
    result = read_lines("    redundant: false\n", "protocol: iec101,");
    assert_int_equal(result.fault_count, 1);
    site_result_release(&result);
}

static void test_a_hundred_thousand_tags(void **state)
{
    (void)state;
    enum { COUNT = 100000, ROW = 40 };
    static const char yaml[] =
        "site: s\nprocesses:\n  A.KOM: {lines: {L.A: {hosts: [h], stations: {B.A: {address: 1, "
        "tags: a.csv}}}}}\n";
    char *table = malloc((COUNT + 1) * ROW);
    assert_non_null(table);
    size_t size = (size_t)sprintf(table, "name,type,address\n");
    for (int i = 0; i < COUNT; i++) {
        size += (size_t)sprintf(table + size, "M.NORTH.T%d,Ai,%d\n", (i * 7919) % COUNT, i);
    }
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1}, {"a.csv", table, size}};
    struct site_result result = site_read(files, 2, NULL);
    assert_non_null(result.site);
    assert_int_equal(result.site->tag_count, COUNT);
    assert_int_equal(site_find_tag(result.site, "M.NORTH.T7919")->ioa, 1);
    site_result_release(&result);
    free(table);
}

/* Found by fuzzing: a list that stood twice lost the names of the first one's entries. */
static void test_deep_nesting_is_told_at_once(void **state)
{
    (void)state;
    static char text[200000];
    memset(text, '[', sizeof text); /* libyaml alone would take minutes for it */
    const struct site_file file = {"site.yaml", text, sizeof text};
    struct site_result result = site_read(&file, 1, NULL);
    assert_null(result.site);
    assert_int_equal(result.fault_count, 1);
    assert_int_equal(result.faults[0].line, 1);
    assert_int_equal(result.faults[0].column, 33);
    site_result_release(&result);
}

static void test_keys_that_stand_twice(void **state)
{
    (void)state;
    static const char yaml[] =
        "processes: {A.KOM: {lines: {L.A: {hosts: [h]}, L.B: {hosts: [h]}}, lines: {L.C: {hosts: [h]}}}}\n"
        "processes: {B.KOM: {lines: {}}}\n";
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1}};
    struct site_result result = site_read(files, 1, NULL);
    assert_null(result.site);
    assert_int_equal(result.fault_count, 2);
    assert_non_null(strstr(result.faults[0].what, "'lines' stands twice"));
    assert_non_null(strstr(result.faults[1].what, "'processes' stands twice"));
    site_result_release(&result);
}

static void test_a_server_beyond_this_machine_needs_tls(void **state)
{
    (void)state;
    static const char *const open[] = {"10.1.2.3", "0.0.0.0", "\"[::]:3119\"", "hosta"};
    char yaml[200];
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        for (unsigned tls = 0; tls < 2; tls++) {
            snprintf(yaml, sizeof yaml,
                     "group: {servers: [{listen: %s%s}]}\nprocesses: {A.KOM: {lines: {}}}\n", open[i],
                     tls ? ", tls: tls/server-A" : "");
            const struct site_file file = {"site.yaml", yaml, strlen(yaml)};
            struct site_result result = site_read(&file, 1, NULL);
            assert_int_equal(result.fault_count, tls ? 0 : 1);
            if (tls) {
                assert_string_equal(result.site->servers[0].tls, "tls/server-A");
            } else {
                assert_int_equal(result.faults[0].line, 1);
                assert_int_equal(result.faults[0].column, 28);
                assert_non_null(strstr(result.faults[0].what, "nothing says who may speak to it"));
                assert_non_null(strstr(result.faults[0].right, "tls: FOLDER"));
            }
            site_result_release(&result);
        }
    }
}

/* Wanted or not, who writes it is told what it gives up. */
static void test_a_line_that_is_read_on_without_a_server_is_warned_of(void **state)
{
    (void)state;
    static const char yaml[] = "group: {servers: [{listen: \"127.0.0.1:1\"}]}\n"
                               "processes:\n"
                               "  A.KOM:\n"
                               "    lines:\n"
                               "      L.A: {hosts: [h], without_server: buffer, stations: {}}\n"
                               "      L.B: {hosts: [h], without_server: close, stations: {}}\n"
                               "      L.C: {hosts: [h], stations: {}}\n";
    const struct site_file file = {"site.yaml", yaml, sizeof yaml - 1};
    struct site_result result = site_read(&file, 1, NULL);
    assert_non_null(result.site);
    assert_int_equal(site_find_line(result.site, "L.A")->without_server, WITHOUT_SERVER_BUFFER);
    assert_int_equal(site_find_line(result.site, "L.B")->without_server, WITHOUT_SERVER_CLOSE);
    assert_int_equal(site_find_line(result.site, "L.C")->without_server, WITHOUT_SERVER_CLOSE);
    assert_int_equal(result.warning_count, 1);
    assert_int_equal(result.warnings[0].line, 5);
    assert_non_null(strstr(result.warnings[0].what, "line 'L.A' is read on without a server"));
    site_result_release(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_site_of_a_centre),
        cmocka_unit_test(test_the_demo_site),
        cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_a_folder_that_is_not_there),
        cmocka_unit_test(test_a_file_into_memory),
        cmocka_unit_test(test_tables_of_spreadsheets),
        cmocka_unit_test(test_a_kom_reads_only_its_own_part),
        cmocka_unit_test(test_deep_nesting_is_told_at_once),
        cmocka_unit_test(test_keys_that_stand_twice),
        cmocka_unit_test(test_a_server_beyond_this_machine_needs_tls),
        cmocka_unit_test(test_a_control_object_is_a_boolean_of_another_station),
        cmocka_unit_test(test_a_period_of_interrogation_has_a_second_at_least),
        cmocka_unit_test(test_how_a_line_stands_by),
        cmocka_unit_test(test_a_redundant_process_has_only_lines_that_support_it),
        cmocka_unit_test(test_a_line_that_is_read_on_without_a_server_is_warned_of),
        cmocka_unit_test(test_a_hundred_thousand_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
