/*
 * sim_log: see sim_log.h.
 */
#include "program/sim_log.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

bool sim_log_open(struct sim_log *log, const char *path, const char *header)
{
    *log = (struct sim_log){.path = path};
    if (path == NULL) {
        return true;
    }
    log->file = fopen(path, "we");
    if (log->file == NULL) {
        return false;
    }
    fprintf(log->file, "%s\n", header);
    log->dirty = true;
    return sim_log_flush(log);
}

void sim_log_value(double number, char text[SIM_LOG_VALUE_SIZE])
{
    /* whole numbers have up to ten digits (bit strings, counters); all others are floats, told apart by nine
     */
    bool is_whole = fabs(number) < 1e10 && number == floor(number);
    snprintf(text, SIM_LOG_VALUE_SIZE, is_whole ? "%.0f" : "%.9g", number);
}

void sim_log_row(struct sim_log *log, const char *format, ...)
{
    va_list arguments;
    if (log->file == NULL) {
        return;
    }
    va_start(arguments, format);
    vfprintf(log->file, format, arguments);
    va_end(arguments);
    fputc('\n', log->file);
    log->dirty = true;
}

void sim_log_event(struct sim_log *log, const struct rtu_output *event)
{
    char value[SIM_LOG_VALUE_SIZE];
    sim_log_value(event->number, value);
    sim_log_row(log, "%u,%u,%s,%" PRId64, event->ioa, event->type, value, event->time.ms);
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
