/*
 * station: the simulated site's files, and its one station with the network to it.
 */
#ifndef SIM_STATION_H
#define SIM_STATION_H

#include "sim/world.h"

enum {
    STATION_INPUTS = 8, /* digital inputs from this address on */
    STATION_FIRST_INPUT = 1001,
    STATION_FEEDBACK = 3101, /* takes the value of the set point */
    STATION_SET_POINT = 5003
};

/* The site: site.yaml and its table. Tags are named after their addresses: M.D1001 … M.D1008, M.P3101. */
enum { STATION_FILES = 2 };
const struct site_file *station_files(const struct world *world);
#define STATION_COMMAND_TAG "M.P5003.SET"

void station_init(struct world *world);
void station_free(struct world *world);

/* A connection of an instance arrives; where the line is cold it replaces the one that the station had. */
void station_accept(struct world *world, struct sim_kom *kom);
/* Octets of an instance are put under way. */
void station_send(struct world *world, struct sim_kom *kom, const uint8_t *octets, size_t size);
/* The instance takes what has arrived from the station. */
void station_receive(struct world *world, struct sim_kom *kom);
/* The instance's end is closed, and the station hears of it. */
void station_hear_closed(struct world *world, struct sim_kom *kom);
/* Time, what arrived, and a new event when it is due. */
void station_step(struct world *world);
struct komet_instant station_next(const struct world *world);
/* True when every tag in the server has the station's value. */
bool station_agrees(const struct world *world);

#endif
