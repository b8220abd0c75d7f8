/*
 * centre: the application services of a controlling station (IEC 60870-5-101 7.4, -5-104): what it asks of
 * stations, and how each request went.
 *
 * One engine belongs to one connection, or to a group of connections that the host treats as one. The host
 * asks; the engine writes the request when the host has room; answers that come are matched; the host is told
 * how it ended. Each request ends exactly once, and nothing is ever sent a second time by the engine itself.
 *
 *     komet_centre_connected(centre, now);                       data transfer is started
 *     komet_centre_request(centre, now, &request, &id);
 *     while ((place = komet_link_reserve(link)) != NULL &&
 *            (size = komet_centre_write(centre, now, utc, place)) > 0) {
 *         komet_link_commit(link, now, size);
 *     }
 *     komet_centre_receive(centre, now, &asdu);                  each ASDU that the link hands out
 *     while (komet_centre_next(centre, &event)) …                after each call but request
 *
 * What is an answer. Type, CA, IOA and test bit must be the request's, of 100 and 101 the qualifier too, of
 * commands the S/E bit, of 104 and 107 the pattern or counter; the originator address must be ours or 0. A
 * termination counts behind its confirmation only. The value of a command is not compared (a station may
 * confirm a limited set-point): the event hands it out. What would be an answer and matches nothing, such as
 * one that comes too late, is counted and changes nothing. Behind a TIMEOUT an answer to the old request
 * cannot be told from one to a new request for the same: a host that repeats a command has this in mind.
 *
 * A broadcast request (100, 101, 103, 105) is answered once with the broadcast CA, or by each of the stations
 * in the settings with its own. It has ended when each of them has ended; as the worst of them did: TIMEOUT
 * before REFUSED before DONE.
 *
 * Pure: no clock, no socket, no allocation; no octets of a peer can make an assertion fail.
 */
#ifndef KOMET_CENTRE_H
#define KOMET_CENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/asdu.h"
#include "komet/time.h"

#define KOMET_CENTRE_REQUESTS_MAX 1024
#define KOMET_CENTRE_STATIONS_MAX 64

struct komet_centre_settings {
    const struct komet_profile *profile; /* borrowed, must outlive the engine */
    uint8_t oa;                          /* our originator address; 0 (none) where cot_size is 1 */
    unsigned requests;                   /* open at a time: 1..KOMET_CENTRE_REQUESTS_MAX, standard 16 */
    int64_t confirm_us;                  /* from writing to the confirmation: > 0, standard 10 s */
    int64_t terminate_us;     /* from the confirmation, or the last value of an interrogation, to the
                                 termination: > 0, standard 60 s */
    int64_t select_us;        /* how long a select holds: an execute is written within it, counted from the
                                 select's confirmation, or not at all: > 0, standard 30 s */
    const uint16_t *stations; /* CAs that answer a broadcast request with their own; borrowed for init. None
                                 (station_count 0): only answers with the broadcast CA count */
    unsigned station_count;   /* 0..KOMET_CENTRE_STATIONS_MAX */
};

/* The profile of 104, OA 0, the standard values above, no stations. */
KOMET_API struct komet_centre_settings komet_centre_settings_standard(void);

/* NULL when the settings are usable, else a sentence that says which is wrong and what is right. Check at
 * configuration; komet_centre_size and _init assert it. Static storage. */
KOMET_API const char *komet_centre_settings_fault(const struct komet_centre_settings *settings);

struct komet_centre; /* opaque; lives in the caller's memory */

/* Octets of memory for an engine, all in. */
KOMET_API size_t komet_centre_size(const struct komet_centre_settings *settings);

/* Makes an engine, not connected.
 *   memory, size  taken until the caller drops the engine; aligned for any object; size as komet_centre_size
 *   settings      copied */
KOMET_API struct komet_centre *komet_centre_init(void *memory, size_t size,
                                                 const struct komet_centre_settings *settings);

enum komet_centre_procedure {
    KOMET_CENTRE_ACTIVATE,       /* cause 6 (of 102: 5); of a command: execute, without a select */
    KOMET_CENTRE_SELECT_EXECUTE, /* commands but 51 and 64: select, and execute when that was confirmed */
    KOMET_CENTRE_SELECT,         /* the select alone */
    KOMET_CENTRE_DEACTIVATE      /* cause 8: breaks off an interrogation (100, 101), a select of a command, an
                                    active parameter (113) */
};

/*
 * What is asked for. The type says which members of `object` are used:
 *
 *     45..51, 58..64   ioa, value, qualifier (QU, QL)
 *     100, 101         qualifier: QOI 20..36; QCC: RQT 1..5, FRZ in bits 6 and 7
 *     102              ioa. Ends with the value (cause 5)
 *     103              none: the clock is what komet_centre_write is given
 *     104, 107         none: the pattern 55AA; a counter of the engine's
 *     105              qualifier: QRP 1 or 2
 *     106              none: 0 is sent. Half of the way there and back, without the time that the station
 *                      names in its confirmation, is the delay; it is sent to the station with cause 3
 *     110..112         ioa, value, qualifier (QPM)
 *     113              ioa, qualifier (QPA)
 */
struct komet_centre_request {
    uint8_t type;
    enum komet_centre_procedure procedure;
    uint16_t ca;            /* 1 up to the broadcast CA; that one for 100, 101, 103, 105 only */
    bool test;              /* T */
    bool terminates;        /* commands: DONE with the termination, else with the confirmation */
    bool waits;             /* not connected: it waits for a connection until its deadline */
    bool summer_time;       /* SU of the time tag of 58..64, 103, 107 */
    int16_t offset_minutes; /* of that tag, east of UTC: -1440..1440 */
    struct komet_object object;
    struct komet_instant deadline; /* from here on nothing of it is written any more; KOMET_NEVER: no limit */
};

/* NULL when the request is one that can be asked, else a sentence that says what is wrong with it. Static
 * storage. For what operators type; komet_centre_request asserts it. */
KOMET_API const char *komet_centre_request_fault(const struct komet_centre *centre,
                                                 const struct komet_centre_request *request);

enum komet_centre_result {
    KOMET_CENTRE_TAKEN,
    KOMET_CENTRE_BUSY,         /* one for the same type, CA and IOA is open (100, 101: with the same qualifier
                                  and procedure) */
    KOMET_CENTRE_FULL,         /* no room; try again when the end of one was taken by komet_centre_next */
    KOMET_CENTRE_NOT_CONNECTED /* and it does not wait */
};

/* Takes a request, copied. *id (NULL: not wanted) receives its number, from 1 up, when it is TAKEN; else
 * nothing happened. */
KOMET_API enum komet_centre_result komet_centre_request(struct komet_centre *centre, struct komet_instant now,
                                                        const struct komet_centre_request *request,
                                                        uint64_t *id);

/*
 * Writes the next ASDU that is to be sent, oldest request first. Call it only with a place that can be sent
 * from at once (komet_link_reserve), and send what it writes: time limits run from here.
 *   utc     for time tags; while it is KOMET_UTC_UNKNOWN, requests that have one wait
 *   octets  at least KOMET_ASDU_SIZE_ONE
 * Returns its size; 0 when there is none, or nothing is connected.
 */
KOMET_API size_t komet_centre_write(struct komet_centre *centre, struct komet_instant now,
                                    struct komet_utc utc, uint8_t *octets);

/*
 * Looks at a received ASDU.
 *   asdu  decoded with KOMET_ASDU_OK or KOMET_ASDU_UNKNOWN_TYPE; borrowed for the call
 * True when it confirms, refuses or terminates a request: there is no more in it than the events say. False:
 * it is the host's: values (those of an interrogation or a read are noted here, too), what others ask, and
 * answers that match nothing. Events of the call before must have been taken (asserted).
 */
KOMET_API bool komet_centre_receive(struct komet_centre *centre, struct komet_instant now,
                                    const struct komet_asdu *asdu);

enum komet_centre_kind {
    /* On the way. */
    KOMET_CENTRE_SELECTED,        /* the select was confirmed, the execute follows */
    KOMET_CENTRE_CONFIRMED,       /* by `ca`; a termination, or other stations, are awaited */
    KOMET_CENTRE_STATION_REFUSED, /* broadcast: `ca` refused with `cause` */
    /* Ends. */
    KOMET_CENTRE_DONE,
    KOMET_CENTRE_STOPPED, /* an interrogation: its deactivation was confirmed */
    KOMET_CENTRE_REFUSED, /* `cause` 7, 9, 10: P/N was set; 44..47. 7 of 106 also: the time that it names is
                             longer than the way there and back */
    KOMET_CENTRE_EXPIRED, /* its deadline, or select_us, came before it, its execute, or the delay of 106
                             could be written; or it did not wait for a connection. Nothing was executed */
    KOMET_CENTRE_TIMEOUT, /* no confirmation, termination or value in time */
    KOMET_CENTRE_LOST,    /* sent, and disconnected since. Behind both the outcome is unknown */
    /* No request's: id is 0. */
    KOMET_CENTRE_INITIALIZED /* type 70 came from `ca`, its COI is object.qualifier: interrogate it */
};

struct komet_centre_event {
    enum komet_centre_kind kind;
    uint64_t id;
    uint8_t type;       /* the request's */
    uint16_t ca;        /* who said it; where no answer was its cause, the request's */
    uint8_t cause;      /* of the last answer (REFUSED: of the last refusal), 0: none */
    bool select_only;   /* of an end: at most a select was sent; nothing was executed */
    unsigned confirmed; /* stations that confirmed, terminated, refused so far; at most 1 without broadcast */
    unsigned terminated;
    unsigned refused;
    uint64_t values;  /* objects of the interrogation or read so far */
    int64_t delay_us; /* 106, measured: 0 or more */
    /* What the last answer carried (else zeros): of 103 the station's clock before it was set, of 107 the
     * counter, of 102 the value. Its octets are NULL. */
    struct komet_object object;
};

/* Hands out the next event; false when there is none. Those of one request come in their order. */
KOMET_API bool komet_centre_next(struct komet_centre *centre, struct komet_centre_event *event);

/* Data transfer is started. What was sent on a connection before, and is open, is LOST. */
KOMET_API void komet_centre_connected(struct komet_centre *centre, struct komet_instant now);

/* Data transfer has ended: what was sent is LOST; what was not sent waits, or is EXPIRED. */
KOMET_API void komet_centre_disconnected(struct komet_centre *centre, struct komet_instant now);

/* Lets time pass. Call it when komet_centre_deadline has come; earlier calls do no harm. */
KOMET_API void komet_centre_tick(struct komet_centre *centre, struct komet_instant now);

/* When the engine wants to be ticked at the latest; KOMET_NEVER when nothing is due. */
KOMET_API struct komet_instant komet_centre_deadline(const struct komet_centre *centre);

/* "done", "station-refused", …; static storage. */
KOMET_API const char *komet_centre_kind_name(enum komet_centre_kind kind);

struct komet_centre_counters {
    uint64_t requests;   /* taken */
    uint64_t written;    /* ASDUs */
    uint64_t ended;      /* requests, however */
    uint64_t unexpected; /* confirmations, terminations and refusals that matched nothing */
};
KOMET_API struct komet_centre_counters komet_centre_counters(const struct komet_centre *centre);

#endif
