/*
 * tell_session: see tell_session.h. What happens comes as callbacks of the loop, and `end` says that the call
 * under way is over.
 */
#include "program/tell_session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "komet/assert.h"
#include "program/tell_text.h"
#include "shell/wire_peer.h"

#define FAULT_SIZE     256
#define CLOSE_LIMIT_MS 1000

struct tell_session {
    uv_loop_t loop;
    uv_timer_t timer, limit; /* limit: of a question that ends by itself */
    uv_signal_t interrupt, terminate;
    struct endpoints endpoints;
    const struct tls_credentials *credentials; /* NULL: plain */
    size_t at;                                 /* endpoint of `peer` */
    size_t tried;                              /* of this round */
    struct wire_peer *peer;                    /* NULL: not connected */
    bool welcome;                              /* the server took the greeting */
    bool lost;                                 /* the connection of a WATCH ended and is being made again */
    unsigned retry_ms;
    uint64_t id; /* of the question under way or the last one */
    const struct tell_question *question;
    bool holds_signals;
    bool ended;
    enum tell_end end;
    char *reason; /* the caller's, of the question under way */
    char fault[ENDPOINTS_MAX][FAULT_SIZE];
};

static void try_next(struct tell_session *session);

static void name_endpoint(const struct tell_session *session, char *text, size_t size)
{
    const struct endpoint *endpoint = &session->endpoints.list[session->at];
    snprintf(text, size, strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u", endpoint->host,
             endpoint->port);
}

/* The call under way is over. */
static void finish(struct tell_session *session, enum tell_end end)
{
    if (!session->ended) {
        session->ended = true;
        session->end = end;
        uv_timer_stop(&session->timer);
    }
}

static void drop_peer(struct tell_session *session)
{
    if (session->peer != NULL) {
        wire_peer_abort(session->peer);
        session->peer = NULL;
    }
    session->welcome = false;
}

/* ---- connecting ---- */

static void say_all_faults(struct tell_session *session)
{
    size_t used = (size_t)snprintf(session->reason, TELL_REASON_SIZE, "no server answers:");
    for (size_t i = 0; i < session->endpoints.count && used < TELL_REASON_SIZE; i++) {
        char name[ENDPOINT_HOST_SIZE + 16];
        session->at = i;
        name_endpoint(session, name, sizeof name);
        int written = snprintf(session->reason + used, TELL_REASON_SIZE - used, "%s %s: %s", i > 0 ? ";" : "",
                               name, session->fault[i]);
        used += written > 0 ? (size_t)written : 0;
    }
}

static void on_retry(uv_timer_t *timer)
{
    struct tell_session *session = timer->data;
    session->tried = 0;
    try_next(session);
}

/* All addresses were tried in vain. */
static void round_failed(struct tell_session *session)
{
    if (!session->lost) {
        say_all_faults(session);
        finish(session, TELL_END_UNREACHABLE);
        return;
    }
    uv_timer_start(&session->timer, on_retry, session->retry_ms, 0);
    session->retry_ms = session->retry_ms * 2 < TELL_RETRY_MAX_MS ? session->retry_ms * 2 : TELL_RETRY_MAX_MS;
}

/* The address at hand was tried in vain; `session->peer` is gone. */
static void attempt_failed(struct tell_session *session, const char *why)
{
    snprintf(session->fault[session->at], FAULT_SIZE, "%s", why);
    uv_timer_stop(&session->timer);
    session->at = (session->at + 1) % session->endpoints.count;
    session->tried++;
    if (session->tried < session->endpoints.count) {
        try_next(session);
    } else {
        round_failed(session);
    }
}

static void on_attempt_limit(uv_timer_t *timer)
{
    struct tell_session *session = timer->data;
    drop_peer(session);
    attempt_failed(session, "no answer in time");
}

/* ---- question and answer ---- */

static void on_silence(uv_timer_t *timer)
{
    struct tell_session *session = timer->data;
    drop_peer(session);
    snprintf(session->reason, TELL_REASON_SIZE, "the server was silent for %d s", TELL_SILENCE_MS / 1000);
    finish(session, TELL_END_LOST);
}

static void watch_silence(struct tell_session *session)
{
    if (!session->question->lasting) {
        uv_timer_start(&session->timer, on_silence, TELL_SILENCE_MS, 0);
    }
}

static void send_ask(struct tell_session *session)
{
    Komet__Wire__Ask ask = KOMET__WIRE__ASK__INIT;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    session->id++;
    ask.id = session->id;
    ask.words = (char **)(uintptr_t)session->question->words;
    ask.n_words = session->question->count;
    ask.user = (char *)(uintptr_t)session->question->user;
    message.body_case = KOMET__WIRE__MESSAGE__BODY_ASK;
    message.ask = &ask;
    watch_silence(session);
    wire_peer_send(session->peer, &message); /* a failure is told by on_closed */
}

static void send_cancel(struct tell_session *session)
{
    Komet__Wire__Cancel cancel = KOMET__WIRE__CANCEL__INIT;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    cancel.id = session->id;
    message.body_case = KOMET__WIRE__MESSAGE__BODY_CANCEL;
    message.cancel = &cancel;
    if (session->peer != NULL && session->welcome) {
        wire_peer_send(session->peer, &message);
    }
}

static void on_limit(uv_timer_t *timer)
{
    struct tell_session *session = timer->data;
    send_cancel(session);
    finish(session, TELL_END_DONE);
}

static void on_connected(void *context, struct wire_peer *peer)
{
    Komet__Wire__Hello hello = KOMET__WIRE__HELLO__INIT;
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    char host[ENDPOINT_HOST_SIZE] = "";
    (void)context;
    gethostname(host, sizeof host - 1);
    hello.version = WIRE_VERSION;
    hello.program = (char[]){"tell"};
    hello.host = host;
    hello.pid = (uint32_t)getpid();
    message.body_case = KOMET__WIRE__MESSAGE__BODY_HELLO;
    message.hello = &hello;
    wire_peer_send(peer, &message);
}

static void take_welcome(struct tell_session *session, const Komet__Wire__Welcome *welcome)
{
    if (session->welcome) {
        return; /* a second one says nothing new */
    }
    if (welcome->refused[0] != '\0') {
        drop_peer(session);
        attempt_failed(session, welcome->refused);
        return;
    }
    session->welcome = true;
    uv_timer_stop(&session->timer);
    if (session->lost) {
        char name[ENDPOINT_HOST_SIZE + 16];
        name_endpoint(session, name, sizeof name);
        tell_text_complain("connected again, to %s", name);
        session->lost = false;
    }
    send_ask(session);
}

static void take_answer(struct tell_session *session, const Komet__Wire__Answer *answer)
{
    if (session->question == NULL || session->ended || answer->id != session->id) {
        return; /* of a question that was given up */
    }
    if (answer->refused[0] != '\0') {
        snprintf(session->reason, TELL_REASON_SIZE, "%s", answer->refused);
        finish(session, TELL_END_REFUSED);
        return;
    }
    bool more = session->question->page(session->question->context, answer);
    uv_update_time(&session->loop); /* a reader of the output may have held it back for long */
    watch_silence(session);
    if (!more && !answer->end) {
        send_cancel(session);
    }
    if (!more || answer->end) {
        finish(session, TELL_END_DONE);
    }
}

static void on_message(void *context, struct wire_peer *peer, const wire_message *message)
{
    struct tell_session *session = context;
    (void)peer;
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_WELCOME) {
        take_welcome(session, message->welcome);
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_ANSWER && session->welcome) {
        take_answer(session, message->answer);
    } /* anything else is not for a console */
}

/* The reason of a connection's end, for people. */
static const char *sentence_of(const char *reason)
{
    static const struct {
        const char *reason, *sentence;
    } rows[] = {
        {"connect-refused", "nobody listens there"},
        {"unreachable", "no such host, or no way there"},
        {"peer-closed", "the other end closed the connection"},
        {"connection-reset", "the connection was reset"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].reason, reason) == 0) {
            return rows[i].sentence;
        }
    }
    return reason;
}

static void watch_lost(struct tell_session *session, const char *why)
{
    char name[ENDPOINT_HOST_SIZE + 16];
    name_endpoint(session, name, sizeof name);
    tell_text_complain("connection to the server %s lost: %s; trying again", name, why);
    session->lost = true;
    session->at = (session->at + 1) % session->endpoints.count;
    session->retry_ms = TELL_RETRY_FIRST_MS;
    round_failed(session);
}

static void on_closed(void *context, struct wire_peer *peer, enum komet_reason reason, const char *text)
{
    struct tell_session *session = context;
    bool was_welcome = session->welcome;
    const char *why = sentence_of(text);
    (void)peer, (void)reason;
    session->peer = NULL;
    session->welcome = false;
    if (session->question == NULL || session->ended) {
        return; /* between two questions */
    }
    if (!was_welcome) {
        attempt_failed(session, why);
    } else if (session->question->lasting) {
        watch_lost(session, why);
    } else {
        char name[ENDPOINT_HOST_SIZE + 16];
        name_endpoint(session, name, sizeof name);
        snprintf(session->reason, TELL_REASON_SIZE, "the connection to the server %s was lost: %s", name,
                 why);
        finish(session, TELL_END_LOST);
    }
}

static const struct wire_peer_events peer_events = {on_connected, on_message, NULL, on_closed};

static void try_next(struct tell_session *session)
{
    const struct endpoint *endpoint = &session->endpoints.list[session->at];
    unsigned part = TELL_ALL_MS / (unsigned)session->endpoints.count;
    unsigned limit = part < TELL_ATTEMPT_MS ? part : TELL_ATTEMPT_MS;
    drop_peer(session);
    session->peer = wire_peer_connect(&session->loop, endpoint->host, endpoint->port, limit,
                                      session->credentials, &peer_events, session);
    uv_timer_start(&session->timer, on_attempt_limit, limit, 0);
}

/* ---- calls ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct tell_session *session = handle->data;
    finish(session, number == SIGINT ? TELL_END_INTERRUPTED : TELL_END_TERMINATED);
}

static void take_signals(struct tell_session *session)
{
    uv_signal_start(&session->interrupt, on_signal, SIGINT);
    uv_signal_start(&session->terminate, on_signal, SIGTERM);
}

void tell_session_hold_signals(struct tell_session *session)
{
    session->holds_signals = true;
    take_signals(session);
}

static void begin_call(struct tell_session *session)
{
    session->ended = false;
    take_signals(session);
    uv_run(&session->loop, UV_RUN_NOWAIT); /* the connection may have ended meanwhile */
}

static void end_call(struct tell_session *session)
{
    uv_timer_stop(&session->timer);
    if (!session->holds_signals) {
        uv_signal_stop(&session->interrupt);
        uv_signal_stop(&session->terminate);
    }
}

enum tell_end tell_session_ask(struct tell_session *session, const struct tell_question *question,
                               char *reason)
{
    KOMET_ASSERT(question->count > 0 && question->page != NULL);
    reason[0] = '\0';
    begin_call(session);
    session->question = question;
    session->reason = reason;
    session->lost = false;
    session->tried = 0;
    if (!session->ended && session->welcome) {
        send_ask(session);
    } else if (!session->ended) {
        session->at = 0;
        try_next(session);
    }
    if (question->seconds > 0) {
        uv_timer_start(&session->limit, on_limit, (uint64_t)question->seconds * 1000, 0);
    }
    while (!session->ended) {
        uv_run(&session->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&session->limit);
    end_call(session);
    if (session->end == TELL_END_INTERRUPTED || session->end == TELL_END_TERMINATED) {
        send_cancel(session);
    }
    if (!session->welcome) {
        drop_peer(session); /* an attempt that was interrupted */
    }
    session->question = NULL;
    session->reason = NULL;
    return session->end;
}

/* Not uv_poll: it would make the terminal non-blocking, for the shell and standard output too. */
enum tell_end tell_session_wait(struct tell_session *session, int file)
{
    struct pollfd files[2] = {{.fd = file, .events = POLLIN},
                              {.fd = uv_backend_fd(&session->loop), .events = POLLIN}};
    begin_call(session);
    while (!session->ended) {
        int ready = poll(files, 2, uv_backend_timeout(&session->loop));
        if (ready > 0 && files[0].revents != 0) {
            finish(session, TELL_END_DONE);
        } else if (ready >= 0 || errno == EINTR) {
            uv_run(&session->loop, UV_RUN_NOWAIT);
        } else {
            finish(session, TELL_END_TERMINATED);
        }
    }
    end_call(session);
    return session->end;
}

/* ---- life ---- */

struct tell_session *tell_session_new(const struct endpoints *endpoints,
                                      const struct tls_credentials *credentials)
{
    KOMET_ASSERT(endpoints->count > 0);
    struct tell_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    int failed = uv_loop_init(&session->loop);
    KOMET_ASSERT(failed == 0);
    failed |= uv_timer_init(&session->loop, &session->timer);
    failed |= uv_timer_init(&session->loop, &session->limit);
    failed |= uv_signal_init(&session->loop, &session->interrupt);
    failed |= uv_signal_init(&session->loop, &session->terminate);
    KOMET_ASSERT(failed == 0);
    session->timer.data = session->limit.data = session->interrupt.data = session->terminate.data = session;
    session->endpoints = *endpoints;
    session->credentials = credentials;
    session->ended = true;
    signal(SIGPIPE, SIG_IGN);
    return session;
}

static void on_close_limit(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

bool tell_session_free(struct tell_session *session)
{
    if (session == NULL) {
        return true;
    }
    if (session->peer != NULL) {
        wire_peer_close(session->peer);
    }
    uv_close((uv_handle_t *)&session->interrupt, NULL);
    uv_close((uv_handle_t *)&session->terminate, NULL);
    uv_close((uv_handle_t *)&session->limit, NULL);
    uv_timer_start(&session->timer, on_close_limit, CLOSE_LIMIT_MS, 0);
    uv_unref((uv_handle_t *)&session->timer);
    uv_run(&session->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&session->timer, NULL);
    uv_run(&session->loop, UV_RUN_NOWAIT);
    if (uv_loop_close(&session->loop) != 0) {
        return false;
    }
    free(session);
    return true;
}
