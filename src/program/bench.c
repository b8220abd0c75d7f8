/*
 * komet bench: prints the figures of the groups as a table, or as JSON into a file.
 */
#include "program/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "program/programs.h"

struct bench_group {
    const char *name;
    int (*run)(struct bench_report *report);
};

static const struct bench_group groups[] = {{"iec", bench_iec}, {"link", bench_link}, {"site", bench_site}};

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

static void print_table(const struct bench_report *report)
{
    printf("%-22s %12s %12s %12s %12s %7s  %-8s  %s\n", "row", "median", "min", "max", "limit", "ratio",
           "unit", "each");
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_row *row = &report->rows[i];
        printf("%-22s %12.4g %12.4g %12.4g %12.4g %7.2f  %-8s", row->name, row->value, row->min, row->max,
               row->limit, row->ratio, row->unit);
        if (strcmp(row->unit, "1/s") == 0 && row->value > 0) {
            printf("  %.3g ns", 1e9 / row->value);
        }
        putchar('\n');
    }
}

static int write_json(const struct bench_report *report, const char *machine, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        return 1;
    }
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_row *row = &report->rows[i];
        fprintf(out,
                "%s{\"name\": \"%s\", \"value\": %.9g, \"unit\": \"%s\", \"min\": %.9g, \"max\": %.9g, "
                "\"limit\": %.9g, \"ratio\": %.4g, \"machine\": \"%s\"}",
                i == 0 ? "[\n" : ",\n", row->name, row->value, row->unit, row->min, row->max, row->limit,
                row->ratio, machine);
    }
    fputs(report->count == 0 ? "[]\n" : "\n]\n", out);
    return fclose(out) == 0 ? 0 : 1;
}

static int run_group(const char *name, struct bench_report *report)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (strcmp(groups[i].name, name) == 0) {
            return groups[i].run(report);
        }
    }
    fprintf(stderr, "komet bench: no such group: %s; there are: iec, link, site\n", name);
    return 2;
}

int program_bench(int argc, char **argv)
{
    static struct bench_report report;
    const char *json = NULL;
    int named = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            puts(
                "komet bench [NAME…] [--json FILE]\n\nGroups: iec, link, site. Without a name: all of them.");
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("komet bench " KOMET_VERSION);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            if (++i == argc) {
                fputs("komet bench: --json wants a file\n", stderr);
                return 2;
            }
            json = argv[i];
        } else if (strncmp(argv[i], "--json=", 7) == 0) {
            json = argv[i] + 7;
        } else {
            int status = run_group(argv[i], &report);
            if (status != 0) {
                return status;
            }
            named++;
        }
    }
    for (size_t i = 0; named == 0 && i < sizeof groups / sizeof groups[0]; i++) {
        if (groups[i].run(&report) != 0) {
            return 1;
        }
    }
    char machine[320];
    describe_machine(machine, sizeof machine);
    puts(machine);
    print_table(&report);
    return json != NULL ? write_json(&report, machine, json) : 0;
}
