/*
 * time_tag: calendar fields to and from octets, and to and from milliseconds since 1970.
 *
 * The calendar is the proleptic Gregorian one. A year is counted from 1 March here, so that the leap day is
 * its last and the months' lengths follow one formula.
 */
#include "komet/time_tag.h"

#include <stddef.h>

#include "komet/assert.h"

#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR   INT64_C(3600000)
#define MS_PER_DAY    INT64_C(86400000)

enum { MINUTE_BITS = 0x3F, SUBSTITUTED = 0x40, INVALID = 0x80, SUMMER_TIME = 0x80 };

void komet_cp24_decode(const uint8_t *octets, struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    *tag = (struct komet_time_tag){
        .milliseconds = (uint16_t)(octets[0] | octets[1] << 8),
        .minute = octets[2] & MINUTE_BITS,
        .substituted = (octets[2] & SUBSTITUTED) != 0,
        .invalid = (octets[2] & INVALID) != 0,
    };
}

void komet_cp24_encode(uint8_t *octets, const struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    KOMET_ASSERT(tag->minute <= MINUTE_BITS);
    octets[0] = (uint8_t)tag->milliseconds;
    octets[1] = (uint8_t)(tag->milliseconds >> 8);
    octets[2] = (uint8_t)(tag->minute | (tag->substituted ? SUBSTITUTED : 0) | (tag->invalid ? INVALID : 0));
}

void komet_cp56_decode(const uint8_t *octets, struct komet_time_tag *tag)
{
    KOMET_ASSERT(octets != NULL && tag != NULL);
    *tag = (struct komet_time_tag){
        .milliseconds = (uint16_t)(octets[0] | octets[1] << 8),
        .minute = octets[2] & MINUTE_BITS,
        .substituted = (octets[2] & SUBSTITUTED) != 0,
        .invalid = (octets[2] & INVALID) != 0,
        .hour = octets[3] & 0x1F,
        .summer_time = (octets[3] & SUMMER_TIME) != 0,
        .day = octets[4] & 0x1F,
        .day_of_week = octets[4] >> 5,
        .month = octets[5] & 0x0F,
        .year = octets[6] & 0x7F,
    };
}

void komet_cp56_encode(uint8_t *octets, const struct komet_time_tag *tag)
{
    KOMET_ASSERT(tag->hour <= 0x1F && tag->day <= 0x1F && tag->day_of_week <= 7);
    KOMET_ASSERT(tag->month <= 0x0F && tag->year <= 0x7F);
    komet_cp24_encode(octets, tag);
    octets[3] = (uint8_t)(tag->hour | (tag->summer_time ? SUMMER_TIME : 0));
    octets[4] = (uint8_t)(tag->day | tag->day_of_week << 5);
    octets[5] = tag->month;
    octets[6] = tag->year;
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

void komet_cp56_from_utc(struct komet_time_tag *tag, struct komet_utc time, int offset_minutes)
{
    KOMET_ASSERT(komet_utc_known(time));
    KOMET_ASSERT(offset_minutes >= -1440 && offset_minutes <= 1440);
    int64_t ms = time.ms + offset_minutes * MS_PER_MINUTE;
    int64_t days = floor_divide(ms, MS_PER_DAY);
    uint32_t ms_of_day = (uint32_t)(ms - days * MS_PER_DAY);
    int64_t era = floor_divide(days + 719468, 146097);
    uint32_t day_of_era = (uint32_t)(days + 719468 - era * 146097);
    uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    uint32_t minute_of_day = ms_of_day / 60000;
    *tag = (struct komet_time_tag){
        .milliseconds = (uint16_t)(ms_of_day - minute_of_day * 60000),
        .minute = (uint8_t)(minute_of_day % 60),
        .hour = (uint8_t)(minute_of_day / 60),
        .day = (uint8_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        /* An era has a whole number of weeks and begins on a Wednesday (2000-03-01). */
        .day_of_week = (uint8_t)((day_of_era + 2) % 7 + 1),
        .month = (uint8_t)month,
        .year = (uint8_t)((year_of_era + (month <= 2)) % 100),
    };
}

struct komet_utc komet_cp24_to_utc(const struct komet_time_tag *tag, struct komet_utc about)
{
    KOMET_ASSERT(komet_utc_known(about));
    KOMET_ASSERT(tag->minute <= MINUTE_BITS);
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
