/*
 * centre_request: what may be asked, and what is asked already.
 */
#include "komet/assert.h"

#include "asdu_private.h"
#include "centre_private.h"

/* -5-101 7.2.4 */
static bool can_broadcast(uint8_t type)
{
    return type_is_interrogation(type) || type == KOMET_C_CS_NA_1 || type == KOMET_C_RP_NA_1;
}

bool centre_can_select(const struct komet_type_row *row)
{
    return row->direction == KOMET_CONTROL && row->element != KOMET_ELEMENT_BITS;
}

static const char *procedure_fault(const struct komet_centre_request *request,
                                   const struct komet_type_row *row)
{
    switch (request->procedure) {
    case KOMET_CENTRE_ACTIVATE:
        return NULL;
    case KOMET_CENTRE_SELECT_EXECUTE:
    case KOMET_CENTRE_SELECT:
        return centre_can_select(row) ? NULL : "This type has no select.";
    case KOMET_CENTRE_DEACTIVATE:
        return row->direction == KOMET_CONTROL || type_is_interrogation(row->type) ||
                       row->type == KOMET_P_AC_NA_1
                   ? NULL
                   : "This type cannot be deactivated.";
    }
    return "The procedure is none of enum komet_centre_procedure.";
}

static const char *address_fault(const struct komet_profile *profile,
                                 const struct komet_centre_request *request, const struct komet_type_row *row)
{
    if (request->ca == 0 || request->ca > broadcast_ca(profile)) {
        return "The common address must be at least 1 and fit into the profile's octets.";
    }
    if (is_broadcast(profile, request->ca) && !can_broadcast(row->type)) {
        return "Only 100, 101, 103 and 105 may go to the broadcast address.";
    }
    if (request->object.ioa >> (8 * profile->ioa_size) != 0) {
        return "The information object address does not fit into the profile's octets.";
    }
    if (request->object.ioa != 0 && row->direction == KOMET_SYSTEM_CONTROL && row->type != KOMET_C_RD_NA_1) {
        return "This type is addressed to the station: its information object address is 0.";
    }
    return NULL;
}

static const char *value_fault(const struct komet_object *object, const struct komet_type_row *row)
{
    int32_t number = object->value.number;
    bool two_bits = row->element == KOMET_ELEMENT_DOUBLE || row->element == KOMET_ELEMENT_REGULATING;
    bool two_octets = row->element == KOMET_ELEMENT_NORMALIZED || row->element == KOMET_ELEMENT_SCALED;
    if (two_bits && number != 1 && number != 2) {
        return "A double or regulating step command is 1 or 2.";
    }
    if (two_octets && (number < INT16_MIN || number > INT16_MAX)) {
        return "The value must be -32768 to 32767.";
    }
    return NULL;
}

static const char *qualifier_fault(const struct komet_object *object, const struct komet_type_row *row)
{
    unsigned qualifier = object->qualifier;
    unsigned group = qualifier & 0x3F;
    switch (row->type) {
    case KOMET_C_IC_NA_1:
        return qualifier >= 20 && qualifier <= 36 ? NULL : "The qualifier of interrogation is 20 to 36.";
    case KOMET_C_CI_NA_1:
        return group >= 1 && group <= 5 ? NULL : "The request of a counter interrogation is 1 to 5.";
    case KOMET_C_RP_NA_1:
        return qualifier == 1 || qualifier == 2 ? NULL : "The qualifier of reset process is 1 or 2.";
    default:
        break;
    }
    if (row->direction != KOMET_CONTROL || row->element == KOMET_ELEMENT_BITS) {
        return NULL;
    }
    bool point = row->element == KOMET_ELEMENT_SINGLE || row->element == KOMET_ELEMENT_DOUBLE ||
                 row->element == KOMET_ELEMENT_REGULATING;
    if (qualifier > (point ? (unsigned)COMMAND_QU_MAX : (unsigned)SETPOINT_QL_MAX)) {
        return "The qualifier of a command is 0 to 31, of a set-point 0 to 127.";
    }
    return NULL;
}

const char *komet_centre_request_fault(const struct komet_centre *centre,
                                       const struct komet_centre_request *request)
{
    const struct komet_type_row *row = komet_type_find(request->type);
    if (row == NULL || (row->direction != KOMET_CONTROL && row->direction != KOMET_SYSTEM_CONTROL &&
                        row->direction != KOMET_PARAMETER)) {
        return "The type is none of 45 to 51, 58 to 64, 100 to 107, 110 to 113.";
    }
    if (request->offset_minutes < -1440 || request->offset_minutes > 1440) {
        return "The offset from UTC must be -1440 to 1440 minutes.";
    }
    const char *fault = procedure_fault(request, row);
    fault = fault != NULL ? fault : address_fault(centre->settings.profile, request, row);
    fault = fault != NULL ? fault : value_fault(&request->object, row);
    return fault != NULL ? fault : qualifier_fault(&request->object, row);
}

/* ---- requests ---- */

/* True when answers to the one could be taken for answers to the other. */
static bool collide(const struct komet_profile *profile, const struct komet_centre_request *a,
                    const struct komet_centre_request *b)
{
    bool same_station = a->ca == b->ca || is_broadcast(profile, a->ca) || is_broadcast(profile, b->ca);
    if (a->type != b->type || a->object.ioa != b->object.ioa || !same_station) {
        return false;
    }
    return !type_is_interrogation(a->type) ||
           (a->object.qualifier == b->object.qualifier && a->procedure == b->procedure);
}

static uint64_t awaited_stations(const struct komet_centre *centre,
                                 const struct komet_centre_request *request)
{
    unsigned count = centre->settings.station_count;
    if (!is_broadcast(centre->settings.profile, request->ca) || count == 0) {
        return 1;
    }
    return UINT64_MAX >> (KOMET_CENTRE_STATIONS_MAX - count);
}

enum komet_centre_result komet_centre_request(struct komet_centre *centre, struct komet_instant now,
                                              const struct komet_centre_request *request, uint64_t *id)
{
    KOMET_ASSERT(komet_centre_request_fault(centre, request) == NULL);
    struct slot *room = NULL;
    if (!centre->connected && !request->waits) {
        return KOMET_CENTRE_NOT_CONNECTED;
    }
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        struct slot *slot = &centre->slots[i];
        if (slot_is_open(slot) && collide(centre->settings.profile, &slot->request, request)) {
            return KOMET_CENTRE_BUSY;
        }
        room = slot->state == SLOT_FREE ? slot : room;
    }
    if (room == NULL) {
        return KOMET_CENTRE_FULL;
    }
    *room = (struct slot){.request = *request, .awaited = awaited_stations(centre, request)};
    room->id = ++centre->last_id;
    if (id != NULL) {
        *id = room->id;
    }
    centre->counters.requests++;
    centre_set_state(centre, room, now, SLOT_WAITING);
    return KOMET_CENTRE_TAKEN;
}
