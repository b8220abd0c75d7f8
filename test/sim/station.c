/*
 * station: see station.h.
 */
#include "sim/station.h"

#include <stdlib.h>

#include "sim/kom_shell.h"

#define EVENT_GAP_US 20000 /* at most, of one station alone */

static const struct rtu_point points[] = {
    {.ioa = POINT_FIRST_INPUT, .type = KOMET_M_SP_TB_1, .count = POINT_INPUTS},
    {.ioa = POINT_FEEDBACK, .type = KOMET_M_ME_TF_1, .count = 1},
    {.ioa = POINT_SET_POINT, .type = KOMET_C_SE_NC_1, .count = 1, .follows = POINT_FEEDBACK}};

static struct rtu_now true_time(const struct world *world)
{
    const struct clock right = {.ppm = 0};
    struct line_now now = clock_read(&right, world->now);
    return (struct rtu_now){now.instant, now.utc};
}

void station_init(struct world *world, struct sim_station *station, unsigned number)
{
    station->number = number;
    station->warm = world->plan.warm[number];
    station->buffered = world->plan.buffered[number];
    station->plan = rtu_plan_standard();
    station->plan.points = points;
    station->plan.point_count = sizeof points / sizeof points[0];
    station->plan.events = 200000;
    station->plan.connections = SIM_KOMS_MAX;
    station->plan.t1_us = KOMET_SECONDS(3);
    station->plan.t2_us = KOMET_SECONDS(1);
    station->plan.t3_us = KOMET_SECONDS(5);
    station->memory = malloc(rtu_size(&station->plan));
    KOMET_ASSERT(station->memory != NULL);
    station->rtu = rtu_init(station->memory, rtu_size(&station->plan), &station->plan, true_time(world));
    station->next_event = komet_after(world->now, KOMET_SECONDS(1));
}

static unsigned number_of(const struct world *world, const struct sim_kom *kom)
{
    return (unsigned)(kom - world->koms);
}

/* A station closes with a reset: nothing of what it had sent is read any more. */
static void drop_partner(struct sim_station *station, unsigned number)
{
    struct sim_connection *connection = station->partners[number];
    if (connection != NULL) {
        network_close_there(connection);
        stream_clear(&connection->in);
        station->partners[number] = NULL;
    }
}

static void drain(struct world *world, struct sim_station *station)
{
    struct rtu_output output;
    while (rtu_next(station->rtu, true_time(world), &output)) {
        switch (output.kind) {
        case RTU_OUT_EVENT:
            checkers_generated(world, station,
                               (struct truth){output.ioa, output.time.ms, output.number, 0, false});
            break;
        case RTU_OUT_NOTE:
            world_say(world, "station %u: %s", station->number, output.text);
            break;
        case RTU_OUT_SEND:
            if (station->partners[output.connection] != NULL) {
                stream_send(&station->partners[output.connection]->in, output.octets, output.size,
                            network_arrival(world));
            }
            rtu_written(station->rtu, output.connection, output.size);
            break;
        case RTU_OUT_CLOSE:
            world_say(world, "station %u closes connection %u: %s", station->number, output.connection,
                      komet_reason_name(output.reason));
            drop_partner(station, output.connection);
            break;
        }
    }
}

struct sim_connection *station_accept(struct world *world, struct sim_station *station, struct sim_kom *kom,
                                      uint16_t line)
{
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) { /* warm, it has one for each instance */
        if (station->partners[i] != NULL && (!station->warm || i == number_of(world, kom))) {
            drop_partner(station, i);
            rtu_closed(station->rtu, true_time(world), i);
        }
    }
    struct sim_connection *connection = network_open(world, kom, station);
    connection->line = line;
    connection->number = kom->lines[line].number;
    station->partners[number_of(world, kom)] = connection;
    rtu_connected(station->rtu, true_time(world), number_of(world, kom));
    drain(world, station);
    return connection;
}

void station_hear_closed(struct world *world, struct sim_connection *connection)
{
    struct sim_station *station = connection->station;
    unsigned number = number_of(world, connection->kom);
    KOMET_ASSERT(station->partners[number] == connection);
    drop_partner(station, number);
    rtu_closed(station->rtu, true_time(world), number);
    drain(world, station);
}

void station_reset(struct world *world, struct sim_connection *connection)
{
    station_hear_closed(world, connection);
    kom_shell_hear_closed(world, connection);
}

static void receive(struct world *world, struct sim_station *station, unsigned number)
{
    size_t size;
    while (station->partners[number] != NULL && network_passes_out(world, station->partners[number]) &&
           (size = stream_arrived(&station->partners[number]->out, world->now)) > 0) {
        struct stream *out = &station->partners[number]->out;
        size_t taken = rtu_feed(station->rtu, true_time(world), number, out->octets, size);
        stream_take(out, taken);
        station->touched = true;
        drain(world, station);
    }
}

static void make_event(struct world *world, struct sim_station *station)
{
    uint32_t ioa = POINT_FIRST_INPUT + test_random_below(&world->random, POINT_INPUTS);
    rtu_event(station->rtu, true_time(world), ioa, test_random_below(&world->random, 2));
    /* Times of one station differ: the checkers tell its events apart by them. */
    uint32_t gap_us = EVENT_GAP_US * world->plan.station_count;
    station->next_event = komet_after(world->now, 1000 + test_random_below(&world->random, gap_us));
    station->touched = true;
}

void station_step(struct world *world, struct sim_station *station)
{
    if (komet_reached(world->now, station->next_event)) {
        make_event(world, station);
    }
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        receive(world, station, i);
    }
    if (station->touched || komet_reached(world->now, rtu_deadline(station->rtu))) {
        station->touched = false;
        rtu_tick(station->rtu, true_time(world));
        drain(world, station);
    }
}

struct komet_instant station_next(const struct sim_station *station)
{
    return komet_earlier(rtu_deadline(station->rtu), station->next_event);
}

static bool agrees(const struct world *world, const struct sim_station *station)
{
    for (unsigned i = 0; i < POINT_INPUTS + 1; i++) {
        uint32_t ioa = i < POINT_INPUTS ? POINT_FIRST_INPUT + i : POINT_FEEDBACK;
        double number;
        const struct tag *tag = site_find_tag(world->site.site, sim_tag_name(station->number, ioa).text);
        bool known = rtu_value(station->rtu, ioa, &number);
        KOMET_ASSERT(tag != NULL && known);
        const struct value *value = server_value(world->server, tag);
        if (value->status != STATUS_VALID || value->number != number) {
            return false;
        }
    }
    return true;
}

bool station_all_agree(const struct world *world)
{
    for (unsigned i = 0; i < world->plan.station_count; i++) {
        if (!agrees(world, &world->stations[i])) {
            return false;
        }
    }
    return true;
}
