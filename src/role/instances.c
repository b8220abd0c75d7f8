/*
 * instances: see instances.h. Who may act is a function of who is connected, since when, and whose lease
 * runs.
 */
#include "role/instances.h"

#include <string.h>

#include "komet/assert.h"

#define NOBODY 0xFFu

/* The one place where a standing changes. */
static void set_standing(struct instances *instances, struct komet_instant now, uint8_t instance,
                         enum role_standing standing)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    if (member->standing != standing) {
        member->standing = standing;
        member->since = now;
    }
    bool holds = standing == ROLE_ACTIVE || standing == ROLE_STOPPING || standing == ROLE_GONE;
    if (!holds && instances->active == instance) {
        instances->active = NOBODY;
    }
    KOMET_ASSERT(!holds || instances->active == instance);
}

static bool connected(const struct instances *instances, uint8_t instance)
{
    switch (instances->member[instance].standing) {
    case ROLE_PASSIVE:
    case ROLE_ACTIVE:
    case ROLE_STOPPING:
        return true;
    case ROLE_ABSENT:
    case ROLE_GONE:
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown standing");
}

void instances_init(struct instances *instances, int64_t lease_us, uint64_t epoch_floor,
                    struct komet_instant now)
{
    KOMET_ASSERT(lease_us > 0);
    memset(instances, 0, sizeof *instances);
    instances->lease_us = lease_us;
    instances->epoch = epoch_floor;
    instances->wanted = NOBODY;
    instances->active = NOBODY;
    /* Somebody may still act under a grant of the server's earlier run: it ends by its own clock. */
    instances->no_grant_before = epoch_floor > 0 ? komet_after(now, lease_us) : now;
}

/* Who gets the role when nobody has it: the wanted one, else who is connected longest, else the lowest
 * number. */
static uint8_t choose(const struct instances *instances)
{
    if (instances->wanted != NOBODY && connected(instances, instances->wanted) &&
        !instances->member[instances->wanted].silent) {
        return instances->wanted;
    }
    uint8_t best = NOBODY;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (connected(instances, i) && !instances->member[i].silent &&
            (best == NOBODY || instances->member[i].connected.us < instances->member[best].connected.us)) {
            best = i;
        }
    }
    return best;
}

static void grant_if_free(struct instances *instances, struct komet_instant now)
{
    if (instances->active != NOBODY || !komet_reached(now, instances->no_grant_before)) {
        return;
    }
    uint8_t chosen = choose(instances);
    if (chosen == NOBODY) {
        return;
    }
    struct role_member *member = &instances->member[chosen];
    KOMET_ASSERT(member->standing == ROLE_PASSIVE);
    instances->active = chosen;
    instances->wanted = NOBODY;
    member->epoch = ++instances->epoch;
    member->lease_end = komet_after(now, instances->lease_us);
    instances->tell_passive &= ~(1u << chosen);
    instances->tell_active |= 1u << chosen;
    set_standing(instances, now, chosen, ROLE_ACTIVE);
}

const char *instances_connect(struct instances *instances, struct komet_instant now, uint8_t instance,
                              uint64_t held_epoch)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    if (connected(instances, instance)) {
        return instance == 0
                   ? "it already runs, without an instance number; stop that run first"
                   : "an instance with this number already runs; stop it first or take another number";
    }
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (connected(instances, i) && (i == 0) != (instance == 0)) {
            return instance == 0 ? "numbered instances of it run; start it with an instance number"
                                 : "it runs without an instance number; stop that run first";
        }
    }
    struct role_member *member = &instances->member[instance];
    if (member->standing == ROLE_GONE) {
        /* The same number connects again: the earlier run of it has ended, or has given up its grant. */
        set_standing(instances, now, instance, ROLE_ABSENT);
    }
    (void)held_epoch; /* a KOM gives its grant up when its connection ends: nothing to confirm yet */
    member->connected = now;
    member->silent = false;
    set_standing(instances, now, instance, ROLE_PASSIVE);
    instances->tell_passive |= 1u << instance;
    grant_if_free(instances, now);
    return NULL;
}

void instances_lost(struct instances *instances, struct komet_instant now, uint8_t instance, bool surely_dead)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    uint32_t bit = 1u << instance;
    instances->tell_active &= ~bit;
    instances->tell_passive &= ~bit;
    bool holds = member->standing == ROLE_ACTIVE || member->standing == ROLE_STOPPING;
    bool lease_runs = !komet_reached(now, member->lease_end);
    set_standing(instances, now, instance, holds && lease_runs && !surely_dead ? ROLE_GONE : ROLE_ABSENT);
    grant_if_free(instances, now);
}

uint64_t instances_renew(struct instances *instances, struct komet_instant now, uint8_t instance)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    if (member->silent) {
        member->silent = false;
        grant_if_free(instances, now);
    }
    if (member->standing != ROLE_ACTIVE || komet_reached(now, member->lease_end)) {
        return 0;
    }
    member->lease_end = komet_after(now, instances->lease_us);
    return member->epoch;
}

void instances_stopped(struct instances *instances, struct komet_instant now, uint8_t instance,
                       uint64_t epoch)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    bool holds = member->standing == ROLE_ACTIVE || member->standing == ROLE_STOPPING;
    if (!holds || member->epoch != epoch) {
        return; /* an old word about an old grant */
    }
    set_standing(instances, now, instance, ROLE_PASSIVE);
    if (instances->wanted == NOBODY) {
        member->connected = now; /* it stopped by itself: the others come first */
    }
    grant_if_free(instances, now);
}

const char *instances_set_active(struct instances *instances, struct komet_instant now, uint8_t instance)
{
    if (instance > ROLE_INSTANCE_MAX || !connected(instances, instance)) {
        return "this instance does not run";
    }
    if (instances->active == instance && instances->member[instance].standing == ROLE_ACTIVE) {
        instances->wanted = NOBODY;
        return NULL;
    }
    instances->wanted = instance;
    if (instances->active != NOBODY && instances->member[instances->active].standing == ROLE_ACTIVE) {
        instances->tell_passive |= 1u << instances->active;
        instances->tell_active &= ~(1u << instances->active);
        set_standing(instances, now, instances->active, ROLE_STOPPING);
    }
    grant_if_free(instances, now);
    return NULL;
}

void instances_tick(struct instances *instances, struct komet_instant now)
{
    if (instances->active != NOBODY) {
        uint8_t holder = instances->active;
        struct role_member *member = &instances->member[holder];
        if (komet_reached(now, member->lease_end)) {
            bool gone = member->standing == ROLE_GONE;
            if (!gone) { /* silent but connected: it is told, and comes last from now on */
                instances->tell_active &= ~(1u << holder);
                instances->tell_passive |= 1u << holder;
                member->connected = now;
                member->silent = true;
            }
            set_standing(instances, now, holder, gone ? ROLE_ABSENT : ROLE_PASSIVE);
        }
    }
    grant_if_free(instances, now);
}

struct komet_instant instances_deadline(const struct instances *instances)
{
    if (instances->active != NOBODY) {
        return instances->member[instances->active].lease_end;
    }
    return choose(instances) != NOBODY ? instances->no_grant_before : KOMET_NEVER;
}

bool instances_next(struct instances *instances, struct komet_instant now, struct instances_output *output)
{
    (void)now;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        uint32_t bit = 1u << i;
        if ((instances->tell_passive & bit) != 0) {
            instances->tell_passive &= ~bit;
            *output = (struct instances_output){false, i, instances->member[i].epoch};
            return true;
        }
        if ((instances->tell_active & bit) != 0) {
            instances->tell_active &= ~bit;
            *output = (struct instances_output){true, i, instances->member[i].epoch};
            return true;
        }
    }
    return false;
}

bool instances_valid(const struct instances *instances, struct komet_instant now, uint8_t instance,
                     uint64_t epoch)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    const struct role_member *member = &instances->member[instance];
    bool holds = member->standing == ROLE_ACTIVE || member->standing == ROLE_STOPPING;
    return holds && epoch != 0 && member->epoch == epoch && !komet_reached(now, member->lease_end);
}

uint16_t instances_flags(const struct instances *instances)
{
    unsigned flags = 0;
    for (uint8_t i = 1; i <= ROLE_INSTANCE_MAX; i++) {
        flags |= connected(instances, i) ? 1u << i : 0u;
    }
    return (uint16_t)flags;
}

bool instances_running(const struct instances *instances)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (connected(instances, i)) {
            return true;
        }
    }
    return false;
}
