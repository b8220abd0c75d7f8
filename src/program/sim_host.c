/*
 * sim_host: see sim_host.h.
 */
#include "program/sim_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/stop.h"
#include "shell/tcp.h"

#define PEER_TEXT_SIZE 80
#define FAULT_SIZE     200
#define WAITING_MAX    ((size_t)256 * 1024)  /* octets not yet taken by the peer: more are not made */
#define OUTPUT_MAX     ((size_t)1024 * 1024) /* never reached: a link gives a few KiB at a time */

/* One of the station's connections. */
struct sim_end {
    struct sim_host *host;
    unsigned number;
    struct tcp *tcp; /* NULL: nobody is connected */
    char peer[PEER_TEXT_SIZE];
};

struct sim_host {
    const struct sim_partner *partner;
    struct sim_log *log;
    uv_loop_t loop;
    struct stop stop;
    uv_timer_t timer;
    struct tcp_listener *listener;
    struct sim_end ends[RTU_CONNECTIONS_MAX];
    bool busy; /* outputs are being taken: what happens meanwhile is looked at by who takes them */
    bool stopping;
};

static struct rtu_now now_read(void)
{
    struct line_now now = clock_now();
    return (struct rtu_now){now.instant, now.utc};
}

/* The connection is gone, or to be given up by who calls this. */
static void disconnected(struct sim_end *end, enum komet_reason reason)
{
    end->tcp = NULL;
    log_info("connection from %s closed: %s: %s", end->peer, komet_reason_name(reason),
             komet_reason_sentence(reason));
}

static void flush_record(struct sim_host *host)
{
    if (!sim_log_flush(host->log)) {
        log_error("%s cannot be written, no more events are recorded: %s", host->log->path, strerror(errno));
    }
}

/* False when the peer does not take octets now: the rest of the outputs waits too. */
static bool send_octets(struct sim_host *host, const struct rtu_output *output)
{
    struct sim_end *end = &host->ends[output->connection];
    KOMET_ASSERT(end->tcp != NULL);
    if (tcp_waiting(end->tcp) > WAITING_MAX) {
        return false;
    }
    flush_record(host); /* nothing arrives anywhere before it is in the record */
    if (tcp_write(end->tcp, output->octets, output->size)) {
        sim_partner_written(host->partner, output->connection, output->size);
    } else if (end->tcp != NULL) { /* it had ended before, without being told */
        disconnected(end, KOMET_CONNECTION_RESET);
        sim_partner_closed(host->partner, now_read(), output->connection);
    }
    return true;
}

static void take_outputs(struct sim_host *host, struct rtu_now now)
{
    struct rtu_output output;
    struct tcp *closing;
    while (sim_partner_next(host->partner, now, &output)) {
        switch (output.kind) {
        case RTU_OUT_EVENT:
            sim_log_event(host->log, &output);
            break;
        case RTU_OUT_NOTE:
            log_info("%s", output.text);
            break;
        case RTU_OUT_SEND:
            if (!send_octets(host, &output)) {
                return;
            }
            break;
        case RTU_OUT_CLOSE:
            closing = host->ends[output.connection].tcp;
            disconnected(&host->ends[output.connection], output.reason);
            tcp_close(closing);
            break;
        }
    }
}

static void on_timer(uv_timer_t *timer);

/* Ends a turn: outputs are taken, the record is flushed, the timer is set. */
static void settle(struct sim_host *host)
{
    struct rtu_now now = now_read();
    host->busy = true;
    take_outputs(host, now);
    host->busy = false;
    flush_record(host);
    if (!host->stopping) {
        uint64_t timeout_ms = clock_timeout_ms(now.instant, sim_partner_deadline(host->partner));
        uv_timer_start(&host->timer, on_timer, timeout_ms, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct sim_host *host = timer->data;
    sim_partner_tick(host->partner, now_read());
    settle(host);
}

static size_t on_received(void *context, struct tcp *tcp, const uint8_t *octets, size_t size)
{
    struct sim_end *end = context;
    struct sim_host *host = end->host;
    struct rtu_now now = now_read();
    size_t at = 0;
    host->busy = true;
    while (at < size && end->tcp == tcp) {
        at += sim_partner_feed(host->partner, now, end->number, octets + at, size - at);
        take_outputs(host, now);
    }
    settle(host);
    return size; /* of a connection that was closed in there nothing is wanted any more */
}

static void on_drained(void *context, struct tcp *tcp)
{
    const struct sim_end *end = context;
    (void)tcp;
    settle(end->host);
}

static void on_closed(void *context, struct tcp *tcp, enum komet_reason reason)
{
    struct sim_end *end = context;
    struct sim_host *host = end->host;
    if (tcp != end->tcp) {
        return;
    }
    disconnected(end, reason);
    sim_partner_closed(host->partner, now_read(), end->number);
    if (!host->busy) {
        settle(host);
    }
}

/* The place of a new connection: one that is free; of a single one the only one; else NULL. */
static struct sim_end *find_place(struct sim_host *host)
{
    unsigned count = sim_partner_connections(host->partner);
    for (unsigned i = 0; i < count; i++) {
        if (host->ends[i].tcp == NULL) {
            return &host->ends[i];
        }
    }
    return count == 1 ? &host->ends[0] : NULL;
}

static void on_accepted(void *context, struct tcp_listener *listener)
{
    static const struct tcp_events events = {
        .received = on_received, .drained = on_drained, .closed = on_closed};
    struct sim_host *host = context;
    struct sim_end *end = find_place(host);
    struct tcp *before = end != NULL ? end->tcp : NULL;
    struct tcp *tcp = tcp_adopt(listener, &events, end, OUTPUT_MAX);
    struct rtu_now now = now_read();
    if (tcp == NULL) {
        return; /* gone before it was taken */
    }
    if (end == NULL) {
        log_info("a connection is refused: %u are open", sim_partner_connections(host->partner));
        tcp_abort(tcp);
        return;
    }
    if (before != NULL) {
        disconnected(end, KOMET_REPLACED);
        tcp_abort(before);
        sim_partner_closed(host->partner, now, end->number);
    }
    end->tcp = tcp;
    tcp_peer(tcp, end->peer, sizeof end->peer);
    log_info("connected from %s", end->peer);
    sim_partner_connected(host->partner, now, end->number);
    settle(host);
}

static void on_stop(void *context)
{
    struct sim_host *host = context;
    if (host->stopping) {
        return;
    }
    host->stopping = true;
    for (unsigned i = 0; i < RTU_CONNECTIONS_MAX; i++) {
        struct tcp *closing = host->ends[i].tcp;
        if (closing != NULL) {
            disconnected(&host->ends[i], KOMET_SHUTDOWN);
            tcp_close(closing);
            sim_partner_closed(host->partner, now_read(), i);
        }
    }
    settle(host);
    tcp_listener_close(host->listener);
    uv_close((uv_handle_t *)&host->timer, NULL);
    stop_end(&host->stop);
}

int sim_host_run(const struct sim_host_settings *settings)
{
    static struct sim_host host;
    char fault[FAULT_SIZE], summary[SIM_PARTNER_SUMMARY_SIZE];
    host = (struct sim_host){.partner = settings->partner, .log = settings->log};
    for (unsigned i = 0; i < RTU_CONNECTIONS_MAX; i++) {
        host.ends[i] = (struct sim_end){.host = &host, .number = i};
    }
    int failed = uv_loop_init(&host.loop);
    KOMET_ASSERT(failed == 0);
    host.listener =
        tcp_listen(&host.loop, settings->listen->host, settings->listen->port, on_accepted, &host, fault);
    if (host.listener == NULL) {
        fprintf(stderr, "komet sim: %s\n", fault);
    } else {
        failed = uv_timer_init(&host.loop, &host.timer);
        KOMET_ASSERT(failed == 0);
        host.timer.data = &host;
        stop_begin(&host.stop, &host.loop, on_stop, &host);
        bool v6 = strchr(settings->listen->host, ':') != NULL;
        log_info(v6 ? "listening on [%s]:%u: %s" : "listening on %s:%u: %s", settings->listen->host,
                 settings->listen->port, settings->what);
        settle(&host);
    }
    uv_run(&host.loop, UV_RUN_DEFAULT);
    failed = uv_loop_close(&host.loop);
    KOMET_ASSERT(failed == 0);
    if (host.listener != NULL) {
        sim_partner_summary(host.partner, summary);
        log_info("stopped: %s", summary);
    }
    return host.listener != NULL ? 0 : 1;
}
