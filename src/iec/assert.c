/*
 * The assertion hook of a host that has none of its own: it traps. Weak, so that the host's definition wins,
 * and alone in its file, so that no caller is compiled with this one in view.
 */
#include "komet/assert.h"

__attribute__((weak)) _Noreturn void komet_assert_failed(const char *condition, const char *file, int line)
{
    (void)condition;
    (void)file;
    (void)line;
    __builtin_trap();
}
