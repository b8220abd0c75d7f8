/*
 * Without a server: lines that the site sets so are read on into the buffer on the instance's disk, and what
 * was kept goes to the server when it is back. Reference 4.1 (/KA, /KX).
 *
 * Only who acted reads on, under the epoch that it had: who was passive, and who starts without a server,
 * stays silent. Nothing but what TCP and the link need goes to a station meanwhile. The buffer is forwarded a
 * batch after the other, each when the one before it is on the server's disk.
 */
#include "kom/kom_private.h"

void kom_use_buffer(struct kom *kom, bool waits)
{
    kom->buffers = true;
    kom->buffer_waits = waits;
}

bool kom_is_alone(const struct kom *kom)
{
    return kom->alone;
}

static bool is_read_on(const struct kom *kom, uint16_t line)
{
    return kom->process->lines[line].without_server == WITHOUT_SERVER_BUFFER;
}

void kom_alone_begin(struct kom *kom, struct line_now now)
{
    KOMET_ASSERT(!kom->active);
    if (kom->alone || !kom->buffers || !kom->held || kom->leaving || kom->process == NULL) {
        return;
    }
    for (uint16_t i = 0; i < kom->process->line_count; i++) {
        if (is_read_on(kom, i) && line_read_only(kom->lines[i].engine, true)) {
            line_activate(kom->lines[i].engine, now);
            kom_absorb(kom, now, i);
            kom->alone = true;
        }
    }
    if (kom->alone) {
        kom_note(kom, "without a server: lines are read on into the buffer, under epoch %llu",
                 (unsigned long long)kom->epoch);
    }
}

void kom_alone_end(struct kom *kom, struct line_now now, enum komet_reason reason)
{
    kom->held = false;
    if (!kom->alone) {
        return;
    }
    kom->alone = false;
    for (uint16_t i = 0; i < kom->process->line_count; i++) {
        if (is_read_on(kom, i)) {
            line_deactivate(kom->lines[i].engine, now, reason);
            kom_absorb(kom, now, i);
            line_read_only(kom->lines[i].engine, false);
        }
    }
    batch_drop(kom->batch); /* what is not in the buffer yet the stations still hold */
    kom_note(kom, "lines are not read into the buffer any more: %s", komet_reason_sentence(reason));
}

bool kom_alone_next(struct kom *kom, struct kom_output *output)
{
    output->message = batch_flush_named(kom->batch, kom->epoch);
    if (output->message == NULL) {
        return false;
    }
    output->kind = KOM_OUT_KEEP;
    output->sequence = kom->batch_sequence = output->message->batch->sequence;
    return true;
}

void kom_kept(struct kom *kom, struct line_now now, uint64_t sequence)
{
    kom->buffer_waits = true;
    if (kom->alone) { /* else its frames were dropped with their connections */
        batch_stored(kom->batch, sequence);
        kom_acknowledge(kom, now);
    }
}

void kom_keep_failed(struct kom *kom, struct line_now now, const char *why)
{
    kom_note(kom, "the buffer cannot be written: %s", why);
    kom_alone_end(kom, now, KOMET_NOT_STORED);
}

/* ---- what was kept goes to the server ---- */

void kom_recalled(struct kom *kom, struct line_now now, wire_message *message)
{
    (void)now;
    KOMET_ASSERT(kom->recalling);
    kom->recalling = false;
    kom->recall = kom->welcome ? message : NULL; /* else it is asked for again */
    kom->buffer_waits = message != NULL;
}

bool kom_forward_next(struct kom *kom, struct kom_output *output)
{
    if (kom->forget != 0) {
        output->kind = KOM_OUT_FORGET;
        output->sequence = kom->forget;
        kom->forget = 0;
        return true;
    }
    if (kom->recall != NULL) {
        output->kind = KOM_OUT_MESSAGE;
        output->message = kom->recall;
        kom->forwarded = kom->recall->batch->sequence;
        kom->recall = NULL;
        return true;
    }
    if (kom->welcome && kom->buffer_waits && !kom->recalling && kom->forwarded == 0) {
        kom->recalling = true;
        output->kind = KOM_OUT_RECALL;
        output->sequence = kom->recall_after;
        return true;
    }
    return false;
}

void kom_forward_stored(struct kom *kom, uint64_t sequence)
{
    if (kom->forwarded == 0 || sequence != kom->forwarded) {
        return;
    }
    kom->forwarded = 0;
    kom->recall_after = kom->forget = sequence;
}

void kom_forward_lost(struct kom *kom)
{
    kom->recall = NULL;
    kom->forwarded = 0;
}
