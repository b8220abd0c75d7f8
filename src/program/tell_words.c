/*
 * tell_words: see tell_words.h. Words are never longer than what they are cut from, so they stay in its
 * place.
 */
#include "program/tell_words.h"

#include <stdio.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies one word from *from to *to, without its quotes; false when a quote is not closed. */
static bool cut_word(const char **from, char **to)
{
    char quote = '\0';
    for (; **from != '\0' && (quote != '\0' || !is_blank(**from)); (*from)++) {
        char c = **from;
        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else {
            if (quote == '"' && c == '\\' && ((*from)[1] == '"' || (*from)[1] == '\\')) {
                (*from)++;
            }
            *(*to)++ = **from;
        }
    }
    return quote == '\0';
}

bool tell_words_cut(char *line, struct tell_words *words, char *fault)
{
    const char *from = line;
    char *to = line;
    words->count = 0;
    for (;;) {
        while (is_blank(*from)) {
            from++;
        }
        if (*from == '\0') {
            return true;
        }
        if (words->count == TELL_WORDS_MAX) {
            snprintf(fault, TELL_WORDS_FAULT_SIZE, "too many words: a command has at most %d",
                     TELL_WORDS_MAX);
            return false;
        }
        words->word[words->count++] = to;
        if (!cut_word(&from, &to)) {
            snprintf(fault, TELL_WORDS_FAULT_SIZE, "a quote is not closed: put another one behind the word");
            return false;
        }
        bool last = *from == '\0'; /* the closing zero may take its place */
        *to++ = '\0';
        if (last) {
            return true;
        }
        from++;
    }
}
