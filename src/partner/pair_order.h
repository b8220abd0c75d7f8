/*
 * pair_order: what a simulated Sinaut pair (pair.h) may be told while it runs, as a line of text: by a script
 * of its plan or by hand.
 *
 *     hot a | hot b | hot none                  which system is HOT
 *     lose TARGET                               it is gone: its connections are reset, and new ones refused
 *     freeze TARGET                             nothing comes or goes any more, and no connection ends
 *     restore TARGET                            it is as before
 *     misbehave WHAT [TIME] [a | b]             of both systems, or of one
 *     behave [WHAT] [a | b]
 *     value CA IOA NUMBER                       a point takes a value: an event
 *     command CA IOA TYPE NUMBER [select]       the HOT system gives a command
 *     interrogate a | b [CA]                    a system asks for all, or for one station
 *
 * TARGET is `path a1` (system a, network 1; several may follow), `system a` or `all`. CA and IOA are decimal,
 * or their octets from the high one on: 2,1 is 513.
 */
#ifndef PARTNER_PAIR_ORDER_H
#define PARTNER_PAIR_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAIR_SYSTEMS  2
#define PAIR_NETWORKS 2
#define PAIR_NOBODY   0xFFu /* no system */
#define PAIR_BOTH     3u    /* both systems, as bits */

/* Systems and paths are bits of a number. */
static inline bool pair_has_bit(unsigned bits, unsigned at)
{
    return (bits >> at & 1u) != 0;
}

enum pair_order_kind {
    PAIR_ORDER_HOT,
    PAIR_ORDER_LOSE,
    PAIR_ORDER_FREEZE,
    PAIR_ORDER_RESTORE,
    PAIR_ORDER_MISBEHAVE,
    PAIR_ORDER_BEHAVE,
    PAIR_ORDER_VALUE,
    PAIR_ORDER_COMMAND,
    PAIR_ORDER_INTERROGATE
};

enum pair_misbehaviour {
    PAIR_LATE_CONFIRMATION, /* commands and interrogations are confirmed so long after they came */
    PAIR_NO_CONFIRMATION,   /* commands and interrogations are not answered at all */
    PAIR_NO_TERMINATION,    /* they are not terminated (cause 10) */
    PAIR_NEGATIVE,          /* commands are confirmed with P/N = 1, and not executed */
    PAIR_WRONG_CA,          /* values and confirmations have a common address of no station */
    PAIR_STANDBY_SENDS,     /* a standby does what only HOT may: sends values, answers, executes */
    PAIR_MARK_CF3,  /* I formats have bit 0 of the third control octet, as a standby's of some makes */
    PAIR_MARK_TEST, /* values have the test bit, as a standby's of other makes */
    PAIR_MISBEHAVIOURS
};

/* "late-confirmation" and so on; static storage. */
const char *pair_misbehaviour_name(enum pair_misbehaviour what);

struct pair_order {
    enum pair_order_kind kind;
    uint8_t system;  /* HOT, INTERROGATE: 0, 1; HOT also PAIR_NOBODY */
    uint8_t systems; /* LOSE, RESTORE: those that are meant as a whole; MISBEHAVE, BEHAVE: bits */
    uint8_t paths;   /* LOSE, FREEZE, RESTORE: system * PAIR_NETWORKS + network, as bits */
    bool all;        /* BEHAVE: every misbehaviour */
    enum pair_misbehaviour what;
    int64_t time_us; /* MISBEHAVE, LATE_CONFIRMATION: how late, above 0 */
    uint16_t ca;     /* INTERROGATE: 65535 all */
    uint32_t ioa;
    uint8_t type; /* COMMAND: 45 to 51, 58 to 64 */
    double number;
    bool select;
};

#define PAIR_ORDER_FAULT_SIZE 160

/*
 * Reads one order; `text` is borrowed for the call. False: it is none, and `fault` (PAIR_ORDER_FAULT_SIZE
 * octets) says what is wrong and what would be right.
 */
bool pair_order_parse(const char *text, struct pair_order *order, char *fault);

#endif
