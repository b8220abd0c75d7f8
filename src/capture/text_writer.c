/*
 * text_writer: text put together in bounded memory; what does not fit is left out whole and remembered.
 */
#include "capture/text_writer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"

#define NUMBER_SIZE 40

void text_begin(struct text_writer *text, char *out, size_t capacity)
{
    KOMET_ASSERT(out != NULL);
    KOMET_ASSERT(capacity > 0);
    *text = (struct text_writer){.out = out, .capacity = capacity};
    out[0] = '\0';
}

void text_print(struct text_writer *text, const char *format, ...)
{
    size_t room = text->capacity - text->used;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text->out + text->used, room, format, arguments);
    va_end(arguments);
    KOMET_ASSERT(size >= 0);
    if (text->full || (size_t)size >= room) {
        text->full = true;
        text->out[text->used] = '\0'; /* no half piece */
        return;
    }
    text->used += (size_t)size;
}

void text_json_string(struct text_writer *text, const char *string)
{
    text_print(text, "\"");
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            text_print(text, "\\%c", c);
        } else if (c < 0x20) {
            text_print(text, "\\u%04x", c);
        } else {
            text_print(text, "%c", c);
        }
    }
    text_print(text, "\"");
}

void text_hex(struct text_writer *text, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        text_print(text, "%02x", octets[i]);
    }
}

void text_float(struct text_writer *text, float value, bool quoted)
{
    char number[NUMBER_SIZE];
    const char *quote = quoted ? "\"" : "";

    if (isnan(value)) {
        text_print(text, "%sNaN%s", quote, quote);
        return;
    }
    if (isinf(value)) {
        text_print(text, "%s%sInfinity%s", quote, value < 0 ? "-" : "", quote);
        return;
    }
    for (int digits = 6; digits <= 9; digits++) { /* nine tell any two floats apart */
        snprintf(number, sizeof number, "%.*g", digits, (double)value);
        if (strtof(number, NULL) == value) {
            break;
        }
    }
    text_print(text, "%s", number);
}

void text_double(struct text_writer *text, double value)
{
    char number[NUMBER_SIZE];

    KOMET_ASSERT(isfinite(value));
    for (int digits = 6; digits <= 17; digits++) { /* seventeen tell any two doubles apart */
        snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod(number, NULL) == value) {
            break;
        }
    }
    text_print(text, "%s", number);
}
