/*
 * pair_private: what the files of the simulated Sinaut pair share.
 *
 * Positions of events count all that were generated; an event lives at its position modulo the capacity. Of
 * what a partner acknowledged both systems know (`acknowledged`), as the two systems of a real pair do of
 * each other.
 */
#ifndef PARTNER_PAIR_PRIVATE_H
#define PARTNER_PAIR_PRIVATE_H

#include "komet/assert.h"
#include "partner/pair.h"

enum { PAIR_NOTES_MAX = 32, PAIR_NOTE_SIZE = 160, PAIR_LINK_OUTPUT = 4096 };

struct pair_event {
    double number;
    struct komet_utc time;
    uint32_t ioa;
    uint16_t ca;
    uint8_t type;
};

/* One TCP connection. */
struct pair_connection {
    uint8_t *memory;         /* of its link */
    struct komet_link *link; /* NULL: not connected, or given up */
    uint64_t *ends;          /* position behind the events of our I format n, at (n - 1) modulo k */
    uint64_t started;        /* when data transfer was, as a number that grows; 0: it is not */
    bool open;               /* the host has a TCP connection, or tries for one */
    bool unwritten;          /* its SEND was handed out, and nothing of it was written since */
    bool connect_wanted, close_wanted;
    enum komet_reason reason;        /* close_wanted */
    struct komet_instant retry_at;   /* the next attempt; NEVER: none */
    struct komet_instant connect_by; /* t0 of the attempt that runs */
};

/* What waits to be sent as it is: an answer to a command, or a request of our own. */
struct pair_answer {
    struct komet_instant due;
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
};

/* An interrogation that is being answered. */
struct pair_question {
    struct komet_instant due; /* its confirmation */
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    uint8_t size;
    bool confirmed;
    size_t station, row; /* that come next */
    uint32_t point;
};

/* A system and a partner. */
struct pair_session {
    unsigned carrier; /* network of the connection that carries data; PAIR_NOBODY: none */
    uint64_t sent;    /* position of the next event */
    struct pair_answer answers[PAIR_ANSWERS_MAX];
    unsigned answer_count;
    struct pair_question questions[PAIR_QUESTIONS_MAX]; /* the first one is being answered */
    unsigned question_count;
    struct pair_answer requests[PAIR_REQUESTS_MAX];
    unsigned request_count;
    bool event_next;   /* values of an interrogation were sent last: events come next */
    uint32_t answered; /* objects that came in answer to an interrogation of ours */
};

struct pair {
    const struct pair_plan *plan;
    struct komet_link_settings settings;
    struct rtu *stations[PAIR_STATIONS_MAX];
    struct rtu_plan processes[PAIR_STATIONS_MAX]; /* what the stations are made of */
    struct komet_instant start;
    size_t script_next;
    uint16_t wrong_ca; /* of no station */

    uint8_t hot;
    uint8_t lost_systems;             /* as bits */
    uint8_t lost_paths, frozen_paths; /* system * PAIR_NETWORKS + network, as bits */
    struct komet_instant unreached;   /* since then the standby ought to take over; NEVER: it ought not */
    uint8_t misbehaves[PAIR_MISBEHAVIOURS]; /* systems, as bits */
    int64_t late_us;

    struct pair_connection connections[PAIR_CONNECTIONS];
    struct pair_session sessions[PAIR_SYSTEMS][PAIR_PARTNERS];
    unsigned
        delivers[PAIR_SYSTEMS]; /* the partner that sent values or answers last: it is asked to execute */
    uint64_t starts;
    unsigned turn; /* the connection whose outputs come next */

    struct pair_event *events;
    uint64_t head, told;
    uint64_t acknowledged[PAIR_PARTNERS];

    struct { /* an ASDU that came and is being told, object by object */
        bool waits;
        unsigned connection, next;
        struct komet_asdu asdu;
    } got;
    uint8_t marked[PAIR_LINK_OUTPUT]; /* octets to be sent, with the mark of a standby */

    char notes[PAIR_NOTES_MAX][PAIR_NOTE_SIZE];
    unsigned note_next, note_count;
    struct pair_counters counters;
};

static inline unsigned pair_system_of(unsigned connection)
{
    return connection / (PAIR_PARTNERS * PAIR_NETWORKS);
}

static inline unsigned pair_partner_of(unsigned connection)
{
    return connection / PAIR_NETWORKS % PAIR_PARTNERS;
}

static inline unsigned pair_network_of(unsigned connection)
{
    return connection % PAIR_NETWORKS;
}

/* As a bit of lost_paths and frozen_paths. */
static inline uint8_t pair_path_bit(unsigned system, unsigned network)
{
    return (uint8_t)(1u << (system * PAIR_NETWORKS + network));
}

/* pair.c */
void pair_note(struct pair *pair, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool pair_misbehaves(const struct pair *pair, unsigned system, enum pair_misbehaviour what);
/* May a system send events, answer, execute? */
bool pair_acts(const struct pair *pair, unsigned system);

/* pair_paths.c: which connections there are, which of them carries data, who is HOT. */
void pair_paths_init(struct pair *pair);
/* Gives up a connection's link; `close`: the host is to close the TCP connection. */
void pair_drop(struct pair *pair, struct rtu_now now, unsigned connection, enum komet_reason reason,
               bool close);
/* Data transfer of a connection has started, or does not run any more. */
void pair_data_transfer(struct pair *pair, struct rtu_now now, unsigned connection, bool started);
void pair_set_hot(struct pair *pair, struct rtu_now now, unsigned system, const char *why);
void pair_paths_tick(struct pair *pair, struct rtu_now now);
struct komet_instant pair_paths_deadline(const struct pair *pair);
void pair_paths_obey(struct pair *pair, struct rtu_now now, const struct pair_order *order);
bool pair_paths_next(struct pair *pair, struct pair_output *output);

/* pair_events.c: the stations, the ring, what waits to be sent. */
void pair_events_tick(struct pair *pair, struct rtu_now now);
/* Takes what the stations have generated since. */
void pair_events_collect(struct pair *pair, struct rtu_now now);
struct komet_instant pair_events_deadline(const struct pair *pair);
/* The station with that address; NULL: there is none. */
struct rtu *pair_station(const struct pair *pair, uint16_t ca);
/* Of frame `number` on a connection, and all before it. */
void pair_events_acknowledged(struct pair *pair, unsigned connection, uint64_t number);
/* A session begins anew with what is not acknowledged. */
void pair_events_again(struct pair *pair, unsigned system, unsigned partner);
/* Where to write an ASDU of a session; NULL: no room. And: sends it. */
uint8_t *pair_reserve(struct pair *pair, unsigned system, unsigned partner);
void pair_commit(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner, size_t size);
/* Begins an ASDU of values of a station. */
void pair_begin(const struct pair *pair, unsigned system, struct komet_asdu_writer *writer, uint8_t type,
                uint8_t cause, uint16_t ca, uint8_t *octets);
/* One ASDU of events of a session, when they wait and there is room. */
bool pair_send_events(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner);

/* pair_answer.c: what comes, and what is answered. */
/* An ASDU came; it is told in any case. */
void pair_receive(struct pair *pair, struct rtu_now now, unsigned connection,
                  const struct komet_link_output *from);
/* A session answers nothing that it was asked, and asks nothing that waited. */
void pair_answers_forget(struct pair *pair, unsigned system, unsigned partner);
/* One ASDU of a session: an answer or a request; false: none waits, or there is no room. */
bool pair_send_answer(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner);
/* The same of the interrogation that is being answered: confirmation, values, termination. */
bool pair_send_question(struct pair *pair, struct rtu_now now, unsigned system, unsigned partner);
struct komet_instant pair_answers_deadline(const struct pair *pair);
/* Requests of our own; false: too many wait. */
bool pair_ask(struct pair *pair, unsigned system, unsigned partner, uint16_t ca);
void pair_answers_obey(struct pair *pair, struct rtu_now now, const struct pair_order *order);

#endif
