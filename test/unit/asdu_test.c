/*
 * asdu: every required type written by hand from the standard, read and written again, in both orders.
 *
 * A vector is hexadecimal text in which CA, IOA and IOB stand for the addresses 513, 66051 and 66053: their
 * octets are spelled out below once for each order of octets, not computed.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "komet/asdu.h"

#define CA_513    0x0201
#define IOA_66051 0x010203
#define IOB_66053 0x010205

struct order {
    const struct komet_profile *profile;
    const char *ca, *ioa, *iob;
};

static const struct order orders[] = {
    {&komet_profile_104, "01 02", "03 02 01", "05 02 01"},
    {&komet_profile_sinaut, "02 01", "01 02 03", "01 02 05"},
};

struct vector {
    const char *text;
    struct komet_asdu_header header;
    unsigned count;
    struct komet_object objects[3];
};

static size_t octets_of_text(const char *text, const struct order *order, uint8_t *octets)
{
    size_t size = 0;
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
        } else if (strncmp(text, "CA", 2) == 0 && (text[2] == ' ' || text[2] == '\0')) {
            size += octets_of_text(order->ca, order, octets + size);
            text += 2;
        } else if (strncmp(text, "IOA", 3) == 0) {
            size += octets_of_text(order->ioa, order, octets + size);
            text += 3;
        } else if (strncmp(text, "IOB", 3) == 0) {
            size += octets_of_text(order->iob, order, octets + size);
            text += 3;
        } else {
            unsigned octet;
            assert_int_equal(sscanf(text, "%2x", &octet), 1);
            octets[size++] = (uint8_t)octet;
            text += 2;
        }
    }
    return size;
}

/* 2026-11-21 12:34:56.789, a Saturday: 56789 = DDD5 hex */
#define TIME_TEXT "D5 DD 22 0C D5 0B 1A"
#define TIME_TAG                                                                                             \
    {                                                                                                        \
        .milliseconds = 56789, .minute = 34, .hour = 12, .day = 21, .day_of_week = 6, .month = 11,           \
        .year = 26                                                                                           \
    }
/* The highest field values, with IV, substituted and SU: 2099-12-31 23:59:59.999, a Thursday */
#define TIME_MAX_TEXT "5F EA FB 97 9F 0C 63"
#define TIME_MAX                                                                                             \
    {                                                                                                        \
        .milliseconds = 59999, .minute = 59, .hour = 23, .day = 31, .day_of_week = 4, .month = 12,           \
        .year = 99, .invalid = true, .substituted = true, .summer_time = true                                \
    }
#define ALL_QDS (KOMET_QUALITY_OV | ALL_SIQ)
#define ALL_SIQ (KOMET_QUALITY_BL | KOMET_QUALITY_SB | KOMET_QUALITY_NT | KOMET_QUALITY_IV)

/* clang-format off: vectors */
static const struct vector vectors[] = {
    /* type 1 */
    {"01 02 03 00 CA IOA 01 IOB F0",
     {.type = 1, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.single = true}, {.ioa = IOB_66053, .quality = ALL_SIQ}}},
    {"01 83 14 07 CA IOA 00 01 81",
     {.type = 1, .sq = true, .cause = 20, .oa = 7, .ca = CA_513},
     3,
     {{.ioa = IOA_66051},
      {.ioa = IOA_66051 + 1, .value.single = true},
      {.ioa = IOA_66051 + 2, .value.single = true, .quality = KOMET_QUALITY_IV}}},
    /* type 3 */
    {"03 02 02 00 CA IOA 00 IOB F3",
     {.type = 3, .cause = 2, .ca = CA_513},
     2,
     {{.ioa = IOA_66051}, {.ioa = IOB_66053, .value.number = 3, .quality = ALL_SIQ}}},
    {"03 82 05 00 CA IOA 01 42",
     {.type = 3, .sq = true, .cause = 5, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = 1},
      {.ioa = IOA_66051 + 1, .value.number = 2, .quality = KOMET_QUALITY_NT}}},
    /* type 9 */
    {"09 02 01 00 CA IOA 00 80 00 IOB FF 7F F1",
     {.type = 9, .cause = 1, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = -32768},
      {.ioa = IOB_66053, .value.number = 32767, .quality = ALL_QDS}}},
    {"09 82 01 00 CA IOA 01 00 00 FF FF 01",
     {.type = 9, .sq = true, .cause = 1, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = 1},
      {.ioa = IOA_66051 + 1, .value.number = -1, .quality = KOMET_QUALITY_OV}}},
    /* type 11 */
    {"0B 02 03 00 CA IOA 00 80 00 IOB FF 7F 10",
     {.type = 11, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = -32768},
      {.ioa = IOB_66053, .value.number = 32767, .quality = KOMET_QUALITY_BL}}},
    {"0B 81 03 00 CA IOA D2 04 20",
     {.type = 11, .sq = true, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = 1234, .quality = KOMET_QUALITY_SB}}},
    /* type 13: 1.0, -0.0, the largest number, the smallest one above zero */
    {"0D 02 03 00 CA IOA 00 00 80 3F 00 IOB FF FF 7F 7F F1",
     {.type = 13, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.real = 1.0F},
      {.ioa = IOB_66053, .value.real = 3.40282347e+38F, .quality = ALL_QDS}}},
    {"0D 83 03 00 CA IOA 00 00 00 80 00 01 00 00 00 00 00 00 80 FF 00",
     {.type = 13, .sq = true, .cause = 3, .ca = CA_513},
     3,
     {{.ioa = IOA_66051, .value.real = -0.0F},
      {.ioa = IOA_66051 + 1, .value.bits = 1},
      {.ioa = IOA_66051 + 2, .value.real = -INFINITY}}},
    /* type 30 */
    {"1E 02 03 00 CA IOA 01 " TIME_TEXT " IOB F0 " TIME_MAX_TEXT,
     {.type = 30, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.single = true, .time = TIME_TAG},
      {.ioa = IOB_66053, .quality = ALL_SIQ, .time = TIME_MAX}}},
    /* type 31 */
    {"1F 02 0B 00 CA IOA 02 " TIME_TEXT " IOB F3 " TIME_MAX_TEXT,
     {.type = 31, .cause = 11, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = 2, .time = TIME_TAG},
      {.ioa = IOB_66053, .value.number = 3, .quality = ALL_SIQ, .time = TIME_MAX}}},
    /* type 34 */
    {"22 02 03 00 CA IOA 00 80 00 " TIME_TEXT " IOB FF 7F F1 " TIME_MAX_TEXT,
     {.type = 34, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = -32768, .time = TIME_TAG},
      {.ioa = IOB_66053, .value.number = 32767, .quality = ALL_QDS, .time = TIME_MAX}}},
    /* type 35 */
    {"23 02 03 00 CA IOA 00 80 00 " TIME_TEXT " IOB FF 7F F1 " TIME_MAX_TEXT,
     {.type = 35, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = -32768, .time = TIME_TAG},
      {.ioa = IOB_66053, .value.number = 32767, .quality = ALL_QDS, .time = TIME_MAX}}},
    /* type 36: -123.5 is C2F70000 */
    {"24 02 03 00 CA IOA 00 00 F7 C2 00 " TIME_TEXT " IOB FF FF 7F FF F1 " TIME_MAX_TEXT,
     {.type = 36, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.real = -123.5F, .time = TIME_TAG},
      {.ioa = IOB_66053, .value.real = -3.40282347e+38F, .quality = ALL_QDS, .time = TIME_MAX}}},
    /* type 45: select and execute, QU 0 and 31, negative confirmation, T */
    {"2D 01 06 00 CA IOA 81",
     {.type = 45, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.single = true, .select = true}}},
    {"2D 01 C7 09 CA IOA 7C",
     {.type = 45, .cause = 7, .negative = true, .test = true, .oa = 9, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .qualifier = 31}}},
    /* type 46 */
    {"2E 01 06 00 CA IOA 02",
     {.type = 46, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = 2}}},
    {"2E 01 0A 00 CA IOA 87",
     {.type = 46, .cause = 10, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = 3, .qualifier = 1, .select = true}}},
    /* type 50 */
    {"32 01 06 00 CA IOA 00 00 F7 C2 FF",
     {.type = 50, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.real = -123.5F, .qualifier = 127, .select = true}}},
    /* types 58, 59, 63 */
    {"3A 01 06 00 CA IOA 05 " TIME_TEXT,
     {.type = 58, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.single = true, .qualifier = 1, .time = TIME_TAG}}},
    {"3B 01 06 00 CA IOA FE " TIME_MAX_TEXT,
     {.type = 59, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = 2, .qualifier = 31, .select = true, .time = TIME_MAX}}},
    {"3F 01 06 00 CA IOA 00 00 80 3F 01 " TIME_TEXT,
     {.type = 63, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.real = 1.0F, .qualifier = 1, .time = TIME_TAG}}},
    /* type 70: start by remote reset with local parameters changed */
    {"46 01 04 00 CA 00 00 00 82", {.type = 70, .cause = 4, .ca = CA_513}, 1, {{.qualifier = 0x82}}},
    /* types 100, 101, 103 */
    {"64 01 06 03 FF FF 00 00 00 14",
     {.type = 100, .cause = 6, .oa = 3, .ca = 0xFFFF},
     1,
     {{.qualifier = 20}}},
    {"65 01 06 00 CA 00 00 00 45", {.type = 101, .cause = 6, .ca = CA_513}, 1, {{.qualifier = 0x45}}},
    {"67 01 06 00 CA 00 00 00 " TIME_TEXT, {.type = 103, .cause = 6, .ca = CA_513}, 1, {{.time = TIME_TAG}}},
    /* the rest of the table, one of each kind of element */
    {"02 01 03 00 CA IOA 81 D5 DD A2",
     {.type = 2, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051,
       .value.single = true,
       .quality = KOMET_QUALITY_IV,
       .time = {.milliseconds = 56789, .minute = 34, .invalid = true}}}},
    {"05 82 03 00 CA IOA C0 00 3F F1",
     {.type = 5, .sq = true, .cause = 3, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = -64, .transient = true},
      {.ioa = IOA_66051 + 1, .value.number = 63, .quality = ALL_QDS}}},
    {"07 01 03 00 CA IOA 78 56 34 12 80",
     {.type = 7, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.bits = 0x12345678, .quality = KOMET_QUALITY_IV}}},
    {"0F 02 25 00 CA IOA 00 00 00 80 1F IOB FF FF FF 7F E0",
     {.type = 15, .cause = 37, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = INT32_MIN, .sequence = 31},
      {.ioa = IOB_66053,
       .value.number = INT32_MAX,
       .quality = KOMET_QUALITY_CY | KOMET_QUALITY_CA | KOMET_QUALITY_IV}}},
    {"11 01 03 00 CA IOA 8A 5F EA D5 DD 22",
     {.type = 17, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051,
       .value.bits = 0x8A,
       .quality = KOMET_QUALITY_IV | KOMET_QUALITY_EI,
       .elapsed_ms = 59999,
       .time = {.milliseconds = 56789, .minute = 34}}}},
    {"27 01 03 00 CA IOA 3F F8 01 00 " TIME_TEXT,
     {.type = 39, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051,
       .value.bits = 0x3F,
       .quality = ALL_SIQ | KOMET_QUALITY_EI,
       .elapsed_ms = 1,
       .time = TIME_TAG}}},
    {"14 01 03 00 CA IOA 01 80 03 00 01",
     {.type = 20, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.bits = 0x00038001, .quality = KOMET_QUALITY_OV}}},
    {"15 82 01 00 CA IOA 00 80 FF 7F",
     {.type = 21, .sq = true, .cause = 1, .ca = CA_513},
     2,
     {{.ioa = IOA_66051, .value.number = -32768}, {.ioa = IOA_66051 + 1, .value.number = 32767}}},
    {"25 01 03 00 CA IOA 01 00 00 00 05 " TIME_TEXT,
     {.type = 37, .cause = 3, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = 1, .sequence = 5, .time = TIME_TAG}}},
    {"2F 01 06 00 CA IOA 89",
     {.type = 47, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = 1, .qualifier = 2, .select = true}}},
    {"30 01 06 00 CA IOA 00 C0 80",
     {.type = 48, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.number = -16384, .select = true}}},
    {"33 01 06 00 CA IOA FF FF FF FF",
     {.type = 51, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.bits = 0xFFFFFFFF}}},
    {"40 01 06 00 CA IOA 01 00 00 80 " TIME_TEXT,
     {.type = 64, .cause = 6, .ca = CA_513},
     1,
     {{.ioa = IOA_66051, .value.bits = 0x80000001, .time = TIME_TAG}}},
    {"66 01 05 00 CA IOA", {.type = 102, .cause = 5, .ca = CA_513}, 1, {{.ioa = IOA_66051}}},
    {"68 01 06 00 CA 00 00 00 AA 55", {.type = 104, .cause = 6, .ca = CA_513}, 1, {{.test_pattern = 0x55AA}}},
    {"69 01 06 00 CA 00 00 00 01", {.type = 105, .cause = 6, .ca = CA_513}, 1, {{.qualifier = 1}}},
    {"6A 01 06 00 CA 00 00 00 5F EA", {.type = 106, .cause = 6, .ca = CA_513}, 1, {{.elapsed_ms = 59999}}},
    {"6B 01 06 00 CA 00 00 00 34 12 " TIME_TEXT,
     {.type = 107, .cause = 6, .ca = CA_513},
     1,
     {{.test_pattern = 0x1234, .time = TIME_TAG}}},
};
/* clang-format on */

#define VECTOR_COUNT (sizeof vectors / sizeof vectors[0])

static void assert_time_equal(const struct komet_time_tag *got, const struct komet_time_tag *expected)
{
    assert_int_equal(got->milliseconds, expected->milliseconds);
    assert_int_equal(got->minute, expected->minute);
    assert_int_equal(got->hour, expected->hour);
    assert_int_equal(got->day, expected->day);
    assert_int_equal(got->day_of_week, expected->day_of_week);
    assert_int_equal(got->month, expected->month);
    assert_int_equal(got->year, expected->year);
    assert_int_equal(got->invalid, expected->invalid);
    assert_int_equal(got->summer_time, expected->summer_time);
    assert_int_equal(got->substituted, expected->substituted);
}

static void assert_object_equal(const struct komet_object *got, const struct komet_object *expected)
{
    assert_int_equal(got->ioa, expected->ioa);
    assert_int_equal(got->value.bits, expected->value.bits);
    assert_int_equal(got->quality, expected->quality);
    assert_int_equal(got->qualifier, expected->qualifier);
    assert_int_equal(got->select, expected->select);
    assert_int_equal(got->transient, expected->transient);
    assert_int_equal(got->sequence, expected->sequence);
    assert_int_equal(got->elapsed_ms, expected->elapsed_ms);
    assert_int_equal(got->test_pattern, expected->test_pattern);
    assert_time_equal(&got->time, &expected->time);
}

static void read_vector(const struct vector *vector, const struct order *order)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    size_t size = octets_of_text(vector->text, order, octets);
    struct komet_asdu asdu;
    assert_int_equal(komet_asdu_decode(order->profile, octets, size, &asdu), KOMET_ASDU_OK);
    assert_int_equal(asdu.type, vector->header.type);
    assert_int_equal(asdu.row->type, vector->header.type);
    assert_int_equal(asdu.sq, vector->header.sq);
    assert_int_equal(asdu.count, vector->count);
    assert_int_equal(asdu.cause, vector->header.cause);
    assert_int_equal(asdu.negative, vector->header.negative);
    assert_int_equal(asdu.test, vector->header.test);
    assert_int_equal(asdu.oa, vector->header.oa);
    assert_int_equal(asdu.ca, vector->header.ca);
    struct komet_object all[3];
    komet_asdu_objects(&asdu, 0, vector->count, all);
    for (unsigned i = 0; i < vector->count; i++) {
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        assert_object_equal(&object, &vector->objects[i]);
        assert_object_equal(&all[i], &object);
        assert_ptr_equal(all[i].octets, object.octets);
        assert_int_equal(all[i].element, object.element);
        assert_int_equal(all[i].time_size, object.time_size);
        komet_asdu_objects(&asdu, i, vector->count - i, all + i); /* from any place on */
        assert_object_equal(&all[i], &object);
        assert_int_equal(object.element, asdu.row->element);
        assert_int_equal(object.time_size, asdu.row->time);
        assert_int_equal(object.octets_size, asdu.row->element_size);
        assert_true(object.octets + object.octets_size <= octets + size);
    }
}

static void write_vector(const struct vector *vector, const struct order *order)
{
    uint8_t expected[KOMET_ASDU_SIZE_MAX];
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    size_t size = octets_of_text(vector->text, order, expected);
    struct komet_asdu_writer writer;
    memset(octets, 0xEE, sizeof octets);
    assert_true(komet_asdu_begin(&writer, order->profile, &vector->header, octets, sizeof octets));
    for (unsigned i = 0; i < vector->count; i++) {
        assert_true(komet_asdu_add(&writer, &vector->objects[i]));
    }
    assert_int_equal(komet_asdu_end(&writer), size);
    assert_memory_equal(octets, expected, size);
    assert_int_equal(octets[size], 0xEE);
}

static void test_vectors_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        read_vector(&vectors[i], &orders[0]);
        read_vector(&vectors[i], &orders[1]);
    }
}

static void test_vectors_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        write_vector(&vectors[i], &orders[0]);
        write_vector(&vectors[i], &orders[1]);
    }
}

/* Each octet taken away or added is seen, whatever the type. */
static void test_wrong_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX + 1] = {0};
        size_t size = octets_of_text(vectors[i].text, &orders[0], octets);
        struct komet_asdu asdu;
        for (size_t shorter = 0; shorter < size; shorter++) {
            assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, shorter, &asdu),
                             KOMET_ASDU_TOO_SHORT);
        }
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size + 1, &asdu), KOMET_ASDU_TOO_LONG);
        assert_int_equal(asdu.type, vectors[i].header.type);
        octets[1] &= 0x80;
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_NO_OBJECT);
        octets[1] |= 0x7F;
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_TOO_SHORT);
    }
}

/* A15: commands stand alone; SQ = 1 only where the type has it. */
static void test_forbidden_sequences(void **state)
{
    (void)state;
    struct komet_asdu asdu;
    static const uint8_t two_commands[] = {45, 2, 6, 0, 1, 0, 1, 0, 0, 1, 2, 0, 0, 1};
    assert_int_equal(komet_asdu_decode(&komet_profile_104, two_commands, sizeof two_commands, &asdu),
                     KOMET_ASDU_BAD_SEQUENCE);
    assert_int_equal(asdu.type, 45);
    static const uint8_t command_sq[] = {45, 0x81, 6, 0, 1, 0, 1, 0, 0, 1};
    assert_int_equal(komet_asdu_decode(&komet_profile_104, command_sq, sizeof command_sq, &asdu),
                     KOMET_ASDU_BAD_SEQUENCE);
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = 45, .sq = true, .cause = 6, .ca = 1};
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    assert_false(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    header.type = 44;
    header.sq = false;
    assert_false(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
}

static void test_unknown_type_still_has_a_header(void **state)
{
    (void)state;
    static const uint8_t octets[] = {200, 1, 0x46, 5, 2, 1, 9};
    struct komet_asdu asdu;
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, sizeof octets, &asdu),
                     KOMET_ASDU_UNKNOWN_TYPE);
    assert_null(asdu.row);
    assert_int_equal(asdu.type, 200);
    assert_int_equal(asdu.cause, 6);
    assert_true(asdu.negative);
    assert_int_equal(asdu.oa, 5);
    assert_int_equal(asdu.ca, 0x0102);
    assert_int_equal(asdu.objects_size, 1);
    assert_string_equal(komet_asdu_result_name(KOMET_ASDU_UNKNOWN_TYPE), "unknown-type");
}

/* Profiles of -5-101 that are narrower than that of 104. */
static void test_narrow_profile(void **state)
{
    (void)state;
    static const struct komet_profile narrow = {.cot_size = 1, .ca_size = 1, .ioa_size = 2};
    static const uint8_t octets[] = {1, 1, 3, 9, 0x34, 0x12, 1};
    struct komet_asdu asdu;
    struct komet_object object;
    assert_int_equal(komet_asdu_decode(&narrow, octets, sizeof octets, &asdu), KOMET_ASDU_OK);
    komet_asdu_object(&asdu, 0, &object);
    assert_int_equal(asdu.ca, 9);
    assert_int_equal(asdu.oa, 0);
    assert_int_equal(object.ioa, 0x1234);
    assert_true(object.value.single);
}

/* A34: a full APDU; the object that does not fit any more is refused and nothing is written. */
static void test_full_asdu(void **state)
{
    (void)state;
    uint8_t octets[KOMET_ASDU_SIZE_MAX + 8];
    memset(octets, 0xEE, sizeof octets);
    struct komet_asdu_header header = {.type = KOMET_M_ME_TF_1, .cause = 3, .ca = 1};
    struct komet_asdu_writer writer;
    struct komet_object object = {.value.real = 1, .time = TIME_TAG};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    unsigned count = 0;
    while (komet_asdu_add(&writer, &object)) {
        object.ioa++;
        count++;
    }
    assert_int_equal(count, 16); /* 6 + 16 * 15 = 246; one more would need 261 */
    assert_int_equal(komet_asdu_end(&writer), 246);
    assert_int_equal(octets[246], 0xEE);
    struct komet_asdu asdu;
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, 246, &asdu), KOMET_ASDU_OK);
    assert_int_equal(asdu.count, 16);
}

static void test_127_objects_at_most(void **state)
{
    (void)state;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_header header = {.type = KOMET_M_SP_NA_1, .sq = true, .cause = 20, .ca = 1};
    struct komet_asdu_writer writer;
    struct komet_object object = {.ioa = 0xFFFF00};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    while (komet_asdu_add(&writer, &object)) {
        object.ioa++;
    }
    assert_int_equal(komet_asdu_end(&writer), 6 + 3 + 127);
    assert_int_equal(octets[1], 0xFF);
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    assert_int_equal(komet_asdu_end(&writer), 0); /* none added */
    object.ioa = 5;
    assert_true(komet_asdu_add(&writer, &object));
    object.ioa = 7; /* not the next one */
    assert_false(komet_asdu_add(&writer, &object));
    object.ioa = 6;
    assert_true(komet_asdu_add(&writer, &object));
}

static void test_numbers_and_status_octets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
        uint8_t status;
    } cases[] = {
        {"01 01 03 00 CA IOA 81", 1, 0x81},
        {"03 01 03 00 CA IOA 12", 2, 0x12},
        {"05 01 03 00 CA IOA 7F F1", -1, 0xF1},
        {"07 01 03 00 CA IOA FF FF FF FF 10", 4294967295.0, 0x10},
        {"09 01 03 00 CA IOA 00 80 01", -1, 0x01},
        {"0B 01 03 00 CA IOA FE FF 20", -2, 0x20},
        {"0D 01 03 00 CA IOA 00 00 F7 C2 40", -123.5, 0x40},
        {"0F 01 03 00 CA IOA FF FF FF FF E5", -1, 0xE5},
        {"15 01 03 00 CA IOA 00 40", 0.5, 0},
        {"11 01 03 00 CA IOA 8A 5F EA D5 DD 22", 0x8A, 0x8A},
        {"12 01 03 00 CA IOA 01 82 5F EA D5 DD 22", 1, 0x82},
        {"2D 01 06 00 CA IOA 85", 1, 0x85},
        {"32 01 06 00 CA IOA 00 00 80 3F 83", 1, 0x83},
        {"33 01 06 00 CA IOA 01 00 00 00", 1, 0},
        {"64 01 06 00 CA 00 00 00 14", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t octets[64];
        size_t size = octets_of_text(cases[i].text, &orders[0], octets);
        struct komet_asdu asdu;
        struct komet_object object;
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_OK);
        komet_asdu_object(&asdu, 0, &object);
        assert_true(komet_object_number(&object) == cases[i].number);
        assert_int_equal(komet_object_status_octet(&asdu, &object), cases[i].status);
    }
}

static void test_mirror(void **state)
{
    (void)state;
    uint8_t octets[] = {45, 1, 0x86, 7, 1, 0, 1, 0, 0, 1};
    komet_asdu_mirror(octets, KOMET_COT_UNKNOWN_CA, true);
    static const uint8_t expected[] = {45, 1, 0xEE, 7, 1, 0, 1, 0, 0, 1};
    assert_memory_equal(octets, expected, sizeof octets);
    komet_asdu_mirror(octets, KOMET_COT_ACTIVATION_CON, false);
    assert_int_equal(octets[2], 0x87);
}

static void test_table(void **state)
{
    (void)state;
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    assert_int_equal(count, 67);
    size_t found = 0;
    for (unsigned type = 0; type < 256; type++) {
        const struct komet_type_row *row = komet_type_find((uint8_t)type);
        if (row != NULL) {
            assert_ptr_equal(row, &rows[found]);
            assert_int_equal(row->type, type);
            assert_true(row->element_size + 9 <= KOMET_ASDU_SIZE_ONE);
            assert_false(row->sequence_allowed && row->single_object);
            found++;
        }
    }
    assert_int_equal(found, count);
    assert_string_equal(komet_type_find(30)->name, "M_SP_TB_1");
    assert_string_equal(komet_cause_name(3), "spontaneous");
    assert_string_equal(komet_cause_name(36), "interrogated by group 16");
    assert_string_equal(komet_cause_name(14), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_read),
        cmocka_unit_test(test_vectors_write),
        cmocka_unit_test(test_wrong_sizes),
        cmocka_unit_test(test_forbidden_sequences),
        cmocka_unit_test(test_unknown_type_still_has_a_header),
        cmocka_unit_test(test_narrow_profile),
        cmocka_unit_test(test_full_asdu),
        cmocka_unit_test(test_127_objects_at_most),
        cmocka_unit_test(test_numbers_and_status_octets),
        cmocka_unit_test(test_mirror),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
