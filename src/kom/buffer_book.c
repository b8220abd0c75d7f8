/*
 * buffer_book: see buffer_book.h.
 */
#include "kom/buffer_book.h"

#include <string.h>

#include "komet/assert.h"

#define SEGMENTS         16 /* of a full buffer: so much of it gives way at once */
#define SEGMENT_SIZE_MAX (UINT64_C(8) << 20)

void buffer_book_begin(struct buffer_book *book, uint64_t octets_max)
{
    KOMET_ASSERT(octets_max >= UINT64_C(1) << 20);
    *book = (struct buffer_book){.octets_max = octets_max, .next_segment = 1};
}

void buffer_book_begin_again(struct buffer_book *book)
{
    book->count = 0;
    book->octets = 0;
    book->open = false;
}

static struct buffer_segment *newest(struct buffer_book *book)
{
    return &book->segments[book->count - 1];
}

bool buffer_book_found(struct buffer_book *book, const struct buffer_segment *segment)
{
    bool behind =
        book->count == 0 || (segment->number > newest(book)->number && segment->first > newest(book)->last);
    if (!behind || segment->last < segment->first || book->count == BUFFER_SEGMENTS_MAX) {
        return false;
    }
    book->segments[book->count++] = *segment;
    book->octets += segment->octets;
    book->newest = segment->last > book->newest ? segment->last : book->newest;
    book->next_segment = segment->number < book->next_segment ? book->next_segment : segment->number + 1;
    return true;
}

static struct buffer_segment take_oldest(struct buffer_book *book)
{
    struct buffer_segment oldest = book->segments[0];
    book->count--;
    memmove(book->segments, book->segments + 1, book->count * sizeof book->segments[0]);
    book->octets -= oldest.octets;
    book->open = book->open && book->count > 0;
    return oldest;
}

bool buffer_book_drop(struct buffer_book *book, uint64_t octets, uint64_t *number)
{
    bool room =
        book->octets + BUFFER_SEGMENT_HEAD + octets <= book->octets_max && book->count < BUFFER_SEGMENTS_MAX;
    if (room || book->count == 0) {
        return false;
    }
    struct buffer_segment oldest = take_oldest(book);
    book->dropped += oldest.last > book->at_server ? oldest.values : 0;
    *number = oldest.number;
    return true;
}

static uint64_t segment_size(const struct buffer_book *book)
{
    uint64_t size = book->octets_max / SEGMENTS;
    return size < SEGMENT_SIZE_MAX ? size : SEGMENT_SIZE_MAX;
}

uint64_t buffer_book_keep(struct buffer_book *book, uint64_t octets, uint64_t values, uint64_t *segment,
                          bool *begins)
{
    *begins = !book->open || newest(book)->octets + octets > segment_size(book);
    if (*begins) {
        KOMET_ASSERT(book->count < BUFFER_SEGMENTS_MAX); /* buffer_book_drop was asked */
        book->segments[book->count++] = (struct buffer_segment){
            .number = book->next_segment++, .first = book->newest + 1, .octets = BUFFER_SEGMENT_HEAD};
        book->octets += BUFFER_SEGMENT_HEAD;
        book->open = true;
    }
    struct buffer_segment *to = newest(book);
    to->last = ++book->newest;
    to->octets += octets;
    to->values += values;
    book->octets += octets;
    *segment = to->number;
    return book->newest;
}

const struct buffer_segment *buffer_book_behind(const struct buffer_book *book, uint64_t after)
{
    for (unsigned i = 0; i < book->count; i++) {
        if (book->segments[i].last > after) {
            return &book->segments[i];
        }
    }
    return NULL;
}

void buffer_book_at_server(struct buffer_book *book, uint64_t record)
{
    book->at_server = record > book->at_server ? record : book->at_server;
}

bool buffer_book_forget(struct buffer_book *book, uint64_t *number)
{
    if (book->count == 0 || book->segments[0].last > book->at_server) {
        return false;
    }
    *number = take_oldest(book).number;
    return true;
}
