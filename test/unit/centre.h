/*
 * centre: the controlling end of a connection to a simulated station, in memory: it keeps the frames that
 * came, and acknowledges them at once or when a test says so.
 */
#ifndef TEST_UNIT_CENTRE_H
#define TEST_UNIT_CENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "komet/link.h"
#include "partner/rtu.h"

enum { CENTRE_FRAMES_MAX = 512, CENTRE_OCTETS_MAX = 8192 };

struct centre_frame {
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    size_t size;
    int64_t ms; /* when it came */
};

struct centre {
    struct komet_link *link; /* NULL without a connection */
    void *memory;
    bool acknowledge;  /* at once */
    uint64_t received; /* frames that may be acknowledged */
    struct centre_frame frames[CENTRE_FRAMES_MAX];
    unsigned frame_count;
};

/* A new connection; `w` 1 acknowledges each frame at once. */
void centre_connect(struct centre *centre, struct rtu_now now, uint16_t w);
/* Octets of the station. */
void centre_hear(struct centre *centre, struct rtu_now now, const uint8_t *octets, size_t size);
/* What it says next, copied into `octets` (CENTRE_OCTETS_MAX): *size, which may be 0. False: nothing. */
bool centre_say(struct centre *centre, struct rtu_now now, uint8_t *octets, size_t *size);
/* An ASDU into the link. */
void centre_send(struct centre *centre, struct rtu_now now, const uint8_t *octets, size_t size);
void centre_free(struct centre *centre);

#endif
