/* As whom a client may speak, when its certificate has said who it is. */
#include "server_harness.h"

#include <string.h>

/* A client with a certificate says that it is `program`; returns what it is refused with, "" when welcome. */
static const char *greet(struct harness *harness, unsigned client, const char *role, const char *name,
                         const char *program, unsigned instance)
{
    struct identity identity;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    assert_true(identity_read(&identity, role, name));
    hello.version = WIRE_VERSION;
    hello.program = (char *)(uintptr_t)program;
    hello.process = (char *)(uintptr_t) "SELF.KOM";
    hello.instance = instance;
    hello.run = 1000 + client;
    message.body_case = BODY(HELLO);
    message.hello = &hello;
    harness_open(harness, client);
    server_identified(harness->server, client, &identity);
    harness_feed(harness, client, &message);
    return harness_sent(harness, client, BODY(WELCOME))->text;
}

static void a_process_is_welcome_under_its_own_name(void **state)
{
    struct harness *harness = *state;
    assert_string_equal(greet(harness, 1, "kom", "SELF.KOM", "kom", 1), "");
    assert_string_equal(greet(harness, 2, "kom", "self.kom,2", "kom", 2), "");
    assert_string_equal(greet(harness, 3, "user", "anna", "tell", 0), "");
    assert_false(harness->closed[1] || harness->closed[2] || harness->closed[3]);
}

static void nobody_is_welcome_under_another_name(void **state)
{
    struct harness *harness = *state;
    assert_string_equal(
        greet(harness, 1, "kom", "OTHER.KOM", "kom", 1),
        "SELF.KOM,1: tls-wrong-role: its certificate is that of kom OTHER.KOM; right would be "
        "that of kom SELF.KOM");
    assert_true(harness->closed[1]);
    assert_string_equal(
        greet(harness, 2, "kom", "SELF.KOM,3", "kom", 2),
        "SELF.KOM,2: tls-wrong-role: its certificate is that of kom SELF.KOM,3; right would be "
        "that of kom SELF.KOM");
    assert_string_equal(
        greet(harness, 3, "user", "anna", "kom", 3),
        "SELF.KOM,3: tls-wrong-role: its certificate is that of user anna; right would be that "
        "of kom SELF.KOM");
    assert_string_equal(
        greet(harness, 4, "kom", "SELF.KOM", "tell", 0),
        "tls-wrong-role: the console's certificate is that of kom SELF.KOM; right would be that "
        "of a user");
    assert_string_equal(
        greet(harness, 5, "server", "B", "tell", 0),
        "tls-wrong-role: the console's certificate is that of server B; right would be that of "
        "a user");
    assert_int_equal(harness_records(harness, RECORD_GRANT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_set_up, harness_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_is_welcome_under_its_own_name),
        TEST(nobody_is_welcome_under_another_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
