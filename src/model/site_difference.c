/*
 * site_difference: see site_difference.h.
 *
 * Each kind of thing has two arrays of numbers in the site: what each of `before` is now, and what each of
 * `after` was. Tags are matched by walking both sites' tags in the order of their names; of lines and
 * stations the one behind the last match is looked at first, since most sites keep their order.
 */
#include "model/site_difference.h"

#include "komet/assert.h"
#include "model/lay_out.h"
#include "model/site_compare.h"

enum kind { KIND_PROCESS, KIND_LINE, KIND_STATION, KIND_TAG, KIND_COUNT };

/* One of the two sites, as lists of its things. */
struct side {
    const struct site *site;
    uint32_t count[KIND_COUNT];
    uint32_t *other[KIND_COUNT];          /* number in the other site; DIFFERENCE_GONE */
    uint32_t *first_line, *first_station; /* of each process */
    const struct line **lines;
    const struct station **stations;
};

struct site_difference {
    struct side before, after;
    uint8_t *line_changes, *station_changes; /* by number in after */
    uint32_t changed[KIND_COUNT];
};

static void count_things(struct side *side, const struct site *site)
{
    *side = (struct side){.site = site};
    side->count[KIND_PROCESS] = site->process_count;
    side->count[KIND_TAG] = site->tag_count;
    for (unsigned p = 0; p < site->process_count; p++) {
        side->count[KIND_LINE] += site->processes[p].line_count;
        side->count[KIND_STATION] += site->processes[p].station_count;
    }
}

static void lay_out_side(struct side *side, uint8_t *memory, size_t *used)
{
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        side->other[kind] = lay_out_take(memory, used, side->count[kind] * sizeof(uint32_t));
    }
    side->first_line = lay_out_take(memory, used, side->site->process_count * sizeof(uint32_t));
    side->first_station = lay_out_take(memory, used, side->site->process_count * sizeof(uint32_t));
    side->lines = lay_out_take(memory, used, side->count[KIND_LINE] * sizeof(struct line *));
    side->stations = lay_out_take(memory, used, side->count[KIND_STATION] * sizeof(struct station *));
}

/* One walk over everything, for the size (`memory` NULL) and for the making. */
static size_t lay_out(uint8_t *memory, struct site_difference *difference, const struct site *before,
                      const struct site *after)
{
    size_t used = 0;
    lay_out_take(memory, &used, sizeof(struct site_difference));
    count_things(&difference->before, before);
    count_things(&difference->after, after);
    lay_out_side(&difference->before, memory, &used);
    lay_out_side(&difference->after, memory, &used);
    difference->line_changes = lay_out_take(memory, &used, difference->after.count[KIND_LINE]);
    difference->station_changes = lay_out_take(memory, &used, difference->after.count[KIND_STATION]);
    return used;
}

size_t site_difference_size(const struct site *before, const struct site *after)
{
    struct site_difference difference;
    return lay_out(NULL, &difference, before, after);
}

static void list_things(struct side *side)
{
    uint32_t line = 0, station = 0;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        for (uint32_t i = 0; i < side->count[kind]; i++) {
            side->other[kind][i] = DIFFERENCE_GONE;
        }
    }
    for (unsigned p = 0; p < side->site->process_count; p++) {
        const struct process *process = &side->site->processes[p];
        side->first_line[p] = line;
        side->first_station[p] = station;
        for (unsigned i = 0; i < process->line_count; i++) {
            side->lines[line++] = &process->lines[i];
        }
        for (unsigned i = 0; i < process->station_count; i++) {
            side->stations[station++] = process->stations[i];
        }
    }
}

/* ---- numbers ---- */

static uint32_t line_number(const struct side *side, const struct line *line)
{
    uint32_t number = side->first_line[line->process->index] + line->index;
    KOMET_ASSERT(number < side->count[KIND_LINE] && side->lines[number] == line);
    return number;
}

static uint32_t station_number(const struct side *side, const struct station *station)
{
    uint32_t number = side->first_station[station->line->process->index] + station->number;
    KOMET_ASSERT(number < side->count[KIND_STATION] && side->stations[number] == station);
    return number;
}

static uint32_t tag_number(const struct side *side, const struct tag *tag)
{
    uint32_t number = tag_site_number(tag);
    KOMET_ASSERT(number < side->count[KIND_TAG] && side->site->tags[number] == tag);
    return number;
}

/* ---- matching ---- */

static void match(struct site_difference *difference, enum kind kind, uint32_t before, uint32_t after)
{
    difference->before.other[kind][before] = after;
    difference->after.other[kind][after] = before;
}

static bool is_same_process(const struct site_difference *difference, const struct process *before,
                            const struct process *after)
{
    return difference->after.other[KIND_PROCESS][after->index] == before->index;
}

static void match_processes(struct site_difference *difference)
{
    for (unsigned p = 0; p < difference->after.site->process_count; p++) {
        const struct process *process = &difference->after.site->processes[p];
        const struct process *was = site_find_process(difference->before.site, process->name);
        if (was != NULL) {
            match(difference, KIND_PROCESS, was->index, process->index);
        }
    }
}

static const char *name_of(const struct side *side, enum kind kind, uint32_t number)
{
    return kind == KIND_LINE ? side->lines[number]->name : side->stations[number]->name;
}

static const struct process *process_of(const struct side *side, enum kind kind, uint32_t number)
{
    return kind == KIND_LINE ? side->lines[number]->process : side->stations[number]->line->process;
}

/* The one of `before` with that name, looked for from `from` on all round; DIFFERENCE_GONE. */
static uint32_t find_named(const struct site_difference *difference, enum kind kind, const char *name,
                           uint32_t from)
{
    uint32_t count = difference->before.count[kind];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (from + i) % count;
        if (name_compare(name_of(&difference->before, kind, at), name) == 0) {
            return at;
        }
    }
    return DIFFERENCE_GONE;
}

static void match_named(struct site_difference *difference, enum kind kind)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < difference->after.count[kind]; i++) {
        uint32_t was = find_named(difference, kind, name_of(&difference->after, kind, i), next);
        if (was == DIFFERENCE_GONE) {
            continue;
        }
        next = was + 1;
        if (is_same_process(difference, process_of(&difference->before, kind, was),
                            process_of(&difference->after, kind, i))) {
            match(difference, kind, was, i);
        }
    }
}

static void match_tags(struct site_difference *difference)
{
    const struct site *before = difference->before.site, *after = difference->after.site;
    uint32_t b = 0, a = 0;
    while (b < before->tag_count && a < after->tag_count) {
        const struct tag *was = before->tags_by_name[b], *tag = after->tags_by_name[a];
        int order = name_compare(was->name, tag->name);
        if (order == 0 && was->type == tag->type &&
            is_same_process(difference, tag_process(was), tag_process(tag))) {
            match(difference, KIND_TAG, tag_site_number(was), tag_site_number(tag));
        }
        b += order <= 0 ? 1 : 0;
        a += order >= 0 ? 1 : 0;
    }
}

/* ---- what changed ---- */

/* Counts the tags of a station that changed; true when one is new or has changed. */
static bool compare_tags(struct site_difference *difference, const struct station *station)
{
    bool asks = false;
    for (uint32_t i = 0; i < station->tag_count; i++) {
        const struct tag *was = difference_tag_was(difference, &station->tags[i]);
        bool same = was != NULL && same_tag(was, &station->tags[i]) &&
                    name_compare(was->station->name, station->name) == 0;
        difference->changed[KIND_TAG] += was != NULL && !same ? 1 : 0;
        asks = asks || !same;
    }
    return asks;
}

static enum station_change compare_station(struct site_difference *difference, const struct station *station,
                                           const struct station *was)
{
    bool asks = compare_tags(difference, station);
    if (was == NULL) {
        return STATION_ASKS;
    }
    bool moved = difference_line_was(difference, station->line) != was->line;
    if (asks || moved || station->ca != was->ca || !same_station_time(station, was)) {
        return STATION_ASKS;
    }
    bool same = same_station_service(station, was) && station->tag_count == was->tag_count;
    return same ? STATION_SAME : STATION_CHANGED;
}

static enum line_change compare_line(const struct site_difference *difference, const struct line *line,
                                     const struct line *was)
{
    if (!same_line_connection(line, was)) {
        return LINE_RECONNECTS;
    }
    bool same = same_line(line, was);
    for (unsigned i = 0; i < line->station_count && same; i++) {
        uint32_t number = station_number(&difference->after, &line->stations[i]);
        same = difference->station_changes[number] == STATION_SAME;
    }
    return same ? LINE_SAME : LINE_IN_PLACE;
}

static void compare(struct site_difference *difference)
{
    for (uint32_t i = 0; i < difference->after.count[KIND_STATION]; i++) {
        const struct station *station = difference->after.stations[i];
        const struct station *was = difference_station_was(difference, station);
        enum station_change change = compare_station(difference, station, was);
        difference->station_changes[i] = (uint8_t)change;
        difference->changed[KIND_STATION] += was != NULL && change != STATION_SAME ? 1 : 0;
    }
    for (uint32_t i = 0; i < difference->after.count[KIND_LINE]; i++) {
        const struct line *line = difference->after.lines[i];
        const struct line *was = difference_line_was(difference, line);
        enum line_change change = was != NULL ? compare_line(difference, line, was) : LINE_RECONNECTS;
        difference->line_changes[i] = (uint8_t)change;
        difference->changed[KIND_LINE] += was != NULL && change != LINE_SAME ? 1 : 0;
    }
}

struct site_difference *site_difference_make(void *memory, size_t size, const struct site *before,
                                             const struct site *after)
{
    KOMET_ASSERT(memory != NULL && size >= site_difference_size(before, after));
    struct site_difference *difference = memory;
    *difference = (struct site_difference){0};
    lay_out(memory, difference, before, after);
    list_things(&difference->before);
    list_things(&difference->after);
    match_processes(difference);
    match_named(difference, KIND_LINE);
    match_named(difference, KIND_STATION);
    match_tags(difference);
    compare(difference);
    return difference;
}

/* ---- what is asked of it ---- */

const struct site *difference_before(const struct site_difference *difference)
{
    return difference->before.site;
}

const struct site *difference_after(const struct site_difference *difference)
{
    return difference->after.site;
}

/* The counterpart on `there` of what is `number` on `here`. */
static const struct process *other_process(const struct side *here, const struct side *there, uint32_t number)
{
    uint32_t other = here->other[KIND_PROCESS][number];
    return other != DIFFERENCE_GONE ? &there->site->processes[other] : NULL;
}

static const struct line *other_line(const struct side *here, const struct side *there,
                                     const struct line *line)
{
    uint32_t other = here->other[KIND_LINE][line_number(here, line)];
    return other != DIFFERENCE_GONE ? there->lines[other] : NULL;
}

static const struct station *other_station(const struct side *here, const struct side *there,
                                           const struct station *station)
{
    uint32_t other = here->other[KIND_STATION][station_number(here, station)];
    return other != DIFFERENCE_GONE ? there->stations[other] : NULL;
}

static const struct tag *other_tag(const struct side *here, const struct side *there, const struct tag *tag)
{
    uint32_t other = here->other[KIND_TAG][tag_number(here, tag)];
    return other != DIFFERENCE_GONE ? there->site->tags[other] : NULL;
}

const struct process *difference_process(const struct site_difference *difference,
                                         const struct process *process)
{
    return other_process(&difference->before, &difference->after, process->index);
}

const struct line *difference_line(const struct site_difference *difference, const struct line *line)
{
    return other_line(&difference->before, &difference->after, line);
}

const struct station *difference_station(const struct site_difference *difference,
                                         const struct station *station)
{
    return other_station(&difference->before, &difference->after, station);
}

const struct tag *difference_tag(const struct site_difference *difference, const struct tag *tag)
{
    return other_tag(&difference->before, &difference->after, tag);
}

const uint32_t *difference_tag_numbers(const struct site_difference *difference,
                                       const struct process *process)
{
    return difference->before.other[KIND_TAG] + process->first_tag;
}

const struct process *difference_process_was(const struct site_difference *difference,
                                             const struct process *process)
{
    return other_process(&difference->after, &difference->before, process->index);
}

const struct line *difference_line_was(const struct site_difference *difference, const struct line *line)
{
    return other_line(&difference->after, &difference->before, line);
}

const struct station *difference_station_was(const struct site_difference *difference,
                                             const struct station *station)
{
    return other_station(&difference->after, &difference->before, station);
}

const struct tag *difference_tag_was(const struct site_difference *difference, const struct tag *tag)
{
    return other_tag(&difference->after, &difference->before, tag);
}

enum line_change difference_line_change(const struct site_difference *difference, const struct line *line)
{
    return (enum line_change)difference->line_changes[line_number(&difference->after, line)];
}

enum station_change difference_station_change(const struct site_difference *difference,
                                              const struct station *station)
{
    return (enum station_change)difference->station_changes[station_number(&difference->after, station)];
}

bool difference_tag_is_kept(const struct site_difference *difference, const struct tag *tag)
{
    const struct tag *was = difference_tag_was(difference, tag);
    return was != NULL && same_tag(was, tag) &&
           difference_station_was(difference, tag->station) == was->station &&
           difference_line_was(difference, tag->station->line) == was->station->line;
}

static struct difference_counts counts(const struct site_difference *difference, enum kind kind)
{
    struct difference_counts counts = {.changed = difference->changed[kind]};
    for (uint32_t i = 0; i < difference->before.count[kind]; i++) {
        counts.removed += difference->before.other[kind][i] == DIFFERENCE_GONE ? 1 : 0;
    }
    for (uint32_t i = 0; i < difference->after.count[kind]; i++) {
        counts.added += difference->after.other[kind][i] == DIFFERENCE_GONE ? 1 : 0;
    }
    return counts;
}

struct difference_counts difference_lines(const struct site_difference *difference)
{
    return counts(difference, KIND_LINE);
}

struct difference_counts difference_stations(const struct site_difference *difference)
{
    return counts(difference, KIND_STATION);
}

struct difference_counts difference_tags(const struct site_difference *difference)
{
    return counts(difference, KIND_TAG);
}
