/*
 * link_receive: octets in. Finds the frames, checks their numbers, and says for each function of the U format
 * and each state what follows (IEC 60870-5-104 5.1 to 5.3).
 *
 * Frames are decoded where they stand in the host's octets; only one that is cut by the end of a feed is
 * collected in the link's own memory.
 */
#include <string.h>

#include "komet/assert.h"

#include "link_private.h"

/* STARTDT act: the controlled side confirms it in every open state, also a second time. */
static void receive_startdt_act(struct komet_link *link, struct komet_instant now)
{
    if (link->settings.role == KOMET_CONTROLLING) {
        return; /* not ours to be started: ignored, the state is ours alone */
    }
    switch (link->state) {
    case KOMET_LINK_STOPPED:
        link_set_state(link, now, KOMET_LINK_STARTED);
        break;
    case KOMET_LINK_STOPPING: /* the peer changed its mind; its STOPDT is answered by this con */
        link_set_state(link, now, KOMET_LINK_STARTED);
        break;
    case KOMET_LINK_STARTED:
        break;
    case KOMET_LINK_STARTING:
    case KOMET_LINK_CLOSED:
        KOMET_ASSERT_NEVER("a state in which a controlled link receives");
    }
    link->pending.startdt_con = true;
    link->pending.stopdt_con_first = link->pending.stopdt_con;
}

/* A con counts only when the act has left: one that comes before cannot answer it. */
static void receive_startdt_con(struct komet_link *link, struct komet_instant now)
{
    if (link->pending.startdt_act) {
        return;
    }
    switch (link->state) {
    case KOMET_LINK_STARTING:
        link_set_state(link, now, KOMET_LINK_STARTED);
        return;
    case KOMET_LINK_STOPPED:
    case KOMET_LINK_STARTED:
    case KOMET_LINK_STOPPING:
        return; /* nobody asked: ignored */
    case KOMET_LINK_CLOSED:
        KOMET_ASSERT_NEVER("a state in which a link receives");
    }
}

static void receive_stopdt_act(struct komet_link *link, struct komet_instant now)
{
    if (link->settings.role == KOMET_CONTROLLING) {
        return;
    }
    switch (link->state) {
    case KOMET_LINK_STOPPED:
        link->pending.stopdt_con = true;
        link->pending.stopdt_con_first = false;
        return;
    case KOMET_LINK_STARTED:
        link_set_state(link, now, KOMET_LINK_STOPPING);
        link_finish_stop(link, now);
        return;
    case KOMET_LINK_STOPPING: /* the con comes as soon as it may */
        return;
    case KOMET_LINK_STARTING:
    case KOMET_LINK_CLOSED:
        KOMET_ASSERT_NEVER("a state in which a controlled link receives");
    }
}

static void receive_stopdt_con(struct komet_link *link, struct komet_instant now)
{
    if (link->settings.role == KOMET_CONTROLLED || link->pending.stopdt_act) {
        return;
    }
    switch (link->state) {
    case KOMET_LINK_STOPPING:
        link_set_state(link, now, KOMET_LINK_STOPPED);
        return;
    case KOMET_LINK_STOPPED:
    case KOMET_LINK_STARTING:
    case KOMET_LINK_STARTED:
        return; /* nobody asked: ignored */
    case KOMET_LINK_CLOSED:
        KOMET_ASSERT_NEVER("a state in which a link receives");
    }
}

static void receive_u(struct komet_link *link, struct komet_instant now, enum komet_u_function function)
{
    link->counters.u_received++;
    switch (function) {
    case KOMET_U_STARTDT_ACT:
        receive_startdt_act(link, now);
        return;
    case KOMET_U_STARTDT_CON:
        receive_startdt_con(link, now);
        return;
    case KOMET_U_STOPDT_ACT:
        receive_stopdt_act(link, now);
        return;
    case KOMET_U_STOPDT_CON:
        receive_stopdt_con(link, now);
        return;
    case KOMET_U_TESTFR_ACT:
        link->pending.testfr_con = true;
        return;
    case KOMET_U_TESTFR_CON:
        link->t1_test = KOMET_NEVER; /* without an act of ours nothing runs: ignored */
        return;
    case KOMET_U_NONE:
        break;
    }
    KOMET_ASSERT_NEVER("a function that komet_apdu_decode lets through");
}

/* A controlled side that was told to stop gets no more I formats; a controlling one gets them until the con.
 */
static bool i_format_is_due(const struct komet_link *link)
{
    if (link->settings.role == KOMET_CONTROLLED) {
        return link->state == KOMET_LINK_STARTED;
    }
    return link_data_passes(link);
}

static enum komet_reason receive_i(struct komet_link *link, const struct komet_apdu *apdu)
{
    if (!i_format_is_due(link)) {
        return KOMET_NOT_STARTED;
    }
    if (apdu->asdu_size == 0) {
        return KOMET_BAD_ASDU;
    }
    if (apdu->ns != link->received % KOMET_SEQUENCE_MODULUS) {
        return KOMET_BAD_SEQUENCE;
    }
    enum komet_reason reason = link_take_acknowledge(link, apdu->nr);
    if (reason != KOMET_OK) {
        return reason;
    }
    link->counters.i_above_k += link->received - link->acked_to_peer >= link->settings.k;
    link->received++;
    link->asdu = apdu->asdu;
    link->asdu_size = (uint8_t)apdu->asdu_size;
    link->asdu_cf3_mark = apdu->cf3_mark;
    return KOMET_OK;
}

static enum komet_reason receive_s(struct komet_link *link, struct komet_instant now, uint16_t nr)
{
    if (!link_data_passes(link)) {
        return KOMET_NOT_STARTED;
    }
    link->counters.s_received++;
    enum komet_reason reason = link_take_acknowledge(link, nr);
    if (reason == KOMET_OK) {
        link_finish_stop(link, now);
    }
    return reason;
}

static void receive_apdu(struct komet_link *link, struct komet_instant now, const struct komet_apdu *apdu)
{
    enum komet_reason reason = KOMET_OK;
    if (link->settings.t3_us != 0) {
        link->t3 = komet_after(now, link->settings.t3_us);
    }
    switch (apdu->format) {
    case KOMET_FORMAT_I:
        reason = receive_i(link, apdu);
        break;
    case KOMET_FORMAT_S:
        reason = receive_s(link, now, apdu->nr);
        break;
    case KOMET_FORMAT_U:
        receive_u(link, now, apdu->function);
        break;
    }
    if (reason != KOMET_OK) {
        link_close(link, reason);
    }
}

/* True when the host should call komet_link_next before anything more is taken. */
static bool has_something(const struct komet_link *link)
{
    const struct link_pending *p = &link->pending;
    return link->asdu != NULL || link->acked_reported != link->acked_by_peer ||
           link->reported_state != link->state || p->startdt_con || p->stopdt_con || p->testfr_con;
}

/*
 * Adds octets to the frame that an earlier feed began, no more than it needs to be complete: one at a time
 * until its length is known. Returns how many were taken; *apdu and *complete as komet_apdu_decode says.
 */
static size_t feed_partial(struct komet_link *link, const uint8_t *octets, size_t size,
                           struct komet_apdu *apdu, bool *complete)
{
    size_t taken = 0;
    *complete = false;
    while (taken < size && !*complete && link->state != KOMET_LINK_CLOSED) {
        size_t whole = link->partial_size < 2 ? 2 : (size_t)link->partial[1] + 2;
        KOMET_ASSERT(link->partial_size < whole && whole <= KOMET_APDU_SIZE_MAX);
        size_t part = whole - link->partial_size < size - taken ? whole - link->partial_size : size - taken;
        memcpy(link->partial + link->partial_size, octets + taken, part);
        link->partial_size = (uint8_t)(link->partial_size + part);
        taken += part;
        size_t consumed;
        enum komet_reason reason = komet_apdu_decode(link->partial, link->partial_size,
                                                     link->settings.tolerate_cf3_mark, apdu, &consumed);
        if (reason != KOMET_OK) {
            link_close(link, reason);
        }
        *complete = consumed > 0;
    }
    if (*complete) {
        link->partial_size = 0; /* the octets stay where they are until the next feed */
    }
    return taken;
}

/* The same for a frame that stands whole in the host's octets; what is cut at the end is kept. */
static size_t feed_in_place(struct komet_link *link, const uint8_t *octets, size_t size,
                            struct komet_apdu *apdu, bool *complete)
{
    size_t consumed;
    enum komet_reason reason =
        komet_apdu_decode(octets, size, link->settings.tolerate_cf3_mark, apdu, &consumed);
    *complete = consumed > 0;
    if (reason != KOMET_OK) {
        link_close(link, reason);
        return size;
    }
    if (consumed > 0) {
        return consumed;
    }
    KOMET_ASSERT(size < KOMET_APDU_SIZE_MAX);
    memcpy(link->partial, octets, size);
    link->partial_size = (uint8_t)size;
    return size;
}

size_t komet_link_feed(struct komet_link *link, struct komet_instant now, const uint8_t *octets, size_t size)
{
    KOMET_ASSERT(octets != NULL || size == 0);
    size_t taken = 0;
    if (link->state == KOMET_LINK_CLOSED) {
        return size;
    }
    KOMET_ASSERT(!link->host_owes_next);
    while (taken < size && !link->host_owes_next) {
        struct komet_apdu apdu;
        bool complete;
        const uint8_t *rest = octets + taken;
        taken += link->partial_size > 0 ? feed_partial(link, rest, size - taken, &apdu, &complete)
                                        : feed_in_place(link, rest, size - taken, &apdu, &complete);
        if (complete) {
            receive_apdu(link, now, &apdu);
        }
        link->host_owes_next = has_something(link);
    }
    link->counters.octets_received += taken;
    link_check(link);
    return link->state == KOMET_LINK_CLOSED ? size : taken;
}
