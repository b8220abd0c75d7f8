/*
 * faults: what is lost, when, and how it comes back; all from the world's seed.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/world.h"

/* One fault now, and the time of the next. */
void faults_strike(struct world *world);

#endif
