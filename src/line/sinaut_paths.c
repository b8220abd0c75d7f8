/*
 * sinaut_paths: the connections of a Sinaut line.
 *
 * Open, each path has a TCP connection or tries for one, t0 each, `reconnect` between attempts; where SP and
 * SH say so it waits for the partner instead and knows the path by the address that comes. Data transfer is
 * started on every path. What is sent goes over the path that carries a partner's data; what comes is taken
 * on any.
 */
#include "line/sinaut_private.h"

/* ---- what a path is ---- */

unsigned sinaut_partner_of(unsigned path)
{
    return path / PARTNERS_NETWORKS;
}

unsigned sinaut_network_of(unsigned path)
{
    return path % PARTNERS_NETWORKS;
}

bool sinaut_has_path(const struct sinaut *line, unsigned path)
{
    return (line->partners.settings.paths >> path & 1u) != 0;
}

const struct partner *sinaut_partner_facts(const struct sinaut *line, unsigned partner)
{
    return &line->line->partners[partner];
}

const struct address *sinaut_address_of(const struct sinaut *line, unsigned path)
{
    unsigned index = line->manner->alternates ? line->path[path].host : sinaut_network_of(path);
    return &sinaut_partner_facts(line, sinaut_partner_of(path))->addresses[index];
}

const char *sinaut_local_of(const struct sinaut *line, unsigned path)
{
    return line->line->local[line->manner->alternates ? sinaut_partner_of(path) : sinaut_network_of(path)];
}

unsigned sinaut_data_path(const struct sinaut *line, unsigned partner)
{
    return partners_data_path(&line->partners, partner);
}

uint8_t *sinaut_reserve(struct sinaut *line, unsigned partner)
{
    unsigned path = sinaut_data_path(line, partner);
    return path == PARTNERS_NO_PATH
               ? NULL
               : komet_group_reserve(line->partner[partner].group, sinaut_network_of(path));
}

uint64_t sinaut_commit(struct sinaut *line, struct line_now now, unsigned partner, size_t size)
{
    unsigned path = sinaut_data_path(line, partner);
    KOMET_ASSERT(path != PARTNERS_NO_PATH);
    return komet_group_commit(line->partner[partner].group, now.instant, sinaut_network_of(path), size);
}

/* ---- it comes and goes ---- */

void sinaut_set_state(struct sinaut *line, unsigned path, enum connection_state state)
{
    if (line->path[path].state != state) {
        line->path[path].state = state;
        line->report_changed = true;
    }
}

void sinaut_connect(struct sinaut *line, struct line_now now, unsigned path)
{
    struct sinaut_path *own = &line->path[path];
    int64_t tki_s = sinaut_parameter(line, PARAMETER_TKI);
    own->retry_at = KOMET_NEVER;
    if (!partners_may_connect(&line->partners, path)) {
        own->retry_at = komet_after(now.instant, line->line->reconnect_us);
        return;
    }
    own->connection = ++line->connection;
    own->connect_wanted = true;
    own->connect_by = komet_after(now.instant, tki_s > 0 ? KOMET_SECONDS(tki_s)
                                                         : KOMET_MS(sinaut_parameter(line, PARAMETER_WT0)));
    line->counters.connects++;
    sinaut_set_state(line, path, CONNECTION_CONNECTING);
}

void sinaut_drop(struct sinaut *line, struct line_now now, unsigned path, enum komet_reason reason,
                 bool abort)
{
    struct sinaut_path *own = &line->path[path];
    if (own->state == CONNECTION_CLOSED) {
        return;
    }
    komet_group_closed(line->partner[sinaut_partner_of(path)].group, now.instant, sinaut_network_of(path));
    if (line->values_waiting && line->value_connection == own->connection) {
        line->values_waiting = false; /* nobody will see them: nothing may be measured against them */
        sinaut_forget_values(line, 0, line->tag_count);
    }
    bool known = !own->connect_wanted; /* to the shell */
    own->reason = reason;
    own->connect_wanted = false;
    own->connect_by = KOMET_NEVER;
    own->handed = own->stored = 0;
    if (abort && known) {
        KOMET_ASSERT(!own->abort_wanted); /* it is handed out before the connection that follows */
        own->abort_wanted = true;
        own->abort_connection = own->connection;
        own->abort_reason = reason;
    }
    line->report_changed = true;
    sinaut_set_state(line, path, CONNECTION_CLOSED);
    if (line->manner->alternates) {
        own->host =
            (uint8_t)((own->host + 1) % sinaut_partner_facts(line, sinaut_partner_of(path))->address_count);
    }
    if (line->open && !line->listens) {
        own->retry_at = komet_after(now.instant, line->line->reconnect_us);
    }
    sinaut_commands_abandon(line, path, komet_reason_name(reason));
    sinaut_answers_abandon(line, path);
    partners_path_event(&line->partners, path, PATH_CLOSES);
    sinaut_follow(line, now);
}

/* ---- what happens to connections ---- */

/* The path of a connection that is not given up; PARTNERS_NO_PATH: there is none. */
static unsigned find_path(const struct sinaut *line, uint32_t connection)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        if (line->path[path].state != CONNECTION_CLOSED && line->path[path].connection == connection) {
            return path;
        }
    }
    return PARTNERS_NO_PATH;
}

static void path_connected(struct sinaut *line, struct line_now now, unsigned path)
{
    line->path[path].connect_wanted = false;
    line->path[path].connect_by = KOMET_NEVER;
    line->path[path].handed = line->path[path].stored = 0;
    komet_group_connected(line->partner[sinaut_partner_of(path)].group, now.instant, sinaut_network_of(path));
    sinaut_set_state(line, path, CONNECTION_STOPPED);
    partners_path_event(&line->partners, path, PATH_CONNECTS);
    sinaut_follow(line, now);
}

void sinaut_connected(struct line_engine *engine, struct line_now now, uint32_t connection)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path != PARTNERS_NO_PATH && line->path[path].state == CONNECTION_CONNECTING) {
        path_connected(line, now, path);
    }
}

uint32_t sinaut_accepted(struct line_engine *engine, struct line_now now, const struct network_address *peer,
                         uint16_t port)
{
    struct sinaut *line = (struct sinaut *)engine;
    (void)port;
    for (unsigned path = 0; path < PARTNERS_PATHS && line->listens; path++) {
        if (!sinaut_is_from(line, path, peer)) {
            continue;
        }
        if (line->path[path].abort_wanted || !partners_may_connect(&line->partners, path)) {
            return 0; /* the one before is not closed yet; or he answers no ping */
        }
        sinaut_drop(line, now, path, KOMET_REPLACED, true);
        line->path[path].connection = ++line->connection;
        line->counters.connects++;
        path_connected(line, now, path);
        return line->path[path].connection;
    }
    char text[NETWORK_ADDRESS_TEXT_SIZE];
    network_address_text(peer, text);
    if (line->listens && line->counters.refused++ == 0) {
        sinaut_note(line, "%s: %s is no address of a partner; such connections are refused", line->line->name,
                    text);
    }
    return 0;
}

void sinaut_closed(struct line_engine *engine, struct line_now now, uint32_t connection,
                   enum komet_reason reason)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path != PARTNERS_NO_PATH) {
        sinaut_drop(line, now, path, reason, false);
        sinaut_work(line, now);
    }
}

size_t sinaut_feed(struct line_engine *engine, struct line_now now, uint32_t connection,
                   const uint8_t *octets, size_t size)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path == PARTNERS_NO_PATH) {
        return size;
    }
    KOMET_ASSERT(!line->values_waiting); /* the caller takes what the last frame brought first */
    return komet_group_feed(line->partner[sinaut_partner_of(path)].group, now.instant,
                            sinaut_network_of(path), octets, size);
}

void sinaut_written(struct line_engine *engine, uint32_t connection, size_t size)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path != PARTNERS_NO_PATH) {
        komet_group_written(line->partner[sinaut_partner_of(path)].group, sinaut_network_of(path), size);
    }
}

void sinaut_stored(struct line_engine *engine, struct line_now now, uint32_t connection, uint64_t frame)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path == PARTNERS_NO_PATH || frame <= line->path[path].stored) {
        return;
    }
    KOMET_ASSERT(frame <= line->path[path].handed);
    line->path[path].stored = frame;
    komet_group_acknowledge(line->partner[sinaut_partner_of(path)].group, now.instant,
                            sinaut_network_of(path), frame);
    sinaut_answers_stored(line, path, frame);
    sinaut_work(line, now);
}

/* ---- time ---- */

static struct komet_instant store_deadline(const struct sinaut *line, unsigned path)
{
    const struct sinaut_path *own = &line->path[path];
    if (own->stored == own->handed) {
        return KOMET_NEVER;
    }
    return komet_after(own->frame_times[(own->stored + 1) % SINAUT_FRAME_TIMES], line->line->store_limit_us);
}

static void tick_path(struct sinaut *line, struct line_now now, unsigned path)
{
    if (komet_reached(now.instant, store_deadline(line, path))) {
        sinaut_drop(line, now, path, KOMET_NOT_STORED, true);
    }
    if (komet_reached(now.instant, line->path[path].connect_by)) {
        sinaut_drop(line, now, path, KOMET_T0_EXPIRED, true);
    }
    if (line->open && komet_reached(now.instant, line->path[path].retry_at)) {
        sinaut_connect(line, now, path);
    }
}

void sinaut_paths_tick(struct sinaut *line, struct line_now now)
{
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        tick_path(line, now, path);
    }
}

struct komet_instant sinaut_paths_deadline(const struct sinaut *line)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        deadline = komet_earlier(deadline, line->path[path].retry_at);
        deadline = komet_earlier(deadline, line->path[path].connect_by);
        deadline = komet_earlier(deadline, store_deadline(line, path));
    }
    return deadline;
}
