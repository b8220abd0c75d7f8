/* A station of a plan, and the controlling end of its connection: see rtu_world.h. */
#include "rtu_world.h"

#include "support.h"

#include <stdlib.h>

void world_advance(struct world *world, int64_t ms)
{
    world->centre.now.instant = komet_after(world->centre.now.instant, KOMET_MS(ms));
    world->centre.now.utc.ms += ms;
}

void world_begin(struct world *world, const struct rtu_point *points, size_t count)
{
    *world = (struct world){0};
    centre_begin(&world->centre);
    world->plan = rtu_plan_standard();
    world->plan.points = points;
    world->plan.point_count = count;
}

void world_start(struct world *world)
{
    size_t size = rtu_size(&world->plan);
    world->memory = malloc(size);
    assert_non_null(world->memory);
    world->rtu = rtu_init(world->memory, size, &world->plan, world->centre.now);
    world->centre.station.rtu = world->rtu;
}

void world_end(struct world *world)
{
    free(world->memory);
    centre_end(&world->centre);
}

void world_tick(struct world *world)
{
    rtu_tick(world->rtu, world->centre.now);
    if (world->centre.link != NULL) {
        komet_link_tick(world->centre.link, world->centre.now.instant);
    }
    centre_pump(&world->centre);
}

void world_send(struct world *world, struct komet_asdu_header header, struct komet_object object)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    assert_true(komet_asdu_begin(&writer, world->plan.profile, &header, octets, sizeof octets));
    assert_true(komet_asdu_add(&writer, &object));
    centre_send(&world->centre, octets, komet_asdu_end(&writer));
}

struct komet_asdu world_frame(const struct world *world, unsigned at)
{
    struct komet_asdu asdu;
    assert_true(at < world->centre.frame_count);
    assert_int_equal(komet_asdu_decode(world->plan.profile, world->centre.frames[at].octets,
                                       world->centre.frames[at].size, &asdu),
                     KOMET_ASDU_OK);
    return asdu;
}

struct komet_object world_object(const struct world *world, unsigned at, unsigned index)
{
    struct komet_asdu asdu = world_frame(world, at);
    struct komet_object found;
    assert_true(index < asdu.count);
    komet_asdu_object(&asdu, index, &found);
    return found;
}

void world_assert_frame(const struct world *world, unsigned at, uint8_t type, uint8_t cause, bool negative)
{
    struct komet_asdu asdu = world_frame(world, at);
    assert_int_equal(asdu.type, type);
    assert_int_equal(asdu.cause, cause);
    assert_int_equal(asdu.negative, negative);
    assert_int_equal(asdu.ca, world->plan.ca);
}

static const struct rtu_point station[] = {
    {.ioa = 1001, .type = 30, .count = 3},
    {.ioa = 1101, .type = 30, .count = 1},
    {.ioa = 2001, .type = 31, .count = 1, .number = 1},
    {.ioa = 3001, .type = 36, .count = 2, .number = 12.5},
    {.ioa = 4001, .type = 37, .count = 2, .number = 77},
    {.ioa = 5001, .type = 45, .count = 1, .follows = 1101},
    {.ioa = 5002, .type = 46, .count = 1, .follows = 2001},
    {.ioa = 5003, .type = 50, .count = 2, .follows = 3001},
};

void world_begin_station(struct world *world)
{
    world_begin(world, station, sizeof station / sizeof station[0]);
}

void world_interrogate(struct world *world, uint16_t ca, uint8_t qualifier)
{
    world_send(
        world,
        (struct komet_asdu_header){.type = KOMET_C_IC_NA_1, .cause = KOMET_COT_ACTIVATION, .oa = 3, .ca = ca},
        (struct komet_object){.qualifier = qualifier});
}
