/*
 * bench_station: see bench_station.h.
 */
#include "program/bench_station.h"

#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "program/bench.h"
#include "program/bench_answers.h"
#include "program/bench_host.h"
#include "program/bench_values.h"

#define FAULT_SIZE    200
#define BEGIN_LIMIT_S 20.0
#define BEAT_S        0.01 /* where no rate asks for another */
#define ADDRESSES     1600 /* as many tags as the site of the bench has */
#define OUTPUT_SIZE   65536

struct bench_station {
    struct bench_host *host;
    struct bench_answers answers;
    struct bench_sender sender;
    uint16_t k;
    double *due;    /* when each frame of the window was due, by number modulo k */
    double *waited; /* of the load: how long each frame took */
    size_t waited_count, waited_capacity;
    uint64_t acknowledged;
    const struct bench_load *load; /* NULL: nothing is to be sent */
    double start;
    uint64_t sent;  /* of the load */
    uint64_t first; /* number of its first frame: those before were answers; 0: not sent yet */
    bool ended;
    enum komet_reason reason; /* why */
};

static double seconds_now(const struct bench_host *host)
{
    return (double)bench_host_now(host).instant.us / 1e6;
}

static void take_time(struct bench_station *station, double seconds)
{
    if (station->waited_count == station->waited_capacity) {
        station->waited_capacity = station->waited_capacity == 0 ? 65536 : station->waited_capacity * 2;
        station->waited = realloc(station->waited, station->waited_capacity * sizeof station->waited[0]);
        KOMET_ASSERT(station->waited != NULL);
    }
    station->waited[station->waited_count++] = seconds;
}

static void take_acknowledged(struct bench_connection *connection, uint64_t count)
{
    struct bench_station *station = bench_host_owner(connection->host);
    double now = seconds_now(connection->host);
    while (station->acknowledged < count) {
        uint64_t number = ++station->acknowledged;
        if (station->first > 0 && number >= station->first) {
            take_time(station, now - station->due[number % station->k]);
        }
    }
}

static void take_asdu(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    struct bench_station *station = bench_host_owner(connection->host);
    bench_answers_take(&station->answers, octets, size);
}

static void take_end(struct bench_connection *connection, enum komet_reason reason)
{
    struct bench_station *station = bench_host_owner(connection->host);
    station->ended = true;
    station->reason = reason;
}

/* Sends the answers that wait, then what of the load is due. */
static bool fill(struct bench_connection *connection)
{
    struct bench_station *station = bench_host_owner(connection->host);
    const struct bench_load *load = station->load;
    double now = seconds_now(connection->host);
    if (!bench_answers_send(&station->answers, connection)) {
        return true;
    }
    while (load != NULL && komet_link_room(connection->link) > 0) {
        double due = load->rate > 0 ? station->start + (double)station->sent / load->rate : now;
        if (due > now) {
            return false;
        }
        uint64_t number = bench_send_values(&station->sender, connection, load->objects);
        station->due[number % station->k] = due;
        station->first = station->first > 0 ? station->first : number;
        station->sent++;
    }
    return load != NULL;
}

static void beat(struct bench_host *host)
{
    struct bench_connection *connection = bench_host_connection(host, 0);
    if (connection != NULL) {
        bench_host_send(connection);
    }
}

static const struct bench_behaviour behaviour = {
    .closed = take_end, .asdu = take_asdu, .acknowledged = take_acknowledged, .fill = fill, .beat = beat};

static bool ended(const struct bench_station *station, char *fault)
{
    if (station->ended) {
        snprintf(fault, FAULT_SIZE, "the connection of the bench's station ended: %s",
                 komet_reason_sentence(station->reason));
    }
    return station->ended;
}

struct bench_station *bench_station_accept(int listener, uint16_t k, char *fault)
{
    struct bench_station *station = calloc(1, sizeof *station);
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    settings.k = k;
    settings.output_size = OUTPUT_SIZE;
    KOMET_ASSERT(station != NULL);
    station->k = k;
    station->sender.addresses = ADDRESSES;
    station->due = calloc(k, sizeof station->due[0]);
    KOMET_ASSERT(station->due != NULL);
    station->host = bench_host_new(&behaviour, &settings, 1, station);
    bench_host_listen(station->host, listener);
    bench_host_beat(station->host, BEAT_S);
    double end = bench_now() + BEGIN_LIMIT_S;
    while (station->answers.terminations == 0 && !ended(station, fault) && bench_now() < end) {
        bench_host_turn(station->host);
    }
    if (station->answers.terminations == 0) {
        if (!station->ended) {
            snprintf(fault, FAULT_SIZE,
                     "the partner of the bench's station did not connect and interrogate it");
        }
        bench_station_free(station);
        return NULL;
    }
    return station;
}

bool bench_station_run(struct bench_station *station, const struct bench_load *load,
                       struct bench_load_result *result, char *fault)
{
    KOMET_ASSERT(load->objects >= 1 && load->objects <= BENCH_OBJECTS);
    bench_host_beat(station->host, load->rate > 0 ? 1 / load->rate : BEAT_S);
    bench_host_turn(station->host);
    station->load = load;
    station->start = seconds_now(station->host);
    station->sent = 0;
    station->first = 0;
    station->waited_count = 0;
    double now = station->start;
    /* After the end what is still on its way is awaited: it counts. */
    while (!ended(station, fault) && (station->load != NULL || station->waited_count < station->sent)) {
        bench_host_turn(station->host);
        now = seconds_now(station->host);
        if (now - station->start >= load->seconds) {
            station->load = NULL;
        }
    }
    station->load = NULL;
    if (station->ended || station->sent == 0) {
        return false;
    }
    bench_sort(station->waited, station->waited_count);
    result->values_per_second = (double)(station->sent * load->objects) / (now - station->start);
    result->p50 = bench_quantile(station->waited, station->waited_count, 0.5);
    result->p99 = bench_quantile(station->waited, station->waited_count, 0.99);
    return true;
}

void bench_station_free(struct bench_station *station)
{
    if (station != NULL) {
        bench_host_free(station->host);
        free(station->due);
        free(station->waited);
        free(station);
    }
}
