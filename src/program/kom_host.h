/*
 * kom_host: the KOM's engine put into a loop: one connection to a server, and the telemetry connections that
 * the engine asks for.
 *
 * It connects to the servers in turn until one welcomes it, reads its part of the site from what that one
 * sends, and goes on so after each loss of the connection.
 */
#ifndef KOMET_PROGRAM_KOM_HOST_H
#define KOMET_PROGRAM_KOM_HOST_H

#include <uv.h>

#include "kom/kom.h"
#include "program/endpoints.h"
#include "shell/tls.h"

struct kom_host; /* opaque */

struct kom_host_settings {
    uv_loop_t *loop;
    struct kom_identity identity; /* what it points to is borrowed for the host's life */
    const struct endpoints *servers;
    size_t traffic; /* octets of memory for the newest traffic (LNTRACE); 0: none is kept */
    const struct tls_credentials *tls; /* NULL: plain, and only with a server of this machine */
    bool stay;                         /* with the first of them that welcomes it */
    const char *buffer;     /* folder of its own buffer, for the time without a server; NULL: it has none */
    uint64_t buffer_octets; /* of it, at most */
};

/* Begins to connect. It ends by itself, and with it the loop, only when a server refuses the instance, tells
 * it to end or sends a site that cannot be read. */
struct kom_host *kom_host_start(const struct kom_host_settings *settings);
/* Asks the server to relieve it, closes the lines, ends; then the loop runs out. Called again, it does not
 * wait for the server. */
void kom_host_stop(struct kom_host *host);
/* 0, or 1 when it had to end by itself (the reason is on standard error); frees. After the loop has run out.
 */
int kom_host_free(struct kom_host *host);

#endif
