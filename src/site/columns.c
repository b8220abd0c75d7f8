/*
 * columns: an input tag with a `destination` takes not only its own address but those behind it, too: as many
 * as the column has rows. Each row is a tag: its type, unit and processing are those of the tag that has the
 * column, and so is its time (reference 1.3).
 */
#include <stdlib.h>
#include <string.h>

#include "site/reading.h"

#define ROWS_MAX 10000

bool column_parse(struct reading *reading, const char *text, struct tag *tag)
{
    const char *open = strchr(text, '(');
    char *end;
    if (open == NULL || open == text || strpbrk(text, "*?, []") != NULL) {
        return false;
    }
    unsigned long rows = strtoul(open + 1, &end, 10);
    if (end == open + 1 || strcmp(end, ")") != 0 || rows < 1 || rows > ROWS_MAX) {
        return false;
    }
    tag->column = arena_text(reading->arena, text, (size_t)(open - text));
    tag->column_rows = (uint32_t)rows;
    return true;
}

/* The sentence that says why a tag has no column; NULL: it may have one. */
static const char *fault_of(const struct station *station, const struct tag *tag)
{
    if (station->line->protocol != PROTOCOL_IEC104_SINAUT || tag_type_is_output(tag->type)) {
        return "an input of a Sinaut line may have one";
    }
    return tag->ioa + (tag->column_rows - 1) > 0xFFFFFF ? "the addresses of its rows are at most 16777215"
                                                        : NULL;
}

static uint32_t count_rows(struct reading *reading, struct station *station)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < station->tag_count; i++) {
        struct tag *tag = &station->tags[i];
        const char *fault = tag->column != NULL ? fault_of(station, tag) : NULL;
        if (fault != NULL) {
            reading_fault(reading, tag_place(tag), fault, "tag '%s' has a destination", tag->name);
            tag->column = NULL;
            tag->column_rows = 0;
        }
        rows += tag->column_rows;
    }
    return rows;
}

/* More room for a station's tags; who has noted one of them finds it there. */
static void move_tags(struct reading *reading, struct station *station, uint32_t more)
{
    struct tag *before = station->tags;
    station->tags = arena_take(reading->arena, (station->tag_count + more) * sizeof *station->tags);
    memcpy(station->tags, before, station->tag_count * sizeof *before);
    for (struct named_source *named = reading->sources; named != NULL; named = named->next) {
        if (named->tag >= before && named->tag < before + station->tag_count) {
            named->tag = station->tags + (named->tag - before);
        }
    }
}

static void add_rows(struct reading *reading, struct station *station, struct tag *master)
{
    master->first_row = &station->tags[station->tag_count];
    for (uint32_t i = 0; i < master->column_rows; i++) {
        struct tag *row = &station->tags[station->tag_count++];
        *row = *master;
        row->name = arena_format(reading->arena, "%s[%u]", master->column, i + 1);
        row->ioa += i;
        row->master = master;
        row->column = NULL;
        row->column_rows = 0;
        row->first_row = NULL;
    }
}

void columns_expand(struct reading *reading, struct station *station)
{
    uint32_t tags = station->tag_count, rows = count_rows(reading, station);
    if (rows == 0) {
        return;
    }
    move_tags(reading, station, rows);
    for (uint32_t i = 0; i < tags; i++) {
        if (station->tags[i].column != NULL) {
            add_rows(reading, station, &station->tags[i]);
        }
    }
}
