/*
 * What a Sinaut line wants done: first what waits inside it, then what its groups of connections hand out.
 */
#include "line/sinaut_private.h"

static void link_state_changed(struct sinaut *line, struct line_now now, unsigned path,
                               const struct komet_group_output *from)
{
    static const enum connection_state states[] = {
        [KOMET_LINK_STOPPED] = CONNECTION_STOPPED,
        [KOMET_LINK_STARTING] = CONNECTION_STARTING,
        [KOMET_LINK_STARTED] = CONNECTION_STARTED,
        [KOMET_LINK_STOPPING] = CONNECTION_STOPPING,
    };
    if (from->state == KOMET_LINK_CLOSED) {
        return; /* the CLOSE output follows */
    }
    sinaut_set_state(line, path, states[from->state]);
    if (from->state == KOMET_LINK_STARTED) {
        partners_path_event(&line->partners, path, PATH_STARTS);
    } else if (from->old_state == KOMET_LINK_STARTED) {
        partners_path_event(&line->partners, path, PATH_STOPS);
        sinaut_commands_abandon(line, path, "data transfer was stopped");
    }
    sinaut_follow(line, now);
    KOMET_ASSERT(komet_group_carrier(line->partner[sinaut_partner_of(path)].group) ==
                 (sinaut_data_path(line, sinaut_partner_of(path)) == PARTNERS_NO_PATH
                      ? KOMET_GROUP_CONNECTIONS_MAX
                      : sinaut_network_of(sinaut_data_path(line, sinaut_partner_of(path)))));
    sinaut_work(line, now);
}

/* One output of a partner's group, octets apart. */
static void take_group_output(struct sinaut *line, struct line_now now, unsigned partner,
                              const struct komet_group_output *from)
{
    unsigned path = partner * PARTNERS_NETWORKS + from->connection;
    switch (from->kind) {
    case KOMET_GROUP_OUT_STATE:
        link_state_changed(line, now, path, from);
        return;
    case KOMET_GROUP_OUT_ASDU:
        line->counters.frames++;
        sinaut_receive(line, now, path, from);
        sinaut_follow(line, now);
        sinaut_work(line, now);
        return;
    case KOMET_GROUP_OUT_ACKNOWLEDGED:
        sinaut_outgoing_acknowledged(line, partner);
        sinaut_commands_acknowledged(line, path, from->acknowledged);
        sinaut_work(line, now);
        return;
    case KOMET_GROUP_OUT_SEND:
        KOMET_ASSERT_NEVER("SEND is taken by the caller");
    case KOMET_GROUP_OUT_CLOSE:
        sinaut_drop(line, now, path, from->reason, true);
        sinaut_work(line, now);
        return;
    }
    KOMET_ASSERT_NEVER("an unknown output of the group");
}

/* Notes and ends of commands. */
static bool take_words(struct sinaut *line, struct line_output *output)
{
    if (line->note_next < line->note_count) {
        output->kind = LINE_OUT_NOTE;
        output->text = line->notes[line->note_next++];
        return true;
    }
    line->note_next = line->note_count = 0;
    if (line->end_next < line->end_count) {
        const struct sinaut_end *end = &line->ends[line->end_next++];
        output->kind = LINE_OUT_COMMAND_END;
        output->id = end->id;
        output->result = end->result;
        output->text = end->reason;
        output->number = end->number;
        output->flags = end->flags;
        output->cause = end->cause;
        output->answered = end->answered;
        output->current = end->current;
        return true;
    }
    line->end_next = line->end_count = 0;
    return false;
}

/* What is to become of connections. */
static bool take_wish(struct sinaut *line, struct line_output *output)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        struct sinaut_path *own = &line->path[path];
        if (own->abort_wanted) {
            own->abort_wanted = false;
            output->kind = LINE_OUT_ABORT;
            output->connection = own->abort_connection;
            output->reason = own->abort_reason;
            return true;
        }
    }
    if (line->listen_end_wanted || line->listen_wanted) {
        output->kind = line->listen_end_wanted ? LINE_OUT_LISTEN_END : LINE_OUT_LISTEN;
        line->listen_wanted = line->listen_wanted && line->listen_end_wanted;
        line->listen_end_wanted = false;
        return true;
    }
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        struct sinaut_path *own = &line->path[path];
        if (own->connect_wanted) {
            own->connect_wanted = false;
            output->kind = LINE_OUT_CONNECT;
            output->connection = own->connection;
            output->address = sinaut_address_of(line, path);
            output->local = sinaut_local_of(line, path);
            return true;
        }
    }
    return false;
}

/* What waits inside the line itself, in the order in which the world should see it. */
static bool take_own_output(struct sinaut *line, struct line_output *output)
{
    *output = (struct line_output){.connection = line->connection};
    if (take_words(line, output)) {
        return true;
    }
    if (line->values_waiting) {
        line->values_waiting = false;
        output->kind = LINE_OUT_VALUES;
        output->connection = line->value_connection;
        output->values = line->values;
        output->count = line->value_count;
        output->frame = line->value_frame;
        return true;
    }
    if (take_wish(line, output)) {
        return true;
    }
    if (sinaut_names_next(line, output) || sinaut_pings_next(line, output)) {
        return true;
    }
    if (line->report_changed) {
        line->report_changed = false;
        output->kind = LINE_OUT_LINE;
        return true;
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->stations[i].changed) {
            line->stations[i].changed = false;
            output->kind = LINE_OUT_STATION;
            output->station = &line->line->stations[i];
            output->station_value = line->stations[i].value;
            return true;
        }
    }
    return sinaut_outgoing_taken(line, output);
}

/* All else that the groups want goes before octets: a caller that does not take those must not leave untaken
 * what came on another path. True when `output` was filled. */
static bool take_groups(struct sinaut *line, struct line_now now, struct line_output *output)
{
    for (unsigned partner = 0; partner < line->line->partner_count; partner++) {
        struct komet_group_output from;
        while (komet_group_next(line->partner[partner].group, now.instant, &from)) {
            if (from.kind == KOMET_GROUP_OUT_SEND) {
                continue; /* handed out by next_octets */
            }
            take_group_output(line, now, partner, &from);
            if (take_own_output(line, output)) {
                return true;
            }
        }
    }
    return false;
}

/* Octets of any path; those that the caller did not write are handed out again. */
static bool next_octets(struct sinaut *line, struct line_now now, struct line_output *output)
{
    for (unsigned partner = 0; partner < line->line->partner_count; partner++) {
        struct komet_group_output from;
        for (unsigned network = 0; network < PARTNERS_NETWORKS; network++) {
            komet_group_writable(line->partner[partner].group, network);
        }
        if (komet_group_next(line->partner[partner].group, now.instant, &from)) {
            unsigned path = partner * PARTNERS_NETWORKS + from.connection;
            KOMET_ASSERT(from.kind == KOMET_GROUP_OUT_SEND); /* all else was taken before */
            *output = (struct line_output){.kind = LINE_OUT_SEND,
                                           .connection = line->path[path].connection,
                                           .octets = from.octets,
                                           .size = from.size};
            return true;
        }
    }
    return false;
}

bool sinaut_next(struct line_engine *engine, struct line_now now, struct line_output *output)
{
    struct sinaut *line = (struct sinaut *)engine;
    return take_own_output(line, output) || take_groups(line, now, output) || next_octets(line, now, output);
}
