/*
 * A Sinaut line goes on under another site (RELOAD): its engine is made anew in other memory, and takes
 * everything over that its connections stand on. Whatever is known of stations and tags is found by the
 * difference.
 */
#include <string.h>

#include "line/sinaut_private.h"

/* A former tag of the line as it is now; NULL: it is none of the line's any more. */
static const struct tag *tag_now(const struct sinaut *line, const struct tag *was,
                                 const struct site_difference *difference)
{
    const struct tag *now = difference_tag(difference, was);
    return now != NULL && now->station->line == line->line ? now : NULL;
}

static uint32_t index_of(const struct line *line, const struct tag *tag)
{
    return tag->number - line->stations[0].first_tag;
}

/* What the filters compare with, and what outputs have, as far as their types say it still. True when an
 * output has nothing yet that another tag has. */
static bool move_values(struct sinaut *line, struct line_now now, const struct sinaut *from,
                        const struct site_difference *difference)
{
    bool lacks = false;
    sinaut_forget_values(line, 0, line->tag_count);
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->current[i] = value_unknown();
    }
    for (unsigned s = 0; s < line->line->station_count; s++) {
        const struct station *station = &line->line->stations[s];
        for (uint32_t k = 0; k < station->tag_count; k++) {
            const struct tag *tag = &station->tags[k], *was = difference_tag_was(difference, tag);
            bool sends = tag_sends_value(tag);
            lacks = lacks || (sends && tag->source != NULL && !difference_tag_is_kept(difference, tag));
            if (was == NULL || was->station->line != from->line) {
                continue;
            }
            uint32_t to = index_of(line->line, tag), at = index_of(from->line, was);
            if (difference_tag_is_kept(difference, tag)) {
                line->last[to] = from->last[at];
            }
            if (sends && (tag->source == NULL || difference_tag_is_kept(difference, tag))) {
                sinaut_outgoing_keep(line, now, tag, &from->current[at]);
            }
        }
    }
    return lacks;
}

/* Interrogations that are being answered go on at the first tag that was not sent yet, of those that are
 * left: none of them is missing. */
static void move_questions(struct sinaut *line, const struct sinaut *from,
                           const struct site_difference *difference, struct sinaut_partner *partner)
{
    for (unsigned q = 0; q < partner->question_count; q++) {
        struct sinaut_question *question = &partner->questions[q];
        uint32_t next = line->tag_count, first = 0;
        for (unsigned s = 0; s < from->line->station_count; s++) {
            const struct station *was = &from->line->stations[s];
            uint32_t k = question->next > first ? question->next - first : 0;
            for (; k < was->tag_count; k++) {
                const struct tag *now = tag_now(line, &was->tags[k], difference);
                uint32_t at = now != NULL ? index_of(line->line, now) : next;
                next = at < next ? at : next;
            }
            first += was->tag_count;
        }
        question->next = next;
    }
}

/* All pieces of `from` are in `laid`, but for what lies at other places now. */
static struct sinaut *take_over(void *memory, const struct line *line, struct sinaut *from)
{
    struct sinaut *laid;
    sinaut_lay_out(memory, line, &laid);
    struct value *last = laid->last, *current = laid->current;
    struct komet_group *group[PARTNERS_MAX];
    struct outgoing_receiver receiver[PARTNERS_MAX];
    struct outgoing_ring ring = laid->ring;
    uint32_t tag_count = laid->tag_count;
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        group[p] = laid->partner[p].group;
        receiver[p] = laid->partner[p].receiver;
    }
    memcpy(laid, from, sizeof *laid); /* the settings are the same, else it would reconnect */
    laid->line = line;
    laid->last = last;
    laid->current = current;
    laid->ring = ring;
    laid->tag_count = tag_count;
    laid->unknown_count = 0; /* an address may have a tag now, or none any more */
    for (unsigned p = 0; p < line->partner_count; p++) {
        laid->partner[p].group =
            komet_group_move(group[p], komet_group_size(&laid->settings), from->partner[p].group);
        outgoing_receiver_move(&receiver[p], &from->partner[p].receiver);
        laid->partner[p].receiver = receiver[p];
    }
    return laid;
}

/* Pings that are under way are answered for the former site: nobody is dead for that. */
static void forget_pings(struct sinaut *line)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        line->path[path].ping_awaited = false;
    }
}

/* The shell was told of all that was wanted of connections. */
static bool is_drained(const struct sinaut *line)
{
    bool wanted = line->values_waiting || line->listen_wanted || line->listen_end_wanted;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        wanted = wanted || line->path[path].connect_wanted || line->path[path].abort_wanted;
    }
    return !wanted;
}

struct line_engine *sinaut_move(void *memory, struct line_engine *before, const struct line *line,
                                const struct site_difference *difference, struct line_now now)
{
    struct sinaut *from = (struct sinaut *)before;
    KOMET_ASSERT(is_drained(from));
    struct sinaut *laid = take_over(memory, line, from);
    outgoing_ring_move(&laid->ring, &from->ring, line, difference);
    forget_pings(laid);
    laid->resume = laid->told || laid->resume != RESUME_NOT ? RESUME_AWAITED : RESUME_NOT;
    if (move_values(laid, now, from, difference)) {
        laid->told = false; /* who asks waits for it */
    }
    for (unsigned p = 0; p < line->partner_count; p++) {
        move_questions(laid, from, difference, &laid->partner[p]);
    }
    sinaut_commands_move(laid, difference);
    sinaut_stations_move(laid, now, from, difference);
    if (difference_line_change(difference, line) != LINE_SAME && (laid->active || laid->stands_by)) {
        sinaut_follow_modes(laid, now);
    }
    return &laid->engine;
}
