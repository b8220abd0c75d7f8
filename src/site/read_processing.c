/*
 * read_processing: the column `processing` of a tag's row: steps with ';' between them, each a word or
 * word=numbers.
 */
#include <string.h>

#include "site/reading.h"

/* The words of all steps, for who wrote none of them. */
static const char *all_words(struct reading *reading)
{
    const char *all = "steps are ";
    for (unsigned i = 0; i < PROCESSING_COUNT; i++) {
        all = arena_format(reading->arena, "%s%s%s", all, i > 0 ? ", " : "",
                           processing_row((enum processing_step)i)->word);
    }
    return all;
}

static void unknown_word(struct reading *reading, struct place place, const char *word)
{
    const char *words[PROCESSING_COUNT];
    for (unsigned i = 0; i < PROCESSING_COUNT; i++) {
        words[i] = processing_row((enum processing_step)i)->word;
    }
    const char *near = nearest_word(word, words, PROCESSING_COUNT);
    reading_fault(reading, place,
                  near != NULL ? arena_format(reading->arena, "did you mean '%s'?", near)
                               : all_words(reading),
                  "processing '%s' is not known", word);
}

static void cut_blanks_behind(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == ' ') {
        text[--size] = '\0';
    }
}

/* One step, without blanks around it. */
static void read_step(struct reading *reading, struct place place, enum tag_type type, char *step,
                      struct processing *processing)
{
    char *numbers = strchr(step, '=');
    size_t word_size = numbers != NULL ? (size_t)(numbers - step) + 1 : 0;
    if (numbers != NULL) {
        *numbers++ = '\0';
    }
    cut_blanks_behind(step);
    const struct processing_row *row = processing_find(step);
    struct processing_fault fault;
    if (row == NULL) {
        unknown_word(reading, place, step);
    } else if (type != TAG_TYPE_COUNT && !processing_take(processing, type, row, numbers, &fault)) {
        place.column += fault.at > 0 ? (int)(word_size + fault.at - 1) : 0;
        reading_fault(reading, place, arena_format(reading->arena, "%s", fault.right), "%s", fault.what);
    }
}

const struct processing *read_processing(struct reading *reading, struct place first, enum tag_type type,
                                         char *text)
{
    if (text[strspn(text, " ;")] == '\0') {
        return NULL;
    }
    struct processing *processing = arena_take(reading->arena, sizeof *processing);
    *processing = processing_none();
    char *rest = text;
    while (rest != NULL) {
        char *step = rest + strspn(rest, " ");
        rest = strchr(step, ';');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        cut_blanks_behind(step);
        if (*step != '\0') {
            struct place place = first;
            place.column += (int)(step - text);
            read_step(reading, place, type, step, processing);
        }
    }
    return processing;
}
