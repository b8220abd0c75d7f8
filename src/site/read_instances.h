/*
 * read_instances: in what the lines of one instance of a process differ from those of all: their addresses on
 * its machine, and parameters.
 */
#ifndef SITE_READ_INSTANCES_H
#define SITE_READ_INSTANCES_H

#include "site/yaml_node.h"

/* Reads `instances` of a process whose lines are read. All of it is checked; what it says of the instance
 * that is wanted (of `own_process`) becomes the lines' own. */
void read_instances(struct yaml_reader *yaml, const yaml_node_t *node, struct process *process,
                    bool own_process);

#endif
