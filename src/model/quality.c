/*
 * quality: the table; see quality.h.
 */
#include "model/quality.h"

#include "komet/assert.h"

#define BL KOMET_QUALITY_BL
#define SB KOMET_QUALITY_SB
#define NT KOMET_QUALITY_NT
#define IV KOMET_QUALITY_IV
#define OV KOMET_QUALITY_OV
#define EI KOMET_QUALITY_EI
#define CY KOMET_QUALITY_CY
#define CA KOMET_QUALITY_CA

#define SELECT 0x80u /* S/E of SCO, DCO, RCO, QOS */

static const struct quality_row rows[QUALITY_OCTET_COUNT] = {
    [QUALITY_OCTET_SIQ] = {"SIQ",
                           {"SPI", NULL, NULL, NULL, "BL", "SB", "NT", "IV"},
                           .of_value = 0x01,
                           .from_flags = BL | SB | NT | IV,
                           .weak = BL | SB | NT,
                           .invalid = IV,
                           .ignorable = BL | SB | NT | IV},
    [QUALITY_OCTET_DIQ] = {"DIQ",
                           {"DPI bit 0", "DPI bit 1", NULL, NULL, "BL", "SB", "NT", "IV"},
                           .of_value = 0x03,
                           .from_flags = BL | SB | NT | IV,
                           .weak = BL | SB | NT,
                           .invalid = IV,
                           .ignorable = BL | SB | NT | IV},
    [QUALITY_OCTET_QDS] = {"QDS",
                           {"OV", NULL, NULL, NULL, "BL", "SB", "NT", "IV"},
                           .from_flags = OV | BL | SB | NT | IV,
                           .weak = OV | BL | SB | NT,
                           .invalid = IV,
                           .ignorable = OV | BL | SB | NT | IV},
    [QUALITY_OCTET_QDS_STEP] = {"QDS",
                                {"OV", NULL, NULL, NULL, "BL", "SB", "NT", "IV"},
                                .from_flags = OV | BL | SB | NT | IV,
                                .weak = OV | BL | SB | NT,
                                .invalid = IV,
                                .ignorable = OV | BL | SB | NT | IV,
                                .above = {"T"}},
    [QUALITY_OCTET_BCR] = {"BCR",
                           {"SQ bit 0", "SQ bit 1", "SQ bit 2", "SQ bit 3", "SQ bit 4", "CY", "CA", "IV"},
                           .from_flags = 0xFF,
                           .weak = CY | CA,
                           .invalid = IV,
                           .ignorable = CY | CA | IV},
    [QUALITY_OCTET_SEP] = {"SEP",
                           {"ES bit 0", "ES bit 1", NULL, "EI", "BL", "SB", "NT", "IV"},
                           .from_flags = 0x03 | EI | BL | SB | NT | IV,
                           .weak = BL | SB | NT,
                           .invalid = IV,
                           .ignorable = EI | BL | SB | NT | IV},
    [QUALITY_OCTET_QDP_START] = {"QDP",
                                 {NULL, NULL, NULL, "EI", "BL", "SB", "NT", "IV"},
                                 .from_flags = EI | BL | SB | NT | IV,
                                 .weak = BL | SB | NT,
                                 .invalid = IV,
                                 .ignorable = EI | BL | SB | NT | IV,
                                 .above = {"GS", "SL1", "SL2", "SL3", "SIE", "SRD"}},
    [QUALITY_OCTET_QDP_CIRCUIT] = {"QDP",
                                   {NULL, NULL, NULL, "EI", "BL", "SB", "NT", "IV"},
                                   .from_flags = EI | BL | SB | NT | IV,
                                   .weak = BL | SB | NT,
                                   .invalid = IV,
                                   .ignorable = EI | BL | SB | NT | IV,
                                   .above = {"GC", "CL1", "CL2", "CL3"}},
    [QUALITY_OCTET_SCO] = {"SCO",
                           {"SCS", NULL, "QU bit 0", "QU bit 1", "QU bit 2", "QU bit 3", "QU bit 4", "S/E"},
                           .of_value = 0x01,
                           .from_flags = 0xFC},
    [QUALITY_OCTET_DCO] = {"DCO",
                           {"DCS bit 0", "DCS bit 1", "QU bit 0", "QU bit 1", "QU bit 2", "QU bit 3",
                            "QU bit 4", "S/E"},
                           .of_value = 0x03,
                           .from_flags = 0xFC},
    [QUALITY_OCTET_RCO] = {"RCO",
                           {"RCS bit 0", "RCS bit 1", "QU bit 0", "QU bit 1", "QU bit 2", "QU bit 3",
                            "QU bit 4", "S/E"},
                           .of_value = 0x03,
                           .from_flags = 0xFC},
    [QUALITY_OCTET_QOS] = {"QOS",
                           {"QL bit 0", "QL bit 1", "QL bit 2", "QL bit 3", "QL bit 4", "QL bit 5",
                            "QL bit 6", "S/E"},
                           .from_flags = 0xFF},
    [QUALITY_OCTET_NONE] = {.name = ""},
};

static enum quality_octet of_protection(uint8_t type)
{
    if (type == KOMET_M_EP_TB_1 || type == KOMET_M_EP_TE_1) {
        return QUALITY_OCTET_QDP_START;
    }
    return type == KOMET_M_EP_TC_1 || type == KOMET_M_EP_TF_1 ? QUALITY_OCTET_QDP_CIRCUIT : QUALITY_OCTET_SEP;
}

enum quality_octet quality_octet_of(uint8_t type)
{
    const struct komet_type_row *row = komet_type_find(type);
    if (row == NULL || (row->direction != KOMET_MONITOR && row->direction != KOMET_CONTROL)) {
        return QUALITY_OCTET_COUNT;
    }
    bool command = row->direction == KOMET_CONTROL;
    switch (row->element) {
    case KOMET_ELEMENT_SINGLE:
        return command ? QUALITY_OCTET_SCO : QUALITY_OCTET_SIQ;
    case KOMET_ELEMENT_DOUBLE:
        return command ? QUALITY_OCTET_DCO : QUALITY_OCTET_DIQ;
    case KOMET_ELEMENT_REGULATING:
        return QUALITY_OCTET_RCO;
    case KOMET_ELEMENT_STEP:
        return QUALITY_OCTET_QDS_STEP;
    case KOMET_ELEMENT_BITS:
        return command ? QUALITY_OCTET_NONE : QUALITY_OCTET_QDS;
    case KOMET_ELEMENT_NORMALIZED:
        if (type == KOMET_M_ME_ND_1) {
            return QUALITY_OCTET_NONE;
        }
        return command ? QUALITY_OCTET_QOS : QUALITY_OCTET_QDS;
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_FLOAT:
        return command ? QUALITY_OCTET_QOS : QUALITY_OCTET_QDS;
    case KOMET_ELEMENT_COUNTER:
        return QUALITY_OCTET_BCR;
    case KOMET_ELEMENT_PROTECTION:
        return of_protection(type);
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        return QUALITY_OCTET_COUNT;
    }
    KOMET_ASSERT_NEVER("an unknown element");
}

const struct quality_row *quality_row(enum quality_octet octet)
{
    KOMET_ASSERT((unsigned)octet < QUALITY_OCTET_COUNT);
    return &rows[octet];
}

static const struct quality_row *row_of(uint8_t type)
{
    return quality_row(quality_octet_of(type));
}

/* Flags I to P. */
static unsigned flags_above(uint8_t type, const struct komet_object *object)
{
    if (object->element == KOMET_ELEMENT_STEP) {
        return object->transient ? 0x100u : 0;
    }
    return row_of(type)->above[0] != NULL ? (object->value.bits & 0xFFu) << 8 : 0;
}

value_flags quality_flags(const struct komet_asdu *asdu, const struct komet_object *object)
{
    return (value_flags)(komet_object_status_octet(asdu, object) | flags_above(asdu->type, object));
}

enum value_status quality_status(uint8_t type, const struct komet_object *object)
{
    const struct quality_row *row = row_of(type);
    if ((object->quality & row->invalid) != 0) {
        return STATUS_INVALID;
    }
    return (object->quality & row->weak) != 0 ? STATUS_WEAK : STATUS_VALID;
}

bool quality_ignored(uint8_t type, const struct komet_object *object, unsigned letters)
{
    return (object->quality & row_of(type)->ignorable & letters) != 0;
}

void quality_set(uint8_t type, value_flags flags, enum value_status status, struct komet_object *object)
{
    enum quality_octet octet = quality_octet_of(type);
    const struct quality_row *row = quality_row(octet);
    unsigned bits = flags & row->from_flags;
    if (status == STATUS_INVALID) {
        bits |= row->invalid;
    }
    switch (octet) {
    case QUALITY_OCTET_SCO:
    case QUALITY_OCTET_DCO:
    case QUALITY_OCTET_RCO:
        object->select = (bits & SELECT) != 0;
        object->qualifier = (uint8_t)((bits & 0x7Fu) >> 2);
        return;
    case QUALITY_OCTET_QOS:
        object->select = (bits & SELECT) != 0;
        object->qualifier = (uint8_t)(bits & 0x7Fu);
        return;
    case QUALITY_OCTET_BCR:
        object->sequence = (uint8_t)(bits & 0x1Fu);
        break;
    case QUALITY_OCTET_SEP:
        object->value.bits = bits & 0x03u;
        break;
    case QUALITY_OCTET_QDP_START:
    case QUALITY_OCTET_QDP_CIRCUIT:
        object->value.bits = (unsigned)flags >> 8;
        break;
    case QUALITY_OCTET_QDS_STEP:
        object->transient = (flags & 0x100u) != 0;
        break;
    case QUALITY_OCTET_SIQ:
    case QUALITY_OCTET_DIQ:
    case QUALITY_OCTET_QDS:
    case QUALITY_OCTET_NONE:
    case QUALITY_OCTET_COUNT:
        break;
    }
    object->quality = (uint8_t)(bits & (row->ignorable | row->invalid));
}

/* ---- as ICCP has them ---- */

enum { HELD = 0x02, SUSPECT = 0x01, NOT_VALID = 0x03, ENTERED = 0x04, TIME_INVALID = 0x20 };

value_flags quality_flags_iccp(const struct komet_asdu *asdu, const struct komet_object *object)
{
    bool counter = object->element == KOMET_ELEMENT_COUNTER;
    unsigned held = counter ? 0 : NT | BL, suspect = counter ? CY | CA : OV, quality = object->quality;
    unsigned flags = 0;
    if ((quality & IV) != 0) {
        flags = NOT_VALID;
    } else if ((quality & held) != 0) {
        flags = HELD;
    } else if ((quality & suspect) != 0) {
        flags = SUSPECT;
    }
    flags |= !counter && (quality & SB) != 0 ? ENTERED : 0u;
    flags |= object->time_size != KOMET_TIME_NONE && object->time.invalid ? TIME_INVALID : 0u;
    return (value_flags)(flags | flags_above(asdu->type, object));
}

value_flags quality_flags_from_iccp(uint8_t type, value_flags flags)
{
    const struct quality_row *row = row_of(type);
    bool counter = quality_octet_of(type) == QUALITY_OCTET_BCR;
    unsigned validity = flags & NOT_VALID, bits = 0;
    if (validity == NOT_VALID) {
        bits = IV;
    } else if (validity == HELD) {
        bits = counter ? 0 : NT;
    } else if (validity == SUSPECT) {
        bits = counter ? CA : OV;
    }
    bits |= !counter && (flags & ENTERED) != 0 ? SB : 0u;
    return (value_flags)((bits & row->ignorable) | (flags & 0xFF00u));
}

/* ---- commands received ---- */

uint8_t quality_type_of_command(uint8_t type)
{
    switch (type) {
    case KOMET_C_SC_NA_1:
    case KOMET_C_SC_TA_1:
        return KOMET_M_SP_NA_1;
    case KOMET_C_DC_NA_1:
    case KOMET_C_DC_TA_1:
    case KOMET_C_RC_NA_1:
    case KOMET_C_RC_TA_1:
        return KOMET_M_DP_NA_1;
    case KOMET_C_SE_NA_1:
    case KOMET_C_SE_TA_1:
        return KOMET_M_ME_NA_1;
    case KOMET_C_SE_NB_1:
    case KOMET_C_SE_TB_1:
        return KOMET_M_ME_NB_1;
    case KOMET_C_SE_NC_1:
    case KOMET_C_SE_TC_1:
        return KOMET_M_ME_NC_1;
    case KOMET_C_BO_NA_1:
    case KOMET_C_BO_TA_1:
        return KOMET_M_BO_NA_1;
    default:
        return 0;
    }
}
