/* The table of what stands in each type, the choice of values, and the way into the library's structures. */
#include "content.h"

#include <string.h>

#include "support.h"

#define F(field) (UINT64_C(1) << (field))

/* clang-format off */
#define SIQ   (F(IV) | F(NT) | F(SB) | F(BL))
#define QDS   (SIQ | F(OV))
#define QDP   (SIQ | F(EI))
#define BCR   (F(IV) | F(CA) | F(CY) | F(SEQUENCE))
#define QOC   (F(QU) | F(SELECT))
#define QOS   (F(QL) | F(SELECT))
#define CP24  (F(MS) | F(MINUTE) | F(TIME_IV) | F(TIME_SUB))
#define CP56  (CP24 | F(HOUR) | F(SUMMER) | F(DAY) | F(WEEKDAY) | F(MONTH) | F(YEAR))
#define STOP  (F(STOP_MS) | F(STOP_MINUTE) | F(STOP_TIME_IV) | F(STOP_TIME_SUB) | F(STOP_HOUR) | F(STOP_SUMMER) | \
               F(STOP_DAY) | F(STOP_WEEKDAY) | F(STOP_MONTH) | F(STOP_YEAR))
#define FLAGS (QDS | F(EI) | F(CA) | F(CY) | F(TRANSIENT) | F(SELECT) | F(TIME_IV) | F(TIME_SUB) | F(SUMMER) | \
               F(STOP_TIME_IV) | F(STOP_TIME_SUB) | F(STOP_SUMMER))

#define I16 INT16_MIN, INT16_MAX
#define I32 INT32_MIN, INT32_MAX
#define U32 0, UINT32_MAX

/*   type, form, more than one object, SQ = 1, the value's range, fields */
const struct content contents[] = {
    {1, FORM_SINGLE, true, true, 0, 1, F(VALUE) | SIQ},
    {2, FORM_SINGLE, true, false, 0, 1, F(VALUE) | SIQ | CP24},
    {3, FORM_NUMBER, true, true, 0, 3, F(VALUE) | SIQ},
    {4, FORM_NUMBER, true, false, 0, 3, F(VALUE) | SIQ | CP24},
    {5, FORM_NUMBER, true, true, -64, 63, F(VALUE) | F(TRANSIENT) | QDS},
    {6, FORM_NUMBER, true, false, -64, 63, F(VALUE) | F(TRANSIENT) | QDS | CP24},
    {7, FORM_BITS, true, true, U32, F(VALUE) | QDS},
    {8, FORM_BITS, true, false, U32, F(VALUE) | QDS | CP24},
    {9, FORM_NUMBER, true, true, I16, F(VALUE) | QDS},
    {10, FORM_NUMBER, true, false, I16, F(VALUE) | QDS | CP24},
    {11, FORM_NUMBER, true, true, I16, F(VALUE) | QDS},
    {12, FORM_NUMBER, true, false, I16, F(VALUE) | QDS | CP24},
    {13, FORM_FLOAT, true, true, U32, F(VALUE) | QDS},
    {14, FORM_FLOAT, true, false, U32, F(VALUE) | QDS | CP24},
    {15, FORM_NUMBER, true, true, I32, F(VALUE) | BCR},
    {16, FORM_NUMBER, true, false, I32, F(VALUE) | BCR | CP24},
    {17, FORM_BITS, true, false, 0, 3, F(VALUE) | QDP | F(ELAPSED) | CP24},
    {18, FORM_BITS, true, false, 0, 0x3F, F(VALUE) | QDP | F(ELAPSED) | CP24},
    {19, FORM_BITS, true, false, 0, 0x0F, F(VALUE) | QDP | F(ELAPSED) | CP24},
    {20, FORM_BITS, true, true, U32, F(VALUE) | QDS},
    {21, FORM_NUMBER, true, true, I16, F(VALUE)},
    {30, FORM_SINGLE, true, false, 0, 1, F(VALUE) | SIQ | CP56},
    {31, FORM_NUMBER, true, false, 0, 3, F(VALUE) | SIQ | CP56},
    {32, FORM_NUMBER, true, false, -64, 63, F(VALUE) | F(TRANSIENT) | QDS | CP56},
    {33, FORM_BITS, true, false, U32, F(VALUE) | QDS | CP56},
    {34, FORM_NUMBER, true, false, I16, F(VALUE) | QDS | CP56},
    {35, FORM_NUMBER, true, false, I16, F(VALUE) | QDS | CP56},
    {36, FORM_FLOAT, true, false, U32, F(VALUE) | QDS | CP56},
    {37, FORM_NUMBER, true, false, I32, F(VALUE) | BCR | CP56},
    {38, FORM_BITS, true, false, 0, 3, F(VALUE) | QDP | F(ELAPSED) | CP56},
    {39, FORM_BITS, true, false, 0, 0x3F, F(VALUE) | QDP | F(ELAPSED) | CP56},
    {40, FORM_BITS, true, false, 0, 0x0F, F(VALUE) | QDP | F(ELAPSED) | CP56},
    {45, FORM_SINGLE, false, false, 0, 1, F(VALUE) | QOC},
    {46, FORM_NUMBER, false, false, 0, 3, F(VALUE) | QOC},
    {47, FORM_NUMBER, false, false, 0, 3, F(VALUE) | QOC},
    {48, FORM_NUMBER, false, false, I16, F(VALUE) | QOS},
    {49, FORM_NUMBER, false, false, I16, F(VALUE) | QOS},
    {50, FORM_FLOAT, false, false, U32, F(VALUE) | QOS},
    {51, FORM_BITS, false, false, U32, F(VALUE)},
    {58, FORM_SINGLE, false, false, 0, 1, F(VALUE) | QOC | CP56},
    {59, FORM_NUMBER, false, false, 0, 3, F(VALUE) | QOC | CP56},
    {60, FORM_NUMBER, false, false, 0, 3, F(VALUE) | QOC | CP56},
    {61, FORM_NUMBER, false, false, I16, F(VALUE) | QOS | CP56},
    {62, FORM_NUMBER, false, false, I16, F(VALUE) | QOS | CP56},
    {63, FORM_FLOAT, false, false, U32, F(VALUE) | QOS | CP56},
    {64, FORM_BITS, false, false, U32, F(VALUE) | CP56},
    {70, FORM_NONE, false, false, 0, 0, F(OCTET)},
    {100, FORM_NONE, false, false, 0, 0, F(OCTET)},
    {101, FORM_NONE, false, false, 0, 0, F(OCTET)},
    {102, FORM_NONE, false, false, 0, 0, 0},
    {103, FORM_NONE, false, false, 0, 0, CP56},
    {104, FORM_NONE, false, false, 0, 0, F(PATTERN)},
    {105, FORM_NONE, false, false, 0, 0, F(OCTET)},
    {106, FORM_NONE, false, false, 0, 0, F(ELAPSED)},
    {107, FORM_NONE, false, false, 0, 0, F(PATTERN) | CP56},
    {110, FORM_NUMBER, false, false, I16, F(VALUE) | F(OCTET)},
    {111, FORM_NUMBER, false, false, I16, F(VALUE) | F(OCTET)},
    {112, FORM_FLOAT, false, false, U32, F(VALUE) | F(OCTET)},
    {113, FORM_NONE, false, false, 0, 0, F(OCTET)},
    {120, FORM_FILE, false, false, 0, 0, F(NAME) | F(LENGTH) | F(OCTET)},
    {121, FORM_FILE, false, false, 0, 0, F(NAME) | F(SECTION) | F(LENGTH) | F(OCTET)},
    {122, FORM_FILE, false, false, 0, 0, F(NAME) | F(SECTION) | F(OCTET)},
    {123, FORM_FILE, false, false, 0, 0, F(NAME) | F(SECTION) | F(OCTET) | F(CHECKSUM)},
    {124, FORM_FILE, false, false, 0, 0, F(NAME) | F(SECTION) | F(OCTET)},
    {125, FORM_FILE, false, false, 0, 0, F(NAME) | F(SECTION) | F(SEGMENT)},
    {126, FORM_FILE, true, true, 0, 0, F(NAME) | F(LENGTH) | F(OCTET) | CP56},
    {127, FORM_FILE, false, false, 0, 0, F(NAME) | CP56 | STOP},
};
const unsigned content_count = sizeof contents / sizeof *contents;

static const struct { const char *name; int64_t min, max; } fields[FIELD_COUNT] = {
    [VALUE] = {"value", 0, 0}, [TRANSIENT] = {"transient", 0, 1},
    [IV] = {"iv", 0, 1}, [NT] = {"nt", 0, 1}, [SB] = {"sb", 0, 1}, [BL] = {"bl", 0, 1},
    [OV] = {"ov", 0, 1}, [EI] = {"ei", 0, 1}, [CA] = {"ca", 0, 1}, [CY] = {"cy", 0, 1},
    [SEQUENCE] = {"sequence", 0, 31},
    [QU] = {"qualifier", 0, 31}, [QL] = {"qualifier", 0, 127}, [OCTET] = {"qualifier", 0, 255},
    [SELECT] = {"select", 0, 1}, [ELAPSED] = {"elapsed_ms", 0, 59999}, [PATTERN] = {"pattern", 0, 0xFFFF},
    [NAME] = {"file", 0, 0xFFFF}, [SECTION] = {"section", 0, 255}, [LENGTH] = {"length", 0, 0xFFFFFF},
    [CHECKSUM] = {"checksum", 0, 255}, [SEGMENT] = {"segment", 0, KOMET_SEGMENT_SIZE_MAX},
    [MS] = {"ms", 0, 59999}, [MINUTE] = {"minute", 0, 59}, [TIME_IV] = {"time_iv", 0, 1},
    [TIME_SUB] = {"time_sub", 0, 1}, [HOUR] = {"hour", 0, 23}, [SUMMER] = {"summer", 0, 1},
    [DAY] = {"day", 1, 31}, [WEEKDAY] = {"weekday", 0, 7}, [MONTH] = {"month", 1, 12}, [YEAR] = {"year", 0, 99},
    [STOP_MS] = {"stop_ms", 0, 59999}, [STOP_MINUTE] = {"stop_minute", 0, 59},
    [STOP_TIME_IV] = {"stop_time_iv", 0, 1}, [STOP_TIME_SUB] = {"stop_time_sub", 0, 1},
    [STOP_HOUR] = {"stop_hour", 0, 23}, [STOP_SUMMER] = {"stop_summer", 0, 1}, [STOP_DAY] = {"stop_day", 1, 31},
    [STOP_WEEKDAY] = {"stop_weekday", 0, 7}, [STOP_MONTH] = {"stop_month", 1, 12},
    [STOP_YEAR] = {"stop_year", 0, 99},
};
/* clang-format on */

/* Floats: the largest of both signs, 0 and -0, the smallest there are, 0.1, infinity, and no number: quiet
 * and signalling. */
static const uint32_t floats[] = {0xFF7FFFFF, 0x7F7FFFFF, 0x00000000, 0x80000000, 0x00000001, 0x00800000,
                                  0x3DCCCCCD, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001};

enum { FLOATS = sizeof floats / sizeof *floats, ENDS_OF_A_RANGE = 2, ALL_AT_AN_END = 2 };

const char *content_field_name(enum field field)
{
    return fields[field].name;
}

static unsigned example_count(const struct content *content, enum field field)
{
    return field == VALUE && content->form == FORM_FLOAT ? FLOATS : ENDS_OF_A_RANGE;
}

static int64_t example(const struct content *content, enum field field, unsigned number)
{
    if (field == VALUE && content->form == FORM_FLOAT) {
        return floats[number];
    }
    if (field == VALUE) {
        return number == 0 ? content->min : content->max;
    }
    return number == 0 ? fields[field].min : fields[field].max;
}

static int64_t random_number(const struct content *content, enum field field, struct test_random *random)
{
    int64_t min = field == VALUE ? content->min : fields[field].min;
    int64_t max = field == VALUE ? content->max : fields[field].max;
    return min + (int64_t)(test_random_next(random) % (uint64_t)(max - min + 1));
}

/* Number `number` of: each flag alone; each example of each field. False when there are not so many. */
static bool choose_one(const struct content *content, unsigned number, struct meant *meant)
{
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if (content_has(content, f) && (FLAGS & F(f)) != 0 && number-- == 0) {
            for (unsigned other = 0; other < FIELD_COUNT; other++) {
                meant->of[other] = (FLAGS & F(other)) != 0 ? other == f : meant->of[other];
            }
            return true;
        }
    }
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        unsigned count = content_has(content, f) ? example_count(content, f) : 0;
        if (number < count) {
            meant->of[f] = example(content, f, number);
            return true;
        }
        number -= count;
    }
    return false;
}

unsigned content_ends(const struct content *content)
{
    struct meant meant = {0};
    unsigned count = 0;
    while (choose_one(content, count, &meant)) {
        count++;
    }
    return ALL_AT_AN_END + count;
}

void content_choose(const struct content *content, unsigned number, uint64_t anything, struct meant *meant)
{
    struct test_random random = {anything};
    *meant = (struct meant){0};
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if (content_has(content, f)) {
            meant->of[f] =
                number < ALL_AT_AN_END ? example(content, f, number) : random_number(content, f, &random);
        }
    }
    if (number >= ALL_AT_AN_END) {
        choose_one(content, number - ALL_AT_AN_END, meant);
    }
    for (int64_t i = 0; i < meant->of[SEGMENT]; i++) {
        meant->segment[i] = (uint8_t)test_random_next(&random);
    }
}

static struct komet_time_tag time_tag(const int64_t *of)
{
    return (struct komet_time_tag){
        .milliseconds = (uint16_t)of[MS - MS],
        .minute = (uint8_t)of[MINUTE - MS],
        .invalid = of[TIME_IV - MS] != 0,
        .substituted = of[TIME_SUB - MS] != 0,
        .hour = (uint8_t)of[HOUR - MS],
        .summer_time = of[SUMMER - MS] != 0,
        .day = (uint8_t)of[DAY - MS],
        .day_of_week = (uint8_t)of[WEEKDAY - MS],
        .month = (uint8_t)of[MONTH - MS],
        .year = (uint8_t)of[YEAR - MS],
    };
}

static uint8_t quality(const int64_t *of)
{
    return (uint8_t)((of[IV] ? KOMET_QUALITY_IV : 0) | (of[NT] ? KOMET_QUALITY_NT : 0) |
                     (of[SB] ? KOMET_QUALITY_SB : 0) | (of[BL] ? KOMET_QUALITY_BL : 0) |
                     (of[OV] ? KOMET_QUALITY_OV : 0) | (of[EI] ? KOMET_QUALITY_EI : 0) |
                     (of[CA] ? KOMET_QUALITY_CA : 0) | (of[CY] ? KOMET_QUALITY_CY : 0));
}

static bool add_file(struct komet_asdu_writer *writer, const struct meant *meant)
{
    const int64_t *of = meant->of;
    const struct komet_file_object file = {
        .ioa = meant->ioa,
        .name = (uint16_t)of[NAME],
        .section = (uint8_t)of[SECTION],
        .length = (uint32_t)of[LENGTH],
        .qualifier = (uint8_t)of[OCTET],
        .checksum = (uint8_t)of[CHECKSUM],
        .segment = meant->segment,
        .segment_size = (uint8_t)of[SEGMENT],
        .time = time_tag(of + MS),
        .stop = time_tag(of + STOP_MS),
    };
    return komet_asdu_add_file(writer, &file);
}

bool content_add(struct komet_asdu_writer *writer, const struct content *content, const struct meant *meant)
{
    const int64_t *of = meant->of;
    struct komet_object object = {
        .ioa = meant->ioa,
        .quality = quality(of),
        .qualifier = (uint8_t)(of[QU] + of[QL] + of[OCTET]), /* a type has one of them */
        .select = of[SELECT] != 0,
        .transient = of[TRANSIENT] != 0,
        .sequence = (uint8_t)of[SEQUENCE],
        .elapsed_ms = (uint16_t)of[ELAPSED],
        .test_pattern = (uint16_t)of[PATTERN],
        .time = time_tag(of + MS),
    };
    switch (content->form) {
    case FORM_NONE:
        break;
    case FORM_SINGLE:
        object.value.single = of[VALUE] != 0;
        break;
    case FORM_NUMBER:
        object.value.number = (int32_t)of[VALUE];
        break;
    case FORM_FLOAT: {
        const uint32_t bits = (uint32_t)of[VALUE];
        memcpy(&object.value.real, &bits, sizeof bits);
        break;
    }
    case FORM_BITS:
        object.value.bits = (uint32_t)of[VALUE];
        break;
    case FORM_FILE:
        return add_file(writer, meant);
    }
    return komet_asdu_add(writer, &object);
}
