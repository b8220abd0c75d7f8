/*
 * iec104: the life of a line's one connection (protocol iec104, category tcp, controlling station).
 *
 * Active and CLOSED, it asks for a connection to the next of its hosts, waits t0 for it, starts data
 * transfer, interrogates each station, and hands values out. Whatever ends the connection leads back to
 * CLOSED with a named reason and an attempt at the next host after `reconnect`.
 *
 * Standing by with `standby: warm`, it keeps a connection in the same way and stops there: STARTDT is not
 * sent, so nothing but test frames is, and a station that sends data on it all the same is closed by the
 * link. To act is then to send STARTDT on the connection that stands. A connection that was started is never
 * used for standing by: it is reset, so that giving the role up waits for no station.
 */
#include "line/iec104_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/lay_out.h"

/* The engine's memory: itself with its stations, the tags' last values, the link. */
size_t iec104_lay_out(uint8_t *memory, const struct line *line, struct iec104 **engine)
{
    struct komet_link_settings settings = line_link_settings(line, KOMET_CONTROLLING);
    size_t used = 0, stations = line->station_count * sizeof(struct station_state);
    uint32_t tags = line_tag_count(line);
    struct iec104 *laid = lay_out_take(memory, &used, sizeof(struct iec104) + stations);
    struct value *last = lay_out_take(memory, &used, tags * sizeof(struct value));
    void *link_memory = lay_out_take(memory, &used, komet_link_size(&settings));
    if (memory != NULL) {
        memset(laid, 0, sizeof(struct iec104) + stations);
        laid->settings = settings;
        laid->last = last;
        laid->tag_count = tags;
        laid->link_memory = link_memory;
        *engine = laid;
    }
    return used;
}

/* Change detection begins afresh: the next value of each tag goes on. */
void iec104_forget_values(struct iec104 *line, uint32_t first, uint32_t count)
{
    KOMET_ASSERT(first + count <= line->tag_count);
    for (uint32_t i = 0; i < count; i++) {
        line->last[first + i] = value_unknown();
    }
}

static void forget_values(struct iec104 *line)
{
    iec104_forget_values(line, 0, line->tag_count);
}

static size_t iec104_size(const struct line *line)
{
    return iec104_lay_out(NULL, line, NULL);
}

static struct line_engine *iec104_init(void *memory, const struct line *line, struct line_now now)
{
    KOMET_ASSERT(line->host_count > 0);
    struct iec104 *engine;
    iec104_lay_out(memory, line, &engine);
    engine->line = line;
    engine->retry_at = KOMET_NEVER;
    forget_values(engine);
    iec104_stations_init(engine);
    (void)now;
    return &engine->engine;
}

int64_t iec104_parameter(const struct iec104 *line, enum parameter_id id)
{
    return line->line->parameters.value[id];
}

void iec104_note(struct iec104 *line, const char *format, ...)
{
    if (line->note_count == LINE_NOTES_MAX) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->notes[line->note_count++], LINE_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

/* Is a connection wanted? */
static bool connects(const struct iec104 *line)
{
    return (line->active || line->stands_by) && iec104_stations_any_speaks(line);
}

/* The one place where the state of the connection changes. */
static void set_state(struct iec104 *line, enum connection_state state)
{
    KOMET_ASSERT(line->active || state == CONNECTION_CLOSED ||
                 (line->stands_by && state <= CONNECTION_STOPPED));
    if (line->state != state) {
        line->state = state;
        line->report_changed = true;
    }
}

void iec104_drop(struct iec104 *line, struct line_now now, enum komet_reason reason, bool abort)
{
    if (line->state == CONNECTION_CLOSED) {
        return;
    }
    line->link = NULL;
    line->reason = reason;
    if (line->values_waiting) { /* nobody will see them: nothing may be measured against them */
        line->values_waiting = false;
        forget_values(line);
    }
    line->abort_wanted = abort;
    line->abort_reason = reason;
    line->connect_wanted = false;
    line->report_changed = true;
    line->failures++;
    iec104_commands_abandon(line, komet_reason_name(reason));
    set_state(line, CONNECTION_CLOSED);
    if (line->active || line->stands_by) {
        line->host = (uint8_t)((line->host + 1) % line->line->host_count);
        line->retry_at = connects(line) ? komet_after(now.instant, line->line->reconnect_us) : KOMET_NEVER;
    }
    if (line->active) {
        iec104_stations_follow(line);
    }
}

static void connect_next(struct iec104 *line, struct line_now now)
{
    KOMET_ASSERT(line->link == NULL);
    line->connection++;
    line->connect_wanted = true;
    line->retry_at = KOMET_NEVER;
    line->connect_by = komet_after(now.instant, KOMET_MS(iec104_parameter(line, PARAMETER_WT0)));
    set_state(line, CONNECTION_CONNECTING);
}

static void work(struct iec104 *line, struct line_now now)
{
    if (line->read_only || line->state != CONNECTION_STARTED || !komet_reached(now.instant, line->start_at)) {
        return;
    }
    iec104_stations_work(line, now);
}

static void iec104_succeed(struct line_engine *engine, uint32_t connection, enum komet_reason reason)
{
    struct iec104 *line = (struct iec104 *)engine;
    KOMET_ASSERT(!line->active && line->connection == 0);
    line->connection = connection;
    line->reason = reason;
}

static void iec104_activate(struct line_engine *engine, struct line_now now)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (line->active) {
        return;
    }
    line->active = true;
    line->stands_by = false;
    forget_values(line);
    line->failures = 0;
    line->report_changed = true;
    iec104_stations_activate(line);
    if (line->link != NULL) {
        komet_link_start(line->link, now.instant);
    } else if (!iec104_stations_any_speaks(line)) {
        line->reason = KOMET_DISABLED;
    } else if (line->state == CONNECTION_CLOSED) {
        line->host = 0;
        connect_next(line, now);
    }
}

static void iec104_stand_by(struct line_engine *engine, struct line_now now)
{
    struct iec104 *line = (struct iec104 *)engine;
    KOMET_ASSERT(!line->active);
    if (line->stands_by || line->line->standby != STANDBY_WARM) {
        return;
    }
    line->stands_by = true;
    line->report_changed = true;
    if (connects(line) && line->connection == 0) {
        connect_next(line, now);
    } else if (connects(line)) { /* what was closed just now is not opened again at once */
        line->retry_at = komet_after(now.instant, line->line->reconnect_us);
    }
}

static void iec104_deactivate(struct line_engine *engine, struct line_now now, enum komet_reason reason)
{
    struct iec104 *line = (struct iec104 *)engine;
    line->active = line->stands_by = false;
    line->retry_at = KOMET_NEVER;
    iec104_drop(line, now, reason, true);
    iec104_commands_abandon(line, komet_reason_name(reason));
    KOMET_ASSERT(line->link == NULL && line->state == CONNECTION_CLOSED);
}

static void iec104_read_only(struct line_engine *engine, bool read_only)
{
    struct iec104 *line = (struct iec104 *)engine;
    KOMET_ASSERT(!line->active);
    line->read_only = read_only;
}

static void iec104_set_mode(struct line_engine *engine, struct line_now now, const struct station *station,
                            unsigned mode)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (iec104_stations_set_mode(line, now, station, mode)) {
        iec104_follow_modes(line, now);
    }
}

void iec104_follow_modes(struct iec104 *line, struct line_now now)
{
    if (!line->active && !line->stands_by) {
        return;
    }
    line->report_changed = true; /* what is reached may be another thing now */
    if (!iec104_stations_any_speaks(line)) {
        iec104_drop(line, now, KOMET_DISABLED, true);
        line->reason = KOMET_DISABLED;
        line->retry_at = KOMET_NEVER;
        line->failures = 0;
        line->host = 0;
    } else if (line->state == CONNECTION_CLOSED && line->retry_at.us == KOMET_NEVER.us) {
        connect_next(line, now);
    }
    if (line->active) {
        iec104_stations_follow(line);
        work(line, now);
    }
}

static void iec104_connected(struct line_engine *engine, struct line_now now, uint32_t connection)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (connection != line->connection || line->state != CONNECTION_CONNECTING) {
        return;
    }
    line->link =
        komet_link_init(line->link_memory, komet_link_size(&line->settings), &line->settings, now.instant);
    line->handed = line->stored = 0;
    line->larger_k = false;
    line->connect_wanted = false;
    set_state(line, CONNECTION_STOPPED);
    if (line->active) {
        komet_link_start(line->link, now.instant);
    }
}

static void iec104_closed(struct line_engine *engine, struct line_now now, uint32_t connection,
                          enum komet_reason reason)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (connection == line->connection) {
        iec104_drop(line, now, reason, false);
    }
}

static size_t iec104_feed(struct line_engine *engine, struct line_now now, uint32_t connection,
                          const uint8_t *octets, size_t size)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (connection != line->connection || line->link == NULL) {
        return size;
    }
    KOMET_ASSERT(!line->values_waiting); /* the caller takes what the last frame brought first */
    return komet_link_feed(line->link, now.instant, octets, size);
}

static void iec104_written(struct line_engine *engine, uint32_t connection, size_t size)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (connection == line->connection && line->link != NULL) {
        komet_link_written(line->link, size);
    }
}

static void iec104_stored(struct line_engine *engine, struct line_now now, uint32_t connection,
                          uint64_t frame)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (connection != line->connection || line->link == NULL || frame <= line->stored) {
        return;
    }
    KOMET_ASSERT(frame <= line->handed);
    line->stored = frame;
    komet_link_acknowledge(line->link, now.instant, frame);
}

static struct komet_instant store_deadline(const struct iec104 *line)
{
    if (line->link == NULL || line->stored == line->handed) {
        return KOMET_NEVER;
    }
    return komet_after(line->frame_times[(line->stored + 1) % LINE_FRAME_TIMES], line->line->store_limit_us);
}

static void iec104_tick(struct line_engine *engine, struct line_now now)
{
    struct iec104 *line = (struct iec104 *)engine;
    if (line->link != NULL) {
        komet_link_tick(line->link, now.instant);
    }
    if (komet_reached(now.instant, store_deadline(line))) {
        iec104_drop(line, now, KOMET_NOT_STORED, true);
    }
    if (line->state == CONNECTION_CONNECTING && komet_reached(now.instant, line->connect_by)) {
        iec104_drop(line, now, KOMET_T0_EXPIRED, true);
    }
    if (connects(line) && line->state == CONNECTION_CLOSED && komet_reached(now.instant, line->retry_at)) {
        connect_next(line, now);
    }
    work(line, now);
    iec104_commands_tick(line, now);
}

static struct komet_instant iec104_deadline(const struct line_engine *engine)
{
    const struct iec104 *line = (const struct iec104 *)engine;
    struct komet_instant deadline = komet_earlier(line->retry_at, store_deadline(line));
    deadline = komet_earlier(deadline, iec104_commands_deadline(line));
    if (line->state == CONNECTION_CONNECTING) {
        deadline = komet_earlier(deadline, line->connect_by);
    }
    if (line->link != NULL) {
        deadline = komet_earlier(deadline, komet_link_deadline(line->link));
    }
    return komet_earlier(deadline, iec104_stations_deadline(line));
}

static void link_state_changed(struct iec104 *line, struct line_now now, enum komet_link_state state)
{
    switch (state) {
    case KOMET_LINK_STOPPED:
        set_state(line, CONNECTION_STOPPED);
        break;
    case KOMET_LINK_STARTING:
        set_state(line, CONNECTION_STARTING);
        break;
    case KOMET_LINK_STARTED:
        line->failures = 0;
        line->start_at = komet_after(now.instant, KOMET_MS(iec104_parameter(line, PARAMETER_PSD)));
        set_state(line, CONNECTION_STARTED);
        iec104_stations_start(line, now);
        iec104_stations_follow(line);
        work(line, now);
        break;
    case KOMET_LINK_STOPPING:
        set_state(line, CONNECTION_STOPPING);
        break;
    case KOMET_LINK_CLOSED:
        break; /* the CLOSE output follows */
    }
}

/* Frames without acknowledgement are at least as many to the station as to us: it may repeat more of them
 * after a new connection than the server looks at. */
static void compare_windows(struct iec104 *line)
{
    struct komet_link_counters counters;
    komet_link_counters(line->link, &counters);
    if (!line->larger_k && counters.unacknowledged_received > line->settings.k) {
        line->larger_k = true;
        line->counters.larger_k++;
        iec104_note(line,
                    "%s: the station leaves more than K = %u frames open; set K to its k, or repeats may be "
                    "taken for new events",
                    line->line->name, line->settings.k);
    }
}

/* One output of the link. True when `output` was filled. */
static bool take_link_output(struct iec104 *line, struct line_now now, const struct komet_link_output *from,
                             struct line_output *output)
{
    switch (from->kind) {
    case KOMET_LINK_OUT_STATE:
        link_state_changed(line, now, from->state);
        return false;
    case KOMET_LINK_OUT_ASDU:
        line->counters.frames++;
        compare_windows(line);
        iec104_receive(line, now, from->octets, from->size, from->received, from->cf3_mark);
        if (line->wanted) { /* what came asks for an interrogation */
            work(line, now);
        }
        return false;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        iec104_commands_acknowledged(line, from->acknowledged);
        work(line, now);
        iec104_commands_tick(line, now);
        return false;
    case KOMET_LINK_OUT_SEND:
        *output = (struct line_output){.kind = LINE_OUT_SEND,
                                       .connection = line->connection,
                                       .octets = from->octets,
                                       .size = from->size};
        return true;
    case KOMET_LINK_OUT_CLOSE:
        iec104_drop(line, now, from->reason, true);
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown output of the link");
}

/* What waits inside the line itself, in the order in which the world should see it. */
static bool take_own_output(struct iec104 *line, struct line_output *output)
{
    *output = (struct line_output){.connection = line->connection};
    if (line->note_next < line->note_count) {
        output->kind = LINE_OUT_NOTE;
        output->text = line->notes[line->note_next++];
        return true;
    }
    line->note_next = line->note_count = 0;
    if (line->end_next < line->end_count) {
        const struct command_end *end = &line->ends[line->end_next++];
        output->kind = LINE_OUT_COMMAND_END;
        output->id = end->id;
        output->result = end->result;
        output->text = end->reason;
        output->number = end->number;
        output->flags = end->flags;
        output->cause = end->cause;
        return true;
    }
    line->end_next = line->end_count = 0;
    if (line->abort_wanted) {
        line->abort_wanted = false;
        output->kind = LINE_OUT_ABORT;
        output->reason = line->abort_reason;
        return true;
    }
    if (line->values_waiting) {
        line->values_waiting = false;
        output->kind = LINE_OUT_VALUES;
        output->values = line->values;
        output->count = line->value_count;
        output->frame = line->value_frame;
        return true;
    }
    if (line->connect_wanted) {
        line->connect_wanted = false;
        output->kind = LINE_OUT_CONNECT;
        output->address = &line->line->hosts[line->host];
        return true;
    }
    if (line->report_changed) {
        line->report_changed = false;
        output->kind = LINE_OUT_LINE;
        return true;
    }
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->stations[i].changed) {
            line->stations[i].changed = false;
            output->kind = LINE_OUT_STATION;
            output->station = &line->line->stations[i];
            output->station_value = line->stations[i].value;
            return true;
        }
    }
    return false;
}

static bool iec104_next(struct line_engine *engine, struct line_now now, struct line_output *output)
{
    struct iec104 *line = (struct iec104 *)engine;
    struct komet_link_output from;
    for (;;) {
        if (take_own_output(line, output)) {
            return true;
        }
        if (line->link == NULL || !komet_link_next(line->link, now.instant, &from)) {
            return false;
        }
        if (take_link_output(line, now, &from, output)) {
            return true;
        }
    }
}

/* Nobody asks for a connection to stations that are not spoken with, or for one of a cold line. */
static enum line_reach reach_of(const struct iec104 *line)
{
    if (!connects(line)) {
        return REACH_UNKNOWN;
    }
    enum connection_state wanted = line->active ? CONNECTION_STARTED : CONNECTION_STOPPED;
    return line->state == wanted ? REACH_YES : REACH_NO;
}

static struct line_report iec104_report(const struct line_engine *engine)
{
    const struct iec104 *line = (const struct iec104 *)engine;
    const struct address *host = &line->line->hosts[line->host];
    bool connected = line->link != NULL;
    struct line_report report = {.value = connected,
                                 .flags = (value_flags)(connected ? 1u << line->host : 0u),
                                 .connection = line->connection,
                                 .connection_count = 1,
                                 .reach = reach_of(line),
                                 .connections = {{.state = line->state, .reason = line->reason}}};
    line_address_text(host->host, host->port, report.connections[0].address);
    return report;
}

static struct line_counters iec104_counters(const struct line_engine *engine)
{
    const struct iec104 *line = (const struct iec104 *)engine;
    return line->counters;
}

const struct line_verbs line_iec104 = {
    .size = iec104_size,
    .init = iec104_init,
    .move = iec104_move,
    .succeed = iec104_succeed,
    .activate = iec104_activate,
    .stand_by = iec104_stand_by,
    .deactivate = iec104_deactivate,
    .read_only = iec104_read_only,
    .set_mode = iec104_set_mode,
    .connected = iec104_connected,
    .closed = iec104_closed,
    .feed = iec104_feed,
    .written = iec104_written,
    .tick = iec104_tick,
    .deadline = iec104_deadline,
    .stored = iec104_stored,
    .command = iec104_command,
    .next = iec104_next,
    .report = iec104_report,
    .counters = iec104_counters,
};
