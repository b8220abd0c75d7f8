/*
 * value: what a tag has at a moment. Type, number, status, flags, times and why it came.
 *
 * Purpose: the one representation that passes from the line over the wire into the tag database, the
 * journal and the console. Facts: reference 1.4 (flags and status), 7.3 and 7.4 (types and attributes).
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "komet/time.h"

/* Types of tags (reference 7.3). Order is part of the journal's format: append only. */
enum tag_type {
    TAG_AI,   /* analog input: real number */
    TAG_AO,   /* analog output */
    TAG_CI,   /* integer input */
    TAG_CO,   /* integer output */
    TAG_DI,   /* digital input: false or true */
    TAG_DOUT, /* digital output */
    TAG_QI,   /* four-state input: 0 Trans, 1 Off, 2 On, 3 Err (DPI) */
    TAG_TIR,  /* relative time input: seconds */
    TAG_TXTI, /* text input */
    TAG_TYPE_COUNT
};

/* "Ai", "Dout", …; static storage. */
const char *tag_type_name(enum tag_type type);
/* The type with that name in any case, or TAG_TYPE_COUNT. */
enum tag_type tag_type_find(const char *name);
/* True for Ao, Co, Dout. */
bool tag_type_is_output(enum tag_type type);

/* Status of a value. Append only: in the journal. */
enum value_status {
    STATUS_UNKNOWN, /* nothing was received since the start */
    STATUS_VALID,
    STATUS_WEAK,
    STATUS_INVALID,
    STATUS_TRANSIENT, /* an output that was sent and is not confirmed */
    STATUS_COUNT
};
const char *value_status_name(enum value_status status); /* "Valid", … */

/* Flags A to P are bits 0 to 15 (reference 1.4). */
typedef uint16_t value_flags;
#define FLAG_A           ((value_flags)1u)
#define FLAG_SUBSTITUTED ((value_flags)0x20u) /* F: where SB stands */
#define FLAG_SELECT      ((value_flags)0x80u) /* H: where S/E stands in a command */
#define FLAGS_OF_OCTET   ((value_flags)0xFFu) /* A to H: the octet of a type */
#define FLAGS_TEXT_SIZE  17

/* Writes the letters of the set flags, "ADH"; `text` has FLAGS_TEXT_SIZE octets. */
void value_flags_text(value_flags flags, char *text);
/* Reads letters A to P in any case, also with commas or spaces. False when another character stands there. */
bool value_flags_parse(const char *text, value_flags *flags);

/* How the source time of a value came about. */
enum time_origin {
    TIME_FROM_STATION, /* the station's tag */
    TIME_OF_ARRIVAL    /* no tag, or one that is invalid: our clock at arrival */
};

struct value {
    double number; /* 0/1 for digital, DPI for Qi, seconds for TiR */
    enum value_status status : 8;
    enum time_origin time_origin : 8;
    value_flags flags;
    uint8_t cot;              /* cause of transmission that brought it, 0: none */
    uint8_t asdu_type;        /* type identification that brought it, 0: none */
    struct komet_utc time;    /* source time, UTC; KOMET_UTC_UNKNOWN before the first */
    struct komet_utc arrived; /* our clock when it came in */
};

/* A value never received. */
struct value value_unknown(void);

/* True when number, status and flags are the same: nothing an observer could see has changed but time. */
bool value_same(const struct value *a, const struct value *b);

/* True when its station says an earlier time than for `current`. Only times of stations are compared: one
 * whose clock is behind ours must still be heard. */
bool value_is_older(const struct value *value, const struct value *current);
/* True when `value` is newer than `current` for certain: by the station's own times, or because nothing is
 * known. Asked of what comes late. */
bool value_surely_newer(const struct value *value, const struct value *current);

#define VALUE_TEXT_SIZE 40
/* The value as people read it: "true", "On", "12.5", "?" when unknown. `text`: VALUE_TEXT_SIZE octets. */
void value_text(enum tag_type type, const struct value *value, char *text);
/* Reads what an operator typed for a tag of that type: true/false/on/off/1/0, Trans/Off/On/Err, a number
 * in the C locale. False when it is none, or out of the type's range. */
bool value_parse(enum tag_type type, const char *text, double *number);

/* True when reference 1.3, table 1, allows an input tag of `type` for monitor type `asdu_type`, or table 2
 * (or 1) an output tag. */
bool tag_type_fits(enum tag_type type, uint8_t asdu_type);

/* The cause that says "I was asked" (20 to 41): an interrogation's value is no event unless it differs. */
bool cot_is_interrogated(uint8_t cot);

#endif
