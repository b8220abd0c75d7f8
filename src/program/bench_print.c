/*
 * bench_print: a report as a table, for people, and as JSON, for programs.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "program/bench.h"

#define MACHINE_SIZE 320

/* What was measured on: processor, number of them, kernel. */
static void describe_machine(char *text, size_t size)
{
    struct utsname system = {.sysname = "unknown system"};
    char line[256], processor[120] = "unknown processor";
    FILE *list = fopen("/proc/cpuinfo", "r");
    while (list != NULL && fgets(line, sizeof line, list) != NULL) {
        if (sscanf(line, "model name : %119[^\n]", processor) == 1) {
            break;
        }
    }
    if (list != NULL) {
        fclose(list);
    }
    uname(&system);
    snprintf(text, size, "%s, %ld processors, %s %s", processor, sysconf(_SC_NPROCESSORS_ONLN),
             system.sysname, system.release);
}

void bench_print(const struct bench_report *report)
{
    char machine[MACHINE_SIZE];
    describe_machine(machine, sizeof machine);
    puts(machine);
    printf("%-24s %12s %12s %12s %12s %7s  %-8s  %s\n", "row", "median", "min", "max", "limit", "ratio",
           "unit", "each");
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_row *row = &report->rows[i];
        printf("%-24s %12.4g %12.4g %12.4g ", row->name, row->value, row->min, row->max);
        if (row->limit > 0) {
            printf("%12.4g %7.2f  %-8s", row->limit, row->ratio, row->unit);
        } else {
            printf("%12s %7s  %-8s", "-", "-", row->unit);
        }
        if (strcmp(row->unit, "1/s") == 0 && row->value > 0) {
            printf("  %.3g ns", 1e9 / row->value);
        }
        if (row->wanted > 0) {
            printf("  wanted: %.3g", row->wanted);
        }
        putchar('\n');
    }
}

int bench_write_json(const struct bench_report *report, const char *path)
{
    char machine[MACHINE_SIZE];
    describe_machine(machine, sizeof machine);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        return 1;
    }
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_row *row = &report->rows[i];
        fprintf(out,
                "%s{\"name\": \"%s\", \"value\": %.9g, \"unit\": \"%s\", \"min\": %.9g, \"max\": %.9g, "
                "\"limit\": %.9g, \"ratio\": %.4g, \"wanted\": %.9g, \"machine\": \"%s\"}",
                i == 0 ? "[\n" : ",\n", row->name, row->value, row->unit, row->min, row->max, row->limit,
                row->ratio, row->wanted, machine);
    }
    fputs(report->count == 0 ? "[]\n" : "\n]\n", out);
    return fclose(out) == 0 ? 0 : 1;
}
