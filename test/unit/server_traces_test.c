/* LNTRACE in the server's engine: who is asked for traffic, one page at a time, and when a trace has ended.
 */
#include "server_harness.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN 77

static struct harness *harness;

static int set_up(void **state)
{
    harness = calloc(1, sizeof *harness);
    assert_non_null(harness);
    harness_begin(harness, "600 ms");
    *state = harness;
    return 0;
}

static const char *begin(const char *mask, uint8_t instance, bool memory, bool live)
{
    const struct server_trace_settings settings = {mask, instance, memory, live};
    const char *refused = server_trace(harness->server, TOKEN, &settings);
    harness_drain(harness);
    return refused;
}

static const Komet__Wire__TraceAsk *asked(unsigned client)
{
    const struct sent *sent = harness_sent(harness, client, BODY(TRACE_ASK));
    return sent != NULL ? &sent->of.trace_ask : NULL;
}

static unsigned asks(unsigned client)
{
    return harness_sent_count(harness, client, BODY(TRACE_ASK));
}

static void answer(unsigned client, uint64_t id, bool end)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__TracePage page = KOMET__WIRE__TRACE_PAGE__INIT;
    page.id = id;
    page.end = end;
    message.body_case = BODY(TRACE_PAGE);
    message.trace_page = &page;
    harness_feed(harness, client, &message);
}

static void more(void)
{
    server_trace_more(harness->server, TOKEN);
    harness_drain(harness);
}

static void untrace(void)
{
    server_untrace(harness->server, TOKEN);
    harness_drain(harness);
}

static void test_one_page_at_a_time(void **state)
{
    (void)state;
    harness_kom(harness, 1);
    assert_null(begin("L.A", 0, true, true));
    const Komet__Wire__TraceAsk *ask = asked(1);
    assert_non_null(ask);
    assert_true(ask->begin && ask->memory && ask->live && !ask->end);
    assert_string_equal(harness_sent(harness, 1, BODY(TRACE_ASK))->text, "L.A");
    more(); /* nothing was sent on: nothing more is asked for */
    assert_int_equal(asks(1), 1);
    uint64_t id = ask->id;
    answer(1, id, false);
    assert_int_equal(harness->traced_count, 1);
    assert_int_equal(harness->traced[0].token, TOKEN);
    assert_int_equal(harness->traced[0].instance, 1);
    assert_int_equal(asks(1), 1); /* the console has not sent it on */
    more();
    assert_int_equal(asks(1), 2);
    assert_false(asked(1)->begin);
    assert_int_equal(asked(1)->id, id);
    untrace();
    assert_int_equal(asks(1), 3);
    assert_true(asked(1)->end);
    answer(1, id, false); /* it was under way */
    assert_int_equal(harness->traced_count, 1);
}

static void test_a_page_that_nobody_asked_for(void **state)
{
    (void)state;
    harness_kom(harness, 1);
    answer(1, 4711, false);
    assert_null(begin("L.A", 0, true, true));
    uint64_t id = asked(1)->id;
    answer(1, id, false);
    answer(1, id, false);
    assert_int_equal(harness->traced_count, 1);
    assert_false(harness->closed[1]);
}

static void test_memory_ends_with_the_last_instance(void **state)
{
    (void)state;
    harness_kom(harness, 1);
    harness_kom(harness, 2);
    harness_kom(harness, 3);
    assert_null(begin("L.*", 0, true, false));
    uint64_t id = asked(1)->id;
    answer(1, id, true);
    answer(2, id, false);
    assert_int_equal(harness->traced_count, 2);
    harness_close(harness, 3, true); /* it will not answer any more */
    assert_int_equal(harness->traced_count, 2);
    more();
    assert_int_equal(asks(1), 1);
    assert_int_equal(asks(2), 2);
    answer(2, id, true);
    assert_int_equal(harness->traced_count, 4);
    assert_false(harness->traced[2].end);
    assert_true(harness->traced[3].end);
    assert_int_equal(harness->traced[3].token, TOKEN);
    harness_kom(harness, 4); /* too late for it */
    assert_int_equal(asks(4), 0);
}

static void test_only_the_lines_and_the_instance_that_are_meant(void **state)
{
    (void)state;
    harness_kom(harness, 1);
    harness_kom(harness, 2);
    harness_hello(harness, 20, "OTHER.KOM", 1, 1);
    assert_null(begin("L.A", 2, true, true));
    assert_int_equal(asks(1), 0);
    assert_int_equal(asks(2), 1);
    assert_int_equal(asks(20), 0);
    untrace();
    assert_null(begin("L.O", 0, false, true));
    assert_int_equal(asks(1), 0);
    assert_int_equal(asks(20), 1);
    assert_false(asked(20)->memory);
    assert_non_null(strstr(begin("L.A", 7, true, false), "no instance")); /* nobody would ever answer */
}

static void test_live_over_instances_that_come_and_go(void **state)
{
    (void)state;
    assert_null(begin("L.A", 0, true, true));
    harness_kom(harness, 1);
    assert_int_equal(asks(1), 1);
    harness_close(harness, 1, true);
    assert_int_equal(harness->traced_count, 0);
    harness_kom(harness, 1);
    assert_int_equal(asks(1), 2);
    assert_true(asked(1)->begin);
}

static void test_the_bound(void **state)
{
    (void)state;
    const struct server_trace_settings settings = {"L.A", 0, true, true};
    harness_kom(harness, 1);
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        assert_null(server_trace(harness->server, 100 + i, &settings));
    }
    harness_drain(harness);
    assert_non_null(strstr(server_trace(harness->server, 200, &settings), "too many"));
    server_untrace(harness->server, 100);
    harness_drain(harness);
    assert_null(server_trace(harness->server, 200, &settings));
}

/* One that does not answer a trace is neither closed nor asked again. */
static void test_a_silent_one(void **state)
{
    (void)state;
    harness_kom(harness, 1);
    assert_null(begin("L.A", 0, true, true));
    for (unsigned i = 0; i < 20; i++) {
        harness_heartbeat(harness, 1, i);
        harness_advance(harness, KOMET_MS(100));
        more();
    }
    assert_int_equal(asks(1), 1);
    assert_false(harness->closed[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_page_at_a_time),
        TEST(test_a_page_that_nobody_asked_for),
        TEST(test_memory_ends_with_the_last_instance),
        TEST(test_only_the_lines_and_the_instance_that_are_meant),
        TEST(test_live_over_instances_that_come_and_go),
        TEST(test_the_bound),
        TEST(test_a_silent_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
