/*
 * sim_pair_host: see sim_pair_host.h.
 */
#include "program/sim_pair_host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "program/sim_orders.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/stop.h"
#include "shell/tcp.h"

#define PEER_TEXT_SIZE 80
#define FAULT_SIZE     200
#define WAITING_MAX    ((size_t)256 * 1024)  /* octets not yet taken by the peer: more are not made */
#define OUTPUT_MAX     ((size_t)1024 * 1024) /* never reached: a link gives a few KiB at a time */
#define ENDS_MAX                                                                                             \
    (2 * PAIR_CONNECTIONS) /* TCP connections: those of the pair, and new ones in their places               \
                            */

struct host;

/* A TCP connection. */
struct end {
    struct host *host;
    struct tcp *tcp; /* NULL: it is free */
    unsigned connection;
    char peer[PEER_TEXT_SIZE];
};

/* Where one system listens on one network. */
struct door {
    struct host *host;
    unsigned system, network;
    struct tcp_listener *listener; /* NULL: it does not listen */
    bool told;                     /* that it cannot listen */
};

struct host {
    const struct sim_pair_host_settings *settings;
    struct pair *pair;
    uv_loop_t loop;
    struct stop stop;
    uv_timer_t timer;
    struct sim_orders orders;
    struct end ends[ENDS_MAX];
    struct end *of[PAIR_CONNECTIONS]; /* that the pair knows; NULL: none, and none is tried */
    struct door doors[PAIR_SYSTEMS * PAIR_NETWORKS];
    bool busy; /* outputs are being taken: what happens meanwhile is looked at by who takes them */
    bool stopping;
};

static struct rtu_now now_read(void)
{
    struct line_now now = clock_now();
    return (struct rtu_now){now.instant, now.utc};
}

/* "a1": the path of a connection. */
static const char *path_text(unsigned connection)
{
    static const char *const paths[] = {"a1", "a2", "b1", "b2"};
    unsigned system = connection / (PAIR_PARTNERS * PAIR_NETWORKS);
    return paths[system * PAIR_NETWORKS + connection % PAIR_NETWORKS];
}

static unsigned partner_number(unsigned connection)
{
    return connection / PAIR_NETWORKS % PAIR_PARTNERS + 1;
}

/* ---- records ---- */

static void flush_records(struct host *host)
{
    struct sim_log *const logs[] = {host->settings->events, host->settings->got};
    for (unsigned i = 0; i < 2; i++) {
        if (!sim_log_flush(logs[i])) {
            log_error("%s cannot be written, nothing more is recorded there: %s", logs[i]->path,
                      strerror(errno));
        }
    }
}

static void record_event(struct host *host, const struct pair_output *event)
{
    char value[SIM_LOG_VALUE_SIZE];
    sim_log_value(event->number, value);
    sim_log_row(host->settings->events, "%u,%u,%u,%s,%" PRId64, event->ca, event->ioa, event->type, value,
                event->time.ms);
}

static void record_got(struct host *host, struct rtu_now now, const struct pair_output *got)
{
    char value[SIM_LOG_VALUE_SIZE], time[24] = "";
    sim_log_value(got->number, value);
    if (komet_utc_known(got->time)) {
        snprintf(time, sizeof time, "%" PRId64, got->time.ms);
    }
    sim_log_row(host->settings->got, "%s,%u,%u,%u,%u,%u,%d,%d,%s,%u,%s,%" PRId64, path_text(got->connection),
                partner_number(got->connection), got->ca, got->ioa, got->type, got->cause, got->negative,
                got->test, value, got->status, time, now.utc.ms);
}

/* ---- outputs ---- */

static void say_closed(const struct end *end, enum komet_reason reason)
{
    log_info("%s: connection with %s closed: %s: %s", path_text(end->connection), end->peer,
             komet_reason_name(reason), komet_reason_sentence(reason));
}

/* The pair's connection has ended, or is to be ended by who calls this. */
static struct tcp *release(struct end *end, enum komet_reason reason)
{
    struct tcp *tcp = end->tcp;
    end->tcp = NULL;
    end->host->of[end->connection] = NULL;
    say_closed(end, reason);
    return tcp;
}

static void connect_end(struct host *host, unsigned connection);

static void send_octets(struct host *host, const struct pair_output *output)
{
    struct end *end = host->of[output->connection];
    KOMET_ASSERT(end != NULL);
    if (tcp_waiting(end->tcp) > WAITING_MAX) {
        return; /* until it has drained */
    }
    flush_records(
        host); /* nothing arrives anywhere, and nothing is acknowledged, before it is in the record */
    if (tcp_write(end->tcp, output->octets, output->size)) {
        pair_written(host->pair, output->connection, output->size);
    } else if (host->of[output->connection] == end) { /* it had ended before, without being told */
        release(end, KOMET_CONNECTION_RESET);
        pair_closed(host->pair, now_read(), output->connection);
    }
}

static void take_outputs(struct host *host, struct rtu_now now)
{
    struct pair_output output;
    while (pair_next(host->pair, now, &output)) {
        switch (output.kind) {
        case PAIR_OUT_EVENT:
            record_event(host, &output);
            break;
        case PAIR_OUT_GOT:
            record_got(host, now, &output);
            break;
        case PAIR_OUT_NOTE:
            log_info("%s", output.text);
            break;
        case PAIR_OUT_CONNECT:
            connect_end(host, output.connection);
            break;
        case PAIR_OUT_SEND:
            send_octets(host, &output);
            break;
        case PAIR_OUT_CLOSE:
            KOMET_ASSERT(host->of[output.connection] != NULL);
            tcp_abort(release(host->of[output.connection], output.reason));
            break;
        }
    }
}

static void on_accepted(void *context, struct tcp_listener *listener);

/* Opens and closes the doors as the pair wants them. False: one cannot be opened, which was told. */
static bool set_doors(struct host *host)
{
    bool good = true;
    for (unsigned i = 0; i < PAIR_SYSTEMS * PAIR_NETWORKS; i++) {
        struct door *door = &host->doors[i];
        const struct address *at = &host->settings->plan->systems[door->system][door->network];
        bool wanted = !host->stopping && pair_listens(host->pair, door->system, door->network);
        char fault[FAULT_SIZE];
        if (!wanted && door->listener != NULL) {
            tcp_listener_close(door->listener);
            door->listener = NULL;
        } else if (wanted && door->listener == NULL) {
            door->listener = tcp_listen(&host->loop, at->host, at->port, on_accepted, door, fault);
            if (door->listener == NULL && !door->told) {
                fprintf(stderr, "komet sim: %s\n", fault);
            }
            door->told = door->listener == NULL;
            good = good && !door->told;
        }
    }
    return good;
}

static void on_timer(uv_timer_t *timer);

/* Ends a turn: outputs are taken, the records are flushed, the timer is set. */
static void settle(struct host *host)
{
    struct rtu_now now = now_read();
    host->busy = true;
    take_outputs(host, now);
    host->busy = false;
    flush_records(host);
    set_doors(host);
    if (!host->stopping) {
        uint64_t timeout_ms = clock_timeout_ms(now.instant, pair_deadline(host->pair));
        uv_timer_start(&host->timer, on_timer, timeout_ms, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct host *host = timer->data;
    pair_tick(host->pair, now_read());
    settle(host);
}

/* ---- connections ---- */

static size_t on_received(void *context, struct tcp *tcp, const uint8_t *octets, size_t size)
{
    struct end *end = context;
    struct host *host = end->host;
    struct rtu_now now = now_read();
    size_t at = 0;
    host->busy = true;
    while (at < size && end->tcp == tcp) {
        at += pair_feed(host->pair, now, end->connection, octets + at, size - at);
        take_outputs(host, now);
    }
    settle(host);
    return size; /* of a connection that was closed in there nothing is wanted any more */
}

static void on_drained(void *context, struct tcp *tcp)
{
    const struct end *end = context;
    (void)tcp;
    pair_writable(end->host->pair, end->connection);
    if (!end->host->busy) {
        settle(end->host);
    }
}

static void on_closed(void *context, struct tcp *tcp, enum komet_reason reason)
{
    struct end *end = context;
    if (tcp != end->tcp) {
        return;
    }
    release(end, reason);
    pair_closed(end->host->pair, now_read(), end->connection);
    if (!end->host->busy) {
        settle(end->host);
    }
}

static void begin_end(struct end *end)
{
    log_info("%s: connected with %s", path_text(end->connection), end->peer);
    pair_connected(end->host->pair, now_read(), end->connection);
    settle(end->host);
}

static void on_connected(void *context, struct tcp *tcp)
{
    struct end *end = context;
    if (tcp == end->tcp) {
        begin_end(end);
    }
}

static const struct tcp_events events = {
    .connected = on_connected, .received = on_received, .drained = on_drained, .closed = on_closed};

static struct end *free_end(struct host *host)
{
    for (unsigned i = 0; i < ENDS_MAX; i++) {
        if (host->ends[i].tcp == NULL) {
            return &host->ends[i];
        }
    }
    return NULL;
}

static void connect_end(struct host *host, unsigned connection)
{
    struct end *end = free_end(host);
    const struct sim_pair_plan *plan = host->settings->plan;
    unsigned system = connection / (PAIR_PARTNERS * PAIR_NETWORKS), network = connection % PAIR_NETWORKS;
    const struct address *to = &plan->partners[partner_number(connection) - 1][network];
    KOMET_ASSERT(end != NULL && to->host != NULL); /* each of the pair's has at most one */
    end->connection = connection;
    host->of[connection] = end;
    snprintf(end->peer, sizeof end->peer, "%.60s:%u", to->host, to->port);
    end->tcp = tcp_connect(&host->loop, plan->systems[system][network].host, to->host, to->port,
                           (uint64_t)(plan->plan.t0_us / 1000), &events, end, OUTPUT_MAX);
}

/* Whose address a connection comes from; PAIR_PARTNERS: nobody's. */
static unsigned partner_of(const struct host *host, unsigned network, const char *peer)
{
    const struct sim_pair_plan *plan = host->settings->plan;
    char wanted[PEER_TEXT_SIZE];
    for (unsigned p = 0; p < plan->plan.partners; p++) {
        const char *is = plan->partners[p][network].host;
        if (is == NULL) {
            return p; /* whoever comes */
        }
        int size = snprintf(wanted, sizeof wanted, strchr(is, ':') != NULL ? "[%.60s]:" : "%.60s:", is);
        if (strncmp(peer, wanted, (size_t)size) == 0) {
            return p;
        }
    }
    return PAIR_PARTNERS;
}

static void on_accepted(void *context, struct tcp_listener *listener)
{
    const struct door *door = context;
    struct host *host = door->host;
    struct end *end = free_end(host);
    char peer[PEER_TEXT_SIZE];
    struct tcp *tcp = tcp_adopt(listener, &events, end, OUTPUT_MAX);
    if (tcp == NULL) {
        return; /* gone before it was taken */
    }
    tcp_peer(tcp, peer, sizeof peer);
    unsigned partner = partner_of(host, door->network, peer);
    if (end == NULL || partner == PAIR_PARTNERS || !pair_listens(host->pair, door->system, door->network)) {
        log_info("a connection from %s is refused", peer);
        tcp_abort(tcp);
        return;
    }
    unsigned connection = PAIR_CONNECTION(door->system, partner, door->network);
    if (host->of[connection] != NULL) {
        tcp_abort(release(host->of[connection], KOMET_REPLACED));
    }
    end->tcp = tcp;
    end->connection = connection;
    memcpy(end->peer, peer, sizeof end->peer);
    host->of[connection] = end;
    begin_end(end);
}

/* ---- orders, begin and end ---- */

static void on_order(void *context, const char *line)
{
    struct host *host = context;
    struct pair_order order;
    char fault[PAIR_ORDER_FAULT_SIZE];
    if (pair_order_parse(line, &order, fault)) {
        pair_obey(host->pair, now_read(), &order);
        settle(host);
    } else {
        log_warning("no order: %s", fault);
    }
}

static void on_stop(void *context)
{
    struct host *host = context;
    if (host->stopping) {
        return;
    }
    host->stopping = true;
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        if (host->of[c] != NULL) {
            tcp_close(release(host->of[c], KOMET_SHUTDOWN));
        }
    }
    set_doors(host);
    flush_records(host);
    sim_orders_end(&host->orders);
    uv_close((uv_handle_t *)&host->timer, NULL);
    stop_end(&host->stop);
}

static void say_summary(const struct host *host)
{
    struct pair_counters c = pair_counters(host->pair);
    log_info("stopped: %" PRIu64 " events, of which %" PRIu64 " acknowledged and %" PRIu64 " lost; %" PRIu64
             " values came, %" PRIu64 " commands, %" PRIu64 " interrogations; %" PRIu64 " refused, %" PRIu64
             " ignored by a standby",
             c.events_generated, c.events_acknowledged, c.events_lost, c.values, c.commands, c.interrogations,
             c.refused, c.ignored);
}

static void begin_host(struct host *host, const struct sim_pair_host_settings *settings)
{
    *host = (struct host){.settings = settings, .pair = settings->pair};
    for (unsigned i = 0; i < ENDS_MAX; i++) {
        host->ends[i].host = host;
    }
    for (unsigned i = 0; i < PAIR_SYSTEMS * PAIR_NETWORKS; i++) {
        host->doors[i] =
            (struct door){.host = host, .system = i / PAIR_NETWORKS, .network = i % PAIR_NETWORKS};
    }
    int failed = uv_loop_init(&host->loop);
    KOMET_ASSERT(failed == 0);
}

int sim_pair_host_run(const struct sim_pair_host_settings *settings)
{
    static struct host host;
    begin_host(&host, settings);
    bool listens = set_doors(&host);
    if (listens) {
        int failed = uv_timer_init(&host.loop, &host.timer);
        KOMET_ASSERT(failed == 0);
        host.timer.data = &host;
        stop_begin(&host.stop, &host.loop, on_stop, &host);
        sim_orders_begin(&host.orders, &host.loop, on_order, &host);
        log_info("%s: %s", settings->plan->plan.connects ? "connecting" : "listening", settings->what);
        settle(&host);
    } else {
        host.stopping = true;
        set_doors(&host);
    }
    uv_run(&host.loop, UV_RUN_DEFAULT);
    int failed = uv_loop_close(&host.loop);
    KOMET_ASSERT(failed == 0);
    if (listens) {
        say_summary(&host);
    }
    return listens ? 0 : 1;
}
