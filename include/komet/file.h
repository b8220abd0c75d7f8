/*
 * file: what the ASDUs of file transfer carry (IEC 60870-5-101 7.3.6, types 120 to 126; -5-104, type 127).
 *
 * A file lies at an information object address and has a name of two octets. It is sent in sections, a
 * section in segments of at most KOMET_SEGMENT_SIZE_MAX octets. Section and file end with a checksum: the sum
 * of all their octets modulo 256.
 */
#ifndef KOMET_FILE_H
#define KOMET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/asdu.h"

#define KOMET_SEGMENT_SIZE_MAX 236 /* behind 6 octets of header, 3 of IOA and 4 of its own: any profile */
#define KOMET_FILE_LENGTH_MAX  0xFFFFFFu

/* Select and call qualifier of type 122, in its low four bits (7.2.6.30). */
enum komet_file_call {
    KOMET_CALL_DIRECTORY = 0, /* the standard's "default": with cause 5, the directory */
    KOMET_CALL_SELECT_FILE = 1,
    KOMET_CALL_FILE = 2,
    KOMET_CALL_DEACTIVATE_FILE = 3,
    KOMET_CALL_DELETE_FILE = 4,
    KOMET_CALL_SELECT_SECTION = 5,
    KOMET_CALL_SECTION = 6,
    KOMET_CALL_DEACTIVATE_SECTION = 7
};

/* Last section or segment qualifier of type 123, the whole octet (7.2.6.31). */
enum komet_file_last {
    KOMET_LAST_FILE = 1, /* file transfer without deactivation */
    KOMET_LAST_FILE_DEACTIVATED = 2,
    KOMET_LAST_SECTION = 3, /* section transfer without deactivation */
    KOMET_LAST_SECTION_DEACTIVATED = 4
};

/* Acknowledge qualifier of type 124, in its low four bits (7.2.6.32). */
enum komet_file_acknowledge {
    KOMET_FILE_ACCEPTED = 1,
    KOMET_FILE_REFUSED = 2,
    KOMET_SECTION_ACCEPTED = 3,
    KOMET_SECTION_REFUSED = 4
};

/* Errors in the high four bits of the qualifiers of types 122 and 124 (7.2.6.30, 7.2.6.32). */
enum komet_file_error {
    KOMET_FILE_OK = 0,
    KOMET_FILE_NO_MEMORY = 1,
    KOMET_FILE_CHECKSUM = 2,
    KOMET_FILE_UNEXPECTED_SERVICE = 3,
    KOMET_FILE_UNEXPECTED_NAME = 4,
    KOMET_FILE_UNEXPECTED_SECTION = 5
};

/* Bits of the remaining qualifiers. */
enum {
    KOMET_FILE_NOT_READY =
        0x80,              /* of type 120 (FRQ: negative confirmation) and 121 (SRQ: section not ready) */
    KOMET_SOF_LAST = 0x20, /* LFD of type 126: the last file of the directory */
    KOMET_SOF_DIRECTORY = 0x40, /* FOR: the name is a subdirectory's */
    KOMET_SOF_ACTIVE = 0x80     /* FA: this file is being transferred */
};

/* One object of types 120 to 127. Members that the type has not are zero. */
struct komet_file_object {
    uint32_t ioa;
    uint16_t name;     /* NOF, name of file; of type 126 also of a subdirectory */
    uint8_t section;   /* NOS, name of section: 121 to 125 */
    uint32_t length;   /* LOF, 0..KOMET_FILE_LENGTH_MAX octets, of the file (120, 126) or section (121) */
    uint8_t qualifier; /* the octet: FRQ 120, SRQ 121, SCQ 122, LSQ 123, AFQ 124, SOF 126 */
    uint8_t checksum;  /* CHS: 123 */
    const uint8_t *segment;     /* 125; borrowed: of the ASDU when read, of the caller when written */
    uint8_t segment_size;       /* LOS, 0..KOMET_SEGMENT_SIZE_MAX */
    struct komet_time_tag time; /* 126: of the file's making; 127: begin of the range that is asked for */
    struct komet_time_tag stop; /* 127: its end */
};

/* Reads object `index` (0..count-1) of an ASDU whose row has KOMET_ELEMENT_FILE and that decoded with
 * KOMET_ASDU_OK. Cannot fail. */
KOMET_API void komet_asdu_file(const struct komet_asdu *asdu, unsigned index, struct komet_file_object *file);

/* Appends an object of file transfer, as komet_asdu_add does for the others, with the same result. False also
 * when a segment is larger than the room left: take less. The type of the ASDU must have KOMET_ELEMENT_FILE;
 * length and segment_size must be in their range (asserted). */
KOMET_API bool komet_asdu_add_file(struct komet_asdu_writer *writer, const struct komet_file_object *file);

#endif
