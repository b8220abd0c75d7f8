/*
 * seeds: see seeds.h.
 */
#include "sim/seeds.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_SOAK  10000
#define SEEDS_BREAK 100
#define CHECKS_MAX  64

uint64_t seeds_took(const uint32_t *took_ms, unsigned size)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < size; i++) {
        count += took_ms[i];
    }
    return count;
}

unsigned seeds_within_ms(const uint32_t *took_ms, unsigned size, uint64_t thousandths)
{
    uint64_t wanted = (seeds_took(took_ms, size) * thousandths + 999) / 1000, seen = 0;
    unsigned ms = 0;
    while (ms < size - 1 && (seen += took_ms[ms]) < wanted) {
        ms++;
    }
    return ms;
}

/* ---- the loop ---- */

static bool run(const struct seeds_simulation *simulation, const struct seeds *seeds)
{
    for (uint64_t seed = seeds->first; seed < seeds->first + seeds->count; seed++) {
        if (!simulation->simulate(seeds, seed)) {
            return false;
        }
    }
    simulation->report(seeds);
    return true;
}

/* True: the checker that the break is made for has found it. */
static bool bites(const struct seeds_simulation *simulation, const struct seeds *seeds)
{
    const char *name = simulation->break_name(seeds->broken);
    const char *check = simulation->check_name(simulation->break_check(seeds->broken));
    for (uint64_t seed = 1; seed <= seeds->count; seed++) {
        if (!simulation->simulate(seeds, seed)) {
            printf("%-18s caught by '%s' at seed %" PRIu64 "\n", name, check, seed);
            return true;
        }
    }
    printf("%-18s NOT caught by '%s' in %" PRIu64 " %s\n", name, check, seeds->count, simulation->things);
    return false;
}

static bool bite_all(const struct seeds_simulation *simulation, struct seeds seeds)
{
    bool good = simulation->check_count <= CHECKS_MAX, bitten[CHECKS_MAX] = {false};
    for (int i = 1; i < simulation->break_count; i++) {
        seeds.broken = i;
        bitten[simulation->break_check(i)] = true;
        good = bites(simulation, &seeds) && good;
    }
    for (int i = 0; i < simulation->check_count; i++) {
        if (!bitten[i]) {
            printf("nothing is broken for '%s'\n", simulation->check_name(i));
            good = false;
        }
    }
    return good;
}

/* ---- the command line ---- */

static uint64_t number(const struct seeds_simulation *simulation, const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0') {
        fprintf(stderr, "%s: '%s' is no number\n", simulation->program, text);
        exit(2);
    }
    return value;
}

static int break_named(const struct seeds_simulation *simulation, const char *name)
{
    for (int i = 0; i < simulation->break_count; i++) {
        if (strcmp(name, simulation->break_name(i)) == 0) {
            return i;
        }
    }
    fprintf(stderr, "%s: there is no break '%s'; there are:", simulation->program, name);
    for (int i = 0; i < simulation->break_count; i++) {
        fprintf(stderr, " %s", simulation->break_name(i));
    }
    fputc('\n', stderr);
    exit(2);
}

static void take_option(const struct seeds_simulation *simulation, struct seeds *seeds, int option)
{
    switch (option) {
    case 's':
        seeds->first = number(simulation, optarg);
        seeds->count = 1;
        break;
    case 'c':
        seeds->count = number(simulation, optarg);
        break;
    case 't':
        seeds->seconds = (int64_t)number(simulation, optarg);
        break;
    case 'b':
        seeds->broken = break_named(simulation, optarg);
        break;
    case 'B':
        seeds->bites = true;
        break;
    case 'v':
        seeds->verbose = true;
        break;
    default:
        exit(2);
    }
}

static uint64_t default_count(const struct seeds_simulation *simulation, const struct seeds *seeds)
{
    const char *wanted = getenv("KOMET_SEEDS");
    if (seeds->bites) {
        return SEEDS_BREAK;
    }
    if (getenv("KOMET_SOAK") != NULL) {
        return SEEDS_SOAK;
    }
    return wanted != NULL ? number(simulation, wanted) : simulation->count;
}

int seeds_main(const struct seeds_simulation *simulation, int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"break", required_argument, NULL, 'b'},
                                            {"bites", no_argument, NULL, 'B'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    struct seeds seeds = {.first = 1, .seconds = 60};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        take_option(simulation, &seeds, option);
    }
    if (seeds.count == 0) {
        seeds.count = default_count(simulation, &seeds);
    }
    bool good = seeds.bites ? bite_all(simulation, seeds) : run(simulation, &seeds);
    return good ? 0 : 1;
}
