/*
 * APDU text: one APDU as a line for people and as a JSON object. `komet dump` and LNTRACE print these.
 *
 * The JSON object has the members (those that do not apply are left out, but for the first three):
 *
 *     time          when it was captured, RFC 3339 in UTC with milliseconds; null when not known
 *     source, destination  "address:port"
 *     format        "I", "S", "U"
 *     ns, nr        N(S) of I, N(R) of I and S
 *     function      of U: "STARTDT act"
 *     cf3_mark      true: bit 0 of the third control octet was set in an I format
 *     error         what is wrong with it, a word, a colon and a sentence
 *     octets        all of it in hexadecimal, when something is wrong with it
 *     asdu          of I, as far as it can be read:
 *       type, name, sq, cot, cause, negative, test, oa, ca
 *       objects[]   ioa, value, quality, time, and what else the type has:
 *                   raw (normalized: the integer), transient, sequence, elapsed_ms, qualifier, select,
 *                   pattern;
 *                   of its time tag, when true: time_invalid (IV), summer_time, time_substituted,
 *                   time_implausible; when it is not 0: day_of_week, 1 Monday to 7;
 *                   of file transfer: file (its name), section, length, qualifier, checksum,
 *                   segment (its data in hexadecimal), start and stop (127), and behind each what its tag
 *                   has beside the time: start_invalid, start_summer_time, start_substituted,
 *                   start_implausible, start_day_of_week, and so for stop
 *
 * `value`: true or false (single), a number, "NaN", "Infinity", "-Infinity", or null when the type has none.
 * A normalized value is the number from -1 to below 1.
 * `time` of an object: the fields of the tag as they stand, taken for UTC, as RFC 3339; of CP24, which has no
 * hour, "minute:second"; when the fields are no date, without the Z, and time_implausible is true.
 */
#ifndef KOMET_CAPTURE_APDU_TEXT_H
#define KOMET_CAPTURE_APDU_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "komet/apdu.h"
#include "komet/asdu.h"
#include "komet/time.h"

/* Enough for any APDU in both forms: 127 objects of a sequence take about 80 characters each. */
#define APDU_TEXT_SIZE 32768

struct apdu_text_item {
    struct komet_utc time; /* KOMET_UTC_UNKNOWN is allowed */
    uint16_t microseconds; /* 0..999 on top; the line shows them, JSON does not */
    const char *source;    /* borrowed, as all pointers here, for the call */
    const char *destination;
    const struct komet_apdu *apdu; /* NULL when it did not decode */
    const char *error;             /* what is wrong, when `apdu` is NULL; else NULL */
    const uint8_t *octets;         /* the whole APDU; may be NULL with size 0 */
    size_t size;
    const struct komet_profile *profile; /* how to read the ASDU */
};

/*
 * Write one item, without a line end, with a terminating zero.
 *   out, capacity  at least APDU_TEXT_SIZE octets
 * Returns the number of characters without the zero.
 */
size_t apdu_text_json(const struct apdu_text_item *item, char *out, size_t capacity);
size_t apdu_text_line(const struct apdu_text_item *item, char *out, size_t capacity);

#endif
