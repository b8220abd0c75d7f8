/*
 * repeats: which time-tagged values of a line are events that another connection has already delivered
 * (architecture 3.3).
 *
 * After a new connection a partner sends again what it had no acknowledgement for. Such a repeat has the same
 * octets as the first delivery (address, value, quality, time tag). It is matched one to one, oldest first,
 * against what the line's other connections delivered within their last `window` frames; a match is the same
 * event. Two equal values on one connection are two events.
 *
 * A partner of Sinaut's sends each event to every instance that is connected, and keeps for each what it has
 * not got: a stream of its own for each, which may be far behind the others. An event is then known by the
 * streams that have brought it: what a stream brings is the oldest equal one that it has not brought yet.
 * Two systems of his may send it, one after the other, when they change roles, and each may be behind without
 * bound: a connection that was silent brings what another has sent meanwhile, and an instance whose own
 * server did not hear how far we have it begins there again. Which values are so is the caller's to say, with
 * how far back each is looked for: a time tag that is right tells events apart for as long as it reaches.
 *
 * A ring of the newest deliveries with a hash over them, and another one of connections: every cost is flat
 * in the number of values. Of equal ones, which a partner's clock that stands still makes, the newest are looked at, as
 * many as the window needs.
 */
#ifndef SERVER_REPEATS_H
#define SERVER_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/time.h"
#include "server/record.h"

struct repeats; /* opaque; lives in the caller's memory */

/* `window`: the line's K, which is to be the partner's k, in frames, 1..32767. A partner with a larger k may
 * repeat older frames, which are new events here; a wider window would take new events of a partner whose
 * clock stands still for repeats. `values`: so many are remembered at the least, up to REPEATS_VALUES_MAX,
 * with all connections that brought them; 0: what the window needs, of the newest 64 connections. */
#define REPEATS_VALUES_MAX 65536
size_t repeats_size(uint16_t window, uint32_t values);
struct repeats *repeats_init(void *memory, size_t size, uint16_t window, uint32_t values);
/* What is taken from now on comes at this time. What was taken before the first one is as old as can be. */
void repeats_set_time(struct repeats *repeats, struct komet_instant now);

/* RELOAD: `repeats`, fresh, takes over what `before` knows of the line. Tags have other numbers now.
 *   tag_now    by number in the process before: number in the site, or DIFFERENCE_GONE
 *   first_tag  number in the site of the process's tag 0
 * A tag that is gone is called REPEATS_GONE | its number until the next RELOAD, after which nobody speaks of
 * it.
 */
#define REPEATS_GONE 0x80000000u
void repeats_move(struct repeats *repeats, const struct repeats *before, const uint32_t *tag_now,
                  uint32_t first_tag);

/* Which connection: serials of a line's connections begin anew with each run; what names a life of them never
 * does (the epoch of a grant). `stream`: to whom the partner sends, 0..REPEATS_STREAMS_MAX - 1; 0 where it
 * sends each event to one instance only. */
#define REPEATS_STREAMS_MAX 32
struct repeats_connection {
    uint64_t life;
    uint32_t connection;
    uint8_t stream;
    bool standby; /* of an instance that stands by */
};

/* In `life`: of connections before the server's start, of grants and of lives of their own. */
#define REPEATS_RECOVERED         (UINT64_C(1) << 63)
#define REPEATS_RECOVERED_STANDBY (REPEATS_RECOVERED | UINT64_C(1) << 62)

enum repeats_result {
    REPEATS_NEW = 0,  /* an event that is not known */
    REPEATS_KNOWN,    /* another connection has delivered it */
    REPEATS_CONFIRMED /* the same, but only such of instances that stood by, and this one acts */
};

/*
 * A time-tagged value came.
 *   tag           number of its tag in the process
 *   octets, size  its raw element, 1..RECORD_OCTETS_MAX
 *   frame         which I format of its connection, from 1
 *   back_us       besides the window, it is matched against all that is remembered and came within this time;
 *                 0: the window alone; REPEATS_ALL: all, as of what comes late, out of an instance's own buffer:
 *                 a connection that was opened after it came may have delivered it long ago
 * Says whether it is a new event, or repeats what another connection delivered. In each case it is remembered
 * as delivered by this connection.
 */
#define REPEATS_ALL INT64_MAX
enum repeats_result repeats_take(struct repeats *repeats, struct repeats_connection connection,
                                 uint64_t frame, uint32_t tag, const uint8_t *octets, unsigned size,
                                 int64_t back_us);

/* One that the journal has: an event of its own, whatever else is remembered. */
void repeats_recover(struct repeats *repeats, struct repeats_connection connection, uint64_t frame,
                     uint32_t tag, const uint8_t *octets, unsigned size);

#endif
