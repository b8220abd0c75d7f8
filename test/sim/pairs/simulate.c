/*
 * komet-simulate-pairs: two simulated sites with a Sinaut line between them, one pair a seed. Its command line
 * is that of seeds.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "sim/pairs/world.h"
#include "sim/seeds.h"

static struct totals {
    uint64_t faults[FAULT_COUNT], steps, events, switches, results[5];
    uint32_t took_ms[CHECK_SWITCH_MS_MAX];
} totals;

/* False: a breach; with a break, one that its own checker found. */
static bool simulate(const struct seeds *seeds, uint64_t seed)
{
    static struct world world;
    world_init(&world, seed, seeds->verbose, (enum pair_break)seeds->broken);
    bool good = world_run(&world, KOMET_SECONDS(seeds->seconds));
    if (seeds->broken != BREAK_NONE) {
        good = !world.checks.failed[pair_break_checker((enum pair_break)seeds->broken)];
    }
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        totals.faults[i] += world.fault_counts[i];
    }
    for (unsigned i = 0; i < 5; i++) {
        totals.results[i] += world.checks.results[i];
    }
    for (unsigned i = 0; i < CHECK_SWITCH_MS_MAX; i++) {
        totals.took_ms[i] += world.checks.took_ms[i];
    }
    totals.steps += world.steps;
    totals.events += world.checks.events;
    totals.switches += world.checks.switches;
    world_free(&world);
    return good;
}

static void report(const struct seeds *seeds)
{
    const uint32_t *took = totals.took_ms;
    printf("%" PRIu64 " pairs of sites of %" PRId64 " s: %" PRIu64 " events stored, %" PRIu64
           " steps; orders:",
           seeds->count, seeds->seconds, totals.events, totals.steps);
    for (unsigned i = 1; i < 5; i++) {
        printf(" %" PRIu64 " %s", totals.results[i], command_result_name((enum command_result)i));
    }
    printf("; %" PRIu64 " times one fault alone, values went on after: p50 %u, p99 %u, max %u ms; faults:",
           totals.switches, seeds_within_ms(took, CHECK_SWITCH_MS_MAX, 500),
           seeds_within_ms(took, CHECK_SWITCH_MS_MAX, 990), seeds_within_ms(took, CHECK_SWITCH_MS_MAX, 1000));
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        printf("%s %" PRIu64 " %s", i > 0 ? "," : "", totals.faults[i], pair_fault_name((enum pair_fault)i));
    }
    putchar('\n');
}

static const char *name_of_break(int broken)
{
    return pair_break_name((enum pair_break)broken);
}

static int check_of_break(int broken)
{
    return (int)pair_break_checker((enum pair_break)broken);
}

static const char *name_of_check(int check)
{
    return pair_check_name((enum pair_check)check);
}

int main(int argc, char **argv)
{
    static const struct seeds_simulation simulation = {.program = "komet-simulate-pairs",
                                                       .things = "pairs",
                                                       .count = 100,
                                                       .break_count = BREAK_COUNT,
                                                       .check_count = CHECK_COUNT,
                                                       .break_name = name_of_break,
                                                       .break_check = check_of_break,
                                                       .check_name = name_of_check,
                                                       .simulate = simulate,
                                                       .report = report};
    return seeds_main(&simulation, argc, argv);
}
