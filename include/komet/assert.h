/*
 * Assertions that stay on in release builds and report to the host.
 *
 * They guard Komet's own mistakes and its host's, never a peer's octets: no input from outside can make one
 * fail. libkomet calls `komet_assert_failed`, which the host defines (a daemon logs and aborts, a test
 * fails, firmware resets). It must not return.
 *
 * A host that defines none gets the library's own, a weak symbol that traps (an illegal instruction: SIGILL
 * or SIGTRAP, or a fault on a microcontroller). With libkomet.a the host's definition wins when it is linked.
 * With libkomet.so it wins when the program is loaded, if it stands in the executable; one that stands in
 * another shared library counts only if that is loaded before libkomet, and one in a plugin never does.
 */
#ifndef KOMET_ASSERT_H
#define KOMET_ASSERT_H

#include "komet/api.h"

/*
 * Supplied by the host of libkomet, at most once.
 *   condition  the text of what should have been true; static storage
 *   file       the source file; static storage
 *   line       the line in it
 */
KOMET_API _Noreturn void komet_assert_failed(const char *condition, const char *file, int line);

#define KOMET_ASSERT(condition) \
    ((condition) ? (void)0 : komet_assert_failed(#condition, __FILE__, __LINE__))

/* For a place that is never reached: behind a switch in which every value returns. */
#define KOMET_ASSERT_NEVER(condition) komet_assert_failed(condition, __FILE__, __LINE__)

#endif
