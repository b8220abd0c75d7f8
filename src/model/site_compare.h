/*
 * site_compare: are two things of two sites the same to a running line? Names and texts that are only for
 * people do not count. Whoever adds a fact to a tag, station or line adds it here.
 */
#ifndef MODEL_SITE_COMPARE_H
#define MODEL_SITE_COMPARE_H

#include "model/site.h"

/* All that a line makes of a tag. */
bool same_tag(const struct tag *a, const struct tag *b);
/* What a station's own facts make the line do; its common address and time are not among them. */
bool same_station_service(const struct station *a, const struct station *b);
/* How its time tags are read. */
bool same_station_time(const struct station *a, const struct station *b);
/* What holds for a whole connection: who it is with, and how it is spoken. */
bool same_line_connection(const struct line *a, const struct line *b);
/* The rest: what is looked at each time, and that it has the stations that it had, in their order. */
bool same_line(const struct line *a, const struct line *b);

#endif
