/*
 * Commands that masters give to listening lines: each is an event of its input tag, and is given on to the
 * outputs of stations that follow it. The master is answered when it is on disk and all of these have ended.
 *
 * None is ever repeated: an instance that is lost has lost its masters, too, and nobody is answered for it.
 */
#include <stdio.h>

#include "model/server_value.h"
#include "server/server_private.h"

#define CAUSE_ARRIVAL 0x10000u

static struct master_order *find(struct server *server, uint64_t token)
{
    for (unsigned i = 0; i < SERVER_MASTERS_MAX; i++) {
        if (server->masters[i].token == token) {
            return &server->masters[i];
        }
    }
    return NULL;
}

static void free_master(struct server *server, struct master_order *master)
{
    KOMET_ASSERT(server->masters_open > 0);
    master->token = 0;
    server->masters_open--;
}

static const struct tag *commanded_tag(const struct server *server, const struct client *kom,
                                       const Komet__Wire__MasterCommand *command)
{
    const struct process *process = reload_numbers(server, kom);
    const struct tag *tag = command->tag < process->tag_count ? process->tags[command->tag] : NULL;
    bool input = tag != NULL && line_is_server(tag->station->line) && !tag_type_is_output(tag->type);
    return input ? tag : NULL;
}

static struct value value_of(const Komet__Wire__MasterCommand *command)
{
    return (struct value){
        .number = command->number,
        .status = STATUS_VALID,
        .flags = (value_flags)(command->flags & 0xFFFF),
        .cot = KOMET_COT_ACTIVATION,
        .asdu_type = (uint8_t)(command->cause & 0xFF),
        .time_origin = (command->cause & CAUSE_ARRIVAL) != 0 ? TIME_OF_ARRIVAL : TIME_FROM_STATION,
        .time = {command->time_ms},
        .arrived = {command->arrived_ms},
    };
}

/* ---- given on ---- */

/* The flags of a command that is given on: its qualifier, where both have one of the same kind. S/E is what
 * the line makes of it. */
static value_flags flags_given_on(const struct tag *output, const struct master_order *master)
{
    const struct komet_type_row *to = komet_type_find(output->asdu),
                                *from = komet_type_find(master->value.asdu_type);
    return from != NULL && to->element == from->element ? (value_flags)(master->value.flags & 0x7Cu) : 0;
}

static void give_on(struct server *server, struct line_now now, struct master_order *master,
                    const struct tag *output)
{
    double number;
    bool selects = output->station->parameters.value[PARAMETER_SBE] != 0;
    if (master->select && !selects) {
        return; /* what its station does not know ends here */
    }
    if (!server_command_number(output, master->tag, master->value.number, &number) || orders_full(server)) {
        master->result = COMMAND_REFUSED;
        return;
    }
    master->open++;
    orders_give_on(server, now, master, output, number, flags_given_on(output, master));
}

static void give_on_all(struct server *server, struct line_now now, struct master_order *master)
{
    for (uint32_t i = 0; i < server->site->tag_count; i++) {
        const struct tag *tag = server->site->tags[i];
        if (tag->source == master->tag && !tag_is_outgoing(tag)) { /* which follows the event */
            give_on(server, now, master, tag);
        }
    }
}

/* ---- what happens ---- */

void masters_command(struct server *server, struct line_now now, unsigned client,
                     const Komet__Wire__MasterCommand *command)
{
    struct client *kom = &server->clients[client];
    const struct tag *tag = commanded_tag(server, kom, command);
    struct master_order *master = find(server, 0);
    if (tag == NULL || command->id == 0 || master == NULL) {
        server_note(server, "%s %s", run_name(kom->process->process->name, kom->instance).text,
                    master == NULL ? "gives more commands of masters than can be open"
                                   : "gives a master's command for a tag that takes none");
        kom->close = true;
        return;
    }
    if (server->journal_failed) {
        return; /* it is being disconnected */
    }
    *master = (struct master_order){.token = ++server->next_master,
                                    .client = (uint8_t)client,
                                    .id = command->id,
                                    .tag = tag,
                                    .value = value_of(command),
                                    .select = command->select,
                                    .state = command->select ? MASTER_OPEN : MASTER_RECORD,
                                    .result = COMMAND_DONE};
    server->masters_open++;
    snprintf(master->user.name, sizeof master->user.name, "%s", command->master);
    server->counters.commands++;
    master->tag = reload_tag(server, reload_numbers(server, kom), command->tag);
    bool takes = master->tag != NULL && line_is_server(master->tag->station->line);
    if (!takes || !instances_valid(&kom->process->instances, now.instant, kom->instance, command->epoch)) {
        master->state = MASTER_OPEN; /* a late one: it has no effect */
        master->result = COMMAND_REFUSED;
        return;
    }
    give_on_all(server, now, master);
}

void masters_order_ended(struct server *server, uint64_t token, enum command_result result, uint8_t cause)
{
    struct master_order *master = find(server, token);
    if (master == NULL) {
        return; /* whoever gave it is gone */
    }
    KOMET_ASSERT(master->open > 0);
    master->open--;
    if (result != COMMAND_DONE) {
        master->result = result;
        master->cause = cause;
    }
}

void masters_lost(struct server *server, unsigned client)
{
    for (unsigned i = 0; i < SERVER_MASTERS_MAX; i++) {
        struct master_order *master = &server->masters[i];
        if (master->token != 0 && master->client == client) {
            master->client = SERVER_NO_CLIENT;
            if (master->state != MASTER_RECORD) { /* its event is still to be written */
                free_master(server, master);
            }
        }
    }
}

bool masters_next_record(struct server *server, struct server_output *output)
{
    struct master_order *oldest = NULL;
    for (unsigned i = 0; i < SERVER_MASTERS_MAX && server->masters_open > 0; i++) {
        struct master_order *master = &server->masters[i];
        if (master->token != 0 && master->state == MASTER_RECORD &&
            (oldest == NULL || master->token < oldest->token)) {
            oldest = master;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    stations_write_event(server, oldest->tag, &oldest->value, output);
    server->record.of.event.user = oldest->user;
    oldest->ticket = server->record.ticket;
    oldest->state = MASTER_JOURNALING;
    if (oldest->client == SERVER_NO_CLIENT) {
        free_master(server, oldest);
    }
    return true;
}

bool masters_next_message(struct server *server, unsigned client)
{
    Komet__Wire__MasterAnswer *body = &server->slot.body.master_answer;
    for (unsigned i = 0; i < SERVER_MASTERS_MAX && server->masters_open > 0; i++) {
        struct master_order *master = &server->masters[i];
        bool stored = master->state == MASTER_JOURNALING && master->ticket <= server->stored_ticket;
        bool ended = master->state == MASTER_OPEN && master->open == 0;
        if (master->token == 0 || master->client != client || (!stored && !ended)) {
            continue;
        }
        komet__wire__master_answer__init(body);
        body->id = master->id;
        body->result = stored ? 0 : (uint32_t)master->result;
        body->cause = stored ? 0 : master->cause;
        server->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_MASTER_ANSWER;
        server->slot.message.master_answer = body;
        master->state = MASTER_OPEN;
        if (ended) {
            free_master(server, master);
        }
        return true;
    }
    return false;
}
