/*
 * tell_json: see tell_json.h. One function a form, each from where the form begins to behind its end, or
 * NULL.
 */
#include "program/tell_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "program/tell_text.h"

#define REPLACEMENT 0xFFFDu

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Value of a hexadecimal digit; -1: it is none. */
static int digit_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* Four hexadecimal digits; 0x10000: they are not there. */
static uint32_t four_digits(const char *at)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++) {
        int value = digit_value(at[i]);
        if (value < 0) {
            return 0x10000;
        }
        number = number << 4 | (uint32_t)value;
    }
    return number;
}

static const char *skip_string(const char *at)
{
    if (*at++ != '"') {
        return NULL;
    }
    while (*at != '"') {
        uint32_t character;
        size_t size = tell_text_character(at, &character);
        if (size == 0 || character < 0x20) {
            return NULL; /* the text's end too */
        }
        if (character != '\\') {
            at += size;
        } else if (at[1] == 'u' && four_digits(at + 2) < 0x10000) {
            at += 6;
        } else if (at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL) {
            at += 2;
        } else {
            return NULL;
        }
    }
    return at + 1;
}

static const char *skip_digits(const char *at)
{
    if (!is_digit(*at)) {
        return NULL;
    }
    while (is_digit(*at)) {
        at++;
    }
    return at;
}

static const char *skip_number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (at != NULL && *at == '.') {
        at = skip_digits(at + 1);
    }
    if (at != NULL && (*at == 'e' || *at == 'E')) {
        at++;
        at += *at == '+' || *at == '-';
        at = skip_digits(at);
    }
    return at;
}

static const char *skip_word(const char *at, const char *word)
{
    size_t size = strlen(word);
    return strncmp(at, word, size) == 0 ? at + size : NULL;
}

static const char *skip_value(const char *at, unsigned depth);

/* Behind the opening bracket: members or elements, and the closing one. */
static const char *skip_inner(const char *at, bool object, unsigned depth)
{
    char close = object ? '}' : ']';
    at = skip_blanks(at);
    if (*at == close) {
        return at + 1;
    }
    for (;;) {
        if (object) {
            at = skip_string(at);
            at = at != NULL ? skip_blanks(at) : NULL;
            at = at != NULL && *at == ':' ? skip_blanks(at + 1) : NULL;
        }
        at = at != NULL ? skip_value(at, depth) : NULL;
        if (at == NULL) {
            return NULL;
        }
        at = skip_blanks(at);
        if (*at == close) {
            return at + 1;
        }
        if (*at != ',') {
            return NULL;
        }
        at = skip_blanks(at + 1);
    }
}

static const char *skip_value(const char *at, unsigned depth)
{
    switch (*at) {
    case '{':
    case '[':
        return depth < TELL_JSON_DEPTH_MAX ? skip_inner(at + 1, *at == '{', depth + 1) : NULL;
    case '"':
        return skip_string(at);
    case 't':
        return skip_word(at, "true");
    case 'f':
        return skip_word(at, "false");
    case 'n':
        return skip_word(at, "null");
    default:
        return skip_number(at);
    }
}

bool tell_json_read(const char *text, struct tell_json *value)
{
    const char *at = skip_blanks(text);
    const char *end = skip_value(at, 0);
    if (end == NULL || *skip_blanks(end) != '\0') {
        *value = (struct tell_json){NULL, 0};
        return false;
    }
    *value = (struct tell_json){at, (size_t)(end - at)};
    return true;
}

enum tell_json_kind tell_json_kind(struct tell_json value)
{
    KOMET_ASSERT(value.at != NULL);
    switch (*value.at) {
    case '{':
        return TELL_JSON_OBJECT;
    case '[':
        return TELL_JSON_ARRAY;
    case '"':
        return TELL_JSON_STRING;
    case 't':
        return TELL_JSON_TRUE;
    case 'f':
        return TELL_JSON_FALSE;
    case 'n':
        return TELL_JSON_NULL;
    default:
        return TELL_JSON_NUMBER;
    }
}

/* ---- members ---- */

struct tell_json_walk tell_json_walk(struct tell_json object_or_array)
{
    enum tell_json_kind kind = tell_json_kind(object_or_array);
    KOMET_ASSERT(kind == TELL_JSON_OBJECT || kind == TELL_JSON_ARRAY);
    return (struct tell_json_walk){object_or_array.at + 1, kind == TELL_JSON_OBJECT};
}

static struct tell_json take(const char **at, const char *end)
{
    KOMET_ASSERT(end != NULL); /* the document was checked */
    struct tell_json value = {*at, (size_t)(end - *at)};
    *at = skip_blanks(end);
    return value;
}

bool tell_json_next(struct tell_json_walk *walk, struct tell_json *name, struct tell_json *value)
{
    const char *at = skip_blanks(walk->at);
    if (*at == (walk->object ? '}' : ']')) {
        return false;
    }
    if (*at == ',') {
        at = skip_blanks(at + 1);
    }
    *name = (struct tell_json){at, 0};
    if (walk->object) {
        *name = take(&at, skip_string(at));
        KOMET_ASSERT(*at == ':');
        at = skip_blanks(at + 1);
    }
    *value = take(&at, skip_value(at, 0));
    walk->at = at;
    return true;
}

struct tell_json tell_json_member(struct tell_json object, const char *name)
{
    size_t size = strlen(name);
    struct tell_json at, value;
    if (tell_json_kind(object) == TELL_JSON_OBJECT) {
        for (struct tell_json_walk walk = tell_json_walk(object); tell_json_next(&walk, &at, &value);) {
            if (at.size == size + 2 && memcmp(at.at + 1, name, size) == 0) {
                return value;
            }
        }
    }
    return (struct tell_json){NULL, 0};
}

bool tell_json_same(struct tell_json a, struct tell_json b)
{
    return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

/* ---- texts ---- */

static char *put_character(char *to, uint32_t character)
{
    if (character < 0x80) {
        *to++ = (char)character;
        return to;
    }
    if (character < 0x800) {
        *to++ = (char)(0xC0 | character >> 6);
    } else {
        if (character < 0x10000) {
            *to++ = (char)(0xE0 | character >> 12);
        } else {
            *to++ = (char)(0xF0 | character >> 18);
            *to++ = (char)(0x80 | (character >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (character & 0x3F));
    return to;
}

/* The character that the escape at *at, behind the backslash, stands for; *at is moved behind it. */
static uint32_t read_escape(const char **at)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char letter = *(*at)++;
    if (letter != 'u') {
        const char *found = strchr(letters, letter);
        return (uint8_t)(found != NULL ? meanings[found - letters] : letter);
    }
    uint32_t number = four_digits(*at);
    *at += 4;
    if (number >= 0xD800 && number < 0xDC00 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = four_digits(*at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            *at += 6;
            return 0x10000 + ((number - 0xD800) << 10 | (low - 0xDC00));
        }
    }
    return number == 0 || (number >= 0xD800 && number < 0xE000) ? REPLACEMENT : number;
}

char *tell_json_string(struct tell_json value)
{
    if (value.at == NULL || tell_json_kind(value) != TELL_JSON_STRING) {
        return NULL;
    }
    char *text = malloc(value.size); /* an escape is never shorter than what it stands for */
    char *to = text;
    KOMET_ASSERT(text != NULL);
    for (const char *at = value.at + 1; at < value.at + value.size - 1;) {
        if (*at == '\\') {
            at++;
            to = put_character(to, read_escape(&at));
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
    return text;
}

char *tell_json_text(struct tell_json value)
{
    char *text = strndup(value.at, value.size);
    KOMET_ASSERT(text != NULL);
    return text;
}
