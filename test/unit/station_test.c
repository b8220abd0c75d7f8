/*
 * station: settings that are refused, and what must hold for any requests. What it answers to each is in
 * test/timeline/station.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "komet/station.h"

static const uint16_t addresses[] = {1, 2};
static struct komet_point points[] = {
    {.ca = 1, .ioa = 100, .type = KOMET_M_SP_NA_1, .groups = 1},
    {.ca = 1, .ioa = 101, .type = KOMET_M_SP_NA_1},
    {.ca = 1, .ioa = 300, .type = KOMET_M_IT_NA_1},
    {.ca = 1, .ioa = 400, .type = KOMET_P_ME_NC_1},
    {.ca = 1, .ioa = 5000, .type = KOMET_C_SC_NA_1, .select = KOMET_SELECT_REQUIRED},
    {.ca = 2, .ioa = 5000, .type = KOMET_C_SE_NC_1, .minimum = 1, .maximum = 2},
};
enum { POINTS = sizeof points / sizeof *points };

static struct komet_station_settings usable(void)
{
    struct komet_station_settings settings = komet_station_settings_standard();
    settings.addresses = addresses;
    settings.address_count = 2;
    settings.points = points;
    settings.point_count = POINTS;
    settings.connections = 2;
    return settings;
}

#define ASSERT_FAULT(member, wrong, part)                                                                    \
    do {                                                                                                     \
        struct komet_station_settings settings = usable();                                                   \
        settings.member = (wrong);                                                                           \
        const char *fault = komet_station_settings_fault(&settings);                                         \
        assert_non_null(fault);                                                                              \
        assert_non_null(strstr(fault, part));                                                                \
    } while (0)

static void test_settings(void **state)
{
    (void)state;
    struct komet_station_settings good = usable();
    assert_null(komet_station_settings_fault(&good));
    ASSERT_FAULT(profile, NULL, "profile");
    ASSERT_FAULT(address_count, 0, "common address");
    ASSERT_FAULT(connections, 0, "connections");
    ASSERT_FAULT(connections, 9, "connections");
    ASSERT_FAULT(answers, 3, "answers");
    ASSERT_FAULT(commands, 0, "commands");
    ASSERT_FAULT(commands, good.answers - 1, "commands");
    ASSERT_FAULT(answers, good.commands + 1, "two below answers");
    ASSERT_FAULT(select_us, 0, "select_us");
    ASSERT_FAULT(command_age_ms, -1, "command_age_ms");
    ASSERT_FAULT(zone_minutes, 1441, "zone_minutes");
    static const uint16_t wrong[] = {1, 0xFFFF};
    ASSERT_FAULT(addresses, wrong, "below the global address");
    static const uint16_t twice[] = {1, 1};
    ASSERT_FAULT(addresses, twice, "twice");
    ASSERT_FAULT(points, NULL, "points");
}

static void assert_point_fault(struct komet_point point, const char *part)
{
    struct komet_station_settings settings = usable();
    settings.points = &point;
    settings.point_count = 1;
    const char *fault = komet_station_settings_fault(&settings);
    assert_non_null(fault);
    assert_non_null(strstr(fault, part));
}

static void test_points(void **state)
{
    (void)state;
    assert_point_fault((struct komet_point){.ca = 3, .ioa = 1, .type = 1}, "none of the station's");
    assert_point_fault((struct komet_point){.ca = 1, .ioa = 0, .type = 1}, "object address");
    assert_point_fault((struct komet_point){.ca = 1, .ioa = 1u << 24, .type = 1}, "object address");
    static const uint8_t wrong_types[] = {0, 2, 16, 17, 30, 58, 70, 100, 113, 120, 200};
    for (size_t i = 0; i < sizeof wrong_types; i++) {
        assert_point_fault((struct komet_point){.ca = 1, .ioa = 1, .type = wrong_types[i]}, "type");
    }
    assert_point_fault(
        (struct komet_point){.ca = 1, .ioa = 1, .type = KOMET_C_BO_NA_1, .select = KOMET_SELECT_REQUIRED},
        "bit string");
    assert_point_fault(
        (struct komet_point){.ca = 1, .ioa = 1, .type = KOMET_C_SE_NB_1, .minimum = 2, .maximum = 1},
        "minimum");
    struct komet_point twice[2] = {{.ca = 1, .ioa = 5, .type = 1}, {.ca = 1, .ioa = 5, .type = 3}};
    struct komet_station_settings settings = usable();
    settings.points = twice;
    settings.point_count = 2;
    assert_non_null(strstr(komet_station_settings_fault(&settings), "ascending"));
}

static void test_types_with_and_without_time(void **state)
{
    (void)state;
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    assert_int_equal(komet_type_without_time(0), 0); /* of a type that is none, itself */
    assert_int_equal(komet_type_with_time(0), 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t type = rows[i].type;
        const struct komet_type_row *bare = komet_type_find(komet_type_without_time(type));
        const struct komet_type_row *timed = komet_type_find(komet_type_with_time(type));
        bool protection = rows[i].element == KOMET_ELEMENT_PROTECTION; /* have no type without time */
        if (protection || rows[i].direction > KOMET_CONTROL || type == KOMET_M_EI_NA_1) {
            assert_int_equal(bare->type, type);
            continue;
        }
        assert_int_equal(bare->time, KOMET_TIME_NONE);
        assert_int_equal(bare->element, rows[i].element);
        assert_int_equal(timed->element, rows[i].element);
        bool none = type == KOMET_M_PS_NA_1 || type == KOMET_M_ME_ND_1;
        assert_int_equal(timed->time, none ? KOMET_TIME_NONE : KOMET_TIME_CP56);
    }
}

/* ---- any requests ---- */

static const uint8_t types[] = {1,   45,  46,  48,  50,  58,  63,  70,  100, 101, 102, 103,
                                104, 105, 106, 107, 110, 112, 113, 120, 125, 127, 200};

/* An ASDU that is nearly right: a good header, then what a random choice spoils. */
static size_t random_request(struct test_random *random, uint8_t *octets)
{
    static const uint8_t causes[] = {6, 6, 6, 6, 8, 5, 3, 7, 44, 47};
    static const uint32_t ioas[] = {0, 0, 100, 101, 300, 400, 5000, 5000, 7};
    uint8_t objects[40];
    const struct komet_type_row *row = komet_type_find(types[test_random_below(random, sizeof types)]);
    size_t size = 3 + (row != NULL ? row->element_size : test_random_below(random, 30));
    for (size_t i = 0; i < size; i++) {
        objects[i] = (uint8_t)test_random_next(random);
    }
    if (row != NULL && row->type == KOMET_C_IC_NA_1) {
        objects[3] = (uint8_t)(20 + test_random_below(random, 3));
    }
    uint32_t ioa = ioas[test_random_below(random, sizeof ioas / sizeof *ioas)];
    objects[0] = (uint8_t)ioa;
    objects[1] = (uint8_t)(ioa >> 8);
    objects[2] = (uint8_t)(ioa >> 16);
    const struct komet_asdu_header header = {
        .type = row != NULL ? row->type : 201,
        .cause = causes[test_random_below(random, sizeof causes)],
        .test = test_random_below(random, 20) == 0,
        .oa = (uint8_t)test_random_below(random, 2),
        .ca = test_random_below(random, 10) == 0 ? KOMET_CA_BROADCAST_2
                                                 : (uint16_t)(1 + test_random_below(random, 3)),
    };
    size += test_random_below(random, 50) == 0 ? 1 : 0;
    return komet_asdu_write_octets(&komet_profile_104, &header, 1, objects, size, octets,
                                   KOMET_ASDU_SIZE_MAX);
}

/* Some of the points and addresses above. */
struct variant {
    uint16_t addresses[2];
    struct komet_point points[POINTS];
};

struct game {
    struct komet_station *station;
    struct komet_station_settings settings;
    void *memory;
    struct variant variants[2]; /* one of them is the station's */
    unsigned moves;
    struct test_random random;
    struct komet_instant now;
    uint32_t asked[64]; /* numbers that were handed out lately */
    unsigned asked_count;
    uint64_t frames;
};

static void write_some(struct game *game, unsigned frames)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu;
    unsigned c = test_random_below(&game->random, 2);
    for (unsigned i = 0; i < frames; i++) {
        bool pending = komet_station_pending(game->station, c);
        size_t size = komet_station_write(game->station, game->now, KOMET_UTC_UNKNOWN, c, octets);
        assert_true(pending || size == 0);
        if (size == 0) {
            assert_false(komet_station_pending(game->station, c));
            return;
        }
        game->frames++;
        enum komet_asdu_result result = komet_asdu_decode(&komet_profile_104, octets, size, &asdu);
        assert_true(result == KOMET_ASDU_OK || result == KOMET_ASDU_UNKNOWN_TYPE);
        assert_true(asdu.cause != KOMET_COT_ACTIVATION && asdu.cause != KOMET_COT_DEACTIVATION);
        assert_true(!(asdu.cause >= KOMET_COT_UNKNOWN_TYPE) || asdu.negative);
    }
}

static void receive_one(struct game *game)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_station_event event;
    size_t size = random_request(&game->random, octets);
    enum komet_station_result result =
        komet_station_receive(game->station, game->now, KOMET_UTC_UNKNOWN,
                              test_random_below(&game->random, 2), octets, size, &event);
    assert_true(result == KOMET_STATION_TAKEN || event.kind == KOMET_STATION_NOTHING);
    if (event.id != 0) {
        game->asked[game->asked_count++ % 64] = event.id;
    }
}

static void answer_one(struct game *game)
{
    uint32_t id = game->asked[test_random_below(&game->random, 64)];
    if (test_random_below(&game->random, 8) == 0) {
        komet_station_refuse(game->station, id,
                             (uint8_t)(KOMET_COT_UNKNOWN_TYPE + test_random_below(&game->random, 4)));
    } else if (test_random_below(&game->random, 2) == 0) {
        komet_station_confirm(game->station, game->now, id, test_random_below(&game->random, 4) != 0);
    } else {
        komet_station_finish(game->station, id, test_random_below(&game->random, 4) != 0);
    }
}

/* The station goes on with others of the points and addresses. */
static void move_one(struct game *game)
{
    struct variant *variant = &game->variants[game->moves++ % 2];
    unsigned gone = test_random_below(&game->random, 4), count = 0;
    game->settings.address_count = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (gone != i) {
            variant->addresses[game->settings.address_count++] = addresses[i];
        }
    }
    for (unsigned i = 0; i < POINTS; i++) {
        if (points[i].ca != gone + 1 && test_random_below(&game->random, 4) != 0) {
            variant->points[count++] = points[i];
        }
    }
    game->settings.addresses = variant->addresses;
    game->settings.points = variant->points;
    game->settings.point_count = count;
    size_t size = komet_station_size(&game->settings);
    void *memory = malloc(size);
    game->station = komet_station_move(memory, size, game->station, &game->settings);
    memset(game->memory, 0xA5, size);
    free(game->memory);
    game->memory = memory;
    if (count > 0) {
        komet_station_forget_point(game->station, test_random_below(&game->random, count));
    }
}

static void play(struct game *game)
{
    for (unsigned step = 0; step < 3000; step++) {
        game->now.us += test_random_below(&game->random, 3000000);
        switch (test_random_below(&game->random, 13)) {
        case 0:
            komet_station_stopped(game->station, test_random_below(&game->random, 2));
            break;
        case 1:
            komet_station_started(game->station, test_random_below(&game->random, 2));
            break;
        case 2:
            komet_station_scan(game->station, test_random_below(&game->random, 2), 1, 0,
                               KOMET_COT_BACKGROUND);
            break;
        case 3:
            komet_station_scan(game->station, test_random_below(&game->random, 2), 2, 1, KOMET_COT_PERIODIC);
            break;
        case 4:
        case 5:
        case 6:
            answer_one(game);
            break;
        case 7:
        case 8:
            write_some(game, test_random_below(&game->random, 6));
            break;
        case 9:
            move_one(game);
            break;
        default:
            receive_one(game);
            break;
        }
    }
}

/* Any requests, any answers of the host, any losses, any other points: what leaves is an answer, and it
 * always comes to an end.
 */
static void test_any_requests(void **state)
{
    (void)state;
    uint64_t frames = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct komet_station_settings settings = usable();
        settings.answers = 4 + (unsigned)seed % 13;
        settings.commands = 1 + (unsigned)seed % (settings.answers - 3 < 4 ? settings.answers - 3 : 4);
        settings.broadcast_once = seed % 2 == 0;
        settings.limit_set_points = seed % 3 == 0;
        settings.clock_event = seed % 5 == 0;
        settings.command_age_ms = seed % 7 == 0 ? 1000 : 0;
        size_t size = komet_station_size(&settings);
        void *memory = malloc(size);
        struct game game = {.station = komet_station_init(memory, size, &settings),
                            .settings = settings,
                            .memory = memory,
                            .random = {seed}};
        play(&game);
        for (unsigned i = 0; i < 200; i++) {
            write_some(&game, 20);
        }
        uint64_t before = game.frames;
        write_some(&game, 1);
        assert_int_equal(game.frames, before);
        frames += game.frames;
        free(game.memory);
    }
    assert_true(frames > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_types_with_and_without_time),
        cmocka_unit_test(test_any_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
