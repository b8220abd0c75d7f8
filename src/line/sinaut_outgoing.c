/*
 * Values that a Sinaut line sends: each output of types 1 to 40 has a current value, and a new one goes to
 * both partners as a spontaneous ASDU, through the buffer of each (reference 1.5, 3.4).
 *
 * While one partner is connected and the other is not, the one has them. While none is, values with a time
 * tag wait in the buffers; others do not, since the interrogation brings the newest.
 *
 * What outputs have is the server's to know: it tells an instance that comes to act, and no interrogation is
 * answered before it has.
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

static void send_to(struct sinaut *line, unsigned partner, const struct tag *tag,
                    const struct komet_object *object)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {
        .type = tag->asdu, .cause = KOMET_COT_SPONTANEOUS, .oa = line->line->number, .ca = tag->station->ca};
    bool begun = komet_asdu_begin(&writer, line->manner->profile, &header, octets, sizeof octets);
    KOMET_ASSERT(begun);
    bool added = komet_asdu_add(&writer, object);
    KOMET_ASSERT(added);
    bool taken = komet_group_event(line->partner[partner].group, octets, komet_asdu_end(&writer));
    KOMET_ASSERT(taken); /* the oldest give way */
}

/* To both partners; true: one of them is connected. */
static bool send_to_all(struct sinaut *line, const struct tag *tag, const struct value *value,
                        const struct komet_object *object)
{
    bool sent = false;
    if (!line->active || tag->ignored || !sinaut_speaks(line, tag->station)) {
        return false;
    }
    if (sinaut_debugs(line, tag->station, PARAMETER_DBGO, DEBUG_OUT_VALUES)) {
        char text[VALUE_TEXT_SIZE];
        value_text(tag->type, value, text);
        sinaut_note(line, "%s: %s is sent: %s", line->line->name, tag->name, text);
    }
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        sent = sent || sinaut_data_path(line, p) != PARTNERS_NO_PATH;
    }
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        bool waits = !sent && object->time_size != KOMET_TIME_NONE;
        if (waits || sinaut_data_path(line, p) != PARTNERS_NO_PATH) {
            send_to(line, p, tag, object);
        }
    }
    return sent;
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
    line->current[sinaut_tag_index(line, tag)] = *value;
    *sent = send_to_all(line, tag, value, &object);
    return NULL;
}

/* ---- what the server tells ---- */

void sinaut_outgoing_forget(struct sinaut *line)
{
    line->told = false;
    line->resume = RESUME_NOT;
    for (uint32_t i = 0; i < line->tag_count; i++) {
        line->current[i] = value_unknown();
    }
}

void sinaut_outgoing_begin(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                           unsigned count)
{
    struct sinaut *line = (struct sinaut *)engine;
    (void)now, (void)positions, (void)count; /* nothing is missing yet that was there */
    line->told =
        line->told || line->resume == RESUME_BEGUN; /* and events are missing: what differs is sent */
    line->resume = line->resume == RESUME_AWAITED ? RESUME_BEGUN : RESUME_NOT;
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

/* An event of what the output follows; an older one is sent, and is not what it has. */
static void take_event(struct sinaut *line, struct line_now now, const struct tag *tag,
                       const struct value *value, bool older)
{
    struct value *current = &line->current[sinaut_tag_index(line, tag)], kept = *current;
    struct komet_object object;
    *current = *value;
    sinaut_outgoing_object(line, now, tag, &object);
    send_to_all(line, tag, value, &object);
    if (older) {
        *current = kept;
    }
    sinaut_work(line, now);
}

void sinaut_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *outgoing)
{
    struct sinaut *line = (struct sinaut *)engine;
    const struct tag *tag = outgoing->tag;
    struct value *current = &line->current[sinaut_tag_index(line, tag)];
    const struct value value = fitting(now, tag, outgoing->value);
    bool resumes = line->resume != RESUME_NOT; /* all events follow */
    bool missed = line->told && !resumes && tag->source != NULL && !value_same(&value, current);
    if (outgoing->position == 0 && resumes && current->status != STATUS_UNKNOWN) {
        return;
    }
    if (outgoing->position > 0 || missed) {
        take_event(line, now, tag, &value, outgoing->older);
    } else if (current->status == STATUS_UNKNOWN || tag->source != NULL) { /* else it was written meanwhile */
        *current = value;
    }
}

void sinaut_outgoing_ready(struct line_engine *engine, struct line_now now)
{
    struct sinaut *line = (struct sinaut *)engine;
    line->told = true;
    line->resume = RESUME_NOT;
    sinaut_work(line, now);
}
