/*
 * faults: what is lost, when, and how it comes back, and what people do meanwhile; all from the world's seed.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct world;

enum sim_fault {
    FAULT_KILL_KOM,        /* kill -9 of an instance: its connections end at once */
    FAULT_KILL_KOM_MIDWAY, /* the same, in the midst of what it is doing */
    FAULT_PAUSE_KOM,       /* it does not run for a while, its connections stay: SIGSTOP, a paused machine */
    FAULT_CUT_KOM,         /* its cables are out for a while: it runs, nothing goes in or out */
    FAULT_CUT_LINK,        /* the network to the server is out */
    FAULT_CUT_TELEMETRY,   /* the network to the stations is out */
    FAULT_CUT_ONE_WAY,     /* one of its four ways is out */
    FAULT_LOSE_KOM,        /* its machine loses power: nobody is told */
    FAULT_RESET_TELEMETRY, /* RST between station and instance */
    FAULT_RESET_LINK,      /* RST between instance and server */
    FAULT_KILL_SERVER,     /* what was not synced is gone, connections end at once */
    FAULT_KILL_SERVER_MIDWAY,
    FAULT_LOSE_SERVER,  /* its machine loses power: what was not synced is gone, nobody is told */
    FAULT_FAIL_DISK,    /* the journal cannot write: the engine is made anew after a while */
    FAULT_FILL_DISK,    /* the disk is full: the journal fails again and again until there is room */
    FAULT_SLOW_DISK,    /* a sync takes seconds */
    FAULT_FILL_BUFFER,  /* an instance's disk takes no more */
    FAULT_RESTART_CUT,  /* the server restarts at once, and the active instance is cut off meanwhile */
    FAULT_SLOW_NETWORK, /* every piece of octets is late for a while */
    FAULT_CLOCK_JUMP,   /* the time of day of the server or an instance jumps */
    FAULT_CLOCK_RATE,   /* a clock begins to run faster or slower */
    FAULT_BESIDE,       /* somebody starts a run of a number that there is, or one without a number */
    FAULT_HAND_OVER,    /* no fault: SET_ACT_INST */
    FAULT_PREFER,       /* no fault: SET_PREFERRED_INST, also of nobody */
    FAULT_LEAVE,        /* no fault: SIGTERM to an instance, which is started again */
    FAULT_STOP,         /* no fault: STOP of an instance, or of all; they are started again */
    FAULT_STATION,      /* no fault: ENABLE, DISABLE, SIMULATE of a station */
    FAULT_RELOAD,       /* no fault: the site is edited, rightly or wrongly, and RELOAD given */
    FAULT_LOSE_MASTER,  /* a master resets its connections and is away for a while */
    FAULT_PAUSE_MASTER, /* it reads nothing and says nothing */
    FAULT_CUT_MASTER,   /* its network is out */
    FAULT_LOAD_BALANCE, /* no fault: SET_LOAD_BAL_MODE */
    FAULT_COUNT
};
const char *sim_fault_name(enum sim_fault fault);

/* One fault now, and the time of the next. */
void faults_strike(struct world *world);
/* What was done by hand is undone, so that the site can come right: again, as long as something is left. */
void faults_calm(struct world *world);
/* The server is killed; silently: its machine loses power. It comes back after the pause. */
void faults_lose_server(struct world *world, int64_t pause_us, bool silently);
/* The journal has failed; the server's engine is made anew after the pause. */
void faults_fail_disk(struct world *world, int64_t pause_us);

#endif
