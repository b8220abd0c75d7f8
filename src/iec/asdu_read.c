/*
 * asdu_read: ASDUs from octets to fields (-5-101 7.2).
 *
 * Decoding checks once that every object lies inside the octets, so that reading an object afterwards needs
 * no check and no error: a display, a fuzzer and a gateway all take the same short way.
 */
#include <string.h>

#include "komet/assert.h"

#include "asdu_private.h"
#include "time_tag_private.h"

const struct komet_profile komet_profile_104 = {.cot_size = 2, .ca_size = 2, .ioa_size = 3};
const struct komet_profile komet_profile_sinaut = {
    .cot_size = 2, .ca_size = 2, .ioa_size = 3, .big_endian_addresses = true};

static void read_header(const struct komet_profile *profile, const uint8_t *octets, size_t size,
                        struct komet_asdu *asdu)
{
    size_t header_size = asdu_header_size(profile);
    const uint8_t *cot = octets + ASDU_COT_OFFSET;
    *asdu = (struct komet_asdu){
        .row = komet_type_find(octets[0]),
        .type = octets[0],
        .sq = (octets[1] & ASDU_VSQ_SQ) != 0,
        .count = octets[1] & ASDU_VSQ_COUNT,
        .cause = cot[0] & ASDU_COT_CAUSE,
        .negative = (cot[0] & ASDU_COT_NEGATIVE) != 0,
        .test = (cot[0] & ASDU_COT_TEST) != 0,
        .oa = profile->cot_size == 2 ? cot[1] : 0,
        .ca = (uint16_t)octets_address(cot + profile->cot_size, profile->ca_size,
                                       profile->big_endian_addresses),
        .profile = profile,
        .octets = octets,
        .size = size,
        .objects = octets + header_size,
        .objects_size = size - header_size,
    };
}

/* How many octets the objects must have. Of a segment the length of its data stands in front of it; there is
 * one in an ASDU. */
static size_t objects_size(const struct komet_asdu *asdu)
{
    size_t element = asdu->row->element_size;
    size_t ioa = asdu->profile->ioa_size;
    size_t size = asdu->sq ? ioa + asdu->count * element : asdu->count * (ioa + element);
    return asdu->objects_size < size ? size : size + asdu_segment_size(asdu->row, asdu->objects + ioa);
}

enum komet_asdu_result komet_asdu_decode(const struct komet_profile *profile, const uint8_t *octets,
                                         size_t size, struct komet_asdu *asdu)
{
    KOMET_ASSERT(profile != NULL && profile_usable(profile));
    KOMET_ASSERT(octets != NULL || size == 0);
    if (size < asdu_header_size(profile)) {
        return KOMET_ASDU_TOO_SHORT;
    }
    read_header(profile, octets, size, asdu);
    if (asdu->row == NULL) {
        return KOMET_ASDU_UNKNOWN_TYPE;
    }
    if (asdu->count == 0) {
        return KOMET_ASDU_NO_OBJECT;
    }
    size_t needed = objects_size(asdu);
    if (asdu->objects_size != needed) {
        return asdu->objects_size < needed ? KOMET_ASDU_TOO_SHORT : KOMET_ASDU_TOO_LONG;
    }
    if ((asdu->sq && !asdu->row->sequence_allowed) || (asdu->count > 1 && asdu->row->single_object)) {
        return KOMET_ASDU_BAD_SEQUENCE;
    }
    return KOMET_ASDU_OK;
}

const char *komet_asdu_result_name(enum komet_asdu_result result)
{
    switch (result) {
    case KOMET_ASDU_OK:
        return "ok";
    case KOMET_ASDU_TOO_SHORT:
        return "too-short";
    case KOMET_ASDU_TOO_LONG:
        return "too-long";
    case KOMET_ASDU_NO_OBJECT:
        return "no-object";
    case KOMET_ASDU_BAD_SEQUENCE:
        return "bad-sequence";
    case KOMET_ASDU_UNKNOWN_TYPE:
        return "unknown-type";
    }
    KOMET_ASSERT_NEVER("a value of enum komet_asdu_result");
}

static void read_step(const uint8_t *octets, struct komet_object *object)
{
    int value = octets[0] & 0x7F;
    object->value.number = value >= 64 ? value - 128 : value;
    object->transient = (octets[0] & STEP_TRANSIENT) != 0;
    object->quality = octets[1] & QUALITY_BITS_QDS;
}

static void read_counter(const uint8_t *octets, struct komet_object *object)
{
    object->value.number = (int32_t)octets_u32(octets);
    object->sequence = octets[4] & COUNTER_SEQUENCE;
    object->quality = octets[4] & QUALITY_BITS_BCR;
}

/* SEP holds its quality itself; SPE and OCI are followed by a QDP. Then CP16Time2a. */
static void read_protection(const struct komet_type_row *row, const uint8_t *octets,
                            struct komet_object *object)
{
    bool sep = row->type == KOMET_M_EP_TA_1 || row->type == KOMET_M_EP_TD_1;
    const uint8_t *status = sep ? octets : octets + 1;
    object->value.bits = octets[0];
    object->quality = *status & QUALITY_BITS_QDP;
    object->elapsed_ms = octets_u16(status + 1);
}

/* The types without a value: mostly one octet that says what is asked for. */
static void read_system(const struct komet_type_row *row, const uint8_t *octets, struct komet_object *object)
{
    if (row->type == KOMET_C_TS_NA_1 || row->type == KOMET_C_TS_TA_1) {
        object->test_pattern = octets_u16(octets);
    } else if (row->type == KOMET_C_CD_NA_1) {
        object->elapsed_ms = octets_u16(octets);
    } else if (row->element_size == 1) {
        object->qualifier = octets[0];
    }
}

/* What a run of objects has in common, taken out of the table once. */
struct run {
    const struct komet_type_row *row;
    size_t ioa_size, element_size;
    bool big_endian, control;
};

/* Inline even where the compiler would not: with an element that is known, one case is left of the switch. */
#define READ_INLINE static inline __attribute__((always_inline))

READ_INLINE void read_point(const struct run *run, uint8_t octet, struct komet_object *object)
{
    if (run->control) {
        object->select = (octet & COMMAND_SELECT) != 0;
        object->qualifier = (octet >> 2) & COMMAND_QU_MAX;
    } else {
        object->quality = octet & QUALITY_BITS;
    }
}

READ_INLINE void read_analogue(const struct run *run, uint8_t octet, struct komet_object *object)
{
    if (run->control) {
        bool parameter = run->row->direction == KOMET_PARAMETER;
        object->select = !parameter && (octet & COMMAND_SELECT) != 0;
        object->qualifier = parameter ? octet : octet & SETPOINT_QL_MAX;
    } else {
        object->quality = octet & QUALITY_BITS_QDS;
    }
}

READ_INLINE void read_element(const struct run *run, enum komet_element element, const uint8_t *octets,
                              struct komet_object *object)
{
    switch (element) {
    case KOMET_ELEMENT_FLOAT:
        object->value.bits = octets_u32(octets); /* the same 32 bits, read as .real */
        read_analogue(run, octets[4], object);
        return;
    case KOMET_ELEMENT_SINGLE:
        object->value.single = (octets[0] & 1) != 0;
        read_point(run, octets[0], object);
        return;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
        object->value.number = octets[0] & 3;
        read_point(run, octets[0], object);
        return;
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_SCALED:
        object->value.number = (int16_t)octets_u16(octets);
        if (run->element_size > 2) { /* type 21 has no octet behind its value */
            read_analogue(run, octets[2], object);
        }
        return;
    case KOMET_ELEMENT_STEP:
        read_step(octets, object);
        return;
    case KOMET_ELEMENT_BITS:
        object->value.bits = octets_u32(octets);
        if (!run->control) {
            object->quality = octets[4] & QUALITY_BITS_QDS;
        }
        return;
    case KOMET_ELEMENT_COUNTER:
        read_counter(octets, object);
        return;
    case KOMET_ELEMENT_PROTECTION:
        read_protection(run->row, octets, object);
        return;
    case KOMET_ELEMENT_NONE:
        read_system(run->row, octets, object);
        return;
    case KOMET_ELEMENT_FILE: /* see asdu_file.c */
        object->octets_size = (uint8_t)(run->element_size + asdu_segment_size(run->row, octets));
        return;
    }
}

/* The time tag always stands at the end of the element; there is an octet in front of it in any case. */
READ_INLINE void read_time(enum komet_time_size time, const uint8_t *end, struct komet_object *object)
{
    switch (time) {
    case KOMET_TIME_NONE:
        return;
    case KOMET_TIME_CP24:
        cp24_decode(end - KOMET_CP24_SIZE, &object->time);
        return;
    case KOMET_TIME_CP56:
        cp56_from_number(octets_u64(end - 8) >> 8, &object->time);
        return;
    }
}

/* The address in front of an element. Three octets, the width of 104, are read as four of which one does not
 * count: the element behind has at least one, save in a read command. */
READ_INLINE uint32_t read_ioa(const struct run *run, const uint8_t *octets)
{
    if (run->ioa_size == 3 && !run->big_endian && run->element_size > 0) {
        return octets_u32(octets) & 0xFFFFFF;
    }
    return octets_address(octets, (unsigned)run->ioa_size, run->big_endian);
}

/* Reads `count` objects of which the first one's element is at `octets`, `stride` octets apart. `ioa` counts
 * with SQ = 1, else it stands in front of each element. */
READ_INLINE void read_run(const struct komet_asdu *asdu, unsigned first, unsigned count,
                          struct komet_object *objects, enum komet_element element, enum komet_time_size time)
{
    const struct run run = {
        .row = asdu->row,
        .ioa_size = asdu->profile->ioa_size,
        .element_size = asdu->row->element_size,
        .big_endian = asdu->profile->big_endian_addresses,
        .control = asdu->row->direction != KOMET_MONITOR,
    };
    bool sq = asdu->sq;
    size_t stride = sq ? run.element_size : run.ioa_size + run.element_size;
    const uint8_t *octets = asdu->objects + run.ioa_size + first * stride;
    uint32_t ioa = sq ? read_ioa(&run, asdu->objects) + first : 0;
    for (unsigned i = 0; i < count; i++, octets += stride) {
        struct komet_object *object = &objects[i];
        *object = (struct komet_object){
            .ioa = sq ? ioa++ : read_ioa(&run, octets - run.ioa_size),
            .element = element,
            .time_size = time,
            .octets = octets,
            .octets_size = (uint8_t)run.element_size,
        };
        read_time(time, octets + run.element_size, object);
        read_element(&run, element, octets, object);
    }
}

void komet_asdu_object(const struct komet_asdu *asdu, unsigned index, struct komet_object *object)
{
    KOMET_ASSERT(asdu->row != NULL);
    KOMET_ASSERT(index < asdu->count);
    read_run(asdu, index, 1, object, asdu->row->element, asdu->row->time);
}

/* Measured values with a time tag, addresses of three octets low octet first: the run that a busy line
 * brings. */
static void read_float_run(const struct komet_asdu *asdu, unsigned first, unsigned count,
                           struct komet_object *objects)
{
    enum { IOA_SIZE = 3, ELEMENT_SIZE = 12, QUALITY_AT = 7, STRIDE = IOA_SIZE + ELEMENT_SIZE };
    const struct komet_object same = {
        .element = KOMET_ELEMENT_FLOAT, .time_size = KOMET_TIME_CP56, .octets_size = ELEMENT_SIZE};
    const uint8_t *octets = asdu->objects + first * (size_t)STRIDE;
    for (unsigned i = 0; i < count; i++, octets += STRIDE) {
        uint64_t address_and_value = octets_u64(octets), quality_and_time = octets_u64(octets + QUALITY_AT);
        struct komet_object *object = &objects[i];
        *object = same;
        object->ioa = (uint32_t)address_and_value & 0xFFFFFF;
        object->value.bits = (uint32_t)(address_and_value >> (8 * IOA_SIZE));
        object->quality = (uint8_t)quality_and_time & QUALITY_BITS_QDS;
        object->octets = octets + IOA_SIZE;
        cp56_from_number(quality_and_time >> 8, &object->time);
    }
}

/* Runs of the kinds that fill most of a line, each compiled for itself; the rest object by object. */
void komet_asdu_objects(const struct komet_asdu *asdu, unsigned first, unsigned count,
                        struct komet_object *objects)
{
    KOMET_ASSERT(asdu->row != NULL);
    KOMET_ASSERT(first <= asdu->count && count <= asdu->count - first);
    if (asdu->type == KOMET_M_ME_TF_1 && !asdu->sq && asdu->profile->ioa_size == 3 &&
        !asdu->profile->big_endian_addresses) {
        read_float_run(asdu, first, count, objects);
        return;
    }
    enum komet_element element = asdu->row->element;
    enum komet_time_size time = asdu->row->time;
    if (element == KOMET_ELEMENT_FLOAT && time == KOMET_TIME_CP56) {
        read_run(asdu, first, count, objects, KOMET_ELEMENT_FLOAT, KOMET_TIME_CP56);
    } else if (element == KOMET_ELEMENT_SINGLE && time == KOMET_TIME_CP56) {
        read_run(asdu, first, count, objects, KOMET_ELEMENT_SINGLE, KOMET_TIME_CP56);
    } else if (element == KOMET_ELEMENT_FLOAT && time == KOMET_TIME_NONE) {
        read_run(asdu, first, count, objects, KOMET_ELEMENT_FLOAT, KOMET_TIME_NONE);
    } else if (element == KOMET_ELEMENT_SINGLE && time == KOMET_TIME_NONE) {
        read_run(asdu, first, count, objects, KOMET_ELEMENT_SINGLE, KOMET_TIME_NONE);
    } else {
        read_run(asdu, first, count, objects, element, time);
    }
}

double komet_object_number(const struct komet_object *object)
{
    switch (object->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        return 0;
    case KOMET_ELEMENT_SINGLE:
        return object->value.single ? 1 : 0;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_COUNTER:
        return object->value.number;
    case KOMET_ELEMENT_NORMALIZED:
        return object->value.number / 32768.0;
    case KOMET_ELEMENT_FLOAT:
        return (double)object->value.real;
    case KOMET_ELEMENT_BITS:
    case KOMET_ELEMENT_PROTECTION:
        return object->value.bits;
    }
    KOMET_ASSERT_NEVER("a value of enum komet_element");
}

/* Where in an element the octet stands that carries quality or qualifier; -1 when there is none. */
static int status_offset(const struct komet_type_row *row)
{
    switch (row->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        return -1;
    case KOMET_ELEMENT_SINGLE:
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
        return 0;
    case KOMET_ELEMENT_STEP:
        return 1;
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_SCALED:
        return row->type == KOMET_M_ME_ND_1 ? -1 : 2;
    case KOMET_ELEMENT_FLOAT:
    case KOMET_ELEMENT_COUNTER:
        return 4;
    case KOMET_ELEMENT_BITS:
        return row->direction == KOMET_MONITOR ? 4 : -1;
    case KOMET_ELEMENT_PROTECTION:
        return row->type == KOMET_M_EP_TA_1 || row->type == KOMET_M_EP_TD_1 ? 0 : 1;
    }
    KOMET_ASSERT_NEVER("a value of enum komet_element");
}

uint8_t komet_object_status_octet(const struct komet_asdu *asdu, const struct komet_object *object)
{
    KOMET_ASSERT(asdu->row != NULL);
    KOMET_ASSERT(object->octets != NULL);
    int offset = status_offset(asdu->row);
    return offset < 0 ? 0 : object->octets[offset];
}
