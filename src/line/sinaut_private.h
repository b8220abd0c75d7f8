/*
 * The inside of a line with protocol iec104-sinaut, or with iec104 on tcp-redundant (sinaut_manner.c), shared
 * by its files. Nobody else includes it.
 *
 * Each system of the partner is a group of connections (komet/group.h), all of them started; which one is HOT
 * and which path carries data is role/partners.h. A path is one TCP connection: `path` / 2 is the partner,
 * `path` % 2 the network.
 */
#ifndef LINE_SINAUT_PRIVATE_H
#define LINE_SINAUT_PRIVATE_H

#include "komet/assert.h"
#include "komet/group.h"
#include "line/late_answers.h"
#include "line/line.h"
#include "line/line_verbs.h"
#include "line/outgoing_ring.h"
#include "line/services.h"
#include "role/partners.h"

#define SINAUT_WRITES_MAX    512 /* written values that the server has not made events of yet */
#define SINAUT_COMMANDS_MAX  64  /* open at a time; one more is refused: "too many open commands" */
#define SINAUT_ENDS_MAX      128 /* every open command may end at once, and as many be refused before that */
#define SINAUT_NOTES_MAX     16  /* further ones are dropped: notes are for people */
#define SINAUT_NOTE_SIZE     200
#define SINAUT_VALUES_MAX    254 /* of one ASDU of 127 objects; each may be the first row of a column, too */
#define SINAUT_UNKNOWNS_MAX  64  /* unknown addresses told one by one; further ones are only counted */
#define SINAUT_FRAME_TIMES   256 /* of a path: frames handed out and not stored whose time is known exactly */
#define SINAUT_QUESTIONS_MAX 4   /* interrogations of one partner that wait for their answer */
#define SINAUT_ANSWERS_MAX   64  /* to commands of partners; one more is not confirmed */
#define SINAUT_FOUND_MAX     4   /* addresses of one name; further ones are strangers */

#define CA_GLOBAL 0xFFFFu /* all stations */

/* What the two kinds of line differ in. */
struct sinaut_manner {
    const struct komet_profile *profile;
    bool balanced;   /* the partner interrogates and gives commands, too */
    bool asks_all;   /* with FFFF, where the stations agree; else each station with its own address */
    bool alternates; /* a partner's addresses are tried one after the other; else each is a network */
    bool serves;     /* clocks are set, and interrogations repeated, as services.h has it */
};

struct sinaut_path {
    uint8_t host;        /* the partner's address of the current attempt or the next one; of networks 0 */
    uint32_t connection; /* serial of the newest attempt; 0 before */
    enum connection_state state;
    enum komet_reason reason;        /* of the last close */
    struct komet_instant retry_at;   /* CLOSED: the next attempt; NEVER: none */
    struct komet_instant connect_by; /* CONNECTING: t0 */
    bool connect_wanted, abort_wanted;
    uint32_t abort_connection;
    enum komet_reason abort_reason;
    struct komet_instant pinged, ping_at; /* when the newest went out, when the next one does; NEVER: none */
    uint32_t ping;                        /* its serial */
    bool ping_wanted, ping_awaited;       /* it is to be handed out; it has not been answered */
    /* Where we listen, and the site names the partner: who he is. */
    struct network_address found[SINAUT_FOUND_MAX];
    uint8_t found_count;
    uint32_t find;    /* serial of the newest question */
    bool find_wanted; /* it is to be handed out */
    bool find_fails,
        find_doubles;        /* that nobody knows the name was told; that another path has its address */
    uint64_t handed, stored; /* frames of this connection */
    struct komet_instant frame_times[SINAUT_FRAME_TIMES];
};

/* OWED: it has ended as unknown with its path, and the partner may still answer it on the other one. */
enum sinaut_command_state { SINAUT_FREE, SINAUT_WAITING, SINAUT_SENT, SINAUT_OWED };

struct sinaut_command {
    enum sinaut_command_state state;
    struct line_command order;
    bool answered;                   /* `order` has what a confirmation says */
    uint8_t type;                    /* type identification sent */
    uint8_t path;                    /* that carried it */
    uint64_t frame;                  /* our I format there */
    struct komet_instant confirm_by; /* SENT, OWED: WTn */
};

struct sinaut_end {
    uint64_t id;
    enum command_result result;
    double number;
    value_flags flags;
    bool answered; /* they are the partner's */
    bool current;  /* nobody got it, and its output has it all the same */
    uint8_t cause; /* of the partner's refusal, 44 to 47; else 0 */
    char reason[96];
};

/* What a station is still to be asked for, as bits. */
#define WANT_GENERAL       1u
#define WANT_COUNTERS      2u
#define WANT_NEXT_FREEZE   4u /* periodic ones, of the partner that is HOT */
#define WANT_NEXT_COUNTERS 8u
#define WANT_NEXT_GENERAL  16u

struct sinaut_station {
    enum station_value value;
    bool changed;
    unsigned mode;                    /* bits of enum station_mode */
    uint8_t wanted[PARTNERS_MAX];     /* of each partner */
    struct station_services services; /* by the partner that is HOT */
};

/* An interrogation of a partner's. */
struct sinaut_question {
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    uint8_t size;
    uint8_t type;
    uint16_t ca;
    bool confirmed;
    uint32_t next;  /* tag of the line that comes next, from 0 */
    uint32_t count; /* objects sent */
};

/* What a partner's command is answered with: when the value that it brought is stored. */
struct sinaut_answer {
    bool used;
    uint8_t path;   /* on which it came */
    uint64_t frame; /* there; 0: answered at once */
    bool due;
    uint8_t causes[2]; /* in their order; 0: none */
    bool negative;
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    uint8_t size;
};

struct sinaut_partner {
    struct komet_group *group;         /* NULL: there is none */
    bool connected;                    /* a path carries its data */
    struct outgoing_receiver receiver; /* of our values */
    uint64_t
        on_wire; /* the line acted before, on this data path: up to here it has sent events on it; else 0 */
    struct komet_instant start_at;  /* its interrogation after the start may go (PSD) */
    struct komet_instant calm_at;   /* no more is asked until then */
    bool calm_when_asked;           /* both deliver: the next question is followed by such a pause */
    struct komet_instant answer_by; /* it was interrogated: said when it does not answer; else NEVER */
    uint8_t wanted;                 /* of all stations at once */
    uint32_t answered;              /* objects that came in answer to an interrogation of ours */
    struct sinaut_question questions[SINAUT_QUESTIONS_MAX];
    uint8_t question_count; /* the first one is being answered */
};

/* RELOAD: the line that was told what its outputs have is told that anew, and of these nothing is missing. */
enum sinaut_resume { RESUME_NOT, RESUME_AWAITED, RESUME_BEGUN };

struct sinaut {
    struct line_engine engine; /* first: the verbs get it as this */
    const struct line *line;
    const struct sinaut_manner *manner;
    struct komet_group_settings settings;
    bool active;
    bool stands_by; /* passive, with its connections open (SKO) */
    bool open;      /* connections are made, or waited for */
    struct partners partners;
    struct sinaut_partner partner[PARTNERS_MAX];
    struct sinaut_path path[PARTNERS_PATHS];
    uint32_t connection;              /* serial of the newest; grows with each */
    uint32_t ping, find;              /* likewise */
    struct komet_instant interval_at; /* `reconnect` is over */
    bool listens, listen_wanted, listen_end_wanted;
    struct komet_instant listen_at; /* asked again, after a fault */
    struct komet_instant quiet_at;  /* both partners deliver, which was told: no more is until then */

    struct value *last;         /* of each tag of the line: what went on last, for the filters */
    struct value *current;      /* of each output that sends its value: what it has */
    struct outgoing_ring ring;  /* of values on their way */
    struct outgoing_mark taken; /* a partner has acknowledged all up to here */
    bool told;                  /* what they have: before, nobody is answered with it */
    enum sinaut_resume resume;
    uint32_t tag_count;

    struct line_value values[SINAUT_VALUES_MAX];
    unsigned value_count;
    uint64_t value_frame;
    uint32_t value_connection;
    bool values_waiting;

    struct sinaut_command commands[SINAUT_COMMANDS_MAX];
    unsigned command_end; /* places from here on are free */
    struct late_answers late;
    struct sinaut_end ends[SINAUT_ENDS_MAX];
    unsigned end_count, end_next;
    struct sinaut_answer answers[SINAUT_ANSWERS_MAX];
    unsigned answer_end; /* likewise */

    char notes[SINAUT_NOTES_MAX][SINAUT_NOTE_SIZE];
    unsigned note_count, note_next;
    struct {
        uint16_t ca;
        uint32_t ioa;
    } unknowns[SINAUT_UNKNOWNS_MAX];
    unsigned unknown_count;
    bool report_changed;
    struct line_counters counters;
    struct sinaut_station stations[]; /* one for each station of the line */
};

/* sinaut_manner.c */
const struct sinaut_manner *sinaut_manner_of(const struct line *line);
struct komet_group_settings sinaut_group_settings(const struct line *line);
struct partners_settings sinaut_partners_settings(const struct line *line);
/* What a report says in another way where the line is paired. */
void sinaut_report_paired(const struct sinaut *line, struct line_report *report);

/* sinaut.c */
void sinaut_note(struct sinaut *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What DBGI and DBGO ask to be told, as bits. */
enum { DEBUG_IN_COUNT = 1, DEBUG_IN_VALUES = 2, DEBUG_IN_QUESTIONS = 4, DEBUG_IN_IGNORED = 8 };
enum { DEBUG_OUT_COUNT = 1, DEBUG_OUT_VALUES = 2 };
/* Is it asked of a station; NULL: of any. */
bool sinaut_debugs(const struct sinaut *line, const struct station *station, enum parameter_id id,
                   unsigned bit);
int64_t sinaut_parameter(const struct sinaut *line, enum parameter_id id);
struct komet_instant sinaut_wtn(const struct sinaut *line, struct line_now now);
/* Sends what waits, where there is room. */
void sinaut_work(struct sinaut *line, struct line_now now);
/* The number of a tag in the line, from 0. */
uint32_t sinaut_tag_index(const struct sinaut *line, const struct tag *tag);
/* The filters have seen nothing yet of these tags. */
void sinaut_forget_values(struct sinaut *line, uint32_t first, uint32_t count);

/* The engine's memory, all zero but for its pieces, with a fresh group for each system of the partner;
 * `memory` NULL: only its size. */
size_t sinaut_lay_out(uint8_t *memory, const struct line *of, struct sinaut **laid);
/* With other stations is spoken than before: opens, or closes. */
void sinaut_follow_modes(struct sinaut *line, struct line_now now);

/* sinaut_paths.c: the connections. */
unsigned sinaut_partner_of(unsigned path);
unsigned sinaut_network_of(unsigned path);
bool sinaut_has_path(const struct sinaut *line, unsigned path);
const struct partner *sinaut_partner_facts(const struct sinaut *line, unsigned partner);
const struct address *sinaut_address_of(const struct sinaut *line, unsigned path);
/* Our own address for it; NULL: the system's choice. */
const char *sinaut_local_of(const struct sinaut *line, unsigned path);
/* The one place where the state of a connection changes. */
void sinaut_set_state(struct sinaut *line, unsigned path, enum connection_state state);
/* The path that carries a partner's data; PARTNERS_NO_PATH: none. */
unsigned sinaut_data_path(const struct sinaut *line, unsigned partner);
/* Tries for the TCP connection of a path, or waits another interval where it may not. */
void sinaut_connect(struct sinaut *line, struct line_now now, unsigned path);
/* Ends the TCP connection of a path with a reason. `abort`: the shell is told to. */
void sinaut_drop(struct sinaut *line, struct line_now now, unsigned path, enum komet_reason reason,
                 bool abort);
/* Where to write an ASDU for a partner, on the path that carries its data; NULL: no room now. And: send it;
 * returns our frame's number there. */
uint8_t *sinaut_reserve(struct sinaut *line, unsigned partner);
uint64_t sinaut_commit(struct sinaut *line, struct line_now now, unsigned partner, size_t size);
/* What the shell tells of them (line.h). */
void sinaut_connected(struct line_engine *engine, struct line_now now, uint32_t connection);
uint32_t sinaut_accepted(struct line_engine *engine, struct line_now now, const struct network_address *peer,
                         uint16_t port);
void sinaut_closed(struct line_engine *engine, struct line_now now, uint32_t connection,
                   enum komet_reason reason);
size_t sinaut_feed(struct line_engine *engine, struct line_now now, uint32_t connection,
                   const uint8_t *octets, size_t size);
void sinaut_written(struct line_engine *engine, uint32_t connection, size_t size);
void sinaut_stored(struct line_engine *engine, struct line_now now, uint32_t connection, uint64_t frame);
void sinaut_paths_tick(struct sinaut *line, struct line_now now);
struct komet_instant sinaut_paths_deadline(const struct sinaut *line);

/* sinaut_news.c */
/* What the partners have become: tells it, and does what follows. After each call of partners.h. */
void sinaut_follow(struct sinaut *line, struct line_now now);

/* sinaut_move.c */
struct line_engine *sinaut_move(void *memory, struct line_engine *before, const struct line *line,
                                const struct site_difference *difference, struct line_now now);

/* sinaut_next.c */
bool sinaut_next(struct line_engine *engine, struct line_now now, struct line_output *output);

/* sinaut_pings.c: whether the addresses answer ICMP echo (PTO, PCNT). */
/* The line opens: they are pinged from now on; it closes: no more, and what was learnt is forgotten. */
void sinaut_pings_begin(struct sinaut *line, struct line_now now);
void sinaut_pings_end(struct sinaut *line);
void sinaut_pings_tick(struct sinaut *line, struct line_now now);
struct komet_instant sinaut_pings_deadline(const struct sinaut *line);
bool sinaut_pings_next(struct sinaut *line, struct line_output *output);
void sinaut_pinged(struct line_engine *engine, struct line_now now, uint32_t ping, bool answered);

/* sinaut_names.c: who a partner is that the site names, where we listen. */
/* Asks for the addresses of those who are not connected. */
void sinaut_names_ask(struct sinaut *line);
/* Is `peer` the partner of a path? */
bool sinaut_is_from(const struct sinaut *line, unsigned path, const struct network_address *peer);
bool sinaut_names_next(struct sinaut *line, struct line_output *output);
void sinaut_found(struct line_engine *engine, struct line_now now, uint32_t find,
                  const struct network_address *addresses, unsigned count);

/* sinaut_stations.c: what stations are, and what they are asked for. */
void sinaut_stations_init(struct sinaut *line);
bool sinaut_speaks(const struct sinaut *line, const struct station *station);
bool sinaut_any_speaks(const struct sinaut *line);
/* The station with that address; NULL: there is none. */
const struct station *sinaut_station(const struct sinaut *line, uint16_t ca);
/* False: it has that mode already. */
bool sinaut_stations_set_mode(struct sinaut *line, struct line_now now, const struct station *station,
                              unsigned mode);
/* The line acts: nothing is heard of them yet. */
void sinaut_stations_activate(struct sinaut *line);
void sinaut_stations_follow(struct sinaut *line);
/* The line acts no more: nothing is wanted. */
void sinaut_stations_forget(struct sinaut *line);
/* A partner says that a station has begun anew. */
void sinaut_stations_initialized(struct sinaut *line, struct line_now now, unsigned partner, uint16_t ca);
/* What is known of the stations that `before`, another engine of the line, has; the others are new. */
void sinaut_stations_move(struct sinaut *line, struct line_now now, const struct sinaut *before,
                          const struct site_difference *difference);
/* A partner has answered what it was asked. */
void sinaut_stations_answered(struct sinaut *line, unsigned partner);
/* Sends what is due and has room. */
void sinaut_stations_work(struct sinaut *line, struct line_now now);
struct komet_instant sinaut_stations_deadline(const struct sinaut *line);
/* Sends one interrogation (100) or counter interrogation (101), with FRZ `freeze`. Our frame's number; 0: no
 * room now. */
uint64_t sinaut_interrogate(struct sinaut *line, struct line_now now, unsigned partner, uint8_t type,
                            uint16_t ca, uint8_t freeze);
/* Tells a station the time. Our frame's number; 0: no room now. */
uint64_t sinaut_set_clock(struct sinaut *line, struct line_now now, unsigned partner,
                          const struct station *station);
/* Sends what `bit` of `wanted` stands for, if it is there. False: no room. */
bool sinaut_send_wanted(struct sinaut *line, struct line_now now, unsigned partner, uint8_t *wanted,
                        unsigned bit, uint16_t ca);

/* sinaut_services.c: what stations that are served want again and again. */
/* A partner is HOT: they are served from now on. */
void sinaut_services_begin(struct sinaut *line, struct line_now now);
/* One station is spoken with from now on, or no more; or has begun anew. */
void sinaut_services_begin_one(struct sinaut *line, struct line_now now, unsigned station);
/* The answer to a counter interrogation with FRZ. */
void sinaut_services_frozen(struct sinaut *line, unsigned partner, const struct komet_asdu *asdu);
void sinaut_services_work(struct sinaut *line, struct line_now now);
struct komet_instant sinaut_services_deadline(const struct sinaut *line);

/* sinaut_values.c: an ASDU came on a path. Sets values_waiting; or closes the path. */
void sinaut_receive(struct sinaut *line, struct line_now now, unsigned path,
                    const struct komet_group_output *from);

/* Puts a value among those of its frame, when the filters of its tag let it go on; with the first row of its
 * column. */
void sinaut_take_value(struct sinaut *line, const struct line_value *received);

/* sinaut_commands.c: ours. */
void sinaut_commands_order(struct sinaut *line, struct line_now now, const struct line_command *order);
void sinaut_commands_confirm(struct sinaut *line, unsigned partner, const struct komet_asdu *asdu);
void sinaut_commands_acknowledged(struct sinaut *line, unsigned path, uint64_t frame);
/* Ends those that were sent on a path, PARTNERS_NO_PATH: all, sent or not. */
void sinaut_commands_abandon(struct sinaut *line, unsigned path, const char *why);
/* Refuses what was not sent to a station yet. */
void sinaut_commands_withdraw(struct sinaut *line, const struct station *station, const char *why);
/* Those of tags and stations that are gone or changed end; the others are of the new site. */
void sinaut_commands_move(struct sinaut *line, const struct site_difference *difference);
void sinaut_commands_work(struct sinaut *line, struct line_now now);
struct komet_instant sinaut_commands_deadline(const struct sinaut *line);

/* sinaut_answers.c: the partner's commands and interrogations. */
/* A control-direction ASDU of type 45 to 64 or 100, 101 with cause 6 came; or another that is refused with
 * `refused` (44 to 47). `frame` is the one that brought it. */
void sinaut_answers_refuse(struct sinaut *line, unsigned path, const uint8_t *octets, size_t size,
                           uint8_t cause);
void sinaut_answers_command(struct sinaut *line, unsigned path, uint64_t frame, const struct komet_asdu *asdu,
                            bool accepted);
void sinaut_answers_interrogation(struct sinaut *line, unsigned path, const struct komet_asdu *asdu);
/* Frames of a path are stored. */
void sinaut_answers_stored(struct sinaut *line, unsigned path, uint64_t frame);
/* A path is gone; PARTNERS_NO_PATH: all. */
void sinaut_answers_abandon(struct sinaut *line, unsigned path);
void sinaut_answers_work(struct sinaut *line, struct line_now now);

/* sinaut_outgoing.c: values that we send. */
/* An output is to have a value: the server makes an event of it, which comes back and is sent. NULL, or why it cannot
 * be: it cannot be said in its type, or too many wait. `sent`: a partner is connected. */
const char *sinaut_outgoing_value(struct sinaut *line, const struct tag *tag, const struct value *value,
                                  bool *sent);
/* A partner's data path is another one, or there is none. */
void sinaut_outgoing_follow(struct sinaut *line, unsigned partner);
/* A partner has acknowledged frames. */
void sinaut_outgoing_acknowledged(struct sinaut *line, unsigned partner);
/* How far partners have what the server told, when they have more than was said; false: they have not. */
bool sinaut_outgoing_taken(struct sinaut *line, struct line_output *output);
/* What the server tells of outputs, when the line comes to act. */
void sinaut_outgoing_begin(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                           unsigned count);
void sinaut_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *outgoing);
void sinaut_outgoing_ready(struct line_engine *engine, struct line_now now);
/* What an output had before a RELOAD, where it can still be said. */
void sinaut_outgoing_keep(struct sinaut *line, struct line_now now, const struct tag *tag,
                          const struct value *value);
/* The line comes to act: another instance may have sent other values meanwhile. */
void sinaut_outgoing_forget(struct sinaut *line);
/* It acts no more: who acts next sends what is not acknowledged. */
void sinaut_outgoing_end(struct sinaut *line);
/* The object that says what an output has now. */
void sinaut_outgoing_object(const struct sinaut *line, struct line_now now, const struct tag *tag,
                            struct komet_object *object);

#endif
