/*
 * The file transfer engines' inside: what a sender and a receiver have in common.
 *
 * file_side.c              settings, events, and the short ASDUs that wait for their connections
 * file_sender.c            the sender's states: table of (event, state), and what each cell does
 * file_sender_asdu.c       which event an ASDU is; directories, segments, what the host calls
 * file_receiver.c          the receiver's states
 * file_receiver_asdu.c     which event an ASDU is; directories, what the host calls
 *
 * Everything but a segment and a directory is short (KOMET_ASDU_SIZE_ONE) and is encoded when it is decided.
 * It waits in one of two places. Answers, and the last word of a transfer that has ended, wait in a ring of
 * their connection, which drops what is too much. The word of a running transfer waits in its session, where
 * a newer one takes the place of an older: it cannot be lost, and a peer cannot make it grow.
 */
#ifndef IEC_FILE_PRIVATE_H
#define IEC_FILE_PRIVATE_H

#include "komet/assert.h"
#include "komet/file_transfer.h"

#define file_side_size    komet_private_file_side_size
#define file_side_init    komet_private_file_side_init
#define file_is_up        komet_private_file_is_up
#define file_connected    komet_private_file_connected
#define file_disconnected komet_private_file_disconnected
#define file_note         komet_private_file_note
#define file_next         komet_private_file_next
#define file_events_taken komet_private_file_events_taken
#define file_encode       komet_private_file_encode
#define file_take         komet_private_file_take
#define file_answer       komet_private_file_answer
#define file_mirror       komet_private_file_mirror
#define file_take_answer  komet_private_file_take_answer
#define file_is_for       komet_private_file_is_for
#define file_is_request   komet_private_file_is_request
#define file_sum          komet_private_file_sum
#define file_is_refusal   komet_private_file_is_refusal

enum {
    FILE_ANSWERS_MAX = 4,  /* that wait on a connection */
    FILE_EVENTS_MAX = 4,   /* one receive causes one; time and the end of a connection two more */
    FILE_QUALIFIER = 0x0F, /* of SCQ and AFQ, below the error */
    FILE_ERROR_SHIFT = 4,
    FILE_SECTIONS_MAX = 255
};

/* A short ASDU that waits; size 0: none. */
struct file_words {
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
};

struct file_connection {
    bool up;
    uint8_t first, count;
    struct file_words answers[FILE_ANSWERS_MAX];
};

struct file_side {
    struct komet_file_settings settings;
    struct file_connection *connections;
    struct komet_file_event events[FILE_EVENTS_MAX];
    uint8_t first_event, event_count;
    struct komet_file_counters counters;
};

/* Memory behind an engine, and making it. */
size_t file_side_size(const struct komet_file_settings *settings);
void file_side_init(struct file_side *side, const struct komet_file_settings *settings, void *memory);

bool file_is_up(const struct file_side *side, unsigned c);
void file_connected(struct file_side *side, unsigned c);
void file_disconnected(struct file_side *side, unsigned c);

void file_note(struct file_side *side, const struct komet_file_event *event);
bool file_next(struct file_side *side, struct komet_file_event *event);
bool file_events_taken(const struct file_side *side);

/* Writes an ASDU with one object; its size. The cause is 13 but for the call of a directory. */
size_t file_encode(const struct file_side *side, uint8_t type, uint8_t oa,
                   const struct komet_file_object *object, uint8_t *octets, size_t capacity);
/* The same, to wait. */
static inline void file_say(const struct file_side *side, struct file_words *words, uint8_t type, uint8_t oa,
                            const struct komet_file_object *object)
{
    words->size = (uint8_t)file_encode(side, type, oa, object, words->octets, sizeof words->octets);
}
/* Moves what waits to the host's octets; its size, 0 when nothing waits. */
size_t file_take(struct file_words *words, uint8_t *octets);

/* An ASDU for the ring of `c`. */
void file_answer(struct file_side *side, unsigned c, uint8_t type, uint8_t oa,
                 const struct komet_file_object *object);
/* The negative mirror of an ASDU; `error` goes into the qualifier of types 122 and 124. */
void file_mirror(struct file_side *side, unsigned c, const struct komet_asdu *asdu, uint8_t cause,
                 enum komet_file_error error);
size_t file_take_answer(struct file_side *side, unsigned c, uint8_t *octets);

/* True for a type of file transfer and this side's common address. */
bool file_is_for(const struct file_side *side, const struct komet_asdu *asdu);
/* True for the types that a receiver sends, false for those of a sender. */
bool file_is_request(const struct komet_asdu *asdu);
/* True for the negative answer to an ASDU of our own. */
bool file_is_refusal(const struct komet_asdu *asdu);

/* The sum of octets modulo 256: what checksums are (7.2.6.37). */
uint8_t file_sum(const uint8_t *octets, size_t size);

#endif
