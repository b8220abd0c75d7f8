/*
 * filter: which of a tag's values go on, and what becomes of them on the way (steps DISCARD to NEW_TIME of
 * processing.h). Pure functions of their arguments.
 *
 * What a value is compared with is the last one of its tag that went on *here*: each instance has its own
 * memory, begun afresh when it becomes active, so that its first value always goes on. That is D2000's change
 * detection, and the trap of its active-active mode: an instance that still remembers FALSE drops a FALSE
 * though another instance passed a TRUE in between. `new-time` is the way out (reference 4.2, A11).
 */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include "model/processing.h"
#include "model/value.h"

enum filter_verdict {
    FILTER_PASSES,   /* it goes on */
    FILTER_DISCARDS, /* out of DISCARD's bounds */
    FILTER_UNCHANGED /* held back by DEADBAND or CHANGES_ONLY */
};

/*
 * Takes a value through the filters of its tag.
 *   processing  of the tag; NULL: none
 *   last        the last value that went on; value_unknown() before the first. Becomes this one when it goes
 *               on, unless it is older: then it is history, which is compared with nothing
 *   value       the technical value; LIMIT and ZERO_BAND change its number
 */
enum filter_verdict filter_value(const struct processing *processing, struct value *last,
                                 struct value *value);

/* The number brought into LIMIT's bounds; as it is without that step. */
double filter_limit(const struct processing *processing, double number);

#endif
