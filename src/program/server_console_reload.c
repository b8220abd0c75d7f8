/*
 * server_console: RELOAD: its answer, and what becomes of the other open answers when the site is another
 * one.
 */
#include <stdlib.h>
#include <string.h>

#include "console/rows.h"
#include "komet/assert.h"
#include "program/server_console_private.h"

#define ANSWER_OCTETS_MIN (16u * 1024)
#define ANSWER_OCTETS_MAX (1u << 20)
#define MISTAKES_MAX      2000 /* of one answer; the first ones, and how many there are stands in the reason */

struct rows_started console_started(const struct server_console *console)
{
    return (struct rows_started){console->running.started, server_name(console->server),
                                 server_lease_us(console->server), console->running.listen_given,
                                 console->running.tls_given};
}

bool reload_begin(struct server_console *console, struct line_now now, struct open *open,
                  const struct record_user *user)
{
    open->kind = OPEN_ORDER;
    open->waiting = 1;
    open->awaits_site = !server_reloads(console->server);
    open->reload.configuration = server_configuration(console->server);
    server_reload_begin(console->server, now, open_token(console, open, 0), user);
    return true;
}

/* The one whose RELOAD is under way; NULL: its console has gone. */
static struct open *awaiting(struct server_console *console)
{
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (console->open[i].kind == OPEN_ORDER && console->open[i].awaits_site) {
            return &console->open[i];
        }
    }
    return NULL;
}

void server_console_reload_wrong(struct server_console *console, struct configuration *wrong)
{
    struct open *open = awaiting(console);
    if (open == NULL) {
        return;
    }
    open->awaits_site = false;
    open->wrong = *wrong;
    *wrong = (struct configuration){0};
    const struct site_result *result = &open->wrong.result;
    open->reload.mistakes = result->faults;
    open->reload.mistake_count = result->fault_count < MISTAKES_MAX ? result->fault_count : MISTAKES_MAX;
    open->reload.warnings = result->warnings;
    open->reload.warning_count = result->warning_count < MISTAKES_MAX ? result->warning_count : MISTAKES_MAX;
}

void reload_ended(struct server_console *console, struct open *open, const struct server_ended *ended)
{
    const struct rows_started started = console_started(console);
    char *text = NULL;
    for (size_t size = ANSWER_OCTETS_MIN; size <= ANSWER_OCTETS_MAX; size *= 2) {
        struct json json;
        free(text);
        text = malloc(size);
        KOMET_ASSERT(text != NULL);
        json_begin(&json, text, size);
        rows_reloaded(&json, &open->reload, &started, server_site(console->server), ended);
        if (json_end(&json)) {
            page_reset(&console->page);
            console->page.rows[console->page.count++] = text;
            send_page(console, open, true, true);
            free(text);
            return;
        }
    }
    free(text);
    send_refusal(console, open, ended->reason); /* the mistakes do not fit: `komet check` has them all */
}

/* ---- the other answers ---- */

/* Tags have other numbers; those that are new and match come with their value. */
static void move_watch(struct open *open, const struct site_difference *difference)
{
    const struct site *after = difference_after(difference);
    uint64_t *was = open->changed;
    open->changed = watch_bits(after);
    KOMET_ASSERT(open->changed != NULL);
    open->pending = 0;
    open->next = 0;
    for (uint32_t i = 0; i < after->tag_count; i++) {
        const struct tag *tag = after->tags[i], *then = difference_tag_was(difference, tag);
        bool changed = then != NULL ? watch_has(was, tag_site_number(then))
                                    : name_matches(open->command.name, tag->name);
        if (changed) {
            watch_changed(open, tag);
        }
    }
    free(was);
}

static void move_open(struct server_console *console, struct open *open,
                      const struct site_difference *difference)
{
    switch (open->kind) {
    case OPEN_LIST:
        send_refusal(console, open, "the site was reloaded while this was being read; ask again");
        return;
    case OPEN_ORDER: /* what went away with the site has ended before */
        open->tag = open->tag != NULL ? difference_tag(difference, open->tag) : NULL;
        open->process = open->process != NULL ? difference_process(difference, open->process) : NULL;
        open->line = NULL;
        open->target = open->command.name;
        return;
    case OPEN_WATCH:
        move_watch(open, difference);
        return;
    case OPEN_FREE:
    case OPEN_JOURNAL:
    case OPEN_TRACE:
        return;
    }
    KOMET_ASSERT_NEVER("an open answer of no kind");
}

void server_console_reloaded(struct server_console *console, struct server *server,
                             const struct site_difference *difference, const struct site_result *result)
{
    struct open *open = awaiting(console);
    console->server = server;
    if (open != NULL) {
        open->awaits_site = false;
        open->reload = (struct rows_reload){
            .configuration = server_configuration(server),
            .lines = difference_lines(difference),
            .stations = difference_stations(difference),
            .tags = difference_tags(difference),
            .warnings = result->warnings,
            .warning_count = result->warning_count < MISTAKES_MAX ? result->warning_count : MISTAKES_MAX};
    }
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (console->open[i].kind != OPEN_FREE) {
            move_open(console, &console->open[i], difference);
        }
    }
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (console->open[i].kind == OPEN_WATCH) {
            watch_pump(console, &console->open[i]);
        }
    }
}
