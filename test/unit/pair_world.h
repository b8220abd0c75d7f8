/*
 * pair_world: a simulated Sinaut pair and the other ends of its connections, in memory, with the clock in the
 * test. What the ends get is kept, and acknowledged at once or not at all.
 */
#ifndef TEST_UNIT_PAIR_WORLD_H
#define TEST_UNIT_PAIR_WORLD_H

#include "partner/pair.h"

enum { FAR_FRAMES_MAX = 256, WORLD_GOT_MAX = 256, WORLD_NOTES_MAX = 128, WORLD_NOTE_SIZE = 160 };

struct far_frame {
    unsigned connection;
    size_t size;
    bool marked;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
};

struct far_end {
    struct komet_link *link; /* NULL: there is none */
    void *memory;
    enum komet_reason reason; /* of the last close by the pair */
};

struct pair_world {
    struct rtu_now now;
    struct pair_plan plan;
    struct pair *pair;
    void *memory;
    struct komet_link_settings settings;
    struct far_end ends[PAIR_CONNECTIONS];
    bool acknowledge;                        /* what comes, at once */
    unsigned refused;                        /* connections that are not made, as bits */
    unsigned blocked;                        /* connections that take no octets, as bits */
    struct far_frame frames[FAR_FRAMES_MAX]; /* I formats, in the order in which they came */
    unsigned frame_count;
    struct pair_output got[WORLD_GOT_MAX];
    unsigned got_count, event_count;
    char notes[WORLD_NOTES_MAX][WORLD_NOTE_SIZE];
    unsigned note_count;
};

/* The plan is that of two stations, 513 and 3; the test may change it before world_start. */
void world_begin(struct pair_world *world);
void world_start(struct pair_world *world);
void world_end(struct pair_world *world);
/* All that is wanted is done, at both ends. */
void world_pump(struct pair_world *world);
void world_advance(struct pair_world *world, int64_t ms);
/* An order by hand; it must be one. */
void world_obey(struct pair_world *world, const char *order);
/* The far end of a connection comes: for a pair that is connected to. */
void world_connect(struct pair_world *world, unsigned connection);
/* The far end sends an object. */
void world_send(struct pair_world *world, unsigned connection, struct komet_asdu_header header,
                struct komet_object object);
/* A frame as "PATH TYPE CAUSE CA IOA=NUMBER[,…]", such as "a1 30 3 513 11=1"; "-" behind the cause: negative,
 * "T": test; "none": there is no such frame. Static storage. */
const char *world_frame(const struct pair_world *world, unsigned at);
/* What has come is forgotten. */
void world_forget(struct pair_world *world);
/* Was it said? */
bool world_said(const struct pair_world *world, const char *text);

#endif
