/* What a site says of a Sinaut line: parameters that belong together. */
#include "support.h"

#include <stdio.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_that_belong_together),
        cmocka_unit_test(test_the_parameters_of_a_sinaut_station),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
