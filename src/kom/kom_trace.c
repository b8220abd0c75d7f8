/*
 * The traffic that a KOM keeps of its lines, and the pages of it that the server asks for (LNTRACE).
 *
 * A trace can slow nothing down: a page is sent only when one was asked for, when there is nothing else to be
 * sent, and KOM_TRACE_PAUSE after the one before. A server that does not ask leaves the records to be
 * dropped.
 */
#include <stdio.h>
#include <string.h>

#include "kom/kom_private.h"

void kom_keep_traffic(struct kom *kom, void *memory, size_t size)
{
    KOMET_ASSERT(kom->ring == NULL && !kom->connected);
    kom->ring = trace_ring_init(memory, size);
}

/* ---- what is kept ---- */

void kom_line_ends(struct kom *kom, const struct trace_end *local, const struct trace_end *remote)
{
    kom->local = *local;
    kom->remote = *remote;
}

static bool is_sinaut(const struct line *line)
{
    return line->protocol == PROTOCOL_IEC104_SINAUT;
}

/* The connection in which the traffic of a line is kept; NULL for one that is over. */
static struct trace_connection *traced(const struct kom *kom, uint16_t line, uint32_t connection)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        const struct kom_traced *one = &kom->lines[line].traced[i];
        if (one->kept != NULL && one->connection == connection) {
            return one->kept;
        }
    }
    return NULL;
}

/* A place for one more; without a free one that of the oldest. */
static struct kom_traced *place_for(struct kom_line *line)
{
    struct kom_traced *place = &line->traced[0];
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX && place->kept != NULL; i++) {
        struct kom_traced *one = &line->traced[i];
        if (one->kept == NULL || one->connection < place->connection) {
            place = one;
        }
    }
    return place;
}

void kom_trace_opened(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection)
{
    if (kom->ring != NULL) {
        struct kom_traced *place = place_for(&kom->lines[line]);
        const struct line *of = &kom->process->lines[line];
        trace_ring_close(kom->ring, place->kept, now.utc, KOMET_REPLACED, true);
        place->connection = connection;
        place->kept = trace_ring_open(kom->ring, now.utc, of->name, is_sinaut(of), &kom->local, &kom->remote);
        kom->local = kom->remote = (struct trace_end){0};
    }
}

void kom_trace_received(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                        const uint8_t *octets, size_t size)
{
    if (kom->ring != NULL) {
        trace_ring_octets(kom->ring, traced(kom, line, connection), now.utc, false, octets, size);
    }
}

void kom_trace_handed(struct kom *kom, struct line_now now, uint16_t line, const uint8_t *octets, size_t size)
{
    kom->handed = (struct kom_handed){octets, size, line, now.utc};
}

void kom_trace_written(struct kom *kom, uint16_t line, uint32_t connection, size_t size)
{
    const struct kom_handed *handed = &kom->handed;
    if (kom->ring != NULL && handed->octets != NULL && handed->line == line) {
        KOMET_ASSERT(size <= handed->size);
        trace_ring_octets(kom->ring, traced(kom, line, connection), handed->time, true, handed->octets, size);
    }
    kom->handed.octets = NULL;
}

void kom_trace_closed(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                      enum komet_reason reason, bool by_us)
{
    if (kom->ring != NULL) {
        trace_ring_close(kom->ring, traced(kom, line, connection), now.utc, reason, by_us);
        for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
            if (kom->lines[line].traced[i].connection == connection) {
                kom->lines[line].traced[i].kept = NULL;
            }
        }
    }
}

void kom_trace_closed_all(struct kom *kom, struct line_now now)
{
    if (kom->ring != NULL) {
        trace_ring_close_all(kom->ring, now.utc, KOMET_NO_SERVER);
    }
    kom->handed.octets = NULL;
}

/* ---- who asks ---- */

static struct kom_trace *find_trace(struct kom *kom, uint64_t id)
{
    for (unsigned i = 0; i < KOM_TRACES_MAX; i++) {
        if (kom->traces[i].used && kom->traces[i].id == id) {
            return &kom->traces[i];
        }
    }
    return NULL;
}

static struct kom_trace *free_trace(struct kom *kom)
{
    for (unsigned i = 0; i < KOM_TRACES_MAX; i++) {
        if (!kom->traces[i].used) {
            return &kom->traces[i];
        }
    }
    return NULL;
}

void kom_trace_ask(struct kom *kom, struct line_now now, const Komet__Wire__TraceAsk *ask)
{
    (void)now;
    struct kom_trace *trace = find_trace(kom, ask->id);
    if (trace == NULL && ask->begin && !ask->end) {
        trace = free_trace(kom);
        if (trace == NULL || kom->ring == NULL) {
            kom_note(kom, "a trace was not begun: %s",
                     trace == NULL ? "too many are open" : "no traffic is kept");
            return;
        }
        *trace = (struct kom_trace){.used = true, .live = ask->live, .id = ask->id};
        trace->cursor = ask->memory ? trace_ring_oldest(kom->ring) : trace_ring_newest(kom->ring);
        snprintf(trace->mask, sizeof trace->mask, "%s", ask->mask);
    }
    if (trace != NULL) {
        trace->asked = true;
        trace->used = !ask->end;
    }
}

void kom_trace_forget(struct kom *kom)
{
    memset(kom->traces, 0, sizeof kom->traces);
}

/* ---- pages ---- */

static bool has_page(const struct kom *kom, const struct kom_trace *trace)
{
    return trace->used && trace->asked && (!trace->live || trace_ring_has_next(kom->ring, &trace->cursor));
}

struct komet_instant kom_trace_deadline(const struct kom *kom)
{
    for (unsigned i = 0; i < KOM_TRACES_MAX; i++) {
        if (has_page(kom, &kom->traces[i])) {
            return kom->trace_due;
        }
    }
    return KOMET_NEVER;
}

static ProtobufCBinaryData address_of(const struct trace_end *end)
{
    size_t size = end->family == 4 ? 4 : end->family == 6 ? 16 : 0;
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)end->address};
}

/* False: the page names as many connections as it can. */
static bool put_connection(struct kom_trace_page *page, const struct trace_connection *connection)
{
    for (size_t i = page->body.n_connections; i > 0; i--) {
        if (page->connections[i - 1].connection == connection->number) {
            return true;
        }
    }
    if (page->body.n_connections == KOM_TRACE_CONNECTIONS) {
        return false;
    }
    Komet__Wire__TraceConnection *body = &page->connections[page->body.n_connections];
    komet__wire__trace_connection__init(body);
    body->connection = connection->number;
    body->line = (char *)(uintptr_t)connection->line;
    body->local = address_of(&connection->local);
    body->local_port = connection->local.port;
    body->remote = address_of(&connection->remote);
    body->remote_port = connection->remote.port;
    body->sinaut = connection->sinaut;
    page->connection_list[page->body.n_connections++] = body;
    return true;
}

static void put_record(struct kom_trace_page *page, const struct trace_record *record,
                       const struct trace_record *before)
{
    Komet__Wire__TraceRecord *body = &page->records[page->body.n_records];
    komet__wire__trace_record__init(body);
    body->connection = record->connection->number;
    body->kind = (uint32_t)record->kind;
    body->time_ms = record->time.ms - before->time.ms;
    body->sequence = record->sequence - before->sequence;
    body->received = record->received;
    body->sent = record->sent;
    body->octets = (ProtobufCBinaryData){record->size, (uint8_t *)(uintptr_t)record->octets};
    if (record->kind == TRACE_CLOSED || record->kind == TRACE_ABORTED) {
        body->reason = (char *)(uintptr_t)komet_reason_name(record->reason);
        body->orderly = record->reason == KOMET_PEER_CLOSED;
    }
    page->record_list[page->body.n_records++] = body;
}

/* Fills the page from where the trace is, as far as a page goes. */
static void fill_page(struct kom *kom, struct kom_trace *trace)
{
    struct kom_trace_page *page = &kom->trace_page;
    const struct trace_connection *matched = NULL;
    struct trace_record record, before = {0};
    struct trace_cursor next = trace->cursor;
    size_t octets = 0;
    for (unsigned scanned = 0; scanned < KOM_TRACE_SCAN && page->body.n_records < KOM_TRACE_RECORDS &&
                               octets < KOM_TRACE_OCTETS && trace_ring_next(kom->ring, &next, &record);
         scanned++) {
        if (record.connection == matched || name_matches(trace->mask, record.connection->line)) {
            if (!put_connection(page, record.connection)) {
                return;
            }
            matched = record.connection;
            put_record(page, &record, &before);
            before = record;
            octets += record.size;
        }
        trace->cursor = next;
    }
}

static wire_message *write_page(struct kom *kom, struct kom_trace *trace)
{
    Komet__Wire__TracePage *body = &kom->trace_page.body;
    komet__wire__trace_page__init(body);
    body->connections = kom->trace_page.connection_list;
    body->records = kom->trace_page.record_list;
    fill_page(kom, trace);
    body->id = trace->id;
    body->lost = trace->cursor.lost;
    body->dropped = trace_ring_counters(kom->ring).dropped;
    body->end = !trace->live && !trace_ring_has_next(kom->ring, &trace->cursor);
    trace->asked = false;
    trace->used = !body->end;
    komet__wire__message__init(&kom->slot.message);
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_TRACE_PAGE;
    kom->slot.message.trace_page = body;
    return &kom->slot.message;
}

bool kom_trace_next(struct kom *kom, struct line_now now, struct kom_output *output)
{
    if (!kom->welcome || kom->ring == NULL || !komet_reached(now.instant, kom->trace_due)) {
        return false;
    }
    for (unsigned i = 0; i < KOM_TRACES_MAX; i++) {
        struct kom_trace *trace = &kom->traces[(kom->trace_turn + i) % KOM_TRACES_MAX];
        if (has_page(kom, trace)) {
            kom->trace_turn = (kom->trace_turn + i + 1) % KOM_TRACES_MAX;
            kom->trace_due = komet_after(now.instant, KOM_TRACE_PAUSE);
            output->kind = KOM_OUT_MESSAGE;
            output->message = write_page(kom, trace);
            return true;
        }
    }
    return false;
}
