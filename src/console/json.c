/*
 * json: see json.h.
 */
#include "console/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/moment.h"
#include "komet/assert.h"

#define NUMBER_SIZE   40
#define INTEGER_EXACT 9007199254740992.0 /* 2^53: up to here a double holds every integer */

void json_begin(struct json *json, char *text, size_t capacity)
{
    KOMET_ASSERT(text != NULL);
    KOMET_ASSERT(capacity > 0);
    *json = (struct json){.text = text, .capacity = capacity};
    text[0] = '\0';
}

bool json_end(struct json *json)
{
    KOMET_ASSERT(json->size < json->capacity);
    json->text[json->size] = '\0';
    return !json->full;
}

static void put(struct json *json, const char *piece, size_t size)
{
    if (json->full || size >= json->capacity - json->size) {
        json->full = true;
        return;
    }
    memcpy(json->text + json->size, piece, size);
    json->size += size;
}

static void put_text(struct json *json, const char *piece)
{
    put(json, piece, strlen(piece));
}

/* What stands before every value: the comma behind its neighbour, and its name. */
static void put_name(struct json *json, const char *name)
{
    if (json->comma) {
        put(json, ",", 1);
    }
    json->comma = true;
    if (name != NULL) {
        put(json, "\"", 1);
        put_text(json, name);
        put(json, "\":", 2);
    }
}

void json_open(struct json *json, const char *name, char bracket)
{
    KOMET_ASSERT(bracket == '{' || bracket == '[');
    put_name(json, name);
    put(json, &bracket, 1);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    KOMET_ASSERT(bracket == '}' || bracket == ']');
    put(json, &bracket, 1);
    json->comma = true;
}

/* Octets of the UTF-8 character at `at`, 0 when there is none: overlong forms, surrogates and what lies
 * above U+10FFFF are none. */
static size_t character_size(const unsigned char *at)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    if (size == 0 || at[0] > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xC0u) != 0x80) {
            return 0;
        }
    }
    bool wrong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
                 (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F);
    return wrong ? 0 : size;
}

static void put_character(struct json *json, const unsigned char *at, size_t size)
{
    char escape[8];
    if (size == 0) {
        put_text(json, "\xEF\xBF\xBD"); /* U+FFFD */
    } else if (*at == '"' || *at == '\\') {
        put(json, "\\", 1);
        put(json, (const char *)at, 1);
    } else if (*at < 0x20 || *at == 0x7F) {
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*at);
        put_text(json, escape);
    } else {
        put(json, (const char *)at, size);
    }
}

void json_string(struct json *json, const char *name, const char *value)
{
    if (value == NULL) {
        json_null(json, name);
        return;
    }
    put_name(json, name);
    put(json, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)value; *at != '\0';) {
        size_t size = character_size(at);
        put_character(json, at, size);
        at += size == 0 ? 1 : size;
    }
    put(json, "\"", 1);
}

void json_number(struct json *json, const char *name, double value)
{
    char number[NUMBER_SIZE];
    if (!isfinite(value)) {
        json_null(json, name);
        return;
    }
    if (value == floor(value) && fabs(value) < INTEGER_EXACT) {
        snprintf(number, sizeof number, "%.0f", value == 0 ? 0.0 : value); /* no "-0" */
    } else {
        bool is_float = fabs(value) < 3e38 && (double)(float)value == value;
        for (int digits = 6; digits <= 17; digits++) { /* nine tell two floats apart, seventeen two doubles */
            snprintf(number, sizeof number, "%.*g", digits, value);
            if (is_float ? strtof(number, NULL) == (float)value : strtod(number, NULL) == value) {
                break;
            }
        }
    }
    put_name(json, name);
    put_text(json, number);
}

void json_unsigned(struct json *json, const char *name, uint64_t value)
{
    char number[NUMBER_SIZE];
    snprintf(number, sizeof number, "%" PRIu64, value);
    put_name(json, name);
    put_text(json, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
    put_name(json, name);
    put_text(json, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
    put_name(json, name);
    put_text(json, "null");
}

void json_time(struct json *json, const char *name, struct komet_utc time)
{
    char text[MOMENT_TEXT_SIZE];
    json_string(json, name, moment_text(time, text) ? text : NULL);
}
