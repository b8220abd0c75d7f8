/*
 * command: selections, and what waits for the host or is being executed. A selection holds for its
 * connection, originator, type, value and qualifier, and for a while; a command that was accepted is
 * confirmed once and, when it has ended, terminated once.
 */
#include "rig.h"

#define NOT_YET UINT64_MAX

enum { BREAKER_STATE = 1 }; /* the point that tells of a command */

static void expire(struct rig *rig)
{
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[i];
        if (command->is == COMMAND_IS_SELECTED && rig->now.us >= command->until.us) {
            command->is = COMMAND_IS_FREE;
        }
    }
}

struct open_command *command_at(struct rig *rig, size_t point)
{
    expire(rig);
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[i];
        bool one = command->is != COMMAND_IS_FREE && command->is != COMMAND_IS_PARAMETER_ASKED;
        if (one && command->point == point) {
            return command;
        }
    }
    return NULL;
}

struct open_command *command_open(struct rig *rig, const struct request *request, size_t point,
                                  enum command_is is)
{
    const struct komet_asdu *asdu = request->asdu;
    expire(rig);
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[i];
        if (command->is == COMMAND_IS_FREE) {
            *command = (struct open_command){.is = is,
                                             .c = request->c,
                                             .point = point,
                                             .type = asdu->type,
                                             .oa = asdu->oa,
                                             .bits = request->object->value.bits,
                                             .qualifier = request->object->qualifier,
                                             .object = *request->object,
                                             .information = NOT_YET};
            command->message.size = (uint8_t)asdu->size;
            memcpy(command->message.octets, asdu->octets, asdu->size);
            return command;
        }
    }
    return NULL;
}

unsigned command_promises(const struct rig *rig, unsigned c)
{
    unsigned promises = 0;
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        enum command_is is = rig->commands[i].is;
        if (is != COMMAND_IS_FREE && is != COMMAND_IS_SELECTED && rig->commands[i].c == c) {
            promises += is == COMMAND_IS_ASKED ? 2 : 1;
        }
    }
    return promises;
}

void command_forget(struct rig *rig, unsigned c)
{
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[i];
        if (command->is != COMMAND_IS_FREE && command->c == c) {
            rig->forgotten_id = command->id;
            command->is = COMMAND_IS_FREE;
        }
    }
}

void command_answer_late(struct rig *rig)
{
    if (rig->forgotten_id != 0) {
        check(!komet_station_confirm(rig->station, rig->now, rig->forgotten_id, true));
        check(!komet_station_refuse(rig->station, rig->forgotten_id, KOMET_COT_UNKNOWN_CA));
        check(!komet_station_finish(rig->station, rig->forgotten_id, true));
    }
}

static bool waits(const struct open_command *command)
{
    return command->is == COMMAND_IS_ASKED || command->is == COMMAND_IS_SELECT_ASKED ||
           command->is == COMMAND_IS_PARAMETER_ASKED;
}

static void accept(struct rig *rig, struct open_command *command)
{
    switch (command->is) {
    case COMMAND_IS_SELECT_ASKED:
        command->is = COMMAND_IS_SELECTED;
        command->until = komet_after(rig->now, SELECT_US);
        return;
    case COMMAND_IS_ASKED:
        command->is = COMMAND_IS_OPEN;
        rig->counters.executed++;
        return;
    case COMMAND_IS_PARAMETER_ASKED:
        command->is = COMMAND_IS_FREE;
        if (command->type != KOMET_P_AC_NA_1) {
            check(rig->points[command->point].object.value.bits == command->bits);
        }
        return;
    case COMMAND_IS_FREE:
    case COMMAND_IS_SELECTED:
    case COMMAND_IS_OPEN:
        check(false);
    }
}

static void confirm(struct rig *rig, struct open_command *command, bool accepted)
{
    uint8_t asked = command->message.octets[2] & 0x3F;
    uint8_t cause = asked == KOMET_COT_DEACTIVATION ? KOMET_COT_DEACTIVATION_CON : KOMET_COT_ACTIVATION_CON;
    check(komet_station_confirm(rig->station, rig->now, command->id, accepted));
    answers_octets(rig, command->c, &command->message, cause, !accepted);
    if (accepted) {
        accept(rig, command);
        return;
    }
    rig->counters.refused++;
    command->is = COMMAND_IS_FREE;
}

/* It may end when its return information has left. */
static bool may_finish(const struct rig *rig, const struct open_command *command)
{
    return command->is == COMMAND_IS_OPEN && command->information != NOT_YET &&
           komet_group_counters(rig->group).events_sent >= command->information;
}

static void finish(struct rig *rig, struct open_command *command, bool done)
{
    check(komet_station_finish(rig->station, command->id, done));
    check(!komet_station_finish(rig->station, command->id, done)); /* once */
    answers_octets(rig, command->c, &command->message, KOMET_COT_ACTIVATION_TERMINATION, !done)->after =
        command->information;
    command->is = COMMAND_IS_FREE;
}

void command_confirm(struct rig *rig, unsigned from, bool accepted)
{
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[(from + i) % rig->settings.commands];
        if (waits(command)) {
            confirm(rig, command, accepted);
            return;
        }
    }
}

void command_finish(struct rig *rig, unsigned from, bool done)
{
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[(from + i) % rig->settings.commands];
        if (may_finish(rig, command)) {
            finish(rig, command, done);
            return;
        }
    }
}

bool command_do(struct rig *rig)
{
    bool any = rig->reset_asked;
    if (rig->reset_asked) {
        rig->reset_asked = false;
        events_initialized(rig);
    }
    for (unsigned i = 0; i < rig->settings.commands; i++) {
        struct open_command *command = &rig->commands[i];
        if (command->is == COMMAND_IS_OPEN && command->information == NOT_YET) {
            bool told = events_of_point(rig, BREAKER_STATE, KOMET_COT_RETURN_REMOTE);
            command->information = told ? rig->events.count : 0;
            any = true;
        } else if (!rig->host_is_slow && waits(command)) {
            confirm(rig, command, command->bits % 8 != 7);
            any = true;
        } else if (!rig->host_is_slow && may_finish(rig, command)) {
            finish(rig, command, true);
            any = true;
        }
    }
    return any;
}
