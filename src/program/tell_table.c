/*
 * tell_table: see tell_table.h. The cells of a page are written one behind the other into memory, so that
 * their widths are known before the first one is printed.
 */
#include "program/tell_table.h"

#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "program/tell_text.h"

#define GAP   2 /* between two columns */
#define BRIEF 2 /* members of an object that are shown within a cell */

/* ---- cells ---- */

static void put_string(FILE *file, struct tell_json value)
{
    char *text = tell_json_string(value);
    tell_text_put(file, text);
    free(text);
}

/* True for what a summary shows: neither empty nor nested. */
static bool is_telling(struct tell_json value)
{
    enum tell_json_kind kind = tell_json_kind(value);
    bool empty = kind == TELL_JSON_STRING && value.size == 2;
    return !empty && kind != TELL_JSON_NULL && kind != TELL_JSON_ARRAY && kind != TELL_JSON_OBJECT;
}

/* Of a connection with a system of a redundant partner, in front of the rest: "B 1 data HOT ". */
static void put_partner(FILE *file, struct tell_json object)
{
    static const char *const names[] = {"partner", "path", "role"};
    struct tell_json path = tell_json_member(object, "path");
    if (path.at == NULL || !is_telling(path)) {
        return;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tell_json value = tell_json_member(object, names[i]);
        if (value.at != NULL && is_telling(value)) {
            tell_cell_put(file, value);
            fputc(' ', file);
        }
    }
}

/* An object within a cell: its first members, and the reason: "2 passive", "rtu:2404 closed (t1-test)". */
static void put_brief(FILE *file, struct tell_json object)
{
    struct tell_json name, value;
    unsigned shown = 0;
    put_partner(file, object);
    for (struct tell_json_walk walk = tell_json_walk(object); tell_json_next(&walk, &name, &value);) {
        if (shown < BRIEF && is_telling(value)) {
            fputs(shown > 0 ? " " : "", file);
            tell_cell_put(file, value);
            shown++;
        }
    }
    struct tell_json reason = tell_json_member(object, "reason");
    if (shown == BRIEF && reason.at != NULL && is_telling(reason)) {
        fputs(" (", file);
        tell_cell_put(file, reason);
        fputc(')', file);
    }
}

static void put_elements(FILE *file, struct tell_json array)
{
    struct tell_json name, value;
    bool first = true;
    for (struct tell_json_walk walk = tell_json_walk(array); tell_json_next(&walk, &name, &value);) {
        fputs(first ? "" : ", ", file);
        first = false;
        if (tell_json_kind(value) == TELL_JSON_ARRAY) {
            fputs("[…]", file);
        } else {
            tell_cell_put(file, value);
        }
    }
}

void tell_cell_put(FILE *file, struct tell_json value)
{
    switch (tell_json_kind(value)) {
    case TELL_JSON_STRING:
        put_string(file, value);
        return;
    case TELL_JSON_NUMBER:
    case TELL_JSON_TRUE:
    case TELL_JSON_FALSE:
        fwrite(value.at, 1, value.size, file);
        return;
    case TELL_JSON_NULL:
        fputc('-', file);
        return;
    case TELL_JSON_ARRAY:
        put_elements(file, value);
        return;
    case TELL_JSON_OBJECT:
        put_brief(file, value);
        return;
    }
    KOMET_ASSERT_NEVER("a JSON value without a kind");
}

/* ---- columns ---- */

void tell_columns_take(struct tell_columns *columns, struct tell_json row)
{
    struct tell_json name, value;
    KOMET_ASSERT(columns->count == 0);
    for (struct tell_json_walk walk = tell_json_walk(row); tell_json_next(&walk, &name, &value);) {
        if (columns->count < TELL_COLUMNS_MAX) {
            columns->width[columns->count] = 0;
            columns->name[columns->count++] = tell_json_text(name);
        }
    }
}

/* The column of that name; `guess` is looked at first. The count of columns: there is none. */
static size_t column_of(const struct tell_columns *columns, struct tell_json name, size_t guess)
{
    for (size_t i = 0; i < columns->count; i++) {
        size_t c = (guess + i) % columns->count;
        if (strlen(columns->name[c]) == name.size && memcmp(columns->name[c], name.at, name.size) == 0) {
            return c;
        }
    }
    return columns->count;
}

void tell_columns_values(const struct tell_columns *columns, struct tell_json row, struct tell_json *values)
{
    struct tell_json name, value;
    size_t guess = 0;
    memset(values, 0, sizeof *values * TELL_COLUMNS_MAX);
    for (struct tell_json_walk walk = tell_json_walk(row); tell_json_next(&walk, &name, &value);) {
        size_t c = column_of(columns, name, guess);
        if (c < columns->count) {
            values[c] = value;
            guess = c + 1;
        }
    }
}

void tell_columns_free(struct tell_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->name[i]);
    }
    *columns = (struct tell_columns){.count = 0};
}

/* ---- rows ---- */

/* The cells of rows, each a C string behind the last one, in the order of reading. */
static char *write_cells(const struct tell_columns *columns, const struct tell_json *rows, size_t count,
                         bool header)
{
    struct tell_json values[TELL_COLUMNS_MAX];
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    KOMET_ASSERT(out != NULL);
    for (size_t c = 0; header && c < columns->count; c++) {
        put_string(out, (struct tell_json){columns->name[c], strlen(columns->name[c])});
        fputc('\0', out);
    }
    for (size_t r = 0; r < count; r++) {
        tell_columns_values(columns, rows[r], values);
        for (size_t c = 0; c < columns->count; c++) {
            if (values[c].at == NULL) {
                fputc('-', out);
            } else {
                tell_cell_put(out, values[c]);
            }
            fputc('\0', out);
        }
    }
    int failed = fclose(out);
    KOMET_ASSERT(failed == 0 && text != NULL);
    return text;
}

static void measure(struct tell_columns *columns, const char *cells, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        for (size_t c = 0; c < columns->count; c++, cells += strlen(cells) + 1) {
            size_t width = tell_text_width(cells);
            if (width <= TELL_CELL_WIDTH_MAX && width > columns->width[c]) {
                columns->width[c] = width;
            }
        }
    }
}

static const char *put_row(FILE *file, const struct tell_columns *columns, const char *cells, size_t indent)
{
    size_t pending = indent; /* blanks that are written only when something comes behind them */
    for (size_t c = 0; c < columns->count; c++, cells += strlen(cells) + 1) {
        size_t width = tell_text_width(cells);
        if (width > 0) {
            fprintf(file, "%*s%s", (int)pending, "", cells);
            pending = 0;
        }
        pending += GAP + (width < columns->width[c] ? columns->width[c] - width : 0);
    }
    fputc('\n', file);
    return cells;
}

void tell_table_rows(FILE *file, struct tell_columns *columns, const struct tell_json *rows, size_t count,
                     size_t indent)
{
    if (count == 0) {
        return;
    }
    bool header = columns->count == 0;
    if (header) {
        tell_columns_take(columns, rows[0]);
    }
    char *cells = write_cells(columns, rows, count, header);
    size_t lines = count + (header ? 1 : 0);
    if (header) {
        measure(columns, cells, lines);
    }
    const char *at = cells;
    for (size_t r = 0; r < lines; r++) {
        at = put_row(file, columns, at, indent);
    }
    free(cells);
}

/* ---- one object ---- */

/* How many elements an array has, if all are objects; -1: it is no such array. */
static long section_size(struct tell_json value)
{
    struct tell_json name, element;
    long size = 0;
    if (tell_json_kind(value) != TELL_JSON_ARRAY) {
        return -1;
    }
    for (struct tell_json_walk walk = tell_json_walk(value); tell_json_next(&walk, &name, &element);) {
        if (tell_json_kind(element) != TELL_JSON_OBJECT) {
            return -1;
        }
        size++;
    }
    return size;
}

static void put_section(FILE *file, struct tell_json name, struct tell_json array, size_t count)
{
    struct tell_columns columns = {.count = 0};
    struct tell_json_walk walk = tell_json_walk(array);
    struct tell_json *rows = calloc(count + 1, sizeof *rows), none;
    KOMET_ASSERT(rows != NULL);
    for (size_t i = 0; i < count; i++) {
        bool there = tell_json_next(&walk, &none, &rows[i]);
        KOMET_ASSERT(there);
    }
    put_string(file, name);
    fputs(count == 0 ? ": none\n" : "\n", file);
    tell_table_rows(file, &columns, rows, count, GAP);
    tell_columns_free(&columns);
    free(rows);
}

void tell_table_object(FILE *file, struct tell_json object)
{
    struct tell_json name, value;
    size_t width = 0;
    bool first = true;
    for (struct tell_json_walk walk = tell_json_walk(object); tell_json_next(&walk, &name, &value);) {
        size_t size = name.size - 2; /* without its quotes */
        width = section_size(value) < 0 && size > width && size <= TELL_CELL_WIDTH_MAX ? size : width;
    }
    for (struct tell_json_walk walk = tell_json_walk(object); tell_json_next(&walk, &name, &value);) {
        long count = section_size(value);
        if (count >= 0) {
            fputs(first ? "" : "\n", file);
            put_section(file, name, value, (size_t)count);
        } else {
            size_t size = name.size - 2;
            bool empty = tell_json_kind(value) == TELL_JSON_STRING && value.size == 2;
            put_string(file, name);
            if (!empty) {
                fprintf(file, "%*s", (int)(GAP + (size < width ? width - size : 0)), "");
                tell_cell_put(file, value);
            }
            fputc('\n', file);
        }
        first = false;
    }
}
