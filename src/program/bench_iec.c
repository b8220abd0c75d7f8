/*
 * bench_iec: how fast ASDUs are read and written.
 *
 * decode_tf16  M_ME_TF_1, 16 objects an ASDU, header and all fields of each object
 * encode_tf16  the same, each time tag computed from a count of milliseconds
 * decode_any   one ASDU after the other of every type of the table
 *
 * The limit of the first two is a loop that moves the same fields and checks nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/file.h"
#include "program/bench.h"

enum { ASDU_COUNT = 256, TF_OBJECTS = 16, TF_STRIDE = 15, TF_HEADER = 6 };

/* Keeps the compiler from leaving out the writing of what nobody reads. */
#define KEEP(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

struct stock {
    uint8_t octets[ASDU_COUNT][KOMET_ASDU_SIZE_MAX + 7];
    size_t sizes[ASDU_COUNT];
};

static struct stock tf_stock, any_stock;

static size_t fill(uint8_t *octets, const struct komet_type_row *row, unsigned seed, unsigned objects)
{
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = row->type, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_MAX);
    for (unsigned i = 0; i < objects; i++) {
        struct komet_object object = {.ioa = seed * 16 + i, .value.number = (int32_t)((seed + i) % 2)};
        if (row->element == KOMET_ELEMENT_FLOAT) {
            object.value.real = (float)(seed + i);
        }
        komet_cp56_from_utc(&object.time, (struct komet_utc){INT64_C(1795219200000) + seed * 7919 + i}, 0);
        const struct komet_file_object file = {.ioa = object.ioa, .name = 1, .time = object.time};
        if (!(row->element == KOMET_ELEMENT_FILE ? komet_asdu_add_file(&writer, &file)
                                                 : komet_asdu_add(&writer, &object))) {
            break;
        }
    }
    return komet_asdu_end(&writer);
}

static size_t decode(const struct stock *stock)
{
    size_t objects = 0;
    for (size_t i = 0; i < ASDU_COUNT; i++) {
        struct komet_asdu asdu;
        if (komet_asdu_decode(&komet_profile_104, stock->octets[i], stock->sizes[i], &asdu) !=
            KOMET_ASDU_OK) {
            return 0;
        }
        for (unsigned n = 0; n < asdu.count;) {
            struct komet_object some[16];
            unsigned count = asdu.count - n < 16 ? asdu.count - n : 16;
            komet_asdu_objects(&asdu, n, count, some);
            KEEP(some);
            n += count;
        }
        objects += asdu.count;
    }
    return objects;
}

static size_t decode_work(void *stock)
{
    return decode(stock);
}

static size_t encode_tf16(void *context)
{
    (void)context;
    static uint8_t octets[KOMET_ASDU_SIZE_MAX];
    static int64_t ms = INT64_C(1795219200000);
    struct komet_asdu_header header = {.type = KOMET_M_ME_TF_1, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    static struct komet_calendar calendar;
    static struct komet_object objects[TF_OBJECTS]; /* what does not change stays */
    for (size_t i = 0; i < ASDU_COUNT; i++) {
        struct komet_asdu_writer writer;
        for (uint32_t n = 0; n < TF_OBJECTS; n++) {
            objects[n].ioa = (uint32_t)i * TF_OBJECTS + n;
            objects[n].value.real = (float)n;
            komet_calendar_cp56(&calendar, &objects[n].time, (struct komet_utc){ms++}, 0);
        }
        komet_asdu_begin(&writer, &komet_profile_104, &header, octets, sizeof octets);
        komet_asdu_add_objects(&writer, objects, TF_OBJECTS);
        komet_asdu_end(&writer);
        KEEP(octets);
    }
    return (size_t)ASDU_COUNT * TF_OBJECTS;
}

/* The fields of M_ME_TF_1 and nothing else. */
struct bare_object {
    uint32_t ioa;
    float value;
    uint16_t milliseconds;
    uint8_t quality, minute, hour, day, day_of_week, month, year;
    bool invalid, summer_time;
};

static size_t bare_decode_tf16(void *context)
{
    const struct stock *stock = context;
    for (size_t i = 0; i < ASDU_COUNT; i++) {
        const uint8_t *p = stock->octets[i] + TF_HEADER;
        for (unsigned n = 0; n < TF_OBJECTS; n++, p += TF_STRIDE) {
            struct bare_object object = {
                .ioa = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16,
                .quality = p[7],
                .milliseconds = (uint16_t)(p[8] | p[9] << 8),
                .minute = p[10] & 0x3F,
                .invalid = p[10] >> 7 != 0,
                .hour = p[11] & 0x1F,
                .summer_time = p[11] >> 7 != 0,
                .day = p[12] & 0x1F,
                .day_of_week = p[12] >> 5,
                .month = p[13] & 0x0F,
                .year = p[14] & 0x7F,
            };
            memcpy(&object.value, p + 3, sizeof object.value);
            KEEP(&object);
        }
    }
    return (size_t)ASDU_COUNT * TF_OBJECTS;
}

/* The same backwards: fields that are there already, into octets. */
static size_t bare_encode_tf16(void *context)
{
    (void)context;
    static uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct bare_object object = {.milliseconds = 1, .minute = 2, .hour = 3, .day = 4, .month = 5, .year = 26};
    for (size_t i = 0; i < ASDU_COUNT; i++) {
        uint8_t *p = octets + TF_HEADER;
        for (uint32_t n = 0; n < TF_OBJECTS; n++, p += TF_STRIDE) {
            object.ioa = (uint32_t)i * TF_OBJECTS + n;
            object.value = (float)n;
            object.milliseconds++;
            KEEP(&object);
            p[0] = (uint8_t)object.ioa;
            p[1] = (uint8_t)(object.ioa >> 8);
            p[2] = (uint8_t)(object.ioa >> 16);
            memcpy(p + 3, &object.value, sizeof object.value);
            p[7] = object.quality;
            p[8] = (uint8_t)object.milliseconds;
            p[9] = (uint8_t)(object.milliseconds >> 8);
            p[10] = (uint8_t)(object.minute | (object.invalid ? 0x80 : 0));
            p[11] = (uint8_t)(object.hour | (object.summer_time ? 0x80 : 0));
            p[12] = (uint8_t)(object.day | object.day_of_week << 5);
            p[13] = object.month;
            p[14] = object.year;
        }
        KEEP(octets);
    }
    return (size_t)ASDU_COUNT * TF_OBJECTS;
}

static void fill_stocks(void)
{
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    for (unsigned i = 0; i < ASDU_COUNT; i++) {
        tf_stock.sizes[i] = fill(tf_stock.octets[i], komet_type_find(KOMET_M_ME_TF_1), i, TF_OBJECTS);
        const struct komet_type_row *row = &rows[i % count];
        any_stock.sizes[i] = fill(any_stock.octets[i], row, i, row->single_object ? 1 : 127);
    }
}

int bench_iec(struct bench_report *report)
{
    const double seconds = 0.1 * report->scale;
    struct bench_rounds decode_tf = {0}, encode_tf = {0}, decode_any = {0};
    fill_stocks();
    if (decode(&tf_stock) != (size_t)ASDU_COUNT * TF_OBJECTS || decode(&any_stock) == 0) {
        fputs("komet bench: the ASDUs of group iec do not decode\n", stderr);
        return 1;
    }
    for (unsigned i = 0; i < report->rounds; i++) {
        decode_tf.values[i] = bench_rate(seconds, decode_work, &tf_stock);
        decode_tf.limits[i] = bench_rate(seconds, bare_decode_tf16, &tf_stock);
        encode_tf.values[i] = bench_rate(seconds, encode_tf16, NULL);
        encode_tf.limits[i] = bench_rate(seconds, bare_encode_tf16, NULL);
        decode_any.values[i] = bench_rate(seconds, decode_work, &any_stock);
    }
    bench_add(report, "decode_tf16", "1/s", true, &decode_tf);
    bench_add(report, "encode_tf16", "1/s", true, &encode_tf);
    bench_add(report, "decode_any", "1/s", true, &decode_any);
    return 0;
}
