/*
 * kom: the life of the engine: the server's connection, the grant and its lease, the lines under it.
 *
 * One rule stands above the others: whatever is sent to telemetry is sent under a grant whose lease, counted
 * by our own clock from when we asked for it, still runs (architecture 3.7). kom_next therefore looks at the
 * clock before it hands out anything for a line. Only a line that stands by (line.h) sends without one:
 * nothing but test frames and, where it stays open, S formats.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kom/kom_private.h"
#include "model/lay_out.h"

size_t kom_size(void)
{
    return sizeof(struct kom);
}

struct kom *kom_init(void *memory, size_t size, const struct kom_identity *identity, struct line_now now)
{
    KOMET_ASSERT(size >= kom_size() && identity->instance <= INSTANCE_MAX);
    struct kom *kom = memory;
    memset(kom, 0, sizeof *kom);
    kom->identity = *identity;
    kom->heard_sent = now.instant;
    kom->heartbeat_due = kom->leave_by = KOMET_NEVER;
    kom->trace_due = now.instant;
    return kom;
}

void kom_note(struct kom *kom, const char *format, ...)
{
    if (kom->note_count == KOM_NOTES_MAX) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(kom->notes[kom->note_count++], KOM_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

/* ---- the lines' memory ---- */

/* Of the line that has most of them. */
static unsigned most_connections(const struct process *process)
{
    unsigned most = 1;
    for (unsigned i = 0; i < process->line_count; i++) {
        const struct line *line = &process->lines[i];
        unsigned connections = line_is_server(line) ? LINE_CONNECTIONS_MAX : line_connections(line);
        most = connections > most ? connections : most;
    }
    return most;
}

static struct index_set lay_out_set(uint8_t *memory, size_t *used, unsigned count)
{
    struct index_set set = {lay_out_take(memory, used, index_set_size(count)), count};
    if (memory != NULL) {
        memset(set.words, 0, index_set_size(count));
    }
    return set;
}

static struct kom_marks lay_out_marks(uint8_t *memory, size_t *used, const struct process *process)
{
    struct kom_marks marks = {
        .touched = lay_out_set(memory, used, process->line_count),
        .waiting = lay_out_set(memory, used, process->line_count),
        .line_reports = lay_out_set(memory, used, process->line_count),
        .station_reports = lay_out_set(memory, used, process->station_count),
        .deadlines = lay_out_take(memory, used, process->line_count * sizeof(struct komet_instant)),
    };
    for (unsigned i = 0; memory != NULL && i < process->line_count; i++) {
        index_set_add(&marks.touched, i);
        index_set_add(&marks.waiting, i);
        marks.deadlines[i] = KOMET_NEVER;
    }
    return marks;
}

size_t kom_lay_out(struct kom_pieces *pieces, uint8_t *memory, const struct process *process)
{
    size_t used = 0;
    struct kom_line *lines = lay_out_take(memory, &used, process->line_count * sizeof(struct kom_line));
    enum station_value *stations =
        lay_out_take(memory, &used, process->station_count * sizeof(enum station_value));
    struct kom_marks marks = lay_out_marks(memory, &used, process);
    unsigned connections = most_connections(process);
    size_t size = batch_size(process->line_count, connections, KOM_BATCH_VALUES_MAX, KOM_BATCHES_MAX);
    void *batch = lay_out_take(memory, &used, size);
    if (memory != NULL) {
        memset(lines, 0, process->line_count * sizeof lines[0]);
        memset(stations, 0, process->station_count * sizeof stations[0]);
        *pieces = (struct kom_pieces){lines, stations, marks, batch, size, connections};
    }
    for (unsigned i = 0; i < process->line_count; i++) {
        void *place = lay_out_take(memory, &used, line_size(&process->lines[i]));
        if (memory != NULL) {
            lines[i].engine = place;
        }
    }
    return used;
}

size_t kom_lines_size(const struct process *process)
{
    return kom_lay_out(NULL, NULL, process);
}

/* ---- the grant ---- */

/* Forgets what waits to be sent to the server; what was not confirmed still lies with the partners. */
static void drop_unconfirmed(struct kom *kom)
{
    if (kom->batch != NULL && !kom->alone) { /* alone, it waits for our own disk */
        batch_drop(kom->batch);
        kom->batch_epoch = 0;
    }
}

/* A line that stays open while it stands by: what it was sent and is not stored is dropped by the caller,
 * and only a new connection brings it again. */
static void close_standing_by(struct kom *kom, struct line_now now, enum komet_reason reason)
{
    for (uint16_t i = 0; kom->process != NULL && !kom->active && i < kom->process->line_count; i++) {
        if (line_stays_open(&kom->process->lines[i])) {
            line_deactivate(kom->lines[i].engine, now, reason);
            kom_absorb(kom, now, i);
        }
    }
}

static void deactivate(struct kom *kom, struct line_now now, enum komet_reason reason)
{
    if (!kom->active) {
        return;
    }
    kom->active = false;
    for (uint16_t i = 0; i < kom->process->line_count; i++) {
        line_deactivate(kom->lines[i].engine, now, reason);
        kom_absorb(kom, now, i);
    }
    kom_forget_masters(kom);
    kom->stopped = true;
    kom->stopped_epoch = kom->epoch;
    kom_note(kom, "passive: %s", komet_reason_sentence(reason));
}

/* A role that ran out is given up before anything else happens. */
void kom_watch_lease(struct kom *kom, struct line_now now)
{
    if (kom->active && komet_reached(now.instant, kom->lease_end)) {
        kom_note(kom, "the grant was not renewed in time");
        drop_unconfirmed(kom);
        deactivate(kom, now, KOMET_NO_SERVER);
    }
}

/* Until when we act after a renewal sent at `sent`: a little less than the server waits, so that giving up is
 * over (timers are late, clocks run apart) before anybody else can have the grant. */
static struct komet_instant own_lease_end(const struct kom *kom, struct komet_instant sent)
{
    return komet_after(sent, kom->lease_us - kom->lease_us / KOM_LEASE_MARGIN);
}

void kom_stand_by(struct kom *kom, struct line_now now)
{
    for (uint16_t i = 0; kom->process != NULL && !kom->leaving && i < kom->process->line_count; i++) {
        line_stand_by(kom->lines[i].engine, now);
        kom_touch(kom, i);
    }
}

/* Told to be passive. Of a grant that ended before it came to us, that is said, too. */
static void take_passive(struct kom *kom, struct line_now now, uint64_t epoch)
{
    if (kom->active) {
        deactivate(kom, now, kom->leaving ? KOMET_SHUTDOWN : KOMET_BECAME_PASSIVE);
    } else if (epoch > kom->stopped_epoch) {
        kom->stopped = true;
        kom->stopped_epoch = epoch;
    }
    kom->relieved = kom->leaving;
    kom->held = false;
    kom_stand_by(kom, now);
}

static void take_role(struct kom *kom, struct line_now now, const Komet__Wire__Role *role)
{
    if (!role->active) {
        take_passive(kom, now, role->epoch);
        return;
    }
    struct komet_instant end = own_lease_end(kom, kom->heard_sent);
    if (kom->process == NULL || kom->leaving || komet_reached(now.instant, end)) {
        kom_note(kom, kom->leaving ? "a grant is not used: this instance is about to end"
                                   : "a grant came too late to be used");
        kom->stopped = true;
        kom->stopped_epoch = role->epoch;
        return;
    }
    kom->epoch = role->epoch;
    kom->lease_end = end;
    kom->held = true;
    if (!kom->active) {
        kom->active = true;
        kom_note(kom, "active under epoch %llu", (unsigned long long)role->epoch);
        for (uint16_t i = 0; i < kom->process->line_count; i++) {
            line_activate(kom->lines[i].engine, now);
            kom_touch(kom, i);
        }
    }
}

bool kom_is_active(const struct kom *kom, struct line_now now)
{
    return kom->active && !komet_reached(now.instant, kom->lease_end);
}

uint64_t kom_epoch(const struct kom *kom)
{
    return kom->active ? kom->epoch : 0;
}

/* ---- the server ---- */

void kom_configure(struct kom *kom, void *memory, size_t size, const struct process *process,
                   struct line_now now)
{
    KOMET_ASSERT(size >= kom_lines_size(process) && !kom->active && !kom->alone);
    kom_trace_closed_all(kom, now);
    struct kom_pieces pieces;
    kom_lay_out(&pieces, memory, process);
    kom->lines = pieces.lines;
    kom->stations = pieces.stations;
    kom->marks = pieces.marks;
    kom->batch = batch_init(pieces.batch, pieces.batch_size, process->line_count, pieces.connections,
                            KOM_BATCH_VALUES_MAX, KOM_BATCHES_MAX, kom->batch_sequence);
    for (unsigned i = 0; i < process->line_count; i++) {
        const struct line *line = &process->lines[i];
        kom->lines[i].engine = line_init(kom->lines[i].engine, line_size(line), line, now);
    }
    kom->process = process;
    kom->end_count = kom->end_next = kom->open_commands = 0;
}

void kom_server_connected(struct kom *kom, struct line_now now)
{
    KOMET_ASSERT(!kom->active);
    kom->connected = true;
    kom->welcome = false;
    kom->hello = true;
    kom->stopped = false;
    kom->heard_sent = kom->heartbeat_sent = kom->heard = now.instant;
    kom->heartbeat_due = KOMET_NEVER;
    kom->end_count = kom->end_next = 0;
    drop_unconfirmed(kom);
}

void kom_server_closed(struct kom *kom, struct line_now now)
{
    kom->connected = kom->welcome = kom->hello = kom->configure = kom->reconnect = kom->configured = false;
    kom->configuration_message = NULL;
    kom->heartbeat_due = KOMET_NEVER;
    drop_unconfirmed(kom);
    kom_trace_forget(kom);
    deactivate(kom, now, KOMET_NO_SERVER);
    close_standing_by(kom, now, KOMET_NO_SERVER);
    kom->stopped = kom->leave = false;
    kom->relieved = kom->leaving; /* nobody is left to ask */
    kom_forward_lost(kom);
    kom_alone_begin(kom, now);
}

static void take_welcome(struct kom *kom, struct line_now now, const Komet__Wire__Welcome *welcome)
{
    kom_alone_end(kom, now, KOMET_BECAME_PASSIVE);
    if (welcome->refused[0] != '\0') {
        snprintf(kom->refusal, sizeof kom->refusal, "%s", welcome->refused);
        kom->refused = true;
        return;
    }
    kom->welcome = true;
    kom->welcome_message = welcome;
    kom->configure = true;
    kom->configuration = kom->next_configuration = welcome->configuration;
    kom->lease_us = KOMET_MS(welcome->lease_ms > 0 ? welcome->lease_ms : 1);
    kom->heartbeat_due = now.instant;
    kom_note(kom, "connected to server %s", welcome->server);
}

static void take_heartbeat(struct kom *kom, const Komet__Wire__Heartbeat *heartbeat)
{
    struct komet_instant sent = {heartbeat->sent_us};
    if (!heartbeat->reply || sent.us <= kom->heard_sent.us || sent.us > kom->heartbeat_sent.us) {
        return; /* not an answer to one of ours */
    }
    kom->heard_sent = sent;
    if (kom->active && heartbeat->epoch == kom->epoch) {
        kom->lease_end = own_lease_end(kom, sent);
    }
}

void kom_acknowledge(struct kom *kom, struct line_now now)
{
    uint16_t line;
    uint32_t connection;
    uint64_t frame;
    while (kom->batch != NULL && batch_next_stored(kom->batch, &line, &connection, &frame)) {
        line_stored(kom->lines[line].engine, now, connection, frame);
        kom_touch(kom, line);
    }
}

static void take_stored(struct kom *kom, struct line_now now, const Komet__Wire__Stored *stored)
{
    if (stored->archived != 0) {
        kom_forward_stored(kom, stored->archived);
        return;
    }
    if (stored->refused[0] != '\0') {
        bool passive = !kom->active;
        kom_note(kom, "the server refused values: %s", stored->refused);
        drop_unconfirmed(kom);
        deactivate(kom, now, KOMET_NOT_STORED);
        close_standing_by(kom, now, KOMET_NOT_STORED);
        kom->held = false;
        if (passive) { /* the server says nothing more of its role */
            kom_stand_by(kom, now);
        }
        return;
    }
    if (kom->batch != NULL) {
        batch_stored(kom->batch, stored->sequence);
        kom_acknowledge(kom, now);
    }
}

void kom_feed(struct kom *kom, struct line_now now, const wire_message *message)
{
    kom_watch_lease(kom, now);
    kom->heard = now.instant;
    switch (message->body_case) {
    case KOMET__WIRE__MESSAGE__BODY_WELCOME:
        if (!kom->welcome || message->welcome->refused[0] != '\0') { /* it may be refused later, too */
            take_welcome(kom, now, message->welcome);
        }
        break;
    case KOMET__WIRE__MESSAGE__BODY_HEARTBEAT:
        take_heartbeat(kom, message->heartbeat);
        break;
    case KOMET__WIRE__MESSAGE__BODY_ROLE:
        take_role(kom, now, message->role);
        break;
    case KOMET__WIRE__MESSAGE__BODY_STORED:
        take_stored(kom, now, message->stored);
        break;
    case KOMET__WIRE__MESSAGE__BODY_COMMAND:
        kom_take_command(kom, now, message->command);
        break;
    case KOMET__WIRE__MESSAGE__BODY_TRACE_ASK:
        kom_trace_ask(kom, now, message->trace_ask);
        break;
    case KOMET__WIRE__MESSAGE__BODY_LEAVE:
        kom_note(kom, "the server tells this instance to end");
        kom_leave(kom, now);
        break;
    case KOMET__WIRE__MESSAGE__BODY_STATION_MODES:
        kom_take_modes(kom, now, message->station_modes);
        break;
    case KOMET__WIRE__MESSAGE__BODY_OUTGOING:
        kom_take_outgoing(kom, now, message->outgoing);
        break;
    case KOMET__WIRE__MESSAGE__BODY_MASTER_ANSWER:
        kom_take_master_answer(kom, now, message->master_answer);
        break;
    case KOMET__WIRE__MESSAGE__BODY_CONFIGURATION:
        kom_take_configuration(kom, message->configuration);
        break;
    case KOMET__WIRE__MESSAGE__BODY_OUTGOING_TAKEN:
    case KOMET__WIRE__MESSAGE__BODY_MASTER_COMMAND:
    case KOMET__WIRE__MESSAGE__BODY_HELLO:
    case KOMET__WIRE__MESSAGE__BODY_STOPPED:
    case KOMET__WIRE__MESSAGE__BODY_BATCH:
    case KOMET__WIRE__MESSAGE__BODY_COMMAND_END:
    case KOMET__WIRE__MESSAGE__BODY_LINE_REPORT:
    case KOMET__WIRE__MESSAGE__BODY_STATION_REPORT:
    case KOMET__WIRE__MESSAGE__BODY_ASK:
    case KOMET__WIRE__MESSAGE__BODY_ANSWER:
    case KOMET__WIRE__MESSAGE__BODY_CANCEL:
    case KOMET__WIRE__MESSAGE__BODY_TRACE_PAGE:
    case KOMET__WIRE__MESSAGE__BODY_CONFIGURED:
    case KOMET__WIRE__MESSAGE__BODY__NOT_SET:
    case _KOMET__WIRE__MESSAGE__BODY__CASE_IS_INT_SIZE:
        kom_note(kom, "the server sent a message that is not for a KOM: %s", wire_message_name(message));
        break;
    }
}

/* ---- time ---- */

/* When a server that says nothing is taken for lost: it answers heartbeats four times a lease. */
static struct komet_instant silence_end(const struct kom *kom)
{
    int64_t limit = 3 * kom->lease_us > KOM_SERVER_SILENT_US ? 3 * kom->lease_us : KOM_SERVER_SILENT_US;
    return kom->connected && !kom->reconnect ? komet_after(kom->heard, limit) : KOMET_NEVER;
}

void kom_tick(struct kom *kom, struct line_now now)
{
    kom_watch_lease(kom, now);
    if (komet_reached(now.instant, silence_end(kom))) {
        kom_note(kom, "the server is silent");
        kom->reconnect = true;
    }
    if (kom->leaving && komet_reached(now.instant, kom->leave_by)) {
        kom_note(kom, "the server does not relieve this instance, which ends all the same");
        kom->leave_by = KOMET_NEVER;
        deactivate(kom, now, KOMET_SHUTDOWN);
        kom->relieved = true;
    }
    for (uint16_t i = 0; kom->process != NULL && i < kom->process->line_count; i++) {
        struct line_engine *engine = kom->lines[i].engine;
        bool waits = index_set_has(&kom->marks.waiting, i);
        if (komet_reached(now.instant, waits ? line_deadline(engine) : kom->marks.deadlines[i])) {
            line_tick(engine, now);
            kom_touch(kom, i);
        }
    }
}

struct komet_instant kom_deadline(const struct kom *kom)
{
    struct komet_instant deadline = komet_earlier(kom->heartbeat_due, silence_end(kom));
    deadline = komet_earlier(deadline, kom_trace_deadline(kom));
    deadline = komet_earlier(deadline, kom->leave_by);
    deadline = komet_earlier(deadline, kom->active ? kom->lease_end : KOMET_NEVER);
    const struct index_set *waiting = &kom->marks.waiting;
    for (unsigned i = index_set_next(waiting, 0); i < waiting->count; i = index_set_next(waiting, i + 1)) {
        deadline = komet_earlier(deadline, line_deadline(kom->lines[i].engine));
    }
    for (unsigned i = 0; i < waiting->count; i++) {
        deadline = komet_earlier(deadline, kom->marks.deadlines[i]);
    }
    return deadline;
}

void kom_leave(struct kom *kom, struct line_now now)
{
    if (kom->leaving) {
        return;
    }
    kom->leaving = true;
    kom->leave = kom->welcome;
    kom->relieved = !kom->welcome; /* nobody to ask, and no grant */
    kom->leave_by = komet_after(now.instant, KOM_LEAVE_LIMIT_US);
    kom_alone_end(kom, now, KOMET_SHUTDOWN);
}

void kom_shutdown(struct kom *kom, struct line_now now)
{
    deactivate(kom, now, KOMET_SHUTDOWN);
    kom_alone_end(kom, now, KOMET_SHUTDOWN);
    kom->stopped = false; /* the end of the connection says it better: a Stopped alone asks for a new grant */
}

/* ---- what it wants done ---- */

static bool next_of_server(struct kom *kom, struct kom_output *output)
{
    if (kom->refused) {
        kom->refused = false;
        output->kind = KOM_OUT_REFUSED;
        output->text = kom->refusal;
        return true;
    }
    if (kom->reconnect) {
        kom->reconnect = false;
        kom->heard = KOMET_NEVER; /* said once */
        output->kind = KOM_OUT_RECONNECT;
        return true;
    }
    if (kom->configure) {
        kom->configure = false;
        output->kind = KOM_OUT_CONFIGURE;
        output->welcome = kom->welcome_message;
        return true;
    }
    if (kom->configuration_message != NULL) {
        output->kind = KOM_OUT_RECONFIGURE;
        output->configuration = kom->configuration_message;
        kom->configuration_message = NULL;
        return true;
    }
    return false;
}

static bool next_of_line(struct kom *kom, struct line_now now, uint16_t index, struct kom_output *output)
{
    struct kom_line *line = &kom->lines[index];
    struct line_output from;
    output->line = index;
    if (kom_lines_next(kom, index, output)) {
        return true;
    }
    if (line_next(line->engine, now, &from)) {
        KOMET_ASSERT(from.kind == LINE_OUT_SEND); /* everything else was absorbed */
        output->kind = KOM_OUT_SEND;
        output->connection = from.connection;
        output->octets = from.octets;
        output->size = from.size;
        kom_trace_handed(kom, now, index, from.octets, from.size);
        return true;
    }
    index_set_remove(&kom->marks.waiting, index);
    kom->marks.deadlines[index] = line_deadline(line->engine);
    return false;
}

static bool next_of_lines(struct kom *kom, struct line_now now, struct kom_output *output)
{
    const struct index_set *waiting = &kom->marks.waiting;
    for (unsigned i = index_set_next(waiting, 0); i < waiting->count; i = index_set_next(waiting, i + 1)) {
        if (next_of_line(kom, now, (uint16_t)i, output)) {
            return true;
        }
    }
    return false;
}

bool kom_has_notes(const struct kom *kom)
{
    return kom->note_next < kom->note_count;
}

static bool next_note(struct kom *kom, struct kom_output *output)
{
    if (kom->note_next < kom->note_count) {
        output->kind = KOM_OUT_NOTE;
        output->text = kom->notes[kom->note_next++];
        return true;
    }
    kom->note_next = kom->note_count = 0;
    return false;
}

static bool next_end(struct kom *kom, struct kom_output *output)
{
    bool end = kom->relieved && !kom->active && !kom->stopped;
    if (end) {
        kom->relieved = false; /* said once */
        kom->leave_by = KOMET_NEVER;
        output->kind = KOM_OUT_END;
    }
    return end;
}

static bool next_batch(struct kom *kom, struct line_now now, struct kom_output *output)
{
    if (kom->alone) {
        if (kom_alone_next(kom, output)) {
            return true;
        }
        kom_acknowledge(kom, now); /* frames without values */
        return next_of_lines(kom, now, output);
    }
    if (kom->batch == NULL || !kom->welcome) {
        return false;
    }
    output->message = batch_flush(kom->batch, kom->batch_epoch);
    if (output->message == NULL) { /* frames without values may be acknowledged now */
        kom_acknowledge(kom, now);
        return next_of_lines(kom, now, output);
    }
    output->kind = KOM_OUT_MESSAGE;
    output->message->batch->configuration = kom->configuration;
    output->message->batch->standby = kom->batch_epoch == 0;
    kom->batch_epoch = 0;
    kom->batch_sequence = output->message->batch->sequence;
    return true;
}

bool kom_next(struct kom *kom, struct line_now now, struct kom_output *output)
{
    *output = (struct kom_output){0};
    kom_watch_lease(kom, now);
    struct index_set *touched = &kom->marks.touched;
    for (unsigned i = index_set_next(touched, 0); i < touched->count; i = index_set_next(touched, i + 1)) {
        index_set_remove(touched, i);
        kom_absorb(kom, now, (uint16_t)i);
    }
    kom_acknowledge(kom, now);
    /* Closed first: a new configuration forgets what the lines before it still wanted. */
    return kom_lines_next_abort(kom, now, output) || next_of_server(kom, output) || next_note(kom, output) ||
           kom_next_configured(kom, output) || next_of_lines(kom, now, output) ||
           next_batch(kom, now, output) || kom_forward_next(kom, output) ||
           kom_next_message(kom, now, output) || kom_trace_next(kom, now, output) || next_end(kom, output);
}
