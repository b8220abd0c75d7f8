/*
 * tell_output: an answer's rows, which come as JSON objects in pages, as a table, JSON or CSV.
 *
 * A page is written when it comes and not kept, so the length of an answer costs no memory. What is not whole
 * at its end stays visibly so: the array of a JSON document is closed by tell_output_end only.
 */
#ifndef KOMET_PROGRAM_TELL_OUTPUT_H
#define KOMET_PROGRAM_TELL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "program/tell_table.h"

enum tell_format { TELL_TABLE, TELL_JSON, TELL_CSV };

/* "table", "json", "csv", in any case; false: none of them. */
bool tell_format_parse(const char *text, enum tell_format *format);

#define TELL_OUTCOME_SIZE 512
#define TELL_FAULT_SIZE   512

struct tell_output {
    FILE *file;
    enum tell_format format;
    bool lasting; /* WATCH, LNTRACE: each page is flushed, and JSON is one object a line */
    bool single;  /* the answer is one object rather than an array */
    size_t rows;  /* written */
    struct tell_columns columns;
    int error; /* errno when `file` could not be written, else 0 */
    bool done; /* the newest row has the result "done" */
    char outcome[TELL_OUTCOME_SIZE];
    char fault[TELL_FAULT_SIZE];
};

/* Begins an answer; `file` is borrowed until tell_output_free. */
void tell_output_begin(struct tell_output *output, FILE *file, enum tell_format format, bool lasting);

/*
 * Writes a page.
 *   rows    JSON objects, borrowed; whatever a server may send
 *   single  the answer is this one object
 * False: `fault` says what is wrong with a row, or is "" when `file` cannot be written (`error`).
 */
bool tell_output_page(struct tell_output *output, char *const *rows, size_t count, bool single);

/* The answer is whole. False as above. */
bool tell_output_end(struct tell_output *output);

/* Of the answer to an order (SET, INTERROGATE …): NULL when it was done, or does not say (`done` tells), else
 * "refused: why". */
const char *tell_output_outcome(const struct tell_output *output);

void tell_output_free(struct tell_output *output);

#endif
