/*
 * read_line: a line of site.yaml with its stations, their parameters and tag tables.
 */
#ifndef SITE_READ_LINE_H
#define SITE_READ_LINE_H

#include "site/yaml_node.h"

/* What the site says for all its lines. */
struct site_scope {
    int local_minutes;   /* `local_time`: standard offset of stations with `time: local` */
    bool summer_time_eu; /* `summer_time: eu` */
    bool tags_wanted;    /* false: another process's line, whose tables are not here */
};

/* Fills `line`, whose name is set, from its mapping. */
void read_line(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line,
               const struct site_scope *scope);

/* The parameters of a mapping: those of the line's scope into `of_line`, all others into `own`. */
void read_parameters(struct yaml_reader *yaml, const yaml_node_t *node, struct parameter_set *own,
                     struct parameter_set *of_line);

/* What a line's parts must be to each other is told at `node`; what follows from them is set. */
void check_line(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);

/* "+01:00" in minutes; false when it is no offset. */
bool zone_parse(const char *text, int *minutes);

#endif
