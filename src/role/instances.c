/*
 * instances: see instances.h. Who may act is a function of who is connected, since when, and whose lease
 * runs.
 */
#include "role/instances.h"

#include <string.h>

#include "komet/assert.h"

#define NOBODY 0xFFu

static bool holds(const struct instances *instances, uint8_t instance)
{
    enum role_standing standing = instances->member[instance].standing;
    return standing == ROLE_ACTIVE || standing == ROLE_STOPPING || standing == ROLE_GONE;
}

/* Who speaks for all while all act: the lowest number of those that do. */
static uint8_t leading(const struct instances *instances)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (instances->all_act && instances->member[i].standing == ROLE_ACTIVE) {
            return i;
        }
    }
    return NOBODY;
}

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
    if (standing != ROLE_ACTIVE) {
        instances->tell_active &= ~(1u << instance);
    }
    if (!holds(instances, instance) && instances->active == instance) {
        instances->active = leading(instances);
        reach_follow(&instances->reach, now, instances->active, false);
    }
    /* What is still being given up may be held beside: it was granted while all acted. */
    KOMET_ASSERT(standing != ROLE_ACTIVE || instances->all_act || instances->active == instance);
}

/* The one place where the value of an instance changes. */
static void set_value(struct instances *instances, struct komet_instant now, uint8_t instance,
                      enum instance_happening happening)
{
    struct role_member *member = &instances->member[instance];
    enum process_value value = process_value_after(member->value, happening);
    if (value == member->value) {
        return;
    }
    bool ran = member->value == PROCESS_RUN;
    member->value = value;
    instances->changes++;
    if (value == PROCESS_STOP || value == PROCESS_CRASH) {
        instances->ended = instance;
    }
    if (ran && (value == PROCESS_CRASH || value == PROCESS_WDERR) && !member->expected) {
        damping_lost(&member->damping, now);
    }
}

bool instances_connected(const struct instances *instances, uint8_t instance)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
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
    instances->wanted = NOBODY;
    instances->active = NOBODY;
    reach_init(&instances->reach, NULL, 0);
    instances->lines_wait = now;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        instances->member[i].value = PROCESS_STOP;
    }
    instances_recovered(instances, epoch_floor, now);
}

void instances_watch_lines(struct instances *instances, struct reach_line *lines, uint16_t line_count)
{
    reach_init(&instances->reach, lines, line_count);
}

void instances_move_lines(struct instances *instances, struct reach_line *lines, uint16_t line_count)
{
    reach_move(&instances->reach, lines, line_count);
}

void instances_recovered(struct instances *instances, uint64_t epoch_floor, struct komet_instant now)
{
    instances->epoch = epoch_floor;
    /* Somebody may still act under a grant of the server's earlier run: it ends by its own clock. */
    instances->no_grant_before = epoch_floor > 0 ? komet_after(now, instances->lease_us) : now;
    instances->expected_until = komet_after(now, ROLE_RETURN_US);
}

void instances_recover_preferred(struct instances *instances, uint8_t instance)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    instances->preferred = instance;
}

void instances_recover_value(struct instances *instances, uint8_t instance, enum process_value value)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX && value < PROCESS_VALUE_COUNT);
    struct role_member *member = &instances->member[instance];
    member->value = value;
    member->expected = value == PROCESS_RUN || value == PROCESS_WDERR;
    if (!member->expected) {
        instances->ended = instance;
    }
}

/* ---- the choice ---- */

static bool can_act(const struct instances *instances, uint8_t instance)
{
    const struct role_member *member = &instances->member[instance];
    return instances_connected(instances, instance) && !member->silent && !member->leaving;
}

static bool is_preferred(const struct instances *instances, uint8_t instance)
{
    return instances->preferred != 0 && instances->preferred == instance;
}

/* Does `a` get the role rather than `b`, which can act as well? The first difference decides. */
static bool comes_before(const struct instances *instances, uint8_t a, uint8_t b)
{
    const struct role_member *one = &instances->member[a], *other = &instances->member[b];
    if (one->yielded != other->yielded) {
        return other->yielded;
    }
    if (one->damping.holds != other->damping.holds) {
        return other->damping.holds;
    }
    if (one->loaded != other->loaded) {
        return one->loaded;
    }
    unsigned reached = reach_count(&instances->reach, a), by_other = reach_count(&instances->reach, b);
    if (reached != by_other) {
        return reached > by_other;
    }
    if (is_preferred(instances, a) != is_preferred(instances, b)) {
        return is_preferred(instances, a);
    }
    if (one->connected.us != other->connected.us) {
        return one->connected.us < other->connected.us;
    }
    return a < b;
}

/* Who gets the role when nobody has it: the wanted one, else the one that comes before all others. */
static uint8_t choose(const struct instances *instances)
{
    if (instances->wanted != NOBODY && can_act(instances, instances->wanted)) {
        return instances->wanted;
    }
    uint8_t best = NOBODY;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (can_act(instances, i) && (best == NOBODY || comes_before(instances, i, best))) {
            best = i;
        }
    }
    return best;
}

static void grant(struct instances *instances, struct komet_instant now, uint8_t chosen)
{
    struct role_member *member = &instances->member[chosen];
    KOMET_ASSERT(member->standing == ROLE_PASSIVE);
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        instances->member[i].yielded = false;
    }
    bool by_hand = instances->wanted == chosen && instances->by_hand;
    bool leads = instances->active == NOBODY;
    instances->active = leads ? chosen : instances->active;
    instances->wanted = NOBODY;
    if (leads) {
        reach_follow(&instances->reach, now, chosen, by_hand);
    }
    instances->preferred_came = instances->preferred_came && !is_preferred(instances, chosen);
    member->epoch = ++instances->epoch;
    member->lease_end = komet_after(now, instances->lease_us);
    instances->tell_passive &= ~(1u << chosen);
    instances->tell_active |= 1u << chosen;
    set_standing(instances, now, chosen, ROLE_ACTIVE);
}

static bool any_holds(const struct instances *instances)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (holds(instances, i)) {
            return true;
        }
    }
    return false;
}

/* While all act: one that does not and can; one that keeps dying only when it is alone. */
static bool is_to_join(const struct instances *instances, uint8_t instance)
{
    const struct role_member *member = &instances->member[instance];
    bool waits = member->damping.holds && instances->active != NOBODY;
    return can_act(instances, instance) && member->standing == ROLE_PASSIVE && !waits;
}

static bool any_is_to_join(const struct instances *instances)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (is_to_join(instances, i)) {
            return true;
        }
    }
    return false;
}

static void grant_all(struct instances *instances, struct komet_instant now)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (is_to_join(instances, i)) {
            grant(instances, now, i);
        }
    }
}

static void grant_if_free(struct instances *instances, struct komet_instant now)
{
    if (!komet_reached(now, instances->no_grant_before)) {
        return;
    }
    if (instances->all_act) {
        grant_all(instances, now);
        return;
    }
    uint8_t chosen = any_holds(instances) ? NOBODY : choose(instances);
    if (chosen != NOBODY) {
        grant(instances, now, chosen);
    }
}

/* Begins a hand-over: one that acts is told to stop. `wanted` is to have the role, or is NOBODY. */
static void relieve(struct instances *instances, struct komet_instant now, uint8_t instance)
{
    KOMET_ASSERT(instance != NOBODY && instances->member[instance].standing == ROLE_ACTIVE);
    instances->tell_passive |= 1u << instance;
    set_standing(instances, now, instance, ROLE_STOPPING);
}

static bool acts(const struct instances *instances)
{
    return instances->active != NOBODY && instances->member[instances->active].standing == ROLE_ACTIVE;
}

/* Could `instance` have the role from who acts, without being asked for by hand? */
static bool can_relieve(const struct instances *instances, uint8_t instance)
{
    const struct role_member *member = &instances->member[instance];
    return can_act(instances, instance) && member->loaded && !member->damping.holds &&
           instances->active != instance;
}

/* The preferred one that has connected takes over as soon as it can, and reaches what the active one does. */
static void prefer(struct instances *instances, struct komet_instant now)
{
    uint8_t preferred = instances->preferred;
    const struct reach *reach = &instances->reach;
    if (instances->all_act || !instances->preferred_came || !acts(instances) ||
        !can_relieve(instances, preferred) ||
        reach_count(reach, preferred) < reach_count(reach, instances->active)) {
        return;
    }
    instances->preferred_came = false;
    instances->wanted = preferred;
    instances->by_hand = false;
    relieve(instances, now, instances->active);
}

/* The active one has lost a line: who reaches it, and more lines in all, takes over. */
static void follow_lines(struct instances *instances, struct komet_instant now)
{
    uint8_t best = NOBODY;
    int line = -1;
    instances->lines_seen = now;
    if (instances->all_act || !acts(instances) || !komet_reached(now, instances->lines_wait)) {
        return;
    }
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        int found = can_relieve(instances, i) ? reach_better(&instances->reach, now, i) : -1;
        if (found >= 0 && (best == NOBODY || comes_before(instances, i, best))) {
            best = i;
            line = found;
        }
    }
    if (best == NOBODY) {
        return;
    }
    instances->by_lines =
        (struct role_by_lines){instances->by_lines.count + 1, (uint16_t)line, instances->active, best};
    instances->lines_wait = komet_after(now, ROLE_LINES_PAUSE_US);
    instances->wanted = best;
    instances->by_hand = false;
    relieve(instances, now, instances->active);
}

/* ---- what happens ---- */

/* A number can connect: NULL, or why not. */
static const char *refusal(const struct instances *instances, uint8_t instance)
{
    if (instances_connected(instances, instance)) {
        return instance == 0
                   ? "it already runs, without an instance number; stop that run first"
                   : "an instance with this number already runs; stop it first or take another number";
    }
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (instances_connected(instances, i) && (i == 0) != (instance == 0)) {
            return instance == 0 ? "numbered instances of it run; start it with an instance number"
                                 : "it runs without an instance number; stop that run first";
        }
    }
    return NULL;
}

const char *instances_connect(struct instances *instances, struct komet_instant now, uint8_t instance,
                              bool same_run)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    const char *refused = refusal(instances, instance);
    if (refused != NULL) {
        return refused;
    }
    struct role_member *member = &instances->member[instance];
    if (member->standing == ROLE_GONE) {
        if (!same_run && instances->no_grant_before.us < member->lease_end.us) {
            instances->no_grant_before = member->lease_end; /* the earlier run may still act until then */
        }
        set_standing(instances, now, instance, ROLE_ABSENT);
    }
    reach_forget(&instances->reach, now, instance);
    member->connected = member->heard = now;
    member->loaded = member->silent = member->leaving = member->yielded = member->expected = false;
    set_value(instances, now, instance, INSTANCE_CONNECTED);
    set_standing(instances, now, instance, ROLE_PASSIVE);
    instances->preferred_came = instances->preferred_came || is_preferred(instances, instance);
    instances->tell_passive |= 1u << instance;
    grant_if_free(instances, now);
    return NULL;
}

void instances_lost(struct instances *instances, struct komet_instant now, uint8_t instance, bool surely_dead)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    instances->tell_passive &= ~(1u << instance);
    reach_forget(&instances->reach, now, instance);
    bool held = member->standing == ROLE_ACTIVE || member->standing == ROLE_STOPPING;
    bool lease_runs = !komet_reached(now, member->lease_end);
    instances->preferred_came = instances->preferred_came && !is_preferred(instances, instance);
    set_value(instances, now, instance, member->leaving ? INSTANCE_ENDED : INSTANCE_LOST);
    set_standing(instances, now, instance, held && lease_runs && !surely_dead ? ROLE_GONE : ROLE_ABSENT);
    grant_if_free(instances, now);
}

uint64_t instances_renew(struct instances *instances, struct komet_instant now, uint8_t instance)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    bool news = member->silent || !member->loaded;
    member->heard = now;
    member->loaded = true;
    member->silent = false;
    set_value(instances, now, instance, INSTANCE_HEARD);
    if (news) {
        grant_if_free(instances, now);
        prefer(instances, now);
    }
    if (member->standing != ROLE_ACTIVE || komet_reached(now, member->lease_end)) {
        return 0;
    }
    member->lease_end = komet_after(now, instances->lease_us);
    return member->epoch;
}

void instances_line(struct instances *instances, struct komet_instant now, uint8_t instance, uint16_t line,
                    enum line_reach fact)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX && instances_connected(instances, instance));
    reach_take(&instances->reach, now, instance, line, fact);
    follow_lines(instances, now);
    prefer(instances, now);
}

void instances_stopped(struct instances *instances, struct komet_instant now, uint8_t instance,
                       uint64_t epoch)
{
    KOMET_ASSERT(instance <= ROLE_INSTANCE_MAX);
    struct role_member *member = &instances->member[instance];
    bool held = member->standing == ROLE_ACTIVE || member->standing == ROLE_STOPPING;
    if (!held || member->epoch != epoch) {
        return; /* an old word about an old grant */
    }
    set_standing(instances, now, instance, ROLE_PASSIVE);
    if (instances->wanted == NOBODY) {
        member->connected = now; /* it stopped by itself: the others come first */
        member->yielded = true;
    }
    grant_if_free(instances, now);
}

const char *instances_leave(struct instances *instances, struct komet_instant now, uint8_t instance)
{
    if (instance > ROLE_INSTANCE_MAX || !instances_connected(instances, instance)) {
        return "this instance does not run";
    }
    struct role_member *member = &instances->member[instance];
    member->leaving = true;
    instances->wanted = instances->wanted == instance ? NOBODY : instances->wanted;
    instances->tell_passive |= 1u << instance;
    if (member->standing == ROLE_ACTIVE) {
        relieve(instances, now, instance);
    }
    return NULL;
}

const char *instances_set_active(struct instances *instances, struct komet_instant now, uint8_t instance)
{
    if (instance > ROLE_INSTANCE_MAX || !instances_connected(instances, instance)) {
        return "this instance does not run";
    }
    struct role_member *member = &instances->member[instance];
    if (member->leaving) {
        return "this instance is ending";
    }
    if (member->silent) {
        return "this instance is silent: its watchdog is broken (WDErr)";
    }
    if (instances->all_act) {
        return "all instances act (SET_LOAD_BAL_MODE ON)";
    }
    instances->preferred_came = false;
    damping_lift(&member->damping, now);
    if (instances->active == instance && member->standing == ROLE_ACTIVE) {
        instances->wanted = NOBODY;
        reach_follow(&instances->reach, now, instance, true);
        return NULL;
    }
    instances->wanted = instance;
    instances->by_hand = true;
    if (acts(instances)) {
        relieve(instances, now, instances->active);
    }
    grant_if_free(instances, now);
    return NULL;
}

const char *instances_set_preferred(struct instances *instances, uint8_t instance)
{
    if (instance > ROLE_INSTANCE_MAX) {
        return "instances have the numbers 1 to 15";
    }
    if (instance != 0 && instances_connected(instances, 0)) {
        return "the process runs without an instance number";
    }
    instances->preferred = instance;
    instances->preferred_came = false;
    return NULL;
}

void instances_set_all_act(struct instances *instances, struct komet_instant now, bool all_act)
{
    if (instances->all_act == all_act) {
        return;
    }
    uint8_t stays = instances->active;
    if (instances->preferred != 0 && instances->member[instances->preferred].standing == ROLE_ACTIVE) {
        stays = instances->preferred;
    }
    instances->wanted = NOBODY;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX && !all_act; i++) {
        if (i != stays && instances->member[i].standing == ROLE_ACTIVE) {
            relieve(instances, now, i);
        }
    }
    instances->all_act = all_act;
    instances->active = all_act ? instances->active : stays;
    grant_if_free(instances, now);
}

void instances_recover_all_act(struct instances *instances, bool all_act)
{
    KOMET_ASSERT(!any_holds(instances));
    instances->all_act = all_act;
}

/* ---- time ---- */

/* When one that is connected is taken for silent. Before it has loaded its lines it says nothing. */
static struct komet_instant silence_end(const struct instances *instances, uint8_t instance)
{
    const struct role_member *member = &instances->member[instance];
    return instances_connected(instances, instance) && member->loaded && !member->silent
               ? komet_after(member->heard, instances->lease_us)
               : KOMET_NEVER;
}

static void watch_silence(struct instances *instances, struct komet_instant now)
{
    int64_t quarter_us = instances->lease_us / 4;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        struct role_member *member = &instances->member[i];
        struct komet_instant end = silence_end(instances, i);
        damping_tick(&member->damping, now);
        if (komet_reached(now, komet_after(end, quarter_us))) {
            /* It was us who did not look: what it said meanwhile may still wait to be read. */
            member->heard = (struct komet_instant){now.us - 3 * quarter_us};
        } else if (komet_reached(now, end)) {
            member->silent = true;
            set_value(instances, now, i, INSTANCE_SILENT);
        }
        if (member->expected && komet_reached(now, instances->expected_until)) {
            set_value(instances, now, i, INSTANCE_LOST);
            member->expected = false;
        }
    }
}

static void watch_lease(struct instances *instances, struct komet_instant now, uint8_t holder)
{
    if (!holds(instances, holder) || !komet_reached(now, instances->member[holder].lease_end)) {
        return;
    }
    struct role_member *member = &instances->member[holder];
    bool gone = member->standing == ROLE_GONE;
    if (!gone) { /* connected: it is told, and comes last from now on */
        instances->tell_passive |= 1u << holder;
        member->connected = now;
        if (!member->loaded) {
            member->silent = true;
            set_value(instances, now, holder, INSTANCE_SILENT);
        }
    }
    set_standing(instances, now, holder, gone ? ROLE_ABSENT : ROLE_PASSIVE);
}

void instances_tick(struct instances *instances, struct komet_instant now)
{
    watch_silence(instances, now);
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        watch_lease(instances, now, i);
    }
    grant_if_free(instances, now);
    prefer(instances, now);
    follow_lines(instances, now);
}

/* When a line that is missed may move the role. */
static struct komet_instant lines_deadline(const struct instances *instances)
{
    if (instances->all_act || !acts(instances) || instances->reach.missed_count == 0) {
        return KOMET_NEVER;
    }
    struct komet_instant seen = instances->lines_seen, wait = instances->lines_wait;
    return komet_reached(seen, wait) ? reach_deadline(&instances->reach, seen) : wait;
}

struct komet_instant instances_deadline(const struct instances *instances)
{
    struct komet_instant deadline = lines_deadline(instances);
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        const struct role_member *member = &instances->member[i];
        deadline = komet_earlier(deadline, silence_end(instances, i));
        deadline = komet_earlier(deadline, damping_deadline(&member->damping));
        deadline = komet_earlier(deadline, member->expected ? instances->expected_until : KOMET_NEVER);
    }
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        deadline = holds(instances, i) ? komet_earlier(deadline, instances->member[i].lease_end) : deadline;
    }
    bool waits =
        instances->all_act ? any_is_to_join(instances) : !any_holds(instances) && choose(instances) != NOBODY;
    return waits ? komet_earlier(deadline, instances->no_grant_before) : deadline;
}

/* ---- what it wants, and what is known ---- */

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
    bool held = member->standing == ROLE_ACTIVE || member->standing == ROLE_STOPPING;
    return held && epoch != 0 && member->epoch == epoch && !komet_reached(now, member->lease_end);
}

uint16_t instances_flags(const struct instances *instances)
{
    unsigned flags = 0;
    for (uint8_t i = 1; i <= ROLE_INSTANCE_MAX; i++) {
        flags |= instances->member[i].value == PROCESS_RUN ? 1u << i : 0u;
    }
    return (uint16_t)flags;
}

enum process_value instances_value(const struct instances *instances)
{
    enum process_value value = instances->member[instances->ended].value;
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if (instances->member[i].value == PROCESS_RUN) {
            return PROCESS_RUN;
        }
        value = instances->member[i].value == PROCESS_WDERR ? PROCESS_WDERR : value;
    }
    return value;
}
