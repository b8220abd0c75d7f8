/*
 * site_reading: a site read, checked and compared with the one that runs, on a thread of the loop's pool,
 * because a large one takes longer than a lease; and the memory of the engine that is to run it, touched
 * there.
 */
#ifndef KOMET_PROGRAM_SITE_READING_H
#define KOMET_PROGRAM_SITE_READING_H

#include <uv.h>

#include "model/site_difference.h"
#include "site/reader.h"

/* What somebody runs by: the files and what was read from them. */
struct configuration {
    struct site_folder folder;
    struct site_result result;
};

/* Frees both; one that is all zero is allowed. */
void configuration_release(struct configuration *configuration);

struct site_reading;
/* On the loop's thread, once: it is read. The receiver takes what it wants out of it by setting it to zero or
 * NULL, and calls site_reading_free. */
typedef void site_reading_done(void *context, struct site_reading *reading);

struct site_reading_settings {
    uv_loop_t *loop;
    const char *directory; /* the site's folder; NULL: `folder` is there already. Borrowed until done */
    struct site_folder folder;
    const struct site_wanted *wanted; /* whose part is there; NULL: all. Borrowed until done */
    const struct site *before;        /* what it is compared with; borrowed until done */
    size_t (*engine_size)(const struct site *site,
                          const struct site_wanted *wanted); /* on the other thread; pure */
    site_reading_done *done;
    void *context;
};

struct site_reading {
    uv_work_t work;
    struct site_reading_settings settings;
    struct configuration read; /* result.site NULL: it is wrong, or folder.fault says why not at all */
    struct site_difference *difference; /* NULL then, as the next */
    void *engine;
    size_t engine_size;
    struct configuration kept; /* what `before` is of, when its owner needs it no more: freed with this */
};

struct site_reading *site_reading_start(const struct site_reading_settings *settings);
void site_reading_free(struct site_reading *reading);

#endif
