/* What the lines have to do with who is active: what each instance reaches, by its own word. */
#include "roles.h"

#define LOSS_MS   2000
#define PAUSE_MS  60000
#define LINES     3
#define COLD_LINE 2 /* on which only the active one says anything */

struct world {
    struct instances instances;
    struct reach_line lines[LINES];
    int64_t ms;
};

/* The roles follow at once, as from a server and instances that are there. */
static void follow(struct world *world)
{
    struct instances_output output;
    while (instances_next(&world->instances, at(world->ms), &output)) {
        if (!output.active) {
            instances_stopped(&world->instances, at(world->ms), output.instance, output.epoch);
        }
    }
}

/* All that are connected renew in time. */
static void live(struct world *world, int64_t ms)
{
    for (int64_t end = world->ms + ms; world->ms < end;) {
        world->ms += 100;
        for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
            if (instances_connected(&world->instances, i)) {
                instances_renew(&world->instances, at(world->ms), i);
            }
        }
        instances_tick(&world->instances, at(world->ms));
        follow(world);
    }
}

static void come(struct world *world, uint8_t instance)
{
    assert_null(instances_connect(&world->instances, at(world->ms), instance, false));
    instances_renew(&world->instances, at(world->ms), instance);
    follow(world);
}

static void says(struct world *world, uint8_t instance, uint16_t line, enum line_reach fact)
{
    instances_line(&world->instances, at(world->ms), instance, line, fact);
    follow(world);
}

/* Instances 1 and 2, the first one active; both reach the warm lines, the cold one the active one. */
static void two(struct world *world)
{
    *world = (struct world){0};
    instances_init(&world->instances, LEASE, 0, at(0));
    for (unsigned i = 0; i < LINES; i++) {
        world->lines[i].loss_us = KOMET_MS(LOSS_MS);
        world->lines[i].compared = i != COLD_LINE;
    }
    instances_watch_lines(&world->instances, world->lines, LINES);
    for (uint8_t instance = 1; instance <= 2; instance++) {
        come(world, instance);
        says(world, instance, 0, REACH_YES);
        says(world, instance, 1, REACH_YES);
    }
    says(world, 1, COLD_LINE, REACH_YES);
    live(world, 1000);
    assert_int_equal(world->instances.active, 1);
}

/* ---- one line, every pair of what the two say ---- */

static void test_every_pair_of_facts(void **state)
{
    (void)state;
    static const struct {
        enum line_reach active, passive;
        bool moves;
    } table[] = {
        {REACH_UNKNOWN, REACH_UNKNOWN, false}, {REACH_UNKNOWN, REACH_NO, false},
        {REACH_UNKNOWN, REACH_YES, false},     {REACH_NO, REACH_UNKNOWN, false},
        {REACH_NO, REACH_NO, false},           {REACH_NO, REACH_YES, true},
        {REACH_YES, REACH_UNKNOWN, false},     {REACH_YES, REACH_NO, false},
        {REACH_YES, REACH_YES, false},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct world world;
        two(&world);
        says(&world, 1, 0, table[i].active);
        says(&world, 2, 0, table[i].passive);
        live(&world, LOSS_MS - 100);
        assert_int_equal(world.instances.active, 1);
        live(&world, 200);
        assert_int_equal(world.instances.active, table[i].moves ? 2 : 1);
        assert_int_equal(world.instances.by_lines.count, table[i].moves ? 1 : 0);
    }
}

static void test_the_change_says_why(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 1, 1, REACH_NO);
    live(&world, LOSS_MS);
    const struct role_by_lines *by = &world.instances.by_lines;
    assert_true(by->count == 1 && by->line == 1 && by->from == 1 && by->to == 2);
}

static void test_the_deadline_is_that_of_the_line(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    int64_t since = world.ms;
    says(&world, 1, 0, REACH_NO);
    for (uint8_t i = 1; i <= 2; i++) { /* so that nothing else is due before */
        world.instances.member[i].heard = world.instances.member[i].lease_end = at(since + PAUSE_MS);
    }
    assert_int_equal(instances_deadline(&world.instances).us, KOMET_MS(since + LOSS_MS));
}

static void test_a_line_that_comes_back_in_time_moves_nothing(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    for (int i = 0; i < 5; i++) {
        says(&world, 1, 0, REACH_NO);
        live(&world, LOSS_MS - 100);
        says(&world, 1, 0, REACH_YES);
        live(&world, 100);
    }
    says(&world, 1, 0, REACH_NO); /* two lines in turn: neither is lost */
    live(&world, LOSS_MS - 500);
    says(&world, 1, 1, REACH_NO);
    says(&world, 1, 0, REACH_YES);
    live(&world, 1000);
    assert_int_equal(world.instances.active, 1);
}

static void test_a_cold_line_moves_nothing(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 1, COLD_LINE, REACH_NO);
    live(&world, PAUSE_MS);
    assert_int_equal(world.instances.active, 1);
}

static void test_one_that_reaches_another_line_less_gets_nothing(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 2, 1, REACH_NO);
    says(&world, 1, 0, REACH_NO);
    live(&world, PAUSE_MS);
    assert_int_equal(world.instances.active, 1); /* one each: nothing would be better */
    says(&world, 1, 1, REACH_NO);
    live(&world, 100);
    assert_int_equal(world.instances.active, 2); /* line 0 is lost for long, and now it is more */
}

/* ---- when again ---- */

static void test_at_most_once_a_minute(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 1, 0, REACH_NO);
    live(&world, LOSS_MS);
    int64_t moved = world.ms;
    assert_int_equal(world.instances.active, 2);
    says(&world, 1, 0, REACH_YES);
    says(&world, 2, 0, REACH_NO);
    live(&world, PAUSE_MS - 200);
    assert_int_equal(world.instances.active, 2);
    while (world.instances.active == 2) {
        live(&world, 100);
    }
    assert_int_equal(world.ms - moved, PAUSE_MS);
}

static void test_it_does_not_go_back_by_itself(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 1, 0, REACH_NO);
    live(&world, LOSS_MS);
    says(&world, 1, 0, REACH_YES);
    live(&world, 3 * PAUSE_MS);
    assert_int_equal(world.instances.active, 2);
}

/* ---- beside the other rules ---- */

static void test_who_reaches_more_follows_the_lost_one(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    come(&world, 3);
    says(&world, 3, 0, REACH_YES);
    assert_null(instances_set_preferred(&world.instances, 3));
    live(&world, 100);
    instances_lost(&world.instances, at(world.ms), 1, true);
    follow(&world);
    assert_int_equal(world.instances.active, 2); /* two lines against one, whoever is preferred */
    says(&world, 3, 1, REACH_YES);
    come(&world, 1);
    instances_lost(&world.instances, at(world.ms), 2, true);
    follow(&world);
    assert_int_equal(world.instances.active, 3);
}

static void test_what_a_lost_one_reached_is_forgotten(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    instances_lost(&world.instances, at(world.ms), 2, true);
    come(&world, 2);
    says(&world, 1, 0, REACH_NO);
    live(&world, PAUSE_MS);
    assert_int_equal(world.instances.active, 1); /* the new run has not said anything yet */
    says(&world, 2, 0, REACH_YES);
    assert_int_equal(world.instances.active, 1); /* one line each */
    says(&world, 2, 1, REACH_YES);
    assert_int_equal(world.instances.active, 2);
}

static void test_who_was_chosen_by_hand_keeps_the_role(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 2, 0, REACH_NO);
    assert_null(instances_set_active(&world.instances, at(world.ms), 2));
    follow(&world);
    says(&world, 2, 0, REACH_NO);
    live(&world, 2 * PAUSE_MS);
    assert_int_equal(world.instances.active, 2); /* it was known */
    says(&world, 2, 0, REACH_YES);
    says(&world, 2, 0, REACH_NO);
    live(&world, LOSS_MS);
    assert_int_equal(world.instances.active, 1); /* it is news */
}

static void test_by_hand_is_also_who_has_the_role_already(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    says(&world, 1, 0, REACH_NO);
    live(&world, LOSS_MS - 500);
    assert_null(instances_set_active(&world.instances, at(world.ms), 1));
    live(&world, 2 * PAUSE_MS);
    assert_int_equal(world.instances.active, 1);
}

static void test_a_line_that_the_chosen_one_reached_is_held_against_it(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    assert_null(instances_set_active(&world.instances, at(world.ms), 2));
    follow(&world);
    says(&world, 2, 0, REACH_NO); /* it stood by, and cannot start */
    live(&world, LOSS_MS);
    assert_int_equal(world.instances.active, 1);
}

static void test_the_preferred_one_waits_until_it_reaches_as_many(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    instances_lost(&world.instances, at(world.ms), 2, true);
    assert_null(instances_set_preferred(&world.instances, 2));
    come(&world, 2);
    says(&world, 2, 0, REACH_YES);
    live(&world, 5000);
    assert_int_equal(world.instances.active, 1);
    says(&world, 2, 1, REACH_YES);
    assert_int_equal(world.instances.active, 2);
    assert_int_equal(world.instances.by_lines.count, 0);
}

static void test_a_damped_one_does_not_relieve(void **state)
{
    (void)state;
    struct world world;
    two(&world);
    for (int i = 0; i < 2; i++) {
        instances_lost(&world.instances, at(world.ms), 2, true);
        come(&world, 2);
    }
    says(&world, 2, 0, REACH_YES);
    says(&world, 2, 1, REACH_YES);
    says(&world, 1, 0, REACH_NO);
    live(&world, PAUSE_MS / 2);
    assert_int_equal(world.instances.active, 1);
    live(&world, PAUSE_MS);
    assert_int_equal(world.instances.active, 2);
}

/* ---- whatever they say ---- */

/* Random facts: a move for a line's sake is never within a minute of the one before, never to one that
 * reaches no more, and there is one when the best of them has been better for long enough. */
struct watched {
    uint32_t moves;
    int64_t moved;
    uint8_t active;
};

static void check_move(const struct world *world, struct watched *watched)
{
    const struct role_by_lines *by = &world->instances.by_lines;
    if (by->count != watched->moves) {
        assert_int_equal(by->count, watched->moves + 1);
        assert_true(world->ms - watched->moved >= PAUSE_MS);
        assert_int_equal(by->from, watched->active);
        assert_true(reach_count(&world->instances.reach, by->to) >
                    reach_count(&world->instances.reach, by->from));
        watched->moves = by->count;
        watched->moved = world->ms;
    }
    watched->active = world->instances.active;
}

static void run_random_facts(uint64_t seed)
{
    struct world world;
    struct test_random random = {seed};
    struct watched watched = {0, -PAUSE_MS, 1};
    two(&world);
    come(&world, 3);
    for (int i = 0; i < 400; i++) {
        uint8_t instance = (uint8_t)(1 + test_random_below(&random, 3));
        uint16_t line = (uint16_t)test_random_below(&random, LINES);
        if (test_random_below(&random, 40) == 0) {
            assert_null(instances_set_active(&world.instances, at(world.ms), instance));
            follow(&world);
        } else {
            says(&world, instance, line, (enum line_reach)test_random_below(&random, REACH_COUNT));
        }
        check_move(&world, &watched);
        for (int64_t step = test_random_below(&random, 60); step > 0; step--) {
            live(&world, 100);
            check_move(&world, &watched);
        }
    }
    assert_true(watched.moves > 0);
}

static void test_random_facts(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        run_random_facts(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair_of_facts),
        cmocka_unit_test(test_the_change_says_why),
        cmocka_unit_test(test_the_deadline_is_that_of_the_line),
        cmocka_unit_test(test_a_line_that_comes_back_in_time_moves_nothing),
        cmocka_unit_test(test_a_cold_line_moves_nothing),
        cmocka_unit_test(test_one_that_reaches_another_line_less_gets_nothing),
        cmocka_unit_test(test_at_most_once_a_minute),
        cmocka_unit_test(test_it_does_not_go_back_by_itself),
        cmocka_unit_test(test_who_reaches_more_follows_the_lost_one),
        cmocka_unit_test(test_what_a_lost_one_reached_is_forgotten),
        cmocka_unit_test(test_who_was_chosen_by_hand_keeps_the_role),
        cmocka_unit_test(test_by_hand_is_also_who_has_the_role_already),
        cmocka_unit_test(test_a_line_that_the_chosen_one_reached_is_held_against_it),
        cmocka_unit_test(test_the_preferred_one_waits_until_it_reaches_as_many),
        cmocka_unit_test(test_a_damped_one_does_not_relieve),
        cmocka_unit_test(test_random_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
