/* What a site says of a line of iec104 on tcp-redundant: the hosts of its two connections, and what does not
 * go with it. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "model/site_compare.h"
#include "site/reader.h"

/* One line `L.A` with station B.A; `keys` of the line. */
static struct site_result read_keys(const char *keys, unsigned instance)
{
    static char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "site: s\nprocesses: {SELF.KOM: {instances: {2: {L.A: {local: [10.1.0.12, 10.2.0.12]}}}, lines: "
             "{L.A: {category: tcp-redundant, %s}}}}\n",
             keys);
    const struct site_file file = {"site.yaml", yaml, strlen(yaml)};
    return site_read_wanted(&file, 1, &(struct site_wanted){"SELF.KOM", instance, false});
}

static void test_two_connections_with_hosts_of_their_own(void **state)
{
    (void)state;
    struct site_result result = read_keys(
        "hosts: [[\"10.1.0.1:2405\", 10.1.0.2, 10.1.0.3], [\"[2001:db8::2]:2404\"]], parameters: {ARMSD: 2}",
        2);
    assert_non_null(result.site);
    assert_int_equal(result.warning_count, 0);
    const struct line *line = site_find_line(result.site, "L.A");
    assert_true(line_is_paired(line));
    assert_int_equal(line->protocol, PROTOCOL_IEC104);
    assert_int_equal(line->host_count, 0);
    assert_int_equal(line->partner_count, 2);
    assert_int_equal(line_connections(line), 2);
    assert_string_equal(line->partners[0].name, "A");
    assert_int_equal(line->partners[0].address_count, 3);
    assert_string_equal(line->partners[0].addresses[0].host, "10.1.0.1");
    assert_int_equal(line->partners[0].addresses[0].port, 2405);
    assert_int_equal(line->partners[0].addresses[2].port, 2404);
    assert_string_equal(line->partners[1].name, "B");
    assert_string_equal(line->partners[1].addresses[0].host, "2001:db8::2");
    assert_string_equal(line->local[1], "10.2.0.12");
    assert_int_equal(line->parameters.value[PARAMETER_ARMSD], 2);
    assert_false(line_listens(line));
    assert_null(process_lone_line(line->process));
    site_result_release(&result);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *what;
    } cases[] = {
        {"hosts: [[a], [b]]", NULL},
        {"hosts: [[a, b, c, d, e, f, g, h], [i]]", NULL},
        {"hosts: [[a, b, c, d, e, f, g, h, i], [j]]", "more than 8 addresses of connection A"},
        {"hosts: [a, b]", "does not have two lists of hosts"},
        {"hosts: [[a, b]]", "does not have two lists of hosts"},
        {"hosts: [a, [b], [c]]", "does not have two lists of hosts"},
        {"number: 1", "does not have two lists of hosts"},
        {"hosts: [[a], [b], [c]]", "more than 2 lists of hosts"},
        {"hosts: [[a], []]", "connection B of line 'L.A' has no host"},
        {"hosts: [[a, b], [c, A]]", "two connections of line 'L.A' have the address A"},
        {"hosts: [[a, \"a:2405\"], [\"a:2406\"]]", NULL},
        {"hosts: [[a], [\"b:0\"]]", "b:0"},
        {"partners: [[a], [b]]", "has partners, which only a line of protocol iec104-sinaut has"},
        {"protocol: iec104-sinaut, hosts: [[a], [b]]", "hosts"},
        {"hosts: [[a], [b]], standby: warm", "is warm"},
        {"hosts: [[a], [b]], without_server: buffer", "is read without a server"},
        {"hosts: [[a], [b]], listen: \"2404\"", "connects"},
        {"hosts: [[a], [b]], stations: {B.A: {address: 1, parameters: {SBE: true}}}", "has SBE"},
        {"hosts: [[a], [b]], stations: {B.A: {address: 1, clock_sync: 1 h, parameters: {ICP: 1 min, CICP: 1 "
         "min, "
         "CFRZ: 1}}}",
         NULL},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct site_result result = read_keys(cases[i].keys, 0);
        bool found = cases[i].what == NULL;
        for (unsigned k = 0; k < result.fault_count; k++) {
            found = found || strstr(result.faults[k].what, cases[i].what) != NULL;
        }
        if (!found || (result.fault_count > 0) != (cases[i].what != NULL)) {
            print_error("%s: %s\n", cases[i].keys,
                        result.fault_count > 0 ? result.faults[0].what : "no fault");
            fail();
        }
        site_result_release(&result);
    }
}

static void test_two_lists_want_the_category(void **state)
{
    (void)state;
    static const char yaml[] = "site: s\nprocesses: {SELF.KOM: {lines: {L.A: {hosts: [[a], [b]]}}}}\n";
    const struct site_file file = {"site.yaml", yaml, sizeof yaml - 1};
    struct site_result result = site_read(&file, 1, NULL);
    assert_int_equal(result.fault_count, 1);
    assert_non_null(strstr(result.faults[0].what, "category tcp has one"));
    site_result_release(&result);
}

/* RELOAD opens the line anew when a host has come or gone, and not when nothing has. */
static void test_other_hosts_are_another_connection(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        bool same;
    } cases[] = {
        {"hosts: [[a, b], [c]]", true},
        {"hosts: [[a, b], [c, d]]", false},
        {"hosts: [[b, a], [c]]", false},
        {"hosts: [[a, b], [c]], parameters: {ARMSD: 1}", false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct site_result before = read_keys("hosts: [[a, b], [c]]", 0), now = read_keys(cases[i].keys, 0);
        assert_non_null(before.site);
        assert_non_null(now.site);
        assert_int_equal(
            same_line_connection(site_find_line(before.site, "L.A"), site_find_line(now.site, "L.A")),
            cases[i].same);
        site_result_release(&before);
        site_result_release(&now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_connections_with_hosts_of_their_own),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_two_lists_want_the_category),
        cmocka_unit_test(test_other_hosts_are_another_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
