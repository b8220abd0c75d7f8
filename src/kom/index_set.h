/*
 * index_set: a set of small numbers, such as those of a process's lines, in which the next one is found without a
 * look at each: one bit a number.
 */
#ifndef KOM_INDEX_SET_H
#define KOM_INDEX_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_set {
    uint64_t *words; /* the caller's memory, of index_set_size; zeros: empty */
    unsigned count;  /* numbers are 0 to count - 1 */
};

#define INDEX_SET_BITS 64u

/* Octets of memory for numbers up to `count` - 1. */
static inline size_t index_set_size(unsigned count)
{
    return (count + INDEX_SET_BITS - 1) / INDEX_SET_BITS * sizeof(uint64_t);
}

static inline bool index_set_has(const struct index_set *set, unsigned number)
{
    return (set->words[number / INDEX_SET_BITS] >> number % INDEX_SET_BITS & 1u) != 0;
}

static inline void index_set_add(struct index_set *set, unsigned number)
{
    set->words[number / INDEX_SET_BITS] |= UINT64_C(1) << number % INDEX_SET_BITS;
}

static inline void index_set_remove(struct index_set *set, unsigned number)
{
    set->words[number / INDEX_SET_BITS] &= ~(UINT64_C(1) << number % INDEX_SET_BITS);
}

/* The first one at `from` or behind it; `count` when there is none. All of them:
 *
 *     for (unsigned i = index_set_next(set, 0); i < set->count; i = index_set_next(set, i + 1))
 */
static inline unsigned index_set_next(const struct index_set *set, unsigned from)
{
    for (unsigned at = from; at < set->count; at = (at / INDEX_SET_BITS + 1) * INDEX_SET_BITS) {
        uint64_t rest = set->words[at / INDEX_SET_BITS] >> at % INDEX_SET_BITS;
        if (rest != 0) {
            return at + (unsigned)__builtin_ctzll(rest);
        }
    }
    return set->count;
}

#endif
