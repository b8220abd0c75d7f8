/*
 * filter: see filter.h.
 */
#include "model/filter.h"

#include <math.h>

#define COMPARES (1u << PROCESSING_DEADBAND | 1u << PROCESSING_CHANGES_ONLY)

double filter_limit(const struct processing *processing, double number)
{
    if (!processing_has(processing, PROCESSING_LIMIT)) {
        return number;
    }
    double low = processing->number[NUMBER_LIMIT_MIN], high = processing->number[NUMBER_LIMIT_MAX];
    return number < low ? low : number > high ? high : number;
}

static bool is_discarded(const struct processing *processing, double number)
{
    return processing_has(processing, PROCESSING_DISCARD) &&
           (number < processing->number[NUMBER_DISCARD_MIN] ||
            number > processing->number[NUMBER_DISCARD_MAX]);
}

static double quietened(const struct processing *processing, double number)
{
    double value = processing->number[NUMBER_ZERO_VALUE];
    bool near = processing_has(processing, PROCESSING_ZERO_BAND) &&
                fabs(number - value) <= processing->number[NUMBER_ZERO_RANGE];
    return near ? value : number;
}

/* True when its time says that it is another value than the last one. Only times of stations are compared
 * with each other; what arrived without one, and was not asked for, came later than the last. */
static bool has_new_time(const struct value *value, const struct value *last)
{
    if (value->time_origin == TIME_OF_ARRIVAL) {
        return !cot_is_interrogated(value->cot);
    }
    return last->time_origin == TIME_OF_ARRIVAL || value->time.ms > last->time.ms;
}

static bool is_unchanged(const struct processing *processing, const struct value *value,
                         const struct value *last)
{
    if (processing_has(processing, PROCESSING_NEW_TIME) && has_new_time(value, last)) {
        return false;
    }
    if (value_same(value, last)) {
        return processing_has(processing, PROCESSING_CHANGES_ONLY) || processing->number[NUMBER_DEADBAND] > 0;
    }
    return value->status == last->status && value->flags == last->flags &&
           fabs(value->number - last->number) < processing->number[NUMBER_DEADBAND];
}

enum filter_verdict filter_value(const struct processing *processing, struct value *last, struct value *value)
{
    if (processing == NULL) {
        return FILTER_PASSES;
    }
    if (value->status != STATUS_INVALID) { /* its number means nothing */
        if (is_discarded(processing, value->number)) {
            return FILTER_DISCARDS;
        }
        value->number = quietened(processing, filter_limit(processing, value->number));
    }
    if ((processing->given & COMPARES) == 0) {
        return FILTER_PASSES;
    }
    bool first = last->status == STATUS_UNKNOWN;
    if (!first && value_is_older(value, last)) {
        return FILTER_PASSES;
    }
    if (!first && is_unchanged(processing, value, last)) {
        return FILTER_UNCHANGED;
    }
    *last = *value;
    return FILTER_PASSES;
}
