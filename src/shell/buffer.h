/*
 * buffer: an instance's own buffer (buffer_file.h) on a loop. The disk is worked by a thread of libuv's pool,
 * one thing after the other; whatever waits to be kept goes with one sync. Answers come on the loop, never
 * out of a call.
 */
#ifndef SHELL_BUFFER_H
#define SHELL_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "shell/buffer_file.h"
#include "wire/frame.h"

struct buffer; /* opaque */

struct buffer_events {
    /* All that was given up to `sequence` is on disk. */
    void (*kept)(void *context, uint64_t sequence);
    /* It could not be written, and why: what was given since the last `kept` is not there. */
    void (*failed)(void *context, const char *why);
    /* The answer to buffer_recall, borrowed for the call; NULL: there is nothing behind. */
    void (*recalled)(void *context, wire_message *message);
};

/* `folder`, `octets_max`, `fault`: as buffer_file_open, which it is. `events` and `context`: for its life. */
struct buffer *buffer_open(uv_loop_t *loop, const char *folder, uint64_t octets_max,
                           const struct buffer_events *events, void *context, char *fault);
/* Is something in it, from an earlier run? Right after buffer_open. */
bool buffer_waits(const struct buffer *buffer);
/* Keeps a batch; `sequence`: for `kept`. */
void buffer_keep(struct buffer *buffer, const wire_message *batch, uint64_t sequence);
/* Asks for the first batch behind number `after` of the buffer: it has the buffer's number, its own, and how
 * many values gave way. One question at a time. */
void buffer_recall(struct buffer *buffer, uint64_t after);
/* The server has all up to number `number` of the buffer. */
void buffer_forget(struct buffer *buffer, uint64_t number);
/* No event comes any more; it is freed on the loop when the disk is done. */
void buffer_close(struct buffer *buffer);

#endif
