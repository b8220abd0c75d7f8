/*
 * masters: simulated control centres, in groups by their addresses, and the line of the site that they
 * connect to. Each calls all instances of its process, again and again, and talks to those that listen: one,
 * or where all act, all. It starts data transfer unless another one of its group has, interrogates, takes
 * values, gives commands, and may be lost, hang, or be cut off like anybody else.
 *
 * masters.c is what the masters do, masters_line.c what `komet kom` does for a line that listens. What they
 * must and must not see is in checkers_masters.h.
 */
#ifndef SIM_MASTERS_H
#define SIM_MASTERS_H

#include "komet/link.h"
#include "sim/faults.h"
#include "sim/masters_site.h"
#include "sim/network.h"
#include "sim/site.h"
#include "wire/frame.h"

struct world;
struct sim_kom;
struct sim_master;
struct kom_output;

enum { SIM_MASTERS_MAX = SIM_GROUPS_MAX * SIM_GROUP_MASTERS_MAX };

/* What a master is about to do with a command. */
enum sim_command_step {
    COMMAND_NONE,
    COMMAND_SELECT,   /* it is to be selected */
    COMMAND_SELECTED, /* it was, and that must be confirmed */
    COMMAND_EXECUTE,  /* it is to be executed, from `step_at` on */
    COMMAND_EXECUTED  /* and that must be confirmed */
};

/* One master's talk with one instance; the connections of it follow one another. */
struct sim_call {
    struct sim_master *master;
    uint8_t instance;
    struct sim_connection *connection; /* NULL: none */
    struct komet_link *link;           /* of it */
    void *memory;
    struct komet_instant retry;    /* without a connection: when it calls again */
    struct komet_instant start_at; /* when it looks whether to start data transfer */
    struct komet_instant interrogate_at;
    bool interrogates; /* the termination is awaited */
    uint32_t answered; /* outputs that were, as bits */
    bool right;        /* all of them as the station had it */
    bool well;         /* so the last one that was complete, since the faults ended */
    enum sim_command_step step;
    struct komet_instant step_at;
    uint32_t number; /* of the command, and its value */
    unsigned station;
};

struct sim_master {
    uint8_t group, number; /* 10.9.group.(1 + number) */
    bool away, paused, cut;
    struct komet_instant back;
    struct komet_link_settings settings;
    struct sim_call calls[SIM_SERVING_MAX];
};

struct sim_masters {
    struct sim_master masters[SIM_MASTERS_MAX];
    unsigned count;
    struct komet_instant next_mode; /* when somebody says in which mode the process runs */
    uint32_t former_tag;            /* BREAK_MASTER_TWICE: of the newest command that the server was told */
    double former_number;
};

void masters_init(struct world *world);
void masters_free(struct world *world);
/* Time, and what arrived. */
void masters_step(struct world *world);
struct komet_instant masters_next(const struct world *world);
/* The instance's end of a connection is closed, and the master hears of it; or a reset of the network. */
void masters_hear_closed(struct world *world, struct sim_connection *connection);
/* FAULT_LOSE_MASTER to FAULT_CUT_MASTER. */
void masters_strike(struct world *world, enum sim_fault fault, int64_t pause_us);
/* Does a master take what arrives? */
bool masters_reads(const struct sim_master *master);
/* All have what they are to have, and nothing is open. */
bool masters_are_well(const struct world *world);
/* The call that a connection belongs to. */
struct sim_call *masters_call(const struct world *world, const struct sim_connection *connection);

/* masters_breaks.c: what goes wrong on purpose: a message to an instance is spoiled; one of an instance comes
 * again behind the next one; an instance does not hear that it is passive. */
void masters_break_told(struct world *world, wire_message *message);
bool masters_break_again(struct world *world, wire_message *message);
bool masters_break_unheard(const struct world *world, const struct sim_kom *kom, const wire_message *message);

/* masters_line.c: KOM_OUT_LISTEN …, KOM_OUT_SEND and KOM_OUT_ABORT of a line that listens. */
void masters_line_listen(struct world *world, struct sim_kom *kom, bool listens);
void masters_line_send(struct world *world, struct sim_kom *kom, const struct kom_output *output);
void masters_line_abort(struct world *world, struct sim_kom *kom, uint32_t number);
/* The process is gone, or forgets its lines. */
void masters_line_close(struct world *world, struct sim_kom *kom);
/* A master calls; NULL: nobody listens there, or it was refused. */
struct sim_connection *masters_line_accept(struct world *world, struct sim_call *call);
/* Reads what arrived from masters. */
void masters_line_read(struct world *world, struct sim_kom *kom);
/* Any connection with a master; NULL: there is none. */
struct sim_connection *masters_line_connection(struct world *world, const struct sim_kom *kom);

#endif
