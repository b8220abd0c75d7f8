/*
 * Packet file: a capture file taken apart into its packets.
 *
 * Two formats, told apart by their first four octets: classic pcap (both octet orders, microseconds and
 * nanoseconds) and pcapng (both orders, several sections; of its blocks the section header, interface
 * description, enhanced, simple and obsolete packet blocks; the others are passed over).
 *
 *     while (there is input) {
 *         taken = packet_file_feed(&file, octets, size);          any pieces
 *         while (packet_file_next(&file, &packet)) { use it }
 *     }
 *     packet_file_end(&file);
 *     if (packet_file_fault(&file) != PACKET_FILE_OK) { say where: packet_file_offset(&file) }
 *
 * Nothing is read here: the caller brings the octets, so a pipe, a file and a fuzzer are the same to it.
 */
#ifndef KOMET_CAPTURE_PACKET_FILE_H
#define KOMET_CAPTURE_PACKET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/time.h"

/* A record longer than this is damage, not a packet: no link layer has packets of 64 MiB. */
#define PACKET_FILE_RECORD_MAX (64u << 20)
/* Smallest buffer: a packet of 65535 octets and what stands around it in a file. */
#define PACKET_FILE_BUFFER_MIN (65536u + 64u)
/* pcapng interfaces of one section; packets of further ones are passed over and counted. */
#define PACKET_FILE_INTERFACES_MAX 64

enum packet_file_fault {
    PACKET_FILE_OK = 0,
    PACKET_FILE_EMPTY,          /* it has no octets at all */
    PACKET_FILE_UNKNOWN_FORMAT, /* neither pcap nor pcapng */
    PACKET_FILE_BAD_VERSION,    /* a version of the format that nobody has defined */
    PACKET_FILE_BAD_LENGTH,     /* a record says a length that cannot be right */
    PACKET_FILE_BAD_BLOCK,      /* a pcapng block contradicts itself */
    PACKET_FILE_TRUNCATED,      /* the file ends within a record */
    PACKET_FILE_FAULT_COUNT     /* not a fault */
};

/* One packet as it was captured. */
struct packet {
    struct komet_utc time; /* KOMET_UTC_UNKNOWN when the file has none (simple packet block) */
    uint16_t microseconds; /* 0..999, on top of the milliseconds of `time` */
    uint32_t link_type;    /* LINKTYPE_… number of the tcpdump registry */
    uint64_t number;       /* the how-manieth packet of the file, from 1, passed-over ones counted */
    const uint8_t *octets; /* from the link-layer header on; borrowed until the next feed */
    size_t size;           /* what was captured */
    size_t original_size;  /* what was on the wire: more than `size` when the capture was cut */
};

struct packet_file_interface {
    uint32_t link_type;
    uint8_t resolution;     /* if_tsresol as it stands: 10^-n, or with the high bit 2^-n seconds */
    int64_t offset_seconds; /* if_tsoffset */
};

struct packet_file_counters {
    uint64_t packets;           /* handed out */
    uint64_t too_large;         /* passed over: longer than the buffer */
    uint64_t without_interface; /* passed over: their interface is not described, or is beyond the 64th */
};

enum packet_file_stage {
    PACKET_FILE_MAGIC,
    PACKET_FILE_PCAP_HEADER,
    PACKET_FILE_PCAP_RECORD,
    PACKET_FILE_PCAP_PACKET,
    PACKET_FILE_BLOCK_HEADER,
    PACKET_FILE_SECTION_START,
    PACKET_FILE_BLOCK
};

/* Members are the reader's own. */
struct packet_file {
    uint8_t *buffer; /* the record being collected */
    size_t capacity;
    size_t filled;
    size_t need;      /* octets that the present stage wants to see together */
    uint64_t skip;    /* octets still to be passed over */
    uint64_t offset;  /* where in the file buffer[0] stands */
    uint64_t numbers; /* packets met */
    enum packet_file_stage stage;
    enum packet_file_fault fault;
    bool high_first;
    bool nanoseconds;   /* pcap */
    uint32_t link_type; /* pcap */
    unsigned interface_count;
    struct packet_file_interface interfaces[PACKET_FILE_INTERFACES_MAX];
    bool ready;
    struct packet packet;
    struct packet_file_counters counters;
};

/*
 * Begins a file.
 *   buffer, capacity  where a record is put together: taken until the caller drops `file`; at least
 *                     PACKET_FILE_BUFFER_MIN octets
 */
void packet_file_init(struct packet_file *file, uint8_t *buffer, size_t capacity);

/*
 * Takes the next octets of the file: any number, borrowed for the call.
 * Returns how many were taken: up to the end of the first packet. The caller then calls packet_file_next and
 * feeds the rest. After a fault all octets are taken and dropped.
 */
size_t packet_file_feed(struct packet_file *file, const uint8_t *octets, size_t size);

/* Hands out the packet that the last feed completed; false when there is none. */
bool packet_file_next(struct packet_file *file, struct packet *packet);

/* The file has ended. A record that is not whole becomes PACKET_FILE_TRUNCATED. */
void packet_file_end(struct packet_file *file);

enum packet_file_fault packet_file_fault(const struct packet_file *file);

/* Where in the file the record stands that the fault is about: octets from its start. */
uint64_t packet_file_offset(const struct packet_file *file);

struct packet_file_counters packet_file_counters(const struct packet_file *file);

/* What is wrong and what would be right, for people. Static storage. */
const char *packet_file_fault_sentence(enum packet_file_fault fault);

#endif
