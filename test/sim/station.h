/*
 * station: a simulated station with the connections that it has, or had.
 */
#ifndef SIM_STATION_H
#define SIM_STATION_H

#include "sim/world.h"

void station_init(struct world *world, struct sim_station *station, unsigned number);
/* A connection of an instance arrives, of its line `line`; it replaces the one that the station had from
 * that instance, or, where the line is cold, from any. */
struct sim_connection *station_accept(struct world *world, struct sim_station *station, struct sim_kom *kom,
                                      uint16_t line);
/* The instance's end is closed, and the station hears of it. */
void station_hear_closed(struct world *world, struct sim_connection *connection);
/* RST in the network: both ends hear it. */
void station_reset(struct world *world, struct sim_connection *connection);
/* Time, what arrived, and a new event when it is due. */
void station_step(struct world *world, struct sim_station *station);
struct komet_instant station_next(const struct sim_station *station);
/* True when every tag in the server has its station's value. */
bool station_all_agree(const struct world *world);

#endif
