/*
 * The lines of a KOM: what happens to their connections, what they want done, and with connections: to be
 * closed first, then listened and opened. A connection that is given up before the shell was asked for it is
 * never asked for.
 */
#include <stdio.h>

#include "kom/kom_private.h"

/* ---- what they want done with connections ---- */

void kom_lines_connect(struct kom_line *line, uint32_t connection, const struct address *address,
                       const char *local)
{
    KOMET_ASSERT(line->connect_count < LINE_CONNECTIONS_MAX);
    line->connects[line->connect_count++] =
        (struct kom_wish){.connection = connection, .address = address, .local = local};
}

void kom_lines_ping(struct kom_line *line, uint32_t ping, const struct address *address, const char *local)
{
    if (line->ping_count < KOM_PINGS_MAX) {
        line->pings[line->ping_count++] =
            (struct kom_wish){.connection = ping, .address = address, .local = local};
    }
}

void kom_lines_find(struct kom_line *line, uint32_t find, const struct address *address)
{
    if (line->find_count < KOM_PINGS_MAX) {
        line->finds[line->find_count++] = (struct kom_wish){.connection = find, .address = address};
    }
}

static struct kom_wish take_wish(struct kom_wish *wishes, unsigned *count, unsigned at)
{
    struct kom_wish taken = wishes[at];
    (*count)--;
    for (unsigned i = at; i < *count; i++) {
        wishes[i] = wishes[i + 1];
    }
    return taken;
}

void kom_lines_abort(struct kom_line *line, uint32_t connection, enum komet_reason reason)
{
    for (unsigned i = 0; i < line->connect_count; i++) {
        if (line->connects[i].connection == connection) {
            take_wish(line->connects, &line->connect_count, i);
            return;
        }
    }
    KOMET_ASSERT(line->abort_count < LINE_CONNECTIONS_MAX);
    line->aborts[line->abort_count++] = (struct kom_wish){.connection = connection, .reason = reason};
}

bool kom_lines_next_abort(struct kom *kom, struct line_now now, struct kom_output *output)
{
    const struct index_set *waiting = &kom->marks.waiting;
    if (!kom->marks.aborts) {
        return false;
    }
    for (unsigned i = index_set_next(waiting, 0); i < waiting->count; i = index_set_next(waiting, i + 1)) {
        struct kom_line *line = &kom->lines[i];
        if (line->abort_count > 0) {
            struct kom_wish wish = take_wish(line->aborts, &line->abort_count, 0);
            output->kind = KOM_OUT_ABORT;
            output->line = (uint16_t)i;
            output->connection = wish.connection;
            output->reason = wish.reason;
            kom_trace_closed(kom, now, (uint16_t)i, wish.connection, wish.reason, true);
            return true;
        }
    }
    kom->marks.aborts = false;
    return false;
}

bool kom_lines_next(struct kom *kom, uint16_t index, struct kom_output *output)
{
    struct kom_line *line = &kom->lines[index];
    if (line->listen_end) {
        line->listen_end = false;
        output->kind = KOM_OUT_LISTEN_END;
        return true;
    }
    if (line->listen) {
        line->listen = false;
        output->kind = KOM_OUT_LISTEN;
        output->address = &kom->process->lines[index].listen;
        return true;
    }
    if (line->connect_count > 0) {
        struct kom_wish wish = take_wish(line->connects, &line->connect_count, 0);
        output->kind = KOM_OUT_CONNECT;
        output->connection = wish.connection;
        output->address = wish.address;
        output->local = wish.local;
        return true;
    }
    if (line->find_count > 0) {
        struct kom_wish wish = take_wish(line->finds, &line->find_count, 0);
        output->kind = KOM_OUT_FIND;
        output->find = wish.connection;
        output->address = wish.address;
        return true;
    }
    if (line->ping_count > 0) {
        struct kom_wish wish = take_wish(line->pings, &line->ping_count, 0);
        output->kind = KOM_OUT_PING;
        output->ping = wish.connection;
        output->address = wish.address;
        output->local = wish.local;
        return true;
    }
    return false;
}

/* ---- what they want done ---- */

static void absorb_output(struct kom *kom, struct line_now now, uint16_t line,
                          const struct line_output *output)
{
    struct kom_line *state = &kom->lines[line];
    switch (output->kind) {
    case LINE_OUT_LISTEN:
        state->listen = true;
        break;
    case LINE_OUT_LISTEN_END:
        state->listen_end = !state->listen; /* or it was never done */
        state->listen = false;
        break;
    case LINE_OUT_CONNECT:
        kom_lines_connect(state, output->connection, output->address, output->local);
        break;
    case LINE_OUT_FIND:
        kom_lines_find(state, output->find, output->address);
        break;
    case LINE_OUT_PING:
        kom_lines_ping(state, output->ping, output->address, output->local);
        break;
    case LINE_OUT_ABORT:
        kom_lines_abort(state, output->connection, output->reason);
        kom->marks.aborts = true;
        break;
    case LINE_OUT_VALUES:
        batch_add(kom->batch, line, output->connection, output->frame, output->values, output->count);
        kom->batch_epoch = kom->active ? kom->epoch : kom->batch_epoch;
        break;
    case LINE_OUT_LINE:
        index_set_add(&kom->marks.line_reports, line);
        break;
    case LINE_OUT_STATION:
        kom->stations[output->station->number] = output->station_value;
        index_set_add(&kom->marks.station_reports, output->station->number);
        break;
    case LINE_OUT_COMMAND_END: {
        KOMET_ASSERT(kom->end_count < KOM_COMMANDS_MAX && kom->open_commands > 0);
        kom->open_commands--;
        struct kom_end *end = &kom->ends[kom->end_count++];
        *end = (struct kom_end){.id = output->id,
                                .result = output->result,
                                .number = output->number,
                                .flags = output->flags,
                                .answered = output->answered,
                                .current = output->current,
                                .cause = output->cause};
        snprintf(end->reason, sizeof end->reason, "%s", output->text);
        break;
    }
    case LINE_OUT_MASTER:
        kom_give_master_command(kom, now, line, output->master);
        break;
    case LINE_OUT_TAKEN:
        kom_note_taken(kom, line, output->group, output->position);
        break;
    case LINE_OUT_NOTE:
        kom_note(kom, "%s", output->text);
        break;
    case LINE_OUT_SEND:
        KOMET_ASSERT_NEVER("octets are left in the line");
    }
}

static void wait_for_octets(struct kom *kom, uint16_t line)
{
    index_set_add(&kom->marks.waiting, line);
    kom->marks.deadlines[line] = KOMET_NEVER;
}

void kom_touch(struct kom *kom, uint16_t line)
{
    index_set_add(&kom->marks.touched, line);
    wait_for_octets(kom, line);
}

void kom_absorb(struct kom *kom, struct line_now now, uint16_t line)
{
    struct line_output output;
    while (line_next(kom->lines[line].engine, now, &output) && output.kind != LINE_OUT_SEND) {
        absorb_output(kom, now, line, &output);
    }
    wait_for_octets(kom, line);
}

/* ---- what happens to them ---- */

static bool has_line(const struct kom *kom, uint16_t line)
{
    return kom->process != NULL && line < kom->process->line_count;
}

void kom_line_connected(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection)
{
    KOMET_ASSERT(has_line(kom, line));
    kom_trace_opened(kom, now, line, connection);
    line_connected(kom->lines[line].engine, now, connection);
    kom_touch(kom, line);
}

void kom_line_listening(struct kom *kom, struct line_now now, uint16_t line, const char *fault)
{
    KOMET_ASSERT(has_line(kom, line));
    line_listening(kom->lines[line].engine, now, fault);
    kom_touch(kom, line);
}

uint32_t kom_line_accepted(struct kom *kom, struct line_now now, uint16_t line,
                           const struct network_address *peer, uint16_t port)
{
    KOMET_ASSERT(has_line(kom, line));
    kom_watch_lease(kom, now);
    uint32_t connection = line_accepted(kom->lines[line].engine, now, peer, port);
    if (connection != 0) {
        kom_trace_opened(kom, now, line, connection);
    }
    kom_touch(kom, line);
    return connection;
}

void kom_line_closed(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                     enum komet_reason reason)
{
    KOMET_ASSERT(has_line(kom, line));
    kom_trace_closed(kom, now, line, connection, reason, false);
    line_closed(kom->lines[line].engine, now, connection, reason);
    kom_touch(kom, line);
}

void kom_line_pinged(struct kom *kom, struct line_now now, uint16_t line, uint32_t ping, bool answered)
{
    KOMET_ASSERT(has_line(kom, line));
    line_pinged(kom->lines[line].engine, now, ping, answered);
    kom_touch(kom, line);
}

void kom_line_found(struct kom *kom, struct line_now now, uint16_t line, uint32_t find,
                    const struct network_address *addresses, unsigned count)
{
    KOMET_ASSERT(has_line(kom, line));
    line_found(kom->lines[line].engine, now, find, addresses, count);
    kom_touch(kom, line);
}

bool kom_takes(const struct kom *kom)
{
    return kom->batch != NULL && batch_has_room(kom->batch) &&
           (!kom->alone || batch_count(kom->batch) < KOM_KEPT_VALUES_MAX);
}

size_t kom_line_feed(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                     const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(has_line(kom, line));
    size_t taken = 0;
    kom_watch_lease(kom, now);
    kom_absorb(kom, now, line);
    while (taken < size && kom_takes(kom)) {
        taken += line_feed(kom->lines[line].engine, now, connection, octets + taken, size - taken);
        kom_absorb(kom, now, line);
    }
    kom_trace_received(kom, now, line, connection, octets, taken);
    return taken;
}

void kom_line_written(struct kom *kom, uint16_t line, uint32_t connection, size_t size)
{
    KOMET_ASSERT(has_line(kom, line));
    kom_trace_written(kom, line, connection, size);
    line_written(kom->lines[line].engine, connection, size);
    kom_touch(kom, line);
}
