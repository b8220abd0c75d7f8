/*
 * A simulated Sinaut pair against the engine of a Sinaut line, in memory, with faults from a seed: paths and
 * systems lost and frozen, HOT moved, connections slow to take octets, the instance passive for a while. What
 * the pair generates comes out of the line once and in order, and what the line sends comes to the pair in
 * order.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line/line.h"
#include "partner/pair.h"
#include "site/reader.h"

enum { POINTS = 4, CABLE = 16384, EVENTS_MAX = 20000, SEEDS = 100, SEEDS_SOAK = 1000 };

static const char site_yaml[] = "site: s\n"
                                "processes:\n"
                                "  SELF.KOM:\n"
                                "    lines:\n"
                                "      L.S:\n"
                                "        protocol: iec104-sinaut\n"
                                "        category: tcp-redundant\n"
                                "        number: 7\n"
                                "        reconnect: 300 ms\n"
                                "        partners: [[10.0.0.1, 10.0.0.2], [10.0.1.1, 10.0.1.2]]\n"
                                "        parameters: {WT1: 1000, WT2: 300, WT3: 700, TKI: 1}\n"
                                "        stations: {B.S: {address: 513, tags: tags.csv}}\n";
static const char tags_csv[] = "name,type,address,asdu\n"
                               "M.1,Ci,1,\nM.2,Ci,2,\nM.3,Ci,3,\nM.4,Ci,4,\nM.OUT,Co,100,33\n";

/* One direction of a TCP connection. */
struct cable {
    uint8_t octets[CABLE];
    size_t size;
};

struct wire {
    uint32_t serial; /* of the line; 0: not connected */
    struct cable to_line, to_pair;
    bool slow; /* nothing is passed on for the moment */
};

struct event {
    int64_t ms;
    double number;
};

struct list {
    struct event of[EVENTS_MAX];
    unsigned count;
};

struct world {
    struct line_now now;
    uint64_t random;
    struct line_engine *line;
    const struct tag *output;
    struct pair *pair;
    struct wire wires[PAIR_CONNECTIONS]; /* of partner 0 */
    struct list generated[POINTS], arrived[POINTS];
    struct list got[PAIR_SYSTEMS];
    uint64_t position;     /* of the newest event */
    unsigned commands;     /* values that the line was told to send: 1, 2, 3 and so on */
    bool done[EVENTS_MAX]; /* those that it says it has sent */
    double value;          /* that the pair's stations generated last */
};

static struct world world; /* large */

static uint64_t draw(uint64_t below)
{
    world.random = world.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (world.random >> 33) % below;
}

static struct rtu_now pair_now(void)
{
    return (struct rtu_now){world.now.instant, world.now.utc};
}

static void append(struct list *list, int64_t ms, double number)
{
    assert_true(list->count < EVENTS_MAX);
    list->of[list->count++] = (struct event){ms, number};
}

/* ---- connections ---- */

static unsigned connection_of(uint32_t serial)
{
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        if (world.wires[c].serial == serial && serial != 0) {
            return c;
        }
    }
    return PAIR_CONNECTIONS;
}

static void cut(unsigned c)
{
    world.wires[c] = (struct wire){0};
}

/* The line's partner 0 is system a, its address 10.0.0.1 is a1. */
static void connect_wire(const struct line_output *output)
{
    const char *host = output->address->host;
    unsigned system = host[5] == '1', network = host[7] == '2';
    unsigned c = PAIR_CONNECTION(system, 0, network);
    if (!pair_listens(world.pair, system, network) || draw(8) == 0) {
        line_closed(world.line, world.now, output->connection, KOMET_CONNECT_REFUSED);
        return;
    }
    cut(c);
    world.wires[c].serial = output->connection;
    line_connected(world.line, world.now, output->connection);
    pair_connected(world.pair, pair_now(), c);
}

/* ---- what they want ---- */

/* A value is a repeat that came within the last K frames of the line's other connections; here: that came at
 * all. */
static void take_values(const struct line_output *output)
{
    for (unsigned i = 0; i < output->count; i++) {
        const struct line_value *value = &output->values[i];
        unsigned point = value->tag->ioa - 1;
        bool known = false;
        if (value->value.cot != KOMET_COT_SPONTANEOUS) {
            continue;
        }
        struct list *list = &world.arrived[point];
        for (unsigned k = list->count; k > 0 && !known; k--) {
            known =
                list->of[k - 1].ms == value->value.time.ms && list->of[k - 1].number == value->value.number;
        }
        if (!known) {
            append(list, value->value.time.ms, value->value.number);
        }
    }
    line_stored(world.line, world.now, output->connection, output->frame);
}

/* As the server does: a write that gave the output a value is an event of it. */
static void tell_written(double number)
{
    struct line_outgoing written = {
        .tag = world.output, .value = value_unknown(), .position = ++world.position};
    written.value.number = number;
    written.value.status = STATUS_VALID;
    written.value.time = world.now.utc;
    line_outgoing(world.line, world.now, &written);
}

/* As a KOM does: false at the first octets. */
static bool take_line(const struct line_output *output)
{
    switch (output->kind) {
    case LINE_OUT_CONNECT:
        connect_wire(output);
        return true;
    case LINE_OUT_ABORT:
        if (connection_of(output->connection) < PAIR_CONNECTIONS) {
            unsigned c = connection_of(output->connection);
            cut(c);
            pair_closed(world.pair, pair_now(), c);
        }
        return true;
    case LINE_OUT_VALUES:
        take_values(output);
        return true;
    case LINE_OUT_COMMAND_END:
        world.done[output->id] = output->result == COMMAND_DONE;
        if (world.done[output->id] || output->current) {
            tell_written((double)output->id);
        }
        return true;
    case LINE_OUT_SEND:
        return false;
    case LINE_OUT_LISTEN:
    case LINE_OUT_LISTEN_END:
    case LINE_OUT_LINE:
    case LINE_OUT_STATION:
    case LINE_OUT_NOTE:
    case LINE_OUT_PING: /* never answered: PTO is 0 */
    case LINE_OUT_TAKEN:
        return true;
    case LINE_OUT_FIND:
    case LINE_OUT_MASTER:
        fail_msg("this line has neither masters nor names");
    }
    return true;
}

static void absorb(void)
{
    struct line_output output;
    while (line_next(world.line, world.now, &output) && take_line(&output)) {
    }
}

/* All that the line wants, octets too; a cable that is full takes none. */
static void drain_line(void)
{
    struct line_output output;
    while (line_next(world.line, world.now, &output)) {
        if (take_line(&output)) {
            continue;
        }
        struct wire *wire = &world.wires[connection_of(output.connection)];
        struct cable *cable = &wire->to_pair;
        if (sizeof cable->octets - cable->size < output.size) {
            return;
        }
        memcpy(cable->octets + cable->size, output.octets, output.size);
        cable->size += output.size;
        line_written(world.line, output.connection, output.size);
    }
}

static void take_pair(const struct pair_output *output)
{
    struct wire *wire = &world.wires[output->connection];
    struct cable *cable = &wire->to_line;
    uint32_t serial = wire->serial;
    switch (output->kind) {
    case PAIR_OUT_EVENT:
        append(&world.generated[output->ioa - 1], output->time.ms, output->number);
        return;
    case PAIR_OUT_GOT:
        if (output->ioa == 100 && output->cause == KOMET_COT_SPONTANEOUS) {
            append(&world.got[output->connection / 4], output->time.ms, output->number);
        }
        return;
    case PAIR_OUT_SEND:
        if (sizeof cable->octets - cable->size >= output->size) {
            memcpy(cable->octets + cable->size, output->octets, output->size);
            cable->size += output->size;
            pair_written(world.pair, output->connection, output->size);
        }
        return;
    case PAIR_OUT_CLOSE:
        cut(output->connection);
        line_closed(world.line, world.now, serial, output->reason);
        return;
    case PAIR_OUT_NOTE:
        return;
    case PAIR_OUT_CONNECT:
        fail_msg("it is connected to");
    }
}

static void drain_pair(void)
{
    struct pair_output output;
    while (pair_next(world.pair, pair_now(), &output)) {
        take_pair(&output);
    }
}

/* Passes on what a connection holds, in pieces that have nothing to do with frames. */
static void pass_on(unsigned c)
{
    static uint8_t piece[CABLE];
    struct wire *wire = &world.wires[c];
    uint32_t serial = wire->serial;
    size_t size = wire->to_line.size;
    memcpy(piece, wire->to_line.octets, size);
    wire->to_line.size = 0;
    for (size_t at = 0; at < size && world.wires[c].serial == serial && serial != 0;) {
        at += line_feed(world.line, world.now, serial, piece + at, size - at);
        absorb();
    }
    drain_line();
    size = wire->to_pair.size;
    memcpy(piece, wire->to_pair.octets, size);
    wire->to_pair.size = 0;
    for (size_t at = 0; at < size && world.wires[c].serial == serial && serial != 0;) {
        at += pair_feed(world.pair, pair_now(), c, piece + at, size - at);
        drain_pair();
    }
    pair_writable(world.pair, c);
    drain_pair();
}

/* ---- what happens ---- */

static void obey(const char *text)
{
    struct pair_order order;
    char fault[PAIR_ORDER_FAULT_SIZE];
    assert_true(pair_order_parse(text, &order, fault));
    pair_obey(world.pair, pair_now(), &order);
    drain_pair();
}

static void disturb(void)
{
    static const char *const orders[] = {
        "lose path a1",  "lose path a2", "lose path b1",     "lose path b2",   "lose system a",
        "lose system b", "lose all",     "freeze path a1",   "freeze path b2", "freeze system a",
        "restore all",   "restore all",  "restore all",      "hot a",          "hot b",
        "interrogate b", "restore all",  "restore system a",
    };
    obey(orders[draw(sizeof orders / sizeof orders[0])]);
}

/* The line is told to send a value. */
static void write_value(void)
{
    struct line_command order = {.id = ++world.commands, .kind = LINE_COMMAND_WRITE, .tag = world.output};
    assert_true(world.commands < EVENTS_MAX);
    order.station = world.output->station;
    order.number = (double)order.id;
    order.deadline = komet_after(world.now.instant, KOMET_SECONDS(5));
    line_command(world.line, world.now, &order);
    drain_line();
}

/* A point of the pair's takes a value. */
static void generate(void)
{
    struct pair_order order = {.kind = PAIR_ORDER_VALUE, .ca = 513, .ioa = 1 + (uint32_t)draw(POINTS)};
    order.number = ++world.value;
    pair_obey(world.pair, pair_now(), &order);
    drain_pair();
}

static void advance(int64_t ms)
{
    world.now.instant = komet_after(world.now.instant, KOMET_MS(ms));
    world.now.utc.ms += ms;
    pair_tick(world.pair, pair_now());
    drain_pair();
    line_tick(world.line, world.now);
    drain_line();
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        world.wires[c].slow = draw(3) == 0;
        if (!world.wires[c].slow) {
            pass_on(c);
        }
    }
}

/* ---- what is right ---- */

static void check_arrived(uint64_t seed)
{
    for (unsigned point = 0; point < POINTS; point++) {
        const struct list *generated = &world.generated[point], *arrived = &world.arrived[point];
        for (unsigned i = 0; i < generated->count && i < arrived->count; i++) {
            if (generated->of[i].number != arrived->of[i].number ||
                generated->of[i].ms != arrived->of[i].ms) {
                fail_msg("seed %u: point %u: event %u is %g, and %g came", (unsigned)seed, point + 1, i,
                         generated->of[i].number, arrived->of[i].number);
            }
        }
        if (generated->count != arrived->count) {
            fail_msg("seed %u: point %u: %u events, and %u came", (unsigned)seed, point + 1, generated->count,
                     arrived->count);
        }
    }
}

static void check_got(uint64_t seed)
{
    static bool seen[PAIR_SYSTEMS][EVENTS_MAX];
    memset(seen, 0, sizeof seen);
    for (unsigned s = 0; s < PAIR_SYSTEMS; s++) {
        unsigned last = 0;
        for (unsigned i = 0; i < world.got[s].count; i++) {
            unsigned number = (unsigned)world.got[s].of[i].number;
            if (!seen[s][number] && number < last) {
                fail_msg("seed %u: %u came to %c behind %u", (unsigned)seed, number, 'a' + (int)s, last);
            }
            last = seen[s][number] ? last : number;
            seen[s][number] = true;
        }
    }
    for (unsigned number = 1; number <= world.commands; number++) {
        if (world.done[number] && !seen[0][number] && !seen[1][number]) {
            fail_msg("seed %u: %u was sent, and came to nobody", (unsigned)seed, number);
        }
    }
}

/* ---- a life ---- */

static void live(uint64_t seed, const struct site *site, const struct pair_plan *plan)
{
    const struct line *line = site_find_line(site, "L.S");
    memset(&world, 0, sizeof world);
    world.random = seed;
    world.now = (struct line_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    world.output = site_find_tag(site, "M.OUT");
    void *memory = malloc(pair_size(plan)), *engine = malloc(line_size(line));
    world.pair = pair_init(memory, pair_size(plan), plan, pair_now());
    world.line = line_init(engine, line_size(line), line, world.now);
    line_activate(world.line, world.now);
    drain_line();
    for (unsigned step = 0; step < 2500; step++) {
        if (step < 2000) {
            for (uint64_t n = draw(3); n > 0; n--) {
                generate();
            }
            if (draw(4) == 0) {
                write_value();
            }
            if (draw(50) == 0) {
                disturb();
            }
        } else if (step == 2000) {
            obey("restore all");
        }
        advance(1 + (int64_t)draw(30));
    }
    check_arrived(seed);
    check_got(seed);
    free(memory);
    free(engine);
}

static void test_nothing_is_lost_doubled_or_out_of_order(void **state)
{
    static const struct site_file files[] = {{"site.yaml", site_yaml, sizeof site_yaml - 1},
                                             {"tags.csv", tags_csv, sizeof tags_csv - 1}};
    static const struct rtu_point points[] = {{.ioa = 1, .type = 37, .count = POINTS}};
    struct rtu_plan station = rtu_plan_standard();
    struct pair_plan plan = pair_plan_standard();
    const char *given = getenv("KOMET_SEED"); /* only this one */
    uint64_t seeds = getenv("KOMET_SOAK") != NULL ? SEEDS_SOAK : SEEDS;
    (void)state;
    struct site_result site = site_read(files, 2, NULL);
    assert_non_null(site.site);
    station.ca = 513;
    station.points = points;
    station.point_count = 1;
    plan.stations = &station;
    plan.station_count = 1;
    plan.connects = false;
    plan.t1_us = KOMET_SECONDS(1);
    plan.t2_us = KOMET_MS(300);
    plan.t3_us = KOMET_MS(700);
    plan.takeover_us = KOMET_MS(400);
    for (uint64_t seed = 1; seed <= seeds && given == NULL; seed++) {
        live(seed, site.site, &plan);
    }
    if (given != NULL) {
        live(strtoull(given, NULL, 10), site.site, &plan);
    }
    site_result_release(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_lost_doubled_or_out_of_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
