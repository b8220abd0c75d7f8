/*
 * Reads pcap and pcapng. One record at a time is put together in the buffer; each stage says how many octets
 * it must see (`need`), so that the input may come in any pieces.
 *
 * Formats: the pcap and pcapng drafts of the IETF opsawg working group.
 */
#include "capture/packet_file.h"

#include <string.h>

#include "capture/octet_order.h"
#include "komet/assert.h"

#define PCAP_HEADER_SIZE  24u
#define PCAP_RECORD_SIZE  16u
#define BLOCK_HEADER_SIZE 8u  /* type, length */
#define BLOCK_SIZE_MIN    12u /* and the length again behind the body */
#define SECTION_SIZE_MIN  28u

#define BLOCK_SECTION         0x0A0D0D0Au
#define BLOCK_INTERFACE       1u
#define BLOCK_OLD_PACKET      2u
#define BLOCK_SIMPLE_PACKET   3u
#define BLOCK_ENHANCED_PACKET 6u

#define OPTION_END      0u
#define OPTION_TSRESOL  9u
#define OPTION_TSOFFSET 14u

/* The last second of the year 9999: what no four-digit year can say is no time. */
#define SECONDS_MAX INT64_C(253402300799)

static void begin_record(struct packet_file *file, enum packet_file_stage stage, size_t need)
{
    KOMET_ASSERT(need > 0 && need <= file->capacity);
    file->offset += file->filled;
    file->filled = 0;
    file->stage = stage;
    file->need = need;
}

static void set_fault(struct packet_file *file, enum packet_file_fault fault)
{
    KOMET_ASSERT(fault != PACKET_FILE_OK);
    KOMET_ASSERT(file->fault == PACKET_FILE_OK);
    file->fault = fault;
}

void packet_file_init(struct packet_file *file, uint8_t *buffer, size_t capacity)
{
    KOMET_ASSERT(buffer != NULL);
    KOMET_ASSERT(capacity >= PACKET_FILE_BUFFER_MIN);
    memset(file, 0, sizeof *file);
    file->buffer = buffer;
    file->capacity = capacity;
    begin_record(file, PACKET_FILE_MAGIC, 4);
}

static void read_magic(struct packet_file *file)
{
    uint32_t magic = octets_low32(file->buffer);

    file->stage = PACKET_FILE_PCAP_HEADER;
    file->need = PCAP_HEADER_SIZE;
    if (magic == BLOCK_SECTION) {
        file->stage = PACKET_FILE_SECTION_START;
        file->need = BLOCK_HEADER_SIZE + 4;
    } else if (magic == 0xA1B2C3D4u || magic == 0xA1B23C4Du) {
        file->high_first = false;
        file->nanoseconds = magic == 0xA1B23C4Du;
    } else if (magic == 0xD4C3B2A1u || magic == 0x4D3CB2A1u) {
        file->high_first = true;
        file->nanoseconds = magic == 0x4D3CB2A1u;
    } else {
        set_fault(file, PACKET_FILE_UNKNOWN_FORMAT);
    }
}

static void read_pcap_header(struct packet_file *file)
{
    if (octets_u16(file->buffer + 4, file->high_first) != 2) {
        set_fault(file, PACKET_FILE_BAD_VERSION);
        return;
    }
    /* The high four bits tell the length of the frame check sequence, which IP's own lengths cut off. */
    file->link_type = octets_u32(file->buffer + 20, file->high_first) & 0x0FFFFFFFu;
    begin_record(file, PACKET_FILE_PCAP_RECORD, PCAP_RECORD_SIZE);
}

static void read_pcap_record(struct packet_file *file)
{
    uint32_t captured = octets_u32(file->buffer + 8, file->high_first);

    if (captured > PACKET_FILE_RECORD_MAX) {
        set_fault(file, PACKET_FILE_BAD_LENGTH);
        return;
    }
    file->numbers++;
    if (captured > file->capacity - PCAP_RECORD_SIZE) {
        file->counters.too_large++;
        begin_record(file, PACKET_FILE_PCAP_RECORD, PCAP_RECORD_SIZE);
        file->skip = captured;
        return;
    }
    file->stage = PACKET_FILE_PCAP_PACKET;
    file->need = PCAP_RECORD_SIZE + captured;
}

static void set_packet(struct packet_file *file, uint32_t link_type, const uint8_t *octets, size_t size,
                       size_t original_size)
{
    KOMET_ASSERT(!file->ready);
    KOMET_ASSERT(size <= file->capacity);
    file->packet.link_type = link_type;
    file->packet.number = file->numbers;
    file->packet.octets = octets;
    file->packet.size = size;
    file->packet.original_size = original_size < size ? size : original_size;
    file->ready = true;
    file->counters.packets++;
}

static void read_pcap_packet(struct packet_file *file)
{
    int64_t seconds = octets_u32(file->buffer, file->high_first);
    uint32_t fraction = octets_u32(file->buffer + 4, file->high_first);
    uint32_t us = file->nanoseconds ? fraction / 1000 : fraction;

    file->packet.time.ms = seconds * 1000 + us / 1000;
    file->packet.microseconds = (uint16_t)(us % 1000);
    set_packet(file, file->link_type, file->buffer + PCAP_RECORD_SIZE, file->need - PCAP_RECORD_SIZE,
               octets_u32(file->buffer + 12, file->high_first));
}

/* The next block's header has come: collect the rest of it, or pass it over. */
static void read_block_header(struct packet_file *file)
{
    uint32_t type = octets_u32(file->buffer, file->high_first);
    uint32_t length = octets_u32(file->buffer + 4, file->high_first);
    bool is_packet = type == BLOCK_OLD_PACKET || type == BLOCK_SIMPLE_PACKET || type == BLOCK_ENHANCED_PACKET;

    if (type == BLOCK_SECTION) {
        /* It reads the same in both orders, and says the order only behind its length. */
        file->stage = PACKET_FILE_SECTION_START;
        file->need = BLOCK_HEADER_SIZE + 4;
        return;
    }
    if (length < BLOCK_SIZE_MIN || length % 4 != 0 || length > PACKET_FILE_RECORD_MAX) {
        set_fault(file, PACKET_FILE_BAD_LENGTH);
        return;
    }
    file->numbers += is_packet;
    if ((is_packet || type == BLOCK_INTERFACE) && length <= file->capacity) {
        file->stage = PACKET_FILE_BLOCK;
        file->need = length;
        return;
    }
    file->counters.too_large += is_packet;
    if (type == BLOCK_INTERFACE) {
        set_fault(file, PACKET_FILE_BAD_LENGTH);
        return;
    }
    begin_record(file, PACKET_FILE_BLOCK_HEADER, BLOCK_HEADER_SIZE);
    file->skip = length - BLOCK_HEADER_SIZE;
}

static void read_section_start(struct packet_file *file)
{
    uint32_t mark = octets_low32(file->buffer + 8);
    uint32_t length;

    if (mark != 0x1A2B3C4Du && mark != 0x4D3C2B1Au) {
        set_fault(file, PACKET_FILE_BAD_BLOCK);
        return;
    }
    file->high_first = mark == 0x4D3C2B1Au;
    length = octets_u32(file->buffer + 4, file->high_first);
    if (length < SECTION_SIZE_MIN || length % 4 != 0 || length > file->capacity) {
        set_fault(file, PACKET_FILE_BAD_LENGTH);
        return;
    }
    file->stage = PACKET_FILE_BLOCK;
    file->need = length;
}

static void read_interface(struct packet_file *file, const uint8_t *body, size_t size)
{
    struct packet_file_interface *interface;
    size_t at = 8;

    if (size < 8) {
        set_fault(file, PACKET_FILE_BAD_BLOCK);
        return;
    }
    if (file->interface_count == PACKET_FILE_INTERFACES_MAX) {
        return;
    }
    interface = &file->interfaces[file->interface_count++];
    interface->link_type = octets_u16(body, file->high_first);
    interface->resolution = 6;
    interface->offset_seconds = 0;
    while (size - at >= 4) {
        uint16_t code = octets_u16(body + at, file->high_first);
        uint16_t length = octets_u16(body + at + 2, file->high_first);

        at += 4;
        if (code == OPTION_END || length > size - at) {
            break;
        }
        if (code == OPTION_TSRESOL && length >= 1) {
            interface->resolution = body[at];
        } else if (code == OPTION_TSOFFSET && length >= 8) {
            uint64_t first = octets_u32(body + at, file->high_first);
            uint64_t second = octets_u32(body + at + 4, file->high_first);
            interface->offset_seconds =
                (int64_t)(file->high_first ? first << 32 | second : second << 32 | first);
        }
        length = (uint16_t)((length + 3u) & ~3u);
        at += length > size - at ? size - at : length;
    }
}

/* Splits a count of 2^-n or 10^-n seconds; false when the resolution is finer than 64 bits can hold. */
static bool split_count(uint64_t count, uint8_t resolution, uint64_t *seconds, uint32_t *us)
{
    unsigned n = resolution & 0x7Fu;
    uint64_t scale = 1;
    uint64_t rest;

    if (resolution & 0x80u) {
        if (n > 63) {
            return false;
        }
        *seconds = count >> n;
        rest = n == 0 ? 0 : count & ((UINT64_C(1) << n) - 1);
        if (n > 43) { /* 43 bits times a million fit 64 */
            rest >>= n - 43;
            n = 43;
        }
        *us = (uint32_t)(rest * 1000000 >> n);
        return true;
    }
    if (n > 19) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        scale *= 10;
    }
    *seconds = count / scale;
    rest = count % scale;
    *us = (uint32_t)(scale >= 1000000 ? rest / (scale / 1000000) : rest * (1000000 / scale));
    return true;
}

static void set_time(struct packet *packet, const struct packet_file_interface *interface, uint64_t count)
{
    uint64_t seconds;
    uint32_t us;

    packet->time = KOMET_UTC_UNKNOWN;
    packet->microseconds = 0;
    if (!split_count(count, interface->resolution, &seconds, &us) || seconds > (uint64_t)SECONDS_MAX ||
        interface->offset_seconds > SECONDS_MAX || interface->offset_seconds < -SECONDS_MAX) {
        return;
    }
    packet->time.ms = ((int64_t)seconds + interface->offset_seconds) * 1000 + us / 1000;
    packet->microseconds = (uint16_t)(us % 1000);
}

/* The enhanced and the obsolete packet block: they differ in how the interface is written. */
static void read_timed_packet(struct packet_file *file, uint32_t type, const uint8_t *body, size_t size)
{
    uint32_t index, captured;
    const struct packet_file_interface *interface;

    if (size < 20) {
        set_fault(file, PACKET_FILE_BAD_BLOCK);
        return;
    }
    index =
        type == BLOCK_OLD_PACKET ? octets_u16(body, file->high_first) : octets_u32(body, file->high_first);
    captured = octets_u32(body + 12, file->high_first);
    if (captured > size - 20) {
        set_fault(file, PACKET_FILE_BAD_BLOCK);
        return;
    }
    if (index >= file->interface_count) {
        file->counters.without_interface++;
        return;
    }
    interface = &file->interfaces[index];
    set_time(&file->packet, interface,
             (uint64_t)octets_u32(body + 4, file->high_first) << 32 | octets_u32(body + 8, file->high_first));
    set_packet(file, interface->link_type, body + 20, captured, octets_u32(body + 16, file->high_first));
}

static void read_simple_packet(struct packet_file *file, const uint8_t *body, size_t size)
{
    uint32_t original;

    if (size < 4) {
        set_fault(file, PACKET_FILE_BAD_BLOCK);
        return;
    }
    if (file->interface_count == 0) {
        file->counters.without_interface++;
        return;
    }
    original = octets_u32(body, file->high_first);
    file->packet.time = KOMET_UTC_UNKNOWN;
    file->packet.microseconds = 0;
    set_packet(file, file->interfaces[0].link_type, body + 4, original < size - 4 ? original : size - 4,
               original);
}

static void read_block(struct packet_file *file)
{
    uint32_t type = octets_u32(file->buffer, file->high_first);
    const uint8_t *body = file->buffer + BLOCK_HEADER_SIZE;
    size_t size = file->need - BLOCK_SIZE_MIN;

    if (octets_u32(file->buffer + file->need - 4, file->high_first) != file->need) {
        set_fault(file, PACKET_FILE_BAD_BLOCK);
        return;
    }
    if (type == BLOCK_SECTION) {
        if (octets_u16(body + 4, file->high_first) != 1) {
            set_fault(file, PACKET_FILE_BAD_VERSION);
            return;
        }
        file->interface_count = 0;
    } else if (type == BLOCK_INTERFACE) {
        read_interface(file, body, size);
    } else if (type == BLOCK_SIMPLE_PACKET) {
        read_simple_packet(file, body, size);
    } else {
        KOMET_ASSERT(type == BLOCK_OLD_PACKET || type == BLOCK_ENHANCED_PACKET);
        read_timed_packet(file, type, body, size);
    }
}

static void advance(struct packet_file *file)
{
    switch (file->stage) {
    case PACKET_FILE_MAGIC:
        read_magic(file);
        break;
    case PACKET_FILE_PCAP_HEADER:
        read_pcap_header(file);
        break;
    case PACKET_FILE_PCAP_RECORD:
        read_pcap_record(file);
        break;
    case PACKET_FILE_PCAP_PACKET:
        read_pcap_packet(file);
        begin_record(file, PACKET_FILE_PCAP_RECORD, PCAP_RECORD_SIZE);
        break;
    case PACKET_FILE_BLOCK_HEADER:
        read_block_header(file);
        break;
    case PACKET_FILE_SECTION_START:
        read_section_start(file);
        break;
    case PACKET_FILE_BLOCK:
        read_block(file);
        if (file->fault == PACKET_FILE_OK) {
            begin_record(file, PACKET_FILE_BLOCK_HEADER, BLOCK_HEADER_SIZE);
        }
        break;
    }
}

size_t packet_file_feed(struct packet_file *file, const uint8_t *octets, size_t size)
{
    size_t taken = 0;

    while (taken < size && !file->ready && file->fault == PACKET_FILE_OK) {
        size_t rest = size - taken;

        if (file->skip > 0) {
            size_t step = file->skip < rest ? (size_t)file->skip : rest;
            file->skip -= step;
            file->offset += step;
            taken += step;
            continue;
        }
        KOMET_ASSERT(file->need <= file->capacity);
        if (file->filled < file->need) {
            size_t step = file->need - file->filled < rest ? file->need - file->filled : rest;
            memcpy(file->buffer + file->filled, octets + taken, step);
            file->filled += step;
            taken += step;
        }
        while (file->filled == file->need && !file->ready && file->fault == PACKET_FILE_OK) {
            advance(file);
        }
    }
    return file->fault == PACKET_FILE_OK ? taken : size;
}

bool packet_file_next(struct packet_file *file, struct packet *packet)
{
    if (!file->ready) {
        return false;
    }
    *packet = file->packet;
    file->ready = false;
    return true;
}

void packet_file_end(struct packet_file *file)
{
    if (file->fault != PACKET_FILE_OK) {
        return;
    }
    if (file->stage == PACKET_FILE_MAGIC && file->filled == 0) {
        set_fault(file, PACKET_FILE_EMPTY);
    } else if (file->filled > 0 || file->skip > 0 || file->stage == PACKET_FILE_MAGIC) {
        set_fault(file, PACKET_FILE_TRUNCATED);
    }
}

enum packet_file_fault packet_file_fault(const struct packet_file *file)
{
    return file->fault;
}

uint64_t packet_file_offset(const struct packet_file *file)
{
    return file->offset;
}

struct packet_file_counters packet_file_counters(const struct packet_file *file)
{
    return file->counters;
}

const char *packet_file_fault_sentence(enum packet_file_fault fault)
{
    static const char *const sentences[PACKET_FILE_FAULT_COUNT] = {
        [PACKET_FILE_OK] = "nothing is wrong",
        [PACKET_FILE_EMPTY] = "the file is empty; a capture file begins with a header",
        [PACKET_FILE_UNKNOWN_FORMAT] = "this is no capture file; pcap and pcapng can be read",
        [PACKET_FILE_BAD_VERSION] = "this version of the format is not known; pcap 2 and pcapng 1 are",
        [PACKET_FILE_BAD_LENGTH] =
            "a record says a length that cannot be right; the file is damaged from here on",
        [PACKET_FILE_BAD_BLOCK] = "a pcapng block contradicts itself; the file is damaged from here on",
        [PACKET_FILE_TRUNCATED] = "the file ends within a record; what was whole before it has been read",
    };
    KOMET_ASSERT((unsigned)fault < PACKET_FILE_FAULT_COUNT);
    return sentences[fault];
}
