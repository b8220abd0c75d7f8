/*
 * requests: what a centre asks a station, with values, addresses and time tags that the script chooses.
 */
#include "peer.h"

#include "komet/time_tag.h"

enum { ORIGINATOR = 10, CP56 = KOMET_CP56_SIZE };

static void put_address(const struct peer *peer, struct message *message, uint32_t address, unsigned size)
{
    bool big = peer->rig->settings.profile->big_endian_addresses;
    for (unsigned i = 0; i < size; i++) {
        message->octets[message->size++] = (uint8_t)(address >> 8 * (big ? size - 1 - i : i));
    }
}

static struct message head(const struct peer *peer, uint8_t type, uint8_t cause, uint16_t ca, uint32_t ioa)
{
    struct message message = {.size = 4, .octets = {type, 1, cause, ORIGINATOR}};
    put_address(peer, &message, ca, 2);
    put_address(peer, &message, ioa, 3);
    return message;
}

static void put_octets(struct peer *peer, struct message *message, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        message->octets[message->size++] = peer_octet(peer);
    }
}

/* A time tag: now, somewhat before or behind, invalid, or any octets. */
static void put_tag(struct peer *peer, struct message *message)
{
    struct komet_time_tag tag;
    struct komet_utc utc = peer->rig->utc;
    uint8_t choice = peer_octet(peer);
    if (choice % 8 == 7) {
        put_octets(peer, message, CP56);
        return;
    }
    utc.ms += (choice % 8 < 3 ? INT64_C(100) : INT64_C(100000000)) * (choice / 8 - 16);
    komet_cp56_from_utc(&tag, utc, 0);
    tag.invalid = choice % 8 == 6;
    komet_cp56_encode(message->octets + message->size, &tag);
    message->size = (uint8_t)(message->size + CP56);
}

static uint16_t some_ca(uint8_t choice)
{
    static const uint16_t others[] = {0xFFFF, 0, 2, 0xFFFF};
    return choice % 4 == 3 ? others[choice / 4 % 4] : rig_addresses[choice % 4];
}

void peer_send_system(struct peer *peer, unsigned c, uint8_t type)
{
    uint8_t choice = peer_octet(peer);
    uint8_t cause = choice & 0x80 ? KOMET_COT_DEACTIVATION : KOMET_COT_ACTIVATION;
    struct message message = head(peer, type, cause, some_ca(choice & 15), 0);
    switch (type) {
    case KOMET_C_IC_NA_1:
        message.octets[message.size++] = (uint8_t)(20 + (choice >> 4 & 3));
        break;
    case KOMET_C_TS_NA_1:
        message.octets[message.size++] = choice & 0x40 ? 0x55 : 0xAA;
        message.octets[message.size++] = 0x55;
        break;
    case KOMET_C_CS_NA_1:
        put_tag(peer, &message);
        break;
    case KOMET_C_TS_TA_1:
        put_octets(peer, &message, 2);
        put_tag(peer, &message);
        break;
    case KOMET_C_CD_NA_1:
        message.octets[2] = choice & 0x40 ? KOMET_COT_SPONTANEOUS : cause;
        put_octets(peer, &message, 2);
        break;
    default: /* QCC, QRP */
        put_octets(peer, &message, 1);
        break;
    }
    peer_send_asdu(peer, c, &message);
}

/* One of the points of a kind: monitor 0, control 1, parameter 2. */
static const struct komet_point *some_point(const struct peer *peer, enum komet_direction direction,
                                            uint8_t choice)
{
    const struct komet_point *found[POINTS];
    unsigned count = 0;
    for (size_t i = 0; i < POINTS; i++) {
        if (komet_type_find(peer->rig->points[i].type)->direction == direction) {
            found[count++] = &peer->rig->points[i];
        }
    }
    return found[choice % count];
}

void peer_send_read(struct peer *peer, unsigned c)
{
    uint8_t choice = peer_octet(peer);
    const struct komet_point *point =
        some_point(peer, choice & 64 ? KOMET_PARAMETER : KOMET_MONITOR, choice & 63);
    struct message message = head(peer, KOMET_C_RD_NA_1, KOMET_COT_REQUEST, point->ca, point->ioa);
    peer_send_asdu(peer, c, &message);
}

/* A command of a point; choice: bit 7 with time tag, bit 6 select. */
void peer_send_command(struct peer *peer, unsigned c)
{
    uint8_t choice = peer_octet(peer);
    const struct komet_point *point = some_point(peer, KOMET_CONTROL, choice & 63);
    uint8_t type = choice & 128 ? komet_type_with_time(point->type) : point->type;
    struct message message = head(peer, type, KOMET_COT_ACTIVATION, point->ca, point->ioa);
    put_octets(peer, &message, komet_type_find(point->type)->element_size);
    if (point->type != KOMET_C_BO_NA_1) {
        uint8_t *qualifier = &message.octets[message.size - 1];
        *qualifier = (uint8_t)((*qualifier & 0x7F) | (choice & 64 ? 0x80 : 0));
    }
    if (choice & 128) {
        put_tag(peer, &message);
    }
    peer_send_asdu(peer, c, &message);
}

void peer_send_parameter(struct peer *peer, unsigned c)
{
    uint8_t choice = peer_octet(peer);
    const struct komet_point *point = some_point(peer, KOMET_PARAMETER, choice & 31);
    bool activation = (choice & 32) != 0;
    uint8_t type = activation ? (uint8_t)KOMET_P_AC_NA_1 : point->type;
    uint8_t cause = choice & 128 ? KOMET_COT_DEACTIVATION : KOMET_COT_ACTIVATION;
    struct message message = head(peer, type, cause, point->ca, choice & 64 ? 0 : point->ioa);
    put_octets(peer, &message, komet_type_find(type)->element_size);
    peer_send_asdu(peer, c, &message);
}

/* The last request once more, here or on another connection: the same, as the execute of a select, taken
 * back, as a test, or of another originator. */
void peer_send_last(struct peer *peer, unsigned c)
{
    uint8_t choice = peer_octet(peer);
    struct message message = peer->last[choice & 8 ? (c + 1) % CONNECTIONS : c];
    if (message.size <= 9) {
        return;
    }
    bool tagged = message.octets[0] >= KOMET_C_SC_TA_1 && message.octets[0] <= KOMET_C_BO_TA_1;
    uint8_t *qualifier = &message.octets[message.size - 1 - (tagged && message.size > 9 + CP56 ? CP56 : 0)];
    if (choice % 4 == 1) {
        *qualifier &= 0x7F;
    } else if (choice % 4 == 2) {
        message.octets[2] = KOMET_COT_DEACTIVATION;
    }
    message.octets[2] |= choice & 4 ? 0x80 : 0;
    if (choice & 16) {
        message.octets[3] = (uint8_t)(choice >> 5); /* another originator */
    }
    peer_send_asdu(peer, c, &message);
}

/* Any ASDU in a right frame. */
void peer_send_any(struct peer *peer, unsigned c)
{
    struct message message = {.size = 0};
    uint8_t size = peer_octet(peer);
    size_t count = 1 + (size_t)size % (KOMET_ASDU_SIZE_MAX);
    put_octets(peer, &message, (unsigned)(count < peer->script.size + 1 ? count : peer->script.size + 1));
    peer_send_asdu(peer, c, &message);
}
