/* Reads link, IP and TCP headers. Each step narrows (octets, size) to what stands behind its header. */
#include "capture/packet_headers.h"

#include <stdio.h>
#include <string.h>

#include "capture/octet_order.h"
#include "komet/assert.h"

#define ETHERTYPE_IPV4             0x0800u
#define ETHERTYPE_IPV6             0x86DDu
#define ETHERTYPE_VLAN             0x8100u
#define ETHERTYPE_SERVICE_VLAN     0x88A8u
#define ETHERTYPE_OLD_SERVICE_VLAN 0x9100u

#define PROTOCOL_TCP        6u
#define IPV6_HEADER_SIZE    40u
#define IPV6_EXTENSIONS_MAX 16 /* more in one packet is an attack, not traffic */
#define TCP_HEADER_SIZE     20u

/* What is left of the packet. */
struct rest {
    const uint8_t *octets;
    size_t size;
};

static bool drop(struct rest *rest, size_t size)
{
    if (size > rest->size) {
        return false;
    }
    rest->octets += size;
    rest->size -= size;
    return true;
}

static enum packet_headers_result read_tcp(struct rest rest, size_t wire_size, struct packet_segment *segment)
{
    size_t header;

    if (rest.size < TCP_HEADER_SIZE) {
        return PACKET_BAD_HEADER;
    }
    header = (size_t)(rest.octets[12] >> 4) * 4;
    if (header < TCP_HEADER_SIZE || header > rest.size || header > wire_size) {
        return PACKET_BAD_HEADER;
    }
    segment->source.port = octets_high16(rest.octets);
    segment->destination.port = octets_high16(rest.octets + 2);
    segment->sequence = octets_high32(rest.octets + 4);
    segment->acknowledgment = octets_high32(rest.octets + 8);
    segment->flags = rest.octets[13];
    segment->payload = rest.octets + header;
    segment->size = rest.size - header;
    segment->cut = wire_size - rest.size;
    return PACKET_TCP;
}

static enum packet_headers_result read_ipv4(struct rest rest, struct packet_segment *segment)
{
    size_t header, total;
    const uint8_t *ip = rest.octets;

    if (rest.size < 20 || ip[0] >> 4 != 4) {
        return PACKET_BAD_HEADER;
    }
    header = (size_t)(ip[0] & 0x0F) * 4;
    total = octets_high16(ip + 2);
    if (total == 0) { /* the network card was to cut this into packets and to fill the length in */
        total = rest.size;
    }
    if (header < 20 || total < header || rest.size < header) {
        return PACKET_BAD_HEADER;
    }
    if ((octets_high16(ip + 6) & 0x3FFF) != 0) { /* an offset, or more to come */
        return PACKET_FRAGMENT;
    }
    if (ip[9] != PROTOCOL_TCP) {
        return PACKET_NOT_TCP;
    }
    if (rest.size > total) { /* padding of a short Ethernet frame */
        rest.size = total;
    }
    segment->source.family = segment->destination.family = 4;
    memcpy(segment->source.address, ip + 12, 4);
    memcpy(segment->destination.address, ip + 16, 4);
    drop(&rest, header);
    return read_tcp(rest, total - header, segment);
}

static bool is_ipv6_extension(uint8_t next)
{
    /* Hop-by-hop, routing, destination, mobility, HIP, shim6: one form (RFC 6564). */
    return next == 0 || next == 43 || next == 60 || next == 135 || next == 139 || next == 140;
}

/* Passes the extension headers; `*wire_size` is lessened by them. */
static enum packet_headers_result pass_extensions(struct rest *rest, uint8_t next, size_t *wire_size)
{
    for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
        size_t size;

        if (next == PROTOCOL_TCP) {
            return PACKET_TCP;
        }
        if (next != 44 && next != 51 && !is_ipv6_extension(next)) {
            return PACKET_NOT_TCP;
        }
        if (rest->size < 8) {
            return PACKET_BAD_HEADER;
        }
        if (next == 44) { /* a fragment header of a packet that is whole is allowed (RFC 6946) */
            size = 8;
            if ((octets_high16(rest->octets + 2) & 0xFFF9) != 0) {
                return PACKET_FRAGMENT;
            }
        } else if (next == 51) { /* authentication header: in units of four octets */
            size = ((size_t)rest->octets[1] + 2) * 4;
        } else {
            size = ((size_t)rest->octets[1] + 1) * 8;
        }
        next = rest->octets[0];
        if (size > *wire_size || !drop(rest, size)) {
            return PACKET_BAD_HEADER;
        }
        *wire_size -= size;
    }
    return PACKET_BAD_HEADER;
}

static enum packet_headers_result read_ipv6(struct rest rest, struct packet_segment *segment)
{
    const uint8_t *ip = rest.octets;
    enum packet_headers_result result;
    size_t wire_size;

    if (rest.size < IPV6_HEADER_SIZE || ip[0] >> 4 != 6) {
        return PACKET_BAD_HEADER;
    }
    drop(&rest, IPV6_HEADER_SIZE);
    wire_size = octets_high16(ip + 4);
    if (wire_size == 0) {
        wire_size = rest.size;
    }
    if (rest.size > wire_size) {
        rest.size = wire_size;
    }
    result = pass_extensions(&rest, ip[6], &wire_size);
    if (result != PACKET_TCP) {
        return result;
    }
    segment->source.family = segment->destination.family = 6;
    memcpy(segment->source.address, ip + 8, 16);
    memcpy(segment->destination.address, ip + 24, 16);
    return read_tcp(rest, wire_size, segment);
}

/* Raw IP: the version is in the first four bits. */
static enum packet_headers_result read_ip(struct rest rest, struct packet_segment *segment)
{
    if (rest.size == 0) {
        return PACKET_BAD_HEADER;
    }
    if (rest.octets[0] >> 4 == 4) {
        return read_ipv4(rest, segment);
    }
    if (rest.octets[0] >> 4 == 6) {
        return read_ipv6(rest, segment);
    }
    return PACKET_BAD_HEADER;
}

static enum packet_headers_result read_ethertype(struct rest rest, unsigned type,
                                                 struct packet_segment *segment)
{
    /* Each tag is four octets: its own content and the type of what follows. */
    while (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN || type == ETHERTYPE_OLD_SERVICE_VLAN) {
        if (rest.size < 4) {
            return PACKET_BAD_HEADER;
        }
        type = octets_high16(rest.octets + 2);
        drop(&rest, 4);
    }
    if (type == ETHERTYPE_IPV4) {
        return read_ipv4(rest, segment);
    }
    if (type == ETHERTYPE_IPV6) {
        return read_ipv6(rest, segment);
    }
    return PACKET_NOT_TCP;
}

/* A header of fixed size that has an EtherType at `type_at`. */
static enum packet_headers_result read_frame(struct rest rest, size_t header, size_t type_at,
                                             struct packet_segment *segment)
{
    const uint8_t *frame = rest.octets;

    KOMET_ASSERT(type_at + 2 <= header);
    if (!drop(&rest, header)) {
        return PACKET_BAD_HEADER;
    }
    return read_ethertype(rest, octets_high16(frame + type_at), segment);
}

/* BSD null and loopback: four octets with an address family, in the order of the capturing machine, or high
 * octet first. Families are small and differ by system, so the IP version behind them decides. */
static enum packet_headers_result read_loopback(struct rest rest, struct packet_segment *segment)
{
    uint32_t family;

    if (rest.size < 4) {
        return PACKET_BAD_HEADER;
    }
    family = octets_low32(rest.octets);
    if (family > 0xFFFF) {
        family = octets_high32(rest.octets);
    }
    drop(&rest, 4);
    switch (family) {
    case 2: /* AF_INET everywhere */
        return read_ipv4(rest, segment);
    case 10: /* AF_INET6: Linux; Windows; NetBSD and OpenBSD; FreeBSD; Darwin */
    case 23:
    case 24:
    case 28:
    case 30:
        return read_ipv6(rest, segment);
    default:
        return PACKET_NOT_TCP;
    }
}

enum packet_headers_result packet_headers_read(uint32_t link_type, const uint8_t *octets, size_t size,
                                               struct packet_segment *segment)
{
    struct rest rest = {octets, size};

    KOMET_ASSERT(octets != NULL || size == 0);
    memset(segment, 0, sizeof *segment);
    switch (link_type) {
    case PACKET_LINK_NULL:
    case PACKET_LINK_LOOP:
        return read_loopback(rest, segment);
    case PACKET_LINK_ETHERNET:
        return read_frame(rest, 14, 12, segment);
    case PACKET_LINK_LINUX_COOKED:
        return read_frame(rest, 16, 14, segment);
    case PACKET_LINK_LINUX_COOKED_2:
        return read_frame(rest, 20, 0, segment);
    case PACKET_LINK_RAW_BSD:
    case PACKET_LINK_RAW_OPENBSD:
    case PACKET_LINK_RAW:
        return read_ip(rest, segment);
    case PACKET_LINK_IPV4:
        return read_ipv4(rest, segment);
    case PACKET_LINK_IPV6:
        return read_ipv6(rest, segment);
    default: /* any number may stand in a file */
        return PACKET_UNKNOWN_LINK;
    }
}

bool packet_endpoint_equal(const struct packet_endpoint *a, const struct packet_endpoint *b)
{
    return a->port == b->port && a->family == b->family && memcmp(a->address, b->address, 16) == 0;
}

/* The longest run of two or more zero groups, which "::" stands for (RFC 5952); *length 0 when there is none.
 */
static int longest_zero_run(const uint16_t groups[8], int *length)
{
    int best = 0;

    *length = 0;
    for (int i = 0; i < 8;) {
        int run = 0;
        while (i + run < 8 && groups[i + run] == 0) {
            run++;
        }
        if (run >= 2 && run > *length) {
            best = i;
            *length = run;
        }
        i += run + 1;
    }
    return best;
}

static size_t write_ipv6(const uint8_t address[16], char *out, size_t size)
{
    uint16_t groups[8];
    int run_at, run_length;
    size_t used = 0;

    for (int i = 0; i < 8; i++) {
        groups[i] = octets_high16(address + (size_t)i * 2);
    }
    run_at = longest_zero_run(groups, &run_length);
    for (int i = 0; i < 8; i++) {
        if (run_length > 0 && i == run_at) {
            used += (size_t)snprintf(out + used, size - used, "::");
            i += run_length - 1;
            continue;
        }
        bool colon = i > 0 && !(run_length > 0 && i == run_at + run_length);
        used += (size_t)snprintf(out + used, size - used, colon ? ":%x" : "%x", groups[i]);
    }
    KOMET_ASSERT(used <= 39);
    return used;
}

const char *packet_endpoint_text(const struct packet_endpoint *endpoint, char out[PACKET_ENDPOINT_TEXT_SIZE])
{
    const uint8_t *a = endpoint->address;
    size_t used;

    KOMET_ASSERT(endpoint->family == 4 || endpoint->family == 6);
    if (endpoint->family == 4) {
        snprintf(out, PACKET_ENDPOINT_TEXT_SIZE, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], endpoint->port);
        return out;
    }
    out[0] = '[';
    used = 1 + write_ipv6(a, out + 1, PACKET_ENDPOINT_TEXT_SIZE - 1);
    snprintf(out + used, PACKET_ENDPOINT_TEXT_SIZE - used, "]:%u", endpoint->port);
    return out;
}
