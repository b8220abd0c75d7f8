/*
 * server: the engine of `komet server`: tag database, arbiter of instances, routing of commands, and what
 * goes into the journal. Pure; all its memory is supplied at the start (`server_size`).
 *
 * Clients are numbers that the shell gives (0 … SERVER_CLIENTS_MAX-1). Messages come in decoded and go out as
 * structures that the shell encodes at once. What must be stored goes out as records with a ticket; what
 * depends on it (confirmation of a batch, a grant, a command on its way) waits inside until
 * `server_stored` says that the ticket is on disk.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line/line.h"
#include "model/site.h"
#include "model/site_difference.h"
#include "role/instances.h"
#include "server/record.h"
#include "wire/frame.h"
#include "wire/identity.h"

#define SERVER_CLIENTS_MAX  64
#define SERVER_CONSOLES_MAX 44  /* of them: the other places are for KOMs */
#define SERVER_COMMANDS_MAX 256 /* open at a time; one more is refused: "too many open commands" */
#define SERVER_WATCHES_MAX  32
#define SERVER_TRACES_MAX   16 /* LNTRACEs; one more is refused */
#define SERVER_BATCHES_MAX  65 /* of one KOM, not confirmed, of its buffer included; one more closes it */
#define SERVER_MASTERS_MAX                                                                                   \
    512 /* commands of masters, not answered; one more closes the connection of its KOM */

struct server; /* opaque */

size_t server_size(const struct site *site);
/* site: borrowed for the engine's life. `name`: of this server. */
struct server *server_init(void *memory, size_t size, const struct site *site, const char *name,
                           struct line_now now);

/* Recovery, before the first input: what the journal had. */
void server_recover_grant(struct server *server, const char *process, uint64_t epoch);
void server_recover_batch(struct server *server, const char *process, uint8_t instance, uint64_t run,
                          uint64_t sequence);
/* The same of an instance's own buffer, by its number. */
void server_recover_archived(struct server *server, const char *process, uint8_t instance, uint64_t buffer,
                             uint64_t sequence);
void server_recover_event(struct server *server, const char *process, uint8_t instance,
                          const struct record_event *event);
void server_recover_preferred(struct server *server, const char *process, uint8_t instance);
void server_recover_value(struct server *server, const char *process, uint8_t instance,
                          const struct record_value *value);
/* What people last said of a station; the value of it that is in the journal. */
void server_recover_station(struct server *server, const char *name, unsigned mode);
void server_recover_station_value(struct server *server, const char *name, enum station_value value);
void server_recover_load_balance(struct server *server, const char *process, bool all_act);
/* How far masters have what they were sent; and the newest of it, oldest first. */
void server_recover_taken(struct server *server, const char *line, const char *masters, uint8_t instance,
                          uint64_t position);
void server_recover_outgoing(struct server *server, const char *tag, const struct value *value,
                             uint64_t position, bool older);
/* Ends recovery: commands of an earlier run are known to be unknown by the journal's own closing. */
void server_recovered(struct server *server, struct line_now now);

/*
 * RELOAD. `server_reload_begin` takes the order; the caller reads and compares the site where that holds up
 * nobody. A wrong one: server_reload_refuse, and nothing has changed. A good one: server_reload_ready, again
 * and again, each time drained and whenever something was stored, until it says true: what goes away has
 * ended and is on disk. (Or it has refused the order, since a mode that somebody has set forbids the site:
 * server_reloads says false.) Then server_reload makes the engine for the new site out of the running one.
 * The order is done when every instance has applied the site, or was disconnected; until then the site before
 * and the difference are needed.
 *
 *   memory, size  server_size of the new site; the engine before and its memory are free afterwards
 *   difference    from the engine's site to `site`; all three borrowed, difference and the site before it
 *                 until the end of the order was handed out
 * Nothing may be left to be handed out by server_next. Values, roles, grants, open orders, WATCHes and
 * LNTRACEs of what is still there stay; its lease stays what it was.
 */
void server_reload_begin(struct server *server, struct line_now now, uint64_t token,
                         const struct record_user *user);
void server_reload_refuse(struct server *server, struct line_now now, const char *why);
bool server_reload_ready(struct server *server, struct line_now now,
                         const struct site_difference *difference);
struct server *server_reload(void *memory, size_t size, struct server *before, const struct site *site,
                             const struct site_difference *difference, struct line_now now);
/* An order RELOAD has begun and not ended. */
bool server_reloads(const struct server *server);

/*
 * A KOM's or console's connection. `message` is borrowed until server_next has returned false, which the
 * caller waits for before it feeds the next one: a batch is taken apart as its records are handed out.
 * server_feed on a KOM's Hello answers with Welcome (the shell adds the files of the site) or a refusal. Ask
 * and Cancel are not the engine's (program/server_console.h); a message that no client may send closes the
 * client.
 *   surely_dead  the connection ended by EOF or RST: the grant of an instance ends at once; else its lease is
 *                awaited
 */
void server_opened(struct server *server, struct line_now now, unsigned client);
/* Who the client is by its certificate, before its first message: it may speak as nobody else. A client of
 * which this is not said is a plain one of this machine, and is taken at its word. */
void server_identified(struct server *server, unsigned client, const struct identity *identity);
void server_feed(struct server *server, struct line_now now, unsigned client, const wire_message *message);
void server_closed(struct server *server, struct line_now now, unsigned client, bool surely_dead);

/* The journal synced everything up to `ticket`; or it failed for good: KOMs are disconnected, so that
 * partners keep their events, and commands are refused, until the engine is made anew. */
void server_stored(struct server *server, struct line_now now, uint64_t ticket);
void server_journal_failed(struct server *server, struct line_now now, const char *why);

void server_tick(struct server *server, struct line_now now);
struct komet_instant server_deadline(const struct server *server);

enum server_output_kind {
    SERVER_OUT_SEND,   /* `message` to `client`; WELCOME and CONFIGURATION to a kom: add files of `process` */
    SERVER_OUT_CLOSE,  /* close `client` after what was sent */
    SERVER_OUT_RECORD, /* put `record` into the journal */
    SERVER_OUT_CHANGE, /* tag `tag` changed: for `watch` (a token of server_watch) */
    SERVER_OUT_TRACE,  /* a `page` of the trace `token`; page NULL: it has ended */
    SERVER_OUT_ENDED, /* a command, interrogation or role change given by server_command … ended: `token` */
    SERVER_OUT_NOTE   /* for the log */
};

struct server_ended {
    uint64_t token; /* the caller's */
    uint64_t id;
    enum command_result result;
    bool current;          /* refused: nobody gets it now, and the tag has the value all the same */
    const char *reason;    /* "" when done */
    const struct tag *tag; /* NULL when not of a tag */
    double number;
    value_flags flags;
    uint64_t epoch;
};

struct server_output {
    enum server_output_kind kind;
    unsigned client;
    wire_message *message; /* borrowed until the next server_next */
    const struct process *process;
    const struct record *record;        /* borrowed */
    uint64_t token;                     /* CHANGE, TRACE: the watch's, the trace's; ENDED: in `ended` */
    const Komet__Wire__TracePage *page; /* TRACE: borrowed; of `instance` and `run` of `process` */
    uint8_t instance;
    uint64_t run;
    const struct tag *tag;
    struct server_ended ended;
    const char *text;
};
bool server_next(struct server *server, struct line_now now, struct server_output *output);

/* ---- for the console: orders. `token` is the caller's and comes back in SERVER_OUT_ENDED, exactly once.
 * `user`: who asks, for the journal; copied. ---- */

/* SET: `deadline_us` from now. Refusals also come as ENDED. */
void server_set(struct server *server, struct line_now now, uint64_t token, const struct record_user *user,
                const struct tag *tag, double number, value_flags flags, int64_t deadline_us);
/* INTERROGATE, CLOCK. */
void server_interrogate(struct server *server, struct line_now now, uint64_t token,
                        const struct record_user *user, const struct station *station,
                        enum line_command_kind kind);
/* ENABLE, DISABLE, SIMULATE: ends when it is stored, from when it holds. */
void server_control(struct server *server, struct line_now now, uint64_t token,
                    const struct record_user *user, const struct station *station, enum station_order what);
/* SET_ACT_INST: ends when the instance is active (its grant sent), or is refused. */
void server_set_active(struct server *server, struct line_now now, uint64_t token,
                       const struct record_user *user, const struct process *process, uint8_t instance);

/* SET_PREFERRED_INST, 0 for none: ends when it is on disk, or is refused. */
void server_set_preferred(struct server *server, struct line_now now, uint64_t token,
                          const struct record_user *user, const struct process *process, uint8_t instance);
/* SET_LOAD_BAL_MODE: all instances of the process act, or one again; only of a process all of whose lines
 * listen. Ends when it is on disk, from when it holds, or is refused. */
void server_set_load_balance(struct server *server, struct line_now now, uint64_t token,
                             const struct record_user *user, const struct process *process, bool all_act);
/* STOP: of one instance, or of all that run (0); ends when they have ended, or is refused. */
void server_stop(struct server *server, struct line_now now, uint64_t token, const struct record_user *user,
                 const struct process *process, uint8_t instance);

/* WATCH: from now on changes of tags that match come as CHANGE with `token`. False: too many watches. */
bool server_watch(struct server *server, uint64_t token, const char *mask);
void server_unwatch(struct server *server, uint64_t token);

/* LNTRACE: the traffic of lines that match, from all instances of their processes that keep it. Pages come as
 * TRACE, one of each instance; the next ones after server_trace_more. A live one goes on until
 * server_untrace, over instances that come and go; another one ends by itself. Returns NULL, or why it was
 * not begun. */
#define SERVER_TRACE_MASK_SIZE 128
struct server_trace_settings {
    const char *mask; /* copied; a longer one is cut */
    uint8_t instance; /* 1..15; 0: all */
    bool memory;      /* with what is in memory */
    bool live;        /* with what will come */
};
const char *server_trace(struct server *server, uint64_t token, const struct server_trace_settings *settings);
/* The console has sent on what it was handed. */
void server_trace_more(struct server *server, uint64_t token);
void server_untrace(struct server *server, uint64_t token);

/* ---- for the console: what is known now. Valid until the next call that is not a getter. ---- */

const struct site *server_site(const struct server *server);
const char *server_name(const struct server *server);
/* How many RELOADs the site has seen since the server's start. */
uint64_t server_configuration(const struct server *server);
/* The lease under which grants are given, which a RELOAD does not change. */
int64_t server_lease_us(const struct server *server);
/* The instance is connected and has not applied the site yet; and there is something to apply for that line.
 */
bool server_instance_is_outdated(const struct server *server, const struct process *process,
                                 uint8_t instance);
bool server_line_is_outdated(const struct server *server, const struct line *line, uint8_t instance);
struct komet_utc server_since(const struct server *server);
/* The current value of a tag. */
const struct value *server_value(const struct server *server, const struct tag *tag);
/* The instances of a process, with hosts. */
const struct instances *server_instances(const struct server *server, const struct process *process);
/* The value of a process with its flags, and since when it has it; *time is unknown when it never ran. */
enum process_value server_process_value(const struct server *server, const struct process *process,
                                        value_flags *flags, struct komet_utc *time);
/* What came from instances of a process after their grant had ended, since the start of the server: it was
 * refused. */
struct server_late {
    uint64_t batches, values;
};
struct server_late server_late(const struct server *server, const struct process *process);
const char *server_instance_host(const struct server *server, const struct process *process,
                                 uint8_t instance);
/* Wall-clock time of an instant that the engine kept (`since`), for the console. */
struct komet_utc server_utc_of(const struct server *server, struct komet_instant instant);

#define SERVER_CONNECTIONS_MAX 32 /* shown of a line, of all instances that act */
#define SERVER_STANDBY_MAX     4  /* of each that stands by: two partners on two networks */

struct server_connection {
    char address[LINE_ADDRESS_SIZE];
    enum connection_state state;
    char reason[32];                      /* of its last end; "" none */
    char partner[64], path[16], role[16]; /* whose it is; "" none is known */
    uint8_t instance;
};

struct server_line_state {
    bool value;
    value_flags flags;
    uint8_t instance; /* that reported last; 0 none or unnumbered, or several act */
    unsigned connection_count;
    struct server_connection connections[SERVER_CONNECTIONS_MAX];
    /* Of each passive instance that keeps connections, or tries to; count 0: it does not. */
    uint8_t standby_count[INSTANCE_MAX + 1];
    struct server_connection standby[INSTANCE_MAX + 1][SERVER_STANDBY_MAX];
};
const struct server_line_state *server_line_state(const struct server *server, const struct line *line);
enum station_value server_station_value(const struct server *server, const struct station *station,
                                        value_flags *flags);

/* What keeps a line from speaking with it: bits of enum station_mode. */
unsigned server_station_mode(const struct server *server, const struct station *station);

struct server_counters {
    uint64_t batches, values, events, repeats, refused_batches, commands, grants, records;
    uint64_t archived; /* values from buffers of instances, of all that came */
    uint64_t unknown;  /* of them: of tags that the site has no longer; not recorded */
    uint64_t standby;  /* values from instances that stood by, of all that came */
};
struct server_counters server_counters(const struct server *server);

#endif
