/*
 * The open commands of a line. Each is sent once or not at all and ends as exactly one of done, refused,
 * expired, unknown (architecture, "What always holds", 4). Facts: reference 1.5, 1.6 (CMDC, WTn).
 */
#include <stdio.h>
#include <string.h>

#include "line/iec104_private.h"
#include "model/conversion.h"
#include "model/station_time.h"

static void end_command(struct iec104 *line, struct open_command *command, enum command_result result,
                        const char *reason)
{
    KOMET_ASSERT(command->state != COMMAND_FREE);
    KOMET_ASSERT(line->end_count < LINE_ENDS_MAX);
    struct command_end *end = &line->ends[line->end_count++];
    end->id = command->order.id;
    end->result = result;
    end->number = command->order.number;
    end->flags = command->order.flags;
    end->cause = 0;
    snprintf(end->reason, sizeof end->reason, "%s", reason);
    command->state = COMMAND_FREE;
}

/* The station has refused a command, or the selection that goes before it. */
static void end_refused(struct iec104 *line, struct open_command *command, const struct komet_asdu *asdu)
{
    char reason[96];
    bool unknown = asdu->cause >= KOMET_COT_UNKNOWN_TYPE && asdu->cause <= KOMET_COT_UNKNOWN_IOA;
    snprintf(reason, sizeof reason, "the station refused%s%s%s", command->selecting ? " the selection" : "",
             unknown ? ": " : " (negative confirmation)", unknown ? komet_cause_name(asdu->cause) : "");
    end_command(line, command, COMMAND_REFUSED, reason);
    line->ends[line->end_count - 1].cause = unknown ? asdu->cause : 0;
}

/* ---- selections ---- */

static bool has_select(const struct tag *tag)
{
    return komet_type_find(tag->asdu)->element != KOMET_ELEMENT_BITS;
}

static void note_selection(struct iec104 *line, struct line_now now, const struct line_command *order)
{
    line->selections[line->selection_next++ % LINE_COMMANDS_MAX] =
        (struct selection){order->tag, order->number, komet_after(now.instant, LINE_SELECTION_US)};
}

/* Uses up the selection of a tag; false when there is none for that value. */
static bool take_selection(struct iec104 *line, struct line_now now, const struct line_command *order)
{
    bool found = false;
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct selection *selection = &line->selections[i];
        if (selection->tag == order->tag) {
            found = found ||
                    (selection->number == order->number && !komet_reached(now.instant, selection->until));
            selection->tag = NULL;
        }
    }
    return found;
}

/* Does a command begin with a selection? */
static bool selects_first(struct iec104 *line, struct line_now now, const struct line_command *order)
{
    if (order->kind == LINE_COMMAND_SELECT) {
        return true;
    }
    return order->kind == LINE_COMMAND_WRITE && has_select(order->tag) &&
           order->tag->station->parameters.value[PARAMETER_SBE] != 0 && !take_selection(line, now, order);
}

static bool of_tag(const struct line_command *order)
{
    return order->kind == LINE_COMMAND_WRITE || order->kind == LINE_COMMAND_SELECT;
}

/* ---- given ---- */

/* Refused before it ever was in the table. */
static void refuse(struct iec104 *line, const struct line_command *order, const char *reason)
{
    struct open_command command = {.state = COMMAND_WAITING, .order = *order};
    end_command(line, &command, COMMAND_REFUSED, reason);
}

void iec104_command(struct line_engine *engine, struct line_now now, const struct line_command *order)
{
    struct iec104 *line = (struct iec104 *)engine;
    struct open_command *room = NULL;
    unsigned mode = line->stations[order->station - line->line->stations].mode;
    bool ends_full = line->end_count + LINE_COMMANDS_MAX >= LINE_ENDS_MAX;
    KOMET_ASSERT(!ends_full); /* the caller drains line_next between commands */
    if (mode != 0) {
        refuse(line, order, station_mode_refusal(mode));
        return;
    }
    if (line->state != CONNECTION_STARTED || line->read_only) {
        refuse(line, order, "not connected");
        return;
    }
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_FREE) {
            room = room == NULL ? command : room;
        } else if ((command->order.kind == order->kind || of_tag(order)) &&
                   command->order.station == order->station && command->order.tag == order->tag) {
            refuse(line, order, "busy: the command before it has not ended");
            return;
        }
    }
    if (room == NULL) {
        refuse(line, order, "too many open commands");
        return;
    }
    if (order->kind == LINE_COMMAND_SELECT && !has_select(order->tag)) {
        refuse(line, order, "this type of command has no selection");
        return;
    }
    *room = (struct open_command){
        .state = COMMAND_WAITING, .order = *order, .selecting = selects_first(line, now, order)};
    iec104_commands_tick(line, now);
}

/* Writes an ASDU of one object and sends it. Returns our frame's number, 0 when there is no room now. */
static uint64_t send_object(struct iec104 *line, struct line_now now, uint8_t type,
                            const struct station *station, const struct komet_object *object)
{
    uint8_t *out = komet_link_reserve(line->link);
    if (out == NULL) {
        return 0;
    }
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {
        .type = type, .cause = KOMET_COT_ACTIVATION, .oa = line->line->number, .ca = station->ca};
    bool begun = komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    bool added = komet_asdu_add(&writer, object);
    KOMET_ASSERT(added);
    return komet_link_commit(line->link, now.instant, komet_asdu_end(&writer));
}

static uint8_t system_type(enum line_command_kind kind)
{
    switch (kind) {
    case LINE_COMMAND_INTERROGATE:
        return KOMET_C_IC_NA_1;
    case LINE_COMMAND_COUNTERS:
        return KOMET_C_CI_NA_1;
    case LINE_COMMAND_CLOCK:
        return KOMET_C_CS_NA_1;
    case LINE_COMMAND_WRITE:
    case LINE_COMMAND_SELECT:
        break;
    }
    KOMET_ASSERT_NEVER("not a command to a station as a whole");
}

static uint64_t send_system(struct iec104 *line, struct line_now now, const struct station *station,
                            enum line_command_kind kind, uint8_t freeze)
{
    struct komet_object object = {0};
    if (kind == LINE_COMMAND_INTERROGATE) {
        object.qualifier = 20; /* QOI: the whole station */
    } else if (kind == LINE_COMMAND_COUNTERS) {
        object.qualifier = (uint8_t)(QCC_GENERAL | (unsigned)freeze << QCC_FREEZE_SHIFT);
    } else {
        object.time_size = KOMET_TIME_CP56;
        station_time_tag(station, now.utc, &object.time);
    }
    return send_object(line, now, system_type(kind), station, &object);
}

bool iec104_commands_send_system(struct iec104 *line, struct line_now now, const struct station *station,
                                 enum line_command_kind kind, uint8_t freeze)
{
    return send_system(line, now, station, kind, freeze) != 0;
}

static void send_command(struct iec104 *line, struct line_now now, struct open_command *command)
{
    const struct line_command *order = &command->order;
    uint64_t frame;
    if (of_tag(order)) {
        struct komet_object object;
        char fault[CONVERSION_FAULT_SIZE];
        value_flags flags = order->tag->station->parameters.value[PARAMETER_NF] != 0 ? 0 : order->flags;
        if (!object_from_number(order->tag, &command->order.number, flags, now.utc, &object, fault)) {
            end_command(line, command, COMMAND_REFUSED, fault);
            return;
        }
        command->type = order->tag->asdu;
        object.select = object.select || command->selecting;
        frame = send_object(line, now, command->type, order->tag->station, &object);
    } else {
        command->type = system_type(order->kind);
        frame = send_system(line, now, order->station, order->kind, 0);
    }
    if (frame != 0) {
        command->state = COMMAND_SENT;
        command->frame = frame;
        command->confirm_by = komet_after(now.instant, KOMET_MS(iec104_parameter(line, PARAMETER_WTN)));
        line->counters.commands++;
    }
}

void iec104_commands_tick(struct iec104 *line, struct line_now now)
{
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_WAITING && komet_reached(now.instant, command->order.deadline)) {
            end_command(line, command, COMMAND_EXPIRED, "not sent before its deadline");
        } else if (command->state == COMMAND_WAITING && line->state == CONNECTION_STARTED) {
            send_command(line, now, command);
        } else if (command->state == COMMAND_SENT && komet_reached(now.instant, command->confirm_by)) {
            bool selecting = command->selecting; /* then it was not executed */
            end_command(line, command, selecting ? COMMAND_REFUSED : COMMAND_UNKNOWN,
                        selecting ? "the station did not confirm the selection within WTn"
                                  : "no confirmation within WTn");
            iec104_drop(line, now, KOMET_CONFIRMATION_TIMEOUT, true);
            return; /* which ended all the others */
        }
    }
}

struct komet_instant iec104_commands_deadline(const struct iec104 *line)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        const struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_WAITING) {
            deadline = komet_earlier(deadline, command->order.deadline);
        } else if (command->state == COMMAND_SENT) {
            deadline = komet_earlier(deadline, command->confirm_by);
        }
    }
    return deadline;
}

void iec104_commands_abandon(struct iec104 *line, const char *why)
{
    late_answers_forget(&line->late, 0);
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_WAITING) {
            end_command(line, command, COMMAND_REFUSED, why);
        } else if (command->state == COMMAND_SENT) {
            end_command(line, command, command->selecting ? COMMAND_REFUSED : COMMAND_UNKNOWN, why);
        }
    }
    memset(line->selections, 0, sizeof line->selections); /* none outlives its connection */
}

/* What a command goes to is there still, and is spoken with as it was when the command was given. */
static bool is_kept(const struct iec104 *line, const struct line_command *order,
                    const struct site_difference *difference)
{
    if (of_tag(order)) {
        const struct tag *tag = tag_kept(difference, order->tag);
        return tag != NULL && tag->station->ca == order->station->ca;
    }
    const struct station *station = difference_station(difference, order->station);
    return station != NULL && station->line == line->line && station->ca == order->station->ca;
}

void iec104_commands_move(struct iec104 *line, const struct site_difference *difference)
{
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_FREE) {
            continue;
        }
        if (!is_kept(line, &command->order, difference)) {
            bool executed = command->state == COMMAND_SENT && !command->selecting;
            end_command(line, command, executed ? COMMAND_UNKNOWN : COMMAND_REFUSED,
                        "what it goes to was removed or changed (RELOAD)");
        } else {
            const struct line_command *order = &command->order;
            command->order.station = difference_station(difference, order->station);
            command->order.tag = order->tag != NULL ? difference_tag(difference, order->tag) : NULL;
        }
    }
    late_answers_move(&line->late, difference);
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        line->selections[i].tag = tag_kept(difference, line->selections[i].tag);
    }
}

void iec104_commands_withdraw(struct iec104 *line, const struct station *station, const char *why)
{
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_WAITING && command->order.station == station) {
            end_command(line, command, COMMAND_REFUSED, why);
        }
    }
}

/* Which COT ends a command, by CMDC; a system command ends with its termination, the clock with its con. */
static bool cause_ends(const struct open_command *command, uint8_t cause)
{
    bool con = cause == KOMET_COT_ACTIVATION_CON, termination = cause == KOMET_COT_ACTIVATION_TERMINATION;
    if (command->order.kind == LINE_COMMAND_CLOCK) {
        return con;
    }
    if (command->order.kind != LINE_COMMAND_WRITE) {
        return termination;
    }
    switch (command->order.tag->station->parameters.value[PARAMETER_CMDC]) {
    case 1:
        return con;
    case 2:
        return termination;
    case 3:
        return con || termination;
    default:
        return false; /* 0: the acknowledgement of its frame ends it */
    }
}

static void expect_late(struct iec104 *line, const struct open_command *command, uint8_t cause)
{
    if (command->order.kind == LINE_COMMAND_WRITE) {
        late_answers_expect(&line->late, 0, command->order.tag, cause);
    }
}

static bool matches(const struct open_command *command, const struct komet_asdu *asdu,
                    const struct komet_object *object)
{
    if (command->state != COMMAND_SENT || command->type != asdu->type) {
        return false;
    }
    if (!of_tag(&command->order)) {
        return command->order.station->ca == asdu->ca;
    }
    bool select =
        command->selecting || ((command->order.flags & FLAG_SELECT) != 0 && has_select(command->order.tag));
    return command->order.tag->station->ca == asdu->ca && command->order.tag->ioa == object->ioa &&
           object->select == select;
}

/* The value in the confirmation is what the station took over (reference, CMDC). */
static void take_value_back(struct open_command *command, const struct komet_asdu *asdu,
                            const struct komet_object *object)
{
    if (command->order.kind != LINE_COMMAND_WRITE) {
        return;
    }
    command->order.flags = komet_object_status_octet(asdu, object);
    command->order.number = number_from_confirmation(command->order.tag, object);
}

/* The answer to a selection: the execution follows, or it was all that was asked. */
static void take_selected(struct iec104 *line, struct line_now now, struct open_command *command,
                          const struct komet_asdu *asdu)
{
    if (asdu->negative || asdu->cause >= KOMET_COT_UNKNOWN_TYPE) {
        end_refused(line, command, asdu);
    } else if (asdu->cause == KOMET_COT_ACTIVATION_CON && command->order.kind == LINE_COMMAND_SELECT) {
        note_selection(line, now, &command->order);
        end_command(line, command, COMMAND_DONE, "");
    } else if (asdu->cause == KOMET_COT_ACTIVATION_CON) {
        command->selecting = false;
        command->state = COMMAND_WAITING; /* to be executed */
        iec104_commands_tick(line, now);
    }
}

void iec104_commands_confirm(struct iec104 *line, struct line_now now, const struct komet_asdu *asdu)
{
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    if (late_answers_take(&line->late, 0, asdu, &object)) {
        return;
    }
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (!matches(command, asdu, &object)) {
            continue;
        }
        if (command->selecting) {
            take_selected(line, now, command, asdu);
            return;
        }
        bool unknown = asdu->cause >= KOMET_COT_UNKNOWN_TYPE && asdu->cause <= KOMET_COT_UNKNOWN_IOA;
        if (unknown || (asdu->negative && asdu->cause == KOMET_COT_ACTIVATION_CON) ||
            (asdu->negative && cause_ends(command, asdu->cause))) {
            end_refused(line, command, asdu);
        } else if (cause_ends(command, asdu->cause)) {
            take_value_back(command, asdu, &object);
            expect_late(line, command, asdu->cause);
            end_command(line, command, COMMAND_DONE, "");
        }
        return;
    }
}

void iec104_commands_acknowledged(struct iec104 *line, uint64_t frame)
{
    for (unsigned i = 0; i < LINE_COMMANDS_MAX; i++) {
        struct open_command *command = &line->commands[i];
        if (command->state == COMMAND_SENT && !command->selecting && command->frame <= frame &&
            command->order.kind == LINE_COMMAND_WRITE &&
            command->order.tag->station->parameters.value[PARAMETER_CMDC] == 0) {
            expect_late(line, command, 0);
            end_command(line, command, COMMAND_DONE, "");
        }
    }
}
