/*
 * usage: what the command lines of the programs share: their exit statuses, how they refuse, and an option
 * that several have.
 */
#ifndef KOMET_PROGRAM_USAGE_H
#define KOMET_PROGRAM_USAGE_H

#include "komet/asdu.h"

#define STATUS_OK     0
#define STATUS_FAILED 1 /* it could not; standard error says why */
#define STATUS_USAGE  2 /* the command line is wrong */

/* Says "komet PROGRAM: WHAT: ARGUMENT; see komet PROGRAM --help" on standard error; an argument "" is left
 * out. Returns STATUS_USAGE. */
int usage_refuse(const char *program, const char *what, const char *argument);

/* What is wrong with the option for which getopt_long returned `option`, ':' or '?'. Static storage. */
const char *usage_option_fault(int option);

/* The value of --order, standard or sinaut. STATUS_OK and *profile, or it is refused. */
int usage_read_order(const char *program, const char *argument, const struct komet_profile **profile);

#endif
