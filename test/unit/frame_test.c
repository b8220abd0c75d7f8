/* The stream between the programs: any split of it, and what ends it. */
#include "support.h"

#include <string.h>

#include "wire/frame.h"

static uint8_t memory[64 * 1024];

static size_t encode_batch(uint8_t *octets, size_t capacity)
{
    static uint32_t tags[3] = {1, 2, 70000};
    static double numbers[3] = {0.5, -1, 1e300};
    Komet__Wire__Batch batch = KOMET__WIRE__BATCH__INIT;
    batch.epoch = 9;
    batch.sequence = UINT64_MAX;
    batch.n_tag = batch.n_number = 3;
    batch.tag = tags;
    batch.number = numbers;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    message.body_case = KOMET__WIRE__MESSAGE__BODY_BATCH;
    message.batch = &batch;
    return wire_encode(&message, octets, capacity);
}

static void test_a_message_comes_through_any_split(void **state)
{
    (void)state;
    uint8_t octets[256];
    size_t size = encode_batch(octets, sizeof octets);
    assert_true(size > 4);
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed;
    for (size_t part = 0; part < size; part++) {
        assert_int_equal(wire_decode(octets, part, &arena, &message, &consumed), WIRE_OK);
        assert_null(message);
        assert_int_equal(consumed, 0);
    }
    assert_int_equal(wire_decode(octets, sizeof octets, &arena, &message, &consumed), WIRE_OK);
    assert_int_equal(consumed, size);
    assert_string_equal(wire_message_name(message), "batch");
    assert_true(message->batch->sequence == UINT64_MAX);
    assert_int_equal(message->batch->n_tag, 3);
    assert_int_equal(message->batch->tag[2], 70000);
    assert_true(message->batch->number[2] == 1e300);
}

static void test_what_is_wrong_has_a_name(void **state)
{
    (void)state;
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed;
    const uint8_t endless[] = {0xFF, 0xFF, 0xFF, 0xFF};
    const uint8_t empty[] = {0, 0, 0, 0};
    const uint8_t garbage[] = {0, 0, 0, 3, 0xFF, 0xFF, 0xFF};
    const uint8_t no_body[] = {0, 0, 0, 2, 0xF8, 0x07}; /* a field that nobody knows */
    assert_int_equal(wire_decode(endless, sizeof endless, &arena, &message, &consumed), WIRE_TOO_LONG);
    assert_int_equal(wire_decode(empty, sizeof empty, &arena, &message, &consumed), WIRE_TOO_LONG);
    assert_int_equal(wire_decode(garbage, sizeof garbage, &arena, &message, &consumed), WIRE_MALFORMED);
    assert_int_equal(wire_decode(no_body, sizeof no_body, &arena, &message, &consumed), WIRE_MALFORMED);
    assert_null(message);
    uint8_t octets[256];
    size_t size = encode_batch(octets, sizeof octets);
    struct wire_arena small = {memory, 300, 0};
    assert_int_equal(wire_decode(octets, size, &small, &message, &consumed), WIRE_NO_SPACE);
    assert_int_equal(encode_batch(octets, size - 1), 0);
    for (int fault = WIRE_OK; fault <= WIRE_NO_SPACE; fault++) {
        assert_true(strlen(wire_fault_name((enum wire_fault)fault)) > 1);
    }
}

/* A message that is right but larger than its arena is told from one that makes no sense, however empty the
 * arena is: a reader may then grow it and try again. */
static void test_one_large_field_is_no_space(void **state)
{
    (void)state;
    static char text[40001];
    static uint8_t octets[41000];
    memset(text, 'x', sizeof text - 1);
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    hello.host = text;
    wire_message message = KOMET__WIRE__MESSAGE__INIT, *decoded;
    message.body_case = KOMET__WIRE__MESSAGE__BODY_HELLO;
    message.hello = &hello;
    size_t consumed, size = wire_encode(&message, octets, sizeof octets);
    struct wire_arena small = {memory, 16 * 1024, 0}, enough = {memory, sizeof memory, 0};
    assert_int_equal(wire_decode(octets, size, &small, &decoded, &consumed), WIRE_NO_SPACE);
    assert_int_equal(wire_decode(octets, size, &enough, &decoded, &consumed), WIRE_OK);
    assert_string_equal(decoded->hello->host, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_comes_through_any_split),
        cmocka_unit_test(test_what_is_wrong_has_a_name),
        cmocka_unit_test(test_one_large_field_is_no_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
