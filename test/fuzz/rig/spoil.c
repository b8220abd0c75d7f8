/*
 * spoil: see spoil.h.
 */
#include "spoil.h"

#include <string.h>

#include "komet/apdu.h"

enum { HEADER = KOMET_APDU_HEADER_SIZE };

uint8_t script_octet(struct script *script)
{
    if (script->size == 0) {
        return 0;
    }
    script->size--;
    return *script->octets++;
}

struct spoil spoil_of(struct script *script, uint8_t choice)
{
    struct spoil spoil = {.kind = (enum spoil_kind)(1 + choice % (SPOIL_KINDS - 1))};
    spoil.where = script_octet(script);
    spoil.what = script_octet(script);
    return spoil;
}

/* Adds -128 to 127 to a sequence number. */
static void add_number(uint8_t *octets, uint8_t count)
{
    unsigned difference = count < 128 ? count : count + 0x7F00u;
    unsigned number = ((unsigned)(octets[0] >> 1 | octets[1] << 7) + difference) & 0x7FFF;
    octets[0] = (uint8_t)(number << 1 | (octets[0] & 1));
    octets[1] = (uint8_t)(number >> 7);
}

size_t spoil_frame(const struct spoil *spoil, uint8_t *frame, size_t size)
{
    uint8_t where = spoil->where, what = spoil->what;
    size_t asdu = size - HEADER;
    size_t fewer = asdu == 0 ? 0 : 1 + where % asdu;
    size_t more = asdu == KOMET_ASDU_SIZE_MAX ? 0 : 1 + where % (KOMET_ASDU_SIZE_MAX - asdu);
    switch (spoil->kind) {
    case SPOIL_START:
        frame[0] = what;
        break;
    case SPOIL_LENGTH:
        frame[1] = (uint8_t)(frame[1] + what);
        break;
    case SPOIL_SEND:
        add_number(frame + 2, what);
        break;
    case SPOIL_RECEIVE:
        add_number(frame + 4, what);
        break;
    case SPOIL_CONTROL:
        frame[2 + where % 4] = what;
        break;
    case SPOIL_ASDU:
        frame[asdu == 0 ? 0 : HEADER + where % asdu] = what;
        break;
    case SPOIL_BIT:
        frame[asdu == 0 ? 2 : HEADER + where % asdu] ^= (uint8_t)(1u << what % 8);
        break;
    case SPOIL_SHORTER:
        frame[1] = (uint8_t)(frame[1] - fewer);
        size -= fewer;
        break;
    case SPOIL_LONGER:
        memset(frame + size, what, more);
        frame[1] = (uint8_t)(frame[1] + more);
        size += more;
        break;
    case SPOIL_CUT:
        size -= 1 + where % (size - 1);
        break;
    case SPOIL_TWICE:
    case SPOIL_NOTHING:
    case SPOIL_KINDS:
        break;
    }
    return size;
}

void spoil_u(struct script *script, uint8_t *frame)
{
    uint8_t where = script_octet(script);
    memset(frame, 0, HEADER);
    frame[0] = KOMET_APDU_START;
    frame[1] = 4;
    frame[2] = (uint8_t)(script_octet(script) | 3);
    if (where % 4 != 0) {
        frame[2 + where % 4] = script_octet(script);
    }
}
