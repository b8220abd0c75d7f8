/*
 * rtu_pattern: the arithmetic of patterns: when a row's values change by themselves, and to what.
 */
#include "partner/rtu_private.h"

static uint64_t ramp_steps(const struct rtu_pattern *pattern)
{
    double range = pattern->to - pattern->from;
    return (uint64_t)((range < 0 ? -range : range) / pattern->step + 0.5);
}

uint64_t rtu_pattern_divisions(const struct rtu_point *row)
{
    return row->count * (row->pattern.kind == RTU_RAMP ? ramp_steps(&row->pattern) : 1);
}

int64_t rtu_pattern_time(const struct rtu_point *row, uint64_t step)
{
    uint64_t divisions = rtu_pattern_divisions(row);
    uint64_t period = (uint64_t)row->pattern.period_us;
    KOMET_ASSERT(divisions > 0 && period > 0);
    return (int64_t)(step / divisions * period + step % divisions * period / divisions);
}

static bool is_double(uint8_t type)
{
    const struct komet_type_row *row = komet_type_find(type);
    return row != NULL && row->element == KOMET_ELEMENT_DOUBLE;
}

double rtu_pattern_first(const struct rtu_point *row)
{
    const struct rtu_pattern *pattern = &row->pattern;
    switch (pattern->kind) {
    case RTU_CONSTANT:
        return row->number;
    case RTU_RAMP:
        return pattern->from;
    case RTU_WALK:
        return pattern->from +
               pattern->step * (double)(uint64_t)((pattern->to - pattern->from) / pattern->step / 2);
    case RTU_TOGGLE:
        return is_double(row->type) ? 1 : 0;
    }
    KOMET_ASSERT_NEVER("an unknown pattern");
}

/* splitmix64: a well-mixed bit for each state. */
static bool random_bit(uint64_t *random)
{
    uint64_t z = (*random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return ((z ^ (z >> 31)) & 1) != 0;
}

static double ramp_value(const struct rtu_pattern *pattern, uint64_t change)
{
    uint64_t steps = ramp_steps(pattern);
    uint64_t at = change % (steps + 1);
    if (at == steps) {
        return pattern->to;
    }
    return pattern->from + (pattern->to < pattern->from ? -pattern->step : pattern->step) * (double)at;
}

double rtu_pattern_next(const struct rtu_point *row, double current, uint64_t change, uint64_t *random)
{
    const struct rtu_pattern *pattern = &row->pattern;
    switch (pattern->kind) {
    case RTU_CONSTANT:
        return current;
    case RTU_RAMP:
        return ramp_value(pattern, change);
    case RTU_WALK: {
        double step = random_bit(random) ? pattern->step : -pattern->step;
        bool inside = current + step >= pattern->from && current + step <= pattern->to;
        double next = inside ? current + step : current - step;
        /* a command or a rounding may have taken it outside */
        return next < pattern->from ? pattern->from : next > pattern->to ? pattern->to : next;
    }
    case RTU_TOGGLE:
        if (is_double(row->type)) {
            return current == 2 ? 1 : 2;
        }
        return current == 0 ? 1 : 0;
    }
    KOMET_ASSERT_NEVER("an unknown pattern");
}
