/* A set of numbers finds the next one, wherever it lies in its words. */
#include "support.h"

#include "kom/index_set.h"

enum { NUMBERS = 200 }; /* the last word is not full */

struct numbers {
    struct index_set set;
    uint64_t words[4];
};

static struct index_set *empty(struct numbers *numbers)
{
    *numbers = (struct numbers){.set = {numbers->words, NUMBERS}};
    assert_int_equal(index_set_size(NUMBERS), sizeof numbers->words);
    return &numbers->set;
}

static void test_an_empty_one_has_none(void **state)
{
    (void)state;
    struct numbers numbers;
    const struct index_set *set = empty(&numbers), nothing = {0};
    for (unsigned from = 0; from <= NUMBERS; from++) {
        assert_int_equal(index_set_next(set, from), NUMBERS);
    }
    assert_int_equal(index_set_next(&nothing, 0), 0);
    assert_int_equal(index_set_size(0), 0);
}

static void test_each_number_alone_is_found_from_all_before_it(void **state)
{
    (void)state;
    struct numbers numbers;
    struct index_set *set = empty(&numbers);
    for (unsigned number = 0; number < NUMBERS; number++) {
        index_set_add(set, number);
        index_set_add(set, number); /* once more is the same */
        for (unsigned from = 0; from < NUMBERS; from++) {
            assert_int_equal(index_set_has(set, from), from == number);
            assert_int_equal(index_set_next(set, from), from <= number ? number : NUMBERS);
        }
        index_set_remove(set, number);
        assert_int_equal(index_set_next(set, 0), NUMBERS);
    }
}

static void test_a_walk_finds_all_in_order_also_when_each_is_removed(void **state)
{
    (void)state;
    static const unsigned members[] = {0, 1, 62, 63, 64, 127, 130, 198, 199};
    struct numbers numbers;
    struct index_set *set = empty(&numbers);
    for (unsigned i = 0; i < sizeof members / sizeof members[0]; i++) {
        index_set_add(set, members[i]);
    }
    unsigned found = 0;
    for (unsigned i = index_set_next(set, 0); i < set->count; i = index_set_next(set, i + 1)) {
        assert_int_equal(i, members[found++]);
        index_set_remove(set, i);
    }
    assert_int_equal(found, sizeof members / sizeof members[0]);
    assert_int_equal(index_set_next(set, 0), NUMBERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_one_has_none),
        cmocka_unit_test(test_each_number_alone_is_found_from_all_before_it),
        cmocka_unit_test(test_a_walk_finds_all_in_order_also_when_each_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
