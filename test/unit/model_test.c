/* Values, names, parameters: what passes between lines, server and console. */
#include "steps.h"

#include <math.h>
#include <string.h>

#include "model/conversion.h"
#include "model/station_time.h"

static struct station station = {.name = "B.RTU", .ca = 1, .zone = STATION_ZONE_UTC};

static struct tag make_tag(enum tag_type type, uint8_t asdu)
{
    return (struct tag){.name = "M.X", .type = type, .asdu = asdu, .ioa = 7, .station = &station};
}

/* The value that a tag gets from an ASDU of one object, made of an object. */
static struct value receive(const struct tag *tag, uint8_t type, struct komet_object object,
                            struct komet_utc arrived)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    object.ioa = 7;
    assert_true(komet_asdu_add(&writer, &object));
    size_t size = komet_asdu_end(&writer);
    struct komet_asdu asdu;
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_OK);
    komet_asdu_object(&asdu, 0, &object);
    return value_from_object(tag, &asdu, &object, arrived, false);
}

static const struct komet_utc noon = {INT64_C(1782648000000)}; /* 2026-06-28T12:00:00Z */

static void test_quality_becomes_flags_and_status(void **state)
{
    (void)state;
    struct tag tag = make_tag(TAG_QI, 0);
    struct komet_object on = {.value.number = 2};
    struct value value = receive(&tag, KOMET_M_DP_NA_1, on, noon);
    assert_true(value.number == 2);
    assert_int_equal(value.flags, 0x02); /* B: DPI bit 1 */
    assert_int_equal(value.status, STATUS_VALID);
    on.quality = KOMET_QUALITY_NT;
    value = receive(&tag, KOMET_M_DP_NA_1, on, noon);
    assert_int_equal(value.flags, 0x42);
    assert_int_equal(value.status, STATUS_WEAK);
    on.quality = KOMET_QUALITY_NT | KOMET_QUALITY_IV;
    assert_int_equal(receive(&tag, KOMET_M_DP_NA_1, on, noon).status, STATUS_INVALID);

    struct tag analog = make_tag(TAG_AI, 0);
    struct komet_object real = {.value.real = 12.5f, .quality = KOMET_QUALITY_OV};
    value = receive(&analog, KOMET_M_ME_NC_1, real, noon);
    assert_true(value.number == 12.5);
    assert_int_equal(value.flags, 0x01);
    assert_int_equal(value.status, STATUS_WEAK);
    real.value.real = NAN;
    real.quality = 0;
    assert_int_equal(receive(&analog, KOMET_M_ME_NC_1, real, noon).status, STATUS_INVALID);
}

static void test_scale_polarity_and_normalized(void **state)
{
    (void)state;
    struct tag analog = make_tag(TAG_AI, 0);
    struct processing linear = steps(TAG_AI, "scale=0.1;offset=5");
    analog.processing = &linear;
    assert_true(
        fabs(receive(&analog, KOMET_M_ME_NB_1, (struct komet_object){.value.number = 100}, noon).number -
             15) < 1e-9);
    struct tag plain = make_tag(TAG_AI, 0);
    assert_true(
        receive(&plain, KOMET_M_ME_NA_1, (struct komet_object){.value.number = -16384}, noon).number == -0.5);
    struct tag digital = make_tag(TAG_DI, 0);
    struct processing inverted = steps(TAG_DI, "invert");
    digital.processing = &inverted;
    assert_true(
        receive(&digital, KOMET_M_SP_NA_1, (struct komet_object){.value.single = true}, noon).number == 0);
}

/* What an input tag makes of a short float. */
static double converted(enum tag_type type, const char *text, float raw)
{
    struct tag tag = make_tag(type, 0);
    struct processing processing = steps(type, text);
    tag.processing = &processing;
    return receive(&tag, KOMET_M_ME_NC_1, (struct komet_object){.value.real = raw}, noon).number;
}

static void test_polynomial(void **state)
{
    (void)state;
    assert_true(converted(TAG_AI, "polynomial=-40 0.25 0.5", 4) == -31);
    assert_true(converted(TAG_AI, "polynomial=1 -1", 3) == -2);
    assert_true(converted(TAG_AI, "polynomial=1 2 3 4 5 6", 2) == 1 + 4 + 12 + 32 + 80 + 192);
    assert_true(converted(TAG_AI, "polynomial=7 0", 1e30f) == 7);
    struct tag tag = make_tag(TAG_AI, 0);
    struct processing steep = steps(TAG_AI, "polynomial=0 0 0 0 0 1e300");
    tag.processing = &steep;
    struct komet_object huge = {.value.real = 1e30f};
    assert_int_equal(receive(&tag, KOMET_M_ME_NC_1, huge, noon).status, STATUS_INVALID);
    huge.value.real = INFINITY;
    struct processing flat = steps(TAG_AI, "polynomial=7 0");
    tag.processing = &flat;
    assert_int_equal(receive(&tag, KOMET_M_ME_NC_1, huge, noon).status, STATUS_INVALID);
}

/* Converted as a real number, then rounded and brought into what an object can carry. */
static void test_whole_numbers_after_the_conversion(void **state)
{
    (void)state;
    assert_true(converted(TAG_CI, "scale=0.1", 26) == 3);
    assert_true(converted(TAG_CI, "scale=0.1", -26) == -3);
    assert_true(converted(TAG_CI, "scale=1e9", 5) == 4294967295.0);
    assert_true(converted(TAG_CI, "scale=-1e9", 5) == -2147483648.0);
    assert_true(converted(TAG_CI, "", 7) == 7);
    struct tag tag = make_tag(TAG_CI, 0);
    struct komet_object none = {.value.real = NAN};
    assert_int_equal(receive(&tag, KOMET_M_ME_NC_1, none, noon).status, STATUS_INVALID);
}

static void test_the_zone_is_the_stations(void **state)
{
    (void)state;
    struct tag tag = make_tag(TAG_DI, 0);
    struct komet_object object = {.value.single = true};
    komet_cp56_from_utc(&object.time, noon, 0);
    struct komet_utc arrived = {noon.ms + 5};
    struct value value = receive(&tag, KOMET_M_SP_TB_1, object, arrived);
    assert_true(value.time.ms == noon.ms && value.arrived.ms == arrived.ms);
    assert_int_equal(value.time_origin, TIME_FROM_STATION);

    station.zone = STATION_ZONE_LOCAL;
    station.zone_offset_minutes = 60;
    station.summer_time = true;
    object.time.summer_time = true; /* 12:00 in a zone of +01:00 with summer time is 10:00 UTC */
    assert_true(receive(&tag, KOMET_M_SP_TB_1, object, arrived).time.ms == noon.ms - 7200000);
    station = (struct station){.name = "B.RTU", .ca = 1, .zone = STATION_ZONE_UTC};

    object.time.invalid = true;
    value = receive(&tag, KOMET_M_SP_TB_1, object, arrived);
    assert_true(value.time.ms == arrived.ms);
    assert_int_equal(value.time_origin, TIME_OF_ARRIVAL);
    assert_int_equal(value.status, STATUS_WEAK);
}

/* 2026: summer time from 29 March to 25 October, at 1:00 UTC; 2028: from 26 March to 29 October. */
static void test_summer_time_is_from_the_last_sunday_of_march_to_that_of_october(void **state)
{
    (void)state;
    static const int64_t changes[][2] = {{1774746000000, 1792890000000}, {1837645200000, 1856394000000}};
    for (unsigned year = 0; year < 2; year++) {
        assert_false(summer_time_eu((struct komet_utc){changes[year][0] - 1}));
        assert_true(summer_time_eu((struct komet_utc){changes[year][0]}));
        assert_true(summer_time_eu((struct komet_utc){changes[year][1] - 1}));
        assert_false(summer_time_eu((struct komet_utc){changes[year][1]}));
    }
    assert_false(summer_time_eu((struct komet_utc){1767225600000})); /* 1 January 2026 */
    assert_true(summer_time_eu((struct komet_utc){1782864000000}));  /* 1 July 2026 */
}

/* What a station is told is what is understood when it says it. */
static void test_a_station_is_told_the_time_in_its_zone(void **state)
{
    (void)state;
    struct tag tag = make_tag(TAG_DI, 0);
    const struct komet_utc july = {1782864000000};
    static const struct station zones[] = {
        {.zone = STATION_ZONE_UTC},
        {.zone = STATION_ZONE_OFFSET, .zone_offset_minutes = 330},
        {.zone = STATION_ZONE_LOCAL, .zone_offset_minutes = 60, .summer_time = true},
        {.zone = STATION_ZONE_LOCAL, .zone_offset_minutes = 60, .summer_time = true, .summer_time_eu = true}};
    static const unsigned hours[] = {0, 5, 1, 2};
    for (unsigned i = 0; i < 4; i++) {
        struct komet_object object = {.value.single = true, .time_size = KOMET_TIME_CP56};
        station = zones[i];
        station_time_tag(&station, july, &object.time);
        assert_int_equal(object.time.hour, hours[i]);
        assert_int_equal(object.time.summer_time, i == 3);
        assert_true(receive(&tag, KOMET_M_SP_TB_1, object, july).time.ms == july.ms);
    }
    station = (struct station){.name = "B.RTU", .ca = 1, .zone = STATION_ZONE_UTC};
}

static void test_outputs(void **state)
{
    (void)state;
    struct komet_object object;
    char fault[CONVERSION_FAULT_SIZE] = "";
    double number = 1;
    struct tag single = make_tag(TAG_DOUT, KOMET_C_SC_NA_1);
    assert_true(object_from_number(&single, &number, 0x80, noon, &object, fault));
    assert_true(object.value.single && object.select);
    assert_int_equal(object.qualifier, 0);
    number = 2;
    assert_false(object_from_number(&single, &number, 0, noon, &object, fault));
    assert_string_equal(fault, "a single command takes false or true");
    struct tag twofold = make_tag(TAG_DOUT, KOMET_C_DC_TA_1);
    number = 0;
    assert_true(object_from_number(&twofold, &number, 0x04, noon, &object, fault));
    assert_int_equal(object.value.number, 1);
    assert_int_equal(object.qualifier, 1);
    assert_true(komet_cp56_to_utc(&object.time, noon).ms == noon.ms);
    struct tag set_point = make_tag(TAG_AO, KOMET_C_SE_NC_1);
    struct processing half = steps(TAG_AO, "scale=0.5");
    set_point.processing = &half;
    number = 42.5;
    assert_true(object_from_number(&set_point, &number, 0, noon, &object, fault));
    assert_true(object.value.real == 85.0f);
    number = 1e300;
    assert_false(object_from_number(&set_point, &number, 0, noon, &object, fault));
    struct tag scaled = make_tag(TAG_CO, KOMET_C_SE_NB_1);
    number = 40000;
    assert_false(object_from_number(&scaled, &number, 0, noon, &object, fault));
}

/* The object of an output, or the sentence of its refusal. */
static const char *refusal(struct tag *tag, const char *text, double *number, struct komet_object *object)
{
    static char fault[CONVERSION_FAULT_SIZE];
    struct processing processing = steps(tag->type, text);
    tag->processing = &processing;
    fault[0] = '\0';
    bool made = object_from_number(tag, number, 0, noon, object, fault);
    tag->processing = NULL;
    assert_true(made == (fault[0] == '\0'));
    return fault;
}

static void test_output_control(void **state)
{
    (void)state;
    struct komet_object object;
    struct tag set_point = make_tag(TAG_AO, KOMET_C_SE_NC_1);
    double number = 80.5;
    assert_string_equal(refusal(&set_point, "range=0 80", &number, &object),
                        "80.5 is outside the tag's range, 0 to 80");
    number = NAN;
    assert_string_not_equal(refusal(&set_point, "range=-inf inf", &number, &object), "");
    number = NAN;
    assert_string_not_equal(refusal(&set_point, "limit=0 80", &number, &object), "");
    number = 80;
    assert_string_equal(refusal(&set_point, "range=0 80; scale=0.5", &number, &object), "");
    assert_true(object.value.real == 160);
    number = 80.5;
    assert_string_equal(refusal(&set_point, "limit=0 80; scale=0.5; offset=10", &number, &object), "");
    assert_true(number == 80 && object.value.real == 140); /* what is sent is what is told */
    number = 200;
    assert_string_not_equal(refusal(&set_point, "range=0 100; limit=0 80", &number, &object), "");
    number = 90;
    assert_string_equal(refusal(&set_point, "range=0 100; limit=0 80", &number, &object), "");
    assert_true(number == 80);
    struct tag whole = make_tag(TAG_CO, KOMET_C_SE_NB_1);
    number = 3;
    assert_string_equal(refusal(&whole, "scale=0.1", &number, &object), "");
    assert_int_equal(object.value.number, 30);
    struct tag bits = make_tag(TAG_CO, KOMET_C_BO_NA_1);
    number = 33; /* 33 / 1.1 is a little less than 30 */
    assert_string_equal(refusal(&bits, "scale=1.1", &number, &object), "");
    assert_int_equal(object.value.bits, 30);
    number = 40000;
    assert_string_equal(refusal(&whole, "range=0 50000", &number, &object),
                        "a scaled set point takes -32768 to 32767");
    struct tag digital = make_tag(TAG_DOUT, KOMET_C_SC_NA_1);
    number = 1;
    assert_string_equal(refusal(&digital, "invert", &number, &object), "");
    assert_false(object.value.single);
}

/* What a station confirms comes back by the conversion that it went by. */
static void test_confirmations(void **state)
{
    (void)state;
    struct tag set_point = make_tag(TAG_AO, KOMET_C_SE_NC_1);
    struct processing linear = steps(TAG_AO, "scale=0.5; offset=10; limit=0 80");
    set_point.processing = &linear;
    struct komet_object object = {.element = KOMET_ELEMENT_FLOAT, .value.real = 200};
    assert_true(number_from_confirmation(&set_point, &object) == 110);
    struct tag twofold = make_tag(TAG_DOUT, KOMET_C_DC_NA_1);
    object = (struct komet_object){.element = KOMET_ELEMENT_DOUBLE, .value.number = 2};
    assert_true(number_from_confirmation(&twofold, &object) == 1);
    struct processing inverted = steps(TAG_DOUT, "invert");
    twofold.processing = &inverted;
    assert_true(number_from_confirmation(&twofold, &object) == 0);
}

static void test_types_fit_as_the_tables_say(void **state)
{
    (void)state;
    assert_true(tag_type_fits(TAG_DI, 1) && tag_type_fits(TAG_QI, 1) && tag_type_fits(TAG_AI, 1));
    assert_false(tag_type_fits(TAG_DI, 3));
    assert_true(tag_type_fits(TAG_AI, 36) && !tag_type_fits(TAG_CI, 36));
    assert_true(tag_type_fits(TAG_DOUT, 46) && tag_type_fits(TAG_CO, 46) && !tag_type_fits(TAG_AO, 46));
    assert_true(tag_type_fits(TAG_AO, 50) && !tag_type_fits(TAG_AO, 49) && !tag_type_fits(TAG_AO, 100));
    assert_false(tag_type_fits(TAG_AI, 0) || tag_type_fits(TAG_AI, 200));
}

static void test_texts(void **state)
{
    (void)state;
    char text[VALUE_TEXT_SIZE];
    struct value value = value_unknown();
    value_text(TAG_AI, &value, text);
    assert_string_equal(text, "?");
    value = (struct value){.number = 0.1f, .status = STATUS_VALID};
    value_text(TAG_AI, &value, text);
    assert_string_equal(text, "0.1");
    value.number = 2;
    value_text(TAG_QI, &value, text);
    assert_string_equal(text, "On");
    double number;
    assert_true(value_parse(TAG_DOUT, "TRUE", &number) && number == 1);
    assert_true(value_parse(TAG_AO, "-4.25", &number) && number == -4.25);
    assert_false(value_parse(TAG_AO, "4.25x", &number) || value_parse(TAG_AO, "", &number) ||
                 value_parse(TAG_AO, "nan", &number) || value_parse(TAG_CO, "1.5", &number) ||
                 value_parse(TAG_DOUT, "2", &number));
    value_flags flags;
    char letters[FLAGS_TEXT_SIZE];
    assert_true(value_flags_parse("a,H p", &flags));
    value_flags_text(flags, letters);
    assert_string_equal(letters, "AHP");
    assert_false(value_flags_parse("Q", &flags));
}

static void test_masks(void **state)
{
    (void)state;
    assert_true(name_matches("M.*.u", "M.NORTH.U") && name_matches("*", "") && name_matches(NULL, "x"));
    assert_true(name_matches("M.?1", "m.q1") && name_matches("*a*b*", "xxaxxbxx"));
    assert_false(name_matches("M.?", "M.") || name_matches("*a*b", "xxaxxbx") || name_matches("m", "mm"));
}

static void test_parameters(void **state)
{
    (void)state;
    struct parameter_set set = parameter_defaults();
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter_row *row = parameter_row((enum parameter_id)i);
        char text[PARAMETER_TEXT_SIZE];
        int64_t again = -1;
        parameter_text(row, set.value[i], text);
        assert_null(parameter_parse(row, text, &again));
        assert_int_equal(again, set.value[i]);
        assert_ptr_equal(parameter_find(row->full_name), row);
        assert_ptr_equal(parameter_find(row->short_name), row);
        assert_true(strlen(row->sentence) > 10);
    }
    int64_t value;
    assert_null(parameter_parse(parameter_find("wt1"), "1 s", &value));
    assert_int_equal(value, 1000);
    assert_non_null(parameter_parse(parameter_find("K"), "0", &value));
    assert_non_null(parameter_parse(parameter_find("K"), "12x", &value));
    assert_non_null(parameter_parse(parameter_find("IF"), "Z", &value));
    assert_null(parameter_find("KK"));
    int64_t us;
    assert_true(duration_parse("1 h", 1, &us) && us == KOMET_SECONDS(3600));
    assert_true(duration_parse("7", 1000, &us) && us == 7000);
    assert_false(duration_parse("-1 s", 1, &us) || duration_parse("1 week", 1, &us) ||
                 duration_parse("", 1, &us));
}

static void test_addresses_of_this_machine(void **state)
{
    (void)state;
    static const char *const own[] = {"127.0.0.1", "127.255.0.3", "::1", "localhost", "LocalHost"};
    static const char *const others[] = {"10.0.0.1",   "0.0.0.0",       "::",          "128.0.0.1", "127.0.0",
                                         "127.0.0.1.", "127.0.0.1.net", "127.0.0.256", "hosta",     "",
                                         "1270.0.0.1"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        assert_true(address_is_loopback(own[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(address_is_loopback(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quality_becomes_flags_and_status),
        cmocka_unit_test(test_scale_polarity_and_normalized),
        cmocka_unit_test(test_polynomial),
        cmocka_unit_test(test_whole_numbers_after_the_conversion),
        cmocka_unit_test(test_the_zone_is_the_stations),
        cmocka_unit_test(test_summer_time_is_from_the_last_sunday_of_march_to_that_of_october),
        cmocka_unit_test(test_a_station_is_told_the_time_in_its_zone),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_output_control),
        cmocka_unit_test(test_confirmations),
        cmocka_unit_test(test_types_fit_as_the_tables_say),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_addresses_of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
