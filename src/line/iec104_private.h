/*
 * The inside of a line with protocol iec104, shared by its files. Nobody else includes it.
 */
#ifndef LINE_IEC104_PRIVATE_H
#define LINE_IEC104_PRIVATE_H

#include "komet/assert.h"
#include "line/late_answers.h"
#include "line/line.h"
#include "line/line_verbs.h"
#include "line/services.h"

#define LINE_COMMANDS_MAX 64 /* open at a time; one more is refused: "too many open commands" */
#define LINE_SELECTION_US KOMET_SECONDS(30) /* so long a selection is taken to hold: the standard time */
#define LINE_ENDS_MAX     128 /* every open command may end at once, and as many be refused before that */
#define LINE_NOTES_MAX    8   /* further ones are dropped: notes are for people */
#define LINE_NOTE_SIZE    160
#define LINE_VALUES_MAX   127  /* objects of one ASDU */
#define LINE_UNKNOWNS_MAX 64   /* unknown addresses told one by one; further ones are only counted */
#define LINE_FRAME_TIMES  1024 /* frames handed out and not stored whose time is known exactly */

enum command_state { COMMAND_FREE, COMMAND_WAITING, COMMAND_SENT };

struct open_command {
    enum command_state state;
    struct line_command order;
    uint8_t type;                    /* type identification sent */
    uint64_t frame;                  /* our I format that carried it, from 1 */
    struct komet_instant confirm_by; /* SENT: WTn */
    bool selecting;                  /* what is sent, or will be, only selects */
};

/* The station has confirmed a selection, which the next execution uses up. */
struct selection {
    const struct tag *tag; /* NULL: none */
    double number;
    struct komet_instant until; /* then another one is needed */
};

struct command_end {
    uint64_t id;
    enum command_result result;
    double number;
    value_flags flags;
    uint8_t cause; /* of the partner's refusal, 44 to 47; else 0 */
    char reason[96];
};

#define CA_GLOBAL 0xFFFFu /* all stations */

/* What a station is still to be asked for, as bits. */
#define WANT_START_GENERAL  1u /* after the start, in the order of OIC and OCIC */
#define WANT_START_COUNTERS 2u
#define WANT_GENERAL        4u /* periodic ones */
#define WANT_FREEZE         8u
#define WANT_COUNTERS       16u

struct station_state {
    enum station_value value;
    bool changed;
    unsigned mode; /* bits of enum station_mode */
    unsigned wanted;
    struct station_services services;
};

struct iec104 {
    struct line_engine engine; /* first: a line is one of its protocol */
    const struct line *line;
    bool active;
    bool stands_by; /* passive, and keeps a connection that is not started */
    bool read_only; /* no ASDU is sent */
    struct komet_link_settings settings;
    void *link_memory;
    struct komet_link *link; /* NULL without a TCP connection */

    uint32_t connection; /* serial of the newest; grows with each attempt */
    enum connection_state state;
    enum komet_reason reason;        /* of the last close */
    uint8_t host;                    /* of the current or next attempt */
    unsigned failures;               /* attempts since data transfer worked last */
    struct komet_instant retry_at;   /* CLOSED, active or standing by: next attempt */
    struct komet_instant connect_by; /* CONNECTING: t0 */

    struct komet_instant start_at; /* STARTED: when the interrogations may go (PSD) */
    bool wanted;                   /* a station is still to be asked for something */

    uint64_t handed, stored; /* frames of this connection */
    bool larger_k;           /* of the station, on this connection, which was told */
    struct komet_instant frame_times[LINE_FRAME_TIMES];

    struct value *last; /* of each of its tags: what went on last, for the filters */
    uint32_t tag_count;

    struct line_value values[LINE_VALUES_MAX];
    unsigned value_count;
    uint64_t value_frame;
    bool values_waiting;

    struct open_command commands[LINE_COMMANDS_MAX];
    struct late_answers late;
    struct selection selections[LINE_COMMANDS_MAX]; /* the newest ones, round and round */
    unsigned selection_next;
    struct command_end ends[LINE_ENDS_MAX];
    unsigned end_count, end_next;

    char notes[LINE_NOTES_MAX][LINE_NOTE_SIZE];
    unsigned note_count, note_next;
    struct {
        uint16_t ca;
        uint32_t ioa;
    } unknowns[LINE_UNKNOWNS_MAX];
    unsigned unknown_count;

    bool connect_wanted, abort_wanted, report_changed;
    enum komet_reason abort_reason;
    struct line_counters counters;
    struct station_state stations[]; /* one for each station of the line */
};

/* iec104.c */
/* The engine's memory, all zero but for its pieces; `memory` NULL: only its size. */
size_t iec104_lay_out(uint8_t *memory, const struct line *line, struct iec104 **engine);
/* With other stations is spoken than before: connects, or closes. */
void iec104_follow_modes(struct iec104 *line, struct line_now now);
void iec104_note(struct iec104 *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the TCP connection with a reason: link dropped, commands ended, next attempt planned, ABORT handed
 * out. */
void iec104_drop(struct iec104 *line, struct line_now now, enum komet_reason reason, bool abort);
/* The filters have seen nothing yet of these tags, which are numbered in the line from 0. */
void iec104_forget_values(struct iec104 *line, uint32_t first, uint32_t count);
int64_t iec104_parameter(const struct iec104 *line, enum parameter_id id);

/* iec104_move.c */
struct line_engine *iec104_move(void *memory, struct line_engine *before, const struct line *line,
                                const struct site_difference *difference, struct line_now now);

/* iec104_stations.c: what the line does for its stations of itself. */
/* Their modes are what the site says. */
void iec104_stations_init(struct iec104 *line);
/* Is a station spoken with; is any. A line without stations speaks. */
bool iec104_stations_speaks(const struct iec104 *line, const struct station *station);
bool iec104_stations_any_speaks(const struct iec104 *line);
/* False: it has that mode already. */
bool iec104_stations_set_mode(struct iec104 *line, struct line_now now, const struct station *station,
                              unsigned mode);
/* The line acts: nothing is heard of them yet. */
void iec104_stations_activate(struct iec104 *line);
/* Their values follow the connection. */
void iec104_stations_follow(struct iec104 *line);
/* What is known of the stations that `before`, another engine of the line, has; the others are as after the
 * start. */
void iec104_stations_move(struct iec104 *line, struct line_now now, const struct iec104 *before,
                          const struct site_difference *difference);
/* Data transfer has begun: what each is asked for after the start waits for start_at. */
void iec104_stations_start(struct iec104 *line, struct line_now now);
/* M_EI_NA_1 came: the station has begun anew and is asked as after the start. */
void iec104_stations_initialized(struct iec104 *line, struct line_now now, uint16_t ca);
/* The answer to a counter interrogation with freeze. */
void iec104_stations_frozen(struct iec104 *line, const struct komet_asdu *asdu);
/* STARTED, and start_at reached: sends what is due and has room. */
void iec104_stations_work(struct iec104 *line, struct line_now now);
struct komet_instant iec104_stations_deadline(const struct iec104 *line);

/* iec104_values.c: an ASDU came in frame `frame`. Sets values_waiting; or closes the link. */
void iec104_receive(struct iec104 *line, struct line_now now, const uint8_t *octets, size_t size,
                    uint64_t frame, bool cf3_mark);

/* iec104_commands.c */
void iec104_command(struct line_engine *engine, struct line_now now, const struct line_command *order);
void iec104_commands_confirm(struct iec104 *line, struct line_now now, const struct komet_asdu *asdu);
void iec104_commands_acknowledged(struct iec104 *line, uint64_t frame);
/* Those of tags and stations that are gone or changed end; the others are of the new site. */
void iec104_commands_move(struct iec104 *line, const struct site_difference *difference);
/* Ends all commands: the connection is gone, or the role. */
void iec104_commands_abandon(struct iec104 *line, const char *why);
/* Refuses what was not sent to the station yet. */
void iec104_commands_withdraw(struct iec104 *line, const struct station *station, const char *why);
/* Sends what waits and may go, ends what ran out. */
void iec104_commands_tick(struct iec104 *line, struct line_now now);
struct komet_instant iec104_commands_deadline(const struct iec104 *line);
/* Sends one interrogation, counter interrogation or clock synchronisation. `freeze`: FRZ of a counter
 * interrogation, 0 reads. False: no room now. */
bool iec104_commands_send_system(struct iec104 *line, struct line_now now, const struct station *station,
                                 enum line_command_kind kind, uint8_t freeze);

#endif
