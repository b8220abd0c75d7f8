/*
 * line: what a telemetry channel does, as a pure engine; one file a protocol behind it.
 *
 * It knows its configuration (a `struct line` of the site) and nothing of servers or instances. The KOM
 * tells it to act or to be silent, feeds it what its connections bring, and takes out what it wants done:
 * connections to open, octets to send, values to store, reports, ends of commands.
 *
 * A received frame's values are handed out once (LINE_OUT_VALUES); the frame is acknowledged to the
 * partner only after the KOM called `line_stored` for it.
 */
#ifndef LINE_LINE_H
#define LINE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/link.h"
#include "model/site.h"
#include "model/site_difference.h"

/* One clock reading: both clocks, read once a turn. */
struct line_now {
    struct komet_instant instant;
    struct komet_utc utc;
};

struct line_engine; /* opaque; lives in the caller's memory */

/* Octets of memory for the engine of a line, all in (link, tables of commands, received values). */
size_t line_size(const struct line *line);

/*
 *   memory, size  taken for the engine's life; aligned for any object
 *   line          borrowed for the engine's life
 * The engine begins passive: silent, nothing connected.
 */
struct line_engine *line_init(void *memory, size_t size, const struct line *line, struct line_now now);

/*
 * RELOAD. The line goes on under another site, which it takes over in place (difference_line_change is not
 * RECONNECTS): the engine of `line`, made in `memory` out of that of what the line was, with its connection,
 * the frames and commands on it, and what the filters remember of tags that are kept.
 *   before      what the line was; ends with this call, its memory is free afterwards. Its outputs were
 *               taken, but octets to be sent
 *   difference  borrowed for the call
 * A command of a tag or station that is gone or changed ends: unknown when it was sent, else refused. A
 * station with values that nobody has asked for is interrogated. line_next says what comes of it.
 */
struct line_engine *line_move(void *memory, size_t size, struct line_engine *before, const struct line *line,
                              const struct site_difference *difference, struct line_now now);
/* A line that reconnects: `engine`, fresh, takes the place of `before`, which was deactivated. Its
 * connections are numbered behind those: a serial names one connection as long as a grant lasts. */
void line_succeed(struct line_engine *engine, const struct line_engine *before);

/* Act, stand by, or be silent. Silent, as in the beginning: connections are closed at once with `reason`,
 * open commands end as unknown (sent) or refused (not sent), nothing is sent any more. Stand by, from silent:
 * with `standby: cold` the same; with `warm` the line connects and sends nothing but test frames, so that to
 * act is only to start data transfer. */
void line_activate(struct line_engine *line, struct line_now now);
void line_stand_by(struct line_engine *line, struct line_now now);
void line_deactivate(struct line_engine *line, struct line_now now, enum komet_reason reason);
/* From its next activation on the line only listens to its stations: it sends no ASDU, and takes no command.
 * For the time without a server. False: its protocol cannot do that. */
bool line_read_only(struct line_engine *line, bool read_only);

/* What came of LINE_OUT_LISTEN: it is listened, or `fault` says why not (NULL: it is). The line asks again
 * later. */
void line_listening(struct line_engine *line, struct line_now now, const char *fault);
/* A listening line was connected to. Returns the connection's serial, by which all below knows it; 0: it is
 * refused, and closed by the caller, who need not say so. */
uint32_t line_accepted(struct line_engine *line, struct line_now now, const struct network_address *peer,
                       uint16_t port);

/* What happened to the connection that LINE_OUT_CONNECT asked for; `connection` as it was given there.
 * Events of a connection that the line has given up are ignored. */
void line_connected(struct line_engine *line, struct line_now now, uint32_t connection);
void line_closed(struct line_engine *line, struct line_now now, uint32_t connection,
                 enum komet_reason reason);
/* What came of LINE_OUT_PING, `ping` as it was given there: the address answered; or nothing can be said of
 * it, since this machine does not let us ping: then it is not asked for again before the line opens anew. No
 * answer is not told: the line waits for one itself. */
void line_pinged(struct line_engine *line, struct line_now now, uint32_t ping, bool answered);
/* What came of LINE_OUT_FIND, `find` as it was given there: the addresses of the name, none: it is not known
 * now. Copied. The line asks again by itself. */
void line_found(struct line_engine *line, struct line_now now, uint32_t find,
                const struct network_address *addresses, unsigned count);
/* Received octets, borrowed. Returns how many were taken; the caller drains line_next and feeds the rest. */
size_t line_feed(struct line_engine *line, struct line_now now, uint32_t connection, const uint8_t *octets,
                 size_t size);
/* `size` octets of the last LINE_OUT_SEND were given to TCP. */
void line_written(struct line_engine *line, uint32_t connection, size_t size);

/* What keeps a line from speaking with a station, as bits; 0: nothing does. In the journal: append only. */
enum station_mode { STATION_DISABLED = 1, STATION_SIMULATED = 2, STATION_WAITS = 4 };
#define STATION_MODES 7u
/* Why it does not: "station is disabled", …; NULL when it does. */
const char *station_mode_refusal(unsigned mode);

/* What people say of a station. In the journal, as a command's number: append only. */
enum station_order {
    STATION_ENABLE = 1,
    STATION_DISABLE = 2,
    STATION_SIMULATE_ON = 3,
    STATION_SIMULATE_OFF = 4
};
const char *station_order_name(enum station_order order); /* "ENABLE", "SIMULATE ON", … */

/* The mode of a station, also while passive; at the start it is what the site says. A station that is spoken
 * with no more: its values are dropped, what was not sent to it is refused. A line that speaks with none
 * closes
 * (`disabled`), and connects at once when it speaks with one again, which is interrogated as after the start.
 */
void line_set_mode(struct line_engine *line, struct line_now now, const struct station *station,
                   unsigned mode);

void line_tick(struct line_engine *line, struct line_now now);
struct komet_instant line_deadline(const struct line_engine *line);

/* All values of frames up to `frame` of `connection` are stored: N(R) may move over them. */
void line_stored(struct line_engine *line, struct line_now now, uint32_t connection, uint64_t frame);

enum line_command_kind {
    LINE_COMMAND_WRITE = 1,       /* `tag` gets `number` with `flags` */
    LINE_COMMAND_INTERROGATE = 2, /* `station`: C_IC_NA_1, QOI 20 */
    LINE_COMMAND_COUNTERS = 3,    /* `station`: C_CI_NA_1, QCC 5 */
    LINE_COMMAND_CLOCK = 4,       /* `station`: C_CS_NA_1 */
    LINE_COMMAND_SELECT = 5       /* `tag` is selected for `number`; a WRITE of it executes */
};

struct line_command {
    uint64_t id; /* the server's; unique */
    enum line_command_kind kind;
    const struct tag *tag; /* WRITE, SELECT; else NULL */
    const struct station *station;
    double number;
    value_flags flags;
    struct komet_instant deadline; /* not sent by then: expired */
};

/* Takes a command: it will end with exactly one LINE_OUT_COMMAND_END. Refused at once (that output with
 * reason "not connected", "busy", …) when it cannot be sent. At most one open command a tag. */
void line_command(struct line_engine *line, struct line_now now, const struct line_command *command);

/*
 * What a line is to send of itself (line_has_outgoing). It begins anew with each grant: how far each group of
 * masters has acknowledged (line_is_server), what each tag has now (position 0), the events behind (in order,
 * each with a larger position); then `line_outgoing_ready`, from when a line of masters listens, and a Sinaut
 * line answers with values. From then on events as they come; and what the tags have (position 0) once more,
 * where events of them made room before they could be told. After line_move it begins anew, too, with no event
 * missing behind those that the line was given: it goes on, and takes what is new to it.
 */
struct line_outgoing {
    const struct tag *tag; /* an output of the line */
    struct value value;
    uint64_t position; /* of the event; 0: it is none, the tag has this value now */
    bool older;        /* it is an event, and the tag has a newer value, or was told before with it */
};
/* `positions`: of the groups of masters, in the order of the site. */
void line_outgoing_begin(struct line_engine *line, struct line_now now, const uint64_t *positions,
                         unsigned count);
void line_outgoing(struct line_engine *line, struct line_now now, const struct line_outgoing *value);
void line_outgoing_ready(struct line_engine *line, struct line_now now);

enum command_result { COMMAND_DONE = 1, COMMAND_REFUSED = 2, COMMAND_EXPIRED = 3, COMMAND_UNKNOWN = 4 };
const char *command_result_name(enum command_result result); /* "done", … */

#define LINE_MASTER_SIZE 64
/* A command that a master gave to a line that listens. */
struct line_master_command {
    uint64_t id;           /* the line's, for the two below */
    const struct tag *tag; /* an input of the line */
    struct value value;
    bool select;                   /* it is only selected: the tag keeps its value */
    char master[LINE_MASTER_SIZE]; /* who: "L.CENTRE 10.9.0.1" */
};
/* It is on disk: its frame may be acknowledged. */
void line_master_stored(struct line_engine *line, struct line_now now, uint64_t id);
/* How it ended: the master is told, done or not. Each command is answered once; an unknown id means nothing.
 *   cause  with which a station refused it, 44 to 47, is the master's too; 0: a negative confirmation is */
void line_master_answer(struct line_engine *line, struct line_now now, uint64_t id,
                        enum command_result result, uint8_t cause);

enum station_value { STATION_OFF, STATION_ON, STATION_COMERR, STATION_HARDERR, STATION_SIMUL, STATION_WAIT };
const char *station_value_name(enum station_value value); /* "StOFF", … (reference 7.2) */

/* The value of a station that is not spoken with; `mode` is not 0. */
enum station_value station_mode_value(unsigned mode);

/* States of a connection as the console names them; order as in komet.proto. */
enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_STOPPED,
    CONNECTION_STARTING,
    CONNECTION_STARTED,
    CONNECTION_STOPPING
};
const char *connection_state_name(enum connection_state state); /* "closed", … */

/* A received value on its way to the server. */
struct line_value {
    const struct tag *tag;
    struct value value;
    uint8_t octets[24];  /* raw element (address not included) of a time-tagged value */
    uint8_t octets_size; /* 0: not time-tagged */
};

enum line_output_kind {
    LINE_OUT_LISTEN,     /* listen, then line_listening; connections are told by line_accepted */
    LINE_OUT_LISTEN_END, /* listen no more; connections that are there stay */
    LINE_OUT_CONNECT, /* connect to `address`, then line_connected or line_closed; `connection`: its serial */
    LINE_OUT_SEND,    /* write octets, then line_written */
    LINE_OUT_FIND,   /* look up the addresses of the name in `address`, then line_found; `find`: its serial */
    LINE_OUT_PING,   /* send one ICMP echo to `address`, then line_pinged; `ping`: its serial */
    LINE_OUT_ABORT,  /* close the TCP connection now, discard what is unwritten; no line_closed wanted */
    LINE_OUT_VALUES, /* values of frame `frame` of `connection`; count may be 0: nothing to store, but
                         the frame still wants line_stored, in order */
    LINE_OUT_LINE,   /* the line's report changed: ask line_report */
    LINE_OUT_STATION, /* `station`'s value changed to `station_value` */
    LINE_OUT_MASTER,  /* a master gave a command: `master`. line_master_stored, line_master_answer follow */
    LINE_OUT_TAKEN,   /* group `group` of masters has acknowledged all events up to `position` */
    LINE_OUT_COMMAND_END, /* command `id` ended: result, reason, number, flags */
    LINE_OUT_NOTE         /* for the log: `text`, once per kind (unknown address, refused cause, …) */
};

struct line_output {
    enum line_output_kind kind;
    uint32_t connection;
    uint32_t ping, find;
    const struct address *address; /* CONNECT, PING, FIND */
    const char *local;             /* likewise: from this address of ours; NULL: the system's choice */
    const uint8_t *octets;         /* SEND: borrowed until the next call of the line */
    size_t size;
    enum komet_reason reason;        /* ABORT */
    const struct line_value *values; /* VALUES: borrowed until the next line_feed */
    unsigned count;
    uint64_t frame;
    const struct line_master_command *master; /* MASTER: borrowed until the next call */
    unsigned group;                           /* TAKEN: from 0, in the order of the site */
    uint64_t position;
    const struct station *station; /* STATION */
    enum station_value station_value;
    uint64_t id; /* COMMAND_END */
    enum command_result result;
    const char *text; /* COMMAND_END: reason, "" when done; NOTE: the text. Borrowed */
    double number;
    value_flags flags;
    bool answered; /* COMMAND_END, refused: `flags` are those of the partner's negative confirmation */
    bool current;  /* COMMAND_END, refused: nobody gets the value now; its output has it all the same */
    uint8_t cause; /* COMMAND_END: with which the partner refused, 44 to 47; 0: another way, or not at all */
};

/* The next thing wanted; false when there is none. Octets come behind all else, whichever connection's they
 * are: who stops at a SEND has taken what was received. */
bool line_next(struct line_engine *line, struct line_now now, struct line_output *output);

#define LINE_CONNECTIONS_MAX 16 /* of one line at a time */
#define LINE_ADDRESS_SIZE    80

struct line_connection {
    char
        address[LINE_ADDRESS_SIZE]; /* "10.3.0.5:2404": of the current connection, the next or the last one */
    enum connection_state state;
    enum komet_reason reason; /* of the last close; KOMET_OK when there was none */
    const char *partner; /* whose it is: a system of a redundant partner, a group of masters; NULL: nobody
                            in particular */
    const char *path; /* of a redundant partner, else NULL, as the next: "1", of two networks; "1 data": the
                         one that carries its data. Of two connections to a station: "data", "ready" */
    const char *role; /* "HOT", "standby", "lost" */
};

struct line_report {
    bool value;          /* reference 3.3: a TCP connection is established; a line that listens: it does */
    value_flags flags;   /* A connected to the 1st address, B to the 2nd, …; of a line that listens: the 1st
                            client that has started data transfer, the 2nd, …, and A again behind P */
    uint32_t connection; /* serial of the newest connection, from 1; 0 before */
    enum line_reach reach;
    unsigned connection_count;
    struct line_connection connections[LINE_CONNECTIONS_MAX];
};
struct line_report line_report(const struct line_engine *line);
/* An address as a report has it, with the port; a host of IPv6 between brackets. */
void line_address_text(const char *host, uint16_t port, char *text);

/* Counted since line_init; refused: connections of strangers; outgoing_lost: events that a group of masters
 * did not get because newer ones took their place; values: that went on; discarded, unchanged: that the
 * filters of their tags held back; larger_k: connections whose station had more than K frames open. */
struct line_counters {
    uint64_t frames, values, discarded, unchanged, unknown_address, unknown_cause, unknown_type, wrong_type,
        commands, connects, larger_k, refused, outgoing_lost;
};
struct line_counters line_counters(const struct line_engine *line);

#endif
