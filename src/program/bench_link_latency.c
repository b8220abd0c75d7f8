/*
 * bench_link_latency: single events on an idle link, and single commands.
 */
#include "program/bench_answers.h"
#include "program/bench_link_ends.h"
#include "program/bench_values.h"

/* How long each took; of the measuring end. */
struct taken {
    const struct bench_round *round;
    double seconds[BENCH_EVENTS_MAX];
    uint32_t count;
    struct bench_receiver receiver;
    double given; /* the open command */
    bool closed;
};

static struct taken taken;

static bool add_time(double since)
{
    if (taken.count < BENCH_EVENTS_MAX) {
        taken.seconds[taken.count++] = bench_now() - since;
    }
    return taken.count < BENCH_EVENTS_MAX;
}

static void note_closed(struct bench_connection *connection, enum komet_reason reason)
{
    (void)connection;
    (void)reason;
    taken.closed = true;
}

/* Connects and takes times, until the round is over. */
static void run_client(const struct bench_round *round, const struct bench_behaviour *behaviour)
{
    struct komet_link_settings settings = bench_link_settings(KOMET_CONTROLLING, round->k, round->w);
    struct bench_host *host = bench_host_new(behaviour, &settings, 1, NULL);
    double begin = bench_now();
    taken.round = round;
    taken.receiver.addresses = BENCH_EVENTS_MAX;
    bench_host_connect(host, (const struct sockaddr *)&round->address, sizeof round->address);
    while (bench_now() - begin < round->seconds && taken.count < BENCH_EVENTS_MAX) {
        bench_host_turn(host);
        if (taken.closed || taken.receiver.wrong) {
            bench_fail(round, "an event or a confirmation was not received as it was sent");
        }
    }
    bench_sort(taken.seconds, taken.count);
    bench_say(round, bench_quantile(taken.seconds, taken.count, 0.5),
              bench_quantile(taken.seconds, taken.count, 0.99));
}

/* ---- events ---- */

struct event_source {
    const struct bench_round *round;
    struct bench_sender sender;
    uint32_t count;
    bool given; /* one that is to be sent */
};

static bool send_event(struct bench_connection *connection)
{
    struct event_source *source = bench_host_owner(connection->host);
    if (source->given && komet_link_room(connection->link) > 0) {
        bench_send_values(&source->sender, connection, 1);
        source->given = false;
    }
    return source->given;
}

static void give_event(struct bench_host *host)
{
    struct event_source *source = bench_host_owner(host);
    struct bench_connection *connection = bench_host_connection(host, 0);
    if (connection == NULL || komet_link_room(connection->link) == 0 || source->count == BENCH_EVENTS_MAX) {
        return;
    }
    source->round->shared->given[source->count++] = bench_now();
    source->given = true;
    bench_host_send(connection);
}

static const struct bench_behaviour event_station_behaviour = {.fill = send_event, .beat = give_event};

void event_station(const struct bench_round *round)
{
    struct event_source source = {.round = round, .sender = {.addresses = BENCH_EVENTS_MAX}};
    struct komet_link_settings settings = bench_link_settings(KOMET_CONTROLLED, round->k, round->w);
    struct bench_host *host = bench_host_new(&event_station_behaviour, &settings, 1, &source);
    bench_host_listen(host, round->listener);
    bench_host_beat(host, BENCH_EVENT_GAP_S);
    for (;;) {
        bench_host_turn(host);
    }
}

static void take_event(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    (void)connection;
    bench_take_values(&taken.receiver, octets, size);
    add_time(taken.round->shared->given[taken.count]);
}

static const struct bench_behaviour event_client_behaviour = {.asdu = take_event, .closed = note_closed};

void event_client(const struct bench_round *round)
{
    run_client(round, &event_client_behaviour);
}

/* ---- commands ---- */

static void take_command(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    bench_answers_take(bench_host_owner(connection->host), octets, size);
}

static bool send_confirmation(struct bench_connection *connection)
{
    return !bench_answers_send(bench_host_owner(connection->host), connection);
}

static const struct bench_behaviour command_station_behaviour = {.asdu = take_command,
                                                                 .fill = send_confirmation};

void command_station(const struct bench_round *round)
{
    static struct bench_answers answers;
    struct komet_link_settings settings = bench_link_settings(KOMET_CONTROLLED, round->k, round->w);
    struct bench_host *host = bench_host_new(&command_station_behaviour, &settings, 1, &answers);
    bench_host_listen(host, round->listener);
    for (;;) {
        bench_host_turn(host);
    }
}

static void give_command(struct bench_connection *connection)
{
    taken.given = bench_now();
    bench_send_command(connection, 1, true);
}

static void take_confirmation(struct bench_connection *connection, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    if (komet_asdu_decode(&komet_profile_104, octets, size, &asdu) != KOMET_ASDU_OK ||
        asdu.type != KOMET_C_SC_NA_1 || asdu.cause != KOMET_COT_ACTIVATION_CON || asdu.negative) {
        taken.receiver.wrong = true;
    } else if (add_time(taken.given)) {
        give_command(connection);
    }
}

static const struct bench_behaviour command_client_behaviour = {
    .started = give_command, .asdu = take_confirmation, .closed = note_closed};

void command_client(const struct bench_round *round)
{
    run_client(round, &command_client_behaviour);
}
