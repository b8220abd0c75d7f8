/* station: what was asked goes on when a station gets other points while it runs. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "komet/station.h"

#define POINT(address, object)                                                                               \
    {                                                                                                        \
        .ca = (address), .ioa = (object), .type = KOMET_M_SP_NA_1                                            \
    }
#define COMMAND(address, object)                                                                             \
    {                                                                                                        \
        .ca = (address), .ioa = (object), .type = KOMET_C_SC_NA_1                                            \
    }

struct world {
    struct komet_station_settings settings;
    void *memory;
    struct komet_station *station;
    struct komet_asdu asdu; /* the newest answer */
    struct komet_object object;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
};

static const struct komet_utc no_time = {INT64_MIN};
static const struct komet_instant zero = {0};

static void use(struct world *world, const uint16_t *addresses, unsigned address_count,
                struct komet_point *points, size_t point_count)
{
    world->settings.addresses = addresses;
    world->settings.address_count = address_count;
    world->settings.points = points;
    world->settings.point_count = point_count;
}

static void begin(struct world *world)
{
    static const uint16_t addresses[] = {1, 2, 3};
    /* Not in a row: each value is an object with an address, and still many share an ASDU. */
    static struct komet_point points[] = {POINT(1, 10), POINT(1, 12),   COMMAND(1, 20),
                                          POINT(2, 10), COMMAND(2, 20), POINT(3, 10)};
    *world = (struct world){.settings = komet_station_settings_standard()};
    use(world, addresses, 3, points, 6);
    size_t size = komet_station_size(&world->settings);
    world->memory = malloc(size);
    world->station = komet_station_init(world->memory, size, &world->settings);
    komet_station_started(world->station, 0);
}

static void move(struct world *world)
{
    size_t size = komet_station_size(&world->settings);
    void *memory = malloc(size);
    world->station = komet_station_move(memory, size, world->station, &world->settings);
    memset(world->memory, 0xA5, size);
    free(world->memory);
    world->memory = memory;
}

/* What the request wants of the host; its `id`. */
static uint32_t ask(struct world *world, uint8_t type, uint16_t ca, struct komet_object object)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    struct komet_asdu_writer writer;
    struct komet_station_event event;
    struct komet_asdu_header header = {.type = type, .cause = KOMET_COT_ACTIVATION, .ca = ca};
    header.cause = type == KOMET_C_RD_NA_1 ? KOMET_COT_REQUEST : header.cause;
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    assert_true(komet_asdu_add(&writer, &object));
    assert_int_equal(
        komet_station_receive(world->station, zero, no_time, 0, octets, komet_asdu_end(&writer), &event),
        KOMET_STATION_TAKEN);
    return event.id;
}

static void interrogate(struct world *world, uint16_t ca)
{
    ask(world, KOMET_C_IC_NA_1, ca, (struct komet_object){.qualifier = 20});
}

/* The next answer is this. */
static void assert_answer(struct world *world, uint16_t ca, uint8_t type, uint8_t cause)
{
    size_t size = komet_station_write(world->station, zero, no_time, 0, world->octets);
    assert_int_equal(komet_asdu_decode(&komet_profile_104, world->octets, size, &world->asdu), KOMET_ASDU_OK);
    komet_asdu_object(&world->asdu, 0, &world->object);
    assert_int_equal(world->asdu.ca, ca);
    assert_int_equal(world->asdu.type, type);
    assert_int_equal(world->asdu.cause, cause);
}

static void assert_values(struct world *world, uint16_t ca, unsigned count, uint32_t first)
{
    assert_answer(world, ca, KOMET_M_SP_NA_1, KOMET_COT_INTERROGATED_STATION);
    assert_int_equal(world->asdu.count, count);
    assert_int_equal(world->object.ioa, first);
}

static void assert_no_answer(struct world *world)
{
    assert_false(komet_station_pending(world->station, 0));
    free(world->memory);
}

/* Of each station confirmation, values, termination; those that were given are not given again. */
static void test_an_interrogation_goes_on_behind_what_it_gave(void **state)
{
    static const uint16_t addresses[] = {1, 3, 4};
    static struct komet_point points[] = {POINT(1, 9), POINT(1, 12), POINT(3, 8), POINT(3, 10), POINT(4, 1)};
    struct world world;
    (void)state;
    begin(&world);
    interrogate(&world, KOMET_CA_BROADCAST_2);
    assert_answer(&world, 1, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_values(&world, 1, 2, 10);
    use(&world, addresses, 3, points, 5);
    move(&world);
    assert_answer(&world, 1, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION);
    assert_answer(&world, 3, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON); /* 2 is gone */
    assert_values(&world, 3, 2, 8);
    assert_answer(&world, 3, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION);
    assert_no_answer(&world); /* 4 came behind those that were asked */
}

static void test_a_station_in_front_is_not_asked(void **state)
{
    static const uint16_t addresses[] = {1, 2, 3};
    static struct komet_point points[] = {POINT(1, 10), POINT(2, 10), POINT(3, 10)};
    struct world world;
    (void)state;
    begin(&world);
    use(&world, addresses + 1, 2, points + 1, 2);
    move(&world);
    interrogate(&world, KOMET_CA_BROADCAST_2);
    use(&world, addresses, 3, points, 3);
    move(&world);
    assert_answer(&world, 2, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_values(&world, 2, 1, 10);
    assert_answer(&world, 2, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION);
    assert_answer(&world, 3, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON);
    assert_values(&world, 3, 1, 10);
    assert_answer(&world, 3, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION);
    assert_no_answer(&world);
}

static void test_what_is_asked_of_a_station_that_goes(void **state)
{
    static const uint16_t addresses[] = {1, 3};
    static struct komet_point points[] = {POINT(1, 10), POINT(3, 10)};
    struct world world;
    (void)state;
    begin(&world);
    interrogate(&world, 2);
    use(&world, addresses, 2, points, 2);
    move(&world);
    assert_answer(&world, 2, KOMET_C_IC_NA_1, KOMET_COT_UNKNOWN_CA);
    assert_true(world.asdu.negative);
    interrogate(&world, 3);
    assert_answer(&world, 3, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON);
    use(&world, addresses, 1, points, 1);
    move(&world);
    assert_answer(&world, 3, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION); /* it was confirmed */
    assert_no_answer(&world);
}

static void test_a_value_that_is_to_be_read(void **state)
{
    static const uint16_t addresses[] = {1};
    static struct komet_point points[] = {POINT(1, 5), POINT(1, 12)};
    struct world world;
    (void)state;
    begin(&world);
    ask(&world, KOMET_C_RD_NA_1, 1, (struct komet_object){.ioa = 12});
    ask(&world, KOMET_C_RD_NA_1, 1, (struct komet_object){.ioa = 10});
    ask(&world, KOMET_C_RD_NA_1, 2, (struct komet_object){.ioa = 10});
    use(&world, addresses, 1, points, 2);
    move(&world);
    assert_answer(&world, 1, KOMET_M_SP_NA_1, KOMET_COT_REQUEST);
    assert_int_equal(world.object.ioa, 12);
    assert_answer(&world, 1, KOMET_C_RD_NA_1, KOMET_COT_UNKNOWN_IOA);
    assert_answer(&world, 2, KOMET_C_RD_NA_1, KOMET_COT_UNKNOWN_CA);
    assert_no_answer(&world);
}

static void test_commands_whose_point_is_there(void **state)
{
    static const uint16_t addresses[] = {1, 2};
    static struct komet_point points[] = {COMMAND(1, 20), COMMAND(2, 19), POINT(2, 20)};
    struct world world;
    struct komet_object select = {.ioa = 20, .select = true}, execute = {.ioa = 20};
    (void)state;
    begin(&world);
    uint32_t selected = ask(&world, KOMET_C_SC_NA_1, 1, select);
    uint32_t other = ask(&world, KOMET_C_SC_NA_1, 2, select);
    assert_true(komet_station_confirm(world.station, zero, selected, true));
    assert_answer(&world, 1, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON);
    use(&world, addresses, 2, points, 3);
    move(&world);
    assert_false(komet_station_confirm(world.station, zero, other, true)); /* its address is a value's now */
    uint32_t executed = ask(&world, KOMET_C_SC_NA_1, 1, execute);
    assert_true(komet_station_confirm(world.station, zero, executed, true));
    assert_answer(&world, 1, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON);
    move(&world);
    komet_station_forget_point(world.station, 0);
    assert_false(komet_station_finish(world.station, executed, true));
    assert_no_answer(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_interrogation_goes_on_behind_what_it_gave),
        cmocka_unit_test(test_a_station_in_front_is_not_asked),
        cmocka_unit_test(test_what_is_asked_of_a_station_that_goes),
        cmocka_unit_test(test_a_value_that_is_to_be_read),
        cmocka_unit_test(test_commands_whose_point_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
