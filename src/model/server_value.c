/*
 * server_value: see server_value.h.
 */
#include "model/server_value.h"

#include <math.h>

#include "komet/assert.h"
#include "komet/station.h"
#include "model/conversion.h"
#include "model/station_time.h"

#define BIT(type)        (1u << (unsigned)(type))
#define FLAG_TRANSIENT   0x100u /* I: T of a step position */
#define COUNTER_SEQUENCE 0x1Fu
#define DPI_OFF          1.0
#define DPI_ON           2.0

/* ---- what goes with what ---- */

/* The output tags that say a type of monitor direction (reference 2.3). */
static unsigned outputs_of(uint8_t type)
{
    switch (komet_type_without_time(type)) {
    case KOMET_M_SP_NA_1:
        return BIT(TAG_DOUT);
    case KOMET_M_DP_NA_1:
        return BIT(TAG_DOUT) | BIT(TAG_CO);
    case KOMET_M_ST_NA_1:
    case KOMET_M_BO_NA_1:
    case KOMET_M_ME_NB_1:
    case KOMET_M_IT_NA_1:
    case KOMET_M_PS_NA_1:
        return BIT(TAG_CO);
    case KOMET_M_ME_NA_1:
    case KOMET_M_ME_NC_1:
    case KOMET_M_ME_ND_1:
        return BIT(TAG_AO);
    default:
        return 0;
    }
}

/* The input tags that take a command. */
static unsigned inputs_of(uint8_t type)
{
    switch (komet_type_without_time(type)) {
    case KOMET_C_SC_NA_1:
        return BIT(TAG_DI);
    case KOMET_C_DC_NA_1:
        return BIT(TAG_DI) | BIT(TAG_QI) | BIT(TAG_CI);
    case KOMET_C_RC_NA_1:
        return BIT(TAG_DI) | BIT(TAG_CI);
    case KOMET_C_SE_NA_1:
    case KOMET_C_SE_NC_1:
        return BIT(TAG_AI);
    case KOMET_C_SE_NB_1:
        return BIT(TAG_AI) | BIT(TAG_CI);
    case KOMET_C_BO_NA_1:
        return BIT(TAG_CI);
    default:
        return 0;
    }
}

bool server_type_fits(enum tag_type type, uint8_t asdu_type)
{
    return ((tag_type_is_output(type) ? outputs_of(asdu_type) : inputs_of(asdu_type)) & BIT(type)) != 0;
}

bool server_follows(enum tag_type type, enum tag_type source)
{
    static const unsigned digital = BIT(TAG_DI) | BIT(TAG_DOUT) | BIT(TAG_QI);
    static const unsigned numbers = BIT(TAG_AI) | BIT(TAG_AO) | BIT(TAG_CI) | BIT(TAG_CO) | BIT(TAG_TIR);
    switch (type) {
    case TAG_DOUT:
        return (digital & BIT(source)) != 0;
    case TAG_CO:
        return ((digital | numbers) & BIT(source)) != 0;
    case TAG_AO:
        return (numbers & BIT(source)) != 0;
    case TAG_AI:
    case TAG_CI:
    case TAG_DI:
    case TAG_QI:
    case TAG_TIR:
    case TAG_TXTI:
    case TAG_TYPE_COUNT:
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown type of tag");
}

/* ---- quality by meaning ---- */

static bool is_measured(enum komet_element element)
{
    return element == KOMET_ELEMENT_STEP || element == KOMET_ELEMENT_BITS ||
           element == KOMET_ELEMENT_NORMALIZED || element == KOMET_ELEMENT_SCALED ||
           element == KOMET_ELEMENT_FLOAT;
}

static enum komet_element element_of(uint8_t asdu_type)
{
    const struct komet_type_row *row = komet_type_find(asdu_type);
    return row != NULL ? row->element : KOMET_ELEMENT_NONE;
}

static unsigned quality_of_status(enum value_status status)
{
    return status == STATUS_UNKNOWN   ? KOMET_QUALITY_IV | KOMET_QUALITY_NT
           : status == STATUS_INVALID ? KOMET_QUALITY_IV
                                      : 0u;
}

/* The quality that a value has, in the place of a measured value; of a counter only IV means the same. */
static unsigned quality_of(const struct value *value)
{
    const struct komet_type_row *row = komet_type_find(value->asdu_type);
    unsigned meant = KOMET_QUALITY_BL | KOMET_QUALITY_SB | KOMET_QUALITY_NT | KOMET_QUALITY_IV;
    if (row != NULL && row->direction != KOMET_MONITOR) {
        meant = 0; /* a command: these are its qualifier */
    } else if (row != NULL && row->element == KOMET_ELEMENT_COUNTER) {
        meant = KOMET_QUALITY_IV;
    } else if (row != NULL && is_measured(row->element)) {
        meant |= KOMET_QUALITY_OV;
    }
    return (value->flags & meant) | quality_of_status(value->status);
}

/* What of it the type of an output can say. */
static unsigned quality_in(enum komet_element element, unsigned quality)
{
    unsigned has = KOMET_QUALITY_IV;
    has |= element != KOMET_ELEMENT_COUNTER ? KOMET_QUALITY_BL | KOMET_QUALITY_SB | KOMET_QUALITY_NT : 0u;
    has |= is_measured(element) ? KOMET_QUALITY_OV : 0u;
    return quality & has;
}

/* What two values of one element have in common beyond their quality. */
static unsigned flags_kept(enum komet_element element, const struct value *value)
{
    if (element != element_of(value->asdu_type)) {
        return 0;
    }
    return element == KOMET_ELEMENT_COUNTER
               ? value->flags & (COUNTER_SEQUENCE | KOMET_QUALITY_CY | KOMET_QUALITY_CA)
           : element == KOMET_ELEMENT_STEP ? value->flags & FLAG_TRANSIENT
                                           : 0u;
}

/* ---- numbers ---- */

/* A four-state or two-state number as an output of another type has it; false: it is neither on nor off. */
static bool convert(enum tag_type to, enum tag_type from, double number, double *converted)
{
    *converted = number;
    if (from == TAG_QI && to == TAG_DOUT) {
        *converted = number == DPI_ON ? 1 : 0;
        return number == DPI_ON || number == DPI_OFF;
    }
    return true;
}

struct value server_value_followed(const struct tag *output, const struct tag *source,
                                   const struct value *value)
{
    enum komet_element element = element_of(output->asdu);
    struct value followed = *value;
    bool means = convert(output->type, source->type, value->number, &followed.number);
    bool digital = source->type == TAG_DI || source->type == TAG_DOUT;
    if (digital && output->type == TAG_CO && element == KOMET_ELEMENT_DOUBLE) {
        followed.number = value->number != 0 ? DPI_ON : DPI_OFF;
    }
    unsigned quality = quality_in(element, quality_of(value));
    if (!means || !isfinite(value->number)) {
        quality |= KOMET_QUALITY_IV;
    }
    followed.flags = (value_flags)(quality | flags_kept(element, value));
    if ((quality & KOMET_QUALITY_IV) != 0) {
        followed.status = STATUS_INVALID;
    }
    followed.number = isfinite(followed.number) ? followed.number : 0;
    followed.cot = KOMET_COT_SPONTANEOUS;
    followed.asdu_type = output->asdu;
    return followed;
}

/* ---- to masters ---- */

/* The nearest number that fits; says whether it is another one. */
static double fit(double number, double low, double high, bool *misfit)
{
    *misfit = *misfit || !(number >= low && number <= high);
    return number >= low ? (number <= high ? number : high) : low;
}

/* The value bits; true when the number did not fit. */
static bool fill(const struct tag *output, double raw, struct komet_object *object)
{
    bool misfit = false;
    bool on = (raw != 0) != processing_has(output->processing, PROCESSING_INVERT);
    switch (object->element) {
    case KOMET_ELEMENT_SINGLE:
        object->value.single = on;
        break;
    case KOMET_ELEMENT_DOUBLE:
        object->value.number = output->type == TAG_DOUT ? (on ? 2 : 1) : (int32_t)fit(raw, 0, 3, &misfit);
        break;
    case KOMET_ELEMENT_STEP:
        object->value.number = (int32_t)nearbyint(fit(raw, -64, 63, &misfit));
        break;
    case KOMET_ELEMENT_NORMALIZED:
        object->value.number = (int32_t)nearbyint(fit(raw, -1, 32767.0 / 32768, &misfit) * 32768);
        break;
    case KOMET_ELEMENT_SCALED:
        object->value.number = (int32_t)nearbyint(fit(raw, -32768, 32767, &misfit));
        break;
    case KOMET_ELEMENT_FLOAT:
        object->value.real = (float)fit(raw, -3.4028234e38, 3.4028234e38, &misfit);
        break;
    case KOMET_ELEMENT_COUNTER:
        object->value.number = (int32_t)nearbyint(fit(raw, -2147483648.0, 2147483647.0, &misfit));
        break;
    case KOMET_ELEMENT_BITS:
        object->value.bits = (uint32_t)nearbyint(fit(raw, 0, 4294967295.0, &misfit));
        break;
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_PROTECTION:
    case KOMET_ELEMENT_FILE:
        KOMET_ASSERT_NEVER("no type of an output to masters");
    }
    return misfit;
}

void server_object(const struct tag *output, const struct value *value, struct komet_object *object)
{
    const struct komet_type_row *row = komet_type_find(output->asdu);
    KOMET_ASSERT(row != NULL && row->direction == KOMET_MONITOR);
    *object = (struct komet_object){.ioa = output->ioa, .element = row->element, .time_size = row->time};
    bool misfit = fill(output, raw_from_number(output, value->number), object);
    if (output->station->parameters.value[PARAMETER_NF] == 0) {
        unsigned quality = value->flags & 0xF0u;
        quality |= is_measured(row->element) ? value->flags & KOMET_QUALITY_OV : 0u;
        quality |= misfit ? (is_measured(row->element) ? KOMET_QUALITY_OV : KOMET_QUALITY_IV) : 0u;
        quality |= quality_in(row->element, quality_of_status(value->status));
        object->quality = (uint8_t)quality;
        object->transient = row->element == KOMET_ELEMENT_STEP && (value->flags & FLAG_TRANSIENT) != 0;
        object->sequence =
            (uint8_t)(row->element == KOMET_ELEMENT_COUNTER ? value->flags & COUNTER_SEQUENCE : 0u);
    }
    if (row->time != KOMET_TIME_NONE) {
        bool known = komet_utc_known(value->time);
        bool distrusted =
            value->status == STATUS_WEAK && value->flags == 0 && value->time_origin == TIME_OF_ARRIVAL;
        station_time_tag(output->station, known ? value->time : (struct komet_utc){0}, &object->time);
        object->time.invalid = !known || distrusted;
    }
}

/* ---- from masters ---- */

static double commanded_number(const struct tag *input, const struct komet_object *object)
{
    double raw = komet_object_number(object);
    if (input->type == TAG_DI) {
        bool on = object->element == KOMET_ELEMENT_SINGLE ? raw != 0 : raw == DPI_ON;
        return on != processing_has(input->processing, PROCESSING_INVERT) ? 1 : 0;
    }
    return input->type == TAG_QI ? raw : number_from_raw(input, raw);
}

struct value server_value_commanded(const struct tag *input, const struct komet_asdu *asdu,
                                    const struct komet_object *object, struct komet_utc arrived)
{
    struct value value = value_from_object(input, asdu, object, arrived, true);
    value.number = commanded_number(input, object);
    value.flags = komet_object_status_octet(asdu, object);
    value.status = isfinite(value.number) ? STATUS_VALID : STATUS_INVALID;
    return value;
}

bool server_command_number(const struct tag *output, const struct tag *input, double number, double *repeated)
{
    bool digital = input->type == TAG_DI && output->type == TAG_CO;
    bool means = convert(output->type, input->type, number, repeated);
    if (digital && element_of(output->asdu) == KOMET_ELEMENT_DOUBLE) {
        *repeated = number != 0 ? DPI_ON : DPI_OFF;
    }
    return means;
}
