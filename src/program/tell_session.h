/*
 * tell_session: the console's connection to a server of a list, one question at a time.
 *
 * It connects when the first question is asked, trying the addresses in turn, and stays connected; a
 * connection that ended meanwhile is made again. Each call runs the session's own loop until it has an end,
 * and takes SIGINT and SIGTERM meanwhile; between two calls they end the program, unless they are held. A
 * console sends no heartbeats: the server does not wait for them.
 */
#ifndef KOMET_PROGRAM_TELL_SESSION_H
#define KOMET_PROGRAM_TELL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "program/endpoints.h"
#include "shell/tls.h"
#include "wire/frame.h"

struct tell_session; /* opaque */

#define TELL_REASON_SIZE    4096
#define TELL_ATTEMPT_MS     2000   /* until an address has answered to the greeting, at most */
#define TELL_ALL_MS         5000   /* all addresses together; each gets its part */
#define TELL_SILENCE_MS     120000 /* no page of an answer for so long: the server hangs */
#define TELL_RETRY_FIRST_MS 200    /* before a WATCH tries all addresses again; doubles up to the longest */
#define TELL_RETRY_MAX_MS   1000

enum tell_end {
    TELL_END_DONE,        /* the answer is whole, or whoever takes its pages wanted no more */
    TELL_END_REFUSED,     /* the server refuses the question */
    TELL_END_UNREACHABLE, /* no server took the question: nothing was done */
    TELL_END_LOST,        /* the connection ended, or the server was silent, behind the question */
    TELL_END_INTERRUPTED, /* SIGINT; the server was told to send no more */
    TELL_END_TERMINATED   /* SIGTERM, likewise */
};

struct tell_question {
    const char *const *words;
    size_t count;
    const char *user;
    unsigned seconds; /* after which it is done; 0: it has no such end */
    bool lasting; /* WATCH, LNTRACE: when the connection ends it is made again and the question asked again */
    /* Takes a page, borrowed for the call; false: no more of it, the server is told so. */
    bool (*page)(void *context, const Komet__Wire__Answer *answer);
    void *context;
};

/* `endpoints`, at least one, are copied. `credentials`: borrowed for the session's life; NULL: plain, and
 * only with servers of this machine. From now on SIGPIPE is ignored. NULL: no memory. */
struct tell_session *tell_session_new(const struct endpoints *endpoints,
                                      const struct tls_credentials *credentials);
/* From now on SIGINT and SIGTERM that come between two calls end the next one. */
void tell_session_hold_signals(struct tell_session *session);
/* Closes the connection. False: a name is still being looked up, so that some memory stays in use and leaving
 * the program the usual way would wait for it. NULL is allowed. */
bool tell_session_free(struct tell_session *session);

/* Asks and waits for the end. `reason`: TELL_REASON_SIZE octets; behind REFUSED, UNREACHABLE and LOST it says
 * why, in words that may be the server's: not yet harmless for a terminal. */
enum tell_end tell_session_ask(struct tell_session *session, const struct tell_question *question,
                               char *reason);

/* Waits until something can be read from `file`: TELL_END_DONE, or a signal came. */
enum tell_end tell_session_wait(struct tell_session *session, int file);

#endif
