/*
 * pair: a simulated redundant partner of a Sinaut line: two systems, a and b, of which one is HOT, each on
 * two networks; and what such a partner may do wrong.
 *
 * The other end is one line of Komet, or a redundant one with two instances: its one or two *partners*. Each
 * system has a connection to each of them on each network: up to eight, numbered PAIR_CONNECTION(system,
 * partner, network). A *path* is a system's end of a network, such as a1; it is lost or frozen for all
 * partners. The pair connects, or is connected to; after that both ends are alike.
 *
 *   HOT      sends events and answers, executes commands. A standby only acknowledges and tests, and may
 *            interrogate.
 *   data     Of the connections of a system to a partner one carries data: the first one started, until it
 *            ends.
 *   events   Each station is an rtu (rtu.h) that nobody connects to: its points, patterns and lists of
 *            events. What it generates waits in one ring that both systems know, until the partner
 *            acknowledges it to who is HOT; on another connection, or of another system, what is not
 *            acknowledged goes again, in order, as it was. A partner that is not connected is not waited for
 *            while the other one is.
 *   asking   HOT interrogates (FFFF) whoever it can: when a connection begins to carry data, and when it
 *            becomes HOT.
 *
 *     pair_connected(pair, now, c);
 *     while (at < size) {
 *         at += pair_feed(pair, now, c, octets + at, size - at);
 *         while (pair_next(pair, now, &output)) { do it }
 *     }
 *     pair_closed(pair, now, c);
 *
 * Pure: time is a parameter, memory is the caller's.
 */
#ifndef PARTNER_PAIR_H
#define PARTNER_PAIR_H

#include "partner/pair_order.h"
#include "partner/rtu.h"

#define PAIR_PARTNERS    2
#define PAIR_CONNECTIONS (PAIR_SYSTEMS * PAIR_PARTNERS * PAIR_NETWORKS)
#define PAIR_CONNECTION(system, partner, network)                                                            \
    (((system)*PAIR_PARTNERS + (partner)) * PAIR_NETWORKS + (network))

#define PAIR_STATIONS_MAX  64
#define PAIR_ANSWERS_MAX   64 /* to commands, that wait; one more is not answered */
#define PAIR_QUESTIONS_MAX 4  /* interrogations of a partner, that wait; one more is refused */
#define PAIR_REQUESTS_MAX  32 /* commands and interrogations of our own, that wait; one more is refused */

/* An order of a script, and when it is due: microseconds since the start, not falling. */
struct pair_step {
    int64_t time_us;
    struct pair_order order;
};

/* What a pair is. All is borrowed for its life. */
struct pair_plan {
    const struct rtu_plan *stations;    /* of each ca, points and replay, seed; the rest is not looked at. No
                                           periodic    points */
    size_t station_count;               /* 1..PAIR_STATIONS_MAX; each address once */
    uint8_t systems;                    /* that are played, as bits: PAIR_BOTH, or one of them */
    unsigned networks;                  /* 1..PAIR_NETWORKS */
    unsigned partners;                  /* 1..PAIR_PARTNERS */
    bool connects;                      /* we connect; else we are connected to */
    uint8_t hot;                        /* at the start: 0, 1, PAIR_NOBODY */
    uint8_t originator;                 /* in what is sent of itself */
    uint16_t k, w;                      /* as in link.h */
    int64_t t0_us, t1_us, t2_us, t3_us; /* t0 > 0 */
    int64_t reconnect_us;               /* > 0: pause between attempts to connect */
    int64_t takeover_us; /* HOT that is lost for so long, or reached by nobody while the standby is, gives way
                            to the standby; 0: only by order */
    unsigned confirm;    /* commands: 1 cause 7, 2 cause 10, 3 both, 0 nothing (CMDC of the other end) */
    bool totals_with_interrogation; /* the answer to 100 has counters too (ICCI of the other end) */
    bool standby_interrogates;      /* also a standby asks when it is connected */
    size_t events;                  /* capacity of the ring: 1..10000000 */
    const struct pair_step *script;
    size_t script_count;
};

/* No stations; both systems, a HOT, two networks, one partner, to which we connect; the standard's k, w, t1,
 * t2, t3; t0 30 s, reconnect 5 s, takeover 2 s, confirmation with both, counters with the interrogation,
 * 100000 events. */
struct pair_plan pair_plan_standard(void);

/* NULL when the plan is usable, else a sentence: what is wrong and what is right. Static storage. pair_init
 * asserts it. */
const char *pair_plan_fault(const struct pair_plan *plan);

struct pair; /* opaque; lives in the caller's memory */

/* Octets of memory for a pair, all in. */
size_t pair_size(const struct pair_plan *plan);

/*
 *   memory, size  taken until the caller drops the pair; aligned for any object; size as pair_size
 *   plan          borrowed for the pair's life; usable
 *   now           the start of patterns, lists and script
 */
struct pair *pair_init(void *memory, size_t size, const struct pair_plan *plan, struct rtu_now now);

/* Is a system to be listened for on a network now? False also where the pair connects. A connection on a path
 * for which this is false is not taken: the host closes it. */
bool pair_listens(const struct pair *pair, unsigned system, unsigned network);

/* A TCP connection is there: one that PAIR_OUT_CONNECT asked for, or one that came. One before it with the
 * same number is replaced: the host closes that one. */
void pair_connected(struct pair *pair, struct rtu_now now, unsigned connection);
/* The TCP connection is gone, or the attempt failed. */
void pair_closed(struct pair *pair, struct rtu_now now, unsigned connection);
/* Received octets, borrowed until the next feed. Returns how many were taken (all, when it is not connected,
 * or frozen); the host drains pair_next before it feeds the rest. */
size_t pair_feed(struct pair *pair, struct rtu_now now, unsigned connection, const uint8_t *octets,
                 size_t size);
/* The first `size` octets of the last SEND on that connection were given to TCP. */
void pair_written(struct pair *pair, unsigned connection, size_t size);
/* TCP takes octets of that connection again: what could not be written is handed out anew. */
void pair_writable(struct pair *pair, unsigned connection);
void pair_tick(struct pair *pair, struct rtu_now now);
struct komet_instant pair_deadline(const struct pair *pair);

/* Does what it is told; the notes say what came of it. */
void pair_obey(struct pair *pair, struct rtu_now now, const struct pair_order *order);

enum pair_output_kind {
    PAIR_OUT_EVENT,   /* was generated: ca, ioa, type, number (as transmitted), time */
    PAIR_OUT_GOT,     /* an object came: all below but text, octets, size, reason */
    PAIR_OUT_NOTE,    /* for the log: text */
    PAIR_OUT_CONNECT, /* make the TCP connection, then pair_connected or pair_closed */
    PAIR_OUT_SEND, /* write octets, then pair_written; else pair_writable as soon as something can be written
                    */
    PAIR_OUT_CLOSE /* reset the TCP connection, or give up the attempt: reason. pair_closed is not wanted */
};

struct pair_output {
    enum pair_output_kind kind;
    unsigned connection;
    uint16_t ca;
    uint32_t ioa;
    uint8_t type;
    uint8_t cause;
    bool negative, test;
    double number;
    uint8_t status;        /* GOT: octet of quality or qualifier, as it came */
    struct komet_utc time; /* GOT: of the tag; KOMET_UTC_UNKNOWN: none */
    const char *text;      /* borrowed until the next call */
    const uint8_t *octets; /* borrowed until the next call but pair_written */
    size_t size;
    enum komet_reason reason;
};

/* The next thing wanted; false when there is none. */
bool pair_next(struct pair *pair, struct rtu_now now, struct pair_output *output);

/* Who is HOT: 0, 1 or PAIR_NOBODY. */
unsigned pair_hot(const struct pair *pair);

/* Counted since pair_init. */
struct pair_counters {
    uint64_t events_generated;
    uint64_t events_acknowledged; /* in order, by the partner that has most of them */
    uint64_t events_lost;         /* the ring was full: the oldest gave way before they were acknowledged */
    uint64_t values;              /* objects of monitor direction that came */
    uint64_t commands;            /* of the other end, executed */
    uint64_t interrogations;      /* of the other end, answered */
    uint64_t refused;             /* confirmed negatively, or mirrored */
    uint64_t ignored;             /* came to a standby, which only acknowledges */
};
struct pair_counters pair_counters(const struct pair *pair);

#endif
