/*
 * kom_host: see kom_host.h.
 *
 * Everything that comes is one input, after which the engine is drained; after octets of telemetry only at the end
 * of the loop's turn, so that what many connections brought in it goes to the server as one batch. The clock is read
 * afresh before each output: nothing is written to telemetry under a lease that ran out meanwhile.
 */
#include "program/kom_host_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "shell/buffer.h"
#include "shell/clock.h"
#include "shell/log.h"

#define RECONNECT_MAX_MS     1000
#define CONNECT_LIMIT_MS     2000
#define FAILURES_PER_WARNING 60
#define LINE_OUTPUT_MAX      (16u * 1024 * 1024) /* octets; the window k ends it long before */

static void connect_server(struct kom_host *host);

/* ---- telemetry ---- */

static struct trace_end end_of(const struct sockaddr_storage *address)
{
    struct trace_end end = {0};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
        end.family = 4;
        memcpy(end.address, &ipv4->sin_addr, 4);
        end.port = ntohs(ipv4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
        end.family = 6;
        memcpy(end.address, &ipv6->sin6_addr, 16);
        end.port = ntohs(ipv6->sin6_port);
    }
    return end;
}

static void ends_of(const struct tcp *tcp, struct trace_end *local, struct trace_end *remote)
{
    struct sockaddr_storage here, there;
    tcp_ends(tcp, &here, &there);
    *local = end_of(&here);
    *remote = end_of(&there);
}

static void on_line_connected(void *context, struct tcp *tcp)
{
    struct host_connection *connection = context;
    struct host_line *line = connection->line;
    struct trace_end local, remote;
    char peer[80];
    tcp_peer(tcp, peer, sizeof peer);
    log_info("%s: connected to %s", line->line->name, peer);
    ends_of(tcp, &local, &remote);
    kom_line_ends(line->host->kom, &local, &remote);
    tcp_send_at_once(tcp, line->line->parameters.value[PARAMETER_TND] != 0);
    kom_line_connected(line->host->kom, clock_now(), line->index, connection->serial);
    kom_host_drain(line->host);
}

static size_t on_line_received(void *context, struct tcp *tcp, const uint8_t *octets, size_t size)
{
    struct host_connection *connection = context;
    struct kom_host *host = connection->line->host;
    size_t taken =
        kom_line_feed(host->kom, clock_now(), connection->line->index, connection->serial, octets, size);
    if (taken < size) {
        connection->held = host->holds = true; /* the server is behind: TCP holds the station back */
        tcp_pause(tcp);
    }
    host->fed = true;
    if (kom_has_notes(host->kom)) { /* of which only so many wait */
        kom_host_drain(host);
    }
    return taken;
}

static void on_line_closed(void *context, struct tcp *tcp, enum komet_reason reason)
{
    struct host_connection *connection = context;
    struct host_line *line = connection->line;
    (void)tcp;
    connection->tcp = NULL;
    connection->held = false;
    kom_line_closed(line->host->kom, clock_now(), line->index, connection->serial, reason);
    kom_host_drain(line->host);
}

/* A station whose socket was full: what waits for it is written under a grant that still runs, or not at all.
 */
static bool may_write(void *context, struct tcp *tcp)
{
    struct host_connection *connection = context;
    struct kom_host *host = connection->line->host;
    kom_tick(host->kom, clock_now());
    kom_host_drain(host);
    return connection->tcp == tcp;
}

static const struct tcp_events line_events = {on_line_connected, on_line_received, NULL, on_line_closed,
                                              may_write};

static struct host_connection *find_connection(struct host_line *line, uint32_t serial)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->connections[i].tcp != NULL && line->connections[i].serial == serial) {
            return &line->connections[i];
        }
    }
    return NULL;
}

static struct host_connection *free_connection(struct host_line *line)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        if (line->connections[i].tcp == NULL) {
            line->connections[i].held = false;
            return &line->connections[i];
        }
    }
    return NULL;
}

static void abort_connection(struct host_connection *connection)
{
    if (connection->tcp != NULL) {
        tcp_abort(connection->tcp);
        connection->tcp = NULL;
    }
}

void kom_host_abort_line(struct host_line *line)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        abort_connection(&line->connections[i]);
    }
    tcp_listener_close(line->listener);
    line->listener = NULL;
}

static void connect_line(struct kom_host *host, const struct kom_output *output)
{
    struct host_line *line = host->lines[output->line];
    struct host_connection *connection = free_connection(line);
    KOMET_ASSERT(connection != NULL); /* the engine has no more */
    connection->serial = output->connection;
    connection->tcp = tcp_connect(
        host->settings.loop, output->local, output->address->host, output->address->port,
        (uint64_t)line->line->parameters.value[PARAMETER_WT0], &line_events, connection, LINE_OUTPUT_MAX);
}

/* Whoever connects to a listening line: the engine says whether it stays. */
static void on_line_accepted(void *context, struct tcp_listener *listener)
{
    struct host_line *line = context;
    struct kom_host *host = line->host;
    struct host_connection *connection = free_connection(line);
    struct trace_end local, remote;
    struct tcp *tcp = tcp_adopt(listener, &line_events, connection, LINE_OUTPUT_MAX);
    if (tcp == NULL) {
        return;
    }
    ends_of(tcp, &local, &remote);
    struct network_address peer = {.family = remote.family};
    memcpy(peer.octets, remote.address, sizeof peer.octets);
    peer = network_address_plain(peer);
    kom_line_ends(host->kom, &local, &remote);
    uint32_t serial = connection == NULL /* closed ones that the engine has not heard of: a moment */
                          ? 0
                          : kom_line_accepted(host->kom, clock_now(), line->index, &peer, remote.port);
    if (serial == 0) {
        tcp_abort(tcp);
    } else {
        connection->serial = serial;
        connection->tcp = tcp;
        tcp_send_at_once(tcp, line->line->parameters.value[PARAMETER_TND] != 0);
    }
    kom_host_drain(host);
}

static void listen_line(struct kom_host *host, const struct kom_output *output)
{
    struct host_line *line = host->lines[output->line];
    char fault[200];
    KOMET_ASSERT(line->listener == NULL);
    line->listener = tcp_listen(host->settings.loop, output->address->host, output->address->port,
                                on_line_accepted, line, fault);
    if (line->listener != NULL) {
        log_info("%s: listens on %s:%u", line->line->name, output->address->host, output->address->port);
    } else {
        log_warning("%s: %s", line->line->name, fault);
    }
    kom_line_listening(host->kom, clock_now(), output->line, line->listener == NULL ? fault : NULL);
}

static void listen_no_more(struct host_line *line)
{
    tcp_listener_close(line->listener);
    line->listener = NULL;
}

static void send_line(struct kom_host *host, const struct kom_output *output)
{
    struct host_connection *connection = find_connection(host->lines[output->line], output->connection);
    if (connection != NULL) {
        tcp_write(connection->tcp, output->octets, output->size);
    }
    /* A connection that ended meanwhile has told the engine already; then this does nothing. */
    kom_line_written(host->kom, output->line, output->connection, output->size);
}

/* A line's question, for when it is answered: which lines it is of, the line, the line's serial. */
static uint64_t token_of(const struct kom_host *host, uint16_t line, uint32_t serial)
{
    return (uint64_t)host->lines_serial << 48 | (uint64_t)line << 32 | serial;
}

/* False: lines have other numbers since. */
static bool line_of_token(const struct kom_host *host, uint64_t token, uint16_t *line, uint32_t *serial)
{
    *line = (uint16_t)(token >> 32);
    *serial = (uint32_t)token;
    return *line < host->line_count && token == token_of(host, *line, *serial);
}

static void on_pinged(void *context, uint64_t token, bool answered)
{
    struct kom_host *host = context;
    uint16_t line;
    uint32_t ping;
    if (line_of_token(host, token, &line, &ping)) {
        kom_line_pinged(host->kom, clock_now(), line, ping, answered);
        kom_host_drain(host);
    }
}

static void ping_line(struct kom_host *host, const struct kom_output *output)
{
    if (host->pinger == NULL) {
        host->pinger = pinger_open(host->settings.loop, on_pinged, host);
    }
    ping_send(host->pinger, output->address->host, output->local, token_of(host, output->line, output->ping));
}

static void on_found(void *context, uint64_t token, const struct network_address *addresses, unsigned count)
{
    struct kom_host *host = context;
    uint16_t line;
    uint32_t find;
    if (line_of_token(host, token, &line, &find)) {
        kom_line_found(host->kom, clock_now(), line, find, addresses, count);
        kom_host_drain(host);
    }
}

static void find_for_line(struct kom_host *host, const struct kom_output *output)
{
    if (host->names == NULL) {
        host->names = names_open(host->settings.loop, on_found, host);
    }
    names_find(host->names, output->address->host, token_of(host, output->line, output->find));
}

static void resume_line(struct host_line *line)
{
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        struct host_connection *connection = &line->connections[i];
        if (!connection->held || connection->tcp == NULL) {
            continue;
        }
        if (!kom_takes(line->host->kom)) {
            line->host->holds = true;
            return;
        }
        connection->held = false;
        tcp_resume(connection->tcp);
    }
}

static void resume_lines(struct kom_host *host)
{
    if (!host->holds || !kom_takes(host->kom)) {
        return;
    }
    host->holds = false; /* it is again where the engine takes no more */
    for (unsigned i = 0; i < host->line_count; i++) {
        resume_line(host->lines[i]);
    }
}

/* ---- its end ---- */

static void end(struct kom_host *host)
{
    if (host->ended) {
        return;
    }
    host->ended = true;
    for (unsigned i = 0; i < host->line_count; i++) {
        kom_host_abort_line(host->lines[i]);
    }
    if (host->server != NULL) {
        wire_peer_close(host->server);
        host->server = NULL;
    }
    if (host->buffer != NULL) {
        buffer_close(host->buffer);
        host->buffer = NULL;
    }
    if (host->names != NULL) {
        names_close(host->names);
        host->names = NULL;
    }
    if (host->pinger != NULL) {
        pinger_close(host->pinger);
        host->pinger = NULL;
    }
    uv_close((uv_handle_t *)&host->deadline, NULL);
    uv_close((uv_handle_t *)&host->reconnect, NULL);
    uv_close((uv_handle_t *)&host->turn, NULL);
}

void kom_host_give_up(struct kom_host *host, const char *why)
{
    char text[512];
    log_plain(text, sizeof text, why);
    fprintf(stderr, "komet kom: %s\n", text);
    host->refused = true;
    end(host);
}

/* ---- the server ---- */

/* Told once for each server, and then now and again. */
static void connect_failed(struct kom_host *host, const char *reason)
{
    const struct endpoint *server = &host->settings.servers->list[host->this_server];
    unsigned round = host->failures++ / (unsigned)host->settings.servers->count;
    if (round % FAILURES_PER_WARNING == 0) {
        log_warning("no connection to the server %s:%u: %s; trying on", server->host, server->port, reason);
    }
}

static void on_reconnect(uv_timer_t *timer)
{
    struct kom_host *host = timer->data;
    if (host->server != NULL) { /* it did not connect in time */
        wire_peer_abort(host->server);
        host->server = NULL;
        connect_failed(host, "no answer");
    }
    connect_server(host);
}

static void pause_and_reconnect(struct kom_host *host)
{
    uv_timer_start(&host->reconnect, on_reconnect, host->pause_ms, 0);
    host->pause_ms = host->pause_ms * 2 < RECONNECT_MAX_MS ? host->pause_ms * 2 : RECONNECT_MAX_MS;
}

static void on_server_connected(void *context, struct wire_peer *peer)
{
    struct kom_host *host = context;
    (void)peer;
    uv_timer_stop(&host->reconnect);
    host->connected = true;
    kom_server_connected(host->kom, clock_now());
    kom_host_drain(host);
}

static void on_server_message(void *context, struct wire_peer *peer, const wire_message *message)
{
    struct kom_host *host = context;
    (void)peer;
    kom_feed(host->kom, clock_now(), message);
    kom_host_drain(host);
}

static void server_lost(struct kom_host *host)
{
    host->server = NULL;
    host->reading_wanted = false;
    if (host->connected) {
        host->connected = host->welcomed = false;
        kom_server_closed(host->kom, clock_now());
    }
    pause_and_reconnect(host);
}

static void on_server_closed(void *context, struct wire_peer *peer, enum komet_reason reason,
                             const char *text)
{
    struct kom_host *host = context;
    (void)peer, (void)reason;
    if (host->welcomed) {
        log_warning("the connection to the server is lost: %s", text);
        host->failures = 0;
    } else { /* in TLS a server refuses a certificate after we are connected */
        connect_failed(host, text);
    }
    server_lost(host);
    kom_host_drain(host);
}

static const struct wire_peer_events server_events = {on_server_connected, on_server_message, NULL,
                                                      on_server_closed};

static void connect_server(struct kom_host *host)
{
    const struct endpoint *server = &host->settings.servers->list[host->next_server];
    host->this_server = host->next_server;
    if (!host->stays) {
        host->next_server = (host->next_server + 1) % host->settings.servers->count;
    }
    host->server = wire_peer_connect(host->settings.loop, server->host, server->port, CONNECT_LIMIT_MS,
                                     host->settings.tls, &server_events, host);
    uv_timer_start(&host->reconnect, on_reconnect, CONNECT_LIMIT_MS, 0);
}

static void reconnect(struct kom_host *host)
{
    if (host->server != NULL) {
        wire_peer_abort(host->server);
        server_lost(host);
    }
}

/* ---- the buffer ---- */

static void on_kept(void *context, uint64_t sequence)
{
    struct kom_host *host = context;
    kom_kept(host->kom, clock_now(), sequence);
    kom_host_drain(host);
}

static void on_keep_failed(void *context, const char *why)
{
    struct kom_host *host = context;
    kom_keep_failed(host->kom, clock_now(), why);
    kom_host_drain(host);
}

static void on_recalled(void *context, wire_message *message)
{
    struct kom_host *host = context;
    kom_recalled(host->kom, clock_now(), message);
    kom_host_drain(host);
}

static const struct buffer_events buffer_events = {on_kept, on_keep_failed, on_recalled};

static bool open_buffer(struct kom_host *host)
{
    const struct kom_host_settings *settings = &host->settings;
    char fault[BUFFER_FAULT_SIZE];
    host->buffer =
        buffer_open(settings->loop, settings->buffer, settings->buffer_octets, &buffer_events, host, fault);
    if (host->buffer == NULL) {
        kom_host_give_up(host, fault);
        return false;
    }
    if (fault[0] != '\0') {
        log_warning("%s", fault);
    }
    kom_use_buffer(host->kom, buffer_waits(host->buffer));
    return true;
}

/* ---- what the engine wants ---- */

static void act(struct kom_host *host, const struct kom_output *output)
{
    struct host_connection *connection;
    switch (output->kind) {
    case KOM_OUT_MESSAGE:
        if (host->server != NULL) {
            wire_peer_send(host->server, output->message);
        }
        return;
    case KOM_OUT_CONFIGURE:
        kom_host_configure(host, output->welcome);
        return;
    case KOM_OUT_RECONFIGURE:
        kom_host_reconfigure(host, output->configuration);
        return;
    case KOM_OUT_END:
        end(host);
        return;
    case KOM_OUT_REFUSED:
        kom_host_give_up(host, output->text);
        return;
    case KOM_OUT_RECONNECT:
        reconnect(host);
        return;
    case KOM_OUT_LISTEN:
        listen_line(host, output);
        return;
    case KOM_OUT_LISTEN_END:
        listen_no_more(host->lines[output->line]);
        return;
    case KOM_OUT_CONNECT:
        connect_line(host, output);
        return;
    case KOM_OUT_FIND:
        find_for_line(host, output);
        return;
    case KOM_OUT_PING:
        ping_line(host, output);
        return;
    case KOM_OUT_SEND:
        send_line(host, output);
        return;
    case KOM_OUT_ABORT:
        connection = find_connection(host->lines[output->line], output->connection);
        if (connection != NULL) {
            abort_connection(connection);
        }
        return;
    case KOM_OUT_KEEP:
        buffer_keep(host->buffer, output->message, output->sequence);
        return;
    case KOM_OUT_RECALL:
        buffer_recall(host->buffer, output->sequence);
        return;
    case KOM_OUT_FORGET:
        buffer_forget(host->buffer, output->sequence);
        return;
    case KOM_OUT_NOTE:
        log_info("%s", output->text);
        return;
    }
    KOMET_ASSERT_NEVER("an unknown output of the KOM");
}

/* Before the loop waits again. */
static void on_turn(uv_prepare_t *turn)
{
    struct kom_host *host = turn->data;
    if (host->fed) {
        kom_host_drain(host);
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct kom_host *host = timer->data;
    kom_tick(host->kom, clock_now());
    kom_host_drain(host);
}

void kom_host_drain(struct kom_host *host)
{
    struct kom_output output;
    if (host->draining) {
        return;
    }
    do {
        host->fed = false;
        host->draining = true;
        while (!host->ended && kom_next(host->kom, clock_now(), &output)) {
            act(host, &output);
        }
        host->draining = false;
        if (!host->ended) {
            resume_lines(host);
        }
    } while (host->fed && !host->ended);
    if (!host->ended) {
        struct line_now now = clock_now();
        uv_timer_start(&host->deadline, on_deadline, clock_timeout_ms(now.instant, kom_deadline(host->kom)),
                       0);
    }
}

/* ---- life ---- */

struct kom_host *kom_host_start(const struct kom_host_settings *settings)
{
    struct kom_host *host = calloc(1, sizeof *host);
    KOMET_ASSERT(host != NULL);
    host->settings = *settings;
    host->wanted =
        (struct site_wanted){.process = settings->identity.process, .instance = settings->identity.instance};
    host->pause_ms = RECONNECT_MIN_MS;
    host->kom_memory = malloc(kom_size());
    KOMET_ASSERT(host->kom_memory != NULL);
    host->kom = kom_init(host->kom_memory, kom_size(), &host->settings.identity, clock_now());
    if (settings->traffic > 0) {
        host->traffic = malloc(settings->traffic);
        KOMET_ASSERT(host->traffic != NULL);
        kom_keep_traffic(host->kom, host->traffic, settings->traffic);
    }
    int failed = uv_timer_init(settings->loop, &host->deadline);
    failed |= uv_timer_init(settings->loop, &host->reconnect);
    failed |= uv_prepare_init(settings->loop, &host->turn);
    failed |= uv_prepare_start(&host->turn, on_turn);
    KOMET_ASSERT(failed == 0);
    host->deadline.data = host->reconnect.data = host->turn.data = host;
    if (settings->buffer == NULL || open_buffer(host)) {
        connect_server(host);
    }
    return host;
}

void kom_host_stop(struct kom_host *host)
{
    if (!host->ended && !host->leaving) {
        host->leaving = true;
        kom_leave(host->kom, clock_now());
        kom_host_drain(host);
    } else if (!host->ended) {
        kom_shutdown(host->kom, clock_now());
        kom_host_drain(host);
        end(host);
    }
}

int kom_host_free(struct kom_host *host)
{
    int status = host->refused ? 1 : 0;
    kom_host_forget_site(host);
    free(host->kom_memory);
    free(host->traffic);
    free(host);
    return status;
}
