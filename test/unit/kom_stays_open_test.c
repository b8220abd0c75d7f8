/* The KOM's engine with a Sinaut line that stays open while it stands by (SKO): what it is sent is stored
 * without a grant before it is acknowledged, and what is not stored is given up with its connection. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "kom/kom.h"
#include "site/reader.h"

#define BODY(name) KOMET__WIRE__MESSAGE__BODY_##name

static const char site_text[] = "site: s\n"
                                "processes:\n"
                                "  SELF.KOM:\n"
                                "    lines:\n"
                                "      L.S:\n"
                                "        protocol: iec104-sinaut\n"
                                "        category: tcp-redundant\n"
                                "        number: 7\n"
                                "        partners: [[10.1.0.1, 10.2.0.1], [10.1.0.2, 10.2.0.2]]\n"
                                "        parameters: {SKO: yes, W: 1}\n"
                                "        stations:\n"
                                "          B.S: {address: 1, tags: s.csv}\n";
static const char s_csv[] = "name,type,address,asdu\nM.D,Di,2,\n";

struct test {
    struct line_now now;
    struct site_result site;
    void *kom_memory, *lines_memory;
    struct kom *kom;
    uint32_t connection; /* the newest that was asked for: of the last path */
    unsigned connects, aborts, batches, values;
    enum komet_reason reason; /* of the newest ABORT */
    bool standby;             /* of the newest batch, and the next two */
    uint64_t epoch, sequence;
    unsigned s_formats;
    uint16_t acknowledged; /* by the newest of them */
};

static const struct kom_identity identity = {.process = "SELF.KOM", .instance = 2, .run = 1, .host = "h"};

static void take_message(struct test *test, const wire_message *message)
{
    if (message->body_case == BODY(BATCH)) {
        test->batches++;
        test->values += (unsigned)message->batch->n_tag;
        test->standby = message->batch->standby;
        test->epoch = message->batch->epoch;
        test->sequence = message->batch->sequence;
    }
}

static void take_octets(struct test *test, const struct kom_output *output)
{
    if (output->size == 6 && output->octets[2] == 1) {
        test->s_formats++;
        test->acknowledged = (uint16_t)((output->octets[4] | output->octets[5] << 8) >> 1);
    }
    kom_line_written(test->kom, output->line, output->connection, output->size);
}

static void drain(struct test *test)
{
    struct kom_output output;
    while (kom_next(test->kom, test->now, &output)) {
        if (output.kind == KOM_OUT_MESSAGE) {
            take_message(test, output.message);
        } else if (output.kind == KOM_OUT_CONFIGURE) {
            const struct process *process = &test->site.site->processes[0];
            free(test->lines_memory);
            test->lines_memory = malloc(kom_lines_size(process));
            kom_configure(test->kom, test->lines_memory, kom_lines_size(process), process, test->now);
        } else if (output.kind == KOM_OUT_CONNECT) {
            test->connects++;
            test->connection = output.connection;
        } else if (output.kind == KOM_OUT_ABORT) {
            test->aborts++;
            test->reason = output.reason;
        } else if (output.kind == KOM_OUT_SEND) {
            take_octets(test, &output);
        }
    }
}

static void feed(struct test *test, wire_message *message)
{
    kom_feed(test->kom, test->now, message);
    drain(test);
}

static void welcome(struct test *test)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Welcome body = KOMET__WIRE__WELCOME__INIT;
    body.lease_ms = 600;
    message.body_case = BODY(WELCOME);
    message.welcome = &body;
    kom_server_connected(test->kom, test->now);
    feed(test, &message);
}

static void role(struct test *test, bool active, uint64_t epoch)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Role body = KOMET__WIRE__ROLE__INIT;
    body.active = active;
    body.epoch = epoch;
    message.body_case = BODY(ROLE);
    message.role = &body;
    feed(test, &message);
}

static void stored(struct test *test, uint64_t sequence, const char *refused)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Stored body = KOMET__WIRE__STORED__INIT;
    body.sequence = sequence;
    body.refused = (char *)(uintptr_t)refused;
    message.body_case = BODY(STORED);
    message.stored = &body;
    feed(test, &message);
}

static void octets(struct test *test, const uint8_t *from, size_t size)
{
    assert_int_equal(kom_line_feed(test->kom, test->now, 0, test->connection, from, size), size);
    drain(test);
}

/* The newest connection stands, with data transfer started. */
static void start(struct test *test)
{
    static const uint8_t startdt_con[] = {0x68, 4, 0x0B, 0, 0, 0};
    kom_line_connected(test->kom, test->now, 0, test->connection);
    drain(test);
    octets(test, startdt_con, sizeof startdt_con);
}

enum { FRAME_SIZE = 23 };

/* I format number `ns`: M.D with a time tag. */
static void write_frame(uint8_t *frame, uint8_t ns)
{
    const uint8_t octets[FRAME_SIZE] = {
        0x68, 21, (uint8_t)(ns << 1), 0, 0, 0, 30, 1, 3, 9, 0, 1, 0, 0, 2, 1, ns, 0, 0, 12, 28, 6, 26};
    memcpy(frame, octets, sizeof octets);
}

/* The same, or one without a time tag, arrives. */
static void send_value(struct test *test, uint8_t ns, bool tagged)
{
    uint8_t frame[FRAME_SIZE];
    write_frame(frame, ns);
    if (!tagged) {
        frame[1] = 14;
        frame[6] = 1;
    }
    octets(test, frame, (size_t)frame[1] + 2);
}

static int set_up(void **state)
{
    struct test *test = calloc(1, sizeof *test);
    const struct site_file files[] = {{"site.yaml", site_text, sizeof site_text - 1},
                                      {"s.csv", s_csv, sizeof s_csv - 1}};
    test->now = (struct line_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    test->site = site_read(files, 2, NULL);
    assert_non_null(test->site.site);
    test->kom_memory = malloc(kom_size());
    test->kom = kom_init(test->kom_memory, kom_size(), &identity, test->now);
    welcome(test);
    role(test, false, 0);
    assert_int_equal(test->connects, 4);
    start(test);
    *state = test;
    return 0;
}

static int tear_down(void **state)
{
    struct test *test = *state;
    free(test->lines_memory);
    free(test->kom_memory);
    site_result_release(&test->site);
    free(test);
    return 0;
}

static void test_an_event_is_acknowledged_when_it_is_stored(void **state)
{
    struct test *test = *state;
    send_value(test, 0, true);
    assert_true(test->batches == 1 && test->values == 1 && test->standby);
    assert_int_equal(test->epoch, 0);
    assert_int_equal(test->s_formats, 0);
    stored(test, test->sequence, "");
    assert_true(test->s_formats == 1 && test->acknowledged == 1);
}

static void test_an_untagged_value_goes_no_further(void **state)
{
    struct test *test = *state;
    send_value(test, 0, false);
    assert_int_equal(test->batches, 0);
    assert_true(test->s_formats == 1 && test->acknowledged == 1);
}

static void test_under_a_grant_it_is_that_of_the_grant(void **state)
{
    struct test *test = *state;
    role(test, true, 5);
    send_value(test, 0, true);
    assert_false(test->standby);
    assert_int_equal(test->epoch, 5);
    role(test, false, 5);
    send_value(test, 1, true);
    assert_true(test->standby);
    assert_int_equal(test->aborts, 0);
}

/* No later frame may acknowledge what the server was told and nobody knows whether it has it. */
static void test_without_a_server_the_line_is_given_up(void **state)
{
    struct test *test = *state;
    send_value(test, 0, true);
    kom_server_closed(test->kom, test->now);
    drain(test);
    assert_true(test->aborts > 0 && test->reason == KOMET_NO_SERVER);
    assert_int_equal(test->s_formats, 0);
    test->connects = 0;
    welcome(test);
    assert_int_equal(test->connects, 0);
    role(test, false, 0);
    assert_int_equal(test->connects, 4);
}

/* It had the role when they came, and lost it meanwhile. */
static void test_what_is_refused_comes_again_on_new_connections(void **state)
{
    struct test *test = *state;
    role(test, true, 5);
    send_value(test, 0, true);
    role(test, false, 5);
    test->connects = 0;
    stored(test, test->sequence, "its grant is not valid any more");
    assert_true(test->aborts > 0 && test->reason == KOMET_NOT_STORED);
    assert_int_equal(test->s_formats, 0);
    assert_int_equal(test->connects, 4);
}

/* The shell drains the engine once a turn: one path may have octets to send while another one is fed. */
static void test_octets_that_wait_hold_up_no_other_path(void **state)
{
    struct test *test = *state;
    static const uint8_t startdt_con[] = {0x68, 4, 0x0B, 0, 0, 0};
    static const uint8_t testfr_act[] = {0x68, 4, 0x43, 0, 0, 0};
    uint32_t first = test->connection - 3;
    uint8_t two[2 * FRAME_SIZE];
    kom_line_connected(test->kom, test->now, 0, first);
    drain(test);
    kom_line_feed(test->kom, test->now, 0, first, startdt_con, sizeof startdt_con);
    drain(test);
    kom_line_feed(test->kom, test->now, 0, first, testfr_act, sizeof testfr_act); /* its answer waits */
    write_frame(two, 0);
    write_frame(two + FRAME_SIZE, 1);
    assert_int_equal(kom_line_feed(test->kom, test->now, 0, test->connection, two, sizeof two), sizeof two);
    drain(test);
    assert_int_equal(test->values, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_event_is_acknowledged_when_it_is_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_untagged_value_goes_no_further, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_under_a_grant_it_is_that_of_the_grant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_server_the_line_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_octets_that_wait_hold_up_no_other_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_refused_comes_again_on_new_connections, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
