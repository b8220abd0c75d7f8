/*
 * What goes out to masters: the ring of events, and frames of them for each group.
 *
 * Frames are made when a group may send: neighbours of one type and station share one. A value without time
 * tag says only how things are, so that of two that wait only the newer one goes out; those with a time tag
 * all go, in order.
 */
#include "line/server104_private.h"
#include "model/server_value.h"

static uint64_t capacity(const struct server104 *line)
{
    return (uint64_t)line->line->parameters.value[PARAMETER_OBUF];
}

static struct out_event *event_at(const struct server104 *line, uint64_t place)
{
    KOMET_ASSERT(place >= line->first && place < line->end);
    return &line->events[place % capacity(line)];
}

static uint32_t index_of(const struct server104 *line, const struct tag *tag)
{
    uint32_t index = tag->number - line->first_tag;
    KOMET_ASSERT(index < line->tag_count);
    return index;
}

static bool is_timed(const struct tag *tag)
{
    return komet_type_find(tag->asdu)->time != KOMET_TIME_NONE;
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
    line->first = line->end = line->position = 0;
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->newest[i] = 0;
    }
    for (unsigned i = 0; i < line->group_count; i++) {
        line->groups[i].next = 0;
        line->groups[i].taken = line->groups[i].told =
            i < line->line->master_count && i < count ? positions[i] : 0;
        line->groups[i].packed = line->groups[i].taken;
    }
}

/* The oldest event makes room; a group that has not sent it loses it. */
static void drop_oldest(struct server104 *line)
{
    uint64_t oldest = line->first++;
    for (unsigned i = 0; i < line->group_count; i++) {
        struct server104_group *group = &line->groups[i];
        if (group->next <= oldest) {
            group->next = line->first;
            line->counters.outgoing_lost += i < line->line->master_count ? 1 : 0;
            if (!line->lost_told && i < line->line->master_count) {
                line->lost_told = true;
                server104_note(line, "%s: masters %s did not take their values: the oldest of %llu are lost",
                               line->line->name, line->line->masters[i].name,
                               (unsigned long long)capacity(line));
            }
        }
    }
}

static void append(struct server104 *line, const struct line_outgoing *outgoing)
{
    uint64_t *newest = &line->newest[index_of(line, outgoing->tag)];
    if (line->end - line->first == capacity(line)) {
        drop_oldest(line);
    }
    if (!is_timed(outgoing->tag) && *newest > line->first) {
        event_at(line, *newest - 1)->superseded = true;
    }
    line->end++;
    *event_at(line, line->end - 1) =
        (struct out_event){outgoing->tag, outgoing->value, outgoing->position, false};
    *newest = line->end;
}

void server104_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *value)
{
    struct server104 *line = (struct server104 *)engine;
    uint32_t point = line->point_of[index_of(line, value->tag)];
    if (point == SERVER104_NO_POINT) {
        return; /* an ignored tag */
    }
    bool tells = line->ready && !line->resumes; /* what came before is older than what the tag has */
    if (value->position == 0 || (tells && !value->older)) {
        server_object(value->tag, &value->value, &line->points[point].object);
    }
    if (value->position > line->position) { /* else it was there before a RELOAD */
        line->position = value->position;
        if (server104_speaks(line, value->tag->station)) {
            append(line, value);
        }
    }
    for (unsigned i = 0; i < line->group_count && line->ready; i++) {
        server104_fill(line, now, i);
    }
}

/* ---- frames ---- */

/* The next event that a group is to have, at or behind its place; false: there is none. */
static bool next_event(struct server104 *line, struct server104_group *group, const struct out_event **event)
{
    while (group->next < line->end) {
        *event = event_at(line, group->next);
        if (!(*event)->superseded && (*event)->position > group->taken) {
            return true;
        }
        group->next++;
    }
    return false;
}

/* One ASDU of events: as many of one type and station as fit. Returns its size, 0 when there is none. */
static size_t write_events(struct server104 *line, struct server104_group *group, uint8_t *octets)
{
    struct komet_asdu_writer writer;
    const struct out_event *event;
    const struct tag *first = NULL;
    while (next_event(line, group, &event)) {
        struct komet_object object;
        if (first == NULL) {
            struct komet_asdu_header header = {.type = event->tag->asdu,
                                               .cause = KOMET_COT_SPONTANEOUS,
                                               .oa = line->line->number,
                                               .ca = event->tag->station->ca};
            bool begun = komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_MAX);
            KOMET_ASSERT(begun);
            first = event->tag;
        }
        server_object(event->tag, &event->value, &object);
        if (event->tag->asdu != first->asdu || event->tag->station != first->station ||
            !komet_asdu_add(&writer, &object)) {
            break;
        }
        group->packed = event->position;
        group->next++;
    }
    return first != NULL ? komet_asdu_end(&writer) : 0;
}

/* M_EI_NA_1 of one address, its place in `addresses`. So many at a time: the masters hear of those that fit.
 */
static void initialize_one(struct server104 *line, struct server104_group *group, unsigned address,
                           uint8_t coi)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    if (server104_parameter(line, PARAMETER_EOI) != 0 &&
        group->frames - group->frames_acknowledged < SERVER104_FRAMES - 1) {
        size_t size = komet_station_initialized(group->station, address, coi, octets);
        bool taken = komet_group_event(group->group, octets, size);
        KOMET_ASSERT(taken);
        group->ends[group->frames++ % SERVER104_FRAMES] = group->packed;
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
    while (group->frames - group->frames_acknowledged < SERVER104_FRAMES - 1) {
        size_t size = write_events(line, group, octets);
        if (size == 0) {
            return;
        }
        bool taken = komet_group_event(group->group, octets, size);
        KOMET_ASSERT(taken); /* the buffer has room for so many of the longest */
        group->ends[group->frames++ % SERVER104_FRAMES] = group->packed;
    }
}

void server104_acknowledged(struct server104 *line, unsigned index)
{
    struct server104_group *group = &line->groups[index];
    uint64_t frames = komet_group_counters(group->group).events_acknowledged;
    KOMET_ASSERT(frames <= group->frames);
    if (frames == group->frames_acknowledged) {
        return;
    }
    group->frames_acknowledged = frames;
    group->taken = group->ends[(frames - 1) % SERVER104_FRAMES];
    line->lost_told = false;
}

void server104_skip_events(struct server104 *line, unsigned index)
{
    line->groups[index].next = line->end;
}
