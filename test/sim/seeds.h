/*
 * seeds: the command line of a simulation, and its loop over seeds.
 *
 *   PROGRAM [--seed N] [--count N] [--seconds N] [--break NAME] [--verbose]
 *
 * Without --seed, seeds 1 to --count. Exit status 1 at the first breach, whose seed is printed. With --break
 * the harness does something wrong on purpose.
 *
 *   PROGRAM --bites [--count N] [--seconds N]
 *
 * For each break, simulations from seed 1 on until the checker that it is made for has found it; exit status 1
 * when one of them was not found, or nothing is broken for a checker.
 */
#ifndef SIM_SEEDS_H
#define SIM_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

struct seeds {
    uint64_t first, count;
    int64_t seconds; /* simulated, of each */
    int broken;      /* 0: nothing */
    bool verbose, bites;
};

/* What a simulation is. Breaks and checkers have numbers from 0; break 0 is none. */
struct seeds_simulation {
    const char *program, *things; /* "komet-simulate", "sites" */
    uint64_t count;               /* without --count; the whole count belongs to the long tests */
    int break_count, check_count;
    const char *(*break_name)(int broken);
    int (*break_check)(int broken); /* the checker that has to find it */
    const char *(*check_name)(int check);
    /* One seed. False: a breach; with a break, one that its own checker found. */
    bool (*simulate)(const struct seeds *seeds, uint64_t seed);
    void (*report)(const struct seeds *seeds); /* of all of them, when none had a breach */
};

/* The program's exit status; 2: its command line is wrong. */
int seeds_main(const struct seeds_simulation *simulation, int argc, char **argv);

/* `took_ms[n]`: how many took n ms. So many thousandths of all took no longer than what is returned. */
unsigned seeds_within_ms(const uint32_t *took_ms, unsigned size, uint64_t thousandths);
/* How many they are. */
uint64_t seeds_took(const uint32_t *took_ms, unsigned size);

#endif
