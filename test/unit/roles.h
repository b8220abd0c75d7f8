/*
 * roles: what tests of who acts share: a lease, the clock in ms, the words to instances, and what may happen.
 */
#ifndef TEST_UNIT_ROLES_H
#define TEST_UNIT_ROLES_H

#include "support.h"

#include "role/instances.h"

#define LEASE KOMET_MS(600)

static inline struct komet_instant at(int64_t ms)
{
    return (struct komet_instant){KOMET_MS(ms)};
}

/* The next word to an instance must be this one. */
static inline void expect(struct instances *instances, bool active, uint8_t instance, uint64_t epoch)
{
    struct instances_output output;
    assert_true(instances_next(instances, at(0), &output));
    assert_int_equal(output.active, active);
    assert_int_equal(output.instance, instance);
    assert_int_equal(output.epoch, epoch);
}

static inline void expect_nothing(struct instances *instances)
{
    struct instances_output output;
    assert_false(instances_next(instances, at(0), &output));
}

/* Any of six things happens to one of the instances 1 to 4, or, of `kinds` as many as are more, it renews. */
static inline void happen(struct instances *instances, int64_t ms, struct test_random *random, uint32_t kinds)
{
    uint8_t instance = (uint8_t)(1 + test_random_below(random, 4));
    instances_tick(instances, at(ms));
    switch (test_random_below(random, kinds)) {
    case 0:
        instances_connect(instances, at(ms), instance, false);
        break;
    case 1:
        instances_lost(instances, at(ms), instance, test_random_below(random, 2) == 0);
        break;
    case 2:
        instances_set_active(instances, at(ms), instance);
        break;
    case 3:
        instances_stopped(instances, at(ms), instance, instances->member[instance].epoch);
        break;
    case 4:
        instances_leave(instances, at(ms), instance);
        break;
    case 5:
        instances_set_preferred(instances, (uint8_t)(instance - 1));
        break;
    default:
        instances_renew(instances, at(ms), instance);
    }
    instances_tick(instances, at(ms));
}

/* How many instances hold a grant. */
static inline unsigned holders(const struct instances *instances, int64_t ms)
{
    unsigned count = 0;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        count += instances_valid(instances, at(ms), i, instances->member[i].epoch) ? 1 : 0;
    }
    return count;
}

#endif
