/*
 * moment: see moment.h. The calendar is the proleptic Gregorian one; its arithmetic counts years from March,
 * so that the leap day is the last of the year.
 */
#include "console/moment.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "komet/assert.h"

#define DAY_MS       INT64_C(86400000)
#define ERA_DAYS     INT64_C(146097) /* 400 years */
#define DAYS_TO_1970 INT64_C(719468) /* from 1 March of the year 0 */

static int64_t days_of_date(int64_t year, int month, int day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    KOMET_ASSERT(day_of_era >= 0 && day_of_era < ERA_DAYS);
    return era * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

static int days_of_month(int64_t year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    KOMET_ASSERT(month >= 1 && month <= 12);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool moment_text(struct komet_utc time, char *text)
{
    if (!komet_utc_known(time) || time.ms < days_of_date(0, 1, 1) * DAY_MS ||
        time.ms >= days_of_date(10000, 1, 1) * DAY_MS) {
        return false;
    }
    int64_t of_day = time.ms % DAY_MS + (time.ms % DAY_MS < 0 ? DAY_MS : 0);
    int64_t days = (time.ms - of_day) / DAY_MS + DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - ERA_DAYS + 1) / ERA_DAYS;
    int64_t day_of_era = days - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (int)((5 * day_of_year + 2) / 153);
    int day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    int month = march_month < 10 ? march_month + 3 : march_month - 9;
    int year = (int)(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    unsigned seconds = (unsigned)(of_day / 1000), ms = (unsigned)(of_day % 1000);
    snprintf(text, MOMENT_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000u,
             (unsigned)month % 100u, (unsigned)day % 100u, seconds / 3600 % 100, seconds / 60 % 60,
             seconds % 60, ms % 1000);
    return true;
}

/* Takes exactly `count` digits. */
static bool take_digits(const char **at, int count, int *number)
{
    int found = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i])) {
            return false;
        }
        found = found * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *number = found;
    return true;
}

static bool take(const char **at, const char *one_of)
{
    if (**at == '\0' || strchr(one_of, **at) == NULL) {
        return false;
    }
    (*at)++;
    return true;
}

static bool take_date(const char **at, int64_t *days)
{
    int year, month, day;
    if (!take_digits(at, 4, &year) || !take(at, "-") || !take_digits(at, 2, &month) || !take(at, "-") ||
        !take_digits(at, 2, &day) || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) {
        return false;
    }
    *days = days_of_date(year, month, day);
    return true;
}

/* Milliseconds behind the point: any number of digits, those behind the third are dropped. */
static bool take_fraction(const char **at, int *ms)
{
    int scale = 100, digits = 0;
    *ms = 0;
    for (; isdigit((unsigned char)**at); (*at)++, digits++, scale /= 10) {
        *ms += (**at - '0') * scale;
    }
    return digits > 0;
}

static bool take_time_of_day(const char **at, int64_t *of_day, int64_t *span_ms)
{
    int hour, minute, second = 0, ms = 0;
    if (!take_digits(at, 2, &hour) || !take(at, ":") || !take_digits(at, 2, &minute) || hour > 23 ||
        minute > 59) {
        return false;
    }
    *span_ms = 60000;
    if (take(at, ":")) {
        *span_ms = 1000;
        if (!take_digits(at, 2, &second) || second > 60) { /* 60: a leap second, the next minute's first */
            return false;
        }
        if (take(at, ".,")) {
            *span_ms = 1;
            if (!take_fraction(at, &ms)) {
                return false;
            }
        }
    }
    *of_day = ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000 + ms;
    return true;
}

/* Z, +01:00, or nothing. */
static bool take_zone(const char **at, int *offset_minutes)
{
    *offset_minutes = 0;
    if (**at == '\0' || take(at, "Zz")) {
        return true;
    }
    int sign = **at == '-' ? -1 : 1, hours, minutes;
    if (!take(at, "+-") || !take_digits(at, 2, &hours) || !take(at, ":") || !take_digits(at, 2, &minutes) ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool moment_parse(const char *text, struct moment *moment)
{
    KOMET_ASSERT(text != NULL);
    int64_t days, of_day = 0, span_ms = DAY_MS;
    int offset_minutes = 0;
    const char *at = text;
    if (!take_date(&at, &days)) {
        return false;
    }
    bool day_only = *at == '\0';
    if (!day_only && (!take(&at, " Tt") || !take_time_of_day(&at, &of_day, &span_ms) ||
                      !take_zone(&at, &offset_minutes) || *at != '\0')) {
        return false;
    }
    *moment = (struct moment){.time = {days * DAY_MS + of_day - (int64_t)offset_minutes * 60000},
                              .span_ms = span_ms,
                              .day_only = day_only};
    return true;
}

bool moment_looks_like(const char *text)
{
    KOMET_ASSERT(text != NULL);
    const char *at = text;
    int year;
    return take_digits(&at, 4, &year) && *at == '-';
}
