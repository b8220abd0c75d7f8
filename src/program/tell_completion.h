/*
 * tell_completion: what a half-typed word of a command can become: command words from the table of commands,
 * names from the server.
 */
#ifndef KOMET_PROGRAM_TELL_COMPLETION_H
#define KOMET_PROGRAM_TELL_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

#include "program/tell_command.h"

#define TELL_CANDIDATES_MAX 200
#define TELL_NAMES_MAX      2000 /* rows looked at for outputs among them */

struct tell_completion {
    char *candidate[TELL_CANDIDATES_MAX]; /* allocated; harmless text without blanks or quotes */
    size_t count;
    bool more;         /* there are others */
    const char *typed; /* the half-typed word: within the line */
};

/*
 * Finds what the last word of `line` can become; nothing where no name or keyword belongs, within quotes, and
 * for masks. Asks the server for names, quietly: where none answers there are no names.
 *   line  what was typed, up to the cursor; borrowed for the completion's life
 */
void tell_completion_find(struct tell_completion *completion, struct tell *tell, const char *line);
/* How many octets all candidates begin with, without regard to case. */
size_t tell_completion_common(const struct tell_completion *completion);
void tell_completion_free(struct tell_completion *completion);

#endif
