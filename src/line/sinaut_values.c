/*
 * What a received ASDU means to a Sinaut line: values of tags, commands and interrogations of the partner's,
 * confirmations of ours; and what it says of who sends it (reference 1.2 to 1.6, S1, S4).
 */
#include <string.h>

#include "line/sinaut_private.h"
#include "model/conversion.h"
#include "model/filter.h"
#include "model/quality.h"

/* Counts an address that no tag has, and tells it once. */
static void unknown_address(struct sinaut *line, uint16_t ca, uint32_t ioa, bool quiet)
{
    line->counters.unknown_address++;
    for (unsigned i = 0; i < line->unknown_count; i++) {
        if (line->unknowns[i].ca == ca && line->unknowns[i].ioa == ioa) {
            return;
        }
    }
    if (line->unknown_count < SINAUT_UNKNOWNS_MAX) {
        line->unknowns[line->unknown_count].ca = ca;
        line->unknowns[line->unknown_count++].ioa = ioa;
        if (!quiet) {
            sinaut_note(line, "%s: no input tag has common address %u and object address %u",
                        line->line->name, ca, ioa);
        }
    }
}

static void take_one(struct sinaut *line, const struct tag *tag, const struct line_value *received)
{
    KOMET_ASSERT(line->value_count < SINAUT_VALUES_MAX);
    struct line_value *value = &line->values[line->value_count];
    struct value *kept = &line->last[sinaut_tag_index(line, tag)];
    *value = *received;
    value->tag = tag;
    if (tag->master != NULL) { /* a row has the time of what its master has, once he has anything */
        const struct value *last = &line->last[sinaut_tag_index(line, tag->master)];
        bool known = last->status != STATUS_UNKNOWN;
        value->value.time = known ? last->time : value->value.time;
        value->value.time_origin = known ? last->time_origin : value->value.time_origin;
    }
    switch (filter_value(tag->processing, kept, &value->value)) {
    case FILTER_PASSES:
        if (tag->first_row != NULL && !value_is_older(&value->value, kept)) {
            *kept = value->value; /* also where nothing compares with it: its rows have its time */
        }
        line->counters.values++;
        line->value_count++;
        return;
    case FILTER_DISCARDS:
        if (line->counters.discarded++ == 0) {
            sinaut_note(line, "%s: %s discards %.7g, and what else its bounds do not allow", line->line->name,
                        tag->name, received->value.number);
        }
        return;
    case FILTER_UNCHANGED:
        line->counters.unchanged++;
        return;
    }
    KOMET_ASSERT_NEVER("an unknown verdict");
}

void sinaut_take_value(struct sinaut *line, const struct line_value *received)
{
    take_one(line, received->tag, received);
    if (received->tag->first_row != NULL) {
        take_one(line, received->tag->first_row, received);
    }
}

/* With the raw octets of one that has a time tag, by which a repeat is known. */
static struct line_value value_of(const struct tag *tag, const struct komet_object *object,
                                  struct value received)
{
    struct line_value value = {.tag = tag, .value = received};
    if (object->time_size != KOMET_TIME_NONE) {
        KOMET_ASSERT(object->octets_size <= sizeof value.octets);
        memcpy(value.octets, object->octets, object->octets_size);
        value.octets_size = object->octets_size;
    }
    return value;
}

/* The input tag to which an object is sent; NULL, with the mistake told, when there is none that takes its
 * type. */
static const struct tag *find_tag(struct sinaut *line, const struct station *station,
                                  const struct komet_asdu *asdu, const struct komet_object *object,
                                  uint8_t type)
{
    const struct tag *tag = station != NULL ? station_find_input(station, object->ioa) : NULL;
    if (tag == NULL) {
        unknown_address(line, asdu->ca, object->ioa,
                        station != NULL && station->parameters.value[PARAMETER_IUA] != 0);
        return NULL;
    }
    if (!tag_type_fits(tag->type, type)) {
        if (line->counters.wrong_type++ == 0) {
            sinaut_note(line, "%s: %s is a tag of type %s and gets %s", line->line->name, tag->name,
                        tag_type_name(tag->type), asdu->row->name);
        }
        return NULL;
    }
    return tag;
}

static void tell_value(struct sinaut *line, const struct line_value *value)
{
    char text[VALUE_TEXT_SIZE], flags[FLAGS_TEXT_SIZE];
    if (sinaut_debugs(line, value->tag->station, PARAMETER_DBGI, DEBUG_IN_VALUES)) {
        value_text(value->tag->type, &value->value, text);
        value_flags_text(value->value.flags, flags);
        sinaut_note(line, "%s: %s is %s %s%s%s", line->line->name, value->tag->name, text,
                    value_status_name(value->value.status), flags[0] != '\0' ? " " : "", flags);
    }
}

static void take_values(struct sinaut *line, struct line_now now, const struct komet_asdu *asdu)
{
    const struct station *station = sinaut_station(line, asdu->ca);
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_object object;
        komet_asdu_object(asdu, i, &object);
        const struct tag *tag = find_tag(line, station, asdu, &object, asdu->type);
        if (tag == NULL || !sinaut_speaks(line, station)) {
            continue;
        }
        const int64_t *parameter = station->parameters.value;
        bool no_flags = parameter[PARAMETER_NF] != 0;
        if (quality_ignored(asdu->type, &object, (unsigned)parameter[PARAMETER_IF])) {
            if (sinaut_debugs(line, station, PARAMETER_DBGI, DEBUG_IN_IGNORED)) {
                sinaut_note(line, "%s: %s has a quality that IF ignores", line->line->name, tag->name);
            }
            continue;
        }
        struct value value = value_from_object(tag, asdu, &object, now.utc, no_flags);
        if (!no_flags && parameter[PARAMETER_ICCP] != 0) {
            value.flags = quality_flags_iccp(asdu, &object);
        }
        struct line_value received = value_of(tag, &object, value);
        tell_value(line, &received);
        /* Who stands by passes on events only: the interrogation after a take-over brings the rest. */
        if (line->active || (received.octets_size > 0 && !cot_is_interrogated(asdu->cause))) {
            sinaut_take_value(line, &received);
        }
    }
}

/* ---- commands of the partner's ---- */

/* The value of an input tag by a command: as a value of its type without a time tag, Valid, with its
 * qualifier. */
static void take_command(struct sinaut *line, struct line_now now, unsigned path, uint64_t frame,
                         const struct komet_asdu *asdu)
{
    const struct station *station = sinaut_station(line, asdu->ca);
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    if (station == NULL || !sinaut_speaks(line, station)) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_CA);
        return;
    }
    const struct tag *tag = find_tag(line, station, asdu, &object, quality_type_of_command(asdu->type));
    if (tag == NULL) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_IOA);
        return;
    }
    sinaut_answers_command(line, path, frame, asdu, true);
    if (!object.select && !asdu->test) {
        object.time_size = KOMET_TIME_NONE;
        bool no_flags = station->parameters.value[PARAMETER_NF] != 0;
        struct line_value value =
            value_of(tag, &object, value_from_object(tag, asdu, &object, now.utc, no_flags));
        sinaut_take_value(line, &value);
    }
}

static bool is_answer(uint8_t cause)
{
    return cause == KOMET_COT_ACTIVATION_CON || cause == KOMET_COT_DEACTIVATION_CON ||
           cause == KOMET_COT_ACTIVATION_TERMINATION ||
           (cause >= KOMET_COT_UNKNOWN_TYPE && cause <= KOMET_COT_UNKNOWN_IOA);
}

static bool is_interrogation(uint8_t type)
{
    return type == KOMET_C_IC_NA_1 || type == KOMET_C_CI_NA_1;
}

static void take_order(struct sinaut *line, struct line_now now, unsigned path, uint64_t frame,
                       const struct komet_asdu *asdu)
{
    bool command = asdu->row->direction == KOMET_CONTROL;
    if (!line->manner->balanced) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_TYPE);
        return;
    }
    if (is_interrogation(asdu->type)) {
        partners_heard(&line->partners, path, HEARD_QUESTION);
        if (sinaut_debugs(line, sinaut_station(line, asdu->ca), PARAMETER_DBGI, DEBUG_IN_QUESTIONS)) {
            sinaut_note(line, "%s: %s interrogates common address %u (type %u)", line->line->name,
                        line->line->partners[sinaut_partner_of(path)].name, asdu->ca, asdu->type);
        }
    }
    if (!command && !is_interrogation(asdu->type)) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_TYPE);
    } else if (asdu->cause != KOMET_COT_ACTIVATION) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_CAUSE);
    } else if (command) {
        take_command(line, now, path, frame, asdu);
    } else {
        sinaut_answers_interrogation(line, path, asdu);
    }
}

/* ---- who sends ---- */

/* Marked as a standby's, and such are ignored. */
static bool is_marked(const struct sinaut *line, const struct komet_asdu *asdu, bool cf3_mark)
{
    return (cf3_mark && line_ignores_cf3_mark(line->line)) ||
           (asdu->test && line_ignores_test_mark(line->line));
}

static bool is_of_values(uint8_t cause)
{
    return (cause >= KOMET_COT_PERIODIC && cause <= KOMET_COT_REQUEST) || cause == KOMET_COT_RETURN_REMOTE ||
           cause == KOMET_COT_RETURN_LOCAL;
}

static void take_monitored(struct sinaut *line, struct line_now now, unsigned path,
                           const struct komet_asdu *asdu, bool marked)
{
    bool interrogated = cot_is_interrogated(asdu->cause);
    if (!interrogated && !is_of_values(asdu->cause)) {
        line->counters.unknown_cause++;
        return;
    }
    if (marked) {
        partners_heard(&line->partners, path, HEARD_MARKED);
        return;
    }
    if (interrogated) {
        sinaut_stations_answered(line, sinaut_partner_of(path));
    }
    partners_heard(&line->partners, path, interrogated ? HEARD_ANSWER : HEARD_VALUES);
    line->partner[sinaut_partner_of(path)].answered += interrogated ? asdu->count : 0u;
    take_values(line, now, asdu);
}

/* From the confirmation of our interrogation to its termination. */
static void tell_count(struct sinaut *line, unsigned partner, uint8_t cause)
{
    if (cause == KOMET_COT_ACTIVATION_TERMINATION &&
        sinaut_debugs(line, NULL, PARAMETER_DBGI, DEBUG_IN_COUNT)) {
        sinaut_note(line, "%s: %s has answered an interrogation with %u values", line->line->name,
                    line->line->partners[partner].name, line->partner[partner].answered);
    }
    line->partner[partner].answered = 0;
}

/* The freeze before a periodic counter interrogation is the line's own: no command waits for its answer. */
static bool is_freeze(const struct komet_asdu *asdu)
{
    struct komet_object object;
    if (asdu->type != KOMET_C_CI_NA_1) {
        return false;
    }
    komet_asdu_object(asdu, 0, &object);
    return object.qualifier >> QCC_FREEZE_SHIFT != 0;
}

static void take_asdu(struct sinaut *line, struct line_now now, unsigned path, uint64_t frame,
                      const struct komet_asdu *asdu, bool cf3_mark)
{
    unsigned partner = sinaut_partner_of(path);
    if (asdu->type == KOMET_M_EI_NA_1) {
        sinaut_stations_initialized(line, now, partner, asdu->ca);
    } else if (asdu->row->direction == KOMET_MONITOR) {
        take_monitored(line, now, path, asdu, is_marked(line, asdu, cf3_mark));
    } else if (is_answer(asdu->cause)) {
        if (is_interrogation(asdu->type)) {
            sinaut_stations_answered(line, partner);
        }
        if (is_interrogation(asdu->type) && !asdu->negative) {
            bool marked = is_marked(line, asdu, cf3_mark); /* a standby may mark all that it sends */
            tell_count(line, partner, asdu->cause);
            partners_heard(&line->partners, path, marked ? HEARD_MARKED : HEARD_ANSWER);
        }
        if (is_freeze(asdu)) {
            sinaut_services_frozen(line, partner, asdu);
            return;
        }
        sinaut_commands_confirm(line, partner, asdu);
    } else if (line->active) { /* a standby neither executes nor answers */
        take_order(line, now, path, frame, asdu);
    }
}

static void unknown_type(struct sinaut *line, unsigned path, const struct komet_asdu *asdu)
{
    if (line->counters.unknown_type++ == 0) {
        sinaut_note(line, "%s: type identification %u is not known", line->line->name, asdu->type);
    }
    bool control = asdu->type >= KOMET_C_SC_NA_1 && asdu->type != KOMET_M_EI_NA_1;
    if (control && line->active && !is_answer(asdu->cause)) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_TYPE);
    }
}

void sinaut_receive(struct sinaut *line, struct line_now now, unsigned path,
                    const struct komet_group_output *from)
{
    struct sinaut_path *own = &line->path[path];
    struct komet_asdu asdu;
    KOMET_ASSERT(from->received == own->handed + 1);
    line->value_count = 0;
    own->handed = from->received;
    own->frame_times[from->received % SINAUT_FRAME_TIMES] = now.instant;
    switch (komet_asdu_decode(line->manner->profile, from->octets, from->size, &asdu)) {
    case KOMET_ASDU_OK:
        take_asdu(line, now, path, from->received, &asdu, from->cf3_mark);
        break;
    case KOMET_ASDU_UNKNOWN_TYPE:
        unknown_type(line, path, &asdu);
        break;
    case KOMET_ASDU_TOO_SHORT:
    case KOMET_ASDU_TOO_LONG:
    case KOMET_ASDU_NO_OBJECT:
    case KOMET_ASDU_BAD_SEQUENCE:
        sinaut_drop(line, now, path, KOMET_BAD_ASDU, true);
        return;
    }
    line->value_frame = from->received;
    line->value_connection = own->connection;
    line->values_waiting = true;
    if (line->line->acknowledge == ACKNOWLEDGE_RECEIVED) {
        line_stored(&line->engine, now, own->connection, from->received);
    }
}
