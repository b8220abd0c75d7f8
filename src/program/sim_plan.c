/*
 * sim_plan: see sim_plan.h. The rules themselves are the station's (rtu_point_fault); here they get a place.
 */
#include "program/sim_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "program/sim_plan_private.h"

enum root_key {
    ROOT_K,
    ROOT_W,
    ROOT_T1,
    ROOT_T2,
    ROOT_T3,
    ROOT_CA,
    ROOT_EVENTS,
    ROOT_POINTS,
    ROOT_REPLAY,
    ROOT_SEED,
    ROOT_SELECT_TIME,
    ROOT_COMMAND_AGE,
    ROOT_TOO_OLD,
    ROOT_CLOCK_SYNC,
    ROOT_BROADCAST_ONCE,
    ROOT_LIMIT_SET_POINTS,
    ROOT_END_OF_INITIALIZATION,
    ROOT_CONNECTIONS,
    ROOT_KEYS
};

static const char *const root_keys[ROOT_KEYS] = {
    [ROOT_K] = "k",
    [ROOT_W] = "w",
    [ROOT_T1] = "t1",
    [ROOT_T2] = "t2",
    [ROOT_T3] = "t3",
    [ROOT_CA] = "ca",
    [ROOT_EVENTS] = "events",
    [ROOT_POINTS] = "points",
    [ROOT_REPLAY] = "replay",
    [ROOT_SEED] = "seed",
    [ROOT_SELECT_TIME] = "select_time",
    [ROOT_COMMAND_AGE] = "command_age",
    [ROOT_TOO_OLD] = "too_old",
    [ROOT_CLOCK_SYNC] = "clock_sync",
    [ROOT_BROADCAST_ONCE] = "broadcast_once",
    [ROOT_LIMIT_SET_POINTS] = "limit_set_points",
    [ROOT_END_OF_INITIALIZATION] = "end_of_initialization",
    [ROOT_CONNECTIONS] = "connections",
};

/* A whole number; `otherwise` when it is none, which is told. */
static long read_whole(struct sim_parser *parser, enum root_key key, const yaml_node_t *value, long low,
                       long high, long otherwise)
{
    long number;
    bool good = node_integer(&parser->yaml, value, root_keys[key], low, high, &number);
    return good ? number : otherwise;
}

/* A setting of the link: k, w, t1, t2, t3. */
static uint16_t read_frames(struct sim_parser *parser, enum root_key key, const yaml_node_t *value,
                            uint16_t otherwise)
{
    parser->link_place = node_place(&parser->yaml, value);
    return (uint16_t)read_whole(parser, key, value, 1, 32767, otherwise);
}

static void read_link_time(struct sim_parser *parser, enum root_key key, const yaml_node_t *value,
                           int64_t *time_us)
{
    parser->link_place = node_place(&parser->yaml, value);
    node_duration(&parser->yaml, value, root_keys[key], KOMET_SECONDS(1), time_us);
}

bool sim_plan_read_time(struct sim_parser *parser, const yaml_node_t *node, const char *what,
                        int64_t bare_unit_us, int64_t *time_us)
{
    int64_t found;
    if (!node_duration(&parser->yaml, node, what, bare_unit_us, &found)) {
        return false;
    }
    if (found <= 0) {
        reading_fault(&parser->reading, node_place(&parser->yaml, node), "a time above 0",
                      "%s is not above 0", what);
        return false;
    }
    *time_us = found;
    return true;
}

static void read_command_age(struct sim_parser *parser, const yaml_node_t *value)
{
    int64_t age_us = 0;
    node_duration(&parser->yaml, value, "command_age", KOMET_SECONDS(1), &age_us);
    parser->plan.station.command_age_ms = (age_us + 999) / 1000; /* 0 would mean something else */
}

static void read_too_old(struct sim_parser *parser, const yaml_node_t *value)
{
    static const char *const words[] = {"refused", "discarded"};
    bool discarded = node_word(&parser->yaml, value, "too_old", words, 2) == 1;
    parser->plan.station.too_old = discarded ? KOMET_TOO_OLD_DISCARDED : KOMET_TOO_OLD_REFUSED;
}

static void read_root_key(struct sim_parser *parser, enum root_key key, const yaml_node_t *value)
{
    struct yaml_reader *yaml = &parser->yaml;
    struct rtu_plan *plan = &parser->plan;
    switch (key) {
    case ROOT_K:
        plan->k = read_frames(parser, key, value, plan->k);
        break;
    case ROOT_W:
        plan->w = read_frames(parser, key, value, plan->w);
        break;
    case ROOT_T1:
        read_link_time(parser, key, value, &plan->t1_us);
        break;
    case ROOT_T2:
        read_link_time(parser, key, value, &plan->t2_us);
        break;
    case ROOT_T3:
        read_link_time(parser, key, value, &plan->t3_us);
        break;
    case ROOT_CA:
        plan->ca = (uint16_t)read_whole(parser, key, value, 1, 65534, plan->ca);
        break;
    case ROOT_EVENTS:
        plan->events = (size_t)read_whole(parser, key, value, 1, 10000000, (long)plan->events);
        break;
    case ROOT_POINTS:
        sim_plan_read_points(parser, value);
        break;
    case ROOT_REPLAY:
        parser->replay = node_text(yaml, value, root_keys[key]);
        parser->replay_place = node_place(yaml, value);
        break;
    case ROOT_SEED:
        plan->seed = (uint64_t)read_whole(parser, key, value, 0, 2147483647, (long)plan->seed);
        break;
    case ROOT_SELECT_TIME:
        sim_plan_read_time(parser, value, root_keys[key], KOMET_SECONDS(1), &plan->station.select_us);
        break;
    case ROOT_COMMAND_AGE:
        read_command_age(parser, value);
        break;
    case ROOT_TOO_OLD:
        read_too_old(parser, value);
        break;
    case ROOT_CLOCK_SYNC:
        node_boolean(yaml, value, root_keys[key], &plan->station.clock_sync);
        break;
    case ROOT_BROADCAST_ONCE:
        node_boolean(yaml, value, root_keys[key], &plan->station.broadcast_once);
        break;
    case ROOT_LIMIT_SET_POINTS:
        node_boolean(yaml, value, root_keys[key], &plan->station.limit_set_points);
        break;
    case ROOT_END_OF_INITIALIZATION:
        node_boolean(yaml, value, root_keys[key], &plan->end_of_initialization);
        break;
    case ROOT_CONNECTIONS:
        plan->connections =
            (unsigned)read_whole(parser, key, value, 1, RTU_CONNECTIONS_MAX, (long)plan->connections);
        break;
    case ROOT_KEYS:
        KOMET_ASSERT_NEVER("no key");
    }
}

static void read_root(struct sim_parser *parser, const yaml_node_t *root)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    while (mapping_next(&parser->yaml, root, "the file", &index, &key, &key_node, &value)) {
        int found = key_find(&parser->yaml, key, key_node, "a station", root_keys, ROOT_KEYS);
        if (found >= 0) {
            read_root_key(parser, (enum root_key)found, value);
        }
    }
    if (parser->plan.point_count == 0 && root->type == YAML_MAPPING_NODE) {
        reading_fault(&parser->reading, node_place(&parser->yaml, root),
                      "points: [{ioa: 1001, type: 30, constant: 0}]", "the station has no points");
    }
}

static void read_document(struct sim_parser *parser)
{
    const yaml_node_t *root =
        yaml_load(&parser->yaml, &parser->reading.files[0], "ca: and points: stand in it");
    if (root != NULL) {
        read_root(parser, root);
    }
    yaml_unload(&parser->yaml);
}

void sim_plan_check(struct sim_parser *parser)
{
    size_t row;
    sim_plan_check_points(parser);
    sim_plan_read_replay(parser);
    if (parser->reading.fault_count == 0) {
        struct place whole = {parser->yaml.file, 1, 1};
        const char *fault = rtu_plan_fault(&parser->plan, &row);
        if (fault != NULL) { /* rows and replay are right: what is left is the link */
            reading_fault(&parser->reading, parser->link_place.line > 0 ? parser->link_place : whole, "",
                          "%s", fault);
        }
    }
}

struct sim_plan sim_plan_parse(const struct site_file *files, size_t count, const char *folder, double speed)
{
    KOMET_ASSERT(count > 0 && speed > 0);
    struct site_arena *arena = arena_new();
    struct sim_parser parser = {.folder = folder, .speed = speed, .plan = rtu_plan_standard()};
    parser.reading = reading_begin(arena, files, count, NULL);
    parser.yaml.reading = &parser.reading;
    parser.yaml.file = files[0].name;
    read_document(&parser);
    if (parser.points != NULL) {
        sim_plan_check(&parser);
    }
    reading_sort(parser.reading.faults, parser.reading.fault_count);
    struct sim_plan result = {.usable = parser.reading.fault_count == 0,
                              .plan = parser.plan,
                              .faults = parser.reading.faults,
                              .fault_count = parser.reading.fault_count,
                              .arena = arena};
    for (size_t i = 0; i < parser.plan.point_count; i++) {
        result.point_count += parser.points[i].count;
    }
    return result;
}

struct site_fault *sim_plan_file(struct site_arena *arena, const char *path, struct site_file *file,
                                 const char **folder)
{
    const char *slash = strrchr(path, '/');
    *folder = slash == NULL ? "." : arena_text(arena, path, (size_t)(slash - path));
    *file = (struct site_file){.name = path};
    file->text = file_text_read(arena, path, SIM_FILE_MAX, &file->size);
    if (file->text != NULL) {
        return NULL;
    }
    struct site_fault *fault = arena_take(arena, sizeof *fault);
    *fault = (struct site_fault){.file = arena_text(arena, path, strlen(path)),
                                 .what = arena_format(arena, "%s", strerror(errno)),
                                 .right = ""};
    return fault;
}

struct sim_plan sim_plan_read(const char *path, double speed)
{
    struct site_arena *arena = arena_new();
    struct site_file file;
    const char *folder;
    struct site_fault *fault = sim_plan_file(arena, path, &file, &folder);
    if (fault != NULL) {
        return (struct sim_plan){.faults = fault, .fault_count = 1, .arena = arena};
    }
    struct sim_plan plan = sim_plan_parse(&file, 1, folder, speed);
    arena_free(arena);
    return plan;
}

void sim_plan_release(struct sim_plan *plan)
{
    arena_free(plan->arena);
    *plan = (struct sim_plan){0};
}
