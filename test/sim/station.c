/*
 * station: see station.h.
 */
#include "sim/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE_TEXT(STANDBY)                                                                                   \
    "site: simulated\n"                                                                                      \
    "group: {name: SIM, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"                  \
    "processes:\n"                                                                                           \
    "  SELF.KOM:\n"                                                                                          \
    "    lines:\n"                                                                                           \
    "      L.RTU:\n"                                                                                         \
    "        protocol: iec104\n"                                                                             \
    "        category: tcp\n"                                                                                \
    "        number: 3\n"                                                                                    \
    "        hosts: [\"127.0.0.1:2404\"]\n"                                                                  \
    "        reconnect: 100 ms\n"                                                                            \
    "        parameters: {WT1: 3 s, WT2: 1 s, WT3: 5 s}\n"                                                   \
    "        standby: " STANDBY "\n"                                                                         \
    "        stations:\n"                                                                                    \
    "          B.RTU: {address: 1, tags: rtu.csv, time: utc}\n"
#define TAGS_TEXT                                                                                            \
    "name,type,address,asdu\n"                                                                               \
    "M.D1001,Di,1001,\nM.D1002,Di,1002,\nM.D1003,Di,1003,\nM.D1004,Di,1004,\n"                               \
    "M.D1005,Di,1005,\nM.D1006,Di,1006,\nM.D1007,Di,1007,\nM.D1008,Di,1008,\n"                               \
    "M.P3101,Ai,3101,\n" STATION_COMMAND_TAG ",Ao,5003,50\n"

const struct site_file *station_files(const struct world *world)
{
    static const char cold[] = SITE_TEXT("cold"), warm[] = SITE_TEXT("warm");
    static const struct site_file cold_files[STATION_FILES] = {{"site.yaml", cold, sizeof cold - 1},
                                                               {"rtu.csv", TAGS_TEXT, sizeof TAGS_TEXT - 1}};
    static const struct site_file warm_files[STATION_FILES] = {{"site.yaml", warm, sizeof warm - 1},
                                                               {"rtu.csv", TAGS_TEXT, sizeof TAGS_TEXT - 1}};
    return world->warm ? warm_files : cold_files;
}

static const struct rtu_point points[] = {
    {.ioa = STATION_FIRST_INPUT, .type = KOMET_M_SP_TB_1, .count = STATION_INPUTS},
    {.ioa = STATION_FEEDBACK, .type = KOMET_M_ME_TF_1, .count = 1},
    {.ioa = STATION_SET_POINT, .type = KOMET_C_SE_NC_1, .count = 1, .follows = STATION_FEEDBACK}};

static struct rtu_now rtu_time(const struct world *world)
{
    struct line_now now = world_time(world);
    return (struct rtu_now){now.instant, now.utc};
}

void station_init(struct world *world)
{
    static struct rtu_plan plan;
    plan = rtu_plan_standard();
    plan.points = points;
    plan.point_count = sizeof points / sizeof points[0];
    plan.events = 200000;
    plan.connections = SIM_KOMS; /* which is the number of the instance */
    plan.t1_us = KOMET_SECONDS(3);
    plan.t2_us = KOMET_SECONDS(1);
    plan.t3_us = KOMET_SECONDS(5);
    world->rtu_memory = malloc(rtu_size(&plan));
    KOMET_ASSERT(world->rtu_memory != NULL);
    world->rtu = rtu_init(world->rtu_memory, rtu_size(&plan), &plan, rtu_time(world));
}

void station_free(struct world *world)
{
    free(world->rtu_memory);
}

static unsigned number_of(const struct world *world, const struct sim_kom *kom)
{
    return (unsigned)(kom - world->koms);
}

static void drop(struct sim_kom *kom)
{
    kom->line_there = false;
    stream_clear(&kom->to_rtu);
    stream_clear(&kom->from_rtu);
}

static void drain(struct world *world)
{
    struct rtu_output output;
    while (rtu_next(world->rtu, rtu_time(world), &output)) {
        switch (output.kind) {
        case RTU_OUT_EVENT:
            checkers_generated(world, (struct truth){output.ioa, output.time.ms, output.number});
            break;
        case RTU_OUT_NOTE:
            world_say(world, "station: %s", output.text);
            break;
        case RTU_OUT_SEND:
            stream_send(&world->koms[output.connection].from_rtu, output.octets, output.size,
                        world_arrival(world));
            rtu_written(world->rtu, output.connection, output.size);
            break;
        case RTU_OUT_CLOSE:
            world_say(world, "station closes connection %u: %s", output.connection,
                      komet_reason_name(output.reason));
            drop(&world->koms[output.connection]);
            break;
        }
    }
}

void station_accept(struct world *world, struct sim_kom *kom)
{
    for (unsigned i = 0; i < SIM_KOMS; i++) { /* warm, it has one for each instance */
        struct sim_kom *other = &world->koms[i];
        if (other->line_there && (!world->warm || other == kom)) {
            drop(other);
            rtu_closed(world->rtu, rtu_time(world), i);
        }
    }
    stream_clear(&kom->to_rtu);
    stream_clear(&kom->from_rtu);
    kom->line_there = true;
    rtu_connected(world->rtu, rtu_time(world), number_of(world, kom));
    drain(world);
}

void station_send(struct world *world, struct sim_kom *kom, const uint8_t *octets, size_t size)
{
    if (kom->line_there) { /* else it is lost: the other end is closed */
        stream_send(&kom->to_rtu, octets, size, world_arrival(world));
    }
}

void station_receive(struct world *world, struct sim_kom *kom)
{
    size_t size;
    while (kom->line_here && kom->line_there && kom_takes(kom->engine) &&
           (size = stream_arrived(&kom->from_rtu, world->now)) > 0) {
        size_t taken =
            kom_line_feed(kom->engine, world_time(world), 0, kom->connection, kom->from_rtu.octets, size);
        if (taken == 0) {
            break;
        }
        stream_take(&kom->from_rtu, taken);
    }
}

void station_hear_closed(struct world *world, struct sim_kom *kom)
{
    KOMET_ASSERT(kom->line_there);
    drop(kom);
    rtu_closed(world->rtu, rtu_time(world), number_of(world, kom));
    drain(world);
}

static void receive(struct world *world, struct sim_kom *kom)
{
    size_t size;
    while (world_reaches_station(kom) && kom->line_there &&
           (size = stream_arrived(&kom->to_rtu, world->now)) > 0) {
        size_t taken = rtu_feed(world->rtu, rtu_time(world), number_of(world, kom), kom->to_rtu.octets, size);
        stream_take(&kom->to_rtu, taken);
        drain(world);
    }
}

static void make_event(struct world *world)
{
    uint32_t ioa = STATION_FIRST_INPUT + test_random_below(&world->random, STATION_INPUTS);
    rtu_event(world->rtu, rtu_time(world), ioa, test_random_below(&world->random, 2));
    /* Times of one point differ: the checkers tell its events apart by them. */
    world->next_event = komet_after(world->now, 1000 + test_random_below(&world->random, 20000));
}

void station_step(struct world *world)
{
    if (komet_reached(world->now, world->next_event)) {
        make_event(world);
    }
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        receive(world, &world->koms[i]);
    }
    rtu_tick(world->rtu, rtu_time(world));
    drain(world);
}

struct komet_instant station_next(const struct world *world)
{
    struct komet_instant next = komet_earlier(rtu_deadline(world->rtu), world->next_event);
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        const struct sim_kom *kom = &world->koms[i];
        bool hears = kom->line_there && world_runs(kom) && world_hears_station(kom);
        bool reaches = kom->line_there && world_reaches_station(kom);
        next = komet_earlier(next, reaches ? stream_next(&kom->to_rtu) : KOMET_NEVER);
        next = komet_earlier(next, hears ? stream_next(&kom->from_rtu) : KOMET_NEVER);
    }
    return next;
}

bool station_agrees(const struct world *world)
{
    for (unsigned i = 0; i < STATION_INPUTS + 1; i++) {
        uint32_t ioa = i < STATION_INPUTS ? STATION_FIRST_INPUT + i : STATION_FEEDBACK;
        char name[16];
        double number;
        snprintf(name, sizeof name, i < STATION_INPUTS ? "M.D%u" : "M.P%u", (unsigned)ioa);
        const struct tag *tag = site_find_tag(world->site.site, name);
        bool known = rtu_value(world->rtu, ioa, &number);
        KOMET_ASSERT(tag != NULL && known);
        const struct value *value = server_value(world->server, tag);
        if (value->status != STATUS_VALID || value->number != number) {
            return false;
        }
    }
    return true;
}
