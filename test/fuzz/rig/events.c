/*
 * events: what waits for the controlling station. They leave in order on one connection; those that it did
 * not acknowledge, and no others, come again on the next one. On the same one nothing comes twice.
 */
#include "rig.h"

static void set_carrier(struct events *events, unsigned carrier)
{
    events->carrier = carrier;
    events->sent = events->tail;
    if (carrier < CONNECTIONS && events->carried[carrier] > events->tail) {
        events->sent = events->carried[carrier];
    }
}

static void move_tail(struct events *events, uint64_t tail)
{
    events->tail = tail > events->tail ? tail : events->tail;
    events->sent = events->sent > events->tail ? events->sent : events->tail;
    events->newest = events->newest > events->tail ? events->newest : events->tail;
}

static void not_started(struct events *events, unsigned c)
{
    unsigned found = CONNECTIONS;
    events->started[c] = 0;
    if (events->carrier != c) {
        return;
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        bool earlier = found == CONNECTIONS || events->started[i] < events->started[found];
        found = events->started[i] > 0 && earlier ? i : found;
    }
    set_carrier(events, found);
}

void events_state(struct rig *rig, unsigned c, enum komet_link_state state)
{
    struct events *events = &rig->events;
    if (state != KOMET_LINK_STARTED) {
        if (events->started[c] > 0) {
            not_started(events, c);
        }
        return;
    }
    events->started[c] = ++events->starts;
    if (rig->group_settings.mode == KOMET_GROUP_ALL_STARTED) {
        if (events->carrier == CONNECTIONS) {
            set_carrier(events, c);
        }
        return;
    }
    for (unsigned other = 0; other < CONNECTIONS; other++) {
        if (other != c && events->started[other] > 0) {
            events->started[other] = 0;
            rig->wires[other].must_close |= UINT32_C(1) << KOMET_REPLACED;
        }
    }
    set_carrier(events, c);
}

void events_dropped(struct rig *rig, unsigned c)
{
    rig->events.carried[c] = 0;
    not_started(&rig->events, c);
}

void events_acknowledged(struct rig *rig, uint64_t end)
{
    move_tail(&rig->events, end);
}

uint64_t events_behind(struct rig *rig, unsigned c)
{
    struct events *events = &rig->events;
    uint64_t behind = c == events->carrier ? events->sent : events->tail;
    events->carried[c] = behind > events->carried[c] ? behind : events->carried[c];
    return events->carried[c];
}

void events_heard(struct rig *rig, unsigned c, const uint8_t *octets, size_t size)
{
    struct events *events = &rig->events;
    check(c == events->carrier && events->sent < events->count);
    const struct event *event = &events->log[events->sent];
    check(size == event->size && memcmp(octets, event->octets, size) == 0);
    events->sent++;
    if (events->sent > events->newest) {
        events->newest = events->sent;
    } else {
        events->repeated++;
    }
}

static bool add(struct rig *rig, const struct event *event)
{
    struct events *events = &rig->events;
    bool taken = komet_group_event(rig->group, event->octets, event->size);
    struct komet_group_counters counters = komet_group_counters(rig->group);
    check(taken || rig->group_settings.full == KOMET_GROUP_REFUSE);
    if (taken) {
        uint64_t lost = counters.events_lost - events->lost;
        check(lost == 0 || rig->group_settings.full == KOMET_GROUP_DROP_OLDEST);
        check(lost <= events->count - events->tail);
        events->log[events->count++] = *event;
        events->lost += lost;
        move_tail(events, events->tail + lost);
    }
    return taken;
}

/* The value is the number of the event, so that each is another one. */
static void set_number(struct komet_point *point, uint64_t number)
{
    if (point->type == KOMET_M_ME_NC_1) {
        point->object.value.real = (float)number;
    } else {
        point->object.value.number = (int32_t)number;
    }
}

bool events_of_point(struct rig *rig, size_t point, enum komet_cause cause)
{
    struct event event;
    if (rig->events.count == EVENTS) {
        return false;
    }
    set_number(&rig->points[point], rig->events.count + 1);
    event.size = (uint8_t)komet_station_event(rig->station, point, cause, rig->utc, event.octets);
    check(event.size <= sizeof event.octets);
    return add(rig, &event);
}

void events_initialized(struct rig *rig)
{
    struct event event;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        event.size =
            (uint8_t)komet_station_initialized(rig->station, i, KOMET_COI_REMOTE_RESET, event.octets);
        if (rig->events.count < EVENTS) {
            add(rig, &event);
        }
    }
}

void events_settled(struct rig *rig)
{
    const struct events *events = &rig->events;
    struct komet_group_counters counters = komet_group_counters(rig->group);
    check(komet_group_carrier(rig->group) ==
          (events->carrier == CONNECTIONS ? KOMET_GROUP_CONNECTIONS_MAX : events->carrier));
    check(counters.events == events->count);
    check(counters.events_waiting == events->count - events->tail);
    check(counters.events_lost == events->lost);
    check(counters.events_acknowledged == events->tail - events->lost);
    check(counters.events_sent == events->newest);
    check(counters.events_repeated == events->repeated);
}
