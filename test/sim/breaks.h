/*
 * breaks: what the harness does wrong on purpose, so that each checker shows that it bites. A break stands
 * between an engine and the simulated world; the engines are those of production.
 */
#ifndef SIM_BREAKS_H
#define SIM_BREAKS_H

#include <stdbool.h>

#include "sim/check.h"

enum sim_break {
    BREAK_NONE,
    BREAK_ROLE_TO_ALL,      /* every instance is told that it is active */
    BREAK_PASSIVE_CONNECTS, /* a passive instance opens its lines' connections */
    BREAK_SLOW_CLOCK,       /* instances' clocks run far too slow: their leases never seem to end */
    BREAK_STORED_EARLY,     /* the journal says "stored" before its sync has ended */
    BREAK_DROPS_RECORD,     /* the journal confirms records that it has not */
    BREAK_NO_OCTETS,        /* values lose their raw elements: repeats are not known */
    BREAK_REORDERS,         /* two records change places */
    BREAK_COMMAND_TWICE,    /* an instance is told each command twice */
    BREAK_END_WRONG,        /* a command that was done is said to be refused */
    BREAK_END_TWICE,        /* an end of a command is told twice */
    BREAK_END_LOST,         /* some ends of commands are not told */
    BREAK_SLOW_SERVER,      /* the server looks at leases seconds late */
    BREAK_BATCH_FLOOD,      /* each batch is sent three times */
    BREAK_OLD_EPOCH,        /* the journal forgets grants, so that epochs come again */
    BREAK_WRONG_ANSWER,     /* what a station answers to interrogation arrives altered */
    BREAK_KEPT_EARLY,       /* an instance's own disk says "kept" before its sync has ended */
    BREAK_KEPT_TWICE,       /* what was kept goes to the server again, as if it came from another buffer */
    BREAK_VALUE_EARLY,      /* as stored early, looked at from the masters' side */
    BREAK_VALUE_LOST,       /* now and then an instance is not told the last of several values for masters */
    BREAK_VALUES_REORDER,   /* of two values of an output the later one comes first */
    BREAK_VALUES_OLDER,     /* each value for masters is said to be older than what its tag has */
    BREAK_LOST_UNSAID,      /* nobody reads in the log that values for masters are lost */
    BREAK_TAKEN_FORGOTTEN,  /* the journal forgets how far masters are */
    BREAK_MASTERS_STAY,     /* an instance with masters does not hear that it is passive */
    BREAK_MASTER_TWICE,     /* the server is told each command of a master twice */
    BREAK_ANSWER_WRONG,     /* a command of a master that was refused is said to be done */
    BREAK_ANSWER_TWICE,     /* a master gets some answers twice */
    BREAK_COUNT
};

const char *sim_break_name(enum sim_break broken);
/* The checker that has to find it. */
enum check sim_break_checker(enum sim_break broken);

#endif
