/* Writes record, IP and TCP headers in front of a payload, and the checksums once they are there. */
#include "capture/packet_writer.h"

#include <string.h>

#include "komet/assert.h"

#define MAGIC_MICROSECONDS 0xA1B2C3D4u
#define SNAPSHOT_SIZE      65535u
#define PROTOCOL_TCP       6u
#define IPV4_SIZE          20u
#define IPV6_SIZE          40u
#define TCP_SIZE           20u
#define RECORD_SIZE        16u
#define HOPS               64u
#define WINDOW             65535u
#define FLAG_PUSH          0x08u

static void put_low32(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> 8 * i);
    }
}

static void put_high16(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static void put_high32(uint8_t *out, uint32_t value)
{
    put_high16(out, value >> 16);
    put_high16(out + 2, value);
}

size_t packet_writer_begin(uint8_t *out)
{
    memset(out, 0, PACKET_WRITER_HEADER_SIZE);
    put_low32(out, MAGIC_MICROSECONDS);
    out[4] = 2; /* version 2.4 */
    out[6] = 4;
    put_low32(out + 16, SNAPSHOT_SIZE);
    put_low32(out + 20, PACKET_LINK_RAW);
    return PACKET_WRITER_HEADER_SIZE;
}

static uint32_t add_words(uint32_t sum, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
    }
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* The checksum covers the addresses too, whose words are summed the same in both families. */
static void put_tcp(const struct packet_segment *segment, size_t address_size, uint8_t *out)
{
    size_t size = TCP_SIZE + segment->size;
    bool payload = segment->size > 0;
    memset(out, 0, TCP_SIZE);
    put_high16(out, segment->source.port);
    put_high16(out + 2, segment->destination.port);
    put_high32(out + 4, segment->sequence);
    put_high32(out + 8, segment->acknowledgment);
    out[12] = TCP_SIZE / 4 << 4;
    out[13] = (uint8_t)(segment->flags | (payload ? FLAG_PUSH : 0));
    put_high16(out + 14, WINDOW);
    if (payload) {
        memcpy(out + TCP_SIZE, segment->payload, segment->size);
    }
    uint32_t sum = add_words(0, segment->source.address, address_size);
    sum = add_words(sum, segment->destination.address, address_size);
    sum += PROTOCOL_TCP + (uint32_t)size;
    put_high16(out + 16, checksum(add_words(sum, out, size)));
}

static size_t put_ipv4(const struct packet_segment *segment, uint8_t *out)
{
    memset(out, 0, IPV4_SIZE);
    out[0] = 4 << 4 | IPV4_SIZE / 4;
    put_high16(out + 2, (uint32_t)(IPV4_SIZE + TCP_SIZE + segment->size));
    out[6] = 0x40; /* don't fragment */
    out[8] = HOPS;
    out[9] = PROTOCOL_TCP;
    memcpy(out + 12, segment->source.address, 4);
    memcpy(out + 16, segment->destination.address, 4);
    put_high16(out + 10, checksum(add_words(0, out, IPV4_SIZE)));
    put_tcp(segment, 4, out + IPV4_SIZE);
    return IPV4_SIZE + TCP_SIZE + segment->size;
}

static size_t put_ipv6(const struct packet_segment *segment, uint8_t *out)
{
    memset(out, 0, IPV6_SIZE);
    out[0] = 6 << 4;
    put_high16(out + 4, (uint32_t)(TCP_SIZE + segment->size));
    out[6] = PROTOCOL_TCP;
    out[7] = HOPS;
    memcpy(out + 8, segment->source.address, 16);
    memcpy(out + 24, segment->destination.address, 16);
    put_tcp(segment, 16, out + IPV6_SIZE);
    return IPV6_SIZE + TCP_SIZE + segment->size;
}

size_t packet_writer_packet(const struct packet_segment *segment, struct komet_utc time, uint8_t *out)
{
    KOMET_ASSERT(segment->size <= PACKET_WRITER_PAYLOAD_MAX);
    bool ipv6 = segment->source.family == 6 && segment->destination.family == 6;
    int64_t ms = komet_utc_known(time) && time.ms > 0 ? time.ms : 0;
    size_t size = ipv6 ? put_ipv6(segment, out + RECORD_SIZE) : put_ipv4(segment, out + RECORD_SIZE);
    put_low32(out, (uint32_t)(ms / 1000));
    put_low32(out + 4, (uint32_t)(ms % 1000 * 1000));
    put_low32(out + 8, (uint32_t)size);
    put_low32(out + 12, (uint32_t)size);
    return RECORD_SIZE + size;
}
