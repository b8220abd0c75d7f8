/*
 * sim_plan: see sim_plan.h. The rules themselves are the station's (rtu_point_fault); here they get a place.
 */
#include "program/sim_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "program/sim_plan_private.h"

static const char *const root_keys[] = {"k",  "w",      "t1",     "t2",     "t3",
                                        "ca", "events", "points", "replay", "seed"};
enum { ROOT_KEYS = sizeof root_keys / sizeof root_keys[0] };

/* The settings of the link, keys 0 to 4. */
static void read_link_key(struct sim_parser *parser, int key, const yaml_node_t *value)
{
    struct yaml_reader *yaml = &parser->yaml;
    struct rtu_plan *plan = &parser->plan;
    uint16_t *const frames[] = {&plan->k, &plan->w};
    int64_t *const times[] = {&plan->t1_us, &plan->t2_us, &plan->t3_us};
    long number;
    parser->link_place = node_place(yaml, value);
    if (key > 1) {
        node_duration(yaml, value, root_keys[key], KOMET_SECONDS(1), times[key - 2]);
    } else if (node_integer(yaml, value, root_keys[key], 1, 32767, &number)) {
        *frames[key] = (uint16_t)number;
    }
}

static void read_root_key(struct sim_parser *parser, int key, const yaml_node_t *value)
{
    struct yaml_reader *yaml = &parser->yaml;
    struct rtu_plan *plan = &parser->plan;
    long number;
    switch (key) {
    case -1: /* unknown, which was told */
        break;
    case 5:
        plan->ca = node_integer(yaml, value, "ca", 1, 65534, &number) ? (uint16_t)number : plan->ca;
        break;
    case 6:
        plan->events =
            node_integer(yaml, value, "events", 1, 10000000, &number) ? (size_t)number : plan->events;
        break;
    case 7:
        sim_plan_read_points(parser, value);
        break;
    case 8:
        parser->replay = node_text(yaml, value, "replay");
        parser->replay_place = node_place(yaml, value);
        break;
    case 9:
        plan->seed =
            node_integer(yaml, value, "seed", 0, 2147483647, &number) ? (uint64_t)number : plan->seed;
        break;
    default:
        read_link_key(parser, key, value);
        break;
    }
}

static void read_root(struct sim_parser *parser, const yaml_node_t *root)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    while (mapping_next(&parser->yaml, root, "the file", &index, &key, &key_node, &value)) {
        read_root_key(parser, key_find(&parser->yaml, key, key_node, "a station", root_keys, ROOT_KEYS),
                      value);
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

static void check_all(struct sim_parser *parser)
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
        check_all(&parser);
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

struct sim_plan sim_plan_read(const char *path, double speed)
{
    struct site_arena *arena = arena_new();
    struct site_file file = {.name = path};
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL ? "." : arena_text(arena, path, (size_t)(slash - path));
    file.text = file_text_read(arena, path, SIM_FILE_MAX, &file.size);
    if (file.text == NULL) {
        struct site_fault *fault = arena_take(arena, sizeof *fault);
        *fault = (struct site_fault){.file = arena_text(arena, path, strlen(path)),
                                     .what = arena_format(arena, "%s", strerror(errno)),
                                     .right = ""};
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
