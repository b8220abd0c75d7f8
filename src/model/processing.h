/*
 * processing: the steps that a tag's value takes between the wire and the tag, one row each.
 *
 * The row is the only place where a step is described: the reader of the tables of tags, `komet check`, `tell
 * SHOW … PARAMETERS` and the manual all take it from here. What the steps do is in conversion.h (raw number ↔
 * technical value) and filter.h (which values go on). Facts: reference 7.3, which has the conversion before
 * the filters and gives these no order: bounds, then bands, then the comparison is our own.
 */
#ifndef MODEL_PROCESSING_H
#define MODEL_PROCESSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/value.h"

/* One constant a row, in the order of the table, which is the order in which an input's value takes them. An
 * output's takes RANGE and LIMIT, then the conversion backwards. */
enum processing_step {
    PROCESSING_SCALE,
    PROCESSING_OFFSET,
    PROCESSING_POLYNOMIAL,
    PROCESSING_INVERT,
    PROCESSING_DISCARD,
    PROCESSING_RANGE,
    PROCESSING_LIMIT,
    PROCESSING_ZERO_BAND,
    PROCESSING_DEADBAND,
    PROCESSING_CHANGES_ONLY,
    PROCESSING_NEW_TIME,
    PROCESSING_COMMAND,
    PROCESSING_COUNT
};

/* One constant a number that a step is given. */
enum processing_number {
    NUMBER_SCALE,
    NUMBER_OFFSET,
    NUMBER_C0, /* of x to the power of 0 */
    NUMBER_C1,
    NUMBER_C2,
    NUMBER_C3,
    NUMBER_C4,
    NUMBER_C5,
    NUMBER_DISCARD_MIN,
    NUMBER_DISCARD_MAX,
    NUMBER_RANGE_MIN,
    NUMBER_RANGE_MAX,
    NUMBER_LIMIT_MIN,
    NUMBER_LIMIT_MAX,
    NUMBER_ZERO_RANGE,
    NUMBER_ZERO_VALUE,
    NUMBER_DEADBAND,
    NUMBER_COUNT
};

/* What the column `processing` of a tag says. */
struct processing {
    uint16_t given; /* one bit a step */
    double number[NUMBER_COUNT];
};

static inline bool processing_has(const struct processing *processing, enum processing_step step)
{
    return processing != NULL && (processing->given >> step & 1u) != 0;
}

/* Nothing given, every number its default. */
struct processing processing_none(void);

enum number_kind {
    KIND_ANY,          /* any number */
    KIND_NOT_ZERO,     /* any number but 0 */
    KIND_NOT_NEGATIVE, /* 0 or more */
    KIND_LOWER_BOUND,  /* any number, or -inf: none */
    KIND_UPPER_BOUND   /* any number, or inf: none */
};

struct processing_argument {
    const char *name; /* "MIN" */
    enum number_kind kind;
    const char *unit; /* "of the tag", "" a factor */
    double initial;   /* the default; -INFINITY, INFINITY: no bound */
    bool of_value;    /* the tag's value may become it: whole for Ci and Co */
};

struct processing_row {
    enum processing_step id;
    const char *word;             /* "limit" */
    unsigned types;               /* of tags that it goes with: a bit 1 << enum tag_type each */
    enum processing_number first; /* its numbers in struct processing */
    unsigned count, needed;       /* of numbers: at most, and at least */
    unsigned excludes;            /* steps that do not go with it: a bit each */
    const char *sentence;         /* for the manual */
};

/* The row of a step, and the description of a number. Static storage. */
const struct processing_row *processing_row(enum processing_step step);
const struct processing_argument *processing_argument(enum processing_number number);
/* The row with that word, in any case; NULL when there is none. */
const struct processing_row *processing_find(const char *word);

#define PROCESSING_TEXT_SIZE 192
/* "limit=MIN MAX", "zero-band=RANGE [VALUE]", "invert". `text` has PROCESSING_TEXT_SIZE octets. */
void processing_usage(const struct processing_row *row, char *text);
/* "Ai, Ci, TiR": the types of tags that it goes with. `text` as above. */
void processing_types(const struct processing_row *row, char *text);
/* "a number that is not 0", "a number, -inf for no bound". Static storage. */
const char *number_kind_text(enum number_kind kind);
/* The numbers of a step as a table of tags has them: "0 100", "" for a step without numbers. As above. */
void processing_text(const struct processing_row *row, const struct processing *processing, char *text);

#define PROCESSING_FAULT_SIZE (2 * PROCESSING_TEXT_SIZE)
struct processing_fault {
    char what[PROCESSING_FAULT_SIZE];  /* what is wrong, a sentence */
    char right[PROCESSING_FAULT_SIZE]; /* what would be right */
    size_t at;                         /* where in `numbers` it is, from 1; 0 when the step itself is meant */
};

/*
 * Takes one step over.
 *   type     of the tag
 *   numbers  what stands behind the word's '=': numbers with blanks between them; NULL without '='
 * False when it does not go: *fault says why, *processing is as it was.
 */
bool processing_take(struct processing *processing, enum tag_type type, const struct processing_row *row,
                     const char *numbers, struct processing_fault *fault);

#endif
