/*
 * bench_values: the ASDUs that the bench's stations send and its clients check: M_ME_TF_1 with counted
 * addresses, values that follow from these, and time tags made from the clock.
 */
#ifndef KOMET_PROGRAM_BENCH_VALUES_H
#define KOMET_PROGRAM_BENCH_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "program/bench_host.h"

enum { BENCH_OBJECTS = 16 }; /* of a full ASDU */

struct bench_sender {
    uint32_t addresses;                  /* they are counted from 1 to this, and begin again */
    uint32_t next;                       /* what the next object's is, less 1 */
    const struct komet_profile *profile; /* NULL: komet_profile_104 */
    struct komet_calendar calendar;
    struct komet_object objects[BENCH_OBJECTS]; /* of the ASDU before; what does not change stays */
};

/* Sends an ASDU of `objects` (1 to BENCH_OBJECTS) at `utc`; there must be room. Returns its number. */
uint64_t bench_send_values(struct bench_sender *sender, struct bench_connection *connection,
                           unsigned objects);

/* Sends a single command (C_SC_NA_1, act); there must be room. */
void bench_send_command(struct bench_connection *connection, uint32_t address, bool on);

struct bench_receiver {
    uint32_t addresses; /* as the sender's; 0: a sender of another kind, whose objects are only counted */
    uint32_t next;
    uint64_t asdus, objects;
    bool wrong;                 /* an ASDU did not decode, or an object was not what the sender sends next */
    struct komet_time_tag last; /* the last object's */
};

void bench_take_values(struct bench_receiver *receiver, const uint8_t *octets, size_t size);

#endif
