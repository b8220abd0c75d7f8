/*
 * world: see world.h.
 */
#include "sim/pairs/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (1u << 20)
#define SETTLES    KOMET_SECONDS(20)  /* the last orders are given so long after the last fault */
#define PATIENCE   KOMET_SECONDS(120) /* and all is well then */

void world_say(const struct world *world, const char *format, ...)
{
    if (!world->verbose) {
        return;
    }
    va_list arguments;
    printf("%10.6f ", (double)world->now.us / 1e6);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

const char *world_side_name(unsigned side)
{
    return side == WEST ? "WEST" : "EAST";
}

struct line_now world_time(const struct world *world, const struct world_kom *kom)
{
    return clock_read(&kom->clock, world->now);
}

struct line_now world_server_time(const struct world *world, const struct world_site *site)
{
    return clock_read(&site->clock, world->now);
}

struct world_site *world_site_of(struct world *world, const struct world_kom *kom)
{
    return &world->sites[kom->side];
}

bool world_kom_runs(const struct world_kom *kom)
{
    return kom->exists && kom->runs && !kom->paused;
}

struct world_kom *world_acting(struct world *world, unsigned side)
{
    for (unsigned i = 0; i < INSTANCES; i++) {
        struct world_kom *kom = &world->sites[side].koms[i];
        if (world_kom_runs(kom) && kom_is_active(kom->engine, world_time(world, kom))) {
            return kom;
        }
    }
    return NULL;
}

const char *world_tag_name(enum channel channel, bool input)
{
    static const char *const names[CHANNELS][2] = {[CHANNEL_EVENT] = {"M.OUT.E", "M.IN.E"},
                                                   [CHANNEL_EVENT_2] = {"M.OUT.E2", "M.IN.E2"},
                                                   [CHANNEL_VALUE] = {"M.OUT.V", "M.IN.V"},
                                                   [CHANNEL_COMMAND] = {"M.OUT.C", "M.IN.C"}};
    return names[channel][input];
}

/* ---- the sites ---- */

/* Tags of WEST have addresses from 100, those of EAST from 200; each side's inputs are the other's outputs.
 */
static void write_tags(struct world_site *site, unsigned side)
{
    unsigned out = side == WEST ? 100 : 200, in = side == WEST ? 200 : 100;
    int used = snprintf(site->tags, sizeof site->tags,
                        "name,type,address,asdu,source\n"
                        "M.OUT.E,Ao,%u,36,\nM.OUT.E2,Ao,%u,36,\nM.OUT.V,Ao,%u,13,\nM.OUT.C,Ao,%u,50,\n"
                        "M.IN.E,Ai,%u,,\nM.IN.E2,Ai,%u,,\nM.IN.V,Ai,%u,,\nM.IN.C,Ai,%u,,\n",
                        out, out + 1, out + 2, out + 3, in, in + 1, in + 2, in + 3);
    snprintf(site->tags + used, sizeof site->tags - (size_t)used, "%s",
             side == WEST ? "M.ECHO,Ao,150,36,M.IN.E\n" : "M.ECHOED,Ai,150,,\n");
}

static void write_site(struct world *world, unsigned side)
{
    struct world_site *site = &world->sites[side];
    unsigned others = world->sites[1 - side].instances, digit = side == WEST ? 2 : 1;
    char partners[128] = "";
    for (unsigned i = 1; i <= others; i++) {
        size_t used = strlen(partners);
        snprintf(partners + used, sizeof partners - used, "%s[10.1.0.%u%u, 10.2.0.%u%u]", i > 1 ? ", " : "",
                 digit, i, digit, i);
    }
    snprintf(site->text, sizeof site->text,
             "site: %s\n"
             "group: {name: G, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"
             "processes:\n"
             "  SELF.KOM:\n"
             "    lines:\n"
             "      L.S:\n"
             "        protocol: iec104-sinaut\n"
             "        category: tcp-redundant\n"
             "        number: %u\n"
             "        reconnect: 500 ms\n"
             "        partners: [%s]\n"
             "        parameters: {WT1: 3 s, WT2: 1 s, WT3: 4 s, WTN: 3 s, PSD: 0, SKO: %s%s}\n"
             "        stations:\n"
             "          B.S: {address: 1, tags: s.csv, time: utc}\n",
             world_side_name(side), 7 + side, partners, site->stays_open ? "yes" : "no",
             side == EAST ? ", SP: 2404, SH: ALL" : "");
    write_tags(site, side);
    site->files[0] = (struct site_file){"site.yaml", site->text, strlen(site->text)};
    site->files[1] = (struct site_file){"s.csv", site->tags, strlen(site->tags)};
    site->site = site_read(site->files, 2, NULL);
    if (site->site.site == NULL) {
        printf("the site is wrong: %s\n%s", site->site.faults[0].what, site->text);
    }
    KOMET_ASSERT(site->site.site != NULL);
}

static struct clock some_clock(struct world *world)
{
    int64_t up_us = KOMET_SECONDS(86400) * test_random_below(&world->random, 100);
    return clock_started(up_us,
                         (int32_t)test_random_below(&world->random, 2 * CLOCK_PPM_MAX + 1) - CLOCK_PPM_MAX);
}

static void make_site(struct world *world, unsigned side)
{
    struct world_site *site = &world->sites[side];
    write_site(world, side);
    site->memory = malloc(server_size(site->site.site));
    site->arena_memory = malloc(ARENA_SIZE);
    KOMET_ASSERT(site->memory != NULL && site->arena_memory != NULL);
    site->arena = (struct wire_arena){site->arena_memory, ARENA_SIZE, 0};
    site->clock = some_clock(world);
    for (unsigned i = 1; i <= site->instances; i++) {
        kom_init_shell(world, site, side, i);
        site->koms[i - 1].back = komet_after(world->now, test_random_below(&world->random, 5000));
        site->koms[i - 1].clock = some_clock(world);
    }
    site->next_order = komet_after(world->now, KOMET_SECONDS(1));
    server_start(world, site);
}

void world_init(struct world *world, uint64_t seed, bool verbose, enum pair_break broken)
{
    memset(world, 0, sizeof *world);
    world->seed = seed;
    world->verbose = verbose;
    world->random = (struct test_random){seed};
    world->broken = broken;
    world->checks.quiet = broken != BREAK_NONE && !verbose;
    bool far = test_random_below(&world->random, 4) == 0;
    world->delay_us = far ? 5000 : 100;
    world->jitter_us = far ? 3000 : 200;
    for (unsigned side = 0; side < SIDES; side++) {
        world->sites[side].instances = test_random_below(&world->random, 4) == 0 ? 1 : 2;
        world->sites[side].stays_open = test_random_below(&world->random, 4) != 0;
    }
    for (unsigned side = 0; side < SIDES; side++) {
        make_site(world, side);
    }
    world->next_fault = komet_after(world->now, KOMET_SECONDS(8));
}

/* ---- what people do ---- */

static void give(struct world *world, unsigned side, enum channel channel)
{
    struct world_site *site = &world->sites[side];
    const struct tag *tag = site_find_tag(site->site.site, world_tag_name(channel, false));
    uint32_t number = checks_order(world, side, channel);
    server_set(site->server, world_server_time(world, site), number, &(struct record_user){"operator", true},
               tag, number, 0, KOMET_MS(500));
    site->touched = true;
}

static void give_order(struct world *world, unsigned side)
{
    struct world_site *site = &world->sites[side];
    site->next_order = komet_after(world->now, KOMET_MS(5 + test_random_below(&world->random, 120)));
    if (site->runs) {
        uint32_t dice = test_random_below(&world->random, 10);
        give(world, side,
             dice < 4   ? CHANNEL_EVENT
             : dice < 7 ? CHANNEL_EVENT_2
             : dice < 9 ? CHANNEL_VALUE
                        : CHANNEL_COMMAND);
    }
}

/* In the end each output is given one more value, until that was taken. */
static void give_last(struct world *world, unsigned side)
{
    struct world_site *site = &world->sites[side];
    site->next_order = komet_after(world->now, KOMET_MS(500));
    for (unsigned channel = 0; channel < CHANNELS && site->runs; channel++) {
        uint32_t last = site->check.final[channel];
        bool taken = last != 0 && site->check.orders[last].result == COMMAND_DONE;
        bool open = last != 0 && !site->check.orders[last].ended;
        if (!taken && !open) {
            give(world, side, (enum channel)channel);
            site->check.final[channel] = site->check.count;
        }
    }
}

/* ---- time ---- */

static void step(struct world *world, bool last)
{
    for (unsigned side = 0; side < SIDES; side++) {
        struct world_site *site = &world->sites[side];
        server_step(world, site);
        if (komet_reached(world->now, site->next_order)) {
            last ? give_last(world, side) : give_order(world, side);
        }
        for (unsigned i = 0; i < site->instances; i++) {
            kom_step(world, &site->koms[i]);
        }
    }
    tcp_step(world);
    faults_step(world);
    world->steps++;
}

static struct komet_instant next_instant(const struct world *world)
{
    struct komet_instant next = komet_earlier(world->next_fault, tcp_next(world));
    for (unsigned side = 0; side < SIDES; side++) {
        const struct world_site *site = &world->sites[side];
        next = komet_earlier(next, server_next_instant(world, site));
        next = komet_earlier(next, site->next_order);
        for (unsigned i = 0; i < site->instances; i++) {
            next = komet_earlier(next, kom_next_instant(world, &site->koms[i]));
            next = komet_earlier(next, site->koms[i].healed);
        }
    }
    for (unsigned w = 0; w < INSTANCES; w++) {
        for (unsigned e = 0; e < INSTANCES; e++) {
            for (unsigned n = 0; n < NETWORKS; n++) {
                bool out = world->paths[w][e][n].ways != 0;
                next = komet_earlier(next, out ? world->paths[w][e][n].until : KOMET_NEVER);
            }
        }
    }
    return next;
}

/* Every input has what the other site's output was given last. */
static bool all_agree(const struct world *world)
{
    for (unsigned side = 0; side < SIDES; side++) {
        const struct world_site *site = &world->sites[side], *other = &world->sites[1 - side];
        for (unsigned channel = 0; channel < CHANNELS; channel++) {
            const struct tag *tag = site_find_tag(other->site.site, world_tag_name(channel, true));
            uint32_t last = site->check.final[channel];
            if (!other->runs || last == 0 || site->check.orders[last].result != COMMAND_DONE ||
                server_value(other->server, tag)->number != (double)last ||
                server_value(other->server, tag)->status != STATUS_VALID) {
                return false;
            }
        }
    }
    const struct world_site *east = &world->sites[EAST];
    const struct tag *echoed = site_find_tag(east->site.site, "M.ECHOED");
    return server_value(east->server, echoed)->number == (double)east->check.final[CHANNEL_EVENT];
}

static void calm_down(struct world *world)
{
    world_say(world, "calm: no more orders, no more faults");
    world->calm = true;
    world->next_fault = KOMET_NEVER;
    faults_calm(world);
    for (unsigned side = 0; side < SIDES; side++) {
        world->sites[side].next_order = komet_after(world->now, SETTLES);
    }
}

static bool is_over(const struct world *world)
{
    return world->broken == BREAK_NONE ? world->checks.any_failed
                                       : world->checks.failed[pair_break_checker(world->broken)];
}

static void tell_what_is_missing(struct world *world)
{
    checks_missing(world);
    if (!all_agree(world)) {
        checks_breach(world, CHECK_END,
                      "long after the last fault an input differs from what the other site has sent");
    }
}

bool world_run(struct world *world, int64_t duration_us)
{
    struct komet_instant calm = komet_after(world->now, duration_us);
    struct komet_instant end = komet_after(calm, SETTLES + PATIENCE);
    while (!is_over(world) && !komet_reached(world->now, end)) {
        struct komet_instant next = komet_earlier(next_instant(world), world->calm ? end : calm);
        world->now = next.us > world->now.us ? next : komet_after(world->now, 1);
        if (!world->calm && komet_reached(world->now, calm)) {
            calm_down(world);
        }
        if (komet_reached(world->now, world->next_fault)) {
            faults_strike(world);
        }
        step(world, world->calm);
        checks_step(world);
        if (world->calm && all_agree(world) && checks_complete(world)) {
            return !world->checks.any_failed;
        }
    }
    if (!is_over(world)) {
        tell_what_is_missing(world);
    }
    return false;
}

void world_free(struct world *world)
{
    for (unsigned side = 0; side < SIDES; side++) {
        struct world_site *site = &world->sites[side];
        for (unsigned i = 0; i < site->instances; i++) {
            kom_free_shell(&site->koms[i]);
        }
        site_result_release(&site->site);
        free(site->memory);
        free(site->arena_memory);
        disk_free(&site->disk);
    }
    for (unsigned i = 0; i < TCP_MAX; i++) {
        stream_free(&world->tcps[i].to[0]);
        stream_free(&world->tcps[i].to[1]);
    }
    checks_free(world);
}
