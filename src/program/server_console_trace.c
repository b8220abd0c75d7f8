/*
 * server_console: LNTRACE: pages of traffic go from the engine to the console as they are, with what the
 * server knows of the instance that they are of. Whoever asked decodes them.
 */
#include <stdio.h>

#include "console/nearest.h"
#include "console/rows.h"
#include "komet/assert.h"
#include "program/server_console_private.h"

static bool any_line(const struct site *site, const char *mask, char *mistake)
{
    struct nearest nearest = {.word = mask};
    for (unsigned p = 0; p < site->process_count; p++) {
        for (unsigned i = 0; i < site->processes[p].line_count; i++) {
            if (name_matches(mask, site->processes[p].lines[i].name)) {
                return true;
            }
            nearest_offer(&nearest, site->processes[p].lines[i].name);
        }
    }
    snprintf(mistake, MISTAKE_SIZE, "no line matches '%s'; %s%s", mask,
             nearest.found != NULL ? "did you mean " : "LINE lists them",
             nearest.found != NULL ? nearest.found : "");
    return false;
}

static void end_trace(struct server_console *console, struct open *open)
{
    page_reset(&console->page);
    send_page(console, open, true, false);
}

/* OFF: the traces of these lines end, whoever's they are. */
static void end_traces(struct server_console *console, struct open *open)
{
    struct json json;
    uint64_t token = open_token(console, open, 0);
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open *other = &console->open[i];
        if (other->kind == OPEN_TRACE && name_matches(open->command.name, other->command.name)) {
            end_trace(console, other);
        }
    }
    if (open_of_token(console, token) == NULL) {
        return; /* the console's own connection was lost meanwhile */
    }
    page_reset(&console->page);
    page_begin_row(&console->page, &json);
    rows_interrogated(&json, open->command.name, COMMAND_DONE, "");
    page_end_row(&console->page, &json);
    send_page(console, open, true, true);
}

bool trace_begin(struct server_console *console, struct open *open, char *mistake)
{
    const struct command *command = &open->command;
    if (!any_line(server_site(console->server), command->name, mistake)) {
        return false;
    }
    if (command->trace == TRACE_MODE_OFF) {
        end_traces(console, open);
        return true;
    }
    const struct server_trace_settings settings = {.mask = command->name,
                                                   .instance = command->instance,
                                                   .memory = command->memory,
                                                   .live = command->live};
    const char *refused = server_trace(console->server, open_token(console, open, 0), &settings);
    if (refused != NULL) {
        snprintf(mistake, MISTAKE_SIZE, "%s", refused);
        return false;
    }
    open->kind = OPEN_TRACE;
    return true;
}

void trace_page(struct server_console *console, const struct server_output *output)
{
    struct open *open = open_of_token(console, output->token);
    if (open == NULL || open->kind != OPEN_TRACE) {
        return;
    }
    if (output->page == NULL) {
        end_trace(console, open);
        return;
    }
    Komet__Wire__Answer answer = KOMET__WIRE__ANSWER__INIT;
    Komet__Wire__TracePage page = *output->page;
    page.process = (char *)(uintptr_t)output->process->name;
    page.instance = output->instance;
    page.run = output->run;
    page.end = false;
    answer.id = open->id;
    answer.trace = &page;
    open->in_flight = true;
    send_answer(console, open->client, &answer);
}
