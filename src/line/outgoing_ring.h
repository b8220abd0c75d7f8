/*
 * outgoing_ring: values on their way out of a line, in the order in which they came, and how far each receiver
 * of them is: a redundancy group of masters (iec104-server), a system of the partner's (iec104-sinaut).
 *
 * There is one ring for all receivers, each of which is at its own place in it. A place counts all events
 * since the ring was made: first <= receiver.next <= end. Frames are made when a receiver may have one more:
 * neighbours of one type and station share one. k + 1 of them are under way at a time: with fewer than k, a peer
 * who acknowledges only when the window is full would do it after his t2 each time.
 *
 *     while (outgoing_receiver_has_room(receiver)) {
 *         size_t size = outgoing_ring_pack(ring, receiver, &frame, octets);
 *         if (size == 0) break;
 *         komet_group_event(group, octets, size);
 *     }
 *     outgoing_receiver_acknowledged(receiver, komet_group_counters(group).events_acknowledged);
 *
 * Pure: memory is the line's.
 */
#ifndef LINE_OUTGOING_RING_H
#define LINE_OUTGOING_RING_H

#include "komet/asdu.h"
#include "line/line.h"
#include "model/site_difference.h"

struct outgoing_event {
    const struct tag *tag; /* NULL: it is gone (RELOAD) */
    struct value value;
    uint64_t position; /* the server's; 0: it has none, a written value */
    bool superseded;   /* a newer value of a type without time tag took its place */
};

struct outgoing_ring {
    struct outgoing_event *events;
    uint64_t capacity;   /* events; 0: the line sends none */
    uint64_t first, end; /* places of the oldest, and behind the newest */
    uint64_t position;   /* of the newest event that the line was told */
    uint64_t *newest;    /* of each tag of the line: place behind its newest event */
    uint32_t first_tag, tag_count;
};

/* Up to where somebody is: place in the ring, position of the server's. */
struct outgoing_mark {
    uint64_t place, position;
};

struct outgoing_receiver {
    uint64_t next;                        /* place of the next event to be packed into a frame */
    struct outgoing_mark packed;          /* behind the last event that is in a frame */
    struct outgoing_mark taken;           /* behind the last one that is acknowledged */
    uint64_t told;                        /* the position of it that was told */
    uint64_t frames, frames_acknowledged; /* handed out; taken */
    struct outgoing_mark *ends;           /* `packed` when frame n was made, at n modulo the size */
    uint64_t room;                        /* frames under way at a time: the size of `ends` */
    uint64_t lost;                        /* events that it never gets, since it had all that waited */
    uint64_t lost_until;                  /* place up to which it then has that */
};

/* How frames of a line are made. */
struct outgoing_frames {
    const struct komet_profile *profile;
    uint8_t oa;
    /* The object that says the value of an output. */
    void (*object)(const struct tag *output, const struct value *value, struct komet_object *object);
};

/* ---- the ring ---- */

/* A piece of the line's memory, as lay_out.h has it: of `capacity` events, for all tags of the line. The ring
 * is empty. */
void outgoing_ring_lay_out(struct outgoing_ring *ring, uint8_t *memory, size_t *used, const struct line *line,
                           uint64_t capacity);
/* Nothing waits; receivers are to begin anew. */
void outgoing_ring_clear(struct outgoing_ring *ring);
/* So many events wait, or are under way. */
uint64_t outgoing_ring_count(const struct outgoing_ring *ring);
bool outgoing_ring_is_full(const struct outgoing_ring *ring);
/* The oldest event goes (asserted: there is one); before that each receiver has been asked
 * (outgoing_receiver_loses). */
void outgoing_ring_drop_oldest(struct outgoing_ring *ring);
/*
 * A new event (asserted: the ring is not full).
 *   tag         an output of the line
 *   value       what it has
 *   position    the server's, greater than any before; 0: it has none
 *   supersedes  it says how things are, so that older ones of its output need not go out any more, when its
 *               type has no time tag
 */
void outgoing_ring_append(struct outgoing_ring *ring, const struct tag *tag, const struct value *value,
                          uint64_t position, bool supersedes);
/* RELOAD: takes over what waits in another ring of the same capacity. Events of outputs that the line has no
 * longer are none any more. `to` was laid out of the changed site. */
void outgoing_ring_move(struct outgoing_ring *to, const struct outgoing_ring *from, const struct line *line,
                        const struct site_difference *difference);

/* ---- a receiver ---- */

/* Frames under way that a window of k wants. */
uint64_t outgoing_receiver_room(uint16_t k);
/* Its piece of memory. */
void outgoing_receiver_lay_out(struct outgoing_receiver *receiver, uint8_t *memory, size_t *used,
                               uint64_t room);
/* It begins at a place, with what is behind a position; no frame is under way. */
void outgoing_receiver_begin(struct outgoing_receiver *receiver, uint64_t place, uint64_t position);
/* It goes on behind a mark; frames that were under way are gone, and are not counted. */
void outgoing_receiver_restart(struct outgoing_receiver *receiver, struct outgoing_mark mark);
/* The same behind what it has acknowledged. Returns how many of the events that were under way have made room
 * meanwhile, and cannot be sent again. */
uint64_t outgoing_receiver_return(struct outgoing_receiver *receiver, const struct outgoing_ring *ring);
/* So many more are lost to it. */
void outgoing_receiver_counts_lost(struct outgoing_receiver *receiver, const struct outgoing_ring *ring,
                                   uint64_t count);
/* The ring's oldest event is about to make room: true when it is still to be sent to the receiver, which loses
 * it, and goes on behind it. The first one (lost is 1) is worth telling. */
bool outgoing_receiver_loses(struct outgoing_receiver *receiver, const struct outgoing_ring *ring);
/* How many it has lost, when it has had all that waited at the last loss, which ends that; else 0. */
uint64_t outgoing_receiver_has_lost(struct outgoing_receiver *receiver);
bool outgoing_receiver_has_room(const struct outgoing_receiver *receiver);
/* A frame of the line's own goes to it between those of events; it has room (asserted). */
void outgoing_receiver_sends(struct outgoing_receiver *receiver);
/* One ASDU of the next events: as many of one type and station as fit, those not counted that it has. It has
 * room (asserted). octets: KOMET_ASDU_SIZE_MAX. Returns its size; 0: there is none to be sent. */
size_t outgoing_ring_pack(struct outgoing_ring *ring, struct outgoing_receiver *receiver,
                          const struct outgoing_frames *frames, uint8_t *octets);
/* The position of the newest event in the frames that it has taken and the `under_way` ones behind them, which it
 * was sent. */
uint64_t outgoing_receiver_sent(const struct outgoing_receiver *receiver, uint64_t under_way);
/* So many frames are acknowledged since it began; true: more than before. */
bool outgoing_receiver_acknowledged(struct outgoing_receiver *receiver, uint64_t frames);
/* RELOAD: `receiver` has memory of its own, of the same room, and goes on as `from`. */
void outgoing_receiver_move(struct outgoing_receiver *receiver, const struct outgoing_receiver *from);

#endif
