/*
 * csv_table: a table of text, row by row. Quoting as in RFC 4180; separator comma or semicolon, whichever the
 * header has; a byte order mark, CR LF and empty rows are tolerated.
 *
 * The fields of a row are the table's and stay until the next row is read: what is to be kept is copied.
 */
#ifndef SITE_CSV_TABLE_H
#define SITE_CSV_TABLE_H

#include "site/reading.h"

#define FIELDS_MAX 32

struct csv_table {
    struct reading *reading;
    const char *next, *end;
    struct place place;
    char separator;
    char *fields[FIELDS_MAX];
    int columns[FIELDS_MAX]; /* where each field begins, from 1 */
    bool quoted[FIELDS_MAX];
    unsigned field_count;
    int meaning[FIELDS_MAX]; /* of each column, by the header's reader: its own numbers; -1 none */
    unsigned header_count;   /* fields of the header */
    char *row;               /* the fields' octets, each with a NUL behind it */
    size_t row_size;         /* what the longest one needs */
    size_t row_used;
};

/* At the beginning of a file; faults are told to `reading`. To be ended by csv_table_end. */
void csv_table_begin(struct csv_table *table, struct reading *reading, const struct site_file *file);
void csv_table_end(struct csv_table *table);
/* The next row that is not empty, with faults of its fields told. False at the end of the file. */
bool csv_table_row(struct csv_table *table);
/* Where a field of the row begins, by its number from 0. */
struct place csv_table_place(const struct csv_table *table, unsigned field);

#endif
