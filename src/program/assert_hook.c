/*
 * The assertion hook of the programs: a broken assertion is our own mistake; say where, and end with a core.
 */
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"

_Noreturn void komet_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "komet: %s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
