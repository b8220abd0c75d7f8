/*
 * people: see people.h.
 */
#include "sim/people.h"

#include "sim/kom_shell.h"
#include "sim/reload.h"

static const struct record_user operator_of_site = {"operator", true};

static void ask_of_process(struct world *world, enum sim_fault fault)
{
    const struct sim_process *plan =
        &world->plan.processes[test_random_below(&world->random, world->plan.process_count)];
    const struct process *process = site_find_process(world->site.site, plan->name);
    uint8_t instance =
        (uint8_t)test_random_below(&world->random, plan->last_instance + 1u); /* 0: none, or all */
    struct line_now now = world_server_time(world);
    world_say(world, "%s: %s", sim_fault_name(fault), run_name(plan->name, instance).text);
    if (fault == FAULT_PREFER) {
        server_set_preferred(world->server, now, 0, &operator_of_site, process, instance);
    } else if (fault == FAULT_STOP) {
        server_stop(world->server, now, 0, &operator_of_site, process, instance);
    } else {
        server_set_active(world->server, now, 0, &operator_of_site, process, instance == 0 ? 1 : instance);
    }
}

static void ask_of_mode(struct world *world)
{
    const struct process *process = site_find_process(world->site.site, "SRV.KOM");
    bool all_act = test_random_below(&world->random, 3) > 0;
    if (process != NULL) {
        world_say(world, "SET_LOAD_BAL_MODE %s", all_act ? "ON" : "OFF");
        server_set_load_balance(world->server, world_server_time(world), 0, &operator_of_site, process,
                                all_act);
    }
}

static void ask_of_station(struct world *world)
{
    unsigned station = test_random_below(&world->random, world->plan.station_count);
    enum station_order order = (enum station_order)(STATION_ENABLE + test_random_below(&world->random, 4));
    world_say(world, "station %u: %s", station, station_order_name(order));
    server_control(world->server, world_server_time(world), 0, &operator_of_site,
                   world_station(world, station), order);
}

void people_ask(struct world *world, enum sim_fault fault, struct sim_kom *kom)
{
    if (fault == FAULT_LEAVE) {
        world_say(world, "%s: %s", sim_fault_name(fault),
                  run_name(kom->process->name, kom->identity.instance).text);
        checkers_watch_switch(world, kom, false);
        kom_shell_leave(world, kom);
        return;
    }
    if (!world->server_runs || world->disk_failed) {
        return;
    }
    world->server_touched = true;
    if (fault == FAULT_STATION) {
        ask_of_station(world);
    } else if (fault == FAULT_RELOAD) {
        reload_order(world);
    } else if (fault == FAULT_LOAD_BALANCE) {
        ask_of_mode(world);
    } else {
        ask_of_process(world, fault);
    }
}

void faults_calm(struct world *world)
{
    world->next_fault = komet_after(world->now, KOMET_SECONDS(1)); /* an order may still be on its way */
    for (unsigned i = 0; world->server_runs && i < world->plan.station_count; i++) {
        const struct station *station = world_station(world, i);
        unsigned mode = server_station_mode(world->server, station);
        struct line_now now = world_server_time(world);
        if ((mode & STATION_DISABLED) != 0) {
            server_control(world->server, now, 0, &operator_of_site, station, STATION_ENABLE);
        } else if ((mode & STATION_SIMULATED) != 0) {
            server_control(world->server, now, 0, &operator_of_site, station, STATION_SIMULATE_OFF);
        }
    }
    world->server_touched = true;
}
