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

void bench_sort(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], compare);
}

double bench_quantile(const double *sorted, size_t count, double part)
{
    KOMET_ASSERT(part >= 0 && part <= 1);
    size_t place = (size_t)((double)count * part);
    return count == 0 ? 0 : sorted[place < count ? place : count - 1];
}

void bench_add(struct bench_report *report, const char *name, const char *unit, bool rate,
               const struct bench_rounds *rounds)
{
    KOMET_ASSERT(report->count < BENCH_ROWS_MAX);
    KOMET_ASSERT(report->rounds >= 1 && report->rounds <= BENCH_ROUNDS);
    struct bench_rounds sorted = *rounds;
    bench_sort(sorted.values, report->rounds);
    bench_sort(sorted.limits, report->rounds);
    double value = bench_quantile(sorted.values, report->rounds, 0.5);
    double limit = bench_quantile(sorted.limits, report->rounds, 0.5);
    double ratio = 0;
    if (limit > 0 && value > 0) {
        ratio = rate ? value / limit : limit / value;
    }
    report->rows[report->count++] = (struct bench_row){
        .name = name,
        .unit = unit,
        .value = value,
        .min = sorted.values[0],
        .max = sorted.values[report->rounds - 1],
        .limit = limit,
        .ratio = ratio,
    };
}

void bench_want(struct bench_report *report, double wanted)
{
    KOMET_ASSERT(report->count > 0);
    report->rows[report->count - 1].wanted = wanted;
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
