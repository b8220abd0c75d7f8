/*
 * content: what may stand in an object of each type, field by field, and the choice of it.
 *
 * It is written out of the standard (-5-101 7.2.6 and 7.3, -5-104 8) and does not ask the library's table of
 * types: so a mistake in that table is seen. All fields are whole numbers, named as in the JSON lines.
 */
#ifndef INTEROP_CONTENT_H
#define INTEROP_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "komet/file.h"

/* clang-format off */
enum field {
    VALUE, /* its range is the type's */
    TRANSIENT,
    IV, NT, SB, BL, OV, EI, CA, CY,
    SEQUENCE,
    QU, QL, OCTET, /* the qualifier: of a command, of a set point, a whole octet */
    SELECT,
    ELAPSED,
    PATTERN,
    NAME, SECTION, LENGTH, CHECKSUM,
    SEGMENT, /* its length; the data stands beside the fields */
    MS, MINUTE, TIME_IV, TIME_SUB, HOUR, SUMMER, DAY, WEEKDAY, MONTH, YEAR,
    STOP_MS, STOP_MINUTE, STOP_TIME_IV, STOP_TIME_SUB, STOP_HOUR, STOP_SUMMER, STOP_DAY, STOP_WEEKDAY,
    STOP_MONTH, STOP_YEAR,
    FIELD_COUNT
};
/* clang-format on */

/* Which member of komet_object.value holds VALUE. */
enum content_form { FORM_NONE, FORM_SINGLE, FORM_NUMBER, FORM_BITS, FORM_FLOAT, FORM_FILE };

struct content {
    uint8_t type;
    enum content_form form;
    bool many;        /* more than one object an ASDU */
    bool sequence;    /* SQ = 1 is allowed */
    int64_t min, max; /* of VALUE; of a float its 32 bits, as all numbers of 32 bits */
    uint64_t fields;  /* bit f: the type has field f */
};

extern const struct content contents[];
extern const unsigned content_count;

/* What is meant by one object. Fields that the type has not are 0. */
struct meant {
    uint32_t ioa;
    int64_t of[FIELD_COUNT];
    uint8_t segment[KOMET_SEGMENT_SIZE_MAX];
};

static inline bool content_has(const struct content *content, enum field field)
{
    return (content->fields >> field & 1) != 0;
}

/* The field's name in the JSON lines. Static storage. */
const char *content_field_name(enum field field);

/*
 * Chooses the fields of the how-manieth object, its address aside. The first ones have every field at its
 * minimum, every field at its maximum, each flag alone, and each field at the ends of its range while the
 * others are anything; behind these all is anything. `anything` is any number: the same gives the same.
 */
void content_choose(const struct content *content, unsigned number, uint64_t anything, struct meant *meant);

/* How many objects the ends of all ranges take. */
unsigned content_ends(const struct content *content);

/* Appends the object to an ASDU, as the library wants it; the writer's result. */
bool content_add(struct komet_asdu_writer *writer, const struct content *content, const struct meant *meant);

#endif
