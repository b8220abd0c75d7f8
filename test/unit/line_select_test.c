/* Select before execute on a controlling line: each step ends the command when it fails, and it ends once. */
#include "line_harness.h"

#include <string.h>

static int set_up(void **state)
{
    line_set_up(state);
    struct world *world = *state;
    world->stations[0].parameters.value[PARAMETER_SBE] = 1;
    world->stations[0].parameters.value[PARAMETER_OIC] = 0; /* only commands */
    line_again(world);
    line_start(world);
    return 0;
}

/* The station's newest command; true: it selects. */
static bool selects(const struct world *world, unsigned at)
{
    struct komet_asdu asdu;
    struct komet_object object;
    assert_true(at < world->asdu_count);
    assert_int_equal(komet_asdu_decode(&komet_profile_104, world->asdus[at], world->asdu_sizes[at], &asdu),
                     KOMET_ASDU_OK);
    assert_int_equal(asdu.type, KOMET_C_SC_NA_1);
    komet_asdu_object(&asdu, 0, &object);
    return object.select;
}

static void answer(struct world *world, bool select, uint8_t cause, bool negative)
{
    line_station_sends(world, KOMET_C_SC_NA_1, cause, negative, 1,
                       (struct komet_object){.ioa = 5, .value.single = true, .select = select});
}

static void give(struct world *world, uint64_t id, enum line_command_kind kind)
{
    struct line_command order = {.id = id,
                                 .kind = kind,
                                 .tag = &world->tags[2],
                                 .station = world->stations,
                                 .number = 1,
                                 .deadline = komet_after(world->now.instant, KOMET_SECONDS(5))};
    line_command(world->line, world->now, &order);
    line_pump(world);
}

static void expect_end(const struct world *world, uint64_t id, enum command_result result)
{
    assert_int_equal(world->end_count, 1);
    assert_int_equal(world->end.id, id);
    assert_int_equal(world->end.result, result);
}

static void test_selected_then_executed(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_WRITE);
    assert_int_equal(world->asdu_count, 1);
    assert_true(selects(world, 0));
    answer(world, false, KOMET_COT_ACTIVATION_CON, false); /* not the answer to a selection */
    assert_int_equal(world->asdu_count, 1);
    answer(world, true, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(world->asdu_count, 2);
    assert_false(selects(world, 1));
    assert_int_equal(world->end_count, 0);
    answer(world, true, KOMET_COT_ACTIVATION_CON, false); /* once more: it executes nothing again */
    assert_int_equal(world->asdu_count, 2);
    answer(world, false, KOMET_COT_ACTIVATION_CON, false);
    expect_end(world, 1, COMMAND_DONE);
}

static void test_a_selection_that_is_refused(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_WRITE);
    answer(world, true, KOMET_COT_ACTIVATION_CON, true);
    expect_end(world, 1, COMMAND_REFUSED);
    assert_string_equal(world->end_text, "the station refused the selection (negative confirmation)");
    assert_int_equal(world->asdu_count, 1);
    give(world, 2, LINE_COMMAND_WRITE);
    answer(world, true, KOMET_COT_UNKNOWN_TYPE, true);
    assert_true(world->end.id == 2 && world->end.cause == KOMET_COT_UNKNOWN_TYPE);
    assert_non_null(strstr(world->end_text, "refused the selection: "));
}

static void test_a_selection_without_an_answer_was_not_executed(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_WRITE);
    line_advance(world, world->site.parameters.value[PARAMETER_WTN]);
    line_pump(world);
    expect_end(world, 1, COMMAND_REFUSED);
    assert_string_equal(world->end_text, "the station did not confirm the selection within WTn");
}

static void test_a_connection_that_ends(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_WRITE);
    line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
    world->link = NULL;
    line_pump(world);
    expect_end(world, 1, COMMAND_REFUSED); /* only selected */
    world->end_count = world->asdu_count = 0;
    line_advance(world, 1000);
    line_pump(world);
    line_accept(world);
    give(world, 2, LINE_COMMAND_WRITE);
    answer(world, true, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(world->asdu_count, 2);
    line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
    world->link = NULL;
    line_pump(world);
    expect_end(world, 2, COMMAND_UNKNOWN); /* sent to be executed */
}

static void test_a_selection_that_was_given_on_is_used_once(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_SELECT);
    assert_true(selects(world, 0));
    answer(world, true, KOMET_COT_ACTIVATION_CON, false);
    expect_end(world, 1, COMMAND_DONE);
    world->end_count = 0;
    give(world, 2, LINE_COMMAND_WRITE);
    assert_int_equal(world->asdu_count, 2);
    assert_false(selects(world, 1));
    answer(world, false, KOMET_COT_ACTIVATION_CON, false);
    expect_end(world, 2, COMMAND_DONE);
    give(world, 3, LINE_COMMAND_WRITE);
    assert_true(selects(world, 2));
}

static void test_a_selection_that_has_run_out_is_made_anew(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_SELECT);
    answer(world, true, KOMET_COT_ACTIVATION_CON, false);
    for (unsigned i = 0; i < 4; i++) { /* test frames go both ways meanwhile */
        line_advance(world, 8000);
        line_pump(world);
    }
    give(world, 2, LINE_COMMAND_WRITE);
    assert_true(selects(world, world->asdu_count - 1));
}

static void test_one_command_of_a_tag_at_a_time(void **state)
{
    struct world *world = *state;
    give(world, 1, LINE_COMMAND_SELECT);
    give(world, 2, LINE_COMMAND_WRITE);
    expect_end(world, 2, COMMAND_REFUSED);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, line_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_selected_then_executed),
        CASE(test_a_selection_that_is_refused),
        CASE(test_a_selection_without_an_answer_was_not_executed),
        CASE(test_a_connection_that_ends),
        CASE(test_a_selection_that_was_given_on_is_used_once),
        CASE(test_a_selection_that_has_run_out_is_made_anew),
        CASE(test_one_command_of_a_tag_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
