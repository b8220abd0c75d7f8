/*
 * processing: the table of steps, and how what a table of tags says becomes one; see processing.h.
 */
#include "model/processing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"

#define BIT(n)         (1u << (n))
#define NUMBERS_IN     (BIT(TAG_AI) | BIT(TAG_CI) | BIT(TAG_TIR))
#define NUMBERS_OUT    (BIT(TAG_AO) | BIT(TAG_CO))
#define INPUTS         (NUMBERS_IN | BIT(TAG_DI) | BIT(TAG_QI))
#define POLYNOMIAL_MAX 6 /* coefficients */
#define OF_THE_TAG     "of the tag"

static const struct processing_argument arguments[NUMBER_COUNT] = {
    [NUMBER_SCALE] = {"N", KIND_NOT_ZERO, "", 1, false},
    [NUMBER_OFFSET] = {"N", KIND_ANY, OF_THE_TAG, 0, false},
    [NUMBER_C0] = {"C0", KIND_ANY, OF_THE_TAG, 0, false},
    [NUMBER_C1] = {"C1", KIND_ANY, "", 1, false},
    [NUMBER_C2] = {"C2", KIND_ANY, "", 0, false},
    [NUMBER_C3] = {"C3", KIND_ANY, "", 0, false},
    [NUMBER_C4] = {"C4", KIND_ANY, "", 0, false},
    [NUMBER_C5] = {"C5", KIND_ANY, "", 0, false},
    [NUMBER_DISCARD_MIN] = {"MIN", KIND_LOWER_BOUND, OF_THE_TAG, -INFINITY, false},
    [NUMBER_DISCARD_MAX] = {"MAX", KIND_UPPER_BOUND, OF_THE_TAG, INFINITY, false},
    [NUMBER_RANGE_MIN] = {"MIN", KIND_LOWER_BOUND, OF_THE_TAG, -INFINITY, false},
    [NUMBER_RANGE_MAX] = {"MAX", KIND_UPPER_BOUND, OF_THE_TAG, INFINITY, false},
    [NUMBER_LIMIT_MIN] = {"MIN", KIND_LOWER_BOUND, OF_THE_TAG, -INFINITY, true},
    [NUMBER_LIMIT_MAX] = {"MAX", KIND_UPPER_BOUND, OF_THE_TAG, INFINITY, true},
    [NUMBER_ZERO_RANGE] = {"RANGE", KIND_NOT_NEGATIVE, OF_THE_TAG, 0, false},
    [NUMBER_ZERO_VALUE] = {"VALUE", KIND_ANY, OF_THE_TAG, 0, true},
    [NUMBER_DEADBAND] = {"N", KIND_NOT_NEGATIVE, OF_THE_TAG, 0, false},
};

static const struct processing_row rows[PROCESSING_COUNT] = {
    {PROCESSING_SCALE, "scale", NUMBERS_IN | NUMBERS_OUT, NUMBER_SCALE, 1, 1, BIT(PROCESSING_POLYNOMIAL),
     "Linear conversion: value = raw × scale + offset; outputs the other way round."},
    {PROCESSING_OFFSET, "offset", NUMBERS_IN | NUMBERS_OUT, NUMBER_OFFSET, 1, 1, BIT(PROCESSING_POLYNOMIAL),
     "See scale."},
    {PROCESSING_POLYNOMIAL, "polynomial", NUMBERS_IN, NUMBER_C0, POLYNOMIAL_MAX, 2,
     BIT(PROCESSING_SCALE) | BIT(PROCESSING_OFFSET),
     "Conversion: value = C0 + C1 × raw + C2 × raw² and so on. Takes the place of scale and offset."},
    {PROCESSING_INVERT, "invert", BIT(TAG_DI) | BIT(TAG_DOUT), NUMBER_COUNT, 0, 0, 0,
     "Polarity: on becomes off and off becomes on."},
    {PROCESSING_DISCARD, "discard", NUMBERS_IN, NUMBER_DISCARD_MIN, 2, 2, 0,
     "A value below MIN or above MAX is dropped and counted. An Invalid one is not: what it says is that it "
     "is invalid."},
    {PROCESSING_RANGE, "range", NUMBERS_OUT, NUMBER_RANGE_MIN, 2, 2, 0,
     "Output control: a command below MIN or above MAX is refused."},
    {PROCESSING_LIMIT, "limit", NUMBERS_IN | NUMBERS_OUT, NUMBER_LIMIT_MIN, 2, 2, 0,
     "A value below MIN becomes MIN, one above MAX becomes MAX, in outputs before it is sent. Status and "
     "flags stay."},
    {PROCESSING_ZERO_BAND, "zero-band", NUMBERS_IN, NUMBER_ZERO_RANGE, 2, 1, 0,
     "A value that is not further than RANGE from VALUE becomes VALUE: noise around zero is zero."},
    {PROCESSING_DEADBAND, "deadband", NUMBERS_IN, NUMBER_DEADBAND, 1, 1, 0,
     "A value that differs by less than N from the last that went on is dropped, unless its status or flags "
     "differ. 0: none is."},
    {PROCESSING_CHANGES_ONLY, "changes-only", INPUTS, NUMBER_COUNT, 0, 0, 0,
     "A value that equals the last that went on, in status and flags too, is dropped."},
    {PROCESSING_NEW_TIME, "new-time", INPUTS, NUMBER_COUNT, 0, 0, 0,
     "New time, new value: one with a newer time is dropped neither by deadband nor by changes-only, and an "
     "interrogated one that is equal but newer is an event. The time is the station's; of a value that has "
     "none and was not asked for, that of arrival."},
    {PROCESSING_COMMAND, "command", NUMBERS_OUT | BIT(TAG_DOUT), NUMBER_COUNT, 0, 0, 0,
     "Output control: until a written value is confirmed the tag shows what it had, and is not Transient."},
};

const struct processing_row *processing_row(enum processing_step step)
{
    KOMET_ASSERT((unsigned)step < PROCESSING_COUNT);
    KOMET_ASSERT(rows[step].id == step);
    return &rows[step];
}

const struct processing_argument *processing_argument(enum processing_number number)
{
    KOMET_ASSERT((unsigned)number < NUMBER_COUNT);
    return &arguments[number];
}

const struct processing_row *processing_find(const char *word)
{
    for (unsigned i = 0; i < PROCESSING_COUNT; i++) {
        if (strcasecmp(rows[i].word, word) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

struct processing processing_none(void)
{
    struct processing none = {0};
    for (unsigned i = 0; i < NUMBER_COUNT; i++) {
        none.number[i] = arguments[i].initial;
    }
    return none;
}

/* ---- as text ---- */

/* Puts more behind what `text` has, as far as there is room. */
static void append(char *text, const char *separator, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, PROCESSING_TEXT_SIZE - used, "%s%s", used > 0 ? separator : "", more);
}

void processing_usage(const struct processing_row *row, char *text)
{
    snprintf(text, PROCESSING_TEXT_SIZE, "%s%s", row->word, row->count > 0 ? "=" : "");
    for (unsigned i = 0; i < row->count; i++) {
        const char *name = arguments[row->first + i].name;
        append(text, "", i > 0 ? " " : "");
        append(text, "", i == row->needed ? "[" : "");
        append(text, "", name);
    }
    append(text, "", row->needed < row->count ? "]" : "");
}

void processing_types(const struct processing_row *row, char *text)
{
    text[0] = '\0';
    for (unsigned i = 0; i < TAG_TYPE_COUNT; i++) {
        if ((row->types & BIT(i)) != 0) {
            append(text, ", ", tag_type_name((enum tag_type)i));
        }
    }
}

const char *number_kind_text(enum number_kind kind)
{
    switch (kind) {
    case KIND_ANY:
        return "any number";
    case KIND_NOT_ZERO:
        return "a number that is not 0";
    case KIND_NOT_NEGATIVE:
        return "a number, 0 or more";
    case KIND_LOWER_BOUND:
        return "a number, -inf for no bound";
    case KIND_UPPER_BOUND:
        return "a number, inf for no bound";
    }
    KOMET_ASSERT_NEVER("an unknown kind of number");
}

void processing_text(const struct processing_row *row, const struct processing *processing, char *text)
{
    unsigned count = row->count;
    text[0] = '\0';
    while (count > row->needed &&
           processing->number[row->first + count - 1] == arguments[row->first + count - 1].initial) {
        count--; /* what may be left out, and says nothing */
    }
    for (unsigned i = 0; i < count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.15g", processing->number[row->first + i]);
        if (strtod(number, NULL) != processing->number[row->first + i]) {
            snprintf(number, sizeof number, "%.17g", processing->number[row->first + i]);
        }
        append(text, " ", number);
    }
}

/* ---- from text ---- */

static bool number_fits(enum number_kind kind, double number)
{
    switch (kind) {
    case KIND_ANY:
        return isfinite(number);
    case KIND_NOT_ZERO:
        return isfinite(number) && number != 0;
    case KIND_NOT_NEGATIVE:
        return isfinite(number) && number >= 0;
    case KIND_LOWER_BOUND:
        return number < INFINITY; /* never true of what is no number */
    case KIND_UPPER_BOUND:
        return number > -INFINITY;
    }
    KOMET_ASSERT_NEVER("an unknown kind of number");
}

static bool wrong_count(const struct processing_row *row, size_t at, struct processing_fault *fault)
{
    char usage[PROCESSING_TEXT_SIZE];
    processing_usage(row, usage);
    if (row->count == 0) {
        snprintf(fault->what, sizeof fault->what, "%s takes no number", row->word);
    } else if (row->needed == row->count) {
        snprintf(fault->what, sizeof fault->what, "%s takes %u number%s", row->word, row->count,
                 row->count == 1 ? "" : "s");
    } else {
        snprintf(fault->what, sizeof fault->what, "%s takes %u to %u numbers", row->word, row->needed,
                 row->count);
    }
    snprintf(fault->right, sizeof fault->right, row->count > 1 ? "%s, blanks between the numbers" : "%s",
             usage);
    fault->at = at;
    return false;
}

static bool wrong_number(const struct processing_row *row, const struct processing_argument *argument,
                         const char *right, const char *text, size_t at, struct processing_fault *fault)
{
    const char *from = text + at;
    snprintf(fault->what, sizeof fault->what, "%s: %s is '%.*s'", row->word, argument->name,
             (int)strcspn(from, " "), from);
    snprintf(fault->right, sizeof fault->right, "%s", right);
    fault->at = at + 1;
    return false;
}

/* The numbers of a step, as many as there are, into `numbers`. */
static bool read_numbers(enum tag_type type, const struct processing_row *row, const char *text,
                         double *numbers, struct processing_fault *fault)
{
    bool whole = type == TAG_CI || type == TAG_CO;
    size_t at = strspn(text, " ");
    unsigned count = 0;
    while (text[at] != '\0') {
        char *end;
        if (count == row->count) {
            return wrong_count(row, at + 1, fault);
        }
        const struct processing_argument *argument = &arguments[row->first + count];
        double number = strtod(text + at, &end);
        if (end == text + at || (*end != ' ' && *end != '\0') || !number_fits(argument->kind, number)) {
            return wrong_number(row, argument, number_kind_text(argument->kind), text, at, fault);
        }
        if (whole && argument->of_value && isfinite(number) && number != floor(number)) {
            return wrong_number(row, argument, "a whole number, as the tag's value is", text, at, fault);
        }
        numbers[count++] = number;
        at = (size_t)(end - text);
        at += strspn(text + at, " ");
    }
    return count >= row->needed || wrong_count(row, 0, fault);
}

static bool in_order(const struct processing_row *row, const double *numbers, struct processing_fault *fault)
{
    if (row->count != 2 || arguments[row->first].kind != KIND_LOWER_BOUND || numbers[0] <= numbers[1]) {
        return true;
    }
    snprintf(fault->what, sizeof fault->what, "%s: MIN %.7g is above MAX %.7g", row->word, numbers[0],
             numbers[1]);
    snprintf(fault->right, sizeof fault->right, "the lower bound first");
    return false;
}

/* Nothing that stands before it is in its way. */
static bool goes_with(const struct processing *processing, enum tag_type type,
                      const struct processing_row *row, struct processing_fault *fault)
{
    if ((row->types & BIT(type)) == 0) {
        char types[PROCESSING_TEXT_SIZE];
        processing_types(row, types);
        snprintf(fault->what, sizeof fault->what, "%s does not go with a tag of type %s", row->word,
                 tag_type_name(type));
        snprintf(fault->right, sizeof fault->right, "it is for %s", types);
        return false;
    }
    if (processing_has(processing, row->id)) {
        snprintf(fault->what, sizeof fault->what, "%s stands twice", row->word);
        snprintf(fault->right, sizeof fault->right, "leave one of them out");
        return false;
    }
    for (unsigned i = 0; i < PROCESSING_COUNT; i++) {
        if ((row->excludes & processing->given & BIT(i)) != 0) {
            snprintf(fault->what, sizeof fault->what, "%s does not go with %s", row->word, rows[i].word);
            snprintf(fault->right, sizeof fault->right, "one conversion: scale and offset, or polynomial");
            return false;
        }
    }
    return true;
}

bool processing_take(struct processing *processing, enum tag_type type, const struct processing_row *row,
                     const char *numbers, struct processing_fault *fault)
{
    double taken[POLYNOMIAL_MAX];
    KOMET_ASSERT((unsigned)type < TAG_TYPE_COUNT);
    *fault = (struct processing_fault){0};
    for (unsigned i = 0; i < row->count; i++) {
        taken[i] = arguments[row->first + i].initial;
    }
    if (!goes_with(processing, type, row, fault)) {
        return false;
    }
    if ((numbers != NULL) != (row->count > 0)) {
        return wrong_count(row, 0, fault);
    }
    if (numbers != NULL &&
        (!read_numbers(type, row, numbers, taken, fault) || !in_order(row, taken, fault))) {
        return false;
    }
    for (unsigned i = 0; i < row->count; i++) {
        processing->number[row->first + i] = taken[i];
    }
    processing->given |= (uint16_t)BIT(row->id);
    return true;
}
