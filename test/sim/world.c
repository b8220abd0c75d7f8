/*
 * world: see world.h. Here are time, the order of things in a step, and the end.
 */
#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/faults.h"
#include "sim/kom_shell.h"
#include "sim/reload.h"
#include "sim/server_shell.h"
#include "sim/station.h"

#define ARENA_SIZE  (1u << 20)
#define PATIENCE    KOMET_SECONDS(120) /* after the last fault everything is stored within this */
#define UP_MAX_DAYS 400

void world_say(const struct world *world, const char *format, ...)
{
    if (!world->verbose) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    printf("%10.6f  ", (double)world->now.us / 1e6);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

struct line_now world_time(const struct world *world, const struct sim_kom *kom)
{
    return clock_read(&kom->clock, world->now);
}

struct line_now world_server_time(const struct world *world)
{
    return clock_read(&world->server_clock, world->now);
}

bool world_runs(const struct sim_kom *kom)
{
    return kom->runs && !kom->paused;
}

const struct process *world_process(const struct world *world, const struct sim_kom *kom)
{
    return site_find_process(world->site.site, kom->process->name);
}

const struct station *world_station(const struct world *world, unsigned station)
{
    char name[24];
    snprintf(name, sizeof name, "B.RTU%u", station);
    return site_find_station(world->site.site, name);
}

/* The operator sets a station's set point to the number of the command. */
static void give_order(struct world *world)
{
    world->next_order = komet_after(world->now, KOMET_MS(100 + test_random_below(&world->random, 900)));
    if (!world->server_runs) {
        return;
    }
    unsigned station = test_random_below(&world->random, world->plan.station_count);
    int64_t deadline_us = KOMET_MS(200 + test_random_below(&world->random, 3000));
    unsigned mode = server_station_mode(world->server, world_station(world, station));
    const struct tag *tag = site_find_tag(world->site.site, sim_tag_name(station, POINT_SET_POINT).text);
    uint32_t number = checkers_order(world, station, (mode & STATION_SIMULATED) != 0, deadline_us);
    server_set(world->server, world_server_time(world), number, &(struct record_user){"operator", true}, tag,
               number, 0, deadline_us);
    world->server_touched = true;
}

static void step(struct world *world)
{
    server_shell_step(world);
    if (komet_reached(world->now, world->next_order)) {
        give_order(world);
    }
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        if (world->koms[i].process != NULL) {
            kom_shell_step(world, &world->koms[i]);
        }
    }
    for (unsigned i = 0; i < world->plan.station_count; i++) {
        station_step(world, &world->stations[i]);
    }
    masters_step(world);
    network_step(world);
    world->steps++;
}

static struct komet_instant next_instant(const struct world *world)
{
    struct komet_instant next = komet_earlier(world->next_order, world->next_fault);
    next = komet_earlier(next, network_next(world));
    next = komet_earlier(next, server_shell_next(world));
    next = komet_earlier(next, masters_next(world));
    for (unsigned i = 0; i < world->plan.station_count; i++) {
        next = komet_earlier(next, station_next(&world->stations[i]));
    }
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        if (world->koms[i].process != NULL) {
            next = komet_earlier(next, kom_shell_next(world, &world->koms[i]));
        }
    }
    return next;
}

static struct clock some_clock(struct world *world)
{
    int64_t up_us = KOMET_SECONDS(86400) * test_random_below(&world->random, UP_MAX_DAYS);
    return clock_started(up_us,
                         (int32_t)test_random_below(&world->random, 2 * CLOCK_PPM_MAX + 1) - CLOCK_PPM_MAX);
}

/* One run for each instance of the plan, and one that waits for somebody to start it by mistake. */
static void make_koms(struct world *world)
{
    unsigned count = 0;
    for (unsigned p = 0; p < world->plan.process_count; p++) {
        const struct sim_process *process = &world->plan.processes[p];
        for (unsigned i = process->first_instance; i <= process->last_instance; i++) {
            kom_shell_init(&world->koms[count++], process, (uint8_t)i);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        world->koms[i].back = komet_after(world->now, test_random_below(&world->random, 5000));
        world->koms[i].clock = some_clock(world);
        if (world->broken == BREAK_SLOW_CLOCK) {
            world->koms[i].clock.ppm = -300000;
        }
    }
    KOMET_ASSERT(count < SIM_KOMS_MAX);
    kom_shell_init(&world->koms[count], &world->plan.processes[0], 1);
    world->koms[count].beside = true;
    world->koms[count].clock = world->koms[0].clock;
}

void world_init(struct world *world, uint64_t seed, bool verbose, enum sim_break broken)
{
    *world = (struct world){.seed = seed, .verbose = verbose, .random = {seed}, .broken = broken};
    world->checkers.quiet = broken != BREAK_NONE && !verbose;
    sim_site_init(&world->plan, &world->random);
    network_init(&world->network, &world->random);
    world->server_clock = some_clock(world);
    reload_init(world);
    world->server_memory = malloc(server_size(world->site.site));
    world->server_arena_memory = malloc(ARENA_SIZE);
    world->server_arena = (struct wire_arena){world->server_arena_memory, ARENA_SIZE, 0};
    KOMET_ASSERT(world->server_memory != NULL && world->server_arena_memory != NULL);
    for (unsigned i = 0; i < world->plan.station_count; i++) {
        station_init(world, &world->stations[i], i);
    }
    server_shell_start(world);
    make_koms(world);
    masters_init(world);
    world->next_order = komet_after(world->now, KOMET_SECONDS(1));
    world->next_fault = komet_after(world->now, KOMET_SECONDS(2));
}

static void calm_down(struct world *world)
{
    world_say(world, "calm: no more events, orders, faults");
    world->calm = true;
    world->next_order = KOMET_NEVER;
    world->next_fault = world->now; /* what was done by hand is undone */
    checkers_disturbed(world);      /* nothing new comes that a switch-over could be measured by */
    for (unsigned i = 0; i < world->plan.station_count; i++) {
        world->stations[i].next_event = KOMET_NEVER;
    }
}

static bool is_well(struct world *world)
{
    return world->server_runs && checkers_complete(world) && station_all_agree(world) &&
           checkers_all_run(world) && masters_are_well(world);
}

/* The checker that a break is made for has found it; or any, when nothing is broken. */
static bool is_over(const struct world *world)
{
    return world->broken == BREAK_NONE ? world->checkers.any_failed
                                       : world->checkers.failed[sim_break_checker(world->broken)];
}

bool world_run(struct world *world, int64_t duration_us)
{
    struct komet_instant calm = komet_after(world->now, duration_us);
    struct komet_instant end = komet_after(calm, PATIENCE);
    while (!is_over(world) && !komet_reached(world->now, end)) {
        struct komet_instant next = next_instant(world);
        next = komet_earlier(next, world->calm ? end : calm);
        world->now = next.us > world->now.us ? next : komet_after(world->now, 1);
        if (!world->calm && komet_reached(world->now, calm)) {
            calm_down(world);
        }
        if (komet_reached(world->now, world->next_fault)) {
            world->calm ? faults_calm(world) : faults_strike(world);
        }
        step(world);
        checkers_step(world);
        if (world->calm && is_well(world)) {
            return !world->checkers.any_failed;
        }
    }
    if (!is_over(world)) {
        checkers_breach(world, CHECK_END, "two minutes after the last fault, %s",
                        !checkers_complete(world)   ? "events are still not stored"
                        : !station_all_agree(world) ? "a tag still differs from its station"
                        : !masters_are_well(world)  ? "masters have not what they are to have"
                                                    : "not all instances run, as their process says");
    }
    return false;
}

void world_free(struct world *world)
{
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        kom_shell_free(&world->koms[i]);
    }
    for (unsigned i = 0; i < world->plan.station_count; i++) {
        free(world->stations[i].memory);
    }
    network_free(&world->network);
    free(world->server_memory);
    free(world->server_arena_memory);
    disk_free(&world->disk);
    masters_free(world);
    checkers_masters_free(world);
    checkers_free(&world->checkers);
    reload_free(world);
}
