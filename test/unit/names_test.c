/* Addresses of names: what the system knows of one, each address once. */
#include "support.h"

#include "shell/names.h"

#define PATIENCE_NS UINT64_C(20000000000)

struct world {
    uv_loop_t loop;
    struct names *names;
    bool told;
    uint64_t token;
    unsigned count;
    struct network_address addresses[NAMES_ADDRESSES_MAX];
};

static void on_found(void *context, uint64_t token, const struct network_address *addresses, unsigned count)
{
    struct world *world = context;
    world->told = true;
    world->token = token;
    world->count = count;
    for (unsigned i = 0; i < count; i++) {
        world->addresses[i] = addresses[i];
    }
}

static int begin(void **state)
{
    static struct world world;
    world = (struct world){.told = false};
    uv_loop_init(&world.loop);
    world.names = names_open(&world.loop, on_found, &world);
    *state = &world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    names_close(world->names);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world->loop);
}

static void find(struct world *world, const char *host, uint64_t token)
{
    uint64_t by = uv_hrtime() + PATIENCE_NS;
    world->told = false;
    assert_true(names_find(world->names, host, token));
    assert_false(world->told); /* not from within */
    while (!world->told) {
        assert_true(uv_hrtime() < by);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    assert_true(world->token == token);
}

static bool has(const struct world *world, struct network_address address)
{
    unsigned times = 0;
    for (unsigned i = 0; i < world->count; i++) {
        times += network_address_same(&world->addresses[i], &address) ? 1 : 0;
    }
    return times == 1;
}

static void test_a_name_has_its_addresses(void **state)
{
    struct world *world = *state;
    find(world, "localhost", UINT64_C(0x1234567890ABCDEF));
    assert_true(has(world, (struct network_address){4, {127, 0, 0, 1}}) ||
                has(world, (struct network_address){6, {[15] = 1}}));
}

static void test_an_address_is_its_own(void **state)
{
    struct world *world = *state;
    find(world, "10.9.0.1", 1);
    assert_true(world->count == 1 && has(world, (struct network_address){4, {10, 9, 0, 1}}));
    find(world, "::ffff:10.9.0.2", 2); /* is one of IPv4 */
    assert_true(world->count == 1 && has(world, (struct network_address){4, {10, 9, 0, 2}}));
}

static void test_what_is_closed_says_nothing(void **state)
{
    struct world *world = *state;
    struct names *other = names_open(&world->loop, on_found, world);
    assert_true(names_find(other, "10.9.0.1", 1));
    names_close(other);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_false(world->told);
}

static void test_so_many_questions_at_a_time(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < NAMES_OPEN_MAX; i++) {
        assert_true(names_find(world->names, "10.9.0.1", i));
    }
    assert_false(names_find(world->names, "10.9.0.1", 99));
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(names_find(world->names, "10.9.0.1", 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_name_has_its_addresses, begin, end),
        cmocka_unit_test_setup_teardown(test_an_address_is_its_own, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_closed_says_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_so_many_questions_at_a_time, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
