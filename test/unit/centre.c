/* The controlling end of a connection to a simulated station: see centre.h. */
#include "centre.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

void centre_connect(struct centre *centre, struct rtu_now now, uint16_t w)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    settings.w = w;
    if (centre->memory == NULL) {
        centre->memory = malloc(komet_link_size(&settings));
        assert_non_null(centre->memory);
    }
    centre->received = 0;
    centre->link = komet_link_init(centre->memory, komet_link_size(&settings), &settings, now.instant);
}

static void take_frame(struct centre *centre, struct rtu_now now, const struct komet_link_output *from)
{
    assert_true(centre->frame_count < CENTRE_FRAMES_MAX);
    struct centre_frame *frame = &centre->frames[centre->frame_count++];
    memcpy(frame->octets, from->octets, from->size);
    frame->size = from->size;
    frame->ms = now.utc.ms;
    centre->received = from->received;
    if (centre->acknowledge) {
        komet_link_acknowledge(centre->link, now.instant, from->received);
    }
}

void centre_hear(struct centre *centre, struct rtu_now now, const uint8_t *octets, size_t size)
{
    uint8_t copy[CENTRE_OCTETS_MAX];
    assert_true(size <= sizeof copy);
    memcpy(copy, octets, size);
    for (size_t at = 0; at < size;) {
        struct komet_link_output output;
        at += komet_link_feed(centre->link, now.instant, copy + at, size - at);
        while (komet_link_next(centre->link, now.instant, &output) && output.kind != KOMET_LINK_OUT_SEND) {
            assert_int_not_equal(output.kind, KOMET_LINK_OUT_CLOSE);
            if (output.kind == KOMET_LINK_OUT_ASDU) {
                take_frame(centre, now, &output);
            }
        }
    }
}

bool centre_say(struct centre *centre, struct rtu_now now, uint8_t *octets, size_t *size)
{
    struct komet_link_output output;
    *size = 0;
    if (centre->link == NULL || !komet_link_next(centre->link, now.instant, &output)) {
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

void centre_send(struct centre *centre, struct rtu_now now, const uint8_t *octets, size_t size)
{
    uint8_t *place = komet_link_reserve(centre->link);
    assert_non_null(place);
    memcpy(place, octets, size);
    komet_link_commit(centre->link, now.instant, size);
}

void centre_free(struct centre *centre)
{
    free(centre->memory);
}
