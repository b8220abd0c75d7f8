/*
 * tell_output: see tell_output.h. Rows are checked also when they are printed as they came, so that what is
 * printed is valid whatever the server sent.
 */
#include "program/tell_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"
#include "program/tell_json.h"
#include "program/tell_text.h"

#define EXCERPT_SIZE 80 /* octets of a wrong row that are shown */

static const char *const format_names[] = {[TELL_TABLE] = "table", [TELL_JSON] = "json", [TELL_CSV] = "csv"};

bool tell_format_parse(const char *text, enum tell_format *format)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (strcasecmp(format_names[i], text) == 0) {
            *format = (enum tell_format)i;
            return true;
        }
    }
    return false;
}

void tell_output_begin(struct tell_output *output, FILE *file, enum tell_format format, bool lasting)
{
    *output = (struct tell_output){.file = file, .format = format, .lasting = lasting};
}

void tell_output_free(struct tell_output *output)
{
    tell_columns_free(&output->columns);
}

const char *tell_output_outcome(const struct tell_output *output)
{
    return output->outcome[0] != '\0' ? output->outcome : NULL;
}

/* ---- reading ---- */

static bool read_row(struct tell_output *output, const char *text, struct tell_json *row)
{
    if (tell_json_read(text, row) && tell_json_kind(*row) == TELL_JSON_OBJECT) {
        return true;
    }
    snprintf(output->fault, sizeof output->fault,
             "the server sent a row that is no JSON object: %.*s%s; is it a Komet server?", EXCERPT_SIZE,
             text, strlen(text) > EXCERPT_SIZE ? " ..." : "");
    return false;
}

/* Notes the outcome of an order: "refused: negative confirmation". */
static void note_outcome(struct tell_output *output, struct tell_json row)
{
    char *result = tell_json_string(tell_json_member(row, "result"));
    char *reason = tell_json_string(tell_json_member(row, "reason"));
    output->outcome[0] = '\0';
    output->done = result != NULL && strcmp(result, "done") == 0;
    if (result != NULL && !output->done) {
        snprintf(output->outcome, sizeof output->outcome, "%s%s%s", result,
                 reason != NULL && reason[0] != '\0' ? ": " : "", reason != NULL ? reason : "");
    }
    free(result);
    free(reason);
}

/* ---- CSV ---- */

/* Doubles the quotes of `text` and puts it between quotes, if it needs them. */
static void put_field(FILE *file, const char *text)
{
    if (text[strcspn(text, "\",\r\n")] == '\0') {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"" : "", file);
        fputc(*text, file);
    }
    fputc('"', file);
}

/* The field's text before it is quoted: harmless, but with line ends as they are. */
static void write_field(FILE *out, struct tell_json value)
{
    enum tell_json_kind kind = tell_json_kind(value);
    if (kind == TELL_JSON_STRING) {
        char *text = tell_json_string(value), *rest = text, *line;
        while ((line = strsep(&rest, "\n")) != NULL) {
            tell_text_put(out, line);
            fputs(rest != NULL ? "\n" : "", out);
        }
        free(text);
    } else if (kind == TELL_JSON_ARRAY || kind == TELL_JSON_OBJECT) {
        char *text = tell_json_text(value);
        tell_text_put_json(out, text);
        free(text);
    } else if (kind != TELL_JSON_NULL) {
        tell_cell_put(out, value);
    }
}

static void put_value(FILE *file, struct tell_json value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    KOMET_ASSERT(out != NULL);
    write_field(out, value);
    int failed = fclose(out);
    KOMET_ASSERT(failed == 0);
    put_field(file, text);
    free(text);
}

static void put_csv_header(FILE *file, const struct tell_columns *columns)
{
    for (size_t c = 0; c < columns->count; c++) {
        fputs(c > 0 ? "," : "", file);
        put_value(file, (struct tell_json){columns->name[c], strlen(columns->name[c])});
    }
    fputc('\n', file);
}

static void put_csv(struct tell_output *output, const struct tell_json *rows, size_t count)
{
    struct tell_columns *columns = &output->columns;
    struct tell_json values[TELL_COLUMNS_MAX];
    if (columns->count == 0 && count > 0) {
        tell_columns_take(columns, rows[0]);
        put_csv_header(output->file, columns);
    }
    for (size_t i = 0; i < count; i++) {
        tell_columns_values(columns, rows[i], values);
        for (size_t c = 0; c < columns->count; c++) {
            fputs(c > 0 ? "," : "", output->file);
            if (values[c].at != NULL) {
                put_value(output->file, values[c]);
            }
        }
        fputc('\n', output->file);
    }
}

/* ---- pages ---- */

static void put_json(struct tell_output *output, char *const *texts, size_t count)
{
    bool array = !output->single && !output->lasting;
    for (size_t i = 0; i < count; i++) {
        if (array) {
            fputs(output->rows + i == 0 ? "[\n" : ",\n", output->file);
        }
        tell_text_put_json(output->file, texts[i]);
        if (!array) {
            fputc('\n', output->file);
        }
    }
}

static void put_page(struct tell_output *output, char *const *texts, const struct tell_json *rows,
                     size_t count)
{
    switch (output->format) {
    case TELL_JSON:
        put_json(output, texts, count);
        break;
    case TELL_CSV:
        put_csv(output, rows, count);
        break;
    case TELL_TABLE:
        if (output->single && count == 1) {
            tell_table_object(output->file, rows[0]);
        } else {
            tell_table_rows(output->file, &output->columns, rows, count, 0);
        }
        break;
    }
    output->rows += count;
}

static bool written(struct tell_output *output, bool flush)
{
    if (!ferror(output->file) && (!flush || fflush(output->file) == 0)) {
        return true;
    }
    output->error = errno != 0 ? errno : EIO;
    return false;
}

bool tell_output_page(struct tell_output *output, char *const *rows, size_t count, bool single)
{
    struct tell_json *read = calloc(count + 1, sizeof *read);
    size_t good = 0;
    KOMET_ASSERT(read != NULL);
    output->single = output->rows == 0 ? single : output->single;
    while (good < count && read_row(output, rows[good], &read[good])) {
        note_outcome(output, read[good]);
        good++;
    }
    errno = 0;
    put_page(output, rows, read, good);
    free(read);
    return written(output, output->lasting) && good == count;
}

bool tell_output_end(struct tell_output *output)
{
    errno = 0;
    if (output->format == TELL_JSON && !output->single && !output->lasting) {
        fputs(output->rows == 0 ? "[]\n" : "\n]\n", output->file);
    }
    return written(output, true);
}
