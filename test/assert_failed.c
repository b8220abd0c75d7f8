/* The assertion hook of test programs: a broken assertion ends the test with its text. */
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"

_Noreturn void komet_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
