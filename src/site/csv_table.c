/*
 * csv_table: see csv_table.h.
 */
#include "site/csv_table.h"

#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

/* The longest line, which with a NUL for each separator is as long as its fields are; and one more, for a field in
 * place of one that does not end. */
static size_t longest_row(const char *text, size_t size)
{
    size_t longest = 0;
    for (const char *at = text, *end = text + size; at < end;) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line != NULL ? line : end) - at);
        longest = length > longest ? length : longest;
        at += length + 1;
    }
    return longest + 2;
}

/* Room for a field of the row. */
static char *take_field(struct csv_table *table, size_t size)
{
    char *field = table->row + table->row_used;
    table->row_used += size + 1;
    KOMET_ASSERT(table->row_used <= table->row_size);
    field[size] = '\0';
    return field;
}

/* A quoted field: how many octets of the file it takes with both quotes; 0 when its quotes never end in its
 * line. */
static size_t quoted_size(const char *from, const char *end)
{
    for (const char *at = from + 1; at < end && *at != '\n'; at++) {
        if (*at == '"') {
            if (at + 1 == end || at[1] != '"') {
                return (size_t)(at + 1 - from);
            }
            at++;
        }
    }
    return 0;
}

static bool read_quoted(struct csv_table *table, char **field)
{
    const char *from = table->next;
    size_t size = quoted_size(from, table->end), length = 0;
    if (size == 0) {
        return false;
    }
    char *out = take_field(table, size - 1);
    for (const char *at = from + 1; at < from + size - 1; at++) {
        out[length++] = *at;
        at += *at == '"' ? 1 : 0; /* a doubled quote is one */
    }
    out[length] = '\0';
    table->next = from + size;
    *field = out;
    return true;
}

/* One field into the row; false when its quotes never end. Leaves `next` behind the field. */
static bool read_field(struct csv_table *table, char **field)
{
    const char *from = table->next;
    if (from < table->end && *from == '"') {
        return read_quoted(table, field);
    }
    while (from < table->end && *from != table->separator && *from != '\n') {
        from++;
    }
    size_t size = (size_t)(from - table->next);
    while (size > 0 && (table->next[size - 1] == '\r' || table->next[size - 1] == ' ')) {
        size--;
    }
    *field = take_field(table, size);
    memcpy(*field, table->next, size);
    table->next = from;
    return true;
}

static void skip_line(struct csv_table *table)
{
    const char *line = memchr(table->next, '\n', (size_t)(table->end - table->next));
    table->next = line != NULL ? line : table->end;
}

/* One field of the row that began at `begin`, with its faults told. False when it was the row's last. */
static bool read_next_field(struct csv_table *table, const char *begin)
{
    char *field = NULL;
    bool quoted = table->next < table->end && *table->next == '"';
    struct place place = {table->place.file, table->place.line, (int)(table->next - begin) + 1};
    if (!read_field(table, &field)) {
        reading_fault(table->reading, place, "close it in the same line; a quote inside is doubled",
                      "a quoted field does not end");
        skip_line(table);
        field = take_field(table, 0);
    }
    if (table->field_count < FIELDS_MAX) {
        table->fields[table->field_count] = field;
        table->quoted[table->field_count] = quoted;
        table->columns[table->field_count++] = place.column;
    }
    while (table->next < table->end && *table->next == '\r') {
        table->next++;
    }
    bool more = table->next < table->end && *table->next == table->separator;
    if (!more && table->next < table->end && *table->next != '\n') {
        reading_fault(table->reading, place, "nothing may stand between a closing quote and the separator",
                      "text behind a quote");
        skip_line(table);
    }
    table->next += more ? 1 : 0;
    return more;
}

bool csv_table_row(struct csv_table *table)
{
    while (table->next < table->end) {
        const char *begin = table->next;
        table->place.line++;
        table->field_count = 0;
        table->row_used = 0;
        while (read_next_field(table, begin)) {
        }
        table->next += table->next < table->end ? 1 : 0;
        if (table->field_count > 1 || table->fields[0][0] != '\0') {
            return true;
        }
    }
    return false;
}

struct place csv_table_place(const struct csv_table *table, unsigned field)
{
    return (struct place){table->place.file, table->place.line, table->columns[field]};
}

void csv_table_begin(struct csv_table *table, struct reading *reading, const struct site_file *file)
{
    *table = (struct csv_table){
        .reading = reading, .next = file->text, .end = file->text + file->size, .place = {file->name, 0, 1}};
    if (file->size >= 3 && memcmp(file->text, "\xEF\xBB\xBF", 3) == 0) {
        table->next += 3;
    }
    const char *line = memchr(table->next, '\n', (size_t)(table->end - table->next));
    size_t size = (size_t)((line != NULL ? line : table->end) - table->next);
    bool semicolons = memchr(table->next, ';', size) != NULL && memchr(table->next, ',', size) == NULL;
    table->separator = semicolons ? ';' : ',';
    table->row_size = longest_row(file->text, file->size);
    table->row = malloc(table->row_size);
    KOMET_ASSERT(table->row != NULL); /* a program without memory ends */
}

void csv_table_end(struct csv_table *table)
{
    free(table->row);
}
