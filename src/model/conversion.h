/*
 * conversion: an information object becomes a value, a number becomes an object to be sent.
 * Pure functions of their arguments. Rules: reference 1.4 (input), 1.5 (output), S13 (times).
 */
#ifndef MODEL_CONVERSION_H
#define MODEL_CONVERSION_H

#include "model/site.h"
#include "model/value.h"

/*
 * Turns a received object into a value of a tag.
 *   tag      decides type, conversion, polarity
 *   asdu     header of the object: type and cause
 *   object   as komet_asdu_object gave it
 *   (the tag's station says how its time tags are read)
 *   arrived  the wall clock at arrival
 *   no_flags parameter NF: status octet is ignored
 * IV → Invalid; NT, SB, BL, OV, CA, CY → Weak; a time tag that is invalid or implausible → arrival time and
 * Weak (S13). A float that is no number → Invalid.
 */
struct value value_from_object(const struct tag *tag, const struct komet_asdu *asdu,
                               const struct komet_object *object, struct komet_utc arrived, bool no_flags);

/*
 * Fills the object that carries `number` with `flags` as the tag's type of ASDU to its address.
 * Status octet bits come from flags A..H except those that the value itself sets (reference 1.5).
 *   number  the technical value; becomes what is sent, where the tag limits it
 *   now     the wall clock, for types with a time tag
 *   fault   CONVERSION_FAULT_SIZE octets
 * False when the tag's output control refuses the number or it does not fit the type: `fault` then says the
 * range that does.
 */
#define CONVERSION_FAULT_SIZE 96
bool object_from_number(const struct tag *tag, double *number, value_flags flags, struct komet_utc now,
                        struct komet_object *object, char *fault);

/* How flags A to H are read: as the octet has them, as ICCP has them (quality.h), not at all (NF). */
enum flags_reading { FLAGS_OCTET, FLAGS_ICCP, FLAGS_NONE };

/*
 * Fills the object that tells the other end a tag's value, as the tag's type (1 to 40) to its address:
 * quality from the flags, IV too where the value is Invalid or Unknown, its time in types that have one.
 * False when a valid number does not fit the type: `fault` (CONVERSION_FAULT_SIZE octets) then says what
 * does. Of an Invalid one the number is left 0.
 */
bool object_from_value(const struct tag *tag, const struct value *value, enum flags_reading reading,
                       struct komet_object *object, char *fault);
/* What is transmitted for a technical value: the tag's conversion backwards; and of what is received. */
double raw_from_number(const struct tag *tag, double number);
double number_from_raw(const struct tag *tag, double raw);

/* The technical value of what a station confirmed to an output. */
double number_from_confirmation(const struct tag *tag, const struct komet_object *object);

#endif
