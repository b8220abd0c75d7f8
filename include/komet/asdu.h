/*
 * ASDU: what an I format carries (IEC 60870-5-101 clause 7, -5-104 clause 8), as octets and as fields.
 *
 * Reading: `komet_asdu_decode` checks the whole ASDU against the table of types once (header, number of
 * objects, size to the octet). After it returned KOMET_ASDU_OK, `komet_asdu_object` reads object 0 to count-1
 * in any order, in place, and cannot fail.
 *
 * Writing: `komet_asdu_begin` writes the header into the caller's octets, `komet_asdu_add` appends one
 * object after the other until it says that there is no room or that the object does not fit an SQ = 1
 * sequence, `komet_asdu_end` gives the size.
 *
 *     struct komet_asdu asdu;
 *     if (komet_asdu_decode(&komet_profile_104, octets, size, &asdu) == KOMET_ASDU_OK) {
 *         for (unsigned i = 0; i < asdu.count; i++) {
 *             struct komet_object object;
 *             komet_asdu_object(&asdu, i, &object);
 *             use(object.ioa, komet_object_number(&object), object.quality);
 *         }
 *     }
 *
 * Nothing is allocated and nothing is kept: what is borrowed is borrowed from the caller's octets.
 */
#ifndef KOMET_ASDU_H
#define KOMET_ASDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/apdu.h"
#include "komet/api.h"
#include "komet/time_tag.h"

/* Widths and order of the addresses: what both sides of a line must agree on. */
struct komet_profile {
    uint8_t cot_size;             /* 1 or 2 octets; 2: the second is the originator address */
    uint8_t ca_size;              /* 1 or 2 octets */
    uint8_t ioa_size;             /* 1, 2 or 3 octets */
    bool big_endian_addresses;    /* CA and IOA high octet first (Sinaut); values stay low octet first */
};

KOMET_API extern const struct komet_profile komet_profile_104;    /* 2, 2, 3, low octet first */
KOMET_API extern const struct komet_profile komet_profile_sinaut; /* 2, 2, 3, high octet first */

/* Type identifications (-5-101 7.2.1, -5-104 8). Names as in the standard. */
enum komet_type {
    KOMET_M_SP_NA_1 = 1,   KOMET_M_SP_TA_1 = 2,   KOMET_M_DP_NA_1 = 3,   KOMET_M_DP_TA_1 = 4,
    KOMET_M_ST_NA_1 = 5,   KOMET_M_ST_TA_1 = 6,   KOMET_M_BO_NA_1 = 7,   KOMET_M_BO_TA_1 = 8,
    KOMET_M_ME_NA_1 = 9,   KOMET_M_ME_TA_1 = 10,  KOMET_M_ME_NB_1 = 11,  KOMET_M_ME_TB_1 = 12,
    KOMET_M_ME_NC_1 = 13,  KOMET_M_ME_TC_1 = 14,  KOMET_M_IT_NA_1 = 15,  KOMET_M_IT_TA_1 = 16,
    KOMET_M_EP_TA_1 = 17,  KOMET_M_EP_TB_1 = 18,  KOMET_M_EP_TC_1 = 19,  KOMET_M_PS_NA_1 = 20,
    KOMET_M_ME_ND_1 = 21,
    KOMET_M_SP_TB_1 = 30,  KOMET_M_DP_TB_1 = 31,  KOMET_M_ST_TB_1 = 32,  KOMET_M_BO_TB_1 = 33,
    KOMET_M_ME_TD_1 = 34,  KOMET_M_ME_TE_1 = 35,  KOMET_M_ME_TF_1 = 36,  KOMET_M_IT_TB_1 = 37,
    KOMET_M_EP_TD_1 = 38,  KOMET_M_EP_TE_1 = 39,  KOMET_M_EP_TF_1 = 40,
    KOMET_C_SC_NA_1 = 45,  KOMET_C_DC_NA_1 = 46,  KOMET_C_RC_NA_1 = 47,  KOMET_C_SE_NA_1 = 48,
    KOMET_C_SE_NB_1 = 49,  KOMET_C_SE_NC_1 = 50,  KOMET_C_BO_NA_1 = 51,
    KOMET_C_SC_TA_1 = 58,  KOMET_C_DC_TA_1 = 59,  KOMET_C_RC_TA_1 = 60,  KOMET_C_SE_TA_1 = 61,
    KOMET_C_SE_TB_1 = 62,  KOMET_C_SE_TC_1 = 63,  KOMET_C_BO_TA_1 = 64,
    KOMET_M_EI_NA_1 = 70,
    KOMET_C_IC_NA_1 = 100, KOMET_C_CI_NA_1 = 101, KOMET_C_RD_NA_1 = 102, KOMET_C_CS_NA_1 = 103,
    KOMET_C_TS_NA_1 = 104, KOMET_C_RP_NA_1 = 105, KOMET_C_CD_NA_1 = 106, KOMET_C_TS_TA_1 = 107,
    KOMET_P_ME_NA_1 = 110, KOMET_P_ME_NB_1 = 111, KOMET_P_ME_NC_1 = 112, KOMET_P_AC_NA_1 = 113,
    KOMET_F_FR_NA_1 = 120, KOMET_F_SR_NA_1 = 121, KOMET_F_SC_NA_1 = 122, KOMET_F_LS_NA_1 = 123,
    KOMET_F_AF_NA_1 = 124, KOMET_F_SG_NA_1 = 125, KOMET_F_DR_TA_1 = 126, KOMET_F_SC_NB_1 = 127
};

/* Causes of transmission (-5-101 7.2.3). 21..36: interrogated by group 1..16; 38..41: counter group 1..4. */
enum komet_cause {
    KOMET_COT_PERIODIC = 1,
    KOMET_COT_BACKGROUND = 2,
    KOMET_COT_SPONTANEOUS = 3,
    KOMET_COT_INITIALIZED = 4,
    KOMET_COT_REQUEST = 5,
    KOMET_COT_ACTIVATION = 6,
    KOMET_COT_ACTIVATION_CON = 7,
    KOMET_COT_DEACTIVATION = 8,
    KOMET_COT_DEACTIVATION_CON = 9,
    KOMET_COT_ACTIVATION_TERMINATION = 10,
    KOMET_COT_RETURN_REMOTE = 11,
    KOMET_COT_RETURN_LOCAL = 12,
    KOMET_COT_FILE = 13,
    KOMET_COT_INTERROGATED_STATION = 20,
    KOMET_COT_INTERROGATED_GROUP_1 = 21,
    KOMET_COT_COUNTERS_GENERAL = 37,
    KOMET_COT_UNKNOWN_TYPE = 44,
    KOMET_COT_UNKNOWN_CAUSE = 45,
    KOMET_COT_UNKNOWN_CA = 46,
    KOMET_COT_UNKNOWN_IOA = 47
};

#define KOMET_CA_BROADCAST_1 0xFFu   /* the global address with ca_size 1 */
#define KOMET_CA_BROADCAST_2 0xFFFFu /* the global address with ca_size 2 */

/* Bits of the quality descriptor, as they stand in SIQ, DIQ, QDS, QDP (-5-101 7.2.6.1 to 7.2.6.4). */
enum {
    KOMET_QUALITY_OV = 0x01, /* overflow; QDS only */
    KOMET_QUALITY_EI = 0x08, /* elapsed time invalid; QDP and SEP only */
    KOMET_QUALITY_BL = 0x10, /* blocked */
    KOMET_QUALITY_SB = 0x20, /* substituted */
    KOMET_QUALITY_NT = 0x40, /* not topical */
    KOMET_QUALITY_IV = 0x80, /* invalid */
    /* The binary counter reading has these in the same octet instead (7.2.6.9). */
    KOMET_QUALITY_CY = 0x20, /* carry: the counter overflowed */
    KOMET_QUALITY_CA = 0x40  /* the counter was adjusted */
};

/* What kind of value an object of a type carries, and so which member of komet_object.value is set. */
enum komet_element {
    KOMET_ELEMENT_NONE,       /* no value: interrogations, clock, test */
    KOMET_ELEMENT_SINGLE,     /* .single: SPI, SCS */
    KOMET_ELEMENT_DOUBLE,     /* .number: DPI or DCS, 0..3 */
    KOMET_ELEMENT_REGULATING, /* .number: RCS, 0..3 */
    KOMET_ELEMENT_STEP,       /* .number: VTI -64..63, and .transient */
    KOMET_ELEMENT_BITS,       /* .bits: BSI, 32 bits; SCD: ST in the low, CD in the high 16 */
    KOMET_ELEMENT_NORMALIZED, /* .number: NVA as its 16-bit integer, -32768..32767; divide by 32768 */
    KOMET_ELEMENT_SCALED,     /* .number: SVA -32768..32767 */
    KOMET_ELEMENT_FLOAT,      /* .real: IEEE 754 short */
    KOMET_ELEMENT_COUNTER,    /* .number: BCR, 32 bits signed; .sequence 0..31 */
    KOMET_ELEMENT_PROTECTION, /* .bits: SEP, SPE or OCI octet; .elapsed_ms: CP16, 0..59999. Written: of SEP
                                 bits 0 and 1, the rest comes from .quality */
    KOMET_ELEMENT_FILE        /* file transfer: read and written as struct komet_file_object, see file.h */
};

enum komet_time_size { KOMET_TIME_NONE, KOMET_TIME_CP24, KOMET_TIME_CP56 };

enum komet_direction {
    KOMET_MONITOR,          /* from the controlled to the controlling station */
    KOMET_CONTROL,          /* from the controlling to the controlled station (mirrored back) */
    KOMET_SYSTEM_CONTROL,   /* as CONTROL, addressed to the station (IOA 0 save for 102), types 100 to 107 */
    KOMET_PARAMETER,        /* as CONTROL: parameters of measured values, types 110 to 113 */
    KOMET_FILE              /* file transfer, either way, types 120 to 127 */
};

/* One row of the table of types. */
struct komet_type_row {
    uint8_t type;                 /* enum komet_type */
    uint8_t element_size;         /* octets of an object without its IOA, time tag included; of a segment (125)
                                     those in front of its data */
    enum komet_element element;
    enum komet_time_size time;
    enum komet_direction direction;
    bool sequence_allowed;        /* SQ = 1 may be used */
    bool single_object;           /* exactly one object an ASDU (all of the control direction, type 70) */
    const char *name;             /* "M_SP_NA_1" */
    const char *title;            /* "single-point information" */
};

/* The row of a type identification (0..255), or NULL when it is not in the table. Static storage. */
KOMET_API const struct komet_type_row *komet_type_find(uint8_t type);

/* All rows in ascending order of type; *count receives how many. Static storage. */
KOMET_API const struct komet_type_row *komet_type_table(size_t *count);

/* "spontaneous", "activation", … for 0..63; "reserved" where the standard names none. Static storage. */
KOMET_API const char *komet_cause_name(unsigned cause);

/* The causes that a type may have on its way to the controlled station, and from it: bit n for cause n. 0 where it
 * is not sent that way, and for types that are not in the table. */
KOMET_API uint64_t komet_causes_to_station(uint8_t type);
KOMET_API uint64_t komet_causes_from_station(uint8_t type);

/* A decoded ASDU header and where its objects are. */
struct komet_asdu {
    const struct komet_type_row *row; /* NULL only with KOMET_ASDU_UNKNOWN_TYPE */
    uint8_t type;                     /* 0..255 */
    bool sq;                          /* one address, then elements of consecutive addresses */
    uint8_t count;                    /* number of objects, 1..127 */
    uint8_t cause;                    /* 0..63 */
    bool negative;                    /* P/N */
    bool test;                        /* T */
    uint8_t oa;                       /* originator address, 0 when cot_size is 1 */
    uint16_t ca;                      /* common address */
    const struct komet_profile *profile; /* as given to decode; borrowed, must outlive this */
    const uint8_t *octets;            /* the whole ASDU; borrowed */
    size_t size;
    const uint8_t *objects;           /* first octet behind the header; borrowed */
    size_t objects_size;
};

enum komet_asdu_result {
    KOMET_ASDU_OK = 0,
    KOMET_ASDU_TOO_SHORT,    /* header incomplete, or fewer octets than the objects need */
    KOMET_ASDU_TOO_LONG,     /* octets left over behind the last object */
    KOMET_ASDU_NO_OBJECT,    /* number of objects is 0 */
    KOMET_ASDU_BAD_SEQUENCE, /* SQ = 1, or more than one object, where the type forbids it */
    KOMET_ASDU_UNKNOWN_TYPE  /* not in the table: header fields are valid, objects can't be read */
};

/*
 * Decodes the header and checks the size of everything behind it.
 *   profile      widths and order; borrowed, must outlive `asdu`
 *   octets, size the ASDU, without the APDU's six octets; borrowed, must outlive `asdu`
 *   asdu         filled with KOMET_ASDU_OK and KOMET_ASDU_UNKNOWN_TYPE; on TOO_LONG and BAD_SEQUENCE
 *                the header fields are valid too; undefined otherwise
 * A receiver closes the connection on TOO_SHORT, TOO_LONG, NO_OBJECT (conformance A12 to A16), mirrors
 * a control-direction ASDU of unknown type with COT 44, and counts an unknown one of monitor direction.
 */
KOMET_API enum komet_asdu_result komet_asdu_decode(const struct komet_profile *profile, const uint8_t *octets,
                                                   size_t size, struct komet_asdu *asdu);

KOMET_API const char *komet_asdu_result_name(enum komet_asdu_result result);

/* One information object. Members that the type has not are zero. */
struct komet_object {
    uint32_t ioa;               /* information object address */
    enum komet_element element; /* which member of value is set */
    union {
        bool single;
        int32_t number;
        uint32_t bits;
        float real;
    } value;
    uint8_t quality;        /* quality bits alone (KOMET_QUALITY_…), without value bits */
    uint8_t qualifier;      /* QU 0..31 of SCO, DCO, RCO; QL 0..127 of QOS; QOI, QCC, COI, QRP, QPM, QPA: the
                               octet */
    bool select;            /* S/E of SCO, DCO, RCO, QOS */
    bool transient;         /* T of VTI */
    uint8_t sequence;       /* SQ of BCR, 0..31 */
    uint16_t elapsed_ms;    /* CP16Time2a of types 17 to 19, 38 to 40, and 106: ms, 0..59999 */
    uint16_t test_pattern;  /* FBP of 104, TSC of 107 */
    enum komet_time_size time_size; /* KOMET_TIME_NONE: no tag below */
    struct komet_time_tag time;
    const uint8_t *octets;  /* the element's octets behind the IOA; borrowed; set by decoding only */
    uint8_t octets_size;
};

/*
 * Reads object `index` (0..count-1) of an ASDU that decoded with KOMET_ASDU_OK. Cannot fail. With SQ = 1
 * the address is counted up and may run past what ioa_size octets hold: such an object has no address.
 * `object->octets` is borrowed from the ASDU's octets.
 */
KOMET_API void komet_asdu_object(const struct komet_asdu *asdu, unsigned index, struct komet_object *object);

/*
 * Reads `count` objects from `first` on (first + count at most asdu->count) into `objects`. The same as so
 * many calls of komet_asdu_object, and quicker.
 */
KOMET_API void komet_asdu_objects(const struct komet_asdu *asdu, unsigned first, unsigned count,
                                  struct komet_object *objects);

/* The value of an object as a number: 0 or 1, DPI, NVA/32768, SVA, float, counter, bits. */
KOMET_API double komet_object_number(const struct komet_object *object);

/* The octet that carries quality or qualifier as it is on the wire, value bits included: SIQ, DIQ, QDS,
 * BCR status, SEP, QDP, SCO, DCO, RCO, QOS. 0 for types that have none (21, 51, 64, 100, …). */
KOMET_API uint8_t komet_object_status_octet(const struct komet_asdu *asdu, const struct komet_object *object);

/* An ASDU being written. Members are the writer's own. */
struct komet_asdu_writer {
    const struct komet_profile *profile;
    const struct komet_type_row *row;
    uint8_t *octets;
    size_t capacity;
    size_t size;
    uint32_t next_ioa; /* SQ = 1: the address that the next object must have */
    uint8_t count;
    bool sq;
};

/* What stands in a header to be written. */
struct komet_asdu_header {
    uint8_t type; /* must be in the table */
    bool sq;
    uint8_t cause; /* 0..63 */
    bool negative;
    bool test;
    uint8_t oa;    /* not written where the profile's cot_size is 1 */
    uint16_t ca;
};

/* Octets in which one object of any type fits, save a segment with much data: 6 of header, 3 of IOA, 16 of the
 * longest element. */
#define KOMET_ASDU_SIZE_ONE 25

/*
 * Begins an ASDU.
 *   octets, capacity  where it goes: taken until komet_asdu_end; at least KOMET_ASDU_SIZE_ONE, of which
 *                     at most 249 are used
 *   header            copied; cause 0..63, ca 0..255 where the profile's ca_size is 1
 * Returns false when the type is not in the table or SQ is not allowed for it: nothing was written, and
 * the caller takes another type or SQ = 0.
 */
KOMET_API bool komet_asdu_begin(struct komet_asdu_writer *writer, const struct komet_profile *profile,
                                const struct komet_asdu_header *header, uint8_t *octets, size_t capacity);

/*
 * Appends an object. The type of the ASDU says which members are written: `ioa` (0 where the standard wants
 * none), value, quality, qualifier and time, in the ranges given above; `element`, `time_size` and `octets` are
 * not looked at, and quality bits that the type has not are left out. A value, qualifier or address that does
 * not fit its bits is asserted.
 * Not for the types of file transfer: file.h (asserted).
 * Returns false, with nothing written, when the octets or the 127 objects are full, when a second object
 * is added to a type that holds one, or when SQ = 1 and the address is not the next one. The caller then
 * ends this ASDU, sends it, and begins another with the same object.
 */
KOMET_API bool komet_asdu_add(struct komet_asdu_writer *writer, const struct komet_object *object);

/* Appends objects[0] to objects[count-1] as komet_asdu_add would, up to the first that it would not; returns
 * how many were appended. Faster than one by one. */
KOMET_API unsigned komet_asdu_add_objects(struct komet_asdu_writer *writer,
                                          const struct komet_object *objects, unsigned count);

/*
 * Writes an ASDU of any type, also of one that is not in the table (private types 128 to 255): the header and
 * behind it the objects' octets as they are.
 *   header            as for komet_asdu_begin; its type may be any
 *   count             number of objects or, with SQ = 1, of elements: 0..127
 *   objects, size     what stands behind the header; borrowed for the call
 *   octets, capacity  where it goes
 * Returns the ASDU's size; 0 when `capacity`, or the 249 octets of an ASDU, are too few: nothing was written.
 */
KOMET_API size_t komet_asdu_write_octets(const struct komet_profile *profile,
                                         const struct komet_asdu_header *header, uint8_t count,
                                         const uint8_t *objects, size_t size, uint8_t *octets, size_t capacity);

/* Ends the ASDU and returns its size in octets; 0 when no object was added. */
KOMET_API size_t komet_asdu_end(struct komet_asdu_writer *writer);

/*
 * A control-direction ASDU turned into its answer: the same octets with another cause and P/N bit, as
 * every confirmation and mirror of the standard is (-5-101 7.2.3). Type, VSQ, T, OA, CA and objects stay.
 *   octets  the ASDU, changed in place; at least three octets
 */
KOMET_API void komet_asdu_mirror(uint8_t *octets, uint8_t cause, bool negative);

#endif
