/*
 * site: what a simulated site consists of, from the world's seed: one or two processes, with one to four
 * instances or one without a number, one to three lines, cold or warm, with one station each; mostly another
 * one that masters connect to (masters_site.h); and its text, as people would have written it.
 */
#ifndef SIM_SITE_H
#define SIM_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/masters_site.h"
#include "site/reader.h"
#include "support.h"

enum {
    SIM_PROCESSES_MAX = 3,
    SIM_STATIONS_MAX = 3,
    SIM_INSTANCES_MAX = 4,
    SIM_SERVING_MAX = 3, /* instances of the process that masters connect to */
    SIM_FILES_MAX = 2 + SIM_STATIONS_MAX,
    SIM_LEASE_MS = 600
};

/* The points of each station. Tags are named after them: M1.D1001 … of station 1. */
enum {
    POINT_INPUTS = 8, /* digital inputs from this address on */
    POINT_FIRST_INPUT = 1001,
    POINT_FEEDBACK = 3101, /* takes the value of the set point */
    POINT_SET_POINT = 5003
};

struct sim_process {
    const char *name;
    uint8_t first_instance, last_instance; /* both 0: one run without a number */
    uint8_t first_station, station_count;  /* of the site; line l of the process has station first + l */
    bool serves;                           /* it has none, but one line that masters connect to */
};

struct sim_site {
    struct sim_process processes[SIM_PROCESSES_MAX];
    unsigned process_count, station_count;
    bool buffered[SIM_STATIONS_MAX]; /* its line is read on without a server */
    bool
        warm[SIM_STATIONS_MAX]; /* its line stands by at passive instances, each on a connection of its own */
    struct sim_centre centre;
    char text[4096], tables[SIM_STATIONS_MAX][512], centre_table[1024];
    struct site_file files[SIM_FILES_MAX];
    unsigned file_count;
};

/* `site` is not moved afterwards: its files point into it. */
void sim_site_init(struct sim_site *site, struct test_random *random);

/* Writes behind what stands in `text`, which has room for it. */
void sim_append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The name of a station's tag: of an input, of the feedback, of the set point. */
struct sim_name {
    char text[24];
};
struct sim_name sim_tag_name(unsigned station, uint32_t ioa);
/* The station and the address that a tag's name has; false: it is the set point's,
 * or a tag of the line that masters connect to. */
bool sim_tag_point(const char *name, unsigned *station, uint32_t *ioa);

#endif
