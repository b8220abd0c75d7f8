/*
 * tell_trace: see tell_trace.h.
 *
 * After a lost connection to the server the memory of the instances comes once more: what was seen before is
 * known by the sequence numbers of their runs and passed over.
 */
#include "program/tell_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capture/apdu_text.h"
#include "capture/line_trace.h"
#include "capture/packet_writer.h"
#include "console/json.h"
#include "console/moment.h"
#include "komet/assert.h"
#include "model/site.h"
#include "program/tell_text.h"

#define SOURCES_MAX 64 /* runs of instances; that which was heard longest ago makes room */
#define HEAD_SIZE   512
#define TEXT_SIZE   (APDU_TEXT_SIZE + HEAD_SIZE + 4 * KOMET_APDU_SIZE_MAX)
#define ROW_SIZE    1024

/* One run of an instance. */
struct source {
    uint64_t number; /* 0: a free place */
    char process[64];
    uint32_t instance;
    uint64_t run;
    uint64_t sequence; /* of its newest record that was seen */
    uint64_t lost;     /* as it was told last */
    bool told;         /* that records were lost */
};

struct tell_trace {
    const struct command *command;
    struct tell_output *output;
    struct line_trace *records;
    struct source sources[SOURCES_MAX];
    uint64_t next_number;
    FILE *file; /* SAVE; NULL before the first page */
    uint64_t packets, octets;
    struct komet_utc first, last;
    char text[TEXT_SIZE];
    uint8_t made[LINE_TRACE_PACKETS_SIZE];
};

/* What an item is of. */
struct origin {
    const struct source *source;
    const Komet__Wire__TraceConnection *connection;
    const Komet__Wire__TraceRecord *record;
    struct komet_utc time;
    char local[PACKET_ENDPOINT_TEXT_SIZE], remote[PACKET_ENDPOINT_TEXT_SIZE];
};

struct tell_trace *tell_trace_new(const struct command *command, struct tell_output *output)
{
    struct tell_trace *trace = calloc(1, sizeof *trace);
    void *memory = malloc(line_trace_size());
    KOMET_ASSERT(trace != NULL && memory != NULL);
    trace->command = command;
    trace->output = output;
    trace->records = line_trace_init(memory, line_trace_size());
    trace->first = trace->last = KOMET_UTC_UNKNOWN;
    return trace;
}

void tell_trace_free(struct tell_trace *trace)
{
    if (trace != NULL) {
        if (trace->file != NULL) {
            fclose(trace->file);
        }
        free(trace->records);
        free(trace);
    }
}

/* ---- what is printed ---- */

static void put_line(struct tell_trace *trace, const struct origin *origin, const char *what,
                     const char *text)
{
    FILE *file = trace->output->file;
    tell_text_put(file, origin->connection->line);
    if (origin->source->instance > 0) {
        fprintf(file, ",%u", origin->source->instance);
    }
    fprintf(file, " %s ", what);
    tell_text_put(file, text);
    fputc('\n', file);
    trace->output->rows++;
}

/* The members that every object has; the bracket is not closed. Returns its length. */
static size_t put_head(const struct origin *origin, const char *member, const char *what, char *text)
{
    struct json json;
    json_begin(&json, text, HEAD_SIZE);
    json_open(&json, NULL, '{');
    json_string(&json, "line", origin->connection->line);
    json_string(&json, "process", origin->source->process);
    json_unsigned(&json, "instance", origin->source->instance);
    json_string(&json, member, what);
    json_close(&json, '}');
    if (!json_end(&json)) { /* a name of a length that no site has */
        snprintf(text, HEAD_SIZE, "{\"line\":null}");
    }
    return strlen(text) - 1;
}

static void put_object(struct tell_trace *trace, const char *text)
{
    tell_text_put_json(trace->output->file, text);
    fputc('\n', trace->output->file);
    trace->output->rows++;
}

/* "TIME SOURCE -> DESTINATION", or the same as members of an object that go on one. */
static int put_ends(struct tell_trace *trace, const struct origin *origin, bool sent, char *out, size_t size)
{
    char time[MOMENT_TEXT_SIZE] = "-";
    const char *from = sent ? origin->local : origin->remote, *to = sent ? origin->remote : origin->local;
    bool known = moment_text(origin->time, time);
    if (trace->output->format == TELL_JSON) {
        const char *quote = known ? "\"" : "";
        return snprintf(out, size, ",\"time\":%s%s%s,\"source\":\"%s\",\"destination\":\"%s\"", quote,
                        known ? time : "null", quote, from, to);
    }
    return snprintf(out, size, "%s %s -> %s", time, from, to);
}

/* An opened or closed connection. */
static void put_event(struct tell_trace *trace, const struct origin *origin)
{
    const char *what = origin->record->kind == LINE_TRACE_OPENED ? "opened" : "closed";
    const char *reason = origin->record->reason;
    size_t used = 0;
    if (trace->output->format == TELL_JSON) {
        used = put_head(origin, "event", what, trace->text);
    }
    used += (size_t)put_ends(trace, origin, true, trace->text + used, TEXT_SIZE - used);
    if (trace->output->format == TELL_JSON) {
        struct json json;
        json_begin(&json, trace->text + used, HEAD_SIZE);
        json_open(&json, NULL, '{');
        json_string(&json, "reason", reason[0] != '\0' ? reason : NULL);
        json_close(&json, '}');
        json_end(&json);
        trace->text[used] = ','; /* in place of its bracket */
        put_object(trace, trace->text);
    } else {
        snprintf(trace->text + used, TEXT_SIZE - used, "%s%s", reason[0] != '\0' ? " " : "", reason);
        put_line(trace, origin, what, trace->text);
    }
}

static const char *error_of(const struct line_trace_item *item, char *out, size_t size)
{
    switch (item->kind) {
    case LINE_TRACE_APDU:
        return NULL;
    case LINE_TRACE_MALFORMED:
        snprintf(out, size, "%s: %s", komet_reason_name(item->reason), komet_reason_sentence(item->reason));
        break;
    case LINE_TRACE_CUT:
        snprintf(out, size, "cut: the other part of this APDU is not in the trace");
        break;
    case LINE_TRACE_GAP:
        snprintf(out, size, "gap: %" PRIu32 " octets are missing in the trace", item->missing);
        break;
    }
    return out;
}

/* HEX, DEC: the octets as numbers. */
static void put_octets(struct tell_trace *trace, const struct origin *origin,
                       const struct line_trace_item *item)
{
    bool json = trace->output->format == TELL_JSON, hex = trace->command->trace == TRACE_MODE_HEX;
    const char *what = item->sent ? "sent" : "received";
    size_t used = json ? put_head(origin, "direction", what, trace->text) : 0;
    used += (size_t)put_ends(trace, origin, item->sent, trace->text + used, TEXT_SIZE - used);
    used += (size_t)snprintf(trace->text + used, TEXT_SIZE - used, "%s", json ? ",\"octets\":\"" : " ");
    for (size_t i = 0; i < item->size; i++) {
        used += (size_t)snprintf(trace->text + used, TEXT_SIZE - used, hex ? "%s%02x" : "%s%u",
                                 i > 0 ? " " : "", item->octets[i]);
    }
    if (item->kind == LINE_TRACE_GAP) {
        used += (size_t)snprintf(trace->text + used, TEXT_SIZE - used, "(%" PRIu32 " octets are missing)",
                                 item->missing);
    }
    if (json) {
        snprintf(trace->text + used, TEXT_SIZE - used, "\"}");
        put_object(trace, trace->text);
    } else {
        put_line(trace, origin, what, trace->text);
    }
}

static void put_item(struct tell_trace *trace, const struct origin *origin,
                     const struct line_trace_item *item)
{
    const char *what = item->sent ? "sent" : "received";
    char error[256];
    if (trace->command->trace != TRACE_MODE_DECODED) {
        put_octets(trace, origin, item);
        return;
    }
    const struct apdu_text_item text = {.time = origin->time,
                                        .source = item->sent ? origin->local : origin->remote,
                                        .destination = item->sent ? origin->remote : origin->local,
                                        .apdu = item->kind == LINE_TRACE_APDU ? &item->apdu : NULL,
                                        .error = error_of(item, error, sizeof error),
                                        .octets = item->octets,
                                        .size = item->size,
                                        .profile = item->profile};
    if (trace->output->format == TELL_JSON) {
        size_t head = put_head(origin, "direction", what, trace->text);
        apdu_text_json(&text, trace->text + head, APDU_TEXT_SIZE);
        trace->text[head] = ','; /* in place of its bracket */
        put_object(trace, trace->text);
    } else {
        apdu_text_line(&text, trace->text, APDU_TEXT_SIZE);
        put_line(trace, origin, what, trace->text);
    }
}

/* ---- what is saved ---- */

static bool file_failed(struct tell_trace *trace)
{
    snprintf(trace->output->fault, sizeof trace->output->fault, "%s: %s", trace->command->file,
             strerror(errno));
    return false;
}

static bool open_file(struct tell_trace *trace)
{
    if (trace->command->file == NULL || trace->file != NULL) {
        return true;
    }
    trace->file = fopen(trace->command->file, "wbe");
    size_t size = packet_writer_begin(trace->made);
    return (trace->file != NULL && fwrite(trace->made, 1, size, trace->file) == size) || file_failed(trace);
}

static bool save_record(struct tell_trace *trace, const struct line_trace_record *record)
{
    unsigned packets;
    size_t size = line_trace_packets(trace->records, trace->made, &packets);
    trace->packets += packets;
    trace->octets += record->size;
    trace->first = komet_utc_known(trace->first) ? trace->first : record->time;
    trace->last = record->time;
    return fwrite(trace->made, 1, size, trace->file) == size || file_failed(trace);
}

/* ---- pages ---- */

static struct source *find_source(struct tell_trace *trace, const Komet__Wire__TracePage *page)
{
    struct source *oldest = &trace->sources[0];
    for (unsigned i = 0; i < SOURCES_MAX; i++) {
        struct source *source = &trace->sources[i];
        if (source->number != 0 && source->run == page->run && source->instance == page->instance &&
            strcmp(source->process, page->process) == 0) {
            return source;
        }
        oldest = source->number < oldest->number ? source : oldest;
    }
    *oldest = (struct source){.number = ++trace->next_number, .instance = page->instance, .run = page->run};
    snprintf(oldest->process, sizeof oldest->process, "%s", page->process);
    if (page->dropped > 0 && trace->command->memory) {
        tell_text_complain("%s: %" PRIu64 " older records of its traffic made room for newer ones",
                           run_name(page->process, page->instance).text, page->dropped);
    }
    return oldest;
}

/* The first loss is told at once, all of them at the end. */
static void note_losses(struct source *source, const Komet__Wire__TracePage *page)
{
    if (page->lost > 0 && !source->told) {
        source->told = true;
        tell_text_complain("%s: more traffic than this trace can take: records are left out",
                           run_name(page->process, page->instance).text);
    }
    source->lost = page->lost;
}

static struct packet_endpoint end_of(ProtobufCBinaryData address, uint32_t port)
{
    struct packet_endpoint end = {.family = address.len == 16 ? 6 : 4, .port = (uint16_t)port};
    if (address.len == 4 || address.len == 16) {
        memcpy(end.address, address.data, address.len);
    }
    return end;
}

static const Komet__Wire__TraceConnection *find_connection(const Komet__Wire__TracePage *page,
                                                           uint32_t number)
{
    for (size_t i = 0; i < page->n_connections; i++) {
        if (page->connections[i]->connection == number) {
            return page->connections[i];
        }
    }
    return NULL;
}

static bool take_record(struct tell_trace *trace, struct origin *origin)
{
    const Komet__Wire__TraceConnection *from = origin->connection;
    const Komet__Wire__TraceRecord *body = origin->record;
    const struct line_trace_connection connection = {.source = origin->source->number,
                                                     .number = from->connection,
                                                     .local = end_of(from->local, from->local_port),
                                                     .remote = end_of(from->remote, from->remote_port),
                                                     .profile = from->sinaut ? &komet_profile_sinaut
                                                                             : &komet_profile_104};
    const struct line_trace_record record = {
        .kind = (enum line_trace_kind)body->kind,
        .orderly = body->orderly,
        .time = origin->time,
        .received = body->received,
        .sent = body->sent,
        .octets = body->octets.data,
        .size = body->octets.len};
    struct line_trace_item item;
    packet_endpoint_text(&connection.local, origin->local);
    packet_endpoint_text(&connection.remote, origin->remote);
    line_trace_feed(trace->records, &connection, &record);
    if (trace->file != NULL) {
        while (line_trace_next(trace->records, &item)) {
            ; /* they are in the file */
        }
        return save_record(trace, &record);
    }
    while (line_trace_next(trace->records, &item)) {
        put_item(trace, origin, &item);
    }
    if (body->octets.len == 0) {
        put_event(trace, origin);
    }
    return true;
}

static bool is_good(const Komet__Wire__TraceRecord *record)
{
    bool octets = record->kind == LINE_TRACE_RECEIVED || record->kind == LINE_TRACE_SENT;
    return record->kind >= LINE_TRACE_OPENED && record->kind <= LINE_TRACE_ABORTED &&
           record->octets.len <= LINE_TRACE_RECORD_MAX && octets == (record->octets.len > 0);
}

bool tell_trace_page(struct tell_trace *trace, const Komet__Wire__TracePage *page)
{
    struct source *source = find_source(trace, page);
    struct origin origin = {.source = source, .time = {0}};
    uint64_t sequence = 0;
    errno = 0;
    note_losses(source, page);
    if (!open_file(trace)) {
        return false;
    }
    for (size_t i = 0; i < page->n_records; i++) {
        origin.record = page->records[i];
        origin.connection = find_connection(page, origin.record->connection);
        origin.time.ms = (int64_t)((uint64_t)origin.time.ms + (uint64_t)origin.record->time_ms);
        sequence += origin.record->sequence;
        if (sequence <= source->sequence) {
            continue; /* it was seen before the connection to the server was lost */
        }
        source->sequence = sequence;
        if (origin.connection == NULL || !is_good(origin.record)) {
            snprintf(trace->output->fault, sizeof trace->output->fault,
                     "the server sent traffic that cannot be; is it a Komet server?");
            return false;
        }
        if (!take_record(trace, &origin)) {
            return false;
        }
    }
    if (fflush(trace->file != NULL ? trace->file : trace->output->file) == 0) {
        return true;
    }
    trace->output->error = errno;
    return trace->file != NULL ? file_failed(trace) : false;
}

static bool put_summary(struct tell_trace *trace)
{
    char text[ROW_SIZE], *row = text;
    struct json json;
    json_begin(&json, text, sizeof text);
    json_open(&json, NULL, '{');
    json_string(&json, "file", trace->command->file);
    json_unsigned(&json, "packets", trace->packets);
    json_unsigned(&json, "octets", trace->octets);
    json_unsigned(&json, "missing", line_trace_missing(trace->records));
    json_time(&json, "first", trace->first);
    json_time(&json, "last", trace->last);
    json_close(&json, '}');
    return !json_end(&json) || tell_output_page(trace->output, &row, 1, true);
}

bool tell_trace_end(struct tell_trace *trace)
{
    for (unsigned i = 0; i < SOURCES_MAX; i++) {
        const struct source *source = &trace->sources[i];
        if (source->number != 0 && source->lost > 0) {
            tell_text_complain("%s: %" PRIu64 " records were left out",
                               run_name(source->process, source->instance).text, source->lost);
        }
    }
    if (trace->command->file == NULL) {
        return true;
    }
    if (!open_file(trace)) { /* there was no traffic: a capture without packets */
        return false;
    }
    int failed = fclose(trace->file);
    trace->file = NULL;
    return failed != 0 ? file_failed(trace) : put_summary(trace);
}
