/*
 * The inside of the server engine, shared by the files of src/server. Nobody else includes it.
 */
#ifndef SERVER_SERVER_PRIVATE_H
#define SERVER_SERVER_PRIVATE_H

#include "komet/assert.h"
#include "server/repeats.h"
#include "server/server.h"

#define SERVER_NO_CLIENT     0xFFu
#define SERVER_NOTES_MAX     16 /* further ones are dropped: notes are for people */
#define SERVER_NOTE_SIZE     256
#define SERVER_HELLO_US      KOMET_SECONDS(5) /* a client that says nothing for that long is closed */
#define SERVER_SILENT_LEASES 3                /* a KOM silent for so many leases is closed */
#define SERVER_SILENT_MIN_US KOMET_SECONDS(2)
#define SERVER_ANSWER_GRACE  KOMET_SECONDS(5) /* for a KOM's answer, beyond the line's own time limits */
#define SERVER_ROLE_PATIENCE KOMET_SECONDS(10)
#define SERVER_APPLY_US      KOMET_SECONDS(10) /* for a KOM to apply a configuration; then it is disconnected */

enum client_kind { CLIENT_FREE, CLIENT_NEW, CLIENT_KOM, CLIENT_CONSOLE, CLIENT_CLOSING };

/* A batch taken and not yet confirmed. */
struct waiting_batch {
    bool archived; /* of the instance's buffer */
    uint64_t ticket, sequence;
};

struct client {
    enum client_kind kind;
    struct process_state *process; /* KOM */
    uint8_t instance;
    struct identity identity; /* by its certificate; role NONE: it is taken at its word */
    struct komet_instant heard;
    bool welcome, close; /* to be handed out */
    char refused[SERVER_NOTE_SIZE];
    bool heartbeat;
    int64_t heartbeat_us;
    uint64_t heartbeat_epoch;
    bool station_modes;     /* they are to be sent */
    bool leave;             /* it is to be told to end */
    bool role, role_active; /* a Role is to be sent once `role_ticket` is stored */
    uint64_t role_epoch, role_ticket;
    struct waiting_batch batches[SERVER_BATCHES_MAX]; /* ring, oldest first */
    unsigned batch_first, batch_count;
    bool stored;
    uint64_t stored_sequence;
    uint64_t stored_archived; /* of its buffer, to be told; 0 none */
    char batch_refused[64];   /* not "": `refused_sequence` is */
    uint64_t refused_sequence;
    bool traces;                       /* KOM: it keeps its traffic */
    uint64_t configuration;            /* KOM: in whose numbers it speaks */
    uint64_t life;                     /* KOM: of its lines' connections, for repeats; from 1 */
    bool configure;                    /* it is to be sent the server's */
    struct komet_instant configure_by; /* it was, and is to apply it until then; else NEVER */
};

struct member_state {
    uint8_t client;
    char host[64];
    uint64_t run, sequence; /* the highest batch taken of that run */
};

/* What was taken of an instance's own buffer. */
struct known_buffer {
    uint64_t buffer;   /* 0: none */
    uint64_t sequence; /* the highest batch taken of it */
    uint64_t dropped;  /* by it, as it said last */
};

#define SERVER_BUFFERS_MAX 32 /* of a process: further ones take the place of the oldest */

struct process_state {
    const struct process *process;
    struct instances instances;
    uint64_t epoch_floor; /* while recovering */
    struct member_state members[ROLE_INSTANCE_MAX + 1];
    struct known_buffer buffers[SERVER_BUFFERS_MAX];
    unsigned next_buffer;
    uint8_t reporter; /* whose reports of lines and stations are shown; 0xFF none */
    enum process_value told[ROLE_INSTANCE_MAX + 1]; /* values that are in the journal */
    uint32_t told_changes;                          /* `changes` of the instances when all were */
    uint8_t told_instance;                          /* whose value changed last */
    struct record_value value;                      /* of the process, in the journal */
    struct server_late late;
    uint32_t told_by_lines; /* changes of role for a line's sake that were told */
};

struct station_known {
    enum station_value value, told; /* now; in the journal */
    value_flags flags;
    uint8_t ordered; /* bits of enum station_mode: what people said, else the site */
    bool said;       /* people have said it */
    uint8_t mode;    /* the same, and what the control object says: in force */
    uint32_t sweep;  /* so many of its tags, the last ones, are still to be made invalid */
};

#define SERVER_OUTGOING_COLUMNS 512 /* values of one message */

#define OUTGOING_TAG_GONE UINT32_MAX

/* A value that masters are to have. */
struct out_entry {
    struct value value;
    uint64_t ticket;
    uint32_t tag; /* in the process; OUTGOING_TAG_GONE: the site has it no longer (RELOAD) */
    bool older;   /* than what the tag has */
};

enum reader_state { READER_NONE, READER_BEGINS, READER_VALUES, READER_EVENTS };

/* An instance that is told what masters are to have. */
struct out_reader {
    enum reader_state state;
    bool ready;          /* it was told that it may listen */
    uint32_t tag;        /* VALUES: the next one of the process */
    uint64_t next;       /* EVENTS: position of the next one */
    uint64_t told;       /* what was on disk when it was told something last */
    uint64_t told_until; /* events before this position are in the values that it was told */
    uint64_t resume;     /* RELOAD: the instance's line was sent what is before it; 0: nothing */
};

/* What an instance that acts says of a line with masters. */
struct out_reported {
    bool value;
    value_flags flags;
    unsigned connection_count;
    struct server_connection connections[LINE_CONNECTIONS_MAX];
};

/* What the masters of one line are to have, or what its outputs have (line_has_outgoing). */
struct outgoing {
    const struct line *line;
    uint64_t capacity; /* events of the ring */
    struct out_entry *ring;
    uint64_t first, end;                                     /* positions of the oldest, behind the newest */
    uint64_t taken[SITE_MASTERS_MAX][ROLE_INSTANCE_MAX + 1]; /* by which instance each group has what */
    uint32_t dirty[SITE_MASTERS_MAX];                        /* of these instances it is to be journaled */
    uint64_t ticket;                                         /* of the newest such record */
    struct out_reader readers[ROLE_INSTANCE_MAX + 1];
    struct out_reported *reported;   /* by each instance, 0 to ROLE_INSTANCE_MAX; NULL: it has no masters */
    uint64_t lost[SITE_MASTERS_MAX]; /* events that a group never gets, since it had what waited */
    uint64_t lost_until[SITE_MASTERS_MAX]; /* position with which it has that again */
};

/* An event whose followers are being written. */
struct follow {
    uint32_t next; /* number in the site, from 1; 0: none */
    const struct tag *source;
    struct value value;
    bool older;
    uint64_t ticket;
};

/* Values of one message, in columns. */
struct out_columns {
    uint32_t tag[SERVER_OUTGOING_COLUMNS];
    double number[SERVER_OUTGOING_COLUMNS];
    uint32_t status_flags[SERVER_OUTGOING_COLUMNS];
    int64_t time_ms[SERVER_OUTGOING_COLUMNS];
    uint64_t position[SERVER_OUTGOING_COLUMNS];
    uint64_t group[SITE_MASTERS_MAX];
};

enum master_state {
    MASTER_RECORD,     /* its event is to be journaled */
    MASTER_JOURNALING, /* until `ticket` is stored */
    MASTER_OPEN        /* until what it was given on to has ended; then it is answered */
};

/* A command that a master gave. */
struct master_order {
    uint64_t token; /* 0: free */
    enum master_state state;
    uint8_t client; /* SERVER_NO_CLIENT: nobody waits for its answer */
    uint64_t id;    /* the KOM's */
    const struct tag *tag;
    struct value value;
    bool select;
    struct record_user user;
    uint64_t ticket;
    unsigned open; /* orders that it was given on by, and have not ended */
    enum command_result result;
    uint8_t cause; /* with which a station refused, 44 to 47; else 0 */
};

enum order_kind {
    ORDER_TELEMETRY,
    ORDER_ROLE,
    ORDER_PREFERRED,
    ORDER_STOP,
    ORDER_STATION,
    ORDER_LOAD_BALANCE,
    ORDER_RELOAD
};
enum order_state {
    ORDER_FREE,
    ORDER_BEGIN,      /* its BEGIN is to be journaled */
    ORDER_JOURNALING, /* until `ticket` is stored */
    ORDER_TO_SEND,
    ORDER_SENT,
    ORDER_END,        /* its END is to be journaled */
    ORDER_ENDING,     /* until `ticket` is stored */
    ORDER_ENDED,      /* to be reported */
    ORDER_ROLE_WAITS, /* for instances to come into their role, to end, or to apply a configuration */
};

struct order {
    enum order_state state;
    enum order_kind kind;
    uint64_t token, id;
    enum line_command_kind command;
    struct process_state *process;
    const struct tag *tag; /* commands */
    const struct station *station;
    uint8_t instance;
    uint8_t mode; /* STATION: what it makes of the station's. LOAD_BALANCE: 1 all act */
    uint64_t epoch, ticket;
    double number;
    value_flags flags;
    bool answered;              /* by a negative confirmation, with these flags: */
    value_flags answered_flags; /* A to H */
    bool current;               /* refused: nobody got it, but whoever asks for what the tag has does */
    uint8_t cause;              /* with which the station refused, 44 to 47; else 0 */
    bool by_hand;               /* a value that goes to no station: of a simulated one, or for masters */
    uint64_t master;            /* token of the master's command that it repeats; 0: none */
    bool sent; /* to the instance: it may have been executed; RELOAD: the site has been swapped in */
    enum { NOTHING_WRITTEN, EVENT_IS_NEXT, END_IS_NEXT } written; /* END: of its records */
    struct value before;                                          /* of the tag */
    struct komet_utc given, ended;
    struct komet_instant deadline, answer_by;
    enum command_result result;
    char reason[RECORD_TEXT_MAX];
    struct record_user user;
};

struct watch {
    bool used;
    uint64_t token;
    char mask[SERVER_TRACE_MASK_SIZE];
};

enum trace_state { TRACE_FREE, TRACE_OPEN, TRACE_ENDING };
/* What a client has to do with a trace. */
enum trace_part {
    TRACE_NONE,
    TRACE_TO_BEGIN, /* to be told of it */
    TRACE_ASKED,    /* its page is awaited */
    TRACE_HELD,     /* its page went to the console */
    TRACE_TO_ASK    /* to be asked for the next one */
};

struct trace {
    enum trace_state state;
    uint64_t token, id;
    uint8_t instance; /* 0: all */
    bool memory, live;
    enum trace_part parts[SERVER_CLIENTS_MAX];
    char mask[SERVER_TRACE_MASK_SIZE];
};

struct tag_state {
    struct value value;
    uint32_t watches; /* one bit a watch that wants its changes */
    bool controls;    /* stations: it is a control object */
};

/* A batch that is being taken apart. */
struct batch_walk {
    struct komet_instant came;
    const Komet__Wire__Batch *batch; /* NULL: none */
    const struct process *numbers;   /* whose numbers its columns have: of this site, or of the one before */
    unsigned client;
    size_t at, octets_at;
    int64_t time_ms, arrived_ms, frame;
    uint64_t ticket;
    bool recorded; /* it brought an event */
    bool archived; /* it comes from the instance's buffer */
    bool standby;  /* it comes without a grant */
};

/* Everything a message body may need, for one output at a time. */
struct message_slot {
    wire_message message;
    union {
        Komet__Wire__Welcome welcome;
        Komet__Wire__Heartbeat heartbeat;
        Komet__Wire__Role role;
        Komet__Wire__Leave leave;
        Komet__Wire__Stored stored;
        Komet__Wire__Command command;
        Komet__Wire__TraceAsk trace_ask;
        Komet__Wire__StationModes station_modes;
        Komet__Wire__Outgoing outgoing;
        Komet__Wire__MasterAnswer master_answer;
        Komet__Wire__Configuration configuration;
    } body;
    char text[SERVER_NOTE_SIZE];
};

struct server {
    const struct site *site;
    uint64_t configuration; /* number of the site: of RELOADs before it */
    const struct site_difference
        *difference;  /* from the one before, while an instance speaks in its numbers */
    bool site_record; /* the journal is still to hear of the site, before anything in its numbers */
    const struct site_difference *record_difference; /* what it hears */
    int64_t lease_us;       /* as it was when the engine began: no RELOAD changes it */
    uint64_t highest_epoch; /* of all processes, those that the site has no more too */
    const char *name;
    struct line_now started;
    struct komet_utc since;
    struct process_state *processes;
    struct server_line_state *lines;      /* of all processes, in the site's order */
    struct station_known *stations;       /* likewise */
    struct repeats **repeats;             /* likewise, one a line */
    uint32_t *first_line, *first_station; /* of each process */
    struct reach_line *reach;             /* of all lines, in the site's order */
    uint32_t line_count, station_count;
    struct tag_state *tags;
    uint32_t *modes;       /* of the stations of a process, for one message */
    uint32_t station_next; /* no station before this one has anything to be journaled */
    bool control_changed;  /* a control object has a new value */
    struct client clients[SERVER_CLIENTS_MAX];
    struct order orders[SERVER_COMMANDS_MAX];
    struct watch watches[SERVER_WATCHES_MAX];
    struct trace traces[SERVER_TRACES_MAX];
    uint64_t next_trace;
    const Komet__Wire__TracePage *trace_page; /* to be handed out; NULL: none */
    unsigned trace_client;                    /* whose it is */
    uint64_t trace_token;
    struct server_ended refusals[8]; /* of orders that found no slot; the caller drains after each order */
    unsigned refusal_count;
    uint32_t *first_follower, *next_follower; /* of each tag of the site: outputs that follow it; from 1 */
    struct follow follow;
    struct outgoing *outgoing; /* of each line that listens */
    uint32_t outgoing_count;
    struct out_columns columns;
    struct master_order masters[SERVER_MASTERS_MAX];
    unsigned masters_open; /* of them: while there is none, nobody looks for one */
    uint64_t next_master;
    struct batch_walk walk;
    const struct tag *changed; /* whose watchers are being told */
    uint32_t changed_watches;
    const struct tag *changes[2 * SERVER_COMMANDS_MAX]; /* that come next: an order changes its tag twice */
    unsigned change_count, change_next;
    uint64_t ticket, stored_ticket; /* newest handed out; newest on disk */
    uint64_t next_command;
    uint64_t newest_life; /* of a client; larger than any that is in the journal */
    bool journal_failed;
    char journal_fault[SERVER_NOTE_SIZE];
    struct record record;
    struct message_slot slot;
    char notes[SERVER_NOTES_MAX][SERVER_NOTE_SIZE];
    unsigned note_count, note_next;
    struct server_counters counters;
};

/* server.c */
void server_note(struct server *server, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The run behind a client is taken for ended at once; the client is closed. */
void server_replace(struct server *server, struct line_now now, unsigned client);
/* The client is told why (refused) and closed. */
void server_refuse(struct server *server, unsigned client, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The process of that name in the site; NULL when it has none any more. */
struct process_state *server_find_process(struct server *server, const char *name);
/* The client of an instance; SERVER_NO_CLIENT when it is not connected. */
uint8_t server_client_of(const struct process_state *process, uint8_t instance);
/* The instance with the grant, 0xFF none. */
uint8_t server_active(const struct process_state *process);
uint32_t server_line_number(const struct server *server, const struct line *line);
uint32_t server_station_number(const struct server *server, const struct station *station);

/* Up to `capacity` connections of a report; returns how many. */
unsigned clients_copy_connections(const Komet__Wire__LineReport *report, uint8_t instance,
                                  struct server_connection *connections, unsigned capacity);
/* Processes, lines, stations and tags of `site`, with nothing known of any; the pieces are laid out. */
void server_begin_site(struct server *server, const struct site *site, struct line_now now);
size_t server_lay_out(struct server *server, const struct site *site);
/* The run behind a client is not there any more. */
void server_drop_kom(struct server *server, struct line_now now, unsigned client, bool surely_dead);

/* server_reload.c */
/* In whose numbers a KOM speaks: a process of the site, or of the one before. */
const struct process *reload_numbers(const struct server *server, const struct client *kom);
/* What a tag or line in these numbers is now; NULL: it is gone. */
const struct tag *reload_tag(const struct server *server, const struct process *numbers, uint32_t number);
const struct line *reload_line(const struct server *server, const struct process *numbers, uint32_t index);
const struct station *reload_station(const struct server *server, const struct process *numbers,
                                     uint32_t number);
void reload_configured(struct server *server, struct line_now now, unsigned client,
                       const Komet__Wire__Configured *configured);
/* A KOM has applied the configuration, or is gone: RELOAD may be done. */
void reload_settle(struct server *server, struct line_now now);
/* The record by which the journal goes over to the site. */
bool reload_next_record(struct server *server, struct server_output *output);
void reload_write_configuration(struct server *server, struct client *client, struct server_output *output);

/* server_clients.c: Hello, heartbeats, reports. */
void clients_hello(struct server *server, struct line_now now, unsigned client,
                   const Komet__Wire__Hello *hello);
void clients_heartbeat(struct server *server, struct line_now now, unsigned client,
                       const Komet__Wire__Heartbeat *heartbeat);
void clients_line_report(struct server *server, struct line_now now, unsigned client,
                         const Komet__Wire__LineReport *report);
void clients_station_report(struct server *server, unsigned client, const Komet__Wire__StationReport *report);
/* An instance that stands by no more. */
void clients_forget_standby(struct server *server, const struct process *process, uint8_t instance);
/* Lines and stations of a process whose active instance is gone, or new. */
void clients_forget_reports(struct server *server, struct process_state *process, uint8_t reporter);
bool clients_next_message(struct server *server, struct line_now now, struct server_output *output);
void clients_stored(struct server *server);

/* server_stations.c */
void stations_begin(struct server *server, const struct process *process);
void stations_recovered(struct server *server);
/* Nobody acts any more of whom reports are shown. */
void stations_forget(struct server *server, const struct process *process);
void stations_report(struct server *server, const struct station *station, enum station_value value,
                     value_flags flags);
/* An ORDER_STATION is on disk. */
void stations_ordered(struct server *server, const struct order *order);
/* RELOAD: the stations are those of another site; what is known of them is in place. */
void stations_reloaded(struct server *server);
/* Stations whose control object has changed. */
void stations_follow_control(struct server *server);
/* The next change of a station, or tag of one that becomes invalid, to be journaled. */
bool stations_next_record(struct server *server, struct line_now now, struct server_output *output);
/* A tag has a new value that came from no instance: it is an event. */
void stations_write_event(struct server *server, const struct tag *tag, const struct value *value,
                          struct server_output *output);
/* The slot's message: the modes of all stations of a process. */
void stations_write_modes(struct server *server, const struct process *process);

/* An ORDER_LOAD_BALANCE is on disk. */
/* The line that keeps a process from acting on all instances; NULL: none does. */
const struct line *roles_line_that_connects(const struct process *process);
void roles_load_balance(struct server *server, struct line_now now, const struct order *order);

/* server_values.c: values of processes. */
void values_begin(struct process_state *process);
/* The next one that is to be journaled. */
bool values_next_record(struct server *server, struct line_now now, struct server_output *output);

/* server_outgoing.c: what masters are to have. */
size_t outgoing_lay_out(struct server *server, uint8_t *memory, size_t used, const struct site *site);
void outgoing_begin(struct server *server);
void outgoing_recovered(struct server *server);
/* An event of a tag, with the ticket of its record: what follows it is written next. */
void outgoing_follow(struct server *server, const struct tag *source, const struct value *value, bool older,
                     uint64_t ticket);
/* An event of an output that follows nothing; returns its position, 0 when masters are not sent it. */
uint64_t outgoing_event(struct server *server, const struct tag *tag, const struct value *value,
                        uint64_t ticket);
bool outgoing_next_record(struct server *server, struct server_output *output);
void outgoing_taken(struct server *server, struct line_now now, unsigned client,
                    const Komet__Wire__OutgoingTaken *taken);
/* An instance was told its grant, or has none any more. */
void outgoing_granted(struct server *server, const struct process_state *process, uint8_t instance);
void outgoing_ended(struct server *server, const struct process_state *process, uint8_t instance);
/* An instance that acts has applied a changed site: it is told anew, in its numbers. */
void outgoing_configured(struct server *server, const struct process_state *process, uint8_t instance);
/* What an instance that acts says of a line; the line shows what all say. */
void outgoing_report(struct server *server, const struct client *client, const struct line *line,
                     const Komet__Wire__LineReport *report);
/* From now on one instance acts, or all do. */
void outgoing_mode_changed(struct server *server, const struct process_state *process);
/* True when the slot's message has values for a client. */
bool outgoing_next_message(struct server *server, const struct client *client);
uint64_t outgoing_capacity(const struct outgoing *outgoing);
struct out_entry *outgoing_entry(const struct outgoing *outgoing, uint64_t position);
/* server_outgoing_move.c: RELOAD. */
void outgoing_move(struct server *server, const struct server *before);
/* Commands of masters that are open. */
void masters_move(struct server *server);

/* server_masters.c: what masters command. */
void masters_command(struct server *server, struct line_now now, unsigned client,
                     const Komet__Wire__MasterCommand *command);
/* An order that repeats a master's command has ended. */
void masters_order_ended(struct server *server, uint64_t token, enum command_result result, uint8_t cause);
void masters_lost(struct server *server, unsigned client);
bool masters_next_record(struct server *server, struct server_output *output);
/* True when the slot's message answers one of a client. */
bool masters_next_message(struct server *server, unsigned client);

/* server_batch.c */
/* What was taken of a buffer, by its number; nothing yet, when it is new. */
struct known_buffer *batch_find_buffer(struct process_state *process, uint64_t buffer);
/* A change that a watch wants. */
bool batch_next_change(struct server *server, struct server_output *output);
void batch_begin(struct server *server, struct line_now now, unsigned client,
                 const Komet__Wire__Batch *batch);
/* True when `output` was filled: a record, or a change that a watch wants. */
bool batch_next(struct server *server, struct server_output *output);
/* A tag has a new value: watchers are told. */
void batch_set_value(struct server *server, const struct tag *tag, const struct value *value);

/* server_traces.c */
void traces_connected(struct server *server, unsigned client);
void traces_lost(struct server *server, unsigned client);
void traces_page(struct server *server, unsigned client, const Komet__Wire__TracePage *page);
bool traces_next(struct server *server, struct server_output *output);

/* server_order_records.c. What the tag of a command has when it was done; when it has ended. */
struct value order_value_done(const struct order *order);
struct value order_value_ended(const struct order *order);
/* Nobody got it, but whoever asks for what the tag has does. */
bool order_is_current(const struct order *order);
/* Writes server->record: that an order begins; of one that has ended the next of its records: what it did, if
 * it was done, and then how it ended. True: that was the last one. */
void order_write_begin(struct server *server, struct order *order);
bool order_write_end(struct server *server, struct order *order);

/* server_orders.c. A new order; NULL: there are too many, which the caller of it will hear. */
struct order *orders_begin(struct server *server, struct line_now now, uint64_t token,
                           const struct record_user *user, const struct process *process,
                           const struct tag *tag);
bool orders_full(const struct server *server);
/* An output repeats a master's command, or its selection. */
void orders_give_on(struct server *server, struct line_now now, const struct master_order *master,
                    const struct tag *output, double number, value_flags flags);
/* It has ended, and why. */
void orders_end(struct server *server, struct order *order, struct line_now now, enum command_result result,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
void orders_command_end(struct server *server, struct line_now now, unsigned client,
                        const Komet__Wire__CommandEnd *end);
/* The instance is lost, or its grant: what was sent to it is unknown now. */
void orders_instance_lost(struct server *server, struct line_now now, const struct process_state *process,
                          uint8_t instance, uint64_t epoch);
void orders_stored(struct server *server, struct line_now now);
void orders_tick(struct server *server, struct line_now now);
struct komet_instant orders_deadline(const struct server *server);
bool orders_next_record(struct server *server, struct line_now now, struct server_output *output);
/* A Command for a KOM that waits to be sent. */
bool orders_next_command(struct server *server, struct line_now now, struct server_output *output);
/* Those that repeat commands of masters and have ended: their masters are answered next. False: none had. */
bool orders_tell_masters(struct server *server);
bool orders_next_ended(struct server *server, struct server_output *output);
/* server_roles.c */
/* The Role of a grant was handed out: SET_ACT_INST may be done. */
void orders_granted(struct server *server, struct line_now now, const struct process_state *process,
                    uint8_t instance, uint64_t epoch);
/* An instance has ended: STOP may be done. */
void orders_instance_ended(struct server *server, struct line_now now, const struct process_state *process);

/* The slot's `message` becomes one of `body`. */
void message_slot_begin(struct message_slot *slot);

#endif
