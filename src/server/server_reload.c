/*
 * RELOAD: the engine of a running server goes over to a changed site. What both sites have, by name, keeps
 * all that is known of it; the rest ends before, or begins as after a start.
 *
 * Numbers of lines, stations and tags belong to a site. An instance that has not applied the new one yet
 * speaks in the numbers of the one before: what it says is found by name. It is told nothing in numbers until
 * it has. There is never more than one site before: a further RELOAD is refused while this one is being
 * applied.
 */
#include <stdio.h>
#include <string.h>

#include "server/server_private.h"

/* The one that was not refused: a refused one needs nothing any more. */
static struct order *reload_order(struct server *server)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state != ORDER_FREE && order->kind == ORDER_RELOAD && order->result != COMMAND_REFUSED) {
            return order;
        }
    }
    return NULL;
}

bool server_reloads(const struct server *server)
{
    return reload_order((struct server *)(uintptr_t)server) != NULL;
}

void server_reload_begin(struct server *server, struct line_now now, uint64_t token,
                         const struct record_user *user)
{
    bool another = server_reloads(server);
    struct order *order = orders_begin(server, now, token, user, &server->site->processes[0], NULL);
    if (order == NULL) {
        return;
    }
    order->state = ORDER_ROLE_WAITS;
    order->kind = ORDER_RELOAD;
    if (another) {
        orders_end(server, order, now, COMMAND_REFUSED, "another RELOAD is still being applied");
    } else if (server->journal_failed) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
    }
}

void server_reload_refuse(struct server *server, struct line_now now, const char *why)
{
    struct order *order = reload_order(server);
    if (order != NULL && order->state == ORDER_ROLE_WAITS) {
        orders_end(server, order, now, COMMAND_REFUSED, "%s", why);
    }
}

/* ---- what goes away ---- */

static bool goes(const struct order *order, const struct site_difference *difference)
{
    if (order->kind == ORDER_RELOAD) {
        return false;
    }
    return difference_process(difference, order->process->process) == NULL ||
           (order->station != NULL && difference_station(difference, order->station) == NULL) ||
           (order->tag != NULL && difference_tag(difference, order->tag) == NULL);
}

/* True when it has not ended yet; it does. */
static bool end_order(struct server *server, struct line_now now, struct order *order)
{
    bool ending = order->state == ORDER_END || order->state == ORDER_ENDING || order->state == ORDER_ENDED;
    if (!ending) {
        orders_end(server, order, now, order->state == ORDER_SENT ? COMMAND_UNKNOWN : COMMAND_REFUSED, "%s",
                   "what it goes to was removed (RELOAD)");
    }
    return true;
}

/* The instances of processes that the new site has not. */
static void end_instances(struct server *server, struct line_now now,
                          const struct site_difference *difference)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (client->kind != CLIENT_KOM || difference_process(difference, client->process->process) != NULL) {
            continue;
        }
        const struct run_name run = run_name(client->process->process->name, client->instance);
        instances_leave(&client->process->instances, now.instant, client->instance); /* it is no crash */
        server_drop_kom(server, now, i, true);
        server_refuse(server, i, "%s: the site has no such process any more (RELOAD)", run.text);
    }
}

/* A site that is right, but not for the state that somebody has set: all instances act of a process that has
 * a line that connects then. True when there is one; RELOAD is refused. */
static bool refuse_for_mode(struct server *server, struct line_now now,
                            const struct site_difference *difference)
{
    for (unsigned i = 0; i < server->site->process_count; i++) {
        const struct process *process = difference_process(difference, &server->site->processes[i]);
        const struct line *connects = process != NULL ? roles_line_that_connects(process) : NULL;
        if (server->processes[i].instances.all_act && connects != NULL) {
            char why[RECORD_TEXT_MAX];
            snprintf(why, sizeof why,
                     "line %.40s connects, but all instances of its process act (SET_LOAD_BAL_MODE)",
                     connects->name);
            server_reload_refuse(server, now, why);
            return true;
        }
    }
    return false;
}

bool server_reload_ready(struct server *server, struct line_now now, const struct site_difference *difference)
{
    bool ready = true;
    if (refuse_for_mode(server, now, difference)) {
        return false;
    }
    end_instances(server, now, difference);
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state != ORDER_FREE && goes(order, difference)) {
            ready = !end_order(server, now, order) && ready;
        }
    }
    return ready;
}

/* ---- what goes on ---- */

static void move_process(struct server *server, struct server *before, const struct process *process,
                         struct line_now now)
{
    struct process_state *state = &server->processes[process->index];
    const struct process *was = difference_process_was(server->difference, process);
    if (was != NULL) {
        *state = before->processes[was->index];
        state->process = process;
    } else { /* whoever acted for one of that name in an earlier site has a smaller epoch */
        instances_recovered(&state->instances, server->highest_epoch, now.instant);
    }
}

static void move_line(struct server *server, const struct server *before, const struct line *line)
{
    const struct line *was = difference_line_was(server->difference, line);
    if (was == NULL) {
        return;
    }
    uint32_t to = server_line_number(server, line), from = server_line_number(before, was);
    server->lines[to] = before->lines[from];
    struct reach_line reach = before->reach[from];
    reach.loss_us = server->reach[to].loss_us;
    reach.compared = server->reach[to].compared;
    server->reach[to] = reach;
    repeats_move(server->repeats[to], before->repeats[from],
                 difference_tag_numbers(server->difference, was->process), line->process->first_tag);
}

static void move_station(struct server *server, const struct server *before, const struct station *station)
{
    const struct station *was = difference_station_was(server->difference, station);
    if (was != NULL) {
        server->stations[server_station_number(server, station)] =
            before->stations[server_station_number(before, was)];
    }
}

/* New tags are watched by those whose mask they match. */
static uint32_t watches_of(const struct server *server, const struct tag *tag)
{
    uint32_t watches = 0;
    for (unsigned i = 0; i < SERVER_WATCHES_MAX; i++) {
        if (server->watches[i].used && name_matches(server->watches[i].mask, tag->name)) {
            watches |= (uint32_t)1 << i;
        }
    }
    return watches;
}

static void move_tags(struct server *server, const struct server *before)
{
    for (uint32_t i = 0; i < server->site->tag_count; i++) {
        const struct tag *tag = server->site->tags[i];
        const struct tag *was = difference_tag_was(server->difference, tag);
        struct tag_state *state = &server->tags[i];
        if (was == NULL) {
            state->watches = watches_of(server, tag);
            continue;
        }
        const struct tag_state *from = &before->tags[tag_site_number(was)];
        state->value = from->value;
        state->watches = from->watches;
    }
}

static void move_site(struct server *server, struct server *before, struct line_now now)
{
    for (unsigned p = 0; p < server->site->process_count; p++) {
        const struct process *process = &server->site->processes[p];
        move_process(server, before, process, now);
        for (unsigned i = 0; i < process->line_count; i++) {
            move_line(server, before, &process->lines[i]);
        }
        instances_move_lines(&server->processes[p].instances, &server->reach[server->first_line[p]],
                             process->line_count);
        for (unsigned i = 0; i < process->station_count; i++) {
            move_station(server, before, process->stations[i]);
        }
    }
    move_tags(server, before);
    outgoing_move(server, before);
    masters_move(server);
}

static void move_orders(struct server *server)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state == ORDER_FREE) {
            continue;
        }
        KOMET_ASSERT(order->state != ORDER_END && order->state != ORDER_BEGIN);
        const struct process *process = order->kind == ORDER_RELOAD
                                            ? &server->site->processes[0]
                                            : difference_process(server->difference, order->process->process);
        KOMET_ASSERT(process != NULL); /* server_reload_ready said so */
        order->process = &server->processes[process->index];
        order->tag = order->tag != NULL ? difference_tag(server->difference, order->tag) : NULL;
        order->station =
            order->station != NULL ? difference_station(server->difference, order->station) : NULL;
        if (order->kind == ORDER_RELOAD) {
            order->sent = true;
            order->number = (double)server->configuration;
        }
    }
}

static void move_clients(struct server *server, struct line_now now)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (client->kind != CLIENT_KOM) {
            continue;
        }
        const struct process *process = difference_process(server->difference, client->process->process);
        KOMET_ASSERT(process != NULL);
        client->process = &server->processes[process->index];
        client->configure = true;
        client->configure_by = komet_after(now.instant, SERVER_APPLY_US);
        traces_connected(server, i); /* it may have lines that it had not */
    }
}

struct server *server_reload(void *memory, size_t size, struct server *before, const struct site *site,
                             const struct site_difference *difference, struct line_now now)
{
    KOMET_ASSERT(size >= server_size(site) && difference_before(difference) == before->site);
    KOMET_ASSERT(before->difference == NULL && server_reloads(before));
    KOMET_ASSERT(before->walk.batch == NULL && before->changed_watches == 0 && before->change_count == 0);
    struct server *server = memory;
    memcpy(server, before, sizeof *server);
    server_lay_out(server, site);
    server->difference = server->record_difference = difference;
    server->configuration++;
    server_begin_site(server, site, now);
    move_site(server, before, now);
    move_orders(server);
    move_clients(server, now);
    server->control_changed = server->site_record = true;
    stations_reloaded(server);
    server_note(server, "the site was reloaded: configuration %llu, %u tags",
                (unsigned long long)server->configuration, site->tag_count);
    reload_settle(server, now);
    return server;
}

bool reload_next_record(struct server *server, struct server_output *output)
{
    if (!server->site_record) {
        return false;
    }
    server->site_record = false;
    server->record = (struct record){
        .kind = RECORD_SITE, .ticket = ++server->ticket, .process = server->site->processes[0].name};
    server->record.of.site.difference = server->record_difference;
    output->kind = SERVER_OUT_RECORD;
    output->record = &server->record;
    return true;
}

/* ---- instances that have not applied it yet ---- */

const struct process *reload_numbers(const struct server *server, const struct client *kom)
{
    const struct process *process = kom->process->process;
    return kom->configuration == server->configuration ? process
                                                       : difference_process_was(server->difference, process);
}

static bool is_now(const struct server *server, const struct process *numbers)
{
    return numbers->index < server->site->process_count &&
           &server->site->processes[numbers->index] == numbers;
}

const struct tag *reload_tag(const struct server *server, const struct process *numbers, uint32_t number)
{
    const struct tag *tag = numbers->tags[number];
    return is_now(server, numbers) ? tag : difference_tag(server->difference, tag);
}

const struct line *reload_line(const struct server *server, const struct process *numbers, uint32_t index)
{
    const struct line *line = &numbers->lines[index];
    return is_now(server, numbers) ? line : difference_line(server->difference, line);
}

const struct station *reload_station(const struct server *server, const struct process *numbers,
                                     uint32_t number)
{
    const struct station *station = numbers->stations[number];
    return is_now(server, numbers) ? station : difference_station(server->difference, station);
}

void reload_configured(struct server *server, struct line_now now, unsigned client,
                       const Komet__Wire__Configured *configured)
{
    struct client *kom = &server->clients[client];
    if (configured->number != server->configuration || kom->configuration == server->configuration ||
        kom->configure) {
        server_note(server, "%s says to have applied a configuration that it was not sent",
                    run_name(kom->process->process->name, kom->instance).text);
        kom->close = true;
        return;
    }
    kom->configuration = server->configuration;
    kom->configure_by = KOMET_NEVER;
    kom->station_modes = true;
    if (kom->process->instances.member[kom->instance].standing == ROLE_ACTIVE) {
        outgoing_configured(server, kom->process, kom->instance);
    }
    reload_settle(server, now);
}

void reload_settle(struct server *server, struct line_now now)
{
    struct order *order = reload_order(server);
    if (order == NULL || order->state != ORDER_ROLE_WAITS || !order->sent) {
        return;
    }
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        const struct client *client = &server->clients[i];
        if (client->kind == CLIENT_KOM && client->process != NULL &&
            client->configuration != server->configuration) {
            return;
        }
    }
    server->difference = NULL;
    orders_end(server, order, now, COMMAND_DONE, "%s", "");
}

void reload_write_configuration(struct server *server, struct client *client, struct server_output *output)
{
    struct message_slot *slot = &server->slot;
    client->configure = false;
    komet__wire__configuration__init(&slot->body.configuration);
    slot->body.configuration.number = server->configuration;
    slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_CONFIGURATION;
    slot->message.configuration = &slot->body.configuration;
    output->process = client->process->process;
}
