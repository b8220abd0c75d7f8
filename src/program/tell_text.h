/*
 * tell_text: text from elsewhere, made harmless for a terminal.
 *
 * Control characters, those of the second half (U+0080 to U+009F), the marks that turn the direction of
 * writing, and octets that are not UTF-8 are shown instead of sent: a name in a station's table must not move
 * the cursor of whoever lists it.
 */
#ifndef KOMET_PROGRAM_TELL_TEXT_H
#define KOMET_PROGRAM_TELL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Octets of the character of UTF-8 at `text`, whose number goes to *character; 0 when it is none. */
size_t tell_text_character(const char *text, uint32_t *character);

/* Writes `text` with \n, \t, \x1b, \u202e … in place of what is harmful. */
void tell_text_put(FILE *out, const char *text);

/* The same for a JSON document: blanks between its pieces become spaces, so that it is one line, and harmful
 * characters \u001b and so on, as JSON itself writes them. `json`: valid, or it will not be so afterwards. */
void tell_text_put_json(FILE *out, const char *json);

/* Columns that a text made by tell_text_put takes on a terminal: its characters, each taken for one wide. */
size_t tell_text_width(const char *text);

/* "komet tell: SENTENCE" and a line's end on standard error, harmless. */
void tell_text_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
