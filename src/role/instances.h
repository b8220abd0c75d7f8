/*
 * instances: which instance of one process is active (architecture 7; reference 4.1, A1, A2), and the value
 * of the process.
 *
 * Pure. It is told who connects, renews, leaves, stops and is lost, and asked who is to be told what. Rules
 * here: the first to connect is active; the preferred one takes over once it has connected and loaded its
 * lines; SET_ACT_INST moves the role by hand; when the active one is lost, the one that reaches most lines,
 * else the preferred one, else the one connected longest, else the lowest number. One that keeps dying
 * (damping.h) comes behind all others. When the active one has lost a line that a passive one reaches
 * (reach.h), the role moves too.
 *
 * Lines move the role at most once in ROLE_LINES_PAUSE_US, only to one that reaches more of them than the
 * active one, and never back by themselves. Who was made active by hand keeps the role although it does not
 * reach a line, until it has reached it once. The preferred one waits until it reaches as many as the active
 * one.
 *
 * Active-active (`all_act`, SET_LOAD_BAL_MODE): each instance that can acts, under a grant of its own, with
 * an epoch of its own and larger than all before. `active` is then the one of them that speaks for all: the
 * first that acted, and after it the lowest number. One that keeps dying acts only when no other does. When
 * the mode ends, the preferred one goes on if it acts, else `active`; the others are relieved. Nobody is
 * granted anew while one of them still holds its grant.
 *
 * A hand-over: the old one is told to stop, its *stopped* (or the end of its lease) is awaited, the new one
 * gets a larger epoch. Epochs grow over restarts of the server: `epoch_floor` is the largest ever journaled.
 */
#ifndef ROLE_INSTANCES_H
#define ROLE_INSTANCES_H

#include <stdbool.h>
#include <stdint.h>

#include "komet/time.h"
#include "role/damping.h"
#include "role/process_value.h"
#include "role/reach.h"

#define ROLE_INSTANCE_MAX 15
/* After a start of the server an instance that ran is taken for running so long, until it comes again. */
#define ROLE_RETURN_US KOMET_SECONDS(3)

/* Lines move the role so seldom: each move is a short break for those that are reached. */
#define ROLE_LINES_PAUSE_US KOMET_SECONDS(60)

enum role_standing {
    ROLE_ABSENT, /* not connected */
    ROLE_PASSIVE,
    ROLE_ACTIVE,   /* holds the grant */
    ROLE_STOPPING, /* told to give the grant up; it or its lease is awaited */
    ROLE_GONE      /* lost without a word; its lease still runs */
};

struct role_member {
    enum role_standing standing;
    struct komet_instant since; /* of the standing */
    struct komet_instant connected;
    struct komet_instant heard;     /* its newest renewal */
    struct komet_instant lease_end; /* ACTIVE, STOPPING, GONE */
    uint64_t epoch;                 /* of the newest grant; 0 none */
    bool loaded;                    /* it has renewed: its lines are loaded */
    bool silent;   /* renewed nothing for a lease while connected: not chosen until it is heard */
    bool leaving;  /* said that it ends, or was told to: not chosen any more */
    bool yielded;  /* gave the role up by itself: at the next choice the others come first */
    bool expected; /* not connected; it ran before the server's start and may come again */
    enum process_value value;
    struct damping damping;
};

/* The newest change of role for a line's sake. */
struct role_by_lines {
    uint32_t count; /* of them */
    uint16_t line;
    uint8_t from, to;
};

struct instances {
    struct role_member member[ROLE_INSTANCE_MAX + 1]; /* [0]: the run without a number */
    int64_t lease_us;
    uint64_t epoch;      /* largest given */
    uint8_t wanted;      /* is to have the role when the old one has stopped; 0xFF none */
    bool by_hand;        /* SET_ACT_INST wants it */
    uint8_t active;      /* member with the grant, or with the one that leads; 0xFF none */
    uint8_t preferred;   /* 1 … 15, 0 none */
    bool all_act;        /* each that can acts, under a grant of its own (SET_LOAD_BAL_MODE) */
    bool preferred_came; /* it connected, and is to take over as soon as it can */
    uint8_t ended;       /* whose end was the newest; of it the process has its value */
    struct komet_instant no_grant_before; /* somebody may act until then under a grant that we cannot end */
    struct komet_instant expected_until;
    uint32_t tell_active, tell_passive; /* members that instances_next has to name, as bits */
    uint32_t changes;                   /* of values of members, counted */
    struct reach reach;
    struct komet_instant lines_wait; /* no further change of role for a line's sake before */
    struct komet_instant lines_seen; /* when they were looked at last */
    struct role_by_lines by_lines;
};

/* `epoch_floor`: the largest epoch journaled, 0 none; then nobody but a confirming holder is granted before
 * `now` + lease. */
void instances_init(struct instances *instances, int64_t lease_us, uint64_t epoch_floor,
                    struct komet_instant now);

/* Which lines the process has, behind instances_init; left out, none is looked at. See reach.h. */
void instances_watch_lines(struct instances *instances, struct reach_line *lines, uint16_t line_count);
/* RELOAD: they are others now, in other memory; what is known of each is in `lines`. */
void instances_move_lines(struct instances *instances, struct reach_line *lines, uint16_t line_count);

/* What the journal had, before anything else: SET_PREFERRED_INST; the values that instances had, in the order
 * of their events (one that ran is expected to come again); then, at `now`, the largest epoch as in
 * instances_init. */
void instances_recover_preferred(struct instances *instances, uint8_t instance);
void instances_recover_value(struct instances *instances, uint8_t instance, enum process_value value);
void instances_recovered(struct instances *instances, uint64_t epoch_floor, struct komet_instant now);

/* A run connects. Returns NULL, or why it is refused: a sentence for its stderr (the number is taken; a
 * numbered and an unnumbered run exclude each other). Static storage. `same_run`: the run that had this
 * number last comes again; it has given up what it held. */
const char *instances_connect(struct instances *instances, struct komet_instant now, uint8_t instance,
                              bool same_run);
/* The connection ended. `surely_dead`: EOF or RST, its grant ends at once; else its lease is awaited. */
void instances_lost(struct instances *instances, struct komet_instant now, uint8_t instance,
                    bool surely_dead);
/* A heartbeat, the first when it has loaded its lines; returns the epoch that was renewed until now + lease,
 * 0 when it holds none. */
uint64_t instances_renew(struct instances *instances, struct komet_instant now, uint8_t instance);
/* An instance that is connected says whether it reaches a line. */
void instances_line(struct instances *instances, struct komet_instant now, uint8_t instance, uint16_t line,
                    enum line_reach fact);
/* It says that it has stopped. */
void instances_stopped(struct instances *instances, struct komet_instant now, uint8_t instance,
                       uint64_t epoch);
/* It is about to end: it is relieved, and told to be passive in any case; then it ends. NULL, or why not (not
 * running). Static storage. */
const char *instances_leave(struct instances *instances, struct komet_instant now, uint8_t instance);
/* SET_ACT_INST: holds until the preferred one connects, or the active one is lost; lifts damping. NULL, or
 * why not (not running, silent, ending, all act). Static storage. */
const char *instances_set_active(struct instances *instances, struct komet_instant now, uint8_t instance);
/* SET_LOAD_BAL_MODE; and what the journal had of it, before anything else. */
void instances_set_all_act(struct instances *instances, struct komet_instant now, bool all_act);
void instances_recover_all_act(struct instances *instances, bool all_act);
/* SET_PREFERRED_INST, 0 for none: changes nothing until the preferred one connects, or the active one is
 * lost. NULL, or why not. Static storage. */
const char *instances_set_preferred(struct instances *instances, uint8_t instance);

void instances_tick(struct instances *instances, struct komet_instant now);
struct komet_instant instances_deadline(const struct instances *instances);

struct instances_output {
    bool active; /* grant: journal it, then tell it. Else: tell it to be passive and stop */
    uint8_t instance;
    uint64_t epoch;
};
bool instances_next(struct instances *instances, struct komet_instant now, struct instances_output *output);

/* May a message of `instance` under `epoch` be taken? True only for the holder of a grant that still runs. */
bool instances_valid(const struct instances *instances, struct komet_instant now, uint8_t instance,
                     uint64_t epoch);

bool instances_connected(const struct instances *instances, uint8_t instance);
/* Flags of the process's value: B for instance 1 … P for instance 15, while they Run; none for a run without
 * number. */
uint16_t instances_flags(const struct instances *instances);
/* The value of the process: Run while one runs; else WDErr while one is connected; else that of the instance
 * that ended last, Stop when none ever ran. */
enum process_value instances_value(const struct instances *instances);

#endif
