/* Filters in a KOM: each instance remembers for itself, begins afresh with each take-over, and acknowledges
 * what it held back. The rows by themselves are filter_test's. */
#include "kom_harness.h"

#include <string.h>

enum { IOA_TRAP = 2, IOA_TIMED = 3, IOA_BAND = 4 }; /* of line B */

/* Active, the station of line B is there. */
static void start_line_b(struct world *world)
{
    world_activate(world);
    world_accept(world, LINE_B);
    world_forget(world);
}

/* The station says it spontaneously, with its time. */
static void digital(struct world *world, uint32_t ioa, bool on)
{
    struct komet_object object = {.ioa = ioa, .value.single = on};
    world_later(world, KOMET_MS(5));
    komet_cp56_from_utc(&object.time, world->now.utc, 0);
    world_send(world, LINE_B, KOMET_M_SP_TB_1, KOMET_COT_SPONTANEOUS, object);
}

static void analog(struct world *world, float number)
{
    struct komet_object object = {.ioa = IOA_BAND, .value.real = number};
    world_send(world, LINE_B, KOMET_M_ME_NC_1, KOMET_COT_SPONTANEOUS, object);
}

/* So many values were sent since the last look. */
static void assert_sent(struct world *world, unsigned count)
{
    unsigned values = 0;
    for (unsigned i = 0; i < world_said(world, BODY(BATCH)); i++) {
        values += (unsigned)world_nth(world, BODY(BATCH), i)->batch->n_tag;
    }
    assert_int_equal(values, count);
    world_forget(world);
}

/* The seed's scenario: two instances of a process act, each with its own connection to the centre. Both have
 * seen FALSE; one gets TRUE, the other then FALSE. */
static void test_the_trap_of_two_instances_and_the_way_out(void **state)
{
    struct world *first = *state, *second;
    void *other;
    assert_int_equal(world_set_up(&other), 0);
    second = other;
    start_line_b(first);
    start_line_b(second);
    static const uint32_t inputs[] = {IOA_TRAP, IOA_TIMED};
    for (unsigned i = 0; i < 2; i++) {
        digital(first, inputs[i], false);
        digital(second, inputs[i], false);
        assert_sent(first, 1);
        assert_sent(second, 1);
        digital(first, inputs[i], true);
        assert_sent(first, 1);
        digital(second, inputs[i], false);
        assert_sent(second, i == 0 ? 0 : 1); /* to it, FALSE is what it had */
    }
    world_tear_down(&other);
}

static void test_what_was_held_back_is_acknowledged_in_its_order(void **state)
{
    struct world *world = *state;
    start_line_b(world);
    analog(world, 50);
    for (int i = 0; i < 4; i++) {
        analog(world, 50.25f); /* in the dead-band */
        analog(world, 500);    /* discarded */
    }
    const char *told = strstr(world->notes, "M.BAND discards 500");
    assert_non_null(told);
    assert_null(strstr(strchr(told, '\n'), "discards")); /* once */
    assert_sent(world, 1);
    assert_int_equal(world->lines[LINE_B].acknowledged, 0); /* what came before is not stored */
    world_stored(world, 1);
    assert_int_equal(world->lines[LINE_B].acknowledged, 9);
    for (int i = 0; i < 8; i++) {
        analog(world, 50.25f);
    }
    assert_sent(world, 0);
    assert_int_equal(world->lines[LINE_B].acknowledged, 17); /* nothing waits */
}

static void test_a_take_over_begins_afresh(void **state)
{
    struct world *world = *state;
    start_line_b(world);
    digital(world, IOA_TRAP, true);
    digital(world, IOA_TRAP, true);
    analog(world, 50);
    assert_sent(world, 2);
    world_role(world, false, 0);
    world_role(world, true, KOM_TEST_EPOCH + 1);
    world_accept(world, LINE_B);
    world_forget(world);
    digital(world, IOA_TRAP, true);
    analog(world, 50.25f);
    assert_sent(world, 2);
    digital(world, IOA_TRAP, true);
    analog(world, 50);
    assert_sent(world, 0);
}

static void test_a_new_connection_does_not(void **state)
{
    struct world *world = *state;
    start_line_b(world);
    world->server_answers = true;
    digital(world, IOA_TRAP, true);
    assert_sent(world, 1);
    struct station_end *end = &world->lines[LINE_B];
    kom_line_closed(world->kom, world->now, LINE_B, end->connection, KOMET_PEER_CLOSED);
    end->link = NULL;
    world_live(world, KOMET_SECONDS(2));
    world_accept(world, LINE_B);
    world_forget(world);
    digital(world, IOA_TRAP, true);
    assert_sent(world, 0);
    digital(world, IOA_TRAP, false);
    assert_sent(world, 1);
}

/* What went on and was never stored: the station sends it again, and it must not be measured against itself.
 */
static void test_a_lost_server_makes_it_forget(void **state)
{
    struct world *world = *state;
    start_line_b(world);
    digital(world, IOA_TRAP, true);
    assert_sent(world, 1);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    world->lines[LINE_B].asked = false;
    world_activate(world);
    world_accept(world, LINE_B);
    world_forget(world);
    digital(world, IOA_TRAP, true);
    assert_sent(world, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_the_trap_of_two_instances_and_the_way_out),
        TEST(test_what_was_held_back_is_acknowledged_in_its_order),
        TEST(test_a_take_over_begins_afresh),
        TEST(test_a_new_connection_does_not),
        TEST(test_a_lost_server_makes_it_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
