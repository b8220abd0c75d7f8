/*
 * value: see value.h.
 */
#include "model/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"

static const char *const type_names[TAG_TYPE_COUNT] = {
    [TAG_AI] = "Ai",     [TAG_AO] = "Ao", [TAG_CI] = "Ci",   [TAG_CO] = "Co",     [TAG_DI] = "Di",
    [TAG_DOUT] = "Dout", [TAG_QI] = "Qi", [TAG_TIR] = "TiR", [TAG_TXTI] = "TxtI",
};

static const char *const status_names[STATUS_COUNT] = {
    [STATUS_UNKNOWN] = "Unknown", [STATUS_VALID] = "Valid",         [STATUS_WEAK] = "Weak",
    [STATUS_INVALID] = "Invalid", [STATUS_TRANSIENT] = "Transient",
};

/* The four states of a double-point (reference 7.3), by DPI. */
static const char *const double_names[4] = {"Trans", "Off", "On", "Err"};

const char *tag_type_name(enum tag_type type)
{
    KOMET_ASSERT((unsigned)type < TAG_TYPE_COUNT);
    return type_names[type];
}

enum tag_type tag_type_find(const char *name)
{
    for (unsigned i = 0; i < TAG_TYPE_COUNT; i++) {
        if (strcasecmp(type_names[i], name) == 0) {
            return (enum tag_type)i;
        }
    }
    return TAG_TYPE_COUNT;
}

bool tag_type_is_output(enum tag_type type)
{
    return type == TAG_AO || type == TAG_CO || type == TAG_DOUT;
}

const char *value_status_name(enum value_status status)
{
    KOMET_ASSERT((unsigned)status < STATUS_COUNT);
    return status_names[status];
}

void value_flags_text(value_flags flags, char *text)
{
    for (unsigned i = 0; i < 16; i++) {
        if (((unsigned)flags >> i & 1u) != 0) {
            *text++ = (char)('A' + i);
        }
    }
    *text = '\0';
}

bool value_flags_parse(const char *text, value_flags *flags)
{
    unsigned found = 0;
    for (; *text != '\0'; text++) {
        char letter = *text;
        if (letter == ',' || letter == ' ') {
            continue;
        }
        if (letter >= 'a' && letter <= 'p') {
            letter = (char)(letter - 'a' + 'A');
        }
        if (letter < 'A' || letter > 'P') {
            return false;
        }
        found |= 1u << (letter - 'A');
    }
    *flags = (value_flags)found;
    return true;
}

struct value value_unknown(void)
{
    return (struct value){.status = STATUS_UNKNOWN,
                          .time_origin = TIME_OF_ARRIVAL,
                          .time = KOMET_UTC_UNKNOWN,
                          .arrived = KOMET_UTC_UNKNOWN};
}

bool value_same(const struct value *a, const struct value *b)
{
    bool same_number = a->number == b->number || (isnan(a->number) && isnan(b->number));
    return same_number && a->status == b->status && a->flags == b->flags;
}

bool value_is_older(const struct value *value, const struct value *current)
{
    return value->time_origin == TIME_FROM_STATION && current->time_origin == TIME_FROM_STATION &&
           komet_utc_known(current->time) && value->time.ms < current->time.ms;
}

bool value_surely_newer(const struct value *value, const struct value *current)
{
    return current->status == STATUS_UNKNOWN ||
           (value->time_origin == TIME_FROM_STATION && current->time_origin == TIME_FROM_STATION &&
            komet_utc_known(current->time) && value->time.ms > current->time.ms);
}

void value_text(enum tag_type type, const struct value *value, char *text)
{
    KOMET_ASSERT((unsigned)type < TAG_TYPE_COUNT);
    if (value->status == STATUS_UNKNOWN) {
        snprintf(text, VALUE_TEXT_SIZE, "?");
    } else if (type == TAG_DI || type == TAG_DOUT) {
        snprintf(text, VALUE_TEXT_SIZE, "%s", value->number != 0 ? "true" : "false");
    } else if (type == TAG_QI) {
        snprintf(text, VALUE_TEXT_SIZE, "%s", double_names[(unsigned)value->number & 3u]);
    } else {
        /* A float's six or seven digits first; all of a double's only when they say more. */
        snprintf(text, VALUE_TEXT_SIZE, "%.7g", value->number);
        if ((float)strtod(text, NULL) != (float)value->number) {
            snprintf(text, VALUE_TEXT_SIZE, "%.17g", value->number);
        }
    }
}

static bool parse_word(const char *text, const char *const *words, unsigned count, double *number)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

bool value_parse(enum tag_type type, const char *text, double *number)
{
    static const char *const truths[] = {"false", "true"}, *const switches[] = {"off", "on"};
    bool digital = type == TAG_DI || type == TAG_DOUT;
    if (digital && (parse_word(text, truths, 2, number) || parse_word(text, switches, 2, number))) {
        return true;
    }
    if (type == TAG_QI && parse_word(text, double_names, 4, number)) {
        return true;
    }
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(parsed)) {
        return false;
    }
    bool integer = type == TAG_CI || type == TAG_CO || digital || type == TAG_QI;
    if ((integer && parsed != floor(parsed)) || (digital && (parsed < 0 || parsed > 1)) ||
        (type == TAG_QI && (parsed < 0 || parsed > 3))) {
        return false;
    }
    *number = parsed;
    return true;
}

/* A set of tag types, one bit each. */
#define BIT(type) (1u << (type))

/* Reference 1.3: table 1 for inputs, table 2 for outputs, by what an object of the type carries. */
static unsigned inputs_of(enum komet_element element)
{
    switch (element) {
    case KOMET_ELEMENT_SINGLE:
        return BIT(TAG_DI) | BIT(TAG_QI) | BIT(TAG_AI) | BIT(TAG_CI);
    case KOMET_ELEMENT_DOUBLE:
        return BIT(TAG_QI) | BIT(TAG_AI) | BIT(TAG_CI);
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_BITS:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_COUNTER:
        return BIT(TAG_CI) | BIT(TAG_AI);
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_FLOAT:
        return BIT(TAG_AI);
    case KOMET_ELEMENT_PROTECTION:
        return BIT(TAG_CI) | BIT(TAG_AI) | BIT(TAG_TIR);
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_FILE:
        return 0;
    }
    KOMET_ASSERT_NEVER("an unknown element");
}

static unsigned outputs_of(enum komet_element element)
{
    switch (element) {
    case KOMET_ELEMENT_SINGLE:
    case KOMET_ELEMENT_REGULATING:
        return BIT(TAG_DOUT);
    case KOMET_ELEMENT_DOUBLE:
        return BIT(TAG_DOUT) | BIT(TAG_CO);
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_FLOAT:
        return BIT(TAG_AO);
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_BITS:
        return BIT(TAG_CO);
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_COUNTER:
    case KOMET_ELEMENT_PROTECTION:
    case KOMET_ELEMENT_FILE:
        return 0;
    }
    KOMET_ASSERT_NEVER("an unknown element");
}

/* Reference 1.3 and 2.3: what an output tag sends as a value. */
static unsigned senders_of(enum komet_element element)
{
    switch (element) {
    case KOMET_ELEMENT_SINGLE:
        return BIT(TAG_DOUT);
    case KOMET_ELEMENT_DOUBLE:
        return BIT(TAG_DOUT) | BIT(TAG_CO);
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_BITS:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_COUNTER:
        return BIT(TAG_CO);
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_FLOAT:
        return BIT(TAG_AO);
    case KOMET_ELEMENT_PROTECTION:
        return BIT(TAG_CO) | BIT(TAG_AO);
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_FILE:
        return 0;
    }
    KOMET_ASSERT_NEVER("an unknown element");
}

bool tag_type_fits(enum tag_type type, uint8_t asdu_type)
{
    const struct komet_type_row *row = komet_type_find(asdu_type);
    if (row == NULL || (unsigned)type >= TAG_TYPE_COUNT) {
        return false;
    }
    if (tag_type_is_output(type)) {
        return (row->direction == KOMET_CONTROL && (outputs_of(row->element) & BIT(type)) != 0) ||
               (row->direction == KOMET_MONITOR && (senders_of(row->element) & BIT(type)) != 0);
    }
    return row->direction == KOMET_MONITOR && (inputs_of(row->element) & BIT(type)) != 0;
}

bool cot_is_interrogated(uint8_t cot)
{
    return cot >= KOMET_COT_INTERROGATED_STATION && cot <= 41;
}
