/*
 * Traces of lines (LNTRACE): which KOMs are asked for pages of their traffic, and for whom.
 *
 * Each KOM of a trace has one page under way at most: the next one is asked for when the console has sent the
 * last one on. So a console that does not read holds up its own trace and nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "server/server_private.h"

static bool has_line(const struct process *process, const char *mask)
{
    for (unsigned i = 0; i < process->line_count; i++) {
        if (name_matches(mask, process->lines[i].name)) {
            return true;
        }
    }
    return false;
}

/* True when the client is a KOM that can have traffic of that trace. */
static bool is_wanted(const struct server *server, const struct trace *trace, unsigned client)
{
    const struct client *kom = &server->clients[client];
    return kom->kind == CLIENT_KOM && kom->traces &&
           (trace->instance == 0 || trace->instance == kom->instance) &&
           has_line(kom->process->process, trace->mask);
}

static bool any_part(const struct trace *trace)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (trace->parts[i] != TRACE_NONE) {
            return true;
        }
    }
    return false;
}

const char *server_trace(struct server *server, uint64_t token, const struct server_trace_settings *settings)
{
    struct trace *trace = NULL;
    for (unsigned i = 0; i < SERVER_TRACES_MAX && trace == NULL; i++) {
        trace = server->traces[i].state == TRACE_FREE ? &server->traces[i] : NULL;
    }
    if (trace == NULL) {
        return "too many LNTRACEs are open already; end one first";
    }
    *trace = (struct trace){.state = TRACE_OPEN,
                            .token = token,
                            .id = ++server->next_trace,
                            .instance = settings->instance,
                            .memory = settings->memory,
                            .live = settings->live};
    snprintf(trace->mask, sizeof trace->mask, "%s", settings->mask);
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (is_wanted(server, trace, i)) {
            trace->parts[i] = TRACE_TO_BEGIN;
        }
    }
    if (!trace->live && !any_part(trace)) {
        trace->state = TRACE_FREE;
        return "no instance that keeps traffic of that line is connected; PROCESS shows which are";
    }
    return NULL;
}

static struct trace *find_trace(struct server *server, uint64_t token)
{
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        if (server->traces[i].state == TRACE_OPEN && server->traces[i].token == token) {
            return &server->traces[i];
        }
    }
    return NULL;
}

void server_trace_more(struct server *server, uint64_t token)
{
    struct trace *trace = find_trace(server, token);
    for (unsigned i = 0; trace != NULL && i < SERVER_CLIENTS_MAX; i++) {
        if (trace->parts[i] == TRACE_HELD) {
            trace->parts[i] = TRACE_TO_ASK;
        }
    }
}

void server_untrace(struct server *server, uint64_t token)
{
    struct trace *trace = find_trace(server, token);
    if (trace == NULL) {
        return;
    }
    trace->state = TRACE_ENDING;
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (trace->parts[i] == TRACE_TO_BEGIN) {
            trace->parts[i] = TRACE_NONE; /* it has not heard of it */
        }
    }
}

void traces_connected(struct server *server, unsigned client)
{
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        struct trace *trace = &server->traces[i];
        bool has_part = trace->parts[client] != TRACE_NONE; /* it has a line of that name since a RELOAD */
        if (trace->state == TRACE_OPEN && trace->live && !has_part && is_wanted(server, trace, client)) {
            trace->parts[client] = TRACE_TO_BEGIN;
        }
    }
}

void traces_lost(struct server *server, unsigned client)
{
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        server->traces[i].parts[client] = TRACE_NONE;
    }
    if (server->trace_page != NULL && server->trace_client == client) {
        server->trace_page = NULL;
    }
}

void traces_page(struct server *server, unsigned client, const Komet__Wire__TracePage *page)
{
    KOMET_ASSERT(server->trace_page == NULL);
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        struct trace *trace = &server->traces[i];
        if (trace->state == TRACE_OPEN && trace->id == page->id && trace->parts[client] == TRACE_ASKED) {
            trace->parts[client] = page->end ? TRACE_NONE : TRACE_HELD;
            server->trace_page = page;
            server->trace_client = client;
            server->trace_token = trace->token;
        }
    } /* that of a trace which has ended meanwhile is dropped, as is one that was not asked for */
}

static bool next_page(struct server *server, struct server_output *output)
{
    if (server->trace_page == NULL) {
        return false;
    }
    const struct client *kom = &server->clients[server->trace_client];
    output->kind = SERVER_OUT_TRACE;
    output->token = server->trace_token;
    output->page = server->trace_page;
    output->process = kom->process->process;
    output->instance = kom->instance;
    output->run = kom->process->members[kom->instance].run;
    server->trace_page = NULL;
    return true;
}

/* A trace of what is in memory ends with its last part. */
static bool next_end(struct server *server, struct server_output *output)
{
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        struct trace *trace = &server->traces[i];
        if (trace->state == TRACE_FREE || any_part(trace) || (trace->state == TRACE_OPEN && trace->live)) {
            continue;
        }
        bool told = trace->state == TRACE_OPEN;
        trace->state = TRACE_FREE;
        if (told) {
            output->kind = SERVER_OUT_TRACE;
            output->token = trace->token;
            return true;
        }
    }
    return false;
}

/* Fills `ask` for what is to be said to a client; false: nothing. */
static bool write_ask(struct trace *trace, unsigned client, Komet__Wire__TraceAsk *ask)
{
    enum trace_part part = trace->parts[client];
    bool end = trace->state == TRACE_ENDING;
    if (part == TRACE_NONE || (!end && part != TRACE_TO_BEGIN && part != TRACE_TO_ASK)) {
        return false;
    }
    komet__wire__trace_ask__init(ask);
    ask->id = trace->id;
    ask->end = end;
    if (part == TRACE_TO_BEGIN) {
        ask->begin = true;
        ask->mask = trace->mask;
        ask->memory = trace->memory;
        ask->live = trace->live;
    }
    trace->parts[client] = end ? TRACE_NONE : TRACE_ASKED;
    return true;
}

static bool next_ask(struct server *server, struct server_output *output)
{
    struct message_slot *slot = &server->slot;
    for (unsigned i = 0; i < SERVER_TRACES_MAX; i++) {
        struct trace *trace = &server->traces[i];
        for (unsigned client = 0; trace->state != TRACE_FREE && client < SERVER_CLIENTS_MAX; client++) {
            if (!write_ask(trace, client, &slot->body.trace_ask)) {
                continue;
            }
            message_slot_begin(slot);
            slot->message.body_case = KOMET__WIRE__MESSAGE__BODY_TRACE_ASK;
            slot->message.trace_ask = &slot->body.trace_ask;
            output->kind = SERVER_OUT_SEND;
            output->client = client;
            output->message = &slot->message;
            return true;
        }
    }
    return false;
}

bool traces_next(struct server *server, struct server_output *output)
{
    return next_page(server, output) || next_ask(server, output) || next_end(server, output);
}
