/*
 * sim_plan_replay: the list of timed events that a station file may name. See sim_plan.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "program/sim_plan_private.h"

static const struct site_file *find_file(struct sim_parser *parser, const char *name)
{
    struct site_arena *arena = parser->reading.arena;
    for (size_t i = 0; i < parser->reading.file_count; i++) {
        if (strcmp(parser->reading.files[i].name, name) == 0) {
            return &parser->reading.files[i];
        }
    }
    struct site_file *file = arena_take(arena, sizeof *file);
    bool beside = name[0] != '/' && parser->folder != NULL && strcmp(parser->folder, ".") != 0;
    file->name = beside ? arena_format(arena, "%s/%s", parser->folder, name) : name;
    errno = ENOENT;
    if (parser->folder != NULL) {
        file->text = file_text_read(arena, file->name, SIM_FILE_MAX, &file->size);
    }
    if (file->text == NULL) {
        reading_fault(&parser->reading, parser->replay_place, "", "%s: %s", file->name, strerror(errno));
        return NULL;
    }
    return file;
}

/* One row "time_ms,ioa,value"; false when it is none. */
static bool read_timed(const char *row, double speed, struct rtu_timed *timed)
{
    char *end;
    double time_ms = strtod(row, &end);
    if (end == row || *end != ',' || !(time_ms >= 0) || time_ms > 1e12) {
        return false;
    }
    row = end + 1;
    unsigned long ioa = strtoul(row, &end, 10);
    if (end == row || *end != ',' || ioa > 0xFFFFFF) {
        return false;
    }
    row = end + 1;
    timed->number = strtod(row, &end);
    timed->time_us = (int64_t)(time_ms * 1000 / speed);
    timed->ioa = (uint32_t)ioa;
    return end != row && *end == '\0' && isfinite(timed->number);
}

static bool is_event_point(const struct sim_parser *parser, uint32_t ioa)
{
    for (size_t i = 0; i < parser->plan.point_count; i++) {
        const struct rtu_point *point = &parser->points[i];
        if (ioa >= point->ioa && ioa - point->ioa < point->count) {
            return point->every_us == 0 && point->type < KOMET_C_SC_NA_1;
        }
    }
    return false;
}

static void read_timed_row(struct sim_parser *parser, struct place place, const char *row,
                           struct rtu_timed *list)
{
    size_t *count = &parser->plan.replay_count;
    struct rtu_timed *timed = &list[*count];
    if (row[0] == '\0' || row[0] == '#') {
        return;
    }
    if (!read_timed(row, parser->speed, timed)) {
        reading_fault(&parser->reading, place, "such as 1500,1001,1: ms since the start, address, value",
                      "'%.60s' is no timed event", row);
    } else if (!is_event_point(parser, timed->ioa)) {
        reading_fault(&parser->reading, place, "an address of `points`, of a spontaneous point",
                      "address %u has no events", timed->ioa);
    } else if (*count > 0 && timed->time_us < list[*count - 1].time_us) {
        reading_fault(&parser->reading, place, "sort the rows by time_ms", "the time goes back");
    } else {
        (*count)++;
    }
}

/* The line that begins at `*at`, without its end; moves `*at` behind it. */
static const char *next_line(struct site_arena *arena, const struct site_file *file, size_t *at)
{
    const char *begin = file->text + *at;
    size_t left = file->size - *at;
    const char *end = left == 0 ? NULL : memchr(begin, '\n', left);
    size_t size = end != NULL ? (size_t)(end - begin) : left;
    *at += end != NULL ? size + 1 : size;
    if (size > 0 && begin[size - 1] == '\r') {
        size--;
    }
    return arena_text(arena, begin, size);
}

void sim_plan_read_replay(struct sim_parser *parser)
{
    const struct site_file *file = parser->replay == NULL ? NULL : find_file(parser, parser->replay);
    size_t rows = 1, at = 0;
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < file->size; i++) {
        rows += file->text[i] == '\n' ? 1 : 0;
    }
    struct rtu_timed *list = arena_take(parser->reading.arena, (rows + 1) * sizeof *list);
    struct place place = {file->name, 1, 1};
    if (strcmp(next_line(parser->reading.arena, file, &at), "time_ms,ioa,value") != 0) {
        reading_fault(&parser->reading, place, "time_ms,ioa,value", "the first row names the columns");
    }
    for (place.line = 2; at < file->size; place.line++) {
        read_timed_row(parser, place, next_line(parser->reading.arena, file, &at), list);
    }
    parser->plan.replay = list;
}
