/*
 * station_answers: the application of the example station: its points, and what commands do to them.
 * Interrogation, read, clock, test and refusals are komet_station's.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>

#include "posix.h"
#include "station_answers.h"

enum { BREAKER, VOLTAGE, BREAKER_COMMAND }; /* places in the table, which is in ascending order of address */

static struct komet_point points[] = {
    {.ca = CA, .ioa = BREAKER_IOA, .type = KOMET_M_SP_NA_1},
    {.ca = CA, .ioa = VOLTAGE_IOA, .type = KOMET_M_ME_NC_1, .object.value.real = 110.0F},
    {.ca = CA, .ioa = BREAKER_COMMAND_IOA, .type = KOMET_C_SC_NA_1},
};
static const uint16_t addresses[] = {CA};
static _Alignas(max_align_t) uint8_t memory[8192];
static struct komet_station *station;
static uint32_t running;               /* the command that has not ended yet; 0: none */
static uint64_t events_of_the_command; /* it ends when so many have been sent */

void begin_station(struct komet_group *group)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    struct komet_station_settings settings = komet_station_settings_standard();
    settings.addresses = addresses;
    settings.address_count = 1;
    settings.points = points;
    settings.point_count = sizeof points / sizeof *points;
    station = komet_station_init(memory, sizeof memory, &settings);
    komet_group_event(group, octets, komet_station_initialized(station, 0, KOMET_COI_POWER_ON, octets));
}

/* An event goes into the group's buffer, and stays there until a centre has acknowledged it. */
static void event(struct komet_group *group, size_t point, enum komet_cause cause)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    size_t size = komet_station_event(station, point, cause, calendar_time(), octets);
    komet_group_event(group, octets, size);
}

void change_voltage(struct komet_group *group)
{
    float *voltage = &points[VOLTAGE].object.value.real;
    *voltage = *voltage < 111.0F ? *voltage + 0.25F : 109.0F;
    event(group, VOLTAGE, KOMET_COT_SPONTANEOUS);
}

static void do_command(struct komet_group *group, const struct komet_station_event *asked)
{
    komet_station_confirm(station, now(), asked->id, true);
    if (!asked->object.select) {
        points[BREAKER].object.value.single = asked->object.value.single;
        printf("the breaker is %s\n", asked->object.value.single ? "on" : "off");
        event(group, BREAKER, KOMET_COT_RETURN_REMOTE);
        running = asked->id;
        events_of_the_command = komet_group_counters(group).events;
    }
}

bool take_asdu(struct komet_group *group, const uint8_t *octets, size_t size)
{
    struct komet_station_event asked;
    if (komet_station_receive(station, now(), calendar_time(), 0, octets, size, &asked) !=
        KOMET_STATION_TAKEN) {
        return false; /* no ASDU, or more requests than a centre has reason to send */
    }
    switch (asked.kind) {
    case KOMET_STATION_COMMAND:
        do_command(group, &asked);
        break;
    case KOMET_STATION_CLOCK:
        printf("the clock would be set\n"); /* which an example should not do */
        break;
    case KOMET_STATION_NOTHING:
    case KOMET_STATION_PARAMETER: /* there are no points for these */
    case KOMET_STATION_PARAMETER_ACTIVATION:
    case KOMET_STATION_FREEZE:
    case KOMET_STATION_RESET:
        break;
    }
    return true;
}

void data_transfer(bool started)
{
    if (started) {
        komet_station_started(station, 0);
    } else {
        komet_station_stopped(station, 0);
    }
}

void send_answers(struct komet_group *group)
{
    uint8_t *place;
    if (running != 0 && komet_group_counters(group).events_sent >= events_of_the_command) {
        komet_station_finish(station, running, true); /* behind what it caused */
        running = 0;
    }
    while (komet_station_pending(station, 0) && (place = komet_group_reserve(group, 0)) != NULL) {
        size_t size = komet_station_write(station, now(), calendar_time(), 0, place);
        if (size > 0) {
            komet_group_commit(group, now(), 0, size);
        }
    }
}
