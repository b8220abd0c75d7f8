/*
 * client: a controlling station. It starts data transfer, interrogates station 1 and prints what comes.
 *
 *     client HOST PORT                 goes on until the connection ends
 *     client HOST PORT IOA on|off      sends a single command after the interrogation; ends with its answer
 *
 * The protocol is all in the link. This file moves octets between it and a socket, and says what they mean.
 */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <komet/komet.h>

#include "posix.h"

enum { CA = 1, QOI_STATION = 20 };

static _Alignas(max_align_t) uint8_t memory[8192]; /* libkomet allocates nothing: this is the link's */
static struct komet_link *connection;
static int peer;                                 /* its socket, */
static bool peer_is_full;                        /* which takes no octets now */
static struct komet_object command = {.ioa = 0}; /* 0: none */

/* One object in one ASDU, written where it will be sent from. */
static void ask(uint8_t type, const struct komet_object *object)
{
    struct komet_asdu_header header = {.type = type, .cause = KOMET_COT_ACTIVATION, .ca = CA};
    struct komet_asdu_writer writer;
    uint8_t *place = komet_link_reserve(connection);
    if (place != NULL) { /* NULL: the window is full, which two requests never do */
        komet_asdu_begin(&writer, &komet_profile_104, &header, place, KOMET_ASDU_SIZE_MAX);
        komet_asdu_add(&writer, object);
        komet_link_commit(connection, now(), komet_asdu_end(&writer));
    }
}

static void take_asdu(const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    if (komet_asdu_decode(&komet_profile_104, octets, size, &asdu) != KOMET_ASDU_OK) {
        komet_link_close(connection, KOMET_BAD_ASDU);
        return;
    }
    for (unsigned i = 0; i < asdu.count; i++) {
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        printf("%s %s%s ca %u ioa %u value %g quality 0x%02x\n", asdu.row->name, komet_cause_name(asdu.cause),
               asdu.negative ? " (negative)" : "", (unsigned)asdu.ca, (unsigned)object.ioa,
               komet_object_number(&object), (unsigned)object.quality);
    }
    bool ended = asdu.cause == KOMET_COT_ACTIVATION_TERMINATION || asdu.negative;
    if (ended && asdu.type == KOMET_C_IC_NA_1 && command.ioa != 0) {
        ask(KOMET_C_SC_NA_1, &command);
    } else if (ended && asdu.type == KOMET_C_SC_NA_1) {
        komet_link_stop(connection, now());
    }
}

static void take_state(enum komet_link_state state)
{
    printf("data transfer: %s\n", komet_link_state_name(state));
    if (state == KOMET_LINK_STARTED) {
        ask(KOMET_C_IC_NA_1, &(struct komet_object){.qualifier = QOI_STATION});
    } else if (state == KOMET_LINK_STOPPED) {
        komet_link_close(connection, KOMET_SHUTDOWN);
    }
}

/* Does what the link wants done. */
static void serve(void)
{
    struct komet_link_output out;
    peer_is_full = false;
    while (!peer_is_full && komet_link_next(connection, now(), &out)) {
        ssize_t sent;
        switch (out.kind) {
        case KOMET_LINK_OUT_STATE:
            take_state(out.state);
            break;
        case KOMET_LINK_OUT_ASDU:
            take_asdu(out.octets, out.size);
            komet_link_acknowledge(connection, now(), out.received); /* who stores, stores before this */
            break;
        case KOMET_LINK_OUT_ACKNOWLEDGED:
        case KOMET_LINK_OUT_CLOSE: /* the last of all: main sees it by the state */
            break;
        case KOMET_LINK_OUT_SEND:
            sent = send_octets(peer, out.octets, out.size);
            if (sent > 0) {
                komet_link_written(connection, (size_t)sent);
            } else if (sent == 0) {
                peer_is_full = true; /* the same SEND comes again when poll says that there is room */
            } else {
                komet_link_close(connection, KOMET_CONNECTION_RESET);
            }
            break;
        }
    }
}

/* Waits for octets or for the link's deadline, whichever is first. */
static void turn(void)
{
    struct pollfd polled = {.fd = peer, .events = (short)(peer_is_full ? POLLIN | POLLOUT : POLLIN)};
    poll(&polled, 1, milliseconds_until(komet_link_deadline(connection)));
    if (readable(&polled)) {
        uint8_t octets[4096];
        ssize_t size = recv(peer, octets, sizeof octets, 0);
        if (size <= 0) {
            komet_link_close(connection, KOMET_PEER_CLOSED);
        }
        for (ssize_t at = 0; at < size;) { /* the meaning of each frame is taken before the next is fed */
            at += (ssize_t)komet_link_feed(connection, now(), octets + at, (size_t)(size - at));
            serve();
        }
    }
    komet_link_tick(connection, now());
    serve();
}

int main(int argc, char **argv)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    if ((argc != 3 && argc != 5) || getaddrinfo(argv[1], argv[2], &hints, &found) != 0) {
        fprintf(stderr, "usage: client HOST PORT [IOA on|off]\n");
        return 2;
    }
    peer = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (peer < 0 || connect(peer, found->ai_addr, found->ai_addrlen) != 0) {
        fprintf(stderr, "client: cannot connect to %s:%s: %s\n", argv[1], argv[2], strerror(errno));
        return 1;
    }
    freeaddrinfo(found);
    fcntl(peer, F_SETFL, O_NONBLOCK);
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines at once, into pipes too */
    command.ioa = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    command.value.single = argc == 5 && strcmp(argv[4], "on") == 0;
    connection = komet_link_init(memory, sizeof memory, &settings, now());
    komet_link_start(connection, now());
    for (serve(); komet_link_state(connection) != KOMET_LINK_CLOSED;) {
        turn();
    }
    printf("closed: %s\n", komet_reason_sentence(komet_link_reason(connection)));
    return komet_link_reason(connection) == KOMET_SHUTDOWN ? 0 : 1;
}
