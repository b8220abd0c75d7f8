/*
 * pair_answer: what comes to a simulated Sinaut pair, what HOT answers, and what is asked and commanded by
 * it.
 */
#include <string.h>

#include "partner/pair_private.h"

#define QOI_STATION 20
#define QCC_GENERAL 5
#define QCC_REQUEST 0x3Fu /* the bits that say which counters */

static char name_of(unsigned system)
{
    return (char)('a' + (int)system);
}

/* ---- answers ---- */

void pair_answers_forget(struct pair *pair, unsigned system, unsigned partner)
{
    struct pair_session *session = &pair->sessions[system][partner];
    session->answer_count = session->question_count = session->request_count = 0;
    session->answered = 0;
}

/* The answer's octets: those that came, with another cause. */
static void write_answer(const struct pair *pair, unsigned system, uint8_t *octets, uint8_t cause,
                         bool negative)
{
    komet_asdu_mirror(octets, cause, negative);
    if (pair_misbehaves(pair, system, PAIR_WRONG_CA)) {
        octets[4] = (uint8_t)(pair->wrong_ca >> 8);
        octets[5] = (uint8_t)pair->wrong_ca;
    }
}

static struct komet_instant due_at(const struct pair *pair, struct rtu_now now, unsigned system)
{
    return pair_misbehaves(pair, system, PAIR_LATE_CONFIRMATION) ? komet_after(now.instant, pair->late_us)
                                                                 : now.instant;
}

static void push_answer(struct pair *pair, struct rtu_now now, unsigned c, const uint8_t *octets, size_t size,
                        uint8_t cause, bool negative)
{
    unsigned system = pair_system_of(c);
    struct pair_session *session = &pair->sessions[system][pair_partner_of(c)];
    pair->counters.refused += negative ? 1u : 0u;
    if (session->answer_count == PAIR_ANSWERS_MAX || size > KOMET_ASDU_SIZE_ONE) {
        pair_note(pair, "%c does not answer an ASDU of type %u: too many answers wait, or it is too long",
                  name_of(system), octets[0]);
        return;
    }
    struct pair_answer *answer = &session->answers[session->answer_count++];
    *answer = (struct pair_answer){.due = due_at(pair, now, system), .size = (uint8_t)size};
    memcpy(answer->octets, octets, size);
    write_answer(pair, system, answer->octets, cause, negative);
}

/* ---- what is asked of us ---- */

/* The point of a command; NULL, with the cause of the refusal, when there is none. */
static struct rtu *find_command(const struct pair *pair, const struct komet_asdu *asdu,
                                const struct komet_object *object, uint8_t *refusal)
{
    for (size_t i = 0; i < pair->plan->station_count; i++) {
        const struct rtu_point *row = rtu_plan_find(&pair->processes[i], object->ioa);
        if (pair->processes[i].ca != asdu->ca) {
            continue;
        }
        bool has = row != NULL && rtu_is_command(row->type) &&
                   komet_type_without_time(row->type) == komet_type_without_time(asdu->type);
        *refusal = KOMET_COT_UNKNOWN_IOA;
        return has ? pair->stations[i] : NULL;
    }
    *refusal = KOMET_COT_UNKNOWN_CA;
    return NULL;
}

/* The states 0 and 3 of double and regulating commands mean nothing. */
static bool is_possible(const struct komet_object *object)
{
    bool two = object->element == KOMET_ELEMENT_DOUBLE || object->element == KOMET_ELEMENT_REGULATING;
    return !two || object->value.number == 1 || object->value.number == 2;
}

static void take_command(struct pair *pair, struct rtu_now now, unsigned c, const struct komet_asdu *asdu)
{
    struct komet_object object;
    uint8_t refusal;
    komet_asdu_object(asdu, 0, &object);
    struct rtu *station = find_command(pair, asdu, &object, &refusal);
    if (station == NULL) {
        push_answer(pair, now, c, asdu->octets, asdu->size, refusal, true);
        return;
    }
    bool negative = pair_misbehaves(pair, pair_system_of(c), PAIR_NEGATIVE) || !is_possible(&object);
    bool terminates = !pair_misbehaves(pair, pair_system_of(c), PAIR_NO_TERMINATION);
    if (!negative && !object.select && !asdu->test) {
        rtu_command(station, now, asdu->type, &object);
        pair_events_collect(pair, now);
        pair->counters.commands++;
    }
    unsigned confirm = pair->plan->confirm;
    if ((confirm & 1u) != 0 || (negative && confirm != 0)) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_ACTIVATION_CON, negative);
    }
    if ((confirm & 2u) != 0 && !negative && terminates) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_ACTIVATION_TERMINATION, false);
    }
}

static void take_question(struct pair *pair, struct rtu_now now, unsigned c, const struct komet_asdu *asdu)
{
    unsigned system = pair_system_of(c);
    struct pair_session *session = &pair->sessions[system][pair_partner_of(c)];
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    bool all = asdu->type == KOMET_C_IC_NA_1 ? object.qualifier == QOI_STATION
                                             : (object.qualifier & QCC_REQUEST) == QCC_GENERAL;
    if (asdu->ca != KOMET_CA_BROADCAST_2 && pair_station(pair, asdu->ca) == NULL) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_CA, true);
    } else if (!all || session->question_count == PAIR_QUESTIONS_MAX) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_ACTIVATION_CON, true);
    } else {
        struct pair_question *question = &session->questions[session->question_count++];
        KOMET_ASSERT(asdu->size <= sizeof question->octets);
        *question = (struct pair_question){.due = due_at(pair, now, system), .size = (uint8_t)asdu->size};
        memcpy(question->octets, asdu->octets, asdu->size);
        pair->counters.interrogations++;
    }
}

static bool is_interrogation(uint8_t type)
{
    return type == KOMET_C_IC_NA_1 || type == KOMET_C_CI_NA_1;
}

static void take_order(struct pair *pair, struct rtu_now now, unsigned c, const struct komet_asdu *asdu)
{
    unsigned system = pair_system_of(c);
    bool command = asdu->row->direction == KOMET_CONTROL;
    if (!pair_acts(pair, system) || pair_misbehaves(pair, system, PAIR_NO_CONFIRMATION)) {
        pair->counters.ignored++;
    } else if (!command && !is_interrogation(asdu->type)) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_TYPE, true);
    } else if (asdu->cause != KOMET_COT_ACTIVATION) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_CAUSE, true);
    } else if (command) {
        take_command(pair, now, c, asdu);
    } else {
        take_question(pair, now, c, asdu);
    }
}

/* ---- what comes ---- */

static void take_values(struct pair *pair, unsigned c, const struct komet_asdu *asdu)
{
    unsigned system = pair_system_of(c), partner = pair_partner_of(c);
    pair->delivers[system] = partner;
    pair->counters.values += asdu->count;
    if (asdu->cause >= KOMET_COT_INTERROGATED_STATION && asdu->cause < KOMET_COT_UNKNOWN_TYPE) {
        pair->sessions[system][partner].answered += asdu->count;
    }
}

static bool is_answer(uint8_t cause)
{
    return cause == KOMET_COT_ACTIVATION_CON || cause == KOMET_COT_DEACTIVATION_CON ||
           cause == KOMET_COT_ACTIVATION_TERMINATION ||
           (cause >= KOMET_COT_UNKNOWN_TYPE && cause <= KOMET_COT_UNKNOWN_IOA);
}

/* To what the pair has asked or commanded. */
static void take_answer(struct pair *pair, unsigned c, const struct komet_asdu *asdu)
{
    unsigned system = pair_system_of(c), partner = pair_partner_of(c);
    struct pair_session *session = &pair->sessions[system][partner];
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    pair->delivers[system] = partner;
    if (!is_interrogation(asdu->type) || asdu->negative) {
        pair_note(pair, "%c: partner %u says of type %u to %u, %u: %s%s", name_of(system), partner + 1,
                  asdu->type, asdu->ca, object.ioa, komet_cause_name(asdu->cause),
                  asdu->negative ? ", negative" : "");
    } else if (asdu->cause == KOMET_COT_ACTIVATION_TERMINATION) {
        pair_note(pair, "%c: partner %u has answered an interrogation with %u values", name_of(system),
                  partner + 1, session->answered);
        session->answered = 0;
    }
}

static void take_asdu(struct pair *pair, struct rtu_now now, unsigned c, const struct komet_asdu *asdu)
{
    pair->got.waits = true;
    pair->got.connection = c;
    pair->got.next = 0;
    pair->got.asdu = *asdu;
    if (asdu->row->direction == KOMET_MONITOR) {
        take_values(pair, c, asdu);
    } else if (is_answer(asdu->cause)) {
        take_answer(pair, c, asdu);
    } else {
        take_order(pair, now, c, asdu);
    }
}

static void take_unknown(struct pair *pair, struct rtu_now now, unsigned c, const struct komet_asdu *asdu)
{
    if (pair_acts(pair, pair_system_of(c)) && !is_answer(asdu->cause)) {
        push_answer(pair, now, c, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_TYPE, true);
    }
}

void pair_receive(struct pair *pair, struct rtu_now now, unsigned connection,
                  const struct komet_link_output *from)
{
    struct komet_link *link = pair->connections[connection].link;
    struct komet_asdu asdu;
    switch (komet_asdu_decode(&komet_profile_sinaut, from->octets, from->size, &asdu)) {
    case KOMET_ASDU_OK:
        if (asdu.row->direction == KOMET_FILE) { /* has objects of its own kind */
            take_unknown(pair, now, connection, &asdu);
        } else {
            take_asdu(pair, now, connection, &asdu);
        }
        break;
    case KOMET_ASDU_UNKNOWN_TYPE:
        take_unknown(pair, now, connection, &asdu);
        break;
    case KOMET_ASDU_TOO_SHORT:
    case KOMET_ASDU_TOO_LONG:
    case KOMET_ASDU_NO_OBJECT:
    case KOMET_ASDU_BAD_SEQUENCE:
        komet_link_close(link, KOMET_BAD_ASDU);
        return;
    }
    komet_link_acknowledge(link, now.instant, from->received);
}

/* ---- the values of an interrogation ---- */

static bool is_total(uint8_t type)
{
    return type == KOMET_M_IT_NA_1 || type == KOMET_M_IT_TA_1 || type == KOMET_M_IT_TB_1;
}

/* Does a row belong into an answer? */
static bool is_asked(const struct pair *pair, const struct komet_asdu *asked, size_t station,
                     const struct rtu_point *row)
{
    if (rtu_is_command(row->type) || !rtu_has_state(row->type) ||
        (asked->ca != KOMET_CA_BROADCAST_2 && asked->ca != pair->processes[station].ca)) {
        return false;
    }
    if (asked->type == KOMET_C_CI_NA_1) {
        return is_total(row->type);
    }
    return !is_total(row->type) || pair->plan->totals_with_interrogation;
}

/* The row of the next point that belongs into an answer; NULL: there is none. */
static const struct rtu_point *next_asked(const struct pair *pair, struct pair_question *question)
{
    struct komet_asdu asked;
    enum komet_asdu_result result =
        komet_asdu_decode(&komet_profile_sinaut, question->octets, question->size, &asked);
    KOMET_ASSERT(result == KOMET_ASDU_OK);
    while (question->station < pair->plan->station_count) {
        const struct rtu_plan *plan = &pair->processes[question->station];
        const struct rtu_point *row = &plan->points[question->row];
        if (question->row == plan->point_count) {
            question->station++;
            question->row = 0;
        } else if (question->point < row->count && is_asked(pair, &asked, question->station, row)) {
            return row;
        } else {
            question->row++;
            question->point = 0;
        }
    }
    return NULL;
}

/* One ASDU: points of a row. */
static void send_values(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner,
                        struct pair_question *question, const struct rtu_point *row, uint8_t *octets)
{
    struct rtu *station = pair->stations[question->station];
    bool totals = question->octets[0] == KOMET_C_CI_NA_1;
    struct komet_asdu_writer writer;
    pair_begin(pair, system, &writer, row->type,
               totals ? KOMET_COT_COUNTERS_GENERAL : KOMET_COT_INTERROGATED_STATION,
               pair->processes[question->station].ca, octets);
    for (; question->point < row->count; question->point++) {
        double number = 0;
        rtu_value(station, row->ioa + question->point, &number);
        struct komet_object object = rtu_object(row->type, row->ioa + question->point, number, now.utc);
        if (!komet_asdu_add(&writer, &object)) {
            break;
        }
    }
    pair_commit(pair, now, system, partner, komet_asdu_end(&writer));
}

static void send_mirror(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner,
                        const struct pair_question *question, uint8_t cause, uint8_t *octets)
{
    memcpy(octets, question->octets, question->size);
    write_answer(pair, system, octets, cause, false);
    pair_commit(pair, now, system, partner, question->size);
}

bool pair_send_question(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner)
{
    struct pair_session *session = &pair->sessions[system][partner];
    struct pair_question *question = &session->questions[0];
    if (session->question_count == 0 || !komet_reached(now.instant, question->due)) {
        return false;
    }
    const struct rtu_point *row = next_asked(pair, question);
    bool ends = question->confirmed && row == NULL;
    uint8_t *octets = pair_reserve(pair, system, partner);
    if (octets == NULL) {
        return false;
    }
    if (!question->confirmed) {
        send_mirror(pair, now, system, partner, question, KOMET_COT_ACTIVATION_CON, octets);
        question->confirmed = true;
    } else if (!ends) {
        send_values(pair, now, system, partner, question, row, octets);
    } else {
        if (!pair_misbehaves(pair, system, PAIR_NO_TERMINATION)) {
            send_mirror(pair, now, system, partner, question, KOMET_COT_ACTIVATION_TERMINATION, octets);
        }
        session->question_count--;
        memmove(question, question + 1, session->question_count * sizeof *question);
    }
    return true;
}

/* ---- sending ---- */

/* Sends the first that is due; false: none is, or there is no room. */
static bool send_first(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner,
                       struct pair_answer *list, unsigned *count)
{
    for (unsigned i = 0; i < *count; i++) {
        uint8_t *octets =
            komet_reached(now.instant, list[i].due) ? pair_reserve(pair, system, partner) : NULL;
        if (octets != NULL) {
            memcpy(octets, list[i].octets, list[i].size);
            pair_commit(pair, now, system, partner, list[i].size);
            (*count)--;
            memmove(&list[i], &list[i + 1], (*count - i) * sizeof list[0]);
            return true;
        }
    }
    return false;
}

bool pair_send_answer(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner)
{
    struct pair_session *session = &pair->sessions[system][partner];
    return send_first(pair, now, system, partner, session->answers, &session->answer_count) ||
           send_first(pair, now, system, partner, session->requests, &session->request_count);
}

struct komet_instant pair_answers_deadline(const struct pair *pair)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned i = 0; i < PAIR_SYSTEMS * PAIR_PARTNERS && pair->late_us > 0; i++) {
        const struct pair_session *session = &pair->sessions[i / PAIR_PARTNERS][i % PAIR_PARTNERS];
        if (session->carrier == PAIR_NOBODY) {
            continue;
        }
        for (unsigned at = 0; at < session->answer_count; at++) {
            deadline = komet_earlier(deadline, session->answers[at].due);
        }
        if (session->question_count > 0 && !session->questions[0].confirmed) {
            deadline = komet_earlier(deadline, session->questions[0].due);
        }
    }
    return deadline;
}

/* ---- what we ask and command ---- */

static bool push_request(struct pair *pair, unsigned system, unsigned partner,
                         const struct komet_asdu_header *header, const struct komet_object *object)
{
    struct pair_session *session = &pair->sessions[system][partner];
    struct komet_asdu_writer writer;
    if (session->request_count == PAIR_REQUESTS_MAX) {
        return false;
    }
    struct pair_answer *request = &session->requests[session->request_count++];
    *request = (struct pair_answer){.due = pair->start};
    bool begun =
        komet_asdu_begin(&writer, &komet_profile_sinaut, header, request->octets, sizeof request->octets);
    KOMET_ASSERT(begun);
    bool added = komet_asdu_add(&writer, object);
    KOMET_ASSERT(added);
    request->size = (uint8_t)komet_asdu_end(&writer);
    return true;
}

bool pair_ask(struct pair *pair, unsigned system, unsigned partner, uint16_t ca)
{
    struct komet_asdu_header header = {
        .type = KOMET_C_IC_NA_1, .cause = KOMET_COT_ACTIVATION, .oa = pair->plan->originator, .ca = ca};
    struct komet_object object = {.qualifier = QOI_STATION};
    return push_request(pair, system, partner, &header, &object);
}

/* To the partner that has delivered last, or to the one that is there. */
static void command(struct pair *pair, struct rtu_now now, const struct pair_order *order)
{
    unsigned system = pair->hot;
    if (system == PAIR_NOBODY || !pair_acts(pair, system)) {
        pair_note(pair, "no command is given: nobody is HOT here");
        return;
    }
    unsigned partner = pair->delivers[system];
    if (pair->sessions[system][partner].carrier == PAIR_NOBODY) {
        partner = 1 - partner;
    }
    struct komet_asdu_header header = {
        .type = order->type, .cause = KOMET_COT_ACTIVATION, .oa = pair->plan->originator, .ca = order->ca};
    double number = rtu_transmitted(order->type, order->number);
    struct komet_object object = rtu_object(order->type, order->ioa, number, now.utc);
    object.select = order->select;
    if (pair->sessions[system][partner].carrier == PAIR_NOBODY) {
        pair_note(pair, "no command is given: %c reaches nobody", name_of(system));
    } else if (!push_request(pair, system, partner, &header, &object)) {
        pair_note(pair, "no command is given: too many wait");
    } else {
        pair_note(pair, "%c commands partner %u: type %u to %u, %u", name_of(system), partner + 1,
                  order->type, order->ca, order->ioa);
    }
}

static void interrogate(struct pair *pair, const struct pair_order *order)
{
    bool any = false;
    for (unsigned p = 0; p < PAIR_PARTNERS; p++) {
        any = any || pair->sessions[order->system][p].carrier != PAIR_NOBODY;
        if (pair->sessions[order->system][p].carrier != PAIR_NOBODY &&
            !pair_ask(pair, order->system, p, order->ca)) {
            pair_note(pair, "no interrogation: too many wait");
        }
    }
    if (!any) {
        pair_note(pair, "no interrogation: %c reaches nobody", name_of(order->system));
    }
}

void pair_answers_obey(struct pair *pair, struct rtu_now now, const struct pair_order *order)
{
    struct rtu *station = pair_station(pair, order->ca);
    if (order->kind == PAIR_ORDER_COMMAND) {
        command(pair, now, order);
    } else if (order->kind == PAIR_ORDER_INTERROGATE) {
        interrogate(pair, order);
    } else if (station == NULL || !rtu_event(station, now, order->ioa, order->number)) {
        pair_note(pair, "%u, %u is no point of ours", order->ca, order->ioa);
    } else {
        pair_events_collect(pair, now);
    }
}
