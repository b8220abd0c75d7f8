/*
 * faults: see faults.h.
 */
#include "sim/pairs/world.h"

/* After one that strikes alone values go on within these times. */
#define BOUND_TOLD                                                                                           \
    KOMET_MS(2500) /* who acts is killed: told at once; where the line is cold it connects first */
#define BOUND_SILENT KOMET_MS(9000) /* t3, t1, and `reconnect`, or the lease */

static const char *const names[FAULT_COUNT] = {
    [FAULT_KILL] = "kill",
    [FAULT_KILL_ACTING] = "kill-acting",
    [FAULT_KILL_BOTH] = "kill-both",
    [FAULT_KILL_SITE] = "kill-site",
    [FAULT_KILL_MIDWAY] = "kill-midway",
    [FAULT_PAUSE] = "pause",
    [FAULT_LOSE_MACHINE] = "lose-machine",
    [FAULT_CUT_PATH] = "cut-path",
    [FAULT_CUT_ONE_WAY] = "cut-one-way",
    [FAULT_RESET_PATH] = "reset-path",
    [FAULT_CUT_NETWORK] = "cut-network",
    [FAULT_CUT_SERVER] = "cut-server",
    [FAULT_KILL_SERVER] = "kill-server",
    [FAULT_SERVER_MIDWAY] = "server-midway",
    [FAULT_SWITCH] = "switch",
    [FAULT_LEAVE] = "leave",
    [FAULT_CLOCK] = "clock",
    [FAULT_DISK] = "disk",
};

const char *pair_fault_name(enum pair_fault fault)
{
    return names[fault];
}

static uint32_t below(struct world *world, uint32_t bound)
{
    return test_random_below(&world->random, bound);
}

static struct world_kom *some_kom(struct world *world)
{
    struct world_site *site = &world->sites[below(world, SIDES)];
    return &site->koms[below(world, site->instances)];
}

static void kill(struct world *world, struct world_kom *kom)
{
    int64_t back_us = KOMET_MS(5 + below(world, below(world, 4) == 0 ? 15000 : 3000));
    if (kom != NULL && kom->runs) {
        world_say(world, "%s,%u is killed", world_side_name(kom->side), kom->instance);
        kom_kill(world, kom, back_us);
    }
}

static void cut_path(struct world *world, unsigned west, unsigned east, unsigned network, unsigned ways,
                     int64_t for_us)
{
    struct komet_instant until = komet_after(world->now, for_us);
    world_say(world, "the path WEST,%u to EAST,%u on network %u is out, ways %u, for %lld ms", west + 1,
              east + 1, network + 1, ways, (long long)(for_us / 1000));
    world->paths[west][east][network].ways |= ways;
    world->paths[west][east][network].until = until;
}

static void cut_kom(struct world *world, struct world_kom *kom, int64_t for_us)
{
    for (unsigned other = 0; other < INSTANCES; other++) {
        for (unsigned n = 0; n < NETWORKS; n++) {
            unsigned own = kom->instance - 1u;
            cut_path(world, kom->side == WEST ? own : other, kom->side == WEST ? other : own, n,
                     WAY_OUT | WAY_BACK, for_us);
        }
    }
    kom->cut = WAY_OUT | WAY_BACK;
    kom->healed = komet_after(world->now, for_us);
}

/* The two ends of the connection on a path are told that it is reset. */
static void reset_path(struct world *world, unsigned west, unsigned east, unsigned network)
{
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        if (tcp->used && tcp->kom[1] != NULL && tcp->kom[0]->instance == west + 1 &&
            tcp->kom[1]->instance == east + 1 && tcp->network == network && tcp->open[0] && tcp->open[1] &&
            world_kom_runs(tcp->kom[0]) && world_kom_runs(tcp->kom[1])) {
            world_say(world, "the path WEST,%u to EAST,%u on network %u is reset", west + 1, east + 1,
                      network + 1);
            kom_hear_closed(world, tcp, 0);
            kom_hear_closed(world, tcp, 1);
        }
    }
}

static void switch_role(struct world *world)
{
    struct world_kom *kom = some_kom(world);
    struct world_site *site = world_site_of(world, kom);
    const struct process *process = site_find_process(site->site.site, "SELF.KOM");
    if (site->runs && site->instances > 1) {
        world_say(world, "%s: SET_ACT_INST %u", world_side_name(kom->side), kom->instance);
        server_set_active(site->server, world_server_time(world, site), 0,
                          &(struct record_user){"operator", true}, process, kom->instance);
        site->touched = true;
    }
}

static void kill_server(struct world *world, bool midway)
{
    struct world_site *site = &world->sites[below(world, SIDES)];
    if (site->runs && midway) {
        site->dies_in = 1 + below(world, 40);
    } else if (site->runs) {
        world_say(world, "%s: the server is killed", world_side_name((unsigned)(site - world->sites)));
        server_lose(world, site, KOMET_MS(5 + below(world, 4000)));
    }
}

static void strike_instance(struct world *world, enum pair_fault fault)
{
    struct world_kom *kom = some_kom(world);
    switch ((int)fault) {
    case FAULT_KILL:
        kill(world, kom);
        break;
    case FAULT_KILL_ACTING:
        kill(world, world_acting(world, kom->side));
        break;
    case FAULT_KILL_BOTH:
        kill(world, world_acting(world, WEST));
        kill(world, world_acting(world, EAST));
        break;
    case FAULT_KILL_SITE:
        for (unsigned i = 0; i < INSTANCES; i++) {
            kill(world, &world->sites[kom->side].koms[i]);
        }
        break;
    case FAULT_KILL_MIDWAY:
        kom->dies_in = kom->runs ? 1 + below(world, 40) : 0;
        break;
    case FAULT_PAUSE:
        if (kom->runs && !kom->paused) {
            world_say(world, "%s,%u is paused", world_side_name(kom->side), kom->instance);
            kom->paused = true;
            kom->back = komet_after(world->now, KOMET_MS(100 + below(world, 5000)));
        }
        break;
    case FAULT_LEAVE:
        if (world_kom_runs(kom)) {
            kom_leave(kom->engine, world_time(world, kom));
            kom->touched = true;
        }
        break;
    case FAULT_CLOCK:
        kom->clock.jumped_ms = (int64_t)below(world, 10000) - 5000;
        kom->touched = true;
        break;
    default:
        break;
    }
}

static void strike_network(struct world *world, enum pair_fault fault)
{
    unsigned west = below(world, world->sites[WEST].instances),
             east = below(world, world->sites[EAST].instances);
    unsigned network = below(world, NETWORKS);
    int64_t for_us = KOMET_MS(200 + below(world, 12000));
    struct world_kom *kom = some_kom(world);
    switch ((int)fault) {
    case FAULT_LOSE_MACHINE:
        cut_kom(world, kom, for_us);
        break;
    case FAULT_CUT_PATH:
        cut_path(world, west, east, network, WAY_OUT | WAY_BACK, for_us);
        break;
    case FAULT_CUT_ONE_WAY:
        cut_path(world, west, east, network, below(world, 2) == 0 ? WAY_OUT : WAY_BACK, for_us);
        break;
    case FAULT_RESET_PATH:
        reset_path(world, west, east, network);
        break;
    case FAULT_CUT_NETWORK:
        for (unsigned i = 0; i < INSTANCES * INSTANCES; i++) {
            cut_path(world, i / INSTANCES, i % INSTANCES, network, WAY_OUT | WAY_BACK, for_us);
        }
        break;
    case FAULT_CUT_SERVER:
        kom->cut |= 1 + below(world, 3);
        kom->healed = komet_after(world->now, for_us);
        world_say(world, "%s,%u: the way to the server is out, ways %u", world_side_name(kom->side),
                  kom->instance, kom->cut);
        break;
    default:
        break;
    }
}

/* Within what time values go on after it, when all was well; -1: nobody says. */
static int64_t bound_of(enum pair_fault fault)
{
    switch ((int)fault) {
    case FAULT_KILL_ACTING:
    case FAULT_RESET_PATH:
    case FAULT_SWITCH:
        return BOUND_TOLD;
    case FAULT_CUT_PATH:
    case FAULT_CUT_ONE_WAY:
    case FAULT_LOSE_MACHINE:
        return BOUND_SILENT;
    default:
        return -1;
    }
}

/* Mostly the next one comes while this one lasts; now and then it has all the time that it takes. */
void faults_strike(struct world *world)
{
    enum pair_fault fault = (enum pair_fault)below(world, FAULT_COUNT);
    int64_t pause_ms = below(world, 3) == 0 ? 10000 + below(world, 4000) : 50 + below(world, 3000);
    world->fault_counts[fault]++;
    world->next_fault = komet_after(world->now, KOMET_MS(pause_ms));
    checks_struck(world, (int)fault, bound_of(fault));
    if (fault == FAULT_SWITCH) {
        switch_role(world);
    } else if (fault == FAULT_KILL_SERVER || fault == FAULT_SERVER_MIDWAY) {
        kill_server(world, fault == FAULT_SERVER_MIDWAY);
    } else if (fault == FAULT_DISK) {
        struct komet_instant until = komet_after(world->now, KOMET_MS(below(world, 5000)));
        world->sites[below(world, SIDES)].disk.slow_until = until;
    } else if (fault >= FAULT_LOSE_MACHINE && fault <= FAULT_CUT_SERVER) {
        strike_network(world, fault);
    } else {
        strike_instance(world, fault);
    }
}

static void heal_paths(struct world *world, bool all)
{
    for (unsigned i = 0; i < INSTANCES * INSTANCES * NETWORKS; i++) {
        unsigned west = i / (INSTANCES * NETWORKS), east = i / NETWORKS % INSTANCES, network = i % NETWORKS;
        if (world->paths[west][east][network].ways != 0 &&
            (all || komet_reached(world->now, world->paths[west][east][network].until))) {
            world->paths[west][east][network].ways = 0;
        }
    }
}

void faults_step(struct world *world)
{
    heal_paths(world, false);
    for (unsigned side = 0; side < SIDES; side++) {
        for (unsigned i = 0; i < INSTANCES; i++) {
            struct world_kom *kom = &world->sites[side].koms[i];
            if (kom->exists && komet_reached(world->now, kom->healed)) {
                kom->healed = KOMET_NEVER;
                kom->cut = 0;
            }
        }
    }
}

void faults_calm(struct world *world)
{
    heal_paths(world, true);
    for (unsigned side = 0; side < SIDES; side++) {
        world->sites[side].dies_in = 0;
        for (unsigned i = 0; i < INSTANCES; i++) {
            struct world_kom *kom = &world->sites[side].koms[i];
            kom->dies_in = 0;
            kom->cut = 0;
            kom->healed = KOMET_NEVER;
            kom->clock.jumped_ms = 0;
            kom->touched = true;
        }
    }
}
