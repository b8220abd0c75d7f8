/*
 * server_host: the server's engine, its journal and its consoles, put into a loop: clients come over TCP,
 * what they say goes in, and what the engine wants is done.
 *
 * When the journal fails, the engine refuses values and commands; every few seconds a new journal is tried,
 * and when one opens, a new engine begins with what is really on disk. Until then consoles still see what was
 * known.
 */
#ifndef KOMET_PROGRAM_SERVER_HOST_H
#define KOMET_PROGRAM_SERVER_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "model/site.h"
#include "shell/tls.h"
#include "site/reader.h"

#define SERVER_HOST_FAULT_SIZE 256

struct server_host; /* opaque */

struct server_host_settings {
    uv_loop_t *loop;
    const struct site *site;          /* all borrowed for the host's life */
    const char *directory;            /* where RELOAD reads the site again */
    const struct site_folder *folder; /* the files that KOMs are sent */
    const char *name;                 /* of this server */
    const char *data;                 /* folder of the journal */
    const char *host;                 /* where it listens */
    uint16_t port;
    bool listen_given, tls_given;      /* on the command line, whatever the site says */
    const struct tls_credentials *tls; /* NULL: plain, and then only on an address of loopback */
};

/* Opens the journal, recovers, and listens. NULL: `fault` (SERVER_HOST_FAULT_SIZE octets) says why not;
 * nothing is left open. */
struct server_host *server_host_start(const struct server_host_settings *settings, char *fault);
/* Closes all clients, writes what the journal has, ends. Afterwards the loop runs out by itself; only then is
 * server_host_free allowed. */
void server_host_stop(struct server_host *host);
void server_host_free(struct server_host *host); /* NULL is allowed */

#endif
