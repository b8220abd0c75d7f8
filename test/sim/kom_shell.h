/*
 * kom_shell: what `komet kom` is to its engine, in the simulated world.
 */
#ifndef SIM_KOM_SHELL_H
#define SIM_KOM_SHELL_H

#include "sim/world.h"

void kom_shell_init(struct sim_kom *kom, const struct sim_process *process, uint8_t instance);
void kom_shell_free(struct sim_kom *kom);
/* A new run of the process. */
void kom_shell_start(struct world *world, struct sim_kom *kom);
/* The process is gone, and so are its ends of the connections. */
void kom_shell_kill(struct world *world, struct sim_kom *kom);
/* SIGTERM. */
void kom_shell_leave(struct world *world, struct sim_kom *kom);
/* Does what the engine wants. */
void kom_shell_drain(struct world *world, struct sim_kom *kom);
/* Time, what arrived, and the end of its fault. */
void kom_shell_step(struct world *world, struct sim_kom *kom);
/* Would it take what arrives on a connection of its own? */
bool kom_shell_reads(const struct sim_connection *connection);
/* The other end of a connection is closed. */
void kom_shell_hear_closed(struct world *world, struct sim_connection *connection);
/* When something happens by itself; KOMET_NEVER. */
struct komet_instant kom_shell_next(const struct world *world, const struct sim_kom *kom);

#endif
