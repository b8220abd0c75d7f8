/*
 * file_text: see file_text.h. A file is read to its end, not by the size that it says: pipes say none.
 */
#include "site/file_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"

#define CAPACITY_FIRST 4096

const char *file_text_read(struct site_arena *arena, const char *path, size_t size_max, size_t *size)
{
    size_t capacity = CAPACITY_FIRST, used = 0, got;
    char *text = NULL;
    const char *kept = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    do {
        if (text == NULL || used == capacity) {
            capacity *= text == NULL ? 1 : 2;
            char *larger = realloc(text, capacity);
            KOMET_ASSERT(larger != NULL); /* a program without memory ends */
            text = larger;
        }
        got = fread(text + used, 1, capacity - used, file);
        used += got;
    } while (got > 0 && used <= size_max);
    int error = errno;
    if (used > size_max) {
        error = EFBIG;
    } else if (ferror(file) == 0) {
        kept = arena_text(arena, text, used);
        *size = used;
    }
    fclose(file);
    free(text);
    errno = error;
    return kept;
}
