/*
 * The server's host: RELOAD. The site is read and compared on the loop's pool, where the memory of the engine
 * for it is made, too; on the loop the engine only takes over what it knows, so that no lease waits.
 */
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "program/server_host_private.h"
#include "shell/clock.h"
#include "shell/log.h"

static void drop_reading(struct server_host *host)
{
    site_reading_free(host->reading);
    host->reading = NULL;
    host->reload = RELOAD_NONE;
}

/* The site is wrong: the engine hears it, and who asked is answered with all that is wrong. */
static void refuse(struct server_host *host, struct line_now now)
{
    struct configuration *read = &host->reading->read;
    char why[RECORD_TEXT_MAX];
    if (read->folder.fault[0] != '\0') {
        snprintf(why, sizeof why, "%.120s", read->folder.fault);
    } else {
        const struct site_fault *first = &read->result.faults[0];
        snprintf(why, sizeof why, "the site is wrong (%zu): %.20s:%d:%d: %.70s", read->result.fault_count,
                 first->file, first->line, first->column, first->what);
    }
    log_warning("RELOAD is refused: %s", why);
    server_console_reload_wrong(host->engine.console, read);
    server_reload_refuse(host->engine.server, now, why);
}

static void on_read(void *context, struct site_reading *reading)
{
    struct server_host *host = context;
    KOMET_ASSERT(host->reading == reading && host->reload == RELOAD_READING);
    if (host->stopping) {
        drop_reading(host);
        return;
    }
    if (reading->difference == NULL) {
        refuse(host, clock_now());
        drop_reading(host);
    } else {
        host->reload = RELOAD_READY;
        host->reload_drained = false;
    }
    server_host_drain(host);
}

static size_t engine_size(const struct site *site, const struct site_wanted *wanted)
{
    (void)wanted;
    return server_size(site);
}

static void read_site(struct server_host *host)
{
    const struct site_reading_settings settings = {.loop = host->settings.loop,
                                                   .directory = host->settings.directory,
                                                   .before = host->site,
                                                   .engine_size = engine_size,
                                                   .done = on_read,
                                                   .context = host};
    host->reload = RELOAD_READING;
    host->reading = site_reading_start(&settings);
}

static void swap(struct server_host *host, struct line_now now)
{
    struct site_reading *reading = host->reading;
    struct site *site = reading->read.result.site;
    void *before = host->engine.memory;
    host->engine.memory = reading->engine;
    host->engine.server = server_reload(reading->engine, reading->engine_size, host->engine.server, site,
                                        reading->difference, now);
    free(before);
    reading->engine = NULL;
    reading->kept = host->own;
    host->own = reading->read;
    reading->read = (struct configuration){0};
    host->site = site;
    host->folder = &host->own.folder;
    server_console_reloaded(host->engine.console, host->engine.server, reading->difference,
                            &host->own.result);
    host->reload = RELOAD_APPLYING;
}

/* True when something was ended, or the engine is another one. */
static bool make_ready(struct server_host *host)
{
    struct line_now now = clock_now();
    bool ready = server_reload_ready(host->engine.server, now, host->reading->difference);
    if (!host->reload_drained) {
        host->reload_drained = true;
        return true;
    }
    host->reload_drained = ready; /* else it waits for the disk, and then looks again */
    if (ready) {
        swap(host, now);
    }
    return ready;
}

bool server_host_follow_reload(struct server_host *host)
{
    bool open = server_reloads(host->engine.server);
    switch (host->reload) {
    case RELOAD_NONE:
        if (open) {
            read_site(host);
        }
        return false;
    case RELOAD_READING:
        return false;
    case RELOAD_READY:
        if (!open) { /* the journal failed meanwhile */
            drop_reading(host);
            return false;
        }
        return make_ready(host);
    case RELOAD_APPLYING:
        if (!open && (host->journal == NULL || !journal_reads_former(host->journal))) {
            drop_reading(host);
        }
        return false;
    }
    KOMET_ASSERT_NEVER("a RELOAD in no state");
}
