/*
 * checkers: see checkers.h.
 */
#include "sim/checkers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "server/server.h"
#include "sim/station.h"
#include "sim/world.h"

static void breach(struct world *world, const char *what)
{
    fprintf(stderr, "seed %" PRIu64 ", %.6f s: %s\n  repeat: ./dev sim --seed %" PRIu64 " --verbose\n",
            world->seed, (double)world->now.us / 1e6, what, world->seed);
    world->checkers.failed = true;
}

static void *grown(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity == 0 ? 4096 : *capacity * 2;
    list = realloc(list, *capacity * size);
    KOMET_ASSERT(list != NULL);
    return list;
}

/* ---- commands ---- */

uint32_t checkers_order(struct checkers *checkers)
{
    checkers->orders = grown(checkers->orders, checkers->order_count + 1, &checkers->order_capacity,
                             sizeof checkers->orders[0]);
    checkers->order_count++;
    checkers->orders[checkers->order_count] = (struct sim_order){.open = true};
    return (uint32_t)checkers->order_count;
}

static bool must_not_run(enum command_result result)
{
    return result == COMMAND_REFUSED || result == COMMAND_EXPIRED;
}

static void executed(struct world *world, double number)
{
    struct checkers *checkers = &world->checkers;
    if (number < 1 || number > (double)checkers->order_count) {
        breach(world, "the station executed a command that nobody gave");
        return;
    }
    struct sim_order *order = &checkers->orders[(size_t)number];
    if (++order->executions > 1) {
        breach(world, "a command was executed twice");
    } else if (order->ended && must_not_run((enum command_result)order->result)) {
        breach(world, "a command was executed that had ended as refused or expired");
    }
}

void checkers_ended(struct world *world, const struct server_ended *ended)
{
    struct checkers *checkers = &world->checkers;
    if (ended->token == 0) {
        return; /* a hand-over */
    }
    KOMET_ASSERT(ended->token <= checkers->order_count && ended->result < 5);
    struct sim_order *order = &checkers->orders[ended->token];
    world_say(world, "command %u: %s %s", (unsigned)ended->token, command_result_name(ended->result),
              ended->reason);
    if (!order->open) {
        breach(world, "a command ended twice");
        return;
    }
    order->open = false;
    order->ended = true;
    order->result = (uint8_t)ended->result;
    checkers->results[ended->result]++;
    if (ended->result == COMMAND_DONE && order->executions != 1) {
        breach(world, "a command ended as done that the station did not execute");
    } else if (must_not_run(ended->result) && order->executions != 0) {
        breach(world, "a command ended as refused or expired that the station had executed");
    }
}

void checkers_server_lost(struct world *world)
{
    for (size_t i = 1; i <= world->checkers.order_count; i++) {
        world->checkers.orders[i].open = false;
    }
}

/* ---- what passive instances send ---- */

void checkers_dials(struct world *world, const struct sim_kom *kom)
{
    if (!world->warm && !world_acts(world, kom)) {
        breach(world, "an instance opens a telemetry connection without a grant");
    }
}

void checkers_sends(struct world *world, const struct sim_kom *kom, const uint8_t *octets, size_t size)
{
    if (world_acts(world, kom)) {
        return;
    }
    size_t at = 0;
    while (world->warm && at + KOMET_APDU_HEADER_SIZE <= size &&
           (octets[at + 2] == KOMET_U_TESTFR_ACT || octets[at + 2] == KOMET_U_TESTFR_CON)) {
        at += KOMET_APDU_HEADER_SIZE;
    }
    if (at != size) {
        breach(world, "an instance sends more than test frames without a grant");
    }
}

/* ---- events ---- */

void checkers_generated(struct world *world, struct truth event)
{
    struct checkers *checkers = &world->checkers;
    size_t capacity = checkers->truth_capacity;
    checkers->truth = grown(checkers->truth, checkers->truth_count, &capacity, sizeof checkers->truth[0]);
    checkers->stored_at =
        grown(checkers->stored_at, checkers->truth_count, &checkers->truth_capacity, sizeof(size_t));
    checkers->stored_at[checkers->truth_count] = 0;
    checkers->truth[checkers->truth_count++] = event;
    if (event.ioa == STATION_FEEDBACK) {
        executed(world, event.number);
    }
}

static void check_one_acts(struct world *world)
{
    unsigned acting = 0;
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        const struct sim_kom *kom = &world->koms[i];
        struct line_now now = {world->now, {0}};
        acting += kom->runs && kom_is_active(kom->engine, now) ? 1 : 0;
    }
    if (acting > 1) {
        breach(world, "two instances hold a grant");
    }
}

/* The event of the station that a record is: by address and time, which are unique together. */
static size_t find_truth(const struct checkers *checkers, const struct record_event *event)
{
    for (size_t i = checkers->truth_count; i > 0; i--) {
        const struct truth *truth = &checkers->truth[i - 1];
        if (truth->time_ms == event->value.time.ms && truth->number == event->value.number &&
            truth->ioa == (uint32_t)atoi(event->tag + 3)) {
            return i - 1;
        }
    }
    return checkers->truth_count;
}

static void check_event(struct world *world, size_t at)
{
    struct checkers *checkers = &world->checkers;
    const struct record_event *event = &world->disk.records[at].of.event;
    if (event->value.cot != KOMET_COT_SPONTANEOUS) {
        return;
    }
    size_t found = find_truth(checkers, event);
    if (found == checkers->truth_count) {
        breach(world, "the journal has an event that the station never generated");
    } else if (checkers->stored_at[found] != 0) {
        breach(world, "an event is in the journal twice");
    } else {
        checkers->stored_at[found] = at + 1;
        for (size_t i = found + 1; i < checkers->truth_count; i++) {
            if (checkers->truth[i].ioa == checkers->truth[found].ioa && checkers->stored_at[i] != 0) {
                breach(world, "events of a tag are out of order in the journal");
            }
        }
    }
}

static uint64_t newest_epoch_on_disk(const struct disk *disk)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < disk->count; i++) {
        const struct record *record = &disk->records[i];
        newest =
            record->kind == RECORD_GRANT && record->of.grant.epoch > newest ? record->of.grant.epoch : newest;
    }
    return newest;
}

static void check_journal(struct world *world)
{
    struct checkers *checkers = &world->checkers;
    if (world->disk.count < checkers->looked_at) { /* a crash forgot some */
        for (size_t i = 0; i < checkers->truth_count; i++) {
            if (checkers->stored_at[i] > world->disk.count) {
                checkers->stored_at[i] = 0;
            }
        }
        checkers->looked_at = world->disk.count;
        checkers->newest_epoch =
            newest_epoch_on_disk(&world->disk); /* one that was not synced was never told */
    }
    for (; checkers->looked_at < world->disk.count; checkers->looked_at++) {
        const struct record *record = &world->disk.records[checkers->looked_at];
        if (record->kind == RECORD_EVENT) {
            check_event(world, checkers->looked_at);
        } else if (record->kind == RECORD_GRANT) {
            if (record->of.grant.epoch <= checkers->newest_epoch) {
                breach(world, "an epoch did not grow");
            }
            checkers->newest_epoch = record->of.grant.epoch;
        }
    }
}

static void check_acknowledged(struct world *world)
{
    struct checkers *checkers = &world->checkers;
    size_t acknowledged = (size_t)rtu_counters(world->rtu).events_acknowledged;
    for (; checkers->acknowledged < acknowledged; checkers->acknowledged++) {
        size_t at = checkers->stored_at[checkers->acknowledged];
        if (at == 0 || at > world->disk.synced) {
            const struct truth *truth = &checkers->truth[checkers->acknowledged];
            breach(world, at == 0
                              ? "the station got an acknowledgement for an event that was not journaled"
                              : "the station got an acknowledgement for an event that is not on disk yet");
            fprintf(stderr, "  the event: address %u, value %g, time %" PRId64 "\n", truth->ioa,
                    truth->number, truth->time_ms);
            return;
        }
    }
}

void checkers_step(struct world *world)
{
    check_one_acts(world);
    check_journal(world);
    check_acknowledged(world);
}

bool checkers_complete(const struct world *world)
{
    for (size_t i = 0; i < world->checkers.truth_count; i++) {
        size_t at = world->checkers.stored_at[i];
        if (at == 0 || at > world->disk.synced) {
            return false;
        }
    }
    return true;
}

bool checkers_all_run(const struct world *world)
{
    value_flags all = (value_flags)(((1u << SIM_KOMS) - 1) << 1);
    for (size_t i = world->disk.synced; i > 0; i--) {
        const struct record *record = &world->disk.records[i - 1];
        if (record->kind == RECORD_VALUE && record->of.value.of_process) {
            return record->of.value.value == PROCESS_RUN && record->of.value.flags == all;
        }
    }
    return false;
}

void checkers_free(struct checkers *checkers)
{
    free(checkers->truth);
    free(checkers->stored_at);
    free(checkers->orders);
    *checkers = (struct checkers){0};
}
