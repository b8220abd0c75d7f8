/*
 * reload: the ways in which the people of a simulated site write it, and RELOAD: what `komet server` and
 * `komet kom` do while a site is read and applied.
 *
 * Lines and stations stay as the plan has them; tags come and go in front of those that stay, so that all
 * their numbers change, and in one way every line's connection is opened anew.
 */
#ifndef SIM_RELOAD_H
#define SIM_RELOAD_H

#include "sim/world.h"

void reload_init(struct world *world);
void reload_free(struct world *world);

/* The people edit the site, and one gives the order. */
void reload_order(struct world *world);
/* A server starts: it reads what stands in the folder. */
void reload_restart(struct world *world);
/* The site is read; it is swapped in. */
void reload_follow(struct world *world);
/* Welcome and Configuration get the files of the site that runs; other messages are left as they are. */
void reload_add_files(struct world *world, wire_message *message);

/* An instance reads a Configuration, which takes a while, and applies it. */
void reload_begin_reading(struct world *world, struct sim_kom *kom,
                          const Komet__Wire__Configuration *configuration);
void reload_apply(struct world *world, struct sim_kom *kom);
/* Whoever sent it is gone. */
void reload_forget_reading(struct sim_kom *kom);

#endif
