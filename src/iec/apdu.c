/*
 * apdu: the six octets around an ASDU, decoded and encoded (IEC 60870-5-104 clause 5).
 */
#include "komet/apdu.h"

#include <assert.h>
#include <string.h>

#include "komet/assert.h"

enum { LENGTH_MIN = 4, LENGTH_MAX = 253 };

static_assert(LENGTH_MAX + 2 == KOMET_APDU_SIZE_MAX, "the length octet counts all but the first two");
static_assert(LENGTH_MAX - LENGTH_MIN == KOMET_ASDU_SIZE_MAX, "four control octets stand before the ASDU");

static enum komet_u_function u_function(uint8_t octet)
{
    switch (octet) {
    case KOMET_U_STARTDT_ACT:
        return KOMET_U_STARTDT_ACT;
    case KOMET_U_STARTDT_CON:
        return KOMET_U_STARTDT_CON;
    case KOMET_U_STOPDT_ACT:
        return KOMET_U_STOPDT_ACT;
    case KOMET_U_STOPDT_CON:
        return KOMET_U_STOPDT_CON;
    case KOMET_U_TESTFR_ACT:
        return KOMET_U_TESTFR_ACT;
    case KOMET_U_TESTFR_CON:
        return KOMET_U_TESTFR_CON;
    default: /* two functions at once, or none: an octet, not an enumeration */
        return KOMET_U_NONE;
    }
}

/* A sequence number: 15 bits above bit 0, low octet first. */
static uint16_t sequence_number(const uint8_t *octets)
{
    return (uint16_t)((octets[0] | octets[1] << 8) >> 1);
}

/* `control`: four octets. Fills all of `apdu` but the ASDU. */
static enum komet_reason decode_control(const uint8_t *control, bool tolerate_cf3, struct komet_apdu *apdu)
{
    *apdu = (struct komet_apdu){.format = KOMET_FORMAT_I};
    bool cf3 = (control[2] & 1) != 0;
    if ((control[0] & 1) == 0) {
        apdu->ns = sequence_number(control);
        apdu->nr = sequence_number(control + 2);
        apdu->cf3_mark = cf3;
        return cf3 && !tolerate_cf3 ? KOMET_BAD_CONTROL : KOMET_OK;
    }
    if ((control[0] & 3) == 1) {
        apdu->format = KOMET_FORMAT_S;
        apdu->nr = sequence_number(control + 2);
        return control[0] == 1 && control[1] == 0 && !cf3 ? KOMET_OK : KOMET_BAD_CONTROL;
    }
    apdu->format = KOMET_FORMAT_U;
    apdu->function = u_function(control[0]);
    bool zeros = (control[1] | control[2] | control[3]) == 0;
    return apdu->function != KOMET_U_NONE && zeros ? KOMET_OK : KOMET_BAD_CONTROL;
}

enum komet_reason komet_apdu_decode(const uint8_t *octets, size_t size, bool tolerate_cf3,
                                    struct komet_apdu *apdu, size_t *consumed)
{
    KOMET_ASSERT(octets != NULL || size == 0);
    KOMET_ASSERT(apdu != NULL && consumed != NULL);
    *consumed = 0;
    if (size >= 1 && octets[0] != KOMET_APDU_START) {
        return KOMET_BAD_START;
    }
    if (size >= 2 && (octets[1] < LENGTH_MIN || octets[1] > LENGTH_MAX)) {
        return KOMET_BAD_LENGTH;
    }
    if (size < KOMET_APDU_HEADER_SIZE) {
        return KOMET_OK;
    }
    enum komet_reason reason = decode_control(octets + 2, tolerate_cf3, apdu);
    if (reason != KOMET_OK) {
        return reason;
    }
    size_t asdu_size = octets[1] - (size_t)LENGTH_MIN;
    if (apdu->format != KOMET_FORMAT_I && asdu_size != 0) {
        return KOMET_BAD_LENGTH;
    }
    if (size < KOMET_APDU_HEADER_SIZE + asdu_size) {
        return KOMET_OK;
    }
    if (asdu_size > 0) {
        apdu->asdu = octets + KOMET_APDU_HEADER_SIZE;
        apdu->asdu_size = asdu_size;
    }
    *consumed = KOMET_APDU_HEADER_SIZE + asdu_size;
    return KOMET_OK;
}

static void put_sequence_number(uint8_t *octets, uint16_t number)
{
    KOMET_ASSERT(number < KOMET_SEQUENCE_MODULUS);
    octets[0] = (uint8_t)(number << 1);
    octets[1] = (uint8_t)(number >> 7);
}

void komet_apdu_encode_i(uint8_t *out, uint16_t ns, uint16_t nr, size_t asdu_size)
{
    KOMET_ASSERT(asdu_size <= KOMET_ASDU_SIZE_MAX);
    out[0] = KOMET_APDU_START;
    out[1] = (uint8_t)(LENGTH_MIN + asdu_size);
    put_sequence_number(out + 2, ns);
    put_sequence_number(out + 4, nr);
}

void komet_apdu_encode_s(uint8_t *out, uint16_t nr)
{
    out[0] = KOMET_APDU_START;
    out[1] = LENGTH_MIN;
    out[2] = 1;
    out[3] = 0;
    put_sequence_number(out + 4, nr);
}

void komet_apdu_encode_u(uint8_t *out, enum komet_u_function function)
{
    KOMET_ASSERT(function != KOMET_U_NONE);
    KOMET_ASSERT(u_function((uint8_t)function) == function);
    memset(out, 0, KOMET_APDU_HEADER_SIZE);
    out[0] = KOMET_APDU_START;
    out[1] = LENGTH_MIN;
    out[2] = (uint8_t)function;
}

const char *komet_u_function_name(enum komet_u_function function)
{
    switch (function) {
    case KOMET_U_NONE:
        return "none";
    case KOMET_U_STARTDT_ACT:
        return "STARTDT act";
    case KOMET_U_STARTDT_CON:
        return "STARTDT con";
    case KOMET_U_STOPDT_ACT:
        return "STOPDT act";
    case KOMET_U_STOPDT_CON:
        return "STOPDT con";
    case KOMET_U_TESTFR_ACT:
        return "TESTFR act";
    case KOMET_U_TESTFR_CON:
        return "TESTFR con";
    }
    KOMET_ASSERT_NEVER("a value of enum komet_u_function");
}
