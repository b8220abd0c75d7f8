/*
 * server_console: answers made of what the engine knows now: lists in pages, STATUS, VERSION, and WATCH.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/nearest.h"
#include "console/rows.h"
#include "komet/assert.h"
#include "program/programs.h"
#include "program/server_console_private.h"

#define STATUS_OCTETS_MIN (64u * 1024)
#define STATUS_OCTETS_MAX (WIRE_FRAME_MAX - 4096u)
#define WORD_BITS         64u

/* One kind of list: how many objects it goes through, what a mask of it is of, and the row of each. */
struct list_kind {
    uint32_t (*count)(const struct site *site);
    const char *(*name)(const struct server *server, uint32_t index); /* NULL: a list without a mask */
    void (*row)(struct json *json, const struct server *server, const struct open *open, uint32_t index);
};

static uint32_t count_one(const struct site *site)
{
    (void)site;
    return 1;
}

static const char *name_of_server(const struct server *server, uint32_t index)
{
    (void)index;
    return server_name(server);
}

static void row_of_server(struct json *json, const struct server *server, const struct open *open,
                          uint32_t index)
{
    (void)open;
    (void)index;
    rows_server(json, server);
}

static uint32_t count_processes(const struct site *site)
{
    return site->process_count;
}

static const char *name_of_process(const struct server *server, uint32_t index)
{
    return server_site(server)->processes[index].name;
}

static void row_of_process(struct json *json, const struct server *server, const struct open *open,
                           uint32_t index)
{
    (void)open;
    rows_process(json, server, &server_site(server)->processes[index]);
}

static uint32_t count_lines(const struct site *site)
{
    uint32_t count = 0;
    for (unsigned p = 0; p < site->process_count; p++) {
        count += site->processes[p].line_count;
    }
    return count;
}

static const struct line *line_at(const struct site *site, uint32_t index)
{
    for (unsigned p = 0; p < site->process_count; p++) {
        if (index < site->processes[p].line_count) {
            return &site->processes[p].lines[index];
        }
        index -= site->processes[p].line_count;
    }
    KOMET_ASSERT_NEVER("a line behind the last");
}

static const char *name_of_line(const struct server *server, uint32_t index)
{
    return line_at(server_site(server), index)->name;
}

static void row_of_line(struct json *json, const struct server *server, const struct open *open,
                        uint32_t index)
{
    (void)open;
    rows_line(json, server, line_at(server_site(server), index));
}

static uint32_t count_stations(const struct site *site)
{
    uint32_t count = 0;
    for (unsigned p = 0; p < site->process_count; p++) {
        count += site->processes[p].station_count;
    }
    return count;
}

static const struct station *station_at(const struct site *site, uint32_t index)
{
    for (unsigned p = 0; p < site->process_count; p++) {
        if (index < site->processes[p].station_count) {
            return site->processes[p].stations[index];
        }
        index -= site->processes[p].station_count;
    }
    KOMET_ASSERT_NEVER("a station behind the last");
}

static const char *name_of_station(const struct server *server, uint32_t index)
{
    return station_at(server_site(server), index)->name;
}

static void row_of_station(struct json *json, const struct server *server, const struct open *open,
                           uint32_t index)
{
    (void)open;
    rows_station(json, server, station_at(server_site(server), index));
}

static uint32_t count_tags(const struct site *site)
{
    return site->tag_count;
}

static const char *name_of_tag(const struct server *server, uint32_t index)
{
    return server_site(server)->tags[index]->name;
}

static void row_of_tag(struct json *json, const struct server *server, const struct open *open,
                       uint32_t index)
{
    const struct tag *tag = server_site(server)->tags[index];
    (void)open;
    rows_tag(json, tag, server_value(server, tag));
}

static uint32_t count_parameters(const struct site *site)
{
    (void)site;
    uint32_t parameters = PARAMETER_COUNT, steps = PROCESSING_COUNT;
    return parameters > steps ? parameters : steps;
}

static void row_of_parameter(struct json *json, const struct server *server, const struct open *open,
                             uint32_t index)
{
    (void)server;
    if (open->parameters == NULL) {
        rows_processing(json, processing_row((enum processing_step)index), open->tag);
    } else {
        rows_parameter(json, parameter_row((enum parameter_id)index), open->parameters);
    }
}

static bool shows_parameter(const struct open *open, uint32_t index)
{
    if (open->parameters == NULL) {
        return index < PROCESSING_COUNT &&
               (processing_row((enum processing_step)index)->types >> open->tag->type & 1u) != 0;
    }
    return index < PARAMETER_COUNT &&
           (parameter_row((enum parameter_id)index)->scope == SCOPE_LINE) == open->of_line;
}

static uint32_t count_commands(const struct site *site)
{
    (void)site;
    return (uint32_t)command_count();
}

static const char *name_of_command(const struct server *server, uint32_t index)
{
    (void)server;
    return command_row(index)->word;
}

static void row_of_command(struct json *json, const struct server *server, const struct open *open,
                           uint32_t index)
{
    (void)server;
    (void)open;
    rows_help(json, command_row(index));
}

/* CHECK DIRTY goes through the settings of the server, then through all instances of each line. */
#define DIRTY_PER_LINE (INSTANCE_MAX + 1u)

static uint32_t count_dirty(const struct site *site)
{
    return ROWS_RESTART_MAX + count_lines(site) * DIRTY_PER_LINE;
}

static const struct line *dirty_line(const struct server *server, uint32_t index, uint8_t *instance)
{
    *instance = (uint8_t)((index - ROWS_RESTART_MAX) % DIRTY_PER_LINE);
    return line_at(server_site(server), (index - ROWS_RESTART_MAX) / DIRTY_PER_LINE);
}

static bool is_dirty(const struct server_console *console, const struct open *open, uint32_t index)
{
    const struct server *server = console->server;
    if (index < ROWS_RESTART_MAX) {
        const struct rows_started started = console_started(console);
        struct rows_restart restart;
        return name_matches(open->command.name, server_name(server)) &&
               rows_restart(&started, server_site(server), index, &restart);
    }
    uint8_t instance;
    const struct line *line = dirty_line(server, index, &instance);
    return server_line_is_outdated(server, line, instance) && name_matches(open->command.name, line->name);
}

static void row_of_dirty(struct json *json, const struct server *server, const struct open *open,
                         uint32_t index)
{
    uint8_t instance;
    if (index < ROWS_RESTART_MAX) {
        struct rows_restart restart;
        rows_restart(&open->started, server_site(server), index, &restart);
        rows_dirty_setting(json, server_name(server), &restart);
    } else {
        const struct line *line = dirty_line(server, index, &instance);
        rows_dirty_line(json, line, instance, server_configuration(server));
    }
}

static const struct list_kind *list_kind(enum verb verb)
{
    static const struct list_kind kinds[VERB_NOT_BUILT] = {
        [VERB_SERVER] = {count_one, name_of_server, row_of_server},
        [VERB_PROCESS] = {count_processes, name_of_process, row_of_process},
        [VERB_LINE] = {count_lines, name_of_line, row_of_line},
        [VERB_STATION] = {count_stations, name_of_station, row_of_station},
        [VERB_TAG] = {count_tags, name_of_tag, row_of_tag},
        [VERB_SHOW] = {count_parameters, NULL, row_of_parameter},
        [VERB_CHECK] = {count_dirty, NULL, row_of_dirty},
        [VERB_HELP] = {count_commands, name_of_command, row_of_command},
    };
    KOMET_ASSERT(verb < VERB_NOT_BUILT && kinds[verb].row != NULL);
    return &kinds[verb];
}

static bool list_wants(const struct server_console *console, const struct open *open, uint32_t index)
{
    const struct list_kind *kind = list_kind(open->command.verb);
    if (open->command.verb == VERB_SHOW) {
        return shows_parameter(open, index);
    }
    if (open->command.verb == VERB_CHECK) {
        return is_dirty(console, open, index);
    }
    return name_matches(open->command.name, kind->name(console->server, index));
}

bool list_begin(struct server_console *console, struct open *open, char *mistake)
{
    open->parameters = NULL;
    open->tag = open->command.verb == VERB_SHOW
                    ? site_find_tag(server_site(console->server), open->command.name)
                    : NULL;
    if (open->command.verb == VERB_SHOW && open->tag == NULL) {
        const struct line *line;
        const struct station *station;
        if (!named_line_or_station(server_site(console->server), open->command.name, &line, &station,
                                   mistake)) {
            const char *near = nearest_tag(server_site(console->server), open->command.name);
            if (near != NULL) {
                snprintf(mistake, MISTAKE_SIZE, "no line, station or tag '%s'; did you mean %s?",
                         open->command.name, near);
            }
            return false;
        }
        open->of_line = line != NULL;
        open->parameters = line != NULL ? &line->parameters : &station->parameters;
    }
    open->started = console_started(console);
    open->kind = OPEN_LIST;
    list_pump(console, open);
    return true;
}

void list_pump(struct server_console *console, struct open *open)
{
    KOMET_ASSERT(open->kind == OPEN_LIST);
    const struct list_kind *kind = list_kind(open->command.verb);
    uint32_t count = kind->count(server_site(console->server)), scanned = 0;
    page_reset(&console->page);
    for (; open->next < count && scanned < SCAN_MAX && page_has_room(&console->page);
         open->next++, scanned++) {
        if (list_wants(console, open, open->next)) {
            struct json json;
            page_begin_row(&console->page, &json);
            kind->row(&json, console->server, open, open->next);
            page_end_row(&console->page, &json);
        }
    }
    send_page(console, open, open->next >= count, false);
}

/* One object, however large the site: the memory grows until it fits, at most to what a message may have. */
void status_send(struct server_console *console, struct open *open)
{
    char *text = NULL;
    for (size_t size = STATUS_OCTETS_MIN; size <= STATUS_OCTETS_MAX * 2; size *= 2) {
        size_t capacity = size < STATUS_OCTETS_MAX ? size : STATUS_OCTETS_MAX;
        struct json json;
        free(text);
        text = malloc(capacity);
        if (text == NULL) {
            break;
        }
        json_begin(&json, text, capacity);
        rows_status(&json, console->server);
        if (json_end(&json)) {
            page_reset(&console->page);
            console->page.rows[console->page.count++] = text;
            send_page(console, open, true, true);
            free(text);
            return;
        }
    }
    free(text);
    send_refusal(console, open,
                 "the site is too large for one answer; use PROCESS, LINE and STATION with a mask");
}

void version_send(struct server_console *console, struct open *open)
{
    struct json json;
    page_reset(&console->page);
    page_begin_row(&console->page, &json);
    rows_version(&json, KOMET_VERSION, server_name(console->server));
    page_end_row(&console->page, &json);
    send_page(console, open, true, true);
}

uint64_t *watch_bits(const struct site *site)
{
    return calloc(site->tag_count / WORD_BITS + 1, sizeof(uint64_t));
}

bool watch_has(const uint64_t *bits, uint32_t number)
{
    return (bits[number / WORD_BITS] >> number % WORD_BITS & 1u) != 0;
}

/* All tags that match have changed, for whoever knows none of them. */
bool watch_begin(struct server_console *console, struct open *open, char *mistake)
{
    const struct site *site = server_site(console->server);
    open->changed = watch_bits(site);
    if (open->changed == NULL) {
        snprintf(mistake, MISTAKE_SIZE, "the server has no memory for another WATCH");
        return false;
    }
    for (uint32_t i = 0; i < site->tag_count; i++) {
        if (name_matches(open->command.name, site->tags[i]->name)) {
            watch_changed(open, site->tags[i]);
        }
    }
    if (open->pending == 0) {
        const char *near = nearest_tag(site, open->command.name);
        snprintf(mistake, MISTAKE_SIZE, "no tag matches '%s'; %s%s", open->command.name,
                 near != NULL ? "did you mean " : "TAG lists them", near != NULL ? near : "");
        return false;
    }
    if (!server_watch(console->server, open_token(console, open, 0), open->command.name)) {
        snprintf(mistake, MISTAKE_SIZE, "%d WATCHes are open already; end one first", SERVER_WATCHES_MAX);
        return false;
    }
    open->kind = OPEN_WATCH;
    watch_pump(console, open);
    return true;
}

void watch_changed(struct open *open, const struct tag *tag)
{
    uint32_t number = tag_site_number(tag);
    uint64_t bit = (uint64_t)1 << number % WORD_BITS;
    if ((open->changed[number / WORD_BITS] & bit) == 0) {
        open->changed[number / WORD_BITS] |= bit;
        open->pending++;
    }
}

/* The next tag that changed, at or behind `next`, in turn; there is one. Its bit is cleared. */
static uint32_t take_changed(struct open *open, uint32_t tag_count)
{
    KOMET_ASSERT(open->pending > 0);
    for (;;) {
        if (open->next >= tag_count) {
            open->next = 0;
        }
        uint32_t number = open->next;
        uint64_t word = open->changed[number / WORD_BITS] >> number % WORD_BITS;
        if (word == 0) {
            open->next = (number / WORD_BITS + 1) * WORD_BITS;
            continue;
        }
        number += (uint32_t)__builtin_ctzll(word);
        open->changed[number / WORD_BITS] &= ~((uint64_t)1 << number % WORD_BITS);
        open->pending--;
        open->next = number + 1;
        return number;
    }
}

void watch_pump(struct server_console *console, struct open *open)
{
    KOMET_ASSERT(open->kind == OPEN_WATCH);
    const struct site *site = server_site(console->server);
    if (open->in_flight || open->pending == 0) {
        return;
    }
    page_reset(&console->page);
    while (open->pending > 0 && page_has_room(&console->page)) {
        const struct tag *tag = site->tags[take_changed(open, site->tag_count)];
        struct json json;
        page_begin_row(&console->page, &json);
        rows_tag(&json, tag, server_value(console->server, tag));
        page_end_row(&console->page, &json);
    }
    send_page(console, open, false, false);
}
