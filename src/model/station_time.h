/*
 * station_time: the time as a station is told it: in its zone, with the summer time bit where the zone has
 * one. Pure. What a station says is read in conversion.c.
 */
#ifndef MODEL_STATION_TIME_H
#define MODEL_STATION_TIME_H

#include "komet/time_tag.h"
#include "model/site.h"

/* True between 1:00 UTC of the last Sunday of March and of October, as in the European Union. */
bool summer_time_eu(struct komet_utc time);

/* The fields of `time` for the station. `arrival`, whose tags are not read, is told UTC. */
void station_time_tag(const struct station *station, struct komet_utc time, struct komet_time_tag *tag);

#endif
