/*
 * tell_trace: LNTRACE at the console: pages of raw traffic become a line or JSON object an APDU, or a capture
 * file.
 */
#ifndef KOMET_PROGRAM_TELL_TRACE_H
#define KOMET_PROGRAM_TELL_TRACE_H

#include "console/grammar.h"
#include "program/tell_output.h"
#include "wire/frame.h"

struct tell_trace; /* opaque */

/* `command`, `output`: borrowed until tell_trace_free. What is printed goes to the output's file, in its
 * format; what goes wrong is told by its `fault` and `error`, as tell_output.h says. */
struct tell_trace *tell_trace_new(const struct command *command, struct tell_output *output);
/* Takes a page, borrowed for the call. The file of SAVE is made with the first one. False: it cannot be
 * written. */
bool tell_trace_page(struct tell_trace *trace, const Komet__Wire__TracePage *page);
/* The answer is whole, or no more of it is wanted: says what was left out, and what SAVE has written. False
 * as above. */
bool tell_trace_end(struct tell_trace *trace);
void tell_trace_free(struct tell_trace *trace); /* NULL is allowed */

#endif
