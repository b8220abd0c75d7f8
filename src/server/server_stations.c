/*
 * Stations: their values (StON, …) with an event for each change, what keeps a line from speaking with them
 * (ENABLE, DISABLE, SIMULATE, the control object), and what becomes of their tags. Facts: reference 7.2.
 *
 * What a person says holds from when it is on disk. Every instance of the process is told, the passive ones
 * too, so that a take-over keeps it.
 */
#include <stdio.h>

#include "server/server_private.h"

static struct station_known *known_of(struct server *server, const struct station *station)
{
    return &server->stations[server_station_number(server, station)];
}

unsigned server_station_mode(const struct server *server, const struct station *station)
{
    return server->stations[server_station_number(server, station)].mode;
}

/* As long as no instance has said anything of it. */
static enum station_value idle_value(const struct station_known *known)
{
    return known->mode != 0 ? station_mode_value(known->mode) : STATION_COMERR;
}

static void look_at(struct server *server, uint32_t number)
{
    server->station_next = number < server->station_next ? number : server->station_next;
}

/* Its tags are still to be made invalid, unless they are kept. */
static void begin_sweep(struct server *server, const struct station *station)
{
    struct station_known *known = known_of(server, station);
    bool off = known->value == STATION_OFF || known->value == STATION_WAIT;
    if (known->value == STATION_HARDERR || (off && !station->keep_when_off)) {
        known->sweep = station->tag_count;
        look_at(server, server_station_number(server, station));
    }
}

/* The one place where a station's value changes. */
static void set_value(struct server *server, const struct station *station, enum station_value value,
                      value_flags flags)
{
    struct station_known *known = known_of(server, station);
    known->flags = flags;
    if (known->value != value) {
        known->value = value;
        look_at(server, server_station_number(server, station));
        begin_sweep(server, station);
    }
}

void stations_begin(struct server *server, const struct process *process)
{
    for (unsigned i = 0; i < process->station_count; i++) {
        const struct station *station = process->stations[i];
        struct station_known *known = known_of(server, station);
        *known = (struct station_known){.ordered = station->communication_disabled ? STATION_DISABLED : 0};
        known->mode = known->ordered;
        known->value = known->told = idle_value(known);
    }
}

void stations_forget(struct server *server, const struct process *process)
{
    for (unsigned i = 0; i < process->station_count; i++) {
        set_value(server, process->stations[i], idle_value(known_of(server, process->stations[i])), 0);
    }
}

void stations_report(struct server *server, const struct station *station, enum station_value value,
                     value_flags flags)
{
    const struct station_known *known = known_of(server, station);
    bool of_mode = value == STATION_OFF || value == STATION_SIMUL || value == STATION_WAIT;
    if (known->mode == 0 && !of_mode) { /* else it was on its way when the mode changed */
        set_value(server, station, value, flags);
    }
}

/* ---- what keeps a line from speaking with them ---- */

/* While nobody knows what the control object is, what was decided holds. */
static bool is_stopped(const struct server *server, const struct station *station, bool before)
{
    const struct value *value;
    if (station->control_object == NULL) {
        return false;
    }
    value = server_value(server, station->control_object);
    return value->status == STATUS_VALID || value->status == STATUS_WEAK ? value->number != 0 : before;
}

static void follow(struct server *server, const struct station *station)
{
    struct station_known *known = known_of(server, station);
    bool stopped = is_stopped(server, station, (known->mode & STATION_WAITS) != 0);
    unsigned mode = known->ordered | (stopped ? (unsigned)STATION_WAITS : 0);
    if (mode == known->mode) {
        return;
    }
    known->mode = (uint8_t)mode;
    set_value(server, station, idle_value(known), 0);
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];
        if (client->kind == CLIENT_KOM && client->process->process == station->line->process) {
            client->station_modes = true;
        }
    }
}

void stations_follow_control(struct server *server)
{
    if (!server->control_changed) {
        return;
    }
    server->control_changed = false;
    for (unsigned p = 0; p < server->site->process_count; p++) {
        const struct process *process = &server->site->processes[p];
        for (unsigned i = 0; i < process->station_count; i++) {
            if (process->stations[i]->control_object != NULL) {
                follow(server, process->stations[i]);
            }
        }
    }
}

static unsigned mode_after(const struct station_known *known, enum station_order order)
{
    switch (order) {
    case STATION_ENABLE:
        return known->ordered & ~(unsigned)STATION_DISABLED;
    case STATION_DISABLE:
        return known->ordered | STATION_DISABLED;
    case STATION_SIMULATE_ON:
        return known->ordered | STATION_SIMULATED;
    case STATION_SIMULATE_OFF:
        return known->ordered & ~(unsigned)STATION_SIMULATED;
    }
    KOMET_ASSERT_NEVER("an unknown order for a station");
}

void server_control(struct server *server, struct line_now now, uint64_t token,
                    const struct record_user *user, const struct station *station, enum station_order what)
{
    struct order *order = orders_begin(server, now, token, user, station->line->process, NULL);
    if (order == NULL) {
        return;
    }
    order->kind = ORDER_STATION;
    order->station = station;
    order->number = (double)what;
    order->mode = (uint8_t)mode_after(known_of(server, station), what);
    order->state = ORDER_BEGIN;
    if (server->journal_failed) {
        orders_end(server, order, now, COMMAND_REFUSED, "%.120s", server->journal_fault);
        return;
    }
    for (unsigned i = 0; i < SERVER_COMMANDS_MAX; i++) {
        const struct order *other = &server->orders[i];
        bool open = other->state == ORDER_END || other->state == ORDER_ENDING;
        if (open && other->kind == ORDER_STATION && other->station == station) {
            orders_end(server, order, now, COMMAND_REFUSED, "another order for this station is still open");
            return;
        }
    }
    order->sent = true; /* once it is being written it may hold, whatever is told */
    orders_end(server, order, now, COMMAND_DONE, "%s", "");
}

void stations_ordered(struct server *server, const struct order *order)
{
    known_of(server, order->station)->ordered = order->mode;
    known_of(server, order->station)->said = true;
    follow(server, order->station);
    server_note(server, "%s: %s by %s", order->station->name,
                station_order_name((enum station_order)(unsigned)order->number), order->user.name);
}

/* ---- recovery ---- */

void server_recover_station(struct server *server, const char *name, unsigned mode)
{
    const struct station *station = site_find_station(server->site, name);
    if (station != NULL) {
        known_of(server, station)->ordered = mode & (STATION_DISABLED | STATION_SIMULATED);
        known_of(server, station)->said = true;
    }
}

void server_recover_station_value(struct server *server, const char *name, enum station_value value)
{
    const struct station *station = site_find_station(server->site, name);
    if (station != NULL && value <= STATION_WAIT) {
        known_of(server, station)->told = value;
    }
}

void stations_recovered(struct server *server)
{
    for (unsigned p = 0; p < server->site->process_count; p++) {
        const struct process *process = &server->site->processes[p];
        for (unsigned i = 0; i < process->station_count; i++) {
            follow(server, process->stations[i]);
            begin_sweep(server, process->stations[i]); /* the site may say so since the last run */
        }
    }
    server->station_next = 0;
}

void stations_reloaded(struct server *server)
{
    for (unsigned p = 0; p < server->site->process_count; p++) {
        const struct process *process = &server->site->processes[p];
        for (unsigned i = 0; i < process->station_count; i++) {
            struct station_known *known = known_of(server, process->stations[i]);
            if (!known->said) {
                known->ordered = process->stations[i]->communication_disabled ? STATION_DISABLED : 0;
            }
            known->sweep = 0; /* it counted other tags */
        }
    }
    stations_recovered(server);
}

/* ---- records ---- */

static void write_value(struct server *server, struct line_now now, const struct station *station,
                        struct server_output *output)
{
    struct station_known *known = known_of(server, station);
    known->told = known->value;
    server->record = (struct record){
        .kind = RECORD_STATION_VALUE, .ticket = ++server->ticket, .process = station->line->process->name};
    server->record.of.station_value = (struct record_station_value){
        .station = station->name, .value = (uint8_t)known->value, .flags = known->flags, .time = now.utc};
    output->kind = SERVER_OUT_RECORD;
    output->record = &server->record;
}

void stations_write_event(struct server *server, const struct tag *tag, const struct value *value,
                          struct server_output *output)
{
    server->counters.events++;
    server->record =
        (struct record){.kind = RECORD_EVENT, .ticket = ++server->ticket, .process = tag_process(tag)->name};
    server->record.of.event = (struct record_event){.tag = tag->name,
                                                    .tag_number = tag_site_number(tag),
                                                    .type = tag->type,
                                                    .value = *value,
                                                    .line = tag->station->line->index};
    batch_set_value(server, tag, value);
    outgoing_follow(server, tag, value, false, server->record.ticket);
    output->kind = SERVER_OUT_RECORD;
    output->record = &server->record;
}

/* The next tag of a station that has a value becomes invalid. What a command is on its way to is left to its
 * end, and what we send to others is ours, whoever hears it (reference 3.4). */
static bool sweep(struct server *server, struct line_now now, const struct station *station,
                  struct server_output *output)
{
    struct station_known *known = known_of(server, station);
    while (known->sweep > 0) {
        const struct tag *tag = &station->tags[station->tag_count - known->sweep--];
        struct value value = *server_value(server, tag);
        if (tag_is_outgoing(tag) || (value.status != STATUS_VALID && value.status != STATUS_WEAK)) {
            continue;
        }
        value.status = STATUS_INVALID;
        value.cot = 0;
        value.time_origin = TIME_OF_ARRIVAL;
        value.time = value.arrived = now.utc;
        stations_write_event(server, tag, &value, output);
        return true;
    }
    return false;
}

bool stations_next_record(struct server *server, struct line_now now, struct server_output *output)
{
    for (unsigned p = 0; p < server->site->process_count; p++) {
        const struct process *process = &server->site->processes[p];
        uint32_t first = server->first_station[p];
        while (server->station_next < first + process->station_count) {
            const struct station *station = process->stations[server->station_next - first];
            const struct station_known *known = &server->stations[server->station_next];
            if (known->told != known->value) {
                write_value(server, now, station, output);
                return true;
            }
            if (sweep(server, now, station, output)) {
                return true;
            }
            server->station_next++;
        }
    }
    return false;
}

/* ---- the instances are told ---- */

void stations_write_modes(struct server *server, const struct process *process)
{
    Komet__Wire__StationModes *body = &server->slot.body.station_modes;
    komet__wire__station_modes__init(body);
    for (unsigned i = 0; i < process->station_count; i++) {
        server->modes[i] = server_station_mode(server, process->stations[i]);
    }
    body->n_mode = process->station_count;
    body->mode = server->modes;
    server->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_STATION_MODES;
    server->slot.message.station_modes = body;
}
