/*
 * What a received ASDU means to a line: values of tags, confirmations of commands, or something that fits
 * nothing and is counted, told once, and answered where the standard wants an answer.
 */
#include <string.h>

#include "line/iec104_private.h"
#include "model/conversion.h"
#include "model/filter.h"
#include "model/quality.h"

static const struct station *find_station(const struct iec104 *line, uint16_t ca)
{
    for (unsigned i = 0; i < line->line->station_count; i++) {
        if (line->line->stations[i].ca == ca) {
            return &line->line->stations[i];
        }
    }
    return NULL;
}

/* Counts an address that no tag has, and tells it once. */
static void unknown_address(struct iec104 *line, uint16_t ca, uint32_t ioa, bool quiet)
{
    line->counters.unknown_address++;
    for (unsigned i = 0; i < line->unknown_count; i++) {
        if (line->unknowns[i].ca == ca && line->unknowns[i].ioa == ioa) {
            return;
        }
    }
    if (line->unknown_count < LINE_UNKNOWNS_MAX) {
        line->unknowns[line->unknown_count].ca = ca;
        line->unknowns[line->unknown_count++].ioa = ioa;
        if (!quiet) {
            iec104_note(line, "%s: no input tag has common address %u and object address %u",
                        line->line->name, ca, ioa);
        }
    }
}

/* True when the filters of the tag let a value go on. */
static bool passes(struct iec104 *line, const struct tag *tag, struct value *value)
{
    uint32_t index = tag->number - line->line->stations[0].first_tag;
    double number = value->number;
    KOMET_ASSERT(index < line->tag_count);
    switch (filter_value(tag->processing, &line->last[index], value)) {
    case FILTER_PASSES:
        line->counters.values++;
        return true;
    case FILTER_DISCARDS:
        if (line->counters.discarded++ == 0) {
            iec104_note(line, "%s: %s discards %.7g, and what else its bounds do not allow", line->line->name,
                        tag->name, number);
        }
        return false;
    case FILTER_UNCHANGED:
        line->counters.unchanged++;
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown verdict");
}

/* Puts a value among those of its frame, when the filters of its tag let it go on. */
static void take_value(struct iec104 *line, const struct tag *tag, const struct komet_object *object,
                       struct value received)
{
    KOMET_ASSERT(line->value_count < LINE_VALUES_MAX);
    if (!passes(line, tag, &received)) {
        return;
    }
    struct line_value *value = &line->values[line->value_count++];
    value->tag = tag;
    value->value = received;
    value->octets_size = 0;
    if (object->time_size != KOMET_TIME_NONE) {
        KOMET_ASSERT(object->octets_size <= sizeof value->octets);
        memcpy(value->octets, object->octets, object->octets_size);
        value->octets_size = object->octets_size;
    }
}

static void take_values(struct iec104 *line, struct line_now now, const struct komet_asdu *asdu)
{
    const struct station *station = find_station(line, asdu->ca);
    bool no_flags = station != NULL && station->parameters.value[PARAMETER_NF] != 0;
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_object object;
        komet_asdu_object(asdu, i, &object);
        struct tag *tag = station != NULL ? station_find_input(station, object.ioa) : NULL;
        if (tag == NULL) {
            unknown_address(line, asdu->ca, object.ioa,
                            station != NULL && station->parameters.value[PARAMETER_IUA] != 0);
        } else if (!tag_type_fits(tag->type, asdu->type)) {
            if (line->counters.wrong_type++ == 0) {
                iec104_note(line, "%s: %s is a tag of type %s and gets %s", line->line->name, tag->name,
                            tag_type_name(tag->type), asdu->row->name);
            }
        } else if (iec104_stations_speaks(line, station) &&
                   !quality_ignored(asdu->type, &object, (unsigned)station->parameters.value[PARAMETER_IF])) {
            take_value(line, tag, &object, value_from_object(tag, asdu, &object, now.utc, no_flags));
        }
    }
}

/* A control-direction ASDU sent to us, who control: mirrored with the cause that says why not. */
static void mirror(struct iec104 *line, struct line_now now, const uint8_t *octets, size_t size,
                   uint8_t cause)
{
    if (line->read_only) {
        return;
    }
    if (line->counters.unknown_cause++ == 0) {
        iec104_note(line,
                    "%s: a control-direction ASDU of type %u came from the station; answered with cause %u",
                    line->line->name, octets[0], cause);
    }
    uint8_t *out = komet_link_reserve(line->link);
    if (out != NULL) {
        memcpy(out, octets, size);
        komet_asdu_mirror(out, cause, true);
        komet_link_commit(line->link, now.instant, size);
    }
}

static bool is_answer(uint8_t cause)
{
    return cause == KOMET_COT_ACTIVATION_CON || cause == KOMET_COT_DEACTIVATION_CON ||
           cause == KOMET_COT_ACTIVATION_TERMINATION ||
           (cause >= KOMET_COT_UNKNOWN_TYPE && cause <= KOMET_COT_UNKNOWN_IOA);
}

/* The freeze before a periodic counter interrogation is the line's own: no command waits for its answer. */
static void take_answer(struct iec104 *line, struct line_now now, const struct komet_asdu *asdu)
{
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    if (asdu->type == KOMET_C_CI_NA_1 && object.qualifier >> QCC_FREEZE_SHIFT != 0) {
        iec104_stations_frozen(line, asdu);
    } else {
        iec104_commands_confirm(line, now, asdu);
    }
}

static void take_asdu(struct iec104 *line, struct line_now now, const struct komet_asdu *asdu)
{
    if (asdu->type == KOMET_M_EI_NA_1) {
        iec104_stations_initialized(line, now, asdu->ca);
    } else if (asdu->row->direction == KOMET_MONITOR) {
        take_values(line, now, asdu);
    } else if (is_answer(asdu->cause)) {
        take_answer(line, now, asdu);
    } else {
        mirror(line, now, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_TYPE);
    }
}

void iec104_receive(struct iec104 *line, struct line_now now, const uint8_t *octets, size_t size,
                    uint64_t frame, bool cf3_mark)
{
    struct komet_asdu asdu;
    KOMET_ASSERT(frame == line->handed + 1);
    line->value_count = 0;
    switch (komet_asdu_decode(&komet_profile_104, octets, size, &asdu)) {
    case KOMET_ASDU_OK:
        if (!cf3_mark) { /* marked: data of a standby, acknowledged and dropped */
            take_asdu(line, now, &asdu);
        }
        break;
    case KOMET_ASDU_UNKNOWN_TYPE:
        if (line->counters.unknown_type++ == 0) {
            iec104_note(line, "%s: type identification %u is not known", line->line->name, asdu.type);
        }
        if (asdu.type >= KOMET_C_SC_NA_1 && asdu.type != KOMET_M_EI_NA_1 && !is_answer(asdu.cause)) {
            mirror(line, now, octets, size, KOMET_COT_UNKNOWN_TYPE);
        }
        break;
    case KOMET_ASDU_TOO_SHORT:
    case KOMET_ASDU_TOO_LONG:
    case KOMET_ASDU_NO_OBJECT:
    case KOMET_ASDU_BAD_SEQUENCE:
        komet_link_close(line->link, KOMET_BAD_ASDU);
        return;
    }
    line->handed = frame;
    line->frame_times[frame % LINE_FRAME_TIMES] = now.instant;
    line->value_frame = frame;
    line->values_waiting = true;
    if (line->line->acknowledge == ACKNOWLEDGE_RECEIVED) {
        line_stored(&line->engine, now, line->connection, frame);
    }
}
