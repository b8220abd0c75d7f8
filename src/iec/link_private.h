/*
 * The link's inside, shared by its three files.
 *
 * link.c          life, settings, state, timers, the outputs handed to the host
 * link_receive.c  octets in: framing, numbers, what each format means in each state
 * link_send.c     octets out: the output buffer, I formats, acknowledgements, the window
 *
 * Numbers. Frames are counted from 1 in 64 bits that never wrap; the 15-bit numbers on the wire are made
 * from these counts where a frame is encoded or compared, nowhere else:
 *
 *     acked_by_peer <= sent                          difference at most k, and at most 32767
 *     acked_to_peer <= allowed <= received
 *
 * Memory. One piece of the caller's: this struct, then k send times, then the output buffer. The send times
 * are a ring in which the oldest unacknowledged frame is at `oldest`: t1 looks at that one alone, so the cost
 * of a frame does not grow with k.
 */
#ifndef IEC_LINK_PRIVATE_H
#define IEC_LINK_PRIVATE_H

#include "komet/link.h"

/* What the three files share has a name of libkomet's in the objects: a static library stands in the name
 * space of its user. */
#define link_set_state            komet_private_link_set_state
#define link_close                komet_private_link_close
#define link_data_passes          komet_private_link_data_passes
#define link_take_acknowledge     komet_private_link_take_acknowledge
#define link_finish_stop          komet_private_link_finish_stop
#define link_consider_supervisory komet_private_link_consider_supervisory
#define link_flush                komet_private_link_flush
#define link_t1_acknowledge       komet_private_link_t1_acknowledge
#define link_check                komet_private_link_check

/* U and S formats that wait until the output buffer takes them. Each stands for itself once, however often
 * the peer asked: so a flood of acts fills nothing. */
struct link_pending {
    bool startdt_act;
    bool startdt_con;
    bool stopdt_act;
    bool stopdt_con;
    bool testfr_act;
    bool testfr_con;
    bool stopdt_con_first; /* both cons wait and the order is STOPDT, STARTDT */
    bool supervisory;      /* an S format */
};

/* Room that I formats leave in the output buffer: each of the seven above once. */
enum { LINK_CONTROL_RESERVE = 7 * KOMET_APDU_HEADER_SIZE };

struct komet_link {
    struct komet_link_settings settings;
    enum komet_link_state state;
    enum komet_link_state reported_state; /* as the host knows it */
    enum komet_reason reason;
    bool close_reported;
    bool host_owes_next; /* feed found something; the host must take it before the next feed */

    /* Received. */
    uint64_t received;      /* I formats accepted: V(R) */
    uint64_t allowed;       /* of these, the host lets us acknowledge */
    uint64_t acked_to_peer; /* of these, we told the peer */
    const uint8_t *asdu;    /* waits for the host; NULL when none does */
    uint8_t asdu_size;
    bool asdu_cf3_mark;
    uint8_t partial_size;
    uint8_t partial[KOMET_APDU_SIZE_MAX]; /* the beginning of a frame whose end is still to come */

    /* Sent. */
    uint64_t sent;          /* I formats committed: V(S) */
    uint64_t acked_by_peer; /* of these, the peer has */
    uint64_t acked_reported;
    struct komet_instant *send_times; /* ring of k */
    uint16_t oldest;                  /* where the oldest unacknowledged frame's time is */
    uint16_t newest;                  /* where the next frame's time goes */
    struct link_pending pending;
    uint8_t *output;
    size_t output_head;        /* first octet not yet written to TCP */
    size_t output_tail;        /* behind the last octet */
    uint64_t testfr_con_place; /* octets ever put in before the last TESTFR con, + 1; 0: none */
    bool reserved;             /* komet_link_reserve handed out the place at the tail */

    /* When what is due; KOMET_NEVER when it is not running. t1 of I formats comes from send_times. */
    struct komet_instant t1_function;
    struct komet_instant t1_test;
    struct komet_instant t2;
    struct komet_instant t3;

    struct komet_link_counters counters;
};

/* The only place where the state changes. Stops and starts the timers that belong to a state. */
void link_set_state(struct komet_link *link, struct komet_instant now, enum komet_link_state state);

/* Closes with a reason, unless closed already. */
void link_close(struct komet_link *link, enum komet_reason reason);

/* True in the states in which I and S formats may pass: STARTED, STOPPING. */
bool link_data_passes(const struct komet_link *link);

/* Takes N(R) of the peer. KOMET_OK or KOMET_BAD_ACKNOWLEDGE. */
enum komet_reason link_take_acknowledge(struct komet_link *link, uint16_t nr);

/* Controlled, STOPPING: confirms STOPDT when nothing is open in either direction any more. */
void link_finish_stop(struct komet_link *link, struct komet_instant now);

/* Puts an S format on its way when w, or the state, asks for one now; else lets t2 run. */
void link_consider_supervisory(struct komet_link *link, struct komet_instant now);

/* Moves pending U formats, and the S format when `with_supervisory`, into the output buffer. */
void link_flush(struct komet_link *link, bool with_supervisory);

/* When t1 of the oldest unacknowledged I format ends; KOMET_NEVER when none is open. */
struct komet_instant link_t1_acknowledge(const struct komet_link *link);

/* Asserts what must hold between any two calls. */
void link_check(const struct komet_link *link);

#endif
