/*
 * server_console: SET, INTERROGATE, CLOCK, SET_ACT_INST and their like: what is named is looked up, the
 * engine is told, and the answer waits for the end.
 */
#include <stdio.h>
#include <string.h>

#include "console/nearest.h"
#include "console/rows.h"
#include "komet/assert.h"
#include "program/server_console_private.h"

#define SET_DEADLINE_US KOMET_SECONDS(10)

/* "no KIND 'NAME'", and what was probably meant. Returns false. */
static bool nothing_named(const char *kind, const char *list, const char *name, const char *near,
                          char *mistake)
{
    if (near != NULL) {
        snprintf(mistake, MISTAKE_SIZE, "no %s '%s'; did you mean %s?", kind, name, near);
    } else {
        snprintf(mistake, MISTAKE_SIZE, "no %s '%s'; %s lists them", kind, name, list);
    }
    return false;
}

const struct process *named_process(const struct site *site, const char *name, char *mistake)
{
    const struct process *process = site_find_process(site, name);
    if (process == NULL) {
        struct nearest nearest = {.word = name};
        char full[GRAMMAR_NAME_SIZE + 8];
        snprintf(full, sizeof full, "%s.KOM", name); /* SELF for SELF.KOM, as kom /WSELF has it */
        const struct process *short_of = site_find_process(site, full);
        for (unsigned i = 0; i < site->process_count; i++) {
            nearest_offer(&nearest, site->processes[i].name);
        }
        nothing_named("process", "PROCESS", name, short_of != NULL ? short_of->name : nearest.found, mistake);
    }
    return process;
}

bool named_line_or_station(const struct site *site, const char *name, const struct line **line,
                           const struct station **station, char *mistake)
{
    *line = site_find_line(site, name);
    *station = *line == NULL ? site_find_station(site, name) : NULL;
    if (*line != NULL || *station != NULL) {
        return true;
    }
    struct nearest nearest = {.word = name};
    for (unsigned p = 0; p < site->process_count; p++) {
        const struct process *process = &site->processes[p];
        for (unsigned i = 0; i < process->line_count; i++) {
            nearest_offer(&nearest, process->lines[i].name);
        }
        for (unsigned i = 0; i < process->station_count; i++) {
            nearest_offer(&nearest, process->stations[i]->name);
        }
    }
    return nothing_named("station or line", "STATUS", name, nearest.found, mistake);
}

/* What a tag of that type may be set to. */
static const char *right_values(enum tag_type type)
{
    switch (type) {
    case TAG_DI:
    case TAG_DOUT:
        return "true or false";
    case TAG_CI:
    case TAG_CO:
        return "a whole number";
    case TAG_AI:
    case TAG_AO:
        return "a number such as 42.5";
    case TAG_QI:
        return "Trans, Off, On or Err";
    case TAG_TIR:
        return "a number of seconds";
    case TAG_TXTI:
        return "nothing: texts are not built yet";
    case TAG_TYPE_COUNT:
        break;
    }
    KOMET_ASSERT_NEVER("an unknown type of tag");
}

static bool begin_set(struct server_console *console, struct line_now now, struct open *open,
                      const struct record_user *user, char *mistake)
{
    const struct site *site = server_site(console->server);
    const struct command *command = &open->command;
    const struct tag *tag = site_find_tag(site, command->name);
    double number;
    if (tag == NULL) {
        return nothing_named("tag", "TAG", command->name, nearest_tag(site, command->name), mistake);
    }
    bool by_hand = (server_station_mode(console->server, tag->station) & STATION_SIMULATED) != 0;
    if (!tag_type_is_output(tag->type) && !by_hand) {
        snprintf(mistake, MISTAKE_SIZE,
                 "%s is an input (%s); only tags of type Dout, Co and Ao can be set, or those of a simulated "
                 "station",
                 tag->name, tag_type_name(tag->type));
        return false;
    }
    if (!value_parse(tag->type, command->value, &number)) {
        snprintf(mistake, MISTAKE_SIZE, "'%.80s' is no value for %s, a %s; right would be %s", command->value,
                 tag->name, tag_type_name(tag->type), right_values(tag->type));
        return false;
    }
    open->kind = OPEN_ORDER;
    open->tag = tag;
    open->waiting = 1;
    server_set(console->server, now, open_token(console, open, 0), user, tag, number, command->flags,
               SET_DEADLINE_US);
    return true;
}

static enum line_command_kind kind_of(const struct command *command)
{
    if (command->verb == VERB_CLOCK) {
        return LINE_COMMAND_CLOCK;
    }
    return command->counters ? LINE_COMMAND_COUNTERS : LINE_COMMAND_INTERROGATE;
}

static bool begin_interrogate(struct server_console *console, struct line_now now, struct open *open,
                              const struct record_user *user, char *mistake)
{
    const struct line *line;
    const struct station *station;
    enum line_command_kind kind = kind_of(&open->command);
    if (!named_line_or_station(server_site(console->server), open->command.name, &line, &station, mistake)) {
        return false;
    }
    if (line != NULL && line->station_count == 0) {
        snprintf(mistake, MISTAKE_SIZE, "the line %s has no station to ask", line->name);
        return false;
    }
    open->kind = OPEN_ORDER;
    open->line = line;
    open->target = line != NULL ? line->name : station->name;
    open->waiting = line != NULL ? line->station_count : 1;
    open->result = COMMAND_DONE;
    for (unsigned i = 0, count = open->waiting; i < count; i++) {
        server_interrogate(console->server, now, open_token(console, open, (uint16_t)i), user,
                           line != NULL ? &line->stations[i] : station, kind);
    }
    return true;
}

static bool begin_control(struct server_console *console, struct line_now now, struct open *open,
                          const struct record_user *user, char *mistake)
{
    const struct line *line;
    const struct station *station;
    if (!named_line_or_station(server_site(console->server), open->command.name, &line, &station, mistake)) {
        return false;
    }
    if (line != NULL) {
        snprintf(mistake, MISTAKE_SIZE, "%s is a line; a station stands here", line->name);
        return false;
    }
    enum station_order simulate = open->command.on ? STATION_SIMULATE_ON : STATION_SIMULATE_OFF;
    open->kind = OPEN_ORDER;
    open->target = station->name;
    open->waiting = 1;
    open->result = COMMAND_DONE;
    server_control(console->server, now, open_token(console, open, 0), user, station,
                   open->command.verb == VERB_ENABLE    ? STATION_ENABLE
                   : open->command.verb == VERB_DISABLE ? STATION_DISABLE
                                                        : simulate);
    return true;
}

/* SET_ACT_INST, SET_PREFERRED_INST, STOP. */
static bool begin_of_role(struct server_console *console, struct line_now now, struct open *open,
                          const struct record_user *user, char *mistake)
{
    const struct process *process = named_process(server_site(console->server), open->command.name, mistake);
    if (process == NULL) {
        return false;
    }
    open->kind = OPEN_ORDER;
    open->process = process;
    open->waiting = 1;
    uint64_t token = open_token(console, open, 0);
    uint8_t instance = open->command.instance;
    if (open->command.verb == VERB_STOP) {
        server_stop(console->server, now, token, user, process, instance);
    } else if (open->command.verb == VERB_SET_PREFERRED_INST) {
        server_set_preferred(console->server, now, token, user, process, instance);
    } else {
        server_set_active(console->server, now, token, user, process, instance);
    }
    return true;
}

static bool begin_load_balance(struct server_console *console, struct line_now now, struct open *open,
                               const struct record_user *user, char *mistake)
{
    const struct process *process = named_process(server_site(console->server), open->command.name, mistake);
    if (process == NULL) {
        return false;
    }
    open->kind = OPEN_ORDER;
    open->target = process->name;
    open->waiting = 1;
    open->result = COMMAND_DONE;
    server_set_load_balance(console->server, now, open_token(console, open, 0), user, process,
                            open->command.on);
    return true;
}

bool order_begin(struct server_console *console, struct line_now now, struct open *open,
                 const struct record_user *user, char *mistake)
{
    switch (open->command.verb) {
    case VERB_SET:
        return begin_set(console, now, open, user, mistake);
    case VERB_INTERROGATE:
    case VERB_CLOCK:
        return begin_interrogate(console, now, open, user, mistake);
    case VERB_ENABLE:
    case VERB_DISABLE:
    case VERB_SIMULATE:
        return begin_control(console, now, open, user, mistake);
    case VERB_SET_ACT_INST:
    case VERB_SET_PREFERRED_INST:
    case VERB_STOP:
        return begin_of_role(console, now, open, user, mistake);
    case VERB_SET_LOAD_BAL_MODE:
        return begin_load_balance(console, now, open, user, mistake);
    case VERB_STATUS:
    case VERB_SERVER:
    case VERB_PROCESS:
    case VERB_LINE:
    case VERB_STATION:
    case VERB_TAG:
    case VERB_WATCH:
    case VERB_EVENTS:
    case VERB_COMMANDS:
    case VERB_SHOW:
    case VERB_HELP:
    case VERB_VERSION:
    case VERB_LNTRACE:
    case VERB_CHECK:
    case VERB_RELOAD:
    case VERB_NOT_BUILT:
        break;
    }
    KOMET_ASSERT_NEVER("a command that is no order");
}

/* Of several ends the worst is told, and of the first that was not done the reason, with its station's name.
 */
static void note_end(struct open *open, const struct server_ended *ended)
{
    unsigned part = (unsigned)(ended->token >> 16 & 0xFFFFu);
    if (ended->result != COMMAND_DONE && open->reason[0] == '\0') {
        const char *reason = ended->reason != NULL ? ended->reason : "";
        if (open->line != NULL) {
            KOMET_ASSERT(part < open->line->station_count);
            snprintf(open->reason, sizeof open->reason, "%s: %s", open->line->stations[part].name, reason);
        } else {
            snprintf(open->reason, sizeof open->reason, "%s", reason);
        }
    }
    open->result = ended->result > open->result ? ended->result : open->result;
}

void order_ended(struct server_console *console, const struct server_ended *ended)
{
    struct open *open = open_of_token(console, ended->token);
    struct json json;
    if (open == NULL || open->kind != OPEN_ORDER) {
        return; /* nobody waits any more */
    }
    KOMET_ASSERT(open->waiting > 0);
    open->waiting--;
    note_end(open, ended);
    if (open->waiting > 0) {
        return;
    }
    if (open->command.verb == VERB_RELOAD) {
        reload_ended(console, open, ended);
        return;
    }
    page_reset(&console->page);
    page_begin_row(&console->page, &json);
    if (open->tag != NULL) {
        rows_set(&json, open->tag, ended);
    } else if (open->process != NULL) {
        rows_instance_set(&json, open->process, open->command.instance, ended);
    } else {
        rows_interrogated(&json, open->target, open->result, open->reason);
    }
    page_end_row(&console->page, &json);
    send_page(console, open, true, true);
}
