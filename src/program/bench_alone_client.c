/*
 * bench_alone_client: the controlling station for a station that is another program.
 */
#include <stdio.h>

#include "komet/asdu.h"
#include "komet/assert.h"
#include "program/bench.h"
#include "program/bench_alone.h"
#include "program/bench_host.h"
#include "program/bench_values.h"
#include "shell/clock.h"

#define TIMES_MAX  1048576 /* of a round */
#define PATIENCE_S 10.0    /* for the connection, and for an answer */
#define BEAT_S     0.01

struct alone_client {
    const struct alone_options *options;
    struct bench_receiver receiver;
    bool started, ended;
    enum komet_reason reason;
    double given;            /* the open command; 0: none */
    double times[TIMES_MAX]; /* of this round */
    size_t count;
    bool on; /* of the next command */
};

static struct alone_client client;

static void add_time(double seconds)
{
    if (client.count < TIMES_MAX) {
        client.times[client.count++] = seconds;
    }
}

static void give_command(struct bench_connection *connection)
{
    if (client.options->measure == ALONE_COMMANDS && komet_link_room(connection->link) > 0) {
        client.given = bench_now();
        client.on = !client.on;
        bench_send_command(connection, client.options->command, client.on);
    }
}

static void note_started(struct bench_connection *connection)
{
    client.started = true;
    give_command(connection);
}

static void note_closed(struct bench_connection *connection, enum komet_reason reason)
{
    (void)connection;
    client.ended = true;
    client.reason = reason;
}

/* A confirmation, positive or negative, ends the open command. */
static void take_confirmation(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    if (client.given > 0 && komet_asdu_decode(&komet_profile_104, octets, size, &asdu) == KOMET_ASDU_OK &&
        asdu.type == KOMET_C_SC_NA_1 && asdu.cause != KOMET_COT_ACTIVATION_TERMINATION) {
        add_time(bench_now() - client.given);
        give_command(connection);
    }
}

static void take_event(void)
{
    struct komet_utc now = clock_now().utc;
    if (komet_time_tag_plausible(&client.receiver.last)) {
        int64_t tag_ms = komet_cp56_to_utc(&client.receiver.last, now).ms;
        add_time((double)(now.ms - tag_ms) / 1000);
    }
}

static void take_asdu(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    bench_take_values(&client.receiver, octets, size);
    if (client.options->measure == ALONE_COMMANDS) {
        take_confirmation(connection, octets, size);
    } else if (client.options->measure == ALONE_EVENTS) {
        take_event();
    }
}

static void beat(struct bench_host *host)
{
    (void)host; /* wakes the loop, so that a round ends also where nothing comes */
}

static const struct bench_behaviour behaviour = {
    .started = note_started, .closed = note_closed, .asdu = take_asdu, .beat = beat};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "komet bench client: %s%s%s\n", what, why[0] != '\0' ? ": " : "", why);
    return 1;
}

/* One round: its values of the two rows. False: the connection ended. */
static bool run_round(struct bench_host *host, double values[2])
{
    struct bench_receiver before = client.receiver;
    double begin = bench_now(), now = begin;
    client.count = 0;
    while (!client.ended && now - begin < client.options->seconds) {
        bench_host_turn(host);
        now = bench_now();
    }
    if (client.options->measure == ALONE_THROUGHPUT) {
        values[0] = (double)(client.receiver.asdus - before.asdus) / (now - begin);
        values[1] = (double)(client.receiver.objects - before.objects) / (now - begin);
    } else {
        bench_sort(client.times, client.count);
        values[0] = bench_quantile(client.times, client.count, 0.5);
        values[1] = bench_quantile(client.times, client.count, 0.99);
    }
    return !client.ended;
}

static int measure(struct bench_host *host)
{
    static const char *const names[][2] = {[ALONE_THROUGHPUT] = {"asdus", "values"},
                                           [ALONE_EVENTS] = {"event_latency", "event_latency_p99"},
                                           [ALONE_COMMANDS] = {"command_rtt", "command_rtt_p99"}};
    static struct bench_report report = {.rounds = BENCH_ROUNDS, .scale = 1};
    struct bench_rounds rounds[2] = {0};
    for (unsigned i = 0; i < BENCH_ROUNDS; i++) {
        double values[2];
        if (!run_round(host, values)) {
            return fail("the connection ended", komet_reason_sentence(client.reason));
        }
        if (client.options->measure != ALONE_THROUGHPUT && client.count == 0) {
            return fail("nothing came that could be measured", "");
        }
        rounds[0].values[i] = values[0];
        rounds[1].values[i] = values[1];
    }
    bool rate = client.options->measure == ALONE_THROUGHPUT;
    for (unsigned n = 0; n < 2; n++) {
        bench_add(&report, names[client.options->measure][n], rate ? "1/s" : "s", rate, &rounds[n]);
    }
    bench_print(&report);
    return client.options->json == NULL ? 0 : bench_write_json(&report, client.options->json);
}

int bench_alone_client(int argc, char **argv)
{
    struct alone_options options;
    bool done = false;
    int status = alone_read_options(KOMET_CONTROLLING, argc, argv, &options, &done);
    if (status != 0 || done) {
        return status;
    }
    client.options = &options;
    struct bench_host *host = bench_host_new(&behaviour, &options.link, 1, NULL);
    double begin = bench_now();
    bench_host_beat(host, BEAT_S);
    bench_host_connect(host, (const struct sockaddr *)&options.address, options.address_size);
    while (!client.started && !client.ended && bench_now() - begin < PATIENCE_S) {
        bench_host_turn(host);
    }
    if (client.started) {
        status = measure(host);
    } else {
        status = fail("data transfer was not started",
                      client.ended ? komet_reason_sentence(client.reason) : "no answer");
    }
    bench_host_free(host);
    return status;
}
