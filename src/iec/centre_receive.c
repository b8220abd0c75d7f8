/*
 * centre_receive: which request an ASDU answers, and what the answer is.
 */
#include "komet/assert.h"

#include "centre_private.h"

enum { QOI_LAST = 36, RQT = 0x3F, RQT_GROUPS = 4, RQT_GENERAL = 5 };

/* Which of the awaited stations speaks with this CA; 0: none of them. */
static uint64_t stations_of(const struct komet_centre *centre, const struct slot *slot, uint16_t ca)
{
    if (ca == slot->request.ca) {
        return slot->awaited;
    }
    if (!is_broadcast(centre->settings.profile, slot->request.ca)) {
        return 0;
    }
    for (unsigned i = 0; i < centre->settings.station_count; i++) {
        if (centre->settings.stations[i] == ca) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

/* An originator address of 0 is that of a station that mirrors none. */
static bool originator_fits(const struct komet_centre *centre, const struct komet_asdu *asdu)
{
    return asdu->oa == centre->settings.oa || asdu->oa == 0;
}

/* ---- confirmations, refusals, terminations ---- */

/* SLOT_EVENTS: the cause is none of an answer. */
static enum slot_event event_of(const struct komet_asdu *asdu)
{
    switch (asdu->cause) {
    case KOMET_COT_ACTIVATION_CON:
    case KOMET_COT_DEACTIVATION_CON:
        return asdu->negative ? EVENT_DENIED : EVENT_CONFIRMED;
    case KOMET_COT_ACTIVATION_TERMINATION:
        return asdu->negative ? EVENT_FAILED : EVENT_TERMINATED;
    case KOMET_COT_UNKNOWN_TYPE:
    case KOMET_COT_UNKNOWN_CAUSE:
    case KOMET_COT_UNKNOWN_CA:
    case KOMET_COT_UNKNOWN_IOA:
        return EVENT_UNKNOWN;
    default:
        return SLOT_EVENTS;
    }
}

/* True when what the request asked for is what the answer names. */
static bool names_request(const struct komet_centre_request *request, const struct komet_asdu *asdu,
                          const struct komet_object *object)
{
    const struct komet_object *asked = &request->object;
    if (request->type != asdu->type || request->test != asdu->test || asked->ioa != object->ioa) {
        return false;
    }
    switch (request->type) {
    case KOMET_C_IC_NA_1:
    case KOMET_C_CI_NA_1:
        return asked->qualifier == object->qualifier;
    case KOMET_C_TS_NA_1:
    case KOMET_C_TS_TA_1:
        return asked->test_pattern == object->test_pattern;
    default:
        return asked->select == object->select; /* false in both where there is no S/E */
    }
}

/* True when the cause is one that answers the cause of the request. */
static bool answers_cause(const struct komet_centre_request *request, const struct komet_asdu *asdu)
{
    bool deactivates = request->procedure == KOMET_CENTRE_DEACTIVATE;
    switch (asdu->cause) {
    case KOMET_COT_ACTIVATION_CON: /* the positive answer to a read is a value */
        return !deactivates && (request->type != KOMET_C_RD_NA_1 || asdu->negative);
    case KOMET_COT_ACTIVATION_TERMINATION:
        return !deactivates;
    case KOMET_COT_DEACTIVATION_CON:
        return deactivates;
    default:
        return true;
    }
}

static bool take_answer(struct komet_centre *centre, struct komet_instant now, const struct komet_asdu *asdu)
{
    enum slot_event event = event_of(asdu);
    if (event == SLOT_EVENTS) {
        return false; /* what somebody else asks, or a station's own clock (103 with cause 3) */
    }
    struct slot_input input = {.now = now, .ca = asdu->ca, .cause = asdu->cause};
    komet_asdu_object(asdu, 0, &input.object);
    /* Stations answer in order: of two that an answer fits, an interrogation and its deactivation, the first
     * one that still awaits it. The table says which do. */
    for (uint64_t behind = 0;;) {
        struct slot *oldest = NULL;
        for (unsigned i = 0; i < centre->settings.requests; i++) {
            struct slot *slot = &centre->slots[i];
            if (slot_is_open(slot) && slot->id > behind && (oldest == NULL || slot->id < oldest->id) &&
                names_request(&slot->request, asdu, &input.object) && answers_cause(&slot->request, asdu) &&
                originator_fits(centre, asdu) && stations_of(centre, slot, asdu->ca) != 0) {
                oldest = slot;
            }
        }
        if (oldest == NULL) {
            centre->counters.unexpected++;
            return false;
        }
        input.who = stations_of(centre, oldest, asdu->ca);
        if (centre_step(centre, oldest, event, &input)) {
            centre->host_owes_next = true;
            return true;
        }
        behind = oldest->id;
    }
}

/* ---- values ---- */

/* The cause that values of an interrogation have; 0 for one that brings none, or other requests. */
static uint8_t cause_of_values(const struct komet_centre_request *request)
{
    uint8_t qualifier = request->object.qualifier;
    if (request->procedure == KOMET_CENTRE_DEACTIVATE || !type_is_interrogation(request->type)) {
        return 0;
    }
    if (request->type == KOMET_C_IC_NA_1) {
        KOMET_ASSERT(qualifier <= QOI_LAST);
        return qualifier;
    }
    unsigned group = qualifier & RQT;
    return (uint8_t)(KOMET_COT_COUNTERS_GENERAL + (group == RQT_GENERAL ? 0 : group));
}

static bool find_object(const struct komet_asdu *asdu, uint32_t ioa, struct komet_object *object)
{
    for (unsigned i = 0; i < asdu->count; i++) {
        komet_asdu_object(asdu, i, object);
        if (object->ioa == ioa) {
            return true;
        }
    }
    return false;
}

static void take_value(struct komet_centre *centre, struct slot *slot, struct komet_instant now,
                       const struct komet_asdu *asdu)
{
    struct slot_input input = {.now = now, .ca = asdu->ca, .cause = asdu->cause, .values = asdu->count};
    if (slot->request.type == KOMET_C_RD_NA_1) {
        if (asdu->cause != KOMET_COT_REQUEST || asdu->ca != slot->request.ca ||
            !find_object(asdu, slot->request.object.ioa, &input.object)) {
            return;
        }
    } else if (asdu->cause != cause_of_values(&slot->request) ||
               (asdu->ca != slot->request.ca && !is_broadcast(centre->settings.profile, slot->request.ca))) {
        return;
    }
    if (centre_step(centre, slot, EVENT_VALUE, &input)) {
        centre->host_owes_next = true;
    }
}

static bool is_asked_value(const struct komet_asdu *asdu)
{
    return asdu->cause == KOMET_COT_REQUEST || (asdu->cause >= KOMET_COT_INTERROGATED_STATION &&
                                                asdu->cause <= KOMET_COT_COUNTERS_GENERAL + RQT_GROUPS);
}

static void take_values(struct komet_centre *centre, struct komet_instant now, const struct komet_asdu *asdu)
{
    if (!is_asked_value(asdu) || !originator_fits(centre, asdu)) {
        return;
    }
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        struct slot *slot = &centre->slots[i];
        if (slot_is_open(slot) && slot->request.test == asdu->test) {
            take_value(centre, slot, now, asdu);
        }
    }
}

bool komet_centre_receive(struct komet_centre *centre, struct komet_instant now,
                          const struct komet_asdu *asdu)
{
    KOMET_ASSERT(!centre->host_owes_next);
    if (asdu->row == NULL) {
        return false;
    }
    switch (asdu->row->direction) {
    case KOMET_MONITOR:
        if (asdu->type == KOMET_M_EI_NA_1) {
            centre->initialized = centre->host_owes_next = true;
            centre->initialized_ca = asdu->ca;
            komet_asdu_object(asdu, 0, &centre->initialized_object);
            centre->initialized_object.octets = NULL;
            centre->initialized_object.octets_size = 0;
        } else {
            take_values(centre, now, asdu);
        }
        return false;
    case KOMET_CONTROL:
    case KOMET_SYSTEM_CONTROL:
        return take_answer(centre, now, asdu);
    case KOMET_PARAMETER:
        if (is_asked_value(asdu)) { /* an interrogation brings parameters, too */
            take_values(centre, now, asdu);
            return false;
        }
        return take_answer(centre, now, asdu);
    case KOMET_FILE:
        return false;
    }
    KOMET_ASSERT_NEVER("a value of enum komet_direction");
}
