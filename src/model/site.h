/*
 * site: the configuration of everything, as one immutable tree in one arena.
 *
 * src/site reads it from site.yaml and the CSV tables; programs swap it in whole. All strings and arrays
 * belong to the tree and live as long as it does. Arrays are in the order of the files; tags of a process
 * are numbered 0 … n-1 in order of lines, stations and rows, the same in server and KOM, because both read
 * the same text.
 */
#ifndef MODEL_SITE_H
#define MODEL_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/network_address.h"
#include "model/parameter.h"
#include "model/processing.h"
#include "model/value.h"

#define INSTANCE_MAX       15 /* instances of one process (seed) */
#define SITE_ADDRESSES_MAX 8  /* addresses of one partner, tried cyclically (reference 3.1) */
#define SITE_MASTERS_MAX   8  /* groups of masters of a line that listens */
#define SITE_PARTNERS_MAX  2  /* systems of a redundant partner (seed) */
#define SITE_NETWORKS_MAX  2  /* networks on which each of them is reached at the same time */

struct station;
struct line;
struct process;

struct address {
    const char *host; /* name, IPv4 or IPv6 without brackets; never NULL */
    uint16_t port;    /* 1..65535 */
};

/* True for an address that only this machine reaches: 127.0.0.0/8, ::1, localhost. Of other names nobody
 * knows it: false. */
bool address_is_loopback(const char *host);

/* Sites have a million of them: members stand so that none of its octets is lost between them. */
struct tag {
    const char *name;
    const char *unit;         /* "" when none */
    const char *description;  /* "" when none */
    const struct tag *source; /* the tag that an output follows; NULL none, or not read with the site */
    const struct processing *processing; /* conversion and filters; NULL: none */
    struct station *station;             /* back to its owner */
    const char *column;                  /* `destination` of an input: "M.ROW" of "M.ROW(8)"; NULL: none */
    struct tag *first_row;               /* of its column: it has the same address; NULL: it has no column */
    struct tag *master;   /* of a row: whose column it is in, and whose time it has; else NULL */
    uint32_t column_rows; /* 8; these are tags of their own, from its address on */
    uint32_t number;      /* in the process, from 0 */
    int row;              /* line of its table, from 1 */
    uint32_t ioa;         /* 0..16777215 */
    uint16_t groups;      /* on a line that listens: bit 0 to 15: interrogation group 1 to 16 */
    enum tag_type type : 8;
    uint8_t asdu; /* type identification of an output; 0 for inputs. On a line that listens: of what is sent
                     to masters (output) or taken from them (input) */
    bool ignored; /* %IGNORE: neither read nor sent, and no error */
};

enum station_zone { STATION_ZONE_UTC, STATION_ZONE_LOCAL, STATION_ZONE_OFFSET, STATION_ZONE_ARRIVAL };

struct station {
    const char *name;
    uint16_t ca;             /* common address, 0..65535 */
    enum station_zone zone;  /* `time:` utc (default), local (of the site's `time_zone`), +01:00, arrival */
    int zone_offset_minutes; /* standard offset east of UTC for LOCAL and OFFSET */
    bool summer_time;        /* SU bit is honoured: LOCAL true; OFFSET, UTC false */
    bool summer_time_eu;     /* LOCAL: what is sent has it, by the rule of the European Union */
    bool communication_disabled;
    bool keep_when_off; /* `invalidate_when_off: false`: its tags keep their values when it is off */
    const struct tag *control_object; /* true: not spoken with; NULL none, or not read with the site */
    int64_t clock_sync_us;            /* period of clock synchronisation, 0 none */
    struct parameter_set parameters;
    const char *tag_file; /* the CSV table's name, as in site.yaml */
    struct tag *tags;
    uint32_t tag_count;
    uint32_t first_tag;      /* number of its first tag in the process */
    uint32_t number;         /* in the process, from 0 */
    struct tag **by_address; /* input tags sorted by ioa: what arrives is looked up here */
    uint32_t by_address_count;
    struct line *line;
};

/* The input tag of a station with that address; NULL when there is none (or it is ignored). */
struct tag *station_find_input(const struct station *station, uint32_t ioa);

enum line_protocol {
    PROTOCOL_IEC104,
    PROTOCOL_IEC104_SERVER,
    PROTOCOL_IEC104_SINAUT,
    PROTOCOL_IEC101, /* known, and not in this version: a site with it is refused */
    PROTOCOL_COUNT
};
enum line_category { CATEGORY_TCP, CATEGORY_TCP_REDUNDANT, CATEGORY_COUNT };
enum line_acknowledge { ACKNOWLEDGE_STORED, ACKNOWLEDGE_RECEIVED };
/* What the active instance does with a line when it has lost its server. */
enum line_without_server {
    WITHOUT_SERVER_CLOSE, /* it is closed: the station keeps its events */
    WITHOUT_SERVER_BUFFER /* it is read on, into a buffer on the instance's disk, if that has one */
};
enum line_standby { STANDBY_COLD, STANDBY_WARM };

/* Does an instance reach the partner of a line? YES: acting, data transfer is started; standing by, a
 * connection is there. In komet.proto: append only. */
enum line_reach {
    REACH_UNKNOWN, /* it does not try to */
    REACH_NO,
    REACH_YES,
    REACH_COUNT
};

/* What a protocol can. */
struct line_protocol_row {
    const char *name;
    bool redundant; /* a process with such a line may run as several instances */
};
const struct line_protocol_row *line_protocol_row(enum line_protocol protocol);
/* The protocol of that name; PROTOCOL_COUNT: there is none. */
enum line_protocol line_protocol_find(const char *name);
const char *line_protocol_name(enum line_protocol protocol); /* "iec104", … */
const char *line_category_name(enum line_category category); /* "tcp", … */

/* One system of a line's redundant partner: its address on each network, all of them at the same time. Of a
 * line that is paired, one of its two connections: its addresses, tried cyclically. */
struct partner {
    const char *name; /* "A", "B" when the site names none */
    struct address addresses[SITE_ADDRESSES_MAX];
    struct network_address
        networks[SITE_NETWORKS_MAX]; /* the same, where the line listens: it knows him by them; family 0 of a
                                        name */
    uint8_t address_count;
};

/* Those who may connect as one partner: a redundancy group. */
struct master_group {
    struct network_address addresses[SITE_ADDRESSES_MAX];
    uint8_t address_count; /* 1 or more */
    const char *name;      /* its first address, as written: by it the group is known in the journal */
};

struct line {
    const char *name;
    enum line_protocol protocol;
    enum line_category category;
    uint8_t number; /* originator address, 0..255 */
    struct address hosts[SITE_ADDRESSES_MAX];
    uint8_t host_count;
    struct address listen; /* host NULL: the line connects */
    struct master_group masters[SITE_MASTERS_MAX];
    uint8_t master_count;                       /* 0: whoever comes */
    struct partner partners[SITE_PARTNERS_MAX]; /* iec104-sinaut, and paired: in the place of hosts */
    uint8_t partner_count;
    const char *local[SITE_NETWORKS_MAX]; /* our own address on each network; NULL: the system's choice */
    int64_t reconnect_us;                 /* pause between attempts; default 5 s */
    int64_t store_limit_us; /* received but not stored for that long closes the line; default 10 s */
    int64_t line_loss_us;   /* not reached for that long, the role goes to who reaches it; default 2 s */
    enum line_acknowledge acknowledge;
    enum line_standby standby;
    enum line_without_server without_server;
    struct parameter_set parameters; /* line scope, merged (S8 of the reference) */
    struct station *stations;
    uint16_t station_count;
    uint16_t index; /* in the process, from 0 */
    struct process *process;
};

/* True for a line on which we wait for the partner to connect. */
bool line_listens(const struct line *line);
/* True for a line that keeps its connections open, with data transfer started, while its instance is passive
 * (SKO). */
bool line_stays_open(const struct line *line);
/* True for a line whose partner sends each event to every instance that is connected, and keeps for each what
 * it has not got: a stream of its own for each (server/repeats.h). */
bool line_has_streams(const struct line *line);
/* Protocol iec104 on tcp-redundant: two connections, each to one address of its own list at a time. */
bool line_is_paired(const struct line *line);
/* The TCP connections that a line has when all is well: over all partners and networks; paired two; of hosts
 * one. */
unsigned line_connections(const struct line *line);
/* The tags of all its stations, which have consecutive numbers in the process. */
uint32_t line_tag_count(const struct line *line);

struct process {
    const char *name; /* "SELF.KOM" */
    struct line *lines;
    uint16_t line_count;
    uint16_t station_count;    /* over all lines */
    uint32_t tag_count;        /* over all lines */
    uint32_t first_tag;        /* number in the site of its tag 0 */
    struct tag **tags;         /* by number in the process */
    struct station **stations; /* by number in the process */
    uint16_t index;            /* in the site, from 0 */
    bool redundant; /* the site says that it runs as several instances; else nobody knows it before */
};

/* The first line because of which a process cannot run as instances with numbers; NULL: it can. */
const struct line *process_lone_line(const struct process *process);

struct site_server {
    const char *name;
    struct address listen;
    const char *tls; /* folder of its credentials, beside site.yaml unless absolute; NULL: it speaks plain */
};

struct site {
    const char *name;
    const char *group; /* group name; "" when none */
    struct site_server *servers;
    uint16_t server_count;
    int64_t lease_us; /* default 600 ms */
    struct process *processes;
    uint16_t process_count;
    uint32_t tag_count;        /* over all processes */
    struct tag **tags;         /* all, by first_tag of the process + number in it */
    struct tag **tags_by_name; /* the same, sorted by name without regard to case */
};

/* NULL when there is none; names without regard to case. */
const struct process *site_find_process(const struct site *site, const char *name);
const struct line *site_find_line(const struct site *site, const char *name);
const struct station *site_find_station(const struct site *site, const char *name);
const struct tag *site_find_tag(const struct site *site, const char *name);

/* Its partners connect to it, and it answers them (protocol iec104-server). */
bool line_is_server(const struct line *line);
/* Who receives values of its outputs, each with a place of its own among the events: groups of masters, systems
 * of a Sinaut partner's. How many; the name of one; the number of that with a name, -1: there is none. */
unsigned line_receivers(const struct line *line);
const char *line_receiver_name(const struct line *line, unsigned receiver);
int line_find_receiver(const struct line *line, const char *name);
/* How many events of its outputs are kept until receivers have acknowledged them (OBUF); 0: it makes none, since
 * no output of a Sinaut line follows another tag. */
uint64_t line_outgoing_capacity(const struct line *line);

/* True for an output that sends its value as one of types 1 to 40, and not as a command. */
bool tag_sends_value(const struct tag *tag);

/* True for a line to which the server tells what its outputs have, when an instance comes to act: to
 * masters they are sent as they change, to a partner of Sinaut's in answer to his interrogation. */
bool line_has_outgoing(const struct line *line);
/* True for an output of such a line that is told. */
bool tag_is_outgoing(const struct tag *tag);
/* True for a tag with a type identification (asserted) that has a time tag. */
bool tag_is_timed(const struct tag *tag);

/* The process a tag belongs to, and its number in the whole site. */
const struct process *tag_process(const struct tag *tag);
uint32_t tag_site_number(const struct tag *tag);

/* What one run of a process is called: "SELF.KOM,1", or "SELF.KOM" for instance 0, which has no number. A
 * longer name than fits is cut. */
struct run_name {
    char text[96];
};
struct run_name run_name(const char *process, unsigned instance);
/* The name of its value: "[2]_SELF.KOM"; without a number that of the process. */
struct run_name run_value_name(const char *process, unsigned instance);

/* True when `name` matches `mask` (* any run, ? any one), without regard to case. NULL or "" matches all. */
bool name_matches(const char *mask, const char *name);
/* Compares names without regard to case (ASCII), as strcmp. */
int name_compare(const char *a, const char *b);

#endif
