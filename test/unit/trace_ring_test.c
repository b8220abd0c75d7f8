/* The ring of raw traffic: what is in it, in order, whatever made room; readers that are too slow. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "kom/trace_ring.h"

#define ROUNDS       20000
#define READERS      3
#define LINES        4
#define WRITTEN_MAX  (2 * ROUNDS + 16)
#define GUARD_OCTETS 64

static const struct trace_end local = {4, {10, 0, 0, 9}, 40000};
static const struct trace_end remote = {4, {10, 0, 0, 1}, 2404};

static uint8_t *memory;

static int set_up(void **state)
{
    memory = malloc(TRACE_RING_MIN + GUARD_OCTETS);
    assert_non_null(memory);
    memset(memory, 0xA5, TRACE_RING_MIN + GUARD_OCTETS);
    *state = trace_ring_init(memory, TRACE_RING_MIN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GUARD_OCTETS; i++) {
        assert_int_equal(memory[TRACE_RING_MIN + i], 0xA5); /* nothing beyond the bound */
    }
    free(memory);
    return 0;
}

static struct komet_utc at(int64_t ms)
{
    return (struct komet_utc){ms};
}

static void test_a_connection(void **state)
{
    struct trace_ring *ring = *state;
    struct trace_record record;
    struct trace_cursor cursor = trace_ring_oldest(ring);
    assert_false(trace_ring_next(ring, &cursor, &record));
    struct trace_connection *connection = trace_ring_open(ring, at(1000), "L.RTU", true, &local, &remote);
    assert_non_null(connection);
    trace_ring_octets(ring, connection, at(1001), true, (const uint8_t *)"abcd", 4);
    trace_ring_octets(ring, connection, at(1002), false, (const uint8_t *)"efg", 3);
    trace_ring_close(ring, connection, at(1003), KOMET_PEER_CLOSED, false);
    assert_true(trace_ring_next(ring, &cursor, &record));
    assert_int_equal(record.kind, TRACE_OPENED);
    assert_int_equal(record.sequence, 1);
    assert_string_equal(record.connection->line, "L.RTU");
    assert_true(record.connection->sinaut);
    assert_int_equal(record.connection->remote.port, 2404);
    assert_true(trace_ring_next(ring, &cursor, &record));
    assert_int_equal(record.kind, TRACE_SENT);
    assert_memory_equal(record.octets, "abcd", record.size);
    assert_int_equal(record.time.ms, 1001);
    assert_true(trace_ring_next(ring, &cursor, &record));
    assert_int_equal(record.kind, TRACE_RECEIVED);
    assert_int_equal(record.sent, 4);
    assert_int_equal(record.received, 0);
    assert_true(trace_ring_next(ring, &cursor, &record));
    assert_int_equal(record.kind, TRACE_CLOSED);
    assert_int_equal(record.reason, KOMET_PEER_CLOSED);
    assert_int_equal(record.received, 3);
    assert_false(trace_ring_next(ring, &cursor, &record));
    assert_int_equal(cursor.lost, 0);
}

static void test_more_than_a_piece(void **state)
{
    struct trace_ring *ring = *state;
    static uint8_t octets[2 * TRACE_PIECE_MAX + 10];
    struct trace_record record;
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)(i * 7);
    }
    struct trace_connection *connection = trace_ring_open(ring, at(0), "L", false, &local, &remote);
    struct trace_cursor cursor = trace_ring_newest(ring);
    trace_ring_octets(ring, connection, at(0), true, octets, sizeof octets);
    size_t seen = 0;
    while (trace_ring_next(ring, &cursor, &record)) {
        assert_int_equal(record.sent, seen);
        assert_memory_equal(record.octets, octets + seen, record.size);
        seen += record.size;
    }
    assert_int_equal(seen, sizeof octets);
}

/* What was written, by sequence: enough to know a record again. */
struct written {
    uint32_t connection;
    size_t size;
    uint8_t first;
};

static struct written written[WRITTEN_MAX];

static void check(const struct trace_record *record)
{
    const struct written *was = &written[record->sequence];
    assert_int_equal(record->connection->number, was->connection);
    assert_int_equal(record->size, was->size);
    for (size_t i = 0; i < record->size; i++) {
        assert_int_equal(record->octets[i], (uint8_t)(was->first + i));
    }
}

/* Any order of connections and sizes, with readers that read now and then: each sees every record that was
 * not dropped, in order, as it was written, and knows how many were. */
static void test_random_traffic(void **state)
{
    struct trace_ring *ring = *state;
    struct test_random random = {20261121};
    struct trace_connection *lines[LINES] = {NULL};
    struct trace_cursor cursors[READERS];
    uint64_t read[READERS] = {0}, next = 1;
    static uint8_t octets[TRACE_PIECE_MAX];
    for (unsigned r = 0; r < READERS; r++) {
        cursors[r] = trace_ring_oldest(ring);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct trace_connection **line = &lines[test_random_below(&random, LINES)];
        if (*line == NULL) {
            *line = trace_ring_open(ring, at(round), "L", false, &local, &remote);
            assert_non_null(*line);
            written[next++] = (struct written){(*line)->number, 0, 0};
        } else if (test_random_below(&random, 20) == 0) {
            written[next++] = (struct written){(*line)->number, 0, 0};
            trace_ring_close(ring, *line, at(round), KOMET_CONNECTION_RESET, true);
            *line = NULL;
        } else {
            bool large = test_random_below(&random, 50) == 0;
            size_t size = 1 + test_random_below(&random, large ? TRACE_PIECE_MAX : 60);
            uint8_t first = (uint8_t)test_random_next(&random);
            for (size_t i = 0; i < size; i++) {
                octets[i] = (uint8_t)(first + i);
            }
            written[next++] = (struct written){(*line)->number, size, first};
            trace_ring_octets(ring, *line, at(round), (first & 1) != 0, octets, size);
        }
        struct trace_record record;
        unsigned reader = test_random_below(&random, READERS);
        for (unsigned i = test_random_below(&random, 4 * reader + 1);
             i > 0 && trace_ring_next(ring, &cursors[reader], &record); i--) {
            check(&record);
            read[reader]++;
            assert_int_equal(record.sequence, read[reader] + cursors[reader].lost);
        }
    }
    struct trace_ring_counters counters = trace_ring_counters(ring);
    assert_int_equal(counters.records, next - 1);
    assert_true(counters.dropped > 0);
    for (unsigned r = 0; r < READERS; r++) {
        struct trace_record record;
        while (trace_ring_next(ring, &cursors[r], &record)) {
            check(&record);
            read[r]++;
        }
        assert_int_equal(read[r] + cursors[r].lost, counters.records);
    }
    assert_true(cursors[0].lost > 0); /* it never read */
}

/* More connections than places: the ended ones make room, the open ones do not. */
static void test_places_of_connections(void **state)
{
    struct trace_ring *ring = *state;
    for (unsigned i = 0; i < 1000; i++) {
        struct trace_connection *connection = trace_ring_open(ring, at(i), "L", false, &local, &remote);
        assert_non_null(connection);
        trace_ring_close(ring, connection, at(i), KOMET_PEER_CLOSED, false);
    }
    unsigned open = 0;
    while (trace_ring_open(ring, at(0), "L", false, &local, &remote) != NULL) {
        open++;
        assert_true(open < 1000);
    }
    assert_int_equal(open, TRACE_RING_MIN / TRACE_PER_OCTETS);
    assert_int_equal(trace_ring_counters(ring).unkept, 1);
    trace_ring_octets(ring, NULL, at(0), true, (const uint8_t *)"x", 1); /* of one without a place: nothing */
    trace_ring_close(ring, NULL, at(0), KOMET_SHUTDOWN, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_than_a_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_traffic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places_of_connections, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
