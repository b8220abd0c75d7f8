/*
 * komet bench: prints the figures of the groups as a table, or as JSON into a file.
 */
#include "program/bench.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "program/bench_alone.h"
#include "program/programs.h"

struct bench_group {
    const char *name;
    int (*run)(struct bench_report *report);
};

static const struct bench_group groups[] = {
    {"iec", bench_iec}, {"link", bench_link}, {"site", bench_site}, {"sinaut", bench_sinaut}};

#define GROUPS      (sizeof groups / sizeof groups[0])
#define NAMES_MAX   32 /* on a command line */
#define QUICK_SCALE 0.05

#define STATUS_OK    0
#define STATUS_USAGE 2

static const char usage[] =
    "usage: komet bench [NAME…] [--json FILE] [--quick]\n"
    "       komet bench client --connect HOST:PORT [options]\n"
    "       komet bench station --listen HOST:PORT [options]\n"
    "\n"
    "Measures, and prints each figure beside its limit: what the same task takes without Komet, in the same "
    "run.\n"
    "NAME is a group: iec, link, site, sinaut; or a row of link over TCP, such as link_k12_1core. Without "
    "one: all "
    "groups.\n"
    "\n"
    "  --json FILE  writes the rows as JSON too\n"
    "  --quick      one short round of each row: whether all of it runs, not how fast\n"
    "  --help       prints this\n"
    "  --version    prints the version\n"
    "\n"
    "client and station are one end each, for another program at the other: see komet bench client --help.\n"
    "Exit status: 0 done; 1 something could not be measured; 2 wrong command line.\n";

struct bench_task {
    struct bench_report report;
    const char *names[NAMES_MAX]; /* groups, or rows of the group link, in the order given */
    size_t count;
    const char *json; /* NULL: none */
    bool done;        /* an option asked for nothing but a text */
};

/* Measures what has this name; false: nothing has. Without a report it only looks. */
static bool run_name(const char *name, struct bench_report *report, int *status)
{
    for (size_t i = 0; i < GROUPS; i++) {
        if (strcmp(groups[i].name, name) == 0) {
            *status |= report != NULL ? groups[i].run(report) : 0;
            return true;
        }
    }
    return bench_link_row(name, report, status);
}

static int refuse(const char *what, const char *argument)
{
    fprintf(stderr, "komet bench: %s%s%s; see komet bench --help\n", what, argument[0] != '\0' ? ": " : "",
            argument);
    return STATUS_USAGE;
}

static int read_option(struct bench_task *task, int option, const char *word)
{
    switch (option) {
    case 'j':
        task->json = optarg;
        return STATUS_OK;
    case 'q':
        task->report.rounds = 1;
        task->report.scale = QUICK_SCALE;
        return STATUS_OK;
    case 'h':
    case 'v':
        fputs(option == 'h' ? usage : "komet bench " KOMET_VERSION "\n", stdout);
        task->done = true;
        return STATUS_OK;
    case ':':
        return refuse("this option wants a value", word);
    default:
        return refuse("no such option", word);
    }
}

static int read_options(struct bench_task *task, int argc, char **argv)
{
    static const struct option options[] = {{"json", required_argument, NULL, 'j'},
                                            {"quick", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {0}};
    int status = STATUS_OK, option;
    optind = 1;
    while (status == STATUS_OK && !task->done &&
           (option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
        status = read_option(task, option, argv[optind - 1]);
    }
    for (; status == STATUS_OK && optind < argc && !task->done; optind++) {
        if (task->count == NAMES_MAX || !run_name(argv[optind], NULL, &status)) {
            return refuse(task->count == NAMES_MAX ? "too many names" : "no such group or row", argv[optind]);
        }
        task->names[task->count++] = argv[optind];
    }
    return status;
}

int program_bench(int argc, char **argv)
{
    static struct bench_task task = {.report = {.rounds = BENCH_ROUNDS, .scale = 1}};
    if (argc > 1 && strcmp(argv[1], "client") == 0) {
        return bench_alone_client(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "station") == 0) {
        return bench_alone_station(argc - 1, argv + 1);
    }
    int status = read_options(&task, argc, argv);
    if (status != STATUS_OK || task.done) {
        return status;
    }
    for (size_t i = 0; task.count == 0 && i < GROUPS; i++) {
        status |= groups[i].run(&task.report);
    }
    for (size_t i = 0; i < task.count; i++) {
        run_name(task.names[i], &task.report, &status);
    }
    bench_print(&task.report);
    return status | (task.json != NULL ? bench_write_json(&task.report, task.json) : 0);
}
