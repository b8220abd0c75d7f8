/*
 * rtu_world: a station of a plan, the controlling end of its connection, and the time. A test begins it with
 * a plan, changes the plan, and starts the station.
 */
#ifndef TEST_UNIT_RTU_WORLD_H
#define TEST_UNIT_RTU_WORLD_H

#include "centre.h"

#include "partner/rtu.h"

struct world {
    struct rtu_plan plan;
    void *memory;
    struct rtu *rtu;
    struct centre centre;
};

/* With the standard plan and these rows, which are borrowed. */
void world_begin(struct world *world, const struct rtu_point *points, size_t count);
/* With a station of common address 1: type 30 at 1001 to 1003 and 1101; 31 at 2001, on; 36 at 3001 and 3002,
 * 12.5; 37 at 4001 and 4002, 77; commands: 45 at 5001 (1101 follows), 46 at 5002 (2001), 50 at 5003 and 5004
 * (3001, 3002). */
void world_begin_station(struct world *world);
void world_start(struct world *world);
void world_end(struct world *world);

/* Lets time pass, which nobody is told. */
void world_advance(struct world *world, int64_t ms);
/* Tells both ends the time; then both work. */
void world_tick(struct world *world);

/* The centre sends an ASDU of one object; then both work. */
void world_send(struct world *world, struct komet_asdu_header header, struct komet_object object);
void world_interrogate(struct world *world, uint16_t ca, uint8_t qualifier);

/* What came to the centre: frame `at`, from 0, and its object `index`. */
struct komet_asdu world_frame(const struct world *world, unsigned at);
struct komet_object world_object(const struct world *world, unsigned at, unsigned index);
/* Frame `at` is of the station's common address, and this. */
void world_assert_frame(const struct world *world, unsigned at, uint8_t type, uint8_t cause, bool negative);

#endif
