/*
 * What reading and writing an ASDU share: where header fields stand.
 *
 * Values always stand low octet first; only CA and IOA follow the profile.
 */
#ifndef IEC_ASDU_PRIVATE_H
#define IEC_ASDU_PRIVATE_H

#include <stdint.h>

#include "komet/asdu.h"

#include "octets.h"

/* What the files of the codec share has a name of libkomet's in the objects, see link_private.h. */
#define asdu_write_header komet_private_asdu_write_header
#define asdu_add_element  komet_private_asdu_add_element

enum {
    ASDU_VSQ_SQ = 0x80,
    ASDU_VSQ_COUNT = 0x7F,
    ASDU_COT_CAUSE = 0x3F,
    ASDU_COT_NEGATIVE = 0x40,
    ASDU_COT_TEST = 0x80,
    ASDU_COT_OFFSET = 2 /* behind type and VSQ */
};

/* Which bits of an octet are quality, by what else stands in it. */
enum {
    QUALITY_BITS = KOMET_QUALITY_BL | KOMET_QUALITY_SB | KOMET_QUALITY_NT | KOMET_QUALITY_IV, /* SIQ, DIQ */
    QUALITY_BITS_QDS = QUALITY_BITS | KOMET_QUALITY_OV,
    QUALITY_BITS_QDP = QUALITY_BITS | KOMET_QUALITY_EI,
    QUALITY_BITS_BCR = KOMET_QUALITY_CY | KOMET_QUALITY_CA | KOMET_QUALITY_IV
};

enum {
    COMMAND_SELECT = 0x80,  /* S/E of SCO, DCO, RCO, QOS */
    COMMAND_QU_MAX = 31,    /* QU, bits 2 to 6 */
    SETPOINT_QL_MAX = 127,  /* QL, bits 0 to 6 */
    STEP_TRANSIENT = 0x80,  /* T of VTI */
    COUNTER_SEQUENCE = 0x1F /* SQ of BCR */
};

/* An address of 1, 2 or 3 octets, in either order. */
static inline uint32_t octets_address(const uint8_t *octets, unsigned size, bool big_endian)
{
    if (size == 3) {
        return big_endian ? (uint32_t)octets[0] << 16 | (uint32_t)octets[1] << 8 | octets[2]
                          : (uint32_t)octets[2] << 16 | (uint32_t)octets[1] << 8 | octets[0];
    }
    if (size == 2) {
        return big_endian ? (uint32_t)octets[0] << 8 | octets[1] : (uint32_t)octets[1] << 8 | octets[0];
    }
    return octets[0];
}

static inline void put_address(uint8_t *octets, unsigned size, bool big_endian, uint32_t address)
{
    for (unsigned i = 0; i < size; i++) {
        octets[big_endian ? size - 1 - i : i] = (uint8_t)(address >> (8 * i));
    }
}

/* Name of file, name of section, length of segment: what stands in front of a segment's data (7.3.6.6). */
enum { SEGMENT_LENGTH_AT = 3, SEGMENT_HEADER_SIZE = 4 };

/* Octets of the data of a segment whose element is at `octets`; of any other type 0. */
static inline size_t asdu_segment_size(const struct komet_type_row *row, const uint8_t *octets)
{
    return row->type == KOMET_F_SG_NA_1 ? octets[SEGMENT_LENGTH_AT] : 0;
}

/* Writes the header. The number of objects is 0 until the end. */
void asdu_write_header(const struct komet_profile *profile, const struct komet_asdu_header *header,
                       uint8_t *octets);

/* Room for the next object of a writer, its address written: where its element goes. NULL when the octets or
 * the objects are full, or the address does not fit. `size` octets are taken then. */
uint8_t *asdu_add_element(struct komet_asdu_writer *writer, uint32_t ioa, size_t size);

/* Type, VSQ, COT and CA. */
static inline size_t asdu_header_size(const struct komet_profile *profile)
{
    return (size_t)ASDU_COT_OFFSET + profile->cot_size + profile->ca_size;
}

/* True when the widths are ones that the standard knows. */
static inline bool profile_usable(const struct komet_profile *profile)
{
    return profile->cot_size >= 1 && profile->cot_size <= 2 && profile->ca_size >= 1 &&
           profile->ca_size <= 2 && profile->ioa_size >= 1 && profile->ioa_size <= 3;
}

#endif
