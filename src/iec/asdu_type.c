/*
 * asdu_type: the table of types and the names of the causes (-5-101 7.2.1 and 7.2.3, -5-104 8).
 *
 * All that decoding and encoding know about a type stands in its row here: a new type of a known element
 * is one line. The list is expanded twice, into the rows and into the index from type identification to
 * row, so that the two cannot differ.
 */
#include "komet/asdu.h"

#include <assert.h>

#include "komet/assert.h"

/* clang-format off: a table */
/*   type       octets  element      time      direction      SQ=1   single title */
#define TYPES(ROW)                                                                                           \
    ROW(M_SP_NA_1, 1, SINGLE, NONE, MONITOR, true, false, "single-point information")                        \
    ROW(M_SP_TA_1, 4, SINGLE, CP24, MONITOR, false, false, "single-point information with time tag")         \
    ROW(M_DP_NA_1, 1, DOUBLE, NONE, MONITOR, true, false, "double-point information")                        \
    ROW(M_DP_TA_1, 4, DOUBLE, CP24, MONITOR, false, false, "double-point information with time tag")         \
    ROW(M_ST_NA_1, 2, STEP, NONE, MONITOR, true, false, "step position information")                         \
    ROW(M_ST_TA_1, 5, STEP, CP24, MONITOR, false, false, "step position information with time tag")          \
    ROW(M_BO_NA_1, 5, BITS, NONE, MONITOR, true, false, "bitstring of 32 bits")                              \
    ROW(M_BO_TA_1, 8, BITS, CP24, MONITOR, false, false, "bitstring of 32 bits with time tag")               \
    ROW(M_ME_NA_1, 3, NORMALIZED, NONE, MONITOR, true, false, "measured value, normalized value")            \
    ROW(M_ME_TA_1, 6, NORMALIZED, CP24, MONITOR, false, false,                                               \
        "measured value, normalized value with time tag")                                                    \
    ROW(M_ME_NB_1, 3, SCALED, NONE, MONITOR, true, false, "measured value, scaled value")                    \
    ROW(M_ME_TB_1, 6, SCALED, CP24, MONITOR, false, false, "measured value, scaled value with time tag")     \
    ROW(M_ME_NC_1, 5, FLOAT, NONE, MONITOR, true, false, "measured value, short floating point number")      \
    ROW(M_ME_TC_1, 8, FLOAT, CP24, MONITOR, false, false,                                                    \
        "measured value, short floating point number with time tag")                                         \
    ROW(M_IT_NA_1, 5, COUNTER, NONE, MONITOR, true, false, "integrated totals")                              \
    ROW(M_IT_TA_1, 8, COUNTER, CP24, MONITOR, false, false, "integrated totals with time tag")               \
    ROW(M_EP_TA_1, 6, PROTECTION, CP24, MONITOR, false, false,                                               \
        "event of protection equipment with time tag")                                                       \
    ROW(M_EP_TB_1, 7, PROTECTION, CP24, MONITOR, false, false,                                               \
        "packed start events of protection equipment with time tag")                                         \
    ROW(M_EP_TC_1, 7, PROTECTION, CP24, MONITOR, false, false,                                               \
        "packed output circuit information of protection equipment with time tag")                           \
    ROW(M_PS_NA_1, 5, BITS, NONE, MONITOR, true, false,                                                      \
        "packed single-point information with status change detection")                                      \
    ROW(M_ME_ND_1, 2, NORMALIZED, NONE, MONITOR, true, false,                                                \
        "measured value, normalized value without quality descriptor")                                       \
    ROW(M_SP_TB_1, 8, SINGLE, CP56, MONITOR, false, false,                                                   \
        "single-point information with time tag CP56Time2a")                                                 \
    ROW(M_DP_TB_1, 8, DOUBLE, CP56, MONITOR, false, false,                                                   \
        "double-point information with time tag CP56Time2a")                                                 \
    ROW(M_ST_TB_1, 9, STEP, CP56, MONITOR, false, false,                                                     \
        "step position information with time tag CP56Time2a")                                                \
    ROW(M_BO_TB_1, 12, BITS, CP56, MONITOR, false, false, "bitstring of 32 bits with time tag CP56Time2a")   \
    ROW(M_ME_TD_1, 10, NORMALIZED, CP56, MONITOR, false, false,                                              \
        "measured value, normalized value with time tag CP56Time2a")                                         \
    ROW(M_ME_TE_1, 10, SCALED, CP56, MONITOR, false, false,                                                  \
        "measured value, scaled value with time tag CP56Time2a")                                             \
    ROW(M_ME_TF_1, 12, FLOAT, CP56, MONITOR, false, false,                                                   \
        "measured value, short floating point number with time tag CP56Time2a")                              \
    ROW(M_IT_TB_1, 12, COUNTER, CP56, MONITOR, false, false, "integrated totals with time tag CP56Time2a")   \
    ROW(M_EP_TD_1, 10, PROTECTION, CP56, MONITOR, false, false,                                              \
        "event of protection equipment with time tag CP56Time2a")                                            \
    ROW(M_EP_TE_1, 11, PROTECTION, CP56, MONITOR, false, false,                                              \
        "packed start events of protection equipment with time tag CP56Time2a")                              \
    ROW(M_EP_TF_1, 11, PROTECTION, CP56, MONITOR, false, false,                                              \
        "packed output circuit information of protection equipment with time tag CP56Time2a")                \
    ROW(C_SC_NA_1, 1, SINGLE, NONE, CONTROL, false, true, "single command")                                  \
    ROW(C_DC_NA_1, 1, DOUBLE, NONE, CONTROL, false, true, "double command")                                  \
    ROW(C_RC_NA_1, 1, REGULATING, NONE, CONTROL, false, true, "regulating step command")                     \
    ROW(C_SE_NA_1, 3, NORMALIZED, NONE, CONTROL, false, true, "set-point command, normalized value")         \
    ROW(C_SE_NB_1, 3, SCALED, NONE, CONTROL, false, true, "set-point command, scaled value")                 \
    ROW(C_SE_NC_1, 5, FLOAT, NONE, CONTROL, false, true, "set-point command, short floating point number")   \
    ROW(C_BO_NA_1, 4, BITS, NONE, CONTROL, false, true, "bitstring of 32 bits, command")                     \
    ROW(C_SC_TA_1, 8, SINGLE, CP56, CONTROL, false, true, "single command with time tag CP56Time2a")         \
    ROW(C_DC_TA_1, 8, DOUBLE, CP56, CONTROL, false, true, "double command with time tag CP56Time2a")         \
    ROW(C_RC_TA_1, 8, REGULATING, CP56, CONTROL, false, true,                                                \
        "regulating step command with time tag CP56Time2a")                                                  \
    ROW(C_SE_TA_1, 10, NORMALIZED, CP56, CONTROL, false, true,                                               \
        "set-point command, normalized value with time tag CP56Time2a")                                      \
    ROW(C_SE_TB_1, 10, SCALED, CP56, CONTROL, false, true,                                                   \
        "set-point command, scaled value with time tag CP56Time2a")                                          \
    ROW(C_SE_TC_1, 12, FLOAT, CP56, CONTROL, false, true,                                                    \
        "set-point command, short floating point number with time tag CP56Time2a")                           \
    ROW(C_BO_TA_1, 11, BITS, CP56, CONTROL, false, true,                                                     \
        "bitstring of 32 bits, command with time tag CP56Time2a")                                            \
    ROW(M_EI_NA_1, 1, NONE, NONE, MONITOR, false, true, "end of initialization")                             \
    ROW(C_IC_NA_1, 1, NONE, NONE, SYSTEM_CONTROL, false, true, "interrogation command")                      \
    ROW(C_CI_NA_1, 1, NONE, NONE, SYSTEM_CONTROL, false, true, "counter interrogation command")              \
    ROW(C_RD_NA_1, 0, NONE, NONE, SYSTEM_CONTROL, false, true, "read command")                               \
    ROW(C_CS_NA_1, 7, NONE, CP56, SYSTEM_CONTROL, false, true, "clock synchronization command")              \
    ROW(C_TS_NA_1, 2, NONE, NONE, SYSTEM_CONTROL, false, true, "test command")                               \
    ROW(C_RP_NA_1, 1, NONE, NONE, SYSTEM_CONTROL, false, true, "reset process command")                      \
    ROW(C_CD_NA_1, 2, NONE, NONE, SYSTEM_CONTROL, false, true, "delay acquisition command")                  \
    ROW(C_TS_TA_1, 9, NONE, CP56, SYSTEM_CONTROL, false, true, "test command with time tag CP56Time2a")      \
    ROW(P_ME_NA_1, 3, NORMALIZED, NONE, PARAMETER, false, true,                                              \
        "parameter of measured values, normalized value")                                                    \
    ROW(P_ME_NB_1, 3, SCALED, NONE, PARAMETER, false, true, "parameter of measured values, scaled value")    \
    ROW(P_ME_NC_1, 5, FLOAT, NONE, PARAMETER, false, true,                                                   \
        "parameter of measured values, short floating point number")                                         \
    ROW(P_AC_NA_1, 1, NONE, NONE, PARAMETER, false, true, "parameter activation")                            \
    ROW(F_FR_NA_1, 6, FILE, NONE, FILE, false, true, "file ready")                                           \
    ROW(F_SR_NA_1, 7, FILE, NONE, FILE, false, true, "section ready")                                        \
    ROW(F_SC_NA_1, 4, FILE, NONE, FILE, false, true, "call directory, select file, call file, call section") \
    ROW(F_LS_NA_1, 5, FILE, NONE, FILE, false, true, "last section, last segment")                           \
    ROW(F_AF_NA_1, 4, FILE, NONE, FILE, false, true, "ack file, ack section")                                \
    ROW(F_SG_NA_1, 4, FILE, NONE, FILE, false, true, "segment")                                              \
    ROW(F_DR_TA_1, 13, FILE, CP56, FILE, true, false, "directory")                                           \
    ROW(F_SC_NB_1, 16, FILE, NONE, FILE, false, true, "query log, request archive file")
/* clang-format on */

#define AS_POSITION(name, octets, element, time, direction, sq, single, title) POSITION_##name,
enum { TYPES(AS_POSITION) TYPE_COUNT };

#define AS_ROW(name, octets, element, time, direction, sq, single, title)                                    \
    {KOMET_##name, octets, KOMET_ELEMENT_##element, KOMET_TIME_##time, KOMET_##direction, sq, single,        \
     #name,        title},
static const struct komet_type_row rows[TYPE_COUNT] = {TYPES(AS_ROW)};

/* Position + 1, so that what is not named is 0: unknown. */
#define AS_INDEX(name, octets, element, time, direction, sq, single, title)                                  \
    [KOMET_##name] = POSITION_##name + 1,
static const uint8_t index_of_type[256] = {TYPES(AS_INDEX)};

static_assert(TYPE_COUNT < 255, "the index is one octet");

const struct komet_type_row *komet_type_find(uint8_t type)
{
    unsigned index = index_of_type[type];
    if (index == 0) {
        return NULL;
    }
    KOMET_ASSERT(index <= TYPE_COUNT);
    return &rows[index - 1];
}

const struct komet_type_row *komet_type_table(size_t *count)
{
    KOMET_ASSERT(count != NULL);
    *count = TYPE_COUNT;
    return rows;
}

/* clang-format off: one line a cause */
static const char *const cause_names[64] = {
    [KOMET_COT_PERIODIC] = "periodic",
    [KOMET_COT_BACKGROUND] = "background scan",
    [KOMET_COT_SPONTANEOUS] = "spontaneous",
    [KOMET_COT_INITIALIZED] = "initialized",
    [KOMET_COT_REQUEST] = "request",
    [KOMET_COT_ACTIVATION] = "activation",
    [KOMET_COT_ACTIVATION_CON] = "activation confirmation",
    [KOMET_COT_DEACTIVATION] = "deactivation",
    [KOMET_COT_DEACTIVATION_CON] = "deactivation confirmation",
    [KOMET_COT_ACTIVATION_TERMINATION] = "activation termination",
    [KOMET_COT_RETURN_REMOTE] = "return information by a remote command",
    [KOMET_COT_RETURN_LOCAL] = "return information by a local command",
    [KOMET_COT_FILE] = "file transfer",
    [KOMET_COT_INTERROGATED_STATION] = "interrogated by station interrogation",
    [21] = "interrogated by group 1",
    [22] = "interrogated by group 2",
    [23] = "interrogated by group 3",
    [24] = "interrogated by group 4",
    [25] = "interrogated by group 5",
    [26] = "interrogated by group 6",
    [27] = "interrogated by group 7",
    [28] = "interrogated by group 8",
    [29] = "interrogated by group 9",
    [30] = "interrogated by group 10",
    [31] = "interrogated by group 11",
    [32] = "interrogated by group 12",
    [33] = "interrogated by group 13",
    [34] = "interrogated by group 14",
    [35] = "interrogated by group 15",
    [36] = "interrogated by group 16",
    [KOMET_COT_COUNTERS_GENERAL] = "requested by general counter request",
    [38] = "requested by group 1 counter request",
    [39] = "requested by group 2 counter request",
    [40] = "requested by group 3 counter request",
    [41] = "requested by group 4 counter request",
    [KOMET_COT_UNKNOWN_TYPE] = "unknown type identification",
    [KOMET_COT_UNKNOWN_CAUSE] = "unknown cause of transmission",
    [KOMET_COT_UNKNOWN_CA] = "unknown common address",
    [KOMET_COT_UNKNOWN_IOA] = "unknown information object address",
};
/* clang-format on */

const char *komet_cause_name(unsigned cause)
{
    KOMET_ASSERT(cause < 64);
    return cause_names[cause] != NULL ? cause_names[cause] : "reserved";
}
