/*
 * file_text: a whole file in memory.
 */
#ifndef SITE_FILE_TEXT_H
#define SITE_FILE_TEXT_H

#include "site/arena.h"

/*
 * The text of a file, in `arena`, with a NUL behind it.
 *   size_max  octets that it may have
 *   size      how many it has, without the NUL
 * NULL when it cannot be read: errno says why, EFBIG that it has more than `size_max`.
 */
const char *file_text_read(struct site_arena *arena, const char *path, size_t size_max, size_t *size);

#endif
