/*
 * masters_world: a server with a process that reads and one that masters connect to.
 *
 * SELF.KOM reads M.D and M.U and has the commands M.D.CMD and M.S.CMD (selected first); SRV.KOM sends M.UP.D,
 * M.UP.U and M.UP.OWN, and takes M.IN, M.IN.S and M.IN.FREE.
 */
#ifndef TEST_UNIT_MASTERS_WORLD_H
#define TEST_UNIT_MASTERS_WORLD_H

#include "server_harness.h"

/* Clients. */
#define MASTERS_SELF 1u /* SELF.KOM,1 */
#define MASTERS_SRV  4u /* SRV.KOM,1; 5 is SRV.KOM,2 */

/* The epoch of the newest grant of each client; a test may spoil it. */
extern uint64_t masters_epochs[8];

/* For cmocka: a new one in `*state`, both processes have an instance 1 that acts; harness_tear_down ends it. */
int masters_world_set_up(void **state);
/* SRV.KOM,`instance` connects; what it is granted is its epoch from then on. */
void masters_connect(struct harness *harness, unsigned instance);
/* The epoch of the client's newest role; 0: it is passive. */
uint64_t masters_epoch(const struct harness *harness, unsigned client);
/* SELF.KOM gives a value. */
void masters_value(struct harness *harness, const char *tag, double number);
/* A client says how far a group of masters is, on its first line. */
void masters_taken(struct harness *harness, unsigned client, unsigned group, uint64_t position);
/* A client gives a master's command. */
void masters_command_of(struct harness *harness, unsigned client, uint64_t id, const char *tag, double number,
                        bool select);
/* These records of the journal go into a new engine. */
void masters_replay(struct harness *harness, const struct record *kept, unsigned count);
/* The newest values sent to a client. */
const struct sent *masters_outgoing(struct harness *harness, unsigned client);
/* The newest answer to a master's command, 99 when there is none. */
uint32_t masters_answer(struct harness *harness, unsigned client);

#endif
