/*
 * link_timeline: runs a script against the real link engine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/link.h"

#include "stage.h"

enum { FEED_MAX = 300 };

struct runner {
    struct stage stage;
    struct komet_link_settings settings;
    bool acknowledge_by_script;
    bool octet_by_octet;
    bool output_blocked;
    struct komet_link *link;
    uint64_t peer_sent; /* I formats that the script sent */
    uint64_t ours_seen; /* I formats that left the link */
    uint64_t ours_expected;
    uint8_t cut[KOMET_APDU_SIZE_MAX]; /* a sent frame that is not complete yet */
    size_t cut_size;
};

/* Interrogation of station 1: stands for any ASDU. */
static const uint8_t standard_asdu[] = {0x64, 1, 6, 0, 1, 0, 0, 0, 0, 0x14};

/* ---- what happens ---- */

static void note_sent(struct runner *r, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        r->cut[r->cut_size++] = octets[i];
        if (r->cut_size >= 2 && r->cut_size == (size_t)r->cut[1] + 2) {
            stage_note_hex(&r->stage, "send", r->cut, r->cut_size);
            r->ours_seen += (r->cut[2] & 1) == 0;
            r->cut_size = 0;
        }
    }
}

static void note_output(struct runner *r, const struct komet_link_output *output)
{
    switch (output->kind) {
    case KOMET_LINK_OUT_STATE:
        stage_note(&r->stage, "state %s", komet_link_state_name(output->state));
        return;
    case KOMET_LINK_OUT_ASDU:
        stage_note_hex(&r->stage, output->cf3_mark ? "marked-asdu" : "asdu", output->octets, output->size);
        if (!r->acknowledge_by_script) {
            komet_link_acknowledge(r->link, r->stage.now, output->received);
        }
        return;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        stage_note(&r->stage, "acknowledged %llu", (unsigned long long)output->acknowledged);
        return;
    case KOMET_LINK_OUT_SEND:
        note_sent(r, output->octets, output->size);
        komet_link_written(r->link, output->size);
        return;
    case KOMET_LINK_OUT_CLOSE:
        stage_note(&r->stage, "close %s", komet_reason_name(output->reason));
        return;
    }
}

static void drain(struct runner *r)
{
    struct komet_link_output output;
    while (komet_link_next(r->link, r->stage.now, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND && r->output_blocked) {
            return;
        }
        note_output(r, &output);
    }
}

/* ---- frames in the script ---- */

/* "STARTDT act" and so on; false when the next word is no function. */
static bool u_frame(struct runner *r, uint8_t *octets)
{
    static const enum komet_u_function functions[] = {KOMET_U_STARTDT_ACT, KOMET_U_STARTDT_CON,
                                                      KOMET_U_STOPDT_ACT,  KOMET_U_STOPDT_CON,
                                                      KOMET_U_TESTFR_ACT,  KOMET_U_TESTFR_CON};
    const char *word = script_peek(&r->stage.script);
    if (word == NULL ||
        (strcmp(word, "STARTDT") != 0 && strcmp(word, "STOPDT") != 0 && strcmp(word, "TESTFR") != 0)) {
        return false;
    }
    char name[32];
    script_word(&r->stage.script);
    const char *kind = script_word(&r->stage.script);
    snprintf(name, sizeof name, "%s %s", word, kind != NULL ? kind : "");
    for (size_t i = 0; i < 6; i++) {
        if (strcmp(name, komet_u_function_name(functions[i])) == 0) {
            komet_apdu_encode_u(octets, functions[i]);
            return true;
        }
    }
    script_fail(&r->stage.script, "'%s' is no function of the U format", name);
}

static uint16_t number_or(struct runner *r, uint64_t otherwise)
{
    if (script_peek(&r->stage.script) == NULL) {
        return (uint16_t)(otherwise % KOMET_SEQUENCE_MODULUS);
    }
    return (uint16_t)script_number(&r->stage.script, KOMET_SEQUENCE_MODULUS - 1);
}

/* A frame: "I NS NR", "S NR", a function, or octets. `ns` and `nr` are what stands for missing numbers. */
static size_t frame(struct runner *r, uint8_t *octets, uint64_t ns, uint64_t nr)
{
    size_t size = KOMET_APDU_HEADER_SIZE;
    if (script_take(&r->stage.script, "I")) {
        uint16_t first = number_or(r, ns);
        komet_apdu_encode_i(octets, first, number_or(r, nr), sizeof standard_asdu);
        memcpy(octets + size, standard_asdu, sizeof standard_asdu);
        size += sizeof standard_asdu;
    } else if (script_take(&r->stage.script, "S")) {
        komet_apdu_encode_s(octets, number_or(r, nr));
    } else if (!u_frame(r, octets)) {
        size = script_octets(&r->stage.script, octets, FEED_MAX);
        if (size == 0) {
            script_fail(&r->stage.script,
                        "a frame is missing: I, S, a function such as TESTFR act, or octets");
        }
    }
    script_end_of_line(&r->stage.script);
    return size;
}

/* ---- the words of the language ---- */

static void do_receive(struct runner *r)
{
    uint8_t octets[FEED_MAX];
    size_t size = frame(r, octets, r->peer_sent, r->settings.first_vs + r->ours_seen);
    r->peer_sent += size > KOMET_APDU_HEADER_SIZE && octets[0] == KOMET_APDU_START && (octets[2] & 1) == 0;
    for (size_t taken = 0; taken < size;) {
        size_t part = r->octet_by_octet ? 1 : size - taken;
        taken += komet_link_feed(r->link, r->stage.now, octets + taken, part);
        drain(r);
    }
}

static void do_send(struct runner *r)
{
    bool refused = script_take(&r->stage.script, "refused");
    uint64_t count =
        refused || script_peek(&r->stage.script) == NULL ? 1 : script_number(&r->stage.script, 32767);
    script_end_of_line(&r->stage.script);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *place = komet_link_reserve(r->link);
        if ((place == NULL) != refused) {
            script_fail(&r->stage.script, refused ? "the link takes an I format, and should refuse it"
                                                  : "the link has no room for an I format");
        }
        if (place != NULL) {
            memcpy(place, standard_asdu, sizeof standard_asdu);
            komet_link_commit(r->link, r->stage.now, sizeof standard_asdu);
        }
    }
    drain(r);
}

static void do_close(struct runner *r)
{
    const char *word = script_word(&r->stage.script);
    for (unsigned reason = 1; word != NULL && reason < KOMET_REASON_COUNT; reason++) {
        if (strcmp(word, komet_reason_name((enum komet_reason)reason)) == 0) {
            komet_link_close(r->link, (enum komet_reason)reason);
            drain(r);
            return;
        }
    }
    script_fail(&r->stage.script, "'%s' is no reason", word != NULL ? word : "");
}

/* The text of the event that the line expects. */
static bool expected(struct stage *stage, char *text)
{
    struct runner *r = stage->context;
    uint8_t octets[FEED_MAX];
    if (script_take(&r->stage.script, "send")) {
        size_t size = frame(r, octets, r->settings.first_vs + r->ours_expected, r->peer_sent);
        r->ours_expected += (octets[2] & 1) == 0;
        stage_hex(text, "send", octets, size);
        return true;
    }
    const char *word = script_word(&r->stage.script);
    if (word != NULL && (strcmp(word, "asdu") == 0 || strcmp(word, "marked-asdu") == 0)) {
        size_t size = script_octets(&r->stage.script, octets, KOMET_ASDU_SIZE_MAX);
        stage_hex(text, word, size > 0 ? octets : standard_asdu, size > 0 ? size : sizeof standard_asdu);
        return true;
    }
    if (word != NULL && strcmp(word, "acknowledged") == 0 && script_peek(&r->stage.script) == NULL) {
        snprintf(text, STAGE_TEXT_SIZE, "acknowledged %llu", (unsigned long long)r->ours_expected);
        return true;
    }
    const char *argument = script_word(&r->stage.script);
    bool known = word != NULL && (strcmp(word, "state") == 0 || strcmp(word, "close") == 0 ||
                                  strcmp(word, "acknowledged") == 0);
    if (!known || argument == NULL) {
        return false;
    }
    snprintf(text, STAGE_TEXT_SIZE, "%s %s", word, argument);
    return true;
}

static bool expect_now(struct stage *stage)
{
    struct runner *r = stage->context;
    struct komet_link_counters counters;
    if (script_take(&stage->script, "settings-refused")) {
        return true; /* begin has looked */
    }
    komet_link_counters(r->link, &counters);
    if (script_take(&stage->script, "room")) {
        stage_expect_number(stage, "room", komet_link_room(r->link));
    } else if (script_take(&stage->script, "open")) { /* received, and not acknowledged to the peer */
        stage_expect_number(stage, "open", counters.unacknowledged_received);
    } else {
        return false;
    }
    return true;
}

static bool setting(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct komet_link_settings *settings = &r->settings;
    if (script_take(script, "role")) {
        if (script_take(script, "controlling")) {
            settings->role = KOMET_CONTROLLING;
        } else if (!script_take(script, "controlled")) {
            script_fail(script, "a role is controlling or controlled");
        }
    } else if (script_take(script, "k")) {
        settings->k = (uint16_t)script_number(script, UINT16_MAX);
        settings->w = settings->w > settings->k ? settings->k : settings->w;
    } else if (script_take(script, "w")) {
        settings->w = (uint16_t)script_number(script, UINT16_MAX);
    } else if (script_take(script, "t1")) {
        settings->t1_us = script_duration(script);
    } else if (script_take(script, "t2")) {
        settings->t2_us = script_duration(script);
    } else if (script_take(script, "t3")) {
        settings->t3_us = script_duration(script);
    } else if (script_take(script, "first-vs")) {
        settings->first_vs = (uint16_t)script_number(script, UINT16_MAX);
    } else if (script_take(script, "output")) {
        settings->output_size = script_number(script, 1000000);
    } else if (script_take(script, "cf3-mark")) {
        settings->tolerate_cf3_mark = script_take(script, "tolerated");
    } else if (script_take(script, "acknowledge-by-script")) {
        r->acknowledge_by_script = true;
    } else if (script_take(script, "octet-by-octet")) {
        r->octet_by_octet = true;
    } else {
        return false;
    }
    return true;
}

static void connect(struct runner *r)
{
    const char *fault = komet_link_settings_fault(&r->settings);
    if (fault != NULL) {
        script_fail(&r->stage.script, "%s", fault);
    }
    size_t size = komet_link_size(&r->settings);
    free(r->link);
    r->link = komet_link_init(malloc(size), size, &r->settings, r->stage.now);
    r->peer_sent = r->ours_seen = r->ours_expected = r->cut_size = 0;
}

/* `expect settings-refused` as the first action: nothing else follows it. */
static void begin(struct stage *stage)
{
    struct runner *r = stage->context;
    if (strcmp(stage->script.words[stage->script.word_count - 1], "settings-refused") != 0) {
        connect(r);
    } else if (komet_link_settings_fault(&r->settings) == NULL) {
        script_fail(&stage->script, "these settings are usable");
    }
}

static bool action(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    if (script_take(script, "receive")) {
        do_receive(r);
    } else if (script_take(script, "send")) {
        do_send(r);
    } else if (script_take(script, "close")) {
        do_close(r);
    } else if (script_take(script, "start")) {
        komet_link_start(r->link, stage->now);
    } else if (script_take(script, "stop")) {
        komet_link_stop(r->link, stage->now);
    } else if (script_take(script, "test")) {
        komet_link_test(r->link, stage->now);
    } else if (script_take(script, "acknowledge")) {
        komet_link_acknowledge(r->link, stage->now, script_number(script, UINT64_MAX));
    } else if (script_take(script, "connect")) {
        connect(r);
    } else if (script_take(script, "block")) {
        r->output_blocked = true;
    } else if (script_take(script, "unblock")) {
        r->output_blocked = false;
    } else {
        return false;
    }
    drain(r);
    return true;
}

static struct komet_instant deadline(const struct stage *stage)
{
    const struct runner *r = stage->context;
    return komet_link_deadline(r->link);
}

static void tick(struct stage *stage)
{
    struct runner *r = stage->context;
    komet_link_tick(r->link, stage->now);
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
        .expectations = "send FRAME, asdu, state NAME, acknowledged N, close REASON, room N, open N",
    };
    static struct runner runner = {.stage = {.engine = &engine, .context = &runner}};
    runner.settings = komet_link_settings_standard(KOMET_CONTROLLED);
    int status = stage_run(&runner.stage, argc, argv);
    free(runner.link);
    return status;
}
