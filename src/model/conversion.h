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
 *   tag      decides type, scale, offset, polarity
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
 * Fills the object that carries `number` with `flags` as ASDU `asdu_type` to the tag's address.
 * Status octet bits come from flags A..H except those that the value itself sets (reference 1.5).
 *   now  the wall clock, for types with a time tag
 * False when the number does not fit the type: *fault then says the range that does.
 */
bool object_from_number(const struct tag *tag, double number, value_flags flags, struct komet_utc now,
                        struct komet_object *object, const char **fault);

#endif
