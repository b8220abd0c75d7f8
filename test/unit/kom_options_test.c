/* The command line of a KOM, in Komet's spelling and in D2000's. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "program/kom_options.h"

#define WORDS_MAX 8

struct line {
    struct kom_options options;
    char fault[KOM_OPTIONS_FAULT_SIZE];
    char text[256];
    char *argv[WORDS_MAX + 2];
    int argc;
};

/* Reads "komet-kom WORDS", split at spaces. */
static bool read_words(struct line *line, const char *words)
{
    memset(line, 0x5A, sizeof *line);
    snprintf(line->text, sizeof line->text, "%s", words);
    static char program[] = "komet kom";
    line->argv[0] = program;
    line->argc = 1;
    char *rest = line->text;
    while (rest != NULL && *rest != '\0') {
        assert_true(line->argc <= WORDS_MAX);
        line->argv[line->argc++] = rest;
        rest = strchr(rest, ' ');
        if (rest != NULL) {
            *rest++ = '\0';
        }
    }
    line->argv[line->argc] = NULL;
    return kom_options_read(&line->options, line->argc, line->argv, line->fault);
}

static void expect_run(const char *words, const char *process, unsigned instance)
{
    struct line line;
    assert_true(read_words(&line, words));
    assert_string_equal(line.options.process, process);
    assert_int_equal(line.options.instance, instance);
}

static void expect_servers(const char *words, const char *host, unsigned port, size_t count)
{
    struct line line;
    assert_true(read_words(&line, words));
    assert_int_equal(line.options.servers.count, count);
    assert_string_equal(line.options.servers.list[count - 1].host, host);
    assert_int_equal(line.options.servers.list[count - 1].port, port);
    assert_null(line.options.group);
}

static void expect_group(const char *words, const char *group, const char *site)
{
    struct line line;
    assert_true(read_words(&line, words));
    assert_string_equal(line.options.group, group);
    assert_string_equal(line.options.site, site);
    assert_int_equal(line.options.servers.count, 0);
}

static void refuse(const char *words, const char *fault)
{
    struct line line;
    assert_false(read_words(&line, words));
    assert_string_equal(line.fault, fault);
}

static void expect_buffer(const char *words, const char *folder, unsigned mebibytes)
{
    struct line line;
    assert_true(read_words(&line, words));
    assert_string_equal(line.options.buffer, folder);
    assert_int_equal(line.options.buffer_mib, mebibytes);
}

static void test_the_buffer(void **state)
{
    (void)state;
    struct line line;
    assert_true(read_words(&line, "-W SELF.KOM,1"));
    assert_null(line.options.buffer);
    expect_buffer("-W SELF.KOM,1 --buffer /var/lib/kom", "/var/lib/kom", 100);
    expect_buffer("-W SELF.KOM,1 --buffer=there --buffer-size 400", "there", 400);
    expect_buffer("/WSELF,1 /KCthere /KX /KA1", "there", 1);
    expect_buffer("/WSELF,1 /KX --buffer there -KA100", "there", 100);
    refuse("/WSELF,1 /KX", "/KX needs a folder for its buffer: --buffer DIR, or /KCDIR");
    refuse("/WSELF,1 /KA100", "/KA and /KC go with /KX; --buffer-size goes with --buffer DIR");
    refuse("/WSELF,1 /KCthere", "/KA and /KC go with /KX; --buffer-size goes with --buffer DIR");
    refuse("/WSELF,1 /KX /KC", "the folder stands right behind /KC: /KC");
    refuse("/WSELF,1 /KX /KA401", "--buffer-size (/KA) takes MiB, from 1 to 400, not 401");
    refuse("/WSELF,1 /KX /KA0", "--buffer-size (/KA) takes MiB, from 1 to 400, not 0");
    refuse("/WSELF,1 /KX /KAmuch", "--buffer-size (/KA) takes MiB, from 1 to 400, not much");
    refuse("/WSELF,1 /KXY", "this option is not known: /KXY");
    refuse("/WSELF,1 /KM1", "this option is not known: /KM1");
    refuse("-W SELF,1 --buffer", "a value is missing behind --buffer");
}

static void test_the_process_and_its_instance(void **state)
{
    (void)state;
    expect_run("-W SELF.KOM,1", "SELF.KOM", 1);
    expect_run("-W SELF.KOM", "SELF.KOM", 0);
    expect_run("-WSELF.KOM,15", "SELF.KOM", 15);
    expect_run("-W=SELF.KOM,7", "SELF.KOM", 7);
    expect_run("-w self.kom,01", "SELF.KOM", 1);
    expect_run("-W SELF,2", "SELF.KOM", 2);
    expect_run("-W SELF", "SELF.KOM", 0);
}

static void test_d2000s_spelling(void **state)
{
    (void)state;
    expect_run("/WSELF,1", "SELF.KOM", 1);
    expect_run("/wself", "SELF.KOM", 0);
    expect_servers("/WSELF,1 /Sserver-a:7", "server-a", 7, 1);
    expect_group("/WSELF,1 /RDMYGRP --site conf/demo", "MYGRP", "conf/demo");
    struct line line;
    assert_true(read_words(&line, "/WSELF,1 /RDMYGRP /DBSH --site=x"));
    assert_true(line.options.close_serial);
    assert_true(read_words(&line, "-WSELF,1 -RDMYGRP -DBSH --site x"));
    assert_true(line.options.close_serial);
    assert_string_equal(line.options.group, "MYGRP");
}

static void test_numbers_that_no_instance_has(void **state)
{
    (void)state;
    static const char *const names[] = {"S.KOM,0",  "S.KOM,16",  "S.KOM,",
                                        "S.KOM,-1", "S.KOM,+1",  "S.KOM,1x",
                                        "S.KOM,x",  "S.KOM,1,2", "S.KOM,99999999999999999999"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char words[64], fault[KOM_OPTIONS_FAULT_SIZE];
        snprintf(words, sizeof words, "-W %s", names[i]);
        snprintf(fault, sizeof fault,
                 "instances have the numbers 1 to 15; right would be -W SELF.KOM,1, not %s", names[i]);
        refuse(words, fault);
    }
}

static void test_names_that_no_process_has(void **state)
{
    (void)state;
    refuse("-W ,1", "-W takes the process and the instance, such as SELF.KOM,1, not ,1");
    refuse("-W", "a value is missing behind -W");
    refuse("/W", "a value is missing behind -W");
    char words[80] = "-W ";
    memset(words + 3, 'x', 59); /* the longest: 63 octets with ".KOM" */
    struct line line;
    assert_true(read_words(&line, words));
    assert_int_equal(strlen(line.options.process), 63);
    memset(words + 3, 'x', 60);
    assert_false(read_words(&line, words));
    assert_non_null(strstr(line.fault, "-W takes the process and the instance"));
}

static void test_the_last_name_counts_whole(void **state)
{
    (void)state;
    expect_run("-W SELF.KOM,1 -W OTHER.KOM,2", "OTHER.KOM", 2);
    expect_run("-W SELF.KOM,1 -W OTHER.KOM", "OTHER.KOM", 0);
}

static void test_servers(void **state)
{
    (void)state;
    expect_servers("-W SELF,1", "127.0.0.1", 3119, 1); /* the server of the same computer */
    expect_servers("-W SELF,1 -S a", "a", 3119, 1);
    expect_servers("-W SELF,1 -S a:1,b:2", "b", 2, 2);
    expect_servers("-S[::1]:7 -WSELF", "::1", 7, 1);
    expect_servers("-W SELF -S a:1,b:2 -S c", "c", 3119, 1);
    refuse("-W SELF,1 -S a:x", "-S: the port is missing or not from 1 to 65535: 'a:x'; right would be "
                               "HOST:PORT, such as 127.0.0.1:3119 or [::1]:3119");
    refuse("-W SELF,1 -S", "a value is missing behind -S");
}

static void test_the_folder_of_its_certificate(void **state)
{
    (void)state;
    struct line line;
    assert_true(read_words(&line, "-W SELF -S a --tls /etc/komet/tls"));
    assert_string_equal(line.options.tls, "/etc/komet/tls");
    assert_true(read_words(&line, "/WSELF --tls=tls"));
    assert_string_equal(line.options.tls, "tls");
    assert_true(read_words(&line, "/WSELF"));
    assert_null(line.options.tls);
    refuse("-W SELF --tls", "a value is missing behind --tls");
}

static void test_stay_goes_with_servers(void **state)
{
    (void)state;
    struct line line;
    assert_true(read_words(&line, "-W SELF --stay -S a,b"));
    assert_true(line.options.stay);
    assert_true(read_words(&line, "-W SELF -S a,b"));
    assert_false(line.options.stay);
    refuse("-W SELF --stay", "--stay goes with -S: it stays with one of the servers named there");
    refuse("-W SELF --stay --group G --site s",
           "--stay goes with -S: it stays with one of the servers named there");
}

static void test_the_group_needs_the_site_and_no_servers(void **state)
{
    (void)state;
    expect_group("-W SELF --group G --site conf/demo", "G", "conf/demo");
    expect_group("-W SELF --site=conf/demo --group=G", "G", "conf/demo");
    refuse("-W SELF --group G",
           "--site DIR is missing: the addresses of the group's servers are in its site.yaml");
    refuse("-W SELF --group G --site s -S a",
           "-S names servers, --group a group of them: give one of the two");
    refuse("-W SELF --group", "a value is missing behind --group");
    refuse("-W SELF --site", "a value is missing behind --site");
    refuse("-W SELF /RD", "the group stands right behind /RD, as in /RDMYGRP: /RD");
    refuse("-W SELF /RG", "the group stands right behind /RD, as in /RDMYGRP: /RG");
    struct line line;
    assert_true(read_words(&line, "-W SELF --site s")); /* says nothing alone, and does no harm */
    assert_int_equal(line.options.servers.count, 1);
}

static void test_help_and_version_need_nothing_else(void **state)
{
    (void)state;
    struct line line;
    assert_true(read_words(&line, "--help"));
    assert_true(line.options.help && !line.options.version);
    assert_true(read_words(&line, "--version --nonsense"));
    assert_true(line.options.version && !line.options.help);
    assert_true(read_words(&line, "-W SELF --help"));
    assert_true(line.options.help);
    refuse("--nonsense --help", "this option is not known: --nonsense");
}

static void test_what_is_not_known(void **state)
{
    (void)state;
    refuse("", "-W PROCESS[,INSTANCE] is missing");
    refuse("-S a:1", "-W PROCESS[,INSTANCE] is missing");
    refuse("SELF.KOM,1", "what is this for? SELF.KOM,1");
    refuse("-", "what is this for? -");
    refuse("-W SELF extra", "what is this for? extra");
    refuse("-W SELF --groups G", "this option is not known: --groups");
    refuse("-W SELF --help=yes", "this option is not known: --help=yes");
    refuse("-W SELF -x", "this option is not known: -x");
    refuse("-W SELF /DBSHX", "this option is not known: /DBSHX");
    refuse("-W SELF --", "this option is not known: --");
    struct line line;
    assert_true(read_words(&line, "-W SELF --close-serial-when-passive"));
    assert_true(line.options.close_serial);
}

static void expect_traffic(const char *words, size_t octets)
{
    struct line line;
    assert_true(read_words(&line, words));
    assert_int_equal(line.options.trace_memory, octets);
}

static void test_memory_for_traffic(void **state)
{
    (void)state;
    struct line line;
    expect_traffic("-W SELF", (size_t)16 << 20);
    expect_traffic("-W SELF --trace-memory 64", (size_t)64 << 20);
    expect_traffic("-W SELF --trace-memory=0", 0);
    assert_false(read_words(&line, "-W SELF --trace-memory 4097"));
    assert_non_null(strstr(line.fault, "from 0 (none) to 4096, not 4097"));
    assert_false(read_words(&line, "-W SELF --trace-memory lots"));
    assert_false(read_words(&line, "-W SELF --trace-memory"));
    assert_non_null(strstr(line.fault, "a value is missing behind --trace-memory"));
}

static void test_no_words_at_all(void **state)
{
    (void)state;
    struct kom_options options;
    char fault[KOM_OPTIONS_FAULT_SIZE];
    char *argv[] = {NULL};
    assert_false(kom_options_read(&options, 0, argv, fault));
    assert_string_equal(fault, "-W PROCESS[,INSTANCE] is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_process_and_its_instance),
        cmocka_unit_test(test_the_buffer),
        cmocka_unit_test(test_d2000s_spelling),
        cmocka_unit_test(test_numbers_that_no_instance_has),
        cmocka_unit_test(test_names_that_no_process_has),
        cmocka_unit_test(test_the_last_name_counts_whole),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_the_folder_of_its_certificate),
        cmocka_unit_test(test_stay_goes_with_servers),
        cmocka_unit_test(test_the_group_needs_the_site_and_no_servers),
        cmocka_unit_test(test_help_and_version_need_nothing_else),
        cmocka_unit_test(test_what_is_not_known),
        cmocka_unit_test(test_memory_for_traffic),
        cmocka_unit_test(test_no_words_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
