/*
 * reading: see reading.h.
 */
#include "site/reading.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"

struct reading reading_begin(struct site_arena *arena, const struct site_file *files, size_t count,
                             const char *only_process)
{
    return (struct reading){.arena = arena,
                            .files = files,
                            .file_count = count,
                            .only_process = only_process,
                            .faults = arena_take(arena, SITE_FAULTS_MAX * sizeof(struct site_fault)),
                            .warnings = arena_take(arena, SITE_FAULTS_MAX * sizeof(struct site_fault))};
}

static int by_place(const void *a, const void *b)
{
    const struct site_fault *left = a, *right = b;
    int order = strcmp(left->file, right->file);
    if (order == 0) {
        order = left->line != right->line ? left->line - right->line : left->column - right->column;
    }
    return order;
}

void reading_sort(struct site_fault *faults, size_t count)
{
    qsort(faults, count, sizeof *faults, by_place);
}

static void note(struct reading *reading, struct site_fault *list, size_t *count, struct place place,
                 const char *right, const char *what)
{
    if (*count == SITE_FAULTS_MAX) {
        list[SITE_FAULTS_MAX - 1].what = "and more mistakes than can be listed";
        return;
    }
    list[(*count)++] = (struct site_fault){.file = arena_text(reading->arena, place.file, strlen(place.file)),
                                           .line = place.line,
                                           .column = place.column,
                                           .what = what,
                                           .right = arena_text(reading->arena, right, strlen(right))};
}

void reading_fault(struct reading *reading, struct place place, const char *right, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *what = arena_vformat(reading->arena, format, arguments);
    va_end(arguments);
    note(reading, reading->faults, &reading->fault_count, place, right, what);
}

void reading_warning(struct reading *reading, struct place place, const char *right, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *what = arena_vformat(reading->arena, format, arguments);
    va_end(arguments);
    note(reading, reading->warnings, &reading->warning_count, place, right, what);
}

#define WORD_MAX 40

/* Letters to change, add or leave out to make one word of the other (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
    size_t columns = strlen(b);
    unsigned row[WORD_MAX + 1];
    if (strlen(a) > WORD_MAX || columns > WORD_MAX) {
        return WORD_MAX;
    }
    for (unsigned i = 0; i <= columns; i++) {
        row[i] = i;
    }
    for (unsigned i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < columns; k++) {
            unsigned change = diagonal + (strncasecmp(&a[i], &b[k], 1) == 0 ? 0 : 1);
            unsigned least = row[k] < row[k + 1] ? row[k] + 1 : row[k + 1] + 1;
            diagonal = row[k + 1];
            row[k + 1] = change < least ? change : least;
        }
    }
    return row[columns];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned least = strlen(word) < 4 ? 2 : 3; /* further away it is another word */
    for (size_t i = 0; i < count; i++) {
        unsigned far = distance(word, words[i]);
        if (far < least) {
            least = far;
            best = words[i];
        }
    }
    return best;
}

bool address_parse(struct reading *reading, const char *text, uint16_t default_port, struct address *address)
{
    const char *host = text, *end, *port;
    if (*text == '[') {
        host = text + 1;
        end = strchr(host, ']');
        if (end == NULL) {
            return false;
        }
        port = end[1] == ':' ? end + 2 : end[1] == '\0' ? NULL : "";
    } else {
        end = strrchr(text, ':');
        port = end != NULL ? end + 1 : NULL;
        end = end != NULL ? end : text + strlen(text);
        if (memchr(text, ':', (size_t)(end - text)) != NULL) {
            return false; /* a bare IPv6 address needs its brackets */
        }
    }
    long number = default_port;
    if (port != NULL) {
        char *rest;
        number = strtol(port, &rest, 10);
        if (rest == port || *rest != '\0') {
            return false;
        }
    }
    if (end == host || number < 1 || number > 65535) {
        return false;
    }
    address->host = arena_text(reading->arena, host, (size_t)(end - host));
    address->port = (uint16_t)number;
    return true;
}
