/*
 * master_harness: a listening line against masters made of controlling links, with the clock in the test.
 *
 * The line: L.CENTRE with station B.OUT (common address 1): outputs M.D (10, type 30), M.U (11, type 36),
 * M.LAST (12, type 13, no time tag), M.C (13, type 37); inputs M.CMD (20, type 45; changes-only), M.SET (21,
 * type 50). Two groups of masters: 10.9.0.1 and 10.9.0.2; 10.9.0.9. OBUF is 100.
 */
#ifndef TEST_UNIT_MASTER_HARNESS_H
#define TEST_UNIT_MASTER_HARNESS_H

#include "support.h"

#include "line/line.h"

#define MASTER_TAGS 6
#define MASTERS     20

enum { TAG_D, TAG_U, TAG_LAST, TAG_C, TAG_CMD, TAG_SET };

/* One master's end of a connection. */
struct master {
    struct komet_link *link; /* NULL: none */
    void *memory;
    uint32_t serial;
    bool silent;  /* it acknowledges nothing */
    bool blocked; /* it takes no octets: who hands them out stops there */
    struct {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        size_t size;
    } asdus[256];
    unsigned asdu_count;
    enum komet_reason closed; /* by the line */
};

struct masters_world {
    struct line_now now;
    struct processing changes;
    struct tag tags[MASTER_TAGS];
    struct station station;
    struct process process;
    struct line site;
    void *memory;
    struct line_engine *line;
    struct master masters[MASTERS];
    bool listens, asked;
    struct line_master_command commands[8];
    unsigned command_count;
    uint64_t taken[SITE_MASTERS_MAX];
    uint64_t position; /* of the newest event */
    char notes[1024];
    enum station_value station_value;
};

int masters_set_up(void **state);
int masters_tear_down(void **state);
/* The line begins anew, with what the test changed in the site. */
void masters_again(struct masters_world *world);
/* It acts, masters have all up to `taken`, and it listens. */
void masters_activate(struct masters_world *world, uint64_t taken);
/* Lets all work until nobody wants anything. */
void masters_pump(struct masters_world *world);
void masters_advance(struct masters_world *world, int64_t ms);
/* `last` is the last number of 10.9.0.x. False: refused. */
bool masters_connect(struct masters_world *world, unsigned master, uint8_t last);
/* And data transfer. */
void masters_start(struct masters_world *world, unsigned master, uint8_t last);
void masters_close(struct masters_world *world, unsigned master);
/* An event of an output. */
void masters_event(struct masters_world *world, unsigned tag, double number);
/* A master sends one object. */
void masters_send(struct masters_world *world, unsigned master, uint8_t type, uint8_t cause,
                  struct komet_object object);
/* How many objects of a type and cause a master got; the newest of them. */
unsigned masters_got(const struct masters_world *world, unsigned master, uint8_t type, uint8_t cause,
                     struct komet_object *newest);

#endif
