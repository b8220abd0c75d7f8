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
    double wanted; /* what it is to be at least (a rate) or at most, in the same unit; 0: nothing is said */
};

struct bench_report {
    struct bench_row rows[BENCH_ROWS_MAX];
    size_t count;
    unsigned rounds; /* of each measurement, 1 to BENCH_ROUNDS */
    double scale;    /* of each round's length: 1 for figures, less for a look at whether all of it runs */
};

/* The rounds of a measurement: as many values of each as the report has rounds, in order of time. */
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

/* Says what the row that was appended last is wanted to be. */
void bench_want(struct bench_report *report, double wanted);

/* Prints the machine and the rows as a table. */
void bench_print(const struct bench_report *report);

/* Writes the rows as a JSON array. Returns 0, or 1 after standard error said why not. */
int bench_write_json(const struct bench_report *report, const char *path);

/* Puts values into ascending order. */
void bench_sort(double *values, size_t count);

/* The value below which `part` (0 to 1; 0.5: the median) of the sorted values lie; 0 of none. */
double bench_quantile(const double *sorted, size_t count, double part);

/* Seconds on a clock that only runs forward. */
double bench_now(void);

/*
 * How many times a second `work` does its thing: calls it until `seconds` have passed.
 *   work  does some thousand things with `context` and returns how many
 */
double bench_rate(double seconds, size_t (*work)(void *context), void *context);

/* The groups. Each appends its rows and returns 0; or says on standard error which it could not measure, and
 * why, and returns 1. */
int bench_iec(struct bench_report *report);  /* decode_tf16, encode_tf16, decode_any */
int bench_link(struct bench_report *report); /* all of bench_link_memory, and the link over TCP */
int bench_site(
    struct bench_report *report); /* site_throughput, site_latency_…, site_start_100k, memory_tag */

int bench_sinaut(struct bench_report *report); /* sinaut_500, sinaut_500_server, sinaut_500_rate */

/* Parts of the group link: one row over TCP (with its p99), if `name` is one; NULL for the report: whether it
 * is. */
bool bench_link_row(const char *name, struct bench_report *report, int *status);
/* link_k…_memory, memory_connection. */
int bench_link_memory(struct bench_report *report);

#endif
