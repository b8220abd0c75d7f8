/*
 * asdu_cause: which causes a type may have (-5-101 7.3, "causes used with type identification").
 *
 * A row is what belongs to a type in each direction. Mirrors with causes 44 to 47 belong to every type that
 * is sent to the station.
 */
#include "komet/assert.h"

#include "asdu_private.h"

#define C(cause) (UINT64_C(1) << (cause))
#define INTERROGATED                                                                                         \
    (((UINT64_C(1) << 17) - 1) << KOMET_COT_INTERROGATED_STATION) /* 20 to 36: station, groups 1 to 16 */
#define COUNTERS    (((UINT64_C(1) << 5) - 1) << KOMET_COT_COUNTERS_GENERAL) /* 37 to 41 */
#define UNKNOWN     (((UINT64_C(1) << 4) - 1) << KOMET_COT_UNKNOWN_TYPE)     /* 44 to 47 */
#define RETURN      (C(KOMET_COT_RETURN_REMOTE) | C(KOMET_COT_RETURN_LOCAL))
#define SPONTANEOUS C(KOMET_COT_SPONTANEOUS)
#define REQUEST     C(KOMET_COT_REQUEST)
#define ACTIVATION  C(KOMET_COT_ACTIVATION)
#define BACKGROUND  C(KOMET_COT_BACKGROUND)
#define PERIODIC    C(KOMET_COT_PERIODIC)
#define CONFIRMED   C(KOMET_COT_ACTIVATION_CON)
#define TERMINATED  C(KOMET_COT_ACTIVATION_TERMINATION)
#define STOP        C(KOMET_COT_DEACTIVATION)
#define STOPPED     C(KOMET_COT_DEACTIVATION_CON)
#define FILE_CAUSE  C(KOMET_COT_FILE)

/* Values: what a type without time tag answers, and one with it only reports. */
static uint64_t value_causes(const struct komet_type_row *row)
{
    bool analogue = row->element == KOMET_ELEMENT_NORMALIZED || row->element == KOMET_ELEMENT_SCALED ||
                    row->element == KOMET_ELEMENT_FLOAT;
    if (row->element == KOMET_ELEMENT_PROTECTION) {
        return SPONTANEOUS;
    }
    if (row->element == KOMET_ELEMENT_COUNTER) {
        return SPONTANEOUS | REQUEST | COUNTERS | (row->time == KOMET_TIME_NONE ? BACKGROUND : 0);
    }
    if (row->time != KOMET_TIME_NONE) {
        return SPONTANEOUS | REQUEST | RETURN;
    }
    return SPONTANEOUS | REQUEST | RETURN | BACKGROUND | INTERROGATED | (analogue ? PERIODIC : 0);
}

static uint64_t system_causes_to_station(uint8_t type)
{
    switch (type) {
    case KOMET_C_IC_NA_1:
    case KOMET_C_CI_NA_1:
        return ACTIVATION | STOP;
    case KOMET_C_RD_NA_1:
        return REQUEST;
    case KOMET_C_CD_NA_1: /* spontaneous: the delay is loaded */
        return ACTIVATION | SPONTANEOUS;
    default:
        return ACTIVATION;
    }
}

uint64_t komet_causes_to_station(uint8_t type)
{
    const struct komet_type_row *row = komet_type_find(type);
    if (row == NULL) {
        return 0;
    }
    switch (row->direction) {
    case KOMET_MONITOR:
        return 0;
    case KOMET_CONTROL:
        return ACTIVATION | STOP;
    case KOMET_SYSTEM_CONTROL:
        return system_causes_to_station(type);
    case KOMET_PARAMETER:
        return type == KOMET_P_AC_NA_1 ? ACTIVATION | STOP : ACTIVATION;
    case KOMET_FILE:
        return type == KOMET_F_DR_TA_1 ? 0 : FILE_CAUSE | (type == KOMET_F_SC_NA_1 ? REQUEST : 0);
    }
    KOMET_ASSERT_NEVER("an unknown direction");
}

uint64_t komet_causes_from_station(uint8_t type)
{
    const struct komet_type_row *row = komet_type_find(type);
    if (row == NULL) {
        return 0;
    }
    uint64_t asked = komet_causes_to_station(type);
    uint64_t answers = (asked & ACTIVATION ? CONFIRMED : 0) | (asked & STOP ? STOPPED : 0) | UNKNOWN;
    switch (row->direction) {
    case KOMET_MONITOR:
        return row->type == KOMET_M_EI_NA_1 ? C(KOMET_COT_INITIALIZED) : value_causes(row);
    case KOMET_CONTROL:
        return answers | TERMINATED;
    case KOMET_SYSTEM_CONTROL:
        return answers | (asked & STOP ? TERMINATED : 0) | (type == KOMET_C_CS_NA_1 ? SPONTANEOUS : 0);
    case KOMET_PARAMETER:
        return answers | (type == KOMET_P_AC_NA_1 ? 0 : INTERROGATED | REQUEST);
    case KOMET_FILE:
        return type == KOMET_F_DR_TA_1 ? SPONTANEOUS | REQUEST : FILE_CAUSE | UNKNOWN;
    }
    KOMET_ASSERT_NEVER("an unknown direction");
}
