/*
 * server_host: see server_host.h.
 *
 * Everything that comes (a message, a signal of the journal, the time) is one input, after which the engine
 * is drained. A client that ends while the engine is being drained is told to the engine afterwards.
 */
#include "program/server_host_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "komet/reason.h"
#include "shell/clock.h"
#include "shell/log.h"

#define JOURNAL_RETRY_MS 5000

/* ---- outputs of the engine ---- */

/* The process's part of the site, borrowed from the folder. Returns how many files. */
static size_t list_files(struct server_host *host, const struct process *process)
{
    const struct site_file *needed[FILES_MAX];
    size_t count = site_files_of_process(host->site, host->folder, process, needed, FILES_MAX);
    for (size_t i = 0; i < count; i++) {
        komet__wire__site_file__init(&host->files[i]);
        host->files[i].name = (char *)(uintptr_t)needed[i]->name;
        host->files[i].text.data = (uint8_t *)(uintptr_t)needed[i]->text;
        host->files[i].text.len = needed[i]->size;
        host->file_list[i] = &host->files[i];
    }
    return count;
}

static void send_to(struct server_host *host, const struct server_output *output)
{
    struct host_client *client = &host->clients[output->client];
    wire_message *message = output->message;
    if (client->peer == NULL) {
        return; /* it has gone, which the engine hears soon */
    }
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_WELCOME) {
        client->welcome = message->welcome->refused[0] == '\0';
        if (client->welcome && output->process != NULL) {
            message->welcome->n_files = list_files(host, output->process);
            message->welcome->files = host->file_list;
        }
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_CONFIGURATION) {
        message->configuration->n_files = list_files(host, output->process);
        message->configuration->files = host->file_list;
    }
    wire_peer_send(client->peer, message);
}

static void close_client(struct server_host *host, struct line_now now, unsigned number)
{
    struct host_client *client = &host->clients[number];
    if (client->peer != NULL) {
        wire_peer_close(client->peer);
        client->peer = NULL;
    }
    client->lost = false;
    if (client->open) {
        client->open = false;
        server_console_client_closed(host->engine.console, now, number);
        server_closed(host->engine.server, now, number, client->surely_dead);
    }
}

static void act(struct server_host *host, struct line_now now, const struct server_output *output)
{
    switch (output->kind) {
    case SERVER_OUT_SEND:
        send_to(host, output);
        return;
    case SERVER_OUT_CLOSE:
        close_client(host, now, output->client);
        return;
    case SERVER_OUT_RECORD:
        if (host->journal != NULL) {
            journal_append(host->journal, output->record);
        }
        return;
    case SERVER_OUT_CHANGE:
    case SERVER_OUT_ENDED:
    case SERVER_OUT_TRACE:
        server_console_output(host->engine.console, now, output);
        return;
    case SERVER_OUT_NOTE:
        log_info("%s", output->text);
        return;
    }
    KOMET_ASSERT_NEVER("an unknown output of the server");
}

/* True when one was told. */
static bool tell_lost(struct server_host *host, struct line_now now)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (host->clients[i].lost) {
            close_client(host, now, i);
            return true;
        }
    }
    return false;
}

static void on_deadline(uv_timer_t *timer)
{
    struct server_host *host = timer->data;
    server_tick(host->engine.server, clock_now());
    server_host_drain(host);
}

void server_host_drain(struct server_host *host)
{
    struct server_output output;
    if (host->draining || host->stopping) {
        return;
    }
    host->draining = true;
    struct line_now now = clock_now();
    do {
        while (server_next(host->engine.server, now, &output)) {
            act(host, now, &output);
        }
    } while (tell_lost(host, now) || server_host_follow_reload(host));
    if (host->journal != NULL) {
        journal_commit(host->journal);
    }
    host->draining = false;
    now = clock_now();
    uv_timer_start(&host->deadline, on_deadline,
                   clock_timeout_ms(now.instant, server_deadline(host->engine.server)), 0);
}

/* ---- consoles ---- */

/* One question of a console a turn of the loop, and only when the answers before it were read: a console that
 * floods us holds up nobody else, and one that does not read takes no memory. */
static bool listen_again(struct host_client *client)
{
    if (!client->held || client->peer == NULL || wire_peer_waiting(client->peer) > 0) {
        return false;
    }
    client->held = false;
    wire_peer_resume(client->peer);
    return true;
}

static void on_pages(uv_idle_t *idle)
{
    struct server_host *host = idle->data;
    bool any = false;
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        struct host_client *client = &host->clients[i];
        if (client->answered && client->peer != NULL && wire_peer_waiting(client->peer) == 0) {
            client->answered = false;
            any = true;
            server_console_sent(host->engine.console, clock_now(), i);
        }
        any = listen_again(client) || any;
    }
    if (any) {
        server_host_drain(host);
    } else {
        uv_idle_stop(idle);
    }
}

/* A page for a client; that it has left is told to the console from the loop, never from here. */
static void send_answer(void *context, unsigned number, const wire_message *message)
{
    struct server_host *host = context;
    struct host_client *client = &host->clients[number];
    if (client->peer != NULL && wire_peer_send(client->peer, message)) {
        client->answered = true;
        uv_idle_start(&host->pages, on_pages);
    }
}

/* ---- clients ---- */

/* Who asks is whom the certificate names; a console without one is taken at its word, and marked so. */
static void ask_console(struct server_host *host, struct line_now now, const struct host_client *client,
                        const Komet__Wire__Ask *ask)
{
    const struct identity identity = wire_peer_identity(client->peer);
    struct record_user user = {.authenticated = identity.role != IDENTITY_NONE};
    log_plain(user.name, sizeof user.name, user.authenticated ? identity.name : ask->user);
    if (user.name[0] == '\0') {
        snprintf(user.name, sizeof user.name, "?"); /* nothing is done by nobody */
    }
    server_console_ask(host->engine.console, now, (unsigned)(client - host->clients), ask, &user);
}

static void on_message(void *context, struct wire_peer *peer, const wire_message *message)
{
    struct host_client *client = context;
    struct server_host *host = client->host;
    unsigned number = (unsigned)(client - host->clients);
    struct line_now now = clock_now();
    if (client->welcome && message->body_case == KOMET__WIRE__MESSAGE__BODY_ASK) {
        client->held = true;
        wire_peer_pause(peer);
        uv_idle_start(&host->pages, on_pages);
        ask_console(host, now, client, message->ask);
    } else if (client->welcome && message->body_case == KOMET__WIRE__MESSAGE__BODY_CANCEL) {
        server_console_cancel(host->engine.console, now, number, message->cancel->id);
    } else {
        server_feed(host->engine.server, now, number, message);
    }
    server_host_drain(host);
}

static void on_drained(void *context, struct wire_peer *peer)
{
    struct host_client *client = context;
    (void)peer;
    if (client->answered || client->held) {
        uv_idle_start(&client->host->pages, on_pages);
    }
}

static void on_closed(void *context, struct wire_peer *peer, enum komet_reason reason, const char *text)
{
    struct host_client *client = context;
    (void)peer;
    client->peer = NULL;
    client->lost = true;
    client->surely_dead = reason == KOMET_PEER_CLOSED || reason == KOMET_CONNECTION_RESET;
    if (!client->surely_dead) {
        log_warning("client %u is disconnected: %s", (unsigned)(client - client->host->clients), text);
    }
    server_host_drain(client->host);
}

/* It has shown its certificate; a plain client goes without this. */
static void on_connected(void *context, struct wire_peer *peer)
{
    struct host_client *client = context;
    const struct identity identity = wire_peer_identity(peer);
    long days = wire_peer_days_left(peer);
    char address[80];
    wire_peer_address(peer, address, sizeof address);
    if (days < TLS_DAYS_WARNED) {
        log_warning("the certificate of %s, at %s, ends in %ld days; make a new one (komet certificate)",
                    identity_text(&identity).text, address, days);
    }
    server_identified(client->host->engine.server, (unsigned)(client - client->host->clients), &identity);
}

static const struct wire_peer_events client_events = {on_connected, on_message, on_drained, on_closed};

/* A free place; else that of a client that has not said yet who it is. */
static unsigned find_place(struct server_host *host)
{
    unsigned unknown = SERVER_CLIENTS_MAX;
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        const struct host_client *client = &host->clients[i];
        if (!client->open && !client->lost) {
            return i;
        }
        unknown = client->peer != NULL && !client->welcome && unknown == SERVER_CLIENTS_MAX ? i : unknown;
    }
    if (unknown < SERVER_CLIENTS_MAX) {
        log_warning("client %u has not said who it is and gives way to another one", unknown);
        wire_peer_abort(host->clients[unknown].peer);
        host->clients[unknown].peer = NULL;
        close_client(host, clock_now(), unknown);
        server_host_drain(host);
    }
    return unknown;
}

static void on_accepted(void *context, struct tcp_listener *listener)
{
    struct server_host *host = context;
    unsigned number = find_place(host);
    if (number == SERVER_CLIENTS_MAX) {
        struct wire_peer *refused = wire_peer_adopt(listener, NULL, &client_events, NULL);
        if (refused != NULL) {
            wire_peer_abort(refused);
        }
        log_warning("a connection was refused: %d clients are connected already", SERVER_CLIENTS_MAX);
        return;
    }
    struct host_client *client = &host->clients[number];
    *client = (struct host_client){.host = host};
    client->peer = wire_peer_adopt(listener, host->settings.tls, &client_events, client);
    if (client->peer != NULL) {
        client->open = true;
        server_opened(host->engine.server, clock_now(), number);
        server_host_drain(host);
    }
}

/* ---- the journal ---- */

static void on_stored(void *context, uint64_t ticket)
{
    struct server_host *host = context;
    server_stored(host->engine.server, clock_now(), ticket);
    server_host_drain(host);
}

static void on_failed(void *context, const char *why);

/* Opens the journal and makes `engine` with what it has; false: `fault` says why not, and nothing is left
 * open. */
static bool begin_engine(struct server_host *host, struct engine *engine, char *fault)
{
    const struct site *site = host->site;
    size_t size = server_size(site);
    struct journal *journal =
        journal_open(host->settings.loop, host->settings.data, site, on_stored, on_failed, host, fault);
    if (journal == NULL) {
        return false;
    }
    engine->memory = malloc(size);
    KOMET_ASSERT(engine->memory != NULL);
    engine->server = server_init(engine->memory, size, site, host->settings.name, clock_now());
    if (!journal_recover(journal, engine->server, fault)) {
        journal_close(journal);
        free(engine->memory);
        return false;
    }
    server_recovered(engine->server, clock_now());
    const struct server_running running = {host->settings.site, host->settings.listen_given,
                                           host->settings.tls_given};
    engine->console = server_console_new(engine->server, journal, &running, send_answer, host);
    KOMET_ASSERT(engine->console != NULL);
    host->journal = journal;
    return true;
}

/* The engine that met the failure goes, with all who were connected to it; they come again by themselves. */
static void end_engine(struct server_host *host)
{
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (host->clients[i].peer != NULL) {
            wire_peer_abort(host->clients[i].peer);
        }
        host->clients[i] = (struct host_client){.host = host};
    }
    server_console_free(host->engine.console);
    free(host->engine.memory);
}

static void on_retry(uv_timer_t *timer)
{
    struct server_host *host = timer->data;
    struct engine engine;
    char fault[JOURNAL_FAULT_SIZE];
    if (!begin_engine(host, &engine, fault)) {
        log_error("%s; trying again in %d s", fault, JOURNAL_RETRY_MS / 1000);
        uv_timer_start(&host->retry, on_retry, JOURNAL_RETRY_MS, 0);
        return;
    }
    end_engine(host);
    host->engine = engine;
    log_info("the journal can write again");
    server_host_drain(host);
}

static void on_failed(void *context, const char *why)
{
    struct server_host *host = context;
    struct line_now now = clock_now();
    log_error("the journal cannot write: %s; values and commands are refused; trying again in %d s", why,
              JOURNAL_RETRY_MS / 1000);
    server_journal_failed(host->engine.server, now, why);
    server_host_drain(host);
    /* What waits on it is answered with a refusal; consoles ask anew. */
    server_console_journal_lost(host->engine.console);
    journal_close(host->journal);
    host->journal = NULL;
    uv_timer_start(&host->retry, on_retry, JOURNAL_RETRY_MS, 0);
}

/* ---- life ---- */

static void close_handles(struct server_host *host)
{
    uv_close((uv_handle_t *)&host->deadline, NULL);
    uv_close((uv_handle_t *)&host->retry, NULL);
    uv_close((uv_handle_t *)&host->pages, NULL);
}

struct server_host *server_host_start(const struct server_host_settings *settings, char *fault)
{
    struct server_host *host = calloc(1, sizeof *host);
    KOMET_ASSERT(host != NULL);
    KOMET_ASSERT(settings->tls != NULL || address_is_loopback(settings->host));
    host->settings = *settings;
    host->site = settings->site;
    host->folder = settings->folder;
    int failed = uv_timer_init(settings->loop, &host->deadline);
    failed |= uv_timer_init(settings->loop, &host->retry);
    failed |= uv_idle_init(settings->loop, &host->pages);
    KOMET_ASSERT(failed == 0);
    host->deadline.data = host->retry.data = host->pages.data = host;
    bool begun = begin_engine(host, &host->engine, fault);
    if (begun) {
        host->listener = tcp_listen(settings->loop, settings->host, settings->port, on_accepted, host, fault);
    }
    if (host->listener == NULL) {
        if (begun) {
            end_engine(host);
            journal_close(host->journal);
        }
        close_handles(host);
        uv_run(settings->loop, UV_RUN_DEFAULT);
        free(host);
        return NULL;
    }
    server_host_drain(host);
    return host;
}

void server_host_stop(struct server_host *host)
{
    if (host->stopping) {
        return;
    }
    host->stopping = true;
    tcp_listener_close(host->listener);
    for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (host->clients[i].peer != NULL) {
            wire_peer_close(host->clients[i].peer);
            host->clients[i].peer = NULL;
        }
    }
    server_console_free(host->engine.console);
    host->engine.console = NULL;
    journal_close(host->journal);
    host->journal = NULL;
    close_handles(host);
}

void server_host_free(struct server_host *host)
{
    if (host != NULL) {
        free(host->engine.memory);
        if (host->reading != NULL) {
            site_reading_free(host->reading);
        }
        configuration_release(&host->own);
        free(host);
    }
}
