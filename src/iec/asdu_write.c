/*
 * asdu_write: ASDUs from fields to octets, object by object, in the caller's memory (-5-101 7.2).
 *
 * It writes what the type says; reserved bits are 0. What an object holds beside that is not looked at, so
 * an object that was read from one type can be written as another of the same element.
 */
#include <assert.h>
#include <string.h>

#include "komet/assert.h"

#include "asdu_private.h"
#include "time_tag_private.h"

void asdu_write_header(const struct komet_profile *profile, const struct komet_asdu_header *header,
                       uint8_t *octets)
{
    KOMET_ASSERT(header->cause <= ASDU_COT_CAUSE);
    KOMET_ASSERT(profile->ca_size == 2 || header->ca <= 0xFF);
    octets[0] = header->type;
    octets[1] = header->sq ? ASDU_VSQ_SQ : 0;
    uint8_t *cot = octets + ASDU_COT_OFFSET;
    cot[0] = (uint8_t)(header->cause | (header->negative ? ASDU_COT_NEGATIVE : 0) |
                       (header->test ? ASDU_COT_TEST : 0));
    if (profile->cot_size == 2) {
        cot[1] = header->oa;
    }
    put_address(cot + profile->cot_size, profile->ca_size, profile->big_endian_addresses, header->ca);
}

bool komet_asdu_begin(struct komet_asdu_writer *writer, const struct komet_profile *profile,
                      const struct komet_asdu_header *header, uint8_t *octets, size_t capacity)
{
    KOMET_ASSERT(profile != NULL && profile_usable(profile));
    KOMET_ASSERT(octets != NULL && capacity >= KOMET_ASDU_SIZE_ONE);
    const struct komet_type_row *row = komet_type_find(header->type);
    if (row == NULL || (header->sq && !row->sequence_allowed)) {
        return false;
    }
    *writer = (struct komet_asdu_writer){
        .profile = profile,
        .row = row,
        .octets = octets,
        .capacity = capacity < KOMET_ASDU_SIZE_MAX ? capacity : KOMET_ASDU_SIZE_MAX,
        .size = asdu_header_size(profile),
        .sq = header->sq,
    };
    asdu_write_header(profile, header, octets);
    return true;
}

/* SIQ, DIQ, SCO, DCO, RCO: a value of one or two bits with quality or qualifier above it. */
static void write_point(const struct komet_type_row *row, uint8_t *octets, unsigned value,
                        const struct komet_object *object)
{
    if (row->direction == KOMET_MONITOR) {
        octets[0] = (uint8_t)(value | (object->quality & QUALITY_BITS));
        return;
    }
    KOMET_ASSERT(object->qualifier <= COMMAND_QU_MAX);
    octets[0] = (uint8_t)(value | (unsigned)object->qualifier << 2 | (object->select ? COMMAND_SELECT : 0));
}

/* QOS of a set-point, QDS of a measured value, or nothing (21). */
static void write_analogue_status(const struct komet_type_row *row, uint8_t *octet,
                                  const struct komet_object *object)
{
    if (row->direction == KOMET_PARAMETER) {
        *octet = object->qualifier;
    } else if (row->direction == KOMET_CONTROL) {
        KOMET_ASSERT(object->qualifier <= SETPOINT_QL_MAX);
        *octet = (uint8_t)(object->qualifier | (object->select ? COMMAND_SELECT : 0));
    } else if (row->type != KOMET_M_ME_ND_1) {
        *octet = object->quality & QUALITY_BITS_QDS;
    }
}

static void write_protection(const struct komet_type_row *row, uint8_t *octets,
                             const struct komet_object *object)
{
    bool sep = row->type == KOMET_M_EP_TA_1 || row->type == KOMET_M_EP_TD_1;
    uint8_t quality = object->quality & QUALITY_BITS_QDP;
    if (sep) {
        octets[0] = (uint8_t)((object->value.bits & 3) | quality);
        put_u16(octets + 1, object->elapsed_ms);
        return;
    }
    KOMET_ASSERT(object->value.bits <= 0xFF);
    octets[0] = (uint8_t)object->value.bits;
    octets[1] = quality;
    put_u16(octets + 2, object->elapsed_ms);
}

static void write_system(const struct komet_type_row *row, uint8_t *octets, const struct komet_object *object)
{
    if (row->type == KOMET_C_TS_NA_1 || row->type == KOMET_C_TS_TA_1) {
        put_u16(octets, object->test_pattern);
    } else if (row->type == KOMET_C_CD_NA_1) {
        put_u16(octets, object->elapsed_ms);
    } else if (row->element_size == 1) {
        octets[0] = object->qualifier;
    }
}

static inline void write_element(const struct komet_type_row *row, uint8_t *octets,
                                 const struct komet_object *object)
{
    int32_t number = object->value.number;
    switch (row->element) {
    case KOMET_ELEMENT_FLOAT:
        put_u32(octets, object->value.bits); /* the same 32 bits, written as .real */
        write_analogue_status(row, octets + 4, object);
        return;
    case KOMET_ELEMENT_SINGLE:
        write_point(row, octets, object->value.single ? 1 : 0, object);
        return;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
        KOMET_ASSERT(number >= 0 && number <= 3);
        write_point(row, octets, (unsigned)number, object);
        return;
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_SCALED:
        KOMET_ASSERT(number >= INT16_MIN && number <= INT16_MAX);
        put_u16(octets, (uint16_t)number);
        write_analogue_status(row, octets + 2, object);
        return;
    case KOMET_ELEMENT_STEP:
        KOMET_ASSERT(number >= -64 && number <= 63);
        octets[0] = (uint8_t)((number & 0x7F) | (object->transient ? STEP_TRANSIENT : 0));
        octets[1] = object->quality & QUALITY_BITS_QDS;
        return;
    case KOMET_ELEMENT_BITS:
        put_u32(octets, object->value.bits);
        if (row->direction == KOMET_MONITOR) {
            octets[4] = object->quality & QUALITY_BITS_QDS;
        }
        return;
    case KOMET_ELEMENT_COUNTER:
        KOMET_ASSERT(object->sequence <= COUNTER_SEQUENCE);
        put_u32(octets, (uint32_t)number);
        octets[4] = (uint8_t)(object->sequence | (object->quality & QUALITY_BITS_BCR));
        return;
    case KOMET_ELEMENT_PROTECTION:
        write_protection(row, octets, object);
        return;
    case KOMET_ELEMENT_NONE:
        write_system(row, octets, object);
        return;
    case KOMET_ELEMENT_FILE:
        KOMET_ASSERT_NEVER("a type of file transfer: komet_asdu_add_file");
    }
}

static inline void write_time(const struct komet_type_row *row, uint8_t *octets,
                              const struct komet_object *object)
{
    switch (row->time) {
    case KOMET_TIME_NONE:
        return;
    case KOMET_TIME_CP24:
        cp24_encode(octets + row->element_size - KOMET_CP24_SIZE, &object->time);
        return;
    case KOMET_TIME_CP56:
        cp56_encode(octets + row->element_size - KOMET_CP56_SIZE, &object->time);
        return;
    }
}

/* Inline: it is the larger part of what adding an object costs. */
static inline uint8_t *add_element(struct komet_asdu_writer *writer, uint32_t ioa, size_t size)
{
    const struct komet_profile *profile = writer->profile;
    KOMET_ASSERT(ioa >> (8 * profile->ioa_size) == 0);
    bool with_ioa = !writer->sq || writer->count == 0;
    size_t needed = size + (with_ioa ? (size_t)profile->ioa_size : 0);
    if (writer->count == ASDU_VSQ_COUNT || writer->capacity - writer->size < needed) {
        return NULL;
    }
    if (writer->count > 0 && (writer->row->single_object || (writer->sq && ioa != writer->next_ioa))) {
        return NULL;
    }
    uint8_t *octets = writer->octets + writer->size;
    if (with_ioa) {
        if (profile->ioa_size == 3 && !profile->big_endian_addresses && size > 0) {
            put_u32(octets, ioa); /* the fourth octet is the element's, written later */
        } else {
            put_address(octets, profile->ioa_size, profile->big_endian_addresses, ioa);
        }
        octets += profile->ioa_size;
    }
    writer->size += needed;
    writer->count++;
    writer->next_ioa = ioa + 1;
    return octets;
}

uint8_t *asdu_add_element(struct komet_asdu_writer *writer, uint32_t ioa, size_t size)
{
    return add_element(writer, ioa, size);
}

bool komet_asdu_add(struct komet_asdu_writer *writer, const struct komet_object *object)
{
    const struct komet_type_row *row = writer->row;
    KOMET_ASSERT(row != NULL);
    uint8_t *octets = add_element(writer, object->ioa, row->element_size);
    if (octets == NULL) {
        return false;
    }
    write_element(row, octets, object);
    write_time(row, octets, object);
    return true;
}

/* Measured values with a time tag, addresses of three octets low octet first: the run that a busy station
 * sends. All that an object can ask is asked before its octets are written. */
static unsigned add_float_run(struct komet_asdu_writer *writer, const struct komet_object *objects,
                              unsigned count)
{
    enum { IOA_SIZE = 3, ELEMENT_SIZE = 12, QUALITY_AT = 7, TIME_AT = 8, STRIDE = IOA_SIZE + ELEMENT_SIZE };
    static_assert(STRIDE == TIME_AT + KOMET_CP56_SIZE, "address, value, quality, time");
    size_t fit = (writer->capacity - writer->size) / STRIDE;
    unsigned room = (unsigned)ASDU_VSQ_COUNT - writer->count;
    room = fit < room ? (unsigned)fit : room;
    count = count < room ? count : room;
    uint8_t *octets = writer->octets + writer->size;
    for (unsigned i = 0; i < count; i++, octets += STRIDE) {
        const struct komet_object *object = &objects[i];
        KOMET_ASSERT(object->ioa >> (8 * IOA_SIZE) == 0);
        uint64_t quality = object->quality & QUALITY_BITS_QDS;
        /* Seven octets and eight: the last of the first number is the quality's, written next. */
        put_u64(octets, object->ioa | (uint64_t)object->value.bits << (8 * IOA_SIZE));
        put_u64(octets + QUALITY_AT, quality | cp56_to_number(&object->time) << 8);
    }
    writer->size += count * (size_t)STRIDE;
    writer->count = (uint8_t)(writer->count + count);
    if (count > 0) {
        writer->next_ioa = objects[count - 1].ioa + 1;
    }
    return count;
}

unsigned komet_asdu_add_objects(struct komet_asdu_writer *writer, const struct komet_object *objects,
                                unsigned count)
{
    const struct komet_profile *profile = writer->profile;
    KOMET_ASSERT(writer->row != NULL);
    if (writer->row->type == KOMET_M_ME_TF_1 && !writer->sq && profile->ioa_size == 3 &&
        !profile->big_endian_addresses) {
        return add_float_run(writer, objects, count);
    }
    unsigned added = 0;
    while (added < count && komet_asdu_add(writer, &objects[added])) {
        added++;
    }
    return added;
}

size_t komet_asdu_end(struct komet_asdu_writer *writer)
{
    KOMET_ASSERT(writer->row != NULL);
    KOMET_ASSERT(writer->size <= writer->capacity);
    if (writer->count == 0) {
        return 0;
    }
    writer->octets[1] = (uint8_t)((writer->octets[1] & ASDU_VSQ_SQ) | writer->count);
    return writer->size;
}

size_t komet_asdu_write_octets(const struct komet_profile *profile, const struct komet_asdu_header *header,
                               uint8_t count, const uint8_t *objects, size_t size, uint8_t *octets,
                               size_t capacity)
{
    KOMET_ASSERT(profile != NULL && profile_usable(profile));
    KOMET_ASSERT(count <= ASDU_VSQ_COUNT);
    size_t header_size = asdu_header_size(profile);
    capacity = capacity < KOMET_ASDU_SIZE_MAX ? capacity : KOMET_ASDU_SIZE_MAX;
    if (capacity < header_size || capacity - header_size < size) {
        return 0;
    }
    asdu_write_header(profile, header, octets);
    octets[1] |= count;
    if (size > 0) {
        memcpy(octets + header_size, objects, size);
    }
    return header_size + size;
}

void komet_asdu_mirror(uint8_t *octets, uint8_t cause, bool negative)
{
    KOMET_ASSERT(octets != NULL);
    KOMET_ASSERT(cause <= ASDU_COT_CAUSE);
    uint8_t *cot = octets + ASDU_COT_OFFSET;
    *cot = (uint8_t)((*cot & ASDU_COT_TEST) | cause | (negative ? ASDU_COT_NEGATIVE : 0));
}
