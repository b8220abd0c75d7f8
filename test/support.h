/*
 * What tests of every level share: cmocka's includes in their order, and a seeded random source, so that a
 * failure repeats from the seed that it printed.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A small generator (splitmix64). Any seed will do. */
struct test_random {
    uint64_t state;
};

static inline uint64_t test_random_next(struct test_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A number from 0 to bound - 1; bound > 0. */
static inline uint32_t test_random_below(struct test_random *random, uint32_t bound)
{
    return (uint32_t)(test_random_next(random) % bound);
}

#endif
