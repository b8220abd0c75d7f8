/* HOST:PORT lists of the command lines. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "program/endpoints.h"

struct reading {
    struct endpoints endpoints;
    char fault[200];
};

static bool read_list(struct reading *reading, const char *text, uint16_t port)
{
    memset(reading, 0x5A, sizeof *reading); /* nothing of what was there may matter */
    return endpoints_parse(text, port, &reading->endpoints, reading->fault);
}

static void expect(const char *text, uint16_t port, const char *host, uint16_t expected)
{
    struct reading reading;
    assert_true(read_list(&reading, text, port));
    assert_int_equal(reading.endpoints.count, 1);
    assert_string_equal(reading.endpoints.list[0].host, host);
    assert_int_equal(reading.endpoints.list[0].port, expected);
}

/* It is refused, with `what` and with an example of what would be right. */
static void refuse(const char *text, uint16_t port, const char *what)
{
    struct reading reading;
    assert_false(read_list(&reading, text, port));
    assert_non_null(memchr(reading.fault, '\0', sizeof reading.fault));
    assert_non_null(strstr(reading.fault, what));
    assert_non_null(strstr(reading.fault, "right would be HOST:PORT"));
}

static void test_hosts_of_every_kind(void **state)
{
    (void)state;
    expect("127.0.0.1:3119", 0, "127.0.0.1", 3119);
    expect("server-a.example:1", 0, "server-a.example", 1);
    expect("[::1]:3119", 0, "::1", 3119);
    expect("[fe80::1%eth0]:65535", 0, "fe80::1%eth0", 65535);
    expect("a:00080", 0, "a", 80);
}

static void test_the_port_may_be_left_out_when_there_is_a_usual_one(void **state)
{
    (void)state;
    expect("server-a", ENDPOINT_PORT, "server-a", 3119);
    expect("[::1]", ENDPOINT_PORT, "::1", 3119);
    expect("server-a:7", ENDPOINT_PORT, "server-a", 7);
    refuse("server-a", 0, "the port is missing or not from 1 to 65535: 'server-a'");
    refuse("[::1]", 0, "the port is missing");
}

static void test_a_list_keeps_its_order(void **state)
{
    (void)state;
    struct reading reading;
    assert_true(read_list(&reading, "b:2,[::1]:3,a", 9));
    assert_int_equal(reading.endpoints.count, 3);
    assert_string_equal(reading.endpoints.list[0].host, "b");
    assert_string_equal(reading.endpoints.list[1].host, "::1");
    assert_string_equal(reading.endpoints.list[2].host, "a");
    assert_int_equal(reading.endpoints.list[1].port, 3);
    assert_int_equal(reading.endpoints.list[2].port, 9);
}

static void test_ports_that_are_none(void **state)
{
    (void)state;
    const char *const texts[] = {"a:",     "a:0",       "a:65536",     "a:99999", "a:100000", "a:-1",
                                 "a:+1",   "a: 1",      "a:1 ",        "a:0x50",  "a:http",   "a:b:1",
                                 "[::1]:", "[::1]3119", "[::1]x:3119", "[::1]:0"};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        refuse(texts[i], ENDPOINT_PORT, "the port is missing or not from 1 to 65535");
    }
}

static void test_hosts_that_are_none(void **state)
{
    (void)state;
    const char *const texts[] = {"", ":3119", "[]:3119", "a:1,", ",a:1", "a:1,,b:2", "::1"};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        refuse(texts[i], ENDPOINT_PORT, "the host is missing or too long");
    }
    refuse("[::1", ENDPOINT_PORT, "the bracket is not closed: '[::1'");
    refuse("[::1:3119,b:2]", ENDPOINT_PORT, "the bracket is not closed: '[::1:3119'");
}

static void test_the_longest_host(void **state)
{
    (void)state;
    char text[ENDPOINT_HOST_SIZE + 8];
    memset(text, 'h', sizeof text);
    memcpy(text + ENDPOINT_HOST_SIZE - 1, ":7", 3);
    struct reading reading;
    assert_true(read_list(&reading, text, 0));
    assert_int_equal(strlen(reading.endpoints.list[0].host), ENDPOINT_HOST_SIZE - 1);
    assert_int_equal(reading.endpoints.list[0].port, 7);
    memset(text, 'h', sizeof text);
    memcpy(text + ENDPOINT_HOST_SIZE, ":7", 3);
    refuse(text, 0, "the host is missing or too long: 'hhhh");
}

static void test_so_many_as_promised(void **state)
{
    (void)state;
    char text[8 * (ENDPOINTS_MAX + 1)] = "";
    size_t used = 0;
    struct reading reading;
    for (unsigned i = 1; i <= ENDPOINTS_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%sh:%u", i > 1 ? "," : "", i);
    }
    assert_true(read_list(&reading, text, 0));
    assert_int_equal(reading.endpoints.count, ENDPOINTS_MAX);
    assert_int_equal(reading.endpoints.list[ENDPOINTS_MAX - 1].port, ENDPOINTS_MAX);
    snprintf(text + used, sizeof text - used, ",h:9");
    assert_false(read_list(&reading, text, 0));
    assert_string_equal(reading.fault, "at most 8 addresses can be named");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_of_every_kind),
        cmocka_unit_test(test_the_port_may_be_left_out_when_there_is_a_usual_one),
        cmocka_unit_test(test_a_list_keeps_its_order),
        cmocka_unit_test(test_ports_that_are_none),
        cmocka_unit_test(test_hosts_that_are_none),
        cmocka_unit_test(test_the_longest_host),
        cmocka_unit_test(test_so_many_as_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
