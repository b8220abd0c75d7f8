/* A simulated station and the controlling end of its connection: see centre.h. */
#include "centre.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void centre_begin(struct centre *centre)
{
    *centre = (struct centre){.now = {{5000000}, {1700000000000}}, .acknowledge = true};
}

void centre_end(struct centre *centre)
{
    free(centre->memory);
}

static void take_frame(struct centre *centre, const struct komet_link_output *from)
{
    assert_true(centre->frame_count < CENTRE_FRAMES_MAX);
    struct centre_frame *frame = &centre->frames[centre->frame_count++];
    memcpy(frame->octets, from->octets, from->size);
    frame->size = from->size;
    frame->ms = centre->now.utc.ms;
    centre->received = from->received;
    if (centre->acknowledge) {
        komet_link_acknowledge(centre->link, centre->now.instant, from->received);
    }
}

/* Octets of the station. */
static void hear(struct centre *centre, const uint8_t *octets, size_t size)
{
    uint8_t copy[CENTRE_OCTETS_MAX];
    assert_true(size <= sizeof copy);
    memcpy(copy, octets, size);
    for (size_t at = 0; at < size;) {
        struct komet_link_output output;
        at += komet_link_feed(centre->link, centre->now.instant, copy + at, size - at);
        while (komet_link_next(centre->link, centre->now.instant, &output) &&
               output.kind != KOMET_LINK_OUT_SEND) {
            assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
            if (output.kind == KOMET_LINK_OUT_ASDU) {
                take_frame(centre, &output);
            }
        }
    }
}

/* What the centre says next, copied into `octets`: *size, which may be 0. False: nothing. */
static bool say(struct centre *centre, uint8_t octets[CENTRE_OCTETS_MAX], size_t *size)
{
    struct komet_link_output output;
    *size = 0;
    if (centre->link == NULL || !komet_link_next(centre->link, centre->now.instant, &output)) {
        return false;
    }
    if (output.kind == KOMET_LINK_OUT_SEND) {
        assert_true(output.size <= CENTRE_OCTETS_MAX);
        memcpy(octets, output.octets, output.size);
        *size = output.size;
        komet_link_written(centre->link, output.size);
    } else {
        assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
    }
    return true;
}

static void pump_station(struct centre *centre)
{
    struct rtu_output output;
    while (sim_partner_next(&centre->station, centre->now, &output)) {
        switch (output.kind) {
        case RTU_OUT_EVENT:
            assert_non_null(centre->station.rtu); /* a replay makes none */
            assert_true(centre->event_count < CENTRE_EVENTS_MAX);
            centre->events[centre->event_count++] = output;
            break;
        case RTU_OUT_NOTE:
            assert_true(centre->note_count < CENTRE_NOTES_MAX);
            snprintf(centre->notes[centre->note_count++], CENTRE_NOTE_SIZE, "%s", output.text);
            break;
        case RTU_OUT_SEND:
            hear(centre, output.octets, output.size);
            sim_partner_written(&centre->station, output.connection, output.size);
            break;
        case RTU_OUT_CLOSE:
            centre->closed = true;
            centre->reason = output.reason;
            centre->link = NULL;
            return;
        }
    }
}

/* Octets from the centre to the station, or none. True when it had anything to do. */
static bool pump_centre(struct centre *centre)
{
    uint8_t octets[CENTRE_OCTETS_MAX];
    size_t size;
    if (!say(centre, octets, &size)) {
        return false;
    }
    for (size_t at = 0; at < size && centre->link != NULL;) {
        at += sim_partner_feed(&centre->station, centre->now, 0, octets + at, size - at);
        pump_station(centre);
    }
    return true;
}

void centre_pump(struct centre *centre)
{
    do {
        pump_station(centre);
    } while (pump_centre(centre));
}

void centre_connect(struct centre *centre, uint16_t w)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    settings.w = w;
    settings.k = centre->k > 0 ? centre->k : settings.k;
    if (centre->memory == NULL) {
        centre->memory = malloc(komet_link_size(&settings));
        assert_non_null(centre->memory);
    }
    centre->closed = false;
    centre->received = 0;
    centre->link =
        komet_link_init(centre->memory, komet_link_size(&settings), &settings, centre->now.instant);
    sim_partner_connected(&centre->station, centre->now, 0);
}

void centre_start(struct centre *centre)
{
    centre_connect(centre, 1);
    komet_link_start(centre->link, centre->now.instant);
    centre_pump(centre);
    assert_int_equal(komet_link_state(centre->link), KOMET_LINK_STARTED);
}

void centre_disconnect(struct centre *centre)
{
    centre->link = NULL;
    sim_partner_closed(&centre->station, centre->now, 0);
}

void centre_send(struct centre *centre, const uint8_t *octets, size_t size)
{
    uint8_t *place = komet_link_reserve(centre->link);
    assert_non_null(place);
    memcpy(place, octets, size);
    komet_link_commit(centre->link, centre->now.instant, size);
    centre_pump(centre);
}
