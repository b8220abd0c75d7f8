/*
 * bench_ends: one round of a measurement between two processes of this machine, over TCP on the loopback.
 *
 * Each end is a function that runs in a process of its own, pinned to a core. The partner serves until it is
 * killed. The measuring end says what it found and returns, and with that the round is over.
 */
#ifndef KOMET_PROGRAM_BENCH_ENDS_H
#define KOMET_PROGRAM_BENCH_ENDS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "program/bench.h"

#define BENCH_EVENT_GAP_S     0.001 /* between two events of event_latency */
#define BENCH_EVENTS_A_SECOND 100   /* of each connection of events_100x100 */
#define BENCH_T3_S            20    /* between two test frames of a connection of idle_10000 */

enum { BENCH_EVENTS_MAX = 65536, BENCH_FAULT_SIZE = 200 };

enum bench_placement {
    BENCH_ONE_CORE, /* both ends on the same */
    BENCH_TWO_CORES /* one each */
};

/* Memory of both processes. */
struct bench_shared {
    bool done;                      /* `values` were said */
    double values[2];               /* what was measured */
    char fault[BENCH_FAULT_SIZE];   /* else why not */
    double given[BENCH_EVENTS_MAX]; /* when each event was given to the sender, by its number (bench_now) */
};

struct bench_round {
    unsigned connections;
    uint16_t k, w;
    uint16_t bare_write; /* APDUs in one write of a bare station */
    double seconds;      /* how long to measure */
    /* Filled by bench_ends_run. */
    int listener;               /* of the station, non-blocking; 127.0.0.1, a port that was free */
    struct sockaddr_in address; /* of the listener */
    pid_t partner;              /* for the measuring end */
    struct bench_shared *shared;
};

typedef void bench_end(const struct bench_round *round);

struct bench_ends {
    bench_end *partner, *measuring;
};

/*
 * Runs one round.
 *   settings  copied; the rest of the round is filled in
 *   values    receives what the measuring end said
 *   fault     BENCH_FAULT_SIZE octets: why it could not be measured, when false is returned
 */
bool bench_ends_run(const struct bench_ends *ends, enum bench_placement placement,
                    const struct bench_round *settings, double values[2], char *fault);

/* The measuring end's last words. */
void bench_say(const struct bench_round *round, double first, double second);
_Noreturn void bench_fail(const struct bench_round *round, const char *fault);

/* How many a second, from WARM_S after the first was counted. */
struct bench_meter {
    double begin, seconds; /* begin 0: nothing was counted yet */
    bool warm;
    uint64_t count;
};

/* There were `count` in all by `now`. True: the time is over, and *rate is known. */
bool bench_meter_over(struct bench_meter *meter, double now, uint64_t count, double *rate);

/* A measurement: what Komet does, and what bare sockets do, with the same turns in the same placement. */
struct bench_contest {
    const char *names[2]; /* of the rows, one for each value that is said; NULL: not a row */
    const char *unit;
    bool rate;
    enum bench_placement placement;
    struct bench_round round;
    struct bench_ends komet, bare;
};

/* Measures, the two taking turns, and appends the rows. False: standard error says why there are none. */
bool bench_contest(struct bench_report *report, const struct bench_contest *contest);

#endif
