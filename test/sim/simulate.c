/*
 * komet-simulate: simulated sites, one a seed.
 *
 *   komet-simulate [--seed N] [--count N] [--seconds N] [--break NAME] [--verbose]
 *
 * Without --seed, seeds 1 to --count. Exit status 1 at the first breach, whose seed is printed. With --break
 * the harness does something wrong on purpose.
 *
 *   komet-simulate --bites [--count N] [--seconds N]
 *
 * For each break, sites from seed 1 on until the checker that it is made for has found it; exit status 1 when
 * one of them was not found.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

/* How many seeds, without --count. The whole count belongs to the long tests. */
#define SEEDS       200
#define SEEDS_SOAK  10000
#define SEEDS_BREAK 100

struct totals {
    uint64_t faults[FAULT_COUNT], steps, events, by_lines, kept, results[5];
    struct check_switches told, silent;
    struct check_masters_counts masters;
};

struct settings {
    uint64_t first, count;
    int64_t seconds;
    enum sim_break broken;
    bool verbose, bites;
};

static void add_switches(struct check_switches *to, const struct check_switches *from)
{
    for (unsigned i = 0; i < CHECK_SWITCH_MS_MAX; i++) {
        to->took_ms[i] += from->took_ms[i];
    }
}

static void add_masters(struct check_masters_counts *to, const struct check_masters_counts *from)
{
    to->received += from->received;
    to->repeated += from->repeated;
    to->lost += from->lost;
    to->positive += from->positive;
    to->negative += from->negative;
}

/* False: a breach; with a break, one that its own checker found. */
static bool simulate(const struct settings *settings, uint64_t seed, struct totals *totals)
{
    static struct world world;
    world_init(&world, seed, settings->verbose, settings->broken);
    bool good = world_run(&world, KOMET_SECONDS(settings->seconds));
    if (settings->broken != BREAK_NONE) {
        good = !world.checkers.failed[sim_break_checker(settings->broken)];
    }
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        totals->faults[i] += world.fault_counts[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        totals->results[i] += world.checkers.results[i];
    }
    for (unsigned i = 0; i < world.plan.station_count; i++) {
        totals->events += world.checkers.stations[i].count;
    }
    totals->steps += world.steps;
    totals->by_lines += world.by_lines;
    totals->kept += world.kept;
    add_masters(&totals->masters, &world.checkers_masters.counts);
    add_switches(&totals->told, &world.checkers.told);
    add_switches(&totals->silent, &world.checkers.silent);
    world_free(&world);
    return good;
}

static uint64_t switches(const struct check_switches *switches)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < CHECK_SWITCH_MS_MAX; i++) {
        count += switches->took_ms[i];
    }
    return count;
}

/* So many of a thousand took no longer than this. */
static unsigned within_ms(const struct check_switches *from, uint64_t thousandths)
{
    uint64_t wanted = (switches(from) * thousandths + 999) / 1000, seen = 0;
    unsigned ms = 0;
    while (ms < CHECK_SWITCH_MS_MAX - 1 && (seen += from->took_ms[ms]) < wanted) {
        ms++;
    }
    return ms;
}

static void report_switches(const char *what, const struct check_switches *from)
{
    printf("; %" PRIu64 " switch-overs, %s: p50 %u, p99 %u, max %u ms", switches(from), what,
           within_ms(from, 500), within_ms(from, 990), within_ms(from, 1000));
}

static void report(const struct settings *settings, const struct totals *totals)
{
    printf("%" PRIu64 " sites of %" PRId64 " s: %" PRIu64 " events, %" PRIu64 " steps, %" PRIu64
           " changes of role for a line's sake, %" PRIu64 " events kept without a server; commands:",
           settings->count, settings->seconds, totals->events, totals->steps, totals->by_lines, totals->kept);
    for (unsigned i = 1; i < 5; i++) {
        printf(" %" PRIu64 " %s", totals->results[i], command_result_name((enum command_result)i));
    }
    report_switches("told at once", &totals->told);
    report_switches("after a lease", &totals->silent);
    printf("; masters: %" PRIu64 " values, %" PRIu64 " of them again, %" PRIu64
           " lost for lack of room; answers: %" PRIu64 " positive, %" PRIu64 " negative",
           totals->masters.received, totals->masters.repeated, totals->masters.lost, totals->masters.positive,
           totals->masters.negative);
    printf("; faults:");
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        printf("%s %" PRIu64 " %s", i > 0 ? "," : "", totals->faults[i], sim_fault_name((enum sim_fault)i));
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
    const char *checker = check_name(sim_break_checker(settings->broken));
    for (uint64_t seed = 1; seed <= settings->count; seed++) {
        if (!simulate(settings, seed, &totals)) {
            printf("%-18s caught by '%s' at seed %" PRIu64 "\n", sim_break_name(settings->broken), checker,
                   seed);
            return true;
        }
    }
    printf("%-18s NOT caught by '%s' in %" PRIu64 " sites\n", sim_break_name(settings->broken), checker,
           settings->count);
    return false;
}

static bool bite_all(struct settings settings)
{
    bool good = true;
    bool bitten[CHECK_COUNT] = {false};
    for (int i = BREAK_NONE + 1; i < BREAK_COUNT; i++) {
        settings.broken = (enum sim_break)i;
        bitten[sim_break_checker(settings.broken)] = true;
        good = bites(&settings) && good;
    }
    for (int i = 0; i < CHECK_COUNT; i++) {
        if (!bitten[i]) {
            printf("nothing is broken for '%s'\n", check_name((enum check)i));
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
        fprintf(stderr, "komet-simulate: '%s' is no number\n", text);
        exit(2);
    }
    return value;
}

static enum sim_break break_named(const char *name)
{
    enum sim_break broken = sim_break_find(name);
    if (broken == BREAK_COUNT) {
        fprintf(stderr, "komet-simulate: there is no break '%s'; there are:", name);
        for (int i = 0; i < BREAK_COUNT; i++) {
            fprintf(stderr, " %s", sim_break_name((enum sim_break)i));
        }
        fputc('\n', stderr);
        exit(2);
    }
    return broken;
}

static struct settings read_options(int argc, char **argv)
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
        switch (option) {
        case 's':
            settings.first = number(optarg);
            settings.count = 1;
            break;
        case 'c':
            settings.count = number(optarg);
            break;
        case 't':
            settings.seconds = (int64_t)number(optarg);
            break;
        case 'b':
            settings.broken = break_named(optarg);
            break;
        case 'B':
            settings.bites = true;
            break;
        case 'v':
            settings.verbose = true;
            break;
        default:
            exit(2);
        }
    }
    const char *seeds = getenv("KOMET_SEEDS");
    if (settings.count == 0) {
        settings.count = settings.bites                 ? SEEDS_BREAK
                         : getenv("KOMET_SOAK") != NULL ? SEEDS_SOAK
                         : seeds != NULL                ? strtoull(seeds, NULL, 10)
                                                        : SEEDS;
    }
    return settings;
}

int main(int argc, char **argv)
{
    struct settings settings = read_options(argc, argv);
    bool good = settings.bites ? bite_all(settings) : run(&settings);
    return good ? 0 : 1;
}
