/*
 * outgoing_ring: see outgoing_ring.h.
 */
#include "line/outgoing_ring.h"

#include <string.h>

#include "komet/assert.h"
#include "model/lay_out.h"

static struct outgoing_event *event_at(const struct outgoing_ring *ring, uint64_t place)
{
    KOMET_ASSERT(place >= ring->first && place < ring->end);
    return &ring->events[place % ring->capacity];
}

static uint32_t index_of(const struct outgoing_ring *ring, const struct tag *tag)
{
    uint32_t index = tag->number - ring->first_tag;
    KOMET_ASSERT(index < ring->tag_count);
    return index;
}

/* ---- the ring ---- */

void outgoing_ring_lay_out(struct outgoing_ring *ring, uint8_t *memory, size_t *used, const struct line *line,
                           uint64_t capacity)
{
    uint32_t tags = line_tag_count(line);
    *ring = (struct outgoing_ring){.capacity = capacity,
                                   .first_tag = line->station_count > 0 ? line->stations[0].first_tag : 0,
                                   .tag_count = tags};
    ring->events = lay_out_take(memory, used, (size_t)capacity * sizeof *ring->events);
    ring->newest = lay_out_take(memory, used, capacity > 0 ? tags * sizeof *ring->newest : 0);
    if (memory != NULL) {
        outgoing_ring_clear(ring);
    }
}

void outgoing_ring_clear(struct outgoing_ring *ring)
{
    ring->first = ring->end = ring->position = 0;
    for (uint32_t i = 0; i < ring->tag_count && ring->capacity > 0; i++) {
        ring->newest[i] = 0;
    }
}

uint64_t outgoing_ring_count(const struct outgoing_ring *ring)
{
    return ring->end - ring->first;
}

bool outgoing_ring_is_full(const struct outgoing_ring *ring)
{
    return outgoing_ring_count(ring) == ring->capacity;
}

void outgoing_ring_drop_oldest(struct outgoing_ring *ring)
{
    KOMET_ASSERT(ring->first < ring->end);
    ring->first++;
}

void outgoing_ring_append(struct outgoing_ring *ring, const struct tag *tag, const struct value *value,
                          uint64_t position, bool supersedes)
{
    KOMET_ASSERT(!outgoing_ring_is_full(ring));
    uint64_t *newest = &ring->newest[index_of(ring, tag)];
    if (supersedes && !tag_is_timed(tag) && *newest > ring->first) {
        event_at(ring, *newest - 1)->superseded = true;
    }
    ring->end++;
    *event_at(ring, ring->end - 1) = (struct outgoing_event){tag, *value, position, false};
    *newest = ring->end;
}

/* A former output of the line as it is now; NULL: it is none of the line's any more. */
static const struct tag *output_now(const struct line *line, const struct tag *was,
                                    const struct site_difference *difference)
{
    const struct tag *now = was != NULL ? difference_tag(difference, was) : NULL; /* it was none before */
    return now != NULL && now->station->line == line && tag_is_outgoing(now) && !now->ignored ? now : NULL;
}

void outgoing_ring_move(struct outgoing_ring *to, const struct outgoing_ring *from, const struct line *line,
                        const struct site_difference *difference)
{
    KOMET_ASSERT(to->capacity == from->capacity); /* else it would reconnect */
    to->first = from->first;
    to->end = from->end;
    to->position = from->position;
    for (uint64_t place = to->first; place < to->end; place++) {
        struct outgoing_event *event = event_at(to, place);
        *event = *event_at(from, place);
        event->tag = output_now(line, event->tag, difference);
        if (event->tag == NULL) {
            event->superseded = true;
        } else { /* also of one that has changed */
            to->newest[index_of(to, event->tag)] = place + 1;
        }
    }
}

/* ---- a receiver ---- */

#define LEAST_ROOM 64u /* for small windows: a frame is ready whenever one is acknowledged */

uint64_t outgoing_receiver_room(uint16_t k)
{
    return k + 1u > LEAST_ROOM ? k + 1u : LEAST_ROOM;
}

void outgoing_receiver_lay_out(struct outgoing_receiver *receiver, uint8_t *memory, size_t *used,
                               uint64_t room)
{
    *receiver = (struct outgoing_receiver){.room = room};
    receiver->ends = lay_out_take(memory, used, (size_t)room * sizeof *receiver->ends);
}

void outgoing_receiver_begin(struct outgoing_receiver *receiver, uint64_t place, uint64_t position)
{
    struct outgoing_mark mark = {place, position};
    receiver->next = place;
    receiver->packed = receiver->taken = mark;
    receiver->told = position;
    receiver->frames = receiver->frames_acknowledged = 0;
    receiver->lost = 0;
}

void outgoing_receiver_restart(struct outgoing_receiver *receiver, struct outgoing_mark mark)
{
    receiver->frames = receiver->frames_acknowledged;
    receiver->next = mark.place;
    receiver->packed = receiver->taken = mark;
}

uint64_t outgoing_receiver_return(struct outgoing_receiver *receiver, const struct outgoing_ring *ring)
{
    struct outgoing_mark mark = receiver->taken;
    uint64_t sent = receiver->packed.place < ring->first ? receiver->packed.place : ring->first;
    uint64_t gone = sent > mark.place ? sent - mark.place : 0;
    mark.place = mark.place > ring->first ? mark.place : ring->first;
    outgoing_receiver_restart(receiver, mark);
    return gone;
}

void outgoing_receiver_counts_lost(struct outgoing_receiver *receiver, const struct outgoing_ring *ring,
                                   uint64_t count)
{
    receiver->lost += count;
    receiver->lost_until = ring->end;
}

/* Of events of which a newer value says all, or that it has by whomever, it needs none. */
static bool needs(const struct outgoing_receiver *receiver, const struct outgoing_event *event)
{
    bool has = event->position > 0 && event->position <= receiver->packed.position;
    return !event->superseded && !has;
}

bool outgoing_receiver_loses(struct outgoing_receiver *receiver, const struct outgoing_ring *ring)
{
    bool loses = receiver->next <= ring->first && needs(receiver, event_at(ring, ring->first));
    if (receiver->next <= ring->first) {
        receiver->next = ring->first + 1;
    }
    if (loses) {
        outgoing_receiver_counts_lost(receiver, ring, 1);
    }
    return loses;
}

uint64_t outgoing_receiver_has_lost(struct outgoing_receiver *receiver)
{
    uint64_t lost = receiver->taken.place >= receiver->lost_until ? receiver->lost : 0;
    receiver->lost -= lost;
    return lost;
}

bool outgoing_receiver_has_room(const struct outgoing_receiver *receiver)
{
    return receiver->frames - receiver->frames_acknowledged < receiver->room - 1;
}

void outgoing_receiver_sends(struct outgoing_receiver *receiver)
{
    KOMET_ASSERT(outgoing_receiver_has_room(receiver));
    receiver->ends[receiver->frames++ % receiver->room] = receiver->packed;
}

/* The next event that a receiver is to have, at or behind its place; false: there is none. */
static bool next_event(const struct outgoing_ring *ring, struct outgoing_receiver *receiver,
                       const struct outgoing_event **event)
{
    while (receiver->next < ring->end) {
        *event = event_at(ring, receiver->next);
        if (needs(receiver, *event)) {
            return true;
        }
        receiver->next++;
    }
    return false;
}

size_t outgoing_ring_pack(struct outgoing_ring *ring, struct outgoing_receiver *receiver,
                          const struct outgoing_frames *frames, uint8_t *octets)
{
    struct komet_asdu_writer writer;
    const struct outgoing_event *event;
    const struct tag *first = NULL;
    while (next_event(ring, receiver, &event)) {
        struct komet_object object;
        if (first == NULL) {
            first = event->tag;
            struct komet_asdu_header header = {.type = first->asdu,
                                               .cause = KOMET_COT_SPONTANEOUS,
                                               .oa = frames->oa,
                                               .ca = first->station->ca};
            bool begun = komet_asdu_begin(&writer, frames->profile, &header, octets, KOMET_ASDU_SIZE_MAX);
            KOMET_ASSERT(begun);
        }
        frames->object(event->tag, &event->value, &object);
        if (event->tag->asdu != first->asdu || event->tag->station != first->station ||
            !komet_asdu_add(&writer, &object)) {
            break;
        }
        receiver->next++;
        receiver->packed.place = receiver->next;
        receiver->packed.position = event->position > 0 ? event->position : receiver->packed.position;
    }
    if (first == NULL) {
        return 0;
    }
    outgoing_receiver_sends(receiver);
    return komet_asdu_end(&writer);
}

uint64_t outgoing_receiver_sent(const struct outgoing_receiver *receiver, uint64_t under_way)
{
    KOMET_ASSERT(under_way <= receiver->frames - receiver->frames_acknowledged);
    uint64_t frame = receiver->frames_acknowledged + under_way;
    return under_way == 0 ? receiver->taken.position : receiver->ends[(frame - 1) % receiver->room].position;
}

bool outgoing_receiver_acknowledged(struct outgoing_receiver *receiver, uint64_t frames)
{
    KOMET_ASSERT(frames <= receiver->frames);
    if (frames == receiver->frames_acknowledged) {
        return false;
    }
    receiver->frames_acknowledged = frames;
    const struct outgoing_mark *end = &receiver->ends[(frames - 1) % receiver->room];
    receiver->taken.place = end->place;
    if (end->position > receiver->taken.position) { /* else of values that were written before it was told */
        receiver->taken.position = end->position;
    }
    return true;
}

void outgoing_receiver_move(struct outgoing_receiver *receiver, const struct outgoing_receiver *from)
{
    struct outgoing_mark *ends = receiver->ends;
    KOMET_ASSERT(receiver->room == from->room); /* else it would reconnect */
    *receiver = *from;
    receiver->ends = ends;
    memcpy(ends, from->ends, (size_t)from->room * sizeof *ends);
}
