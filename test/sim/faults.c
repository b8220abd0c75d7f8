/*
 * faults: see faults.h.
 */
#include "sim/faults.h"

#include "sim/kom_shell.h"
#include "sim/people.h"
#include "sim/server_shell.h"
#include "sim/station.h"

#define PAUSE_MAX_MS 6000
#define AWAY_MAX_MS  40000 /* of a server, where lines are read without one */
#define CALM_MAX_MS  6000
#define PATH_MAX_MS  25000 /* longer than t3 + t1 + line_loss: the role moves for it */
#define JUMP_MAX_MS  3600000

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[FAULT_COUNT] = {
        [FAULT_KILL_KOM] = "instance killed",
        [FAULT_KILL_KOM_MIDWAY] = "instance killed midway",
        [FAULT_PAUSE_KOM] = "instance paused",
        [FAULT_CUT_KOM] = "instance cut off",
        [FAULT_CUT_LINK] = "cut off from the server",
        [FAULT_CUT_TELEMETRY] = "cut off from the stations",
        [FAULT_CUT_ONE_WAY] = "cut off in one direction",
        [FAULT_LOSE_KOM] = "instance's machine lost",
        [FAULT_RESET_TELEMETRY] = "telemetry reset",
        [FAULT_RESET_LINK] = "link to the server reset",
        [FAULT_KILL_SERVER] = "server killed",
        [FAULT_KILL_SERVER_MIDWAY] = "server killed midway",
        [FAULT_LOSE_SERVER] = "server's machine lost",
        [FAULT_FAIL_DISK] = "disk failed",
        [FAULT_FILL_DISK] = "disk full",
        [FAULT_SLOW_DISK] = "disk slow",
        [FAULT_FILL_BUFFER] = "instance's disk full",
        [FAULT_RESTART_CUT] = "server restarted while the instance is cut off",
        [FAULT_SLOW_NETWORK] = "network slow",
        [FAULT_CLOCK_JUMP] = "time of day jumped",
        [FAULT_CLOCK_RATE] = "clock's rate changed",
        [FAULT_BESIDE] = "second run of a number",
        [FAULT_HAND_OVER] = "hand-over by hand",
        [FAULT_PREFER] = "preferred instance set",
        [FAULT_LEAVE] = "instance ended",
        [FAULT_STOP] = "instance stopped from the console",
        [FAULT_STATION] = "station enabled, disabled or simulated",
        [FAULT_RELOAD] = "site reloaded",
        [FAULT_LOSE_MASTER] = "master lost",
        [FAULT_PAUSE_MASTER] = "master paused",
        [FAULT_CUT_MASTER] = "master cut off",
        [FAULT_LOAD_BALANCE] = "mode of a process set",
    };
    return names[fault];
}

static bool has_line(const struct sim_kom *kom)
{
    for (unsigned i = 0; i < SIM_LINES_MAX; i++) {
        if (kom->lines[i].connection != NULL) {
            return true;
        }
    }
    return kom->listens;
}

/* An instance that has telemetry connections, else any that runs; NULL: none runs well. */
static struct sim_kom *victim(struct world *world)
{
    unsigned first = test_random_below(&world->random, SIM_KOMS_MAX);
    struct sim_kom *any = NULL;
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        struct sim_kom *kom = &world->koms[(first + i) % SIM_KOMS_MAX];
        if (kom->process == NULL || kom->beside || !world_runs(kom) || kom->cut != 0 ||
            kom->back.us != KOMET_NEVER.us) {
            continue;
        }
        if (has_line(kom)) {
            return kom;
        }
        any = kom;
    }
    return any;
}

void faults_lose_server(struct world *world, int64_t pause_us, bool silently)
{
    world->server_runs = false;
    world->server_cut = silently;
    world->server_back = komet_after(world->now, pause_us);
    disk_crash(&world->disk);
    checkers_forgot(world);
    checkers_server_lost(world);
    checkers_disturbed(world);
    for (unsigned i = 0; i < NETWORK_CONNECTIONS_MAX; i++) {
        struct sim_connection *connection = &world->network.connections[i];
        if (connection->used && network_is_link(connection)) {
            network_close_there(connection);
            if (silently) {
                stream_clear(&connection->in);
            }
        }
    }
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        world->client_used[i] = false;
    }
}

void faults_fail_disk(struct world *world, int64_t pause_us)
{
    world->disk_failed = true;
    world->server_back = komet_after(world->now, pause_us);
    disk_crash(&world->disk); /* nobody knows what of it is on disk; we take the worst */
    checkers_forgot(world);
    server_journal_failed(world->server, world_server_time(world), "simulated");
    server_shell_drain(world);
}

static unsigned ways_of(struct world *world, enum sim_fault fault)
{
    static const unsigned ways[FAULT_COUNT] = {[FAULT_CUT_KOM] = WAYS_ALL,
                                               [FAULT_LOSE_KOM] = WAYS_ALL,
                                               [FAULT_CUT_LINK] = WAYS_OF_SERVER,
                                               [FAULT_CUT_TELEMETRY] = WAYS_OF_STATIONS};
    return fault == FAULT_CUT_ONE_WAY ? 1u << test_random_below(&world->random, 4) : ways[fault];
}

/* Does the server notice it only when the lease has run out? */
static bool is_silent(enum sim_fault fault, unsigned cut)
{
    return fault == FAULT_PAUSE_KOM || (cut & WAY_TO_SERVER) != 0;
}

static void strike_kom(struct world *world, enum sim_fault fault, struct sim_kom *kom, int64_t pause_us)
{
    unsigned cut = ways_of(world, fault);
    bool dies = fault == FAULT_KILL_KOM || fault == FAULT_LOSE_KOM;
    world_say(world, "fault: %s: %s, ways %x", sim_fault_name(fault),
              run_name(kom->process->name, kom->identity.instance).text, cut);
    if (dies || is_silent(fault, cut)) {
        checkers_watch_switch(world, kom, is_silent(fault, cut));
    }
    if (dies) {
        kom_shell_kill(world, kom);
    }
    if (fault == FAULT_KILL_KOM_MIDWAY) {
        kom->dies_in = 1 + test_random_below(&world->random, SIM_OUTPUTS_MIDWAY);
        return;
    }
    if (cut != 0 && (cut & ~(unsigned)WAYS_OF_STATIONS) == 0) {
        pause_us = KOMET_MS(5 + test_random_below(&world->random, PATH_MAX_MS));
    }
    kom->paused = fault == FAULT_PAUSE_KOM;
    kom->cut = cut;
    kom->back = komet_after(world->now, pause_us);
}

/* RST in the network: both ends hear it. */
static void reset(struct world *world, enum sim_fault fault, struct sim_kom *kom)
{
    world_say(world, "fault: %s: %s", sim_fault_name(fault),
              run_name(kom->process->name, kom->identity.instance).text);
    struct sim_connection *connection = kom->link;
    if (fault == FAULT_RESET_TELEMETRY && kom->process->serves) {
        connection = masters_line_connection(world, kom);
    } else if (fault == FAULT_RESET_TELEMETRY) {
        connection = kom->lines[test_random_below(&world->random, kom->process->station_count)].connection;
    }
    if (connection == NULL || !connection->there || (network_is_link(connection) && world->server_cut)) {
        return;
    }
    if (connection->station != NULL) {
        station_reset(world, connection);
    } else if (connection->master != NULL) {
        masters_hear_closed(world, connection);
        kom_shell_hear_closed(world, connection);
    } else {
        kom_shell_hear_closed(world, connection);
        server_shell_hear_closed(world, connection);
    }
}

static void strike_server(struct world *world, enum sim_fault fault, int64_t pause_us)
{
    bool buffered = world->plan.buffered[0] || world->plan.buffered[1] || world->plan.buffered[2];
    if (buffered && test_random_below(&world->random, 2) == 0) {
        pause_us = KOMET_MS(5 + test_random_below(&world->random, AWAY_MAX_MS));
    }
    if (!world->server_runs || world->disk_failed) {
        return;
    }
    world_say(world, "fault: %s", sim_fault_name(fault));
    if (fault == FAULT_FAIL_DISK) {
        faults_fail_disk(world, pause_us);
    } else if (fault == FAULT_FILL_DISK) {
        world->disk.full_until = komet_after(world->now, pause_us);
    } else if (fault == FAULT_SLOW_DISK) {
        world->disk.slow_until = komet_after(world->now, pause_us);
    } else if (fault == FAULT_KILL_SERVER_MIDWAY) {
        world->server_dies_in = 1 + test_random_below(&world->random, SIM_OUTPUTS_MIDWAY);
    } else {
        faults_lose_server(world, pause_us, fault == FAULT_LOSE_SERVER);
    }
}

/* Two at once: the active instance is cut off just as the server restarts, which knows nothing of its lease
 * but that there may be one. */
static void strike_both(struct world *world, struct sim_kom *kom)
{
    int64_t restart_us = KOMET_MS(5 + test_random_below(&world->random, 300));
    int64_t cut_us = KOMET_MS(100 + test_random_below(&world->random, 3000));
    if (world->server_runs && !world->disk_failed) {
        strike_kom(world, FAULT_CUT_KOM, kom, cut_us);
        strike_server(world, FAULT_KILL_SERVER, restart_us);
    }
}

/* The clock of the server or of an instance. An instance and a run beside it are on machines of their own. */
static void strike_clock(struct world *world, enum sim_fault fault)
{
    unsigned chosen = test_random_below(&world->random, SIM_KOMS_MAX + 1);
    struct clock *clock = chosen < SIM_KOMS_MAX ? &world->koms[chosen].clock : &world->server_clock;
    int32_t ppm = (int32_t)test_random_below(&world->random, 2 * CLOCK_PPM_MAX + 1) - CLOCK_PPM_MAX;
    int64_t jump_ms = (int64_t)test_random_below(&world->random, 2 * JUMP_MAX_MS + 1) - JUMP_MAX_MS;
    if (fault == FAULT_CLOCK_JUMP) {
        clock->jumped_ms = test_random_below(&world->random, 3) == 0 ? 0 : jump_ms;
    } else if (world->broken != BREAK_SLOW_CLOCK) {
        clock_set_rate(clock, world->now, ppm);
    }
    if (chosen < SIM_KOMS_MAX) {
        world->koms[chosen].touched = true;
    } else {
        world->server_touched = true;
    }
    world_say(world, "fault: %s", sim_fault_name(fault));
}

/* A run of a number that another one has, or of the process without a number. */
static void start_beside(struct world *world, int64_t pause_us)
{
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        struct sim_kom *kom = &world->koms[i];
        if (kom->process == NULL || !kom->beside || kom->runs || kom->back.us != KOMET_NEVER.us) {
            continue;
        }
        const struct sim_process *process =
            &world->plan.processes[test_random_below(&world->random, world->plan.process_count)];
        unsigned instance =
            process->first_instance +
            test_random_below(&world->random, 1u + process->last_instance - process->first_instance);
        bool without = test_random_below(&world->random, 4) == 0;
        kom->process = process;
        kom->identity.process = process->name;
        kom->identity.instance = without ? 0 : (uint8_t)instance;
        kom_shell_start(world, kom);
        kom->back = komet_after(world->now, pause_us);
    }
}

static void slow_network(struct world *world, int64_t pause_us)
{
    world->network.slow_us = 10000 + test_random_below(&world->random, 400000);
    world->network.slow_until = komet_after(world->now, pause_us);
    world_say(world, "fault: network slow by %u us", world->network.slow_us);
}

static bool is_of_kom(enum sim_fault fault)
{
    return fault <= FAULT_RESET_LINK || fault == FAULT_RESTART_CUT || fault == FAULT_FILL_BUFFER ||
           fault == FAULT_LEAVE;
}

static void strike(struct world *world, enum sim_fault fault, struct sim_kom *kom, int64_t pause_us)
{
    switch (fault) {
    case FAULT_KILL_KOM:
    case FAULT_KILL_KOM_MIDWAY:
    case FAULT_PAUSE_KOM:
    case FAULT_CUT_KOM:
    case FAULT_CUT_LINK:
    case FAULT_CUT_TELEMETRY:
    case FAULT_CUT_ONE_WAY:
    case FAULT_LOSE_KOM:
        strike_kom(world, fault, kom, pause_us);
        break;
    case FAULT_RESET_TELEMETRY:
    case FAULT_RESET_LINK:
        reset(world, fault, kom);
        break;
    case FAULT_KILL_SERVER:
    case FAULT_KILL_SERVER_MIDWAY:
    case FAULT_LOSE_SERVER:
    case FAULT_FAIL_DISK:
    case FAULT_FILL_DISK:
    case FAULT_SLOW_DISK:
        strike_server(world, fault, pause_us);
        break;
    case FAULT_FILL_BUFFER:
        world_say(world, "fault: %s: %s", sim_fault_name(fault),
                  run_name(kom->process->name, kom->identity.instance).text);
        kom->kept.full_until = komet_after(world->now, pause_us);
        break;
    case FAULT_RESTART_CUT:
        strike_both(world, kom);
        break;
    case FAULT_SLOW_NETWORK:
        slow_network(world, pause_us);
        break;
    case FAULT_CLOCK_JUMP:
    case FAULT_CLOCK_RATE:
        strike_clock(world, fault);
        break;
    case FAULT_BESIDE:
        start_beside(world, pause_us);
        break;
    case FAULT_HAND_OVER:
    case FAULT_PREFER:
    case FAULT_LEAVE:
    case FAULT_STOP:
    case FAULT_STATION:
    case FAULT_RELOAD:
    case FAULT_LOAD_BALANCE:
        people_ask(world, fault, kom);
        break;
    case FAULT_LOSE_MASTER:
    case FAULT_PAUSE_MASTER:
    case FAULT_CUT_MASTER:
        masters_strike(world, fault, pause_us);
        break;
    case FAULT_COUNT:
        break;
    }
}

void faults_strike(struct world *world)
{
    enum sim_fault fault = (enum sim_fault)test_random_below(&world->random, FAULT_COUNT);
    int64_t pause_us = KOMET_MS(5 + test_random_below(&world->random, PAUSE_MAX_MS));
    struct sim_kom *kom = victim(world);
    world->next_fault =
        komet_after(world->now, KOMET_MS(20 + test_random_below(&world->random, CALM_MAX_MS)));
    if (kom == NULL && is_of_kom(fault)) {
        return;
    }
    checkers_disturbed(world);
    world->fault_counts[fault]++;
    strike(world, fault, kom, pause_us);
}
