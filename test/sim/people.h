/*
 * people: what operators do in the midst of it: no faults, but at any time.
 */
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

#include "sim/world.h"

/* FAULT_HAND_OVER to FAULT_RELOAD, FAULT_LOAD_BALANCE; `kom` is who is told to leave, NULL: nobody. */
void people_ask(struct world *world, enum sim_fault fault, struct sim_kom *kom);

#endif
