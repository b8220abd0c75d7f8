/*
 * What the console may ask of the engine: tags, watches, processes, lines and stations as they are known now.
 */
#include <stdio.h>
#include <string.h>

#include "server/server_private.h"

const struct site *server_site(const struct server *server)
{
    return server->site;
}

const char *server_name(const struct server *server)
{
    return server->name;
}

uint64_t server_configuration(const struct server *server)
{
    return server->configuration;
}

bool server_line_is_outdated(const struct server *server, const struct line *line, uint8_t instance)
{
    return server_instance_is_outdated(server, line->process, instance) &&
           (difference_line_was(server->difference, line) == NULL ||
            difference_line_change(server->difference, line) != LINE_SAME);
}

int64_t server_lease_us(const struct server *server)
{
    return server->lease_us;
}

bool server_instance_is_outdated(const struct server *server, const struct process *process, uint8_t instance)
{
    uint8_t client = server_client_of(&server->processes[process->index], instance);
    return client != SERVER_NO_CLIENT && server->clients[client].configuration != server->configuration;
}

struct komet_utc server_since(const struct server *server)
{
    return server->since;
}

const struct value *server_value(const struct server *server, const struct tag *tag)
{
    return &server->tags[tag_site_number(tag)].value;
}

const struct instances *server_instances(const struct server *server, const struct process *process)
{
    return &server->processes[process->index].instances;
}

struct server_late server_late(const struct server *server, const struct process *process)
{
    return server->processes[process->index].late;
}

const char *server_instance_host(const struct server *server, const struct process *process, uint8_t instance)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    return server->processes[process->index].members[instance].host;
}

struct komet_utc server_utc_of(const struct server *server, struct komet_instant instant)
{
    int64_t since_us = komet_elapsed_us(instant, server->started.instant);
    return (struct komet_utc){server->started.utc.ms + since_us / 1000};
}

const struct server_line_state *server_line_state(const struct server *server, const struct line *line)
{
    return &server->lines[server_line_number(server, line)];
}

enum station_value server_station_value(const struct server *server, const struct station *station,
                                        value_flags *flags)
{
    const struct station_known *known = &server->stations[server_station_number(server, station)];
    *flags = known->flags;
    return known->value;
}

struct server_counters server_counters(const struct server *server)
{
    return server->counters;
}

bool server_watch(struct server *server, uint64_t token, const char *mask)
{
    for (unsigned i = 0; i < SERVER_WATCHES_MAX; i++) {
        if (server->watches[i].used) {
            continue;
        }
        server->watches[i] = (struct watch){.used = true, .token = token};
        snprintf(server->watches[i].mask, sizeof server->watches[i].mask, "%s", mask);
        for (uint32_t t = 0; t < server->site->tag_count; t++) {
            if (name_matches(mask, server->site->tags[t]->name)) {
                server->tags[t].watches |= (uint32_t)1 << i;
            }
        }
        return true;
    }
    return false;
}

void server_unwatch(struct server *server, uint64_t token)
{
    for (unsigned i = 0; i < SERVER_WATCHES_MAX; i++) {
        if (!server->watches[i].used || server->watches[i].token != token) {
            continue;
        }
        uint32_t bit = (uint32_t)1 << i;
        server->watches[i].used = false;
        server->changed_watches &= ~bit;
        for (uint32_t t = 0; t < server->site->tag_count; t++) {
            server->tags[t].watches &= ~bit;
        }
    }
}
