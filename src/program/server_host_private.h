/*
 * The inside of the server's host: what its two files share. Nobody else includes it.
 */
#ifndef KOMET_PROGRAM_SERVER_HOST_PRIVATE_H
#define KOMET_PROGRAM_SERVER_HOST_PRIVATE_H

#include "program/server_console.h"
#include "program/server_host.h"
#include "program/site_reading.h"
#include "server/server.h"
#include "shell/journal.h"
#include "shell/wire_peer.h"

#define FILES_MAX 4096 /* of one process */

struct host_client {
    struct server_host *host;
    struct wire_peer *peer; /* NULL: free, or lost */
    bool open;              /* the engine knows it */
    bool lost, surely_dead; /* the engine is to be told */
    bool welcome;           /* it was greeted: it may ask */
    bool answered;          /* a page went out, server_console_sent is still to come */
    bool held; /* it asked, and is not listened to before the loop has been round and it has read */
};

/* What begins anew when a new journal is opened. */
struct engine {
    struct server *server;
    void *memory;
    struct server_console *console;
};

/* How far a RELOAD is. */
enum reload_state {
    RELOAD_NONE,
    RELOAD_READING,  /* on the pool */
    RELOAD_READY,    /* it was read; what goes away is ending */
    RELOAD_APPLYING, /* it runs, and instances are still applying it */
};

struct server_host {
    struct server_host_settings settings;
    const struct site *site;          /* that runs: the settings', or of `own` */
    const struct site_folder *folder; /* its files */
    struct configuration own;         /* since the first RELOAD */
    enum reload_state reload;
    bool reload_drained;          /* READY: what server_reload_ready ended was handed out */
    struct site_reading *reading; /* READING: under way; READY: read; APPLYING: what the site before needs */
    struct engine engine;
    struct journal *journal; /* NULL: it failed */
    struct tcp_listener *listener;
    uv_timer_t deadline, retry;
    uv_idle_t pages; /* runs while somebody's page has left */
    bool draining, stopping;
    struct host_client clients[SERVER_CLIENTS_MAX];
    Komet__Wire__SiteFile files[FILES_MAX];
    Komet__Wire__SiteFile *file_list[FILES_MAX];
};

/* server_host.c: does what the engine wants. */
void server_host_drain(struct server_host *host);

/* server_host_reload.c: one step of a RELOAD, when all that the engine wanted was done. True: the engine may
 * want something again. */
bool server_host_follow_reload(struct server_host *host);

#endif
