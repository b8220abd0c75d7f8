/*
 * answers: what is due on each connection, in its order. An answer of one frame goes before one with values;
 * among its like, what came first goes first. Each is given to the link once, and heard once, where it was
 * asked for.
 */
#include "rig.h"

#include "komet/time_tag.h"

enum { COT = 2, CA = 4, PN = 0x40, TEST = 0x80, CAUSE = 0x3F };

void answers_begin(struct rig *rig, unsigned c)
{
    struct answers *answers = &rig->answers[c];
    answers->short_count = answers->long_count = 0;
    answers->delay_ms = 0;
}

static void put_ca(const struct rig *rig, uint8_t *octets, uint16_t ca)
{
    bool big = rig->settings.profile->big_endian_addresses;
    octets[CA] = (uint8_t)(big ? ca >> 8 : ca);
    octets[CA + 1] = (uint8_t)(big ? ca : ca >> 8);
}

static void mirror(struct message *message, uint8_t cause, bool negative)
{
    message->octets[COT] = (uint8_t)((message->octets[COT] & TEST) | cause | (negative ? PN : 0));
}

static struct short_answer *add_short(struct answers *answers)
{
    check(answers->short_count < SHORTS);
    struct short_answer *answer = &answers->shorts[answers->short_count++];
    answer->is = ANSWER_IS_EXACT;
    answer->last = true;
    answer->after = 0;
    return answer;
}

struct short_answer *answers_octets(struct rig *rig, unsigned c, const struct message *message, uint8_t cause,
                                    bool negative)
{
    struct short_answer *answer = add_short(&rig->answers[c]);
    answer->message = *message;
    mirror(&answer->message, cause, negative);
    return answer;
}

static struct message message_of(const struct komet_asdu *asdu)
{
    struct message message = {.size = (uint8_t)asdu->size};
    memcpy(message.octets, asdu->octets, asdu->size);
    return message;
}

struct short_answer *answers_mirror(struct rig *rig, const struct request *request, uint8_t cause,
                                    bool negative)
{
    struct message message = message_of(request->asdu);
    struct short_answer *answer = NULL;
    rig->counters.refused += negative;
    for (unsigned i = request->first; i <= request->last; i++) {
        if (request->each) {
            put_ca(rig, message.octets, rig_addresses[i]);
        }
        answer = answers_octets(rig, request->c, &message, cause, negative);
        answer->last = !request->each || i == request->last;
        if (!request->each) {
            break;
        }
    }
    return answer;
}

struct long_answer *answers_long(struct rig *rig, const struct request *request)
{
    struct answers *answers = &rig->answers[request->c];
    check(answers->long_count < ANSWERS);
    struct long_answer *answer = &answers->longs[answers->long_count++];
    *answer = (struct long_answer){.each = request->each, .address = request->first, .last = request->last};
    if (request->asdu != NULL) {
        answer->request = message_of(request->asdu);
    }
    return answer;
}

struct long_answer *answers_running(struct rig *rig, const struct request *request)
{
    struct answers *answers = &rig->answers[request->c];
    const struct komet_asdu *asdu = request->asdu;
    for (unsigned i = 0; i < answers->long_count; i++) {
        struct long_answer *answer = &answers->longs[i];
        if (!answer->scan && answer->request.octets[0] == asdu->type &&
            memcmp(answer->request.octets + CA, asdu->octets + CA, asdu->size - CA) == 0) {
            return answer;
        }
    }
    return NULL;
}

void answers_drop_long(struct answers *answers, struct long_answer *answer)
{
    size_t behind = (size_t)(answers->longs + answers->long_count - answer) - 1;
    memmove(answer, answer + 1, behind * sizeof *answer);
    answers->long_count--;
}

unsigned answers_waiting(const struct rig *rig, unsigned c)
{
    const struct answers *answers = &rig->answers[c];
    unsigned waiting = answers->long_count;
    for (unsigned i = 0; i < answers->short_count; i++) {
        waiting += answers->shorts[i].last;
    }
    return waiting;
}

bool answers_large_waits(const struct rig *rig, unsigned c)
{
    bool large = false;
    for (unsigned i = 0; i < rig->answers[c].short_count; i++) {
        large = large || rig->answers[c].shorts[i].message.size > KOMET_ASDU_SIZE_ONE;
    }
    return large;
}

/* ---- values ---- */

static void check_value(const struct rig *rig, const struct komet_object *object, size_t point)
{
    check(object->ioa == rig->points[point].ioa);
    check(object->value.bits == rig->points[point].object.value.bits);
    check(object->quality == rig->points[point].object.quality);
}

static void check_read(const struct rig *rig, const struct short_answer *answer,
                       const struct komet_asdu *asdu)
{
    const struct komet_point *point = &rig->points[answer->point];
    struct komet_object object;
    check(asdu->type == point->type && asdu->ca == point->ca && asdu->count == 1);
    check(asdu->cause == KOMET_COT_REQUEST && !asdu->negative);
    check(asdu->octets[COT + 1] == answer->message.octets[COT + 1]);
    check(asdu->test == ((answer->message.octets[COT] & TEST) != 0));
    komet_asdu_object(asdu, 0, &object);
    check_value(rig, &object, answer->point);
}

static bool belongs(const struct rig *rig, const struct long_answer *answer, size_t i)
{
    const struct komet_point *point = &rig->points[i];
    bool command = point->type >= KOMET_C_SC_NA_1 && point->type <= KOMET_C_BO_NA_1;
    bool analogue = point->type >= KOMET_M_ME_NA_1 && point->type <= KOMET_M_ME_NC_1;
    bool parameter = point->type >= KOMET_P_ME_NA_1;
    if (answer->scan && (parameter || (answer->cause == KOMET_COT_PERIODIC && !analogue))) {
        return false;
    }
    return !command && (point->type == KOMET_M_IT_NA_1) == answer->counters &&
           point->ca == rig_addresses[answer->address] &&
           (answer->groups == 0 || (answer->groups & point->groups) != 0);
}

static size_t next_point(const struct rig *rig, const struct long_answer *answer)
{
    size_t point = answer->point;
    while (point < rig->settings.point_count && !belongs(rig, answer, point)) {
        point++;
    }
    return point;
}

/* Each point that belongs to it, once and in order. */
static void check_values(const struct rig *rig, struct long_answer *answer, const struct komet_asdu *asdu)
{
    uint8_t oa = answer->scan ? 0 : answer->request.octets[COT + 1];
    check(asdu->ca == rig_addresses[answer->address] && !asdu->negative && asdu->oa == oa);
    check(asdu->test == (!answer->scan && (answer->request.octets[COT] & TEST) != 0));
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_object object;
        komet_asdu_object(asdu, i, &object);
        size_t point = next_point(rig, answer);
        check(point < rig->settings.point_count && asdu->type == rig->points[point].type);
        check_value(rig, &object, point);
        answer->point = point + 1;
    }
}

static void check_mirror(const struct rig *rig, const struct long_answer *answer, uint8_t cause,
                         const struct komet_asdu *asdu)
{
    struct message message = answer->request;
    mirror(&message, cause, false);
    if (answer->each) {
        put_ca(rig, message.octets, rig_addresses[answer->address]);
    }
    check(asdu->size == message.size && memcmp(asdu->octets, message.octets, message.size) == 0);
}

/* The values of this address are all there: on to the next address, or to the end. True: the end of a scan.
 */
static bool end_values(struct rig *rig, struct answers *answers, struct long_answer *answer)
{
    check(!answer->values || next_point(rig, answer) == rig->settings.point_count);
    if (answer->values && !answer->each && answer->address < answer->last) {
        answer->address++;
        answer->point = 0;
        return false;
    }
    answer->stage = LONG_TERM;
    if (answer->scan) {
        answers_drop_long(answers, answer);
    }
    return answer->scan;
}

static void end_address(struct answers *answers, struct long_answer *answer)
{
    if (answer->each && answer->address < answer->last) {
        answer->address++;
        answer->point = 0;
        answer->stage = LONG_CON;
    } else {
        answers_drop_long(answers, answer);
    }
}

/* A frame of the first answer with values; `asdu` NULL: nothing came, so nothing but empty scans was there.
 */
static void give_long(struct rig *rig, struct answers *answers, const struct komet_asdu *asdu)
{
    while (answers->long_count > 0) {
        struct long_answer *answer = &answers->longs[0];
        if (answer->stage == LONG_CON) {
            check(asdu != NULL);
            check_mirror(rig, answer, KOMET_COT_ACTIVATION_CON, asdu);
            answer->stage = LONG_VALUES;
            return;
        }
        if (answer->stage == LONG_TERM) {
            check(asdu != NULL);
            check_mirror(rig, answer, KOMET_COT_ACTIVATION_TERMINATION, asdu);
            end_address(answers, answer);
            return;
        }
        if (asdu != NULL && asdu->cause == answer->cause &&
            next_point(rig, answer) < rig->settings.point_count) {
            check(answer->values);
            check_values(rig, answer, asdu);
            return;
        }
        end_values(rig, answers, answer);
    }
    check(asdu == NULL);
}

static void check_delay(const struct rig *rig, struct short_answer *answer)
{
    uint8_t *place = answer->message.octets + answer->message.size - KOMET_CP16_SIZE;
    int64_t ms = (place[0] | place[1] << 8) + komet_elapsed_us(rig->now, answer->received) / 1000;
    ms = ms > 59999 ? 59999 : ms;
    place[0] = (uint8_t)ms;
    place[1] = (uint8_t)(ms >> 8);
}

static void give_short(struct rig *rig, struct answers *answers, const struct komet_asdu *asdu)
{
    struct short_answer *answer = &answers->shorts[0];
    if (answer->is == ANSWER_IS_READ) {
        check_read(rig, answer, asdu);
    } else {
        if (answer->is == ANSWER_IS_DELAY) {
            check_delay(rig, answer);
        }
        check(asdu->size == answer->message.size);
        check(memcmp(asdu->octets, answer->message.octets, asdu->size) == 0);
    }
    answers->short_count--;
    memmove(answer, answer + 1, answers->short_count * sizeof *answer);
}

/* ---- on its way ---- */

static void give(struct rig *rig, unsigned c, const uint8_t *octets, size_t size)
{
    struct answers *answers = &rig->answers[c];
    struct given *given = &answers->ring[answers->given % WINDOW];
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(rig->settings.profile, octets, size, &asdu);
    check(result == KOMET_ASDU_OK || result == KOMET_ASDU_UNKNOWN_TYPE);
    given->after = answers->short_count > 0 ? answers->shorts[0].after : 0;
    given->message.size = (uint8_t)size;
    memcpy(given->message.octets, octets, size);
    answers->given++;
    check(answers->given - answers->given_heard <= WINDOW);
    if (answers->short_count > 0) {
        give_short(rig, answers, &asdu);
    } else {
        give_long(rig, answers, &asdu);
    }
}

bool answers_give(struct rig *rig, unsigned c)
{
    bool any = false;
    uint8_t *place;
    while (komet_station_pending(rig->station, c) && (place = komet_group_reserve(rig->group, c)) != NULL) {
        check(rig->wires[c].state == KOMET_LINK_STARTED);
        size_t size = komet_station_write(rig->station, rig->now, rig->utc, c, place);
        if (size == 0) {
            check(rig->answers[c].short_count == 0);
            give_long(rig, &rig->answers[c], NULL);
            continue;
        }
        give(rig, c, place, size);
        komet_group_commit(rig->group, rig->now, c, size);
        any = true;
    }
    return any;
}

bool answers_heard(struct rig *rig, unsigned c, const uint8_t *octets, size_t size)
{
    struct answers *answers = &rig->answers[c];
    const struct given *given = &answers->ring[answers->given_heard % WINDOW];
    if (answers->given_heard == answers->given || given->message.size != size ||
        memcmp(given->message.octets, octets, size) != 0) {
        return false;
    }
    check(given->after <= rig->events.newest); /* return information first, then the termination */
    answers->given_heard++;
    return true;
}
