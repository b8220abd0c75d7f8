/*
 * sim_log: the simulated station's own record of its events: what a test holds against what arrived
 * elsewhere.
 *
 * CSV with the header `ioa,type,value,time_ms`; a row for each event, in the order in which they happened.
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

/* Begins the file anew, with its header. `path` is borrowed until sim_log_close; NULL: none is wanted. False:
 * it cannot be written, errno says why. */
bool sim_log_open(struct sim_log *log, const char *path);

/* An output of kind RTU_OUT_EVENT. */
void sim_log_event(struct sim_log *log, const struct rtu_output *event);

/* Gives the rows to the system, so that a reader sees them. False, once, when they cannot be written: errno
 * says why, and nothing more is recorded. */
bool sim_log_flush(struct sim_log *log);

/* False: the last rows could not be written, errno says why. */
bool sim_log_close(struct sim_log *log);

#endif
