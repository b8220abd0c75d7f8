/*
 * ping: see ping.h.
 *
 * An echo carries its token, and a number that nobody else knows: what comes back is told by them, and by who
 * sends it. So nothing is kept of an echo that is under way.
 */
#include "shell/ping.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "komet/assert.h"
#include "shell/log.h"
#include "shell/names.h"

#define ECHO_HEADER  8 /* type, code, checksum, identifier, sequence number */
#define OWN_SIZE     8
#define ECHO_SIZE    (ECHO_HEADER + OWN_SIZE + sizeof(union peer) + 8u)
#define RECEIVE_SIZE 2048
#define READS_MAX    64 /* echoes taken in one turn of the loop */

union peer {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

enum family { FAMILY_4, FAMILY_6, FAMILIES };

struct echo_socket {
    struct pinger *pinger;
    enum family family;
    enum { SOCKET_UNTRIED, SOCKET_OPEN, SOCKET_NOT_ALLOWED } state;
    bool raw; /* gets all that comes; of IPv4 with its header */
    int fd;
    uv_poll_t poll;
};

struct pinger {
    uv_loop_t *loop;
    ping_ended ended;
    void *context;
    struct echo_socket sockets[FAMILIES];
    uint8_t own[OWN_SIZE];
    uint16_t sequence;
    bool closing;
    unsigned handles; /* that are not closed */
    struct names *names;
    struct lookup {
        bool used;
        uint64_t token;
        const union peer *from; /* NULL: the system chooses */
        union peer local;
    } lookups[NAMES_OPEN_MAX]; /* echoes that wait for an address */
    /* Pings that the machine does not allow, told from the loop. */
    uv_timer_t refusal;
    uint64_t refused[NAMES_OPEN_MAX];
    unsigned refused_count;
};

static void free_when_over(struct pinger *pinger)
{
    if (pinger->closing && pinger->handles == 0) {
        free(pinger);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pinger *pinger = handle->data;
    pinger->handles--;
    free_when_over(pinger);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct echo_socket *of = handle->data;
    close(of->fd);
    of->pinger->handles--;
    free_when_over(of->pinger);
}

/* ---- refusals ---- */

static void on_refusal(uv_timer_t *timer)
{
    struct pinger *pinger = timer->data;
    while (!pinger->closing && pinger->refused_count > 0) {
        pinger->ended(pinger->context, pinger->refused[--pinger->refused_count], false);
    }
}

static void refuse(struct pinger *pinger, uint64_t token)
{
    if (pinger->refused_count <
        NAMES_OPEN_MAX) { /* else it is one without an answer, and the next one is told */
        pinger->refused[pinger->refused_count++] = token;
        uv_timer_start(&pinger->refusal, on_refusal, 0, 0);
    }
}

/* ---- what comes ---- */

/* The ICMP message in what a socket got; NULL: there is none. */
static const uint8_t *message_of(const struct echo_socket *of, const uint8_t *octets, size_t *size)
{
    if (of->raw && of->family == FAMILY_4) {
        size_t header = *size > 0 ? (octets[0] & 0x0Fu) * 4u : 0;
        if (header < sizeof(struct ip) || header > *size) {
            return NULL;
        }
        octets += header;
        *size -= header;
    }
    return *size >= ECHO_SIZE ? octets : NULL;
}

static bool same_host(const union peer *a, const union peer *b)
{
    if (a->any.sa_family != b->any.sa_family) {
        return false;
    }
    return a->any.sa_family == AF_INET
               ? a->ipv4.sin_addr.s_addr == b->ipv4.sin_addr.s_addr
               : memcmp(&a->ipv6.sin6_addr, &b->ipv6.sin6_addr, sizeof a->ipv6.sin6_addr) == 0;
}

static void take(struct echo_socket *of, const uint8_t *octets, size_t size, const union peer *from)
{
    struct pinger *pinger = of->pinger;
    const uint8_t *message = message_of(of, octets, &size);
    union peer asked;
    uint64_t token;
    uint8_t reply = of->family == FAMILY_4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
    if (message == NULL || message[0] != reply || memcmp(message + ECHO_HEADER, pinger->own, OWN_SIZE) != 0) {
        return;
    }
    memcpy(&asked, message + ECHO_HEADER + OWN_SIZE, sizeof asked);
    memcpy(&token, message + ECHO_HEADER + OWN_SIZE + sizeof asked, sizeof token);
    if (same_host(&asked, from)) {
        pinger->ended(pinger->context, token, true);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct echo_socket *of = poll->data;
    uint8_t octets[RECEIVE_SIZE];
    (void)status, (void)events;
    for (unsigned i = 0; i < READS_MAX && !of->pinger->closing; i++) {
        union peer from;
        socklen_t length = sizeof from;
        ssize_t size = recvfrom(of->fd, octets, sizeof octets, 0, &from.any, &length);
        if (size >= 0) {
            take(of, octets, (size_t)size, &from);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else: an error of an echo before, which has no answer then */
    }
}

/* ---- what goes ---- */

static void open_socket(struct echo_socket *of)
{
    int domain = of->family == FAMILY_4 ? AF_INET : AF_INET6;
    int protocol = of->family == FAMILY_4 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
    of->fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (of->fd < 0) {
        of->raw = true;
        of->fd = socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    }
    if (of->fd < 0) {
        of->state = SOCKET_NOT_ALLOWED;
        log_warning("addresses cannot be pinged over %s: %s; allow this user's group by "
                    "net.ipv4.ping_group_range, or give the program CAP_NET_RAW: until then PTO does nothing",
                    of->family == FAMILY_4 ? "IPv4" : "IPv6", strerror(errno));
        return;
    }
    int failed = uv_poll_init(of->pinger->loop, &of->poll, of->fd);
    KOMET_ASSERT(failed == 0);
    of->poll.data = of;
    of->pinger->handles++;
    of->state = SOCKET_OPEN;
    uv_poll_start(&of->poll, UV_READABLE, on_readable);
}

static uint16_t checksum(const uint8_t *octets, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += (uint32_t)octets[i] << 8 | octets[i + 1];
    }
    sum = (sum >> 16) + (sum & 0xFFFF);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* The kernel fills in the identifier of its own kind of socket, and the checksum of ICMPv6. */
static void write_echo(struct pinger *pinger, const union peer *to, uint64_t token, uint8_t *octets)
{
    uint8_t *at = octets + ECHO_HEADER;
    memset(octets, 0, ECHO_SIZE);
    octets[0] = to->any.sa_family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
    memcpy(octets + 4, pinger->own, 2);
    pinger->sequence++;
    octets[6] = (uint8_t)(pinger->sequence >> 8);
    octets[7] = (uint8_t)pinger->sequence;
    memcpy(at, pinger->own, OWN_SIZE);
    memcpy(at + OWN_SIZE, to, sizeof *to);
    memcpy(at + OWN_SIZE + sizeof *to, &token, sizeof token);
    uint16_t sum = checksum(octets, ECHO_SIZE);
    octets[2] = (uint8_t)(sum >> 8);
    octets[3] = (uint8_t)sum;
}

/* The address of ours that an echo is to come from, as the kernel wants to be told. */
static void say_local(struct msghdr *message, const union peer *local)
{
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    if (local->any.sa_family == AF_INET) {
        struct in_pktinfo info = {.ipi_spec_dst = local->ipv4.sin_addr};
        part->cmsg_level = IPPROTO_IP;
        part->cmsg_type = IP_PKTINFO;
        part->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(part), &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_addr = local->ipv6.sin6_addr};
        part->cmsg_level = IPPROTO_IPV6;
        part->cmsg_type = IPV6_PKTINFO;
        part->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(part), &info, sizeof info);
    }
    message->msg_controllen = part->cmsg_len;
}

static void send_echo(struct pinger *pinger, const union peer *to, const union peer *local, uint64_t token)
{
    struct echo_socket *of = &pinger->sockets[to->any.sa_family == AF_INET ? FAMILY_4 : FAMILY_6];
    if (of->state == SOCKET_UNTRIED) {
        open_socket(of);
    }
    if (of->state == SOCKET_NOT_ALLOWED) {
        refuse(pinger, token);
        return;
    }
    uint8_t octets[ECHO_SIZE];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
    union peer copy = *to;
    struct iovec piece = {.iov_base = octets, .iov_len = sizeof octets};
    struct msghdr message = {.msg_name = &copy,
                             .msg_namelen =
                                 to->any.sa_family == AF_INET ? sizeof copy.ipv4 : sizeof copy.ipv6,
                             .msg_iov = &piece,
                             .msg_iovlen = 1};
    write_echo(pinger, to, token, octets);
    if (local != NULL && local->any.sa_family == to->any.sa_family) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        say_local(&message, local);
    }
    sendmsg(of->fd, &message, 0); /* what was not sent has no answer */
}

static bool parse(const char *host, union peer *peer)
{
    memset(peer, 0, sizeof *peer);
    return uv_ip4_addr(host, 0, &peer->ipv4) == 0 || uv_ip6_addr(host, 0, &peer->ipv6) == 0;
}

static void on_found(void *context, uint64_t index, const struct network_address *addresses, unsigned count)
{
    struct pinger *pinger = context;
    struct lookup *lookup = &pinger->lookups[index];
    union peer to = {0};
    lookup->used = false;
    if (count == 0) {
        return; /* it has no answer */
    }
    if (addresses->family == 4) {
        to.ipv4.sin_family = AF_INET;
        memcpy(&to.ipv4.sin_addr, addresses->octets, 4);
    } else {
        to.ipv6.sin6_family = AF_INET6;
        memcpy(&to.ipv6.sin6_addr, addresses->octets, 16);
    }
    send_echo(pinger, &to, lookup->from, lookup->token);
}

static void send_to_name(struct pinger *pinger, const char *host, const union peer *local, uint64_t token)
{
    unsigned index = 0;
    while (index < NAMES_OPEN_MAX && pinger->lookups[index].used) {
        index++;
    }
    if (index == NAMES_OPEN_MAX) {
        return;
    }
    struct lookup *lookup = &pinger->lookups[index];
    lookup->token = token;
    lookup->from = local != NULL ? &lookup->local : NULL;
    if (local != NULL) {
        lookup->local = *local;
    }
    lookup->used = names_find(pinger->names, host, index);
}

void ping_send(struct pinger *pinger, const char *host, const char *local, uint64_t token)
{
    union peer to, from;
    const union peer *own = local != NULL && parse(local, &from) ? &from : NULL;
    if (parse(host, &to)) {
        send_echo(pinger, &to, own, token);
    } else {
        send_to_name(pinger, host, own, token);
    }
}

/* ---- life ---- */

struct pinger *pinger_open(uv_loop_t *loop, ping_ended ended, void *context)
{
    struct pinger *pinger = calloc(1, sizeof *pinger);
    KOMET_ASSERT(pinger != NULL);
    pinger->loop = loop;
    pinger->ended = ended;
    pinger->context = context;
    for (unsigned i = 0; i < FAMILIES; i++) {
        pinger->sockets[i].pinger = pinger;
        pinger->sockets[i].family = (enum family)i;
    }
    pinger->names = names_open(loop, on_found, pinger);
    int failed = uv_random(NULL, NULL, pinger->own, sizeof pinger->own, 0, NULL);
    failed |= uv_timer_init(loop, &pinger->refusal);
    KOMET_ASSERT(failed == 0);
    pinger->refusal.data = pinger;
    pinger->handles = 1;
    return pinger;
}

void pinger_close(struct pinger *pinger)
{
    pinger->closing = true;
    names_close(pinger->names);
    for (unsigned i = 0; i < FAMILIES; i++) {
        if (pinger->sockets[i].state == SOCKET_OPEN) {
            uv_close((uv_handle_t *)&pinger->sockets[i].poll, on_poll_closed);
        }
    }
    uv_close((uv_handle_t *)&pinger->refusal, on_handle_closed);
}
