/*
 * komet-simulate-pairs: two simulated sites with a Sinaut line between them, one pair a seed.
 *
 *   komet-simulate-pairs [--seed N] [--count N] [--seconds N] [--break NAME] [--bites] [--verbose]
 *
 * As komet-simulate: without --seed, seeds 1 to --count; exit status 1 at the first breach, whose seed is
 * printed. --bites: for each break, pairs from seed 1 on until its checker has found it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/pairs/world.h"

#define SEEDS       100
#define SEEDS_SOAK  10000
#define SEEDS_BREAK 100

struct totals {
    uint64_t faults[FAULT_COUNT], steps, events, switches, results[5];
    uint32_t took_ms[CHECK_SWITCH_MS_MAX];
};

struct settings {
    uint64_t first, count;
    int64_t seconds;
    enum pair_break broken;
    bool verbose, bites;
};

/* False: a breach; with a break, one that its own checker found. */
static bool simulate(const struct settings *settings, uint64_t seed, struct totals *totals)
{
    static struct world world;
    world_init(&world, seed, settings->verbose, settings->broken);
    bool good = world_run(&world, KOMET_SECONDS(settings->seconds));
    if (settings->broken != BREAK_NONE) {
        good = !world.checks.failed[pair_break_checker(settings->broken)];
    }
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        totals->faults[i] += world.fault_counts[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        totals->results[i] += world.checks.results[i];
    }
    for (unsigned i = 0; i < CHECK_SWITCH_MS_MAX; i++) {
        totals->took_ms[i] += world.checks.took_ms[i];
    }
    totals->steps += world.steps;
    totals->events += world.checks.events;
    totals->switches += world.checks.switches;
    world_free(&world);
    return good;
}

/* So many of a thousand took no longer than this. */
static unsigned within_ms(const struct totals *totals, uint64_t thousandths)
{
    uint64_t wanted = (totals->switches * thousandths + 999) / 1000, seen = 0;
    unsigned ms = 0;
    while (ms < CHECK_SWITCH_MS_MAX - 1 && (seen += totals->took_ms[ms]) < wanted) {
        ms++;
    }
    return ms;
}

static void report(const struct settings *settings, const struct totals *totals)
{
    printf("%" PRIu64 " pairs of sites of %" PRId64 " s: %" PRIu64 " events stored, %" PRIu64
           " steps; orders:",
           settings->count, settings->seconds, totals->events, totals->steps);
    for (unsigned i = 1; i < 5; i++) {
        printf(" %" PRIu64 " %s", totals->results[i], command_result_name((enum command_result)i));
    }
    printf("; %" PRIu64 " times one fault alone, values went on after: p50 %u, p99 %u, max %u ms; faults:",
           totals->switches, within_ms(totals, 500), within_ms(totals, 990), within_ms(totals, 1000));
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        printf("%s %" PRIu64 " %s", i > 0 ? "," : "", totals->faults[i], pair_fault_name((enum pair_fault)i));
    }
    putchar('\n');
}

static bool run(const struct settings *settings)
{
    static struct totals totals;
    for (uint64_t seed = settings->first; seed < settings->first + settings->count; seed++) {
        if (!simulate(settings, seed, &totals)) {
            return false;
        }
    }
    report(settings, &totals);
    return true;
}

/* True: the checker that the break is made for has found it. */
static bool bites(const struct settings *settings)
{
    static struct totals totals;
    const char *checker = pair_check_name(pair_break_checker(settings->broken));
    for (uint64_t seed = 1; seed <= settings->count; seed++) {
        if (!simulate(settings, seed, &totals)) {
            printf("%-18s caught by '%s' at seed %" PRIu64 "\n", pair_break_name(settings->broken), checker,
                   seed);
            return true;
        }
    }
    printf("%-18s NOT caught by '%s' in %" PRIu64 " pairs\n", pair_break_name(settings->broken), checker,
           settings->count);
    return false;
}

static bool bite_all(struct settings settings)
{
    bool good = true, bitten[CHECK_COUNT] = {false};
    for (int i = BREAK_NONE + 1; i < BREAK_COUNT; i++) {
        settings.broken = (enum pair_break)i;
        bitten[pair_break_checker(settings.broken)] = true;
        good = bites(&settings) && good;
    }
    for (int i = 0; i < CHECK_COUNT; i++) {
        if (!bitten[i]) {
            printf("nothing is broken for '%s'\n", pair_check_name((enum pair_check)i));
            good = false;
        }
    }
    return good;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0') {
        fprintf(stderr, "komet-simulate-pairs: '%s' is no number\n", text);
        exit(2);
    }
    return value;
}

static enum pair_break break_named(const char *name)
{
    enum pair_break broken = pair_break_find(name);
    if (broken == BREAK_COUNT) {
        fprintf(stderr, "komet-simulate-pairs: there is no break '%s'\n", name);
        exit(2);
    }
    return broken;
}

static void take_option(struct settings *settings, int option)
{
    switch (option) {
    case 's':
        settings->first = number(optarg);
        settings->count = 1;
        break;
    case 'c':
        settings->count = number(optarg);
        break;
    case 't':
        settings->seconds = (int64_t)number(optarg);
        break;
    case 'b':
        settings->broken = break_named(optarg);
        break;
    case 'B':
        settings->bites = true;
        break;
    case 'v':
        settings->verbose = true;
        break;
    default:
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"break", required_argument, NULL, 'b'},
                                            {"bites", no_argument, NULL, 'B'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    struct settings settings = {.first = 1, .seconds = 60};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        take_option(&settings, option);
    }
    const char *seeds = getenv("KOMET_SEEDS");
    if (settings.count == 0) {
        settings.count = settings.bites                 ? SEEDS_BREAK
                         : getenv("KOMET_SOAK") != NULL ? SEEDS_SOAK
                         : seeds != NULL                ? number(seeds)
                                                        : SEEDS;
    }
    bool good = settings.bites ? bite_all(settings) : run(&settings);
    return good ? 0 : 1;
}
