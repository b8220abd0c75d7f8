/*
 * pair: the life of a simulated Sinaut pair: its memory, its verbs, and whose turn it is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/lay_out.h"
#include "partner/pair_private.h"

#define STATION_EVENTS 1024 /* that a station may generate before the pair takes them */

/* ---- plans ---- */

struct pair_plan pair_plan_standard(void)
{
    struct komet_link_settings link = komet_link_settings_standard(KOMET_CONTROLLED);
    return (struct pair_plan){.systems = PAIR_BOTH,
                              .networks = PAIR_NETWORKS,
                              .partners = 1,
                              .connects = true,
                              .k = link.k,
                              .w = link.w,
                              .t0_us = KOMET_SECONDS(30),
                              .t1_us = link.t1_us,
                              .t2_us = link.t2_us,
                              .t3_us = link.t3_us,
                              .reconnect_us = KOMET_SECONDS(5),
                              .takeover_us = KOMET_SECONDS(2),
                              .confirm = 3,
                              .totals_with_interrogation = true,
                              .events = 100000};
}

static struct komet_link_settings link_settings(const struct pair_plan *plan)
{
    struct komet_link_settings settings =
        komet_link_settings_standard(plan->connects ? KOMET_CONTROLLING : KOMET_CONTROLLED);
    settings.k = plan->k;
    settings.w = plan->w;
    settings.t1_us = plan->t1_us;
    settings.t2_us = plan->t2_us;
    settings.t3_us = plan->t3_us;
    settings.output_size = PAIR_LINK_OUTPUT;
    return settings;
}

static const char *stations_fault(const struct pair_plan *plan)
{
    size_t row;
    if (plan->station_count < 1 || plan->station_count > PAIR_STATIONS_MAX) {
        return "a pair has 1 to 64 stations";
    }
    for (size_t i = 0; i < plan->station_count; i++) {
        const char *fault = rtu_plan_fault(&plan->stations[i], &row);
        if (fault != NULL) {
            return fault;
        }
        for (size_t at = 0; at < plan->stations[i].point_count; at++) {
            if (plan->stations[i].points[at].every_us > 0) {
                return "a Sinaut station sends nothing periodically";
            }
        }
        for (size_t other = 0; other < i; other++) {
            if (plan->stations[other].ca == plan->stations[i].ca) {
                return "two stations have the same common address";
            }
        }
    }
    return NULL;
}

const char *pair_plan_fault(const struct pair_plan *plan)
{
    const struct komet_link_settings settings = link_settings(plan);
    const char *link = komet_link_settings_fault(&settings);
    const char *stations = stations_fault(plan);
    if (link != NULL || stations != NULL) {
        return link != NULL ? link : stations;
    }
    if (plan->systems == 0 || plan->systems > PAIR_BOTH) {
        return "a, b or both systems are played";
    }
    if (plan->partners < 1 || plan->partners > PAIR_PARTNERS) {
        return "the other end is one partner or two";
    }
    if (plan->networks < 1 || plan->networks > PAIR_NETWORKS) {
        return "there is one network, or there are two";
    }
    if (plan->hot >= PAIR_SYSTEMS && plan->hot != PAIR_NOBODY) {
        return "a, b or none is HOT";
    }
    if (plan->t0_us <= 0 || plan->reconnect_us <= 0 || plan->takeover_us < 0) {
        return "t0 and reconnect are above 0, takeover not below";
    }
    if (plan->confirm > 3) {
        return "confirm is 0 to 3";
    }
    if (plan->events < 1 || plan->events > 10000000) {
        return "1 to 10000000 events are kept";
    }
    return NULL;
}

/* ---- memory ---- */

/* What a station is as a process of its own: without a connection, and with few events of its own. */
static struct rtu_plan process_of(const struct rtu_plan *of)
{
    struct rtu_plan process = rtu_plan_standard();
    process.points = of->points;
    process.point_count = of->point_count;
    process.replay = of->replay;
    process.replay_count = of->replay_count;
    process.ca = of->ca;
    process.seed = of->seed;
    process.events = STATION_EVENTS;
    process.profile = &komet_profile_sinaut;
    return process;
}

static void begin_station(struct pair *pair, size_t at, const struct rtu_plan *of, uint8_t *memory,
                          size_t size, struct rtu_now now)
{
    pair->processes[at] = process_of(of);
    pair->stations[at] = rtu_init(memory, size, &pair->processes[at], now);
}

/* Walked once without memory for its size, and once with it. */
static size_t lay_out(uint8_t *memory, const struct pair_plan *plan, struct rtu_now now)
{
    struct komet_link_settings settings = link_settings(plan);
    size_t used = 0;
    struct pair *pair = lay_out_take(memory, &used, sizeof *pair);
    struct pair_event *events = lay_out_take(memory, &used, plan->events * sizeof *events);
    if (pair != NULL) {
        memset(pair, 0, sizeof *pair);
        pair->plan = plan;
        pair->settings = settings;
        pair->events = events;
    }
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        uint8_t *link = lay_out_take(memory, &used, komet_link_size(&settings));
        uint64_t *ends = lay_out_take(memory, &used, plan->k * sizeof *ends);
        if (pair != NULL) {
            pair->connections[c].memory = link;
            pair->connections[c].ends = ends;
        }
    }
    for (size_t i = 0; i < plan->station_count; i++) {
        struct rtu_plan process = process_of(&plan->stations[i]);
        size_t size = rtu_size(&process);
        uint8_t *station = lay_out_take(memory, &used, size);
        if (pair != NULL) {
            begin_station(pair, i, &plan->stations[i], station, size, now);
        }
    }
    return used;
}

size_t pair_size(const struct pair_plan *plan)
{
    return lay_out(NULL, plan, (struct rtu_now){.instant = {0}});
}

/* The highest address that no station has, and that is not that of all. */
static uint16_t unused_ca(const struct pair *pair)
{
    uint16_t ca = 65534;
    while (pair_station(pair, ca) != NULL) {
        ca--;
    }
    return ca;
}

struct pair *pair_init(void *memory, size_t size, const struct pair_plan *plan, struct rtu_now now)
{
    KOMET_ASSERT(pair_plan_fault(plan) == NULL);
    KOMET_ASSERT(size >= pair_size(plan));
    struct pair *pair = memory;
    lay_out(memory, plan, now);
    pair->start = now.instant;
    pair->wrong_ca = unused_ca(pair);
    pair->hot = plan->hot;
    pair_paths_init(pair);
    for (unsigned c = 0; c < PAIR_CONNECTIONS && plan->connects; c++) {
        pair->connections[c].retry_at = now.instant;
    }
    pair_tick(pair, now);
    return pair;
}

/* ---- small things that all files use ---- */

void pair_note(struct pair *pair, const char *format, ...)
{
    if (pair->note_count == PAIR_NOTES_MAX) {
        return; /* notes are for people */
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pair->notes[pair->note_count++], PAIR_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

bool pair_misbehaves(const struct pair *pair, unsigned system, enum pair_misbehaviour what)
{
    return pair_has_bit(pair->misbehaves[what], system);
}

bool pair_acts(const struct pair *pair, unsigned system)
{
    bool lost = pair_has_bit(pair->lost_systems, system);
    return !lost && (pair->hot == system || pair_misbehaves(pair, system, PAIR_STANDBY_SENDS));
}

unsigned pair_hot(const struct pair *pair)
{
    return pair->hot;
}

struct pair_counters pair_counters(const struct pair *pair)
{
    return pair->counters;
}

/* ---- octets ---- */

static bool is_frozen(const struct pair *pair, unsigned c)
{
    return (pair->frozen_paths & pair_path_bit(pair_system_of(c), pair_network_of(c))) != 0;
}

size_t pair_feed(struct pair *pair, struct rtu_now now, unsigned connection, const uint8_t *octets,
                 size_t size)
{
    struct komet_link *link = pair->connections[connection].link;
    KOMET_ASSERT(!pair->got.waits); /* the host takes what came before first */
    return link == NULL || is_frozen(pair, connection) ? size
                                                       : komet_link_feed(link, now.instant, octets, size);
}

void pair_written(struct pair *pair, unsigned connection, size_t size)
{
    struct pair_connection *own = &pair->connections[connection];
    own->unwritten = false;
    if (own->link != NULL) {
        komet_link_written(own->link, size);
    }
}

void pair_writable(struct pair *pair, unsigned connection)
{
    pair->connections[connection].unwritten = false;
}

/* ---- time ---- */

static struct komet_instant script_due(const struct pair *pair)
{
    return pair->script_next < pair->plan->script_count
               ? komet_after(pair->start, pair->plan->script[pair->script_next].time_us)
               : KOMET_NEVER;
}

void pair_tick(struct pair *pair, struct rtu_now now)
{
    pair_events_tick(pair, now);
    while (komet_reached(now.instant, script_due(pair))) {
        pair_obey(pair, now, &pair->plan->script[pair->script_next++].order);
    }
    pair_paths_tick(pair, now);
}

struct komet_instant pair_deadline(const struct pair *pair)
{
    struct komet_instant deadline = komet_earlier(pair_events_deadline(pair), pair_paths_deadline(pair));
    return komet_earlier(komet_earlier(deadline, script_due(pair)), pair_answers_deadline(pair));
}

/* ---- orders ---- */

static void set_misbehaviour(struct pair *pair, const struct pair_order *order)
{
    bool begins = order->kind == PAIR_ORDER_MISBEHAVE;
    for (unsigned what = 0; what < PAIR_MISBEHAVIOURS; what++) {
        if (!order->all && order->what != what) {
            continue;
        }
        uint8_t before = pair->misbehaves[what];
        uint8_t after = (uint8_t)(begins ? before | order->systems : before & ~order->systems);
        pair->misbehaves[what] = after;
        if (what == PAIR_LATE_CONFIRMATION && begins) {
            pair->late_us = order->time_us;
        }
        for (unsigned system = 0; system < PAIR_SYSTEMS; system++) {
            if (!pair_has_bit((unsigned)(before ^ after), system)) {
                continue;
            }
            pair_note(pair, "%c %s: %s", 'a' + (int)system, begins ? "misbehaves" : "behaves again",
                      pair_misbehaviour_name((enum pair_misbehaviour)what));
            for (unsigned p = 0; p < PAIR_PARTNERS && what == PAIR_STANDBY_SENDS && begins; p++) {
                if (pair->hot != system) {
                    pair->sessions[system][p].sent = pair->head; /* what HOT sends from now on */
                }
            }
        }
    }
}

void pair_obey(struct pair *pair, struct rtu_now now, const struct pair_order *order)
{
    switch (order->kind) {
    case PAIR_ORDER_HOT:
        pair_set_hot(pair, now, order->system, "by order");
        return;
    case PAIR_ORDER_LOSE:
    case PAIR_ORDER_FREEZE:
    case PAIR_ORDER_RESTORE:
        pair_paths_obey(pair, now, order);
        return;
    case PAIR_ORDER_MISBEHAVE:
    case PAIR_ORDER_BEHAVE:
        set_misbehaviour(pair, order);
        return;
    case PAIR_ORDER_VALUE:
    case PAIR_ORDER_COMMAND:
    case PAIR_ORDER_INTERROGATE:
        pair_answers_obey(pair, now, order);
        return;
    }
    KOMET_ASSERT_NEVER("an unknown order");
}

/* ---- what is wanted ---- */

/* The next object of the ASDU that came last. */
static void tell_got(struct pair *pair, struct pair_output *output)
{
    const struct komet_asdu *asdu = &pair->got.asdu;
    struct komet_object object;
    komet_asdu_object(asdu, pair->got.next++, &object);
    pair->got.waits = pair->got.next < asdu->count;
    *output = (struct pair_output){.kind = PAIR_OUT_GOT,
                                   .connection = pair->got.connection,
                                   .ca = asdu->ca,
                                   .ioa = object.ioa,
                                   .type = asdu->type,
                                   .cause = asdu->cause,
                                   .negative = asdu->negative,
                                   .test = asdu->test,
                                   .number = komet_object_number(&object),
                                   .status = komet_object_status_octet(asdu, &object),
                                   .time = KOMET_UTC_UNKNOWN};
    if (object.time_size == KOMET_TIME_CP56) {
        output->time = komet_cp56_to_utc(&object.time, KOMET_UTC_UNKNOWN);
    }
}

static bool take_own_output(struct pair *pair, struct pair_output *output)
{
    if (pair->told < pair->head) {
        const struct pair_event *event = &pair->events[pair->told++ % pair->plan->events];
        *output = (struct pair_output){.kind = PAIR_OUT_EVENT,
                                       .ca = event->ca,
                                       .ioa = event->ioa,
                                       .type = event->type,
                                       .number = event->number,
                                       .time = event->time};
        return true;
    }
    if (pair->note_next < pair->note_count) {
        *output = (struct pair_output){.kind = PAIR_OUT_NOTE, .text = pair->notes[pair->note_next++]};
        return true;
    }
    pair->note_next = pair->note_count = 0;
    if (pair->got.waits) {
        tell_got(pair, output);
        return true;
    }
    return false;
}

/* All that a link wants but SEND. True when it wanted something. */
static bool take_link_output(struct pair *pair, struct rtu_now now, unsigned c)
{
    struct komet_link_output from;
    struct komet_link *link = pair->connections[c].link;
    if (link == NULL || !komet_link_next(link, now.instant, &from)) {
        return false;
    }
    switch (from.kind) {
    case KOMET_LINK_OUT_STATE:
        if (from.state != KOMET_LINK_CLOSED) {
            pair_data_transfer(pair, now, c, from.state == KOMET_LINK_STARTED);
        }
        return true;
    case KOMET_LINK_OUT_ASDU:
        pair_receive(pair, now, c, &from);
        return true;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        pair_events_acknowledged(pair, c, from.acknowledged);
        return true;
    case KOMET_LINK_OUT_SEND:
        return false;
    case KOMET_LINK_OUT_CLOSE:
        pair_drop(pair, now, c, from.reason, !is_frozen(pair, c)); /* a frozen one seems to stand */
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the link");
}

/* One ASDU of a session: answers and requests first, then events and the values of an interrogation in turns.
 */
static bool send_one(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner)
{
    struct pair_session *session = &pair->sessions[system][partner];
    if (pair_send_answer(pair, now, system, partner)) {
        return true;
    }
    if (session->event_next && pair_send_events(pair, now, system, partner)) {
        session->event_next = false;
        return true;
    }
    session->event_next = pair_send_question(pair, now, system, partner);
    return session->event_next || pair_send_events(pair, now, system, partner);
}

/* Gives the links what they have room for. True when anything was sent: what is told about acknowledgements
 * comes before, since the places of their frames are used again. */
static bool fill(struct pair *pair, struct rtu_now now)
{
    bool any = false;
    for (unsigned i = 0; i < PAIR_SYSTEMS * PAIR_PARTNERS; i++) {
        while (send_one(pair, now, i / PAIR_PARTNERS, i % PAIR_PARTNERS)) {
            any = true;
        }
    }
    return any;
}

/* The octets with bit 0 of the third control octet in each I format: they are whole frames, as the host
 * writes all of a SEND or nothing. */
static const uint8_t *mark(struct pair *pair, const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(size <= sizeof pair->marked);
    memcpy(pair->marked, octets, size);
    for (size_t at = 0; at + KOMET_APDU_HEADER_SIZE <= size; at += pair->marked[at + 1] + 2u) {
        if ((pair->marked[at + 2] & 1u) == 0) {
            pair->marked[at + 4] |= 1u;
        }
    }
    return pair->marked;
}

/* Octets of a connection. True when `output` was filled. */
static bool send_octets(struct pair *pair, struct rtu_now now, unsigned c, struct pair_output *output)
{
    struct pair_connection *own = &pair->connections[c];
    struct komet_link_output from;
    if (own->link == NULL || own->unwritten || !komet_link_next(own->link, now.instant, &from)) {
        return false;
    }
    KOMET_ASSERT(from.kind == KOMET_LINK_OUT_SEND); /* all else was taken before */
    if (is_frozen(pair, c)) {
        komet_link_written(own->link, from.size); /* gone, and nobody will ever see it */
        return false;
    }
    bool marks = pair_misbehaves(pair, pair_system_of(c), PAIR_MARK_CF3);
    own->unwritten = true;
    *output = (struct pair_output){.kind = PAIR_OUT_SEND,
                                   .connection = c,
                                   .octets = marks ? mark(pair, from.octets, from.size) : from.octets,
                                   .size = from.size};
    return true;
}

bool pair_next(struct pair *pair, struct rtu_now now, struct pair_output *output)
{
    for (;;) {
        bool more = false;
        if (take_own_output(pair, output) || pair_paths_next(pair, output)) {
            return true;
        }
        for (unsigned c = 0; c < PAIR_CONNECTIONS && !more; c++) {
            more = take_link_output(pair, now, c);
        }
        if (more || fill(pair, now)) {
            continue;
        }
        for (unsigned i = 0; i < PAIR_CONNECTIONS; i++) {
            pair->turn = (pair->turn + 1) % PAIR_CONNECTIONS;
            if (send_octets(pair, now, pair->turn, output)) {
                return true;
            }
        }
        return false;
    }
}
