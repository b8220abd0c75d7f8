/*
 * Whether the addresses of a Sinaut line's partners answer ICMP echo (reference 1.6: PTO, PCNT): while the
 * line is open, each of them is pinged once in each PTO. One that does not answer PCNT times in a row is
 * dead: its connection ends, and there is none before it answers again. It is pinged on meanwhile.
 */
#include "line/sinaut_private.h"

#define PERIOD_MIN_US KOMET_MS(100) /* a short PTO is a short patience, not a flood */

/* 0: they are not pinged; nor are alternates, of which the next one is tried. */
static int64_t patience_us(const struct sinaut *line)
{
    return line->manner->alternates ? 0 : KOMET_MS(sinaut_parameter(line, PARAMETER_PTO));
}

static void ping_path(struct sinaut *line, struct line_now now, unsigned path)
{
    int64_t period_us = patience_us(line) > PERIOD_MIN_US ? patience_us(line) : PERIOD_MIN_US;
    struct sinaut_path *own = &line->path[path];
    own->ping = ++line->ping;
    own->pinged = now.instant;
    own->ping_at = komet_after(now.instant, period_us);
    own->ping_wanted = own->ping_awaited = true;
}

void sinaut_pings_begin(struct sinaut *line, struct line_now now)
{
    for (unsigned path = 0; path < PARTNERS_PATHS && patience_us(line) > 0; path++) {
        if (sinaut_has_path(line, path)) {
            ping_path(line, now, path);
        }
    }
}

static void forget(struct sinaut *line, unsigned path)
{
    line->path[path].ping_at = KOMET_NEVER;
    line->path[path].ping_wanted = line->path[path].ping_awaited = false;
    partners_forget_pings(&line->partners, path);
}

void sinaut_pings_end(struct sinaut *line)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        if (sinaut_has_path(line, path)) {
            forget(line, path);
        }
    }
}

void sinaut_pings_tick(struct sinaut *line, struct line_now now)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        if (!komet_reached(now.instant, line->path[path].ping_at)) {
            continue;
        }
        bool unanswered = line->path[path].ping_awaited;
        ping_path(line, now, path);
        if (unanswered) {
            partners_pinged(&line->partners, path, false);
            sinaut_follow(line, now);
        }
    }
}

struct komet_instant sinaut_pings_deadline(const struct sinaut *line)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        deadline = komet_earlier(deadline, line->path[path].ping_at);
    }
    return deadline;
}

bool sinaut_pings_next(struct sinaut *line, struct line_output *output)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        struct sinaut_path *own = &line->path[path];
        if (own->ping_wanted) {
            own->ping_wanted = false;
            output->kind = LINE_OUT_PING;
            output->ping = own->ping;
            output->address = sinaut_address_of(line, path);
            output->local = sinaut_local_of(line, path);
            return true;
        }
    }
    return false;
}

void sinaut_pinged(struct line_engine *engine, struct line_now now, uint32_t ping, bool answered)
{
    struct sinaut *line = (struct sinaut *)engine;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        struct sinaut_path *own = &line->path[path];
        if (!own->ping_awaited || own->ping != ping) {
            continue;
        }
        if (!answered) {
            forget(line, path);
        } else if (komet_elapsed_us(now.instant, own->pinged) <= patience_us(line)) {
            own->ping_awaited = false;
            partners_pinged(&line->partners, path, true);
            sinaut_follow(line, now);
        }
        return;
    }
}
