/*
 * The sender's inside, shared by file_sender.c (states) and file_sender_asdu.c (ASDUs in and out).
 */
#ifndef IEC_FILE_SENDER_PRIVATE_H
#define IEC_FILE_SENDER_PRIVATE_H

#include "file_private.h"

#define file_sender_handle   komet_private_file_sender_handle
#define file_sender_ours     komet_private_file_sender_ours
#define file_sender_find     komet_private_file_sender_find
#define file_sender_progress komet_private_file_sender_progress

enum sender_state {
    SENDER_IDLE,
    SENDER_DELETE_ASKED,    /* the host is to say whether the file is deleted */
    SENDER_QUERY_ASKED,     /* the host is to make the file of a log */
    SENDER_SELECTED,        /* file ready, or announced; the call of the file is awaited */
    SENDER_SECTION_OFFERED, /* section ready; its call is awaited */
    SENDER_SENDING,         /* segments, then the last segment */
    SENDER_SECTION_SENT,    /* its acknowledgement is awaited */
    SENDER_FILE_SENT,       /* the last section was told; the file's acknowledgement is awaited */
    SENDER_STATES
};

enum sender_event {
    /* type 122 */
    SENDER_SELECT,
    SENDER_CALL_FILE,
    SENDER_DEACTIVATE_FILE,
    SENDER_DELETE,
    SENDER_SELECT_SECTION,
    SENDER_CALL_SECTION,
    SENDER_DEACTIVATE_SECTION,
    /* type 127 */
    SENDER_QUERY,
    /* type 124 */
    SENDER_FILE_ACCEPTED,
    SENDER_FILE_REFUSED,
    SENDER_SECTION_ACCEPTED,
    SENDER_SECTION_REFUSED,
    /* types 122 and 124 with a qualifier that means nothing here */
    SENDER_NO_SERVICE,
    /* types 120, 121, 123, 125, as a negative answer */
    SENDER_REJECTED,
    /* of our own */
    SENDER_LAST_WRITTEN,
    SENDER_ANNOUNCE,
    SENDER_YES,
    SENDER_NO,
    SENDER_ABORT,
    SENDER_ABORT_SECTION,
    SENDER_TIME_LIMIT,
    SENDER_CONNECTION_LOST,
    SENDER_EVENTS
};

/* What an event came with. */
struct sender_input {
    unsigned connection;
    uint8_t oa;
    uint32_t ioa;
    uint16_t name;
    struct komet_time_tag time, stop; /* QUERY */
    const struct komet_asdu *asdu;    /* NULL: an event of our own */
};

/* A directory that is being written. */
struct sender_directory {
    bool running;
    uint8_t oa;
    uint32_t ioa; /* 0: of all */
    size_t next;  /* in the table of files */
};

struct sender_session {
    unsigned connection;
    uint8_t oa;
    struct komet_file file; /* while a question is open, ioa and name alone */
    uint32_t question;
    uint8_t section;         /* 0: none yet */
    uint8_t repeats;         /* of this section */
    uint32_t begin, end, at; /* of this section, in the file; the next octet to be sent */
    uint8_t section_sum;     /* of begin to at */
    uint8_t file_sum;        /* of all sections accepted */
    struct file_words word;
};

struct komet_file_sender {
    struct file_side side;
    enum sender_state state;
    struct komet_instant deadline;
    struct sender_session session;
    const struct komet_file *files;
    size_t file_count;
    uint32_t questions;                   /* ever asked */
    struct sender_directory *directories; /* one a connection */
};

void file_sender_handle(struct komet_file_sender *sender, struct komet_instant now, enum sender_event event,
                        const struct sender_input *input);
/* True when the transfer that runs is of that file on that connection. */
bool file_sender_ours(const struct komet_file_sender *sender, unsigned c, uint32_t ioa, uint16_t name);
/* The file, NULL when the table has none, or a directory, of this name. */
const struct komet_file *file_sender_find(const struct komet_file_sender *sender, uint32_t ioa,
                                          uint16_t name);
/* The time limit runs anew from here. */
void file_sender_progress(struct komet_file_sender *sender, struct komet_instant now);

#endif
