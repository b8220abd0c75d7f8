/*
 * site_edit: see site_edit.h.
 */
#include "site_edit.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8

static void edit_file(struct site_file *file, const struct site_edit *edit)
{
    size_t from = strlen(edit->from), to = strlen(edit->to);
    const char *at = memmem(file->text, file->size, edit->from, from);
    if (at == NULL) {
        fail_msg("%s has no '%s'", edit->file, edit->from);
    }
    size_t before = (size_t)(at - file->text), behind = file->size - before - from;
    assert_null(memmem(at + 1, behind + from - 1, edit->from, from));
    char *text = malloc(before + to + behind + 1);
    assert_non_null(text);
    memcpy(text, file->text, before);
    memcpy(text + before, edit->to, to);
    memcpy(text + before + to, at + from, behind);
    free((void *)(uintptr_t)file->text);
    *file = (struct site_file){file->name, text, before + to + behind};
}

struct site_result site_edited(const struct site_file *files, size_t count, const struct site_edit *edits)
{
    struct site_file edited[FILES_MAX];
    assert_true(count <= FILES_MAX);
    for (size_t i = 0; i < count; i++) {
        char *text = malloc(files[i].size + 1);
        assert_non_null(text);
        memcpy(text, files[i].text, files[i].size);
        edited[i] = (struct site_file){files[i].name, text, files[i].size};
    }
    for (; edits != NULL && edits->file != NULL; edits++) {
        for (size_t i = 0; i < count; i++) {
            if (strcmp(edited[i].name, edits->file) == 0) {
                edit_file(&edited[i], edits);
            }
        }
    }
    struct site_result result = site_read(edited, count, NULL);
    for (size_t i = 0; i < result.fault_count; i++) {
        print_error("%s:%d: %s\n", result.faults[i].file, result.faults[i].line, result.faults[i].what);
    }
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)edited[i].text);
    }
    assert_non_null(result.site);
    return result;
}
