/*
 * Orders: commands and interrogations that people ask for; changes of role are server_roles.c's. Each is sent
 * once or not at all, and ends exactly once (architecture 3.5).
 *
 * A command is journaled before it is sent, so that a server that dies leaves a trace of it, and its end is
 * journaled before it is told. Changes of role are journaled when they end. Interrogations and clock
 * synchronisations change nothing and are not journaled.
 */
#include <stdarg.h>
#include <stdio.h>

#include "server/server_private.h"

/* The one place where the state of an order changes. */
static void set_state(struct order *order, enum order_state state)
{
    KOMET_ASSERT(order->state != ORDER_ENDED || state == ORDER_FREE);
    order->state = state;
}

static bool is_write(const struct order *order)
{
    return order->kind == ORDER_TELEMETRY && order->command == LINE_COMMAND_WRITE;
}

/* Its end is on disk before it is told. A change of the active instance does not wait for that: its grant is
 * there already, and one that a disk holds up must end. */
static bool is_kept(const struct order *order)
{
    bool holds_on =
        order->kind == ORDER_PREFERRED || order->kind == ORDER_STATION || order->kind == ORDER_LOAD_BALANCE;
    return is_write(order) || order->kind == ORDER_RELOAD || (holds_on && order->result == COMMAND_DONE);
}

static struct order *find_free(struct server *server)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        if (server->orders[i].state == ORDER_FREE) {
            return &server->orders[i];
        }
    }
    return NULL;
}

static bool is_waiting(const struct order *order)
{
    switch (order->state) {
    case ORDER_BEGIN:
    case ORDER_JOURNALING:
    case ORDER_TO_SEND:
    case ORDER_SENT:
    case ORDER_ROLE_WAITS:
        return true;
    case ORDER_FREE:
    case ORDER_END:
    case ORDER_ENDING:
    case ORDER_ENDED:
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown state of an order");
}

static void show_end(struct server *server, const struct order *order)
{
    struct value value = order_value_ended(order);
    batch_set_value(server, order->tag, &value);
}

/* The journal will say of it that its end is not known, whatever we know: nobody is told otherwise. */
static void end_is_not_kept(struct order *order)
{
    snprintf(order->reason, sizeof order->reason, "the journal failed before its end (%s) was stored",
             command_result_name(order->result));
    order->result = COMMAND_UNKNOWN;
}

void orders_end(struct server *server, struct order *order, struct line_now now, enum command_result result,
                const char *format, ...)
{
    KOMET_ASSERT(order->state != ORDER_FREE && order->state != ORDER_ENDED);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(order->reason, sizeof order->reason, format, arguments);
    va_end(arguments);
    order->result = result;
    if (server->journal_failed && is_write(order) && order->state == ORDER_SENT) {
        end_is_not_kept(order);
    }
    order->ended = now.utc;
    bool shown = order->state == ORDER_TO_SEND || order->state == ORDER_SENT;
    if (is_write(order) && shown) {
        show_end(server, order);
    }
    bool recorded = (is_write(order) || order->kind != ORDER_TELEMETRY) && !server->journal_failed;
    set_state(order, recorded ? ORDER_END : ORDER_ENDED);
}

struct order *orders_begin(struct server *server, struct line_now now, uint64_t token,
                           const struct record_user *user, const struct process *process,
                           const struct tag *tag)
{
    struct order *order = find_free(server);
    if (order == NULL) {
        KOMET_ASSERT(server->refusal_count < sizeof server->refusals / sizeof server->refusals[0]);
        server->refusals[server->refusal_count++] =
            (struct server_ended){.token = token,
                                  .result = COMMAND_REFUSED,
                                  .reason = "too many open commands; try again",
                                  .tag = tag};
        return NULL;
    }
    *order = (struct order){.token = token,
                            .id = server->next_command++,
                            .process = &server->processes[process->index],
                            .tag = tag,
                            .given = now.utc,
                            .deadline = KOMET_NEVER,
                            .answer_by = KOMET_NEVER};
    order->user = *user;
    server->counters.commands++;
    return order;
}

/* With whom is not spoken cannot be commanded. */
static bool refuse_by_mode(struct server *server, struct line_now now, struct order *order)
{
    const char *why = station_mode_refusal(server_station_mode(server, order->station));
    if (why != NULL) {
        orders_end(server, order, now, COMMAND_REFUSED, "%s", why);
    }
    return why != NULL;
}

/* Who would execute it; an order that nobody can is refused at once. */
static bool address_order(struct server *server, struct line_now now, struct order *order)
{
    uint8_t active = server_active(order->process);
    if (server->journal_failed) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
        return false;
    }
    if (active > ROLE_INSTANCE_MAX || order->process->instances.member[active].standing != ROLE_ACTIVE) {
        orders_end(server, order, now, COMMAND_REFUSED, "no instance of %.80s is active",
                   order->process->process->name);
        return false;
    }
    order->instance = active;
    order->epoch = order->process->instances.member[active].epoch;
    return true;
}

/* One command of a tag at a time, of a station that is spoken with, to an instance that acts. */
static void give_to_station(struct server *server, struct line_now now, struct order *order)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        const struct order *other = &server->orders[i];
        if (other != order && other->tag == order->tag && is_waiting(other)) {
            orders_end(server, order, now, COMMAND_REFUSED, "another command of this tag is still open");
            return;
        }
    }
    if (!refuse_by_mode(server, now, order)) {
        address_order(server, now, order);
    }
}

/* What follows another tag has its value from there. */
static bool refuse_follower(struct server *server, struct line_now now, struct order *order)
{
    bool follows = tag_is_outgoing(order->tag) && order->tag->source != NULL;
    if (follows) {
        orders_end(server, order, now, COMMAND_REFUSED, "it has the value of %.80s, which it follows",
                   order->tag->source->name);
    }
    return follows;
}

/* A value that masters are sent, and keep to see: it goes to no station. */
static void set_for_masters(struct server *server, struct line_now now, struct order *order)
{
    if (server->journal_failed) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
    } else {
        order->by_hand = true;
    }
}

void server_set(struct server *server, struct line_now now, uint64_t token, const struct record_user *user,
                const struct tag *tag, double number, value_flags flags, int64_t deadline_us)
{
    struct order *order = orders_begin(server, now, token, user, tag_process(tag), tag);
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_TELEMETRY;
    order->command = LINE_COMMAND_WRITE;
    order->station = tag->station;
    order->number = number;
    order->flags = flags;
    order->before = *server_value(server, tag);
    order->deadline = komet_after(now.instant, deadline_us);
    order->state = ORDER_BEGIN;
    if ((server_station_mode(server, tag->station) & STATION_SIMULATED) != 0) {
        order->by_hand = true;
        if (server->journal_failed) {
            orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
        }
        return;
    }
    if (refuse_follower(server, now, order)) {
        return;
    }
    if (line_is_server(tag->station->line) && tag_type_is_output(tag->type)) {
        set_for_masters(server, now, order);
        return;
    }
    if (!tag_type_is_output(tag->type)) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.80s is an input tag; only outputs are written",
                   tag->name);
        return;
    }
    give_to_station(server, now, order);
}

bool orders_full(const struct server *server)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        if (server->orders[i].state == ORDER_FREE) {
            return false;
        }
    }
    return true;
}

void orders_give_on(struct server *server, struct line_now now, const struct master_order *master,
                    const struct tag *output, double number, value_flags flags)
{
    struct order *order = orders_begin(server, now, 0, &master->user, tag_process(output), output);
    KOMET_ASSERT(order != NULL); /* orders_full was asked */
    order->kind = ORDER_TELEMETRY;
    order->command = master->select ? LINE_COMMAND_SELECT : LINE_COMMAND_WRITE;
    order->master = master->token;
    order->station = output->station;
    order->number = number;
    order->flags = flags;
    order->before = *server_value(server, output);
    order->deadline = komet_after(now.instant, KOMET_SECONDS(10));
    order->state = master->select ? ORDER_TO_SEND : ORDER_BEGIN;
    give_to_station(server, now, order);
}

void server_interrogate(struct server *server, struct line_now now, uint64_t token,
                        const struct record_user *user, const struct station *station,
                        enum line_command_kind kind)
{
    KOMET_ASSERT(kind != LINE_COMMAND_WRITE);
    struct order *order = orders_begin(server, now, token, user, station->line->process, NULL);
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_TELEMETRY;
    order->command = kind;
    order->station = station;
    order->deadline = komet_after(now.instant, KOMET_SECONDS(10));
    order->state = ORDER_TO_SEND;
    if (!refuse_by_mode(server, now, order)) {
        address_order(server, now, order);
    }
}

/* ---- what becomes of them ---- */

void orders_command_end(struct server *server, struct line_now now, unsigned client,
                        const Komet__Wire__CommandEnd *end)
{
    const struct client *kom = &server->clients[client];
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state != ORDER_SENT || order->id != end->id || order->process != kom->process ||
            order->instance != kom->instance) {
            continue;
        }
        bool known = end->result >= COMMAND_DONE && end->result <= COMMAND_UNKNOWN;
        if (end->result == COMMAND_DONE) {
            order->number = end->number;
            order->flags = (value_flags)end->flags;
        } else if (end->answered) {
            order->answered = true;
            order->answered_flags = (value_flags)(end->flags & FLAGS_OF_OCTET);
        }
        order->current = end->current && order->tag != NULL && tag_sends_value(order->tag);
        order->cause = (uint8_t)(end->cause & 0x3F);
        orders_end(server, order, now, known ? (enum command_result)end->result : COMMAND_UNKNOWN, "%.120s",
                   end->reason);
        return;
    }
}

static void end_for_lost_instance(struct server *server, struct line_now now, struct order *order)
{
    switch (order->state) {
    case ORDER_BEGIN:
    case ORDER_JOURNALING:
    case ORDER_TO_SEND:
        orders_end(server, order, now, COMMAND_REFUSED, "the instance was lost before it could be sent");
        break;
    case ORDER_SENT:
        orders_end(server, order, now, COMMAND_UNKNOWN, "the instance was lost before it said how it ended");
        break;
    case ORDER_FREE:
    case ORDER_END:
    case ORDER_ENDING:
    case ORDER_ENDED:
    case ORDER_ROLE_WAITS:
        break;
    }
}

void orders_instance_lost(struct server *server, struct line_now now, const struct process_state *process,
                          uint8_t instance, uint64_t epoch)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->kind == ORDER_TELEMETRY && order->process == process && order->instance == instance &&
            order->epoch == epoch) {
            end_for_lost_instance(server, now, order);
        }
    }
}

void orders_stored(struct server *server, struct line_now now)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        bool stored = order->ticket <= server->stored_ticket;
        if (order->state == ORDER_JOURNALING && stored) {
            set_state(order, ORDER_TO_SEND);
        } else if (order->state == ORDER_ENDING && stored) {
            set_state(order, ORDER_ENDED);
            if (order->kind == ORDER_STATION) {
                stations_ordered(server, order);
            } else if (order->kind == ORDER_LOAD_BALANCE && order->result == COMMAND_DONE) {
                roles_load_balance(server, now, order);
            }
        } else if (server->journal_failed && (order->state == ORDER_ENDING || order->state == ORDER_END)) {
            if (order->sent) {
                end_is_not_kept(order);
            }
            set_state(order, ORDER_ENDED);
        } else if (server->journal_failed &&
                   (order->state == ORDER_BEGIN || order->state == ORDER_JOURNALING)) {
            orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
        }
    }
}

void orders_tick(struct server *server, struct line_now now)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        bool unsent =
            order->state == ORDER_BEGIN || order->state == ORDER_JOURNALING || order->state == ORDER_TO_SEND;
        if (unsent && komet_reached(now.instant, order->deadline)) {
            orders_end(server, order, now, COMMAND_EXPIRED, "it could not be sent before its deadline");
        } else if (order->state == ORDER_SENT && komet_reached(now.instant, order->answer_by)) {
            orders_end(server, order, now, COMMAND_UNKNOWN, "the instance did not say how it ended");
        } else if (order->state == ORDER_ROLE_WAITS && komet_reached(now.instant, order->answer_by)) {
            bool stop = order->kind == ORDER_STOP;
            orders_end(server, order, now, stop ? COMMAND_UNKNOWN : COMMAND_REFUSED, "%s",
                       stop ? "it was told to end, and has not ended yet"
                            : "the change of role took too long");
        }
    }
}

struct komet_instant orders_deadline(const struct server *server)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        const struct order *order = &server->orders[i];
        if (order->state == ORDER_SENT || order->state == ORDER_ROLE_WAITS) {
            deadline = komet_earlier(deadline, order->answer_by);
        } else if (is_waiting(order)) {
            deadline = komet_earlier(deadline, order->deadline);
        }
    }
    return deadline;
}

/* ---- what they want done ---- */

/* The value that somebody gave to a tag of a simulated station. */
static void take_by_hand(struct server *server, struct line_now now, struct order *order)
{
    bool simulated = (server_station_mode(server, order->station) & STATION_SIMULATED) != 0;
    bool heard = simulated || server_line_state(server, order->station->line)->flags != 0;
    order->flags |= simulated ? FLAG_SUBSTITUTED : 0;
    order->sent = true;
    orders_end(server, order, now, heard ? COMMAND_DONE : COMMAND_REFUSED, "%s",
               heard ? "" : "not connected: no master is there; it is current, and kept for them");
    const struct value value = order_value_done(order);
    batch_set_value(server, order->tag, &value);
}

bool orders_next_record(struct server *server, struct line_now now, struct server_output *output)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state == ORDER_BEGIN && order->by_hand) {
            take_by_hand(server, now, order);
        }
        if (order->state == ORDER_END) {
            if (order_write_end(server, order)) {
                set_state(order, is_kept(order) ? ORDER_ENDING : ORDER_ENDED);
            }
        } else if (order->state == ORDER_BEGIN) {
            order_write_begin(server, order);
            set_state(order, ORDER_JOURNALING);
        } else {
            continue;
        }
        output->kind = SERVER_OUT_RECORD;
        output->record = &server->record;
        return true;
    }
    return false;
}

static void write_command(struct server *server, struct line_now now, const struct order *order)
{
    struct message_slot *slot = &server->slot;
    int64_t left_us = komet_elapsed_us(order->deadline, now.instant);
    message_slot_begin(slot);
    komet__wire__command__init(&slot->body.command);
    slot->body.command.id = order->id;
    slot->body.command.kind = (uint32_t)order->command;
    slot->body.command.epoch = order->epoch;
    slot->body.command.tag = order->tag != NULL ? order->tag->number : 0;
    slot->body.command.station = order->station->number;
    slot->body.command.number = order->number;
    slot->body.command.flags = order->flags;
    slot->body.command.deadline_ms = left_us > 0 ? (uint32_t)(left_us / 1000) : 0;
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_COMMAND;
    slot->message.command = &slot->body.command;
}

/* On its way to the device: what it shows now is the wish, not yet the truth. */
static void show_sent(struct server *server, struct line_now now, const struct order *order)
{
    struct value value = {.number = order->number,
                          .status = STATUS_TRANSIENT,
                          .flags = order->flags,
                          .asdu_type = order->tag->asdu,
                          .time_origin = TIME_OF_ARRIVAL,
                          .time = now.utc,
                          .arrived = now.utc};
    batch_set_value(server, order->tag, &value);
}

bool orders_next_command(struct server *server, struct line_now now, struct server_output *output)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state != ORDER_TO_SEND ||
            server_instance_is_outdated(server, order->process->process, order->instance)) {
            continue; /* an instance between two sites has no numbers for it */
        }
        if (!instances_valid(&order->process->instances, now.instant, order->instance, order->epoch)) {
            orders_end(server, order, now, COMMAND_REFUSED, "the grant it was given under has ended");
            continue;
        }
        if (komet_reached(now.instant, order->deadline)) {
            orders_end(server, order, now, COMMAND_EXPIRED, "it could not be sent before its deadline");
            continue;
        }
        int64_t wait_us = KOMET_MS(order->station->line->parameters.value[PARAMETER_WTN]);
        order->answer_by = komet_after(order->deadline, wait_us + SERVER_ANSWER_GRACE);
        set_state(order, ORDER_SENT);
        order->sent = true;
        bool waits = is_write(order) && !tag_sends_value(order->tag); /* for its confirmation */
        if (waits && !processing_has(order->tag->processing, PROCESSING_COMMAND)) {
            show_sent(server, now, order);
        }
        write_command(server, now, order);
        output->kind = SERVER_OUT_SEND;
        output->client = server_client_of(order->process, order->instance);
        output->message = &server->slot.message;
        KOMET_ASSERT(output->client != SERVER_NO_CLIENT);
        return true;
    }
    return false;
}

bool orders_tell_masters(struct server *server)
{
    bool any = false;
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state == ORDER_ENDED && order->master != 0) {
            masters_order_ended(server, order->master, order->result, order->cause);
            set_state(order, ORDER_FREE);
            any = true;
        }
    }
    return any;
}

bool orders_next_ended(struct server *server, struct server_output *output)
{
    if (server->refusal_count > 0) {
        output->kind = SERVER_OUT_ENDED;
        output->ended = server->refusals[--server->refusal_count];
        return true;
    }
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state == ORDER_ENDED) {
            output->kind = SERVER_OUT_ENDED;
            output->ended = (struct server_ended){.token = order->token,
                                                  .id = order->id,
                                                  .result = order->result,
                                                  .current = order_is_current(order),
                                                  .reason = order->reason,
                                                  .tag = order->tag,
                                                  .number = order->number,
                                                  .flags = order->flags,
                                                  .epoch = order->epoch};
            set_state(order, ORDER_FREE); /* `reason` stays until the slot is taken again */
            return true;
        }
    }
    return false;
}
