/*
 * yaml_node: see yaml_node.h. Over libyaml's document of nodes, whose marks say line and column.
 */
#include "site/yaml_node.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"

static void begin(yaml_parser_t *parser, const struct site_file *file)
{
    int done = yaml_parser_initialize(parser);
    KOMET_ASSERT(done == 1);
    yaml_parser_set_input_string(parser, (const unsigned char *)file->text, file->size);
}

/* How one event changes the depth. */
static int depth_step(yaml_event_type_t type)
{
    if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) {
        return 1;
    }
    return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT ? -1 : 0;
}

/* True when nothing is nested too deeply; what is no YAML is found later. */
static bool is_shallow(struct yaml_reader *yaml, const struct site_file *file)
{
    yaml_parser_t parser;
    int depth = 0;
    bool more = true;
    begin(&parser, file);
    while (more && depth <= YAML_DEPTH_MAX) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            break;
        }
        depth += depth_step(event.type);
        more = event.type != YAML_STREAM_END_EVENT;
        if (depth > YAML_DEPTH_MAX) {
            struct place place = {file->name, (int)event.start_mark.line + 1,
                                  (int)event.start_mark.column + 1};
            reading_fault(yaml->reading, place, "close some of them",
                          "more than %d lists and mappings in each other", YAML_DEPTH_MAX);
        }
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return depth <= YAML_DEPTH_MAX;
}

const yaml_node_t *yaml_load(struct yaml_reader *yaml, const struct site_file *file, const char *wanted)
{
    yaml_parser_t parser;
    const yaml_node_t *root = NULL;
    yaml->file = file->name;
    yaml->loaded = false;
    if (!is_shallow(yaml, file)) {
        return NULL;
    }
    begin(&parser, file);
    if (yaml_parser_load(&parser, &yaml->document) == 0) {
        struct place place = {file->name, (int)parser.problem_mark.line + 1,
                              (int)parser.problem_mark.column + 1};
        reading_fault(yaml->reading, place, "check indentation, brackets and quotes around this place",
                      "not YAML: %s", parser.problem != NULL ? parser.problem : "unreadable");
    } else {
        yaml->loaded = true;
        root = yaml_document_get_root_node(&yaml->document);
        if (root == NULL) {
            reading_fault(yaml->reading, (struct place){file->name, 1, 1}, wanted, "the file is empty");
        }
    }
    yaml_parser_delete(&parser);
    return root;
}

void yaml_unload(struct yaml_reader *yaml)
{
    if (yaml->loaded) {
        yaml_document_delete(&yaml->document);
        yaml->loaded = false;
    }
}

struct place node_place(const struct yaml_reader *yaml, const yaml_node_t *node)
{
    return (struct place){yaml->file, (int)node->start_mark.line + 1, (int)node->start_mark.column + 1};
}

const char *node_text(struct yaml_reader *yaml, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_SCALAR_NODE) {
        reading_fault(yaml->reading, node_place(yaml, node), "a single word or number stands here",
                      "%s is a list or a mapping", what);
        return NULL;
    }
    return arena_text(yaml->reading->arena, (const char *)node->data.scalar.value, node->data.scalar.length);
}

bool node_boolean(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes"};
    int word = node_word(yaml, node, what, words, 4);
    if (word >= 0) {
        *value = word % 2 == 1;
    }
    return word >= 0;
}

bool node_integer(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, long low, long high,
                  long *value)
{
    const char *text = node_text(yaml, node, what);
    if (text == NULL) {
        return false;
    }
    char *end;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || number < low || number > high) {
        reading_fault(yaml->reading, node_place(yaml, node),
                      arena_format(yaml->reading->arena, "a whole number from %ld to %ld", low, high),
                      "%s is '%s'", what, text);
        return false;
    }
    *value = number;
    return true;
}

bool node_duration(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, int64_t bare_unit_us,
                   int64_t *duration_us)
{
    const char *text = node_text(yaml, node, what);
    if (text == NULL) {
        return false;
    }
    if (!duration_parse(text, bare_unit_us, duration_us)) {
        reading_fault(yaml->reading, node_place(yaml, node),
                      "a time with its unit, such as 500 ms, 5 s, 2 min, 1 h", "%s is '%s'", what, text);
        return false;
    }
    return true;
}

bool node_address(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, uint16_t default_port,
                  struct address *address)
{
    const char *text = node_text(yaml, node, what);
    if (text == NULL) {
        return false;
    }
    if (!address_parse(yaml->reading, text, default_port, address)) {
        reading_fault(yaml->reading, node_place(yaml, node),
                      "HOST:PORT with a port from 1 to 65535; IPv6 in brackets, as [2001:db8::1]:2404",
                      "%s: '%s' is no address", what, text);
        return false;
    }
    return true;
}

static const char *join(struct yaml_reader *yaml, const char *const *words, size_t count)
{
    char *text = arena_text(yaml->reading->arena, "", 0);
    for (size_t i = 0; i < count; i++) {
        text = arena_format(yaml->reading->arena, "%s%s%s", text, i == 0 ? "" : ", ", words[i]);
    }
    return text;
}

int node_word(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, const char *const *words,
              size_t count)
{
    const char *text = node_text(yaml, node, what);
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return (int)i;
        }
    }
    if (text != NULL) {
        reading_fault(yaml->reading, node_place(yaml, node),
                      arena_format(yaml->reading->arena, "one of: %s", join(yaml, words, count)),
                      "%s is '%s'", what, text);
    }
    return -1;
}

unsigned mapping_size(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE
               ? (unsigned)(node->data.mapping.pairs.top - node->data.mapping.pairs.start)
               : 0;
}

static const yaml_node_t *key_node_at(struct yaml_reader *yaml, const yaml_node_t *node, unsigned index)
{
    return yaml_document_get_node(&yaml->document, node->data.mapping.pairs.start[index].key);
}

/* Keys that stand twice are told once, when the walk begins. Long mappings (thousands of keys) are not
 * searched. */
static void check_twice(struct yaml_reader *yaml, const yaml_node_t *node)
{
    unsigned size = mapping_size(node);
    for (unsigned i = 1; i < size && size <= 512; i++) {
        const yaml_node_t *later = key_node_at(yaml, node, i);
        for (unsigned k = 0; k < i && later->type == YAML_SCALAR_NODE; k++) {
            const yaml_node_t *earlier = key_node_at(yaml, node, k);
            if (earlier->type == YAML_SCALAR_NODE &&
                strcasecmp((const char *)earlier->data.scalar.value,
                           (const char *)later->data.scalar.value) == 0) {
                reading_fault(yaml->reading, node_place(yaml, later), "leave one of them out",
                              "'%s' stands twice, first in line %d", (const char *)later->data.scalar.value,
                              (int)earlier->start_mark.line + 1);
                break;
            }
        }
    }
}

bool mapping_next(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, unsigned *index,
                  const char **key, const yaml_node_t **key_node, const yaml_node_t **value)
{
    if (node->type != YAML_MAPPING_NODE) {
        if (*index == 0) {
            reading_fault(yaml->reading, node_place(yaml, node), "'key: value' pairs stand here",
                          "%s is no mapping", what);
        }
        return false;
    }
    if (*index == 0) {
        check_twice(yaml, node);
    }
    while (*index < mapping_size(node)) {
        unsigned at = (*index)++;
        *key_node = key_node_at(yaml, node, at);
        *value = yaml_document_get_node(&yaml->document, node->data.mapping.pairs.start[at].value);
        *key = node_text(yaml, *key_node, "a key");
        if (*key != NULL) {
            return true;
        }
    }
    return false;
}

unsigned sequence_size(const yaml_node_t *node)
{
    return node->type == YAML_SEQUENCE_NODE
               ? (unsigned)(node->data.sequence.items.top - node->data.sequence.items.start)
               : 0;
}

bool sequence_next(struct yaml_reader *yaml, const yaml_node_t *node, const char *what, unsigned *index,
                   const yaml_node_t **item)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        if (*index == 0) {
            reading_fault(yaml->reading, node_place(yaml, node),
                          "a list stands here, such as [\"10.3.0.5:2404\"]", "%s is no list", what);
        }
        return false;
    }
    if (*index == sequence_size(node)) {
        return false;
    }
    *item = yaml_document_get_node(&yaml->document, node->data.sequence.items.start[(*index)++]);
    return true;
}

int key_find(struct yaml_reader *yaml, const char *key, const yaml_node_t *key_node, const char *where,
             const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return (int)i;
        }
    }
    const char *near = nearest_word(key, keys, count);
    reading_fault(yaml->reading, node_place(yaml, key_node),
                  near != NULL
                      ? arena_format(yaml->reading->arena, "did you mean '%s'?", near)
                      : arena_format(yaml->reading->arena, "%s takes: %s", where, join(yaml, keys, count)),
                  "unknown key '%s'", key);
    return -1;
}

const yaml_node_t *mapping_find(struct yaml_reader *yaml, const yaml_node_t *node, const char *wanted)
{
    for (unsigned i = 0; i < mapping_size(node); i++) {
        const yaml_node_t *key =
            yaml_document_get_node(&yaml->document, node->data.mapping.pairs.start[i].key);
        if (key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, wanted) == 0) {
            return yaml_document_get_node(&yaml->document, node->data.mapping.pairs.start[i].value);
        }
    }
    return NULL;
}
