/*
 * rtu_points: the station's values: how they change by themselves, become events, and go into objects.
 *
 * Changes happen at the instants of their pattern, and their time tags say so, also when the host ticks late.
 */
#include <float.h>
#include <string.h>

#include "partner/rtu_private.h"

/* ---- numbers and objects ---- */

static double whole(double number, double low, double high)
{
    if (!(number > low)) { /* NaN too */
        return low;
    }
    return number >= high ? high : (double)(int64_t)(number + (number < 0 ? -0.5 : 0.5));
}

double rtu_transmitted(uint8_t type, double number)
{
    const struct komet_type_row *row = komet_type_find(type);
    KOMET_ASSERT(row != NULL);
    switch (row->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        return 0;
    case KOMET_ELEMENT_SINGLE:
        return number != 0 ? 1 : 0;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
        return whole(number, 0, 3);
    case KOMET_ELEMENT_STEP:
        return whole(number, -64, 63);
    case KOMET_ELEMENT_BITS:
        return whole(number, 0, UINT32_MAX);
    case KOMET_ELEMENT_NORMALIZED:
        return whole(number * 32768, INT16_MIN, INT16_MAX) / 32768;
    case KOMET_ELEMENT_SCALED:
        return whole(number, INT16_MIN, INT16_MAX);
    case KOMET_ELEMENT_FLOAT:
        if (!(number > (double)-FLT_MAX)) {
            return (double)-FLT_MAX;
        }
        return number >= (double)FLT_MAX ? (double)FLT_MAX : (double)(float)number;
    case KOMET_ELEMENT_COUNTER:
        return whole(number, INT32_MIN, INT32_MAX);
    case KOMET_ELEMENT_PROTECTION: /* of SEP only the state, see asdu.h */
        return whole(number, 0, type == KOMET_M_EP_TA_1 || type == KOMET_M_EP_TD_1 ? 3 : 255);
    }
    KOMET_ASSERT_NEVER("an unknown element");
}

struct komet_object rtu_object(uint8_t type, uint32_t ioa, double number, struct komet_utc time)
{
    const struct komet_type_row *row = komet_type_find(type);
    KOMET_ASSERT(row != NULL);
    struct komet_object object = {.ioa = ioa, .element = row->element, .time_size = row->time};
    switch (row->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        break;
    case KOMET_ELEMENT_SINGLE:
        object.value.single = number != 0;
        break;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_COUNTER:
        object.value.number = (int32_t)number;
        break;
    case KOMET_ELEMENT_NORMALIZED:
        object.value.number = (int32_t)(number * 32768);
        break;
    case KOMET_ELEMENT_BITS:
    case KOMET_ELEMENT_PROTECTION:
        object.value.bits = (uint32_t)number;
        break;
    case KOMET_ELEMENT_FLOAT:
        object.value.real = (float)number;
        break;
    }
    if (row->time != KOMET_TIME_NONE) {
        komet_cp56_from_utc(&object.time, time, 0);
    }
    return object;
}

/* ---- points ---- */

double *rtu_value_of(const struct rtu *rtu, const struct rtu_point *row, uint32_t point)
{
    KOMET_ASSERT(point < row->count);
    return &rtu->values[rtu->rows[row - rtu->plan->points].first + point];
}

static struct komet_instant due_of(const struct rtu *rtu, const struct rtu_point *row, uint64_t step)
{
    int64_t time_us = rtu_pattern_time(row, step);
    bool ended = row->pattern.for_us > 0 && time_us > row->pattern.for_us;
    return ended ? KOMET_NEVER : komet_after(rtu->start, time_us);
}

/* What the station answers for a point: its value without time tag (7.4.5). */
static void put_into_table(struct rtu *rtu, const struct rtu_point *row, uint32_t point)
{
    size_t first = rtu->rows[row - rtu->plan->points].table;
    if (first != KOMET_POINT_NONE) {
        struct komet_point *entry = &rtu->table[first + point];
        entry->object =
            rtu_object(entry->type, entry->ioa, *rtu_value_of(rtu, row, point), KOMET_UTC_UNKNOWN);
    }
}

/* The values of a row before its first change, and its places in the table from `*table` on. */
static void init_points(struct rtu *rtu, const struct rtu_point *row, size_t *table)
{
    double number = rtu_transmitted(row->type, rtu_pattern_first(row));
    for (uint32_t n = 0; n < row->count; n++) {
        *rtu_value_of(rtu, row, n) = number;
        if (rtu_has_state(row->type)) {
            rtu->table[(*table)++] = (struct komet_point){
                .ca = rtu->plan->ca,
                .ioa = row->ioa + n,
                .type = komet_type_without_time(row->type),
                .groups = row->groups,
                .select = row->select,
                .minimum = row->minimum,
                .maximum = row->maximum,
            };
            put_into_table(rtu, row, n);
        }
    }
}

size_t rtu_points_init(struct rtu *rtu)
{
    size_t first = 0, table = 0;
    for (size_t i = 0; i < rtu->plan->point_count; i++) {
        const struct rtu_point *point = &rtu->plan->points[i];
        struct rtu_row *row = &rtu->rows[i];
        *row = (struct rtu_row){.first = first, .due = KOMET_NEVER, .cycle = KOMET_NEVER};
        row->table = rtu_has_state(point->type) ? table : KOMET_POINT_NONE;
        row->cycle_next = point->count;
        if (point->pattern.kind != RTU_CONSTANT) {
            row->due = due_of(rtu, point, 1);
        }
        if (point->every_us > 0) {
            row->cycle = komet_after(rtu->start, point->every_us);
        }
        if (row->due.us != KOMET_NEVER.us || row->cycle.us != KOMET_NEVER.us) {
            rtu->movers[rtu->mover_count++] = (uint32_t)i;
        }
        init_points(rtu, point, &table);
        first += point->count;
    }
    return table;
}

/* Puts an event into the ring. When it is full the oldest gives way: what a station's operator wants to know
 * is how things stand, and how they came to it. */
static void push_event(struct rtu *rtu, uint8_t type, uint32_t ioa, double number, struct komet_utc time)
{
    if (rtu->head - rtu->tail == rtu->plan->events) {
        rtu->tail++;
        rtu->sent = rtu->sent < rtu->tail ? rtu->tail : rtu->sent;
        rtu->told = rtu->told < rtu->tail ? rtu->tail : rtu->told;
        rtu->counters.events_lost++;
        if (!rtu->full_noted) {
            rtu_note(rtu, "the ring of %zu events is full: the oldest are dropped", rtu->plan->events);
            rtu->full_noted = true;
        }
    }
    rtu->events[rtu->head++ % rtu->plan->events] =
        (struct rtu_event_kept){.number = number, .time = time, .ioa = ioa, .type = type};
    rtu->counters.events_generated++;
    KOMET_ASSERT(rtu->head - rtu->tail <= rtu->plan->events && rtu->sent <= rtu->head);
}

void rtu_set(struct rtu *rtu, const struct rtu_point *row, uint32_t point, double number,
             struct komet_utc time)
{
    double *value = rtu_value_of(rtu, row, point);
    *value = rtu_transmitted(row->type, number);
    put_into_table(rtu, row, point);
    if (row->every_us == 0 && !rtu_is_command(row->type)) {
        push_event(rtu, row->type, row->ioa + point, *value, time);
    }
}

bool rtu_event(struct rtu *rtu, struct rtu_now now, uint32_t ioa, double number)
{
    const struct rtu_point *row = rtu_plan_find(rtu->plan, ioa);
    if (row == NULL || rtu_is_command(row->type) || row->every_us != 0) {
        return false;
    }
    rtu_set(rtu, row, ioa - row->ioa, number, now.utc);
    return true;
}

bool rtu_value(const struct rtu *rtu, uint32_t ioa, double *number)
{
    const struct rtu_point *row = rtu_plan_find(rtu->plan, ioa);
    if (row != NULL) {
        *number = *rtu_value_of(rtu, row, ioa - row->ioa);
    }
    return row != NULL;
}

/* ---- time passes ---- */

static struct komet_utc calendar(const struct rtu *rtu, struct komet_instant instant, struct rtu_now now)
{
    int64_t ms = instant.us / 1000 + rtu->clock_ms;
    return (struct komet_utc){ms < now.utc.ms ? ms : now.utc.ms};
}

static void change(struct rtu *rtu, size_t at, struct rtu_now now)
{
    const struct rtu_point *row = &rtu->plan->points[at];
    struct rtu_row *moving = &rtu->rows[at];
    uint32_t point = (uint32_t)(moving->step % row->count);
    uint64_t round = moving->step / row->count + 1;
    double before = *rtu_value_of(rtu, row, point);
    double number = rtu_transmitted(row->type, rtu_pattern_next(row, before, round, &rtu->random));
    if (number != before) {
        rtu_set(rtu, row, point, number, calendar(rtu, moving->due, now));
    }
    moving->step++;
    moving->due = due_of(rtu, row, moving->step + 1);
}

static void replay(struct rtu *rtu, struct rtu_now now)
{
    const struct rtu_timed *timed = &rtu->plan->replay[rtu->replay_next++];
    const struct rtu_point *row = rtu_plan_find(rtu->plan, timed->ioa);
    KOMET_ASSERT(row != NULL);
    struct komet_instant instant = komet_after(rtu->start, timed->time_us);
    rtu_set(rtu, row, timed->ioa - row->ioa, timed->number, calendar(rtu, instant, now));
}

static struct komet_instant replay_due(const struct rtu *rtu)
{
    if (rtu->replay_next == rtu->plan->replay_count) {
        return KOMET_NEVER;
    }
    return komet_after(rtu->start, rtu->plan->replay[rtu->replay_next].time_us);
}

/* The row that changes next; `rows` of the plan when none does. */
static size_t next_row(const struct rtu *rtu, struct komet_instant *due)
{
    size_t best = rtu->plan->point_count;
    *due = KOMET_NEVER;
    for (size_t i = 0; i < rtu->mover_count; i++) {
        const struct rtu_row *row = &rtu->rows[rtu->movers[i]];
        if (row->due.us < due->us) {
            *due = row->due;
            best = rtu->movers[i];
        }
    }
    return best;
}

static void start_cycles(struct rtu *rtu, struct rtu_now now)
{
    for (size_t i = 0; i < rtu->mover_count; i++) {
        struct rtu_row *row = &rtu->rows[rtu->movers[i]];
        const struct rtu_point *point = &rtu->plan->points[rtu->movers[i]];
        if (!komet_reached(now.instant, row->cycle)) {
            continue;
        }
        bool started = rtu->link != NULL && komet_link_state(rtu->link) == KOMET_LINK_STARTED;
        if (started && row->cycle_next == point->count) { /* else the one before is still being sent */
            row->cycle_next = 0;
        }
        int64_t late = komet_elapsed_us(now.instant, row->cycle) / point->every_us + 1;
        row->cycle = komet_after(row->cycle, late * point->every_us);
    }
}

void rtu_points_tick(struct rtu *rtu, struct rtu_now now)
{
    /* An event that was not told yet is not to give way: the rest comes with the next tick. */
    while (rtu->head - rtu->told < rtu->plan->events) {
        struct komet_instant due;
        size_t row = next_row(rtu, &due);
        if (komet_reached(now.instant, replay_due(rtu)) && replay_due(rtu).us <= due.us) {
            replay(rtu, now);
        } else if (komet_reached(now.instant, due)) {
            change(rtu, row, now);
        } else {
            break;
        }
    }
    start_cycles(rtu, now);
}

struct komet_instant rtu_points_deadline(const struct rtu *rtu)
{
    struct komet_instant deadline = replay_due(rtu);
    for (size_t i = 0; i < rtu->mover_count; i++) {
        const struct rtu_row *row = &rtu->rows[rtu->movers[i]];
        deadline = komet_earlier(deadline, komet_earlier(row->due, row->cycle));
    }
    return deadline;
}

bool rtu_send_cyclic(struct rtu *rtu, struct rtu_now now)
{
    size_t at = 0;
    while (at < rtu->mover_count &&
           rtu->rows[rtu->movers[at]].cycle_next == rtu->plan->points[rtu->movers[at]].count) {
        at++;
    }
    if (at == rtu->mover_count) {
        return false;
    }
    const struct rtu_point *point = &rtu->plan->points[rtu->movers[at]];
    struct rtu_row *row = &rtu->rows[rtu->movers[at]];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = point->type, .cause = KOMET_COT_PERIODIC, .ca = rtu->plan->ca};
    uint8_t *octets = komet_link_reserve(rtu->link);
    KOMET_ASSERT(octets != NULL);
    bool begun = komet_asdu_begin(&writer, rtu->plan->profile, &header, octets, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    for (; row->cycle_next < point->count; row->cycle_next++) {
        double number = *rtu_value_of(rtu, point, row->cycle_next);
        struct komet_object object = rtu_object(point->type, point->ioa + row->cycle_next, number, now.utc);
        if (!komet_asdu_add(&writer, &object)) {
            break;
        }
    }
    rtu_commit(rtu, now, komet_asdu_end(&writer));
    return true;
}
