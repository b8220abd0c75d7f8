/*
 * conversion: see conversion.h.
 */
#include "model/conversion.h"

#include <math.h>
#include <stdio.h>

#include "komet/assert.h"
#include "model/filter.h"
#include "model/quality.h"
#include "model/station_time.h"

/* What an object can carry as a whole number: -2^31 of a counter, 2^32 - 1 of a bit string. */
#define WHOLE_MIN      (-2147483648.0)
#define WHOLE_MAX      4294967295.0
#define SUMMER_TIME_MS INT64_C(3600000)
#define MINUTE_MS      INT64_C(60000)
#define ELAPSED_MAX_MS 59999

/* The source time in UTC, by the station's zone. False when there is none that can be trusted. */
static bool source_time(const struct station *station, const struct komet_object *object,
                        struct komet_utc arrived, struct komet_utc *time)
{
    if (station->zone == STATION_ZONE_ARRIVAL || object->time.invalid) {
        return false;
    }
    if (object->time_size == KOMET_TIME_CP24) {
        *time = komet_cp24_to_utc(&object->time, arrived);
        return true;
    }
    if (!komet_time_tag_plausible(&object->time)) {
        return false;
    }
    *time = komet_cp56_to_utc(&object->time, arrived);
    if (station->zone != STATION_ZONE_UTC) {
        time->ms -= station->zone_offset_minutes * MINUTE_MS;
    }
    if (station->summer_time && object->time.summer_time) {
        time->ms -= SUMMER_TIME_MS;
    }
    return true;
}

static bool inverted(const struct tag *tag, bool on)
{
    return on != processing_has(tag->processing, PROCESSING_INVERT);
}

double number_from_raw(const struct tag *tag, double raw)
{
    const struct processing *processing = tag->processing;
    double number = raw;
    if (processing_has(processing, PROCESSING_POLYNOMIAL)) {
        number = 0;
        for (unsigned i = NUMBER_C5; i >= NUMBER_C0; i--) {
            number = number * raw + processing->number[i];
        }
    } else if (processing != NULL) {
        number = raw * processing->number[NUMBER_SCALE] + processing->number[NUMBER_OFFSET];
    }
    if (tag->type != TAG_CI && tag->type != TAG_CO) {
        return number;
    }
    number = nearbyint(number); /* converted as a real number, then a whole one again */
    return number < WHOLE_MIN ? WHOLE_MIN : number > WHOLE_MAX ? WHOLE_MAX : number;
}

double raw_from_number(const struct tag *tag, double number)
{
    const struct processing *processing = tag->processing;
    if (processing == NULL || tag->type == TAG_DOUT) {
        return number;
    }
    double raw = (number - processing->number[NUMBER_OFFSET]) / processing->number[NUMBER_SCALE];
    return tag->type == TAG_CO ? nearbyint(raw) : raw;
}

static double number_of(const struct tag *tag, const struct komet_object *object)
{
    double raw = komet_object_number(object);
    if (object->element == KOMET_ELEMENT_PROTECTION) {
        raw = tag->type == TAG_TIR ? object->elapsed_ms / 1000.0 : object->elapsed_ms;
    }
    if (tag->type == TAG_DI) {
        return inverted(tag, raw != 0) ? 1 : 0;
    }
    if (tag->type == TAG_QI) {
        return object->element == KOMET_ELEMENT_SINGLE ? (object->value.single ? 2 : 1) : raw;
    }
    return number_from_raw(tag, raw);
}

struct value value_from_object(const struct tag *tag, const struct komet_asdu *asdu,
                               const struct komet_object *object, struct komet_utc arrived, bool no_flags)
{
    KOMET_ASSERT(tag->station != NULL);
    enum value_status status = no_flags ? STATUS_VALID : quality_status(asdu->type, object);
    struct value value = {
        .number = number_of(tag, object),
        .status = status,
        .flags = no_flags ? 0 : quality_flags(asdu, object),
        .cot = asdu->cause,
        .asdu_type = asdu->type,
        .time_origin = TIME_OF_ARRIVAL,
        .time = arrived,
        .arrived = arrived,
    };
    if (!isfinite(value.number)) {
        value.status = STATUS_INVALID;
    }
    if (object->time_size != KOMET_TIME_NONE) {
        if (source_time(tag->station, object, arrived, &value.time)) {
            value.time_origin = TIME_FROM_STATION;
        } else if (tag->station->zone != STATION_ZONE_ARRIVAL && value.status == STATUS_VALID) {
            value.status = STATUS_WEAK; /* S13: a time that the station itself does not trust */
        }
    }
    return value;
}

static bool in_range(double number, double low, double high)
{
    return isfinite(number) && number >= low && number <= high;
}

/* A whole number of a range. Returns NULL, or the sentence that says what fits. */
static const char *fill_number(double raw, double low, double high, const char *fits,
                               struct komet_object *object)
{
    if (!in_range(raw, low, high)) {
        return fits;
    }
    object->value.number = (int32_t)nearbyint(raw);
    return NULL;
}

/* The value bits of an output. Returns NULL, or the sentence that says what fits. */
static const char *fill_value(const struct tag *tag, double raw, struct komet_object *object)
{
    bool on = inverted(tag, raw != 0);
    switch (object->element) {
    case KOMET_ELEMENT_SINGLE:
        object->value.single = on;
        return in_range(raw, 0, 1) ? NULL : "a single command takes false or true";
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
        if (tag->type == TAG_DOUT) {
            object->value.number = on ? 2 : 1;
            return in_range(raw, 0, 1) ? NULL : "this command takes false (1, off) or true (2, on)";
        }
        object->value.number = (int32_t)(in_range(raw, 0, 3) ? raw : 0);
        return in_range(raw, 0, 3) ? NULL : "a double command takes 0 to 3";
    case KOMET_ELEMENT_STEP:
        return fill_number(raw, -64, 63, "a step position takes -64 to 63", object);
    case KOMET_ELEMENT_NORMALIZED:
        if (!in_range(raw, -1, 32767.0 / 32768)) {
            return "a normalised set point takes -1 to 0.99997";
        }
        object->value.number = (int32_t)nearbyint(raw * 32768);
        return NULL;
    case KOMET_ELEMENT_SCALED:
        return fill_number(raw, -32768, 32767, "a scaled set point takes -32768 to 32767", object);
    case KOMET_ELEMENT_COUNTER:
        return fill_number(raw, WHOLE_MIN, 2147483647, "a counter takes -2147483648 to 2147483647", object);
    case KOMET_ELEMENT_FLOAT:
        object->value.real = (float)raw;
        return isfinite(object->value.real) ? NULL : "a short float takes -3.4e38 to 3.4e38";
    case KOMET_ELEMENT_BITS:
        if (!in_range(raw, 0, WHOLE_MAX)) {
            return "a bit string takes 0 to 4294967295";
        }
        object->value.bits = (uint32_t)raw;
        return NULL;
    case KOMET_ELEMENT_PROTECTION:
        if (!in_range(raw, 0, ELAPSED_MAX_MS)) {
            return "an elapsed time takes 0 to 59999 ms";
        }
        object->elapsed_ms = (uint16_t)nearbyint(raw);
        return NULL;
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        return "this type cannot be written";
    }
    KOMET_ASSERT_NEVER("an unknown element");
}

double number_from_confirmation(const struct tag *tag, const struct komet_object *object)
{
    double raw = komet_object_number(object);
    if (tag->type == TAG_DOUT) {
        bool on = object->element == KOMET_ELEMENT_SINGLE ? raw != 0 : raw == 2;
        return inverted(tag, on) ? 1 : 0;
    }
    return number_from_raw(tag, raw);
}

/* Output control: refuses a number, or limits it. */
static bool controlled(const struct tag *tag, double *number, char *fault)
{
    const struct processing *processing = tag->processing;
    if (processing_has(processing, PROCESSING_RANGE) && !(*number >= processing->number[NUMBER_RANGE_MIN] &&
                                                          *number <= processing->number[NUMBER_RANGE_MAX])) {
        snprintf(fault, CONVERSION_FAULT_SIZE, "%.7g is outside the tag's range, %.7g to %.7g", *number,
                 processing->number[NUMBER_RANGE_MIN], processing->number[NUMBER_RANGE_MAX]);
        return false;
    }
    *number = filter_limit(processing, *number);
    return true;
}

bool object_from_number(const struct tag *tag, double *number, value_flags flags, struct komet_utc now,
                        struct komet_object *object, char *fault)
{
    const struct komet_type_row *row = komet_type_find(tag->asdu);
    KOMET_ASSERT(row != NULL && row->direction == KOMET_CONTROL);
    *object = (struct komet_object){.ioa = tag->ioa, .element = row->element, .time_size = row->time};
    if (!controlled(tag, number, fault)) {
        return false;
    }
    const char *misfit = fill_value(tag, raw_from_number(tag, *number), object);
    if (misfit != NULL) {
        snprintf(fault, CONVERSION_FAULT_SIZE, "%s", misfit);
        return false;
    }
    quality_set(tag->asdu, flags, STATUS_VALID, object);
    if (row->time == KOMET_TIME_CP56) {
        station_time_tag(tag->station, now, &object->time);
    }
    return true;
}

bool object_from_value(const struct tag *tag, const struct value *value, enum flags_reading reading,
                       struct komet_object *object, char *fault)
{
    const struct komet_type_row *row = komet_type_find(tag->asdu);
    KOMET_ASSERT(tag_sends_value(tag));
    *object = (struct komet_object){.ioa = tag->ioa, .element = row->element, .time_size = row->time};
    const char *misfit = fill_value(tag, raw_from_number(tag, value->number), object);
    value_flags flags = reading == FLAGS_NONE ? 0 : value->flags;
    if (reading == FLAGS_ICCP) {
        flags = quality_flags_from_iccp(tag->asdu, flags);
    }
    if (misfit != NULL && value->status != STATUS_INVALID) {
        snprintf(fault, CONVERSION_FAULT_SIZE, "%s", misfit);
        return false;
    }
    enum value_status status = value->status == STATUS_UNKNOWN ? STATUS_INVALID : value->status;
    quality_set(tag->asdu, flags, reading == FLAGS_NONE ? STATUS_VALID : status, object);
    if (row->time != KOMET_TIME_NONE) {
        station_time_tag(tag->station, value->time, &object->time);
    }
    return true;
}
