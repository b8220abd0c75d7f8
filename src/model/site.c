/*
 * site: finding things in a site; see site.h. The tree itself is made by src/site.
 */
#include "model/site.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"

const struct line_protocol_row *line_protocol_row(enum line_protocol protocol)
{
    static const struct line_protocol_row rows[PROTOCOL_COUNT] = {
        [PROTOCOL_IEC104] = {"iec104", true},
        [PROTOCOL_IEC104_SERVER] = {"iec104-server", true},
        [PROTOCOL_IEC104_SINAUT] = {"iec104-sinaut", true},
        [PROTOCOL_IEC101] = {"iec101", false},
    };
    KOMET_ASSERT((unsigned)protocol < PROTOCOL_COUNT);
    return &rows[protocol];
}

enum line_protocol line_protocol_find(const char *name)
{
    unsigned protocol = 0;
    while (protocol < PROTOCOL_COUNT &&
           strcmp(line_protocol_row((enum line_protocol)protocol)->name, name) != 0) {
        protocol++;
    }
    return (enum line_protocol)protocol;
}

const char *line_protocol_name(enum line_protocol protocol)
{
    return line_protocol_row(protocol)->name;
}

const struct line *process_lone_line(const struct process *process)
{
    for (unsigned i = 0; i < process->line_count; i++) {
        if (!line_protocol_row(process->lines[i].protocol)->redundant) {
            return &process->lines[i];
        }
    }
    return NULL;
}

const char *line_category_name(enum line_category category)
{
    static const char *const names[CATEGORY_COUNT] = {"tcp", "tcp-redundant"};
    KOMET_ASSERT((unsigned)category < CATEGORY_COUNT);
    return names[category];
}

bool line_listens(const struct line *line)
{
    return line->listen.host != NULL;
}

bool line_has_streams(const struct line *line)
{
    return line->protocol == PROTOCOL_IEC104_SINAUT;
}

bool line_stays_open(const struct line *line)
{
    return line->protocol == PROTOCOL_IEC104_SINAUT && line->parameters.value[PARAMETER_SKO] != 0;
}

uint32_t line_tag_count(const struct line *line)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < line->station_count; i++) {
        count += line->stations[i].tag_count;
    }
    return count;
}

bool line_is_paired(const struct line *line)
{
    return line->protocol == PROTOCOL_IEC104 && line->category == CATEGORY_TCP_REDUNDANT;
}

unsigned line_connections(const struct line *line)
{
    unsigned connections = 0;
    for (unsigned i = 0; i < line->partner_count; i++) {
        connections += line_is_paired(line) ? 1 : line->partners[i].address_count;
    }
    return line->partner_count > 0 ? connections : 1;
}

bool line_is_server(const struct line *line)
{
    switch (line->protocol) {
    case PROTOCOL_IEC104_SERVER:
        return true;
    case PROTOCOL_IEC104:
    case PROTOCOL_IEC104_SINAUT:
    case PROTOCOL_IEC101:
    case PROTOCOL_COUNT:
        break;
    }
    return false;
}

bool address_is_loopback(const char *host)
{
    unsigned part[4];
    int used = 0;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0) {
        return true;
    }
    return sscanf(host, "%3u.%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &part[3], &used) == 4 &&
           host[used] == '\0' && part[0] == 127 && part[1] < 256 && part[2] < 256 && part[3] < 256;
}

struct run_name run_name(const char *process, unsigned instance)
{
    struct run_name name;
    snprintf(name.text, sizeof name.text, instance > 0 ? "%s,%u" : "%s", process, instance);
    return name;
}

struct run_name run_value_name(const char *process, unsigned instance)
{
    struct run_name name;
    if (instance > 0) {
        snprintf(name.text, sizeof name.text, "[%u]_%s", instance, process);
    } else {
        snprintf(name.text, sizeof name.text, "%s", process);
    }
    return name;
}

int name_compare(const char *a, const char *b)
{
    return strcasecmp(a, b);
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

bool name_matches(const char *mask, const char *name)
{
    if (mask == NULL || *mask == '\0') {
        return true;
    }
    /* The last `*` takes one more each time that what follows it fails: no recursion on input. */
    const char *star = NULL, *retry = NULL;
    while (*name != '\0') {
        if (*mask == '*') {
            star = ++mask;
            retry = name;
        } else if (*mask == '?' || lower(*mask) == lower(*name)) {
            mask++;
            name++;
        } else if (star != NULL) {
            mask = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*mask == '*') {
        mask++;
    }
    return *mask == '\0';
}

const struct process *site_find_process(const struct site *site, const char *name)
{
    for (unsigned i = 0; i < site->process_count; i++) {
        if (name_compare(site->processes[i].name, name) == 0) {
            return &site->processes[i];
        }
    }
    return NULL;
}

const struct line *site_find_line(const struct site *site, const char *name)
{
    for (unsigned i = 0; i < site->process_count; i++) {
        const struct process *process = &site->processes[i];
        for (unsigned k = 0; k < process->line_count; k++) {
            if (name_compare(process->lines[k].name, name) == 0) {
                return &process->lines[k];
            }
        }
    }
    return NULL;
}

const struct station *site_find_station(const struct site *site, const char *name)
{
    for (unsigned i = 0; i < site->process_count; i++) {
        const struct process *process = &site->processes[i];
        for (unsigned k = 0; k < process->station_count; k++) {
            if (name_compare(process->stations[k]->name, name) == 0) {
                return process->stations[k];
            }
        }
    }
    return NULL;
}

const struct tag *site_find_tag(const struct site *site, const char *name)
{
    uint32_t low = 0, high = site->tag_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = name_compare(site->tags_by_name[middle]->name, name);
        if (order == 0) {
            return site->tags_by_name[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

struct tag *station_find_input(const struct station *station, uint32_t ioa)
{
    uint32_t low = 0, high = station->by_address_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct tag *tag = station->by_address[middle];
        if (tag->ioa == ioa) {
            return tag;
        }
        if (tag->ioa < ioa) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

bool tag_sends_value(const struct tag *tag)
{
    const struct komet_type_row *row = komet_type_find(tag->asdu);
    return tag_type_is_output(tag->type) && row != NULL && row->direction == KOMET_MONITOR;
}

bool line_has_outgoing(const struct line *line)
{
    return line_is_server(line) || line->protocol == PROTOCOL_IEC104_SINAUT;
}

unsigned line_receivers(const struct line *line)
{
    return line_is_server(line)                       ? line->master_count
           : line->protocol == PROTOCOL_IEC104_SINAUT ? line->partner_count
                                                      : 0;
}

const char *line_receiver_name(const struct line *line, unsigned receiver)
{
    KOMET_ASSERT(receiver < line_receivers(line));
    return line_is_server(line) ? line->masters[receiver].name : line->partners[receiver].name;
}

int line_find_receiver(const struct line *line, const char *name)
{
    for (unsigned i = 0; i < line_receivers(line); i++) {
        if (strcmp(line_receiver_name(line, i), name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

uint64_t line_outgoing_capacity(const struct line *line)
{
    bool any = line_is_server(line);
    for (unsigned i = 0; i < line->station_count && !any && line_has_outgoing(line); i++) {
        for (uint32_t k = 0; k < line->stations[i].tag_count && !any; k++) {
            const struct tag *tag = &line->stations[i].tags[k];
            any = tag_is_outgoing(tag);
        }
    }
    return any ? (uint64_t)line->parameters.value[PARAMETER_OBUF] : 0;
}

bool tag_is_timed(const struct tag *tag)
{
    const struct komet_type_row *row = komet_type_find(tag->asdu);
    KOMET_ASSERT(row != NULL);
    return row->time != KOMET_TIME_NONE;
}

bool tag_is_outgoing(const struct tag *tag)
{
    return line_has_outgoing(tag->station->line) && tag_type_is_output(tag->type) &&
           (line_is_server(tag->station->line) || tag_sends_value(tag));
}

const struct process *tag_process(const struct tag *tag)
{
    KOMET_ASSERT(tag->station != NULL && tag->station->line != NULL);
    return tag->station->line->process;
}

uint32_t tag_site_number(const struct tag *tag)
{
    return tag_process(tag)->first_tag + tag->number;
}
