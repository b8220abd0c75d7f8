/*
 * instances: which instance of one process is active (architecture 7; reference 4.1, A1, A2).
 *
 * Pure. It is told who connects, renews, stops and is lost, and asked who is to be told what. Rules here: the
 * first to connect is active; SET_ACT_INST moves the role by hand; when the active one is lost, the one
 * connected longest, else the lowest number. (Preferred instance, active-active, quarantine of flapping
 * instances and line facts have their place in `struct instances` and come later.)
 *
 * A hand-over: the old one is told to stop, its *stopped* (or the end of its lease) is awaited, the new one
 * gets a larger epoch. Epochs grow over restarts of the server: `epoch_floor` is the largest ever journaled.
 */
#ifndef ROLE_INSTANCES_H
#define ROLE_INSTANCES_H

#include <stdbool.h>
#include <stdint.h>

#include "komet/time.h"

#define ROLE_INSTANCE_MAX 15

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
    struct komet_instant lease_end; /* ACTIVE, STOPPING, GONE */
    uint64_t epoch;                 /* of the newest grant; 0 none */
    bool silent;                    /* let its lease end while connected: not chosen until it is heard */
};

struct instances {
    struct role_member member[ROLE_INSTANCE_MAX + 1]; /* [0]: the run without a number */
    int64_t lease_us;
    uint64_t epoch;                       /* largest given */
    uint8_t wanted;                       /* SET_ACT_INST awaits the old one's stop; 0xFF none */
    uint8_t active;                       /* member with the grant; 0xFF none */
    struct komet_instant no_grant_before; /* after a restart of the server: one lease */
    uint32_t tell_active, tell_passive;   /* members that instances_next has to name, as bits */
};

/* `epoch_floor`: the largest epoch journaled, 0 none; then nobody but a confirming holder is granted before
 * `now` + lease. */
void instances_init(struct instances *instances, int64_t lease_us, uint64_t epoch_floor,
                    struct komet_instant now);

/* A run connects. Returns NULL, or why it is refused: a sentence for its stderr (the number is taken; a
 * numbered and an unnumbered run exclude each other). Static storage. `held_epoch`: a grant that it says it
 * still holds, 0 none. */
const char *instances_connect(struct instances *instances, struct komet_instant now, uint8_t instance,
                              uint64_t held_epoch);
/* The connection ended. `surely_dead`: EOF or RST, its grant ends at once; else its lease is awaited. */
void instances_lost(struct instances *instances, struct komet_instant now, uint8_t instance,
                    bool surely_dead);
/* A heartbeat of the holder; returns the epoch that was renewed until now + lease, 0 when it holds none. */
uint64_t instances_renew(struct instances *instances, struct komet_instant now, uint8_t instance);
/* It says that it has stopped. */
void instances_stopped(struct instances *instances, struct komet_instant now, uint8_t instance,
                       uint64_t epoch);
/* SET_ACT_INST. NULL, or why not (not running). Static storage. */
const char *instances_set_active(struct instances *instances, struct komet_instant now, uint8_t instance);

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

/* Flags of the process's value: B for instance 1 … P for instance 15, none for a run without number. */
uint16_t instances_flags(const struct instances *instances);
/* True while one runs (value Run, else Stop). */
bool instances_running(const struct instances *instances);

#endif
