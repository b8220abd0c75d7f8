/* reason: every reason has a word of its own, a sentence and an origin. */
#include "support.h"

#include <ctype.h>
#include <string.h>

#include "komet/reason.h"

static void test_names_are_words_of_their_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KOMET_REASON_COUNT; i++) {
        const char *name = komet_reason_name((enum komet_reason)i);
        assert_true(strlen(name) >= 2);
        for (const char *c = name; *c != '\0'; c++) {
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
        }
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(name, komet_reason_name((enum komet_reason)j));
        }
    }
    assert_string_equal(komet_reason_name(KOMET_BAD_START), "bad-start");
    assert_string_equal(komet_reason_name(KOMET_T1_ACKNOWLEDGE), "t1-acknowledge");
}

static void test_sentences_end_with_a_full_stop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KOMET_REASON_COUNT; i++) {
        const char *sentence = komet_reason_sentence((enum komet_reason)i);
        assert_true(strlen(sentence) > 10);
        assert_int_equal(sentence[strlen(sentence) - 1], '.');
        assert_true(isupper((unsigned char)sentence[0]));
    }
}

static void test_origins(void **state)
{
    (void)state;
    assert_int_equal(komet_reason_origin(KOMET_OK), KOMET_ORIGIN_NONE);
    assert_int_equal(komet_reason_origin(KOMET_BAD_ASDU), KOMET_ORIGIN_PEER);
    assert_int_equal(komet_reason_origin(KOMET_T1_TEST), KOMET_ORIGIN_SILENCE);
    assert_int_equal(komet_reason_origin(KOMET_PEER_CLOSED), KOMET_ORIGIN_TRANSPORT);
    assert_int_equal(komet_reason_origin(KOMET_SHUTDOWN), KOMET_ORIGIN_LOCAL);
    for (unsigned i = 1; i < KOMET_REASON_COUNT; i++) {
        assert_int_not_equal(komet_reason_origin((enum komet_reason)i), KOMET_ORIGIN_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_words_of_their_own),
        cmocka_unit_test(test_sentences_end_with_a_full_stop),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
