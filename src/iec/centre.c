/*
 * centre: the life of a controlling station's requests: settings, what may be asked, time, connections, and
 * the events that the host takes. The header says what a host does with it.
 *
 * Memory. One piece of the caller's: struct komet_centre, then the slots, then the CAs of the stations.
 */
#include "komet/centre.h"

#include <stdalign.h>
#include <string.h>

#include "komet/assert.h"

#include "asdu_private.h"
#include "centre_private.h"

/* ---- settings ---- */

struct komet_centre_settings komet_centre_settings_standard(void)
{
    return (struct komet_centre_settings){
        .profile = &komet_profile_104,
        .requests = 16,
        .confirm_us = KOMET_SECONDS(10),
        .terminate_us = KOMET_SECONDS(60),
        .select_us = KOMET_SECONDS(30),
    };
}

static const char *stations_fault(const struct komet_centre_settings *settings)
{
    if (settings->station_count > KOMET_CENTRE_STATIONS_MAX) {
        return "At most 64 stations can be named that answer a broadcast.";
    }
    for (unsigned i = 0; i < settings->station_count; i++) {
        if (settings->stations[i] == 0 || settings->stations[i] >= broadcast_ca(settings->profile)) {
            return "The common address of a station is 1 up to the one below the broadcast address.";
        }
        for (unsigned j = 0; j < i; j++) {
            if (settings->stations[j] == settings->stations[i]) {
                return "A station that answers a broadcast is named twice.";
            }
        }
    }
    return NULL;
}

const char *komet_centre_settings_fault(const struct komet_centre_settings *settings)
{
    KOMET_ASSERT(settings != NULL);
    if (settings->profile == NULL || !profile_usable(settings->profile)) {
        return "The profile is missing, or has widths that the standard does not know.";
    }
    if (settings->oa != 0 && settings->profile->cot_size == 1) {
        return "An originator address needs a cause of transmission of two octets.";
    }
    if (settings->requests < 1 || settings->requests > KOMET_CENTRE_REQUESTS_MAX) {
        return "The number of open requests must be 1 to 1024; the standard value is 16.";
    }
    if (settings->confirm_us <= 0) {
        return "The time for a confirmation must be above 0; the standard value is 10 s.";
    }
    if (settings->terminate_us <= 0) {
        return "The time for a termination must be above 0; the standard value is 60 s.";
    }
    if (settings->select_us <= 0) {
        return "The time that a select holds must be above 0; the standard value is 30 s.";
    }
    return stations_fault(settings);
}

static size_t slots_size(const struct komet_centre_settings *settings)
{
    return settings->requests * sizeof(struct slot);
}

size_t komet_centre_size(const struct komet_centre_settings *settings)
{
    KOMET_ASSERT(komet_centre_settings_fault(settings) == NULL);
    return sizeof(struct komet_centre) + slots_size(settings) + settings->station_count * sizeof(uint16_t);
}

struct komet_centre *komet_centre_init(void *memory, size_t size,
                                       const struct komet_centre_settings *settings)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_centre) == 0);
    KOMET_ASSERT(size >= komet_centre_size(settings));
    struct komet_centre *centre = memory;
    memset(centre, 0, sizeof *centre + slots_size(settings)); /* every slot is free */
    centre->settings = *settings;
    centre->slots = (struct slot *)(centre + 1);
    for (unsigned i = 0; i < settings->requests; i++) {
        centre->slots[i].limit = KOMET_NEVER;
    }
    uint16_t *stations = (uint16_t *)(centre->slots + settings->requests);
    for (unsigned i = 0; i < settings->station_count; i++) {
        stations[i] = settings->stations[i];
    }
    centre->settings.stations = stations;
    return centre;
}

/* ---- time and connections ---- */

void komet_centre_tick(struct komet_centre *centre, struct komet_instant now)
{
    struct slot_input input = {.now = now};
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        if (komet_reached(now, centre->slots[i].limit)) {
            centre_step(centre, &centre->slots[i], EVENT_LIMIT, &input);
        }
    }
}

struct komet_instant komet_centre_deadline(const struct komet_centre *centre)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        deadline = komet_earlier(deadline, centre->slots[i].limit);
    }
    return deadline;
}

void komet_centre_disconnected(struct komet_centre *centre, struct komet_instant now)
{
    struct slot_input input = {.now = now};
    if (!centre->connected) {
        return;
    }
    centre->connected = false;
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        centre_step(centre, &centre->slots[i], EVENT_CUT, &input);
    }
}

void komet_centre_connected(struct komet_centre *centre, struct komet_instant now)
{
    komet_centre_disconnected(centre, now);
    centre->connected = true;
}

/* ---- events ---- */

static unsigned count_stations(uint64_t stations)
{
    unsigned count = 0;
    for (; stations != 0; stations &= stations - 1) {
        count++;
    }
    return count;
}

static void tell(const struct slot *slot, enum komet_centre_kind kind, struct komet_centre_event *event)
{
    *event = (struct komet_centre_event){
        .kind = kind,
        .id = slot->id,
        .type = slot->request.type,
        .ca = slot->request.ca,
        .cause = slot->answer_cause,
        .select_only = slot->select_only,
        .confirmed = count_stations(slot->confirmed),
        .terminated = count_stations(slot->terminated),
        .refused = count_stations(slot->refused),
        .values = slot->values,
        .delay_us = slot->delay_us,
        .object = slot->answer,
    };
    if (kind == KOMET_CENTRE_REFUSED) {
        event->ca = slot->refusal_ca;
        event->cause = slot->refusal_cause;
    } else if (slot->answer_cause != 0 && kind <= KOMET_CENTRE_DONE) {
        event->ca = slot->answer_ca;
    }
}

static struct slot *next_told(const struct komet_centre *centre)
{
    struct slot *oldest = NULL;
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        struct slot *slot = &centre->slots[i];
        if ((slot->has_report || slot->state == SLOT_ENDED) && (oldest == NULL || slot->id < oldest->id)) {
            oldest = slot;
        }
    }
    return oldest;
}

bool komet_centre_next(struct komet_centre *centre, struct komet_centre_event *event)
{
    if (centre->initialized) {
        centre->initialized = false;
        *event = (struct komet_centre_event){.kind = KOMET_CENTRE_INITIALIZED,
                                             .type = KOMET_M_EI_NA_1,
                                             .ca = centre->initialized_ca,
                                             .cause = KOMET_COT_INITIALIZED,
                                             .object = centre->initialized_object};
        return true;
    }
    struct slot *slot = next_told(centre);
    if (slot == NULL) {
        centre->host_owes_next = false;
        return false;
    }
    if (slot->has_report) {
        slot->has_report = false;
        tell(slot, slot->report, event);
    } else {
        tell(slot, slot->end, event);
        centre_set_state(centre, slot, KOMET_NEVER, SLOT_FREE);
    }
    return true;
}

const char *komet_centre_kind_name(enum komet_centre_kind kind)
{
    switch (kind) {
    case KOMET_CENTRE_SELECTED:
        return "selected";
    case KOMET_CENTRE_CONFIRMED:
        return "confirmed";
    case KOMET_CENTRE_STATION_REFUSED:
        return "station-refused";
    case KOMET_CENTRE_DONE:
        return "done";
    case KOMET_CENTRE_STOPPED:
        return "stopped";
    case KOMET_CENTRE_REFUSED:
        return "refused";
    case KOMET_CENTRE_EXPIRED:
        return "expired";
    case KOMET_CENTRE_TIMEOUT:
        return "timeout";
    case KOMET_CENTRE_LOST:
        return "lost";
    case KOMET_CENTRE_INITIALIZED:
        return "initialized";
    }
    KOMET_ASSERT_NEVER("a value of enum komet_centre_kind");
}

struct komet_centre_counters komet_centre_counters(const struct komet_centre *centre)
{
    return centre->counters;
}
