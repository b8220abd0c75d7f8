/* Words become a command, or a sentence that says what would be right. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "console/grammar.h"
#include "console/nearest.h"

#define WORDS_MAX 8

static struct command command;
static char mistake[GRAMMAR_MISTAKE_SIZE];

/* Cuts `text` at its spaces; a quoted word keeps them. */
static bool parse(const char *text)
{
    static char copy[256];
    const char *words[WORDS_MAX];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *at = copy; *at != '\0' && count < WORDS_MAX;) {
        char end = *at == '\'' ? '\'' : ' ';
        words[count++] = at += end == '\'';
        at = strchr(at, end);
        if (at == NULL) {
            break;
        }
        *at++ = '\0';
        at += *at == ' ';
    }
    return grammar_parse(words, count, &command, mistake);
}

static void assert_mistake(const char *text, const char *says)
{
    if (parse(text) || strstr(mistake, says) == NULL) {
        print_error("%s: %s\n", text, mistake);
        fail();
    }
}

static void test_every_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count(); i++) {
        const struct command_row *row = command_row(i);
        assert_ptr_equal(command_find(row->word), row);
        assert_int_equal(strncmp(row->usage, row->word, strlen(row->word)), 0);
        assert_int_equal(row->sentence[strlen(row->sentence) - 1], '.');
        if (row->verb == VERB_NOT_BUILT) {
            assert_mistake(row->word, "not built yet");
        }
    }
}

static void test_forms(void **state)
{
    (void)state;
    assert_true(parse("status"));
    assert_int_equal(command.verb, VERB_STATUS);
    assert_true(parse("Tag M.RTU.*"));
    assert_int_equal(command.verb, VERB_TAG);
    assert_string_equal(command.name, "M.RTU.*");
    assert_true(parse("TAG"));
    assert_string_equal(command.name, "");
    assert_true(parse("set M.P.SET -42.5 ad"));
    assert_string_equal(command.name, "M.P.SET");
    assert_string_equal(command.value, "-42.5");
    assert_int_equal(command.flags, 9);
    assert_true(parse("INTERROGATE B.RTU counters"));
    assert_true(command.counters);
    assert_true(parse("CLOCK B.RTU"));
    assert_true(parse("disable B.RTU"));
    assert_int_equal(command.verb, VERB_DISABLE);
    assert_string_equal(command.name, "B.RTU");
    assert_true(parse("ENABLE B.RTU"));
    assert_true(parse("SIMULATE B.RTU on") && command.on);
    assert_true(parse("SIMULATE B.RTU OFF") && !command.on);
    assert_mistake("SIMULATE B.RTU", "ON or OFF is missing");
    assert_mistake("SIMULATE B.RTU YES", "ON or OFF stands behind the station, not 'YES'");
    assert_mistake("DISABLE", "the station is missing");
    assert_true(parse("SHOW L.RTU parameters"));
    assert_true(parse("HELP set"));
    assert_true(parse("HELP S*"));
    assert_true(parse("VERSION"));
}

static void assert_trace(const char *text, enum trace_mode mode, bool memory, bool live)
{
    if (!parse(text) || command.verb != VERB_LNTRACE || command.trace != mode || command.memory != memory ||
        command.live != live) {
        print_error("%s: %s\n", text, mistake);
        fail();
    }
}

static void test_lntrace(void **state)
{
    (void)state;
    assert_trace("LNTRACE L.RTU", TRACE_MODE_DECODED, true, true);
    assert_string_equal(command.name, "L.RTU");
    assert_int_equal(command.instance, 0);
    assert_null(command.file);
    assert_trace("lntrace L.* on", TRACE_MODE_DECODED, false, true);
    assert_trace("LNTRACE L.RTU LAST", TRACE_MODE_DECODED, true, false);
    assert_trace("LNTRACE L.RTU hex", TRACE_MODE_HEX, true, true);
    assert_trace("LNTRACE L.RTU DEC for 10", TRACE_MODE_DEC, true, true);
    assert_int_equal(command.seconds, 10);
    assert_true(parse("LNTRACE L.RTU OFF"));
    assert_int_equal(command.trace, TRACE_MODE_OFF);
    assert_trace("LNTRACE L.RTU,2 SAVE x.pcap", TRACE_MODE_DECODED, true, false);
    assert_string_equal(command.file, "x.pcap");
    assert_string_equal(command.name, "L.RTU");
    assert_int_equal(command.instance, 2);
    assert_trace("LNTRACE [3]_L.RTU ON SAVE x.pcap FOR 60", TRACE_MODE_DECODED, false, true);
    assert_int_equal(command.instance, 3);
    assert_int_equal(command.seconds, 60);
    assert_mistake("LNTRACE", "the line is missing");
    assert_mistake("LNTRACE L.RTU,16", "from 1 to 15");
    assert_mistake("LNTRACE L.RTU SAVE", "the file is missing");
    assert_mistake("LNTRACE L.RTU HEX SAVE x", "one word too many");
    assert_mistake("LNTRACE L.RTU FOR", "number of seconds is missing");
    assert_mistake("LNTRACE L.RTU FOR 0", "from 1 to 86400");
    assert_mistake("LNTRACE L.RTU FOR 90000", "from 1 to 86400");
    assert_mistake("LNTRACE L.RTU LAST FOR 5", "one word too many"); /* it ends by itself */
    assert_mistake("LNTRACE L.RTU OFF FOR 5", "one word too many");
}

static void test_process_and_instance(void **state)
{
    (void)state;
    static const char *const same[] = {"SET_ACT_INST SELF.KOM 2",          "set_act_inst SELF.KOM,2",
                                       "SET_ACT_INST [2]_SELF.KOM",        "INSTANCE SET ACTIVE SELF.KOM 2",
                                       "instance set active [2]_SELF.KOM", "Instance Set Active SELF.KOM,2"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_true(parse(same[i]));
        assert_int_equal(command.verb, VERB_SET_ACT_INST);
        assert_string_equal(command.name, "SELF.KOM");
        assert_int_equal(command.instance, 2);
    }
    assert_mistake("SET_ACT_INST SELF.KOM 16", "from 1 to 15");
    assert_mistake("SET_ACT_INST SELF.KOM 0", "from 1 to 15");
    assert_mistake("SET_ACT_INST SELF.KOM,x", "from 1 to 15");
    assert_mistake("SET_ACT_INST []_SELF.KOM", "from 1 to 15");
    assert_mistake("SET_ACT_INST SELF.KOM", "instance is missing");
    assert_mistake("SET_ACT_INST ,2", "process is missing");
    assert_mistake("SET_ACT_INST SELF.KOM,2 3", "one word too many");
    assert_mistake("INSTANCE", "INSTANCE SET ACTIVE process instance");
    assert_mistake("INSTANCE SET", "INSTANCE SET PREFERRED process instance|0");
}

static void test_the_preferred_instance_may_be_none(void **state)
{
    (void)state;
    static const char *const same[] = {"SET_PREFERRED_INST SELF.KOM 2", "set_preferred_inst [2]_SELF.KOM",
                                       "INSTANCE SET PREFERRED SELF.KOM,2"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_true(parse(same[i]));
        assert_int_equal(command.verb, VERB_SET_PREFERRED_INST);
        assert_string_equal(command.name, "SELF.KOM");
        assert_int_equal(command.instance, 2);
    }
    assert_true(parse("SET_PREFERRED_INST SELF.KOM 0"));
    assert_int_equal(command.instance, 0);
    assert_mistake("SET_PREFERRED_INST SELF.KOM 16", "from 1 to 15, or 0 for none");
    assert_mistake("SET_PREFERRED_INST SELF.KOM", "instance is missing");
}

static void test_stop_takes_a_process_or_an_instance(void **state)
{
    (void)state;
    assert_true(parse("STOP SELF.KOM"));
    assert_int_equal(command.verb, VERB_STOP);
    assert_int_equal(command.instance, 0);
    assert_true(parse("STOP [15]_SELF.KOM"));
    assert_int_equal(command.instance, 15);
    assert_true(parse("stop SELF.KOM,3"));
    assert_int_equal(command.instance, 3);
    assert_mistake("STOP SELF.KOM 0", "from 1 to 15");
    assert_mistake("STOP", "process is missing");
}

static void test_reload_and_what_is_dirty(void **state)
{
    (void)state;
    assert_true(parse("reload"));
    assert_int_equal(command.verb, VERB_RELOAD);
    assert_mistake("RELOAD now", "one word too many");
    assert_true(parse("CHECK dirty"));
    assert_int_equal(command.verb, VERB_CHECK);
    assert_string_equal(command.name, "");
    assert_true(parse("CHECK DIRTY L.*"));
    assert_string_equal(command.name, "L.*");
    assert_mistake("CHECK", "DIRTY is missing");
    assert_mistake("CHECK CERTS", "not built yet");
    assert_mistake("CHECK L.RTU", "DIRTY is what can be checked");
    assert_mistake("CHECK DIRTY L.A L.B", "one word too many");
}

static void test_show_of_a_process_is_its_value(void **state)
{
    (void)state;
    assert_true(parse("SHOW self.kom"));
    assert_int_equal(command.verb, VERB_PROCESS);
    assert_string_equal(command.name, "self.kom");
}

static void test_ranges_of_time(void **state)
{
    (void)state;
    assert_true(parse("EVENTS"));
    assert_false(komet_utc_known(command.from));
    assert_false(komet_utc_known(command.to));
    assert_true(parse("EVENTS M.* 2026-11-21 10:00 2026-11-21T12:00:00+01:00"));
    assert_string_equal(command.name, "M.*");
    assert_int_equal(command.from.ms, 1795255200000);
    assert_int_equal(command.to.ms, 1795258800000 + 999); /* a second, all of it */
    assert_true(parse("EVENTS '2026-11-21 10:00' '2026-11-21 10:00'"));
    assert_int_equal(command.to.ms - command.from.ms, 59999);
    assert_true(parse("COMMANDS 2026-11-21 2026-11-21"));
    assert_string_equal(command.name, "");
    assert_int_equal(command.to.ms - command.from.ms, 86399999);
    assert_mistake("EVENTS * yesterday", "'yesterday' is no time; right would be 2026-11-21");
    assert_mistake("EVENTS 2026-13-21", "'2026-13-21' is no time");
    assert_mistake("EVENTS 2026-11-21 25:00", "no time of day");
    assert_mistake("EVENTS 2026-11-21 2026-11-20", "FROM lies behind TO");
    assert_mistake("EVENTS * 2026-11-21 2026-11-22 2026-11-23", "one word too many");
}

static void test_mistakes_say_what_would_be_right(void **state)
{
    (void)state;
    assert_mistake("STATSU", "did you mean STATUS?");
    assert_mistake("lnie", "did you mean LINE?");
    assert_mistake("FOOBARBAZ", "HELP lists them");
    assert_false(grammar_parse(NULL, 0, &command, mistake));
    assert_non_null(strstr(mistake, "HELP"));
    assert_mistake("STATUS now", "one word too many: 'now'");
    assert_mistake("SET", "the tag is missing; usage: SET tag value [flags]");
    assert_mistake("SET M.X", "the value is missing");
    assert_mistake("SET M.X 1 Q", "letters from A to P");
    assert_mistake("INTERROGATE B COUNTER", "COUNTERS or nothing");
    assert_mistake("SHOW L.RTU", "PARAMETERS is missing");
    assert_mistake("SHOW L.RTU STATE", "PARAMETERS is what can be shown");
    assert_mistake("HELP SETT", "did you mean SET?");
    char longest[300] = "TAG ";
    memset(longest + 4, 'x', 200);
    assert_mistake(longest, "no name");
}

static const char *nearest_of(const char *word, const char *candidate)
{
    struct nearest nearest = {.word = word};
    nearest_offer(&nearest, candidate);
    return nearest.found;
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("abdc", "abcd"), "abcd");
    assert_string_equal(nearest_of("SLEF.KOM", "SELF.KOM"), "SELF.KOM");
    assert_null(nearest_of("abcd", "xbyd"));
    assert_null(nearest_of("", "a"));
    struct nearest nearest = {.word = "M.RTU.D11"};
    nearest_offer(&nearest, "M.RTU.Q2");
    nearest_offer(&nearest, "M.RTU.D1");
    nearest_offer(&nearest, "M.RTU.D22");
    assert_string_equal(nearest.found, "M.RTU.D1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_lntrace),
        cmocka_unit_test(test_process_and_instance),
        cmocka_unit_test(test_ranges_of_time),
        cmocka_unit_test(test_mistakes_say_what_would_be_right),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_the_preferred_instance_may_be_none),
        cmocka_unit_test(test_stop_takes_a_process_or_an_instance),
        cmocka_unit_test(test_reload_and_what_is_dirty),
        cmocka_unit_test(test_show_of_a_process_is_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
