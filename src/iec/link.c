/*
 * link: the life of a 104 connection's transport rules (IEC 60870-5-104 5, 9.6): settings, states, timers and
 * the outputs that the host takes. The header says what a host does with it.
 */
#include "komet/link.h"

#include <stdalign.h>
#include <string.h>

#include "komet/assert.h"

#include "link_private.h"

struct komet_link_settings komet_link_settings_standard(enum komet_link_role role)
{
    return (struct komet_link_settings){
        .role = role,
        .k = 12,
        .w = 8,
        .t1_us = KOMET_SECONDS(15),
        .t2_us = KOMET_SECONDS(10),
        .t3_us = KOMET_SECONDS(20),
        .output_size = 3264,
    };
}

const char *komet_link_settings_fault(const struct komet_link_settings *settings)
{
    KOMET_ASSERT(settings != NULL);
    if (settings->role != KOMET_CONTROLLING && settings->role != KOMET_CONTROLLED) {
        return "The role of a link is controlling or controlled.";
    }
    if (settings->k < 1 || settings->k >= KOMET_SEQUENCE_MODULUS) {
        return "k must be 1 to 32767; the standard value is 12.";
    }
    if (settings->w < 1 || settings->w > settings->k) {
        return "w must be at least 1 and not above k; two thirds of k is recommended.";
    }
    if (settings->t1_us <= 0) {
        return "t1 must be above 0; the standard value is 15 s.";
    }
    if (settings->t2_us <= 0 || settings->t2_us >= settings->t1_us) {
        return "t2 must be above 0 and below t1; the standard value is 10 s.";
    }
    if (settings->t3_us < 0) {
        return "t3 must be 0 (no test frames) or more; the standard value is 20 s.";
    }
    if (settings->first_vs >= KOMET_SEQUENCE_MODULUS) {
        return "The first send number must be 0 to 32767; the standard value is 0.";
    }
    if (settings->output_size < KOMET_LINK_OUTPUT_MIN) {
        return "The output buffer must have at least 1024 octets.";
    }
    return NULL;
}

static size_t send_times_size(const struct komet_link_settings *settings)
{
    return settings->k * sizeof(struct komet_instant);
}

size_t komet_link_size(const struct komet_link_settings *settings)
{
    KOMET_ASSERT(komet_link_settings_fault(settings) == NULL);
    return sizeof(struct komet_link) + send_times_size(settings) + settings->output_size;
}

static struct komet_instant t3_from(const struct komet_link *link, struct komet_instant now)
{
    return link->settings.t3_us == 0 ? KOMET_NEVER : komet_after(now, link->settings.t3_us);
}

struct komet_link *komet_link_init(void *memory, size_t size, const struct komet_link_settings *settings,
                                   struct komet_instant now)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_link) == 0);
    KOMET_ASSERT(size >= komet_link_size(settings));
    struct komet_link *link = memory;
    *link = (struct komet_link){
        .settings = *settings,
        .send_times = (struct komet_instant *)(link + 1),
        .output = (uint8_t *)(link + 1) + send_times_size(settings),
        .t1_function = KOMET_NEVER,
        .t1_test = KOMET_NEVER,
        .t2 = KOMET_NEVER,
    };
    link->t3 = t3_from(link, now);
    link_check(link);
    return link;
}

struct komet_link *komet_link_move(void *memory, size_t size, const struct komet_link *link)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_link) == 0);
    KOMET_ASSERT(size >= komet_link_size(&link->settings));
    KOMET_ASSERT(link->asdu == NULL && !link->reserved);
    struct komet_link *moved = memory;
    memcpy(moved, link, komet_link_size(&link->settings));
    moved->send_times = (struct komet_instant *)(moved + 1);
    moved->output = (uint8_t *)(moved + 1) + send_times_size(&moved->settings);
    link_check(moved);
    return moved;
}

bool link_data_passes(const struct komet_link *link)
{
    switch (link->state) {
    case KOMET_LINK_STARTED:
    case KOMET_LINK_STOPPING:
        return true;
    case KOMET_LINK_STOPPED:
    case KOMET_LINK_STARTING:
    case KOMET_LINK_CLOSED:
        return false;
    }
    KOMET_ASSERT_NEVER("a value of enum komet_link_state");
}

void link_check(const struct komet_link *link)
{
    KOMET_ASSERT(link->acked_by_peer <= link->sent && link->sent - link->acked_by_peer <= link->settings.k);
    KOMET_ASSERT(link->acked_to_peer <= link->allowed && link->allowed <= link->received);
    KOMET_ASSERT(link->output_head <= link->output_tail);
    KOMET_ASSERT(link->output_tail <= link->settings.output_size);
    KOMET_ASSERT((link->state == KOMET_LINK_CLOSED) == (link->reason != KOMET_OK));
    KOMET_ASSERT(link->oldest < link->settings.k && link->newest < link->settings.k);
}

static bool move_is_legal(const struct komet_link *link, enum komet_link_state to)
{
    bool controlling = link->settings.role == KOMET_CONTROLLING;
    if (to == KOMET_LINK_CLOSED) {
        return link->state != KOMET_LINK_CLOSED;
    }
    switch (link->state) {
    case KOMET_LINK_STOPPED:
        return to == (controlling ? KOMET_LINK_STARTING : KOMET_LINK_STARTED);
    case KOMET_LINK_STARTING:
        return controlling && to == KOMET_LINK_STARTED;
    case KOMET_LINK_STARTED:
        return to == KOMET_LINK_STOPPING;
    case KOMET_LINK_STOPPING:
        return to == KOMET_LINK_STOPPED || (!controlling && to == KOMET_LINK_STARTED);
    case KOMET_LINK_CLOSED:
        return false;
    }
    return false;
}

void link_set_state(struct komet_link *link, struct komet_instant now, enum komet_link_state state)
{
    KOMET_ASSERT(move_is_legal(link, state));
    bool controlling = link->settings.role == KOMET_CONTROLLING;
    link->state = state;
    link->reserved = false;
    bool awaits_con = state == KOMET_LINK_STARTING || (controlling && state == KOMET_LINK_STOPPING);
    link->t1_function = awaits_con ? komet_after(now, link->settings.t1_us) : KOMET_NEVER;
    link_consider_supervisory(link, now);
}

void link_close(struct komet_link *link, enum komet_reason reason)
{
    KOMET_ASSERT(reason != KOMET_OK);
    if (link->state == KOMET_LINK_CLOSED) {
        return;
    }
    link->reason = reason;
    link_set_state(link, KOMET_NEVER, KOMET_LINK_CLOSED);
    link->t1_test = KOMET_NEVER;
    link->t2 = KOMET_NEVER;
    link->t3 = KOMET_NEVER;
    link->pending = (struct link_pending){0};
}

void komet_link_close(struct komet_link *link, enum komet_reason reason)
{
    KOMET_ASSERT(link != NULL);
    link_close(link, reason);
}

void komet_link_start(struct komet_link *link, struct komet_instant now)
{
    KOMET_ASSERT(link->settings.role == KOMET_CONTROLLING);
    if (link->state == KOMET_LINK_STOPPED) {
        link->pending.startdt_act = true;
        link_set_state(link, now, KOMET_LINK_STARTING);
    }
    link_check(link);
}

void komet_link_stop(struct komet_link *link, struct komet_instant now)
{
    KOMET_ASSERT(link->settings.role == KOMET_CONTROLLING);
    if (link->state == KOMET_LINK_STARTED) {
        link->pending.stopdt_act = true;
        link_set_state(link, now, KOMET_LINK_STOPPING);
    }
    link_check(link);
}

void komet_link_test(struct komet_link *link, struct komet_instant now)
{
    if (link->state != KOMET_LINK_CLOSED && link->t1_test.us == KOMET_NEVER.us) {
        link->pending.testfr_act = true;
        link->t1_test = komet_after(now, link->settings.t1_us);
    }
    link_check(link);
}

void komet_link_tick(struct komet_link *link, struct komet_instant now)
{
    link_check(link);
    if (komet_reached(now, link->t1_function)) {
        link_close(link, KOMET_T1_FUNCTION);
    } else if (komet_reached(now, link->t1_test)) {
        link_close(link, KOMET_T1_TEST);
    } else if (komet_reached(now, link_t1_acknowledge(link))) {
        link_close(link, KOMET_T1_ACKNOWLEDGE);
    }
    if (komet_reached(now, link->t2)) {
        link->t2 = KOMET_NEVER;
        link->pending.supervisory = true;
    }
    if (komet_reached(now, link->t3)) {
        link->t3 = t3_from(link, now); /* again, should the con come and nothing else */
        komet_link_test(link, now);
    }
    link_check(link);
}

struct komet_instant komet_link_deadline(const struct komet_link *link)
{
    struct komet_instant deadline = komet_earlier(link->t1_function, link->t1_test);
    deadline = komet_earlier(deadline, link_t1_acknowledge(link));
    deadline = komet_earlier(deadline, link->t2);
    return komet_earlier(deadline, link->t3);
}

/* The outputs that only inform: what happened before what, as far as one event can cause several. */
static bool next_report(struct komet_link *link, struct komet_link_output *output)
{
    if (link->acked_reported != link->acked_by_peer) {
        link->acked_reported = link->acked_by_peer;
        output->kind = KOMET_LINK_OUT_ACKNOWLEDGED;
        output->acknowledged = link->acked_by_peer;
        return true;
    }
    if (link->asdu != NULL) {
        output->kind = KOMET_LINK_OUT_ASDU;
        output->octets = link->asdu;
        output->size = link->asdu_size;
        output->received = link->received;
        output->cf3_mark = link->asdu_cf3_mark;
        link->asdu = NULL;
        return true;
    }
    if (link->reported_state != link->state) {
        output->kind = KOMET_LINK_OUT_STATE;
        output->old_state = link->reported_state;
        link->reported_state = link->state;
        return true;
    }
    return false;
}

bool komet_link_next(struct komet_link *link, struct komet_instant now, struct komet_link_output *output)
{
    (void)now;
    KOMET_ASSERT(output != NULL);
    *output = (struct komet_link_output){.state = link->state, .reason = link->reason};
    if (next_report(link, output)) {
        return true;
    }
    link->host_owes_next = false;
    if (link->state == KOMET_LINK_CLOSED) {
        output->kind = KOMET_LINK_OUT_CLOSE;
        bool first = !link->close_reported;
        link->close_reported = true;
        return first;
    }
    link_flush(link, true);
    if (link->output_tail > link->output_head) {
        output->kind = KOMET_LINK_OUT_SEND;
        output->octets = link->output + link->output_head;
        output->size = link->output_tail - link->output_head;
        return true;
    }
    return false;
}

enum komet_link_state komet_link_state(const struct komet_link *link)
{
    return link->state;
}

enum komet_reason komet_link_reason(const struct komet_link *link)
{
    return link->reason;
}

const char *komet_link_state_name(enum komet_link_state state)
{
    switch (state) {
    case KOMET_LINK_STOPPED:
        return "stopped";
    case KOMET_LINK_STARTING:
        return "starting";
    case KOMET_LINK_STARTED:
        return "started";
    case KOMET_LINK_STOPPING:
        return "stopping";
    case KOMET_LINK_CLOSED:
        return "closed";
    }
    KOMET_ASSERT_NEVER("a value of enum komet_link_state");
}

void komet_link_counters(const struct komet_link *link, struct komet_link_counters *counters)
{
    KOMET_ASSERT(counters != NULL);
    link_check(link);
    *counters = link->counters;
    counters->i_sent = link->sent;
    counters->i_received = link->received;
    counters->unacknowledged_sent = link->sent - link->acked_by_peer;
    counters->unacknowledged_received = link->received - link->acked_to_peer;
}
