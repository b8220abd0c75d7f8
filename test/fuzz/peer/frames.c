/*
 * frames: those of a peer that obeys, but for the one that the script spoils; whole, in pieces, or several at
 * once.
 */
#include "peer.h"

enum { HEADER = KOMET_APDU_HEADER_SIZE };

uint8_t peer_octet(struct peer *peer)
{
    return script_octet(&peer->script);
}

void peer_deliver(struct peer *peer, unsigned c, const uint8_t *octets, size_t size)
{
    size_t piece = peer->piece == 0 ? size : peer->piece;
    for (size_t at = 0; at < size; at += piece) {
        rig_say(peer->rig, c, octets + at, piece < size - at ? piece : size - at);
    }
}

void peer_uncork(struct peer *peer, unsigned c)
{
    peer_deliver(peer, c, peer->cork[c].octets, peer->cork[c].size);
    peer->cork[c].size = 0;
    peer->cork[c].i_formats = 0;
}

static void put(struct peer *peer, unsigned c, const uint8_t *frame, size_t size, bool i_format)
{
    if (!peer->cork[c].is) {
        peer_deliver(peer, c, frame, size);
        return;
    }
    if (peer->cork[c].size + size > CORK_SIZE) {
        peer_uncork(peer, c);
    }
    memcpy(peer->cork[c].octets + peer->cork[c].size, frame, size);
    peer->cork[c].size += size;
    peer->cork[c].i_formats += i_format;
}

static void send_frame(struct peer *peer, unsigned c, uint8_t *frame, size_t size)
{
    bool twice = peer->spoil.kind == SPOIL_TWICE;
    size = spoil_frame(&peer->spoil, frame, size);
    peer->spoil.kind = SPOIL_NOTHING;
    put(peer, c, frame, size, (frame[2] & 1) == 0);
    if (twice) {
        put(peer, c, frame, size, (frame[2] & 1) == 0);
    }
}

void peer_connect(struct peer *peer, unsigned c)
{
    if (!peer->rig->wires[c].up) {
        rig_connect(peer->rig, c);
    }
}

void peer_send_u(struct peer *peer, unsigned c, enum komet_u_function function)
{
    uint8_t frame[KOMET_APDU_SIZE_MAX];
    peer_connect(peer, c);
    komet_apdu_encode_u(frame, function);
    send_frame(peer, c, frame, HEADER);
}

void peer_acknowledge(struct peer *peer, unsigned c, unsigned fewer)
{
    const struct wire *wire = &peer->rig->wires[c];
    uint64_t open = wire_unconfirmed(wire);
    uint8_t frame[KOMET_APDU_SIZE_MAX];
    if (wire->up && wire->state != KOMET_LINK_STOPPED) {
        komet_apdu_encode_s(frame, wire_nr(wire, wire->heard_whole - fewer % (open + 1)));
        send_frame(peer, c, frame, HEADER);
    }
}

/* Data transfer is started, by what is legal. */
static void make_ready(struct peer *peer, unsigned c)
{
    const struct wire *wire = &peer->rig->wires[c];
    peer_connect(peer, c);
    if (wire->state != KOMET_LINK_STARTED && peer->cork[c].size == 0 && wire->partial_size == 0) {
        uint8_t frame[HEADER];
        komet_apdu_encode_u(frame, KOMET_U_STARTDT_ACT);
        rig_say(peer->rig, c, frame, sizeof frame);
    }
}

void peer_send_asdu(struct peer *peer, unsigned c, const struct message *message)
{
    const struct wire *wire = &peer->rig->wires[c];
    uint8_t frame[KOMET_APDU_SIZE_MAX];
    make_ready(peer, c);
    peer->last[c] = *message;
    uint64_t ns = (wire->said + peer->cork[c].i_formats) % KOMET_SEQUENCE_MODULUS;
    komet_apdu_encode_i(frame, (uint16_t)ns, wire_nr(wire, wire->heard_whole), message->size);
    memcpy(frame + HEADER, message->octets, message->size);
    send_frame(peer, c, frame, (size_t)HEADER + message->size);
}
