/*
 * lay_out: an engine's memory, one piece behind the other: walked once without memory for its size, and once
 * with it to hand out the pieces, by the same code.
 */
#ifndef MODEL_LAY_OUT_H
#define MODEL_LAY_OUT_H

#include <stddef.h>
#include <stdint.h>

#define LAY_OUT_ALIGNMENT 16u /* enough for any object */

/* The next `size` octets of `memory`, of which *used are given away, aligned for any object. `memory` NULL:
 * they are only counted, and NULL is returned. */
static inline void *lay_out_take(uint8_t *memory, size_t *used, size_t size)
{
    void *taken = memory == NULL ? NULL : memory + *used;
    *used += (size + LAY_OUT_ALIGNMENT - 1) / LAY_OUT_ALIGNMENT * LAY_OUT_ALIGNMENT;
    return taken;
}

#endif
