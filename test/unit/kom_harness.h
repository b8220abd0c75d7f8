/*
 * kom_harness: a KOM engine with everything around it in the test's hands: the clock, the server that it
 * talks to, and a station on each of its two lines, which is a controlled link that speaks real 104 octets.
 *
 * The site: SELF.KOM with line L.A (two hosts, read on without a server where there is a buffer; station B.A,
 * CA 1: M.D 1, M.U 2, output M.SET 6) and line L.B (station B.B, CA 1: M.B 1, and with filters M.TRAP 2,
 * M.TIMED 3, M.BAND 4). The lease is that of world_welcome.
 */
#ifndef TEST_UNIT_KOM_HARNESS_H
#define TEST_UNIT_KOM_HARNESS_H

#include "support.h"

#include "kom/kom.h"
#include "site_edit.h"

#define KOM_TEST_LEASE  KOMET_MS(600)
#define KOM_TEST_OWN    (KOM_TEST_LEASE - KOM_TEST_LEASE / KOM_LEASE_MARGIN) /* by the KOM's own clock */
#define KOM_TEST_EPOCH  5
#define KOM_LINES       2
#define KOM_SAID_MAX    512
#define KOM_TEST_WINDOW 400 /* k of the stations: they do not wait for acknowledgements */

/* A message to the server, as octets. */
struct said {
    Komet__Wire__Message__BodyCase kind;
    uint8_t *octets;
    size_t size;
};

/* What the network and the station of one line know. */
struct station_end {
    void *memory;
    struct komet_link *link; /* NULL without a connection */
    bool asked, aborted;     /* CONNECT and ABORT since the last look */
    uint32_t connection, aborted_connection;
    enum komet_reason reason; /* of the newest ABORT */
    char host[64];
    uint8_t octets[64 * 1024]; /* on their way to the KOM */
    size_t size;
    uint64_t acknowledged; /* I formats of the station */
    unsigned asdu_count;
    uint8_t asdu[KOMET_ASDU_SIZE_MAX]; /* the newest that the station got */
};

struct world {
    struct line_now now;
    struct site_result site;
    uint64_t configuration; /* of RELOADs so far */
    bool reconfigures;      /* a Configuration is wanted to be read */
    const struct process *process;
    void *memory, *lines_memory;
    struct kom *kom;
    struct station_end lines[KOM_LINES];
    struct said said[KOM_SAID_MAX];
    unsigned said_count;
    uint8_t *arena_memory;
    struct wire_arena arena;
    char outputs[256]; /* a letter each: M, Configure, Refused, reConnect (X), Connect (T), Send, Abort, Note,
                           End, Keep, reCall (c), Forget, reconfiGure */
    char notes[8192], refusal[256];
    unsigned reconnects, ends, recalls;
    uint64_t kept, recalled, forgotten; /* of the newest KEEP, RECALL, FORGET */
    bool server_answers;                /* heartbeats are answered, as by a server that gave KOM_TEST_EPOCH */
    bool holds;                         /* octets of the stations wait */
};

int world_set_up(void **state);
int world_tear_down(void **state);

/* Takes all that the KOM wants now, and lets the stations answer, until nothing moves any more. */
void world_pump(struct world *world);
void world_advance(struct world *world, int64_t duration_us); /* in one step; then ticks and pumps */
void world_live(struct world *world, int64_t duration_us);    /* in small steps, with a server that answers */
/* Only the clock. */
void world_later(struct world *world, int64_t duration_us);

/* ---- the server's part ---- */

void world_connect(struct world *world);
void world_welcome(struct world *world, int64_t lease_us); /* the lines are configured */
/* RELOAD of the site with edits (site_edit.h): the Configuration comes, is read, and applied. */
void world_reload(struct world *world, const struct site_edit *edits);
/* The same in two: it comes; it was read. */
void world_send_configuration(struct world *world);
void world_apply(struct world *world, const struct site_edit *edits);
void world_role(struct world *world, bool active, uint64_t epoch);
/* What keeps the KOM from speaking with B.A and B.B. */
void world_modes(struct world *world, unsigned a, unsigned b);
void world_reply(struct world *world, int64_t sent_us, uint64_t epoch);
void world_stored(struct world *world, uint64_t sequence);
void world_refuse_batch(struct world *world, uint64_t sequence);
void world_command(struct world *world, uint64_t id, uint64_t epoch, enum line_command_kind kind,
                   uint32_t tag, uint32_t station);
/* Connected, configured, active under KOM_TEST_EPOCH; both lines asked for their connection. */
void world_activate(struct world *world);

/* ---- the stations' part ---- */

void world_accept(struct world *world, uint16_t line);
/* One I format with one object; nothing arrives before the next world_pump. */
void world_queue(struct world *world, uint16_t line, uint8_t type, uint8_t cause, struct komet_object object);
/* The same, and it arrives. */
void world_send(struct world *world, uint16_t line, uint8_t type, uint8_t cause, struct komet_object object);
/* The spontaneous change of an input, without time tag. */
void world_change(struct world *world, uint16_t line, uint32_t ioa);

/* ---- what came of it ---- */

void world_forget(struct world *world);
unsigned world_said(const struct world *world, Komet__Wire__Message__BodyCase kind);
/* The message number `index` of that kind, from 0; fails the test when there is none. Valid until the next.
 */
const wire_message *world_nth(struct world *world, Komet__Wire__Message__BodyCase kind, unsigned index);
const wire_message *world_newest(struct world *world, Komet__Wire__Message__BodyCase kind);

#define BODY(name) KOMET__WIRE__MESSAGE__BODY_##name

enum { LINE_A, LINE_B };

/* Active, and the station of line A is there. */
void world_start(struct world *world);
/* One Stopped was said, of that epoch, behind all else. */
void world_assert_stopped(struct world *world, uint64_t epoch);
/* One end of a command was said, this one; then all that was said is forgotten. */
void world_assert_end(struct world *world, uint64_t id, enum command_result result, const char *reason);

#endif
