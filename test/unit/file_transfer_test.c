/*
 * file_transfer: a sender and a receiver against each other, through pipes that lose, double and change what
 * they carry: a file arrives as it was, or has failed. The steps one by one: test/timeline/file.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "komet/file_transfer.h"
#include "komet/link.h"

enum { IOA = 100, NAME = 7, FILE_MAX = 70000, PIPE_MAX = 64, MEMORY = 8192 };

/* ASDUs on their way, in order. */
struct pipe {
    uint8_t octets[PIPE_MAX][KOMET_ASDU_SIZE_MAX];
    size_t sizes[PIPE_MAX];
    unsigned first, count;
};

/* One station: it may send and want a file at the same time, on connection 0. */
struct end {
    _Alignas(max_align_t) uint8_t sender_memory[MEMORY];
    _Alignas(max_align_t) uint8_t receiver_memory[MEMORY];
    struct komet_file_settings settings;
    struct komet_file_sender *sender;
    struct komet_file_receiver *receiver;
    struct pipe in;
    struct end *peer;
    struct komet_file file;    /* that it has */
    uint8_t got[FILE_MAX];     /* of the file that it wants */
    uint32_t got_to, sections; /* behind the last octet handed out; sections done */
    bool done, failed, sent, send_failed;
    enum komet_file_end end;
};

struct world {
    struct end ends[2];
    struct komet_instant now;
    struct test_random random;
    bool corrupts;
    bool spoiled[256]; /* this section was corrupted already, since its last segment */
    uint8_t data[2][FILE_MAX];
};

static struct world world;

static void make_end(struct end *end, const struct komet_file_settings *settings)
{
    memset(end, 0, sizeof *end);
    end->settings = *settings;
    assert_true(komet_file_sender_size(settings) <= MEMORY);
    assert_true(komet_file_receiver_size(settings) <= MEMORY);
    end->sender = komet_file_sender_init(end->sender_memory, MEMORY, settings);
    end->receiver = komet_file_receiver_init(end->receiver_memory, MEMORY, settings);
    komet_file_sender_connected(end->sender, world.now, 0);
    komet_file_receiver_connected(end->receiver, world.now, 0);
}

static void give_file(struct end *end, uint8_t *data, uint32_t length, uint32_t section_size)
{
    for (uint32_t i = 0; i < length; i++) {
        data[i] = (uint8_t)test_random_next(&world.random);
    }
    end->file = (struct komet_file){
        .ioa = IOA, .name = NAME, .length = length, .section_size = section_size, .data = data};
    komet_file_sender_files(end->sender, &end->file, 1);
}

static void take_events(struct end *end)
{
    struct komet_file_event event;
    while (komet_file_receiver_next(end->receiver, &event)) {
        switch (event.kind) {
        case KOMET_FILE_EVENT_DATA:
            assert_true(event.offset <= end->got_to); /* no gap */
            assert_true(event.offset + event.size <= FILE_MAX);
            memcpy(end->got + event.offset, event.octets, event.size);
            end->got_to = event.offset + (uint32_t)event.size;
            break;
        case KOMET_FILE_EVENT_SECTION_DONE:
            assert_int_equal(event.section, ++end->sections);
            assert_true(event.length == 0 || event.offset + event.length == end->got_to);
            break;
        case KOMET_FILE_EVENT_DONE:
            assert_int_equal(event.length, end->got_to);
            end->done = true;
            break;
        case KOMET_FILE_EVENT_FAILED:
            end->failed = true;
            end->end = event.end;
            break;
        case KOMET_FILE_EVENT_ANNOUNCED:
            komet_file_receiver_accept(end->receiver, world.now);
            break;
        case KOMET_FILE_EVENT_DELETE:
        case KOMET_FILE_EVENT_QUERY:
        case KOMET_FILE_EVENT_DELETED:
        case KOMET_FILE_EVENT_ENTRY:
        case KOMET_FILE_EVENT_DIRECTORY_FAILED:
            fail_msg("event %d was not asked for", (int)event.kind);
        }
    }
    while (komet_file_sender_next(end->sender, &event)) {
        end->sent = end->sent || event.kind == KOMET_FILE_EVENT_DONE;
        end->send_failed = end->send_failed || event.kind == KOMET_FILE_EVENT_FAILED;
    }
}

static void receive(struct end *end, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    assert_int_equal(komet_asdu_decode(end->settings.profile, octets, size, &asdu), KOMET_ASDU_OK);
    bool taken = komet_file_sender_receive(end->sender, world.now, 0, &asdu);
    bool taken_too = komet_file_receiver_receive(end->receiver, world.now, 0, &asdu);
    assert_true(taken != taken_too); /* it belongs to exactly one of both */
    take_events(end);
}

/* How often the next ASDU is put into the pipe; it may be changed. A section is corrupted at most once on its
 * way: a sum cannot tell two changes that make up for each other. */
static unsigned copies(uint8_t *octets, size_t size)
{
    enum { SECTION_AT = 11, DATA_AT = 13 };
    uint8_t section = octets[SECTION_AT];
    if (octets[0] == KOMET_F_LS_NA_1) {
        world.spoiled[section] = false;
    }
    if (octets[0] != KOMET_F_SG_NA_1 || !world.corrupts || world.spoiled[section] ||
        test_random_below(&world.random, 40) != 0) {
        return 1;
    }
    world.spoiled[section] = true;
    switch (test_random_below(&world.random, 4)) {
    case 0:
        return 0;
    case 1:
        return 2;
    case 2:
        octets[SECTION_AT]++;
        return 1;
    default:
        octets[DATA_AT + test_random_below(&world.random, (uint32_t)(size - DATA_AT))] ^= 0x10;
        return 1;
    }
}

static void put(struct pipe *pipe, const uint8_t *octets, size_t size)
{
    unsigned at = (pipe->first + pipe->count++) % PIPE_MAX;
    memcpy(pipe->octets[at], octets, size);
    pipe->sizes[at] = size;
}

/* Some ASDUs from this end into the pipe, and some out of its own. */
static bool turn(struct end *end)
{
    bool moved = false;
    for (unsigned n = test_random_below(&world.random, 8); n > 0; n--) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        struct pipe *out = &end->peer->in;
        if (PIPE_MAX - out->count < 2) {
            break;
        }
        size_t size = komet_file_sender_write(end->sender, world.now, 0, octets);
        size = size > 0 ? size : komet_file_receiver_write(end->receiver, world.now, 0, octets);
        if (size == 0) {
            break;
        }
        moved = true;
        for (unsigned times = copies(octets, size); times > 0; times--) {
            put(out, octets, size);
        }
    }
    for (unsigned n = test_random_below(&world.random, 8); n > 0 && end->in.count > 0; n--) {
        unsigned at = end->in.first;
        end->in.first = (end->in.first + 1) % PIPE_MAX;
        end->in.count--;
        moved = true;
        receive(end, end->in.octets[at], end->in.sizes[at]);
    }
    return moved;
}

/* Until nothing moves any more; then until the time limits have ended what stands. */
static void run(void)
{
    for (unsigned still = 0; still < 200;) {
        bool moved = turn(&world.ends[0]);
        moved = turn(&world.ends[1]) || moved;
        still = moved ? 0 : still + 1;
        world.now.us++;
        if (still == 100) {
            world.now = komet_after(world.now, KOMET_SECONDS(60));
        }
        for (unsigned e = 0; e < 2; e++) {
            komet_file_sender_tick(world.ends[e].sender, world.now);
            komet_file_receiver_tick(world.ends[e].receiver, world.now);
            take_events(&world.ends[e]);
        }
    }
}

static void make_world(const struct komet_file_settings *settings, uint64_t seed, bool corrupts)
{
    world.random.state = seed;
    world.corrupts = corrupts;
    world.now = (struct komet_instant){1000};
    memset(world.spoiled, 0, sizeof world.spoiled);
    for (unsigned e = 0; e < 2; e++) {
        make_end(&world.ends[e], settings);
        world.ends[e].peer = &world.ends[1 - e];
    }
}

static void assert_arrived(const struct end *to, const struct end *from)
{
    assert_true(to->done && !to->failed && from->sent);
    assert_int_equal(to->got_to, from->file.length);
    assert_memory_equal(to->got, from->file.data, from->file.length);
}

static uint32_t random_length(void)
{
    static const uint32_t lengths[] = {0, 1, 235, 236, 237, 472, 4096, 65536};
    uint32_t choice = test_random_below(&world.random, 16);
    return choice < 8 ? lengths[choice] : test_random_below(&world.random, 5000);
}

/* ---- tests ---- */

static void test_identical_or_failed(void **state)
{
    (void)state;
    unsigned arrived = 0, failed = 0;
    uint64_t repeats = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct komet_file_settings settings = komet_file_settings_standard(1);
        make_world(&settings, seed, seed % 4 != 0);
        settings.segment_size = (uint8_t)(1 + test_random_below(&world.random, KOMET_SEGMENT_SIZE_MAX));
        settings.repeats = (uint8_t)test_random_below(&world.random, 5);
        make_world(&settings, seed, seed % 4 != 0);
        struct end *from = &world.ends[0], *to = &world.ends[1];
        uint32_t length = random_length();
        uint32_t least = length / 255 + 1;
        give_file(from, world.data[0], length, least + test_random_below(&world.random, length + 1));
        if (seed % 2 == 0) {
            assert_true(komet_file_receiver_get(to->receiver, world.now, 0, IOA, NAME));
        } else {
            assert_true(komet_file_sender_announce(from->sender, world.now, 0, IOA, NAME));
        }
        run();
        assert_true(to->done != to->failed);
        if (to->done) {
            assert_arrived(to, from);
        }
        assert_true(to->done || world.corrupts);
        arrived += to->done;
        failed += to->failed;
        repeats += komet_file_receiver_counters(to->receiver).repeats;
    }
    assert_true(arrived > 200 && failed > 10 && repeats > 200); /* both were seen */
}

/* Each side has a file and wants the other's, under the same address and name: both engines share a
 * connection.
 */
static void test_both_ways_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct komet_file_settings settings = komet_file_settings_standard(1);
        settings.repeats = 100;
        make_world(&settings, seed, false);
        for (unsigned e = 0; e < 2; e++) {
            give_file(&world.ends[e], world.data[e], 3000 + e * 1000, 500);
            assert_true(komet_file_receiver_get(world.ends[e].receiver, world.now, 0, IOA, NAME));
        }
        run();
        assert_arrived(&world.ends[0], &world.ends[1]);
        assert_arrived(&world.ends[1], &world.ends[0]);
    }
}

static void test_255_sections(void **state)
{
    (void)state;
    struct komet_file_settings settings = komet_file_settings_standard(1);
    make_world(&settings, 1, false);
    give_file(&world.ends[0], world.data[0], 255, 1);
    assert_true(komet_file_receiver_get(world.ends[1].receiver, world.now, 0, IOA, NAME));
    run();
    assert_arrived(&world.ends[1], &world.ends[0]);
    assert_int_equal(world.ends[1].sections, 255);
}

static size_t one(uint8_t *octets, uint8_t type, const struct komet_file_object *object)
{
    struct komet_asdu_writer writer;
    const struct komet_asdu_header header = {.type = type, .cause = KOMET_COT_FILE, .ca = 1};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add_file(&writer, object));
    return komet_asdu_end(&writer);
}

static void send_part(struct end *to, uint8_t type, struct komet_file_object object)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    object.ioa = IOA;
    object.name = NAME;
    receive(to, octets, one(octets, type, &object));
    while (komet_file_receiver_write(to->receiver, world.now, 0, octets) > 0) {
    }
}

/* Names of sections end at 255: a peer that counts on, round to 0 or 1, gets nowhere. */
static void test_no_256th_section(void **state)
{
    (void)state;
    for (unsigned after = 0; after < 2; after++) {
        struct komet_file_settings settings = komet_file_settings_standard(1);
        make_world(&settings, 1, false);
        struct end *to = &world.ends[1];
        const uint8_t octet = 1;
        assert_true(komet_file_receiver_get(to->receiver, world.now, 0, IOA, NAME));
        send_part(to, KOMET_F_FR_NA_1, (struct komet_file_object){.length = 300});
        for (unsigned section = 1; section <= 255; section++) {
            uint8_t nos = (uint8_t)section;
            send_part(to, KOMET_F_SR_NA_1, (struct komet_file_object){.section = nos, .length = 1});
            send_part(to, KOMET_F_SG_NA_1,
                      (struct komet_file_object){.section = nos, .segment = &octet, .segment_size = 1});
            send_part(to, KOMET_F_LS_NA_1,
                      (struct komet_file_object){
                          .section = nos, .qualifier = KOMET_LAST_SECTION, .checksum = octet});
        }
        assert_int_equal(to->sections, 255);
        assert_false(to->failed);
        send_part(to, KOMET_F_SR_NA_1, (struct komet_file_object){.section = (uint8_t)after, .length = 1});
        assert_true(to->failed && to->end == KOMET_FILE_END_UNEXPECTED);
    }
}

/* Other widths and orders of addresses: nothing assumes those of 104. */
static void test_profiles(void **state)
{
    (void)state;
    static const struct komet_profile narrow = {.cot_size = 1, .ca_size = 1, .ioa_size = 1};
    const struct komet_profile *profiles[] = {&narrow, &komet_profile_sinaut};
    for (unsigned p = 0; p < 2; p++) {
        struct komet_file_settings settings = komet_file_settings_standard(200);
        settings.profile = profiles[p];
        make_world(&settings, 1, false);
        give_file(&world.ends[0], world.data[0], 2000, 700);
        assert_true(komet_file_receiver_get(world.ends[1].receiver, world.now, 0, IOA, NAME));
        run();
        assert_arrived(&world.ends[1], &world.ends[0]);
    }
}

static void test_settings(void **state)
{
    (void)state;
    struct komet_file_settings good = komet_file_settings_standard(65535), bad;
    static const struct komet_profile narrow = {.cot_size = 1, .ca_size = 1, .ioa_size = 1}, none = {0};
    assert_null(komet_file_settings_fault(&good));
    bad = good, bad.profile = NULL;
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.profile = &none;
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.profile = &narrow; /* CA 65535 in one octet */
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.connections = 0;
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.segment_size = 0;
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.segment_size = KOMET_SEGMENT_SIZE_MAX + 1;
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.length_max = KOMET_FILE_LENGTH_MAX + 1;
    assert_non_null(komet_file_settings_fault(&bad));
    bad = good, bad.time_limit_us = 0;
    assert_non_null(komet_file_settings_fault(&bad));
    for (unsigned end = 0; end < KOMET_FILE_END_COUNT; end++) {
        assert_non_null(komet_file_end_name((enum komet_file_end)end));
    }
}

/* ---- over links ---- */

struct linked {
    _Alignas(max_align_t) uint8_t memory[8192];
    struct komet_link *link;
    struct end *end;
    struct linked *peer;
};

static void give_link(struct linked *linked)
{
    while (komet_link_room(linked->link) > 0) {
        uint8_t *place = komet_link_reserve(linked->link);
        size_t size = komet_file_sender_write(linked->end->sender, world.now, 0, place);
        size = size > 0 ? size : komet_file_receiver_write(linked->end->receiver, world.now, 0, place);
        if (size == 0) {
            return;
        }
        komet_link_commit(linked->link, world.now, size);
    }
}

static bool move_octets(struct linked *linked)
{
    struct komet_link_output output;
    bool moved = false;
    give_link(linked);
    while (komet_link_next(linked->link, world.now, &output)) {
        assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
        if (output.kind == KOMET_LINK_OUT_ASDU) {
            receive(linked->end, output.octets, output.size);
            komet_link_acknowledge(linked->link, world.now, output.received);
        } else if (output.kind == KOMET_LINK_OUT_SEND) {
            static uint8_t wire[8192];
            size_t size = output.size;
            memcpy(wire, output.octets, size);
            komet_link_written(linked->link, size);
            for (size_t taken = 0; taken < size; moved = true) {
                taken += komet_link_feed(linked->peer->link, world.now, wire + taken, size - taken);
                struct komet_link_output theirs;
                while (komet_link_next(linked->peer->link, world.now, &theirs) &&
                       theirs.kind != KOMET_LINK_OUT_SEND) {
                    if (theirs.kind == KOMET_LINK_OUT_ASDU) {
                        receive(linked->peer->end, theirs.octets, theirs.size);
                        komet_link_acknowledge(linked->peer->link, world.now, theirs.received);
                    }
                }
            }
        }
    }
    return moved;
}

/* The host of the header's example: the file leaves as the window lets it, 12 frames at a time. */
static void test_over_links(void **state)
{
    (void)state;
    static struct linked linked[2];
    struct komet_file_settings settings = komet_file_settings_standard(1);
    make_world(&settings, 1, false);
    give_file(&world.ends[0], world.data[0], 65536, 20000);
    for (unsigned e = 0; e < 2; e++) {
        struct komet_link_settings link =
            komet_link_settings_standard(e == 0 ? KOMET_CONTROLLED : KOMET_CONTROLLING);
        assert_true(komet_link_size(&link) <= sizeof linked[e].memory);
        linked[e].link = komet_link_init(linked[e].memory, sizeof linked[e].memory, &link, world.now);
        linked[e].end = &world.ends[e];
        linked[e].peer = &linked[1 - e];
    }
    komet_link_start(linked[1].link, world.now);
    assert_true(komet_file_receiver_get(world.ends[1].receiver, world.now, 0, IOA, NAME));
    for (unsigned still = 0; still < 3 && !world.ends[0].sent;) {
        bool moved = move_octets(&linked[1]);
        moved = move_octets(&linked[0]) || moved;
        still = moved ? 0 : still + 1;
        if (!moved) { /* t2 of the one that only receives */
            world.now = komet_after(world.now, KOMET_SECONDS(10));
            komet_link_tick(linked[0].link, world.now);
            komet_link_tick(linked[1].link, world.now);
        }
    }
    assert_arrived(&world.ends[1], &world.ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identical_or_failed),
        cmocka_unit_test(test_both_ways_at_once),
        cmocka_unit_test(test_255_sections),
        cmocka_unit_test(test_no_256th_section),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_over_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
