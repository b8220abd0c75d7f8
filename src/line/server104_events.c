/*
 * What goes out to masters (outgoing_ring.h). A value without time tag says only how things are, so that of two
 * that wait only the newer one goes out; those with a time tag all go, in order.
 */
#include "line/server104_private.h"
#include "model/server_value.h"

static uint32_t index_of(const struct server104 *line, const struct tag *tag)
{
    uint32_t index = tag->number - line->first_tag;
    KOMET_ASSERT(index < line->tag_count);
    return index;
}

void server104_outgoing_begin(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                              unsigned count)
{
    struct server104 *line = (struct server104 *)engine;
    (void)now;
    if (line->resumes) {
        return; /* its masters go on where they are */
    }
    line->ready = false;
    outgoing_ring_clear(&line->ring);
    for (unsigned i = 0; i < line->group_count; i++) {
        uint64_t position = i < line->line->master_count && i < count ? positions[i] : 0;
        outgoing_receiver_restart(&line->groups[i].receiver, (struct outgoing_mark){0, position});
        line->groups[i].receiver.told = position;
        line->groups[i].receiver.lost = 0;
    }
}

/* The oldest event makes room; a group that was to have it and has not sent it loses it. Told with the first
 * one, and then when the masters have all that waits now: not for each in between. */
static void drop_oldest(struct server104 *line)
{
    for (unsigned i = 0; i < line->group_count; i++) {
        struct outgoing_receiver *masters = &line->groups[i].receiver;
        if (!outgoing_receiver_loses(masters, &line->ring) || i >= line->line->master_count) {
            continue;
        }
        line->counters.outgoing_lost++;
        if (masters->lost == 1) {
            server104_note(line, "%s: masters %s did not take their values: the oldest of %llu are lost",
                           line->line->name, line->line->masters[i].name,
                           (unsigned long long)line->ring.capacity);
        }
    }
    outgoing_ring_drop_oldest(&line->ring);
}

static void append(struct server104 *line, const struct line_outgoing *outgoing)
{
    if (outgoing_ring_is_full(&line->ring)) {
        drop_oldest(line);
    }
    outgoing_ring_append(&line->ring, outgoing->tag, &outgoing->value, outgoing->position, true);
}

void server104_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *value)
{
    struct server104 *line = (struct server104 *)engine;
    uint32_t point = line->point_of[index_of(line, value->tag)];
    if (point == SERVER104_NO_POINT) {
        return; /* an ignored tag */
    }
    if (value->position == 0 || !value->older) {
        server_object(value->tag, &value->value, &line->points[point].object);
    }
    if (value->position > line->ring.position) { /* else it was there before a RELOAD */
        line->ring.position = value->position;
        if (server104_speaks(line, value->tag->station)) {
            append(line, value);
        }
    }
    for (unsigned i = 0; i < line->group_count && line->ready; i++) {
        server104_fill(line, now, i);
    }
}

/* ---- frames ---- */

/* M_EI_NA_1 of one address, its place in `addresses`. So many at a time: the masters hear of those that fit.
 */
static void initialize_one(struct server104 *line, struct server104_group *group, unsigned address,
                           uint8_t coi)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    if (server104_parameter(line, PARAMETER_EOI) != 0 && outgoing_receiver_has_room(&group->receiver)) {
        size_t size = komet_station_initialized(group->station, address, coi, octets);
        bool taken = komet_group_event(group->group, octets, size);
        KOMET_ASSERT(taken);
        outgoing_receiver_sends(&group->receiver);
    }
}

/* That of each station, before any event. */
static void initialize(struct server104 *line, struct server104_group *group)
{
    group->initialized = true;
    for (unsigned i = 0; i < line->line->station_count; i++) {
        initialize_one(line, group, i, KOMET_COI_POWER_ON);
    }
}

/* The place of a station's address among all. */
static unsigned address_of(const struct server104 *line, const struct station *station)
{
    unsigned i = 0;
    while (line->addresses[i] != station->ca) {
        i++;
    }
    return i;
}

void server104_announce(struct server104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        unsigned address = address_of(line, &line->line->stations[i]);
        for (unsigned g = 0; line->station_lacks[i] && g < line->group_count; g++) {
            if (line->groups[g].initialized) { /* else they hear of all when they come */
                initialize_one(line, &line->groups[g], address, KOMET_COI_MANUAL_RESET | KOMET_COI_CHANGED);
            }
        }
        line->station_lacks[i] = false;
    }
}

void server104_fill(struct server104 *line, struct line_now now, unsigned index)
{
    struct server104_group *group = &line->groups[index];
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    (void)now;
    if (group->group == NULL || komet_group_carrier(group->group) == KOMET_GROUP_CONNECTIONS_MAX) {
        return;
    }
    if (!group->initialized) {
        initialize(line, group);
    }
    const struct outgoing_frames frames = {
        .profile = &komet_profile_104, .oa = line->line->number, .object = server_object};
    while (outgoing_receiver_has_room(&group->receiver)) {
        size_t size = outgoing_ring_pack(&line->ring, &group->receiver, &frames, octets);
        if (size == 0) {
            return;
        }
        bool taken = komet_group_event(group->group, octets, size);
        KOMET_ASSERT(taken); /* the buffer has room for so many of the longest */
    }
}

void server104_acknowledged(struct server104 *line, unsigned index)
{
    struct server104_group *group = &line->groups[index];
    uint64_t frames = komet_group_counters(group->group).events_acknowledged;
    outgoing_receiver_acknowledged(&group->receiver, frames);
    uint64_t lost = outgoing_receiver_has_lost(&group->receiver);
    if (lost > 0 && index < line->line->master_count) {
        server104_note(line, "%s: masters %s take their values again: %llu are lost", line->line->name,
                       line->line->masters[index].name, (unsigned long long)lost);
    }
}

void server104_skip_events(struct server104 *line, unsigned index)
{
    line->groups[index].receiver.next = line->ring.end;
}
