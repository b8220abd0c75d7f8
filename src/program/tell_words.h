/*
 * tell_words: a line that was typed, cut into words as a shell does for quotes.
 */
#ifndef KOMET_PROGRAM_TELL_WORDS_H
#define KOMET_PROGRAM_TELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define TELL_WORDS_MAX        32
#define TELL_WORDS_FAULT_SIZE 120

struct tell_words {
    const char *word[TELL_WORDS_MAX]; /* within the line that was cut */
    size_t count;
};

/*
 * Cuts at blanks. Between '…' everything is itself; between "…" a backslash stands before a quote or a
 * backslash that is meant as such. Quotes may begin within a word; '' is an empty word.
 *   line   is changed, and lives as long as the words
 *   fault  TELL_WORDS_FAULT_SIZE octets: what is wrong, when false is returned
 */
bool tell_words_cut(char *line, struct tell_words *words, char *fault);

#endif
