/* An instance without a server that has a buffer: which lines it reads on, what it sends to them, when it
 * acknowledges, and how what it kept goes to the server afterwards. Line L.A is set so, line L.B is not. */
#include "kom_harness.h"

#include <string.h>

static int set_up(void **state)
{
    world_set_up(state);
    kom_use_buffer(((struct world *)*state)->kom, false);
    return 0;
}

/* Active, values came, and the server's connection ends. */
static void lose_server(struct world *world)
{
    world_start(world);
    world_forget(world);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
}

/* And the station of line A is there again. */
static void begin_alone(struct world *world)
{
    lose_server(world);
    assert_true(kom_is_alone(world->kom));
    world_accept(world, LINE_A);
    world_forget(world);
}

static void welcome_again(struct world *world)
{
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
}

/* The shell gives a batch of the buffer. */
static void recall(struct world *world, uint64_t sequence)
{
    static wire_message message;
    static Komet__Wire__Batch batch;
    komet__wire__message__init(&message);
    komet__wire__batch__init(&batch);
    message.body_case = BODY(BATCH);
    message.batch = &batch;
    batch.buffer = 5;
    batch.sequence = sequence;
    kom_recalled(world->kom, world->now, sequence == 0 ? NULL : &message);
    world_pump(world);
}

static void store_archived(struct world *world, uint64_t sequence)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Stored stored = KOMET__WIRE__STORED__INIT;
    stored.archived = sequence;
    message.body_case = BODY(STORED);
    message.stored = &stored;
    kom_feed(world->kom, world->now, &message);
    world_pump(world);
}

static void test_a_line_that_is_set_so_is_read_on(void **state)
{
    struct world *world = *state;
    lose_server(world);
    assert_true(kom_is_alone(world->kom) && !kom_is_active(world->kom, world->now));
    assert_true(world->lines[LINE_A].aborted && world->lines[LINE_A].asked);
    assert_false(world->lines[LINE_B].asked);
}

static void test_without_a_buffer_it_is_closed(void **state)
{
    struct world *world = *state; /* kom_use_buffer was not called */
    lose_server(world);
    assert_false(kom_is_alone(world->kom));
    assert_true(world->lines[LINE_A].aborted);
    assert_false(world->lines[LINE_A].asked);
}

static void test_who_was_passive_stays_silent(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_role(world, false, KOM_TEST_EPOCH);
    world_forget(world);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_false(kom_is_alone(world->kom));
    assert_false(world->lines[LINE_A].asked);
}

static void test_who_never_had_a_server_stays_silent(void **state)
{
    struct world *world = *state;
    kom_server_connected(world->kom, world->now);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_false(kom_is_alone(world->kom));
}

/* The lease ran out while the server was silent; only the end of its connection says that there is none. */
static void test_silence_ends_the_role_and_the_end_of_the_connection_begins(void **state)
{
    struct world *world = *state;
    world_start(world);
    world_advance(world, KOM_TEST_LEASE);
    assert_false(kom_is_active(world->kom, world->now) || kom_is_alone(world->kom));
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_true(kom_is_alone(world->kom));
}

static void test_the_station_gets_no_asdu(void **state)
{
    struct world *world = *state;
    lose_server(world);
    unsigned before = world->lines[LINE_A].asdu_count;
    world_accept(world, LINE_A); /* it would be interrogated */
    world_send(world, LINE_A, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, (struct komet_object){.ioa = 5});
    world_advance(world, KOMET_SECONDS(30));
    assert_int_equal(world->lines[LINE_A].asdu_count, before);
}

static void test_a_batch_is_kept_with_names_under_the_old_epoch(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    world_change(world, LINE_A, 1);
    assert_int_equal(world_said(world, BODY(BATCH)), 1);
    assert_non_null(strchr(world->outputs, 'K'));
    assert_null(strchr(world->outputs, 'M'));
    const Komet__Wire__Batch *batch = world_newest(world, BODY(BATCH))->batch;
    assert_int_equal(batch->epoch, KOM_TEST_EPOCH);
    assert_int_equal(batch->n_name, batch->n_tag);
    assert_string_equal(batch->name[0], "M.D");
    assert_int_equal(batch->sequence, world->kept);
}

static void test_what_is_kept_is_acknowledged_when_it_is_on_disk(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    for (int i = 0; i < 8; i++) {
        world_change(world, LINE_A, 1);
    }
    world_advance(world, KOMET_SECONDS(9));
    assert_int_equal(world->lines[LINE_A].acknowledged, 0);
    kom_kept(world->kom, world->now, world->kept);
    world_pump(world);
    assert_int_equal(world->lines[LINE_A].acknowledged, 8);
}

static void test_the_buffer_holds_the_station_back(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    for (unsigned i = 0; i < KOM_BATCHES_MAX + 5; i++) {
        world_change(world, LINE_A, 1);
    }
    assert_false(kom_takes(world->kom));
    assert_int_equal(world_said(world, BODY(BATCH)), KOM_BATCHES_MAX);
    kom_kept(world->kom, world->now, world->kept);
    world_pump(world);
    assert_true(world_said(world, BODY(BATCH)) > KOM_BATCHES_MAX); /* the rest, in one */
}

static void test_a_disk_that_fails_closes_the_line(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    world_change(world, LINE_A, 1);
    kom_keep_failed(world->kom, world->now, "no space left");
    world_pump(world);
    assert_false(kom_is_alone(world->kom));
    assert_true(world->lines[LINE_A].aborted);
    assert_int_equal(world->lines[LINE_A].reason, KOMET_NOT_STORED);
    kom_kept(world->kom, world->now, world->kept); /* a sync that was under way */
    world_connect(world);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_false(kom_is_alone(world->kom)); /* not before it has acted again */
}

/* A connection that no server answers on is none. */
static void test_it_goes_on_until_a_server_welcomes_it(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    world_connect(world);
    assert_true(kom_is_alone(world->kom));
    world_change(world, LINE_A, 1);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_true(kom_is_alone(world->kom) && !world->lines[LINE_A].aborted);
    kom_kept(world->kom, world->now, world->kept);
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    assert_false(kom_is_alone(world->kom));
    assert_true(world->lines[LINE_A].aborted);
}

static void test_the_buffer_goes_to_the_server_one_batch_after_the_other(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    world_change(world, LINE_A, 1);
    kom_kept(world->kom, world->now, world->kept);
    welcome_again(world);
    world_forget(world);
    assert_int_equal(world->recalls, 1);
    assert_int_equal(world->recalled, 0);
    recall(world, 41);
    assert_int_equal(world_newest(world, BODY(BATCH))->batch->buffer, 5);
    world_live(world, KOMET_SECONDS(1));
    assert_int_equal(world->recalls, 1);
    assert_int_equal(world->forgotten, 0);
    store_archived(world, 40); /* not that one */
    assert_int_equal(world->recalls, 1);
    store_archived(world, 41);
    assert_int_equal(world->forgotten, 41);
    assert_int_equal(world->recalls, 2);
    assert_int_equal(world->recalled, 41);
    recall(world, 0);
    world_live(world, KOMET_SECONDS(1));
    assert_int_equal(world->recalls, 2);
}

/* The server is lost again: what it did not confirm is asked for again. */
static void test_what_was_not_confirmed_is_sent_again(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    world_change(world, LINE_A, 1);
    kom_kept(world->kom, world->now, world->kept);
    welcome_again(world);
    recall(world, 41);
    kom_server_closed(world->kom, world->now);
    world_pump(world);
    assert_int_equal(world->recalls, 1);
    welcome_again(world);
    assert_int_equal(world->recalls, 2);
    assert_int_equal(world->recalled, 0);
    kom_server_closed(world->kom, world->now); /* before the disk has answered */
    recall(world, 41);
    welcome_again(world);
    assert_int_equal(world->recalls, 3);
}

static void test_a_buffer_of_an_earlier_run_is_forwarded(void **state)
{
    struct world *world = *state;
    kom_use_buffer(world->kom, true);
    welcome_again(world);
    assert_int_equal(world->recalls, 1);
}

static void test_sigterm_ends_it(void **state)
{
    struct world *world = *state;
    begin_alone(world);
    kom_leave(world->kom, world->now);
    world_pump(world);
    assert_int_equal(world->ends, 1);
    assert_false(kom_is_alone(world->kom));
    assert_true(world->lines[LINE_A].aborted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_a_buffer_it_is_closed, world_set_up, world_tear_down),
        TEST(test_a_line_that_is_set_so_is_read_on),
        TEST(test_who_was_passive_stays_silent),
        TEST(test_who_never_had_a_server_stays_silent),
        TEST(test_silence_ends_the_role_and_the_end_of_the_connection_begins),
        TEST(test_the_station_gets_no_asdu),
        TEST(test_a_batch_is_kept_with_names_under_the_old_epoch),
        TEST(test_what_is_kept_is_acknowledged_when_it_is_on_disk),
        TEST(test_the_buffer_holds_the_station_back),
        TEST(test_a_disk_that_fails_closes_the_line),
        TEST(test_it_goes_on_until_a_server_welcomes_it),
        TEST(test_the_buffer_goes_to_the_server_one_batch_after_the_other),
        TEST(test_what_was_not_confirmed_is_sent_again),
        TEST(test_a_buffer_of_an_earlier_run_is_forwarded),
        TEST(test_sigterm_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
