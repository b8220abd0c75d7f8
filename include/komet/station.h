/*
 * station: the application services of the controlled side (IEC 60870-5-101 7.4, -5-104): requests in,
 * answers out.
 *
 * The host keeps a table of points, whose values it changes as it likes. The station answers from it:
 * interrogation of the station and of groups, counter interrogation, read; it confirms clock synchronisation,
 * test and reset, asks the host before a command or a parameter is accepted, keeps selections, and refuses
 * with the standard's causes what cannot be. One station serves the connections of one group (group.h) or one
 * link (link.h).
 *
 *     an ASDU came      komet_station_receive(station, now, utc, c, octets, size, &event); do the event
 *     an answer waits   komet_station_pending(station, c): when the link has a place for it,
 *                       size = komet_station_write(station, now, utc, c, place), and commit
 *     a value changed   points[i].object = …; size = komet_station_event(station, i, cause, utc, place),
 *                       and hand it to the group, which keeps it until it is acknowledged
 *
 * An answer is made only when its frame can leave, so an interrogation gives values as they are then: none is
 * older than an event that was sent before it. Confirmations overtake the values of an interrogation.
 *
 * Pure: no clock, no socket, no allocation, nothing calls back. Nothing is due by itself, so there is no
 * tick: a selection that has run out is seen when it is asked for.
 */
#ifndef KOMET_STATION_H
#define KOMET_STATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/api.h"
#include "komet/asdu.h"
#include "komet/time.h"

enum komet_select_rule {
    KOMET_SELECT_EITHER,   /* select before execute, or execute at once */
    KOMET_SELECT_REQUIRED, /* without a selection nothing is executed */
    KOMET_SELECT_NEVER     /* a select is refused; the rule of types 51 and 64, which have none */
};

/* One information object of the station. */
struct komet_point {
    uint16_t ca;
    uint32_t ioa;    /* 1 up to what the profile's ioa_size holds */
    uint8_t type;    /* 1, 3, 5, 7, 9, 11, 13, 15, 20, 21: a value, in the type without time tag.
                        45 to 51: a command; its type with time tag, 58 to 64, is taken too.
                        110 to 112: a parameter */
    uint16_t groups; /* bit 0 to 15: interrogation group 1 to 16; of type 15, bit 0 to 3: counter
                        group 1 to 4 */
    enum komet_select_rule select; /* of a command */
    double minimum, maximum; /* of a set point (48 to 50): what is allowed, as komet_object_number gives it;
                                both 0: anything */
    struct komet_object object; /* value, quality, qualifier. The host's to change between two calls */
};

/* What becomes of a command that is too old. */
enum komet_too_old {
    KOMET_TOO_OLD_REFUSED,  /* a negative confirmation */
    KOMET_TOO_OLD_DISCARDED /* no answer */
};

struct komet_station_settings {
    const struct komet_profile *profile; /* borrowed, as addresses and points, while the station lives */
    const uint16_t *addresses;           /* the common addresses that are answered, each once: 1 or more */
    unsigned address_count;
    struct komet_point *points; /* in ascending order of ca, then ioa; each pair once */
    size_t point_count;
    unsigned connections;   /* 1..KOMET_STATION_CONNECTIONS_MAX */
    unsigned answers;       /* answers that may wait on one connection: 4..1000, standard 20. A command that
                               is being executed keeps a place for its termination */
    unsigned commands;      /* selections and commands that may be open: 1..answers - 2, standard 16: however
                               many are being executed, and for however long, another request is taken */
    int64_t select_us;      /* how long a selection holds: > 0, standard 30 s */
    int64_t command_age_ms; /* types 58 to 64: how far the time tag may be from `utc`, before or behind. A tag
                               with IV is too far. 0 (standard): not looked at */
    enum komet_too_old too_old; /* what becomes of such a command; standard refused */
    int zone_minutes;           /* of time tags, east of UTC, -1440..1440; standard 0 */
    bool summer_time;           /* tags with the SU bit are another hour east */
    bool clock_sync;       /* type 103 is accepted, unless its tag has IV or names no time; standard true */
    bool clock_event;      /* after it, the new time is reported with type 103, cause spontaneous */
    bool broadcast_once;   /* a request to the global address is confirmed and terminated once, with that
                              address (Sinaut); else by each address in its own name */
    bool limit_set_points; /* a set point out of range becomes the nearest allowed one, also in its
                              confirmation; else it is refused */
};

#define KOMET_STATION_CONNECTIONS_MAX 8

/* The standard settings, without addresses and points: profile 104, one connection. */
KOMET_API struct komet_station_settings komet_station_settings_standard(void);

/* NULL when the settings are usable, else a sentence that says what is wrong. Looks at every point. Static
 * storage. */
KOMET_API const char *komet_station_settings_fault(const struct komet_station_settings *settings);

struct komet_station; /* opaque; lives in the caller's memory */

/* Octets of memory that a station needs, all in, without its points. */
KOMET_API size_t komet_station_size(const struct komet_station_settings *settings);

/* memory, size: taken until the caller drops the station; aligned for any object; size as komet_station_size.
 * settings: copied; usable (asserted). */
KOMET_API struct komet_station *komet_station_init(void *memory, size_t size,
                                                   const struct komet_station_settings *settings);

/*
 * Moves a station, which goes on with other points: a host whose configuration changes while it runs.
 *   memory, size  as in komet_station_init, for `settings`; does not overlap the station's own, which is free
 *                 afterwards
 *   settings      as in komet_station_init; profile, connections, answers, commands and broadcast_once as
 *                 they are (asserted). Addresses that both have are in the same order. The former addresses
 *                 and points are looked at once more
 * Returns the station at its new place. What was asked goes on, found by its addresses: an interrogation with
 * those values that it has not given yet, of the points that are there now. What is gone is refused with
 * cause 46 or 47 where it was not confirmed yet; selections and open commands of a point that is gone, or has
 * another type, are forgotten. To forget others, whose point means another thing now:
 * komet_station_forget_point.
 */
KOMET_API struct komet_station *komet_station_move(void *memory, size_t size,
                                                   const struct komet_station *station,
                                                   const struct komet_station_settings *settings);

/* Selections and open commands of a point (its place in the table) are forgotten: their numbers mean nothing
 * any more. */
KOMET_API void komet_station_forget_point(struct komet_station *station, size_t point);

/* Data transfer on connection `c` (0..connections-1) has started, or has stopped or the connection ended:
 * then its answers, selections and open commands are forgotten, and their numbers mean nothing any more. */
KOMET_API void komet_station_started(struct komet_station *station, unsigned c);
KOMET_API void komet_station_stopped(struct komet_station *station, unsigned c);

enum komet_station_event_kind {
    KOMET_STATION_NOTHING, /* for the host to do */
    KOMET_STATION_COMMAND, /* select (object.select) or execute: answer with komet_station_confirm, and after
                              an accepted execute with komet_station_finish */
    KOMET_STATION_PARAMETER, /* types 110 to 112: answer with komet_station_confirm; accepted, it stands in
                                the point */
    KOMET_STATION_PARAMETER_ACTIVATION, /* type 113, object.qualifier QPA, `activate`: answer with
                                           komet_station_confirm */
    KOMET_STATION_CLOCK,  /* set the clock to `utc` plus what has passed since; confirmed already */
    KOMET_STATION_FREEZE, /* freeze (object.qualifier FRZ 1, 2) and reset (2, 3) the counters of `group` of
                             station `ca`; group 0: all. Confirmed already */
    KOMET_STATION_RESET /* reset process, object.qualifier QRP 1 or 2: restart when its confirmation has left,
                           or report komet_station_initialized */
};

struct komet_station_event {
    enum komet_station_event_kind kind;
    uint32_t id; /* for confirm and finish */
    unsigned connection;
    uint16_t ca; /* as in the request: may be the global address in FREEZE, CLOCK and RESET */
    uint8_t type, oa;
    size_t point; /* its place in the table: COMMAND, PARAMETER, PARAMETER_ACTIVATION */
    struct komet_object object;
    struct komet_utc utc; /* CLOCK: the tag with the delay that was loaded with type 106 */
    unsigned group;       /* FREEZE */
    bool activate;        /* PARAMETER_ACTIVATION: false: deactivate */
};

enum komet_station_result {
    KOMET_STATION_TAKEN,    /* answered, or to be answered when the host has confirmed */
    KOMET_STATION_BAD_ASDU, /* close the connection (KOMET_BAD_ASDU); nothing was done */
    KOMET_STATION_FULL      /* too many answers wait, those that open commands will need counted: nothing was
                               done. Hand it in again when some have been written or a command has been
                               finished, or close the connection */
};

/*
 * An ASDU from connection `c`, on which data transfer is started: answers from before that are forgotten.
 *   now, utc      the monotonic and the calendar clock (KOMET_UTC_UNKNOWN if there is none)
 *   octets, size  borrowed for the call
 *   event         filled: what the host has to do, if anything
 * Answered by the station itself, in this order: types it does not take (44), causes (45), addresses (46,
 * also the global address where the standard forbids it), objects (47). An ASDU that says itself that
 * something was unknown (cause 44 to 47) is counted and not answered. A delay (106) above 59,999 ms is
 * refused; where it is loaded, which is never confirmed, it is counted and the one before stays. Types 120 to
 * 127 are not taken: offer them to file transfer first.
 */
KOMET_API enum komet_station_result komet_station_receive(struct komet_station *station,
                                                          struct komet_instant now, struct komet_utc utc,
                                                          unsigned c, const uint8_t *octets, size_t size,
                                                          struct komet_station_event *event);

/* Whether an answer waits for connection `c`: then ask the link for room, and write. */
KOMET_API bool komet_station_pending(const struct komet_station *station, unsigned c);

/* The next answer for connection `c` into `octets` (KOMET_ASDU_SIZE_MAX of them); returns its size, 0 when
 * there is none. It has left the station: send it. */
KOMET_API size_t komet_station_write(struct komet_station *station, struct komet_instant now,
                                     struct komet_utc utc, unsigned c, uint8_t *octets);

/* What an event asked: accepted or not. False: the number means nothing any more, and nothing happens. */
KOMET_API bool komet_station_confirm(struct komet_station *station, struct komet_instant now, uint32_t id,
                                     bool accepted);

/* What an event asked is refused with cause 44 to 47 (asserted) in the place of a negative confirmation: a
 * station further down, to which a command was given on, said so. False as above. */
KOMET_API bool komet_station_refuse(struct komet_station *station, uint32_t id, uint8_t cause);

/* An executed command has ended: activation termination follows, negative if not `done`. What it caused with
 * cause 11 (return information) has to be sent before, see komet_group_counters.events_sent. False as above.
 */
KOMET_API bool komet_station_finish(struct komet_station *station, uint32_t id, bool done);

/* The values of `ca` whose groups meet `groups` (0: all, counters excepted) are sent on connection `c` with
 * cause periodic or background scan (asserted): those whose type may have it, see komet_causes_from_station.
 * False: too many answers wait. */
KOMET_API bool komet_station_scan(struct komet_station *station, unsigned c, uint16_t ca, uint16_t groups,
                                  enum komet_cause cause);

/* Cause of initialization (7.2.6.21); | KOMET_COI_CHANGED when local parameters were changed before it. */
enum {
    KOMET_COI_POWER_ON = 0,
    KOMET_COI_MANUAL_RESET = 1,
    KOMET_COI_REMOTE_RESET = 2,
    KOMET_COI_CHANGED = 0x80
};

/*
 * "End of initialization" (type 70) of one address. A host hands those of all addresses to its group before
 * any event, so that they are the first to leave and come again until they are acknowledged; without a group
 * it sends them when data transfer has started for the first time.
 *   address  its place in settings.addresses
 *   coi      cause of initialization: the enumeration above
 *   octets   KOMET_ASDU_SIZE_ONE of them are taken
 * Returns the ASDU's size.
 */
KOMET_API size_t komet_station_initialized(const struct komet_station *station, unsigned address, uint8_t coi,
                                           uint8_t *octets);

/*
 * An event of a point, with its value as it stands: type 30 to 37; those of types 20, 21 and parameters are
 * without time tag. The point must be no command (asserted).
 *   point    its place in the table
 *   cause    spontaneous, return information, …
 *   utc      when it happened; KOMET_UTC_UNKNOWN: the tag has IV
 *   octets   KOMET_ASDU_SIZE_ONE of them are taken
 * Returns the ASDU's size.
 */
KOMET_API size_t komet_station_event(const struct komet_station *station, size_t point,
                                     enum komet_cause cause, struct komet_utc utc, uint8_t *octets);

#define KOMET_POINT_NONE SIZE_MAX
/* The place of a point in the table; KOMET_POINT_NONE when there is none. */
KOMET_API size_t komet_station_find(const struct komet_station *station, uint16_t ca, uint32_t ioa);

/* The type with CP56Time2a of one without, or the type itself when it has none (1 → 30, 45 → 58, 100 → 100).
 */
KOMET_API uint8_t komet_type_with_time(uint8_t type);
/* The type without time tag of one that has one (2, 30 → 1; 58 → 45), or the type itself. */
KOMET_API uint8_t komet_type_without_time(uint8_t type);

struct komet_station_counters {
    uint64_t requests;       /* taken */
    uint64_t refused;        /* with cause 44 to 47 or a negative confirmation */
    uint64_t ignored;        /* cause 44 to 47 received, and delays out of range that were to be loaded */
    uint64_t too_old;        /* commands refused or discarded for their time tag */
    uint64_t executed;       /* commands that the host accepted */
    uint64_t interrogations; /* begun: 100 and 101 */
};
KOMET_API struct komet_station_counters komet_station_counters(const struct komet_station *station);

#endif
