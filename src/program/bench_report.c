/* bench_report: medians, ratios and the clock of the bench. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "komet/assert.h"
#include "program/bench.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_add(struct bench_report *report, const char *name, const char *unit, bool rate,
               const struct bench_rounds *rounds)
{
    KOMET_ASSERT(report->count < BENCH_ROWS_MAX);
    struct bench_rounds sorted = *rounds;
    qsort(sorted.values, BENCH_ROUNDS, sizeof sorted.values[0], compare);
    qsort(sorted.limits, BENCH_ROUNDS, sizeof sorted.limits[0], compare);
    double value = sorted.values[BENCH_ROUNDS / 2];
    double limit = sorted.limits[BENCH_ROUNDS / 2];
    double ratio = 0;
    if (limit > 0 && value > 0) {
        ratio = rate ? value / limit : limit / value;
    }
    report->rows[report->count++] = (struct bench_row){
        .name = name,
        .unit = unit,
        .value = value,
        .min = sorted.values[0],
        .max = sorted.values[BENCH_ROUNDS - 1],
        .limit = limit,
        .ratio = ratio,
    };
}

double bench_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double bench_rate(double seconds, size_t (*work)(void *context), void *context)
{
    double start = bench_now();
    double elapsed;
    size_t done = 0;
    do {
        done += work(context);
        elapsed = bench_now() - start;
    } while (elapsed < seconds);
    return (double)done / elapsed;
}
