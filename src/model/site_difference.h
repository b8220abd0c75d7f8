/*
 * site_difference: what became of each process, line, station and tag when a site is read again, so that what
 * did not change need not notice (RELOAD).
 *
 * Things are the same by their name, without regard to case, in the process that they were in; a tag must
 * have its type still, since its value would mean nothing. What moved to another process is gone there and
 * new here. Both sites are borrowed. Pure: the memory is the caller's.
 *
 *     struct site_difference *difference = site_difference_make(memory, size, before, after);
 *     difference_tag(difference, tag);        a tag of `before`: what it is now; NULL: it is gone
 *     difference_tag_was(difference, tag);    a tag of `after`: what it was; NULL: it is new
 */
#ifndef MODEL_SITE_DIFFERENCE_H
#define MODEL_SITE_DIFFERENCE_H

#include "model/site.h"

/* What a line that goes on has to do. */
enum line_change {
    LINE_SAME,      /* nothing */
    LINE_IN_PLACE,  /* it takes the change over and keeps its connection */
    LINE_RECONNECTS /* its connection was made under other facts: it is closed and opened anew */
};

enum station_change {
    STATION_SAME,
    STATION_CHANGED, /* nothing that a question to it would bring */
    STATION_ASKS     /* it has values that nobody has asked for: it is interrogated as after the start */
};

struct difference_counts {
    uint32_t added, removed, changed;
};

struct site_difference; /* opaque; lives in the caller's memory */

/* Octets for the difference of these two, at most. */
size_t site_difference_size(const struct site *before, const struct site *after);
/* memory, size  taken until the caller drops the difference; aligned for any object
 * before, after borrowed for as long */
struct site_difference *site_difference_make(void *memory, size_t size, const struct site *before,
                                             const struct site *after);

const struct site *difference_before(const struct site_difference *difference);
const struct site *difference_after(const struct site_difference *difference);

/* What something of `before` is in `after`; NULL when it is gone. */
const struct process *difference_process(const struct site_difference *difference,
                                         const struct process *process);
const struct line *difference_line(const struct site_difference *difference, const struct line *line);
const struct station *difference_station(const struct site_difference *difference,
                                         const struct station *station);
const struct tag *difference_tag(const struct site_difference *difference, const struct tag *tag);

/* The same of all tags of a process of `before`, by their number in it: their number in the site, or
 * DIFFERENCE_GONE. */
#define DIFFERENCE_GONE UINT32_MAX
const uint32_t *difference_tag_numbers(const struct site_difference *difference,
                                       const struct process *process);

/* What something of `after` was in `before`; NULL when it is new. */
const struct process *difference_process_was(const struct site_difference *difference,
                                             const struct process *process);
const struct line *difference_line_was(const struct site_difference *difference, const struct line *line);
const struct station *difference_station_was(const struct site_difference *difference,
                                             const struct station *station);
const struct tag *difference_tag_was(const struct site_difference *difference, const struct tag *tag);

/* Of a line of `after` that is not new: what it has to do. Stations that came, went or changed are in place.
 */
enum line_change difference_line_change(const struct site_difference *difference, const struct line *line);
/* Of a station of `after` that is not new and still on its line. */
enum station_change difference_station_change(const struct site_difference *difference,
                                              const struct station *station);
/* True when what a line knows of a tag of `after` still holds: it is on the same station, and its values are
 * made and compared as before. */
bool difference_tag_is_kept(const struct site_difference *difference, const struct tag *tag);

/* How many came, went, and go on changed: for people. */
struct difference_counts difference_lines(const struct site_difference *difference);
struct difference_counts difference_stations(const struct site_difference *difference);
struct difference_counts difference_tags(const struct site_difference *difference);

#endif
