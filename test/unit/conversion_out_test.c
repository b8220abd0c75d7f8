/* Values that we send, as the other end reads them: every type of ASDU that an output tag may have. */
#include "steps.h"

#include <math.h>
#include <string.h>

#include "model/conversion.h"

static struct station station = {.name = "B.PEER", .ca = 1, .zone = STATION_ZONE_UTC};
static const struct komet_utc noon = {INT64_C(1782648000000)}; /* 2026-06-28T12:00:00Z */

static struct tag make_tag(enum tag_type type, uint8_t asdu)
{
    return (struct tag){.name = "M.X", .type = type, .asdu = asdu, .ioa = 66051, .station = &station};
}

/* Sends a value of one tag; what another tag receives of it. */
static struct value pass(const struct tag *from, const struct tag *to, const struct value *value,
                         enum flags_reading reading)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    char fault[CONVERSION_FAULT_SIZE] = "";
    struct komet_object object;
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = from->asdu, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    bool made = object_from_value(from, value, reading, &object, fault);
    assert_string_equal(fault, "");
    assert_true(made);
    assert_true(komet_asdu_begin(&writer, &komet_profile_sinaut, &header, octets, sizeof octets));
    assert_true(komet_asdu_add(&writer, &object));
    size_t size = komet_asdu_end(&writer);
    struct komet_asdu asdu;
    assert_int_equal(komet_asdu_decode(&komet_profile_sinaut, octets, size, &asdu), KOMET_ASDU_OK);
    komet_asdu_object(&asdu, 0, &object);
    assert_int_equal(object.ioa, 66051);
    return value_from_object(to, &asdu, &object, noon, false);
}

static const struct {
    uint8_t types[3]; /* without a time tag, with CP24, with CP56 */
    enum tag_type out, in;
    double number;
    unsigned flags, received; /* what the value itself sets is among the second */
} cases[] = {
    {{1, 2, 30}, TAG_DOUT, TAG_DI, 1, 0x10, 0x11},
    {{3, 4, 31}, TAG_DOUT, TAG_QI, 0, 0x42, 0x41},
    {{3, 4, 31}, TAG_CO, TAG_QI, 3, 0, 0x03},
    {{5, 6, 32}, TAG_CO, TAG_CI, -64, 0x101, 0x101},
    {{7, 8, 33}, TAG_CO, TAG_CI, 4294967295.0, 0x20, 0x20},
    {{9, 10, 34}, TAG_AO, TAG_AI, -0.5, 0x01, 0x01},
    {{11, 12, 35}, TAG_CO, TAG_CI, -32768, 0, 0},
    {{13, 14, 36}, TAG_AO, TAG_AI, 12.5, 0x70, 0x70},
    {{15, 16, 37}, TAG_CO, TAG_CI, -2147483648.0, 0x3F, 0x3F},
    {{17, 17, 38}, TAG_CO, TAG_CI, 59999, 0x0A, 0x0A},
    {{18, 18, 39}, TAG_CO, TAG_CI, 1, 0x2508, 0x2508},
    {{19, 19, 40}, TAG_AO, TAG_AI, 1, 0x0F00, 0x0F00},
    {{20, 20, 20}, TAG_CO, TAG_CI, 65537, 0x80, 0x80},
    {{21, 21, 21}, TAG_AO, TAG_AI, 0.25, 0xFF, 0},
};

static void test_every_type_arrives_as_it_was_sent(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned k = 0; k < 3; k++) {
            struct tag out = make_tag(cases[i].out, cases[i].types[k]), in = make_tag(cases[i].in, 0);
            struct value value = {.number = cases[i].number,
                                  .flags = (value_flags)cases[i].flags,
                                  .status = STATUS_VALID,
                                  .time = {noon.ms - 1500}};
            assert_true(tag_sends_value(&out) && tag_type_fits(out.type, out.asdu));
            struct value received = pass(&out, &in, &value, FLAGS_OCTET);
            bool off = cases[i].out == TAG_DOUT && cases[i].in == TAG_QI; /* false is DPI 1 */
            assert_true(received.number == (off ? 1 : cases[i].number));
            assert_int_equal(received.flags, cases[i].received);
            bool timed = komet_type_find(out.asdu)->time != KOMET_TIME_NONE;
            assert_true(received.time.ms == (timed ? value.time.ms : noon.ms));
        }
    }
}

static void test_an_invalid_value_says_so(void **state)
{
    (void)state;
    struct tag out = make_tag(TAG_AO, KOMET_M_ME_NC_1), in = make_tag(TAG_AI, 0);
    struct value value = {.number = 1e300, .status = STATUS_INVALID, .time = noon};
    assert_int_equal(pass(&out, &in, &value, FLAGS_OCTET).status, STATUS_INVALID);
    value.number = 1;
    value.status = STATUS_UNKNOWN;
    assert_int_equal(pass(&out, &in, &value, FLAGS_OCTET).status, STATUS_INVALID);
    value.status = STATUS_WEAK; /* S20: the flags say why, and nothing else does */
    assert_int_equal(pass(&out, &in, &value, FLAGS_OCTET).flags, 0);
    value.status = STATUS_INVALID;
    value.flags = 0xFF;
    assert_int_equal(pass(&out, &in, &value, FLAGS_NONE).flags, 0);
    value.status = STATUS_VALID;
    value.flags = 0x02; /* ICCP: held */
    assert_int_equal(pass(&out, &in, &value, FLAGS_ICCP).flags, KOMET_QUALITY_NT);
}

static void test_a_number_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum tag_type type;
        uint8_t asdu;
        double number;
    } misfits[] = {
        {TAG_DOUT, 1, 2},    {TAG_CO, 3, 4},    {TAG_CO, 5, 64},
        {TAG_CO, 5, -65},    {TAG_CO, 7, -1},   {TAG_AO, 9, 1},
        {TAG_CO, 11, 32768}, {TAG_AO, 13, NAN}, {TAG_CO, 15, 2147483648.0},
        {TAG_CO, 17, 60000},
    };
    for (unsigned i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        struct tag out = make_tag(misfits[i].type, misfits[i].asdu);
        struct value value = {.number = misfits[i].number, .status = STATUS_VALID, .time = noon};
        struct komet_object object;
        char fault[CONVERSION_FAULT_SIZE] = "";
        assert_false(object_from_value(&out, &value, FLAGS_OCTET, &object, fault));
        assert_string_not_equal(fault, "");
    }
}

static void test_which_output_sends_what(void **state)
{
    (void)state;
    assert_false(tag_type_fits(TAG_AO, 11) || tag_type_fits(TAG_CO, 9) || tag_type_fits(TAG_DOUT, 5) ||
                 tag_type_fits(TAG_AO, 1));
    struct tag command = make_tag(TAG_DOUT, KOMET_C_SC_NA_1), input = make_tag(TAG_DI, 0);
    assert_false(tag_sends_value(&command) || tag_sends_value(&input));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_arrives_as_it_was_sent),
        cmocka_unit_test(test_an_invalid_value_says_so),
        cmocka_unit_test(test_a_number_that_does_not_fit_is_refused),
        cmocka_unit_test(test_which_output_sends_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
