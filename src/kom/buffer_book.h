/*
 * buffer_book: the book of an instance's own buffer, for the time without a server: what is kept in which
 * segment, what gives way when it is full, what goes to the server next, and what may be forgotten.
 *
 * A record is one batch. Records have numbers that only grow, and lie in segments, each a file of the shell
 * (shell/buffer_file.h). When there is no room for one more, the oldest segment gives way whole, and its
 * values are counted. A segment is forgotten when the server has all of it.
 */
#ifndef KOM_BUFFER_BOOK_H
#define KOM_BUFFER_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#define BUFFER_SEGMENTS_MAX 64
#define BUFFER_SEGMENT_HEAD 40 /* octets of each segment beside its records */

struct buffer_segment {
    uint64_t number;      /* grows */
    uint64_t first, last; /* records, by their numbers */
    uint64_t octets, values;
};

struct buffer_book {
    uint64_t octets_max;                                 /* of all segments together */
    struct buffer_segment segments[BUFFER_SEGMENTS_MAX]; /* oldest first */
    unsigned count;
    bool open;          /* the newest one takes records */
    uint64_t octets;    /* of all */
    uint64_t newest;    /* the highest number that a record was given or found with; 0 none */
    uint64_t dropped;   /* values that gave way, since the book was begun */
    uint64_t at_server; /* the server has all up to this one */
    uint64_t next_segment;
};

/* `octets_max`: 1 MiB or more. */
void buffer_book_begin(struct buffer_book *book, uint64_t octets_max);
/* After an error the disk is looked through anew: no segment is known until it is found again. Numbers go on
 * behind all that were given, since whoever reads the buffer counts by them. */
void buffer_book_begin_again(struct buffer_book *book);
/* A segment of an earlier run was found; oldest first. It takes no more records. False: the book is full of
 * them, or this one does not come behind those before it. */
bool buffer_book_found(struct buffer_book *book, const struct buffer_segment *segment);

/* A record of so many octets on the disk is to be kept: true when segment *number is to be deleted first. To
 * be asked until it says false. */
bool buffer_book_drop(struct buffer_book *book, uint64_t octets, uint64_t *number);
/* It is kept: its number. *segment: where; *begins: which is a new one. */
uint64_t buffer_book_keep(struct buffer_book *book, uint64_t octets, uint64_t values, uint64_t *segment,
                          bool *begins);

/* The segment with the first record behind `after`; NULL: there is none. */
const struct buffer_segment *buffer_book_behind(const struct buffer_book *book, uint64_t after);
/* The server has everything up to `record`. */
void buffer_book_at_server(struct buffer_book *book, uint64_t record);
/* True when segment *number may be deleted. To be asked until it says false. */
bool buffer_book_forget(struct buffer_book *book, uint64_t *number);

#endif
