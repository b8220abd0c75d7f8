/*
 * A line that listens goes on under another site (RELOAD): its engine is made anew in other memory, and takes
 * everything over that its masters' connections stand on. Points, events and commands are found by the
 * difference.
 *
 * Afterwards the server tells it anew what masters are to have. The line keeps what it has, and knows by
 * their positions which events are new to it (server104_events.c).
 */
#include <stddef.h>
#include <string.h>

#include "line/server104_private.h"

/* A former tag of the line as it is now; NULL: it is none of the line's any more. */
static const struct tag *tag_now(const struct server104 *line, const struct tag *was,
                                 const struct site_difference *difference)
{
    const struct tag *now = was != NULL ? difference_tag(difference, was) : NULL; /* it was none before */
    return now != NULL && now->station->line == line->line ? now : NULL;
}

/* What masters know of a tag still holds. */
static bool is_kept(const struct tag *now, const struct site_difference *difference)
{
    return difference_tag_is_kept(difference, now) &&
           difference_tag_was(difference, now)->station->ca == now->station->ca;
}

/* A command to what the tag was goes to what it is. */
static bool is_same_point(const struct tag *was, const struct tag *now)
{
    return now != NULL && now->asdu == was->asdu && now->ioa == was->ioa &&
           now->station->ca == was->station->ca && !now->ignored;
}

static uint32_t index_of(const struct server104 *line, const struct tag *tag)
{
    return tag->number - line->first_tag;
}

/* ---- commands ---- */

/* Whoever waits for the end of a command to a tag that is gone, or is at another address, is told that it
 * failed. */
static void end_commands(struct server104 *from, const struct server104 *to,
                         const struct site_difference *difference, struct line_now now)
{
    for (unsigned i = 0; i < SERVER104_COMMANDS_MAX; i++) {
        struct server104_command *command = &from->commands[i];
        if (command->id != 0 && !is_same_point(command->tag, tag_now(to, command->tag, difference))) {
            server104_master_answer(&from->engine, now, command->id, COMMAND_UNKNOWN, 0);
        }
    }
}

/* Selections of such a tag are none any more. */
static void forget_selections(struct server104 *from, const struct server104 *to,
                              const struct site_difference *difference)
{
    for (uint32_t i = 0; i < from->point_count; i++) {
        const struct tag *was = from->tags[i];
        bool goes = !tag_type_is_output(was->type) && !is_same_point(was, tag_now(to, was, difference));
        for (unsigned g = 0; goes && g < from->group_count; g++) {
            komet_station_forget_point(from->groups[g].station, i);
        }
    }
}

static void move_commands(struct server104 *line, const struct site_difference *difference)
{
    for (unsigned i = 0; i < SERVER104_COMMANDS_MAX; i++) {
        if (line->commands[i].id != 0) {
            line->commands[i].tag = difference_tag(difference, line->commands[i].tag);
        }
    }
}

/* ---- values and events ---- */

/* The values of the points, and what the filters of commands compare with. */
static void move_values(struct server104 *line, const struct server104 *from,
                        const struct site_difference *difference)
{
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->last[i] = value_unknown();
    }
    for (uint32_t i = 0; i < line->point_count; i++) {
        const struct tag *tag = line->tags[i];
        if (is_kept(tag, difference)) {
            const struct tag *was = difference_tag_was(difference, tag);
            uint32_t to = index_of(line, tag), at = index_of(from, was);
            line->points[i].object = from->points[from->point_of[at]].object;
            line->last[to] = from->last[at];
        } else if (tag_type_is_output(tag->type) && line->ready) {
            line->station_lacks[tag->station - line->line->stations] = true;
            line->lacks_values = true;
        }
    }
}

/* ---- stations and groups ---- */

static void move_stations(struct server104 *line, const struct server104 *from,
                          const struct site_difference *difference)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *was = difference_station_was(difference, &line->line->stations[i]);
        if (was != NULL && was->line == from->line) {
            size_t at = (size_t)(was - from->line->stations);
            line->modes[i] = from->modes[at];
            line->station_values[i] = from->station_values[at];
            line->station_lacks[i] = line->station_lacks[i] || from->station_lacks[at];
        } else {
            line->station_changed[i] = line->active;
        }
    }
}

static void move_groups(struct server104 *line)
{
    for (unsigned i = 0; i < line->group_count; i++) {
        struct server104_group *group = &line->groups[i];
        struct outgoing_receiver receiver = line->receivers[i];
        outgoing_receiver_move(&receiver, &group->receiver);
        group->receiver = receiver;
        group->group =
            komet_group_move(line->group_memory[i], komet_group_size(&line->group_settings), group->group);
        group->station =
            komet_station_move(line->station_memory[i], komet_station_size(&line->station_settings),
                               group->station, &line->station_settings);
    }
}

struct line_engine *server104_move(void *memory, struct line_engine *before, const struct line *line,
                                   const struct site_difference *difference, struct line_now now)
{
    struct server104 *from = (struct server104 *)before, *laid = server104_lay_out(memory, line);
    KOMET_ASSERT(laid->group_count == from->group_count); /* else it would reconnect */
    KOMET_ASSERT(!from->master_waits && from->abort_count == 0 && !from->listen_wanted &&
                 !from->listen_end_wanted);
    if (from->active) {
        end_commands(from, laid, difference, now);
        forget_selections(from, laid, difference);
    }
    memcpy(laid, from, offsetof(struct server104, line));
    laid->resumes = laid->ready;
    move_values(laid, from, difference);
    if (laid->ready) { /* else it is told from the beginning, then it listens */
        outgoing_ring_move(&laid->ring, &from->ring, line, difference);
    }
    move_commands(laid, difference);
    move_stations(laid, from, difference);
    if (laid->active) { /* else they begin with its grant */
        move_groups(laid);
        server104_follow_modes(laid, now);
    }
    return &laid->engine;
}
