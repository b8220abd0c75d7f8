/*
 * moment: a point in calendar time as people and JSON write it, and back.
 *
 * UTC throughout: what is written has no zone of this computer in it, and what is read without a zone is
 * taken for UTC, so that the same words mean the same in every control room.
 */
#ifndef CONSOLE_MOMENT_H
#define CONSOLE_MOMENT_H

#include <stdbool.h>

#include "komet/time.h"

#define MOMENT_TEXT_SIZE 32

/* Writes "2026-11-21T10:00:00.000Z" (RFC 3339); `text` has MOMENT_TEXT_SIZE octets. False, and nothing
 * written, for a time that is unknown or outside the years 0 to 9999. */
bool moment_text(struct komet_utc time, char *text);

/* What was read, and how precisely: the end of a range "to 2026-11-21" is that day's end. */
struct moment {
    struct komet_utc time;
    int64_t span_ms; /* 1, 1000, 60000 or 86400000: what the words left open */
    bool day_only;   /* a date without a time of day */
};

/*
 * Reads "2026-11-21", "2026-11-21 10:00", "2026-11-21T10:00:00.5", with Z or +01:00 behind or without.
 * False when it is none of these, or no day of the calendar; *moment is then unchanged.
 */
bool moment_parse(const char *text, struct moment *moment);

/* True when `text` begins like a date, four digits and a dash: meant as a time, even if it is a wrong one. */
bool moment_looks_like(const char *text);

#endif
