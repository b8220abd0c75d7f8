/*
 * Numbers in octets, low octet first, wherever they stand: one load or store on machines of that order.
 * OCTETS_LOW_FIRST=0 on the compiler's command line takes the way of the others, which any machine can go: so do
 * the tests unit/asdu-high-first, unit/asdu_file-high-first and unit/time_tag-high-first.
 */
#ifndef IEC_OCTETS_H
#define IEC_OCTETS_H

#include <stdint.h>
#include <string.h>

#ifndef OCTETS_LOW_FIRST
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OCTETS_LOW_FIRST 1
#else
#define OCTETS_LOW_FIRST 0
#endif
#endif

static inline uint16_t octets_u16(const uint8_t *octets)
{
    return (uint16_t)(octets[0] | octets[1] << 8);
}

static inline uint32_t octets_u32(const uint8_t *octets)
{
#if OCTETS_LOW_FIRST
    uint32_t number;
    memcpy(&number, octets, sizeof number);
    return number;
#else
    return (uint32_t)octets_u16(octets) | (uint32_t)octets_u16(octets + 2) << 16;
#endif
}

static inline uint64_t octets_u64(const uint8_t *octets)
{
#if OCTETS_LOW_FIRST
    uint64_t number;
    memcpy(&number, octets, sizeof number);
    return number;
#else
    return octets_u32(octets) | (uint64_t)octets_u32(octets + 4) << 32;
#endif
}

static inline void put_u16(uint8_t *octets, uint16_t number)
{
    octets[0] = (uint8_t)number;
    octets[1] = (uint8_t)(number >> 8);
}

static inline void put_u32(uint8_t *octets, uint32_t number)
{
#if OCTETS_LOW_FIRST
    memcpy(octets, &number, sizeof number);
#else
    put_u16(octets, (uint16_t)number);
    put_u16(octets + 2, (uint16_t)(number >> 16));
#endif
}

static inline void put_u64(uint8_t *octets, uint64_t number)
{
#if OCTETS_LOW_FIRST
    memcpy(octets, &number, sizeof number);
#else
    put_u32(octets, (uint32_t)number);
    put_u32(octets + 4, (uint32_t)(number >> 32));
#endif
}

#endif
