/*
 * A batch on its way into the tag database and the journal (architecture 3.2, 3.3).
 *
 * It is checked whole, then taken apart value by value while the caller asks for records: nothing of a batch
 * is copied into a queue. All its records have one ticket, the last of them says that the batch is complete,
 * and only when that ticket is on disk is it confirmed to the KOM.
 */
#include <stdio.h>
#include <string.h>

#include "server/server_private.h"

#define CAUSE_ARRIVAL 0x10000u

/* Of an instance's own buffer, for the time that it had no server. */
static bool is_archived(const Komet__Wire__Batch *batch)
{
    return batch->buffer != 0;
}

static bool columns_agree(const Komet__Wire__Batch *batch)
{
    size_t count = batch->n_tag;
    if (batch->n_name != (is_archived(batch) ? count : 0)) {
        return false;
    }
    return batch->n_number == count && batch->n_status_flags == count && batch->n_cause == count &&
           batch->n_time_ms == count && batch->n_arrived_ms == count && batch->n_frame == count &&
           batch->n_connection == count && batch->n_octets_size == count && batch->n_line == count;
}

/* What an instance without a grant may bring: what its partner may not send again. */
static bool may_come_standing_by(const struct process *process, const Komet__Wire__Batch *batch, size_t value)
{
    return line_stays_open(&process->lines[batch->line[value]]) && batch->octets_size[value] > 0 &&
           !cot_is_interrogated((uint8_t)(batch->cause[value] >> 8 & 0xFF));
}

/* NULL, or what is wrong with the batch: then nothing of it is taken. */
static const char *batch_fault(const struct process *process, const Komet__Wire__Batch *batch)
{
    if (!columns_agree(batch)) {
        return "its columns have different lengths";
    }
    size_t octets = 0;
    if (batch->standby && is_archived(batch)) {
        return "it is of a buffer and of an instance that stands by";
    }
    for (size_t i = 0; i < batch->n_tag; i++) {
        bool known = batch->tag[i] < process->tag_count && batch->line[i] < process->line_count;
        if (!known && !is_archived(batch)) {
            return "it has a tag or line that the site has not";
        }
        if (batch->octets_size[i] > RECORD_OCTETS_MAX || batch->status_flags[i] >> 16 >= STATUS_COUNT) {
            return "it has a value out of range";
        }
        if (batch->standby && !may_come_standing_by(process, batch, i)) {
            return "an instance that stands by sends spontaneous values with a time tag only, of lines that "
                   "keep "
                   "their connections open";
        }
        octets += batch->octets_size[i];
    }
    return octets == batch->octets.len ? NULL : "its raw elements are not as long as it says";
}

static void wait_for_disk(struct client *client, uint64_t ticket, const Komet__Wire__Batch *batch)
{
    KOMET_ASSERT(client->batch_count < SERVER_BATCHES_MAX);
    unsigned at = (client->batch_first + client->batch_count++) % SERVER_BATCHES_MAX;
    client->batches[at] = (struct waiting_batch){is_archived(batch), ticket, batch->sequence};
}

/* A batch that comes under a grant that has ended: the station still has what is in it. */
static void refuse_late(struct server *server, struct client *client, const Komet__Wire__Batch *batch)
{
    server->counters.refused_batches++;
    client->process->late.batches++;
    client->process->late.values += batch->n_tag;
    snprintf(client->batch_refused, sizeof client->batch_refused, "its grant is not valid any more");
    client->refused_sequence = batch->sequence;
}

struct known_buffer *batch_find_buffer(struct process_state *process, uint64_t buffer)
{
    for (unsigned i = 0; i < SERVER_BUFFERS_MAX; i++) {
        if (process->buffers[i].buffer == buffer) {
            return &process->buffers[i];
        }
    }
    struct known_buffer *oldest = &process->buffers[process->next_buffer++ % SERVER_BUFFERS_MAX];
    *oldest = (struct known_buffer){.buffer = buffer};
    return oldest;
}

/* The highest batch that was taken of the instance's run, or of that buffer. */
static uint64_t *newest_of(struct server *server, const struct client *kom, const Komet__Wire__Batch *batch)
{
    struct process_state *process = kom->process;
    if (!is_archived(batch)) {
        return &process->members[kom->instance].sequence;
    }
    struct known_buffer *known = batch_find_buffer(process, batch->buffer);
    if (batch->dropped > known->dropped) {
        server_note(server, "%s: its buffer was full: %llu values made room for newer ones",
                    run_name(process->process->name, kom->instance).text,
                    (unsigned long long)(batch->dropped - known->dropped));
        known->dropped = batch->dropped;
    }
    return &known->sequence;
}

void batch_begin(struct server *server, struct line_now now, unsigned client, const Komet__Wire__Batch *batch)
{
    struct client *kom = &server->clients[client];
    struct process_state *process = kom->process;
    const struct process *numbers = reload_numbers(server, kom);
    const char *fault = is_archived(batch) || batch->configuration == kom->configuration
                            ? batch_fault(numbers, batch)
                            : "it is of another configuration than it said to have applied";
    if (fault == NULL && kom->batch_count == SERVER_BATCHES_MAX) {
        fault = "more batches wait for their confirmation than allowed";
    }
    if (fault != NULL) {
        server_note(server, "%s sent a wrong batch: %s", run_name(process->process->name, kom->instance).text,
                    fault);
        kom->close = true;
        return;
    }
    if (server->journal_failed) {
        return; /* it is being disconnected */
    }
    if (!is_archived(batch) && !batch->standby &&
        !instances_valid(&process->instances, now.instant, kom->instance, batch->epoch)) {
        refuse_late(server, kom, batch);
        return;
    }
    server->counters.batches++;
    uint64_t *newest = newest_of(server, kom, batch);
    if (batch->sequence <= *newest) { /* taken before: confirmed when what was taken is on disk */
        wait_for_disk(kom, server->ticket, batch);
        clients_stored(server);
        return;
    }
    *newest = batch->sequence;
    server->walk = (struct batch_walk){.batch = batch,
                                       .came = now.instant,
                                       .numbers = numbers,
                                       .client = client,
                                       .ticket = server->ticket + 1,
                                       .archived = is_archived(batch),
                                       .standby = batch->standby};
}

void batch_set_value(struct server *server, const struct tag *tag, const struct value *value)
{
    struct tag_state *state = &server->tags[tag_site_number(tag)];
    state->value = *value;
    server->control_changed = server->control_changed || state->controls;
    if (state->watches == 0) {
        return;
    }
    if (server->changed_watches == 0) {
        server->changed = tag;
        server->changed_watches = state->watches;
    } else {
        KOMET_ASSERT(server->change_count < sizeof server->changes / sizeof server->changes[0]);
        server->changes[server->change_count++] = tag;
    }
}

static bool is_unasked(const struct value *value)
{
    return value->cot == KOMET_COT_SPONTANEOUS || value->cot == KOMET_COT_RETURN_REMOTE ||
           value->cot == KOMET_COT_RETURN_LOCAL || value->cot == KOMET_COT_ACTIVATION;
}

/* Spontaneous, or a command that a master gave: always an event, since the KOM filtered what the tag wants
 * filtered. Everything else: when it differs. */
static bool is_event(const struct tag *tag, const struct value *value, const struct value *current)
{
    bool newer = processing_has(tag->processing, PROCESSING_NEW_TIME) &&
                 value->time_origin == TIME_FROM_STATION && value->time.ms > current->time.ms;
    return is_unasked(value) || newer || !value_same(value, current);
}

static struct value value_at(struct batch_walk *walk)
{
    const Komet__Wire__Batch *batch = walk->batch;
    uint32_t cause = batch->cause[walk->at];
    /* Differences are added without sign, so that no peer can make them overflow. */
    walk->time_ms = (int64_t)((uint64_t)walk->time_ms + (uint64_t)batch->time_ms[walk->at]);
    walk->arrived_ms = (int64_t)((uint64_t)walk->arrived_ms + (uint64_t)batch->arrived_ms[walk->at]);
    walk->frame = (int64_t)((uint64_t)walk->frame + (uint64_t)batch->frame[walk->at]);
    return (struct value){
        .number = batch->number[walk->at],
        .status = (enum value_status)(batch->status_flags[walk->at] >> 16),
        .flags = (value_flags)(batch->status_flags[walk->at] & 0xFFFF),
        .cot = (uint8_t)(cause >> 8 & 0xFF),
        .asdu_type = (uint8_t)(cause & 0xFF),
        .time_origin = (cause & CAUSE_ARRIVAL) != 0 ? TIME_OF_ARRIVAL : TIME_FROM_STATION,
        .time = {walk->time_ms},
        .arrived = {walk->arrived_ms},
    };
}

/* What comes late, or from an instance that does not act, shows nothing that is not newer for certain. */
static bool becomes_current(const struct batch_walk *walk, const struct value *value,
                            const struct value *current)
{
    return walk->archived || walk->standby ? value_surely_newer(value, current)
                                           : !value_is_older(value, current);
}

/* What a batch says of one value, and what that means in the site: names are found again in whatever numbers
 * it came. */
struct taken {
    const struct tag *given; /* as the KOM knows it */
    const struct tag *tag;   /* as it is now; NULL: it is gone */
    const struct line *line; /* likewise */
    struct value value;
    const uint8_t *octets;
    uint8_t octets_size;
};

static void write_event(struct server *server, const struct taken *taken)
{
    const struct batch_walk *walk = &server->walk;
    const struct client *kom = &server->clients[walk->client];
    server->counters.events++;
    server->record = (struct record){.kind = RECORD_EVENT,
                                     .ticket = walk->ticket,
                                     .process = kom->process->process->name,
                                     .instance = kom->instance};
    struct record_event *event = &server->record.of.event;
    event->tag = taken->given->name;
    event->tag_number = taken->tag != NULL ? tag_site_number(taken->tag) : RECORD_TAG_GONE;
    event->type = taken->given->type;
    event->value = taken->value;
    event->epoch = walk->standby ? kom->life : walk->batch->epoch;
    event->connection = walk->batch->connection[walk->at];
    event->line = taken->line != NULL ? taken->line->index : 0;
    event->archived = walk->archived;
    event->standby = walk->standby;
    event->frame = (uint64_t)walk->frame;
    event->octets_size = taken->octets_size;
    event->older =
        taken->tag != NULL && !becomes_current(walk, &taken->value, server_value(server, taken->tag));
    memcpy(event->octets, taken->octets, taken->octets_size);
}

/* The tag of a value that an instance kept; NULL: the site has it no longer. */
static const struct tag *archived_tag(struct server *server, const struct batch_walk *walk)
{
    const struct process *process = server->clients[walk->client].process->process;
    const struct tag *tag = site_find_tag(server->site, walk->batch->name[walk->at]);
    bool known = tag != NULL && tag_process(tag) == process;
    server->counters.archived++;
    server->counters.unknown += known ? 0 : 1;
    return known ? tag : NULL;
}

static struct taken next_taken(struct server *server)
{
    struct batch_walk *walk = &server->walk;
    const Komet__Wire__Batch *batch = walk->batch;
    uint8_t size = (uint8_t)batch->octets_size[walk->at];
    struct taken taken = {.value = value_at(walk),
                          .octets = size > 0 ? batch->octets.data + walk->octets_at : (const uint8_t *)"",
                          .octets_size = size};
    if (walk->archived) {
        taken.given = taken.tag = archived_tag(server, walk);
    } else {
        taken.given = walk->numbers->tags[batch->tag[walk->at]];
        taken.tag = reload_tag(server, walk->numbers, batch->tag[walk->at]);
        taken.line = reload_line(server, walk->numbers, batch->line[walk->at]);
    }
    if (taken.tag != NULL) {
        taken.line = taken.tag->station->line;
    }
    server->counters.standby += walk->standby ? 1 : 0;
    walk->octets_at += size;
    return taken;
}

/* Each connection of an instance to this server is a life of its own: lines close with it. */
static struct repeats_connection connection_of(const struct server *server, const struct taken *taken)
{
    const struct batch_walk *walk = &server->walk;
    const struct client *kom = &server->clients[walk->client];
    struct repeats_connection connection = {walk->batch->epoch, walk->batch->connection[walk->at], 0,
                                            walk->standby};
    if (line_has_streams(taken->line)) {
        connection.life = kom->life;
        connection.stream = kom->instance;
    }
    return connection;
}

/* A time tag that is marked invalid may all the same be of a clock that goes: Komet stamps so what came without a
 * time. One that stands still is hardly this near to ours. */
static bool is_of_a_clock(const struct taken *taken)
{
    struct komet_time_tag tag;
    if (taken->octets_size < KOMET_CP56_SIZE) {
        return false;
    }
    komet_cp56_decode(taken->octets + taken->octets_size - KOMET_CP56_SIZE, &tag);
    if (!komet_time_tag_plausible(&tag)) {
        return false;
    }
    struct komet_utc ours = taken->value.arrived, said = komet_cp56_to_utc(&tag, ours);
    int64_t days_2 = 2 * INT64_C(86400000);
    return komet_utc_known(ours) && said.ms > ours.ms - days_2 && said.ms < ours.ms + days_2;
}

/* How far back a partner may be who keeps for each stream what it has not got (see repeats.h). A time tag
 * tells his events apart, one of minutes within the hour. Of a clock that stands still they may be equal: only
 * what a connection can have missed is looked for, by its silence until it is closed. */
static int64_t looked_back(const struct batch_walk *walk, const struct taken *taken)
{
    const int64_t *parameters = taken->line->parameters.value;
    if (walk->archived) {
        return REPEATS_ALL;
    }
    if (!line_has_streams(taken->line)) {
        return 0;
    }
    const struct komet_type_row *type = komet_type_find(taken->value.asdu_type);
    bool whole = type != NULL && type->time == KOMET_TIME_CP56;
    bool valid = taken->value.time_origin == TIME_FROM_STATION;
    if (whole && (valid || is_of_a_clock(taken))) {
        return REPEATS_ALL;
    }
    return valid ? KOMET_SECONDS(1800) : KOMET_MS(parameters[PARAMETER_WT1] + parameters[PARAMETER_WT3]);
}

/* Has another connection of the line delivered it already? A line that is gone remembers nothing. */
static enum repeats_result find_repeat(struct server *server, const struct taken *taken)
{
    const struct batch_walk *walk = &server->walk;
    if (taken->octets_size == 0 || cot_is_interrogated(taken->value.cot) || taken->line == NULL) {
        return REPEATS_NEW;
    }
    struct repeats *repeats = server->repeats[server_line_number(server, taken->line)];
    uint32_t tag = taken->tag != NULL ? taken->tag->number : REPEATS_GONE | taken->given->number;
    repeats_set_time(repeats, walk->came);
    enum repeats_result repeat =
        repeats_take(repeats, connection_of(server, taken), (uint64_t)walk->frame, tag, taken->octets,
                     taken->octets_size, looked_back(walk, taken));
    server->counters.repeats += repeat != REPEATS_NEW ? 1 : 0;
    return repeat;
}

/* An instance that stood by was first with this event, and could not say that it is newer than what the tag
 * has. The one that acts brings it now: it is what the tag has, as if the tag had been asked for. */
static bool confirms(const struct server *server, struct taken *taken, const struct value *current)
{
    const struct value *value = &taken->value;
    bool shown = current != NULL && value_same(value, current) && value->time.ms == current->time.ms;
    if (current == NULL || shown || !becomes_current(&server->walk, value, current)) {
        return false;
    }
    taken->value.cot = KOMET_COT_INTERROGATED_STATION;
    taken->octets_size = 0;
    return true;
}

/* The value at hand goes into the tag database. True: it is an event, and `server->record` is its record. Of
 * a tag that is gone, what came unasked is recorded under its name: its station will not send it again. */
static bool take_value(struct server *server)
{
    struct taken taken = next_taken(server);
    server->counters.values++;
    if (taken.given == NULL) {
        return false;
    }
    enum repeats_result repeat = find_repeat(server, &taken);
    const struct value *current = taken.tag != NULL ? server_value(server, taken.tag) : NULL;
    if (repeat == REPEATS_KNOWN || (repeat == REPEATS_CONFIRMED && !confirms(server, &taken, current))) {
        return false;
    }
    bool event = current != NULL ? is_event(taken.tag, &taken.value, current) : is_unasked(&taken.value);
    if (event) {
        write_event(server, &taken);
        if (taken.tag != NULL) {
            outgoing_follow(server, taken.tag, &taken.value, server->record.of.event.older,
                            server->walk.ticket);
        }
    }
    if (current != NULL && becomes_current(&server->walk, &taken.value, current)) {
        batch_set_value(server, taken.tag, &taken.value);
    }
    return event;
}

static bool finish_batch(struct server *server, struct server_output *output)
{
    struct batch_walk *walk = &server->walk;
    struct client *kom = &server->clients[walk->client];
    const Komet__Wire__Batch *batch = walk->batch;
    walk->batch = NULL;
    if (!walk->recorded) { /* nothing of it is news: confirmed with what was taken before */
        wait_for_disk(kom, server->ticket, batch);
        clients_stored(server);
        return false;
    }
    server->ticket = walk->ticket;
    wait_for_disk(kom, walk->ticket, batch);
    const struct process_state *process = kom->process;
    server->record = (struct record){.kind = walk->archived ? RECORD_ARCHIVED : RECORD_BATCH,
                                     .ticket = walk->ticket,
                                     .process = process->process->name,
                                     .instance = kom->instance};
    server->record.of.batch.run = walk->archived ? batch->buffer : process->members[kom->instance].run;
    server->record.of.batch.sequence = batch->sequence;
    output->kind = SERVER_OUT_RECORD;
    output->record = &server->record;
    return true;
}

bool batch_next_change(struct server *server, struct server_output *output)
{
    while (server->changed_watches == 0 && server->change_next < server->change_count) {
        server->changed = server->changes[server->change_next++];
        server->changed_watches = server->tags[tag_site_number(server->changed)].watches;
    }
    if (server->changed_watches == 0) {
        server->change_next = server->change_count = 0;
    }
    for (unsigned i = 0; i < SERVER_WATCHES_MAX && server->changed_watches != 0; i++) {
        uint32_t bit = (uint32_t)1 << i;
        if ((server->changed_watches & bit) != 0) {
            server->changed_watches &= ~bit;
            output->kind = SERVER_OUT_CHANGE;
            output->token = server->watches[i].token;
            output->tag = server->changed;
            return true;
        }
    }
    return false;
}

bool batch_next(struct server *server, struct server_output *output)
{
    struct batch_walk *walk = &server->walk;
    for (;;) {
        if (batch_next_change(server, output)) {
            return true;
        }
        if (walk->batch == NULL) {
            return false;
        }
        if (walk->at == walk->batch->n_tag) {
            return finish_batch(server, output);
        }
        bool event = take_value(server);
        walk->at++;
        if (event) {
            walk->recorded = true;
            output->kind = SERVER_OUT_RECORD;
            output->record = &server->record;
            return true;
        }
    }
}
