/*
 * sim_log: see sim_log.h.
 */
#include "program/sim_log.h"

#include <inttypes.h>
#include <math.h>

bool sim_log_open(struct sim_log *log, const char *path)
{
    *log = (struct sim_log){.path = path};
    if (path == NULL) {
        return true;
    }
    log->file = fopen(path, "we");
    if (log->file == NULL) {
        return false;
    }
    fputs("ioa,type,value,time_ms\n", log->file);
    log->dirty = true;
    return sim_log_flush(log);
}

void sim_log_event(struct sim_log *log, const struct rtu_output *event)
{
    if (log->file == NULL) {
        return;
    }
    /* whole numbers have up to ten digits (bit strings, counters); all others are floats, told apart by nine
     */
    bool is_whole = fabs(event->number) < 1e10 && event->number == floor(event->number);
    fprintf(log->file, is_whole ? "%u,%u,%.0f,%" PRId64 "\n" : "%u,%u,%.9g,%" PRId64 "\n", event->ioa,
            event->type, event->number, event->time.ms);
    log->dirty = true;
}

bool sim_log_flush(struct sim_log *log)
{
    if (log->file == NULL || !log->dirty) {
        return true;
    }
    log->dirty = false;
    if (fflush(log->file) == 0 && ferror(log->file) == 0) {
        return true;
    }
    fclose(log->file);
    log->file = NULL;
    return false;
}

bool sim_log_close(struct sim_log *log)
{
    bool written = log->file == NULL || fclose(log->file) == 0;
    log->file = NULL;
    return written;
}
