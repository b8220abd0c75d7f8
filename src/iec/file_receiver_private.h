/*
 * The receiver's inside, shared by file_receiver.c (states) and file_receiver_asdu.c (ASDUs in and out).
 */
#ifndef IEC_FILE_RECEIVER_PRIVATE_H
#define IEC_FILE_RECEIVER_PRIVATE_H

#include "file_private.h"

#define file_receiver_handle komet_private_file_receiver_handle
#define file_receiver_begin  komet_private_file_receiver_begin
#define file_receiver_ours   komet_private_file_receiver_ours

enum receiver_state {
    RECEIVER_IDLE,
    RECEIVER_OFFERED,   /* the peer announced a file; the host is to accept or decline */
    RECEIVER_SELECTING, /* select file, or query log; file ready is awaited */
    RECEIVER_DELETING,  /* delete file; file ready is its confirmation */
    RECEIVER_AWAITING,  /* the file is called, or a section acknowledged; section ready or the last is awaited
                         */
    RECEIVER_RECEIVING, /* the section is called: segments, last segment */
    RECEIVER_CUTTING,   /* the section is deactivated: what still comes of it is passed over */
    RECEIVER_STATES
};

enum receiver_event {
    RECEIVER_FILE_READY, /* 120 */
    RECEIVER_FILE_NOT_READY,
    RECEIVER_SECTION_READY, /* 121 */
    RECEIVER_SECTION_NOT_READY,
    RECEIVER_SEGMENT,      /* 125 */
    RECEIVER_LAST_SEGMENT, /* 123, by its qualifier */
    RECEIVER_SECTION_DEACTIVATED,
    RECEIVER_LAST_SECTION,
    RECEIVER_FILE_DEACTIVATED,
    RECEIVER_NO_LAST,
    RECEIVER_REJECTED, /* 122, 124, 127, as a negative answer */
    RECEIVER_ACCEPT,
    RECEIVER_DECLINE,
    RECEIVER_ABORT,
    RECEIVER_ABORT_SECTION,
    RECEIVER_TIME_LIMIT,
    RECEIVER_CONNECTION_LOST,
    RECEIVER_EVENTS
};

/* What an event came with. */
struct receiver_input {
    unsigned connection;
    uint8_t cause; /* REJECTED */
    uint8_t oa;
    const struct komet_file_object *object; /* NULL: an event of our own, or a rejection of what is ours */
};

/* Which file, on which connection. */
struct receiver_subject {
    unsigned connection;
    uint32_t ioa;
    uint16_t name;
};

struct receiver_session {
    struct receiver_subject subject;
    uint32_t length;           /* of the file */
    uint8_t section;           /* called last; 0: none yet */
    uint8_t accepted;          /* the last one accepted; 0: none yet */
    uint8_t repeats;           /* of this section */
    uint32_t begin, end, at;   /* of this section, in the file; the next octet awaited */
    uint8_t section_sum;       /* of begin to at */
    uint8_t file_sum;          /* of all sections accepted */
    enum komet_file_end fault; /* of this section so far: DONE, LENGTH, UNEXPECTED */
    struct file_words word;
};

struct komet_file_receiver {
    struct file_side side;
    enum receiver_state state;
    struct komet_instant deadline;
    struct receiver_session session;

    /* What was deactivated last. Until the peer confirms, or the instant, what still comes of it is passed
     * over. */
    struct receiver_subject unconfirmed;
    struct komet_instant unconfirmed_until;

    /* A directory that was asked for. */
    bool directory_asked;
    unsigned directory_connection;
    uint32_t directory_ioa;
    struct komet_instant directory_deadline;
    struct file_words directory_word;

    /* Entries that are handed out one by one, from the ASDU that came last. */
    struct komet_asdu entries;
    unsigned entry, entry_count, entry_connection;
};

/* Begins what ends with DONE, DELETED or FAILED, in a state other than IDLE. The word is still to be said. */
void file_receiver_begin(struct komet_file_receiver *receiver, struct komet_instant now,
                         enum receiver_state state, const struct receiver_subject *subject);
void file_receiver_handle(struct komet_file_receiver *receiver, struct komet_instant now,
                          enum receiver_event event, const struct receiver_input *input);
/* True when what runs is of that file on that connection. */
bool file_receiver_ours(const struct komet_file_receiver *receiver, unsigned c, uint32_t ioa, uint16_t name);

#endif
