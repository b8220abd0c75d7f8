/*
 * rig: a controlled station as a program would wire it (group and services), the connections to it, and the
 * books in which its promises stand. Whatever octets a peer sends, the books say what has to come of them.
 *
 *     rig.c            the station, its host, time, and the loop that does what the group wants
 *     wire.c           frames, numbers and timers of one connection
 *     events.c         the buffer of events: which connection carries them, what comes again
 *     judge.c          a request: answered how, handed to the host or not;
 *     judge_command.c  the same where it is for a point
 *     answers.c        answers that are due on each connection, in their order
 *     command.c        selections and open commands
 *
 * A promise that is broken aborts. The books are written from the manuals and the standard, not from the
 * code.
 */
#ifndef FUZZ_RIG_RIG_H
#define FUZZ_RIG_RIG_H

#include <stdint.h>
#include <string.h>

#include "wire.h"

#include "komet/group.h"
#include "komet/station.h"

enum {
    CONNECTIONS = 3,
    ADDRESSES = 3,
    POINTS = 20,
    COMMANDS = 8,
    ANSWERS = 16,      /* settings.answers at most */
    SHORTS = 64,       /* the same, one for each address */
    EVENTS = 300,      /* then the station has no more to say */
    OUTPUT_SIZE = 3264 /* of a connection, at most */
};

#define T1_US     KOMET_SECONDS(2)
#define T2_US     KOMET_SECONDS(1)
#define T3_US     KOMET_SECONDS(3)
#define SELECT_US KOMET_MS(1500)

/* ---- answers.c ---- */

enum answer_is { ANSWER_IS_EXACT, ANSWER_IS_READ, ANSWER_IS_DELAY };

/* One frame. */
struct short_answer {
    enum answer_is is;
    bool last;      /* of those to a request */
    uint64_t after; /* so many events have to leave before it */
    size_t point;
    struct komet_instant received;
    struct message message;
};

/* Confirmation, values, termination. */
struct long_answer {
    struct message request;
    enum { LONG_CON, LONG_VALUES, LONG_TERM } stage;
    bool scan, counters, values;
    bool each; /* address by address, each in its own name */
    unsigned address, last;
    uint8_t cause;
    uint16_t groups;
    size_t point;
};

/* An answer that was given to the link and has not been heard yet. */
struct given {
    uint64_t after;
    struct message message;
};

struct answers {
    unsigned short_count, long_count;
    struct short_answer shorts[SHORTS];
    struct long_answer longs[ANSWERS];
    uint64_t given, given_heard;
    struct given ring[WINDOW];
    uint16_t delay_ms;
};

/* ---- command.c ---- */

enum command_is {
    COMMAND_IS_FREE,
    COMMAND_IS_SELECT_ASKED,
    COMMAND_IS_SELECTED,
    COMMAND_IS_ASKED,
    COMMAND_IS_OPEN,
    COMMAND_IS_PARAMETER_ASKED
};

struct open_command {
    enum command_is is;
    unsigned c;
    uint32_t id;
    size_t point;
    uint8_t type, oa;
    uint32_t bits;
    uint8_t qualifier;
    struct komet_object object;
    struct komet_instant until;
    uint64_t information; /* OPEN: so many events have to leave before its termination */
    struct message message;
};

/* ---- events.c ---- */

struct event {
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
};

struct events {
    uint64_t count, tail, sent, newest, lost, repeated;
    unsigned carrier; /* CONNECTIONS: none */
    uint64_t starts, started[CONNECTIONS];
    uint64_t carried[CONNECTIONS]; /* so many are acknowledged with the last frame of this connection */
    struct event log[EVENTS];
};

/* ---- all of it ---- */

struct held { /* an ASDU for which the station had no room */
    bool is;
    uint64_t received;
    struct message message;
};

struct rig_connection { /* what its book of frames calls the rig with */
    struct rig *rig;
    unsigned c;
};

struct rig {
    struct komet_instant now;
    struct komet_utc utc;
    struct komet_group_settings group_settings;
    struct komet_station_settings settings;
    struct komet_group *group;
    struct komet_station *station;
    bool host_is_slow; /* it confirms and finishes when the script says so */
    bool reset_asked;
    struct komet_point points[POINTS];
    struct wire wires[CONNECTIONS];
    struct rig_connection connections[CONNECTIONS];
    uint64_t events_behind[CONNECTIONS][WINDOW]; /* so many are acknowledged with each frame */
    struct answers answers[CONNECTIONS];
    struct held held[CONNECTIONS];
    struct open_command commands[COMMANDS];
    uint32_t forgotten_id; /* of a command whose connection ended */
    struct events events;
    struct komet_station_counters counters;
};

/* rig.c */
extern const uint16_t rig_addresses[ADDRESSES];
/* choices: two octets of settings. */
void rig_begin(struct rig *rig, uint8_t group_choice, uint8_t station_choice);
void rig_connect(struct rig *rig, unsigned c);
void rig_disconnect(struct rig *rig, unsigned c);
void rig_say(struct rig *rig, unsigned c, const uint8_t *octets, size_t size);
void rig_drain(struct rig *rig);
void rig_pass(struct rig *rig, int64_t us, bool tick);
bool rig_scan(struct rig *rig, unsigned c, unsigned address, uint16_t groups, enum komet_cause cause);

/* events.c */
void events_state(struct rig *rig, unsigned c, enum komet_link_state state);
void events_dropped(struct rig *rig, unsigned c);
void events_acknowledged(struct rig *rig, uint64_t end);
void events_heard(struct rig *rig, unsigned c, const uint8_t *octets, size_t size);
/* So many events are acknowledged with a frame that leaves on `c` now. */
uint64_t events_behind(struct rig *rig, unsigned c);
/* The host has one: of a point, or the end of initialization of an address. False: there was no room. */
bool events_of_point(struct rig *rig, size_t point, enum komet_cause cause);
void events_initialized(struct rig *rig);
void events_settled(struct rig *rig);

/* judge.c */
/* An ASDU of the peer, as the station hands it out. */
void judge_asdu(struct rig *rig, unsigned c, const uint8_t *octets, size_t size, uint64_t received);
/* One for which there was no room: again, or it is dropped, since data transfer is stopped. */
void judge_held(struct rig *rig, unsigned c);
void judge_drop_held(struct rig *rig, unsigned c);
/* judge_command.c: a request for a point, right up to its common address. want: what the host has to be
 * asked. */
struct request;
void judge_point(struct rig *rig, const struct request *request, struct komet_station_event *want);

/* answers.c */
struct request {
    unsigned c;
    const struct komet_asdu *asdu;
    const struct komet_object *object;
    unsigned first, last;
    bool each;
};
void answers_begin(struct rig *rig, unsigned c);
struct short_answer *answers_mirror(struct rig *rig, const struct request *request, uint8_t cause,
                                    bool negative);
struct short_answer *answers_octets(struct rig *rig, unsigned c, const struct message *message, uint8_t cause,
                                    bool negative);
struct long_answer *answers_long(struct rig *rig, const struct request *request);
struct long_answer *answers_running(struct rig *rig, const struct request *request);
void answers_drop_long(struct answers *answers, struct long_answer *answer);
unsigned answers_waiting(const struct rig *rig, unsigned c);
bool answers_large_waits(const struct rig *rig, unsigned c);
/* The host lets the station write what its window takes. True when there was anything. */
bool answers_give(struct rig *rig, unsigned c);
/* A frame was heard: true when it is the answer that is next. */
bool answers_heard(struct rig *rig, unsigned c, const uint8_t *octets, size_t size);

/* command.c */
struct open_command *command_at(struct rig *rig, size_t point);
/* A free place, taken; NULL when all are taken. */
struct open_command *command_open(struct rig *rig, const struct request *request, size_t point,
                                  enum command_is is);
unsigned command_promises(const struct rig *rig, unsigned c);
void command_forget(struct rig *rig, unsigned c);
/* The host's doing: one that waits, from `from` on, is confirmed; one that runs is finished. */
void command_confirm(struct rig *rig, unsigned from, bool accepted);
void command_finish(struct rig *rig, unsigned from, bool done);
void command_answer_late(struct rig *rig);
/* What the host does between two turns: return information and, if it is not slow, its answers. True when it
 * did something. */
bool command_do(struct rig *rig);

#endif
