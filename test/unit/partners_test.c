/* Which partner is HOT, which path carries data, who is asked when: by examples, over every state that can be
 * reached, and by chance. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "role/partners.h"

enum { A1, A2, B1, B2 };
#define HEARD_KINDS 4

static const struct partners_settings four = {.paths = 0xF, .required = 4, .ping_count = 3};

static void drain(struct partners *partners)
{
    struct partners_news news;
    while (partners_next(partners, &news)) {
    }
}

/* What has changed, as text: "A: standby to HOT, it sends values". */
static const char *told(struct partners *partners)
{
    static char text[512];
    struct partners_news news;
    size_t used = 0;
    text[0] = '\0';
    while (partners_next(partners, &news)) {
        const char *between = used > 0 ? "; " : "";
        char who = (char)('A' + news.partner);
        switch (news.kind) {
        case PARTNERS_NEWS_STANDING:
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%c: %s to %s, %s", between, who,
                                     partner_standing_name((enum partner_standing)news.old),
                                     partner_standing_name((enum partner_standing)news.new), news.reason);
            break;
        case PARTNERS_NEWS_PATH:
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%c: path %d to %d, %s", between, who,
                                     (int8_t)news.old, (int8_t)news.new, news.reason);
            break;
        case PARTNERS_NEWS_CONFLICT:
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%c: conflict", between, who);
            break;
        case PARTNERS_NEWS_DEAD:
            used += (size_t)snprintf(text + used, sizeof text - used, "%spath %u dead", between, news.new);
            break;
        case PARTNERS_NEWS_START: /* of connections of which one is started: partners_one_test.c */
            break;
        case PARTNERS_NEWS_ALIVE:
            used += (size_t)snprintf(text + used, sizeof text - used, "%spath %u alive", between, news.new);
            break;
        }
    }
    return text;
}

static void start(struct partners *partners, unsigned path)
{
    partners_path_event(partners, path, PATH_CONNECTS);
    partners_path_event(partners, path, PATH_STARTS);
}

static void stop(struct partners *partners, unsigned path)
{
    partners_path_event(partners, path, PATH_CLOSES);
}

/* All four are started, first A's; A is HOT, was asked and answered. */
static struct partners all_up(const struct partners_settings *settings)
{
    struct partners partners;
    partners_init(&partners, settings);
    partners_set_acting(&partners, true);
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        start(&partners, path);
        drain(&partners);
    }
    partners_interrogated(&partners, 0);
    partners_interrogated(&partners, 1);
    partners_heard(&partners, A1, HEARD_ANSWER);
    drain(&partners);
    return partners;
}

static void test_the_start(void **state)
{
    (void)state;
    struct partners partners;
    uint16_t flags;
    partners_init(&partners, &four);
    partners_set_acting(&partners, true);
    partners_path_event(&partners, A2, PATH_CONNECTS);
    assert_string_equal(told(&partners), "");
    partners_path_event(&partners, A2, PATH_STARTS);
    assert_string_equal(told(&partners), "A: lost to standby, a path to it is started; "
                                         "A: path -1 to 1, it is started");
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AFTER_START);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_NOT);
    start(&partners, A1); /* the second path waits */
    assert_string_equal(told(&partners), "");
    assert_int_equal(partners_data_path(&partners, 0), A2);
    assert_false(partners_line(&partners, &flags));
    assert_int_equal(flags, 0x3);
    start(&partners, B1);
    start(&partners, B2);
    drain(&partners);
    assert_true(partners_line(&partners, &flags));
    assert_int_equal(flags, 0xF);
    assert_int_equal(partners_hot(&partners), PARTNERS_NOBODY);
}

static void test_who_answers_or_delivers_is_hot(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    assert_int_equal(partners_hot(&partners), 0);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_NOT); /* it has just answered */
    partners_heard(&partners, B2, HEARD_VALUES);                            /* on any of its paths */
    assert_string_equal(told(&partners), "A: HOT to standby, the other one delivers; "
                                         "B: standby to HOT, it sends values");
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AT_ONCE);
    partners_interrogated(&partners, 1);
    partners_heard(&partners, B2, HEARD_VALUES);
    assert_string_equal(told(&partners), "");
    partners_heard(&partners, A1, HEARD_VALUES);
    assert_string_equal(told(&partners), "A: conflict; B: HOT to standby, the other one delivers; "
                                         "A: standby to HOT, it sends values");
    assert_int_equal(partners.conflicts, 1);
}

static void test_an_answer_that_nobody_asked_for_here_is_no_answer(void **state)
{
    (void)state;
    struct partners partners;
    partners_init(&partners, &four);
    start(&partners, A1); /* we do not act, and have not asked */
    drain(&partners);
    partners_set_acting(&partners, true);
    partners_interrogated(&partners, 0);
    stop(&partners, A1);
    start(&partners, A1);
    drain(&partners);
    partners.partner[0].interrogate = INTERROGATE_NOT;
    partners_heard(&partners, A1, HEARD_ANSWER);
    drain(&partners);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AT_ONCE);
}

static void test_a_path_fails(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    stop(&partners, A2); /* the one that waits */
    assert_string_equal(told(&partners), "");
    start(&partners, A2);
    stop(&partners, A1);
    assert_string_equal(told(&partners), "A: path 0 to 1, the one before it has ended");
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AT_ONCE);
    assert_int_equal(partners_hot(&partners), 0);
    start(&partners, A1); /* no way back */
    assert_int_equal(partners_data_path(&partners, 0), A2);
    partners_path_event(&partners, A2, PATH_STOPS);
    assert_string_equal(told(&partners), "A: path 1 to 0, the one before it has ended");
}

static void test_both_paths_to_hot_fail(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    stop(&partners, A1);
    drain(&partners);
    partners_interrogated(&partners, 0);
    stop(&partners, A2);
    assert_string_equal(told(&partners), "A: path 1 to -1, it has ended, and there is no other; "
                                         "A: HOT to lost, no path to it is started");
    assert_int_equal(partners_hot(&partners), PARTNERS_NOBODY);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_NOT);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AT_ONCE);
}

static void test_nobody_is_hot_and_all_are_asked_again(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    partners_interval(&partners);
    partners_heard(&partners, B1, HEARD_QUESTION);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_NOT); /* A is HOT */
    stop(&partners, A1);
    stop(&partners, A2);
    drain(&partners);
    partners_interrogated(&partners, 1);
    partners_heard(&partners, B1, HEARD_QUESTION); /* it begins to act, perhaps */
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AT_ONCE);
    partners_interrogated(&partners, 1);
    partners_interval(&partners);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AT_ONCE);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_NOT);
    partners_set_acting(&partners, false);
    partners_heard(&partners, B1, HEARD_QUESTION);
    partners_interval(&partners);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_NOT);
}

static void test_marks_of_a_standby(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    partners_heard(&partners, B1, HEARD_MARKED);
    assert_string_equal(told(&partners), "");
    partners_heard(&partners, A1, HEARD_MARKED);
    assert_string_equal(told(&partners), "A: HOT to standby, it marks its values as a standby's");
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AT_ONCE);
    partners_heard(&partners, A1, HEARD_VALUES);
    assert_int_equal(partners_hot(&partners), 0);
    assert_int_equal(partners.conflicts, 0); /* it had given way to nobody */
}

static void test_our_own_role(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    partners_set_acting(&partners, false);
    partners_heard(&partners, B1, HEARD_VALUES);
    drain(&partners);
    assert_int_equal(partners_hot(&partners), 1); /* we see it, and are silent */
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_NOT);
    partners_set_acting(&partners, true);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AT_ONCE);
    assert_int_equal(partners_interrogates(&partners, 1), INTERROGATE_AT_ONCE);
    partners_interrogated(&partners, 0);
    partners_set_acting(&partners, true); /* nothing new */
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_NOT);
    struct partners_settings curious = four;
    curious.interrogates_passive = true;
    partners_init(&partners, &curious);
    start(&partners, A1);
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AFTER_START);
}

static void test_the_only_partner_is_hot(void **state)
{
    (void)state;
    struct partners partners;
    partners_init(&partners, &(struct partners_settings){.paths = 0x1, .required = 1});
    partners_set_acting(&partners, true);
    start(&partners, A1);
    assert_string_equal(told(&partners),
                        "A: lost to standby, a path to it is started; A: path -1 to 0, it is "
                        "started; A: standby to HOT, it is the only one");
    assert_int_equal(partners_interrogates(&partners, 0), INTERROGATE_AFTER_START);
}

static void test_attempts_where_we_connect(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    stop(&partners, A1);
    assert_int_equal(partners_reach(&partners, 2, 5), REACH_ON);
    stop(&partners, B1);
    stop(&partners, A2); /* HOT is lost, and one path to the standby is up */
    drain(&partners);
    assert_int_equal(partners.attempts, 1); /* what ended has failed */
    stop(&partners, A1);
    stop(&partners, A2);
    assert_int_equal(partners.attempts, 1); /* the round is not over */
    stop(&partners, B1);
    assert_int_equal(partners.attempts, 2);
    partners_forget_attempts(&partners);
    stop(&partners, B2);
    drain(&partners);
    stop(&partners, A1);
    stop(&partners, A2);
    stop(&partners, B1);
    assert_int_equal(partners.attempts, 1);
    assert_int_equal(partners_reach(&partners, 2, 5), REACH_UNDECIDED);
    for (unsigned round = 2; round <= 5; round++) {
        for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
            partners_interval(&partners); /* counts nothing: attempts fail */
            assert_int_equal(partners.attempts, round - 1);
            stop(&partners, path);
        }
        assert_int_equal(partners.attempts, round);
        assert_int_equal(partners_reach(&partners, 2, 5), round < 5 ? REACH_COMERR : REACH_HARDERR);
    }
    start(&partners, B1); /* a standby: its values, if any, are ignored */
    drain(&partners);
    assert_int_equal(partners_reach(&partners, 2, 5), REACH_HARDERR);
    partners_heard(&partners, B1, HEARD_VALUES);
    assert_int_equal(partners_reach(&partners, 2, 5), REACH_ON);
    partners_forget_attempts(&partners);
    assert_int_equal(partners.attempts, 0);
}

static void test_attempts_where_we_listen_or_all_are_standby(void **state)
{
    (void)state;
    struct partners_settings listening = four;
    listening.listens = true;
    struct partners partners;
    partners_init(&partners, &listening);
    stop(&partners, A1);
    partners_interval(&partners);
    partners_interval(&partners);
    assert_int_equal(partners.attempts, 2);
    start(&partners, A1);
    drain(&partners);
    partners_interval(&partners);
    assert_int_equal(partners.attempts, 3); /* connected, and nobody delivers */
    partners_heard(&partners, A1, HEARD_VALUES);
    drain(&partners);
    partners_interval(&partners);
    assert_int_equal(partners.attempts, 0);

    partners_init(&partners, &four);
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        start(&partners, path);
        drain(&partners);
    }
    partners_interval(&partners);
    assert_int_equal(partners.attempts, 1);
}

static void test_pings(void **state)
{
    (void)state;
    struct partners partners = all_up(&four);
    partners_pinged(&partners, A1, false);
    partners_pinged(&partners, A1, false);
    partners_pinged(&partners, A1, true);
    partners_pinged(&partners, A1, false);
    partners_pinged(&partners, A1, false);
    assert_string_equal(told(&partners), "");
    partners_pinged(&partners, A1, false);
    assert_string_equal(told(&partners), "path 0 dead");
    assert_false(partners_may_connect(&partners, A1));
    stop(&partners, A1);
    drain(&partners);
    partners_pinged(&partners, A1, false);
    assert_string_equal(told(&partners), ""); /* told once */
    for (unsigned path = A2; path < PARTNERS_PATHS; path++) {
        stop(&partners, path); /* a dead one holds up no round */
        drain(&partners);
    }
    assert_int_equal(partners.attempts, 1);
    partners_pinged(&partners, A1, true);
    assert_string_equal(told(&partners), "path 0 alive");
    assert_true(partners_may_connect(&partners, A1));
    for (unsigned i = 0; i < four.ping_count; i++) {
        partners_pinged(&partners, A1, false);
    }
    assert_string_equal(told(&partners), "path 0 dead"); /* told anew */
    partners_forget_pings(&partners, A1);
    assert_string_equal(told(&partners), "");
    assert_true(partners_may_connect(&partners, A1));
}

/* ---- what holds in every state, and for every step ---- */

static bool has_started_path(const struct partners *partners, unsigned p)
{
    return partners->path[2 * p].state == PATH_STARTED || partners->path[2 * p + 1].state == PATH_STARTED;
}

static void check_state(const struct partners *partners)
{
    unsigned hot = 0;
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        unsigned data = partners_data_path(partners, p);
        hot += partners->partner[p].standing == PARTNER_HOT ? 1u : 0u;
        assert_int_equal(partners->partner[p].standing == PARTNER_LOST, !has_started_path(partners, p));
        assert_int_equal(data == PARTNERS_NO_PATH, !has_started_path(partners, p));
        if (data != PARTNERS_NO_PATH) {
            assert_true(data / PARTNERS_NETWORKS == p && partners->path[data].state == PATH_STARTED);
        } else {
            assert_int_equal(partners_interrogates(partners, p), INTERROGATE_NOT);
        }
        if (!partners->acting) {
            assert_int_equal(partners_interrogates(partners, p), INTERROGATE_NOT);
        }
    }
    assert_true(hot <= 1);
}

enum {
    STEP_HEARD = PARTNERS_PATHS * PATH_EVENTS,
    STEP_ACTING = STEP_HEARD + PARTNERS_PATHS * HEARD_KINDS,
    STEP_ASKED,
    STEP_INTERVAL = STEP_ASKED + PARTNERS_MAX,
    STEP_COUNT
};

/* Takes a step, where it can happen. True when it did. */
static bool take_step(struct partners *partners, unsigned step)
{
    if (step < STEP_HEARD) {
        unsigned path = step / PATH_EVENTS, event = step % PATH_EVENTS, at = partners->path[path].state;
        bool possible = event == PATH_CLOSES || (event == PATH_CONNECTS && at == PATH_CLOSED) ||
                        (event == PATH_STARTS && at == PATH_OPEN) ||
                        (event == PATH_STOPS && at != PATH_CLOSED);
        if (possible) {
            partners_path_event(partners, path, (enum partners_path_event)event);
        }
        return possible;
    }
    if (step < STEP_ACTING) {
        partners_heard(partners, (step - STEP_HEARD) / HEARD_KINDS,
                       (enum partners_heard)((step - STEP_HEARD) % HEARD_KINDS));
    } else if (step == STEP_ACTING) {
        partners_set_acting(partners, !partners->acting);
    } else if (step < STEP_INTERVAL) {
        unsigned p = step - STEP_ASKED;
        if (partners_interrogates(partners, p) == INTERROGATE_NOT) {
            return false;
        }
        partners_interrogated(partners, p);
    } else {
        partners_interval(partners);
    }
    return true;
}

/* From one state to the next: what may change by which step. */
static void check_step(const struct partners *before, const struct partners *after, unsigned step)
{
    bool of_path = step < STEP_HEARD, of_hearing = step >= STEP_HEARD && step < STEP_ACTING;
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        unsigned old = partners_data_path(before, p), new = partners_data_path(after, p);
        if (old != new) { /* only when it began, or the old one has ended: no way back, no flapping */
            assert_true(of_path);
            assert_true(old == PARTNERS_NO_PATH || after->path[old].state != PATH_STARTED);
            assert_int_equal(partners_interrogates(after, p) != INTERROGATE_NOT,
                             after->acting && new != PARTNERS_NO_PATH);
        }
        if (before->partner[p].standing != after->partner[p].standing) {
            assert_true(of_path || of_hearing);
        }
        bool became_hot =
            before->partner[p].standing != PARTNER_HOT && after->partner[p].standing == PARTNER_HOT;
        assert_true(!became_hot ||
                    (of_hearing && (step - STEP_HEARD) / HEARD_KINDS / PARTNERS_NETWORKS == p &&
                     (step - STEP_HEARD) % HEARD_KINDS < HEARD_MARKED));
        bool hot_lost =
            before->partner[p].standing == PARTNER_HOT && after->partner[p].standing == PARTNER_LOST;
        if (hot_lost && after->acting && has_started_path(after, 1 - p)) {
            assert_int_equal(partners_interrogates(after, 1 - p), INTERROGATE_AT_ONCE);
        }
    }
}

#define STATES_MAX 200000
static struct partners states[STATES_MAX];
static uint32_t table[1 << 19];

/* What counts only upwards is no part of a state. */
static void plain(struct partners *partners)
{
    partners->attempts = 0;
    partners->conflicts = 0;
    memset(partners->news, 0, sizeof partners->news);
}

static uint32_t hash(const struct partners *partners)
{
    const uint8_t *octets = (const uint8_t *)partners;
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < sizeof *partners; i++) {
        value = (value ^ octets[i]) * 16777619u;
    }
    return value;
}

/* True when it was not seen before. */
static bool is_new(const struct partners *partners, uint32_t *count)
{
    uint32_t at = hash(partners) & ((1u << 19) - 1);
    while (table[at] != 0) {
        if (memcmp(&states[table[at] - 1], partners, sizeof *partners) == 0) {
            return false;
        }
        at = (at + 1) & ((1u << 19) - 1);
    }
    assert_true(*count < STATES_MAX);
    states[*count] = *partners;
    table[at] = ++*count;
    return true;
}

static void test_every_state_and_every_step(void **state)
{
    (void)state;
    uint32_t count = 0, steps = 0;
    partners_init(&states[0], &four);
    struct partners first = states[0];
    assert_true(is_new(&first, &count));
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned step = 0; step < STEP_COUNT; step++) {
            struct partners next;
            memcpy(&next, &states[i], sizeof next);
            if (!take_step(&next, step)) {
                continue;
            }
            check_state(&next);
            check_step(&states[i], &next, step);
            drain(&next);
            plain(&next);
            is_new(&next, &count);
            steps++;
        }
    }
    print_message("%u states, %u steps\n", count, steps);
    assert_true(count > 1000);
}

static void test_by_chance(void **state)
{
    (void)state;
    static const uint8_t sets[] = {0x1, 0x3, 0x5, 0x7, 0xF, 0xC};
    uint64_t chance = 1;
    for (unsigned seed = 0; seed < 600; seed++) {
        struct partners partners, before;
        struct partners_settings settings = {
            .paths = sets[seed % 6], .required = 1, .ping_count = 2, .listens = seed % 4 == 0};
        bool alone = settings.paths == 0x1 || settings.paths == 0x3 || settings.paths == 0xC;
        partners_init(&partners, &settings);
        for (unsigned i = 0; i < 500; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            unsigned step = (unsigned)(chance >> 33) % STEP_COUNT;
            unsigned path = step < STEP_HEARD ? step / PATH_EVENTS : (step - STEP_HEARD) / HEARD_KINDS;
            if (step < STEP_ACTING && ((unsigned)settings.paths >> path & 1u) == 0) {
                continue;
            }
            before = partners;
            if (take_step(&partners, step)) {
                check_state(&partners);
                if (!alone) {
                    check_step(&before, &partners, step);
                }
                drain(&partners);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_start),
        cmocka_unit_test(test_who_answers_or_delivers_is_hot),
        cmocka_unit_test(test_an_answer_that_nobody_asked_for_here_is_no_answer),
        cmocka_unit_test(test_a_path_fails),
        cmocka_unit_test(test_both_paths_to_hot_fail),
        cmocka_unit_test(test_nobody_is_hot_and_all_are_asked_again),
        cmocka_unit_test(test_marks_of_a_standby),
        cmocka_unit_test(test_our_own_role),
        cmocka_unit_test(test_the_only_partner_is_hot),
        cmocka_unit_test(test_attempts_where_we_connect),
        cmocka_unit_test(test_attempts_where_we_listen_or_all_are_standby),
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_every_state_and_every_step),
        cmocka_unit_test(test_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
