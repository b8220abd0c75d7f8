/*
 * The KOM's host: the part of the site that the server sends, at the greeting and when it was changed
 * (RELOAD).
 *
 * At the greeting nothing acts yet, and it is read in place. A changed one is read and compared on the loop's
 * pool, while the lines work and the lease is renewed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "program/kom_host_private.h"
#include "program/site_faults.h"
#include "shell/clock.h"
#include "shell/log.h"

static void forget_line(struct host_line *line)
{
    kom_host_abort_line(line);
    free(line);
}

void kom_host_forget_site(struct kom_host *host)
{
    for (unsigned i = 0; i < host->line_count; i++) {
        forget_line(host->lines[i]);
    }
    free(host->lines);
    free(host->lines_memory);
    host->lines = NULL;
    host->lines_serial++;
    host->lines_memory = NULL;
    host->line_count = 0;
    if (host->reading != NULL) { /* it still compares with that */
        host->reading->kept = host->configuration;
        host->reading = NULL;
    } else {
        configuration_release(&host->configuration);
    }
    host->configuration = (struct configuration){0};
}

static const struct process *own_process(const struct kom_host *host, const struct site *site)
{
    return site != NULL ? site_find_process(site, host->settings.identity.process) : NULL;
}

static void cannot_be_used(struct kom_host *host, const struct site_result *result)
{
    site_faults_print(stderr, NULL, result);
    kom_host_give_up(host,
                     "the site that the server sent cannot be used; is this program older than the server?");
}

static struct site_folder copy_files(Komet__Wire__SiteFile *const *from, size_t count)
{
    struct site_file *files = calloc(count + 1, sizeof *files);
    KOMET_ASSERT(files != NULL);
    for (size_t i = 0; i < count; i++) {
        files[i] = (struct site_file){from[i]->name, (const char *)from[i]->text.data, from[i]->text.len};
    }
    struct site_folder folder = site_folder_copy(files, count);
    free(files);
    return folder;
}

static struct host_line *new_line(struct kom_host *host)
{
    struct host_line *line = calloc(1, sizeof *line);
    KOMET_ASSERT(line != NULL);
    line->host = host;
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        line->connections[i].line = line;
    }
    return line;
}

static struct host_line **line_list(const struct process *process)
{
    struct host_line **lines = calloc(process->line_count + 1u, sizeof(struct host_line *));
    KOMET_ASSERT(lines != NULL);
    return lines;
}

static void welcomed(struct kom_host *host)
{
    host->pause_ms = RECONNECT_MIN_MS;
    host->welcomed = true;
    host->failures = 0;
    if (host->settings.stay && !host->stays) {
        host->stays = true;
        host->next_server = host->this_server;
    }
}

void kom_host_configure(struct kom_host *host, const Komet__Wire__Welcome *welcome)
{
    kom_host_forget_site(host);
    if (welcome->n_files == 0) {
        kom_host_give_up(host, "the server sent no site");
        return;
    }
    struct configuration *configuration = &host->configuration;
    configuration->folder = copy_files(welcome->files, welcome->n_files);
    configuration->result =
        site_read_wanted(configuration->folder.files, configuration->folder.count, &host->wanted);
    const struct process *process = own_process(host, configuration->result.site);
    if (process == NULL) {
        cannot_be_used(host, &configuration->result);
        return;
    }
    size_t size = kom_lines_size(process);
    host->lines_memory = malloc(size);
    KOMET_ASSERT(host->lines_memory != NULL);
    host->lines = line_list(process);
    host->line_count = process->line_count;
    for (uint16_t i = 0; i < process->line_count; i++) {
        host->lines[i] = new_line(host);
        host->lines[i]->line = &process->lines[i];
        host->lines[i]->index = i;
    }
    kom_configure(host->kom, host->lines_memory, size, process, clock_now());
    welcomed(host);
}

/* ---- a changed one ---- */

/* Each line's TCP connection stays with it, under its new number; those of lines that are gone were closed.
 */
static void move_lines(struct kom_host *host, const struct process *process,
                       const struct site_difference *difference)
{
    struct host_line **lines = line_list(process);
    for (uint16_t i = 0; i < process->line_count; i++) {
        const struct line *was = difference_line_was(difference, &process->lines[i]);
        if (was != NULL) {
            lines[i] = host->lines[was->index];
            host->lines[was->index] = NULL;
        } else {
            lines[i] = new_line(host);
        }
        lines[i]->line = &process->lines[i];
        lines[i]->index = i;
    }
    for (unsigned i = 0; i < host->line_count; i++) {
        if (host->lines[i] != NULL) {
            forget_line(host->lines[i]);
        }
    }
    free(host->lines);
    host->lines = lines;
    host->lines_serial++;
    host->line_count = process->line_count;
}

static void apply(struct kom_host *host, struct site_reading *reading)
{
    const struct process *process = own_process(host, reading->read.result.site);
    kom_reconfigure(host->kom, reading->engine, reading->engine_size, process, reading->difference,
                    clock_now());
    move_lines(host, process, reading->difference);
    free(host->lines_memory);
    host->lines_memory = reading->engine;
    reading->engine = NULL;
    reading->kept = host->configuration; /* goes with the reading */
    host->configuration = reading->read;
    reading->read = (struct configuration){0};
}

/* The one that was just read is for whom we are connected to. */
static bool is_wanted(const struct kom_host *host, const struct site_reading *reading)
{
    return host->reading == reading && host->reading_wanted && !host->ended;
}

static void on_read(void *context, struct site_reading *reading)
{
    struct kom_host *host = context;
    bool readable = own_process(host, reading->read.result.site) != NULL;
    if (is_wanted(host, reading) && !readable) {
        cannot_be_used(host, &reading->read.result);
    }
    if (is_wanted(host, reading)) {
        kom_leave_lines(host->kom, clock_now(), reading->difference);
        kom_host_drain(host);
    }
    bool apply_it = is_wanted(host, reading); /* the server is still there */
    if (host->reading == reading) {
        host->reading = NULL;
    }
    if (apply_it) {
        apply(host, reading);
        kom_host_drain(host);
    }
    site_reading_free(reading);
}

/* Octets for the lines of a process, as the reading asks for them. */
static size_t lines_size(const struct site *site, const struct site_wanted *wanted)
{
    return kom_lines_size(site_find_process(site, wanted->process));
}

void kom_host_reconfigure(struct kom_host *host, const Komet__Wire__Configuration *configuration)
{
    KOMET_ASSERT(host->reading == NULL && host->configuration.result.site != NULL);
    const struct site_reading_settings settings = {
        .loop = host->settings.loop,
        .folder = copy_files(configuration->files, configuration->n_files),
        .wanted = &host->wanted,
        .before = host->configuration.result.site,
        .engine_size = lines_size,
        .done = on_read,
        .context = host};
    host->reading = site_reading_start(&settings);
    host->reading_wanted = true;
}
