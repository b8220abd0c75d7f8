/*
 * The inside of a line with protocol iec104-server, shared by its files. Nobody else includes it.
 *
 * A redundancy group of masters is a `struct server104_group`: its connections share a buffer of frames
 * (komet_group) and a station that answers them (komet_station). All stations answer from one table of
 * points. A line without `masters` has a group for each connection.
 *
 * Events wait in one ring for all groups (outgoing_ring.h).
 */
#ifndef LINE_SERVER104_PRIVATE_H
#define LINE_SERVER104_PRIVATE_H

#include "komet/assert.h"
#include "komet/group.h"
#include "komet/station.h"
#include "line/line.h"
#include "line/line_verbs.h"
#include "line/outgoing_ring.h"

#define SERVER104_NOTES_MAX     8 /* further ones are dropped: notes are for people */
#define SERVER104_NOTE_SIZE     160
#define SERVER104_STRANGERS_MAX 64 /* told one by one; further ones are only counted */
#define SERVER104_ANSWERS                                                                                    \
    64 /* of one connection: a master that asks for more and does not read is closed                         \
        */
#define SERVER104_COMMANDS     16 /* open of one group */
#define SERVER104_COMMANDS_MAX 64 /* open of the line, their ends awaited; one more is refused */
#define SERVER104_NO_POINT     UINT32_MAX

enum listen_state { LISTEN_NOT, LISTEN_ASKED, LISTEN_LISTENS };

/* A place for a connection. What it was stays to be seen until another one takes it. */
struct server104_slot {
    uint32_t serial; /* 0: never used */
    bool open;
    uint8_t group, c; /* c: its number in the group */
    struct network_address peer;
    char address[LINE_ADDRESS_SIZE];
    enum connection_state state;
    enum komet_reason reason;
    bool begun;        /* data transfer was started on it */
    uint8_t letter;    /* of the line's flags, while started */
    uint64_t received; /* the newest frame; what a command holds back is acknowledged later */
};

struct server104_group {
    struct komet_group *group;
    struct komet_station *station;
    struct outgoing_receiver receiver; /* its masters */
    bool initialized;                  /* M_EI_NA_1 was handed to it, or is not wanted */
};

/* A command whose end is awaited. */
struct server104_command {
    uint64_t id; /* 0: free */
    const struct tag *tag;
    uint8_t group;
    uint32_t station_id; /* komet_station's */
    bool select, stored;
    uint32_t serial; /* the connection that it came on, and in which frame */
    uint64_t frame;
};

struct server104 {
    struct line_engine engine; /* first: a line is one of its protocol */
    bool active, ready;        /* ready: what masters are to have is there */
    bool resumes;      /* RELOAD: it is told that anew, and knows most of it; until it is ready again */
    bool lacks_values; /* and an output has no value yet: so long nothing is answered */
    enum listen_state listen;
    bool listen_wanted, listen_end_wanted; /* to be handed out */
    struct komet_instant retry_at;         /* to listen again */

    struct server104_group groups[LINE_CONNECTIONS_MAX];
    struct server104_slot slots[LINE_CONNECTIONS_MAX];
    uint32_t serial; /* of the newest connection */
    uint32_t starts; /* how often data transfer was started: the next letter */
    struct {
        uint32_t serial;
        enum komet_reason reason;
    } aborts[LINE_CONNECTIONS_MAX];
    unsigned abort_count;

    struct server104_command commands[SERVER104_COMMANDS_MAX];
    struct line_master_command master; /* the one that is handed out */
    bool master_waits;
    uint64_t next_id;

    char notes[SERVER104_NOTES_MAX][SERVER104_NOTE_SIZE];
    unsigned note_count, note_next;
    struct network_address strangers[SERVER104_STRANGERS_MAX];
    unsigned stranger_count;
    bool report_changed;
    struct line_counters counters;

    /* From here on what server104_lay_out makes of the site. */
    const struct line *line;
    struct komet_group_settings group_settings;
    struct komet_station_settings station_settings;
    void *group_memory[LINE_CONNECTIONS_MAX], *station_memory[LINE_CONNECTIONS_MAX];
    unsigned group_count; /* the masters of the site, or one for each connection */

    struct komet_point *points; /* all tags that are not ignored */
    struct tag **tags;          /* of the points */
    uint32_t *point_of;         /* of each tag of the line, numbered from 0 */
    uint16_t *addresses;        /* common ones, in ascending order */
    uint32_t point_count, tag_count, first_tag;
    struct value *last; /* of each tag: the command that went on last, for the filters */

    struct outgoing_ring ring;
    struct outgoing_receiver receivers[LINE_CONNECTIONS_MAX]; /* of the groups, that have begun nothing yet */

    unsigned *modes; /* of each station: bits of enum station_mode */
    enum station_value *station_values;
    bool *station_changed;
    bool *station_lacks; /* RELOAD: it has outputs that masters have not asked for */
};

/* server104.c */
void server104_note(struct server104 *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t server104_parameter(const struct server104 *line, enum parameter_id id);
/* The slot of an open connection; NULL when it is not open any more. */
struct server104_slot *server104_slot(struct server104 *line, uint32_t serial);
/* That of connection `c` of a group. */
struct server104_slot *server104_slot_of(struct server104 *line, unsigned group, unsigned c);
/* Closes a connection and forgets what was asked on it. */
void server104_close(struct server104 *line, struct server104_slot *slot, enum komet_reason reason);
bool server104_speaks(const struct server104 *line, const struct station *station);
/* Other stations are spoken with than before: their values; it listens, or closes. */
void server104_follow_modes(struct server104 *line, struct line_now now);

/* server104_layout.c: the memory, and the table of points. */
size_t server104_size(const struct line *line);
struct server104 *server104_lay_out(void *memory, const struct line *line);
/* A group and its station begin afresh. */
void server104_begin_group(struct server104 *line, unsigned group);

/* server104_move.c */
struct line_engine *server104_move(void *memory, struct line_engine *before, const struct line *line,
                                   const struct site_difference *difference, struct line_now now);

/* server104_events.c */
void server104_outgoing_begin(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                              unsigned count);
void server104_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *value);
/* All masters hear of stations that have outputs which they have not asked for (RELOAD). */
void server104_announce(struct server104 *line);
/* Hands a group as many frames of events as it may have; its connection is started. */
void server104_fill(struct server104 *line, struct line_now now, unsigned group);
/* The masters of a group have acknowledged. */
void server104_acknowledged(struct server104 *line, unsigned group);
/* A group that has no memory begins with what comes from now on. */
void server104_skip_events(struct server104 *line, unsigned group);

/* server104_commands.c */
/* An ASDU came on a connection. */
void server104_receive(struct server104 *line, struct line_now now, struct server104_slot *slot,
                       const uint8_t *octets, size_t size, uint64_t frame);
void server104_master_stored(struct line_engine *engine, struct line_now now, uint64_t id);
void server104_master_answer(struct line_engine *engine, struct line_now now, uint64_t id,
                             enum command_result result, uint8_t cause);
/* Sends what waits for a connection, as far as there is room. */
void server104_answer(struct server104 *line, struct line_now now, struct server104_slot *slot);
/* Nobody waits any more for the ends of commands that came on a connection. */
void server104_forget_commands(struct server104 *line, uint32_t serial);

#endif
