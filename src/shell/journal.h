/*
 * journal: the server's records on disk (SQLite, WAL, FULL sync), written by a thread of its own.
 *
 * The loop's thread puts records in; the journal's thread takes all that wait, writes them in one
 * transaction, and after the commit has synced tells the loop which ticket is safe. Reading (EVENTS,
 * COMMANDS) happens on a thread of the loop's pool with a connection of its own, a page at a time, so neither
 * the loop nor the writer waits for it.
 *
 * A journal that failed once stays failed: after a failed sync nobody knows what is on disk, so nothing is
 * tried again in place. It is closed, and opened anew, which reads what really is there.
 */
#ifndef SHELL_JOURNAL_H
#define SHELL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "model/site.h"
#include "server/record.h"

struct journal; /* opaque */

#define JOURNAL_FAULT_SIZE 256
#define JOURNAL_QUEUE_MAX  (1u << 18) /* records that wait; full: the journal fails with "too slow" */

/* On the loop's thread: everything up to `ticket` is on disk. */
typedef void journal_stored(void *context, uint64_t ticket);
/* On the loop's thread, once: the journal can write no more, and why. */
typedef void journal_failed(void *context, const char *why);

/*
 * Opens DIRECTORY/journal.db, made when missing, and locks it: one server a journal. Commands that an earlier
 * run left open are ended as unknown.
 *   loop   borrowed until journal_close; the callbacks come on it
 *   site   whose tags the events are of; borrowed until journal_close
 *   fault  JOURNAL_FAULT_SIZE octets: why it could not, when NULL is returned; nothing is left open
 */
struct journal *journal_open(uv_loop_t *loop, const char *directory, const struct site *site,
                             journal_stored *stored, journal_failed *failed, void *context, char *fault);

/* What a server needs at its start, before the first record goes in: calls server_recover_… of `server`.
 * False when it cannot be read: `fault` says why, and the journal is to be closed. */
struct server;
bool journal_recover(struct journal *journal, struct server *server, char *fault);

/* Copies `record`; it waits for journal_commit. RECORD_SITE: tags have the numbers of another site from here
 * on, which is borrowed like the first one; that one until the record is stored and journal_reads_former says
 * false. */
void journal_append(struct journal *journal, const struct record *record);
/* A query is under way that began under a site before. */
bool journal_reads_former(const struct journal *journal);
/* Hands everything put in since the last commit to the journal's thread, as one piece: all records of a
 * ticket are to be in it. Never blocks; after a failure the records are dropped. */
void journal_commit(struct journal *journal);

/* Writes what was committed, ends the thread, closes the file. Open queries end without a page. The uv
 * handles are closed: run the loop until it is idle before freeing it. NULL is allowed. */
void journal_close(struct journal *journal);

/* ---- reading ---- */

#define JOURNAL_PAGE_ROWS 500

enum journal_query_kind { JOURNAL_EVENTS, JOURNAL_COMMANDS };

struct journal_query {
    enum journal_query_kind kind;
    char mask[128]; /* of tag names; "" all */
    struct komet_utc from,
        to;         /* source time (EVENTS) or when given (COMMANDS), both included; UNKNOWN: no bound */
    uint64_t after; /* continue behind this: 0, then the last page's `after` */
};

struct journal_event_row {
    uint64_t seq; /* in the journal, grows */
    char tag[RECORD_TEXT_MAX];
    char process[64];
    bool of_process; /* its number is an enum process_value, and it has no type of a tag */
    bool of_station; /* its number is an enum station_value, likewise */
    enum tag_type type;
    struct value value;
    uint8_t instance;
    uint64_t epoch;
    bool archived;           /* out of the instance's own buffer, and late */
    struct record_user user; /* whose command it was; "" when a station's value */
};

struct journal_command_row {
    struct record_command command; /* result 0: still open */
    char word[24];                 /* its word */
    char process[64];
    enum tag_type type; /* of the tag; TAG_TYPE_COUNT when the site has it no more */
    bool of_station;    /* its number is an enum station_order */
};

struct journal_page {
    const char *fault; /* not "": it could not be read, and why */
    bool end;          /* nothing follows */
    uint64_t after;    /* what the next page's query takes */
    unsigned count;    /* rows: up to JOURNAL_PAGE_ROWS, may be 0 without being the end */
    const struct journal_event_row *events;     /* EVENTS */
    const struct journal_command_row *commands; /* COMMANDS */
};

/* On the loop's thread; `page` is borrowed for the call. */
typedef void journal_page_read(void *context, const struct journal_page *page);

/* Reads one page, oldest first, on another thread; `read` is called exactly once, also when the journal is
 * being closed (then with a fault). `query` is copied. Only what is synced is seen. */
void journal_read(struct journal *journal, const struct journal_query *query, journal_page_read *read,
                  void *context);

#endif
