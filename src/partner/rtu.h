/*
 * rtu: a simulated controlled station: its points, how they change, and a good station's manners.
 *
 * It has one partner (a controlling station), over one TCP connection or over several of which one carries
 * data: a redundancy group of the standard. The others wait, with test frames, until STARTDT comes on one of
 * them, which then carries data; one that was started before it is closed. Connections are numbers that the
 * host gives. Each change of a spontaneous point is an event. Events wait in a ring, are sent in order, and
 * leave it only when the partner's N(R) covers them: after a reconnect the others are sent again, value and
 * time as they were. Requests are answered by a komet_station (komet/station.h), whose host this is.
 *
 *     rtu_connected(rtu, now, c);
 *     while (at < size) {
 *         at += rtu_feed(rtu, now, c, octets + at, size - at);
 *         while (rtu_next(rtu, now, &output)) { do it; stop at a SEND that cannot be written now }
 *     }
 *     rtu_closed(rtu, now, c);
 *
 * Pure: time is a parameter, memory is the caller's, and chance comes from the plan's seed.
 */
#ifndef PARTNER_RTU_H
#define PARTNER_RTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "komet/link.h"
#include "komet/station.h"
#include "komet/time.h"

/* One reading of both clocks: the instant drives everything, utc only becomes time tags. */
struct rtu_now {
    struct komet_instant instant;
    struct komet_utc utc;
};

enum rtu_pattern_kind {
    RTU_CONSTANT, /* changes only by a command or by hand */
    RTU_RAMP,     /* in `period` from `from` to `to` by `step`, then from the beginning */
    RTU_WALK,     /* each `period` one `step` up or down, between `from` and `to` */
    RTU_TOGGLE    /* each `period` the other one of two values: 0 and 1, double points 1 and 2 */
};

struct rtu_pattern {
    enum rtu_pattern_kind kind;
    double from, to;   /* RAMP: also to < from. WALK: from < to */
    double step;       /* > 0 */
    int64_t period_us; /* > 0 but for CONSTANT; at most RTU_PERIOD_MAX_US */
    int64_t for_us;    /* the pattern ends then, counted from the start; 0: never */
};

#define RTU_PERIOD_MAX_US   KOMET_SECONDS(86400)
#define RTU_POINTS_MAX      1000000 /* all rows together */
#define RTU_ANSWERS_MAX     80 /* that wait for the link; of these one for each command that is executed */
#define RTU_HELD_MAX        32 /* requests that wait until there is room for their answers */
#define RTU_SELECTIONS_MAX  64
#define RTU_CONNECTIONS_MAX 16

/* A row: `count` points of one type with consecutive addresses, whose changes are spread evenly over the
 * period of the pattern, or a command of that type. */
struct rtu_point {
    uint32_t ioa;   /* of the first: 1..16777215 */
    uint8_t type;   /* of monitor direction (1..16, 21, 30..40), or a command: 45..51, 58..64 */
    uint32_t count; /* 1 or more */
    double number;  /* CONSTANT: the value at the start */
    struct rtu_pattern pattern;
    int64_t every_us; /* 0: spontaneous; > 0: sent with cause periodic that often, and never an event */
    uint32_t follows; /* command: the address of the (first) point that takes its value; 0 none */
    /* of each point, as in komet_point: */
    uint16_t groups;               /* none of a command or of types 17 to 19, 38 to 40 */
    enum komet_select_rule select; /* of a command */
    double minimum, maximum; /* of a set point (48 to 50, 61 to 63): below each other; both 0: anything */
};

/* One row of a replayed list of events. */
struct rtu_timed {
    int64_t time_us; /* since the start, 0 or more, not falling */
    uint32_t ioa;    /* of a spontaneous point of the plan */
    double number;
};

/* What a station is. All is borrowed for the station's life. */
struct rtu_plan {
    const struct rtu_point *points; /* in ascending order of address, none twice */
    size_t point_count;
    const struct rtu_timed *replay;
    size_t replay_count;
    uint16_t ca;          /* 1..65534 */
    unsigned connections; /* at a time: 1..RTU_CONNECTIONS_MAX */
    uint16_t k, w;        /* as in link.h */
    int64_t t1_us, t2_us, t3_us;
    struct komet_station_settings station; /* how requests are answered: select_us, command_age_ms, too_old,
                                              clock_sync, broadcast_once, limit_set_points. The rest is not
                                              looked at */
    bool end_of_initialization;            /* is told first of all, with the cause power on */
    size_t events;                         /* capacity of the ring: 1..10000000 */
    uint64_t seed;                         /* of the random walks */
    const struct komet_profile *profile;
};

/* No points, CA 1, one connection, the standard's k, w, t1, t2, t3 and rules of answering, 10000 events, low
 * octet first. */
struct rtu_plan rtu_plan_standard(void);

/* NULL when the plan is usable, else a sentence: what is wrong and what is right. *row receives the row of
 * `points` that is meant, or point_count when none is. Static storage. rtu_init asserts it. */
const char *rtu_plan_fault(const struct rtu_plan *plan, size_t *row);

/* The same for one row of the plan's points, so that a reader can tell all faults at once. */
const char *rtu_point_fault(const struct rtu_plan *plan, const struct rtu_point *row);

/* The row that has an address; NULL when none has. */
const struct rtu_point *rtu_plan_find(const struct rtu_plan *plan, uint32_t ioa);

struct rtu; /* opaque; lives in the caller's memory */

/* Octets of memory for a station, all in. */
size_t rtu_size(const struct rtu_plan *plan);

/*
 *   memory, size  taken until the caller drops the station; aligned for any object; size as rtu_size
 *   plan          borrowed for the station's life; usable
 *   now           the start of all patterns and of the replay
 */
struct rtu *rtu_init(void *memory, size_t size, const struct rtu_plan *plan, struct rtu_now now);

/* A TCP connection is there; `connection` is below the plan's `connections`. One before it with the same
 * number is replaced: the host closes that one. */
void rtu_connected(struct rtu *rtu, struct rtu_now now, unsigned connection);

/* The TCP connection is gone. If it carried data, answers in progress are dropped; events are kept. */
void rtu_closed(struct rtu *rtu, struct rtu_now now, unsigned connection);

/* Received octets, borrowed until the next feed. Returns how many were taken (all, when it is not connected);
 * the host drains rtu_next before it feeds the rest. */
size_t rtu_feed(struct rtu *rtu, struct rtu_now now, unsigned connection, const uint8_t *octets, size_t size);

/* The first `size` octets of the last SEND on that connection were given to TCP. */
void rtu_written(struct rtu *rtu, unsigned connection, size_t size);

void rtu_tick(struct rtu *rtu, struct rtu_now now);
struct komet_instant rtu_deadline(const struct rtu *rtu);

enum rtu_output_kind {
    RTU_OUT_EVENT, /* an event was generated: ioa, type, number (as transmitted), time */
    RTU_OUT_NOTE,  /* for the log: text */
    RTU_OUT_SEND,  /* write octets, then rtu_written; handed out again until then */
    RTU_OUT_CLOSE  /* close the TCP connection: reason. rtu_closed is not wanted */
};

struct rtu_output {
    enum rtu_output_kind kind;
    unsigned connection; /* SEND, CLOSE */
    uint32_t ioa;
    uint8_t type;
    double number;
    struct komet_utc time;
    const char *text;      /* borrowed until the next call */
    const uint8_t *octets; /* borrowed until the next call but rtu_written */
    size_t size;
    enum komet_reason reason;
};

/* The next thing wanted; false when there is none. */
bool rtu_next(struct rtu *rtu, struct rtu_now now, struct rtu_output *output);

/* Generates an event by hand: the point takes `number` (rounded to what its type can say). False when the
 * address is no spontaneous point: nothing happened. */
bool rtu_event(struct rtu *rtu, struct rtu_now now, uint32_t ioa, double number);

/* Executes a command by hand, as if it had come: the point that follows it takes its value. False when the
 * address has no command of its type, with or without time tag: nothing happened. */
bool rtu_command(struct rtu *rtu, struct rtu_now now, uint8_t type, const struct komet_object *object);

/* The value of a point now; false when there is no such point. */
bool rtu_value(const struct rtu *rtu, uint32_t ioa, double *number);

/* Counted since rtu_init. */
struct rtu_counters {
    uint64_t events_generated;
    uint64_t events_acknowledged; /* in order, by the partner's N(R) */
    uint64_t events_lost;         /* the ring was full: the oldest gave way; or the partner reset them */
    uint64_t commands;            /* executed */
    uint64_t interrogations;      /* begun, of the station or its counters */
    uint64_t refused;             /* mirrored or confirmed negatively */
    uint64_t too_old;             /* commands refused or discarded for their time tag */
    uint64_t answers_dropped;     /* requests that found RTU_HELD_MAX waiting */
};
struct rtu_counters rtu_counters(const struct rtu *rtu);

/*
 * The arithmetic of patterns, for the station and for its tests.
 */

/* When, since the start, change `step` (from 1) of a row happens, in us: change 1 is that of its first point,
 * change 2 that of the second, and so on round and round. */
int64_t rtu_pattern_time(const struct rtu_point *row, uint64_t step);
/* The value of a point before its first change. */
double rtu_pattern_first(const struct rtu_point *row);
/* Its value after its `change`-th change (from 1), the one before being `current`. *random: the generator's
 * state, moved by WALK. */
double rtu_pattern_next(const struct rtu_point *row, double current, uint64_t change, uint64_t *random);
/* What is left of a number when it was transmitted in `type` (of the table). */
double rtu_transmitted(uint8_t type, double number);
/* An object of a type, as the ASDU writer wants it; `number` is one that the type can say, the time that of
 * its tag, where it has one. */
struct komet_object rtu_object(uint8_t type, uint32_t ioa, double number, struct komet_utc time);

/* A command: 45 to 51, 58 to 64. */
bool rtu_is_command(uint8_t type);
/* Of the table of types. Events of protection equipment have none: no interrogation and no read gives them.
 */
bool rtu_has_state(uint8_t type);

#endif
