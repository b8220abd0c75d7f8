/*
 * wire: the rules of IEC 60870-5-104 clause 5 and 9.6 as a book of one connection, written from the standard
 * and link.h, not from the code: which frame the link under test has to take, which one closes the connection
 * and why, what it may send, and when. A promise that is broken aborts.
 *
 * The peer says octets, which the link takes; it hears what the link offers. The book is asked for nothing
 * while something of the link's is not yet done.
 */
#ifndef FUZZ_RIG_WIRE_H
#define FUZZ_RIG_WIRE_H

#include "komet/assert.h"
#include "komet/link.h"

/* Says which promise was broken, and aborts. */
#define check(condition) KOMET_ASSERT(condition)

enum { WINDOW = 16 }; /* k at most, and a power of 2 */

struct message {
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
};

/* An ASDU that the peer hears, in the frame that the link counts as `heard`. */
typedef void wire_hear(void *host, uint64_t heard, const uint8_t *octets, size_t size);

struct wire {
    bool up;
    const struct komet_link_settings *settings; /* of the link under test */
    wire_hear *hear;
    void *host;
    enum komet_link_state state; /* data transfer, as the link has to see it */
    uint32_t must_close;         /* a bit for each reason that is right; 0: it must not */

    uint8_t partial[KOMET_APDU_SIZE_MAX]; /* of the peer's: a frame whose end is still to come */
    size_t partial_size;
    uint64_t said;         /* I formats that were right */
    uint64_t taken;        /* of these, the host has: they may be acknowledged */
    uint64_t acknowledged; /* of these, the link acknowledged */
    struct komet_instant t2_from;
    bool has_asdu; /* one was just said */
    struct message asdu;

    uint64_t heard;       /* the link's I formats */
    uint64_t heard_whole; /* of these, the peer has read: it may acknowledge them */
    uint64_t confirmed;   /* of these, it has acknowledged */
    struct komet_instant heard_at[WINDOW];
    bool stalled;             /* the peer reads nothing, or a few octets now and then */
    size_t trickle, may_take; /* how many, each time; in this turn */
    size_t shown;             /* octets that the link offers again, since nothing took them */
    bool data;                /* I formats of the link may come */

    /* Acts of the peer: how many may still be confirmed, and whether the last has to be. */
    unsigned startdt_acts, stopdt_acts, testfr_acts;
    bool startdt_owed, stopdt_owed, testfr_owed;
    /* Acts of the link. */
    bool act_left;                    /* the one that STARTING or STOPPING waits for */
    bool test_asked;                  /* by the host */
    struct komet_instant function_at; /* STARTDT or STOPDT act, not confirmed; KOMET_NEVER */
    struct komet_instant test_at;     /* TESTFR act, not confirmed; KOMET_NEVER */
    struct komet_instant test_due_at; /* when it was asked for at the earliest: it may have waited since */
    struct komet_instant frame_at;    /* the last whole frame of the peer, or the beginning */
};

void wire_begin(struct wire *wire, const struct komet_link_settings *settings, struct komet_instant now,
                wire_hear *hear, void *host);

/* The host has taken I formats up to the `received`-th. */
void wire_taken(struct wire *wire, struct komet_instant now, uint64_t received);
/* The host of a controlling link asked for STARTDT, STOPDT; any host for TESTFR. */
void wire_start(struct wire *wire, struct komet_instant now);
void wire_stop(struct wire *wire, struct komet_instant now);
void wire_test(struct wire *wire, struct komet_instant now);

/* Octets that the link took. */
void wire_said(struct wire *wire, struct komet_instant now, const uint8_t *octets, size_t size);
/* Octets that the link offers: all that were not written yet. Returns how many the peer takes. */
size_t wire_offered(struct wire *wire, struct komet_instant now, const uint8_t *octets, size_t size);
/* The link wants to be closed. */
void wire_closing(struct wire *wire, struct komet_instant now, enum komet_reason reason);
/* All that was wanted was done: nothing may be owed. */
void wire_settled(struct wire *wire);
/* The same behind a tick. */
void wire_ticked(struct wire *wire, struct komet_instant now);

/* Octets of the next frames of a peer that obeys: N(R) for `heard` frames. */
uint16_t wire_nr(const struct wire *wire, uint64_t heard);
/* How many frames it heard whole and has not acknowledged; it may acknowledge one before its last octet came.
 */
uint64_t wire_unconfirmed(const struct wire *wire);
/* A peer that owes something says it: TESTFR con, an acknowledgement. KOMET_APDU_HEADER_SIZE octets; false:
 * nothing. */
bool wire_owes(const struct wire *wire, uint8_t *frame);

#endif
