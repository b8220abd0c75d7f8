/*
 * link_send: octets out. The output buffer, the window of I formats, and acknowledgements in both directions
 * (IEC 60870-5-104 5.1, 5.2, 5.5).
 *
 * The buffer is linear: frames are encoded at its tail, TCP takes from its head, and both go back to 0 when
 * it is empty, which is nearly always. Only when the tail hits the end while TCP has taken a part is the rest
 * moved to the front. U and S formats wait as flags until there is room, and I formats leave that room free.
 */
#include <string.h>

#include "komet/assert.h"

#include "link_private.h"

static size_t output_free(const struct komet_link *link)
{
    return link->settings.output_size - (link->output_tail - link->output_head);
}

/* Makes `size` octets free behind the tail; there must be as many in all. */
static void output_make_room(struct komet_link *link, size_t size)
{
    KOMET_ASSERT(output_free(link) >= size);
    if (link->settings.output_size - link->output_tail < size) {
        memmove(link->output, link->output + link->output_head, link->output_tail - link->output_head);
        link->output_tail -= link->output_head;
        link->output_head = 0;
    }
    KOMET_ASSERT(link->settings.output_size - link->output_tail >= size);
}

/* A place for one S or U format, or NULL when the buffer is full: then the flag stays set. */
static uint8_t *put_control(struct komet_link *link)
{
    if (output_free(link) < KOMET_APDU_HEADER_SIZE) {
        return NULL;
    }
    output_make_room(link, KOMET_APDU_HEADER_SIZE);
    link->reserved = false;
    uint8_t *place = link->output + link->output_tail;
    link->output_tail += KOMET_APDU_HEADER_SIZE;
    return place;
}

static void flush_u(struct komet_link *link, bool *pending, enum komet_u_function function)
{
    uint8_t *place = *pending ? put_control(link) : NULL;
    if (place != NULL) {
        komet_apdu_encode_u(place, function);
        link->counters.u_sent++;
        *pending = false;
    }
}

/* Octets ever put into the buffer: a place in the outgoing stream. */
static uint64_t stream_tail(const struct komet_link *link)
{
    return link->counters.octets_sent + (link->output_tail - link->output_head);
}

/* A TESTFR con of which TCP has not taken an octet yet answers this act too. So a peer that sends acts and
 * reads nothing does not fill the buffer. */
static void flush_testfr_con(struct komet_link *link)
{
    if (!link->pending.testfr_con) {
        return;
    }
    bool one_waits = link->testfr_con_place > link->counters.octets_sent;
    if (one_waits) {
        link->pending.testfr_con = false;
        return;
    }
    uint64_t place = stream_tail(link);
    flush_u(link, &link->pending.testfr_con, KOMET_U_TESTFR_CON);
    link->testfr_con_place = link->pending.testfr_con ? 0 : place + 1;
}

static void note_acknowledged(struct komet_link *link)
{
    link->acked_to_peer = link->allowed;
    link->pending.supervisory = false;
    link->t2 = KOMET_NEVER;
}

static void flush_supervisory(struct komet_link *link)
{
    if (!link->pending.supervisory) {
        return;
    }
    KOMET_ASSERT(link->allowed > link->acked_to_peer);
    uint8_t *place = put_control(link);
    if (place != NULL) {
        komet_apdu_encode_s(place, (uint16_t)(link->allowed % KOMET_SEQUENCE_MODULUS));
        link->counters.s_sent++;
        note_acknowledged(link);
    }
}

/* Asked for every frame, and nearly always false. */
static bool anything_waits(const struct link_pending *pending)
{
    return pending->startdt_act | pending->startdt_con | pending->stopdt_act | pending->stopdt_con |
           pending->testfr_act | pending->testfr_con | pending->supervisory;
}

/*
 * The order matters where data transfer starts or stops: nothing of it before STARTDT con, and what was
 * received is acknowledged before STOPDT act or con (5.3).
 */
void link_flush(struct komet_link *link, bool with_supervisory)
{
    struct link_pending *pending = &link->pending;
    if (!anything_waits(pending)) {
        return;
    }
    flush_u(link, &pending->startdt_act, KOMET_U_STARTDT_ACT);
    if (!pending->stopdt_con_first) {
        flush_u(link, &pending->startdt_con, KOMET_U_STARTDT_CON);
    }
    if (with_supervisory || pending->stopdt_act || pending->stopdt_con) {
        flush_supervisory(link);
    }
    if (!pending->supervisory) {
        flush_u(link, &pending->stopdt_act, KOMET_U_STOPDT_ACT);
        flush_u(link, &pending->stopdt_con, KOMET_U_STOPDT_CON);
    }
    if (!pending->stopdt_con) {
        pending->stopdt_con_first = false;
        flush_u(link, &pending->startdt_con, KOMET_U_STARTDT_CON);
    }
    flush_u(link, &pending->testfr_act, KOMET_U_TESTFR_ACT);
    flush_testfr_con(link);
    link_check(link);
}

void komet_link_written(struct komet_link *link, size_t size)
{
    KOMET_ASSERT(size >= 1 && size <= link->output_tail - link->output_head);
    link->output_head += size;
    link->counters.octets_sent += size;
    if (link->output_head == link->output_tail) {
        link->output_head = 0;
        link->output_tail = 0;
        link->reserved = false;
    }
    link_check(link);
}

unsigned komet_link_room(const struct komet_link *link)
{
    if (link->state != KOMET_LINK_STARTED) {
        return 0;
    }
    size_t window = link->settings.k - (size_t)(link->sent - link->acked_by_peer);
    size_t unused = output_free(link);
    if (unused < LINK_CONTROL_RESERVE) {
        return 0;
    }
    size_t fits = (unused - LINK_CONTROL_RESERVE) / KOMET_APDU_SIZE_MAX;
    return (unsigned)(window < fits ? window : fits);
}

uint8_t *komet_link_reserve(struct komet_link *link)
{
    if (komet_link_room(link) == 0) {
        return NULL;
    }
    link_flush(link, false); /* STARTDT con must go first; an S format need not: the I format acknowledges */
    output_make_room(link, KOMET_APDU_SIZE_MAX);
    link->reserved = true;
    return link->output + link->output_tail + KOMET_APDU_HEADER_SIZE;
}

uint64_t komet_link_commit(struct komet_link *link, struct komet_instant now, size_t size)
{
    KOMET_ASSERT(link->reserved && link->state == KOMET_LINK_STARTED);
    KOMET_ASSERT(size >= 1 && size <= KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(link->sent - link->acked_by_peer < link->settings.k);
    uint16_t ns = (uint16_t)((link->settings.first_vs + link->sent) % KOMET_SEQUENCE_MODULUS);
    uint16_t nr = (uint16_t)(link->allowed % KOMET_SEQUENCE_MODULUS);
    komet_apdu_encode_i(link->output + link->output_tail, ns, nr, size);
    link->output_tail += KOMET_APDU_HEADER_SIZE + size;
    link->reserved = false;
    note_acknowledged(link);
    link->send_times[link->newest] = now;
    link->newest = (uint16_t)(link->newest + 1 == link->settings.k ? 0 : link->newest + 1);
    link->sent++;
    link_check(link);
    return link->sent;
}

struct komet_instant link_t1_acknowledge(const struct komet_link *link)
{
    if (link->sent == link->acked_by_peer || link->state == KOMET_LINK_CLOSED) {
        return KOMET_NEVER;
    }
    return komet_after(link->send_times[link->oldest], link->settings.t1_us);
}

enum komet_reason link_take_acknowledge(struct komet_link *link, uint16_t nr)
{
    uint64_t open = link->sent - link->acked_by_peer;
    uint64_t lowest = (link->settings.first_vs + link->acked_by_peer) % KOMET_SEQUENCE_MODULUS;
    uint64_t steps = (nr + KOMET_SEQUENCE_MODULUS - lowest) % KOMET_SEQUENCE_MODULUS;
    if (steps > open) {
        return KOMET_BAD_ACKNOWLEDGE;
    }
    link->acked_by_peer += steps;
    uint64_t oldest = link->oldest + steps; /* below 2 k, since steps <= open <= k */
    link->oldest = (uint16_t)(oldest >= link->settings.k ? oldest - link->settings.k : oldest);
    KOMET_ASSERT(link->oldest < link->settings.k);
    return KOMET_OK;
}

void link_consider_supervisory(struct komet_link *link, struct komet_instant now)
{
    uint64_t open = link->allowed - link->acked_to_peer;
    if (open == 0 || !link_data_passes(link)) {
        link->t2 = KOMET_NEVER;
        link->pending.supervisory = false;
        return;
    }
    if (open >= link->settings.w || link->state == KOMET_LINK_STOPPING) {
        link->t2 = KOMET_NEVER;
        link->pending.supervisory = true;
    } else if (link->t2.us == KOMET_NEVER.us && !link->pending.supervisory) {
        link->t2 = komet_after(now, link->settings.t2_us);
    }
}

void link_finish_stop(struct komet_link *link, struct komet_instant now)
{
    bool waits = link->settings.role == KOMET_CONTROLLED && link->state == KOMET_LINK_STOPPING;
    if (!waits || link->acked_by_peer != link->sent || link->allowed != link->received) {
        return;
    }
    bool supervisory = link->pending.supervisory;
    KOMET_ASSERT(supervisory == (link->allowed > link->acked_to_peer));
    link_set_state(link, now, KOMET_LINK_STOPPED);
    link->pending.supervisory = supervisory; /* of what was received while started: before the con (5.3) */
    link->pending.stopdt_con = true;
    link->pending.stopdt_con_first = false;
}

void komet_link_acknowledge(struct komet_link *link, struct komet_instant now, uint64_t received)
{
    KOMET_ASSERT(received <= link->received);
    if (received <= link->allowed || link->state == KOMET_LINK_CLOSED) {
        return;
    }
    link->allowed = received;
    link_consider_supervisory(link, now);
    link_finish_stop(link, now);
    link_check(link);
}
