/*
 * tell_history: the lines that were typed at the prompt, kept from one run to the next.
 *
 * $XDG_STATE_HOME/komet/history, else ~/.local/state/komet/history, for the user's eyes only (mode 0600).
 */
#ifndef KOMET_PROGRAM_TELL_HISTORY_H
#define KOMET_PROGRAM_TELL_HISTORY_H

#include <histedit.h>
#include <limits.h>

#define TELL_HISTORY_LINES 1000 /* the oldest go */

struct tell_history {
    History *history;
    char path[PATH_MAX]; /* "": not kept */
};

/* Reads what was kept. Where nothing can be kept a note goes to standard error, once. */
void tell_history_begin(struct tell_history *history);
/* Adds a line and writes the file, so that a prompt that is killed has lost none. */
void tell_history_add(struct tell_history *history, const char *line);
void tell_history_end(struct tell_history *history);

#endif
