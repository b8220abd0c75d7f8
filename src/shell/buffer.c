/*
 * buffer: see buffer.h. The file belongs to the thread while `busy`, else to the loop.
 */
#include "shell/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kom/kom.h"
#include "komet/assert.h"
#include "shell/log.h"

#define ARENA_SIZE (16u << 20) /* pages that are never touched cost nothing */

/* Batches that wait to be kept: octets one behind the other. */
struct waiting {
    uint8_t *octets;
    size_t size, capacity;
    struct {
        size_t size;
        uint64_t values;
    } records[KOM_BATCHES_MAX];
    unsigned count;
    uint64_t sequence; /* of the last */
};

enum work { WORK_KEEP, WORK_FORGET, WORK_RECALL };

struct buffer {
    uv_work_t request;
    uv_loop_t *loop;
    const struct buffer_events *events;
    void *context;
    struct buffer_file *file;
    bool shut; /* after an error it could not be opened again */
    bool busy, closing;
    enum work work; /* while busy */
    struct waiting waiting, taken;
    uint64_t forget, forgets; /* 0: nothing; what the thread is given */
    bool recall;
    uint64_t recall_after;
    bool failed;
    char fault[BUFFER_FAULT_SIZE];
    const uint8_t *found; /* by the thread */
    uint64_t found_number;
    size_t found_size;
    uint64_t dropped_told;
    struct wire_arena arena;
};

static void start(struct buffer *buffer);

/* ---- in the thread ---- */

static void open_again(struct buffer *buffer, char *fault)
{
    buffer->shut = !buffer_file_open_again(buffer->file, fault);
}

static bool write_taken(struct buffer *buffer)
{
    const struct waiting *taken = &buffer->taken;
    size_t at = 0;
    if (buffer->shut) {
        open_again(buffer, buffer->fault);
    }
    if (buffer->shut) {
        return false;
    }
    for (unsigned i = 0; i < taken->count; i++) {
        if (!buffer_file_append(buffer->file, taken->octets + at, taken->records[i].size,
                                taken->records[i].values, buffer->fault)) {
            return false;
        }
        at += taken->records[i].size;
    }
    return buffer_file_sync(buffer->file, buffer->fault);
}

static void work(uv_work_t *request)
{
    struct buffer *buffer = request->data;
    char fault[BUFFER_FAULT_SIZE];
    switch (buffer->work) {
    case WORK_KEEP:
        buffer->failed = !write_taken(buffer);
        if (buffer->failed) { /* so that what was kept before can be read */
            open_again(buffer, fault);
        }
        break;
    case WORK_FORGET:
        buffer_file_forget(buffer->file, buffer->forgets);
        break;
    case WORK_RECALL:
        if (buffer->shut) {
            open_again(buffer, fault);
        }
        buffer->found =
            buffer_file_read(buffer->file, buffer->recall_after, &buffer->found_number, &buffer->found_size);
        break;
    }
}

/* ---- on the loop ---- */

static void free_buffer(struct buffer *buffer)
{
    if (buffer->file != NULL) {
        buffer_file_close(buffer->file);
    }
    free(buffer->waiting.octets);
    free(buffer->taken.octets);
    free(buffer->arena.memory);
    free(buffer);
}

static void tell_dropped(struct buffer *buffer)
{
    uint64_t dropped = buffer_file_book(buffer->file)->dropped;
    if (dropped > 0 && buffer->dropped_told == 0) {
        log_warning("the buffer is full: its oldest values make room for newer ones");
    }
    buffer->dropped_told = dropped;
}

static void tell_kept(struct buffer *buffer)
{
    uint64_t sequence = buffer->taken.sequence;
    buffer->taken.size = buffer->taken.count = 0;
    tell_dropped(buffer);
    if (buffer->failed) {
        buffer->waiting.size = buffer->waiting.count = 0;
        buffer->events->failed(buffer->context, buffer->fault);
    } else {
        buffer->events->kept(buffer->context, sequence);
    }
}

/* What was read becomes the message that goes to the server. */
static wire_message *found_message(struct buffer *buffer)
{
    wire_message *message;
    size_t consumed;
    if (buffer->found == NULL) {
        return NULL;
    }
    if (wire_decode(buffer->found, buffer->found_size, &buffer->arena, &message, &consumed) != WIRE_OK ||
        consumed == 0 || message->body_case != KOMET__WIRE__MESSAGE__BODY_BATCH) {
        return NULL;
    }
    message->batch->buffer = buffer_file_number(buffer->file);
    message->batch->sequence = buffer->found_number;
    message->batch->dropped = buffer_file_book(buffer->file)->dropped;
    return message;
}

static void tell_recalled(struct buffer *buffer)
{
    wire_message *message = found_message(buffer);
    if (message == NULL && buffer->found != NULL) {
        log_warning("record %llu of the buffer is no batch of this version; it is left out",
                    (unsigned long long)buffer->found_number);
        buffer->recall = true; /* the one behind it */
        buffer->recall_after = buffer->found_number;
        return;
    }
    buffer->events->recalled(buffer->context, message);
}

static void worked(uv_work_t *request, int status)
{
    struct buffer *buffer = request->data;
    (void)status;
    buffer->busy = false;
    if (buffer->closing) {
        free_buffer(buffer);
        return;
    }
    if (buffer->work == WORK_KEEP) {
        tell_kept(buffer);
    } else if (buffer->work == WORK_RECALL) {
        tell_recalled(buffer);
    }
    start(buffer);
}

static void give(struct buffer *buffer, enum work what)
{
    buffer->work = what;
    buffer->busy = true;
    int failed = uv_queue_work(buffer->loop, &buffer->request, work, worked);
    KOMET_ASSERT(failed == 0);
}

static void start(struct buffer *buffer)
{
    if (buffer->busy) {
        return;
    }
    if (buffer->waiting.count > 0) {
        struct waiting taken = buffer->waiting;
        buffer->waiting = buffer->taken;
        buffer->taken = taken;
        give(buffer, WORK_KEEP);
    } else if (buffer->forget != 0) {
        buffer->forgets = buffer->forget;
        buffer->forget = 0;
        give(buffer, WORK_FORGET);
    } else if (buffer->recall) {
        buffer->recall = false;
        give(buffer, WORK_RECALL);
    }
}

struct buffer *buffer_open(uv_loop_t *loop, const char *folder, uint64_t octets_max,
                           const struct buffer_events *events, void *context, char *fault)
{
    struct buffer *buffer = calloc(1, sizeof *buffer);
    KOMET_ASSERT(buffer != NULL);
    buffer->request.data = buffer;
    buffer->loop = loop;
    buffer->events = events;
    buffer->context = context;
    buffer->arena = (struct wire_arena){malloc(ARENA_SIZE), ARENA_SIZE, 0};
    KOMET_ASSERT(buffer->arena.memory != NULL);
    buffer->file = buffer_file_open(folder, octets_max, fault);
    if (buffer->file == NULL) {
        free_buffer(buffer);
        return NULL;
    }
    return buffer;
}

bool buffer_waits(const struct buffer *buffer)
{
    return buffer_file_book(buffer->file)->count > 0;
}

void buffer_keep(struct buffer *buffer, const wire_message *batch, uint64_t sequence)
{
    struct waiting *waiting = &buffer->waiting;
    size_t size = wire_encoded_size(batch);
    KOMET_ASSERT(waiting->count < KOM_BATCHES_MAX); /* the engine has no more under way */
    if (waiting->size + size > waiting->capacity) {
        waiting->capacity = (waiting->size + size) * 2;
        waiting->octets = realloc(waiting->octets, waiting->capacity);
        KOMET_ASSERT(waiting->octets != NULL);
    }
    size_t written = wire_encode(batch, waiting->octets + waiting->size, size);
    KOMET_ASSERT(written == size);
    waiting->records[waiting->count].size = size;
    waiting->records[waiting->count++].values = batch->batch->n_tag;
    waiting->size += size;
    waiting->sequence = sequence;
    start(buffer);
}

void buffer_recall(struct buffer *buffer, uint64_t after)
{
    buffer->recall = true;
    buffer->recall_after = after;
    start(buffer);
}

void buffer_forget(struct buffer *buffer, uint64_t number)
{
    buffer->forget = number;
    start(buffer);
}

void buffer_close(struct buffer *buffer)
{
    buffer->closing = true;
    if (!buffer->busy) {
        free_buffer(buffer);
    }
}
