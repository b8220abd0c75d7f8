/*
 * rtu_private: what the files of the simulated station share.
 *
 * Positions of events count all that were generated, but those that a reset has forgotten: tail <= sent <=
 * head, tail <= told <= head, and an event lives at its position modulo the capacity.
 */
#ifndef PARTNER_RTU_PRIVATE_H
#define PARTNER_RTU_PRIVATE_H

#include "komet/assert.h"
#include "partner/rtu.h"

enum { RTU_NOTES_MAX = 8, RTU_NOTE_SIZE = 160 };

struct rtu_event_kept {
    double number;
    struct komet_utc time;
    uint32_t ioa;
    uint8_t type;
};

/* What moves in a row. */
struct rtu_row {
    size_t first;               /* of its values */
    size_t table;               /* of its points in the station's table; KOMET_POINT_NONE: not there */
    uint64_t step;              /* changes made so far, all points together */
    struct komet_instant due;   /* the next change */
    struct komet_instant cycle; /* the next periodic transmission */
    uint32_t cycle_next;        /* the point that it is at; count: done */
};

/* A request that waits until the station has room for its answer. Its frame is not acknowledged. */
struct rtu_held {
    uint64_t received; /* what is acknowledged with it */
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
};

/* "End of initialization": sent before anything else, and again until it is acknowledged. */
struct rtu_initialized {
    bool waits;
    uint8_t coi;
    uint64_t frame; /* under way in this I format of ours; 0: not under way */
};

/* What takes turns on the link. */
enum { RTU_SOURCES = 3 };

struct rtu {
    const struct rtu_plan *plan;
    struct komet_link_settings settings;
    struct komet_link *ends[RTU_CONNECTIONS_MAX]; /* NULL: not connected */
    uint8_t *link_memory;
    struct komet_link *link; /* that which carries data; NULL: none */
    unsigned carrier;        /* its number */
    uint32_t replaced;       /* connections to be closed since another one was started, as bits */
    struct komet_instant start;
    int64_t clock_ms; /* calendar minus instant, in ms */

    double *values; /* of all points, rows behind each other */
    struct rtu_row *rows;
    uint32_t *movers; /* the rows that change by themselves */
    size_t mover_count;
    size_t replay_next;
    uint64_t random;

    struct rtu_event_kept *events;
    uint64_t tail, sent, told, head;
    uint64_t *frame_ends; /* position behind the events of our I format n, at (n - 1) modulo k */
    bool full_noted;

    struct komet_station *station; /* answers requests, from the table */
    struct komet_point *table;     /* of all points that have a state, and of the commands; the values again,
                                      as objects */
    struct rtu_held held[RTU_HELD_MAX];
    unsigned held_first, held_count;
    struct rtu_initialized initialized;
    unsigned turn;

    char notes[RTU_NOTES_MAX][RTU_NOTE_SIZE];
    unsigned note_next, note_count;
    struct rtu_counters counters;
};

/* rtu.c */
void rtu_note(struct rtu *rtu, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sends what was written at the reserved place, `size` octets; returns the number of the frame. */
uint64_t rtu_commit(struct rtu *rtu, struct rtu_now now, size_t size);

/* The connection that carried data does so no more: what was sent and not acknowledged is sent again. */
void rtu_drop_link(struct rtu *rtu);

/* rtu_ends.c: connections that carry no data. */
/* The next thing that one of them wants; false when there is none. `sends`: octets too, which go last, since
 * a host stops at those that it cannot write. */
bool rtu_ends_next(struct rtu *rtu, struct rtu_now now, bool sends, struct rtu_output *output);
void rtu_ends_tick(struct rtu *rtu, struct rtu_now now);
struct komet_instant rtu_ends_deadline(const struct rtu *rtu);

/* rtu_plan.c */
struct komet_link_settings rtu_link_settings(const struct rtu_plan *plan);
/* Without points. */
struct komet_station_settings rtu_station_settings(const struct rtu_plan *plan);
bool rtu_is_monitored(uint8_t type);

/* rtu_pattern.c */
/* Into how many equal parts the changes of a row divide its period. */
uint64_t rtu_pattern_divisions(const struct rtu_point *row);

/* rtu_points.c */
/* Sets rows, values and table; returns how many points the table has. */
size_t rtu_points_init(struct rtu *rtu);
void rtu_points_tick(struct rtu *rtu, struct rtu_now now);
struct komet_instant rtu_points_deadline(const struct rtu *rtu);
double *rtu_value_of(const struct rtu *rtu, const struct rtu_point *row, uint32_t point);
/* Gives a point a value; a spontaneous one's event follows. */
void rtu_set(struct rtu *rtu, const struct rtu_point *row, uint32_t point, double number,
             struct komet_utc time);
/* One ASDU of a periodic row, when one is due. */
bool rtu_send_cyclic(struct rtu *rtu, struct rtu_now now);

/* rtu_answer.c */
/* An ASDU came. What was generated has been told: a reset of events forgets no more than what is recorded. */
void rtu_receive(struct rtu *rtu, struct rtu_now now, const struct komet_link_output *asdu);
/* The same for requests that were held back, as far as there is room for their answers. */
void rtu_take_held(struct rtu *rtu, struct rtu_now now);
/* Data transfer has started, or it has stopped and what was asked is forgotten. */
void rtu_data_transfer(struct rtu *rtu, struct rtu_now now, bool started);
/* The next frame of an answer; false when none waits. */
bool rtu_send_answer(struct rtu *rtu, struct rtu_now now);
/* "End of initialization", when it waits. */
bool rtu_send_initialized(struct rtu *rtu, struct rtu_now now);

#endif
