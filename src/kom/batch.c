/*
 * batch: see batch.h.
 *
 * The ledger is a ring of (batch, line, connection, last frame). A connection appears at most once for each
 * batch: within one batch later frames of the same connection only raise the last frame. A line that has more
 * of them than it can have at a time has lost the oldest.
 */
#include "kom/batch.h"

#include <string.h>

#include "komet/assert.h"
#include "model/lay_out.h"

#define FRAME_VALUES_MAX 254u /* 127 objects, and as many first rows of columns */
#define CAUSE_ARRIVAL    0x10000u

struct ledger_entry {
    uint64_t sequence; /* stored with this batch */
    uint64_t frame;    /* up to */
    uint32_t connection;
    uint16_t line;
};

struct columns {
    uint32_t *tag, *status_flags, *cause, *connection, *octets_size, *line;
    double *number;
    char **name;
    int64_t *time_ms, *arrived_ms, *frame;
    uint8_t *octets;
};

struct batch {
    unsigned value_capacity, batch_capacity, ledger_capacity;
    unsigned connections; /* of one line at a time */
    uint64_t sequence;    /* of the last batch that was sent */
    uint64_t confirmed;   /* batches up to this one are on disk, or were dropped */
    unsigned count;
    size_t octets_used;
    int64_t last_time, last_arrived, last_frame; /* differences are sent */
    struct columns columns;
    struct ledger_entry *ledger;
    unsigned ledger_first, ledger_count;
    wire_message message;
    Komet__Wire__Batch body;
};

static size_t lay_out(uint8_t *memory, struct columns *columns, struct ledger_entry **ledger, size_t values,
                      size_t entries)
{
    size_t used = 0;
    lay_out_take(memory, &used, sizeof(struct batch));
    columns->tag = lay_out_take(memory, &used, values * sizeof(uint32_t));
    columns->status_flags = lay_out_take(memory, &used, values * sizeof(uint32_t));
    columns->cause = lay_out_take(memory, &used, values * sizeof(uint32_t));
    columns->connection = lay_out_take(memory, &used, values * sizeof(uint32_t));
    columns->octets_size = lay_out_take(memory, &used, values * sizeof(uint32_t));
    columns->line = lay_out_take(memory, &used, values * sizeof(uint32_t));
    columns->number = lay_out_take(memory, &used, values * sizeof(double));
    columns->name = lay_out_take(memory, &used, values * sizeof(char *));
    columns->time_ms = lay_out_take(memory, &used, values * sizeof(int64_t));
    columns->arrived_ms = lay_out_take(memory, &used, values * sizeof(int64_t));
    columns->frame = lay_out_take(memory, &used, values * sizeof(int64_t));
    columns->octets = lay_out_take(memory, &used, values * sizeof(((struct line_value *)0)->octets));
    *ledger = lay_out_take(memory, &used, entries * sizeof(struct ledger_entry));
    return used;
}

/* Every batch may name every connection, and so may the one that is being collected. */
static size_t ledger_entries(unsigned line_count, unsigned connections, unsigned batches)
{
    return (size_t)line_count * connections * (batches + 1);
}

size_t batch_size(unsigned line_count, unsigned connections, unsigned values, unsigned batches)
{
    struct columns columns;
    struct ledger_entry *ledger;
    return lay_out(NULL, &columns, &ledger, values, ledger_entries(line_count, connections, batches));
}

struct batch *batch_init(void *memory, size_t size, unsigned line_count, unsigned connections,
                         unsigned values, unsigned batches, uint64_t sequence)
{
    KOMET_ASSERT(size >= batch_size(line_count, connections, values, batches));
    KOMET_ASSERT(values >= FRAME_VALUES_MAX && batches > 0 && connections > 0);
    struct batch *batch = memory;
    memset(batch, 0, sizeof *batch);
    batch->sequence = batch->confirmed = sequence;
    batch->value_capacity = values;
    batch->batch_capacity = batches;
    batch->connections = connections;
    batch->ledger_capacity = (unsigned)ledger_entries(line_count, connections, batches);
    lay_out(memory, &batch->columns, &batch->ledger, values, batch->ledger_capacity);
    return batch;
}

bool batch_has_room(const struct batch *batch)
{
    return batch->sequence - batch->confirmed < batch->batch_capacity &&
           batch->count + FRAME_VALUES_MAX <= batch->value_capacity;
}

unsigned batch_count(const struct batch *batch)
{
    return batch->count;
}

static struct ledger_entry *ledger_at(const struct batch *batch, unsigned index)
{
    return &batch->ledger[(batch->ledger_first + index) % batch->ledger_capacity];
}

static void enter(struct batch *batch, uint16_t line, uint32_t connection, uint64_t frame)
{
    uint64_t sequence = batch->sequence + 1;
    struct ledger_entry *oldest = NULL;
    unsigned of_line = 0;
    for (unsigned i = batch->ledger_count; i > 0 && ledger_at(batch, i - 1)->sequence == sequence; i--) {
        struct ledger_entry *entry = ledger_at(batch, i - 1);
        if (entry->line == line && entry->connection == connection) {
            entry->frame = frame;
            return;
        }
        if (entry->line == line) {
            oldest = oldest == NULL || entry->connection < oldest->connection ? entry : oldest;
            of_line++;
        }
    }
    if (of_line == batch->connections) { /* frames of a connection that is over need no acknowledgement */
        oldest->connection = connection;
        oldest->frame = frame;
        return;
    }
    KOMET_ASSERT(batch->ledger_count < batch->ledger_capacity);
    *ledger_at(batch, batch->ledger_count++) = (struct ledger_entry){sequence, frame, connection, line};
}

static void add_value(struct batch *batch, uint16_t line, uint32_t connection, uint64_t frame,
                      const struct line_value *from)
{
    const struct columns *columns = &batch->columns;
    unsigned at = batch->count++;
    const struct value *value = &from->value;
    columns->tag[at] = from->tag->number;
    columns->name[at] = (char *)(uintptr_t)from->tag->name;
    columns->number[at] = value->number;
    columns->status_flags[at] = (uint32_t)value->status << 16 | value->flags;
    columns->cause[at] = (uint32_t)value->cot << 8 | value->asdu_type |
                         (value->time_origin == TIME_OF_ARRIVAL ? CAUSE_ARRIVAL : 0u);
    columns->time_ms[at] = value->time.ms - batch->last_time;
    columns->arrived_ms[at] = value->arrived.ms - batch->last_arrived;
    columns->frame[at] = (int64_t)frame - batch->last_frame;
    columns->connection[at] = connection;
    columns->line[at] = line;
    columns->octets_size[at] = from->octets_size;
    memcpy(columns->octets + batch->octets_used, from->octets, from->octets_size);
    batch->octets_used += from->octets_size;
    batch->last_time = value->time.ms;
    batch->last_arrived = value->arrived.ms;
    batch->last_frame = (int64_t)frame;
}

void batch_add(struct batch *batch, uint16_t line, uint32_t connection, uint64_t frame,
               const struct line_value *values, unsigned count)
{
    KOMET_ASSERT(batch_has_room(batch) && count <= FRAME_VALUES_MAX);
    enter(batch, line, connection, frame);
    for (unsigned i = 0; i < count; i++) {
        add_value(batch, line, connection, frame, &values[i]);
    }
}

static void begin_next(struct batch *batch)
{
    batch->count = 0;
    batch->octets_used = 0;
    batch->last_time = batch->last_arrived = batch->last_frame = 0;
}

/* What was collected has no values: its frames are stored with the batch before it, in whose entries they go.
 */
static void join_previous(struct batch *batch)
{
    unsigned first = batch->ledger_count;
    while (first > 0 && ledger_at(batch, first - 1)->sequence == batch->sequence + 1) {
        first--;
    }
    unsigned kept = first;
    for (unsigned i = first; i < batch->ledger_count; i++) {
        struct ledger_entry joined = *ledger_at(batch, i);
        joined.sequence = batch->sequence;
        unsigned at = kept;
        for (unsigned j = kept; j > 0 && ledger_at(batch, j - 1)->sequence == batch->sequence; j--) {
            at = ledger_at(batch, j - 1)->line == joined.line ? j - 1 : at;
        }
        *ledger_at(batch, at) = joined;
        kept += at == kept ? 1 : 0;
    }
    batch->ledger_count = kept;
}

wire_message *batch_flush(struct batch *batch, uint64_t epoch)
{
    if (batch->count == 0) {
        join_previous(batch);
        return NULL;
    }
    Komet__Wire__Batch *body = &batch->body;
    const struct columns *columns = &batch->columns;
    komet__wire__message__init(&batch->message);
    komet__wire__batch__init(body);
    batch->message.body_case = KOMET__WIRE__MESSAGE__BODY_BATCH;
    batch->message.batch = body;
    body->epoch = epoch;
    body->sequence = ++batch->sequence;
    body->tag = columns->tag;
    body->number = columns->number;
    body->status_flags = columns->status_flags;
    body->cause = columns->cause;
    body->time_ms = columns->time_ms;
    body->arrived_ms = columns->arrived_ms;
    body->frame = columns->frame;
    body->connection = columns->connection;
    body->octets_size = columns->octets_size;
    body->line = columns->line;
    body->n_tag = body->n_number = body->n_status_flags = body->n_cause = batch->count;
    body->n_time_ms = body->n_arrived_ms = body->n_frame = batch->count;
    body->n_connection = body->n_octets_size = body->n_line = batch->count;
    body->octets.data = columns->octets;
    body->octets.len = batch->octets_used;
    begin_next(batch);
    return &batch->message;
}

wire_message *batch_flush_named(struct batch *batch, uint64_t epoch)
{
    unsigned count = batch->count;
    wire_message *message = batch_flush(batch, epoch);
    if (message != NULL) {
        batch->body.name = batch->columns.name;
        batch->body.n_name = count;
    }
    return message;
}

void batch_stored(struct batch *batch, uint64_t sequence)
{
    if (sequence > batch->confirmed && sequence <= batch->sequence) {
        batch->confirmed = sequence;
    }
}

bool batch_next_stored(struct batch *batch, uint16_t *line, uint32_t *connection, uint64_t *frame)
{
    if (batch->ledger_count == 0 || ledger_at(batch, 0)->sequence > batch->confirmed) {
        return false;
    }
    const struct ledger_entry *entry = ledger_at(batch, 0);
    *line = entry->line;
    *connection = entry->connection;
    *frame = entry->frame;
    batch->ledger_first = (batch->ledger_first + 1) % batch->ledger_capacity;
    batch->ledger_count--;
    return true;
}

struct batch *batch_move(void *memory, size_t size, unsigned connections, const struct batch *before,
                         const struct process *lines, const struct process *after,
                         const struct site_difference *difference)
{
    KOMET_ASSERT(before->count == 0);
    struct batch *batch = batch_init(memory, size, after->line_count, connections, before->value_capacity,
                                     before->batch_capacity, before->sequence);
    batch->confirmed = before->confirmed;
    for (unsigned i = 0; i < before->ledger_count; i++) {
        struct ledger_entry entry = *ledger_at(before, i);
        const struct line *line = difference_line(difference, &lines->lines[entry.line]);
        if (line != NULL && difference_line_change(difference, line) != LINE_RECONNECTS) {
            entry.line = line->index;
            *ledger_at(batch, batch->ledger_count++) = entry;
        }
    }
    return batch;
}

void batch_drop(struct batch *batch)
{
    begin_next(batch);
    batch->ledger_count = 0;
    batch->confirmed = batch->sequence;
}
