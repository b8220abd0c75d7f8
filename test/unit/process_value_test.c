/* The value of an instance after everything that can happen to it, cell by cell. */
#include "support.h"

#include "role/process_value.h"

#define HAPPENINGS 5

static void test_every_cell(void **state)
{
    (void)state;
    /* After: CONNECTED, SILENT, HEARD, ENDED, LOST. */
    static const enum process_value after[PROCESS_VALUE_COUNT][HAPPENINGS] = {
        [PROCESS_RUN] = {PROCESS_RUN, PROCESS_WDERR, PROCESS_RUN, PROCESS_STOP, PROCESS_CRASH},
        [PROCESS_STOP] = {PROCESS_RUN, PROCESS_STOP, PROCESS_STOP, PROCESS_STOP, PROCESS_STOP},
        [PROCESS_CRASH] = {PROCESS_RUN, PROCESS_CRASH, PROCESS_CRASH, PROCESS_CRASH, PROCESS_CRASH},
        [PROCESS_WDERR] = {PROCESS_RUN, PROCESS_WDERR, PROCESS_RUN, PROCESS_STOP, PROCESS_CRASH},
    };
    for (unsigned value = 0; value < PROCESS_VALUE_COUNT; value++) {
        for (unsigned happening = 0; happening < HAPPENINGS; happening++) {
            assert_int_equal(
                process_value_after((enum process_value)value, (enum instance_happening)happening),
                after[value][happening]);
        }
    }
}

static void test_names_are_those_of_d2000(void **state)
{
    (void)state;
    assert_string_equal(process_value_name(PROCESS_RUN), "Run");
    assert_string_equal(process_value_name(PROCESS_STOP), "Stop");
    assert_string_equal(process_value_name(PROCESS_CRASH), "Crash");
    assert_string_equal(process_value_name(PROCESS_WDERR), "WDErr");
    assert_int_equal(PROCESS_RUN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_names_are_those_of_d2000),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
