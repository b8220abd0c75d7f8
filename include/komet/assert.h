/*
 * Assertions that stay on in release builds and report to the host.
 *
 * They guard Komet's own mistakes, never a peer's octets: no input from outside can make one fail.
 * libkomet calls `komet_assert_failed`, which the host defines (a daemon logs and aborts, a test
 * fails, firmware resets). It must not return.
 */
#ifndef KOMET_ASSERT_H
#define KOMET_ASSERT_H

/*
 * Supplied by the host of libkomet, once.
 *   condition  the text of what should have been true; static storage
 *   file       the source file; static storage
 *   line       the line in it
 */
_Noreturn void komet_assert_failed(const char *condition, const char *file, int line);

#define KOMET_ASSERT(condition) \
    ((condition) ? (void)0 : komet_assert_failed(#condition, __FILE__, __LINE__))

/* For a place that is never reached: behind a switch in which every value returns. */
#define KOMET_ASSERT_NEVER(condition) komet_assert_failed(condition, __FILE__, __LINE__)

#endif
