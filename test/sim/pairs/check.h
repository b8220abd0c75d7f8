/*
 * check: what must always hold between two sites (doc/architecture.md, "What always holds"; doc/sinaut.md),
 * and what the harness does wrong on purpose, so that each checker shows that it bites.
 */
#ifndef PAIRS_CHECK_H
#define PAIRS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/server.h"

struct world;
struct world_site;
struct world_kom;
struct tcp;

enum pair_check {
    CHECK_HOT,      /* only who acts sends I formats; who stands by sends S formats and test frames */
    CHECK_ONE_ACTS, /* no two instances of a site send I formats under one grant, nor under an older one */
    CHECK_ONE_PATH, /* one path of a partner carries data, until it is closed */
    CHECK_STORED,   /* an event that was acknowledged is on the synced part of the receiver's disk */
    CHECK_LOST, /* an event that a sender took is stored by the receiver, whichever instances came and went */
    CHECK_ONCE, /* once, and nothing else is */
    CHECK_ORDER,    /* each tag's go out in order on a connection, and are stored as they came */
    CHECK_COMMANDS, /* the receiver gets each command at most once, and as its end says */
    CHECK_ENDS,     /* each order ends exactly once */
    CHECK_SWITCH,   /* after one fault, values go on within their time */
    CHECK_END,      /* after the last fault everything comes right by itself */
    CHECK_COUNT
};
const char *pair_check_name(enum pair_check check);

enum pair_break {
    BREAK_NONE,
    BREAK_STANDBY_SENDS,  /* who stands by sends what the acting one sends */
    BREAK_ROLE_TO_ALL,    /* each instance is told that it acts */
    BREAK_OTHER_PATH,     /* some data goes over the other path */
    BREAK_STORED_EARLY,   /* the journal says "stored" before its sync has ended */
    BREAK_DROPS_RECORD,   /* the journal confirms records that it has not */
    BREAK_OTHER_OCTETS,   /* the raw elements from a passive instance are altered: no repeat is known */
    BREAK_REORDERS,       /* two records change places */
    BREAK_COMMAND_TWICE,  /* a command is in the journal twice */
    BREAK_COMMAND_FORGED, /* a command that was not done is said to be done */
    BREAK_END_TWICE,      /* an end of an order is told twice */
    BREAK_SLOW_SERVER,    /* servers stand still for a while after a fault */
    BREAK_WRONG_VALUE,    /* values without a time tag arrive altered */
    BREAK_COUNT
};
const char *pair_break_name(enum pair_break broken);
enum pair_check pair_break_checker(enum pair_break broken);

enum { CHECK_CARRIED_MAX = 4096, CHECK_SWITCH_MS_MAX = 30000, CHECK_CHANNELS = 4, CHECK_INSTANCES = 2 };

/* One order of a site, by its number from 1, which is the value. */
struct check_order {
    uint8_t channel;
    bool ended, wanted; /* wanted: it is to be stored by the other site */
    uint8_t result;     /* enum command_result */
    uint16_t stored;    /* times that the other site has it, synced */
    uint16_t follows;   /* and its output that follows has it: events of that */
    uint16_t echoed;    /* which are stored here again */
    uint64_t epoch;     /* under which it was sent */
    /* Its place among those sent to each instance of the other, when that was sent it first and last; 0: not.
     * What nobody has acknowledged when all connections are lost goes to whoever comes first, so that one who
     * had a later event may get an earlier one, and then the later one again. */
    uint32_t sent[CHECK_INSTANCES], repeated[CHECK_INSTANCES];
    struct komet_instant given;
};

/* What a connection carries from each end: event `number` in I format `frame`. */
struct check_tcp {
    struct {
        uint64_t frame;
        uint32_t number;
    } carried[2][CHECK_CARRIED_MAX];
    unsigned first[2], count[2];
    uint64_t frames[2];                 /* I formats that end has sent */
    uint32_t newest[2][CHECK_CHANNELS]; /* event of each channel that it has sent */
    uint64_t acknowledged[2];           /* of them the other end has acknowledged */
};

struct check_kom {
    const struct tcp *data[CHECK_INSTANCES]; /* that carried data to each instance of the partner last */
    uint64_t data_serial[CHECK_INSTANCES];   /* its serial: places are used again */
};

struct check_site {
    struct check_order *orders;
    uint32_t count, capacity; /* count: the newest number */
    uint64_t newest_epoch;    /* under which an I format was sent */
    uint8_t newest_sender;
    uint32_t sent_to[CHECK_INSTANCES]; /* events sent to each instance of the other */
    size_t scanned;                    /* records of its disk */
    struct {
        uint32_t place; /* when it was sent first */
        uint64_t epoch;
    } last[CHECK_CHANNELS][CHECK_INSTANCES + 1]; /* the newest record by each instance */
    uint32_t final[CHECK_CHANNELS]; /* order that every tag has to have in the end; 0: none yet */
};

/* One fault that struck while all was well: values are to go on until then, from each site. */
struct check_switch {
    bool waits[2];
    struct komet_instant since, until;
    int kind;
};

struct checks {
    bool quiet, any_failed, failed[CHECK_COUNT];
    struct check_switch single;
    struct komet_instant well_since;
    uint32_t took_ms[CHECK_SWITCH_MS_MAX];
    uint64_t switches, events, results[5];
};

void checks_breach(struct world *world, enum pair_check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An order is given; its number, which is to be its value. */
uint32_t checks_order(struct world *world, unsigned side, unsigned channel);
void checks_ended(struct world *world, unsigned side, const struct server_ended *ended);
/* An end of a telemetry connection sends octets. */
void checks_sends(struct world *world, struct tcp *tcp, unsigned end, const uint8_t *octets, size_t size);
/* A sync of a site's disk has ended, or records of it are gone. */
void checks_synced(struct world *world, unsigned side);
/* A fault strikes alone: values go on within that time; -1: nobody says when. */
void checks_struck(struct world *world, int kind, int64_t bound_us);
void checks_step(struct world *world);
/* Everything that is to be stored is. */
bool checks_complete(struct world *world);
/* What is missing, for people. */
void checks_missing(struct world *world);
void checks_free(struct world *world);

#endif
