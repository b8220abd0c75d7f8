/*
 * What masters are to have: values of tags that outputs of listening lines follow, kept until the masters
 * have acknowledged them (architecture 3.4).
 *
 * An event of a tag makes one of each output that follows it, in the journal under the same ticket, and with
 * a position in its line that grows by one. The newest of a line wait in a ring. An instance with a grant is
 * told what each output has, then the events that the masters have not, then each new one when it is on disk.
 * How far each group of masters has them comes back from the instance and is journaled, so that another
 * instance, or the server after a restart, goes on from there.
 *
 * While one instance acts, a group of masters is as far as the furthest instance brought it; while all act,
 * each instance has masters of its own, and brings its own connections as far as these are.
 */
#include <stdio.h>
#include <string.h>

#include "model/lay_out.h"
#include "model/server_value.h"
#include "server/server_private.h"

#define TIME_OF_ARRIVAL_BIT 0x1000000u
#define OLDER_BIT           0x2000000u

uint64_t outgoing_capacity(const struct outgoing *outgoing)
{
    return outgoing->capacity;
}

struct out_entry *outgoing_entry(const struct outgoing *outgoing, uint64_t position)
{
    KOMET_ASSERT(position >= outgoing->first && position < outgoing->end);
    return &outgoing->ring[position % outgoing_capacity(outgoing)];
}

/* ---- memory ---- */

size_t outgoing_lay_out(struct server *server, uint8_t *memory, size_t used, const struct site *site)
{
    uint32_t count = 0;
    for (unsigned p = 0; p < site->process_count; p++) {
        for (unsigned l = 0; l < site->processes[p].line_count; l++) {
            count += line_has_outgoing(&site->processes[p].lines[l]) ? 1 : 0;
        }
    }
    void *first = lay_out_take(memory, &used, site->tag_count * sizeof(uint32_t));
    void *next = lay_out_take(memory, &used, site->tag_count * sizeof(uint32_t));
    struct outgoing *outgoing = lay_out_take(memory, &used, count * sizeof(struct outgoing));
    if (server != NULL) {
        server->first_follower = first;
        server->next_follower = next;
        server->outgoing = outgoing;
        server->outgoing_count = count;
        memset(outgoing, 0, count * sizeof *outgoing);
    }
    uint32_t at = 0;
    for (unsigned p = 0; p < site->process_count; p++) {
        for (unsigned l = 0; l < site->processes[p].line_count; l++) {
            const struct line *line = &site->processes[p].lines[l];
            if (!line_has_outgoing(line)) {
                continue;
            }
            uint64_t capacity = line_outgoing_capacity(line);
            size_t size = (size_t)capacity * sizeof(struct out_entry);
            struct out_entry *ring = lay_out_take(memory, &used, size);
            size = line_is_server(line) ? (ROLE_INSTANCE_MAX + 1) * sizeof(struct out_reported) : 0;
            struct out_reported *reported = lay_out_take(memory, &used, size);
            if (server != NULL) {
                outgoing[at] = (struct outgoing){.line = line,
                                                 .capacity = capacity,
                                                 .ring = ring,
                                                 .first = 1,
                                                 .end = 1,
                                                 .reported = size > 0 ? reported : NULL};
                memset(reported, 0, size);
            }
            at++;
        }
    }
    return used;
}

void outgoing_begin(struct server *server)
{
    const struct site *site = server->site;
    memset(server->first_follower, 0, site->tag_count * sizeof(uint32_t));
    memset(server->next_follower, 0, site->tag_count * sizeof(uint32_t));
    for (uint32_t i = site->tag_count; i > 0; i--) {
        const struct tag *tag = site->tags[i - 1];
        if (tag_is_outgoing(tag) && tag->source != NULL) {
            uint32_t *first = &server->first_follower[tag_site_number(tag->source)];
            server->next_follower[i - 1] = *first;
            *first = i;
        }
    }
}

static struct outgoing *outgoing_of(struct server *server, const struct line *line)
{
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        if (server->outgoing[i].line == line) {
            return &server->outgoing[i];
        }
    }
    return NULL;
}

/* ---- how far the masters are ---- */

static uint64_t furthest(const struct outgoing *outgoing, unsigned group)
{
    uint64_t position = 0;
    for (unsigned i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        position = outgoing->taken[group][i] > position ? outgoing->taken[group][i] : position;
    }
    return position;
}

/* How far a group has the events that an instance sends it. */
static uint64_t taken_by(const struct outgoing *outgoing, const struct process_state *process, unsigned group,
                         uint8_t instance)
{
    bool own = process->instances.all_act && outgoing->taken[group][instance] > 0;
    return own ? outgoing->taken[group][instance] : furthest(outgoing, group);
}

/* It has not got all events up to `position`, or one of the instances that act has not sent it them. */
static bool lacks(const struct server *server, const struct outgoing *outgoing, unsigned group,
                  uint64_t position)
{
    const struct process_state *process = &server->processes[outgoing->line->process->index];
    bool lacks = furthest(outgoing, group) < position;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX && process->instances.all_act; i++) {
        bool acts = process->instances.member[i].standing == ROLE_ACTIVE;
        lacks = lacks || (acts && taken_by(outgoing, process, group, i) < position);
    }
    return lacks;
}

/* Told with the first one, and then when the masters have all that waits now: not for each in between. */
static void lose_one(struct server *server, struct outgoing *outgoing, unsigned group)
{
    outgoing->lost_until[group] = outgoing->end - 1;
    if (outgoing->lost[group]++ == 0) {
        bool masters = line_is_server(outgoing->line);
        server_note(server, "%s: %s %s %s: the oldest of %llu are lost", outgoing->line->name,
                    masters ? "masters" : "partner", line_receiver_name(outgoing->line, group),
                    masters ? "do not take their values" : "does not take its values",
                    (unsigned long long)outgoing_capacity(outgoing));
    }
}

static void tell_lost(struct server *server, struct outgoing *outgoing, unsigned group)
{
    if (outgoing->lost[group] > 0 && !lacks(server, outgoing, group, outgoing->lost_until[group])) {
        bool masters = line_is_server(outgoing->line);
        server_note(server, "%s: %s %s %s again: %llu are lost", outgoing->line->name,
                    masters ? "masters" : "partner", line_receiver_name(outgoing->line, group),
                    masters ? "take their values" : "takes its values",
                    (unsigned long long)outgoing->lost[group]);
        outgoing->lost[group] = 0;
    }
}

void outgoing_mode_changed(struct server *server, const struct process_state *process)
{
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        struct outgoing *outgoing = &server->outgoing[i];
        for (unsigned g = 0;
             outgoing->line->process == process->process && g < line_receivers(outgoing->line); g++) {
            uint64_t position = furthest(outgoing, g);
            for (unsigned k = 0; k <= ROLE_INSTANCE_MAX; k++) {
                outgoing->taken[g][k] = position;
            }
        }
    }
}

void outgoing_taken(struct server *server, struct line_now now, unsigned client,
                    const Komet__Wire__OutgoingTaken *taken)
{
    const struct client *kom = &server->clients[client];
    const struct process *process = reload_numbers(server, kom);
    const struct line *given = taken->line < process->line_count ? &process->lines[taken->line] : NULL;
    bool known_group = given != NULL && taken->group < line_receivers(given);
    const struct line *line = known_group ? reload_line(server, process, taken->line) : NULL;
    struct outgoing *outgoing = line != NULL ? outgoing_of(server, line) : NULL;
    int group = outgoing != NULL ? line_find_receiver(line, line_receiver_name(given, taken->group)) : -1;
    if (known_group && group < 0) {
        return; /* the site has it no longer (RELOAD) */
    }
    if (!known_group || taken->position >= outgoing->end) {
        server_note(server, "%s says that values were taken which are not there",
                    run_name(process->name, kom->instance).text);
        server->clients[client].close = true;
        return;
    }
    if (!instances_valid(&kom->process->instances, now.instant, kom->instance, taken->epoch)) {
        return; /* they may have it; they get it again */
    }
    uint64_t *known = &outgoing->taken[group][kom->instance];
    if (taken->position > *known) {
        *known = taken->position;
        outgoing->dirty[group] |= 1u << kom->instance;
        tell_lost(server, outgoing, (unsigned)group);
    }
}

/* ---- events ---- */

/* The oldest makes room; masters who have not got it never will. */
static void drop_oldest(struct server *server, struct outgoing *outgoing)
{
    uint64_t oldest = outgoing->first++;
    for (unsigned g = 0; g < line_receivers(outgoing->line); g++) {
        if (lacks(server, outgoing, g, oldest)) {
            lose_one(server, outgoing, g);
        }
    }
}

static uint64_t append(struct server *server, struct outgoing *outgoing, const struct tag *tag,
                       const struct value *value, bool older, uint64_t ticket)
{
    if (outgoing->end - outgoing->first == outgoing_capacity(outgoing)) {
        drop_oldest(server, outgoing);
    }
    outgoing->end++;
    *outgoing_entry(outgoing, outgoing->end - 1) =
        (struct out_entry){.value = *value, .ticket = ticket, .tag = tag->number, .older = older};
    return outgoing->end - 1;
}

uint64_t outgoing_event(struct server *server, const struct tag *tag, const struct value *value,
                        uint64_t ticket)
{
    struct outgoing *outgoing = tag_is_outgoing(tag) ? outgoing_of(server, tag->station->line) : NULL;
    return outgoing != NULL ? append(server, outgoing, tag, value, false, ticket) : 0;
}

void outgoing_follow(struct server *server, const struct tag *source, const struct value *value, bool older,
                     uint64_t ticket)
{
    uint32_t first = server->first_follower[tag_site_number(source)];
    if (first != 0) {
        KOMET_ASSERT(server->follow.next == 0); /* the caller drains between two events */
        server->follow = (struct follow){first, source, *value, older, ticket};
    }
}

static void write_event(struct server *server, const struct tag *tag, const struct value *value, bool older)
{
    struct outgoing *outgoing = outgoing_of(server, tag->station->line);
    const struct tag_state *state = &server->tags[tag_site_number(tag)];
    bool stays = older || value_is_older(value, &state->value);
    uint64_t position = append(server, outgoing, tag, value, stays, server->follow.ticket);
    server->counters.events++;
    server->record = (struct record){
        .kind = RECORD_EVENT, .ticket = server->follow.ticket, .process = tag_process(tag)->name};
    server->record.of.event = (struct record_event){.tag = tag->name,
                                                    .tag_number = tag_site_number(tag),
                                                    .type = tag->type,
                                                    .value = *value,
                                                    .line = tag->station->line->index,
                                                    .frame = position,
                                                    .older = stays};
    if (!stays) {
        batch_set_value(server, tag, value);
    }
}

bool outgoing_next_record(struct server *server, struct server_output *output)
{
    if (server->journal_failed) {
        server->follow.next = 0;
    }
    while (server->follow.next != 0) {
        const struct tag *tag = server->site->tags[server->follow.next - 1];
        server->follow.next = server->next_follower[server->follow.next - 1];
        if ((server_station_mode(server, tag->station) & STATION_SIMULATED) != 0) {
            continue; /* it has the value that somebody gave it */
        }
        struct value value = server_value_followed(tag, server->follow.source, &server->follow.value);
        write_event(server, tag, &value, server->follow.older);
        output->kind = SERVER_OUT_RECORD;
        output->record = &server->record;
        return true;
    }
    for (uint32_t i = 0; i < server->outgoing_count && !server->journal_failed; i++) {
        struct outgoing *outgoing = &server->outgoing[i];
        for (unsigned g = 0; g < line_receivers(outgoing->line) && outgoing->ticket <= server->stored_ticket;
             g++) {
            if (outgoing->dirty[g] == 0 || server->walk.batch != NULL) {
                continue; /* a batch's records have a ticket of their own */
            }
            uint8_t instance = 0;
            while ((outgoing->dirty[g] >> instance & 1u) == 0) {
                instance++;
            }
            outgoing->dirty[g] &= ~(1u << instance);
            outgoing->ticket = ++server->ticket;
            server->record = (struct record){.kind = RECORD_TAKEN,
                                             .ticket = outgoing->ticket,
                                             .process = outgoing->line->process->name,
                                             .instance = instance};
            server->record.of.taken = (struct record_taken){
                outgoing->line->name, line_receiver_name(outgoing->line, g), outgoing->taken[g][instance]};
            output->kind = SERVER_OUT_RECORD;
            output->record = &server->record;
            return true;
        }
    }
    return false;
}

/* ---- recovery ---- */

void server_recover_outgoing(struct server *server, const char *tag_name, const struct value *value,
                             uint64_t position, bool older)
{
    const struct tag *tag = site_find_tag(server->site, tag_name);
    bool kept = tag != NULL && tag_is_outgoing(tag);
    struct outgoing *outgoing = kept ? outgoing_of(server, tag->station->line) : NULL;
    if (outgoing == NULL || outgoing->capacity == 0 || position < outgoing->end) {
        return; /* the site has changed since */
    }
    if (position > outgoing->end) { /* what is between was of a tag that is no more */
        outgoing->first = outgoing->end = position;
    }
    append(server, outgoing, tag, value, older, 0);
}

void server_recover_taken(struct server *server, const char *line_name, const char *masters, uint8_t instance,
                          uint64_t position)
{
    const struct line *line = site_find_line(server->site, line_name);
    struct outgoing *outgoing = line != NULL ? outgoing_of(server, line) : NULL;
    int group = outgoing != NULL ? line_find_receiver(line, masters) : -1;
    if (group < 0 || instance > ROLE_INSTANCE_MAX) {
        return; /* the site has changed since */
    }
    outgoing->taken[group][instance] = position;
    if (position >= outgoing->end) {
        outgoing->first = outgoing->end = position + 1;
    }
}

/* What an output follows may have another value than it was told: it is new in the site, or follows another.
 */
void outgoing_recovered(struct server *server)
{
    for (uint32_t i = 0; i < server->site->tag_count; i++) {
        const struct tag *tag = server->site->tags[i];
        if (tag_is_outgoing(tag) && tag->source != NULL) {
            struct value value = server_value_followed(tag, tag->source, server_value(server, tag->source));
            if (!value_same(&value, &server->tags[i].value)) {
                server->tags[i].value = value;
            }
        }
    }
}

/* ---- to instances ---- */

static void show(struct server *server, const struct outgoing *outgoing);

void outgoing_granted(struct server *server, const struct process_state *process, uint8_t instance)
{
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        struct outgoing *outgoing = &server->outgoing[i];
        if (outgoing->line->process == process->process) {
            outgoing->readers[instance] = (struct out_reader){.state = READER_BEGINS};
        }
    }
}

void outgoing_ended(struct server *server, const struct process_state *process, uint8_t instance)
{
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        struct outgoing *outgoing = &server->outgoing[i];
        if (outgoing->line->process == process->process) {
            outgoing->readers[instance] = (struct out_reader){.state = READER_NONE};
        }
        if (outgoing->line->process == process->process && outgoing->reported != NULL) {
            outgoing->reported[instance] = (struct out_reported){0};
            show(server, outgoing);
        }
    }
}

/* ---- what is known of the line ---- */

/* Its stations are on while a client of any instance has started data transfer. */
static void show_stations(struct server *server, const struct outgoing *outgoing, bool started)
{
    for (unsigned i = 0; i < outgoing->line->station_count; i++) {
        const struct station *station = &outgoing->line->stations[i];
        unsigned mode = server_station_mode(server, station);
        stations_report(server, station,
                        mode != 0 ? station_mode_value(mode)
                        : started ? STATION_ON
                                  : STATION_COMERR,
                        0);
    }
}

static void show(struct server *server, const struct outgoing *outgoing)
{
    struct server_line_state *line = &server->lines[server_line_number(server, outgoing->line)];
    const struct process_state *process = &server->processes[outgoing->line->process->index];
    uint8_t leads = server_active(process);
    *line = (struct server_line_state){0};
    line->instance = leads <= ROLE_INSTANCE_MAX && !process->instances.all_act ? leads : 0;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        const struct out_reported *reported = &outgoing->reported[i];
        line->value = line->value || reported->value;
        line->flags = (value_flags)(line->flags | reported->flags);
        for (unsigned k = 0;
             k < reported->connection_count && line->connection_count < SERVER_CONNECTIONS_MAX; k++) {
            line->connections[line->connection_count++] = reported->connections[k];
        }
    }
    show_stations(server, outgoing, line->flags != 0);
}

void outgoing_report(struct server *server, const struct client *client, const struct line *line,
                     const Komet__Wire__LineReport *report)
{
    struct outgoing *outgoing = outgoing_of(server, line);
    if (client->process->instances.member[client->instance].standing != ROLE_ACTIVE) {
        return; /* one that stops: its line is closed, which is no news */
    }
    struct out_reported *reported = &outgoing->reported[client->instance];
    reported->value = report->value;
    reported->flags = (value_flags)report->flags;
    reported->connection_count =
        clients_copy_connections(report, client->instance, reported->connections, LINE_CONNECTIONS_MAX);
    show(server, outgoing);
}

static void add_column(struct out_columns *columns, size_t at, uint32_t tag, const struct value *value,
                       uint64_t position)
{
    columns->tag[at] = tag;
    columns->number[at] = value->number;
    columns->status_flags[at] = (uint32_t)value->status << 16 | value->flags |
                                (value->time_origin == TIME_OF_ARRIVAL ? TIME_OF_ARRIVAL_BIT : 0u);
    columns->time_ms[at] = value->time.ms;
    columns->position[at] = position;
}

/* What each output has now, as far as the message goes. Returns how many. */
static size_t write_values(struct server *server, const struct outgoing *outgoing, struct out_reader *reader)
{
    const struct process *process = outgoing->line->process;
    size_t count = 0;
    while (reader->tag < process->tag_count && count < SERVER_OUTGOING_COLUMNS) {
        const struct tag *tag = process->tags[reader->tag++];
        if (tag->station->line == outgoing->line && tag_is_outgoing(tag)) {
            add_column(&server->columns, count++, tag->number, server_value(server, tag), 0);
        }
    }
    return count;
}

/* The events behind, as far as they are on disk. */
static size_t write_events(struct server *server, const struct outgoing *outgoing, struct out_reader *reader)
{
    size_t count = 0;
    while (reader->next >= outgoing->first && reader->next < outgoing->end &&
           count < SERVER_OUTGOING_COLUMNS) {
        const struct out_entry *entry = outgoing_entry(outgoing, reader->next);
        if (entry->ticket > server->stored_ticket) {
            break;
        }
        reader->next++;
        if (entry->tag == OUTGOING_TAG_GONE) {
            continue;
        }
        add_column(&server->columns, count, entry->tag, &entry->value, reader->next - 1);
        bool told = reader->next <= reader->told_until; /* with what its output has */
        server->columns.status_flags[count++] |= entry->older || told ? OLDER_BIT : 0u;
    }
    return count;
}

static void write_message(struct server *server, const struct outgoing *outgoing, size_t count)
{
    Komet__Wire__Outgoing *body = &server->slot.body.outgoing;
    komet__wire__outgoing__init(body);
    body->line = outgoing->line->index;
    body->n_tag = body->n_number = body->n_status_flags = body->n_time_ms = body->n_position = count;
    body->tag = server->columns.tag;
    body->number = server->columns.number;
    body->status_flags = server->columns.status_flags;
    body->time_ms = server->columns.time_ms;
    body->position = server->columns.position;
    server->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_OUTGOING;
    server->slot.message.outgoing = body;
}

/* Where an instance begins: behind what the group has that is furthest behind, or what it was sent before a
 * RELOAD. */
static void begin_reading(struct server *server, struct outgoing *outgoing,
                          const struct process_state *process, uint8_t instance)
{
    struct out_reader *reader = &outgoing->readers[instance];
    reader->state = READER_VALUES;
    reader->tag = 0;
    reader->told_until = outgoing->end;
    reader->next = reader->resume > 0 ? reader->resume : outgoing->end;
    reader->resume = 0;
    for (unsigned g = 0; g < line_receivers(outgoing->line); g++) {
        server->columns.group[g] = taken_by(outgoing, process, g, instance);
        if (process->instances.all_act) { /* from now on its own */
            outgoing->taken[g][instance] = server->columns.group[g];
        }
        if (server->columns.group[g] + 1 < reader->next) {
            reader->next = server->columns.group[g] + 1;
        }
    }
    reader->next = reader->next > outgoing->first ? reader->next : outgoing->first;
}

/* Events that made room before the instance was told them, while a disk held them up: it is told anew what
 * the outputs have, so that masters that ask are not answered with something older. When something has come
 * to disk since, for each further event makes room, too. */
static void catch_up(const struct server *server, const struct outgoing *outgoing, struct out_reader *reader)
{
    if (reader->state == READER_EVENTS && reader->next < outgoing->first &&
        reader->told < server->stored_ticket) {
        reader->state = READER_VALUES;
        reader->tag = 0;
        reader->told_until = outgoing->end;
        reader->next = outgoing->first;
    }
}

static bool next_of(struct server *server, struct outgoing *outgoing, const struct process_state *process,
                    uint8_t instance)
{
    struct out_reader *reader = &outgoing->readers[instance];
    bool begins = reader->state == READER_BEGINS;
    if (begins) {
        begin_reading(server, outgoing, process, instance);
    }
    catch_up(server, outgoing, reader);
    bool values = reader->state == READER_VALUES;
    size_t count = values ? write_values(server, outgoing, reader) : write_events(server, outgoing, reader);
    bool ready = !values && !reader->ready && count < SERVER_OUTGOING_COLUMNS;
    if (count == 0 && !values && !ready) {
        return false;
    }
    reader->told = server->stored_ticket;
    write_message(server, outgoing, count);
    server->slot.body.outgoing.begin = begins;
    server->slot.body.outgoing.ready = ready;
    if (begins) {
        server->slot.body.outgoing.n_group = line_receivers(outgoing->line);
        server->slot.body.outgoing.group = server->columns.group;
    }
    if (values && reader->tag == outgoing->line->process->tag_count) {
        reader->state = READER_EVENTS;
    }
    reader->ready = reader->ready || ready;
    return true;
}

bool outgoing_next_message(struct server *server, const struct client *client)
{
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        struct outgoing *outgoing = &server->outgoing[i];
        if (outgoing->line->process == client->process->process &&
            outgoing->readers[client->instance].state != READER_NONE &&
            next_of(server, outgoing, client->process, client->instance)) {
            return true;
        }
    }
    return false;
}
