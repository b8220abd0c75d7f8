/*
 * The checkers of values that masters are sent, see checkers_masters.h.
 */
#include "sim/checkers_masters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/asdu.h"
#include "sim/world.h"

static struct checkers_masters *checkers_of(struct world *world)
{
    return &world->checkers_masters;
}

static struct check_wire *wire_of(struct world *world, const struct sim_connection *connection)
{
    struct checkers_masters *checkers = checkers_of(world);
    if (checkers->wires == NULL) {
        checkers->wires = calloc(NETWORK_CONNECTIONS_MAX, sizeof *checkers->wires);
        KOMET_ASSERT(checkers->wires != NULL);
    }
    return &checkers->wires[connection - world->network.connections];
}

static struct check_stream *stream_of(struct world *world, const struct sim_kom *kom)
{
    return &world->koms[kom - world->koms].stream;
}

static bool is_timed(unsigned output)
{
    return output % OUTPUT_COUNT != OUTPUT_LAST;
}

void checkers_masters_free(struct world *world)
{
    struct checkers_masters *checkers = checkers_of(world);
    for (unsigned i = 0; i < CHECK_OUTPUTS_MAX; i++) {
        free(checkers->outputs[i].events);
    }
    free(checkers->wires);
    free(checkers->commands);
}

/* ---- the journal ---- */

static void add_event(struct world *world, struct check_output *output, size_t at)
{
    const struct record_event *event = &world->disk.records[at].of.event;
    if (output->count == output->capacity) {
        output->capacity = output->capacity == 0 ? 1024 : output->capacity * 2;
        output->events = realloc(output->events, output->capacity * sizeof output->events[0]);
        KOMET_ASSERT(output->events != NULL);
    }
    bool invalid = event->value.status == STATUS_INVALID || event->value.status == STATUS_UNKNOWN;
    output->events[output->count++] =
        (struct check_output_event){event->frame, event->value.time.ms, event->value.number, invalid, at};
    uint64_t *newest = &checkers_of(world)->newest;
    *newest = event->frame > *newest ? event->frame : *newest;
}

static void look_at_record(struct world *world, size_t at)
{
    const struct record *record = &world->disk.records[at];
    unsigned station;
    char end;
    if (record->kind != RECORD_EVENT || record->of.event.tag[0] != 'U') {
        return;
    }
    int output = masters_site_output(record->of.event.tag);
    if (output >= 0) {
        add_event(world, &checkers_of(world)->outputs[output], at);
    } else if (sscanf(record->of.event.tag, "U%u.I%c", &station, &end) == 2) {
        checkers_masters_stored(world, record->of.event.value.number, at);
    }
}

/* A crash has forgotten what was not synced. */
static void forget(struct world *world)
{
    struct checkers_masters *checkers = checkers_of(world);
    for (unsigned i = 0; i < CHECK_OUTPUTS_MAX; i++) {
        struct check_output *output = &checkers->outputs[i];
        while (output->count > 0 && output->events[output->count - 1].at >= world->disk.count) {
            output->count--;
        }
    }
    for (size_t i = 0; i < checkers->command_capacity; i++) {
        struct check_command *command = &checkers->commands[i];
        command->stored_at = command->stored_at > world->disk.count ? 0 : command->stored_at;
    }
    checkers->looked_at = world->disk.count;
}

void checkers_masters_look(struct world *world)
{
    struct checkers_masters *checkers = checkers_of(world);
    if (world->disk.count < checkers->looked_at) {
        forget(world);
    }
    while (checkers->looked_at < world->disk.count) {
        look_at_record(world, checkers->looked_at++);
    }
}

void checkers_masters_noted(struct world *world, const char *text)
{
    bool lost = strstr(text, "are lost") != NULL && world->broken != BREAK_LOST_UNSAID;
    checkers_of(world)->said_lost = checkers_of(world)->said_lost || lost;
}

/* ---- what the masters surely have ---- */

static bool begins(const wire_message *message)
{
    return message->body_case == KOMET__WIRE__MESSAGE__BODY_OUTGOING && message->outgoing->begin;
}

/* While one acts it is what any instance brought them; while all act, what this one did. */
void checkers_masters_told(struct world *world, const struct sim_kom *kom, const wire_message *message)
{
    if (!begins(message)) {
        return;
    }
    bool all_act = server_instances(world->server, world_process(world, kom))->all_act;
    struct check_stream *stream = stream_of(world, kom);
    KOMET_ASSERT(stream->begin_count < CHECK_BEGINS_MAX);
    uint64_t *has = stream->begins[stream->begin_count++];
    memset(has, 0, sizeof stream->begins[0]);
    for (size_t i = 0; i < world->disk.synced; i++) {
        const struct record *record = &world->disk.records[i];
        unsigned group;
        if (record->kind == RECORD_TAKEN && (!all_act || record->instance == kom->identity.instance) &&
            sscanf(record->of.taken.masters, "10.9.%u.", &group) == 1 &&
            record->of.taken.position > has[group]) {
            has[group] = record->of.taken.position;
        }
    }
}

void checkers_masters_heard(struct world *world, const struct sim_kom *kom, const wire_message *message)
{
    struct check_stream *stream = stream_of(world, kom);
    if (!begins(message)) {
        return;
    }
    KOMET_ASSERT(stream->begin_count > 0);
    memcpy(stream->has, stream->begins[0], sizeof stream->has);
    memmove(stream->begins, stream->begins[1], --stream->begin_count * sizeof stream->begins[0]);
    memset(stream->next, 0, sizeof stream->next);
}

void checkers_masters_link_closed(struct world *world, const struct sim_kom *kom)
{
    stream_of(world, kom)->begin_count = 0;
}

/* ---- sent ---- */

void checkers_masters_connected(struct world *world, const struct sim_connection *connection)
{
    memset(wire_of(world, connection), 0, sizeof(struct check_wire));
}

static bool is_this(const struct check_output_event *event, unsigned output,
                    const struct komet_object *object)
{
    bool invalid = (object->quality & KOMET_QUALITY_IV) != 0;
    bool same = event->number == komet_object_number(object) && event->invalid == invalid;
    struct komet_utc about = {event->time_ms};
    return same && (!is_timed(output) || komet_cp56_to_utc(&object->time, about).ms == event->time_ms);
}

/* The first event from `first` on that an object is; SIZE_MAX: none. */
static size_t find_event(const struct check_output *output, unsigned number,
                         const struct komet_object *object, size_t first)
{
    size_t found = SIZE_MAX;
    for (size_t i = first; i < output->count && found == SIZE_MAX; i++) {
        found = is_this(&output->events[i], number, object) ? i : found;
    }
    return found;
}

/* The newest event that an object without time may be, which is `event` or behind it. */
static size_t find_newest(const struct check_output *output, unsigned number,
                          const struct komet_object *object, size_t event)
{
    size_t newest = output->count - 1;
    while (newest > event && !is_this(&output->events[newest], number, object)) {
        newest--;
    }
    return newest;
}

static size_t first_behind(const struct check_output *output, uint64_t position)
{
    size_t first = 0, last = output->count;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (output->events[middle].position <= position) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

/* The event that an object is, when it may be sent now; SIZE_MAX: there is none, which is a breach. */
static size_t check_object(struct world *world, const struct sim_connection *connection, unsigned number,
                           const struct komet_object *object)
{
    const struct check_output *output = &checkers_of(world)->outputs[number];
    const struct check_wire *wire = wire_of(world, connection);
    const struct check_stream *stream = stream_of(world, connection->kom);
    unsigned group = connection->master->group;
    size_t first = first_behind(output, stream->has[group]), next = stream->next[group][number];
    first = first > wire->next[number] ? first : wire->next[number];
    bool expected = next >= first && next < output->count && is_this(&output->events[next], number, object);
    size_t event = expected ? next : find_event(output, number, object, first);
    if (event == SIZE_MAX) {
        event = find_event(output, number, object, 0);
        enum check check = event == SIZE_MAX            ? CHECK_SENT
                           : event < wire->next[number] ? CHECK_ORDER
                                                        : CHECK_AGAIN;
        checkers_breach(world, check, "masters %u are sent %g of address %u, which %s", group,
                        komet_object_number(object), (unsigned)object->ioa,
                        check == CHECK_SENT    ? "the journal has not"
                        : check == CHECK_ORDER ? "does not follow what they were sent"
                                               : "they have");
        return SIZE_MAX;
    }
    if (output->events[event].at >= world->disk.synced) {
        checkers_breach(world, CHECK_SENT, "masters %u are sent %g of address %u, which is not on disk yet",
                        group, komet_object_number(object), (unsigned)object->ioa);
    }
    return event;
}

/* So many came behind it that there was no room for it, and the log said so. */
static bool may_be_lost(const struct world *world, const struct check_output_event *event)
{
    return event->position + world->plan.centre.buffer <= world->checkers_masters.newest &&
           world->checkers_masters.said_lost;
}

/* The event in front of it was sent, and may as well have been this one: on the wire they are the same. */
static bool was_sent(const struct check_output *output, size_t event)
{
    const struct check_output_event *of = &output->events[event], *before = of - 1;
    return event > 0 && of->time_ms == before->time_ms && of->number == before->number &&
           of->invalid == before->invalid;
}

/* The events in front of `event` that are not to be missing, behind the one that was sent before it. */
static void check_none_missing(struct world *world, unsigned group, unsigned number, size_t next,
                               size_t event, const char *what)
{
    const struct check_output *output = &checkers_of(world)->outputs[number];
    for (size_t i = next; is_timed(number) && i < event; i++) {
        bool sent = was_sent(output, i);
        if (!sent && !may_be_lost(world, &output->events[i])) {
            checkers_breach(world, CHECK_MISSED,
                            "masters %u %s event %" PRIu64 " of output %u; the newest is %" PRIu64, group,
                            what, output->events[i].position, number, world->checkers_masters.newest);
            return;
        }
    }
}

static void check_sent_events(struct world *world, const struct sim_connection *connection,
                              const struct komet_asdu *asdu, struct check_frame *frame)
{
    struct check_wire *wire = wire_of(world, connection);
    struct check_stream *stream = stream_of(world, connection->kom);
    unsigned group = connection->master->group;
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_object object;
        komet_asdu_object(asdu, i, &object);
        int number = masters_site_output_at(object.ioa);
        size_t event = number >= 0 ? check_object(world, connection, (unsigned)number, &object) : SIZE_MAX;
        if (event == SIZE_MAX) {
            return;
        }
        size_t *next = &stream->next[group][number];
        if (*next > 0) {
            check_none_missing(world, group, (unsigned)number, *next, event, "are not sent");
        }
        *next = event + 1 > *next ? event + 1 : *next;
        wire->next[number] = event + 1;
        KOMET_ASSERT(frame->count < CHECK_OBJECTS_MAX);
        frame->objects[frame->count].output = (unsigned)number;
        frame->objects[frame->count++].event =
            is_timed((unsigned)number)
                ? event
                : find_newest(&checkers_of(world)->outputs[number], (unsigned)number, &object, event);
        if (is_timed((unsigned)number)) {
            frame->position = checkers_of(world)->outputs[number].events[event].position;
        }
    }
}

void checkers_masters_sent(struct world *world, const struct sim_connection *connection,
                           const uint8_t *octets, size_t size)
{
    struct check_wire *wire = wire_of(world, connection);
    size_t at = 0, consumed;
    checkers_masters_look(world);
    for (; at < size; at += consumed) {
        struct komet_apdu apdu;
        struct komet_asdu asdu;
        enum komet_reason reason = komet_apdu_decode(octets + at, size - at, false, &apdu, &consumed);
        KOMET_ASSERT(reason == KOMET_OK && consumed > 0);
        if (apdu.format != KOMET_FORMAT_I) {
            continue;
        }
        struct check_frame *frame = &wire->frames[wire->sent++ % CHECK_FRAMES_MAX];
        frame->count = 0;
        frame->position = 0;
        enum komet_asdu_result read = komet_asdu_decode(&komet_profile_104, apdu.asdu, apdu.asdu_size, &asdu);
        KOMET_ASSERT(read == KOMET_ASDU_OK);
        if (asdu.row->direction == KOMET_MONITOR && asdu.cause == KOMET_COT_SPONTANEOUS) {
            check_sent_events(world, connection, &asdu, frame);
        }
    }
}

/* N(R): what the instance knows from now on not to send again. */
void checkers_masters_read(struct world *world, const struct sim_connection *connection,
                           const uint8_t *octets, size_t size)
{
    struct check_wire *wire = wire_of(world, connection);
    uint64_t *has = &stream_of(world, connection->kom)->has[connection->master->group];
    size_t at = 0, consumed;
    for (; at < size; at += consumed) {
        struct komet_apdu apdu;
        enum komet_reason reason = komet_apdu_decode(octets + at, size - at, false, &apdu, &consumed);
        KOMET_ASSERT(reason == KOMET_OK && consumed > 0);
        while (apdu.format != KOMET_FORMAT_U && wire->acknowledged < wire->sent &&
               wire->acknowledged % KOMET_SEQUENCE_MODULUS != apdu.nr) {
            uint64_t position = wire->frames[wire->acknowledged++ % CHECK_FRAMES_MAX].position;
            *has = position > *has ? position : *has;
        }
    }
}

/* ---- received ---- */

void checkers_masters_received(struct world *world, const struct sim_connection *connection, uint64_t frame)
{
    struct checkers_masters *checkers = checkers_of(world);
    const struct check_wire *wire = wire_of(world, connection);
    const struct check_frame *got = &wire->frames[(frame - 1) % CHECK_FRAMES_MAX];
    unsigned group = connection->master->group;
    KOMET_ASSERT(frame <= wire->sent && frame + CHECK_FRAMES_MAX > wire->sent);
    for (unsigned i = 0; i < got->count; i++) {
        unsigned output = got->objects[i].output;
        size_t event = got->objects[i].event, *next = &checkers->next[group][output];
        if (event > *next) {
            check_none_missing(world, group, output, *next, event, "did not get");
            checkers->counts.lost += is_timed(output) ? event - *next : 0;
        }
        checkers->counts.repeated += event < *next ? 1 : 0;
        *next = event + 1 > *next ? event + 1 : *next;
        checkers->counts.received++;
    }
}

bool checkers_masters_complete(const struct world *world)
{
    const struct checkers_masters *checkers = &world->checkers_masters;
    for (unsigned g = 0; g < world->plan.centre.group_count; g++) {
        for (unsigned i = 0; i < CHECK_OUTPUTS_MAX; i++) {
            const struct check_output *output = &checkers->outputs[i];
            size_t next = checkers->next[g][i];
            next = !is_timed(i) && next + 1 < output->count ? output->count - 1 : next; /* only the newest */
            while (next < output->count &&
                   (may_be_lost(world, &output->events[next]) || was_sent(output, next))) {
                next++;
            }
            if (next < output->count) {
                return false;
            }
        }
    }
    return true;
}
