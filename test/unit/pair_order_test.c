/* Orders to a simulated Sinaut pair, read from text. */
#include <stdio.h>

#include "support.h"

#include "partner/pair_order.h"

static struct pair_order read_order(const char *text)
{
    struct pair_order order;
    char fault[PAIR_ORDER_FAULT_SIZE] = "";
    if (!pair_order_parse(text, &order, fault)) {
        fail_msg("%s: %s", text, fault);
    }
    return order;
}

static void test_every_order(void **state)
{
    (void)state;
    assert_int_equal(read_order("hot b").system, 1);
    assert_int_equal(read_order("  hot\tnone\r\n").system, PAIR_NOBODY);
    struct pair_order order = read_order("lose path a1 b2");
    assert_int_equal(order.kind, PAIR_ORDER_LOSE);
    assert_int_equal(order.paths, 9);
    assert_int_equal(order.systems, 0);
    order = read_order("freeze system b");
    assert_int_equal(order.kind, PAIR_ORDER_FREEZE);
    assert_int_equal(order.paths, 12);
    assert_int_equal(order.systems, 2);
    order = read_order("restore all");
    assert_int_equal(order.paths, 15);
    assert_int_equal(order.systems, 3);
    order = read_order("value 2,1 0,1,2 -3.5");
    assert_int_equal(order.ca, 513);
    assert_int_equal(order.ioa, 258);
    assert_true(order.number == -3.5);
    order = read_order("command 513 66051 58 1 select");
    assert_int_equal(order.ioa, 66051);
    assert_int_equal(order.type, 58);
    assert_true(order.select);
    order = read_order("interrogate a");
    assert_int_equal(order.ca, 65535);
    assert_int_equal(read_order("interrogate b 3").ca, 3);
}

static void test_misbehaviour(void **state)
{
    (void)state;
    struct pair_order order = read_order("misbehave late-confirmation 1500 ms a");
    assert_int_equal(order.what, PAIR_LATE_CONFIRMATION);
    assert_int_equal(order.time_us, 1500000);
    assert_int_equal(order.systems, 1);
    assert_int_equal(read_order("misbehave late-confirmation 3s").time_us, 3000000);
    for (unsigned what = PAIR_NO_CONFIRMATION; what < PAIR_MISBEHAVIOURS; what++) {
        char text[60];
        snprintf(text, sizeof text, "misbehave %s b", pair_misbehaviour_name((enum pair_misbehaviour)what));
        order = read_order(text);
        assert_int_equal(order.what, what);
        assert_int_equal(order.systems, 2);
    }
    order = read_order("behave");
    assert_true(order.all);
    assert_int_equal(order.systems, 3);
    order = read_order("behave negative");
    assert_false(order.all);
    assert_int_equal(order.what, PAIR_NEGATIVE);
}

static void test_what_is_none_is_told(void **state)
{
    static const char *const wrong[] = {
        "",
        "warm a",
        "hot",
        "hot c",
        "hot a b",
        "lose",
        "lose path",
        "lose path a3",
        "lose system",
        "lose a1",
        "misbehave",
        "misbehave badly",
        "misbehave late-confirmation",
        "misbehave late-confirmation 3",
        "misbehave late-confirmation 0 s",
        "behave badly",
        "value 513",
        "value 513 11",
        "value 513 11 x",
        "value 0 11 1",
        "value 65536 11 1",
        "value 2,256 11 1",
        "value 1,2,3 11 1",
        "value 513 1,2 1",
        "value -1 11 1",
        "command 513 11 30 1",
        "command 513 11 45",
        "interrogate",
        "interrogate a 0",
        "a-word-that-is-much-too-long-for-any-order",
        "one two three four five six seven eight nine",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pair_order order;
        char fault[PAIR_ORDER_FAULT_SIZE] = "";
        assert_false(pair_order_parse(wrong[i], &order, fault));
        assert_true(fault[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order),
        cmocka_unit_test(test_misbehaviour),
        cmocka_unit_test(test_what_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
