/*
 * rtu_answer: what the partner asks. The rules of answering are komet_station's; here are the process behind
 * it, which does what was commanded, and the requests that wait until it has room for their answers.
 *
 * A command is done when its confirmation leaves, so that what it causes is seen behind that.
 */
#include <inttypes.h>
#include <string.h>

#include "partner/rtu_private.h"

enum { QRP_PROCESS = 1, QRP_EVENTS = 2 };

/* ---- requests ---- */

/* All that is allowed is accepted: the process never says no. */
static void accept_command(struct rtu *rtu, struct rtu_now now, const struct komet_station_event *event)
{
    bool open = komet_station_confirm(rtu->station, now.instant, event->id, true);
    if (open && !event->object.select) {
        open = komet_station_finish(rtu->station, event->id, true);
    }
    KOMET_ASSERT(open);
}

/* Events that were not sent yet are forgotten (7.2.6.27, QRP 2). */
static void reset_events(struct rtu *rtu)
{
    KOMET_ASSERT(rtu->told == rtu->head); /* what happened is in the record, also what is forgotten */
    rtu_note(rtu, "the partner resets the events that wait: %" PRIu64 " are dropped", rtu->head - rtu->sent);
    rtu->counters.events_lost += rtu->head - rtu->sent;
    rtu->head = rtu->told = rtu->sent;
}

static void take_event(struct rtu *rtu, struct rtu_now now, const struct komet_station_event *event)
{
    switch (event->kind) {
    case KOMET_STATION_NOTHING:
    case KOMET_STATION_CLOCK: /* its tags are of the host's clock */
        return;
    case KOMET_STATION_COMMAND:
        accept_command(rtu, now, event);
        return;
    case KOMET_STATION_PARAMETER: /* no point is a parameter, and none is activated */
    case KOMET_STATION_PARAMETER_ACTIVATION:
        komet_station_confirm(rtu->station, now.instant, event->id, false);
        return;
    case KOMET_STATION_FREEZE:
        rtu_note(rtu, "counters are neither frozen nor reset: it is confirmed, and ignored");
        return;
    case KOMET_STATION_RESET:
        if (event->object.qualifier == QRP_EVENTS) {
            reset_events(rtu);
        }
        return;
    }
    KOMET_ASSERT_NEVER("an unknown event of the station");
}

/* False when too many answers wait. */
static bool take(struct rtu *rtu, struct rtu_now now, const uint8_t *octets, size_t size)
{
    struct komet_station_event event;
    uint64_t too_old = komet_station_counters(rtu->station).too_old;
    switch (komet_station_receive(rtu->station, now.instant, now.utc, 0, octets, size, &event)) {
    case KOMET_STATION_TAKEN:
        if (komet_station_counters(rtu->station).too_old > too_old) {
            rtu_note(rtu, "the time tag of a command of type %u is too far from now", octets[0]);
        }
        take_event(rtu, now, &event);
        return true;
    case KOMET_STATION_BAD_ASDU:
        komet_link_close(rtu->link, KOMET_BAD_ASDU);
        return true;
    case KOMET_STATION_FULL:
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown result of the station");
}

/* Keeps a request. A partner whose k is not above RTU_HELD_MAX has no more of them to send, since they are
 * not acknowledged. */
static void hold(struct rtu *rtu, const uint8_t *octets, size_t size, uint64_t received)
{
    if (rtu->held_count == RTU_HELD_MAX) {
        struct rtu_held *last = &rtu->held[(rtu->held_first + RTU_HELD_MAX - 1) % RTU_HELD_MAX];
        last->received = received; /* what is dropped is acknowledged behind those before it */
        rtu->counters.answers_dropped++;
        rtu_note(rtu, "a request of type %u is dropped: %u wait for an answer already", octets[0],
                 RTU_ANSWERS_MAX + RTU_HELD_MAX);
        return;
    }
    struct rtu_held *held = &rtu->held[(rtu->held_first + rtu->held_count++) % RTU_HELD_MAX];
    KOMET_ASSERT(size <= sizeof held->octets);
    held->received = received;
    held->size = (uint8_t)size;
    memcpy(held->octets, octets, size);
}

void rtu_receive(struct rtu *rtu, struct rtu_now now, const struct komet_link_output *asdu)
{
    if (rtu->held_count == 0 && take(rtu, now, asdu->octets, asdu->size)) {
        komet_link_acknowledge(rtu->link, now.instant, asdu->received);
    } else {
        hold(rtu, asdu->octets, asdu->size, asdu->received);
    }
}

void rtu_take_held(struct rtu *rtu, struct rtu_now now)
{
    while (rtu->held_count > 0) {
        const struct rtu_held *held = &rtu->held[rtu->held_first];
        if (!take(rtu, now, held->octets, held->size)) {
            return;
        }
        komet_link_acknowledge(rtu->link, now.instant, held->received);
        rtu->held_first = (rtu->held_first + 1) % RTU_HELD_MAX;
        rtu->held_count--;
    }
}

void rtu_data_transfer(struct rtu *rtu, struct rtu_now now, bool started)
{
    if (started) {
        komet_station_started(rtu->station, 0);
        return;
    }
    komet_station_stopped(rtu->station, 0);
    if (rtu->held_count > 0) { /* forgotten like the answers before them */
        unsigned last = (rtu->held_first + rtu->held_count - 1) % RTU_HELD_MAX;
        komet_link_acknowledge(rtu->link, now.instant, rtu->held[last].received);
        rtu->held_count = 0;
    }
}

/* ---- answers ---- */

/* What the point that follows a command becomes. Single and double say the same in other numbers. */
static double followed(const struct komet_object *object, const struct rtu_point *target, double current)
{
    double number = komet_object_number(object);
    const struct komet_type_row *row = komet_type_find(target->type);
    if (object->element == KOMET_ELEMENT_REGULATING) { /* 1 lower, 2 higher */
        return current + (number == 2 ? 1 : -1);
    }
    if (object->element == KOMET_ELEMENT_SINGLE && row->element == KOMET_ELEMENT_DOUBLE) {
        return number + 1;
    }
    if (object->element == KOMET_ELEMENT_DOUBLE && row->element != KOMET_ELEMENT_DOUBLE) {
        return number - 1;
    }
    return number;
}

bool rtu_command(struct rtu *rtu, struct rtu_now now, uint8_t type, const struct komet_object *object)
{
    const struct rtu_point *command = rtu_plan_find(rtu->plan, object->ioa);
    if (command == NULL || !rtu_is_command(type) ||
        komet_type_without_time(command->type) != komet_type_without_time(type)) {
        return false;
    }
    rtu->counters.commands++;
    if (command->follows == 0) {
        return true;
    }
    uint32_t ioa = command->follows + (object->ioa - command->ioa);
    const struct rtu_point *target = rtu_plan_find(rtu->plan, ioa);
    KOMET_ASSERT(target != NULL);
    double current = *rtu_value_of(rtu, target, ioa - target->ioa);
    rtu_set(rtu, target, ioa - target->ioa, followed(object, target, current), now.utc);
    return true;
}

/* What an answer says that has just been sent. */
struct said {
    struct komet_asdu asdu; /* of which the octets are gone */
    struct komet_object object;
};

static struct said read_answer(const struct rtu *rtu, const uint8_t *octets, size_t size)
{
    struct said said = {.object = {0}};
    enum komet_asdu_result result = komet_asdu_decode(rtu->plan->profile, octets, size, &said.asdu);
    if (result == KOMET_ASDU_OK) {
        komet_asdu_object(&said.asdu, 0, &said.object);
    }
    KOMET_ASSERT(result == KOMET_ASDU_OK || result == KOMET_ASDU_UNKNOWN_TYPE); /* it was when it came */
    return said;
}

static void after_sending(struct rtu *rtu, struct rtu_now now, const struct said *said)
{
    const struct komet_asdu *asdu = &said->asdu;
    if (asdu->negative) {
        bool mirror = asdu->cause >= KOMET_COT_UNKNOWN_TYPE;
        rtu_note(rtu, "type %u, common address %u, object %u is refused: %s", asdu->type, asdu->ca,
                 said->object.ioa, mirror ? komet_cause_name(asdu->cause) : "confirmed negatively");
    } else if (asdu->cause != KOMET_COT_ACTIVATION_CON || asdu->test) {
        return;
    } else if (asdu->row->direction == KOMET_CONTROL && !said->object.select) {
        bool executed = rtu_command(rtu, now, asdu->type, &said->object);
        KOMET_ASSERT(executed); /* it was confirmed */
    } else if (asdu->type == KOMET_C_RP_NA_1 && said->object.qualifier == QRP_PROCESS) {
        rtu->initialized = (struct rtu_initialized){.waits = true, .coi = KOMET_COI_REMOTE_RESET};
    }
}

bool rtu_send_answer(struct rtu *rtu, struct rtu_now now)
{
    if (!komet_station_pending(rtu->station, 0)) {
        return false;
    }
    uint8_t *octets = komet_link_reserve(rtu->link);
    KOMET_ASSERT(octets != NULL);
    size_t size = komet_station_write(rtu->station, now.instant, now.utc, 0, octets);
    struct said said = read_answer(rtu, octets, size);
    rtu_commit(rtu, now, size);
    after_sending(rtu, now, &said);
    return true;
}

bool rtu_send_initialized(struct rtu *rtu, struct rtu_now now)
{
    struct rtu_initialized *initialized = &rtu->initialized;
    if (!initialized->waits) {
        return false;
    }
    uint8_t *octets = komet_link_reserve(rtu->link);
    KOMET_ASSERT(octets != NULL);
    size_t size = komet_station_initialized(rtu->station, 0, initialized->coi, octets);
    initialized->waits = false;
    initialized->frame = rtu_commit(rtu, now, size);
    return true;
}
