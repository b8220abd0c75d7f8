/*
 * server_console: EVENTS and COMMANDS, read from the journal a page at a time; the next page is asked for
 * when the last one has left for the client.
 */
#include <stdio.h>
#include <stdlib.h>

#include "console/rows.h"
#include "komet/assert.h"
#include "program/server_console_private.h"
#include "shell/journal.h"

/* A query that is out. Its answer may be closed meanwhile, even the console: then nobody takes the page. */
struct journal_reading {
    struct server_console *console; /* NULL: gone */
    uint64_t token;
    struct journal_reading *next;
};

void journal_abandon(struct server_console *console)
{
    for (struct journal_reading *reading = console->readings; reading != NULL; reading = reading->next) {
        reading->console = NULL;
    }
    console->readings = NULL;
}

static void forget(struct server_console *console, struct journal_reading *reading)
{
    struct journal_reading **at = &console->readings;
    while (*at != reading) {
        KOMET_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = reading->next;
}

static void put_row(struct server_console *console, const struct journal_page *rows, unsigned index,
                    bool events)
{
    struct json json;
    page_begin_row(&console->page, &json);
    if (events) {
        const struct journal_event_row *row = &rows->events[index];
        const struct rows_event event = {.tag = row->tag,
                                         .type = row->type,
                                         .value = &row->value,
                                         .seq = row->seq,
                                         .process = row->process,
                                         .instance = row->instance,
                                         .epoch = row->epoch,
                                         .archived = row->archived,
                                         .of_process = row->of_process,
                                         .of_station = row->of_station,
                                         .user = &row->user};
        rows_event(&json, &event);
    } else if (rows->commands[index].of_station) {
        rows_station_command(&json, &rows->commands[index].command);
    } else {
        rows_command(&json, &rows->commands[index].command, rows->commands[index].type);
    }
    page_end_row(&console->page, &json);
}

/* Sends what was read, in as many answers as it takes; after each the client may be gone. */
static void send_rows(struct server_console *console, uint64_t token, const struct journal_page *rows)
{
    unsigned next = 0;
    do {
        struct open *open = open_of_token(console, token);
        if (open == NULL) {
            return;
        }
        bool events = open->command.verb == VERB_EVENTS;
        page_reset(&console->page);
        while (next < rows->count && page_has_room(&console->page)) {
            put_row(console, rows, next++, events);
        }
        send_page(console, open, rows->end && next == rows->count, false);
    } while (next < rows->count);
}

static void page_was_read(void *context, const struct journal_page *rows)
{
    struct journal_reading *reading = context;
    struct server_console *console = reading->console;
    uint64_t token = reading->token;
    if (console != NULL) {
        forget(console, reading);
    }
    free(reading);
    struct open *open = console != NULL ? open_of_token(console, token) : NULL;
    if (open == NULL) {
        return;
    }
    KOMET_ASSERT(open->kind == OPEN_JOURNAL && open->reading);
    open->reading = false;
    open->after = rows->after;
    if (rows->fault != NULL && rows->fault[0] != '\0') {
        send_refusal(console, open, rows->fault);
        return;
    }
    send_rows(console, token, rows);
}

void journal_pump(struct server_console *console, struct open *open)
{
    KOMET_ASSERT(open->kind == OPEN_JOURNAL);
    if (open->reading) {
        return;
    }
    struct journal_reading *reading = malloc(sizeof *reading);
    if (reading == NULL) {
        send_refusal(console, open, "the server has no memory to read its journal");
        return;
    }
    *reading = (struct journal_reading){console, open_token(console, open, 0), console->readings};
    console->readings = reading;
    open->reading = true;
    struct journal_query query = {.kind =
                                      open->command.verb == VERB_EVENTS ? JOURNAL_EVENTS : JOURNAL_COMMANDS,
                                  .from = open->command.from,
                                  .to = open->command.to,
                                  .after = open->after};
    snprintf(query.mask, sizeof query.mask, "%s", open->command.name);
    journal_read(console->journal, &query, page_was_read, reading);
}

bool journal_begin(struct server_console *console, struct open *open, char *mistake)
{
    if (console->journal == NULL) {
        snprintf(mistake, MISTAKE_SIZE, "%s", JOURNAL_LOST);
        return false;
    }
    open->kind = OPEN_JOURNAL;
    journal_pump(console, open);
    return true;
}
