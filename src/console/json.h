/*
 * json: a bounded writer of one JSON document into memory of the caller's.
 *
 * Commas are its business, not the caller's. When the memory is full nothing more is written and
 * json_end says so; a row is never cut short silently. What it writes is always valid UTF-8, whatever
 * octets it is given, because a reader refuses a document with one wrong octet as a whole.
 */
#ifndef CONSOLE_JSON_H
#define CONSOLE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/time.h"

struct json {
    char *text; /* the caller's */
    size_t capacity, size;
    bool full;  /* something did not fit */
    bool comma; /* the next piece comes behind another one of its object or array */
};

/* Begins a document in `text` (taken until json_end); `capacity` at least 1, the closing zero included. */
void json_begin(struct json *json, char *text, size_t capacity);
/* True when the whole document fitted; `text` is then a C string. False: it is to be thrown away. */
bool json_end(struct json *json);

/* Opens or closes an object or array; `bracket` is one of { [ and } ].
 * `name`, here and below: of the member, a literal without quotes; NULL within an array or at the top. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
/* A string; NULL: null. Octets that are not UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *name, const char *value);
/* A number in the fewest digits that read back as the same; one that is not finite: null. A number that a
 * float holds exactly gets a float's digits (12.3, not 12.300000190734863): most came as one. */
void json_number(struct json *json, const char *name, double value);
void json_unsigned(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* RFC 3339 in UTC with milliseconds; unknown, or outside the years 0 to 9999: null. */
void json_time(struct json *json, const char *name, struct komet_utc time);

#endif
