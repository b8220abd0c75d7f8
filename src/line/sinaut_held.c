/*
 * What a Sinaut line that stands by was sent: its events, which are acknowledged, and of which nobody may
 * know whether the instance that acts has stored them. When this one acts itself, those of the last K frames
 * of each connection go to the server, which knows a repeat (architecture 3.3, 3.6). Untagged values and
 * answers are dropped: the interrogation brings them.
 */
#include "line/sinaut_private.h"

#define HELD_FOR_US KOMET_SECONDS(10) /* within store_limit the other one has closed, or has stored it */

void sinaut_held_add(struct sinaut *line, struct line_now now, unsigned path, uint64_t frame,
                     const struct line_value *value)
{
    struct sinaut_held *held = &line->held[(line->held_first + line->held_count) % SINAUT_HELD_MAX];
    *held = (struct sinaut_held){
        .value = *value, .at = now.instant, .connection = line->path[path].connection, .frame = frame};
    if (line->held_count < SINAUT_HELD_MAX) {
        line->held_count++;
    } else {
        line->held_first = (line->held_first + 1) % SINAUT_HELD_MAX;
    }
}

void sinaut_held_forget(struct sinaut *line)
{
    line->held_first = line->held_count = 0;
}

/* May it be an event that nobody has stored? */
static bool counts(const struct sinaut *line, struct line_now now, const struct sinaut_held *held)
{
    uint64_t window = (uint64_t)sinaut_parameter(line, PARAMETER_K);
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        const struct sinaut_path *own = &line->path[path];
        if (own->connection == held->connection && own->state != CONNECTION_CLOSED) {
            return held->frame + window > own->handed &&
                   komet_elapsed_us(now.instant, held->at) <= HELD_FOR_US;
        }
    }
    return false;
}

/* The values of the oldest frame that counts go into `values`. False: there is none. */
bool sinaut_held_next(struct sinaut *line, struct line_now now)
{
    line->value_count = 0;
    while (line->held_count > 0) {
        const struct sinaut_held *held = &line->held[line->held_first];
        bool another = held->frame != line->value_frame || held->connection != line->value_connection;
        if (line->value_count > 0 && (another || line->value_count + 2 > SINAUT_VALUES_MAX)) {
            return true;
        }
        if (counts(line, now, held)) {
            line->value_frame = held->frame;
            line->value_connection = held->connection;
            sinaut_take_value(line, &held->value);
        }
        line->held_first = (line->held_first + 1) % SINAUT_HELD_MAX;
        line->held_count--;
    }
    return line->value_count > 0;
}
