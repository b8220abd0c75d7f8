/*
 * station_answers: what the example station has and does: a breaker that can be commanded, and a voltage.
 */
#ifndef EXAMPLES_STATION_ANSWERS_H
#define EXAMPLES_STATION_ANSWERS_H

#include <komet/group.h>
#include <komet/station.h>

enum { CA = 1, BREAKER_IOA = 1001, VOLTAGE_IOA = 3001, BREAKER_COMMAND_IOA = 5001 };

/* Makes the station. "End of initialization" goes into the group's buffer in front of all events. */
void begin_station(struct komet_group *group);

/* Data transfer has started, or it has stopped or the connection ended: answers do not wait for the next one.
 */
void data_transfer(bool started);

/* Time goes by: the voltage changes, which is an event. */
void change_voltage(struct komet_group *group);

/* Takes an ASDU that came. False: the connection must be closed. */
bool take_asdu(struct komet_group *group, const uint8_t *octets, size_t size);

/* Sends the answers that the window takes; the others wait for the next call. */
void send_answers(struct komet_group *group);

#endif
