/*
 * tell_command: one command of the console from its words to its exit status.
 */
#ifndef KOMET_PROGRAM_TELL_COMMAND_H
#define KOMET_PROGRAM_TELL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "program/tell_output.h"
#include "program/tell_session.h"

#define TELL_DONE   0
#define TELL_FAILED 1
#define TELL_USAGE  2

/* What all commands of a run share. */
struct tell {
    struct tell_session *session;
    enum tell_format format;
    const char *user;
    bool terminated; /* SIGTERM came: nothing more is to be run */
    bool unwritable; /* standard output takes no more: likewise */
};

/*
 * Runs a command: the answer goes to standard output, why it failed to standard error.
 * A command that the grammar refuses goes to no server, and HELP is answered here.
 * Returns TELL_DONE; TELL_FAILED: refused, failed, interrupted (a WATCH that is interrupted is done), or no
 * server; TELL_USAGE: no such command, or words that are wrong for it.
 */
int tell_command_run(struct tell *tell, const char *const *words, size_t count);

/* The words that end a prompt or the reading of commands: quit, exit, in any case. */
bool tell_command_ends(const char *word);

#endif
