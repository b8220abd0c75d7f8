/* The traffic that a KOM keeps of its lines: all octets of both ways, pages only when asked, nothing lost of
 * telemetry. */
#include "kom_harness.h"

#include <stdlib.h>
#include <string.h>

#define TRACE 9 /* id of the server */

static void *memory;

static int set_up(void **state)
{
    world_set_up(state);
    struct world *world = *state;
    memory = malloc(TRACE_RING_MIN);
    assert_non_null(memory);
    kom_keep_traffic(world->kom, memory, TRACE_RING_MIN);
    return 0;
}

static int tear_down(void **state)
{
    free(memory);
    return world_tear_down(state);
}

static void ask(struct world *world, const char *mask, bool kept, bool live, bool end)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__TraceAsk body = KOMET__WIRE__TRACE_ASK__INIT;
    body.id = TRACE;
    body.begin = mask != NULL;
    body.mask = (char *)(uintptr_t)(mask != NULL ? mask : "");
    body.memory = kept;
    body.live = live;
    body.end = end;
    message.body_case = BODY(TRACE_ASK);
    message.trace_ask = &body;
    kom_feed(world->kom, world->now, &message);
    world_pump(world);
}

static unsigned pages(const struct world *world)
{
    return world_said(world, BODY(TRACE_PAGE));
}

/* The newest page, the only one since the last look. */
static const Komet__Wire__TracePage *page(struct world *world)
{
    assert_int_equal(pages(world), 1);
    const Komet__Wire__TracePage *newest = world_newest(world, BODY(TRACE_PAGE))->trace_page;
    assert_int_equal(newest->id, TRACE);
    return newest;
}

static void later(struct world *world)
{
    world_forget(world);
    world_live(world, KOMET_MS(20));
}

static void assert_record(const Komet__Wire__TraceRecord *record, uint32_t kind, const char *octets,
                          size_t size)
{
    assert_int_equal(record->kind, kind);
    assert_int_equal(record->octets.len, size);
    assert_memory_equal(record->octets.data, octets, size);
}

static void test_hello_says_so(void **state)
{
    struct world *world = *state;
    world_connect(world);
    assert_true(world_newest(world, BODY(HELLO))->hello->traces);
}

static void test_what_is_in_memory(void **state)
{
    struct world *world = *state;
    const struct trace_end local = {4, {10, 0, 0, 9}, 4711}, remote = {4, {10, 0, 0, 1}, 2404};
    world_activate(world);
    kom_line_ends(world->kom, &local, &remote);
    world_accept(world, LINE_A);
    world_live(world, KOMET_MS(20));
    assert_int_equal(pages(world), 0); /* not asked */
    world_forget(world);
    ask(world, "L.A", true, false, false);
    const Komet__Wire__TracePage *all = page(world);
    assert_true(all->end);
    assert_int_equal(all->lost + all->dropped, 0);
    assert_int_equal(all->n_connections, 1);
    assert_string_equal(all->connections[0]->line, "L.A");
    assert_int_equal(all->connections[0]->remote_port, 2404);
    assert_int_equal(all->connections[0]->local.len, 4);
    assert_memory_equal(all->connections[0]->local.data, "\x0A\0\0\x09", 4);
    assert_int_equal(all->n_records, 4); /* opened, STARTDT act, con, the interrogation */
    assert_record(all->records[0], TRACE_OPENED, "", 0);
    assert_record(all->records[1], TRACE_SENT, "\x68\x04\x07\0\0\0", 6);
    assert_record(all->records[2], TRACE_RECEIVED, "\x68\x04\x0B\0\0\0", 6);
    assert_int_equal(all->records[2]->sent, 6);
    assert_int_equal(all->records[3]->kind, TRACE_SENT);
    assert_int_equal(all->records[3]->octets.len, 16);
    assert_int_equal(all->records[0]->sequence, 1);
    assert_int_equal(all->records[3]->sequence, 1); /* a difference */
    later(world);
    assert_int_equal(pages(world), 0); /* it has ended */
}

static void test_live_pages_wait_for_traffic(void **state)
{
    struct world *world = *state;
    world_start(world);
    ask(world, "L.*", false, true, false);
    later(world);
    assert_int_equal(pages(world), 0);
    world_change(world, LINE_A, 1);
    later(world);
    world_change(world, LINE_A, 1);
    later(world);
    assert_int_equal(pages(world), 0); /* one page for one question */
    ask(world, NULL, false, false, false);
    later(world);
    world_forget(world);
    ask(world, NULL, false, false, false);
    later(world);
    assert_int_equal(pages(world), 0);
    world_change(world, LINE_A, 1);
    assert_int_equal(pages(world), 1);
    ask(world, NULL, false, false, true);
    later(world);
    world_change(world, LINE_A, 1);
    later(world);
    assert_int_equal(pages(world), 0);
}

static void test_a_closed_connection_says_why(void **state)
{
    struct world *world = *state;
    world_start(world);
    ask(world, "L.A", false, true, false);
    kom_line_closed(world->kom, world->now, LINE_A, world->lines[LINE_A].connection, KOMET_PEER_CLOSED);
    world->lines[LINE_A].link = NULL;
    world_pump(world);
    const Komet__Wire__TracePage *closed = page(world);
    assert_int_equal(closed->n_records, 1);
    assert_int_equal(closed->records[0]->kind, TRACE_CLOSED);
    assert_string_equal(closed->records[0]->reason, "peer-closed");
    assert_true(closed->records[0]->orderly);
}

static void test_a_connection_that_we_end(void **state)
{
    struct world *world = *state;
    world_start(world);
    ask(world, "L.A", false, true, false);
    world_role(world, false, 0);
    const Komet__Wire__TracePage *ended = page(world);
    assert_int_equal(ended->records[ended->n_records - 1]->kind, TRACE_ABORTED);
    assert_string_equal(ended->records[ended->n_records - 1]->reason, "became-passive");
    assert_false(ended->records[ended->n_records - 1]->orderly);
}

/* Octets that break the protocol are kept as they came, in front of the end that they caused. */
static void test_what_broke_the_protocol(void **state)
{
    struct world *world = *state;
    world_start(world);
    ask(world, "L.A", false, true, false);
    struct station_end *end = &world->lines[LINE_A];
    memcpy(end->octets, "\x69\xFF\x01", 3);
    end->size = 3;
    world_pump(world);
    const Komet__Wire__TracePage *broken = page(world);
    assert_int_equal(broken->n_records, 2);
    assert_record(broken->records[0], TRACE_RECEIVED, "\x69\xFF\x01", 3);
    assert_int_equal(broken->records[1]->kind, TRACE_ABORTED);
    assert_string_equal(broken->records[1]->reason, "bad-start");
}

/* The server asks no more: everything goes on, the oldest make room, and who asks again is told how many. */
static void test_a_reader_that_is_too_slow(void **state)
{
    struct world *world = *state;
    world_start(world);
    ask(world, "L.A", false, true, false);
    for (unsigned i = 0; i < 3000; i++) {
        world_change(world, LINE_A, 1);
        world_stored(world, world_newest(world, BODY(BATCH))->batch->sequence);
        world_forget(world);
    }
    ask(world, NULL, false, false, false);
    world_live(world, KOMET_MS(20));
    const Komet__Wire__TracePage *newest = page(world);
    assert_true(newest->lost > 1000 && newest->dropped >= newest->lost);
    assert_true(newest->n_records > 0);
    assert_true(kom_is_active(world->kom, world->now));
}

static void test_without_memory_nothing_is_kept(void **state)
{
    struct world *world = *state;
    world_start(world);
    ask(world, "L.A", true, true, false);
    later(world);
    assert_int_equal(pages(world), 0);
    assert_true(kom_is_active(world->kom, world->now));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hello_says_so),
        TEST(test_what_is_in_memory),
        TEST(test_live_pages_wait_for_traffic),
        TEST(test_a_closed_connection_says_why),
        TEST(test_a_connection_that_we_end),
        TEST(test_what_broke_the_protocol),
        TEST(test_a_reader_that_is_too_slow),
        cmocka_unit_test_setup_teardown(test_without_memory_nothing_is_kept, world_set_up, world_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
