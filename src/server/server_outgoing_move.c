/*
 * RELOAD: what masters are to have goes on under a changed site. Positions stay; an event of an output that
 * is gone is none any more. No instance is told anything until it has applied the site. Then each is told
 * anew from the beginning; a line that goes on knows what it has by the positions, and nothing is missing
 * behind that: also of what masters without a memory were about to be sent.
 */
#include <string.h>

#include "server/server_private.h"

static const struct outgoing *outgoing_was(const struct server *server, const struct server *before,
                                           const struct line *line)
{
    const struct line *was = difference_line_was(server->difference, line);
    for (uint32_t i = 0; was != NULL && i < before->outgoing_count; i++) {
        if (before->outgoing[i].line == was) {
            return &before->outgoing[i];
        }
    }
    return NULL;
}

/* The number of an output now, that had `number`; OUTGOING_TAG_GONE. */
static uint32_t number_now(const struct server *server, const struct outgoing *to,
                           const struct outgoing *from, uint32_t number)
{
    const struct tag *tag = number != OUTGOING_TAG_GONE ? from->line->process->tags[number] : NULL;
    const struct tag *now = tag != NULL ? difference_tag(server->difference, tag) : NULL;
    return now != NULL && now->station->line == to->line ? now->number : OUTGOING_TAG_GONE;
}

/* The newest of the ring, as far as the new one has room. */
static void move_events(const struct server *server, struct outgoing *to, const struct outgoing *from)
{
    uint64_t room = outgoing_capacity(to);
    to->end = from->end;
    to->first = from->end - from->first > room ? from->end - room : from->first;
    for (uint64_t position = to->first; position < to->end; position++) {
        struct out_entry *entry = outgoing_entry(to, position);
        *entry = *outgoing_entry(from, position);
        entry->tag = number_now(server, to, from, entry->tag);
    }
}

/* Who a receiver was: a group of masters is known by its addresses; a partner's system may have another name. */
static int receiver_was(const struct outgoing *to, const struct outgoing *from, unsigned receiver)
{
    int was = line_find_receiver(from->line, line_receiver_name(to->line, receiver));
    bool renamed = was < 0 && !line_is_server(to->line) && receiver < line_receivers(from->line) &&
                   line_find_receiver(to->line, line_receiver_name(from->line, receiver)) < 0;
    return renamed ? (int)receiver : was;
}

static void move_groups(struct outgoing *to, const struct outgoing *from)
{
    for (unsigned g = 0; g < line_receivers(to->line); g++) {
        int was = receiver_was(to, from, g);
        if (was >= 0) {
            memcpy(to->taken[g], from->taken[was], sizeof to->taken[g]);
            to->dirty[g] = from->dirty[was];
            to->lost[g] = from->lost[was];
            to->lost_until[g] = from->lost_until[was];
        }
    }
}

/* Nothing is read before Configured; how far it was read stays known. */
static void move_readers(struct outgoing *to, const struct outgoing *from)
{
    for (unsigned i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        const struct out_reader *reader = &from->readers[i];
        bool reads = reader->state == READER_VALUES || reader->state == READER_EVENTS;
        to->readers[i] =
            (struct out_reader){.state = READER_NONE, .resume = reads ? reader->next : reader->resume};
    }
}

void outgoing_move(struct server *server, const struct server *before)
{
    KOMET_ASSERT(before->follow.next == 0); /* drained */
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        struct outgoing *to = &server->outgoing[i];
        const struct outgoing *from = outgoing_was(server, before, to->line);
        if (from == NULL) {
            continue;
        }
        move_events(server, to, from);
        move_groups(to, from);
        move_readers(to, from);
        to->ticket = from->ticket;
        if (to->reported != NULL && from->reported != NULL) {
            memcpy(to->reported, from->reported, (ROLE_INSTANCE_MAX + 1) * sizeof *to->reported);
        }
    }
    outgoing_recovered(server); /* an output may follow another tag now */
}

void outgoing_configured(struct server *server, const struct process_state *process, uint8_t instance)
{
    for (uint32_t i = 0; i < server->outgoing_count; i++) {
        struct outgoing *outgoing = &server->outgoing[i];
        if (outgoing->line->process == process->process) {
            outgoing->readers[instance].state = READER_BEGINS;
        }
    }
}

void masters_move(struct server *server)
{
    for (unsigned i = 0; i < SERVER_MASTERS_MAX; i++) {
        struct master_order *master = &server->masters[i];
        if (master->token != 0) {
            KOMET_ASSERT(master->state != MASTER_RECORD); /* drained */
            master->tag = difference_tag(server->difference, master->tag);
        }
    }
}
