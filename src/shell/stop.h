/*
 * stop: SIGTERM and SIGINT as an event of the loop.
 */
#ifndef SHELL_STOP_H
#define SHELL_STOP_H

#include <uv.h>

struct stop {
    uv_signal_t terminate, interrupt;
    void (*stopped)(void *context);
    void *context;
};

/*
 * From now on the first SIGTERM or SIGINT calls `stopped`, on the loop; further ones do it again, so that an
 * impatient operator is heard. SIGPIPE is ignored from now on: a broken pipe is an error of write. The
 * signals alone do not keep the loop running.
 *   stop  the caller's memory, until the loop has run out after stop_end
 */
void stop_begin(struct stop *stop, uv_loop_t *loop, void (*stopped)(void *context), void *context);
void stop_end(struct stop *stop);

#endif
