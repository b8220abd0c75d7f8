/*
 * sim_log: a simulated partner's own record, CSV: of its events, or of what it got: what a test holds against
 * what arrived, or was sent, elsewhere.
 *
 * A row for each, in the order in which they happened.
 */
#ifndef PROGRAM_SIM_LOG_H
#define PROGRAM_SIM_LOG_H

#include <stdbool.h>
#include <stdio.h>

#include "partner/rtu.h"

struct sim_log {
    const char *path; /* NULL: nothing is recorded */
    FILE *file;       /* NULL also when it could not be written any more, which was told */
    bool dirty;       /* rows wait to be flushed */
};

/* Begins the file anew, with its header, "ioa,type,value,time_ms". `path` is borrowed until sim_log_close;
 * NULL: none is wanted. False: it cannot be written, errno says why. */
bool sim_log_open(struct sim_log *log, const char *path, const char *header);

/* An output of kind RTU_OUT_EVENT: a row of SIM_LOG_EVENTS. */
#define SIM_LOG_EVENTS "ioa,type,value,time_ms"
void sim_log_event(struct sim_log *log, const struct rtu_output *event);

/* Any row, without its end. */
void sim_log_row(struct sim_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A value as it stands in a record: as many digits as tell apart all that was transmitted. */
#define SIM_LOG_VALUE_SIZE 32
void sim_log_value(double number, char text[SIM_LOG_VALUE_SIZE]);

/* Gives the rows to the system, so that a reader sees them. False, once, when they cannot be written: errno
 * says why, and nothing more is recorded. */
bool sim_log_flush(struct sim_log *log);

/* False: the last rows could not be written, errno says why. */
bool sim_log_close(struct sim_log *log);

#endif
