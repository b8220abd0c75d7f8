/*
 * asdu_file: types 110 to 113 and 120 to 127 and private ones, written by hand from the standard, octet by
 * octet.
 */
#include "support.h"

#include <string.h>

#include "komet/file.h"

/* 2026-11-21 12:34:56.789, a Saturday */
#define TIME_OCTETS 0xD5, 0xDD, 0x22, 0x0C, 0xD5, 0x0B, 0x1A
#define TIME_TAG                                                                                             \
    {                                                                                                        \
        .milliseconds = 56789, .minute = 34, .hour = 12, .day = 21, .day_of_week = 6, .month = 11,           \
        .year = 26                                                                                           \
    }

struct vector {
    uint8_t octets[48];
    uint8_t size, cause;
    bool sq;
    unsigned count;
    struct komet_file_object files[2];
};

static const uint8_t segment[] = {0xAA, 0xBB, 0xCC};

/* clang-format off: vectors; CA 1, IOA 0x010203, file 0x0504 */
static const struct vector vectors[] = {
    {{120, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 0x30, 0x20, 0x10, 0x80},
     15,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .length = 0x102030, .qualifier = KOMET_FILE_NOT_READY}}},
    {{121, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 0x30, 0x20, 0x10, 0},
     16,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .section = 7, .length = 0x102030}}},
    {{122, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 6},
     13,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .section = 7, .qualifier = KOMET_CALL_SECTION}}},
    {{123, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 3, 0xEE},
     14,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .section = 7, .qualifier = KOMET_LAST_SECTION, .checksum = 0xEE}}},
    {{124, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 0x24},
     13,
     13,
     false,
     1,
     {{.ioa = 0x010203,
       .name = 0x0504,
       .section = 7,
       .qualifier = KOMET_SECTION_REFUSED | KOMET_FILE_CHECKSUM << 4}}},
    {{125, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 3, 0xAA, 0xBB, 0xCC},
     16,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .section = 7, .segment = segment, .segment_size = 3}}},
    {{125, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 0},
     13,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .section = 7}}},
    {{126,  0x82, 5,    0,           1, 0, 3, 2, 1, 4,    5,          0x30,
      0x20, 0x10, 0x00, TIME_OCTETS, 6, 5, 1, 0, 0, 0x20, TIME_OCTETS},
     35,
     5,
     true,
     2,
     {{.ioa = 0x010203, .name = 0x0504, .length = 0x102030, .time = TIME_TAG},
      {.ioa = 0x010204, .name = 0x0506, .length = 1, .qualifier = KOMET_SOF_LAST, .time = TIME_TAG}}},
    {{127, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, TIME_OCTETS, 0, 0, 0, 0, 1, 1, 0},
     25,
     13,
     false,
     1,
     {{.ioa = 0x010203, .name = 0x0504, .time = TIME_TAG, .stop = {.day = 1, .month = 1}}}},
};
/* clang-format on */

static void assert_same(const struct komet_file_object *read, const struct komet_file_object *written)
{
    assert_int_equal(read->ioa, written->ioa);
    assert_int_equal(read->name, written->name);
    assert_int_equal(read->section, written->section);
    assert_int_equal(read->length, written->length);
    assert_int_equal(read->qualifier, written->qualifier);
    assert_int_equal(read->checksum, written->checksum);
    assert_int_equal(read->segment_size, written->segment_size);
    if (written->segment_size > 0) {
        assert_memory_equal(read->segment, written->segment, written->segment_size);
    }
    assert_memory_equal(&read->time, &written->time, sizeof read->time);
    assert_memory_equal(&read->stop, &written->stop, sizeof read->stop);
}

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *vector = &vectors[i];
        struct komet_asdu asdu;
        assert_int_equal(komet_asdu_decode(&komet_profile_104, vector->octets, vector->size, &asdu),
                         KOMET_ASDU_OK);
        assert_int_equal(asdu.count, vector->count);
        for (unsigned n = 0; n < vector->count; n++) {
            struct komet_file_object file;
            komet_asdu_file(&asdu, n, &file);
            assert_same(&file, &vector->files[n]);
        }
    }
}

static void test_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *vector = &vectors[i];
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        struct komet_asdu_writer writer;
        const struct komet_asdu_header header = {
            .type = vector->octets[0], .sq = vector->sq, .cause = vector->cause, .ca = 1};
        assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
        for (unsigned n = 0; n < vector->count; n++) {
            assert_true(komet_asdu_add_file(&writer, &vector->files[n]));
        }
        assert_int_equal(komet_asdu_end(&writer), vector->size);
        assert_memory_equal(octets, vector->octets, vector->size);
    }
}

/* The length of a segment is the peer's word, which the size of its ASDU has to bear out. */
static void test_segment_that_lies(void **state)
{
    (void)state;
    uint8_t octets[] = {125, 1, 13, 0, 1, 0, 3, 2, 1, 4, 5, 7, 3, 0xAA, 0xBB, 0xCC};
    struct komet_asdu asdu;
    octets[12] = 4;
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, sizeof octets, &asdu),
                     KOMET_ASDU_TOO_SHORT);
    octets[12] = 2;
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, sizeof octets, &asdu),
                     KOMET_ASDU_TOO_LONG);
    octets[12] = 255;
    for (size_t size = 0; size < sizeof octets; size++) {
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_TOO_SHORT);
    }
    octets[1] = 2;
    octets[12] = 3;
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, sizeof octets, &asdu),
                     KOMET_ASDU_TOO_SHORT);
}

static void test_segment_that_does_not_fit(void **state)
{
    (void)state;
    uint8_t data[KOMET_SEGMENT_SIZE_MAX] = {0}, octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    const struct komet_asdu_header header = {.type = KOMET_F_SG_NA_1, .cause = KOMET_COT_FILE, .ca = 1};
    struct komet_file_object file = {.name = 1, .section = 1, .segment = data, .segment_size = 13};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_ONE));
    assert_false(komet_asdu_add_file(&writer, &file));
    file.segment_size = 12;
    assert_true(komet_asdu_add_file(&writer, &file));
    assert_int_equal(komet_asdu_end(&writer), KOMET_ASDU_SIZE_ONE);
    file.segment_size = KOMET_SEGMENT_SIZE_MAX;
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
    assert_true(komet_asdu_add_file(&writer, &file));
    assert_int_equal(komet_asdu_end(&writer), KOMET_ASDU_SIZE_MAX);
}

/* QPM is one octet with bits of its own, not a set-point's S/E and QL; QPA stands alone (7.2.6.24, 7.2.6.25).
 */
static void test_parameters(void **state)
{
    (void)state;
    static const struct {
        uint8_t octets[16], size;
        struct komet_object object;
    } parameters[] = {
        {{110, 1, 6, 0, 1, 0, 3, 2, 1, 0x00, 0x80, 0x81}, 12, {.value.number = -32768, .qualifier = 0x81}},
        {{111, 1, 6, 0, 1, 0, 3, 2, 1, 0xFF, 0xFF, 0xC3}, 12, {.value.number = -1, .qualifier = 0xC3}},
        {{112, 1, 6, 0, 1, 0, 3, 2, 1, 0x00, 0x00, 0x80, 0x3F, 0x04}, 14, {.value.real = 1, .qualifier = 4}},
        {{113, 1, 6, 0, 1, 0, 3, 2, 1, 3}, 10, {.qualifier = 3}},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        struct komet_asdu asdu;
        struct komet_asdu_writer writer;
        struct komet_object object = parameters[i].object;
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        const struct komet_asdu_header header = {.type = parameters[i].octets[0], .cause = 6, .ca = 1};
        object.ioa = 0x010203;
        assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets));
        assert_true(komet_asdu_add(&writer, &object));
        assert_false(komet_asdu_add(&writer, &object));
        assert_int_equal(komet_asdu_end(&writer), parameters[i].size);
        assert_memory_equal(octets, parameters[i].octets, parameters[i].size);
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, parameters[i].size, &asdu),
                         KOMET_ASDU_OK);
        komet_asdu_object(&asdu, 0, &object);
        assert_int_equal(object.value.bits, parameters[i].object.value.bits);
        assert_int_equal(object.qualifier, parameters[i].object.qualifier);
        assert_false(object.select);
    }
}

static void test_private_types_pass_as_octets(void **state)
{
    (void)state;
    const struct komet_asdu_header header = {
        .type = 200, .sq = true, .cause = 3, .test = true, .oa = 9, .ca = 0x0201};
    const uint8_t objects[] = {1, 2, 3, 4, 5};
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu;
    size_t size =
        komet_asdu_write_octets(&komet_profile_104, &header, 2, objects, sizeof objects, octets, 11);
    const uint8_t expected[] = {200, 0x82, 0x83, 9, 1, 2, 1, 2, 3, 4, 5};
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(octets, expected, size);
    assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_UNKNOWN_TYPE);
    assert_int_equal(asdu.type, 200);
    assert_int_equal(asdu.count, 2);
    assert_true(asdu.sq && asdu.test);
    assert_int_equal(asdu.objects_size, sizeof objects);
    assert_memory_equal(asdu.objects, objects, sizeof objects);
    assert_int_equal(
        komet_asdu_write_octets(&komet_profile_104, &header, 2, objects, sizeof objects, octets, 10), 0);
    uint8_t many[KOMET_ASDU_SIZE_MAX] = {0}, large[300];
    assert_int_equal(komet_asdu_write_octets(&komet_profile_104, &header, 1, many, 243, large, sizeof large),
                     249);
    assert_int_equal(komet_asdu_write_octets(&komet_profile_104, &header, 1, many, 244, large, sizeof large),
                     0);
    assert_int_equal(komet_asdu_write_octets(&komet_profile_104, &header, 0, NULL, 0, large, sizeof large),
                     6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_segment_that_lies),
        cmocka_unit_test(test_segment_that_does_not_fit),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_private_types_pass_as_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
