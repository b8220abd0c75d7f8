/* What both forms of the text of an APDU need. */
#include "capture/apdu_text.h"

#include "capture/apdu_text_private.h"
#include "komet/assert.h"

struct quality_bit {
    uint8_t bit;
    const char *name;
};

void apdu_text_quality(struct text_writer *text, const struct komet_object *object, const char *quote,
                       const char *separator)
{
    static const struct quality_bit descriptor[] = {{KOMET_QUALITY_IV, "IV"}, {KOMET_QUALITY_NT, "NT"},
                                                    {KOMET_QUALITY_SB, "SB"}, {KOMET_QUALITY_BL, "BL"},
                                                    {KOMET_QUALITY_EI, "EI"}, {KOMET_QUALITY_OV, "OV"}};
    static const struct quality_bit counter[] = {
        {KOMET_QUALITY_IV, "IV"}, {KOMET_QUALITY_CA, "CA"}, {KOMET_QUALITY_CY, "CY"}};
    bool is_counter = object->element == KOMET_ELEMENT_COUNTER;
    const struct quality_bit *bits = is_counter ? counter : descriptor;
    size_t count = is_counter ? sizeof counter / sizeof *counter : sizeof descriptor / sizeof *descriptor;
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if (object->quality & bits[i].bit) {
            text_print(text, "%s%s%s%s", first ? "" : separator, quote, bits[i].name, quote);
            first = false;
        }
    }
}

bool apdu_text_has_select(const struct komet_asdu *asdu)
{
    /* Commands and set points; a bit string (51, 64) has no qualifier. */
    return (asdu->type >= KOMET_C_SC_NA_1 && asdu->type <= KOMET_C_SE_NC_1) ||
           (asdu->type >= KOMET_C_SC_TA_1 && asdu->type <= KOMET_C_SE_TC_1);
}

bool apdu_text_has_qualifier(const struct komet_asdu *asdu)
{
    return apdu_text_has_select(asdu) || asdu->row->direction == KOMET_PARAMETER ||
           asdu->type == KOMET_M_EI_NA_1 || asdu->type == KOMET_C_IC_NA_1 || asdu->type == KOMET_C_CI_NA_1 ||
           asdu->type == KOMET_C_RP_NA_1;
}

/* The year of a two-digit one that is nearest to `about`; without that, of this century up to 69. */
static unsigned full_year(unsigned two_digits, struct komet_utc about)
{
    const int64_t year_ms = INT64_C(31556952000);
    int64_t now, year;

    if (!komet_utc_known(about)) {
        return two_digits < 70 ? 2000 + two_digits : 1900 + two_digits;
    }
    now = 1970 + about.ms / year_ms;
    year = now - now % 100 + two_digits;
    if (year - now > 50) {
        year -= 100;
    } else if (now - year > 50) {
        year += 100;
    }
    return (unsigned)year;
}

void apdu_text_tag(struct text_writer *text, const struct komet_object *object, struct komet_utc about)
{
    const struct komet_time_tag *tag = &object->time;
    unsigned seconds = tag->milliseconds / 1000u;
    unsigned rest = tag->milliseconds % 1000u;

    switch (object->time_size) {
    case KOMET_TIME_NONE:
        break;
    case KOMET_TIME_CP24:
        text_print(text, "%02u:%02u.%03u", tag->minute, seconds, rest);
        break;
    case KOMET_TIME_CP56:
        text_print(text, "%04u-%02u-%02uT%02u:%02u:%02u.%03u%s", full_year(tag->year, about), tag->month,
                   tag->day, tag->hour, tag->minute, seconds, rest, komet_time_tag_plausible(tag) ? "Z" : "");
        break;
    }
}

void apdu_text_tag_flags(struct text_writer *text, const struct komet_time_tag *tag,
                         enum komet_time_size size, const char *of_the_tag, const char *of_the_calendar)
{
    if (tag->invalid) {
        text_print(text, ",\"%sinvalid\":true", of_the_tag);
    }
    if (tag->summer_time) {
        text_print(text, ",\"%ssummer_time\":true", of_the_calendar);
    }
    if (tag->substituted) {
        text_print(text, ",\"%ssubstituted\":true", of_the_tag);
    }
    if (tag->day_of_week != 0) {
        text_print(text, ",\"%sday_of_week\":%u", of_the_calendar, tag->day_of_week);
    }
    if (size == KOMET_TIME_CP56 && !komet_time_tag_plausible(tag)) {
        text_print(text, ",\"%simplausible\":true", of_the_tag);
    }
}

void apdu_text_utc(struct text_writer *text, struct komet_utc time, int microseconds)
{
    /* Days since 1970-01-01 into a date: eras of 400 years that begin on 1 March, so that the leap day is
     * last. */
    int64_t ms_of_day = ((time.ms % 86400000) + 86400000) % 86400000;
    int64_t days = (time.ms - ms_of_day) / 86400000 + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    int64_t year = year_of_era + era * 400 + (month >= 10);

    KOMET_ASSERT(komet_utc_known(time));
    KOMET_ASSERT(microseconds < 1000);
    month = month < 10 ? month + 3 : month - 9;
    text_print(text, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%03lld", (long long)year, (long long)month,
               (long long)day, (long long)(ms_of_day / 3600000), (long long)(ms_of_day / 60000 % 60),
               (long long)(ms_of_day / 1000 % 60), (long long)(ms_of_day % 1000));
    if (microseconds >= 0) {
        text_print(text, "%03d", microseconds);
    }
    text_print(text, "Z");
}

const char *apdu_text_asdu_sentence(enum komet_asdu_result result)
{
    switch (result) {
    case KOMET_ASDU_OK:
        break;
    case KOMET_ASDU_TOO_SHORT:
        return "the ASDU has fewer octets than its header and objects need";
    case KOMET_ASDU_TOO_LONG:
        return "octets are left over behind the last object; the number of objects must account for all";
    case KOMET_ASDU_NO_OBJECT:
        return "the number of objects is 0; it must be 1 to 127";
    case KOMET_ASDU_BAD_SEQUENCE:
        return "this type must not be a sequence, or must have one object only";
    case KOMET_ASDU_UNKNOWN_TYPE:
        return "this type identification is not known, its objects cannot be read";
    }
    return "";
}

bool apdu_text_has_header(enum komet_asdu_result result)
{
    switch (result) {
    case KOMET_ASDU_OK:
    case KOMET_ASDU_TOO_LONG:
    case KOMET_ASDU_BAD_SEQUENCE:
    case KOMET_ASDU_UNKNOWN_TYPE:
        return true;
    case KOMET_ASDU_TOO_SHORT:
    case KOMET_ASDU_NO_OBJECT:
        return false;
    }
    return false;
}
