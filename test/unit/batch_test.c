/* Values in columns, and which frames may be acknowledged when. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "kom/batch.h"

#define LINES     3
#define VALUES    300
#define BATCHES   4
#define FRAME_MAX 127 /* values of one frame */

static const struct tag tag_7 = {.number = 7}, tag_8 = {.number = 8};

static struct batch *make_for(unsigned connections, uint64_t sequence)
{
    size_t size = batch_size(LINES, connections, VALUES, BATCHES);
    void *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 0xA5, size);
    return batch_init(memory, size, LINES, connections, VALUES, BATCHES, sequence);
}

static struct batch *make(uint64_t sequence)
{
    return make_for(1, sequence);
}

static int set_up(void **state)
{
    *state = make(0);
    return 0;
}

static int tear_down(void **state)
{
    free(*state); /* it lies at the start of its memory */
    return 0;
}

static struct line_value value(const struct tag *tag, double number)
{
    return (struct line_value){.tag = tag,
                               .value = {.number = number,
                                         .status = STATUS_VALID,
                                         .time_origin = TIME_FROM_STATION,
                                         .time = {1000},
                                         .arrived = {2000}}};
}

/* A frame with so many values. */
static void add(struct batch *batch, uint16_t line, uint32_t connection, uint64_t frame, unsigned count)
{
    static struct line_value values[FRAME_MAX];
    assert_true(count <= FRAME_MAX && batch_has_room(batch));
    for (unsigned i = 0; i < count; i++) {
        values[i] = value(&tag_7, i);
    }
    batch_add(batch, line, connection, frame, values, count);
}

/* What was collected goes out as batch `sequence`. */
static const Komet__Wire__Batch *flush(struct batch *batch, uint64_t sequence)
{
    wire_message *message = batch_flush(batch, 9);
    assert_non_null(message);
    assert_int_equal(message->body_case, KOMET__WIRE__MESSAGE__BODY_BATCH);
    assert_int_equal(message->batch->epoch, 9);
    assert_int_equal(message->batch->sequence, sequence);
    return message->batch;
}

static void expect_stored(struct batch *batch, uint16_t line, uint32_t connection, uint64_t frame)
{
    uint16_t stored_line = 99;
    uint32_t stored_connection = 0;
    uint64_t stored_frame = 0;
    assert_true(batch_next_stored(batch, &stored_line, &stored_connection, &stored_frame));
    assert_int_equal(stored_line, line);
    assert_int_equal(stored_connection, connection);
    assert_int_equal(stored_frame, frame);
}

static void expect_none(struct batch *batch)
{
    uint16_t line;
    uint32_t connection;
    uint64_t frame;
    assert_false(batch_next_stored(batch, &line, &connection, &frame));
}

/* Frames of a line's connections are acknowledged each on its own. */
static void test_two_connections_of_one_line(void **state)
{
    (void)state;
    struct batch *batch = make_for(2, 0);
    add(batch, 0, 1, 1, 1);
    add(batch, 0, 2, 1, 1);
    add(batch, 0, 1, 2, 1);
    add(batch, 1, 7, 4, 0);
    flush(batch, 1);
    add(batch, 0, 2, 2, 1);
    flush(batch, 2);
    batch_stored(batch, 2);
    expect_stored(batch, 0, 1, 2);
    expect_stored(batch, 0, 2, 1);
    expect_stored(batch, 1, 7, 4);
    expect_stored(batch, 0, 2, 2);
    expect_none(batch);
    for (uint32_t connection = 3; connection < 9; connection++) { /* no more than two are alive */
        add(batch, 0, connection, 1, 1);
    }
    flush(batch, 3);
    batch_stored(batch, 3);
    expect_stored(batch, 0, 7, 1);
    expect_stored(batch, 0, 8, 1);
    expect_none(batch);
    free(batch);
}

/* ---- columns ---- */

static void test_nothing_collected_is_no_batch(void **state)
{
    assert_null(batch_flush(*state, 9));
    assert_true(batch_has_room(*state));
    add(*state, 0, 1, 1, 0);
    assert_null(batch_flush(*state, 9)); /* a frame without values is none either */
}

static void test_the_columns_are_what_came(void **state)
{
    struct line_value first = value(&tag_7, 1.5), second = value(&tag_8, -2);
    first.value.flags = 0x8001;
    first.value.cot = KOMET_COT_SPONTANEOUS;
    first.value.asdu_type = KOMET_M_ME_TF_1;
    memcpy(first.octets, "twelve octet", 12);
    first.octets_size = 12;
    second.value.status = STATUS_INVALID;
    second.value.cot = 0xFF;
    second.value.asdu_type = 0xFE;
    second.value.time_origin = TIME_OF_ARRIVAL;
    second.value.time.ms = 400;
    second.value.arrived.ms = 2001;
    batch_add(*state, 2, 5, 10, &first, 1);
    batch_add(*state, 1, 6, 3, &second, 1);
    const Komet__Wire__Batch *batch = flush(*state, 1);
    assert_true(batch->n_tag == 2 && batch->n_number == 2 && batch->n_status_flags == 2 &&
                batch->n_cause == 2 && batch->n_time_ms == 2 && batch->n_arrived_ms == 2 &&
                batch->n_frame == 2 && batch->n_connection == 2 && batch->n_octets_size == 2 &&
                batch->n_line == 2);
    assert_true(batch->tag[0] == 7 && batch->tag[1] == 8);
    assert_true(batch->number[0] == 1.5 && batch->number[1] == -2);
    assert_int_equal(batch->status_flags[0], (uint32_t)STATUS_VALID << 16 | 0x8001);
    assert_int_equal(batch->status_flags[1], (uint32_t)STATUS_INVALID << 16);
    assert_int_equal(batch->cause[0], KOMET_COT_SPONTANEOUS << 8 | KOMET_M_ME_TF_1);
    assert_int_equal(batch->cause[1], 0x1FFFE); /* its time is of arrival */
    assert_true(batch->time_ms[0] == 1000 && batch->time_ms[1] == -600);
    assert_true(batch->arrived_ms[0] == 2000 && batch->arrived_ms[1] == 1);
    assert_true(batch->frame[0] == 10 && batch->frame[1] == -7);
    assert_true(batch->connection[0] == 5 && batch->connection[1] == 6);
    assert_true(batch->line[0] == 2 && batch->line[1] == 1);
    assert_true(batch->octets_size[0] == 12 && batch->octets_size[1] == 0);
    assert_int_equal(batch->octets.len, 12);
    assert_memory_equal(batch->octets.data, "twelve octet", 12);
}

static void test_each_batch_begins_with_absolute_numbers(void **state)
{
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        struct line_value given = value(&tag_7, 1);
        memcpy(given.octets, "abc", 3);
        given.octets_size = 3;
        batch_add(*state, 0, 1, sequence, &given, 1);
        const Komet__Wire__Batch *batch = flush(*state, sequence);
        assert_int_equal(batch->n_tag, 1);
        assert_true(batch->time_ms[0] == 1000 && batch->arrived_ms[0] == 2000);
        assert_int_equal(batch->frame[0], sequence);
        assert_int_equal(batch->octets.len, 3);
    }
}

static void test_sequences_go_on(void **state)
{
    (void)state;
    struct batch *batch = make(41);
    assert_true(batch_has_room(batch)); /* the earlier ones are not waited for */
    add(batch, 0, 1, 1, 1);
    flush(batch, 42);
    expect_none(batch);
    batch_stored(batch, 41); /* a word about the time before */
    expect_none(batch);
    batch_stored(batch, 42);
    expect_stored(batch, 0, 1, 1);
    free(batch);
}

/* ---- room ---- */

static void test_it_is_full_when_no_frame_fits(void **state)
{
    add(*state, 0, 1, 1, 46);
    assert_true(batch_has_room(*state)); /* 46 and 127 objects, each with the first row of a column: 300 */
    add(*state, 0, 1, 2, 1);
    assert_false(batch_has_room(*state));
    assert_int_equal(flush(*state, 1)->n_tag, 47);
    assert_true(batch_has_room(*state));
}

static void test_it_is_full_when_too_many_wait_for_the_server(void **state)
{
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++) {
        assert_true(batch_has_room(*state));
        add(*state, 0, 1, sequence, 1);
        flush(*state, sequence);
    }
    assert_false(batch_has_room(*state));
    batch_stored(*state, BATCHES + 1); /* of one that was never sent */
    batch_stored(*state, 0);
    assert_false(batch_has_room(*state));
    batch_stored(*state, 1);
    assert_true(batch_has_room(*state));
}

/* ---- what may be acknowledged ---- */

static void test_frames_are_stored_with_their_batch(void **state)
{
    add(*state, 0, 1, 1, 1);
    add(*state, 1, 4, 7, 2);
    add(*state, 0, 1, 2, 1);
    flush(*state, 1);
    add(*state, 0, 1, 3, 1);
    flush(*state, 2);
    expect_none(*state);
    batch_stored(*state, 1);
    expect_stored(*state, 0, 1, 2);
    expect_stored(*state, 1, 4, 7);
    expect_none(*state);
    batch_stored(*state, 2);
    expect_stored(*state, 0, 1, 3);
    expect_none(*state);
}

static void test_what_is_collected_is_not_stored_yet(void **state)
{
    add(*state, 0, 1, 1, 1);
    flush(*state, 1);
    add(*state, 0, 1, 2, 1); /* came meanwhile */
    batch_stored(*state, 1);
    expect_stored(*state, 0, 1, 1);
    expect_none(*state);
}

static void test_a_frame_without_values_waits_for_those_before_it(void **state)
{
    add(*state, 0, 1, 1, 1);
    flush(*state, 1);
    add(*state, 0, 1, 2, 0);
    add(*state, 1, 1, 1, 0);
    assert_null(batch_flush(*state, 9));
    expect_none(*state);
    batch_stored(*state, 1);
    expect_stored(*state, 0, 1, 2);
    expect_stored(*state, 1, 1, 1);
    expect_none(*state);
}

static void test_a_frame_without_values_may_go_at_once_when_nothing_waits(void **state)
{
    add(*state, 0, 1, 1, 0);
    assert_null(batch_flush(*state, 9));
    expect_stored(*state, 0, 1, 1);
    add(*state, 0, 1, 2, 1);
    flush(*state, 1);
    batch_stored(*state, 1);
    expect_stored(*state, 0, 1, 2);
    add(*state, 0, 1, 3, 0);
    assert_null(batch_flush(*state, 9));
    expect_stored(*state, 0, 1, 3);
}

static void test_a_newer_connection_counts(void **state)
{
    add(*state, 0, 1, 100, 1);
    add(*state, 0, 2, 1, 1); /* frames of the older need no acknowledgement any more */
    flush(*state, 1);
    add(*state, 0, 3, 1, 0);
    assert_null(batch_flush(*state, 9));
    batch_stored(*state, 1);
    expect_stored(*state, 0, 3, 1);
    expect_none(*state);
}

static void test_what_is_dropped_is_never_stored(void **state)
{
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++) {
        add(*state, 0, 1, sequence, 1);
        flush(*state, sequence);
    }
    assert_false(batch_has_room(*state));
    batch_drop(*state);
    expect_none(*state);
    batch_stored(*state, BATCHES); /* the server had them all the same */
    expect_none(*state);
    assert_true(batch_has_room(*state));
    add(*state, 0, 2, 1, 3);
    batch_drop(*state); /* also what was not sent yet */
    assert_null(batch_flush(*state, 9));
    add(*state, 0, 3, 1, 1);
    assert_int_equal(flush(*state, BATCHES + 1)->n_tag, 1); /* the numbers go on */
    expect_none(*state);
    batch_stored(*state, BATCHES + 1);
    expect_stored(*state, 0, 3, 1);
}

/* ---- any order ---- */

struct model {
    uint64_t frame[LINES];       /* newest of each line */
    uint64_t needs[LINES][4096]; /* which batch has to be stored before a frame may be acknowledged */
    uint64_t sent, confirmed, last[LINES]; /* last: acknowledged */
    bool collected;
};

static void model_add(struct model *model, struct batch *batch, struct test_random *random)
{
    uint16_t line = (uint16_t)test_random_below(random, LINES);
    unsigned count = test_random_below(random, 3);
    uint64_t frame = ++model->frame[line];
    add(batch, line, 1, frame, count);
    model->collected = model->collected || count > 0;
    /* Its own batch when it is flushed with values, else the one before: at the least what was sent. */
    model->needs[line][frame] = count > 0 ? model->sent + 1 : model->sent;
}

/* Acknowledged in order, never before its batch; and when all is confirmed, all of it. */
static void model_check(struct model *model, struct batch *batch)
{
    uint16_t line;
    uint32_t connection;
    uint64_t frame;
    while (batch_next_stored(batch, &line, &connection, &frame)) {
        assert_true(line < LINES && frame > model->last[line] && frame <= model->frame[line]);
        for (uint64_t i = model->last[line] + 1; i <= frame; i++) {
            assert_true(model->needs[line][i] <= model->confirmed);
        }
        model->last[line] = frame;
    }
    for (line = 0; line < LINES && model->confirmed == model->sent && !model->collected; line++) {
        assert_int_equal(model->last[line], model->frame[line]);
    }
}

static void test_any_order_acknowledges_in_order_and_never_too_early(void **state)
{
    struct test_random random = {5};
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    while (model->frame[0] < 4000 && model->frame[1] < 4000 && model->frame[2] < 4000) {
        if (batch_has_room(*state) && test_random_below(&random, 3) > 0) {
            model_add(model, *state, &random);
        }
        if (test_random_below(&random, 2) > 0) {
            model->sent += batch_flush(*state, 9) != NULL ? 1 : 0;
            model->collected = false;
            if (model->confirmed < model->sent && test_random_below(&random, 3) == 0) {
                model->confirmed +=
                    1 + test_random_below(&random, (uint32_t)(model->sent - model->confirmed));
                batch_stored(*state, model->confirmed);
            }
            model_check(model, *state);
        }
    }
    assert_true(model->confirmed > 1000);
    free(model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_connections_of_one_line),
        TEST(test_nothing_collected_is_no_batch),
        TEST(test_the_columns_are_what_came),
        TEST(test_each_batch_begins_with_absolute_numbers),
        TEST(test_sequences_go_on),
        TEST(test_it_is_full_when_no_frame_fits),
        TEST(test_it_is_full_when_too_many_wait_for_the_server),
        TEST(test_frames_are_stored_with_their_batch),
        TEST(test_what_is_collected_is_not_stored_yet),
        TEST(test_a_frame_without_values_waits_for_those_before_it),
        TEST(test_a_frame_without_values_may_go_at_once_when_nothing_waits),
        TEST(test_a_newer_connection_counts),
        TEST(test_what_is_dropped_is_never_stored),
        TEST(test_any_order_acknowledges_in_order_and_never_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
