/*
 * station: a controlled station with a breaker and a voltage. It answers interrogations and one command, and
 * sends events: the breaker when it was commanded, the voltage every PERIOD_MS (1000 if not given).
 *
 *     station PORT [PERIOD_MS]         on 127.0.0.1; port 0: one that is free
 *
 * This file moves octets between a socket and the group, which keeps events until the centre has acknowledged
 * them, over every end of the connection. What the station says is in station_answers.c.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <komet/komet.h>

#include "posix.h"
#include "station_answers.h"

static _Alignas(max_align_t) uint8_t memory[16384]; /* libkomet allocates nothing: this is the group's */
static struct komet_group *group;
static int listener;
static int centre = -1;     /* the socket of the group's only connection, number 0; -1: none */
static bool centre_is_full; /* which takes no octets now */

static void disconnect(const char *why)
{
    printf("closed: %s\n", why);
    close(centre);
    centre = -1;
    data_transfer(false);
    komet_group_closed(group, now(), 0);
}

/* Does what the group wants done. */
static void serve(void)
{
    struct komet_group_output out;
    centre_is_full = false;
    komet_group_writable(group, 0); /* perhaps: what it does not take now comes again next time */
    while (komet_group_next(group, now(), &out)) {
        ssize_t sent;
        switch (out.kind) {
        case KOMET_GROUP_OUT_STATE:
            printf("data transfer: %s\n", komet_link_state_name(out.state));
            data_transfer(out.state == KOMET_LINK_STARTED);
            break;
        case KOMET_GROUP_OUT_ASDU:
            if (!take_asdu(group, out.octets, out.size)) {
                disconnect(komet_reason_sentence(KOMET_BAD_ASDU));
                return;
            }
            komet_group_acknowledge(group, now(), 0, out.received);
            break;
        case KOMET_GROUP_OUT_ACKNOWLEDGED:
            break; /* there may be room for answers, which are sent below */
        case KOMET_GROUP_OUT_SEND:
            sent = send_octets(centre, out.octets, out.size);
            if (sent > 0) {
                komet_group_written(group, 0, (size_t)sent);
            } else if (sent == 0) {
                centre_is_full = true; /* poll says when there is room */
            } else {
                disconnect(komet_reason_sentence(KOMET_CONNECTION_RESET));
            }
            break;
        case KOMET_GROUP_OUT_CLOSE:
            disconnect(komet_reason_sentence(out.reason));
            break;
        }
        send_answers(group);
    }
}

static void receive(void)
{
    uint8_t octets[4096];
    ssize_t size = recv(centre, octets, sizeof octets, 0);
    if (size <= 0) {
        disconnect(komet_reason_sentence(KOMET_PEER_CLOSED));
    }
    for (ssize_t at = 0;
         at < size && centre >= 0;) { /* each frame's meaning is taken before the next is fed */
        at += (ssize_t)komet_group_feed(group, now(), 0, octets + at, (size_t)(size - at));
        serve();
    }
}

/* A centre connects. The one before is forgotten: it comes again because it had lost its connection. */
static void take_connection(void)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
        return;
    }
    if (centre >= 0) {
        disconnect(komet_reason_sentence(KOMET_REPLACED));
    }
    centre = fd;
    fcntl(centre, F_SETFL, O_NONBLOCK);
    komet_group_connected(group, now(), 0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_size = sizeof address;
    struct komet_group_settings settings = {
        .link = komet_link_settings_standard(KOMET_CONTROLLED), .connections = 1, .buffer_size = 8192};
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: station PORT [PERIOD_MS]\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0) {
        fprintf(stderr, "station: cannot listen on port %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&address, &address_size);
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines at once, into pipes too */
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));

    group = komet_group_init(memory, sizeof memory, &settings);
    begin_station(group);
    int64_t period_us = KOMET_MS(argc == 3 ? strtol(argv[2], NULL, 10) : 1000);
    struct komet_instant next_event = komet_after(now(), period_us);
    for (;;) {
        struct pollfd polled[2] = {
            {.fd = listener, .events = POLLIN},
            {.fd = centre, .events = (short)(centre_is_full ? POLLIN | POLLOUT : POLLIN)}};
        poll(polled, 2, milliseconds_until(komet_earlier(komet_group_deadline(group), next_event)));
        if (readable(&polled[1])) {
            receive();
        }
        if (readable(&polled[0])) {
            take_connection();
        }
        if (komet_reached(now(), next_event)) {
            change_voltage(group);
            next_event = komet_after(now(), period_us);
        }
        komet_group_tick(group, now());
        serve();
    }
}
