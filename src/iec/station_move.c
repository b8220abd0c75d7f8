/*
 * station_move: a station goes on in other memory and with another table of points. What was asked of it is
 * found by its addresses.
 */
#include <stdalign.h>
#include <string.h>

#include "station_private.h"

/* The place of an address in the new table; its address_count when it is gone. */
static unsigned place_of(const struct komet_station_settings *settings, uint16_t ca)
{
    unsigned place = 0;
    while (place < settings->address_count && settings->addresses[place] != ca) {
        place++;
    }
    return place;
}

/* The next value to be looked at, in the address that is being answered. */
static size_t next_point(const struct komet_station *station, const struct komet_station_settings *before,
                         uint16_t ca, size_t point)
{
    if (point == KOMET_POINT_NONE) {
        return point;
    }
    bool more = point < before->point_count && before->points[point].ca == ca;
    return more ? station_point_from(station, ca, before->points[point].ioa)
                : station_point_from(station, (uint16_t)(ca + 1), 0);
}

static void refuse(struct answer *answer, uint8_t cause)
{
    answer->kind = ANSWER_MIRROR;
    answer->cause = cause;
    answer->negative = true;
    answer->own_name = false;
}

/* Nothing that was asked about is there any more. False: it is answered for nobody. */
static bool end_answer(struct answer *answer)
{
    bool begun = answer->stage != STAGE_CON;
    if (answer->own_name || answer->kind == ANSWER_SCAN) {
        return false;
    }
    if (begun) {
        answer->stage = STAGE_TERMINATION;
    } else {
        refuse(answer, KOMET_COT_UNKNOWN_CA);
    }
    answer->address = answer->last = 0;
    return true;
}

/* The addresses that are still to be answered. False: the answer is none any more. */
static bool move_addresses(const struct komet_station *station, const struct komet_station_settings *before,
                           struct answer *answer)
{
    const struct komet_station_settings *after = &station->settings;
    unsigned first = answer->address, last = answer->last;
    while (first <= last && place_of(after, before->addresses[first]) == after->address_count) {
        first++;
    }
    while (last > first && place_of(after, before->addresses[last]) == after->address_count) {
        last--;
    }
    if (first > last) {
        return end_answer(answer);
    }
    if (first > answer->address) {
        answer->point = KOMET_POINT_NONE;
        answer->stage = answer->own_name ? STAGE_CON : answer->stage;
    } else {
        answer->point = next_point(station, before, before->addresses[first], answer->point);
    }
    answer->address = place_of(after, before->addresses[first]);
    answer->last = place_of(after, before->addresses[last]);
    return true;
}

/* A value that is to be read. */
static void move_read(const struct komet_station *station, const struct komet_station_settings *before,
                      struct answer *answer)
{
    const struct komet_point *point = &before->points[answer->point];
    answer->address = answer->last = place_of(&station->settings, point->ca);
    answer->point = komet_station_find(station, point->ca, point->ioa);
    if (answer->address == station->settings.address_count) {
        refuse(answer, KOMET_COT_UNKNOWN_CA);
    } else if (answer->point == KOMET_POINT_NONE ||
               komet_type_find(station->settings.points[answer->point].type)->direction == KOMET_CONTROL) {
        refuse(answer, KOMET_COT_UNKNOWN_IOA);
    }
}

static bool move_answer(const struct komet_station *station, const struct komet_station_settings *before,
                        struct answer *answer)
{
    switch (answer->kind) {
    case ANSWER_MIRROR:
    case ANSWER_DELAY:
        return !answer->own_name || move_addresses(station, before, answer);
    case ANSWER_READ:
        move_read(station, before, answer);
        return true;
    case ANSWER_INTERROGATION:
    case ANSWER_COUNTERS:
    case ANSWER_SCAN:
        return move_addresses(station, before, answer);
    }
    KOMET_ASSERT_NEVER("an unknown answer");
}

static void move_answers(struct komet_station *station, struct connection *connection,
                         const struct komet_station_settings *before)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < connection->answer_count; i++) {
        struct answer *answer = &connection->answers[i];
        if (move_answer(station, before, answer)) {
            connection->answers[kept++] = *answer;
        } else {
            connection->large_taken = connection->large_taken && !answer->large;
        }
    }
    connection->answer_count = kept;
}

/* Selections and open commands whose point is there still. */
static void move_commands(struct komet_station *station, const struct komet_station_settings *before)
{
    for (unsigned i = 0; i < station->settings.commands; i++) {
        struct command *command = &station->commands[i];
        if (command->state == COMMAND_FREE || command->point == KOMET_POINT_NONE) {
            continue;
        }
        const struct komet_point *point = &before->points[command->point];
        command->point = komet_station_find(station, point->ca, point->ioa);
        if (command->point == KOMET_POINT_NONE ||
            station->settings.points[command->point].type != point->type) {
            command->state = COMMAND_FREE;
        }
    }
}

struct komet_station *komet_station_move(void *memory, size_t size, const struct komet_station *station,
                                         const struct komet_station_settings *settings)
{
    const struct komet_station_settings *before = &station->settings;
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_station) == 0);
    KOMET_ASSERT(komet_station_settings_fault(settings) == NULL);
    KOMET_ASSERT(size >= komet_station_size(settings));
    KOMET_ASSERT(settings->profile == before->profile && settings->connections == before->connections &&
                 settings->answers == before->answers && settings->commands == before->commands &&
                 settings->broadcast_once == before->broadcast_once);
    struct komet_station *moved = memory;
    memcpy(moved, station, komet_station_size(settings));
    moved->settings = *settings;
    station_place_pieces(moved);
    for (unsigned c = 0; c < settings->connections; c++) {
        move_answers(moved, &moved->connections[c], before);
    }
    move_commands(moved, before);
    return moved;
}
