/*
 * record: what the journal keeps, as the server engine hands it out and the journal gives it back.
 *
 * A record is copied into the journal's queue. Everything that one batch brought is handed out with one
 * ticket; the journal reports "stored up to ticket n" only after the transaction with all of it has synced.
 */
#ifndef SERVER_RECORD_H
#define SERVER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "model/site_difference.h"
#include "model/value.h"
#include "role/process_value.h"

enum record_kind {
    RECORD_EVENT,         /* a value that came spontaneously or differs */
    RECORD_BATCH,         /* all of a batch: the highest sequence of (process, instance, run) */
    RECORD_ARCHIVED,      /* the same, of an instance's own buffer: `run` is the buffer */
    RECORD_GRANT,         /* a grant, journaled before it is sent */
    RECORD_COMMAND_BEGIN, /* a command is about to be sent to a kom */
    RECORD_COMMAND_END,   /* how it ended */
    RECORD_VALUE,         /* the value of a process, or of one of its instances, has changed */
    RECORD_PREFERRED,     /* SET_PREFERRED_INST: `instance`, 0 none */
    RECORD_STATION,       /* ENABLE, DISABLE, SIMULATE: holds from when it is stored; also a command */
    RECORD_STATION_VALUE, /* the value of a station has changed */
    RECORD_TAKEN,         /* masters have acknowledged what they were sent */
    RECORD_LOAD_BALANCE,  /* SET_LOAD_BAL_MODE */
    RECORD_SITE           /* from here on tags have the numbers of another site (RELOAD): nothing to keep */
};

#define RECORD_OCTETS_MAX 24
#define RECORD_TEXT_MAX   128
#define RECORD_USER_SIZE  64
#define RECORD_TAG_GONE   UINT32_MAX /* of a tag that the site had until a RELOAD: it has its name only */

/* Who gave a command: by certificate, or (not authenticated) as a console of this machine said itself. */
struct record_user {
    char name[RECORD_USER_SIZE]; /* "": nobody */
    bool authenticated;
};

struct record_event {
    const char *tag;     /* name; borrowed from the site until the journal copied it */
    uint32_t tag_number; /* in the site, 0 … tag_count-1; RECORD_TAG_GONE */
    enum tag_type type;
    struct value value;
    uint64_t
        epoch; /* of the grant; of an instance that stood by, of which life its connection is (repeats.h) */
    uint32_t connection;               /* of the line, in that run */
    uint16_t line;                     /* index in the process */
    uint64_t frame;                    /* I format of the connection, from 1. Of a value that masters are sent
                                          (connection 0): its position in the line, from 1 */
    uint8_t octets[RECORD_OCTETS_MAX]; /* raw element of a time-tagged value */
    uint8_t octets_size;               /* 0: not time-tagged */
    bool older;                        /* than what the tag has: recorded, and the tag keeps its value */
    bool archived;                     /* it comes from an instance's own buffer, and late */
    bool standby;                      /* it comes from an instance that stood by */
    struct record_user user;           /* whose command made it so; "" when a station did */
};

struct record_command {
    uint64_t id;
    const char *word; /* "SET", "STOP", …: what it was; static storage, or as long as the page that is read */
    char tag[RECORD_TEXT_MAX]; /* name; of a change of role the process's */
    double number;             /* of a change of role the instance */
    value_flags flags;
    struct record_user user;
    uint64_t epoch;
    struct komet_utc given, ended;
    uint8_t result; /* enum command_result; 0 in BEGIN */
    char reason[RECORD_TEXT_MAX];
};

struct record_value {
    bool of_process; /* else of the instance alone; `instance` is then the one that made it change */
    enum process_value value;
    value_flags flags;
    struct komet_utc time;
    struct record_user
        user; /* whose change of role it was; "": it came by itself, and is what is recovered */
};

struct record_station {
    struct record_command command; /* `tag`: the station; `number`: the order */
    uint8_t mode;                  /* bits of enum station_mode that people have set since */
};

struct record_station_value {
    const char *station; /* name; borrowed as in an event */
    uint8_t value;       /* enum station_value */
    value_flags flags;
    struct komet_utc time;
};

struct record_taken {
    const char *line, *masters; /* names; borrowed as in an event */
    uint64_t position;          /* up to which the masters have all; `instance` brought it there */
};

struct record {
    enum record_kind kind;
    uint64_t ticket;     /* of the journal: grows by one with each group handed out together */
    const char *process; /* name; borrowed as above */
    uint8_t instance;
    union {
        struct record_event event;
        struct {
            uint64_t run, sequence;
        } batch;
        struct {
            uint64_t epoch;
        } grant;
        struct record_command command;
        struct record_value value;
        struct record_station station;
        struct record_station_value station_value;
        struct record_taken taken;
        bool load_balance;
        struct {
            const struct site_difference *difference; /* to that site; borrowed until it is stored */
        } site;
    } of;
};

/* What the journal gives back at the start of a server, record by record (order: grants, batches, preferred
 * instances, modes of processes, how far masters are, values that they were sent, oldest first, modes and
 * newest values of stations, the newest value of each process and instance, oldest first, events oldest
 * first: for each line the newest RECOVERED_EVENTS_MAX time-tagged ones, and each tag's newest that is not
 * `older`). */
#define RECOVERED_EVENTS_MAX 4096

#endif
