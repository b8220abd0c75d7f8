/*
 * What masters must and must not see. Everything that a line which listens sends is taken apart on its way,
 * and compared with the events of outputs that are on the synced part of the disk:
 *
 *   - nothing is sent before it is there;
 *   - on one connection each output's events come in their order;
 *   - a group misses none, unless so many came behind it that OBUF had no room, which the log says;
 *   - none comes again that the instance had an N(R) for, or that the journal says the masters have;
 *   - a command is answered once, and positively only if it is stored and its station has executed it.
 */
#ifndef SIM_CHECKERS_MASTERS_H
#define SIM_CHECKERS_MASTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "sim/network.h"
#include "sim/site.h"
#include "wire/frame.h"

struct world;
struct sim_kom;

enum {
    CHECK_OUTPUTS_MAX = OUTPUT_COUNT * SIM_STATIONS_MAX,
    CHECK_FRAMES_MAX = 32, /* above k */
    CHECK_OBJECTS_MAX = 48,
    CHECK_BEGINS_MAX = 8
};

/* An event of an output, as it was journaled. */
struct check_output_event {
    uint64_t position;
    int64_t time_ms;
    double number;
    bool invalid;
    size_t at; /* on the disk */
};

struct check_output {
    struct check_output_event *events;
    size_t count, capacity;
};

/* An I format that was sent, with the events in it: the output, and which of its events. */
struct check_frame {
    unsigned count;
    uint64_t position; /* up to which the masters have all, once they have this; 0: it says nothing of it */
    struct {
        unsigned output;
        size_t event; /* without a time, of several that say the same the newest */
    } objects[CHECK_OBJECTS_MAX];
};

/* One connection, as the instance sends on it. */
struct check_wire {
    uint64_t sent, acknowledged;    /* I formats */
    size_t next[CHECK_OUTPUTS_MAX]; /* event of each output, before which none may come */
    struct check_frame frames[CHECK_FRAMES_MAX];
};

/* What a run of an instance sends under one grant. */
struct check_stream {
    uint64_t has[SIM_GROUPS_MAX];                      /* position that a group surely has */
    size_t next[SIM_GROUPS_MAX][CHECK_OUTPUTS_MAX];    /* event that is to come; 0: none has come yet */
    uint64_t begins[CHECK_BEGINS_MAX][SIM_GROUPS_MAX]; /* `has` of those that the server has begun */
    unsigned begin_count;                              /* and the instance has not heard of */
};

/* A command of a master, by its number. */
struct check_command {
    bool selected, executed; /* so far it was sent */
    unsigned select_answers, confirmations, terminations;
    size_t stored_at; /* on the disk + 1; 0 not yet */
};

/* For the report: values that masters got, those of them again, those that OBUF had no room for; answers. */
struct check_masters_counts {
    uint64_t received, repeated, lost, positive, negative;
};

struct checkers_masters {
    struct check_output outputs[CHECK_OUTPUTS_MAX];
    size_t looked_at;
    uint64_t newest;                                /* position that was journaled */
    struct check_wire *wires;                       /* by the number of the connection in the network */
    size_t next[SIM_GROUPS_MAX][CHECK_OUTPUTS_MAX]; /* event that a group is to get */
    struct check_command *commands;
    size_t command_capacity;
    bool said_lost; /* the log said that values are lost */
    struct check_masters_counts counts;
};

void checkers_masters_free(struct world *world);

/* Records of the disk: outputs' events and masters' commands. */
void checkers_masters_look(struct world *world);
/* What the server tells an instance; what it hears of that; its connection to the server ended. */
void checkers_masters_told(struct world *world, const struct sim_kom *kom, const wire_message *message);
void checkers_masters_heard(struct world *world, const struct sim_kom *kom, const wire_message *message);
void checkers_masters_link_closed(struct world *world, const struct sim_kom *kom);
/* Something was said in the log. */
void checkers_masters_noted(struct world *world, const char *text);

/* An instance was connected to; sends octets; has read octets. */
void checkers_masters_connected(struct world *world, const struct sim_connection *connection);
void checkers_masters_sent(struct world *world, const struct sim_connection *connection,
                           const uint8_t *octets, size_t size);
void checkers_masters_read(struct world *world, const struct sim_connection *connection,
                           const uint8_t *octets, size_t size);
/* The master has got an I format, counted from 1. */
void checkers_masters_received(struct world *world, const struct sim_connection *connection, uint64_t frame);

/* A master will give a command to a station: its number. It was sent. It was answered: false, when that is a
 * breach; `open` is the number of the one that awaits this answer, 0: none does. */
uint32_t checkers_masters_order(struct world *world, unsigned station);
void checkers_masters_commanded(struct world *world, uint32_t number, bool select);
/* The journal has an event of an input: the command `number`. */
void checkers_masters_stored(struct world *world, double number, size_t at);
bool checkers_masters_answered(struct world *world, uint32_t open, const struct komet_asdu *asdu,
                               const struct komet_object *object);

/* Every group has got every event. */
bool checkers_masters_complete(const struct world *world);

#endif
