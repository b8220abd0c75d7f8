/*
 * site_reading: see site_reading.h.
 */
#include "program/site_reading.h"

#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

void configuration_release(struct configuration *configuration)
{
    if (configuration->result.arena != NULL) {
        site_result_release(&configuration->result);
    }
    if (configuration->folder.arena != NULL) {
        site_folder_release(&configuration->folder);
    }
    *configuration = (struct configuration){0};
}

/* Memory whose pages are there already: to touch them takes the loop longer than to use them. */
static void *take_memory(size_t size)
{
    void *memory = malloc(size);
    KOMET_ASSERT(memory != NULL);
    memset(memory, 0, size);
    return memory;
}

static void read_site(uv_work_t *work)
{
    struct site_reading *reading = (struct site_reading *)work;
    const struct site_reading_settings *settings = &reading->settings;
    struct configuration *read = &reading->read;
    read->folder = settings->directory != NULL ? site_folder_load(settings->directory) : settings->folder;
    if (read->folder.fault[0] != '\0') {
        return;
    }
    const struct site_wanted *wanted = settings->wanted;
    read->result = wanted == NULL ? site_read(read->folder.files, read->folder.count, NULL)
                                  : site_read_wanted(read->folder.files, read->folder.count, wanted);
    const struct site *site = read->result.site;
    if (site == NULL || (wanted != NULL && site_find_process(site, wanted->process) == NULL)) {
        return;
    }
    size_t size = site_difference_size(settings->before, site);
    reading->difference = site_difference_make(take_memory(size), size, settings->before, site);
    reading->engine_size = settings->engine_size(site, wanted);
    reading->engine = take_memory(reading->engine_size);
}

static void on_read(uv_work_t *work, int status)
{
    struct site_reading *reading = (struct site_reading *)work;
    KOMET_ASSERT(status == 0); /* nobody cancels it */
    reading->settings.done(reading->settings.context, reading);
}

struct site_reading *site_reading_start(const struct site_reading_settings *settings)
{
    struct site_reading *reading = calloc(1, sizeof *reading);
    KOMET_ASSERT(reading != NULL);
    reading->settings = *settings;
    int failed = uv_queue_work(settings->loop, &reading->work, read_site, on_read);
    KOMET_ASSERT(failed == 0);
    return reading;
}

void site_reading_free(struct site_reading *reading)
{
    configuration_release(&reading->read);
    configuration_release(&reading->kept);
    free(reading->difference);
    free(reading->engine);
    free(reading);
}
