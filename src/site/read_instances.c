/*
 * read_instances: see read_instances.h.
 */
#include "site/read_instances.h"

#include <stdlib.h>

#include "site/read_line.h"
#include "site/read_listening.h"
#include "site/read_partners.h"

static struct line *find_line(const struct process *process, const char *name)
{
    for (unsigned i = 0; i < process->line_count; i++) {
        if (name_compare(process->lines[i].name, name) == 0) {
            return &process->lines[i];
        }
    }
    return NULL;
}

static void take_parameters(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    struct parameter_set of_line = parameter_defaults(), of_stations = parameter_defaults();
    read_parameters(yaml, node, &of_stations, &of_line);
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (of_stations.given[i]) {
            reading_fault(yaml->reading, node_place(yaml, node), "give it at the station, for all instances",
                          "%s is a parameter of stations, which are the same for every instance",
                          parameter_row((enum parameter_id)i)->short_name);
        }
        if (of_line.given[i]) {
            line->parameters.value[i] = of_line.value[i];
            line->parameters.given[i] = true;
        }
    }
    if (of_line.given[PARAMETER_SH]) {
        line->parameters.server_host = of_line.server_host;
    }
}

/* The line as it is for this instance: a copy, so that no instance sees what is said of another. */
static struct line read_difference(struct yaml_reader *yaml, const yaml_node_t *node, const struct line *line)
{
    static const char *const keys[] = {"local", "parameters", "listen"};
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    struct line own = *line;
    while (mapping_next(yaml, node, line->name, &index, &key, &key_node, &value)) {
        switch (key_find(yaml, key, key_node, "a line of an instance", keys, 3)) {
        case 0:
            read_local(yaml, value, &own);
            break;
        case 1:
            take_parameters(yaml, value, &own);
            check_line(yaml, value, &own);
            break;
        case 2:
            read_listen(yaml, value, &own.listen);
            check_line(yaml, value, &own);
            break;
        default:
            break;
        }
    }
    return own;
}

static void read_instance(struct yaml_reader *yaml, const yaml_node_t *node, struct process *process,
                          bool wanted)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    while (mapping_next(yaml, node, "an instance", &index, &key, &key_node, &value)) {
        struct line *line = find_line(process, key);
        if (line == NULL) {
            reading_fault(yaml->reading, node_place(yaml, key_node), "one of the process's own lines",
                          "process '%s' has no line '%s'", process->name, key);
            continue;
        }
        struct line own = read_difference(yaml, value, line);
        if (wanted) {
            line->parameters = own.parameters;
            line->listen = own.listen;
            for (unsigned i = 0; i < SITE_NETWORKS_MAX; i++) {
                line->local[i] = own.local[i];
            }
        }
    }
}

void read_instances(struct yaml_reader *yaml, const yaml_node_t *node, struct process *process,
                    bool own_process)
{
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value;
    while (mapping_next(yaml, node, "instances", &index, &key, &key_node, &value)) {
        char *end;
        unsigned long number = strtoul(key, &end, 10);
        if (*end != '\0' || number < 1 || number > INSTANCE_MAX) {
            reading_fault(yaml->reading, node_place(yaml, key_node), "1 to 15", "'%s' is no instance", key);
            continue;
        }
        read_instance(yaml, value, process, own_process && number == yaml->reading->only_instance);
    }
}
