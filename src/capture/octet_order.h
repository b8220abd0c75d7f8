/*
 * Numbers out of octets in either order: capture files have the order of the machine that wrote them, network
 * headers have the high octet first.
 */
#ifndef KOMET_CAPTURE_OCTET_ORDER_H
#define KOMET_CAPTURE_OCTET_ORDER_H

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t octets_high16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t octets_high32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t octets_low16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[1] << 8 | p[0]);
}

static inline uint32_t octets_low32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* In the order that is only known at run time. */
static inline uint16_t octets_u16(const uint8_t *p, bool high_first)
{
    return high_first ? octets_high16(p) : octets_low16(p);
}

static inline uint32_t octets_u32(const uint8_t *p, bool high_first)
{
    return high_first ? octets_high32(p) : octets_low32(p);
}

#endif
