/*
 * server_harness: see server_harness.h.
 */
#include "server_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char site_text[] =
    "site: test\n"
    "group: {name: G, lease: %s, servers: [{name: A, listen: \"127.0.0.1:1\"}]}\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.A:\n"
    "        protocol: iec104\n"
    "        category: tcp\n"
    "        number: 3\n"
    "        hosts: [\"127.0.0.1:2404\"]\n"
    "        parameters: {WTN: 2 s}\n"
    "        stations:\n"
    "          B.A: {address: 1, tags: a.csv, time: utc}\n"
    "      L.B:\n"
    "        protocol: iec104\n"
    "        category: tcp\n"
    "        number: 4\n"
    "        hosts: [\"127.0.0.1:2405\"]\n"
    "        stations:\n"
    "          B.B: {address: 1, tags: b.csv, time: utc, invalidate_when_off: false}\n"
    "          B.OFF: {address: 2, tags: off.csv, communication: disabled}\n"
    "  OTHER.KOM:\n"
    "    lines:\n"
    "      L.O:\n"
    "        protocol: iec104\n"
    "        category: tcp\n"
    "        number: 5\n"
    "        hosts: [\"127.0.0.1:2406\"]\n"
    "        stations:\n"
    "          B.O: {address: 1, tags: o.csv, control_object: M.HALT}\n";

#define HEAD "name,type,address,asdu,processing\n"
static const char a_csv[] = HEAD "M.D,Di,1,,\n"
                                 "M.U,Ai,2,,deadband=0.5\n"
                                 "M.N,Ai,3,,new-time\n"
                                 "M.P,Ai,4,,\n"
                                 "M.CMD,Dout,10,45,\n"
                                 "M.SET,Ao,11,50,\n"
                                 "M.BACK,Ai,12,,\n";
static const char b_csv[] = HEAD "M.B,Di,1,,\nM.PULSE,Dout,10,45,command\nM.HALT,Di,2,,\n";
static const char off_csv[] = HEAD "M.OFF,Di,1,,\n";
static const char o_csv[] = HEAD "M.O,Di,1,,\nM.O.CMD,Dout,10,45,\n";

struct site_result harness_read_site(const struct harness *harness, const struct site_edit *edits)
{
    if (harness->files != NULL) {
        return site_edited(harness->files, harness->file_count, edits);
    }
    char text[sizeof site_text + 32];
    snprintf(text, sizeof text, site_text, harness->lease);
    const struct site_file files[] = {{"site.yaml", text, strlen(text)},
                                      {"a.csv", a_csv, sizeof a_csv - 1},
                                      {"b.csv", b_csv, sizeof b_csv - 1},
                                      {"off.csv", off_csv, sizeof off_csv - 1},
                                      {"o.csv", o_csv, sizeof o_csv - 1}};
    return site_edited(files, sizeof files / sizeof files[0], edits);
}

static void make_server(struct harness *harness)
{
    size_t size = server_size(harness->site.site);
    harness->memory = malloc(size);
    assert_non_null(harness->memory);
    memset(harness->memory, 0xA5, size);
    harness->server = server_init(harness->memory, size, harness->site.site, "A", harness->now);
}

static void set_up(struct harness *harness)
{
    memset(harness, 0, sizeof *harness);
    harness->now = (struct line_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    harness->connection = 1;
}

void harness_begin(struct harness *harness, const char *lease)
{
    set_up(harness);
    snprintf(harness->lease, sizeof harness->lease, "%s", lease);
    harness->site = harness_read_site(harness, NULL);
    make_server(harness);
    server_recovered(harness->server, harness->now);
}

void harness_begin_with(struct harness *harness, const struct site_file *files, size_t count)
{
    set_up(harness);
    harness->files = files;
    harness->file_count = count;
    harness->site = harness_read_site(harness, NULL);
    make_server(harness);
    server_recovered(harness->server, harness->now);
}

void harness_end(struct harness *harness)
{
    free(harness->memory);
    free(harness->difference);
    if (harness->former.arena != NULL) {
        site_result_release(&harness->former);
    }
    site_result_release(&harness->site);
}

int harness_set_up(void **state)
{
    struct harness *harness = malloc(sizeof *harness);
    harness_begin(harness, "600 ms");
    *state = harness;
    return 0;
}

int harness_tear_down(void **state)
{
    harness_end(*state);
    free(*state);
    return 0;
}

void harness_restart(struct harness *harness)
{
    free(harness->memory);
    make_server(harness);
    memset(harness->open, 0, sizeof harness->open);
    harness_forget(harness);
}

void harness_forget(struct harness *harness)
{
    harness->sent_count = harness->record_count = harness->ended_count = harness->changed_count = 0;
    harness->notes[0] = '\0';
}

/* ---- outputs ---- */

static void keep_text(struct sent *sent, const char *text)
{
    snprintf(sent->text, sizeof sent->text, "%s", text);
}

static void keep_outgoing(struct sent *sent, const Komet__Wire__Outgoing *outgoing)
{
    size_t count = outgoing->n_tag;
    sent->of.outgoing.begin = outgoing->begin;
    sent->of.outgoing.ready = outgoing->ready;
    sent->of.outgoing.count = count;
    for (size_t i = 0; i < outgoing->n_group; i++) {
        sent->of.outgoing.group[i] = outgoing->group[i];
    }
    for (size_t i = 0; i < count; i++) {
        sent->of.outgoing.first = i == 0 ? outgoing->position[i] : sent->of.outgoing.first;
        sent->of.outgoing.last = outgoing->position[i];
        sent->of.outgoing.number = outgoing->number[i];
    }
}

static void keep_message(struct harness *harness, const struct server_output *output)
{
    const wire_message *message = output->message;
    assert_true(harness->sent_count < HARNESS_KEPT);
    assert_true(harness->open[output->client]);
    struct sent *sent = &harness->sent[harness->sent_count++];
    *sent = (struct sent){.client = output->client, .kind = message->body_case, .process = output->process};
    if (message->body_case == BODY(WELCOME)) {
        sent->of.welcome = *message->welcome;
        keep_text(sent, message->welcome->refused);
    } else if (message->body_case == BODY(HEARTBEAT)) {
        sent->of.heartbeat = *message->heartbeat;
    } else if (message->body_case == BODY(ROLE)) {
        sent->of.role = *message->role;
    } else if (message->body_case == BODY(STORED)) {
        sent->of.stored = *message->stored;
        keep_text(sent, message->stored->refused);
    } else if (message->body_case == BODY(COMMAND)) {
        sent->of.command = *message->command;
    } else if (message->body_case == BODY(TRACE_ASK)) {
        sent->of.trace_ask = *message->trace_ask;
        keep_text(sent, message->trace_ask->mask);
    } else if (message->body_case == BODY(OUTGOING)) {
        keep_outgoing(sent, message->outgoing);
    } else if (message->body_case == BODY(MASTER_ANSWER)) {
        sent->of.master_answer = *message->master_answer;
    } else if (message->body_case == BODY(CONFIGURATION)) {
        sent->of.configuration = *message->configuration;
    } else if (message->body_case == BODY(STATION_MODES)) {
        for (size_t i = 0; i < message->station_modes->n_mode; i++) {
            assert_true(message->station_modes->mode[i] <= STATION_MODES);
            sent->text[i] = (char)('0' + message->station_modes->mode[i]);
        }
    } else if (message->body_case != BODY(LEAVE)) {
        fail_msg("the server sends %s", wire_message_name(message));
    }
}

static void keep_end(struct harness *harness, const struct server_ended *end)
{
    assert_true(harness->ended_count < HARNESS_KEPT);
    struct ended *ended = &harness->ended[harness->ended_count++];
    ended->of = *end;
    snprintf(ended->reason, sizeof ended->reason, "%s", end->reason);
}

static void keep_note(struct harness *harness, const char *text)
{
    size_t used = strlen(harness->notes);
    snprintf(harness->notes + used, sizeof harness->notes - used, "%s\n", text);
}

static void keep_trace(struct harness *harness, const struct server_output *output)
{
    assert_true(harness->traced_count < HARNESS_KEPT);
    harness->traced[harness->traced_count++] =
        (struct traced){output->token, output->page != NULL ? output->page->n_records : 0,
                        output->page == NULL, output->instance};
}

void harness_drain(struct harness *harness)
{
    struct server_output output;
    while (server_next(harness->server, harness->now, &output)) {
        switch (output.kind) {
        case SERVER_OUT_SEND:
            keep_message(harness, &output);
            break;
        case SERVER_OUT_CLOSE:
            assert_true(harness->open[output.client]);
            harness->open[output.client] = false;
            harness->closed[output.client] = true;
            server_closed(harness->server, harness->now, output.client, false);
            break;
        case SERVER_OUT_RECORD:
            assert_true(harness->record_count < HARNESS_KEPT);
            harness->records[harness->record_count++] = *output.record;
            break;
        case SERVER_OUT_CHANGE:
            assert_true(harness->changed_count < HARNESS_KEPT);
            harness->changed[harness->changed_count++] = (struct changed){output.token, output.tag};
            break;
        case SERVER_OUT_ENDED:
            keep_end(harness, &output.ended);
            break;
        case SERVER_OUT_TRACE:
            keep_trace(harness, &output);
            break;
        case SERVER_OUT_NOTE:
            keep_note(harness, output.text);
            break;
        }
    }
}

void harness_advance(struct harness *harness, int64_t duration_us)
{
    harness->now.instant = komet_after(harness->now.instant, duration_us);
    harness->now.utc.ms += duration_us / 1000;
    server_tick(harness->server, harness->now);
    harness_drain(harness);
}

void harness_store(struct harness *harness)
{
    if (harness->record_count > 0) {
        uint64_t ticket = harness->records[harness->record_count - 1].ticket;
        server_stored(harness->server, harness->now, ticket);
        harness_drain(harness);
    }
}

/* ---- RELOAD ---- */

static void swap(struct harness *harness, struct site_result *site, struct site_difference *difference)
{
    size_t size = server_size(site->site);
    void *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 0xA5, size);
    harness->server = server_reload(memory, size, harness->server, site->site, difference, harness->now);
    free(harness->memory);
    harness->memory = memory;
    free(harness->difference);
    if (harness->former.arena != NULL) {
        site_result_release(&harness->former);
    }
    harness->former = harness->site;
    harness->site = *site;
    harness->difference = difference;
    harness->numbers = harness->former.site;
}

void harness_reload(struct harness *harness, uint64_t token, const struct site_edit *edits)
{
    static const struct record_user user = {"engineer", true};
    server_reload_begin(harness->server, harness->now, token, &user);
    harness_drain(harness);
    assert_true(server_reloads(harness->server));
    struct site_result site = harness_read_site(harness, edits);
    size_t size = site_difference_size(harness->site.site, site.site);
    void *memory = malloc(size);
    assert_non_null(memory);
    struct site_difference *difference = site_difference_make(memory, size, harness->site.site, site.site);
    for (int rounds = 0; !server_reload_ready(harness->server, harness->now, difference); rounds++) {
        assert_true(rounds < 3);
        harness_drain(harness);
        harness_store(harness);
        if (!server_reloads(harness->server)) { /* refused */
            site_result_release(&site);
            free(memory);
            return;
        }
    }
    harness_drain(harness);
    assert_true(server_reload_ready(harness->server, harness->now, difference));
    swap(harness, &site, difference);
    harness_drain(harness);
}

void harness_configured(struct harness *harness, unsigned client)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Configured configured = KOMET__WIRE__CONFIGURED__INIT;
    configured.number = server_configuration(harness->server);
    message.body_case = BODY(CONFIGURED);
    message.configured = &configured;
    harness->configuration = configured.number;
    harness->numbers = NULL;
    harness_feed(harness, client, &message);
}

/* ---- clients ---- */

void harness_open(struct harness *harness, unsigned client)
{
    server_opened(harness->server, harness->now, client);
    harness->open[client] = true;
    harness->closed[client] = false;
    harness_drain(harness);
}

void harness_feed(struct harness *harness, unsigned client, wire_message *message)
{
    server_feed(harness->server, harness->now, client, message);
    harness_drain(harness);
}

void harness_hello(struct harness *harness, unsigned client, const char *process, unsigned instance,
                   uint64_t run)
{
    char host[16];
    snprintf(host, sizeof host, "host-%u", client);
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    hello.version = WIRE_VERSION;
    hello.program = (char *)(uintptr_t) "kom";
    hello.traces = true;
    hello.process = (char *)(uintptr_t)process;
    hello.instance = instance;
    hello.run = run;
    hello.host = host;
    message.body_case = BODY(HELLO);
    message.hello = &hello;
    harness_open(harness, client);
    harness_feed(harness, client, &message);
}

void harness_kom(struct harness *harness, unsigned instance)
{
    harness_hello(harness, instance, "SELF.KOM", instance, 1000 + instance);
    const struct sent *welcome = harness_sent(harness, instance, BODY(WELCOME));
    assert_non_null(welcome);
    assert_string_equal(welcome->text, "");
    assert_false(harness->closed[instance]);
}

uint64_t harness_active(struct harness *harness, unsigned instance)
{
    harness_kom(harness, instance);
    harness_store(harness);
    const struct sent *role = harness_sent(harness, instance, BODY(ROLE));
    assert_non_null(role);
    assert_true(role->of.role.active);
    harness->epoch = role->of.role.epoch;
    harness->sequence = 0;
    harness->frame = 0;
    return harness->epoch;
}

void harness_close(struct harness *harness, unsigned client, bool surely_dead)
{
    harness->open[client] = false;
    server_closed(harness->server, harness->now, client, surely_dead);
    harness_drain(harness);
}

void harness_heartbeat(struct harness *harness, unsigned client, int64_t sent_us)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Heartbeat heartbeat = KOMET__WIRE__HEARTBEAT__INIT;
    heartbeat.sent_us = sent_us;
    message.body_case = BODY(HEARTBEAT);
    message.heartbeat = &heartbeat;
    harness_feed(harness, client, &message);
}

void harness_stopped(struct harness *harness, unsigned client, uint64_t epoch)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Stopped stopped = KOMET__WIRE__STOPPED__INIT;
    stopped.epoch = epoch;
    message.body_case = BODY(STOPPED);
    message.stopped = &stopped;
    harness_feed(harness, client, &message);
}

static Komet__Wire__CommandEnd end_of(uint64_t id, uint32_t result, const char *reason, double number)
{
    Komet__Wire__CommandEnd end = KOMET__WIRE__COMMAND_END__INIT;
    end.id = id;
    end.result = result;
    end.reason = (char *)(uintptr_t)reason;
    end.number = number;
    return end;
}

static void tell_end(struct harness *harness, unsigned client, Komet__Wire__CommandEnd *end)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    message.body_case = BODY(COMMAND_END);
    message.command_end = end;
    harness_feed(harness, client, &message);
}

void harness_taken(struct harness *harness, unsigned client, uint64_t epoch, uint32_t line, uint32_t receiver,
                   uint64_t position)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__OutgoingTaken body = KOMET__WIRE__OUTGOING_TAKEN__INIT;
    body.epoch = epoch;
    body.line = line;
    body.group = receiver;
    body.position = position;
    message.body_case = BODY(OUTGOING_TAKEN);
    message.outgoing_taken = &body;
    harness_feed(harness, client, &message);
}

void harness_command_end(struct harness *harness, unsigned client, uint64_t id, uint32_t result,
                         const char *reason, double number)
{
    Komet__Wire__CommandEnd end = end_of(id, result, reason, number);
    tell_end(harness, client, &end);
}

void harness_command_answered(struct harness *harness, unsigned client, uint64_t id, value_flags flags)
{
    Komet__Wire__CommandEnd end = end_of(id, COMMAND_REFUSED, "the partner refused", 99);
    end.answered = true;
    end.flags = flags;
    tell_end(harness, client, &end);
}

void harness_command_refused(struct harness *harness, unsigned client, uint64_t id, uint8_t cause)
{
    Komet__Wire__CommandEnd end = end_of(id, COMMAND_REFUSED, "the station refused", 99);
    end.cause = cause;
    tell_end(harness, client, &end);
}

void harness_command_current(struct harness *harness, unsigned client, uint64_t id, uint32_t result)
{
    Komet__Wire__CommandEnd end = end_of(id, result, "nobody hears it", 99);
    end.current = true;
    tell_end(harness, client, &end);
}

/* ---- batches ---- */

struct columns *harness_batch(struct harness *harness)
{
    static struct columns columns;
    memset(&columns, 0, sizeof columns);
    komet__wire__message__init(&columns.message);
    komet__wire__batch__init(&columns.body);
    Komet__Wire__Batch *body = &columns.body;
    columns.message.body_case = BODY(BATCH);
    columns.message.batch = body;
    body->epoch = harness->epoch;
    body->sequence = ++harness->sequence;
    body->configuration = harness->configuration;
    body->tag = columns.tag;
    body->number = columns.number;
    body->status_flags = columns.status_flags;
    body->cause = columns.cause;
    body->time_ms = columns.time_ms;
    body->arrived_ms = columns.arrived_ms;
    body->frame = columns.frame;
    body->connection = columns.connection;
    body->octets_size = columns.octets_size;
    body->line = columns.line;
    body->name = columns.name;
    body->octets.data = columns.octets;
    return &columns;
}

/* As of a measured value: the number, and its CP56Time2a. */
static void put_octets(struct columns *columns, size_t at, const struct given *given)
{
    const uint8_t size = sizeof given->number + KOMET_CP56_SIZE;
    uint8_t *octets = columns->octets + columns->body.octets.len;
    struct komet_time_tag tag;
    columns->octets_size[at] = given->tagged ? size : 0;
    if (given->tagged) {
        komet_cp56_from_utc(&tag, (struct komet_utc){given->time_ms}, 0);
        tag.invalid = given->arrival;
        memcpy(octets, &given->number, sizeof given->number);
        komet_cp56_encode(octets + sizeof given->number, &tag);
        columns->body.octets.len += size;
    }
}

void harness_put(struct harness *harness, struct columns *columns, struct given given)
{
    Komet__Wire__Batch *body = &columns->body;
    const struct site *numbers = harness->numbers != NULL ? harness->numbers : harness->site.site;
    const struct tag *tag = site_find_tag(numbers, given.tag);
    assert_non_null(tag);
    size_t at = body->n_tag;
    int64_t arrived = harness->now.utc.ms, frame = ++harness->frame;
    assert_true(at < HARNESS_COLUMNS);
    columns->tag[at] = tag->number;
    columns->line[at] = tag->station->line->index;
    columns->name[at] = (char *)(uintptr_t)tag->name;
    columns->number[at] = given.number;
    columns->status_flags[at] = (uint32_t)STATUS_VALID << 16 | given.flags;
    columns->cause[at] = (uint32_t)given.cot << 8 | given.type | (given.arrival ? 0x10000u : 0u);
    columns->connection[at] = harness->connection;
    columns->time_ms[at] = given.time_ms - columns->last_time;
    columns->arrived_ms[at] = arrived - columns->last_arrived;
    columns->frame[at] = frame - columns->last_frame;
    columns->last_time = given.time_ms;
    columns->last_arrived = arrived;
    columns->last_frame = frame;
    put_octets(columns, at, &given);
    body->n_tag = body->n_number = body->n_status_flags = body->n_cause = at + 1;
    body->n_time_ms = body->n_arrived_ms = body->n_frame = at + 1;
    body->n_connection = body->n_octets_size = body->n_line = at + 1;
    body->n_name = body->buffer != 0 ? at + 1 : 0;
}

void harness_give(struct harness *harness, unsigned client, struct given given)
{
    struct columns *columns = harness_batch(harness);
    harness_put(harness, columns, given);
    harness_feed(harness, client, &columns->message);
}

/* ---- what came of it ---- */

const struct tag *harness_tag(const struct harness *harness, const char *name)
{
    const struct tag *tag = site_find_tag(harness->site.site, name);
    assert_non_null(tag);
    return tag;
}

const struct process *harness_process(const struct harness *harness, const char *name)
{
    const struct process *process = site_find_process(harness->site.site, name);
    assert_non_null(process);
    return process;
}

const struct sent *harness_sent(const struct harness *harness, unsigned client,
                                Komet__Wire__Message__BodyCase kind)
{
    for (unsigned i = harness->sent_count; i > 0; i--) {
        const struct sent *sent = &harness->sent[i - 1];
        if (sent->client == client && sent->kind == kind) {
            return sent;
        }
    }
    return NULL;
}

const struct sent *harness_outgoing_begin(const struct harness *harness, unsigned client)
{
    const struct sent *begin = NULL;
    for (unsigned i = 0; i < harness->sent_count; i++) {
        const struct sent *sent = &harness->sent[i];
        begin =
            sent->client == client && sent->kind == BODY(OUTGOING) && sent->of.outgoing.begin ? sent : begin;
    }
    assert_non_null(begin);
    return begin;
}

unsigned harness_sent_count(const struct harness *harness, unsigned client,
                            Komet__Wire__Message__BodyCase kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < harness->sent_count; i++) {
        count += harness->sent[i].client == client && harness->sent[i].kind == kind ? 1 : 0;
    }
    return count;
}

unsigned harness_records(const struct harness *harness, enum record_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < harness->record_count; i++) {
        count += harness->records[i].kind == kind ? 1 : 0;
    }
    return count;
}

const struct record *harness_record(const struct harness *harness, enum record_kind kind)
{
    for (unsigned i = harness->record_count; i > 0; i--) {
        if (harness->records[i - 1].kind == kind) {
            return &harness->records[i - 1];
        }
    }
    fail_msg("no record of kind %d", (int)kind);
    return NULL;
}

bool harness_has_ended(const struct harness *harness, uint64_t token)
{
    for (unsigned i = 0; i < harness->ended_count; i++) {
        if (harness->ended[i].of.token == token) {
            return true;
        }
    }
    return false;
}

const struct ended *harness_ended(const struct harness *harness, uint64_t token)
{
    const struct ended *found = NULL;
    for (unsigned i = 0; i < harness->ended_count; i++) {
        if (harness->ended[i].of.token == token) {
            assert_null(found); /* exactly once */
            found = &harness->ended[i];
        }
    }
    assert_non_null(found);
    return found;
}
