/*
 * script: the lines of a timeline, word by word, and the errors that name file and line.
 *
 * What the words mean is the business of the runner that reads the script (link_timeline.c and others).
 */
#ifndef TIMELINE_SCRIPT_H
#define TIMELINE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCRIPT_WORDS_MAX = 320 };

struct script {
    const char *path;
    char **lines; /* without comments and line ends; "" for an empty one */
    size_t line_count;
    size_t line;     /* of the line being read, from 0 */
    char *word_text; /* the line, cut into words */
    char *words[SCRIPT_WORDS_MAX];
    size_t word_count;
    size_t next_word;
};

/* Reads a file. Ends the program with a sentence when it cannot. */
void script_open(struct script *script, const char *path);
void script_close(struct script *script);

/* Cuts line `line` (from 0) into words; false when there are none. */
bool script_read_line(struct script *script, size_t line);

/* The next word of the line, or NULL at its end. `script_take` goes on only if the word is `word`. */
const char *script_word(struct script *script);
const char *script_peek(const struct script *script);
bool script_take(struct script *script, const char *word);

/* A number in decimal from 0 to `max`; anything else is an error. */
uint64_t script_number(struct script *script, uint64_t max);

/* "15 s", "200 ms", "10 us", "2 min", "1 h": microseconds. */
int64_t script_duration(struct script *script);

/* Octets in hexadecimal up to the end of the line. Returns how many. */
size_t script_octets(struct script *script, uint8_t *octets, size_t capacity);

/* The line has to end here. */
void script_end_of_line(struct script *script);

/* Prints path:line: and the text to stderr and ends the program with status 1. */
_Noreturn void script_fail(const struct script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
