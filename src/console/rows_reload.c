/*
 * rows: see rows.h; what RELOAD did, and what runs otherwise than the site says (CHECK DIRTY).
 */
#include <stdio.h>
#include <string.h>

#include "console/rows.h"
#include "komet/assert.h"
#include "server/server.h"
#include "site/reader.h"

static const struct site_server *find_server(const struct site *site, const char *name)
{
    for (unsigned i = 0; i < site->server_count; i++) {
        if (strcmp(site->servers[i].name, name) == 0) {
            return &site->servers[i];
        }
    }
    return NULL;
}

static void put_address(char *text, const struct address *address)
{
    snprintf(text, RECORD_TEXT_MAX, "%.100s:%u", address->host, address->port);
}

static void put_text(char *text, const char *value)
{
    snprintf(text, RECORD_TEXT_MAX, "%s", value != NULL ? value : "");
}

bool rows_restart(const struct rows_started *started, const struct site *now, unsigned index,
                  struct rows_restart *restart)
{
    static const char *const settings[ROWS_RESTART_MAX] = {"name", "listen", "tls", "lease", "group"};
    const struct site_server *runs = find_server(started->site, started->server);
    const struct site_server *configured = find_server(now, started->server);
    KOMET_ASSERT(index < ROWS_RESTART_MAX && runs != NULL);
    *restart = (struct rows_restart){.setting = settings[index]};
    switch (index) {
    case 0:
        put_text(restart->runs, started->server);
        put_text(restart->configured, configured != NULL ? configured->name : NULL);
        break;
    case 1:
        if (!started->listen && configured != NULL) {
            put_address(restart->runs, &runs->listen);
            put_address(restart->configured, &configured->listen);
        }
        break;
    case 2:
        if (!started->tls && configured != NULL) {
            put_text(restart->runs, runs->tls);
            put_text(restart->configured, configured->tls);
        }
        break;
    case 3:
        snprintf(restart->runs, RECORD_TEXT_MAX, "%lld ms", (long long)(started->lease_us / 1000));
        snprintf(restart->configured, RECORD_TEXT_MAX, "%lld ms", (long long)(now->lease_us / 1000));
        break;
    default:
        put_text(restart->runs, started->site->group);
        put_text(restart->configured, now->group);
        break;
    }
    return strcmp(restart->runs, restart->configured) != 0;
}

static void put_changes(struct json *json, const char *of, struct difference_counts counts)
{
    json_open(json, NULL, '{');
    json_string(json, "of", of);
    json_unsigned(json, "added", counts.added);
    json_unsigned(json, "removed", counts.removed);
    json_unsigned(json, "changed", counts.changed);
    json_close(json, '}');
}

static void put_faults(struct json *json, const char *name, const struct site_fault *faults, size_t count)
{
    json_open(json, name, '[');
    for (size_t i = 0; i < count && !json->full; i++) {
        json_open(json, NULL, '{');
        json_string(json, "file", faults[i].file);
        json_unsigned(json, "line", (uint64_t)faults[i].line);
        json_unsigned(json, "column", (uint64_t)faults[i].column);
        json_string(json, "what", faults[i].what);
        json_string(json, "right", faults[i].right);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_restarts(struct json *json, const struct rows_started *started, const struct site *now)
{
    struct rows_restart restart;
    json_open(json, "restart", '[');
    for (unsigned i = 0; i < ROWS_RESTART_MAX; i++) {
        if (rows_restart(started, now, i, &restart)) {
            json_open(json, NULL, '{');
            json_string(json, "setting", restart.setting);
            json_string(json, "runs", restart.runs);
            json_string(json, "configured", restart.configured);
            json_close(json, '}');
        }
    }
    json_close(json, ']');
}

void rows_reloaded(struct json *json, const struct rows_reload *reload, const struct rows_started *started,
                   const struct site *now, const struct server_ended *ended)
{
    KOMET_ASSERT(reload != NULL && started != NULL && ended != NULL);
    json_open(json, NULL, '{');
    json_unsigned(json, "id", ended->id);
    json_string(json, "result", command_result_name(ended->result));
    json_string(json, "reason", ended->reason);
    json_unsigned(json, "configuration", reload->configuration);
    json_open(json, "changes", '[');
    put_changes(json, "lines", reload->lines);
    put_changes(json, "stations", reload->stations);
    put_changes(json, "tags", reload->tags);
    json_close(json, ']');
    put_faults(json, "mistakes", reload->mistakes, reload->mistake_count);
    put_faults(json, "warnings", reload->warnings, reload->warning_count);
    put_restarts(json, started, now);
    json_close(json, '}');
}

void rows_dirty_setting(struct json *json, const char *server, const struct rows_restart *restart)
{
    json_open(json, NULL, '{');
    json_string(json, "name", server);
    json_null(json, "process");
    json_null(json, "instance");
    json_string(json, "setting", restart->setting);
    json_string(json, "runs", restart->runs);
    json_string(json, "configured", restart->configured);
    json_close(json, '}');
}

void rows_dirty_line(struct json *json, const struct line *line, uint8_t instance, uint64_t configured)
{
    char text[24];
    json_open(json, NULL, '{');
    json_string(json, "name", line->name);
    json_string(json, "process", line->process->name);
    json_unsigned(json, "instance", instance);
    json_string(json, "setting", "configuration");
    snprintf(text, sizeof text, "%llu", (unsigned long long)configured - 1);
    json_string(json, "runs", text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)configured);
    json_string(json, "configured", text);
    json_close(json, '}');
}
