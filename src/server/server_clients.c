/*
 * What KOMs say about themselves, and what the server says to them: greetings, heartbeats, roles,
 * confirmations, reports of lines and stations.
 */
#include <stdio.h>
#include <string.h>

#include "server/server_private.h"

static const char *process_names(const struct site *site, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned p = 0; p < site->process_count && used + 2 < size; p++) {
        int written = snprintf(text + used, size - used, "%s%s", p > 0 ? ", " : "", site->processes[p].name);
        used += written > 0 ? (size_t)written : 0;
    }
    return text;
}

static void hello_of_kom(struct server *server, struct line_now now, unsigned client,
                         const Komet__Wire__Hello *hello)
{
    const struct process *process = site_find_process(server->site, hello->process);
    const struct run_name run = run_name(hello->process, hello->instance);
    char names[128];
    if (process == NULL) {
        server_refuse(server, client, "%s: the site has no such process; it has %s", run.text,
                      process_names(server->site, names, sizeof names));
        return;
    }
    if (hello->instance > ROLE_INSTANCE_MAX) {
        server_refuse(server, client, "%s: instances have the numbers 1 to %d", run.text, ROLE_INSTANCE_MAX);
        return;
    }
    const struct line *lone = hello->instance > 0 ? process_lone_line(process) : NULL;
    if (lone != NULL) {
        server_refuse(server, client,
                      "%s: protocol %s of line %s does not support redundancy: the process runs without an "
                      "instance number only",
                      run.text, line_protocol_name(lone->protocol), lone->name);
        return;
    }
    if (server->journal_failed) {
        server->clients[client].close = true; /* no refusal: it tries again until the journal can write */
        return;
    }
    struct process_state *state = &server->processes[process->index];
    uint8_t instance = (uint8_t)hello->instance;
    uint8_t before = state->members[instance].client;
    if (before != SERVER_NO_CLIENT && state->members[instance].run == hello->run) {
        /* The same run, on a new connection, before we noticed the end of the old one: it has given up what
         * it held, as every KOM does whose connection ends. */
        server_replace(server, now, before);
    }
    const char *refused = instances_connect(&state->instances, now.instant, instance,
                                            state->members[instance].run == hello->run);
    if (refused != NULL) {
        server_refuse(server, client, "%s: %s", run.text, refused);
        return;
    }
    struct member_state *member = &state->members[instance];
    KOMET_ASSERT(member->client == SERVER_NO_CLIENT);
    member->client = (uint8_t)client;
    snprintf(member->host, sizeof member->host, "%s", hello->host);
    if (member->run != hello->run) {
        member->run = hello->run;
        member->sequence = 0;
    }
    struct client *kom = &server->clients[client];
    kom->kind = CLIENT_KOM;
    kom->process = state;
    kom->instance = instance;
    kom->welcome = kom->station_modes = true;
    kom->traces = hello->traces;
    kom->configuration = server->configuration;
    kom->life = ++server->newest_life;
    kom->configure_by = KOMET_NEVER;
    traces_connected(server, client);
    server_note(server, "%s is connected from %s (process %u)", run.text, member->host, hello->pid);
}

/* Does its certificate allow what it says it is? Else it is told, and refused. */
static bool may_speak(struct server *server, unsigned client, const Komet__Wire__Hello *hello)
{
    const struct identity *identity = &server->clients[client].identity;
    const struct identity_text text = identity_text(identity);
    bool kom = strcmp(hello->program, "kom") == 0;
    if (identity->role == IDENTITY_NONE || (kom ? identity_is_run(identity, hello->process, hello->instance)
                                                : identity->role == IDENTITY_USER)) {
        return true;
    }
    if (kom) {
        server_refuse(server, client,
                      "%s: tls-wrong-role: its certificate is that of %s; right would be that of kom %s",
                      run_name(hello->process, hello->instance).text, text.text, hello->process);
    } else {
        server_refuse(
            server, client,
            "tls-wrong-role: the console's certificate is that of %s; right would be that of a user",
            text.text);
    }
    return false;
}

static unsigned consoles(const struct server *server)
{
    unsigned count = 0;
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        count += server->clients[i].kind == CLIENT_CONSOLE ? 1 : 0;
    }
    return count;
}

void clients_hello(struct server *server, struct line_now now, unsigned client,
                   const Komet__Wire__Hello *hello)
{
    if (hello->version != WIRE_VERSION) {
        server_refuse(server, client,
                      "%s speaks version %u of the messages, this server version %d; update the older one",
                      hello->program[0] != '\0' ? hello->program : "the program", hello->version,
                      WIRE_VERSION);
    } else if (!may_speak(server, client, hello)) {
        return; /* it was told */
    } else if (strcmp(hello->program, "kom") == 0) {
        hello_of_kom(server, now, client, hello);
    } else if (consoles(server) >= SERVER_CONSOLES_MAX) {
        server_refuse(server, client, "%d consoles are connected already; end one of them",
                      SERVER_CONSOLES_MAX);
    } else {
        server->clients[client].kind = CLIENT_CONSOLE;
        server->clients[client].welcome = true;
    }
}

void clients_heartbeat(struct server *server, struct line_now now, unsigned client,
                       const Komet__Wire__Heartbeat *heartbeat)
{
    struct client *kom = &server->clients[client];
    kom->heartbeat = true;
    kom->heartbeat_us = heartbeat->sent_us;
    kom->heartbeat_epoch = instances_renew(&kom->process->instances, now.instant, kom->instance);
}

/* ---- reports ---- */

void clients_forget_reports(struct server *server, struct process_state *process, uint8_t reporter)
{
    process->reporter = reporter;
    if (reporter <= ROLE_INSTANCE_MAX) { /* it acts now */
        clients_forget_standby(server, process->process, reporter);
    }
    uint32_t line = server->first_line[process->process->index];
    for (unsigned i = 0; i < process->process->line_count; i++, line++) {
        struct server_line_state *state = &server->lines[line];
        if (line_is_server(&process->process->lines[i])) {
            continue; /* it shows all that act (server_outgoing.c) */
        }
        state->value = false;
        state->flags = 0;
        state->instance = reporter <= ROLE_INSTANCE_MAX ? reporter : 0;
        for (unsigned c = 0; c < state->connection_count; c++) {
            state->connections[c].state = CONNECTION_CLOSED;
        }
    }
    stations_forget(server, process->process);
}

void clients_forget_standby(struct server *server, const struct process *process, uint8_t instance)
{
    for (unsigned i = 0; i < process->line_count; i++) {
        struct server_line_state *line = &server->lines[server->first_line[process->index] + i];
        line->standby_count[instance] = 0;
    }
}

unsigned clients_copy_connections(const Komet__Wire__LineReport *report, uint8_t instance,
                                  struct server_connection *connections, unsigned capacity)
{
    unsigned count = report->n_connections < capacity ? (unsigned)report->n_connections : capacity;
    for (unsigned i = 0; i < count; i++) {
        const Komet__Wire__ConnectionReport *from = report->connections[i];
        struct server_connection *to = &connections[i];
        snprintf(to->address, sizeof to->address, "%s", from->address);
        snprintf(to->reason, sizeof to->reason, "%s", from->reason);
        snprintf(to->partner, sizeof to->partner, "%s", from->partner);
        snprintf(to->path, sizeof to->path, "%s", from->path);
        snprintf(to->role, sizeof to->role, "%s", from->role);
        to->instance = instance;
        to->state =
            from->state <= CONNECTION_STOPPING ? (enum connection_state)from->state : CONNECTION_CLOSED;
    }
    return count;
}

/* A passive instance: whether its line stands by, and how. */
static void take_standby(struct server_line_state *line, uint8_t instance,
                         const Komet__Wire__LineReport *report)
{
    struct server_connection *kept = line->standby[instance];
    line->standby_count[instance] = 0;
    if (report->reach != REACH_UNKNOWN) {
        line->standby_count[instance] =
            (uint8_t)clients_copy_connections(report, instance, kept, SERVER_STANDBY_MAX);
    }
}

void clients_line_report(struct server *server, struct line_now now, unsigned client,
                         const Komet__Wire__LineReport *report)
{
    const struct client *kom = &server->clients[client];
    const struct process *process = reload_numbers(server, kom);
    if (report->line >= process->line_count) {
        server_note(server, "%s reports a line that the site has not",
                    run_name(process->name, kom->instance).text);
        server->clients[client].close = true;
        return;
    }
    const struct line *reported = reload_line(server, process, report->line);
    if (reported == NULL || line_is_server(reported) != line_is_server(&process->lines[report->line])) {
        return;
    }
    if (line_is_server(reported)) {
        outgoing_report(server, kom, reported, report);
        return;
    }
    struct server_line_state *line = &server->lines[server_line_number(server, reported)];
    instances_line(&kom->process->instances, now.instant, kom->instance, reported->index,
                   report->reach < REACH_COUNT ? (enum line_reach)report->reach : REACH_UNKNOWN);
    if (kom->process->reporter != kom->instance) {
        take_standby(line, kom->instance, report);
        return;
    }
    line->value = report->value;
    line->flags = (value_flags)report->flags;
    line->instance = kom->instance;
    line->connection_count =
        clients_copy_connections(report, kom->instance, line->connections, SERVER_CONNECTIONS_MAX);
}

void clients_station_report(struct server *server, unsigned client, const Komet__Wire__StationReport *report)
{
    const struct client *kom = &server->clients[client];
    const struct process *process = reload_numbers(server, kom);
    if (report->station >= process->station_count || report->value > STATION_WAIT) {
        server_note(server, "%s reports a station that the site has not",
                    run_name(process->name, kom->instance).text);
        server->clients[client].close = true;
        return;
    }
    const struct station *reported = reload_station(server, process, report->station);
    if (kom->process->reporter == kom->instance && reported != NULL && !line_is_server(reported->line)) {
        stations_report(server, reported, (enum station_value)report->value, (value_flags)report->flags);
    }
}

/* ---- messages to a client ---- */

void message_slot_begin(struct message_slot *slot)
{
    komet__wire__message__init(&slot->message);
}

static void write_welcome(struct server *server, struct client *client, struct server_output *output)
{
    struct message_slot *slot = &server->slot;
    client->welcome = false;
    komet__wire__welcome__init(&slot->body.welcome);
    slot->body.welcome.version = WIRE_VERSION;
    slot->body.welcome.server = (char *)(uintptr_t)server->name;
    slot->body.welcome.refused = client->refused;
    slot->body.welcome.lease_ms = (uint32_t)(server->lease_us / 1000);
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_WELCOME;
    slot->message.welcome = &slot->body.welcome;
    slot->body.welcome.configuration = server->configuration;
    output->process = client->kind == CLIENT_KOM ? client->process->process : NULL;
}

static void write_heartbeat(struct server *server, struct client *client)
{
    struct message_slot *slot = &server->slot;
    client->heartbeat = false;
    komet__wire__heartbeat__init(&slot->body.heartbeat);
    slot->body.heartbeat.sent_us = client->heartbeat_us;
    slot->body.heartbeat.reply = true;
    slot->body.heartbeat.epoch = client->heartbeat_epoch;
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_HEARTBEAT;
    slot->message.heartbeat = &slot->body.heartbeat;
}

static void write_stored(struct server *server, struct client *client)
{
    struct message_slot *slot = &server->slot;
    komet__wire__stored__init(&slot->body.stored);
    if (client->batch_refused[0] != '\0') {
        snprintf(slot->text, sizeof slot->text, "%s", client->batch_refused);
        client->batch_refused[0] = '\0';
        slot->body.stored.sequence = client->refused_sequence;
        slot->body.stored.refused = slot->text;
    } else if (client->stored_archived != 0) {
        slot->body.stored.archived = client->stored_archived;
        client->stored_archived = 0;
    } else {
        client->stored = false;
        slot->body.stored.sequence = client->stored_sequence;
    }
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_STORED;
    slot->message.stored = &slot->body.stored;
}

/* True when the Role was written; a grant that has ended while it was being journaled is not told any more.
 */
static bool write_role(struct server *server, struct line_now now, struct client *client)
{
    struct message_slot *slot = &server->slot;
    client->role = false;
    if (client->role_active) {
        const struct role_member *member = &client->process->instances.member[client->instance];
        if (member->standing != ROLE_ACTIVE || member->epoch != client->role_epoch) {
            return false;
        }
        orders_granted(server, now, client->process, client->instance, client->role_epoch);
        outgoing_granted(server, client->process, client->instance);
    } else {
        outgoing_ended(server, client->process, client->instance);
    }
    komet__wire__role__init(&slot->body.role);
    slot->body.role.active = client->role_active;
    slot->body.role.epoch = client->role_epoch;
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_ROLE;
    slot->message.role = &slot->body.role;
    return true;
}

static void write_leave(struct server *server, struct client *client)
{
    struct message_slot *slot = &server->slot;
    client->leave = false;
    komet__wire__leave__init(&slot->body.leave);
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_LEAVE;
    slot->message.leave = &slot->body.leave;
}

static bool next_of_client(struct server *server, struct line_now now, struct client *client,
                           struct server_output *output)
{
    if (client->welcome) {
        write_welcome(server, client, output);
        return true;
    }
    if (client->kind != CLIENT_KOM) {
        return false;
    }
    if (client->leave) {
        write_leave(server, client);
        return true;
    }
    if (client->configure) {
        reload_write_configuration(server, client, output);
        return true;
    }
    if (client->station_modes &&
        client->configuration ==
            server->configuration) { /* before the role: who acts knows with whom not to speak */
        client->station_modes = false;
        stations_write_modes(server, client->process->process);
        return true;
    }
    if (client->role && client->role_ticket <= server->stored_ticket && write_role(server, now, client)) {
        return true;
    }
    if (client->stored || client->stored_archived != 0 || client->batch_refused[0] != '\0') {
        write_stored(server, client);
        return true;
    }
    if (client->heartbeat) {
        write_heartbeat(server, client);
        return true;
    }
    bool configured = client->configuration == server->configuration; /* else it has other numbers */
    return masters_next_message(server, (unsigned)(client - server->clients)) ||
           (configured && outgoing_next_message(server, client));
}

bool clients_next_message(struct server *server, struct line_now now, struct server_output *output)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (client->kind == CLIENT_FREE) {
            continue;
        }
        message_slot_begin(&server->slot);
        if (next_of_client(server, now, client, output)) {
            output->kind = SERVER_OUT_SEND;
            output->client = i;
            output->message = &server->slot.message;
            return true;
        }
    }
    return false;
}

void clients_stored(struct server *server)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        while (client->batch_count > 0 &&
               client->batches[client->batch_first].ticket <= server->stored_ticket) {
            const struct waiting_batch *batch = &client->batches[client->batch_first];
            if (batch->archived) {
                client->stored_archived = batch->sequence;
            } else {
                client->stored = true;
                client->stored_sequence = batch->sequence;
            }
            client->batch_first = (client->batch_first + 1) % SERVER_BATCHES_MAX;
            client->batch_count--;
        }
    }
}
