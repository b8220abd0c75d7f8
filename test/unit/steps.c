/*
 * steps: see steps.h.
 */
#include "steps.h"

#include <stdio.h>
#include <string.h>

#include "site/reading.h"

static const struct processing *read_text(struct reading *reading, enum tag_type type, const char *text)
{
    struct place first = {"t.csv", 1, 1};
    return read_processing(reading, first, type, arena_text(reading->arena, text, strlen(text)));
}

struct processing steps(enum tag_type type, const char *text)
{
    struct site_arena *arena = arena_new();
    struct reading reading = reading_begin(arena, NULL, 0, NULL);
    const struct processing *read = read_text(&reading, type, text);
    for (size_t i = 0; i < reading.fault_count; i++) {
        print_error("%s: %s; %s\n", text, reading.faults[i].what, reading.faults[i].right);
    }
    assert_int_equal(reading.fault_count, 0);
    struct processing processing = read != NULL ? *read : processing_none();
    arena_free(arena);
    return processing;
}

const char *steps_mistake(enum tag_type type, const char *text)
{
    static char mistake[1024];
    struct site_arena *arena = arena_new();
    struct reading reading = reading_begin(arena, NULL, 0, NULL);
    read_text(&reading, type, text);
    assert_true(reading.fault_count <= 1);
    mistake[0] = '\0';
    if (reading.fault_count == 1) {
        const struct site_fault *fault = &reading.faults[0];
        snprintf(mistake, sizeof mistake, "%d: %s; %s", fault->column, fault->what, fault->right);
    }
    arena_free(arena);
    return mistake;
}
