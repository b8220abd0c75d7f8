/*
 * csv: the tag table of a station. A header row names the columns; each further row is a tag.
 *
 * One pass; what a tag keeps of its fields is copied into the arena.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"
#include "model/server_value.h"
#include "site/csv_table.h"

enum column {
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_ADDRESS,
    COLUMN_ASDU,
    COLUMN_SOURCE,
    COLUMN_DESTINATION,
    COLUMN_GROUPS,
    COLUMN_PROCESSING,
    COLUMN_UNIT,
    COLUMN_DESCRIPTION,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {"name",   "type",        "address", "asdu",
                                                       "source", "destination", "groups",  "processing",
                                                       "unit",   "description"};

/* What a tag keeps of a field. */
static const char *keep(struct csv_table *table, const char *field)
{
    return *field != '\0' ? arena_text(table->reading->arena, field, strlen(field)) : "";
}

static bool read_header(struct csv_table *table)
{
    if (!csv_table_row(table)) {
        reading_fault(table->reading, (struct place){table->place.file, 1, 1},
                      "its first row names the columns", "the table is empty");
        return false;
    }
    unsigned seen = 0;
    table->header_count = table->field_count;
    for (unsigned i = 0; i < table->field_count; i++) {
        table->meaning[i] = -1;
        for (int k = 0; k < COLUMN_COUNT; k++) {
            if (strcasecmp(table->fields[i], column_names[k]) == 0) {
                table->meaning[i] = k;
            }
        }
        if (table->meaning[i] < 0) {
            const char *near = nearest_word(table->fields[i], column_names, COLUMN_COUNT);
            reading_fault(
                table->reading, csv_table_place(table, i),
                near != NULL
                    ? arena_format(table->reading->arena, "did you mean '%s'?", near)
                    : "columns are name, type, address, asdu, source, destination, groups, processing, "
                      "unit, description",
                "unknown column '%s'", table->fields[i]);
        } else if ((seen & 1u << table->meaning[i]) != 0) {
            reading_fault(table->reading, csv_table_place(table, i), "leave one of them out",
                          "column '%s' stands twice", table->fields[i]);
        } else {
            seen |= 1u << table->meaning[i];
        }
    }
    unsigned wanted = 1u << COLUMN_NAME | 1u << COLUMN_TYPE | 1u << COLUMN_ADDRESS;
    if ((seen & wanted) != wanted) {
        reading_fault(table->reading, (struct place){table->place.file, 1, 1},
                      "name, type and address are needed", "a column is missing");
        return false;
    }
    return true;
}

/* An address: 66051, "1,2,3" (high octet first), #010203, each also behind %IGNORE. */
static bool parse_ioa(const char *text, struct tag *tag)
{
    if (strncasecmp(text, "%IGNORE", 7) == 0) {
        tag->ignored = true;
        text += 7;
        text += strspn(text, " ");
        if (*text == '\0') {
            return true;
        }
    }
    uint32_t value = 0;
    char *end;
    if (*text == '#') {
        value = (uint32_t)strtoul(text + 1, &end, 16);
        if (end == text + 1) {
            return false;
        }
    } else {
        for (unsigned parts = 1;; parts++) {
            unsigned long part = strtoul(text, &end, 10);
            bool alone = parts == 1 && *end == '\0';
            if (end == text || *text == '-' || part > (alone ? 0xFFFFFFul : 255ul) || parts > 3) {
                return false;
            }
            value = value << 8 | (uint32_t)part;
            if (*end == '\0') {
                if (parts == 2) {
                    return false;
                }
                break;
            }
            if (*end != ',') {
                return false;
            }
            text = end + 1;
        }
    }
    tag->ioa = value;
    return *end == '\0' && value <= 0xFFFFFF;
}

static void read_asdu(struct csv_table *table, unsigned field, struct tag *tag)
{
    char *end;
    unsigned long number = strtoul(table->fields[field], &end, 10);
    if (table->fields[field][0] == '\0') {
        return;
    }
    if (*end != '\0' || number < 1 || number > 255) {
        reading_fault(table->reading, csv_table_place(table, field),
                      "a type identification from 45 to 64, such as 45", "asdu '%s' is no type",
                      table->fields[field]);
        return;
    }
    tag->asdu = (uint8_t)number;
}

/* The tag may stand in a table that is read later: it is looked up when all are (index_sources.c). */
static void read_source(struct csv_table *table, unsigned field, struct tag *tag)
{
    struct reading *reading = table->reading;
    if (table->fields[field][0] != '\0') {
        struct named_source *source = arena_take(reading->arena, sizeof *source);
        *source = (struct named_source){reading->sources, tag, keep(table, table->fields[field]),
                                        csv_table_place(table, field)};
        reading->sources = source;
    }
}

/* Numbers of interrogation groups with blanks between them. */
static void read_groups(struct csv_table *table, unsigned field, struct tag *tag)
{
    const char *text = table->fields[field];
    text += strspn(text, " ");
    while (*text != '\0') {
        char *end;
        unsigned long group = strtoul(text, &end, 10);
        if (end == text || group < 1 || group > 16 || (*end != ' ' && *end != '\0')) {
            reading_fault(table->reading, csv_table_place(table, field), "numbers from 1 to 16, such as 1 3",
                          "groups: '%s'", table->fields[field]);
            return;
        }
        tag->groups |= (uint16_t)(1u << (group - 1));
        text = end + strspn(end, " ");
    }
}

/* One field of a tag's row, by the meaning of its column. */
static void read_tag_field(struct csv_table *table, unsigned i, struct tag *tag)
{
    struct reading *reading = table->reading;
    char *field = table->fields[i];
    switch (table->meaning[i]) {
    case COLUMN_NAME:
        tag->name = keep(table, field);
        if (*field == '\0' || strpbrk(field, "*?, ") != NULL) {
            reading_fault(reading, csv_table_place(table, i),
                          "letters, digits, dots and hyphens, such as M.NORTH.Q1", "'%s' is no name of a tag",
                          field);
        }
        break;
    case COLUMN_TYPE:
        tag->type = tag_type_find(field);
        if (tag->type == TAG_TYPE_COUNT) {
            reading_fault(reading, csv_table_place(table, i), "one of Ai, Ao, Ci, Co, Di, Dout, Qi, TiR",
                          "'%s' is no type of a tag", field);
        }
        break;
    case COLUMN_ADDRESS:
        if (!parse_ioa(field, tag)) {
            tag->ignored = true; /* told here; no second mistake about the same address */
            reading_fault(reading, csv_table_place(table, i),
                          "0 to 16777215, three octets as 1,2,3 (quoted), or #hex",
                          "'%s' is no information object address", field);
        }
        break;
    case COLUMN_ASDU:
        read_asdu(table, i, tag);
        break;
    case COLUMN_SOURCE:
        read_source(table, i, tag);
        break;
    case COLUMN_GROUPS:
        read_groups(table, i, tag);
        break;
    case COLUMN_DESTINATION:
        if (*field != '\0' && !column_parse(reading, field, tag)) {
            reading_fault(reading, csv_table_place(table, i),
                          "a name and its rows, 1 to 10000, such as M.TEMPERATURE(8)",
                          "destination '%s' is no column", field);
        }
        break;
    case COLUMN_UNIT:
        tag->unit = keep(table, field);
        break;
    case COLUMN_DESCRIPTION:
        tag->description = keep(table, field);
        break;
    case COLUMN_PROCESSING: /* read when the type is known */
    default:
        break;
    }
}

/* The type of ASDU that a tag has, or has not. */
static void check_asdu(struct csv_table *table, const struct tag *tag, bool server)
{
    struct reading *reading = table->reading;
    struct place row = {table->place.file, table->place.line, 1};
    bool output = tag_type_is_output(tag->type);
    if (tag->asdu == 0 && output) {
        reading_fault(reading, row,
                      server ? "say what is sent to masters in column asdu, such as 30 or 36"
                             : "say the type identification in column asdu, such as 45 or 50",
                      "output '%s' has no asdu", tag->name);
    } else if (tag->asdu == 0 && server) {
        reading_fault(reading, row, "say what masters send in column asdu, such as 45 or 50",
                      "input '%s' of a line that listens has no asdu", tag->name);
    } else if (tag->asdu != 0 &&
               !(server ? server_type_fits(tag->type, tag->asdu) : tag_type_fits(tag->type, tag->asdu))) {
        reading_fault(reading, row, "see the tables of types in the configuration's manual",
                      server ? "type %u does not go with a tag of type %s on a line that listens"
                             : "type %u does not go with a tag of type %s",
                      tag->asdu, tag_type_name(tag->type));
    }
}

static void read_tag(struct csv_table *table, struct tag *tag, bool server)
{
    struct reading *reading = table->reading;
    *tag = (struct tag){.name = "", .unit = "", .description = "", .type = TAG_TYPE_COUNT};
    bool has_address = false, has_type = false;
    for (unsigned i = 0; i < table->field_count && i < table->header_count; i++) {
        has_address = has_address || table->meaning[i] == COLUMN_ADDRESS;
        has_type = has_type || table->meaning[i] == COLUMN_TYPE;
        read_tag_field(table, i, tag);
    }
    struct place row = {table->place.file, table->place.line, 1};
    if (!has_address || !has_type) {
        reading_fault(reading, row, "name, type and address are needed", "the row ends too early");
    }
    if (table->field_count > table->header_count) {
        reading_fault(reading, row, "quote a field that has a separator in it",
                      "the row has %u fields and the header %u", table->field_count, table->header_count);
    }
    for (unsigned i = 0; i < table->field_count && i < table->header_count; i++) {
        if (table->meaning[i] == COLUMN_PROCESSING) {
            struct place first = csv_table_place(table, i);
            first.column += table->quoted[i] ? 1 : 0;
            tag->processing = read_processing(reading, first, tag->type, table->fields[i]);
        }
    }
    if (tag->type == TAG_TYPE_COUNT) {
        tag->type = TAG_AI; /* told already; later checks go on */
    } else {
        check_asdu(table, tag, server);
    }
}

static void read_rows(struct csv_table *table, struct station *station)
{
    size_t rows = 0;
    for (const char *at = table->next; at < table->end; at++) {
        rows += *at == '\n' ? 1 : 0;
    }
    station->tags = arena_take(table->reading->arena, (rows + 1) * sizeof *station->tags);
    while (csv_table_row(table)) {
        KOMET_ASSERT(station->tag_count <= rows);
        struct tag *tag = &station->tags[station->tag_count++];
        read_tag(table, tag, line_is_server(station->line));
        tag->station = station;
        tag->row = table->place.line;
    }
}

void csv_read_tags(struct reading *reading, const struct site_file *file, struct station *station)
{
    struct csv_table table;
    csv_table_begin(&table, reading, file);
    if (read_header(&table)) {
        read_rows(&table, station);
        columns_expand(reading, station);
    }
    csv_table_end(&table);
}
