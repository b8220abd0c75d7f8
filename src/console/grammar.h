/*
 * grammar: the words of a command line become a command, or a sentence that says what would be right.
 *
 * It knows the form only. Whether a tag, line or process of that name exists is for whoever has the site.
 */
#ifndef CONSOLE_GRAMMAR_H
#define CONSOLE_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/commands.h"
#include "komet/time.h"
#include "model/value.h"

#define GRAMMAR_MISTAKE_SIZE 512
#define GRAMMAR_NAME_SIZE    128 /* longest name or mask, the closing zero included */

enum trace_mode { TRACE_MODE_DECODED, TRACE_MODE_HEX, TRACE_MODE_DEC, TRACE_MODE_OFF };

struct command {
    enum verb verb;
    char name[GRAMMAR_NAME_SIZE]; /* mask, tag, station, line or process; HELP: the command; "" not given */
    const char *value;            /* SET: borrowed from the words */
    value_flags flags;            /* SET */
    struct komet_utc from, to;    /* EVENTS, COMMANDS: both included; KOMET_UTC_UNKNOWN: not given */
    bool counters;                /* INTERROGATE */
    bool on;                      /* SIMULATE */
    uint8_t instance;             /* SET_ACT_INST: 1..15; SET_PREFERRED_INST: 0 none; STOP, LNTRACE: 0 all */
    enum trace_mode trace;        /* LNTRACE */
    bool memory, live;            /* LNTRACE: what is in memory; what comes */
    const char *file;             /* LNTRACE SAVE: borrowed from the words; NULL: not given */
    uint32_t seconds;             /* LNTRACE FOR: 0 not given */
};

/*
 * Reads a command line.
 *   words, count  borrowed for the call (`value` for the command's life); keywords in any case
 *   command       set when true is returned
 *   mistake       GRAMMAR_MISTAKE_SIZE octets: what is wrong and what would be right, when false is returned;
 *                 it is for whoever typed the words
 */
bool grammar_parse(const char *const *words, size_t count, struct command *command, char *mistake);

#endif
