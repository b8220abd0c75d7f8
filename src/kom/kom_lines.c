/*
 * What the lines want done with connections: to be closed first, then listened and opened. A connection that
 * is given up before the shell was asked for it is never asked for.
 */
#include "kom/kom_private.h"

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
    for (uint16_t i = 0; kom->process != NULL && i < kom->process->line_count; i++) {
        struct kom_line *line = &kom->lines[i];
        if (line->abort_count > 0) {
            struct kom_wish wish = take_wish(line->aborts, &line->abort_count, 0);
            output->kind = KOM_OUT_ABORT;
            output->line = i;
            output->connection = wish.connection;
            output->reason = wish.reason;
            kom_trace_closed(kom, now, i, wish.connection, wish.reason, true);
            return true;
        }
    }
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
