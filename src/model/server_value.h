/*
 * server_value: what a line that listens sends to its masters, and what it takes from them: values of one tag
 * that another one follows, by meaning. Facts: reference 1.3, 1.4, 1.5, 2.3.
 *
 * Pure functions of their arguments.
 */
#ifndef MODEL_SERVER_VALUE_H
#define MODEL_SERVER_VALUE_H

#include "model/site.h"
#include "model/value.h"

/* True when a tag of `type` on a line that listens may have that type of ASDU: outputs what is monitored (1
 * to 16, 20, 21, 30 to 37), inputs commands (45 to 51, 58 to 64). */
bool server_type_fits(enum tag_type type, uint8_t asdu_type);
/* True when a tag of type `type` can follow one of type `source`. */
bool server_follows(enum tag_type type, enum tag_type source);

/*
 * The value of an output that follows `source`, which has `value`: number, status and time, and the quality
 * that its own type of ASDU can say, in the place where that has it: SB is flag F in a measured value, and so
 * on; a counter has CY and CA there, and the others nothing of these. What is not known is Invalid and not
 * topical.
 */
struct value server_value_followed(const struct tag *output, const struct tag *source,
                                   const struct value *value);

/* The object that says a value to masters, with the time of its station's zone where its type has one. A
 * number that does not fit becomes the nearest that does, with overflow, or IV where the type has none. The
 * time tag says of itself that it is invalid when there is no time, or the station did not trust its own. */
void server_object(const struct tag *output, const struct value *value, struct komet_object *object);

/* The value of an input by a master's command: the flags are its status octet. */
struct value server_value_commanded(const struct tag *input, const struct komet_asdu *asdu,
                                    const struct komet_object *object, struct komet_utc arrived);

/* The number with which an output repeats a command that `input` got; false when there is none (a double
 * command of 0 or 3). */
bool server_command_number(const struct tag *output, const struct tag *input, double number,
                           double *repeated);

#endif
