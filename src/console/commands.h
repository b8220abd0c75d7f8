/*
 * commands: the table of all commands of the console, one row each: what the grammar, HELP, the completion of
 * the prompt and the manual go by.
 */
#ifndef CONSOLE_COMMANDS_H
#define CONSOLE_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

enum verb {
    VERB_STATUS,
    VERB_SERVER,
    VERB_PROCESS,
    VERB_LINE,
    VERB_STATION,
    VERB_TAG,
    VERB_WATCH,
    VERB_EVENTS,
    VERB_SET,
    VERB_COMMANDS,
    VERB_INTERROGATE,
    VERB_CLOCK,
    VERB_SET_ACT_INST,
    VERB_SET_PREFERRED_INST,
    VERB_SET_LOAD_BAL_MODE,
    VERB_STOP,
    VERB_ENABLE,
    VERB_DISABLE,
    VERB_SIMULATE,
    VERB_SHOW,
    VERB_HELP,
    VERB_VERSION,
    VERB_LNTRACE,
    VERB_CHECK, /* DIRTY */
    VERB_RELOAD,
    VERB_NOT_BUILT /* understood as a word, and refused: it comes later */
};

struct command_row {
    const char *word; /* "SET_ACT_INST" */
    enum verb verb;
    const char *usage;    /* "SET tag value [flags]" */
    const char *sentence; /* what it does or answers, one sentence */
};

/* Rows 0 … command_count()-1, in the order of HELP. Static storage. */
size_t command_count(void);
const struct command_row *command_row(size_t index);
/* The row of a word in any case; NULL when there is none. */
const struct command_row *command_find(const char *word);

/* First word of other spellings: INSTANCE SET ACTIVE for SET_ACT_INST, INSTANCE SET PREFERRED for
 * SET_PREFERRED_INST. */
#define COMMAND_INSTANCE "INSTANCE"

#endif
