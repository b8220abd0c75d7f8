/*
 * pair_events: what the stations of a simulated Sinaut pair generate, the ring in which it waits, and its way
 * out.
 */
#include "partner/pair_private.h"

/* ---- the ring ---- */

static uint64_t oldest(const struct pair *pair)
{
    return pair->head > pair->plan->events ? pair->head - pair->plan->events : 0;
}

static uint64_t most_acknowledged(const struct pair *pair)
{
    return pair->acknowledged[0] > pair->acknowledged[1] ? pair->acknowledged[0] : pair->acknowledged[1];
}

/* When the ring is full the oldest gives way. */
static void push(struct pair *pair, uint16_t ca, const struct rtu_output *event)
{
    if (pair->head == oldest(pair) + pair->plan->events && most_acknowledged(pair) <= oldest(pair)) {
        if (pair->counters.events_lost++ == 0) {
            pair_note(pair, "the ring of %zu events is full: the oldest are dropped", pair->plan->events);
        }
        pair->acknowledged[0] = pair->acknowledged[1] = oldest(pair) + 1;
    }
    pair->events[pair->head++ % pair->plan->events] = (struct pair_event){
        .number = event->number, .time = event->time, .ioa = event->ioa, .ca = ca, .type = event->type};
    pair->counters.events_generated++;
}

/* An event is what the partner of the other end is told: where only one system is played, and the other one
 * is HOT, that one tells it. */
static bool counts(const struct pair *pair)
{
    return pair->plan->systems == PAIR_BOTH ||
           (pair->hot != PAIR_NOBODY && (pair->plan->systems >> pair->hot & 1u) != 0);
}

/* Takes what a station has generated. An event that was not told yet is not to give way: false, the rest
 * comes with the next tick. */
static bool collect(struct pair *pair, size_t at, struct rtu_now now)
{
    struct rtu_output output;
    while (pair->head - pair->told < pair->plan->events) {
        if (!rtu_next(pair->stations[at], now, &output)) {
            return true;
        }
        if (output.kind == RTU_OUT_EVENT && counts(pair)) {
            push(pair, pair->processes[at].ca, &output);
        }
    }
    return false;
}

void pair_events_collect(struct pair *pair, struct rtu_now now)
{
    for (size_t i = 0; i < pair->plan->station_count; i++) {
        collect(pair, i, now);
    }
}

void pair_events_tick(struct pair *pair, struct rtu_now now)
{
    for (size_t i = 0; i < pair->plan->station_count; i++) {
        do {
            rtu_tick(pair->stations[i], now);
        } while (collect(pair, i, now) && komet_reached(now.instant, rtu_deadline(pair->stations[i])));
    }
}

struct komet_instant pair_events_deadline(const struct pair *pair)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (size_t i = 0; i < pair->plan->station_count; i++) {
        deadline = komet_earlier(deadline, rtu_deadline(pair->stations[i]));
    }
    return deadline;
}

struct rtu *pair_station(const struct pair *pair, uint16_t ca)
{
    for (size_t i = 0; i < pair->plan->station_count; i++) {
        if (pair->processes[i].ca == ca) {
            return pair->stations[i];
        }
    }
    return NULL;
}

/* ---- acknowledgements ---- */

/* Where a partner has no connection to HOT, it is not waited for. */
static void follow_others(struct pair *pair)
{
    for (unsigned p = 0; p < pair->plan->partners; p++) {
        struct pair_session *session = &pair->sessions[pair->hot][p];
        if (session->carrier == PAIR_NOBODY && pair->acknowledged[p] < most_acknowledged(pair)) {
            pair->acknowledged[p] = session->sent = most_acknowledged(pair);
        }
    }
}

void pair_events_acknowledged(struct pair *pair, unsigned connection, uint64_t number)
{
    unsigned partner = pair_partner_of(connection);
    uint64_t end = pair->connections[connection].ends[(number - 1) % pair->plan->k];
    uint64_t before = most_acknowledged(pair);
    if (pair->hot != pair_system_of(connection) || end <= pair->acknowledged[partner]) {
        return;
    }
    pair->acknowledged[partner] = end;
    if (end > before) {
        pair->counters.events_acknowledged += end - before;
    }
    follow_others(pair);
}

void pair_events_again(struct pair *pair, unsigned system, unsigned partner)
{
    if (pair->hot == system) {
        pair->sessions[system][partner].sent = pair->acknowledged[partner];
    }
}

/* ---- sending ---- */

static struct pair_connection *carrier_of(struct pair *pair, unsigned system, unsigned partner)
{
    unsigned network = pair->sessions[system][partner].carrier;
    return network == PAIR_NOBODY ? NULL : &pair->connections[PAIR_CONNECTION(system, partner, network)];
}

uint8_t *pair_reserve(struct pair *pair, unsigned system, unsigned partner)
{
    struct pair_connection *carrier = carrier_of(pair, system, partner);
    return carrier == NULL || komet_link_room(carrier->link) == 0 ? NULL : komet_link_reserve(carrier->link);
}

void pair_commit(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner, size_t size)
{
    struct pair_connection *carrier = carrier_of(pair, system, partner);
    KOMET_ASSERT(carrier != NULL && size > 0);
    uint64_t number = komet_link_commit(carrier->link, now.instant, size);
    /* What a standby sends against the rules is not what HOT has to send. */
    carrier->ends[(number - 1) % pair->plan->k] =
        pair->hot == system ? pair->sessions[system][partner].sent : 0;
}

void pair_begin(const struct pair *pair, unsigned system, struct komet_asdu_writer *writer, uint8_t type,
                uint8_t cause, uint16_t ca, uint8_t *octets)
{
    struct komet_asdu_header header = {.type = type,
                                       .cause = cause,
                                       .test = pair_misbehaves(pair, system, PAIR_MARK_TEST),
                                       .oa = pair->plan->originator,
                                       .ca = pair_misbehaves(pair, system, PAIR_WRONG_CA) ? pair->wrong_ca
                                                                                          : ca};
    bool begun = komet_asdu_begin(writer, &komet_profile_sinaut, &header, octets, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
}

bool pair_send_events(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner)
{
    struct pair_session *session = &pair->sessions[system][partner];
    session->sent = session->sent < oldest(pair) ? oldest(pair) : session->sent;
    if (!pair_acts(pair, system) || session->sent == pair->head) {
        return false;
    }
    uint8_t *octets = pair_reserve(pair, system, partner);
    if (octets == NULL) {
        return false;
    }
    const struct pair_event *first = &pair->events[session->sent % pair->plan->events];
    struct komet_asdu_writer writer;
    pair_begin(pair, system, &writer, first->type, KOMET_COT_SPONTANEOUS, first->ca, octets);
    for (; session->sent < pair->head; session->sent++) {
        const struct pair_event *event = &pair->events[session->sent % pair->plan->events];
        struct komet_object object = rtu_object(event->type, event->ioa, event->number, event->time);
        if (event->type != first->type || event->ca != first->ca || !komet_asdu_add(&writer, &object)) {
            break;
        }
    }
    pair_commit(pair, now, system, partner, komet_asdu_end(&writer));
    return true;
}
