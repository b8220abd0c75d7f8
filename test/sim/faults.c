/*
 * faults: see faults.h.
 */
#include "sim/faults.h"

#include "sim/kom_shell.h"
#include "sim/server_shell.h"
#include "sim/station.h"

#define PAUSE_MAX_MS 6000
#define CALM_MAX_MS  6000
#define PATH_MAX_MS  25000 /* longer than t3 + t1 + line_loss: the role moves for it */

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[FAULT_COUNT] = {
        [FAULT_KILL_KOM] = "instance killed",
        [FAULT_PAUSE_KOM] = "instance paused",
        [FAULT_CUT_KOM] = "instance cut off",
        [FAULT_LOSE_KOM] = "instance's machine lost",
        [FAULT_CUT_PATH] = "path to the station cut",
        [FAULT_DEAFEN_PATH] = "path from the station cut one way",
        [FAULT_MUTE_PATH] = "path to the station cut one way",
        [FAULT_RESET_TELEMETRY] = "telemetry reset",
        [FAULT_RESET_LINK] = "link to the server reset",
        [FAULT_KILL_SERVER] = "server killed",
        [FAULT_LOSE_SERVER] = "server's machine lost",
        [FAULT_FAIL_DISK] = "disk failed",
        [FAULT_RESTART_CUT] = "server restarted while the instance is cut off",
        [FAULT_HAND_OVER] = "hand-over by hand",
        [FAULT_PREFER] = "preferred instance set",
        [FAULT_LEAVE] = "instance ended",
        [FAULT_STOP] = "instance stopped from the console",
    };
    return names[fault];
}

/* The instance that acts and has a telemetry connection, else any that runs; NULL: none runs well. */
static struct sim_kom *victim(struct world *world)
{
    unsigned first = test_random_below(&world->random, SIM_KOMS);
    struct sim_kom *any = NULL;
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        struct sim_kom *kom = &world->koms[(first + i) % SIM_KOMS];
        if (!world_runs(kom) || kom->cut) {
            continue;
        }
        if (kom->line_here && world_acts(world, kom)) {
            return kom;
        }
        any = kom;
    }
    return any;
}

static void lose_server(struct world *world, int64_t pause_us, bool silently)
{
    world->server_runs = false;
    world->server_cut = silently;
    world->server_back = komet_after(world->now, pause_us);
    disk_crash(&world->disk);
    checkers_server_lost(world);
    for (unsigned i = 0; i < SIM_KOMS; i++) {
        world->koms[i].link_there = false;
        stream_clear(&world->koms[i].to_server);
        if (silently) {
            stream_clear(&world->koms[i].from_server);
        }
    }
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        world->client_used[i] = false;
    }
}

static void fail_disk(struct world *world, int64_t pause_us)
{
    world->disk_failed = true;
    world->server_back = komet_after(world->now, pause_us);
    disk_crash(&world->disk); /* nobody knows what of it is on disk; we take the worst */
    server_journal_failed(world->server, world_time(world), "simulated");
    server_shell_drain(world);
}

static void strike_kom(struct world *world, enum sim_fault fault, struct sim_kom *kom, int64_t pause_us)
{
    world_say(world, "fault: %s: %u", sim_fault_name(fault), kom->identity.instance);
    if (fault == FAULT_KILL_KOM || fault == FAULT_LOSE_KOM) {
        kom_shell_kill(world, kom);
        kom->cut = fault == FAULT_LOSE_KOM;
    } else {
        kom->paused = fault == FAULT_PAUSE_KOM;
        kom->cut = fault == FAULT_CUT_KOM;
    }
    kom->back = komet_after(world->now, pause_us);
}

/* Only telemetry does not come through, in both directions or in one. */
static void strike_path(struct world *world, enum sim_fault fault, struct sim_kom *kom)
{
    world_say(world, "fault: %s: %u", sim_fault_name(fault), kom->identity.instance);
    kom->deaf = fault != FAULT_MUTE_PATH;
    kom->mute = fault != FAULT_DEAFEN_PATH;
    kom->back = komet_after(world->now, KOMET_MS(5 + test_random_below(&world->random, PATH_MAX_MS)));
}

/* RST in the network: both ends hear it. */
static void reset_link(struct world *world, struct sim_kom *kom)
{
    if (kom->link_here && kom->link_there) {
        server_shell_hear_closed(world, kom);
        stream_clear(&kom->from_server);
    }
}

static void strike_server(struct world *world, enum sim_fault fault, int64_t pause_us)
{
    if (!world->server_runs || world->disk_failed) {
        return;
    }
    world_say(world, "fault: %s", sim_fault_name(fault));
    if (fault == FAULT_FAIL_DISK) {
        fail_disk(world, pause_us);
    } else {
        lose_server(world, pause_us, fault == FAULT_LOSE_SERVER);
    }
}

/* What people ask of the server. */
static void ask_server(struct world *world, enum sim_fault fault)
{
    static const struct record_user user = {"operator", true};
    const struct process *process = &world->site.site->processes[0];
    uint8_t instance = (uint8_t)test_random_below(&world->random, SIM_KOMS + 1); /* 0: none, or all */
    if (!world->server_runs || world->disk_failed) {
        return;
    }
    world_say(world, "%s: %u", sim_fault_name(fault), instance);
    if (fault == FAULT_PREFER) {
        server_set_preferred(world->server, world_time(world), 0, &user, process, instance);
    } else if (fault == FAULT_STOP) {
        server_stop(world->server, world_time(world), 0, &user, process, instance);
    } else {
        server_set_active(world->server, world_time(world), 0, &user, process, instance == 0 ? 1 : instance);
    }
}

/* Two at once: the active instance is cut off just as the server restarts, which knows nothing of its lease
 * but that there may be one. */
static void strike_both(struct world *world, struct sim_kom *kom)
{
    int64_t restart_us = KOMET_MS(5 + test_random_below(&world->random, 300));
    int64_t cut_us = KOMET_MS(100 + test_random_below(&world->random, 3000));
    if (kom != NULL && world->server_runs && !world->disk_failed) {
        strike_kom(world, FAULT_CUT_KOM, kom, cut_us);
        strike_server(world, FAULT_KILL_SERVER, restart_us);
    }
}

void faults_strike(struct world *world)
{
    enum sim_fault fault = (enum sim_fault)test_random_below(&world->random, FAULT_COUNT);
    int64_t pause_us = KOMET_MS(5 + test_random_below(&world->random, PAUSE_MAX_MS));
    struct sim_kom *kom = victim(world);
    world->next_fault =
        komet_after(world->now, KOMET_MS(20 + test_random_below(&world->random, CALM_MAX_MS)));
    switch (fault) {
    case FAULT_KILL_KOM:
    case FAULT_PAUSE_KOM:
    case FAULT_CUT_KOM:
    case FAULT_LOSE_KOM:
        if (kom == NULL) {
            return;
        }
        strike_kom(world, fault, kom, pause_us);
        break;
    case FAULT_CUT_PATH:
    case FAULT_DEAFEN_PATH:
    case FAULT_MUTE_PATH:
        if (kom == NULL) {
            return;
        }
        strike_path(world, fault, kom);
        break;
    case FAULT_RESET_TELEMETRY:
        if (kom == NULL || !kom->line_there) {
            return;
        }
        world_say(world, "fault: %s: %u", sim_fault_name(fault), kom->identity.instance);
        station_hear_closed(world, kom);
        break;
    case FAULT_RESET_LINK:
        if (kom == NULL) {
            return;
        }
        world_say(world, "fault: %s: %u", sim_fault_name(fault), kom->identity.instance);
        reset_link(world, kom);
        break;
    case FAULT_KILL_SERVER:
    case FAULT_LOSE_SERVER:
    case FAULT_FAIL_DISK:
        strike_server(world, fault, pause_us);
        break;
    case FAULT_HAND_OVER:
    case FAULT_PREFER:
    case FAULT_STOP:
        ask_server(world, fault);
        break;
    case FAULT_LEAVE:
        if (kom == NULL) {
            return;
        }
        world_say(world, "%s: %u", sim_fault_name(fault), kom->identity.instance);
        kom_leave(kom->engine, world_time(world));
        break;
    case FAULT_RESTART_CUT:
        strike_both(world, kom);
        break;
    case FAULT_COUNT:
        break;
    }
    world->fault_counts[fault]++;
}
