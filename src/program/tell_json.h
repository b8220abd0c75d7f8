/*
 * tell_json: JSON read in its own place. A value is a piece of the text, so numbers keep their digits,
 * members their order, and nothing is allocated but what is asked for.
 *
 * `tell_json_read` checks a whole document once; everything else takes only values that come from there.
 */
#ifndef KOMET_PROGRAM_TELL_JSON_H
#define KOMET_PROGRAM_TELL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TELL_JSON_DEPTH_MAX 32 /* objects and arrays within each other */

enum tell_json_kind {
    TELL_JSON_OBJECT,
    TELL_JSON_ARRAY,
    TELL_JSON_STRING,
    TELL_JSON_NUMBER,
    TELL_JSON_TRUE,
    TELL_JSON_FALSE,
    TELL_JSON_NULL
};

struct tell_json {
    const char *at; /* within the text, which outlives the value; NULL: no value */
    size_t size;
};

/* Reads a document (RFC 8259, UTF-8 only). False: `text` is none, or nested too deeply. */
bool tell_json_read(const char *text, struct tell_json *value);

enum tell_json_kind tell_json_kind(struct tell_json value);

/* Members of an object or elements of an array, in their order. */
struct tell_json_walk {
    const char *at;
    bool object;
};
struct tell_json_walk tell_json_walk(struct tell_json object_or_array);
/* False behind the last one. `name`: a string; without octets in an array. */
bool tell_json_next(struct tell_json_walk *walk, struct tell_json *name, struct tell_json *value);

/* The member of that name (plain letters); `at` NULL when there is none or `object` is no object. */
struct tell_json tell_json_member(struct tell_json object, const char *name);

/* True when both are the same text. */
bool tell_json_same(struct tell_json a, struct tell_json b);
/* A string's characters; allocated, the caller frees it. One that C cannot have (U+0000), and half a pair,
 * become U+FFFD. NULL for a value that is no string. */
char *tell_json_string(struct tell_json value);
/* The text of any value as it stands; allocated, the caller frees it. */
char *tell_json_text(struct tell_json value);

#endif
