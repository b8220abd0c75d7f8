/*
 * What the harness does wrong on purpose with what masters are sent, and with what they ask (breaks.h).
 */
#include "sim/masters.h"
#include "sim/world.h"

#define OLDER_BIT 0x2000000u

static void swap_times_and_numbers(Komet__Wire__Outgoing *outgoing, size_t a, size_t b)
{
    int64_t time_ms = outgoing->time_ms[a];
    double number = outgoing->number[a];
    outgoing->time_ms[a] = outgoing->time_ms[b];
    outgoing->number[a] = outgoing->number[b];
    outgoing->time_ms[b] = time_ms;
    outgoing->number[b] = number;
}

/* Two events of one output change places. */
static void reorder(Komet__Wire__Outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->n_tag; i++) {
        for (size_t k = i + 1; k < outgoing->n_tag && outgoing->position[i] > 0; k++) {
            if (outgoing->tag[k] == outgoing->tag[i]) {
                swap_times_and_numbers(outgoing, i, k);
                return;
            }
        }
    }
}

static void lose_last(Komet__Wire__Outgoing *outgoing)
{
    size_t count = outgoing->n_tag;
    if (count > 0 && outgoing->position[count - 1] > 0) {
        outgoing->n_tag = outgoing->n_number = outgoing->n_status_flags = outgoing->n_time_ms =
            outgoing->n_position = count - 1;
    }
}

static void make_older(Komet__Wire__Outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->n_tag; i++) {
        outgoing->status_flags[i] |= outgoing->position[i] > 0 ? OLDER_BIT : 0;
    }
}

void masters_break_told(struct world *world, wire_message *message)
{
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_OUTGOING) {
        Komet__Wire__Outgoing *outgoing = message->outgoing;
        if (world->broken == BREAK_VALUE_LOST && test_random_below(&world->random, 50) == 0) {
            lose_last(outgoing);
        } else if (world->broken == BREAK_VALUES_REORDER) {
            reorder(outgoing);
        } else if (world->broken == BREAK_VALUES_OLDER) {
            make_older(outgoing);
        }
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_MASTER_ANSWER &&
               world->broken == BREAK_ANSWER_WRONG && message->master_answer->result == COMMAND_REFUSED) {
        message->master_answer->result = COMMAND_DONE;
    }
}

bool masters_break_again(struct world *world, wire_message *message)
{
    struct sim_masters *masters = &world->masters;
    Komet__Wire__MasterCommand *command = message->master_command;
    if (world->broken != BREAK_MASTER_TWICE ||
        message->body_case != KOMET__WIRE__MESSAGE__BODY_MASTER_COMMAND || command->select) {
        return false;
    }
    uint32_t tag = masters->former_tag; /* one of another tag, which nothing is open of */
    double number = masters->former_number;
    masters->former_tag = command->tag;
    masters->former_number = command->number;
    command->id += UINT32_MAX;
    command->tag = tag;
    command->number = number;
    return number > 0 && tag != masters->former_tag;
}

bool masters_break_unheard(const struct world *world, const struct sim_kom *kom, const wire_message *message)
{
    return world->broken == BREAK_MASTERS_STAY && kom->process->serves &&
           message->body_case == KOMET__WIRE__MESSAGE__BODY_ROLE && !message->role->active;
}
