/*
 * The inside of the KOM's host: what its two files share. Nobody else includes it.
 */
#ifndef KOMET_PROGRAM_KOM_HOST_PRIVATE_H
#define KOMET_PROGRAM_KOM_HOST_PRIVATE_H

#include "program/kom_host.h"
#include "program/site_reading.h"
#include "shell/names.h"
#include "shell/ping.h"
#include "shell/tcp.h"
#include "shell/wire_peer.h"

#define RECONNECT_MIN_MS 200

struct host_connection {
    struct host_line *line;
    struct tcp *tcp; /* NULL: none */
    uint32_t serial;
    bool held; /* reading waits until the engine takes values again */
};

struct host_line {
    struct kom_host *host;
    const struct line *line;
    uint16_t index;
    struct tcp_listener *listener; /* NULL: it does not listen */
    struct host_connection connections[LINE_CONNECTIONS_MAX];
};

struct kom_host {
    struct kom_host_settings settings;
    struct kom *kom;
    void *kom_memory, *traffic;
    struct buffer *buffer; /* NULL: it has none */
    struct pinger *pinger; /* NULL: no line has wanted it; as the next one */
    struct names *names;
    uint16_t lines_serial;           /* grows when lines get other numbers: of answers to pings before */
    struct wire_peer *server;        /* NULL: not connected */
    size_t this_server, next_server; /* of settings.servers */
    bool stays;                      /* with this_server, which welcomed us */
    bool connected, welcomed;
    unsigned failures; /* to connect, since the last time that it worked */
    uint64_t pause_ms;
    uv_timer_t deadline, reconnect;
    uv_prepare_t turn;
    bool holds; /* a connection may be held */
    bool fed;   /* octets of telemetry, and was not drained since */
    bool draining, leaving, ended, refused;
    void *lines_memory;
    struct site_wanted wanted;          /* our part of the site */
    struct configuration configuration; /* what the server sent; result.site NULL before */
    struct site_reading *reading;       /* of a changed one, which is compared with it; NULL: none */
    bool reading_wanted;                /* the server that sent it is still there */
    struct host_line **lines;
    unsigned line_count;
};

/* kom_host.c */
/* Does what the engine wants. */
void kom_host_drain(struct kom_host *host);
/* Ends by itself: `why` is printed. */
void kom_host_give_up(struct kom_host *host, const char *why);
/* The TCP connections of a line are closed at once, and it listens no more. */
void kom_host_abort_line(struct host_line *line);

/* kom_host_site.c: what the server sends of the site. */
void kom_host_configure(struct kom_host *host, const Komet__Wire__Welcome *welcome);
void kom_host_reconfigure(struct kom_host *host, const Komet__Wire__Configuration *configuration);
void kom_host_forget_site(struct kom_host *host);

#endif
