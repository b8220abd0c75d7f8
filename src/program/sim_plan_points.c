/*
 * sim_plan_points: the rows of points of a simulated station, read from YAML and checked. See sim_plan.h.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "program/sim_plan_private.h"

/* ---- values ---- */

static bool read_number(struct sim_parser *parser, const yaml_node_t *node, const char *what, double *number)
{
    const char *text = node_text(&parser->yaml, node, what);
    char *end;
    if (text == NULL) {
        return false;
    }
    double found = strtod(text, &end);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *number = text[0] == 't' ? 1 : 0;
        return true;
    }
    if (end == text || *end != '\0' || !isfinite(found)) {
        reading_fault(&parser->reading, node_place(&parser->yaml, node), "a number, such as 12.5",
                      "%s is '%s'", what, text);
        return false;
    }
    *number = found;
    return true;
}

/* A time of the patterns, which run `speed` times faster. */
static void read_time(struct sim_parser *parser, const yaml_node_t *node, const char *what, int64_t *time_us)
{
    int64_t found;
    if (!sim_plan_read_time(parser, node, what, KOMET_MS(1), &found)) {
        *time_us = KOMET_SECONDS(1); /* told; no second fault for the same */
    } else {
        *time_us = (int64_t)((double)found / parser->speed);
        *time_us = *time_us < 1 ? 1 : *time_us; /* 0 would mean something else */
    }
}

static void read_pattern(struct sim_parser *parser, const yaml_node_t *node, enum rtu_pattern_kind kind,
                         struct rtu_pattern *pattern)
{
    static const char *const keys[] = {"period", "from", "to", "step"};
    static const char *const names[] = {"constant", "ramp", "walk", "toggle"};
    unsigned index = 0, seen = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    size_t key_count = kind == RTU_TOGGLE ? 1 : 4;
    pattern->kind = kind;
    while (mapping_next(&parser->yaml, node, names[kind], &index, &key, &key_node, &value)) {
        int found = key_find(&parser->yaml, key, key_node, names[kind], keys, key_count);
        if (found < 0) {
            continue;
        }
        seen |= 1u << found;
        double *numbers[] = {NULL, &pattern->from, &pattern->to, &pattern->step};
        if (found == 0) {
            read_time(parser, value, "period", &pattern->period_us);
        } else if (!read_number(parser, value, keys[found], numbers[found])) {
            *numbers[found] = found; /* told; usable for the rest */
        }
    }
    for (unsigned i = 0; i < key_count && node->type == YAML_MAPPING_NODE; i++) {
        if ((seen & (1u << i)) == 0 && i != 3) {
            reading_fault(&parser->reading, node_place(&parser->yaml, node), "", "%s: '%s' is missing",
                          names[kind], keys[i]);
            pattern->period_us = i == 0 ? KOMET_SECONDS(1) : pattern->period_us;
        }
    }
    if (key_count == 4 && (seen & 8u) == 0) {
        pattern->step = fabs(pattern->to - pattern->from) / 100;
    }
}

/* ---- a row of points ---- */

enum point_key {
    POINT_IOA,
    POINT_TYPE,
    POINT_COUNT,
    POINT_CONSTANT,
    POINT_RAMP,
    POINT_WALK,
    POINT_TOGGLE,
    POINT_FOR,
    POINT_FOLLOWS,
    POINT_CAUSE,
    POINT_EVERY,
    POINT_GROUPS,
    POINT_SELECT,
    POINT_MINIMUM,
    POINT_MAXIMUM,
    POINT_KEYS
};

static const char *const point_keys[POINT_KEYS] = {"ioa",   "type",   "count",  "constant", "ramp",
                                                   "walk",  "toggle", "for",    "follows",  "cause",
                                                   "every", "groups", "select", "minimum",  "maximum"};

static void read_groups(struct sim_parser *parser, const yaml_node_t *node, uint16_t *groups)
{
    unsigned index = 0;
    const yaml_node_t *item;
    long group;
    while (sequence_next(&parser->yaml, node, "groups", &index, &item)) {
        if (node_integer(&parser->yaml, item, "a group", 1, 16, &group)) {
            *groups |= (uint16_t)(1u << (group - 1));
        }
    }
}

static void read_select(struct sim_parser *parser, const yaml_node_t *node, enum komet_select_rule *select)
{
    static const char *const words[] = {"either", "required", "never"};
    static const enum komet_select_rule rules[] = {KOMET_SELECT_EITHER, KOMET_SELECT_REQUIRED,
                                                   KOMET_SELECT_NEVER};
    int word = node_word(&parser->yaml, node, "select", words, 3);
    *select = word < 0 ? KOMET_SELECT_EITHER : rules[word];
}

static void read_point_key(struct sim_parser *parser, enum point_key key, const yaml_node_t *value,
                           struct rtu_point *point)
{
    static const char *const causes[] = {"spontaneous", "periodic"};
    struct yaml_reader *yaml = &parser->yaml;
    long number;
    switch (key) {
    case POINT_IOA:
        point->ioa = node_integer(yaml, value, "ioa", 1, 0xFFFFFF, &number) ? (uint32_t)number : 1;
        break;
    case POINT_TYPE:
        point->type = node_integer(yaml, value, "type", 1, 127, &number) ? (uint8_t)number : 1;
        break;
    case POINT_COUNT:
        point->count = node_integer(yaml, value, "count", 1, RTU_POINTS_MAX, &number) ? (uint32_t)number : 1;
        break;
    case POINT_CONSTANT:
        read_number(parser, value, "constant", &point->number);
        break;
    case POINT_RAMP:
        read_pattern(parser, value, RTU_RAMP, &point->pattern);
        break;
    case POINT_WALK:
        read_pattern(parser, value, RTU_WALK, &point->pattern);
        break;
    case POINT_TOGGLE:
        read_pattern(parser, value, RTU_TOGGLE, &point->pattern);
        break;
    case POINT_FOR:
        read_time(parser, value, "for", &point->pattern.for_us);
        break;
    case POINT_FOLLOWS:
        point->follows = node_integer(yaml, value, "follows", 1, 0xFFFFFF, &number) ? (uint32_t)number : 0;
        break;
    case POINT_CAUSE:
        node_word(yaml, value, "cause", causes, 2);
        break;
    case POINT_EVERY:
        read_time(parser, value, "every", &point->every_us);
        break;
    case POINT_GROUPS:
        read_groups(parser, value, &point->groups);
        break;
    case POINT_SELECT:
        read_select(parser, value, &point->select);
        break;
    case POINT_MINIMUM:
        read_number(parser, value, "minimum", &point->minimum);
        break;
    case POINT_MAXIMUM:
        read_number(parser, value, "maximum", &point->maximum);
        break;
    case POINT_KEYS:
        KOMET_ASSERT_NEVER("no key");
    }
}

static bool has(unsigned seen, enum point_key key)
{
    return (seen & (1u << key)) != 0;
}

static void check_keys(struct sim_parser *parser, const yaml_node_t *node, unsigned seen, bool periodic)
{
    struct place place = node_place(&parser->yaml, node);
    unsigned patterns = 0;
    for (unsigned i = POINT_CONSTANT; i <= POINT_TOGGLE; i++) {
        patterns += has(seen, (enum point_key)i) ? 1 : 0;
    }
    if (!has(seen, POINT_IOA) || !has(seen, POINT_TYPE)) {
        reading_fault(&parser->reading, place, "such as {ioa: 1001, type: 30, constant: 0}",
                      "'%s' is missing", has(seen, POINT_IOA) ? "type" : "ioa");
    }
    if (patterns > 1) {
        reading_fault(&parser->reading, place, "one of constant, ramp, walk, toggle",
                      "the points have %u patterns", patterns);
    }
    if (has(seen, POINT_FOR) && (patterns == 0 || has(seen, POINT_CONSTANT))) {
        reading_fault(&parser->reading, place, "leave it out", "'for' ends a ramp, walk or toggle");
    }
    if (periodic != has(seen, POINT_EVERY)) {
        reading_fault(&parser->reading, place, "cause: periodic, every: 10 s",
                      "cause: periodic and every: go together");
    }
}

static void read_point(struct sim_parser *parser, const yaml_node_t *node, struct rtu_point *point)
{
    unsigned index = 0, seen = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    bool periodic = false;
    size_t before = parser->reading.fault_count;
    *point = (struct rtu_point){.count = 1};
    while (mapping_next(&parser->yaml, node, "a point", &index, &key, &key_node, &value)) {
        int found = key_find(&parser->yaml, key, key_node, "a point", point_keys, POINT_KEYS);
        if (found >= 0) {
            seen |= 1u << found;
            read_point_key(parser, (enum point_key)found, value, point);
            periodic = periodic || (found == POINT_CAUSE && value->type == YAML_SCALAR_NODE &&
                                    strcmp((const char *)value->data.scalar.value, "periodic") == 0);
        }
    }
    if (node->type == YAML_MAPPING_NODE) {
        check_keys(parser, node, seen, periodic);
    }
    if (has(seen, POINT_MINIMUM) != has(seen, POINT_MAXIMUM)) { /* no limit on the other side */
        point->minimum = has(seen, POINT_MINIMUM) ? point->minimum : -DBL_MAX;
        point->maximum = has(seen, POINT_MAXIMUM) ? point->maximum : DBL_MAX;
    }
    if (parser->reading.fault_count > before) {
        point->type = 0;
    }
}

void sim_plan_read_points(struct sim_parser *parser, const yaml_node_t *node)
{
    unsigned index = 0;
    const yaml_node_t *item;
    if (parser->points != NULL) {
        return; /* the key stands twice, which was told */
    }
    size_t capacity = sequence_size(node) + 1;
    parser->points = arena_take(parser->reading.arena, capacity * sizeof *parser->points);
    parser->places = arena_take(parser->reading.arena, capacity * sizeof *parser->places);
    while (sequence_next(&parser->yaml, node, "points", &index, &item)) {
        parser->places[parser->plan.point_count] = node_place(&parser->yaml, item);
        read_point(parser, item, &parser->points[parser->plan.point_count++]);
    }
    parser->plan.points = parser->points;
}

struct row {
    struct rtu_point point;
    struct place place;
};

static bool stands_behind(const struct place *place, const struct place *other)
{
    return place->line != other->line ? place->line > other->line : place->column > other->column;
}

static int by_address(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    if (left->point.ioa != right->point.ioa) {
        return left->point.ioa < right->point.ioa ? -1 : 1;
    }
    return stands_behind(&left->place, &right->place) ? 1 : -1;
}

/* A file may have its rows in any order; a plan has them in order of address. */
static void sort_rows(struct sim_parser *parser)
{
    size_t count = parser->plan.point_count;
    struct row *rows = arena_take(parser->reading.arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct row){parser->points[i], parser->places[i]};
    }
    qsort(rows, count, sizeof *rows, by_address);
    for (size_t i = 0; i < count; i++) {
        parser->points[i] = rows[i].point;
        parser->places[i] = rows[i].place;
    }
}

static uint32_t last_address(const struct rtu_point *point)
{
    return point->ioa + (point->count - 1);
}

/* An address names one point. */
static void check_addresses(struct sim_parser *parser)
{
    const struct rtu_point *points = parser->points;
    size_t widest = parser->plan.point_count; /* the row that reaches farthest; none yet */
    for (size_t i = 0; i < parser->plan.point_count; i++) {
        if (points[i].type == 0) {
            continue;
        }
        if (widest < i && points[i].ioa <= last_address(&points[widest])) {
            const struct place *a = &parser->places[i], *b = &parser->places[widest];
            bool behind = stands_behind(a, b); /* it is told at the row that stands behind the other one */
            reading_fault(&parser->reading, behind ? *a : *b, "give each point its own address",
                          "address %u is also one of line %d", points[i].ioa, behind ? b->line : a->line);
        }
        if (widest > i || last_address(&points[i]) > last_address(&points[widest])) {
            widest = i;
        }
    }
}

/* A command whose target was told to be wrong, or to have an address of another row, is not told itself. */
static bool follows_wrong(const struct sim_parser *parser, const struct rtu_point *point)
{
    const struct rtu_point *found = rtu_plan_find(&parser->plan, point->follows);
    for (size_t i = 0; point->follows != 0 && i < parser->plan.point_count; i++) {
        const struct rtu_point *other = &parser->points[i];
        bool has = point->follows >= other->ioa && point->follows - other->ioa < other->count;
        if (has && (other->type == 0 || other != found)) {
            return true;
        }
    }
    return false;
}

void sim_plan_check_points(struct sim_parser *parser)
{
    uint64_t points = 0;
    sort_rows(parser);
    for (size_t i = 0; i < parser->plan.point_count; i++) {
        const struct rtu_point *point = &parser->points[i];
        const char *fault = point->type == 0 ? NULL : rtu_point_fault(&parser->plan, point);
        points += point->count;
        if (fault != NULL && !follows_wrong(parser, point)) {
            reading_fault(&parser->reading, parser->places[i], "", "%s", fault);
        }
        if (points > RTU_POINTS_MAX) {
            reading_fault(&parser->reading, parser->places[i], "", "a station has at most %d points",
                          RTU_POINTS_MAX);
            return;
        }
    }
    check_addresses(parser);
}
