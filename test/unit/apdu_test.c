/* apdu: frames written by hand from the standard, cut at every octet, and malformed ones. */
#include "support.h"

#include <string.h>

#include "komet/apdu.h"

static enum komet_reason decode(const void *octets, size_t size, struct komet_apdu *apdu, size_t *consumed)
{
    return komet_apdu_decode(octets, size, false, apdu, consumed);
}

static void test_u_formats(void **state)
{
    (void)state;
    static const enum komet_u_function functions[] = {KOMET_U_STARTDT_ACT, KOMET_U_STARTDT_CON,
                                                      KOMET_U_STOPDT_ACT,  KOMET_U_STOPDT_CON,
                                                      KOMET_U_TESTFR_ACT,  KOMET_U_TESTFR_CON};
    static const uint8_t octets[] = {0x07, 0x0B, 0x13, 0x23, 0x43, 0x83};
    for (size_t i = 0; i < 6; i++) {
        uint8_t expected[6] = {0x68, 4, octets[i], 0, 0, 0};
        uint8_t written[6];
        komet_apdu_encode_u(written, functions[i]);
        assert_memory_equal(written, expected, 6);
        struct komet_apdu apdu;
        size_t consumed;
        assert_int_equal(decode(expected, 6, &apdu, &consumed), KOMET_OK);
        assert_int_equal(consumed, 6);
        assert_int_equal(apdu.format, KOMET_FORMAT_U);
        assert_int_equal(apdu.function, functions[i]);
    }
    assert_string_equal(komet_u_function_name(KOMET_U_TESTFR_CON), "TESTFR con");
    assert_string_equal(komet_u_function_name(KOMET_U_NONE), "none");
}

static void test_s_format(void **state)
{
    (void)state;
    static const struct {
        uint16_t nr;
        uint8_t octets[6];
    } cases[] = {
        {0, {0x68, 4, 1, 0, 0x00, 0x00}},     {1, {0x68, 4, 1, 0, 0x02, 0x00}},
        {127, {0x68, 4, 1, 0, 0xFE, 0x00}},   {128, {0x68, 4, 1, 0, 0x00, 0x01}},
        {32767, {0x68, 4, 1, 0, 0xFE, 0xFF}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t written[6];
        komet_apdu_encode_s(written, cases[i].nr);
        assert_memory_equal(written, cases[i].octets, 6);
        struct komet_apdu apdu;
        size_t consumed;
        assert_int_equal(decode(cases[i].octets, 6, &apdu, &consumed), KOMET_OK);
        assert_int_equal(apdu.format, KOMET_FORMAT_S);
        assert_int_equal(apdu.nr, cases[i].nr);
    }
}

static void test_i_format_at_every_cut(void **state)
{
    (void)state;
    /* N(S) 3, N(R) 32767, an interrogation, and the beginning of another frame behind it */
    static const uint8_t octets[] = {0x68, 14, 6, 0, 0xFE, 0xFF, 100, 1, 6, 0, 0xFF, 0, 0, 0, 0, 20, 0x68};
    uint8_t header[6];
    komet_apdu_encode_i(header, 3, 32767, 10);
    assert_memory_equal(header, octets, 6);
    struct komet_apdu apdu;
    size_t consumed;
    for (size_t size = 0; size < 16; size++) {
        assert_int_equal(decode(octets, size, &apdu, &consumed), KOMET_OK);
        assert_int_equal(consumed, 0);
    }
    assert_int_equal(decode(octets, sizeof octets, &apdu, &consumed), KOMET_OK);
    assert_int_equal(consumed, 16);
    assert_int_equal(apdu.format, KOMET_FORMAT_I);
    assert_int_equal(apdu.ns, 3);
    assert_int_equal(apdu.nr, 32767);
    assert_ptr_equal(apdu.asdu, octets + 6);
    assert_int_equal(apdu.asdu_size, 10);
    assert_false(apdu.cf3_mark);
}

static void test_longest_and_empty(void **state)
{
    (void)state;
    uint8_t octets[255] = {0x68, 253};
    struct komet_apdu apdu;
    size_t consumed;
    assert_int_equal(decode(octets, 254, &apdu, &consumed), KOMET_OK);
    assert_int_equal(consumed, 0);
    assert_int_equal(decode(octets, 255, &apdu, &consumed), KOMET_OK);
    assert_int_equal(consumed, 255);
    assert_int_equal(apdu.asdu_size, 249);
    octets[1] = 4;
    assert_int_equal(decode(octets, 6, &apdu, &consumed), KOMET_OK);
    assert_int_equal(consumed, 6);
    assert_null(apdu.asdu);
    assert_int_equal(apdu.asdu_size, 0);
}

/* F1 to F3: seen at the first octet that shows it. */
static void test_bad_start_and_length(void **state)
{
    (void)state;
    struct komet_apdu apdu;
    size_t consumed;
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t start = (uint8_t)octet;
        assert_int_equal(decode(&start, 1, &apdu, &consumed), octet == 0x68 ? KOMET_OK : KOMET_BAD_START);
        uint8_t length[2] = {0x68, (uint8_t)octet};
        assert_int_equal(decode(length, 2, &apdu, &consumed),
                         octet >= 4 && octet <= 253 ? KOMET_OK : KOMET_BAD_LENGTH);
        assert_int_equal(consumed, 0);
    }
}

/* F6, U16, S8: a control field is right to the bit, or it is refused. */
static void test_bad_control(void **state)
{
    (void)state;
    struct komet_apdu apdu;
    size_t consumed;
    unsigned good = 0;
    for (unsigned octet = 3; octet < 256; octet += 4) {
        uint8_t u[6] = {0x68, 4, (uint8_t)octet, 0, 0, 0};
        good += decode(u, 6, &apdu, &consumed) == KOMET_OK;
    }
    assert_int_equal(good, 6);
    for (size_t i = 3; i < 6; i++) {
        uint8_t u[6] = {0x68, 4, 0x43, 0, 0, 0};
        u[i] = 1;
        assert_int_equal(decode(u, 6, &apdu, &consumed), KOMET_BAD_CONTROL);
    }
    static const uint8_t s[][6] = {
        {0x68, 4, 5, 0, 0, 0}, {0x68, 4, 0x81, 0, 0, 0}, {0x68, 4, 1, 1, 0, 0}, {0x68, 4, 1, 0, 1, 0}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(decode(s[i], 6, &apdu, &consumed), KOMET_BAD_CONTROL);
    }
    static const uint8_t longer_u[7] = {0x68, 5, 0x43, 0, 0, 0, 0};
    assert_int_equal(decode(longer_u, 7, &apdu, &consumed), KOMET_BAD_LENGTH);
    static const uint8_t longer_s[7] = {0x68, 5, 1, 0, 0, 0, 0};
    assert_int_equal(decode(longer_s, 6, &apdu, &consumed), KOMET_BAD_LENGTH);
}

static void test_cf3_mark_where_it_is_tolerated(void **state)
{
    (void)state;
    static const uint8_t octets[] = {0x68, 5, 0, 0, 3, 0, 1};
    struct komet_apdu apdu;
    size_t consumed;
    assert_int_equal(decode(octets, 7, &apdu, &consumed), KOMET_BAD_CONTROL);
    assert_int_equal(komet_apdu_decode(octets, 7, true, &apdu, &consumed), KOMET_OK);
    assert_int_equal(consumed, 7);
    assert_true(apdu.cf3_mark);
    assert_int_equal(apdu.nr, 1);
    static const uint8_t s[] = {0x68, 4, 1, 0, 3, 0};
    assert_int_equal(komet_apdu_decode(s, 6, true, &apdu, &consumed), KOMET_BAD_CONTROL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u_formats),
        cmocka_unit_test(test_s_format),
        cmocka_unit_test(test_i_format_at_every_cut),
        cmocka_unit_test(test_longest_and_empty),
        cmocka_unit_test(test_bad_start_and_length),
        cmocka_unit_test(test_bad_control),
        cmocka_unit_test(test_cf3_mark_where_it_is_tolerated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
