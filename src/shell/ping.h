/*
 * ping: ICMP echo on a libuv loop, for whoever wants to know whether an address answers. Sockets that any
 * user may have where the system allows it (net.ipv4.ping_group_range), else raw ones, for which the program
 * needs CAP_NET_RAW. Who waits for an answer, and how long, is the caller's business.
 */
#ifndef SHELL_PING_H
#define SHELL_PING_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct pinger; /* opaque */

/* `answered`: an echo came back. `token`: of ping_send. Else this machine does not allow us to ping that
 * family of addresses, which is in the log once. Never called from within ping_send. */
typedef void (*ping_ended)(void *context, uint64_t token, bool answered);

/* Nothing is opened before the first ping. `context`: borrowed for its life. */
struct pinger *pinger_open(uv_loop_t *loop, ping_ended ended, void *context);
/* Sends one echo to a name or address, of a name to its first address. What cannot be sent, since the network
 * says so, has no answer.
 *   local  an IP address of this machine to send from; NULL, or of the other family: the system chooses */
void ping_send(struct pinger *pinger, const char *host, const char *local, uint64_t token);
/* Frees itself some time later; `ended` is not called any more. */
void pinger_close(struct pinger *pinger);

#endif
