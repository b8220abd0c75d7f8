/*
 * world: see world.h. Here are time, the order of things in a step, and the end.
 */
#include "sim/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/faults.h"
#include "sim/kom_shell.h"
#include "sim/server_shell.h"
#include "sim/station.h"

#define ARENA_SIZE (1u << 20)
#define PATIENCE   KOMET_SECONDS(120) /* after the last fault everything is stored within this */

/* 2026-01-01T00:00:00Z at instant 0: the wall clock of every simulated machine. */
struct line_now world_time(const struct world *world)
{
    return (struct line_now){world->now, {INT64_C(1767225600000) + world->now.us / 1000}};
}

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

/* Mostly 0.2 ms, seldom up to 20 ms. */
struct komet_instant world_arrival(struct world *world)
{
    uint32_t delay_us = 100 + test_random_below(&world->random, 200);
    if (test_random_below(&world->random, 100) == 0) {
        delay_us += test_random_below(&world->random, 20000);
    }
    return komet_after(world->now, delay_us);
}

bool world_reaches(const struct sim_kom *kom)
{
    return !kom->cut;
}

bool world_reaches_station(const struct sim_kom *kom)
{
    return !kom->cut && !kom->mute;
}

bool world_hears_station(const struct sim_kom *kom)
{
    return !kom->cut && !kom->deaf;
}

bool world_runs(const struct sim_kom *kom)
{
    return kom->runs && !kom->paused;
}

bool world_acts(const struct world *world, const struct sim_kom *kom)
{
    return kom->runs && kom_is_active(kom->engine, world_time(world));
}

/* The operator sets the set point to the number of the command. */
static void give_order(struct world *world)
{
    world->next_order = komet_after(world->now, KOMET_MS(100 + test_random_below(&world->random, 900)));
    if (!world->server_runs) {
        return;
    }
    const struct tag *tag = site_find_tag(world->site.site, STATION_COMMAND_TAG);
    uint32_t number = checkers_order(&world->checkers);
    server_set(world->server, world_time(world), number, &(struct record_user){"operator", true}, tag, number,
               0, KOMET_MS(200 + test_random_below(&world->random, 3000)));
}

static void step(struct world *world)
{
    server_shell_step(world);
    if (komet_reached(world->now, world->next_order)) {
        give_order(world);
    }
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        struct sim_kom *kom = &world->koms[i];
        if (world_reaches(kom) && !world->server_cut) {
            server_shell_receive(world, kom);
        }
        kom_shell_step(world, kom);
    }
    station_step(world);
    server_shell_drain(world);
    world->steps++;
}

static struct komet_instant next_instant(const struct world *world)
{
    struct komet_instant next = komet_earlier(world->next_event, world->next_fault);
    next = komet_earlier(next, world->next_order);
    next = komet_earlier(next, world->server_back);
    next = komet_earlier(next, station_next(world));
    if (world->server_runs) {
        next = komet_earlier(next, server_deadline(world->server));
        next = komet_earlier(next, disk_deadline(&world->disk));
    }
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        next = komet_earlier(next, kom_shell_next(world, &world->koms[i]));
    }
    return next;
}

void world_init(struct world *world, uint64_t seed, bool verbose)
{
    *world = (struct world){.seed = seed, .verbose = verbose, .random = {seed}};
    world->warm = seed % 2 == 1;
    world->site = site_read(station_files(world), STATION_FILES, NULL);
    KOMET_ASSERT(world->site.site != NULL);
    world->server_memory = malloc(server_size(world->site.site));
    world->server_arena_memory = malloc(ARENA_SIZE);
    world->server_arena = (struct wire_arena){world->server_arena_memory, ARENA_SIZE, 0};
    KOMET_ASSERT(world->server_memory != NULL && world->server_arena_memory != NULL);
    station_init(world);
    server_shell_start(world);
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        kom_shell_init(&world->koms[i], (uint8_t)(i + 1));
        world->koms[i].back = komet_after(world->now, test_random_below(&world->random, 5000));
    }
    world->next_event = komet_after(world->now, KOMET_SECONDS(1));
    world->next_order = komet_after(world->now, KOMET_SECONDS(1));
    world->next_fault = komet_after(world->now, KOMET_SECONDS(2));
}

static void calm_down(struct world *world)
{
    world_say(world, "calm: no more events, orders, faults");
    world->next_event = world->next_fault = world->next_order = KOMET_NEVER;
}

bool world_run(struct world *world, int64_t duration_us)
{
    struct komet_instant calm = komet_after(world->now, duration_us);
    struct komet_instant end = komet_after(calm, PATIENCE);
    while (!world->checkers.failed && !komet_reached(world->now, end)) {
        struct komet_instant next = komet_earlier(next_instant(world), calm);
        world->now = next.us > world->now.us ? next : komet_after(world->now, 1);
        if (komet_reached(world->now, calm)) {
            calm_down(world);
            calm = KOMET_NEVER;
        }
        if (komet_reached(world->now, world->next_fault)) {
            faults_strike(world);
        }
        step(world);
        checkers_step(world);
        if (calm.us == KOMET_NEVER.us && world->server_runs && checkers_complete(world) &&
            station_agrees(world) && checkers_all_run(world)) {
            return !world->checkers.failed;
        }
    }
    if (!world->checkers.failed) {
        fprintf(stderr, "seed %" PRIu64 ": two minutes after the last fault, %s\n", world->seed,
                !checkers_complete(world) ? "events are still not stored"
                : !station_agrees(world)  ? "a tag still differs from the station"
                                          : "SELF.KOM does not say that all instances run");
    }
    return false;
}

void world_free(struct world *world)
{
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        kom_shell_free(&world->koms[i]);
    }
    station_free(world);
    free(world->server_memory);
    free(world->server_arena_memory);
    disk_free(&world->disk);
    checkers_free(&world->checkers);
    site_result_release(&world->site);
}
