/*
 * Packet headers: from a captured packet to the TCP segment in it.
 *
 * Link types: Ethernet (with VLAN tags), Linux cooked 1 and 2, raw IP, BSD null and loopback. Network: IPv4
 * with options, IPv6 with extension headers. Fragments are not put together: TCP avoids them (path MTU), and
 * the caller counts them. Checksums are not looked at: a machine that captures its own traffic sees those
 * that its network card has yet to fill in.
 */
#ifndef KOMET_CAPTURE_PACKET_HEADERS_H
#define KOMET_CAPTURE_PACKET_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "[" an IPv6 address of up to 39 characters "]:" five digits, and the terminating zero. */
#define PACKET_ENDPOINT_TEXT_SIZE 48

#define PACKET_TCP_FIN 0x01u
#define PACKET_TCP_SYN 0x02u
#define PACKET_TCP_RST 0x04u
#define PACKET_TCP_ACK 0x10u

enum packet_link_type { /* numbers of the tcpdump registry */
                        PACKET_LINK_NULL = 0,
                        PACKET_LINK_ETHERNET = 1,
                        PACKET_LINK_RAW_BSD = 12,
                        PACKET_LINK_RAW_OPENBSD = 14,
                        PACKET_LINK_RAW = 101,
                        PACKET_LINK_LOOP = 108,
                        PACKET_LINK_LINUX_COOKED = 113,
                        PACKET_LINK_IPV4 = 228,
                        PACKET_LINK_IPV6 = 229,
                        PACKET_LINK_LINUX_COOKED_2 = 276
};

/* One end of a TCP connection. */
struct packet_endpoint {
    uint8_t family;      /* 4 or 6 */
    uint8_t address[16]; /* IPv4: the first four, the rest zero */
    uint16_t port;
};

struct packet_segment {
    struct packet_endpoint source;
    struct packet_endpoint destination;
    uint32_t sequence;       /* of the first payload octet, or of the SYN */
    uint32_t acknowledgment; /* means something with PACKET_TCP_ACK only */
    uint8_t flags;           /* PACKET_TCP_… */
    const uint8_t *payload;  /* borrowed from the packet */
    size_t size;             /* payload octets that were captured */
    size_t cut;              /* payload octets behind these that were on the wire and not captured */
};

enum packet_headers_result {
    PACKET_TCP,          /* the segment is filled in; else it is undefined */
    PACKET_NOT_TCP,      /* another protocol */
    PACKET_FRAGMENT,     /* part of an IP packet */
    PACKET_BAD_HEADER,   /* a header contradicts itself or is cut off */
    PACKET_UNKNOWN_LINK, /* a link type that we cannot read */
    PACKET_HEADERS_RESULT_COUNT
};

/*
 * Reads the headers of one packet.
 *   link_type     of the capture file, enum packet_link_type or any other number
 *   octets, size  the packet from its link-layer header on; borrowed, must outlive `segment`
 */
enum packet_headers_result packet_headers_read(uint32_t link_type, const uint8_t *octets, size_t size,
                                               struct packet_segment *segment);

bool packet_endpoint_equal(const struct packet_endpoint *a, const struct packet_endpoint *b);

/* Writes "10.0.0.1:2404" or "[2001:db8::1]:2404" with its terminating zero; returns `out`. */
const char *packet_endpoint_text(const struct packet_endpoint *endpoint, char out[PACKET_ENDPOINT_TEXT_SIZE]);

#endif
