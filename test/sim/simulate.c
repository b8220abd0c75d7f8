/*
 * komet-simulate [--seed N] [--count N] [--seconds N] [--verbose]: simulated sites, one a seed.
 *
 * Without --seed, seeds 1 to --count. Exit status 1 at the first breach, whose seed is printed.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

struct totals {
    uint64_t faults[FAULT_COUNT], steps, events, by_lines, results[5];
};

static bool simulate(uint64_t seed, int64_t seconds, bool verbose, struct totals *totals)
{
    static struct world world;
    world_init(&world, seed, verbose);
    bool good = world_run(&world, KOMET_SECONDS(seconds));
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        totals->faults[i] += world.fault_counts[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        totals->results[i] += world.checkers.results[i];
    }
    totals->steps += world.steps;
    totals->by_lines += world.by_lines;
    totals->events += world.checkers.truth_count;
    world_free(&world);
    return good;
}

static void report(const struct totals *totals, uint64_t count, int64_t seconds)
{
    printf("%" PRIu64 " sites of %" PRId64 " s: %" PRIu64 " events, %" PRIu64 " steps, %" PRIu64
           " changes of role for a line's sake; commands:",
           count, seconds, totals->events, totals->steps, totals->by_lines);
    for (unsigned i = 1; i < 5; i++) {
        printf(" %" PRIu64 " %s", totals->results[i], command_result_name((enum command_result)i));
    }
    printf("; faults:");
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        printf("%s %" PRIu64 " %s", i > 0 ? "," : "", totals->faults[i], sim_fault_name((enum sim_fault)i));
    }
    putchar('\n');
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0') {
        fprintf(stderr, "komet-simulate: '%s' is no number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    /* The whole count belongs to the long tests. */
    uint64_t first = 1, count = getenv("KOMET_SOAK") != NULL ? 2000 : 50;
    int64_t seconds = 60;
    bool verbose = false;
    int option;
    struct totals totals = {.steps = 0};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            first = number(optarg);
            count = 1;
            break;
        case 'c':
            count = number(optarg);
            break;
        case 't':
            seconds = (int64_t)number(optarg);
            break;
        case 'v':
            verbose = true;
            break;
        default:
            return 2;
        }
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (!simulate(seed, seconds, verbose, &totals)) {
            return 1;
        }
    }
    report(&totals, count, seconds);
    return 0;
}
