/*
 * centre_write: the ASDUs of requests, written where they are sent from.
 */
#include "komet/assert.h"

#include "centre_private.h"

enum { TEST_PATTERN = 0x55AA }; /* FBP of 104 (-5-101 7.2.6.14) */

/* The next that may be written: the oldest one, so that a request that is under way comes before a new one.
 */
static struct slot *next_slot(const struct komet_centre *centre, struct komet_utc utc)
{
    struct slot *oldest = NULL;
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        struct slot *slot = &centre->slots[i];
        if (!slot_wants_writing(slot) || (oldest != NULL && oldest->id < slot->id)) {
            continue;
        }
        if (komet_utc_known(utc) || komet_type_find(slot->request.type)->time == KOMET_TIME_NONE) {
            oldest = slot;
        }
    }
    return oldest;
}

static uint8_t cause_of(const struct slot *slot)
{
    if (slot->state == SLOT_LOADING) {
        return KOMET_COT_SPONTANEOUS;
    }
    if (slot->request.type == KOMET_C_RD_NA_1) {
        return KOMET_COT_REQUEST;
    }
    return slot->request.procedure == KOMET_CENTRE_DEACTIVATE ? KOMET_COT_DEACTIVATION : KOMET_COT_ACTIVATION;
}

/* S/E of what is written next. What breaks off a select is a select, too. */
static bool selects(const struct slot *slot)
{
    switch (slot->request.procedure) {
    case KOMET_CENTRE_ACTIVATE:
        return false;
    case KOMET_CENTRE_SELECT_EXECUTE:
        return slot->state == SLOT_WAITING;
    case KOMET_CENTRE_SELECT:
    case KOMET_CENTRE_DEACTIVATE:
        return centre_can_select(komet_type_find(slot->request.type));
    }
    KOMET_ASSERT_NEVER("a value of enum komet_centre_procedure");
}

/* CP16Time2a of 106: 0, then the delay. */
static uint16_t delay_field(const struct slot *slot)
{
    enum { MS_MAX = 59999 };
    int64_t ms = slot->state == SLOT_LOADING ? (slot->delay_us + 500) / 1000 : 0;
    return ms < MS_MAX ? (uint16_t)ms : (uint16_t)MS_MAX;
}

/* What is in the request's object from this instant on. The host gave the rest. */
static void complete_object(struct komet_centre *centre, struct slot *slot, struct komet_utc utc)
{
    struct komet_centre_request *request = &slot->request;
    struct komet_object *object = &request->object;
    object->select = selects(slot);
    if (komet_type_find(request->type)->time != KOMET_TIME_NONE) {
        komet_cp56_from_utc(&object->time, utc, request->offset_minutes);
        object->time.summer_time = request->summer_time;
    }
    switch (request->type) {
    case KOMET_C_TS_NA_1:
        object->test_pattern = TEST_PATTERN;
        return;
    case KOMET_C_TS_TA_1:
        object->test_pattern = ++centre->test_counter;
        return;
    case KOMET_C_CD_NA_1:
        object->elapsed_ms = delay_field(slot);
        return;
    default:
        return;
    }
}

size_t komet_centre_write(struct komet_centre *centre, struct komet_instant now, struct komet_utc utc,
                          uint8_t *octets)
{
    if (!centre->connected) {
        return 0;
    }
    komet_centre_tick(centre, now); /* what is too late now is not written any more */
    struct slot *slot = next_slot(centre, utc);
    if (slot == NULL) {
        return 0;
    }
    complete_object(centre, slot, utc);
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = slot->request.type,
                                       .cause = cause_of(slot),
                                       .test = slot->request.test,
                                       .oa = centre->settings.oa,
                                       .ca = slot->request.ca};
    bool begun = komet_asdu_begin(&writer, centre->settings.profile, &header, octets, KOMET_ASDU_SIZE_ONE);
    KOMET_ASSERT(begun);
    bool added = komet_asdu_add(&writer, &slot->request.object);
    KOMET_ASSERT(added);
    struct slot_input input = {.now = now};
    centre_step(centre, slot, EVENT_WRITTEN, &input);
    centre->counters.written++;
    return komet_asdu_end(&writer);
}
