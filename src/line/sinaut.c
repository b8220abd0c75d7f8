/*
 * sinaut: the life of a Sinaut line's connections (protocol iec104-sinaut, either side of connecting).
 *
 * Open, each path has a TCP connection or tries for one, t0 each, `reconnect` between attempts; where SP and
 * SH say so it waits for the partner instead and knows the path by the address that comes. Data transfer is
 * started on every path. What is sent goes over the path that carries a partner's data; what comes is taken
 * on any.
 */
#include "line/sinaut_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/lay_out.h"

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

static const struct partner *partner_facts(const struct sinaut *line, unsigned partner)
{
    return &line->line->partners[partner];
}

const struct address *sinaut_address_of(const struct sinaut *line, unsigned path)
{
    unsigned index = line->manner->alternates ? line->path[path].host : sinaut_network_of(path);
    return &partner_facts(line, sinaut_partner_of(path))->addresses[index];
}

const char *sinaut_local_of(const struct sinaut *line, unsigned path)
{
    return line->line->local[line->manner->alternates ? sinaut_partner_of(path) : sinaut_network_of(path)];
}

/* ---- memory ---- */

/* The engine's memory: itself with its stations, the tags' values, a group for each system of the partner. */
size_t sinaut_lay_out(uint8_t *memory, const struct line *of, struct sinaut **laid)
{
    struct komet_group_settings settings = sinaut_group_settings(of);
    size_t used = 0, size = sizeof(struct sinaut) + of->station_count * sizeof(struct sinaut_station);
    uint32_t tags = line_tag_count(of);
    struct sinaut *line = lay_out_take(memory, &used, size);
    struct value *last = lay_out_take(memory, &used, tags * sizeof(struct value));
    struct value *current = lay_out_take(memory, &used, tags * sizeof(struct value));
    struct outgoing_ring ring;
    uint64_t room = outgoing_receiver_room(settings.link.k);
    uint64_t capacity = sinaut_manner_of(of)->balanced ? (uint64_t)of->parameters.value[PARAMETER_OBUF] : 0;
    outgoing_ring_lay_out(&ring, memory, &used, of, capacity);
    if (memory != NULL) {
        memset(line, 0, size);
        line->settings = settings;
        line->manner = sinaut_manner_of(of);
        line->last = last;
        line->current = current;
        line->ring = ring;
        line->tag_count = tags;
        *laid = line;
    }
    for (unsigned p = 0; p < of->partner_count; p++) {
        size_t group_size = komet_group_size(&settings);
        void *group = lay_out_take(memory, &used, group_size);
        struct outgoing_receiver receiver;
        outgoing_receiver_lay_out(&receiver, memory, &used, room);
        if (memory != NULL) {
            line->partner[p].group = komet_group_init(group, group_size, &settings);
            line->partner[p].receiver = receiver;
        }
    }
    return used;
}

static size_t sinaut_size(const struct line *line)
{
    return sinaut_lay_out(NULL, line, NULL);
}

static struct line_engine *sinaut_init(void *memory, const struct line *of, struct line_now now)
{
    struct sinaut *line;
    KOMET_ASSERT(of->partner_count > 0);
    sinaut_lay_out(memory, of, &line);
    line->line = of;
    line->interval_at = line->listen_at = KOMET_NEVER;
    line->quiet_at = now.instant;
    struct partners_settings settings = sinaut_partners_settings(of);
    partners_init(&line->partners, &settings);
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        line->path[path].retry_at = line->path[path].connect_by = line->path[path].ping_at = KOMET_NEVER;
    }
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        line->partner[p].start_at = line->partner[p].answer_by = KOMET_NEVER;
        line->partner[p].calm_at = now.instant;
    }
    sinaut_forget_values(line, 0, line->tag_count);
    sinaut_outgoing_forget(line);
    sinaut_stations_init(line);
    return &line->engine;
}

/* ---- small things that all files use ---- */

int64_t sinaut_parameter(const struct sinaut *line, enum parameter_id id)
{
    return line->line->parameters.value[id];
}

bool sinaut_debugs(const struct sinaut *line, const struct station *station, enum parameter_id id,
                   unsigned bit)
{
    bool any = false;
    for (unsigned i = 0; i < line->line->station_count; i++) {
        const struct station *of = &line->line->stations[i];
        any = any || ((station == NULL || of == station) && ((unsigned)of->parameters.value[id] & bit) != 0);
    }
    return any;
}

struct komet_instant sinaut_wtn(const struct sinaut *line, struct line_now now)
{
    return komet_after(now.instant, KOMET_MS(sinaut_parameter(line, PARAMETER_WTN)));
}

void sinaut_note(struct sinaut *line, const char *format, ...)
{
    if (line->note_count == SINAUT_NOTES_MAX) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->notes[line->note_count++], SINAUT_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

uint32_t sinaut_tag_index(const struct sinaut *line, const struct tag *tag)
{
    uint32_t index = tag->number - line->line->stations[0].first_tag;
    KOMET_ASSERT(index < line->tag_count);
    return index;
}

void sinaut_forget_values(struct sinaut *line, uint32_t first, uint32_t count)
{
    KOMET_ASSERT(first + count <= line->tag_count);
    for (uint32_t i = 0; i < count; i++) {
        line->last[first + i] = value_unknown();
    }
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

/* ---- paths ---- */

void sinaut_set_state(struct sinaut *line, unsigned path, enum connection_state state)
{
    if (line->path[path].state != state) {
        line->path[path].state = state;
        line->report_changed = true;
    }
}

static void connect_path(struct sinaut *line, struct line_now now, unsigned path)
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
        own->host = (uint8_t)((own->host + 1) % partner_facts(line, sinaut_partner_of(path))->address_count);
    }
    if (line->open && !line->listens) {
        own->retry_at = komet_after(now.instant, line->line->reconnect_us);
    }
    sinaut_commands_abandon(line, path, komet_reason_name(reason));
    sinaut_answers_abandon(line, path);
    partners_path_event(&line->partners, path, PATH_CLOSES);
    sinaut_follow(line, now);
}

static void path_changed(struct sinaut *line, struct line_now now, unsigned partner,
                         const struct partners_news *news)
{
    struct sinaut_partner *own = &line->partner[partner];
    own->wanted = 0;
    own->answer_by = KOMET_NEVER;
    own->calm_at = now.instant;
    own->calm_when_asked = false;
    own->question_count = 0; /* it asks anew, as we do */
    sinaut_outgoing_follow(line, partner);
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->stations[i].wanted[partner] = 0;
    }
    if (news->old == PARTNERS_NO_PATH) {
        own->start_at = komet_after(now.instant, KOMET_MS(sinaut_parameter(line, PARAMETER_PSD)));
    }
    if (news->new != PARTNERS_NO_PATH && line->manner->alternates) {
        sinaut_note(line, "%s: connection %s carries data: %s", line->line->name,
                    partner_facts(line, partner)->name, news->reason);
    } else if (news->new != PARTNERS_NO_PATH) {
        sinaut_note(line, "%s: network %u carries the data of %s: %s", line->line->name,
                    sinaut_network_of(news->new) + 1, partner_facts(line, partner)->name, news->reason);
    }
}

/* They may take turns with each value: in each `reconnect` it is told once, and each asked once. */
static void take_conflict(struct sinaut *line, struct line_now now, const char *name, const char *reason)
{
    if (komet_reached(now.instant, line->quiet_at)) {
        sinaut_note(line, "%s: both partners deliver: %s, %s", line->line->name, name, reason);
        line->quiet_at = komet_after(now.instant, line->line->reconnect_us);
    }
    line->partner[0].calm_when_asked = line->partner[1].calm_when_asked = true;
}

void sinaut_follow(struct sinaut *line, struct line_now now)
{
    struct partners_news news;
    unsigned dead = PARTNERS_NO_PATH;
    while (partners_next(&line->partners, &news)) {
        struct komet_group *group = line->partner[news.partner].group;
        const char *name = partner_facts(line, news.partner)->name;
        line->report_changed = true;
        switch (news.kind) {
        case PARTNERS_NEWS_STANDING:
            if (news.old == PARTNER_HOT && line->open) { /* whole intervals count */
                line->interval_at = komet_after(now.instant, line->line->reconnect_us);
            }
            if (komet_reached(now.instant, line->quiet_at)) {
                sinaut_note(line, "%s: %s was %s and is %s: %s", line->line->name, name,
                            partner_standing_name((enum partner_standing)news.old),
                            partner_standing_name((enum partner_standing)news.new), news.reason);
            }
            if (news.new == PARTNER_HOT) {
                sinaut_services_begin(line, now);
            }
            break;
        case PARTNERS_NEWS_PATH:
            path_changed(line, now, news.partner, &news);
            break;
        case PARTNERS_NEWS_CONFLICT:
            take_conflict(line, now, name, news.reason);
            break;
        case PARTNERS_NEWS_DEAD:
            dead = news.new;
            sinaut_note(line, "%s: %s is dead on network %u: %s", line->line->name, name,
                        sinaut_network_of(dead) + 1, news.reason);
            break;
        case PARTNERS_NEWS_ALIVE:
            sinaut_note(line, "%s: %s lives on network %u: %s", line->line->name, name,
                        sinaut_network_of(news.new) + 1, news.reason);
            if (line->open && !line->listens && line->path[news.new].state == CONNECTION_CLOSED) {
                connect_path(line, now, news.new);
            }
            break;
        case PARTNERS_NEWS_START:
            if (line->open) { /* else the line closes, one path after the other */
                komet_group_start(group, now.instant, sinaut_network_of(news.new));
            }
            break;
        }
    }
    if (line->active) {
        sinaut_stations_follow(line);
    }
    if (dead != PARTNERS_NO_PATH) {
        sinaut_drop(line, now, dead, KOMET_PING_UNANSWERED, true);
    }
}

/* ---- opening and closing all ---- */

static void open_line(struct sinaut *line, struct line_now now)
{
    if (line->open) {
        return;
    }
    line->open = true;
    line->interval_at = komet_after(now.instant, line->line->reconnect_us);
    partners_forget_attempts(&line->partners);
    sinaut_pings_begin(line, now);
    if (line_listens(line->line)) {
        line->listens = line->listen_wanted = true;
        sinaut_names_ask(line);
        return;
    }
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        if (sinaut_has_path(line, path)) {
            line->path[path].host = 0;
            connect_path(line, now, path);
        }
    }
}

static void close_line(struct sinaut *line, struct line_now now, enum komet_reason reason)
{
    line->open = false;
    line->interval_at = line->listen_at = KOMET_NEVER;
    line->listen_end_wanted = line->listens && !line->listen_wanted;
    line->listens = line->listen_wanted = false;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        sinaut_drop(line, now, path, reason, true);
        line->path[path].retry_at = KOMET_NEVER;
        line->path[path].reason = reason;
    }
    partners_forget_attempts(&line->partners);
    sinaut_pings_end(line);
}

/* A standby may, where the line says so; it does nothing else. */
static bool interrogates(const struct sinaut *line)
{
    return line->active || (line->stands_by && line->partners.settings.interrogates_passive);
}

void sinaut_work(struct sinaut *line, struct line_now now)
{
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        unsigned path = sinaut_data_path(line, p);
        if (path != PARTNERS_NO_PATH) { /* what still waits for room asks anew below */
            komet_group_forget_send(line->partner[p].group, sinaut_network_of(path));
        }
    }
    if (line->active) {
        sinaut_answers_work(line, now);
    }
    if (interrogates(line)) {
        sinaut_stations_work(line, now);
    }
    if (line->active) {
        sinaut_commands_work(line, now);
    }
}

static void sinaut_activate(struct line_engine *engine, struct line_now now)
{
    struct sinaut *line = (struct sinaut *)engine;
    if (line->active) {
        return;
    }
    line->active = true;
    line->stands_by = false;
    line->report_changed = true;
    sinaut_forget_values(line, 0, line->tag_count);
    sinaut_outgoing_forget(line);
    sinaut_stations_activate(line);
    partners_set_acting(&line->partners, true);
    if (sinaut_any_speaks(line)) {
        open_line(line, now);
    } else {
        close_line(line, now, KOMET_DISABLED);
    }
    sinaut_follow(line, now);
    sinaut_work(line, now);
}

/* Silent: S formats, of events only when they are stored, and test frames. */
static void sinaut_stand_by(struct line_engine *engine, struct line_now now)
{
    struct sinaut *line = (struct sinaut *)engine;
    KOMET_ASSERT(!line->active);
    if (!line_stays_open(line->line) || line->stands_by) {
        return;
    }
    line->stands_by = true;
    line->report_changed = true;
    sinaut_forget_values(line, 0, line->tag_count);
    if (sinaut_any_speaks(line)) {
        open_line(line, now);
    }
}

static void sinaut_deactivate(struct line_engine *engine, struct line_now now, enum komet_reason reason)
{
    struct sinaut *line = (struct sinaut *)engine;
    line->active = false;
    line->stands_by = reason == KOMET_BECAME_PASSIVE && line_stays_open(line->line);
    line->report_changed = true;
    sinaut_forget_values(line, 0, line->tag_count);
    partners_set_acting(&line->partners, false);
    sinaut_commands_abandon(line, PARTNERS_NO_PATH, komet_reason_name(reason));
    sinaut_answers_abandon(line, PARTNERS_NO_PATH);
    sinaut_stations_forget(line);
    sinaut_outgoing_end(line);
    if (!line->stands_by) {
        close_line(line, now, reason);
    }
}

void sinaut_follow_modes(struct sinaut *line, struct line_now now)
{
    if (!sinaut_any_speaks(line)) {
        close_line(line, now, KOMET_DISABLED);
    } else {
        open_line(line, now);
    }
    if (line->active) {
        sinaut_stations_follow(line);
    }
    sinaut_work(line, now);
}

static void sinaut_set_mode(struct line_engine *engine, struct line_now now, const struct station *station,
                            unsigned mode)
{
    struct sinaut *line = (struct sinaut *)engine;
    if (sinaut_stations_set_mode(line, now, station, mode) && (line->active || line->stands_by)) {
        sinaut_follow_modes(line, now);
    }
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

static void sinaut_connected(struct line_engine *engine, struct line_now now, uint32_t connection)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path != PARTNERS_NO_PATH && line->path[path].state == CONNECTION_CONNECTING) {
        path_connected(line, now, path);
    }
}

static void sinaut_listening(struct line_engine *engine, struct line_now now, const char *fault)
{
    struct sinaut *line = (struct sinaut *)engine;
    line->listen_at =
        fault != NULL && line->listens ? komet_after(now.instant, line->line->reconnect_us) : KOMET_NEVER;
}

static uint32_t sinaut_accepted(struct line_engine *engine, struct line_now now,
                                const struct network_address *peer, uint16_t port)
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

static void sinaut_closed(struct line_engine *engine, struct line_now now, uint32_t connection,
                          enum komet_reason reason)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path != PARTNERS_NO_PATH) {
        sinaut_drop(line, now, path, reason, false);
        sinaut_work(line, now);
    }
}

static size_t sinaut_feed(struct line_engine *engine, struct line_now now, uint32_t connection,
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

static void sinaut_written(struct line_engine *engine, uint32_t connection, size_t size)
{
    struct sinaut *line = (struct sinaut *)engine;
    unsigned path = find_path(line, connection);
    if (path != PARTNERS_NO_PATH) {
        komet_group_written(line->partner[sinaut_partner_of(path)].group, sinaut_network_of(path), size);
    }
}

static void sinaut_stored(struct line_engine *engine, struct line_now now, uint32_t connection,
                          uint64_t frame)
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
        connect_path(line, now, path);
    }
}

static void sinaut_tick(struct line_engine *engine, struct line_now now)
{
    struct sinaut *line = (struct sinaut *)engine;
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        komet_group_tick(line->partner[p].group, now.instant);
    }
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        tick_path(line, now, path);
    }
    sinaut_pings_tick(line, now);
    if (komet_reached(now.instant, line->interval_at)) {
        line->interval_at = komet_after(now.instant, line->line->reconnect_us);
        partners_interval(&line->partners);
        sinaut_names_ask(line);
        sinaut_follow(line, now);
    }
    if (komet_reached(now.instant, line->listen_at)) {
        line->listen_at = KOMET_NEVER;
        line->listen_wanted = true;
    }
    sinaut_work(line, now);
}

static struct komet_instant sinaut_deadline(const struct line_engine *engine)
{
    const struct sinaut *line = (const struct sinaut *)engine;
    struct komet_instant deadline = komet_earlier(line->interval_at, line->listen_at);
    deadline = komet_earlier(deadline, sinaut_pings_deadline(line));
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        deadline = komet_earlier(deadline, komet_group_deadline(line->partner[p].group));
    }
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        deadline = komet_earlier(deadline, line->path[path].retry_at);
        deadline = komet_earlier(deadline, line->path[path].connect_by);
        deadline = komet_earlier(deadline, store_deadline(line, path));
    }
    if (interrogates(line)) {
        deadline = komet_earlier(deadline, sinaut_stations_deadline(line));
    }
    if (line->active) {
        deadline = komet_earlier(deadline, sinaut_commands_deadline(line));
    }
    return deadline;
}

/* ---- what is known ---- */

/* Does a partner speak with us? Nobody asks that of a line that is closed. */
static enum line_reach reach_of(const struct sinaut *line)
{
    if (!line->open) {
        return REACH_UNKNOWN;
    }
    bool any = sinaut_data_path(line, 0) != PARTNERS_NO_PATH || sinaut_data_path(line, 1) != PARTNERS_NO_PATH;
    return any ? REACH_YES : REACH_NO;
}

static struct line_report sinaut_report(const struct line_engine *engine)
{
    const struct sinaut *line = (const struct sinaut *)engine;
    static const char *const paths[2][PARTNERS_NETWORKS] = {{"1", "2"}, {"1 data", "2 data"}};
    struct line_report report = {.connection = line->connection, .reach = reach_of(line)};
    report.value = partners_line(&line->partners, &report.flags);
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        if (sinaut_has_path(line, path)) {
            struct line_connection *connection = &report.connections[report.connection_count++];
            const struct address *address = sinaut_address_of(line, path);
            unsigned partner = sinaut_partner_of(path);
            line_address_text(address->host, address->port, connection->address);
            connection->state = line->path[path].state;
            connection->reason = line->path[path].reason;
            connection->partner = partner_facts(line, partner)->name;
            connection->path = paths[sinaut_data_path(line, partner) == path][sinaut_network_of(path)];
            connection->role =
                partner_standing_name((enum partner_standing)line->partners.partner[partner].standing);
        }
    }
    if (line->manner->alternates) {
        sinaut_report_paired(line, &report);
    }
    return report;
}

static struct line_counters sinaut_counters(const struct line_engine *engine)
{
    return ((const struct sinaut *)engine)->counters;
}

static void sinaut_command(struct line_engine *engine, struct line_now now, const struct line_command *order)
{
    sinaut_commands_order((struct sinaut *)engine, now, order);
}

/* Its connections are numbered behind those of the line in whose place it comes. */
static void sinaut_succeed(struct line_engine *engine, uint32_t connection, enum komet_reason reason)
{
    struct sinaut *line = (struct sinaut *)engine;
    (void)reason;
    line->connection = connection;
}

const struct line_verbs line_sinaut = {
    .size = sinaut_size,
    .init = sinaut_init,
    .move = sinaut_move,
    .succeed = sinaut_succeed,
    .activate = sinaut_activate,
    .stand_by = sinaut_stand_by,
    .deactivate = sinaut_deactivate,
    .set_mode = sinaut_set_mode,
    .listening = sinaut_listening,
    .accepted = sinaut_accepted,
    .connected = sinaut_connected,
    .closed = sinaut_closed,
    .pinged = sinaut_pinged,
    .found = sinaut_found,
    .outgoing_begin = sinaut_outgoing_begin,
    .outgoing = sinaut_outgoing,
    .outgoing_ready = sinaut_outgoing_ready,
    .feed = sinaut_feed,
    .written = sinaut_written,
    .tick = sinaut_tick,
    .deadline = sinaut_deadline,
    .stored = sinaut_stored,
    .command = sinaut_command,
    .next = sinaut_next,
    .report = sinaut_report,
    .counters = sinaut_counters,
};
