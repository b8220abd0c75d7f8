/*
 * sim_pair_host: a simulated Sinaut pair on a loop: its listeners or attempts, its connections, its timer,
 * its records, and the orders that standard input gives it.
 */
#ifndef PROGRAM_SIM_PAIR_HOST_H
#define PROGRAM_SIM_PAIR_HOST_H

#include "program/sim_log.h"
#include "program/sim_pair_plan.h"

struct sim_pair_host_settings {
    struct pair *pair;
    const struct sim_pair_plan *plan;
    struct sim_log *events; /* header SIM_PAIR_EVENTS */
    struct sim_log *got;    /* header SIM_PAIR_GOT */
    const char *what;       /* for the line of the log that says what is played */
};

#define SIM_PAIR_EVENTS "ca,ioa,type,value,time_ms"
#define SIM_PAIR_GOT    "path,partner,ca,ioa,type,cause,negative,test,value,status,time_ms,at_ms"

/*
 * Runs the pair until SIGTERM or SIGINT. All of `settings` is borrowed for the call.
 * Returns the exit status: 0, or 1 when it could not listen at its start, which standard error says.
 */
int sim_pair_host_run(const struct sim_pair_host_settings *settings);

#endif
