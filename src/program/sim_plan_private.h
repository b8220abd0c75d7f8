/*
 * sim_plan_private: what the files that read a station's description share.
 */
#ifndef PROGRAM_SIM_PLAN_PRIVATE_H
#define PROGRAM_SIM_PLAN_PRIVATE_H

#include "program/sim_plan.h"
#include "site/file_text.h"
#include "site/yaml_node.h"

#define SIM_FILE_MAX ((size_t)64 * 1024 * 1024) /* octets */

/* One reading of a description. Everything but the YAML document is in the arena of `reading`. */
struct sim_parser {
    struct yaml_reader yaml;
    struct reading reading;
    const char *folder; /* of the replay file; NULL: only the given files are looked at */
    double speed;
    struct rtu_plan plan;
    struct rtu_point *points; /* type 0: something is wrong with it, told; the rest of it may be made up */
    struct place *places;     /* of each row of points */
    struct place link_place;  /* of the last of k, w, t1, t2, t3; line 0: none is given */
    const char *replay;       /* file name; NULL none */
    struct place replay_place;
};

/* sim_plan.c: a time above 0; false, and a fault, when it is none. */
bool sim_plan_read_time(struct sim_parser *parser, const yaml_node_t *node, const char *what,
                        int64_t bare_unit_us, int64_t *time_us);

/* Reads a description's file and says in which folder it is, all in `arena`. NULL, or what is wrong. */
struct site_fault *sim_plan_file(struct site_arena *arena, const char *path, struct site_file *file,
                                 const char **folder);

/* The station that was read: rows in order, rules, replay. The rest of its plan is looked at only where all
 * else is right. */
void sim_plan_check(struct sim_parser *parser);

/* sim_plan_points.c */
void sim_plan_read_points(struct sim_parser *parser, const yaml_node_t *node);
void sim_plan_check_points(struct sim_parser *parser);

/* sim_plan_replay.c: reads the file that `replay` names, if any, into the plan. The points are read. */
void sim_plan_read_replay(struct sim_parser *parser);

#endif
