/*
 * Text writer: text put together piece by piece in memory of a fixed size. What does not fit is left out and
 * remembered, so that the caller needs to ask once, at the end.
 */
#ifndef KOMET_CAPTURE_TEXT_WRITER_H
#define KOMET_CAPTURE_TEXT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_writer {
    char *out;
    size_t capacity; /* the terminating zero included */
    size_t used;     /* without it */
    bool full;       /* something was left out */
};

/* Begins a text in `out` (taken until the writer is dropped; capacity at least 1). */
void text_begin(struct text_writer *text, char *out, size_t capacity);

/* Appends as printf does. */
void text_print(struct text_writer *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a JSON string with its quotes. */
void text_json_string(struct text_writer *text, const char *string);

/* Appends octets as hexadecimal digits, lower case, without spaces. */
void text_hex(struct text_writer *text, const uint8_t *octets, size_t size);

/* Appends the shortest decimal number that reads back as the same: as a float, as a double. What is no number
 * becomes NaN, Infinity or -Infinity; `quoted` puts these in quotes, as JSON has no word for them. */
void text_float(struct text_writer *text, float value, bool quoted);
void text_double(struct text_writer *text, double value);

#endif
