/* Of two connections one may be started (one_started): which one, when, and what the line and the stations
 * are worth meanwhile. */
#include "support.h"

#include <string.h>

#include "role/partners.h"

enum { A = 0, B = PARTNERS_NETWORKS }; /* the path of each connection */

static const struct partners_settings two = {
    .paths = 1u << A | 1u << B, .required = 1, .ping_count = 3, .one_started = true, .open_counts = true};

/* The path that is to be started by the news; PARTNERS_NO_PATH: none. */
static unsigned to_start(struct partners *partners)
{
    struct partners_news news;
    unsigned path = PARTNERS_NO_PATH;
    while (partners_next(partners, &news)) {
        path = news.kind == PARTNERS_NEWS_START ? news.new : path;
    }
    return path;
}

static unsigned step(struct partners *partners, unsigned path, enum partners_path_event event)
{
    partners_path_event(partners, path, event);
    return to_start(partners);
}

static enum partner_standing standing(const struct partners *partners, unsigned path)
{
    return (enum partner_standing)partners->partner[path / PARTNERS_NETWORKS].standing;
}

static void test_the_first_is_started_and_the_other_kept_ready(void **state)
{
    (void)state;
    struct partners partners;
    uint16_t flags;
    partners_init(&partners, &two);
    partners_set_acting(&partners, true);
    assert_false(partners_line(&partners, &flags));
    assert_int_equal(step(&partners, B, PATH_CONNECTS), B);
    assert_true(partners_line(&partners, &flags));
    assert_int_equal(flags, 1u << B);
    assert_int_equal(standing(&partners, B), PARTNER_STANDBY);
    assert_int_equal(partners_hot(&partners), PARTNERS_NOBODY);
    assert_int_equal(step(&partners, A, PATH_CONNECTS), PARTNERS_NO_PATH);
    assert_int_equal(step(&partners, B, PATH_STARTS), PARTNERS_NO_PATH);
    assert_int_equal(partners_hot(&partners), 1);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AFTER_START);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_NOT);
    assert_int_equal(partners_line(&partners, &flags), true);
    assert_int_equal(flags, 1u << A | 1u << B);
    assert_int_equal(step(&partners, B, PATH_CLOSES), A);
    assert_int_equal(standing(&partners, B), PARTNER_LOST);
    assert_int_equal(step(&partners, B, PATH_CONNECTS), PARTNERS_NO_PATH); /* A is being started */
    assert_int_equal(step(&partners, A, PATH_STARTS), PARTNERS_NO_PATH);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AFTER_START);
    assert_int_equal(standing(&partners, B), PARTNER_STANDBY); /* no way back */
}

static void test_one_that_is_not_started_in_time_gives_way(void **state)
{
    (void)state;
    struct partners partners;
    partners_init(&partners, &two);
    assert_int_equal(step(&partners, A, PATH_CONNECTS), A);
    assert_int_equal(step(&partners, B, PATH_CONNECTS), PARTNERS_NO_PATH);
    assert_int_equal(step(&partners, A, PATH_CLOSES), B); /* STARTDT was not confirmed */
    assert_int_equal(step(&partners, A, PATH_CONNECTS), PARTNERS_NO_PATH);
    assert_int_equal(step(&partners, B, PATH_CLOSES), A);
}

static void test_attempts(void **state)
{
    (void)state;
    struct partners partners;
    partners_init(&partners, &two);
    step(&partners, A, PATH_CONNECTS);
    step(&partners, A, PATH_STARTS);
    step(&partners, B, PATH_CLOSES); /* fails; what is told of it before counts no more when it is ready */
    step(&partners, B, PATH_CONNECTS);
    step(&partners, A, PATH_CLOSES);
    assert_int_equal(partners_reach(&partners, 1, 2), REACH_UNDECIDED);
    step(&partners, B, PATH_CLOSES);
    assert_int_equal(partners_reach(&partners, 1, 2), REACH_COMERR);
    step(&partners, B, PATH_CLOSES);
    assert_int_equal(partners_reach(&partners, 1, 2), REACH_COMERR);
    step(&partners, A, PATH_CLOSES);
    assert_int_equal(partners_reach(&partners, 1, 2), REACH_HARDERR);
    step(&partners, A, PATH_CONNECTS);
    assert_int_equal(partners_reach(&partners, 1, 2), REACH_HARDERR);
    step(&partners, A, PATH_STARTS);
    assert_int_equal(partners_reach(&partners, 1, 2), REACH_ON);
}

/* Could a path's event be next? STARTS only where it was asked for. */
static bool may_be(const struct partners *partners, unsigned path, enum partners_path_event event)
{
    static const uint8_t from[PATH_EVENTS] = {
        [PATH_CONNECTS] = PATH_CLOSED, [PATH_STARTS] = PATH_OPEN, [PATH_STOPS] = PATH_STARTED};
    return event == PATH_CLOSES ||
           (partners->path[path].state == from[event] && (event != PATH_STARTS || partners->chosen == path));
}

static void check(const struct partners *partners, unsigned started)
{
    static const unsigned paths[] = {A, B};
    unsigned open = 0;
    for (unsigned i = 0; i < 2; i++) {
        unsigned path = paths[i], state = partners->path[path].state;
        open += state != PATH_CLOSED;
        assert_true(state != PATH_STARTED || partners->chosen == path);
        assert_int_equal(standing(partners, path), state == PATH_CLOSED    ? PARTNER_LOST
                                                   : state == PATH_STARTED ? PARTNER_HOT
                                                                           : PARTNER_STANDBY);
        assert_int_equal(partners_data_path(partners, i), state == PATH_STARTED ? path : PARTNERS_NO_PATH);
    }
    assert_int_equal(partners->chosen == PARTNERS_NO_PATH, open == 0);
    assert_true(started == PARTNERS_NO_PATH || partners->chosen == started);
    assert_int_equal(partners->conflicts, 0);
}

static void test_every_order_of_events(void **state)
{
    (void)state;
    enum { DEPTH = 7, STEPS = 2 * PATH_EVENTS };
    unsigned orders = 1, taken = 0;
    for (unsigned i = 0; i < DEPTH; i++) {
        orders *= STEPS;
    }
    for (unsigned order = 0; order < orders; order++) {
        struct partners partners;
        partners_init(&partners, &two);
        partners_set_acting(&partners, true);
        for (unsigned i = 0, rest = order; i < DEPTH; i++, rest /= STEPS) {
            unsigned path = rest % STEPS / PATH_EVENTS == 0 ? A : B;
            enum partners_path_event event = (enum partners_path_event)(rest % PATH_EVENTS);
            if (!may_be(&partners, path, event)) {
                break;
            }
            unsigned before = partners.chosen, started = step(&partners, path, event);
            check(&partners, started);
            bool gone = event == PATH_STOPS || event == PATH_CLOSES;
            assert_true(started != PARTNERS_NO_PATH || partners.chosen == before ||
                        partners.chosen == PARTNERS_NO_PATH);
            assert_true(started == PARTNERS_NO_PATH || before == PARTNERS_NO_PATH ||
                        (before == path && gone));
            taken++;
        }
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_is_started_and_the_other_kept_ready),
        cmocka_unit_test(test_one_that_is_not_started_in_time_gives_way),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_every_order_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
