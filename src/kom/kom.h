/*
 * kom: the engine of `komet kom`: lines of one process, the grant under which they act, and the batches that
 * carry their values to the server. Pure; the shell supplies memory, octets and clock readings.
 *
 * Life: the shell connects to the server; `kom_server_connected`; Hello goes out; Welcome brings the site's
 * text, which the shell reads (src/site) and hands in with `kom_configure`; the server says who is active
 * (`Role`); active, the lines work. When the connection to the server ends or the lease runs out by our own
 * clock, the lines are closed (`no-server`) before anybody else can get the grant; batches not confirmed are
 * dropped, since the partner still holds their frames.
 *
 * A line that the site sets so is then opened again and read on, into a buffer on the instance's disk
 * (kom_use_buffer), until a server welcomes us; what was kept is forwarded in order beside what comes new.
 * That breaks the rule above knowingly: nobody may know who else acts.
 *
 * RELOAD: the server sends a Configuration; the shell reads and compares it where that holds up nobody
 * (KOM_OUT_RECONFIGURE), then calls kom_leave_lines, drains kom_next, and calls kom_reconfigure. Lines that
 * did not change go on as if nothing had been.
 */
#ifndef KOM_KOM_H
#define KOM_KOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kom/trace_ring.h"
#include "line/line.h"
#include "model/site.h"
#include "wire/frame.h"

#define KOM_BATCH_VALUES_MAX 8192 /* values of one batch: more go into the next */
#define KOM_KEPT_VALUES_MAX  2048 /* likewise of one that is kept: with names it fits into a message */
#define KOM_LEASE_MARGIN     20   /* we give up when a twentieth of the lease is left */
#define KOM_SERVER_SILENT_US KOMET_SECONDS(2) /* or three leases, when that is longer */
#define KOM_LEAVE_LIMIT_US   KOMET_SECONDS(2) /* for a server to relieve us */
#define KOM_BATCHES_MAX      64 /* sent and not confirmed; full: lines are not fed until one is confirmed */

struct kom; /* opaque */

struct kom_identity {
    const char *process; /* "SELF.KOM"; borrowed for the engine's life */
    uint8_t instance;    /* 1..15, 0 without a number */
    uint64_t run;        /* grows with each start */
    const char *host;
    uint32_t pid;
};

/* Octets for the engine without its lines; and for lines and batches, once the process is known. */
size_t kom_size(void);
size_t kom_lines_size(const struct process *process);

struct kom *kom_init(void *memory, size_t size, const struct kom_identity *identity, struct line_now now);
/* From now on the newest raw traffic of all lines is kept in `memory`, for LNTRACE (see trace_ring.h): taken
 * for the engine's life, at least TRACE_RING_MIN octets. Before the first input; left out, none is kept. */
void kom_keep_traffic(struct kom *kom, void *memory, size_t size);
/* This instance has a buffer on its disk (kom/buffer_book.h): lines that the site sets so are read on without
 * a server, under the grant that ran out. `waits`: there may be something in it already. Before the first
 * input; left out, all lines are closed with the server. */
void kom_use_buffer(struct kom *kom, bool waits);
/* What KOM_OUT_KEEP gave, up to `sequence`, is on disk; or it cannot be, and why: then the lines are closed
 * until a server is back. */
void kom_kept(struct kom *kom, struct line_now now, uint64_t sequence);
void kom_keep_failed(struct kom *kom, struct line_now now, const char *why);
/* The answer to KOM_OUT_RECALL: a batch with what the buffer has to add, borrowed until kom_next has handed
 * it out; NULL: there is none. */
void kom_recalled(struct kom *kom, struct line_now now, wire_message *message);
/* The process's part of the site was read: `memory` taken, `process` borrowed, both until the next
 * kom_configure. */
void kom_configure(struct kom *kom, void *memory, size_t size, const struct process *process,
                   struct line_now now);

/*
 * A Configuration was read. First the lines that the difference removes, or whose connection was made under
 * other facts, are closed (`reconfigured`): drain kom_next, which also sends what was collected under the old
 * numbers; then the engine goes over to the new site, and drain it again.
 *   memory, size  kom_lines_size of `process`; taken as by kom_configure. What the lines had before, process
 *                 and memory, is free afterwards
 *   difference    from the site of the lines to that of `process`; borrowed for the calls
 * Both only while connected to the server that sent it: else what was read is forgotten.
 */
void kom_leave_lines(struct kom *kom, struct line_now now, const struct site_difference *difference);
void kom_reconfigure(struct kom *kom, void *memory, size_t size, const struct process *process,
                     const struct site_difference *difference, struct line_now now);

void kom_server_connected(struct kom *kom, struct line_now now);
void kom_server_closed(struct kom *kom, struct line_now now);
/* A message of the server, borrowed for the call. */
void kom_feed(struct kom *kom, struct line_now now, const wire_message *message);

/* Telemetry: as line.h, with the index of the line in the process. kom_line_feed returns 0 while the batches
 * are full: the shell stops reading that socket until kom_takes says true again. */
void kom_line_connected(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection);
/* What came of KOM_OUT_LISTEN: `fault` says why it is not listened, NULL: it is. */
void kom_line_listening(struct kom *kom, struct line_now now, uint16_t line, const char *fault);
/* A listening line was connected to by `peer`. Returns the connection's serial; 0: close it at once. */
uint32_t kom_line_accepted(struct kom *kom, struct line_now now, uint16_t line,
                           const struct network_address *peer, uint16_t port);
/* Whose connection the next kom_line_connected or kom_line_accepted is of, for LNTRACE; may be left out.
 * Copied. */
void kom_line_ends(struct kom *kom, const struct trace_end *local, const struct trace_end *remote);
void kom_line_closed(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                     enum komet_reason reason);
/* What came of KOM_OUT_PING, `ping` as it was given there (line_pinged). */
void kom_line_pinged(struct kom *kom, struct line_now now, uint16_t line, uint32_t ping, bool answered);
/* What came of KOM_OUT_FIND, `find` as it was given there (line_found). */
void kom_line_found(struct kom *kom, struct line_now now, uint16_t line, uint32_t find,
                    const struct network_address *addresses, unsigned count);
size_t kom_line_feed(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                     const uint8_t *octets, size_t size);
void kom_line_written(struct kom *kom, uint16_t line, uint32_t connection, size_t size);
bool kom_takes(const struct kom *kom);

void kom_tick(struct kom *kom, struct line_now now);
struct komet_instant kom_deadline(const struct kom *kom);
/* The program is to end, in a planned way: the server is asked to relieve this instance, which goes on until
 * it is told to be passive; KOM_OUT_END comes when its lines are closed and what they brought has gone out,
 * after KOM_LEAVE_LIMIT_US at the latest. */
void kom_leave(struct kom *kom, struct line_now now);
/* The program ends at once: lines are closed, what they brought goes out. Drain kom_next, then close the
 * connection to the server, which ends the grant. */
void kom_shutdown(struct kom *kom, struct line_now now);

enum kom_output_kind {
    KOM_OUT_MESSAGE,     /* send `message` to the server; borrowed until the next kom_next */
    KOM_OUT_CONFIGURE,   /* Welcome came with files: read the site from `welcome`, then kom_configure */
    KOM_OUT_RECONFIGURE, /* read the site from `configuration`, then kom_leave_lines and kom_reconfigure */
    KOM_OUT_END,         /* after kom_leave: close the connection to the server, exit 0 */
    KOM_OUT_REFUSED,     /* the server refused us: print `text`, exit 1 */
    KOM_OUT_RECONNECT,  /* the server is silent: abort its connection, call kom_server_closed, connect anew */
    KOM_OUT_LISTEN,     /* line: listen on `address`, then kom_line_listening */
    KOM_OUT_LISTEN_END, /* line: listen no more; its connections stay */
    KOM_OUT_CONNECT,    /* line: connect to `address` */
    KOM_OUT_FIND,       /* line: look up the name in `address`, then kom_line_found */
    KOM_OUT_PING,       /* line: send one ICMP echo to `address`, then kom_line_pinged when it is answered */
    KOM_OUT_SEND,       /* line: write octets, then kom_line_written; borrowed until the next call */
    KOM_OUT_ABORT,      /* line: close its TCP connection now, unwritten octets discarded */
    KOM_OUT_KEEP,   /* put `message`, a batch, into the buffer; kom_kept when it has synced, in any case */
    KOM_OUT_RECALL, /* give the first batch of the buffer behind `sequence`: kom_recalled */
    KOM_OUT_FORGET, /* the server has what the buffer has up to `sequence` */
    KOM_OUT_NOTE    /* for the log */
};

struct kom_output {
    enum kom_output_kind kind;
    wire_message *message;
    const Komet__Wire__Welcome *welcome;
    const Komet__Wire__Configuration *configuration; /* borrowed until the next kom_next */
    uint16_t line;
    uint32_t connection;
    uint64_t sequence; /* KEEP: for kom_kept; RECALL, FORGET: of the buffer */
    uint32_t ping;     /* PING: its serial, of the line */
    uint32_t find;     /* FIND: likewise */
    const struct address *address;
    const char *local; /* CONNECT, PING: from this address of ours; NULL: the system's choice */
    const uint8_t *octets;
    size_t size;
    enum komet_reason reason;
    const char *text;
};
/* The next thing wanted; false when there is none. Values that came since are sent as one batch when all else
 * was handed out, so the shell drains it once a turn of its loop. */
bool kom_next(struct kom *kom, struct line_now now, struct kom_output *output);
/* Notes wait, of which there is room for a few only: a shell that would feed more before it drains should drain. */
bool kom_has_notes(const struct kom *kom);

bool kom_is_active(const struct kom *kom, struct line_now now);
/* It reads lines without a server, into its buffer. */
bool kom_is_alone(const struct kom *kom);
uint64_t kom_epoch(const struct kom *kom);

#endif
