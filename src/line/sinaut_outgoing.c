/*
 * Values that a Sinaut line sends: each output of types 1 to 40 has a current value, and a new one goes to
 * both partners as a spontaneous ASDU (reference 1.5, 3.4). They wait in one ring (outgoing_ring.h) until they
 * are acknowledged.
 *
 * Each partner gets them in order, from where it is. Who is not connected follows the other one: when he comes
 * again he gets what nobody has acknowledged. While none is, values with a time tag wait; others do not, since
 * the interrogation brings the newest.
 *
 * What outputs have is the server's to know: it tells an instance that comes to act, and no interrogation is
 * answered before it has. Of what outputs follow it tells all events that a partner has not acknowledged, to
 * whichever instance sent them; values that were written are the instance's own.
 */
#include "line/sinaut_private.h"
#include "model/conversion.h"

/* What follows another tag has its flags by the server, as its own type has them. */
static enum flags_reading flags_reading(const struct tag *tag)
{
    const int64_t *parameter = tag->station->parameters.value;
    if (parameter[PARAMETER_NF] != 0) {
        return FLAGS_NONE;
    }
    return parameter[PARAMETER_ICCP] != 0 && tag->source == NULL ? FLAGS_ICCP : FLAGS_OCTET;
}

/* False: the value does not fit the output's type. One that nobody knows has no time of its own. */
static bool object_of(struct line_now now, const struct tag *tag, struct value value,
                      struct komet_object *object)
{
    char fault[CONVERSION_FAULT_SIZE];
    if (!komet_utc_known(value.time)) {
        value.time = now.utc;
    }
    return object_from_value(tag, &value, flags_reading(tag), object, fault);
}

void sinaut_outgoing_object(const struct sinaut *line, struct line_now now, const struct tag *tag,
                            struct komet_object *object)
{
    bool fits = object_of(now, tag, line->current[sinaut_tag_index(line, tag)], object);
    KOMET_ASSERT(fits); /* what did not fit never became the current value */
}

/* ---- to the partners ---- */

static void frame_object(const struct tag *tag, const struct value *value, struct komet_object *object)
{
    struct value said = *value;
    char fault[CONVERSION_FAULT_SIZE];
    if (!object_from_value(tag, &said, flags_reading(tag), object, fault)) { /* RELOAD: it has another type */
        said.status = STATUS_INVALID;
        bool fits = object_from_value(tag, &said, flags_reading(tag), object, fault);
        KOMET_ASSERT(fits);
    }
}

static bool any_connected(const struct sinaut *line)
{
    return line->partner[0].connected || line->partner[1].connected;
}

/* Frames for a partner, as many as it may have. */
static void fill(struct sinaut *line, struct sinaut_partner *partner)
{
    const struct outgoing_frames frames = {
        .profile = line->manner->profile, .oa = line->line->number, .object = frame_object};
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    while (line->active && partner->connected && outgoing_receiver_has_room(&partner->receiver)) {
        size_t size = outgoing_ring_pack(&line->ring, &partner->receiver, &frames, octets);
        if (size == 0) {
            return;
        }
        bool taken = komet_group_event(partner->group, octets, size);
        KOMET_ASSERT(taken); /* the buffer has room for so many of the longest */
    }
}

static uint64_t waiting_max(const struct sinaut *line)
{
    return (uint64_t)sinaut_parameter(line, PARAMETER_OBUF);
}

/* Told with the first one, and then when he has all that waits now. */
static void tell_first_lost(struct sinaut *line, unsigned partner, uint64_t count)
{
    line->counters.outgoing_lost += count;
    if (line->partner[partner].receiver.lost == count) {
        sinaut_note(line, "%s: partner %s did not take its values: the oldest of %llu are lost",
                    line->line->name, line->line->partners[partner].name,
                    (unsigned long long)waiting_max(line));
    }
}

static void tell_lost(struct sinaut *line, unsigned partner)
{
    uint64_t lost = outgoing_receiver_has_lost(&line->partner[partner].receiver);
    if (lost > 0) {
        sinaut_note(line, "%s: partner %s takes its values again: %llu are lost", line->line->name,
                    line->line->partners[partner].name, (unsigned long long)lost);
    }
}

static void forward(struct outgoing_mark *mark, const struct outgoing_mark *to)
{
    mark->place = mark->place > to->place ? mark->place : to->place;
    mark->position = mark->position > to->position ? mark->position : to->position;
}

void sinaut_outgoing_acknowledged(struct sinaut *line, unsigned partner)
{
    struct sinaut_partner *own = &line->partner[partner];
    uint64_t frames = komet_group_counters(own->group).events_acknowledged;
    if (!outgoing_receiver_acknowledged(&own->receiver, frames)) {
        return;
    }
    forward(&line->taken, &own->receiver.taken);
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        if (!line->partner[p].connected) {
            forward(&line->partner[p].receiver.taken, &line->taken);
        }
        tell_lost(line, p);
    }
    fill(line, own);
}

void sinaut_outgoing_follow(struct sinaut *line, unsigned partner)
{
    struct sinaut_partner *own = &line->partner[partner];
    bool connected = sinaut_data_path(line, partner) != PARTNERS_NO_PATH;
    sinaut_outgoing_acknowledged(line, partner);
    bool lacks = own->on_wire > own->receiver.taken.position; /* of what the group has forgotten */
    own->on_wire = 0;
    if (connected == own->connected &&
        !lacks) { /* another path: what is not acknowledged goes again on that */
        return;
    }
    own->connected = connected;
    komet_group_forget_events(own->group);
    uint64_t lost = outgoing_receiver_return(&own->receiver, &line->ring);
    if (lost > 0 && !any_connected(line)) {
        outgoing_receiver_counts_lost(&own->receiver, &line->ring, lost);
        tell_first_lost(line, partner, lost);
    }
    fill(line, own);
}

bool sinaut_outgoing_taken(struct sinaut *line, struct line_output *output)
{
    for (unsigned p = 0; p < line->line->partner_count && line->active; p++) {
        struct sinaut_partner *own = &line->partner[p];
        if (own->receiver.taken.position > own->receiver.told) {
            own->receiver.told = own->receiver.taken.position;
            output->kind = LINE_OUT_TAKEN;
            output->group = p;
            output->position = own->receiver.told;
            return true;
        }
    }
    return false;
}

/* ---- new values ---- */

/* As many wait as may, and a partner who is connected has not acknowledged the oldest: also one that is under
 * way is needed, should his paths fail. */
static bool holds_up(const struct sinaut *line)
{
    bool full = outgoing_ring_count(&line->ring) >= waiting_max(line), holds = false;
    for (unsigned p = 0; p < line->line->partner_count && full; p++) {
        const struct sinaut_partner *own = &line->partner[p];
        holds = holds || (own->connected && own->receiver.taken.place <= line->ring.first);
    }
    return holds;
}

/* The oldest value makes room; a partner who was to have it and has not been sent it loses it. */
static void drop_oldest(struct sinaut *line)
{
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        struct outgoing_receiver *receiver = &line->partner[p].receiver;
        if (!line->partner[p].connected && receiver->next < line->taken.place) {
            receiver->next = line->taken.place; /* the other one has them */
        }
        if (!outgoing_receiver_loses(receiver, &line->ring)) {
            continue;
        }
        tell_first_lost(line, p, 1);
    }
    outgoing_ring_drop_oldest(&line->ring);
}

static bool is_sent(const struct sinaut *line, const struct tag *tag)
{
    return line->active && !tag->ignored && sinaut_speaks(line, tag->station);
}

/* To both partners. */
static void send_to_all(struct sinaut *line, struct line_now now, const struct tag *tag,
                        const struct value *value, uint64_t position)
{
    struct value kept = *value;
    if (!is_sent(line, tag)) {
        return;
    }
    if (sinaut_debugs(line, tag->station, PARAMETER_DBGO, DEBUG_OUT_VALUES)) {
        char text[VALUE_TEXT_SIZE];
        value_text(tag->type, value, text);
        sinaut_note(line, "%s: %s is sent: %s", line->line->name, tag->name, text);
    }
    if (!any_connected(line) && !tag_is_timed(tag)) {
        return;
    }
    if (!komet_utc_known(kept.time)) {
        kept.time = now.utc;
    }
    /* A written value was promised room when it was taken. */
    if (outgoing_ring_is_full(&line->ring) ||
        (tag->source != NULL && outgoing_ring_count(&line->ring) >= waiting_max(line))) {
        drop_oldest(line);
    }
    outgoing_ring_append(&line->ring, tag, &kept, position, false);
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        fill(line, &line->partner[p]);
    }
}

const char *sinaut_outgoing_value(struct sinaut *line, const struct tag *tag, const struct value *value,
                                  bool *sent)
{
    static char fault[CONVERSION_FAULT_SIZE];
    struct komet_object object;
    *sent = false;
    if (!object_from_value(tag, value, flags_reading(tag), &object, fault)) {
        return fault;
    }
    if (is_sent(line, tag) && holds_up(line)) {
        return "the partners do not take their values: as many wait as OBUF allows";
    }
    *sent = is_sent(line, tag) && any_connected(line);
    return NULL;
}

/* ---- what the server tells ---- */

void sinaut_outgoing_forget(struct sinaut *line)
{
    line->told = false;
    line->resume = RESUME_NOT;
    outgoing_ring_clear(&line->ring);
    line->taken = (struct outgoing_mark){0, 0};
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        struct sinaut_partner *own = &line->partner[p];
        komet_group_forget_events(own->group);
        outgoing_receiver_acknowledged(&own->receiver, komet_group_counters(own->group).events_acknowledged);
        outgoing_receiver_restart(&own->receiver, line->taken);
        own->receiver.told = own->receiver.lost = 0;
    }
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->current[i] = value_unknown();
    }
}

/* What was sent on a connection that stays arrives: it is not sent there again when the line acts anew. */
void sinaut_outgoing_end(struct sinaut *line)
{
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        struct sinaut_partner *own = &line->partner[p];
        outgoing_receiver_acknowledged(&own->receiver, komet_group_counters(own->group).events_acknowledged);
        own->on_wire =
            own->connected ? outgoing_receiver_sent(&own->receiver, komet_group_under_way(own->group)) : 0;
    }
    sinaut_outgoing_forget(line);
}

void sinaut_outgoing_begin(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                           unsigned count)
{
    struct sinaut *line = (struct sinaut *)engine;
    (void)now;
    if (line->resume == RESUME_AWAITED) { /* its partners go on where they are */
        line->resume = RESUME_BEGUN;
        return;
    }
    for (unsigned p = 0; p < line->line->partner_count && p < count; p++) {
        struct outgoing_receiver *receiver = &line->partner[p].receiver;
        uint64_t on_wire = line->partner[p].on_wire;
        receiver->taken.position = receiver->told = positions[p];
        receiver->packed.position = positions[p] > on_wire ? positions[p] : on_wire;
        line->taken.position = positions[p] > line->taken.position ? positions[p] : line->taken.position;
    }
}

void sinaut_outgoing_keep(struct sinaut *line, struct line_now now, const struct tag *tag,
                          const struct value *value)
{
    struct komet_object object;
    if (object_of(now, tag, *value, &object)) {
        line->current[sinaut_tag_index(line, tag)] = *value;
    }
}

/* One that does not fit its type is Invalid: nobody gets another number. */
static struct value fitting(struct line_now now, const struct tag *tag, struct value value)
{
    struct komet_object object;
    if (!object_of(now, tag, value, &object)) {
        value.status = STATUS_INVALID;
    }
    return value;
}

void sinaut_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *outgoing)
{
    struct sinaut *line = (struct sinaut *)engine;
    const struct tag *tag = outgoing->tag;
    struct value *current = &line->current[sinaut_tag_index(line, tag)];
    const struct value value = fitting(now, tag, outgoing->value);
    bool event = outgoing->position > 0, news = event && outgoing->position > line->ring.position;
    bool all_follow = line->resume != RESUME_NOT;
    bool missed = !event && line->told && !all_follow && !value_same(&value, current);
    if (event && !news) {
        return;
    }
    if (!event || !outgoing->older) {
        *current = value;
    }
    if (news) {
        line->ring.position = outgoing->position;
    }
    if (news || missed) {
        send_to_all(line, now, tag, &value, outgoing->position);
        sinaut_work(line, now);
    }
}

void sinaut_outgoing_ready(struct line_engine *engine, struct line_now now)
{
    struct sinaut *line = (struct sinaut *)engine;
    line->told = true;
    line->resume = RESUME_NOT;
    sinaut_work(line, now);
}
