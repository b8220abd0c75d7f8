/*
 * A controlling peer that knows the rules and breaks them where the script says so, against a whole
 * controlled station: group, link and services (rig/rig.h, whose books hold what the station has to do).
 *
 * Octets 0 and 1 choose settings; then each step is one octet, with its choices behind it. A step by itself
 * is legal: numbers, acknowledgements and order are as they should be. A deviation spoils the frame that is
 * sent next, or says octets as they stand in the script.
 */
#include "peer/peer.h"

enum { HEADER = KOMET_APDU_HEADER_SIZE };

/* ---- attention, time ---- */

static void release(struct peer *peer, unsigned c)
{
    peer->rig->wires[c].stalled = false;
    peer->cork[c].is = false;
    peer_uncork(peer, c);
}

/* What a peer owes. True when there was something. */
static bool attend(struct peer *peer, unsigned c)
{
    uint8_t frame[HEADER];
    bool owes = wire_owes(&peer->rig->wires[c], frame);
    if (owes) {
        rig_say(peer->rig, c, frame, sizeof frame);
    }
    return owes;
}

/* Everything is read, answered and acknowledged: then nothing is left to say. */
static void settle(struct peer *peer)
{
    const struct rig *rig = peer->rig;
    bool more = true;
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        release(peer, c);
    }
    rig_drain(peer->rig);
    for (unsigned rounds = 0; more; rounds++) {
        more = false;
        check(rounds < 5000);
        for (unsigned c = 0; c < CONNECTIONS; c++) {
            more = attend(peer, c) || more;
        }
    }
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        const struct wire *wire = &rig->wires[c];
        if (wire->up && wire->state == KOMET_LINK_STARTED && wire->partial_size == 0) {
            const struct answers *answers = &rig->answers[c];
            check(answers->short_count == 0 && answers->long_count == 0);
            check(answers->given == answers->given_heard);
            check(c != rig->events.carrier || rig->events.tail == rig->events.count);
        }
    }
}

/* Time passes for a peer that does what it owes as soon as it can. */
static void pass_attentively(struct peer *peer, int64_t us)
{
    struct komet_instant end = komet_after(peer->rig->now, us);
    settle(peer);
    while (peer->rig->now.us < end.us) {
        struct komet_instant next = komet_earlier(komet_group_deadline(peer->rig->group), end);
        rig_pass(peer->rig, next.us - peer->rig->now.us, true);
        settle(peer);
    }
}

static void pass_silently(struct peer *peer)
{
    uint8_t choice = peer_octet(peer);
    struct komet_instant deadline = komet_group_deadline(peer->rig->group);
    int64_t us = choice >> 2 == 63 ? KOMET_SECONDS(100000) : KOMET_MS(choice >> 2) * 50;
    if ((choice & 2) != 0 && deadline.us != KOMET_NEVER.us && deadline.us >= peer->rig->now.us) {
        us = deadline.us - peer->rig->now.us;
    }
    rig_pass(peer->rig, us, (choice & 1) == 0);
    if ((choice & 1) != 0 && choice > 0xF0) {
        peer->rig->utc.ms += INT64_C(86400000) * (choice - 0xF8) * 50; /* the calendar jumps */
    }
}

/* ---- deviations ---- */

static void say_raw(struct peer *peer, unsigned c)
{
    size_t size = peer_octet(peer);
    size = size < peer->script.size ? size : peer->script.size;
    peer_deliver(peer, c, peer->script.octets, size);
    peer->script.octets += size;
    peer->script.size -= size;
}

static void deviate(struct peer *peer, unsigned c)
{
    uint8_t frame[HEADER];
    uint8_t choice = peer_octet(peer);
    peer_connect(peer, c);
    if (choice < 192) {
        peer->spoil = spoil_of(&peer->script, choice);
    } else if (choice < 224) {
        spoil_u(&peer->script, frame);
        peer_deliver(peer, c, frame, sizeof frame);
    } else {
        say_raw(peer, c);
    }
}

/* How octets travel. */
static void change_path(struct peer *peer, unsigned c)
{
    uint8_t choice = peer_octet(peer);
    switch (choice % 4) {
    case 0:
        peer->rig->wires[c].stalled = true;
        peer->rig->wires[c].trickle = choice >> 2;
        return;
    case 1:
        release(peer, c);
        rig_drain(peer->rig);
        return;
    case 2:
        peer->cork[c].is = true;
        return;
    default:
        peer->piece = choice >> 2;
    }
}

/* ---- the host's steps ---- */

static void do_event(struct peer *peer, unsigned c)
{
    static const uint8_t told[] = {1, 2, 3, 4, 5, 15, 16, 19}; /* points that hold a number */
    for (unsigned i = 0; i <= c * 5; i++) {
        events_of_point(peer->rig, told[peer_octet(peer) % sizeof told], KOMET_COT_SPONTANEOUS);
    }
    rig_drain(peer->rig);
}

static void do_host(struct peer *peer, unsigned c)
{
    uint8_t choice = peer_octet(peer);
    unsigned from = choice >> 3;
    switch (choice % 8) {
    case 0:
    case 1:
        command_confirm(peer->rig, from, true);
        break;
    case 2:
        command_confirm(peer->rig, from, false);
        break;
    case 3:
    case 4:
        command_finish(peer->rig, from, choice % 8 == 3);
        break;
    case 5:
        command_answer_late(peer->rig);
        break;
    default:
        rig_scan(peer->rig, c, choice >> 5 & 1, (uint16_t)(choice >> 3 & 3),
                 choice % 8 == 6 ? KOMET_COT_PERIODIC : KOMET_COT_BACKGROUND);
        break;
    }
    rig_drain(peer->rig);
}

static void step(struct peer *peer)
{
    static const uint8_t system[] = {KOMET_C_IC_NA_1, KOMET_C_CI_NA_1, KOMET_C_CS_NA_1, KOMET_C_TS_NA_1,
                                     KOMET_C_RP_NA_1, KOMET_C_CD_NA_1, KOMET_C_TS_TA_1};
    uint8_t operation = peer_octet(peer);
    unsigned c = (operation >> 5) % CONNECTIONS;
    switch (operation % 32) {
    case 0:
        peer->cork[c].size = peer->cork[c].i_formats = 0;
        rig_connect(peer->rig, c);
        return;
    case 1:
        peer->cork[c].size = peer->cork[c].i_formats = 0;
        rig_disconnect(peer->rig, c);
        rig_drain(peer->rig);
        return;
    case 2:
        peer_send_u(peer, c, KOMET_U_STARTDT_ACT);
        return;
    case 3:
        peer_send_u(peer, c, KOMET_U_STOPDT_ACT);
        return;
    case 4:
        peer_send_u(peer, c, KOMET_U_TESTFR_ACT);
        return;
    case 5:
        attend(peer, c);
        return;
    case 6:
        peer_acknowledge(peer, c, 0);
        return;
    case 7:
        peer_acknowledge(peer, c, peer_octet(peer));
        return;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
        peer_send_system(peer, c, system[operation % 32 - 8]);
        return;
    case 15:
        peer_send_read(peer, c);
        return;
    case 16:
    case 17:
    case 18:
        peer_send_command(peer, c);
        return;
    case 19:
        peer_send_last(peer, c);
        return;
    case 20:
        peer_send_parameter(peer, c);
        return;
    case 21:
        peer_send_any(peer, c);
        return;
    case 22:
    case 23:
        do_event(peer, c);
        return;
    case 24:
    case 25:
        do_host(peer, c);
        return;
    case 26:
        pass_attentively(peer, KOMET_MS(peer_octet(peer)) * 40);
        return;
    case 27:
        pass_silently(peer);
        return;
    case 28:
        settle(peer);
        return;
    case 29:
        change_path(peer, c);
        return;
    default:
        deviate(peer, c);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    struct peer peer = {.script = {data, size}, .rig = &rig};
    uint8_t group_choice = peer_octet(&peer);
    rig_begin(&rig, group_choice, peer_octet(&peer));
    while (peer.script.size > 0) {
        step(&peer);
    }
    settle(&peer);
    return 0;
}
