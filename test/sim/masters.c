/*
 * masters: see masters.h. Here is what they do: connect, start, interrogate, command, and get lost.
 */
#include "sim/masters.h"

#include <stdlib.h>

#include "sim/checkers_masters.h"
#include "sim/people.h"
#include "sim/world.h"

#define START_US       KOMET_MS(200)
#define SELECT_HOLD_MS 400

static struct komet_instant in_ms(struct world *world, uint32_t least, uint32_t most)
{
    return komet_after(world->now, KOMET_MS(least + test_random_below(&world->random, most - least + 1)));
}

/* ---- the beginning and the end ---- */

static void make_master(struct world *world, uint8_t group, uint8_t number)
{
    struct sim_master *master = &world->masters.masters[world->masters.count++];
    *master = (struct sim_master){.group = group, .number = number, .back = KOMET_NEVER};
    master->settings = komet_link_settings_standard(KOMET_CONTROLLING);
    master->settings.w = (uint16_t)(1 + test_random_below(&world->random, 8));
    master->settings.t1_us = KOMET_SECONDS(3);
    master->settings.t2_us = KOMET_SECONDS(1);
    master->settings.t3_us = KOMET_SECONDS(5);
    for (unsigned i = 0; i < SIM_SERVING_MAX; i++) {
        struct sim_call *call = &master->calls[i];
        *call = (struct sim_call){.master = master, .instance = (uint8_t)(1 + i)};
        call->memory = malloc(komet_link_size(&master->settings));
        KOMET_ASSERT(call->memory != NULL);
        call->retry = in_ms(world, 0, 1000);
        call->step_at = in_ms(world, 2000, 4000);
    }
}

void masters_init(struct world *world)
{
    const struct sim_centre *centre = &world->plan.centre;
    for (uint8_t g = 0; g < centre->group_count; g++) {
        for (uint8_t m = 0; m < centre->master_counts[g]; m++) {
            make_master(world, g, m);
        }
    }
    bool chosen = world->masters.count > 0 && test_random_below(&world->random, 2) == 0;
    world->masters.next_mode = chosen ? in_ms(world, 500, 2000) : KOMET_NEVER;
}

void masters_free(struct world *world)
{
    for (unsigned i = 0; i < world->masters.count; i++) {
        for (unsigned k = 0; k < SIM_SERVING_MAX; k++) {
            free(world->masters.masters[i].calls[k].memory);
        }
    }
}

bool masters_reads(const struct sim_master *master)
{
    return !master->away && !master->paused;
}

struct sim_call *masters_call(const struct world *world, const struct sim_connection *connection)
{
    (void)world;
    return &connection->master->calls[connection->kom->identity.instance - 1];
}

/* ---- connections ---- */

static void forget_connection(struct world *world, struct sim_call *call)
{
    call->connection = NULL;
    call->link = NULL;
    call->interrogates = call->well = false;
    call->step = COMMAND_NONE;
    call->step_at = in_ms(world, 300, 3000);
    call->retry = in_ms(world, 50, 1500);
}

static void close_call(struct world *world, struct sim_call *call)
{
    if (call->connection != NULL) {
        network_close_there(call->connection);
        stream_clear(&call->connection->in);
        forget_connection(world, call);
    }
}

void masters_hear_closed(struct world *world, struct sim_connection *connection)
{
    struct sim_call *call = masters_call(world, connection);
    network_close_there(connection);
    if (call->connection == connection) {
        forget_connection(world, call);
    }
}

static void connect(struct world *world, struct sim_call *call)
{
    call->retry = in_ms(world, 100, 1000);
    call->connection = masters_line_accept(world, call);
    if (call->connection != NULL) {
        call->link = komet_link_init(call->memory, komet_link_size(&call->master->settings),
                                     &call->master->settings, world->now);
        call->start_at = world->now;
    }
}

static bool is_started(const struct sim_call *call)
{
    return call->link != NULL && komet_link_state(call->link) == KOMET_LINK_STARTED;
}

/* Has another master of the group started data transfer with this instance? */
static bool another_has(const struct world *world, const struct sim_call *call)
{
    for (unsigned i = 0; i < world->masters.count; i++) {
        const struct sim_master *master = &world->masters.masters[i];
        if (master != call->master && master->group == call->master->group && masters_reads(master) &&
            is_started(&master->calls[call->instance - 1])) {
            return true;
        }
    }
    return false;
}

/* ---- what a master says ---- */

static bool send(struct world *world, struct sim_call *call, uint8_t type, struct komet_object object)
{
    const struct komet_asdu_header header = {
        .type = type, .cause = KOMET_COT_ACTIVATION, .oa = (uint8_t)(1 + call->master->group), .ca = 1};
    struct komet_asdu_writer writer;
    uint8_t *place = komet_link_reserve(call->link);
    if (place == NULL) {
        return false;
    }
    bool fits = komet_asdu_begin(&writer, &komet_profile_104, &header, place, KOMET_ASDU_SIZE_MAX) &&
                komet_asdu_add(&writer, &object);
    KOMET_ASSERT(fits);
    komet_link_commit(call->link, world->now, komet_asdu_end(&writer));
    return true;
}

static void interrogate(struct world *world, struct sim_call *call)
{
    if (send(world, call, KOMET_C_IC_NA_1, (struct komet_object){.qualifier = 20})) {
        call->interrogates = call->right = true;
        call->answered = 0;
        call->interrogate_at = world->calm ? in_ms(world, 1000, 1000) : in_ms(world, 2000, 15000);
    }
}

/* One in three is executed at once, the others are selected first. */
static void begin_command(struct world *world, struct sim_call *call)
{
    call->station = test_random_below(&world->random, world->plan.station_count);
    call->number = checkers_masters_order(world, call->station);
    call->step = test_random_below(&world->random, 3) == 0 ? COMMAND_EXECUTE : COMMAND_SELECT;
    call->step_at = world->now;
}

static void command(struct world *world, struct sim_call *call)
{
    if (call->step == COMMAND_NONE && !world->calm) {
        begin_command(world, call);
    }
    if (call->step != COMMAND_SELECT && call->step != COMMAND_EXECUTE) {
        return;
    }
    struct komet_object object = {.ioa = call->station * OUTPUT_STATION_ADDRESSES + OUTPUT_COMMAND,
                                  .value = {.real = (float)call->number},
                                  .select = call->step == COMMAND_SELECT};
    if (send(world, call, KOMET_C_SE_NC_1, object)) {
        checkers_masters_commanded(world, call->number, object.select);
        call->step = object.select ? COMMAND_SELECTED : COMMAND_EXECUTED;
    }
}

static void act(struct world *world, struct sim_call *call)
{
    if (komet_link_state(call->link) == KOMET_LINK_STOPPED && komet_reached(world->now, call->start_at)) {
        call->start_at = komet_after(world->now, START_US);
        if (!another_has(world, call) || (!world->calm && test_random_below(&world->random, 50) == 0)) {
            komet_link_start(call->link, world->now);
        }
    }
    if (!is_started(call)) {
        return;
    }
    if (!call->interrogates && komet_reached(world->now, call->interrogate_at)) {
        interrogate(world, call);
    }
    bool waits = call->step == COMMAND_SELECTED || call->step == COMMAND_EXECUTED;
    if (!waits && komet_reached(world->now, call->step_at)) {
        call->step_at = in_ms(world, 100, 100); /* when there was no room for it, or nothing more to say */
        command(world, call);
    }
}

/* ---- what a master hears ---- */

static void hear_value(struct world *world, struct sim_call *call, const struct komet_object *object)
{
    uint32_t ioa;
    double number;
    int output = masters_site_output_at(object->ioa);
    if (output < 0) {
        return;
    }
    const struct sim_station *station = &world->stations[masters_site_source((unsigned)output, &ioa)];
    bool known = rtu_value(station->rtu, ioa, &number);
    KOMET_ASSERT(known);
    call->answered |= 1u << output;
    call->right = call->right && object->quality == 0 && komet_object_number(object) == number;
}

static void hear_interrogation(struct world *world, struct sim_call *call, const struct komet_asdu *asdu)
{
    uint32_t all = (1u << world->plan.station_count * OUTPUT_COUNT) - 1;
    if (asdu->cause == KOMET_COT_ACTIVATION_CON && !asdu->negative) {
        return;
    }
    call->interrogates = false;
    call->well = world->calm && call->right && call->answered == all;
}

static void hear_answer(struct world *world, struct sim_call *call, const struct komet_asdu *asdu,
                        const struct komet_object *object)
{
    bool open = (call->step == COMMAND_SELECTED && object->select) ||
                (call->step == COMMAND_EXECUTED && !object->select);
    if (!checkers_masters_answered(world, open ? call->number : 0, asdu, object)) {
        return;
    }
    bool more = world->plan.centre.confirms == 3 && asdu->cause == KOMET_COT_ACTIVATION_CON;
    if (asdu->negative || (!object->select && !more)) {
        call->step = COMMAND_NONE;
        call->step_at = in_ms(world, 300, 3000);
    } else if (object->select) { /* seldom, it is left there */
        call->step = test_random_below(&world->random, 20) == 0 ? COMMAND_NONE : COMMAND_EXECUTE;
        call->step_at = in_ms(world, 0, SELECT_HOLD_MS);
    }
}

static void hear(struct world *world, struct sim_call *call, const struct komet_link_output *output)
{
    struct komet_asdu asdu;
    struct komet_object object;
    enum komet_asdu_result read = komet_asdu_decode(&komet_profile_104, output->octets, output->size, &asdu);
    KOMET_ASSERT(read == KOMET_ASDU_OK);
    if (asdu.type == KOMET_C_IC_NA_1) {
        hear_interrogation(world, call, &asdu);
    } else if (asdu.row->direction == KOMET_CONTROL) {
        komet_asdu_object(&asdu, 0, &object);
        hear_answer(world, call, &asdu, &object);
        if (world->broken == BREAK_ANSWER_TWICE && test_random_below(&world->random, 10) == 0) {
            hear_answer(world, call, &asdu, &object);
        }
    } else if (asdu.cause == KOMET_COT_SPONTANEOUS) {
        checkers_masters_received(world, call->connection, output->received);
    }
    for (unsigned i = 0; asdu.cause == KOMET_COT_INTERROGATED_STATION && i < asdu.count; i++) {
        komet_asdu_object(&asdu, i, &object);
        hear_value(world, call, &object);
    }
}

/* What the link wants. */
static void pump(struct world *world, struct sim_call *call)
{
    struct komet_link_output output;
    while (call->link != NULL && komet_link_next(call->link, world->now, &output)) {
        switch (output.kind) {
        case KOMET_LINK_OUT_STATE:
            call->interrogate_at = world->now;
            break;
        case KOMET_LINK_OUT_ASDU:
            hear(world, call, &output);
            komet_link_acknowledge(call->link, world->now, output.received);
            break;
        case KOMET_LINK_OUT_ACKNOWLEDGED:
            break;
        case KOMET_LINK_OUT_SEND:
            stream_send(&call->connection->in, output.octets, output.size, network_arrival(world));
            komet_link_written(call->link, output.size);
            break;
        case KOMET_LINK_OUT_CLOSE:
            world_say(world, "master %u.%u closes its connection to instance %u: %s", call->master->group,
                      call->master->number, call->instance, komet_reason_name(output.reason));
            close_call(world, call);
            break;
        }
    }
}

static void receive(struct world *world, struct sim_call *call)
{
    size_t size;
    while (call->connection != NULL && network_passes_out(world, call->connection) &&
           (size = stream_arrived(&call->connection->out, world->now)) > 0) {
        struct sim_connection *connection = call->connection;
        size_t taken = komet_link_feed(call->link, world->now, connection->out.octets, size);
        pump(world, call);
        if (call->connection == connection) {
            stream_take(&connection->out, taken);
        }
    }
}

/* ---- time ---- */

static void step_call(struct world *world, struct sim_call *call)
{
    if (call->connection == NULL) {
        if (!call->master->cut && komet_reached(world->now, call->retry)) {
            connect(world, call);
        }
        return;
    }
    receive(world, call);
    if (call->link != NULL) {
        komet_link_tick(call->link, world->now);
        act(world, call);
        pump(world, call);
    }
}

void masters_step(struct world *world)
{
    if (komet_reached(world->now, world->masters.next_mode)) {
        world->masters.next_mode = KOMET_NEVER;
        people_ask(world, FAULT_LOAD_BALANCE, NULL);
    }
    for (unsigned i = 0; i < world->masters.count; i++) {
        struct sim_master *master = &world->masters.masters[i];
        if (komet_reached(world->now, master->back)) {
            master->back = KOMET_NEVER;
            master->away = master->paused = master->cut = false;
        }
        for (unsigned k = 0; masters_reads(master) && k < SIM_SERVING_MAX; k++) {
            step_call(world, &master->calls[k]);
        }
    }
}

static struct komet_instant call_next(const struct world *world, const struct sim_call *call)
{
    if (call->connection == NULL) {
        return call->master->cut ? KOMET_NEVER : call->retry;
    }
    struct komet_instant next = komet_link_deadline(call->link);
    if (komet_link_state(call->link) == KOMET_LINK_STOPPED) {
        next = komet_earlier(next, call->start_at);
    }
    if (is_started(call)) {
        bool waits = call->step == COMMAND_SELECTED || call->step == COMMAND_EXECUTED;
        bool idle = world->calm && call->step == COMMAND_NONE;
        next = komet_earlier(next, call->interrogates ? KOMET_NEVER : call->interrogate_at);
        next = komet_earlier(next, waits || idle ? KOMET_NEVER : call->step_at);
    }
    return next;
}

struct komet_instant masters_next(const struct world *world)
{
    struct komet_instant next = world->masters.next_mode;
    for (unsigned i = 0; i < world->masters.count; i++) {
        const struct sim_master *master = &world->masters.masters[i];
        next = komet_earlier(next, master->back);
        for (unsigned k = 0; masters_reads(master) && k < SIM_SERVING_MAX; k++) {
            next = komet_earlier(next, call_next(world, &master->calls[k]));
        }
    }
    return next;
}

/* ---- faults, and the end of all ---- */

void masters_strike(struct world *world, enum sim_fault fault, int64_t pause_us)
{
    if (world->masters.count == 0) {
        return;
    }
    struct sim_master *master =
        &world->masters.masters[test_random_below(&world->random, world->masters.count)];
    world_say(world, "fault: %s: %u.%u", sim_fault_name(fault), master->group, master->number);
    for (unsigned k = 0; fault == FAULT_LOSE_MASTER && k < SIM_SERVING_MAX; k++) {
        close_call(world, &master->calls[k]);
    }
    master->away = master->away || fault == FAULT_LOSE_MASTER;
    master->paused = master->paused || fault == FAULT_PAUSE_MASTER;
    master->cut = master->cut || fault == FAULT_CUT_MASTER;
    master->back = komet_after(world->now, pause_us);
}

/* A group has the values of an instance that listens, and nothing of it is open. */
static bool has_values(const struct world *world, unsigned group, unsigned instance)
{
    bool well = false;
    for (unsigned i = 0; i < world->masters.count; i++) {
        const struct sim_call *call = &world->masters.masters[i].calls[instance - 1];
        if (call->master->group != group) {
            continue;
        }
        if (call->step != COMMAND_NONE) {
            return false;
        }
        well = well || (is_started(call) && call->well);
    }
    return well;
}

bool masters_are_well(const struct world *world)
{
    unsigned listening = 0;
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        const struct sim_kom *kom = &world->koms[i];
        for (unsigned g = 0; kom->listens && g < world->plan.centre.group_count; g++) {
            if (!has_values(world, g, kom->identity.instance)) {
                return false;
            }
        }
        listening += kom->listens ? 1 : 0;
    }
    return world->plan.centre.group_count == 0 || (listening > 0 && checkers_masters_complete(world));
}
