/*
 * station_answers: what the example station has and says: a breaker, a voltage, and answers to a centre.
 */
#ifndef EXAMPLES_STATION_ANSWERS_H
#define EXAMPLES_STATION_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <komet/group.h>

enum { CA = 1, BREAKER = 1001, VOLTAGE = 3001, BREAKER_COMMAND = 5001 };

/* Time goes by: the voltage changes, which is an event. */
void change_voltage(struct komet_group *group);

/* Takes an ASDU that came. False: these octets are none, and the connection must be closed. */
bool take_asdu(struct komet_group *group, const uint8_t *octets, size_t size);

/* Sends the answers that the window takes on connection `c`; the others wait for the next call. */
void send_answers(struct komet_group *group, unsigned c);

/* The connection has ended: answers do not wait for the next one. */
void forget_answers(void);

#endif
