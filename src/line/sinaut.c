/*
 * sinaut: a Sinaut line as a whole (protocol iec104-sinaut, either side of connecting): its memory, acting and
 * standing by, what it reports. Its connections are those of sinaut_paths.c.
 */
#include "line/sinaut_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/lay_out.h"

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
    uint64_t obuf = (uint64_t)of->parameters.value[PARAMETER_OBUF];
    uint64_t capacity = sinaut_manner_of(of)->balanced ? obuf + SINAUT_WRITES_MAX : 0;
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
            sinaut_connect(line, now, path);
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

static void sinaut_listening(struct line_engine *engine, struct line_now now, const char *fault)
{
    struct sinaut *line = (struct sinaut *)engine;
    line->listen_at =
        fault != NULL && line->listens ? komet_after(now.instant, line->line->reconnect_us) : KOMET_NEVER;
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

/* ---- time ---- */

static void sinaut_tick(struct line_engine *engine, struct line_now now)
{
    struct sinaut *line = (struct sinaut *)engine;
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        komet_group_tick(line->partner[p].group, now.instant);
    }
    sinaut_paths_tick(line, now);
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
    deadline = komet_earlier(deadline, sinaut_paths_deadline(line));
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
            connection->partner = sinaut_partner_facts(line, partner)->name;
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
