/*
 * The inside of the KOM engine, shared by the files of src/kom. Nobody else includes it.
 */
#ifndef KOM_KOM_PRIVATE_H
#define KOM_KOM_PRIVATE_H

#include "kom/batch.h"
#include "kom/index_set.h"
#include "kom/kom.h"
#include "kom/trace_ring.h"
#include "komet/assert.h"

#define KOM_NOTES_MAX    32 /* further ones are dropped: notes are for people */
#define KOM_NOTE_SIZE    200
#define KOM_COMMANDS_MAX 512 /* open, or ended and not yet told; one more is dropped */
#define KOM_HEARTBEATS   4   /* in one lease */
#define KOM_MASTERS_MAX  256 /* commands of masters whose end is awaited; one more is refused */

#define KOM_PINGS_MAX                                                                                        \
    (SITE_PARTNERS_MAX *                                                                                     \
     SITE_NETWORKS_MAX) /* of a line, not handed out; one more is lost. Names likewise   \
                                             */

#define KOM_TRACES_MAX        16           /* of one server; one more is not answered */
#define KOM_TRACE_RECORDS     128          /* of one page */
#define KOM_TRACE_CONNECTIONS 64           /* of one page */
#define KOM_TRACE_OCTETS      32768u       /* of one page: no record begins behind so many */
#define KOM_TRACE_SCAN        2048         /* records looked at for one page */
#define KOM_TRACE_PAUSE       KOMET_MS(10) /* between two pages, of all traces: telemetry has the rest */

/* A connection to be opened (`address`) or to be closed (`reason`). */
struct kom_wish {
    uint32_t connection;
    const struct address *address;
    const char *local; /* from there; NULL: the system's choice */
    enum komet_reason reason;
};

/* A connection whose traffic is kept. */
struct kom_traced {
    struct trace_connection *kept; /* NULL: none */
    uint32_t connection;           /* its serial */
};

struct kom_line {
    struct line_engine *engine;
    bool listen, listen_end;                                                      /* to be handed out */
    struct kom_wish aborts[LINE_CONNECTIONS_MAX], connects[LINE_CONNECTIONS_MAX]; /* likewise, aborts first */
    unsigned abort_count, connect_count;
    uint64_t taken[SITE_MASTERS_MAX];     /* position that a group of masters has acknowledged */
    uint32_t taken_changed;               /* of these groups it is to be told, as bits */
    struct kom_wish pings[KOM_PINGS_MAX]; /* `connection` is the ping's serial */
    unsigned ping_count;
    struct kom_wish finds[KOM_PINGS_MAX]; /* names to be looked up, likewise */
    unsigned find_count;
    struct kom_traced traced[LINE_CONNECTIONS_MAX];
};

struct kom_end {
    uint64_t id;
    enum command_result result;
    double number;
    value_flags flags;
    bool answered, current;
    uint8_t cause;
    char reason[96];
};

/* A command that a master gave, on its way to the server, or whose end is awaited. */
struct kom_master {
    uint64_t id; /* ours, of this run; 0: free */
    uint16_t line;
    bool waits;                         /* it is to be sent */
    struct line_master_command command; /* with the line's own id */
};

/* A reader of the traffic that is kept. */
struct kom_trace {
    bool used;
    bool asked; /* a page is wanted */
    bool live;
    uint64_t id;
    char mask[TRACE_LINE_SIZE];
    struct trace_cursor cursor;
};

/* One page on its way to the server, for one output at a time. */
struct kom_trace_page {
    Komet__Wire__TracePage body;
    Komet__Wire__TraceRecord records[KOM_TRACE_RECORDS];
    Komet__Wire__TraceRecord *record_list[KOM_TRACE_RECORDS];
    Komet__Wire__TraceConnection connections[KOM_TRACE_CONNECTIONS];
    Komet__Wire__TraceConnection *connection_list[KOM_TRACE_CONNECTIONS];
};

/* Octets that were handed out to be sent: kept when the shell says that it gave them to TCP. */
struct kom_handed {
    const uint8_t *octets; /* NULL: none */
    size_t size;
    uint16_t line;
    struct komet_utc time;
};

/* What is to be done of many lines and stations, so that a turn costs no look at each of them. */
struct kom_marks {
    struct index_set touched;         /* lines that are to be absorbed */
    struct index_set waiting;         /* lines that may want connections or octets sent */
    struct index_set line_reports;    /* a LineReport is to be sent */
    struct index_set station_reports; /* a StationReport */
    bool aborts;                      /* a line may want a connection closed */
    struct komet_instant *deadlines;  /* of each line; KOMET_NEVER of one that waits */
};

/* Everything a message body may need, for one output at a time. */
struct kom_slot {
    wire_message message;
    union {
        Komet__Wire__Hello hello;
        Komet__Wire__Heartbeat heartbeat;
        Komet__Wire__Stopped stopped;
        Komet__Wire__Leave leave;
        Komet__Wire__CommandEnd command_end;
        Komet__Wire__LineReport line_report;
        Komet__Wire__StationReport station_report;
        Komet__Wire__OutgoingTaken outgoing_taken;
        Komet__Wire__MasterCommand master_command;
        Komet__Wire__Configured configured;
    } body;
    struct line_report report;
    Komet__Wire__ConnectionReport connection[LINE_CONNECTIONS_MAX];
    Komet__Wire__ConnectionReport *connections[LINE_CONNECTIONS_MAX];
};

struct kom {
    struct kom_identity identity;
    const struct process *process; /* NULL until configured */
    struct kom_line *lines;
    enum station_value *stations;
    struct kom_marks marks;
    struct batch *batch;
    uint64_t batch_sequence; /* of the last batch that was sent, over all configurations of this run */
    uint64_t batch_epoch;    /* under which what waits for the next one came; 0: while we stood by */

    uint64_t configuration;      /* number of the lines' */
    uint64_t next_configuration; /* of that which is being read; else the same */
    bool configured;             /* Configured is to be sent, before anything in its numbers */

    bool connected;                            /* to the server */
    bool welcome;                              /* it greeted us */
    bool hello, configure, refused, reconnect; /* to be handed out */
    struct komet_instant heard;                /* when the server last said anything, or connected */
    const Komet__Wire__Welcome *welcome_message;
    const Komet__Wire__Configuration *configuration_message; /* to be handed out; NULL: none */
    int64_t lease_us;
    struct komet_instant heard_sent;     /* when the newest message was sent that the server has surely had */
    struct komet_instant heartbeat_sent; /* the newest; before the first: when we connected */
    struct komet_instant heartbeat_due;

    bool active;
    uint64_t epoch;
    struct komet_instant lease_end;
    bool stopped; /* Stopped is to be sent for `stopped_epoch`, behind everything else */
    uint64_t stopped_epoch;

    bool leaving;                  /* kom_leave was called, or the server told us to end */
    bool leave;                    /* Leave is to be sent */
    bool relieved;                 /* nothing holds us any more: KOM_OUT_END once all is said */
    struct komet_instant leave_by; /* while leaving */

    bool buffers;         /* it has a buffer on its disk */
    bool held;            /* the newest role that it heard of was active */
    bool alone;           /* it reads lines without a server */
    bool buffer_waits;    /* there may be something in the buffer */
    bool recalling;       /* KOM_OUT_RECALL was not answered yet */
    wire_message *recall; /* its answer, to be sent; NULL none */
    uint64_t forwarded;   /* sequence of the buffer's batch that is on its way; 0 none */
    uint64_t recall_after, forget;

    struct kom_end ends[KOM_COMMANDS_MAX];
    unsigned end_count, end_next;
    unsigned open_commands; /* given to a line, not ended */
    struct kom_master masters[KOM_MASTERS_MAX];
    uint64_t next_master;
    char notes[KOM_NOTES_MAX][KOM_NOTE_SIZE];
    unsigned note_count, note_next;
    char refusal[256];
    struct kom_slot slot;

    struct trace_ring *ring; /* NULL: no traffic is kept */
    struct trace_end local, remote;
    struct kom_trace traces[KOM_TRACES_MAX];
    unsigned trace_turn; /* whose page comes first */
    struct komet_instant trace_due;
    struct kom_handed handed;
    struct kom_trace_page trace_page;
};

/* kom.c */
void kom_note(struct kom *kom, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* We are passive, and the server knows: the lines do what their standby level says. They go on with it
 * without a server, too: what stands by sends no data. An instance that lost its grant with its server is
 * silent until then. */
void kom_stand_by(struct kom *kom, struct line_now now);
/* A role that ran out is given up before anything else happens. */
void kom_watch_lease(struct kom *kom, struct line_now now);
/* Frames whose values are on disk may be acknowledged. */
void kom_acknowledge(struct kom *kom, struct line_now now);

/* kom_lines.c. Something was done to a line: it may have outputs, or another deadline. */
void kom_touch(struct kom *kom, uint16_t line);
/* Takes from a line what it wants done, up to octets to be sent, which stay in the line. */
void kom_absorb(struct kom *kom, struct line_now now, uint16_t line);
/* What lines want done with connections. */
void kom_lines_connect(struct kom_line *line, uint32_t connection, const struct address *address,
                       const char *local);
void kom_lines_ping(struct kom_line *line, uint32_t ping, const struct address *address, const char *local);
void kom_lines_find(struct kom_line *line, uint32_t find, const struct address *address);
void kom_lines_abort(struct kom_line *line, uint32_t connection, enum komet_reason reason);
/* The next of all lines to be closed. */
bool kom_lines_next_abort(struct kom *kom, struct line_now now, struct kom_output *output);
/* The next of one line that is no octets. */
bool kom_lines_next(struct kom *kom, uint16_t index, struct kom_output *output);

/* kom_alone.c: without a server. The connection to it has ended; it welcomed us, or the program ends
 * (`reason`). */
void kom_alone_begin(struct kom *kom, struct line_now now);
void kom_alone_end(struct kom *kom, struct line_now now, enum komet_reason reason);
/* A batch for the buffer. */
bool kom_alone_next(struct kom *kom, struct kom_output *output);
/* What was kept goes to the server; it has stored that batch of it; its connection ended. */
bool kom_forward_next(struct kom *kom, struct kom_output *output);
void kom_forward_stored(struct kom *kom, uint64_t sequence);
void kom_forward_lost(struct kom *kom);
/* kom_outgoing.c: lines that listen: what masters are to have, what they have, and their commands. */
void kom_take_outgoing(struct kom *kom, struct line_now now, const Komet__Wire__Outgoing *outgoing);
void kom_take_master_answer(struct kom *kom, struct line_now now, const Komet__Wire__MasterAnswer *answer);
void kom_give_master_command(struct kom *kom, struct line_now now, uint16_t line,
                             const struct line_master_command *command);
void kom_note_taken(struct kom *kom, uint16_t line, unsigned group, uint64_t position);
/* The next message about them; NULL when there is none. */
wire_message *kom_next_outgoing(struct kom *kom);
/* Nobody waits for an answer of the server any more. */
void kom_forget_masters(struct kom *kom);

/* The memory of lines and batches in its pieces, of which each line's engine and the batch are still to be
 * made; `pieces` and `memory` NULL: only its size. */
struct kom_pieces {
    struct kom_line *lines; /* all zero, but for the place of `engine` */
    enum station_value *stations;
    struct kom_marks marks; /* all lines are touched, and wait */
    void *batch;
    size_t batch_size;
    unsigned connections; /* of one line at a time */
};
size_t kom_lay_out(struct kom_pieces *pieces, uint8_t *memory, const struct process *process);

/* kom_reconfigure.c */
void kom_take_configuration(struct kom *kom, const Komet__Wire__Configuration *configuration);
/* Configured, which goes before everything in the numbers that it speaks of. */
bool kom_next_configured(struct kom *kom, struct kom_output *output);

/* kom_messages.c: the next message for the server, but batches. */
bool kom_next_message(struct kom *kom, struct line_now now, struct kom_output *output);
void kom_take_command(struct kom *kom, struct line_now now, const Komet__Wire__Command *command);
/* What keeps us from speaking with stations; also while passive, so that a take-over keeps it. */
void kom_take_modes(struct kom *kom, struct line_now now, const Komet__Wire__StationModes *modes);
void kom_end_command(struct kom *kom, uint64_t id, enum command_result result, const char *reason);

/* kom_trace.c: the traffic that is kept. Nothing happens where no ring was given. */
void kom_trace_opened(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection);
void kom_trace_received(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                        const uint8_t *octets, size_t size);
/* Octets were handed out; and so many of them were given to TCP. */
void kom_trace_handed(struct kom *kom, struct line_now now, uint16_t line, const uint8_t *octets,
                      size_t size);
void kom_trace_written(struct kom *kom, uint16_t line, uint32_t connection, size_t size);
void kom_trace_closed(struct kom *kom, struct line_now now, uint16_t line, uint32_t connection,
                      enum komet_reason reason, bool by_us);
/* The lines are configured anew: what they had is gone already. */
void kom_trace_closed_all(struct kom *kom, struct line_now now);
void kom_trace_ask(struct kom *kom, struct line_now now, const Komet__Wire__TraceAsk *ask);
/* The server's connection ended: nobody asks any more. */
void kom_trace_forget(struct kom *kom);
struct komet_instant kom_trace_deadline(const struct kom *kom);
bool kom_trace_next(struct kom *kom, struct line_now now, struct kom_output *output);

#endif
