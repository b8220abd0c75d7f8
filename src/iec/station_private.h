/*
 * What the parts of a station share. station.c is its life, station_receive.c takes requests apart,
 * station_command.c keeps selections and open commands, station_answer.c makes the frames, station_move.c
 * takes all of it to another place.
 */
#ifndef IEC_STATION_PRIVATE_H
#define IEC_STATION_PRIVATE_H

#include "komet/assert.h"
#include "komet/station.h"

#include "asdu_private.h"

/* What the files share does not enter the name space of the library's users. */
#define station_drop_interrogation komet_private_station_drop_interrogation
#define station_enqueue            komet_private_station_enqueue
#define station_enqueue_octets     komet_private_station_enqueue_octets
#define station_first_point        komet_private_station_first_point
#define station_forget_commands    komet_private_station_forget_commands
#define station_has_room           komet_private_station_has_room
#define station_is_interrogating   komet_private_station_is_interrogating
#define station_mirror             komet_private_station_mirror
#define station_place_pieces       komet_private_station_place_pieces
#define station_point_from         komet_private_station_point_from
#define station_promised_answers   komet_private_station_promised_answers
#define station_tag_of             komet_private_station_tag_of
#define station_take_command       komet_private_station_take_command
#define station_take_deactivation  komet_private_station_take_deactivation
#define station_take_parameter     komet_private_station_take_parameter
#define station_utc_of             komet_private_station_utc_of

enum {
    QOI_STATION = 20,
    QOI_GROUP_16 = 36,
    QCC_GENERAL = 5,
    QCC_REQUEST = 0x3F,
    QCC_FREEZE_SHIFT = 6,
    QRP_EVENTS = 2,
    TEST_PATTERN = 0x55AA,
    DELAY_MAX_MS = 59999, /* what a CP16Time2a holds (7.2.6.20) */
    COUNTER_GROUPS = 4
};

/* Answers that one request may need at once: a command its confirmation and termination, a clock its event.
 */
enum { ANSWERS_OF_A_REQUEST = 2 };

enum answer_kind {
    ANSWER_MIRROR,        /* the request with another cause: one frame, or one an address */
    ANSWER_INTERROGATION, /* confirmation, values, termination */
    ANSWER_COUNTERS,      /* the same with counters; without values when counters were frozen or reset */
    ANSWER_SCAN,          /* values only */
    ANSWER_READ,          /* one value */
    ANSWER_DELAY          /* type 106: the time that passed here is added when it leaves */
};

enum answer_stage { STAGE_CON, STAGE_VALUES, STAGE_TERMINATION };

struct answer {
    enum answer_kind kind;
    enum answer_stage stage;
    uint8_t cause;       /* of the first frame */
    bool negative;       /* the first frame is */
    bool large;          /* the request stands in the connection's large place */
    bool own_name;       /* the request was to the global address; each address answers with its own */
    bool values;         /* values follow */
    uint8_t value_cause; /* of the values */
    uint16_t groups;     /* of the values; 0: all */
    unsigned address;    /* the place in settings.addresses that is being answered */
    unsigned last;       /* and the last one */
    size_t point;        /* the next one to look at; KOMET_POINT_NONE: find the address's first */
    struct komet_instant received;
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_ONE]; /* the request */
};

struct connection {
    bool started;
    struct answer *answers; /* settings.answers of them, in order of arrival from 0 on */
    unsigned answer_count;
    bool large_taken;
    uint8_t large[KOMET_ASDU_SIZE_MAX];
    uint16_t delay_ms; /* loaded with type 106 */
};

/* A selection, or a command or parameter that waits for the host or is being executed. */
enum command_state {
    COMMAND_FREE,
    COMMAND_SELECT_ASKED,    /* the host is asked whether it may be selected */
    COMMAND_SELECTED,        /* until `until` */
    COMMAND_ASKED,           /* the host is asked whether it is accepted */
    COMMAND_OPEN,            /* confirmed, being executed */
    COMMAND_PARAMETER_ASKED, /* types 110 to 112 */
    COMMAND_ACTIVATION_ASKED /* type 113 */
};

struct command {
    enum command_state state;
    uint32_t id;
    unsigned connection;
    size_t point;
    struct komet_instant until;
    struct komet_object object;
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_ONE]; /* the request */
};

struct komet_station {
    struct komet_station_settings settings;
    struct command *commands; /* settings.commands of them */
    uint32_t next_id;
    struct komet_station_counters counters;
    struct connection connections[KOMET_STATION_CONNECTIONS_MAX];
};

/* A request that is being taken. */
struct request {
    struct komet_station *station;
    struct komet_instant now;
    struct komet_utc utc;
    unsigned c;
    const struct komet_asdu *asdu;
    const struct komet_object *object;
    unsigned first, last; /* places in settings.addresses: those that it is for */
    bool own_name;        /* as in struct answer */
    struct komet_station_event *event;
};

/* station.c */
/* Its commands and answers lie behind the station itself. */
void station_place_pieces(struct komet_station *station);
/* The first point at or behind an address; the end of the table when there is none. */
size_t station_point_from(const struct komet_station *station, uint16_t ca, uint32_t ioa);
/* The calendar time that a plausible tag names, by the settings' zone. */
struct komet_utc station_utc_of(const struct komet_station *station, const struct komet_time_tag *tag,
                                struct komet_utc about);
/* The tag of a calendar time; with IV when that is not known. */
struct komet_time_tag station_tag_of(const struct komet_station *station, struct komet_utc utc);
/* The first point of an address; the end of the table when it has none. */
size_t station_first_point(const struct komet_station *station, uint16_t ca);

/* station_answer.c */
/* Whether `count` more answers have room, beside those that open commands will need. */
bool station_has_room(const struct komet_station *station, unsigned c, unsigned count);
/* An answer to a request, with room for it (asserted); the rest is the caller's to fill. */
struct answer *station_enqueue(struct request *request, enum answer_kind kind, uint8_t cause, bool negative);
/* The same for one command's octets. */
void station_enqueue_octets(struct komet_station *station, unsigned c, const uint8_t *octets, size_t size,
                            uint8_t cause, bool negative);
/* Ends a running interrogation that was asked for like this; false when there is none. */
bool station_drop_interrogation(struct request *request);
bool station_is_interrogating(const struct request *request);

/* station_command.c */
void station_take_command(struct request *request, size_t point);
void station_take_parameter(struct request *request, size_t point);
void station_take_deactivation(struct request *request, size_t point);
/* Answers that the connection's open commands may still need. */
unsigned station_promised_answers(const struct komet_station *station, unsigned c);
void station_forget_commands(struct komet_station *station, unsigned c);

/* Answers with the request mirrored: a confirmation, or a refusal, which is counted. */
void station_mirror(struct request *request, uint8_t cause, bool negative);

#endif
