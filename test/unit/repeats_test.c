/* Which time-tagged values another connection has already delivered. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "server/repeats.h"

#define WINDOW 12

static int set_up(void **state)
{
    void *memory = malloc(repeats_size(WINDOW, 0));
    assert_non_null(memory);
    memset(memory, 0xA5, repeats_size(WINDOW, 0));
    *state = repeats_init(memory, repeats_size(WINDOW, 0), WINDOW, 0);
    return 0;
}

static int tear_down(void **state)
{
    free(*state); /* the engine lies at the start of its memory */
    return 0;
}

/* A value comes on a connection of epoch 1; its octets are those of `text`. True: a repeat. */
static bool take_back(struct repeats *repeats, uint32_t connection, uint64_t frame, const char *text,
                      int64_t back_us)
{
    const struct repeats_connection name = {1, connection, 0, false};
    return repeats_take(repeats, name, frame, 7, (const uint8_t *)text, (unsigned)strlen(text), back_us);
}

static bool take(struct repeats *repeats, uint32_t connection, uint64_t frame, const char *text)
{
    return take_back(repeats, connection, frame, text, 0);
}

/* As far back as the caller asks for, behind the window. */
static void test_what_is_looked_back_for_is_found_behind_the_window(void **state)
{
    const struct komet_instant begin = {KOMET_SECONDS(100)};
    const int64_t back = KOMET_SECONDS(5);
    repeats_set_time(*state, begin);
    assert_false(take_back(*state, 1, 1, "A", back));
    assert_false(take_back(*state, 2, 1, "B", back));
    assert_false(take_back(*state, 2, 2 + WINDOW, "C", back));
    repeats_set_time(*state, komet_after(begin, back));
    assert_true(take_back(*state, 1, 2, "B", back));
    assert_false(take_back(*state, 1, 3, "B", back)); /* each once */
    repeats_set_time(*state, komet_after(begin, KOMET_SECONDS(11)));
    assert_false(take_back(*state, 1, 3 + WINDOW, "D", back));
    assert_false(take_back(*state, 3, 1, "A", back)); /* too long ago */
    assert_true(take_back(*state, 4, 1, "A", REPEATS_ALL));
}

static void test_a_value_of_another_connection_is_a_repeat(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 2, "B"));
    assert_true(take(*state, 2, 1, "A"));
    assert_true(take(*state, 2, 2, "B"));
    assert_false(take(*state, 2, 3, "C"));
}

static void test_equal_values_of_one_connection_are_two_events(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 2, "A"));
}

static void test_it_matches_one_to_one(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 2, "A"));
    assert_true(take(*state, 2, 1, "A"));
    assert_true(take(*state, 2, 2, "A"));
    assert_false(take(*state, 2, 3, "A")); /* there were two */
}

/* A repeat is a delivery itself: the next connection may repeat it again. */
static void test_a_repeat_may_be_repeated(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    for (uint32_t connection = 2; connection < 300; connection++) {
        assert_true(take(*state, connection, 1, "A"));
    }
    assert_false(take(*state, 300, 1, "B"));
}

static void test_what_two_connections_delivered_counts_once_each(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 2, "A"));
    assert_true(take(*state, 2, 1, "A")); /* and connection 2 dies before the second */
    assert_true(take(*state, 3, 1, "A"));
    assert_true(take(*state, 3, 2, "A"));
    assert_false(take(*state, 3, 3, "A"));
}

/* Oldest first: what is left is the newer one, which stays in the window for longer. */
static void test_the_oldest_is_matched_first(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 10, "A"));
    assert_true(take(*state, 2, 1, "A"));
    assert_false(take(*state, 1, WINDOW + 1, "x")); /* the A of frame 1 has left the window */
    assert_false(take(*state, 2, 1 + WINDOW, "y")); /* and that of connection 2 */
    assert_true(take(*state, 3, 1, "A"));           /* the A of frame 10 is still there */
    assert_false(take(*state, 3, 2, "A"));
}

static void test_the_window_is_counted_in_frames(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_false(take(*state, 1, 2, "B"));
    assert_false(take(*state, 1, WINDOW + 1, "C")); /* newest: the partner may have 2 … 13 unacknowledged */
    assert_false(take(*state, 2, 1, "A"));
    assert_true(take(*state, 2, 2, "B"));
    assert_true(take(*state, 2, 3, "C"));
}

static void test_the_window_is_that_of_the_delivering_connection(void **state)
{
    assert_false(take(*state, 1, 1, "A"));
    assert_true(take(*state, 2, 1000, "A")); /* however far the other one is */
    assert_false(take(*state, 2, 2000, "B"));
    assert_false(take(*state, 3, 5, "A")); /* connection 2 went on, 1 was matched */
}

static void test_values_of_one_frame_are_all_in_the_window(void **state)
{
    char text[2] = "a";
    for (; text[0] <= 'z'; text[0]++) {
        assert_false(take(*state, 1, 1, text));
    }
    for (text[0] = 'a'; text[0] <= 'z'; text[0]++) {
        assert_true(take(*state, 2, 1, text));
    }
}

static void test_the_same_serial_in_another_epoch_is_another_connection(void **state)
{
    const struct repeats_connection before = {1, 5, 0, false}, after = {2, 5, 0, false};
    const uint8_t octets[] = {1, 2, 3};
    assert_false(repeats_take(*state, before, 1, 7, octets, sizeof octets, 0));
    assert_true(repeats_take(*state, after, 1, 7, octets, sizeof octets, 0));
    assert_false(repeats_take(*state, after, 1, 7, octets, sizeof octets, 0));
}

static void test_tag_and_size_belong_to_the_value(void **state)
{
    const struct repeats_connection first = {1, 1, 0, false}, second = {1, 2, 0, false};
    const uint8_t octets[RECORD_OCTETS_MAX] = {1, 2, 3};
    assert_false(repeats_take(*state, first, 1, 7, octets, 3, 0));
    assert_false(repeats_take(*state, second, 1, 8, octets, 3, 0));
    assert_false(repeats_take(*state, second, 1, 7, octets, 2, 0));
    assert_false(repeats_take(*state, second, 1, 7, octets, 4, 0));
    assert_false(repeats_take(*state, second, 1, 7, octets, RECORD_OCTETS_MAX, 0));
    assert_true(repeats_take(*state, second, 1, 7, octets, 3, 0));
}

/* So many that their places in the table meet. */
static void test_values_that_share_a_place_are_told_apart(void **state)
{
    const struct repeats_connection first = {1, 1, 0, false}, second = {1, 2, 0, false};
    const uint8_t octets[RECORD_OCTETS_MAX] = {0};
    for (uint32_t tag = 0; tag < 50000; tag += 2) {
        assert_false(repeats_take(*state, first, 1, tag, octets, 8, 0));
        assert_false(repeats_take(*state, second, 1, tag, octets, 9, 0));
        assert_false(repeats_take(*state, second, 1, tag + 1, octets, 8, 0));
    }
}

static void value(uint32_t number, uint8_t *octets)
{
    memcpy(octets, &number, sizeof number);
}

/* A partner with a window of full frames loses its connection twice, in the middle of sending. */
static void test_a_whole_window_of_full_frames_is_remembered(void **state)
{
    uint8_t octets[4];
    for (uint32_t connection = 1; connection <= 3; connection++) {
        const struct repeats_connection name = {1, connection, 0, false};
        for (uint32_t i = 0; i < WINDOW * 22; i++) {
            value(i, octets);
            assert_int_equal(repeats_take(*state, name, 1 + i / 22, i, octets, sizeof octets, 0),
                             connection > 1);
        }
    }
}

/* Far more than there is room for, in frames that never leave the window: what was overwritten is forgotten,
 * what is recent is not, and nothing is matched that never was. */
static void test_overwritten_values_are_forgotten(void **state)
{
    const struct repeats_connection first = {1, 1, 0, false}, second = {1, 2, 0, false};
    const uint32_t many = 300000;
    uint8_t octets[4];
    for (uint32_t i = 0; i < many; i++) {
        value(i, octets);
        assert_false(repeats_take(*state, first, 1, 7, octets, sizeof octets, 0));
    }
    value(0, octets);
    assert_false(repeats_take(*state, second, 1, 7, octets, sizeof octets, 0));
    for (uint32_t i = many - WINDOW * 22; i < many; i++) {
        value(i, octets);
        assert_true(repeats_take(*state, second, 1, 7, octets, sizeof octets, 0));
        assert_false(repeats_take(*state, second, 1, 7, octets, sizeof octets, 0));
    }
}

/* The largest window and the smallest. */
static void test_any_window(void **state)
{
    (void)state;
    const uint16_t windows[] = {1, 32767};
    for (unsigned i = 0; i < 2; i++) {
        size_t size = repeats_size(windows[i], 0);
        struct repeats *repeats = repeats_init(malloc(size), size, windows[i], 0);
        assert_false(take(repeats, 1, 1, "A"));
        assert_false(take(repeats, 1, windows[i], "B")); /* as far as the window goes */
        assert_true(take(repeats, 2, 1, "A"));
        assert_true(take(repeats, 2, 2, "B"));
        assert_false(take(repeats, 1, windows[i] + 1, "C"));
        assert_int_equal(take(repeats, 3, 1, "B"), true); /* of connection 2, at least */
        free(repeats);
    }
}

/* ---- against the rule as it is written, without hash and ring ---- */

struct model_delivery {
    uint32_t connection, tag;
    uint64_t frame;
    uint8_t octet;
    bool matched;
};

struct model {
    struct model_delivery deliveries[256];
    unsigned count;
    uint64_t newest[8];
};

static bool model_take(struct model *model, const struct model_delivery *given)
{
    bool found = false;
    if (given->frame > model->newest[given->connection]) {
        model->newest[given->connection] = given->frame;
    }
    for (unsigned i = 0; i < model->count && !found; i++) {
        struct model_delivery *seen = &model->deliveries[i];
        found = !seen->matched && seen->connection != given->connection && seen->tag == given->tag &&
                seen->octet == given->octet && seen->frame + WINDOW > model->newest[seen->connection];
        seen->matched = seen->matched || found;
    }
    model->deliveries[model->count++] = *given;
    return found;
}

static void test_it_agrees_with_the_rule(void **state)
{
    (void)state;
    struct test_random random = {3};
    unsigned repeated = 0;
    void *memory = malloc(repeats_size(WINDOW, 0));
    for (int episode = 0; episode < 400; episode++) {
        struct repeats *repeats = repeats_init(memory, repeats_size(WINDOW, 0), WINDOW, 0);
        struct model model = {.count = 0};
        uint64_t frames[8] = {0};
        while (model.count < 256) {
            uint32_t connection = test_random_below(&random, 8);
            frames[connection] += test_random_below(&random, 4);
            struct model_delivery given = {.connection = connection,
                                           .tag = test_random_below(&random, 3),
                                           .frame = frames[connection],
                                           .octet = (uint8_t)test_random_below(&random, 4)};
            bool expected = model_take(&model, &given);
            const struct repeats_connection name = {9, connection, 0, false};
            assert_int_equal(repeats_take(repeats, name, given.frame, given.tag, &given.octet, 1, 0),
                             expected);
            repeated += expected ? 1 : 0;
        }
    }
    free(memory);
    assert_true(repeated > 1000 && repeated < 400 * 256 - 1000);
}

/* Found by the simulated site: two instances without a server push each other out of a station, which tells
 * each of their many connections the same. */
static void test_what_comes_late_is_known_over_many_connections(void **state)
{
    static const uint8_t octets[] = {1, 2, 3};
    assert_false(repeats_take(*state, (struct repeats_connection){9, 1, 0, false}, 1, 7, octets,
                              sizeof octets, REPEATS_ALL));
    for (uint32_t i = 2; i < 300; i++) {
        const uint8_t other[] = {4, (uint8_t)i, (uint8_t)(i >> 8)};
        assert_false(
            repeats_take(*state, (struct repeats_connection){9, i, 0, false}, 1, 7, other, sizeof other, 0));
    }
    assert_true(repeats_take(*state, (struct repeats_connection){8, 1, 0, false}, 1, 7, octets, sizeof octets,
                             REPEATS_ALL));
    assert_false(repeats_take(*state, (struct repeats_connection){10, 1, 0, false}, 1, 7,
                              (const uint8_t *)"new", 3, 0));
}

static struct repeats *begin(uint32_t values)
{
    size_t size = repeats_size(WINDOW, values);
    void *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 0xA5, size);
    return repeats_init(memory, size, WINDOW, values);
}

/* Likewise: two buffers of a hundred connections each were forwarded while the station was out of reach,
 * which then said again what it had said last. */
static void test_what_came_at_once_is_known_over_many_connections_that_come_late(void **state)
{
    (void)state;
    struct repeats *repeats = begin(4096);
    const struct repeats_connection before = {3, 1, 0, false}, after = {5, 2, 0, false};
    for (uint64_t frame = 1; frame <= 20; frame++) {
        const uint8_t octets[] = {1, (uint8_t)frame};
        assert_false(repeats_take(repeats, before, frame, 7, octets, sizeof octets, 0));
    }
    for (uint32_t i = 0; i < 4000; i++) {
        const uint8_t late[] = {2, (uint8_t)i, (uint8_t)(i >> 8)};
        const struct repeats_connection connection = {1 + i % 2, 10 + i / 2, 0, false};
        assert_false(repeats_take(repeats, connection, 1, 7, late, sizeof late, REPEATS_ALL));
    }
    assert_false(repeats_take(repeats, after, 1, 7, (const uint8_t[]){1, 20 - WINDOW}, 2, 0)); /* too old */
    for (uint64_t frame = 20 - WINDOW + 1; frame <= 20; frame++) {
        const uint8_t octets[] = {1, (uint8_t)frame};
        assert_true(repeats_take(repeats, after, frame, 7, octets, sizeof octets, 0));
    }
    free(repeats);
}

/* A clock that stands still: no value costs more than the window does, however much is remembered. */
static void test_of_equal_values_the_newest_are_looked_at(void **state)
{
    const unsigned many = 20000;
    struct repeats *repeats = begin(REPEATS_VALUES_MAX);
    unsigned known = 0;
    (void)state;
    for (unsigned i = 0; i < many; i++) {
        assert_false(take_back(repeats, 1, 1, "A", REPEATS_ALL));
    }
    for (unsigned i = 0; i < many; i++) {
        known += take_back(repeats, 2, 1, "A", REPEATS_ALL) ? 1 : 0;
    }
    assert_in_range(known, WINDOW * 22, many / 4);
    free(repeats);
}

/* Found by a simulated pair (37269): two equal events, one by each instance, are two after a restart of the server. */
static void test_what_the_journal_has_are_events_of_their_own(void **state)
{
    const uint8_t octets[] = {1, 2, 3};
    const struct repeats_connection was[] = {{1, 1, 1, true}, {1, 1, 2, false}};
    const struct repeats_connection now[] = {{2, 1, 1, true}, {2, 1, 2, false}};
    for (unsigned i = 0; i < 2; i++) {
        repeats_recover(*state, was[i], 1, 7, octets, sizeof octets);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_not_equal(repeats_take(*state, now[i % 2], 1, 7, octets, sizeof octets, REPEATS_ALL),
                             REPEATS_NEW);
    }
    assert_int_equal(repeats_take(*state, now[0], 1, 7, octets, sizeof octets, REPEATS_ALL), REPEATS_NEW);
}

static void test_connections_are_forgotten(void **state)
{
    const struct repeats_connection newest = {2, 1, 0, false};
    uint8_t octets[4];
    for (uint32_t i = 1; i <= 1000; i++) {
        value(i, octets);
        assert_false(repeats_take(*state, (struct repeats_connection){1, i, 0, false}, 1, 7, octets,
                                  sizeof octets, 0));
    }
    for (uint32_t i = 1; i <= 1000; i++) {
        value(i, octets);
        assert_int_equal(repeats_take(*state, newest, i, 7, octets, sizeof octets, 0), i > 1001 - 64);
    }
}

/* RELOAD, by which the line comes to be read without a server, or is so no longer. */
static void test_another_number_of_connections_takes_over(void **state)
{
    static const uint32_t same[] = {0};
    const uint32_t values[] = {0, 4096};
    uint8_t octets[4];
    (void)state;
    for (unsigned to = 0; to < 4; to++) {
        struct repeats *before = begin(values[to / 2]), *after = begin(values[to % 2]);
        for (uint32_t i = 1; i <= 200; i++) {
            value(i, octets);
            assert_false(
                repeats_take(before, (struct repeats_connection){1, i, 0, false}, 1, 0, octets, 4, 0));
        }
        repeats_move(after, before, same, 0);
        free(before);
        value(200, octets); /* the connection goes on */
        assert_false(repeats_take(after, (struct repeats_connection){1, 200, 0, false}, 2, 0, octets, 4, 0));
        uint32_t known = to == 3 ? 200 : 64;
        for (uint32_t i = 1; i <= 200; i++) {
            value(i, octets);
            bool found = repeats_take(after, (struct repeats_connection){2, 1, 0, false}, i, 0, octets, 4, 0);
            assert_int_equal(found, i > 200 - known + (to % 2 == 0));
        }
        free(after);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_looked_back_for_is_found_behind_the_window),
        TEST(test_a_value_of_another_connection_is_a_repeat),
        TEST(test_what_comes_late_is_known_over_many_connections),
        TEST(test_what_came_at_once_is_known_over_many_connections_that_come_late),
        cmocka_unit_test(test_of_equal_values_the_newest_are_looked_at),
        TEST(test_what_the_journal_has_are_events_of_their_own),
        TEST(test_connections_are_forgotten),
        cmocka_unit_test(test_another_number_of_connections_takes_over),
        TEST(test_equal_values_of_one_connection_are_two_events),
        TEST(test_it_matches_one_to_one),
        TEST(test_a_repeat_may_be_repeated),
        TEST(test_what_two_connections_delivered_counts_once_each),
        TEST(test_the_oldest_is_matched_first),
        TEST(test_the_window_is_counted_in_frames),
        TEST(test_the_window_is_that_of_the_delivering_connection),
        TEST(test_values_of_one_frame_are_all_in_the_window),
        TEST(test_the_same_serial_in_another_epoch_is_another_connection),
        TEST(test_tag_and_size_belong_to_the_value),
        TEST(test_values_that_share_a_place_are_told_apart),
        TEST(test_a_whole_window_of_full_frames_is_remembered),
        TEST(test_overwritten_values_are_forgotten),
        TEST(test_any_window),
        TEST(test_it_agrees_with_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
