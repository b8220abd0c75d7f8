/*
 * parameter: the protocol parameters of lines and stations, one row each.
 *
 * The row is the only place where a parameter is described: the reader of a site, `komet check`,
 * `tell SHOW … PARAMETERS` and the manual all take it from here. Facts: reference 1.6.
 */
#ifndef MODEL_PARAMETER_H
#define MODEL_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parameter_type {
    PARAMETER_INTEGER,
    PARAMETER_BOOLEAN,
    PARAMETER_MILLISECONDS, /* a duration; a number without unit counts milliseconds */
    PARAMETER_LETTERS,      /* a set of letters A to H, kept as bits 0 to 7 */
    PARAMETER_TEXT          /* the name of a host, kept as server_host; the value says whether there is one */
};

enum parameter_scope { SCOPE_LINE, SCOPE_STATION };

/* One constant a row, in the order of the table. */
enum parameter_id {
    PARAMETER_CMDC, /* command confirm 0..3 */
    PARAMETER_DBGI,
    PARAMETER_DBGO,
    PARAMETER_IF,  /* ignore flagged: letters A..H */
    PARAMETER_IUA, /* ignore unknown addresses */
    PARAMETER_K,
    PARAMETER_NF,   /* no flags */
    PARAMETER_OIC,  /* order of interrogation command, 0 none */
    PARAMETER_OCIC, /* order of counter interrogation command, 0 none */
    PARAMETER_PSD,  /* post start delay */
    PARAMETER_ISSN, /* initial send sequence number */
    PARAMETER_SCE,  /* station communication error: failed attempts */
    PARAMETER_SHE,  /* station hard error: failed attempts */
    PARAMETER_TND,  /* TCP no delay */
    PARAMETER_W,
    PARAMETER_WT0, /* connection establishment, t0 */
    PARAMETER_WT1,
    PARAMETER_WT2,
    PARAMETER_WT3,
    PARAMETER_WTN,  /* confirmation of a command */
    PARAMETER_CF3,  /* ICF3: tolerate bit 0 of the third control octet, data of such ASDUs ignored */
    PARAMETER_ICP,  /* periodic interrogation: its period, 0 none */
    PARAMETER_ICO,  /* its offset from the full periods of the clock */
    PARAMETER_CICP, /* periodic counter interrogation, likewise */
    PARAMETER_CICO,
    PARAMETER_SP,    /* server port, 0: the line connects */
    PARAMETER_SH,    /* server host */
    PARAMETER_SKO,   /* standby keep open */
    PARAMETER_SIC,   /* standby interrogation command */
    PARAMETER_SRCS,  /* strict redundancy connection signalisation */
    PARAMETER_TKI,   /* tcp keep init, seconds */
    PARAMETER_PCNT,  /* ping count */
    PARAMETER_PTO,   /* ping timeout */
    PARAMETER_IT,    /* ignore test */
    PARAMETER_ARMSD, /* how a standby marks what it sends: 0 not, 1 third control octet, 2 test bit */
    PARAMETER_ICCI,  /* interrogation covers counter interrogation */
    PARAMETER_ICCP,  /* flags as ICCP has them */
    PARAMETER_CFRZ,  /* counters are frozen before it: 0 not, 1 frozen, 2 frozen and reset */
    PARAMETER_SBE,   /* select before execute */
    PARAMETER_OBUF,  /* events kept for its masters, or for the partner */
    PARAMETER_EOI,   /* it sends M_EI_NA_1 when it begins to act: 0 no, 1 yes */
    PARAMETER_CSC,   /* it confirms clock synchronisation */
    PARAMETER_CAGE,  /* it refuses commands whose time tag is further away, 0: none */
    PARAMETER_COUNT
};

struct parameter_row {
    enum parameter_id id;
    const char *full_name;  /* "Wait Timeout T1" */
    const char *short_name; /* "WT1" */
    enum parameter_type type;
    const char *unit;                  /* "ms", "" */
    int64_t minimum, maximum, initial; /* initial: the default */
    enum parameter_scope scope;
    const char *sentence; /* for the manual */
};

/* The row of an id. Static storage. */
const struct parameter_row *parameter_row(enum parameter_id id);
/* The row with that full or short name, in any case; NULL when there is none. */
const struct parameter_row *parameter_find(const char *name);

/* Values of all parameters of a line or station; booleans 0 or 1, durations in milliseconds. */
struct parameter_set {
    int64_t value[PARAMETER_COUNT];
    bool given[PARAMETER_COUNT]; /* written in the site, not the default */
    const char *server_host;     /* SH; "" when not given */
};

/* All defaults of a line that connects, and its stations. */
struct parameter_set parameter_defaults(void);
/* Those of a line that listens: only CMDC has another one (reference 2.3). */
struct parameter_set parameter_server_defaults(void);

#define PARAMETER_TEXT_SIZE 24
/* The value as it would be written in a site: "12", "true", "15000", "AG"; "" of a text, of which it is not
 * the value. PARAMETER_TEXT_SIZE octets. */
void parameter_text(const struct parameter_row *row, int64_t value, char *text);

/*
 * Reads what a site says for a parameter.
 * Returns NULL and sets *value, or returns a sentence that says what would be right (static storage).
 */
const char *parameter_parse(const struct parameter_row *row, const char *text, int64_t *value);

/* "15 s", "500 ms", "1 h", "2 min", or a bare number in `bare_unit_us`: a duration in microseconds.
 * False when it is none, or negative. */
bool duration_parse(const char *text, int64_t bare_unit_us, int64_t *duration_us);

#endif
