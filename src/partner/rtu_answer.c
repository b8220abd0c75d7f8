/*
 * rtu_answer: what the partner asks, and how a station answers it (IEC 60870-5-101 7.4).
 *
 * A request becomes an answer in a queue; the oldest is sent frame by frame as the link has room. Nothing of
 * an answer is made before its frame can leave, so a long interrogation gives values as they are then.
 */
#include <string.h>

#include "partner/rtu_private.h"

enum {
    QOI_STATION = 20,
    QOI_GROUP_16 = 36,
    QCC_GENERAL = 5,
    QCC_REQUEST_MASK = 0x3F,
    QCC_FREEZE_MASK = 0xC0
};

/* ---- requests ---- */

static void enqueue(struct rtu *rtu, enum rtu_answer_kind kind, const struct komet_asdu *asdu, uint8_t cause,
                    bool negative)
{
    if (rtu->answer_count == RTU_ANSWERS_MAX) {
        rtu->counters.answers_dropped++;
        rtu_note(rtu, "a request of type %u is dropped: %u wait for an answer already", asdu->type,
                 RTU_ANSWERS_MAX);
        return;
    }
    struct rtu_answer *answer = &rtu->answers[(rtu->answer_first + rtu->answer_count++) % RTU_ANSWERS_MAX];
    *answer = (struct rtu_answer){.kind = kind, .cause = cause, .negative = negative};
    answer->size = (uint8_t)asdu->size;
    memcpy(answer->octets, asdu->octets, asdu->size);
    if (asdu->ca == KOMET_CA_BROADCAST_2) { /* answered by each station in its own name (7.2.4) */
        size_t at = 2u + asdu->profile->cot_size;
        bool swapped = asdu->profile->big_endian_addresses;
        answer->octets[at + (swapped ? 1 : 0)] = (uint8_t)(rtu->plan->ca & 0xFF);
        answer->octets[at + (swapped ? 0 : 1)] = (uint8_t)(rtu->plan->ca >> 8);
    }
}

static void refuse(struct rtu *rtu, const struct komet_asdu *asdu, uint8_t cause)
{
    rtu->counters.refused++;
    rtu_note(rtu, "type %u, cause %u, common address %u is refused: %s", asdu->type, asdu->cause, asdu->ca,
             komet_cause_name(cause));
    enqueue(rtu, ANSWER_MIRROR, asdu, cause, true);
}

static void confirm(struct rtu *rtu, enum rtu_answer_kind kind, const struct komet_asdu *asdu)
{
    enqueue(rtu, kind, asdu, KOMET_COT_ACTIVATION_CON, false);
}

/* A qualifier that the station has not: confirmed negatively, which is no mirror of an unknown thing. */
static void decline(struct rtu *rtu, const struct komet_asdu *asdu)
{
    rtu->counters.refused++;
    enqueue(rtu, ANSWER_MIRROR, asdu, KOMET_COT_ACTIVATION_CON, true);
}

static void take_interrogation(struct rtu *rtu, const struct komet_asdu *asdu, uint8_t qualifier)
{
    rtu->counters.interrogations++;
    if (qualifier < QOI_STATION || qualifier > QOI_GROUP_16) {
        decline(rtu, asdu);
        return;
    }
    confirm(rtu, qualifier == QOI_STATION ? ANSWER_STATION : ANSWER_EMPTY, asdu);
}

static void take_counters(struct rtu *rtu, const struct komet_asdu *asdu, uint8_t qualifier)
{
    unsigned request = qualifier & QCC_REQUEST_MASK;
    rtu->counters.interrogations++;
    if (request < 1 || request > QCC_GENERAL) {
        decline(rtu, asdu);
        return;
    }
    bool read = request == QCC_GENERAL && (qualifier & QCC_FREEZE_MASK) == 0;
    confirm(rtu, read ? ANSWER_COUNTERS : ANSWER_EMPTY, asdu);
}

/* The command that an ASDU names; types 58 to 64 are types 45 to 51 with a time tag. */
static const struct rtu_point *find_command(const struct rtu *rtu, uint8_t type, uint32_t ioa)
{
    const struct rtu_point *row = rtu_plan_find(rtu->plan, ioa);
    if (row == NULL || !rtu_is_command(row->type)) {
        return NULL;
    }
    unsigned asked = type >= KOMET_C_SC_TA_1 ? type - 13u : type;
    unsigned has = row->type >= KOMET_C_SC_TA_1 ? row->type - 13u : row->type;
    return asked == has ? row : NULL;
}

/* Double and regulating commands have two states that are no command (7.2.6.16, 7.2.6.17). */
static bool is_permitted(const struct komet_object *object)
{
    bool two = object->element == KOMET_ELEMENT_DOUBLE || object->element == KOMET_ELEMENT_REGULATING;
    return !two || object->value.number == 1 || object->value.number == 2;
}

static void take_command(struct rtu *rtu, const struct komet_asdu *asdu, const struct komet_object *object)
{
    if (find_command(rtu, asdu->type, object->ioa) == NULL) {
        refuse(rtu, asdu, KOMET_COT_UNKNOWN_IOA);
    } else if (asdu->cause == KOMET_COT_DEACTIVATION) {
        enqueue(rtu, ANSWER_MIRROR, asdu, KOMET_COT_DEACTIVATION_CON, false);
    } else if (!is_permitted(object)) {
        decline(rtu, asdu);
    } else {
        confirm(rtu, object->select ? ANSWER_MIRROR : ANSWER_COMMAND, asdu);
    }
}

static void take_read(struct rtu *rtu, const struct komet_asdu *asdu, const struct komet_object *object)
{
    const struct rtu_point *row = rtu_plan_find(rtu->plan, object->ioa);
    if (row == NULL || rtu_is_command(row->type)) {
        refuse(rtu, asdu, KOMET_COT_UNKNOWN_IOA);
    } else {
        enqueue(rtu, ANSWER_READ, asdu, KOMET_COT_REQUEST, false);
    }
}

static bool is_for_station(uint8_t type)
{
    return type >= KOMET_C_IC_NA_1 && type != KOMET_C_RD_NA_1;
}

static bool is_answered(uint8_t type)
{
    return rtu_is_command(type) ||
           (type >= KOMET_C_IC_NA_1 && type <= KOMET_C_TS_TA_1 && type != KOMET_C_CD_NA_1);
}

static bool is_cause(const struct komet_asdu *asdu)
{
    if (asdu->type == KOMET_C_RD_NA_1) {
        return asdu->cause == KOMET_COT_REQUEST;
    }
    return asdu->cause == KOMET_COT_ACTIVATION ||
           (asdu->cause == KOMET_COT_DEACTIVATION && rtu_is_command(asdu->type));
}

static void take_request(struct rtu *rtu, const struct komet_asdu *asdu, const struct komet_object *object)
{
    switch (asdu->type) {
    case KOMET_C_IC_NA_1:
        take_interrogation(rtu, asdu, object->qualifier);
        break;
    case KOMET_C_CI_NA_1:
        take_counters(rtu, asdu, object->qualifier);
        break;
    case KOMET_C_RD_NA_1:
        take_read(rtu, asdu, object);
        break;
    case KOMET_C_RP_NA_1:
        confirm(rtu, ANSWER_RESET, asdu);
        break;
    case KOMET_C_CS_NA_1:
    case KOMET_C_TS_NA_1:
    case KOMET_C_TS_TA_1:
        confirm(rtu, ANSWER_MIRROR, asdu);
        break;
    default: /* a number of the wire; is_answered left only the commands */
        take_command(rtu, asdu, object);
        break;
    }
}

void rtu_receive(struct rtu *rtu, struct rtu_now now, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    struct komet_object object;
    (void)now;
    switch (komet_asdu_decode(rtu->plan->profile, octets, size, &asdu)) {
    case KOMET_ASDU_OK:
        break;
    case KOMET_ASDU_UNKNOWN_TYPE:
        refuse(rtu, &asdu, KOMET_COT_UNKNOWN_TYPE);
        return;
    case KOMET_ASDU_TOO_SHORT:
    case KOMET_ASDU_TOO_LONG:
    case KOMET_ASDU_NO_OBJECT:
    case KOMET_ASDU_BAD_SEQUENCE:
        komet_link_close(rtu->link, KOMET_BAD_ASDU);
        return;
    }
    komet_asdu_object(&asdu, 0, &object);
    bool broadcast = asdu.ca == KOMET_CA_BROADCAST_2 && is_for_station(asdu.type);
    if (!is_answered(asdu.type)) {
        refuse(rtu, &asdu, KOMET_COT_UNKNOWN_TYPE);
    } else if (!is_cause(&asdu)) {
        refuse(rtu, &asdu, KOMET_COT_UNKNOWN_CAUSE);
    } else if (asdu.ca != rtu->plan->ca && !broadcast) {
        refuse(rtu, &asdu, KOMET_COT_UNKNOWN_CA);
    } else if (is_for_station(asdu.type) && object.ioa != 0) {
        refuse(rtu, &asdu, KOMET_COT_UNKNOWN_IOA);
    } else {
        take_request(rtu, &asdu, &object);
    }
}

/* ---- answers ---- */

/* The type in which a value is answered to an interrogation or a read: without time tag (7.4.5). */
static uint8_t type_without_time(uint8_t type)
{
    if (type >= KOMET_M_SP_TB_1 && type <= KOMET_M_BO_TB_1) { /* 30 to 33: every second one of 1 to 7 */
        return (uint8_t)(KOMET_M_SP_NA_1 + 2 * (type - KOMET_M_SP_TB_1));
    }
    if (type >= KOMET_M_ME_TD_1 && type <= KOMET_M_IT_TB_1) {
        return (uint8_t)(KOMET_M_ME_NA_1 + 2 * (type - KOMET_M_ME_TD_1));
    }
    return type <= KOMET_M_IT_TA_1 && type % 2 == 0 ? (uint8_t)(type - 1) : type;
}

/* Whether a row belongs into an answer. Events of protection equipment have no state to ask for. */
static bool belongs(enum rtu_answer_kind kind, const struct rtu_point *row)
{
    uint8_t type = type_without_time(row->type);
    if (kind == ANSWER_COUNTERS) {
        return type == KOMET_M_IT_NA_1;
    }
    return type < KOMET_M_IT_NA_1 || type == KOMET_M_ME_ND_1;
}

/* Moves to the next point that belongs into the answer; false at the end. */
static bool seek(const struct rtu *rtu, struct rtu_answer *answer)
{
    while (answer->row < rtu->plan->point_count) {
        const struct rtu_point *row = &rtu->plan->points[answer->row];
        if (answer->point < row->count && belongs(answer->kind, row)) {
            return true;
        }
        answer->row++;
        answer->point = 0;
    }
    return false;
}

static void send_mirror(struct rtu *rtu, struct rtu_now now, const struct rtu_answer *answer, uint8_t cause,
                        bool negative)
{
    uint8_t *octets = komet_link_reserve(rtu->link);
    KOMET_ASSERT(octets != NULL && answer->size > 0);
    memcpy(octets, answer->octets, answer->size);
    komet_asdu_mirror(octets, cause, negative);
    rtu_commit(rtu, now, answer->size);
}

static void begin(struct rtu *rtu, struct komet_asdu_writer *writer, uint8_t type, uint8_t cause, bool sq)
{
    struct komet_asdu_header header = {.type = type, .sq = sq, .cause = cause, .ca = rtu->plan->ca};
    uint8_t *octets = komet_link_reserve(rtu->link);
    KOMET_ASSERT(octets != NULL);
    bool begun = komet_asdu_begin(writer, rtu->plan->profile, &header, octets, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
}

/* One ASDU of points of one type; a row of several goes as a sequence. False when none is left. */
static bool send_points(struct rtu *rtu, struct rtu_now now, struct rtu_answer *answer)
{
    struct komet_asdu_writer writer;
    if (!seek(rtu, answer)) {
        return false;
    }
    const struct rtu_point *row = &rtu->plan->points[answer->row];
    uint8_t type = type_without_time(row->type);
    uint8_t cause =
        answer->kind == ANSWER_COUNTERS ? KOMET_COT_COUNTERS_GENERAL : KOMET_COT_INTERROGATED_STATION;
    begin(rtu, &writer, type, cause, row->count > 1);
    while (seek(rtu, answer)) {
        row = &rtu->plan->points[answer->row];
        double number = *rtu_value_of(rtu, row, answer->point);
        struct komet_object object = rtu_object(type, row->ioa + answer->point, number, now.utc);
        if (type_without_time(row->type) != type || !komet_asdu_add(&writer, &object)) {
            break;
        }
        answer->point++;
    }
    rtu_commit(rtu, now, komet_asdu_end(&writer));
    return true;
}

static struct komet_object object_of(const struct rtu *rtu, const struct rtu_answer *answer, uint8_t *type)
{
    struct komet_asdu asdu;
    struct komet_object object;
    enum komet_asdu_result result =
        komet_asdu_decode(rtu->plan->profile, answer->octets, answer->size, &asdu);
    KOMET_ASSERT(result == KOMET_ASDU_OK); /* it was when it came */
    komet_asdu_object(&asdu, 0, &object);
    *type = asdu.type;
    return object;
}

static void send_read(struct rtu *rtu, struct rtu_now now, const struct rtu_answer *answer)
{
    uint8_t asked;
    struct komet_asdu_writer writer;
    uint32_t ioa = object_of(rtu, answer, &asked).ioa;
    const struct rtu_point *row = rtu_plan_find(rtu->plan, ioa);
    uint8_t type = type_without_time(row->type);
    begin(rtu, &writer, type, KOMET_COT_REQUEST, false);
    struct komet_object object = rtu_object(type, ioa, *rtu_value_of(rtu, row, ioa - row->ioa), now.utc);
    komet_asdu_add(&writer, &object);
    rtu_commit(rtu, now, komet_asdu_end(&writer));
}

static void send_initialised(struct rtu *rtu, struct rtu_now now)
{
    struct komet_asdu_writer writer;
    struct komet_object object = {.qualifier = 2}; /* COI: remote reset (7.2.6.21) */
    begin(rtu, &writer, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false);
    komet_asdu_add(&writer, &object);
    rtu_commit(rtu, now, komet_asdu_end(&writer));
}

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

static void execute(struct rtu *rtu, struct rtu_now now, const struct rtu_answer *answer)
{
    uint8_t type;
    struct komet_object object = object_of(rtu, answer, &type);
    const struct rtu_point *command = find_command(rtu, type, object.ioa);
    KOMET_ASSERT(command != NULL);
    rtu->counters.commands++;
    if (command->follows == 0) {
        return;
    }
    uint32_t ioa = command->follows + (object.ioa - command->ioa);
    const struct rtu_point *target = rtu_plan_find(rtu->plan, ioa);
    KOMET_ASSERT(target != NULL);
    double current = *rtu_value_of(rtu, target, ioa - target->ioa);
    rtu_set(rtu, target, ioa - target->ioa, followed(&object, target, current), now.utc);
}

/* The body of an answer. True when a frame was sent; then the answer's stage says what follows. */
static bool send_body(struct rtu *rtu, struct rtu_now now, struct rtu_answer *answer)
{
    switch (answer->kind) {
    case ANSWER_STATION:
    case ANSWER_COUNTERS:
        return send_points(rtu, now, answer);
    case ANSWER_MIRROR:
    case ANSWER_EMPTY:
    case ANSWER_READ:
    case ANSWER_RESET:
    case ANSWER_COMMAND:
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown kind of answer");
}

/* The first frame. */
static void send_first(struct rtu *rtu, struct rtu_now now, const struct rtu_answer *answer)
{
    if (answer->kind == ANSWER_READ) {
        send_read(rtu, now, answer);
        return;
    }
    send_mirror(rtu, now, answer, answer->cause, answer->negative);
    if (answer->kind == ANSWER_COMMAND) {
        execute(rtu, now, answer);
    }
}

bool rtu_send_answer(struct rtu *rtu, struct rtu_now now)
{
    if (rtu->answer_count == 0) {
        return false;
    }
    struct rtu_answer *answer = &rtu->answers[rtu->answer_first];
    if (answer->stage == STAGE_CON) {
        send_first(rtu, now, answer);
        answer->stage = STAGE_BODY;
        if (answer->kind != ANSWER_MIRROR && answer->kind != ANSWER_READ) {
            return true;
        }
    } else if (send_body(rtu, now, answer)) {
        return true;
    } else if (answer->kind == ANSWER_RESET) {
        send_initialised(rtu, now);
    } else {
        send_mirror(rtu, now, answer, KOMET_COT_ACTIVATION_TERMINATION, false);
    }
    rtu->answer_first = (rtu->answer_first + 1) % RTU_ANSWERS_MAX;
    rtu->answer_count--;
    return true;
}
