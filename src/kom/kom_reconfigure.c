/*
 * RELOAD: the lines of a running KOM become those of a changed site. What goes on is moved into other memory,
 * what its server is told afterwards is in the numbers of the new configuration.
 */
#include "kom/kom_private.h"

void kom_take_configuration(struct kom *kom, const Komet__Wire__Configuration *configuration)
{
    if (!kom->welcome || kom->process == NULL || kom->next_configuration != kom->configuration) {
        kom_note(kom, "the server sent a configuration before the one before it was applied");
        return; /* it does not hear that this one was applied, and disconnects us */
    }
    kom->next_configuration = configuration->number;
    kom->configuration_message = configuration;
}

/* Its connection was made under facts that do not hold any more. */
static bool is_left(const struct site_difference *difference, const struct line *line)
{
    const struct line *now = difference_line(difference, line);
    return now == NULL || difference_line_change(difference, now) == LINE_RECONNECTS;
}

void kom_leave_lines(struct kom *kom, struct line_now now, const struct site_difference *difference)
{
    KOMET_ASSERT(kom->process != NULL);
    for (uint16_t i = 0; i < kom->process->line_count; i++) {
        if (is_left(difference, &kom->process->lines[i])) {
            line_deactivate(kom->lines[i].engine, now, KOMET_RECONFIGURED);
            kom_absorb(kom, now, i);
        }
    }
}

/* True when the line is fresh, and passive. */
static bool place_line(struct kom *kom, struct kom_pieces *pieces, const struct line *line,
                       const struct site_difference *difference, struct line_now now)
{
    struct kom_line *to = &pieces->lines[line->index];
    const struct line *was = difference_line_was(difference, line);
    struct kom_line *from = was != NULL ? &kom->lines[was->index] : NULL;
    void *place = to->engine;
    if (from != NULL && !is_left(difference, was)) {
        KOMET_ASSERT(from->abort_count == 0 && from->connect_count == 0 && from->ping_count == 0 &&
                     from->find_count == 0 && !from->listen &&
                     !from->listen_end); /* the shell would look for them by the old number */
        *to = *from;
        to->engine = line_move(place, line_size(line), from->engine, line, difference, now);
        if (index_set_has(&kom->marks.line_reports, was->index)) {
            index_set_add(&pieces->marks.line_reports, line->index);
        }
        return false;
    }
    to->engine = line_init(place, line_size(line), line, now);
    if (from != NULL) {
        line_succeed(to->engine, from->engine);
    }
    index_set_add(&pieces->marks.line_reports, line->index);
    return true;
}

static void move_stations(struct kom *kom, struct kom_pieces *pieces, const struct process *process,
                          const struct site_difference *difference)
{
    for (unsigned i = 0; i < process->station_count; i++) {
        const struct station *was = difference_station_was(difference, process->stations[i]);
        if (was != NULL) {
            pieces->stations[i] = kom->stations[was->number];
            if (index_set_has(&kom->marks.station_reports, was->number)) {
                index_set_add(&pieces->marks.station_reports, i);
            }
        }
    }
}

/* Commands of masters whose line goes on; who gave the others is gone with its connection. */
static void move_masters(struct kom *kom, const struct site_difference *difference)
{
    for (unsigned i = 0; i < KOM_MASTERS_MAX; i++) {
        struct kom_master *master = &kom->masters[i];
        if (master->id == 0) {
            continue;
        }
        const struct line *was = &kom->process->lines[master->line];
        const struct tag *tag = difference_tag(difference, master->command.tag);
        if (tag == NULL || is_left(difference, was)) {
            master->id = 0;
        } else {
            master->line = difference_line(difference, was)->index;
            master->command.tag = tag;
        }
    }
}

void kom_reconfigure(struct kom *kom, void *memory, size_t size, const struct process *process,
                     const struct site_difference *difference, struct line_now now)
{
    KOMET_ASSERT(size >= kom_lines_size(process) && kom->next_configuration != kom->configuration);
    KOMET_ASSERT(difference_process_was(difference, process) == kom->process);
    struct kom_pieces pieces;
    kom_lay_out(&pieces, memory, process);
    struct batch *batch = batch_move(pieces.batch, pieces.batch_size, pieces.connections, kom->batch,
                                     kom->process, process, difference);
    move_stations(kom, &pieces, process, difference);
    move_masters(kom, difference);
    for (uint16_t i = 0; i < process->line_count; i++) {
        bool fresh = place_line(kom, &pieces, &process->lines[i], difference, now);
        if (fresh && kom->active) {
            line_activate(pieces.lines[i].engine, now);
        }
    }
    kom->lines = pieces.lines;
    kom->stations = pieces.stations;
    kom->marks = pieces.marks;
    kom->batch = batch;
    kom->process = process;
    kom->handed.octets = NULL;
    kom->configuration = kom->next_configuration;
    kom->configured = true;
    if (!kom->active) {
        kom_stand_by(kom, now);
    }
    for (uint16_t i = 0; i < process->line_count; i++) {
        kom_absorb(kom, now, i);
    }
    kom_note(kom, "configuration %llu is applied", (unsigned long long)kom->configuration);
}

bool kom_next_configured(struct kom *kom, struct kom_output *output)
{
    if (!kom->configured || !kom->connected) {
        return false;
    }
    Komet__Wire__Configured *body = &kom->slot.body.configured;
    kom->configured = false;
    komet__wire__configured__init(body);
    body->number = kom->configuration;
    komet__wire__message__init(&kom->slot.message);
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_CONFIGURED;
    kom->slot.message.configured = body;
    output->kind = KOM_OUT_MESSAGE;
    output->message = &kom->slot.message;
    return true;
}
