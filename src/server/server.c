/*
 * server: the life of the engine: its memory, its clients, roles handed out, time.
 *
 * What happens inside is split by what it is about: server_clients.c (greetings, heartbeats, reports),
 * server_batch.c (values), server_orders.c (commands that people ask for), server_order_records.c (what they
 * leave in the journal), server_roles.c (roles that people ask for), server_values.c (values of processes),
 * server_known.c (what the console may ask), server_traces.c (LNTRACE), server_reload.c (another site),
 * repeats.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/lay_out.h"
#include "server/server_private.h"

static uint16_t window_of(const struct line *line)
{
    return (uint16_t)line->parameters.value[PARAMETER_K];
}

/* What a line's buffer brings may be a repeat of what has come long before, and so may a stream. */
static uint32_t values_of(const struct line *line)
{
    bool many = line->without_server == WITHOUT_SERVER_BUFFER || line_has_streams(line);
    return many ? REPEATS_VALUES_MAX : 0;
}

/* One walk over everything that the engine keeps, for its size (`server` NULL) and for its making. */
size_t server_lay_out(struct server *server, const struct site *site)
{
    uint8_t *memory = (uint8_t *)server;
    size_t used = 0;
    uint32_t lines = 0, stations = 0;
    for (unsigned p = 0; p < site->process_count; p++) {
        lines += site->processes[p].line_count;
        stations += site->processes[p].station_count;
    }
    lay_out_take(memory, &used, sizeof(struct server));
    void *processes = lay_out_take(memory, &used, site->process_count * sizeof(struct process_state));
    void *first_line = lay_out_take(memory, &used, site->process_count * sizeof(uint32_t));
    void *first_station = lay_out_take(memory, &used, site->process_count * sizeof(uint32_t));
    void *tags = lay_out_take(memory, &used, site->tag_count * sizeof(struct tag_state));
    void *line_states = lay_out_take(memory, &used, lines * sizeof(struct server_line_state));
    void *station_states = lay_out_take(memory, &used, stations * sizeof(struct station_known));
    void *modes = lay_out_take(memory, &used, stations * sizeof(uint32_t));
    void *repeats = lay_out_take(memory, &used, lines * sizeof(struct repeats *));
    void *reach = lay_out_take(memory, &used, lines * sizeof(struct reach_line));
    used = outgoing_lay_out(server, memory, used, site);
    if (server != NULL) {
        server->processes = processes;
        server->first_line = first_line;
        server->first_station = first_station;
        server->tags = tags;
        server->lines = line_states;
        server->line_count = lines;
        server->stations = station_states;
        server->modes = modes;
        server->station_count = stations;
        server->repeats = repeats;
        server->reach = reach;
    }
    uint32_t line_number = 0;
    for (unsigned p = 0; p < site->process_count; p++) {
        for (unsigned l = 0; l < site->processes[p].line_count; l++, line_number++) {
            uint16_t window = window_of(&site->processes[p].lines[l]);
            uint32_t values = values_of(&site->processes[p].lines[l]);
            size_t size = repeats_size(window, values);
            void *place = lay_out_take(memory, &used, size);
            if (server != NULL) {
                server->repeats[line_number] = repeats_init(place, size, window, values);
            }
        }
    }
    return used;
}

size_t server_size(const struct site *site)
{
    return server_lay_out(NULL, site);
}

static void mark_control_objects(struct server *server, const struct process *process)
{
    for (unsigned i = 0; i < process->station_count; i++) {
        if (process->stations[i]->control_object != NULL) {
            server->tags[tag_site_number(process->stations[i]->control_object)].controls = true;
        }
    }
}

/* Which lines the instances of a process say whether they reach. */
static void watch_lines(struct server *server, struct process_state *process)
{
    const struct process *of = process->process;
    struct reach_line *lines = &server->reach[server->first_line[of->index]];
    for (unsigned i = 0; i < of->line_count; i++) {
        lines[i] = (struct reach_line){.loss_us = of->lines[i].line_loss_us,
                                       .compared = of->lines[i].standby == STANDBY_WARM};
    }
    instances_watch_lines(&process->instances, lines, of->line_count);
}

static void begin_process(struct server *server, unsigned index, struct line_now now)
{
    struct process_state *process = &server->processes[index];
    memset(process, 0, sizeof *process);
    process->process = &server->site->processes[index];
    process->reporter = 0xFF;
    for (unsigned i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        process->members[i].client = SERVER_NO_CLIENT;
    }
    instances_init(&process->instances, server->lease_us, 0, now.instant);
    watch_lines(server, process);
    stations_begin(server, process->process);
    clients_forget_reports(server, process, 0xFF);
    values_begin(process);
}

void server_begin_site(struct server *server, const struct site *site, struct line_now now)
{
    uint32_t line = 0, station = 0;
    server->site = site;
    memset(server->lines, 0, server->line_count * sizeof server->lines[0]);
    memset(server->stations, 0, server->station_count * sizeof server->stations[0]);
    for (unsigned p = 0; p < site->process_count; p++) {
        server->first_line[p] = line;
        server->first_station[p] = station;
        line += site->processes[p].line_count;
        station += site->processes[p].station_count;
        begin_process(server, p, now);
    }
    for (uint32_t i = 0; i < site->tag_count; i++) {
        server->tags[i] = (struct tag_state){.value = value_unknown()};
    }
    for (unsigned p = 0; p < site->process_count; p++) {
        mark_control_objects(server, &site->processes[p]);
    }
    outgoing_begin(server);
}

struct server *server_init(void *memory, size_t size, const struct site *site, const char *name,
                           struct line_now now)
{
    KOMET_ASSERT(size >= server_size(site) && site->lease_us > 0);
    struct server *server = memory;
    memset(server, 0, sizeof *server);
    server_lay_out(server, site);
    server->name = name;
    server->started = now;
    server->since = now.utc;
    server->lease_us = site->lease_us;
    server->next_command = (uint64_t)now.utc.ms * 1000; /* larger than any of an earlier run */
    server_begin_site(server, site, now);
    return server;
}

void server_note(struct server *server, const char *format, ...)
{
    if (server->note_count == SERVER_NOTES_MAX) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(server->notes[server->note_count++], SERVER_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

void server_refuse(struct server *server, unsigned client, const char *format, ...)
{
    struct client *refused = &server->clients[client];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(refused->refused, sizeof refused->refused, format, arguments);
    va_end(arguments);
    refused->kind = CLIENT_CLOSING;
    refused->welcome = refused->close = true;
    server_note(server, "client %u is refused: %s", client, refused->refused);
}

uint8_t server_client_of(const struct process_state *process, uint8_t instance)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    return process->members[instance].client;
}

uint8_t server_active(const struct process_state *process)
{
    return process->instances.active;
}

uint32_t server_line_number(const struct server *server, const struct line *line)
{
    return server->first_line[line->process->index] + line->index;
}

uint32_t server_station_number(const struct server *server, const struct station *station)
{
    return server->first_station[station->line->process->index] + station->number;
}

/* ---- recovery ---- */

struct process_state *server_find_process(struct server *server, const char *name)
{
    const struct process *process = site_find_process(server->site, name);
    return process != NULL ? &server->processes[process->index] : NULL;
}

void server_recover_grant(struct server *server, const char *process, uint64_t epoch)
{
    struct process_state *state = server_find_process(server, process);
    server->highest_epoch = epoch > server->highest_epoch ? epoch : server->highest_epoch;
    if (state != NULL && epoch > state->epoch_floor) {
        state->epoch_floor = epoch;
    }
}

void server_recover_batch(struct server *server, const char *process, uint8_t instance, uint64_t run,
                          uint64_t sequence)
{
    struct process_state *state = server_find_process(server, process);
    if (state != NULL && instance <= ROLE_INSTANCE_MAX) {
        state->members[instance].run = run;
        state->members[instance].sequence = sequence;
    }
}

void server_recover_archived(struct server *server, const char *process, uint8_t instance, uint64_t buffer,
                             uint64_t sequence)
{
    struct process_state *state = server_find_process(server, process);
    if (state != NULL && instance <= ROLE_INSTANCE_MAX) {
        batch_find_buffer(state, buffer)->sequence = sequence;
    }
}

void server_recover_event(struct server *server, const char *process, uint8_t instance,
                          const struct record_event *event)
{
    struct process_state *state = server_find_process(server, process);
    const struct tag *tag = site_find_tag(server->site, event->tag);
    if (state == NULL || tag == NULL || tag_process(tag) != state->process || tag->type != event->type) {
        return; /* the site has changed since */
    }
    struct value *value = &server->tags[tag_site_number(tag)].value;
    bool sure = event->archived || event->standby; /* as it was taken then */
    if (sure ? value_surely_newer(&event->value, value) : !value_is_older(&event->value, value)) {
        *value = event->value;
    }
    if (event->standby && event->epoch > server->newest_life) {
        server->newest_life = event->epoch;
    }
    /* Of the line that the tag has now: lines had other numbers before a RELOAD. */
    if (event->octets_size > 0 && !cot_is_interrogated(event->value.cot)) {
        const struct line *line = tag->station->line;
        struct repeats_connection connection = {event->epoch, event->connection, 0, event->standby};
        if (line_has_streams(line) && instance <= ROLE_INSTANCE_MAX) {
            connection.life |= event->standby ? REPEATS_RECOVERED_STANDBY : REPEATS_RECOVERED;
            connection.stream = instance;
        }
        repeats_recover(server->repeats[server_line_number(server, line)], connection, event->frame,
                        tag->number, event->octets, event->octets_size);
    }
}

void server_recovered(struct server *server, struct line_now now)
{
    for (unsigned p = 0; p < server->site->process_count; p++) {
        struct process_state *process = &server->processes[p];
        instances_recovered(&process->instances, process->epoch_floor, now.instant);
    }
    stations_recovered(server);
    outgoing_recovered(server);
}

/* ---- clients come, speak and go ---- */

void server_opened(struct server *server, struct line_now now, unsigned client)
{
    KOMET_ASSERT(client < SERVER_CLIENTS_MAX && server->clients[client].kind == CLIENT_FREE);
    server->clients[client] = (struct client){.kind = CLIENT_NEW, .heard = now.instant};
}

void server_identified(struct server *server, unsigned client, const struct identity *identity)
{
    KOMET_ASSERT(client < SERVER_CLIENTS_MAX && server->clients[client].kind == CLIENT_NEW);
    server->clients[client].identity = *identity;
}

static bool is_kom(const struct server *server, unsigned client)
{
    return server->clients[client].kind == CLIENT_KOM;
}

static void out_of_place(struct server *server, unsigned client, const wire_message *message)
{
    server_note(server, "client %u sent a message that it may not send: %s", client,
                wire_message_name(message));
    server->clients[client].close = true;
}

void server_feed(struct server *server, struct line_now now, unsigned client, const wire_message *message)
{
    KOMET_ASSERT(client < SERVER_CLIENTS_MAX && server->clients[client].kind != CLIENT_FREE);
    KOMET_ASSERT(server->walk.batch == NULL); /* the caller drains server_next first */
    struct client *from = &server->clients[client];
    from->heard = now.instant;
    if (from->kind == CLIENT_CLOSING) {
        return;
    }
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_HELLO && from->kind == CLIENT_NEW) {
        clients_hello(server, now, client, message->hello);
        return;
    }
    if (!is_kom(server, client)) {
        out_of_place(server, client, message);
        return;
    }
    switch (message->body_case) {
    case KOMET__WIRE__MESSAGE__BODY_HEARTBEAT:
        clients_heartbeat(server, now, client, message->heartbeat);
        break;
    case KOMET__WIRE__MESSAGE__BODY_STOPPED:
        orders_instance_lost(server, now, from->process, from->instance, message->stopped->epoch);
        instances_stopped(&from->process->instances, now.instant, from->instance, message->stopped->epoch);
        break;
    case KOMET__WIRE__MESSAGE__BODY_LEAVE:
        server_note(server, "%s is about to end",
                    run_name(from->process->process->name, from->instance).text);
        instances_leave(&from->process->instances, now.instant, from->instance);
        break;
    case KOMET__WIRE__MESSAGE__BODY_BATCH:
        batch_begin(server, now, client, message->batch);
        break;
    case KOMET__WIRE__MESSAGE__BODY_COMMAND_END:
        orders_command_end(server, now, client, message->command_end);
        break;
    case KOMET__WIRE__MESSAGE__BODY_LINE_REPORT:
        clients_line_report(server, now, client, message->line_report);
        break;
    case KOMET__WIRE__MESSAGE__BODY_STATION_REPORT:
        clients_station_report(server, client, message->station_report);
        break;
    case KOMET__WIRE__MESSAGE__BODY_CONFIGURED:
        reload_configured(server, now, client, message->configured);
        break;
    case KOMET__WIRE__MESSAGE__BODY_TRACE_PAGE:
        traces_page(server, client, message->trace_page);
        break;
    case KOMET__WIRE__MESSAGE__BODY_OUTGOING_TAKEN:
        outgoing_taken(server, now, client, message->outgoing_taken);
        break;
    case KOMET__WIRE__MESSAGE__BODY_MASTER_COMMAND:
        masters_command(server, now, client, message->master_command);
        break;
    case KOMET__WIRE__MESSAGE__BODY_OUTGOING:
    case KOMET__WIRE__MESSAGE__BODY_MASTER_ANSWER:
    case KOMET__WIRE__MESSAGE__BODY_HELLO:
    case KOMET__WIRE__MESSAGE__BODY_WELCOME:
    case KOMET__WIRE__MESSAGE__BODY_ROLE:
    case KOMET__WIRE__MESSAGE__BODY_STORED:
    case KOMET__WIRE__MESSAGE__BODY_COMMAND:
    case KOMET__WIRE__MESSAGE__BODY_ASK:
    case KOMET__WIRE__MESSAGE__BODY_ANSWER:
    case KOMET__WIRE__MESSAGE__BODY_CANCEL:
    case KOMET__WIRE__MESSAGE__BODY_TRACE_ASK:
    case KOMET__WIRE__MESSAGE__BODY_STATION_MODES:
    case KOMET__WIRE__MESSAGE__BODY_CONFIGURATION:
    case KOMET__WIRE__MESSAGE__BODY__NOT_SET:
    case _KOMET__WIRE__MESSAGE__BODY__CASE_IS_INT_SIZE:
        out_of_place(server, client, message);
        break;
    }
}

void server_drop_kom(struct server *server, struct line_now now, unsigned client, bool surely_dead)
{
    struct client *gone = &server->clients[client];
    struct process_state *process = gone->process;
    if (process == NULL) {
        return;
    }
    uint8_t instance = gone->instance;
    KOMET_ASSERT(process->members[instance].client == client);
    process->members[instance].client = SERVER_NO_CLIENT;
    gone->process = NULL;
    traces_lost(server, client);
    masters_lost(server, client);
    outgoing_ended(server, process, instance);
    orders_instance_lost(server, now, process, instance, process->instances.member[instance].epoch);
    instances_lost(&process->instances, now.instant, instance, surely_dead);
    if (process->instances.member[instance].value == PROCESS_STOP) {
        server_note(server, "%s has ended", run_name(process->process->name, instance).text);
    } else {
        server_note(server, "%s is lost (%s)", run_name(process->process->name, instance).text,
                    surely_dead ? "its connection ended" : "it was silent");
    }
    const struct damping *damping = &process->instances.member[instance].damping;
    if (damping->holds) {
        server_note(server, "%s is lost again and again: it comes behind the others for %lld s",
                    run_name(process->process->name, instance).text, (long long)(damping->span_us / 1000000));
    }
    orders_instance_ended(server, now, process);
    clients_forget_standby(server, process->process, instance);
    if (process->reporter == instance) {
        clients_forget_reports(server, process, 0xFF);
    }
    reload_settle(server, now);
}

void server_replace(struct server *server, struct line_now now, unsigned client)
{
    KOMET_ASSERT(server->walk.batch == NULL);
    server_drop_kom(server, now, client, true);
    server->clients[client].kind = CLIENT_CLOSING;
    server->clients[client].close = true;
}

void server_closed(struct server *server, struct line_now now, unsigned client, bool surely_dead)
{
    KOMET_ASSERT(client < SERVER_CLIENTS_MAX && server->clients[client].kind != CLIENT_FREE);
    if (server->walk.batch != NULL && server->walk.client == client) {
        if (server->walk.recorded) {
            server->ticket = server->walk.ticket; /* what was handed out of it stays a group of its own */
        }
        server->walk.batch = NULL;
    }
    server_drop_kom(server, now, client, surely_dead);
    server->clients[client] = (struct client){.kind = CLIENT_FREE};
}

/* ---- time and disk ---- */

void server_stored(struct server *server, struct line_now now, uint64_t ticket)
{
    KOMET_ASSERT(ticket <= server->ticket);
    if (ticket > server->stored_ticket) {
        server->stored_ticket = ticket;
        clients_stored(server);
        orders_stored(server, now);
    }
}

void server_journal_failed(struct server *server, struct line_now now, const char *why)
{
    if (server->journal_failed) {
        return;
    }
    server->journal_failed = true;
    snprintf(server->journal_fault, sizeof server->journal_fault, "the journal cannot write: %s", why);
    server_note(server, "%s; values and commands are refused until it can", server->journal_fault);
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (is_kom(server, i)) {
            server->clients[i].close = true;
        }
    }
    orders_stored(server, now);
}

static int64_t silence_limit(const struct server *server)
{
    int64_t limit = SERVER_SILENT_LEASES * server->lease_us;
    return limit > SERVER_SILENT_MIN_US ? limit : SERVER_SILENT_MIN_US;
}

static struct komet_instant client_deadline(const struct server *server, const struct client *client)
{
    if (client->close) {
        return KOMET_NEVER;
    }
    if (client->kind == CLIENT_NEW) {
        return komet_after(client->heard, SERVER_HELLO_US);
    }
    return client->kind == CLIENT_KOM
               ? komet_earlier(komet_after(client->heard, silence_limit(server)), client->configure_by)
               : KOMET_NEVER;
}

static bool acts(const struct process_state *process, uint8_t instance)
{
    enum role_standing standing = process->instances.member[instance].standing;
    return standing == ROLE_ACTIVE || standing == ROLE_STOPPING || standing == ROLE_GONE;
}

static void tick_roles(struct server *server, struct line_now now, struct process_state *process)
{
    uint32_t acted = 0;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        acted |= acts(process, i) ? 1u << i : 0u;
    }
    instances_tick(&process->instances, now.instant);
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if ((acted >> i & 1u) != 0 && !acts(process, i)) {
            server_note(server, "%s let its lease run out", run_name(process->process->name, i).text);
            outgoing_ended(server, process, i);
            orders_instance_lost(server, now, process, i, process->instances.member[i].epoch);
        }
    }
}

void server_tick(struct server *server, struct line_now now)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (komet_reached(now.instant, client_deadline(server, client))) {
            if (client->kind == CLIENT_KOM && komet_reached(now.instant, client->configure_by)) {
                server_note(server, "%s has not applied the changed site in time and is disconnected",
                            run_name(client->process->process->name, client->instance).text);
            }
            server_drop_kom(server, now, i, false);
            client->kind = CLIENT_CLOSING;
            client->close = true;
        }
    }
    for (unsigned p = 0; p < server->site->process_count; p++) {
        struct process_state *process = &server->processes[p];
        tick_roles(server, now, process);
    }
    orders_tick(server, now);
}

struct komet_instant server_deadline(const struct server *server)
{
    struct komet_instant deadline = orders_deadline(server);
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        deadline = komet_earlier(deadline, client_deadline(server, &server->clients[i]));
    }
    for (unsigned p = 0; p < server->site->process_count; p++) {
        deadline = komet_earlier(deadline, instances_deadline(&server->processes[p].instances));
    }
    return deadline;
}

/* ---- what it wants done ---- */

/* A change of role for a line's sake is told. */
static void note_by_lines(struct server *server, struct process_state *process)
{
    const struct role_by_lines *by = &process->instances.by_lines;
    if (by->count != process->told_by_lines) {
        process->told_by_lines = by->count;
        server_note(server, "%s does not reach line %s: the role goes to %s, which reaches it",
                    run_name(process->process->name, by->from).text, process->process->lines[by->line].name,
                    run_name(process->process->name, by->to).text);
    }
}

/* One decision about roles: a grant is journaled first, its Role waits for that. */
static bool next_role(struct server *server, struct line_now now, struct server_output *output)
{
    struct instances_output role;
    for (unsigned p = 0; p < server->site->process_count; p++) {
        struct process_state *process = &server->processes[p];
        note_by_lines(server, process);
        while (instances_next(&process->instances, now.instant, &role)) {
            uint8_t number = server_client_of(process, role.instance);
            struct client *client = number != SERVER_NO_CLIENT ? &server->clients[number] : NULL;
            if (client != NULL) {
                client->role = true;
                client->role_active = role.active;
                client->role_epoch = role.epoch;
                client->role_ticket = role.active ? server->ticket + 1 : 0;
            }
            if (!role.active) {
                continue;
            }
            if (server_active(process) == role.instance) { /* else another one leads */
                clients_forget_reports(server, process, role.instance);
            }
            server->counters.grants++;
            server->highest_epoch = role.epoch > server->highest_epoch ? role.epoch : server->highest_epoch;
            server->record = (struct record){.kind = RECORD_GRANT,
                                             .ticket = ++server->ticket,
                                             .process = process->process->name,
                                             .instance = role.instance};
            server->record.of.grant.epoch = role.epoch;
            output->kind = SERVER_OUT_RECORD;
            output->record = &server->record;
            server_note(server, "%s is active under epoch %llu",
                        run_name(process->process->name, role.instance).text, (unsigned long long)role.epoch);
            return true;
        }
    }
    return false;
}

static bool next_close(struct server *server, struct server_output *output)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (server->clients[i].close) {
            server->clients[i].close = false;
            server->clients[i].kind = CLIENT_CLOSING;
            output->kind = SERVER_OUT_CLOSE;
            output->client = i;
            return true;
        }
    }
    return false;
}

static bool next_note(struct server *server, struct server_output *output)
{
    if (server->note_next < server->note_count) {
        output->kind = SERVER_OUT_NOTE;
        output->text = server->notes[server->note_next++];
        return true;
    }
    server->note_next = server->note_count = 0;
    return false;
}

bool server_next(struct server *server, struct line_now now, struct server_output *output)
{
    stations_follow_control(server);
    orders_tell_masters(server);
    *output = (struct server_output){0};
    bool found = next_note(server, output) || batch_next_change(server, output) ||
                 reload_next_record(server, output) || outgoing_next_record(server, output) ||
                 batch_next(server, output) ||
                 (!server->journal_failed &&
                  (next_role(server, now, output) || values_next_record(server, now, output) ||
                   stations_next_record(server, now, output) || masters_next_record(server, output) ||
                   orders_next_record(server, now, output))) ||
                 clients_next_message(server, now, output) || orders_next_command(server, now, output) ||
                 /* Again: a command that could not be sent any more has ended. */
                 (!server->journal_failed && orders_next_record(server, now, output)) ||
                 orders_next_ended(server, output) ||
                 (orders_tell_masters(server) && clients_next_message(server, now, output)) ||
                 traces_next(server, output) || next_close(server, output);
    if (found && output->kind == SERVER_OUT_RECORD) {
        server->counters.records++;
    }
    return found;
}
