/*
 * server_values: values as SELF.KOM,1 gives them to a server, and what becomes of them.
 */
#ifndef TEST_UNIT_SERVER_VALUES_H
#define TEST_UNIT_SERVER_VALUES_H

#include "server_harness.h"

/* For cmocka: SELF.KOM,1 acts, and what was told until then is forgotten; harness_tear_down ends it. */
static inline int values_set_up(void **state)
{
    harness_set_up(state);
    harness_active(*state, 1);
    harness_forget(*state);
    return 0;
}

/* A spontaneous value with the station's time tag. */
static inline struct given event(const char *tag, double number, int64_t ms)
{
    return (struct given){.tag = tag,
                          .number = number,
                          .cot = KOMET_COT_SPONTANEOUS,
                          .type = KOMET_M_ME_TF_1,
                          .time_ms = ms,
                          .tagged = true};
}

/* One without, with the time at which it came. */
static inline struct given untagged(const struct harness *harness, const char *tag, double number,
                                    uint8_t cot)
{
    return (struct given){.tag = tag,
                          .number = number,
                          .cot = cot,
                          .type = KOMET_M_ME_NC_1,
                          .time_ms = harness->now.utc.ms,
                          .arrival = true};
}

static inline struct given answer(const struct harness *harness, const char *tag, double number)
{
    return untagged(harness, tag, number, KOMET_COT_INTERROGATED_STATION);
}

/* How many of the kept records are events. */
static inline unsigned events(const struct harness *harness)
{
    return harness_records(harness, RECORD_EVENT);
}

/* What a tag has now. */
static inline const struct value *shown(const struct harness *harness, const char *tag)
{
    return server_value(harness->server, harness_tag(harness, tag));
}

#endif
