/*
 * What must hold for any content: every type comes back as it was written, and two links that talk to each
 * other through any cuts of the stream lose and double nothing, across the wrap of the numbers.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/file.h"
#include "komet/link.h"

/* ---- every type, random content ---- */

static struct komet_time_tag random_time(struct test_random *random, enum komet_time_size size)
{
    struct komet_time_tag tag = {0};
    if (size == KOMET_TIME_NONE) {
        return tag;
    }
    tag.milliseconds = (uint16_t)test_random_below(random, 60000);
    tag.minute = (uint8_t)test_random_below(random, 60);
    tag.invalid = test_random_below(random, 2) != 0;
    tag.substituted = test_random_below(random, 2) != 0;
    if (size == KOMET_TIME_CP56) {
        tag.hour = (uint8_t)test_random_below(random, 24);
        tag.day = (uint8_t)(1 + test_random_below(random, 31));
        tag.day_of_week = (uint8_t)test_random_below(random, 8);
        tag.month = (uint8_t)(1 + test_random_below(random, 12));
        tag.year = (uint8_t)test_random_below(random, 100);
        tag.summer_time = test_random_below(random, 2) != 0;
    }
    return tag;
}

static void random_value(struct test_random *random, const struct komet_type_row *row,
                         struct komet_object *object)
{
    uint32_t any = (uint32_t)test_random_next(random);
    switch (row->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        return;
    case KOMET_ELEMENT_SINGLE:
        object->value.single = any % 2 != 0;
        return;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
        object->value.number = (int32_t)(any % 4);
        return;
    case KOMET_ELEMENT_STEP:
        object->value.number = (int32_t)(any % 128) - 64;
        object->transient = test_random_below(random, 2) != 0;
        return;
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_SCALED:
        object->value.number = (int16_t)any;
        return;
    case KOMET_ELEMENT_COUNTER:
        object->value.number = (int32_t)any;
        object->sequence = (uint8_t)test_random_below(random, 32);
        return;
    case KOMET_ELEMENT_FLOAT: /* any pattern, signalling NaN included, must come back unchanged */
    case KOMET_ELEMENT_BITS:
        object->value.bits = any;
        return;
    case KOMET_ELEMENT_PROTECTION:
        object->value.bits = any % 256;
        object->elapsed_ms = (uint16_t)test_random_below(random, 60000);
        return;
    }
}

static struct komet_object random_object(struct test_random *random, const struct komet_type_row *row)
{
    struct komet_object object = {.ioa = test_random_below(random, 1U << 16)};
    random_value(random, row, &object);
    bool command = row->direction == KOMET_CONTROL;
    if (row->direction == KOMET_MONITOR) {
        object.quality = (uint8_t)test_random_next(random);
    } else if (command) {
        object.select = test_random_below(random, 2) != 0;
        object.qualifier = (uint8_t)test_random_below(random, 32);
    } else {
        object.qualifier = (uint8_t)test_random_next(random);
    }
    object.test_pattern = (uint16_t)test_random_next(random);
    object.time = random_time(random, row->time);
    return object;
}

/* Objects, as a type can hold them: what the type has not was never written. */
static void assert_same(const struct komet_type_row *row, const struct komet_object *read,
                        const struct komet_object *written)
{
    assert_int_equal(read->ioa, written->ioa);
    assert_memory_equal(&read->time, &written->time, sizeof read->time);
    switch (row->element) {
    case KOMET_ELEMENT_PROTECTION:
        assert_int_equal(read->value.bits & 3, written->value.bits & 3);
        assert_int_equal(read->elapsed_ms, written->elapsed_ms);
        break;
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
    case KOMET_ELEMENT_SINGLE:
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_BITS:
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_FLOAT:
    case KOMET_ELEMENT_COUNTER:
        assert_int_equal(read->value.bits, written->value.bits);
        break;
    }
    assert_int_equal(read->transient, written->transient);
    assert_int_equal(read->sequence, written->sequence);
    assert_int_equal(read->select, written->select);
    if (row->type != KOMET_M_ME_ND_1 && row->type != KOMET_M_EI_NA_1 && row->direction == KOMET_MONITOR) {
        assert_int_equal(read->quality & 0x80, written->quality & 0x80);
        assert_int_equal(read->quality & (uint8_t)~written->quality, 0);
    }
    if (row->direction == KOMET_PARAMETER ||
        (row->direction == KOMET_CONTROL && row->element != KOMET_ELEMENT_BITS)) {
        assert_int_equal(read->qualifier, written->qualifier);
    }
}

/* Many objects in one call give the same octets as one call each, and stop where these do. */
static void assert_written_at_once(const struct komet_profile *profile,
                                   const struct komet_asdu_header *header, const struct komet_object *written,
                                   unsigned count, const uint8_t *octets, size_t size)
{
    struct komet_asdu_writer writer;
    uint8_t again[KOMET_ASDU_SIZE_MAX];
    assert_true(komet_asdu_begin(&writer, profile, header, again, sizeof again));
    unsigned first = komet_asdu_add_objects(&writer, written, count / 2);
    assert_int_equal(first, count / 2);
    assert_int_equal(komet_asdu_add_objects(&writer, written + first, count - first), count - first);
    assert_int_equal(komet_asdu_add_objects(&writer, written, 0), 0);
    assert_int_equal(komet_asdu_end(&writer), size);
    assert_memory_equal(again, octets, size);
}

static void round_trip(struct test_random *random, const struct komet_type_row *row,
                       const struct komet_profile *profile)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_object written[127];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {
        .type = row->type,
        .sq = row->sequence_allowed && test_random_below(random, 2) != 0,
        .cause = (uint8_t)test_random_below(random, 64),
        .negative = test_random_below(random, 2) != 0,
        .test = test_random_below(random, 2) != 0,
        .oa = profile->cot_size == 2 ? (uint8_t)test_random_next(random) : 0,
        .ca = (uint16_t)test_random_below(random, profile->ca_size == 2 ? 65536 : 256),
    };
    assert_true(komet_asdu_begin(&writer, profile, &header, octets, sizeof octets));
    unsigned wanted = 1 + test_random_below(random, 127);
    unsigned count = 0;
    while (count < wanted) {
        written[count] = random_object(random, row);
        written[count].ioa &= profile->ioa_size == 1 ? 0x7F : 0xFFFF;
        if (header.sq && count > 0) {
            written[count].ioa = written[count - 1].ioa + 1;
        }
        if (profile->ioa_size == 1 && written[count].ioa > 0xFF) {
            break;
        }
        if (profile->ioa_size == 2 && written[count].ioa > 0xFFFF) {
            break;
        }
        if (row->element == KOMET_ELEMENT_BITS && row->direction == KOMET_CONTROL) {
            written[count].select = false; /* BSI has neither qualifier nor select */
        }
        if (!komet_asdu_add(&writer, &written[count])) {
            break;
        }
        count++;
    }
    size_t size = komet_asdu_end(&writer);
    struct komet_asdu asdu;
    assert_written_at_once(profile, &header, written, count, octets, size);
    assert_int_equal(komet_asdu_decode(profile, octets, size, &asdu), KOMET_ASDU_OK);
    assert_int_equal(asdu.count, count);
    assert_int_equal(asdu.cause, header.cause);
    assert_int_equal(asdu.ca, header.ca);
    assert_int_equal(asdu.oa, header.oa);
    assert_int_equal(asdu.negative, header.negative);
    assert_int_equal(asdu.test, header.test);
    for (unsigned i = 0; i < count; i++) {
        struct komet_object read;
        komet_asdu_object(&asdu, i, &read);
        assert_same(row, &read, &written[i]);
    }
}

/* ---- file transfer, random content ---- */

static struct komet_file_object random_file(struct test_random *random, uint8_t type, const uint8_t *data)
{
    struct komet_file_object file = {
        .ioa = test_random_below(random, 128),
        .name = (uint16_t)test_random_next(random),
    };
    if (type >= KOMET_F_SR_NA_1 && type <= KOMET_F_SG_NA_1) {
        file.section = (uint8_t)test_random_next(random);
    }
    if (type <= KOMET_F_SR_NA_1 || type == KOMET_F_DR_TA_1) {
        file.length = test_random_below(random, KOMET_FILE_LENGTH_MAX + 1);
    }
    if (type != KOMET_F_SG_NA_1 && type != KOMET_F_SC_NB_1) {
        file.qualifier = (uint8_t)test_random_next(random);
    }
    if (type == KOMET_F_LS_NA_1) {
        file.checksum = (uint8_t)test_random_next(random);
    }
    if (type == KOMET_F_SG_NA_1) {
        file.segment = data;
        file.segment_size = (uint8_t)test_random_below(random, KOMET_SEGMENT_SIZE_MAX + 1);
    }
    if (type >= KOMET_F_DR_TA_1) {
        file.time = random_time(random, KOMET_TIME_CP56);
    }
    if (type == KOMET_F_SC_NB_1) {
        file.stop = random_time(random, KOMET_TIME_CP56);
    }
    return file;
}

static void assert_same_file(const struct komet_file_object *read, const struct komet_file_object *written)
{
    struct komet_file_object read_but_segment = *read, written_but_segment = *written;
    read_but_segment.segment = written_but_segment.segment = NULL;
    assert_memory_equal(&read_but_segment, &written_but_segment, sizeof *read);
    if (written->segment_size > 0) {
        assert_memory_equal(read->segment, written->segment, written->segment_size);
    }
}

static void test_round_trip_of_file_transfer(void **state)
{
    (void)state;
    struct test_random random = {20261121};
    uint8_t data[KOMET_SEGMENT_SIZE_MAX];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)test_random_next(&random);
    }
    for (unsigned round = 0; round < 8000; round++) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        struct komet_file_object written[20], read;
        struct komet_asdu_writer writer;
        struct komet_asdu asdu;
        struct komet_asdu_header header = {.type = (uint8_t)(KOMET_F_FR_NA_1 + round % 8),
                                           .cause = KOMET_COT_FILE,
                                           .sq = round % 8 == 6 && round % 3 == 0,
                                           .ca = 1};
        const struct komet_profile *profile = round % 5 == 0 ? &komet_profile_sinaut : &komet_profile_104;
        unsigned count = 0;
        assert_true(komet_asdu_begin(&writer, profile, &header, octets, sizeof octets));
        for (; count < 20; count++) {
            memset(&written[count], 0, sizeof written[count]);
            written[count] = random_file(&random, header.type, data);
            written[count].ioa = header.sq && count > 0 ? written[count - 1].ioa + 1 : written[count].ioa;
            if (!komet_asdu_add_file(&writer, &written[count])) {
                break;
            }
        }
        assert_true(count >= 1 && (header.type == KOMET_F_DR_TA_1) == (count > 1));
        assert_int_equal(komet_asdu_decode(profile, octets, komet_asdu_end(&writer), &asdu), KOMET_ASDU_OK);
        for (unsigned i = 0; i < count; i++) {
            memset(&read, 0, sizeof read);
            komet_asdu_file(&asdu, i, &read);
            assert_same_file(&read, &written[i]);
        }
        assert_int_equal(komet_asdu_decode(profile, octets, asdu.size - 1, &asdu), KOMET_ASDU_TOO_SHORT);
    }
}

static void test_round_trip_of_every_type(void **state)
{
    (void)state;
    struct test_random random = {20260421};
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    for (size_t i = 0; i < count; i++) {
        for (unsigned round = 0; rows[i].element != KOMET_ELEMENT_FILE && round < 400; round++) {
            struct komet_profile profile = {
                .cot_size = (uint8_t)(1 + test_random_below(&random, 2)),
                .ca_size = (uint8_t)(1 + test_random_below(&random, 2)),
                .ioa_size = (uint8_t)(1 + test_random_below(&random, 3)),
                .big_endian_addresses = test_random_below(&random, 2) != 0,
            };
            round_trip(&random, &rows[i], &profile);
        }
    }
}

static void assert_read_alike(const struct komet_object *a, const struct komet_object *b)
{
    assert_int_equal(a->ioa, b->ioa);
    assert_int_equal(a->element, b->element);
    assert_int_equal(a->value.bits, b->value.bits);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->qualifier, b->qualifier);
    assert_int_equal(a->select, b->select);
    assert_int_equal(a->transient, b->transient);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->elapsed_ms, b->elapsed_ms);
    assert_int_equal(a->test_pattern, b->test_pattern);
    assert_int_equal(a->time_size, b->time_size);
    assert_memory_equal(&a->time, &b->time, offsetof(struct komet_time_tag, substituted) + 1);
    assert_ptr_equal(a->octets, b->octets);
    assert_int_equal(a->octets_size, b->octets_size);
}

/* Any octets, also such as no writer writes: many objects in one call are what one call each reads. */
static void test_objects_at_once_are_read_like_each(void **state)
{
    (void)state;
    struct test_random random = {20260422};
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    for (size_t i = 0; i < count * 200; i++) {
        const struct komet_type_row *row = &rows[i % count];
        bool sq = row->sequence_allowed && test_random_below(&random, 2) != 0;
        unsigned objects =
            row->single_object ? 1 : 1 + test_random_below(&random, 15); /* of up to 16 octets */
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        for (size_t n = 0; n < sizeof octets; n++) {
            octets[n] = (uint8_t)test_random_next(&random);
        }
        octets[0] = row->type;
        octets[1] = (uint8_t)(objects | (sq ? 0x80 : 0));
        octets[12] = row->type == KOMET_F_SG_NA_1 ? 0 : octets[12]; /* the length of its data */
        size_t size = 6 + (sq ? 3 + objects * row->element_size : objects * (3 + (size_t)row->element_size));
        struct komet_asdu asdu;
        struct komet_object all[16], one;
        bool any_order = test_random_below(&random, 2) != 0;
        assert_int_equal(
            komet_asdu_decode(any_order ? &komet_profile_104 : &komet_profile_sinaut, octets, size, &asdu),
            KOMET_ASDU_OK);
        unsigned first = test_random_below(&random, objects);
        memset(all, 0xAA, sizeof all);
        komet_asdu_objects(&asdu, first, objects - first, all);
        for (unsigned n = first; n < objects; n++) {
            memset(&one, 0x55, sizeof one);
            komet_asdu_object(&asdu, n, &one);
            assert_read_alike(&all[n - first], &one);
        }
    }
}

static void test_objects_at_once_stop_where_it_is_full(void **state)
{
    (void)state;
    static struct komet_object objects[200];
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = KOMET_M_ME_TF_1, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    for (size_t capacity = KOMET_ASDU_SIZE_ONE; capacity <= sizeof octets; capacity++) {
        assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, octets, capacity));
        assert_int_equal(komet_asdu_add_objects(&writer, objects, 200), (capacity - 6) / 15);
        assert_false(komet_asdu_add(&writer, &objects[0]));
        assert_int_equal(komet_asdu_end(&writer), 6 + (capacity - 6) / 15 * 15);
    }
}

/* ---- two links ---- */

enum { FRAMES = 100000, PIPE_SIZE = 70000 };

/* One direction between two links: octets on their way. */
struct pipe {
    uint8_t octets[PIPE_SIZE];
    size_t size;
};

struct end {
    struct komet_link *link;
    struct pipe *in, *out;
    uint64_t sent, received, acknowledged;
};

static struct komet_instant now;

static void take_outputs(struct end *end, struct test_random *random)
{
    struct komet_link_output output;
    while (komet_link_next(end->link, now, &output)) {
        switch (output.kind) {
        case KOMET_LINK_OUT_STATE:
            assert_int_not_equal(output.state, KOMET_LINK_CLOSED);
            break;
        case KOMET_LINK_OUT_ASDU: {
            uint64_t number;
            assert_true(output.size >= sizeof number);
            memcpy(&number, output.octets, sizeof number);
            assert_int_equal(number, end->received + 1); /* none lost, none doubled, in order */
            assert_int_equal(output.received, number);
            end->received++;
            break;
        }
        case KOMET_LINK_OUT_ACKNOWLEDGED:
            assert_true(output.acknowledged > end->acknowledged && output.acknowledged <= end->sent);
            end->acknowledged = output.acknowledged;
            break;
        case KOMET_LINK_OUT_SEND: {
            size_t room = PIPE_SIZE - end->out->size;
            size_t size = 1 + test_random_below(random, (uint32_t)output.size);
            if (room < size) {
                return;
            }
            memcpy(end->out->octets + end->out->size, output.octets, size);
            end->out->size += size;
            komet_link_written(end->link, size);
            if (test_random_below(random, 3) == 0) {
                return;
            }
            break;
        }
        case KOMET_LINK_OUT_CLOSE:
            fail_msg("closed: %s", komet_reason_name(output.reason));
        }
    }
}

static void receive_some(struct end *end, struct test_random *random)
{
    size_t size = end->in->size == 0 ? 0 : 1 + test_random_below(random, (uint32_t)end->in->size);
    if (size == 0) {
        return;
    }
    uint8_t octets[PIPE_SIZE];
    memcpy(octets, end->in->octets, size);
    for (size_t taken = 0; taken < size;) {
        taken += komet_link_feed(end->link, now, octets + taken, size - taken);
        take_outputs(end, random);
    }
    memmove(end->in->octets, end->in->octets + size, end->in->size - size);
    end->in->size -= size;
}

static void send_some(struct end *end, struct test_random *random)
{
    for (uint32_t n = test_random_below(random, 14); n > 0 && end->sent < FRAMES; n--) {
        uint8_t *place = komet_link_reserve(end->link);
        if (place == NULL) {
            return;
        }
        uint64_t number = end->sent + 1;
        memcpy(place, &number, sizeof number);
        size_t size = sizeof number + test_random_below(random, 30);
        memset(place + sizeof number, 0x68, size - sizeof number);
        end->sent = komet_link_commit(end->link, now, size);
        assert_int_equal(end->sent, number);
    }
}

static void act(struct end *end, struct test_random *random)
{
    switch (test_random_below(random, 6)) {
    case 0:
    case 1:
        receive_some(end, random);
        break;
    case 2:
    case 3:
        send_some(end, random);
        break;
    case 4:
        komet_link_acknowledge(end->link, now,
                               end->received - test_random_below(random, 2) * (end->received > 0));
        break;
    case 5:
        komet_link_tick(end->link, now);
        if (test_random_below(random, 50) == 0) {
            komet_link_test(end->link, now);
        }
        break;
    }
    take_outputs(end, random);
}

static void two_links(uint64_t seed, uint16_t k, uint16_t w)
{
    struct test_random random = {seed};
    static struct pipe there, back;
    there.size = back.size = 0;
    now = (struct komet_instant){0};
    struct end ends[2] = {{.in = &back, .out = &there}, {.in = &there, .out = &back}};
    for (int i = 0; i < 2; i++) {
        struct komet_link_settings settings =
            komet_link_settings_standard(i == 0 ? KOMET_CONTROLLING : KOMET_CONTROLLED);
        settings.k = k;
        settings.w = w;
        settings.t2_us = KOMET_MS(1);
        size_t size = komet_link_size(&settings);
        ends[i].link = komet_link_init(malloc(size), size, &settings, now);
    }
    komet_link_start(ends[0].link, now);
    while (ends[0].acknowledged < FRAMES || ends[1].acknowledged < FRAMES) {
        now = komet_after(now, test_random_below(&random, 400));
        assert_true(now.us < KOMET_SECONDS(100000)); /* it ends */
        act(&ends[test_random_below(&random, 2)], &random);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ends[i].received, FRAMES);
        free(ends[i].link);
    }
}

static void test_two_links_k_12(void **state)
{
    (void)state;
    two_links(1, 12, 8);
}

static void test_two_links_k_1(void **state)
{
    (void)state;
    two_links(2, 1, 1);
}

/* The largest window: the numbers of a window reach all the way round. */
static void test_two_links_k_32767(void **state)
{
    (void)state;
    two_links(3, 32767, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_of_every_type),
        cmocka_unit_test(test_round_trip_of_file_transfer),
        cmocka_unit_test(test_objects_at_once_are_read_like_each),
        cmocka_unit_test(test_objects_at_once_stop_where_it_is_full),
        cmocka_unit_test(test_two_links_k_12),
        cmocka_unit_test(test_two_links_k_1),
        cmocka_unit_test(test_two_links_k_32767),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
