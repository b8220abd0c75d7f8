/*
 * sim_orders: lines from standard input, as they come, while a loop runs.
 */
#ifndef PROGRAM_SIM_ORDERS_H
#define PROGRAM_SIM_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define SIM_ORDERS_LINE_MAX 512 /* octets; a longer line is cut */

struct sim_orders {
    uv_poll_t poll;
    bool open;
    char line[SIM_ORDERS_LINE_MAX];
    size_t size;
    void (*given)(void *context, const char *line); /* without its end; not for an empty one */
    void *context;
};

/*
 * Reads standard input, where it is a terminal, a pipe or a socket; else, and behind its end, nobody is
 * called. Reading alone does not keep the loop running. `orders`: the caller's memory, until the loop has run
 * out after sim_orders_end.
 */
void sim_orders_begin(struct sim_orders *orders, uv_loop_t *loop, void (*given)(void *, const char *),
                      void *context);
void sim_orders_end(struct sim_orders *orders);

#endif
