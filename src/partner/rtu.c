/*
 * rtu: the station's life: its connections, its ring of events, and whose turn it is on the link.
 *
 * Answers, events and periodic values take turns frame by frame, so that neither a long interrogation nor a
 * flood of events keeps the others waiting.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "partner/rtu_private.h"

/* Takes `size` octets behind `*offset`, aligned for any object. Returns where they begin. */
static size_t take(size_t *offset, size_t size)
{
    size_t at = *offset;
    *offset += (size + 15) / 16 * 16;
    return at;
}

struct layout {
    size_t values, table, rows, movers, events, frame_ends, link, station, size;
};

/* Of one connection, so that those behind it are aligned. */
static size_t link_memory_size(const struct komet_link_settings *settings)
{
    return (komet_link_size(settings) + 15) / 16 * 16;
}

static struct layout layout_of(const struct rtu_plan *plan)
{
    struct layout layout;
    struct komet_link_settings link = rtu_link_settings(plan);
    struct komet_station_settings station = rtu_station_settings(plan);
    size_t points = 0;
    for (size_t i = 0; i < plan->point_count; i++) {
        points += plan->points[i].count;
    }
    layout.size = 0;
    take(&layout.size, sizeof(struct rtu));
    layout.values = take(&layout.size, points * sizeof(double));
    layout.table = take(&layout.size, points * sizeof(struct komet_point));
    layout.rows = take(&layout.size, plan->point_count * sizeof(struct rtu_row));
    layout.movers = take(&layout.size, plan->point_count * sizeof(uint32_t));
    layout.events = take(&layout.size, plan->events * sizeof(struct rtu_event_kept));
    layout.frame_ends = take(&layout.size, plan->k * sizeof(uint64_t));
    layout.link = take(&layout.size, plan->connections * link_memory_size(&link));
    layout.station = take(&layout.size, komet_station_size(&station));
    return layout;
}

size_t rtu_size(const struct rtu_plan *plan)
{
    return layout_of(plan).size;
}

static void follow_clock(struct rtu *rtu, struct rtu_now now, int64_t tolerance_ms)
{
    int64_t clock_ms = now.utc.ms - now.instant.us / 1000;
    int64_t away_ms = clock_ms - rtu->clock_ms;
    if (away_ms > tolerance_ms || away_ms < -tolerance_ms) {
        rtu->clock_ms = clock_ms;
    }
}

struct rtu *rtu_init(void *memory, size_t size, const struct rtu_plan *plan, struct rtu_now now)
{
    size_t row;
    struct layout layout = layout_of(plan);
    KOMET_ASSERT(rtu_plan_fault(plan, &row) == NULL);
    KOMET_ASSERT(size >= layout.size);
    uint8_t *octets = memory;
    struct rtu *rtu = memory;
    memset(memory, 0, sizeof *rtu);
    rtu->plan = plan;
    rtu->settings = rtu_link_settings(plan);
    rtu->values = (double *)(void *)(octets + layout.values);
    rtu->table = (struct komet_point *)(void *)(octets + layout.table);
    rtu->rows = (struct rtu_row *)(void *)(octets + layout.rows);
    rtu->movers = (uint32_t *)(void *)(octets + layout.movers);
    rtu->events = (struct rtu_event_kept *)(void *)(octets + layout.events);
    rtu->frame_ends = (uint64_t *)(void *)(octets + layout.frame_ends);
    rtu->link_memory = octets + layout.link;
    rtu->start = now.instant;
    rtu->random = plan->seed;
    rtu->initialized =
        (struct rtu_initialized){.waits = plan->end_of_initialization, .coi = KOMET_COI_POWER_ON};
    follow_clock(rtu, now, -1);
    struct komet_station_settings station = rtu_station_settings(plan);
    station.points = rtu->table;
    station.point_count = rtu_points_init(rtu);
    rtu->station = komet_station_init(octets + layout.station, komet_station_size(&station), &station);
    return rtu;
}

void rtu_note(struct rtu *rtu, const char *format, ...)
{
    if (rtu->note_count == RTU_NOTES_MAX) {
        return; /* the log can do without the ninth of one turn */
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rtu->notes[rtu->note_count++], RTU_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

/* What was sent and not acknowledged is to be sent again on the next connection. */
void rtu_drop_link(struct rtu *rtu)
{
    rtu->link = NULL;
    rtu->sent = rtu->tail;
    rtu->held_count = 0;
    komet_station_stopped(rtu->station, 0);
    rtu->initialized.waits = rtu->initialized.waits || rtu->initialized.frame != 0;
    rtu->initialized.frame = 0;
    for (size_t i = 0; i < rtu->plan->point_count; i++) {
        rtu->rows[i].cycle_next = rtu->plan->points[i].count;
    }
}

static void drop_end(struct rtu *rtu, unsigned connection)
{
    KOMET_ASSERT(connection < rtu->plan->connections);
    if (rtu->ends[connection] == rtu->link) {
        rtu_drop_link(rtu);
    }
    rtu->ends[connection] = NULL;
    rtu->replaced &= ~(1u << connection);
}

/* Without another one it carries data from when it is started; else it waits until it is. */
void rtu_connected(struct rtu *rtu, struct rtu_now now, unsigned connection)
{
    if (rtu->ends[connection] != NULL) {
        rtu_note(rtu, "a newer connection replaces the one before");
    }
    drop_end(rtu, connection);
    size_t size = link_memory_size(&rtu->settings);
    rtu->ends[connection] =
        komet_link_init(rtu->link_memory + connection * size, size, &rtu->settings, now.instant);
    if (rtu->link == NULL) {
        rtu->link = rtu->ends[connection];
        rtu->carrier = connection;
    }
}

void rtu_closed(struct rtu *rtu, struct rtu_now now, unsigned connection)
{
    (void)now;
    drop_end(rtu, connection);
}

size_t rtu_feed(struct rtu *rtu, struct rtu_now now, unsigned connection, const uint8_t *octets, size_t size)
{
    struct komet_link *link = rtu->ends[connection];
    return link == NULL ? size : komet_link_feed(link, now.instant, octets, size);
}

void rtu_written(struct rtu *rtu, unsigned connection, size_t size)
{
    if (rtu->ends[connection] != NULL) {
        komet_link_written(rtu->ends[connection], size);
    }
}

void rtu_tick(struct rtu *rtu, struct rtu_now now)
{
    follow_clock(rtu, now, 500); /* only steps: events a millisecond apart stay so */
    rtu_points_tick(rtu, now);
    rtu_ends_tick(rtu, now);
}

struct komet_instant rtu_deadline(const struct rtu *rtu)
{
    return komet_earlier(rtu_points_deadline(rtu), rtu_ends_deadline(rtu));
}

uint64_t rtu_commit(struct rtu *rtu, struct rtu_now now, size_t size)
{
    KOMET_ASSERT(size > 0);
    uint64_t number = komet_link_commit(rtu->link, now.instant, size);
    rtu->frame_ends[(number - 1) % rtu->plan->k] = rtu->sent;
    return number;
}

static void acknowledged(struct rtu *rtu, uint64_t number)
{
    KOMET_ASSERT(number > 0);
    uint64_t end = rtu->frame_ends[(number - 1) % rtu->plan->k];
    KOMET_ASSERT(end <= rtu->sent);
    if (end > rtu->tail) { /* not so when the events gave way to newer ones meanwhile */
        rtu->counters.events_acknowledged += end - rtu->tail;
        rtu->tail = end;
        rtu->full_noted = false;
    }
    if (number >= rtu->initialized.frame) {
        rtu->initialized.frame = 0;
    }
}

/* One ASDU of waiting events: as many of one type as fit, in order. */
static bool send_events(struct rtu *rtu, struct rtu_now now)
{
    if (rtu->sent == rtu->head) {
        return false;
    }
    uint8_t *octets = komet_link_reserve(rtu->link);
    KOMET_ASSERT(octets != NULL);
    struct komet_asdu_writer writer;
    uint8_t type = rtu->events[rtu->sent % rtu->plan->events].type;
    struct komet_asdu_header header = {.type = type, .cause = KOMET_COT_SPONTANEOUS, .ca = rtu->plan->ca};
    bool begun = komet_asdu_begin(&writer, rtu->plan->profile, &header, octets, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    while (rtu->sent < rtu->head) {
        const struct rtu_event_kept *event = &rtu->events[rtu->sent % rtu->plan->events];
        struct komet_object object = rtu_object(event->type, event->ioa, event->number, event->time);
        if (event->type != type || !komet_asdu_add(&writer, &object)) {
            break;
        }
        rtu->sent++;
    }
    rtu_commit(rtu, now, komet_asdu_end(&writer));
    return true;
}

/* Gives the link what it has room for. True when anything was sent. */
static bool fill(struct rtu *rtu, struct rtu_now now)
{
    static bool (*const sources[RTU_SOURCES])(struct rtu *, struct rtu_now) = {rtu_send_answer, send_events,
                                                                               rtu_send_cyclic};
    bool any = false;
    unsigned idle = 0;
    while (idle < RTU_SOURCES && komet_link_room(rtu->link) > 0) {
        if (rtu_send_initialized(rtu, now)) {
            any = true;
            continue;
        }
        bool sent = sources[rtu->turn](rtu, now);
        rtu->turn = (rtu->turn + 1) % RTU_SOURCES;
        idle = sent ? 0 : idle + 1;
        any = any || sent;
    }
    return any;
}

static bool take_own_output(struct rtu *rtu, struct rtu_output *output)
{
    if (rtu->told < rtu->head) {
        const struct rtu_event_kept *event = &rtu->events[rtu->told++ % rtu->plan->events];
        *output = (struct rtu_output){.kind = RTU_OUT_EVENT,
                                      .ioa = event->ioa,
                                      .type = event->type,
                                      .number = event->number,
                                      .time = event->time};
        return true;
    }
    if (rtu->note_next < rtu->note_count) {
        *output = (struct rtu_output){.kind = RTU_OUT_NOTE, .text = rtu->notes[rtu->note_next++]};
        return true;
    }
    rtu->note_next = rtu->note_count = 0;
    return false;
}

/* An output of the link that is not SEND. True when `output` was filled. */
static bool take_link_output(struct rtu *rtu, struct rtu_now now, const struct komet_link_output *from,
                             struct rtu_output *output)
{
    switch (from->kind) {
    case KOMET_LINK_OUT_STATE:
        rtu_note(rtu, "data transfer: %s", komet_link_state_name(from->state));
        rtu_data_transfer(rtu, now, from->state == KOMET_LINK_STARTED);
        return false;
    case KOMET_LINK_OUT_ASDU:
        rtu_receive(rtu, now, from);
        return false;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        acknowledged(rtu, from->acknowledged);
        return false;
    case KOMET_LINK_OUT_SEND:
        KOMET_ASSERT_NEVER("SEND is taken by the caller");
    case KOMET_LINK_OUT_CLOSE:
        drop_end(rtu, rtu->carrier);
        *output =
            (struct rtu_output){.kind = RTU_OUT_CLOSE, .connection = rtu->carrier, .reason = from->reason};
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the link");
}

bool rtu_next(struct rtu *rtu, struct rtu_now now, struct rtu_output *output)
{
    struct komet_link_output from;
    for (;;) {
        if (take_own_output(rtu, output) || rtu_ends_next(rtu, now, false, output)) {
            return true;
        }
        if (rtu->link == NULL) {
            return rtu_ends_next(rtu, now, true, output);
        }
        const struct komet_link *carrier = rtu->link;
        rtu_take_held(rtu, now);
        bool more = komet_link_next(rtu->link, now.instant, &from);
        if (more && from.kind != KOMET_LINK_OUT_SEND) {
            if (take_link_output(rtu, now, &from, output)) {
                return true;
            }
        } else if (fill(rtu, now)) {
            continue; /* behind what is told about acknowledgements: their frames' places are free now */
        } else if (rtu_ends_next(rtu, now, true, output)) {
            return true;
        } else if (rtu->link != carrier) {
            continue;
        } else if (more) {
            *output = (struct rtu_output){
                .kind = RTU_OUT_SEND, .connection = rtu->carrier, .octets = from.octets, .size = from.size};
            return true;
        } else {
            return false;
        }
    }
}

struct rtu_counters rtu_counters(const struct rtu *rtu)
{
    struct rtu_counters counters = rtu->counters;
    struct komet_station_counters station = komet_station_counters(rtu->station);
    counters.interrogations = station.interrogations;
    counters.refused = station.refused;
    counters.too_old = station.too_old;
    return counters;
}
