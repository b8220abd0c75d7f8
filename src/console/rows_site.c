/*
 * rows: see rows.h; the rows that are put together from what the engine knows now.
 */
#include "console/rows.h"

#include "komet/assert.h"
#include "server/server.h"

static void put_flags(struct json *json, value_flags flags)
{
    char text[FLAGS_TEXT_SIZE];
    value_flags_text(flags, text);
    json_string(json, "flags", text);
}

/* This server: there is one, so it is the HOT one and in step with itself, and no term of it was given. */
void rows_server(struct json *json, const struct server *server)
{
    KOMET_ASSERT(server != NULL);
    json_open(json, NULL, '{');
    json_string(json, "name", server_name(server));
    json_string(json, "state", "HOT");
    json_unsigned(json, "epoch", 0);
    json_bool(json, "in_sync", true);
    json_time(json, "since", server_since(server));
    json_close(json, '}');
}

/* The role as people see it; NULL for an instance that is not connected. */
static const char *role_name(enum role_standing standing)
{
    switch (standing) {
    case ROLE_ACTIVE:
    case ROLE_STOPPING: /* until its stop or the end of its lease it may still act */
        return "active";
    case ROLE_PASSIVE:
        return "passive";
    case ROLE_ABSENT:
    case ROLE_GONE:
        return NULL;
    }
    KOMET_ASSERT_NEVER("a standing without a role");
}

/* Why an instance is not what one would take it for; NULL: nothing to say. */
static const char *reason_of(const struct role_member *member)
{
    if (member->silent) {
        return "silent";
    }
    if (member->leaving) {
        return "ending";
    }
    return member->damping.holds ? "damped: it was lost again and again" : NULL;
}

static void put_instances(struct json *json, const struct server *server, const struct process *process,
                          const struct instances *instances)
{
    json_open(json, "instances", '[');
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        const struct role_member *member = &instances->member[i];
        const char *role = role_name(member->standing);
        if (role == NULL) {
            continue;
        }
        json_open(json, NULL, '{');
        json_unsigned(json, "instance", i);
        json_string(json, "role", role);
        json_unsigned(json, "epoch", member->epoch);
        json_time(json, "since", server_utc_of(server, member->since));
        json_string(json, "host", server_instance_host(server, process, i));
        json_string(json, "value", process_value_name(member->value));
        json_time(json, "damped_until",
                  member->damping.holds ? server_utc_of(server, member->damping.until) : KOMET_UTC_UNKNOWN);
        json_string(json, "reason", reason_of(member));
        json_close(json, '}');
    }
    json_close(json, ']');
}

void rows_process(struct json *json, const struct server *server, const struct process *process)
{
    KOMET_ASSERT(process != NULL);
    const struct instances *instances = server_instances(server, process);
    json_open(json, NULL, '{');
    json_string(json, "name", process->name);
    value_flags flags;
    struct komet_utc time;
    enum process_value value = server_process_value(server, process, &flags, &time);
    json_string(json, "value", process_value_name(value));
    put_flags(json, flags);
    json_time(json, "time", time);
    json_string(json, "mode", instances->all_act ? "active-active" : "single");
    json_unsigned(json, "preferred", instances->preferred);
    struct server_late late = server_late(server, process);
    json_unsigned(json, "late_batches", late.batches);
    json_unsigned(json, "late_values", late.values);
    put_instances(json, server, process, instances);
    json_close(json, '}');
}

/* Null where there is none. */
static void put_text(struct json *json, const char *name, const char *text)
{
    if (text[0] != '\0') {
        json_string(json, name, text);
    } else {
        json_null(json, name);
    }
}

static void put_connection(struct json *json, const struct server_connection *connection)
{
    json_open(json, NULL, '{');
    json_string(json, "address", connection->address);
    json_string(json, "state", connection_state_name(connection->state));
    json_string(json, "reason", connection->reason);
    put_text(json, "partner", connection->partner);
    put_text(json, "path", connection->path);
    put_text(json, "role", connection->role);
    json_unsigned(json, "instance", connection->instance);
    json_close(json, '}');
}

void rows_line(struct json *json, const struct server *server, const struct line *line)
{
    KOMET_ASSERT(line != NULL);
    const struct server_line_state *state = server_line_state(server, line);
    json_open(json, NULL, '{');
    json_string(json, "name", line->name);
    json_string(json, "process", line->process->name);
    json_unsigned(json, "instance", state->instance);
    json_string(json, "protocol", line_protocol_name(line->protocol));
    json_string(json, "category", line_category_name(line->category));
    json_bool(json, "value", state->value);
    put_flags(json, state->flags);
    json_open(json, "connections", '[');
    for (unsigned i = 0; i < state->connection_count; i++) {
        put_connection(json, &state->connections[i]);
    }
    for (uint8_t i = 0; i <= INSTANCE_MAX; i++) {
        for (unsigned c = 0; c < state->standby_count[i]; c++) {
            put_connection(json, &state->standby[i][c]);
        }
    }
    json_close(json, ']');
    json_close(json, '}');
}

void rows_station(struct json *json, const struct server *server, const struct station *station)
{
    KOMET_ASSERT(station != NULL);
    value_flags flags = 0;
    enum station_value value = server_station_value(server, station, &flags);
    json_open(json, NULL, '{');
    json_string(json, "name", station->name);
    json_string(json, "line", station->line->name);
    json_string(json, "value", station_value_name(value));
    put_flags(json, flags);
    json_close(json, '}');
}

static void put_lines(struct json *json, const struct server *server, const struct site *site)
{
    json_open(json, "lines", '[');
    for (unsigned p = 0; p < site->process_count; p++) {
        for (unsigned i = 0; i < site->processes[p].line_count; i++) {
            rows_line(json, server, &site->processes[p].lines[i]);
        }
    }
    json_close(json, ']');
}

static void put_stations(struct json *json, const struct server *server, const struct site *site)
{
    json_open(json, "stations", '[');
    for (unsigned p = 0; p < site->process_count; p++) {
        for (unsigned i = 0; i < site->processes[p].station_count; i++) {
            rows_station(json, server, site->processes[p].stations[i]);
        }
    }
    json_close(json, ']');
}

void rows_status(struct json *json, const struct server *server)
{
    const struct site *site = server_site(server);
    KOMET_ASSERT(site != NULL);
    json_open(json, NULL, '{');
    json_open(json, "servers", '[');
    rows_server(json, server);
    json_close(json, ']');
    json_open(json, "processes", '[');
    for (unsigned p = 0; p < site->process_count; p++) {
        rows_process(json, server, &site->processes[p]);
    }
    json_close(json, ']');
    put_lines(json, server, site);
    put_stations(json, server, site);
    json_close(json, '}');
}
