/*
 * The checkers of masters' commands, see checkers_masters.h. Their numbers are those of all commands, so that
 * a station shows by its feedback which of them it has executed (checkers_orders.c).
 */
#include <stdlib.h>
#include <string.h>

#include "sim/checkers_masters.h"
#include "sim/world.h"

static struct check_command *command_of(struct world *world, uint32_t number)
{
    struct checkers_masters *checkers = &world->checkers_masters;
    size_t needed = world->checkers.order_count + 1;
    if (needed > checkers->command_capacity) {
        checkers->commands = realloc(checkers->commands, 2 * needed * sizeof checkers->commands[0]);
        KOMET_ASSERT(checkers->commands != NULL);
        memset(checkers->commands + checkers->command_capacity, 0,
               (2 * needed - checkers->command_capacity) * sizeof checkers->commands[0]);
        checkers->command_capacity = 2 * needed;
    }
    KOMET_ASSERT(number > 0 && number < needed);
    return &checkers->commands[number];
}

uint32_t checkers_masters_order(struct world *world, unsigned station)
{
    uint32_t number = checkers_order(world, station, false, 0);
    world->checkers.orders[number].open = false; /* the server ends it for nobody but the master */
    return number;
}

void checkers_masters_commanded(struct world *world, uint32_t number, bool select)
{
    struct check_command *command = command_of(world, number);
    *(select ? &command->selected : &command->executed) = true;
}

void checkers_masters_stored(struct world *world, double number, size_t at)
{
    if (number < 1 || number > (double)world->checkers.order_count ||
        !command_of(world, (uint32_t)number)->executed) {
        checkers_breach(world, CHECK_ANSWERS, "the journal has a master's command %g that nobody gave",
                        number);
        return;
    }
    struct check_command *command = command_of(world, (uint32_t)number);
    if (command->stored_at != 0) {
        checkers_breach(world, CHECK_ANSWERS, "a master's command %g is in the journal twice", number);
    }
    command->stored_at = at + 1;
}

/* Once each, and not of a command that was not given. */
static bool is_once(struct check_command *command, const struct komet_asdu *asdu, bool select)
{
    bool end = asdu->cause == KOMET_COT_ACTIVATION_TERMINATION;
    unsigned *count = select ? &command->select_answers
                      : end  ? &command->terminations
                             : &command->confirmations;
    bool given = select ? command->selected : command->executed;
    return given && ++*count == 1 && !(select && end);
}

bool checkers_masters_answered(struct world *world, uint32_t open, const struct komet_asdu *asdu,
                               const struct komet_object *object)
{
    double number = komet_object_number(object);
    if (number < 1 || number > (double)world->checkers.order_count || !(number >= open && number <= open)) {
        checkers_breach(world, CHECK_ANSWERS,
                        "a master gets an answer of command %g, which it does not await", number);
        return false;
    }
    struct check_command *command = command_of(world, (uint32_t)number);
    const struct sim_order *order = &world->checkers.orders[(size_t)number];
    if (!is_once(command, asdu, object->select)) {
        checkers_breach(world, CHECK_ANSWERS, "command %g of a master is answered twice", number);
        return false;
    }
    *(asdu->negative ? &world->checkers_masters.counts.negative : &world->checkers_masters.counts.positive) +=
        1;
    if (asdu->negative || object->select) {
        return true;
    }
    if (order->executions != 1) {
        checkers_breach(world, CHECK_ANSWERS, "command %g is confirmed, and the station has not executed it",
                        number);
    } else if (command->stored_at == 0 || command->stored_at > world->disk.synced) {
        checkers_breach(world, CHECK_ANSWERS, "command %g is confirmed, and is not on disk", number);
    }
    return true;
}
