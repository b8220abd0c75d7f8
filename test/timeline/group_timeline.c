/*
 * group_timeline: runs a script against the real redundancy group with its links. Frames stand in words: `S
 * 3`, `STARTDT act`, `I 0 0 event 7`, where event 7 is one ASDU of a kind that the runner makes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/group.h"

#include "asdu_words.h"
#include "stage.h"

struct runner {
    struct stage stage;
    struct komet_group_settings settings;
    struct komet_group *group;
    uint8_t cut[KOMET_GROUP_CONNECTIONS_MAX][KOMET_APDU_SIZE_MAX]; /* a sent frame that is not complete yet */
    size_t cut_size[KOMET_GROUP_CONNECTIONS_MAX];
    bool blocked[KOMET_GROUP_CONNECTIONS_MAX]; /* TCP takes no octets */
};

/* ---- events ---- */

enum { EVENT_SIZE = 14 };

/* Event N: a bit string of value N. */
static void write_event(uint8_t *octets, uint32_t number)
{
    const uint8_t event[EVENT_SIZE] = {
        KOMET_M_BO_NA_1, 1, KOMET_COT_SPONTANEOUS, 0, 1, 0, 1, 0, 0, (uint8_t)number, (uint8_t)(number >> 8)};
    memcpy(octets, event, sizeof event);
}

static void asdu_in_words(char *text, const uint8_t *octets, size_t size)
{
    uint8_t event[EVENT_SIZE];
    if (size == EVENT_SIZE) {
        uint32_t number = octets[9] | (uint32_t)octets[10] << 8;
        write_event(event, number);
        if (memcmp(octets, event, size) == 0) {
            snprintf(text, ASDU_WORDS_TEXT_SIZE, "event %u", (unsigned)number);
            return;
        }
    }
    asdu_text(text, &komet_profile_104, octets, size);
}

/* ---- what happens ---- */

static void note_frame(struct runner *r, unsigned c)
{
    struct komet_apdu apdu;
    size_t taken;
    char asdu[ASDU_WORDS_TEXT_SIZE];
    if (komet_apdu_decode(r->cut[c], r->cut_size[c], false, &apdu, &taken) != KOMET_OK) {
        script_fail(&r->stage.script, "what was sent is no frame");
    }
    switch (apdu.format) {
    case KOMET_FORMAT_I:
        asdu_in_words(asdu, apdu.asdu, apdu.asdu_size);
        stage_note(&r->stage, "send %u I %u %u %s", c, apdu.ns, apdu.nr, asdu);
        return;
    case KOMET_FORMAT_S:
        stage_note(&r->stage, "send %u S %u", c, apdu.nr);
        return;
    case KOMET_FORMAT_U:
        stage_note(&r->stage, "send %u %s", c, komet_u_function_name(apdu.function));
        return;
    }
}

static void note_sent(struct runner *r, unsigned c, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        r->cut[c][r->cut_size[c]++] = octets[i];
        if (r->cut_size[c] >= 2 && r->cut_size[c] == (size_t)r->cut[c][1] + 2) {
            note_frame(r, c);
            r->cut_size[c] = 0;
        }
    }
}

static void note_output(struct runner *r, const struct komet_group_output *output)
{
    char asdu[ASDU_WORDS_TEXT_SIZE];
    unsigned c = output->connection;
    switch (output->kind) {
    case KOMET_GROUP_OUT_STATE:
        stage_note(&r->stage, "state %u %s", c, komet_link_state_name(output->state));
        return;
    case KOMET_GROUP_OUT_ASDU:
        asdu_in_words(asdu, output->octets, output->size);
        stage_note(&r->stage, "asdu %u %s", c, asdu);
        komet_group_acknowledge(r->group, r->stage.now, c, output->received);
        return;
    case KOMET_GROUP_OUT_ACKNOWLEDGED:
        return; /* counter acknowledged says how far */
    case KOMET_GROUP_OUT_SEND:
        if (!r->blocked[c]) {
            note_sent(r, c, output->octets, output->size);
            komet_group_written(r->group, c, output->size);
        }
        return;
    case KOMET_GROUP_OUT_CLOSE:
        stage_note(&r->stage, "close %u %s", c, komet_reason_name(output->reason));
        return;
    }
}

static void drain(struct runner *r)
{
    struct komet_group_output output;
    while (komet_group_next(r->group, r->stage.now, &output)) {
        note_output(r, &output);
    }
}

/* ---- settings ---- */

static bool setting(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct komet_group_settings *settings = &r->settings;
    if (script_take(script, "connections")) {
        settings->connections = (unsigned)script_number(script, KOMET_GROUP_CONNECTIONS_MAX);
    } else if (script_take(script, "all-started")) {
        settings->mode = KOMET_GROUP_ALL_STARTED;
    } else if (script_take(script, "controlling")) {
        settings->link.role = KOMET_CONTROLLING;
    } else if (script_take(script, "start-when-told")) {
        settings->start_when_told = true;
    } else if (script_take(script, "buffer")) {
        settings->buffer_size = script_number(script, 1000000);
    } else if (script_take(script, "full-refuses")) {
        settings->full = KOMET_GROUP_REFUSE;
    } else if (script_take(script, "k")) {
        settings->link.k = (uint16_t)script_number(script, 32767);
        settings->link.w = settings->link.w > settings->link.k ? settings->link.k : settings->link.w;
    } else if (script_take(script, "t1")) {
        settings->link.t1_us = script_duration(script);
    } else if (script_take(script, "t2")) {
        settings->link.t2_us = script_duration(script);
    } else if (script_take(script, "t3")) {
        settings->link.t3_us = script_duration(script);
    } else {
        return false;
    }
    return true;
}

static void begin(struct stage *stage)
{
    struct runner *r = stage->context;
    const char *fault = komet_group_settings_fault(&r->settings);
    if (fault != NULL) {
        script_fail(&stage->script, "%s", fault);
    }
    size_t size = komet_group_size(&r->settings);
    r->group = komet_group_init(malloc(size), size, &r->settings);
}

/* ---- the words of the language ---- */

static unsigned connection_word(struct runner *r)
{
    return (unsigned)script_number(&r->stage.script, r->settings.connections - 1);
}

/* "S NR", "I NS NR ASDU", "STARTDT act": what the peer sends. */
static size_t peer_frame(struct runner *r, uint8_t *octets)
{
    static const enum komet_u_function functions[] = {
        KOMET_U_STARTDT_ACT, KOMET_U_STARTDT_CON, KOMET_U_STOPDT_ACT, KOMET_U_TESTFR_ACT, KOMET_U_TESTFR_CON};
    struct script *script = &r->stage.script;
    if (script_take(script, "S")) {
        komet_apdu_encode_s(octets, (uint16_t)script_number(script, 32767));
        return KOMET_APDU_HEADER_SIZE;
    }
    if (script_take(script, "I")) {
        uint16_t ns = (uint16_t)script_number(script, 32767);
        uint16_t nr = (uint16_t)script_number(script, 32767);
        size_t size = script_asdu(script, &komet_profile_104, octets + KOMET_APDU_HEADER_SIZE);
        komet_apdu_encode_i(octets, ns, nr, size);
        return KOMET_APDU_HEADER_SIZE + size;
    }
    char name[40] = "";
    const char *first = script_word(script), *second = script_word(script);
    snprintf(name, sizeof name, "%s %s", first != NULL ? first : "", second != NULL ? second : "");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(name, komet_u_function_name(functions[i])) == 0) {
            komet_apdu_encode_u(octets, functions[i]);
            return KOMET_APDU_HEADER_SIZE;
        }
    }
    script_fail(script, "'%s' is no frame: S NR, I NS NR ASDU, or a function such as STARTDT act", name);
}

static void do_receive(struct runner *r)
{
    uint8_t octets[KOMET_APDU_SIZE_MAX];
    unsigned c = connection_word(r);
    size_t size = peer_frame(r, octets);
    for (size_t at = 0; at < size;) {
        at += komet_group_feed(r->group, r->stage.now, c, octets + at, size - at);
        drain(r);
    }
}

/* event 5, or events 5 .. 9 */
static void do_event(struct runner *r)
{
    uint8_t octets[EVENT_SIZE];
    uint64_t first = script_number(&r->stage.script, 65535);
    uint64_t last = script_take(&r->stage.script, "..") ? script_number(&r->stage.script, 65535) : first;
    for (uint64_t n = first; n <= last; n++) {
        write_event(octets, (uint32_t)n);
        if (!komet_group_event(r->group, octets, sizeof octets)) {
            stage_note(&r->stage, "refused %u", (unsigned)n);
        }
    }
}

static bool action(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    if (script_take(script, "connect")) {
        unsigned c = connection_word(r);
        komet_group_connected(r->group, stage->now, c);
        r->cut_size[c] = 0;
    } else if (script_take(script, "start")) {
        komet_group_start(r->group, stage->now, connection_word(r));
    } else if (script_take(script, "lose")) {
        komet_group_closed(r->group, stage->now, connection_word(r));
    } else if (script_take(script, "receive")) {
        do_receive(r);
    } else if (script_take(script, "event")) {
        do_event(r);
    } else if (script_take(script, "asdu")) { /* into the buffer of events */
        komet_group_event(r->group, octets, script_asdu(script, &komet_profile_104, octets));
    } else if (script_take(script, "answer")) {
        unsigned c = connection_word(r);
        size_t size = script_asdu(script, &komet_profile_104, octets);
        if (!komet_group_send(r->group, stage->now, c, octets, size)) {
            stage_note(stage, "no-room %u", c);
        }
    } else if (script_take(script, "forget")) {
        komet_group_forget_events(r->group);
    } else if (script_take(script, "block")) {
        r->blocked[connection_word(r)] = true;
    } else if (script_take(script, "unblock")) {
        unsigned c = connection_word(r);
        r->blocked[c] = false;
        komet_group_writable(r->group, c);
    } else {
        return false;
    }
    drain(r);
    return true;
}

static bool expect_now(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct komet_group_counters counters = komet_group_counters(r->group);
    if (script_take(script, "carrier")) {
        unsigned carrier = komet_group_carrier(r->group);
        if (script_take(script, "none")) {
            if (carrier != KOMET_GROUP_CONNECTIONS_MAX) {
                script_fail(script, "the carrier is %u", carrier);
            }
            return true;
        }
        stage_expect_number(stage, "carrier", carrier);
    } else if (script_take(script, "acknowledged")) {
        stage_expect_number(stage, "acknowledged", counters.events_acknowledged);
    } else if (script_take(script, "waiting")) {
        stage_expect_number(stage, "waiting", counters.events_waiting);
    } else if (script_take(script, "lost")) {
        stage_expect_number(stage, "lost", counters.events_lost);
    } else if (script_take(script, "repeated")) {
        stage_expect_number(stage, "repeated", counters.events_repeated);
    } else {
        return false;
    }
    return true;
}

static bool expected(struct stage *stage, char *text)
{
    struct script *script = &stage->script;
    const char *word = script_word(script);
    size_t used = (size_t)snprintf(text, STAGE_TEXT_SIZE, "%s", word != NULL ? word : "");
    while (script_peek(script) != NULL && used < STAGE_TEXT_SIZE) {
        used += (size_t)snprintf(text + used, STAGE_TEXT_SIZE - used, " %s", script_word(script));
    }
    return word != NULL;
}

static struct komet_instant deadline(const struct stage *stage)
{
    const struct runner *r = stage->context;
    return komet_group_deadline(r->group);
}

static void tick(struct stage *stage)
{
    struct runner *r = stage->context;
    komet_group_tick(r->group, stage->now);
    drain(r);
}

int main(int argc, char **argv)
{
    static const struct stage_engine engine = {
        .setting = setting,
        .begin = begin,
        .action = action,
        .expect_now = expect_now,
        .expected = expected,
        .deadline = deadline,
        .tick = tick,
        .expectations =
            "send C FRAME, asdu C ASDU, state C NAME, close C REASON, refused N, no-room C, carrier C, "
            "acknowledged N, waiting N, lost N, repeated N",
    };
    static struct runner runner = {.stage = {.engine = &engine, .context = &runner}};
    runner.settings = (struct komet_group_settings){
        .link = komet_link_settings_standard(KOMET_CONTROLLED), .connections = 2, .buffer_size = 4096};
    int status = stage_run(&runner.stage, argc, argv);
    free(runner.group);
    return status;
}
