/*
 * group: the connections of one redundancy group on the controlled side, and the events that wait for them
 * (IEC 60870-5-104, redundancy groups; Sinaut's several started connections).
 *
 * A controlling station opens up to KOMET_GROUP_CONNECTIONS_MAX connections. The group has one buffer of
 * events, which go out in order on one of them, the carrier. An event leaves the buffer only when the peer's
 * N(R) has covered it; when another connection becomes the carrier, those that are not covered are sent
 * again, in order, as they were.
 *
 * KOMET_GROUP_ONE_STARTED (the standard): at most one connection is started. STARTDT on another one closes
 * the one that was (KOMET_REPLACED), and makes it the carrier. KOMET_GROUP_ALL_STARTED (Sinaut): all may be
 * started. The first one started is the carrier until it is not started any more; then it is the one that has
 * been started for longest. Both ends of such connections are alike, so the group may also be the one that
 * starts them: each as soon as it is up, or where it is told to (start_when_told, komet_group_start).
 *
 *     komet_group_connected(group, now, c);
 *     komet_group_event(group, octets, size);
 *     while (at < size) {
 *         at += komet_group_feed(group, now, c, octets + at, size - at);
 *         while (komet_group_next(group, now, &output)) { do it }
 *     }
 *
 * Pure: no clock, no socket, no allocation; the rules of link.h hold for each connection.
 */
#ifndef KOMET_GROUP_H
#define KOMET_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/link.h"

#define KOMET_GROUP_CONNECTIONS_MAX 8

enum komet_group_mode { KOMET_GROUP_ONE_STARTED, KOMET_GROUP_ALL_STARTED };

/* What happens to an event when the buffer is full. */
enum komet_group_full {
    KOMET_GROUP_DROP_OLDEST, /* as many of the oldest give way as it needs; they are counted as lost */
    KOMET_GROUP_REFUSE       /* komet_group_event returns false */
};

struct komet_group_settings {
    struct komet_link_settings link; /* of every connection; KOMET_CONTROLLING only with ALL_STARTED, then
                                        each connection sends STARTDT as soon as it is up */
    bool start_when_told;            /* KOMET_CONTROLLING: STARTDT goes where komet_group_start says so; a
                                        connection that is not started sends test frames only */
    unsigned connections;            /* 1..KOMET_GROUP_CONNECTIONS_MAX */
    enum komet_group_mode mode;
    enum komet_group_full full;
    size_t buffer_size; /* octets of events: an event takes its size + 1; at least KOMET_GROUP_BUFFER_MIN */
};

#define KOMET_GROUP_BUFFER_MIN 512

/* NULL when the settings are usable, else a sentence that says which is wrong and what is right; `link` is
 * looked at too. Check at configuration; komet_group_size and komet_group_init assert it. Static storage. */
KOMET_API const char *komet_group_settings_fault(const struct komet_group_settings *settings);

struct komet_group; /* opaque; lives in the caller's memory */

/* Octets of memory for a group, all in. */
KOMET_API size_t komet_group_size(const struct komet_group_settings *settings);

/*
 * memory, size  taken until the caller drops the group; aligned for any object; size as komet_group_size
 * settings      copied; usable (asserted: komet_group_settings_fault)
 */
KOMET_API struct komet_group *komet_group_init(void *memory, size_t size,
                                               const struct komet_group_settings *settings);

/*
 * Moves a group with its connections and the events that wait, as komet_link_move moves a link.
 *   memory, size  as in komet_group_init, of the same settings; does not overlap the group's own, which is
 *                 free afterwards
 * Returns the group at its new place. komet_group_next said false or SEND, and no place is reserved.
 */
KOMET_API struct komet_group *komet_group_move(void *memory, size_t size, const struct komet_group *group);

/* Connection `c` (0..connections-1) has come up, or has ended. One that is up already is replaced by the new
 * one. */
KOMET_API void komet_group_connected(struct komet_group *group, struct komet_instant now, unsigned c);
KOMET_API void komet_group_closed(struct komet_group *group, struct komet_instant now, unsigned c);
/* Connection `c` is to be started; of a group that is CONTROLLING and starts when told (asserted). Nothing
 * happens where it is not up. Its STATE outputs follow. */
KOMET_API void komet_group_start(struct komet_group *group, struct komet_instant now, unsigned c);

/* As komet_link_feed. Octets for a connection that is not up are taken and dropped. */
KOMET_API size_t komet_group_feed(struct komet_group *group, struct komet_instant now, unsigned c,
                                  const uint8_t *octets, size_t size);
/* As komet_link_written, for the last SEND. */
KOMET_API void komet_group_written(struct komet_group *group, unsigned c, size_t size);
/* The socket of `c` takes octets again: what could not be written is handed out anew. */
KOMET_API void komet_group_writable(struct komet_group *group, unsigned c);
/* As komet_link_tick and komet_link_deadline, for all connections. */
KOMET_API void komet_group_tick(struct komet_group *group, struct komet_instant now);
KOMET_API struct komet_instant komet_group_deadline(const struct komet_group *group);

/*
 * An event: an ASDU of 1..KOMET_ASDU_SIZE_MAX octets, copied; it waits, also while nothing is connected.
 * False: the buffer is full and the settings say KOMET_GROUP_REFUSE; nothing happened, try again after an
 * acknowledgement.
 */
KOMET_API bool komet_group_event(struct komet_group *group, const uint8_t *octets, size_t size);
/* All events that wait are lost, also those that may have arrived: nothing of them is sent again. */
KOMET_API void komet_group_forget_events(struct komet_group *group);

/*
 * An ASDU for one connection, such as an answer: sent on `c` or not at all, never buffered and never
 * repeated. False: `c` is not started, or its window is full; then events leave room for it, so that trying
 * again behind the next ACKNOWLEDGED or komet_group_next succeeds. komet_group_forget_send says that it is
 * not wanted any more.
 */
KOMET_API bool komet_group_send(struct komet_group *group, struct komet_instant now, unsigned c,
                                const uint8_t *octets, size_t size);
/* The same without a copy: where to write the ASDU, KOMET_ASDU_SIZE_MAX octets, borrowed until
 * komet_group_commit or any other call; NULL where komet_group_send would return false, with the same effect.
 * What is not committed is not sent. Committed, it has a number: how many I formats went out on this
 * connection, from 1; what ACKNOWLEDGED counts. */
KOMET_API uint8_t *komet_group_reserve(struct komet_group *group, unsigned c);
KOMET_API uint64_t komet_group_commit(struct komet_group *group, struct komet_instant now, unsigned c,
                                      size_t size);
KOMET_API void komet_group_forget_send(struct komet_group *group, unsigned c);

/* As komet_link_acknowledge, on connection `c`. */
KOMET_API void komet_group_acknowledge(struct komet_group *group, struct komet_instant now, unsigned c,
                                       uint64_t received);

enum komet_group_output_kind {
    KOMET_GROUP_OUT_STATE, /* connection's data transfer: old_state → state */
    KOMET_GROUP_OUT_ASDU,  /* an ASDU came: octets, size, received (for komet_group_acknowledge), mark */
    KOMET_GROUP_OUT_ACKNOWLEDGED, /* events_acknowledged has grown, or the window of `connection` has room
                                     again: the peer has its I formats up to `acknowledged` */
    KOMET_GROUP_OUT_SEND, /* write octets to `connection`, then komet_group_written; when nothing can be
                             written now, komet_group_writable as soon as something can */
    KOMET_GROUP_OUT_CLOSE /* close `connection`: reason. komet_group_closed is not wanted */
};

struct komet_group_output {
    enum komet_group_output_kind kind;
    unsigned connection;
    enum komet_link_state old_state, state;
    const uint8_t *octets; /* borrowed as in komet_link_output */
    size_t size;
    uint64_t received;
    bool cf3_mark; /* as in komet_link_output */
    uint64_t acknowledged;
    enum komet_reason reason;
};

/* The next thing wanted; false when there is none. */
KOMET_API bool komet_group_next(struct komet_group *group, struct komet_instant now,
                                struct komet_group_output *output);

/* The connection that carries events; KOMET_GROUP_CONNECTIONS_MAX: none is started. */
KOMET_API unsigned komet_group_carrier(const struct komet_group *group);
/* Of one connection; KOMET_LINK_CLOSED when it is not up. */
KOMET_API enum komet_link_state komet_group_state(const struct komet_group *group, unsigned c);

struct komet_group_counters {
    uint64_t events;              /* taken by komet_group_event */
    uint64_t events_sent;         /* so many of them, from the first, have left at least once or are lost */
    uint64_t events_acknowledged; /* in order */
    uint64_t events_lost;         /* gave way before they were acknowledged */
    uint64_t events_repeated;     /* sent once more on another connection */
    uint64_t events_waiting;      /* now: in the buffer */
};
KOMET_API struct komet_group_counters komet_group_counters(const struct komet_group *group);
/* How many of the events that wait have gone out on the connection that carries them now. */
KOMET_API uint64_t komet_group_under_way(const struct komet_group *group);

#endif
