/*
 * read_partners: the partner of a Sinaut line, which is up to two systems on up to two networks, and our own
 * address on each network; the two connections of a line iec104 on tcp-redundant, each with its hosts.
 */
#ifndef SITE_READ_PARTNERS_H
#define SITE_READ_PARTNERS_H

#include "site/yaml_node.h"

/* `partners`: a list; each one {name, addresses}, or the list of its addresses. */
void read_partners(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);

/* `local`: the list of our addresses, in the order of the networks. */
void read_local(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);

/* Where a Sinaut line listens is what SP and SH say; what it needs and what does not go together is told at
 * `node`.
 */
void check_partners(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);

/* A list among `hosts`: the addresses of the next connection of a line that is paired. What goes with such a
 * line and what does not is told at `node`. */
void read_paired_hosts(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);
void check_paired(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line);

#endif
