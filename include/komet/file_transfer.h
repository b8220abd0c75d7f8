/*
 * file_transfer: files from one station to the other (IEC 60870-5-101 7.4.11, types 120 to 126; -5-104, type
 * 127), as two engines. A sender has files, a receiver wants one. In monitor direction the controlled station
 * sends; in control direction the controlling one announces a file and the controlled one calls it. So both
 * engines serve either side, and a station may have both.
 *
 *     receiver                       sender
 *     select file             →
 *                             ←      file ready            (or unasked: the sender announces it)
 *     call file               →
 *                             ←      section ready
 *     call section            →
 *                             ←      segments, last segment with the section's checksum
 *     section accepted        →
 *                             ←      … last section with the file's checksum
 *     file accepted           →
 *
 * An engine speaks for one common address and moves one file at a time, on one of its connections: a sender
 * refuses what others ask of that file, or of another, until it has ended. Directories it gives to all.
 * Whoever wants several transfers at once makes several engines, each with connections of its own.
 *
 *     komet_asdu_decode(…) == KOMET_ASDU_OK, and its type 120 to 127:
 *     komet_file_sender_receive(…) || komet_file_receiver_receive(…)     false: answer it yourself
 *     while (komet_file_…_next(engine, &event)) …                        after each call that may cause one
 *     while (komet_link_room(link) > 0 && (size = komet_file_…_write(engine, now, c, reserved)) > 0) commit
 *
 * Nothing is sent by itself: the host asks for the next ASDU when its link has room, so a large file never
 * floods anything. It asks again after each receive, tick and call of its own, and when room has come.
 * No progress within the time limit ends a transfer: the peer is told with a deactivation.
 *
 * What the peer should not have sent gets an answer and changes nothing. From a sender: file not ready (FRQ)
 * for select, query and delete, else the negative mirror (P/N) with cause 45, 47, or 13 and an error of enum
 * komet_file_error. From a receiver: file refused with such an error, or the mirror with cause 45. Segments,
 * refusals and ends of transfers are never answered, so two engines cannot keep each other busy.
 */
#ifndef KOMET_FILE_TRANSFER_H
#define KOMET_FILE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/asdu.h"
#include "komet/file.h"
#include "komet/time.h"

struct komet_file_settings {
    const struct komet_profile *profile; /* borrowed as long as the engine */
    uint16_t ca;                         /* the station's; what has another is not taken */
    uint8_t oa;                          /* originator address of what this side begins */
    uint8_t connections;                 /* 1..255 */
    uint8_t segment_size;                /* sender: octets of a segment, 1..KOMET_SEGMENT_SIZE_MAX */
    uint8_t repeats;                     /* how often a section is sent or wanted once more, 0..255 */
    uint32_t length_max;                 /* receiver: a longer file is refused, 0..KOMET_FILE_LENGTH_MAX */
    int64_t time_limit_us;               /* > 0: without progress for so long a transfer ends */
};

/* Of profile 104 and station `ca`: 1 connection, largest segments, 3 repeats, no limit of length, 30 s. */
KOMET_API struct komet_file_settings komet_file_settings_standard(uint16_t ca);
/* NULL when usable, else a sentence that says which is wrong. Static storage. The engines assert it. */
KOMET_API const char *komet_file_settings_fault(const struct komet_file_settings *settings);

/* Why a transfer ended. */
enum komet_file_end {
    KOMET_FILE_END_DONE,         /* all is there, with right checksums, and accepted */
    KOMET_FILE_END_REFUSED,      /* the peer said no */
    KOMET_FILE_END_UNKNOWN,      /* the peer has no file at that address (cause 47) */
    KOMET_FILE_END_TOO_LONG,     /* longer than length_max; refused */
    KOMET_FILE_END_LENGTH,       /* sections are not as long as was said */
    KOMET_FILE_END_CHECKSUM,     /* a checksum was wrong, too often or that of the file */
    KOMET_FILE_END_REPEATS,      /* a section was wanted again too often */
    KOMET_FILE_END_UNEXPECTED,   /* the peer did what does not belong there */
    KOMET_FILE_END_DEACTIVATED,  /* the peer ended it */
    KOMET_FILE_END_SILENT,       /* no progress within the time limit */
    KOMET_FILE_END_DISCONNECTED, /* its connection ended */
    KOMET_FILE_END_ABORTED,      /* the host ended it */
    KOMET_FILE_END_COUNT         /* not a reason */
};
/* "done", "refused", "too-long", …; static storage. */
KOMET_API const char *komet_file_end_name(enum komet_file_end end);

enum komet_file_event_kind {
    KOMET_FILE_EVENT_DONE,   /* both: connection, ioa, name, length */
    KOMET_FILE_EVENT_FAILED, /* both: connection, ioa, name, end. Also a question, or a deletion, that came to
                                nothing */
    /* Sender: questions, to be answered with komet_file_sender_answer. Asked of what is in the table of files
       alone, so a log stands there too, with length 0 while nothing was made of it; all else is refused. */
    KOMET_FILE_EVENT_DELETE, /* the peer wants this file deleted: connection, ioa, name, question */
    KOMET_FILE_EVENT_QUERY,  /* the peer wants of the log at ioa, name what is from `time` to `stop`: question
                              */
    /* Receiver. */
    KOMET_FILE_EVENT_ANNOUNCED, /* the peer offers ioa, name, length; komet_file_receiver_accept, _decline */
    KOMET_FILE_EVENT_DATA,      /* section, offset, octets, size: provisional until SECTION_DONE */
    KOMET_FILE_EVENT_SECTION_DONE, /* section, offset of its first octet, its length; the checksum is right */
    KOMET_FILE_EVENT_DELETED,      /* ioa, name */
    KOMET_FILE_EVENT_ENTRY,        /* of a directory: ioa, name, length, time, attributes; the last has
                                      KOMET_SOF_LAST */
    KOMET_FILE_EVENT_DIRECTORY_FAILED /* connection, ioa, end */
};

struct komet_file_event {
    enum komet_file_event_kind kind;
    enum komet_file_end end;
    unsigned connection;
    uint32_t ioa;
    uint16_t name;
    uint8_t section;       /* 1..255 */
    uint8_t attributes;    /* SOF */
    uint32_t length;       /* octets */
    uint32_t offset;       /* in the file */
    const uint8_t *octets; /* borrowed from the ASDU that was received, until the next receive */
    size_t size;
    uint32_t question;
    struct komet_time_tag time, stop;
};

/* Numbers since the engine was made. */
struct komet_file_counters {
    uint64_t octets;  /* of segments that were written, or handed out */
    uint64_t repeats; /* sections that were sent, or wanted, once more */
    uint64_t refused; /* ASDUs of the peer that got a negative answer */
    uint64_t dropped; /* passed over without an answer, or whose answer found 4 waiting on its connection */
};

/* ---- sender ---- */

/* A file, in the host's memory. */
struct komet_file {
    uint32_t ioa; /* above 0; several files may have the same */
    uint16_t name;
    uint8_t attributes;         /* SOF for the directory: bits 0 to 4 status, KOMET_SOF_DIRECTORY */
    uint32_t length;            /* 0..KOMET_FILE_LENGTH_MAX octets */
    uint32_t section_size;      /* of all sections but the last: at least 1, and at most 255 sections */
    const uint8_t *data;        /* borrowed: must stay as it is during a transfer, up to DONE or FAILED */
    struct komet_time_tag time; /* of its making */
};

struct komet_file_sender; /* opaque; lives in the caller's memory */

KOMET_API size_t komet_file_sender_size(const struct komet_file_settings *settings);
/* memory, size  taken until the caller drops the engine; aligned for any object; size as above.
 * settings      copied. It begins without files and without connections. */
KOMET_API struct komet_file_sender *komet_file_sender_init(void *memory, size_t size,
                                                           const struct komet_file_settings *settings);
/* The table of files, borrowed until the next call of this; may be called at any time. In the order of the
 * directory: neighbours of consecutive ioa share ASDUs. A file out of its ranges is asserted. */
KOMET_API void komet_file_sender_files(struct komet_file_sender *sender, const struct komet_file *files,
                                       size_t count);
/* Connection c (0..connections-1) has come up, or has ended: what ran on it has FAILED. */
KOMET_API void komet_file_sender_connected(struct komet_file_sender *sender, struct komet_instant now,
                                           unsigned c);
KOMET_API void komet_file_sender_disconnected(struct komet_file_sender *sender, struct komet_instant now,
                                              unsigned c);
/* An ASDU came on c, which is up; it decoded with KOMET_ASDU_OK. True: it was the sender's, and is done with.
 * False: it is of another type, direction or common address. All events must have been taken (asserted). */
KOMET_API bool komet_file_sender_receive(struct komet_file_sender *sender, struct komet_instant now,
                                         unsigned c, const struct komet_asdu *asdu);
/* The next ASDU for c into KOMET_ASDU_SIZE_MAX octets; returns its size, 0: none now. */
KOMET_API size_t komet_file_sender_write(struct komet_file_sender *sender, struct komet_instant now,
                                         unsigned c, uint8_t *octets);
/* Hands out the next event; false when there is none. */
KOMET_API bool komet_file_sender_next(struct komet_file_sender *sender, struct komet_file_event *event);
/* Lets time pass, when the deadline has come; KOMET_NEVER: nothing is due. */
KOMET_API void komet_file_sender_tick(struct komet_file_sender *sender, struct komet_instant now);
KOMET_API struct komet_instant komet_file_sender_deadline(const struct komet_file_sender *sender);
KOMET_API struct komet_file_counters komet_file_sender_counters(const struct komet_file_sender *sender);

/* Tells the peer on c that this file is ready: unasked, as a new disturbance record or in control direction.
 * False: a transfer runs, the table has no such file, or c is not up. Events must have been taken. */
KOMET_API bool komet_file_sender_announce(struct komet_file_sender *sender, struct komet_instant now,
                                          unsigned c, uint32_t ioa, uint16_t name);
/* Answers a question. Yes to DELETE: the host has deleted it, in the table too. Yes to QUERY: the file is in
 * the table, and is sent. A question that is not open any more is passed over; each is, after the time limit,
 * answered no. */
KOMET_API void komet_file_sender_answer(struct komet_file_sender *sender, struct komet_instant now,
                                        uint32_t question, bool yes);
/* Ends the transfer (FAILED, aborted), or the section being sent, which is offered again. */
KOMET_API void komet_file_sender_abort(struct komet_file_sender *sender, struct komet_instant now);
KOMET_API void komet_file_sender_abort_section(struct komet_file_sender *sender, struct komet_instant now);

/* ---- receiver ---- */

struct komet_file_receiver; /* opaque; lives in the caller's memory */

/* As the sender's. Octets of a section that failed its checks are handed out again, from the section's first:
 * a DATA whose offset is below the last one's replaces all from there on. */
KOMET_API size_t komet_file_receiver_size(const struct komet_file_settings *settings);
KOMET_API struct komet_file_receiver *komet_file_receiver_init(void *memory, size_t size,
                                                               const struct komet_file_settings *settings);
KOMET_API void komet_file_receiver_connected(struct komet_file_receiver *receiver, struct komet_instant now,
                                             unsigned c);
KOMET_API void komet_file_receiver_disconnected(struct komet_file_receiver *receiver,
                                                struct komet_instant now, unsigned c);
KOMET_API bool komet_file_receiver_receive(struct komet_file_receiver *receiver, struct komet_instant now,
                                           unsigned c, const struct komet_asdu *asdu);
KOMET_API size_t komet_file_receiver_write(struct komet_file_receiver *receiver, struct komet_instant now,
                                           unsigned c, uint8_t *octets);
KOMET_API bool komet_file_receiver_next(struct komet_file_receiver *receiver, struct komet_file_event *event);
KOMET_API void komet_file_receiver_tick(struct komet_file_receiver *receiver, struct komet_instant now);
KOMET_API struct komet_instant komet_file_receiver_deadline(const struct komet_file_receiver *receiver);
KOMET_API struct komet_file_counters komet_file_receiver_counters(const struct komet_file_receiver *receiver);

/* Asks for the directory: ioa 0 for all, else of one address. Its entries are events, as are those of a
 * directory that the peer sends unasked. False: one was asked for already, or c is not up. */
KOMET_API bool komet_file_receiver_directory(struct komet_file_receiver *receiver, struct komet_instant now,
                                             unsigned c, uint32_t ioa);
/* Gets a file; gets what the log at ioa, name has from `begin` to `end`; has a file deleted. All end with
 * DONE or DELETED, or with FAILED. False: something is in transfer or announced, or c is not up. In these
 * and in accept and decline, events must have been taken. */
KOMET_API bool komet_file_receiver_get(struct komet_file_receiver *receiver, struct komet_instant now,
                                       unsigned c, uint32_t ioa, uint16_t name);
KOMET_API bool komet_file_receiver_query(struct komet_file_receiver *receiver, struct komet_instant now,
                                         unsigned c, uint32_t ioa, uint16_t name,
                                         const struct komet_time_tag *begin,
                                         const struct komet_time_tag *end);
KOMET_API bool komet_file_receiver_delete(struct komet_file_receiver *receiver, struct komet_instant now,
                                          unsigned c, uint32_t ioa, uint16_t name);
/* What was ANNOUNCED is called, or refused (FAILED, aborted). Passed over when it was withdrawn meanwhile. */
KOMET_API void komet_file_receiver_accept(struct komet_file_receiver *receiver, struct komet_instant now);
KOMET_API void komet_file_receiver_decline(struct komet_file_receiver *receiver, struct komet_instant now);
/* Ends the transfer (FAILED, aborted), or the section being received, which is then wanted again. */
KOMET_API void komet_file_receiver_abort(struct komet_file_receiver *receiver, struct komet_instant now);
KOMET_API void komet_file_receiver_abort_section(struct komet_file_receiver *receiver,
                                                 struct komet_instant now);

#endif
