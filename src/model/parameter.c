/*
 * parameter: the table of protocol parameters; see parameter.h.
 */
#include "model/parameter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "komet/assert.h"

#define MINUTES_60_MS 3600000
#define DAYS_7_MS     604800000
#define LINE_MS(id, full, small, low, initial, sentence)                                                     \
    {                                                                                                        \
        id, full, small, PARAMETER_MILLISECONDS, "ms", low, MINUTES_60_MS, initial, SCOPE_LINE, sentence     \
    }
#define PERIOD(id, full, small, sentence)                                                                    \
    {                                                                                                        \
        id, full, small, PARAMETER_MILLISECONDS, "ms", 0, DAYS_7_MS, 0, SCOPE_STATION, sentence              \
    }
#define BOOLEAN(id, full, small, initial, scope, sentence)                                                   \
    {                                                                                                        \
        id, full, small, PARAMETER_BOOLEAN, "", 0, 1, initial, scope, sentence                               \
    }
#define INTEGER(id, full, small, low, high, initial, scope, sentence)                                        \
    {                                                                                                        \
        id, full, small, PARAMETER_INTEGER, "", low, high, initial, scope, sentence                          \
    }

static const struct parameter_row rows[PARAMETER_COUNT] = {
    INTEGER(
        PARAMETER_CMDC, "Command Confirm", "CMDC", 0, 3, 3, SCOPE_STATION,
        "When a command counts as confirmed: 0 when its frame is acknowledged, 1 by COT 7, 2 by COT 10, 3 by "
        "the first of 7 and 10. Of iec104-server (default 1): how a master's command is confirmed: 0 not, 1 "
        "with COT 7, 2 with COT 10, 3 with both; a refusal always, with COT 7 or with 44 to 47 where a "
        "station "
        "said so."),
    INTEGER(PARAMETER_DBGI, "Debug Input", "DBGI", 0, 255, 0, SCOPE_STATION,
            "Mask of what is logged of received data."),
    INTEGER(PARAMETER_DBGO, "Debug Output", "DBGO", 0, 255, 0, SCOPE_STATION,
            "Mask of what is logged of sent data."),
    {PARAMETER_IF, "Ignore Flagged", "IF", PARAMETER_LETTERS, "", 0, 255, 0, SCOPE_STATION,
     "Received values with one of these qualities are dropped: A overflow, D elapsed time invalid, E "
     "blocked, "
     "F substituted or carry, G not topical or adjusted, H invalid."},
    BOOLEAN(PARAMETER_IUA, "Ignore Unknown Addresses", "IUA", 0, SCOPE_STATION,
            "Values whose address no tag has are dropped without a word in the log."),
    INTEGER(PARAMETER_K, "K", "K", 1, 32767, 12, SCOPE_LINE,
            "I formats sent without acknowledgement, at most. To be the station's own k: so many of its "
            "frames are looked at for repeats after a new connection."),
    BOOLEAN(PARAMETER_NF, "No Flags", "NF", 0, SCOPE_STATION,
            "The status octet of received values is ignored, and not set in sent ones."),
    INTEGER(PARAMETER_OIC, "Order of IC", "OIC", 0, 2, 1, SCOPE_STATION,
            "Place of the general interrogation after the start; 0: it is not sent."),
    INTEGER(PARAMETER_OCIC, "Order of Counter IC", "OCIC", 0, 2, 0, SCOPE_STATION,
            "Place of the counter interrogation after the start; 0: it is not sent."),
    LINE_MS(PARAMETER_PSD, "Post Start Delay", "PSD", 0, 0,
            "Pause between STARTDT con and the interrogation."),
    INTEGER(PARAMETER_ISSN, "Initial SSN", "ISSN", 0, 32767, 0, SCOPE_LINE,
            "First N(S) of a connection; for tests."),
    INTEGER(PARAMETER_SCE, "Station Communication Error", "SCE", 1, 1000, 2, SCOPE_STATION,
            "Failed attempts to connect after which the station is in communication error."),
    INTEGER(PARAMETER_SHE, "Station Hard Error", "SHE", 1, 1000, 5, SCOPE_STATION,
            "Failed attempts to connect after which the station is in hard error."),
    BOOLEAN(PARAMETER_TND, "TCP NoDelay", "TND", 1, SCOPE_LINE,
            "Small frames are sent at once (TCP_NODELAY)."),
    INTEGER(PARAMETER_W, "W", "W", 1, 32767, 8, SCOPE_LINE,
            "I formats received after which an acknowledgement is sent at the latest; below K."),
    LINE_MS(PARAMETER_WT0, "Wait Timeout T0", "WT0", 1, 30000, "Time for a connection to be established."),
    LINE_MS(PARAMETER_WT1, "Wait Timeout T1", "WT1", 1, 15000,
            "Time for the acknowledgement of an I or U format that we sent; then the connection is closed."),
    LINE_MS(PARAMETER_WT2, "Wait Timeout T2", "WT2", 1, 10000,
            "Time after which a received I format is acknowledged at the latest; below WT1."),
    LINE_MS(PARAMETER_WT3, "Wait Timeout T3", "WT3", 0, 20000,
            "Time without any frame after which a test frame is sent; 0: none is sent."),
    LINE_MS(PARAMETER_WTN, "Wait Timeout N", "WTn", 1, 60000,
            "Time for the confirmation of a command; then the connection is closed."),
    BOOLEAN(PARAMETER_CF3, "Ignore Control Field 3", "ICF3", 0, SCOPE_LINE,
            "Bit 0 of the third control octet is tolerated, and the data of frames that have it is dropped."),
    PERIOD(PARAMETER_ICP, "Interrogation Period", "ICP",
           "Period of the general interrogation, at the full periods of UTC, at least 1 s; 0: only after the "
           "start."),
    PERIOD(PARAMETER_ICO, "Interrogation Offset", "ICO",
           "How long after each full period the general interrogation is sent."),
    PERIOD(PARAMETER_CICP, "Counter Interrogation Period", "CICP",
           "Period of the counter interrogation, at the full periods of UTC, at least 1 s; 0: only after the "
           "start."),
    PERIOD(PARAMETER_CICO, "Counter Interrogation Offset", "CICO",
           "How long after each full period the counter interrogation is sent."),
    INTEGER(PARAMETER_SP, "Server Port", "SP", 0, 65535, 0, SCOPE_LINE,
            "With SH: the port at which the line waits for its partner to connect; 0: the line connects."),
    {PARAMETER_SH, "Server Host", "SH", PARAMETER_TEXT, "", 0, 1, 0, SCOPE_LINE,
     "With SP: the address of this machine at which the line waits; ALL: on every interface."},
    BOOLEAN(PARAMETER_SKO, "Standby Keep Open", "SKO", 1, SCOPE_LINE,
            "An instance that is passive, or becomes so, has its connections open and is silent on them."),
    BOOLEAN(
        PARAMETER_SIC, "Standby Interrogation Command", "SIC", 0, SCOPE_LINE,
        "A passive instance with its connections open (SKO) interrogates, too, and so knows which partner "
        "is HOT before it acts."),
    INTEGER(PARAMETER_SRCS, "Strict Redundancy Connection Signalisation", "SRCS", 1, 4, 4, SCOPE_LINE,
            "Started connections that the line must have to be true; by default all that are configured."),
    {PARAMETER_TKI, "Tcp Keep Init", "TKI", PARAMETER_INTEGER, "s", 0, 3600, 0, SCOPE_LINE,
     "Time for a connection to be established, in the place of WT0; 0: WT0 holds."},
    INTEGER(PARAMETER_PCNT, "Ping Count", "PCNT", 1, 1000, 3, SCOPE_LINE,
            "Pings without an answer after which an address is dead and its connection is closed."),
    LINE_MS(PARAMETER_PTO, "Ping TimeOut", "PTO", 0, 0,
            "Time for the answer to a ping of each address of the line; 0: none is sent."),
    BOOLEAN(PARAMETER_IT, "Ignore Test", "IT", 0, SCOPE_LINE,
            "Data whose cause has the test bit is that of a standby partner, and is dropped."),
    INTEGER(PARAMETER_ARMSD, "Asymmetric Redundancy Mode Slave Detection", "ARMSD", 0, 2, 0, SCOPE_LINE,
            "Of iec104 on tcp-redundant: how a standby marks its data: 0 not, 1 in the third control octet, "
            "2 by the test bit."),
    BOOLEAN(PARAMETER_ICCI, "Interrogation Covers Counter Interrogation", "ICCI", 1, SCOPE_STATION,
            "The answer to a general interrogation has the integrated totals, too."),
    BOOLEAN(PARAMETER_ICCP, "ICCP Flags Mapping", "ICCP", 0, SCOPE_STATION,
            "Flags A to H say the quality as ICCP does, and not the octet as received."),
    INTEGER(PARAMETER_CFRZ, "Counter Freeze", "CFRZ", 0, 2, 0, SCOPE_STATION,
            "What precedes the periodic counter interrogation: 0 nothing; 1 a freeze of the counters; 2 a "
            "freeze with reset. They are read when the station has confirmed it."),
    BOOLEAN(
        PARAMETER_SBE, "Select Before Execute", "SBE", 0, SCOPE_STATION,
        "Commands are selected, and executed when the selection is confirmed. At a station of iec104-server: "
        "a master's command without a selection is refused."),
    INTEGER(
        PARAMETER_OBUF, "Outgoing Buffer", "OBUF", 100, 1000000, 10000, SCOPE_LINE,
        "Of iec104-server and iec104-sinaut: values that are kept until the masters, or the partner, have "
        "acknowledged them; the oldest make room."),
    INTEGER(PARAMETER_EOI, "End of Initialization", "EOI", 0, 1, 0, SCOPE_LINE,
            "Of iec104-server: 1 tells the masters with type 70 when an instance has begun to act, and of a "
            "station for which RELOAD brought new or changed outputs."),
    BOOLEAN(
        PARAMETER_CSC, "Clock Synchronisation Confirm", "CSC", 1, SCOPE_LINE,
        "Of iec104-server: a master's clock synchronisation is confirmed. Our clock is not set by it; false: "
        "it is refused."),
    LINE_MS(
        PARAMETER_CAGE, "Command Age", "CAGE", 0, 0,
        "Of iec104-server: how far the time tag of a command (58 to 64) may be from our clock; 0: it is not "
        "looked at."),
};

const struct parameter_row *parameter_row(enum parameter_id id)
{
    KOMET_ASSERT((unsigned)id < PARAMETER_COUNT);
    KOMET_ASSERT(rows[id].id == id);
    return &rows[id];
}

const struct parameter_row *parameter_find(const char *name)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (strcasecmp(rows[i].full_name, name) == 0 || strcasecmp(rows[i].short_name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

struct parameter_set parameter_defaults(void)
{
    struct parameter_set set = {.server_host = ""};
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        set.value[i] = rows[i].initial;
    }
    return set;
}

struct parameter_set parameter_server_defaults(void)
{
    struct parameter_set set = parameter_defaults();
    set.value[PARAMETER_CMDC] = 1;
    return set;
}

void parameter_text(const struct parameter_row *row, int64_t value, char *text)
{
    switch (row->type) {
    case PARAMETER_TEXT: /* its default: what stands in a set is server_host */
        *text = '\0';
        return;
    case PARAMETER_BOOLEAN:
        snprintf(text, PARAMETER_TEXT_SIZE, "%s", value != 0 ? "true" : "false");
        return;
    case PARAMETER_LETTERS:
        for (unsigned i = 0; i < 8; i++) {
            if ((value >> i & 1) != 0) {
                *text++ = (char)('A' + i);
            }
        }
        *text = '\0';
        return;
    case PARAMETER_INTEGER:
    case PARAMETER_MILLISECONDS:
        snprintf(text, PARAMETER_TEXT_SIZE, "%lld", (long long)value);
        return;
    }
    KOMET_ASSERT_NEVER("an unknown type of parameter");
}

static const char *parse_boolean(const char *text, int64_t *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (unsigned i = 0; i < 4; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *value = strcasecmp(text, yes[i]) == 0;
            return NULL;
        }
    }
    return "true or false stands here";
}

static const char *parse_letters(const char *text, int64_t *value)
{
    *value = 0;
    for (; *text != '\0'; text++) {
        char letter = *text >= 'a' ? (char)(*text - 'a' + 'A') : *text;
        if (letter < 'A' || letter > 'H') {
            return "letters from A to H stand here, or nothing";
        }
        *value |= INT64_C(1) << (letter - 'A');
    }
    return NULL;
}

const char *parameter_parse(const struct parameter_row *row, const char *text, int64_t *value)
{
    int64_t parsed = 0;
    if (row->type == PARAMETER_TEXT) {
        *value = *text != '\0';
        return NULL;
    }
    if (row->type == PARAMETER_BOOLEAN) {
        return parse_boolean(text, value);
    }
    if (row->type == PARAMETER_LETTERS) {
        return parse_letters(text, value);
    }
    if (row->type == PARAMETER_MILLISECONDS) {
        int64_t duration_us;
        if (!duration_parse(text, 1000, &duration_us)) {
            return "a time stands here, such as 500 ms, 15 s or a number of milliseconds";
        }
        parsed = duration_us / 1000;
    } else {
        char *end;
        parsed = strtoll(text, &end, 10);
        if (end == text || *end != '\0') {
            return "a whole number stands here";
        }
    }
    if (parsed < row->minimum || parsed > row->maximum) {
        return "it is out of range; `komet check --parameters` lists the ranges";
    }
    *value = parsed;
    return NULL;
}

bool duration_parse(const char *text, int64_t bare_unit_us, int64_t *duration_us)
{
    static const struct {
        const char *name;
        double us;
    } units[] = {{"ms", 1e3}, {"s", 1e6}, {"min", 6e7}, {"h", 3.6e9}, {"d", 8.64e10}};
    char *end;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number) || number < 0) {
        return false;
    }
    while (*end == ' ') {
        end++;
    }
    double unit = *end == '\0' ? (double)bare_unit_us : 0;
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) == 0) {
            unit = units[i].us;
        }
    }
    if (unit == 0 || number * unit > 1e15) {
        return false;
    }
    *duration_us = (int64_t)llround(number * unit);
    return true;
}
