/*
 * Time tags: CP16Time2a, CP24Time2a and CP56Time2a (IEC 60870-5-4 6.8, -5-101 7.2.6.18 to 7.2.6.20).
 *
 * A tag is calendar fields, as the station wrote them. Whether they are UTC or the station's local time
 * is not on the wire: it is a setting of the station. So decoding and turning into UTC are two steps.
 */
#ifndef KOMET_TIME_TAG_H
#define KOMET_TIME_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/time.h"

#define KOMET_CP16_SIZE 2
#define KOMET_CP24_SIZE 3
#define KOMET_CP56_SIZE 7

/* The fields of a CP56Time2a, or of a CP24Time2a (then only milliseconds, minute and the IV bit). */
struct komet_time_tag {
    uint16_t milliseconds; /* 0..59999: seconds and milliseconds of the minute */
    uint8_t minute;        /* 0..59 */
    uint8_t hour;          /* 0..23; CP56 only */
    uint8_t day;           /* 1..31, day of month; CP56 only */
    uint8_t day_of_week;   /* 1 Monday..7 Sunday, 0 not used; CP56 only */
    uint8_t month;         /* 1..12; CP56 only */
    uint8_t year;          /* 0..99; CP56 only */
    bool invalid;          /* IV: the station does not trust its clock */
    bool summer_time;      /* SU: the fields are in summer time; CP56 only */
    bool substituted;      /* RES1 of the minute octet: GEN/SUB, 0 genuine, 1 substituted */
};

/* Decode or encode the octets at `octets` (at least the size of the tag). Any octets decode: fields
 * out of range stay as they are, and `komet_time_tag_plausible` says so. What was decoded can be encoded; a
 * field that does not fit its bits on the wire, such as minute 64, is asserted. */
KOMET_API void komet_cp24_decode(const uint8_t *octets, struct komet_time_tag *tag);
KOMET_API void komet_cp24_encode(uint8_t *octets, const struct komet_time_tag *tag);
KOMET_API void komet_cp56_decode(const uint8_t *octets, struct komet_time_tag *tag);
KOMET_API void komet_cp56_encode(uint8_t *octets, const struct komet_time_tag *tag);

/* True when every field is in its range and the date exists (a CP56). */
KOMET_API bool komet_time_tag_plausible(const struct komet_time_tag *tag);

/*
 * The calendar fields read as if they were UTC, in milliseconds since 1970. The two-digit year is taken
 * into the century that puts it nearest to `about` (years 70 to 99 need it; `about` is the caller's
 * clock; KOMET_UTC_UNKNOWN: years 70 to 99 are of 1900, others of 2000). The tag must be plausible
 * (asserted). A station in local time: subtract its offset afterwards.
 */
KOMET_API struct komet_utc komet_cp56_to_utc(const struct komet_time_tag *tag, struct komet_utc about);

/* The fields of an instant in calendar time, which must be known (asserted), `offset_minutes` east of UTC
 * (-1440..1440), day of week included; IV, SU and substituted are false: the caller sets SU where the zone
 * says so. */
KOMET_API void komet_cp56_from_utc(struct komet_time_tag *tag, struct komet_utc time, int offset_minutes);

/* A CP24 has no hour: the moment with that minute, second and millisecond which is nearest to `about`, the
 * caller's clock, which must be known (asserted). */
KOMET_API struct komet_utc komet_cp24_to_utc(const struct komet_time_tag *tag, struct komet_utc about);

/*
 * The same for many instants: a minute of the calendar is worked out once and kept in `calendar` (zeros to
 * begin with; the caller's, for one thread), so that instants in the same minute cost a subtraction. The
 * result is the same.
 */
struct komet_calendar {
    int64_t begin_ms;          /* of the minute, UTC */
    int offset_minutes;        /* of UTC */
    bool known;                /* false: nothing is kept yet */
    struct komet_time_tag tag; /* its fields, milliseconds 0 */
};
KOMET_API void komet_calendar_cp56(struct komet_calendar *calendar, struct komet_time_tag *tag,
                                   struct komet_utc time, int offset_minutes);

#endif
