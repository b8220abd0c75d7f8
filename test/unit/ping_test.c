/* ICMP echo on the loop: who answers is told, who does not is not, and a machine that does not allow it says
 * so once. A test that this machine does not allow itself is skipped. */
#include "support.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "shell/ping.h"

#define PATIENCE_NS UINT64_C(20000000000)
#define NOBODY      "203.0.113.1" /* RFC 5737: nobody has it */

static struct {
    bool any, raw; /* kinds of sockets that may be had */
    unsigned tried;
} allowed;

/* In place of the library's, which the loop does not use for its own. */
int socket(int domain, int type, int protocol)
{
    bool raw = (type & 0xF) == SOCK_RAW;
    allowed.tried++;
    if (raw ? !allowed.raw : !allowed.any) {
        errno = EACCES;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

struct world {
    uv_loop_t loop;
    struct pinger *pinger;
    unsigned answered, refused;
    uint64_t newest;
};

static void on_ended(void *context, uint64_t token, bool answered)
{
    struct world *world = context;
    world->newest = token;
    *(answered ? &world->answered : &world->refused) += 1;
}

static int begin(void **state)
{
    static struct world world;
    world = (struct world){.answered = 0};
    allowed.any = allowed.raw = true;
    allowed.tried = 0;
    uv_loop_init(&world.loop);
    world.pinger = pinger_open(&world.loop, on_ended, &world);
    *state = &world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    pinger_close(world->pinger);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world->loop);
}

static void run_until(struct world *world, const unsigned *count, unsigned wanted)
{
    uint64_t by = uv_hrtime() + PATIENCE_NS;
    while (*count < wanted) {
        assert_true(uv_hrtime() < by);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
}

/* Until it is answered, or this machine turns out to allow no pings at all. */
static void expect_answer(struct world *world, const char *host, const char *local, uint64_t token)
{
    unsigned before = world->answered;
    uint64_t by = uv_hrtime() + PATIENCE_NS;
    ping_send(world->pinger, host, local, token);
    while (world->answered == before) {
        if (world->refused > 0) {
            skip();
        }
        assert_true(uv_hrtime() < by);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(world->newest, token);
}

static void test_who_answers_is_told_by_its_token(void **state)
{
    struct world *world = *state;
    expect_answer(world, "127.0.0.1", NULL, UINT64_C(0x1234567890ABCDEF));
    expect_answer(world, "127.0.0.9", "127.0.0.5", 2); /* from an address of ours */
    expect_answer(world, "localhost", NULL, 3);        /* a name */
    assert_int_equal(world->answered, 3);
}

static void test_ipv6(void **state)
{
    struct world *world = *state;
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int probe = socket(AF_INET6, SOCK_DGRAM, 0);
    bool here = probe >= 0 && bind(probe, (struct sockaddr *)&own, sizeof own) == 0;
    close(probe);
    if (!here) {
        skip();
    }
    expect_answer(world, "::1", "::1", 7);
}

static void test_a_raw_socket_where_the_other_kind_is_not_allowed(void **state)
{
    struct world *world = *state;
    allowed.any = false;
    expect_answer(world, "127.0.0.1", "127.0.0.1", 1);
    assert_int_equal(allowed.tried, 2);
}

/* The answer to a later ping of another address shows that the loop has had its turn. */
static void test_who_does_not_answer_is_not_told(void **state)
{
    struct world *world = *state;
    ping_send(world->pinger, NOBODY, NULL, 1);
    ping_send(world->pinger, "127.0.0.1", NOBODY, 2); /* not an address of ours: it is not sent */
    ping_send(world->pinger, "no.such.name.invalid", NULL, 3);
    expect_answer(world, "127.0.0.1", NULL, 4);
    assert_int_equal(world->answered, 1);
}

static void test_a_machine_that_allows_none_says_so(void **state)
{
    struct world *world = *state;
    allowed.any = allowed.raw = false;
    ping_send(world->pinger, "127.0.0.1", NULL, 1);
    assert_int_equal(world->refused, 0); /* not from within */
    run_until(world, &world->refused, 1);
    assert_int_equal(world->newest, 1);
    ping_send(world->pinger, "127.0.0.1", NULL, 2);
    run_until(world, &world->refused, 2);
    assert_int_equal(allowed.tried, 2); /* and does not try again */
    assert_int_equal(world->answered, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_answers_is_told_by_its_token, begin, end),
        cmocka_unit_test_setup_teardown(test_ipv6, begin, end),
        cmocka_unit_test_setup_teardown(test_a_raw_socket_where_the_other_kind_is_not_allowed, begin, end),
        cmocka_unit_test_setup_teardown(test_who_does_not_answer_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(test_a_machine_that_allows_none_says_so, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
