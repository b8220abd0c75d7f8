/* The bench's rows of libkomet without sockets, as a table: for work on the codec and the link. */
#include <stdio.h>

#include "program/bench.h"

int main(void)
{
    static struct bench_report report = {.rounds = BENCH_ROUNDS, .scale = 1};
    int status = bench_iec(&report) | bench_link_memory(&report);
    printf("%-24s %14s %14s %14s %14s %6s  %s\n", "name", "median", "min", "max", "limit", "ratio", "unit");
    for (size_t i = 0; i < report.count; i++) {
        const struct bench_row *row = &report.rows[i];
        printf("%-24s %14.0f %14.0f %14.0f %14.0f %6.2f  %s\n", row->name, row->value, row->min, row->max,
               row->limit, row->ratio, row->unit);
    }
    return status;
}
