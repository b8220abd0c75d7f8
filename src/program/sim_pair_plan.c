/*
 * sim_pair_plan: see sim_pair_plan.h. Stations and points are read as those of a single station
 * (sim_plan_private.h).
 */
#include "program/sim_pair_plan.h"

#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "program/sim_plan_private.h"

#define PORT 2404

enum root_key {
    ROOT_SYSTEMS,
    ROOT_PARTNERS,
    ROOT_CONNECTS,
    ROOT_PLAY,
    ROOT_HOT,
    ROOT_ORIGINATOR,
    ROOT_K,
    ROOT_W,
    ROOT_T0,
    ROOT_T1,
    ROOT_T2,
    ROOT_T3,
    ROOT_RECONNECT,
    ROOT_TAKEOVER,
    ROOT_CONFIRM,
    ROOT_TOTALS,
    ROOT_STANDBY_INTERROGATES,
    ROOT_EVENTS,
    ROOT_STATIONS,
    ROOT_SCRIPT,
    ROOT_KEYS
};

static const char *const root_keys[ROOT_KEYS] = {
    [ROOT_SYSTEMS] = "systems",
    [ROOT_PARTNERS] = "partners",
    [ROOT_CONNECTS] = "connects",
    [ROOT_PLAY] = "play",
    [ROOT_HOT] = "hot",
    [ROOT_ORIGINATOR] = "originator",
    [ROOT_K] = "k",
    [ROOT_W] = "w",
    [ROOT_T0] = "t0",
    [ROOT_T1] = "t1",
    [ROOT_T2] = "t2",
    [ROOT_T3] = "t3",
    [ROOT_RECONNECT] = "reconnect",
    [ROOT_TAKEOVER] = "takeover",
    [ROOT_CONFIRM] = "confirm",
    [ROOT_TOTALS] = "totals_with_interrogation",
    [ROOT_STANDBY_INTERROGATES] = "standby_interrogates",
    [ROOT_EVENTS] = "events",
    [ROOT_STATIONS] = "stations",
    [ROOT_SCRIPT] = "script",
};

struct parser {
    struct sim_parser common; /* document, faults, folder, speed; its plan and points are not used */
    struct sim_pair_plan result;
    struct rtu_plan *stations;
    struct pair_step *script;
};

static struct place place_of(struct parser *parser, const yaml_node_t *node)
{
    return node_place(&parser->common.yaml, node);
}

static long read_whole(struct parser *parser, enum root_key key, const yaml_node_t *value, long low,
                       long high, long otherwise)
{
    long number;
    bool good = node_integer(&parser->common.yaml, value, root_keys[key], low, high, &number);
    return good ? number : otherwise;
}

static void read_time(struct parser *parser, enum root_key key, const yaml_node_t *value, int64_t *time_us)
{
    node_duration(&parser->common.yaml, value, root_keys[key], KOMET_SECONDS(1), time_us);
}

/* ---- addresses ---- */

/* A list of addresses, one a network. */
static void read_networks(struct parser *parser, const yaml_node_t *node, const char *what,
                          struct address addresses[PAIR_NETWORKS])
{
    unsigned index = 0, count = 0;
    const yaml_node_t *item;
    while (sequence_next(&parser->common.yaml, node, what, &index, &item)) {
        if (count == PAIR_NETWORKS) {
            reading_fault(&parser->common.reading, place_of(parser, item), "one address, or one a network",
                          "%s: there are two networks at most", what);
            return;
        }
        if (node_address(&parser->common.yaml, item, what, PORT, &addresses[count])) {
            count++;
        }
    }
}

static void read_systems(struct parser *parser, const yaml_node_t *node)
{
    static const char *const names[PAIR_SYSTEMS] = {"a", "b"};
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    while (mapping_next(&parser->common.yaml, node, "systems", &index, &key, &key_node, &value)) {
        int found = key_find(&parser->common.yaml, key, key_node, "systems", names, PAIR_SYSTEMS);
        if (found >= 0) {
            read_networks(parser, value, names[found], parser->result.systems[found]);
        }
    }
}

static void read_partners(struct parser *parser, const yaml_node_t *node)
{
    unsigned index = 0, count = 0;
    const yaml_node_t *item;
    while (sequence_next(&parser->common.yaml, node, "partners", &index, &item)) {
        if (count == PAIR_PARTNERS) {
            reading_fault(&parser->common.reading, place_of(parser, item), "",
                          "the other end has two instances at most");
            return;
        }
        read_networks(parser, item, "a partner", parser->result.partners[count++]);
    }
    parser->result.plan.partners = count;
}

/* ---- stations ---- */

static void read_station_key(struct parser *parser, struct sim_parser *station, int key,
                             const yaml_node_t *value)
{
    struct pair_order ca;
    char fault[PAIR_ORDER_FAULT_SIZE], text[64];
    const char *scalar;
    long number;
    switch (key) {
    case 0:
        scalar = node_text(&parser->common.yaml, value, "ca");
        snprintf(text, sizeof text, "interrogate a %.32s", scalar != NULL ? scalar : "1");
        if (!pair_order_parse(text, &ca, fault) || ca.ca == KOMET_CA_BROADCAST_2) {
            reading_fault(&parser->common.reading, place_of(parser, value), "1 to 65534, or as 2,1",
                          "'%s' is no common address", scalar != NULL ? scalar : "");
        } else {
            station->plan.ca = ca.ca;
        }
        return;
    case 1:
        station->reading = parser->common.reading;
        sim_plan_read_points(station, value);
        parser->common.reading = station->reading;
        return;
    case 2:
        station->replay = node_text(&parser->common.yaml, value, "replay");
        station->replay_place = place_of(parser, value);
        return;
    default:
        if (node_integer(&parser->common.yaml, value, "seed", 0, 2147483647, &number)) {
            station->plan.seed = (uint64_t)number;
        }
    }
}

static void read_station(struct parser *parser, const yaml_node_t *node)
{
    static const char *const keys[] = {"ca", "points", "replay", "seed"};
    struct sim_parser station = parser->common;
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    station.plan = rtu_plan_standard();
    station.yaml.reading = &station.reading;
    while (mapping_next(&parser->common.yaml, node, "a station", &index, &key, &key_node, &value)) {
        int found = key_find(&parser->common.yaml, key, key_node, "a station", keys, 4);
        if (found >= 0) {
            read_station_key(parser, &station, found, value);
        }
    }
    if (station.points == NULL && node->type == YAML_MAPPING_NODE) {
        reading_fault(&parser->common.reading, place_of(parser, node),
                      "points: [{ioa: 1001, type: 30, constant: 0}]", "the station has no points");
        return;
    }
    station.reading = parser->common.reading;
    if (station.points != NULL) {
        sim_plan_check(&station);
    }
    parser->common.reading = station.reading;
    for (size_t i = 0; i < station.plan.point_count; i++) {
        parser->result.point_count += station.points[i].count;
    }
    parser->stations[parser->result.plan.station_count++] = station.plan;
}

static void read_stations(struct parser *parser, const yaml_node_t *node)
{
    unsigned index = 0;
    const yaml_node_t *item;
    size_t capacity = sequence_size(node) + 1;
    parser->stations = arena_take(parser->common.reading.arena, capacity * sizeof *parser->stations);
    while (sequence_next(&parser->common.yaml, node, "stations", &index, &item)) {
        read_station(parser, item);
    }
    parser->result.plan.stations = parser->stations;
}

/* ---- script ---- */

static void read_step(struct parser *parser, const yaml_node_t *node)
{
    static const char *const keys[] = {"at", "do"};
    struct pair_step *step = &parser->script[parser->result.plan.script_count];
    char fault[PAIR_ORDER_FAULT_SIZE];
    unsigned index = 0, seen = 0;
    const char *key, *text;
    const yaml_node_t *key_node, *value;
    while (mapping_next(&parser->common.yaml, node, "a step", &index, &key, &key_node, &value)) {
        int found = key_find(&parser->common.yaml, key, key_node, "a step", keys, 2);
        int64_t time_us = 0;
        if (found == 0 && node_duration(&parser->common.yaml, value, "at", KOMET_SECONDS(1), &time_us)) {
            step->time_us = (int64_t)((double)time_us / parser->common.speed);
        } else if (found == 1 && (text = node_text(&parser->common.yaml, value, "do")) != NULL &&
                   !pair_order_parse(text, &step->order, fault)) {
            reading_fault(&parser->common.reading, place_of(parser, value), "", "'%s' is no order: %s", text,
                          fault);
        }
        seen |= found >= 0 ? 1u << found : 0u;
    }
    if (seen != 3 && node->type == YAML_MAPPING_NODE) {
        reading_fault(&parser->common.reading, place_of(parser, node), "{at: 5 s, do: hot b}",
                      "a step has a time and an order");
    } else if (parser->result.plan.script_count > 0 && step->time_us < step[-1].time_us) {
        reading_fault(&parser->common.reading, place_of(parser, node), "put the steps into their order",
                      "the time goes back");
    }
    parser->result.plan.script_count++;
}

static void read_script(struct parser *parser, const yaml_node_t *node)
{
    unsigned index = 0;
    const yaml_node_t *item;
    size_t capacity = sequence_size(node) + 1;
    parser->script = arena_take(parser->common.reading.arena, capacity * sizeof *parser->script);
    memset(parser->script, 0, capacity * sizeof *parser->script);
    while (sequence_next(&parser->common.yaml, node, "script", &index, &item)) {
        read_step(parser, item);
    }
    parser->result.plan.script = parser->script;
}

/* ---- the whole ---- */

static void read_number_key(struct parser *parser, enum root_key key, const yaml_node_t *value)
{
    struct pair_plan *plan = &parser->result.plan;
    if (key == ROOT_ORIGINATOR) {
        plan->originator = (uint8_t)read_whole(parser, key, value, 0, 255, plan->originator);
    } else if (key == ROOT_K) {
        plan->k = (uint16_t)read_whole(parser, key, value, 1, 32767, plan->k);
    } else if (key == ROOT_W) {
        plan->w = (uint16_t)read_whole(parser, key, value, 1, 32767, plan->w);
    } else if (key == ROOT_CONFIRM) {
        plan->confirm = (unsigned)read_whole(parser, key, value, 0, 3, plan->confirm);
    } else {
        plan->events = (size_t)read_whole(parser, key, value, 1, 10000000, (long)plan->events);
    }
}

static void read_root_key(struct parser *parser, enum root_key key, const yaml_node_t *value)
{
    static const char *const hot[] = {"a", "b", "none"}, *const play[] = {"a", "b", "both"};
    struct yaml_reader *yaml = &parser->common.yaml;
    struct pair_plan *plan = &parser->result.plan;
    int64_t *const times[ROOT_KEYS] = {
        [ROOT_T0] = &plan->t0_us,
        [ROOT_T1] = &plan->t1_us,
        [ROOT_T2] = &plan->t2_us,
        [ROOT_T3] = &plan->t3_us,
        [ROOT_RECONNECT] = &plan->reconnect_us,
        [ROOT_TAKEOVER] = &plan->takeover_us,
    };
    bool *const booleans[ROOT_KEYS] = {
        [ROOT_CONNECTS] = &plan->connects,
        [ROOT_TOTALS] = &plan->totals_with_interrogation,
        [ROOT_STANDBY_INTERROGATES] = &plan->standby_interrogates,
    };
    int word;
    if (times[key] != NULL) {
        read_time(parser, key, value, times[key]);
    } else if (booleans[key] != NULL) {
        node_boolean(yaml, value, root_keys[key], booleans[key]);
    } else if (key == ROOT_SYSTEMS) {
        read_systems(parser, value);
    } else if (key == ROOT_PARTNERS) {
        read_partners(parser, value);
    } else if (key == ROOT_HOT) {
        word = node_word(yaml, value, root_keys[key], hot, 3);
        plan->hot = word == 2 ? PAIR_NOBODY : (uint8_t)(word == 1);
    } else if (key == ROOT_PLAY) {
        word = node_word(yaml, value, root_keys[key], play, 3);
        plan->systems = word < 0 ? PAIR_BOTH : (uint8_t)(word + 1);
    } else if (key == ROOT_STATIONS) {
        read_stations(parser, value);
    } else if (key == ROOT_SCRIPT) {
        read_script(parser, value);
    } else {
        read_number_key(parser, key, value);
    }
}

static unsigned count_networks(const struct address addresses[PAIR_NETWORKS])
{
    unsigned count = 0;
    while (count < PAIR_NETWORKS && addresses[count].host != NULL) {
        count++;
    }
    return count;
}

/* Whoever is connected to, systems or partners, has an address on each network; the others, if they have one,
 * too. */
static void check_addresses(struct parser *parser, struct place whole)
{
    struct sim_pair_plan *result = &parser->result;
    struct pair_plan *plan = &result->plan;
    struct reading *reading = &parser->common.reading;
    unsigned first = (plan->systems & 1u) != 0 ? 0 : 1;
    plan->networks = count_networks(plan->connects ? result->partners[0] : result->systems[first]);
    if (plan->networks == 0) {
        reading_fault(reading, whole,
                      plan->connects ? "partners: [[10.1.0.11, 10.2.0.11]]"
                                     : "systems: {a: [\"10.1.0.1:2404\", \"10.2.0.1:2404\"], b: […]}",
                      plan->connects ? "the pair connects, and nothing says where to"
                                     : "the pair is connected to, and nothing says where");
        return;
    }
    for (unsigned s = 0; s < PAIR_SYSTEMS; s++) {
        unsigned count = count_networks(result->systems[s]);
        bool played = pair_has_bit(plan->systems, s);
        if (played && count != plan->networks && (count > 0 || !plan->connects)) {
            reading_fault(reading, whole, "an address a network for each",
                          "system %c has addresses of %u networks, and there are %u", 'a' + (int)s, count,
                          plan->networks);
        }
    }
    for (unsigned p = 0; p < plan->partners; p++) {
        unsigned count = count_networks(result->partners[p]);
        if (count != plan->networks && (count > 0 || plan->connects || plan->partners > 1)) {
            reading_fault(reading, whole, "an address a network for each",
                          "partner %u has addresses of %u networks, and there are %u", p + 1, count,
                          plan->networks);
        }
    }
}

static void read_root(struct parser *parser, const yaml_node_t *root)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    struct sim_parser *common = &parser->common;
    while (mapping_next(&common->yaml, root, "the file", &index, &key, &key_node, &value)) {
        int found = key_find(&common->yaml, key, key_node, "a pair", root_keys, ROOT_KEYS);
        if (found >= 0) {
            read_root_key(parser, (enum root_key)found, value);
        }
    }
    struct place whole = place_of(parser, root);
    if (common->reading.fault_count == 0) {
        check_addresses(parser, whole);
    }
    if (common->reading.fault_count == 0) {
        const char *fault = pair_plan_fault(&parser->result.plan);
        if (fault != NULL) {
            reading_fault(&common->reading, whole, "", "%s", fault);
        }
    }
}

struct sim_pair_plan sim_pair_plan_parse(const struct site_file *files, size_t count, const char *folder,
                                         double speed)
{
    KOMET_ASSERT(count > 0 && speed > 0);
    struct parser parser = {.common = {.folder = folder, .speed = speed}};
    struct sim_parser *common = &parser.common;
    parser.result.arena = arena_new();
    parser.result.plan = pair_plan_standard();
    common->reading = reading_begin(parser.result.arena, files, count, NULL);
    common->yaml.reading = &common->reading;
    common->yaml.file = files[0].name;
    const yaml_node_t *root =
        yaml_load(&common->yaml, &files[0], "systems:, partners: and stations: stand in it");
    if (root != NULL) {
        read_root(&parser, root);
    }
    yaml_unload(&common->yaml);
    reading_sort(common->reading.faults, common->reading.fault_count);
    parser.result.usable = common->reading.fault_count == 0;
    parser.result.faults = common->reading.faults;
    parser.result.fault_count = common->reading.fault_count;
    return parser.result;
}

struct sim_pair_plan sim_pair_plan_read(const char *path, double speed)
{
    struct site_arena *arena = arena_new();
    struct site_file file;
    const char *folder;
    struct site_fault *fault = sim_plan_file(arena, path, &file, &folder);
    if (fault != NULL) {
        return (struct sim_pair_plan){.faults = fault, .fault_count = 1, .arena = arena};
    }
    struct sim_pair_plan plan = sim_pair_plan_parse(&file, 1, folder, speed);
    arena_free(arena);
    return plan;
}

void sim_pair_plan_release(struct sim_pair_plan *plan)
{
    arena_free(plan->arena);
    *plan = (struct sim_pair_plan){0};
}
