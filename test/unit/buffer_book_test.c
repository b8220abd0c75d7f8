/* The book of an instance's own buffer: segments, what gives way, what goes to the server next. */
#include "support.h"

#include "kom/buffer_book.h"

#define MIB    (UINT64_C(1) << 20)
#define RECORD UINT64_C(60000) /* one fits into a segment of a buffer of 1 MiB */

static struct buffer_book book;

static uint64_t keep(uint64_t octets, uint64_t values, bool *begins)
{
    uint64_t segment;
    while (buffer_book_drop(&book, octets, &segment)) {
    }
    return buffer_book_keep(&book, octets, values, &segment, begins);
}

static void test_records_have_numbers_and_share_segments(void **state)
{
    (void)state;
    bool begins;
    buffer_book_begin(&book, MIB);
    assert_int_equal(keep(100, 1, &begins), 1);
    assert_true(begins);
    assert_int_equal(keep(100, 1, &begins), 2);
    assert_false(begins);
    assert_int_equal(keep(MIB / 16, 1, &begins), 3);
    assert_true(begins);
    assert_int_equal(book.count, 2);
    assert_int_equal(book.octets, 200 + MIB / 16 + 2 * BUFFER_SEGMENT_HEAD);
}

static void test_the_oldest_gives_way_and_is_counted(void **state)
{
    (void)state;
    bool begins;
    buffer_book_begin(&book, MIB);
    for (unsigned i = 0; i < 1000; i++) {
        keep(RECORD, 3, &begins);
        assert_true(book.octets <= MIB && book.count <= 17);
    }
    assert_int_equal(book.segments[0].first, book.newest - book.count + 1);
    assert_int_equal(book.dropped, 3 * (1000 - book.count));
}

static void test_what_the_server_has_is_not_counted_as_dropped(void **state)
{
    (void)state;
    bool begins;
    uint64_t segment;
    buffer_book_begin(&book, MIB);
    for (unsigned i = 0; i < 17; i++) {
        keep(RECORD, 3, &begins);
    }
    buffer_book_at_server(&book, 17);
    assert_true(buffer_book_drop(&book, RECORD, &segment));
    assert_int_equal(segment, 1);
    assert_int_equal(book.dropped, 0);
}

static void test_a_record_larger_than_all_is_kept_alone(void **state)
{
    (void)state;
    bool begins;
    buffer_book_begin(&book, MIB);
    keep(RECORD, 3, &begins);
    keep(2 * MIB, 5, &begins);
    assert_int_equal(book.count, 1);
    assert_int_equal(book.dropped, 3);
}

static void test_it_is_read_in_order_and_forgotten_whole(void **state)
{
    (void)state;
    bool begins;
    uint64_t segment;
    buffer_book_begin(&book, MIB);
    assert_null(buffer_book_behind(&book, 0));
    for (unsigned i = 0; i < 4; i++) {
        keep(RECORD / 2, 1, &begins);
    }
    assert_int_equal(buffer_book_behind(&book, 0)->number, 1);
    assert_int_equal(buffer_book_behind(&book, 1)->number, 1);
    assert_int_equal(buffer_book_behind(&book, 2)->number, 2);
    assert_null(buffer_book_behind(&book, 4));
    buffer_book_at_server(&book, 1);
    assert_false(buffer_book_forget(&book, &segment));
    buffer_book_at_server(&book, 2);
    assert_true(buffer_book_forget(&book, &segment));
    assert_int_equal(segment, 1);
    assert_false(buffer_book_forget(&book, &segment));
    buffer_book_at_server(&book, 4);
    assert_true(buffer_book_forget(&book, &segment));
    assert_int_equal(book.octets, 0);
    assert_int_equal(keep(100, 1, &begins), 5); /* numbers go on */
    assert_true(begins);
}

static void test_what_was_found_takes_no_more(void **state)
{
    (void)state;
    bool begins;
    struct buffer_segment found = {.number = 7, .first = 20, .last = 29, .octets = 500, .values = 50};
    buffer_book_begin(&book, MIB);
    assert_true(buffer_book_found(&book, &found));
    assert_false(buffer_book_found(&book, &found)); /* not behind it */
    found = (struct buffer_segment){.number = 9, .first = 40, .last = 41, .octets = 100, .values = 2};
    assert_true(buffer_book_found(&book, &found));
    assert_int_equal(keep(100, 1, &begins), 42);
    assert_true(begins);
    assert_int_equal(book.segments[2].number, 10);
    assert_int_equal(buffer_book_behind(&book, 29)->number, 9);
}

/* Found by the simulated site: numbers that began anew after a full disk were taken for ones that the server
 * has, and what was kept under them was never forwarded. */
static void test_numbers_go_on_after_an_error(void **state)
{
    (void)state;
    bool begins;
    uint64_t segment;
    buffer_book_begin(&book, MIB);
    keep(100, 1, &begins);
    keep(100, 1, &begins);
    buffer_book_at_server(&book, 2);
    assert_true(buffer_book_forget(&book, &segment));
    buffer_book_begin_again(&book);
    assert_int_equal(keep(100, 1, &begins), 3);
    assert_true(begins);
    assert_int_equal(keep(100, 1, &begins), 4);
    struct buffer_segment found = book.segments[0];
    found.last = 3; /* the other one was not synced */
    buffer_book_begin_again(&book);
    assert_null(buffer_book_behind(&book, 2));
    assert_true(buffer_book_found(&book, &found));
    assert_int_equal(keep(100, 1, &begins), 5);
    assert_true(begins && book.segments[1].number > found.number);
    assert_int_equal(buffer_book_behind(&book, 2)->last, 3);
    assert_int_equal(buffer_book_behind(&book, 3)->last, 5);
}

/* However many there are from before, one more record finds its place. */
static void test_a_book_full_of_segments(void **state)
{
    (void)state;
    bool begins;
    buffer_book_begin(&book, 400 * MIB);
    for (uint64_t i = 1; i <= BUFFER_SEGMENTS_MAX; i++) {
        const struct buffer_segment found = {.number = i, .first = i, .last = i, .octets = 100, .values = 1};
        assert_true(buffer_book_found(&book, &found));
    }
    const struct buffer_segment more = {.number = 100, .first = 100, .last = 100, .octets = 100, .values = 1};
    assert_false(buffer_book_found(&book, &more));
    keep(100, 1, &begins);
    assert_int_equal(book.count, BUFFER_SEGMENTS_MAX);
    assert_int_equal(book.dropped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_have_numbers_and_share_segments),
        cmocka_unit_test(test_the_oldest_gives_way_and_is_counted),
        cmocka_unit_test(test_what_the_server_has_is_not_counted_as_dropped),
        cmocka_unit_test(test_a_record_larger_than_all_is_kept_alone),
        cmocka_unit_test(test_it_is_read_in_order_and_forgotten_whole),
        cmocka_unit_test(test_what_was_found_takes_no_more),
        cmocka_unit_test(test_numbers_go_on_after_an_error),
        cmocka_unit_test(test_a_book_full_of_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
