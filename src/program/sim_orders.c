/*
 * sim_orders: see sim_orders.h.
 */
#include "program/sim_orders.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "komet/assert.h"

static void take_line(struct sim_orders *orders)
{
    orders->line[orders->size] = '\0';
    orders->size = 0;
    if (orders->line[strspn(orders->line, " \t\r")] != '\0') {
        orders->given(orders->context, orders->line);
    }
}

static void take_octets(struct sim_orders *orders, const char *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (octets[i] == '\n') {
            take_line(orders);
        } else if (orders->size + 1 < sizeof orders->line) {
            orders->line[orders->size++] = octets[i];
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct sim_orders *orders = poll->data;
    char octets[SIM_ORDERS_LINE_MAX];
    (void)events;
    ssize_t size = status < 0 ? 0 : read(STDIN_FILENO, octets, sizeof octets);
    if (size > 0) {
        take_octets(orders, octets, (size_t)size);
    } else if (size == 0 || (errno != EINTR && errno != EAGAIN)) {
        uv_poll_stop(poll);
    }
}

void sim_orders_begin(struct sim_orders *orders, uv_loop_t *loop, void (*given)(void *, const char *),
                      void *context)
{
    uv_handle_type type = uv_guess_handle(STDIN_FILENO);
    *orders = (struct sim_orders){.given = given, .context = context};
    if ((type != UV_TTY && type != UV_NAMED_PIPE && type != UV_TCP) ||
        uv_poll_init(loop, &orders->poll, STDIN_FILENO) != 0) {
        return;
    }
    signal(SIGTTIN,
           SIG_IGN); /* in the background of a terminal there is nothing to read, and no reason to stop */
    orders->open = true;
    orders->poll.data = orders;
    int failed = uv_poll_start(&orders->poll, UV_READABLE, on_readable);
    KOMET_ASSERT(failed == 0);
    uv_unref((uv_handle_t *)&orders->poll);
}

void sim_orders_end(struct sim_orders *orders)
{
    if (orders->open) {
        orders->open = false;
        uv_close((uv_handle_t *)&orders->poll, NULL);
    }
}
