/*
 * pair_paths: the connections of a simulated Sinaut pair, which of them carries data, and who is HOT.
 */
#include "partner/pair_private.h"

static bool is_played(const struct pair *pair, unsigned system)
{
    return pair_has_bit(pair->plan->systems, system);
}

/* Is there a way for connections on a path? */
static bool is_there(const struct pair *pair, unsigned system, unsigned network)
{
    uint8_t bit = pair_path_bit(system, network);
    return is_played(pair, system) && network < pair->plan->networks &&
           !pair_has_bit(pair->lost_systems, system) && ((pair->lost_paths | pair->frozen_paths) & bit) == 0;
}

static bool may_connect(const struct pair *pair, unsigned c)
{
    return pair->plan->connects && pair_partner_of(c) < pair->plan->partners &&
           is_there(pair, pair_system_of(c), pair_network_of(c));
}

bool pair_listens(const struct pair *pair, unsigned system, unsigned network)
{
    return !pair->plan->connects && is_there(pair, system, network);
}

void pair_paths_init(struct pair *pair)
{
    pair->unreached = KOMET_NEVER;
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        pair->connections[c].retry_at = pair->connections[c].connect_by = KOMET_NEVER;
    }
    for (unsigned s = 0; s < PAIR_SYSTEMS; s++) {
        for (unsigned p = 0; p < PAIR_PARTNERS; p++) {
            pair->sessions[s][p].carrier = PAIR_NOBODY;
        }
    }
}

/* ---- which connection carries data ---- */

static unsigned first_started(const struct pair *pair, unsigned system, unsigned partner)
{
    unsigned first = PAIR_NOBODY;
    uint64_t when = UINT64_MAX;
    for (unsigned network = 0; network < PAIR_NETWORKS; network++) {
        uint64_t started = pair->connections[PAIR_CONNECTION(system, partner, network)].started;
        if (started != 0 && started < when) {
            first = network;
            when = started;
        }
    }
    return first;
}

static bool asks(const struct pair *pair, unsigned system)
{
    return pair_acts(pair, system) || pair->plan->standby_interrogates;
}

static void choose_carrier(struct pair *pair, unsigned system, unsigned partner)
{
    struct pair_session *session = &pair->sessions[system][partner];
    unsigned c = PAIR_CONNECTION(system, partner, session->carrier);
    if (session->carrier != PAIR_NOBODY && pair->connections[c].started != 0) {
        return; /* no way back to one that was started before it was lost */
    }
    unsigned before = session->carrier;
    session->carrier = first_started(pair, system, partner);
    if (session->carrier == before) {
        return;
    }
    pair_answers_forget(pair, system, partner);
    pair_events_again(pair, system, partner);
    if (session->carrier == PAIR_NOBODY) {
        pair_note(pair, "%c does not reach partner %u any more", 'a' + (int)system, partner + 1);
        return;
    }
    pair_note(pair, "%c%u carries data to partner %u", 'a' + (int)system, session->carrier + 1, partner + 1);
    if (asks(pair, system)) {
        pair_ask(pair, system, partner, KOMET_CA_BROADCAST_2);
    }
}

void pair_data_transfer(struct pair *pair, struct rtu_now now, unsigned connection, bool started)
{
    (void)now;
    pair->connections[connection].started = started ? ++pair->starts : 0;
    choose_carrier(pair, pair_system_of(connection), pair_partner_of(connection));
}

static bool reaches(const struct pair *pair, unsigned system)
{
    return pair->sessions[system][0].carrier != PAIR_NOBODY ||
           pair->sessions[system][1].carrier != PAIR_NOBODY;
}

/* ---- connections ---- */

void pair_drop(struct pair *pair, struct rtu_now now, unsigned connection, enum komet_reason reason,
               bool close)
{
    struct pair_connection *own = &pair->connections[connection];
    own->link = NULL;
    own->started = 0;
    own->unwritten = false;
    own->connect_wanted = false;
    own->connect_by = KOMET_NEVER;
    if (close && own->open) {
        own->open = false;
        own->close_wanted = true;
        own->reason = reason;
    }
    if (pair->plan->connects && !own->open) {
        own->retry_at = komet_after(now.instant, pair->plan->reconnect_us);
    }
    choose_carrier(pair, pair_system_of(connection), pair_partner_of(connection));
}

void pair_connected(struct pair *pair, struct rtu_now now, unsigned connection)
{
    struct pair_connection *own = &pair->connections[connection];
    KOMET_ASSERT(connection < PAIR_CONNECTIONS);
    own->open = false;
    pair_drop(pair, now, connection, KOMET_REPLACED, false);
    own->open = true;
    own->close_wanted = false; /* of the one before */
    own->retry_at = KOMET_NEVER;
    own->link = komet_link_init(own->memory, komet_link_size(&pair->settings), &pair->settings, now.instant);
    if (pair->plan->connects) {
        komet_link_start(own->link, now.instant);
    }
}

void pair_closed(struct pair *pair, struct rtu_now now, unsigned connection)
{
    pair->connections[connection].open = false;
    pair_drop(pair, now, connection, KOMET_PEER_CLOSED, false);
}

static void tick_connection(struct pair *pair, struct rtu_now now, unsigned c)
{
    struct pair_connection *own = &pair->connections[c];
    if (own->link != NULL) {
        komet_link_tick(own->link, now.instant);
    }
    if (komet_reached(now.instant, own->connect_by)) {
        pair_drop(pair, now, c, KOMET_T0_EXPIRED, true);
    }
    if (!own->open && komet_reached(now.instant, own->retry_at)) {
        own->retry_at = KOMET_NEVER;
        if (may_connect(pair, c)) {
            own->open = own->connect_wanted = true;
            own->connect_by = komet_after(now.instant, pair->plan->t0_us);
        } /* else when the path is there again */
    }
}

bool pair_paths_next(struct pair *pair, struct pair_output *output)
{
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        struct pair_connection *own = &pair->connections[c];
        *output = (struct pair_output){.connection = c};
        if (own->close_wanted) {
            own->close_wanted = false;
            output->kind = PAIR_OUT_CLOSE;
            output->reason = own->reason;
            return true;
        }
        if (own->connect_wanted) {
            own->connect_wanted = false;
            output->kind = PAIR_OUT_CONNECT;
            return true;
        }
    }
    return false;
}

/* ---- who is HOT ---- */

void pair_set_hot(struct pair *pair, struct rtu_now now, unsigned system, const char *why)
{
    unsigned before = pair->hot;
    (void)now;
    if (before == system) {
        return;
    }
    pair->hot = (uint8_t)system;
    pair->unreached = KOMET_NEVER;
    pair_note(pair, "%c is HOT: %s", system == PAIR_NOBODY ? '-' : 'a' + (int)system, why);
    for (unsigned p = 0; p < PAIR_PARTNERS; p++) {
        if (before != PAIR_NOBODY && !pair_acts(pair, before)) {
            pair_answers_forget(pair, before, p);
        }
        if (system != PAIR_NOBODY) {
            pair_events_again(pair, system, p);
            if (pair->sessions[system][p].carrier != PAIR_NOBODY) {
                pair_ask(pair, system, p, KOMET_CA_BROADCAST_2);
            }
        }
    }
}

/* Ought the standby to take over? */
static bool is_due(const struct pair *pair)
{
    if (pair->plan->takeover_us == 0 || pair->plan->systems != PAIR_BOTH || pair->hot == PAIR_NOBODY) {
        return false;
    }
    unsigned standby = 1u - pair->hot;
    bool lost = (pair->lost_systems >> pair->hot & 1u) != 0;
    return !pair_has_bit(pair->lost_systems, standby) &&
           (lost || (!reaches(pair, pair->hot) && reaches(pair, standby)));
}

static void tick_takeover(struct pair *pair, struct rtu_now now)
{
    if (!is_due(pair)) {
        pair->unreached = KOMET_NEVER;
    } else if (pair->unreached.us == KOMET_NEVER.us) {
        pair->unreached = now.instant;
    }
    if (komet_reached(now.instant, komet_after(pair->unreached, pair->plan->takeover_us))) {
        pair_set_hot(pair, now, 1u - pair->hot, "the other one is lost");
    }
}

void pair_paths_tick(struct pair *pair, struct rtu_now now)
{
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        tick_connection(pair, now, c);
    }
    tick_takeover(pair, now);
}

struct komet_instant pair_paths_deadline(const struct pair *pair)
{
    struct komet_instant deadline = komet_after(pair->unreached, pair->plan->takeover_us);
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        const struct pair_connection *own = &pair->connections[c];
        if (own->link != NULL) {
            deadline = komet_earlier(deadline, komet_link_deadline(own->link));
        }
        deadline =
            komet_earlier(deadline, komet_earlier(own->connect_by, own->open ? KOMET_NEVER : own->retry_at));
    }
    if (is_due(pair) && pair->unreached.us == KOMET_NEVER.us) {
        return (struct komet_instant){0}; /* its time begins with the next tick */
    }
    return deadline;
}

/* ---- orders ---- */

static void restore(struct pair *pair, struct rtu_now now, const struct pair_order *order)
{
    uint8_t frozen = pair->frozen_paths & order->paths;
    pair->lost_systems &= (uint8_t)~order->systems;
    pair->lost_paths &= (uint8_t)~order->paths;
    pair->frozen_paths &= (uint8_t)~order->paths;
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        uint8_t bit = pair_path_bit(pair_system_of(c), pair_network_of(c));
        if ((frozen & bit) != 0) { /* octets are missing: nothing can go on */
            pair_drop(pair, now, c, KOMET_CONNECTION_RESET, true);
        }
        if ((order->paths & bit) != 0 && pair->plan->connects && !pair->connections[c].open) {
            pair->connections[c].retry_at = now.instant;
            tick_connection(pair, now, c);
        }
    }
}

static void tell_paths(struct pair *pair, uint8_t before)
{
    uint8_t after = pair->lost_paths | pair->frozen_paths;
    for (unsigned path = 0; path < PAIR_SYSTEMS * PAIR_NETWORKS; path++) {
        if (pair_has_bit((unsigned)(before ^ after), path)) {
            bool frozen = pair_has_bit(pair->frozen_paths, path);
            pair_note(pair, "%c%u is %s", 'a' + (int)(path / PAIR_NETWORKS), path % PAIR_NETWORKS + 1,
                      !pair_has_bit(after, path) ? "there again"
                      : frozen                   ? "frozen"
                                                 : "lost");
        }
    }
}

static void tell_systems(struct pair *pair, uint8_t before)
{
    for (unsigned s = 0; s < PAIR_SYSTEMS; s++) {
        if (pair_has_bit((unsigned)(before ^ pair->lost_systems), s)) {
            bool lost = pair_has_bit(pair->lost_systems, s);
            pair_note(pair, "%c is %s", 'a' + (int)s, lost ? "lost" : "there again");
        }
    }
}

void pair_paths_obey(struct pair *pair, struct rtu_now now, const struct pair_order *order)
{
    uint8_t paths = pair->lost_paths | pair->frozen_paths, systems = pair->lost_systems;
    if (order->kind == PAIR_ORDER_RESTORE) {
        restore(pair, now, order);
    } else if (order->kind == PAIR_ORDER_FREEZE) {
        pair->frozen_paths |= order->paths;
    } else {
        pair->lost_systems |= order->systems;
        pair->lost_paths |= order->systems == 0 ? order->paths : 0;
        for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
            if ((order->paths & pair_path_bit(pair_system_of(c), pair_network_of(c))) != 0) {
                pair_drop(pair, now, c, KOMET_CONNECTION_RESET, true);
            }
        }
    }
    tell_paths(pair, paths);
    tell_systems(pair, systems);
}
