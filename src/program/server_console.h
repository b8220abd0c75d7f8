/*
 * server_console: the consoles of a running server. Takes the Asks of clients, answers them from the engine's
 * getters and from the journal, and keeps what is not answered at once (SET, INTERROGATE, SET_ACT_INST,
 * WATCH, pages of EVENTS) until it ends or the client goes.
 *
 * One thread, the server's loop. It never blocks: an answer of many rows goes out in pages, and the next page
 * is read only when the shell says that the last one has left (`server_console_sent`).
 */
#ifndef KOMET_PROGRAM_SERVER_CONSOLE_H
#define KOMET_PROGRAM_SERVER_CONSOLE_H

#include <stdint.h>

#include "program/site_reading.h"
#include "server/server.h"
#include "wire/frame.h"

struct journal;        /* shell/journal.h */
struct server_console; /* opaque */

/*
 * Queues `message` for `client`; it is borrowed for the call, so it is encoded at once. When the client is
 * gone, or its queue is full, the shell drops the message and closes the client itself.
 */
typedef void server_console_send(void *context, unsigned client, const wire_message *message);

/* What the server runs with and no RELOAD changes. */
struct server_running {
    const struct site *started;   /* as it was read at the start; borrowed */
    bool listen_given, tls_given; /* on the command line: the site's word does not count */
};

/*
 * running          copied
 * server, journal  borrowed until server_console_free; `journal` may be NULL: EVENTS and COMMANDS are refused
 * send, context    how an Answer gets to a client; not called from within server_console_new
 * Returns NULL when there is no memory.
 */
struct server_console *server_console_new(struct server *server, struct journal *journal,
                                          const struct server_running *running, server_console_send *send,
                                          void *context);
/* The journal is about to be closed: EVENTS and COMMANDS that are open are refused, as are new ones. */
void server_console_journal_lost(struct server_console *console);
/* Ends all watches; nothing is sent any more. NULL is allowed. */
void server_console_free(struct server_console *console);

/* A client asks. `client`: 0 … SERVER_CLIENTS_MAX-1; `ask` and `user`, who it is, borrowed for the call.
 * Every mistake in it is answered to the client; nothing is left for the caller to do but to drain
 * server_next. */
void server_console_ask(struct server_console *console, struct line_now now, unsigned client,
                        const Komet__Wire__Ask *ask, const struct record_user *user);
/* A client wants no more of the answer `id`; one that is not open is ignored. */
void server_console_cancel(struct server_console *console, struct line_now now, unsigned client, uint64_t id);
/* The client is gone: what it had open is forgotten. A command on its way still ends in the journal. */
void server_console_client_closed(struct server_console *console, struct line_now now, unsigned client);
/* RELOAD: the site is wrong. What was read is taken, and emptied: it goes into the answer. Before the engine
 * is told. */
void server_console_reload_wrong(struct server_console *console, struct configuration *wrong);
/* RELOAD: another engine runs another site. `result` (its warnings) is borrowed until the next, `difference`
 * for the call. Lists that are being read are refused, everything else goes on. */
void server_console_reloaded(struct server_console *console, struct server *server,
                             const struct site_difference *difference, const struct site_result *result);
/* All that was queued for `client` has been written: the next page of what it has open may go. */
void server_console_sent(struct server_console *console, struct line_now now, unsigned client);

/* SERVER_OUT_CHANGE, SERVER_OUT_ENDED and SERVER_OUT_TRACE of server_next; other kinds are ignored. `output`
 * borrowed. */
void server_console_output(struct server_console *console, struct line_now now,
                           const struct server_output *output);

#endif
