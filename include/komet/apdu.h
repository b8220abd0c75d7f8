/*
 * APDU: the frame of IEC 60870-5-104 (clause 5).
 *
 *     0x68 | length 4..253 | four control octets | ASDU, 0..249 octets, in an I format only
 *
 * `komet_apdu_decode` looks at the start of a buffer and says what stands there. It keeps no state;
 * the link (link.h) does that. Use it directly to look at captured traffic.
 */
#ifndef KOMET_APDU_H
#define KOMET_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/reason.h"

#define KOMET_APDU_START 0x68
#define KOMET_APDU_HEADER_SIZE 6 /* start, length, four control octets */
#define KOMET_APDU_SIZE_MAX 255  /* 253 counted by the length octet, and the first two */
#define KOMET_ASDU_SIZE_MAX 249  /* 253 - 4 control octets */
#define KOMET_SEQUENCE_MODULUS 32768

enum komet_apdu_format { KOMET_FORMAT_I, KOMET_FORMAT_S, KOMET_FORMAT_U };

/* The six functions of the U format; the value is the first control octet on the wire. */
enum komet_u_function {
    KOMET_U_NONE = 0,
    KOMET_U_STARTDT_ACT = 0x07,
    KOMET_U_STARTDT_CON = 0x0B,
    KOMET_U_STOPDT_ACT = 0x13,
    KOMET_U_STOPDT_CON = 0x23,
    KOMET_U_TESTFR_ACT = 0x43,
    KOMET_U_TESTFR_CON = 0x83
};

struct komet_apdu {
    enum komet_apdu_format format;
    enum komet_u_function function; /* U format, else KOMET_U_NONE */
    uint16_t ns;                    /* N(S), I format, 0..32767 */
    uint16_t nr;                    /* N(R), I and S format, 0..32767 */
    bool cf3_mark;                  /* bit 0 of the third control octet, which some stations use to mark
                                       data of a standby; only where the caller tolerates it */
    const uint8_t *asdu;            /* I format: borrowed from the input; NULL when empty */
    size_t asdu_size;               /* 0..249 */
};

/*
 * Decodes the APDU at the start of `octets`.
 *   octets, size    what has arrived so far; borrowed
 *   tolerate_cf3    accept bit 0 of the third control octet of an I format, see cf3_mark
 *   apdu            filled when the result is KOMET_OK and *consumed is not 0
 *   consumed        how many octets the APDU takes; 0 when more octets are needed
 * Returns KOMET_OK, KOMET_BAD_START, KOMET_BAD_LENGTH or KOMET_BAD_CONTROL. On an error the caller
 * closes the connection: a byte stream that lost its framing cannot be trusted again. A bad start or
 * length is seen at the first octet that shows it, not only when the frame is complete.
 */
KOMET_API enum komet_reason komet_apdu_decode(const uint8_t *octets, size_t size, bool tolerate_cf3,
                                              struct komet_apdu *apdu, size_t *consumed);

/* Write one frame's header or whole frame to `out`, which holds at least KOMET_APDU_HEADER_SIZE
 * octets. `ns`, `nr`: 0..32767; `asdu_size`: 0..249, the octets that the caller puts behind it. */
KOMET_API void komet_apdu_encode_i(uint8_t *out, uint16_t ns, uint16_t nr, size_t asdu_size);
KOMET_API void komet_apdu_encode_s(uint8_t *out, uint16_t nr);
KOMET_API void komet_apdu_encode_u(uint8_t *out, enum komet_u_function function);

/* "STARTDT act" and so on; "none" for KOMET_U_NONE. Static storage. */
KOMET_API const char *komet_u_function_name(enum komet_u_function function);

#endif
