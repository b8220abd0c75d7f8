/*
 * What the server tells lines to send (line_has_outgoing). Of lines that listen, between the server and their
 * masters: what masters are to have goes to the line, what they have acknowledged goes back, and their
 * commands go to the server, whose answer the line awaits.
 */
#include <stdio.h>

#include "kom/kom_private.h"

#define TIME_OF_ARRIVAL_BIT 0x1000000u
#define OLDER_BIT           0x2000000u
#define CAUSE_ARRIVAL       0x10000u

static bool columns_agree(const Komet__Wire__Outgoing *outgoing)
{
    size_t count = outgoing->n_tag;
    return outgoing->n_number == count && outgoing->n_status_flags == count && outgoing->n_time_ms == count &&
           outgoing->n_position == count;
}

/* One value to the line; false: it is none of the line's. */
static bool take_value(struct kom *kom, struct line_now now, const struct line *line,
                       const Komet__Wire__Outgoing *outgoing, size_t at)
{
    const struct tag *tag =
        outgoing->tag[at] < kom->process->tag_count ? kom->process->tags[outgoing->tag[at]] : NULL;
    uint32_t status = outgoing->status_flags[at] >> 16 & 0xFF;
    if (tag == NULL || tag->station->line != line || !tag_is_outgoing(tag) || status >= STATUS_COUNT) {
        return false;
    }
    struct line_outgoing value = {.tag = tag,
                                  .position = outgoing->position[at],
                                  .older = (outgoing->status_flags[at] & OLDER_BIT) != 0};
    value.value = value_unknown();
    value.value.number = outgoing->number[at];
    value.value.status = (enum value_status)status;
    value.value.flags = (value_flags)(outgoing->status_flags[at] & 0xFFFF);
    value.value.time = (struct komet_utc){outgoing->time_ms[at]};
    value.value.time_origin =
        (outgoing->status_flags[at] & TIME_OF_ARRIVAL_BIT) != 0 ? TIME_OF_ARRIVAL : TIME_FROM_STATION;
    line_outgoing(kom->lines[line->index].engine, now, &value);
    return true;
}

void kom_take_outgoing(struct kom *kom, struct line_now now, const Komet__Wire__Outgoing *outgoing)
{
    bool known = kom->process != NULL && outgoing->line < kom->process->line_count &&
                 line_has_outgoing(&kom->process->lines[outgoing->line]) && columns_agree(outgoing);
    if (!known) {
        kom_note(kom, "the server sent values for a line that this instance has not");
        return;
    }
    if (!kom->active) {
        return; /* of a grant that was given up meanwhile */
    }
    const struct line *line = &kom->process->lines[outgoing->line];
    struct line_engine *engine = kom->lines[outgoing->line].engine;
    kom_touch(kom, line->index);
    if (outgoing->begin) {
        line_outgoing_begin(engine, now, outgoing->group, (unsigned)outgoing->n_group);
    }
    for (size_t i = 0; i < outgoing->n_tag; i++) {
        if (!take_value(kom, now, line, outgoing, i)) {
            kom_note(kom, "the server sent a value for a tag that %s does not send", line->name);
            return;
        }
    }
    if (outgoing->ready) {
        line_outgoing_ready(engine, now);
    }
}

void kom_note_taken(struct kom *kom, uint16_t line, unsigned group, uint64_t position)
{
    KOMET_ASSERT(group < SITE_MASTERS_MAX);
    kom->lines[line].taken[group] = position;
    kom->lines[line].taken_changed |= 1u << group;
}

/* ---- commands of masters ---- */

static struct kom_master *find_master(struct kom *kom, uint64_t id)
{
    for (unsigned i = 0; i < KOM_MASTERS_MAX; i++) {
        if (kom->masters[i].id == id) {
            return &kom->masters[i];
        }
    }
    return NULL;
}

void kom_give_master_command(struct kom *kom, struct line_now now, uint16_t line,
                             const struct line_master_command *command)
{
    struct kom_master *master = find_master(kom, 0);
    if (master == NULL) {
        line_master_answer(kom->lines[line].engine, now, command->id, COMMAND_REFUSED, 0);
        return;
    }
    *master = (struct kom_master){.id = ++kom->next_master, .line = line, .waits = true, .command = *command};
}

/* What a station may have said: else none. */
static uint8_t refusal_cause(uint32_t cause)
{
    bool known = cause >= KOMET_COT_UNKNOWN_TYPE && cause <= KOMET_COT_UNKNOWN_IOA;
    return known ? (uint8_t)cause : 0;
}

void kom_take_master_answer(struct kom *kom, struct line_now now, const Komet__Wire__MasterAnswer *answer)
{
    struct kom_master *master = answer->id != 0 ? find_master(kom, answer->id) : NULL;
    if (master == NULL || master->waits) {
        return;
    }
    struct kom_line *line = &kom->lines[master->line];
    if (answer->result == 0) {
        line_master_stored(line->engine, now, master->command.id);
    } else {
        master->id = 0;
        line_master_answer(line->engine, now, master->command.id,
                           answer->result <= COMMAND_UNKNOWN ? (enum command_result)answer->result
                                                             : COMMAND_UNKNOWN,
                           refusal_cause(answer->cause));
    }
    kom_touch(kom, master->line);
}

void kom_forget_masters(struct kom *kom)
{
    for (unsigned i = 0; i < KOM_MASTERS_MAX; i++) {
        kom->masters[i].id = 0;
    }
    for (uint16_t i = 0; i < kom->process->line_count; i++) {
        kom->lines[i].taken_changed = 0;
    }
}

/* ---- messages ---- */

static wire_message *write_taken(struct kom *kom, uint16_t line)
{
    Komet__Wire__OutgoingTaken *body = &kom->slot.body.outgoing_taken;
    unsigned group = 0;
    while ((kom->lines[line].taken_changed >> group & 1u) == 0) {
        group++;
    }
    kom->lines[line].taken_changed &= ~(1u << group);
    komet__wire__outgoing_taken__init(body);
    body->epoch = kom->epoch;
    body->line = line;
    body->group = group;
    body->position = kom->lines[line].taken[group];
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_OUTGOING_TAKEN;
    kom->slot.message.outgoing_taken = body;
    return &kom->slot.message;
}

static wire_message *write_command(struct kom *kom, struct kom_master *master)
{
    Komet__Wire__MasterCommand *body = &kom->slot.body.master_command;
    const struct value *value = &master->command.value;
    master->waits = false;
    komet__wire__master_command__init(body);
    body->epoch = kom->epoch;
    body->id = master->id;
    body->tag = master->command.tag->number;
    body->number = value->number;
    body->flags = value->flags;
    body->cause = value->asdu_type | (value->time_origin == TIME_OF_ARRIVAL ? CAUSE_ARRIVAL : 0u);
    body->time_ms = value->time.ms;
    body->arrived_ms = value->arrived.ms;
    body->select = master->command.select;
    body->master = master->command.master;
    kom->slot.message.body_case = KOMET__WIRE__MESSAGE__BODY_MASTER_COMMAND;
    kom->slot.message.master_command = body;
    return &kom->slot.message;
}

wire_message *kom_next_outgoing(struct kom *kom)
{
    struct kom_master *oldest = NULL;
    for (uint16_t i = 0; kom->process != NULL && i < kom->process->line_count; i++) {
        if (kom->lines[i].taken_changed != 0) {
            return write_taken(kom, i);
        }
    }
    for (unsigned i = 0; i < KOM_MASTERS_MAX; i++) {
        struct kom_master *master = &kom->masters[i];
        if (master->id != 0 && master->waits && (oldest == NULL || master->id < oldest->id)) {
            oldest = master;
        }
    }
    return oldest != NULL ? write_command(kom, oldest) : NULL;
}
