/* Quality octets as flags and status of a value, and the way back, over every type. */
#include "support.h"

#include <string.h>

#include "model/quality.h"

#define FLAG_T 0x100u

/* What the standard says of a type's octet, written here anew: reserved bits, and where the octet stands in
 * the element. */
struct expected {
    uint8_t first, last; /* types */
    const char *row;
    uint8_t reserved, weak, ignorable;
};

static const struct expected expectations[] = {
    {1, 2, "SIQ", 0x0E, 0x70, 0xF0},   {3, 4, "DIQ", 0x0C, 0x70, 0xF0},   {5, 14, "QDS", 0x0E, 0x71, 0xF1},
    {15, 16, "BCR", 0x00, 0x60, 0xE0}, {17, 17, "SEP", 0x04, 0x70, 0xF8}, {18, 19, "QDP", 0x07, 0x70, 0xF8},
    {20, 20, "QDS", 0x0E, 0x71, 0xF1}, {30, 30, "SIQ", 0x0E, 0x70, 0xF0}, {31, 31, "DIQ", 0x0C, 0x70, 0xF0},
    {32, 36, "QDS", 0x0E, 0x71, 0xF1}, {37, 37, "BCR", 0x00, 0x60, 0xE0}, {38, 38, "SEP", 0x04, 0x70, 0xF8},
    {39, 40, "QDP", 0x07, 0x70, 0xF8},
};

/* An ASDU with one object, as the other end gets it. */
static void send(uint8_t type, const struct komet_object *object, struct komet_asdu *asdu,
                 struct komet_object *received)
{
    static uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    assert_true(komet_asdu_begin(&writer, &komet_profile_sinaut, &header, octets, sizeof octets));
    assert_true(komet_asdu_add(&writer, object));
    size_t size = komet_asdu_end(&writer);
    assert_int_equal(komet_asdu_decode(&komet_profile_sinaut, octets, size, asdu), KOMET_ASDU_OK);
    komet_asdu_object(asdu, 0, received);
}

static void check_octet(const struct expected *expected, uint8_t type, unsigned flags)
{
    struct komet_asdu asdu;
    struct komet_object object = {.time = {.day = 1, .month = 1}}, received;
    bool packed = strcmp(expected->row, "QDP") == 0, step = type == 5 || type == 6 || type == 32;
    unsigned above = packed ? 0xA500u : step ? FLAG_T : 0u;
    const struct quality_row *row = quality_row(quality_octet_of(type));
    quality_set(type, (value_flags)(flags | 0xA500u), STATUS_VALID, &object);
    send(type, &object, &asdu, &received);
    unsigned wanted = (flags & ~(unsigned)expected->reserved & ~(unsigned)row->of_value) | above;
    bool single = strcmp(expected->row, "SIQ") == 0, twofold = strcmp(expected->row, "DIQ") == 0;
    assert_int_equal(row->of_value, single ? 0x01 : twofold ? 0x03 : 0x00);
    assert_int_equal(quality_flags(&asdu, &received), wanted);
    enum value_status status = (flags & 0x80) != 0             ? STATUS_INVALID
                               : (flags & expected->weak) != 0 ? STATUS_WEAK
                                                               : STATUS_VALID;
    assert_int_equal(quality_status(type, &received), status);
    for (unsigned letter = 0; letter < 8; letter++) {
        bool ignored = (flags & expected->ignorable & 1u << letter) != 0;
        assert_int_equal(quality_ignored(type, &received, 1u << letter), ignored);
    }
}

static void test_every_octet_of_every_type_there_and_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expected *expected = &expectations[i];
        for (unsigned type = expected->first; type <= expected->last; type++) {
            assert_string_equal(quality_row(quality_octet_of((uint8_t)type))->name, expected->row);
            for (unsigned flags = 0; flags < 256; flags++) {
                check_octet(expected, (uint8_t)type, flags);
            }
        }
    }
}

static void test_a_type_without_an_octet_has_no_flags(void **state)
{
    (void)state;
    struct komet_asdu asdu;
    struct komet_object object = {.value.number = 100}, received;
    quality_set(KOMET_M_ME_ND_1, 0xFFFF, STATUS_INVALID, &object);
    send(KOMET_M_ME_ND_1, &object, &asdu, &received);
    assert_int_equal(quality_flags(&asdu, &received), 0);
    assert_int_equal(quality_status(KOMET_M_ME_ND_1, &received), STATUS_VALID);
    assert_false(quality_ignored(KOMET_M_ME_ND_1, &received, 0xFF));
    assert_int_equal(quality_octet_of(KOMET_C_BO_NA_1), QUALITY_OCTET_NONE);
    assert_int_equal(quality_octet_of(KOMET_C_IC_NA_1), QUALITY_OCTET_COUNT);
    assert_int_equal(quality_octet_of(KOMET_M_EI_NA_1), QUALITY_OCTET_COUNT);
    assert_int_equal(quality_octet_of(22), QUALITY_OCTET_COUNT);
}

/* The flags of the seed's two examples. */
static void test_the_examples(void **state)
{
    (void)state;
    struct komet_asdu asdu;
    struct komet_object received;
    struct komet_object point = {
        .value.number = 1, .quality = KOMET_QUALITY_SB, .time = {.day = 1, .month = 1}};
    send(KOMET_M_DP_TA_1, &point, &asdu, &received);
    assert_int_equal(quality_flags(&asdu, &received), 0x21); /* A: DPI bit 0, F: SB */
    struct komet_object counter = {
        .sequence = 9, .quality = KOMET_QUALITY_CY, .time = {.day = 1, .month = 1}};
    send(KOMET_M_IT_TA_1, &counter, &asdu, &received);
    assert_int_equal(quality_flags(&asdu, &received), 0x29); /* A, D: 9; F: CY */
}

static void test_an_invalid_value_is_sent_with_iv(void **state)
{
    (void)state;
    for (unsigned type = 1; type <= 40; type++) {
        if (quality_octet_of((uint8_t)type) < QUALITY_OCTET_NONE) {
            struct komet_object object = {0};
            quality_set((uint8_t)type, 0, STATUS_INVALID, &object);
            assert_int_equal(object.quality, KOMET_QUALITY_IV);
            object.quality = 0;
            quality_set((uint8_t)type, 0, STATUS_WEAK, &object); /* S20 */
            assert_int_equal(object.quality, 0);
        }
    }
}

static void test_commands(void **state)
{
    (void)state;
    static const uint8_t types[] = {45, 46, 47, 58, 59, 60}, set_points[] = {48, 49, 50, 61, 62, 63};
    for (unsigned i = 0; i < 6; i++) {
        struct komet_object object = {.value.number = 1}, set_point = {0};
        quality_set(types[i], 0xFF, STATUS_INVALID, &object);
        assert_true(object.select && object.qualifier == 31 && object.quality == 0);
        quality_set(types[i], 0x04, STATUS_VALID, &object);
        assert_true(!object.select && object.qualifier == 1);
        quality_set(set_points[i], 0x85, STATUS_VALID, &set_point);
        assert_true(set_point.select && set_point.qualifier == 5);
    }
}

static void test_flags_as_iccp_has_them(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, quality, flags, back;
    } cases[] = {
        {KOMET_M_SP_NA_1, 0, 0, 0},
        {KOMET_M_SP_NA_1, KOMET_QUALITY_NT, 0x02, KOMET_QUALITY_NT},
        {KOMET_M_SP_NA_1, KOMET_QUALITY_BL, 0x02, KOMET_QUALITY_NT},
        {KOMET_M_SP_NA_1, KOMET_QUALITY_SB, 0x04, KOMET_QUALITY_SB},
        {KOMET_M_ME_NC_1, KOMET_QUALITY_OV, 0x01, KOMET_QUALITY_OV},
        {KOMET_M_ME_NC_1, KOMET_QUALITY_IV | KOMET_QUALITY_SB, 0x07, KOMET_QUALITY_IV | KOMET_QUALITY_SB},
        {KOMET_M_IT_NA_1, KOMET_QUALITY_CA, 0x01, KOMET_QUALITY_CA},
        {KOMET_M_IT_NA_1, KOMET_QUALITY_CY, 0x01, KOMET_QUALITY_CA},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct komet_asdu asdu;
        struct komet_object object = {.quality = cases[i].quality}, received;
        send(cases[i].type, &object, &asdu, &received);
        assert_int_equal(quality_flags_iccp(&asdu, &received), cases[i].flags);
        assert_int_equal(quality_flags_from_iccp(cases[i].type, cases[i].flags), cases[i].back);
    }
    struct komet_asdu asdu;
    struct komet_object untimely = {.time = {.day = 1, .month = 1, .invalid = true}}, received;
    send(KOMET_M_SP_TB_1, &untimely, &asdu, &received);
    assert_int_equal(quality_flags_iccp(&asdu, &received), 0x20);
}

static void test_a_command_updates_as_the_type_of_its_value(void **state)
{
    (void)state;
    static const uint8_t as[][2] = {{45, 1}, {58, 1}, {46, 3},  {59, 3},  {47, 3},  {60, 3},
                                    {48, 9}, {61, 9}, {49, 11}, {62, 11}, {50, 13}, {63, 13},
                                    {51, 7}, {64, 7}, {100, 0}, {1, 0}};
    for (unsigned i = 0; i < sizeof as / sizeof as[0]; i++) {
        assert_int_equal(quality_type_of_command(as[i][0]), as[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_octet_of_every_type_there_and_back),
        cmocka_unit_test(test_a_type_without_an_octet_has_no_flags),
        cmocka_unit_test(test_the_examples),
        cmocka_unit_test(test_an_invalid_value_is_sent_with_iv),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_flags_as_iccp_has_them),
        cmocka_unit_test(test_a_command_updates_as_the_type_of_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
