/*
 * bench_link_stream: full ASDUs as fast as the window lets them go, and what a window costs that stays full.
 */
#include <unistd.h>

#include "komet/assert.h"
#include "program/bench_link_ends.h"
#include "program/bench_process.h"
#include "program/bench_values.h"

#define ADDRESSES 65536

/* ---- the station ---- */

static bool fill_with_values(struct bench_connection *connection)
{
    struct bench_sender *sender = bench_host_owner(connection->host);
    for (unsigned room = komet_link_room(connection->link); room > 0; room--) {
        bench_send_values(sender, connection, BENCH_OBJECTS);
    }
    return true;
}

static const struct bench_behaviour station_behaviour = {.fill = fill_with_values};

static struct bench_host *make_station(const struct bench_round *round, struct bench_sender *sender)
{
    struct komet_link_settings settings = bench_link_settings(KOMET_CONTROLLED, round->k, round->w);
    struct bench_host *host = bench_host_new(&station_behaviour, &settings, 1, sender);
    *sender = (struct bench_sender){.addresses = ADDRESSES};
    bench_host_listen(host, round->listener);
    return host;
}

void stream_station(const struct bench_round *round)
{
    struct bench_sender sender;
    struct bench_host *host = make_station(round, &sender);
    for (;;) {
        bench_host_turn(host);
    }
}

/* ---- its client ---- */

static void take_asdu(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    bench_take_values(bench_host_owner(connection->host), octets, size);
}

static void note_closed(struct bench_connection *connection, enum komet_reason reason)
{
    struct bench_receiver *receiver = bench_host_owner(connection->host);
    (void)reason;
    receiver->wrong = true;
}

static const struct bench_behaviour client_behaviour = {.asdu = take_asdu, .closed = note_closed};

void stream_client(const struct bench_round *round)
{
    struct bench_receiver receiver = {.addresses = ADDRESSES};
    struct bench_meter meter = {.seconds = round->seconds};
    struct komet_link_settings settings = bench_link_settings(KOMET_CONTROLLING, round->k, round->w);
    struct bench_host *host = bench_host_new(&client_behaviour, &settings, 1, &receiver);
    double rate;
    bench_host_connect(host, (const struct sockaddr *)&round->address, sizeof round->address);
    do {
        bench_host_turn(host);
        if (receiver.wrong) {
            bench_fail(round, "the stream was not received as it was sent, or ended");
        }
    } while (receiver.asdus == 0 || !bench_meter_over(&meter, bench_now(), receiver.asdus, &rate));
    bench_say(round, rate, 0);
}

/* ---- a client that stands ---- */

static bool is_full(struct bench_host *host, const struct bench_round *round)
{
    struct bench_connection *connection = bench_host_connection(host, 0);
    struct komet_link_counters counters = {0};
    if (connection != NULL && connection->link != NULL) {
        komet_link_counters(connection->link, &counters);
    }
    return counters.unacknowledged_sent == round->k;
}

void stalled_station(const struct bench_round *round)
{
    struct bench_sender sender;
    struct bench_host *host = make_station(round, &sender);
    while (!is_full(host, round)) {
        bench_host_turn(host);
    }
    double used = bench_cpu_seconds(0), begin = bench_now(), now;
    bench_host_beat(host, round->seconds);
    do {
        bench_host_turn(host);
        now = bench_now();
    } while (now - begin < round->seconds);
    double share = (bench_cpu_seconds(0) - used) / (now - begin);
    if (!is_full(host, round)) {
        bench_fail(round, "the connection did not stand");
    }
    bench_say(round, share, 0);
}

static void stand(struct bench_connection *connection)
{
    (void)connection;
    for (;;) {
        pause();
    }
}

static const struct bench_behaviour stalled_behaviour = {.started = stand};

void stalled_client(const struct bench_round *round)
{
    struct komet_link_settings settings = bench_link_settings(KOMET_CONTROLLING, round->k, round->w);
    struct bench_host *host = bench_host_new(&stalled_behaviour, &settings, 1, NULL);
    bench_host_connect(host, (const struct sockaddr *)&round->address, sizeof round->address);
    for (;;) {
        bench_host_turn(host);
    }
}
