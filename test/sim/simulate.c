/*
 * komet-simulate: simulated sites, one a seed. Its command line is that of seeds.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "sim/seeds.h"
#include "sim/world.h"

static struct totals {
    uint64_t faults[FAULT_COUNT], steps, events, by_lines, kept, results[5];
    struct check_switches told, silent;
    struct check_masters_counts masters;
} totals;

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
static bool simulate(const struct seeds *seeds, uint64_t seed)
{
    static struct world world;
    world_init(&world, seed, seeds->verbose, (enum sim_break)seeds->broken);
    bool good = world_run(&world, KOMET_SECONDS(seeds->seconds));
    if (seeds->broken != BREAK_NONE) {
        good = !world.checkers.failed[sim_break_checker((enum sim_break)seeds->broken)];
    }
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        totals.faults[i] += world.fault_counts[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        totals.results[i] += world.checkers.results[i];
    }
    for (unsigned i = 0; i < world.plan.station_count; i++) {
        totals.events += world.checkers.stations[i].count;
    }
    totals.steps += world.steps;
    totals.by_lines += world.by_lines;
    totals.kept += world.kept;
    add_masters(&totals.masters, &world.checkers_masters.counts);
    add_switches(&totals.told, &world.checkers.told);
    add_switches(&totals.silent, &world.checkers.silent);
    world_free(&world);
    return good;
}

static void report_switches(const char *what, const struct check_switches *from)
{
    const uint32_t *took = from->took_ms;
    printf("; %" PRIu64 " switch-overs, %s: p50 %u, p99 %u, max %u ms", seeds_took(took, CHECK_SWITCH_MS_MAX),
           what, seeds_within_ms(took, CHECK_SWITCH_MS_MAX, 500),
           seeds_within_ms(took, CHECK_SWITCH_MS_MAX, 990), seeds_within_ms(took, CHECK_SWITCH_MS_MAX, 1000));
}

static void report(const struct seeds *seeds)
{
    printf("%" PRIu64 " sites of %" PRId64 " s: %" PRIu64 " events, %" PRIu64 " steps, %" PRIu64
           " changes of role for a line's sake, %" PRIu64 " events kept without a server; commands:",
           seeds->count, seeds->seconds, totals.events, totals.steps, totals.by_lines, totals.kept);
    for (unsigned i = 1; i < 5; i++) {
        printf(" %" PRIu64 " %s", totals.results[i], command_result_name((enum command_result)i));
    }
    report_switches("told at once", &totals.told);
    report_switches("after a lease", &totals.silent);
    printf("; masters: %" PRIu64 " values, %" PRIu64 " of them again, %" PRIu64
           " lost for lack of room; answers: %" PRIu64 " positive, %" PRIu64 " negative",
           totals.masters.received, totals.masters.repeated, totals.masters.lost, totals.masters.positive,
           totals.masters.negative);
    printf("; faults:");
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        printf("%s %" PRIu64 " %s", i > 0 ? "," : "", totals.faults[i], sim_fault_name((enum sim_fault)i));
    }
    putchar('\n');
}

static const char *name_of_break(int broken)
{
    return sim_break_name((enum sim_break)broken);
}

static int check_of_break(int broken)
{
    return (int)sim_break_checker((enum sim_break)broken);
}

static const char *name_of_check(int check)
{
    return check_name((enum check)check);
}

int main(int argc, char **argv)
{
    static const struct seeds_simulation simulation = {.program = "komet-simulate",
                                                       .things = "sites",
                                                       .count = 200,
                                                       .break_count = BREAK_COUNT,
                                                       .check_count = CHECK_COUNT,
                                                       .break_name = name_of_break,
                                                       .break_check = check_of_break,
                                                       .check_name = name_of_check,
                                                       .simulate = simulate,
                                                       .report = report};
    return seeds_main(&simulation, argc, argv);
}
