/*
 * reach: see reach.h.
 */
#include "role/reach.h"

#include "komet/assert.h"

#define NOBODY 0xFFu

void reach_init(struct reach *reach, struct reach_line *lines, uint16_t line_count)
{
    *reach = (struct reach){.lines = lines, .line_count = line_count, .active = NOBODY};
    for (uint16_t i = 0; i < line_count; i++) {
        lines[i].excused = false;
        lines[i].yes = lines[i].no = 0;
        lines[i].missed = KOMET_NEVER;
    }
}

void reach_move(struct reach *reach, struct reach_line *lines, uint16_t line_count)
{
    *reach = (struct reach){.lines = lines, .line_count = line_count, .active = reach->active};
    for (uint16_t i = 0; i < line_count; i++) {
        bool missed = lines[i].missed.us != KOMET_NEVER.us;
        reach->missed_count = (uint16_t)(reach->missed_count + (missed ? 1 : 0));
        for (unsigned k = 0; k <= INSTANCE_MAX && lines[i].compared; k++) {
            unsigned says = (unsigned)lines[i].yes >> k & 1u;
            reach->count[k] = (uint16_t)(reach->count[k] + says);
        }
    }
}

/* The one place where a line becomes missed, or is not any more. */
static void set_missed(struct reach *reach, struct reach_line *line, struct komet_instant now, bool missed)
{
    bool before = line->missed.us != KOMET_NEVER.us;
    if (missed != before) {
        line->missed = missed ? now : KOMET_NEVER;
        reach->missed_count = (uint16_t)(reach->missed_count + (missed ? 1 : -1));
    }
}

static void judge(struct reach *reach, struct reach_line *line, struct komet_instant now)
{
    uint16_t bit = (uint16_t)(reach->active == NOBODY ? 0u : 1u << reach->active);
    if ((line->yes & bit) != 0) {
        line->excused = false;
    }
    set_missed(reach, line, now, (line->no & bit) != 0 && !line->excused);
}

void reach_take(struct reach *reach, struct komet_instant now, uint8_t instance, uint16_t index,
                enum line_reach fact)
{
    KOMET_ASSERT(instance <= INSTANCE_MAX && index < reach->line_count && fact < REACH_COUNT);
    struct reach_line *line = &reach->lines[index];
    uint16_t bit = (uint16_t)(1u << instance);
    if (line->compared && (line->yes & bit) != 0) {
        reach->count[instance]--;
    }
    line->yes = (uint16_t)(fact == REACH_YES ? line->yes | bit : line->yes & ~bit);
    line->no = (uint16_t)(fact == REACH_NO ? line->no | bit : line->no & ~bit);
    if (line->compared && fact == REACH_YES) {
        reach->count[instance]++;
    }
    if (instance == reach->active) {
        judge(reach, line, now);
    }
}

void reach_forget(struct reach *reach, struct komet_instant now, uint8_t instance)
{
    for (uint16_t i = 0; i < reach->line_count; i++) {
        reach_take(reach, now, instance, i, REACH_UNKNOWN);
    }
    KOMET_ASSERT(reach->count[instance] == 0);
}

void reach_follow(struct reach *reach, struct komet_instant now, uint8_t active, bool by_hand)
{
    KOMET_ASSERT(active <= INSTANCE_MAX || active == NOBODY);
    reach->active = active;
    for (uint16_t i = 0; i < reach->line_count; i++) {
        struct reach_line *line = &reach->lines[i];
        set_missed(reach, line, now, false); /* each has its whole time to be reached */
        line->excused = by_hand;
        judge(reach, line, now);
    }
}

unsigned reach_count(const struct reach *reach, uint8_t instance)
{
    KOMET_ASSERT(instance <= INSTANCE_MAX);
    return reach->count[instance];
}

static struct komet_instant lost_at(const struct reach_line *line)
{
    return komet_after(line->missed, line->loss_us);
}

int reach_better(const struct reach *reach, struct komet_instant now, uint8_t other)
{
    if (reach->missed_count == 0 || reach->active == NOBODY || other == reach->active ||
        reach_count(reach, other) <= reach_count(reach, reach->active)) {
        return -1;
    }
    for (uint16_t i = 0; i < reach->line_count; i++) {
        const struct reach_line *line = &reach->lines[i];
        if (line->compared && (line->yes >> other & 1) != 0 && komet_reached(now, lost_at(line))) {
            return i;
        }
    }
    return -1;
}

struct komet_instant reach_deadline(const struct reach *reach, struct komet_instant now)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (uint16_t i = 0; reach->missed_count > 0 && i < reach->line_count; i++) {
        struct komet_instant at = lost_at(&reach->lines[i]);
        deadline = komet_reached(now, at) ? deadline : komet_earlier(deadline, at);
    }
    return deadline;
}
