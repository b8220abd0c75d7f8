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
/* Time, disk, and what arrived. */
void server_shell_step(struct world *world);
/* An instance's connection arrives; NULL: there is no server. */
struct sim_connection *server_shell_accept(struct world *world, struct sim_kom *kom);
/* The instance's end is closed, and the server hears of it. */
void server_shell_hear_closed(struct world *world, struct sim_connection *connection);
/* Encodes and puts under way. */
void shell_send(struct world *world, struct stream *stream, const wire_message *message);
struct komet_instant server_shell_next(const struct world *world);

#endif
