/*
 * batch: values on their way to the server, in columns, and the ledger of frames that may be acknowledged
 * when the server says that they are stored.
 *
 * Values are collected until the KOM's turn of the loop ends, then sent as one message. A frame without
 * values waits for the batches before it, so that a line's frames are acknowledged in order.
 */
#ifndef KOM_BATCH_H
#define KOM_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line/line.h"
#include "wire/frame.h"

struct batch; /* opaque; lives in the caller's memory */

/* `line_count`: lines of the process; `connections`: that one of them has at a time, at most; `values`: of
 * one batch at most; `batches`: not confirmed at most; `sequence`: number of the last batch of this run, 0
 * none: they go on, else the server would take a new batch for one that it has. */
size_t batch_size(unsigned line_count, unsigned connections, unsigned values, unsigned batches);
struct batch *batch_init(void *memory, size_t size, unsigned line_count, unsigned connections,
                         unsigned values, unsigned batches, uint64_t sequence);

/* RELOAD: lines have other numbers in `after`. What `before` has, of which all was flushed, goes on in
 * `memory` (sized by batch_size for the lines of `after`, and as many values and batches); of lines that are
 * gone or opened anew nothing is acknowledged any more. `before` and its memory are free afterwards. */
struct batch *batch_move(void *memory, size_t size, unsigned connections, const struct batch *before,
                         const struct process *lines, const struct process *after,
                         const struct site_difference *difference);

/* True when one more frame fits, of up to 254 values. */
bool batch_has_room(const struct batch *batch);
/* How many values were collected. */
unsigned batch_count(const struct batch *batch);
/* A line handed out what a frame brought; `count` may be 0. batch_has_room is the caller's to ask. */
void batch_add(struct batch *batch, uint16_t line, uint32_t connection, uint64_t frame,
               const struct line_value *values, unsigned count);
/* The message of what was collected, under `epoch`; NULL when there is nothing to send. Borrowed until the
 * next call; its sequence number is given. */
wire_message *batch_flush(struct batch *batch, uint64_t epoch);
/* The same for the instance's own buffer: with the names of tags, which are still known after the site has
 * changed. What the buffer has to add (kom/kom.h, KOM_OUT_KEEP) is left out. */
wire_message *batch_flush_named(struct batch *batch, uint64_t epoch);
/* The server has everything up to `sequence` on disk. */
void batch_stored(struct batch *batch, uint64_t sequence);
/* Frames that may be acknowledged now, one line after the other; false when there is none. */
bool batch_next_stored(struct batch *batch, uint16_t *line, uint32_t *connection, uint64_t *frame);
/* All that was collected or not confirmed is dropped: the partners still hold these frames. The numbers of
 * batches go on. */
void batch_drop(struct batch *batch);

#endif
