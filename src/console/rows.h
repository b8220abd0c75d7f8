/*
 * rows: what the console answers, one JSON object a row.
 *
 * Each function writes one object, whole with its brackets, into `json`; members come in the order in which a
 * table shows them. A newer server may add members, never rename one.
 */
#ifndef CONSOLE_ROWS_H
#define CONSOLE_ROWS_H

#include "console/commands.h"
#include "console/json.h"
#include "line/line.h"
#include "model/site.h"
#include "role/instances.h"
#include "server/record.h"

struct server; /* server/server.h */
struct server_ended;
struct site_fault; /* site/reader.h */

/* A member with what a tag of that type has: boolean, number, "On", or null when not `known`. TAG_TYPE_COUNT
 * (the site has the tag no more): the bare number. */
void rows_value(struct json *json, const char *name, enum tag_type type, double number, bool known);

/* TAG, WATCH: a tag with its current value. */
void rows_tag(struct json *json, const struct tag *tag, const struct value *value);

/* EVENTS: as TAG, and where it came from. All borrowed for the call. */
struct rows_event {
    const char *tag;
    enum tag_type type;
    const struct value *value;
    uint64_t seq;
    const char *process;
    uint8_t instance;
    uint64_t epoch;
    bool of_process;                /* the value of a process or instance; `type` is not read */
    bool of_station;                /* the value of a station; likewise */
    const struct record_user *user; /* whose command it was; NULL, or without a name: a station gave it */
    bool archived;                  /* out of the instance's own buffer, and late */
};
void rows_event(struct json *json, const struct rows_event *event);

/* COMMANDS. `type`: of the tag, TAG_TYPE_COUNT when unknown. */
void rows_command(struct json *json, const struct record_command *command, enum tag_type type);

/* The same of what was said of a station. */
void rows_station_command(struct json *json, const struct record_command *command);

/* How a command given now ended. */
void rows_set(struct json *json, const struct tag *tag, const struct server_ended *ended);
/* INTERROGATE, CLOCK, ENABLE, DISABLE, SIMULATE: `target`: the station or line. */
void rows_interrogated(struct json *json, const char *target, enum command_result result, const char *reason);
/* SET_ACT_INST, SET_PREFERRED_INST, STOP. */
void rows_instance_set(struct json *json, const struct process *process, uint8_t instance,
                       const struct server_ended *ended);

/*
 * What a site asks for that a running server does not take over, the `index`th from 0. False: there are no
 * more.
 *   site         as the server read it at its start
 *   lease_us     the lease that it runs with
 *   listen, tls  given on its command line: the site's word does not count
 */
struct rows_restart {
    const char *setting; /* "lease", … */
    char runs[RECORD_TEXT_MAX], configured[RECORD_TEXT_MAX];
};
struct rows_started {
    const struct site *site;
    const char *server; /* its name */
    int64_t lease_us;
    bool listen, tls;
};
#define ROWS_RESTART_MAX 5
/* False: that one is as it runs. index: 0 … ROWS_RESTART_MAX-1 */
bool rows_restart(const struct rows_started *started, const struct site *now, unsigned index,
                  struct rows_restart *restart);

/* RELOAD (rows_reload.c): how it ended, what changed, and what is wrong or waits for a restart. */
struct rows_reload {
    uint64_t configuration; /* that runs now */
    struct difference_counts lines, stations, tags;
    const struct site_fault *mistakes, *warnings; /* of the site that was read */
    size_t mistake_count, warning_count;
};
void rows_reloaded(struct json *json, const struct rows_reload *reload, const struct rows_started *started,
                   const struct site *now, const struct server_ended *ended);
/* CHECK DIRTY: a setting of the server; a line of an instance that runs `runs` and not `configured`. */
void rows_dirty_setting(struct json *json, const char *server, const struct rows_restart *restart);
void rows_dirty_line(struct json *json, const struct line *line, uint8_t instance, uint64_t configured);

/* SHOW … PARAMETERS: one parameter of a line or station. */
void rows_parameter(struct json *json, const struct parameter_row *row, const struct parameter_set *set);
/* The same of a tag: one step of its processing. */
void rows_processing(struct json *json, const struct processing_row *row, const struct tag *tag);
/* HELP: one command. */
void rows_help(struct json *json, const struct command_row *row);
/* VERSION: `version` of the program, `server` its name. */
void rows_version(struct json *json, const char *version, const char *server);

/* From the engine's getters (rows_site.c). */
void rows_server(struct json *json, const struct server *server);
void rows_process(struct json *json, const struct server *server, const struct process *process);
void rows_line(struct json *json, const struct server *server, const struct line *line);
void rows_station(struct json *json, const struct server *server, const struct station *station);
/* The whole site: servers[], processes[], lines[], stations[]. */
void rows_status(struct json *json, const struct server *server);

#endif
