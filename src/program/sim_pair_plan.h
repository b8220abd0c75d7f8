/*
 * sim_pair_plan: reads the description of a simulated Sinaut pair from YAML, or all that is wrong with it.
 */
#ifndef PROGRAM_SIM_PAIR_PLAN_H
#define PROGRAM_SIM_PAIR_PLAN_H

#include "model/site.h"
#include "partner/pair.h"
#include "site/reader.h"

struct sim_pair_plan {
    bool usable;
    struct pair_plan plan;                               /* usable only */
    struct address systems[PAIR_SYSTEMS][PAIR_NETWORKS]; /* where a system listens, or from where it connects;
                                                            host NULL: the machine's choice, there are fewer
                                                            networks, or it is not played */
    struct address partners[PAIR_PARTNERS][PAIR_NETWORKS]; /* where they are; host NULL: whoever comes */
    size_t point_count;                                    /* all points of all stations */
    struct site_fault *faults;
    size_t fault_count;
    struct site_arena *arena; /* owns everything above */
};

/*
 * Reads a pair.
 *   files, count  the first is the YAML file, borrowed for the call only
 *   folder        where `replay:` files are looked for that are not among `files`; NULL: nowhere
 *   speed         > 0: patterns, replay and script run that many times faster
 * All mistakes are found in one go. Release the result with sim_pair_plan_release in any case.
 */
struct sim_pair_plan sim_pair_plan_parse(const struct site_file *files, size_t count, const char *folder,
                                         double speed);

/* The same from a file; one that cannot be read is a fault. */
struct sim_pair_plan sim_pair_plan_read(const char *path, double speed);

void sim_pair_plan_release(struct sim_pair_plan *plan);

#endif
