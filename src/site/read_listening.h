/*
 * read_listening: what site.yaml says of a line that listens: where, and to whom; and its checks.
 */
#ifndef SITE_READ_LISTENING_H
#define SITE_READ_LISTENING_H

#include "site/yaml_node.h"

/* `listen`: "ALL:2404", "[ALL]", "10.9.0.5:2404", "2404". */
void read_listen(struct yaml_reader *yaml, const yaml_node_t *node, struct address *listen);
/* `masters`: lists of addresses, each list one redundancy group. */
void read_masters(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);

/* A line that listens has `listen`, and no other of the process has the same; one that connects has none. */
void check_listening(struct yaml_reader *yaml, const yaml_node_t *node, const struct line *line);

#endif
