/*
 * spoil: the fuzzer's octets as a script, and the deviations of a peer that it chooses: one frame is not what
 * it should be.
 */
#ifndef FUZZ_RIG_SPOIL_H
#define FUZZ_RIG_SPOIL_H

#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *octets;
    size_t size;
};

/* The next octet; 0 behind the end. */
uint8_t script_octet(struct script *script);

enum spoil_kind {
    SPOIL_NOTHING,
    SPOIL_START,   /* first octet */
    SPOIL_LENGTH,  /* length octet, which lies then */
    SPOIL_SEND,    /* N(S) */
    SPOIL_RECEIVE, /* N(R) */
    SPOIL_CONTROL, /* one octet of the control field */
    SPOIL_ASDU,    /* one octet of the ASDU */
    SPOIL_BIT,     /* one bit of it */
    SPOIL_SHORTER, /* octets are missing at its end, */
    SPOIL_LONGER,  /* or surplus; the length octet is right */
    SPOIL_CUT,     /* octets are missing, and the length octet does not know */
    SPOIL_TWICE,   /* the frame comes once more: the caller's to do */
    SPOIL_KINDS
};

struct spoil {
    enum spoil_kind kind;
    uint8_t where, what;
};

/* A spoil that the script chooses. */
struct spoil spoil_of(struct script *script, uint8_t choice);
/* Spoils a frame of `size` octets, KOMET_APDU_SIZE_MAX at most, which has room for as many; returns its size.
 */
size_t spoil_frame(const struct spoil *spoil, uint8_t *frame, size_t size);
/* A frame of four control octets with any bits, as a U format. KOMET_APDU_HEADER_SIZE octets. */
void spoil_u(struct script *script, uint8_t *frame);

#endif
