/*
 * tell_table: rows laid out in columns for people, STATUS in sections, one object a line a member.
 */
#ifndef KOMET_PROGRAM_TELL_TABLE_H
#define KOMET_PROGRAM_TELL_TABLE_H

#include <stdio.h>

#include "program/tell_json.h"

#define TELL_COLUMNS_MAX    32 /* members of a row beyond these are left out of a table and of CSV */
#define TELL_CELL_WIDTH_MAX 60 /* a longer cell does not widen its column */

struct tell_columns {
    char *name[TELL_COLUMNS_MAX]; /* members of the first row, in its order, as JSON strings; allocated */
    size_t width[TELL_COLUMNS_MAX];
    size_t count; /* 0: no row came yet */
};

/* Takes the names of `row`'s members for `columns`, which are empty. */
void tell_columns_take(struct tell_columns *columns, struct tell_json row);
/* The values of `row` under the columns, TELL_COLUMNS_MAX of them; `at` NULL where it has no such member. */
void tell_columns_values(const struct tell_columns *columns, struct tell_json row, struct tell_json *values);
void tell_columns_free(struct tell_columns *columns);

/*
 * Writes rows (objects) one below the other.
 *   columns  empty: taken from the first row, with the widths of these rows, and a header comes first; later
 *            pages go by them
 *   indent   columns left free
 */
void tell_table_rows(FILE *file, struct tell_columns *columns, const struct tell_json *rows, size_t count,
                     size_t indent);

/* One object: its members that are arrays of objects as sections with a table, the others a line each. */
void tell_table_object(FILE *file, struct tell_json object);

/* A value as text, harmless: of a nested array or object a summary ("1 active, 2 passive"), of null "-". */
void tell_cell_put(FILE *file, struct tell_json value);

#endif
