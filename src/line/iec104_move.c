/*
 * A line goes on under another site (RELOAD): its engine is made anew in other memory, and takes everything
 * over that the connection stands on. Whatever is known of stations and tags is found by the difference.
 */
#include <string.h>

#include "line/iec104_private.h"
#include "model/lay_out.h"

/* What the filters compare with; a value of the former site would mean another thing. */
static void move_last_values(struct iec104 *line, const struct iec104 *before,
                             const struct site_difference *difference)
{
    iec104_forget_values(line, 0, line->tag_count);
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        for (uint32_t k = 0; k < station->tag_count; k++) {
            const struct tag *tag = &station->tags[k];
            if (difference_tag_is_kept(difference, tag)) {
                const struct tag *was = difference_tag_was(difference, tag);
                line->last[tag->number - line->line->stations[0].first_tag] =
                    before->last[was->number - before->line->stations[0].first_tag];
            }
        }
    }
}

struct line_engine *iec104_move(void *memory, struct line_engine *before, const struct line *line,
                                const struct site_difference *difference, struct line_now now)
{
    struct iec104 *from = (struct iec104 *)before, *laid;
    KOMET_ASSERT(!from->values_waiting && !from->connect_wanted && !from->abort_wanted);
    iec104_lay_out(memory, line, &laid);
    struct value *last = laid->last;
    uint32_t tag_count = laid->tag_count;
    void *link_memory = laid->link_memory;
    memcpy(laid, from, sizeof *laid); /* the settings are the same, else it would reconnect */
    laid->line = line;
    laid->last = last;
    laid->tag_count = tag_count;
    laid->link_memory = link_memory;
    laid->unknown_count = 0; /* an address may have a tag now, or none any more */
    if (from->link != NULL) {
        laid->link = komet_link_move(laid->link_memory, komet_link_size(&laid->settings), from->link);
    }
    move_last_values(laid, from, difference);
    iec104_commands_move(laid, difference);
    iec104_stations_move(laid, now, from, difference);
    if (difference_line_change(difference, line) != LINE_SAME) {
        iec104_follow_modes(laid, now);
    }
    return &laid->engine;
}
