/*
 * Who a partner is, where a Sinaut line listens: he is known by the address that he comes from. Where the
 * site has a name in its place, the name is looked up when the line opens, and again in each `reconnect`
 * while he is not connected. What was found holds until something else is.
 */
#include "line/sinaut_private.h"

static const struct network_address *written(const struct sinaut *line, unsigned path)
{
    return &line->line->partners[sinaut_partner_of(path)].networks[sinaut_network_of(path)];
}

void sinaut_names_ask(struct sinaut *line)
{
    for (unsigned path = 0; path < PARTNERS_PATHS && line->listens; path++) {
        struct sinaut_path *own = &line->path[path];
        if (sinaut_has_path(line, path) && written(line, path)->family == 0 &&
            own->state == CONNECTION_CLOSED) {
            own->find = ++line->find;
            own->find_wanted = true;
        }
    }
}

bool sinaut_is_from(const struct sinaut *line, unsigned path, const struct network_address *peer)
{
    if (!sinaut_has_path(line, path)) {
        return false;
    }
    if (written(line, path)->family != 0) {
        return network_address_same(written(line, path), peer);
    }
    for (unsigned i = 0; i < line->path[path].found_count; i++) {
        if (network_address_same(&line->path[path].found[i], peer)) {
            return true;
        }
    }
    return false;
}

bool sinaut_names_next(struct sinaut *line, struct line_output *output)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        struct sinaut_path *own = &line->path[path];
        if (own->find_wanted) {
            own->find_wanted = false;
            output->kind = LINE_OUT_FIND;
            output->find = own->find;
            output->address = sinaut_address_of(line, path);
            return true;
        }
    }
    return false;
}

/* The path of another name or address that has it already; PARTNERS_NO_PATH: none. */
static unsigned taken_by(const struct sinaut *line, unsigned path, const struct network_address *address)
{
    for (unsigned other = 0; other < PARTNERS_PATHS; other++) {
        if (other != path && sinaut_is_from(line, other, address)) {
            return other;
        }
    }
    return PARTNERS_NO_PATH;
}

static void take(struct sinaut *line, unsigned path, const struct network_address *addresses, unsigned count)
{
    struct sinaut_path *own = &line->path[path];
    own->found_count = 0;
    for (unsigned i = 0; i < count && own->found_count < SINAUT_FOUND_MAX; i++) {
        unsigned other = taken_by(line, path, &addresses[i]);
        if (other == PARTNERS_NO_PATH) {
            own->found[own->found_count++] = addresses[i];
        } else if (!own->find_doubles) {
            own->find_doubles = true;
            sinaut_note(line, "%s: %s has an address that is %s, too", line->line->name,
                        sinaut_address_of(line, path)->host, sinaut_address_of(line, other)->host);
        }
    }
}

void sinaut_found(struct line_engine *engine, struct line_now now, uint32_t find,
                  const struct network_address *addresses, unsigned count)
{
    struct sinaut *line = (struct sinaut *)engine;
    (void)now;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        struct sinaut_path *own = &line->path[path];
        if (own->find != find || find == 0) {
            continue;
        }
        if (count > 0) {
            take(line, path, addresses, count);
            own->find_fails = false;
        } else if (!own->find_fails) {
            own->find_fails = true;
            sinaut_note(line, "%s: nobody knows an address of %s", line->line->name,
                        sinaut_address_of(line, path)->host);
        }
    }
}
