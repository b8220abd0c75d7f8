/* TCP connections of the loop: why they end. */
#include "support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/tcp.h"

#define PATIENCE_NS UINT64_C(20000000000)
#define OUTPUT_MAX  1000000

/* ---- a connection and the other end of it, which never reads ---- */

struct world {
    uv_loop_t loop;
    uv_timer_t timer; /* so that the loop comes round */
    int listener, other;
    uint16_t port;
    struct tcp *tcp;
    bool connected, closed;
    enum komet_reason reason;
};

static void on_connected(void *context, struct tcp *tcp)
{
    struct world *world = context;
    (void)tcp;
    world->connected = true;
}

static size_t on_received(void *context, struct tcp *tcp, const uint8_t *octets, size_t size)
{
    (void)context, (void)tcp, (void)octets;
    return size;
}

static void on_closed(void *context, struct tcp *tcp, enum komet_reason reason)
{
    struct world *world = context;
    (void)tcp;
    world->closed = true;
    world->reason = reason;
}

static const struct tcp_events events = {on_connected, on_received, NULL, on_closed};

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void run_until(struct world *world, const bool *condition)
{
    uint64_t end = uv_hrtime() + PATIENCE_NS;
    while (!*condition) {
        assert_true(uv_hrtime() < end);
        uv_run(&world->loop, UV_RUN_ONCE);
    }
}

static void find_socket(uv_handle_t *handle, void *context)
{
    if (handle->type == UV_TCP) {
        assert_int_equal(uv_fileno(handle, context), 0);
    }
}

/* The socket of the one connection, which the module keeps to itself. */
static int socket_of(struct world *world)
{
    uv_os_fd_t file = -1;
    uv_walk(&world->loop, find_socket, &file);
    assert_true(file >= 0);
    return file;
}

/* Connected, and with octets under way that the other end does not take: the kernel gives up on them soon. */
static int set_up(void **state)
{
    static struct world world;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    static const uint8_t octets[65536];
    int few = 4096, milliseconds = 50;
    world = (struct world){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(world.listener, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    assert_int_equal(bind(world.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(world.listener, 1), 0);
    assert_int_equal(getsockname(world.listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    uv_timer_init(&world.loop, &world.timer);
    uv_timer_start(&world.timer, on_timer, 20, 20);
    world.tcp = tcp_connect(&world.loop, "127.0.0.1", ntohs(address.sin_port), &events, &world, OUTPUT_MAX);
    run_until(&world, &world.connected);
    world.other = accept(world.listener, NULL, NULL);
    assert_true(world.other >= 0);
    assert_int_equal(
        setsockopt(socket_of(&world), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds), 0);
    assert_true(tcp_write(world.tcp, octets, sizeof octets));
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    close(world->other);
    close(world->listener);
    uv_close((uv_handle_t *)&world->timer, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world->loop);
}

/* ---- tests ---- */

/* The server ends an instance's grant at once for these two: only the other end itself may cause them. */
static void test_the_other_end_let_go(void **state)
{
    (void)state;
    assert_int_equal(tcp_reason(UV_EOF), KOMET_PEER_CLOSED);
    assert_int_equal(tcp_reason(UV_ECONNRESET), KOMET_CONNECTION_RESET);
    assert_int_equal(tcp_reason(UV_ECONNABORTED), KOMET_CONNECTION_RESET);
    assert_int_equal(tcp_reason(UV_EPIPE), KOMET_CONNECTION_RESET);
}

static void test_the_network_hides_the_other_end(void **state)
{
    (void)state;
    const int statuses[] = {UV_ETIMEDOUT, UV_EHOSTUNREACH, UV_ENETUNREACH, UV_ENETDOWN, UV_EHOSTDOWN,
                            UV_ENOBUFS,   UV_EIO,          UV_ECANCELED,   UV_UNKNOWN,  UV_EAI_NONAME};
    for (unsigned i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_int_equal(tcp_reason(statuses[i]), KOMET_UNREACHABLE);
    }
    assert_int_equal(tcp_reason(UV_ECONNREFUSED), KOMET_CONNECT_REFUSED);
}

static void test_silence_is_seen_by_reading(void **state)
{
    struct world *world = *state;
    run_until(world, &world->closed);
    assert_int_equal(world->reason, KOMET_UNREACHABLE);
}

/* The first call that meets the error takes it from the kernel; the next ones see a broken pipe and an end.
 */
static void test_silence_is_seen_by_writing(void **state)
{
    struct world *world = *state;
    struct pollfd file = {.fd = socket_of(world)};
    assert_int_equal(tcp_waiting(world->tcp), 0); /* so that the next octet is written at once */
    assert_int_equal(poll(&file, 1, (int)(PATIENCE_NS / 1000000)), 1);
    tcp_write(world->tcp, (const uint8_t *)"!", 1);
    run_until(world, &world->closed);
    assert_int_equal(world->reason, KOMET_UNREACHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_other_end_let_go),
        cmocka_unit_test(test_the_network_hides_the_other_end),
        cmocka_unit_test_setup_teardown(test_silence_is_seen_by_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silence_is_seen_by_writing, set_up, tear_down),
    };
    signal(SIGPIPE, SIG_IGN); /* as every program of Komet does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
