/*
 * masters_site: the part of a simulated site that masters connect to: a process with a line that listens,
 * with outputs that follow what the stations say, and an input for each station, whose commands its set point
 * repeats. About every third site has none.
 */
#ifndef SIM_MASTERS_SITE_H
#define SIM_MASTERS_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "support.h"

struct sim_site;

enum { SIM_GROUPS_MAX = 3, SIM_GROUP_MASTERS_MAX = 2 };

/* The outputs of one station, in this order; and their addresses, those of station s from 100 * s on. */
enum sim_output {
    OUTPUT_INPUTS,       /* single points with time: so many of the digital inputs */
    OUTPUT_MEASURED = 4, /* the feedback, with time */
    OUTPUT_LAST,         /* the feedback, without: only how it is now */
    OUTPUT_COUNT,        /* of one station */
    OUTPUT_FIRST_ADDRESS = 1,
    OUTPUT_STATION_ADDRESSES = 100,
    OUTPUT_COMMAND = 90 /* the input's */
};

/* What masters connect to; group_count 0: there is none. */
struct sim_centre {
    uint8_t group_count;
    uint8_t master_counts[SIM_GROUPS_MAX];
    uint16_t buffer;    /* OBUF */
    uint8_t confirms;   /* CMDC */
    bool selects;       /* SBE: a command needs a selection */
    bool initializes;   /* EOI */
    uint8_t selects_of; /* the same at stations, as bits */
};

/* Draws it, and adds its process to the site. */
void masters_site_draw(struct sim_site *site, struct test_random *random);
/* The line of the process, and the table of its tags; that as a file. */
void masters_site_write(struct sim_site *site);
void masters_site_add_file(struct sim_site *site);
/* The end of a set point's row in its station's table: whose commands it repeats. */
void masters_site_write_source(struct sim_site *site, unsigned station);

/* The number of an output by its name or its address, station by station; -1: it is none. */
int masters_site_output(const char *name);
int masters_site_output_at(uint32_t ioa);
/* The station whose command stands at an address; -1: none. */
int masters_site_command_at(uint32_t ioa);
/* The station and the address that an output follows. */
unsigned masters_site_source(unsigned output, uint32_t *ioa);

#endif
