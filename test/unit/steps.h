/*
 * steps: what the column `processing` of a table of tags says, for tests of what it does.
 */
#ifndef TEST_UNIT_STEPS_H
#define TEST_UNIT_STEPS_H

#include "support.h"

#include "model/processing.h"

/* "scale=0.1; deadband=0.5" for a tag of that type. Fails the test when there is a mistake in it. */
struct processing steps(enum tag_type type, const char *text);

/* The mistake in it with its column: "10: what is wrong; what would be right".
 * Static storage, until the next call; "" when there is none; fails the test when there are several. */
const char *steps_mistake(enum tag_type type, const char *text);

#endif
