/*
 * The open commands of a Sinaut line. Each goes to the HOT partner, once or not at all, and ends as exactly
 * one of done, refused, expired, unknown (architecture, "What always holds", 4). Facts: reference 1.5, 1.6
 * (CMDC, WTn).
 *
 * A confirmation is known by the partner, its type, common address and object address, not by its originator.
 * A command on a path that ends before it is confirmed is unknown, and is not sent on the other path. Its
 * confirmation may still come on that one, since a partner answers where its data goes: until it has, or WTn
 * is over, no other command goes to that object.
 */
#include <stdio.h>

#include "line/sinaut_private.h"
#include "model/conversion.h"

static const char not_connected[] = "not connected";

static void end_command(struct sinaut *line, struct sinaut_command *command, enum command_result result,
                        const char *reason)
{
    KOMET_ASSERT(command->state == SINAUT_WAITING || command->state == SINAUT_SENT);
    KOMET_ASSERT(line->end_count < SINAUT_ENDS_MAX);
    struct sinaut_end *end = &line->ends[line->end_count++];
    end->id = command->order.id;
    end->result = result;
    end->number = command->order.number;
    end->flags = command->order.flags;
    end->answered = command->answered;
    end->current = false;
    end->cause = 0;
    snprintf(end->reason, sizeof end->reason, "%s", reason);
    command->state = SINAUT_FREE;
}

/* Nothing is known of what was sent; the partner may still answer a write. */
static void end_unknown(struct sinaut *line, struct sinaut_command *command, const char *reason)
{
    end_command(line, command, COMMAND_UNKNOWN, reason);
    command->state = command->order.kind == LINE_COMMAND_WRITE ? SINAUT_OWED : SINAUT_FREE;
}

/* Ends before it ever was in the table. */
static void end_at_once(struct sinaut *line, const struct line_command *order, enum command_result result,
                        const char *reason)
{
    struct sinaut_command command = {.state = SINAUT_WAITING, .order = *order};
    end_command(line, &command, result, reason);
}

/* An output that sends its value: it has it in any case, and is refused when nobody gets it now. */
static void write_value(struct sinaut *line, struct line_now now, const struct line_command *order)
{
    struct value value = {.number = order->number,
                          .status = STATUS_VALID,
                          .flags = order->flags,
                          .asdu_type = order->tag->asdu,
                          .time_origin = TIME_OF_ARRIVAL,
                          .time = now.utc,
                          .arrived = now.utc};
    bool sent;
    const char *misfit = sinaut_outgoing_value(line, order->tag, &value, &sent);
    if (misfit != NULL) {
        end_at_once(line, order, COMMAND_REFUSED, misfit);
    } else {
        end_at_once(line, order, sent ? COMMAND_DONE : COMMAND_REFUSED, sent ? "" : not_connected);
        line->ends[line->end_count - 1].current = !sent;
    }
}

/* The two go to the same object of the partner, which could not tell their confirmations apart. */
static bool same_object(const struct line_command *a, const struct line_command *b)
{
    if (a->kind != b->kind || a->station != b->station) {
        return false;
    }
    return a->kind != LINE_COMMAND_WRITE || (a->tag->asdu == b->tag->asdu && a->tag->ioa == b->tag->ioa);
}

/* Why a command cannot be taken; NULL: it can. */
static const char *refusal(const struct sinaut *line, const struct line_command *order)
{
    unsigned hot = partners_hot(&line->partners);
    if (order->kind == LINE_COMMAND_CLOCK && !line->manner->serves) {
        return "the protocol has no clock synchronisation";
    }
    if (order->kind == LINE_COMMAND_SELECT) { /* a partner's input tag has one value, and no selection */
        return "the protocol has no selection: S/E is flag H of a write";
    }
    if (hot == PARTNERS_NOBODY) {
        bool any =
            sinaut_data_path(line, 0) != PARTNERS_NO_PATH || sinaut_data_path(line, 1) != PARTNERS_NO_PATH;
        return any ? "no partner is known to be HOT" : not_connected;
    }
    for (unsigned i = 0; i < line->command_end; i++) {
        const struct sinaut_command *before = &line->commands[i];
        if (before->state == SINAUT_OWED && sinaut_partner_of(before->path) != hot) {
            continue;
        }
        if (before->state != SINAUT_FREE && same_object(&before->order, order)) {
            return before->state == SINAUT_OWED
                       ? "busy: the command before it ended as unknown, and may still be answered"
                       : "busy: the command before it has not ended";
        }
    }
    return NULL;
}

void sinaut_commands_order(struct sinaut *line, struct line_now now, const struct line_command *order)
{
    unsigned mode = line->stations[order->station - line->line->stations].mode;
    const char *why = mode != 0      ? station_mode_refusal(mode)
                      : line->active ? NULL
                                     : "this instance is passive";
    KOMET_ASSERT(line->end_count + SINAUT_COMMANDS_MAX < SINAUT_ENDS_MAX); /* drained between commands */
    if (why == NULL && order->kind == LINE_COMMAND_WRITE && tag_sends_value(order->tag)) {
        write_value(line, now, order);
        return;
    }
    why = why != NULL ? why : refusal(line, order);
    for (unsigned i = 0; i < SINAUT_COMMANDS_MAX && why == NULL; i++) {
        if (line->commands[i].state == SINAUT_FREE) {
            line->commands[i] = (struct sinaut_command){.state = SINAUT_WAITING, .order = *order};
            line->command_end = i < line->command_end ? line->command_end : i + 1;
            sinaut_commands_work(line, now);
            return;
        }
    }
    end_at_once(line, order, COMMAND_REFUSED, why != NULL ? why : "too many open commands");
}

/* ---- sending ---- */

/* Writes a command of one object and sends it. Our frame's number; 0: no room now. */
static uint64_t send_write(struct sinaut *line, struct line_now now, unsigned partner,
                           struct sinaut_command *command)
{
    const struct tag *tag = command->order.tag;
    struct komet_object object;
    char fault[CONVERSION_FAULT_SIZE];
    value_flags flags = tag->station->parameters.value[PARAMETER_NF] != 0 ? 0 : command->order.flags;
    uint8_t *out = sinaut_reserve(line, partner);
    if (out == NULL) {
        return 0;
    }
    if (!object_from_number(tag, &command->order.number, flags, now.utc, &object, fault)) {
        end_command(line, command, COMMAND_REFUSED, fault);
        return 0;
    }
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {
        .type = tag->asdu, .cause = KOMET_COT_ACTIVATION, .oa = line->line->number, .ca = tag->station->ca};
    bool begun = komet_asdu_begin(&writer, line->manner->profile, &header, out, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    bool added = komet_asdu_add(&writer, &object);
    KOMET_ASSERT(added);
    return sinaut_commit(line, now, partner, komet_asdu_end(&writer));
}

static void send_command(struct sinaut *line, struct line_now now, struct sinaut_command *command)
{
    unsigned hot = partners_hot(&line->partners);
    const struct line_command *order = &command->order;
    uint64_t frame;
    if (hot == PARTNERS_NOBODY) {
        end_command(line, command, COMMAND_REFUSED, "no partner is known to be HOT");
        return;
    }
    if (order->kind == LINE_COMMAND_WRITE) {
        command->type = order->tag->asdu;
        frame = send_write(line, now, hot, command);
    } else if (order->kind == LINE_COMMAND_CLOCK) {
        command->type = KOMET_C_CS_NA_1;
        frame = sinaut_set_clock(line, now, hot, order->station);
    } else {
        command->type = order->kind == LINE_COMMAND_INTERROGATE ? KOMET_C_IC_NA_1 : KOMET_C_CI_NA_1;
        frame = sinaut_interrogate(line, now, hot, command->type, order->station->ca, 0);
    }
    if (frame != 0) {
        command->state = SINAUT_SENT;
        command->path = (uint8_t)sinaut_data_path(line, hot);
        command->frame = frame;
        command->confirm_by = sinaut_wtn(line, now);
        line->counters.commands++;
    }
}

void sinaut_commands_work(struct sinaut *line, struct line_now now)
{
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        if (command->state == SINAUT_WAITING && komet_reached(now.instant, command->order.deadline)) {
            end_command(line, command, COMMAND_EXPIRED, "not sent before its deadline");
        } else if (command->state == SINAUT_WAITING) {
            send_command(line, now, command);
        } else if (command->state == SINAUT_SENT && komet_reached(now.instant, command->confirm_by)) {
            bool write = command->order.kind == LINE_COMMAND_WRITE;
            unsigned path = command->path;
            end_command(line, command, COMMAND_UNKNOWN, "no confirmation within WTn");
            if (write) { /* S2: a missing answer to an interrogation closes nothing */
                sinaut_drop(line, now, path, KOMET_CONFIRMATION_TIMEOUT, true);
            }
        } else if (command->state == SINAUT_OWED && komet_reached(now.instant, command->confirm_by)) {
            command->state = SINAUT_FREE;
        }
    }
    while (line->command_end > 0 && line->commands[line->command_end - 1].state == SINAUT_FREE) {
        line->command_end--;
    }
}

struct komet_instant sinaut_commands_deadline(const struct sinaut *line)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned i = 0; i < line->command_end; i++) {
        const struct sinaut_command *command = &line->commands[i];
        if (command->state == SINAUT_WAITING) {
            deadline = komet_earlier(deadline, command->order.deadline);
        } else if (command->state != SINAUT_FREE) {
            deadline = komet_earlier(deadline, command->confirm_by);
        }
    }
    return deadline;
}

/* No answer of the partner's can come any more. */
static void forget_owed(struct sinaut *line, unsigned partner)
{
    late_answers_forget(&line->late, partner);
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        if (command->state == SINAUT_OWED && sinaut_partner_of(command->path) == partner) {
            command->state = SINAUT_FREE;
        }
    }
}

static bool any_started(const struct sinaut *line, unsigned partner)
{
    bool any = false;
    for (unsigned network = 0; network < PARTNERS_NETWORKS; network++) {
        any = any || line->path[partner * PARTNERS_NETWORKS + network].state == CONNECTION_STARTED;
    }
    return any;
}

void sinaut_commands_abandon(struct sinaut *line, unsigned path, const char *why)
{
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        if (command->state == SINAUT_SENT && (path == PARTNERS_NO_PATH || command->path == path)) {
            end_unknown(line, command, why);
        } else if (command->state == SINAUT_WAITING && path == PARTNERS_NO_PATH) {
            end_command(line, command, COMMAND_REFUSED, why);
        }
    }
    for (unsigned partner = 0; partner < PARTNERS_MAX; partner++) {
        if (path == PARTNERS_NO_PATH || !any_started(line, partner)) {
            forget_owed(line, partner);
        }
    }
}

/* What a command goes to is there still, and is spoken with as it was when the command was given. */
static bool is_kept(const struct sinaut *line, const struct line_command *order,
                    const struct site_difference *difference)
{
    if (order->tag != NULL) {
        const struct tag *tag = tag_kept(difference, order->tag);
        return tag != NULL && tag->station->ca == order->station->ca;
    }
    const struct station *station = difference_station(difference, order->station);
    return station != NULL && station->line == line->line && station->ca == order->station->ca;
}

void sinaut_commands_move(struct sinaut *line, const struct site_difference *difference)
{
    late_answers_move(&line->late, difference);
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        struct line_command *order = &command->order;
        if (command->state == SINAUT_FREE) {
            continue;
        }
        if (!is_kept(line, order, difference) && command->state == SINAUT_OWED) {
            command->state = SINAUT_FREE;
        } else if (!is_kept(line, order, difference)) {
            end_command(line, command, command->state == SINAUT_SENT ? COMMAND_UNKNOWN : COMMAND_REFUSED,
                        "what it goes to was removed or changed (RELOAD)");
        } else {
            order->station = difference_station(difference, order->station);
            order->tag = order->tag != NULL ? difference_tag(difference, order->tag) : NULL;
        }
    }
}

void sinaut_commands_withdraw(struct sinaut *line, const struct station *station, const char *why)
{
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        if (command->state == SINAUT_WAITING && command->order.station == station) {
            end_command(line, command, COMMAND_REFUSED, why);
        }
    }
}

/* ---- confirmation ---- */

static int64_t cmdc_of(const struct sinaut_command *command)
{
    return command->order.tag->station->parameters.value[PARAMETER_CMDC];
}

/* Which cause ends a command, by CMDC; an interrogation ends with its termination, the clock is set with its
 * confirmation. */
static bool cause_ends(const struct sinaut_command *command, uint8_t cause)
{
    bool con = cause == KOMET_COT_ACTIVATION_CON, termination = cause == KOMET_COT_ACTIVATION_TERMINATION;
    if (command->order.kind == LINE_COMMAND_CLOCK) {
        return con;
    }
    if (command->order.kind != LINE_COMMAND_WRITE) {
        return termination;
    }
    switch (cmdc_of(command)) {
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

/* Says no: what CMDC waits for, or anything else behind which nothing more comes (our extension). */
static bool refuses(const struct sinaut_command *command, const struct komet_asdu *asdu)
{
    bool unknown = asdu->cause >= KOMET_COT_UNKNOWN_TYPE && asdu->cause <= KOMET_COT_UNKNOWN_IOA;
    bool waits = command->order.kind != LINE_COMMAND_WRITE || cmdc_of(command) != 0;
    return asdu->negative && waits &&
           (unknown || cause_ends(command, asdu->cause) ||
            (asdu->cause == KOMET_COT_ACTIVATION_CON &&
             (command->order.kind != LINE_COMMAND_WRITE || cmdc_of(command) == 2)));
}

static bool matches(const struct sinaut_command *command, unsigned partner, const struct komet_asdu *asdu,
                    const struct komet_object *object)
{
    return (command->state == SINAUT_SENT || command->state == SINAUT_OWED) &&
           sinaut_partner_of(command->path) == partner && command->type == asdu->type &&
           command->order.station->ca == asdu->ca &&
           (command->order.kind != LINE_COMMAND_WRITE || command->order.tag->ioa == object->ioa);
}

/* The value in the confirmation is what the partner took over; its status octet counts in any case. */
static void take_back(struct sinaut_command *command, const struct komet_asdu *asdu,
                      const struct komet_object *object)
{
    if (command->order.kind == LINE_COMMAND_WRITE) {
        command->answered = true;
        command->order.flags = komet_object_status_octet(asdu, object);
        command->order.number = number_from_confirmation(command->order.tag, object);
    }
}

/* `last`: nothing follows, as behind the confirmation of a selection. */
static void expect_late(struct sinaut *line, const struct sinaut_command *command, uint8_t cause, bool last)
{
    if (command->order.kind == LINE_COMMAND_WRITE && !last) {
        late_answers_expect(&line->late, sinaut_partner_of(command->path), command->order.tag, cause);
    }
}

void sinaut_commands_confirm(struct sinaut *line, unsigned partner, const struct komet_asdu *asdu)
{
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    if (late_answers_take(&line->late, partner, asdu, &object)) {
        return;
    }
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        if (!matches(command, partner, asdu, &object)) {
            continue;
        }
        if (command->state == SINAUT_OWED) {
            command->state = SINAUT_FREE;
            expect_late(line, command, asdu->cause, object.select || asdu->negative);
            return;
        }
        if (refuses(command, asdu)) {
            char reason[96];
            bool unknown = asdu->cause >= KOMET_COT_UNKNOWN_TYPE;
            snprintf(reason, sizeof reason, "the partner refused: %s", komet_cause_name(asdu->cause));
            take_back(command, asdu, &object);
            end_command(line, command, COMMAND_REFUSED,
                        unknown ? reason : "the partner refused (negative confirmation)");
            line->ends[line->end_count - 1].cause = unknown ? asdu->cause : 0;
        } else if (!asdu->negative && cause_ends(command, asdu->cause)) {
            take_back(command, asdu, &object);
            expect_late(line, command, asdu->cause, object.select);
            end_command(line, command, COMMAND_DONE, "");
        }
        return;
    }
}

void sinaut_commands_acknowledged(struct sinaut *line, unsigned path, uint64_t frame)
{
    for (unsigned i = 0; i < line->command_end; i++) {
        struct sinaut_command *command = &line->commands[i];
        if (command->state == SINAUT_SENT && command->path == path && command->frame <= frame &&
            command->order.kind == LINE_COMMAND_WRITE && cmdc_of(command) == 0) {
            expect_late(line, command, 0, false);
            end_command(line, command, COMMAND_DONE, "");
        }
    }
}
