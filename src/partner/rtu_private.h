/*
 * rtu_private: what the files of the simulated station share.
 *
 * Positions of events count all that were ever generated: tail <= sent <= head, tail <= told <= head, and an
 * event lives at its position modulo the capacity.
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
    uint64_t step;              /* changes made so far, all points together */
    struct komet_instant due;   /* the next change */
    struct komet_instant cycle; /* the next periodic transmission */
    uint32_t cycle_next;        /* the point that it is at; count: done */
};

enum rtu_answer_kind {
    ANSWER_MIRROR,   /* one frame */
    ANSWER_EMPTY,    /* con and termination */
    ANSWER_STATION,  /* con, points, termination */
    ANSWER_COUNTERS, /* con, totals, termination */
    ANSWER_READ,     /* a value, no con */
    ANSWER_RESET,    /* con, end of initialisation */
    ANSWER_COMMAND   /* con, execution, termination */
};

enum rtu_answer_stage { STAGE_CON, STAGE_BODY };

struct rtu_answer {
    enum rtu_answer_kind kind;
    enum rtu_answer_stage stage;
    uint8_t cause; /* of the con or mirror */
    bool negative;
    size_t row; /* STATION, COUNTERS: the next point to be sent */
    uint32_t point;
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
};

/* What takes turns on the link. */
enum { RTU_SOURCES = 3 };

struct rtu {
    const struct rtu_plan *plan;
    struct komet_link_settings settings;
    struct komet_link *link; /* NULL: not connected */
    void *link_memory;
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

    struct rtu_answer answers[RTU_ANSWERS_MAX];
    unsigned answer_first, answer_count;
    unsigned turn;

    char notes[RTU_NOTES_MAX][RTU_NOTE_SIZE];
    unsigned note_next, note_count;
    struct rtu_counters counters;
};

/* rtu.c */
void rtu_note(struct rtu *rtu, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sends what was written at the reserved place, `size` octets. */
void rtu_commit(struct rtu *rtu, struct rtu_now now, size_t size);

/* rtu_plan.c */
bool rtu_is_command(uint8_t type);
bool rtu_is_monitored(uint8_t type);

/* rtu_pattern.c */
/* Into how many equal parts the changes of a row divide its period. */
uint64_t rtu_pattern_divisions(const struct rtu_point *row);

/* rtu_points.c */
void rtu_points_init(struct rtu *rtu);
void rtu_points_tick(struct rtu *rtu, struct rtu_now now);
struct komet_instant rtu_points_deadline(const struct rtu *rtu);
double *rtu_value_of(const struct rtu *rtu, const struct rtu_point *row, uint32_t point);
/* An object of a type, as the ASDU writer wants it. */
struct komet_object rtu_object(uint8_t type, uint32_t ioa, double number, struct komet_utc time);
/* Gives a point a value; a spontaneous one's event follows. */
void rtu_set(struct rtu *rtu, const struct rtu_point *row, uint32_t point, double number,
             struct komet_utc time);
/* One ASDU of a periodic row, when one is due. */
bool rtu_send_cyclic(struct rtu *rtu, struct rtu_now now);

/* rtu_answer.c */
void rtu_receive(struct rtu *rtu, struct rtu_now now, const uint8_t *octets, size_t size);
/* The next frame of the oldest answer; false when none waits. */
bool rtu_send_answer(struct rtu *rtu, struct rtu_now now);

#endif
