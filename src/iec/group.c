/*
 * group: see komet/group.h.
 *
 * The buffer is a ring of octets: each event is its size and its octets. Positions count all octets ever put
 * in, so they only grow: tail (the oldest event not acknowledged) <= sent (the next for the carrier) <= head.
 * Each connection notes for every frame of its window where the buffer stood behind it: an acknowledgement of
 * the frame acknowledges the events up to there, whichever connection it comes on.
 */
#include "komet/group.h"

#include <stdalign.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/assert.h"

#define NOBODY KOMET_GROUP_CONNECTIONS_MAX

struct place {
    uint64_t octets; /* position in the buffer */
    uint64_t events; /* how many events lie before it */
};

struct connection {
    struct komet_link *link; /* NULL: not up */
    void *memory;
    struct place *ends; /* behind our I format n, at (n - 1) modulo 2 k: see ends_size */
    uint64_t started;   /* when it was started, as a number that grows; 0: it is not */
    bool wants_room;    /* komet_group_send found none */
    bool unwritten;     /* its SEND was handed out, and nothing of it was written since */
    bool replaced;      /* another one was started in its place: it is to be closed */
};

struct komet_group {
    struct komet_group_settings settings;
    struct connection connections[KOMET_GROUP_CONNECTIONS_MAX];
    unsigned carrier;
    unsigned turn; /* whose outputs come next */
    uint64_t starts;
    uint8_t *buffer;
    struct place tail, sent, head;
    struct place newest; /* the furthest that was ever sent: behind it nothing is a repetition */
    struct komet_group_counters counters;
};

static size_t aligned(size_t size)
{
    return (size + 15) / 16 * 16;
}

/* Twice the window: frames that fill the room of an acknowledgement may be sent before it was handed out. */
static size_t ends_size(const struct komet_group_settings *settings)
{
    return (size_t)settings->link.k * 2;
}

static size_t connection_size(const struct komet_group_settings *settings)
{
    return aligned(komet_link_size(&settings->link)) + aligned(ends_size(settings) * sizeof(struct place));
}

const char *komet_group_settings_fault(const struct komet_group_settings *settings)
{
    KOMET_ASSERT(settings != NULL);
    const char *link = komet_link_settings_fault(&settings->link);
    if (link != NULL) {
        return link;
    }
    if (settings->connections < 1 || settings->connections > KOMET_GROUP_CONNECTIONS_MAX) {
        return "A group has 1 to 8 connections.";
    }
    if (settings->mode != KOMET_GROUP_ONE_STARTED && settings->mode != KOMET_GROUP_ALL_STARTED) {
        return "The mode of a group is one started or all started.";
    }
    if (settings->full != KOMET_GROUP_DROP_OLDEST && settings->full != KOMET_GROUP_REFUSE) {
        return "A full buffer of events drops its oldest or refuses the newest.";
    }
    if (settings->link.role == KOMET_CONTROLLING && settings->mode == KOMET_GROUP_ONE_STARTED) {
        return "The role of a group is controlled; controlling it may be where all are started.";
    }
    if (settings->buffer_size < KOMET_GROUP_BUFFER_MIN) {
        return "The buffer of events must have at least 512 octets.";
    }
    return NULL;
}

size_t komet_group_size(const struct komet_group_settings *settings)
{
    KOMET_ASSERT(komet_group_settings_fault(settings) == NULL);
    return aligned(sizeof(struct komet_group)) + settings->connections * connection_size(settings) +
           aligned(settings->buffer_size);
}

/* Where everything lies behind the group itself. */
static void place_pieces(struct komet_group *group)
{
    const struct komet_group_settings *settings = &group->settings;
    uint8_t *next = (uint8_t *)group + aligned(sizeof *group);
    for (unsigned c = 0; c < settings->connections; c++) {
        struct connection *connection = &group->connections[c];
        connection->memory = next;
        next += aligned(komet_link_size(&settings->link));
        connection->ends = (struct place *)(void *)next;
        next += aligned(ends_size(settings) * sizeof(struct place));
    }
    group->buffer = next;
}

struct komet_group *komet_group_init(void *memory, size_t size, const struct komet_group_settings *settings)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_group) == 0);
    KOMET_ASSERT(size >= komet_group_size(settings));
    struct komet_group *group = memory;
    memset(group, 0, sizeof *group);
    group->settings = *settings;
    group->carrier = NOBODY;
    place_pieces(group);
    return group;
}

struct komet_group *komet_group_move(void *memory, size_t size, const struct komet_group *group)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_group) == 0);
    KOMET_ASSERT(size >= komet_group_size(&group->settings));
    struct komet_group *moved = memory;
    memcpy(moved, group, komet_group_size(&group->settings));
    place_pieces(moved);
    for (unsigned c = 0; c < moved->settings.connections; c++) {
        struct connection *connection = &moved->connections[c];
        if (connection->link != NULL) {
            connection->link =
                komet_link_move(connection->memory, komet_link_size(&moved->settings.link), connection->link);
        }
    }
    return moved;
}

static struct place *end_of(struct komet_group *group, unsigned c, uint64_t number)
{
    return &group->connections[c].ends[(number - 1) % ends_size(&group->settings)];
}

/* ---- the buffer ---- */

static uint8_t *octet_at(struct komet_group *group, uint64_t position)
{
    return &group->buffer[position % group->settings.buffer_size];
}

/* Copies into the ring or out of it; at its end in two pieces. */
static void copy_in(struct komet_group *group, uint64_t position, const uint8_t *octets, size_t size)
{
    size_t start = (size_t)(position % group->settings.buffer_size);
    size_t first = group->settings.buffer_size - start;
    first = first < size ? first : size;
    memcpy(group->buffer + start, octets, first);
    memcpy(group->buffer, octets + first, size - first);
}

static void copy_out(const struct komet_group *group, uint64_t position, uint8_t *octets, size_t size)
{
    size_t start = (size_t)(position % group->settings.buffer_size);
    size_t first = group->settings.buffer_size - start;
    first = first < size ? first : size;
    memcpy(octets, group->buffer + start, first);
    memcpy(octets + first, group->buffer, size - first);
}

static struct place behind(struct komet_group *group, struct place place)
{
    return (struct place){place.octets + 1 + *octet_at(group, place.octets), place.events + 1};
}

/* The tail has moved: what is to be sent next is never in front of it. */
static void catch_up(struct komet_group *group)
{
    if (group->sent.octets < group->tail.octets) {
        group->sent = group->tail;
    }
    if (group->newest.octets < group->tail.octets) {
        group->newest = group->tail;
    }
}

bool komet_group_event(struct komet_group *group, const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(size >= 1 && size <= KOMET_ASDU_SIZE_MAX);
    while (group->head.octets + 1 + size - group->tail.octets > group->settings.buffer_size) {
        if (group->settings.full == KOMET_GROUP_REFUSE) {
            return false;
        }
        group->tail = behind(group, group->tail);
        group->counters.events_lost++;
        catch_up(group);
    }
    *octet_at(group, group->head.octets) = (uint8_t)size;
    copy_in(group, group->head.octets + 1, octets, size);
    group->head = behind(group, group->head);
    group->counters.events++;
    return true;
}

void komet_group_forget_events(struct komet_group *group)
{
    group->counters.events_lost += group->head.events - group->tail.events;
    group->tail = group->head;
    catch_up(group);
}

static void acknowledge_events(struct komet_group *group, struct place end)
{
    if (end.octets > group->tail.octets) { /* not so when they gave way, or were acknowledged elsewhere */
        group->counters.events_acknowledged += end.events - group->tail.events;
        group->tail = end;
        catch_up(group);
    }
}

/* ---- who carries ---- */

static void set_carrier(struct komet_group *group, unsigned carrier)
{
    group->carrier = carrier;
    group->sent = group->tail; /* what the one before had not got acknowledged comes again */
    if (carrier == NOBODY) {
        return;
    }
    struct komet_link_counters counters;
    komet_link_counters(group->connections[carrier].link, &counters);
    if (counters.i_sent > 0) { /* but what is open on this one, from when it carried before, does not */
        const struct place *end = end_of(group, carrier, counters.i_sent);
        group->sent = end->octets > group->sent.octets ? *end : group->sent;
    }
}

/* The one started for longest takes over. */
static void find_carrier(struct komet_group *group)
{
    unsigned found = NOBODY;
    for (unsigned c = 0; c < group->settings.connections; c++) {
        uint64_t started = group->connections[c].started;
        if (started > 0 && (found == NOBODY || started < group->connections[found].started)) {
            found = c;
        }
    }
    set_carrier(group, found);
}

static void started(struct komet_group *group, unsigned c)
{
    group->connections[c].started = ++group->starts;
    if (group->settings.mode == KOMET_GROUP_ALL_STARTED) {
        if (group->carrier == NOBODY) {
            set_carrier(group, c);
        }
        return;
    }
    for (unsigned other = 0; other < group->settings.connections; other++) {
        struct connection *connection = &group->connections[other];
        if (other != c && connection->started > 0) {
            connection->started = 0;
            connection->replaced = true;
        }
    }
    set_carrier(group, c);
}

static void not_started(struct komet_group *group, unsigned c)
{
    group->connections[c].started = 0;
    group->connections[c].wants_room = false;
    if (group->carrier == c) {
        find_carrier(group);
    }
}

static void drop(struct komet_group *group, unsigned c)
{
    group->connections[c].link = NULL;
    group->connections[c].replaced = group->connections[c].unwritten = false;
    not_started(group, c);
}

/* ---- connections ---- */

static struct connection *at(struct komet_group *group, unsigned c)
{
    KOMET_ASSERT(c < group->settings.connections);
    return &group->connections[c];
}

void komet_group_connected(struct komet_group *group, struct komet_instant now, unsigned c)
{
    struct connection *connection = at(group, c);
    drop(group, c);
    connection->link = komet_link_init(connection->memory, komet_link_size(&group->settings.link),
                                       &group->settings.link, now);
    if (group->settings.link.role == KOMET_CONTROLLING && !group->settings.start_when_told) {
        komet_link_start(connection->link, now);
    }
}

void komet_group_start(struct komet_group *group, struct komet_instant now, unsigned c)
{
    struct connection *connection = at(group, c);
    KOMET_ASSERT(group->settings.link.role == KOMET_CONTROLLING && group->settings.start_when_told);
    if (connection->link != NULL) {
        komet_link_start(connection->link, now);
    }
}

void komet_group_closed(struct komet_group *group, struct komet_instant now, unsigned c)
{
    (void)now;
    (void)at(group, c);
    drop(group, c);
}

size_t komet_group_feed(struct komet_group *group, struct komet_instant now, unsigned c,
                        const uint8_t *octets, size_t size)
{
    struct connection *connection = at(group, c);
    return connection->link == NULL ? size : komet_link_feed(connection->link, now, octets, size);
}

void komet_group_written(struct komet_group *group, unsigned c, size_t size)
{
    struct connection *connection = at(group, c);
    connection->unwritten = false;
    if (connection->link != NULL) {
        komet_link_written(connection->link, size);
    }
}

void komet_group_writable(struct komet_group *group, unsigned c)
{
    at(group, c)->unwritten = false;
}

void komet_group_acknowledge(struct komet_group *group, struct komet_instant now, unsigned c,
                             uint64_t received)
{
    if (at(group, c)->link != NULL) {
        komet_link_acknowledge(group->connections[c].link, now, received);
    }
}

void komet_group_tick(struct komet_group *group, struct komet_instant now)
{
    for (unsigned c = 0; c < group->settings.connections; c++) {
        if (group->connections[c].link != NULL) {
            komet_link_tick(group->connections[c].link, now);
        }
    }
}

struct komet_instant komet_group_deadline(const struct komet_group *group)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned c = 0; c < group->settings.connections; c++) {
        if (group->connections[c].link != NULL) {
            deadline = komet_earlier(deadline, komet_link_deadline(group->connections[c].link));
        }
    }
    return deadline;
}

/* ---- sending ---- */

static uint64_t commit(struct komet_group *group, struct komet_instant now, unsigned c, size_t size)
{
    struct connection *connection = &group->connections[c];
    uint64_t number = komet_link_commit(connection->link, now, size);
    /* Of a frame of another connection than the carrier only what stands before it is known to have arrived.
     */
    struct place end = c == group->carrier ? group->sent : group->tail;
    const struct place *before = end_of(group, c, number - 1);
    *end_of(group, c, number) = number > 1 && before->octets > end.octets ? *before : end;
    return number;
}

static bool has_room(const struct connection *connection)
{
    return connection->started > 0 && komet_link_room(connection->link) > 0;
}

uint8_t *komet_group_reserve(struct komet_group *group, unsigned c)
{
    struct connection *connection = at(group, c);
    if (!has_room(connection)) {
        connection->wants_room = connection->started > 0;
        return NULL;
    }
    connection->wants_room = false;
    uint8_t *place = komet_link_reserve(connection->link);
    KOMET_ASSERT(place != NULL);
    return place;
}

uint64_t komet_group_commit(struct komet_group *group, struct komet_instant now, unsigned c, size_t size)
{
    KOMET_ASSERT(size >= 1 && size <= KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(at(group, c)->link != NULL);
    /* The link asserts that the place is reserved; it may have been the last. */
    return commit(group, now, c, size);
}

bool komet_group_send(struct komet_group *group, struct komet_instant now, unsigned c, const uint8_t *octets,
                      size_t size)
{
    KOMET_ASSERT(size >= 1 && size <= KOMET_ASDU_SIZE_MAX);
    uint8_t *place = komet_group_reserve(group, c);
    if (place == NULL) {
        return false;
    }
    memcpy(place, octets, size);
    commit(group, now, c, size);
    return true;
}

void komet_group_forget_send(struct komet_group *group, unsigned c)
{
    at(group, c)->wants_room = false;
}

/* Gives the carrier the events that its window takes. True when there were any. */
static bool send_events(struct komet_group *group, struct komet_instant now)
{
    bool any = false;
    while (group->carrier != NOBODY && group->sent.octets < group->head.octets &&
           has_room(&group->connections[group->carrier]) && !group->connections[group->carrier].wants_room) {
        uint8_t *place = komet_link_reserve(group->connections[group->carrier].link);
        size_t size = *octet_at(group, group->sent.octets);
        KOMET_ASSERT(place != NULL);
        copy_out(group, group->sent.octets + 1, place, size);
        group->sent = behind(group, group->sent);
        if (group->sent.octets > group->newest.octets) {
            group->newest = group->sent;
        } else {
            group->counters.events_repeated++;
        }
        commit(group, now, group->carrier, size);
        any = true;
    }
    return any;
}

/* ---- outputs ---- */

static void take_state(struct komet_group *group, unsigned c, const struct komet_link_output *from)
{
    if (from->state == KOMET_LINK_STARTED) {
        started(group, c);
    } else if (group->connections[c].started > 0) {
        not_started(group,
                    c); /* also STOPPING: nothing new is sent there, its acknowledgements still count */
    }
}

static bool take_output(struct komet_group *group, unsigned c, const struct komet_link_output *from,
                        struct komet_group_output *output)
{
    *output = (struct komet_group_output){.connection = c, .octets = from->octets, .size = from->size};
    switch (from->kind) {
    case KOMET_LINK_OUT_STATE:
        take_state(group, c, from);
        output->kind = KOMET_GROUP_OUT_STATE;
        output->old_state = from->old_state;
        output->state = from->state;
        return true;
    case KOMET_LINK_OUT_ASDU:
        output->kind = KOMET_GROUP_OUT_ASDU;
        output->received = from->received;
        output->cf3_mark = from->cf3_mark;
        return true;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        acknowledge_events(group, *end_of(group, c, from->acknowledged));
        output->kind = KOMET_GROUP_OUT_ACKNOWLEDGED;
        output->acknowledged = from->acknowledged;
        return true;
    case KOMET_LINK_OUT_SEND:
        output->kind = KOMET_GROUP_OUT_SEND;
        return true;
    case KOMET_LINK_OUT_CLOSE:
        output->kind = KOMET_GROUP_OUT_CLOSE;
        output->reason = from->reason;
        drop(group, c);
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the link");
}

/* The next output of one connection. A SEND that the host could not write is not handed out again before it
 * says that it can, so that a peer that does not read holds up no other. */
static bool next_of(struct komet_group *group, struct komet_instant now, unsigned c,
                    struct komet_group_output *output)
{
    struct connection *connection = &group->connections[c];
    struct komet_link_output from;
    if (connection->link != NULL && connection->replaced) {
        connection->replaced = false;
        komet_link_close(connection->link, KOMET_REPLACED);
    }
    while (connection->link != NULL) {
        bool more = komet_link_next(connection->link, now, &from);
        if (more && from.kind != KOMET_LINK_OUT_SEND) {
            return take_output(group, c, &from, output);
        }
        if (c == group->carrier && send_events(group, now)) {
            continue; /* behind acknowledgements, in front of the octets: fewer, larger writes */
        }
        if (!more || connection->unwritten) {
            return false;
        }
        connection->unwritten = true;
        return take_output(group, c, &from, output);
    }
    return false;
}

bool komet_group_next(struct komet_group *group, struct komet_instant now, struct komet_group_output *output)
{
    for (unsigned tried = 0; tried < group->settings.connections; tried++) {
        if (next_of(group, now, group->turn, output)) {
            return true;
        }
        group->turn = (group->turn + 1) % group->settings.connections;
    }
    return false;
}

/* ---- what is known ---- */

unsigned komet_group_carrier(const struct komet_group *group)
{
    return group->carrier;
}

enum komet_link_state komet_group_state(const struct komet_group *group, unsigned c)
{
    KOMET_ASSERT(c < group->settings.connections);
    return group->connections[c].link == NULL ? KOMET_LINK_CLOSED
                                              : komet_link_state(group->connections[c].link);
}

struct komet_group_counters komet_group_counters(const struct komet_group *group)
{
    struct komet_group_counters counters = group->counters;
    counters.events_waiting = group->head.events - group->tail.events;
    bool dropped_unsent = group->newest.events < group->tail.events;
    counters.events_sent = dropped_unsent ? group->tail.events : group->newest.events;
    return counters;
}

uint64_t komet_group_under_way(const struct komet_group *group)
{
    return group->sent.events - group->tail.events;
}
