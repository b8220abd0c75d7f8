/*
 * What an order leaves in the journal, and what a command makes of its tag: nothing in here changes an order's
 * state but how much of its end is written.
 */
#include <stdio.h>

#include "server/server_private.h"

/* ---- the tag's value ---- */

/* What a command that was done makes of its tag. */
struct value order_value_done(const struct order *order)
{
    if (order->by_hand && line_is_server(order->tag->station->line) &&
        (order->flags & FLAG_SUBSTITUTED) == 0) { /* what masters are sent */
        return (struct value){.number = order->number,
                              .status = STATUS_VALID,
                              .flags = order->flags,
                              .cot = KOMET_COT_SPONTANEOUS,
                              .asdu_type = order->tag->asdu,
                              .time_origin = TIME_OF_ARRIVAL,
                              .time = order->ended,
                              .arrived = order->ended};
    }
    if (order->by_hand) { /* substituted, as SB would say */
        return (struct value){.number = order->number,
                              .status = STATUS_WEAK,
                              .flags = order->flags,
                              .time_origin = TIME_OF_ARRIVAL,
                              .time = order->ended,
                              .arrived = order->ended};
    }
    return (struct value){.number = order->number,
                          .status = STATUS_VALID,
                          .flags = order->flags,
                          .cot = KOMET_COT_ACTIVATION_CON,
                          .asdu_type = order->tag->asdu,
                          .time_origin = TIME_OF_ARRIVAL,
                          .time = order->ended,
                          .arrived = order->ended};
}

/* Nobody got it, but whoever asks for what the tag has does. */
bool order_is_current(const struct order *order)
{
    return order->result == COMMAND_REFUSED && order->current;
}

/* The partner said no, and what it thinks of the object: flags A to H of a value that is known. */
static bool is_flagged(const struct order *order)
{
    return order->result == COMMAND_REFUSED && order->answered && order->before.status != STATUS_UNKNOWN;
}

/* What the tag has once its command has ended. */
struct value order_value_ended(const struct order *order)
{
    struct value value = order->before;
    if (order->by_hand || order->result == COMMAND_DONE || order_is_current(order)) {
        return order_value_done(order);
    }
    if (order->result == COMMAND_UNKNOWN) {
        value.status = STATUS_INVALID; /* nobody knows which of the two the device has now */
        value.arrived = order->ended;
    } else if (is_flagged(order)) {
        value.flags = (value_flags)((value.flags & ~FLAGS_OF_OCTET) | order->answered_flags);
        value.time = value.arrived = order->ended;
        value.time_origin = TIME_OF_ARRIVAL;
    }
    return value;
}

/* ---- records ---- */

/* What an order was, for the record. */
static const char *order_word(const struct order *order)
{
    switch (order->kind) {
    case ORDER_TELEMETRY:
        return "SET"; /* the others leave no record */
    case ORDER_ROLE:
        return "SET_ACT_INST";
    case ORDER_PREFERRED:
        return "SET_PREFERRED_INST";
    case ORDER_STOP:
        return "STOP";
    case ORDER_LOAD_BALANCE:
        return "SET_LOAD_BAL_MODE";
    case ORDER_STATION:
        return station_order_name((enum station_order)(unsigned)order->number);
    case ORDER_RELOAD:
        return "RELOAD";
    }
    KOMET_ASSERT_NEVER("an unknown kind of order");
}

static void begin_record(struct server *server, struct order *order, enum record_kind kind)
{
    order->ticket = ++server->ticket;
    server->record = (struct record){.kind = kind,
                                     .ticket = order->ticket,
                                     .process = order->process->process->name,
                                     .instance = order->instance};
}

static void write_command_record(const struct server *server, const struct order *order, bool end,
                                 struct record_command *command)
{
    command->id = order->id;
    command->word = order_word(order);
    snprintf(command->tag, sizeof command->tag, "%s",
             order->tag != NULL            ? order->tag->name
             : order->station != NULL      ? order->station->name
             : order->kind == ORDER_RELOAD ? server->site->name
                                           : order->process->process->name);
    command->user = order->user;
    bool has_number = order->tag != NULL || order->station != NULL || order->kind == ORDER_LOAD_BALANCE ||
                      order->kind == ORDER_RELOAD;
    command->number = has_number ? order->number : order->instance;
    command->flags = order->flags;
    command->epoch = order->epoch;
    command->given = order->given;
    command->ended = end ? order->ended : KOMET_UTC_UNKNOWN;
    command->result = end ? (uint8_t)order->result : 0;
    snprintf(command->reason, sizeof command->reason, "%s", end ? order->reason : "");
}

static void write_command(struct server *server, struct order *order, bool end)
{
    begin_record(server, order, end ? RECORD_COMMAND_END : RECORD_COMMAND_BEGIN);
    write_command_record(server, order, end, &server->record.of.command);
}

/* A command that changed its tag is an event of it, which so has its value also after a restart. */
static void write_event(struct server *server, struct order *order)
{
    begin_record(server, order, RECORD_EVENT);
    struct record_event *event = &server->record.of.event;
    event->tag = order->tag->name;
    event->tag_number = tag_site_number(order->tag);
    event->type = order->tag->type;
    event->value = order_value_ended(order);
    event->epoch = order->epoch;
    event->line = order->tag->station->line->index;
    event->user = order->user;
    event->frame = outgoing_event(server, order->tag, &event->value, order->ticket);
    outgoing_follow(server, order->tag, &event->value, false, order->ticket);
}

/* A change of role that was done is an event of its process. */
static void write_switch(struct server *server, struct order *order)
{
    begin_record(server, order, RECORD_VALUE);
    server->record.of.value = (struct record_value){.of_process = true,
                                                    .value = instances_value(&order->process->instances),
                                                    .flags = instances_flags(&order->process->instances),
                                                    .time = order->ended,
                                                    .user = order->user};
}

/* What was said of a station: it holds from when that is stored, and is a command like others. */
static void write_station(struct server *server, struct order *order)
{
    begin_record(server, order, RECORD_STATION);
    server->record.of.station.mode = order->mode;
    write_command_record(server, order, true, &server->record.of.station.command);
}

void order_write_begin(struct server *server, struct order *order)
{
    write_command(server, order, false);
}

bool order_write_end(struct server *server, struct order *order)
{
    bool changed = order->result == COMMAND_DONE || (order->by_hand && order->sent) ||
                   (order->tag != NULL && (order_is_current(order) || is_flagged(order)));
    if (!changed || order->kind == ORDER_RELOAD) {
        order->written = END_IS_NEXT;
    } else if (order->kind == ORDER_STATION) {
        write_station(server, order);
        return true;
    }
    switch (order->written) {
    case NOTHING_WRITTEN:
        order->written = EVENT_IS_NEXT;
        if (order->kind == ORDER_PREFERRED) {
            begin_record(server, order, RECORD_PREFERRED);
            return false;
        }
        if (order->kind == ORDER_LOAD_BALANCE) {
            begin_record(server, order, RECORD_LOAD_BALANCE);
            server->record.of.load_balance = order->mode != 0;
            return false;
        }
        /* fallthrough */
    case EVENT_IS_NEXT:
        order->written = END_IS_NEXT;
        (order->tag != NULL ? write_event : write_switch)(server, order);
        return false;
    case END_IS_NEXT:
        write_command(server, order, true);
        return true;
    }
    KOMET_ASSERT_NEVER("an order that is written otherwise");
}
