/*
 * server104: the life of a line that listens (protocol iec104-server, category tcp, controlled station).
 *
 * Active, and told what masters are to have, it listens. Who connects belongs to the redundancy group that
 * has the address, or is refused; without groups each connection is one of its own. In a group one connection
 * is started at a time. Passive, it does not listen, and all connections are closed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "line/server104_private.h"

void server104_note(struct server104 *line, const char *format, ...)
{
    if (line->note_count == SERVER104_NOTES_MAX) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->notes[line->note_count++], SERVER104_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

int64_t server104_parameter(const struct server104 *line, enum parameter_id id)
{
    return line->line->parameters.value[id];
}

bool server104_speaks(const struct server104 *line, const struct station *station)
{
    return line->modes[station - line->line->stations] == 0;
}

static bool any_speaks(const struct server104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->modes[i] == 0) {
            return true;
        }
    }
    return false;
}

static struct line_engine *server104_init(void *memory, const struct line *line, struct line_now now)
{
    struct server104 *engine = server104_lay_out(memory, line);
    engine->retry_at = KOMET_NEVER;
    (void)now;
    return &engine->engine;
}

/* ---- connections ---- */

struct server104_slot *server104_slot(struct server104 *line, uint32_t serial)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->slots[i].open && line->slots[i].serial == serial) {
            return &line->slots[i];
        }
    }
    return NULL;
}

struct server104_slot *server104_slot_of(struct server104 *line, unsigned group, unsigned c)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->slots[i].open && line->slots[i].group == group && line->slots[i].c == c) {
            return &line->slots[i];
        }
    }
    return NULL;
}

static bool any_started(const struct server104 *line)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->slots[i].open && line->slots[i].state == CONNECTION_STARTED) {
            return true;
        }
    }
    return false;
}

static void follow_stations(struct server104 *line)
{
    bool started = any_started(line);
    for (unsigned i = 0; i < line->line->station_count; i++) {
        enum station_value value = line->modes[i] != 0 ? station_mode_value(line->modes[i])
                                   : started           ? STATION_ON
                                                       : STATION_COMERR;
        line->station_changed[i] = line->station_changed[i] || line->station_values[i] != value;
        line->station_values[i] = value;
    }
}

/* The one place where the state of a connection changes. */
static void set_state(struct server104 *line, struct server104_slot *slot, enum connection_state state)
{
    if (slot->state == CONNECTION_STARTED || state == CONNECTION_STARTED) {
        slot->state = state;
        follow_stations(line);
    }
    slot->state = state;
    line->report_changed = true;
}

/* The connection is gone: what was asked on it is nobody's any more. */
static void forget(struct server104 *line, struct server104_slot *slot, enum komet_reason reason)
{
    KOMET_ASSERT(slot->open);
    server104_forget_commands(line, slot->serial);
    komet_station_stopped(line->groups[slot->group].station, slot->c);
    slot->reason = reason;
    slot->open = false;
    set_state(line, slot, CONNECTION_CLOSED);
}

static void abort_later(struct server104 *line, uint32_t serial, enum komet_reason reason)
{
    KOMET_ASSERT(line->abort_count < LINE_CONNECTIONS_MAX);
    line->aborts[line->abort_count].serial = serial;
    line->aborts[line->abort_count++].reason = reason;
}

void server104_close(struct server104 *line, struct server104_slot *slot, enum komet_reason reason)
{
    struct komet_group *group = line->groups[slot->group].group;
    abort_later(line, slot->serial, reason);
    forget(line, slot, reason);
    komet_group_closed(group, KOMET_NEVER, slot->c);
}

static void close_all(struct server104 *line, enum komet_reason reason)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->slots[i].open) {
            server104_close(line, &line->slots[i], reason);
        }
    }
}

/* ---- listening ---- */

/* It listens when it acts, knows what masters are to have, and speaks with a station. */
static void follow_listening(struct server104 *line, struct line_now now)
{
    bool wanted = line->active && line->ready && any_speaks(line);
    if (wanted && line->listen == LISTEN_NOT && komet_reached(now.instant, line->retry_at)) {
        line->listen = LISTEN_ASKED;
        line->retry_at = KOMET_NEVER;
        line->listen_wanted = true;
    } else if (!wanted && line->listen != LISTEN_NOT) {
        line->listen_end_wanted = !line->listen_wanted;
        line->listen_wanted = false;
        line->listen = LISTEN_NOT;
        line->report_changed = true;
    }
    if (!wanted) {
        line->retry_at = now.instant; /* when it is wanted again: at once */
    }
}

static void server104_listening(struct line_engine *engine, struct line_now now, const char *fault)
{
    struct server104 *line = (struct server104 *)engine;
    if (line->listen != LISTEN_ASKED) {
        return;
    }
    line->listen = fault == NULL ? LISTEN_LISTENS : LISTEN_NOT;
    line->retry_at = fault == NULL ? KOMET_NEVER : komet_after(now.instant, line->line->reconnect_us);
    line->report_changed = true;
}

static void refuse(struct server104 *line, const struct network_address *peer, const char *why)
{
    char host[NETWORK_ADDRESS_TEXT_SIZE];
    line->counters.refused++;
    for (unsigned i = 0; i < line->stranger_count; i++) {
        if (network_address_same(&line->strangers[i], peer)) {
            return;
        }
    }
    if (line->stranger_count < SERVER104_STRANGERS_MAX) {
        line->strangers[line->stranger_count++] = *peer;
        network_address_text(peer, host);
        server104_note(line, "%s: %s is refused: %s", line->line->name, host, why);
    }
}

/* The group that has the address; `group_count` when none has. */
static unsigned group_of(const struct server104 *line, const struct network_address *peer)
{
    for (unsigned i = 0; i < line->line->master_count; i++) {
        for (unsigned k = 0; k < line->line->masters[i].address_count; k++) {
            if (network_address_same(&line->line->masters[i].addresses[k], peer)) {
                return i;
            }
        }
    }
    return line->group_count;
}

/* A free place for a connection: where the same host was, else an unused one, else the one that ended first.
 */
static struct server104_slot *free_slot(struct server104 *line, const struct network_address *peer)
{
    struct server104_slot *best = NULL;
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        struct server104_slot *slot = &line->slots[i];
        if (slot->open) {
            continue;
        }
        if (slot->serial != 0 && network_address_same(&slot->peer, peer)) {
            return slot;
        }
        best = best == NULL || slot->serial < best->serial ? slot : best;
    }
    return best;
}

/* The number that a new connection has in its group; KOMET_GROUP_CONNECTIONS_MAX when all are taken. */
static unsigned free_number(struct server104 *line, unsigned group)
{
    unsigned c = 0;
    while (c < line->group_settings.connections && server104_slot_of(line, group, c) != NULL) {
        c++;
    }
    return c < line->group_settings.connections ? c : KOMET_GROUP_CONNECTIONS_MAX;
}

static uint32_t server104_accepted(struct line_engine *engine, struct line_now now,
                                   const struct network_address *peer, uint16_t port)
{
    struct server104 *line = (struct server104 *)engine;
    struct server104_slot *slot = free_slot(line, peer);
    char host[NETWORK_ADDRESS_TEXT_SIZE];
    if (line->listen != LISTEN_LISTENS || slot == NULL) {
        refuse(line, peer, "too many connections");
        return 0;
    }
    bool grouped = line->line->master_count > 0;
    unsigned group = grouped ? group_of(line, peer) : (unsigned)(slot - line->slots);
    unsigned c = group < line->group_count ? free_number(line, group) : 0;
    if (group == line->group_count || c == KOMET_GROUP_CONNECTIONS_MAX) {
        refuse(line, peer,
               group == line->group_count ? "it is none of the line's masters"
                                          : "its group has too many connections");
        return 0;
    }
    if (!grouped) {
        server104_begin_group(line, group);
    }
    *slot = (struct server104_slot){
        .serial = ++line->serial, .open = true, .group = (uint8_t)group, .c = (uint8_t)c, .peer = *peer};
    network_address_text(peer, host);
    line_address_text(host, port, slot->address);
    line->counters.connects++;
    komet_group_connected(line->groups[group].group, now.instant, c);
    set_state(line, slot, CONNECTION_STOPPED);
    return slot->serial;
}

/* ---- verbs ---- */

static void server104_activate(struct line_engine *engine, struct line_now now)
{
    struct server104 *line = (struct server104 *)engine;
    if (line->active) {
        return;
    }
    line->active = true;
    line->resumes = line->lacks_values = false;
    line->report_changed = true;
    line->starts = 0;
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->last[i] = value_unknown();
    }
    for (unsigned i = 0; i < line->group_count; i++) {
        server104_begin_group(line, i);
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->station_changed[i] = true;
    }
    follow_stations(line);
    follow_listening(line, now);
}

static void server104_deactivate(struct line_engine *engine, struct line_now now, enum komet_reason reason)
{
    struct server104 *line = (struct server104 *)engine;
    line->active = line->ready = line->resumes = line->lacks_values = false;
    close_all(line, reason);
    line->master_waits = false;
    follow_listening(line, now);
    KOMET_ASSERT(line->listen == LISTEN_NOT);
}

static void server104_outgoing_ready(struct line_engine *engine, struct line_now now)
{
    struct server104 *line = (struct server104 *)engine;
    line->ready = true;
    if (line->resumes) {
        line->resumes = line->lacks_values = false;
        server104_announce(line);
    }
    follow_listening(line, now);
}

void server104_follow_modes(struct server104 *line, struct line_now now)
{
    if (!any_speaks(line)) {
        close_all(line, KOMET_DISABLED);
    }
    follow_stations(line);
    follow_listening(line, now);
}

static void server104_set_mode(struct line_engine *engine, struct line_now now, const struct station *station,
                               unsigned mode)
{
    struct server104 *line = (struct server104 *)engine;
    unsigned index = (unsigned)(station - line->line->stations);
    KOMET_ASSERT(index < line->line->station_count && mode <= STATION_MODES);
    line->modes[index] = mode;
    if (line->active) {
        server104_follow_modes(line, now);
    }
}

static void server104_closed(struct line_engine *engine, struct line_now now, uint32_t connection,
                             enum komet_reason reason)
{
    struct server104 *line = (struct server104 *)engine;
    struct server104_slot *slot = server104_slot(line, connection);
    if (slot != NULL) {
        forget(line, slot, reason);
        komet_group_closed(line->groups[slot->group].group, now.instant, slot->c);
    }
}

static size_t server104_feed(struct line_engine *engine, struct line_now now, uint32_t connection,
                             const uint8_t *octets, size_t size)
{
    struct server104 *line = (struct server104 *)engine;
    const struct server104_slot *slot = server104_slot(line, connection);
    if (slot == NULL) {
        return size;
    }
    return komet_group_feed(line->groups[slot->group].group, now.instant, slot->c, octets, size);
}

static void server104_written(struct line_engine *engine, uint32_t connection, size_t size)
{
    struct server104 *line = (struct server104 *)engine;
    const struct server104_slot *slot = server104_slot(line, connection);
    if (slot != NULL) {
        komet_group_written(line->groups[slot->group].group, slot->c, size);
    }
}

static void server104_stored(struct line_engine *engine, struct line_now now, uint32_t connection,
                             uint64_t frame)
{
    (void)engine, (void)now, (void)connection, (void)frame; /* it hands out no frames of values */
}

static void server104_command(struct line_engine *engine, struct line_now now,
                              const struct line_command *order)
{
    (void)engine, (void)now, (void)order;
    KOMET_ASSERT_NEVER("the server gives masters no commands");
}

static void server104_tick(struct line_engine *engine, struct line_now now)
{
    struct server104 *line = (struct server104 *)engine;
    for (unsigned i = 0; i < line->group_count && line->active; i++) {
        komet_group_tick(line->groups[i].group, now.instant);
    }
    follow_listening(line, now);
}

static struct komet_instant server104_deadline(const struct line_engine *engine)
{
    const struct server104 *line = (const struct server104 *)engine;
    bool waits = line->active && line->ready && line->listen == LISTEN_NOT && any_speaks(line);
    struct komet_instant deadline = waits ? line->retry_at : KOMET_NEVER;
    for (unsigned i = 0; i < line->group_count && line->active; i++) {
        deadline = komet_earlier(deadline, komet_group_deadline(line->groups[i].group));
    }
    return deadline;
}

/* ---- what it wants ---- */

static void started(struct server104 *line, struct line_now now, struct server104_slot *slot)
{
    struct server104_group *group = &line->groups[slot->group];
    slot->letter = (uint8_t)(line->starts++ % 16);
    if (!slot->begun && line->line->master_count == 0) {
        server104_skip_events(line, slot->group);
    }
    slot->begun = true;
    komet_station_started(group->station, slot->c);
    set_state(line, slot, CONNECTION_STARTED);
    server104_fill(line, now, slot->group);
}

static void state_changed(struct server104 *line, struct line_now now, struct server104_slot *slot,
                          enum komet_link_state state)
{
    switch (state) {
    case KOMET_LINK_STARTED:
        started(line, now, slot);
        return;
    case KOMET_LINK_STOPPED:
        komet_station_stopped(line->groups[slot->group].station, slot->c);
        server104_forget_commands(line, slot->serial);
        set_state(line, slot, CONNECTION_STOPPED);
        return;
    case KOMET_LINK_STOPPING:
        set_state(line, slot, CONNECTION_STOPPING);
        return;
    case KOMET_LINK_STARTING: /* not of a controlled link */
    case KOMET_LINK_CLOSED:   /* CLOSE follows */
        return;
    }
    KOMET_ASSERT_NEVER("an unknown state of a link");
}

/* One output of a group, octets apart. */
static void take_group_output(struct server104 *line, struct line_now now, unsigned group,
                              const struct komet_group_output *from)
{
    struct server104_slot *slot = server104_slot_of(line, group, from->connection);
    if (slot == NULL) {
        return; /* closed meanwhile */
    }
    switch (from->kind) {
    case KOMET_GROUP_OUT_STATE:
        state_changed(line, now, slot, from->state);
        return;
    case KOMET_GROUP_OUT_ASDU:
        server104_receive(line, now, slot, from->octets, from->size, from->received);
        return;
    case KOMET_GROUP_OUT_ACKNOWLEDGED:
        server104_acknowledged(line, group);
        return;
    case KOMET_GROUP_OUT_SEND:
        KOMET_ASSERT_NEVER("SEND is taken by the caller");
    case KOMET_GROUP_OUT_CLOSE:
        abort_later(line, slot->serial, from->reason);
        forget(line, slot, from->reason);
        return;
    }
    KOMET_ASSERT_NEVER("an unknown output of a group");
}

static bool take_station(struct server104 *line, struct line_output *output)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->station_changed[i]) {
            line->station_changed[i] = false;
            output->kind = LINE_OUT_STATION;
            output->station = &line->line->stations[i];
            output->station_value = line->station_values[i];
            return true;
        }
    }
    return false;
}

static bool take_taken(struct server104 *line, struct line_output *output)
{
    for (unsigned i = 0; i < line->line->master_count; i++) {
        struct outgoing_receiver *masters = &line->groups[i].receiver;
        if (masters->taken.position > masters->told) {
            masters->told = masters->taken.position;
            output->kind = LINE_OUT_TAKEN;
            output->group = i;
            output->position = masters->told;
            return true;
        }
    }
    return false;
}

/* What waits inside the line itself, in the order in which the world should see it. */
static bool take_own_output(struct server104 *line, struct line_output *output)
{
    *output = (struct line_output){0};
    if (line->note_next < line->note_count) {
        output->kind = LINE_OUT_NOTE;
        output->text = line->notes[line->note_next++];
        return true;
    }
    line->note_next = line->note_count = 0;
    if (line->abort_count > 0) {
        output->kind = LINE_OUT_ABORT;
        output->connection = line->aborts[--line->abort_count].serial;
        output->reason = line->aborts[line->abort_count].reason;
        return true;
    }
    if (line->listen_end_wanted || line->listen_wanted) {
        output->kind = line->listen_end_wanted ? LINE_OUT_LISTEN_END : LINE_OUT_LISTEN;
        *(line->listen_end_wanted ? &line->listen_end_wanted : &line->listen_wanted) = false;
        return true;
    }
    if (line->master_waits) {
        line->master_waits = false;
        output->kind = LINE_OUT_MASTER;
        output->master = &line->master;
        return true;
    }
    if (line->report_changed) {
        line->report_changed = false;
        output->kind = LINE_OUT_LINE;
        return true;
    }
    return take_station(line, output) || take_taken(line, output);
}

/* What one group's links want, octets apart; answers and events take the room that there is first. False:
 * nothing more. */
static bool take_next_of_group(struct server104 *line, struct line_now now, unsigned group)
{
    struct komet_group_output from;
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->slots[i].open && line->slots[i].group == group) {
            server104_answer(line, now, &line->slots[i]);
        }
    }
    server104_fill(line, now, group);
    if (!komet_group_next(line->groups[group].group, now.instant, &from)) {
        return false;
    }
    if (from.kind != KOMET_GROUP_OUT_SEND) { /* those are handed out by next_octets */
        take_group_output(line, now, group, &from);
    }
    return true;
}

/* Octets of any connection; those that are not written are handed out again. */
static bool next_octets(struct server104 *line, struct line_now now, struct line_output *output)
{
    for (unsigned i = 0; i < line->group_count; i++) {
        struct komet_group *group = line->groups[i].group;
        struct komet_group_output from;
        for (unsigned c = 0; c < KOMET_GROUP_CONNECTIONS_MAX; c++) {
            if (server104_slot_of(line, i, c) != NULL) {
                komet_group_writable(group, c);
            }
        }
        if (komet_group_next(group, now.instant, &from)) {
            const struct server104_slot *slot = server104_slot_of(line, i, from.connection);
            KOMET_ASSERT(from.kind == KOMET_GROUP_OUT_SEND); /* all else was taken before */
            KOMET_ASSERT(slot != NULL);                      /* of no other one can be written */
            *output = (struct line_output){
                .kind = LINE_OUT_SEND, .connection = slot->serial, .octets = from.octets, .size = from.size};
            return true;
        }
    }
    return false;
}

static bool server104_next(struct line_engine *engine, struct line_now now, struct line_output *output)
{
    struct server104 *line = (struct server104 *)engine;
    if (take_own_output(line, output)) {
        return true;
    }
    for (unsigned i = 0; i < line->group_count && line->active; i++) {
        while (take_next_of_group(line, now, i)) {
            if (take_own_output(line, output)) {
                return true;
            }
        }
    }
    return line->active && next_octets(line, now, output);
}

static struct line_report server104_report(const struct line_engine *engine)
{
    const struct server104 *line = (const struct server104 *)engine;
    struct line_report report = {.value = line->listen == LISTEN_LISTENS, .connection = line->serial};
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        const struct server104_slot *slot = &line->slots[i];
        if (slot->serial == 0) {
            continue;
        }
        struct line_connection *connection = &report.connections[report.connection_count++];
        bool grouped = line->line->master_count > 0;
        *connection =
            (struct line_connection){.state = slot->state,
                                     .reason = slot->reason,
                                     .partner = grouped ? line->line->masters[slot->group].name : NULL};
        memcpy(connection->address, slot->address, sizeof connection->address);
        if (slot->state == CONNECTION_STARTED) {
            report.flags = (value_flags)(report.flags | 1u << slot->letter);
        }
    }
    return report;
}

static struct line_counters server104_counters(const struct line_engine *engine)
{
    const struct server104 *line = (const struct server104 *)engine;
    return line->counters;
}

const struct line_verbs line_server104 = {
    .size = server104_size,
    .init = server104_init,
    .move = server104_move,
    .activate = server104_activate,
    .deactivate = server104_deactivate,
    .set_mode = server104_set_mode,
    .listening = server104_listening,
    .accepted = server104_accepted,
    .closed = server104_closed,
    .outgoing_begin = server104_outgoing_begin,
    .outgoing = server104_outgoing,
    .outgoing_ready = server104_outgoing_ready,
    .master_stored = server104_master_stored,
    .master_answer = server104_master_answer,
    .feed = server104_feed,
    .written = server104_written,
    .tick = server104_tick,
    .deadline = server104_deadline,
    .stored = server104_stored,
    .command = server104_command,
    .next = server104_next,
    .report = server104_report,
    .counters = server104_counters,
};
