/*
 * The checkers of values: acknowledged is stored, once, in order.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "sim/checkers.h"
#include "sim/world.h"

void checkers_generated(struct world *world, struct sim_station *station, struct truth event)
{
    struct check_station *check = &world->checkers.stations[station->number];
    if (check->count == check->capacity) {
        check->capacity = check->capacity == 0 ? 4096 : check->capacity * 2;
        check->truth = realloc(check->truth, check->capacity * sizeof check->truth[0]);
        KOMET_ASSERT(check->truth != NULL);
    }
    check->truth[check->count++] = event;
    if (event.ioa == POINT_FEEDBACK) {
        checkers_executed(world, station->number, event.number);
    }
}

/* The event of the station that a record is: by address, time and value. Times never fall. NULL: there is
 * none.
 */
static struct truth *find_truth(struct check_station *check, uint32_t ioa, const struct value *value)
{
    size_t first = 0, last = check->count;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (check->truth[middle].time_ms < value->time.ms) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    for (; first < check->count && check->truth[first].time_ms == value->time.ms; first++) {
        struct truth *truth = &check->truth[first];
        if (truth->ioa == ioa && truth->number == value->number) {
            return truth;
        }
    }
    return NULL;
}

static unsigned point_of(uint32_t ioa)
{
    return ioa == POINT_FEEDBACK ? POINT_INPUTS : ioa - POINT_FIRST_INPUT;
}

/* Within which events are in order: what came at once, and what an instance had kept. Several may have kept
 * some, for nobody tells one that another one reads on, too. */
static unsigned source_of(const struct record *record)
{
    return record->of.event.archived ? 1u + record->instance : 0;
}

static void check_event(struct world *world, size_t at)
{
    const struct record_event *event = &world->disk.records[at].of.event;
    unsigned station;
    uint32_t ioa;
    if (event->value.cot != KOMET_COT_SPONTANEOUS || !sim_tag_point(event->tag, &station, &ioa)) {
        return;
    }
    struct check_station *check = &world->checkers.stations[station];
    struct truth *truth = find_truth(check, ioa, &event->value);
    if (truth == NULL) {
        checkers_breach(world, CHECK_ONCE, "the journal has an event of %s that the station never generated",
                        event->tag);
        return;
    }
    if (truth->stored_at != 0) {
        checkers_breach(world, CHECK_ONCE, "an event of %s, %g at %" PRId64 ", is in the journal twice",
                        event->tag, truth->number, truth->time_ms);
        return;
    }
    truth->stored_at = at + 1;
    int64_t *newest_ms = &check->newest_ms[source_of(&world->disk.records[at])][point_of(ioa)];
    if (truth->time_ms < *newest_ms) {
        checkers_breach(world, CHECK_ORDER, "events of %s are out of order in the journal", event->tag);
    }
    *newest_ms = truth->time_ms;
}

/* A crash has forgotten what was not synced. */
static void forget(struct world *world)
{
    for (unsigned s = 0; s < world->plan.station_count; s++) {
        struct check_station *check = &world->checkers.stations[s];
        memset(check->newest_ms, 0, sizeof check->newest_ms);
        for (size_t i = 0; i < check->count; i++) {
            struct truth *truth = &check->truth[i];
            truth->stored_at = truth->stored_at > world->disk.count ? 0 : truth->stored_at;
            if (truth->stored_at != 0) {
                unsigned source = source_of(&world->disk.records[truth->stored_at - 1]);
                check->newest_ms[source][point_of(truth->ioa)] = truth->time_ms;
            }
        }
    }
    world->checkers.looked_at = world->disk.count;
}

void checkers_look_at_journal(struct world *world)
{
    struct checkers *checkers = &world->checkers;
    if (world->disk.count < checkers->looked_at) {
        forget(world);
    }
    for (; checkers->looked_at < world->disk.count; checkers->looked_at++) {
        if (world->disk.records[checkers->looked_at].kind == RECORD_EVENT) {
            check_event(world, checkers->looked_at);
        }
    }
}

void checkers_kept(struct world *world, const uint8_t *octets, size_t size)
{
    static uint8_t memory[4u << 20];
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed;
    enum wire_fault fault = wire_decode(octets, size, &arena, &message, &consumed);
    KOMET_ASSERT(fault == WIRE_OK && consumed == size);
    const Komet__Wire__Batch *batch = message->batch;
    struct value value = {.time = {0}};
    for (size_t i = 0; i < batch->n_tag; i++) {
        unsigned station;
        uint32_t ioa;
        value.time.ms += batch->time_ms[i];
        value.number = batch->number[i];
        struct truth *truth = sim_tag_point(batch->name[i], &station, &ioa)
                                  ? find_truth(&world->checkers.stations[station], ioa, &value)
                                  : NULL;
        if (truth != NULL) {
            truth->kept = true;
            world->kept++;
        }
    }
}

/* Once it is on the server's disk, or on an instance's, it stays there until it is on the server's. */
static bool is_kept(const struct world *world, const struct truth *truth)
{
    return truth->kept || (truth->stored_at != 0 && truth->stored_at <= world->disk.synced);
}

static bool is_safe(const struct world *world, const struct truth *truth)
{
    return truth->stored_at != 0 && truth->stored_at <= world->disk.synced;
}

void checkers_look_at_acknowledged(struct world *world)
{
    for (unsigned s = 0; s < world->plan.station_count; s++) {
        struct check_station *check = &world->checkers.stations[s];
        size_t acknowledged = (size_t)rtu_counters(world->stations[s].rtu).events_acknowledged;
        for (; check->acknowledged < acknowledged; check->acknowledged++) {
            const struct truth *truth = &check->truth[check->acknowledged];
            if (!is_kept(world, truth)) {
                checkers_breach(world, CHECK_STORED,
                                "station %u got an acknowledgement for an event that is not %s: address %u, "
                                "value %g, time %" PRId64,
                                s, truth->stored_at == 0 ? "journaled" : "on disk yet", truth->ioa,
                                truth->number, truth->time_ms);
            }
        }
    }
}

bool checkers_complete(struct world *world)
{
    for (unsigned s = 0; s < world->plan.station_count; s++) {
        struct check_station *check = &world->checkers.stations[s];
        while (check->complete < check->count && is_safe(world, &check->truth[check->complete])) {
            check->complete++; /* what is synced stays */
        }
        if (check->complete < check->count) {
            return false;
        }
    }
    return true;
}
