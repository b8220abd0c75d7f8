/*
 * wire: see wire.h.
 */
#include "wire.h"

#include <string.h>

#include "komet/apdu.h"

enum { FROM_CONTROL = 2, FROM_ASDU = KOMET_APDU_HEADER_SIZE, FRAME_MIN = 4, FRAME_MAX = 253 };

static unsigned number_at(const uint8_t *octets)
{
    return (unsigned)(octets[0] >> 1 | octets[1] << 7);
}

static unsigned steps(unsigned from, unsigned to)
{
    return (to - from) & 0x7FFF;
}

static void must_close(struct wire *wire, enum komet_reason reason)
{
    wire->must_close |= UINT32_C(1) << reason;
}

static bool is_due(struct komet_instant now, struct komet_instant from, int64_t us)
{
    return from.us != KOMET_NEVER.us && now.us >= from.us + us;
}

static bool is_controlled(const struct wire *wire)
{
    return wire->settings->role == KOMET_CONTROLLED;
}

static bool data_passes(const struct wire *wire)
{
    return wire->state == KOMET_LINK_STARTED || wire->state == KOMET_LINK_STOPPING;
}

void wire_begin(struct wire *wire, const struct komet_link_settings *settings, struct komet_instant now,
                wire_hear *hear, void *host)
{
    *wire = (struct wire){.up = true,
                          .settings = settings,
                          .hear = hear,
                          .host = host,
                          .state = KOMET_LINK_STOPPED,
                          .t2_from = KOMET_NEVER,
                          .function_at = KOMET_NEVER,
                          .test_at = KOMET_NEVER,
                          .test_due_at = KOMET_NEVER,
                          .frame_at = now};
}

/* ---- the host ---- */

/* A stop that the peer asked for is confirmed when nothing is open any more, either way. */
static void finish_stop(struct wire *wire)
{
    bool waits = is_controlled(wire) && wire->state == KOMET_LINK_STOPPING;
    if (waits && wire->confirmed == wire->heard && wire->taken == wire->said) {
        wire->state = KOMET_LINK_STOPPED;
    }
}

/* From here t2 runs, if there is something to acknowledge. */
static void run_t2(struct wire *wire, struct komet_instant now)
{
    if (!data_passes(wire) || wire->taken == wire->acknowledged) {
        wire->t2_from = KOMET_NEVER;
    } else if (wire->t2_from.us == KOMET_NEVER.us) {
        wire->t2_from = now;
    }
}

void wire_taken(struct wire *wire, struct komet_instant now, uint64_t received)
{
    check(received > wire->taken && received <= wire->said);
    wire->taken = received;
    run_t2(wire, now);
    finish_stop(wire);
}

void wire_start(struct wire *wire, struct komet_instant now)
{
    if (wire->up && wire->state == KOMET_LINK_STOPPED) {
        wire->state = KOMET_LINK_STARTING;
        wire->function_at = now;
        wire->act_left = false;
    }
}

void wire_stop(struct wire *wire, struct komet_instant now)
{
    if (wire->up && wire->state == KOMET_LINK_STARTED) {
        wire->state = KOMET_LINK_STOPPING;
        wire->function_at = now;
        wire->act_left = false;
        wire->data = false;
    }
}

/* The first that asks for a test, the host or t3; t1 runs from there, however long its frame waits. */
static void test_is_due(struct wire *wire, struct komet_instant now)
{
    wire->test_due_at = komet_earlier(wire->test_due_at, now);
}

void wire_test(struct wire *wire, struct komet_instant now)
{
    wire->test_asked = wire->up && wire->test_at.us == KOMET_NEVER.us;
    test_is_due(wire, now);
}

/* ---- what the peer says ---- */

static bool is_function(uint8_t octet)
{
    return octet == 0x07 || octet == 0x0B || octet == 0x13 || octet == 0x23 || octet == 0x43 || octet == 0x83;
}

/* The control field of a frame, as soon as its four octets are there. */
static void say_control(struct wire *wire)
{
    const uint8_t *control = wire->partial + FROM_CONTROL;
    bool cf3 = (control[2] & 1) != 0;
    bool right;
    if ((control[0] & 1) == 0) {
        right = !cf3 || wire->settings->tolerate_cf3_mark;
    } else {
        right = (control[0] & 3) == 1
                    ? control[0] == 1 && control[1] == 0 && !cf3
                    : is_function(control[0]) && (control[1] | control[2] | control[3]) == 0;
        if (wire->partial[1] != FRAME_MIN) {
            must_close(wire, KOMET_BAD_LENGTH);
        }
    }
    if (!right) {
        must_close(wire, KOMET_BAD_CONTROL);
    }
}

static bool acknowledges(const struct wire *wire, unsigned nr, unsigned *count)
{
    *count = steps(wire_nr(wire, wire->confirmed), nr);
    return *count <= wire->heard - wire->confirmed;
}

static void say_i(struct wire *wire)
{
    const uint8_t *control = wire->partial + FROM_CONTROL;
    size_t size = wire->partial_size - FROM_ASDU;
    unsigned count;
    bool known = acknowledges(wire, number_at(control + 2), &count);
    bool due = is_controlled(wire) ? wire->state == KOMET_LINK_STARTED : data_passes(wire);
    if (!due) {
        must_close(wire, KOMET_NOT_STARTED);
    }
    if (size == 0) {
        must_close(wire, KOMET_BAD_ASDU);
    }
    if (number_at(control) != (wire->said & 0x7FFF)) {
        must_close(wire, KOMET_BAD_SEQUENCE);
    }
    if (!known) {
        must_close(wire, KOMET_BAD_ACKNOWLEDGE);
    }
    if (wire->must_close == 0) {
        wire->confirmed += count;
        wire->said++;
        wire->has_asdu = true;
        wire->asdu.size = (uint8_t)size;
        memcpy(wire->asdu.octets, wire->partial + FROM_ASDU, size);
    }
}

static void say_s(struct wire *wire)
{
    unsigned count;
    bool known = acknowledges(wire, number_at(wire->partial + FROM_CONTROL + 2), &count);
    if (!data_passes(wire)) {
        must_close(wire, KOMET_NOT_STARTED);
    } else if (!known) {
        must_close(wire, KOMET_BAD_ACKNOWLEDGE);
    } else {
        wire->confirmed += count;
        finish_stop(wire);
    }
}

/* An act of the peer: the controlled side obeys, the controlling one is not to be started by the other. */
static void say_act(struct wire *wire, enum komet_u_function function)
{
    if (!is_controlled(wire)) {
        return;
    }
    if (function == KOMET_U_STARTDT_ACT) {
        wire->startdt_acts++;
        wire->startdt_owed = true;
        if (wire->state == KOMET_LINK_STOPPING) { /* it changed its mind: that stop is not confirmed */
            wire->stopdt_owed = false;
        }
        wire->state = KOMET_LINK_STARTED;
        return;
    }
    wire->stopdt_acts++;
    wire->stopdt_owed = true;
    wire->state = wire->state == KOMET_LINK_STARTED ? KOMET_LINK_STOPPING : wire->state;
    finish_stop(wire);
}

/* A con of the peer counts for an act that has left; else nobody asked, and nothing happens. */
static void say_con(struct wire *wire, struct komet_instant now, enum komet_u_function function)
{
    enum komet_link_state waits = function == KOMET_U_STARTDT_CON ? KOMET_LINK_STARTING : KOMET_LINK_STOPPING;
    if (is_controlled(wire) || wire->state != waits || !wire->act_left) {
        return;
    }
    wire->function_at = KOMET_NEVER;
    wire->data = function == KOMET_U_STARTDT_CON;
    wire->state = wire->data ? KOMET_LINK_STARTED : KOMET_LINK_STOPPED;
    run_t2(wire, now);
}

static void say_u(struct wire *wire, struct komet_instant now, enum komet_u_function function)
{
    switch (function) {
    case KOMET_U_STARTDT_ACT:
    case KOMET_U_STOPDT_ACT:
        say_act(wire, function);
        return;
    case KOMET_U_STARTDT_CON:
    case KOMET_U_STOPDT_CON:
        say_con(wire, now, function);
        return;
    case KOMET_U_TESTFR_ACT:
        wire->testfr_acts++;
        wire->testfr_owed = wire->testfr_owed || wire->shown == 0; /* else one that waits may answer it too */
        return;
    case KOMET_U_TESTFR_CON:
        wire->test_at = wire->test_due_at = KOMET_NEVER;
        return;
    case KOMET_U_NONE:
        check(false);
    }
}

static void say_frame(struct wire *wire, struct komet_instant now)
{
    uint8_t first = wire->partial[FROM_CONTROL];
    wire->frame_at = now;
    if ((first & 1) == 0) {
        say_i(wire);
    } else if ((first & 3) == 1) {
        say_s(wire);
    } else {
        say_u(wire, now, (enum komet_u_function)first);
    }
}

void wire_said(struct wire *wire, struct komet_instant now, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size && wire->must_close == 0; i++) {
        check(!wire->has_asdu); /* the link stops behind each */
        wire->partial[wire->partial_size++] = octets[i];
        size_t have = wire->partial_size;
        uint8_t length = wire->partial[1];
        if (have == 1 && octets[i] != KOMET_APDU_START) {
            must_close(wire, KOMET_BAD_START);
        } else if (have == 2 && (length < FRAME_MIN || length > FRAME_MAX)) {
            must_close(wire, KOMET_BAD_LENGTH);
        } else if (have == FROM_ASDU) {
            say_control(wire);
        }
        if (wire->must_close == 0 && have >= FROM_ASDU && have == (size_t)length + FROM_CONTROL) {
            say_frame(wire, now);
            wire->partial_size = 0;
        }
    }
}

/* ---- what the peer hears ---- */

/* N(R) covers what the host has taken, no more, and never goes back. */
static void hear_acknowledge(struct wire *wire, unsigned nr)
{
    unsigned count = steps((unsigned)(wire->acknowledged & 0x7FFF), nr);
    check(count <= wire->taken - wire->acknowledged);
    wire->acknowledged += count;
    if (wire->acknowledged == wire->taken) {
        wire->t2_from = KOMET_NEVER;
    }
}

static void hear_i(struct wire *wire, struct komet_instant now, const uint8_t *frame, size_t size)
{
    check(size > FROM_ASDU && wire->data);
    check(number_at(frame + FROM_CONTROL) == wire_nr(wire, wire->heard));
    hear_acknowledge(wire, number_at(frame + FROM_CONTROL + 2));
    wire->hear(wire->host, wire->heard, frame + FROM_ASDU, size - FROM_ASDU);
    wire->heard_at[wire->heard % WINDOW] = now;
    wire->heard++;
    check(wire->heard - wire->confirmed <= wire->settings->k);
}

/* What was received is acknowledged before a stop is asked for or confirmed. */
static void check_acknowledged(const struct wire *wire)
{
    check(wire->stalled || wire->acknowledged == wire->taken);
    check(wire->stalled || !is_controlled(wire) || wire->taken == wire->said);
}

static void hear_u(struct wire *wire, struct komet_instant now, enum komet_u_function function)
{
    switch (function) {
    case KOMET_U_STARTDT_ACT:
        check(wire->state == KOMET_LINK_STARTING && !wire->act_left);
        wire->act_left = true;
        return;
    case KOMET_U_STOPDT_ACT:
        check(!is_controlled(wire) && wire->state == KOMET_LINK_STOPPING && !wire->act_left);
        check_acknowledged(wire);
        wire->act_left = true;
        return;
    case KOMET_U_STARTDT_CON:
        check(wire->startdt_acts-- > 0);
        wire->startdt_owed = false;
        wire->data = true;
        return;
    case KOMET_U_STOPDT_CON:
        check(wire->stopdt_acts-- > 0);
        check_acknowledged(wire);
        wire->stopdt_owed = false;
        wire->data = false;
        return;
    case KOMET_U_TESTFR_ACT:
        check(wire->test_at.us == KOMET_NEVER.us);
        check(wire->test_asked ||
              (wire->settings->t3_us != 0 && is_due(now, wire->frame_at, wire->settings->t3_us)));
        wire->test_asked = false;
        wire->test_at = now;
        test_is_due(wire, now);
        return;
    case KOMET_U_TESTFR_CON:
        check(wire->testfr_acts-- > 0);
        wire->testfr_owed = false;
        return;
    case KOMET_U_NONE:
        check(false);
    }
}

static void hear_frame(struct wire *wire, struct komet_instant now, const uint8_t *frame, size_t size)
{
    const uint8_t *control = frame + FROM_CONTROL;
    if ((control[0] & 1) == 0) {
        check((control[2] & 1) == 0);
        hear_i(wire, now, frame, size);
        return;
    }
    check(size == FROM_ASDU);
    if ((control[0] & 3) == 1) {
        check(control[0] == 1 && control[1] == 0 && (control[2] & 1) == 0);
        check(number_at(control + 2) != (wire->acknowledged & 0x7FFF)); /* an S format has something to say */
        hear_acknowledge(wire, number_at(control + 2));
        return;
    }
    check(is_function(control[0]) && (control[1] | control[2] | control[3]) == 0);
    hear_u(wire, now, (enum komet_u_function)control[0]);
}

size_t wire_offered(struct wire *wire, struct komet_instant now, const uint8_t *octets, size_t size)
{
    check(size >= wire->shown && size <= wire->settings->output_size);
    for (size_t at = wire->shown; at < size;) {
        size_t rest = size - at;
        check(rest >= FROM_ASDU && octets[at] == KOMET_APDU_START);
        size_t whole = (size_t)octets[at + 1] + FROM_CONTROL;
        check(octets[at + 1] >= FRAME_MIN && octets[at + 1] <= FRAME_MAX && whole <= rest);
        hear_frame(wire, now, octets + at, whole);
        at += whole;
    }
    size_t part = wire->may_take < size ? wire->may_take : size;
    wire->shown = size - part;
    wire->may_take -= part;
    return part;
}

/* ---- time, and the end ---- */

static bool acknowledge_is_late(const struct wire *wire, struct komet_instant now)
{
    return wire->confirmed < wire->heard &&
           is_due(now, wire->heard_at[wire->confirmed % WINDOW], wire->settings->t1_us);
}

/* The output has no room: what should be sent may not be there yet. */
static bool is_choked(const struct wire *wire)
{
    return wire->shown + 2 * (size_t)KOMET_APDU_HEADER_SIZE > wire->settings->output_size;
}

void wire_closing(struct wire *wire, struct komet_instant now, enum komet_reason reason)
{
    bool test_is_late = is_due(now, wire->test_due_at, wire->settings->t1_us) || is_choked(wire);
    bool function_is_late = is_due(now, wire->function_at, wire->settings->t1_us);
    check(wire->up);
    check((wire->must_close >> reason & 1) != 0 ||
          (reason == KOMET_T1_ACKNOWLEDGE && acknowledge_is_late(wire, now)) ||
          (reason == KOMET_T1_FUNCTION && function_is_late) || (reason == KOMET_T1_TEST && test_is_late));
    wire->up = false;
}

void wire_ticked(struct wire *wire, struct komet_instant now)
{
    if (!wire->up) {
        return;
    }
    const struct komet_link_settings *settings = wire->settings;
    bool silent = settings->t3_us != 0 && is_due(now, wire->frame_at, settings->t3_us);
    if (silent) {
        test_is_due(wire, now);
    }
    if (wire->stalled || wire->shown > 0) {
        return;
    }
    check(!acknowledge_is_late(wire, now));
    check(!is_due(now, wire->test_at, settings->t1_us) && !is_due(now, wire->function_at, settings->t1_us));
    check(!silent || wire->test_at.us != KOMET_NEVER.us);
    if (wire->state == KOMET_LINK_STARTED) {
        check(!is_due(now, wire->t2_from, settings->t2_us));
    }
}

void wire_settled(struct wire *wire)
{
    if (!wire->up) {
        return;
    }
    check(wire->must_close == 0 && !wire->has_asdu);
    if (wire->shown > 0) {
        return;
    }
    wire->heard_whole = wire->heard;
    check(!wire->startdt_owed && !wire->testfr_owed && !wire->test_asked);
    check(!wire->stopdt_owed || wire->state == KOMET_LINK_STOPPING);
    check(wire->function_at.us == KOMET_NEVER.us || wire->act_left);
    wire->startdt_acts = wire->testfr_acts = 0;
    wire->stopdt_acts = wire->state == KOMET_LINK_STOPPING ? wire->stopdt_acts : 0;
    if (wire->state == KOMET_LINK_STARTED) {
        check(wire->taken - wire->acknowledged < wire->settings->w);
    } else if (wire->state == KOMET_LINK_STOPPING) {
        check(wire->taken == wire->acknowledged);
    }
}

/* ---- a peer that obeys ---- */

uint16_t wire_nr(const struct wire *wire, uint64_t heard)
{
    return (uint16_t)((wire->settings->first_vs + heard) % KOMET_SEQUENCE_MODULUS);
}

uint64_t wire_unconfirmed(const struct wire *wire)
{
    return wire->heard_whole > wire->confirmed ? wire->heard_whole - wire->confirmed : 0;
}

bool wire_owes(const struct wire *wire, uint8_t *frame)
{
    if (!wire->up || wire->partial_size > 0) {
        return false;
    }
    if (wire->test_at.us != KOMET_NEVER.us) {
        komet_apdu_encode_u(frame, KOMET_U_TESTFR_CON);
    } else if (wire->confirmed < wire->heard_whole && data_passes(wire)) {
        komet_apdu_encode_s(frame, wire_nr(wire, wire->heard_whole));
    } else if (!is_controlled(wire) && wire->state == KOMET_LINK_STARTING && wire->act_left) {
        komet_apdu_encode_u(frame, KOMET_U_STARTDT_CON);
    } else if (!is_controlled(wire) && wire->state == KOMET_LINK_STOPPING && wire->act_left) {
        komet_apdu_encode_u(frame, KOMET_U_STOPDT_CON);
    } else {
        return false;
    }
    return true;
}
