/*
 * quality: what the status octet of each type says, as flags and status of a value, and back: one row a type.
 * Facts: reference 1.4 and 1.4.1 (input), 1.5 (commands), 1.6 (Ignore Flagged), S6 (ICCP), S20 (output).
 *
 * Flags A to H are bits 0 to 7 of the octet as it is on the wire, those that belong to the value too (SPI,
 * DPI, sequence number). Flag I is T of a step position. Of types with two octets (18, 19, 39, 40) A to H are
 * QDP, and I to P the octet of start events or output circuits.
 */
#ifndef MODEL_QUALITY_H
#define MODEL_QUALITY_H

#include "model/value.h"

/* The octets that there are. */
enum quality_octet {
    QUALITY_OCTET_SIQ,
    QUALITY_OCTET_DIQ,
    QUALITY_OCTET_QDS,
    QUALITY_OCTET_QDS_STEP, /* QDS behind a step position, whose T is flag I */
    QUALITY_OCTET_BCR,      /* the last one of the binary counter reading */
    QUALITY_OCTET_SEP,
    QUALITY_OCTET_QDP_START,   /* QDP behind the start events (SPE) */
    QUALITY_OCTET_QDP_CIRCUIT, /* QDP behind the output circuits (OCI) */
    QUALITY_OCTET_SCO,
    QUALITY_OCTET_DCO,
    QUALITY_OCTET_RCO,
    QUALITY_OCTET_QOS,
    QUALITY_OCTET_NONE, /* the type has none: 21, 51, 64 */
    QUALITY_OCTET_COUNT
};

struct quality_row {
    const char *name;     /* "SIQ"; "" of none */
    const char *bits[8];  /* what each says: "SPI", "BL", …; NULL: reserved, always 0 */
    uint8_t of_value;     /* bits that the value itself sets in what we send */
    uint8_t from_flags;   /* bits that flags A to H set in what we send */
    uint8_t weak;         /* one of these makes a value Weak */
    uint8_t invalid;      /* this one Invalid */
    uint8_t ignorable;    /* those whose letters Ignore Flagged takes */
    const char *above[8]; /* what flags I to P say; NULL: nothing */
};

/* Which octet a type has; QUALITY_OCTET_COUNT for a type that carries no value of a tag. */
enum quality_octet quality_octet_of(uint8_t type);
/* Static storage. */
const struct quality_row *quality_row(enum quality_octet octet);

/* Of a received object: its flags, its status, and whether a condition of Ignore Flagged (letters as bits 0
 * to 7) drops it. */
value_flags quality_flags(const struct komet_asdu *asdu, const struct komet_object *object);
enum value_status quality_status(uint8_t type, const struct komet_object *object);
bool quality_ignored(uint8_t type, const struct komet_object *object, unsigned letters);

/*
 * The way back: sets what the flags say in an object that we send (quality, sequence, transient, select,
 * qualifier; of SEP, SPE and OCI .value.bits). What the value sets itself is left.
 *   type    of the ASDU; carries a value of a tag (asserted)
 *   status  of what is sent: Invalid sets IV, in types that have it (reference 1.5)
 */
void quality_set(uint8_t type, value_flags flags, enum value_status status, struct komet_object *object);

/*
 * ICCP flags mapping (S6, our own choice): flags A to H as the state and quality bits of ICCP have them, from
 * the same object: A, B validity (00 valid, 01 held: NT or BL; 10 suspect: OV, CY, CA; 11 not valid: IV); C,
 * D source (00 telemetered, 10 entered: SB); F time stamp invalid. I to P as ever.
 */
value_flags quality_flags_iccp(const struct komet_asdu *asdu, const struct komet_object *object);
/* Such flags as those that quality_set takes for a type. */
value_flags quality_flags_from_iccp(uint8_t type, value_flags flags);

/* The type of monitor direction as which a received command updates the input tag on its address (45 as 1, 46
 * and 47 as 3, …); 0 for a type that is no command. */
uint8_t quality_type_of_command(uint8_t type);

#endif
