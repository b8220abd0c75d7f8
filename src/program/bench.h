/*
 * bench: figures, each beside the limit that was measured in the same run.
 *
 * A group (bench_iec, bench_link, …) appends its rows to a report. Every row is measured in BENCH_ROUNDS
 * rounds that take turns with a bare loop doing the least that the task needs: machines are noisy, the ratio
 * of two medians of one run is what can be compared.
 */
#ifndef KOMET_PROGRAM_BENCH_H
#define KOMET_PROGRAM_BENCH_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_ROUNDS = 5, BENCH_ROWS_MAX = 64 };

struct bench_row {
    const char *name; /* one word, such as decode_tf16; static storage */
    const char *unit; /* "1/s", "s" or "octets"; static storage */
    double value;     /* median of the rounds */
    double min, max;
    double limit; /* median of the bare loop's rounds, in the same unit; 0: none */
    double ratio; /* value / limit for rates, limit / value for times and sizes: 1 is the limit, more is
                     better */
};

struct bench_report {
    struct bench_row rows[BENCH_ROWS_MAX];
    size_t count;
};

/* One round of a measurement: BENCH_ROUNDS values of each, in order of time. */
struct bench_rounds {
    double values[BENCH_ROUNDS];
    double limits[BENCH_ROUNDS];
};

/*
 * Appends a row.
 *   rate    true for a rate (more is better), false for a time or a size
 *   rounds  copied; limits of 0 mean that there is none
 */
void bench_add(struct bench_report *report, const char *name, const char *unit, bool rate,
               const struct bench_rounds *rounds);

/* Seconds on a clock that only runs forward. */
double bench_now(void);

/*
 * How many times a second `work` does its thing: calls it until `seconds` have passed.
 *   work  does some thousand things with `context` and returns how many
 */
double bench_rate(double seconds, size_t (*work)(void *context), void *context);

/* The groups. Each appends its rows and returns 0, or says on standard error what failed and returns 1. */
int bench_iec(struct bench_report *report);  /* decode_tf16, encode_tf16, decode_any: objects per second */
int bench_link(struct bench_report *report); /* link_k…_memory, memory_connection */

int bench_site(
    struct bench_report *report); /* site_throughput, site_latency_…, site_start_100k, memory_tag */

#endif
