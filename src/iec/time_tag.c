/*
 * time_tag: calendar fields to and from octets, and to and from milliseconds since 1970.
 *
 * The calendar is the proleptic Gregorian one. A year is counted from 1 March here, so that the leap day is
 * its last and the months' lengths follow one formula.
 */
#include "komet/time_tag.h"

#include <stddef.h>

#include "komet/assert.h"

#include "time_tag_private.h"

#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR   INT64_C(3600000)
#define MS_PER_DAY    INT64_C(86400000)

void komet_cp24_decode(const uint8_t *octets, struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    cp24_decode(octets, tag);
}

void komet_cp24_encode(uint8_t *octets, const struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    cp24_encode(octets, tag);
}

void komet_cp56_decode(const uint8_t *octets, struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    cp56_decode(octets, tag);
}

void komet_cp56_encode(uint8_t *octets, const struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    cp56_encode(octets, tag);
}

/* A year of two digits: 00 is taken as a leap year, since 2000 was one and 2100 is far. */
static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    KOMET_ASSERT(month >= 1 && month <= 12);
    return days[month - 1] + (unsigned)(month == 2 && year % 4 == 0);
}

bool komet_time_tag_plausible(const struct komet_time_tag *tag)
{
    KOMET_ASSERT(tag != NULL);
    if (tag->milliseconds > 59999 || tag->minute > 59 || tag->hour > 23) {
        return false;
    }
    if (tag->month < 1 || tag->month > 12 || tag->year > 99 || tag->day_of_week > 7) {
        return false;
    }
    return tag->day >= 1 && tag->day <= days_in_month(tag->year, tag->month);
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (int64_t)(a % b < 0);
}

/* Days from 1970-01-01 to a date; 400 years are 146,097 days, 719,468 of them lie before 1970-03-01. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = floor_divide(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t ms_of_tag(const struct komet_time_tag *tag, int64_t year)
{
    return days_from_date(year, tag->month, tag->day) * MS_PER_DAY + tag->hour * MS_PER_HOUR +
           tag->minute * MS_PER_MINUTE + tag->milliseconds;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* The year of an instant, near enough to choose a century. */
static int64_t approximate_year(struct komet_utc time)
{
    return 1970 + floor_divide(time.ms, MS_PER_DAY * 365);
}

struct komet_utc komet_cp56_to_utc(const struct komet_time_tag *tag, struct komet_utc about)
{
    KOMET_ASSERT(komet_time_tag_plausible(tag));
    if (!komet_utc_known(about)) {
        return (struct komet_utc){ms_of_tag(tag, tag->year + (tag->year >= 70 ? 1900 : 2000))};
    }
    int64_t century = floor_divide(approximate_year(about), 100) * 100;
    int64_t best = ms_of_tag(tag, century + tag->year);
    for (int64_t other = century - 100; other <= century + 100; other += 200) {
        int64_t candidate = ms_of_tag(tag, other + tag->year);
        if (distance(candidate, about.ms) < distance(best, about.ms)) {
            best = candidate;
        }
    }
    return (struct komet_utc){best};
}

/*
 * The date of a day counted from 0000-03-01, in multiplications where the plain way divides nine times: a
 * century is 36,524.25 days, a year in it 365.25, a month in that 30.6 on average from March on. Multiplied
 * by 4, by 2^32/1461 and by 2^16/30.6 these become shifts that are exact in the ranges that occur (Neri and
 * Schneider, Euclidean affine functions and their application to calendar algorithms, 2022).
 */
static uint64_t date_number(uint32_t day)
{
    uint32_t quarters = 4 * day + 3;
    uint32_t day_of_century = quarters % 146097 / 4;
    uint64_t scaled = UINT64_C(2939745) * (4 * day_of_century + 3);
    uint32_t year_of_century = (uint32_t)(scaled >> 32);
    uint32_t day_of_year = (uint32_t)scaled / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913;
    uint32_t month = months >> 16; /* 3 March to 14 February */
    bool next_year = month > 12;
    uint32_t year = year_of_century + next_year; /* the century itself is not on the wire */
    uint32_t day_of_month = (months & 0xFFFF) / 2141 + 1;
    uint32_t day_of_week = (day + 2) % 7 + 1; /* 0000-03-01 was a Wednesday */
    return (uint64_t)day_of_month << 32 | (uint64_t)day_of_week << 37 |
           (uint64_t)(next_year ? month - 12 : month) << 40 | (uint64_t)(year == 100 ? 0 : year) << 48;
}

/* The fields of a calendar time as one number, but for the milliseconds in its minute; *ms_of_minute: these.
 */
static uint64_t minute_number(int64_t ms, uint32_t *ms_of_minute)
{
    int64_t days = floor_divide(ms, MS_PER_DAY);
    uint32_t ms_of_day = (uint32_t)(ms - days * MS_PER_DAY);
    uint32_t minute_of_day = ms_of_day / 60000;
    int64_t from_march = days + 719468;
    if (from_march < 0 || from_march > 100000000) { /* before year 0 or 273,000 years on: by whole eras */
        from_march -= floor_divide(from_march, 146097) * 146097;
    }
    *ms_of_minute = ms_of_day % 60000;
    return minute_of_day % 60 << 16 | minute_of_day / 60 << 24 | date_number((uint32_t)from_march);
}

static int64_t calendar_ms(struct komet_utc time, int offset_minutes)
{
    KOMET_ASSERT(komet_utc_known(time));
    KOMET_ASSERT(offset_minutes >= -1440 && offset_minutes <= 1440);
    return time.ms + offset_minutes * MS_PER_MINUTE;
}

void komet_cp56_from_utc(struct komet_time_tag *tag, struct komet_utc time, int offset_minutes)
{
    uint32_t ms_of_minute;
    uint64_t number = minute_number(calendar_ms(time, offset_minutes), &ms_of_minute);
    cp56_from_number(number | ms_of_minute, tag);
}

/* A minute that is not yet the calendar's. Not inline: the rare case would cost the common one registers. */
static __attribute__((noinline)) void tag_in_next_minute(struct komet_calendar *calendar,
                                                         struct komet_time_tag *tag, struct komet_utc time,
                                                         int offset_minutes)
{
    uint32_t ms_of_minute;
    uint64_t number = minute_number(calendar_ms(time, offset_minutes), &ms_of_minute);
    cp56_from_number(number, &calendar->tag);
    calendar->begin_ms = time.ms - ms_of_minute;
    calendar->offset_minutes = offset_minutes;
    calendar->known = true;
    cp56_from_number(number | ms_of_minute, tag);
}

/* What is in the calendar's minute needs no check of its own. */
void komet_calendar_cp56(struct komet_calendar *calendar, struct komet_time_tag *tag, struct komet_utc time,
                         int offset_minutes)
{
    /* Without sign: an instant before the minute is far behind it. */
    uint64_t ms_of_minute = (uint64_t)time.ms - (uint64_t)calendar->begin_ms;
    if (ms_of_minute < (uint64_t)MS_PER_MINUTE && calendar->known &&
        calendar->offset_minutes == offset_minutes) {
        *tag = calendar->tag;
        tag->milliseconds = (uint16_t)ms_of_minute;
    } else {
        tag_in_next_minute(calendar, tag, time, offset_minutes);
    }
}

struct komet_utc komet_cp24_to_utc(const struct komet_time_tag *tag, struct komet_utc about)
{
    KOMET_ASSERT(komet_utc_known(about));
    KOMET_ASSERT(tag->minute <= TIME_MINUTE);
    int64_t in_hour = tag->minute * MS_PER_MINUTE + tag->milliseconds;
    int64_t hour = floor_divide(about.ms, MS_PER_HOUR) * MS_PER_HOUR;
    int64_t best = hour + in_hour;
    for (int64_t other = hour - MS_PER_HOUR; other <= hour + MS_PER_HOUR; other += 2 * MS_PER_HOUR) {
        if (distance(other + in_hour, about.ms) < distance(best, about.ms)) {
            best = other + in_hour;
        }
    }
    return (struct komet_utc){best};
}
