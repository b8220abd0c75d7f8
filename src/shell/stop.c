/*
 * stop: see stop.h.
 */
#include "shell/stop.h"

#include <signal.h>

#include "komet/assert.h"

static void on_signal(uv_signal_t *handle, int number)
{
    struct stop *stop = handle->data;
    (void)number;
    stop->stopped(stop->context);
}

static void listen_to(struct stop *stop, uv_loop_t *loop, uv_signal_t *handle, int number)
{
    KOMET_ASSERT(uv_signal_init(loop, handle) == 0);
    handle->data = stop;
    KOMET_ASSERT(uv_signal_start(handle, on_signal, number) == 0);
    uv_unref((uv_handle_t *)handle);
}

void stop_begin(struct stop *stop, uv_loop_t *loop, void (*stopped)(void *context), void *context)
{
    stop->stopped = stopped;
    stop->context = context;
    signal(SIGPIPE, SIG_IGN);
    listen_to(stop, loop, &stop->terminate, SIGTERM);
    listen_to(stop, loop, &stop->interrupt, SIGINT);
}

void stop_end(struct stop *stop)
{
    uv_close((uv_handle_t *)&stop->terminate, NULL);
    uv_close((uv_handle_t *)&stop->interrupt, NULL);
}
