/*
 * sim_host: a simulated partner on a loop: its listener, its one connection, its timer, its record.
 *
 * A new connection takes the place of the one before, which is reset. The partner lives on while nobody is
 * connected.
 */
#ifndef PROGRAM_SIM_HOST_H
#define PROGRAM_SIM_HOST_H

#include "program/endpoints.h"
#include "program/sim_log.h"
#include "program/sim_partner.h"

struct sim_host_settings {
    const struct sim_partner *partner;
    const struct endpoint *listen;
    struct sim_log *log;
    const char *what; /* for the line of the log that says what is played: "conf/demo/rtu.sim.yaml: …" */
};

/*
 * Runs the partner until SIGTERM or SIGINT. All of `settings` is borrowed for the call.
 * Returns the exit status: 0, or 1 when it could not listen, which standard error says.
 */
int sim_host_run(const struct sim_host_settings *settings);

#endif
