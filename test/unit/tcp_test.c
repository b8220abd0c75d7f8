/* TCP connections of the loop: how they come about over the addresses of a name, and why they end. */
#include "support.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/tcp.h"

#define PATIENCE_NS UINT64_C(20000000000)
#define OUTPUT_MAX  1000000
#define LIMIT_MS    10000

#define HERE    "127.0.0.1" /* is listened on */
#define NOBODY  "127.0.0.2" /* is refused */
#define SILENT  "127.0.0.3" /* after `silence`: no answer */
#define UNKNOWN "none"      /* a name without address */

/* ---- the test's own names, which are lists of addresses ---- */

/* In place of the library's. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    struct addrinfo **last = found;
    char list[100], *rest = list, *name;
    (void)hints;
    snprintf(list, sizeof list, "%s", host);
    *found = NULL;
    while ((name = strsep(&rest, " ")) != NULL && strcmp(name, UNKNOWN) != 0) {
        struct addrinfo *row = calloc(1, sizeof *row + sizeof(struct sockaddr_in));
        struct sockaddr_in *address = (struct sockaddr_in *)(void *)(row + 1);
        address->sin_family = AF_INET;
        address->sin_port = htons((uint16_t)strtoul(service, NULL, 10));
        inet_pton(AF_INET, name, &address->sin_addr);
        *row = (struct addrinfo){.ai_family = AF_INET,
                                 .ai_socktype = SOCK_STREAM,
                                 .ai_addrlen = sizeof *address,
                                 .ai_addr = (struct sockaddr *)address};
        *last = row;
        last = &row->ai_next;
    }
    return *found != NULL ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *found)
{
    while (found != NULL) {
        struct addrinfo *next = found->ai_next;
        free(found);
        found = next;
    }
}

/* ---- a connection and the other end of it, which never reads ---- */

/* Where a connection is given up. */
enum point { WHILE_TRYING, BETWEEN_ADDRESSES };

struct world {
    uv_loop_t loop;
    uv_timer_t timer; /* so that the loop comes round */
    int listener, other;
    uint16_t port;
    struct tcp *tcp;
    uv_check_t check;
    enum point abort_at;
    bool connected, closed, aborted;
    unsigned asked; /* whether it may write */
    bool allows, abort_when_asked;
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

static const struct tcp_events events = {on_connected, on_received, NULL, on_closed, NULL};

static bool may_write(void *context, struct tcp *tcp)
{
    struct world *world = context;
    world->asked++;
    if (world->abort_when_asked) {
        tcp_abort(tcp);
        world->aborted = true;
    }
    return world->allows;
}

static const struct tcp_events asking = {on_connected, on_received, NULL, on_closed, may_write};

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

static void take_tcp(uv_handle_t *handle, void *context)
{
    uv_handle_t **found = context;
    *found = handle->type == UV_TCP ? handle : *found;
}

/* The one connection's handle, which the module keeps to itself. */
static uv_handle_t *handle_of(struct world *world)
{
    uv_handle_t *handle = NULL;
    uv_walk(&world->loop, take_tcp, &handle);
    assert_non_null(handle);
    return handle;
}

static int socket_of(struct world *world)
{
    uv_os_fd_t file;
    assert_int_equal(uv_fileno(handle_of(world), &file), 0);
    return file;
}

/* After each turn of the loop, but before closed handles are out of the way. */
static void on_check(uv_check_t *check)
{
    struct world *world = check->data;
    uv_os_fd_t file;
    bool closing = uv_is_closing(handle_of(world));
    bool trying = !closing && uv_fileno(handle_of(world), &file) == 0;
    if (world->abort_at == WHILE_TRYING ? trying : closing) {
        uv_check_stop(check);
        tcp_abort(world->tcp);
        world->aborted = true;
    }
}

static struct sockaddr_in address_of(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    return address;
}

static int listen_on(const char *host, uint16_t port)
{
    struct sockaddr_in address = address_of(host, port);
    int few = 4096, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    return listener;
}

static void connect_to(struct world *world, const char *name, uint64_t limit_ms)
{
    world->tcp = tcp_connect(&world->loop, NULL, name, world->port, limit_ms, &events, world, OUTPUT_MAX);
}

static int set_up(void **state)
{
    static struct world world;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    world = (struct world){.listener = listen_on(HERE, 0), .other = -1};
    assert_int_equal(getsockname(world.listener, (struct sockaddr *)&address, &size), 0);
    world.port = ntohs(address.sin_port);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    uv_timer_init(&world.loop, &world.timer);
    uv_timer_start(&world.timer, on_timer, 20, 20);
    uv_check_init(&world.loop, &world.check);
    world.check.data = &world;
    *state = &world;
    return 0;
}

/* All memory of a connection is given back, whatever became of it. */
static int tear_down(void **state)
{
    struct world *world = *state;
    if (!world->closed && !world->aborted) {
        tcp_abort(world->tcp);
    }
    close(world->other);
    close(world->listener);
    uv_close((uv_handle_t *)&world->timer, NULL);
    uv_close((uv_handle_t *)&world->check, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world->loop);
}

/* An address of the world's port at which nobody answers: a listener whose queue is full. */
struct silent {
    int listener, waiting[2];
};

static void silence(struct silent *silent, const struct world *world)
{
    struct sockaddr_in address = address_of(SILENT, world->port);
    silent->listener = listen_on(SILENT, world->port);
    for (unsigned i = 0; i < 2; i++) { /* the first fills the queue of 0, the second hangs */
        silent->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(silent->waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    struct pollfd second = {.fd = silent->waiting[1], .events = POLLOUT};
    assert_int_equal(poll(&second, 1, 0), 0);
}

static void end_silence(struct silent *silent)
{
    close(silent->waiting[0]);
    close(silent->waiting[1]);
    close(silent->listener);
}

/* Connected, and with octets under way that the other end does not take: the kernel gives up on them soon. */
static void fill(struct world *world)
{
    static const uint8_t octets[65536];
    int milliseconds = 50;
    connect_to(world, HERE, LIMIT_MS);
    run_until(world, &world->connected);
    world->other = accept(world->listener, NULL, NULL);
    assert_true(world->other >= 0);
    assert_int_equal(
        setsockopt(socket_of(world), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds), 0);
    assert_true(tcp_write(world->tcp, octets, sizeof octets));
    assert_int_equal(tcp_waiting(world->tcp), 0); /* the kernel has them all */
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

static void test_the_next_address_after_one_that_refuses(void **state)
{
    struct world *world = *state;
    connect_to(world, NOBODY " " NOBODY " " HERE, LIMIT_MS);
    run_until(world, &world->connected);
    assert_false(world->closed);
}

static int sends_at_once(struct world *world)
{
    int at_once = -1;
    socklen_t size = sizeof at_once;
    assert_int_equal(getsockopt(socket_of(world), IPPROTO_TCP, TCP_NODELAY, &at_once, &size), 0);
    return at_once;
}

/* TND of a line. */
static void test_small_pieces_are_sent_at_once_or_gathered(void **state)
{
    struct world *world = *state;
    connect_to(world, HERE, LIMIT_MS);
    run_until(world, &world->connected);
    assert_int_equal(sends_at_once(world), 1);
    tcp_send_at_once(world->tcp, false);
    assert_int_equal(sends_at_once(world), 0);
    tcp_send_at_once(world->tcp, true);
    assert_int_equal(sends_at_once(world), 1);
}

/* The kernel would wait longer for each of them than this test does. */
static void test_the_next_address_after_silence(void **state)
{
    struct world *world = *state;
    struct silent silent;
    silence(&silent, world);
    connect_to(world, SILENT " " SILENT " " HERE, 300);
    run_until(world, &world->connected);
    assert_false(world->closed);
    end_silence(&silent);
}

/* Somebody there says no: that says more than that the others are not reached. */
static void test_no_address_is_left(void **state)
{
    struct world *world = *state;
    connect_to(world, NOBODY " 255.255.255.255", LIMIT_MS);
    run_until(world, &world->closed);
    assert_int_equal(world->reason, KOMET_CONNECT_REFUSED);
}

static void test_a_name_without_address(void **state)
{
    struct world *world = *state;
    connect_to(world, UNKNOWN, LIMIT_MS);
    run_until(world, &world->closed);
    assert_int_equal(world->reason, KOMET_UNREACHABLE);
}

static void test_given_up_while_the_name_is_looked_up(void **state)
{
    struct world *world = *state;
    connect_to(world, NOBODY " " HERE, LIMIT_MS); /* tear_down gives it up */
}

static void abort_at(struct world *world, enum point point, const char *name)
{
    world->abort_at = point;
    uv_check_start(&world->check, on_check);
    connect_to(world, name, LIMIT_MS);
    run_until(world, &world->aborted);
    assert_false(world->connected || world->closed);
}

static void test_given_up_while_an_address_is_tried(void **state)
{
    struct silent silent;
    silence(&silent, *state);
    abort_at(*state, WHILE_TRYING, SILENT " " HERE);
    end_silence(&silent);
}

static void test_given_up_between_two_addresses(void **state)
{
    abort_at(*state, BETWEEN_ADDRESSES, NOBODY " " HERE);
}

static void test_silence_is_seen_by_reading(void **state)
{
    struct world *world = *state;
    fill(world);
    run_until(world, &world->closed);
    assert_int_equal(world->reason, KOMET_UNREACHABLE);
}

/* The first call that meets the error takes it from the kernel; the next ones see a broken pipe and an end.
 */
static void test_silence_is_seen_by_writing(void **state)
{
    struct world *world = *state;
    fill(world);
    struct pollfd file = {.fd = socket_of(world)};
    assert_int_equal(poll(&file, 1, (int)(PATIENCE_NS / 1000000)), 1);
    tcp_write(world->tcp, (const uint8_t *)"!", 1);
    run_until(world, &world->closed);
    assert_int_equal(world->reason, KOMET_UNREACHABLE);
}

/* Connected, and with octets that the socket does not take: the owner is asked before they leave. Returns how
 * many there are in all. */
static size_t overfill(struct world *world)
{
    static const uint8_t octets[65536];
    size_t all = 0;
    world->tcp = tcp_connect(&world->loop, NULL, HERE, world->port, LIMIT_MS, &asking, world, OUTPUT_MAX);
    run_until(world, &world->connected);
    world->other = accept(world->listener, NULL, NULL);
    while (tcp_waiting(world->tcp) == 0) {
        assert_true(tcp_write(world->tcp, octets, sizeof octets));
        all += sizeof octets;
    }
    return all;
}

static void ask(struct world *world, unsigned times)
{
    unsigned until = world->asked + times;
    uint64_t end = uv_hrtime() + PATIENCE_NS;
    while (world->asked < until) {
        assert_true(uv_hrtime() < end);
        uv_run(&world->loop, UV_RUN_ONCE);
    }
}

static size_t read_all(const struct world *world)
{
    static uint8_t octets[1 << 20];
    size_t all = 0;
    for (ssize_t size; (size = recv(world->other, octets, sizeof octets, MSG_DONTWAIT)) > 0;) {
        all += (size_t)size;
    }
    return all;
}

static void test_what_waits_leaves_when_the_owner_says_so(void **state)
{
    struct world *world = *state;
    size_t all = overfill(world), waiting = tcp_waiting(world->tcp), got = 0;
    struct pollfd file = {.fd = socket_of(world), .events = POLLOUT};
    while ((poll(&file, 1, 10), file.revents & POLLOUT) == 0) {
        got += read_all(world);
    }
    ask(world, 3); /* there is room, and it may not */
    assert_int_equal(tcp_waiting(world->tcp), waiting);
    assert_true(tcp_write(world->tcp, (const uint8_t *)"!", 1)); /* behind the others */
    assert_int_equal(tcp_waiting(world->tcp), waiting + 1);
    world->allows = true;
    uint64_t end = uv_hrtime() + PATIENCE_NS;
    while (got < all + 1) {
        assert_true(uv_hrtime() < end);
        uv_run(&world->loop, UV_RUN_ONCE);
        got += read_all(world);
    }
    assert_int_equal(got, all + 1);
    assert_int_equal(tcp_waiting(world->tcp), 0);
}

static void test_what_waits_is_gone_when_the_owner_gives_up(void **state)
{
    struct world *world = *state;
    overfill(world);
    world->abort_when_asked = true;
    run_until(world, &world->aborted);
    assert_false(world->closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_other_end_let_go),
        cmocka_unit_test(test_the_network_hides_the_other_end),
        cmocka_unit_test_setup_teardown(test_the_next_address_after_one_that_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_next_address_after_silence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_address_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_without_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up_while_the_name_is_looked_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up_while_an_address_is_tried, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up_between_two_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silence_is_seen_by_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_pieces_are_sent_at_once_or_gathered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silence_is_seen_by_writing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waits_leaves_when_the_owner_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waits_is_gone_when_the_owner_gives_up, set_up, tear_down),
    };
    signal(SIGPIPE, SIG_IGN); /* as every program of Komet does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
