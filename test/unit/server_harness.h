/*
 * server_harness: a server engine with everything around it in the test's hands: the clock, the clients, and
 * a journal that stores when it is told to. Every input is followed by a drain, as in the programs.
 *
 * The site: SELF.KOM with line L.A (station B.A: M.D, M.U with a dead-band, M.N with new-time, M.P, the
 * outputs M.CMD and M.SET, and M.BACK) and line L.B (station B.B: M.B, the output M.PULSE, which is a
 * `command`, and M.HALT, which controls B.O; its tags keep their values when it is off; B.OFF, whose
 * communication is disabled: M.OFF); OTHER.KOM with line L.O (station B.O: M.O, M.O.CMD). K is 12, the lease
 * 600 ms unless harness_begin was told another.
 */
#ifndef TEST_UNIT_SERVER_HARNESS_H
#define TEST_UNIT_SERVER_HARNESS_H

#include "support.h"

#include "server/server.h"
#include "site_edit.h"

#define BODY(name) KOMET__WIRE__MESSAGE__BODY_##name

#define HARNESS_LEASE   KOMET_MS(600)
#define HARNESS_KEPT    1024 /* outputs of a kind that are kept */
#define HARNESS_COLUMNS 64   /* values of a batch */
#define HARNESS_TEXT    256

/* A message to a client, with its text (a refusal; of station_modes a digit a station) kept beside it. */
struct sent {
    unsigned client;
    Komet__Wire__Message__BodyCase kind;
    const struct process *process; /* whose files the shell would add */
    char text[HARNESS_TEXT];
    union {
        Komet__Wire__Welcome welcome;
        Komet__Wire__Heartbeat heartbeat;
        Komet__Wire__Role role;
        Komet__Wire__Stored stored;
        Komet__Wire__Command command;
        Komet__Wire__TraceAsk trace_ask;
        Komet__Wire__MasterAnswer master_answer;
        struct {
            bool begin, ready;
            size_t count;
            uint64_t group[SITE_MASTERS_MAX], first, last; /* positions of its events, 0: values only */
            double number;                                 /* the last one */
        } outgoing;
        Komet__Wire__Configuration configuration;
    } of;
};

struct ended {
    struct server_ended of;
    char reason[HARNESS_TEXT];
};

struct changed {
    uint64_t token;
    const struct tag *tag;
};

/* A page of a trace, or its end. */
struct traced {
    uint64_t token;
    size_t records;
    bool end;
    uint8_t instance;
};

struct harness {
    struct line_now now;
    struct site_result site, former; /* former: before the newest RELOAD; arena NULL: none */
    const struct site_file *files;   /* of the site; NULL: of the harness's own */
    size_t file_count;
    char lease[32];
    struct site_difference *difference; /* from `former` */
    void *memory;
    struct server *server;
    bool open[SERVER_CLIENTS_MAX],
        closed[SERVER_CLIENTS_MAX]; /* closed: by the engine, since harness_begin */
    struct sent sent[HARNESS_KEPT];
    struct record records[HARNESS_KEPT];
    struct ended ended[HARNESS_KEPT];
    struct changed changed[HARNESS_KEPT];
    struct traced traced[HARNESS_KEPT];
    unsigned sent_count, record_count, ended_count, changed_count, traced_count;
    char notes[16 * 1024];
    /* What the next batch of harness_give says. */
    uint64_t epoch, sequence, configuration;
    const struct site *numbers; /* whose numbers; NULL: of the site that runs */
    uint32_t connection;
    int64_t frame;
};

/* A value on its way to the server. */
struct given {
    const char *tag;
    double number;
    uint8_t cot, type;
    int64_t time_ms; /* source time */
    bool arrival;    /* which is of our clock, not the station's */
    bool tagged;     /* it has a raw element, made of its number and time: equal ones have equal octets */
    value_flags flags;
};

/* A batch whose columns a test may spoil. */
struct columns {
    wire_message message;
    Komet__Wire__Batch body;
    uint32_t tag[HARNESS_COLUMNS], status_flags[HARNESS_COLUMNS], cause[HARNESS_COLUMNS];
    uint32_t connection[HARNESS_COLUMNS], octets_size[HARNESS_COLUMNS], line[HARNESS_COLUMNS];
    double number[HARNESS_COLUMNS];
    int64_t time_ms[HARNESS_COLUMNS], arrived_ms[HARNESS_COLUMNS], frame[HARNESS_COLUMNS];
    uint8_t octets[HARNESS_COLUMNS * RECORD_OCTETS_MAX];
    char *name[HARNESS_COLUMNS]; /* used when body.buffer is set before the first value is put */
    int64_t last_time, last_arrived, last_frame;
};

void harness_begin(struct harness *harness, const char *lease);
/* The same with another site; `files` stay as long as the harness. */
void harness_begin_with(struct harness *harness, const struct site_file *files, size_t count);
void harness_end(struct harness *harness);
/* For cmocka: a new one in `*state`, lease 600 ms, nobody is connected; and the end of any that was malloc'd. */
int harness_set_up(void **state);
int harness_tear_down(void **state);
/* The server is made anew, without clients; the test recovers it, then calls server_recovered. */
void harness_restart(struct harness *harness);

/* The site after edits; release it. */
struct site_result harness_read_site(const struct harness *harness, const struct site_edit *edits);
/* RELOAD of the site with edits (site_edit.h), up to when it runs: the order is under way, instances are
 * told. The next batches are still in the numbers of the site before. */
void harness_reload(struct harness *harness, uint64_t token, const struct site_edit *edits);
/* An instance says that it has applied the configuration, in whose numbers the next batches are. */
void harness_configured(struct harness *harness, unsigned client);
/* Takes all that the engine wants now. A client that it closes is closed at once, as the shell does. */
void harness_drain(struct harness *harness);
/* Forgets the outputs kept so far. */
void harness_forget(struct harness *harness);
/* Time passes, in one step; then the engine is ticked. */
void harness_advance(struct harness *harness, int64_t duration_us);
/* The journal has everything on disk. */
void harness_store(struct harness *harness);

/* ---- clients ---- */

void harness_open(struct harness *harness, unsigned client);
void harness_feed(struct harness *harness, unsigned client, wire_message *message);
/* A connection that says Hello for an instance of `process`. */
void harness_hello(struct harness *harness, unsigned client, const char *process, unsigned instance,
                   uint64_t run);
/* SELF.KOM,`instance` on the client of that number, run 1000 + instance: welcome, else the test fails. */
void harness_kom(struct harness *harness, unsigned instance);
/* The same, of which the engine makes the active one; the grant is stored. Returns the epoch, which the next
 * batches have. */
uint64_t harness_active(struct harness *harness, unsigned instance);
void harness_close(struct harness *harness, unsigned client, bool surely_dead);
void harness_heartbeat(struct harness *harness, unsigned client, int64_t sent_us);
void harness_stopped(struct harness *harness, unsigned client, uint64_t epoch);
/* Up to this position a receiver of line number `line` of the process has all. */
void harness_taken(struct harness *harness, unsigned client, uint64_t epoch, uint32_t line, uint32_t receiver,
                   uint64_t position);
void harness_command_end(struct harness *harness, unsigned client, uint64_t id, uint32_t result,
                         const char *reason, double number);
/* The partner refused it, with these flags. */
void harness_command_answered(struct harness *harness, unsigned client, uint64_t id, value_flags flags);
/* With the mark that nobody gets it now, and its output has it all the same. */
void harness_command_current(struct harness *harness, unsigned client, uint64_t id, uint32_t result);
/* By the station, with cause 44 to 47. */
void harness_command_refused(struct harness *harness, unsigned client, uint64_t id, uint8_t cause);

/* ---- batches ---- */

struct columns *harness_batch(struct harness *harness); /* under the next sequence; static storage */
void harness_put(struct harness *harness, struct columns *columns, struct given given);
/* A batch with one value, in a frame of its own. */
void harness_give(struct harness *harness, unsigned client, struct given given);

/* ---- what came of it ---- */

const struct tag *harness_tag(const struct harness *harness, const char *name);
const struct process *harness_process(const struct harness *harness, const char *name);
/* The newest message of that kind to that client; NULL when there is none. */
const struct sent *harness_sent(const struct harness *harness, unsigned client,
                                Komet__Wire__Message__BodyCase kind);
/* The newest OUTGOING to that client with which it is to begin anew; fails the test when there is none. */
const struct sent *harness_outgoing_begin(const struct harness *harness, unsigned client);
unsigned harness_sent_count(const struct harness *harness, unsigned client,
                            Komet__Wire__Message__BodyCase kind);
unsigned harness_records(const struct harness *harness, enum record_kind kind);
/* The newest record of that kind; fails the test when there is none. */
const struct record *harness_record(const struct harness *harness, enum record_kind kind);
/* The one end of `token`, which is there exactly once, else the test fails. */
const struct ended *harness_ended(const struct harness *harness, uint64_t token);
bool harness_has_ended(const struct harness *harness, uint64_t token);

#endif
