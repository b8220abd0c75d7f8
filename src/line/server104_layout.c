/*
 * The memory of a line with protocol iec104-server, and the table of points that its stations answer from.
 */
#include <stdlib.h>
#include <string.h>

#include "line/server104_private.h"
#include "model/lay_out.h"
#include "model/server_value.h"

static struct komet_group_settings group_settings(const struct line *line)
{
    const int64_t *value = line->parameters.value;
    struct komet_link_settings link = komet_link_settings_standard(KOMET_CONTROLLED);
    link.k = (uint16_t)value[PARAMETER_K];
    link.w = (uint16_t)value[PARAMETER_W];
    link.t1_us = KOMET_MS(value[PARAMETER_WT1]);
    link.t2_us = KOMET_MS(value[PARAMETER_WT2]);
    link.t3_us = KOMET_MS(value[PARAMETER_WT3]);
    link.first_vs = (uint16_t)value[PARAMETER_ISSN];
    link.tolerate_cf3_mark = value[PARAMETER_CF3] != 0;
    return (struct komet_group_settings){
        .link = link,
        .connections = line->master_count > 0 ? KOMET_GROUP_CONNECTIONS_MAX : 1,
        .mode = KOMET_GROUP_ONE_STARTED,
        .full = KOMET_GROUP_REFUSE,
        .buffer_size = (size_t)outgoing_receiver_room(link.k) * (KOMET_ASDU_SIZE_MAX + 1)};
}

static struct komet_station_settings station_settings(const struct line *line)
{
    struct komet_station_settings settings = komet_station_settings_standard();
    settings.connections = line->master_count > 0 ? KOMET_GROUP_CONNECTIONS_MAX : 1;
    settings.answers = SERVER104_ANSWERS;
    settings.commands = SERVER104_COMMANDS;
    settings.command_age_ms = line->parameters.value[PARAMETER_CAGE];
    settings.clock_sync = line->parameters.value[PARAMETER_CSC] != 0;
    settings.address_count = line->station_count;
    if (line->station_count > 0) { /* how the time tags of commands are read */
        settings.zone_minutes = line->stations[0].zone_offset_minutes;
        settings.summer_time = line->stations[0].summer_time;
    }
    return settings;
}

/* One walk over everything, for the size (`memory` NULL) and for the making. */
static size_t lay_out(uint8_t *memory, const struct line *line, struct server104 **engine)
{
    struct server104 none = {0};
    size_t used = 0;
    uint32_t tags = line_tag_count(line), stations = line->station_count;
    struct server104 *laid = lay_out_take(memory, &used, sizeof *laid);
    if (laid != NULL) {
        memset(laid, 0, sizeof *laid);
    } else {
        laid = &none;
    }
    laid->group_settings = group_settings(line);
    laid->station_settings = station_settings(line);
    laid->group_count = line->master_count > 0 ? line->master_count : LINE_CONNECTIONS_MAX;
    laid->points = lay_out_take(memory, &used, tags * sizeof *laid->points);
    laid->tags = lay_out_take(memory, &used, tags * sizeof(struct tag *));
    laid->point_of = lay_out_take(memory, &used, tags * sizeof *laid->point_of);
    laid->last = lay_out_take(memory, &used, tags * sizeof *laid->last);
    laid->addresses = lay_out_take(memory, &used, stations * sizeof *laid->addresses);
    laid->modes = lay_out_take(memory, &used, stations * sizeof *laid->modes);
    laid->station_values = lay_out_take(memory, &used, stations * sizeof *laid->station_values);
    laid->station_changed = lay_out_take(memory, &used, stations * sizeof *laid->station_changed);
    laid->station_lacks = lay_out_take(memory, &used, stations * sizeof *laid->station_lacks);
    outgoing_ring_lay_out(&laid->ring, memory, &used, line, (uint64_t)line->parameters.value[PARAMETER_OBUF]);
    for (unsigned i = 0; i < laid->group_count; i++) {
        laid->group_memory[i] = lay_out_take(memory, &used, komet_group_size(&laid->group_settings));
        laid->station_memory[i] = lay_out_take(memory, &used, komet_station_size(&laid->station_settings));
        outgoing_receiver_lay_out(&laid->receivers[i], memory, &used,
                                  outgoing_receiver_room(laid->group_settings.link.k));
    }
    if (engine != NULL) {
        *engine = laid;
    }
    return used;
}

size_t server104_size(const struct line *line)
{
    return lay_out(NULL, line, NULL);
}

/* ---- points ---- */

static int by_address(const void *a, const void *b)
{
    const struct tag *left = *(struct tag *const *)a, *right = *(struct tag *const *)b;
    if (left->station->ca != right->station->ca) {
        return left->station->ca < right->station->ca ? -1 : 1;
    }
    return left->ioa < right->ioa ? -1 : left->ioa > right->ioa;
}

static int by_number(const void *a, const void *b)
{
    uint16_t left = *(const uint16_t *)a, right = *(const uint16_t *)b;
    return left < right ? -1 : left > right;
}

static struct komet_point point_of(const struct tag *tag)
{
    struct komet_point point = {
        .ca = tag->station->ca, .ioa = tag->ioa, .type = komet_type_without_time(tag->asdu)};
    if (tag_type_is_output(tag->type)) {
        struct value unknown = value_unknown();
        point.groups = tag->groups;
        server_object(tag, &unknown, &point.object);
    } else {
        bool selected = tag->station->parameters.value[PARAMETER_SBE] != 0;
        bool never = point.type == KOMET_C_BO_NA_1;
        point.select = never ? KOMET_SELECT_NEVER : selected ? KOMET_SELECT_REQUIRED : KOMET_SELECT_EITHER;
    }
    return point;
}

static void make_points(struct server104 *line)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *station = &line->line->stations[i];
        line->addresses[i] = station->ca;
        line->modes[i] = station->communication_disabled ? STATION_DISABLED : 0;
        for (uint32_t k = 0; k < station->tag_count; k++) {
            if (!station->tags[k].ignored) {
                line->tags[line->point_count++] = &station->tags[k];
            }
        }
    }
    qsort(line->addresses, line->line->station_count, sizeof *line->addresses, by_number);
    qsort(line->tags, line->point_count, sizeof *line->tags, by_address);
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->point_of[i] = SERVER104_NO_POINT;
    }
    for (uint32_t i = 0; i < line->point_count; i++) {
        line->points[i] = point_of(line->tags[i]);
        line->point_of[line->tags[i]->number - line->first_tag] = i;
    }
}

struct server104 *server104_lay_out(void *memory, const struct line *line)
{
    struct server104 *engine;
    lay_out(memory, line, &engine);
    engine->line = line;
    engine->tag_count = line_tag_count(line);
    engine->first_tag = line->station_count > 0 ? line->stations[0].first_tag : 0;
    memset(engine->station_values, 0, line->station_count * sizeof *engine->station_values);
    memset(engine->station_changed, 0, line->station_count * sizeof *engine->station_changed);
    memset(engine->station_lacks, 0, line->station_count * sizeof *engine->station_lacks);
    make_points(engine);
    engine->station_settings.profile = &komet_profile_104;
    engine->station_settings.addresses = engine->addresses;
    engine->station_settings.points = engine->points;
    engine->station_settings.point_count = engine->point_count;
    KOMET_ASSERT(komet_station_settings_fault(&engine->station_settings) == NULL);
    return engine;
}

void server104_begin_group(struct server104 *line, unsigned group)
{
    struct server104_group *state = &line->groups[group];
    struct outgoing_receiver receiver = line->receivers[group];
    outgoing_receiver_begin(&receiver, state->receiver.next, state->receiver.told);
    *state = (struct server104_group){.receiver = receiver};
    state->group = komet_group_init(line->group_memory[group], komet_group_size(&line->group_settings),
                                    &line->group_settings);
    state->station = komet_station_init(line->station_memory[group],
                                        komet_station_size(&line->station_settings), &line->station_settings);
}
