/*
 * rtu_plan: is a station as described possible?
 */
#include "partner/rtu_private.h"

enum { COUNTER_GROUPS = 4 };

bool rtu_is_command(uint8_t type)
{
    return (type >= KOMET_C_SC_NA_1 && type <= KOMET_C_BO_NA_1) ||
           (type >= KOMET_C_SC_TA_1 && type <= KOMET_C_BO_TA_1);
}

struct rtu_plan rtu_plan_standard(void)
{
    struct komet_link_settings link = komet_link_settings_standard(KOMET_CONTROLLED);
    return (struct rtu_plan){.ca = 1,
                             .connections = 1,
                             .k = link.k,
                             .w = link.w,
                             .t1_us = link.t1_us,
                             .t2_us = link.t2_us,
                             .t3_us = link.t3_us,
                             .station = komet_station_settings_standard(),
                             .events = 10000,
                             .seed = 1,
                             .profile = &komet_profile_104};
}

struct komet_link_settings rtu_link_settings(const struct rtu_plan *plan)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    settings.k = plan->k;
    settings.w = plan->w;
    settings.t1_us = plan->t1_us;
    settings.t2_us = plan->t2_us;
    settings.t3_us = plan->t3_us;
    return settings;
}

struct komet_station_settings rtu_station_settings(const struct rtu_plan *plan)
{
    struct komet_station_settings settings = plan->station;
    settings.profile = plan->profile;
    settings.addresses = &plan->ca;
    settings.address_count = 1;
    settings.points = NULL;
    settings.point_count = 0;
    settings.connections = 1;
    settings.answers = RTU_ANSWERS_MAX;
    settings.commands = RTU_SELECTIONS_MAX;
    return settings;
}

bool rtu_is_monitored(uint8_t type)
{
    const struct komet_type_row *row = komet_type_find(type);
    return row != NULL && row->direction == KOMET_MONITOR && type != KOMET_M_PS_NA_1 &&
           type < KOMET_C_SC_NA_1;
}

bool rtu_has_state(uint8_t type)
{
    return komet_type_find(type)->element != KOMET_ELEMENT_PROTECTION;
}

static bool is_set_point(uint8_t type)
{
    uint8_t bare = komet_type_without_time(type);
    return bare >= KOMET_C_SE_NA_1 && bare <= KOMET_C_SE_NC_1;
}

/* What is the station's: groups, select, range. */
static const char *answer_fault(const struct rtu_point *row)
{
    bool limited = row->minimum != 0 || row->maximum != 0;
    uint8_t bare = komet_type_without_time(row->type);
    if (row->groups != 0 && (rtu_is_command(row->type) || !rtu_has_state(row->type))) {
        return "commands and events of protection equipment are in no group";
    }
    if (bare == KOMET_M_IT_NA_1 && row->groups >= 1u << COUNTER_GROUPS) {
        return "counters have the groups 1 to 4";
    }
    if (row->select != KOMET_SELECT_EITHER && !rtu_is_command(row->type)) {
        return "only a command has `select`";
    }
    if (row->select == KOMET_SELECT_REQUIRED && bare == KOMET_C_BO_NA_1) {
        return "a bit string has no select that could be required";
    }
    if (limited && (!is_set_point(row->type) || !(row->minimum < row->maximum))) {
        return "`minimum` and `maximum` are a set point's, and the minimum is below the maximum";
    }
    return NULL;
}

static const char *pattern_fault(const struct rtu_point *row)
{
    const struct rtu_pattern *pattern = &row->pattern;
    if (pattern->kind == RTU_CONSTANT) {
        return NULL;
    }
    if (pattern->period_us < 1 || pattern->period_us > RTU_PERIOD_MAX_US) {
        return "the period of a pattern is above 0 and at most 24 hours";
    }
    if (pattern->for_us < 0) {
        return "a pattern ends after its start";
    }
    if (pattern->kind == RTU_RAMP || pattern->kind == RTU_WALK) {
        double range = pattern->to - pattern->from;
        range = range < 0 ? -range : range;
        if (!(pattern->step > 0) || !(range >= pattern->step) || !(range / pattern->step <= 1e6)) {
            return "the step of a pattern is above 0, at most the range, and at least a millionth of it";
        }
    }
    if (pattern->kind == RTU_WALK && pattern->from >= pattern->to) {
        return "a walk goes between a lower `from` and a higher `to`";
    }
    if (rtu_pattern_divisions(row) > 100000000) {
        return "the points of a row times the steps of its ramp are at most 100000000";
    }
    /* no more than 100,000 changes a second: change 100 comes after at least 1 ms */
    if (rtu_pattern_time(row, 100) < 1000) {
        return "the points of one row change at most 100,000 times a second together";
    }
    return NULL;
}

const struct rtu_point *rtu_plan_find(const struct rtu_plan *plan, uint32_t ioa)
{
    size_t low = 0, high = plan->point_count;
    while (low < high) { /* to the first row behind the address */
        size_t middle = low + (high - low) / 2;
        bool behind = plan->points[middle].ioa > ioa;
        low = behind ? low : middle + 1;
        high = behind ? middle : high;
    }
    const struct rtu_point *row = low == 0 ? NULL : &plan->points[low - 1];
    return row != NULL && ioa - row->ioa < row->count ? row : NULL;
}

const char *rtu_point_fault(const struct rtu_plan *plan, const struct rtu_point *row)
{
    if (row->ioa < 1 || row->count < 1 || row->count > RTU_POINTS_MAX ||
        row->ioa > 0xFFFFFFu - (row->count - 1)) {
        return "addresses go from 1 to 16777215, and a row has 1 to 1000000 points";
    }
    if (!rtu_is_command(row->type) && !rtu_is_monitored(row->type)) {
        return "types are 1 to 16, 21, 30 to 40, or a command: 45 to 51, 58 to 64";
    }
    const char *fault = answer_fault(row);
    if (fault != NULL) {
        return fault;
    }
    if (rtu_is_command(row->type)) {
        if (row->pattern.kind != RTU_CONSTANT || row->every_us != 0) {
            return "a command has no pattern of its own";
        }
        const struct rtu_point *target = row->follows == 0 ? NULL : rtu_plan_find(plan, row->follows);
        if (row->follows != 0 && (target == NULL || !rtu_is_monitored(target->type) ||
                                  row->follows - target->ioa + row->count > target->count)) {
            return "`follows` names points of monitor direction, as many in one row as there are commands";
        }
        return NULL;
    }
    if (row->follows != 0) {
        return "only a command has `follows`";
    }
    if (row->every_us < 0) {
        return "a period is above 0";
    }
    return pattern_fault(row);
}

const char *rtu_plan_fault(const struct rtu_plan *plan, size_t *row)
{
    struct komet_link_settings link = rtu_link_settings(plan);
    struct komet_station_settings station = rtu_station_settings(plan);
    *row = plan->point_count;
    const char *fault = komet_link_settings_fault(&link);
    if (fault != NULL) {
        return fault;
    }
    fault = komet_station_settings_fault(&station);
    if (fault != NULL) {
        return fault;
    }
    if (plan->connections < 1 || plan->connections > RTU_CONNECTIONS_MAX) {
        return "a station has 1 to 16 connections";
    }
    if (plan->events < 1 || plan->events > 10000000) {
        return "the ring of events holds 1 to 10000000";
    }
    uint64_t points = 0;
    for (size_t i = 0; i < plan->point_count; i++) {
        *row = i;
        fault = rtu_point_fault(plan, &plan->points[i]);
        points += plan->points[i].count;
        if (fault != NULL || points > RTU_POINTS_MAX) {
            return fault != NULL ? fault : "a station has at most 1000000 points";
        }
        if (i > 0 && plan->points[i].ioa < plan->points[i - 1].ioa + plan->points[i - 1].count) {
            return "rows are in ascending order of address, and no address is in two of them";
        }
    }
    *row = plan->point_count;
    for (size_t i = 0; i < plan->replay_count; i++) {
        const struct rtu_point *point = rtu_plan_find(plan, plan->replay[i].ioa);
        if (plan->replay[i].time_us < (i > 0 ? plan->replay[i - 1].time_us : 0)) {
            return "the times of a replay begin at 0 and do not fall";
        }
        if (point == NULL || rtu_is_command(point->type) || point->every_us != 0) {
            return "each address of a replay is a spontaneous point of the plan";
        }
    }
    return NULL;
}
