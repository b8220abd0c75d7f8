/*
 * The octets of time tags, inline: a measured value with a tag spends most of its decoding here.
 */
#ifndef IEC_TIME_TAG_PRIVATE_H
#define IEC_TIME_TAG_PRIVATE_H

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "komet/assert.h"
#include "komet/time_tag.h"

#include "octets.h"

enum {
    TIME_MINUTE = 0x3F,
    TIME_SUBSTITUTED = 0x40,
    TIME_INVALID = 0x80,
    TIME_HOUR = 0x1F,
    TIME_SUMMER = 0x80,
    TIME_DAY = 0x1F,
    TIME_MONTH = 0x0F,
    TIME_YEAR = 0x7F
};

static inline void cp24_decode(const uint8_t *octets, struct komet_time_tag *tag)
{
    *tag = (struct komet_time_tag){
        .milliseconds = (uint16_t)(octets[0] | octets[1] << 8),
        .minute = octets[2] & TIME_MINUTE,
        .substituted = (octets[2] & TIME_SUBSTITUTED) != 0,
        .invalid = (octets[2] & TIME_INVALID) != 0,
    };
}

/*
 * A CP56Time2a as one number of 56 bits, the first octet lowest, from and to the members of a tag. Where
 * memory has the low octet first, the members stand in it in the same order, and all are moved at once:
 * eleven small loads or stores would take longer than all else that coding an object does.
 */
#if OCTETS_LOW_FIRST

static_assert(sizeof(struct komet_time_tag) == 12,
              "eight octets of numbers, three flags, and one that is none");
static_assert(offsetof(struct komet_time_tag, minute) == 2 && offsetof(struct komet_time_tag, hour) == 3 &&
                  offsetof(struct komet_time_tag, day) == 4 &&
                  offsetof(struct komet_time_tag, day_of_week) == 5 &&
                  offsetof(struct komet_time_tag, month) == 6 && offsetof(struct komet_time_tag, year) == 7 &&
                  offsetof(struct komet_time_tag, invalid) == 8 &&
                  offsetof(struct komet_time_tag, summer_time) == 9 &&
                  offsetof(struct komet_time_tag, substituted) == 10,
              "the order that the masks below know");

#define TIME_IN_PLACE                                                                                        \
    UINT64_C(0x1F1F3FFFFF)                  /* milliseconds, minute, hour, day: where they are on the wire   \
                                             */
#define TIME_WEEK    UINT64_C(0xE000000000) /* day of week: 3 bits lower on the wire */
#define TIME_DATE    UINT64_C(0x7F0F0000000000)   /* month, year: an octet lower on the wire */
#define TIME_MEMBERS UINT64_C(0x7F0F071F1F3FFFFF) /* all, as members: what fits */

static inline void cp56_from_number(uint64_t n, struct komet_time_tag *tag)
{
    uint64_t members = (n & TIME_IN_PLACE) | (n & TIME_WEEK) << 3 | (n & TIME_DATE) << 8;
    uint32_t flags = (uint32_t)(n >> 23 & 1) | (uint32_t)(n >> 23 & 0x100) | (uint32_t)(n >> 6 & 0x10000);
    memcpy(tag, &members, sizeof members);
    memcpy((uint8_t *)tag + sizeof members, &flags, sizeof flags);
}

static inline uint64_t cp56_to_number(const struct komet_time_tag *tag)
{
    uint64_t members;
    uint32_t flags;
    memcpy(&members, tag, sizeof members);
    memcpy(&flags, (const uint8_t *)tag + sizeof members, sizeof flags);
    KOMET_ASSERT((members & ~TIME_MEMBERS) == 0);
    return (members & TIME_IN_PLACE) | (members >> 3 & TIME_WEEK) | (members >> 8 & TIME_DATE) |
           (uint64_t)(flags & 0x101) << 23 | (uint64_t)(flags & 0x10000) << 6;
}

#else

static inline void cp56_from_number(uint64_t n, struct komet_time_tag *tag)
{
    *tag = (struct komet_time_tag){
        .milliseconds = (uint16_t)n,
        .minute = (uint8_t)(n >> 16 & TIME_MINUTE),
        .hour = (uint8_t)(n >> 24 & TIME_HOUR),
        .day = (uint8_t)(n >> 32 & TIME_DAY),
        .day_of_week = (uint8_t)(n >> 37 & 7),
        .month = (uint8_t)(n >> 40 & TIME_MONTH),
        .year = (uint8_t)(n >> 48 & TIME_YEAR),
        .invalid = (n >> 23 & 1) != 0,
        .summer_time = (n >> 31 & 1) != 0,
        .substituted = (n >> 22 & 1) != 0,
    };
}

static inline uint64_t cp56_to_number(const struct komet_time_tag *tag)
{
    KOMET_ASSERT(tag->minute <= TIME_MINUTE && tag->hour <= TIME_HOUR && tag->day <= TIME_DAY);
    KOMET_ASSERT(tag->day_of_week <= 7 && tag->month <= TIME_MONTH && tag->year <= TIME_YEAR);
    return tag->milliseconds | (uint64_t)tag->minute << 16 | (uint64_t)tag->substituted << 22 |
           (uint64_t)tag->invalid << 23 | (uint64_t)tag->hour << 24 | (uint64_t)tag->summer_time << 31 |
           (uint64_t)tag->day << 32 | (uint64_t)tag->day_of_week << 37 | (uint64_t)tag->month << 40 |
           (uint64_t)tag->year << 48;
}

#endif

static inline void cp56_decode(const uint8_t *octets, struct komet_time_tag *tag)
{
    cp56_from_number(octets_u32(octets) | (uint64_t)(octets_u32(octets + 3) >> 8) << 32, tag);
}

static inline void cp56_encode(uint8_t *octets, const struct komet_time_tag *tag)
{
    uint64_t number = cp56_to_number(tag);
    put_u32(octets, (uint32_t)number);
    put_u32(octets + 3, (uint32_t)(number >> 24));
}

static inline void cp24_encode(uint8_t *octets, const struct komet_time_tag *tag)
{
    KOMET_ASSERT(tag->minute <= TIME_MINUTE);
    octets[0] = (uint8_t)tag->milliseconds;
    octets[1] = (uint8_t)(tag->milliseconds >> 8);
    octets[2] = (uint8_t)(tag->minute | tag->substituted << 6 | tag->invalid << 7);
}

#endif
