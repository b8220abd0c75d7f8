/* Mistakes as lines for people. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "program/site_faults.h"

static void assert_printed(const char *directory, const struct site_result *result, const char *expected)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    site_faults_print(out, directory, result);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void test_where_what_and_what_would_be_right(void **state)
{
    (void)state;
    struct site_fault faults[] = {{"site.yaml", 3, 13, "local_time is 'x'", "such as \"+01:00\""},
                                  {"a.csv", 1, 2, "it is wrong", ""}};
    struct site_fault warning = {"site.yaml", 7, 1, "it looks unintended", ""};
    const struct site_result result = {
        .faults = faults, .fault_count = 2, .warnings = &warning, .warning_count = 1};
    assert_printed("conf", &result,
                   "conf/site.yaml:3:13: local_time is 'x'; such as \"+01:00\"\n"
                   "conf/a.csv:1:2: it is wrong\n"
                   "conf/site.yaml:7:1: warning: it looks unintended\n");
    assert_printed(NULL, &(struct site_result){.faults = faults + 1, .fault_count = 1},
                   "a.csv:1:2: it is wrong\n");
}

static void test_a_whole_file_has_no_line(void **state)
{
    (void)state;
    struct site_fault fault = {"a.csv", 0, 0, "No such file or directory", ""};
    const struct site_result result = {.faults = &fault, .fault_count = 1};
    assert_printed("conf", &result, "conf/a.csv: No such file or directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_what_and_what_would_be_right),
        cmocka_unit_test(test_a_whole_file_has_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
