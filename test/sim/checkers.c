/*
 * checkers: see checkers.h.
 */
#include "sim/checkers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/world.h"

void checkers_breach(struct world *world, enum check check, const char *format, ...)
{
    struct checkers *checkers = &world->checkers;
    bool told = checkers->quiet || checkers->failed[check];
    checkers->failed[check] = checkers->any_failed = true;
    if (told) {
        return;
    }
    va_list arguments;
    fprintf(stderr, "seed %" PRIu64 ", %.6f s: %s: ", world->seed, (double)world->now.us / 1e6,
            check_name(check));
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n  repeat: ./dev sim --seed %" PRIu64, world->seed);
    if (world->broken != BREAK_NONE) {
        fprintf(stderr, " --break %s", sim_break_name(world->broken));
    }
    fprintf(stderr, " --verbose\n");
}

void checkers_step(struct world *world)
{
    checkers_look_at_roles(world);
    checkers_look_at_journal(world);
    checkers_look_at_acknowledged(world);
    checkers_look_at_orders(world);
    checkers_masters_look(world);
}

static bool all_run(const struct world *world, const struct sim_process *process)
{
    value_flags all = 0;
    for (unsigned i = process->first_instance; i > 0 && i <= process->last_instance; i++) {
        all |= (value_flags)(1u << i);
    }
    for (size_t i = world->disk.synced; i > 0; i--) {
        const struct record *record = &world->disk.records[i - 1];
        if (record->kind == RECORD_VALUE && record->of.value.of_process &&
            name_compare(record->process, process->name) == 0) {
            return record->of.value.value == PROCESS_RUN && record->of.value.flags == all;
        }
    }
    return false;
}

bool checkers_all_run(const struct world *world)
{
    for (unsigned p = 0; p < world->plan.process_count; p++) {
        if (!all_run(world, &world->plan.processes[p])) {
            return false;
        }
    }
    return true;
}

void checkers_free(struct checkers *checkers)
{
    for (unsigned i = 0; i < SIM_STATIONS_MAX; i++) {
        free(checkers->stations[i].truth);
    }
    free(checkers->orders);
    *checkers = (struct checkers){0};
}
