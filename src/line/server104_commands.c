/*
 * What masters ask: interrogations, reads, clock and test are answered by the station (komet_station) from
 * the table of points; commands go to the server, which says how they ended, and are confirmed by CMDC only
 * then.
 *
 * A command's frame is acknowledged when the command is on disk; those behind it wait for that, since N(R)
 * speaks for all before it.
 */
#include <stdio.h>
#include <string.h>

#include "line/server104_private.h"
#include "model/filter.h"
#include "model/server_value.h"

/* ---- which command is whose ---- */

static struct server104_command *find_command(struct server104 *line, uint64_t id)
{
    for (unsigned i = 0; i < SERVER104_COMMANDS_MAX; i++) {
        if (line->commands[i].id == id) {
            return &line->commands[i];
        }
    }
    return NULL;
}

void server104_forget_commands(struct server104 *line, uint32_t serial)
{
    for (unsigned i = 0; i < SERVER104_COMMANDS_MAX; i++) {
        if (line->commands[i].serial == serial) {
            line->commands[i].id = 0;
        }
    }
}

/* Acknowledges what may be: all up to the oldest command that is not on disk. */
static void acknowledge(struct server104 *line, struct line_now now, const struct server104_slot *slot)
{
    uint64_t frame = slot->received;
    for (unsigned i = 0; i < SERVER104_COMMANDS_MAX; i++) {
        const struct server104_command *command = &line->commands[i];
        if (command->id != 0 && command->serial == slot->serial && !command->stored &&
            command->frame <= frame) {
            frame = command->frame - 1;
        }
    }
    if (frame > 0) {
        komet_group_acknowledge(line->groups[slot->group].group, now.instant, slot->c, frame);
    }
}

/* ---- commands ---- */

/* A command that goes no further: confirmed, or refused. */
static void end_here(struct server104 *line, struct line_now now, const struct server104_slot *slot,
                     const struct komet_station_event *event, bool accepted)
{
    struct komet_station *station = line->groups[slot->group].station;
    if (komet_station_confirm(station, now.instant, event->id, accepted) && accepted &&
        !event->object.select) {
        komet_station_finish(station, event->id, true);
    }
}

static void hand_on(struct server104 *line, struct server104_slot *slot, struct server104_command *command,
                    const struct komet_station_event *event, const struct tag *tag, const struct value *value,
                    uint64_t frame)
{
    char host[NETWORK_ADDRESS_TEXT_SIZE];
    *command = (struct server104_command){.id = ++line->next_id,
                                          .tag = tag,
                                          .group = slot->group,
                                          .station_id = event->id,
                                          .select = event->object.select,
                                          .serial = slot->serial,
                                          .frame = frame};
    network_address_text(&slot->peer, host);
    KOMET_ASSERT(!line->master_waits);
    line->master_waits = true;
    line->master = (struct line_master_command){
        .id = command->id, .tag = tag, .value = *value, .select = event->object.select};
    snprintf(line->master.master, sizeof line->master.master, "%.22s %s", line->line->name, host);
    line->counters.commands++;
}

static void take_command(struct server104 *line, struct line_now now, struct server104_slot *slot,
                         const struct komet_asdu *asdu, const struct komet_station_event *event,
                         uint64_t frame)
{
    const struct tag *tag = line->tags[event->point];
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    struct value value = server_value_commanded(tag, asdu, &object, now.utc);
    struct server104_command *room = find_command(line, 0);
    if (!server104_speaks(line, tag->station) || room == NULL || value.status == STATUS_INVALID) {
        end_here(line, now, slot, event, false);
        return;
    }
    if (!event->object.select) {
        switch (filter_value(tag->processing, &line->last[tag->number - line->first_tag], &value)) {
        case FILTER_PASSES:
            break;
        case FILTER_DISCARDS:
            line->counters.discarded++;
            end_here(line, now, slot, event, false);
            return;
        case FILTER_UNCHANGED: /* it has that value already */
            line->counters.unchanged++;
            end_here(line, now, slot, event, true);
            return;
        }
    }
    hand_on(line, slot, room, event, tag, &value, frame);
}

static void take_event(struct server104 *line, struct line_now now, struct server104_slot *slot,
                       const struct komet_asdu *asdu, const struct komet_station_event *event, uint64_t frame)
{
    struct komet_station *station = line->groups[slot->group].station;
    switch (event->kind) {
    case KOMET_STATION_COMMAND:
        take_command(line, now, slot, asdu, event, frame);
        return;
    case KOMET_STATION_PARAMETER:
    case KOMET_STATION_PARAMETER_ACTIVATION: /* no point is one */
        komet_station_confirm(station, now.instant, event->id, false);
        return;
    case KOMET_STATION_FREEZE: /* our counters are read where they count */
    case KOMET_STATION_CLOCK:  /* confirmed; our clock is not set by masters */
    case KOMET_STATION_RESET:  /* confirmed; nothing here starts anew for a master */
    case KOMET_STATION_NOTHING:
        return;
    }
    KOMET_ASSERT_NEVER("an unknown event of a station");
}

void server104_receive(struct server104 *line, struct line_now now, struct server104_slot *slot,
                       const uint8_t *octets, size_t size, uint64_t frame)
{
    struct komet_station_event event;
    struct komet_asdu asdu;
    line->counters.frames++;
    switch (komet_station_receive(line->groups[slot->group].station, now.instant, now.utc, slot->c, octets,
                                  size, &event)) {
    case KOMET_STATION_TAKEN:
        break;
    case KOMET_STATION_BAD_ASDU:
        server104_close(line, slot, KOMET_BAD_ASDU);
        return;
    case KOMET_STATION_FULL: /* it asks and asks, and takes no answer */
        server104_close(line, slot, KOMET_OUTPUT_FULL);
        return;
    }
    slot->received = frame;
    if (komet_asdu_decode(&komet_profile_104, octets, size, &asdu) == KOMET_ASDU_OK) {
        take_event(line, now, slot, &asdu, &event, frame);
    }
    acknowledge(line, now, slot);
}

void server104_master_stored(struct line_engine *engine, struct line_now now, uint64_t id)
{
    struct server104 *line = (struct server104 *)engine;
    struct server104_command *command = id != 0 ? find_command(line, id) : NULL;
    struct server104_slot *slot = command != NULL ? server104_slot(line, command->serial) : NULL;
    if (slot != NULL) {
        command->stored = true;
        acknowledge(line, now, slot);
    }
}

void server104_master_answer(struct line_engine *engine, struct line_now now, uint64_t id,
                             enum command_result result, uint8_t cause)
{
    struct server104 *line = (struct server104 *)engine;
    struct server104_command *command = id != 0 ? find_command(line, id) : NULL;
    if (command == NULL) {
        return;
    }
    struct komet_station *station = line->groups[command->group].station;
    struct server104_slot *slot = server104_slot(line, command->serial);
    struct server104_command ended = *command;
    bool done = result == COMMAND_DONE;
    command->id = 0;
    if (!done && cause != 0) {
        komet_station_refuse(station, ended.station_id, cause);
    } else if (komet_station_confirm(station, now.instant, ended.station_id, done) && done && !ended.select) {
        komet_station_finish(station, ended.station_id, true);
    }
    if (slot != NULL) {
        acknowledge(line, now, slot);
        server104_answer(line, now, slot);
    }
}

/* ---- answers ---- */

/* CMDC: which confirmations of an executed command go out. What refuses always does. */
static bool goes_out(const struct server104 *line, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    struct komet_object object;
    bool read = komet_asdu_decode(&komet_profile_104, octets, size, &asdu) == KOMET_ASDU_OK;
    KOMET_ASSERT(read);
    bool termination = asdu.cause == KOMET_COT_ACTIVATION_TERMINATION;
    if (asdu.row->direction != KOMET_CONTROL || asdu.negative ||
        (asdu.cause != KOMET_COT_ACTIVATION_CON && !termination)) {
        return true;
    }
    komet_asdu_object(&asdu, 0, &object);
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        if (station->ca == asdu.ca && !object.select) {
            int64_t confirms = station->parameters.value[PARAMETER_CMDC];
            return (confirms & (termination ? 2 : 1)) != 0;
        }
    }
    return true;
}

void server104_answer(struct server104 *line, struct line_now now, struct server104_slot *slot)
{
    struct server104_group *group = &line->groups[slot->group];
    while (slot->state == CONNECTION_STARTED && !line->lacks_values &&
           komet_station_pending(group->station, slot->c)) {
        uint8_t *place = komet_group_reserve(group->group, slot->c);
        if (place == NULL) {
            return;
        }
        size_t size = komet_station_write(group->station, now.instant, now.utc, slot->c, place);
        if (size > 0 && goes_out(line, place, size)) {
            komet_group_commit(group->group, now.instant, slot->c, size);
        }
    }
    komet_group_forget_send(group->group, slot->c);
}
