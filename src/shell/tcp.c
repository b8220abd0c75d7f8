/*
 * tcp: see tcp.h.
 */
#include "shell/tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

#define READ_SIZE      65536
#define CLOSE_LIMIT_MS 2000
#define FAULT_SIZE     200
#define BACKLOG        64
#define RETRY_MS       5 /* what waits for the owner's word is tried again so often */

struct tcp {
    uv_tcp_t socket;
    uv_timer_t limit; /* of an address that is tried, later of tcp_close, or of octets that wait */
    uv_getaddrinfo_t resolve;
    struct addrinfo *found;         /* the addresses of the name */
    const struct addrinfo *address; /* of them, that is tried */
    uint64_t connect_by;            /* in the loop's time, ms */
    const char *local;              /* ours, to connect from; NULL: the system chooses */
    bool refused;                   /* by one of the addresses */
    uv_connect_t connect;
    const struct tcp_events *events;
    void *context;
    bool resolving, open, closing, finishing, paused;
    bool offering, offer_again; /* `received` is being called; and is to be called once more */
    enum komet_reason failure;  /* of the first write that failed, KOMET_OK none */
    unsigned handles;           /* that are not closed yet */
    size_t output_max, waiting;
    uint8_t *input; /* received and not taken */
    size_t input_size, input_capacity;
    uint8_t *rest; /* `waiting` octets that are not given to the loop, since the owner is asked before */
    size_t rest_capacity;
};

struct write_request {
    uv_write_t request;
    struct tcp *tcp;
    size_t size;
    uint8_t octets[];
};

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    KOMET_ASSERT(memory != NULL); /* a program without memory ends, and is started again */
    return memory;
}

static void free_when_closed(struct tcp *tcp)
{
    if (tcp->handles == 0 && !tcp->resolving) {
        uv_freeaddrinfo(tcp->found);
        free(tcp->input);
        free(tcp->rest);
        free(tcp);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct tcp *tcp = handle->data;
    tcp->handles--;
    free_when_closed(tcp);
}

static void close_handles(struct tcp *tcp, bool reset)
{
    if (tcp->closing) {
        return;
    }
    tcp->closing = true;
    tcp->open = false;
    if (tcp->resolving) {
        uv_cancel((uv_req_t *)&tcp->resolve);
    }
    uv_handle_t *socket = (uv_handle_t *)&tcp->socket;
    if (!uv_is_closing(socket) && (!reset || uv_tcp_close_reset(&tcp->socket, on_handle_closed) != 0)) {
        uv_close(socket, on_handle_closed);
    }
    uv_close((uv_handle_t *)&tcp->limit, on_handle_closed);
}

static void end(struct tcp *tcp, enum komet_reason reason)
{
    if (tcp->closing) {
        return;
    }
    bool told = !tcp->finishing;
    close_handles(tcp, false);
    if (told) {
        tcp->events->closed(tcp->context, tcp, tcp->failure != KOMET_OK ? tcp->failure : reason);
    }
}

enum komet_reason tcp_reason(int status)
{
    switch (status) {
    case UV_EOF:
        return KOMET_PEER_CLOSED;
    case UV_ECONNREFUSED:
        return KOMET_CONNECT_REFUSED;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
        return KOMET_CONNECTION_RESET;
    default: /* no answer, no route, an interface that is down: the other end may live on */
        return KOMET_UNREACHABLE;
    }
}

/* ---- reading ---- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct tcp *tcp = handle->data;
    (void)suggested;
    if (tcp->input_capacity - tcp->input_size < READ_SIZE) {
        tcp->input_capacity = tcp->input_size * 2 + READ_SIZE;
        tcp->input = realloc(tcp->input, tcp->input_capacity);
        KOMET_ASSERT(tcp->input != NULL);
    }
    *buffer = uv_buf_init((char *)tcp->input + tcp->input_size, READ_SIZE);
}

/* Offers what was received. The owner may close the connection in there: its memory stays until later. It may
 * also pause and resume: then it is offered the rest, but only after what it has taken is out of the way. */
static void offer(struct tcp *tcp)
{
    if (tcp->offering) {
        tcp->offer_again = true;
        return;
    }
    tcp->offering = true;
    do {
        tcp->offer_again = false;
        size_t taken = tcp->events->received(tcp->context, tcp, tcp->input, tcp->input_size);
        if (tcp->closing || tcp->finishing) {
            break;
        }
        KOMET_ASSERT(taken <= tcp->input_size);
        tcp->input_size -= taken;
        memmove(tcp->input, tcp->input + taken, tcp->input_size);
    } while (tcp->offer_again && tcp->input_size > 0);
    tcp->offering = false;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct tcp *tcp = stream->data;
    (void)buffer;
    if (size < 0) {
        end(tcp, tcp_reason((int)size));
    } else if (size > 0 && !tcp->finishing) {
        tcp->input_size += (size_t)size;
        offer(tcp);
    }
}

static void start_reading(struct tcp *tcp)
{
    tcp->paused = false;
    int status = uv_read_start((uv_stream_t *)&tcp->socket, on_allocate, on_read);
    if (status != 0) {
        end(tcp, tcp_reason(status));
    }
}

void tcp_pause(struct tcp *tcp)
{
    if (!tcp->paused && !tcp->closing) {
        tcp->paused = true;
        uv_read_stop((uv_stream_t *)&tcp->socket);
    }
}

void tcp_resume(struct tcp *tcp)
{
    if (!tcp->paused || tcp->closing) {
        return;
    }
    start_reading(tcp);
    if (tcp->input_size > 0 && !tcp->closing) {
        offer(tcp); /* it may pause again */
    }
}

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    struct write_request *write = (struct write_request *)request;
    struct tcp *tcp = write->tcp;
    tcp->waiting -= write->size;
    free(write);
    if (status != 0) {
        end(tcp, tcp_reason(status));
    } else if (tcp->waiting == 0 && tcp->finishing) {
        close_handles(tcp, false);
    } else if (tcp->waiting == 0 && !tcp->closing && tcp->events->drained != NULL) {
        tcp->events->drained(tcp->context, tcp);
    }
}

/* How many octets the socket takes now. */
static size_t write_now(struct tcp *tcp, const uint8_t *octets, size_t size)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)octets, (unsigned)size);
    int written = uv_try_write((uv_stream_t *)&tcp->socket, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN && tcp->failure == KOMET_OK) {
        /* The kernel tells it once; later writes break the pipe, later reads are at the end. */
        tcp->failure = tcp_reason(written);
    }
    return written > 0 ? (size_t)written : 0;
}

static void on_retry(uv_timer_t *timer)
{
    struct tcp *tcp = timer->data;
    if (!tcp->events->may_write(tcp->context, tcp) || !tcp->open) {
        return;
    }
    size_t done = write_now(tcp, tcp->rest, tcp->waiting);
    if (tcp->failure != KOMET_OK) {
        end(tcp, tcp->failure);
        return;
    }
    tcp->waiting -= done;
    memmove(tcp->rest, tcp->rest + done, tcp->waiting);
    if (tcp->waiting == 0) {
        uv_timer_stop(&tcp->limit);
        if (tcp->events->drained != NULL) {
            tcp->events->drained(tcp->context, tcp);
        }
    }
}

/* Octets wait here, not in the loop, until the owner lets them go. */
static void keep(struct tcp *tcp, const uint8_t *octets, size_t size)
{
    if (tcp->waiting + size > tcp->rest_capacity) {
        tcp->rest_capacity = 2 * (tcp->waiting + size);
        tcp->rest = realloc(tcp->rest, tcp->rest_capacity);
        KOMET_ASSERT(tcp->rest != NULL);
    }
    memcpy(tcp->rest + tcp->waiting, octets, size);
    if (tcp->waiting == 0) {
        uv_timer_start(&tcp->limit, on_retry, RETRY_MS, RETRY_MS);
    }
    tcp->waiting += size;
}

bool tcp_write(struct tcp *tcp, const uint8_t *octets, size_t size)
{
    if (!tcp->open || tcp->finishing) {
        return false;
    }
    if (tcp->waiting == 0) {
        size_t done = write_now(tcp, octets, size);
        octets += done;
        size -= done;
    }
    if (size == 0) {
        return true;
    }
    if (tcp->waiting + size > tcp->output_max) {
        end(tcp, KOMET_OUTPUT_FULL);
        return false;
    }
    if (tcp->events->may_write != NULL) {
        keep(tcp, octets, size);
        return true;
    }
    struct write_request *write = allocate(sizeof *write + size);
    write->tcp = tcp;
    write->size = size;
    memcpy(write->octets, octets, size);
    uv_buf_t buffer = uv_buf_init((char *)write->octets, (unsigned)size);
    tcp->waiting += size;
    int status = uv_write(&write->request, (uv_stream_t *)&tcp->socket, &buffer, 1, on_written);
    if (status != 0) {
        tcp->waiting -= size;
        free(write);
        end(tcp, tcp_reason(status));
        return false;
    }
    return true;
}

void tcp_send_at_once(struct tcp *tcp, bool at_once)
{
    uv_tcp_nodelay(&tcp->socket, at_once ? 1 : 0);
}

size_t tcp_waiting(const struct tcp *tcp)
{
    return tcp->waiting;
}

/* ---- ending ---- */

void tcp_abort(struct tcp *tcp)
{
    close_handles(tcp, tcp->open && !tcp->finishing);
}

static void on_close_limit(uv_timer_t *timer)
{
    close_handles(timer->data, true);
}

void tcp_close(struct tcp *tcp)
{
    if (tcp->closing || tcp->finishing) {
        return;
    }
    if (tcp->waiting == 0 || tcp->events->may_write != NULL) { /* nobody is asked any more */
        close_handles(tcp, false);
        return;
    }
    tcp->finishing = true;
    uv_timer_start(&tcp->limit, on_close_limit, CLOSE_LIMIT_MS, 0);
}

/* ---- beginning ---- */

static struct tcp *tcp_new(uv_loop_t *loop, const struct tcp_events *events, void *context, size_t output_max)
{
    struct tcp *tcp = allocate(sizeof *tcp);
    *tcp = (struct tcp){.events = events, .context = context, .output_max = output_max};
    int failed = uv_tcp_init(loop, &tcp->socket);
    failed |= uv_timer_init(loop, &tcp->limit);
    KOMET_ASSERT(failed == 0);
    tcp->socket.data = tcp->limit.data = tcp->resolve.data = tcp->connect.data = tcp;
    tcp->handles = 2;
    return tcp;
}

static void opened(struct tcp *tcp)
{
    tcp->open = true;
    uv_tcp_nodelay(&tcp->socket, 1);
    uv_tcp_keepalive(&tcp->socket, 1, 30);
    start_reading(tcp);
}

static void try_address(struct tcp *tcp);

/* The socket of the address before is out of the way. */
static void on_socket_closed(uv_handle_t *handle)
{
    struct tcp *tcp = handle->data;
    if (tcp->closing) {
        on_handle_closed(handle);
        return;
    }
    int failed = uv_tcp_init(handle->loop, &tcp->socket);
    KOMET_ASSERT(failed == 0);
    try_address(tcp);
}

static void try_next_address(struct tcp *tcp)
{
    tcp->address = tcp->address->ai_next;
    if (tcp->address == NULL) {
        end(tcp, tcp->refused ? KOMET_CONNECT_REFUSED : KOMET_UNREACHABLE);
    } else {
        uv_close((uv_handle_t *)&tcp->socket, on_socket_closed);
    }
}

static void on_address_limit(uv_timer_t *timer)
{
    try_next_address(timer->data);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct tcp *tcp = request->data;
    if (uv_is_closing((uv_handle_t *)&tcp->socket)) {
        return; /* it was given up */
    }
    uv_timer_stop(&tcp->limit);
    if (status != 0) {
        tcp->refused = tcp->refused || status == UV_ECONNREFUSED;
        try_next_address(tcp);
        return;
    }
    opened(tcp);
    if (!tcp->closing && tcp->events->connected != NULL) {
        tcp->events->connected(tcp->context, tcp);
    }
}

/* An address of the other family than the partner's cannot be used for it, nor can one that is not ours. */
static bool bind_local(struct tcp *tcp)
{
    struct sockaddr_storage address;
    if (tcp->local == NULL) {
        return true;
    }
    if (uv_ip4_addr(tcp->local, 0, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(tcp->local, 0, (struct sockaddr_in6 *)&address) != 0) {
        return false;
    }
    return address.ss_family == tcp->address->ai_family &&
           uv_tcp_bind(&tcp->socket, (struct sockaddr *)&address, 0) == 0;
}

/* Each address has an equal part of the time that is left, so that one behind which nobody answers leaves
 * time for the next; the last one has what remains, which its owner ends. */
static void try_address(struct tcp *tcp)
{
    uint64_t now = uv_now(tcp->socket.loop), left = tcp->connect_by > now ? tcp->connect_by - now : 0;
    unsigned addresses = 1;
    for (const struct addrinfo *next = tcp->address->ai_next; next != NULL; next = next->ai_next) {
        addresses++;
    }
    if (addresses > 1) {
        uv_timer_start(&tcp->limit, on_address_limit, left / addresses, 0);
    }
    if (!bind_local(tcp) ||
        uv_tcp_connect(&tcp->connect, &tcp->socket, tcp->address->ai_addr, on_connected) != 0) {
        uv_timer_stop(&tcp->limit);
        try_next_address(tcp);
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct tcp *tcp = request->data;
    tcp->resolving = false;
    tcp->found = found;
    tcp->address = found;
    if (tcp->closing) {
        free_when_closed(tcp);
    } else if (status != 0) {
        end(tcp, KOMET_UNREACHABLE);
    } else {
        try_address(tcp);
    }
}

struct tcp *tcp_connect(uv_loop_t *loop, const char *local, const char *host, uint16_t port,
                        uint64_t limit_ms, const struct tcp_events *events, void *context, size_t output_max)
{
    struct tcp *tcp = tcp_new(loop, events, context, output_max);
    char service[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    snprintf(service, sizeof service, "%u", port);
    tcp->connect_by = uv_now(loop) + limit_ms;
    tcp->local = local;
    /* Also for addresses: the answer, and so a failure, always comes later, never from within this call. */
    int status = uv_getaddrinfo(loop, &tcp->resolve, on_resolved, host, service, &hints);
    KOMET_ASSERT(status == 0);
    tcp->resolving = true;
    return tcp;
}

struct tcp_listener {
    uv_tcp_t socket;
    tcp_accepted *accepted;
    void *context;
};

static const struct tcp_events no_events = {NULL, NULL, NULL, NULL, NULL};

static void on_connection(uv_stream_t *stream, int status)
{
    struct tcp_listener *listener = stream->data;
    if (status == 0) {
        listener->accepted(listener->context, listener);
    }
}

struct tcp *tcp_adopt(struct tcp_listener *listener, const struct tcp_events *events, void *context,
                      size_t output_max)
{
    struct tcp *tcp = tcp_new(listener->socket.loop, &no_events, context, output_max);
    if (uv_accept((uv_stream_t *)&listener->socket, (uv_stream_t *)&tcp->socket) != 0) {
        close_handles(tcp, false);
        return NULL;
    }
    tcp->events = events;
    opened(tcp);
    return tcp;
}

void tcp_peer(const struct tcp *tcp, char *text, size_t size)
{
    struct sockaddr_storage address;
    int length = sizeof address;
    char host[64] = "?";
    unsigned port = 0;
    if (uv_tcp_getpeername(&tcp->socket, (struct sockaddr *)&address, &length) == 0) {
        if (address.ss_family == AF_INET6) {
            uv_ip6_name((struct sockaddr_in6 *)&address, host, sizeof host);
            port = ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
        } else {
            uv_ip4_name((struct sockaddr_in *)&address, host, sizeof host);
            port = ntohs(((struct sockaddr_in *)&address)->sin_port);
        }
    }
    snprintf(text, size, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

void tcp_ends(const struct tcp *tcp, struct sockaddr_storage *local, struct sockaddr_storage *remote)
{
    int length = sizeof *local;
    *local = *remote = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    uv_tcp_getsockname(&tcp->socket, (struct sockaddr *)local, &length);
    length = sizeof *remote;
    uv_tcp_getpeername(&tcp->socket, (struct sockaddr *)remote, &length);
}

bool tcp_is_local(const struct tcp *tcp)
{
    struct sockaddr_storage address;
    int length = sizeof address;
    if (uv_tcp_getpeername(&tcp->socket, (struct sockaddr *)&address, &length) != 0) {
        return true; /* it has gone: nothing reaches anybody */
    }
    if (address.ss_family == AF_INET6) {
        const struct in6_addr *host = &((struct sockaddr_in6 *)&address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(host) || (IN6_IS_ADDR_V4MAPPED(host) && host->s6_addr[12] == 127);
    }
    return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
}

static int bind_address(struct tcp_listener *listener, const char *host, uint16_t port)
{
    struct sockaddr_storage address;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address) != 0) {
        char service[8];
        snprintf(service, sizeof service, "%u", port);
        if (getaddrinfo(host, service, &hints, &found) != 0) {
            return UV_EADDRNOTAVAIL;
        }
        memcpy(&address, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
    }
    return uv_tcp_bind(&listener->socket, (struct sockaddr *)&address, 0);
}

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct tcp_listener *tcp_listen(uv_loop_t *loop, const char *host, uint16_t port, tcp_accepted *accepted,
                                void *context, char *fault)
{
    struct tcp_listener *listener = allocate(sizeof *listener);
    listener->accepted = accepted;
    listener->context = context;
    int status = uv_tcp_init(loop, &listener->socket);
    KOMET_ASSERT(status == 0);
    listener->socket.data = listener;
    status = bind_address(listener, host, port);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&listener->socket, BACKLOG, on_connection);
    }
    if (status != 0) {
        snprintf(fault, FAULT_SIZE, "cannot listen on %s:%u: %s", host, port, uv_strerror(status));
        tcp_listener_close(listener);
        return NULL;
    }
    return listener;
}

void tcp_listener_close(struct tcp_listener *listener)
{
    if (listener != NULL) {
        uv_close((uv_handle_t *)&listener->socket, on_listener_closed);
    }
}
