/*
 * Orders about roles: SET_ACT_INST, SET_PREFERRED_INST and STOP. What they mean for the choice of the active
 * instance is src/role's; here is what becomes of those who asked.
 */
#include "server/server_private.h"

/* It has the grant, and was told so: a Role that waits for the disk may never be sent. */
static bool acts(const struct server *server, const struct process_state *process, uint8_t instance)
{
    uint8_t client = server_client_of(process, instance);
    return server_active(process) == instance &&
           process->instances.member[instance].standing == ROLE_ACTIVE && !server->clients[client].role;
}

/* The newest wish counts. */
static void end_other_wishes(struct server *server, struct line_now now, const struct order *newest)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *other = &server->orders[i];
        if (other != newest && other->state == ORDER_ROLE_WAITS && other->kind == ORDER_ROLE &&
            other->process == newest->process) {
            orders_end(server, other, now, COMMAND_REFUSED, "another change of role was asked for");
        }
    }
}

void server_set_active(struct server *server, struct line_now now, uint64_t token,
                       const struct record_user *user, const struct process *process, uint8_t instance)
{
    struct order *order = orders_begin(server, now, token, user, process, NULL);
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_ROLE;
    order->instance = instance;
    order->answer_by = komet_after(now.instant, SERVER_ROLE_PATIENCE);
    order->state = ORDER_ROLE_WAITS;
    struct instances *instances = &order->process->instances;
    bool before = instance <= ROLE_INSTANCE_MAX && acts(server, order->process, instance);
    const char *refused = instances_set_active(instances, now.instant, instance);
    if (refused != NULL) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.64s: %s", run_name(process->name, instance).text,
                   refused);
        return;
    }
    end_other_wishes(server, now, order);
    if (before) {
        order->epoch = instances->member[instance].epoch;
        orders_end(server, order, now, COMMAND_DONE, "%s", "");
    }
}

void server_set_preferred(struct server *server, struct line_now now, uint64_t token,
                          const struct record_user *user, const struct process *process, uint8_t instance)
{
    struct order *order = orders_begin(server, now, token, user, process, NULL);
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_PREFERRED;
    order->instance = instance;
    order->state = ORDER_BEGIN;
    if (server->journal_failed) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
        return;
    }
    const char *refused = instances_set_preferred(&order->process->instances, instance);
    if (refused != NULL) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.64s: %s", process->name, refused);
        return;
    }
    order->sent = true; /* it holds from now on, and on disk later */
    orders_end(server, order, now, COMMAND_DONE, "%s", "");
}

const struct line *roles_line_that_connects(const struct process *process)
{
    for (unsigned i = 0; i < process->line_count; i++) {
        if (!line_is_server(&process->lines[i])) {
            return &process->lines[i];
        }
    }
    return NULL;
}

void server_set_load_balance(struct server *server, struct line_now now, uint64_t token,
                             const struct record_user *user, const struct process *process, bool all_act)
{
    struct order *order = orders_begin(server, now, token, user, process, NULL);
    const struct line *connects = roles_line_that_connects(process);
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_LOAD_BALANCE;
    order->mode = all_act ? 1 : 0;
    order->number = order->mode;
    order->state = ORDER_BEGIN;
    if (server->journal_failed) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
    } else if (all_act && (connects != NULL || process->line_count == 0)) {
        orders_end(server, order, now, COMMAND_REFUSED,
                   connects != NULL
                       ? "line %.60s connects (%s); all may act only where masters connect to all"
                       : "%.60s has no line%s",
                   connects != NULL ? connects->name : process->name,
                   connects != NULL ? line_protocol_name(connects->protocol) : "");
    } else {
        order->sent = true; /* on disk from then on, whatever comes */
        orders_end(server, order, now, COMMAND_DONE, "%s", "");
    }
}

void roles_load_balance(struct server *server, struct line_now now, const struct order *order)
{
    struct process_state *process = order->process;
    bool all_act = order->mode != 0;
    if (process->instances.all_act != all_act) {
        server_note(server, "%s: %s (%s)", process->process->name,
                    all_act ? "all instances act" : "one instance acts again", order->user.name);
        outgoing_mode_changed(server, process);
        instances_set_all_act(&process->instances, now.instant, all_act);
    }
}

void server_stop(struct server *server, struct line_now now, uint64_t token, const struct record_user *user,
                 const struct process *process, uint8_t instance)
{
    struct order *order = orders_begin(server, now, token, user, process, NULL);
    unsigned told = 0;
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_STOP;
    order->instance = instance;
    order->answer_by = komet_after(now.instant, SERVER_ROLE_PATIENCE);
    order->state = ORDER_ROLE_WAITS;
    /* All of them leave before any is relieved: none of those that end gets the role. */
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        bool meant = instance == 0 || instance == i;
        if (meant && instances_leave(&order->process->instances, now.instant, i) == NULL) {
            server->clients[server_client_of(order->process, i)].leave = true;
            server_note(server, "%s is told to end by %s", run_name(process->name, i).text, user->name);
            told++;
        }
    }
    if (told == 0) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.64s: it does not run",
                   run_name(process->name, instance).text);
    }
}

void server_recover_load_balance(struct server *server, const char *process, bool all_act)
{
    struct process_state *state = server_find_process(server, process);
    const struct line *connects = state != NULL ? roles_line_that_connects(state->process) : NULL;
    if (all_act && connects != NULL) {
        server_note(server, "%s: one instance acts again: line %s of the site connects", process,
                    connects->name);
    } else if (state != NULL) {
        instances_recover_all_act(&state->instances, all_act);
    }
}

/* ---- what becomes of them ---- */

void orders_granted(struct server *server, struct line_now now, const struct process_state *process,
                    uint8_t instance, uint64_t epoch)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state != ORDER_ROLE_WAITS || order->kind != ORDER_ROLE || order->process != process) {
            continue;
        }
        order->epoch = epoch;
        if (order->instance == instance) {
            orders_end(server, order, now, COMMAND_DONE, "%s", "");
        } else {
            orders_end(server, order, now, COMMAND_REFUSED, "instance %u became active instead", instance);
        }
    }
}

/* Does one still run that this order is to end? */
static bool still_runs(const struct order *order)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        if ((order->instance == 0 || order->instance == i) &&
            instances_connected(&order->process->instances, i)) {
            return true;
        }
    }
    return false;
}

void orders_instance_ended(struct server *server, struct line_now now, const struct process_state *process)
{
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        struct order *order = &server->orders[i];
        if (order->state == ORDER_ROLE_WAITS && order->kind == ORDER_STOP && order->process == process &&
            !still_runs(order)) {
            orders_end(server, order, now, COMMAND_DONE, "%s", "");
        }
    }
}
