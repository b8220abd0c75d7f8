/*
 * station_time: see station_time.h.
 */
#include "model/station_time.h"

#define SUMMER_TIME_MINUTES 60

enum { MARCH = 3, OCTOBER = 10, DAYS_OF_THESE = 31, CHANGE_HOUR = 1 };

bool summer_time_eu(struct komet_utc time)
{
    struct komet_time_tag date;
    komet_cp56_from_utc(&date, time, 0);
    if (date.month != MARCH && date.month != OCTOBER) {
        return date.month > MARCH && date.month < OCTOBER;
    }
    int last_day_of_week = (date.day_of_week + DAYS_OF_THESE - date.day) % 7; /* 0 Sunday */
    int last_sunday = DAYS_OF_THESE - last_day_of_week;
    bool changed = date.day > last_sunday || (date.day == last_sunday && date.hour >= CHANGE_HOUR);
    return changed == (date.month == MARCH);
}

void station_time_tag(const struct station *station, struct komet_utc time, struct komet_time_tag *tag)
{
    bool zoned = station->zone == STATION_ZONE_LOCAL || station->zone == STATION_ZONE_OFFSET;
    bool summer = station->zone == STATION_ZONE_LOCAL && station->summer_time_eu && summer_time_eu(time);
    int offset_minutes = zoned ? station->zone_offset_minutes : 0;
    komet_cp56_from_utc(tag, time, offset_minutes + (summer ? SUMMER_TIME_MINUTES : 0));
    tag->summer_time = summer;
}
