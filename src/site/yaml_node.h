/*
 * yaml_node: reading typed things out of a YAML document, each mistake told where it stands.
 */
#ifndef SITE_YAML_NODE_H
#define SITE_YAML_NODE_H

#include <yaml.h>

#include "site/reading.h"

struct yaml_reader {
    struct reading *reading;
    const char *file;
    yaml_document_t document;
    bool loaded; /* there is a document */
};

#define YAML_DEPTH_MAX 32 /* of lists and mappings in each other; no file of ours has more than 8 */

/*
 * Reads a file into `document`, and returns its root; NULL, with a fault told, when it is no YAML, is empty
 * (`wanted` says what would stand in it) or is nested deeper than YAML_DEPTH_MAX, which libyaml would take
 * ever more time for. yaml_unload frees the document in any case.
 */
const yaml_node_t *yaml_load(struct yaml_reader *yaml, const struct site_file *file, const char *wanted);
void yaml_unload(struct yaml_reader *yaml);

/* Where a node begins. */
struct place node_place(const struct yaml_reader *yaml, const yaml_node_t *node);

/* The text of a scalar; NULL (and a fault) when the node is none. `what` names it: "hosts", "number". */
const char *node_text(struct yaml_reader *yaml, const yaml_node_t *node, const char *what);
bool node_boolean(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, bool *value);
bool node_integer(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, long low, long high,
                  long *value);
/* A time with its unit; a bare number counts `bare_unit_us`. */
bool node_duration(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, int64_t bare_unit_us,
                   int64_t *duration_us);
bool node_address(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, uint16_t default_port,
                  struct address *address);
/* One of the words; its index, or -1 and a fault. */
int node_word(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, const char *const *words,
              size_t count);

/* Walks a mapping: false at its end, or at once with a fault when the node is none. Keys that stand twice are
 * told. `*index` begins at 0. */
bool mapping_next(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, unsigned *index,
                  const char **key, const yaml_node_t **key_node, const yaml_node_t **value);
unsigned mapping_size(const yaml_node_t *node);
/* The value of a key, wherever it stands; NULL when there is none. */
const yaml_node_t *mapping_find(struct yaml_reader *yaml, const yaml_node_t *node, const char *wanted);

/* Walks a sequence likewise. */
bool sequence_next(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, unsigned *index,
                   const yaml_node_t **item);
unsigned sequence_size(const yaml_node_t *node);

/* Which of `keys` a key is; -1 and a fault that names the nearest one. */
int key_find(struct yaml_reader *yaml, const char *key, const yaml_node_t *key_node, const char *where,
             const char *const *keys, size_t count);

#endif
