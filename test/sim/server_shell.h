/*
 * server_shell: what `komet server` is to its engine, in the simulated world.
 */
#ifndef SIM_SERVER_SHELL_H
#define SIM_SERVER_SHELL_H

#include "sim/world.h"

/* A new engine with what the disk has. */
void server_shell_start(struct world *world);
/* Does what the engine wants. */
void server_shell_drain(struct world *world);
/* Time and disk. */
void server_shell_step(struct world *world);
/* Takes what has arrived from an instance. */
void server_shell_receive(struct world *world, struct sim_kom *kom);
/* An instance's connection arrives; false: there is no server. */
bool server_shell_accept(struct world *world, struct sim_kom *kom);
/* The instance's end is closed, and the server hears of it. */
void server_shell_hear_closed(struct world *world, struct sim_kom *kom);
/* Encodes and puts under way. */
void shell_send(struct world *world, struct stream *stream, const wire_message *message);

#endif
