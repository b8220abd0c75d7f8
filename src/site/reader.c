/*
 * reader: site.yaml from its top to the index of tags; see reader.h.
 */
#include "site/reader.h"

#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "site/read_instances.h"
#include "site/read_line.h"
#include "site/read_listening.h"
#include "site/reading.h"

#define DEFAULT_PORT     3119
#define LEASE_DEFAULT_US KOMET_MS(600)

/* Only this machine reaches it, or it knows who speaks. */
static void check_listen(struct yaml_reader *yaml, const yaml_node_t *place, const struct site_server *server)
{
    if (server->tls == NULL && !address_is_loopback(server->listen.host)) {
        reading_fault(
            yaml->reading, node_place(yaml, place),
            "tls: FOLDER beside it, which komet certificate makes; or an address such as 127.0.0.1",
            "server %s: listen: %s may be reached from other machines, and nothing says who may speak "
            "to it",
            server->name, server->listen.host);
    }
}

static void read_server(struct yaml_reader *yaml, const yaml_node_t *node, struct site_server *server)
{
    static const char *const keys[] = {"name", "listen", "tls"};
    unsigned index = 0;
    const char *key, *text;
    const yaml_node_t *key_node, *value, *listen = NULL;
    *server = (struct site_server){"A", {"127.0.0.1", DEFAULT_PORT}, NULL};
    while (mapping_next(yaml, node, "a server", &index, &key, &key_node, &value)) {
        switch (key_find(yaml, key, key_node, "a server", keys, 3)) {
        case 0:
            text = node_text(yaml, value, "name");
            server->name = text != NULL ? text : server->name;
            break;
        case 1:
            listen = node_address(yaml, value, "listen", DEFAULT_PORT, &server->listen) ? value : NULL;
            break;
        case 2:
            text = node_text(yaml, value, "tls");
            server->tls = text != NULL && text[0] != '\0' ? text : NULL;
            break;
        default:
            break;
        }
    }
    if (listen != NULL) {
        check_listen(yaml, listen, server);
    }
}

static void read_group(struct yaml_reader *yaml, const yaml_node_t *node, struct site *site)
{
    static const char *const keys[] = {"name", "servers", "lease"};
    unsigned index = 0, item_index = 0;
    const char *key;
    const yaml_node_t *key_node, *value, *item;
    while (mapping_next(yaml, node, "group", &index, &key, &key_node, &value)) {
        switch (key_find(yaml, key, key_node, "a group", keys, 3)) {
        case 0: {
            const char *name = node_text(yaml, value, "name");
            site->group = name != NULL ? name : "";
            break;
        }
        case 1:
            if (site->servers != NULL) {
                break; /* the key stands twice, which was told */
            }
            site->servers =
                arena_take(yaml->reading->arena, (sequence_size(value) + 1) * sizeof *site->servers);
            while (sequence_next(yaml, value, "servers", &item_index, &item)) {
                if (site->server_count == 1) {
                    reading_fault(yaml->reading, node_place(yaml, item), "name one server",
                                  "a group of several servers is not in this version");
                    break;
                }
                read_server(yaml, item, &site->servers[site->server_count++]);
            }
            break;
        case 2:
            if (node_duration(yaml, value, "lease", 1000, &site->lease_us) &&
                (site->lease_us < KOMET_MS(50) || site->lease_us > KOMET_SECONDS(60))) {
                reading_fault(yaml->reading, node_place(yaml, value), "50 ms to 60 s",
                              "the lease is out of range");
            }
            break;
        default:
            break;
        }
    }
}

/* `said`: where the site says that the process is redundant; NULL: it does not. */
static void check_redundant(struct yaml_reader *yaml, const yaml_node_t *said, struct process *process)
{
    process->redundant = said != NULL;
    const struct line *line = said != NULL ? process_lone_line(process) : NULL;
    if (line != NULL) {
        reading_fault(yaml->reading, node_place(yaml, said),
                      "put the line into a process of its own, which runs without an instance number",
                      "process '%s' is redundant, and protocol %s of line '%s' does not support it",
                      process->name, line_protocol_name(line->protocol), line->name);
    }
}

static void read_process(struct yaml_reader *yaml, const yaml_node_t *node, struct process *process,
                         const struct site_scope *scope)
{
    static const char *const keys[] = {"lines", "instances", "redundant"};
    static const char *const booleans[] = {"true", "false"};
    unsigned index = 0, line_index = 0;
    const char *key;
    const yaml_node_t *key_node, *value, *line_node, *instances = NULL, *redundant = NULL;
    while (mapping_next(yaml, node, process->name, &index, &key, &key_node, &value)) {
        int found = key_find(yaml, key, key_node, "a process", keys, 3);
        if (found == 1 || (found == 2 && node_word(yaml, value, "redundant", booleans, 2) == 0)) {
            redundant = key_node;
        }
        instances = found == 1 ? value : instances;
        if (found != 0 || process->lines != NULL) {
            continue; /* a key that stands twice was told when the walk began; the first one counts */
        }
        process->lines = arena_take(yaml->reading->arena, (mapping_size(value) + 1) * sizeof *process->lines);
        while (mapping_next(yaml, value, "lines", &line_index, &key, &key_node, &line_node)) {
            struct line *line = &process->lines[process->line_count];
            line->name = key;
            line->process = process;
            line->index = process->line_count++;
            read_line(yaml, line_node, line, scope);
        }
    }
    if (instances != NULL) { /* which may stand before the lines that it is about */
        read_instances(yaml, instances, process, scope->tags_wanted);
    }
    check_redundant(yaml, redundant, process);
}

static void read_processes(struct yaml_reader *yaml, const yaml_node_t *node, struct site *site,
                           struct site_scope scope)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    const char *only = yaml->reading->only_process;
    if (site->processes != NULL) {
        return; /* the key stands twice, which was told */
    }
    site->processes = arena_take(yaml->reading->arena, (mapping_size(node) + 1) * sizeof *site->processes);
    while (mapping_next(yaml, node, "processes", &index, &key, &key_node, &value)) {
        struct process *process = &site->processes[site->process_count];
        process->name = key;
        process->index = site->process_count++;
        scope.tags_wanted = only == NULL || name_compare(only, key) == 0;
        if (strlen(key) < 5 || name_compare(key + strlen(key) - 4, ".KOM") != 0) {
            reading_fault(yaml->reading, node_place(yaml, key_node), "such as SELF.KOM",
                          "the name of a process ends with .KOM; this one is '%s'", key);
        }
        read_process(yaml, value, process, &scope);
    }
}

static void read_root(struct yaml_reader *yaml, const yaml_node_t *root, struct site *site)
{
    static const char *const keys[] = {"site", "group", "processes", "local_time", "summer_time"};
    static const char *const summers[] = {"none", "eu"};
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    struct site_scope scope = {0};
    const yaml_node_t *local =
        mapping_find(yaml, root, "local_time"); /* stations need it, wherever it stands */
    const char *text = local != NULL ? node_text(yaml, local, "local_time") : NULL;
    if (text != NULL && !zone_parse(text, &scope.local_minutes)) {
        reading_fault(yaml->reading, node_place(yaml, local),
                      "the standard offset from UTC, such as \"+01:00\"", "local_time is '%s'", text);
    }
    const yaml_node_t *summer = mapping_find(yaml, root, "summer_time"); /* likewise */
    scope.summer_time_eu = summer != NULL && node_word(yaml, summer, "summer_time", summers, 2) == 1;
    while (mapping_next(yaml, root, "site.yaml", &index, &key, &key_node, &value)) {
        switch (key_find(yaml, key, key_node, "site.yaml", keys, 5)) {
        case 0: {
            const char *name = node_text(yaml, value, "site");
            site->name = name != NULL ? name : "";
            break;
        }
        case 1:
            read_group(yaml, value, site);
            break;
        case 2:
            read_processes(yaml, value, site, scope);
            break;
        default:
            break;
        }
    }
    if (site->process_count == 0 && root->type == YAML_MAPPING_NODE) {
        reading_fault(yaml->reading, node_place(yaml, root), "processes: {SELF.KOM: {lines: …}}",
                      "the site has no process");
    }
}

static void read_document(struct reading *reading, struct site *site)
{
    struct yaml_reader yaml = {.reading = reading};
    const yaml_node_t *root = yaml_load(&yaml, &reading->files[0], "site: NAME and processes: stand in it");
    if (root != NULL) {
        read_root(&yaml, root, site);
    }
    yaml_unload(&yaml);
}

struct site_result site_read(const struct site_file *files, size_t count, const char *only_process)
{
    return site_read_wanted(files, count, &(struct site_wanted){.process = only_process});
}

struct site_result site_read_wanted(const struct site_file *files, size_t count,
                                    const struct site_wanted *wanted)
{
    KOMET_ASSERT(count > 0 && wanted->instance <= INSTANCE_MAX);
    struct site_arena *arena = arena_new();
    struct reading reading = reading_begin(arena, files, count, wanted->process);
    reading.only_instance = wanted->instance;
    reading.not_built = wanted->not_built;
    struct site *site = arena_take(arena, sizeof *site);
    site->name = site->group = "";
    site->lease_us = LEASE_DEFAULT_US;
    read_document(&reading, site);
    if (site->server_count == 0) {
        site->servers = arena_take(arena, sizeof *site->servers);
        site->servers[site->server_count++] = (struct site_server){"A", {"127.0.0.1", DEFAULT_PORT}, NULL};
    }
    site_index(&reading, site);
    reading_sort(reading.faults, reading.fault_count);
    reading_sort(reading.warnings, reading.warning_count);
    return (struct site_result){.site = reading.fault_count == 0 ? site : NULL,
                                .faults = reading.faults,
                                .fault_count = reading.fault_count,
                                .warnings = reading.warnings,
                                .warning_count = reading.warning_count,
                                .arena = arena};
}

void site_result_release(struct site_result *result)
{
    arena_free(result->arena);
    *result = (struct site_result){0};
}
