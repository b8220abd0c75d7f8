/*
 * read_line: a line of site.yaml with its stations and parameters.
 */
#include "site/read_line.h"

#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "site/read_listening.h"
#include "site/read_partners.h"

#define PERIOD_MIN_MS 1000 /* of interrogations: a shorter one leaves room for nothing else */

enum { MAX_STATIONS = 4096 };

static void set_parameter(struct yaml_reader *yaml, const yaml_node_t *key_node, const char *key,
                          const yaml_node_t *value, struct parameter_set *own, struct parameter_set *of_line)
{
    const struct parameter_row *row = parameter_find(key);
    if (row == NULL) {
        const char *names[PARAMETER_COUNT * 2];
        for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
            names[2 * i] = parameter_row((enum parameter_id)i)->short_name;
            names[2 * i + 1] = parameter_row((enum parameter_id)i)->full_name;
        }
        const char *near = nearest_word(key, names, PARAMETER_COUNT * 2);
        reading_fault(yaml->reading, node_place(yaml, key_node),
                      near != NULL ? arena_format(yaml->reading->arena, "did you mean '%s'?", near)
                                   : "`komet check --parameters` lists them all",
                      "unknown parameter '%s'", key);
        return;
    }
    const char *text = node_text(yaml, value, row->full_name);
    int64_t number;
    const char *wrong = text != NULL ? parameter_parse(row, text, &number) : "";
    if (wrong != NULL) {
        if (*wrong != '\0') {
            reading_fault(yaml->reading, node_place(yaml, value),
                          row->type == PARAMETER_BOOLEAN || row->type == PARAMETER_LETTERS
                              ? wrong
                              : arena_format(yaml->reading->arena, "%lld to %lld %s", (long long)row->minimum,
                                             (long long)row->maximum, row->unit),
                          "%s (%s) is '%s'", row->full_name, row->short_name, text);
        }
        return;
    }
    struct parameter_set *set = row->scope == SCOPE_LINE ? of_line : own;
    bool same =
        set->value[row->id] == number && (row->type != PARAMETER_TEXT || strcmp(set->server_host, text) == 0);
    if (row->scope == SCOPE_LINE && set->given[row->id] && !same) {
        reading_warning(yaml->reading, node_place(yaml, key_node), "give it once, at the line",
                        "%s belongs to the whole line and already has another value; the first one counts",
                        row->short_name);
        return;
    }
    set->value[row->id] = number;
    set->given[row->id] = true;
    if (row->type == PARAMETER_TEXT) {
        set->server_host = text;
    }
}

void read_parameters(struct yaml_reader *yaml, const yaml_node_t *node, struct parameter_set *own,
                     struct parameter_set *of_line)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    while (mapping_next(yaml, node, "parameters", &index, &key, &key_node, &value)) {
        set_parameter(yaml, key_node, key, value, own, of_line);
    }
}

/* 513, "2,1" (high octet first) or "#0203". */
static void read_ca(struct yaml_reader *yaml, const yaml_node_t *node, struct station *station)
{
    const char *text = node_text(yaml, node, "address");
    if (text == NULL) {
        return;
    }
    char *end;
    unsigned long number = *text == '#' ? strtoul(text + 1, &end, 16) : strtoul(text, &end, 10);
    bool right = end != text && *text != '-';
    if (right && *end == ',' && number <= 255) {
        unsigned long low = strtoul(end + 1, &end, 10);
        right = low <= 255;
        number = number << 8 | low;
    }
    if (!right || *end != '\0' || number > 65534) {
        reading_fault(yaml->reading, node_place(yaml, node),
                      "0 to 65534, two octets as \"2,1\", or \"#0201\"", "'%s' is no common address", text);
        return;
    }
    station->ca = (uint16_t)number;
}

/* utc, local, arrival, or an offset such as "+05:30". */
static void read_zone(struct yaml_reader *yaml, const yaml_node_t *node, struct station *station,
                      const struct site_scope *scope)
{
    const char *text = node_text(yaml, node, "time");
    if (text == NULL) {
        return;
    }
    int minutes;
    if (strcmp(text, "utc") == 0) {
        station->zone = STATION_ZONE_UTC;
    } else if (strcmp(text, "local") == 0) {
        station->zone = STATION_ZONE_LOCAL;
        station->zone_offset_minutes = scope->local_minutes;
        station->summer_time = true;
        station->summer_time_eu = scope->summer_time_eu;
    } else if (strcmp(text, "arrival") == 0) {
        station->zone = STATION_ZONE_ARRIVAL;
    } else if (zone_parse(text, &minutes)) {
        station->zone = STATION_ZONE_OFFSET;
        station->zone_offset_minutes = minutes;
    } else {
        reading_fault(yaml->reading, node_place(yaml, node),
                      "utc, local, arrival, or an offset such as \"+01:00\"", "time is '%s'", text);
    }
}

bool zone_parse(const char *text, int *minutes)
{
    if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':') {
        return false;
    }
    for (unsigned i = 1; i < 6; i++) {
        if (i != 3 && (text[i] < '0' || text[i] > '9')) {
            return false;
        }
    }
    int hours = (text[1] - '0') * 10 + text[2] - '0', rest = (text[4] - '0') * 10 + text[5] - '0';
    *minutes = (hours * 60 + rest) * (*text == '-' ? -1 : 1);
    return hours <= 14 && rest <= 59;
}

static const struct site_file *find_file(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->file_count; i++) {
        if (strcmp(reading->files[i].name, name) == 0) {
            return &reading->files[i];
        }
    }
    return NULL;
}

static void read_tags(struct yaml_reader *yaml, const yaml_node_t *node, struct station *station, bool wanted)
{
    station->tag_file = node_text(yaml, node, "tags");
    const struct site_file *file =
        station->tag_file != NULL ? find_file(yaml->reading, station->tag_file) : NULL;
    if (file != NULL && wanted && station->tags == NULL) {
        csv_read_tags(yaml->reading, file, station);
    } else if (file == NULL && station->tag_file != NULL && wanted) {
        reading_fault(yaml->reading, node_place(yaml, node), "a table beside site.yaml, such as north.csv",
                      "the table '%s' is not there", station->tag_file);
    }
}

/* The tag may stand in a table that is read later: it is looked up when all are (index.c). */
static void read_control_object(struct yaml_reader *yaml, const yaml_node_t *node, struct station *station)
{
    struct reading *reading = yaml->reading;
    const char *name = node_text(yaml, node, "control_object");
    if (name != NULL) {
        struct control_object *control = arena_take(reading->arena, sizeof *control);
        *control = (struct control_object){reading->controls, station, name, node_place(yaml, node)};
        reading->controls = control;
    }
}

static void check_station(struct yaml_reader *yaml, const yaml_node_t *node, const struct station *station)
{
    static const enum parameter_id periods[] = {PARAMETER_ICP, PARAMETER_CICP};
    for (unsigned i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        int64_t period_ms = station->parameters.value[periods[i]];
        if (period_ms > 0 && period_ms < PERIOD_MIN_MS) {
            reading_fault(yaml->reading, node_place(yaml, node), "0, or at least 1 s",
                          "%s is %lld ms at station '%s'", parameter_row(periods[i])->short_name,
                          (long long)period_ms, station->name);
        }
    }
    const int64_t *value = station->parameters.value;
    if (value[PARAMETER_SHE] < value[PARAMETER_SCE]) {
        reading_fault(yaml->reading, node_place(yaml, node), "SHE is not below SCE",
                      "SHE is %lld and SCE is %lld at station '%s'", (long long)value[PARAMETER_SHE],
                      (long long)value[PARAMETER_SCE], station->name);
    }
}

static void read_station(struct yaml_reader *yaml, const yaml_node_t *node, struct station *station,
                         const struct site_scope *scope)
{
    static const char *const keys[] = {
        "address",       "tags",       "time",           "parameters",
        "communication", "clock_sync", "control_object", "invalidate_when_off"};
    static const char *const communications[] = {"enabled", "disabled"}, *const booleans[] = {"true",
                                                                                              "false"};
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    bool has_address = false;
    station->parameters = line_is_server(station->line) ? parameter_server_defaults() : parameter_defaults();
    station->keep_when_off = line_is_server(station->line); /* its values are not those of a partner */
    while (mapping_next(yaml, node, station->name, &index, &key, &key_node, &value)) {
        switch (key_find(yaml, key, key_node, "a station", keys, 8)) {
        case 0:
            read_ca(yaml, value, station);
            has_address = true;
            break;
        case 1:
            read_tags(yaml, value, station, scope->tags_wanted);
            break;
        case 2:
            read_zone(yaml, value, station, scope);
            break;
        case 3:
            read_parameters(yaml, value, &station->parameters, &station->line->parameters);
            break;
        case 4:
            station->communication_disabled = node_word(yaml, value, "communication", communications, 2) == 1;
            break;
        case 5:
            node_duration(yaml, value, "clock_sync", KOMET_SECONDS(1), &station->clock_sync_us);
            break;
        case 6:
            read_control_object(yaml, value, station);
            break;
        case 7:
            station->keep_when_off = node_word(yaml, value, "invalidate_when_off", booleans, 2) == 1;
            break;
        default:
            break;
        }
    }
    if (!has_address && node->type == YAML_MAPPING_NODE) {
        reading_fault(yaml->reading, node_place(yaml, node), "give it the common address of its ASDUs",
                      "station '%s' has no address", station->name);
    }
    check_station(yaml, node, station);
}

static void read_stations(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line,
                          const struct site_scope *scope)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    if (line->stations != NULL) {
        return; /* the key stands twice, which was told */
    }
    line->stations = arena_take(yaml->reading->arena, (mapping_size(node) + 1) * sizeof *line->stations);
    while (mapping_next(yaml, node, "stations", &index, &key, &key_node, &value)) {
        if (line->station_count == MAX_STATIONS) {
            reading_fault(yaml->reading, node_place(yaml, key_node), "", "more than %d stations on a line",
                          MAX_STATIONS);
            return;
        }
        struct station *station = &line->stations[line->station_count++];
        station->name = key;
        station->line = line;
        read_station(yaml, value, station, scope);
        for (unsigned i = 0; i + 1 < line->station_count; i++) {
            if (line->stations[i].ca == station->ca) {
                reading_fault(yaml->reading, node_place(yaml, key_node), "each station of a line has its own",
                              "stations '%s' and '%s' have the same address %u", line->stations[i].name,
                              station->name, station->ca);
            }
        }
    }
}

static void read_hosts(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    unsigned index = 0;
    const yaml_node_t *item;
    if (line->partner_count > 0) {
        return; /* the key stands twice, which was told */
    }
    while (sequence_next(yaml, node, "hosts", &index, &item)) {
        if (item->type == YAML_SEQUENCE_NODE && line->protocol == PROTOCOL_IEC104) {
            read_paired_hosts(yaml, item, line);
            continue;
        }
        if (line->host_count == SITE_ADDRESSES_MAX) {
            reading_fault(yaml->reading, node_place(yaml, item), "", "more than %d hosts",
                          SITE_ADDRESSES_MAX);
            return;
        }
        if (node_address(yaml, item, "hosts", 2404, &line->hosts[line->host_count])) {
            line->host_count++;
        }
    }
}

/* One of the words; -1 and a fault for another, and for one that is known and not built. `built` of them are,
 * from the first. */
static int read_known(struct yaml_reader *yaml, const yaml_node_t *node, const char *what,
                      const char *const *words, size_t count, size_t built)
{
    struct reading *reading = yaml->reading;
    const char *text = node_text(yaml, node, what), *runs = words[0];
    for (size_t i = 1; i < built; i++) {
        runs = arena_format(reading->arena, "%s' or '%s", runs, words[i]);
    }
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, words[i]) != 0) {
            continue;
        }
        if (i >= built && !reading->not_built) {
            reading_fault(reading, node_place(yaml, node),
                          arena_format(reading->arena, "this version runs '%s'", runs),
                          "%s '%s' is not in this version", what, text);
        }
        return (int)i;
    }
    if (text != NULL) {
        reading_fault(reading, node_place(yaml, node), arena_format(reading->arena, "write '%s'", runs),
                      "unknown %s '%s'", what, text);
    }
    return -1;
}

static void read_protocol(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    static const char *const words[] = {"iec104", "iec104-server", "iec104-sinaut", "iec101"};
    int found = read_known(yaml, node, "protocol", words, 4, 3);
    line->protocol = found >= 0 ? line_protocol_find(words[found]) : PROTOCOL_IEC104;
    KOMET_ASSERT(line->protocol != PROTOCOL_COUNT);
}

static void read_category(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    static const char *const words[] = {"tcp", "tcp-redundant", "serial", "serial-over-udp"};
    int found = read_known(yaml, node, "category", words, 4, 2);
    line->category = found == 1 ? CATEGORY_TCP_REDUNDANT : CATEGORY_TCP;
}

void check_line(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    const int64_t *value = line->parameters.value;
    struct place place = node_place(yaml, node);
    if (line->without_server == WITHOUT_SERVER_BUFFER && line->protocol != PROTOCOL_IEC104) {
        reading_fault(yaml->reading, place, "without_server: close",
                      "line '%s' cannot be read without a server: only iec104 can", line->name);
    }
    if (line->protocol != PROTOCOL_IEC104_SINAUT && !line_is_paired(line) && line->local[0] != NULL) {
        reading_fault(yaml->reading, place, "leave it out: the system chooses",
                      "local is for a line of protocol iec104-sinaut, or of category tcp-redundant");
    }
    if (line->protocol == PROTOCOL_IEC104_SINAUT) {
        check_partners(yaml, node, line);
    } else if (line_is_paired(line)) {
        check_paired(yaml, node, line);
    } else if (line->partner_count > 0) {
        reading_fault(yaml->reading, place, "category: tcp-redundant, or one list of hosts",
                      "line '%s' has a list of hosts for each of two connections, and category tcp has one",
                      line->name);
    } else if (line->host_count == 0 && node->type == YAML_MAPPING_NODE && !line_is_server(line)) {
        reading_fault(yaml->reading, place, "hosts: [\"10.3.0.5:2404\"]", "line '%s' has no host",
                      line->name);
    }
    if (value[PARAMETER_W] >= value[PARAMETER_K]) {
        reading_fault(yaml->reading, place, "W is below K; two thirds of it are usual",
                      "W is %lld and K is %lld on line '%s'", (long long)value[PARAMETER_W],
                      (long long)value[PARAMETER_K], line->name);
    } else if (value[PARAMETER_W] * 3 > value[PARAMETER_K] * 2) {
        reading_warning(yaml->reading, place, "two thirds of K are usual",
                        "W is %lld and K is %lld on line '%s': the partner may stand still until t2",
                        (long long)value[PARAMETER_W], (long long)value[PARAMETER_K], line->name);
    }
    if (value[PARAMETER_WT2] >= value[PARAMETER_WT1]) {
        reading_fault(yaml->reading, place, "WT2 is below WT1",
                      "WT2 is %lld ms and WT1 is %lld ms on line '%s'", (long long)value[PARAMETER_WT2],
                      (long long)value[PARAMETER_WT1], line->name);
    }
    check_listening(yaml, node, line);
}

/* Who writes it shall know what it gives up. */
static void warn_of_buffer(struct yaml_reader *yaml, const yaml_node_t *node, const struct line *line)
{
    reading_warning(
        yaml->reading, node_place(yaml, node),
        "without it the line is closed, and the station keeps its events",
        "line '%s' is read on without a server: then more than one instance may act on it, what the "
        "station got an acknowledgement for is not on the server's disk, and no grant ends it",
        line->name);
}

void read_line(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line,
               const struct site_scope *scope)
{
    static const char *const keys[] = {"protocol",  "category",       "number",      "hosts",
                                       "reconnect", "standby",        "acknowledge", "parameters",
                                       "stations",  "store_limit",    "line_loss",   "partners",
                                       "local",     "without_server", "listen",      "masters"};
    static const char *const standbys[] = {"cold", "warm"}, *const acknowledges[] = {"stored", "received"};
    static const char *const withouts[] = {"close", "buffer"};
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    long number;
    const yaml_node_t *protocol =
        mapping_find(yaml, node, "protocol"); /* on it depends what the others mean */
    if (protocol != NULL) {
        read_protocol(yaml, protocol, line);
    }
    line->parameters = line_is_server(line) ? parameter_server_defaults() : parameter_defaults();
    line->reconnect_us = KOMET_SECONDS(5);
    line->store_limit_us = KOMET_SECONDS(10);
    line->line_loss_us = KOMET_SECONDS(2);
    while (mapping_next(yaml, node, line->name, &index, &key, &key_node, &value)) {
        switch (key_find(yaml, key, key_node, "a line", keys, 16)) {
        case 0:
            break; /* read above */
        case 1:
            read_category(yaml, value, line);
            break;
        case 2:
            if (node_integer(yaml, value, "number", 0, 255, &number)) {
                line->number = (uint8_t)number;
            }
            break;
        case 3:
            read_hosts(yaml, value, line);
            break;
        case 4:
            node_duration(yaml, value, "reconnect", KOMET_SECONDS(1), &line->reconnect_us);
            break;
        case 5:
            line->standby = node_word(yaml, value, "standby", standbys, 2) == 1 ? STANDBY_WARM : STANDBY_COLD;
            break;
        case 6:
            line->acknowledge = node_word(yaml, value, "acknowledge", acknowledges, 2) == 1
                                    ? ACKNOWLEDGE_RECEIVED
                                    : ACKNOWLEDGE_STORED;
            break;
        case 7:
            read_parameters(yaml, value, &line->parameters, &line->parameters);
            break;
        case 8:
            read_stations(yaml, value, line, scope);
            break;
        case 9:
            node_duration(yaml, value, "store_limit", KOMET_SECONDS(1), &line->store_limit_us);
            break;
        case 10:
            if (node_duration(yaml, value, "line_loss", KOMET_SECONDS(1), &line->line_loss_us) &&
                (line->line_loss_us < KOMET_MS(100) || line->line_loss_us > KOMET_SECONDS(3600))) {
                reading_fault(yaml->reading, node_place(yaml, value), "100 ms to 1 h",
                              "line_loss is out of range");
            }
            break;
        case 11:
            if (line->protocol != PROTOCOL_IEC104_SINAUT) {
                reading_fault(yaml->reading, node_place(yaml, key_node), "write hosts in their place",
                              "line '%s' has partners, which only a line of protocol iec104-sinaut has",
                              line->name);
                break;
            }
            read_partners(yaml, value, line);
            break;
        case 12:
            read_local(yaml, value, line);
            break;
        case 13:
            if (node_word(yaml, value, "without_server", withouts, 2) == 1) {
                line->without_server = WITHOUT_SERVER_BUFFER;
                warn_of_buffer(yaml, key_node, line);
            }
            break;
        case 14:
            if (line->protocol == PROTOCOL_IEC104_SINAUT) {
                reading_fault(yaml->reading, node_place(yaml, key_node), "SP and SH of its parameters say it",
                              "listen is not for a line of protocol iec104-sinaut");
                break;
            }
            read_listen(yaml, value, &line->listen);
            break;
        case 15:
            read_masters(yaml, value, line);
            break;
        default:
            break;
        }
    }
    check_line(yaml, node, line);
}
