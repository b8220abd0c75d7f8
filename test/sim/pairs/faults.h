/*
 * faults: what happens to two sites with a Sinaut line between them.
 */
#ifndef PAIRS_FAULTS_H
#define PAIRS_FAULTS_H

struct world;

enum pair_fault {
    FAULT_KILL,         /* an instance */
    FAULT_KILL_ACTING,  /* the one that acts, of one site */
    FAULT_KILL_BOTH,    /* those that act, of both sites, at the same moment */
    FAULT_KILL_SITE,    /* all instances of a site */
    FAULT_KILL_MIDWAY,  /* an instance, a few outputs later */
    FAULT_PAUSE,        /* an instance is stopped and goes on later */
    FAULT_LOSE_MACHINE, /* an instance's cables, all of them */
    FAULT_CUT_PATH,     /* one path, silently */
    FAULT_CUT_ONE_WAY,  /* one path, in one direction */
    FAULT_RESET_PATH,   /* one path's connection is reset */
    FAULT_CUT_NETWORK,  /* one of the two networks */
    FAULT_CUT_SERVER,   /* an instance's way to its server, one way or both */
    FAULT_KILL_SERVER,
    FAULT_SERVER_MIDWAY,
    FAULT_SWITCH, /* the role is moved by hand */
    FAULT_LEAVE,  /* an instance is told to end */
    FAULT_CLOCK,  /* a clock of an instance jumps */
    FAULT_DISK,   /* a server's disk is slow for a while */
    FAULT_COUNT
};

const char *pair_fault_name(enum pair_fault fault);
/* Strikes now, and says when the next one is due. */
void faults_strike(struct world *world);
/* Whatever was done is undone. */
void faults_calm(struct world *world);
/* Ends those whose time is over. */
void faults_step(struct world *world);

#endif
