/*
 * client: a controlling station: a link, a centre and a socket. It interrogates station 1, prints what comes.
 *
 *     client HOST PORT                 goes on until the connection ends
 *     client HOST PORT IOA on|off      sends a single command after the interrogation; ends with its answer
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <komet/komet.h>

#include "posix.h"

static _Alignas(max_align_t) uint8_t link_memory[8192], centre_memory[8192]; /* libkomet allocates nothing */
static struct komet_link *connection;
static struct komet_centre *centre;
static int peer;          /* the link's socket, */
static bool peer_is_full; /* which takes no octets now */
static struct komet_centre_request command = {
    .type = KOMET_C_SC_NA_1, .ca = 1, .terminates = true, .deadline = {INT64_MAX}}; /* no limit */

/* What has become of the requests, and what is to be sent next, as far as the window has room. */
static void serve_centre(void)
{
    struct komet_centre_event event;
    uint8_t *place;
    while (komet_centre_next(centre, &event)) {
        if (event.kind < KOMET_CENTRE_DONE || event.id == 0) {
            continue; /* on the way, or none of ours */
        }
        printf("request %u: %s\n", (unsigned)event.id, komet_centre_kind_name(event.kind));
        if (event.type == command.type) {
            komet_link_stop(connection, now());
        } else if (command.object.ioa != 0) {
            komet_centre_request(centre, now(), &command, NULL);
        }
    }
    for (size_t size; (place = komet_link_reserve(connection)) != NULL &&
                      (size = komet_centre_write(centre, now(), calendar_time(), place)) > 0;) {
        komet_link_commit(connection, now(), size);
    }
}

static void take_asdu(const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(&komet_profile_104, octets, size, &asdu);
    if (result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) {
        komet_link_close(connection, KOMET_BAD_ASDU);
        return;
    }
    for (unsigned i = 0; result == KOMET_ASDU_OK && i < asdu.count; i++) { /* private types are passed over */
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        printf("%s %s%s ca %u ioa %u value %g quality 0x%02x\n", asdu.row->name, komet_cause_name(asdu.cause),
               asdu.negative ? " (negative)" : "", (unsigned)asdu.ca, (unsigned)object.ioa,
               komet_object_number(&object), (unsigned)object.quality);
    }
    komet_centre_receive(centre, now(), &asdu);
}

/* Does what the link and the centre want done. */
static void serve(void)
{
    struct komet_link_output out;
    peer_is_full = false;
    for (serve_centre(); !peer_is_full && komet_link_next(connection, now(), &out); serve_centre()) {
        ssize_t sent;
        switch (out.kind) {
        case KOMET_LINK_OUT_STATE:
            printf("data transfer: %s\n", komet_link_state_name(out.state));
            if (out.state == KOMET_LINK_STARTED) {
                komet_centre_connected(centre, now()); /* the interrogation waits for this */
            } else if (out.state == KOMET_LINK_STOPPED) {
                komet_link_close(connection, KOMET_SHUTDOWN);
            }
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
            peer_is_full = sent == 0; /* then the same SEND comes again when poll says that there is room */
            if (sent > 0) {
                komet_link_written(connection, (size_t)sent);
            } else if (sent < 0) {
                komet_link_close(connection, KOMET_CONNECTION_RESET);
            }
            break;
        }
    }
}

/* Waits for octets or for the first deadline, whichever comes before. */
static void turn(void)
{
    struct pollfd polled = {.fd = peer, .events = (short)(peer_is_full ? POLLIN | POLLOUT : POLLIN)};
    poll(&polled, 1,
         milliseconds_until(komet_earlier(komet_link_deadline(connection), komet_centre_deadline(centre))));
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
    komet_centre_tick(centre, now());
    serve();
}

int main(int argc, char **argv)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    struct komet_centre_settings centre_settings = komet_centre_settings_standard();
    struct komet_centre_request interrogation = {
        .type = KOMET_C_IC_NA_1, .ca = 1, .waits = true, .object.qualifier = 20, .deadline = KOMET_NEVER};
    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: client HOST PORT [IOA on|off]\n");
        return 2;
    }
    peer = connect_to(argv[1], argv[2]);
    if (peer < 0) {
        fprintf(stderr, "client: cannot connect to %s:%s\n", argv[1], argv[2]);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines at once, into pipes too */
    command.object.ioa = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    command.object.value.single = argc == 5 && strcmp(argv[4], "on") == 0;
    connection = komet_link_init(link_memory, sizeof link_memory, &settings, now());
    centre = komet_centre_init(centre_memory, sizeof centre_memory, &centre_settings);
    komet_centre_request(centre, now(), &interrogation, NULL);
    komet_link_start(connection, now());
    for (serve(); komet_link_state(connection) != KOMET_LINK_CLOSED;) {
        turn();
    }
    printf("closed: %s\n", komet_reason_sentence(komet_link_reason(connection)));
    return komet_link_reason(connection) == KOMET_SHUTDOWN ? 0 : 1;
}
