/*
 * link: one 104 connection's transport rules (IEC 60870-5-104 clauses 5 and 9.6), for both roles.
 *
 * The life of a link. The host opens or accepts a TCP connection and makes a link in memory of its own
 * (`komet_link_init`). Octets that arrive go in through `komet_link_feed`, which takes any split of the
 * stream and stops after each frame that means something; `komet_link_next` then says what: data
 * transfer started, an ASDU, octets to send, close. ASDUs go out through `komet_link_reserve` and
 * `komet_link_commit`, which encode in place, behind each other, so that one write takes all. The host
 * asks `komet_link_deadline` when to call `komet_link_tick` at the latest. When the TCP connection is
 * gone, so is the link: the next connection starts with a fresh one, numbers at 0.
 *
 *     n = komet_link_feed(link, now, octets, size);     consumes one event's worth, or all
 *     while (komet_link_next(link, now, &output)) …     after each feed, tick, commit and acknowledge
 *
 * Who may acknowledge. A received I format is acknowledged only after the host called
 * `komet_link_acknowledge` for it: a host that stores first and acknowledges later loses nothing when it
 * dies in between, since the peer still holds the frame. w and t2 count frames that may be acknowledged.
 *
 * Nothing here allocates, reads a clock or calls back. Every breach by the peer is a named close reason.
 */
#ifndef KOMET_LINK_H
#define KOMET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/apdu.h"
#include "komet/api.h"
#include "komet/reason.h"
#include "komet/time.h"

enum komet_link_role {
    KOMET_CONTROLLING, /* starts data transfer with STARTDT (clause 5.3) */
    KOMET_CONTROLLED   /* waits for it */
};

/* States of data transfer (clause 5.3, figures 13 to 18). A controlled link waits in STOPPING (the
 * standard's "pending unconfirmed stopped") while its own I formats are not yet acknowledged, or received
 * ones may not be acknowledged yet: the con follows both. */
enum komet_link_state {
    KOMET_LINK_STOPPED,
    KOMET_LINK_STARTING, /* controlling: STARTDT act sent, con awaited */
    KOMET_LINK_STARTED,
    KOMET_LINK_STOPPING, /* STOPDT act sent or received, not yet confirmed */
    KOMET_LINK_CLOSED    /* a reason was given; the link does nothing any more */
};

struct komet_link_settings {
    enum komet_link_role role;
    uint16_t k;             /* unacknowledged I formats that may be sent: 1..32767, standard 12 */
    uint16_t w;             /* acknowledge after this many at the latest: 1..32767, below or equal to k, standard 8 */
    int64_t t1_us;          /* > 0, standard 15 s */
    int64_t t2_us;          /* > 0, below t1, standard 10 s */
    int64_t t3_us;          /* 0 (no test frames of our own) or more, standard 20 s */
    uint16_t first_vs;      /* initial V(S), 0..32767, standard 0; for tests (ISSN) */
    bool tolerate_cf3_mark; /* accept bit 0 of the third control octet, see apdu.h */
    size_t output_size;     /* octets of output buffer: at least KOMET_LINK_OUTPUT_MIN */
};

#define KOMET_LINK_OUTPUT_MIN 1024

/* The standard's settings (clause 9.6) for a role: k 12, w 8, t1 15 s, t2 10 s, t3 20 s, first_vs 0,
 * 3264 octets of output (one window of k = 12 full APDUs, and each S and U format once). */
KOMET_API struct komet_link_settings komet_link_settings_standard(enum komet_link_role role);

/* NULL when the settings are usable, else a sentence that says which is wrong and what is right. Check
 * at configuration; komet_link_init asserts it. Static storage. */
KOMET_API const char *komet_link_settings_fault(const struct komet_link_settings *settings);

struct komet_link; /* opaque; lives in the caller's memory */

/* Octets of memory that a link with these settings needs, all in. */
KOMET_API size_t komet_link_size(const struct komet_link_settings *settings);

/*
 * Makes a link for a fresh TCP connection, in state STOPPED.
 *   memory, size  taken until the caller drops the link; aligned for any object; size as komet_link_size
 *   settings      copied
 *   now           the instant of connection: t3 runs from here
 * Cannot fail with usable settings. There is nothing to undo: to drop a link, drop the memory.
 */
KOMET_API struct komet_link *komet_link_init(void *memory, size_t size,
                                             const struct komet_link_settings *settings,
                                             struct komet_instant now);

/*
 * Moves a link, whose TCP connection goes on: a host that changes its settings in memory of another layout.
 *   memory, size  as in komet_link_init, of the same settings; does not overlap the link's own, which is free
 *                 afterwards
 * Returns the link at its new place. Every output was taken (komet_link_next said false, or SEND), and no
 * place reserved.
 */
KOMET_API struct komet_link *komet_link_move(void *memory, size_t size, const struct komet_link *link);

/*
 * Takes received octets.
 *   octets, size  any part of the stream, borrowed for the call and for the outputs that follow it,
 *                 until the next feed
 * Returns how many octets were taken: up to the end of the first frame that has something for the host,
 * else all. The host calls komet_link_next until it is false or hands out SEND, then feeds the rest; to
 * feed before that is the host's mistake, and asserted. On a closed link all octets are taken and dropped.
 */
KOMET_API size_t komet_link_feed(struct komet_link *link, struct komet_instant now, const uint8_t *octets,
                                 size_t size);

/* Lets time pass: t1, t2, t3. Call it when komet_link_deadline has come; earlier calls do no harm. */
KOMET_API void komet_link_tick(struct komet_link *link, struct komet_instant now);

/* When the link wants to be ticked at the latest; KOMET_NEVER when nothing is due. */
KOMET_API struct komet_instant komet_link_deadline(const struct komet_link *link);

enum komet_link_output_kind {
    KOMET_LINK_OUT_STATE,        /* the state changed: old_state → state; write nothing, just know it */
    KOMET_LINK_OUT_ASDU,         /* an I format came: octets, size, received, cf3_mark */
    KOMET_LINK_OUT_ACKNOWLEDGED, /* the peer has all our I formats up to `acknowledged` */
    KOMET_LINK_OUT_SEND,         /* write these octets, then call komet_link_written */
    KOMET_LINK_OUT_CLOSE         /* close the TCP connection now: reason. Always the last output */
};

struct komet_link_output {
    enum komet_link_output_kind kind;
    enum komet_link_state old_state;
    enum komet_link_state state;
    const uint8_t *octets; /* ASDU: borrowed from the fed octets or the link, until the next feed. SEND:
                              borrowed from the link until komet_link_written or the next commit */
    size_t size;
    uint64_t received;     /* ASDU: the how-manieth I format of this link it is, from 1; what
                              komet_link_acknowledge takes */
    bool cf3_mark;
    uint64_t acknowledged; /* ACKNOWLEDGED: how many of our I formats, from 1, the peer has */
    enum komet_reason reason;
};

/*
 * Hands out the next thing the link wants done; false when there is none. What one event caused comes as
 * ACKNOWLEDGED, ASDU, STATE, SEND; CLOSE comes instead of SEND.
 * SEND is handed out again and again until komet_link_written took its octets: a host that cannot write
 * now simply stops asking until its socket is writable, and asks again then.
 */
KOMET_API bool komet_link_next(struct komet_link *link, struct komet_instant now,
                               struct komet_link_output *output);

/* The first `size` octets of the last SEND have been given to TCP: 1..its size. */
KOMET_API void komet_link_written(struct komet_link *link, size_t size);

/* Controlling: sends STARTDT act (from STOPPED). Asserts the role. Ignored in any other state. */
KOMET_API void komet_link_start(struct komet_link *link, struct komet_instant now);

/* Controlling: sends STOPDT act (from STARTED), behind an S format for what may be acknowledged by then.
 * Received I formats are still handed out until the con, and acknowledged at once when they may be; one whose
 * permission comes after the con is acknowledged when data transfer is started again. Asserts the role.
 * Ignored in any other state. */
KOMET_API void komet_link_stop(struct komet_link *link, struct komet_instant now);

/* Sends TESTFR act now, in any open state, unless one is already unconfirmed. */
KOMET_API void komet_link_test(struct komet_link *link, struct komet_instant now);

/*
 * Closes by the host's own decision: the CLOSE output follows with `reason`. Nothing else is sent.
 * On a closed link nothing happens: the first reason stands.
 */
KOMET_API void komet_link_close(struct komet_link *link, enum komet_reason reason);

/*
 * How many I formats may be sent now: 0 when not STARTED or the window (k) is full or the output buffer
 * has no room for a whole APDU. It may grow after ACKNOWLEDGED and after komet_link_written.
 */
KOMET_API unsigned komet_link_room(const struct komet_link *link);

/*
 * Where to write the next ASDU: KOMET_ASDU_SIZE_MAX octets in the output buffer, borrowed until
 * komet_link_commit or any other call. NULL when komet_link_room is 0.
 */
KOMET_API uint8_t *komet_link_reserve(struct komet_link *link);

/* Sends the ASDU written at the reserved place: size 1..249. Returns its number: how many I formats this
 * link has sent, from 1; what ACKNOWLEDGED counts. It carries N(R) of all that may be acknowledged. */
KOMET_API uint64_t komet_link_commit(struct komet_link *link, struct komet_instant now, size_t size);

/* All received I formats up to the `received`-th may be acknowledged now. Never above what was handed
 * out; a lower number than before changes nothing. */
KOMET_API void komet_link_acknowledge(struct komet_link *link, struct komet_instant now, uint64_t received);

KOMET_API enum komet_link_state komet_link_state(const struct komet_link *link);
KOMET_API enum komet_reason komet_link_reason(const struct komet_link *link); /* KOMET_OK until closed */
KOMET_API const char *komet_link_state_name(enum komet_link_state state);     /* "stopped", …; static storage */

/* Numbers since the link was made: for metrics and tests. */
struct komet_link_counters {
    uint64_t i_sent, i_received, s_sent, s_received, u_sent, u_received;
    uint64_t octets_sent, octets_received;
    uint64_t i_above_k;               /* I formats that came while k of theirs were unacknowledged: their k is
                                         above ours, or they do not keep to it */
    uint64_t unacknowledged_sent;     /* now: our I formats without acknowledgement, 0..k */
    uint64_t unacknowledged_received; /* now: their I formats that we have not acknowledged */
};
KOMET_API void komet_link_counters(const struct komet_link *link, struct komet_link_counters *counters);

#endif
