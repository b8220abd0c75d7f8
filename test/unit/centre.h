/*
 * centre: a simulated station and the controlling end of its connection, in memory, with the clock in the
 * test. The centre keeps the frames that came, and acknowledges them at once or when a test says so; what
 * else the station hands out is kept too.
 */
#ifndef TEST_UNIT_CENTRE_H
#define TEST_UNIT_CENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "komet/link.h"
#include "program/sim_partner.h"

enum {
    CENTRE_FRAMES_MAX = 512,
    CENTRE_EVENTS_MAX = 512,
    CENTRE_NOTES_MAX = 64,
    CENTRE_NOTE_SIZE = 96,
    CENTRE_OCTETS_MAX = 8192
};

struct centre_frame {
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    size_t size;
    int64_t ms; /* when it came */
};

struct centre {
    struct rtu_now now;
    struct sim_partner station;
    struct komet_link *link; /* NULL without a connection */
    void *memory;
    uint16_t k;        /* of the next connection; 0: the standard's */
    bool acknowledge;  /* at once */
    uint64_t received; /* frames that may be acknowledged */
    struct centre_frame frames[CENTRE_FRAMES_MAX];
    unsigned frame_count;
    struct rtu_output events[CENTRE_EVENTS_MAX];
    unsigned event_count;
    char notes[CENTRE_NOTES_MAX][CENTRE_NOTE_SIZE];
    unsigned note_count;
    bool closed; /* by the station, for `reason`, since the newest connection */
    enum komet_reason reason;
};

/* Before anything else: the time is that of all tests, frames are acknowledged at once. The test sets
 * `station` when it has made one. */
void centre_begin(struct centre *centre);
void centre_end(struct centre *centre);

/* A new connection; `w` 1 acknowledges each frame at once. */
void centre_connect(struct centre *centre, uint16_t w);
/* The same with `w` 1, and data transfer is started. */
void centre_start(struct centre *centre);
void centre_disconnect(struct centre *centre);
/* Both ends work until neither wants anything. */
void centre_pump(struct centre *centre);
/* The centre sends an ASDU; then both work. */
void centre_send(struct centre *centre, const uint8_t *octets, size_t size);

#endif
