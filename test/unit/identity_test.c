/* Who a certificate's words make of the other end, and as whom it may speak. */
#include "support.h"

#include <string.h>

#include "wire/identity.h"

static struct identity of(const char *role, const char *name)
{
    struct identity identity;
    assert_true(identity_read(&identity, role, name));
    return identity;
}

static void roles_have_names(void **state)
{
    (void)state;
    struct identity identity = of("kom", "SELF.KOM");
    assert_int_equal(identity.role, IDENTITY_KOM);
    assert_string_equal(identity.name, "SELF.KOM");
    assert_string_equal(identity_text(&identity).text, "kom SELF.KOM");
    identity = of("user", "anna@control-room");
    assert_string_equal(identity_text(&identity).text, "user anna@control-room");
    assert_string_equal(identity_text(&(struct identity){IDENTITY_NONE, ""}).text, "nobody");
    assert_string_equal(identity_role_name(IDENTITY_SERVER), "server");
}

static void what_is_no_name_is_refused(void **state)
{
    char longest[IDENTITY_NAME_SIZE + 1];
    struct identity identity;
    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[IDENTITY_NAME_SIZE] = '\0';
    assert_false(identity_read(&identity, "user", longest));
    longest[IDENTITY_NAME_SIZE - 1] = '\0';
    assert_true(identity_read(&identity, "user", longest));
    static const char *const wrong[] = {"", "../anna", "an na", "anna\n", "m\xC3\xBCller", "a/b"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(identity_read(&identity, "user", wrong[i]));
        assert_int_equal(identity.role, IDENTITY_NONE);
    }
    assert_false(identity_read(&identity, "admin", "anna"));
    assert_false(identity_read(&identity, "", "anna"));
}

static void a_process_speaks_as_itself_only(void **state)
{
    (void)state;
    struct identity all = of("kom", "SELF.KOM"), one = of("kom", "SELF.KOM,2");
    assert_true(identity_is_run(&all, "SELF.KOM", 0));
    assert_true(identity_is_run(&all, "self.kom", 15));
    assert_false(identity_is_run(&all, "OTHER.KOM", 1));
    assert_false(identity_is_run(&all, "SELF.KOM2", 1));
    assert_true(identity_is_run(&one, "SELF.KOM", 2));
    assert_false(identity_is_run(&one, "SELF.KOM", 0));
    assert_false(identity_is_run(&one, "SELF.KOM", 22));
    struct identity user = of("user", "SELF.KOM"), server = of("server", "SELF.KOM");
    assert_false(identity_is_run(&user, "SELF.KOM", 1));
    assert_false(identity_is_run(&server, "SELF.KOM", 1));
    assert_false(identity_is_run(&(struct identity){IDENTITY_NONE, ""}, "", 0));
}

static void a_server_is_the_one_that_is_named(void **state)
{
    (void)state;
    struct identity server = of("server", "A"), user = of("user", "A");
    assert_true(identity_is_server(&server, "a"));
    assert_false(identity_is_server(&server, "B"));
    assert_false(identity_is_server(&user, "A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(a_process_speaks_as_itself_only),
        cmocka_unit_test(a_server_is_the_one_that_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
