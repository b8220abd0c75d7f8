/*
 * tell_prompt: the console on a terminal: a line to edit, with history and completion, until quit, exit or
 * Ctrl-D.
 */
#ifndef KOMET_PROGRAM_TELL_PROMPT_H
#define KOMET_PROGRAM_TELL_PROMPT_H

#include "program/tell_command.h"

/* Runs what is typed. Ctrl-C ends what runs, or empties the line. Returns the exit status: TELL_FAILED only
 * when there can be no prompt. */
int tell_prompt_run(struct tell *tell);

#endif
