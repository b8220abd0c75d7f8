/* A redundancy group against controlling links, with the clock in the test. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/group.h"

enum { PEERS = 3, GOT_MAX = 20000 };

/* The controlling end of one connection. */
struct peer {
    struct komet_link *link; /* NULL: not connected */
    void *memory;
    bool acknowledges;
    uint64_t received;
    enum komet_reason closed; /* why the group closed it */
};

struct world {
    struct komet_instant now;
    struct komet_group_settings settings;
    struct komet_group *group;
    void *memory;
    struct peer peers[PEERS];
    uint32_t got[GOT_MAX]; /* numbers of the events that came, on any connection, in order */
    unsigned got_on[GOT_MAX];
    unsigned got_count;
    unsigned acknowledged_outputs;
};

static void setup(struct world *world, enum komet_group_mode mode, size_t buffer_size)
{
    *world = (struct world){.now = {5000000}};
    world->settings = (struct komet_group_settings){.link = komet_link_settings_standard(KOMET_CONTROLLED),
                                                    .connections = PEERS,
                                                    .mode = mode,
                                                    .full = KOMET_GROUP_DROP_OLDEST,
                                                    .buffer_size = buffer_size};
    size_t size = komet_group_size(&world->settings);
    world->memory = malloc(size);
    assert_non_null(world->memory);
    world->group = komet_group_init(world->memory, size, &world->settings);
    for (unsigned c = 0; c < PEERS; c++) {
        world->peers[c].acknowledges = true;
    }
}

static void finish(struct world *world)
{
    for (unsigned c = 0; c < PEERS; c++) {
        free(world->peers[c].memory);
    }
    free(world->memory);
}

static void assert_fault(struct komet_group_settings settings, const char *word)
{
    const char *fault = komet_group_settings_fault(&settings);
    assert_non_null(fault);
    assert_non_null(strstr(fault, word));
}

/* What a host reads in its configuration is answered with a sentence, and nothing is asserted. */
static void test_settings(void **state)
{
    const struct komet_group_settings good = {.link = komet_link_settings_standard(KOMET_CONTROLLED),
                                              .connections = KOMET_GROUP_CONNECTIONS_MAX,
                                              .buffer_size = KOMET_GROUP_BUFFER_MIN};
    struct komet_group_settings settings = good;
    (void)state;
    assert_null(komet_group_settings_fault(&good));
    settings.link.k = 0;
    assert_fault(settings, "k must");
    settings = good;
    settings.connections = 0;
    assert_fault(settings, "1 to 8 connections");
    settings.connections = KOMET_GROUP_CONNECTIONS_MAX + 1;
    assert_fault(settings, "1 to 8 connections");
    settings = good;
    settings.buffer_size = KOMET_GROUP_BUFFER_MIN - 1;
    assert_fault(settings, "512");
    settings = good;
    settings.mode = (enum komet_group_mode)2;
    assert_fault(settings, "mode");
    settings = good;
    settings.full = (enum komet_group_full)2;
    assert_fault(settings, "full");
    settings = good;
    settings.link.role = KOMET_CONTROLLING;
    assert_fault(settings, "role");
    settings.mode = KOMET_GROUP_ALL_STARTED;
    assert_null(komet_group_settings_fault(&settings));
}

/* An event is an ASDU of a private type whose last four octets are its number. */
static size_t write_event(uint8_t octets[KOMET_ASDU_SIZE_MAX], uint32_t number, size_t size)
{
    memset(octets, 0xEE, size);
    octets[0] = 200;
    memcpy(octets + size - 4, &number, 4);
    return size;
}

static bool event_of_size(struct world *world, uint32_t number, size_t size)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    return komet_group_event(world->group, octets, write_event(octets, number, size));
}

static void add_events(struct world *world, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(event_of_size(world, first + i, 20));
    }
}

static void take_asdu(struct world *world, unsigned c, const struct komet_link_output *from)
{
    struct peer *peer = &world->peers[c];
    if (from->octets[0] == 200) {
        assert_true(world->got_count < GOT_MAX);
        memcpy(&world->got[world->got_count], from->octets + from->size - 4, 4);
        world->got_on[world->got_count++] = c;
    }
    peer->received = from->received;
    if (peer->acknowledges) {
        komet_link_acknowledge(peer->link, world->now, from->received);
    }
}

static void hear(struct world *world, unsigned c, const struct komet_group_output *from)
{
    uint8_t copy[8192];
    struct peer *peer = &world->peers[c];
    size_t size = from->size;
    assert_true(size <= sizeof copy);
    memcpy(copy, from->octets, size);
    komet_group_written(world->group, c, size);
    for (size_t at = 0; at < size && peer->link != NULL;) {
        struct komet_link_output output;
        at += komet_link_feed(peer->link, world->now, copy + at, size - at);
        while (komet_link_next(peer->link, world->now, &output) && output.kind != KOMET_LINK_OUT_SEND) {
            assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
            if (output.kind == KOMET_LINK_OUT_ASDU) {
                take_asdu(world, c, &output);
            }
        }
    }
}

static void pump_group(struct world *world)
{
    struct komet_group_output output;
    while (komet_group_next(world->group, world->now, &output)) {
        switch (output.kind) {
        case KOMET_GROUP_OUT_SEND:
            hear(world, output.connection, &output);
            break;
        case KOMET_GROUP_OUT_CLOSE:
            world->peers[output.connection].link = NULL;
            world->peers[output.connection].closed = output.reason;
            break;
        case KOMET_GROUP_OUT_ASDU:
            komet_group_acknowledge(world->group, world->now, output.connection, output.received);
            break;
        case KOMET_GROUP_OUT_ACKNOWLEDGED:
            world->acknowledged_outputs++;
            break;
        case KOMET_GROUP_OUT_STATE:
            break;
        }
    }
}

/* What a peer says next goes to the group. True when there was something. */
static bool pump_peer(struct world *world, unsigned c)
{
    struct komet_link_output output;
    struct peer *peer = &world->peers[c];
    uint8_t copy[8192];
    if (peer->link == NULL || !komet_link_next(peer->link, world->now, &output)) {
        return false;
    }
    if (output.kind != KOMET_LINK_OUT_SEND) {
        assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
        return true;
    }
    size_t size = output.size;
    memcpy(copy, output.octets, size);
    komet_link_written(peer->link, size);
    for (size_t at = 0; at < size && peer->link != NULL;) {
        at += komet_group_feed(world->group, world->now, c, copy + at, size - at);
        pump_group(world);
    }
    return true;
}

static void pump(struct world *world)
{
    bool more = true;
    while (more) {
        pump_group(world);
        more = false;
        for (unsigned c = 0; c < PEERS; c++) {
            more = pump_peer(world, c) || more;
        }
    }
}

static void connect_peer(struct world *world, unsigned c)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    struct peer *peer = &world->peers[c];
    settings.w = 1; /* acknowledges at once, if it does */
    if (peer->memory == NULL) {
        peer->memory = malloc(komet_link_size(&settings));
        assert_non_null(peer->memory);
    }
    peer->link = komet_link_init(peer->memory, komet_link_size(&settings), &settings, world->now);
    peer->closed = KOMET_OK;
    komet_group_connected(world->group, world->now, c);
}

static void start_peer(struct world *world, unsigned c)
{
    if (world->peers[c].link == NULL) {
        connect_peer(world, c);
    }
    komet_link_start(world->peers[c].link, world->now);
    pump(world);
    assert_int_equal(komet_group_state(world->group, c), KOMET_LINK_STARTED);
}

static void lose_peer(struct world *world, unsigned c)
{
    world->peers[c].link = NULL;
    komet_group_closed(world->group, world->now, c);
    pump(world);
}

static void assert_got(const struct world *world, unsigned from, uint32_t first, unsigned count, unsigned c)
{
    assert_true(world->got_count >= from + count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(world->got[from + i], first + i);
        assert_int_equal(world->got_on[from + i], c);
    }
}

/* The group goes on in other memory. */
static void move(struct world *world)
{
    size_t size = komet_group_size(&world->settings);
    void *memory = malloc(size);
    assert_non_null(memory);
    world->group = komet_group_move(memory, size, world->group);
    memset(world->memory, 0xA5, size);
    free(world->memory);
    world->memory = memory;
}

/* ---- cases ---- */

/* In the middle of everything: events under way and waiting, one connection beside the carrier. */
static void test_a_group_goes_on_where_it_was_moved_to(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    start_peer(&world, 0);
    connect_peer(&world, 1);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 30); /* more than a window */
    pump(&world);
    assert_got(&world, 0, 1, 12, 0);
    assert_int_equal(world.got_count, 12);
    move(&world);
    assert_int_equal(komet_group_carrier(world.group), 0);
    assert_int_equal(komet_group_state(world.group, 1), KOMET_LINK_STOPPED);
    world.peers[0].acknowledges = true;
    komet_link_acknowledge(world.peers[0].link, world.now, 5);
    pump(&world);
    assert_got(&world, 0, 1, 30, 0);
    world.peers[0].acknowledges = false;
    add_events(&world, 31, 2);
    pump(&world);
    move(&world);
    start_peer(&world, 1);
    assert_got(&world, 32, 31, 2, 1); /* those that were not acknowledged */
    assert_int_equal(world.got_count, 34);
    assert_int_equal(komet_group_counters(world.group).events_waiting, 0);
    finish(&world);
}

static void test_events_wait_until_data_transfer_starts(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    add_events(&world, 1, 30); /* more than a window */
    connect_peer(&world, 0);
    pump(&world);
    assert_int_equal(world.got_count, 0);
    assert_int_equal(komet_group_carrier(world.group), KOMET_GROUP_CONNECTIONS_MAX);
    start_peer(&world, 0);
    assert_int_equal(world.got_count, 30);
    assert_got(&world, 0, 1, 30, 0);
    struct komet_group_counters counters = komet_group_counters(world.group);
    assert_int_equal(counters.events, 30);
    assert_int_equal(counters.events_sent, 30);
    assert_int_equal(counters.events_acknowledged, 30);
    assert_int_equal(counters.events_waiting, 0);
    finish(&world);
}

static void test_r1_another_started_connection_takes_over(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    start_peer(&world, 0);
    connect_peer(&world, 1);
    pump(&world);
    add_events(&world, 1, 3);
    pump(&world);
    world.peers[0].acknowledges = false;
    add_events(&world, 4, 5);
    assert_int_equal(komet_group_under_way(world.group), 0);
    pump(&world);
    assert_int_equal(world.got_count, 8);
    assert_int_equal(komet_group_under_way(world.group), 5);
    start_peer(&world, 1);
    assert_int_equal(world.peers[0].closed, KOMET_REPLACED);
    assert_int_equal(komet_group_carrier(world.group), 1);
    assert_int_equal(world.got_count, 13); /* the five that were not acknowledged, in order */
    assert_got(&world, 8, 4, 5, 1);
    assert_int_equal(komet_group_counters(world.group).events_repeated, 5);
    add_events(&world, 9, 1);
    pump(&world);
    assert_got(&world, 13, 9, 1, 1);
    assert_int_equal(komet_group_counters(world.group).events_waiting, 0);
    finish(&world);
}

static void test_r3_all_down_and_one_returns(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    start_peer(&world, 0);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 2);
    pump(&world);
    lose_peer(&world, 0);
    add_events(&world, 3, 4);
    world.peers[2].acknowledges = true;
    start_peer(&world, 2);
    assert_int_equal(world.got_count, 2 + 6);
    assert_got(&world, 2, 1, 6, 2);
    finish(&world);
}

static void test_all_started_has_one_carrier(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ALL_STARTED, 4096);
    start_peer(&world, 1);
    start_peer(&world, 0);
    start_peer(&world, 2);
    assert_int_equal(komet_group_carrier(world.group), 1);
    world.peers[1].acknowledges = false;
    add_events(&world, 1, 3);
    pump(&world);
    assert_got(&world, 0, 1, 3, 1);
    lose_peer(&world, 1);
    assert_int_equal(komet_group_carrier(world.group), 0); /* started before 2 */
    assert_got(&world, 3, 1, 3, 0);
    start_peer(&world, 1);
    assert_int_equal(komet_group_carrier(world.group), 0); /* kept until it fails */
    assert_int_equal(world.got_count, 6);
    finish(&world);
}

static void test_stopdt_of_the_carrier(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ALL_STARTED, 4096);
    start_peer(&world, 0);
    start_peer(&world, 1);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 2);
    pump(&world);
    komet_link_stop(world.peers[0].link, world.now); /* its S format is missing: it stays in STOPPING */
    world.peers[1].acknowledges = false;
    pump(&world);
    assert_int_equal(komet_group_carrier(world.group), 1);
    assert_got(&world, 2, 1, 2, 1);
    komet_link_acknowledge(world.peers[0].link, world.now, world.peers[0].received);
    pump(&world);
    assert_int_equal(komet_group_counters(world.group).events_acknowledged, 2); /* on the one that stops */
    assert_int_equal(komet_group_counters(world.group).events_waiting, 0);
    finish(&world);
}

static void test_t1_moves_the_carrier(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ALL_STARTED, 4096);
    start_peer(&world, 0);
    start_peer(&world, 1);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 1);
    pump(&world);
    world.now = komet_group_deadline(world.group);
    assert_int_equal(world.now.us, 5000000 + KOMET_SECONDS(15));
    komet_group_tick(world.group, world.now);
    pump(&world);
    assert_int_equal(world.peers[0].closed, KOMET_T1_ACKNOWLEDGE);
    assert_int_equal(komet_group_carrier(world.group), 1);
    assert_got(&world, 1, 1, 1, 1);
    finish(&world);
}

static void test_r4_a_full_buffer_drops_the_oldest(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 512);
    add_events(&world, 1, 100); /* 21 octets each: 24 fit */
    struct komet_group_counters counters = komet_group_counters(world.group);
    assert_int_equal(counters.events_waiting, 24);
    assert_int_equal(counters.events_sent, 76); /* none will go first any more */
    assert_int_equal(counters.events_lost, 76);
    start_peer(&world, 0);
    assert_int_equal(world.got_count, 24);
    assert_got(&world, 0, 77, 24, 0);
    finish(&world);
}

static void test_r4_or_refuses_the_new_one(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 512);
    free(world.memory);
    world.settings.full = KOMET_GROUP_REFUSE;
    size_t size = komet_group_size(&world.settings);
    world.memory = malloc(size);
    world.group = komet_group_init(world.memory, size, &world.settings);
    add_events(&world, 1, 24);
    assert_false(event_of_size(&world, 25, 20));
    assert_true(event_of_size(&world, 25, 7)); /* 8 octets were left */
    assert_false(event_of_size(&world, 26, 5));
    start_peer(&world, 0);
    assert_got(&world, 0, 1, 25, 0);
    assert_true(event_of_size(&world, 26, 249));
    assert_int_equal(komet_group_counters(world.group).events_lost, 0);
    finish(&world);
}

static void test_what_gives_way_while_it_is_under_way(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 512);
    start_peer(&world, 0);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 100);
    pump(&world); /* the window is full of events of which most have given way */
    unsigned sent = world.got_count;
    assert_int_equal(sent, 12);
    world.peers[0].acknowledges = true;
    komet_link_acknowledge(world.peers[0].link, world.now, world.peers[0].received);
    pump(&world);
    for (unsigned i = 1; i < world.got_count; i++) {
        assert_true(world.got[i] > world.got[i - 1]);
    }
    assert_int_equal(world.got[world.got_count - 1], 100);
    struct komet_group_counters counters = komet_group_counters(world.group);
    assert_int_equal(counters.events_waiting, 0);
    assert_int_equal(counters.events_acknowledged + counters.events_lost, 100);
    finish(&world);
}

static void test_an_answer_finds_room_among_events(void **state)
{
    (void)state;
    struct world world;
    uint8_t answer[6] = {100, 1, 7, 0, 1, 0};
    setup(&world, KOMET_GROUP_ONE_STARTED, 8192);
    assert_false(komet_group_send(world.group, world.now, 0, answer, sizeof answer)); /* not started */
    start_peer(&world, 0);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 200);
    pump(&world);
    assert_int_equal(world.got_count, 12);
    assert_false(komet_group_send(world.group, world.now, 0, answer, sizeof answer));
    komet_link_acknowledge(world.peers[0].link, world.now, 1);
    pump(&world);
    assert_int_equal(world.got_count, 12); /* the place is kept */
    assert_true(komet_group_send(world.group, world.now, 0, answer, sizeof answer));
    komet_link_acknowledge(world.peers[0].link, world.now, 2);
    pump(&world);
    assert_int_equal(world.got_count, 13); /* and events go on */
    assert_false(komet_group_send(world.group, world.now, 0, answer, sizeof answer));
    komet_group_forget_send(world.group, 0);
    komet_link_acknowledge(world.peers[0].link, world.now, 3);
    pump(&world);
    assert_int_equal(world.got_count, 14);
    finish(&world);
}

static void test_a_peer_that_does_not_read_holds_up_no_other(void **state)
{
    (void)state;
    struct world world;
    static const uint8_t testfr_act[] = {0x68, 4, 0x43, 0, 0, 0};
    struct komet_group_output output;
    setup(&world, KOMET_GROUP_ALL_STARTED, 4096);
    connect_peer(&world, 0);
    connect_peer(&world, 1);
    assert_int_equal(komet_group_feed(world.group, world.now, 0, testfr_act, 6), 6);
    assert_true(komet_group_next(world.group, world.now, &output));
    assert_int_equal(output.kind, KOMET_GROUP_OUT_SEND);
    assert_int_equal(output.connection, 0); /* and is not written */
    assert_false(komet_group_next(world.group, world.now, &output));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(komet_group_feed(world.group, world.now, 1, testfr_act, 6), 6);
        assert_true(komet_group_next(world.group, world.now, &output));
        assert_int_equal(output.connection, 1);
        komet_group_written(world.group, 1, output.size);
        assert_false(komet_group_next(world.group, world.now, &output));
    }
    komet_group_writable(world.group, 0);
    assert_true(komet_group_next(world.group, world.now, &output));
    assert_int_equal(output.connection, 0);
    assert_int_equal(output.size, 6);
    finish(&world);
}

static void test_an_answer_in_the_room_of_an_acknowledgement(void **state)
{
    (void)state;
    struct world world;
    static const uint8_t s_format[] = {0x68, 4, 1, 0, 24, 0}; /* acknowledges twelve */
    uint8_t answer[6] = {100, 1, 7, 0, 1, 0};
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    start_peer(&world, 0);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 50);
    pump(&world);
    assert_int_equal(world.got_count, 12);
    assert_int_equal(komet_group_feed(world.group, world.now, 0, s_format, 6), 6);
    for (unsigned i = 0; i < 5; i++) { /* before the acknowledgement was handed out */
        assert_true(komet_group_send(world.group, world.now, 0, answer, sizeof answer));
    }
    pump_group(&world);
    assert_int_equal(komet_group_counters(world.group).events_acknowledged, 12);
    finish(&world);
}

static void test_a_connection_in_the_place_of_one_that_is_up(void **state)
{
    (void)state;
    struct world world;
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    start_peer(&world, 0);
    world.peers[0].acknowledges = false;
    add_events(&world, 1, 2);
    pump(&world);
    world.peers[0].acknowledges = true;
    connect_peer(&world, 0);
    pump(&world);
    assert_int_equal(komet_group_carrier(world.group), KOMET_GROUP_CONNECTIONS_MAX);
    start_peer(&world, 0);
    assert_got(&world, 2, 1, 2, 0);
    finish(&world);
}

/* A peer that acknowledges what it never read fills the output buffer; then STARTDT con takes what was left
 * above the room of one frame, between reserving and committing. */
static void test_a_frame_in_the_last_room_of_the_output(void **state)
{
    (void)state;
    static const uint8_t start[] = {0x68, 4, 0x07, 0, 0, 0}, stop[] = {0x68, 4, 0x13, 0, 0, 0};
    static const uint8_t acknowledge[] = {0x68, 4, 1, 0, 24, 0}; /* twelve */
    struct world world;
    struct komet_group_output output;
    setup(&world, KOMET_GROUP_ONE_STARTED, 4096);
    komet_group_connected(world.group, world.now, 0);
    (void)komet_group_feed(world.group, world.now, 0, start, sizeof start);
    for (unsigned i = 0; i < 11; i++) {
        assert_true(event_of_size(&world, i, KOMET_ASDU_SIZE_MAX));
    }
    assert_true(event_of_size(&world, 11, 140)); /* 3264 - 6 - 11 * 255 - 146 - 6 leave 301 octets */
    while (komet_group_next(world.group, world.now, &output)) {
    }
    (void)komet_group_feed(world.group, world.now, 0, acknowledge, sizeof acknowledge);
    while (komet_group_next(world.group, world.now, &output)) {
    }
    (void)komet_group_feed(world.group, world.now, 0, stop, sizeof stop);
    while (komet_group_next(world.group, world.now, &output)) {
    }
    (void)komet_group_feed(world.group, world.now, 0, start, sizeof start);
    assert_true(komet_group_next(world.group, world.now, &output));
    assert_int_equal(output.state, KOMET_LINK_STARTED);
    uint8_t *place = komet_group_reserve(world.group, 0);
    assert_non_null(place);
    memset(place, 0xEE, KOMET_ASDU_SIZE_MAX);
    komet_group_commit(world.group, world.now, 0, KOMET_ASDU_SIZE_MAX);
    assert_null(komet_group_reserve(world.group, 0));
    finish(&world);
}

/* Whatever happens to the connections: what was not acknowledged comes again, nothing is left out, and the
 * order of first deliveries is that of the events. */
static void test_chaos(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct world world;
        struct test_random random = {seed};
        uint32_t number = 0;
        setup(&world, seed % 2 == 0 ? KOMET_GROUP_ONE_STARTED : KOMET_GROUP_ALL_STARTED, 100000);
        for (unsigned step = 0; step < 400; step++) {
            unsigned c = test_random_below(&random, PEERS);
            switch (test_random_below(&random, 6)) {
            case 0:
                lose_peer(&world, c);
                break;
            case 1:
                start_peer(&world, c);
                break;
            case 2:
                world.peers[c].acknowledges = !world.peers[c].acknowledges;
                break;
            default:
                assert_true(event_of_size(&world, ++number, 5 + test_random_below(&random, 245)));
                pump(&world);
                break;
            }
        }
        for (unsigned c = 0; c < PEERS; c++) {
            lose_peer(&world, c);
            world.peers[c].acknowledges = true;
        }
        start_peer(&world, 0);
        uint32_t next = 1;
        for (unsigned i = 0; i < world.got_count; i++) {
            assert_true(world.got[i] <= next); /* an old one again, or the next */
            next += world.got[i] == next ? 1 : 0;
        }
        assert_int_equal(next, number + 1);
        struct komet_group_counters counters = komet_group_counters(world.group);
        assert_int_equal(counters.events_acknowledged, number);
        assert_int_equal(counters.events_waiting + counters.events_lost, 0);
        assert_int_equal(world.got_count, number + counters.events_repeated);
        finish(&world);
    }
}

/* Two groups of one program: the connection of one is silent, then lost; the other notices nothing. */
static void test_r5_another_group_is_dead(void **state)
{
    enum { ROUNDS = 200 };
    struct world dead, alive;
    (void)state;
    setup(&dead, KOMET_GROUP_ONE_STARTED, KOMET_GROUP_BUFFER_MIN);
    setup(&alive, KOMET_GROUP_ONE_STARTED, KOMET_GROUP_BUFFER_MIN);
    start_peer(&dead, 0);
    start_peer(&alive, 0);
    dead.peers[0].acknowledges = false;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (i == ROUNDS / 2) {
            lose_peer(&dead, 0);
        }
        add_events(&dead, i, 1);
        add_events(&alive, i, 1);
        pump(&dead);
        pump(&alive);
        uint64_t octets_waiting = komet_group_counters(dead.group).events_waiting * (20 + 1);
        assert_true(octets_waiting <= KOMET_GROUP_BUFFER_MIN);
        assert_int_equal(komet_group_counters(alive.group).events_waiting, 0);
        assert_int_equal(alive.got_count, i + 1);
    }
    assert_got(&alive, 0, 0, ROUNDS, 0);
    assert_int_equal(komet_group_counters(alive.group).events_lost, 0);
    assert_int_equal(komet_group_carrier(alive.group), 0);
    assert_true(komet_group_counters(dead.group).events_lost > 0);
    finish(&dead);
    finish(&alive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_group_goes_on_where_it_was_moved_to),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_events_wait_until_data_transfer_starts),
        cmocka_unit_test(test_r1_another_started_connection_takes_over),
        cmocka_unit_test(test_r3_all_down_and_one_returns),
        cmocka_unit_test(test_all_started_has_one_carrier),
        cmocka_unit_test(test_stopdt_of_the_carrier),
        cmocka_unit_test(test_t1_moves_the_carrier),
        cmocka_unit_test(test_r5_another_group_is_dead),
        cmocka_unit_test(test_r4_a_full_buffer_drops_the_oldest),
        cmocka_unit_test(test_r4_or_refuses_the_new_one),
        cmocka_unit_test(test_what_gives_way_while_it_is_under_way),
        cmocka_unit_test(test_an_answer_finds_room_among_events),
        cmocka_unit_test(test_a_peer_that_does_not_read_holds_up_no_other),
        cmocka_unit_test(test_an_answer_in_the_room_of_an_acknowledgement),
        cmocka_unit_test(test_a_connection_in_the_place_of_one_that_is_up),
        cmocka_unit_test(test_a_frame_in_the_last_room_of_the_output),
        cmocka_unit_test(test_chaos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
