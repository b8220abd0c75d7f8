/*
 * line_harness: a line against a station made of a controlled link, with the clock in the test.
 *
 * The line: L.RTU, two hosts, with station B.RTU (common address 1: M.D 1, M.U 2, outputs M.CMD 5 and M.SET
 * 6).
 */
#ifndef TEST_UNIT_LINE_HARNESS_H
#define TEST_UNIT_LINE_HARNESS_H

#include "support.h"

#include "line/line.h"

struct world {
    struct line_now now;
    struct tag tags[4];
    struct tag *by_address[2];
    struct station stations[2]; /* the second one, B.TWO with common address 2, has no tag; a test that
                                   wants it sets station_count */
    struct process process;
    struct line site;
    void *memory, *station_memory;
    struct line_engine *line;
    struct komet_link *link; /* the station's end; NULL without a connection */
    uint32_t connection;
    bool asked, aborted, cut_at_note;
    enum komet_reason abort_reason;
    const struct address *address;
    struct line_value values[256];
    unsigned value_count;
    uint64_t frame; /* last that was handed out */
    bool store;     /* confirm at once */
    uint8_t asdus[16][KOMET_ASDU_SIZE_MAX];
    size_t asdu_sizes[16];
    unsigned asdu_count;   /* that the station received */
    uint64_t acknowledged; /* frames of the station */
    struct line_output end;
    char end_text[96];
    unsigned end_count, note_count;
    char note[256];
    enum station_value station_value, second_value;
};

int line_set_up(void **state);
int line_tear_down(void **state);
/* The line begins anew, with what the test changed in the site. */
void line_again(struct world *world);

/* Only the clock. */
void line_advance(struct world *world, int64_t ms);
/* Lets both work until neither wants anything. */
void line_pump(struct world *world);
/* The station accepts: the line starts data transfer and interrogates. */
void line_accept(struct world *world);
/* Active, and the station is there. */
void line_start(struct world *world);
/* The station sends one object. */
void line_station_sends(struct world *world, uint8_t type, uint8_t cause, bool negative, uint16_t ca,
                        struct komet_object object);
/* A command to an output. */
void line_give(struct world *world, uint64_t id, unsigned tag, double number);

#endif
