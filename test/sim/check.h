/*
 * check: what must always hold, by name (doc/architecture.md, "What always holds").
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

enum check {
    CHECK_ONE_ACTS, /* no two instances of a process act: by their grants, and by what they send */
    CHECK_EPOCHS,   /* each grant in the journal is larger than the one before */
    CHECK_STORED, /* what a station got an N(R) for is on the synced part of the disk, or of its instance's */
    CHECK_ONCE,   /* every event is in the journal once, and nothing else is */
    CHECK_ORDER,  /* and for each tag in the order in which it happened */
    CHECK_COMMANDS, /* a station executes each command at most once, as its end says */
    CHECK_ENDS,     /* each command ends exactly once */
    CHECK_SILENT,   /* a passive instance neither connects to a station nor sends to it; but test frames on a
                       warm line */
    CHECK_LEASE,    /* no octet to telemetry after the end of the lease, by the true clock */
    CHECK_SWITCH,   /* from a loss to the new instance's first value: not longer than allowed */
    CHECK_BOUNDS,   /* no queue is longer than its bound */
    CHECK_SENT,     /* what masters are sent is on the synced part of the disk */
    CHECK_MISSED,   /* a group of masters gets each event of an output, in order, unless OBUF was full */
    CHECK_AGAIN,    /* and none again that is known to have been acknowledged */
    CHECK_ANSWERS,  /* a master's command is answered once, positively only if stored and executed */
    CHECK_END,      /* after the last fault everything comes right by itself */
    CHECK_COUNT
};

const char *check_name(enum check check);

#endif
