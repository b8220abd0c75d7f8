/*
 * sim_plan: reads the description of a simulated station from YAML, or all that is wrong with it.
 */
#ifndef PROGRAM_SIM_PLAN_H
#define PROGRAM_SIM_PLAN_H

#include "partner/rtu.h"
#include "site/reader.h"

struct sim_plan {
    bool usable;
    struct rtu_plan plan; /* usable only */
    size_t point_count;   /* all points of all rows */
    struct site_fault *faults;
    size_t fault_count;
    struct site_arena *arena; /* owns everything above */
};

/*
 * Reads a station.
 *   files, count  the first is the YAML file, borrowed for the call only
 *   folder        where a `replay:` file is looked for that is not among `files`; NULL: nowhere
 *   speed         > 0: patterns and replay run that many times faster
 * All mistakes are found in one go. Release the result with sim_plan_release in any case.
 */
struct sim_plan sim_plan_parse(const struct site_file *files, size_t count, const char *folder, double speed);

/* The same from a file; one that cannot be read is a fault. */
struct sim_plan sim_plan_read(const char *path, double speed);

void sim_plan_release(struct sim_plan *plan);

#endif
