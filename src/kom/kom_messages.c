/*
 * What the KOM tells the server about itself, and the commands that the server gives it.
 */
#include <stdio.h>
#include <string.h>

#include "kom/kom_private.h"

/* ---- commands ---- */

void kom_end_command(struct kom *kom, uint64_t id, enum command_result result, const char *reason)
{
    KOMET_ASSERT(kom->end_count < KOM_COMMANDS_MAX);
    struct kom_end *end = &kom->ends[kom->end_count++];
    *end = (struct kom_end){.id = id, .result = result};
    snprintf(end->reason, sizeof end->reason, "%s", reason);
}

void kom_take_command(struct kom *kom, struct line_now now, const Komet__Wire__Command *command)
{
    if (kom->end_count + kom->open_commands >= KOM_COMMANDS_MAX) {
        kom_note(kom, "a command was dropped: too many ends of commands wait for the server");
        return; /* the server ends it as unknown when its time is up */
    }
    if (!kom_is_active(kom, now) || command->epoch != kom->epoch) {
        kom_end_command(kom, command->id, COMMAND_REFUSED, "this instance is not active under that grant");
        return;
    }
    bool write = command->kind == LINE_COMMAND_WRITE || command->kind == LINE_COMMAND_SELECT;
    bool known = command->kind >= LINE_COMMAND_WRITE && command->kind <= LINE_COMMAND_SELECT;
    if (!known || (write && command->tag >= kom->process->tag_count) ||
        (!write && command->station >= kom->process->station_count)) {
        kom_end_command(kom, command->id, COMMAND_REFUSED, "this instance has no such tag or station");
        return;
    }
    struct line_command order = {
        .id = command->id,
        .kind = (enum line_command_kind)command->kind,
        .tag = write ? kom->process->tags[command->tag] : NULL,
        .number = command->number,
        .flags = (value_flags)command->flags,
        .deadline = komet_after(now.instant, KOMET_MS(command->deadline_ms)),
    };
    order.station = write ? order.tag->station : kom->process->stations[command->station];
    uint16_t line = order.station->line->index;
    if (line_is_server(order.station->line)) {
        kom_end_command(kom, command->id, COMMAND_REFUSED, "masters are given no commands");
        return;
    }
    kom->open_commands++;
    line_command(kom->lines[line].engine, now, &order);
    kom_absorb(kom, now, line); /* its end, when it was refused: a line keeps only so many */
}

/* ---- stations ---- */

static void set_modes(struct kom *kom, struct line_now now, const Komet__Wire__StationModes *modes,
                      bool spoken_with)
{
    for (unsigned i = 0; i < modes->n_mode; i++) {
        const struct station *station = kom->process->stations[i];
        unsigned mode = modes->mode[i] & STATION_MODES;
        if ((mode == 0) == spoken_with) {
            line_set_mode(kom->lines[station->line->index].engine, now, station, mode);
        }
    }
}

void kom_take_modes(struct kom *kom, struct line_now now, const Komet__Wire__StationModes *modes)
{
    if (kom->process == NULL || modes->n_mode != kom->process->station_count) {
        kom_note(kom, "the server sent modes of stations for another site");
        return;
    }
    set_modes(kom, now, modes, true); /* first: a line that has one of them keeps its connection */
    set_modes(kom, now, modes, false);
    for (uint16_t i = 0; i < kom->process->line_count; i++) {
        kom_absorb(kom, now, i);
    }
}

/* ---- messages ---- */

static wire_message *begin(struct kom *kom)
{
    komet__wire__message__init(&kom->slot.message);
    return &kom->slot.message;
}

static wire_message *write_hello(struct kom *kom)
{
    Komet__Wire__Hello *hello = &kom->slot.body.hello;
    komet__wire__hello__init(hello);
    hello->version = WIRE_VERSION;
    hello->program = (char *)(uintptr_t) "kom";
    hello->process = (char *)(uintptr_t)kom->identity.process;
    hello->instance = kom->identity.instance;
    hello->run = kom->identity.run;
    hello->host = (char *)(uintptr_t)kom->identity.host;
    hello->pid = kom->identity.pid;
    hello->traces = kom->ring != NULL;
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_HELLO;
    kom->slot.message.hello = hello;
    return &kom->slot.message;
}

static wire_message *write_heartbeat(struct kom *kom, struct line_now now)
{
    Komet__Wire__Heartbeat *heartbeat = &kom->slot.body.heartbeat;
    komet__wire__heartbeat__init(heartbeat);
    heartbeat->sent_us = now.instant.us;
    kom->heartbeat_sent = now.instant;
    kom->heartbeat_due = komet_after(now.instant, kom->lease_us / KOM_HEARTBEATS);
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_HEARTBEAT;
    kom->slot.message.heartbeat = heartbeat;
    return &kom->slot.message;
}

static wire_message *write_end(struct kom *kom)
{
    const struct kom_end *end = &kom->ends[kom->end_next++];
    Komet__Wire__CommandEnd *body = &kom->slot.body.command_end;
    komet__wire__command_end__init(body);
    body->id = end->id;
    body->result = (uint32_t)end->result;
    body->reason = (char *)(uintptr_t)end->reason;
    body->number = end->number;
    body->flags = end->flags;
    body->answered = end->answered;
    body->current = end->current;
    body->cause = end->cause;
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_COMMAND_END;
    kom->slot.message.command_end = body;
    return &kom->slot.message;
}

/* Protobuf's texts are never NULL, and not const. */
static char *wire_text(const char *text)
{
    return (char *)(uintptr_t)(text != NULL ? text : "");
}

static wire_message *write_line_report(struct kom *kom, uint16_t line)
{
    struct line_report *report = &kom->slot.report;
    Komet__Wire__LineReport *body = &kom->slot.body.line_report;
    *report = line_report(kom->lines[line].engine);
    index_set_remove(&kom->marks.line_reports, line);
    komet__wire__line_report__init(body);
    body->line = line;
    body->value = report->value;
    body->flags = report->flags;
    body->connection = report->connection;
    body->reach = (uint32_t)report->reach;
    for (unsigned i = 0; i < report->connection_count; i++) {
        const struct line_connection *from = &report->connections[i];
        Komet__Wire__ConnectionReport *connection = &kom->slot.connection[i];
        komet__wire__connection_report__init(connection);
        connection->address = report->connections[i].address;
        connection->state = (uint32_t)from->state;
        connection->partner = wire_text(from->partner);
        connection->path = wire_text(from->path);
        connection->role = wire_text(from->role);
        connection->reason = wire_text(from->reason == KOMET_OK ? NULL : komet_reason_name(from->reason));
        kom->slot.connections[i] = connection;
    }
    body->n_connections = report->connection_count;
    body->connections = kom->slot.connections;
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_LINE_REPORT;
    kom->slot.message.line_report = body;
    return &kom->slot.message;
}

static wire_message *write_station_report(struct kom *kom, unsigned station)
{
    Komet__Wire__StationReport *body = &kom->slot.body.station_report;
    index_set_remove(&kom->marks.station_reports, station);
    komet__wire__station_report__init(body);
    body->station = station;
    body->value = (uint32_t)kom->stations[station];
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_STATION_REPORT;
    kom->slot.message.station_report = body;
    return &kom->slot.message;
}

static wire_message *write_stopped(struct kom *kom, struct line_now now)
{
    Komet__Wire__Stopped *body = &kom->slot.body.stopped;
    kom->stopped = false;
    kom_stand_by(kom, now);
    komet__wire__stopped__init(body);
    body->epoch = kom->stopped_epoch;
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_STOPPED;
    kom->slot.message.stopped = body;
    return &kom->slot.message;
}

static wire_message *write_leave(struct kom *kom)
{
    Komet__Wire__Leave *body = &kom->slot.body.leave;
    kom->leave = false;
    komet__wire__leave__init(body);
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_LEAVE;
    kom->slot.message.leave = body;
    return &kom->slot.message;
}

static wire_message *next_report(struct kom *kom)
{
    unsigned line = index_set_next(&kom->marks.line_reports, 0);
    if (line < kom->marks.line_reports.count) {
        return write_line_report(kom, (uint16_t)line);
    }
    unsigned station = index_set_next(&kom->marks.station_reports, 0);
    return station < kom->marks.station_reports.count ? write_station_report(kom, station) : NULL;
}

static wire_message *next_message(struct kom *kom, struct line_now now)
{
    begin(kom);
    if (kom->hello) {
        kom->hello = false;
        return write_hello(kom);
    }
    if (!kom->welcome) {
        return NULL;
    }
    if (komet_reached(now.instant, kom->heartbeat_due)) {
        return write_heartbeat(kom, now);
    }
    if (kom->leave) {
        return write_leave(kom);
    }
    if (kom->end_next < kom->end_count) {
        return write_end(kom);
    }
    kom->end_next = kom->end_count = 0;
    wire_message *outgoing = kom_next_outgoing(kom);
    if (outgoing != NULL) {
        return outgoing;
    }
    wire_message *report = next_report(kom);
    if (report != NULL) {
        return report;
    }
    return kom->stopped ? write_stopped(kom, now) : NULL;
}

bool kom_next_message(struct kom *kom, struct line_now now, struct kom_output *output)
{
    if (!kom->connected) {
        return false;
    }
    output->kind = KOM_OUT_MESSAGE;
    output->message = next_message(kom, now);
    return output->message != NULL;
}
