/*
 * bench_sinaut: one instance with many Sinaut lines, each with the four connections of a redundant partner on two
 * networks. The bench plays all partners on the loopback; server and instance are real processes.
 *
 * sinaut_500         500 lines, 2,000 connections, 100,000 tags. System A of each partner is HOT and sends 40 events a
 *                    second on the connection that carries its data, one an ASDU: 20,000 a second in all, of lines in
 *                    turn. Seconds of CPU a second of the instance, until all but the last few are acknowledged, which waits for the
 *                    journal
 * sinaut_500_server  the same of the server
 * sinaut_500_rate    events a second that were acknowledged meanwhile
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "komet/assert.h"
#include "program/bench.h"
#include "program/bench_answers.h"
#include "program/bench_host.h"
#include "program/bench_place.h"
#include "program/bench_process.h"
#include "program/bench_values.h"

#define LINES         500
#define CONNECTIONS   (LINES * 4)
#define TAGS          200 /* of a line */
#define RATE          20000.0
#define LOAD_SECONDS  2.0
#define WANTED_SHARE  0.5 /* of a core */
#define BEAT_S        0.001
#define BEGIN_LIMIT_S 60.0
#define END_LIMIT_S   20.0
#define SPARE_FILES   64
#define W             8 /* of the lines: the last few of each are acknowledged within t2 */

/* Who is connected to, at network 1 or 2: 127.1.0.1 is system A on the first. */
#define NETWORK_1 "127.1.0."
#define NETWORK_2 "127.2.0."
#define HOT_HOST  1 /* last octet of both addresses of A; B has 2 */

/* A connection of a HOT system. */
struct hot_path {
    struct bench_answers answers;
    struct bench_sender sender;
    bool carries; /* the line interrogated it: its values go here */
    uint64_t due, sent;
    uint64_t last; /* number of the newest event; 0: none was sent */
    uint64_t acknowledged;
};

struct partners {
    struct bench_host *host;
    struct hot_path *paths[CONNECTIONS]; /* by number of the connection; NULL: not of a HOT system */
    unsigned carriers[LINES];            /* their numbers */
    unsigned carrier_count, started;
    bool lost;
    double begin; /* of the load; 0: none */
    uint64_t events;
};

/* ---- the partners ---- */

static struct hot_path *path_of(const struct bench_connection *connection)
{
    const struct partners *partners = bench_host_owner(connection->host);
    return partners->paths[connection->number];
}

static void take_start(struct bench_connection *connection)
{
    struct partners *partners = bench_host_owner(connection->host);
    struct sockaddr_in local = {0};
    socklen_t size = sizeof local;
    partners->started++;
    if (getsockname(connection->socket, (struct sockaddr *)&local, &size) == 0 &&
        (ntohl(local.sin_addr.s_addr) & 0xFF) == HOT_HOST) {
        struct hot_path *path = calloc(1, sizeof *path);
        KOMET_ASSERT(path != NULL && partners->paths[connection->number] == NULL);
        path->sender.addresses = TAGS;
        path->sender.profile = &komet_profile_sinaut;
        partners->paths[connection->number] = path;
    }
}

static void take_end(struct bench_connection *connection, enum komet_reason reason)
{
    struct partners *partners = bench_host_owner(connection->host);
    (void)reason;
    partners->lost = true;
}

static void take_asdu(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    struct hot_path *path = path_of(connection);
    if (path != NULL) { /* a standby acknowledges, and nothing else */
        bench_answers_take(&path->answers, octets, size);
    }
}

static void take_acknowledged(struct bench_connection *connection, uint64_t count)
{
    struct hot_path *path = path_of(connection);
    if (path != NULL) {
        path->acknowledged = count;
    }
}

static bool fill(struct bench_connection *connection)
{
    struct partners *partners = bench_host_owner(connection->host);
    struct hot_path *path = path_of(connection);
    if (path == NULL || !bench_answers_send(&path->answers, connection)) {
        return path != NULL;
    }
    if (path->answers.terminations > 0 && !path->carries && partners->carrier_count < LINES) {
        path->carries = true;
        partners->carriers[partners->carrier_count++] = connection->number;
    }
    while (path->sent < path->due && komet_link_room(connection->link) > 0) {
        path->last = bench_send_values(&path->sender, connection, 1);
        path->sent++;
    }
    return path->sent < path->due;
}

/* Lines take turns, so that each event comes alone. */
static void beat(struct bench_host *host)
{
    struct partners *partners = bench_host_owner(host);
    uint64_t due = partners->begin > 0 ? (uint64_t)((bench_now() - partners->begin) * RATE) : 0;
    for (; partners->events < due; partners->events++) {
        unsigned number = partners->carriers[partners->events % LINES];
        struct bench_connection *connection = bench_host_connection(host, number);
        if (connection == NULL) {
            return;
        }
        partners->paths[number]->due++;
        bench_host_send(connection);
    }
}

static const struct bench_behaviour behaviour = {.started = take_start,
                                                 .closed = take_end,
                                                 .asdu = take_asdu,
                                                 .acknowledged = take_acknowledged,
                                                 .fill = fill,
                                                 .beat = beat};

static bool all_started(const struct partners *partners)
{
    return partners->started == CONNECTIONS && partners->carrier_count == LINES;
}

static bool all_acknowledged(const struct partners *partners)
{
    for (unsigned i = 0; i < LINES; i++) {
        const struct hot_path *path = partners->paths[partners->carriers[i]];
        if (path->sent < path->due || path->acknowledged + W <= path->last) {
            return false;
        }
    }
    return true;
}

/* Turns until that is so; false: a connection was lost, or it is not so by `end`. */
static bool turn_until(struct partners *partners, bool (*is_so)(const struct partners *), double end)
{
    while (!is_so(partners)) {
        if (partners->lost || bench_now() > end) {
            return false;
        }
        bench_host_turn(partners->host);
    }
    return true;
}

static bool run_load(struct partners *partners, double seconds)
{
    partners->begin = bench_now();
    partners->events = 0;
    while (!partners->lost && bench_now() - partners->begin < seconds) {
        bench_host_turn(partners->host);
    }
    partners->begin = 0;
    return turn_until(partners, all_acknowledged, bench_now() + END_LIMIT_S);
}

/* ---- the site ---- */

static bool write_table(struct bench_place *place, unsigned line, const char *name)
{
    FILE *table = bench_place_open(place, name);
    if (table == NULL) {
        return false;
    }
    fputs("name,type,address\n", table);
    for (unsigned i = 1; i <= TAGS; i++) {
        fprintf(table, "M.L%03u.T%03u,Ai,%u\n", line, i, i);
    }
    return bench_place_close(place, table);
}

static bool make_site(struct bench_place *place)
{
    FILE *site;
    bool done = bench_place_make(place, true) && (site = bench_place_site(place)) != NULL;
    for (unsigned i = 0; done && i < LINES; i++) {
        char name[16];
        snprintf(name, sizeof name, "l%03u.csv", i);
        fprintf(site,
                "      L.%03u:\n"
                "        {protocol: iec104-sinaut, category: tcp-redundant, number: 1, reconnect: 1 s, "
                "partners: [\n",
                i);
        for (unsigned system = HOT_HOST; system <= HOT_HOST + 1; system++) {
            fprintf(site, "          [\"" NETWORK_1 "%u:%u\", \"" NETWORK_2 "%u:%u\"],\n", system,
                    place->station_port, system, place->station_port);
        }
        fprintf(site, "        ], stations: {B.%03u: {address: 1, tags: %s}}}\n", i, name);
        done = write_table(place, i, name);
    }
    return done && bench_place_close(place, site);
}

/* ---- the rows ---- */

struct sinaut_rounds {
    struct bench_rounds kom, server, rate;
};

static bool run_rounds(const struct bench_report *report, struct bench_place *place,
                       struct partners *partners, struct sinaut_rounds *rounds)
{
    const double seconds = LOAD_SECONDS * report->scale;
    if (!turn_until(partners, all_started, bench_now() + BEGIN_LIMIT_S)) {
        snprintf(place->fault, sizeof place->fault, "%u of %u connections were started, %u of %u lines asked",
                 partners->started, CONNECTIONS, partners->carrier_count, LINES);
        return false;
    }
    for (int i = -1; i < (int)report->rounds; i++) { /* the first is for all to be in place */
        double begin = bench_now(), kom = bench_cpu_seconds(place->kom);
        double server = bench_cpu_seconds(place->server);
        if (!run_load(partners, seconds)) {
            snprintf(place->fault, sizeof place->fault, "%s",
                     partners->lost ? "a Sinaut line lost a connection"
                                    : "events of Sinaut lines were not acknowledged");
            return false;
        }
        double taken = bench_now() - begin;
        if (i >= 0) {
            rounds->rate.values[i] = (double)partners->events / taken;
            rounds->kom.values[i] = (bench_cpu_seconds(place->kom) - kom) / taken;
            rounds->server.values[i] = (bench_cpu_seconds(place->server) - server) / taken;
        }
    }
    return true;
}

static bool measure(const struct bench_report *report, struct bench_place *place,
                    struct sinaut_rounds *rounds)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    struct partners *partners = calloc(1, sizeof *partners);
    KOMET_ASSERT(partners != NULL);
    partners->host = bench_host_new(&behaviour, &settings, CONNECTIONS, partners);
    bench_host_listen(partners->host, place->listener);
    bench_host_beat(partners->host, BEAT_S);
    bench_place_start_server(place);
    bench_place_start_kom(place);
    bool done = run_rounds(report, place, partners, rounds);
    bench_host_free(partners->host);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        free(partners->paths[i]);
    }
    free(partners);
    return done;
}

int bench_sinaut(struct bench_report *report)
{
    struct bench_place place = {.listener = -1};
    struct sinaut_rounds rounds = {0};
    bool done = bench_open_files(CONNECTIONS + SPARE_FILES, place.fault, sizeof place.fault) &&
                make_site(&place) && measure(report, &place, &rounds);
    if (done) {
        bench_add(report, "sinaut_500", "s", false, &rounds.kom);
        bench_want(report, WANTED_SHARE);
        bench_add(report, "sinaut_500_server", "s", false, &rounds.server);
        bench_add(report, "sinaut_500_rate", "1/s", true, &rounds.rate);
    } else {
        fprintf(stderr, "komet bench: %s\n", place.fault);
    }
    bench_place_remove(&place);
    return done ? 0 : 1;
}
