/*
 * server_console: see server_console.h. This file has the open answers and their life; what they answer is in
 * server_console_lists.c, _journal.c, _orders.c and _trace.c.
 */
#include "program/server_console.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "program/server_console_private.h"

static_assert(OPEN_MAX <= 0x10000, "a slot has 16 bits of a token");

struct server_console *server_console_new(struct server *server, struct journal *journal,
                                          const struct server_running *running, server_console_send *send,
                                          void *context)
{
    KOMET_ASSERT(server != NULL && send != NULL);
    struct server_console *console = calloc(1, sizeof *console);
    char *text = malloc(PAGE_OCTETS);
    if (console == NULL || text == NULL) {
        free(console);
        free(text);
        return NULL;
    }
    console->server = server;
    console->journal = journal;
    console->running = *running;
    console->send = send;
    console->context = context;
    console->page.text = text;
    return console;
}

void server_console_free(struct server_console *console)
{
    if (console == NULL) {
        return;
    }
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (console->open[i].kind != OPEN_FREE) {
            open_close(console, &console->open[i]);
        }
    }
    journal_abandon(console);
    free(console->page.text);
    free(console);
}

void server_console_journal_lost(struct server_console *console)
{
    console->journal = NULL;
    journal_abandon(console);
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (console->open[i].kind == OPEN_JOURNAL) {
            send_refusal(console, &console->open[i], JOURNAL_LOST);
        }
    }
}

uint64_t open_token(const struct server_console *console, const struct open *open, uint16_t part)
{
    return (uint64_t)open->serial << 32 | (uint64_t)part << 16 | (uint64_t)(open - console->open);
}

struct open *open_of_token(struct server_console *console, uint64_t token)
{
    unsigned slot = (unsigned)(token & 0xFFFFu);
    if (slot >= OPEN_MAX) {
        return NULL;
    }
    struct open *open = &console->open[slot];
    return open->kind != OPEN_FREE && open->serial == token >> 32 ? open : NULL;
}

void open_close(struct server_console *console, struct open *open)
{
    KOMET_ASSERT(open->kind != OPEN_FREE);
    if (open->kind == OPEN_WATCH) {
        server_unwatch(console->server, open_token(console, open, 0));
    }
    if (open->kind == OPEN_TRACE) {
        server_untrace(console->server, open_token(console, open, 0));
    }
    free(open->changed);
    configuration_release(&open->wrong);
    *open = (struct open){.kind = OPEN_FREE};
}

void page_reset(struct page *page)
{
    page->used = 0;
    page->count = 0;
    page->spoilt = false;
}

bool page_has_room(const struct page *page)
{
    return page->count < PAGE_ROWS && PAGE_OCTETS - page->used >= ROW_OCTETS;
}

void page_begin_row(struct page *page, struct json *json)
{
    KOMET_ASSERT(page_has_room(page));
    json_begin(json, page->text + page->used, ROW_OCTETS);
}

void page_end_row(struct page *page, struct json *json)
{
    if (!json_end(json)) {
        page->spoilt = true;
        return;
    }
    page->rows[page->count++] = json->text;
    page->used += json->size + 1;
}

void send_answer(struct server_console *console, unsigned client, Komet__Wire__Answer *answer)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    message.body_case = KOMET__WIRE__MESSAGE__BODY_ANSWER;
    message.answer = answer;
    console->send(console->context, client, &message);
}

void send_page(struct server_console *console, struct open *open, bool end, bool single)
{
    Komet__Wire__Answer answer = KOMET__WIRE__ANSWER__INIT;
    unsigned client = open->client;
    if (console->page.spoilt) {
        send_refusal(console, open, "a row of the answer is too long; ask for fewer with a mask");
        return;
    }
    answer.id = open->id;
    answer.rows = console->page.rows;
    answer.n_rows = console->page.count;
    answer.end = end;
    answer.single = single;
    open->in_flight = true;
    if (end) {
        open_close(console, open);
    }
    send_answer(console, client, &answer);
}

static void refuse(struct server_console *console, unsigned client, uint64_t id, const char *why)
{
    Komet__Wire__Answer answer = KOMET__WIRE__ANSWER__INIT;
    char text[MISTAKE_SIZE];
    snprintf(text, sizeof text, "%s", why);
    answer.id = id;
    answer.end = true;
    answer.refused = text;
    send_answer(console, client, &answer);
}

void send_refusal(struct server_console *console, struct open *open, const char *why)
{
    unsigned client = open->client;
    uint64_t id = open->id;
    KOMET_ASSERT(why[0] != '\0');
    open_close(console, open);
    refuse(console, client, id, why);
}

/* A slot for a new answer, or NULL and *why. */
static struct open *open_new(struct server_console *console, unsigned client, uint64_t id, const char **why)
{
    struct open *found = NULL;
    unsigned of_client = 0;
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open *open = &console->open[i];
        if (open->kind == OPEN_FREE) {
            found = found == NULL ? open : found;
        } else if (open->client == client) {
            of_client++;
            if (open->id == id) {
                *why = "the answer of that number is still open: number the questions of a connection";
                return NULL;
            }
        }
    }
    if (found == NULL || of_client >= OPEN_PER_CLIENT) {
        *why = "too many answers are open; end one first";
        return NULL;
    }
    console->serial++;
    *found = (struct open){.kind = OPEN_LIST, .client = client, .id = id, .serial = console->serial};
    return found;
}

/* Begins the answer of `open`, whose command is set. */
static bool begin(struct server_console *console, struct line_now now, struct open *open,
                  const struct record_user *user, char *mistake)
{
    switch (open->command.verb) {
    case VERB_STATUS:
        status_send(console, open);
        return true;
    case VERB_VERSION:
        version_send(console, open);
        return true;
    case VERB_SERVER:
    case VERB_PROCESS:
    case VERB_LINE:
    case VERB_STATION:
    case VERB_TAG:
    case VERB_SHOW:
    case VERB_HELP:
    case VERB_CHECK:
        return list_begin(console, open, mistake);
    case VERB_WATCH:
        return watch_begin(console, open, mistake);
    case VERB_EVENTS:
    case VERB_COMMANDS:
        return journal_begin(console, open, mistake);
    case VERB_SET:
    case VERB_INTERROGATE:
    case VERB_CLOCK:
    case VERB_ENABLE:
    case VERB_DISABLE:
    case VERB_SIMULATE:
    case VERB_SET_ACT_INST:
    case VERB_SET_PREFERRED_INST:
    case VERB_SET_LOAD_BAL_MODE:
    case VERB_STOP:
        return order_begin(console, now, open, user, mistake);
    case VERB_RELOAD:
        return reload_begin(console, now, open, user);
    case VERB_LNTRACE:
        return trace_begin(console, open, mistake);
    case VERB_NOT_BUILT:
        break;
    }
    KOMET_ASSERT_NEVER("a command that the grammar refuses");
}

void server_console_ask(struct server_console *console, struct line_now now, unsigned client,
                        const Komet__Wire__Ask *ask, const struct record_user *user)
{
    KOMET_ASSERT(client < SERVER_CLIENTS_MAX);
    KOMET_ASSERT(ask != NULL);
    const char *why = "";
    char mistake[MISTAKE_SIZE];
    static_assert(MISTAKE_SIZE >= GRAMMAR_MISTAKE_SIZE, "the grammar's sentences fit");
    struct open *open = open_new(console, client, ask->id, &why);
    if (open == NULL) {
        refuse(console, client, ask->id, why);
        return;
    }
    if (!grammar_parse((const char *const *)ask->words, ask->n_words, &open->command, mistake) ||
        !begin(console, now, open, user, mistake)) {
        send_refusal(console, open, mistake);
    }
}

void server_console_cancel(struct server_console *console, struct line_now now, unsigned client, uint64_t id)
{
    (void)now;
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open *open = &console->open[i];
        if (open->kind != OPEN_FREE && open->client == client && open->id == id) {
            open_close(console, open);
        }
    }
}

void server_console_client_closed(struct server_console *console, struct line_now now, unsigned client)
{
    (void)now;
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (console->open[i].kind != OPEN_FREE && console->open[i].client == client) {
            open_close(console, &console->open[i]);
        }
    }
}

void server_console_sent(struct server_console *console, struct line_now now, unsigned client)
{
    (void)now;
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open *open = &console->open[i];
        if (open->kind == OPEN_FREE || open->client != client || !open->in_flight) {
            continue;
        }
        open->in_flight = false;
        switch (open->kind) {
        case OPEN_LIST:
            list_pump(console, open);
            break;
        case OPEN_WATCH:
            watch_pump(console, open);
            break;
        case OPEN_JOURNAL:
            journal_pump(console, open);
            break;
        case OPEN_TRACE:
            server_trace_more(console->server, open_token(console, open, 0));
            break;
        case OPEN_ORDER: /* is one page */
        case OPEN_FREE:
            break;
        }
    }
}

void server_console_output(struct server_console *console, struct line_now now,
                           const struct server_output *output)
{
    (void)now;
    struct open *open;
    switch (output->kind) {
    case SERVER_OUT_CHANGE:
        open = open_of_token(console, output->token);
        if (open != NULL && open->kind == OPEN_WATCH) {
            watch_changed(open, output->tag);
            watch_pump(console, open);
        }
        return;
    case SERVER_OUT_ENDED:
        order_ended(console, &output->ended);
        return;
    case SERVER_OUT_TRACE:
        trace_page(console, output);
        return;
    case SERVER_OUT_SEND:
    case SERVER_OUT_CLOSE:
    case SERVER_OUT_RECORD:
    case SERVER_OUT_NOTE:
        return;
    }
    KOMET_ASSERT_NEVER("an unknown output of the server");
}
