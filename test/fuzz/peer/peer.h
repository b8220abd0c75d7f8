/*
 * peer: a controlling peer on the connections of the rig, which the fuzzer's script moves.
 */
#ifndef FUZZ_PEER_PEER_H
#define FUZZ_PEER_PEER_H

#include "rig/rig.h"
#include "rig/spoil.h"

enum { CORK_SIZE = 600 };

struct peer {
    struct script script;
    struct rig *rig;
    struct spoil spoil; /* of the next frame */
    size_t piece;       /* frames leave in pieces of so many octets; 0: whole */
    struct {            /* frames that wait, to leave in one piece */
        bool is;
        size_t size;
        unsigned i_formats;
        uint8_t octets[CORK_SIZE];
    } cork[CONNECTIONS];
    struct message last[CONNECTIONS]; /* request */
};

uint8_t peer_octet(struct peer *peer); /* of the script */

/* frames.c: all on connection `c`. Octets go out in the peer's pieces. */
void peer_deliver(struct peer *peer, unsigned c, const uint8_t *octets, size_t size);
void peer_uncork(struct peer *peer, unsigned c);
void peer_connect(struct peer *peer, unsigned c); /* unless it is */
void peer_send_u(struct peer *peer, unsigned c, enum komet_u_function function);
/* All that was read, but for the last `fewer`. */
void peer_acknowledge(struct peer *peer, unsigned c, unsigned fewer);
/* In an I format with the next numbers, after STARTDT where that is needed. */
void peer_send_asdu(struct peer *peer, unsigned c, const struct message *message);

/* requests.c: what the script asks for. */
void peer_send_system(struct peer *peer, unsigned c, uint8_t type); /* 100, 101, 103 to 107 */
void peer_send_read(struct peer *peer, unsigned c);
void peer_send_command(struct peer *peer, unsigned c);
void peer_send_parameter(struct peer *peer, unsigned c);
void peer_send_last(struct peer *peer, unsigned c);
void peer_send_any(struct peer *peer, unsigned c);

#endif
