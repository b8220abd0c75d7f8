/*
 * The checkers of commands: at most once, and each ends exactly once.
 */
#include <stdlib.h>

#include "komet/assert.h"
#include "sim/checkers.h"
#include "sim/world.h"

/* What may come on top of a command's deadline: the line waits for its confirmation, and a disk holds up its
 * end. */
#define END_US KOMET_SECONDS(20)

uint32_t checkers_order(struct world *world, unsigned station, bool by_hand, int64_t deadline_us)
{
    struct checkers *checkers = &world->checkers;
    if (checkers->order_count + 1 >= checkers->order_capacity) {
        checkers->order_capacity = checkers->order_capacity == 0 ? 512 : checkers->order_capacity * 2;
        checkers->orders = realloc(checkers->orders, checkers->order_capacity * sizeof checkers->orders[0]);
        KOMET_ASSERT(checkers->orders != NULL);
    }
    checkers->orders[++checkers->order_count] =
        (struct sim_order){.open = true,
                           .by_hand = by_hand,
                           .station = (uint8_t)station,
                           .must_end = komet_after(world->now, deadline_us + END_US)};
    return (uint32_t)checkers->order_count;
}

static bool must_not_run(enum command_result result)
{
    return result == COMMAND_REFUSED || result == COMMAND_EXPIRED;
}

void checkers_executed(struct world *world, unsigned station, double number)
{
    struct checkers *checkers = &world->checkers;
    if (number < 1 || number > (double)checkers->order_count) {
        checkers_breach(world, CHECK_COMMANDS, "station %u executed a command that nobody gave", station);
        return;
    }
    struct sim_order *order = &checkers->orders[(size_t)number];
    if (++order->executions > 1) {
        checkers_breach(world, CHECK_COMMANDS, "command %g was executed twice", number);
    } else if (order->station != station || order->by_hand) {
        checkers_breach(world, CHECK_COMMANDS, "command %g was not for station %u", number, station);
    } else if (order->ended && must_not_run((enum command_result)order->result)) {
        checkers_breach(world, CHECK_COMMANDS, "command %g was executed after it had ended as %s", number,
                        command_result_name((enum command_result)order->result));
    }
}

void checkers_ended(struct world *world, const struct server_ended *ended)
{
    struct checkers *checkers = &world->checkers;
    if (ended->token == 0) {
        return; /* what people asked of roles and stations */
    }
    KOMET_ASSERT(ended->token <= checkers->order_count && ended->result < 5);
    struct sim_order *order = &checkers->orders[ended->token];
    world_say(world, "command %u: %s %s", (unsigned)ended->token, command_result_name(ended->result),
              ended->reason);
    if (!order->open) {
        checkers_breach(world, CHECK_ENDS, "command %u ended twice", (unsigned)ended->token);
        return;
    }
    order->open = false;
    order->ended = true;
    order->result = (uint8_t)ended->result;
    checkers->results[ended->result]++;
    if (ended->result == COMMAND_DONE && order->executions != (order->by_hand ? 0 : 1)) {
        checkers_breach(world, CHECK_COMMANDS, "command %u ended as done that the station did not execute",
                        (unsigned)ended->token);
    } else if (must_not_run(ended->result) && order->executions != 0) {
        checkers_breach(world, CHECK_COMMANDS, "command %u ended as %s that the station had executed",
                        (unsigned)ended->token, command_result_name(ended->result));
    }
}

void checkers_server_lost(struct world *world)
{
    struct checkers *checkers = &world->checkers;
    for (size_t i = 1; i <= checkers->order_count; i++) {
        checkers->orders[i].open = false;
    }
}

void checkers_look_at_orders(struct world *world)
{
    struct checkers *checkers = &world->checkers;
    unsigned open = 0;
    size_t *first = &checkers->order_first_open;
    *first = *first == 0 ? 1 : *first;
    while (*first <= checkers->order_count && !checkers->orders[*first].open) {
        (*first)++;
    }
    for (size_t i = *first; i <= checkers->order_count; i++) {
        open += checkers->orders[i].open ? 1 : 0;
    }
    if (*first <= checkers->order_count && world->server_runs &&
        komet_reached(world->now, checkers->orders[*first].must_end)) {
        checkers_breach(world, CHECK_ENDS, "command %zu never ended", *first);
        checkers->orders[*first].open = false;
    }
    if (open > SERVER_COMMANDS_MAX) {
        checkers_breach(world, CHECK_BOUNDS, "%u commands are open", open);
    }
}
